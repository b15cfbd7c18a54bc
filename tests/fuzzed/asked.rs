//! What does the policy say of one image, if these signatures lie beside it?

use std::{collections::BTreeMap, time::Duration};

use image_trust::{
    Digest, PublicKey, answer,
    host::{Cause, Clock, Cluster, HostError, ObjectName, Registry, Sigstore},
};
use serde_json::{Value, json};

use super::mint::{self, ISSUED, Layer};

/// The image's repository.
pub const NAME: &str = "localhost:5000/keyless/fuzzed";

/// The image's digest.
pub fn digest() -> Digest {
    Digest::of(b"an image")
}

/// What is signed of the image.
pub fn payload() -> Vec<u8> {
    mint::payload(NAME, &digest().to_string())
}

/// A registry with the image and this manifest of signatures, and a host that knows nothing else.
struct Beside(Vec<u8>);

impl Registry for Beside {
    fn digest(&self, _: &str) -> Result<Digest, HostError> {
        Ok(digest())
    }

    fn manifest(&self, image: &str) -> Result<Vec<u8>, HostError> {
        match image.ends_with(".sig") {
            true => Ok(self.0.clone()),
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

    fn now(&self) -> Duration {
        Duration::from_secs(ISSUED + 86_400)
    }
}

/// Settings that ask for one signature, of this holder, and believe this instance.
pub fn settings(trusted_root: &Value, keyless: &Value) -> String {
    json!({
        "validators": [{
            "name": "default",
            "type": "cosign",
            "trustedRoot": trusted_root,
            "trustRoots": [{"name": "default", "keyless": keyless}],
        }],
        "policy": [{"pattern": "*"}],
    })
    .to_string()
}

/// The policy's answer to a pod with the image.
fn answer(settings: &str, layers: &[Layer]) -> Value {
    let image = format!("{NAME}:1");
    let request = json!({
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE",
        "object": {"spec": {"containers": [{"name": "app", "image": image}]}}
    });
    let payload = format!(r#"{{"settings":{settings},"request":{request}}}"#);
    serde_json::to_value(answer::validate(payload.as_bytes(), &Beside(mint::manifest(layers)))).unwrap()
}

/// Is the image admitted? Signatures are the only reason not to, and its own digest the only one that it can be pinned to.
pub fn is_admitted(settings: &str, layers: &[Layer]) -> bool {
    let answer = answer(settings, layers);
    let is_admitted = answer["accepted"].as_bool().unwrap();
    match is_admitted {
        true => {
            let image = answer["mutated_object"]["spec"]["containers"][0]["image"].as_str();
            assert_eq!(image, Some(&*format!("{NAME}:1@{}", digest())), "pinned to another digest");
        }
        false => assert_eq!(answer["code"].as_u64(), Some(403), "denied for something else: {answer}"),
    }
    is_admitted
}

/// Is there an answer? Whatever it is.
pub fn is_answered(settings: &str, layers: &[Layer]) {
    answer(settings, layers);
}
