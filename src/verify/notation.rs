//! Have enough trust roots signed an image with Notation?
//!
//! Signatures, revocation lists and OCSP responses are in the evidence manifest. It takes one question to the registry.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Budget, Failure, Missing, NotationFound, NotationMissing, NotationRequirement, Quorum, Spent, Standing, TrustRoot,
    TrustRootKind, TrustRootName, Unproven, Verified, Vote, ballot::in_order, proof::Found, requirement::evidence_at,
    resolve::resolve,
};
use crate::{
    evidence::{
        NoSignature, Source,
        manifest::{Content, EvidenceManifest, evidence_tag},
        notation::{NotationError, NotationSignature, Proof, RevocationEvidence},
    },
    host::{Cause, HostError},
    image::{Digest, ImageRef},
    time::UnixTime,
};

/// The most signatures that are checked for one trust root, of those whose signer it certifies. Notation and Connaisseur have the same limit.
const MAX_TRIES: usize = 10;

/// A verification that is not finished.
struct Notation<'r> {
    image: &'r ImageRef,
    requirement: &'r NotationRequirement,
    now: UnixTime,
    digest: Option<Digest>,
    roots: Vec<&'r TrustRoot>,
    quorum: Quorum<'r>,
    logged: Vec<(TrustRootName, NotationError)>,
    errors: BTreeMap<&'r TrustRootName, NotationError>,
}

/// Proves that enough trust roots signed the digest of `image` with Notation. `resolved` is the digest behind its tag, if it is at hand.
///
/// # Errors
/// If too few signed, or if it cannot be told.
pub(super) fn prove<'r>(
    image: &'r ImageRef,
    requirement: &'r NotationRequirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    let now = budget.now();
    let (roots, quorum) = in_order(&requirement.signers, now);
    let (logged, errors) = Default::default();
    let mut notation = Notation { image, requirement, now, digest: image.digest(), roots, quorum, logged, errors };
    let result = notation.run(resolved, budget);
    result.unwrap_or_else(|spent| {
        Err(Unproven::Spent { digest: notation.digest, tally: notation.quorum.tally().into(), spent })
    })
}

impl<'r> Notation<'r> {
    fn run(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Result<Verified, Failure<'r>>, Spent> {
        if self.quorum.standing() == Standing::Lost {
            return Ok(Err(self.missing(NotationFound::NotNow)));
        }
        let digest = match self.digest {
            Some(digest) => digest,
            None => match resolve(self.image, resolved, 1, budget)? {
                Ok(digest) => *self.digest.insert(digest),
                Err(Cause::NotFound) => return Ok(Err(Unproven::NotFound)),
                Err(cause) => return Ok(Err(self.undecided(cause))),
            },
        };
        let repository = self.requirement.repository.as_ref();
        let found = match budget.manifest(&evidence_at(repository, self.image, &evidence_tag(digest)))? {
            Err(error) if error.cause == Cause::NotFound => NotationFound::Nothing,
            Err(error) => {
                // The registry itself has just told the digest, so it can be reached, and it has the image.
                let has_image = self.image.digest().is_none() && repository.is_none();
                let is_wordless = error.cause == Cause::Wordless && has_image;
                return Ok(Err(self.undecided(if is_wordless { Cause::WordlessSignatures } else { error.cause })));
            }
            Ok(json) => match EvidenceManifest::read(&json) {
                Err(unusable) => NotationFound::Unusable(unusable),
                Ok(manifest) => self.count(&manifest, digest, budget)?,
            },
        };
        if self.quorum.standing() == Standing::Met {
            let (tally, logged) = (self.quorum.tally(), std::mem::take(&mut self.logged));
            let sources = BTreeSet::from([Source::EvidenceManifest]);
            let found = Found { digest, tally, attested: Vec::new(), sources, logged, expiry: None };
            return Ok(Ok(Verified::new(self.image, self.requirement.signers.roots.iter(), found)));
        }
        for root in &self.roots {
            self.quorum.vote(&root.name, Vote::Missing);
        }
        Ok(Err(self.missing(found)))
    }

    /// Counts what the signatures in an evidence manifest prove.
    fn count(
        &mut self,
        manifest: &EvidenceManifest,
        digest: Digest,
        budget: &Budget<'_>,
    ) -> Result<NotationFound, Spent> {
        let (mut signatures, mut revocation, mut others) = (Vec::new(), RevocationEvidence::default(), BTreeSet::new());
        for item in &manifest.items {
            budget.tick()?;
            match &item.content {
                Ok(Content::Notation(format, bytes)) => match NotationSignature::read(*format, bytes, digest) {
                    Ok(signature) => signatures.push(signature),
                    Err(error) => drop(others.insert(NoSignature::Notation(error))),
                },
                Ok(Content::RevocationList(der)) => revocation.lists.push(der),
                Ok(Content::OcspResponse(der)) => revocation.responses.push(der),
                Ok(_) => drop(others.insert(NoSignature::OtherFormat)),
                Err(error) => drop(others.insert(NoSignature::Item(*error))),
            }
        }
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            if self.quorum.awaits(&root.name) {
                self.check(root, &signatures, &revocation, budget)?;
            }
        }
        Ok(NotationFound::Signatures(signatures.len(), others))
    }

    /// Checks the signatures for one trust root, the likeliest first.
    fn check(
        &mut self,
        root: &'r TrustRoot,
        signatures: &[NotationSignature],
        revocation: &RevocationEvidence<'_>,
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let TrustRootKind::Notation(store) = &root.kind else { return Ok(()) };
        let (likely, others): (Vec<_>, Vec<_>) = signatures.iter().partition(|signature| signature.may_be_of(store));
        let mut tries = 0_usize;
        for signature in likely.into_iter().chain(others) {
            if self.quorum.standing() == Standing::Met || tries >= MAX_TRIES {
                break;
            }
            budget.tick()?;
            let checked = signature.check(store, &self.requirement.terms, revocation, self.now);
            // Anybody can copy certificates, or append them to a chain of their own. Such a signature must not use up a try.
            let is_genuine = checked.as_ref().err().is_none_or(NotationError::is_of_the_signer);
            tries = tries.saturating_add(usize::from(is_genuine));
            match checked {
                Ok(Proof { claim, logged }) => {
                    self.quorum.vote(&root.name, Vote::Signed(claim.signer));
                    self.logged.extend(logged.into_iter().map(|error| (root.name.clone(), error)));
                }
                Err(error) => {
                    let furthest = self.errors.entry(&root.name).or_insert_with(|| error.clone());
                    if *furthest < error {
                        *furthest = error;
                    }
                }
            }
        }
        Ok(())
    }

    fn undecided(&mut self, cause: Cause) -> Failure<'r> {
        for root in &self.roots {
            self.quorum.vote(&root.name, Vote::Undecided);
        }
        Unproven::Undecided { digest: self.digest, tally: self.quorum.tally().into(), cause }
    }

    fn missing(&mut self, found: NotationFound) -> Failure<'r> {
        let Notation { image, now, digest, quorum, errors, .. } = self;
        let roots = self.roots.iter().copied().filter(|root| quorum.misses(&root.name)).collect();
        let (tally, errors) = (quorum.tally(), std::mem::take(errors));
        let missing = NotationMissing { image, now: *now, digest: *digest, tally, roots, found, errors };
        Unproven::NotSigned(Missing::Notation(missing.into()))
    }
}
