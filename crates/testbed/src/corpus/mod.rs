//! The corpus: every threat and every promise as a row of `tests/corpus/<theme>.yaml`.
//!
//! | key | holds |
//! |---|---|
//! | `name` | the threat or the promise; unique in the whole corpus |
//! | `why` | the reason for the case, in a line |
//! | `request` | the AdmissionRequest; absent where the settings are refused |
//! | `settings` | the policy's settings |
//! | `world` | every question that the host is asked, in order, with its answer (see [`world`]); absent where nothing is asked |
//! | `expect` | what has to come out, without sentences (see [`outcome`]) |
//!
//! `request` and `settings` name a fixture, or are written out, or are a fixture and what differs (see [`fixtures`]). The sentences are in
//! `tests/golden`. Every row runs natively (`tests/corpus.rs`) and through the real module (`crates/host/tests/corpus.rs`), and both answers are
//! equal to the byte.

pub mod fixtures;
pub mod outcome;
pub mod world;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use image_trust::answer;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::session::{Host, Session};
use fixtures::Fixtures;

/// One case, with its fixtures filled in.
#[derive(Clone)]
pub struct Case {
    /// The name of the case.
    pub name: String,
    /// The reason for which the case exists.
    pub why: String,
    /// The settings of the policy.
    pub settings: Value,
    /// The AdmissionRequest, unless the settings are refused.
    pub request: Option<Value>,
    /// The host's answers in kwctl's format, if the host is asked at all.
    pub session: Option<String>,
    /// The expected outcome, in the form in which [`outcome`] writes it.
    pub expect: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    why: String,
    request: Option<Value>,
    settings: Value,
    #[serde(default)]
    world: Vec<Value>,
    expect: Value,
}

/// An answer of the crate to a case.
pub struct Answered {
    /// The answer of the policy, as JSON.
    pub text: String,
    /// The number of host calls in the case's world that the policy did not make.
    pub leftovers: usize,
}

/// The folder `tests` of the checkout.
pub fn tests() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let tests = here.ancestors().map(|root| root.join("tests")).find(|tests| tests.join("corpus").is_dir());
    tests.expect("tests/corpus is part of the checkout")
}

/// Every case, in the order of the names.
pub fn all() -> Vec<Case> {
    let fixtures = Fixtures::read(&tests());
    let mut cases = Vec::new();
    for (theme, text) in fixtures::files(&tests().join("corpus"), "yaml") {
        let rows: Vec<Row> = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{theme}.yaml: {error}"));
        cases.extend(rows.into_iter().map(|row| Case::new(row, &fixtures)));
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    for pair in cases.windows(2) {
        assert_ne!(pair[0].name, pair[1].name, "two rows have one name");
    }
    cases
}

/// The case with this name.
pub fn case(name: &str) -> Case {
    all().into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("the corpus has no case {name}"))
}

impl Case {
    fn new(row: Row, fixtures: &Fixtures) -> Case {
        let value = |value: &Value| match value {
            Value::String(fixture) => fixtures.like(fixture),
            other => fixtures.expand(other),
        };
        let mut case = Case {
            settings: value(&row.settings),
            request: row.request.as_ref().map(value),
            session: None,
            expect: fixtures.expand(&row.expect),
            name: row.name,
            why: row.why,
        };
        if case.request.is_some() && !row.world.is_empty() {
            case.session = Some(world::session(&row.world, &case.payload(), fixtures));
        }
        case
    }

    /// The payload of `validate`.
    ///
    /// # Panics
    /// Where the settings are refused, and no request is there.
    pub fn payload(&self) -> String {
        let request = self.request.as_ref().unwrap_or_else(|| panic!("{} has no request", self.name));
        json!({"request": request, "settings": self.settings}).to_string()
    }

    /// What `validate_settings` says to the settings.
    ///
    /// # Errors
    /// When the settings are refused: the message.
    pub fn check_settings(&self) -> Result<(), String> {
        answer::validate_settings(self.settings.to_string().as_bytes())
    }

    /// The answer of the crate, if the case has a request.
    pub fn answer(&self) -> Option<Answered> {
        self.request.as_ref()?;
        let host = Host(Session::read(self.session.as_deref().unwrap_or("[]")));
        let response = answer::validate(self.payload().as_bytes(), &host);
        Some(Answered { text: serde_json::to_string(&response).unwrap(), leftovers: host.0.leftovers() })
    }

    /// Is this what the row expects? `answer` is what was answered to the request.
    ///
    /// # Errors
    /// What differs, and what the row's `expect` should be if the answer is right.
    pub fn check(&self, answer: Option<&Answered>) -> Result<(), String> {
        if let (Some(_), Err(message)) = (&self.request, self.check_settings()) {
            return Err(format!("{}\nthe settings are refused: {message}", self.why));
        }
        let actual = match (&self.request, answer) {
            (Some(request), Some(answer)) => outcome::of(request, &serde_json::from_str(&answer.text).unwrap()),
            _ => outcome::of_settings(&self.settings),
        };
        if actual != self.expect {
            return Err(format!(
                "{}\nexpected:\n{}found, and to be written if it is right:\n{}",
                self.why,
                outcome::shown(&self.expect),
                outcome::shown(&actual)
            ));
        }
        match answer.map_or(0, |answer| answer.leftovers) {
            0 => Ok(()),
            left => Err(format!("{}\nthe last {left} questions of the world were not asked", self.why)),
        }
    }

    /// Writes the case into a folder as `settings.yaml`, `request.json` and `session.yaml`, for commands that read files.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        // JSON is YAML.
        fs::write(folder.join("settings.yaml"), self.settings.to_string())?;
        fs::write(folder.join("request.json"), json!(self.request).to_string())?;
        fs::write(folder.join("session.yaml"), self.session.as_deref().unwrap_or("[]"))
    }
}
