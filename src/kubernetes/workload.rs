//! Where in this object are the images?
//!
//! Only the path to the pod spec differs between the kinds. Objects are walked as the text that came in; fields that are not images are not looked at, so that
//! those which are not known yet survive.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::api::core::v1::Pod;
use serde_json::value::RawValue;

use super::{
    kind::{Kind, Kinds},
    slot::{List, Place, Slot, SlotError, SlotKey, SlotProblem, read_slot},
};
use crate::{
    json::{Mismatch, all_members, entries, members},
    ordered::map,
};

/// An object with a pod spec, and every place in it that holds an image.
#[derive(Debug)]
pub struct Workload<'a> {
    object: &'a RawValue,
    kind: Kind<'a>,
    slots: Vec<Result<Slot<'a>, SlotError<'a>>>,
}

/// An object that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectError {
    /// The request has no object.
    Missing,
    /// The kind has no pod spec that this policy knows.
    Kind,
    /// The pod spec is not where this kind has it. If the kind has several, none of them is there.
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
    pub fn read(
        kinds: Kinds<'a>,
        group: &str,
        kind: &str,
        object: Option<&'a RawValue>,
    ) -> Result<Workload<'a>, ObjectError> {
        let kind = kinds.find(group, kind).ok_or(ObjectError::Kind)?;
        Workload::of(kind, object.ok_or(ObjectError::Missing)?)
    }

    /// Reads an object of this kind.
    pub(super) fn of(kind: Kind<'a>, object: &'a RawValue) -> Result<Workload<'a>, ObjectError> {
        let mut slots = Slots { object, is_pod: kind.is::<Pod>(), looked_at: 0, slots: Vec::new() };
        let mut missing = None;
        let mut has_one = false;
        let paths = kind.pod_specs();
        let has_several = paths.len() > 1;
        for path in paths {
            match pod_spec(object, path)? {
                Ok(spec) => {
                    slots.read(spec, path, has_several)?;
                    has_one = true;
                }
                Err(place) => missing = missing.or(Some(place)),
            }
        }
        match missing {
            Some(place) if !has_one => Err(ObjectError::PodSpec(place)),
            _ => Ok(Workload { slots: slots.slots, kind, object }),
        }
    }

    /// Every slot, or what is wrong with it: containers, init containers, ephemeral containers, image volumes, each in the object's order.
    pub fn slots(&self) -> impl Iterator<Item = &Result<Slot<'a>, SlotError<'a>>> {
        self.slots.iter()
    }

    /// Whether this object is a Pod, and not something that creates Pods.
    #[must_use]
    pub fn is_pod(&self) -> bool {
        self.kind.is::<Pod>()
    }

    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> &Kind<'a> {
        &self.kind
    }

    /// Whether the object is being deleted: the API server has set its `deletionTimestamp`.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        self.metadata("deletionTimestamp").is_some()
    }

    /// Everything that the object wants: what it has beside its metadata and its status, and what its pod specs are in. It is `None` if a member occurs twice.
    pub(super) fn wanted(&self) -> Option<BTreeMap<Cow<'a, str>, &'a RawValue>> {
        let paths = self.kind.pod_specs();
        wanted(self.object, |key| paths.iter().any(|path| path.first() == Some(&key)))
    }

    /// A member of the object's metadata; `None` also where there are two, of which nobody knows which one counts.
    pub(super) fn metadata(&self, key: &str) -> Option<&'a RawValue> {
        let [metadata] = members(self.object, ["metadata"]).ok()?;
        let [value] = members(metadata?, [key]).ok()?;
        value
    }

    /// The image texts by pod spec, list and name, where the name is there and unique: what can be told to be the same slot in another version.
    #[must_use]
    pub fn named_images(&self) -> BTreeMap<SlotKey<'_>, &str> {
        let mut images = BTreeMap::new();
        for slot in &self.slots {
            // One that can't be read has a name all the same.
            let (place, image) = match slot {
                Ok(slot) => (Some(&slot.place), Some(&*slot.image)),
                Err(error) => (error.place.as_ref(), None),
            };
            if let Some(key) = place.and_then(Place::key) {
                images.entry(key).and_modify(|image| *image = None).or_insert(image);
            }
        }
        map(images.into_iter().filter_map(|(key, image)| image.map(|image| (key, image))))
    }
}

/// What an object has beside its metadata and its status, and what is `kept`. It is `None` if a member occurs twice.
pub(super) fn wanted(object: &RawValue, kept: impl Fn(&str) -> bool) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    let mut members = all_members(object).ok()?;
    members.retain(|key, _| kept(key) || !matches!(&**key, "metadata" | "status"));
    Some(members)
}

/// The slots of an object that were found so far.
struct Slots<'a> {
    object: &'a RawValue,
    is_pod: bool,
    looked_at: usize,
    slots: Vec<Result<Slot<'a>, SlotError<'a>>>,
}

impl<'a> Slots<'a> {
    /// Reads the slots of the pod spec at this path. If the kind has several, the slots are told apart by it.
    fn read(&mut self, spec: &'a RawValue, path: &[&str], has_several: bool) -> Result<(), ObjectError> {
        let pod_spec = has_several.then(|| path.join("."));
        let lists = members(spec, List::ALL.map(List::field)).map_err(|mismatch| match mismatch {
            Mismatch::Type => ObjectError::PodSpec(path.join(".")),
            Mismatch::Twice => ObjectError::Twice(path.join(".")),
        })?;
        for (list, json) in List::ALL.into_iter().zip(lists) {
            let unreadable = |problem| Err(SlotError { pod_spec: pod_spec.clone(), list, place: None, problem });
            let entries = match json.map(entries) {
                Some(Ok(entries)) => entries,
                Some(Err(_)) => {
                    self.slots.push(unreadable(SlotProblem::NotAList));
                    continue;
                }
                None => Vec::new(),
            };
            if list == List::Containers && entries.is_empty() {
                self.slots.push(unreadable(SlotProblem::Empty));
            }
            self.looked_at = entries.len().saturating_add(self.looked_at);
            if self.looked_at > ObjectError::MAX_SLOTS {
                return Err(ObjectError::TooManySlots(self.looked_at));
            }
            let read = |(index, entry)| read_slot(self.object, pod_spec.as_deref(), list, index, entry, self.is_pod);
            self.slots.extend(entries.into_iter().enumerate().filter_map(read));
        }
        Ok(())
    }
}

/// The pod spec at this path, or the place at which the path ends.
fn pod_spec<'a>(object: &'a RawValue, path: &[&str]) -> Result<Result<&'a RawValue, String>, ObjectError> {
    let mut spec = object;
    for (depth, step) in path.iter().enumerate() {
        let place = || path.iter().take(depth.saturating_add(1)).copied().collect::<Vec<_>>().join(".");
        spec = match members(spec, [step]) {
            Ok([Some(inner)]) => inner,
            Ok([None]) => return Ok(Err(place())),
            Err(Mismatch::Type) => return Err(ObjectError::PodSpec(place())),
            Err(Mismatch::Twice) => return Err(ObjectError::Twice(place())),
        };
    }
    Ok(Ok(spec))
}

#[cfg(test)]
mod tests {
    use super::{super::kind::KINDS, *};

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    /// The slots as `path=image` or `path!what`, or why the object can't be read.
    fn slots(group: &str, kind: &str, json: &str) -> Result<Vec<String>, ObjectError> {
        let workload = Workload::read(Kinds::default(), group, kind, Some(raw(json)))?;
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
        assert_eq!(Workload::read(Kinds::default(), "", "Pod", None).err(), Some(ObjectError::Missing));
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

    #[test]
    fn other_kinds_have_the_pod_specs_that_the_settings_name() {
        let entries = r#"[
            {"apiGroup": "argoproj.io", "kind": "Rollout", "podSpec": "spec.template.spec"},
            {"apiGroup": "x.io", "kind": "Pair", "podSpec": "spec.leader.spec"},
            {"apiGroup": "x.io", "kind": "Pair", "podSpec": "spec.worker.spec"},
            {"apiGroup": "apps.x.io", "kind": "Pod", "podSpec": "pod"}
        ]"#;
        let entries: Vec<crate::policy::settings::WorkloadKind<'_>> = serde_json::from_str(entries).unwrap();
        let pod = |image: &str| format!(r#"{{"containers":[{{"name":"a","image":"{image}"}}]}}"#);
        let template = |image: &str| format!(r#"{{"spec":{{"template":{{"spec":{}}}}}}}"#, pod(image));
        let pair = |parts: &[(&str, &str)]| {
            let parts: Vec<_> = parts.iter().map(|(part, spec)| format!(r#""{part}":{{"spec":{spec}}}"#)).collect();
            format!(r#"{{"spec":{{{}}}}}"#, parts.join(","))
        };
        let missing = |path: &str| Err(ObjectError::PodSpec(path.to_owned()));
        let (leader, worker) = (pod("i"), pod("j"));
        // group, kind, object, images, the reason
        type Row<'a> = (&'a str, &'a str, String, Result<Vec<&'a str>, ObjectError>, &'a str);
        let rows: Vec<Row<'_>> = vec![
            ("argoproj.io", "Rollout", template("i"), Ok(vec!["i"]), "where the settings say"),
            (
                "argoproj.io",
                "Rollout",
                r#"{"spec":{"workloadRef":{}}}"#.to_owned(),
                missing("spec.template"),
                "not there",
            ),
            (
                "argoproj.io",
                "Rollout",
                r#"{"spec":{"template":[]}}"#.to_owned(),
                missing("spec.template.spec"),
                "a list",
            ),
            ("argoproj.io", "rollout", template("i"), Err(ObjectError::Kind), "another kind"),
            ("argoproj.com", "Rollout", template("i"), Err(ObjectError::Kind), "another group"),
            ("x.io", "Pair", pair(&[("leader", &leader), ("worker", &worker)]), Ok(vec!["i", "j"]), "both"),
            ("x.io", "Pair", pair(&[("worker", &worker)]), Ok(vec!["j"]), "only the second"),
            ("x.io", "Pair", pair(&[]), missing("spec.leader"), "neither"),
            (
                "x.io",
                "Pair",
                pair(&[("leader", &leader), ("worker", "7")]),
                missing("spec.worker.spec"),
                "one unreadable",
            ),
            (
                "apps.x.io",
                "Pod",
                format!(r#"{{"pod":{leader},"spec":{worker}}}"#),
                Ok(vec!["i"]),
                "no Pod of Kubernetes",
            ),
            ("", "Pod", format!(r#"{{"pod":{leader},"spec":{worker}}}"#), Ok(vec!["j"]), "a Pod of Kubernetes"),
        ];
        for (group, kind, object, expected, why) in rows {
            let read = Workload::read(Kinds::with(&entries), group, kind, Some(raw(&object)));
            let images = read.map(|workload| {
                workload.slots().map(|slot| slot.as_ref().unwrap().image().to_owned()).collect::<Vec<_>>()
            });
            assert_eq!(images, expected.map(|images| images.into_iter().map(str::to_owned).collect()), "{why}");
        }
    }
}
