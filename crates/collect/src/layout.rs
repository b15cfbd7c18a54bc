//! How is evidence written into a folder?
//!
//! It becomes an OCI image layout (OCI image specification, "Image Layout"), which `oras`, `crane` and `skopeo` can copy into registries.

use std::{fs, io, path::Path};

use image_trust::{Digest, evidence::manifest::ARTIFACT_TYPE};
use serde_json::json;

use crate::manifest::{EvidenceManifest, OCI_MANIFEST};

/// The annotation of a manifest in a layout that holds its tag.
const TAG: &str = "org.opencontainers.image.ref.name";

/// Writes these manifests and their blobs into `folder`, which has to be empty or missing.
///
/// # Errors
/// When something is in the folder already, or it cannot be written.
pub fn write(folder: &Path, evidence: &[&EvidenceManifest]) -> io::Result<()> {
    let blobs = folder.join("blobs").join("sha256");
    if folder.exists() && fs::read_dir(folder)?.next().is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "expected an empty folder, found files in it"));
    }
    fs::create_dir_all(&blobs)?;
    let put = |digest: Digest, bytes: &[u8]| {
        let hex = digest.to_string().trim_start_matches("sha256:").to_owned();
        fs::write(blobs.join(hex), bytes)
    };
    let mut entries = Vec::new();
    for evidence in evidence {
        for (digest, bytes) in evidence.blobs() {
            put(digest, bytes)?;
        }
        for manifest in evidence.manifests() {
            put(manifest.digest, &manifest.bytes)?;
            entries.push(json!({
                "mediaType": OCI_MANIFEST,
                "digest": manifest.digest.to_string(),
                "size": manifest.bytes.len(),
                "artifactType": ARTIFACT_TYPE,
                "annotations": {TAG: manifest.tag},
            }));
        }
    }
    // The index comes last: without it there is no layout.
    fs::write(folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": entries,
    });
    fs::write(folder.join("index.json"), index.to_string())
}
