//! Why was an image not proven, and what is there instead?
//!
//! After a no, one look at what lies beside the image, for whoever has to mend it. Nothing found here is a proof, and nothing here can turn a no into a yes.

mod foreign;
mod lack;

use std::{collections::BTreeMap, fmt, time::Duration};

pub use foreign::{Beside, Foreign};
use foreign::{Surroundings, around};
pub use lack::Lack;
pub(super) use lack::{guesses, not_now};

use super::{Budget, Requirement, Spent, Step, Tally, TrustRoot, Unusable, prove::Sight, sigstore::Signatures};
use crate::{
    host::Cause,
    image::{Digest, ImageRef},
};

/// Most trust roots of which it is told what they did instead; of the others a denial has the names.
const MAX_EXPLAINED: usize = 5;

/// Why an image was not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// Too few have signed.
    NotSigned {
        /// Who did and who did not.
        tally: Tally,
        /// What is there instead.
        shortfall: Box<Shortfall>,
    },
    /// The registry does not have the image.
    NotFound,
    /// The host's answer was for another digest than it was asked about.
    Disagreement {
        /// The digest that it was asked about.
        asked: Digest,
        /// The one that it answered for.
        answered: Digest,
    },
    /// It could not be told whether enough have signed.
    Undecided {
        /// Who did and who did not.
        tally: Tally,
        /// What stood in the way.
        cause: Cause,
    },
    /// The budget was spent first.
    Spent {
        /// Who did and who did not, as far as it was asked.
        tally: Tally,
        /// The limit of the budget that was reached.
        spent: Spent,
    },
}

/// What is there in place of the signatures that were needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortfall {
    /// No signature of cosign's; this is there instead, if anything is.
    Unsigned(Beside),
    /// What lies in the signatures' place is none.
    Unusable(Unusable),
    /// Signatures, and what is known of some who did not make them.
    Signed {
        /// How many signatures there are.
        signatures: usize,
        /// How many of them came with a certificate, where nobody asked for one.
        certificates: usize,
        /// What those who are missing did instead.
        lacks: Vec<(String, Lack)>,
        /// The fingerprints of two keys, one of which made the first signature, if nobody who is known did.
        makers: Option<[Digest; 2]>,
    },
    /// Of those who may sign, too few count at this time.
    NotNow(Vec<(String, Lack)>),
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
}

impl Shortfall {
    /// What is there instead, as one stable word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Shortfall::Unsigned(beside) => beside.word(),
            Shortfall::Unusable(_) => "unusable-signature-manifest",
            Shortfall::Signed { lacks, .. } | Shortfall::NotNow(lacks) => {
                lacks.first().map_or("not-looked-at", |(_, lack)| lack.word())
            }
        }
    }

    /// What would make it pass.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Shortfall::Unsigned(beside) => beside.remedy(),
            Shortfall::Unusable(_) => "Remove what is under its tag sha256-….sig (cosign clean), and sign it again",
            Shortfall::Signed { lacks, .. } | Shortfall::NotNow(lacks) => {
                lacks.first().map_or(MISSING, |(_, lack)| lack.remedy())
            }
        }
    }
}

const MISSING: &str = "Have it signed by those who are missing";

/// A proof that failed. That it did is certain; why may still have to be looked for.
pub enum Failure<'r> {
    /// There is nothing more to find out.
    Told(Unproven),
    /// Too few have signed.
    Missing(Box<Missing<'r>>),
}

impl Failure<'_> {
    /// Looks at what is there instead. Where the time is up, less is told; the answer stays the same.
    #[must_use]
    pub fn explain(self, budget: &mut Budget<'_>) -> Unproven {
        match self {
            Failure::Told(unproven) => unproven,
            Failure::Missing(missing) => missing.explain(budget),
        }
    }
}

/// What is known when too few have signed.
pub struct Missing<'r> {
    pub(super) image: &'r ImageRef,
    pub(super) requirement: &'r Requirement,
    pub(super) now: Duration,
    pub(super) tally: Tally,
    /// Those who certainly did not sign.
    pub(super) roots: Vec<&'r TrustRoot>,
    pub(super) sight: Sight,
    /// How far signatures came, by the trust roots that they are not of.
    pub(super) steps: BTreeMap<&'r str, Step>,
}

impl Missing<'_> {
    fn explain(self, budget: &mut Budget<'_>) -> Unproven {
        let shortfall = match &self.sight {
            Sight::Nothing(digest) => return self.unsigned(*digest, budget),
            Sight::Signatures(digest, signatures) if signatures.layers.is_empty() => {
                return self.unsigned(*digest, budget);
            }
            Sight::Signatures(digest, signatures) => {
                let mut lacks = lack::of(&self, signatures, *digest, budget);
                for (root, lack) in &mut lacks {
                    if let Some(annotations) = self.unmet_annotations(root, lack, signatures, *digest, budget) {
                        *lack = annotations;
                    }
                }
                Shortfall::Signed {
                    signatures: signatures.layers.len(),
                    certificates: match self.requirement.roots.iter().all(|root| root.key().is_some()) {
                        true => signatures.layers.iter().filter(|layer| layer.certificate.is_some()).count(),
                        false => 0,
                    },
                    makers: lack::makers(signatures, &self.tally, &lacks),
                    lacks,
                }
            }
            Sight::Unusable(unusable) => Shortfall::Unusable(*unusable),
        };
        Unproven::NotSigned { tally: self.tally, shortfall: Box::new(shortfall) }
    }

    /// Asks the host which annotations were not signed, if this trust root signed the image with others and the host may be asked about it.
    fn unmet_annotations(
        &self,
        root: &str,
        lack: &Lack,
        signatures: &Signatures,
        digest: Digest,
        budget: &mut Budget<'_>,
    ) -> Option<Lack> {
        let asked = &self.requirement.annotations;
        let root = self.roots.iter().find(|known| known.name == root)?;
        let key = self.requirement.hosts_key(root).filter(|_| matches!(lack, Lack::OtherPayload(_)))?;
        if asked.is_empty() || signatures.download.too_much(2 + asked.len()).is_some() {
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
        for (key, value) in asked {
            if !signed([(key.clone(), value.clone())].into())? {
                unmet.push(lack::annotation(key, value));
            }
        }
        (!unmet.is_empty()).then_some(Lack::Annotations(unmet))
    }

    /// No signature lies where cosign's belong.
    fn unsigned(&self, digest: Digest, budget: &mut Budget<'_>) -> Unproven {
        match around(self.image, digest, budget) {
            Surroundings::NotFound => Unproven::NotFound,
            Surroundings::Found(beside) => {
                Unproven::NotSigned { tally: self.tally.clone(), shortfall: Box::new(Shortfall::Unsigned(beside)) }
            }
        }
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unproven::NotFound => f.write_str("the registry does not have it"),
            Unproven::Disagreement { asked, answered } => {
                write!(f, "not trusted: the host was asked about {asked} and answered for {answered}")
            }
            Unproven::NotSigned { tally, shortfall } => write!(f, "not trusted: {shortfall}{tally}"),
            Unproven::Undecided { tally, cause } => {
                write!(f, "could not tell whether it is signed: {cause}{tally}")
            }
            Unproven::Spent { tally, spent } => write!(f, "not decided: {spent}{tally}"),
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shortfall::Unsigned(beside) => write!(f, "{beside}"),
            Shortfall::Unusable(unusable) => write!(f, "{unusable}"),
            Shortfall::NotNow(lacks) => {
                f.write_str("too few of those who may sign count today")?;
                lack::write_all(f, lacks)
            }
            Shortfall::Signed { signatures, certificates, lacks, makers } => {
                let plural = if *signatures == 1 { "" } else { "s" };
                write!(f, "it has {signatures} signature{plural}")?;
                match *certificates {
                    0 => {}
                    1 if *signatures == 1 => f.write_str(" (with a certificate, which this rule does not ask for)")?,
                    _ => write!(f, " ({certificates} with a certificate, which this rule does not ask for)")?,
                }
                lack::write_all(f, lacks)?;
                match makers {
                    Some([one, other]) => {
                        let one_of = if *signatures == 1 { "it" } else { "one of them" };
                        write!(
                            f,
                            "; if {one_of} was made with SHA-256, its key is {} or {}",
                            lack::short(*one),
                            lack::short(*other)
                        )
                    }
                    None => Ok(()),
                }
            }
        }
    }
}
