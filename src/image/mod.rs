//! What is an image called?
//!
//! Names only: references, their canonical form and sha256 digests. Nothing here knows a rule, a registry's answer or Kubernetes.

mod digest;
mod reference;

pub use digest::{Digest, DigestError};
pub(crate) use reference::{
    DOCKER_HUB, DOCKER_HUB_OLD, MAX_NAME, MAX_TAG, canonical_registry, cut, is_registry, split_tag,
};
pub use reference::{ImageRef, ReferenceError};
