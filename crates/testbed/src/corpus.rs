//! What does a case of `tests/corpus` promise?
//!
//! A case is a folder named after a threat or a promise:
//!
//! | file | holds |
//! |---|---|
//! | `case.yaml` | `why`: the promise in a line; `verdict`: `admitted`, `denied 403`, ... or `settings refused`; `pins`: how many, if any |
//! | `settings.yaml` | the policy's settings |
//! | `request.json` | the AdmissionRequest, unless the settings are refused |
//! | `session.yaml` | what the host answers, in kwctl's format, if it is asked at all |
//! | `expected.json` | the answer to `validate`, to the byte |
//! | `expected.txt` | the message of `validate_settings`, where the settings are refused |
//!
//! `case.yaml` is written by hand and says what has to come out; the expected bytes can be written anew with `UPDATE_EXPECT=1`, and only if they agree
//! with it. The same cases are run through the crate (`tests/corpus.rs`) and through the real module (the harness's `corpus.rs`).

use std::{fmt::Debug, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One case.
pub struct Case {
    /// The folder's name.
    pub name: String,
    pub promise: Promise,
    pub settings: Value,
    /// The request's text, if the settings are usable.
    pub request: Option<String>,
    /// The host's answers, in kwctl's format.
    pub session: Option<String>,
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    pub why: String,
    pub verdict: String,
    #[serde(default)]
    pub pins: usize,
}

/// All cases, in the order of their names.
pub fn all() -> Vec<Case> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().find_map(|root| {
        let corpus = root.join("tests/corpus");
        corpus.is_dir().then_some(corpus)
    });
    let corpus = corpus.expect("tests/corpus is part of the checkout");
    let mut folders: Vec<PathBuf> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

impl Case {
    fn read(folder: PathBuf) -> Case {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let needed = |file: &str| text(file).unwrap_or_else(|| panic!("{name}: {file} is missing"));
        let promise: Promise =
            serde_yaml::from_str(&needed("case.yaml")).unwrap_or_else(|error| panic!("{name}: case.yaml: {error}"));
        let settings = serde_yaml::from_str(&needed("settings.yaml"))
            .unwrap_or_else(|error| panic!("{name}: settings.yaml: {error}"));
        let request = (promise.verdict != "settings refused").then(|| needed("request.json"));
        Case { promise, settings, request, session: text("session.yaml"), folder, name }
    }

    /// Compares an answer to `validate` with the promise, and to the byte with what is expected.
    pub fn check_response(&self, response: &str) -> Result<(), String> {
        let answer: Value = serde_json::from_str(response).map_err(|error| error.to_string())?;
        let verdict = match (&answer["accepted"], &answer["code"]) {
            (Value::Bool(true), Value::Null) => "admitted".to_owned(),
            (Value::Bool(false), code) => format!("denied {code}"),
            other => format!("neither admitted nor denied: {other:?}"),
        };
        self.expect("verdict", &verdict, &self.promise.verdict)?;
        let records = answer["audit_annotations"].as_object().into_iter().flatten();
        let records = records.filter_map(|(_, record)| serde_json::from_str::<Value>(record.as_str()?).ok());
        let pins: u64 = records.filter_map(|record| record["pinned"].as_u64()).sum();
        self.expect("pins", &pins, &(self.promise.pins as u64))?;
        let changes = verdict == "admitted" && pins > 0;
        self.expect("a changed object", &!answer["mutated_object"].is_null(), &changes)?;
        self.expect_file("expected.json", response)
    }

    /// Compares an answer to `validate_settings` with the promise, and with what is expected.
    pub fn check_settings(&self, answer: &Result<(), String>) -> Result<(), String> {
        let refused = self.promise.verdict == "settings refused";
        self.expect("settings refused", &answer.is_err(), &refused)?;
        match answer {
            Ok(()) => Ok(()),
            Err(message) => self.expect_file("expected.txt", message),
        }
    }

    /// What is said of this case when `actual` is not what it promises.
    pub fn expect<T: PartialEq + Debug>(&self, what: &str, actual: &T, expected: &T) -> Result<(), String> {
        match actual == expected {
            true => Ok(()),
            false => {
                Err(format!("{}: {}\n  {what}: {actual:?}\n  expected: {expected:?}", self.name, self.promise.why))
            }
        }
    }

    fn expect_file(&self, file: &str, actual: &str) -> Result<(), String> {
        let path = self.folder.join(file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, format!("{actual}\n")).map_err(|error| error.to_string())?;
        }
        let expected =
            fs::read_to_string(&path).unwrap_or_else(|_| "(no such file; UPDATE_EXPECT=1 writes it)".to_owned());
        self.expect(file, &actual, &expected.trim_end_matches('\n'))
    }
}
