//! How is text that somebody else wrote shown to a person?
//!
//! Names and references come from whoever may create a Pod, and end in terminals, logs and audit records. Control characters, bidirectional
//! marks and look-alike letters are written as escapes, and long text is cut, with its length said.

use std::fmt;

/// Longest piece of foreign text that is shown to users, in bytes as it is shown.
const MAX_SHOWN: usize = 200;
/// Longest piece of foreign text in a line of the log, where a registry's whole answer may be of use.
const MAX_LOGGED: usize = 2_000;

/// Foreign text, safe to print: printable ASCII stays as it is (quotes and backslashes behind a backslash), everything else becomes `\u{…}`, and what is
/// longer than 200 bytes then is cut.
pub struct Shown<'a>(pub &'a str);

/// Foreign text, safe to print and cut at 2,000 bytes.
pub struct ShownInLog<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, MAX_SHOWN)
    }
}

impl fmt::Display for ShownInLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, MAX_LOGGED)
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str, most: usize) -> fmt::Result {
    let mut room = most;
    for c in text.chars() {
        let escaped = match c {
            // Names stand in quotes, and a quote in one must not end them.
            '"' | '\\' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            _ => c.escape_unicode().to_string(),
        };
        let Some(left) = room.checked_sub(escaped.len()) else {
            return write!(f, "… ({} characters)", text.chars().count());
        };
        room = left;
        f.write_str(&escaped)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text() {
        let rows = [
            ("nginx:1.27", "nginx:1.27".to_owned(), "plain text stays"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb".to_owned(), "terminal control"),
            ("a\u{202e}b", "a\\u{202e}b".to_owned(), "right-to-left override"),
            ("ngіnx", "ng\\u{456}nx".to_owned(), "a Cyrillic letter"),
            ("a\nb", "a\\u{a}b".to_owned(), "a second log line"),
            ("x\"; (2) y", "x\\\"; (2) y".to_owned(), "a quote that would end the name"),
            ("\\u{202e}", "\\\\u{202e}".to_owned(), "what only looks like an escape"),
            (&"x".repeat(200), "x".repeat(200), "as long as can be"),
            (&"x".repeat(201), format!("{}… (201 characters)", "x".repeat(200)), "too long"),
            (
                &"\u{10fffe}".repeat(21),
                format!("{}… (21 characters)", "\\u{10fffe}".repeat(20)),
                "too long as it is shown",
            ),
        ];
        for (text, expected, why) in rows {
            assert_eq!(Shown(text).to_string(), expected, "{why}");
        }
    }
}
