//! What has a person to know before these settings are applied? One line for everything that means something else here, worst first.

use serde::Serialize;

use super::super::tables::{one_line, shown, table};

/// How bad a line of the report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It can't be carried over; what depends on it is denied.
    Refused,
    /// It means something else here.
    Changed,
    /// It has no place here.
    Dropped,
    /// Worth knowing.
    Note,
}

/// One thing to know.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Line {
    pub(super) severity: Severity,
    /// The place in the values.
    pub(super) path: String,
    /// What it is, and why it matters.
    pub(super) what: String,
    /// What to do about it.
    pub(super) todo: String,
}

/// Everything to know, in the order in which it was found.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Line>);

impl Report {
    pub(super) fn refused(&mut self, path: &str, what: impl Into<String>, todo: impl Into<String>) {
        self.add(Severity::Refused, path, what.into(), todo.into());
    }

    pub(super) fn changed(&mut self, path: &str, what: impl Into<String>, todo: impl Into<String>) {
        self.add(Severity::Changed, path, what.into(), todo.into());
    }

    pub(super) fn dropped(&mut self, path: &str, what: impl Into<String>, todo: impl Into<String>) {
        self.add(Severity::Dropped, path, what.into(), todo.into());
    }

    pub(super) fn note(&mut self, path: &str, what: impl Into<String>, todo: impl Into<String>) {
        self.add(Severity::Note, path, what.into(), todo.into());
    }

    fn add(&mut self, severity: Severity, path: &str, what: String, todo: String) {
        let line = Line { severity, path: path.to_owned(), what, todo };
        if !self.0.contains(&line) {
            self.0.push(line);
        }
    }

    /// The lines, worst first and otherwise as they were found.
    pub(super) fn lines(&self) -> Vec<&Line> {
        let mut lines: Vec<&Line> = self.0.iter().collect();
        lines.sort_by_key(|line| line.severity);
        lines
    }

    /// How many things could not be carried over.
    pub(super) fn refusals(&self) -> usize {
        self.0.iter().filter(|line| line.severity == Severity::Refused).count()
    }

    /// A table, for people.
    pub(super) fn text(&self) -> String {
        let mut table = table(Some(["severity", "where", "what, and why it matters", "what to do"]));
        for (line, paths) in self.kinds() {
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
    fn kinds(&self) -> Vec<(&Line, Vec<String>)> {
        let mut kinds: Vec<(&Line, Vec<String>)> = Vec::new();
        for line in self.lines() {
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
}

/// Foreign words in a sentence.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}
