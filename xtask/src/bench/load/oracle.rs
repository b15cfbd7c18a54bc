//! Is this the right answer?

use image_trust_host::{Evaluation, ValidationResponse};
use serde_json::Value;

use super::images::Expected;

/// What is wrong with this answer to a request for `object`, whose only image is `name`; nothing, if it is right.
pub(super) fn wrong(object: &Value, name: &str, expected: &Expected, evaluation: &Evaluation) -> Option<String> {
    let Ok(answer) = serde_json::from_slice::<ValidationResponse>(&evaluation.raw) else {
        return Some(format!("no answer: {:?}", evaluation.response.status));
    };
    let came = match answer {
        ValidationResponse { accepted: true, mutated_object, .. } => {
            let after = mutated_object.as_ref().unwrap_or(object);
            let image = after.pointer(IMAGE).and_then(Value::as_str).unwrap_or("nothing");
            if !is_same_but_for_image(object, after) {
                return Some("the object was changed beyond its image".to_owned());
            }
            Expected::Admitted(image.to_owned())
        }
        ValidationResponse { code, .. } => Expected::Denied(code.unwrap_or_default()),
    };
    (came != *expected).then(|| format!("{came:?} instead of {expected:?}, asked for {name}"))
}

/// The JSON pointer to the image of the Pod.
const IMAGE: &str = "/spec/containers/0/image";

fn is_same_but_for_image(before: &Value, after: &Value) -> bool {
    let mut after = after.clone();
    match (before.pointer(IMAGE), after.pointer_mut(IMAGE)) {
        (Some(before), Some(after)) => after.clone_from(before),
        _ => return false,
    }
    after == *before
}

#[cfg(test)]
mod tests {
    use super::*;
    use image_trust_host::AdmissionResponse;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn whatever_is_not_expected_is_wrong() {
        let object = json!({"spec": {"containers": [{"image": "app:v1"}], "hostNetwork": false}});
        let with = |image: &str| json!({"spec": {"containers": [{"image": image}], "hostNetwork": false}});
        let admitted = || Expected::Admitted("app:v1@sha256:1".to_owned());
        let unchanged = || Expected::Admitted("app:v1".to_owned());
        let pinned = |image: &str| json!({"accepted": true, "mutated_object": with(image)});
        // what is expected, what the policy returned, whether that is right
        let table = [
            (admitted(), pinned("app:v1@sha256:1"), true),
            (admitted(), pinned("app:v1@sha256:2"), false),
            (admitted(), json!({"accepted": true}), false),
            (admitted(), json!({"accepted": true, "mutated_object": {}}), false),
            (
                admitted(),
                json!({"accepted": true, "mutated_object": {"spec": {"containers": [{"image": "app:v1@sha256:1"}]}}}),
                false,
            ),
            (admitted(), json!({"accepted": false, "code": 403}), false),
            (unchanged(), json!({"accepted": true}), true),
            (unchanged(), pinned("app:v1"), true),
            (unchanged(), pinned("app:v1@sha256:1"), false),
            (Expected::Denied(403), json!({"accepted": false, "code": 403}), true),
            (Expected::Denied(403), json!({"accepted": false, "code": 503}), false),
            (Expected::Denied(403), json!({"accepted": false}), false),
            (Expected::Denied(403), json!({"accepted": true}), false),
            (Expected::Denied(503), json!({"error": "none"}), false),
        ];
        for (expected, raw, is_right) in table {
            let raw = raw.to_string().into_bytes();
            let evaluation = Evaluation {
                response: AdmissionResponse::default(),
                raw: raw.clone(),
                calls: Vec::new(),
                logs: Vec::new(),
                elapsed: Duration::ZERO,
            };
            let wrong = wrong(&object, "app:v1", &expected, &evaluation);
            assert_eq!(wrong.is_none(), is_right, "{expected:?}, {}: {wrong:?}", String::from_utf8_lossy(&raw));
        }
    }
}
