//! Why is a text not a pattern?

use crate::image::ReferenceError;

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// The text is empty.
    Empty,
    /// The text is longer than a pattern may be.
    TooLong,
    /// There are too many `*`.
    Stars,
    /// A character that is special in other globs.
    Glob(char),
    /// A character that no image has in its name.
    Character(char),
    /// A text that is no name of an image.
    Name(ReferenceError),
    /// A registry that there cannot be.
    Registry(String),
    /// A registry without a repository.
    RegistryOnly(String),
    /// A repository that there cannot be.
    Repository(String),
    /// The name ends with a slash.
    FinalSlash(String),
    /// A tag that there cannot be.
    Tag(String),
    /// A digest that there cannot be.
    Digest(String),
}

impl PatternError {
    /// Longest pattern, in bytes.
    pub(crate) const MAX_LENGTH: usize = 512;
}
