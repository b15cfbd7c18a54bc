//! What did the host answer, in kwctl's words?
//!
//! Replays a session file for the crate, in strict order, as the harness does for the module.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use image_trust::{
    host::{Clock, Cluster, HostError, ObjectName, Registry, Sigstore, read_digest, read_verification},
    image::Digest,
    proof::PublicKey,
};
use serde::Deserialize;

/// The exchanges that have not been asked for yet.
pub struct Session(RefCell<VecDeque<Exchange>>);

#[derive(Deserialize)]
struct Exchange {
    request: String,
    response: Response,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Response {
    Success { payload: String },
    Error { message: String },
}

#[derive(Debug, PartialEq, Deserialize)]
enum Request {
    OciManifestDigest {
        image: String,
    },
    OciManifest {
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
}

#[derive(Deserialize)]
struct Resolved {
    digest: String,
}

#[derive(Deserialize)]
struct Verification {
    is_trusted: bool,
    digest: String,
}

impl Session {
    pub fn read(yaml: &str) -> Session {
        Session(RefCell::new(serde_yaml::from_str(yaml).unwrap()))
    }

    pub fn leftovers(&self) -> usize {
        self.0.borrow().len()
    }

    /// What is recorded for this question, if it is the one that is asked now.
    fn answer(&self, request: Request) -> Result<String, String> {
        let Some(exchange) = self.0.borrow_mut().pop_front() else {
            return Err("the list of recorded responses is empty".to_owned());
        };
        let expected: Request = serde_yaml::from_str(&exchange.request).unwrap();
        if expected != request {
            return Err(format!("Replay error: unexpected request: {request:?}"));
        }
        match exchange.response {
            Response::Success { payload } => Ok(payload),
            Response::Error { message } => Err(message),
        }
    }
}

impl Registry for Session {
    fn digest(&self, image: &str) -> Result<Digest, HostError> {
        let answer = self.answer(Request::OciManifestDigest { image: image.to_owned() });
        let answer = answer.map_err(|message| HostError::of_registry(&message))?;
        let answer: Resolved = serde_json::from_str(&answer).unwrap();
        read_digest(&answer.digest)
    }

    fn manifest(&self, image: &str) -> Result<Vec<u8>, HostError> {
        let answer = self.answer(Request::OciManifest { image: image.to_owned() });
        answer.map(String::into_bytes).map_err(|message| HostError::of_registry(&message))
    }
}

impl Sigstore for Session {
    fn verify(
        &self,
        image: &str,
        key: &PublicKey,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Digest, HostError> {
        let answer = self.answer(Request::SigstorePubKeyVerify {
            image: image.to_owned(),
            pub_keys: vec![key.pem()],
            annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        });
        let answer = answer.map_err(|message| HostError::of_verification(&message))?;
        let answer: Verification = serde_json::from_str(&answer).unwrap();
        read_verification(answer.is_trusted, &answer.digest)
    }
}

impl Cluster for Session {
    fn object(&self, name: &ObjectName<'_>) -> Result<Vec<u8>, HostError> {
        let answer = self.answer(Request::KubernetesGetResource {
            api_version: name.api_version.to_owned(),
            kind: name.kind.to_owned(),
            name: name.name.to_owned(),
            namespace: Some(name.namespace.to_owned()),
            disable_cache: true,
            field_masks: None,
        });
        answer.map(String::into_bytes).map_err(|message| HostError::of_cluster(&message))
    }
}

/// No time passes in a recorded session.
impl Clock for Session {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    /// 2026-01-01. The module, which these cases run through too, has the real time; so they must not depend on it.
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }
}
