//! What do the migrated settings look like? The shape of `docs/reference/settings.md`, in the order in which a person reads it.

use serde::Serialize;
use serde_json::{Value, json};

use super::identities::Keyless;

/// The settings of an image-trust policy.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Settings {
    pub(super) validators: Vec<Validator>,
    pub(super) policy: Vec<Rule>,
    pub(super) features: Features,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Validator {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) approve: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) trust_roots: Vec<TrustRoot>,
    #[serde(skip_serializing_if = "Host::is_empty")]
    pub(super) host: Host,
}

/// What a validator's `host` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Host {
    /// An instance of Sigstore.
    Instance(Instance),
    /// A notary server.
    Server(Option<String>),
}

impl Host {
    fn is_empty(&self) -> bool {
        match self {
            Host::Instance(instance) => *instance == Instance::default(),
            Host::Server(server) => server.is_none(),
        }
    }
}

/// What an instance of Sigstore signs with, where it is not the public-good one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fulcio_cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rekor_pubkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ct_log_pubkey: Option<String>,
}

impl Validator {
    pub(super) fn fixed(name: &str, approve: bool) -> Validator {
        Validator {
            name: name.to_owned(),
            kind: "static",
            approve: Some(approve),
            trust_roots: Vec::new(),
            host: Host::Server(None),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TrustRoot {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) signs: Signs,
}

/// The kind of a trust root: what makes its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Signs {
    /// A public key in PEM.
    Key(String),
    Keyless(Keyless),
    /// Certificates of a trust store of Notation, and roots of time-stamping authorities.
    #[serde(untagged, rename_all = "camelCase")]
    Certificates {
        cert: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        ts_cert: Option<String>,
    },
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Rule {
    pub(super) pattern: String,
    pub(super) validator: String,
    #[serde(skip_serializing_if = "With::is_empty")]
    pub(super) with: With,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct With {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trust_root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) required: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) delegations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verify_in_transparency_log: Option<bool>,
    #[serde(rename = "verifySCT", skip_serializing_if = "Option::is_none")]
    pub(super) verify_sct: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verification_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verify_timestamp: Option<&'static str>,
}

impl With {
    fn is_empty(&self) -> bool {
        *self == With::default()
    }
}

/// Written out, so that nobody has to know the defaults of two programs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Features {
    pub(super) automatic_child_approval: bool,
    pub(super) automatic_unchanged_approval: bool,
    pub(super) detection_mode: bool,
    pub(super) resource_validation_mode: &'static str,
}

/// The kinds that hold images: API group, version, resource, kind.
const KINDS: [(&str, &str, &str, &str); 9] = [
    ("", "v1", "pods", "Pod"),
    ("", "v1", "podtemplates", "PodTemplate"),
    ("", "v1", "replicationcontrollers", "ReplicationController"),
    ("apps", "v1", "deployments", "Deployment"),
    ("apps", "v1", "replicasets", "ReplicaSet"),
    ("apps", "v1", "statefulsets", "StatefulSet"),
    ("apps", "v1", "daemonsets", "DaemonSet"),
    ("batch", "v1", "jobs", "Job"),
    ("batch", "v1", "cronjobs", "CronJob"),
];

/// The kinds that hold images, each with its API version.
/// The kinds that the policy looks up in the cluster, as version and name.
pub fn kinds() -> impl Iterator<Item = (String, &'static str)> {
    let api_version =
        |group: &str, version: &str| if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    KINDS.iter().map(move |(group, version, _, kind)| (api_version(group, version), *kind))
}

/// A policy that can be applied: these settings, with everything that Kubewarden wants to know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClusterAdmissionPolicy {
    api_version: &'static str,
    kind: &'static str,
    metadata: Value,
    spec: Spec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    module: &'static str,
    policy_server: &'static str,
    mode: &'static str,
    mutating: bool,
    timeout_eval_seconds: u64,
    timeout_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_selector: Option<Value>,
    rules: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    context_aware_resources: Vec<Value>,
    settings: Settings,
}

impl ClusterAdmissionPolicy {
    pub(super) fn new(settings: Settings, namespace_selector: Option<Value>) -> ClusterAdmissionPolicy {
        let owners = settings.features.automatic_child_approval && settings.features.resource_validation_mode == "all";
        let resource = |(api_version, kind)| json!({"apiVersion": api_version, "kind": kind});
        let rule = |group: &str, resources: Vec<&str>, operations: &[&str]| json!({"apiGroups": [group], "apiVersions": ["v1"], "resources": resources, "operations": operations});
        let of = |group: &str| KINDS.iter().filter(|kind| kind.0 == group).map(|kind| kind.2).collect();
        let both = ["CREATE", "UPDATE"];
        ClusterAdmissionPolicy {
            api_version: "policies.kubewarden.io/v1",
            kind: "ClusterAdmissionPolicy",
            metadata: json!({"name": "image-trust"}),
            spec: Spec {
                module: "registry://registry.example.com/policies/image-trust:v0.1.0",
                policy_server: "default",
                // Kubewarden lets nobody go back to it, so the safer mode comes first.
                mode: "monitor",
                mutating: true,
                timeout_eval_seconds: 3,
                timeout_seconds: 10,
                namespace_selector,
                rules: vec![
                    rule("", of(""), &both),
                    rule("", vec!["pods/ephemeralcontainers"], &["UPDATE"]),
                    rule("apps", of("apps"), &both),
                    rule("batch", of("batch"), &both),
                ],
                context_aware_resources: if owners { kinds().map(resource).collect() } else { Vec::new() },
                settings,
            },
        }
    }
}
