//! What does a policy say about itself? `metadata.yml`, and the JSON of it inside an annotated module.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::capabilities::ContextAwareResource;

/// The name of the custom section that holds the metadata.
pub(crate) const SECTION: &str = "io.kubewarden.metadata";

/// A policy's metadata, in the field order Kubewarden writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The waPC protocol; set when a module is annotated. policy-server refuses a module without it.
    pub protocol_version: Option<String>,
    /// The requests that are routed to the policy.
    pub rules: Vec<Rule>,
    /// Free text, shown by Kubewarden and Artifact Hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Whether the policy can change objects.
    pub mutating: bool,
    /// Whether the audit scanner runs the policy.
    #[serde(default = "yes")]
    pub background_audit: bool,
    /// The execution mode of the module. Only waPC is supported here.
    #[serde(default)]
    pub execution_mode: ExecutionMode,
    /// Whether the requests are AdmissionRequests.
    #[serde(default)]
    pub policy_type: PolicyType,
    /// The Kubernetes resources that the policy reads.
    #[serde(default)]
    pub context_aware_resources: BTreeSet<ContextAwareResource>,
    /// The host capabilities that the policy calls, for information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_capabilities: Option<BTreeSet<String>>,
    /// The oldest Kubewarden that can run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_kubewarden_version: Option<semver::Version>,
}

/// How a module is run. Kubewarden has more ways; this harness has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionMode {
    /// A module that speaks waPC.
    #[default]
    #[serde(rename = "kubewarden-wapc")]
    KubewardenWapc,
}

/// The kind of requests that a policy gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyType {
    /// The policy gets AdmissionRequests.
    #[default]
    Kubernetes,
    /// The policy gets any JSON document.
    Raw,
}

/// A rule that routes requests to the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups; the core group is empty.
    pub api_groups: Vec<String>,
    /// The API versions that the rule covers.
    pub api_versions: Vec<String>,
    /// The resources that the rule covers, `x/y` for subresources.
    pub resources: Vec<String>,
    /// The operations that the rule covers.
    pub operations: Vec<Operation>,
}

/// An operation that a rule covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// The operation CREATE.
    Create,
    /// The operation UPDATE.
    Update,
    /// The operation DELETE.
    Delete,
    /// The operation CONNECT.
    Connect,
    /// All operations, written as `*`.
    #[serde(rename = "*")]
    All,
}

fn yes() -> bool {
    true
}

impl Metadata {
    /// The metadata of an annotated module; none if it is not annotated.
    pub fn of_module(wasm: &[u8]) -> Result<Option<Self>> {
        for payload in wasmparser::Parser::new(0).parse_all(wasm) {
            if let wasmparser::Payload::CustomSection(section) = payload.context("not a WebAssembly module")?
                && section.name() == SECTION
            {
                let metadata = serde_json::from_slice(section.data());
                return metadata.map(Some).with_context(|| format!("the section {SECTION} does not decode"));
            }
        }
        Ok(None)
    }

    /// The rules Kubewarden and the API server hold metadata to, so a mistake shows before a deployment.
    pub fn validate(&self) -> Result<(), String> {
        for (index, rule) in self.rules.iter().enumerate() {
            let lists = [
                ("apiGroups", only_star(&rule.api_groups, &"*".to_owned())),
                ("apiVersions", only_star(&rule.api_versions, &"*".to_owned())),
                ("resources", resources(&rule.resources)),
                ("operations", only_star(&rule.operations, &Operation::All)),
            ];
            for (list, verdict) in lists {
                verdict.map_err(|problem| format!("rules[{index}].{list}: {problem}"))?;
            }
        }
        if self.context_aware_resources.iter().any(|r| r.api_version.is_empty() || r.kind.is_empty()) {
            return Err("contextAwareResources: apiVersion and kind must not be empty".to_owned());
        }
        Ok(())
    }
}

fn only_star<T: PartialEq>(list: &[T], star: &T) -> Result<(), String> {
    match list {
        [] => Err("the list must not be empty".to_owned()),
        [_, _, ..] if list.contains(star) => Err("No other elements can be defined when '*' is used".to_owned()),
        _ => Ok(()),
    }
}

/// The API server's rules for the resources of a webhook.
fn resources(list: &[String]) -> Result<(), String> {
    if list.is_empty() {
        return Err("the list must not be empty".to_owned());
    }
    if list.iter().any(String::is_empty) {
        return Err("empty resource is not allowed".to_owned());
    }
    if list.len() > 1 && list.iter().any(|r| r == "*/*") {
        return Err("if '*/*' is present, must not specify other resources".to_owned());
    }
    let (with_sub, without_sub): (Vec<_>, Vec<_>) = list.iter().partition(|r| r.contains('/'));
    if without_sub.iter().any(|r| *r == "*") && without_sub.iter().any(|r| *r != "*") {
        return Err("if '*' is present, must not specify other resources without subresources".to_owned());
    }
    let (mut every_sub_of, mut sub_of_every) = (HashSet::new(), HashSet::new());
    for (resource, sub) in with_sub.iter().filter_map(|r| r.split_once('/')) {
        if every_sub_of.contains(resource) {
            return Err(format!("if '{resource}/*' is present, must not specify {resource}/{sub}"));
        }
        if sub_of_every.contains(sub) {
            return Err(format!("if '*/{sub}' is present, must not specify {resource}/{sub}"));
        }
        if sub == "*" {
            every_sub_of.insert(resource);
        }
        if resource == "*" {
            sub_of_every.insert(sub);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(rule: &str) -> Metadata {
        serde_yaml::from_str(&format!("mutating: true\nrules: [{rule}]\n")).expect("metadata")
    }

    #[test]
    fn what_the_api_server_would_refuse_is_refused() {
        let rule = |groups: &str, resources: &str, operations: &str| {
            metadata(&format!(
                "{{apiGroups: {groups}, apiVersions: [v1], resources: {resources}, operations: {operations}}}"
            ))
        };
        // groups, resources, operations, the problem
        let table = [
            ("['']", "[pods, pods/ephemeralcontainers]", "[CREATE, UPDATE]", None),
            ("['*']", "['*', pods/status]", "['*']", None),
            ("[]", "[pods]", "[CREATE]", Some("rules[0].apiGroups: the list must not be empty")),
            (
                "['', '*']",
                "[pods]",
                "[CREATE]",
                Some("rules[0].apiGroups: No other elements can be defined when '*' is used"),
            ),
            (
                "['']",
                "[pods]",
                "['*', CREATE]",
                Some("rules[0].operations: No other elements can be defined when '*' is used"),
            ),
            ("['']", "['']", "[CREATE]", Some("rules[0].resources: empty resource is not allowed")),
            (
                "['']",
                "['*/*', pods]",
                "[CREATE]",
                Some("rules[0].resources: if '*/*' is present, must not specify other resources"),
            ),
            (
                "['']",
                "['*', pods]",
                "[CREATE]",
                Some("rules[0].resources: if '*' is present, must not specify other resources without subresources"),
            ),
            (
                "['']",
                "[pods/*, pods/status]",
                "[CREATE]",
                Some("rules[0].resources: if 'pods/*' is present, must not specify pods/status"),
            ),
            (
                "['']",
                "['*/status', pods/status]",
                "[CREATE]",
                Some("rules[0].resources: if '*/status' is present, must not specify pods/status"),
            ),
        ];
        for (groups, resources, operations, problem) in table {
            let verdict = rule(groups, resources, operations).validate();
            assert_eq!(verdict.err().as_deref(), problem, "{groups} {resources} {operations}");
        }
    }

    #[test]
    fn the_json_has_kubewardens_fields() {
        let metadata = metadata("{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}");
        let expected = concat!(
            r#"{"protocolVersion":null,"rules":[{"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"],"operations":["CREATE"]}],"#,
            r#""mutating":true,"backgroundAudit":true,"executionMode":"kubewarden-wapc","policyType":"kubernetes","contextAwareResources":[]}"#
        );
        assert_eq!(serde_json::to_string(&metadata).ok().as_deref(), Some(expected));
    }
}
