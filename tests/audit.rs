//! Does `docs/reference/audit.md` say what audit records hold? All that occurs in the corpus has to be documented, and nothing else may be.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use image_trust_testbed::corpus::{self, outcome};
use serde_json::Value;

/// Words that no case can record, and why.
const NOT_IN_THE_CORPUS: [(&str, &str, &str); 6] = [
    ("reason", "out-of-time", "a session has no clock: tests/time_budget.rs"),
    ("cause", "oversized", "more than a session should hold: crates/host/tests/live/lying.rs"),
    ("reason", "settings", "cases with unusable settings end before a request: tests/time_budget.rs"),
    (
        "cause",
        "not-looked-at",
        "a session has no clock, and a hundred signatures are more than it should hold: tests/time_budget.rs",
    ),
    ("lacks", "not-looked-at", "likewise"),
    ("reason", "fault", "who knows how to bring one about mends it"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/reference/audit.md")).unwrap()
}

/// Every audit record of every case.
fn records() -> Vec<Value> {
    let answers = corpus::all().into_iter().filter_map(|case| case.answer());
    answers.flat_map(|answer| outcome::records(&serde_json::from_str(&answer.text).unwrap())).collect()
}

/// What stands in backticks in the first column of the tables below this heading.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, rest) = page.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = rest.split("\n#").next().unwrap_or_default();
    let first_cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut found = BTreeSet::new();
    for (word, _) in first_cells {
        assert!(found.insert(word.to_owned()), "docs/reference/audit.md has two rows for `{word}` below {heading}");
    }
    found
}

/// The words that a field holds: its text, or the texts in its list or mapping.
fn words(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a word is a text").to_owned();
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        Value::Object(map) => map.values().map(text).collect(),
        word => vec![text(word)],
    }
}

#[test]
fn every_field_and_word_of_audit_records_is_documented() {
    let (page, records) = (page(), records());
    assert!(records.len() > 400, "the corpus has {} records", records.len());
    let fields: BTreeSet<String> =
        records.iter().flat_map(|record| record.as_object().unwrap().keys().cloned()).collect();
    assert_eq!(documented(&page, "Fields"), fields, "left: docs/reference/audit.md, right: the corpus; fields");
    for field in ["verdict", "reason", "cause", "lacks", "evidence"] {
        let mut occurring: BTreeSet<String> =
            records.iter().filter_map(|record| record.get(field)).flat_map(words).collect();
        for (_, word, why) in NOT_IN_THE_CORPUS.iter().filter(|(of, ..)| *of == field) {
            assert!(
                occurring.insert((*word).to_owned()),
                "the corpus has `{word}` by now; it was left out because {why}"
            );
        }
        assert_eq!(
            documented(&page, field),
            occurring,
            "left: docs/reference/audit.md, right: the corpus; words of `{field}`"
        );
    }
}

#[test]
fn examples_are_records_of_the_corpus() {
    let (page, records) = (page(), records());
    let examples = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: Vec<Value> = examples.map(|json| serde_json::from_str(json).unwrap()).collect();
    let verdicts: BTreeMap<&str, &Value> =
        examples.iter().map(|example| (example["verdict"].as_str().unwrap(), example)).collect();
    assert!(["proven", "denied"].iter().all(|verdict| verdicts.contains_key(verdict)), "one of each: {verdicts:?}");
    for example in &examples {
        assert!(records.contains(example), "no case has this record: {example}");
    }
}
