//! What does the policy say of one image, if this manifest of signatures lies beside it?

use std::{collections::BTreeMap, time::Duration};

use image_trust::{
    Digest, PublicKey, answer,
    host::{Cause, Clock, Cluster, HostError, ObjectName, Registry, Sigstore},
};
use serde_json::{Value, json};

/// A day after everything that is minted begins.
const NOW: Duration = Duration::from_secs(1_767_225_600 + 86_400);

/// A registry with one image and the signatures beside it, and a host that knows nothing else.
pub struct Beside {
    pub digest: Digest,
    pub manifest: Vec<u8>,
}

impl Registry for Beside {
    fn digest(&self, _: &str) -> Result<Digest, HostError> {
        Ok(self.digest)
    }

    fn manifest(&self, image: &str) -> Result<Vec<u8>, HostError> {
        match image.ends_with(&format!("{}.sig", self.digest.as_tag())) {
            true => Ok(self.manifest.clone()),
            false => Err(HostError { cause: Cause::NotFound, text: "manifest unknown".to_owned() }),
        }
    }
}

impl Sigstore for Beside {
    fn verify(&self, image: &str, _: &PublicKey, _: &BTreeMap<String, String>) -> Result<Digest, HostError> {
        panic!("a certificate is never left to the host: {image}")
    }
}

impl Cluster for Beside {
    fn object(&self, _: &ObjectName<'_>) -> Result<Vec<u8>, HostError> {
        Err(HostError::of_cluster("there is no cluster"))
    }
}

impl Clock for Beside {
    /// No time ever passes, so that only what an input can make of the work bounds it.
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> image_trust::time::UnixTime {
        image_trust::time::UnixTime::since_epoch(NOW)
    }
}

/// The answer to the creation of a Pod with `image`, under these settings.
pub fn ask(image: &str, settings: &str, host: &Beside) -> Value {
    let request = json!({
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE",
        "object": {"spec": {"containers": [{"name": "app", "image": image}]}}
    });
    let payload = format!(r#"{{"settings":{settings},"request":{request}}}"#);
    serde_json::to_value(answer::validate(payload.as_bytes(), host)).unwrap()
}
