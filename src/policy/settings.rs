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
    pub(super) ask_host: Option<bool>,
    #[serde(borrow)]
    pub(super) trust_roots: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) trusted_root: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) host: Option<Instance<'a>>,
}

/// Connaisseur's name for an instance of Sigstore: what it signs with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Instance<'a> {
    #[serde(borrow)]
    pub(super) fulcio_cert: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) rekor_pubkey: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ct_log_pubkey: Option<Text<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Static,
    Cosign,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TrustRoot<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) keyless: Option<Keyless<'a>>,
    #[serde(borrow)]
    pub(super) github: Option<Github<'a>>,
    #[serde(borrow)]
    pub(super) certificate: Option<Certificate<'a>>,
    #[serde(borrow)]
    pub(super) not_before: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) not_after: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Keyless<'a> {
    #[serde(borrow)]
    pub(super) issuer: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) issuer_regex: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subject: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subject_regex: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subject_prefix: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Github<'a> {
    #[serde(borrow)]
    pub(super) owner: Text<'a>,
    #[serde(borrow)]
    pub(super) repo: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) workflow: Option<Text<'a>>,
    #[serde(borrow, rename = "ref")]
    pub(super) reference: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Certificate<'a> {
    #[serde(borrow)]
    pub(super) ca: Text<'a>,
    #[serde(borrow)]
    pub(super) subject: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subject_regex: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) subject_prefix: Option<Text<'a>>,
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
    pub(super) verify_in_transparency_log: Option<bool>,
    #[serde(rename = "verifySCT")]
    pub(super) verify_sct: Option<bool>,
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
    max_host_calls: Option<HostCalls>,
    automatic_child_approval: Option<ChildApprovalSetting>,
    automatic_unchanged_approval: Option<bool>,
    resource_validation_mode: Option<ResourceValidationMode>,
    gitops: Option<Gitops>,
    disclosure: Option<Disclosure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum ChildApprovalSetting {
    Switch(bool),
    Narrowed(ChildApproval),
}

/// Under which conditions an image is admitted because an owner of the object lists it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ChildApproval {
    ttl: Option<Ttl>,
    require_digest: Option<bool>,
}

impl ChildApproval {
    /// How old an owner may be, counted from its `creationTimestamp`; any age, where there is none.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl.map(|ttl| ttl.0)
    }

    /// Whether only references with a digest are approved; by default they are. A tag may have moved since its owner was proven.
    #[must_use]
    pub fn require_digest(&self) -> bool {
        self.require_digest.unwrap_or(true)
    }
}

/// A whole number of seconds, 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
struct Ttl(Duration);

impl TryFrom<u64> for Ttl {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Ttl, &'static str> {
        match seconds {
            0 => Err("must be 1 or more"),
            _ => Ok(Ttl(Duration::from_secs(seconds))),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ResourceValidationMode {
    All,
    PodsOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Gitops {
    resolve: Option<bool>,
    dry_run: Option<DryRun>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum DryRun {
    Verify,
    Reuse,
}

/// How much denials and warnings tell the user who made a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Disclosure {
    /// Everything that helps.
    #[default]
    Full,
    /// What the user wrote, the rule, and one word. The registry is read with the policy server's credentials, and the user may have none.
    Reason,
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

    /// Whether, and when, an image is admitted because an owner of the object lists it; by default where one does and it has a digest. Where only Pods are denied, an
    /// owner's images may have been admitted unproven, so they say nothing.
    #[must_use]
    pub fn child_approval(&self) -> Option<ChildApproval> {
        match self.automatic_child_approval {
            _ if self.pods_only() => None,
            None | Some(ChildApprovalSetting::Switch(true)) => Some(ChildApproval::default()),
            Some(ChildApprovalSetting::Switch(false)) => None,
            Some(ChildApprovalSetting::Narrowed(narrowed)) => Some(narrowed),
        }
    }

    /// Whether an image is admitted that an update leaves as it is; by default it is not.
    #[must_use]
    pub fn unchanged_approval(&self) -> bool {
        self.automatic_unchanged_approval.unwrap_or(false)
    }

    /// Whether only Pods are denied and pinned, and other kinds only warned about; by default all are.
    #[must_use]
    pub fn pods_only(&self) -> bool {
        self.resource_validation_mode == Some(ResourceValidationMode::PodsOnly)
    }

    /// Whether an update keeps the live digest of a tag that still points to it; by default it does not.
    #[must_use]
    pub fn keeps_what_resolves(&self) -> bool {
        self.gitops.and_then(|gitops| gitops.resolve).unwrap_or(false)
    }

    /// Whether a dry run keeps the live digest of a tag that is not changed; by default it does not.
    #[must_use]
    pub fn reuses_in_dry_run(&self) -> bool {
        self.gitops.and_then(|gitops| gitops.dry_run) == Some(DryRun::Reuse)
    }

    /// How much users are told; by default everything that helps.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        self.disclosure.unwrap_or_default()
    }

    /// How long a request may take; by default 900 ms.
    #[must_use]
    pub fn time_budget(&self) -> Duration {
        self.time_budget_ms.unwrap_or_default().0
    }

    /// How many host calls a request may make; by default 100, which resolves and verifies 50 images.
    #[must_use]
    pub fn max_host_calls(&self) -> usize {
        self.max_host_calls.map_or(100, |calls| calls.0)
    }
}

/// A number of host calls from 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct HostCalls(usize);

impl HostCalls {
    /// Most host calls: several for each of the images that are decided in one request.
    pub(super) const MAX: usize = 1_000;
}

impl TryFrom<u64> for HostCalls {
    type Error = String;

    fn try_from(calls: u64) -> Result<HostCalls, String> {
        match usize::try_from(calls) {
            Ok(calls @ 1..=HostCalls::MAX) => Ok(HostCalls(calls)),
            _ => Err(format!("must be a number of host calls from 1 to {}", HostCalls::MAX)),
        }
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
