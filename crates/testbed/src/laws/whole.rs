//! Which laws hold for a whole review?

use std::collections::{BTreeMap, BTreeSet};

use image_trust::policy;
use serde_json::{Value, json};

use super::{
    Choices,
    host::answer,
    images::{Image, REPOSITORIES},
    key_order::backwards,
    rules::{Decision, MODES, Rules},
    world::{OWNERS, World},
};

const TEMPLATE: &[&str] = &["spec", "template", "spec"];

/// Group, version and kind, and where the pod spec is, if anybody knows.
const KINDS: [(&str, &str, &str, Option<&[&str]>); 13] = [
    ("", "v1", "Pod", Some(&["spec"])),
    ("", "v1", "PodTemplate", Some(&["template", "spec"])),
    ("", "v1", "ReplicationController", Some(TEMPLATE)),
    ("apps", "v1", "Deployment", Some(TEMPLATE)),
    ("apps", "v1beta2", "Deployment", Some(TEMPLATE)),
    ("apps", "v1", "ReplicaSet", Some(TEMPLATE)),
    ("apps", "v1", "StatefulSet", Some(TEMPLATE)),
    ("apps", "v2", "DaemonSet", Some(TEMPLATE)),
    ("batch", "v1", "Job", Some(TEMPLATE)),
    ("batch", "v1beta1", "CronJob", Some(&["spec", "jobTemplate", "spec", "template", "spec"])),
    ("apps", "v1", "Pod", None),
    ("example.com", "v1", "Deployment", None),
    ("", "v1", "Service", None),
];

const LISTS: [&str; 4] = ["containers", "initContainers", "ephemeralContainers", "volumes"];

/// A slot of the object, with an image.
#[derive(Clone, Debug)]
struct Slot {
    list: usize,
    name: String,
    image: Image,
    /// The JSON in the slot, if it cannot be read.
    broken: Option<Value>,
}

impl Slot {
    fn chosen(choices: &mut Choices<'_>, number: usize) -> Slot {
        let list = *choices.one(&[0, 0, 1, 2, 3]);
        let name = if choices.once_in(16) { "twice".to_owned() } else { format!("c{number}") };
        let image = Image::chosen(choices);
        let broken = (list < 3 && choices.once_in(24)).then(|| match choices.below(3) {
            0 => json!({"name": name}),
            1 => json!({"name": name, "image": 7}),
            _ => json!(image.text),
        });
        Slot { list, name, image, broken }
    }

    fn entry(&self) -> Value {
        match (&self.broken, self.list) {
            (Some(broken), _) => broken.clone(),
            (None, 3) => json!({"name": self.name, "image": {"reference": self.image.text, "pullPolicy": "Always"}}),
            (None, _) => json!({"name": self.name, "image": self.image.text, "future": {"n": 1}}),
        }
    }
}

/// A request, and the settings under which it comes.
struct Case {
    kind: (&'static str, &'static str, &'static str, Option<&'static [&'static str]>),
    operation: &'static str,
    subresource: &'static str,
    dry_run: bool,
    slots: Vec<Slot>,
    /// The slots of the object before an update.
    old: Vec<Slot>,
    is_leaving: bool,
    is_owned: bool,
    rules: Rules,
}

impl Case {
    fn chosen(choices: &mut Choices<'_>) -> Case {
        let kind = match choices.once_in(3) {
            false => KINDS[0],
            true => *choices.one(&KINDS),
        };
        let operation = match choices.once_in(12) {
            false => *choices.one(&["CREATE", "UPDATE"]),
            true => *choices.one(&["DELETE", "CONNECT"]),
        };
        let subresource = match choices.once_in(8) {
            false => "",
            true => choices.one(&["status", "ephemeralcontainers", "resize", "scale", "eviction", "binding", "log"]),
        };
        let rules = Rules::chosen(choices);
        let mut slots: Vec<Slot> = (0..1 + choices.below(4)).map(|number| Slot::chosen(choices, number)).collect();
        // There is always a container, as in every Pod.
        if !slots.iter().any(|slot| slot.list == 0) {
            slots[0] = Slot { list: 0, ..slots[0].clone() };
        }
        let before = |slot: &Slot| match choices.below(6) {
            0 | 1 => Some(slot.clone()),
            2 => Some(Slot { image: slot.image.pinned(choices.below(3)), ..slot.clone() }),
            3 => Some(Slot { image: Image::chosen(choices), broken: None, ..slot.clone() }),
            4 => Some(Slot { name: "other".to_owned(), ..slot.clone() }),
            _ => None,
        };
        let old = slots.iter().filter_map(before).collect();
        let (is_leaving, is_owned, dry_run) = (choices.once_in(8), choices.once_in(3), choices.once_in(3));
        Case { kind, operation, subresource, dry_run, slots, old, is_leaving, is_owned, rules }
    }

    fn is_pod(&self) -> bool {
        self.kind.2 == "Pod"
    }

    fn is_update(&self) -> bool {
        self.operation == "UPDATE"
    }

    fn object(&self, slots: &[Slot], is_leaving: bool) -> Value {
        let mut spec = json!({"restartPolicy": "Never"});
        for (list, field) in LISTS.iter().enumerate() {
            let entries: Vec<Value> = slots.iter().filter(|slot| slot.list == list).map(Slot::entry).collect();
            if !entries.is_empty() {
                spec[field] = entries.into();
            }
        }
        let path = self.kind.3.unwrap_or(TEMPLATE);
        let mut object = path.iter().rev().fold(spec, |inner, step| json!({*step: inner}));
        object["metadata"] = json!({"name": "it", "uid": "0", "labels": {"a": "b"}});
        if self.is_owned {
            let owner = |(api_version, kind, name): &(&str, &str, &str)| json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": "1"});
            object["metadata"]["ownerReferences"] = OWNERS.iter().map(owner).collect();
        }
        if is_leaving {
            object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        }
        object
    }

    fn payload(&self, object: &Value) -> Value {
        let (group, version, kind, _) = self.kind;
        let old = if self.is_update() { self.object(&self.old, self.is_leaving) } else { Value::Null };
        json!({
            "settings": self.rules.settings(),
            "request": {
                "kind": {"group": group, "version": version, "kind": kind}, "subResource": self.subresource,
                "operation": self.operation, "name": "it", "namespace": "shop", "dryRun": self.dry_run,
                "object": object, "oldObject": old,
            },
        })
    }

    /// What this slot held before, if it can be told which one it was.
    fn before(&self, slot: &Slot) -> Option<&Slot> {
        let is_it = |other: &&Slot| {
            let has_name = other.broken.as_ref().is_none_or(Value::is_object);
            (other.list, &other.name) == (slot.list, &slot.name) && has_name
        };
        let is_named = slot.broken.is_none() && self.slots.iter().filter(is_it).count() == 1;
        let before: Vec<&Slot> = self.old.iter().filter(is_it).collect();
        match before[..] {
            [before] if is_named && self.is_update() && before.broken.is_none() => Some(before),
            _ => None,
        }
    }

    fn is_unchanged(&self, slot: &Slot) -> bool {
        self.before(slot).is_some_and(|before| before.image.text == slot.image.text)
    }

    /// Whether the request brings no image. It is `None` if nobody can tell.
    fn brings_nothing(&self) -> Option<bool> {
        if ["DELETE", "CONNECT"].contains(&self.operation)
            || ["scale", "eviction", "binding"].contains(&self.subresource)
        {
            return Some(true);
        }
        if self.subresource == "log" || self.kind.3.is_none() {
            return None;
        }
        if self.is_leaving || self.subresource == "status" {
            let keeps = |slot: &Slot| self.is_left_out(slot) || self.is_unchanged(slot);
            return Some(self.is_update() && self.slots.iter().all(keeps));
        }
        let specification =
            |slots| self.kind.3.and_then(<[_]>::first).map(|first| self.object(slots, false)[first].take());
        let is_read = |slot: &Slot| slot.broken.is_none();
        let starts_nothing = self.slots.iter().all(is_read) && specification(&self.slots) == specification(&self.old);
        Some(self.is_update() && starts_nothing)
    }

    /// Is it a volume of a template that is yet to be filled in?
    fn is_left_out(&self, slot: &Slot) -> bool {
        slot.list == 3 && slot.image.text.is_empty() && !self.is_pod()
    }

    /// Which digest of this slot's image was there before, with its tag?
    fn live(&self, slot: &Slot) -> Option<usize> {
        let before = self.before(slot).filter(|_| slot.image.digest.is_none())?;
        before
            .image
            .digest
            .filter(|_| (before.image.repository, before.image.tag) == (slot.image.repository, slot.image.tag))
    }

    /// May this slot's image run without a proof?
    fn is_approved(&self, slot: &Slot, world: &World<'_>) -> bool {
        let features = &self.rules.features;
        let Some(Decision::Prove(with)) = self.rules.decision(&slot.image) else { return false };
        let by_owner = features.child.filter(|_| self.is_owned && !features.pods_only).is_some_and(|(ttl, digest)| {
            let has_digest = slot.image.digest.is_some() || !(digest || MODES[with.mode] == "mutatePodsOnly");
            has_digest && world.owner_lists(&slot.image.text, ttl)
        });
        by_owner || (features.unchanged && self.is_unchanged(slot)) || self.is_carried(slot)
    }

    fn is_carried(&self, slot: &Slot) -> bool {
        let features = &self.rules.features;
        (features.resolve || (features.reuse && self.dry_run)) && self.live(slot).is_some()
    }

    /// May this slot's text be changed to this one?
    fn may_become(&self, slot: &Slot, text: &str, world: &World<'_>) -> bool {
        let features = &self.rules.features;
        let Some(Decision::Prove(with)) = self.rules.decision(&slot.image) else { return false };
        let is_written = match MODES[with.mode] {
            "mutate" => self.is_pod() || !features.pods_only,
            "mutatePodsOnly" => self.is_pod(),
            _ => false,
        };
        let is_pin = |digest: usize| {
            let is_true = self.rules.may_be(&slot.image, digest, world, false);
            slot.image.pinned(digest).text == text
                && (is_true || self.is_carried(slot) && self.live(slot) == Some(digest))
        };
        features.mutation && is_written && !self.is_unchanged(slot) && (0..3).any(is_pin)
    }
}

/// A whole request, whose settings, object and world these bytes choose. Is it admitted?
pub fn review(data: &[u8]) -> bool {
    let mut choices = Choices(data);
    let law = choices.below(6);
    let case = Case::chosen(&mut choices);
    let images: Vec<Image> = case.slots.iter().map(|slot| slot.image.clone()).collect();
    let world = World::chosen(&mut choices, &images);
    let object = case.object(&case.slots, false);
    let payload = case.payload(&object);
    let first = answer(payload.to_string().as_bytes(), &world.host());
    let changed = if first["mutated_object"].is_null() { &object } else { &first["mutated_object"] };

    is_answer(&first, &payload);
    only_what_is_proven_is_asked_about(&case, &world);
    only_images_change(&case, &object, changed, &world);
    is_admitted_rightly(&case, &world, &first, &payload);
    let again = |payload: &str| answer(payload.as_bytes(), &world.host());
    let text = payload.to_string();
    match law {
        0 => assert_eq!(again(&text), first, "not the same twice: {payload}"),
        1 if world.is_steady() && !has_carried(&first) => {
            let second = again(&case.payload(changed).to_string());
            assert_eq!(second["accepted"], first["accepted"], "the result is decided otherwise: {payload}");
            assert!(second["mutated_object"].is_null(), "the result is changed again: {payload}");
        }
        // In another order it is another specification, which an update may bring.
        2 if world.step == 0 && case.brings_nothing() != Some(true) => {
            let reversed: Vec<Slot> = case.slots.iter().rev().cloned().collect();
            let other = case.object(&reversed, false);
            let second = again(&case.payload(&other).to_string());
            assert_eq!((&second["accepted"], &second["code"]), (&first["accepted"], &first["code"]), "{payload}");
            let other = if second["mutated_object"].is_null() { &other } else { &second["mutated_object"] };
            let turned = |(list, entries): (usize, Vec<Value>)| (list, entries.into_iter().rev().collect());
            let expected: BTreeMap<usize, Vec<Value>> = entries(&case, changed).into_iter().map(turned).collect();
            assert_eq!(entries(&case, other), expected, "{payload}");
        }
        3 => {
            world.key_order.set(true);
            assert_eq!(again(&backwards(&payload)), first, "the order of keys decides: {payload}");
        }
        4 if world.step == 0 => {
            let mut other = payload.clone();
            other["settings"]["features"]["detectionMode"] = (!case.rules.features.detection).into();
            let other = decisions(&again(&other.to_string()));
            let first = decisions(&first);
            assert_eq!(other.len(), first.len(), "{payload}");
            // Where a denial is enforced, not every image is looked at.
            let is_looked_at = |record: &Value| record["reason"] != "not-checked";
            for (one, other) in first.iter().zip(&other).filter(|(one, other)| is_looked_at(one) && is_looked_at(other))
            {
                assert_eq!(one, other, "{payload}");
            }
        }
        _ => {
            let problems = policy::check(&payload["settings"].to_string());
            assert!(problems.is_empty(), "{problems:?}: {payload}");
        }
    }
    first["accepted"] == true
}

/// Checks that a host and a user can use the answer.
fn is_answer(answer: &Value, payload: &Value) {
    let is_admitted = answer["accepted"].as_bool().unwrap();
    let is_said = answer["message"].as_str().is_some_and(|message| !message.is_empty());
    let code = answer["code"].as_u64();
    match is_admitted {
        true => assert!(code.is_none() && !is_said, "{answer}: {payload}"),
        false => assert!(is_said && [400, 403, 503, 504].map(Some).contains(&code), "{answer}: {payload}"),
    }
    let warnings: Vec<usize> =
        answer["warnings"].as_array().into_iter().flatten().map(|w| w.as_str().unwrap().len()).collect();
    assert!(warnings.iter().all(|length| *length <= 256) && warnings.iter().sum::<usize>() <= 4096, "{answer}");
    assert!(is_admitted || answer["mutated_object"].is_null(), "{answer}: {payload}");
}

/// The audit records, without what was done.
fn decisions(answer: &Value) -> Vec<Value> {
    let records = answer["audit_annotations"].as_object().into_iter().flat_map(|records| records.values());
    let mut records: Vec<Value> =
        records.map(|record| serde_json::from_str(record.as_str().unwrap()).unwrap()).collect();
    records.iter_mut().for_each(|record| record["pinned"] = Value::Null);
    records
}

fn has_carried(answer: &Value) -> bool {
    decisions(answer).iter().any(|record| record["verdict"] == "carried")
}

/// A reference that no rule lets near a registry causes no request.
fn only_what_is_proven_is_asked_about(case: &Case, world: &World<'_>) {
    let proven = case.slots.iter().filter(|slot| matches!(case.rules.decision(&slot.image), Some(Decision::Prove(_))));
    let names: BTreeSet<&str> = proven.filter_map(|slot| Some(REPOSITORIES[slot.image.repository?])).collect();
    for asked in world.asked.borrow().iter() {
        assert!(names.contains(&**asked), "{asked} was asked about");
    }
}

/// The entries of each list in an object.
fn entries(case: &Case, object: &Value) -> BTreeMap<usize, Vec<Value>> {
    let spec = case.kind.3.unwrap_or(TEMPLATE).iter().fold(object, |inner, step| &inner[step]);
    (0..LISTS.len()).filter_map(|list| Some((list, spec[LISTS[list]].as_array()?.clone()))).collect()
}

fn only_images_change(case: &Case, before: &Value, after: &Value, world: &World<'_>) {
    if before == after {
        return;
    }
    let mut entries = entries(case, after);
    let mut restored = case.slots.clone();
    for slot in &mut restored {
        let entry = entries.get_mut(&slot.list).unwrap().remove(0);
        let text = entry["image"].as_str().or(entry["image"]["reference"].as_str()).unwrap_or_default();
        if slot.broken.is_none() && text != slot.image.text {
            assert!(case.may_become(slot, text, world), "{text} was not proven: {:?}", case.rules);
            slot.image.text = text.to_owned();
        }
    }
    assert_eq!(case.object(&restored, false), *after, "more than images has changed");
}

fn is_admitted_rightly(case: &Case, world: &World<'_>, answer: &Value, payload: &Value) {
    let is_admitted = answer["accepted"] == true;
    let features = &case.rules.features;
    if features.detection {
        assert!(is_admitted, "detection mode denies nothing: {answer}: {payload}");
        return;
    }
    let slots = || case.slots.iter().filter(|slot| !case.is_left_out(slot));
    match case.brings_nothing() {
        None => assert_eq!(answer["code"], 400, "nobody knows where its images are: {payload}"),
        Some(true) => assert!(is_admitted, "it brings no image: {answer}: {payload}"),
        Some(false) if slots().any(|slot| slot.broken.is_some()) => assert_eq!(answer["code"], 400, "{payload}"),
        Some(false) if features.pods_only && !case.is_pod() => {
            assert!(is_admitted, "only Pods are denied: {answer}: {payload}");
        }
        Some(false) => {
            let may_run = |slot: &Slot| case.rules.may_run(&slot.image, world, false) || case.is_approved(slot, world);
            assert!(!is_admitted || slots().all(may_run), "not every image may run: {payload}");
            let has_to = |slot: &Slot| case.rules.may_run(&slot.image, world, true);
            let for_certain = world.is_in_order && slots().all(has_to);
            assert!(is_admitted || !for_certain, "every image may run: {answer}: {payload}");
        }
    }
}
