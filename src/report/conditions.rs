//! What is wrong with conditions on attestations, and what did they see?
//!
//! Each sentence about a mistake follows its place.

use std::fmt;

use super::{counted, quoted};
use crate::{
    condition::{
        Comparison, Condition, ConditionMistake, Kind, MAX_DEPTH, MAX_PARTS, MAX_PATH, MAX_TEXT, MAX_VALUES, Part,
        Path, PathError, Saw, Scalar, Seen, Unmet, Value,
    },
    text::Shown,
};

/// The most values of the settings that a sentence names.
const MAX_NAMED: usize = 10;

impl fmt::Display for ConditionMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConditionMistake::Entries(most) => return write!(f, "must be a list with 1 to {most} entries"),
            ConditionMistake::Mapping => "must be a mapping with `path` and one comparison, or with `any`",
            ConditionMistake::Twice => "has a key twice",
            ConditionMistake::UnknownKey => "is not a key of conditions",
            ConditionMistake::NoPath => "is missing: name a part of the predicate, as in `buildDefinition.buildType`",
            ConditionMistake::Path(PathError::TooLong) => {
                return write!(f, "is too long: a path has at most {MAX_PATH} bytes and {MAX_PARTS} parts");
            }
            ConditionMistake::Path(PathError::Form(rest)) => {
                return write!(
                    f,
                    "cannot be read from {} on; write a path as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                    quoted(rest)
                );
            }
            ConditionMistake::NoComparison => {
                "compares nothing: give one of equals, in, noneOf, matches, prefix, atLeast, atMost, newerThan, exists and countAtMost"
            }
            ConditionMistake::SeveralComparisons => "is a second comparison; make it an entry of its own",
            ConditionMistake::AnyBeside => "must be alone in its entry; move the other keys to an entry of their own",
            ConditionMistake::AnyInAny => "cannot be within `any`; put its entries into the outer one",
            ConditionMistake::Text => return write!(f, "must be a text of 1 to {MAX_TEXT} bytes"),
            ConditionMistake::Scalar => {
                return write!(f, "must be a text of at most {MAX_TEXT} bytes, a number, or true or false");
            }
            ConditionMistake::Number => "must be a number",
            ConditionMistake::Count => "must be a whole number, 0 or more",
            ConditionMistake::CountOfOne => "needs a path with `[*]`; any other path leads to one value",
            ConditionMistake::Regex(error) => return error.fmt(f),
            ConditionMistake::Age => "must be a number with a unit, as in `7d`, `36h` or `90m`",
            ConditionMistake::Exists => {
                "must be true: conditions can only ask for what is there, because whoever carries evidence can leave out what is not wanted"
            }
        })
    }
}

/// The entry, and for each of its conditions what was found and what was expected.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmet(Saw { entry, conditions }) = self;
        let sentence = |(condition, seen): &(Condition, Seen)| {
            let Condition { path, comparison } = condition;
            let found = found(condition, seen);
            match seen {
                Seen::Values { .. } | Seen::Missing(_) => format!("{found}; expected {}", expected(comparison)),
                Seen::Kind(at, _) => format!("{found}; expected {}", around(path.part(*at))),
                _ => found,
            }
        };
        let number = entry.saturating_add(1);
        match conditions.as_slice() {
            [one] => write!(f, "condition {number}: {}", sentence(one)),
            several => {
                write!(f, "condition {number} has {}:", counted(several.len(), "alternative"))?;
                let mut numbered = (1..).zip(several);
                numbered.try_for_each(|(number, one)| write!(f, " ({number}) {}", sentence(one)))
            }
        }
    }
}

/// The entry, and what its conditions found.
impl fmt::Display for Saw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.conditions.iter().map(|(condition, seen)| found(condition, seen));
        write!(f, "condition {}: {}", self.entry.saturating_add(1), found.collect::<Vec<_>>().join("; "))
    }
}

/// What was found.
fn found(Condition { path, comparison }: &Condition, seen: &Seen) -> String {
    let whole = quoted(path.text());
    match seen {
        Seen::Values { count, .. } if matches!(comparison, Comparison::CountAtMost(_)) || *count == 0 => {
            format!("{whole} has {}", counted(*count, "value"))
        }
        Seen::Values { first, count } => {
            let values = first.iter().map(value);
            match count {
                1 => format!("{whole} is {}", values.collect::<String>()),
                _ => format!("{whole} has the values {}", some(values, *count)),
            }
        }
        Seen::Missing(0) => format!("{whole} is missing"),
        Seen::Missing(there) => format!("{whole} is missing, {} is there", quoted(path.beginning(*there))),
        Seen::Kind(at, kind) => format!("{} is {}", place(path, *at), name(*kind)),
        Seen::Twice(at) => format!("{} is there twice", place(path, *at)),
        Seen::TooMany => format!("{whole} leads through more than {MAX_VALUES} values"),
        Seen::TooDeep => format!("the predicate is nested more than {MAX_DEPTH} times"),
        Seen::Unreadable => format!("a name or a number beside {whole} cannot be read"),
    }
}

/// What a comparison expects.
fn expected(comparison: &Comparison) -> String {
    match comparison {
        Comparison::In(accepted) => match accepted.as_slice() {
            [one] => scalar(one),
            several => format!("one of {}", some(several.iter().take(MAX_NAMED).map(scalar), several.len())),
        },
        Comparison::NoneOf(refused) => {
            format!("none of {}", some(refused.iter().take(MAX_NAMED).map(scalar), refused.len()))
        }
        Comparison::Matches(expression) => format!("a text that matches {}", quoted(expression.text())),
        Comparison::Prefix(start) => format!("a text that begins with {}", quoted(start)),
        Comparison::AtLeast(least) => format!("at least {}", Shown(least.text())),
        Comparison::AtMost(most) => format!("at most {}", Shown(most.text())),
        Comparison::NewerThan(age) => format!("a time of the last {age}"),
        Comparison::Exists => "a value".to_owned(),
        Comparison::CountAtMost(most) => format!("at most {most}"),
    }
}

/// What a part of a path is in.
fn around(part: Option<&Part>) -> &'static str {
    name(if let Some(Part::Member(_)) = part { Kind::Mapping } else { Kind::List })
}

/// The beginning of a path.
fn place(path: &Path, count: usize) -> String {
    match count {
        0 => "the predicate".to_owned(),
        _ => quoted(path.beginning(count)),
    }
}

/// The first of `count` things.
fn some(first: impl Iterator<Item = String>, count: usize) -> String {
    let mut first: Vec<String> = first.collect();
    let last = match count.saturating_sub(first.len()) {
        0 => first.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    if first.is_empty() { last } else { format!("{} and {last}", first.join(", ")) }
}

fn value(value: &Value) -> String {
    match value {
        Value::Scalar(one) => scalar(one),
        Value::Other(kind) => name(*kind).to_owned(),
        Value::Unread(bytes) => format!("a value of {bytes} bytes that cannot be compared"),
    }
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => quoted(text),
        Scalar::Number(number) => Shown(number.text()).to_string(),
        Scalar::Flag(flag) => flag.to_string(),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Flag => "true or false",
        Kind::List => "a list",
        Kind::Mapping => "a mapping",
    }
}
