//! Who says what about a digest?
//!
//! Each format has one producer of claims. A producer checks signatures, certificates and logs, and knows no rules. A rule sees only claims, and parses no evidence.

mod bundle;
mod claim;
pub(crate) mod cosign;
mod document;
mod envelope;
pub mod manifest;
pub mod notary_v1;
pub mod notation;
pub(crate) mod policy_server;
mod signature;
mod statement;
mod subject;
#[cfg(test)]
mod tests;

pub use bundle::BundleError;
pub use claim::{Claim, Signer, Source, without_reference};
pub use cosign::Unusable;
pub use document::NoSignature;
pub(crate) use document::{Attestation, Document, SignatureDocument};
pub use manifest::{ItemError, UnusableEvidence};
pub(crate) use signature::{ByCertificate, CertificateTerms, Signature};
pub(crate) use statement::COSIGN_SIGN;
pub use statement::StatementError;
pub(crate) use subject::Subject;
