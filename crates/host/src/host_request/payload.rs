//! How does a guest spell a question? The serde twins of the payloads that are more than one string.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{HostRequest, KeylessIdentity, KeylessPrefix, SubjectAccessReview};

/// The payload of `v1/verify`: externally tagged.
#[derive(Deserialize)]
pub(super) enum VerifyV1 {
    SigstorePubKeyVerify {
        image: String,
        pub_keys: Vec<String>,
        annotations: Option<BTreeMap<String, String>>,
    },
    SigstoreKeylessVerify {
        image: String,
        keyless: Vec<KeylessIdentity>,
        annotations: Option<BTreeMap<String, String>>,
    },
}

impl From<VerifyV1> for HostRequest {
    fn from(request: VerifyV1) -> Self {
        match request {
            VerifyV1::SigstorePubKeyVerify { image, pub_keys, annotations } => {
                Self::SigstorePubKeyVerify { image, pub_keys, annotations }
            }
            VerifyV1::SigstoreKeylessVerify { image, keyless, annotations } => {
                Self::SigstoreKeylessVerify { image, keyless, annotations }
            }
        }
    }
}

/// The payload of `v2/verify`: internally tagged.
#[derive(Deserialize)]
#[serde(tag = "type")]
#[expect(clippy::enum_variant_names, reason = "the names are the protocol's")]
pub(super) enum VerifyV2 {
    SigstorePubKeyVerify {
        image: String,
        pub_keys: Vec<String>,
        annotations: Option<BTreeMap<String, String>>,
    },
    SigstoreKeylessVerify {
        image: String,
        keyless: Vec<KeylessIdentity>,
        annotations: Option<BTreeMap<String, String>>,
    },
    SigstoreKeylessPrefixVerify {
        image: String,
        keyless_prefix: Vec<KeylessPrefix>,
        annotations: Option<BTreeMap<String, String>>,
    },
    SigstoreGithubActionsVerify {
        image: String,
        owner: String,
        repo: Option<String>,
        annotations: Option<BTreeMap<String, String>>,
    },
    SigstoreCertificateVerify {
        image: String,
        certificate: Vec<u8>,
        certificate_chain: Option<Vec<Vec<u8>>>,
        require_rekor_bundle: bool,
        annotations: Option<BTreeMap<String, String>>,
    },
}

impl From<VerifyV2> for HostRequest {
    fn from(request: VerifyV2) -> Self {
        match request {
            VerifyV2::SigstorePubKeyVerify { image, pub_keys, annotations } => {
                Self::SigstorePubKeyVerify { image, pub_keys, annotations }
            }
            VerifyV2::SigstoreKeylessVerify { image, keyless, annotations } => {
                Self::SigstoreKeylessVerify { image, keyless, annotations }
            }
            VerifyV2::SigstoreKeylessPrefixVerify { image, keyless_prefix, annotations } => {
                Self::SigstoreKeylessPrefixVerify { image, keyless_prefix, annotations }
            }
            VerifyV2::SigstoreGithubActionsVerify { image, owner, repo, annotations } => {
                Self::SigstoreGithubActionsVerify { image, owner, repo, annotations }
            }
            VerifyV2::SigstoreCertificateVerify {
                image,
                certificate,
                certificate_chain,
                require_rekor_bundle,
                annotations,
            } => Self::SigstoreCertificateVerify {
                image,
                certificate,
                certificate_chain,
                require_rekor_bundle,
                annotations,
            },
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ListNamespace {
    api_version: String,
    kind: String,
    namespace: String,
    label_selector: Option<String>,
    field_selector: Option<String>,
    field_masks: Option<BTreeSet<String>>,
}

impl From<ListNamespace> for HostRequest {
    fn from(request: ListNamespace) -> Self {
        let ListNamespace { api_version, kind, namespace, label_selector, field_selector, field_masks } = request;
        Self::KubernetesListResourceNamespace {
            api_version,
            kind,
            namespace,
            label_selector,
            field_selector,
            field_masks,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ListAll {
    api_version: String,
    kind: String,
    label_selector: Option<String>,
    field_selector: Option<String>,
    field_masks: Option<BTreeSet<String>>,
}

impl From<ListAll> for HostRequest {
    fn from(request: ListAll) -> Self {
        let ListAll { api_version, kind, label_selector, field_selector, field_masks } = request;
        Self::KubernetesListResourceAll { api_version, kind, label_selector, field_selector, field_masks }
    }
}

#[derive(Deserialize)]
pub(super) struct GetResource {
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
    disable_cache: bool,
    field_masks: Option<BTreeSet<String>>,
}

impl From<GetResource> for HostRequest {
    fn from(request: GetResource) -> Self {
        let GetResource { api_version, kind, name, namespace, disable_cache, field_masks } = request;
        Self::KubernetesGetResource { api_version, kind, name, namespace, disable_cache, field_masks }
    }
}

#[derive(Deserialize)]
pub(super) struct CanI {
    subject_access_review: SubjectAccessReview,
    disable_cache: bool,
}

impl From<CanI> for HostRequest {
    fn from(request: CanI) -> Self {
        Self::KubernetesCanI { request: request.subject_access_review, disable_cache: request.disable_cache }
    }
}
