//! Have enough trust roots signed what this image names?
//!
//! The guest looks first: the image's digest, its signature manifest, and every signature in it whose payload can be written again. That takes two requests to the
//! registry and tells most of what there is to tell. The host reads payloads, which a guest can't, and takes ten requests for it; so it is asked only where there
//! is something that the guest could not read, and never where a rule names identities, which the host does not look at.

use std::collections::BTreeSet;

use super::{
    Budget, Pinned, Prover, Quorum, Requirement, Standing, Tally, TrustRoot, Unproven, Vote,
    budget::TimeIsUp,
    shortfall::{Failure, Missing, guesses},
    signature::Message,
    sigstore::{Layer, Payload, Signatures, Unread, Unusable, signature_tag},
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
    tally: Tally,
    provers: BTreeSet<Prover>,
}

impl Verified {
    /// `image` with the digest that was signed; `None` if it is not the image that this is the proof of.
    #[must_use]
    pub fn pin(&self, image: &ImageRef) -> Option<Pinned> {
        (self.image == *image).then(|| Pinned(image.pinned(self.digest)))
    }

    /// What was signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
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
/// moves meanwhile changes nothing.
///
/// # Errors
/// When too few signed, when it can't be told, or when the answers don't agree. What is certain can be explained later.
pub fn prove<'r>(
    image: &'r ImageRef,
    requirement: &'r Requirement,
    resolved: Option<Result<Digest, HostError>>,
    budget: &mut Budget<'_>,
) -> Result<Verified, Failure<'r>> {
    let mut proof = Proof::new(image, requirement);
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
    /// Those who have to sign come first: without them there is no need to look at the others.
    roots: Vec<&'r TrustRoot>,
    quorum: Quorum<'r>,
    digest: Option<Digest>,
    provers: BTreeSet<Prover>,
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
    Payloads(Vec<&'s Layer>),
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
    fn new(image: &'r ImageRef, requirement: &'r Requirement) -> Proof<'r> {
        let is_required = |root: &&TrustRoot| requirement.required.contains(&root.name);
        let (mut roots, rest): (Vec<_>, Vec<_>) = requirement.roots.iter().partition(is_required);
        roots.extend(rest);
        let names = requirement.roots.iter().map(|root| root.name.as_str());
        let quorum = Quorum::new(requirement.threshold, requirement.required.iter().map(String::as_str), names);
        Proof { image, requirement, roots, quorum, digest: image.digest(), provers: BTreeSet::new() }
    }

    fn run(
        &mut self,
        resolved: Option<Result<Digest, HostError>>,
        budget: &mut Budget<'_>,
    ) -> Result<Verified, Stop<'r>> {
        let sight = self.look(resolved, budget)?;
        let said = match self.quorum.standing() {
            Standing::Open => self.settle(&sight, budget)?,
            Standing::Met | Standing::Lost => Said::default(),
        };
        let tally = self.quorum.tally();
        match (self.quorum.standing(), self.digest, said.obstacle) {
            (Standing::Met, Some(digest), _) => {
                Ok(Verified { image: self.image.clone(), digest, tally, provers: std::mem::take(&mut self.provers) })
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
        // The newest is the last, and the likeliest to be wanted. A signature has one signer, so one that was told is not tried again.
        let mut unclaimed: Vec<(&Layer, &Payload)> =
            (signatures.layers.iter().rev()).filter_map(|layer| Some((layer, payloads.get(&layer.payload)?))).collect();
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            for (at, (layer, payload)) in unclaimed.iter().enumerate() {
                budget.tick()?;
                if root.key.signed(Message::Bytes(payload.bytes()), &layer.signature) {
                    self.voted(root, Prover::SignatureManifest);
                    unclaimed.remove(at);
                    break;
                }
            }
        }
        Ok(())
    }

    fn voted(&mut self, root: &'r TrustRoot, prover: Prover) {
        self.quorum.vote(&root.name, Vote::Signed);
        self.provers.insert(prover);
    }

    /// Settles what the guest's look left open.
    fn settle(&mut self, sight: &Sight, budget: &mut Budget<'_>) -> Result<Said, Stop<'r>> {
        match self.beyond(sight) {
            Beyond::Nothing => Ok(self.all_others(Vote::Missing, None)),
            Beyond::Untold(cause) => Ok(self.all_others(Vote::Undecided, Some(cause))),
            Beyond::Payloads(layers) => {
                for root in self.roots.clone() {
                    if self.quorum.standing() != Standing::Open {
                        break;
                    }
                    if self.quorum.awaits(&root.name) && !may_have_signed(root, &layers, budget)? {
                        self.quorum.vote(&root.name, Vote::Missing);
                    }
                }
                match sight {
                    Sight::Signatures(_, signatures)
                        if self.quorum.standing() == Standing::Open && signatures.all > MAX_FETCHED =>
                    {
                        Ok(self.all_others(Vote::Undecided, Some(Cause::TooMany)))
                    }
                    _ => self.ask_host(sight, budget),
                }
            }
            Beyond::Everything => self.ask_host(sight, budget),
        }
    }

    /// Is there something that the host could read and the guest could not?
    fn beyond<'s>(&self, sight: &'s Sight) -> Beyond<'s> {
        let is_hosts = self.requirement.identities.is_none();
        match sight {
            Sight::Signatures(digest, signatures) if is_hosts => {
                let accepted = self.requirement.payloads(self.image, *digest);
                let guesses = guesses(self.image, self.requirement, *digest);
                let is_unknown =
                    |layer: &&Layer| !accepted.contains_key(&layer.payload) && !guesses.contains_key(&layer.payload);
                let unknown: Vec<&Layer> = signatures.layers.iter().filter(is_unknown).collect();
                match unknown.len() {
                    0 => Beyond::Nothing,
                    1..=MAX_TOLD => Beyond::Payloads(unknown),
                    _ => Beyond::Untold(Cause::TooMany),
                }
            }
            Sight::Signatures(..) | Sight::Nothing(_) | Sight::Unusable(_) => Beyond::Nothing,
            // The host may remember, or reach the registry in another way. With other credentials, or more patience, it would not.
            Sight::Blocked(Cause::Unavailable | Cause::Forbidden) if is_hosts => Beyond::Everything,
            Sight::Blocked(cause) => Beyond::Untold(*cause),
        }
    }

    fn all_others(&mut self, vote: Vote, obstacle: Option<Cause>) -> Said {
        for root in &self.roots {
            self.quorum.vote(&root.name, vote);
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
            if !self.quorum.awaits(&root.name) {
                continue;
            }
            let asked = self.digest.map_or_else(|| self.image.to_string(), |digest| self.image.by_digest(digest));
            match budget.verify(&asked, root, &self.requirement.annotations)? {
                Ok(answered) => {
                    let asked = *self.digest.get_or_insert(answered);
                    if asked != answered {
                        return Err(Stop::told(Unproven::Disagreement { asked, answered }));
                    }
                    self.voted(root, Prover::Host);
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

    fn missing(&self, sight: Sight, tally: Tally, said: Option<Cause>) -> Missing<'r> {
        let roots = self.roots.iter().copied().filter(|root| self.quorum.misses(&root.name)).collect();
        Missing { image: self.image, requirement: self.requirement, tally, roots, sight, said }
    }
}

/// Can one of these signatures be by `root`? Most keys sign the hash by which a manifest names the payload, so that it need not be known.
fn may_have_signed(root: &TrustRoot, layers: &[&Layer], budget: &Budget<'_>) -> Result<bool, TimeIsUp> {
    if !root.key.signs_sha256_only() {
        return Ok(true);
    }
    for layer in layers {
        budget.tick()?;
        if root.key.signed(Message::Known(layer.payload), &layer.signature) {
            return Ok(true);
        }
    }
    Ok(false)
}
