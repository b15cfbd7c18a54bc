//! Which rule decides about an image, and what does it ask for?
//!
//! Read once from settings, without asking anybody. Knows images; never a workload or a registry.

mod check;
pub mod pattern;
pub mod rule;
pub mod settings;
pub mod shape;
pub mod validator;

use std::fmt;

pub use check::check;
pub use pattern::Part;
pub use rule::{Choice, Decision, Fit, Policy, Rule, Rules};
pub use settings::{ChildApproval, Disclosure, Features, Mode};

/// Something in the settings that can't be meant: where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place, as in `policy[2].with.threshold`.
    pub path: String,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

/// What is wrong with a list of this length, of which at most so many entries are read.
fn bound(length: usize, most: usize) -> String {
    match length {
        0 => "is empty: it decides nothing".to_owned(),
        _ => format!("has {length} entries; at most {most} are read"),
    }
}

impl Problem {
    /// A problem at this place.
    pub fn new(path: impl Into<String>, what: impl Into<String>) -> Problem {
        Problem { path: path.into(), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.what),
            false => write!(f, "{}: {}", self.path, self.what),
        }
    }
}
