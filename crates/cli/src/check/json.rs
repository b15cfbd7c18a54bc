//! The result of a check for programs.

use serde_json::{Value, json};

use super::outcome::{Checked, Found, Outcome, Source};

/// The whole result as one JSON document.
pub(super) fn document(checked: &Checked) -> Value {
    let denied = checked.objects.iter().filter(|(_, outcome)| !outcome.allowed).count();
    json!({
        "objects": checked.objects.iter().map(|(source, outcome)| object(source, outcome)).collect::<Vec<_>>(),
        "unreadable": checked.unreadable.iter().map(|(file, error)| json!({
            "file": file,
            "line": error.place.line,
            "column": error.place.column,
            "problem": error.problem.to_string(),
        })).collect::<Vec<_>>(),
        "totals": {
            "workloads": checked.objects.len(),
            "denied": denied,
            "passedOver": checked.passed_over,
            "unreadable": checked.unreadable.len(),
        },
    })
}

fn object(source: &Source, outcome: &Outcome) -> Value {
    json!({
        "file": source.file,
        "line": source.place.line,
        "kind": source.kind,
        "namespace": source.namespace,
        "name": source.name,
        "allowed": outcome.allowed,
        "code": outcome.code,
        "message": outcome.message,
        "warnings": outcome.warnings,
        "pins": outcome.pins.iter().map(|(pointer, image)| json!({"pointer": pointer, "image": image})).collect::<Vec<_>>(),
        "images": outcome.images.iter().map(|found| image(source, found)).collect::<Vec<_>>(),
    })
}

fn image(source: &Source, found: &Found) -> Value {
    let place = source.place_of(found);
    json!({"line": place.line, "column": place.column, "told": found.told, "record": found.record})
}
