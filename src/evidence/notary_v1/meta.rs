//! Is this file the one that another file lists?

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};

use super::{
    canonical::Json,
    error::{Role, TrustDataError},
};
use crate::{image::Digest, signing::signature::Hash};

/// The files that `timestamp` or `snapshot` lists, with their hashes.
#[derive(Debug)]
pub(super) struct Listing(BTreeMap<Role, Listed>);

#[derive(Debug)]
struct Listed {
    sha256: Digest,
    sha512: Option<Vec<u8>>,
    length: Option<u64>,
}

impl Listing {
    /// Reads the member `meta` of a file. Files of other roles than those of a repository are passed over.
    pub(super) fn read(signed: &Json<'_>) -> Option<Listing> {
        let mut listed = BTreeMap::new();
        for (name, json) in signed.get("meta")?.members()? {
            if let Some(role) = Role::parse(name) {
                listed.insert(role, Listed::read(json)?);
            }
        }
        Some(Listing(listed))
    }

    /// Whether a file of this role is listed.
    pub(super) fn has(&self, role: &Role) -> bool {
        self.0.contains_key(role)
    }

    /// Checks that `file` has every hash, and the length, that is listed for the role.
    pub(super) fn check(&self, role: &Role, file: &[u8]) -> Result<(), TrustDataError> {
        let is_listed = self.0.get(role).is_some_and(|listed| listed.is(file));
        is_listed.then_some(()).ok_or_else(|| TrustDataError::Hash(role.clone()))
    }
}

impl Listed {
    fn read(json: &Json<'_>) -> Option<Listed> {
        let hash = |name| json.get("hashes")?.get(name).map(|hash| Base64::decode_vec(hash.text()?).ok());
        Some(Listed {
            sha256: Digest::from_bytes(hash("sha256")??.try_into().ok()?),
            sha512: match hash("sha512") {
                Some(hash) => Some(hash?),
                None => None,
            },
            length: match json.get("length") {
                Some(length) => Some(length.positive()?),
                None => None,
            },
        })
    }

    fn is(&self, file: &[u8]) -> bool {
        Digest::of(file) == self.sha256
            && self.sha512.as_ref().is_none_or(|hash| Hash::Sha512.of(file) == *hash)
            && self.length.is_none_or(|length| u64::try_from(file.len()) == Ok(length))
    }
}
