//! What lies beside an image, if not cosign's signatures?
//!
//! What refers to an image is listed under the tag `sha256-<hex>`, where a registry has no referrers API (OCI distribution specification, "Referrers Tag
//! Schema"): cosign 3's bundles are, Notation's signatures, and cosign 2's if it was told to (`--registry-referrers-mode oci-1-1`). A guest sees that they are
//! there, and no more. If the image is an index, its platforms may be signed instead.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::value::RawValue;

use crate::{
    evidence::cosign::signature_tag,
    host::Cause,
    image::{Digest, ImageRef},
    json::{entries, members, text},
    verify::{Budget, Unseen},
};

/// Most manifests that are opened to learn their type.
const MAX_OPENED: usize = 4;
/// Most platforms of an index whose signatures are looked for.
const MAX_PLATFORMS: usize = 3;

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const NOTATION: &str = "application/vnd.cncf.notary.signature";
/// What cosign 2 calls a signature that refers to an image (cosign, "Registry Support").
const REFERRER: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// What a bundle's manifest says of its content, and what it says of a signature.
const PREDICATE: &str = "dev.sigstore.bundle.predicateType";
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// The beginning of the media types of all versions of Sigstore bundles.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// A signature in a format that is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OtherFormat {
    /// A Sigstore bundle, as cosign 3 writes them.
    Bundle,
    /// A Notary Project signature.
    Notation,
    /// A bundle that says more of the image than that it is signed.
    Attestation,
    /// A signature in cosign 2's format that is stored as a referrer: this manifest.
    Referrer(Digest),
}

/// The evidence beside an image that has no cosign signature in the usual place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherEvidence {
    /// The formats of evidence that refer to the image.
    pub found: BTreeSet<OtherFormat>,
    /// The platforms of it that are signed, if it is an index.
    pub platforms: Vec<String>,
    /// The reason for which not everything was looked at, if something was not.
    pub unseen: Option<Unseen>,
}

/// Whether the image itself exists, and what lies beside it.
pub(super) enum Surroundings {
    /// The registry does not have the image.
    NotFound,
    /// This evidence lies beside the image.
    Found(OtherEvidence),
}

/// Finds what lies beside `image`, as far as it can be told.
pub(super) fn around(image: &ImageRef, digest: Digest, budget: &mut Budget<'_>) -> Surroundings {
    let mut look = Look { image, budget, unseen: None };
    // The digest of a tag was looked up, and so the image is there. One that was written may not be.
    let itself = match image.digest() {
        Some(_) => match look.at(&image.by_digest(digest)) {
            Seen::NotFound => return Surroundings::NotFound,
            seen => Some(seen),
        },
        None => None,
    };
    let found = referrers(&mut look, digest);
    let platforms = match found.is_empty() {
        true => {
            let itself = itself.unwrap_or_else(|| look.at(&image.by_digest(digest)));
            itself.json().map_or_else(Vec::new, |index| signed_platforms(&mut look, &index))
        }
        false => Vec::new(),
    };
    Surroundings::Found(OtherEvidence { found, platforms, unseen: look.unseen })
}

/// Looks at manifests, and remembers why it could not.
struct Look<'a, 'h> {
    image: &'a ImageRef,
    budget: &'a mut Budget<'h>,
    unseen: Option<Unseen>,
}

/// A manifest that was looked at.
enum Seen {
    Manifest(Vec<u8>),
    NotFound,
    Unknown,
}

impl Seen {
    fn json(self) -> Option<Vec<u8>> {
        match self {
            Seen::Manifest(json) => Some(json),
            Seen::NotFound | Seen::Unknown => None,
        }
    }
}

impl Look<'_, '_> {
    fn unknown(&mut self, unseen: Unseen) -> Seen {
        self.unseen = Some(unseen);
        Seen::Unknown
    }

    fn at(&mut self, image: &str) -> Seen {
        if let Err(unseen) = self.budget.spare_call() {
            return self.unknown(unseen);
        }
        match self.budget.manifest(image) {
            Ok(Ok(json)) => Seen::Manifest(json),
            Ok(Err(error)) if error.cause == Cause::NotFound => Seen::NotFound,
            Ok(Err(_)) => self.unknown(Unseen::Failed),
            Err(_) => self.unknown(Unseen::Calls),
        }
    }
}

/// The formats of the evidence that refers to the image, as its referrers tag lists it.
fn referrers(look: &mut Look<'_, '_>, digest: Digest) -> BTreeSet<OtherFormat> {
    let Some(json) = look.at(&look.image.with_tag(&digest.as_tag())).json() else {
        return BTreeSet::new();
    };
    let (mut found, mut untold) = (BTreeSet::new(), Vec::new());
    for entry in listed(&json).unwrap_or_default() {
        match artifact_type(entry).as_deref() {
            // A bundle's entry often has the type of its empty config; the manifest itself has the right one.
            None | Some(EMPTY) => untold.extend(digest_of(entry)),
            Some(word) => found.extend(OtherFormat::of(word, digest_of(entry))),
        }
    }
    if untold.len() > MAX_OPENED {
        look.unseen = Some(Unseen::Entries);
    }
    for digest in untold.into_iter().take(MAX_OPENED) {
        let manifest = look.at(&look.image.by_digest(digest)).json();
        found.extend(manifest.and_then(|json| kind(&json, digest)));
    }
    found
}

/// The platforms of this index that have signatures. Others of it may have, too.
fn signed_platforms(look: &mut Look<'_, '_>, index: &[u8]) -> Vec<String> {
    let mut signed = Vec::new();
    let entries = listed(index).unwrap_or_default();
    if entries.len() > MAX_PLATFORMS {
        look.unseen = Some(Unseen::Entries);
    }
    for entry in entries.into_iter().take(MAX_PLATFORMS) {
        let Some(digest) = digest_of(entry) else { continue };
        if matches!(look.at(&look.image.with_tag(&signature_tag(digest))), Seen::Manifest(_)) {
            signed.push(platform_of(entry).unwrap_or_else(|| digest.to_string()));
        }
    }
    signed
}

/// What a manifest holds. A bundle can hold an attestation too, and says so.
fn kind(json: &[u8], digest: Digest) -> Option<OtherFormat> {
    let manifest: &RawValue = serde_json::from_slice(json).ok()?;
    let [annotations] = members(manifest, ["annotations"]).ok()?;
    let predicate = annotations.and_then(|annotations| members(annotations, [PREDICATE]).ok());
    let predicate = predicate.and_then(|[predicate]| text(predicate?).ok());
    match OtherFormat::of(&artifact_type(manifest)?, Some(digest))? {
        OtherFormat::Bundle if predicate.is_some_and(|predicate| predicate != SIGNATURE) => {
            Some(OtherFormat::Attestation)
        }
        foreign => Some(foreign),
    }
}

/// The entries of an image index.
fn listed(json: &[u8]) -> Option<Vec<&RawValue>> {
    let [manifests] = members(serde_json::from_slice(json).ok()?, ["manifests"]).ok()?;
    entries(manifests?).ok()
}

/// The artifact type of a manifest, or of an entry that stands for one.
fn artifact_type(json: &RawValue) -> Option<Cow<'_, str>> {
    let [word] = members(json, ["artifactType"]).ok()?;
    text(word?).ok()
}

fn digest_of(entry: &RawValue) -> Option<Digest> {
    let [digest] = members(entry, ["digest"]).ok()?;
    Digest::parse(&text(digest?).ok()?).ok()
}

/// The platform of an entry, as `linux/amd64`.
fn platform_of(entry: &RawValue) -> Option<String> {
    let [platform] = members(entry, ["platform"]).ok()?;
    let [os, architecture] = members(platform?, ["os", "architecture"]).ok()?;
    Some(format!("{}/{}", text(os?).ok()?, text(architecture?).ok()?))
}

impl OtherFormat {
    fn of(artifact_type: &str, digest: Option<Digest>) -> Option<OtherFormat> {
        match artifact_type {
            NOTATION => Some(OtherFormat::Notation),
            REFERRER => digest.map(OtherFormat::Referrer),
            _ if artifact_type.starts_with(BUNDLE) => Some(OtherFormat::Bundle),
            _ => None,
        }
    }
}
