//! Does the image have the attestations that its rule requires?
//!
//! One document has to pass everything: its signature, its signer, the type of its predicate, its subject, its age and its conditions. Two documents that fit in part never
//! add up. A document can only help, because anybody who can push evidence can also remove it.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::{
    AttestationTerms, Attested, Budget, Evidence, Lack, MissingAttestation, NotAttested, Standing, Tally, Unproven,
    ballot::{Ballot, Candidate, Wanted},
    platforms::{Platforms, platforms},
    verification::{Stop, Verification},
};
use crate::{
    condition::Unmet,
    evidence::{Attestation, Document, NoSignature},
    host::Cause,
    image::Digest,
    ordered::set,
    time::Age,
};

/// The most documents outside of an evidence manifest that are read for an attestation.
const MAX_LARGE: usize = 4;

/// What came of the attestations that a rule requires.
#[derive(Default)]
struct Outcome {
    attested: Vec<Attested>,
    missing: Vec<MissingAttestation>,
    /// The reason for which nobody can tell whether one of them is there.
    obstacle: Option<Cause>,
}

/// What came of one attestation of one image.
enum Proof {
    /// These signed one that passes everything.
    Signed(Tally),
    /// It is certain that none passes everything, for this reason.
    Lacking(Tally, Lack),
    /// Nobody can tell, for this reason.
    Untold(Cause),
}

impl<'r> Verification<'r> {
    /// Proves every attestation that the rule requires. `evidence` is that of the image itself.
    pub(super) fn attest(
        &mut self,
        digest: Digest,
        evidence: &Evidence,
        budget: &mut Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        let all = &self.case.requirement.attestations;
        let (of_platforms, of_image): (Vec<&AttestationTerms>, Vec<&AttestationTerms>) =
            all.iter().partition(|terms| terms.of_platforms);
        let mut outcome = Outcome::default();
        let itself = [(None, evidence)];
        for terms in of_image {
            self.judge(terms, digest, &itself, &mut outcome, budget)?;
        }
        // Platforms cost questions. So they are looked at only if everything else is there.
        if !of_platforms.is_empty() && outcome.missing.is_empty() && outcome.obstacle.is_none() {
            let platforms = self.platforms(digest, budget)?;
            let images: Option<Vec<(Option<Digest>, &Evidence)>> =
                platforms.as_ref().map(|all| all.iter().map(|(platform, it)| (Some(*platform), it)).collect());
            for terms in of_platforms {
                match images.as_deref() {
                    // An image that is not an index is its only platform.
                    Some([]) => self.judge(terms, digest, &itself, &mut outcome, budget)?,
                    Some(images) => self.judge(terms, digest, images, &mut outcome, budget)?,
                    None => outcome.missing.push(missing(terms, None, Tally::default(), Lack::Platforms)),
                }
            }
        }
        let Outcome { attested, missing, obstacle } = outcome;
        match (missing.is_empty(), obstacle) {
            (true, None) => {
                self.attested = attested;
                Ok(())
            }
            (true, Some(cause)) => Err(self.undecided(cause)),
            (false, _) => {
                let is_unusable =
                    |reason: &NoSignature| !matches!(reason, NoSignature::Attestation(_) | NoSignature::Large);
                let unusable = set(evidence.others().filter(is_unusable));
                let tally = self.tally().into();
                Err(Stop::Failed(Unproven::NotAttested(NotAttested { digest, tally, missing, unusable })))
            }
        }
    }

    /// Judges the evidence of each of these images: the image itself, or its platforms.
    fn judge(
        &self,
        terms: &'r AttestationTerms,
        digest: Digest,
        images: &[(Option<Digest>, &Evidence)],
        outcome: &mut Outcome,
        budget: &mut Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        let predicate_types = terms.predicate_types.clone();
        let mut proven = Attested { predicate_types, signed: BTreeSet::new(), images: images.len() };
        for (platform, evidence) in images {
            match self.proof(terms, platform.unwrap_or(digest), evidence, budget)? {
                Proof::Signed(tally) => proven.signed.extend(tally.signed),
                Proof::Lacking(tally, lack) => outcome.missing.push(missing(terms, *platform, tally, lack)),
                Proof::Untold(cause) => outcome.obstacle = Some(cause),
            }
        }
        outcome.attested.push(proven);
        Ok(())
    }

    /// The platforms of an index with the evidence of each. The list is empty if the image is not an index. Returns `None` if the platforms cannot be determined.
    fn platforms(
        &mut self,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Vec<(Digest, Evidence)>>, Stop<'r>> {
        let json = match budget.manifest(&self.case.image.by_digest(digest))? {
            Ok(json) => json,
            Err(error) if error.cause == Cause::NotFound => return Err(Stop::Failed(Unproven::NotFound)),
            Err(error) => return Err(self.undecided(error.cause)),
        };
        let digests = match platforms(&json) {
            Platforms::NoIndex => return Ok(Some(Vec::new())),
            Platforms::Listed(digests) => digests,
            Platforms::Unknown => return Ok(None),
        };
        let mut platforms = Vec::with_capacity(digests.len());
        for digest in digests {
            platforms.push((digest, self.evidence_manifest(digest, budget)?));
        }
        Ok(Some(platforms))
    }

    /// What the evidence of `image` proves. Documents that are not in the evidence manifest itself are read only if those that are do not suffice.
    fn proof(
        &self,
        terms: &'r AttestationTerms,
        image: Digest,
        evidence: &Evidence,
        budget: &mut Budget<'_>,
    ) -> Result<Proof, Stop<'r>> {
        let now = self.case.now;
        let nobody = self.ballot_of(terms, None, &[], budget)?;
        let left = terms.signers.roots.iter().find(|root| !root.period.contains(now));
        if let (Standing::Lost, Some(root)) = (nobody.standing(), left) {
            return Ok(Proof::Lacking(nobody.tally(), Lack::NotNow(root.name.clone(), root.period)));
        }
        let attestations: Vec<&Attestation> = evidence.attestations().collect();
        let (tally, lack) = match self.signed(terms, &attestations, evidence, budget)? {
            Proof::Lacking(tally, lack) => (tally, lack),
            proof => return Ok(proof),
        };
        let is_beyond_limits = evidence.others().any(|reason| reason.is_beyond_limits());
        let (mut read, mut obstacle) = (Vec::new(), is_beyond_limits.then_some(Cause::TooMuchEvidence));
        for (number, large) in evidence.large().filter(|large| large.may_be(&terms.predicate_types)).enumerate() {
            let Some(manifest) = large.manifest.filter(|_| number < MAX_LARGE) else {
                obstacle = Some(Cause::LargeAttestation);
                continue;
            };
            match budget.config(&self.case.requirement.evidence_by(self.case.image, manifest))? {
                Ok(json) => read.push(Document::of_bundle(&json, image)),
                Err(error) if error.cause == Cause::NotFound => {}
                Err(error) => obstacle = Some(error.cause),
            }
        }
        let read = read.iter().filter_map(|document| match document {
            Ok(Document::Attestation(attestation)) => Some(attestation),
            Ok(Document::Signature(_) | Document::Large(_)) | Err(_) => None,
        });
        let all: Vec<&Attestation> = attestations.iter().copied().chain(read).collect();
        let proof = match all.len() > attestations.len() {
            true => self.signed(terms, &all, evidence, budget)?,
            false => Proof::Lacking(tally, lack),
        };
        Ok(match (proof, obstacle) {
            (Proof::Lacking(..), Some(cause)) => Proof::Untold(cause),
            (proof, _) => proof,
        })
    }

    /// What these documents prove.
    fn signed(
        &self,
        terms: &'r AttestationTerms,
        attestations: &[&Attestation],
        evidence: &Evidence,
        budget: &Budget<'_>,
    ) -> Result<Proof, Stop<'r>> {
        let (mut good, mut old, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        let is_wanted = |attestation: &&&Attestation| terms.predicate_types.contains(&attestation.predicate_type);
        for attestation in attestations.iter().filter(is_wanted) {
            budget.tick()?;
            match terms.conditions.check(attestation.predicate().unwrap_or(RawValue::NULL), self.case.now) {
                // The certificate is not verified yet. But verification takes much longer than a look at its age.
                Ok(()) if !self.is_young(terms, attestation) => old.push(*attestation),
                Ok(()) => good.push(*attestation),
                Err(unmet) => bad.push((*attestation, unmet)),
            }
        }
        let ballot = self.ballot_of(terms, terms.max_age, &good, budget)?;
        if ballot.standing() == Standing::Met {
            return Ok(Proof::Signed(ballot.tally()));
        }
        let lack = match evidence {
            Evidence::Nothing => Lack::NotCollected,
            Evidence::Unusable(unusable) => Lack::Unusable(*unusable),
            Evidence::Documents(_) if good.is_empty() && old.is_empty() && bad.is_empty() => {
                Lack::Type(set(attestations.iter().map(|attestation| attestation.predicate_type.clone())))
            }
            Evidence::Documents(_) => self.nearest(terms, &ballot, &old, &bad, budget),
        };
        Ok(Proof::Lacking(ballot.tally(), lack))
    }

    fn is_young(&self, terms: &AttestationTerms, attestation: &Attestation) -> bool {
        let is_within =
            |age: Age| attestation.signature().certified_at().is_some_and(|start| age.reaches(start, self.case.now));
        terms.max_age.is_none_or(is_within)
    }

    /// The reason to tell for documents of the required type: their age, their conditions, or their signers. It only explains, so it takes no more than half of the time.
    fn nearest(
        &self,
        terms: &'r AttestationTerms,
        ballot: &Ballot<'r>,
        old: &[&Attestation],
        bad: &[(&Attestation, Unmet)],
        budget: &Budget<'_>,
    ) -> Lack {
        let is_signed = |attestation: &Attestation| {
            let ballot = || self.ballot_of(terms, None, &[attestation], budget);
            budget.spare_time().is_ok() && ballot().is_ok_and(|ballot| !ballot.tally().signed.is_empty())
        };
        let newest = old.iter().max_by_key(|attestation| attestation.signature().certified_at());
        if let (Some(age), Some(true)) = (terms.max_age, newest.map(|attestation| is_signed(attestation))) {
            return Lack::Age(age);
        }
        if let Some((_, unmet)) = bad.iter().find(|(attestation, _)| is_signed(attestation)) {
            return Lack::Conditions(unmet.clone());
        }
        Lack::Signers(ballot.errors.iter().map(|(root, error)| ((*root).clone(), error.clone())).collect())
    }

    /// Who signed these documents, by certificates that are not older than `max_age`.
    fn ballot_of(
        &self,
        terms: &'r AttestationTerms,
        max_age: Option<Age>,
        attestations: &[&Attestation],
        budget: &Budget<'_>,
    ) -> Result<Ballot<'r>, Stop<'r>> {
        let mut ballot = Ballot::new(self.case, &terms.signers, Wanted::Attestation(&terms.predicate_types, max_age));
        let candidates: Vec<Candidate<'_>> =
            attestations.iter().map(|attestation| Candidate::accepted(attestation.signature())).collect();
        ballot.check_signatures(&candidates, budget)?;
        Ok(ballot)
    }
}

fn missing(terms: &AttestationTerms, platform: Option<Digest>, tally: Tally, lack: Lack) -> MissingAttestation {
    MissingAttestation { predicate_types: terms.predicate_types.clone(), platform, tally, lack }
}
