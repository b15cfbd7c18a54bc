//! Is a digest that nobody signed listed in a signed index?
//!
//! An image for several platforms is usually signed as its index, and nodes run the images that the index lists. So `repo:tag@digest` with the digest of one platform
//! counts as proven if the index behind the tag is proven and lists the digest. The tag only says which index to look at. The index is proven and fetched by its own
//! digest, so its list is the list that was signed.

use serde_json::value::RawValue;

use super::{Asked, Budget, Failure, Requirement, Tally, Unproven, Verified, verification::Verification};
use crate::{
    host::Cause,
    image::{Digest, ImageRef},
    json::{entries, members, text},
};

/// The annotation that marks an entry as an attestation and not a platform (BuildKit, "Image Attestation Storage").
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// What the manifest of an image is called (OCI image specification, "Media Types"; Docker's, version 2, schema 2).
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

/// What an index is called (the same).
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// The most entries of an index that are looked at.
const MAX_LISTED: usize = 1_000;

/// The proof of the index behind `tag` that lists `digest`, if there is one. `tally` is that of `digest` itself.
///
/// # Errors
/// If nobody can tell whether there is one.
pub(super) fn behind<'r>(
    image: &ImageRef,
    tag: &str,
    digest: Digest,
    tally: &Tally,
    requirement: &Requirement,
    budget: &mut Budget<'_>,
) -> Result<Option<Verified>, Failure<'r>> {
    let Some(index) = told(budget.digest(&image.with_tag(tag)), digest, tally)?.filter(|index| *index != digest) else {
        return Ok(None);
    };
    let Ok(reference) = ImageRef::parse(&image.by_digest(index)) else { return Ok(None) };
    let verified = match Verification::of(&reference, requirement, None, budget) {
        Ok(verified) => verified,
        Err(Unproven::Undecided { cause, tally, .. }) => {
            return Err(Unproven::Undecided { digest: Some(digest), tally, cause });
        }
        Err(Unproven::Spent { spent, tally, .. }) => {
            return Err(Unproven::Spent { digest: Some(digest), tally, spent });
        }
        Err(Unproven::NotFound | Unproven::Disagreement { .. } | Unproven::NotSigned(_)) => {
            return Ok(None);
        }
    };
    let json = told(budget.manifest(&image.by_digest(index)), digest, tally)?;
    Ok(json.is_some_and(|json| lists(&json, digest)).then_some(verified))
}

/// What the registry answered; `None` where it does not have what was asked for.
///
/// # Errors
/// If the registry did not tell. Then nobody can tell who did not sign `digest`.
fn told<'r, T>(answer: Asked<T>, digest: Digest, tally: &Tally) -> Result<Option<T>, Failure<'r>> {
    let (digest, untold) = (Some(digest), || tally.clone().untold().into());
    match answer {
        Ok(Ok(found)) => Ok(Some(found)),
        Ok(Err(error)) if error.cause == Cause::NotFound => Ok(None),
        Ok(Err(error)) => Err(Unproven::Undecided { digest, tally: untold(), cause: error.cause }),
        Err(spent) => Err(Unproven::Spent { digest, tally: untold(), spent }),
    }
}

/// Whether this index lists `digest` as an image.
fn lists(json: &[u8], digest: Digest) -> bool {
    let listed = || {
        let index: &RawValue = serde_json::from_slice(json).ok()?;
        let [manifests, media_type, config, layers] =
            members(index, ["manifests", "mediaType", "config", "layers"]).ok()?;
        let is_index = match media_type {
            Some(media_type) => INDEXES.contains(&&*text(media_type).ok()?),
            None => true,
        };
        // Readers that take it for an image would run something else.
        if !is_index || config.is_some() || layers.is_some() {
            return None;
        }
        entries(manifests?).ok()
    };
    listed().is_some_and(|listed| listed.into_iter().take(MAX_LISTED).any(|entry| is_image(entry, digest)))
}

/// Is this the entry of an image with this digest? Of one that can't be read, or is more than that, it is not known.
fn is_image(entry: &RawValue, digest: Digest) -> bool {
    let read = || {
        let [listed, media_type, platform, annotations, artifact] =
            members(entry, ["digest", "mediaType", "platform", "annotations", "artifactType"]).ok()?;
        let is_manifest = MANIFESTS.contains(&&*text(media_type?).ok()?);
        let is_nowhere = match platform {
            Some(platform) => {
                let words = members(platform, ["os", "architecture"]).ok()?;
                words.into_iter().flatten().any(|word| text(word).ok().as_deref() == Some("unknown"))
            }
            None => false,
        };
        let is_other = match annotations {
            Some(annotations) => members(annotations, [REFERENCE_TYPE]).ok()?[0].is_some(),
            None => false,
        };
        Some(
            is_manifest
                && !is_nowhere
                && !is_other
                && artifact.is_none()
                && Digest::parse(&text(listed?).ok()?).ok()? == digest,
        )
    };
    read().unwrap_or(false)
}
