//! Does an update bring anything new into the cluster?
//!
//! Controllers update objects all the time: they scale a ReplicaSet down, set a label, or remove a finalizer. Denying such a request because a key was
//! replaced or a registry is down would stall roll-outs and protect nothing, because no new container starts. So an update passes if it starts nothing.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

use super::{Kind, Workload, workload::wanted};
use crate::json::{all_members, is_same};

/// The `replicas` that the API server assumes if it is left out.
const DEFAULT_REPLICAS: u64 = 1;

/// Whether `new` differs from `old` at most in metadata, status and a lower number of replicas.
///
/// Everything else in the specification counts as new, `suspend`, `parallelism` and `schedule` among it. So does an object with a slot that can't be read.
#[must_use]
pub fn brings_nothing_new(new: &Workload<'_>, old: &Workload<'_>) -> bool {
    // Kubernetes' own kinds have this many replicas if they do not say so. Of others nobody knows.
    let assumed = matches!(new.kind(), Kind::BuiltIn(_)).then_some(DEFAULT_REPLICAS);
    let may_differ = |key: &str, one: &RawValue, other: &RawValue| key == "spec" && is_no_more(one, other, assumed);
    new.slots().all(Result::is_ok) && is_like(new.wanted(), old.wanted(), may_differ)
}

/// Whether two objects differ at most in metadata and status.
#[must_use]
pub fn is_same_but_metadata(new: &RawValue, old: &RawValue) -> bool {
    is_like(wanted(new, |_| false), wanted(old, |_| false), |_, _, _| false)
}

/// What objects want, by the name of the member.
type Wanted<'a> = Option<BTreeMap<Cow<'a, str>, &'a RawValue>>;

/// Whether both have the same members, which are the same or `may_differ`.
fn is_like(new: Wanted<'_>, old: Wanted<'_>, may_differ: impl Fn(&str, &RawValue, &RawValue) -> bool) -> bool {
    let (Some(new), Some(old)) = (new, old) else { return false };
    let is_like = |(key, one): (&Cow<'_, str>, &&RawValue)| {
        old.get(key).is_some_and(|other| is_same(one, other) || may_differ(key, one, other))
    };
    new.len() == old.len() && new.iter().all(is_like)
}

/// Whether `new` equals `old`, except for an equal or lower `replicas`.
fn is_no_more(new: &RawValue, old: &RawValue, assumed: Option<u64>) -> bool {
    let read = |json| {
        let mut members = all_members(json).ok()?;
        let replicas = match members.remove("replicas").map(RawValue::get) {
            None | Some("null") => assumed?,
            Some(replicas) => replicas.parse::<u64>().ok()?,
        };
        Some((members, replicas))
    };
    let (Some((new, replicas)), Some((old, before))) = (read(new), read(old)) else { return false };
    let is_like = |(key, value): (_, &&RawValue)| old.get(key).is_some_and(|old| is_same(value, old));
    replicas <= before && new.len() == old.len() && new.iter().all(is_like)
}

#[cfg(test)]
mod tests {
    use super::{super::Kinds, *};

    #[test]
    fn updates() {
        let set = |spec: &str| format!(r#"{{"metadata":{{"labels":{{"n":"{}"}}}},"spec":{spec}}}"#, spec.len());
        let spec = |more: &str| {
            set(&format!(r#"{{{more}"template":{{"spec":{{"containers":[{{"name":"a","image":"nginx:1"}}]}}}}}}"#))
        };
        let pod = |more: &str| set(&format!(r#"{{{more}"containers":[{{"name":"a","image":"nginx:1"}}]}}"#));
        let rows: &[(&str, &str, String, String, bool, &str)] = &[
            ("apps", "ReplicaSet", spec(r#""replicas":3,"#), spec(r#""replicas":3,"#), true, "only metadata differ"),
            ("apps", "ReplicaSet", spec(r#""replicas":3,"#), spec(r#""replicas":0,"#), true, "scaled down"),
            ("apps", "ReplicaSet", spec(r#""replicas":3,"#), spec(r#""replicas":4,"#), false, "scaled up"),
            ("apps", "ReplicaSet", spec(r#""replicas":0,"#), spec(""), false, "up to the default"),
            ("apps", "ReplicaSet", spec(""), spec(r#""replicas":1,"#), true, "the default, written out"),
            ("apps", "ReplicaSet", spec(""), spec(r#""replicas":null,"#), true, "null is left out"),
            ("apps", "ReplicaSet", spec(r#""replicas":3,"#), spec(r#""replicas":"2","#), false, "a text is no number"),
            ("apps", "ReplicaSet", spec(r#""replicas":3,"#), spec(r#""replicas":-1,"#), false, "fewer than none"),
            (
                "apps",
                "ReplicaSet",
                spec(r#""replicas":3,"minReadySeconds":1,"#),
                spec(r#""minReadySeconds":1,"replicas":2,"#),
                true,
                "in another order",
            ),
            ("apps", "Deployment", spec(r#""paused":true,"#), spec(r#""paused":false,"#), false, "goes on"),
            ("apps", "Deployment", spec(""), spec(r#""paused":true,"#), false, "one more member"),
            ("batch", "CronJob", set(r#"{"jobTemplate":{}}"#), set(r#"{"jobTemplate":{}}"#), false, "no slot to read"),
            ("batch", "Job", spec(r#""suspend":true,"#), spec(r#""suspend":false,"#), false, "starts"),
            ("batch", "Job", spec(r#""parallelism":1,"#), spec(r#""parallelism":0,"#), false, "only replicas count"),
            ("", "Pod", pod(""), pod(""), true, "a label of a Pod"),
            ("", "Pod", pod(""), pod(r#""activeDeadlineSeconds":1,"#), false, "another specification"),
            ("", "Pod", pod(""), pod("").replace("nginx:1", "nginx:2"), false, "another image"),
            (
                "",
                "Pod",
                pod(r#""volumes":[{"csi":{"volumeAttributes":{"x":"1"}}}],"#),
                pod(r#""volumes":[{"csi":{"volumeAttributes":{"$serde_json::private::RawValue":"{\"x\":\"1\"}"}}}],"#),
                false,
                "a key that serde_json reads as the text in it",
            ),
            (
                "",
                "Pod",
                set(r#"{"containers":[{"name":"a"}]}"#),
                set(r#"{"containers":[{"name":"a"}]}"#),
                false,
                "an image that can't be read",
            ),
            (
                "",
                "PodTemplate",
                format!(r#"{{"template":{}}}"#, pod("")),
                format!(r#"{{"metadata":{{}},"template":{}}}"#, pod("")),
                true,
                "a PodTemplate has no spec",
            ),
            (
                "",
                "PodTemplate",
                format!(r#"{{"template":{}}}"#, pod("")),
                format!(r#"{{"template":{}}}"#, pod(r#""hostPID":true,"#)),
                false,
                "another template",
            ),
        ];
        for (group, kind, old, new, expected, why) in rows {
            let read = |json: &'static str| {
                Workload::read(Kinds::default(), group, kind, Some(serde_json::from_str(json).unwrap()))
            };
            let [old, new] = [old, new].map(|json| read(json.clone().leak()));
            let passes = matches!((&old, &new), (Ok(old), Ok(new)) if brings_nothing_new(new, old));
            assert_eq!(passes, *expected, "{kind}: {why}");
        }
    }
}
