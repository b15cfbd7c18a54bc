//! Attestations in evidence manifests: right ones, and others that are wrong in one way each.

use image_trust_testbed::mint::{
    Bundle, Entry, ISSUED, Instance, Key, Leaf,
    bundle::{Content, Log, Signer, statement},
    der,
    evidence::{self, Item},
    hex, log,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Minted, REPOSITORY, bundles::by_key, digest, identities::*};

const SLSA: &str = "https://slsa.dev/provenance/v1";
const SPDX: &str = "https://spdx.dev/Document";
const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

/// What a workflow says of how it built the image.
fn built(kind: &str) -> Value {
    json!({
        "buildDefinition": {
            "buildType": kind,
            "externalParameters": {"workflow": {"ref": "refs/tags/v1", "repository": "https://github.com/acme/app"}},
        },
        "runDetails": {"builder": {"id": "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1"}},
    })
}

/// What a scanner found: vulnerabilities of these severities. Without any, Trivy leaves the list out.
fn scanned(severities: &[&str], finished: &str) -> Value {
    let found: Vec<Value> = severities.iter().map(|severity| json!({"Severity": severity})).collect();
    let result =
        if found.is_empty() { json!({"Target": "app"}) } else { json!({"Target": "app", "Vulnerabilities": found}) };
    json!({"metadata": {"scanFinishedOn": finished}, "scanner": {"result": {"Results": [result]}}})
}

/// The statement that this predicate is about the image.
fn about(predicate_type: &str, predicate: Value) -> Value {
    let mut statement = statement(&digest('1'), predicate_type);
    statement["predicate"] = predicate;
    statement
}

fn slsa() -> Value {
    about(SLSA, built("https://example.com/build"))
}

fn signed(name: &str, statement: &Value) -> Bundle {
    let signer = Signer::Key(Key::p256(name));
    Bundle { content: Content::Statement(statement.to_string().into_bytes()), signer, ..by_key() }
}

fn keyless(leaf: Leaf, statement: &Value, log: Log) -> Bundle {
    let timestamps = if log == Log::Rekor1 { Vec::new() } else { vec![ISSUED + 60] };
    Bundle { signer: Signer::Certified(Box::new(leaf)), log, timestamps, ..signed("alice", statement) }
}

fn json_of(bundle: &Bundle) -> Value {
    bundle.json(&ours())
}

fn item(name: &str, statement: &Value) -> Item {
    Item::bundle(&json_of(&signed(name, statement)))
}

/// An evidence manifest with a signature of the image by alice, and with these items.
fn beside(name: &'static str, items: &[Item]) -> Minted {
    let signature = Item::bundle(&json_of(&by_key()));
    (name, evidence::manifest(&[vec![signature], items.to_vec()].concat()))
}

/// An evidence manifest with these items only.
fn only(name: &'static str, items: &[Item]) -> Minted {
    (name, evidence::manifest(items))
}

/// Attestations in bundles.
pub(super) fn bundles() -> Vec<Minted> {
    let by_bob = |name, statement: &Value| beside(name, &[item("bob", statement)]);
    let subject = |subject: Value| {
        let mut statement = slsa();
        statement["subject"] = json!([subject]);
        statement
    };
    let changed = |name, at: &str, value: Value| {
        let mut bundle = json_of(&signed("bob", &slsa()));
        *bundle.pointer_mut(at).unwrap() = value;
        beside(name, &[Item::bundle(&bundle)])
    };
    let of_type = |kind: &str| {
        let mut statement = slsa();
        statement["_type"] = kind.into();
        statement
    };
    let other = about(SLSA, built("https://example.com/other"));
    let second = json_of(&signed("alice", &slsa()))["dsseEnvelope"]["signatures"][0].clone();
    let spaced = serde_json::to_string_pretty(&slsa()).unwrap();
    let mut twice = slsa().to_string();
    twice.insert_str(1, r#""predicateType":"https://spdx.dev/Document","#);
    let twice = Bundle { content: Content::Statement(twice.into_bytes()), ..signed("bob", &slsa()) };
    let mut predicates = slsa().to_string();
    predicates.insert_str(1, r#""predicate":{},"#);
    let predicates = Bundle { content: Content::Statement(predicates.into_bytes()), ..signed("bob", &slsa()) };
    let mut hundred: Vec<Item> =
        (0..99).map(|number| item("mallory", &about(SPDX, json!({"number": number})))).collect();
    hundred.push(item("bob", &slsa()));
    let typed_outside = {
        let mut item = item("bob", &about("https://example.com/custom", json!({})));
        item.annotations.insert("dev.sigstore.bundle.predicateType".to_owned(), SLSA.into());
        beside("attested-typed-by-an-annotation", &[item])
    };
    vec![
        by_bob("attested-by-bob", &slsa()),
        beside("attested-by-alice", &[item("alice", &slsa())]),
        beside("attested-by-both", &[item("alice", &slsa()), item("bob", &slsa())]),
        beside("attested-by-mallory", &[item("mallory", &slsa())]),
        only("attested-and-not-signed", &[item("bob", &slsa())]),
        only("attested-by-alice-and-not-signed", &[item("alice", &slsa())]),
        beside("signed-and-not-attested", &[]),
        by_bob("attested-of-another-image", &subject(json!({"digest": {"sha256": "2".repeat(64)}}))),
        by_bob("attested-by-the-name-of-the-image", &subject(json!({"name": format!("{REPOSITORY}@{}", digest('1'))}))),
        by_bob("attested-of-another-algorithm", &subject(json!({"digest": {"sha512": "1".repeat(64)}}))),
        by_bob("attested-with-another-type-of-statement", &of_type("https://in-toto.io/Statement/v2")),
        by_bob("attested-with-version-0.1", &of_type("https://in-toto.io/Statement/v0.1")),
        by_bob("attested-with-another-predicate", &about(SPDX, json!({}))),
        by_bob(
            "attested-with-a-longer-predicate-type",
            &about("https://slsa.dev/provenance/v1.1", built("https://example.com/build")),
        ),
        by_bob("attested-with-another-build", &other),
        beside("attested-in-halves", &[item("bob", &other), item("mallory", &slsa())]),
        changed("attested-with-another-payload-type", "/dsseEnvelope/payloadType", "application/json".into()),
        changed(
            "attested-with-the-payload-written-again",
            "/dsseEnvelope/payload",
            der::base64(spaced.as_bytes()).into(),
        ),
        changed(
            "attested-with-two-signatures",
            "/dsseEnvelope/signatures",
            json!([second, json_of(&signed("bob", &slsa()))["dsseEnvelope"]["signatures"][0]]),
        ),
        beside("attested-with-two-predicate-types", &[Item::bundle(&json_of(&twice))]),
        beside("attested-with-two-predicates", &[Item::bundle(&json_of(&predicates))]),
        beside("attested-after-a-hundred-items", &hundred),
        typed_outside,
        by_bob("scanned-clean", &about(VULN, scanned(&[], "2026-01-01T12:00:00Z"))),
        by_bob("scanned-with-a-finding", &about(VULN, scanned(&["LOW", "HIGH"], "2026-01-01T12:00:00Z"))),
        by_bob("scanned-critical", &about(VULN, scanned(&["LOW", "CRITICAL"], "2026-01-01T12:00:00Z"))),
        by_bob("scanned-long-ago", &about(VULN, scanned(&[], "2025-11-01T12:00:00Z"))),
        by_bob("scanned-tomorrow", &about(VULN, scanned(&[], "2126-01-04T12:00:00Z"))),
        beside(
            "scanned-clean-and-critical",
            &[
                item("bob", &about(VULN, scanned(&["CRITICAL"], "2026-01-01T13:00:00Z"))),
                item("bob", &about(VULN, scanned(&[], "2026-01-01T12:00:00Z"))),
            ],
        ),
        only("attested-keyless-in-rekor-1", &[Item::bundle(&json_of(&keyless(alice(), &slsa(), Log::Rekor1)))]),
        only("attested-keyless-in-rekor-2", &[Item::bundle(&json_of(&keyless(alice(), &slsa(), Log::Rekor2)))]),
        only("attested-keyless-without-a-log", &[Item::bundle(&json_of(&keyless(alice(), &slsa(), Log::None)))]),
        of_platform("sbom-of-the-first-platform", '3', SPDX, "bob"),
        of_platform("sbom-of-the-second-platform", '4', "https://cyclonedx.org/bom", "bob"),
        of_platform("sbom-of-the-second-platform-by-mallory", '4', SPDX, "mallory"),
    ]
}

/// Attestations that are too large for the evidence manifest, and the answers to questions for them.
pub(super) fn large() -> Vec<Minted> {
    let annotated = |predicate_type: &str| {
        let mut item = item("bob", &slsa());
        item.annotations.insert("dev.sigstore.bundle.predicateType".to_owned(), predicate_type.into());
        item
    };
    let manifests = ['5', '6', '7', '8', '9', 'a', 'b', 'c', 'd'].map(digest);
    let [first, ..] = &manifests;
    let with_layers = |name, layers: &[Value]| {
        let signature = Item::bundle(&json_of(&by_key())).descriptor();
        (name, evidence::of_layers(&[vec![signature], layers.to_vec()].concat()))
    };
    let mut beyond = annotated(SLSA).pointer(first);
    beyond["size"] = 4_000_001.into();
    let mut unnamed = annotated(SLSA).pointer(first);
    unnamed["annotations"]["dev.image-trust.manifest"] = "latest".into();
    let envelope = {
        let mut item = Item::envelope(&json_of(&signed("bob", &slsa())), &[]);
        item.annotations.insert("predicateType".to_owned(), SLSA.into());
        item
    };
    let left_out = |predicate_type: &str| Item {
        media_type: "application/vnd.image-trust.left-out.v1+json",
        bytes: json!({"mediaType": "application/vnd.dsse.envelope.v1+json", "digest": first, "size": 5_000_000})
            .to_string()
            .into_bytes(),
        annotations: [("predicateType".to_owned(), predicate_type.into())].into_iter().collect(),
    };
    let answer = |name, statement: &Value| {
        let config = json_of(&signed("bob", statement));
        (name, json!({"manifest": evidence::of_layers(&[]), "digest": first, "config": config}))
    };
    let mut other = slsa();
    other["subject"] = json!([{"digest": {"sha256": "2".repeat(64)}}]);
    vec![
        with_layers("attested-by-pointer", &[annotated(SLSA).pointer(first)]),
        with_layers("attested-by-pointer-of-another-type", &[annotated(SPDX).pointer(first)]),
        with_layers("attested-by-pointer-of-no-type", &[item("bob", &slsa()).pointer(first)]),
        with_layers("attested-by-pointer-to-a-tag", &[unnamed]),
        with_layers("attested-by-pointer-beyond-4-mb", &[beyond]),
        with_layers(
            "attested-by-nine-pointers",
            &manifests.each_ref().map(|manifest| annotated(SLSA).pointer(manifest)),
        ),
        with_layers(
            "attested-by-pointer-and-by-bob",
            &[annotated(SLSA).pointer(first), item("bob", &slsa()).descriptor()],
        ),
        with_layers("att-by-pointer", &[envelope.pointer(first)]),
        with_layers("att-left-out", &[left_out(SLSA).descriptor()]),
        with_layers("att-left-out-of-another-type", &[left_out(SPDX).descriptor()]),
        answer("pointed-by-bob", &slsa()),
        answer("pointed-of-another-image", &other),
        answer("pointed-with-another-build", &about(SLSA, built("https://example.com/other"))),
    ]
}

/// The evidence of a platform of the index, which is not signed itself.
fn of_platform(name: &'static str, digit: char, predicate_type: &str, signer: &str) -> Minted {
    only(name, &[item(signer, &statement(&digest(digit), predicate_type))])
}

/// Attestations as cosign 2 stores them.
pub(super) fn envelopes() -> Vec<Minted> {
    let ours = ours();
    let by_bob = json_of(&signed("bob", &slsa()));
    let bare = Item::envelope(&by_bob, &[]);
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex(&Sha256::digest(bytes))});
    // The entry of a log about these stored bytes, by this verifier.
    let intoto = |stored: &[u8], verifier: &str| {
        let spec = json!({
            "content": {"hash": hash(stored), "payloadHash": hash(slsa().to_string().as_bytes())},
            "publicKey": der::base64(verifier.as_bytes()),
        });
        logged(&ours, "intoto", &spec)
    };
    let bob = Key::p256("bob").public_pem();
    let mallory = Key::p256("mallory").public_pem();
    let with_entry = |name, entry: String| only(name, &[Item::envelope(&by_bob, &[("bundle", entry)])]);
    let dsse = {
        let spec = json!({
            "envelopeHash": hash(&bare.bytes),
            "payloadHash": hash(slsa().to_string().as_bytes()),
            "signatures": [{"signature": by_bob["dsseEnvelope"]["signatures"][0]["sig"], "verifier": der::base64(bob.as_bytes())}],
        });
        logged(&ours, "dsse", &spec)
    };
    let certificate = ours.issue(&alice());
    let by_alice = Bundle { signer: Signer::Certified(Box::new(alice())), ..signed("alice", &slsa()) }.json(&ours);
    let stored = Item::envelope(&by_alice, &[]).bytes;
    let keyless = |name, parts: &[(&'static str, String)]| {
        let known = [("certificate", certificate.pem()), ("chain", ours.chain_pem())];
        only(name, &[Item::envelope(&by_alice, &[&known[..], parts].concat())])
    };
    let stamped = |bytes: &[u8]| {
        let response = der::base64(&ours.tsa.stamp(bytes, ISSUED + 60));
        ("rfc3161timestamp", json!({"SignedRFC3161Timestamp": response}).to_string())
    };
    let signature = der::unbase64(by_alice["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap());
    let broken = Item { bytes: b"{}".to_vec(), ..bare.clone() };
    vec![
        beside("att-by-bob", std::slice::from_ref(&bare)),
        only("att-by-bob-and-not-signed", std::slice::from_ref(&bare)),
        only("att-that-is-none", &[broken]),
        only("att-of-a-signature", &[Item::envelope(&json_of(&by_key()), &[])]),
        with_entry("att-by-bob-in-a-log", intoto(&bare.bytes, &bob)),
        with_entry("att-by-bob-in-a-log-as-dsse", dsse),
        with_entry("att-by-bob-in-a-log-of-other-bytes", intoto(b"other bytes", &bob)),
        with_entry("att-by-bob-in-a-log-by-another-key", intoto(&bare.bytes, &mallory)),
        keyless("att-keyless", &[("bundle", intoto(&stored, &certificate.pem()))]),
        keyless("att-keyless-with-a-timestamp", &[stamped(&stored)]),
        keyless("att-keyless-with-a-timestamp-of-the-signature", &[stamped(&signature)]),
    ]
}

/// cosign's annotation for an entry of this kind, which the log made.
fn logged(instance: &Instance, kind: &str, spec: &Value) -> String {
    let body = log::canonical(&json!({"apiVersion": "0.0.1", "kind": kind, "spec": spec})).into_bytes();
    Entry::at(ISSUED + 60).bundle(&instance.rekor, &body)
}
