//! Where do the trusted authorities and logs come from?

/// The place that says which authorities and logs are trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The trusted root of the public-good instance, which the module carries.
    Module,
    /// The settings of the validator.
    #[default]
    Validator,
    /// The trust root itself, which names its own CAs.
    TrustRoot,
}
