//! Does an update bring anything new into the cluster?
//!
//! Controllers update objects all the time: they scale a ReplicaSet down, set a label, or remove a finalizer. If such a request were denied because a key was
//! replaced or a registry is down, roll-outs would stall, and nothing would be safer: the containers run already. So an update passes if it starts nothing.

use serde_json::{Value, value::RawValue};

use super::Workload;

/// What the API server takes for a `replicas` that is left out.
const DEFAULT_REPLICAS: u64 = 1;

/// Does `new` differ from `old` in its metadata, its status and a lower number of replicas at the most?
///
/// Everything else in the specification counts as new, `suspend`, `parallelism` and `schedule` among it. So does an object with a slot that can't be read.
#[must_use]
pub fn brings_nothing_new(new: &Workload<'_>, old: &Workload<'_>) -> bool {
    let is_readable = |workload: &Workload<'_>| workload.slots().all(Result::is_ok);
    match (new.specification(), old.specification()) {
        (Some(one), Some(other)) if is_readable(new) => one.get() == other.get() || is_no_more(one, other),
        _ => false,
    }
}

/// Is `new` the same as `old` but for replicas, of which it has no more?
fn is_no_more(new: &RawValue, old: &RawValue) -> bool {
    let read = |json: &RawValue| {
        let Ok(Value::Object(mut members)) = serde_json::from_str(json.get()) else { return None };
        let replicas = match members.remove("replicas") {
            None | Some(Value::Null) => DEFAULT_REPLICAS,
            Some(replicas) => replicas.as_u64()?,
        };
        Some((members, replicas))
    };
    match (read(new), read(old)) {
        (Some((new, replicas)), Some((old, before))) => new == old && replicas <= before,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let read = |json: &'static str| Workload::read(group, kind, Some(serde_json::from_str(json).unwrap()));
            let [old, new] = [old, new].map(|json| read(json.clone().leak()));
            let passes = matches!((&old, &new), (Ok(old), Ok(new)) if brings_nothing_new(new, old));
            assert_eq!(passes, *expected, "{kind}: {why}");
        }
    }
}
