//! Which laws hold for attestations, whichever of them lie beside an image?
//!
//! Every document of a small pool is signed once. The bytes choose which of them are in the evidence manifest, in which order, and what a rule requires. A slow reference
//! decides by what was written into each document.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value, json};

use super::{
    Choices,
    asked::{NAME, digest},
    mint::{
        Bundle, Instance, Key,
        bundle::{Content, Log, Signer, statement},
        evidence::{self, Item},
    },
};
use crate::host::{FakeHost, answer_to_image, nothing};

const SIGNERS: [&str; 3] = ["alice", "bob", "mallory"];
const TYPES: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://spdx.dev/Document"];
const BUILDS: [&str; 2] = ["good", "bad"];
const OTHER: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// How a document is kept.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Bundle,
    Envelope,
    /// In a manifest of its own.
    Pointer,
    /// Its signature is that of another document.
    Broken,
}

const FORMS: [Form; 4] = [Form::Bundle, Form::Envelope, Form::Pointer, Form::Broken];

/// A document, and what was written into it.
struct Document {
    signer: usize,
    kind: usize,
    build: usize,
    is_about_the_image: bool,
    form: Form,
    layer: Value,
    /// The answer to the question for the config of its own manifest.
    config: Option<(String, Vec<u8>)>,
}

/// An attestation that a rule requires.
struct Required {
    kinds: Vec<usize>,
    signers: Vec<usize>,
    threshold: usize,
    build: Option<usize>,
}

static POOL: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let ours = Instance::new("ours");
    let mut pool = Vec::new();
    for (signer, name) in SIGNERS.iter().enumerate() {
        for (kind, predicate_type) in TYPES.iter().enumerate() {
            for (build, text) in BUILDS.iter().enumerate() {
                for subject in [digest().to_string(), OTHER.to_owned()] {
                    let mut statement = statement(&subject, predicate_type);
                    statement["predicate"] = json!({"build": text});
                    let bundle = Bundle {
                        content: Content::Statement(statement.to_string().into_bytes()),
                        signer: Signer::Key(Key::p256(name)),
                        log: Log::None,
                        timestamps: Vec::new(),
                        ..Bundle::signing(Signer::Key(Key::p256(name)), &subject)
                    }
                    .json(&ours);
                    for form in FORMS {
                        let (layer, config) = kept(&bundle, form, pool.len());
                        let is_about_the_image = subject != OTHER;
                        pool.push(Document { signer, kind, build, is_about_the_image, form, layer, config });
                    }
                }
            }
        }
    }
    pool
});

fn kept(bundle: &Value, form: Form, number: usize) -> (Value, Option<(String, Vec<u8>)>) {
    match form {
        Form::Bundle => (Item::bundle(bundle).descriptor(), None),
        Form::Envelope => (Item::envelope(bundle, &[]).descriptor(), None),
        Form::Pointer => {
            let manifest = format!("sha256:{number:064x}");
            (Item::bundle(bundle).pointer(&manifest), Some((manifest, bundle.to_string().into_bytes())))
        }
        Form::Broken => {
            let mut broken = bundle.clone();
            broken["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+xml".into();
            (Item::bundle(&broken).descriptor(), None)
        }
    }
}

/// The only attestation that counts, and a rule that requires it.
pub fn right() -> Vec<u8> {
    vec![0, 0, 0, 0]
}

/// The law of attestations.
pub fn attestations(data: &[u8]) -> bool {
    let mut choices = Choices(data);
    let required: Vec<Required> = (0..1 + choices.byte() % 2).map(|_| requirement(&mut choices)).collect();
    let documents: Vec<&Document> = (0..1 + choices.byte() % 5).map(|_| document(&mut choices)).collect();
    let settings = settings(&required);
    let is_admitted = is_admitted(&settings, &documents);
    assert_eq!(is_admitted, is_met(&required, &documents), "{settings}");
    for left_out in 0..documents.len() {
        let fewer: Vec<&Document> =
            documents.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, document)| *document).collect();
        let is_admitted_without = self::is_admitted(&settings, &fewer);
        assert!(is_admitted || !is_admitted_without, "without document {left_out} the image is admitted: {settings}");
    }
    is_admitted
}

/// A document of the pool. Most of them are about the image, and whole.
fn document(choices: &mut Choices<'_>) -> &'static Document {
    let (content, form) = (usize::from(choices.byte()), usize::from(choices.byte()));
    let [signer, kind, build] = [content % 3, content / 3 % 2, content / 6 % 2];
    let (other, form) = if form < 160 { (0, 0) } else { (form / 4 % 2, form % 4) };
    &POOL[(((signer * 2 + kind) * 2 + build) * 2 + other) * FORMS.len() + form]
}

fn requirement(choices: &mut Choices<'_>) -> Required {
    let kinds = [vec![0], vec![1], vec![0, 1]][usize::from(choices.byte() % 3)].clone();
    let signers = [vec![0], vec![1], vec![0, 1], vec![0, 1, 2]][usize::from(choices.byte() % 4)].clone();
    let threshold = 1 + usize::from(choices.byte()) % signers.len();
    let build = [None, Some(0), Some(1)][usize::from(choices.byte() % 3)];
    Required { kinds, signers, threshold, build }
}

fn settings(required: &[Required]) -> String {
    let roots: Vec<Value> =
        SIGNERS.iter().map(|name| json!({"name": name, "key": Key::p256(name).public_pem()})).collect();
    let attestation = |required: &Required| {
        let mut fields = Map::new();
        let kinds: Vec<&str> = required.kinds.iter().map(|kind| TYPES[*kind]).collect();
        let names: Vec<&str> = required.signers.iter().map(|signer| SIGNERS[*signer]).collect();
        fields.insert("predicateType".to_owned(), json!(kinds));
        fields.insert("trustRoots".to_owned(), json!(names));
        fields.insert("threshold".to_owned(), json!(required.threshold));
        if let Some(build) = required.build {
            fields.insert("where".to_owned(), json!([{"path": "build", "equals": BUILDS[build]}]));
        }
        Value::Object(fields)
    };
    let attestations: Vec<Value> = required.iter().map(attestation).collect();
    json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": roots}],
        "policy": [{"pattern": "*", "with": {"signature": false, "attestations": attestations}}],
    })
    .to_string()
}

/// Whether enough signers each signed a document that passes everything, for each requirement.
fn is_met(required: &[Required], documents: &[&Document]) -> bool {
    required.iter().all(|required| {
        let passes = |signer: usize, document: &Document| {
            document.signer == signer
                && document.is_about_the_image
                && document.form != Form::Broken
                && required.kinds.contains(&document.kind)
                && required.build.is_none_or(|build| build == document.build)
        };
        let signed = |signer: &&usize| documents.iter().any(|document| passes(**signer, document));
        required.signers.iter().filter(signed).count() >= required.threshold
    })
}

fn is_admitted(settings: &str, documents: &[&Document]) -> bool {
    let layers: Vec<Value> = documents.iter().map(|document| document.layer.clone()).collect();
    let manifest = evidence::of_layers(&layers).to_string().into_bytes();
    let configs: BTreeMap<&str, &[u8]> = documents
        .iter()
        .filter_map(|document| {
            document.config.as_ref().map(|(manifest, config)| (manifest.as_str(), config.as_slice()))
        })
        .collect();
    let host = FakeHost::new()
        .every_digest(digest())
        .manifests(|image| if image.ends_with(".evidence") { Ok(manifest.clone()) } else { nothing() })
        .configs(|image| {
            let config = image.split_once('@').and_then(|(_, manifest)| configs.get(manifest));
            config.map_or_else(nothing, |config| Ok(config.to_vec()))
        });
    let answer = answer_to_image(&format!("{NAME}:1"), settings, &host);
    answer["accepted"].as_bool().unwrap()
}
