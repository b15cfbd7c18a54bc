//! What do cosign's signatures beside an image prove?
//!
//! One question to the registry. Every signature in the manifest whose payload can be rebuilt is checked here.

use super::{
    Budget, Found, Spent, Standing, TrustRoot,
    verification::{Stop, Verification},
};
use crate::{
    evidence::cosign::{ByCertificate, Signature, Signatures, Unread, signature_tag},
    host::Cause,
    image::Digest,
    signing::PublicKey,
};

impl<'r> Verification<'r> {
    /// Reads the manifest, and counts what its signatures prove.
    pub(super) fn signature_manifest(&mut self, digest: Digest, budget: &mut Budget<'_>) -> Result<Found, Stop<'r>> {
        match budget.manifest(&self.image.with_tag(&signature_tag(digest)))? {
            Ok(json) => match Signatures::read(&json) {
                Ok(signatures) => {
                    self.check_signatures(&signatures, digest, budget)?;
                    Ok(Found::Signatures(signatures))
                }
                Err(Unread::Unusable(unusable)) => Ok(Found::Unusable(unusable)),
                Err(Unread::TooMany) => Err(self.undecided(Cause::TooMany)),
            },
            Err(error) if error.cause == Cause::NotFound => Ok(Found::Nothing),
            // The registry itself has just told the digest, so it can be reached, and it has the image.
            Err(error) if error.cause == Cause::Wordless && self.image.digest().is_none() => {
                Err(self.undecided(Cause::WordlessSignatures))
            }
            Err(error) => Err(self.undecided(error.cause)),
        }
    }

    /// Counts every trust root that made one of these signatures over a payload that the rule accepts.
    fn check_signatures(&mut self, signatures: &Signatures, digest: Digest, budget: &Budget<'_>) -> Result<(), Spent> {
        let payloads = self.requirement.payloads(self.image, digest);
        // The newest is the last, and the likeliest to be wanted.
        let signatures: Vec<Signature<'_>> = (signatures.layers.iter().rev())
            .filter_map(|layer| Some(Signature::new(layer, payloads.get(&layer.payload)?)))
            .collect();
        // A signature is by one key, so one that was counted is not tried with another.
        let mut unclaimed: Vec<&Signature<'_>> = signatures.iter().collect();
        for root in self.roots.clone() {
            if self.quorum.standing() != Standing::Open {
                break;
            }
            if !self.quorum.awaits(&root.name) {
                continue;
            }
            match root.key() {
                Some(key) => self.check_key(root, key, &mut unclaimed, budget)?,
                None => self.check_certificates(root, &signatures, budget)?,
            }
        }
        Ok(())
    }

    fn check_key(
        &mut self,
        root: &'r TrustRoot,
        key: &PublicKey,
        unclaimed: &mut Vec<&Signature<'_>>,
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let tlogs = self.requirement.cosign.tlog_entry.then_some(&self.requirement.cosign.trusted_root.tlogs);
        for (at, signature) in unclaimed.iter().enumerate() {
            budget.tick()?;
            match signature.claim_of_key(key, tlogs) {
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

    /// Looks at every certificate, until there are enough signers: two of them may fit this root, of which one is needed for another.
    fn check_certificates(
        &mut self,
        root: &'r TrustRoot,
        signatures: &[Signature<'_>],
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let Some((identity, terms)) = self.requirement.certificate_terms(root, self.now) else { return Ok(()) };
        for signature in signatures {
            if self.quorum.standing() == Standing::Met {
                break;
            }
            budget.tick()?;
            let is_known = |signer: &_| self.quorum.knows(&root.name, signer);
            match signature.claim_of_certificate(identity, terms, is_known) {
                ByCertificate::None | ByCertificate::Known => {}
                ByCertificate::Claim(claim) => self.count(root, claim),
                ByCertificate::Failed(error) => self.note(root, error),
            }
        }
        Ok(())
    }
}
