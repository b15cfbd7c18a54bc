//! What becomes of each image of an object?
//!
//! Images that need no question are decided first, then those that are in the cluster already, then the others, one after the other, while there is time.

use super::{
    approve::Approvals,
    images::{Item, Text, distinct},
    outcome::{Outcome, Outcomes, note},
    pinning::Pinning,
    prove::{Refusal, by_proof, one_rule},
    turn::Turn,
    waive::Waivers,
};
use crate::{
    image::ImageRef,
    kubernetes::{Kinds, LiveDigest, Request, Workload},
    policy::{Choice, Decision, Features, Mode, Rule, Rules},
    verdict::{Grounds, MAX_IMAGES, Reason},
    verify::{Budget, Requirement},
};

/// Most images that are still looked at once the request is denied, so that a denial names more than one. Whoever writes a request chooses how many images
/// it has, and the policy server's workers are shared.
const MAX_AFTER_DENIAL: usize = 3;

/// Everything that decides about the images of a request.
pub(super) struct Images<'c> {
    pub(super) request: &'c Request<'c>,
    pub(super) workload: &'c Workload<'c>,
    pub(super) old: Option<&'c Workload<'c>>,
    pub(super) features: &'c Features,
    pub(super) rules: &'c Rules<'c>,
    pub(super) pinning: &'c Pinning<'c>,
    pub(super) waivers: &'c Waivers<'c>,
    pub(super) kinds: Kinds<'c>,
    /// Whether one image that is not admitted is enough to deny the request.
    pub(super) one_denies: bool,
}

impl<'c> Images<'c> {
    /// Decides every distinct image, by its canonical name. Whatever needs no host call comes first, so that it is decided when the time runs out.
    pub(super) fn decide<'i>(&self, items: &'i [Item<'_>], budget: &mut Budget<'_>) -> Result<Outcomes<'i>, Reason> {
        let groups = distinct(items);
        // What can't be read is told of each, so it counts too.
        let images = items.iter().filter(|item| item.is_unreadable()).count().saturating_add(groups.len());
        if images > MAX_IMAGES {
            return Err(Reason::TooManyImages(images));
        }
        let mut outcomes = Outcomes::new();
        let mut turns = Vec::new();
        for (image, texts) in groups {
            // Rules can be many, and this comes before any question.
            if let Err(spent) = budget.tick() {
                let result = self.waivers.settle(image, Err(Reason::Spent(spent)), budget);
                note(&mut outcomes, &texts, Outcome::by(None, result));
                continue;
            }
            match by_name(image, self.rules) {
                ByName::Decided { rule, result } => {
                    let result = self.waivers.settle(image, result, budget);
                    note(&mut outcomes, &texts, Outcome::by(rule.as_ref(), result));
                }
                ByName::Prove { rule, requirement, mode } => {
                    turns.push(Turn { image, texts, rule, requirement, mode, calls: 0, live: None });
                }
            }
        }
        let mut turns = self.without_what_is_here(turns, &mut outcomes, budget);
        // What is admitted in any case comes last, and else the cheapest first, so that the more is decided when the time runs out: a digest need not be looked up,
        // and few trust roots are soon checked. Then by name, so that the order of the slots decides nothing where not all are looked at.
        turns.sort_by_cached_key(|turn| {
            let is_covered = self.waivers.covers(turn.image, budget);
            (is_covered, turn.image.digest().is_none(), turn.requirement.all_roots().count(), turn.image.to_string())
        });
        let is_refused = |item: &Item<'_>| item.reference().is_none();
        let mut denied = items.iter().any(is_refused) || outcomes.values().any(|outcome| outcome.result.is_err());
        let mut after_denial = 0;
        let mut proofs = Vec::new();
        for turn in &turns {
            let (result, calls) = match self.one_denies && after_denial >= MAX_AFTER_DENIAL {
                true => (Err(Refusal::Reason(Reason::NotChecked)), 0),
                false => budget.counted(|budget| by_proof(turn, self.rules, budget)),
            };
            after_denial = usize::from(denied).saturating_add(after_denial);
            denied |= result.is_err() && !self.waivers.covers(turn.image, budget);
            proofs.push((turn, result, calls));
        }
        // What is refused is explained last: the time is first that of the images that may be proven.
        for (turn, result, calls) in proofs {
            let (result, explaining) = budget.counted(|budget| result.map_err(|refusal| refusal.explain(budget)));
            let result = self.waivers.settle(turn.image, result, budget);
            let calls = turn.calls.saturating_add(calls).saturating_add(explaining);
            note(&mut outcomes, &turn.texts, Outcome::of(&turn.rule, turn.mode, calls, result));
        }
        // So that the records add up.
        if let Some(outcome) = outcomes.values().next() {
            outcome.host_calls.set(outcome.host_calls.get().saturating_add(self.waivers.host_calls));
        }
        Ok(outcomes)
    }

    /// Notes what is approved, or keeps its live digest in a dry run; what is left has to be proven.
    fn without_what_is_here<'p, 'i>(
        &self,
        turns: Vec<Turn<'p, 'i>>,
        outcomes: &mut Outcomes<'i>,
        budget: &mut Budget<'_>,
    ) -> Vec<Turn<'p, 'i>> {
        if turns.is_empty() {
            return turns;
        }
        let mut approvals =
            Approvals::new(self.request, self.workload, self.old, self.pinning.before, self.features, self.kinds);
        let reuses = self.request.dry_run && self.features.reuses_in_dry_run();
        let resolves = self.features.keeps_what_resolves();
        let mut left = Vec::new();
        for mut turn in turns {
            turn.texts.retain(|text| {
                let (approval, calls) = budget.counted(|budget| approvals.find(text, turn.mode, budget));
                match approval {
                    Some(approval) => {
                        let approved = Ok(Grounds::Approved(approval));
                        note(outcomes, &[*text], Outcome::of(&turn.rule, turn.mode, calls, approved));
                        false
                    }
                    None => {
                        turn.calls = turn.calls.saturating_add(calls);
                        true
                    }
                }
            });
            if turn.texts.is_empty() {
                continue;
            }
            let mut leave = |text: &Text<'_>, budget: &mut Budget<'_>| approvals.leave(text, budget);
            let (is_left, calls) =
                budget.counted(|budget| turn.mode == Mode::Mutate && turn.texts.iter().all(|text| leave(text, budget)));
            if is_left {
                turn.mode = Mode::MutatePodsOnly;
            }
            turn.calls = turn.calls.saturating_add(calls);
            let may_keep = reuses || resolves && !turn.requirement.signs_tags();
            // Rules can be many here, too.
            turn.live = if may_keep && budget.tick().is_ok() { self.live(&turn) } else { None };
            match turn.live.filter(|_| reuses) {
                Some(live) => {
                    let carried = Ok(Grounds::Carried(live.in_dry_run()));
                    note(outcomes, &turn.texts, Outcome::of(&turn.rule, turn.mode, turn.calls, carried));
                }
                None => left.push(turn),
            }
        }
        left
    }

    /// The live digest that this image may keep: it would be written here, and is decided by the same rule.
    fn live<'i>(&self, turn: &Turn<'_, 'i>) -> Option<LiveDigest<'i>> {
        let slots = turn.texts.iter().flat_map(|text| text.slots).copied();
        let live =
            LiveDigest::of(turn.image, slots, self.pinning.before).filter(|_| self.pinning.applies(turn.mode))?;
        let same_rule = matches!(self.rules.choose(&live.reference()), Ok(Choice::Rule(rule)) if rule == turn.rule);
        same_rule.then_some(live)
    }
}

/// The decision of the rules about an image, without asking anybody.
enum ByName<'p> {
    Decided { rule: Option<Rule<'p>>, result: Result<Grounds, Reason> },
    Prove { rule: Rule<'p>, requirement: Requirement, mode: Mode },
}

fn by_name<'p>(image: &ImageRef, rules: &Rules<'p>) -> ByName<'p> {
    let rule = match one_rule(image, rules) {
        Ok(rule) => rule,
        Err((rule, reason)) => return ByName::Decided { rule, result: Err(reason) },
    };
    let result = match rule.decision() {
        Ok(Decision::Allow) => Ok(Grounds::Allowed),
        Ok(Decision::Deny) => Err(Reason::Rule),
        Ok(Decision::Prove { requirement, mode }) => return ByName::Prove { rule, requirement, mode },
        Err(problem) => Err(Reason::Settings(problem)),
    };
    ByName::Decided { rule: Some(rule), result }
}
