//! What does the signature manifest of an image prove?
//!
//! It takes one question to the registry. The policy checks every signature in the manifest whose payload it can rebuild.

use super::{
    Budget, Payloads, Signed, Spent,
    ballot::Candidate,
    verification::{Stop, Verification},
};
use crate::{
    evidence::{
        Signature,
        cosign::{Signatures, Unread, signature_tag},
    },
    host::Cause,
    image::Digest,
};

impl<'r> Verification<'r> {
    /// Reads the manifest, and counts what its signatures prove.
    pub(super) fn signature_manifest(&mut self, digest: Digest, budget: &mut Budget<'_>) -> Result<Signed, Stop<'r>> {
        match budget.manifest(&self.case.requirement.evidence_at(self.case.image, &signature_tag(digest)))? {
            Ok(json) => match Signatures::read(&json) {
                Ok(signatures) => {
                    let payloads = self.case.requirement.payloads(self.case.image, digest);
                    self.check_rebuilt(&signatures, &payloads, budget)?;
                    Ok(Signed::Signatures(signatures, payloads))
                }
                Err(Unread::Unusable(unusable)) => Ok(Signed::Unusable(unusable)),
                Err(Unread::TooMany) => Err(self.undecided(Cause::TooMany)),
            },
            Err(error) if error.cause == Cause::NotFound => Ok(Signed::Nothing),
            Err(error) => Err(self.unreachable(error.cause)),
        }
    }

    /// Counts every trust root that made one of these signatures over a payload that the rule accepts.
    fn check_rebuilt(
        &mut self,
        signatures: &Signatures,
        payloads: &Payloads,
        budget: &Budget<'_>,
    ) -> Result<(), Spent> {
        let Some(ballot) = &mut self.ballot else { return Ok(()) };
        // The newest signature stands last, and is the likeliest to count.
        let signatures: Vec<Candidate<'_>> = (signatures.layers.iter().rev())
            .filter_map(|layer| Some(Candidate::accepted(Signature::new(layer, payloads.get(&layer.payload)?))))
            .collect();
        ballot.check_signatures(&signatures, budget)
    }
}
