//! Have enough trust roots signed what this image names?
//!
//! The guest proves: it looks at the image's digest, its signature manifest, and every signature in it whose payload it can reconstruct. That takes two
//! requests to the registry. If the settings have `askHost`, it asks the host about keys that may have signed other payloads, unless the host would have to
//! download too much.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Budget, Pinned, Prover, PublicKey, Quorum, Requirement, Signer, Standing, Step, Tally, TrustRoot, Unproven, Vote,
    budget::Spent,
    index,
    shortfall::{Failure, Missing, Shortfall, guesses, not_now},
    signature::Trial,
    sigstore::{Evidence, Layer, Signatures, Unread, Unusable, signature_tag},
};
use crate::{
    host::{Cause, HostError},
    image::{Digest, ImageRef},
};

/// Most signatures over unknown payloads of which it is told whose they can be.
const MAX_TOLD: usize = 100;

/// A digest that enough trust roots signed. There is no other way to get one than to have [`prove`] prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    image: ImageRef,
    digest: Digest,
    /// The index that was signed, if the digest is only listed in one.
    index: Option<Digest>,
    tally: Tally,
    provers: BTreeSet<Prover>,
    leaving: Vec<(String, Duration)>,
}

impl Verified {
    /// `image` with the digest that was signed; `None` if it is not the image that this is the proof of.
    #[must_use]
    pub fn pin(&self, image: &ImageRef) -> Option<Pinned> {
        (self.image == *image).then(|| Pinned(image.pinned(self.digest)))
    }

    /// What runs. It was signed, or is listed in the index that was.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The index that was signed, if the digest itself was not.
    #[must_use]
    pub fn index(&self) -> Option<Digest> {
        self.index
    }

    /// The trust roots without which it would not have been enough, and which will not count for long: until when they do.
    #[must_use]
    pub fn leaving(&self) -> &[(String, Duration)] {
        &self.leaving
    }

    /// By whom.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Who saw it.
    #[must_use]
    pub fn provers(&self) -> &BTreeSet<Prover> {
        &self.provers
    }
}

/// Proves that enough trust roots signed what `image` names.
///
/// A tag is resolved once: here, unless the answer is at hand (`resolved`). From then on its digest is what is asked about, so that a tag which
/// moves meanwhile changes nothing. Where a reference has both and its digest is not signed, the index behind the tag may be, and list it.
///
/// # Errors
/// When too few signed, when it can't be told, or when the answers don't agree. What is certain can be explained later.
pub fn prove<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    match (signed(image, requirement, resolved, budget), image.tag(), image.digest()) {
        (Err(Failure::Missing(missing)), Some(tag), Some(digest)) => {
            let proven = |image: &ImageRef, budget: &mut Budget<'_>| match signed(image, requirement, None, budget) {
                Ok(verified) => Ok(Some(verified)),
                Err(Failure::Told(told @ (Unproven::Undecided { .. } | Unproven::Spent { .. }))) => Err(told),
                Err(Failure::Told(_) | Failure::Missing(_)) => Ok(None),
            };
            match index::behind(image, tag, digest, &missing.tally, budget, proven) {
                Ok(Some(verified)) => {
                    Ok(Verified { image: image.clone(), digest, index: Some(verified.digest), ..verified })
                }
                Ok(None) => Err(Failure::Missing(missing)),
                Err(untold) => Err(Failure::Told(untold)),
            }
        }
        (result, ..) => result,
    }
}

/// Proves that enough trust roots signed the very digest.
fn signed<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    let mut proof = Proof::new(image, requirement, budget.now());
    match proof.run(resolved, budget) {
        Ok(verified) => Ok(verified),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Spent(spent)) => Err(Failure::Told(Unproven::Spent { tally: proof.quorum.tally(), spent })),
    }
}

/// A proof on its way.
struct Proof<'r> {
    image: &'r ImageRef,
    requirement: &'r Requirement,
    now: Duration,
    /// Those who have to sign come first, because without them there is no need to look at the others; those who will not count for long come last.
    roots: Vec<&'r TrustRoot>,
    quorum: Quorum<'r>,
    digest: Option<Digest>,
    provers: BTreeSet<Prover>,
    /// How far the signatures came that are none of a trust root's.
    steps: BTreeMap<&'r str, Step>,
}

/// Why a proof ends early.
enum Stop<'r> {
    Spent(Spent),
    Failed(Failure<'r>),
}

impl<'r> Stop<'r> {
    fn told(unproven: Unproven) -> Stop<'r> {
        Stop::Failed(Failure::Told(unproven))
    }
}

impl From<Spent> for Stop<'_> {
    fn from(spent: Spent) -> Self {
        Stop::Spent(spent)
    }
}

/// What the guest saw beside an image.
pub(super) enum Sight {
    /// Signatures of this digest.
    Signatures(Digest, Signatures),
    /// No signature manifest of this digest.
    Nothing(Digest),
    /// Something that is none.
    Unusable(Unusable),
}

impl<'r> Proof<'r> {
    fn new(image: &'r ImageRef, requirement: &'r Requirement, now: Duration) -> Proof<'r> {
        let mut roots: Vec<&TrustRoot> = requirement.roots.iter().collect();
        roots.sort_by_key(|root| (!requirement.required.contains(&root.name), root.period.end.is_some()));
        let names = requirement.roots.iter().map(|root| root.name.as_str());
        let mut quorum = Quorum::new(requirement.threshold, requirement.required.iter().map(String::as_str), names);
        for root in roots.iter().filter(|root| !root.period.contains(now)) {
            quorum.vote(&root.name, Vote::Missing);
        }
        let (digest, provers, steps) = (image.digest(), BTreeSet::new(), BTreeMap::new());
        Proof { image, requirement, now, roots, quorum, digest, provers, steps }
    }

    fn run(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Verified, Stop<'r>> {
        if self.quorum.standing() == Standing::Lost {
            let shortfall = Box::new(Shortfall::NotNow(not_now(&self.roots, self.now)));
            return Err(Stop::told(Unproven::NotSigned { tally: self.quorum.tally(), shortfall }));
        }
        let sight = self.look(resolved, budget)?;
        match &sight {
            Sight::Signatures(digest, signatures) if self.quorum.standing() == Standing::Open => {
                self.settle(signatures, *digest, budget)?;
            }
            Sight::Signatures(..) => {}
            Sight::Nothing(_) | Sight::Unusable(_) => self.all_others(&Vote::Missing),
        }
        match (self.quorum.standing(), self.digest) {
            (Standing::Met, Some(digest)) => {
                let tally = self.quorum.tally();
                let signed = |root: &&&TrustRoot| tally.signed.contains(&root.name);
                let leaving =
                    self.roots.iter().filter(signed).filter_map(|root| Some((root.name.clone(), root.period.end?)));
                let leaving = leaving.collect();
                let (image, provers) = (self.image.clone(), std::mem::take(&mut self.provers));
                Ok(Verified { image, digest, index: None, leaving, tally, provers })
            }
            _ => Err(Stop::Failed(Failure::Missing(Box::new(self.missing(sight))))),
        }
    }

    /// The guest's own look, and a vote for everybody whose signature it saw.
    fn look(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Sight, Stop<'r>> {
        let digest = match self.digest {
            Some(digest) => digest,
            None => match resolved.map_or_else(|| budget.digest(&self.image.to_string()), Ok)? {
                Ok(digest) => *self.digest.insert(digest),
                Err(error) if error.cause == Cause::NotFound => {
                    // As for an image that is there: one call for its digest, and one for its signatures.
                    budget.charge()?;
                    return Err(Stop::told(Unproven::NotFound));
                }
                Err(error) => return Err(self.undecided(error.cause)),
            },
        };
        match budget.manifest(&self.image.with_tag(&signature_tag(digest)))? {
            Ok(json) => match Signatures::read(&json) {
                Ok(signatures) => {
                    self.check(&signatures, digest, budget)?;
                    Ok(Sight::Signatures(digest, signatures))
                }
                Err(Unread::Unusable(unusable)) => Ok(Sight::Unusable(unusable)),
                Err(Unread::TooMany) => Err(self.undecided(Cause::TooMany)),
            },
            Err(error) if error.cause == Cause::NotFound => Ok(Sight::Nothing(digest)),
            // The registry itself has just told the digest, so it can be reached, and it has the image.
            Err(error) if error.cause == Cause::Wordless && self.image.digest().is_none() => {
                Err(self.undecided(Cause::WordlessSignatures))
            }
            Err(error) => Err(self.undecided(error.cause)),
        }
    }

    /// Records a "could not tell" vote for every trust root without a vote.
    fn undecided(&mut self, cause: Cause) -> Stop<'r> {
        self.all_others(&Vote::Undecided);
        Stop::told(Unproven::Undecided { tally: self.quorum.tally(), cause })
    }

    /// Votes for every trust root that made one of these signatures over a payload that this rule accepts.
    fn check(&mut self, signatures: &Signatures, digest: Digest, budget: &Budget<'_>) -> Result<(), Spent> {
        let payloads = self.requirement.payloads(self.image, digest);
        // The newest is the last, and the likeliest to be wanted.
        let evidence: Vec<Evidence<'_>> = (signatures.layers.iter().rev())
            .filter_map(|layer| Some(Evidence::new(layer, payloads.get(&layer.payload)?)))
            .collect();
        // A signature is by one key, so one that was told is not tried with another.
        let mut unclaimed: Vec<&Evidence<'_>> = evidence.iter().collect();
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            if !self.quorum.awaits(&root.name) {
                continue;
            }
            match root.key() {
                Some(key) => self.check_key(root, key, &mut unclaimed, budget)?,
                None => self.check_certificates(root, &evidence, budget)?,
            }
        }
        Ok(())
    }

    fn check_key(
        &mut self,
        root: &'r TrustRoot,
        key: &PublicKey,
        unclaimed: &mut Vec<&Evidence<'_>>,
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        for (at, evidence) in unclaimed.iter().enumerate() {
            budget.tick()?;
            if !evidence.is_signed_with(key) {
                continue;
            }
            let logged = match self.requirement.in_log {
                true => evidence.is_logged(key, &self.requirement.trusted_root.tlogs),
                false => Ok(()),
            };
            match logged {
                Ok(()) => {
                    self.voted(root, Signer::of_key(key), Prover::SignatureManifest);
                    unclaimed.remove(at);
                    break;
                }
                Err(step) => self.failed(root, step),
            }
        }
        Ok(())
    }

    /// Looks at every certificate, until there are enough signers: two of them may fit this root, of which one is needed for another.
    fn check_certificates(
        &mut self,
        root: &'r TrustRoot,
        evidence: &[Evidence<'_>],
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let Some((holder, demands)) = self.requirement.demands(root, self.now) else { return Ok(()) };
        for evidence in evidence {
            if self.quorum.standing() == Standing::Met {
                break;
            }
            budget.tick()?;
            let signer = match evidence.leaf() {
                None => continue,
                Some(leaf) => leaf.and_then(|leaf| {
                    holder.holds(leaf)?;
                    let signer = leaf.signer(holder);
                    if self.quorum.knows(&root.name, &signer) {
                        return Ok(None);
                    }
                    evidence.is_issued(leaf, demands)?;
                    Ok(Some(signer))
                }),
            };
            match signer {
                Ok(Some(signer)) => self.voted(root, signer, Prover::SignatureManifest),
                Ok(None) => {}
                Err(step) => self.failed(root, step),
            }
        }
        Ok(())
    }

    fn voted(&mut self, root: &'r TrustRoot, signer: Signer, prover: Prover) {
        self.quorum.vote(&root.name, Vote::Signed(signer));
        self.provers.insert(prover);
    }

    /// Notes how far a signature came, if none came further.
    fn failed(&mut self, root: &'r TrustRoot, step: Step) {
        let furthest = self.steps.entry(&root.name).or_insert_with(|| step.clone());
        if *furthest < step {
            *furthest = step;
        }
    }

    /// Decides the trust roots that are still open after the guest has checked these signatures.
    fn settle(&mut self, signatures: &Signatures, digest: Digest, budget: &mut Budget<'_>) -> Result<(), Stop<'r>> {
        // What only the guest proves is settled by its look.
        let unread = self.unread(signatures, digest);
        for root in self.roots.iter().filter(|root| unread.is_empty() || self.requirement.hosts_key(root).is_none()) {
            self.quorum.vote(&root.name, Vote::Missing);
        }
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open || unread.len() > MAX_TOLD {
                break;
            }
            let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
            if !may_have_signed(key, &unread, budget)? {
                self.quorum.vote(&root.name, Vote::Missing);
            }
        }
        match self.quorum.standing() {
            Standing::Met | Standing::Lost => Ok(()),
            Standing::Open if unread.len() > MAX_TOLD => Err(self.undecided(Cause::TooMany)),
            Standing::Open => self.ask_host(signatures, digest, budget),
        }
    }

    /// The signatures over payloads that the guest cannot write again.
    fn unread<'s>(&self, signatures: &'s Signatures, digest: Digest) -> Vec<Trial<'s>> {
        let accepted = self.requirement.payloads(self.image, digest);
        let guesses = guesses(self.image, self.requirement, digest);
        let is_unread =
            |layer: &&Layer| !accepted.contains_key(&layer.payload) && !guesses.contains_key(&layer.payload);
        let unread = signatures.layers.iter().filter(is_unread);
        unread.map(|layer| Trial::new(layer.payload, &layer.signature)).collect()
    }

    fn all_others(&mut self, vote: &Vote) {
        for root in &self.roots {
            self.quorum.vote(&root.name, vote.clone());
        }
    }

    /// Asks the host about each key that may have signed, until the quorum is decided.
    fn ask_host(&mut self, signatures: &Signatures, digest: Digest, budget: &mut Budget<'_>) -> Result<(), Stop<'r>> {
        let (mut obstacle, mut questions) = (None, 0);
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
            // The host downloads everything again for each key.
            questions += 1;
            if let Some(cause) = signatures.download.too_much(questions) {
                return Err(self.undecided(cause));
            }
            let asked = self.image.by_digest(digest);
            match budget.verify(&asked, &root.name, key, &self.requirement.annotations)? {
                Ok(answered) if answered == digest => self.voted(root, Signer::of_key(key), Prover::Host),
                Ok(answered) => return Err(Stop::told(Unproven::Disagreement { asked: digest, answered })),
                Err(error) if matches!(error.cause, Cause::Elsewhere | Cause::Mismatch) => {
                    self.quorum.vote(&root.name, Vote::Missing);
                }
                Err(error) => {
                    obstacle = Some(match error.cause {
                        // The host says so also when it could not download the signatures that the guest saw.
                        Cause::Unsigned | Cause::NotFound => Cause::Unavailable,
                        cause => cause,
                    });
                    self.quorum.vote(&root.name, Vote::Undecided);
                }
            }
        }
        match (self.quorum.standing(), obstacle) {
            (Standing::Open, Some(cause)) => Err(self.undecided(cause)),
            _ => Ok(()),
        }
    }

    fn missing(&mut self, sight: Sight) -> Missing<'r> {
        let roots = self.roots.iter().copied().filter(|root| self.quorum.misses(&root.name)).collect();
        let (image, requirement, now) = (self.image, self.requirement, self.now);
        let tally = self.quorum.tally();
        Missing { image, requirement, now, tally, roots, sight, steps: std::mem::take(&mut self.steps) }
    }
}

/// Can one of these signatures be by `key`? Most keys sign the hash by which a manifest names the payload, so that it need not be known.
fn may_have_signed(key: &PublicKey, trials: &[Trial<'_>], budget: &Budget<'_>) -> Result<bool, Spent> {
    if !key.signs_sha256_only() {
        return Ok(true);
    }
    for trial in trials {
        budget.tick()?;
        if trial.is_of_hash(key) {
            return Ok(true);
        }
    }
    Ok(false)
}
