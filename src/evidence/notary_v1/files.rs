//! Which files does the evidence manifest of a repository hold?
//!
//! The evidence of other formats is about one digest, and has its tag. Notary v1 signs the tags of a repository, so its evidence has the tag of the repository's
//! name, `notaryv1-<64 hex digits of SHA-256 of the GUN>.evidence`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::error::{Role, TrustDataError};
use crate::{
    evidence::manifest::{CONTENT, MAX_CONTENT, MAX_ITEMS, UnusableEvidence, Written, layers},
    image::{Digest, hex},
    json::{members, text},
};

/// The media type of an item that is a file of a repository.
pub const MEDIA_TYPE: &str = "application/vnd.image-trust.notaryv1.v1+json";
/// The annotation of an item that holds the name of its role in TUF.
pub const ROLE: &str = "dev.image-trust.notaryv1.role";
/// The largest file, in bytes. A list of targets has about 180 bytes for each tag.
pub const MAX_FILE: usize = 2 * 1024 * 1024;

/// The tag under which the evidence of the repository with this globally unique name (GUN) lies.
#[must_use]
pub fn evidence_tag(gun: &str) -> String {
    format!("notaryv1-{}.evidence", hex(&Digest::of(gun.as_bytes()).bytes()))
}

/// The files of a repository by role, as a notary server serves them. Nothing in them is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<Role, Vec<u8>>);

impl Files {
    /// Reads the JSON of an evidence manifest. An item that is not a file, or breaks a rule of the format, is passed over.
    ///
    /// # Errors
    /// When it is no evidence manifest of this version.
    pub(crate) fn read(json: &[u8]) -> Result<Files, UnusableEvidence> {
        let mut room = MAX_CONTENT;
        let mut files = BTreeMap::new();
        for descriptor in layers(json)?.into_iter().take(MAX_ITEMS) {
            if let Some((role, file)) = file(descriptor, &mut room) {
                files.entry(role).or_insert(file);
            }
        }
        Ok(Files(files))
    }

    pub(super) fn get(&self, role: &Role) -> Result<&[u8], TrustDataError> {
        self.0.get(role).map(Vec::as_slice).ok_or_else(|| TrustDataError::Missing(role.clone()))
    }
}

/// The file that a layer holds, with its role.
fn file(descriptor: &RawValue, room: &mut usize) -> Option<(Role, Vec<u8>)> {
    let [kind, digest, size, annotations] = members(descriptor, ["mediaType", "digest", "size", "annotations"]).ok()?;
    if text(kind?).ok()? != MEDIA_TYPE {
        return None;
    }
    let [role, content] = members(annotations?, [ROLE, CONTENT]).ok()?;
    let role = Role::parse(&text(role?).ok()?)?;
    let digest = Digest::parse(&text(digest?).ok()?).ok()?;
    let content = Written { content: content?, digest, size: size?.get().parse().ok() };
    Some((role, content.read(MAX_FILE, room).ok()?))
}
