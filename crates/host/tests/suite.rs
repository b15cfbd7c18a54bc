//! Does Sigstore's conformance suite come out through the real module as its names say?
//!
//! Each bundle is the evidence of an image whose digest is that of the suite's file. A bundle that has to be refused denies the image. A good one that signs the
//! digest admits it; a good one around a statement is an attestation, and so no signature.

use std::{path::Path, sync::Arc};

use image_trust::Digest;
use image_trust_host::{AdmissionRequest, Deadline, Gate, Policy, Replay};
use image_trust_testbed::{
    corpus::{self, Case, fixtures::Fixtures, outcome, world},
    mint,
    suite::{self, Signer},
};
use serde_json::{Value, json};

/// The outcome for the only image of a case, in one word.
#[derive(Debug, PartialEq)]
enum Outcome {
    Proven,
    /// Denied with 403, and why.
    Denied(String),
}

fn settings(case: &suite::Case) -> Value {
    let mut root = json!({"name": "default"});
    let entries = serde_json::from_slice::<Value>(&case.bundle).ok();
    let entries = entries.and_then(|bundle| bundle.pointer("/verificationMaterial/tlogEntries")?.as_array().cloned());
    let mut with = json!({});
    match &case.signer {
        Signer::Key(pem) => {
            root["key"] = pem.as_str().into();
            with["verifyInTransparencyLog"] = entries.is_some_and(|entries| !entries.is_empty()).into();
        }
        Signer::Certificate { issuer, subject } => root["keyless"] = json!({"issuer": issuer, "subject": subject}),
    }
    let validator =
        json!({"name": "default", "type": "cosign", "trustedRoot": case.trusted_root, "trustRoots": [root]});
    json!({"validators": [validator], "policy": [{"pattern": "*:*", "with": with}], "features": {"timeBudgetMs": 30_000}})
}

/// The case as a row of the corpus, with everything that the policy can ask about the image.
fn row(case: &suite::Case, settings: Value, fixtures: &Fixtures) -> Case {
    let digest = Digest::of(&case.artifact);
    let repository = "registry.example.com/suite/app";
    let item = mint::evidence::Item {
        media_type: mint::bundle::V03,
        bytes: case.bundle.clone(),
        annotations: serde_json::Map::new(),
    };
    let world = [
        json!({format!("manifest {repository}:{}.sig", digest.as_tag()): "not-found"}),
        json!({format!("manifest {repository}:{}.evidence", digest.as_tag()): mint::evidence::manifest(&[item])}),
        json!({format!("manifest {repository}@{digest}"): "an-image"}),
        json!({format!("manifest {repository}:{}", digest.as_tag()): "not-found"}),
    ];
    let mut row = Case {
        name: case.name.clone(),
        why: String::new(),
        settings,
        request: Some(fixtures.like(&format!("pod {repository}@{digest}"))),
        session: None,
        expect: Value::Null,
    };
    row.session = Some(world::session(&world, &row.payload(), fixtures));
    row
}

fn outcome(answer: &str) -> Outcome {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let [record] = &outcome::records(&answer)[..] else { panic!("one image: {answer}") };
    let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    match answer["accepted"].as_bool() {
        Some(true) if word("verdict") == "proven" => Outcome::Proven,
        Some(false) if answer["code"] == 403 => Outcome::Denied(word("cause")),
        _ => panic!("neither proven nor denied: {answer}"),
    }
}

#[test]
fn the_conformance_suite_comes_out_as_its_names_say() {
    let Some(evidence) = suite::evidence() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
    let policy = Policy::load(&path).expect("`make policy.wasm` builds the module");
    let fixtures = Fixtures::read(&corpus::tests());
    let mut wrong = Vec::new();
    for case in suite::cases(&evidence) {
        let settings = settings(&case);
        if let Err(message) = policy.check_settings(&settings) {
            // A trusted root that can't be used.
            if !case.fails() {
                wrong.push(format!("{}: {message}", case.name));
            }
            continue;
        }
        let row = row(&case, settings, &fixtures);
        let request = AdmissionRequest::from_json(&row.request.as_ref().unwrap().to_string()).unwrap();
        let session = Replay::from_yaml(row.session.as_ref().unwrap()).unwrap();
        let evaluation = policy.evaluate(&request, &row.settings, Arc::new(Gate::new(session)), Deadline::Off).unwrap();
        let module = String::from_utf8(evaluation.raw).unwrap();
        assert_eq!(module, row.answer().unwrap().text, "{}: the module and the crate", case.name);
        let is_statement = String::from_utf8_lossy(&case.bundle).contains("dsseEnvelope");
        match (outcome(&module), case.fails()) {
            (Outcome::Denied(_), true) => {}
            (Outcome::Proven, false) if !is_statement => {}
            (Outcome::Denied(cause), false) if is_statement && cause == "unsigned" => {}
            (other, _) => wrong.push(format!("{}: {other:?}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
