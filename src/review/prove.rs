//! Does a proof admit an image, whatever its digest brings with it?
//!
//! Pinning must not change the verdict: the pinned reference comes back with the next update. So it is looked up once more with its digest.

use super::turn::Turn;
use crate::{
    explain::explain,
    image::ImageRef,
    policy::{Choice, Decision, Rule, RulePattern, Rules},
    verdict::{Fault, Grounds, Reason},
    verify::{Budget, Failure, Requirement, verify},
};

/// The reason for which an image is refused, or what it takes to find the reason.
pub(super) enum Refusal<'r> {
    Reason(Reason),
    Failure(Failure<'r>),
}

impl Refusal<'_> {
    pub(super) fn explain(self, budget: &mut Budget<'_>) -> Reason {
        match self {
            Refusal::Reason(reason) => reason,
            Refusal::Failure(failure) => Reason::Unproven(explain(failure, budget)),
        }
    }
}

/// Proves an image that no rule decides by its name.
pub(super) fn by_proof<'t>(
    turn: &'t Turn<'_, '_>,
    rules: &Rules<'_>,
    budget: &mut Budget<'_>,
) -> Result<Grounds, Refusal<'t>> {
    budget.may_ask().map_err(|spent| Refusal::Reason(Reason::Spent(spent)))?;
    // What the registry says of a tag is asked once: whether it has moved, and else what has to be proven.
    let resolved = match turn.live {
        None => None,
        Some(live) => {
            let answer = budget.digest(&turn.image.to_string());
            let answer = answer.map_err(|spent| Refusal::Reason(Reason::Spent(spent)))?;
            if let Some(carried) = answer.as_ref().ok().and_then(|digest| live.if_still(*digest)) {
                return Ok(Grounds::Carried(carried));
            }
            Some(answer)
        }
    };
    let verified = verify(turn.image, &turn.requirement, resolved, budget).map_err(Refusal::Failure)?;
    let refused = match (turn.image.digest(), verified.index()) {
        // Pinning must not change the verdict: the pinned reference comes back with the next update, and in the Pods of this object.
        (None, _) => match also_refused(turn, &turn.image.pinned(verified.digest()), rules, budget) {
            Some((Some(other), reason)) => {
                Some(Reason::AfterPinning { proven: turn.rule.pattern(), other, reason: Box::new(reason) })
            }
            Some((None, reason @ Reason::Settings(_))) => Some(reason),
            Some((None, _)) => Some(Reason::Fault(Fault::RuleLost)),
            None => None,
        },
        // Nor may a platform lead around the rule for the index that proves it.
        (Some(_), Some(index)) => match also_refused(turn, &turn.image.with_digest(index), rules, budget) {
            Some((_, reason @ Reason::Settings(_))) => Some(reason),
            Some((other, reason)) => Some(Reason::ByIndex { index, other, reason: Box::new(reason) }),
            None => None,
        },
        // It was looked up with its digest already.
        (Some(_), None) => None,
    };
    refused.map_or(Ok(Grounds::Proven(verified)), |reason| Err(Refusal::Reason(reason)))
}

/// The rule that decides about an image. If none does, the reason, and the first of the rules that tie.
pub(super) fn one_rule<'p>(image: &ImageRef, rules: &Rules<'p>) -> Result<Rule<'p>, (Option<Rule<'p>>, Reason)> {
    Err(match rules.choose(image) {
        Ok(Choice::Rule(rule)) => return Ok(rule),
        Ok(Choice::Tie(rule, other)) => (Some(rule), Reason::Tie(other.pattern())),
        Ok(Choice::None(Some(by_tag))) => (None, Reason::NoRule(Some(by_tag.pattern()))),
        Ok(Choice::None(None)) => {
            (None, rules.for_its_tags(image).map_or(Reason::NoRule(None), Reason::NoRuleForDigest))
        }
        Err(problem) => (None, Reason::Settings(problem)),
    })
}

/// Why another reference, which a proof of this image brings with it, is not admitted, and the pattern of the rule that refuses it.
fn also_refused(
    turn: &Turn<'_, '_>,
    other: &ImageRef,
    rules: &Rules<'_>,
    budget: &mut Budget<'_>,
) -> Option<(Option<RulePattern>, Reason)> {
    let refused = |rule: &Rule<'_>, reason| Some((Some(rule.pattern()), reason));
    let rule = match one_rule(other, rules) {
        Ok(rule) if rule == turn.rule => return None,
        Ok(rule) => rule,
        Err((rule, reason)) => return Some((rule.map(|rule| rule.pattern()), reason)),
    };
    match rule.decision() {
        Ok(Decision::Allow) => None,
        Ok(Decision::Deny) => refused(&rule, Reason::Rule),
        Ok(Decision::Prove { requirement, .. }) if requirement == turn.requirement => None,
        Ok(Decision::Prove { requirement, .. }) => match budget.may_ask() {
            Err(spent) => refused(&rule, Reason::Spent(spent)),
            Ok(()) => match verify(&asked_of(other, &requirement), &requirement, None, budget) {
                Ok(_) => None,
                Err(failure) => refused(&rule, Reason::Unproven(explain(failure, budget))),
            },
        },
        Err(problem) => Some((None, Reason::Settings(problem))),
    }
}

/// What has to be proven of the reference of a proven image: its digest alone, since that is of the same bytes, and no index in between can bring a third rule.
/// Who signs tags has to name this digest for this tag.
fn asked_of(other: &ImageRef, requirement: &Requirement) -> ImageRef {
    if requirement.signs_tags() { other.clone() } else { other.without_tag() }
}
