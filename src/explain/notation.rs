//! Why did nobody sign an image with Notation, and what is there instead?

use super::{
    Instead, MissingSigner, NotSigned, OtherItems, SigningTool, Unproven,
    missing::{MAX_EXPLAINED, not_now, of_time},
    other_evidence::{Surroundings, around},
};
use crate::{
    evidence::notation::{ChainError, NotationError},
    verify::{Budget, NotationFound, NotationMissing, TrustRootName},
};

impl NotationMissing<'_> {
    pub(super) fn explain(self, budget: &mut Budget<'_>) -> Unproven {
        let signatures = match &self.found {
            NotationFound::Signatures(signatures, _) => *signatures,
            NotationFound::NotNow | NotationFound::Nothing | NotationFound::Unusable(_) => 0,
        };
        let instead = match (&self.found, self.digest) {
            (NotationFound::NotNow, _) | (_, None) => Instead::NotNow(not_now(&self.roots, self.now)),
            (_, Some(_)) if signatures > 0 => {
                Instead::Signed { signatures, certificates: 0, missing: self.reasons(), makers: None }
            }
            (_, Some(digest)) => match around(self.image, digest, budget) {
                Surroundings::NotFound => return Unproven::NotFound,
                Surroundings::Found(other) => Instead::Unsigned(other),
            },
        };
        let evidence = match self.found {
            NotationFound::NotNow | NotationFound::Nothing => OtherItems::NotCollected,
            NotationFound::Unusable(unusable) => OtherItems::Unusable(unusable),
            NotationFound::Signatures(_, others) => OtherItems::Items(others),
        };
        let (digest, tally, instead) = (self.digest, self.tally.into(), instead.into());
        Unproven::NotSigned(NotSigned { digest, tally, tool: SigningTool::Notation, instead, evidence })
    }

    /// Why each trust root is missing.
    fn reasons(&self) -> Vec<(TrustRootName, MissingSigner)> {
        let roots = self.roots.iter().take(MAX_EXPLAINED);
        let mut reasons: Vec<_> = roots
            .map(|root| {
                let error = || self.errors.get(&root.name).cloned();
                // Every signature was checked, so one of them failed.
                let failed = || error().unwrap_or(NotationError::Chain(ChainError::Form));
                (root.name.clone(), of_time(root, self.now).unwrap_or_else(|| MissingSigner::Notation(failed())))
            })
            .collect();
        let shared = self.tally.shared.iter().map(|root| (root.clone(), MissingSigner::Shared));
        reasons.extend(shared.take(MAX_EXPLAINED.saturating_sub(reasons.len())));
        reasons
    }
}
