//! Have enough trust roots signed what this image names?
//!
//! The guest looks first: the image's digest, its signature manifest, and every signature in it whose payload can be written again. That takes two requests to the
//! registry and tells most of what there is to tell. The host reads payloads, which a guest can't, and takes ten requests for it; so it is asked only about keys,
//! where there is something that the guest could not read, and never where a rule names identities or wants a log entry, which the host does not look at.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Budget, Pinned, Prover, PublicKey, Quorum, Requirement, Signer, Standing, Step, Tally, TrustRoot, Unproven, Vote,
    budget::TimeIsUp,
    index,
    shortfall::{Failure, Missing, Shortfall, guesses, not_now},
    signature::Trial,
    sigstore::{Evidence, Layer, Signatures, Unread, Unusable, signature_tag},
};
use crate::{
    host::{Cause, HostError},
    image::{Digest, ImageRef},
};

/// Most layers of a manifest that the host is asked to read: it fetches them all, and can't be stopped.
const MAX_FETCHED: usize = 20;

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
                Err(Failure::Told(told @ (Unproven::Undecided { .. } | Unproven::OutOfTime { .. }))) => Err(told),
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
        Err(Stop::TimeIsUp) => Err(Failure::Told(Unproven::OutOfTime { tally: proof.quorum.tally() })),
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
    TimeIsUp,
    Failed(Failure<'r>),
}

impl<'r> Stop<'r> {
    fn told(unproven: Unproven) -> Stop<'r> {
        Stop::Failed(Failure::Told(unproven))
    }
}

impl From<TimeIsUp> for Stop<'_> {
    fn from(TimeIsUp: TimeIsUp) -> Self {
        Stop::TimeIsUp
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
    /// It could not look.
    Blocked(Cause),
}

/// What the guest could not read.
enum Beyond<'s> {
    /// There is nothing more, or nothing that the host would tell.
    Nothing,
    /// Nobody can tell.
    Untold(Cause),
    /// The payloads of these.
    Payloads(Vec<Trial<'s>>),
    /// Everything: it could not look.
    Everything,
}

/// What the host said of those who did not sign.
#[derive(Default)]
struct Said {
    /// Of the last one who did not.
    refusal: Option<Cause>,
    /// What kept it from telling.
    obstacle: Option<Cause>,
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
        let said = match self.quorum.standing() {
            Standing::Open => self.settle(&sight, budget)?,
            Standing::Met | Standing::Lost => Said::default(),
        };
        let tally = self.quorum.tally();
        match (self.quorum.standing(), self.digest, said.obstacle) {
            (Standing::Met, Some(digest), _) => {
                let signed = |root: &&&TrustRoot| tally.signed.contains(&root.name);
                let leaving =
                    self.roots.iter().filter(signed).filter_map(|root| Some((root.name.clone(), root.period.end?)));
                let leaving = leaving.collect();
                let (image, provers) = (self.image.clone(), std::mem::take(&mut self.provers));
                Ok(Verified { image, digest, index: None, leaving, tally, provers })
            }
            (Standing::Open, _, Some(cause)) => Err(Stop::told(Unproven::Undecided { tally, cause })),
            _ => Err(Stop::Failed(Failure::Missing(Box::new(self.missing(sight, tally, said.refusal))))),
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
                Err(error) if error.cause == Cause::NotFound => return Err(Stop::told(Unproven::NotFound)),
                Err(error) => return Ok(Sight::Blocked(error.cause)),
            },
        };
        Ok(match budget.manifest(&self.image.with_tag(&signature_tag(digest)))? {
            Ok(json) => match Signatures::read(&json) {
                Ok(signatures) => {
                    self.check(&signatures, digest, budget)?;
                    Sight::Signatures(digest, signatures)
                }
                Err(Unread::Unusable(unusable)) => Sight::Unusable(unusable),
                Err(Unread::TooMany) => Sight::Blocked(Cause::TooMany),
            },
            Err(error) if error.cause == Cause::NotFound => Sight::Nothing(digest),
            Err(error) => Sight::Blocked(error.cause),
        })
    }

    /// Votes for every trust root that made one of these signatures over a payload that this rule accepts.
    fn check(&mut self, signatures: &Signatures, digest: Digest, budget: &Budget<'_>) -> Result<(), TimeIsUp> {
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
    ) -> Result<(), TimeIsUp> {
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
    ) -> Result<(), TimeIsUp> {
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

    /// Settles what the guest's look left open.
    fn settle(&mut self, sight: &Sight, budget: &mut Budget<'_>) -> Result<Said, Stop<'r>> {
        // What only the guest proves is settled by its look.
        let (vote, obstacle) = match sight {
            Sight::Blocked(cause) => (Vote::Undecided, Some(*cause)),
            Sight::Signatures(..) | Sight::Nothing(_) | Sight::Unusable(_) => (Vote::Missing, None),
        };
        for root in self.roots.iter().filter(|root| self.requirement.hosts_key(root).is_none()) {
            self.quorum.vote(&root.name, vote.clone());
        }
        if !self.roots.iter().any(|root| self.quorum.awaits(&root.name)) {
            return Ok(Said { refusal: None, obstacle });
        }
        let said = match self.beyond(sight) {
            Beyond::Nothing => self.all_others(Vote::Missing, None),
            Beyond::Untold(cause) => self.all_others(Vote::Undecided, Some(cause)),
            Beyond::Payloads(trials) => {
                for root in self.roots.clone() {
                    if self.quorum.standing() != Standing::Open {
                        break;
                    }
                    let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
                    if !may_have_signed(key, &trials, budget)? {
                        self.quorum.vote(&root.name, Vote::Missing);
                    }
                }
                match sight {
                    Sight::Signatures(_, signatures)
                        if self.quorum.standing() == Standing::Open && signatures.all > MAX_FETCHED =>
                    {
                        self.all_others(Vote::Undecided, Some(Cause::TooMany))
                    }
                    _ => self.ask_host(sight, budget)?,
                }
            }
            Beyond::Everything => self.ask_host(sight, budget)?,
        };
        Ok(Said { obstacle: said.obstacle.or(obstacle), ..said })
    }

    /// Is there something that the host could read and the guest could not?
    fn beyond<'s>(&self, sight: &'s Sight) -> Beyond<'s> {
        match sight {
            Sight::Signatures(digest, signatures) => {
                let accepted = self.requirement.payloads(self.image, *digest);
                let guesses = guesses(self.image, self.requirement, *digest);
                let is_unknown =
                    |layer: &&Layer| !accepted.contains_key(&layer.payload) && !guesses.contains_key(&layer.payload);
                let unknown = signatures.layers.iter().filter(is_unknown);
                let trials: Vec<Trial<'_>> = unknown.map(|layer| Trial::new(layer.payload, &layer.signature)).collect();
                match trials.len() {
                    0 => Beyond::Nothing,
                    1..=MAX_TOLD => Beyond::Payloads(trials),
                    _ => Beyond::Untold(Cause::TooMany),
                }
            }
            Sight::Nothing(_) | Sight::Unusable(_) => Beyond::Nothing,
            // The host may remember, or reach the registry in another way. With other credentials, or more patience, it would not.
            Sight::Blocked(Cause::Unavailable | Cause::Forbidden) => Beyond::Everything,
            Sight::Blocked(cause) => Beyond::Untold(*cause),
        }
    }

    fn all_others(&mut self, vote: Vote, obstacle: Option<Cause>) -> Said {
        for root in &self.roots {
            self.quorum.vote(&root.name, vote.clone());
        }
        Said { refusal: None, obstacle }
    }

    /// Asks the host about everybody whose signature was not seen, no more often than the answer needs.
    fn ask_host(&mut self, sight: &Sight, budget: &mut Budget<'_>) -> Result<Said, Stop<'r>> {
        let mut said = Said::default();
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
            let asked = self.digest.map_or_else(|| self.image.to_string(), |digest| self.image.by_digest(digest));
            match budget.verify(&asked, &root.name, key, &self.requirement.annotations)? {
                Ok(answered) => {
                    let asked = *self.digest.get_or_insert(answered);
                    if asked != answered {
                        return Err(Stop::told(Unproven::Disagreement { asked, answered }));
                    }
                    self.voted(root, Signer::of_key(key), Prover::Host);
                }
                Err(error) => match error.cause {
                    Cause::NotFound if self.digest.is_none() => return Err(Stop::told(Unproven::NotFound)),
                    cause @ (Cause::Elsewhere | Cause::Mismatch) => {
                        said.refusal = Some(cause);
                        self.quorum.vote(&root.name, Vote::Missing);
                    }
                    cause => {
                        said.obstacle = Some(match (cause, sight) {
                            // The host says "no signatures" where it could not fetch them. Either we could not look ourselves,
                            // or saw some.
                            (Cause::Unsigned, Sight::Blocked(cause)) => *cause,
                            // It does not have a digest that is the registry's own.
                            (Cause::Unsigned | Cause::NotFound, _) => Cause::Unavailable,
                            (cause, _) => cause,
                        });
                        self.quorum.vote(&root.name, Vote::Undecided);
                    }
                },
            }
        }
        Ok(said)
    }

    fn missing(&mut self, sight: Sight, tally: Tally, said: Option<Cause>) -> Missing<'r> {
        let roots = self.roots.iter().copied().filter(|root| self.quorum.misses(&root.name)).collect();
        let (image, requirement, now) = (self.image, self.requirement, self.now);
        Missing { image, requirement, now, tally, roots, sight, said, steps: std::mem::take(&mut self.steps) }
    }
}

/// Can one of these signatures be by `key`? Most keys sign the hash by which a manifest names the payload, so that it need not be known.
fn may_have_signed(key: &PublicKey, trials: &[Trial<'_>], budget: &Budget<'_>) -> Result<bool, TimeIsUp> {
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
