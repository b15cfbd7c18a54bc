//! Proves who signed a container image before a cluster runs it.
//!
//! `image-trust` is a Kubewarden policy. An admission request comes in; every image in it is matched with a rule; what the rule wants proven is looked
//! for beside the image, and asked of the host; and the request goes out denied with a reason, or admitted with every tag pinned to the digest that was proven. This crate is that
//! decision as a plain function; the `guest` feature adds what a waPC host calls.
//!
//! [`review::review`] is the story; read it first. [`answer`] wraps it in the host's JSON:
//!
//! ```
//! use std::{collections::BTreeMap, time::Duration};
//! use image_trust::{
//!     answer, host::{Clock, Cluster, HostError, ObjectName, Permission, Registry, Sigstore}, image::Digest, signing::PublicKey, time::UnixTime,
//! };
//!
//! /// A host that nothing has to be asked of.
//! struct Nobody;
//! impl Registry for Nobody {
//!     fn digest(&self, _: &str) -> Result<Digest, HostError> {
//!         Err(HostError::of_registry("not reached: a static rule decides"))
//!     }
//!     fn manifest(&self, _: &str) -> Result<Vec<u8>, HostError> {
//!         Err(HostError::of_registry("not reached either"))
//!     }
//!     fn config(&self, _: &str) -> Result<Vec<u8>, HostError> {
//!         Err(HostError::of_registry("nor is this"))
//!     }
//! }
//! impl Sigstore for Nobody {
//!     fn verify(&self, _: &str, _: &PublicKey, _: &BTreeMap<String, String>) -> Result<Digest, HostError> {
//!         Err(HostError::of_verification("nor is this"))
//!     }
//! }
//! impl Cluster for Nobody {
//!     fn object(&self, _: &ObjectName<'_>) -> Result<Vec<u8>, HostError> {
//!         Err(HostError::of_cluster("nor this"))
//!     }
//!     fn may(&self, _: &Permission<'_>) -> Result<bool, HostError> {
//!         Err(HostError::of_cluster("nor this"))
//!     }
//! }
//! impl Clock for Nobody {
//!     fn elapsed(&self) -> Duration {
//!         Duration::ZERO
//!     }
//!     fn now(&self) -> UnixTime {
//!         UnixTime::default()
//!     }
//! }
//!
//! let payload = br#"{
//!     "settings": {
//!         "validators": [{"name": "allow", "type": "static", "approve": true}],
//!         "policy": [{"pattern": "registry.k8s.io/*:*", "validator": "allow"}]
//!     },
//!     "request": {
//!         "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE",
//!         "object": {"spec": {"containers": [{"name": "web", "image": "evil.io/registry.k8s.io/pause:3.9"}]}}
//!     }
//! }"#;
//! let response = serde_json::to_value(answer::validate(payload, &Nobody))?;
//! assert_eq!(response["accepted"], false);
//! assert_eq!(response["code"], 403);
//! # Ok::<(), serde_json::Error>(())
//! ```

// Whatever comes in, nothing panics: the module has nothing to unwind with.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod answer;
pub mod condition;
pub mod evidence;
pub mod explain;
pub mod glob;
#[cfg(feature = "guest")]
mod guest;
pub mod host;
pub mod image;
pub mod json;
pub mod kubernetes;
mod ordered;
pub mod policy;
pub mod report;
pub mod review;
pub mod signing;
pub mod sigstore;
pub mod text;
pub mod time;
pub mod verdict;
pub mod verify;

pub use image::{Digest, ImageRef, ReferenceError};
pub use kubernetes::Request;
pub use policy::{Policy, Problem};
pub use report::Response;
pub use review::review;
pub use signing::PublicKey;
pub use verdict::{Denial, Reason, Review, Verdict};
pub use verify::{Requirement, TrustRoot, Verified};
