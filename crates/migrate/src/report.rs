//! What has a person to know before these settings are applied? One line for everything that means something else here, worst first.

use serde::Serialize;

use image_trust::text::Shown;

/// The severity of a line of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The value cannot be carried over, and what depends on it is denied.
    Refused,
    /// The value has another meaning in the settings of the policy.
    Changed,
    /// The value has no place in the settings of the policy.
    Dropped,
    /// The value is worth a look.
    Note,
}

/// A line of the report, about one value.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// The severity of the line.
    pub severity: Severity,
    /// The path of the value in the values file.
    pub path: String,
    /// What was found, and why it matters.
    pub what: String,
    /// What the reader should do.
    pub todo: String,
}

/// All lines of the report, in the order in which they were found.
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

    /// The number of values that could not be carried over.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.0.iter().filter(|line| line.severity == Severity::Refused).count()
    }
}

/// The foreign text in quotes, for a sentence.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", Shown(text))
}
