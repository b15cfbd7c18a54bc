//! Does this request ask for break-glass, and may it?
//!
//! An annotation of the object asks for it, and anybody can write one. So it counts only for a user who has the permission, and the API server is asked for that.

use serde_json::value::RawValue;

use super::{Request, Workload, request::User};
use crate::{
    host::Permission,
    json::{is_same, members, text},
};

/// The annotation that asks for it. Its value is the reason.
pub const ANNOTATION: &str = "image-trust.dev/break-glass";
/// The verb of the permission that the user needs in the namespace of the object.
pub const VERB: &str = "break-glass";
/// The API group of the permission.
pub const API_GROUP: &str = "image-trust.dev";
/// The resource of the permission.
pub const RESOURCE: &str = "images";

/// What the names of service accounts begin with (Kubernetes, "Authenticating", section "Service account tokens").
const SERVICE_ACCOUNTS: &str = "system:serviceaccount:";

/// Longest reason that is kept, in bytes: every warning and every audit record has it.
const MAX_REASON: usize = 200;

/// A request for break-glass, before the permission is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassRequest<'r> {
    user: User<'r>,
    namespace: Option<&'r str>,
    reason: String,
}

/// Break-glass that is permitted. It can only be made after the permission of the user was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    user: String,
    reason: String,
}

/// The reason for which an annotation cannot be acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakGlassError {
    /// The annotation gives no reason.
    NoReason,
    /// The request does not say who makes it.
    NoUser,
    /// A service account makes the request.
    ServiceAccount,
    /// The annotation was there before this update.
    Unchanged,
    /// The request is about a subresource, with which no annotation can be sent.
    Subresource,
}

impl<'r> BreakGlassRequest<'r> {
    /// The request for break-glass in this request. It is `None` if the object has no such annotation.
    ///
    /// # Errors
    /// If nobody can be asked for the permission.
    pub fn of(
        request: &Request<'r>,
        namespace: Option<&'r str>,
        workload: &Workload<'_>,
    ) -> Option<Result<BreakGlassRequest<'r>, BreakGlassError>> {
        let written = annotation(workload.metadata("annotations"))?;
        let reason = text(written).unwrap_or_default();
        let mut reason = reason.trim().to_owned();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        let is_old = before(request).is_some_and(|before| is_same(before, written));
        Some(match request.user() {
            _ if reason.is_empty() => Err(BreakGlassError::NoReason),
            _ if request.subresource.is_some() => Err(BreakGlassError::Subresource),
            // Whoever wrote it is not the one who makes this request.
            _ if is_old => Err(BreakGlassError::Unchanged),
            None => Err(BreakGlassError::NoUser),
            // Of controllers that apply what others wrote, many may do everything.
            Some(user) if user.name.starts_with(SERVICE_ACCOUNTS) => Err(BreakGlassError::ServiceAccount),
            Some(user) => Ok(BreakGlassRequest { user, namespace, reason }),
        })
    }

    /// The permission that the user needs.
    #[must_use]
    pub fn permission(&self) -> Permission<'_> {
        Permission {
            user: &self.user.name,
            groups: &self.user.groups,
            verb: VERB,
            api_group: API_GROUP,
            resource: RESOURCE,
            namespace: self.namespace,
        }
    }

    /// The name of the user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user.name
    }

    /// The permitted break-glass, if the user has the permission.
    #[must_use]
    pub fn granted(&self, has_permission: bool) -> Option<BreakGlass> {
        has_permission.then(|| BreakGlass { user: self.user.name.clone().into_owned(), reason: self.reason.clone() })
    }
}

/// The annotation among these.
fn annotation(annotations: Option<&RawValue>) -> Option<&RawValue> {
    let [annotation] = members(annotations?, [ANNOTATION]).ok()?;
    annotation
}

/// The annotation of the object before an update.
fn before<'r>(request: &Request<'r>) -> Option<&'r RawValue> {
    let [metadata] = members(request.old_object?, ["metadata"]).ok()?;
    let [annotations] = members(metadata?, ["annotations"]).ok()?;
    annotation(annotations)
}

impl BreakGlass {
    /// The name of the user who admits the images.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The reason that the user gives.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Kinds, *};

    #[test]
    fn only_the_annotation_of_the_object_is_a_wish() {
        use BreakGlassError::{NoReason, NoUser};
        let user = r#"{"username": "jane", "groups": ["ops", "system:authenticated"]}"#;
        let annotated = |value: &str| format!(r#"{{"annotations": {{"image-trust.dev/break-glass": {value}}}}}"#);
        // the object's metadata, the Pod template's, the user; the wish as its user and reason, why
        type Row<'a> = (String, String, &'a str, Option<Result<&'a str, BreakGlassError>>, &'a str);
        let rows: Vec<Row<'_>> = vec![
            (annotated("\" fire \""), "{}".to_owned(), user, Some(Ok("jane: fire")), "the plain case"),
            ("{}".to_owned(), annotated("\"fire\""), user, None, "of the template"),
            ("{}".to_owned(), "{}".to_owned(), user, None, "nowhere"),
            (annotated("\"\""), "{}".to_owned(), user, Some(Err(NoReason)), "without a reason"),
            (annotated("\"  \""), "{}".to_owned(), user, Some(Err(NoReason)), "with a blank one"),
            (annotated("true"), "{}".to_owned(), user, Some(Err(NoReason)), "no text"),
            (annotated("\"fire\""), "{}".to_owned(), "null", Some(Err(NoUser)), "by nobody"),
            (annotated("\"fire\""), "{}".to_owned(), r#"{"groups": ["ops"]}"#, Some(Err(NoUser)), "without a name"),
            (
                annotated("\"fire\""),
                "{}".to_owned(),
                r#"{"username": "jane", "groups": "ops"}"#,
                Some(Err(NoUser)),
                "groups that are none",
            ),
            (annotated("\"fire\"").replace("-glass", "-Glass"), "{}".to_owned(), user, None, "another annotation"),
        ];
        for (metadata, template, user, expected, why) in rows {
            let object = format!(
                r#"{{"metadata": {metadata}, "spec": {{"template": {{"metadata": {template}, "spec": {{"containers": [{{"image": "i"}}]}}}}}}}}"#
            );
            let request = format!(
                r#"{{"kind": {{"group": "apps", "kind": "Deployment"}}, "operation": "CREATE", "userInfo": {user}, "object": {object}}}"#
            );
            let request = Request::read(serde_json::from_str(&request).unwrap()).unwrap();
            let workload = Workload::read(Kinds::default(), "apps", "Deployment", request.object).unwrap();
            let wish = BreakGlassRequest::of(&request, Some("shop"), &workload);
            let told = wish.as_ref().map(|wish| {
                wish.as_ref().map(|wish| format!("{}: {}", wish.user(), wish.reason)).map_err(|error| *error)
            });
            assert_eq!(told, expected.map(|wish| wish.map(str::to_owned)), "{why}");
            if let Some(Ok(wish)) = wish {
                assert_eq!(wish.granted(false), None, "{why}: without the permission");
                assert!(wish.granted(true).is_some(), "{why}: with the permission");
                assert_eq!(
                    wish.permission().to_string(),
                    "permission of user \"jane\" to break-glass images.image-trust.dev in namespace \"shop\"",
                    "{why}"
                );
            }
        }
    }
}
