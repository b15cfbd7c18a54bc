//! May this request pass, and what is changed in it?
//!
//! The whole story in one function. Nothing here reads a clock, an environment or a network: what is not in the arguments is asked of `host`.
//!
//! 1. Requests that bring no image pass: deletions, connections, objects that are on their way out.
//! 2. Every slot is read, and every distinct image parsed once.
//! 3. Every image gets the most specific rule; static rules are done with that.
//! 4. What has to be proven is proven, one image after the other, while there is time.
//! 5. A proven image is looked up once more with its digest, because that is what will run.
//! 6. Every image has an outcome then. Only if each one is admitted is the request.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    admission::{List, Operation, Pin, Request, Slot, SlotError, Workload},
    host::Host,
    image::ImageRef,
    policy::{Choice, Decision, Mode, Policy, Problem, Rule, Rules},
    proof::{Budget, Failure, Requirement, Verified, prove},
    shown::Shown,
    verdict::{Denial, Denials, Grounds, Reason, Record, Review, Verdict},
};

/// Most distinct images of one request: each may cost several host calls.
pub(crate) const MAX_IMAGES: usize = 100;

/// Decides `request` by the rules of `policy`, asking `host` for what has to be proven.
#[must_use]
pub fn review(request: &Request<'_>, policy: &Policy<'_>, host: &dyn Host) -> Review {
    let (workload, old) = match relevant(request) {
        Ok(Relevance::Nothing) => return Review::pass(),
        Ok(Relevance::Images { workload, old }) => (workload, old),
        Err(reason) => return Review::refusal(reason),
    };
    let items = items(&workload);
    let rules = match policy.rules(&items.iter().filter_map(Item::reference).map(ImageRef::registry).collect()) {
        Ok(rules) => rules,
        Err(problem) => return Review::refusal(Reason::Settings(problem)),
    };
    let mut budget = Budget::new(host, policy.features().time_budget());
    let outcomes = match decide(&items, &rules, &mut budget) {
        Ok(outcomes) => outcomes,
        Err(reason) => return Review::refusal(reason),
    };
    let pinning = Pinning {
        allowed: policy.features().mutation(),
        is_pod: workload.is_pod(),
        unchanged: old.as_ref().map(|old| unchanged(&workload, old)).unwrap_or_default(),
    };
    let mut review = Review { log: budget.take_log(), ..Review::pass() };
    let verdicts = items.iter().map(|item| conclude(item, &outcomes, &pinning, &mut review)).collect();
    review.verdict = Verdict::of(verdicts);
    review
}

/// What a request is about.
enum Relevance<'a> {
    /// No image that is not in the cluster already.
    Nothing,
    /// The images of this object; `old` is what it was before an update.
    Images { workload: Workload<'a>, old: Option<Workload<'a>> },
}

fn relevant<'a>(request: &Request<'a>) -> Result<Relevance<'a>, Reason> {
    match request.operation {
        Operation::Delete | Operation::Connect => return Ok(Relevance::Nothing),
        Operation::Create | Operation::Update => {}
    }
    let subresource = request.subresource.as_deref();
    match subresource {
        Some("scale" | "eviction" | "binding") => return Ok(Relevance::Nothing),
        None | Some("status" | "ephemeralcontainers" | "resize") => {}
        Some(other) => return Err(Reason::Subresource(other.to_owned())),
    }
    let read = |object| Workload::read(&request.group, &request.kind, object);
    let workload = read(request.object).map_err(Reason::Object)?;
    // Without a readable old object nothing is known to be unchanged, which is the strict side.
    let old = match request.operation {
        Operation::Update => read(request.old_object).ok(),
        _ => None,
    };
    let leaving = old.as_ref().is_some_and(Workload::is_being_deleted);
    let brings_nothing_new = old.as_ref().is_some_and(|old| {
        let unchanged = unchanged(&workload, old);
        workload.slots().all(|slot| slot.as_ref().is_ok_and(|slot| unchanged.contains(slot)))
    });
    match brings_nothing_new && (leaving || subresource == Some("status")) {
        true => Ok(Relevance::Nothing),
        false => Ok(Relevance::Images { workload, old }),
    }
}

/// Slots by list and name.
#[derive(Default)]
struct Names<'w>(BTreeSet<(List, &'w str)>);

impl Names<'_> {
    fn contains(&self, slot: &Slot<'_>) -> bool {
        slot.place().name.as_deref().is_some_and(|name| self.0.contains(&(slot.place().list, name)))
    }
}

/// The slots that hold the same text before and after. One without a name of its own, in either, can't be told from others and is none of them.
fn unchanged<'w>(workload: &'w Workload<'_>, old: &Workload<'_>) -> Names<'w> {
    let before = old.named_images();
    let same = |((list, name), image): ((List, &'w str), &str)| {
        (before.get(&(list, name)) == Some(&image)).then_some((list, name))
    };
    Names(workload.named_images().into_iter().filter_map(same).collect())
}

/// What has to be decided: a text that one slot or more hold, or a slot that can't be read.
enum Item<'w> {
    Image { reference: Result<ImageRef, Reason>, slots: Vec<&'w Slot<'w>> },
    Broken(&'w SlotError<'w>),
}

impl Item<'_> {
    /// The image, if the text is one.
    fn reference(&self) -> Option<&ImageRef> {
        match self {
            Item::Image { reference, .. } => reference.as_ref().ok(),
            Item::Broken(_) => None,
        }
    }
}

/// One item for each distinct text, in the order of the slots.
fn items<'w>(workload: &'w Workload<'w>) -> Vec<Item<'w>> {
    let mut items = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for slot in workload.slots() {
        let slot = match slot {
            Ok(slot) => slot,
            Err(error) => {
                items.push(Item::Broken(error));
                continue;
            }
        };
        match known.get(slot.image()).and_then(|at| items.get_mut(*at)) {
            Some(Item::Image { slots, .. }) => slots.push(slot),
            _ => {
                known.insert(slot.image(), items.len());
                items.push(Item::Image {
                    reference: ImageRef::parse(slot.image()).map_err(Reason::Reference),
                    slots: vec![slot],
                });
            }
        }
    }
    items
}

/// What became of one image.
struct Outcome {
    /// The deciding rule's pattern and validator.
    rule: Option<(String, String)>,
    mode: Mode,
    result: Result<Grounds, Reason>,
    /// How many host calls it took; taken by the first record that tells, so that the records add up.
    host_calls: Cell<usize>,
}

impl Outcome {
    fn by(rule: Option<&Rule<'_>>, result: Result<Grounds, Reason>) -> Outcome {
        let rule = rule.map(|rule| (rule.pattern().to_owned(), rule.validator().to_owned()));
        Outcome { rule, mode: Mode::default(), result, host_calls: Cell::new(0) }
    }
}

/// An image that has to be proven.
struct Turn<'p, 'i> {
    image: &'i ImageRef,
    rule: Rule<'p>,
    requirement: Requirement,
    mode: Mode,
}

/// Decides every distinct image, by its canonical name. Whatever needs no host call comes first, so that it is decided when the time runs out.
fn decide(items: &[Item<'_>], rules: &Rules<'_>, budget: &mut Budget<'_>) -> Result<BTreeMap<String, Outcome>, Reason> {
    let references = items.iter().filter_map(Item::reference);
    let mut known = BTreeSet::new();
    let distinct: Vec<&ImageRef> = references.filter(|image| known.insert(image.to_string())).collect();
    if distinct.len() > MAX_IMAGES {
        return Err(Reason::TooManyImages(distinct.len()));
    }
    let mut outcomes = BTreeMap::new();
    let mut turns = Vec::new();
    for image in distinct {
        // Rules can be many, and this comes before any question.
        if budget.is_spent() {
            outcomes.insert(image.to_string(), Outcome::by(None, Err(Reason::OutOfTime(budget.limit()))));
            continue;
        }
        match by_name(image, rules) {
            ByName::Decided(outcome) => drop(outcomes.insert(image.to_string(), outcome)),
            ByName::Prove { rule, requirement, mode } => turns.push(Turn { image, rule, requirement, mode }),
        }
    }
    // Cheapest first, so that the more is decided when the time runs out: a digest need not be looked up, and few trust roots are soon checked.
    turns.sort_by_key(|turn| (turn.image.digest().is_none(), turn.requirement.roots.len()));
    let prove = |turn| {
        let before = budget.calls();
        (turn, by_proof(turn, rules, budget), budget.calls() - before)
    };
    let proofs: Vec<_> = turns.iter().map(prove).collect();
    // What is refused is explained last: the time is first that of the images that may be proven.
    for (turn, result, calls) in proofs {
        let before = budget.calls();
        let result = result.map(Grounds::Proven).map_err(|refusal| refusal.explain(budget));
        let outcome = Outcome {
            mode: turn.mode,
            host_calls: Cell::new(calls + budget.calls() - before),
            ..Outcome::by(Some(&turn.rule), result)
        };
        outcomes.insert(turn.image.to_string(), outcome);
    }
    Ok(outcomes)
}

/// What the rules say of an image without asking anybody.
enum ByName<'p> {
    Decided(Outcome),
    Prove { rule: Rule<'p>, requirement: Requirement, mode: Mode },
}

fn by_name<'p>(image: &ImageRef, rules: &Rules<'p>) -> ByName<'p> {
    let decided = |rule: Option<&Rule<'_>>, result| ByName::Decided(Outcome::by(rule, result));
    let rule = match rules.choose(image) {
        Ok(Choice::Rule(rule)) => rule,
        Ok(Choice::None(by_tag)) => {
            return decided(None, Err(Reason::NoRule(by_tag.map(|rule| rule.pattern().to_owned()))));
        }
        Ok(Choice::Tie(rule, other)) => return decided(Some(&rule), Err(Reason::Tie(other.pattern().to_owned()))),
        Err(problem) => return decided(None, Err(Reason::Settings(problem))),
    };
    match rule.decision() {
        Ok(Decision::Allow) => decided(Some(&rule), Ok(Grounds::Allowed)),
        Ok(Decision::Deny) => decided(Some(&rule), Err(Reason::Rule)),
        Ok(Decision::Prove { requirement, mode }) => ByName::Prove { rule, requirement, mode },
        Err(problem) => decided(Some(&rule), Err(Reason::Settings(problem))),
    }
}

/// Why an image is refused, or what it takes to tell.
enum Refusal<'r> {
    Reason(Reason),
    Failure(Failure<'r>),
}

impl Refusal<'_> {
    fn explain(self, budget: &mut Budget<'_>) -> Reason {
        match self {
            Refusal::Reason(reason) => reason,
            Refusal::Failure(failure) => Reason::Unproven(failure.explain(budget)),
        }
    }
}

fn by_proof<'t>(turn: &'t Turn<'_, '_>, rules: &Rules<'_>, budget: &mut Budget<'_>) -> Result<Verified, Refusal<'t>> {
    let verified = prove_in_time(turn.image, &turn.requirement, budget)?;
    // A reference that has its digest was looked up with it already.
    if turn.image.digest().is_none() {
        still_admitted(turn, &turn.image.pinned(verified.digest()), rules, budget).map_err(Refusal::Reason)?;
    }
    Ok(verified)
}

fn prove_in_time<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    budget: &mut Budget<'_>,
) -> Result<Verified, Refusal<'r>> {
    if budget.is_spent() {
        return Err(Refusal::Reason(Reason::OutOfTime(budget.limit())));
    }
    prove(image, requirement, budget).map_err(Refusal::Failure)
}

/// Pinning must not change the verdict: the pinned reference comes back with the next update, and in the Pods of this object.
fn still_admitted(
    turn: &Turn<'_, '_>,
    pinned: &ImageRef,
    rules: &Rules<'_>,
    budget: &mut Budget<'_>,
) -> Result<(), Reason> {
    let settings = |problem: Problem| Reason::Settings(problem);
    let refused = |rule: &Rule<'_>, reason| {
        let (proven, other) = (turn.rule.pattern().to_owned(), rule.pattern().to_owned());
        Err(Reason::AfterPinning { proven, other, reason: Box::new(reason) })
    };
    match rules.choose(pinned).map_err(settings)? {
        Choice::None(_) => Err(Reason::Fault("the rule that matched does not match the same image with its digest")),
        Choice::Tie(rule, other) => refused(&rule, Reason::Tie(other.pattern().to_owned())),
        Choice::Rule(rule) if rule == turn.rule => Ok(()),
        Choice::Rule(rule) => match rule.decision().map_err(settings)? {
            Decision::Allow => Ok(()),
            Decision::Deny => refused(&rule, Reason::Rule),
            Decision::Prove { requirement, .. } if requirement == turn.requirement => Ok(()),
            // The reference carries the digest now, so what is proven here is proven of the same bytes.
            Decision::Prove { requirement, .. } => match prove_in_time(pinned, &requirement, budget) {
                Ok(_) => Ok(()),
                Err(refusal) => refused(&rule, refusal.explain(budget)),
            },
        },
    }
}

/// What decides whether a proven digest is written into a slot.
struct Pinning<'w> {
    allowed: bool,
    is_pod: bool,
    /// Pinning what an update leaves alone would start rollouts that nobody asked for, or be refused for immutable fields.
    unchanged: Names<'w>,
}

impl Pinning<'_> {
    fn applies(&self, mode: Mode) -> bool {
        match mode {
            Mode::Mutate => self.allowed,
            Mode::MutatePodsOnly => self.allowed && self.is_pod,
            Mode::InsecureValidateOnly => false,
        }
    }

    /// Why a tag that was proven is left as it is, where users should know.
    fn warning(&self, mode: Mode) -> Option<&'static str> {
        match mode {
            Mode::InsecureValidateOnly => Some("its rule has mode insecureValidateOnly"),
            // What is no Pod stays unpinned under this mode anyway.
            Mode::MutatePodsOnly if !self.is_pod => None,
            Mode::Mutate | Mode::MutatePodsOnly => (!self.allowed).then_some("features.mutation is false"),
        }
    }
}

/// Turns an item's outcome into its part of the review, and of the verdict.
fn conclude(
    item: &Item<'_>,
    outcomes: &BTreeMap<String, Outcome>,
    pinning: &Pinning<'_>,
    review: &mut Review,
) -> Result<Grounds, Denial> {
    let (reference, slots) = match item {
        Item::Image { reference, slots } => (reference, slots),
        Item::Broken(error) => {
            let reason = Reason::Slot(error.what);
            review.records.push(Record { slots: vec![error.path()], ..Record::of(Err(reason.clone())) });
            return Err(Denial { places: vec![error.to_string()], ..Denial::of_object(reason) });
        }
    };
    let outcome = reference.as_ref().ok().and_then(|image| outcomes.get(&image.to_string()));
    let result = match (reference, outcome) {
        (Err(reason), _) => Err(reason.clone()),
        (Ok(_), None) => Err(Reason::Fault("an image was not decided")),
        (Ok(image), Some(outcome)) => match &outcome.result {
            Ok(Grounds::Proven(verified)) => pin(image, slots, verified, outcome.mode, pinning, review),
            Ok(Grounds::Allowed) => Ok(0),
            Err(reason) => Err(reason.clone()),
        }
        .and_then(|pinned| outcome.result.clone().map(|grounds| (grounds, pinned))),
    };
    let image = slots.first().map(|slot| slot.image().to_owned());
    let rule = outcome.and_then(|outcome| outcome.rule.clone());
    review.records.push(Record {
        image: image.clone(),
        slots: slots.iter().map(|slot| slot.place().path()).collect(),
        rule: rule.clone(),
        host_calls: outcome.map_or(0, |outcome| outcome.host_calls.take()),
        pinned: result.as_ref().map_or(0, |(_, pinned)| *pinned),
        ..Record::of(result.clone().map(|(grounds, _)| grounds))
    });
    result.map(|(grounds, _)| grounds).map_err(|reason| {
        let places = slots.iter().map(|slot| slot.place().to_string()).collect();
        Denial { places, image, rule: rule.map(|(pattern, _)| pattern), reason }
    })
}

/// Pins every slot that may change to what was proven, and says in how many that is.
fn pin(
    image: &ImageRef,
    slots: &[&Slot<'_>],
    verified: &Verified,
    mode: Mode,
    pinning: &Pinning<'_>,
    review: &mut Review,
) -> Result<usize, Reason> {
    let pinned = verified.pin(image).ok_or(Reason::Fault("the proof is of another image"))?;
    if !pinning.applies(mode) {
        if let Some(why) = pinning.warning(mode).filter(|_| image.digest().is_none()) {
            let (image, digest) = (Shown(image.written()), verified.digest());
            let what = format!(
                "not pinned: {image}: {why}; its tag may point elsewhere when it is pulled; proven was {digest}"
            );
            review.warnings.push(what);
        }
        return Ok(0);
    }
    let changed = slots.iter().filter(|slot| !pinning.unchanged.contains(slot));
    let pins: Vec<Pin> = changed.filter_map(|slot| Pin::new(slot, &pinned)).collect();
    let written = pins.len();
    review.pins.extend(pins);
    Ok(written)
}

impl Review {
    fn pass() -> Review {
        Review { verdict: Verdict::Admit, pins: Vec::new(), warnings: Vec::new(), records: Vec::new(), log: Vec::new() }
    }

    /// A denial of the whole object.
    pub(crate) fn refusal(reason: Reason) -> Review {
        let verdict = Verdict::Deny(Denials::one(Denial::of_object(reason.clone())));
        Review { verdict, records: vec![Record::of(Err(reason))], ..Review::pass() }
    }
}
