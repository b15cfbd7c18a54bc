//! The result of a check as workflow commands of GitHub Actions, which become annotations of a pull request.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use image_trust_manifests::Place;

use super::outcome::Checked;
use crate::output::printed;

pub(super) fn commands(checked: &Checked) -> String {
    let mut commands = String::new();
    for (source, outcome) in &checked.objects {
        for found in outcome.images.iter().filter(|found| found.is_denied()) {
            let level = if outcome.allowed { "warning" } else { "error" };
            let title = format!("{}: {}", found.image(), found.reason());
            let message = format!("{}\n{}", source.title(), found.told.as_deref().unwrap_or(found.reason()));
            commands += &command(level, &source.file, source.place_of(found), &title, &message);
        }
        for warning in outcome.warnings.iter().filter(|_| outcome.allowed) {
            commands += &command("warning", &source.file, source.place, &source.title(), warning);
        }
    }
    for (file, error) in &checked.unreadable {
        commands += &command("error", file, error.place, "cannot read this file", &error.problem.to_string());
    }
    commands
}

fn command(level: &str, file: &str, place: Place, title: &str, message: &str) -> String {
    let Place { line, column } = place;
    let (file, title) = (property(file), property(title));
    format!("::{level} file={file},line={line},col={column},title={title}::{}\n", data(message))
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    printed(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property as the runner reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_gives_no_command() {
        let place = Place { line: 1, column: 2 };
        let command = command("error", "a,b:c.yaml", place, "x: y", "one\r\n::error::two 100%\u{1b}");
        let expected =
            "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=x%3A y::one\\u{d}%0A::error::two 100%25\\u{1b}\n";
        assert_eq!(command, expected);
    }
}
