//! Which keys does `root` give to the other roles, and who vouches for `root`?

use super::{
    canonical::Json,
    error::{Role, RootError, TrustDataError},
    files::Files,
    gun,
    key::Key,
    signed::{Envelope, Head, Keys, Proven},
    snapshot::Timestamp,
};
use crate::{signing::PublicKey, time::UnixTime};

/// The `root` of a repository, which its own root keys signed.
pub(crate) struct Root<'f> {
    file: &'f [u8],
    proven: Proven<'f>,
    root: Keys,
    timestamp: Keys,
    pub(super) snapshot: Keys,
    pub(super) targets: Keys,
    pinned: Vec<PublicKey>,
}

impl<'f> Root<'f> {
    /// Checks that the keys that `root` itself names for its role signed it. It proves nothing to anybody before [`Root::pin`].
    ///
    /// # Errors
    /// When there is no `root`, or when it is not signed, or has expired.
    pub(crate) fn verify(files: &'f Files, now: UnixTime) -> Result<Root<'f>, TrustDataError> {
        let file = files.get(&Role::Root)?;
        let envelope = Envelope::read(Role::Root, file)?;
        let keys = |role: Role, signed: &Json<'_>| {
            let roles = signed.get("roles")?;
            Keys::read(roles.get(&role.to_string())?, signed.get("keys")?)
        };
        let keys = |role| keys(role, envelope.unproven()).ok_or(TrustDataError::Form(Role::Root));
        let (root, timestamp) = (keys(Role::Root)?, keys(Role::Timestamp)?);
        let (snapshot, targets) = (keys(Role::Snapshot)?, keys(Role::Targets)?);
        let proven = envelope.verify(&root, now)?;
        Ok(Root { file, proven, root, timestamp, snapshot, targets, pinned: Vec::new() })
    }

    pub(super) fn file(&self) -> &[u8] {
        self.file
    }

    pub(super) fn head(&self) -> Head {
        self.proven.head
    }

    /// The version of `root`.
    pub(crate) fn version(&self) -> u64 {
        self.proven.head.version
    }

    /// The `timestamp` of the repository.
    pub(super) fn timestamp(&self, file: &[u8], now: UnixTime) -> Result<Timestamp, TrustDataError> {
        Timestamp::read(&Envelope::read(Role::Timestamp, file)?.verify(&self.timestamp, now)?)
    }

    pub(super) fn is_pinned(&self, key: &PublicKey) -> bool {
        self.pinned.contains(key)
    }

    /// Checks that this key signed `root`, and that `root` is that of the repository with this GUN. From then on its holder vouches for the trust data.
    ///
    /// The certificate that holds the key has to name the repository. After a rotation `root` no longer has the certificate of the former key. Then one of
    /// the certificates that it has does, because the former key signed them.
    ///
    /// # Errors
    /// When the key did not sign, or no certificate names the repository.
    pub(crate) fn pin(&mut self, key: &PublicKey, gun: &str) -> Result<(), RootError> {
        if !self.proven.is_signed_by(key) {
            return Err(RootError::NotSigned);
        }
        let keys = || self.root.keys.values().flatten();
        let holds_key = |it: &&Key| it.public == *key;
        let candidates: Vec<&Key> = match keys().any(|it| holds_key(&it)) {
            true => keys().filter(holds_key).collect(),
            false => keys().collect(),
        };
        let names = || candidates.iter().filter_map(|key| key.common_name.as_deref());
        match names().any(|name| gun::names(name, gun)) {
            true => {
                self.pinned.push(key.clone());
                Ok(())
            }
            false => Err(RootError::Gun(names().map(str::to_owned).collect())),
        }
    }

    /// The one key of the root role, which somebody who trusts the repository pins.
    #[cfg(test)]
    pub(super) fn pinnable(&self) -> PublicKey {
        let keys: Vec<&Key> = self.root.keys.values().flatten().collect();
        assert_eq!(keys.len(), 1);
        keys[0].public.clone()
    }
}
