//! How is text that somebody else wrote shown on a terminal? The tables, and the escapes, of every command that tells something.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width, presets};

/// How wide a table is that no terminal shows: enough for an image with its digest.
const WIDTH: u16 = 132;
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

/// Foreign text, cut.
pub fn shown(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
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
