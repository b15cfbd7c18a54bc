//! Which objects made this one, and which images do they list?
//!
//! Owner references are what whoever sent the object wrote; so an owner counts only once the cluster has answered with an object of that kind and uid.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use serde_json::value::RawValue;

use super::{
    kind::{Kind, Kinds},
    workload::Workload,
};
use crate::{
    host::ObjectName,
    json::{entries, members, text},
    ordered::set,
    time::UnixTime,
};

/// Most owners that are looked up for one object: each is a host call. Controllers set one.
pub const MAX_OWNERS: usize = 5;

/// Longest name of an object, in bytes: a subdomain (RFC 1123), in Kubernetes.
const MAX_NAME: usize = 253;

/// Longest version of an API that is asked for, in bytes: a label (RFC 1123), in Kubernetes.
const MAX_VERSION: usize = 63;

/// Longest uid that is compared, in bytes. Kubernetes makes UUIDs, of 36.
const MAX_UID: usize = 128;

/// Largest owner that is read, in bytes: it is read for every child, and larger ones are hardly ever written by hand.
const MAX_OWNER: usize = 512 * 1024;

/// How far the clocks of the API server and of the policy server may differ.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// A reference of an object to one of its owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerReference<'a> {
    kind: Kind<'a>,
    api_version: Cow<'a, str>,
    name: Cow<'a, str>,
    uid: Cow<'a, str>,
}

/// An owner, as the cluster has it.
#[derive(Debug)]
pub struct Owner<'a> {
    /// The kind of the owner.
    pub kind: Kind<'a>,
    /// The name of the owner.
    pub name: String,
    images: BTreeSet<String>,
    /// Set by the API server and nobody else.
    created: Option<UnixTime>,
}

impl<'a> Workload<'a> {
    /// The owners that can be looked up: of known kinds, each once, not the object itself, and only the first few.
    #[must_use]
    pub fn owners(&self, kinds: Kinds<'a>) -> Vec<OwnerReference<'a>> {
        let mut owners: Vec<OwnerReference<'_>> = Vec::new();
        let listed = self.metadata("ownerReferences").and_then(|list| entries(list).ok()).unwrap_or_default();
        let of_itself = |key| self.metadata(key).and_then(|json| text(json).ok());
        let (name, uid) = (of_itself("name"), of_itself("uid"));
        // What an object lists itself, an update of it may well bring.
        let is_itself = |owner: &OwnerReference<'_>| {
            uid.as_ref() == Some(&owner.uid) || (owner.kind == *self.kind() && name.as_ref() == Some(&owner.name))
        };
        for owner in listed.into_iter().filter_map(|entry| OwnerReference::read(kinds, entry)) {
            if owners.len() < MAX_OWNERS && !is_itself(&owner) && !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        owners
    }

    /// Does the controller of owners of this kind compare this object with them, and make another one where they differ? A Deployment's does so with its
    /// ReplicaSets; other controllers go by names and labels.
    #[must_use]
    pub fn is_compared_by(&self, owner: &Kind<'_>) -> bool {
        self.kind().is::<ReplicaSet>() && owner.is::<Deployment>()
    }
}

impl<'a> OwnerReference<'a> {
    /// The kind of the owner that is referred to.
    #[must_use]
    pub fn kind(&self) -> &Kind<'a> {
        &self.kind
    }

    fn read(kinds: Kinds<'a>, entry: &'a RawValue) -> Option<OwnerReference<'a>> {
        let texts = members(entry, ["apiVersion", "kind", "name", "uid"]).ok()?;
        let [Some(api_version), Some(kind), Some(name), Some(uid)] = texts.map(|json| text(json?).ok()) else {
            return None;
        };
        let kind = kinds.find(group_of(&api_version), &kind)?;
        let is_sound = is_name(&name) && uid.len() <= MAX_UID;
        match kind.api_version() {
            _ if !is_sound => None,
            Some(api_version) => Some(OwnerReference { kind, api_version: api_version.into(), name, uid }),
            None => is_api_version(&api_version).then_some(OwnerReference { kind, api_version, name, uid }),
        }
    }

    /// The name of the owner that is referred to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the cluster is asked for it, where it is in this namespace. Owners are always in the namespace of what they own.
    #[must_use]
    pub fn in_namespace<'n>(&'n self, namespace: &'n str) -> ObjectName<'n> {
        ObjectName { api_version: &self.api_version, kind: self.kind.name(), namespace, name: &self.name }
    }

    /// The owner, if the cluster's answer is the object that is meant in this namespace. A name can be used again; a uid can't.
    #[must_use]
    pub fn met_by(&self, answer: &[u8], namespace: &str) -> Option<Owner<'a>> {
        if answer.len() > MAX_OWNER {
            return None;
        }
        let object: &RawValue = serde_json::from_slice(answer).ok()?;
        let [api_version, kind] = members(object, ["apiVersion", "kind"]).ok()?;
        if group_of(&text(api_version?).ok()?) != self.kind.group() || text(kind?).ok()? != self.kind.name() {
            return None;
        }
        let workload = Workload::of(self.kind.clone(), object).ok()?;
        for (key, expected) in [("uid", &*self.uid), ("name", &self.name), ("namespace", namespace)] {
            if text(workload.metadata(key)?).ok()? != expected {
                return None;
            }
        }
        Some(Owner {
            kind: self.kind.clone(),
            name: self.name.clone().into_owned(),
            images: set(workload.slots().flatten().map(|slot| slot.image().to_owned())),
            created: workload.metadata("creationTimestamp").and_then(time),
        })
    }
}

impl Owner<'_> {
    /// Whether the owner lists this image with exactly this text.
    #[must_use]
    pub fn lists(&self, image: &str) -> bool {
        self.images.contains(image)
    }

    /// Is it younger than `ttl`? One that has no age, or comes from the future, is not.
    #[must_use]
    pub fn is_younger_than(&self, ttl: Duration, now: UnixTime) -> bool {
        self.created.is_some_and(|created| created <= now.plus(MAX_SKEW) && now.since(created) < ttl)
    }
}

/// Can this be a group and a version? Hosts put it into the path of a URL as it is.
fn is_api_version(api_version: &str) -> bool {
    let is_version = |version: &str| version.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    api_version.split_once('/').is_some_and(|(group, version)| {
        is_name(group) && (1..=MAX_VERSION).contains(&version.len()) && is_version(version)
    })
}

/// Can this be an object's name? Hosts put it into the path of a URL as it is, where other text would be another question.
fn is_name(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = |label: &str| {
        label.starts_with(alphanumeric)
            && label.ends_with(alphanumeric)
            && label.chars().all(|c| alphanumeric(c) || c == '-')
    };
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// A time as the API server writes it.
fn time(json: &RawValue) -> Option<UnixTime> {
    UnixTime::parse(&text(json).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(json: &str) -> Workload<'_> {
        Workload::read(Kinds::default(), "", "Pod", Some(serde_json::from_str(json).unwrap())).unwrap()
    }

    fn pod(owners: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"me","uid":"my-uid","ownerReferences":{owners}}},"spec":{{"containers":[{{"image":"i"}}]}}}}"#
        )
    }

    const REPLICA_SET: &str = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"1"}"#;

    #[test]
    fn owners_that_can_be_looked_up() {
        let other = |from: &str, to: &str| REPLICA_SET.replace(from, to);
        let many: Vec<String> = (0..9).map(|n| other("\"1\"", &format!("\"{n}\""))).collect();
        let rows: &[(String, &[&str], &str)] = &[
            (format!("[{REPLICA_SET}]"), &["ReplicaSet \"web\" in namespace \"shop\""], "a controller's"),
            (format!("[{}]", other("v1", "v1beta2")), &["ReplicaSet \"web\" in namespace \"shop\""], "in any version"),
            (format!("[{}]", other("apps/v1", "v1")), &[], "of another group"),
            (format!("[{}]", other("ReplicaSet", "Node")), &[], "of a kind without images"),
            (
                format!("[{}]", other("apps/v1", "apps/v1/x")),
                &["ReplicaSet \"web\" in namespace \"shop\""],
                "the group is what counts",
            ),
            (format!("[{REPLICA_SET},{REPLICA_SET}]"), &["ReplicaSet \"web\" in namespace \"shop\""], "twice"),
            (format!("[{}]", other("\"name\":\"web\"", "\"name\":\"web\",\"name\":\"x\"")), &[], "with two names"),
            (format!("[{}]", other(",\"uid\":\"1\"", "")), &[], "without a uid"),
            (format!("[{}]", other("\"1\"", "1")), &[], "with a number as uid"),
            (
                format!("[[],1,null,{REPLICA_SET}]"),
                &["ReplicaSet \"web\" in namespace \"shop\""],
                "behind what is none",
            ),
            (format!("[{}]", many.join(",")), &["ReplicaSet \"web\" in namespace \"shop\""; MAX_OWNERS], "many"),
            ("{}".to_owned(), &[], "no list"),
            ("null".to_owned(), &[], "null"),
            (
                format!("[{}]", other("\"web\"", "\"web.v1-2\"")),
                &["ReplicaSet \"web.v1-2\" in namespace \"shop\""],
                "a subdomain",
            ),
            (format!("[{}]", other("\"web\"", "\"?watch=true\"")), &[], "a name that is a query"),
            (format!("[{}]", other("\"web\"", "\"mine:8080/proxy/owner.json\"")), &[], "a name that is a path"),
            (format!("[{}]", other("\"web\"", "\"..\"")), &[], "a name that leads elsewhere"),
            (format!("[{}]", other("\"web\"", "\"web-\"")), &[], "a name that ends in a hyphen"),
            (format!("[{}]", other("\"web\"", "\"-web\"")), &[], "or begins with one"),
            (format!("[{}]", other("\"web\"", "\"\"")), &[], "no name at all"),
            (format!("[{}]", other("\"web\"", "\"Web\"")), &[], "a name that no object can have"),
            (format!("[{}]", other("\"web\"", &format!("\"{}\"", "w".repeat(254)))), &[], "a long name"),
            (format!("[{}]", other("\"1\"", &format!("\"{}\"", "1".repeat(129)))), &[], "a long uid"),
            (
                format!(
                    "[{}]",
                    REPLICA_SET.replace("apps/v1", "v1").replace("ReplicaSet", "Pod").replace("\"web\"", "\"me\"")
                ),
                &[],
                "itself, by its name",
            ),
            (format!("[{}]", other("\"1\"", "\"my-uid\"")), &[], "itself, by its uid"),
        ];
        for (owners, expected, why) in rows {
            let pod = pod(owners);
            let workload = workload(&pod);
            let found: Vec<String> =
                workload.owners(Kinds::default()).iter().map(|owner| owner.in_namespace("shop").to_string()).collect();
            assert_eq!(&found, expected, "{why}");
        }
    }

    #[test]
    fn an_owner_is_what_the_cluster_answers() {
        let pod = pod(&format!("[{REPLICA_SET}]"));
        let workload = workload(&pod);
        let owners = workload.owners(Kinds::default());
        let answer = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web","namespace":"shop","uid":"1"},
            "spec":{"template":{"spec":{"containers":[{"image":"i"},{"image":7}],"initContainers":[{"image":"j"}]}}}}"#;
        let rows = [
            ("", "", true, "the one that is meant"),
            ("apps/v1", "apps/v2", true, "in another version"),
            ("\"1\"", "\"2\"", false, "another one of that name"),
            ("\"web\"", "\"other\"", false, "under another name"),
            ("\"shop\"", "\"other\"", false, "in another namespace"),
            ("apps/v1", "batch/v1", false, "of another group"),
            ("apps/v1", "v1", false, "of no group"),
            ("ReplicaSet", "Deployment", false, "of another kind"),
            (r#""apiVersion":"apps/v1","#, "", false, "without a version"),
            ("\"spec\"", "\"status\"", false, "without a pod spec"),
            ("{\"apiVersion", "\"apiVersion", false, "no JSON"),
            ("\"spec\"", &format!("\"x\":\"{}\",\"spec\"", "x".repeat(MAX_OWNER)), false, "a huge one"),
        ];
        for (from, to, expected, why) in rows {
            let owner = owners[0].met_by(answer.replacen(from, to, 1).as_bytes(), "shop");
            assert_eq!(owner.is_some(), expected, "{why}");
            let lists = |image| owner.as_ref().is_some_and(|owner| owner.lists(image));
            assert_eq!((lists("i"), lists("j"), lists("k")), (expected, expected, false), "{why}");
        }
    }

    #[test]
    fn age_is_counted_from_the_creation_timestamp() {
        let pod = pod(&format!("[{REPLICA_SET}]"));
        let workload = workload(&pod);
        let owners = workload.owners(Kinds::default());
        let rows = [
            ("\"1970-01-01T00:10:00Z\"", 600, true, "just made"),
            ("\"1970-01-01T00:10:00Z\"", 699, true, "99 seconds old"),
            ("\"1970-01-01T00:10:00Z\"", 700, false, "100 seconds old"),
            ("\"1970-01-01T01:10:00+01:00\"", 699, false, "in another zone, which the API server never writes"),
            ("\"1970-01-01T00:10:00Z\"", 540, true, "the policy server's clock is a minute late"),
            ("\"1970-01-01T00:10:00Z\"", 539, false, "from the future"),
            ("\"1969-12-31T23:59:59Z\"", 50, false, "from before 1970"),
            ("\"yesterday\"", 600, false, "no time"),
            ("7", 600, false, "a number"),
            ("null", 600, false, "none"),
        ];
        for (created, now, expected, why) in rows {
            let answer = format!(
                r#"{{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{{"name":"web","namespace":"shop","uid":"1","creationTimestamp":{created}}},"spec":{{"template":{{"spec":{{"containers":[]}}}}}}}}"#
            );
            let owner = owners[0].met_by(answer.as_bytes(), "shop").unwrap();
            let younger = owner.is_younger_than(Duration::from_secs(100), UnixTime::from_secs(now));
            assert_eq!(younger, expected, "{why}");
        }
    }
}
