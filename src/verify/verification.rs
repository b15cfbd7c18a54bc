//! How is one digest verified, and what is known when that fails?

use std::collections::{BTreeMap, BTreeSet};

use super::{Budget, Payloads, Quorum, Requirement, Spent, Standing, Tally, TrustRoot, TrustRootName, Vote};
use crate::{
    evidence::{
        Claim, Document, NoSignature, Source, Unusable, UnusableEvidence,
        cosign::{Layer, Payload, Signatures},
    },
    host::{Cause, HostError},
    image::{Digest, ImageRef},
    sigstore::VerificationError,
    time::UnixTime,
};

/// A digest that enough trust roots signed. There is no other way to get one than to have [`super::verify`] prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    image: ImageRef,
    digest: Digest,
    index: Option<Digest>,
    tally: Tally,
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
            Unproven::NotFound => Unproven::NotFound,
            Unproven::Disagreement { asked, answered } => Unproven::Disagreement { asked, answered },
            Unproven::Undecided { digest, tally, cause } => Unproven::Undecided { digest, tally, cause },
            Unproven::Spent { digest, tally, spent } => Unproven::Spent { digest, tally, spent },
        }
    }
}

/// A verification that failed. The denial is certain. The reason for which signatures are missing may still have to be found.
pub type Failure<'r> = Unproven<Box<Missing<'r>>>;

/// What is known when too few have signed.
pub struct Missing<'r> {
    pub(crate) image: &'r ImageRef,
    pub(crate) requirement: &'r Requirement,
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
    /// An evidence manifest. Each item holds a signature, or there is a reason for which it does not.
    Documents(Vec<(Option<Digest>, Result<Document, NoSignature>)>),
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
    /// The signatures.
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
    pub(crate) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.items().iter().filter_map(|(_, document)| document.as_ref().ok())
    }

    /// The reasons for which the other items are not signatures of the image.
    pub(crate) fn others(&self) -> impl Iterator<Item = &NoSignature> {
        self.items().iter().filter_map(|(_, document)| document.as_ref().err())
    }

    fn items(&self) -> &[(Option<Digest>, Result<Document, NoSignature>)] {
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
    pub(super) image: &'r ImageRef,
    pub(super) requirement: &'r Requirement,
    pub(super) now: UnixTime,
    /// The required trust roots come first, because without them there is no need to look at the others. Those that will not count for long come last.
    pub(super) roots: Vec<&'r TrustRoot>,
    pub(super) quorum: Quorum<'r>,
    digest: Option<Digest>,
    sources: BTreeSet<Source>,
    errors: BTreeMap<&'r TrustRootName, VerificationError>,
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
    /// Proves that enough trust roots signed exactly the digest of `image`.
    pub(super) fn of(
        image: &'r ImageRef,
        requirement: &'r Requirement,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Verified, Failure<'r>> {
        let mut verification = Verification::new(image, requirement, budget.now());
        verification.run(resolved, budget).map_err(|stop| match stop {
            Stop::Failed(failure) => failure,
            Stop::Spent(spent) => {
                Unproven::Spent { digest: verification.digest, tally: verification.quorum.tally().into(), spent }
            }
        })
    }

    fn new(image: &'r ImageRef, requirement: &'r Requirement, now: UnixTime) -> Verification<'r> {
        let mut roots: Vec<&TrustRoot> = requirement.roots.iter().collect();
        roots.sort_by_key(|root| (!requirement.required.contains(&root.name), root.period.end.is_some()));
        let names = requirement.roots.iter().map(|root| &root.name);
        let mut quorum = Quorum::new(requirement.threshold, &requirement.required, names);
        for root in roots.iter().filter(|root| !root.period.contains(now)) {
            quorum.vote(&root.name, Vote::Missing);
        }
        let (digest, sources, errors) = (image.digest(), BTreeSet::new(), BTreeMap::new());
        Verification { image, requirement, now, roots, quorum, digest, sources, errors }
    }

    fn run(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Verified, Stop<'r>> {
        if self.quorum.standing() == Standing::Lost {
            return Err(self.missing(Found { signatures: Signed::NotNow, ..Found::default() }));
        }
        let digest = self.resolve(resolved, budget)?;
        let mut found = Found::default();
        if self.requirement.cosign.evidence.first {
            found.evidence = self.evidence_manifest(digest, budget)?;
        }
        if self.quorum.standing() == Standing::Open {
            found.signatures = self.signature_manifest(digest, budget)?;
        }
        if self.quorum.standing() == Standing::Open && !self.requirement.cosign.evidence.first {
            found.evidence = self.evidence_manifest(digest, budget)?;
        }
        match (self.quorum.standing(), &found.signatures) {
            (Standing::Met | Standing::Lost, _) => {}
            (Standing::Open, Signed::Signatures(signatures, payloads)) => {
                self.policy_server(signatures, payloads, digest, budget)?;
            }
            (Standing::Open, _) => self.vote_for_all_others(&Vote::Missing),
        }
        match self.quorum.standing() {
            Standing::Met => Ok(self.verified(digest)),
            Standing::Lost | Standing::Open => Err(self.missing(found)),
        }
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
        match resolved.map_or_else(|| budget.digest(&self.image.to_string()), Ok)? {
            Ok(digest) => Ok(*self.digest.insert(digest)),
            Err(error) if error.cause == Cause::NotFound => {
                // An image that exists costs a call for its signatures and one for its evidence, too. So whoever counts host calls does not learn that it is missing.
                budget.charge()?;
                budget.charge()?;
                Err(Stop::Failed(Unproven::NotFound))
            }
            Err(error) => Err(self.undecided(error.cause)),
        }
    }

    /// Counts what a claim proves for this trust root.
    pub(super) fn count(&mut self, root: &'r TrustRoot, claim: Claim) {
        self.sources.insert(claim.source);
        self.quorum.vote(&root.name, Vote::Signed(claim.signer));
    }

    /// Notes the check that a signature failed, unless another signature of this trust root passed more checks.
    pub(super) fn note(&mut self, root: &'r TrustRoot, error: VerificationError) {
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

    /// Ends the verification, because a manifest with signatures could not be fetched.
    pub(super) fn unreachable(&mut self, cause: Cause) -> Stop<'r> {
        // The registry itself has just told the digest, so it can be reached, and it has the image.
        let has_image = self.image.digest().is_none() && self.requirement.cosign.evidence.repository.is_none();
        self.undecided(if cause == Cause::Wordless && has_image { Cause::WordlessSignatures } else { cause })
    }

    /// Ends the verification, because nobody can tell whether the remaining trust roots signed.
    pub(super) fn undecided(&mut self, cause: Cause) -> Stop<'r> {
        self.vote_for_all_others(&Vote::Undecided);
        Stop::Failed(Unproven::Undecided { digest: self.digest, tally: self.quorum.tally().into(), cause })
    }

    fn verified(&mut self, digest: Digest) -> Verified {
        let tally = self.quorum.tally();
        let signed = self.roots.iter().filter(|root| tally.signed.contains(&root.name));
        let leaving = signed.filter_map(|root| Some((root.name.clone(), root.period.end?))).collect();
        let (image, sources) = (self.image.clone(), std::mem::take(&mut self.sources));
        Verified { image, digest, index: None, leaving, tally, sources }
    }

    fn missing(&mut self, found: Found) -> Stop<'r> {
        let roots = self.roots.iter().copied().filter(|root| self.quorum.misses(&root.name)).collect();
        let (image, requirement, now, digest) = (self.image, self.requirement, self.now, self.digest);
        let (tally, errors) = (self.quorum.tally(), std::mem::take(&mut self.errors));
        let missing = Missing { image, requirement, now, digest, tally, roots, found, errors };
        Stop::Failed(Unproven::NotSigned(Box::new(missing)))
    }
}
