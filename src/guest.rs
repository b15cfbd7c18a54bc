//! How does this policy talk to Kubewarden?
//!
//! The only module that knows waPC and the SDK: it registers the three functions that hosts call, and asks the host what [`crate::host`] describes.
//! It holds no decision. It never prints: the guest's standard output is the host's.

mod host_call;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use kubewarden_policy_sdk::{protocol_version_guest, settings::SettingsValidationResponse};
use serde::Serialize;
use wapc_guest::{CallResult, register_function};

use crate::{
    answer,
    host::{
        Clock, Cluster, HostError, ObjectName, Permission, Registry, Sigstore, read_config, read_digest,
        read_permission, read_verification,
    },
    image::Digest,
    report::Level,
    signing::PublicKey,
    time::UnixTime,
};
use host_call::{NoAnswer, host_call};

/// Called by the host before anything else.
#[allow(unsafe_code, reason = "waPC asks for the symbol")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

fn validate(payload: &[u8]) -> CallResult {
    let response = answer::validate(payload, &Kubewarden { since: Instant::now() });
    for (level, message) in response.log() {
        log(*level, message);
    }
    Ok(serde_json::to_vec(&response)?)
}

fn validate_settings(payload: &[u8]) -> CallResult {
    let message = answer::validate_settings(payload).err();
    Ok(serde_json::to_vec(&SettingsValidationResponse { valid: message.is_none(), message })?)
}

/// The host behind real host calls.
struct Kubewarden {
    since: Instant,
}

impl Sigstore for Kubewarden {
    fn verify(
        &self,
        image: &str,
        key: &PublicKey,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Digest, HostError> {
        /// The SDK has the same, and would not tell the host's errors from an answer that can't be read.
        #[derive(Serialize)]
        #[serde(tag = "type")]
        enum Question<'a> {
            SigstorePubKeyVerify {
                image: &'a str,
                pub_keys: [String; 1],
                annotations: Option<&'a BTreeMap<String, String>>,
            },
        }
        let annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
        let question = Question::SigstorePubKeyVerify { image, pub_keys: [key.pem()], annotations };
        read_verification(&ask("oci", "v2/verify", &question, HostError::of_verification)?)
    }
}

impl Registry for Kubewarden {
    fn digest(&self, image: &str) -> Result<Digest, HostError> {
        read_digest(&ask("oci", "v1/manifest_digest", &image, HostError::of_registry)?)
    }

    // As bytes: the SDK would put them into types for images, which not everything beside an image fits into.
    fn manifest(&self, image: &str) -> Result<Vec<u8>, HostError> {
        ask("oci", "v1/oci_manifest", &image, HostError::of_registry)
    }

    fn config(&self, image: &str) -> Result<Vec<u8>, HostError> {
        read_config(&ask("oci", "v1/oci_manifest_config", &image, HostError::of_registry)?)
    }
}

impl Cluster for Kubewarden {
    fn object(&self, name: &ObjectName<'_>) -> Result<Vec<u8>, HostError> {
        /// The SDK has the same, behind a feature that brings its own copy of all Kubernetes types.
        #[derive(Serialize)]
        struct Question<'a> {
            api_version: &'a str,
            kind: &'a str,
            name: &'a str,
            namespace: &'a str,
            disable_cache: bool,
        }
        let ObjectName { api_version, kind, namespace, name } = *name;
        // What the host remembers may be older than the object that is asked for.
        let question = Question { api_version, kind, name, namespace, disable_cache: true };
        ask("kubernetes", "get_resource", &question, HostError::of_cluster)
    }

    fn may(&self, permission: &Permission<'_>) -> Result<bool, HostError> {
        // The same as in the SDK.
        #[derive(Serialize)]
        struct Question<'a> {
            subject_access_review: SubjectAccessReview<'a>,
            disable_cache: bool,
        }
        #[derive(Serialize)]
        struct SubjectAccessReview<'a> {
            groups: &'a [String],
            resource_attributes: ResourceAttributes<'a>,
            user: &'a str,
        }
        #[derive(Serialize)]
        struct ResourceAttributes<'a> {
            group: &'a str,
            namespace: Option<&'a str>,
            resource: &'a str,
            verb: &'a str,
        }
        let Permission { user, groups, verb, api_group: group, resource, namespace } = *permission;
        let resource_attributes = ResourceAttributes { group, namespace, resource, verb };
        let subject_access_review = SubjectAccessReview { groups, resource_attributes, user };
        // A permission that was taken away counts at once.
        let question = Question { subject_access_review, disable_cache: true };
        read_permission(&ask("kubernetes", "can_i", &question, HostError::of_cluster)?)
    }
}

fn ask(
    namespace: &str,
    operation: &str,
    question: &impl Serialize,
    error: fn(&str) -> HostError,
) -> Result<Vec<u8>, HostError> {
    let payload = serde_json::to_vec(question).map_err(|problem| error(&problem.to_string()))?;
    host_call("kubewarden", namespace, operation, &payload).map_err(|no| match no {
        NoAnswer::Oversized(problem) => problem,
        NoAnswer::Error(said) => error(&said),
    })
}

impl Clock for Kubewarden {
    fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    fn now(&self) -> UnixTime {
        // Before 1970, nothing has been made yet.
        UnixTime::since_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

/// Hands a line to the host's log. A host that can't log changes no verdict.
fn log(level: Level, message: &str) {
    #[derive(Serialize)]
    struct Line<'a> {
        level: &'static str,
        message: &'a str,
    }
    let level = match level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    if let Ok(line) = serde_json::to_vec(&Line { level, message }) {
        drop(host_call("kubewarden", "tracing", "log", &line));
    }
}
