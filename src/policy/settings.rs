//! What shape do the user's settings have?
//!
//! The serde twin of the YAML in `docs/settings.md`; nothing else knows it. It is strict: an unknown key, a wrong type or a value whose feature is
//! not here yet does not deserialise, so nothing is ever half understood. It is also lazy, because settings come with every request: what only
//! one rule's turn will tell whether it is needed (`with`, trust roots) stays text until then.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::names::RulePattern;
use crate::json::Text;

/// All trust roots, in `trustRoot`.
pub const ALL: &str = "*";

/// The settings of a policy, as `docs/settings.md` describes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings<'a> {
    /// What can be asked of an image.
    #[serde(borrow)]
    pub validators: Vec<Validator<'a>>,
    /// Which images are asked what.
    #[serde(borrow)]
    pub policy: Vec<Rule<'a>>,
    /// What holds for every rule.
    pub features: Option<Features>,
}

/// An entry of `validators`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Validator<'a> {
    /// `name`, by which rules refer to it.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// `type`: whether it decides by itself or wants signatures.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `approve`, of a static validator.
    pub approve: Option<bool>,
    /// `askHost`: whether the policy server may be asked about public keys.
    pub ask_host: Option<bool>,
    /// `trustRoots`: who may sign. Read only if a rule needs them.
    #[serde(borrow)]
    pub trust_roots: Option<&'a RawValue>,
    /// `trustedRoot`: the authorities and logs of a Sigstore instance. Read only if a rule needs them.
    #[serde(borrow)]
    pub trusted_root: Option<&'a RawValue>,
    /// `host`: the same in the words of Connaisseur.
    #[serde(borrow)]
    pub host: Option<Instance<'a>>,
    /// `repository`: where signatures and evidence lie, if not beside the image.
    #[serde(borrow)]
    pub repository: Option<Text<'a>>,
    /// `evidence`: how evidence manifests are read.
    pub evidence: Option<Evidence>,
}

/// How evidence manifests are read.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `first`: whether the evidence manifest is read before the signature manifest.
    pub first: Option<bool>,
}

/// Connaisseur's name for an instance of Sigstore: what it signs with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Instance<'a> {
    /// `fulcioCert`: the certificates of the authority, in PEM.
    #[serde(borrow)]
    pub fulcio_cert: Option<Text<'a>>,
    /// `rekorPubkey`: the key of the transparency log, in PEM.
    #[serde(borrow)]
    pub rekor_pubkey: Option<Text<'a>>,
    /// `ctLogPubkey`: the key of the certificate transparency log, in PEM.
    #[serde(borrow)]
    pub ct_log_pubkey: Option<Text<'a>>,
}

/// The type of a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `static`: admits or denies by the name of an image.
    Static,
    /// `cosign`: wants signatures.
    Cosign,
}

/// An entry of `trustRoots`: one signer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustRoot<'a> {
    /// `name`, by which rules and messages refer to it.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// `key`: a public key in PEM.
    #[serde(borrow)]
    pub key: Option<Text<'a>>,
    /// `signatureAlgorithm`: how the key signs, if not as cosign does by default.
    #[serde(borrow)]
    pub signature_algorithm: Option<Text<'a>>,
    /// `keyless`: a certificate identity.
    #[serde(borrow)]
    pub keyless: Option<Keyless<'a>>,
    /// `github`: a workflow of GitHub.
    #[serde(borrow)]
    pub github: Option<Github<'a>>,
    /// `certificate`: a certificate of an authority of one's own.
    #[serde(borrow)]
    pub certificate: Option<Certificate<'a>>,
    /// `notBefore`: from when on its signatures count.
    #[serde(borrow)]
    pub not_before: Option<Text<'a>>,
    /// `notAfter`: until when its signatures count.
    #[serde(borrow)]
    pub not_after: Option<Text<'a>>,
}

/// Which certificate identity signs, as `keyless` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Keyless<'a> {
    /// `issuer`, compared as it stands.
    #[serde(borrow)]
    pub issuer: Option<Text<'a>>,
    /// `issuerRegex`, which has to match all of the issuer.
    #[serde(borrow)]
    pub issuer_regex: Option<Text<'a>>,
    /// `subject`, compared as it stands.
    #[serde(borrow)]
    pub subject: Option<Text<'a>>,
    /// `subjectRegex`, which has to match all of the subject.
    #[serde(borrow)]
    pub subject_regex: Option<Text<'a>>,
    /// `subjectPrefix`, which ends with a slash.
    #[serde(borrow)]
    pub subject_prefix: Option<Text<'a>>,
    /// `claims`: what the CA has to say of the signer besides.
    #[serde(borrow)]
    pub claims: Option<&'a RawValue>,
}

/// Which workflow of GitHub signs, as `github` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Github<'a> {
    /// `owner`: the account of the repository.
    #[serde(borrow)]
    pub owner: Text<'a>,
    /// `repo`: the repository; any of the account, if it is left out.
    #[serde(borrow)]
    pub repo: Option<Text<'a>>,
    /// `issuer`: who vouches for the workflow, if not the issuer of github.com.
    #[serde(borrow)]
    pub issuer: Option<Text<'a>>,
    /// `workflow`: the name of the file, or its path with its repository; any, if it is left out.
    #[serde(borrow)]
    pub workflow: Option<Text<'a>>,
    /// `ref`: the git reference; any, if it is left out.
    #[serde(borrow, rename = "ref")]
    pub reference: Option<Text<'a>>,
}

/// Which certificate signs, as `certificate` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Certificate<'a> {
    /// `ca`: the certificates of the authority, in PEM.
    #[serde(borrow)]
    pub ca: Text<'a>,
    /// `subject`, compared as it stands.
    #[serde(borrow)]
    pub subject: Option<Text<'a>>,
    /// `subjectRegex`, which has to match all of the subject.
    #[serde(borrow)]
    pub subject_regex: Option<Text<'a>>,
    /// `subjectPrefix`, which ends with a slash.
    #[serde(borrow)]
    pub subject_prefix: Option<Text<'a>>,
}

/// An entry of `policy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule<'a> {
    /// `pattern`: the images that the rule is about.
    #[serde(borrow)]
    pub pattern: Text<'a>,
    /// `validator`: the name of the validator that decides; `default`, if it is left out.
    #[serde(borrow)]
    pub validator: Option<Text<'a>>,
    /// `with`: what the rule asks of the validator. Read only if the rule wins.
    #[serde(borrow)]
    pub with: Option<&'a RawValue>,
}

impl Rule<'_> {
    /// The pattern, as it was written.
    pub(super) fn pattern(&self) -> RulePattern {
        RulePattern(self.pattern.0.clone().into_owned())
    }
}

/// What a rule asks of its validator.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct With {
    /// `trustRoot`: who has to sign; `default`, if it is left out, and `*` for all.
    pub trust_root: Option<String>,
    /// `threshold`: how many of them have to sign.
    pub threshold: Option<u64>,
    /// `required`: who of them has to sign.
    pub required: Option<Vec<String>>,
    /// `annotations`: what a signature has to carry.
    pub annotations: Option<BTreeMap<String, String>>,
    /// `identities`: under which names the image may have been signed.
    pub identities: Option<Vec<String>>,
    /// `mode`: where the proven digest is written.
    pub mode: Option<Mode>,
    /// `verifyInTransparencyLog`: whether signatures need an entry in a transparency log.
    pub verify_in_transparency_log: Option<bool>,
    /// `verifySCT`: whether certificates need a signed certificate timestamp.
    #[serde(rename = "verifySCT")]
    pub verify_sct: Option<bool>,
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
pub struct HostCalls(usize);

impl HostCalls {
    /// Most host calls: several for each of the images that are decided in one request.
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
