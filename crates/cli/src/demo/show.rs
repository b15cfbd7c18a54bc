//! How is it told to a person? A sentence and a small table a scene, plain text.

use std::time::Duration;

use anyhow::{Context as _, Result};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use image_trust_host::AdmissionResponse;
use json_patch::PatchOperation;
use serde_json::Value;

use super::{
    Outcome,
    scenes::{Asks, Scene},
};
use crate::tables::indented;

/// Wide enough for an image with its digest.
const WIDTH: u16 = 132;
/// The width of a message in a scene, in characters.
const MESSAGE: usize = 112;

pub(super) fn opening(host: &str) -> String {
    format!(
        "A registry listens on {host}. Trust roots: alice, bob. Whatever no rule names is denied.\n\
         Each request below goes through a fresh instance of the module, as in policy-server."
    )
}

pub(super) fn scene(
    number: usize,
    scene: &Scene,
    outcome: &Outcome,
    before: Option<Duration>,
    broken: Option<&str>,
) -> Result<String> {
    let response = &outcome.evaluation.response;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.add_row([
        "request".to_owned(),
        format!("create {} shop/{}: {}", scene.kind, scene.name, scene.images.join(", ")),
    ]);
    for (name, record) in response.audit_annotations.iter().flatten() {
        let record: Value = serde_json::from_str(record).with_context(|| format!("the audit annotation {name}"))?;
        table.add_row(["decided by".to_owned(), decided_by(&record, response)]);
    }
    table.add_row(["verdict".to_owned(), verdict(response)]);
    // Those of a denial say nothing else than the verdict.
    for warning in response.warnings.iter().flatten().filter(|_| response.allowed) {
        table.add_row(["warning", warning]);
    }
    for operation in response.decoded_patch()?.map_or_else(Vec::new, |patch| patch.0) {
        table.add_row(["patch".to_owned(), operation_text(&operation)]);
    }
    table.add_row(["cost".to_owned(), cost(scene, outcome, before)]);
    if let Some(broken) = broken {
        table.add_row(["NOT AS PROMISED", broken]);
    }
    if let Some(labels) = table.column_mut(0) {
        labels.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(12)));
    }
    Ok(format!("{number}. {}\n   {}\n{}", scene.title, scene.why, table.trim_fmt()))
}

/// `rule "127.0.0.1:5000/shop/*:*"; 1 of 2 required signers; signed by alice; missing bob`, after the image where there are several.
fn decided_by(record: &Value, response: &AdmissionResponse) -> String {
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    let names = |key: &str| -> Vec<&str> {
        let list = record.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let mut parts = vec![format!("rule \"{}\"", text("rule"))];
    match record.get("needed").and_then(Value::as_u64) {
        Some(needed) => parts.push(format!("{} of {needed} required signers", names("signers").len())),
        // Nobody is counted where a name decides.
        None => parts.push(format!("validator {}", text("validator"))),
    }
    for (key, what) in [("signers", "signed by"), ("missing", "missing"), ("undecided", "can't be told of")] {
        match names(key) {
            names if names.is_empty() => {}
            names => parts.push(format!("{what} {}", names.join(", "))),
        }
    }
    match response.audit_annotations.as_ref().map_or(0, |all| all.len()) {
        0 | 1 => parts.join("; "),
        _ => format!("{}: {}", text("image"), parts.join("; ")),
    }
}

fn verdict(response: &AdmissionResponse) -> String {
    let status = response.status.clone().unwrap_or_default();
    match (response.allowed, status.code, status.message) {
        (true, ..) => "ADMITTED".to_owned(),
        (false, code, message) => format!(
            "DENIED {}\n{}",
            code.map_or_else(String::new, |code| code.to_string()),
            indented(&message.unwrap_or_default(), MESSAGE)
        ),
    }
}

fn operation_text(operation: &PatchOperation) -> String {
    let value = match operation {
        PatchOperation::Add(add) => Some(&add.value),
        PatchOperation::Replace(replace) => Some(&replace.value),
        _ => None,
    };
    let name = match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    };
    let value = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    format!("{name} {}\n{}", operation.path(), value.unwrap_or_default())
}

fn cost(scene: &Scene, outcome: &Outcome, before: Option<Duration>) -> String {
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let elapsed = outcome.evaluation.elapsed;
    let mut text = format!(
        "{}, {}, {:.1} ms",
        plural(outcome.evaluation.calls.len(), "host call"),
        plural(outcome.requests, "registry request"),
        elapsed.as_secs_f64() * 1_000.0
    );
    if let (Asks::Memory, Some(before)) = (&scene.promise.asks, before) {
        let times = before.as_secs_f64() / elapsed.as_secs_f64().max(f64::EPSILON);
        text.push_str(&format!(", {times:.0} times as fast as before"));
    }
    text
}
