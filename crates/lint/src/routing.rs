//! Which requests are routed to the policy, and is that all of them in which an image can come in?
//!
//! A rule matches a request as the API server has it: `*` in `resources` stands for every resource and no subresource, `*/*` for everything, and `pods/*` for
//! Pods and all their subresources.

use serde::Deserialize;

use super::{Finding, Lint, ReadRule, manifest::Manifest};
use image_trust::{
    policy::{Features, rule::Decision, settings::WorkloadKind},
    text::Shown,
};

/// A rule of what is routed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<String>,
    scope: String,
}

/// A kind that the policy may look up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectKind {
    api_version: String,
    kind: String,
}

/// A resource that the policy knows, in the only version that API servers serve it in.
struct Known {
    group: &'static str,
    resource: &'static str,
    kind: &'static str,
    /// Is it what controllers make Pods of?
    makes_pods: bool,
}

const fn known(group: &'static str, resource: &'static str, kind: &'static str, makes_pods: bool) -> Known {
    Known { group, resource, kind, makes_pods }
}

/// Those of `metadata.yml`, Pods first.
const KNOWN: [Known; 9] = [
    known("", "pods", "Pod", false),
    known("", "podtemplates", "PodTemplate", false),
    known("", "replicationcontrollers", "ReplicationController", true),
    known("apps", "deployments", "Deployment", true),
    known("apps", "replicasets", "ReplicaSet", true),
    known("apps", "statefulsets", "StatefulSet", true),
    known("apps", "daemonsets", "DaemonSet", true),
    known("batch", "jobs", "Job", true),
    known("batch", "cronjobs", "CronJob", true),
];
const VERSION: &str = "v1";
/// A group that has no other resources in that version.
const ALL_KNOWN: &str = "batch";
const OPERATIONS: [&str; 2] = ["CREATE", "UPDATE"];
/// Subresources that are let through, of whatever kind, and those that only Pods have.
const PASS: [&str; 5] = ["scale", "eviction", "binding", "ephemeralcontainers", "resize"];
const STAR: &str = "*";

impl Default for Rule {
    fn default() -> Rule {
        let none = Vec::new;
        Rule { api_groups: none(), api_versions: none(), resources: none(), operations: none(), scope: STAR.to_owned() }
    }
}

pub(super) fn lint(
    manifest: &Manifest,
    features: &Features,
    workloads: &[WorkloadKind<'_>],
    rules: &[ReadRule<'_>],
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut find = |lint, what: String, instead: &str| found.push(Finding::new("spec.rules", lint, what, instead));
    let misses = |known: &Known| -> Vec<&str> {
        OPERATIONS.into_iter().filter(|operation| !manifest.routes(known, "", operation)).collect()
    };
    let pods = KNOWN.first().map(misses).unwrap_or_default();
    if !pods.is_empty() {
        let what = format!("{} of Pods is not routed to the policy: any image comes in there", pods.join(" and "));
        find(Lint::PodsNotRouted, what, "`resources: [pods]` with CREATE and UPDATE");
    }
    if KNOWN.first().is_some_and(|pods| !manifest.routes(pods, "ephemeralcontainers", "UPDATE")) {
        let what = "`kubectl debug` puts any image into a running Pod, and nobody decides about it".to_owned();
        find(Lint::DebugNotRouted, what, "`resources: [pods/ephemeralcontainers]` with UPDATE");
    }
    // Only rules that ask for signatures approve anything by its owner.
    let approves =
        features.child_approval().is_some() && rules.iter().any(|rule| matches!(rule.decision, Decision::Prove { .. }));
    let missing: Vec<(&Known, Vec<&str>)> = KNOWN
        .iter()
        .skip(1)
        .map(|known| (known, misses(known)))
        .filter(|(known, misses)| !misses.is_empty() && (known.makes_pods || (approves && !manifest.is_namespaced)))
        .collect();
    let listed = || {
        let one = |(known, misses): &(&Known, Vec<&str>)| format!("{} ({})", known.resource, misses.join(", "));
        missing.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    match (missing.is_empty(), approves && !manifest.is_namespaced) {
        (true, _) => {}
        (false, true) => {
            let what = format!(
                "child approval admits a Pod whose image its owner lists, and nobody decides about these owners: {}. Any image runs through one",
                listed()
            );
            let instead = "route them, as metadata.yml does; or `automaticChildApproval: false` in the `features` of the settings";
            find(Lint::OwnersNotRouted, what, instead);
        }
        (false, false) => {
            let what = format!(
                "whoever applies one of these sees no error, because only their Pods are decided: {}",
                listed()
            );
            find(Lint::OwnersUndecided, what, "route them, as metadata.yml does");
        }
    }
    if approves {
        found.extend(manifest.unreachable_owners(workloads));
    }
    let unrouted = workloads.iter().enumerate().filter(|(_, workload)| !manifest.routes_kind(workload));
    found.extend(unrouted.map(|(at, workload)| {
        let what = format!(
            "no rule routes CREATE and UPDATE of `{}` in API group `{}`: the policy does not verify these objects, but they can approve Pods (child approval)",
            plural(&workload.kind.0),
            Shown(&workload.api_group.0)
        );
        let instead = "route the resource in `rules`; or remove the kind from `workloads` and from `contextAwareResources`";
        Finding::new(format!("spec.settings.workloads[{at}]"), Lint::WorkloadsNotRouted, what, instead)
    }));
    found.extend(manifest.rules.iter().enumerate().filter_map(|rule| unknown(rule, workloads)));
    found
}

impl Manifest {
    /// Is a request with this operation routed to the policy?
    fn routes(&self, known: &Known, subresource: &str, operation: &str) -> bool {
        self.rules.iter().any(|rule| rule.matches(known, subresource, operation))
    }

    /// Are objects of this kind routed to the policy, when they are created and when they are updated?
    fn routes_kind(&self, workload: &WorkloadKind<'_>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == STAR || item == wanted);
        let resource = plural(&workload.kind.0);
        OPERATIONS.into_iter().all(|operation| {
            self.rules.iter().any(|rule| {
                has(&rule.api_groups, &workload.api_group.0)
                    && has(&rule.operations, operation)
                    && rule.resources.iter().any(|item| item == STAR || item == "*/*" || *item == resource)
            })
        })
    }

    /// The owners that child approval would look up, and can't.
    fn unreachable_owners(&self, workloads: &[WorkloadKind<'_>]) -> Option<Finding> {
        let is_listed = |known: &&Known| {
            let version =
                if known.group.is_empty() { VERSION.to_owned() } else { format!("{}/{VERSION}", known.group) };
            self.can_look_up.iter().any(|kind| kind.kind == known.kind && kind.api_version == version)
        };
        let is_other_listed = |workload: &&WorkloadKind<'_>| {
            let is_of_group =
                |version: &str| version.split_once('/').is_some_and(|(group, _)| group == workload.api_group.0);
            self.can_look_up.iter().any(|kind| kind.kind == workload.kind.0 && is_of_group(&kind.api_version))
        };
        let missing = KNOWN.iter().filter(|known| known.makes_pods && !is_listed(known)).map(|known| known.kind);
        let others = workloads.iter().filter(|workload| !is_other_listed(workload)).map(|workload| &*workload.kind.0);
        let missing: Vec<&str> = missing.chain(others).collect();
        let off = "`automaticChildApproval: false` in the `features` of the settings";
        match (missing.is_empty(), self.is_namespaced) {
            (true, _) => None,
            (false, true) => Some(Finding::new(
                "spec.settings.features.automaticChildApproval",
                Lint::OwnersNotLookedUp,
                "child approval is on, and an AdmissionPolicy can look up no owner: each Pod is verified again",
                off,
            )),
            (false, false) => Some(Finding::new(
                "spec.contextAwareResources",
                Lint::OwnersNotLookedUp,
                format!(
                    "child approval is on, and these owners can't be looked up, so their Pods are verified again: {}",
                    missing.join(", ")
                ),
                format!("list them, as metadata.yml does; or {off}"),
            )),
        }
    }
}

impl Rule {
    fn matches(&self, known: &Known, subresource: &str, operation: &str) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == STAR || item == wanted);
        let is_resource = |item: &String| {
            let (resource, of_it) = split(item);
            (resource == STAR || resource == known.resource) && (of_it == STAR || of_it == subresource)
        };
        // All of them are in namespaces.
        self.scope != "Cluster"
            && has(&self.api_groups, known.group)
            && has(&self.api_versions, VERSION)
            && has(&self.operations, operation)
            && self.resources.iter().any(is_resource)
    }

    /// Does this item of `resources` stand for a kind that the policy does not know?
    fn is_unknown(&self, item: &str, workloads: &[WorkloadKind<'_>]) -> bool {
        let (resource, subresource) = split(item);
        let is_named = |workload: &WorkloadKind<'_>| {
            plural(&workload.kind.0) == resource && self.api_groups.iter().any(|group| *group == workload.api_group.0)
        };
        if workloads.iter().any(is_named) {
            return false;
        }
        let is_ours = |known: &Known| {
            known.resource == resource && self.api_groups.iter().any(|group| group == STAR || group == known.group)
        };
        !PASS.contains(&subresource)
            && match resource {
                STAR => self.api_groups.iter().any(|group| group != ALL_KNOWN),
                _ => !KNOWN.iter().any(is_ours),
            }
    }
}

/// The resource of a kind, as Kubernetes forms it unless a definition names another one.
pub(super) fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| kind.ends_with(end));
    match kind.strip_suffix('y').filter(|_| !ends(&["ay", "ey", "oy", "uy"])) {
        Some(stem) => format!("{stem}ies"),
        None if ends(&["s", "x", "z", "ch", "sh"]) => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

/// A resource, and the subresource after it; nothing where there is none.
fn split(item: &str) -> (&str, &str) {
    item.split_once('/').unwrap_or((item, ""))
}

/// Kinds that a rule routes and the policy does not know. Deletions and connections pass.
fn unknown((at, rule): (usize, &Rule), workloads: &[WorkloadKind<'_>]) -> Option<Finding> {
    let asks = rule.operations.iter().any(|operation| operation == STAR || OPERATIONS.contains(&&**operation));
    let items: Vec<String> = rule
        .resources
        .iter()
        .filter(|item| asks && rule.is_unknown(item, workloads))
        .map(|item| format!("`{}`", Shown(item)))
        .collect();
    (!items.is_empty()).then(|| {
        let what = format!(
            "{} stands for kinds that the policy does not know: each request to create or update one is denied",
            items.join(", ")
        );
        let instead = "route only the resources of metadata.yml; for other kinds, add the path of the pod spec to `workloads` in the settings";
        Finding::new(format!("spec.rules[{at}].resources"), Lint::RoutesUnknownKinds, what, instead)
    })
}
