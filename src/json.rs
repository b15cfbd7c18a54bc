//! How is JSON read without copying it, and without believing it?
//!
//! Objects are opened one level at a time, and only the members that are asked for are kept, as slices of the text that came in. That is cheap, keeps
//! every other byte as it is, and lets a member's place in the text be known. A member that is there twice is an error: readers disagree on
//! which one counts. `null` is the same as leaving a member out, as in Kubernetes.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Deserializer, value::RawValue};

/// A text that borrows from its JSON where nothing in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Why a value was not what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// Another type of value.
    Type,
    /// A member is there twice.
    Twice,
}

/// The members called `keys` of the object that `json` holds.
pub(crate) fn members<'a, const N: usize>(
    json: &'a RawValue,
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], Mismatch> {
    if !json.get().starts_with('{') {
        return Err(Mismatch::Type);
    }
    Deserializer::from_str(json.get()).deserialize_map(Members(keys)).map_err(|_| Mismatch::Twice)
}

/// The entries of the list that `json` holds.
pub(crate) fn entries(json: &RawValue) -> Result<Vec<&RawValue>, Mismatch> {
    serde_json::from_str(json.get()).map_err(|_| Mismatch::Type)
}

/// The text that `json` holds.
pub(crate) fn text(json: &RawValue) -> Result<Cow<'_, str>, Mismatch> {
    serde_json::from_str(json.get()).map(|Text(text)| text).map_err(|_| Mismatch::Type)
}

/// Where `part`, a slice of `whole`, stands in it.
pub(crate) fn place(part: &RawValue, whole: &RawValue) -> Option<Range<usize>> {
    let start = part.get().as_ptr().addr().checked_sub(whole.get().as_ptr().addr())?;
    let range = start..start.checked_add(part.get().len())?;
    whole.get().get(range.clone()).filter(|slice| *slice == part.get()).map(|_| range)
}

struct Members<'k, const N: usize>([&'k str; N]);

impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        let mut seen = [false; N];
        while let Some(Text(key)) = map.next_key()? {
            match self.0.iter().position(|wanted| *wanted == key) {
                Some(i) => {
                    if std::mem::replace(&mut seen[i], true) {
                        return Err(A::Error::custom("there twice"));
                    }
                    found[i] =
                        map.next_value::<&RawValue>().map(|value| Some(value).filter(|value| value.get() != "null"))?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_objects() {
        let rows: &[(&str, Result<[Option<&str>; 2], Mismatch>, &str)] = &[
            (r#"{"a":1,"x":{"a":2},"b":[3]}"#, Ok([Some("1"), Some("[3]")]), "this level only"),
            (r#"{"a":null}"#, Ok([None, None]), "null is left out"),
            (r#"{"\u0061":1}"#, Ok([Some("1"), None]), "an escaped key is the same key"),
            (r#"{"a":1,"\u0061":2}"#, Err(Mismatch::Twice), "twice, in two spellings"),
            (r#"{"a":null,"a":2}"#, Err(Mismatch::Twice), "twice, once as null"),
            (r#"{"x":1,"x":2}"#, Ok([None, None]), "what nobody reads may be there twice"),
            (r#"["a",1]"#, Err(Mismatch::Type), "a list is no object"),
            (r#""a""#, Err(Mismatch::Type), "a text is no object"),
        ];
        for (json, expected, why) in rows {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            let found = members(raw, ["a", "b"]).map(|found| found.map(|value| value.map(RawValue::get)));
            assert_eq!(found, *expected, "{why}: {json}");
        }
    }

    #[test]
    fn places() {
        let whole: &RawValue = serde_json::from_str(r#" {"a": "x", "b": "x"}"#).unwrap();
        let [b] = members(whole, ["b"]).unwrap();
        assert_eq!(place(b.unwrap(), whole), Some(16..19), "the second x, not the first");
        let other: &RawValue = serde_json::from_str(r#""x""#).unwrap();
        assert_eq!(place(other, whole), None, "a text from elsewhere has no place");
    }
}
