//! Where in a file are Connaisseur's values?
//!
//! Few files hold nothing but values. An Argo CD Application has them as a text or a mapping, a Flux HelmRelease as a mapping, a ConfigMap as a text under some name,
//! and an umbrella chart under the name of its dependency. Whatever the wrapping, values are a mapping `application` with validators and a policy, so that is
//! looked for.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// Deepest nesting that is searched.
const MAX_DEPTH: usize = 12;

/// Connaisseur's values, and where they were found.
pub struct Found {
    /// The values that were found.
    pub values: Map<String, Value>,
    /// The place in the file; empty, if the file is the values.
    pub path: String,
}

/// Reads the documents of a YAML text, without those that are empty.
pub type Parse = fn(&str) -> Result<Vec<Value>>;

/// Finds the values in this text. `origin` is what the file is called.
///
/// # Errors
/// When there are none, or several.
pub fn find(text: &str, origin: &str, parse: Parse) -> Result<Found> {
    let documents = parse(text).with_context(|| format!("{origin} is not YAML"))?;
    let mut found = Vec::new();
    for document in &documents {
        search(document, "", 0, parse, &mut found);
    }
    match (found.pop(), found.is_empty()) {
        (Some(values), true) => match documents.iter().find_map(|document| beside(document, &values.path)) {
            None => Ok(values),
            Some(key) => bail!(
                "{origin} has values at {}, and more of them in `{key}`, which Helm puts over them; give what it used: \
                 `helm get values connaisseur --namespace connaisseur --all -o yaml`",
                place(&values.path)
            ),
        },
        (Some(last), false) => {
            let mut places: Vec<String> = found.iter().map(|found| place(&found.path)).collect();
            places.push(place(&last.path));
            bail!("{origin} holds several values of Connaisseur ({}); give each a file of its own", places.join(", "))
        }
        (None, _) => bail!("{origin} holds no values of Connaisseur 3: {}", hint(&documents, parse)),
    }
}

fn place(path: &str) -> String {
    if path.is_empty() { "the file itself".to_owned() } else { format!("`{path}`") }
}

/// What adds to values where a manifest has some already (Argo CD, "Helm"; Flux, "Values references").
const MORE: [&str; 4] = ["parameters", "fileParameters", "valueFiles", "valuesFrom"];

/// Which of these keys stands on the way to the values.
fn beside(document: &Value, path: &str) -> Option<&'static str> {
    let mut at = document;
    for step in path.split('.') {
        let more = MORE
            .into_iter()
            .find(|key| at.get(key).is_some_and(|value| value.as_array().is_some_and(|list| !list.is_empty())));
        if more.is_some() {
            return more;
        }
        let (name, index) = step
            .split_once('[')
            .map_or((step, None), |(name, rest)| (name, rest.trim_end_matches(']').parse::<usize>().ok()));
        at = at.get(name)?;
        if let Some(index) = index {
            at = at.get(index)?;
        }
    }
    None
}

/// Adds every value of Connaisseur's below this place.
fn search(value: &Value, path: &str, depth: usize, parse: Parse, found: &mut Vec<Found>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) if is_values(map) => found.push(Found { values: map.clone(), path: path.to_owned() }),
        Value::Object(map) => {
            // Annotations hold what was applied last, and that is old.
            for (key, value) in map.iter().filter(|(key, _)| *key != "metadata") {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                search(value, &path, depth + 1, parse, found);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                search(value, &format!("{path}[{i}]"), depth + 1, parse, found);
            }
        }
        // A file in a text, as manifests carry it.
        Value::String(text) if text.contains("application:") || text.contains("\"application\"") => {
            for document in parse(text).unwrap_or_default() {
                search(&document, path, depth + 1, parse, found);
            }
        }
        _ => {}
    }
}

/// Are these values of chart 2, which belongs to Connaisseur 3?
fn is_values(map: &Map<String, Value>) -> bool {
    let application = map.get("application").and_then(Value::as_object);
    application.is_some_and(has_lists)
}

fn has_lists(map: &Map<String, Value>) -> bool {
    ["validators", "policy"].iter().any(|key| map.get(*key).is_some_and(Value::is_array))
}

/// How many validators and rules of Connaisseur 2 are in it, wherever they are.
fn older(value: &Value, depth: usize, parse: Parse) -> Option<(usize, usize)> {
    let count = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    match value {
        _ if depth > MAX_DEPTH => None,
        Value::Object(map) if has_lists(map) => Some((count(map, "validators"), count(map, "policy"))),
        Value::Object(map) => {
            map.iter().filter(|(key, _)| *key != "metadata").find_map(|(_, value)| older(value, depth + 1, parse))
        }
        Value::Array(list) => list.iter().find_map(|value| older(value, depth + 1, parse)),
        Value::String(text) if text.contains("validators:") => {
            parse(text).unwrap_or_default().iter().find_map(|document| older(document, depth + 1, parse))
        }
        _ => None,
    }
}

/// A hint about the documents that were found in place of values.
fn hint(documents: &[Value], parse: Parse) -> String {
    let older = documents.iter().find_map(|document| older(document, 0, parse));
    let kind = documents.iter().find_map(|document| document.get("kind").and_then(Value::as_str));
    match (older, kind) {
        (Some((validators, rules)), _) => format!(
            "these are values of Connaisseur 2 (chart 1), with {} and {}. Bring them to version 3 first, \
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
