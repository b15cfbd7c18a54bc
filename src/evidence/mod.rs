//! Who says what about a digest?
//!
//! One producer of claims for each format. A producer checks signatures, certificates and logs, and knows no rules; a rule sees claims, and parses no evidence.

mod claim;
pub(crate) mod cosign;
pub mod manifest;
pub(crate) mod policy_server;

pub use claim::{Claim, Signer, Source, without_reference};
pub use cosign::Unusable;
