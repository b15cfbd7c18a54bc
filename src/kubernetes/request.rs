//! What is asked, about which object?
//!
//! The part of a Kubernetes AdmissionRequest (`admission.k8s.io/v1`) that a decision needs. The objects stay text.

use std::{borrow::Cow, fmt};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    json::{Text, members, text},
    text::{Shown, ShownInLog},
};

/// The parts of an admission request that the policy reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Wire<'a>", bound(deserialize = "'de: 'a"))]
pub struct Request<'a> {
    /// The API group of the object's kind; empty for the core group.
    pub group: Cow<'a, str>,
    /// The kind of the object.
    pub kind: Cow<'a, str>,
    /// The subresource, if the request is about one.
    pub subresource: Option<Cow<'a, str>>,
    /// The operation of the request.
    pub operation: Operation,
    /// The object as it would be.
    pub object: Option<&'a RawValue>,
    /// The object as it is before the request.
    pub old_object: Option<&'a RawValue>,
    /// Whether the request is a dry run, which stores nothing whatever the answer is.
    pub dry_run: bool,
    /// What the API server and the policy server call this request in their logs.
    pub uid: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    namespace: Option<Cow<'a, str>>,
    user_info: Option<&'a RawValue>,
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User<'a> {
    /// The name of the user.
    pub name: Cow<'a, str>,
    /// The groups of the user.
    pub groups: Vec<String>,
}

/// The operation of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// An object is created.
    Create,
    /// An object is updated.
    Update,
    /// An object is deleted.
    Delete,
    /// A connection is made to it.
    Connect,
}

/// A request that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError(String);

/// The error in the form that serde needs.
impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    kind: WireKind<'a>,
    #[serde(borrow)]
    sub_resource: Option<Text<'a>>,
    #[serde(borrow)]
    operation: Text<'a>,
    dry_run: Option<bool>,
    #[serde(borrow)]
    uid: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    user_info: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    old_object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireKind<'a> {
    #[serde(borrow)]
    group: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
}

impl<'a> TryFrom<Wire<'a>> for Request<'a> {
    type Error = RequestError;

    fn try_from(wire: Wire<'a>) -> Result<Request<'a>, RequestError> {
        let filled = |text: Option<Text<'a>>| text.map(|Text(text)| text).filter(|text| !text.is_empty());
        Ok(Request {
            group: wire.kind.group.0,
            kind: wire.kind.kind.0,
            subresource: filled(wire.sub_resource),
            operation: match &*wire.operation.0 {
                "CREATE" => Operation::Create,
                "UPDATE" => Operation::Update,
                "DELETE" => Operation::Delete,
                "CONNECT" => Operation::Connect,
                other => return Err(RequestError(format!("expected an operation, found `{}`", Shown(other)))),
            },
            object: wire.object,
            old_object: wire.old_object,
            dry_run: wire.dry_run.unwrap_or(false),
            uid: filled(wire.uid),
            name: filled(wire.name),
            namespace: filled(wire.namespace),
            user_info: wire.user_info,
        })
    }
}

impl<'a> Request<'a> {
    /// Reads a request from JSON. What a decision does not need is not looked at.
    ///
    /// # Errors
    /// When it is not an AdmissionRequest.
    pub fn read(json: &'a RawValue) -> Result<Request<'a>, RequestError> {
        let unreadable = |error: serde_json::Error| RequestError(ShownInLog(&error.to_string()).to_string());
        Request::try_from(serde_json::from_str::<Wire<'a>>(json.get()).map_err(unreadable)?)
    }

    /// The object's name; what it will begin with, and a `*`, where the API server has yet to make one up.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone().into_owned();
        }
        let metadata =
            self.object.and_then(|object| members(object, ["metadata"]).ok()).and_then(|[metadata]| metadata);
        let names = metadata.and_then(|metadata| members(metadata, ["name", "generateName"]).ok()).unwrap_or_default();
        let [name, prefix] = names.map(|name| name.and_then(|name| text(name).ok()).filter(|name| !name.is_empty()));
        match (name, prefix) {
            (Some(name), _) => name.into_owned(),
            (None, Some(prefix)) => format!("{prefix}*"),
            (None, None) => "(unnamed)".to_owned(),
        }
    }

    /// Who makes the request. It is `None` if the API server does not say so in full.
    #[must_use]
    pub fn user(&self) -> Option<User<'a>> {
        let [name, groups] = members(self.user_info?, ["username", "groups"]).ok()?;
        let name = text(name?).ok().filter(|name| !name.is_empty())?;
        let groups = match groups {
            None => Vec::new(),
            Some(groups) => serde_json::from_str(groups.get()).ok()?,
        };
        Some(User { name, groups })
    }

    /// The object's namespace, if it has one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}
