//! Which versions of the files of a repository belong together?

use super::{
    error::{Role, TrustDataError},
    meta::Listing,
    signed::{Envelope, Head, Keys, Proven},
    targets::Targets,
};
use crate::time::UnixTime;

/// The `timestamp` of a repository, which lists the current `snapshot`. Only a `Root` makes one.
#[derive(Debug)]
pub(super) struct Timestamp {
    pub(super) head: Head,
    listing: Listing,
}

/// The `snapshot` that the `timestamp` lists. It lists all other files.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) head: Head,
    pub(super) listing: Listing,
}

impl Timestamp {
    pub(super) fn read(proven: &Proven<'_>) -> Result<Timestamp, TrustDataError> {
        let listing = Listing::read(&proven.signed).ok_or_else(|| proven.malformed())?;
        Ok(Timestamp { head: proven.head, listing })
    }

    /// The `snapshot` that this timestamp lists, signed by these keys. It has to list this `root`.
    pub(super) fn snapshot(
        &self,
        keys: &Keys,
        root: &[u8],
        file: &[u8],
        now: UnixTime,
    ) -> Result<Snapshot, TrustDataError> {
        self.listing.check(&Role::Snapshot, file)?;
        let proven = Envelope::read(Role::Snapshot, file)?.verify(keys, now)?;
        let listing = Listing::read(&proven.signed).ok_or_else(|| proven.malformed())?;
        listing.check(&Role::Root, root)?;
        Ok(Snapshot { head: proven.head, listing })
    }
}

impl Snapshot {
    /// The `targets` that this snapshot lists, signed by these keys.
    pub(super) fn targets(&self, keys: &Keys, file: &[u8], now: UnixTime) -> Result<Targets, TrustDataError> {
        self.listing.check(&Role::Targets, file)?;
        Targets::read(&Envelope::read(Role::Targets, file)?.verify(keys, now)?)
    }
}
