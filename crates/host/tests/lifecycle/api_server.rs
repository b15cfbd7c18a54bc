//! What becomes of a write? A small API server: metadata, apply, dry runs, finalizers, and admission before anything is stored.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use image_trust_host::AdmissionRequest;
use image_trust_testbed::loopback::Registry;
use serde_json::{Map, Value, json};

use crate::webhook::{Denied, Objects, Webhook};

/// The namespace of all objects.
pub(crate) const NAMESPACE: &str = "shop";

pub(crate) struct ApiServer {
    pub(crate) webhook: Webhook,
    objects: Arc<Mutex<Objects>>,
    made: usize,
}

/// Whether a write is stored, or is a dry run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Real,
    Dry,
}

impl ApiServer {
    pub(crate) fn new(registry: Registry, settings: Value) -> Self {
        let objects = Arc::<Mutex<Objects>>::default();
        Self { webhook: Webhook::new(registry, settings, Arc::clone(&objects)), objects, made: 0 }
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.stored().get(&(kind.to_owned(), name.to_owned())).cloned()
    }

    /// All objects of a kind, the oldest first.
    pub(crate) fn list(&self, kind: &str) -> Vec<Value> {
        let mut objects: Vec<Value> = self.stored().values().filter(|object| object["kind"] == kind).cloned().collect();
        objects.sort_by_key(uid);
        objects
    }

    /// Makes an object. What the server itself sets is set after admission, a generated name too.
    pub(crate) fn create(&mut self, user: &str, object: Value, run: Run) -> Result<Value, Denied> {
        let mut request = AdmissionRequest::create(object).unwrap();
        request.dry_run = Some(run == Run::Dry);
        let mut object = self.webhook.admit(user, request)?.expect("a creation has an object");
        self.made += 1;
        let metadata = &mut object["metadata"];
        if let Some(prefix) = metadata["generateName"].as_str() {
            metadata["name"] = json!(format!("{prefix}{:05}", self.made));
        }
        metadata["uid"] = json!(format!("00000000-0000-4000-8000-{:012}", self.made));
        metadata["creationTimestamp"] = json!(rfc3339(SystemTime::now()));
        metadata["generation"] = json!(1);
        if run == Run::Real {
            self.stored().insert(key(&object), object.clone());
        }
        Ok(object)
    }

    /// Changes an object, or one subresource of it.
    pub(crate) fn update(
        &mut self,
        user: &str,
        subresource: Option<&str>,
        object: Value,
        run: Run,
    ) -> Result<Value, Denied> {
        let old = self.stored()[&key(&object)].clone();
        let mut request = AdmissionRequest::create(object).unwrap();
        request.operation = "UPDATE".to_owned();
        request.sub_resource = subresource.map(str::to_owned);
        request.old_object = Some(old.clone());
        request.dry_run = Some(run == Run::Dry);
        let mut object = self.webhook.admit(user, request)?.expect("an update has an object");
        if object["spec"] != old["spec"] {
            object["metadata"]["generation"] = json!(old["metadata"]["generation"].as_u64().unwrap() + 1);
        }
        if run == Run::Real {
            let finalizers = object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
            match !finalizers && object["metadata"]["deletionTimestamp"].is_string() {
                true => drop(self.stored().remove(&key(&object))),
                false => drop(self.stored().insert(key(&object), object.clone())),
            }
        }
        Ok(object)
    }

    /// Server-side apply, as far as images go: what the manifest names is set, everything else stays.
    pub(crate) fn apply(&mut self, user: &str, manifest: &Value, run: Run) -> Result<Value, Denied> {
        let (kind, name) = key(manifest);
        match self.get(&kind, &name) {
            None => self.create(user, manifest.clone(), run),
            Some(mut object) => {
                merge(&mut object, manifest);
                self.update(user, None, object, run)
            }
        }
    }

    /// Deletes an object; one with finalizers stays until they are gone.
    pub(crate) fn delete(&mut self, user: &str, object: &Value) {
        let mut request = AdmissionRequest::create(object.clone()).unwrap();
        request.operation = "DELETE".to_owned();
        request.old_object = request.object.take();
        self.webhook.admit(user, request).expect("a deletion passes");
        match object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty()) {
            true => {
                let mut object = object.clone();
                object["metadata"]["deletionTimestamp"] = json!(rfc3339(SystemTime::now()));
                self.stored().insert(key(&object), object);
            }
            false => drop(self.stored().remove(&key(object))),
        }
    }

    /// Makes an object older than any policy.
    pub(crate) fn backdate(&mut self, kind: &str, name: &str) {
        let key = (kind.to_owned(), name.to_owned());
        self.stored().get_mut(&key).expect("it is there")["metadata"]["creationTimestamp"] = json!(rfc3339(UNIX_EPOCH));
    }

    fn stored(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap()
    }
}

fn key(object: &Value) -> (String, String) {
    (text(&object["kind"]), text(&object["metadata"]["name"]))
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn uid(object: &Value) -> String {
    text(&object["metadata"]["uid"])
}

/// Sets what `wanted` names: members by their key, list items by their name.
fn merge(object: &mut Value, wanted: &Value) {
    match (object, wanted) {
        (Value::Object(object), Value::Object(wanted)) => {
            for (key, value) in wanted {
                merge(object.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(items), Value::Array(wanted)) if wanted.iter().all(|item| item["name"].is_string()) => {
            for value in wanted {
                match items.iter_mut().find(|item| item["name"] == value["name"]) {
                    Some(item) => merge(item, value),
                    None => items.push(value.clone()),
                }
            }
        }
        (object, wanted) => *object = wanted.clone(),
    }
}

/// Whether the object has everything that `wanted` names, as Argo CD compares them.
pub(crate) fn has(object: &Value, wanted: &Value) -> bool {
    let empty = Map::new();
    match (object, wanted) {
        (object, Value::Object(wanted)) => {
            let object = object.as_object().unwrap_or(&empty);
            wanted.iter().all(|(key, value)| object.get(key).is_some_and(|object| has(object, value)))
        }
        (Value::Array(items), Value::Array(wanted)) if wanted.iter().all(|item| item["name"].is_string()) => {
            items.len() == wanted.len() && wanted.iter().all(|value| items.iter().any(|item| has(item, value)))
        }
        (object, wanted) => object == wanted,
    }
}

/// A time as the API server writes it.
fn rfc3339(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    // The calendar repeats every 400 years; in it years begin with March, so that the leap day is the last one.
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3_600, time / 60 % 60, time % 60)
}

#[test]
fn times_are_those_of_the_calendar() {
    let rows = [
        (0, "1970-01-01T00:00:00Z", "the beginning"),
        (951_782_399, "2000-02-28T23:59:59Z", "before a leap day"),
        (951_782_400, "2000-02-29T00:00:00Z", "a leap day, also where the century ends"),
        (1_798_761_599, "2026-12-31T23:59:59Z", "the end of a year"),
    ];
    for (seconds, expected, why) in rows {
        assert_eq!(rfc3339(UNIX_EPOCH + std::time::Duration::from_secs(seconds)), expected, "{why}");
    }
}
