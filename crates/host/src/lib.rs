//! Runs the policy's `.wasm` the way policy-server does, on a laptop and in CI.
//!
//! [`Policy`] is the module: compiled once, a fresh instance per request. What it may ask of its host goes through a [`Gate`] to whoever
//! knows the [`Answers`]: registries and a folder of manifests ([`Live`]), a recorded session ([`Replay`]), or any type of a test's own.
//!
//! ```no_run
//! use std::{path::Path, sync::Arc};
//! use image_trust_host::{AdmissionRequest, Deadline, Gate, Policy, Replay};
//!
//! let policy = Policy::load(Path::new("policy.wasm"))?;
//! let request = AdmissionRequest::from_json(&std::fs::read_to_string("pod.json")?)?;
//! let session = Arc::new(Replay::from_file(Path::new("session.yml"))?);
//! let host = Arc::new(Gate::new(session.clone()));
//! let evaluation = policy.evaluate(&request, &serde_json::json!({}), host, Deadline::default())?;
//! assert!(evaluation.response.allowed && session.leftovers().is_empty());
//! # anyhow::Ok(())
//! ```

mod admission;
mod allowed;
mod annotate;
mod cache;
mod capabilities;
mod cluster;
mod host_request;
mod journal;
mod live;
mod memo;
mod metadata;
mod policy;
mod registry;
mod replay;
mod response;
mod sigstore;
mod sources;
mod wasm;

pub use admission::{AdmissionRequest, GroupVersionKind, GroupVersionResource, UserInfo};
pub use allowed::{AllowedCapabilities, BadCapability, CapabilityPattern};
pub use annotate::annotate;
pub use cache::Cached;
pub use capabilities::{Answers, ContextAwareResource, Gate, HostCapabilities};
pub use cluster::Cluster;
pub use host_request::{
    BadRequest, CertificateEncoding, CertificateVerification, EncodedCertificate, HostRequest, KeylessIdentity,
    KeylessPrefix, ResourceAttributes, SubjectAccessReview,
};
pub use journal::HostCall;
pub use live::{Live, LiveConfig};
pub use memo::Memo;
pub use metadata::{ExecutionMode, Metadata, Operation, PolicyType, Rule};
pub use policy::{Evaluation, Policy};
pub use registry::{Credentials, Route};
pub use replay::{Recorder, Replay};
pub use response::{AdmissionResponse, Status, ValidationResponse};
pub use sources::{Certificate, Proxies, Sources};
pub use wasm::Deadline;
