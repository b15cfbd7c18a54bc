//! Does the crate do what every row of `tests/corpus` expects, in the words of `tests/golden`?
//!
//! One test a case: `cargo test --test corpus a-key-and` runs those whose names hold this. A file `tests/golden/<case>.txt` holds the whole answer to
//! a case, and `tests/golden/settings.txt` the message of every case whose settings are refused. `UPDATE_EXPECT=1` writes these anew. It never
//! writes a row; where a row and the answer differ, the test prints what the row should be.

use std::{collections::BTreeSet, fs, path::PathBuf, process::ExitCode, sync::Arc};

use image_trust::answer;
use image_trust_testbed::{
    corpus::{
        self, Case,
        fixtures::{files, midnight_in},
        outcome,
    },
    key_order::backwards,
    session::{Host, Session},
};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The file of the messages about settings.
const SETTINGS: &str = "settings";

fn main() -> ExitCode {
    let cases: Arc<Vec<Case>> = Arc::new(corpus::all());
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |name: String, run: fn(&[Case], &str) -> Result<(), String>| {
        let cases = Arc::clone(&cases);
        let about = name.rsplit('/').next().unwrap_or_default().to_owned();
        trials.push(Trial::test(name, move || run(&cases, &about).map_err(Failed::from)));
    };
    cases.iter().for_each(|case| add(case.name.clone(), answers_as_expected));
    files(&goldens(), "txt").into_iter().for_each(|(name, _)| add(format!("golden/{name}"), answers_as_golden));
    add("every-word-has-a-golden".to_owned(), every_word_has_a_golden);
    add("the-order-of-keys-decides-nothing".to_owned(), the_order_of_keys_decides_nothing);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn goldens() -> PathBuf {
    corpus::tests().join("golden")
}

fn find<'c>(cases: &'c [Case], name: &str) -> Result<&'c Case, String> {
    cases.iter().find(|case| case.name == name).ok_or_else(|| format!("the corpus has no case {name}"))
}

fn answers_as_expected(cases: &[Case], name: &str) -> Result<(), String> {
    let case = find(cases, name)?;
    case.check(case.answer().as_ref())
}

fn answers_as_golden(cases: &[Case], name: &str) -> Result<(), String> {
    let actual = match name {
        SETTINGS => refusals(cases),
        _ => written(&answer_to(find(cases, name)?).ok_or("its settings are refused: settings.txt holds the message")?)
            .replace(&midnight_in(30), "<in 30 days>"),
    };
    let path = goldens().join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return fs::write(path, actual).map_err(|error| error.to_string());
    }
    let expected = fs::read_to_string(path).map_err(|error| error.to_string())?;
    if actual == expected {
        return Ok(());
    }
    let differs = expected.lines().zip(actual.lines()).find(|(expected, actual)| expected != actual);
    let (expected, actual) = differs.unwrap_or(("(one is longer)", "(than the other)"));
    Err(format!("UPDATE_EXPECT=1 writes it anew\nexpected: {expected}\n   found: {actual}"))
}

fn answer_to(case: &Case) -> Option<Value> {
    case.answer().map(|answer| serde_json::from_str(&answer.text).unwrap())
}

/// An answer for readers: what people are told, and then what programs read.
fn written(answer: &Value) -> String {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let verdict = match &answer["code"] {
        Value::Null => "admitted".to_owned(),
        code => format!("denied {code}"),
    };
    let mut parts = vec![verdict];
    parts.extend(answer["message"].as_str().map(str::to_owned));
    let warnings = answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    parts.extend(warnings.map(|warning| format!("warning: {warning}")));
    parts.extend(outcome::records(answer).iter().map(pretty));
    parts.extend(answer.get("mutated_object").map(pretty));
    parts.join("\n\n") + "\n"
}

/// The message of every case whose settings are refused.
fn refusals(cases: &[Case]) -> String {
    let refused = cases.iter().filter_map(|case| Some((&case.name, case.check_settings().err()?)));
    refused
        .map(|(name, message)| format!("{name}\n    {}\n", message.replace('\n', "\n    ")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every word that programs read has a sentence for people, and goldens hold the sentences.
fn every_word_has_a_golden(cases: &[Case], _: &str) -> Result<(), String> {
    let goldens: BTreeSet<String> = files(&goldens(), "txt").into_iter().map(|(name, _)| name).collect();
    let (mut all, mut held) = (BTreeSet::new(), BTreeSet::new());
    for case in cases {
        let words = answer_to(case).map(|answer| words(&answer)).unwrap_or_default();
        if goldens.contains(&case.name) {
            held.extend(words.iter().cloned());
        }
        all.extend(words);
    }
    let missing: Vec<&String> = all.difference(&held).collect();
    match (goldens.contains(SETTINGS), missing.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(format!("tests/golden/{SETTINGS}.txt is missing")),
        _ => {
            Err(format!("no golden has {missing:?}: add a file tests/golden/<case>.txt, and UPDATE_EXPECT=1 fills it"))
        }
    }
}

fn words(answer: &Value) -> BTreeSet<String> {
    let records = outcome::records(answer);
    let of_record = |key: &'static str| {
        records.iter().filter_map(move |record| record[key].as_str().map(|word| format!("{key} {word}")))
    };
    let warnings = answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let warnings = warnings.map(|warning| format!("warning {}", outcome::leading(warning)));
    ["verdict", "reason", "cause"].into_iter().flat_map(of_record).chain(warnings).collect()
}

/// Settings come out of a map, requests out of another one, and no map promises an order.
fn the_order_of_keys_decides_nothing(cases: &[Case], _: &str) -> Result<(), String> {
    for case in cases {
        let settings = backwards(&case.settings);
        if answer::validate_settings(settings.as_bytes()) != case.check_settings() {
            return Err(format!("{}: the settings", case.name));
        }
        let (Some(request), Some(expected)) = (&case.request, answer_to(case)) else { continue };
        let host = Host(Session::read(case.session.as_deref().unwrap_or("[]")));
        let payload = format!(r#"{{"settings":{settings},"request":{}}}"#, backwards(request));
        if serde_json::to_value(answer::validate(payload.as_bytes(), &host)).unwrap() != expected {
            return Err(format!("{}: the request", case.name));
        }
    }
    Ok(())
}
