//! What the tests, the fuzz targets, the demo and the benchmarks share: registries, signers, fake hosts, the corpus.

pub mod checkout;
pub mod conformance;
pub mod corpus;
pub mod faults;
pub mod guests;
pub mod host;
pub mod http;
pub mod key_order;
pub mod laws;
#[cfg(feature = "loopback")]
pub mod loopback;
pub mod mint;
pub mod registry;
#[cfg(feature = "loopback")]
mod server;
pub mod session;
#[cfg(feature = "loopback")]
pub mod sigstore_services;
pub mod suite;
