//! Who says which authorities and logs are trusted?

/// Where it is said whom to believe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// In the module: it carries the public-good instance's trusted root.
    Module,
    /// In the settings of the validator.
    #[default]
    Validator,
    /// At the trust root, which names CAs of its own.
    TrustRoot,
}
