//! What does this JSON say, in one reading only, and what is its canonical form?
//!
//! Notary signs the canonical JSON of a document (`github.com/docker/go/canonical/json`): members sorted by the bytes of their keys, no white space, whole
//! numbers only, and in texts only `"` and `\` escaped. Files are served in another form, so they are read and written again. A member that occurs twice, or
//! a number that is not whole, has no canonical form and is refused.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};

use crate::json::Text;

/// How deep values may be nested. Trust data has seven levels.
const MAX_DEPTH: usize = 16;

/// A JSON value that has a canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(BTreeMap<Cow<'a, str>, Json<'a>>),
}

impl<'a> Json<'a> {
    /// Reads one JSON value. It is `None` if the value is not valid, or has no canonical form.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Json<'a>> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let json = Level(MAX_DEPTH).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(json)
    }

    /// The canonical form.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend(b"null"),
            Json::Bool(true) => out.extend(b"true"),
            Json::Bool(false) => out.extend(b"false"),
            Json::Integer(number) => out.extend(number.to_string().as_bytes()),
            Json::Text(text) => write_text(text, out),
            Json::List(entries) => {
                out.push(b'[');
                for (at, entry) in entries.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    entry.write(out);
                }
                out.push(b']');
            }
            Json::Object(members) => {
                out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_text(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The member of this name. `null` is the same as leaving a member out.
    pub(super) fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.members()?.get(key).filter(|value| **value != Json::Null)
    }

    pub(super) fn members(&self) -> Option<&BTreeMap<Cow<'a, str>, Json<'a>>> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> Option<&[Json<'a>]> {
        match self {
            Json::List(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is at least one.
    pub(super) fn positive(&self) -> Option<u64> {
        match self {
            Json::Integer(number) => u64::try_from(*number).ok().filter(|number| *number > 0),
            _ => None,
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// The number of levels that a value may still have.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn below<E: serde::de::Error>(self) -> Result<Level, E> {
        self.0.checked_sub(1).map(Level).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json<'de>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with a canonical form")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json<'de>, E> {
        i64::try_from(value).map(Json::Integer).map_err(E::custom)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let below = self.below()?;
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element_seed(below)? {
            entries.push(entry);
        }
        Ok(Json::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let below = self.below()?;
        let mut members = BTreeMap::new();
        while let Some(Text(key)) = map.next_key()? {
            if members.insert(key, map.next_value_seed(below)?).is_some() {
                return Err(A::Error::custom("there twice"));
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let rows: &[(&str, Option<&str>, &str)] = &[
            (
                r#" { "b" : 1 , "a" : [ true, null , false ] } "#,
                Some(r#"{"a":[true,null,false],"b":1}"#),
                "white space",
            ),
            (r#"{"é":1,"z":2,"Z":3,"":4}"#, Some(r#"{"":4,"Z":3,"z":2,"é":1}"#), "keys by their bytes"),
            (r#""a\u003cb\u003e\u0026\u00fc\u2028""#, Some("\"a<b>&ü\u{2028}\""), "escapes of HTML"),
            (r#""\"\\\/\n\u0001""#, Some("\"\\\"\\\\/\n\u{1}\""), "only two letters are escaped"),
            (r#"{"\u0061":1}"#, Some(r#"{"a":1}"#), "an escaped key"),
            ("-9223372036854775808", Some("-9223372036854775808"), "the least number"),
            ("9223372036854775807", Some("9223372036854775807"), "the greatest number"),
            (
                r#"{"$serde_json::private::RawValue":"{}"}"#,
                Some(r#"{"$serde_json::private::RawValue":"{}"}"#),
                "a trick",
            ),
            (&deep(16), Some(&deep(16)), "as deep as may be"),
            (&deep(17), None, "deeper"),
            ("9223372036854775808", None, "too great a number"),
            ("1.0", None, "a fraction"),
            ("1e2", None, "an exponent"),
            ("-0", None, "a zero with a sign"),
            ("01", None, "a leading zero"),
            (r#"{"a":1,"a":1}"#, None, "a member twice"),
            (r#"{"a":1,"\u0061":1}"#, None, "a member twice, in two spellings"),
            (r#"{"x":[{"a":1,"a":1}]}"#, None, "a member twice, further down"),
            (r#""\ud800""#, None, "half a character"),
            ("[1,]", None, "a comma too many"),
            ("{} {}", None, "two values"),
            ("NaN", None, "no number"),
            ("", None, "nothing"),
        ];
        for (json, expected, why) in rows {
            let canonical = Json::read(json.as_bytes()).map(|json| json.canonical());
            assert_eq!(canonical.as_deref(), expected.map(str::as_bytes), "{why}: {json}");
        }
        assert_eq!(Json::read(b"\"\xff\""), None, "no UTF-8");
    }

    #[test]
    fn members_are_read() {
        let json = Json::read(br#"{"n":3,"zero":0,"less":-1,"nothing":null,"t":"x","l":[1]}"#).unwrap();
        let number = |key| json.get(key).and_then(Json::positive);
        assert_eq!(["n", "zero", "less", "nothing", "t", "no"].map(number), [Some(3), None, None, None, None, None]);
        assert!(json.get("nothing").is_none(), "null is left out");
        assert_eq!(json.get("t").and_then(Json::text), Some("x"));
        assert_eq!(json.get("l").and_then(Json::entries).map(<[_]>::len), Some(1));
        assert!(json.entries().is_none() && json.text().is_none() && json.get("l").and_then(Json::members).is_none());
    }
}
