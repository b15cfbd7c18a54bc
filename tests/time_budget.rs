//! What is found late, or too late, and what is said then?
//!
//! Time that runs out, and settings that turn out to be unusable when a request needs them: neither can be recorded as a session.

use image_trust::{Digest, answer, host::Host};
use image_trust_testbed::{host::FakeHost, registry};
use serde_json::{Value, json};

const ALICE: &str = include_str!("keys/alice.pub");
const BOB: &str = include_str!("keys/bob.pub");

/// A host in which every call takes so many milliseconds, and everything is signed by both, unless its name says that it is unsigned.
/// `open` says whether payloads can be written again; else only the host reads them.
fn slow(call_ms: u64, open: bool) -> FakeHost<'static> {
    let signers = |name: &str| Some(if name.contains("unsigned") { [].as_slice() } else { &["alice", "bob"] });
    let host = registry::host(signers).every_call_takes(call_ms);
    match open {
        true => host,
        false => host.manifests(|image| {
            let payload = registry::payload("ghcr.io/acme/other", Digest::of(image.as_bytes()));
            Ok(registry::signature_manifest(&["alice", "bob"], &payload))
        }),
    }
}

fn review(images: &[&str], settings: &Value, host: &dyn Host) -> Value {
    let containers: Vec<Value> = images.iter().map(|image| json!({"name": image, "image": image})).collect();
    let object = json!({"metadata": {"name": "web"}, "spec": {"containers": containers}});
    let request =
        json!({"kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "object": object});
    let payload = json!({"request": request, "settings": settings}).to_string();
    serde_json::to_value(answer::validate(payload.as_bytes(), host)).unwrap()
}

fn settings(features: &Value) -> Value {
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "askHost": true, "trustRoots": [{"name": "alice", "key": ALICE}, {"name": "bob", "key": BOB}]},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": [{"pattern": "*:*", "with": {"trustRoot": "*"}}, {"pattern": "evil.io/*", "validator": "deny"}],
        "features": features,
    })
}

/// What only explains a denial is left out when half of the time is used, and the message says that it is.
#[test]
fn what_was_not_looked_at_is_not_called_none() {
    let one = json!([{"name": "default", "type": "cosign", "trustRoots": [{"name": "alice", "key": ALICE}]}]);
    // how long a call takes, whether payloads can be written again, the image, the cause, the reason
    let rows: &[(u64, bool, &str, &str, &str)] = &[
        (100, true, "unsigned", "unsigned", "there is time to look around"),
        (250, true, "unsigned", "unsigned-not-looked-around", "two calls took 500 of 900 ms"),
        (100, false, "a", "other-payload", "there is time to compare"),
        (250, false, "a", "not-looked-at", "and here there is not"),
    ];
    for (call, open, image, cause, why) in rows {
        let mut settings = settings(&json!({}));
        settings["validators"] = one.clone();
        settings["policy"] = json!([{"pattern": "*:*", "with": {"trustRoot": "alice"}}]);
        let answer = review(&[image], &settings, &slow(*call, *open));
        let record: Value = serde_json::from_str(answer["audit_annotations"]["image-0"].as_str().unwrap()).unwrap();
        assert_eq!((&answer["code"], &record["cause"]), (&json!(403), &json!(cause)), "{why}: {answer}");
    }
}

/// A certificate that nobody looked at is not called a missing one.
#[test]
fn certificates_that_were_not_looked_at_are_not_called_none() {
    let keyless = json!({"issuer": "https://issuer.example.com", "subject": "alice@acme.example"});
    let settings = json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "keyless": keyless}]}],
        "policy": [{"pattern": "*:*"}],
    });
    // how long a call takes, the cause, the reason
    let rows = [
        (100, "certificate-form", "there is time to look at the certificate"),
        (250, "not-looked-at", "two calls took 500 of 900 ms"),
    ];
    for (call, cause, why) in rows {
        let host = slow(call, true).manifests(|image| {
            let payload = registry::payload("ghcr.io/acme/other", Digest::of(image.as_bytes()));
            let mut manifest: Value =
                serde_json::from_slice(&registry::signature_manifest(&["alice"], &payload)).unwrap();
            manifest["layers"][0]["annotations"]["dev.sigstore.cosign/certificate"] = "no certificate".into();
            Ok(manifest.to_string().into_bytes())
        });
        let answer = review(&["a"], &settings, &host);
        let record: Value = serde_json::from_str(answer["audit_annotations"]["image-0"].as_str().unwrap()).unwrap();
        assert_eq!((&answer["code"], &record["cause"]), (&json!(403), &json!(cause)), "{why}: {answer}");
    }
}

/// The contents of each image's record, and then the message.
fn told(response: &Value) -> String {
    let records = response["audit_annotations"].as_object().into_iter().flat_map(|records| records.values());
    let line = |record: &Value| {
        let record: Value = serde_json::from_str(record.as_str().unwrap()).unwrap();
        let word = record["reason"].as_str().or(record["verdict"].as_str()).unwrap().to_owned();
        let image = record["image"].as_str().unwrap();
        format!("{image}: {word}, signed by {}, not asked {}\n", record["signers"], record["notAsked"])
    };
    records.map(line).collect::<String>() + response["message"].as_str().unwrap_or_default()
}

#[test]
fn time_that_runs_out_is_a_denial_that_says_so() {
    // A tag takes two calls where payloads can be written again, and one more for each of two trust roots where they can't.
    let rows: &[(u64, bool, Value, &[&str], Option<u64>, &[&str], &str)] = &[
        (400, true, json!({}), &["a"], None, &[], "two calls are inside 900 ms"),
        (
            225,
            true,
            json!({}),
            &["a", "b"],
            Some(504),
            &[
                "b: out-of-time, signed by [], not asked [\"alice\",\"bob\"]",
                "timeoutEvalSeconds",
                "decided in time: a (proven)",
            ],
            "the second image's signatures came too late to be checked",
        ),
        (
            450,
            true,
            json!({}),
            &["a", "b"],
            Some(504),
            &["b: out-of-time, signed by null, not asked null"],
            "the second image has no time left",
        ),
        (
            225,
            false,
            json!({}),
            &["a"],
            Some(504),
            &["a: out-of-time, signed by [\"alice\"], not asked [\"bob\"]"],
            "the fourth call takes it all",
        ),
        (
            225,
            true,
            json!({}),
            &["a", "b:v1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
            None,
            &[],
            "a digest need not be looked up",
        ),
        (
            300,
            true,
            json!({}),
            &["a", "b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
            Some(504),
            &["a: out-of-time", "decided in time: b@sha256:e3b0"],
            "what costs less comes first",
        ),
        (
            50,
            true,
            json!({"timeBudgetMs": 1_200}),
            &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"],
            Some(504),
            &["g (proven), h (proven), i (proven), j (proven) and 1 more"],
            "ten are named, the others counted",
        ),
        (225, true, json!({"timeBudgetMs": 2000}), &["a", "b"], None, &[], "a longer budget"),
        (0, true, json!({"timeBudgetMs": 1}), &["a", "b", "c"], None, &[], "no time passes"),
        (
            900,
            true,
            json!({}),
            &["a", "evil.io/x"],
            Some(403),
            &["a: out-of-time", "evil.io/x: denied-by-rule"],
            "what needs no call is decided all the same",
        ),
    ];
    for (call_ms, open, features, images, code, phrases, why) in rows {
        let response = review(images, &settings(features), &slow(*call_ms, *open));
        assert_eq!(response["code"].as_u64(), *code, "{why}: {response}");
        let told = told(&response);
        for phrase in *phrases {
            assert!(told.contains(phrase), "{why}: {told}\ndoes not say\n{phrase}");
        }
    }
}

#[test]
fn what_is_refused_is_explained_after_the_others_are_proven() {
    let settings = settings(&json!({"detectionMode": true}));
    // Two calls an image; a third one, to explain the first, would leave no time for the second.
    let response = review(&["unsigned", "b"], &settings, &slow(200, true));
    let record: Value = serde_json::from_str(response["audit_annotations"]["image-1"].as_str().unwrap()).unwrap();
    assert_eq!(record["verdict"], "proven", "{response}");
}

#[test]
fn rules_that_take_too_long_end_in_time() {
    let host = FakeHost::new().every_look_takes(400);
    let response = review(&["evil.io/a", "evil.io/b", "evil.io/c", "evil.io/d"], &settings(&json!({})), &host);
    assert_eq!(host.calls(), 0, "static rules ask nobody");
    let told = told(&response);
    assert!(told.contains("evil.io/c: denied-by-rule"), "the third began in time: {told}");
    assert!(told.contains("evil.io/d: out-of-time"), "{told}");
}

#[test]
fn detection_mode_softens_time_but_no_settings() {
    let detection = json!({"detectionMode": true});
    let late = review(&["a", "b"], &settings(&detection), &slow(900, true));
    assert_eq!(late["accepted"], true, "{late}");
    assert!(late["mutated_object"].is_null(), "nothing was proven in time: {late}");

    // Each row breaks the settings in a way that only the rule that wins finds out.
    let rows = [
        (
            "/validators/0/trustRoots/0/key",
            json!("no key"),
            "validators[0].trustRoots[0].key: is not a public key in PEM",
        ),
        ("/validators/0/trustRoots/1/key", json!(ALICE), "validators[0].trustRoots[1].key: is the key of `alice`"),
        ("/policy/0/with/trustRoot", json!("carol"), "policy[0].with.trustRoot: there is no trust root `carol`"),
        ("/policy/0/with", json!({"threshold": "2"}), "policy[0].with: invalid type"),
        ("/policy/0/with", json!({"thresold": 2}), "policy[0].with: unknown field"),
        ("/policy/0/validator", json!("nobody"), "policy[0].validator: there is no validator called `nobody`"),
        ("/policy/1/pattern", json!("evil?"), "policy[1].pattern: `?`"),
    ];
    for (path, value, expected) in rows {
        let mut settings = settings(&detection);
        match settings.pointer_mut(path) {
            Some(place) => *place = value,
            None => settings["policy"][0]["validator"] = value,
        }
        let response = review(&["a"], &settings, &slow(0, true));
        assert_eq!((&response["accepted"], &response["code"]), (&json!(false), &json!(500)), "{path}: {response}");
        let message = response["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}\ndoes not say\n{expected}");
        assert!(
            answer::validate_settings(settings.to_string().as_bytes()).is_err(),
            "{path}: refused at settings time too"
        );
    }
}

#[test]
fn pods_only_softens_no_settings() {
    let mut settings = settings(&json!({"resourceValidationMode": "podsOnly"}));
    let spec = json!({"template": {"spec": {"containers": [{"name": "a", "image": "unsigned"}]}}});
    let request = json!({"kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "operation": "CREATE", "object": {"spec": spec}});
    let review = |settings: &Value| {
        let payload = json!({"request": request, "settings": settings}).to_string();
        serde_json::to_value(answer::validate(payload.as_bytes(), &slow(0, true))).unwrap()
    };
    assert_eq!(review(&settings)["accepted"], true, "an unsigned image is only warned of");
    settings["policy"][0]["with"]["trustRoot"] = json!("carol");
    let response = review(&settings);
    assert_eq!((&response["accepted"], &response["code"]), (&json!(false), &json!(500)), "{response}");
}

#[test]
fn settings_with_a_key_twice_are_refused() {
    let text = settings(&json!({})).to_string();
    let twice = text.replacen('{', r#"{"features":{"detectionMode":true},"#, 1);
    let message = answer::validate_settings(twice.as_bytes()).unwrap_err();
    assert!(message.contains("duplicate field `features`"), "{message}");
}
