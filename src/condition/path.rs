//! Which part of a document does a path name?
//!
//! The grammar is in the documentation of [`crate::condition`].

use std::borrow::Cow;

use crate::json::Text;

/// The longest path, in bytes. The longest paths into real predicates have about 100.
pub const MAX_PATH: usize = 512;
/// The most parts of a path. Real predicates are nested about ten times.
pub const MAX_PARTS: usize = 32;

/// A path into a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    text: String,
    parts: Vec<Part>,
    /// Where each part ends in the text.
    ends: Vec<usize>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The member with this name.
    Member(String),
    /// The entry with this index, from 0.
    Index(usize),
    /// Every entry of a list (`[*]`).
    Every,
}

/// The reason for which a text is no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathError {
    /// It has too many bytes or parts.
    TooLong,
    /// It is empty, or cannot be read from here on.
    Form(String),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// If the text is no path, or is too long.
    pub fn parse(text: &str) -> Result<Path, PathError> {
        if text.is_empty() {
            return Err(PathError::Form(String::new()));
        }
        let mut path = Path { text: text.to_owned(), parts: Vec::new(), ends: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            if text.len() > MAX_PATH || path.parts.len() == MAX_PARTS {
                return Err(PathError::TooLong);
            }
            let (part, after) = first(rest, path.parts.is_empty()).ok_or_else(|| PathError::Form(rest.to_owned()))?;
            rest = after;
            path.parts.push(part);
            path.ends.push(text.len().saturating_sub(rest.len()));
        }
        Ok(path)
    }

    /// The parts, of which there is at least one.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether the path can lead to more than one value.
    pub(super) fn is_of_many(&self) -> bool {
        self.parts.contains(&Part::Every)
    }

    /// The path as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first `count` parts as they were written. It is empty for the whole document.
    #[must_use]
    pub fn beginning(&self, count: usize) -> &str {
        let end = count.checked_sub(1).and_then(|last| self.ends.get(last));
        self.text.get(..end.copied().unwrap_or_default()).unwrap_or_default()
    }

    /// The part after the first `count` ones.
    #[must_use]
    pub fn part(&self, count: usize) -> Option<&Part> {
        self.parts.get(count)
    }
}

/// The first part of a text, and what follows it.
fn first(text: &str, is_start: bool) -> Option<(Part, &str)> {
    let Some(inner) = text.strip_prefix('[') else {
        let name = if is_start { text } else { text.strip_prefix('.')? };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@');
        let (name, rest) = name.split_at_checked(name.find(|c| !is_plain(c)).unwrap_or(name.len()))?;
        return (!name.is_empty()).then(|| (Part::Member(name.to_owned()), rest));
    };
    if inner.starts_with('"') {
        let (quoted, rest) = inner.split_at_checked(end_of_string(inner)?)?;
        let Text(name): Text<'_> = serde_json::from_str(quoted).ok()?;
        return Some((Part::Member(Cow::into_owned(name)), rest.strip_prefix(']')?));
    }
    let (inner, rest) = inner.split_once(']')?;
    let is_number = inner.bytes().all(|byte| byte.is_ascii_digit()) && (inner == "0" || !inner.starts_with('0'));
    match inner {
        "*" => Some((Part::Every, rest)),
        _ if is_number => Some((Part::Index(inner.parse().ok()?), rest)),
        _ => None,
    }
}

/// Where the JSON string at the beginning of a text ends, with its quotes.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let closes = |(at, byte): (usize, u8)| {
        let is_end = byte == b'"' && !is_escaped && at > 0;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    };
    text.bytes().enumerate().position(closes)?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Part {
        Part::Member(name.to_owned())
    }

    #[test]
    fn paths_are_read() {
        let deepest = vec!["a"; MAX_PARTS].join(".");
        let rows = [
            ("buildType", vec![member("buildType")], "one member"),
            ("a.b-c._d.@id.0", ["a", "b-c", "_d", "@id", "0"].map(member).to_vec(), "plain names"),
            (r#"a["x.y"].b"#, ["a", "x.y", "b"].map(member).to_vec(), "an odd name"),
            (r#"["x"]"#, vec![member("x")], "at the beginning"),
            (r#"[""]"#, vec![member("")], "an empty name"),
            (r#"["\"]\\"]["]"]"#, ["\"]\\", "]"].map(member).to_vec(), "names that look like an end"),
            (r#"["\u00fc"]["ü"]"#, ["ü", "ü"].map(member).to_vec(), "a letter, escaped and not"),
            (r#"["[*]"]"#, vec![member("[*]")], "a name that looks like a part"),
            ("a[0][10]", vec![member("a"), Part::Index(0), Part::Index(10)], "entries"),
            ("[*].a[*]", vec![Part::Every, member("a"), Part::Every], "every entry"),
            (&deepest, vec![member("a"); MAX_PARTS], "as many parts as may be"),
        ];
        for (text, expected, why) in rows {
            let path = Path::parse(text).unwrap();
            assert_eq!(path.parts(), expected, "{why}: {text}");
            assert_eq!((path.text(), path.beginning(expected.len())), (text, text), "{why}");
        }
        let path = Path::parse(r#"a["x.y"][*].b"#).unwrap();
        let beginnings: Vec<&str> = (0..6).map(|count| path.beginning(count)).collect();
        assert_eq!(beginnings, ["", "a", r#"a["x.y"]"#, r#"a["x.y"][*]"#, r#"a["x.y"][*].b"#, ""]);
    }

    #[test]
    fn what_is_no_path() {
        let long = "a".repeat(MAX_PATH + 1);
        let deep = vec!["a"; MAX_PARTS + 1].join(".");
        let form = |rest: &str| PathError::Form(rest.to_owned());
        let rows = [
            ("", form(""), "nothing"),
            (".", form("."), "a dot only"),
            (".a", form(".a"), "a dot at the beginning, as in jq"),
            ("$.a", form("$.a"), "JSONPath"),
            ("/a/b", form("/a/b"), "a JSON pointer"),
            ("a.", form("."), "a dot at the end"),
            ("a..b", form("..b"), "two dots"),
            ("a.[0]", form(".[0]"), "a dot before a bracket"),
            ("a[0]b", form("b"), "no dot after it"),
            ("a b", form(" b"), "a blank"),
            ("ü", form("ü"), "a letter that is not ASCII"),
            ("a*", form("*"), "a star outside of brackets"),
            ("a[]", form("[]"), "nothing in brackets"),
            ("a[-1]", form("[-1]"), "an index from the end"),
            ("a[01]", form("[01]"), "a leading zero"),
            ("a[+1]", form("[+1]"), "a sign"),
            ("a[1:2]", form("[1:2]"), "a slice"),
            ("a[99999999999999999999999]", form("[99999999999999999999999]"), "a number that does not fit"),
            ("a[b]", form("[b]"), "no quotes"),
            ("a['b']", form("['b']"), "the other quotes"),
            (r#"a["b"#, form(r#"["b"#), "no end"),
            (r#"a["b"x]"#, form(r#"["b"x]"#), "something after the name"),
            (r#"a["\x"]"#, form(r#"["\x"]"#), "an escape that JSON does not have"),
            (r#"a["\ud800"]"#, form(r#"["\ud800"]"#), "half a letter"),
            ("a[0", form("[0"), "no bracket at the end"),
            ("a[*", form("[*"), "likewise"),
            (&long, PathError::TooLong, "too many bytes"),
            (&deep, PathError::TooLong, "too many parts"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(Path::parse(text), Err(expected), "{why}: {text}");
        }
    }
}
