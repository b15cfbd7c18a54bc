//! Which objects of the input own others, so that they have to be decided first?

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use image_trust::kubernetes::MAX_OWNERS;
use image_trust_host::{Cluster, ContextAwareResource};
use serde_json::Value;

use crate::evaluation::Beside;

/// The most rounds but one. Kubernetes has CronJobs, their Jobs and the Pods of these, and other kinds may own them.
const MAX_ROUNDS: usize = 9;

/// The objects by their places, in rounds: owners come in an earlier round than what they own. Objects that own each other come last, together.
pub(super) fn rounds<'o>(objects: impl Iterator<Item = &'o Value>) -> Vec<Vec<usize>> {
    let objects: Vec<&Value> = objects.collect();
    let mut places: BTreeMap<[&str; 3], Vec<usize>> = BTreeMap::new();
    for (at, object) in objects.iter().enumerate() {
        let key @ [.., name] = name(object, object.pointer("/metadata/name"));
        if !name.is_empty() {
            places.entry(key).or_default().push(at);
        }
    }
    let owners_of = |at: usize| {
        let object = objects.get(at).copied().unwrap_or(&Value::Null);
        let references = object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        // As many as the policy looks at.
        let named = references
            .take(MAX_OWNERS)
            .filter_map(|owner| places.get(&[text(owner.get("kind")), namespace, text(owner.get("name"))]));
        named.flatten().copied().filter(|owner| *owner != at).collect::<BTreeSet<usize>>()
    };
    let owners: Vec<BTreeSet<usize>> = (0..objects.len()).map(owners_of).collect();
    let mut left: BTreeSet<usize> = (0..objects.len()).collect();
    let mut rounds = Vec::new();
    while !left.is_empty() {
        let is_free = |at: &usize| owners.get(*at).into_iter().flatten().all(|owner| !left.contains(owner));
        let mut round: Vec<usize> = left.iter().copied().filter(is_free).collect();
        if round.is_empty() || rounds.len() >= MAX_ROUNDS {
            round = left.iter().copied().collect();
        }
        left.retain(|at| round.binary_search(at).is_err());
        rounds.push(round);
    }
    rounds
}

/// These objects, as the cluster would have them.
pub(super) fn beside<'o>(objects: impl Iterator<Item = &'o Value>) -> Result<Beside> {
    let named: Vec<&Value> = objects.filter(|object| !text(object.pointer("/metadata/name")).is_empty()).collect();
    let resource = |object: &&Value| ContextAwareResource {
        api_version: text(object.get("apiVersion")).to_owned(),
        kind: text(object.get("kind")).to_owned(),
    };
    Ok(Beside { resources: named.iter().map(resource).collect(), cluster: Cluster::of(named.into_iter().cloned())? })
}

/// The kind, the namespace and the name of an object.
fn name<'o>(object: &'o Value, name: Option<&'o Value>) -> [&'o str; 3] {
    [text(object.get("kind")), text(object.pointer("/metadata/namespace")), text(name)]
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn owners_come_first() {
        let object = |kind: &str, name: &str, owners: &[(&str, &str)]| {
            let owners: Vec<Value> = owners.iter().map(|(kind, name)| json!({"kind": kind, "name": name})).collect();
            json!({"kind": kind, "metadata": {"name": name, "namespace": "shop", "ownerReferences": owners}})
        };
        let set = ("ReplicaSet", "web");
        // objects, rounds, the reason
        let rows: [(Vec<Value>, Vec<Vec<usize>>, &str); 7] = [
            (vec![], vec![], "nothing"),
            (vec![object("Pod", "a", &[]), object("Pod", "b", &[])], vec![vec![0, 1]], "nobody owns anybody"),
            (
                vec![
                    object("Pod", "a", &[set]),
                    object("ReplicaSet", "web", &[("Deployment", "web")]),
                    object("Deployment", "web", &[]),
                ],
                vec![vec![2], vec![1], vec![0]],
                "from the last to the first",
            ),
            (
                vec![object("Pod", "a", &[("Pod", "b")]), object("Pod", "b", &[("Pod", "a")]), object("Pod", "c", &[])],
                vec![vec![2], vec![0, 1]],
                "two that own each other",
            ),
            (vec![object("Pod", "a", &[("Pod", "a")])], vec![vec![0]], "one that owns itself"),
            (vec![object("Pod", "a", &[("ReplicaSet", "other")])], vec![vec![0]], "an owner that is not there"),
            (vec![object("Pod", "", &[("Pod", "")]), object("Pod", "", &[])], vec![vec![0, 1]], "without names"),
        ];
        for (objects, expected, why) in rows {
            assert_eq!(rounds(objects.iter()), expected, "{why}");
        }
        let chain = |at: usize| object("Pod", &at.to_string(), &[("Pod", &(at + 1).to_string())]);
        let chain: Vec<Value> = (0..100).map(chain).collect();
        assert_eq!(rounds(chain.iter()).len(), MAX_ROUNDS + 1, "a chain that no cluster has");
    }
}
