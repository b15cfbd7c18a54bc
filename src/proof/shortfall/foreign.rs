//! What lies beside an image, if not cosign's signatures?
//!
//! What refers to an image is listed under the tag `sha256-<hex>`, where a registry has no referrers API (OCI distribution specification, "Referrers Tag
//! Schema"): cosign 3's bundles are, and Notation's signatures. A guest can see no more of either than that it is there.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde_json::value::RawValue;

use crate::{
    image::{Digest, ImageRef},
    json::{entries, members, text},
    proof::Budget,
};

/// Most manifests that are opened to learn their type.
const MAX_OPENED: usize = 4;

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const NOTATION: &str = "application/vnd.cncf.notary.signature";
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
    /// A signature by Notation.
    Notation,
    /// A Sigstore bundle that says something else of the image than that it is signed.
    Attestation,
}

/// What refers to `image`, as far as it can be told before the time is up.
pub(super) fn beside(image: &ImageRef, digest: Digest, budget: &mut Budget<'_>) -> BTreeSet<Foreign> {
    let mut look = |image: &str| match budget.spare_call() {
        true => budget.manifest(image).ok()?.ok(),
        false => None,
    };
    let Some(json) = look(&image.with_tag(&digest.as_tag())) else {
        return BTreeSet::new();
    };
    let (mut found, mut untold) = (BTreeSet::new(), Vec::new());
    for entry in listed(&json).unwrap_or_default() {
        match artifact_type(entry).as_deref() {
            // A bundle's entry often has the type of its empty config; the manifest itself has the right one.
            None | Some(EMPTY) => untold.extend(digest_of(entry)),
            Some(word) => found.extend(Foreign::of(word)),
        }
    }
    for digest in untold.into_iter().take(MAX_OPENED) {
        found.extend(look(&image.by_digest(digest)).and_then(|json| kind(&json)));
    }
    found
}

/// What a manifest holds. A bundle can hold an attestation too, and says so.
fn kind(json: &[u8]) -> Option<Foreign> {
    let manifest: &RawValue = serde_json::from_slice(json).ok()?;
    let [annotations] = members(manifest, ["annotations"]).ok()?;
    let predicate = annotations.and_then(|annotations| members(annotations, [PREDICATE]).ok());
    let predicate = predicate.and_then(|[predicate]| text(predicate?).ok());
    match Foreign::of(&artifact_type(manifest)?)? {
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

impl Foreign {
    fn of(artifact_type: &str) -> Option<Foreign> {
        match artifact_type {
            NOTATION => Some(Foreign::Notation),
            _ if artifact_type.starts_with(BUNDLE) => Some(Foreign::Bundle),
            _ => None,
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Foreign::Bundle => "a bundle of cosign 3",
            Foreign::Notation => "a signature by Notation",
            Foreign::Attestation => "an attestation",
        })
    }
}
