//! How is one digest verified, and what is known when that fails?

use super::{
    Attested, Budget, CosignMissing, CosignRequirement, Evidence, Failure, Missing, Signed, Spent, Standing, Tally,
    Unproven, Verified, Vote,
    ballot::{Ballot, Case, Wanted},
    missing::Found,
    proof,
    resolve::resolve,
};
use crate::{
    evidence::Source,
    host::{Cause, HostError},
    image::{Digest, ImageRef},
};

/// A verification that is not finished.
pub(super) struct Verification<'r> {
    pub(super) case: Case<'r>,
    /// Who signed the image. It is `None` if attestations are enough.
    pub(super) ballot: Option<Ballot<'r>>,
    digest: Option<Digest>,
    pub(super) attested: Vec<Attested>,
}

/// The reason for which a verification ends early.
pub(super) enum Stop<'r> {
    Spent(Spent),
    Failed(Failure<'r>),
}

impl From<Spent> for Stop<'_> {
    fn from(spent: Spent) -> Self {
        Stop::Spent(spent)
    }
}

impl<'r> Verification<'r> {
    /// Proves that enough trust roots signed exactly the digest of `image`, and that every attestation is there.
    pub(super) fn of(
        image: &'r ImageRef,
        requirement: &'r CosignRequirement,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Verified, Failure<'r>> {
        let case = Case { image, requirement, now: budget.now() };
        let ballot = requirement.signers.as_ref().map(|signers| Ballot::new(case, signers, Wanted::Digest));
        let mut verification = Verification { case, ballot, digest: image.digest(), attested: Vec::new() };
        verification.run(resolved, budget).map_err(|stop| match stop {
            Stop::Failed(failure) => failure,
            Stop::Spent(spent) => {
                Unproven::Spent { digest: verification.digest, tally: verification.tally().into(), spent }
            }
        })
    }

    fn run(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Verified, Stop<'r>> {
        if self.standing() == Standing::Lost {
            return Err(self.missing(Found { signatures: Signed::NotNow, ..Found::default() }));
        }
        let digest = self.resolve(resolved, budget)?;
        let mut evidence = None;
        if self.standing() != Standing::Met {
            evidence = self.signatures(digest, budget)?;
        }
        if !self.case.requirement.attestations.is_empty() {
            let evidence = evidence.map_or_else(|| self.evidence_manifest(digest, budget), Ok)?;
            self.attest(digest, &evidence, budget)?;
        }
        Ok(self.verified(digest))
    }

    /// Proves that enough trust roots signed, and returns the evidence manifest if it was read for that.
    fn signatures(&mut self, digest: Digest, budget: &mut Budget<'_>) -> Result<Option<Evidence>, Stop<'r>> {
        let mut found = Found::default();
        let mut evidence = None;
        let is_first = self.case.requirement.cosign.evidence.first;
        if is_first {
            evidence = Some(self.signed_evidence(digest, budget)?);
        }
        if self.standing() == Standing::Open {
            found.signatures = self.signature_manifest(digest, budget)?;
        }
        if self.standing() == Standing::Open && !is_first {
            evidence = Some(self.signed_evidence(digest, budget)?);
        }
        match (self.standing(), &found.signatures) {
            (Standing::Met | Standing::Lost, _) => {}
            (Standing::Open, Signed::Signatures(signatures, payloads)) => {
                self.policy_server(signatures, payloads, digest, budget)?;
            }
            (Standing::Open, _) => self.vote_for_all_others(&Vote::Missing),
        }
        match self.standing() {
            Standing::Met => Ok(evidence),
            Standing::Lost | Standing::Open => {
                found.evidence = evidence.unwrap_or(Evidence::Nothing);
                Err(self.missing(found))
            }
        }
    }

    /// Whether enough have signed the image. If nobody has to, enough have.
    fn standing(&self) -> Standing {
        self.ballot.as_ref().map_or(Standing::Met, Ballot::standing)
    }

    pub(super) fn tally(&self) -> Tally {
        self.ballot.as_ref().map(Ballot::tally).unwrap_or_default()
    }

    /// The digest about which every later question is asked.
    fn resolve(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Digest, Stop<'r>> {
        if let Some(digest) = self.digest {
            return Ok(digest);
        }
        // One for its signatures, if these are needed, and one for its evidence.
        let later_calls = if self.ballot.is_some() { 2 } else { 1 };
        match resolve(self.case.image, resolved, later_calls, budget)? {
            Ok(digest) => Ok(*self.digest.insert(digest)),
            Err(Cause::NotFound) => Err(Stop::Failed(Unproven::NotFound)),
            Err(cause) => Err(self.undecided(cause)),
        }
    }

    fn vote_for_all_others(&mut self, vote: &Vote) {
        if let Some(ballot) = &mut self.ballot {
            ballot.vote_for_all_others(vote);
        }
    }

    /// Ends the verification, because a manifest with signatures could not be fetched.
    pub(super) fn unreachable(&mut self, cause: Cause) -> Stop<'r> {
        // The registry itself has just told the digest, so it can be reached, and it has the image.
        let has_image =
            self.case.image.digest().is_none() && self.case.requirement.cosign.evidence.repository.is_none();
        self.undecided(if cause == Cause::Wordless && has_image { Cause::WordlessSignatures } else { cause })
    }

    /// Ends the verification, because nobody can tell whether the remaining trust roots signed.
    pub(super) fn undecided(&mut self, cause: Cause) -> Stop<'r> {
        self.vote_for_all_others(&Vote::Undecided);
        Stop::Failed(Unproven::Undecided { digest: self.digest, tally: self.tally().into(), cause })
    }

    fn verified(&mut self, digest: Digest) -> Verified {
        let tally = self.tally();
        let attested = std::mem::take(&mut self.attested);
        let mut sources = self.ballot.take().map(|ballot| ballot.sources).unwrap_or_default();
        if !attested.is_empty() {
            sources.insert(Source::EvidenceManifest);
        }
        let found = proof::Found { digest, tally, attested, sources, logged: Vec::new(), expiry: None };
        Verified::new(self.case.image, self.case.requirement.all_roots(), found)
    }

    fn missing(&mut self, found: Found) -> Stop<'r> {
        let Case { image, requirement, now } = self.case;
        let tally = self.tally();
        let (roots, errors) = match self.ballot.take() {
            Some(Ballot { roots, quorum, errors, .. }) => {
                (roots.into_iter().filter(|root| quorum.misses(&root.name)).collect(), errors)
            }
            None => Default::default(),
        };
        let missing = CosignMissing { image, requirement, now, digest: self.digest, tally, roots, found, errors };
        Stop::Failed(Unproven::NotSigned(Missing::Cosign(missing.into())))
    }
}
