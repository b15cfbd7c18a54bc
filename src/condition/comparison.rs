//! Does a value meet a comparison?

use std::borrow::Cow;

use super::{Number, Scalar, Value};
use crate::{
    sigstore::Anchored,
    time::{Age, UnixTime},
};

/// What a condition expects of the values to which its path leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `equals` and `in`: one of these.
    In(Vec<Scalar>),
    /// `noneOf`: none of these, but of the type of one of them.
    NoneOf(Vec<Scalar>),
    /// `matches`: a text that this expression matches as a whole.
    Matches(Anchored),
    /// `prefix`: a text that begins with this one.
    Prefix(String),
    /// `atLeast`: this number or a larger one.
    AtLeast(Number),
    /// `atMost`: this number or a smaller one.
    AtMost(Number),
    /// `newerThan`: a time at most this long ago.
    NewerThan(Age),
    /// `exists`: anything.
    Exists,
    /// `countAtMost`: at most this many values.
    CountAtMost(usize),
}

impl Comparison {
    /// Whether all values have to meet it. Otherwise one is enough.
    pub(super) fn is_of_all(&self) -> bool {
        matches!(
            self,
            Comparison::NoneOf(_) | Comparison::AtLeast(_) | Comparison::AtMost(_) | Comparison::CountAtMost(_)
        )
    }

    /// Whether a list without values meets it.
    pub(super) fn takes_none(&self) -> bool {
        self.is_of_all() && !matches!(self, Comparison::AtLeast(_))
    }

    /// Whether so many values can meet it.
    pub(super) fn takes(&self, count: usize) -> bool {
        !matches!(self, Comparison::CountAtMost(most) if count > *most)
    }

    /// Whether this value meets it.
    pub(super) fn is_met_by(&self, value: &Value, now: UnixTime) -> bool {
        let scalar = match (self, value) {
            (Comparison::Exists | Comparison::CountAtMost(_), _) => return true,
            (_, Value::Scalar(scalar)) => scalar,
            _ => return false,
        };
        match (self, scalar) {
            (Comparison::In(accepted), _) => accepted.contains(scalar),
            (Comparison::NoneOf(refused), _) => {
                refused.iter().any(|other| other.is_like(scalar)) && !refused.contains(scalar)
            }
            (Comparison::Matches(expression), Scalar::Text(text)) => expression.matches(text),
            (Comparison::Prefix(start), Scalar::Text(text)) => text.starts_with(start.as_str()),
            (Comparison::AtLeast(least), _) => number(scalar).is_some_and(|number| *number >= *least),
            (Comparison::AtMost(most), _) => number(scalar).is_some_and(|number| *number <= *most),
            (Comparison::NewerThan(age), Scalar::Text(text)) => {
                UnixTime::parse_with_offset(text).is_some_and(|time| age.reaches(time, now))
            }
            _ => false,
        }
    }
}

/// The number that a value is, as a number or as a text.
fn number(scalar: &Scalar) -> Option<Cow<'_, Number>> {
    match scalar {
        Scalar::Number(number) => Some(Cow::Borrowed(number)),
        Scalar::Text(text) => Number::parse(text).map(Cow::Owned),
        Scalar::Flag(_) => None,
    }
}
