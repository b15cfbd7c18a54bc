//! Where is the evidence for an image, and how does the policy get to see it?
//!
//! A policy can read manifests and no blobs. So this crate finds everything that somebody signed about an image, and writes it into one manifest beside the
//! image: the evidence manifest (`docs/evidence.md`). It proves nothing, and leaves nothing out because it looks wrong: that is for the policy to say.

pub mod bundle;
#[cfg(feature = "registry")]
pub mod find;
pub mod layout;
pub mod manifest;
#[cfg(feature = "registry")]
pub mod push;
#[cfg(feature = "registry")]
pub mod registry;
