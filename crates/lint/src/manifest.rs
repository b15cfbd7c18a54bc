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
    json::JsonPath,
    policy::{Features, Policy, Problem, check},
    text::Shown,
    time::UnixTime,
};

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

/// Something in settings or a manifest that is refused: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The place, as in `spec.settings.policy[2].with.threshold`.
    pub path: JsonPath,
    /// What is wrong there.
    pub what: String,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal { path: problem.path, what: problem.what.to_string() }
    }
}

/// All problems of this manifest (JSON text): those of its settings, and what can't be read beside them.
#[must_use]
pub fn check_manifest(json: &str) -> Vec<Refusal> {
    let manifest: Value = match serde_json::from_str(json) {
        Ok(manifest) => manifest,
        Err(error) => {
            return vec![Refusal { path: JsonPath::root(), what: format!("expected a manifest in JSON: {error}") }];
        }
    };
    let mut problems = Manifest::read(&manifest).err().unwrap_or_default();
    let path = JsonPath::root().key("spec").key("settings");
    match settings(&manifest) {
        None => {
            problems.push(Refusal { path, what: "expected the settings of the policy, found none".to_owned() });
        }
        Some(settings) => {
            let inside = |problem: Problem| Refusal { path: path.join(&problem.path), ..problem.into() };
            problems.extend(check(&settings).into_iter().map(inside));
        }
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
    let in_settings = found(&settings, now, |policy, rules| {
        if let Ok(manifest) = Manifest::read(&value) {
            beside = manifest.lint(policy, rules);
        }
        Vec::new()
    });
    // What this needs stands in the manifest, so it is told only where it is not there.
    let in_settings = in_settings.into_iter().filter(|finding| finding.lint != Lint::NeedsALaterDeadline);
    let in_settings = in_settings.map(|finding| Finding { path: format!("spec.settings.{}", finding.path), ..finding });
    worst_first(in_settings.chain(beside).collect())
}

/// The text of the settings; nothing where there are none.
fn settings(manifest: &Value) -> Option<String> {
    manifest.pointer("/spec/settings").filter(|settings| !settings.is_null()).map(Value::to_string)
}

impl Manifest {
    fn read(manifest: &Value) -> Result<Manifest, Vec<Refusal>> {
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
    fn lint(&self, policy: &Policy<'_>, rules: &[ReadRule<'_>]) -> Vec<Finding> {
        let features = &policy.features();
        let mut found = routing::lint(self, features, policy.workloads(), rules);
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
        if !self.namespace_selector.match_labels.is_empty() {
            let what = "Kubewarden's controller takes only `matchExpressions` over for a cluster-wide policy, so these labels select nothing: the policy is asked about \
                        every namespace that `matchExpressions` allow"
                .to_owned();
            find(
                "namespaceSelector",
                Lint::MatchLabelsDropped,
                what,
                "`matchExpressions`, as in `{key: …, operator: In, values: [shop]}`",
            );
        }
        let labels: Vec<String> = self
            .namespace_selector
            .match_expressions
            .iter()
            .filter(|expression| expression.key != NAME)
            .map(|expression| format!("`{}`", Shown(&expression.key)))
            .collect();
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
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Does it take no namespace at all? Each has its name for a label.
    fn takes_nothing(&self) -> bool {
        self.match_expressions.iter().any(|expression| expression.key == NAME && expression.operator == "DoesNotExist")
    }

    /// Do its expressions take the namespace of this name, as far as they look at names?
    fn takes(&self, name: &str) -> bool {
        let has = |expression: &Expression| expression.values.iter().any(|value| value == name);
        self.match_expressions.iter().filter(|expression| expression.key == NAME).all(|expression| {
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
fn field<T: DeserializeOwned>(spec: &Value, name: &'static str, problems: &mut Vec<Refusal>) -> Option<T> {
    let written = spec.get(name).filter(|value| !value.is_null())?;
    T::deserialize(without_nulls(written))
        .map_err(|error| {
            let path = JsonPath::root().key("spec").key(name);
            problems.push(Refusal { path, what: error.to_string() });
        })
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
mod tests;
