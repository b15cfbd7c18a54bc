//! May this request pass, and what is changed in it?
//!
//! The whole story in one function. Nothing here reads a clock, an environment or a network: what is not in the arguments is asked of `host`.
//!
//! 1. Requests that bring no image pass: deletions, connections, objects that are on their way out, and updates that start nothing new.
//! 2. Every slot is read, and every distinct image parsed once.
//! 3. Every image gets the most specific rule; static rules are done with that.
//! 4. Of the others, some are approved, or keep the digest that is live: they are in the cluster already, and the settings say that this is enough.
//! 5. What has to be proven is proven, one image after the other, while there is time. Once the request is denied, only a few more images are looked at.
//! 6. A proven image is looked up once more with its digest, because that is what will run.
//! 7. Every image has an outcome then. Only if each one is admitted is the request.

mod approve;

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use crate::{
    admission::{Before, Digested, LiveDigest, Operation, Pin, Request, Slot, SlotError, Workload, brings_nothing_new},
    host::Host,
    image::ImageRef,
    policy::{Choice, Decision, Features, Mode, Policy, Rule, Rules},
    proof::{Budget, Failure, Requirement, prove},
    verdict::{Denial, Denials, Grounds, Reason, Record, Review, Verdict, Warning},
};

use approve::Approvals;

/// Most distinct images of one request: each may cost several host calls, and has its part in the answer.
pub(crate) const MAX_IMAGES: usize = 100;
/// Most images that are still looked at once the request is denied, so that a denial names more than one. Whoever writes a request chooses how many images
/// it has, and the policy server's workers are shared.
const MAX_AFTER_DENIAL: usize = 3;

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
    let features = policy.features();
    let before = Before::of(&workload, old.as_ref());
    let pinning = Pinning {
        allowed: features.mutation(),
        is_pod: workload.is_pod(),
        pods_only: features.pods_only(),
        before: &before,
    };
    let enforced = pinning.is_pod || !pinning.pods_only;
    let mut budget = Budget::new(host, features.time_budget(), features.max_host_calls());
    let case = Case {
        request,
        workload: &workload,
        old: old.as_ref(),
        features: &features,
        rules: &rules,
        pinning: &pinning,
        // Else every image has its part in the answer.
        one_denies: enforced && !features.detection_mode(),
    };
    let outcomes = match case.decide(&items, &mut budget) {
        Ok(outcomes) => outcomes,
        Err(reason) => return Review::refusal(reason),
    };
    let mut review = Review { log: budget.take_log(), enforced, ..Review::pass() };
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
    let keeps_images = |old| {
        let before = Before::of(&workload, Some(old));
        workload.slots().all(|slot| slot.as_ref().is_ok_and(|slot| before.is_unchanged(slot)))
    };
    let passes = |old| match leaving || subresource == Some("status") {
        true => keeps_images(old),
        false => brings_nothing_new(&workload, old),
    };
    match old.as_ref().is_some_and(passes) {
        true => Ok(Relevance::Nothing),
        false => Ok(Relevance::Images { workload, old }),
    }
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

    /// Is it a text that names no image?
    fn is_unreadable(&self) -> bool {
        matches!(self, Item::Image { reference: Err(_), .. })
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

/// The outcome of every text that is an image. Texts that name the same image can share one.
type Outcomes<'i> = BTreeMap<&'i str, Rc<Outcome>>;

/// A text that names an image, and the slots that hold it.
#[derive(Clone, Copy)]
struct Text<'i> {
    image: &'i ImageRef,
    slots: &'i [&'i Slot<'i>],
}

/// An image that has to be proven.
struct Turn<'p, 'i> {
    image: &'i ImageRef,
    texts: Vec<Text<'i>>,
    rule: Rule<'p>,
    requirement: Requirement,
    mode: Mode,
    /// How many host calls were made for it already.
    calls: usize,
    /// The digest that it keeps if its tag still points to it.
    live: Option<LiveDigest<'i>>,
}

/// Everything that images are decided by.
struct Case<'c> {
    request: &'c Request<'c>,
    workload: &'c Workload<'c>,
    old: Option<&'c Workload<'c>>,
    features: &'c Features,
    rules: &'c Rules<'c>,
    pinning: &'c Pinning<'c>,
    /// Whether one image that is not admitted is enough to deny the request.
    one_denies: bool,
}

impl<'c> Case<'c> {
    /// Decides every distinct image, by its canonical name. Whatever needs no host call comes first, so that it is decided when the time runs out.
    fn decide<'i>(&self, items: &'i [Item<'_>], budget: &mut Budget<'_>) -> Result<Outcomes<'i>, Reason> {
        let groups = distinct(items);
        // What can't be read is told of each, so it counts too.
        let images = groups.len() + items.iter().filter(|item| item.is_unreadable()).count();
        if images > MAX_IMAGES {
            return Err(Reason::TooManyImages(images));
        }
        let mut outcomes = Outcomes::new();
        let mut turns = Vec::new();
        for (image, texts) in groups {
            // Rules can be many, and this comes before any question.
            if let Err(spent) = budget.tick() {
                note(&mut outcomes, &texts, Outcome::by(None, Err(Reason::Spent(spent))));
                continue;
            }
            match by_name(image, self.rules) {
                ByName::Decided(outcome) => note(&mut outcomes, &texts, outcome),
                ByName::Prove { rule, requirement, mode } => {
                    turns.push(Turn { image, texts, rule, requirement, mode, calls: 0, live: None });
                }
            }
        }
        let mut turns = self.without_what_is_here(turns, &mut outcomes, budget);
        // Cheapest first, so that the more is decided when the time runs out: a digest need not be looked up, and few trust roots are soon checked. Then by
        // name, so that the order of the slots decides nothing where not all are looked at.
        turns.sort_by_cached_key(|turn| {
            (turn.image.digest().is_none(), turn.requirement.roots.len(), turn.image.to_string())
        });
        let is_refused = |item: &Item<'_>| item.reference().is_none();
        let mut denied = items.iter().any(is_refused) || outcomes.values().any(|outcome| outcome.result.is_err());
        let mut after_denial = 0;
        let mut proofs = Vec::new();
        for turn in &turns {
            let before = budget.calls();
            after_denial += usize::from(denied);
            let result = match self.one_denies && after_denial > MAX_AFTER_DENIAL {
                true => Err(Refusal::Reason(Reason::NotChecked)),
                false => by_proof(turn, self.rules, budget),
            };
            denied |= result.is_err();
            proofs.push((turn, result, budget.calls() - before));
        }
        // What is refused is explained last: the time is first that of the images that may be proven.
        for (turn, result, calls) in proofs {
            let before = budget.calls();
            let result = result.map_err(|refusal| refusal.explain(budget));
            let outcome = Outcome {
                mode: turn.mode,
                host_calls: Cell::new(turn.calls + calls + budget.calls() - before),
                ..Outcome::by(Some(&turn.rule), result)
            };
            note(&mut outcomes, &turn.texts, outcome);
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
        let mut approvals = Approvals::new(self.request, self.workload, self.old, self.pinning.before, self.features);
        let reuses = self.request.dry_run && self.features.reuses_in_dry_run();
        let resolves = self.features.keeps_what_resolves();
        let mut left = Vec::new();
        for mut turn in turns {
            turn.texts.retain(|text| {
                let before = budget.calls();
                let approval = approvals.find(text, turn.mode, budget);
                let calls = budget.calls() - before;
                match approval {
                    Some(approval) => {
                        let outcome = Outcome::by(Some(&turn.rule), Ok(Grounds::Approved(approval)));
                        note(outcomes, &[*text], Outcome { host_calls: Cell::new(calls), ..outcome });
                        false
                    }
                    None => {
                        turn.calls += calls;
                        true
                    }
                }
            });
            if turn.texts.is_empty() {
                continue;
            }
            let before = budget.calls();
            if turn.mode == Mode::Mutate && turn.texts.iter().all(|text| approvals.leave(text, budget)) {
                turn.mode = Mode::MutatePodsOnly;
            }
            turn.calls += budget.calls() - before;
            // Rules can be many here, too.
            turn.live = if (reuses || resolves) && budget.tick().is_ok() { self.live(&turn) } else { None };
            match turn.live.filter(|_| reuses) {
                Some(live) => {
                    let outcome = Outcome::by(Some(&turn.rule), Ok(Grounds::Carried(live.in_dry_run())));
                    let host_calls = Cell::new(turn.calls);
                    note(outcomes, &turn.texts, Outcome { mode: turn.mode, host_calls, ..outcome });
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

/// Every distinct image by its canonical name, with the texts that name it, in the order of the slots.
fn distinct<'i>(items: &'i [Item<'_>]) -> Vec<(&'i ImageRef, Vec<Text<'i>>)> {
    let mut groups: Vec<(&ImageRef, Vec<Text<'_>>)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        let Item::Image { reference: Ok(image), slots } = item else { continue };
        let text = Text { image, slots };
        let at = *known.entry(image.to_string()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, texts)) => texts.push(text),
            None => groups.push((image, vec![text])),
        }
    }
    groups
}

fn note<'i>(outcomes: &mut Outcomes<'i>, texts: &[Text<'i>], outcome: Outcome) {
    let outcome = Rc::new(outcome);
    outcomes.extend(texts.iter().map(|text| (text.image.written(), Rc::clone(&outcome))));
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
            let by_tag = by_tag.map(|rule| rule.pattern().to_owned());
            let for_tags = rules.for_its_tags(image).filter(|_| by_tag.is_none());
            let no_rule = |tag: &str| Reason::NoRuleForDigest(tag.to_owned());
            return decided(None, Err(for_tags.map_or(Reason::NoRule(by_tag), no_rule)));
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

fn by_proof<'t>(turn: &'t Turn<'_, '_>, rules: &Rules<'_>, budget: &mut Budget<'_>) -> Result<Grounds, Refusal<'t>> {
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
    let verified = prove(turn.image, &turn.requirement, resolved, budget).map_err(Refusal::Failure)?;
    let proven = || turn.rule.pattern().to_owned();
    let refused = match (turn.image.digest(), verified.index()) {
        // Pinning must not change the verdict: the pinned reference comes back with the next update, and in the Pods of this object.
        (None, _) => match also_refused(turn, &turn.image.pinned(verified.digest()), rules, budget) {
            Some((Some(other), reason)) => {
                Some(Reason::AfterPinning { proven: proven(), other, reason: Box::new(reason) })
            }
            Some((None, reason @ Reason::Settings(_))) => Some(reason),
            Some((None, _)) => {
                Some(Reason::Fault("the rule that matched does not match the same image with its digest"))
            }
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

/// Why another reference, which a proof of this image brings with it, is not admitted, and the pattern of the rule that refuses it.
fn also_refused(
    turn: &Turn<'_, '_>,
    other: &ImageRef,
    rules: &Rules<'_>,
    budget: &mut Budget<'_>,
) -> Option<(Option<String>, Reason)> {
    let refused = |rule: &Rule<'_>, reason| Some((Some(rule.pattern().to_owned()), reason));
    let rule = match rules.choose(other) {
        Ok(Choice::Rule(rule)) if rule == turn.rule => return None,
        Ok(Choice::Rule(rule)) => rule,
        Ok(Choice::Tie(rule, other)) => return refused(&rule, Reason::Tie(other.pattern().to_owned())),
        Ok(Choice::None(by_tag)) => return Some((None, Reason::NoRule(by_tag.map(|rule| rule.pattern().to_owned())))),
        Err(problem) => return Some((None, Reason::Settings(problem))),
    };
    match rule.decision() {
        Ok(Decision::Allow) => None,
        Ok(Decision::Deny) => refused(&rule, Reason::Rule),
        Ok(Decision::Prove { requirement, .. }) if requirement == turn.requirement => None,
        Ok(Decision::Prove { requirement, .. }) => match budget.may_ask() {
            Err(spent) => refused(&rule, Reason::Spent(spent)),
            // By its digest alone: what is proven here is proven of the same bytes, and no index in between can bring a third rule.
            Ok(()) => match prove(&other.without_tag(), &requirement, None, budget) {
                Ok(_) => None,
                Err(failure) => refused(&rule, Reason::Unproven(failure.explain(budget))),
            },
        },
        Err(problem) => Some((None, Reason::Settings(problem))),
    }
}

/// What decides whether a digest is written into a slot.
struct Pinning<'w> {
    allowed: bool,
    is_pod: bool,
    pods_only: bool,
    /// Pinning what an update leaves alone would start rollouts that nobody asked for, or be refused for immutable fields.
    before: &'w Before<'w>,
}

impl Pinning<'_> {
    fn applies(&self, mode: Mode) -> bool {
        match mode {
            Mode::Mutate => self.allowed && (self.is_pod || !self.pods_only),
            Mode::MutatePodsOnly => self.allowed && self.is_pod,
            Mode::InsecureValidateOnly => false,
        }
    }

    /// Why a tag that was proven is left as it is, where users should know.
    fn warning(&self, mode: Mode) -> Option<&'static str> {
        match mode {
            Mode::InsecureValidateOnly => Some("its rule has mode insecureValidateOnly"),
            // What is no Pod stays unpinned then anyway.
            Mode::MutatePodsOnly if !self.is_pod => None,
            Mode::Mutate if !self.is_pod && self.pods_only => None,
            Mode::Mutate | Mode::MutatePodsOnly => (!self.allowed).then_some("features.mutation is false"),
        }
    }
}

/// Turns an item's outcome into its part of the review, and of the verdict.
fn conclude(
    item: &Item<'_>,
    outcomes: &Outcomes<'_>,
    pinning: &Pinning<'_>,
    review: &mut Review,
) -> Result<Grounds, Denial> {
    let (reference, slots) = match item {
        Item::Image { reference, slots } => (reference, slots),
        Item::Broken(error) => {
            let reason = Reason::Slot(error.what);
            // Of a thousand slots that can't be read, records say no more than of a hundred. The message counts the rest.
            let broken = review.records.iter().filter(|record| record.image.is_none()).count();
            if broken < MAX_IMAGES {
                review.records.push(Record { slots: vec![error.path()], ..Record::of(Err(reason.clone())) });
            }
            return Err(Denial { places: vec![error.to_string()], ..Denial::of_object(reason) });
        }
    };
    let outcome = reference.as_ref().ok().and_then(|image| outcomes.get(image.written()));
    let result = match (reference, outcome) {
        (Err(reason), _) => Err(reason.clone()),
        (Ok(_), None) => Err(Reason::Fault("an image was not decided")),
        (Ok(image), Some(outcome)) => match &outcome.result {
            Ok(grounds) => pin(image, slots, grounds, outcome.mode, pinning, review),
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

/// Writes the digest that an image was admitted with into every slot that may change, and says into how many.
fn pin(
    image: &ImageRef,
    slots: &[&Slot<'_>],
    grounds: &Grounds,
    mode: Mode,
    pinning: &Pinning<'_>,
    review: &mut Review,
) -> Result<usize, Reason> {
    let (digest, digested) = match grounds {
        Grounds::Allowed | Grounds::Approved(_) => return Ok(0),
        Grounds::Proven(verified) => (verified.digest(), verified.pin(image).map(Digested::Proven)),
        Grounds::Carried(carried) => (carried.digest(), carried.pin(image).map(Digested::Kept)),
    };
    let digested = digested.ok_or(Reason::Fault("the digest is of another image"))?;
    if let Grounds::Proven(verified) = grounds {
        review.warnings.extend(verified.leaving().iter().map(|(root, end)| {
            let (image, root) = (image.written().to_owned(), root.clone());
            Warning::SignerLeaving { image, root, end: *end }
        }));
    }
    if !pinning.applies(mode) {
        if let Some(why) = pinning.warning(mode).filter(|_| image.digest().is_none()) {
            review.warnings.push(Warning::NotPinned { image: image.written().to_owned(), why, digest });
        }
        return Ok(0);
    }
    let changed = slots.iter().filter(|slot| !pinning.before.is_unchanged(slot));
    let pins: Vec<Pin> = changed.filter_map(|slot| Pin::new(slot, &digested)).collect();
    let written = pins.len();
    review.pins.extend(pins);
    Ok(written)
}

impl Review {
    fn pass() -> Review {
        Review {
            verdict: Verdict::Admit,
            pins: Vec::new(),
            enforced: true,
            warnings: Vec::new(),
            records: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A denial of the whole object.
    pub(crate) fn refusal(reason: Reason) -> Review {
        let verdict = Verdict::Deny(Denials::one(Denial::of_object(reason.clone())));
        Review { verdict, records: vec![Record::of(Err(reason))], ..Review::pass() }
    }
}
