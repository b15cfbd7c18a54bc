//! Why did nobody sign an image with Notation, and what is there instead?

use super::{
    Instead, MissingSigner, NotSigned, OtherItems, SigningTool, Unproven,
    missing::{MAX_EXPLAINED, not_now, of_time},
    other_evidence::{Surroundings, around},
};
use crate::verify::{Budget, NotationFound, NotationMissing, TrustRootName, Unseen};

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
                let error = self.errors.get(&root.name).cloned().map(MissingSigner::Notation);
                // Once a quorum is lost, nobody else is looked at.
                let why = of_time(root, self.now).or(error);
                (root.name.clone(), why.unwrap_or(MissingSigner::NotLookedAt(Unseen::Lost)))
            })
            .collect();
        let shared = self.tally.shared.iter().map(|root| (root.clone(), MissingSigner::Shared));
        reasons.extend(shared.take(MAX_EXPLAINED.saturating_sub(reasons.len())));
        reasons
    }
}
