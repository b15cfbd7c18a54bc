//! Which kind of evidence proves this image?

use super::{Budget, Failure, Requirement, Verified, notary_v1, notation, verification::Verification};
use crate::{
    host::HostError,
    image::{Digest, ImageRef},
};

/// Proves the digest of `image` by the evidence that the requirement is about. `resolved` is the digest behind its tag, if it is at hand.
///
/// # Errors
/// If too few signed, if it cannot be told, or if answers do not agree.
pub(super) fn prove<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    match requirement {
        Requirement::Cosign(requirement) => Verification::of(image, requirement, resolved, budget),
        Requirement::Notation(requirement) => notation::prove(image, requirement, resolved, budget),
        Requirement::NotaryV1(requirement) => notary_v1::prove(image, requirement, budget),
    }
}
