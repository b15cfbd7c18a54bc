//! What lies beside an image when it is not what belongs there: signature manifests of every size and form, and what refers to the image.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image_trust_testbed::loopback::{
    Fault, ImageKind, Registry, SIGNATURE_ANNOTATION, Scope, Signer, digest_of, signature_tag,
};
use serde_json::{Value, json};

use crate::policy::{ASK, Expect, GUEST, HOST, LOOK, LOOK_AROUND, LOOK_BESIDE, LOOK_ON, Row, asking, by, host};
use crate::told::record;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const NOTATION: &str = "application/vnd.cncf.notary.signature";

/// A layer that says of these bytes that they were signed.
fn layer(payload: &str, annotations: &Value) -> Value {
    let mut layer = json!({
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "size": payload.len(),
        "digest": digest_of(payload.as_bytes()),
    });
    if !annotations.is_null() {
        layer["annotations"] = annotations.clone();
    }
    layer
}

fn garbage(n: usize) -> Vec<Value> {
    let signature = json!({SIGNATURE_ANNOTATION: "Z2FyYmFnZQ=="});
    (0..n).map(|n| layer(&format!("garbage {n}"), &signature)).collect()
}

/// What could be signatures of this payload, each another one: ECDSA's two numbers in DER, too small for anybody to have found them.
fn likely(n: u32, signed: &Value) -> Vec<Value> {
    let signature = |n: u32| STANDARD.encode([0x30, 6, 2, 1, 1 + (n % 127) as u8, 2, 1, 1 + (n / 127) as u8]);
    let layer = |n: u32| {
        let mut layer = signed.clone();
        layer["annotations"][SIGNATURE_ANNOTATION] = json!(signature(n));
        layer
    };
    (0..n).map(layer).collect()
}

/// A manifest of signatures with these layers.
fn manifest(layers: Vec<Value>) -> Value {
    let config = layer("{}", &Value::Null);
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

fn index(entries: Vec<Value>) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
}

/// An entry of an index: a manifest of this type.
fn entry(artifact_type: &str) -> Value {
    json!({"mediaType": MANIFEST, "size": 2, "digest": digest_of(artifact_type.as_bytes()), "artifactType": artifact_type})
}

/// An image with something under a tag of its digest, and no more.
struct Beside {
    registry: Registry,
    digest: String,
}

impl Beside {
    fn new() -> Self {
        let registry = Registry::start().unwrap();
        let digest = registry.push_image("app", "1", ImageKind::Oci, "x");
        // What the layers of garbage name.
        registry.put_blob("app", b"{}");
        for n in 0..20 {
            registry.put_blob("app", format!("garbage {n}").as_bytes());
        }
        Self { registry, digest }
    }

    /// The layer in which alice signs this image, with these annotations.
    fn good(&self, annotations: &[(&str, &str)]) -> Value {
        let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Signer::named("alice").sign(&self.registry, "app", &self.digest, &annotations).unwrap();
        let signed = self.registry.manifest("app", &signature_tag(&self.digest)).unwrap();
        let mut signed: Value = serde_json::from_slice(&signed.bytes).unwrap();
        signed["layers"].as_array_mut().unwrap().pop().unwrap()
    }

    /// Good layers by so many others, and alice's behind them.
    fn crowded(&self, others: usize) -> Value {
        for n in 0..others {
            let signer = Signer::named(&format!("signer {n}"));
            signer.sign(&self.registry, "app", &self.digest, &Default::default()).unwrap();
        }
        self.good(&[]);
        let signed = self.registry.manifest("app", &signature_tag(&self.digest)).unwrap();
        serde_json::from_slice(&signed.bytes).unwrap()
    }

    /// The good layer without annotations, with this value in place of the signature.
    fn signed_with(&self, signature: &str) -> Value {
        let mut good = self.good(&[]);
        good["annotations"][SIGNATURE_ANNOTATION] = json!(signature);
        manifest(vec![good])
    }

    fn put(&self, tag: &str, document: &Value) {
        let media_type = document["mediaType"].as_str().unwrap();
        self.registry.put_manifest("app", Some(tag), media_type, document.to_string().as_bytes());
    }

    /// The error in the verdict, if there is one.
    fn failure(&self, root: &str, calls: &str, expect: Expect<'_>, why: &str) -> Option<String> {
        let keys = ["alice", "bob"].map(|name| (name, Signer::named(name).public_pem()));
        let host_name = self.registry.host();
        let row = Row { image: format!("{host_name}/app:1"), rule: asking(by(root)), calls, expect, why };
        let came = row.evaluate(&host_name, &keys, &host(&[&host_name]));
        let judged = &record(&came)["digest"];
        let other = (judged != &self.digest).then(|| format!("{why}: judged was {judged}"));
        row.judge(&came, &keys).or(other)
    }
}

fn verdict(failures: &[String]) {
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

/// A manifest of so much garbage, and this layer behind it.
fn behind(n: usize, layer: Value) -> Value {
    let mut layers = garbage(n);
    layers.push(layer);
    manifest(layers)
}

#[test]
fn signature_manifests_of_every_size_and_form_are_decided_in_time() {
    const BY_GUEST: Expect<'_> = Expect::Pinned("", GUEST);
    const BY_HOST: Expect<'_> = Expect::Pinned("", HOST);
    let denied = |words| Expect::Denied(403, words, "");
    const NOT_HERS: &str = "not-signed: other-keys; missing alice; tells 1 signature";
    // Of a payload that nobody can rebuild only SHA-256 can be checked.
    const OF_ANOTHER: &str = "not-signed: other-keys-or-algorithm; missing alice; tells 1 signature";
    const IS_INDEX: &str = "not-signed: unusable-signature-manifest; missing alice; tells index, sha256-….sig";
    let nobody = Expect::Denied(403, "not-signed: unsigned; missing alice", "manifest unknown");
    let too_many =
        Expect::Denied(503, "evidence-unavailable: too-many-signatures; undecided alice; tells cosign clean", "");
    // what is there, whose signature is asked for, the host calls, what comes out, the reason
    type Shape<'a> = (fn(&Beside) -> Value, &'a str, &'a str, Expect<'a>, &'a str);
    #[rustfmt::skip]
    let table: &[Shape<'_>] = &[
        (|it| behind(0, it.good(&[])), "alice", LOOK, BY_GUEST, "one good layer"),
        (|it| behind(1, it.good(&[])), "alice", LOOK, BY_GUEST, "one good layer behind one of garbage"),
        (|it| behind(49, it.good(&[])), "alice", LOOK, BY_GUEST, "behind 49"),
        (|it| behind(999, it.good(&[])), "alice", LOOK, BY_GUEST, "as the last of all that are looked at"),
        (|it| behind(1_000, it.good(&[])), "alice", LOOK, too_many, "beyond them"),
        (|it| behind(9_999, it.good(&[])), "alice", LOOK, too_many, "far beyond them"),
        (|it| manifest(likely(10_000, &it.good(&[]))), "alice", LOOK, too_many, "a lot of what each has to be checked"),
        (|it| manifest(likely(300, &it.good(&[]))), "alice", LOOK_ON, denied("not-signed: not-looked-at; missing alice"), "as much of it as is looked at in a moment"),
        (|_| manifest(garbage(10_000)), "alice", LOOK, too_many, "garbage, and a lot of it"),
        (|_| manifest(garbage(1)), "alice", LOOK_ON, denied(OF_ANOTHER), "one layer of garbage, of which the host need not be asked"),
        (|_| manifest(garbage(50)), "alice", LOOK_ON, denied("not-signed: other-keys-or-algorithm; missing alice; tells 50 signatures"), "more of it than the host would be asked to read"),
        (|_| behind(0, layer("nobody has it", &json!({SIGNATURE_ANNOTATION: "Z2FyYmFnZQ=="}))), "alice", LOOK_ON, denied(OF_ANOTHER), "a layer that is not there, and not hers either"),
        (|it| behind(19, it.good(&[("env", "prod")])), "alice", ASK, BY_HOST, "a payload that only the host can read, behind 19 of garbage"),
        (|it| behind(20, it.good(&[("env", "prod")])), "alice", LOOK_ON, too_many, "more unknown payloads than the host is asked to read"),
        (|it| it.crowded(100), "alice", LOOK, BY_GUEST, "a hundred other signers of the same payload"),
        (|it| it.crowded(100), "bob", LOOK_ON, denied("not-signed: not-looked-at; missing bob"), "none of whom is asked for"),
        (|it| manifest(vec![it.good(&[]); 1_000]), "alice", LOOK, BY_GUEST, "a thousand copies of the good one"),
        (|it| manifest(vec![it.good(&[]); 1_000]), "bob", LOOK_ON, denied("not-signed: other-keys; missing bob; tells 1 signature"), "none of which is of the one who is asked for"),
        (|it| manifest(vec![layer("", &Value::Null), it.good(&[])]), "alice", LOOK, BY_GUEST, "a layer without annotations before the good one"),
        (|_| manifest(vec![layer("", &Value::Null)]), "alice", LOOK_AROUND, nobody, "only a layer without annotations"),
        (|_| manifest(vec![layer("", &json!({"a": "b"}))]), "alice", LOOK_AROUND, nobody, "annotations of another kind"),
        (|it| it.signed_with("%%%"), "alice", LOOK_AROUND, nobody, "no base64"),
        (|it| it.signed_with(&"A".repeat(100_000)), "alice", LOOK_AROUND, nobody, "a signature longer than any"),
        (|it| it.signed_with("Z2FyYmFnZQ=="), "alice", LOOK_ON, denied(NOT_HERS), "a good payload, and another signature"),
        (|it| { let mut good = it.good(&[]); good["digest"] = json!(digest_of(b"garbage 1")); manifest(vec![good]) }, "alice", LOOK_ON, denied(OF_ANOTHER), "a good signature, and another payload"),
        (|_| manifest(vec![]), "alice", LOOK_AROUND, nobody, "a manifest without layers"),
        (|_| index(vec![]), "alice", LOOK_ON, denied(IS_INDEX), "an index without entries"),
        (|_| index(vec![entry(BUNDLE)]), "alice", LOOK_ON, denied(IS_INDEX), "an index of other things"),
    ];
    let mut failures = Vec::new();
    for (made, root, calls, expect, why) in table {
        let beside = Beside::new();
        beside.put(&signature_tag(&beside.digest), &made(&beside));
        let expect = match *expect {
            Expect::Pinned(_, evidence) => Expect::Pinned(&beside.digest, evidence),
            denied => denied,
        };
        failures.extend(beside.failure(root, calls, expect, why));
    }
    verdict(&failures);
}

/// What refers to an image is only looked at to explain a no. Whatever it is, the image stays unsigned.
#[test]
fn what_refers_to_an_image_explains_and_proves_nothing() {
    const UNSIGNED: &str = "not-signed: unsigned; missing alice";
    const IS_BUNDLE: &str = "not-signed: signed-in-another-format (bundle); missing alice";
    const IS_NOTATION: &str = "not-signed: signed-in-another-format (Notation); missing alice";
    const ARE_BOTH: &str = "not-signed: signed-in-another-format (bundle, Notation); missing alice";
    // What an entry has no type for is looked at itself, four of them at most. Why not everything was looked at has no word, but is told.
    const NOT_ALL: &str = "not-signed: unsigned-not-looked-around; missing alice; tells listed";
    const NOT_SAID: &str = "not-signed: unsigned-not-looked-around; missing alice; tells registry";
    const LOOK_AT_FOUR: &str = "manifest_digest oci_manifest evidence oci_manifest oci_manifest oci_manifest oci_manifest oci_manifest oci_manifest";
    let entries = |types: &[&str]| index(types.iter().map(|name| entry(name)).collect());
    let untold = |n| {
        let mut entry = entry(&format!("application/{n}"));
        entry["artifactType"] = json!("application/vnd.oci.empty.v1+json");
        entry
    };
    let odd = |n: usize| index((0..n).map(untold).collect());
    // what is under the fallback tag, the fault that it meets, the host calls, what the denial says, the reason
    type Shape<'a> = (Value, Option<Fault>, &'a str, &'a str, &'a str);
    #[rustfmt::skip]
    let table: Vec<Shape<'_>> = vec![
        (entries(&[BUNDLE]), None, LOOK_BESIDE, IS_BUNDLE, "a bundle"),
        (entries(&[NOTATION]), None, LOOK_BESIDE, IS_NOTATION, "a signature by Notation"),
        (entries(&[NOTATION, BUNDLE, BUNDLE]), None, LOOK_BESIDE, ARE_BOTH, "both, and each is told once"),
        (entries(&[]), None, LOOK_AROUND, UNSIGNED, "nothing refers to it"),
        (odd(1), None, "manifest_digest oci_manifest evidence oci_manifest oci_manifest oci_manifest", UNSIGNED, "something that is not there"),
        (odd(10_000), None, LOOK_AT_FOUR, NOT_ALL, "a lot of it"),
        (manifest(garbage(10)), None, LOOK_AROUND, UNSIGNED, "a manifest in an index's place"),
        (entries(&[BUNDLE]), Some(Fault::Unauthorized), LOOK_AROUND, NOT_SAID, "401"),
        (entries(&[BUNDLE]), Some(Fault::TooManyRequests), LOOK_AROUND, NOT_SAID, "429"),
        (entries(&[BUNDLE]), Some(Fault::ServerError), LOOK_AROUND, NOT_SAID, "500"),
        (entries(&[BUNDLE]), Some(Fault::CutBody), LOOK_AROUND, NOT_SAID, "half of it"),
        (entries(&[BUNDLE]), Some(Fault::OtherBytes(b"{}".to_vec())), LOOK_AROUND, NOT_SAID, "other bytes"),
    ];
    let mut failures = Vec::new();
    for (document, fault, calls, says, why) in table {
        let beside = Beside::new();
        let tag = beside.digest.replace(':', "-");
        beside.put(&tag, &document);
        if let Some(fault) = fault {
            beside.registry.fail(Scope::Manifest { repository: "app".to_owned(), reference: tag }, fault);
        }
        failures.extend(beside.failure("alice", calls, Expect::Denied(403, says, "manifest unknown"), why));
    }
    verdict(&failures);
}
