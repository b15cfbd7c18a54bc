//! What does the format of cosign 1 and 2 hold?
//!
//! The format (cosign, "Signature Specification") is a manifest under the tag `sha256-<hex>.sig`, with one layer for each signature. Each signature covers a document in
//! the simple signing format.

mod manifest;
mod payload;

pub use manifest::Unusable;
pub(crate) use manifest::{Attachment, Layer, Signatures, Unread, attachment, layer, signature_tag};
pub(crate) use payload::{Payload, SimpleSigning, repository_name};
