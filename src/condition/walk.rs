//! What does a path lead to in a document?
//!
//! The document is read once, and always to its end, to detect members that occur twice.

use std::fmt;

use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Comparison, Kind, Part, Path, Value};
use crate::{json::Text, time::UnixTime};

/// The deepest nesting of a predicate. Real ones are nested about ten times, and readers differ in what they do with deep ones.
pub const MAX_DEPTH: usize = 64;
/// The most values that one condition looks at on its way through a predicate. A report of a large image has a few thousand findings.
pub const MAX_VALUES: usize = 100_000;
/// The most values that are kept to be told.
const MAX_KEPT: usize = 3;

/// What a condition saw in a predicate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// The values that decided the result. If the condition is not met, these are the ones that do not meet it.
    Values {
        /// The first three.
        first: Vec<Value>,
        /// How many there are.
        count: usize,
    },
    /// The path is missing. This many of its first parts exist.
    Missing(usize),
    /// The value after this many parts of the path has this type, and the next part cannot enter it.
    Kind(usize, Kind),
    /// The member after this many parts of the path occurs twice.
    Twice(usize),
    /// The path leads through more than [`MAX_VALUES`] values.
    TooMany,
    /// The predicate is nested more than [`MAX_DEPTH`] levels deep.
    TooDeep,
    /// Something on the way cannot be read, such as a name that is not Unicode.
    Unreadable,
}

/// Whether a document is nested too deeply.
pub(super) fn is_deep(json: &RawValue) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    json.get().bytes().any(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => depth = depth.saturating_add(1),
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// What was found at `path`. It is `Ok` if it meets the comparison.
pub(super) fn look(path: &Path, comparison: &Comparison, json: &RawValue, now: UnixTime) -> Result<Seen, Seen> {
    let mut found =
        Found { comparison, now, looked: 0, met: Few::default(), unmet: Few::default(), strange: None, stop: None };
    let walk = Walk { parts: path.parts(), at: 0, is_of_many: false, found: &mut found };
    let is_read = walk.deserialize(&mut serde_json::Deserializer::from_str(json.get())).is_ok();
    let Found { met, unmet, strange, stop, .. } = found;
    if let Some(stop) = stop {
        return Err(stop);
    }
    if !is_read {
        return Err(Seen::Unreadable);
    }
    let takes_none = path.is_of_many() && comparison.takes_none();
    let is_met = match comparison.is_of_all() {
        true => unmet.count == 0 && strange.is_none() && (met.count > 0 || takes_none) && comparison.takes(met.count),
        false => met.count > 0,
    };
    match (is_met, strange) {
        (true, _) => Ok(met.seen()),
        // Of values that meet it there may only be too many.
        (false, None) if unmet.count == 0 => Err(met.seen()),
        (false, Some(strange)) if unmet.count == 0 => Err(strange),
        (false, _) => Err(unmet.seen()),
    }
}

/// What was found up to now.
struct Found<'c> {
    comparison: &'c Comparison,
    now: UnixTime,
    looked: usize,
    met: Few,
    unmet: Few,
    /// The first value below `[*]` that is of another type than the path expects.
    strange: Option<Seen>,
    /// What ended the walk.
    stop: Option<Seen>,
}

/// The first of many values.
#[derive(Default)]
struct Few {
    first: Vec<Value>,
    count: usize,
}

impl Few {
    fn add(&mut self, value: Value) {
        if self.count < MAX_KEPT {
            self.first.push(value);
        }
        self.count = self.count.saturating_add(1);
    }

    fn seen(self) -> Seen {
        Seen::Values { first: self.first, count: self.count }
    }
}

/// A step on the way.
struct Walk<'w, 'c> {
    /// The parts that are left.
    parts: &'w [Part],
    /// How many were gone.
    at: usize,
    /// Whether `[*]` is among those.
    is_of_many: bool,
    found: &'w mut Found<'c>,
}

impl<'c> Walk<'_, 'c> {
    /// The next step.
    fn next(&mut self) -> Walk<'_, 'c> {
        let (first, rest) = self.parts.split_first().map_or((None, self.parts), |(first, rest)| (Some(first), rest));
        Walk {
            parts: rest,
            at: self.at.saturating_add(1),
            is_of_many: self.is_of_many || first == Some(&Part::Every),
            found: &mut *self.found,
        }
    }

    fn stop<E: Error>(self, seen: Seen) -> Result<(), E> {
        self.found.stop = Some(seen);
        Err(E::custom(""))
    }

    /// Only so many parts of the path are there.
    fn missing<E: Error>(self, parts: usize) -> Result<(), E> {
        match self.is_of_many {
            // The signer left it out.
            true => Ok(()),
            false => self.stop(Seen::Missing(parts)),
        }
    }

    /// Here is a value of a type in which the next part cannot be.
    fn strange<E: Error>(self, kind: Kind) -> Result<(), E> {
        let seen = Seen::Kind(self.at, kind);
        match self.is_of_many {
            true => {
                self.found.strange.get_or_insert(seen);
                Ok(())
            }
            false => self.stop(seen),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        self.found.looked = self.found.looked.saturating_add(1);
        if self.found.looked > MAX_VALUES {
            return self.stop(Seen::TooMany);
        }
        if !self.parts.is_empty() {
            return json.deserialize_any(self);
        }
        let json = <&RawValue>::deserialize(json)?;
        if json.get() == "null" {
            return self.visit_unit();
        }
        let Found { comparison, now, met, unmet, .. } = self.found;
        let value = Value::read(json);
        match comparison.is_met_by(&value, *now) {
            true => met.add(value),
            false => unmet.add(value),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.strange(Kind::Flag)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.strange(Kind::Number)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.strange(Kind::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.strange(Kind::Number)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.strange(Kind::Text)
    }

    /// `null` is the same as a member that is left out.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        let there = self.at.saturating_sub(1);
        self.missing(there)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let parts = self.parts;
        let Some(Part::Member(name)) = parts.first() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return self.strange(Kind::Mapping);
        };
        let mut is_there = false;
        while let Some(Text(key)) = map.next_key()? {
            match (key == *name, is_there) {
                (false, _) => drop(map.next_value::<IgnoredAny>()?),
                (true, false) => {
                    is_there = true;
                    map.next_value_seed(self.next())?;
                }
                (true, true) => {
                    let member = self.at.saturating_add(1);
                    return self.stop(Seen::Twice(member));
                }
            }
        }
        let there = self.at;
        if is_there { Ok(()) } else { self.missing(there) }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let before = match self.parts.first() {
            Some(Part::Every) => {
                while list.next_element_seed(self.next())?.is_some() {}
                return Ok(());
            }
            Some(Part::Index(index)) => Some(*index),
            _ => None,
        };
        let mut passed = 0_usize;
        let mut is_there = false;
        loop {
            let entry = match before == Some(passed) {
                true => list.next_element_seed(self.next())?.inspect(|()| is_there = true),
                false => list.next_element::<IgnoredAny>()?.map(drop),
            };
            match entry {
                Some(()) => passed = passed.saturating_add(1),
                None => break,
            }
        }
        let there = self.at;
        match (before, is_there) {
            (None, _) => self.strange(Kind::List),
            (Some(_), true) => Ok(()),
            (Some(_), false) => self.missing(there),
        }
    }
}
