//! What does a policy's manifest say that its settings, or the cluster, surely don't agree with?
//!
//! The module sees requests, and never which ones Kubewarden keeps from it. That stands in the manifest: which objects are routed to the policy, for how
//! long it may think, and what happens when it can't be asked.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Finding, Lint, ReadRule,
    features::{DEFAULT_DEADLINE, needed_deadline, pins},
    found,
    routing::{self, ObjectKind, Rule},
    worst_first,
};
use image_trust::{
    policy::{Problem, check, settings::Features},
    text::Shown,
    time::UnixTime,
};

/// Where the settings stand.
const SETTINGS: &str = "spec.settings";
/// How long the API server waits where nothing is written, in seconds.
const DEFAULT_WEBHOOK: u128 = 10;
/// The label of every namespace that holds its name. The API server writes it, and nobody can change it.
const NAME: &str = "kubernetes.io/metadata.name";
/// Where the cluster's own components run.
const SYSTEM: &str = "kube-system";

/// What a manifest says beside its settings.
pub(super) struct Manifest {
    /// Is it for one namespace, which deploys it (`AdmissionPolicy`)?
    pub(super) is_namespaced: bool,
    pub(super) rules: Vec<Rule>,
    /// The kinds that the policy may look up.
    pub(super) can_look_up: Vec<ObjectKind>,
    mutating: bool,
    mode: Option<String>,
    failure_policy: Option<String>,
    match_conditions: usize,
    /// After how many seconds the policy server ends an evaluation.
    deadline: Option<u128>,
    /// How many seconds the API server waits for the webhook.
    webhook: Option<u128>,
    object_selector: Selector,
    namespace_selector: Selector,
}

/// A label selector, of which nothing is asked beyond these two.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

#[derive(Deserialize)]
struct Expression {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

/// All problems of this manifest (JSON text): those of its settings, and what can't be read beside them.
#[must_use]
pub fn check_manifest(json: &str) -> Vec<Problem> {
    let manifest: Value = match serde_json::from_str(json) {
        Ok(manifest) => manifest,
        Err(error) => return vec![Problem::new("", format!("expected a manifest in JSON: {error}"))],
    };
    let mut problems = Manifest::read(&manifest).err().unwrap_or_default();
    match settings(&manifest) {
        None => problems.push(Problem::new(SETTINGS, "expected the settings of the policy, found none")),
        Some(settings) => problems.extend(
            check(&settings).into_iter().map(|problem| Problem { path: inside(&problem.path), what: problem.what }),
        ),
    }
    problems
}

/// What is surely not meant in this manifest (JSON text): in its settings, and in what it says beside them.
///
/// `now` is the time since 1970, UTC. Where [`check_manifest`] tells that a part can't be read, nothing is found in it.
#[must_use]
pub fn lint_manifest(json: &str, now: UnixTime) -> Vec<Finding> {
    let Ok(value) = serde_json::from_str::<Value>(json) else { return Vec::new() };
    let Some(settings) = settings(&value) else { return Vec::new() };
    let mut beside = Vec::new();
    let in_settings = found(&settings, now, |features, rules| {
        if let Ok(manifest) = Manifest::read(&value) {
            beside = manifest.lint(features, rules);
        }
        Vec::new()
    });
    // What this needs stands in the manifest, so it is told only where it is not there.
    let in_settings = in_settings.into_iter().filter(|finding| finding.lint != Lint::NeedsALaterDeadline);
    let in_settings = in_settings.map(|finding| Finding { path: inside(&finding.path), ..finding });
    worst_first(in_settings.chain(beside).collect())
}

/// The text of the settings; nothing where there are none.
fn settings(manifest: &Value) -> Option<String> {
    manifest.pointer("/spec/settings").filter(|settings| !settings.is_null()).map(Value::to_string)
}

/// A place in the settings as one of the manifest.
fn inside(path: &str) -> String {
    if path.is_empty() { SETTINGS.to_owned() } else { format!("{SETTINGS}.{path}") }
}

impl Manifest {
    fn read(manifest: &Value) -> Result<Manifest, Vec<Problem>> {
        let mut problems = Vec::new();
        let is_namespaced = manifest.get("kind").and_then(Value::as_str) == Some("AdmissionPolicy");
        let spec = manifest.get("spec").unwrap_or(&Value::Null);
        // Of what only a policy for the whole cluster has, an API server keeps nothing in another one.
        let cluster = if is_namespaced { &Value::Null } else { spec };
        let read = Manifest {
            is_namespaced,
            rules: field(spec, "rules", &mut problems).unwrap_or_default(),
            can_look_up: field(cluster, "contextAwareResources", &mut problems).unwrap_or_default(),
            mutating: field(spec, "mutating", &mut problems).unwrap_or_default(),
            mode: field(spec, "mode", &mut problems),
            failure_policy: field(spec, "failurePolicy", &mut problems),
            match_conditions: field(spec, "matchConditions", &mut problems).map_or(0, |all: Vec<Value>| all.len()),
            deadline: field::<u64>(spec, "timeoutEvalSeconds", &mut problems).map(u128::from),
            webhook: field::<u64>(spec, "timeoutSeconds", &mut problems).map(u128::from),
            object_selector: field(spec, "objectSelector", &mut problems).unwrap_or_default(),
            namespace_selector: field(cluster, "namespaceSelector", &mut problems).unwrap_or_default(),
        };
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// The worst is not first.
    fn lint(&self, features: &Features, rules: &[ReadRule<'_>]) -> Vec<Finding> {
        let mut found = routing::lint(self, features, rules);
        found.extend(self.pinning(features, rules));
        found.extend(self.times(features));
        found.extend(self.passed_over());
        found
    }

    /// May the policy change objects, and does it?
    fn pinning(&self, features: &Features, rules: &[ReadRule<'_>]) -> Option<Finding> {
        match (self.mutating, features.mutation()) {
            (false, true) if rules.iter().any(pins) => Some(Finding::new(
                "spec.mutating",
                Lint::CannotPin,
                "the policy pins tags, and Kubewarden rejects each request that a policy changes without `mutating: true`: no object with a \
                 tag is admitted",
                "`mutating: true`; or `mutation: false` in the `features` of the settings, and nothing is pinned",
            )),
            (true, false) => Some(Finding::new(
                "spec.mutating",
                Lint::MutatesNothing,
                "the policy may change objects, and `mutation: false` in its settings says that it never does",
                "`mutating: false`; or leave `mutation` out",
            )),
            _ => None,
        }
    }

    /// Is there time for what the settings allow?
    fn times(&self, features: &Features) -> Vec<Finding> {
        let mut found = Vec::new();
        let (needed, budget) = (needed_deadline(features), features.time_budget().as_millis());
        let deadline = self.deadline.unwrap_or(DEFAULT_DEADLINE);
        if deadline < needed {
            let written = if self.deadline.is_some() { "" } else { ", the default," };
            let what = format!(
                "a deadline of {deadline} s{written} can end after {} s, before the time budget of {budget} ms: its message says nothing of images",
                deadline.saturating_sub(1)
            );
            let instead =
                format!("`timeoutEvalSeconds: {needed}` or more; or a smaller `timeBudgetMs` in the settings");
            found.push(Finding::new("spec.timeoutEvalSeconds", Lint::DeadlineBeforeBudget, what, instead));
        }
        let webhook = self.webhook.unwrap_or(DEFAULT_WEBHOOK);
        if webhook < deadline {
            let written = if self.webhook.is_some() { "" } else { ", the default," };
            let what = format!(
                "the API server waits for {webhook} s{written} and the policy may be evaluated for {deadline} s: Kubewarden refuses such a policy"
            );
            let instead = format!("`timeoutSeconds: {deadline}` or more; waiting for a free worker counts there, too");
            found.push(Finding::new("spec.timeoutSeconds", Lint::WebhookEndsFirst, what, instead));
        }
        found
    }

    /// Which requests never reach the policy, and whose answers count for nothing?
    fn passed_over(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut find = |field: &str, lint, what: String, instead: &str| {
            found.push(Finding::new(format!("spec.{field}"), lint, what, instead));
        };
        if !self.object_selector.is_empty() {
            let what =
                "whoever writes an object chooses its labels, and so whether the policy is asked about it".to_owned();
            find("objectSelector", Lint::ObjectSelector, what, "remove it");
        }
        if self.failure_policy.as_deref() == Some("Ignore") {
            let what = "when the policy server can't be reached, or answers too late, any image is admitted".to_owned();
            find("failurePolicy", Lint::IgnoresFailures, what, "`failurePolicy: Fail`, which is the default");
        }
        if self.namespace_selector.takes_nothing() {
            let what =
                "it selects no namespace, because every namespace has this label: the policy is never asked".to_owned();
            find(
                "namespaceSelector",
                Lint::SelectsNoNamespace,
                what,
                "`operator: NotIn` with the namespaces to leave out",
            );
        }
        let labels: Vec<String> =
            self.namespace_selector.keys().filter(|key| *key != NAME).map(|key| format!("`{}`", Shown(key))).collect();
        if !labels.is_empty() {
            let what = format!(
                "whoever may label a namespace can take it out of the policy: the selector looks at {}",
                labels.join(", ")
            );
            let instead = "`kubernetes.io/metadata.name`, which the API server writes and nobody can change";
            find("namespaceSelector", Lint::NamespaceLabel, what, instead);
        } else if !self.is_namespaced && self.namespace_selector.takes(SYSTEM) {
            let what = "the policy decides about kube-system too, so a denial there can keep the cluster's own components from starting"
                .to_owned();
            let instead = "right where its rules cover their images; otherwise leave kube-system out by `kubernetes.io/metadata.name`";
            find("namespaceSelector", Lint::LooksAtKubeSystem, what, instead);
        }
        if self.match_conditions > 0 {
            let what =
                "requests that fail a condition never reach the policy, so their images are admitted unseen. A condition on labels or names lets \
                 whoever writes an object skip the policy"
                    .to_owned();
            find(
                "matchConditions",
                Lint::MatchConditions,
                what,
                "keep it only if the skipped requests can't bring in an image",
            );
        }
        if self.mode.as_deref() == Some("monitor") {
            let what =
                "nothing is denied and nothing is pinned: Kubewarden logs what would be, and warns of it".to_owned();
            find("mode", Lint::MonitorMode, what, "`mode: protect` once the rules are tried out");
        }
        found
    }
}

impl Selector {
    /// Does it take everything?
    fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        let expressions = self.match_expressions.iter().map(|expression| &*expression.key);
        self.match_labels.keys().map(String::as_str).chain(expressions)
    }

    /// Does it take no namespace at all? Each has its name for a label.
    fn takes_nothing(&self) -> bool {
        self.match_expressions.iter().any(|expression| expression.key == NAME && expression.operator == "DoesNotExist")
    }

    /// Does it take the namespace of this name, as far as it looks at names?
    fn takes(&self, name: &str) -> bool {
        let by_label = self.match_labels.iter().all(|(key, value)| key != NAME || value == name);
        let has = |expression: &Expression| expression.values.iter().any(|value| value == name);
        by_label
            && self.match_expressions.iter().filter(|expression| expression.key == NAME).all(|expression| {
                match &*expression.operator {
                    "In" => has(expression),
                    "NotIn" => !has(expression),
                    "DoesNotExist" => false,
                    _ => true,
                }
            })
    }
}

/// One field of the spec; `null` is the same as leaving it out.
fn field<T: DeserializeOwned>(spec: &Value, name: &str, problems: &mut Vec<Problem>) -> Option<T> {
    let written = spec.get(name).filter(|value| !value.is_null())?;
    T::deserialize(without_nulls(written))
        .map_err(|error| problems.push(Problem::new(format!("spec.{name}"), error.to_string())))
        .ok()
}

/// The same without members that are `null`, which is the same as leaving them out.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(key, member)| (key.clone(), without_nulls(member))).collect())
        }
        Value::Array(entries) => Value::Array(entries.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALICE: &str = include_str!("../../../tests/keys/alice.pub");

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
            (
                json!({}),
                vec![rule("apps", &["*"], BOTH), all_core(), debug(), batch()],
                vec![unknown(0)],
                "apps has more",
            ),
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
            (
                json!({}),
                vec![all_core(), rule("apps", &["*/scale"], BOTH), debug(), apps(), batch()],
                vec![],
                "no image",
            ),
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
            (json!({}), json!({"namespaceSelector": {"matchLabels": {NAME: "shop"}}}), vec![], "one other, in short"),
            (json!({}), by("env", "In", &["prod"]), at(selector, NamespaceLabel), "who may label it leaves"),
            (
                json!({}),
                json!({"namespaceSelector": {"matchLabels": {"image-trust": "on"}}}),
                at(selector, NamespaceLabel),
                "in short",
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
            assert!(problems.iter().any(|problem| problem.path == path), "{why}: {problems:?}");
        }
        assert_eq!(check_manifest("{").len(), 1, "no JSON");
        let unread = broken(json!({"rules": "pods", "settings": settings(json!({"detectionMode": true}))}));
        let found: Vec<Lint> =
            lint_manifest(&unread.to_string(), UnixTime::default()).iter().map(|finding| finding.lint).collect();
        assert_eq!(found, [Lint::DetectionMode], "what can be read is read");
    }
}
