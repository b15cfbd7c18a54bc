//! By which names do messages and records call rules and validators?

/// The pattern of a rule as it was written. Rules have no other name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePattern(pub String);

/// The name of a validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorName(pub String);
