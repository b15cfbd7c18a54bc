//! Are the attestations there that a rule asks for, and do they say what it wants?
//!
//! One document has to pass everything: its signature, its signer, the type of its predicate, its subject, its age and its conditions. Two documents that fit in part never
//! add up. Leaving a document out can never turn a no into a yes, because whoever carries evidence can leave out what speaks against an image.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::{
    AttestationTerms, Attested, Budget, Evidence, Lack, MissingAttestation, NotAttested, Standing, Tally, Unproven,
    ballot::{Ballot, Candidate, Wanted},
    platforms::{Platforms, platforms},
    verification::{Stop, Verification},
};
use crate::{condition::Unmet, evidence::Attestation, host::Cause, image::Digest, ordered::set, time::Age};

impl<'r> Verification<'r> {
    /// Proves every attestation that the rule asks for. `evidence` is that of the image itself.
    pub(super) fn attest(
        &mut self,
        digest: Digest,
        evidence: &Evidence,
        budget: &mut Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        let requirement = self.case.requirement;
        let (mut attested, mut missing) = (Vec::new(), Vec::new());
        // The platforms and their evidence are asked for once, and only if a rule wants them.
        let platforms = match requirement.attestations.iter().any(|terms| terms.of_platforms) {
            true => self.platforms(digest, budget)?,
            false => Some(Vec::new()),
        };
        for terms in &requirement.attestations {
            let lacks = |platform, tally, lack| {
                let predicate_types = terms.predicate_types.clone();
                MissingAttestation { predicate_types, platform, tally, lack }
            };
            let images: Vec<(Option<Digest>, &Evidence)> = match &platforms {
                None if terms.of_platforms => {
                    missing.push(lacks(None, Tally::default(), Lack::Platforms));
                    continue;
                }
                Some(platforms) if terms.of_platforms && !platforms.is_empty() => {
                    platforms.iter().map(|(platform, evidence)| (Some(*platform), evidence)).collect()
                }
                // An image that is no index is its only platform.
                Some(_) | None => vec![(None, evidence)],
            };
            let predicate_types = terms.predicate_types.clone();
            let mut proven = Attested { predicate_types, signed: BTreeSet::new(), images: images.len() };
            for (platform, evidence) in images {
                match self.attested(terms, evidence, budget)? {
                    Ok(tally) => proven.signed.extend(tally.signed),
                    Err((tally, lack)) => missing.push(lacks(platform, tally, lack)),
                }
            }
            attested.push(proven);
        }
        if missing.is_empty() {
            self.attested = attested;
            return Ok(());
        }
        let tally = self.tally().into();
        Err(Stop::Failed(Unproven::NotAttested(NotAttested { digest, tally, missing })))
    }

    /// The platforms of an index with the evidence of each; none, if the image is no index. It is `None` if the index lists something else.
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

    /// Who signed a document in `evidence` that passes everything; or who signed any of the type, and why none counts.
    fn attested(
        &self,
        terms: &'r AttestationTerms,
        evidence: &Evidence,
        budget: &Budget<'_>,
    ) -> Result<Result<Tally, (Tally, Lack)>, Stop<'r>> {
        let now = self.case.now;
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for attestation in evidence.attestations().filter(|it| terms.predicate_types.contains(&it.predicate_type)) {
            budget.tick()?;
            match terms.conditions.check(attestation.predicate().unwrap_or(RawValue::NULL), now) {
                Ok(()) => good.push(attestation),
                Err(unmet) => bad.push((attestation, unmet)),
            }
        }
        let ballot = self.ballot_of(terms, terms.max_age, &good, budget)?;
        if ballot.standing() == Standing::Met {
            return Ok(Ok(ballot.tally()));
        }
        let lack = match evidence {
            Evidence::Nothing => Lack::NotCollected,
            Evidence::Unusable(unusable) => Lack::Unusable(*unusable),
            Evidence::Documents(_) if good.is_empty() && bad.is_empty() => {
                Lack::Type(set(evidence.attestations().map(|attestation| attestation.predicate_type.clone())))
            }
            Evidence::Documents(_) => self.nearest(terms, &ballot, &bad, budget)?,
        };
        Ok(Err((ballot.tally(), lack)))
    }

    /// The reason for which the likeliest documents do not count: their age, their conditions, or their signers.
    fn nearest(
        &self,
        terms: &'r AttestationTerms,
        ballot: &Ballot<'r>,
        bad: &[(&Attestation, Unmet)],
        budget: &Budget<'_>,
    ) -> Result<Lack, Stop<'r>> {
        if let Some(age) = terms.max_age.filter(|_| !ballot.old.is_empty()) {
            return Ok(Lack::Age(age));
        }
        for (attestation, unmet) in bad {
            let ballot = self.ballot_of(terms, None, &[attestation], budget)?;
            if !ballot.tally().signed.is_empty() {
                return Ok(Lack::Conditions(unmet.clone()));
            }
        }
        let errors = ballot.errors.iter().map(|(root, error)| ((*root).clone(), error.clone()));
        Ok(Lack::Signers(errors.collect()))
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
