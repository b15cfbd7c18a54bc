//! How does Connaisseur 3 decide a request, if every image that has to be signed is?

use serde::Deserialize;
use serde_json::Value;

use super::{
    connaisseur, patterns,
    rules::{Decision, Rule},
    settings::Features,
};

/// The requests that reach Connaisseur's webhook: group, resource, subresource.
const ASKED: [(&str, &str, Option<&str>); 9] = [
    ("apps", "deployments", None),
    ("apps", "replicasets", None),
    ("apps", "daemonsets", None),
    ("apps", "statefulsets", None),
    ("", "pods", None),
    ("", "pods", Some("ephemeralcontainers")),
    ("", "replicationcontrollers", None),
    ("batch", "jobs", None),
    ("batch", "cronjobs", None),
];

/// The parts of an AdmissionRequest (`admission.k8s.io/v1`) that Connaisseur reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'r> {
    kind: Kind<'r>,
    resource: Resource<'r>,
    sub_resource: Option<&'r str>,
    operation: &'r str,
    object: Option<Value>,
    old_object: Option<Value>,
}

impl Request<'_> {
    /// Whether the object is a ReplicaSet that names a Deployment as its owner.
    pub(super) fn is_replica_set_of_a_deployment(&self) -> bool {
        let owners = self.object.as_ref().and_then(|object| object.pointer("/metadata/ownerReferences")?.as_array());
        self.kind.kind == "ReplicaSet" && owners.into_iter().flatten().any(|owner| owner["kind"] == "Deployment")
    }
}

#[derive(Deserialize)]
struct Kind<'r> {
    kind: &'r str,
}

#[derive(Deserialize)]
struct Resource<'r> {
    group: &'r str,
    resource: &'r str,
}

/// The reason for which an object that is being deleted is admitted.
pub(super) const DELETED: &str = "the object is being deleted";

/// Connaisseur's answer to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) is_asked: bool,
    pub(super) is_allowed: bool,
    /// The reason for the answer, if the images are not the reason.
    pub(super) why: Option<&'static str>,
    pub(super) slots: Vec<Slot>,
}

/// A container, and what it says of its image.
#[derive(Debug)]
pub(super) struct Slot {
    /// The list and the name of the container, as our audit records label it.
    pub(super) label: String,
    /// The JSON pointer to the image.
    pub(super) pointer: String,
    pub(super) image: String,
    pub(super) rule: Option<usize>,
    pub(super) is_admitted: bool,
    pub(super) how: &'static str,
    pub(super) is_pinned: bool,
}

/// Connaisseur's answer to `request` under these rules and features.
pub(super) fn decide(request: &Request<'_>, rules: &[Rule], features: &Features) -> Answer {
    let sub_resource = request.sub_resource.filter(|name| !name.is_empty());
    let resource = (request.resource.group, request.resource.resource, sub_resource);
    if !matches!(request.operation, "CREATE" | "UPDATE") || !ASKED.contains(&resource) {
        return Answer { is_asked: false, ..Answer::of(true, "not asked: its webhook does not cover this") };
    }
    let mut answer = judged(request, rules, features);
    let is_watched = features.resource_validation_mode == "podsOnly" && request.kind.kind != "Pod";
    if !answer.is_allowed || is_watched {
        answer.slots.iter_mut().for_each(|slot| slot.is_pinned = false);
    }
    // Both soften whatever was said, also of what can't be read.
    answer.is_allowed |= is_watched || features.detection_mode;
    answer
}

/// Connaisseur's answer before detection mode or `podsOnly` softens it.
fn judged(request: &Request<'_>, rules: &[Rule], features: &Features) -> Answer {
    let kind = request.kind.kind;
    let slots = request.object.as_ref().and_then(|object| slots_of(kind, object));
    let Some(mut slots) = slots.filter(|slots| !slots.is_empty()) else {
        return Answer::of(false, "the object is unknown, can't be read, or has no containers");
    };
    let mut old_images = Vec::new();
    if request.operation == "UPDATE" {
        let Some(old) = request.old_object.as_ref().and_then(|object| slots_of(kind, object)) else {
            return Answer::of(false, "the old object can't be read");
        };
        let deletion = request.old_object.as_ref().and_then(|object| object.pointer("/metadata/deletionTimestamp"));
        if deletion.is_some_and(|time| !time.is_null()) {
            return Answer::of(true, DELETED);
        }
        old_images = old.into_iter().map(|slot| slot.image).collect();
    }
    for slot in &mut slots {
        slot.decide(rules, features.automatic_unchanged_approval && old_images.contains(&slot.image));
    }
    Answer { is_asked: true, is_allowed: slots.iter().all(|slot| slot.is_admitted), why: None, slots }
}

impl Answer {
    fn of(is_allowed: bool, why: &'static str) -> Answer {
        Answer { is_asked: true, is_allowed, why: Some(why), slots: Vec::new() }
    }
}

impl Slot {
    fn decide(&mut self, rules: &[Rule], is_unchanged: bool) {
        let Some(name) = connaisseur::name(&self.image) else {
            self.how = "denied: no image reference";
            return;
        };
        self.rule = patterns::there(rules, &self.image);
        let Some(rule) = self.rule.and_then(|rule| rules.get(rule)) else {
            self.how = "denied: no matching rule";
            return;
        };
        let is_broken = connaisseur::name(&name).is_none();
        (self.is_admitted, self.is_pinned, self.how) = match &rule.there {
            Decision::Deny => (false, false, "denied by rule"),
            _ if is_broken => (false, false, "denied: it loses the tag of such a reference"),
            Decision::Allow => (true, false, "allowed by rule"),
            Decision::Prove(_) if is_unchanged => (true, false, "approved: unchanged"),
            Decision::Prove(_) => (true, rule.pins && !self.image.contains('@'), "signed"),
        };
    }
}

/// The containers of an object; nothing where Connaisseur does not know the kind, or can't read it.
fn slots_of(kind: &str, object: &Value) -> Option<Vec<Slot>> {
    let (spec, lists): (&str, &[&str]) = match kind {
        "Pod" => ("/spec", &["containers", "initContainers", "ephemeralContainers"]),
        "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" | "Job" | "ReplicationController" => {
            ("/spec/template/spec", &["containers", "initContainers"])
        }
        "CronJob" => ("/spec/jobTemplate/spec/template/spec", &["containers", "initContainers"]),
        _ => return None,
    };
    let mut slots = Vec::new();
    for list in lists {
        let containers = match object.pointer(&format!("{spec}/{list}")) {
            None | Some(Value::Null) => continue,
            Some(containers) => containers.as_array()?,
        };
        for (i, container) in containers.iter().enumerate() {
            let image = match container.get("image") {
                None | Some(Value::Null) => "",
                Some(image) => image.as_str()?,
            };
            let label = match container.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) {
                Some(name) => format!("{list}/{name}"),
                None => format!("{list}[{i}]"),
            };
            let pointer = format!("{spec}/{list}/{i}/image");
            let image = image.to_owned();
            slots.push(Slot { label, pointer, image, rule: None, is_admitted: false, how: "", is_pinned: false });
        }
    }
    Some(slots)
}
