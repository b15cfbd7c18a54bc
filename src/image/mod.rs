//! What is an image called?
//!
//! Names only: references, their canonical form and sha256 digests. Nothing here knows a rule, a registry's answer or Kubernetes.

mod digest;
mod error;
mod reference;

pub(crate) use digest::hex;
pub use digest::{Digest, DigestError};
pub(crate) use error::MAX_TEXT;
pub use error::ReferenceError;
pub use error::{MAX_NAME, MAX_TAG};
pub use reference::{DOCKER_HUB, ImageRef};
pub(crate) use reference::{DOCKER_HUB_OLD, canonical_registry, cut, is_registry, split_tag};
