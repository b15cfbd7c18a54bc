//! What does the evidence manifest of an image prove?
//!
//! It takes one question to the registry. The manifest holds what was signed, so the policy can check signatures of every format, whatever they cover.

use super::{
    Budget, Evidence,
    signatures::Candidate,
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
    /// Reads the evidence manifest, and counts what its items prove.
    pub(super) fn evidence_manifest(&mut self, digest: Digest, budget: &mut Budget<'_>) -> Result<Evidence, Stop<'r>> {
        let json = match budget.manifest(&self.requirement.evidence_at(self.image, &evidence_tag(digest)))? {
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
            documents.push((item.digest, Document::read(item, digest)));
        }
        let signatures: Vec<Candidate<'_>> = (documents.iter())
            .filter_map(|(_, document)| document.as_ref().ok())
            .map(|document| Candidate::saying(document.signature(), &document.subject))
            .collect();
        self.check_signatures(&signatures, budget)?;
        drop(signatures);
        Ok(Evidence::Documents(documents))
    }
}
