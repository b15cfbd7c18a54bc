//! What is found in a manifest, and what is not?

use crate::test_keys::ALICE;
use serde_json::json;

use super::*;

fn settings(features: Value) -> Value {
    json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": ALICE}]}],
        "policy": [{"pattern": "ghcr.io/acme/*", "with": {"verifyInTransparencyLog": false}}],
        "features": features,
    })
}

fn rule(group: &str, resources: &[&str], operations: &[&str]) -> Value {
    json!({"apiGroups": [group], "apiVersions": ["v1"], "resources": resources, "operations": operations})
}

const BOTH: &[&str] = &["CREATE", "UPDATE"];

/// A manifest in which nothing is found, but for these members of its spec (`null` takes one away).
fn manifest(kind: &str, features: Value, changed: Value) -> Value {
    let owners = [
        ("v1", "ReplicationController"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
    ];
    let mut manifest = json!({
        "apiVersion": "policies.kubewarden.io/v1",
        "kind": kind,
        "metadata": {"name": "image-trust"},
        "spec": {
            "mutating": true,
            "rules": [
                rule("", &["pods", "podtemplates", "replicationcontrollers"], BOTH),
                rule("", &["pods/ephemeralcontainers"], &["UPDATE"]),
                rule("apps", &["deployments", "replicasets", "statefulsets", "daemonsets"], BOTH),
                rule("batch", &["jobs", "cronjobs"], BOTH),
            ],
            "namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["kube-system"]}]},
            "contextAwareResources": owners.map(|(version, kind)| json!({"apiVersion": version, "kind": kind})),
            "settings": settings(features),
        },
    });
    for (name, value) in changed.as_object().unwrap() {
        manifest["spec"][name] = value.clone();
    }
    manifest
}

#[track_caller]
fn check_row(manifest: &Value, expected: &[(&str, Lint)], why: &str) {
    let text = manifest.to_string();
    assert_eq!(check_manifest(&text), [], "{why}: a manifest that is accepted");
    let found = lint_manifest(&text, UnixTime::default());
    let told: Vec<(&str, Lint)> = found.iter().map(|finding| (finding.path.as_str(), finding.lint)).collect();
    assert_eq!(told, expected, "{why}: {found:#?}");
    assert!(found.iter().all(|finding| !finding.what.is_empty() && !finding.instead.is_empty()), "{why}");
}

const CLUSTER: &str = "ClusterAdmissionPolicy";
const NAMESPACED: &str = "AdmissionPolicy";

#[test]
fn what_is_routed() {
    use Lint::*;
    let debug = || rule("", &["pods/ephemeralcontainers"], &["UPDATE"]);
    let core = |resources: &[&str], operations: &[&str]| rule("", resources, operations);
    let all_core = || core(&["pods", "podtemplates", "replicationcontrollers"], BOTH);
    let apps = || rule("apps", &["deployments", "replicasets", "statefulsets", "daemonsets"], BOTH);
    let batch = || rule("batch", &["jobs", "cronjobs"], BOTH);
    let with = |mut rule: Value, key: &str, value: Value| {
        rule[key] = value;
        rule
    };
    let everything = |resources: &[&str]| json!({"apiGroups": ["*"], "apiVersions": ["*"], "resources": resources, "operations": ["*"]});
    let off = || json!({"automaticChildApproval": false});
    let rules = "spec.rules";
    let unknown = |at: usize| (["spec.rules[0].resources", "spec.rules[1].resources"][at], RoutesUnknownKinds);
    let rows: Vec<(Value, Vec<Value>, Vec<(&str, Lint)>, &str)> = vec![
        (json!({}), vec![all_core(), debug(), apps(), batch()], vec![], "what metadata.yml routes"),
        (json!({}), vec![core(&["pods"], BOTH), debug()], vec![(rules, OwnersNotRouted)], "Pods only"),
        (off(), vec![core(&["pods"], BOTH), debug()], vec![(rules, OwnersUndecided)], "Pods only, each verified"),
        (
            json!({"resourceValidationMode": "podsOnly"}),
            vec![core(&["pods"], BOTH), debug()],
            vec![(rules, OwnersUndecided)],
            "child approval is off with podsOnly",
        ),
        (
            json!({"automaticChildApproval": {"ttl": 60}}),
            vec![core(&["pods"], BOTH), debug()],
            vec![(rules, OwnersNotRouted)],
            "child approval for a time",
        ),
        (
            json!({}),
            vec![core(&["pods", "replicationcontrollers"], BOTH), debug(), apps(), batch()],
            vec![(rules, OwnersNotRouted)],
            "anybody can write a PodTemplate and name it as the owner",
        ),
        (
            off(),
            vec![core(&["pods", "replicationcontrollers"], BOTH), debug(), apps(), batch()],
            vec![],
            "nobody makes Pods of a PodTemplate",
        ),
        (
            json!({}),
            vec![all_core(), debug(), with(apps(), "operations", json!(["CREATE"])), batch()],
            vec![(rules, OwnersNotRouted)],
            "an update puts in another image",
        ),
        (
            json!({}),
            vec![all_core(), debug(), with(apps(), "apiVersions", json!(["v1beta1"])), batch()],
            vec![(rules, OwnersNotRouted)],
            "a version that nobody serves",
        ),
        (
            json!({}),
            vec![all_core(), debug(), with(apps(), "scope", json!("Cluster")), batch()],
            vec![(rules, OwnersNotRouted)],
            "all of them are in namespaces",
        ),
        (json!({}), vec![all_core(), debug(), with(apps(), "scope", json!("Namespaced")), batch()], vec![], "so"),
        (json!({}), vec![all_core(), apps(), batch()], vec![(rules, DebugNotRouted)], "kubectl debug"),
        (
            json!({}),
            vec![all_core(), with(debug(), "operations", json!(["CREATE"])), apps(), batch()],
            vec![(rules, DebugNotRouted)],
            "kubectl debug updates",
        ),
        (
            off(),
            vec![core(&["pods"], &["CREATE"]), debug(), apps(), batch(), core(&["replicationcontrollers"], BOTH)],
            vec![(rules, PodsNotRouted)],
            "an update puts in another image",
        ),
        (
            off(),
            vec![core(&["pods"], &["UPDATE"]), core(&["pods"], &["CREATE"]), debug()],
            vec![(rules, OwnersUndecided)],
            "by two rules",
        ),
        (off(), vec![], vec![(rules, PodsNotRouted), (rules, DebugNotRouted), (rules, OwnersUndecided)], "nothing"),
        (json!({}), vec![everything(&["*/*"])], vec![unknown(0)], "everything, and kinds without images too"),
        (
            json!({}),
            vec![everything(&["*"])],
            vec![(rules, DebugNotRouted), unknown(0)],
            "a star stands for no subresource",
        ),
        (
            json!({}),
            vec![core(&["pods/*", "podtemplates", "replicationcontrollers"], BOTH), apps(), batch()],
            vec![],
            "Pods and what is below",
        ),
        (json!({}), vec![all_core(), debug(), apps(), rule("batch", &["*"], BOTH)], vec![], "all that batch has"),
        (json!({}), vec![rule("apps", &["*"], BOTH), all_core(), debug(), batch()], vec![unknown(0)], "apps has more"),
        (
            json!({}),
            vec![all_core(), rule("", &["services"], BOTH), debug(), apps(), batch()],
            vec![unknown(1)],
            "a kind without images",
        ),
        (
            json!({}),
            vec![all_core(), rule("", &["services"], &["DELETE"]), debug(), apps(), batch()],
            vec![],
            "a deletion passes",
        ),
        (
            json!({}),
            vec![all_core(), rule("", &["deployments"], BOTH), debug(), apps(), batch()],
            vec![unknown(1)],
            "a kind of another group",
        ),
        (json!({}), vec![all_core(), rule("apps", &["*/scale"], BOTH), debug(), apps(), batch()], vec![], "no image"),
        (
            json!({}),
            vec![all_core(), rule("apps", &["*/status"], BOTH), debug(), apps(), batch()],
            vec![unknown(1)],
            "the status of what nobody knows",
        ),
    ];
    for (features, rules, expected, why) in rows {
        check_row(&manifest(CLUSTER, features, json!({"rules": rules})), &expected, why);
    }
}

#[test]
fn owners() {
    use Lint::*;
    let features = "spec.settings.features.automaticChildApproval";
    let some = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet"}, {"apiVersion": "v1", "kind": "Deployment"}]);
    let listed = "spec.contextAwareResources";
    let rows = [
        (CLUSTER, json!({}), json!({"contextAwareResources": null}), vec![(listed, OwnersNotLookedUp)], "none"),
        (CLUSTER, json!({}), json!({"contextAwareResources": some}), vec![(listed, OwnersNotLookedUp)], "some"),
        (
            CLUSTER,
            json!({"automaticChildApproval": false}),
            json!({"contextAwareResources": null}),
            vec![],
            "nobody is looked up",
        ),
        (NAMESPACED, json!({}), json!({}), vec![(features, OwnersNotLookedUp)], "nobody can be looked up"),
        (NAMESPACED, json!({"automaticChildApproval": false}), json!({}), vec![], "nobody is looked up there"),
    ];
    for (kind, features, changed, expected, why) in rows {
        check_row(&manifest(kind, features, changed), &expected, why);
    }
    let pods_only = json!({"rules": [rule("", &["pods/*"], BOTH)]});
    check_row(
        &manifest(NAMESPACED, json!({}), pods_only),
        &[(features, OwnersNotLookedUp), ("spec.rules", OwnersUndecided)],
        "where no owner can be looked up, none lets an image in",
    );
    let mut fixed = manifest(CLUSTER, json!({}), json!({"contextAwareResources": null}));
    fixed["spec"]["settings"]["validators"] = json!([{"name": "default", "type": "static", "approve": false}]);
    fixed["spec"]["settings"]["policy"] = json!([{"pattern": "*:*"}]);
    check_row(&fixed, &[], "nothing is approved by its owner where nothing asks for a signature");
}

#[test]
fn fields() {
    use Lint::*;
    let at = |field: &'static str, lint| vec![(field, lint)];
    let (evaluation, webhook) = ("spec.timeoutEvalSeconds", "spec.timeoutSeconds");
    let by = |key: &str, operator: &str, values: &[&str]| json!({"namespaceSelector": {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}});
    let selector = "spec.namespaceSelector";
    let budget = |ms: u64| json!({"timeBudgetMs": ms});
    let rows = [
        (json!({}), json!({"mutating": false}), at("spec.mutating", CannotPin), "every pin is rejected"),
        (json!({}), json!({"mutating": null}), at("spec.mutating", CannotPin), "the same where it is left out"),
        (
            json!({"mutation": false, "automaticChildApproval": false}),
            json!({"mutating": false}),
            at("spec.settings.features.mutation", PinsNothing),
            "nothing is pinned",
        ),
        (
            json!({"mutation": false, "automaticChildApproval": false}),
            json!({}),
            vec![("spec.settings.features.mutation", PinsNothing), ("spec.mutating", MutatesNothing)],
            "it may and does not",
        ),
        (budget(900), json!({}), vec![], "the default deadline can end after a second"),
        (budget(901), json!({}), at(evaluation, DeadlineBeforeBudget), "which is too early for this"),
        (budget(901), json!({"timeoutEvalSeconds": 3}), vec![], "two seconds at least"),
        (budget(2000), json!({"timeoutEvalSeconds": 3}), at(evaluation, DeadlineBeforeBudget), "at the same time"),
        (budget(1999), json!({"timeoutEvalSeconds": 3}), vec![], "just before"),
        (json!({}), json!({"timeoutEvalSeconds": 1}), at(evaluation, DeadlineBeforeBudget), "not even the default"),
        (json!({}), json!({"timeoutEvalSeconds": 10}), vec![], "as long as the API server waits by default"),
        (json!({}), json!({"timeoutEvalSeconds": 11}), at(webhook, WebhookEndsFirst), "longer"),
        (json!({}), json!({"timeoutEvalSeconds": 11, "timeoutSeconds": 11}), vec![], "as long"),
        (json!({}), json!({"timeoutSeconds": 1}), at(webhook, WebhookEndsFirst), "less than the default deadline"),
        (json!({}), json!({"objectSelector": {}}), vec![], "takes everything"),
        (json!({}), json!({"objectSelector": {"matchLabels": null, "matchExpressions": null}}), vec![], "likewise"),
        (
            json!({}),
            json!({"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "DoesNotExist"}]}}),
            at("spec.namespaceSelector", SelectsNoNamespace),
            "every namespace has its name",
        ),
        (
            json!({}),
            json!({"objectSelector": {"matchLabels": {"a": "b"}}}),
            at("spec.objectSelector", ObjectSelector),
            "who writes the object chooses",
        ),
        (
            json!({}),
            json!({"objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]}}),
            at("spec.objectSelector", ObjectSelector),
            "in another form",
        ),
        (json!({}), json!({"failurePolicy": "Ignore"}), at("spec.failurePolicy", IgnoresFailures), "admits"),
        (json!({}), json!({"failurePolicy": "Fail"}), vec![], "denies"),
        (json!({}), json!({"mode": "monitor"}), at("spec.mode", MonitorMode), "denies nothing"),
        (json!({}), json!({"mode": "protect"}), vec![], "denies"),
        (
            json!({}),
            json!({"matchConditions": [{"name": "a", "expression": "false"}]}),
            at("spec.matchConditions", MatchConditions),
            "skips requests",
        ),
        (json!({}), json!({"matchConditions": []}), vec![], "skips none"),
        (json!({}), json!({"namespaceSelector": null}), at(selector, LooksAtKubeSystem), "every namespace"),
        (json!({}), json!({"namespaceSelector": {}}), at(selector, LooksAtKubeSystem), "every namespace"),
        (json!({}), by(NAME, "NotIn", &["shop"]), at(selector, LooksAtKubeSystem), "all but another one"),
        (json!({}), by(NAME, "In", &["shop"]), vec![], "one other"),
        (json!({}), by(NAME, "In", &["kube-system"]), at(selector, LooksAtKubeSystem), "this one"),
        (
            json!({}),
            json!({"namespaceSelector": {"matchLabels": {NAME: "shop"}}}),
            [at(selector, MatchLabelsDropped), at(selector, LooksAtKubeSystem)].concat(),
            "the controller drops the label, and every namespace is left",
        ),
        (
            json!({}),
            json!({"namespaceSelector": {
                "matchLabels": {"env": "prod"},
                "matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["kube-system"]}],
            }}),
            at(selector, MatchLabelsDropped),
            "what the expressions allow is left",
        ),
        (json!({}), by("env", "In", &["prod"]), at(selector, NamespaceLabel), "who may label it leaves"),
        (
            json!({}),
            json!({"namespaceSelector": {"matchLabels": {"image-trust": "on"}}}),
            [at(selector, MatchLabelsDropped), at(selector, LooksAtKubeSystem)].concat(),
            "whoever may label it changes nothing, because the label is dropped",
        ),
    ];
    for (features, changed, expected, why) in rows {
        check_row(&manifest(CLUSTER, features, changed), &expected, why);
    }
    let off = || json!({"automaticChildApproval": false});
    for selector in [Value::Null, json!({"matchLabels": {"env": "prod"}})] {
        let namespaced = manifest(NAMESPACED, off(), json!({"namespaceSelector": selector}));
        check_row(&namespaced, &[], "it is bound to its namespace");
    }
}

#[test]
fn what_is_wrong_has_its_place() {
    let broken = |changed: Value| manifest(CLUSTER, json!({}), changed);
    let rows = [
        (broken(json!({"settings": null})), "spec.settings", "no settings"),
        (broken(json!({"settings": []})), "spec.settings", "no mapping"),
        (broken(json!({"settings": {"a": 1}})), "spec.settings.a", "a setting that there is not"),
        (broken(json!({"rules": "pods"})), "spec.rules", "no list"),
        (broken(json!({"rules": [{"resources": "pods"}]})), "spec.rules", "no list in it"),
        (broken(json!({"timeoutSeconds": "10"})), "spec.timeoutSeconds", "no number"),
        (broken(json!({"namespaceSelector": {"matchLabels": 1}})), "spec.namespaceSelector", "no labels"),
    ];
    for (manifest, path, why) in rows {
        let problems = check_manifest(&manifest.to_string());
        assert!(problems.iter().any(|problem| problem.path.to_string() == path), "{why}: {problems:?}");
    }
    assert_eq!(check_manifest("{").len(), 1, "no JSON");
    let unread = broken(json!({"rules": "pods", "settings": settings(json!({"detectionMode": true}))}));
    let found: Vec<Lint> =
        lint_manifest(&unread.to_string(), UnixTime::default()).iter().map(|finding| finding.lint).collect();
    assert_eq!(found, [Lint::DetectionMode], "what can be read is read");
}

#[test]
fn other_kinds() {
    use Lint::{OwnersNotLookedUp, RoutesUnknownKinds, WorkloadsNotRouted};
    let with_workloads = |changed: Value| {
        let mut manifest = manifest("ClusterAdmissionPolicy", json!({}), json!({}));
        manifest["spec"]["settings"]["workloads"] =
            json!([{"apiGroup": "argoproj.io", "kind": "Rollout", "podSpec": "spec.template.spec"}]);
        for (name, value) in changed.as_object().unwrap() {
            manifest["spec"][name].as_array_mut().unwrap().push(value.clone());
        }
        manifest
    };
    let routed =
        json!({"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "resources": ["rollouts"], "operations": BOTH});
    let only_created = json!({"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "resources": ["rollouts"], "operations": ["CREATE"]});
    let with = |resources: &[&str]| json!({"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "resources": resources, "operations": BOTH});
    let (status, star, other) = (with(&["rollouts/status"]), with(&["*"]), with(&["experiments"]));
    let another = json!({"apiGroups": ["x.example"], "apiVersions": ["*"], "resources": ["pairs"], "operations": BOTH});
    let looked_up = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"});
    let (lookups, not_routed) = ("spec.contextAwareResources", ("spec.settings.workloads[0]", WorkloadsNotRouted));
    let unknown = ("spec.rules[4].resources", RoutesUnknownKinds);
    let rows: [(Value, Vec<(&str, Lint)>, &str); 8] = [
        (json!({"rules": routed, "contextAwareResources": looked_up}), vec![], "routed and looked up"),
        (json!({"rules": routed}), vec![(lookups, OwnersNotLookedUp)], "not looked up"),
        (json!({"contextAwareResources": looked_up}), vec![not_routed], "not routed"),
        (
            json!({"rules": only_created, "contextAwareResources": looked_up}),
            vec![not_routed],
            "updates are not routed",
        ),
        (
            json!({"rules": another, "contextAwareResources": looked_up}),
            vec![not_routed, unknown],
            "another group is routed",
        ),
        (json!({"rules": status, "contextAwareResources": looked_up}), vec![not_routed], "only a subresource"),
        (
            json!({"rules": star, "contextAwareResources": looked_up}),
            vec![unknown],
            "the whole group, with kinds that nobody knows",
        ),
        (
            json!({"rules": other, "contextAwareResources": looked_up}),
            vec![not_routed, unknown],
            "another resource of the group",
        ),
    ];
    for (changed, expected, why) in rows {
        check_row(&with_workloads(changed), &expected, why);
    }
}

#[test]
fn kinds_have_resources() {
    let rows = [
        ("Rollout", "rollouts"),
        ("StatefulSet", "statefulsets"),
        ("NetworkPolicy", "networkpolicies"),
        ("Gateway", "gateways"),
        ("Ingress", "ingresses"),
        ("Batch", "batches"),
    ];
    for (kind, resource) in rows {
        assert_eq!(crate::routing::plural(kind), resource);
    }
}
