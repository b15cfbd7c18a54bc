//! Does the predicate of an attestation meet the conditions of a rule?
//!
//! A condition is a path into the predicate and one comparison. All conditions of a rule have to be met. An entry `any` is a list of conditions of which one is enough.
//!
//! ```text
//! conditions = [ entry, … ]                      all of them are met
//! entry      = {path, comparison} | {any: [{path, comparison}, …]}
//! comparison = exactly one of
//!              equals: scalar                    has the type and the value of this one
//!              in: [scalar, …]                   has the type and the value of one of these
//!              noneOf: [scalar, …]               has the type of one of these and none of their values
//!              matches: expression               is a text that this expression matches as a whole
//!              prefix: text                      is a text that begins with this one
//!              atLeast: number, atMost: number   is a number, or a text that is one
//!              newerThan: age                    is a time (RFC 3339) at most this long ago, as in `7d`
//!              exists: true                      is there
//!              countAtMost: number               the path leads to at most this many values
//! scalar     = text | number | true | false
//!
//! path       = first step*                       as in buildDefinition.externalParameters.workflow.ref
//! first      = name | bracket
//! step       = "." name | bracket
//! name       = ( letter | digit | "_" | "-" | "@" )+, all of them ASCII
//! bracket    = "[" text "]"                      a member with any name, as a JSON string: ["org.example/a b"]
//!            | "[" number "]"                    one entry of a list, from 0
//!            | "[*]"                             every entry of a list
//! ```
//!
//! **Without `[*]`, a missing value meets no comparison.** Anybody who can push evidence can also remove it, so a condition can only require something that is there. `null` is the same as a member that is
//! left out. A path without `[*]` leads to one value, or it is missing. With `[*]` it leads to any number of values. The path up to the first `[*]` has to exist and
//! lead to a list. Below it a missing member is no value, because the signer left it out: a clean report of Trivy has no `Vulnerabilities`.
//!
//! **With `[*]`** one value is enough for `equals`, `in`, `matches`, `prefix`, `newerThan` and `exists`. Every value has to meet `noneOf`, `atMost` and `atLeast`. So a score that
//! has to reach a minimum has to reach it everywhere. `atLeast` is not met without values: a missing score is not a good one. An empty list meets `noneOf`, `atMost` and `countAtMost` only.
//!
//! **What cannot be compared meets no comparison** except `exists` and `countAtMost`: a list, a mapping, a text that is too long, and a value of another type than the condition has. It does not meet `noneOf` either. If a value
//! below `[*]` is something else than the path expects, such as a mapping in place of a list, `noneOf`, `atMost`, `atLeast` and `countAtMost` are not met either. Such a document has
//! another form than the one for which the condition was written.
//!
//! Numbers are compared by the decimals that are written, to any number of digits. Each condition reads the predicate once.

mod comparison;
mod number;
mod path;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod walk;

use serde_json::value::RawValue;

pub use comparison::Comparison;
pub use number::Number;
pub use path::{MAX_PARTS, MAX_PATH, Part, Path, PathError};
pub use read::{ConditionError, ConditionMistake, MAX_ANY, MAX_CONDITIONS, MAX_SCALARS};
pub use scalar::{Kind, MAX_TEXT, Scalar, Value};
pub use walk::{MAX_DEPTH, MAX_VALUES, Seen};

use crate::time::UnixTime;

/// Conditions that a predicate has to meet, all of them. Without entries, every predicate meets them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions(Vec<Entry>);

/// Conditions of which one is enough. An entry without `any` is a list of one.
type Entry = Vec<Condition>;

/// A path into a predicate, and what is expected there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// The place in the predicate.
    pub path: Path,
    /// What is expected there.
    pub comparison: Comparison,
}

/// What the conditions of one entry saw in a predicate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Saw {
    /// The place of the entry in the list, from 0.
    pub entry: usize,
    /// Each condition of the entry, and what it saw: those that are met, or all of them if none is.
    pub conditions: Vec<(Condition, Seen)>,
}

/// An entry that a predicate does not meet, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmet(pub Saw);

impl Conditions {
    /// The entries, in their order. One of the conditions of each entry has to be met.
    #[must_use]
    pub fn entries(&self) -> &[Vec<Condition>] {
        &self.0
    }

    /// Checks that `predicate` meets all conditions at the time `now`.
    ///
    /// # Errors
    /// The first entry that is not met.
    pub fn check(&self, predicate: &RawValue, now: UnixTime) -> Result<(), Unmet> {
        self.outcomes(predicate, now).try_for_each(|outcome| outcome.map(drop))
    }

    /// What each entry sees in `predicate`, in their order: an entry that is met, or one that is not.
    pub fn outcomes(&self, predicate: &RawValue, now: UnixTime) -> impl Iterator<Item = Result<Saw, Unmet>> {
        let is_deep = walk::is_deep(predicate);
        self.0.iter().enumerate().map(move |(entry, conditions)| {
            let (mut met, mut unmet) = (Vec::new(), Vec::new());
            for condition in conditions {
                let Condition { path, comparison } = condition;
                let seen = if is_deep { Err(Seen::TooDeep) } else { walk::look(path, comparison, predicate, now) };
                match seen {
                    Ok(seen) => met.push((condition.clone(), seen)),
                    Err(seen) => unmet.push((condition.clone(), seen)),
                }
            }
            match met.is_empty() {
                false => Ok(Saw { entry, conditions: met }),
                true => Err(Unmet(Saw { entry, conditions: unmet })),
            }
        })
    }
}
