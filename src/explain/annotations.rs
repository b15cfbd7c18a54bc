//! Which of the annotations that a rule wants did a trust root not sign?

use std::collections::BTreeMap;

use super::MissingSigner;
use crate::{
    evidence::cosign::Signatures,
    host::Cause,
    image::Digest,
    verify::{Budget, CosignMissing, TrustRootName, annotation},
};

impl CosignMissing<'_> {
    /// Asks the policy server, if this trust root signed the image with other annotations and the policy server may be asked about it.
    pub(super) fn unmet_annotations(
        &self,
        root: &TrustRootName,
        why: &MissingSigner,
        signatures: &Signatures,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Option<MissingSigner> {
        let wanted = &self.requirement.cosign.annotations;
        let root = self.roots.iter().find(|known| known.name == *root)?;
        let is_other = matches!(why, MissingSigner::OtherPayload(_));
        let key = self.requirement.key_for_policy_server(root).filter(|_| is_other)?;
        if wanted.is_empty() || signatures.download.too_much(wanted.len().saturating_add(2)).is_some() {
            return None;
        }
        let image = self.image.by_digest(digest);
        let mut signed = |annotations: BTreeMap<String, String>| {
            budget.spare_call().ok()?;
            match budget.verify(&image, &root.name, key, &annotations).ok()? {
                Ok(answered) => Some(answered == digest),
                Err(error) => matches!(error.cause, Cause::Mismatch | Cause::Elsewhere).then_some(false),
            }
        };
        if !signed(BTreeMap::new())? {
            return None;
        }
        let mut unmet = Vec::new();
        for (key, value) in wanted {
            if !signed([(key.clone(), value.clone())].into())? {
                unmet.push(annotation(key, value));
            }
        }
        (!unmet.is_empty()).then_some(MissingSigner::Annotations(unmet))
    }
}
