//! What does the policy server prove about signatures that the policy cannot read?
//!
//! In a signature manifest, the policy can read only the payloads that it rebuilds. The policy server downloads payloads, so it can also read others, for example with
//! more annotations. It is asked only if the validator has `askHost`, and only if there is little to download.

use super::{
    Budget, Payloads, Spent, Standing, Unproven, Vote,
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

impl<'r> Verification<'r> {
    /// Decides the trust roots that are still open after the policy has checked these signatures.
    pub(super) fn policy_server(
        &mut self,
        signatures: &Signatures,
        accepted: &Payloads,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Result<(), Stop<'r>> {
        // A trust root that cannot have signed an unknown payload, or must not be asked about, has not signed.
        let unread = self.unread(signatures, accepted, digest);
        for root in &self.roots {
            if unread.is_empty() || self.requirement.key_for_policy_server(root).is_none() {
                self.quorum.vote(&root.name, Vote::Missing);
            }
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
            Standing::Open => self.ask(signatures, digest, budget),
        }
    }

    /// The signatures over payloads that the policy cannot rebuild.
    fn unread<'s>(&self, signatures: &'s Signatures, accepted: &Payloads, digest: Digest) -> Vec<Trial<'s>> {
        let mistakes = self.requirement.mistakes(self.image, digest);
        let is_unread =
            |layer: &&Layer| !accepted.contains_key(&layer.payload) && !mistakes.contains_key(&layer.payload);
        let unread = signatures.layers.iter().filter(is_unread);
        unread.map(|layer| Trial::new(layer.payload, &layer.signature)).collect()
    }

    /// Asks about each key that may have signed, until the quorum is decided.
    fn ask(&mut self, signatures: &Signatures, digest: Digest, budget: &mut Budget<'_>) -> Result<(), Stop<'r>> {
        let (mut obstacle, mut questions) = (None, 0_usize);
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            let Some(key) = root.key().filter(|_| self.quorum.awaits(&root.name)) else { continue };
            // The policy server downloads everything again for each key.
            questions = questions.saturating_add(1);
            if let Some(cause) = signatures.download.too_much(questions) {
                return Err(self.undecided(cause));
            }
            let asked = self.image.by_digest(digest);
            match budget.verify(&asked, &root.name, key, &self.requirement.cosign.annotations)? {
                Ok(answered) => match policy_server::claim(key, digest, answered) {
                    Some(claim) => self.count(root, claim),
                    None => return Err(Stop::Failed(Unproven::Disagreement { asked: digest, answered })),
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
        match (self.quorum.standing(), obstacle) {
            (Standing::Open, Some(cause)) => Err(self.undecided(cause)),
            _ => Ok(()),
        }
    }
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
