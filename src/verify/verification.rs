//! How is one digest verified, and what is known when that fails?

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Attested, Budget, CosignRequirement, NotAttested, Payloads, Spent, Standing, Tally, TrustRoot, TrustRootName, Vote,
    ballot::{Ballot, Case, Wanted},
};
use crate::{
    evidence::{
        Attestation, Document, NoSignature, SignatureDocument, Source, Unusable, UnusableEvidence,
        cosign::{Layer, Payload, Signatures},
        manifest::LargeDocument,
    },
    host::{Cause, HostError},
    image::{Digest, ImageRef},
    ordered::{map, set},
    sigstore::VerificationError,
    time::UnixTime,
};

/// A digest that enough trust roots signed, with every attestation that was asked for. There is no other way to get one than to have [`super::verify`] prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    image: ImageRef,
    digest: Digest,
    index: Option<Digest>,
    tally: Tally,
    attested: Vec<Attested>,
    sources: BTreeSet<Source>,
    leaving: Vec<(TrustRootName, UnixTime)>,
}

/// A reference with the digest that was proven of it, in the user's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned(ImageRef);

impl Pinned {
    /// The text to be written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.written()
    }
}

impl Verified {
    /// The same proof for `digest` of `image`, which the index that was signed lists.
    pub(super) fn listed(self, image: &ImageRef, digest: Digest) -> Verified {
        Verified { image: image.clone(), digest, index: Some(self.digest), ..self }
    }

    /// `image` with the digest that was signed; `None` if it is not the image that this is the proof of.
    #[must_use]
    pub fn pin(&self, image: &ImageRef) -> Option<Pinned> {
        (self.image == *image).then(|| Pinned(image.pinned(self.digest)))
    }

    /// The digest that runs. It was signed, or is listed in the index that was.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The index that was signed, if the digest itself was not.
    #[must_use]
    pub fn index(&self) -> Option<Digest> {
        self.index
    }

    /// The trust roots that were needed and will not count for long, each with the end of its period.
    #[must_use]
    pub fn leaving(&self) -> &[(TrustRootName, UnixTime)] {
        &self.leaving
    }

    /// Who signed it.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The attestations that were asked for, those of platforms last.
    #[must_use]
    pub fn attested(&self) -> &[Attested] {
        &self.attested
    }

    /// Where the signatures were found.
    #[must_use]
    pub fn sources(&self) -> &BTreeSet<Source> {
        &self.sources
    }
}

/// Why an image was not verified. `W` is what is known when too few have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven<W> {
    /// Too few have signed.
    NotSigned(W),
    /// Enough have signed, but an attestation is missing.
    NotAttested(NotAttested),
    /// The registry does not have the image.
    NotFound,
    /// The policy server's answer was for another digest than it was asked about.
    Disagreement {
        /// The digest that it was asked about.
        asked: Digest,
        /// The digest that it answered for.
        answered: Digest,
    },
    /// It could not be told whether enough have signed.
    Undecided {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who signed and who did not.
        tally: Box<Tally>,
        /// What stood in the way.
        cause: Cause,
    },
    /// The budget was spent first.
    Spent {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who signed and who did not, as far as it was asked.
        tally: Box<Tally>,
        /// The limit of the budget that was reached.
        spent: Spent,
    },
}

impl<W> Unproven<W> {
    /// The same with what is known when too few have signed turned into something else.
    pub(crate) fn map<V>(self, not_signed: impl FnOnce(W) -> Unproven<V>) -> Unproven<V> {
        match self {
            Unproven::NotSigned(what) => not_signed(what),
            Unproven::NotAttested(what) => Unproven::NotAttested(what),
            Unproven::NotFound => Unproven::NotFound,
            Unproven::Disagreement { asked, answered } => Unproven::Disagreement { asked, answered },
            Unproven::Undecided { digest, tally, cause } => Unproven::Undecided { digest, tally, cause },
            Unproven::Spent { digest, tally, spent } => Unproven::Spent { digest, tally, spent },
        }
    }
}

/// A verification that failed. The denial is certain. The reason for which signatures are missing may still have to be found.
pub type Failure<'r> = Unproven<Missing<'r>>;

/// What is known when too few have signed, by the type of the validator.
pub enum Missing<'r> {
    /// Signatures of cosign are missing.
    Cosign(Box<CosignMissing<'r>>),
}

impl Failure<'_> {
    /// Who signed the digest, if an index that lists it may be proven in its place. A trust root that does not count now does not count for an index either.
    pub(super) fn tally_before_an_index(&self) -> Option<&Tally> {
        match self {
            Unproven::NotSigned(Missing::Cosign(missing)) if matches!(missing.found.signatures, Signed::NotNow) => None,
            Unproven::NotSigned(Missing::Cosign(missing)) => Some(&missing.tally),
            Unproven::NotAttested(NotAttested { tally, .. }) => Some(tally),
            // Evidence of the digest itself that cannot be read says nothing about the index.
            Unproven::Undecided { tally, cause: Cause::LargeAttestation | Cause::TooMuchEvidence, .. } => Some(tally),
            Unproven::NotFound
            | Unproven::Disagreement { .. }
            | Unproven::Undecided { .. }
            | Unproven::Spent { .. } => None,
        }
    }
}

/// What is known when too few have signed with cosign.
pub struct CosignMissing<'r> {
    pub(crate) image: &'r ImageRef,
    pub(crate) requirement: &'r CosignRequirement,
    pub(crate) now: UnixTime,
    /// The digest that was judged, if it is known.
    pub(crate) digest: Option<Digest>,
    pub(crate) tally: Tally,
    /// The trust roots that certainly did not sign.
    pub(crate) roots: Vec<&'r TrustRoot>,
    pub(crate) found: Found,
    /// The check that the likeliest signature of a trust root failed.
    pub(crate) errors: BTreeMap<&'r TrustRootName, VerificationError>,
}

/// What was found in the two manifests of an image that hold signatures.
pub(crate) struct Found {
    pub(crate) signatures: Signed,
    pub(crate) evidence: Evidence,
}

/// What was found under the tag of the evidence manifest.
pub(crate) enum Evidence {
    /// An evidence manifest. Each item is a document about the image, or there is a reason for which it is none.
    Documents(Vec<Result<Document, NoSignature>>),
    /// The registry has no such tag.
    Nothing,
    /// Something that is not an evidence manifest of a known version.
    Unusable(UnusableEvidence),
}

/// What was found under the tag of the signature manifest.
pub(crate) enum Signed {
    /// A signature manifest, which may be empty, and the payloads that the rule accepts.
    Signatures(Signatures, Payloads),
    /// The registry has no such tag.
    Nothing,
    /// Something that is not a signature manifest.
    Unusable(Unusable),
    /// The registry was not asked, because too few trust roots count at this time.
    NotNow,
}

impl Signed {
    /// The signatures of the signature manifest. There are none if there is no such manifest.
    pub(crate) fn layers(&self) -> &[Layer] {
        match self {
            Signed::Signatures(signatures, _) => &signatures.layers,
            Signed::Nothing | Signed::Unusable(_) | Signed::NotNow => &[],
        }
    }

    /// The payload that a signature covers, if the rule accepts it.
    pub(crate) fn accepted(&self, layer: &Layer) -> Option<&Payload> {
        match self {
            Signed::Signatures(_, payloads) => payloads.get(&layer.payload),
            Signed::Nothing | Signed::Unusable(_) | Signed::NotNow => None,
        }
    }
}

impl Evidence {
    /// The items that are signatures of the image.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &SignatureDocument> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Signature(document)) => Some(document),
            Ok(Document::Attestation(_) | Document::Large(_)) | Err(_) => None,
        })
    }

    /// The items that are attestations about the image.
    pub(crate) fn attestations(&self) -> impl Iterator<Item = &Attestation> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Attestation(attestation)) => Some(attestation),
            Ok(Document::Signature(_) | Document::Large(_)) | Err(_) => None,
        })
    }

    /// The documents that were not read, because they are not in the evidence manifest itself.
    pub(crate) fn large(&self) -> impl Iterator<Item = &LargeDocument> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Large(document)) => Some(document),
            Ok(Document::Signature(_) | Document::Attestation(_)) | Err(_) => None,
        })
    }

    /// The reasons for which the other items are not signatures of the image.
    pub(crate) fn others(&self) -> impl Iterator<Item = NoSignature> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Signature(_)) => None,
            Ok(Document::Attestation(attestation)) => {
                Some(NoSignature::Attestation(attestation.predicate_type.clone()))
            }
            Ok(Document::Large(_)) => Some(NoSignature::Large),
            Err(reason) => Some(reason.clone()),
        })
    }

    fn items(&self) -> &[Result<Document, NoSignature>] {
        match self {
            Evidence::Documents(items) => items,
            Evidence::Nothing | Evidence::Unusable(_) => &[],
        }
    }
}

impl Default for Found {
    fn default() -> Found {
        Found { signatures: Signed::Nothing, evidence: Evidence::Nothing }
    }
}

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
        match resolved.map_or_else(|| budget.digest(&self.case.image.to_string()), Ok)? {
            Ok(digest) => Ok(*self.digest.insert(digest)),
            Err(error) if error.cause == Cause::NotFound => {
                // An image that exists costs a call for its signatures and one for its evidence, too. So whoever counts host calls does not learn that it is missing.
                if self.ballot.is_some() {
                    budget.charge()?;
                }
                budget.charge()?;
                Err(Stop::Failed(Unproven::NotFound))
            }
            Err(error) => Err(self.undecided(error.cause)),
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
        let signed: BTreeSet<&TrustRootName> =
            set(tally.signed.iter().chain(attested.iter().flat_map(|attested| &attested.signed)));
        let roots = self.case.requirement.all_roots().filter(|root| signed.contains(&root.name));
        let leaving: BTreeMap<TrustRootName, UnixTime> =
            map(roots.filter_map(|root| Some((root.name.clone(), root.period.end?))));
        let leaving = leaving.into_iter().collect();
        let mut sources = self.ballot.take().map(|ballot| ballot.sources).unwrap_or_default();
        if !attested.is_empty() {
            sources.insert(Source::EvidenceManifest);
        }
        Verified { image: self.case.image.clone(), digest, index: None, leaving, tally, attested, sources }
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
