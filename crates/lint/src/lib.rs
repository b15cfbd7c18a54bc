//! What in these settings is valid, but probably wrong?
//!
//! For people who deploy a policy, never for requests. A finding says what holds for certain; what can't be told for certain is not found.

mod attestations;
mod cover;
mod exceptions;
mod features;
mod keys;
mod kinds;
mod manifest;
mod names;
mod notary;
mod notation;
mod predicates;
mod quorum;
mod routing;
mod rules;
mod signers;
#[cfg(test)]
mod test_keys;

use image_trust::time::UnixTime;
use serde_json::Value;

pub use kinds::{Lint, Severity};
pub use manifest::{Refusal, check_manifest, lint_manifest};

use image_trust::policy::{
    pattern::Pattern,
    rule::{Decision, Policy, Rule},
    settings::With,
};
use image_trust::verify::CosignRequirement;

/// Something that is valid, but probably wrong: where, what and why it matters, and what to do.
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

impl Finding {
    fn new(path: impl Into<String>, lint: Lint, what: impl Into<String>, instead: impl Into<String>) -> Finding {
        Finding { path: path.into(), lint, what: what.into(), instead: instead.into() }
    }
}

/// What is surely not meant in these settings (JSON text), the worst first, and otherwise in the order of the settings.
///
/// Of settings that [`image_trust::policy::check`] refuses as a whole, nothing; of others, what can be told of the rules that can be read. `now` is the time of day.
#[must_use]
pub fn lint(json: &str, now: UnixTime) -> Vec<Finding> {
    worst_first(found(json, now, |_, _| Vec::new()))
}

/// What is found in these settings, and `more` of what they say.
fn found(json: &str, now: UnixTime, more: impl FnOnce(&Policy<'_>, &[ReadRule<'_>]) -> Vec<Finding>) -> Vec<Finding> {
    let (Ok(policy), Ok(value)) = (Policy::load(json), serde_json::from_str::<Value>(json)) else {
        return Vec::new();
    };
    let rules: Vec<ReadRule<'_>> =
        (0..policy.settings().policy.len()).filter_map(|i| ReadRule::of(&policy, i)).collect();
    let all_read = rules.len() == policy.settings().policy.len();
    let mut found = rules::lint(&policy, &rules);
    found.extend(keys::lint(&policy, &rules, all_read));
    found.extend(signers::lint(&policy, &rules, now));
    found.extend(rules.iter().filter_map(quorum::lint));
    found.extend(rules.iter().filter_map(notary::lint));
    found.extend(rules.iter().flat_map(notation::lint));
    found.extend(notation::certificates(&policy, now));
    found.extend(rules.iter().flat_map(attestations::lint));
    found.extend(features::lint(&policy.features(), &value, &rules));
    found.extend(exceptions::lint(&policy, &policy.features(), now));
    found.extend(more(&policy, &rules));
    found
}

fn worst_first(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| finding.lint.severity());
    found
}

/// A rule with everything that requests would read of it.
struct ReadRule<'p> {
    rule: Rule<'p>,
    pattern: Pattern<'p>,
    decision: Decision,
    with: With<'p>,
}

impl<'p> ReadRule<'p> {
    /// `None` where it can't be read, which [`image_trust::policy::check`] tells.
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

    /// What it requires of signatures of cosign, if its validator is of that type.
    fn cosign(&self) -> Option<&CosignRequirement> {
        match &self.decision {
            Decision::Prove { requirement, .. } => requirement.cosign(),
            Decision::Allow | Decision::Deny => None,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("policy[{}].{rest}", self.rule.index())
    }

    /// Does it admit by a tag, so that it says nothing of a reference with a digest?
    fn allows_by_tag(&self) -> bool {
        self.decision == Decision::Allow && self.pattern.tag().is_some() && !cover::names_one_digest(&self.pattern)
    }
}

#[cfg(test)]
mod tests;
