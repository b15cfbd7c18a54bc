//! What do cosign's signatures beside an image prove?
//!
//! The format of cosign 1 and 2 (cosign, "Signature Specification"): a manifest under the tag `sha256-<hex>.sig`, one layer a signature, each over a document
//! in the simple signing format.

mod manifest;
mod payload;

pub use manifest::Unusable;
pub(crate) use manifest::{Layer, Signatures, Unread, layer, signature_tag};
pub(crate) use payload::{Payload, SimpleSigning, repository_name};
