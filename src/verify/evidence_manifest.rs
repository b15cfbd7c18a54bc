//! What does the evidence manifest of an image hold, and what do its signatures prove?
//!
//! It takes one question to the registry. The manifest holds what was signed, so the policy can check signatures of every format, whatever they cover.

use super::{
    Budget, Evidence,
    ballot::Candidate,
    verification::{Stop, Verification},
};
use crate::{
    evidence::{
        Document,
        manifest::{EvidenceManifest, evidence_tag},
    },
    host::Cause,
    image::Digest,
};

impl<'r> Verification<'r> {
    /// Reads the evidence manifest of `digest`, which is the image or one of its platforms.
    pub(super) fn evidence_manifest(&mut self, digest: Digest, budget: &mut Budget<'_>) -> Result<Evidence, Stop<'r>> {
        let at = self.case.requirement.evidence_at(self.case.image, &evidence_tag(digest));
        let json = match budget.manifest(&at)? {
            Ok(json) => json,
            Err(error) if error.cause == Cause::NotFound => return Ok(Evidence::Nothing),
            Err(error) => return Err(self.unreachable(error.cause)),
        };
        let manifest = match EvidenceManifest::read(&json) {
            Ok(manifest) => manifest,
            Err(unusable) => return Ok(Evidence::Unusable(unusable)),
        };
        let mut documents = Vec::with_capacity(manifest.items.len());
        for item in &manifest.items {
            budget.tick()?;
            documents.push(Document::read(item, digest));
        }
        Ok(Evidence::Documents(documents))
    }

    /// Reads the evidence manifest, and counts what its signatures prove.
    pub(super) fn signed_evidence(&mut self, digest: Digest, budget: &mut Budget<'_>) -> Result<Evidence, Stop<'r>> {
        let evidence = self.evidence_manifest(digest, budget)?;
        let candidates: Vec<Candidate<'_>> =
            evidence.signatures().map(|document| Candidate::saying(document.signature(), &document.subject)).collect();
        if let Some(ballot) = &mut self.ballot {
            ballot.check_signatures(&candidates, budget)?;
        }
        drop(candidates);
        Ok(evidence)
    }
}
