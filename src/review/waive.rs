//! Who admits an image that would be denied?
//!
//! An exception of the settings, or the user who makes the request (break-glass). What can be proven is proven and pinned all the same, so that a waiver admits no
//! more than it has to.

use std::cell::OnceCell;

use crate::{
    image::ImageRef,
    kubernetes::{BreakGlass, BreakGlassRequest, Request, Workload},
    policy::{Exception, Features, Policy, Problem, exception::ReadException},
    verdict::{Grounds, NoEffect, Reason, Waiver},
    verify::Budget,
};

/// What can admit images of one object that would be denied.
pub(super) struct Waivers<'c> {
    policy: &'c Policy<'c>,
    /// The exceptions, once one is needed.
    exceptions: OnceCell<Result<Vec<ReadException<'c>>, Problem>>,
    namespace: Option<&'c str>,
    break_glass: Option<BreakGlass>,
    /// Why the annotation for break-glass has no effect.
    pub(super) no_effect: Option<NoEffect>,
    /// The number of host calls for the permission.
    pub(super) host_calls: usize,
}

impl<'c> Waivers<'c> {
    /// Finds out who may admit images of this object, before any registry is asked. So break-glass also works while a registry is down.
    pub(super) fn of(
        request: &'c Request<'_>,
        workload: &Workload<'_>,
        policy: &'c Policy<'_>,
        features: &Features,
        budget: &mut Budget<'_>,
    ) -> Waivers<'c> {
        let namespace = request.namespace();
        let wish = BreakGlassRequest::of(request, namespace, workload);
        let (answer, host_calls) = budget.counted(|budget| match wish {
            None => Err(None),
            Some(_) if !features.break_glass() => Err(Some(NoEffect::Off)),
            Some(Err(error)) => Err(Some(NoEffect::Unusable(error))),
            Some(Ok(wish)) => permitted(&wish, budget).map_err(Some),
        });
        let (break_glass, no_effect) = match answer {
            Ok(break_glass) => (Some(break_glass), None),
            Err(no_effect) => (None, no_effect),
        };
        Waivers { policy, exceptions: OnceCell::new(), namespace, break_glass, no_effect, host_calls }
    }

    /// Whether an exception or break-glass applies to this image.
    pub(super) fn covers(&self, image: &ImageRef, budget: &Budget<'_>) -> bool {
        matches!(self.waiver(image, budget), Ok(Some(_)))
    }

    /// The result for an image, after exceptions and break-glass.
    pub(super) fn settle(
        &self,
        image: &ImageRef,
        found: Result<Grounds, Reason>,
        budget: &Budget<'_>,
    ) -> Result<Grounds, Reason> {
        let reason = match found {
            Err(reason) if reason.can_be_waived() => reason,
            found => return found,
        };
        match self.waiver(image, budget) {
            Ok(Some(by)) => Ok(Grounds::Waived { by, reason: Box::new(reason) }),
            Ok(None) => Err(reason),
            Err(problem) => Err(Reason::Settings(problem)),
        }
    }

    fn waiver(&self, image: &ImageRef, budget: &Budget<'_>) -> Result<Option<Waiver>, Problem> {
        let exceptions = self.exceptions.get_or_init(|| self.policy.exceptions()).as_ref().map_err(Clone::clone)?;
        let exception = Exception::of(exceptions, image, self.namespace, budget.now());
        Ok(exception.map(Waiver::Exception).or_else(|| self.break_glass.clone().map(Waiver::BreakGlass)))
    }
}

/// Asks whether the user may break the glass.
fn permitted(wish: &BreakGlassRequest<'_>, budget: &mut Budget<'_>) -> Result<BreakGlass, NoEffect> {
    let has_permission = match budget.may(&wish.permission()) {
        Err(spent) => return Err(NoEffect::Spent(spent)),
        Ok(Err(error)) => return Err(NoEffect::Unknown(error.cause)),
        Ok(Ok(has_permission)) => has_permission,
    };
    wish.granted(has_permission).ok_or_else(|| NoEffect::NotPermitted(wish.user().to_owned()))
}
