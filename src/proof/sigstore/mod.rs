//! What do cosign's signatures look like, beside the image that they are for?
//!
//! Knows the formats; who has to have signed is `prove`'s.

mod manifest;
mod payload;

pub use manifest::Unusable;
pub(super) use manifest::{Layer, Signatures, Unread, signature_tag};
pub(super) use payload::{Payload, repository_name};
