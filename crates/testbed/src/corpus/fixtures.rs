//! What the rows of the corpus have in common, and how a row says what differs.
//!
//! Fixtures have names. They are the entries of `tests/corpus/fixtures/*.yaml`, and the files of `tests/corpus/fixtures/minted` and `tests/keys` (by
//! their file names). A row writes:
//!
//! | written | means |
//! |---|---|
//! | `{like: NAME, …}` | the fixture, with the rest merged into it (RFC 7386: `null` removes a key, lists are replaced) |
//! | `like: NAME ONE TWO` | likewise, with `ONE` and `TWO` for `<one>` and `<two>` in the fixture |
//! | `<alice.pub>` | in a text: the text of the fixture |
//! | `<in 30 days>` | in a text: the beginning of the day in 30 days, as a time in UTC |
//! | `<1>` | in a text: 64 times this digit, as in a digest |
//! | `{from: 0, to: 9, each: …}` | in a list: ten items; `<n>` is the number |

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use image_trust::time::UnixTime;
use serde_json::{Map, Value};

/// The fixtures of the corpus, by their names.
pub struct Fixtures(BTreeMap<String, Value>);

/// The files of a folder that have this extension, with their texts; by name without the extension.
pub fn files(folder: &Path, extension: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<(String, String)> = paths
        .filter(|path| path.is_file() && path.extension().is_some_and(|found| found == extension))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    found
}

impl Fixtures {
    /// Reads every fixture; `tests` is the folder of that name.
    pub fn read(tests: &Path) -> Fixtures {
        let mut fixtures = BTreeMap::new();
        let mut add = |name: String, value: Value| {
            assert!(fixtures.insert(name.clone(), value).is_none(), "two fixtures are called {name}");
        };
        let folder = tests.join("corpus/fixtures");
        for (file, text) in files(&folder, "yaml") {
            let entries: Map<String, Value> =
                serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("fixtures/{file}.yaml: {error}"));
            entries.into_iter().for_each(|(name, value)| add(name, value));
        }
        for (folder, extension) in
            [(tests.join("keys"), "pub"), (folder.join("minted"), "pub"), (folder.join("minted"), "pem")]
        {
            files(&folder, extension)
                .into_iter()
                .for_each(|(name, text)| add(format!("{name}.{extension}"), text.into()));
        }
        for (name, text) in files(&folder.join("minted"), "json") {
            let value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("fixtures/minted/{name}.json: {error}"));
            add(name, value);
        }
        Fixtures(fixtures)
    }

    /// The fixture as it is written.
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or_else(|| panic!("the corpus has no fixture {name}"))
    }

    /// The fixture that a text names, filled in; further words stand for `<one>` and `<two>`.
    pub fn like(&self, text: &str) -> Value {
        let mut words = text.split(' ');
        let mut value = self.get(words.next().unwrap_or_default()).clone();
        for (hole, word) in ["<one>", "<two>"].into_iter().zip(words) {
            value = map(&value, &|text| text.replace(hole, word));
        }
        self.expand(&value)
    }

    /// A value with all its fixtures and abbreviations filled in.
    pub fn expand(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().flat_map(|item| self.items(item)).collect(),
            Value::Object(fields) => {
                let expanded = fields.iter().filter(|(key, _)| *key != "like");
                let expanded = expanded.map(|(key, value)| (self.text(key), self.expand(value))).collect();
                match fields.get("like").and_then(Value::as_str) {
                    Some(fixture) => merged(self.like(fixture), Value::Object(expanded)),
                    None => Value::Object(expanded),
                }
            }
            other => other.clone(),
        }
    }

    /// The items that an item of a list stands for.
    fn items(&self, item: &Value) -> Vec<Value> {
        let Some(each) = item.get("each") else { return vec![self.expand(item)] };
        let [from, to] = ["from", "to"].map(|key| item[key].as_u64().expect("`from` and `to` are numbers"));
        let numbered = |number: u64| map(each, &|text| text.replace("<n>", &number.to_string()));
        (from..=to).map(|number| self.expand(&numbered(number))).collect()
    }

    fn text(&self, text: &str) -> String {
        let mut parts = text.split('<');
        let mut written = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once('>').and_then(|(name, rest)| Some((self.abbreviated(name)?, rest))) {
                Some((meant, rest)) => written.extend([meant.as_str(), rest]),
                None => written.extend(["<", part]),
            }
        }
        written
    }

    fn abbreviated(&self, name: &str) -> Option<String> {
        if let Some(days) = name.strip_prefix("in ").and_then(|rest| rest.strip_suffix(" days")) {
            return Some(midnight_in(days.parse().ok()?));
        }
        match (name.as_bytes(), self.0.get(name)) {
            ([digit], _) if digit.is_ascii_digit() => Some(name.repeat(64)),
            (_, Some(Value::String(text))) => Some(text.clone()),
            (_, Some(value)) => Some(value.to_string()),
            _ => None,
        }
    }
}

/// A value with every text in it changed.
pub(super) fn map(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(items) => items.iter().map(|item| map(item, change)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (change(key), map(value, change))).collect(),
        other => other.clone(),
    }
}

/// The beginning of the day that is so many days from today, as a time.
pub fn midnight_in(days: u64) -> String {
    const DAY: u64 = 86_400;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    UnixTime::from_secs((now / DAY + days) * DAY).to_string()
}

/// A JSON merge patch (RFC 7386).
fn merged(base: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut fields = if let Value::Object(fields) = base { fields } else { Map::new() };
    for (key, value) in patch {
        match fields.remove(&key) {
            _ if value.is_null() => None,
            old => fields.insert(key, merged(old.unwrap_or_default(), value)),
        };
    }
    Value::Object(fields)
}
