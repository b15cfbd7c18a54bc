//! In which kinds, beside those of Kubernetes, is a pod spec?

use super::{Mistake, Problem, settings::WorkloadKind};
use crate::json::JsonPath;

/// Most entries.
pub(super) const MAX_WORKLOADS: usize = 100;
/// Longest path to a pod spec, in steps.
const MAX_STEPS: usize = 16;
/// Longest API group, kind or path, in bytes.
const MAX_NAME: usize = 253;

/// Everything that is wrong with the entry at this index.
pub(super) fn problems(index: usize, written: &WorkloadKind<'_>, earlier: &[WorkloadKind<'_>]) -> Vec<Problem> {
    let path = JsonPath::root().key("workloads").index(index);
    let WorkloadKind { api_group, kind, pod_spec } = written;
    let mut problems = Vec::new();
    let mut wrong = |key: &'static str, what| problems.push(Problem::new(path.key(key), what));
    let is_of = |text: &str, may: fn(char) -> bool| (1..=MAX_NAME).contains(&text.len()) && text.chars().all(may);
    // All built-in kinds with a pod spec are in these groups, and no other kinds with one are.
    if matches!(&*api_group.0, "" | "apps" | "batch") {
        wrong("apiGroup", Mistake::OwnGroup);
    } else if !is_of(&api_group.0, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-')) {
        wrong("apiGroup", Mistake::ApiGroup(api_group.0.clone().into_owned()));
    }
    if !is_of(&kind.0, |c| c.is_ascii_alphanumeric()) {
        wrong("kind", Mistake::KindName(kind.0.clone().into_owned()));
    }
    // What is there is no specification: updates of it start nothing.
    let is_elsewhere = written.steps().next().is_some_and(|step| matches!(step, "metadata" | "status"));
    let is_step = |step: &str| is_of(step, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_elsewhere
        || !written.steps().all(is_step)
        || written.steps().count() > MAX_STEPS
        || pod_spec.0.len() > MAX_NAME
    {
        wrong("podSpec", Mistake::PodSpecPath(pod_spec.0.clone().into_owned()));
    }
    let is_same = |other: &WorkloadKind<'_>| {
        (&other.api_group, &other.kind, &other.pod_spec) == (&written.api_group, &written.kind, &written.pod_spec)
    };
    if earlier.iter().any(is_same) {
        wrong("podSpec", Mistake::WorkloadTwice);
    }
    problems
}
