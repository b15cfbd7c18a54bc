//! What does the registry hold?

use std::collections::{BTreeMap, HashMap};

use axum::body::Bytes;
use sha2::{Digest, Sha256};

/// `sha256:` and the hex digits of these bytes' hash.
pub fn digest_of(bytes: &[u8]) -> String {
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        digest.push_str(&format!("{byte:02x}"));
    }
    digest
}

/// A manifest as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The `Content-Type` with which the manifest was pushed.
    pub media_type: String,
    /// The bytes of the manifest.
    pub bytes: Bytes,
    /// The digest of the manifest's bytes.
    pub digest: String,
}

impl Manifest {
    pub(super) fn new(media_type: &str, bytes: Bytes) -> Self {
        Self { media_type: media_type.to_owned(), digest: digest_of(&bytes), bytes }
    }
}

#[derive(Default)]
struct Repository {
    blobs: HashMap<String, Bytes>,
    manifests: HashMap<String, Manifest>,
    tags: BTreeMap<String, String>,
    /// Trust data of Notary v1, by the name of the file.
    trust_data: BTreeMap<String, Bytes>,
}

#[derive(Default)]
pub(super) struct Store {
    repositories: HashMap<String, Repository>,
    uploads: HashMap<String, Vec<u8>>,
    uploads_begun: u64,
}

/// The reason for which an upload cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UploadError {
    /// No upload with this id was begun, or it is complete.
    Unknown,
    /// The chunk doesn't begin where the last one ended: at this length.
    OutOfOrder(usize),
    /// More than the limit in all.
    TooLarge,
    /// The bytes are of this digest, not of the one that was named.
    OtherDigest(String),
}

impl Store {
    pub(super) fn holds_repository(&self, repository: &str) -> bool {
        self.repositories.contains_key(repository)
    }

    pub(super) fn put_manifest(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: Bytes,
    ) -> String {
        let manifest = Manifest::new(media_type, bytes);
        let digest = manifest.digest.clone();
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        repository.manifests.insert(digest.clone(), manifest);
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    pub(super) fn manifest(&self, repository: &str, reference: &str) -> Option<&Manifest> {
        let repository = self.repositories.get(repository)?;
        let digest = repository.tags.get(reference).map_or(reference, String::as_str);
        repository.manifests.get(digest)
    }

    /// All manifests of a repository, in the order of their digests.
    pub(super) fn manifests(&self, repository: &str) -> Vec<&Manifest> {
        let held = self.repositories.get(repository).map(|repository| repository.manifests.values());
        let mut manifests: Vec<&Manifest> = held.into_iter().flatten().collect();
        manifests.sort_by(|one, other| one.digest.cmp(&other.digest));
        manifests
    }

    pub(super) fn tags(&self, repository: &str) -> Option<Vec<&str>> {
        Some(self.repositories.get(repository)?.tags.keys().map(String::as_str).collect())
    }

    pub(super) fn put_blob(&mut self, repository: &str, bytes: Bytes) -> String {
        let digest = digest_of(&bytes);
        self.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest.clone(), bytes);
        digest
    }

    pub(super) fn blob(&self, repository: &str, digest: &str) -> Option<&Bytes> {
        self.repositories.get(repository)?.blobs.get(digest)
    }

    /// Stores a file of trust data, by its role, and by its role and hash.
    pub(super) fn put_trust_data(&mut self, repository: &str, role: &str, bytes: Bytes) {
        let hash = digest_of(&bytes).replace("sha256:", "");
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        for name in [format!("{role}.json"), format!("{role}.{hash}.json")] {
            repository.trust_data.insert(name, bytes.clone());
        }
    }

    pub(super) fn trust_data(&self, repository: &str, file: &str) -> Option<&Bytes> {
        self.repositories.get(repository)?.trust_data.get(file)
    }

    /// The id of a new upload.
    pub(super) fn begin_upload(&mut self) -> String {
        self.uploads_begun += 1;
        let id = self.uploads_begun.to_string();
        self.uploads.insert(id.clone(), Vec::new());
        id
    }

    /// Adds a chunk, which must begin at `start` if that is given. Returns the length so far.
    pub(super) fn append(
        &mut self,
        id: &str,
        start: Option<usize>,
        chunk: &[u8],
        limit: usize,
    ) -> Result<usize, UploadError> {
        let upload = self.uploads.get_mut(id).ok_or(UploadError::Unknown)?;
        if start.is_some_and(|start| start != upload.len()) {
            return Err(UploadError::OutOfOrder(upload.len()));
        }
        if upload.len() + chunk.len() > limit {
            return Err(UploadError::TooLarge);
        }
        upload.extend_from_slice(chunk);
        Ok(upload.len())
    }

    pub(super) fn uploaded(&self, id: &str) -> Option<usize> {
        self.uploads.get(id).map(Vec::len)
    }

    /// Ends an upload: a blob if it is what its digest says, nothing otherwise.
    pub(super) fn complete(&mut self, id: &str, repository: &str, digest: &str) -> Result<(), UploadError> {
        let bytes = self.uploads.remove(id).ok_or(UploadError::Unknown)?;
        let actual = digest_of(&bytes);
        if actual != digest {
            return Err(UploadError::OtherDigest(actual));
        }
        self.put_blob(repository, bytes.into());
        Ok(())
    }
}
