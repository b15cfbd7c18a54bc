//! Why does trust data of Notary v1 prove nothing?

use std::fmt;

use crate::{image::Digest, time::UnixTime};

/// A role of a Notary v1 repository, which signs one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The role that holds the keys of the other base roles.
    Root,
    /// The role that names the current snapshot.
    Timestamp,
    /// The role that names the current versions of all other files.
    Snapshot,
    /// The role that maps tags to digests.
    Targets,
    /// A role to which `targets` delegates, by its name without `targets/` in front.
    Delegation(String),
}

/// The longest name of a delegation, in bytes.
const MAX_NAME: usize = 128;

impl Role {
    /// The four roles that every repository has.
    pub const BASE: [Role; 4] = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets];

    /// The role with this name in TUF. It is `None` if there can be no such role, or if it is nested in another delegation.
    #[must_use]
    pub fn parse(name: &str) -> Option<Role> {
        let base = Role::BASE.into_iter().find(|role| role.to_string() == name);
        base.or_else(|| name.strip_prefix("targets/").and_then(Role::delegation))
    }

    /// The delegation with this name, which does not begin with `targets/`.
    #[must_use]
    pub fn delegation(name: &str) -> Option<Role> {
        let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        ((1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_letter)).then(|| Role::Delegation(name.to_owned()))
    }

    /// The value of `_type` in a file of this role.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Role::Root => "Root",
            Role::Timestamp => "Timestamp",
            Role::Snapshot => "Snapshot",
            Role::Targets | Role::Delegation(_) => "Targets",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Root => f.write_str("root"),
            Role::Timestamp => f.write_str("timestamp"),
            Role::Snapshot => f.write_str("snapshot"),
            Role::Targets => f.write_str("targets"),
            Role::Delegation(name) => write!(f, "targets/{name}"),
        }
    }
}

/// The reason for which a set of files is not the trust data of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustDataError {
    /// The evidence has no file of this role.
    Missing(Role),
    /// The file of this role does not have the form of one.
    Form(Role),
    /// The file of this role is signed by fewer keys of the role than its threshold.
    Signatures {
        /// The role.
        role: Role,
        /// The number of keys of the role that signed.
        signed: usize,
        /// The threshold of the role.
        threshold: usize,
    },
    /// The file of this role expired at this time.
    Expired(Role, UnixTime),
    /// The file of this role is not the one whose hash was signed. It is older, newer or of another repository.
    Hash(Role),
}

/// The reason for which trust data names no digest for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetError {
    /// The file of a delegation proves nothing.
    Delegation(TrustDataError),
    /// The rule requires delegations, but the repository has none.
    NoDelegations,
    /// The repository has no delegation of this name.
    UnknownDelegation(String),
    /// The delegation of this name has never signed anything.
    NeverSigned(String),
    /// The delegation of this name is nested in another one, or its name is not one.
    NotOneLevel(String),
    /// The role does not list the tag.
    NoTag(Role),
    /// The role lists no target with the digest.
    NoDigest(Role),
    /// The role lists the tag with this digest, which is not that of the image.
    OtherDigest(Role, Digest),
    /// Two of the delegations list the tag with these two digests.
    Differ(Digest, Digest),
    /// The image has neither a tag nor a digest.
    NoName,
}

impl From<TrustDataError> for TargetError {
    fn from(error: TrustDataError) -> TargetError {
        TargetError::Delegation(error)
    }
}

/// The reason for which trust data does not count for a trust root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootError {
    /// The key of the trust root did not sign `root`.
    NotSigned,
    /// The root certificates name these repositories, and not the one of the image.
    Gun(Vec<String>),
    /// A file is older than the trust root allows.
    Version {
        /// The role of the file.
        role: Role,
        /// The version of the file.
        is: u64,
        /// The least version that counts.
        least: u64,
    },
}
