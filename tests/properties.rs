//! Which laws hold for every request, and not only for the ones that somebody thought of?

use std::collections::BTreeSet;

use image_trust::{
    Digest, ImageRef, answer,
    policy::{Choice, Policy},
};
use image_trust_testbed::{
    host::FakeHost,
    registry::{self, payload, repository, sign, signature_manifest},
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

const ALICE: &str = include_str!("keys/alice.pub");
const BOB: &str = include_str!("keys/bob.pub");

/// Alice signed whatever is in a `signed` repository, both of them what is in `both`; nothing that is `broken` can be reached.
fn signers(repository: &str) -> Option<&'static [&'static str]> {
    match () {
        () if repository.contains("broken") => None,
        () if repository.contains("both") => Some(&["bob", "alice"]),
        () if repository.contains("signed") => Some(&["alice"]),
        () => Some(&[]),
    }
}

const APP: &str = "ghcr.io/acme/app";
const SIGNATURE: &str = "/annotations/dev.cosignproject.cosign~1signature";

fn digest() -> Digest {
    Digest::of(b"an image")
}

/// A host in which these bytes lie where signatures belong, and which trusts nobody.
fn beside(manifest: Vec<u8>) -> FakeHost<'static> {
    FakeHost::new().every_digest(digest()).signatures(digest(), manifest)
}

/// A value that may stand anywhere in a manifest of signatures.
fn evidence() -> impl Strategy<Value = Value> {
    let other = payload(APP, Digest::of(b"another image"));
    prop::sample::select(vec![
        json!(null),
        json!(0),
        json!([]),
        json!({}),
        json!(""),
        json!(digest().to_string()),
        json!(Digest::of(other.as_bytes()).to_string()),
        json!(Digest::of(payload(APP, digest()).as_bytes()).to_string()),
        json!(sign("alice", other.as_bytes())),
        json!(sign("bob", payload(APP, digest()).as_bytes())),
        json!([{"digest": Digest::of(other.as_bytes()).to_string(), "annotations": {"dev.cosignproject.cosign/signature": sign("alice", other.as_bytes())}}]),
    ])
}

fn settings(mode: &str, detection: bool) -> Value {
    let all = json!({"trustRoot": "*", "mode": mode});
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "trustRoots": [{"name": "alice", "key": ALICE}, {"name": "bob", "key": BOB}]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": [
            {"pattern": "*:*", "validator": "deny"},
            {"pattern": "free.io/*", "validator": "allow"},
            {"pattern": "ghcr.io/acme/*", "with": {"trustRoot": "alice", "mode": mode}},
            {"pattern": "ghcr.io/acme/both*", "with": all},
            {"pattern": "library/signed*", "with": {"trustRoot": "alice", "mode": mode}},
        ],
        "features": {"detectionMode": detection},
    })
}

/// Images of every outcome: allowed, denied, proven, not signed, not reachable, unreadable.
fn image() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "free.io/tool",
        "evil.io/free.io/tool",
        "ghcr.io/acme/signed-app",
        "GHCR.io/acme/signed-app",
        "ghcr.io/acme/both",
        "ghcr.io/acme/plain",
        "ghcr.io/acme/broken",
        "signed",
        "docker.io/signed",
        "EVIL/app",
        "a//b",
    ]);
    let tail = prop::sample::select(vec![
        "",
        ":v1",
        ":v2",
        "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]);
    (name, tail).prop_map(|(name, tail)| format!("{name}{tail}"))
}

/// Static rules that match such images, more or less closely.
fn rule() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "*",
        "*/*",
        "free.io/*",
        "ghcr.io/*",
        "ghcr.io/acme/*",
        "ghcr.io/acme/*ed*",
        "ghcr.io/acme/*app*",
        "ghcr.io/acme/signed-app",
        "*/acme/both",
        "*/signed",
        "signed",
    ]);
    let tail = prop::sample::select(vec![
        "",
        ":*",
        ":v1",
        ":v*",
        "@sha256:*",
        "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]);
    (name, tail, prop::sample::select(vec!["allow", "deny"]))
        .prop_map(|(name, tail, validator)| json!({"pattern": format!("{name}{tail}"), "validator": validator}))
}

/// Every place in a JSON value, as pointers.
fn places(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below =
        inner.into_iter().flat_map(|(key, value)| places(value).into_iter().map(move |place| format!("/{key}{place}")));
    std::iter::once(String::new()).chain(below).collect()
}

/// What may stand where something else belongs; an object is added to what is there.
fn damage() -> impl Strategy<Value = Value> {
    let keys = [
        "keyless",
        "cert",
        "identities",
        "verifySCT",
        "key",
        "with",
        "required",
        "threshold",
        "trustRoot",
        "approve",
        "trustRoots",
        "features",
        "mode",
        "x",
    ];
    let values = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(2),
        json!("alice"),
        json!("*"),
        json!(""),
        json!([]),
        json!(["alice"]),
        json!({"trustRoot": "*"}),
        json!(ALICE),
    ];
    let value = prop::sample::select(values);
    prop_oneof![
        value.clone(),
        (prop::sample::select(keys.to_vec()), value).prop_map(|(key, value)| json!({key: value}))
    ]
}

fn images() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(image(), 1..6)
}

fn pod(images: &[String]) -> Value {
    let container = |(i, image): (usize, &String)| json!({"name": format!("c{i}"), "image": image, "future": {"n": i}});
    json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": images.iter().enumerate().map(container).collect::<Vec<_>>()}})
}

fn request(object: &Value) -> Value {
    json!({"kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "object": object})
}

fn review(object: &Value, settings: &Value) -> Value {
    let payload = json!({"request": request(object), "settings": settings}).to_string();
    serde_json::to_value(answer::validate(payload.as_bytes(), &registry::host(signers))).unwrap()
}

fn images_of(object: &Value) -> Vec<String> {
    let containers = object["spec"]["containers"].as_array().unwrap();
    containers.iter().map(|container| container["image"].as_str().unwrap().to_owned()).collect()
}

/// The audit records, without what was done.
fn decisions(response: &Value) -> Vec<Value> {
    let records = response["audit_annotations"].as_object().unwrap().values();
    let mut records: Vec<Value> =
        records.map(|record| serde_json::from_str(record.as_str().unwrap()).unwrap()).collect();
    for record in &mut records {
        record["pinned"] = Value::Null;
    }
    records
}

/// The object after the review: changed, or as it was.
fn outcome<'v>(response: &'v Value, object: &'v Value) -> &'v Value {
    if response["mutated_object"].is_null() { object } else { &response["mutated_object"] }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}|[a-zA-Z0-9./:@_-]{0,80}") {
        if let Ok(image) = ImageRef::parse(&text) {
            prop_assert_eq!(ImageRef::parse(&image.to_string()), Ok(image));
        }
    }

    #[test]
    fn a_pinned_reference_is_pinned_once(text in image()) {
        if let Ok(image) = ImageRef::parse(&text) {
            let digest = Digest::of(text.as_bytes());
            let pinned = image.pinned(digest);
            prop_assert_eq!(ImageRef::parse(pinned.written()), Ok(pinned.clone()));
            let again = pinned.pinned(Digest::of(b"another"));
            prop_assert_eq!(again.written(), pinned.written());
            prop_assert_eq!(pinned.digest(), image.digest().or(Some(digest)));
        }
    }

    #[test]
    fn reviewing_the_result_changes_nothing_more(images in images()) {
        let object = pod(&images);
        let settings = settings("mutate", false);
        let first = review(&object, &settings);
        let second = review(outcome(&first, &object), &settings);
        prop_assert_eq!(&first["accepted"], &second["accepted"]);
        prop_assert!(second["mutated_object"].is_null());
    }

    #[test]
    fn only_images_change_and_only_to_what_was_proven(images in images()) {
        let object = pod(&images);
        let response = review(&object, &settings("mutate", false));
        let mut after = outcome(&response, &object).clone();
        for (i, (was, is)) in images.iter().zip(images_of(&after)).enumerate() {
            if *was != is {
                let (was, is) = (ImageRef::parse(was).unwrap(), ImageRef::parse(&is).unwrap());
                prop_assert_eq!(is.digest(), Some(registry::digest_of(&was)));
                prop_assert!(signers(&repository(&was)).is_some_and(|signers| signers.contains(&"alice")), "{} was not proven", is);
                prop_assert_eq!((was.registry(), was.repository(), was.tag()), (is.registry(), is.repository(), is.tag()));
            }
            after["spec"]["containers"][i]["image"] = json!(was);
        }
        prop_assert_eq!(after, object);
    }

    #[test]
    fn nothing_is_admitted_unless_every_image_may_run(images in images()) {
        let response = review(&pod(&images), &settings("mutate", false));
        let may_run = |text: &String| {
            let Ok(image) = ImageRef::parse(text) else { return false };
            let proven = ["ghcr.io/acme/signed-app", "ghcr.io/acme/both", "docker.io/library/signed"];
            image.registry() == "free.io" || proven.contains(&repository(&image).as_str())
        };
        prop_assert_eq!(&response["accepted"], &json!(images.iter().all(may_run)));
    }

    #[test]
    fn order_decides_nothing((images, order) in images().prop_flat_map(|images| {
        let order: Vec<usize> = (0..images.len()).collect();
        (Just(images), Just(order).prop_shuffle())
    })) {
        let permuted: Vec<String> = order.iter().map(|i| images[*i].clone()).collect();
        let (object, other) = (pod(&images), pod(&permuted));
        let first = review(&object, &settings("mutate", false));
        let second = review(&other, &settings("mutate", false));
        prop_assert_eq!((&first["accepted"], &first["code"]), (&second["accepted"], &second["code"]));
        let before = images_of(outcome(&first, &object));
        let expected: Vec<String> = order.iter().map(|i| before[*i].clone()).collect();
        prop_assert_eq!(images_of(outcome(&second, &other)), expected);
    }

    #[test]
    fn settings_that_are_accepted_decide(at in any::<Index>(), value in damage(), second in any::<Index>(), other in damage()) {
        let mut settings = settings("mutate", false);
        for (at, value) in [(at, value), (second, other)] {
            let places = places(&settings);
            if let Some(place) = settings.pointer_mut(&places[at.index(places.len())]) {
                match (place, value) {
                    (Value::Object(object), Value::Object(more)) => object.extend(more),
                    (place, value) => *place = value,
                }
            }
        }
        if answer::validate_settings(settings.to_string().as_bytes()).is_ok() {
            let images = ["free.io/tool", "ghcr.io/acme/both", "ghcr.io/acme/signed-app:v1", "signed", "evil.io/x"].map(str::to_owned);
            let response = review(&pod(&images), &settings);
            prop_assert!(!response.to_string().contains("the policy's settings can't be used"), "{} of {}", response, settings);
            prop_assert_ne!(&response["code"], &json!(500));
        }
    }

    #[test]
    fn the_rule_of_the_record_is_the_one_that_was_chosen(rules in prop::collection::vec(rule(), 1..8), image in image()) {
        let validators = json!([
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ]);
        let settings = json!({"validators": validators, "policy": rules});
        let text = settings.to_string();
        let policy = Policy::load(&text).unwrap();
        if let Ok(reference) = ImageRef::parse(&image) {
            let chosen = match policy.rules(&BTreeSet::from([reference.registry()])).unwrap().choose(&reference).unwrap() {
                Choice::Rule(rule) | Choice::Tie(rule, _) => Some(rule.pattern().0),
                Choice::None(_) => None,
            };
            let response = review(&pod(&[image]), &settings);
            let records = decisions(&response);
            prop_assert_eq!(records[0]["rule"].as_str(), chosen.as_deref(), "{}", response);
        }
    }

    #[test]
    fn only_alices_signature_proves(changes in prop::collection::vec((any::<Index>(), evidence()), 0..4)) {
        let mut manifest: Value = serde_json::from_slice(&signature_manifest(&["mallory", "alice"], &payload(APP, digest()))).unwrap();
        let genuine = manifest["layers"][1].clone();
        for (at, value) in changes {
            let places = places(&manifest);
            if let Some(place) = manifest.pointer_mut(&places[at.index(places.len())]) {
                *place = value;
            }
        }
        let is_genuine = |layer: &Value| ["/digest", SIGNATURE].iter().all(|place| layer.pointer(place) == genuine.pointer(place));
        let signed = manifest["layers"].as_array().is_some_and(|layers| layers.iter().any(is_genuine));
        let payload = json!({"request": request(&pod(&[format!("{APP}:v1")])), "settings": settings("mutate", false)}).to_string();
        let response = serde_json::to_value(answer::validate(payload.as_bytes(), &beside(manifest.to_string().into_bytes()))).unwrap();
        prop_assert!(response["accepted"] == json!(false) || signed, "{}", manifest);
        prop_assert_ne!(&response["code"], &json!(500));
    }

    #[test]
    fn no_bytes_beside_an_image_are_a_proof(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[\\]{}\",:a-z0-9]{0,64}") {
        for manifest in [bytes, text.into_bytes()] {
            let payload = json!({"request": request(&pod(&[format!("{APP}:v1")])), "settings": settings("mutate", false)}).to_string();
            let response = serde_json::to_value(answer::validate(payload.as_bytes(), &beside(manifest))).unwrap();
            prop_assert_eq!(&response["code"], &json!(403));
        }
    }

    #[test]
    fn detection_decides_the_same_and_denies_nothing(images in images()) {
        let object = pod(&images);
        let enforced = review(&object, &settings("mutate", false));
        let detected = review(&object, &settings("mutate", true));
        prop_assert_eq!(&detected["accepted"], &json!(true));
        // The records are those of the decision; only what is done with it differs.
        // Where a denial is enforced, not every image is looked at.
        let pairs = decisions(&enforced).into_iter().zip(decisions(&detected));
        for (enforced, detected) in pairs.filter(|(enforced, _)| enforced["reason"] != "not-checked") {
            prop_assert_eq!(enforced, detected);
        }
        let soft = detected["warnings"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(soft == 0, enforced["accepted"] == json!(true));
        if enforced["accepted"] == json!(true) {
            prop_assert_eq!(outcome(&enforced, &object), outcome(&detected, &object));
        }
    }

    #[test]
    fn validate_only_changes_nothing(images in images()) {
        let response = review(&pod(&images), &settings("insecureValidateOnly", true));
        prop_assert!(response["mutated_object"].is_null());
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "\\PC{0,64}") {
        for payload in [bytes, text.clone().into_bytes(), json!({"request": text, "settings": {}}).to_string().into_bytes()] {
            let response = serde_json::to_value(answer::validate(&payload, &registry::host(signers))).unwrap();
            prop_assert_eq!(&response["accepted"], &json!(false));
            prop_assert!(answer::validate_settings(&payload).is_err());
        }
    }
}
