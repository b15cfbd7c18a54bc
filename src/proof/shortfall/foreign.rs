//! What lies beside an image, if not cosign's signatures?
//!
//! What refers to an image is listed under the tag `sha256-<hex>`, where a registry has no referrers API (OCI distribution specification, "Referrers Tag
//! Schema"): cosign 3's bundles are, Notation's signatures, and cosign 2's if it was told to (`--registry-referrers-mode oci-1-1`). A guest sees that they are
//! there, and no more. If the image is an index, its platforms may be signed instead.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde_json::value::RawValue;

use crate::{
    host::Cause,
    image::{Digest, ImageRef},
    json::{entries, members, text},
    proof::{Budget, budget::Unseen, sigstore::signature_tag},
    shown::Shown,
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
/// What the types of every version begin with.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// A signature in a format that is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// A Sigstore bundle, as cosign 3 writes them.
    Bundle,
    /// A Notary Project signature.
    Notation,
    /// A bundle that says more of the image than that it is signed.
    Attestation,
    /// A signature in cosign 2's format that is stored as a referrer: this manifest.
    Referrer(Digest),
}

/// What lies beside an image that has no signature in cosign's place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// What refers to it.
    pub found: BTreeSet<Foreign>,
    /// The platforms of it that are signed, if it is an index.
    pub platforms: Vec<String>,
    /// Why not everything was looked at, if it was not.
    pub unseen: Option<Unseen>,
}

/// Is the image itself there? If so, what lies beside it.
pub(super) enum Surroundings {
    /// The registry does not have the image.
    NotFound,
    /// This lies beside it.
    Found(Beside),
}

/// What lies beside `image`, as far as it can be told.
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
    Surroundings::Found(Beside { found, platforms, unseen: look.unseen })
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

/// What refers to the image.
fn referrers(look: &mut Look<'_, '_>, digest: Digest) -> BTreeSet<Foreign> {
    let Some(json) = look.at(&look.image.with_tag(&digest.as_tag())).json() else {
        return BTreeSet::new();
    };
    let (mut found, mut untold) = (BTreeSet::new(), Vec::new());
    for entry in listed(&json).unwrap_or_default() {
        match artifact_type(entry).as_deref() {
            // A bundle's entry often has the type of its empty config; the manifest itself has the right one.
            None | Some(EMPTY) => untold.extend(digest_of(entry)),
            Some(word) => found.extend(Foreign::of(word, digest_of(entry))),
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
fn kind(json: &[u8], digest: Digest) -> Option<Foreign> {
    let manifest: &RawValue = serde_json::from_slice(json).ok()?;
    let [annotations] = members(manifest, ["annotations"]).ok()?;
    let predicate = annotations.and_then(|annotations| members(annotations, [PREDICATE]).ok());
    let predicate = predicate.and_then(|[predicate]| text(predicate?).ok());
    match Foreign::of(&artifact_type(manifest)?, Some(digest))? {
        Foreign::Bundle if predicate.is_some_and(|predicate| predicate != SIGNATURE) => Some(Foreign::Attestation),
        foreign => Some(foreign),
    }
}

/// The entries of an index.
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

impl Foreign {
    fn of(artifact_type: &str, digest: Option<Digest>) -> Option<Foreign> {
        match artifact_type {
            NOTATION => Some(Foreign::Notation),
            REFERRER => digest.map(Foreign::Referrer),
            _ if artifact_type.starts_with(BUNDLE) => Some(Foreign::Bundle),
            _ => None,
        }
    }
}

impl Beside {
    /// What is there instead, as one stable word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Beside { found, .. } if !found.is_empty() => "signed-in-another-format",
            Beside { platforms, .. } if !platforms.is_empty() => "only-platforms-signed",
            Beside { unseen: Some(_), .. } => "unsigned-not-looked-around",
            Beside { unseen: None, .. } => "unsigned",
        }
    }

    /// What would make it pass.
    pub(super) fn remedy(&self) -> &'static str {
        let is_referrer = |foreign: &Foreign| matches!(foreign, Foreign::Referrer(_));
        match self {
            Beside { found, .. } if found.contains(&Foreign::Bundle) => {
                "Sign it in the format of cosign 2 as well, with cosign 3: cosign sign --key KEY --use-signing-config=false --new-bundle-format=false IMAGE@DIGEST (add --tlog-upload=false if the rule wants no log entry: without it, and always without --key, an entry stays in the public transparency log for ever); bundles will be provable by evidence manifests"
            }
            Beside { found, .. } if found.iter().any(is_referrer) => {
                "Sign it again without --registry-referrers-mode, so that the signature is stored under the tag sha256-….sig"
            }
            Beside { found, .. } if found.contains(&Foreign::Notation) => {
                "Sign it with cosign as well, or cover it with another rule"
            }
            Beside { platforms, .. } if !platforms.is_empty() => {
                "Sign the index as well (cosign sign --recursive), or name the platform's image by its digest"
            }
            Beside { .. } => {
                "Sign it in its own repository: cosign sign --key KEY IMAGE@DIGEST, for the platforms of an index with --recursive, with cosign 3 with --use-signing-config=false --new-bundle-format=false (add --tlog-upload=false if the rule wants no log entry: without it, and always without --key, an entry stays in the public transparency log for ever)"
            }
        }
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it has no signature in the format of cosign 2")?;
        for (i, kind) in self.found.iter().enumerate() {
            write!(f, "{}{kind}", if i == 0 { ", only " } else { " and " })?;
        }
        if !self.found.is_empty() {
            f.write_str("; other formats can't be proven here yet")?;
        }
        let platforms: Vec<String> = self.platforms.iter().map(|name| Shown(name).to_string()).collect();
        match platforms.as_slice() {
            [] => {}
            [one] => write!(f, "; it is an index that is not signed itself, but its platform {one} has a signature")?,
            many => write!(
                f,
                "; it is an index that is not signed itself, but its platforms {} have signatures",
                many.join(", ")
            )?,
        }
        self.unseen.map_or(Ok(()), |unseen| write!(f, "; what else refers to it was not looked at, because {unseen}"))
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Foreign::Bundle => f.write_str("a bundle of cosign 3"),
            Foreign::Notation => f.write_str("a signature by Notation"),
            Foreign::Attestation => f.write_str("an attestation"),
            Foreign::Referrer(digest) => {
                write!(f, "one that is stored as a referrer (manifest {digest}, listed under the image's tag sha256-…)")
            }
        }
    }
}
