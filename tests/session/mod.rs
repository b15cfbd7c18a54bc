//! What did the host answer, in kwctl's words?
//!
//! Replays a session file for the crate, in strict order, as the harness does for the module.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use image_trust::{
    host::{Clock, HostError, Sigstore, read_verification},
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

#[derive(Deserialize)]
enum Request {
    SigstorePubKeyVerify { image: String, pub_keys: Vec<String>, annotations: Option<BTreeMap<String, String>> },
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
}

impl Sigstore for Session {
    fn verify(
        &self,
        image: &str,
        key: &PublicKey,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Digest, HostError> {
        let Some(exchange) = self.0.borrow_mut().pop_front() else {
            return Err(HostError::read("the list of recorded responses is empty"));
        };
        let Request::SigstorePubKeyVerify { image: expected, pub_keys, annotations: asked } =
            serde_yaml::from_str(&exchange.request).unwrap();
        if (expected.as_str(), pub_keys) != (image, vec![key.pem().to_owned()])
            || &asked.unwrap_or_default() != annotations
        {
            return Err(HostError::read(&format!("Replay error: unexpected request for {image}")));
        }
        match exchange.response {
            Response::Success { payload } => {
                let answer: Verification = serde_json::from_str(&payload).unwrap();
                read_verification(answer.is_trusted, &answer.digest)
            }
            Response::Error { message } => Err(HostError::read(&message)),
        }
    }
}

/// No time passes in a recorded session.
impl Clock for Session {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
