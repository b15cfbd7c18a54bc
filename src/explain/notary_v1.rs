//! Why does the trust data of a repository not prove an image?

use std::collections::BTreeSet;

use super::{
    Instead, MissingSigner, NotSigned, OtherItems, SigningTool, Unproven,
    missing::{MAX_EXPLAINED, not_now, of_time},
};
use crate::{
    evidence::{
        UnusableEvidence,
        notary_v1::{RootError, TargetError, TrustDataError},
    },
    verify::{NotaryFound, NotaryMissing, TrustRootName},
};

/// Trust data that proves nothing, whoever is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTrustData {
    /// The name of the repository whose trust data it is.
    pub gun: String,
    /// The address of the notary server, if the settings name it.
    pub server: Option<String>,
    /// The reason.
    pub why: NoTrustDataReason,
}

/// The reason for which trust data proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTrustDataReason {
    /// There is no evidence manifest of the repository.
    NotCollected,
    /// What lies in the place of the evidence manifest is none of a known version.
    Unusable(UnusableEvidence),
    /// A file fails a check.
    File(TrustDataError),
    /// The files name no digest for the image.
    Target(TargetError),
}

impl NotaryMissing<'_> {
    pub(super) fn explain(self) -> Unproven {
        let (gun, server) = (self.gun.clone(), self.server.map(str::to_owned));
        let nothing = |why| Instead::TrustData(NoTrustData { gun, server, why });
        let instead = match &self.found {
            NotaryFound::NotNow => Instead::NotNow(not_now(&self.roots, self.now)),
            NotaryFound::Roots => {
                Instead::Signed { signatures: 1, certificates: 0, missing: self.reasons(), makers: None }
            }
            NotaryFound::Nothing => nothing(NoTrustDataReason::NotCollected),
            NotaryFound::Unusable(unusable) => nothing(NoTrustDataReason::Unusable(*unusable)),
            NotaryFound::TrustData(error) => nothing(NoTrustDataReason::File(error.clone())),
            NotaryFound::Target(error) => nothing(NoTrustDataReason::Target(error.clone())),
        };
        Unproven::NotSigned(NotSigned {
            digest: self.digest,
            tally: self.tally.into(),
            tool: SigningTool::NotaryV1,
            instead: instead.into(),
            evidence: OtherItems::Items(BTreeSet::new()),
        })
    }

    /// Why each trust root is missing.
    fn reasons(&self) -> Vec<(TrustRootName, MissingSigner)> {
        let reason = |root: &&crate::verify::TrustRoot| {
            let error = || self.errors.get(&root.name).cloned().unwrap_or(RootError::NotSigned);
            (root.name.clone(), of_time(root, self.now).unwrap_or_else(|| MissingSigner::NotaryV1(error())))
        };
        let mut reasons: Vec<_> = self.roots.iter().take(MAX_EXPLAINED).map(reason).collect();
        let shared = self.tally.shared.iter().map(|root| (root.clone(), MissingSigner::Shared));
        reasons.extend(shared.take(MAX_EXPLAINED.saturating_sub(reasons.len())));
        reasons
    }
}
