//! Which options hold for every rule?
//!
//! `features` of the settings. An option that is left out has its default.

use std::time::Duration;

use serde::Deserialize;

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
    break_glass: Option<bool>,
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
    /// How old an owner may be, counted from its `creationTimestamp`. `None` accepts any age.
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
    /// Whether denials become warnings. The default is `false`.
    #[must_use]
    pub fn detection_mode(&self) -> bool {
        self.detection_mode.unwrap_or(false)
    }

    /// Whether objects may be changed at all; by default they may.
    #[must_use]
    pub fn mutation(&self) -> bool {
        self.mutation.unwrap_or(true)
    }

    /// Whether, and when, an image is admitted because an owner of the object lists it; by default for references with a digest. Where only Pods are denied, an
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

    /// Whether an image that an update does not change is admitted. The default is `false`.
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

    /// Whether the annotation for break-glass has an effect. The default is `false`.
    #[must_use]
    pub fn break_glass(&self) -> bool {
        self.break_glass.unwrap_or(false)
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
pub struct HostCalls(usize);

impl HostCalls {
    /// The most host calls of a request.
    pub const MAX: usize = 1_000;
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
pub struct TimeBudget(Duration);

impl TimeBudget {
    /// Longest budget, in milliseconds.
    pub const MAX_MS: u64 = 30_000;
}

impl Default for TimeBudget {
    /// 900 ms, which is less than policy-server's shortest default deadline of one second.
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
