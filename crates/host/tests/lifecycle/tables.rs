//! The tables of docs/reference/gitops.md: what is seen, and what has to be.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::webhook::checkout;

/// The expected results under one mode, and the reason for them.
pub(crate) struct Row<'a> {
    mode: &'a str,
    cells: &'a [&'a str],
    why: &'a str,
}

pub(crate) const fn row<'a>(mode: &'a str, cells: &'a [&'a str], why: &'a str) -> Row<'a> {
    Row { mode, cells, why }
}

/// Panics with every row that was not seen.
pub(crate) fn check_rows(name: &str, seen: &[(&str, Vec<String>)], rows: &[Row<'_>]) {
    let modes: Vec<&str> = seen.iter().map(|(mode, _)| *mode).collect();
    let expected: Vec<&str> = rows.iter().map(|row| row.mode).collect();
    let mut failures = Vec::new();
    if modes != expected {
        failures.push(format!("modes: {modes:?}\n  expected: {expected:?}"));
    }
    for ((mode, cells), row) in seen.iter().zip(rows) {
        if cells != row.cells {
            failures.push(format!("{mode}: {}\n  seen:     {cells:?}\n  expected: {:?}", row.why, row.cells));
        }
    }
    assert!(failures.is_empty(), "{name}: {} rows fail:\n{}", failures.len(), failures.join("\n"));
}

/// Likewise, and unless the document has this table. `UPDATE_EXPECT=1` writes it there, once the rows are right.
pub(crate) fn check(name: &str, head: &[&str], seen: &[(&str, Vec<String>)], rows: &[Row<'_>]) {
    check_rows(name, seen, rows);
    // One test writes at a time.
    static DOCUMENT: Mutex<()> = Mutex::new(());
    let _alone = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    let path = checkout().join("docs/reference/gitops.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- table {name} -->\n"), "<!-- end -->");
    let (before, rest) =
        document.split_once(&begin).unwrap_or_else(|| panic!("docs/reference/gitops.md has no place for {name}"));
    let (table, after) = rest.split_once(end).expect("every table of the document ends");
    let wanted = markdown(head, seen);
    if table != wanted && std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(table, wanted, "docs/reference/gitops.md says otherwise of {name}; UPDATE_EXPECT=1 writes it anew");
}

fn markdown(head: &[&str], seen: &[(&str, Vec<String>)]) -> String {
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for (mode, cells) in seen {
        writeln!(table, "| {mode} | {} |", cells.join(" | ")).unwrap();
    }
    table
}
