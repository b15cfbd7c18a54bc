//! What lies beside an image, if not cosign's signatures?
//!
//! What refers to an image is listed under the tag `sha256-<hex>`, where a registry has no referrers API (OCI distribution specification, "Referrers Tag
//! Schema"): cosign 3's bundles are, and Notation's signatures. A guest can see no more of either than that it is there.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::Deserialize;

use crate::{
    image::{Digest, ImageRef},
    proof::Budget,
};

/// Most entries that are looked at.
const MAX_ENTRIES: usize = 4;

/// A signature in a format that is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// A Sigstore bundle, as cosign 3 writes them.
    Bundle,
    /// A signature by Notation.
    Notation,
}

#[derive(Deserialize)]
struct Index<'a> {
    #[serde(borrow)]
    manifests: Vec<Typed<'a>>,
}

/// A manifest, or the descriptor of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed<'a> {
    #[serde(borrow)]
    digest: Option<Cow<'a, str>>,
    #[serde(borrow)]
    artifact_type: Option<Cow<'a, str>>,
}

impl Typed<'_> {
    fn foreign(&self) -> Option<Foreign> {
        match self.artifact_type.as_deref()? {
            "application/vnd.cncf.notary.signature" => Some(Foreign::Notation),
            bundle if bundle.starts_with("application/vnd.dev.sigstore.bundle") => Some(Foreign::Bundle),
            _ => None,
        }
    }
}

/// What refers to `image`, as far as it can be told before the time is up.
pub(super) fn beside(image: &ImageRef, digest: Digest, budget: &mut Budget<'_>) -> BTreeSet<Foreign> {
    let Ok(Ok(json)) = budget.manifest(&image.with_tag(&digest.to_string().replace(':', "-"))) else {
        return BTreeSet::new();
    };
    let entries = serde_json::from_slice(&json).map_or_else(|_| Vec::new(), |index: Index<'_>| index.manifests);
    let look = |entry: &Typed<'_>| entry.foreign().or_else(|| closer(entry, image, budget));
    entries.iter().take(MAX_ENTRIES).filter_map(look).collect()
}

/// An index often has the type of a bundle's empty config for that of the bundle; the manifest itself has the right one.
fn closer(entry: &Typed<'_>, image: &ImageRef, budget: &mut Budget<'_>) -> Option<Foreign> {
    let digest = Digest::parse(entry.digest.as_deref()?).ok()?;
    let json = budget.manifest(&image.by_digest(digest)).ok()?.ok()?;
    serde_json::from_slice::<Typed<'_>>(&json).ok()?.foreign()
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Foreign::Bundle => "a bundle of cosign 3, which can't be proven here yet",
            Foreign::Notation => "a signature by Notation, which can't be proven here yet",
        })
    }
}
