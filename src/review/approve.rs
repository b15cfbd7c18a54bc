//! Which images need no proof, because they are in the cluster already?
//!
//! Fetches the facts that the predicates of [`crate::admission`] are about, as far as the settings want them. What can't be had is no approval, an owner
//! that nobody may read among it: the image is proven as usual.

use std::collections::{BTreeMap, VecDeque};

use super::Text;
use crate::{
    admission::{Approval, Before, List, Owner, OwnerReference, Request, Workload},
    policy::{ChildApproval, Features, Mode},
    proof::Budget,
};

/// What images of one object can be approved by.
pub(super) struct Approvals<'r> {
    unchanged: Option<&'r Before<'r>>,
    child: Option<Child<'r>>,
}

/// The owners of an object, each asked for once, and not before it is needed.
struct Child<'r> {
    terms: ChildApproval,
    namespace: &'r str,
    /// The slots that can be told apart.
    named: BTreeMap<(List, &'r str), &'r str>,
    unasked: VecDeque<OwnerReference<'r>>,
    owners: Vec<Owner>,
}

impl<'r> Approvals<'r> {
    pub(super) fn new(
        request: &'r Request<'_>,
        workload: &'r Workload<'_>,
        before: &'r Before<'_>,
        features: &Features,
    ) -> Approvals<'r> {
        let child = |terms| {
            let unasked = VecDeque::from(workload.owners());
            let named = workload.named_images();
            Some(Child { terms, namespace: request.namespace()?, named, unasked, owners: Vec::new() })
        };
        Approvals {
            unchanged: features.unchanged_approval().then_some(before),
            child: features.child_approval().and_then(child),
        }
    }

    /// Why this text, which a rule of this mode decides about, needs no proof; `None` where it does.
    pub(super) fn find(&mut self, text: &Text<'_>, mode: Mode, budget: &mut Budget<'_>) -> Option<Approval> {
        let is_unchanged = |before: &&Before<'_>| text.slots.iter().all(|slot| before.is_unchanged(slot));
        match self.unchanged.filter(is_unchanged) {
            Some(_) => Some(Approval::Unchanged),
            None => self.child.as_mut()?.find(text, mode, budget),
        }
    }
}

impl Child<'_> {
    fn find(&mut self, text: &Text<'_>, mode: Mode, budget: &mut Budget<'_>) -> Option<Approval> {
        // Under this mode an owner has a bare tag because only Pods are pinned. This may be the Pod, and the tag may have moved.
        let needs_digest = self.terms.require_digest() || mode == Mode::MutatePodsOnly;
        let has_name = |name: &str, list| self.named.contains_key(&(list, name));
        let named = text.slots.iter().map(|slot| slot.place());
        if (needs_digest && text.image.digest().is_none())
            || !named.into_iter().all(|place| place.name.as_deref().is_some_and(|name| has_name(name, place.list)))
        {
            return None;
        }
        for next in 0.. {
            if next == self.owners.len() {
                let owner = self.ask(budget)?;
                self.owners.push(owner);
            }
            let owner = self.owners.get(next)?;
            let is_young = self.terms.ttl().is_none_or(|ttl| owner.is_younger_than(ttl, budget.now()));
            if is_young && owner.lists(text.image.written()) {
                return Some(Approval::Owner(owner.kind, owner.name.clone()));
            }
        }
        None
    }

    /// The next owner that the cluster knows.
    fn ask(&mut self, budget: &mut Budget<'_>) -> Option<Owner> {
        while let Some(reference) = self.unasked.pop_front() {
            let Ok(answer) = budget.object(&reference.in_namespace(self.namespace)) else {
                // There is no time for the others either.
                self.unasked.clear();
                return None;
            };
            if let Some(owner) = answer.ok().and_then(|answer| reference.met_by(&answer)) {
                return Some(owner);
            }
        }
        None
    }
}
