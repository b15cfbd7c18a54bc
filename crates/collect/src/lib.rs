//! Where is the evidence for an image, and how can the policy read it?
//!
//! A policy can read manifests, but not blobs. So this crate finds all signatures and attestations of an image, and writes them into one manifest beside the image: the
//! evidence manifest (`docs/reference/evidence.md`). It verifies nothing. It leaves nothing out because it looks wrong, for only the policy decides that.

pub mod bundle;
#[cfg(feature = "registry")]
pub mod find;
pub mod layout;
pub mod manifest;
#[cfg(feature = "registry")]
pub mod notary;
#[cfg(feature = "registry")]
pub mod push;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "registry")]
pub mod revocation;
