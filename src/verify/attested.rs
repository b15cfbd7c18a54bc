//! What came of the attestations that a rule requires?

use std::collections::BTreeSet;

use super::{Tally, TrustRootName};
use crate::{
    condition::Unmet,
    evidence::{NoSignature, UnusableEvidence},
    image::Digest,
    sigstore::VerificationError,
    time::{Age, Period},
};

/// An attestation that was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The types that its predicate may have.
    pub predicate_types: BTreeSet<String>,
    /// The trust roots that signed it.
    pub signed: BTreeSet<TrustRootName>,
}

/// Attestations are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAttested {
    /// The digest that was judged.
    pub digest: Digest,
    /// Who signed the image.
    pub tally: Box<Tally>,
    /// The attestations that are missing, of which there is at least one.
    pub missing: Vec<MissingAttestation>,
    /// What the evidence manifest of the image has that is neither a signature nor an attestation.
    pub unusable: BTreeSet<NoSignature>,
}

/// An attestation that is missing, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingAttestation {
    /// The types that its predicate may have.
    pub predicate_types: BTreeSet<String>,
    /// The platform that has none, if each platform needs one.
    pub platform: Option<Digest>,
    /// Who signed, of those who may sign it.
    pub tally: Tally,
    /// The reason for which what is there does not count.
    pub lack: Lack,
}

/// The reason for which an attestation is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// There is no evidence manifest.
    NotCollected,
    /// The evidence tag has something that cannot be read as an evidence manifest.
    Unusable(UnusableEvidence),
    /// The evidence manifest has no attestation of the type. It has attestations of these types.
    Type(BTreeSet<String>),
    /// Too few of those who may sign have signed one. This is the check that the likeliest signature of each failed.
    Signers(Vec<(TrustRootName, VerificationError)>),
    /// One is by those who may sign, but its certificate is older than this.
    Age(Age),
    /// One is by those who may sign, but does not meet the conditions.
    Conditions(Unmet),
    /// The platforms of the index cannot be determined.
    Platforms,
    /// Too few of those who may sign it count at this time: this one does not, which counts in this period.
    NotNow(TrustRootName, Period),
}
