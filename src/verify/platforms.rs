//! Which images does an index list?
//!
//! A node runs the listed image for its own platform. What is listed for an unknown platform runs nowhere, such as the attestations of BuildKit.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::{
    image::Digest,
    json::{entries, members, text},
};

/// The annotation that marks an entry as an attestation and not a platform (BuildKit, "Image Attestation Storage").
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// The media types of the manifests of images (OCI image specification, "Media Types"; Docker's, version 2, schema 2).
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

/// The media types of indexes (the same).
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// The most entries of an index that are looked at.
const MAX_LISTED: usize = 1_000;

/// The images that an index lists.
pub(super) enum Platforms {
    /// The manifest is no index.
    NoIndex,
    /// The images of platforms, of which there is at least one.
    Listed(BTreeSet<Digest>),
    /// The index cannot be read, or lists an entry that may or may not be an image.
    Unknown,
}

/// The images that this manifest lists.
pub(super) fn platforms(json: &[u8]) -> Platforms {
    let Ok(manifest) = serde_json::from_slice::<&RawValue>(json) else { return Platforms::Unknown };
    match members(manifest, ["manifests", "mediaType"]) {
        Ok([None, media_type]) => {
            let is_index =
                media_type.is_some_and(|media_type| !text(media_type).is_ok_and(|it| !INDEXES.contains(&&*it)));
            return if is_index { Platforms::Unknown } else { Platforms::NoIndex };
        }
        Ok([Some(_), _]) => {}
        Err(_) => return Platforms::Unknown,
    }
    let Some(listed) = listed(json).filter(|listed| listed.len() <= MAX_LISTED) else { return Platforms::Unknown };
    let mut digests = BTreeSet::new();
    for entry in listed.into_iter().map(Entry::read) {
        match entry {
            // No node runs it.
            Some(Entry { unknown: [true, true], .. }) => {}
            Some(Entry { image: Some(digest), .. }) => drop(digests.insert(digest)),
            Some(Entry { image: None, .. }) | None => return Platforms::Unknown,
        }
    }
    match digests.is_empty() {
        true => Platforms::Unknown,
        false => Platforms::Listed(digests),
    }
}

/// Whether this index lists `digest` as an image.
pub(super) fn lists(json: &[u8], digest: Digest) -> bool {
    let is_it = |entry: Option<Entry>| {
        entry.is_some_and(|entry| !entry.unknown.contains(&true) && !entry.is_other && entry.image == Some(digest))
    };
    listed(json).is_some_and(|listed| listed.into_iter().take(MAX_LISTED).map(Entry::read).any(is_it))
}

/// The entries of an index. It is `None` if the text is not an index.
fn listed(json: &[u8]) -> Option<Vec<&RawValue>> {
    let index: &RawValue = serde_json::from_slice(json).ok()?;
    let [manifests, media_type, config, layers] =
        members(index, ["manifests", "mediaType", "config", "layers"]).ok()?;
    let is_index = match media_type {
        Some(media_type) => INDEXES.contains(&&*text(media_type).ok()?),
        None => true,
    };
    // Some clients would read this document as an image.
    if !is_index || config.is_some() || layers.is_some() {
        return None;
    }
    entries(manifests?).ok()
}

/// An entry of an index.
struct Entry {
    /// Its digest, if it is the manifest of an image.
    image: Option<Digest>,
    /// Whether the operating system and the architecture of its platform are called unknown.
    unknown: [bool; 2],
    /// Whether it belongs to another entry (BuildKit).
    is_other: bool,
}

impl Entry {
    /// Reads an entry. It is `None` if the entry is malformed.
    fn read(entry: &RawValue) -> Option<Entry> {
        let [listed, media_type, platform, annotations, artifact] =
            members(entry, ["digest", "mediaType", "platform", "annotations", "artifactType"]).ok()?;
        let is_manifest = MANIFESTS.contains(&&*text(media_type?).ok()?) && artifact.is_none();
        let digest = Digest::parse(&text(listed?).ok()?).ok()?;
        let unknown = match platform {
            Some(platform) => {
                let words = members(platform, ["os", "architecture"]).ok()?;
                words.map(|word| word.and_then(|word| text(word).ok()).as_deref() == Some("unknown"))
            }
            None => [false; 2],
        };
        let is_other = match annotations {
            Some(annotations) => members(annotations, [REFERENCE_TYPE]).ok()?[0].is_some(),
            None => false,
        };
        Some(Entry { image: is_manifest.then_some(digest), unknown, is_other })
    }
}
