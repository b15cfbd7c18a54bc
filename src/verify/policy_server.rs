//! What does the policy server prove about signatures that the policy cannot read?
//!
//! In a signature manifest, the policy can read only the payloads that it rebuilds. The policy server downloads payloads, so it can also read others, for example with
//! more annotations. It is asked only if the validator has `askHost`, and only if there is little to download.

use super::{
    Budget, Payloads, Spent, Standing, Unproven, Vote,
    ballot::{Ballot, Case},
    verification::{Stop, Verification},
};
use crate::{
    evidence::{
        cosign::{Layer, Signatures},
        policy_server,
    },
    host::Cause,
    image::Digest,
    signing::{PublicKey, signature::Trial},
};

/// The most signatures over unknown payloads whose possible signers are looked for.
const MAX_TOLD: usize = 100;

/// The reason for which nobody can tell whether the remaining trust roots signed.
enum Obstacle {
    Spent(Spent),
    Cause(Cause),
    /// The answer was for this digest, and not for the one that was asked about.
    Disagreement(Digest),
}

impl From<Spent> for Obstacle {
    fn from(spent: Spent) -> Self {
        Obstacle::Spent(spent)
    }
}

impl<'r> Verification<'r> {
    /// Asks the policy server about the keys that may have signed a payload that the policy cannot rebuild.
    pub(super) fn policy_server(
        &mut self,
        signatures: &Signatures,
        accepted: &Payloads,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        let Some(ballot) = &mut self.ballot else { return Ok(()) };
        ballot.policy_server(self.case, signatures, accepted, digest, budget).map_err(|obstacle| match obstacle {
            Obstacle::Spent(spent) => Stop::Spent(spent),
            Obstacle::Cause(cause) => self.undecided(cause),
            Obstacle::Disagreement(answered) => Stop::Failed(Unproven::Disagreement { asked: digest, answered }),
        })
    }
}

impl<'r> Ballot<'r> {
    fn policy_server(
        &mut self,
        case: Case<'r>,
        signatures: &Signatures,
        accepted: &Payloads,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Result<(), Obstacle> {
        // A trust root that cannot have signed an unknown payload, or must not be asked about, has not signed.
        let unread = unread(case, signatures, accepted, digest);
        for root in &self.roots {
            if unread.is_empty() || case.requirement.key_for_policy_server(root).is_none() {
                self.quorum.vote(&root.name, Vote::Missing);
            }
        }
        for root in self.roots.clone() {
            if self.standing() != Standing::Open || unread.len() > MAX_TOLD {
                break;
            }
            let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
            if !may_have_signed(key, &unread, budget)? {
                self.quorum.vote(&root.name, Vote::Missing);
            }
        }
        match self.standing() {
            Standing::Met | Standing::Lost => Ok(()),
            Standing::Open if unread.len() > MAX_TOLD => Err(Obstacle::Cause(Cause::TooMany)),
            Standing::Open => self.ask(case, signatures, digest, budget),
        }
    }

    /// Asks about each key that may have signed, until the quorum is decided.
    fn ask(
        &mut self,
        case: Case<'r>,
        signatures: &Signatures,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Result<(), Obstacle> {
        let (mut obstacle, mut questions) = (None, 0_usize);
        for root in self.roots.clone() {
            if self.standing() != Standing::Open {
                break;
            }
            let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
            // The policy server downloads everything again for each key.
            questions = questions.saturating_add(1);
            if let Some(cause) = signatures.download.too_much(questions) {
                return Err(Obstacle::Cause(cause));
            }
            let asked = case.image.by_digest(digest);
            match budget.verify(&asked, &root.name, key, &case.requirement.cosign.annotations)? {
                Ok(answered) => match policy_server::claim(key, digest, answered) {
                    Some(claim) => self.count(root, claim),
                    None => return Err(Obstacle::Disagreement(answered)),
                },
                Err(error) if matches!(error.cause, Cause::Elsewhere | Cause::Mismatch) => {
                    self.quorum.vote(&root.name, Vote::Missing);
                }
                Err(error) => {
                    obstacle = Some(match error.cause {
                        // The policy server says so also when it could not download the signatures that the policy saw.
                        Cause::Unsigned | Cause::NotFound => Cause::Unavailable,
                        cause => cause,
                    });
                    self.quorum.vote(&root.name, Vote::Undecided);
                }
            }
        }
        match (self.standing(), obstacle) {
            (Standing::Open, Some(cause)) => Err(Obstacle::Cause(cause)),
            _ => Ok(()),
        }
    }
}

/// The signatures over payloads that the policy cannot rebuild.
fn unread<'s>(case: Case<'_>, signatures: &'s Signatures, accepted: &Payloads, digest: Digest) -> Vec<Trial<'s>> {
    let mistakes = case.requirement.mistakes(case.image, digest);
    let is_unread = |layer: &&Layer| !accepted.contains_key(&layer.payload) && !mistakes.contains_key(&layer.payload);
    let unread = signatures.layers.iter().filter(is_unread);
    unread.map(|layer| Trial::new(layer.payload, &layer.signature)).collect()
}

/// Whether `key` may have made one of these signatures. Most keys sign the SHA-256 by which a manifest names the payload, so the payload itself is not needed.
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
