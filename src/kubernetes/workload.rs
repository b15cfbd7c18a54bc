//! Where in this object are the images?
//!
//! Only the path to the pod spec differs between the kinds, so a kind is a row of a table. Objects are walked as the text that came in; fields that
//! are not images are not looked at, so that those which are not known yet survive.

use std::collections::BTreeMap;

use k8s_openapi::{
    Resource,
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::{Pod, PodTemplate, ReplicationController},
    },
};
use serde_json::value::RawValue;

use super::slot::{List, Slot, SlotError, SlotProblem, read_slot};
use crate::{
    host::ObjectName,
    json::{Mismatch, entries, members},
    ordered::map,
};

/// A kind of object that the policy knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    /// Group and version under which objects of this kind are asked for.
    pub(super) api_version: &'static str,
    pod_spec: &'static [&'static str],
}

impl Row {
    /// The name of an object of this kind, as the cluster is asked for it.
    pub(super) fn named<'n>(&self, name: &'n str, namespace: &'n str) -> ObjectName<'n> {
        ObjectName { api_version: self.api_version, kind: self.kind, namespace, name }
    }
}

const fn row<K: Resource>(pod_spec: &'static [&'static str]) -> Row {
    Row { group: K::GROUP, kind: K::KIND, api_version: K::API_VERSION, pod_spec }
}

/// The kinds, by group and kind: their path to the pod spec is the same in every version.
pub(super) const KINDS: [Row; 9] = [
    row::<Pod>(&["spec"]),
    row::<PodTemplate>(&["template", "spec"]),
    row::<ReplicationController>(&["spec", "template", "spec"]),
    row::<Deployment>(&["spec", "template", "spec"]),
    row::<ReplicaSet>(&["spec", "template", "spec"]),
    row::<StatefulSet>(&["spec", "template", "spec"]),
    row::<DaemonSet>(&["spec", "template", "spec"]),
    row::<Job>(&["spec", "template", "spec"]),
    row::<CronJob>(&["spec", "jobTemplate", "spec", "template", "spec"]),
];

/// The kind with these names, if it is known.
pub(super) fn row_of(group: &str, kind: &str) -> Option<&'static Row> {
    KINDS.iter().find(|row| row.group == group && row.kind == kind)
}

/// An object with a pod spec, and every place in it that holds an image.
#[derive(Debug)]
pub struct Workload<'a> {
    object: &'a RawValue,
    row: &'static Row,
    slots: Vec<Result<Slot<'a>, SlotError<'a>>>,
}

/// An object that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectError {
    /// The request has no object.
    Missing,
    /// The kind has no pod spec that this policy knows.
    Kind,
    /// The pod spec is not where this kind has it.
    PodSpec(String),
    /// More slots than are looked at.
    TooManySlots(usize),
    /// A member that is read is there twice.
    Twice(String),
}

impl ObjectError {
    /// Most slots of one object. The largest Pods that are known to run have about a hundred containers.
    pub(crate) const MAX_SLOTS: usize = 1_000;
}

impl<'a> Workload<'a> {
    /// Reads an object of this group and kind.
    ///
    /// # Errors
    /// When it is of no known kind, or its pod spec can't be found or read. What is wrong with single slots is kept with them.
    pub fn read(group: &str, kind: &str, object: Option<&'a RawValue>) -> Result<Workload<'a>, ObjectError> {
        let row = row_of(group, kind).ok_or(ObjectError::Kind)?;
        let object = object.ok_or(ObjectError::Missing)?;
        let mut spec = object;
        for (depth, step) in row.pod_spec.iter().enumerate() {
            let path = || row.pod_spec.iter().take(depth.saturating_add(1)).copied().collect::<Vec<_>>().join(".");
            spec = match members(spec, [step]) {
                Ok([Some(inner)]) => inner,
                Ok([None]) | Err(Mismatch::Type) => return Err(ObjectError::PodSpec(path())),
                Err(Mismatch::Twice) => return Err(ObjectError::Twice(path())),
            };
        }
        let lists = members(spec, List::ALL.map(List::field)).map_err(|mismatch| match mismatch {
            Mismatch::Type => ObjectError::PodSpec(row.pod_spec.join(".")),
            Mismatch::Twice => ObjectError::Twice(row.pod_spec.join(".")),
        })?;
        let is_pod = row.kind == Pod::KIND;
        let mut slots = Vec::new();
        let mut looked_at = 0;
        for (list, json) in List::ALL.into_iter().zip(lists) {
            let unreadable = |problem| Err(SlotError { list, place: None, problem });
            let entries = match json.map(entries) {
                Some(Ok(entries)) => entries,
                Some(Err(_)) => {
                    slots.push(unreadable(SlotProblem::NotAList));
                    continue;
                }
                None => Vec::new(),
            };
            if list == List::Containers && entries.is_empty() {
                slots.push(unreadable(SlotProblem::Empty));
            }
            looked_at = entries.len().saturating_add(looked_at);
            if looked_at > ObjectError::MAX_SLOTS {
                return Err(ObjectError::TooManySlots(looked_at));
            }
            slots.extend(
                entries
                    .into_iter()
                    .enumerate()
                    .filter_map(|(index, entry)| read_slot(object, list, index, entry, is_pod)),
            );
        }
        Ok(Workload { object, row, slots })
    }

    /// Every slot, or what is wrong with it: containers, init containers, ephemeral containers, image volumes, each in the object's order.
    pub fn slots(&self) -> impl Iterator<Item = &Result<Slot<'a>, SlotError<'a>>> {
        self.slots.iter()
    }

    /// Whether this object is a Pod, and not something that creates Pods.
    #[must_use]
    pub fn is_pod(&self) -> bool {
        self.row.kind == Pod::KIND
    }

    /// The path from the object to its pod spec.
    #[must_use]
    pub fn pod_spec(&self) -> &'static [&'static str] {
        self.row.pod_spec
    }

    /// The row of the object's kind.
    pub(super) fn row(&self) -> &'static Row {
        self.row
    }

    /// The name of an object of this kind, as the cluster is asked for it.
    #[must_use]
    pub fn named<'n>(&self, name: &'n str, namespace: &'n str) -> ObjectName<'n> {
        self.row.named(name, namespace)
    }

    /// Whether the object is being deleted: the API server has set its `deletionTimestamp`.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        self.metadata("deletionTimestamp").is_some()
    }

    /// The specification of the object. It is `None` if there is none, or if it occurs twice.
    pub(super) fn specification(&self) -> Option<&'a RawValue> {
        let [specification] = members(self.object, [self.row.pod_spec.first()?]).ok()?;
        specification
    }

    /// A member of the object's metadata; `None` also where there are two, of which nobody knows which one counts.
    pub(super) fn metadata(&self, key: &str) -> Option<&'a RawValue> {
        let [metadata] = members(self.object, ["metadata"]).ok()?;
        let [value] = members(metadata?, [key]).ok()?;
        value
    }

    /// The image texts by list and name, where the name is there and unique: what can be told to be the same slot in another version.
    #[must_use]
    pub fn named_images(&self) -> BTreeMap<(List, &str), &str> {
        let mut images = BTreeMap::new();
        for slot in &self.slots {
            // One that can't be read has a name all the same.
            let (place, image) = match slot {
                Ok(slot) => (Some(&slot.place), Some(&*slot.image)),
                Err(error) => (error.place.as_ref(), None),
            };
            if let Some((list, name)) = place.and_then(|place| Some((place.list, place.name.as_deref()?))) {
                images.entry((list, name)).and_modify(|image| *image = None).or_insert(image);
            }
        }
        map(images.into_iter().filter_map(|(key, image)| image.map(|image| (key, image))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    /// The slots as `path=image` or `path!what`, or why the object can't be read.
    fn slots(group: &str, kind: &str, json: &str) -> Result<Vec<String>, ObjectError> {
        let workload = Workload::read(group, kind, Some(raw(json)))?;
        let shown = |slot: &Result<Slot<'_>, SlotError<'_>>| match slot {
            Ok(slot) => {
                assert_eq!(
                    json.get(slot.span()).and_then(|text| serde_json::from_str(text).ok()),
                    Some(slot.image().to_owned())
                );
                format!("{}={}", slot.place().path(), slot.image())
            }
            Err(error) => format!("{}!{:?}", error.path(), error.problem),
        };
        Ok(workload.slots().map(shown).collect())
    }

    #[test]
    fn every_kind_has_its_path() {
        let pod = r#"{"containers":[{"name":"a","image":"i"}]}"#;
        let template = format!(r#"{{"spec":{{"template":{{"spec":{pod}}}}}}}"#);
        let rows = [
            ("", "Pod", format!(r#"{{"spec":{pod}}}"#)),
            ("", "PodTemplate", format!(r#"{{"template":{{"spec":{pod}}}}}"#)),
            ("", "ReplicationController", template.clone()),
            ("apps", "Deployment", template.clone()),
            ("apps", "ReplicaSet", template.clone()),
            ("apps", "StatefulSet", template.clone()),
            ("apps", "DaemonSet", template.clone()),
            ("batch", "Job", template.clone()),
            ("batch", "CronJob", format!(r#"{{"spec":{{"jobTemplate":{template}}}}}"#)),
        ];
        for (group, kind, object) in &rows {
            assert_eq!(slots(group, kind, object), Ok(vec!["containers/a=i".to_owned()]), "{kind}");
            assert!(matches!(slots(group, kind, "{}"), Err(ObjectError::PodSpec(_))), "{kind} without a pod spec");
            assert_eq!(
                slots("evil.io", kind, object),
                Err(ObjectError::Kind),
                "{kind} of another group is another kind"
            );
        }
        assert_eq!(rows.len(), KINDS.len());
        assert_eq!(Workload::read("", "Pod", None).err(), Some(ObjectError::Missing));
    }

    #[test]
    fn every_slot_is_found_or_said_to_be_unreadable() {
        let rows: &[(&str, &[&str], &str)] = &[
            (
                r#"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}],"initContainers":[{"name":"c","image":"3","restartPolicy":"Always"}],
                    "ephemeralContainers":[{"name":"d","image":"4"}],"volumes":[{"name":"v","emptyDir":{}},{"name":"w","image":{"reference":"5"}}]}"#,
                &["containers/a=1", "containers/b=2", "initContainers/c=3", "ephemeralContainers/d=4", "volumes/w=5"],
                "all four lists",
            ),
            (
                r#"{"containers":[{"image":"1"}],"initContainers":null,"volumes":null}"#,
                &["containers[0]=1"],
                "no name, null lists",
            ),
            (
                r#"{"containers":[{"name":"a","image":"\u0031"}]}"#,
                &["containers/a=1"],
                "an escaped image is the same image",
            ),
            (r#"{"containers":[{"name":7,"image":"1"}]}"#, &["containers[0]=1"], "a name that is none"),
            (
                r#"{"containers":[{"name":"a"},{"name":"b","image":"2"}]}"#,
                &["containers/a!NoImage", "containers/b=2"],
                "no image",
            ),
            (r#"{"containers":[{"name":"a","image":null}]}"#, &["containers/a!NoImage"], "null"),
            (r#"{"containers":[{"name":"a","image":["1"]}]}"#, &["containers/a!NotAText"], "a list as image"),
            (r#"{"containers":["1"]}"#, &["containers[0]!NotAMapping"], "a text as container"),
            (r#"{"containers":[["a","1"]]}"#, &["containers[0]!NotAMapping"], "a list as container"),
            (r#"{"containers":[{"image":"1","image":"2"}]}"#, &["containers[0]!Twice"], "two images"),
            (
                r#"{"containers":[{"image":"1"}],"volumes":[{"name":"v","image":{}}]}"#,
                &["containers[0]=1", "volumes/v!NoImage"],
                "no reference",
            ),
            (
                r#"{"containers":[{"image":"1"}],"volumes":[{"name":"v","image":"2"}]}"#,
                &["containers[0]=1", "volumes/v!ImageSource"],
                "a text as source",
            ),
            (
                r#"{"containers":[{"image":"1"}],"volumes":[{"name":"v","image":null}]}"#,
                &["containers[0]=1"],
                "no image volume",
            ),
        ];
        for (spec, expected, why) in rows {
            let expected = expected.iter().map(|slot| (*slot).to_owned()).collect();
            assert_eq!(slots("", "Pod", &format!(r#"{{"spec":{spec}}}"#)), Ok(expected), "{why}");
        }
    }

    #[test]
    fn lists_that_cant_be_read_hide_no_other_slot() {
        let rows: &[(&str, &[&str], &str)] = &[
            ("{}", &["containers!Empty"], "no containers"),
            (r#"{"containers":[]}"#, &["containers!Empty"], "an empty list"),
            (
                r#"{"containers":null,"initContainers":[{"image":"i"}]}"#,
                &["containers!Empty", "initContainers[0]=i"],
                "init containers alone are no Pod",
            ),
            (r#"{"containers":"oops"}"#, &["containers!NotAList"], "a text"),
            (r#"{"containers":{"image":"i"}}"#, &["containers!NotAList"], "a mapping"),
            (r#"{"containers":[{"image":"i"}],"volumes":{}}"#, &["containers[0]=i", "volumes!NotAList"], "a mapping"),
        ];
        for (spec, expected, why) in rows {
            let expected = expected.iter().map(|slot| (*slot).to_owned()).collect();
            assert_eq!(slots("", "Pod", &format!(r#"{{"spec":{spec}}}"#)), Ok(expected), "{why}");
        }
    }

    #[test]
    fn a_template_may_leave_a_volume_to_be_filled_in() {
        for source in ["{}", r#"{"reference":""}"#, r#"{"reference":null}"#] {
            let spec = format!(r#"{{"containers":[{{"image":"i"}}],"volumes":[{{"name":"v","image":{source}}}]}}"#);
            let template = format!(r#"{{"template":{{"spec":{spec}}}}}"#);
            assert_eq!(slots("", "PodTemplate", &template), Ok(vec!["containers[0]=i".to_owned()]), "{source}");
            let pod = slots("", "Pod", &format!(r#"{{"spec":{spec}}}"#)).unwrap();
            assert!(pod.len() == 2, "a Pod may not: {pod:?}");
        }
    }

    #[test]
    fn unreadable_objects() {
        let many = format!(r#"{{"containers":[{}]}}"#, vec![r#"{"image":"i"}"#; ObjectError::MAX_SLOTS + 1].join(","));
        let rows: &[(&str, ObjectError, &str)] = &[
            (
                r#"{"containers":[{"image":"i"}],"containers":[{"image":"evil"}]}"#,
                ObjectError::Twice("spec".to_owned()),
                "which list counts?",
            ),
            ("[]", ObjectError::PodSpec("spec".to_owned()), "a list as pod spec"),
            (&many, ObjectError::TooManySlots(ObjectError::MAX_SLOTS + 1), "more than is looked at"),
        ];
        for (spec, expected, why) in rows {
            assert_eq!(slots("", "Pod", &format!(r#"{{"spec":{spec}}}"#)), Err(expected.clone()), "{why}");
        }
    }
}
