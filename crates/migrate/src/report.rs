//! What has a person to know before these settings are applied? One line for everything that means something else here, worst first.

use serde::Serialize;

use image_trust::text::Shown;

/// How bad a line of the report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
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
pub struct Line {
    /// How bad it is.
    pub severity: Severity,
    /// The place in the values.
    pub path: String,
    /// What it is, and why it matters.
    pub what: String,
    /// What to do about it.
    pub todo: String,
}

/// Everything to know, in the order in which it was found.
#[derive(Debug, Default)]
pub struct Report(Vec<Line>);

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
    #[must_use]
    pub fn lines(&self) -> Vec<&Line> {
        let mut lines: Vec<&Line> = self.0.iter().collect();
        lines.sort_by_key(|line| line.severity);
        lines
    }

    /// How many things could not be carried over.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.0.iter().filter(|line| line.severity == Severity::Refused).count()
    }
}

/// Foreign words in a sentence.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", Shown(text))
}
