//! Which trust roots made which of these signatures?
//!
//! This is the same for signatures of every format. They come here already read, and become claims once they are checked.

use super::{Budget, Spent, Standing, TrustRoot, verification::Verification};
use crate::{
    evidence::{ByCertificate, Signature, Subject},
    signing::PublicKey,
};

/// A signature that may count.
pub(super) struct Candidate<'s> {
    signature: Signature<'s>,
    /// The name and the annotations that the signature covers. It is `None` if the rule is known to accept them.
    subject: Option<&'s Subject>,
}

impl<'s> Candidate<'s> {
    /// A signature over a payload that the rule is known to accept.
    pub(super) fn accepted(signature: Signature<'s>) -> Candidate<'s> {
        Candidate { signature, subject: None }
    }

    /// A signature that covers this name and these annotations.
    pub(super) fn saying(signature: Signature<'s>, subject: &'s Subject) -> Candidate<'s> {
        Candidate { signature, subject: Some(subject) }
    }
}

impl<'r> Verification<'r> {
    /// Counts every trust root that made one of these signatures.
    pub(super) fn check_signatures(&mut self, signatures: &[Candidate<'_>], budget: &Budget<'_>) -> Result<(), Spent> {
        // One key made a signature. So a signature that was counted is not tried with another key.
        let mut unclaimed: Vec<&Candidate<'_>> = signatures.iter().collect();
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            if !self.quorum.awaits(&root.name) {
                continue;
            }
            match root.key() {
                Some(key) => self.check_key(root, key, &mut unclaimed, budget)?,
                None => self.check_certificates(root, signatures, budget)?,
            }
        }
        Ok(())
    }

    /// Whether the rule accepts the name and the annotations of this signature, if `root` made it.
    fn accepts(&self, root: &TrustRoot, candidate: &Candidate<'_>) -> bool {
        candidate.subject.is_none_or(|subject| self.requirement.mistake(root, self.image, subject).is_none())
    }

    fn check_key(
        &mut self,
        root: &'r TrustRoot,
        key: &PublicKey,
        unclaimed: &mut Vec<&Candidate<'_>>,
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        for (at, candidate) in unclaimed.iter().enumerate() {
            if !self.accepts(root, candidate) {
                continue;
            }
            budget.tick()?;
            match candidate.signature.claim_of_key(key, self.requirement.tlogs_for_keys()) {
                None => {}
                Some(Ok(claim)) => {
                    self.count(root, claim);
                    unclaimed.remove(at);
                    break;
                }
                Some(Err(error)) => self.note(root, error),
            }
        }
        Ok(())
    }

    /// Looks at every certificate until there are enough signers. Two signers may fit this root, and another root may need one of them.
    fn check_certificates(
        &mut self,
        root: &'r TrustRoot,
        signatures: &[Candidate<'_>],
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let Some((identity, terms)) = self.requirement.certificate_terms(root, self.now) else { return Ok(()) };
        for candidate in signatures {
            if self.quorum.standing() == Standing::Met {
                break;
            }
            if !self.accepts(root, candidate) {
                continue;
            }
            budget.tick()?;
            let is_known = |signer: &_| self.quorum.knows(&root.name, signer);
            match candidate.signature.claim_of_certificate(identity, terms, is_known) {
                ByCertificate::None | ByCertificate::Known => {}
                ByCertificate::Claim(claim) => self.count(root, claim),
                ByCertificate::Failed(error) => self.note(root, error),
            }
        }
        Ok(())
    }
}
