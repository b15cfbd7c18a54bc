//! What does the cluster get to see of a policy's answer? The mapping of ValidationResponse to AdmissionResponse, field by field.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the guest answers to `validate`. Unknown fields are ignored, as in the host.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ValidationResponse {
    /// Whether the policy accepts the request.
    pub accepted: bool,
    /// The message of a rejection.
    pub message: Option<String>,
    /// The HTTP status code of a rejection.
    pub code: Option<u16>,
    /// The whole object after mutation.
    pub mutated_object: Option<Value>,
    /// The annotations for the audit log.
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// The warnings for the user.
    pub warnings: Option<Vec<String>>,
}

/// The AdmissionResponse policy-server and kwctl answer with. Field order and what is left out when absent are theirs: `auditAnnotations`
/// and `warnings` are written as `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionResponse {
    /// The uid of the request.
    pub uid: String,
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The type of the patch, `JSONPatch`, if there is a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<String>,
    /// The JSON Patch (RFC 6902), as base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// The status of a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The annotations for the audit log. They are sorted here; the policy server's order is random.
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// The warnings for the user.
    pub warnings: Option<Vec<String>>,
}

/// Message and code of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The message of the rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status code of the rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

/// The host's answer to a mutation of nothing.
const MUTATED_NULL: &str = "Incoming object is null, which happens only with DELETE operations, but the policy is attempting a mutation. This is not allowed";

impl AdmissionResponse {
    /// The answer of a host that ran into trouble: code 500, so audit-scanner counts it as an error and not as a violation.
    pub(crate) fn internal_error(uid: &str, problem: impl std::fmt::Display) -> Self {
        Self::reject(uid, format!("internal server error: {problem}"), Some(500))
    }

    /// A rejection with nothing but a status.
    pub(crate) fn reject(uid: &str, message: String, code: Option<u16>) -> Self {
        Self { uid: uid.to_owned(), status: Some(Status { message: Some(message), code }), ..Self::default() }
    }

    /// Maps the guest's bytes. `object` is the request's; a patch is made even for a rejection, as the host does.
    pub fn from_guest(uid: &str, object: Option<&Value>, bytes: &[u8]) -> Self {
        let answer: ValidationResponse = match serde_json::from_slice(bytes) {
            Ok(answer) => answer,
            Err(e) => {
                return Self::internal_error(uid, format_args!("invalid response from policy: {e}"));
            }
        };
        let patch = match (&answer.mutated_object, object) {
            (None, _) => None,
            (Some(_), None) => return Self::reject(uid, MUTATED_NULL.to_owned(), None),
            (Some(mutated), Some(object)) => match patch(object, mutated) {
                Ok(patch) => patch,
                Err(e) => {
                    return Self::internal_error(uid, format_args!("invalid response format: {e}"));
                }
            },
        };
        let has_status = answer.message.is_some() || answer.code.is_some();
        Self {
            uid: uid.to_owned(),
            allowed: answer.accepted,
            patch_type: patch.is_some().then(|| "JSONPatch".to_owned()),
            patch,
            status: has_status.then_some(Status { message: answer.message, code: answer.code }),
            audit_annotations: answer.audit_annotations,
            warnings: answer.warnings,
        }
    }

    /// The patch, decoded: what the API server would apply.
    pub fn decoded_patch(&self) -> anyhow::Result<Option<json_patch::Patch>> {
        let Some(patch) = &self.patch else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_slice(&BASE64.decode(patch)?)?))
    }
}

/// The difference as base64 RFC 6902; none if there is none.
fn patch(object: &Value, mutated: &Value) -> Result<Option<String>, serde_json::Error> {
    let diff = json_patch::diff(object, mutated);
    if diff.0.is_empty() {
        return Ok(None);
    }
    Ok(Some(BASE64.encode(serde_json::to_string(&diff)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_guests_bytes_become_the_hosts_json() {
        let pod = json!({"spec": {"image": "a"}});
        let patch = BASE64.encode(r#"[{"op":"replace","path":"/spec/image","value":"b"}]"#);
        let patched = |allowed, status| {
            format!(
                r#"{{"uid":"u","allowed":{allowed},"patchType":"JSONPatch","patch":"{patch}",{status}"auditAnnotations":null,"warnings":null}}"#
            )
        };
        let null = format!(
            r#"{{"uid":"u","allowed":false,"status":{{"message":"{MUTATED_NULL}"}},"auditAnnotations":null,"warnings":null}}"#
        );
        // the request's object, the guest's answer, the host's response
        let table = [
            // nothing but a verdict: absent annotations and warnings are null, not absent
            (Some(&pod), r#"{"accepted":true}"#, r#"{"uid":"u","allowed":true,"auditAnnotations":null,"warnings":null}"#.to_owned()),
            // an accepted answer keeps message, warnings and annotations
            (
                Some(&pod),
                r#"{"accepted":true,"message":"m","warnings":["w"],"audit_annotations":{"k":"v"},"new":1}"#,
                r#"{"uid":"u","allowed":true,"status":{"message":"m"},"auditAnnotations":{"k":"v"},"warnings":["w"]}"#.to_owned(),
            ),
            // code without message
            (
                Some(&pod),
                r#"{"accepted":false,"code":403}"#,
                r#"{"uid":"u","allowed":false,"status":{"code":403},"auditAnnotations":null,"warnings":null}"#.to_owned(),
            ),
            (Some(&pod), r#"{"accepted":true,"mutated_object":{"spec":{"image":"b"}}}"#, patched(true, "")),
            // the patch of a rejection is forwarded too
            (
                Some(&pod),
                r#"{"accepted":false,"code":403,"mutated_object":{"spec":{"image":"b"}}}"#,
                patched(false, r#""status":{"code":403},"#),
            ),
            // the same object is no patch at all
            (
                Some(&pod),
                r#"{"accepted":true,"mutated_object":{"spec":{"image":"a"}}}"#,
                r#"{"uid":"u","allowed":true,"auditAnnotations":null,"warnings":null}"#.to_owned(),
            ),
            // null is "no mutation", not "delete everything"
            (
                None,
                r#"{"accepted":true,"mutated_object":null}"#,
                r#"{"uid":"u","allowed":true,"auditAnnotations":null,"warnings":null}"#.to_owned(),
            ),
            // a mutation of a deleted object
            (None, r#"{"accepted":true,"mutated_object":{}}"#, null),
            (
                Some(&pod),
                r#"{"message":"m"}"#,
                r#"{"uid":"u","allowed":false,"status":{"message":"internal server error: invalid response from policy: missing field `accepted` at line 1 column 15","code":500},"auditAnnotations":null,"warnings":null}"#.to_owned(),
            ),
        ];
        for (object, guest, expected) in table {
            let response = AdmissionResponse::from_guest("u", object, guest.as_bytes());
            assert_eq!(serde_json::to_string(&response).ok(), Some(expected), "{guest}");
        }
    }

    #[test]
    fn a_patch_decodes_to_what_was_changed() {
        let response =
            AdmissionResponse::from_guest("u", Some(&json!({})), br#"{"accepted":true,"mutated_object":{"a":1}}"#);
        let patch = response.decoded_patch().ok().flatten().expect("a patch");
        assert_eq!(serde_json::to_value(patch).ok(), Some(json!([{"op": "add", "path": "/a", "value": 1}])));
    }
}
