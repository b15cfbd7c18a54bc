//! What does an evidence manifest hold?
//!
//! An evidence manifest is an OCI image manifest under the tag `sha256-<hex>.evidence`. Its layers are evidence files, and an annotation of each layer repeats
//! the file's content, because a policy can read manifests but not blobs (`docs/reference/evidence.md`). Nothing in it is trusted, because whoever can push can write one.

use std::{borrow::Cow, collections::BTreeSet};

use base64ct::{Base64, Encoding as _};
use serde_json::value::RawValue;

pub use super::notation::{COSE, JWS};
use super::{
    cosign::{Attachment, Layer, attachment, layer},
    notation::EnvelopeFormat,
};
use crate::{
    image::Digest,
    json::{entries, members, text},
};

/// The `artifactType` of an evidence manifest. If a change could mislead readers of this version, the number changes.
pub const ARTIFACT_TYPE: &str = "application/vnd.image-trust.evidence.v1";
/// The beginning of `artifactType` in every version.
const ANY_VERSION: &str = "application/vnd.image-trust.evidence.";
/// The annotation of a layer that holds its content, in base64 (RFC 4648, section 4).
pub const CONTENT: &str = "dev.image-trust.content";
/// The annotation of a layer that names, by its digest, the manifest whose config is the content.
pub const MANIFEST: &str = "dev.image-trust.manifest";
/// The most items that are read, in the order of the manifest.
pub const MAX_ITEMS: usize = 100;
/// The largest content of one item, in bytes.
pub const MAX_ITEM: usize = 256 * 1024;
/// The largest OCSP response, in bytes. With the responder's certificate it has 1 to 3 KiB.
pub const MAX_OCSP_RESPONSE: usize = 16 * 1024;
/// The largest content of all items together, in bytes.
pub const MAX_CONTENT: usize = 3 * 1024 * 1024;

/// The largest content of a pointer manifest, in bytes. With the manifest around it, it is an answer of less than 4 MiB.
pub const MAX_POINTED: usize = 4_000_000;
/// The annotations of a layer that may hold the predicate type of an attestation: of bundles, and of envelopes of cosign 2. They decide what is read, and nothing else.
pub const PREDICATE_TYPES: [&str; 2] = ["dev.sigstore.bundle.predicateType", "predicateType"];

/// The media type of an item that tells of evidence which is too large for an evidence manifest.
pub const LEFT_OUT: &str = "application/vnd.image-trust.left-out.v1+json";
/// The media type of a cosign payload (cosign, "Signature Specification").
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The media type of an attestation of cosign 2 (cosign, "In-Toto Attestation Specification").
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The media types of a Sigstore bundle (Sigstore protobuf-specs, `sigstore_bundle.proto`).
pub const BUNDLES: [&str; 4] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/// The media type of a revocation list (RFC 2585, section 4.2).
pub const REVOCATION_LIST: &str = "application/pkix-crl";
/// The media type of an OCSP response (RFC 6960, appendix C.2).
pub const OCSP_RESPONSE: &str = "application/ocsp-response";

/// The tag under which the evidence for `digest` lies.
#[must_use]
pub fn evidence_tag(digest: Digest) -> String {
    format!("{}.evidence", digest.as_tag())
}

/// The evidence that was collected for an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EvidenceManifest {
    /// The items of kinds that are known, in their order.
    pub(crate) items: Vec<Item>,
}

/// One file of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The digest that the manifest gives for the item. It is `None` if the item cannot be read.
    pub(crate) digest: Option<Digest>,
    /// The content, or the rule of the format that the item breaks.
    pub(crate) content: Result<Content, ItemError>,
}

/// What an item holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A signature of cosign 1 or 2, and the payload that it claims to cover.
    SimpleSigning(Layer, Vec<u8>),
    /// A DSSE envelope, and what stood beside it.
    Envelope(Attachment, Vec<u8>),
    /// A Sigstore bundle.
    Bundle(Vec<u8>),
    /// A signature of Notation.
    Notation(EnvelopeFormat, Vec<u8>),
    /// A revocation list of a CA (RFC 5280, section 5).
    RevocationList(Vec<u8>),
    /// An answer of a CA about single certificates (RFC 6960, section 4.2).
    OcspResponse(Vec<u8>),
    /// A document that is not in the evidence manifest itself.
    Large(LargeDocument),
}

/// A document that is too large for an evidence manifest. It is read only if a rule asks for an attestation that it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LargeDocument {
    /// The predicate type that the manifest gives for it, without a proof.
    predicate_type: Option<String>,
    /// The pointer manifest whose config it is. It is `None` if the document cannot be read by a policy.
    pub(crate) manifest: Option<Digest>,
}

impl LargeDocument {
    fn read(annotations: &RawValue, manifest: Option<Digest>) -> Result<LargeDocument, ItemError> {
        let predicate_types = members(annotations, PREDICATE_TYPES).map_err(|_| ItemError::Form)?;
        let predicate_type = predicate_types.into_iter().flatten().find_map(|json| text(json).ok());
        Ok(LargeDocument { predicate_type: predicate_type.map(Cow::into_owned), manifest })
    }

    /// Whether it may be an attestation with one of these predicate types.
    pub(crate) fn may_be(&self, predicate_types: &BTreeSet<String>) -> bool {
        self.predicate_type.as_ref().is_none_or(|predicate_type| predicate_types.contains(predicate_type))
    }
}

/// The reason for which an item of a known kind is not evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemError {
    /// The item has no digest, or its annotations cannot be read.
    Form,
    /// The item has no content.
    NoContent,
    /// The content is larger than [`MAX_ITEM`] or [`MAX_OCSP_RESPONSE`], or all contents together are larger than [`MAX_CONTENT`].
    TooLarge,
    /// The content is not canonical base64 (RFC 4648, section 4).
    Base64,
    /// The content has another digest or another size than the layer says.
    Digest,
    /// The item stands after the first [`MAX_ITEMS`] items.
    TooMany,
}

/// The reason for which a manifest is not a usable evidence manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusableEvidence {
    /// The text does not have the form of an image manifest.
    Form,
    /// The manifest has another `artifactType`.
    Type,
    /// The evidence manifest has a version that this policy does not know.
    Version,
}

impl EvidenceManifest {
    /// Reads the JSON of a manifest. An item that breaks a rule is kept as an error. An item of an unknown kind is ignored.
    ///
    /// # Errors
    /// When it is no evidence manifest of this version.
    pub(crate) fn read(json: &[u8]) -> Result<EvidenceManifest, UnusableEvidence> {
        let mut room = MAX_CONTENT;
        let mut items = Vec::new();
        for (at, descriptor) in layers(json)?.into_iter().enumerate() {
            if at >= MAX_ITEMS {
                items.push(Item { digest: None, content: Err(ItemError::TooMany) });
                break;
            }
            // A copy of an item is not another one.
            let item = Item::read(descriptor, &mut room);
            items.extend(item.filter(|item| !items.contains(item)));
        }
        Ok(EvidenceManifest { items })
    }
}

/// The layers of an evidence manifest of this version.
pub(super) fn layers(json: &[u8]) -> Result<Vec<&RawValue>, UnusableEvidence> {
    let manifest: &RawValue = serde_json::from_slice(json).map_err(|_| UnusableEvidence::Form)?;
    let [kind, layers] = members(manifest, ["artifactType", "layers"]).map_err(|_| UnusableEvidence::Form)?;
    let kind = kind.and_then(|kind| text(kind).ok()).unwrap_or_default();
    if kind != ARTIFACT_TYPE {
        let is_version = kind.starts_with(ANY_VERSION);
        return Err(if is_version { UnusableEvidence::Version } else { UnusableEvidence::Type });
    }
    entries(layers.ok_or(UnusableEvidence::Form)?).map_err(|_| UnusableEvidence::Form)
}

/// The kinds of items that are known here.
enum Kind {
    SimpleSigning,
    Envelope,
    Bundle,
    Notation(EnvelopeFormat),
    RevocationList,
    OcspResponse,
    LeftOut,
}

impl Item {
    /// Reads the item of this descriptor. It is `None` if its kind is unknown. `room` is the number of bytes of content that may still be read.
    fn read(descriptor: &RawValue, room: &mut usize) -> Option<Item> {
        let failed = |content| Some(Item { digest: None, content: Err(content) });
        let Ok([kind, digest, size, annotations]) = members(descriptor, ["mediaType", "digest", "size", "annotations"])
        else {
            return failed(ItemError::Form);
        };
        let kind = match kind.and_then(|kind| text(kind).ok())?.as_ref() {
            SIMPLE_SIGNING => Kind::SimpleSigning,
            ENVELOPE => Kind::Envelope,
            LEFT_OUT => Kind::LeftOut,
            JWS => Kind::Notation(EnvelopeFormat::Jws),
            COSE => Kind::Notation(EnvelopeFormat::Cose),
            REVOCATION_LIST => Kind::RevocationList,
            OCSP_RESPONSE => Kind::OcspResponse,
            bundle if BUNDLES.contains(&bundle) => Kind::Bundle,
            _ => return None,
        };
        let Some(digest) = digest.and_then(|digest| Digest::parse(&text(digest).ok()?).ok()) else {
            return failed(ItemError::Form);
        };
        let read = || {
            let annotations = annotations.ok_or(ItemError::NoContent)?;
            let [written, pointer] = members(annotations, [CONTENT, MANIFEST]).map_err(|_| ItemError::Form)?;
            let size: Option<usize> = size.and_then(|size| size.get().parse().ok());
            let most = if matches!(kind, Kind::OcspResponse) { MAX_OCSP_RESPONSE } else { MAX_ITEM };
            let mut inline = || {
                let content = written.ok_or(ItemError::NoContent)?;
                Written { content, digest, size }.read(most, room)
            };
            let large = |manifest| LargeDocument::read(annotations, manifest).map(Content::Large);
            match (kind, pointer.filter(|_| written.is_none())) {
                (Kind::Bundle, Some(pointer)) => {
                    let manifest = text(pointer).ok().and_then(|digest| Digest::parse(&digest).ok());
                    let manifest = manifest.ok_or(ItemError::Form)?;
                    large(size.is_some_and(|size| size <= MAX_POINTED).then_some(manifest))
                }
                // The host reads the config of a manifest and writes it again. An envelope does not survive that, because log entries are about its bytes.
                (Kind::Envelope, Some(_)) | (Kind::LeftOut, _) => large(None),
                (Kind::Bundle, None) => inline().map(Content::Bundle),
                (Kind::Notation(format), _) => Ok(Content::Notation(format, inline()?)),
                (Kind::RevocationList, _) => inline().map(Content::RevocationList),
                (Kind::OcspResponse, _) => inline().map(Content::OcspResponse),
                (Kind::Envelope, None) => {
                    Ok(Content::Envelope(attachment(descriptor).ok_or(ItemError::Form)?, inline()?))
                }
                (Kind::SimpleSigning, _) => {
                    Ok(Content::SimpleSigning(layer(descriptor).ok_or(ItemError::Form)?, inline()?))
                }
            }
        };
        let content = read();
        Some(Item { digest: Some(digest), content })
    }
}

/// A content, and what the layer says about it.
pub(super) struct Written<'a> {
    /// The value of the annotation [`CONTENT`].
    pub(super) content: &'a RawValue,
    pub(super) digest: Digest,
    pub(super) size: Option<usize>,
}

impl Written<'_> {
    /// The bytes of the content, which may be up to `most`. `room` is the number of bytes of content that may still be read.
    pub(super) fn read(&self, most: usize, room: &mut usize) -> Result<Vec<u8>, ItemError> {
        // Four characters hold three bytes.
        let length = self.content.get().len().saturating_mul(3) / 4;
        if length > most.saturating_add(3) || length > *room {
            return Err(ItemError::TooLarge);
        }
        let content: Cow<'_, str> = text(self.content).map_err(|_| ItemError::Form)?;
        let bytes = Base64::decode_vec(&content).map_err(|_| ItemError::Base64)?;
        if bytes.len() > most {
            return Err(ItemError::TooLarge);
        }
        *room = room.saturating_sub(bytes.len());
        match Digest::of(&bytes) == self.digest && self.size == Some(bytes.len()) {
            true => Ok(bytes),
            false => Err(ItemError::Digest),
        }
    }
}
