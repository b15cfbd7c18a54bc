//! What may a guest call, and what does it read when it does? The gate every host call passes, with the host's words for every refusal.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::{debug, error, info, trace, warn};

use crate::allowed::AllowedCapabilities;
use crate::host_request::HostRequest;

/// The host as a guest sees it: four strings in, bytes or an error text out.
pub trait HostCapabilities: Send + Sync {
    /// Answers one host call.
    fn call(&self, binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, String>;
}

/// A source of answers: a live registry, a recorded session, or a test.
pub trait Answers: Send + Sync {
    /// Answers one request with the bytes the guest reads.
    fn answer(&self, request: &HostRequest) -> anyhow::Result<Vec<u8>>;
}

impl<A: Answers + ?Sized> Answers for Arc<A> {
    fn answer(&self, request: &HostRequest) -> anyhow::Result<Vec<u8>> {
        (**self).answer(request)
    }
}

/// A host that lets allowed calls through to whoever knows the answers.
pub struct Gate<A> {
    allowed: AllowedCapabilities,
    resources: BTreeSet<ContextAwareResource>,
    answers: A,
}

impl<A: Answers> Gate<A> {
    /// A gate that allows every capability and no Kubernetes resource: kwctl's default.
    pub fn new(answers: A) -> Self {
        Self { allowed: AllowedCapabilities::default(), resources: BTreeSet::new(), answers }
    }

    /// Restricts which capabilities may be called.
    pub fn allow_only(mut self, allowed: AllowedCapabilities) -> Self {
        self.allowed = allowed;
        self
    }

    /// Lets the guest read these Kubernetes resources, too.
    pub fn with_resources(mut self, resources: BTreeSet<ContextAwareResource>) -> Self {
        self.resources.extend(resources);
        self
    }
}

impl<A: Answers> HostCapabilities for Gate<A> {
    fn call(&self, binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        if binding != "kubewarden" {
            return Err(format!("unknown binding: {binding}"));
        }
        if namespace == "tracing" {
            return match operation {
                "log" => {
                    forward_log(payload);
                    Ok(Vec::new())
                }
                _ => Err(format!("unknown operation: {operation}")),
            };
        }
        // Before the payload is looked at, as in the host: a denied call with a bad payload is a denied call.
        let capability = format!("{namespace}/{operation}");
        if !self.allowed.contains(&capability) {
            return Err(format!(
                "Policy has not been granted access to the '{capability}' host capability. The violation has been reported."
            ));
        }
        let request = HostRequest::decode(namespace, operation, payload).map_err(|e| e.to_string())?;
        if let Some((api_version, kind)) = request.kubernetes_resource() {
            let listed = self.resources.iter().any(|r| r.api_version == api_version && r.kind == kind);
            if !listed {
                return Err(format!(
                    "Policy has not been granted access to Kubernetes {api_version}/{kind} resources. The violation has been reported."
                ));
            }
        }
        self.answers.answer(&request).map_err(|e| format!("Callback evaluation failure: {}", causes(&e)))
    }
}

/// The error as the host spells it: anyhow's Debug, message first, then its causes.
///
/// With RUST_BACKTRACE the host adds a backtrace. That is left out, so that an answer does not depend on whose shell asked.
fn causes(error: &anyhow::Error) -> String {
    let text = format!("{error:?}");
    match text.split_once("\n\nStack backtrace:") {
        Some((message, _backtrace)) => message.to_owned(),
        None => text,
    }
}

/// A Kubernetes resource a policy may read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextAwareResource {
    /// The API version: `v1`, `apps/v1`, ...
    pub api_version: String,
    /// The kind: `Pod`, `Deployment`, ...
    pub kind: String,
}

/// Writes a guest's log line at the level the guest gave it.
fn forward_log(payload: &[u8]) {
    let text = String::from_utf8_lossy(payload);
    let level = serde_json::from_slice::<serde_json::Value>(payload)
        .ok()
        .and_then(|event| event.get("level")?.as_str().map(str::to_ascii_lowercase));
    match level.as_deref() {
        Some("trace") => trace!(target: "policy", "{text}"),
        Some("debug") => debug!(target: "policy", "{text}"),
        Some("info") => info!(target: "policy", "{text}"),
        Some("warning" | "warn") => warn!(target: "policy", "{text}"),
        Some("error" | "critical") => error!(target: "policy", "{text}"),
        _ => error!("the policy logged something without a level: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every request with its own debug text, and one with an error that has a cause.
    struct Echo;

    impl Answers for Echo {
        fn answer(&self, request: &HostRequest) -> anyhow::Result<Vec<u8>> {
            match request {
                HostRequest::OciManifest { .. } => Err(anyhow::anyhow!("refused").context("no manifest")),
                _ => Ok(format!("{request:?}").into_bytes()),
            }
        }
    }

    #[test]
    fn calls_pass_or_are_refused_in_the_hosts_words() {
        let gate =
            |pattern: &str| Gate::new(Echo).allow_only([pattern.parse().expect("a pattern")].into_iter().collect());
        let listed =
            BTreeSet::from([ContextAwareResource { api_version: "apps/v1".into(), kind: "ReplicaSet".into() }]);
        let get = r#"{"api_version":"apps/v1","kind":"ReplicaSet","name":"a","disable_cache":true}"#;
        let all = Gate::new(Echo).with_resources(listed);
        let denied = "Policy has not been granted access to the 'oci/v2/verify' host capability. The violation has been reported.";
        // the gate, binding, namespace, operation, payload, the answer's beginning
        let table: [(&Gate<Echo>, _, _, _, _, Result<&str, &str>); 9] = [
            (&all, "kubewarden", "oci", "v1/manifest_digest", r#""a""#, Ok("OciManifestDigest { image: \"a\" }")),
            (&all, "other", "oci", "v1/manifest_digest", r#""a""#, Err("unknown binding: other")),
            (&all, "kubewarden", "oci", "v9/verify", "", Err("unknown operation: v9/verify")),
            // denied before the payload is read
            (&gate("oci/v1/*"), "kubewarden", "oci", "v2/verify", "not json", Err(denied)),
            // an unknown operation is denied first, where not everything is allowed
            (
                &gate("net/*"),
                "kubewarden",
                "oci",
                "v9/x",
                "",
                Err(
                    "Policy has not been granted access to the 'oci/v9/x' host capability. The violation has been reported.",
                ),
            ),
            // logging is never gated
            (&gate("net/*"), "kubewarden", "tracing", "log", r#"{"level":"trace"}"#, Ok("")),
            (&all, "kubewarden", "kubernetes", "get_resource", get, Ok("KubernetesGetResource {")),
            (
                &gate("*"),
                "kubewarden",
                "kubernetes",
                "get_resource",
                get,
                Err(
                    "Policy has not been granted access to Kubernetes apps/v1/ReplicaSet resources. The violation has been reported.",
                ),
            ),
            (
                &all,
                "kubewarden",
                "oci",
                "v1/oci_manifest",
                r#""a""#,
                Err("Callback evaluation failure: no manifest\n\nCaused by:\n    refused"),
            ),
        ];
        for (gate, binding, namespace, operation, payload, expected) in table {
            let answer = gate.call(binding, namespace, operation, payload.as_bytes());
            let answer = answer.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let same = match (&answer, expected) {
                (Ok(a), Ok(e)) | (Err(a), Err(e)) => a.starts_with(e),
                _ => false,
            };
            assert!(same, "{namespace}/{operation}: {answer:?}, expected {expected:?}");
        }
    }
}
