//! Why was an image not verified, and what is there instead?
//!
//! After a no, one look at what lies beside the image, for whoever has to mend it. Nothing that is found here is a proof, and nothing here can turn a no into a
//! yes.

mod annotations;
mod missing;
mod other_evidence;

pub use missing::MissingSigner;
pub use other_evidence::{OtherEvidence, OtherFormat};

use crate::{
    evidence::{Unusable, cosign::Signatures},
    host::Cause,
    image::Digest,
    verify::{Budget, Failure, Found, Missing, Spent, Tally},
};
use missing::{Look, MAX_EXPLAINED, of_time};
use other_evidence::{Surroundings, around};

/// Why an image was not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// Too few have signed.
    NotSigned {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who did and who did not.
        tally: Box<Tally>,
        /// Whether one of those who are missing signs with a key, and not with a certificate.
        needs_key: bool,
        /// What is there instead.
        instead: Box<Instead>,
    },
    /// The registry does not have the image.
    NotFound,
    /// The policy server's answer was for another digest than it was asked about.
    Disagreement {
        /// The digest that it was asked about.
        asked: Digest,
        /// The digest that it answered for.
        answered: Digest,
    },
    /// It could not be told whether enough have signed.
    Undecided {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who did and who did not.
        tally: Box<Tally>,
        /// What stood in the way.
        cause: Cause,
    },
    /// The budget was spent first.
    Spent {
        /// The digest that was judged, if it is known.
        digest: Option<Digest>,
        /// Who did and who did not, as far as it was asked.
        tally: Box<Tally>,
        /// The limit of the budget that was reached.
        spent: Spent,
    },
}

/// What is there in place of the signatures that were needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// There is no signature of cosign's; this is there instead, if anything is.
    Unsigned(OtherEvidence),
    /// What lies in the place of cosign's signatures is no manifest of signatures.
    Unusable(Unusable),
    /// There are signatures, and this is known of some who did not make them.
    Signed {
        /// How many signatures there are.
        signatures: usize,
        /// How many of them came with a certificate, where nobody asked for one.
        certificates: usize,
        /// What those who are missing did instead, by their names.
        missing: Vec<(String, MissingSigner)>,
        /// The fingerprints of two keys, one of which made the first signature, if nobody who is known did.
        makers: Option<[Digest; 2]>,
    },
    /// Of those who may sign, too few count at this time.
    NotNow(Vec<(String, MissingSigner)>),
}

impl Unproven {
    /// Who signed and who did not, as far as it is known.
    #[must_use]
    pub fn tally(&self) -> Option<&Tally> {
        match self {
            Unproven::NotSigned { tally, .. } | Unproven::Undecided { tally, .. } | Unproven::Spent { tally, .. } => {
                Some(tally)
            }
            Unproven::NotFound | Unproven::Disagreement { .. } => None,
        }
    }

    /// The digest that was judged, if it is known.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Unproven::NotSigned { digest, .. }
            | Unproven::Undecided { digest, .. }
            | Unproven::Spent { digest, .. } => *digest,
            Unproven::Disagreement { asked, .. } => Some(*asked),
            Unproven::NotFound => None,
        }
    }
}

/// Looks at what is there instead. Where the time is up, less is told; the answer stays the same.
#[must_use]
pub fn explain(failure: Failure<'_>, budget: &mut Budget<'_>) -> Unproven {
    match failure {
        Failure::NotFound => Unproven::NotFound,
        Failure::Disagreement { asked, answered } => Unproven::Disagreement { asked, answered },
        Failure::Undecided { digest, tally, cause } => Unproven::Undecided { digest, tally: tally.into(), cause },
        Failure::Spent { digest, tally, spent } => Unproven::Spent { digest, tally: tally.into(), spent },
        Failure::NotNow { digest, roots, now, tally } => {
            let not_now = roots.iter().filter_map(|root| Some((root.name.clone(), of_time(root, now)?)));
            let instead = Box::new(Instead::NotNow(not_now.take(MAX_EXPLAINED).collect()));
            Unproven::NotSigned {
                digest,
                tally: tally.into(),
                needs_key: roots.iter().any(|root| root.key().is_some()),
                instead,
            }
        }
        Failure::Missing(missing) => missing.explain(budget),
    }
}

impl Missing<'_> {
    fn explain(self, budget: &mut Budget<'_>) -> Unproven {
        let instead = match &self.found {
            Found::Signatures(signatures) if !signatures.layers.is_empty() => self.signed(signatures, budget),
            Found::Nothing | Found::Signatures(_) => match around(self.image, self.digest, budget) {
                Surroundings::NotFound => return Unproven::NotFound,
                Surroundings::Found(other) => Instead::Unsigned(other),
            },
            Found::Unusable(unusable) => Instead::Unusable(*unusable),
        };
        let (digest, instead) = (Some(self.digest), Box::new(instead));
        let needs_key = self.roots.iter().any(|root| root.key().is_some());
        Unproven::NotSigned { digest, tally: self.tally.into(), needs_key, instead }
    }

    /// There are signatures, but not enough of those who may sign.
    fn signed(&self, signatures: &Signatures, budget: &mut Budget<'_>) -> Instead {
        let mut look = Look::new(self, signatures);
        let mut missing = look.all(budget);
        let makers = look.makers(&missing);
        for (root, why) in &mut missing {
            if let Some(annotations) = self.unmet_annotations(root, why, signatures, budget) {
                *why = annotations;
            }
        }
        let nobody_has_a_certificate = self.requirement.roots.iter().all(|root| root.key().is_some());
        let with_certificate = signatures.layers.iter().filter(|layer| layer.certificate.is_some());
        Instead::Signed {
            signatures: signatures.layers.len(),
            certificates: if nobody_has_a_certificate { with_certificate.count() } else { 0 },
            missing,
            makers,
        }
    }
}
