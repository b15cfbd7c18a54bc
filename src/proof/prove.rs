//! Have enough trust roots signed what this image names?
//!
//! The guest looks first: the image's digest, its signature manifest, and every signature in it whose payload can be written again. That takes two requests to the
//! registry and tells most of what there is to tell. The host reads payloads, which a guest can't, and takes ten requests for it; so it is asked only where there
//! is something that the guest could not read, and never where a rule names identities, which the host does not look at.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Budget, Pinned, Prover, Quorum, Requirement, Standing, Tally, TrustRoot, Unproven, Vote,
    budget::TimeIsUp,
    shortfall::{Missing, guesses},
    signature::Message,
    sigstore::{Layer, Payload, Signatures, Unusable, signature_tag},
};
use crate::{
    host::Cause,
    image::{Digest, ImageRef},
};

/// Most signatures of which the host is asked to read the payloads: it fetches one after the other, and can't be stopped.
const MAX_FETCHED: usize = 20;

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
/// A tag is resolved once. From then on its digest is what is asked about, so that a tag which moves meanwhile changes nothing.
///
/// # Errors
/// When too few signed, when it can't be told, or when the answers don't agree.
pub fn prove(image: &ImageRef, requirement: &Requirement, budget: &mut Budget<'_>) -> Result<Verified, Unproven> {
    let mut proof = Proof::new(image, requirement);
    match proof.run(budget) {
        Ok(verified) => Ok(verified),
        Err(Stop::Unproven(unproven)) => Err(unproven),
        Err(Stop::TimeIsUp) => Err(Unproven::OutOfTime { tally: proof.quorum.tally() }),
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
enum Stop {
    TimeIsUp,
    Unproven(Unproven),
}

impl From<TimeIsUp> for Stop {
    fn from(TimeIsUp: TimeIsUp) -> Stop {
        Stop::TimeIsUp
    }
}

/// What the guest saw beside an image.
pub(super) enum Sight {
    /// Signatures.
    Signatures(Signatures),
    /// No signature manifest.
    Nothing,
    /// Something that is none.
    Unusable(Unusable),
    /// It could not look.
    Blocked(Cause),
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

    fn run(&mut self, budget: &mut Budget<'_>) -> Result<Verified, Stop> {
        let sight = self.look(budget)?;
        let said = match self.quorum.standing() {
            Standing::Open if self.host_may_see_more(&sight) => self.ask_host(&sight, budget)?,
            Standing::Open => self.nobody_else(&sight),
            Standing::Met | Standing::Lost => Said::default(),
        };
        let tally = self.quorum.tally();
        match (self.quorum.standing(), self.digest, said.obstacle) {
            (Standing::Met, Some(digest), _) => {
                Ok(Verified { image: self.image.clone(), digest, tally, provers: std::mem::take(&mut self.provers) })
            }
            (Standing::Open, _, Some(cause)) => Err(Stop::Unproven(Unproven::Undecided { tally, cause })),
            _ => Err(Stop::Unproven(self.missing(&sight, said.refusal).explain(tally, budget))),
        }
    }

    /// The guest's own look, and a vote for everybody whose signature it saw.
    fn look(&mut self, budget: &mut Budget<'_>) -> Result<Sight, Stop> {
        let digest = match self.digest {
            Some(digest) => digest,
            None => match budget.digest(&self.image.to_string())? {
                Ok(digest) => *self.digest.insert(digest),
                Err(error) if error.cause == Cause::NotFound => return Err(Stop::Unproven(Unproven::NotFound)),
                Err(error) => return Ok(Sight::Blocked(error.cause)),
            },
        };
        Ok(match budget.manifest(&self.image.with_tag(&signature_tag(digest)))? {
            Ok(json) => match Signatures::read(&json) {
                Ok(signatures) => {
                    self.check(&signatures, digest, budget)?;
                    Sight::Signatures(signatures)
                }
                Err(unusable) => Sight::Unusable(unusable),
            },
            Err(error) if error.cause == Cause::NotFound => Sight::Nothing,
            Err(error) => Sight::Blocked(error.cause),
        })
    }

    /// Votes for every trust root that made one of these signatures over a payload that this rule accepts.
    fn check(&mut self, signatures: &Signatures, digest: Digest, budget: &Budget<'_>) -> Result<(), TimeIsUp> {
        let payloads = self.payloads(digest);
        let mut known = BTreeSet::new();
        // A signature has one signer, so one that was told is not tried again, and neither are its copies.
        let mut unclaimed: Vec<(&Layer, &Payload)> = (signatures.layers.iter())
            .filter_map(|layer| Some((layer, payloads.get(&layer.payload)?)))
            .filter(|(layer, _)| known.insert((layer.payload, &layer.signature)))
            .collect();
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

    /// Every payload that this rule accepts, by its digest.
    fn payloads(&self, digest: Digest) -> BTreeMap<Digest, Payload> {
        let payload = |name: String| {
            let payload = Payload::new(&name, digest, &self.requirement.annotations);
            (payload.digest(), payload)
        };
        self.requirement.names(self.image).map(payload).collect()
    }

    fn voted(&mut self, root: &'r TrustRoot, prover: Prover) {
        self.quorum.vote(&root.name, Vote::Signed);
        self.provers.insert(prover);
    }

    /// Is there something that the host could read and the guest could not?
    fn host_may_see_more(&self, sight: &Sight) -> bool {
        let seen = match (sight, self.digest) {
            (Sight::Signatures(signatures), Some(digest)) => {
                let (payloads, guesses) = (self.payloads(digest), guesses(self.image, self.requirement, digest));
                let known =
                    |layer: &Layer| payloads.contains_key(&layer.payload) || guesses.contains_key(&layer.payload);
                signatures.layers.len() <= MAX_FETCHED && !signatures.layers.iter().all(known)
            }
            (Sight::Signatures(_), None) | (Sight::Nothing | Sight::Unusable(Unusable::Layers(_)), _) => false,
            (Sight::Unusable(Unusable::Form | Unusable::Index), _) => true,
            // The host may remember, or reach the registry in another way. With other credentials, or more patience, it would not.
            (Sight::Blocked(cause), _) => matches!(cause, Cause::Unavailable | Cause::Forbidden),
        };
        seen && self.requirement.identities.is_none()
    }

    /// Asks the host about everybody whose signature was not seen, no more often than the answer needs.
    fn ask_host(&mut self, sight: &Sight, budget: &mut Budget<'_>) -> Result<Said, Stop> {
        let mut said = Said::default();
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            if self.quorum.has_signed(&root.name) {
                continue;
            }
            let asked = self.digest.map_or_else(|| self.image.to_string(), |digest| self.image.by_digest(digest));
            match budget.verify(&asked, root, &self.requirement.annotations)? {
                Ok(answered) => {
                    let asked = *self.digest.get_or_insert(answered);
                    if asked != answered {
                        return Err(Stop::Unproven(Unproven::Disagreement { asked, answered }));
                    }
                    self.voted(root, Prover::Host);
                }
                Err(error) => match (error.cause, sight) {
                    (Cause::NotFound, _) if self.digest.is_none() => {
                        return Err(Stop::Unproven(Unproven::NotFound));
                    }
                    // The host says it too where it could not fetch the signatures, and neither could we.
                    (Cause::Unsigned, Sight::Blocked(cause)) => {
                        said.obstacle = Some(*cause);
                        self.quorum.vote(&root.name, Vote::Undecided);
                    }
                    (cause @ (Cause::Unsigned | Cause::Elsewhere | Cause::Mismatch), _) => {
                        said.refusal = Some(cause);
                        self.quorum.vote(&root.name, Vote::Missing);
                    }
                    (cause, _) => {
                        said.obstacle = Some(cause);
                        self.quorum.vote(&root.name, Vote::Undecided);
                    }
                },
            }
        }
        Ok(said)
    }

    /// What the guest saw is all there is.
    fn nobody_else(&mut self, sight: &Sight) -> Said {
        let (vote, obstacle) = match sight {
            Sight::Blocked(cause) => (Vote::Undecided, Some(*cause)),
            Sight::Signatures(_) | Sight::Nothing | Sight::Unusable(_) => (Vote::Missing, None),
        };
        for root in &self.roots {
            self.quorum.vote(&root.name, vote);
        }
        Said { refusal: None, obstacle }
    }

    fn missing<'p>(&'p self, sight: &'p Sight, said: Option<Cause>) -> Missing<'p> {
        let roots = self.roots.iter().copied().filter(|root| !self.quorum.has_signed(&root.name)).collect();
        Missing { image: self.image, requirement: self.requirement, digest: self.digest, roots, sight, said }
    }
}
