//! The real module against what others made: images signed by real cosign, in a real registry, and in ours.
//!
//! What needs third-party programs runs where `scripts/test-tools` could gather them, and says so where it could not.

mod attacks;
mod attestations;
mod attester;
mod bundles;
mod collected;
mod docker_registry;
mod failures;
mod keyless;
mod logged;
mod lying;
mod notary;
mod notation;
mod ocsp;
mod policy;
mod presets;
mod private;
mod registries;
mod samples;
mod shapes;
mod signatures;
mod signer;
mod tls;
mod told;
mod tools;
mod workloads;
