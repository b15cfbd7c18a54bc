//! How is JSON read without copying it, and without believing it?
//!
//! Objects are opened one level at a time, and only the members that are asked for are kept, as slices of the text that came in. That is cheap, keeps
//! every other byte as it is, and lets a member's place in the text be known. A member that is there twice is an error: readers disagree on
//! which one counts. `null` is the same as leaving a member out, as in Kubernetes.

mod path;

use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Range};

use base64ct::{Base64, Encoding as _};
use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Deserializer, value::RawValue};

pub use path::JsonPath;

/// A text that borrows from its JSON where nothing in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The reason for which a JSON value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The JSON holds a value of another type than was expected.
    Type,
    /// A member of a JSON object occurs twice.
    Twice,
}

/// The members called `keys` of the object that `json` holds.
pub(crate) fn members<'a, const N: usize>(
    json: &'a RawValue,
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], Mismatch> {
    let mut found = [None; N];
    find(json, &keys, &mut found, false)?;
    Ok(found)
}

/// The members called `keys` of the object that `json` holds, which has no others.
pub(crate) fn only_members<'a, const N: usize>(
    json: &'a RawValue,
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], Mismatch> {
    let mut found = [None; N];
    find(json, &keys, &mut found, true)?;
    Ok(found)
}

/// Finds members. Not generic, so that the module has it once.
fn find<'a>(
    json: &'a RawValue,
    keys: &[&str],
    found: &mut [Option<&'a RawValue>],
    has_no_others: bool,
) -> Result<(), Mismatch> {
    if !json.get().starts_with('{') {
        return Err(Mismatch::Type);
    }
    let members = Members { keys, found, has_no_others };
    Deserializer::from_str(json.get()).deserialize_map(members).map_err(|_| Mismatch::Twice)
}

/// The entries of the list that `json` holds.
pub(crate) fn entries(json: &RawValue) -> Result<Vec<&RawValue>, Mismatch> {
    serde_json::from_str(json.get()).map_err(|_| Mismatch::Type)
}

/// The text that the JSON string `json` holds.
pub(crate) fn text(json: &RawValue) -> Result<Cow<'_, str>, Mismatch> {
    serde_json::from_str(json.get()).map(|Text(text)| text).map_err(|_| Mismatch::Type)
}

/// The bytes that `json` holds, a text in base64 (RFC 4648, section 4: padded, and nothing between the letters).
pub(crate) fn bytes_of(json: &RawValue) -> Option<Vec<u8>> {
    Base64::decode_vec(&text(json).ok()?).ok()
}

/// The number that `json` holds, as a number or as a text of it: protobuf's JSON writes large numbers so.
pub(crate) fn number(json: &RawValue) -> Option<u64> {
    let written = text(json).unwrap_or(Cow::Borrowed(json.get()));
    let are_digits = !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit());
    written.parse().ok().filter(|_| are_digits)
}

/// How deep values are compared; the API server accepts no objects that are nested deeper than that many times over.
const MAX_DEPTH: usize = 64;

/// Do both hold the same, member by member and in any order? The texts are compared, not values made of them: a reader can take two texts for one value.
/// What is nested deeply, or has a member twice, is not the same as anything else.
pub(crate) fn is_same(one: &RawValue, other: &RawValue) -> bool {
    is_same_to(one, other, MAX_DEPTH)
}

fn is_same_to(one: &RawValue, other: &RawValue, depth: usize) -> bool {
    if one.get() == other.get() {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (one.get().as_bytes().first(), other.get().as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => match (all_members(one), all_members(other)) {
            (Ok(one), Ok(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(&other)
                        .all(|((key, one), (other_key, other))| key == other_key && is_same_to(one, other, depth))
            }
            _ => false,
        },
        (Some(b'['), Some(b'[')) => match (entries(one), entries(other)) {
            (Ok(one), Ok(other)) => {
                one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| is_same_to(one, other, depth))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Every member of the object that `json` holds, by its key.
pub(crate) fn all_members(json: &RawValue) -> Result<BTreeMap<Cow<'_, str>, &RawValue>, Mismatch> {
    if !json.get().starts_with('{') {
        return Err(Mismatch::Type);
    }
    Deserializer::from_str(json.get()).deserialize_map(AllMembers).map_err(|_| Mismatch::Twice)
}

/// The range of `part`, a slice of `whole`, within `whole`.
pub(crate) fn place(part: &RawValue, whole: &RawValue) -> Option<Range<usize>> {
    let start = part.get().as_ptr().addr().checked_sub(whole.get().as_ptr().addr())?;
    let range = start..start.checked_add(part.get().len())?;
    whole.get().get(range.clone()).filter(|slice| *slice == part.get()).map(|_| range)
}

struct AllMembers;

impl<'de> Visitor<'de> for AllMembers {
    type Value = BTreeMap<Cow<'de, str>, &'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        while let Some((Text(key), value)) = map.next_entry()? {
            if found.insert(key, value).is_some() {
                return Err(A::Error::custom("there twice"));
            }
        }
        Ok(found)
    }
}

struct Members<'k, 'f, 'de> {
    keys: &'k [&'k str],
    found: &'f mut [Option<&'de RawValue>],
    has_no_others: bool,
}

impl<'de> Visitor<'de> for Members<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen: Vec<usize> = Vec::with_capacity(self.keys.len());
        while let Some(Text(key)) = map.next_key()? {
            let Some(at) = self.keys.iter().position(|wanted| *wanted == key) else {
                if self.has_no_others {
                    return Err(A::Error::custom("not known"));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen.contains(&at) {
                return Err(A::Error::custom("there twice"));
            }
            seen.push(at);
            let value = map.next_value::<&RawValue>()?;
            if let Some(found) = self.found.get_mut(at) {
                *found = Some(value).filter(|value| value.get() != "null");
            }
        }
        Ok(())
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
    fn the_same() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(65), "]".repeat(65));
        let rows: &[(&str, &str, bool, &str)] = &[
            (r#"{"a":1,"b":[2,{"c":null}]}"#, r#"{"b":[2,{"c":null}],"a":1}"#, true, "another order of members"),
            ("[1,2]", "[2,1]", false, "another order of entries"),
            ("[1]", "[1,2]", false, "one entry more"),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false, "one member more"),
            (r#"{"a":1}"#, r#"{"\u0061":1}"#, true, "an escaped key is the same key"),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, false, "another spelling of a number"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#, false, "a member twice"),
            ("{}", "[]", false, "another type"),
            (
                r#"{"x":"1"}"#,
                r#"{"$serde_json::private::RawValue":"{\"x\":\"1\"}"}"#,
                false,
                "a key that serde_json reads as the text in it",
            ),
            (&deep("1"), &deep("2"), false, "nested too deeply to be compared"),
            (&deep("1"), &deep("1"), true, "but the same text"),
        ];
        for (one, other, expected, why) in rows {
            let [one, other] = [one, other].map(|json| serde_json::from_str::<&RawValue>(json).unwrap());
            assert_eq!(is_same(one, other), *expected, "{why}");
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
