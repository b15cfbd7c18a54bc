//! Have enough trust roots signed what this image names?
//!
//! A quorum counts claims. The policy asks the sources of evidence in this order, until the quorum is met or lost:
//!
//! 1. the signature manifest beside the image, whose signatures the policy checks itself (`signature_manifest`);
//! 2. the evidence manifest, whose signatures the policy checks itself, too (`evidence_manifest`). It holds what was signed, and signatures of other formats;
//! 3. the policy server, if the validator has `askHost` (`policy_server`). It is asked about keys whose signatures cover payloads that the policy cannot rebuild.
//!
//! With `evidence: {first: true}`, the evidence manifest comes first.
//!
//! This module knows images and what a rule wants. It never knows a workload, a request or settings.

mod attestation;
mod attested;
mod ballot;
mod budget;
mod evidence_manifest;
mod index;
mod missing;
mod mistakes;
mod notary_v1;
mod notation;
mod platforms;
mod policy_server;
mod proof;
mod prove;
mod quorum;
mod requirement;
mod resolve;
mod signature_manifest;
mod verification;

pub use attested::{Attested, Lack, MissingAttestation, NotAttested};
pub(crate) use ballot::Case;
pub use budget::{Asked, Budget, Spent, Unseen};
pub use missing::{CosignMissing, Failure, Missing, NotaryMissing, NotationMissing};
pub(crate) use missing::{Evidence, NotaryFound, NotationFound, Signed};
pub use proof::{Expiry, Pinned, Unproven, Verified};
pub use quorum::{Quorum, Standing, Tally, Vote};
pub use requirement::{
    AttestationTerms, CosignRequirement, CosignTerms, EvidenceTerms, ImageName, NotaryRequirement, NotationRequirement,
    Requirement, RootKey, SctRequirement, Signers, TrustRoot, TrustRootKind, TrustRootName,
};
pub(crate) use requirement::{Mistake, Payloads, annotation};

use crate::{
    host::HostError,
    image::{Digest, ImageRef},
};

/// Proves that enough trust roots signed what `image` names.
///
/// A tag is resolved once: here, unless the answer is at hand (`resolved`). From then on, every question is about the digest, so a tag that moves meanwhile changes
/// nothing. If a reference has a tag and a digest that is not signed, the index behind the tag may be signed and list the digest.
///
/// # Errors
/// If too few signed, if it cannot be told, or if answers do not agree.
pub fn verify<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    let result = prove::prove(image, requirement, resolved, budget);
    let tally = result.as_ref().err().and_then(Failure::tally_before_an_index);
    if let (Some(tally), Some(tag), Some(digest)) = (tally, image.tag(), image.digest())
        && let Some(verified) = index::behind(image, tag, digest, tally, requirement, budget)?
    {
        return Ok(verified.listed(image, digest));
    }
    result
}
