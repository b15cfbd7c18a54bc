//! What is known when too few have signed?

use std::collections::{BTreeMap, BTreeSet};

use super::{CosignRequirement, NotAttested, Payloads, Tally, TrustRoot, TrustRootName, Unproven};
use crate::{
    evidence::{
        Attestation, Document, NoSignature, SignatureDocument, Unusable, UnusableEvidence,
        cosign::{Layer, Payload, Signatures},
        manifest::LargeDocument,
        notary_v1::{RootError, TargetError, TrustDataError},
        notation::NotationError,
    },
    host::Cause,
    image::{Digest, ImageRef},
    sigstore::VerificationError,
    time::UnixTime,
};

/// A verification that failed. The denial is certain. The reason for which signatures are missing may still have to be found.
pub type Failure<'r> = Unproven<Missing<'r>>;

/// What is known when too few have signed, by the type of the validator.
pub enum Missing<'r> {
    /// Signatures of cosign are missing.
    Cosign(Box<CosignMissing<'r>>),
    /// Signatures of Notation are missing.
    Notation(Box<NotationMissing<'r>>),
    /// Trust data of Notary v1 does not prove the image.
    NotaryV1(Box<NotaryMissing<'r>>),
}

impl Failure<'_> {
    /// Who signed the digest, if an index that lists it may be proven in its place. A trust root that does not count now does not count for an index either.
    pub(super) fn tally_before_an_index(&self) -> Option<&Tally> {
        match self {
            Unproven::NotSigned(Missing::Cosign(missing)) if matches!(missing.found.signatures, Signed::NotNow) => None,
            Unproven::NotSigned(Missing::Cosign(missing)) => Some(&missing.tally),
            Unproven::NotSigned(Missing::Notation(missing)) if matches!(missing.found, NotationFound::NotNow) => None,
            Unproven::NotSigned(Missing::Notation(missing)) => Some(&missing.tally),
            // Trust data says which digest the tag has, and that is not asked of the registry.
            Unproven::NotSigned(Missing::NotaryV1(_)) => None,
            Unproven::NotAttested(NotAttested { tally, .. }) => Some(tally),
            // Evidence of the digest itself that cannot be read says nothing about the index.
            Unproven::Undecided { tally, cause: Cause::LargeAttestation | Cause::TooMuchEvidence, .. } => Some(tally),
            Unproven::NotFound
            | Unproven::Disagreement { .. }
            | Unproven::Undecided { .. }
            | Unproven::Spent { .. } => None,
        }
    }
}

/// What is known when too few have signed with cosign.
pub struct CosignMissing<'r> {
    pub(crate) image: &'r ImageRef,
    pub(crate) requirement: &'r CosignRequirement,
    pub(crate) now: UnixTime,
    /// The digest that was judged, if it is known.
    pub(crate) digest: Option<Digest>,
    pub(crate) tally: Tally,
    /// The trust roots that certainly did not sign.
    pub(crate) roots: Vec<&'r TrustRoot>,
    pub(crate) found: Found,
    /// The check that the likeliest signature of a trust root failed.
    pub(crate) errors: BTreeMap<&'r TrustRootName, VerificationError>,
}

/// What was found in the two manifests of an image that hold signatures.
pub(crate) struct Found {
    pub(crate) signatures: Signed,
    pub(crate) evidence: Evidence,
}

/// What was found under the tag of the evidence manifest.
pub(crate) enum Evidence {
    /// An evidence manifest. Each item is a document about the image, or there is a reason for which it is none.
    Documents(Vec<Result<Document, NoSignature>>),
    /// The registry has no such tag.
    Nothing,
    /// Something that is not an evidence manifest of a known version.
    Unusable(UnusableEvidence),
}

/// What was found under the tag of the signature manifest.
pub(crate) enum Signed {
    /// A signature manifest, which may be empty, and the payloads that the rule accepts.
    Signatures(Signatures, Payloads),
    /// The registry has no such tag.
    Nothing,
    /// Something that is not a signature manifest.
    Unusable(Unusable),
    /// The registry was not asked, because too few trust roots count at this time.
    NotNow,
}

impl Signed {
    /// The signatures of the signature manifest. There are none if there is no such manifest.
    pub(crate) fn layers(&self) -> &[Layer] {
        match self {
            Signed::Signatures(signatures, _) => &signatures.layers,
            Signed::Nothing | Signed::Unusable(_) | Signed::NotNow => &[],
        }
    }

    /// The payload that a signature covers, if the rule accepts it.
    pub(crate) fn accepted(&self, layer: &Layer) -> Option<&Payload> {
        match self {
            Signed::Signatures(_, payloads) => payloads.get(&layer.payload),
            Signed::Nothing | Signed::Unusable(_) | Signed::NotNow => None,
        }
    }
}

impl Evidence {
    /// The items that are signatures of the image.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &SignatureDocument> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Signature(document)) => Some(document),
            Ok(Document::Attestation(_) | Document::Large(_)) | Err(_) => None,
        })
    }

    /// The items that are attestations about the image.
    pub(crate) fn attestations(&self) -> impl Iterator<Item = &Attestation> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Attestation(attestation)) => Some(attestation),
            Ok(Document::Signature(_) | Document::Large(_)) | Err(_) => None,
        })
    }

    /// The documents that were not read, because they are not in the evidence manifest itself.
    pub(crate) fn large(&self) -> impl Iterator<Item = &LargeDocument> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Large(document)) => Some(document),
            Ok(Document::Signature(_) | Document::Attestation(_)) | Err(_) => None,
        })
    }

    /// The reasons for which the other items are not signatures of the image.
    pub(crate) fn others(&self) -> impl Iterator<Item = NoSignature> {
        self.items().iter().filter_map(|item| match item {
            Ok(Document::Signature(_)) => None,
            Ok(Document::Attestation(attestation)) => {
                Some(NoSignature::Attestation(attestation.predicate_type.clone()))
            }
            Ok(Document::Large(_)) => Some(NoSignature::Large),
            Err(reason) => Some(reason.clone()),
        })
    }

    fn items(&self) -> &[Result<Document, NoSignature>] {
        match self {
            Evidence::Documents(items) => items,
            Evidence::Nothing | Evidence::Unusable(_) => &[],
        }
    }
}

impl Default for Found {
    fn default() -> Found {
        Found { signatures: Signed::Nothing, evidence: Evidence::Nothing }
    }
}

/// What is known when too few have signed with Notation.
pub struct NotationMissing<'r> {
    pub(crate) image: &'r ImageRef,
    pub(crate) now: UnixTime,
    pub(crate) digest: Option<Digest>,
    pub(crate) tally: Tally,
    /// The trust roots that did not sign.
    pub(crate) roots: Vec<&'r TrustRoot>,
    pub(crate) found: NotationFound,
    /// The check that the likeliest signature of a trust root failed.
    pub(crate) errors: BTreeMap<&'r TrustRootName, NotationError>,
}

/// What was found in the evidence manifest.
pub(crate) enum NotationFound {
    /// The registry was not asked, because too few trust roots count at this time.
    NotNow,
    /// The registry has no such tag.
    Nothing,
    /// Something that is not an evidence manifest of a known version.
    Unusable(UnusableEvidence),
    /// This number of signatures of Notation, and the reasons for which other items are none.
    Signatures(usize, BTreeSet<NoSignature>),
}

/// What is known when trust data of Notary v1 does not prove an image.
pub struct NotaryMissing<'r> {
    pub(crate) now: UnixTime,
    /// The digest of the image, if its reference has one.
    pub(crate) digest: Option<Digest>,
    pub(crate) tally: Tally,
    /// The trust roots that do not count.
    pub(crate) roots: Vec<&'r TrustRoot>,
    /// The name of the repository whose trust data was looked at.
    pub(crate) gun: String,
    /// The address of the notary server, if the settings name it.
    pub(crate) server: Option<&'r str>,
    pub(crate) found: NotaryFound,
    /// The reason for which each trust root does not count.
    pub(crate) errors: BTreeMap<&'r TrustRootName, RootError>,
}

/// What was found in the evidence manifest of a repository.
pub(crate) enum NotaryFound {
    /// The registry was not asked, because too few trust roots count at this time.
    NotNow,
    /// The registry has no such tag.
    Nothing,
    /// Something that is not an evidence manifest of a known version.
    Unusable(UnusableEvidence),
    /// Files that fail a check, whoever is trusted.
    TrustData(TrustDataError),
    /// Files that name no digest for the image.
    Target(TargetError),
    /// Files for which too few trust roots vouch.
    Roots,
}
