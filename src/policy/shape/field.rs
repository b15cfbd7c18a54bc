//! What can be said of a key of the settings?

use crate::policy::{HostCalls, TimeBudget};

/// The types of validators.
pub const TYPES: &[&str] = &["static", "cosign", "notation", "notaryv1"];

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A pattern of images.
    Pattern,
    /// A public key in PEM.
    Key,
    /// `true` or `false`.
    Flag,
    /// A whole number, 1 or more.
    Count,
    /// A whole number, 0 or more.
    CountFromZero,
    /// Any number.
    Number,
    /// A text, a number, `true` or `false`.
    Scalar,
    /// A time, in milliseconds.
    Milliseconds,
    /// How many host calls a request may make.
    HostCalls,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The type of a validator.
    ValidatorType,
    /// Texts to texts.
    Texts,
    /// A list of texts that is not empty.
    Names,
    /// A text, or a list of texts that is not empty.
    NameOrNames,
    /// A list that is not empty.
    List(&'static Shape),
    /// A mapping with these keys and no others.
    Object(&'static [Field]),
    /// `true`, `false`, or something that says more.
    FlagOr(&'static Shape),
    /// A text, or something that says more.
    TextOr(&'static Shape),
    /// A mapping, or its text, which is read elsewhere.
    Document,
    /// Known, and refused: why, and what to do.
    Refused(&'static str),
}

/// A key of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What stands there.
    pub shape: Shape,
    /// Whether settings without it are refused.
    pub required: bool,
    /// What people are told of it; nothing in the table that requests are read by.
    pub about: Option<&'static About>,
}

/// What people are told of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// What it means, in Markdown. The first sentence says it all.
    pub text: &'static str,
    /// A value that is accepted, as JSON.
    pub example: &'static str,
    /// What holds where the key is left out.
    pub default: Default,
    /// Its type in a few words, where its shape alone does not say it.
    pub kind: Option<&'static str>,
    /// The shortest text, in bytes.
    pub least: usize,
    /// The longest text, in bytes, or the longest list or mapping, in entries.
    pub most: Option<usize>,
    /// A regular expression for the text: no less than what is accepted.
    pub form: Option<&'static str>,
    /// The types of validators that have it. All have it if there are none here.
    pub only: &'static [&'static str],
    /// Whether those types need it.
    pub is_needed: bool,
    /// The choices of which this key is one. Exactly one of the keys of a mapping that name the same choice is given.
    pub choices: [Option<&'static str>; 2],
}

/// What holds where a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// This value, as JSON.
    Value(&'static str),
    /// Something that is no value, in words.
    Words(&'static str),
}

impl About {
    pub(super) const fn kind(mut self, kind: &'static str) -> About {
        self.kind = Some(kind);
        self
    }

    pub(super) const fn default(mut self, json: &'static str) -> About {
        self.default = Default::Value(json);
        self
    }

    pub(super) const fn absent(mut self, words: &'static str) -> About {
        self.default = Default::Words(words);
        self
    }

    pub(super) const fn most(mut self, most: usize) -> About {
        self.most = Some(most);
        self
    }

    /// Texts of 1 to `most` bytes.
    pub(super) const fn bytes(mut self, most: usize) -> About {
        self.least = 1;
        self.most = Some(most);
        self
    }

    pub(super) const fn form(mut self, form: &'static str) -> About {
        self.form = Some(form);
        self
    }

    /// Only for validators of these types.
    pub(super) const fn only(mut self, kinds: &'static [&'static str]) -> About {
        self.only = kinds;
        self
    }

    /// Only for validators of these types, which need it.
    pub(super) const fn needed(mut self, kinds: &'static [&'static str]) -> About {
        self.only = kinds;
        self.is_needed = true;
        self
    }

    pub(super) const fn choice(mut self, choice: &'static str) -> About {
        let [first, _] = self.choices;
        self.choices = if first.is_none() { [Some(choice), None] } else { [first, Some(choice)] };
        self
    }
}

/// What a key means, and a value for it as JSON.
pub(super) const fn about(text: &'static str, example: &'static str) -> About {
    let default = Default::Words("");
    About {
        text,
        example,
        default,
        kind: None,
        least: 0,
        most: None,
        form: None,
        only: &[],
        is_needed: false,
        choices: [None; 2],
    }
}

pub(super) const fn required(key: &'static str, shape: Shape, about: Option<&'static About>) -> Field {
    Field { key, shape, required: true, about }
}

pub(super) const fn optional(key: &'static str, shape: Shape, about: Option<&'static About>) -> Field {
    Field { key, shape, required: false, about }
}

pub(super) const fn refused(key: &'static str, why: &'static str) -> Field {
    Field { key, shape: Shape::Refused(why), required: false, about: None }
}

impl Shape {
    /// The smallest and the largest number at this place, if it is one.
    #[must_use]
    pub fn numbers(&self) -> Option<(u64, Option<u64>)> {
        match self {
            Shape::Count => Some((1, None)),
            Shape::CountFromZero => Some((0, None)),
            Shape::Milliseconds => Some((1, Some(TimeBudget::MAX_MS))),
            Shape::HostCalls => Some((1, u64::try_from(HostCalls::MAX).ok())),
            _ => None,
        }
    }

    /// The words at this place, if it takes one of a few.
    #[must_use]
    pub fn words(&self) -> Option<&'static [&'static str]> {
        match self {
            Shape::Word(words) => Some(words),
            Shape::ValidatorType => Some(TYPES),
            _ => None,
        }
    }
}
