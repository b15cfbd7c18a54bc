//! The report of a migration as a table, worst first.

use image_trust_migrate::{Line, Report, Severity};

use crate::tables::{one_line, shown, table};

/// The report as a table for people.
pub(super) fn text(report: &Report) -> String {
    let mut table = table(Some(["severity", "where", "what, and why it matters", "what to do"]));
    for (line, paths) in kinds(report) {
        let severity = match line.severity {
            Severity::Refused => "refused",
            Severity::Changed => "changed",
            Severity::Dropped => "dropped",
            Severity::Note => "note",
        };
        table.add_row([severity.to_owned(), paths.join("\n"), one_line(&line.what), one_line(&line.todo)]);
    }
    table.trim_fmt()
}

/// The lines that say different things, each with all the places that it is about.
fn kinds(report: &Report) -> Vec<(&Line, Vec<String>)> {
    let mut kinds: Vec<(&Line, Vec<String>)> = Vec::new();
    for line in report.lines() {
        // What all of them begin with helps nobody to find one.
        let path = shown(line.path.strip_prefix("application.").unwrap_or(&line.path));
        let same = |(other, _): &&mut (&Line, Vec<String>)| {
            (other.severity, &other.what, &other.todo) == (line.severity, &line.what, &line.todo)
        };
        match kinds.iter_mut().find(same) {
            Some((_, paths)) => paths.push(path),
            None => kinds.push((line, vec![path])),
        }
    }
    kinds
}
