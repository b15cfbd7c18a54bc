//! What shape do the user's settings have?
//!
//! The serde twin of the YAML in `docs/settings.md`; nothing else knows it. It is strict: an unknown key, a wrong type or a value whose feature is
//! not here yet does not deserialise, so nothing is ever half understood. It is also lazy, because settings come with every request: what only
//! one rule's turn will tell whether it is needed (`with`, trust roots) stays text until then.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Text;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings<'a> {
    #[serde(borrow)]
    pub(super) validators: Vec<Validator<'a>>,
    #[serde(borrow)]
    pub(super) policy: Vec<Rule<'a>>,
    pub(super) features: Option<Features>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Validator<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) approve: Option<bool>,
    #[serde(borrow)]
    pub(super) trust_roots: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Static,
    Cosign,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustRoot<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) key: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule<'a> {
    #[serde(borrow)]
    pub(super) pattern: Text<'a>,
    #[serde(borrow)]
    pub(super) validator: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) with: Option<&'a RawValue>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct With {
    pub(super) trust_root: Option<String>,
    pub(super) threshold: Option<u64>,
    pub(super) required: Option<Vec<String>>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
    pub(super) identities: Option<Vec<String>>,
    pub(super) mode: Option<Mode>,
    pub(super) verify_in_transparency_log: Option<Off>,
}

/// What is done with a proven digest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Written into every kind.
    #[default]
    Mutate,
    /// Written into Pods only; every kind is verified.
    MutatePodsOnly,
    /// Written nowhere.
    InsecureValidateOnly,
}

/// What holds for every rule.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Features {
    detection_mode: Option<bool>,
    mutation: Option<bool>,
    time_budget_ms: Option<TimeBudget>,
    automatic_child_approval: Option<Off>,
    automatic_unchanged_approval: Option<Off>,
    resource_validation_mode: Option<All>,
    gitops: Option<Gitops>,
}

impl Features {
    /// Whether what would be denied is admitted, and said so; by default it is not.
    #[must_use]
    pub fn detection_mode(&self) -> bool {
        self.detection_mode.unwrap_or(false)
    }

    /// Whether objects may be changed at all; by default they may.
    #[must_use]
    pub fn mutation(&self) -> bool {
        self.mutation.unwrap_or(true)
    }

    /// How long a request may take; by default 900 ms.
    #[must_use]
    pub fn time_budget(&self) -> Duration {
        self.time_budget_ms.unwrap_or_default().0
    }
}

/// A time from 1 ms to 30 s, the longest evaluation that Kubewarden allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct TimeBudget(Duration);

impl TimeBudget {
    /// Longest budget, in milliseconds.
    pub(super) const MAX_MS: u64 = 30_000;
}

impl Default for TimeBudget {
    /// Inside policy-server's default deadline of two ticks, which can end after one second.
    fn default() -> TimeBudget {
        TimeBudget(Duration::from_millis(900))
    }
}

impl TryFrom<u64> for TimeBudget {
    type Error = String;

    fn try_from(ms: u64) -> Result<TimeBudget, String> {
        match ms {
            1..=TimeBudget::MAX_MS => Ok(TimeBudget(Duration::from_millis(ms))),
            _ => Err(format!("must be a number of milliseconds from 1 to {}", TimeBudget::MAX_MS)),
        }
    }
}

/// A switch that can only be off yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "bool")]
pub(super) struct Off;

impl TryFrom<bool> for Off {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Off, &'static str> {
        match on {
            false => Ok(Off),
            true => Err("is not here yet: only false is"),
        }
    }
}

/// The one `resourceValidationMode` that is here yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum All {
    All,
}

/// The one way of `gitops` that is here yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Gitops {
    #[serde(rename = "resolve")]
    _resolve: Option<Off>,
    #[serde(rename = "dryRun")]
    _dry_run: Option<Verify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Verify {
    Verify,
}
