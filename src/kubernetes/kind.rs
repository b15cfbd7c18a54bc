//! In which kinds of objects is a pod spec, and where?

use k8s_openapi::{
    Resource,
    api::{
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::{Pod, PodTemplate, ReplicationController},
    },
};

use crate::policy::settings::WorkloadKind;

/// A kind of Kubernetes that carries a pod spec.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    group: &'static str,
    kind: &'static str,
    /// The API group and version in look-ups of this kind.
    api_version: &'static str,
    pod_spec: &'static [&'static str],
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

/// The kinds that a policy knows: those of Kubernetes, and those that its settings name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kinds<'p>(&'p [WorkloadKind<'p>]);

/// A kind of object that carries a pod spec, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'p> {
    /// A kind of Kubernetes.
    BuiltIn(&'static Row),
    /// A kind that the settings name.
    Other {
        /// The API group of the kind.
        group: &'p str,
        /// The name of the kind.
        kind: &'p str,
        /// The paths to its pod specs.
        pod_specs: Vec<Vec<&'p str>>,
    },
}

impl<'p> Kinds<'p> {
    /// The kinds of Kubernetes, and these.
    #[must_use]
    pub fn with(others: &'p [WorkloadKind<'p>]) -> Kinds<'p> {
        Kinds(others)
    }

    /// The kind with these names, if it is known.
    #[must_use]
    pub fn find(self, group: &str, kind: &str) -> Option<Kind<'p>> {
        if let Some(row) = KINDS.iter().find(|row| row.group == group && row.kind == kind) {
            return Some(Kind::BuiltIn(row));
        }
        let others = self.0.iter().filter(|other| other.api_group.0 == group && other.kind.0 == kind);
        let first = others.clone().next()?;
        let pod_specs = others.map(|other| other.steps().collect()).collect();
        Some(Kind::Other { group: &first.api_group.0, kind: &first.kind.0, pod_specs })
    }
}

impl<'p> Kind<'p> {
    /// The API group of the kind.
    #[must_use]
    pub fn group(&self) -> &'p str {
        match self {
            Kind::BuiltIn(row) => row.group,
            Kind::Other { group, .. } => group,
        }
    }

    /// The name of the kind.
    #[must_use]
    pub fn name(&self) -> &'p str {
        match self {
            Kind::BuiltIn(row) => row.kind,
            Kind::Other { kind, .. } => kind,
        }
    }

    /// The API group and version in look-ups. It is `None` for kinds of the settings, because the owner reference gives it.
    #[must_use]
    pub fn api_version(&self) -> Option<&'static str> {
        match self {
            Kind::BuiltIn(row) => Some(row.api_version),
            Kind::Other { .. } => None,
        }
    }

    /// The paths to the pod specs.
    #[must_use]
    pub fn pod_specs(&self) -> Vec<&[&'p str]> {
        match self {
            Kind::BuiltIn(row) => vec![row.pod_spec],
            Kind::Other { pod_specs, .. } => pod_specs.iter().map(Vec::as_slice).collect(),
        }
    }

    /// Whether it is the built-in kind `K`.
    pub(super) fn is<K: Resource>(&self) -> bool {
        matches!(self, Kind::BuiltIn(row) if row.group == K::GROUP && row.kind == K::KIND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_asks_for_every_kind_that_is_looked_up() {
        let metadata = include_str!("../../metadata.yml");
        let (_, asked) = metadata.split_once("contextAwareResources:").unwrap();
        for row in KINDS {
            let line = format!("  - {{apiVersion: {}, kind: {}}}\n", row.api_version, row.kind);
            assert!(asked.contains(&line), "metadata.yml does not ask for {}", row.kind);
        }
    }

    #[test]
    fn groups_whose_kinds_are_known_can_not_be_named() {
        for row in KINDS {
            assert!(matches!(row.group, "" | "apps" | "batch"), "policy::workloads does not refuse {}", row.group);
        }
    }
}
