//! Which digest does the trust data of a Notary v1 repository name for a tag, and who signed that?
//!
//! Notary v1 (Docker Content Trust) is an early form of The Update Framework (TUF). A repository has a file for each role: `root` holds the keys of the other roles,
//! `timestamp` names the current `snapshot`, `snapshot` names the current versions of all other files, and `targets`, with its delegations, maps tags to
//! digests. The steps of a verification are types: `Root`, `Timestamp`, `Snapshot`, `Targets`. Each is made by the one before it only.
//!
//! The files do not hold the name of their repository, so somebody who carries them could swap two repositories that have one root key. Only the root
//! certificate has the name, the globally unique name (GUN). `Root::pin` therefore requires it.

mod canonical;
mod error;
mod files;
mod gun;
mod key;
mod meta;
mod root;
mod signed;
mod snapshot;
mod targets;
#[cfg(test)]
mod tests;

pub use error::{Role, RootError, TargetError, TrustDataError};

pub(crate) use files::Files;
pub use files::{MAX_FILE, MEDIA_TYPE, ROLE, evidence_tag};
pub(crate) use root::Root;
use snapshot::Snapshot;
use targets::Targets;
pub(crate) use targets::Wanted;

use super::{Claim, Signer, Source};
use crate::{image::Digest, signing::PublicKey, time::UnixTime};

/// The trust data of a repository, whose files belong together, are signed as their root says, and have not expired.
pub(crate) struct TrustData<'f> {
    files: &'f Files,
    now: UnixTime,
    root: Root<'f>,
    snapshot: Snapshot,
    targets: Targets,
    expires: UnixTime,
}

/// The digest that the trust data names for an image.
pub(crate) struct Signed<'t> {
    root: &'t Root<'t>,
    /// The digest that was signed.
    pub(crate) digest: Digest,
    /// When the first of the files that were used expires.
    pub(crate) expires: UnixTime,
    /// The version of `targets`.
    pub(crate) targets: u64,
    /// The version of `snapshot`.
    pub(crate) snapshot: u64,
}

impl<'f> TrustData<'f> {
    /// Checks everything that needs no settings: the form of the files, their signatures, their hashes and their expiry. `root` is that of these files.
    ///
    /// # Errors
    /// At the first check that fails, in the order timestamp, snapshot, targets.
    pub(crate) fn verify(root: Root<'f>, files: &'f Files, now: UnixTime) -> Result<TrustData<'f>, TrustDataError> {
        let timestamp = root.timestamp(files.get(&Role::Timestamp)?, now)?;
        let snapshot = timestamp.snapshot(&root.snapshot, root.file(), files.get(&Role::Snapshot)?, now)?;
        let targets = snapshot.targets(&root.targets, files.get(&Role::Targets)?, now)?;
        let others = [timestamp.head, snapshot.head, targets.head].map(|head| head.expires);
        let expires = others.into_iter().fold(root.head().expires, UnixTime::min);
        Ok(TrustData { files, now, root, snapshot, targets, expires })
    }

    /// The digest of the image in every list of targets that has to have it.
    ///
    /// # Errors
    /// When a list cannot be used, does not have the image, or has another digest for it.
    pub(crate) fn find(&self, wanted: Wanted<'_>) -> Result<Signed<'_>, TargetError> {
        let listing = &self.snapshot.listing;
        let mut expires = self.expires;
        let mut found: Option<Digest> = None;
        for role in self.targets.places(wanted.delegations, listing)? {
            let digest = match &role {
                Role::Delegation(name) => {
                    let file = self.files.get(&role)?;
                    let delegated = self.targets.delegated(name, listing, file, self.now)?;
                    expires = expires.min(delegated.head.expires);
                    delegated.find(&role, wanted)?
                }
                _ => self.targets.find(wanted)?,
            };
            match found.replace(digest) {
                Some(other) if other != digest => return Err(TargetError::Differ(other, digest)),
                _ => {}
            }
        }
        let digest = found.ok_or(TargetError::NoName)?;
        let (targets, snapshot) = (self.targets.head.version, self.snapshot.head.version);
        Ok(Signed { root: &self.root, digest, expires, targets, snapshot })
    }
}

impl Signed<'_> {
    /// The claim of the holder of this key. It is `None` unless [`Root::pin`] accepted the key.
    pub(crate) fn claim(&self, key: &PublicKey) -> Option<Claim> {
        let claim = || Claim::new(Signer::of_key(key), self.digest, Source::EvidenceManifest);
        self.root.is_pinned(key).then(claim)
    }
}
