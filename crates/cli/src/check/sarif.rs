//! The result of a check in SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"): a result for each image that is denied, and for each warning.

use anyhow::Result;
use image_trust_manifests::Place;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::outcome::{Checked, Source};
use crate::{check::STDIN_NAME, output::printed};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const HOME: &str = "https://github.com/image-trust/image-trust";
/// What is escaped in the path of a URI (RFC 3986, section 3.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The results so far, and the rules that they name.
#[derive(Default)]
struct Results {
    rules: Vec<String>,
    results: Vec<Value>,
}

pub(super) fn document(checked: &Checked) -> Result<String> {
    let mut results = Results::default();
    for (source, outcome) in &checked.objects {
        let level = if outcome.allowed { "warning" } else { "error" };
        for found in outcome.images.iter().filter(|found| found.is_denied()) {
            let told = found.told.as_deref().unwrap_or(found.reason());
            results.add(found.reason(), level, &format!("{}\n{told}", found.image()), source, source.place_of(found));
        }
        for warning in outcome.warnings.iter().filter(|_| outcome.allowed) {
            let (word, _) = warning.split_once(':').unwrap_or((warning, ""));
            results.add(&word.replace(' ', "-"), "warning", warning, source, source.place);
        }
    }
    let rule = |id: &String| {
        json!({
            "id": id,
            "shortDescription": {"text": id.replace('-', " ")},
            "helpUri": format!("{HOME}/blob/main/docs/reference/denials.md"),
        })
    };
    let notification = |(file, error): &(String, image_trust_manifests::Error)| {
        json!({
            "level": "error",
            "message": {"text": printed(&error.problem.to_string())},
            "locations": [{"physicalLocation": physical(file, error.place)}],
        })
    };
    Ok(serde_json::to_string_pretty(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "image-trust",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": HOME,
                "rules": results.rules.iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": checked.unreadable.is_empty(),
                "toolExecutionNotifications": checked.unreadable.iter().map(notification).collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results.results,
        }],
    }))?)
}

impl Results {
    fn add(&mut self, rule: &str, level: &str, message: &str, source: &Source, place: Place) {
        let index = self.rules.iter().position(|known| known == rule).unwrap_or_else(|| {
            self.rules.push(rule.to_owned());
            self.rules.len() - 1
        });
        self.results.push(json!({
            "ruleId": rule,
            "ruleIndex": index,
            "level": level,
            "message": {"text": printed(message)},
            "locations": [{
                "physicalLocation": physical(&source.file, place),
                "logicalLocations": [{"fullyQualifiedName": printed(&source.title()), "kind": "resource"}],
            }],
        }));
    }
}

fn physical(file: &str, place: Place) -> Value {
    json!({
        "artifactLocation": {"uri": uri(file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    })
}

/// The path of a file as a URI: relative, if it is.
fn uri(file: &str) -> String {
    if file == STDIN_NAME {
        return "stdin".to_owned();
    }
    let path = utf8_percent_encode(file.strip_prefix("./").unwrap_or(file), ESCAPED).to_string();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_uris() {
        let rows = [
            ("deploy/web.yaml", "deploy/web.yaml", "a relative path"),
            ("./a b#c%.yaml", "a%20b%23c%25.yaml", "with characters that mean something else"),
            ("/srv/ä.yaml", "file:///srv/%C3%A4.yaml", "an absolute path"),
            (STDIN_NAME, "stdin", "no file"),
        ];
        for (file, expected, why) in rows {
            assert_eq!(uri(file), expected, "{why}");
        }
    }
}
