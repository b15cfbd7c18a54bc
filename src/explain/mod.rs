//! Why was an image not verified, and what is there instead?
//!
//! After a no, one look at what lies beside the image, for whoever has to mend it. Nothing that is found here is a proof, and nothing here can turn a no into a
//! yes.

use std::collections::BTreeSet;

mod annotations;
mod missing;
mod notary_v1;
mod notation;
mod other_evidence;

pub use missing::MissingSigner;
pub use notary_v1::{NoTrustData, NoTrustDataReason};
pub use other_evidence::{OtherEvidence, OtherFormat};

use crate::{
    evidence::{NoSignature, Unusable, UnusableEvidence},
    image::Digest,
    ordered::set,
    verify::{Budget, CosignMissing, Evidence, Failure, Missing, NotAttested, Signed, Tally, TrustRootName},
};
use missing::{Look, not_now};
use other_evidence::{Surroundings, around};

/// Why an image was not verified, with an explanation.
pub type Unproven = crate::verify::Unproven<NotSigned>;

/// Too few trust roots have signed the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSigned {
    /// The digest that was judged, if it is known.
    pub digest: Option<Digest>,
    /// The trust roots that signed, and those that did not.
    pub tally: Box<Tally>,
    /// The tool with which those who are missing sign.
    pub tool: SigningTool,
    /// What was found in place of the missing signatures.
    pub instead: Box<Instead>,
    /// What lies in the evidence manifest, besides signatures.
    pub evidence: OtherItems,
}

/// A tool that signs images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningTool {
    /// cosign, with a key.
    CosignWithKey,
    /// cosign, without a key.
    Cosign,
    /// Notation.
    Notation,
    /// Docker Content Trust, or the client of Notary v1.
    NotaryV1,
}

/// What lies in an evidence manifest, besides signatures of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherItems {
    /// There is no evidence manifest.
    NotCollected,
    /// What lies in its place is none of a known version.
    Unusable(UnusableEvidence),
    /// These items, each of them once for each reason for which one is no signature.
    Items(BTreeSet<NoSignature>),
}

/// The evidence that was found in place of the required signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// There is no signature of cosign's; this is there instead, if anything is.
    Unsigned(OtherEvidence),
    /// What lies in the place of cosign's signatures is no manifest of signatures.
    Unusable(Unusable),
    /// There are signatures, and this is known of some who did not make them.
    Signed {
        /// The number of signatures that the image has.
        signatures: usize,
        /// How many of them came with a certificate, where nobody asked for one.
        certificates: usize,
        /// What the missing trust roots did instead.
        missing: Vec<(TrustRootName, MissingSigner)>,
        /// The fingerprints of two keys, one of which made the first signature, if nobody who is known did.
        makers: Option<[Digest; 2]>,
    },
    /// Too few trust roots count at this time.
    NotNow(Vec<(TrustRootName, MissingSigner)>),
    /// The trust data of Notary v1 proves nothing, whoever is trusted.
    TrustData(NoTrustData),
}

impl Unproven {
    /// The trust roots that signed and those that did not, as far as it is known.
    #[must_use]
    pub fn tally(&self) -> Option<&Tally> {
        match self {
            Unproven::NotSigned(NotSigned { tally, .. })
            | Unproven::NotAttested(NotAttested { tally, .. })
            | Unproven::Undecided { tally, .. }
            | Unproven::Spent { tally, .. } => Some(tally),
            Unproven::NotFound | Unproven::Disagreement { .. } => None,
        }
    }

    /// The digest that was judged, if it is known.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Unproven::NotSigned(NotSigned { digest, .. })
            | Unproven::Undecided { digest, .. }
            | Unproven::Spent { digest, .. } => *digest,
            Unproven::NotAttested(NotAttested { digest, .. }) => Some(*digest),
            Unproven::Disagreement { asked, .. } => Some(*asked),
            Unproven::NotFound => None,
        }
    }
}

/// Looks at what is there instead. Where the time is up, less is told; the answer stays the same.
#[must_use]
pub fn explain(failure: Failure<'_>, budget: &mut Budget<'_>) -> Unproven {
    failure.map(|missing| match missing {
        Missing::Cosign(missing) => missing.explain(budget),
        Missing::Notation(missing) => missing.explain(budget),
        Missing::NotaryV1(missing) => missing.explain(),
    })
}

impl CosignMissing<'_> {
    fn explain(self, budget: &mut Budget<'_>) -> Unproven {
        let has_signatures =
            !self.found.signatures.layers().is_empty() || self.found.evidence.signatures().next().is_some();
        let instead = match (&self.found.signatures, self.digest) {
            (_, Some(digest)) if has_signatures => self.signed(digest, budget),
            (Signed::Nothing | Signed::Signatures(..), Some(digest)) => match around(self.image, digest, budget) {
                Surroundings::NotFound => return Unproven::NotFound,
                Surroundings::Found(other) => Instead::Unsigned(other),
            },
            (Signed::Unusable(unusable), _) => Instead::Unusable(*unusable),
            (Signed::NotNow, _) | (_, None) => Instead::NotNow(not_now(&self.roots, self.now)),
        };
        let needs_key = self.roots.iter().any(|root| root.key().is_some());
        let tool = if needs_key { SigningTool::CosignWithKey } else { SigningTool::Cosign };
        let evidence = match &self.found.evidence {
            Evidence::Nothing => OtherItems::NotCollected,
            Evidence::Unusable(unusable) => OtherItems::Unusable(*unusable),
            Evidence::Documents(_) => OtherItems::Items(set(self.found.evidence.others())),
        };
        let (digest, tally, instead) = (self.digest, self.tally.into(), instead.into());
        Unproven::NotSigned(NotSigned { digest, tally, tool, instead, evidence })
    }

    /// There are signatures, but not enough of those who may sign.
    fn signed(&self, digest: Digest, budget: &mut Budget<'_>) -> Instead {
        let mut look = Look::new(self, digest);
        let mut missing = look.all(budget);
        let makers = look.makers(&missing);
        if let Signed::Signatures(signatures, _) = &self.found.signatures {
            for (root, why) in &mut missing {
                if let Some(annotations) = self.unmet_annotations(root, why, signatures, digest, budget) {
                    *why = annotations;
                }
            }
        }
        let nobody_has_a_certificate = self.requirement.roots().all(|root| root.key().is_some());
        let certificates = if nobody_has_a_certificate { look.certificates() } else { 0 };
        Instead::Signed { signatures: look.signatures(), certificates, missing, makers }
    }
}
