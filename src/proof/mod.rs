//! Is this digest signed, and by whom?
//!
//! Knows images and what a validator asks for; never a workload, a request or settings.

mod key;
mod quorum;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

pub use key::{KeyError, PublicKey};
pub use quorum::{Quorum, Standing, Tally, Vote};

use crate::{
    host::{Cause, Host, HostError},
    image::{Digest, ImageRef},
    shown::{Shown, ShownInLog},
};

/// Somebody who may sign: a name from the settings, and what proves that they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// The name, as messages give it.
    pub name: String,
    /// The key that makes the signatures.
    pub key: PublicKey,
}

/// What a rule wants proven of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Who may sign. Names and keys are distinct.
    pub roots: Vec<TrustRoot>,
    /// How many of them have to.
    pub threshold: usize,
    /// Who of them has to.
    pub required: BTreeSet<String>,
    /// What every signature has to carry.
    pub annotations: BTreeMap<String, String>,
}

/// A digest that enough trust roots signed. There is no other way to get one than to have [`prove`] prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    image: ImageRef,
    digest: Digest,
    tally: Tally,
}

/// A reference with the digest that was proven of it, in the user's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned(ImageRef);

impl Pinned {
    /// The text to be written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.written()
    }
}

impl Verified {
    /// `image` with the digest that was signed; `None` if it is not the image that this is the proof of.
    #[must_use]
    pub fn pin(&self, image: &ImageRef) -> Option<Pinned> {
        (self.image == *image).then(|| Pinned(image.pinned(self.digest)))
    }

    /// What was signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// By whom.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// Why an image was not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// Too few have signed; `cause` is what was said of the last one who has not.
    NotSigned {
        /// Who did and who did not.
        tally: Tally,
        /// What the host said of the last one who did not.
        cause: Cause,
        /// What a signature had to carry to count.
        annotations: BTreeMap<String, String>,
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
    /// The time was up first.
    OutOfTime {
        /// Who did and who did not, as far as it was asked.
        tally: Tally,
    },
}

impl Unproven {
    /// Who signed and who did not, as far as it is known.
    #[must_use]
    pub fn tally(&self) -> Option<&Tally> {
        match self {
            Unproven::NotSigned { tally, .. } | Unproven::Undecided { tally, .. } | Unproven::OutOfTime { tally } => {
                Some(tally)
            }
            Unproven::NotFound | Unproven::Disagreement { .. } => None,
        }
    }
}

/// How much a request may cost.
pub struct Budget<'h> {
    host: &'h dyn Host,
    limit: Duration,
    calls: usize,
    said: Vec<String>,
}

impl<'h> Budget<'h> {
    /// A budget of `limit` from the moment the request came in.
    pub fn new(host: &'h dyn Host, limit: Duration) -> Budget<'h> {
        Budget { host, limit, calls: 0, said: Vec::new() }
    }

    /// How many host calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// How long this request may take.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Is the time up?
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.host.elapsed() >= self.limit
    }

    /// The host's own words where it said no, for the log.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// One question to the host, or none if the time is up: a call can't be interrupted once it is made.
    fn ask(
        &mut self,
        image: &str,
        root: &TrustRoot,
        annotations: &BTreeMap<String, String>,
    ) -> Option<Result<Digest, HostError>> {
        if self.is_spent() {
            return None;
        }
        self.calls += 1;
        let answer = self.host.verify(image, &root.key, annotations);
        if let Err(error) = &answer {
            self.said.push(format!("{image}, trust root {}: {}", Shown(&root.name), ShownInLog(&error.text)));
        }
        Some(answer)
    }
}

/// Proves that enough trust roots signed what `image` names, asking the host once a root and no more often than the answer needs.
///
/// The first yes names the digest. From then on that digest is what is asked about, so that a tag which moves meanwhile changes nothing.
///
/// # Errors
/// When too few signed, when it can't be told, or when the answers don't agree.
pub fn prove(image: &ImageRef, requirement: &Requirement, budget: &mut Budget<'_>) -> Result<Verified, Unproven> {
    let is_required = |root: &&TrustRoot| requirement.required.contains(&root.name);
    let (first, rest): (Vec<_>, Vec<_>) = requirement.roots.iter().partition(is_required);
    let names = requirement.roots.iter().map(|root| root.name.as_str());
    let mut quorum = Quorum::new(requirement.threshold, requirement.required.iter().map(String::as_str), names);
    let mut digest = image.digest();
    let mut refusal = Cause::Unsigned;
    let mut obstacle = None;
    for root in first.into_iter().chain(rest) {
        if quorum.standing() != Standing::Open {
            break;
        }
        let asked = digest.map_or_else(|| image.to_string(), |digest| image.by_digest(digest));
        match budget.ask(&asked, root, &requirement.annotations) {
            None => return Err(Unproven::OutOfTime { tally: quorum.tally() }),
            Some(Ok(answered)) => {
                let asked = *digest.get_or_insert(answered);
                if asked != answered {
                    return Err(Unproven::Disagreement { asked, answered });
                }
                quorum.vote(&root.name, Vote::Signed);
            }
            Some(Err(error)) => match error.cause {
                // Once somebody's signature was seen, the image is there, whatever the registry says now.
                Cause::NotFound if quorum.nobody_signed() => return Err(Unproven::NotFound),
                // "No signature" may mean that the signatures could not be fetched just now; it is no answer for the other roots, one of which
                // the host may remember.
                cause @ (Cause::Unsigned | Cause::Elsewhere | Cause::Mismatch) => {
                    refusal = cause;
                    quorum.vote(&root.name, Vote::Missing);
                }
                cause => {
                    obstacle = Some(cause);
                    quorum.vote(&root.name, Vote::Undecided);
                }
            },
        }
    }
    let tally = quorum.tally();
    match (quorum.standing(), digest, obstacle) {
        (Standing::Met, Some(digest), _) => Ok(Verified { image: image.clone(), digest, tally }),
        (Standing::Open, _, Some(cause)) => Err(Unproven::Undecided { tally, cause }),
        _ => {
            // Where somebody signed, there are signatures: what is missing is the others'.
            let cause = if tally.signed.is_empty() { refusal } else { Cause::Mismatch };
            Err(Unproven::NotSigned { tally, cause, annotations: requirement.annotations.clone() })
        }
    }
}
