//! Why does a text name no image?

use super::DigestError;

/// Longest reference, in bytes.
pub(crate) const MAX_TEXT: usize = 512;
/// Longest name, completed, in bytes (OCI distribution specification, "Pulling manifests").
pub const MAX_NAME: usize = 255;
/// Longest tag, in bytes (the same).
pub const MAX_TAG: usize = 128;

/// Why a text names no image, or could name two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceError {
    /// The text is empty.
    Empty,
    /// The text has more than 512 bytes.
    TooLong,
    /// The completed name has more than 255 bytes.
    NameTooLong,
    /// White space, a control character or something outside ASCII.
    Character(char),
    /// A first component that some parsers take as a registry and some as part of Docker Hub.
    AmbiguousRegistry(String),
    /// Docker Hub under another name, the first one here; the second is what to write.
    Alias(String, String),
    /// A user's name and password stand before the registry.
    Credentials,
    /// A port that is no port, or that is the default one.
    Port(String),
    /// The registry is not a host name.
    Registry(String),
    /// A component of the repository is not allowed.
    Repository(String),
    /// The tag has a form that is not allowed.
    Tag(String),
    /// The digest has a form that cannot be used.
    Digest(DigestError),
    /// A bare image ID, which a node would look up among the images that it happens to have.
    ImageId,
}

impl std::error::Error for ReferenceError {}
