//! What in these settings is legal, but surely not meant?
//!
//! For people who deploy a policy, never for requests. A finding says what holds for certain; what can't be told for certain is not found.

mod features;
mod keys;
mod rules;

use serde_json::Value;

use super::{
    pattern::Pattern,
    rule::{Decision, Policy, Rule},
    settings::With,
};

/// Something that is legal, but surely not meant: where, what and why it matters, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place, as in `policy[2].pattern`.
    pub path: String,
    /// What kind of finding it is.
    pub lint: Lint,
    /// What was found, and why it matters.
    pub what: String,
    /// What to do.
    pub instead: String,
}

/// How bad a finding is; the worst one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody whom nobody chose decides what runs, or can stop everything.
    Danger,
    /// It does not do what it says.
    Doubtful,
    /// It does what it says, and that is good to know.
    Note,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// Images of anybody's registry are admitted unseen.
    AllowsAnyRegistry,
    /// Images of anybody's account at a public registry are admitted unseen.
    AllowsAPublicRegistry,
    /// The policy server asks a registry that whoever writes the image chooses.
    AsksAnyRegistry,
    /// Images of every host of a domain are admitted unseen.
    AllowsADomain,
    /// No image matches the pattern.
    MatchesNothing,
    /// Another rule always comes first.
    NeverDecides,
    /// Whoever writes the image chooses between this rule and another one.
    ChosenByTag,
    /// Nobody signs under such a name.
    OddIdentity,
    /// Child approval is wanted, and off.
    ChildApprovalIsOff,
    /// Child approval reaches images that were never pinned.
    ApprovesUnpinned,
    /// No deadline of Kubewarden is late enough for the time budget.
    BudgetBeyondDeadline,
    /// Another rule always comes first, and says the same.
    SaysTheSame,
    /// The policy server asks every host of a domain.
    AsksADomain,
    /// What was proven is not what has to run.
    PinsNothing,
    /// Nothing is denied.
    DetectionMode,
    /// The time budget needs a later deadline than the default one.
    NeedsALaterDeadline,
    /// No rule names the validator.
    UnusedValidator,
    /// No rule asks the trust root.
    UnusedTrustRoot,
    /// An RSA key that is shorter than what is recommended today.
    ShortRsaKey,
    /// One signer has two names.
    KeyWithTwoNames,
    /// No entry in a transparency log is asked for.
    NoTransparencyLog,
}

impl Lint {
    /// All kinds, the worst ones first.
    pub const ALL: [Lint; 21] = [
        Lint::AllowsAnyRegistry,
        Lint::AllowsAPublicRegistry,
        Lint::AsksAnyRegistry,
        Lint::AllowsADomain,
        Lint::MatchesNothing,
        Lint::NeverDecides,
        Lint::ChosenByTag,
        Lint::OddIdentity,
        Lint::ChildApprovalIsOff,
        Lint::ApprovesUnpinned,
        Lint::BudgetBeyondDeadline,
        Lint::SaysTheSame,
        Lint::AsksADomain,
        Lint::PinsNothing,
        Lint::DetectionMode,
        Lint::NeedsALaterDeadline,
        Lint::UnusedValidator,
        Lint::UnusedTrustRoot,
        Lint::ShortRsaKey,
        Lint::KeyWithTwoNames,
        Lint::NoTransparencyLog,
    ];

    /// The kind as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().0
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.row().1
    }

    fn row(self) -> (&'static str, Severity) {
        use Severity::{Danger, Doubtful, Note};
        match self {
            Lint::AllowsAnyRegistry => ("allows-any-registry", Danger),
            Lint::AllowsAPublicRegistry => ("allows-a-public-registry", Danger),
            Lint::AsksAnyRegistry => ("asks-any-registry", Danger),
            Lint::AllowsADomain => ("allows-a-domain", Doubtful),
            Lint::MatchesNothing => ("matches-nothing", Doubtful),
            Lint::NeverDecides => ("never-decides", Doubtful),
            Lint::ChosenByTag => ("chosen-by-tag", Doubtful),
            Lint::OddIdentity => ("odd-identity", Doubtful),
            Lint::ChildApprovalIsOff => ("child-approval-is-off", Doubtful),
            Lint::ApprovesUnpinned => ("approves-unpinned", Doubtful),
            Lint::BudgetBeyondDeadline => ("budget-beyond-deadline", Doubtful),
            Lint::SaysTheSame => ("says-the-same", Note),
            Lint::AsksADomain => ("asks-a-domain", Note),
            Lint::PinsNothing => ("pins-nothing", Note),
            Lint::DetectionMode => ("detection-mode", Note),
            Lint::NeedsALaterDeadline => ("needs-a-later-deadline", Note),
            Lint::UnusedValidator => ("unused-validator", Note),
            Lint::UnusedTrustRoot => ("unused-trust-root", Note),
            Lint::ShortRsaKey => ("short-rsa-key", Note),
            Lint::KeyWithTwoNames => ("key-with-two-names", Note),
            Lint::NoTransparencyLog => ("no-transparency-log", Note),
        }
    }
}

impl Severity {
    /// The severity as one stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Danger => "danger",
            Severity::Doubtful => "doubtful",
            Severity::Note => "note",
        }
    }
}

impl Finding {
    fn new(path: impl Into<String>, lint: Lint, what: impl Into<String>, instead: impl Into<String>) -> Finding {
        Finding { path: path.into(), lint, what: what.into(), instead: instead.into() }
    }
}

/// What is surely not meant in these settings (JSON text), the worst first, and otherwise in the order of the settings.
///
/// Of settings that [`super::check`] refuses as a whole, nothing; of others, what can be told of the rules that can be read.
#[must_use]
pub fn lint(json: &str) -> Vec<Finding> {
    let (Ok(policy), Ok(value)) = (Policy::load(json), serde_json::from_str::<Value>(json)) else {
        return Vec::new();
    };
    let rules: Vec<ReadRule<'_>> =
        (0..policy.settings().policy.len()).filter_map(|i| ReadRule::of(&policy, i)).collect();
    let all_read = rules.len() == policy.settings().policy.len();
    let mut found = rules::lint(&policy, &rules);
    found.extend(keys::lint(&policy, &rules, all_read));
    found.extend(features::lint(&policy.features(), &value, &rules));
    found.sort_by_key(|finding| finding.lint.severity());
    found
}

/// A rule with everything that requests would read of it.
struct ReadRule<'p> {
    rule: Rule<'p>,
    pattern: Pattern<'p>,
    decision: Decision,
    with: With,
}

impl<'p> ReadRule<'p> {
    /// `None` where it can't be read, which [`super::check`] tells.
    fn of(policy: &'p Policy<'p>, index: usize) -> Option<ReadRule<'p>> {
        let written = policy.settings().policy.get(index)?;
        let rule = policy.rule(index, written).ok()?;
        let with = match written.with {
            Some(with) => serde_json::from_str(with.get()).ok()?,
            None => With::default(),
        };
        Some(ReadRule {
            rule,
            pattern: Pattern::parse(&written.pattern.0).ok()?,
            decision: rule.decision().ok()?,
            with,
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("policy[{}].{rest}", self.rule.index())
    }

    /// Does it admit by a tag, so that it says nothing of a reference with a digest?
    fn allows_by_tag(&self) -> bool {
        self.decision == Decision::Allow && self.pattern.has_tag() && !self.pattern.names_one_digest()
    }
}

#[cfg(test)]
mod tests;
