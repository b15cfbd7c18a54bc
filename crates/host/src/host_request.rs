//! What did the guest ask for? The closed list of questions a policy can put to its host, decoded from the waPC payload.
//!
//! Variant names, field names and field order are kwctl's: they are what its session files hold, and what its replay error prints.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

mod payload;

use payload::{CanI, GetResource, ListAll, ListNamespace, VerifyV1, VerifyV2};

/// One question of the guest, independent of the protocol version it was asked in: `v1/verify` and `v2/verify` become the same request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostRequest {
    /// The digest of a tag (`oci/v1/manifest_digest`).
    OciManifestDigest {
        /// The image, as the guest wrote it.
        image: String,
    },
    /// A manifest (`oci/v1/oci_manifest`).
    OciManifest {
        /// The image, as the guest wrote it.
        image: String,
    },
    /// A manifest with its config (`oci/v1/oci_manifest_config`).
    OciManifestAndConfig {
        /// The image, as the guest wrote it.
        image: String,
    },
    /// `oci/v1/verify` and `oci/v2/verify` with public keys
    SigstorePubKeyVerify {
        /// The image, as the guest wrote it.
        image: String,
        /// PEM keys; every one of them must have signed.
        pub_keys: Vec<String>,
        /// Annotations every signature must carry.
        annotations: Option<BTreeMap<String, String>>,
    },
    /// `oci/v1/verify` and `oci/v2/verify` with exact keyless identities
    SigstoreKeylessVerify {
        /// The image, as the guest wrote it.
        image: String,
        /// Identities; every one of them must have signed.
        keyless: Vec<KeylessIdentity>,
        /// Annotations every signature must carry.
        annotations: Option<BTreeMap<String, String>>,
    },
    /// `oci/v2/verify` with keyless identities by URL prefix
    SigstoreKeylessPrefixVerify {
        /// The image, as the guest wrote it.
        image: String,
        /// Identities; every one of them must have signed.
        keyless_prefix: Vec<KeylessPrefix>,
        /// Annotations every signature must carry.
        annotations: Option<BTreeMap<String, String>>,
    },
    /// A verification of a GitHub owner's signatures (`oci/v2/verify`).
    SigstoreGithubActionsVerify {
        /// The image, as the guest wrote it.
        image: String,
        /// The owner of the repository whose workflow signed.
        owner: String,
        /// The repository, or any of the owner's.
        repo: Option<String>,
        /// Annotations every signature must carry.
        annotations: Option<BTreeMap<String, String>>,
    },
    /// A verification with a certificate (`oci/v2/verify`).
    SigstoreCertificateVerify {
        /// The image, as the guest wrote it.
        image: String,
        /// The certificate in PEM.
        certificate: Vec<u8>,
        /// The chain of the certificate.
        certificate_chain: Option<Vec<Vec<u8>>>,
        /// Whether a signature without a Rekor bundle is refused.
        require_rekor_bundle: bool,
        /// Annotations every signature must carry.
        annotations: Option<BTreeMap<String, String>>,
    },
    /// A look-up of a host name (`net/v1/dns_lookup_host`).
    DNSLookupHost {
        /// The host name to resolve.
        host: String,
    },
    /// All objects of a kind in a namespace (`kubernetes/list_resources_by_namespace`).
    KubernetesListResourceNamespace {
        /// The API version: `v1`, `apps/v1`, ...
        api_version: String,
        /// The kind: `Pod`, `Deployment`, ...
        kind: String,
        /// The namespace to list.
        namespace: String,
        /// Restricts the list by label.
        label_selector: Option<String>,
        /// Restricts the list by field.
        field_selector: Option<String>,
        /// The fields to keep.
        field_masks: Option<BTreeSet<String>>,
    },
    /// All objects of a kind (`kubernetes/list_resources_all`).
    KubernetesListResourceAll {
        /// The API version: `v1`, `apps/v1`, ...
        api_version: String,
        /// The kind: `Pod`, `Deployment`, ...
        kind: String,
        /// Restricts the list by label.
        label_selector: Option<String>,
        /// Restricts the list by field.
        field_selector: Option<String>,
        /// The fields to keep.
        field_masks: Option<BTreeSet<String>>,
    },
    /// One object (`kubernetes/get_resource`).
    KubernetesGetResource {
        /// The API version: `v1`, `apps/v1`, ...
        api_version: String,
        /// The kind: `Pod`, `Deployment`, ...
        kind: String,
        /// The name of the object.
        name: String,
        /// The object's namespace; none for cluster-wide resources.
        namespace: Option<String>,
        /// Whether the host may answer from its 5 s cache.
        disable_cache: bool,
        /// The fields to keep.
        field_masks: Option<BTreeSet<String>>,
    },
    /// A question about permissions (`kubernetes/can_i`).
    KubernetesCanI {
        /// The user, and what the user wants to do.
        request: SubjectAccessReview,
        /// Whether the host may answer from its 5 s cache.
        disable_cache: bool,
    },
    /// A check of a certificate's chain (`crypto/v1/is_certificate_trusted`).
    CryptoIsCertificateTrusted {
        /// The certificate and its chain.
        request: CertificateVerification,
    },
}

/// An OIDC issuer and the exact subject it vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeylessIdentity {
    /// The issuer, compared exactly.
    pub issuer: String,
    /// The subject, compared exactly.
    pub subject: String,
}

/// An OIDC issuer and a URL that the subject must lie under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeylessPrefix {
    /// The issuer, compared exactly.
    pub issuer: String,
    /// The URL; the host appends `/`.
    pub url_prefix: String,
}

/// A question whether a user may do something in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectAccessReview {
    /// The groups of the user.
    pub groups: Option<Vec<String>>,
    /// The action and the resource that the question is about.
    pub resource_attributes: ResourceAttributes,
    /// The name of the user.
    pub user: String,
}

/// An action on a Kubernetes resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceAttributes {
    /// The API group; `*` means all.
    pub group: Option<String>,
    /// The name of the object. Without one, all objects are meant.
    pub name: Option<String>,
    /// The namespace. Without one, all namespaces are meant.
    pub namespace: Option<String>,
    /// `pods`, `deployments`, ...; `*` means all.
    pub resource: String,
    /// The subresource: `status`, `scale`, ...
    pub subresource: Option<String>,
    /// `get`, `update`, ...; `*` means all.
    pub verb: String,
    /// The API version; `*` means all.
    pub version: Option<String>,
}

/// Whether a certificate is trusted by a chain, and at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateVerification {
    /// The certificate that is checked.
    pub cert: EncodedCertificate,
    /// The chain of the certificate, the root last. Without one, Mozilla's roots are used.
    pub cert_chain: Option<Vec<EncodedCertificate>>,
    /// The time, in RFC 3339; none means that the certificate never expires. An empty text is none, and no text at all is a mistake.
    #[serde(deserialize_with = "none_if_empty")]
    pub not_after: Option<String>,
}

/// A certificate as guests send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedCertificate {
    /// The encoding of the bytes.
    pub encoding: CertificateEncoding,
    /// The bytes of the certificate.
    pub data: Vec<u8>,
}

/// The encoding of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateEncoding {
    /// DER, which is binary.
    Der,
    /// PEM, which is text.
    Pem,
}

fn none_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// Why a payload is not a question the host knows.
#[derive(Debug, thiserror::Error)]
pub enum BadRequest {
    /// The namespace is none of oci, net, crypto, kubernetes.
    #[error("unknown namespace: {0}")]
    UnknownNamespace(String),
    /// The namespace has no such operation.
    #[error("unknown operation: {0}")]
    UnknownOperation(String),
    /// The payload does not decode; the text is serde_json's, as in the real host.
    #[error(transparent)]
    Payload(#[from] serde_json::Error),
}

impl HostRequest {
    /// Decodes what the guest sent to `namespace`/`operation`.
    pub fn decode(namespace: &str, operation: &str, payload: &[u8]) -> Result<Self, BadRequest> {
        let unknown_operation = || BadRequest::UnknownOperation(operation.to_owned());
        Ok(match namespace {
            "oci" => match operation {
                "v1/manifest_digest" => Self::OciManifestDigest { image: serde_json::from_slice(payload)? },
                "v1/oci_manifest" => Self::OciManifest { image: serde_json::from_slice(payload)? },
                "v1/oci_manifest_config" => Self::OciManifestAndConfig { image: serde_json::from_slice(payload)? },
                "v1/verify" => serde_json::from_slice::<VerifyV1>(payload)?.into(),
                "v2/verify" => serde_json::from_slice::<VerifyV2>(payload)?.into(),
                _ => return Err(unknown_operation()),
            },
            "net" => match operation {
                "v1/dns_lookup_host" => Self::DNSLookupHost { host: serde_json::from_slice(payload)? },
                _ => return Err(unknown_operation()),
            },
            "crypto" => match operation {
                "v1/is_certificate_trusted" => {
                    Self::CryptoIsCertificateTrusted { request: serde_json::from_slice(payload)? }
                }
                _ => return Err(unknown_operation()),
            },
            "kubernetes" => match operation {
                "list_resources_by_namespace" => serde_json::from_slice::<ListNamespace>(payload)?.into(),
                "list_resources_all" => serde_json::from_slice::<ListAll>(payload)?.into(),
                "get_resource" => serde_json::from_slice::<GetResource>(payload)?.into(),
                "can_i" => serde_json::from_slice::<CanI>(payload)?.into(),
                _ => return Err(unknown_operation()),
            },
            _ => return Err(BadRequest::UnknownNamespace(namespace.to_owned())),
        })
    }

    /// The Kubernetes resource this request reads, if it reads one: the host only answers for those the deployment lists.
    pub fn kubernetes_resource(&self) -> Option<(&str, &str)> {
        match self {
            Self::KubernetesListResourceNamespace { api_version, kind, .. }
            | Self::KubernetesListResourceAll { api_version, kind, .. }
            | Self::KubernetesGetResource { api_version, kind, .. } => Some((api_version, kind)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_a_guest_sends() {
        let image = || "busybox".to_owned();
        let keys =
            |annotations| HostRequest::SigstorePubKeyVerify { image: image(), pub_keys: vec!["K".into()], annotations };
        // namespace, operation, payload, what it means
        let table = [
            ("oci", "v1/manifest_digest", r#""busybox""#, HostRequest::OciManifestDigest { image: image() }),
            ("oci", "v1/oci_manifest", r#""busybox""#, HostRequest::OciManifest { image: image() }),
            ("oci", "v1/oci_manifest_config", r#""busybox""#, HostRequest::OciManifestAndConfig { image: image() }),
            // v1 tags outside, v2 tags inside; both are the same question
            (
                "oci",
                "v1/verify",
                r#"{"SigstorePubKeyVerify":{"image":"busybox","pub_keys":["K"],"annotations":null}}"#,
                keys(None),
            ),
            ("oci", "v2/verify", r#"{"type":"SigstorePubKeyVerify","image":"busybox","pub_keys":["K"]}"#, keys(None)),
            (
                "kubernetes",
                "get_resource",
                r#"{"api_version":"apps/v1","kind":"ReplicaSet","name":"a","namespace":"b","disable_cache":true}"#,
                HostRequest::KubernetesGetResource {
                    api_version: "apps/v1".into(),
                    kind: "ReplicaSet".into(),
                    name: "a".into(),
                    namespace: Some("b".into()),
                    disable_cache: true,
                    field_masks: None,
                },
            ),
        ];
        for (namespace, operation, payload, expected) in table {
            let decoded = HostRequest::decode(namespace, operation, payload.as_bytes());
            assert_eq!(decoded.ok(), Some(expected), "{namespace}/{operation}");
        }
    }

    #[test]
    fn refuses_in_the_hosts_words() {
        // namespace, operation, payload, the text
        let table = [
            ("tea", "v1/pot", "{}", "unknown namespace: tea"),
            ("oci", "v3/verify", "{}", "unknown operation: v3/verify"),
            ("net", "lookup", "{}", "unknown operation: lookup"),
            ("crypto", "lookup", "{}", "unknown operation: lookup"),
            ("kubernetes", "delete", "{}", "unknown operation: delete"),
            ("oci", "v1/manifest_digest", "{}", "invalid type: map, expected a string at line 1 column 0"),
            // docs show annotations as a list of pairs; the host only takes a map
            (
                "oci",
                "v1/verify",
                r#"{"SigstorePubKeyVerify":{"image":"a","pub_keys":[],"annotations":[]}}"#,
                "invalid type: sequence, expected a map at line 1 column 65",
            ),
        ];
        for (namespace, operation, payload, expected) in table {
            let text = HostRequest::decode(namespace, operation, payload.as_bytes()).map_err(|e| e.to_string());
            assert_eq!(text, Err(expected.to_owned()), "{namespace}/{operation}");
        }
    }
}
