//! How is text that somebody else wrote shown on a terminal? The tables, and the escapes, of every command that tells something.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width, presets};

/// How wide a table is that no terminal shows: enough for an image with its digest.
const WIDTH: u16 = 132;
/// The width of the names in a table of [`pairs`], and of what is left free.
const LABELS: usize = 20;
/// Longest foreign text in a table, in characters.
const MAX_SHOWN: usize = 200;

/// A table without lines, as wide as the terminal.
pub fn table<R: Into<Row>>(header: Option<R>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // As wide as the terminal, where there is one.
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    if let Some(header) = header {
        table.set_header(header);
    }
    table
}

/// A table of names and what they stand for.
pub fn pairs<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> Table {
    let mut table = table(None::<Row>);
    table.add_rows(rows.into_iter().map(|(name, value)| [name.to_owned(), value]));
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(12)));
    }
    table
}

/// The text of somebody else on one line, cut after 200 characters.
pub fn shown(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

/// A message of the policy beside its name in a table of [`pairs`].
pub fn message(text: &str) -> String {
    let width = pairs([]).width().map_or(0, usize::from);
    indented(text, width.saturating_sub(LABELS).max(LABELS))
}

/// Foreign text of several lines, each with its indent, for a column of this width. What does not fit goes on in a line that is indented further.
pub fn indented(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let (mut before, mut part) = (" ".repeat(indent), String::new());
        for word in one_line(line).split(' ') {
            if !part.is_empty() && before.len() + part.chars().count() + 1 + word.chars().count() > width {
                lines.push(before + &std::mem::take(&mut part));
                before = " ".repeat(indent + 4);
            }
            part += if part.is_empty() { "" } else { " " };
            part += word;
        }
        lines.push(before + &part);
    }
    lines.join("\n")
}

/// Foreign text on one line, without what moves a cursor or looks like something else.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            ' '..='~' | '…' => line.push(c),
            _ => line.extend(c.escape_unicode()),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_indent() {
        // the text, how it is shown in a column of twenty characters, the reason
        let rows = [
            ("denied\n  a: b\n    c", "denied\n  a: b\n    c", "what fits stays as it is"),
            (
                "a\n  help: have bob sign this",
                "a\n  help: have bob\n      sign this",
                "what does not fit goes on further in",
            ),
            ("  0123456789012345678901234567 a", "  0123456789012345678901234567\n      a", "no word is cut"),
            ("  a\u{1b}[2J\r\u{202e}b", "  a\\u{1b}[2J\n      \\u{202e}b", "foreign text gives no command"),
            ("", "", "nothing"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(indented(text, 20), expected, "{why}");
        }
    }
}
