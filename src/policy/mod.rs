//! Which rule decides about an image, and what does it ask for?
//!
//! Read once from settings, without asking anybody. Knows images; never a workload or a registry.

pub mod attestation;
mod check;
pub mod exception;
mod features;
mod mistake;
mod names;
mod options;
pub mod pattern;
pub mod rule;
pub mod settings;
pub mod shape;
mod signers;
pub mod validator;
mod workloads;

pub use check::check;
pub use exception::{Exception, is_namespace};
pub use features::{ChildApproval, Disclosure, Features, HostCalls, TimeBudget};
pub use mistake::{Found, Mistake, Problem};
pub use names::{RulePattern, ValidatorName};
pub use pattern::Part;
pub use rule::{Choice, Decision, Fit, Policy, Rule, Rules};
pub use settings::Mode;
