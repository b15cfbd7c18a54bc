//! Are the cases of `tests/corpus` that hold certificates what the mint makes of them?
//!
//! Certificates and log entries can't be written by hand. So these cases stand here as rows, and their files are minted; with `UPDATE_EXPECT=1` they are written,
//! else compared. What has to come out is asked by the corpus itself, natively and of the module.

mod algorithms;
mod evidence;
mod roots;
mod rows;

use std::{collections::BTreeSet, fs, path::PathBuf};

use image_trust_testbed::mint::{self, Layer};
use serde_json::{Value, json};

/// The image that every case is about, by its tag.
const TAG: &str = "ghcr.io/acme/app:v1";
const REPOSITORY: &str = "ghcr.io/acme/app";

/// What the host says of what a registry does not have.
const UNKNOWN: &str = "Fail to interact with OCI registry: Registry error: url https://ghcr.io, envelope: OCI API errors: [OCI API error: manifest unknown]";

/// The digest of the image, and of others.
fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// What lies somewhere in the registry.
#[derive(Clone)]
enum Answer {
    Digest(&'static str, String),
    Manifest(String, Value),
    /// Nobody knows this tag.
    NoDigest(&'static str),
    NotThere(String),
    Down(String),
}

/// A case: what is signed, what the settings ask for, and what comes of it.
struct Row {
    /// The threat or the promise, as the name of its folder.
    case: &'static str,
    why: &'static str,
    verdict: &'static str,
    image: String,
    /// The validator, without its name and type.
    validator: Value,
    /// The options of its rule, which is for everything.
    with: Value,
    /// Another validator, of another rule for the image by its digest, if there is one.
    by_digest: Option<Value>,
    /// What the registry answers, in the order in which it is asked.
    answers: Vec<Answer>,
}

impl Row {
    /// What lies beside the image is these signatures.
    fn new(case: &'static str, verdict: &'static str, why: &'static str, validator: Value, layers: &[Layer]) -> Row {
        let answers = vec![Answer::Digest(TAG, digest('1')), signatures('1', layers)];
        Row { case, why, verdict, image: TAG.to_owned(), validator, with: Value::Null, by_digest: None, answers }
    }

    fn with(self, with: Value) -> Row {
        Row { with, ..self }
    }

    /// The files of the case, as they have to be.
    fn files(&self) -> [(&'static str, String); 4] {
        let named = |validator: &Value, name: &str| {
            let mut validator = validator.clone();
            validator["name"] = name.into();
            validator["type"] = "cosign".into();
            validator
        };
        let mut rule = json!({"pattern": "*"});
        if !self.with.is_null() {
            rule["with"] = self.with.clone();
        }
        let (mut validators, mut rules) = (vec![named(&self.validator, "default")], vec![rule]);
        if let Some(validator) = &self.by_digest {
            validators.push(named(validator, "pinned"));
            rules.push(json!({"pattern": format!("{REPOSITORY}@{}", digest('1')), "validator": "pinned"}));
        }
        let settings = json!({"validators": validators, "policy": rules});
        let request = json!({
            "uid": "1",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "CREATE",
            "name": "web",
            "namespace": "shop",
            "userInfo": {"username": "dev"},
            "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"containers": [{"name": "web", "image": self.image}]},
            },
        });
        let pins = usize::from(self.verdict == "admitted" && !self.image.contains('@'));
        let pins = if pins > 0 { format!("pins: {pins}\n") } else { String::new() };
        let session: Vec<String> = self.answers.iter().map(exchange).collect();
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
        [
            ("case.yaml", format!("why: {}\nverdict: {}\n{pins}", json!(self.why), self.verdict)),
            ("settings.yaml", pretty(&settings)),
            ("request.json", pretty(&request)),
            ("session.yaml", session.concat()),
        ]
    }
}

/// What lies where the signatures of this digest belong.
fn signatures(of: char, layers: &[Layer]) -> Answer {
    let tag = format!("{REPOSITORY}:{}.sig", digest(of).replace(':', "-"));
    match layers.is_empty() {
        true => Answer::NotThere(tag),
        false => Answer::Manifest(tag, serde_json::from_slice(&mint::manifest(layers)).unwrap()),
    }
}

/// An exchange with the host, as kwctl records it.
fn exchange(answer: &Answer) -> String {
    let (call, image, response) = match answer {
        Answer::Digest(image, digest) => ("OciManifestDigest", *image, success(&json!({"digest": digest}))),
        Answer::Manifest(image, manifest) => ("OciManifest", image.as_str(), success(manifest)),
        Answer::NoDigest(image) => ("OciManifestDigest", *image, error(UNKNOWN)),
        Answer::NotThere(image) => ("OciManifest", image.as_str(), error(UNKNOWN)),
        Answer::Down(image) => (
            "OciManifest",
            image.as_str(),
            error("Fail to interact with OCI registry: error sending request for url (https://ghcr.io)"),
        ),
    };
    format!("- type: Exchange\n  request: |\n    !{call}\n    image: {image}\n  response:\n{response}")
}

fn success(payload: &Value) -> String {
    format!("    type: Success\n    payload: '{}'\n", payload.to_string().replace('\'', "''"))
}

fn error(message: &str) -> String {
    format!("    type: Error\n    message: '{message}'\n")
}

#[test]
fn the_corpus_is_as_it_was_minted() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let rows: Vec<Row> = [
        rows::keyless(),
        rows::workflows(),
        roots::own_authorities(),
        roots::signers(),
        roots::leaving(),
        roots::instances(),
        evidence::payloads(),
        evidence::halves(),
        evidence::limits(),
        evidence::logged_keys(),
        evidence::indexes(),
        algorithms::algorithms(),
        algorithms::beside(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.case).collect();
    assert_eq!(names.len(), rows.len(), "every case has a name of its own");
    let mut stale = Vec::new();
    for row in &rows {
        let folder = corpus.join(row.case);
        for (file, text) in row.files() {
            if update {
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(file), &text).unwrap();
            }
            if fs::read_to_string(folder.join(file)).ok().as_deref() != Some(text.as_str()) {
                stale.push(format!("{}/{file}", row.case));
            }
        }
    }
    assert!(stale.is_empty(), "not as minted (UPDATE_EXPECT=1 writes them): {}", stale.join(", "));
}
