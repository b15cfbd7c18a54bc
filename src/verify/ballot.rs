//! Which of these trust roots signed?
//!
//! This is the same for signatures of every format, and for attestations. The input are signatures that were read, and the output are claims that were verified.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Budget, CosignRequirement, Mistake, Quorum, Signers, Spent, Standing, Tally, TrustRoot, TrustRootName, Vote,
};
use crate::{
    evidence::{ByCertificate, Claim, Signature, Source, Subject},
    image::ImageRef,
    signing::PublicKey,
    sigstore::VerificationError,
    time::{Age, UnixTime},
};

/// The image, what its rule requires, and the time.
#[derive(Clone, Copy)]
pub(crate) struct Case<'r> {
    pub(crate) image: &'r ImageRef,
    pub(crate) requirement: &'r CosignRequirement,
    pub(crate) now: UnixTime,
}

/// What has to be signed, so that a signature counts.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'r> {
    /// The digest itself.
    Digest,
    /// An attestation with one of these predicate types, by a certificate that is not older than this.
    Attestation(&'r BTreeSet<String>, Option<Age>),
}

/// A signature that may count.
pub(super) struct Candidate<'s> {
    signature: Signature<'s>,
    /// The name and the annotations that the signature covers. It is `None` if the rule is known to accept them.
    subject: Option<&'s Subject>,
}

impl<'s> Candidate<'s> {
    /// A signature over content that the rule is known to accept.
    pub(super) fn accepted(signature: Signature<'s>) -> Candidate<'s> {
        Candidate { signature, subject: None }
    }

    /// A signature that covers this name and these annotations.
    pub(super) fn saying(signature: Signature<'s>, subject: &'s Subject) -> Candidate<'s> {
        Candidate { signature, subject: Some(subject) }
    }
}

/// Trust roots, and who of them signed so far.
pub(super) struct Ballot<'r> {
    case: Case<'r>,
    wanted: Wanted<'r>,
    /// The required trust roots come first, because without them there is no need to look at the others. Trust roots with an end come last.
    pub(super) roots: Vec<&'r TrustRoot>,
    pub(super) quorum: Quorum<'r>,
    pub(super) sources: BTreeSet<Source>,
    pub(super) errors: BTreeMap<&'r TrustRootName, VerificationError>,
}

/// Trust roots in the order in which they are looked at, and their quorum. Those that do not count now are counted as missing.
pub(super) fn in_order(signers: &Signers, now: UnixTime) -> (Vec<&TrustRoot>, Quorum<'_>) {
    let mut roots: Vec<&TrustRoot> = signers.roots.iter().collect();
    roots.sort_by_key(|root| (!signers.required.contains(&root.name), root.period.end.is_some()));
    let names = signers.roots.iter().map(|root| &root.name);
    let mut quorum = Quorum::new(signers.threshold, &signers.required, names);
    for root in roots.iter().filter(|root| !root.period.contains(now)) {
        quorum.vote(&root.name, Vote::Missing);
    }
    (roots, quorum)
}

impl<'r> Ballot<'r> {
    /// A ballot without signatures. Trust roots that do not count now are counted as missing.
    pub(super) fn new(case: Case<'r>, signers: &'r Signers, wanted: Wanted<'r>) -> Ballot<'r> {
        let (roots, quorum) = in_order(signers, case.now);
        Ballot { case, wanted, roots, quorum, sources: BTreeSet::new(), errors: BTreeMap::new() }
    }

    pub(super) fn standing(&self) -> Standing {
        self.quorum.standing()
    }

    pub(super) fn tally(&self) -> Tally {
        self.quorum.tally()
    }

    /// Counts what a claim proves for this trust root.
    pub(super) fn count(&mut self, root: &'r TrustRoot, claim: Claim) {
        let is_wanted = match (self.wanted, &claim.predicate_type) {
            (Wanted::Digest, None) => true,
            (Wanted::Attestation(types, age), Some(predicate_type)) if types.contains(predicate_type) => {
                // A signature is not older than its certificate. Timestamps tell only that it is not younger, and anybody can add a late one.
                let is_within = |age: Age| claim.not_before.is_some_and(|start| age.reaches(start, self.case.now));
                age.is_none_or(is_within)
            }
            (Wanted::Digest, Some(_)) | (Wanted::Attestation(..), _) => false,
        };
        if is_wanted {
            self.sources.insert(claim.source);
            self.quorum.vote(&root.name, Vote::Signed(claim.signer));
        }
    }

    /// Notes the check that a signature failed, unless another signature of this trust root passed more checks.
    fn note(&mut self, root: &'r TrustRoot, error: VerificationError) {
        let furthest = self.errors.entry(&root.name).or_insert_with(|| error.clone());
        if furthest.rank() < error.rank() {
            *furthest = error;
        }
    }

    pub(super) fn vote_for_all_others(&mut self, vote: &Vote) {
        for root in &self.roots {
            self.quorum.vote(&root.name, vote.clone());
        }
    }

    /// Counts every trust root that made one of these signatures.
    pub(super) fn check_signatures(&mut self, signatures: &[Candidate<'_>], budget: &Budget<'_>) -> Result<(), Spent> {
        // One key made a signature. So a signature that was counted is not tried with another key.
        let mut unclaimed: Vec<&Candidate<'_>> = signatures.iter().collect();
        for root in self.roots.clone() {
            if self.standing() != Standing::Open {
                break;
            }
            if !self.quorum.awaits(&root.name) {
                continue;
            }
            match root.key() {
                Some(key) => self.check_key(root, key, &mut unclaimed, budget)?,
                None => self.check_certificates(root, signatures, budget)?,
            }
        }
        Ok(())
    }

    /// Whether the rule accepts the name and the annotations of this signature, if `root` made it.
    fn accepts(&self, root: &TrustRoot, candidate: &Candidate<'_>) -> bool {
        let mistake = |subject| -> Option<Mistake> { self.case.requirement.mistake(root, self.case.image, subject) };
        candidate.subject.and_then(mistake).is_none()
    }

    fn check_key(
        &mut self,
        root: &'r TrustRoot,
        key: &PublicKey,
        unclaimed: &mut Vec<&Candidate<'_>>,
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        for (at, candidate) in unclaimed.iter().enumerate() {
            if !self.accepts(root, candidate) {
                continue;
            }
            budget.tick()?;
            match candidate.signature.claim_of_key(key, self.case.requirement.tlogs_for_keys()) {
                None => {}
                Some(Ok(claim)) => {
                    self.count(root, claim);
                    unclaimed.remove(at);
                    break;
                }
                Some(Err(error)) => self.note(root, error),
            }
        }
        Ok(())
    }

    /// Looks at every certificate until there are enough signers. Two signers may fit this root, and another root may need one of them.
    fn check_certificates(
        &mut self,
        root: &'r TrustRoot,
        signatures: &[Candidate<'_>],
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let Some((identity, terms)) = self.case.requirement.certificate_terms(root, self.case.now) else {
            return Ok(());
        };
        for candidate in signatures {
            if self.standing() == Standing::Met {
                break;
            }
            if !self.accepts(root, candidate) {
                continue;
            }
            budget.tick()?;
            let is_known = |signer: &_| self.quorum.knows(&root.name, signer);
            match candidate.signature.claim_of_certificate(identity, terms, is_known) {
                ByCertificate::None | ByCertificate::Known => {}
                ByCertificate::Claim(claim) => self.count(root, claim),
                ByCertificate::Failed(error) => self.note(root, error),
            }
        }
        Ok(())
    }
}
