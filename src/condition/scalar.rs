//! Which value stands in a document, and is it the one that is expected?

use serde_json::value::RawValue;

use super::Number;
use crate::json::text;

/// The longest text that is compared, in bytes as JSON writes it. Longer texts are embedded documents, such as an SBOM,
/// and regular expressions on them are slow.
pub const MAX_TEXT: usize = 4_096;

/// A value that can be compared with another one of its type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// A text, compared byte for byte.
    Text(String),
    /// A number, compared by value.
    Number(Number),
    /// `true` or `false`.
    Flag(bool),
}

/// A value of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A value that can be compared.
    Scalar(Scalar),
    /// A list or a mapping, which equals nothing.
    Other(Kind),
    /// A text or a number of this length, in bytes, that cannot be compared. It is too long, or not Unicode.
    Unread(usize),
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list.
    List,
    /// A mapping.
    Mapping,
}

impl Value {
    /// Reads a value other than `null`.
    pub(super) fn read(json: &RawValue) -> Value {
        let written = json.get();
        let scalar = match written.as_bytes().first() {
            Some(b'[') => return Value::Other(Kind::List),
            Some(b'{') => return Value::Other(Kind::Mapping),
            Some(b't') => Some(Scalar::Flag(true)),
            Some(b'f') => Some(Scalar::Flag(false)),
            _ if written.len() > MAX_TEXT => None,
            Some(b'"') => text(json).ok().map(|text| Scalar::Text(text.into_owned())),
            _ => Number::parse(written).map(Scalar::Number),
        };
        scalar.map_or(Value::Unread(written.len()), Value::Scalar)
    }
}

impl Scalar {
    /// Whether both have the same type.
    pub(super) fn is_like(&self, other: &Scalar) -> bool {
        matches!(
            (self, other),
            (Scalar::Text(_), Scalar::Text(_))
                | (Scalar::Number(_), Scalar::Number(_))
                | (Scalar::Flag(_), Scalar::Flag(_))
        )
    }
}
