//! How is evidence pushed, so that a reader finds either the old evidence or all of the new?

use std::collections::BTreeSet;

use image_trust::Digest;
use serde::Deserialize;

use crate::{
    manifest::EvidenceManifest,
    registry::{Client, Error, Repository},
};

/// The manifest under the tag before anything is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The digests of the manifest's items.
    items: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(default)]
    digest: String,
}

impl Before {
    /// Reads the manifest under `tag`; `None` if there is none.
    ///
    /// Some registries answer 401 or 403 if a repository does not exist yet. So such an answer counts as "none". If the credentials are wrong, the push fails.
    ///
    /// # Errors
    /// If the registry cannot say whether there is one.
    pub fn of(client: &Client, to: &Repository, tag: &str) -> Result<Option<Before>, Error> {
        let there = match client.manifest(to, tag) {
            Err(error) if error.is_denied() => None,
            there => there?,
        };
        Ok(there.map(|manifest| {
            let document: Option<Document> = serde_json::from_slice(&manifest.bytes).ok();
            let layers = document.map(|document| document.layers).unwrap_or_default();
            Before { digest: manifest.digest, items: layers.into_iter().map(|layer| layer.digest).collect() }
        }))
    }

    /// The digests of items that are in the old manifest but not in the new one.
    #[must_use]
    pub fn lost(&self, evidence: &EvidenceManifest) -> Vec<String> {
        let kept: BTreeSet<String> = evidence.items.iter().map(|kept| kept.item.digest().to_string()).collect();
        self.items.difference(&kept).cloned().collect()
    }
}

/// Pushes the blobs, then the pointer manifests, then the evidence manifest under its tag.
///
/// The last request moves the tag. If the push ends earlier, readers still find the old manifest.
///
/// # Errors
/// If the registry refuses a part.
pub fn push(client: &Client, to: &Repository, evidence: &EvidenceManifest) -> Result<(), Error> {
    for (digest, bytes) in evidence.blobs() {
        client.push_blob(to, digest, bytes)?;
    }
    for manifest in evidence.manifests() {
        client.push_manifest(to, &manifest.tag, &manifest.bytes)?;
    }
    Ok(())
}
