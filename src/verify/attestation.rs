//! Does the image have the attestations that its rule requires?
//!
//! One document has to pass everything: its signature, its signer, the type of its predicate, its subject, its age and its conditions. Two documents that fit in part never
//! add up. A document can only help, because anybody who can push evidence can also remove it.

use std::{cell::OnceCell, collections::BTreeSet};

use serde_json::value::RawValue;

use super::{
    AttestationTerms, Attested, Budget, Evidence, Lack, MissingAttestation, NotAttested, Standing, Tally, TrustRoot,
    Unproven,
    ballot::{Ballot, Candidate, Wanted},
    platforms::{Platforms, platforms},
    verification::{Stop, Verification},
};
use crate::{
    condition::Unmet,
    evidence::{Attestation, Document, NoSignature, manifest::LargeDocument},
    host::Cause,
    image::Digest,
    time::Age,
};

/// The most documents outside of an evidence manifest that are read for an attestation.
const MAX_LARGE: usize = 8;

/// What came of the attestations that a rule requires.
#[derive(Default)]
struct Outcome {
    attested: Vec<Attested>,
    missing: Vec<MissingAttestation>,
    /// The reason for which nobody can tell whether one of them is there.
    obstacle: Option<Cause>,
    /// What was read and is no attestation about the image.
    unusable: BTreeSet<NoSignature>,
}

/// What was seen of the documents of one image.
#[derive(Default)]
struct Seen<'d> {
    /// Their predicate types.
    types: BTreeSet<String>,
    /// Whether one has a type that is wanted.
    has_wanted: bool,
    /// Those that are too old.
    old: Vec<&'d Attestation>,
    /// Those that do not meet the conditions.
    bad: Vec<(&'d Attestation, Unmet)>,
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
        let mut outcome = Outcome::default();
        let judged = self.judge_all(digest, evidence, &mut outcome, budget);
        let Outcome { attested, missing, obstacle, mut unusable } = outcome;
        // What is certainly missing is told, whatever came after it.
        if missing.is_empty() {
            judged?;
            if let Some(cause) = obstacle {
                return Err(self.undecided(cause));
            }
            self.attested = attested;
            return Ok(());
        }
        unusable.extend(evidence.others().filter(|reason| !reason.is_of_an_attestation()));
        let tally = self.tally().into();
        Err(Stop::Failed(Unproven::NotAttested(NotAttested { digest, tally, missing, unusable })))
    }

    fn judge_all(
        &mut self,
        digest: Digest,
        evidence: &Evidence,
        outcome: &mut Outcome,
        budget: &mut Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        let all = &self.case.requirement.attestations;
        let (of_platforms, of_image): (Vec<&AttestationTerms>, Vec<&AttestationTerms>) =
            all.iter().partition(|terms| terms.of_platforms);
        let itself = [(None, evidence)];
        for terms in of_image {
            self.judge(terms, digest, &itself, outcome, budget)?;
        }
        // Platforms cost questions. So they are looked at only if everything else is there.
        if of_platforms.is_empty() || !outcome.missing.is_empty() || outcome.obstacle.is_some() {
            return Ok(());
        }
        let platforms = self.platforms(digest, budget)?;
        let images: Option<Vec<(Option<Digest>, &Evidence)>> =
            platforms.as_ref().map(|all| all.iter().map(|(platform, it)| (Some(*platform), it)).collect());
        for terms in of_platforms {
            match images.as_deref() {
                // An image that is not an index is its only platform.
                Some([]) => self.judge(terms, digest, &itself, outcome, budget)?,
                Some(images) => self.judge(terms, digest, images, outcome, budget)?,
                None => outcome.missing.push(missing(terms, None, Tally::default(), Lack::Platforms)),
            }
        }
        Ok(())
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
        let mut proven = Attested { predicate_types, signed: BTreeSet::new() };
        for (platform, evidence) in images {
            match self.proof(terms, platform.unwrap_or(digest), evidence, &mut outcome.unusable, budget)? {
                Proof::Signed(tally) => proven.signed.extend(tally.signed),
                Proof::Lacking(tally, lack) => outcome.missing.push(missing(terms, *platform, tally, lack)),
                Proof::Untold(cause) => drop(outcome.obstacle.get_or_insert(cause)),
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

    /// What the evidence of `image` proves. Documents that are not in the evidence manifest itself are read only until the attestation is there.
    fn proof(
        &self,
        terms: &'r AttestationTerms,
        image: Digest,
        evidence: &Evidence,
        unusable: &mut BTreeSet<NoSignature>,
        budget: &mut Budget<'_>,
    ) -> Result<Proof, Stop<'r>> {
        let mut ballot = self.ballot_of(terms, terms.max_age, &[], budget)?;
        let is_over = |root: &&TrustRoot| !root.period.contains(self.case.now);
        if let (Standing::Lost, Some(root)) = (ballot.standing(), terms.signers.roots.iter().find(is_over)) {
            return Ok(Proof::Lacking(ballot.tally(), Lack::NotNow(root.name.clone(), root.period)));
        }
        let mut seen = Seen::default();
        let documents: Vec<&Attestation> = evidence.attestations().collect();
        self.count(&mut ballot, &mut seen, terms, &documents, budget)?;
        let mut obstacle = evidence.others().any(|reason| reason.is_beyond_limits()).then_some(Cause::TooMuchEvidence);
        let large: Vec<&LargeDocument> =
            evidence.large().filter(|large| large.may_be(&terms.predicate_types)).collect();
        // Each cell outlives what refers to its document.
        let read: Vec<OnceCell<Attestation>> = large.iter().map(|_| OnceCell::new()).collect();
        let mut questions = 0_usize;
        for (large, cell) in large.iter().zip(&read) {
            if ballot.standing() == Standing::Met {
                break;
            }
            let Some(manifest) = large.manifest else {
                obstacle.get_or_insert(Cause::LargeAttestation);
                continue;
            };
            if questions == MAX_LARGE {
                obstacle.get_or_insert(Cause::TooMuchEvidence);
                continue;
            }
            questions = questions.saturating_add(1);
            match budget.config(&self.case.requirement.evidence_by(self.case.image, manifest))? {
                Ok(json) => match Document::of_bundle(&json, image) {
                    Ok(Document::Attestation(attestation)) => {
                        let attestation = cell.get_or_init(|| attestation);
                        self.count(&mut ballot, &mut seen, terms, &[attestation], budget)?;
                    }
                    Ok(Document::Signature(_) | Document::Large(_)) => {}
                    Err(reason) => drop(unusable.insert(reason)),
                },
                Err(error) if error.cause == Cause::NotFound => {}
                Err(error) => drop(obstacle.get_or_insert(error.cause)),
            }
        }
        if ballot.standing() == Standing::Met {
            return Ok(Proof::Signed(ballot.tally()));
        }
        if let Some(cause) = obstacle {
            return Ok(Proof::Untold(cause));
        }
        let lack = match evidence {
            Evidence::Nothing => Lack::NotCollected,
            Evidence::Unusable(unusable) => Lack::Unusable(*unusable),
            Evidence::Documents(_) if !seen.has_wanted => Lack::Type(seen.types),
            Evidence::Documents(_) => self.nearest(terms, &ballot, &seen, budget),
        };
        Ok(Proof::Lacking(ballot.tally(), lack))
    }

    /// Counts those who signed one of these documents that passes everything else.
    fn count<'d>(
        &self,
        ballot: &mut Ballot<'r>,
        seen: &mut Seen<'d>,
        terms: &AttestationTerms,
        attestations: &[&'d Attestation],
        budget: &Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        let mut good = Vec::new();
        for attestation in attestations {
            seen.types.insert(attestation.predicate_type.clone());
            if !terms.predicate_types.contains(&attestation.predicate_type) {
                continue;
            }
            seen.has_wanted = true;
            budget.tick()?;
            match terms.conditions.check(attestation.predicate().unwrap_or(RawValue::NULL), self.case.now) {
                // The certificate is not verified yet. But verification takes much longer than a look at its age.
                Ok(()) if !self.is_young(terms, attestation) => seen.old.push(attestation),
                Ok(()) => good.push(Candidate::accepted(attestation.signature())),
                Err(unmet) => seen.bad.push((attestation, unmet)),
            }
        }
        Ok(ballot.check_signatures(&good, budget)?)
    }

    fn is_young(&self, terms: &AttestationTerms, attestation: &Attestation) -> bool {
        let is_within =
            |age: Age| attestation.signature().certified_at().is_some_and(|start| age.reaches(start, self.case.now));
        terms.max_age.is_none_or(is_within)
    }

    /// The reason to tell for documents of the required type: their age, their conditions, or their signers. It only explains, so it takes no more than half of the time.
    fn nearest(&self, terms: &'r AttestationTerms, ballot: &Ballot<'r>, seen: &Seen<'_>, budget: &Budget<'_>) -> Lack {
        let is_signed = |attestation: &Attestation| {
            let ballot = || self.ballot_of(terms, None, &[attestation], budget);
            budget.spare_time().is_ok() && ballot().is_ok_and(|ballot| !ballot.tally().signed.is_empty())
        };
        let newest = seen.old.iter().max_by_key(|attestation| attestation.signature().certified_at());
        if let (Some(age), Some(true)) = (terms.max_age, newest.map(|attestation| is_signed(attestation))) {
            return Lack::Age(age);
        }
        if let Some((_, unmet)) = seen.bad.iter().find(|(attestation, _)| is_signed(attestation)) {
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
