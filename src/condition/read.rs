//! Which conditions do the settings have?
//!
//! The grammar is in the documentation of [`crate::condition`]. Everything that is wrong is noted with its place.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

use super::{Comparison, Condition, Conditions, Entry, Path, PathError, Scalar, Value};
use crate::{
    json::{JsonPath, Mismatch, all_members, entries, text},
    sigstore::{Anchored, RegexError},
    text::Shown,
    time::Age,
};

/// The most entries of a list of conditions: each reads the predicate.
pub const MAX_CONDITIONS: usize = 64;
/// The most conditions of `any`, for the same reason.
pub const MAX_ANY: usize = 16;
/// The most values of `in` and of `noneOf`: each is compared with each value of the predicate.
pub const MAX_SCALARS: usize = 64;

const PATH: &str = "path";
const ANY: &str = "any";
/// The keys of a condition.
const KEYS: [&str; 11] =
    [PATH, "equals", "in", "noneOf", "matches", "prefix", "atLeast", "atMost", "newerThan", "exists", "countAtMost"];

/// A mistake in conditions, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// The place in the settings.
    pub path: JsonPath,
    /// What is wrong there.
    pub what: ConditionMistake,
}

/// What is wrong at one place of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionMistake {
    /// Not a list of 1 to this many entries.
    Entries(usize),
    /// Not a mapping.
    Mapping,
    /// A mapping that has a key twice.
    Twice,
    /// An unknown key.
    UnknownKey,
    /// A condition without a path.
    NoPath,
    /// Not a path.
    Path(PathError),
    /// A condition that compares nothing.
    NoComparison,
    /// A second comparison of one condition.
    SeveralComparisons,
    /// `any` beside something else.
    AnyBeside,
    /// `any` within `any`.
    AnyInAny,
    /// Not a text of 1 to [`MAX_TEXT`](super::MAX_TEXT) bytes.
    Text,
    /// Not a text of at most [`MAX_TEXT`](super::MAX_TEXT) bytes, a number, or `true` or `false`.
    Scalar,
    /// Not a number.
    Number,
    /// Not a whole number from 0.
    Count,
    /// `countAtMost` for a path without `[*]`.
    CountOfOne,
    /// An expression that can't be used.
    Regex(RegexError),
    /// Not an age.
    Age,
    /// Not `true`, for `exists`.
    Exists,
}

/// Members of a mapping.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

impl Conditions {
    /// Reads the list of conditions that stands at `at`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(list: &RawValue, at: &JsonPath) -> Result<Conditions, Vec<ConditionError>> {
        let mut reader = Reader { wrong: Vec::new() };
        let conditions = reader.list(list, at, MAX_CONDITIONS, Reader::entry);
        if reader.wrong.is_empty() { Ok(Conditions(conditions)) } else { Err(reader.wrong) }
    }
}

/// Reads conditions, and notes what is wrong.
struct Reader {
    wrong: Vec<ConditionError>,
}

impl Reader {
    fn note<T>(&mut self, path: JsonPath, what: ConditionMistake) -> Option<T> {
        self.wrong.push(ConditionError { path, what });
        None
    }

    /// The entries that `read` makes of a list with 1 to `most` entries.
    fn list<T>(
        &mut self,
        list: &RawValue,
        at: &JsonPath,
        most: usize,
        read: impl Fn(&mut Reader, &RawValue, &JsonPath) -> Option<T>,
    ) -> Vec<T> {
        match entries(list) {
            Ok(entries) if (1..=most).contains(&entries.len()) => {
                let numbered = entries.into_iter().enumerate();
                numbered.filter_map(|(index, entry)| read(self, entry, &at.index(index))).collect()
            }
            _ => {
                self.note::<()>(at.clone(), ConditionMistake::Entries(most));
                Vec::new()
            }
        }
    }

    /// An entry of the list: a condition, or conditions of which one is enough.
    fn entry(&mut self, entry: &RawValue, at: &JsonPath) -> Option<Entry> {
        let mut members = self.members(entry, at)?;
        let Some(any) = members.remove(ANY).filter(|any| is_given(any)) else {
            return self.condition(&members, at).map(|condition| vec![condition]);
        };
        let at_any = at.key(ANY);
        for key in members.keys().filter(|key| !KEYS.contains(&&***key)) {
            self.note::<()>(at.key(Shown(key).to_string()), ConditionMistake::UnknownKey);
        }
        if members.values().any(|other| is_given(other)) {
            self.note::<()>(at_any.clone(), ConditionMistake::AnyBeside);
        }
        Some(self.list(any, &at_any, MAX_ANY, |reader, entry, at| {
            let members = reader.members(entry, at)?;
            match members.contains_key(ANY) {
                true => reader.note(at.key(ANY), ConditionMistake::AnyInAny),
                false => reader.condition(&members, at),
            }
        }))
    }

    fn members<'a>(&mut self, entry: &'a RawValue, at: &JsonPath) -> Option<Members<'a>> {
        match all_members(entry) {
            Ok(members) => Some(members),
            Err(Mismatch::Type) => self.note(at.clone(), ConditionMistake::Mapping),
            Err(Mismatch::Twice) => self.note(at.clone(), ConditionMistake::Twice),
        }
    }

    fn condition(&mut self, members: &Members<'_>, at: &JsonPath) -> Option<Condition> {
        let mut path = None;
        let mut comparison = None;
        for (key, value) in members {
            let Some(key) = KEYS.into_iter().find(|known| known == key) else {
                self.note::<()>(at.key(Shown(key).to_string()), ConditionMistake::UnknownKey);
                continue;
            };
            if !is_given(value) {
                continue;
            }
            let at = at.key(key);
            match (key, &comparison) {
                (PATH, _) => path = Some(self.path(value, &at)),
                (_, None) => comparison = Some((at.clone(), self.comparison(key, value, &at))),
                (_, Some(_)) => self.note(at, ConditionMistake::SeveralComparisons)?,
            }
        }
        if path.is_none() {
            self.note::<()>(at.key(PATH), ConditionMistake::NoPath);
        }
        let Some((place, comparison)) = comparison else {
            return self.note(at.clone(), ConditionMistake::NoComparison);
        };
        let condition = Condition { path: path??, comparison: comparison? };
        match condition.comparison {
            Comparison::CountAtMost(_) if !condition.path.is_of_many() => {
                self.note(place, ConditionMistake::CountOfOne)
            }
            _ => Some(condition),
        }
    }

    fn path(&mut self, json: &RawValue, at: &JsonPath) -> Option<Path> {
        let text = self.text(json, at)?;
        match Path::parse(&text) {
            Ok(path) => Some(path),
            Err(error) => self.note(at.clone(), ConditionMistake::Path(error)),
        }
    }

    fn comparison(&mut self, key: &str, json: &RawValue, at: &JsonPath) -> Option<Comparison> {
        use ConditionMistake as Wrong;
        match key {
            "equals" => self.scalar(json, at).map(|scalar| Comparison::In(vec![scalar])),
            "in" => Some(Comparison::In(self.list(json, at, MAX_SCALARS, Reader::scalar))),
            "noneOf" => Some(Comparison::NoneOf(self.list(json, at, MAX_SCALARS, Reader::scalar))),
            "matches" => match Anchored::read(&self.text(json, at)?) {
                Ok(expression) => Some(Comparison::Matches(expression)),
                Err(error) => self.note(at.clone(), Wrong::Regex(error)),
            },
            "prefix" => self.text(json, at).map(Comparison::Prefix),
            "newerThan" => match Age::parse(&text(json).unwrap_or_default()) {
                Some(age) => Some(Comparison::NewerThan(age)),
                None => self.note(at.clone(), Wrong::Age),
            },
            "exists" => match json.get() {
                "true" => Some(Comparison::Exists),
                _ => self.note(at.clone(), Wrong::Exists),
            },
            "countAtMost" => match json.get().parse().ok().filter(|_| json.get().bytes().all(|b| b.is_ascii_digit())) {
                Some(most) => Some(Comparison::CountAtMost(most)),
                None => self.note(at.clone(), Wrong::Count),
            },
            _ => match Value::read(json) {
                Value::Scalar(Scalar::Number(least)) if key == "atLeast" => Some(Comparison::AtLeast(least)),
                Value::Scalar(Scalar::Number(most)) => Some(Comparison::AtMost(most)),
                _ => self.note(at.clone(), Wrong::Number),
            },
        }
    }

    fn scalar(&mut self, json: &RawValue, at: &JsonPath) -> Option<Scalar> {
        match Value::read(json) {
            Value::Scalar(scalar) => Some(scalar),
            _ => self.note(at.clone(), ConditionMistake::Scalar),
        }
    }

    /// A text that is not empty.
    fn text(&mut self, json: &RawValue, at: &JsonPath) -> Option<String> {
        match Value::read(json) {
            Value::Scalar(Scalar::Text(text)) if !text.is_empty() => Some(text),
            _ => self.note(at.clone(), ConditionMistake::Text),
        }
    }
}

/// `null` is the same as a key that is left out.
fn is_given(json: &RawValue) -> bool {
    json.get() != "null"
}
