//! Which images need no proof, because they are in the cluster already?
//!
//! Fetches the facts that the predicates of [`crate::kubernetes`] are about, as far as the settings want them. What can't be had is no approval, an owner
//! that nobody may read among it: the image is proven as usual.

use std::collections::{BTreeMap, VecDeque};

use super::images::Text;
use crate::{
    host::{Cause, ObjectName},
    kubernetes::{Approval, Before, Kinds, MAX_OWNERS, Owner, OwnerReference, Request, SlotKey, Workload},
    policy::{ChildApproval, Features, Mode},
    verify::Budget,
};

/// The approvals that can spare the images of one object their proof.
pub(super) struct Approvals<'r> {
    unchanged: Option<&'r Before<'r>>,
    child: Option<Child<'r>>,
    /// The object, if it is a ReplicaSet of a Deployment.
    between: Option<&'r Workload<'r>>,
}

/// The owners of an object, each asked for once, and not before it is needed.
struct Child<'r> {
    terms: ChildApproval,
    /// The namespace of the owners. Without a namespace, no owner is looked up.
    namespace: Option<&'r str>,
    before: &'r Before<'r>,
    /// The slots that can be told apart.
    named: BTreeMap<SlotKey<'r>, &'r str>,
    unasked: VecDeque<Reference<'r>>,
    owners: Vec<(Owner<'r>, Since)>,
    /// The name of an owner at which nobody may look.
    refused: Option<String>,
    /// Whether nobody may look at this object either, once that was asked.
    blind: Option<bool>,
}

type Reference<'r> = (OwnerReference<'r>, Since);

/// Since when an object names an owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    /// The object names the owner since this request.
    Now,
    /// The object named the owner before this update.
    Before,
}

impl<'r> Approvals<'r> {
    pub(super) fn new(
        request: &'r Request<'_>,
        workload: &'r Workload<'_>,
        old: Option<&'r Workload<'_>>,
        before: &'r Before<'_>,
        features: &Features,
        kinds: Kinds<'r>,
    ) -> Approvals<'r> {
        let owners = workload.owners(kinds);
        let between = owners.iter().any(|owner| workload.is_compared_by(owner.kind())).then_some(workload);
        let child = |terms| {
            let (namespace, named) = (request.namespace(), workload.named_images());
            // Whoever is released by its owner, or orphaned, has lost none of its images.
            let former = old.map(|old| old.owners(kinds)).unwrap_or_default();
            let former = former.into_iter().filter(|owner| !owners.contains(owner)).map(|owner| (owner, Since::Before));
            let references = owners.iter().cloned().map(|owner| (owner, Since::Now)).chain(former);
            let unasked = references.take(MAX_OWNERS).collect();
            Child { terms, namespace, named, before, unasked, owners: Vec::new(), refused: None, blind: None }
        };
        // Of what is no Pod nothing needs to have been proven, where only Pods are denied.
        let is_decided = workload.is_pod() || !features.pods_only();
        Approvals {
            unchanged: (features.unchanged_approval() && is_decided).then_some(before),
            child: features.child_approval().map(child),
            between,
        }
    }

    /// Is this text, which is not approved, to be pinned in Pods only? A ReplicaSet that is not what its Deployment says is none of the Deployment's,
    /// whose controller would make another one, and another one. So it is left where the Deployment has this text, or where that does not matter.
    pub(super) fn leave(&mut self, text: &Text<'_>, budget: &mut Budget<'_>) -> bool {
        let Some(object) = self.between else { return false };
        match &mut self.child {
            // No bare tag of a Pod is approved, so nobody gains by naming a Deployment that is none.
            None => true,
            Some(child) if child.terms.require_digest() => true,
            Some(child) => {
                let has_it = |(owner, since): &(Owner<'_>, Since)| {
                    *since == Since::Now && object.is_compared_by(&owner.kind) && owner.lists(text.image.written())
                };
                child.tells_apart(text) && (child.owners.iter().any(has_it) || child.is_blind(object, budget))
            }
        }
    }

    /// Why this text, which a rule of this mode decides about, needs no proof; `None` where it does.
    pub(super) fn find(&mut self, text: &Text<'_>, mode: Mode, budget: &mut Budget<'_>) -> Option<Approval> {
        match self.unchanged.filter(|before| is_unchanged(text, before)) {
            Some(_) => Some(Approval::Unchanged),
            None => self.child.as_mut()?.find(text, mode, budget),
        }
    }
}

impl<'r> Child<'r> {
    fn find(&mut self, text: &Text<'_>, mode: Mode, budget: &mut Budget<'_>) -> Option<Approval> {
        // Under this mode an owner has a bare tag because only Pods are pinned. This may be the Pod, and the tag may have moved.
        let needs_digest = self.terms.require_digest() || mode == Mode::MutatePodsOnly;
        if (needs_digest && text.image.digest().is_none()) || !self.tells_apart(text) {
            return None;
        }
        for next in 0.. {
            if next == self.owners.len() {
                let owner = self.ask(budget)?;
                self.owners.push(owner);
            }
            let (owner, since) = self.owners.get(next)?;
            let is_young = self.terms.ttl().is_none_or(|ttl| owner.is_younger_than(ttl, budget.now()));
            let counts = *since == Since::Now || is_unchanged(text, self.before);
            if is_young && counts && owner.lists(text.image.written()) {
                return Some(Approval::Owner(owner.kind.name().to_owned(), owner.name.clone()));
            }
        }
        None
    }

    /// Can each slot that holds this text be told from all others?
    fn tells_apart(&self, text: &Text<'_>) -> bool {
        let mut places = text.slots.iter().map(|slot| slot.place());
        places.all(|place| place.key().is_some_and(|key| self.named.contains_key(&key)))
    }

    /// The next owner that the cluster knows.
    fn ask(&mut self, budget: &mut Budget<'_>) -> Option<(Owner<'r>, Since)> {
        let namespace = self.namespace?;
        while let Some((reference, since)) = self.unasked.pop_front() {
            // Where the time is up there is none for the others either.
            match budget.object(&reference.in_namespace(namespace)).ok()? {
                Ok(answer) => match reference.met_by(&answer, namespace) {
                    Some(owner) => return Some((owner, since)),
                    None => continue,
                },
                Err(error) if error.cause == Cause::Forbidden => self.refused = Some(reference.name().to_owned()),
                Err(_) => {}
            }
        }
        None
    }

    /// May nobody look at an owner, and neither at `object` when it is one? Then nothing approves its Pods.
    fn is_blind(&mut self, object: &Workload<'_>, budget: &mut Budget<'_>) -> bool {
        let (Some(name), Some(namespace)) = (&self.refused, self.namespace) else { return false };
        let Some(api_version) = object.kind().api_version() else { return false };
        // Any name does: the question is whether an answer is allowed.
        let any = ObjectName { api_version, kind: object.kind().name(), namespace, name };
        let is_refused = || matches!(budget.object(&any), Ok(Err(error)) if error.cause == Cause::Forbidden);
        *self.blind.get_or_insert_with(is_refused)
    }
}

fn is_unchanged(text: &Text<'_>, before: &Before<'_>) -> bool {
    text.slots.iter().all(|slot| before.is_unchanged(slot))
}
