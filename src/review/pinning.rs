//! Into which slots is a proven digest written?

use super::{images::Item, outcome::Outcomes};
use crate::{
    image::ImageRef,
    kubernetes::{Before, Digested, Pin, Slot},
    policy::Mode,
    verdict::{Denial, Fault, Grounds, MAX_IMAGES, NotPinned, Reason, Record, Review, Waiver, Warning},
};

/// What decides whether a digest is written into a slot.
pub(super) struct Pinning<'w> {
    pub(super) allowed: bool,
    pub(super) is_pod: bool,
    pub(super) pods_only: bool,
    /// Pinning what an update leaves alone would start rollouts that nobody asked for, or be refused for immutable fields.
    pub(super) before: &'w Before<'w>,
}

impl Pinning<'_> {
    pub(super) fn applies(&self, mode: Mode) -> bool {
        match mode {
            Mode::Mutate => self.allowed && (self.is_pod || !self.pods_only),
            Mode::MutatePodsOnly => self.allowed && self.is_pod,
            Mode::InsecureValidateOnly => false,
        }
    }

    /// Why a tag that was proven is left as it is, where users should know.
    fn warning(&self, mode: Mode) -> Option<NotPinned> {
        match mode {
            Mode::InsecureValidateOnly => Some(NotPinned::Mode),
            // What is no Pod stays unpinned then anyway.
            Mode::MutatePodsOnly if !self.is_pod => None,
            Mode::Mutate if !self.is_pod && self.pods_only => None,
            Mode::Mutate | Mode::MutatePodsOnly => (!self.allowed).then_some(NotPinned::Mutation),
        }
    }
}

/// Turns an item's outcome into its part of the review, and of the verdict.
pub(super) fn conclude(
    item: &Item<'_>,
    outcomes: &Outcomes<'_>,
    pinning: &Pinning<'_>,
    review: &mut Review,
) -> Result<Grounds, Denial> {
    let (reference, slots) = match item {
        Item::Image { reference, slots } => (reference, slots),
        Item::Broken(error) => {
            let reason = Reason::Slot(error.problem);
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
        (Ok(_), None) => Err(Reason::Fault(Fault::Undecided)),
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
        Grounds::Waived { by, reason } => {
            // An exception covers the Pods, too. Break-glass reaches them by child approval only, which is about proofs.
            let reaches_pods = image.digest().is_some() && !reason.is_by_name();
            let leaves_pods = !pinning.is_pod && matches!(by, Waiver::BreakGlass(_)) && !reaches_pods;
            let (image, by, reason) = (image.written().to_owned(), by.clone(), reason.clone());
            review.warnings.push(Warning::Waived { image, by, reason, leaves_pods });
            return Ok(0);
        }
        Grounds::Proven(verified) => (verified.digest(), verified.pin(image).map(Digested::Proven)),
        Grounds::Carried(carried) => (carried.digest(), carried.pin(image).map(Digested::Kept)),
    };
    let digested = digested.ok_or(Reason::Fault(Fault::OtherImage))?;
    if let Grounds::Proven(verified) = grounds {
        review.warnings.extend(verified.leaving().iter().map(|(root, end)| {
            let (image, root) = (image.written().to_owned(), root.clone());
            Warning::SignerLeaving { image, root, end: *end }
        }));
        review.warnings.extend(verified.logged().iter().map(|(root, error)| {
            let (image, root) = (image.written().to_owned(), root.clone());
            Warning::NotProven { image, root, error: error.clone() }
        }));
        review.warnings.extend(
            verified
                .expiry()
                .filter(|expiry| expiry.is_near)
                .map(|expiry| Warning::EvidenceExpiring { image: image.written().to_owned(), at: expiry.at }),
        );
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
