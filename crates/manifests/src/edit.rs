//! How is a scalar changed, so that its style and everything around it stay?

use std::ops::Range;

use crate::tree::Style;

/// A range of a text, and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) with: String,
}

/// Makes a scalar that says `old` say `new`. Changes as few bytes as possible.
///
/// Both are image references or digests: ASCII without blanks and quotes, which every style holds as it is.
pub(crate) fn replace(text: &str, range: Range<usize>, style: Style, old: &str, new: &str) -> Option<Edit> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    if !new.chars().all(is_plain) {
        return None;
    }
    let raw = text.get(range.clone())?;
    let quotes = usize::from(matches!(style, Style::SingleQuoted | Style::DoubleQuoted));
    let common = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let (gone, come) = (old.get(common..)?, new.get(common..)?);
    let with = come.to_owned();
    match raw.rfind(old) {
        Some(at) => {
            let start = range.start + at + common;
            Some(Edit { range: start..start + gone.len(), with })
        }
        // With escapes or in several lines. Where something is added, what is there stays.
        None if quotes == 1 && gone.is_empty() => {
            let end = range.end.checked_sub(1)?;
            Some(Edit { range: end..end, with })
        }
        None if quotes == 1 => Some(Edit { range: range.start + 1..range.end.checked_sub(1)?, with: new.to_owned() }),
        None => None,
    }
}

/// The text with these edits, none of which overlap.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut edited = String::with_capacity(text.len());
    let mut at = 0;
    for Edit { range, with } in sorted {
        edited.push_str(text.get(at..range.start)?);
        edited.push_str(with);
        at = range.end;
    }
    edited.push_str(text.get(at..)?);
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_style() {
        use Style::{DoubleQuoted, Folded, Plain, SingleQuoted};
        let rows = [
            ("a:1", Plain, "a:1", "a:1@d", Some("a:1@d"), "something is added"),
            ("'a:1'", SingleQuoted, "a:1", "a:1@d", Some("'a:1@d'"), "in quotes"),
            ("\"a\\u003a1\"", DoubleQuoted, "a:1", "a:1@d", Some("\"a\\u003a1@d\""), "behind an escape"),
            (
                "\"a\\u003a1@c\"",
                DoubleQuoted,
                "a:1@c",
                "a:1@d",
                Some("\"a:1@d\""),
                "an escape, and a digest that changes",
            ),
            (">-\n  a:1\n\n", Folded, "a:1", "a:1@d", Some(">-\n  a:1@d\n\n"), "a block"),
            ("a:1@c", Plain, "a:1@c", "a:1@d", Some("a:1@d"), "another digest"),
            ("a", Plain, "a", "a: b", None, "what needs quotes"),
            ("a\n  b", Plain, "a b", "a@d", None, "several lines"),
        ];
        for (text, style, old, new, expected, why) in rows {
            let edit = replace(text, 0..text.len(), style, old, new);
            assert_eq!(edit.and_then(|edit| apply(text, &[edit])).as_deref(), expected, "{why}");
        }
    }

    #[test]
    fn edits_that_overlap_are_refused() {
        let edit = |range| Edit { range, with: "x".to_owned() };
        assert_eq!(apply("abcd", &[edit(2..3), edit(0..1)]).as_deref(), Some("xbxd"));
        assert_eq!(apply("abcd", &[edit(0..3), edit(2..4)]), None);
        assert_eq!(apply("ä", &[edit(1..2)]), None, "in the middle of a character");
    }
}
