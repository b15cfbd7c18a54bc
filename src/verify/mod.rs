//! Have enough trust roots signed what this image names?
//!
//! A quorum over claims. Every source of evidence is asked in turn for what it proves, until the quorum is met or lost:
//!
//! 1. the manifest of cosign's signatures beside the image, which the policy checks itself (`signature_manifest`);
//! 2. the evidence manifest, which repeats what was signed, and holds signatures of other formats (`evidence_manifest`); first, if the validator says so;
//! 3. the policy server, if the validator has `askHost`, about keys whose signatures cover payloads that the policy cannot rebuild (`policy_server`).
//!
//! Knows images and what a rule wants; never a workload, a request or settings.

mod budget;
mod evidence_manifest;
mod index;
mod mistakes;
mod policy_server;
mod quorum;
mod requirement;
mod signature_manifest;
mod signatures;
mod verification;

pub use budget::{Asked, Budget, Spent, Unseen};
pub use quorum::{Quorum, Standing, Tally, Vote};
pub use requirement::{CosignTerms, EvidenceTerms, ImageName, Requirement, SctRequirement, TrustRoot, TrustRootKind};
pub(crate) use requirement::{Mistake, annotation};
pub(crate) use verification::{Evidence, Signed};
pub use verification::{Failure, Missing, Pinned, Unproven, Verified};

use crate::{
    host::HostError,
    image::{Digest, ImageRef},
};
use verification::Verification;

/// Proves that enough trust roots signed what `image` names.
///
/// A tag is resolved once: here, unless the answer is at hand (`resolved`). From then on its digest is what is asked about, so that a tag which
/// moves meanwhile changes nothing. Where a reference has both and its digest is not signed, the index behind the tag may be, and list it.
///
/// # Errors
/// When too few signed, when it can't be told, or when the answers don't agree.
pub fn verify<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    match (Verification::of(image, requirement, resolved, budget), image.tag(), image.digest()) {
        // Who does not count now does not count for an index either.
        (Err(Unproven::NotSigned(missing)), Some(tag), Some(digest))
            if !matches!(missing.found.signatures, Signed::NotNow) =>
        {
            match index::behind(image, tag, digest, requirement, budget) {
                Ok(Some(verified)) => Ok(verified.listed(image, digest)),
                Ok(None) => Err(Unproven::NotSigned(missing)),
                Err(untold) => Err(untold.into_failure(digest, missing.tally.untold())),
            }
        }
        (result, ..) => result,
    }
}
