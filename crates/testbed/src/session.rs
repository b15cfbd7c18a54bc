//! What did the host answer, in kwctl's words?
//!
//! Questions and answers as kwctl's session files hold them, and a host for the crate that answers in such words. [`Session`] replays a file in strict
//! order, as the harness does for the module.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use image_trust::{
    host::{
        Clock, Cluster, HostError, ObjectName, Permission, Registry, Sigstore, read_config, read_digest,
        read_permission, read_verification,
    },
    image::Digest,
    signing::PublicKey,
    time::UnixTime,
};
use serde::{Deserialize, Serialize};

/// A question and its answer, as kwctl writes them.
#[derive(Deserialize)]
pub struct Exchange {
    /// A [`Request`], as YAML in a text.
    pub request: String,
    pub response: Response,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
pub enum Response {
    Success { payload: String },
    Error { message: String },
}

impl From<Response> for Result<String, String> {
    fn from(response: Response) -> Self {
        match response {
            Response::Success { payload } => Ok(payload),
            Response::Error { message } => Err(message),
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    OciManifestDigest {
        image: String,
    },
    OciManifest {
        image: String,
    },
    OciManifestAndConfig {
        image: String,
    },
    SigstorePubKeyVerify {
        image: String,
        pub_keys: Vec<String>,
        annotations: Option<BTreeMap<String, String>>,
    },
    KubernetesGetResource {
        api_version: String,
        kind: String,
        name: String,
        namespace: Option<String>,
        disable_cache: bool,
        field_masks: Option<BTreeSet<String>>,
    },
    KubernetesCanI {
        request: SubjectAccessReview,
        disable_cache: bool,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectAccessReview {
    pub groups: Option<Vec<String>>,
    pub resource_attributes: ResourceAttributes,
    pub user: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceAttributes {
    pub group: Option<String>,
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub resource: String,
    pub subresource: Option<String>,
    pub verb: String,
    pub version: Option<String>,
}

impl Request {
    /// The question for a permission.
    pub fn may(permission: &Permission<'_>) -> Request {
        let text = |text: &str| Some(text.to_owned());
        let resource_attributes = ResourceAttributes {
            group: text(permission.api_group),
            name: None,
            namespace: permission.namespace.and_then(text),
            resource: permission.resource.to_owned(),
            subresource: None,
            verb: permission.verb.to_owned(),
            version: None,
        };
        let request = SubjectAccessReview {
            groups: Some(permission.groups.to_vec()),
            resource_attributes,
            user: permission.user.to_owned(),
        };
        Request::KubernetesCanI { request, disable_cache: true }
    }
}

/// A source of answers in the words of a recorded session.
pub trait Words {
    fn answer(&self, request: Request) -> Result<String, String>;

    /// The time that has passed. None, as a rule.
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// The host that reads such words as the guest does.
pub struct Host<W>(pub W);

/// The exchanges that have not been asked for yet.
pub struct Session(RefCell<VecDeque<Exchange>>);

impl Session {
    pub fn read(yaml: &str) -> Session {
        Session(RefCell::new(serde_yaml::from_str(yaml).unwrap()))
    }

    pub fn leftovers(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Words for Session {
    /// What is recorded for this question, if it is the one that is asked now.
    fn answer(&self, request: Request) -> Result<String, String> {
        let Some(exchange) = self.0.borrow_mut().pop_front() else {
            return Err("the list of recorded responses is empty".to_owned());
        };
        let expected: Request = serde_yaml::from_str(&exchange.request).unwrap();
        if expected != request {
            return Err(format!("Replay error: unexpected request: {request:?}"));
        }
        exchange.response.into()
    }
}

impl<W: Words> Registry for Host<W> {
    fn digest(&self, image: &str) -> Result<Digest, HostError> {
        let answer = self.0.answer(Request::OciManifestDigest { image: image.to_owned() });
        read_digest(answer.map_err(|message| HostError::of_registry(&message))?.as_bytes())
    }

    fn manifest(&self, image: &str) -> Result<Vec<u8>, HostError> {
        let answer = self.0.answer(Request::OciManifest { image: image.to_owned() });
        answer.map(String::into_bytes).map_err(|message| HostError::of_registry(&message))
    }

    fn config(&self, image: &str) -> Result<Vec<u8>, HostError> {
        let answer = self.0.answer(Request::OciManifestAndConfig { image: image.to_owned() });
        read_config(answer.map_err(|message| HostError::of_registry(&message))?.as_bytes())
    }
}

impl<W: Words> Sigstore for Host<W> {
    fn verify(
        &self,
        image: &str,
        key: &PublicKey,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Digest, HostError> {
        let answer = self.0.answer(Request::SigstorePubKeyVerify {
            image: image.to_owned(),
            pub_keys: vec![key.pem()],
            annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        });
        read_verification(answer.map_err(|message| HostError::of_verification(&message))?.as_bytes())
    }
}

impl<W: Words> Cluster for Host<W> {
    fn object(&self, name: &ObjectName<'_>) -> Result<Vec<u8>, HostError> {
        let answer = self.0.answer(Request::KubernetesGetResource {
            api_version: name.api_version.to_owned(),
            kind: name.kind.to_owned(),
            name: name.name.to_owned(),
            namespace: Some(name.namespace.to_owned()),
            disable_cache: true,
            field_masks: None,
        });
        answer.map(String::into_bytes).map_err(|message| HostError::of_cluster(&message))
    }

    fn may(&self, permission: &Permission<'_>) -> Result<bool, HostError> {
        let answer = self.0.answer(Request::may(permission));
        read_permission(answer.map_err(|message| HostError::of_cluster(&message))?.as_bytes())
    }
}

impl<W: Words> Clock for Host<W> {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The real time, as the module has it, through which the corpus runs too. So its cases say `<in 30 days>`.
    fn now(&self) -> UnixTime {
        UnixTime::since_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
    }
}
