//! What would the policy answer to a Pod?

use image_trust::{answer, host::Host};
use serde_json::{Value, json};

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

/// A Pod with these images, one for each container.
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
