//! Which signatures and attestations of an image exist, and where are they?
//!
//! They are in referrers (in the registry's list, or under a fallback tag) and under cosign's tags. Every manifest is judged by the media types of its own layers, because
//! clients write the lists of referrers, and some are wrong. For example, cosign 3 lists all of them as `application/vnd.oci.empty.v1+json`.

use std::collections::{BTreeMap, BTreeSet};

use image_trust::{
    Digest, ImageRef,
    evidence::manifest::{BUNDLES, COSE, ENVELOPE, JWS, MAX_POINTED, SIMPLE_SIGNING},
};
use serde::Deserialize;

use crate::{
    bundle::Bundle,
    manifest::{Item, Left},
    registry::{Client, Error, Manifest, Referrers, Repository},
};

/// The media types of Notation's signatures.
pub const NOTATION: [&str; 2] = [JWS, COSE];
/// The endings that cosign appends to the tag of a digest.
const TAGS: [&str; 2] = [".sig", ".att"];
/// The annotations about a bundle that cosign writes into the referrer's manifest.
const OF_BUNDLES: [&str; 2] = ["dev.sigstore.bundle.content", "dev.sigstore.bundle.predicateType"];
/// The most platforms of an index that are looked at.
const MAX_PLATFORMS: usize = 100;
/// The most bytes of evidence that are read about one digest. An evidence manifest holds only a part of them.
const MAX_READ: usize = 64 * 1024 * 1024;

/// Everything that was found about one digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The digest of the image, or of one of its platforms.
    pub digest: Digest,
    /// The platform, if the digest is that of a platform of an index.
    pub platform: Option<String>,
    /// The evidence, with the place where it was found first.
    pub items: BTreeMap<Item, String>,
    /// Places whose evidence could not be collected, and the reason for each.
    pub left: Vec<(String, String)>,
}

/// The places to search beside the image's own repository.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Another repository with evidence (`COSIGN_REPOSITORY`).
    pub from: Option<&'a Repository>,
    /// Bundles from files, with their place.
    pub bundles: &'a [(String, Bundle)],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    layers: Option<Vec<Layer>>,
    #[serde(default)]
    manifests: Option<Vec<Entry>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

/// Finds the evidence for an image: for its digest first, then for each platform, if it is an index.
///
/// `None` means that the image is not there.
///
/// # Errors
/// If a registry cannot say whether something exists. Then nothing that was found counts, because a part of the evidence could look like all of it.
pub fn find(client: &Client, image: &ImageRef, places: Places<'_>) -> Result<Option<Vec<Found>>, Error> {
    let at = Repository::of(image);
    let by = image.digest().map(|digest| digest.to_string());
    let by = by.or(image.tag().map(str::to_owned)).unwrap_or_else(|| "latest".to_owned());
    let Some(manifest) = client.manifest(&at, &by)? else { return Ok(None) };
    let mut found = vec![of_digest(client, &at, manifest.digest, None, places)?];
    let index: Option<Document> = serde_json::from_slice(&manifest.bytes).ok();
    let mut seen = BTreeSet::from([manifest.digest]);
    for entry in index.and_then(|index| index.manifests).unwrap_or_default() {
        let Ok(digest) = Digest::parse(&entry.digest) else { continue };
        // BuildKit's attestations have this platform. They are a part of the index, but not images that run.
        let is_unknown =
            |platform: &Platform| [&platform.os, &platform.architecture].iter().all(|name| **name == "unknown");
        if entry.platform.as_ref().is_some_and(is_unknown) || !seen.insert(digest) {
            continue;
        }
        if found.len() > MAX_PLATFORMS {
            let left = (
                format!("platforms behind the first {MAX_PLATFORMS}"),
                "an index with more is not looked at to its end".to_owned(),
            );
            found.iter_mut().take(1).for_each(|image| image.left.push(left.clone()));
            break;
        }
        let platform = entry.platform.map_or_else(|| "no platform".to_owned(), |platform| platform.name());
        found.push(of_digest(client, &at, digest, Some(platform), places)?);
    }
    Ok(Some(found))
}

impl Platform {
    fn name(&self) -> String {
        let variant = self.variant.iter().filter(|variant| !variant.is_empty());
        [&self.os, &self.architecture].into_iter().chain(variant).cloned().collect::<Vec<_>>().join("/")
    }
}

fn of_digest(
    client: &Client,
    at: &Repository,
    digest: Digest,
    platform: Option<String>,
    places: Places<'_>,
) -> Result<Found, Error> {
    let mut search =
        Search { client, digest, found: Found { digest, platform, items: BTreeMap::new(), left: Vec::new() }, read: 0 };
    for at in [at].into_iter().chain(places.from.filter(|from| *from != at)) {
        search.referrers(at)?;
        for end in TAGS {
            let tag = format!("{}{end}", digest.as_tag());
            if let Some(manifest) = client.manifest(at, &tag)? {
                search.manifest(at, &format!("{at}:{tag}"), &manifest)?;
            }
        }
    }
    for (place, bundle) in places.bundles.iter().filter(|(_, bundle)| bundle.names.contains(&digest)) {
        // If the same bundle lies beside the image, it has annotations there, and proves the same.
        let is_known = search.found.items.keys().any(|item| item.bytes == bundle.item.bytes);
        if !is_known {
            search.found.items.insert(bundle.item.clone(), place.clone());
        }
    }
    Ok(search.found)
}

/// One search for everything about one digest.
struct Search<'a> {
    client: &'a Client,
    digest: Digest,
    found: Found,
    /// The number of bytes that were read.
    read: usize,
}

impl Search<'_> {
    /// Searches the registry's list of referrers and the index under the fallback tag. If a registry supports the API only since recently, its list lacks older referrers.
    fn referrers(&mut self, at: &Repository) -> Result<(), Error> {
        let Referrers { mut digests, has_more } = self.client.referrers(at, self.digest)?.unwrap_or_default();
        if has_more {
            self.leave(format!("referrers of {}", self.digest), "the registry lists more than are read".to_owned());
        }
        let tag = self.digest.as_tag();
        if let Some(index) = self.client.manifest(at, &tag)? {
            match serde_json::from_slice::<Document>(&index.bytes) {
                Ok(Document { manifests: Some(entries), .. }) => {
                    digests.extend(entries.iter().filter_map(|entry| Digest::parse(&entry.digest).ok()));
                }
                _ => {
                    self.leave(format!("{at}:{tag}"), "expected an index of referrers, found something else".to_owned())
                }
            }
        }
        let mut seen = BTreeSet::new();
        for digest in digests.into_iter().filter(|digest| seen.insert(*digest)) {
            let place = format!("{at}@{digest}");
            match self.client.manifest(at, &digest.to_string()) {
                Ok(Some(manifest)) => self.manifest(at, &place, &manifest)?,
                Ok(None) => self.leave(place, "it is listed as a referrer, and is not there".to_owned()),
                Err(error) if error.is_wrong_content() => self.leave(place, error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Collects every layer whose media type is one of evidence.
    fn manifest(&mut self, at: &Repository, place: &str, manifest: &Manifest) -> Result<(), Error> {
        let Ok(Document { layers: Some(layers), annotations, .. }) = serde_json::from_slice(&manifest.bytes) else {
            self.leave(place.to_owned(), "expected an image manifest, found something else".to_owned());
            return Ok(());
        };
        let of_manifest = annotations.unwrap_or_default();
        for (layer, number) in layers.into_iter().zip(0..) {
            let is_bundle = BUNDLES.contains(&layer.media_type.as_str());
            if !is_bundle
                && ![SIMPLE_SIGNING, ENVELOPE].contains(&layer.media_type.as_str())
                && !NOTATION.contains(&layer.media_type.as_str())
            {
                continue;
            }
            let place = format!("{place}#{number}");
            let Ok(digest) = Digest::parse(&layer.digest) else {
                self.leave(place, "expected a layer with a SHA-256 digest, found another one".to_owned());
                continue;
            };
            let mut annotations = layer.annotations.unwrap_or_default();
            if is_bundle {
                let of_bundle = of_manifest.iter().filter(|(key, _)| OF_BUNDLES.contains(&key.as_str()));
                annotations.extend(of_bundle.map(|(key, value)| (key.clone(), value.clone())));
            }
            if layer.size > MAX_POINTED as u64 {
                let item = Item::left_out(&layer.media_type, digest, layer.size, &annotations);
                self.found.items.extend(item.map(|item| (item, place.clone())));
                self.leave(place, Left::TooLarge.to_string());
                continue;
            }
            if self.read >= MAX_READ {
                let item = Item::left_out(&layer.media_type, digest, layer.size, &annotations);
                self.found.items.extend(item.map(|item| (item, place.clone())));
                self.leave(place, "64 MiB of evidence were read about this digest before it".to_owned());
                continue;
            }
            let Some(bytes) = self.blob(at, digest, &place)? else { continue };
            self.read += bytes.len();
            self.found.items.entry(Item { media_type: layer.media_type, bytes, annotations }).or_insert(place);
        }
        Ok(())
    }

    /// The blob of a layer. A missing or wrong blob is reported as left out, because no later run would find it either.
    fn blob(&mut self, at: &Repository, digest: Digest, place: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.client.blob(at, digest, MAX_POINTED) {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => {
                self.leave(place.to_owned(), "its blob is not in the registry".to_owned());
                Ok(None)
            }
            Err(error) if error.is_wrong_content() => {
                self.leave(place.to_owned(), error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn leave(&mut self, place: String, why: String) {
        self.found.left.push((place, why));
    }
}
