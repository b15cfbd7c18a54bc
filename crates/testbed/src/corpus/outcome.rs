//! What came out of a case, without sentences: the `expect` of a row.
//!
//! | key | holds |
//! |---|---|
//! | `verdict` | `admitted`, or `denied` and the code |
//! | `images` | for each audit record its `image` (or its `slots`, where an image can't be read), `verdict`, `reason`, `cause`, `lacks`, `signers`, `notProven`, `digest`, `index`, `expires`, `pinned` and `calls` (questions to the host), as far as there are any |
//! | `pins` | every text of the object that was changed: where it is, and the new text |
//! | `warnings` | the words before the first colon of a warning, and how many warnings begin with them |
//! | `settings`, `at` | `refused`, and the path of every problem |
//!
//! A change of a sentence changes none of these.

use std::collections::BTreeMap;

use image_trust::policy;
use serde_json::{Map, Value, json};

/// The outcome of a request, from its answer.
pub fn of(request: &Value, answer: &Value) -> Value {
    let verdict = match (&answer["accepted"], &answer["code"]) {
        (Value::Bool(true), Value::Null) => "admitted".to_owned(),
        (Value::Bool(false), code) => format!("denied {code}"),
        other => format!("neither admitted nor denied: {other:?}"),
    };
    let mut outcome = Map::from_iter([("verdict".to_owned(), verdict.into())]);
    let mut add = |key: &str, value: Value| {
        if !is_nothing(&value) {
            outcome.insert(key.to_owned(), value);
        }
    };
    add("images", records(answer).iter().map(of_record).collect());
    let mut pins = Map::new();
    if let changed @ Value::Object(_) = &answer["mutated_object"] {
        changes("", &request["object"], changed, &mut pins);
    }
    add("pins", pins.into());
    let mut warnings: BTreeMap<&str, usize> = BTreeMap::new();
    for warning in answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        *warnings.entry(leading(warning)).or_default() += 1;
    }
    add("warnings", json!(warnings));
    outcome.into()
}

/// The outcome of a check of settings: whether they are accepted, and where their problems are.
pub fn of_settings(settings: &Value) -> Value {
    let paths: Vec<String> =
        policy::check(&settings.to_string()).into_iter().map(|problem| problem.path.to_string()).collect();
    json!({"settings": if paths.is_empty() { "accepted" } else { "refused" }, "at": paths})
}

/// The words that say which kind of warning it is.
pub fn leading(warning: &str) -> &str {
    warning.split(':').next().unwrap_or_default()
}

/// The audit records of an answer, in their order.
pub fn records(answer: &Value) -> Vec<Value> {
    let records = answer["audit_annotations"].as_object().into_iter().flatten();
    let mut numbered: Vec<(usize, Value)> = records
        .map(|(name, record)| {
            let number = name.rsplit('-').next().and_then(|number| number.parse().ok());
            (
                number.expect("a record's name ends in its number"),
                serde_json::from_str(record.as_str().unwrap()).unwrap(),
            )
        })
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, record)| record).collect()
}

fn of_record(record: &Value) -> Value {
    let name = if record["image"].is_null() { "slots" } else { "image" };
    let of_image =
        ["verdict", "reason", "cause", "lacks", "signers", "attestations", "missingAttestations", "notProven"];
    let keys = [&[name], &of_image[..], &["digest", "index", "expires", "pinned", "hostCalls"]].concat();
    let found = keys.into_iter().filter(|key| !is_nothing(&record[*key]));
    let named = found.map(|key| (if key == "hostCalls" { "calls" } else { key }.to_owned(), record[key].clone()));
    Value::Object(named.collect())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Collects what differs between two values, by JSON pointers.
fn changes(at: &str, old: &Value, new: &Value, found: &mut Map<String, Value>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if old.keys().eq(new.keys()) => {
            old.iter().for_each(|(key, old)| changes(&format!("{at}/{key}"), old, &new[key], found));
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (number, (old, new)) in old.iter().zip(new).enumerate() {
                changes(&format!("{at}/{number}"), old, new, found);
            }
        }
        (old, new) if old == new => {}
        (_, new) => {
            found.insert(at.to_owned(), new.clone());
        }
    }
}

/// An outcome as a row writes it.
pub fn shown(outcome: &Value) -> String {
    let mut text = serde_yaml::to_string(outcome).unwrap();
    for digit in "0123456789".chars() {
        text = text.replace(&digit.to_string().repeat(64), &format!("<{digit}>"));
    }
    text
}
