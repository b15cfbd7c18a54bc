//! What do cosign's signatures look like, beside the image that they are for, and what do they prove?
//!
//! Knows the formats and the checks on one signature; who has to have signed is `prove`'s.

mod authority;
mod certificate;
mod evidence;
mod log;
mod manifest;
mod payload;
mod step;
mod timestamp;
mod trusted_root;

pub use certificate::GITHUB;
pub(super) use certificate::Leaf;
pub(super) use evidence::{Demands, Evidence};
pub use manifest::Unusable;
pub(super) use manifest::{Layer, Signatures, Unread, signature_tag};
pub(super) use payload::{Payload, repository_name};
pub use step::Step;
pub use trusted_root::{Authorities, Origin, PUBLIC_GOOD_DATE, TrustedRoot, TrustedRootError};
