//! What would a host answer?

use std::{collections::BTreeMap, time::Duration};

use image_trust::{
    Digest, PublicKey, answer,
    host::{Cause, Clock, Cluster, Host, HostError, ObjectName, Registry, Sigstore},
};
use serde_json::{Value, json};

use super::mint::ISSUED;

pub type Answer<T> = Result<T, HostError>;

/// A host with these answers, for which no time passes.
pub struct Answers<'h> {
    pub digest: &'h dyn Fn(&str) -> Answer<Digest>,
    pub manifest: &'h dyn Fn(&str) -> Answer<Vec<u8>>,
    pub verify: &'h dyn Fn(&str) -> Answer<Digest>,
    pub object: &'h dyn Fn(&str) -> Answer<Vec<u8>>,
}

/// Nothing is there.
pub fn nothing<T>() -> Answer<T> {
    Err(HostError { cause: Cause::NotFound, text: "manifest unknown".to_owned() })
}

impl Default for Answers<'_> {
    fn default() -> Self {
        Answers {
            digest: &|_| nothing(),
            manifest: &|_| nothing(),
            verify: &|_| Err(HostError { cause: Cause::Mismatch, text: "missing signatures".to_owned() }),
            object: &|_| Err(HostError { cause: Cause::Unavailable, text: "not found".to_owned() }),
        }
    }
}

impl Registry for Answers<'_> {
    fn digest(&self, image: &str) -> Answer<Digest> {
        (self.digest)(image)
    }

    fn manifest(&self, image: &str) -> Answer<Vec<u8>> {
        (self.manifest)(image)
    }
}

impl Sigstore for Answers<'_> {
    fn verify(&self, image: &str, _: &PublicKey, _: &BTreeMap<String, String>) -> Answer<Digest> {
        (self.verify)(image)
    }
}

impl Cluster for Answers<'_> {
    fn object(&self, name: &ObjectName<'_>) -> Answer<Vec<u8>> {
        (self.object)(name.name)
    }
}

impl Clock for Answers<'_> {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> image_trust::time::UnixTime {
        image_trust::time::UnixTime::from_secs(ISSUED + 86_400)
    }
}

/// The policy's answer to a whole payload.
pub fn answer(payload: &[u8], host: &dyn Host) -> Value {
    serde_json::to_value(answer::validate(payload, host)).unwrap()
}

/// The policy's answer to the creation of a Pod.
pub fn answer_to_pod(pod: &Value, settings: &str, host: &dyn Host) -> Value {
    let request = json!({
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop", "object": pod,
    });
    answer(format!(r#"{{"settings":{settings},"request":{request}}}"#).as_bytes(), host)
}

/// A Pod with these images.
pub fn pod(images: &[&str]) -> Value {
    let container = |(at, image): (usize, &&str)| json!({"name": format!("c{at}"), "image": image});
    let containers: Vec<Value> = images.iter().enumerate().map(container).collect();
    json!({"metadata": {"name": "web-1"}, "spec": {"containers": containers}})
}

/// Settings in which whoever has this key signs everything, an owner approves tags, and the host may be asked.
pub fn signed_by(pem: &str) -> String {
    json!({
        "validators": [{"name": "default", "type": "cosign", "askHost": true, "trustRoots": [{"name": "default", "key": pem}]}],
        "policy": [{"pattern": "*"}],
        "features": {"automaticChildApproval": {"requireDigest": false}},
    })
    .to_string()
}
