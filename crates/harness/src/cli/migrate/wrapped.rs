//! Where in a file are Connaisseur's values?
//!
//! Few files hold nothing but values. An Argo CD Application has them as a text or a mapping, a Flux HelmRelease as a mapping, a ConfigMap as a text under some name,
//! and an umbrella chart under the name of its dependency. Whatever the wrapping, values are a mapping `application` with validators and a policy, so that is
//! looked for.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize as _;
use serde_json::{Map, Value};

/// Deepest nesting that is searched.
const MAX_DEPTH: usize = 12;

/// Connaisseur's values, and where they were found.
pub(super) struct Found {
    pub(super) values: Map<String, Value>,
    /// The place in the file; empty, if the file is the values.
    pub(super) path: String,
}

/// Finds the values in this text. `origin` is what the file is called.
pub(super) fn find(text: &str, origin: &str) -> Result<Found> {
    let documents = documents(text, origin)?;
    let mut found = Vec::new();
    for document in &documents {
        search(document, "", 0, &mut found);
    }
    match (found.pop(), found.is_empty()) {
        (Some(values), true) => Ok(values),
        (Some(last), false) => {
            let mut places: Vec<String> = found.iter().map(|found| place(&found.path)).collect();
            places.push(place(&last.path));
            bail!("{origin} holds several values of Connaisseur ({}); give each a file of its own", places.join(", "))
        }
        (None, _) => bail!("{origin} holds no values of Connaisseur 3: {}", hint(&documents)),
    }
}

fn place(path: &str) -> String {
    if path.is_empty() { "the file itself".to_owned() } else { format!("`{path}`") }
}

/// The documents that are more than nothing: a file that ends in `---` has one more, which is empty.
fn documents(text: &str, origin: &str) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text.trim_start_matches('\u{feff}')) {
        let mut yaml = serde_yaml::Value::deserialize(document).with_context(|| format!("{origin} is not YAML"))?;
        yaml.apply_merge().with_context(|| format!("{origin} has a `<<` that can't be merged"))?;
        match serde_json::to_value(yaml).with_context(|| format!("{origin} has keys that are no text"))? {
            Value::Null => {}
            value => documents.push(value),
        }
    }
    Ok(documents)
}

/// Adds every value of Connaisseur's below this place.
fn search(value: &Value, path: &str, depth: usize, found: &mut Vec<Found>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) if is_values(map) => found.push(Found { values: map.clone(), path: path.to_owned() }),
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                search(value, &path, depth + 1, found);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                search(value, &format!("{path}[{i}]"), depth + 1, found);
            }
        }
        // A file in a text, as manifests carry it.
        Value::String(text) if text.contains("application:") || text.contains("\"application\"") => {
            for document in documents(text, path).unwrap_or_default() {
                search(&document, path, depth + 1, found);
            }
        }
        _ => {}
    }
}

/// Are these values of chart 2, which belongs to Connaisseur 3?
fn is_values(map: &Map<String, Value>) -> bool {
    let application = map.get("application").and_then(Value::as_object);
    application.is_some_and(|application| ["validators", "policy"].iter().any(|key| application.contains_key(*key)))
}

/// What was found in their place.
fn hint(documents: &[Value]) -> String {
    let older = documents.iter().find_map(|document| {
        let count = |key: &str| document.get(key).and_then(Value::as_array).map(Vec::len);
        match (count("validators"), count("policy")) {
            (None, None) => None,
            (validators, rules) => Some((validators.unwrap_or(0), rules.unwrap_or(0))),
        }
    });
    let kind = documents.iter().find_map(|document| document.get("kind").and_then(Value::as_str));
    match (older, kind) {
        (Some((validators, rules)), _) => format!(
            "these are values of Connaisseur 2 (chart 1), with {} and {} at the top. Bring them to version 3 first, \
             with Connaisseur's own script `scripts/upgrade_to_version_3.py`: https://sse-secure-systems.github.io/connaisseur/latest/migrating_to_version_3/",
            counted(validators, "validator"),
            counted(rules, "rule"),
        ),
        (None, Some("HelmRelease" | "Application" | "ApplicationSet")) => {
            "the manifest names a chart, but its values are elsewhere (`valuesFrom`, `valueFiles`, the chart's own); give what Helm used: \
             `helm get values connaisseur --namespace connaisseur --all -o yaml`"
                .to_owned()
        }
        (None, _) => "expected a mapping `application` with `validators` and `policy`; `helm get values connaisseur --namespace connaisseur --all -o yaml` \
                      prints the values that Helm used"
            .to_owned(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
