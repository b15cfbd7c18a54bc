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
//! 7. An image that would be denied is admitted all the same if an exception covers it, or if the user may break the glass.
//! 8. Every image has an outcome then. Only if each one is admitted is the request.

mod approve;
mod decide;
mod images;
mod outcome;
mod pinning;
mod prove;
mod turn;
mod waive;

use crate::{
    host::Host,
    image::ImageRef,
    kubernetes::{Before, Kinds, ObjectError, Operation, Request, Workload, brings_nothing_new, is_same_but_metadata},
    ordered::set,
    policy::Policy,
    verdict::{Reason, Review, Verdict},
    verify::Budget,
};

use decide::Images;
use images::{Item, items};
use pinning::{Pinning, conclude};
use waive::Waivers;

/// Decides `request` by the rules of `policy`, asking `host` for what has to be proven.
#[must_use]
pub fn review(request: &Request<'_>, policy: &Policy<'_>, host: &dyn Host) -> Review {
    let kinds = Kinds::with(policy.workloads());
    let (workload, old) = match relevant(request, kinds) {
        Ok(Relevance::Nothing) => return Review::pass(),
        Ok(Relevance::Images { workload, old }) => (workload, old),
        Err(reason) => return Review::refusal(reason),
    };
    let items = items(&workload);
    let rules = match policy.rules(&set(items.iter().filter_map(Item::reference).map(ImageRef::registry))) {
        Ok(rules) => rules,
        Err(problem) => return Review::refusal(Reason::Settings(problem)),
    };
    let features = &policy.features();
    let before = Before::of(&workload, old.as_ref());
    let pinning = Pinning {
        allowed: features.mutation(),
        is_pod: workload.is_pod(),
        pods_only: features.pods_only(),
        before: &before,
    };
    let enforced = pinning.is_pod || !pinning.pods_only;
    let mut budget = Budget::new(host, features.time_budget(), features.max_host_calls());
    let waivers = Waivers::of(request, &workload, policy, features, &mut budget);
    let images = Images {
        request,
        workload: &workload,
        old: old.as_ref(),
        features,
        kinds,
        rules: &rules,
        pinning: &pinning,
        waivers: &waivers,
        // Else every image has its part in the answer.
        one_denies: enforced && !features.detection_mode(),
    };
    let outcomes = match images.decide(&items, &mut budget) {
        Ok(outcomes) => outcomes,
        Err(reason) => return Review::refusal(reason),
    };
    let log = budget.take_log();
    let mut review = Review {
        log,
        images: items.len(),
        enforced,
        dry_run: request.dry_run,
        no_effect: waivers.no_effect.clone(),
        ..Review::pass()
    };
    let verdicts = items.iter().map(|item| conclude(item, &outcomes, &pinning, &mut review)).collect();
    review.verdict = Verdict::of(verdicts);
    review
}

/// The images that a request is about, if it is about any.
enum Relevance<'a> {
    /// No image that is not in the cluster already.
    Nothing,
    /// The images of this object; `old` is what it was before an update.
    Images { workload: Workload<'a>, old: Option<Workload<'a>> },
}

fn relevant<'a>(request: &Request<'a>, kinds: Kinds<'a>) -> Result<Relevance<'a>, Reason> {
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
    let read = |object| Workload::read(kinds, &request.group, &request.kind, object);
    let workload = match (read(request.object), request.object, request.old_object) {
        (Ok(workload), ..) => workload,
        // Objects of kinds that the settings name can be in the cluster without a pod spec, and have to be labelled and deleted all the same.
        (Err(ObjectError::PodSpec(_)), Some(new), Some(old))
            if request.operation == Operation::Update && is_same_but_metadata(new, old) =>
        {
            return Ok(Relevance::Nothing);
        }
        (Err(error), ..) => return Err(Reason::Object(error)),
    };
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
    let needs_images_only = leaving || subresource == Some("status");
    let passes = |old| (needs_images_only && keeps_images(old)) || brings_nothing_new(&workload, old);
    match old.as_ref().is_some_and(passes) {
        true => Ok(Relevance::Nothing),
        false => Ok(Relevance::Images { workload, old }),
    }
}
