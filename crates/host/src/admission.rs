//! What does Kubernetes ask, and in which shape does the policy see it? The admission request, as the host re-serialises it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An `admission.k8s.io/v1` AdmissionRequest with the fields policy-server knows; it drops every other one, and so do we.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionRequest {
    /// Identifies the request; the response repeats it.
    pub uid: String,
    /// The group, version and kind of the object.
    pub kind: GroupVersionKind,
    /// The resource through which the object is admitted.
    pub resource: GroupVersionResource,
    /// The subresource: `status`, `scale`, `ephemeralcontainers`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_resource: Option<String>,
    /// The kind of the original request, before conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_kind: Option<GroupVersionKind>,
    /// The resource of the original request, before conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_resource: Option<GroupVersionResource>,
    /// The subresource of the original request, before conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_sub_resource: Option<String>,
    /// The object's name, if it has one already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The operation: `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// The user who makes the request.
    pub user_info: UserInfo,
    /// The object of the request. DELETE has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    /// The object as it is stored now; none for CREATE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_object: Option<Value>,
    /// Whether the request is a dry run, which stores nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// The options of the API call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Value>,
}

/// A kind with its group and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// The API group. It is empty for the core group.
    pub group: String,
    /// The API version: `v1`, `v1beta1`, ...
    pub version: String,
    /// The kind: `Pod`, `Deployment`, ...
    pub kind: String,
}

/// A resource with its group and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersionResource {
    /// The API group. It is empty for the core group.
    pub group: String,
    /// The API version: `v1`, `v1beta1`, ...
    pub version: String,
    /// The resource: `pods`, `deployments`, ...
    pub resource: String,
}

/// The user who makes a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// Further information that the authenticator added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<BTreeMap<String, Vec<String>>>,
    /// The names of the user's groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// A name that is unique over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The name of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

impl AdmissionRequest {
    /// The CREATE request that the API server would send for `object`, read through its own resource.
    pub fn create(object: Value) -> Result<Self> {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str);
        let kind = text("/kind").context("the object has no `kind`")?.to_owned();
        let api_version = text("/apiVersion").context("the object has no `apiVersion`")?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let (group, version) = (group.to_owned(), version.to_owned());
        Ok(Self {
            // Nobody tells two of these requests apart by their uid, and a fixed one keeps what is recorded the same.
            uid: "00000000-0000-4000-8000-000000000000".to_owned(),
            resource: GroupVersionResource {
                group: group.clone(),
                version: version.clone(),
                // Regular for every kind that has a pod spec.
                resource: format!("{}s", kind.to_lowercase()),
            },
            kind: GroupVersionKind { group, version, kind },
            sub_resource: None,
            request_kind: None,
            request_resource: None,
            request_sub_resource: None,
            name: text("/metadata/name").map(str::to_owned),
            namespace: text("/metadata/namespace").map(str::to_owned),
            operation: "CREATE".to_owned(),
            user_info: UserInfo::default(),
            object: Some(object),
            old_object: None,
            dry_run: None,
            options: None,
        })
    }

    /// Reads an AdmissionRequest, or a whole AdmissionReview, from JSON text.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("the request is not JSON")?;
        let Value::Object(mut object) = value else {
            bail!("the request is not a JSON object: an AdmissionRequest or an AdmissionReview is expected");
        };
        let is_review = object.get("kind").and_then(Value::as_str) == Some("AdmissionReview");
        let request = if is_review {
            object.remove("request").context("the AdmissionReview has no `request`")?
        } else {
            Value::Object(object)
        };
        serde_json::from_value(request).context("cannot build AdmissionRequest object from given input")
    }

    /// The bytes of `validate`'s payload, and the object a mutation is compared with.
    ///
    /// The host goes through `serde_json::Value`, so a guest sees its keys sorted.
    pub(crate) fn payload(&self, settings: &Value) -> Result<(Vec<u8>, Option<Value>)> {
        let payload = json!({"request": self, "settings": settings});
        Ok((serde_json::to_vec(&payload)?, self.object.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = r#"{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},
        "resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","userInfo":{"username":"me","color":"red"},
        "object":{"spec":{"future":1}},"oldObject":null,"options":null,"unknown":true}"#;

    #[test]
    fn a_review_is_unwrapped_and_absent_means_absent() {
        let review = format!(r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{POD}}}"#);
        let (plain, review) = (AdmissionRequest::from_json(POD), AdmissionRequest::from_json(&review));
        let (plain, review) = (plain.expect("a request"), review.expect("a review"));
        assert_eq!(plain, review);
        let (payload, object) = plain.payload(&json!({})).expect("a payload");
        // null optionals and unknown keys are gone, `object` is as it came, keys are sorted
        let expected = concat!(
            r#"{"request":{"kind":{"group":"","kind":"Pod","version":"v1"},"object":{"spec":{"future":1}},"operation":"CREATE","#,
            r#""resource":{"group":"","resource":"pods","version":"v1"},"uid":"u","userInfo":{"username":"me"}},"settings":{}}"#
        );
        assert_eq!(String::from_utf8_lossy(&payload), expected);
        assert_eq!(object, Some(json!({"spec": {"future": 1}})));
    }

    #[test]
    fn an_object_becomes_its_request() {
        let metadata = json!({"name": "web", "namespace": "shop"});
        let request =
            AdmissionRequest::create(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}));
        let request = serde_json::to_value(request.expect("a request")).expect("JSON");
        assert_eq!(request["kind"], json!({"group": "apps", "version": "v1", "kind": "Deployment"}));
        assert_eq!(request["resource"], json!({"group": "apps", "version": "v1", "resource": "deployments"}));
        assert_eq!((&request["name"], &request["namespace"]), (&json!("web"), &json!("shop")));
        let core = AdmissionRequest::create(json!({"apiVersion": "v1", "kind": "Pod"})).expect("a request");
        assert_eq!((core.kind.group.as_str(), core.resource.resource.as_str()), ("", "pods"));
        assert!(AdmissionRequest::create(json!({"kind": "Pod"})).is_err());
    }

    #[test]
    fn what_is_no_request_says_so() {
        // text, a part of the message
        let table = [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            (r#"{"kind":"AdmissionReview"}"#, "no `request`"),
            (r#"{"uid":"u"}"#, "missing field `kind`"),
        ];
        for (text, part) in table {
            let message = AdmissionRequest::from_json(text).map_err(|e| format!("{e:#}"));
            assert!(matches!(&message, Err(m) if m.contains(part)), "{text}: {message:?}");
        }
    }
}
