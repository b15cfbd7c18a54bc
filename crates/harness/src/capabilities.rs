//! What may a guest call, and what does it read when it does? The gate every host call passes, with the host's words for every refusal.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::{debug, error, info, trace, warn};

use crate::host_request::HostRequest;

/// The host as a guest sees it: four strings in, bytes or an error text out.
pub trait HostCapabilities: Send + Sync {
    /// Answers one host call.
    fn call(
        &self,
        binding: &str,
        namespace: &str,
        operation: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, String>;
}

/// Whoever knows the answers: a live registry, a recorded session, a test.
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
        Self {
            allowed: AllowedCapabilities::default(),
            resources: BTreeSet::new(),
            answers,
        }
    }

    /// Restricts which capabilities may be called.
    pub fn allow_only(mut self, allowed: AllowedCapabilities) -> Self {
        self.allowed = allowed;
        self
    }

    /// Lets the guest read these Kubernetes resources.
    pub fn with_resources(mut self, resources: BTreeSet<ContextAwareResource>) -> Self {
        self.resources = resources;
        self
    }
}

impl<A: Answers> HostCapabilities for Gate<A> {
    fn call(
        &self,
        binding: &str,
        namespace: &str,
        operation: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, String> {
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
        let request =
            HostRequest::decode(namespace, operation, payload).map_err(|e| e.to_string())?;
        if let Some((api_version, kind)) = request.kubernetes_resource() {
            let listed = self
                .resources
                .iter()
                .any(|r| r.api_version == api_version && r.kind == kind);
            if !listed {
                return Err(format!(
                    "Policy has not been granted access to Kubernetes {api_version}/{kind} resources. The violation has been reported."
                ));
            }
        }
        self.answers
            .answer(&request)
            .map_err(|e| format!("Callback evaluation failure: {}", causes(&e)))
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
    /// `v1`, `apps/v1`, ...
    pub api_version: String,
    /// `Pod`, `Deployment`, ...
    pub kind: String,
}

/// Which capabilities a deployment grants: `*`, `oci/*`, `oci/v2/*`, `oci/v2/verify`, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedCapabilities(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// What stands before the `*`: nothing, or whole segments with their slash.
    Below(String),
    Exactly(String),
}

/// Every capability there is; the host refuses patterns that can match none of them.
const KNOWN: [&str; 11] = [
    "crypto/v1/is_certificate_trusted",
    "kubernetes/can_i",
    "kubernetes/get_resource",
    "kubernetes/list_resources_all",
    "kubernetes/list_resources_by_namespace",
    "net/v1/dns_lookup_host",
    "oci/v1/manifest_digest",
    "oci/v1/oci_manifest",
    "oci/v1/oci_manifest_config",
    "oci/v1/verify",
    "oci/v2/verify",
];

impl Default for AllowedCapabilities {
    /// All of them: what kwctl and the controller grant unless told otherwise.
    fn default() -> Self {
        Self(vec![Pattern::Below(String::new())])
    }
}

impl AllowedCapabilities {
    /// Grants nothing: what a hand-written policies.yml grants unless told otherwise.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    fn contains(&self, capability: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Below(prefix) => capability.starts_with(prefix.as_str()),
            Pattern::Exactly(exact) => capability == exact,
        })
    }
}

/// A pattern that grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no host capability: write `*`, a prefix as in `oci/*`, or one of {}", KNOWN.join(", "))]
pub struct BadCapability {
    pattern: String,
}

impl FromStr for AllowedCapabilities {
    type Err = BadCapability;

    fn from_str(text: &str) -> Result<Self, BadCapability> {
        text.split(',')
            .map(|pattern| pattern.trim().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl FromStr for Pattern {
    type Err = BadCapability;

    fn from_str(text: &str) -> Result<Self, BadCapability> {
        let parsed = match text.strip_suffix('*') {
            // `oci*` would be a prefix of a name, not of segments
            Some(prefix) if prefix.is_empty() || prefix.ends_with('/') => {
                Some(Self::Below(prefix.to_owned()))
            }
            Some(_) => None,
            None => Some(Self::Exactly(text.to_owned())),
        };
        let grants = |p: &Self| match p {
            Self::Below(prefix) => KNOWN.iter().any(|known| known.starts_with(prefix.as_str())),
            Self::Exactly(exact) => KNOWN.contains(&exact.as_str()),
        };
        parsed.filter(grants).ok_or_else(|| BadCapability {
            pattern: text.to_owned(),
        })
    }
}

impl fmt::Display for AllowedCapabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.0.iter().map(|pattern| match pattern {
            Pattern::Below(prefix) => format!("{prefix}*"),
            Pattern::Exactly(exact) => exact.clone(),
        });
        write!(f, "[{}]", patterns.collect::<Vec<_>>().join(", "))
    }
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
                HostRequest::OciManifest { .. } => {
                    Err(anyhow::anyhow!("refused").context("no manifest"))
                }
                _ => Ok(format!("{request:?}").into_bytes()),
            }
        }
    }

    #[test]
    fn calls_pass_or_are_refused_in_the_hosts_words() {
        let gate = |patterns: &str| Gate::new(Echo).allow_only(patterns.parse().expect("patterns"));
        let listed = BTreeSet::from([ContextAwareResource {
            api_version: "apps/v1".into(),
            kind: "ReplicaSet".into(),
        }]);
        let get =
            r#"{"api_version":"apps/v1","kind":"ReplicaSet","name":"a","disable_cache":true}"#;
        let all = Gate::new(Echo).with_resources(listed);
        let denied = "Policy has not been granted access to the 'oci/v2/verify' host capability. The violation has been reported.";
        // the gate, binding, namespace, operation, payload, the answer's beginning
        let table: [(&Gate<Echo>, _, _, _, _, Result<&str, &str>); 9] = [
            (
                &all,
                "kubewarden",
                "oci",
                "v1/manifest_digest",
                r#""a""#,
                Ok("OciManifestDigest { image: \"a\" }"),
            ),
            (
                &all,
                "other",
                "oci",
                "v1/manifest_digest",
                r#""a""#,
                Err("unknown binding: other"),
            ),
            (
                &all,
                "kubewarden",
                "oci",
                "v9/verify",
                "",
                Err("unknown operation: v9/verify"),
            ),
            // denied before the payload is read
            (
                &gate("oci/v1/*"),
                "kubewarden",
                "oci",
                "v2/verify",
                "not json",
                Err(denied),
            ),
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
            (
                &gate("net/*"),
                "kubewarden",
                "tracing",
                "log",
                r#"{"level":"trace"}"#,
                Ok(""),
            ),
            (
                &all,
                "kubewarden",
                "kubernetes",
                "get_resource",
                get,
                Ok("KubernetesGetResource {"),
            ),
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
            assert!(
                same,
                "{namespace}/{operation}: {answer:?}, expected {expected:?}"
            );
        }
    }

    #[test]
    fn patterns_that_grant_nothing_are_errors() {
        for good in [
            "*",
            "oci/*",
            "oci/v2/*",
            "oci/v2/verify",
            "oci/v1/*, net/v1/dns_lookup_host",
        ] {
            assert!(good.parse::<AllowedCapabilities>().is_ok(), "{good}");
        }
        // a prefix of a name, a star in the middle, a whole namespace without star, unknown names, nothing
        for bad in [
            "oci*",
            "*/verify",
            "oci",
            "oci/v9/*",
            "oci/v1/pull",
            "",
            "oci/*,",
        ] {
            assert!(bad.parse::<AllowedCapabilities>().is_err(), "{bad}");
        }
    }
}
