//! Bundles and payloads in evidence manifests: right ones, and others that are wrong in one way each.

use image_trust_testbed::mint::{
    Bundle, Extension, ISSUED, Instance, Key, Kind, Leaf, Name, Scts, Stamp, Tsa,
    bundle::{Content, Log, Signer, V01, V02, note_id, statement},
    der,
    evidence::{self, Item},
};
use serde_json::{Value, json};

use super::{Minted, REPOSITORY, digest, identities::*};

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";
const PROOF: &str = "/verificationMaterial/tlogEntries/0/inclusionProof";
const STAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
const SLSA: &str = "https://slsa.dev/provenance/v1";

/// By alice's key: the one of `tests/keys/alice.pub`.
pub(super) fn by_key() -> Bundle {
    Bundle::signing(Signer::Key(Key::p256("alice")), &digest('1'))
}

/// By alice, whom the instance certified.
fn keyless(log: Log) -> Bundle {
    keyless_by(alice(), log)
}

fn keyless_by(leaf: Leaf, log: Log) -> Bundle {
    let timestamps = if log == Log::Rekor2 { vec![ISSUED + 60] } else { Vec::new() };
    Bundle { log, timestamps, ..Bundle::signing(Signer::Certified(Box::new(leaf)), &digest('1')) }
}

pub(super) fn json_of(bundle: &Bundle) -> Value {
    bundle.json(&ours())
}

/// The evidence manifest of one bundle.
fn one(name: &'static str, bundle: &Value) -> Minted {
    (name, evidence::manifest(&[Item::bundle(bundle)]))
}

/// The same with one value changed.
fn changed(name: &'static str, bundle: &Bundle, at: &str, value: Value) -> Minted {
    let mut json = json_of(bundle);
    *json.pointer_mut(at).unwrap_or_else(|| panic!("{name}: {at}")) = value;
    one(name, &json)
}

/// The same without one member.
fn without(name: &'static str, bundle: &Bundle, at: &str, member: &str) -> Minted {
    let mut json = json_of(bundle);
    json.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    one(name, &json)
}

/// A value with another one in its place that is of the same place in another bundle.
fn taken(name: &'static str, bundle: &Bundle, other: &Bundle, at: &str) -> Minted {
    changed(name, bundle, at, json_of(other).pointer(at).unwrap().clone())
}

/// One that says this of the image.
fn stating(statement: &Value) -> Bundle {
    Bundle { content: Content::Statement(statement.to_string().into_bytes()), ..by_key() }
}

/// The bytes in base64 at this place.
fn bytes(json: &Value, at: &str) -> Vec<u8> {
    der::unbase64(json.pointer(at).unwrap().as_str().unwrap())
}

pub(super) fn good() -> Vec<Minted> {
    let version = |media_type, bundle: Bundle| json_of(&Bundle { media_type, ..bundle });
    let of_kind = |kind| json_of(&Bundle { signer: Signer::Key(Key::new(kind, "alice")), ..by_key() });
    let annotated = {
        let mut statement = statement(&digest('1'), "https://sigstore.dev/cosign/sign/v1");
        statement["subject"][0]["annotations"] = json!({"stage": "prod", "build": "7"});
        statement
    };
    let named = {
        let mut statement = statement(&digest('1'), "https://sigstore.dev/cosign/sign/v1");
        statement["subject"][0]["name"] = REPOSITORY.into();
        statement
    };
    let mut keyed = json_of(&by_key());
    keyed["dsseEnvelope"]["signatures"][0]["keyid"] = "somebody's".into();
    let mut witnessed = json_of(&keyless(Log::Rekor2));
    let note = witnessed.pointer(&format!("{PROOF}/checkpoint/envelope")).unwrap().as_str().unwrap().to_owned();
    let (text, signatures) = note.split_once("\n\n").unwrap();
    let witness = der::base64(&[7; 77]);
    *witnessed.pointer_mut(&format!("{PROOF}/checkpoint/envelope")).unwrap() =
        format!("{text}\n\n\u{2014} witness.example.com {witness}\n{signatures}").into();
    let message = || Content::Message(digest('1'));
    vec![
        one("bundle-by-a-key", &json_of(&by_key())),
        one("bundle-by-a-key-0.1", &version(V01, by_key())),
        one("bundle-by-a-key-0.2", &version(V02, by_key())),
        one("bundle-by-p384", &of_kind(Kind::P384)),
        one("bundle-by-p384-with-sha384", &of_kind(Kind::P384Wide)),
        one("bundle-by-p521", &of_kind(Kind::P521)),
        one("bundle-by-p521-with-sha512", &of_kind(Kind::P521Wide)),
        one("bundle-by-ed25519", &of_kind(Kind::Ed25519)),
        one("bundle-by-rsa", &of_kind(Kind::Rsa2048)),
        one("bundle-by-p256-with-sha512", &of_kind(Kind::P256Wide)),
        one("bundle-by-rsa-pss", &of_kind(Kind::Rsa2048Pss)),
        one("bundle-with-a-message-signature", &json_of(&Bundle { content: message(), ..by_key() })),
        one("bundle-with-a-key-id", &keyed),
        one("bundle-with-annotations", &json_of(&stating(&annotated))),
        one("bundle-with-a-name", &json_of(&stating(&named))),
        one("bundle-by-a-key-in-rekor-1", &json_of(&Bundle { log: Log::Rekor1, ..by_key() })),
        one("bundle-by-a-key-in-rekor-2", &json_of(&Bundle { log: Log::Rekor2, ..by_key() })),
        one("bundle-in-rekor-1", &json_of(&keyless(Log::Rekor1))),
        one("bundle-in-rekor-1-0.2", &version(V02, keyless(Log::Rekor1))),
        one("bundle-in-rekor-1-0.1", &version(V01, Bundle { has_proof: false, ..keyless(Log::Rekor1) })),
        one(
            "bundle-in-rekor-1-with-a-timestamp",
            &json_of(&Bundle { timestamps: vec![ISSUED + 70], ..keyless(Log::Rekor1) }),
        ),
        one("bundle-in-rekor-1-with-a-message", &json_of(&Bundle { content: message(), ..keyless(Log::Rekor1) })),
        one("bundle-in-rekor-2", &json_of(&keyless(Log::Rekor2))),
        one("bundle-in-rekor-2-with-a-message", &json_of(&Bundle { content: message(), ..keyless(Log::Rekor2) })),
        one("bundle-in-rekor-2-with-a-witness", &witnessed),
        one("bundle-with-a-timestamp-only", &json_of(&Bundle { timestamps: vec![ISSUED + 60], ..keyless(Log::None) })),
        one("bundle-without-any-time", &json_of(&keyless(Log::None))),
    ]
}

/// Bundles of workflows, and what the CA says of them.
pub(super) fn workflows() -> Vec<Minted> {
    let claim = |oid, text: &str| Extension::new(oid, der::tlv(der::UTF8, text.as_bytes()));
    let workflow = || {
        let leaf = Leaf::of_workflow();
        let claims = [claim("1.3.6.1.4.1.57264.1.11", "github-hosted"), claim("1.3.6.1.4.1.57264.1.15", "891715444")];
        Leaf { extensions: [leaf.extensions.clone(), claims.to_vec()].concat(), ..leaf }
    };
    let shared = Leaf {
        names: vec![Name::Uri("https://github.com/builders/shared/.github/workflows/build.yml@refs/tags/v2")],
        ..workflow()
    };
    let enterprise = Some("https://token.actions.githubusercontent.com/acme");
    let of_enterprise = Leaf { issuer_v1: enterprise, issuer_v2: enterprise, ..workflow() };
    let server = Some("https://github.acme.example/_services/token");
    let of_server = Leaf {
        names: vec![Name::Uri("https://github.acme.example/acme/app/.github/workflows/release.yml@refs/tags/v1")],
        issuer_v1: server,
        issuer_v2: server,
        repository_v2: Some("https://github.acme.example/acme/app"),
        ..workflow()
    };
    let of_another_server = Leaf { repository_v2: Some("https://github.example.org/acme/app"), ..of_server.clone() };
    let logged = |leaf| json_of(&keyless_by(leaf, Log::Rekor1));
    vec![
        one("bundle-of-a-workflow", &logged(workflow())),
        one("bundle-of-a-shared-workflow", &logged(shared)),
        one("bundle-of-an-enterprise", &logged(of_enterprise)),
        one("bundle-of-a-server", &logged(of_server)),
        one("bundle-of-a-server-for-another-server", &logged(of_another_server)),
    ]
}

/// What is wrong with an envelope or a message.
pub(super) fn contents() -> Vec<Minted> {
    let sign = |kind: &str| statement(&digest('1'), kind);
    let cosign = "https://sigstore.dev/cosign/sign/v1";
    let mut of_another_type = sign(cosign);
    of_another_type["_type"] = "https://in-toto.io/Statement/v2".into();
    let mut named_only = statement(&digest('2'), cosign);
    named_only["subject"][0]["name"] = digest('1').into();
    let mut of_another_hash = sign(cosign);
    of_another_hash["subject"][0]["digest"] = json!({"sha512": "1".repeat(64)});
    let mut twice = json_of(&by_key());
    let signature = twice["dsseEnvelope"]["signatures"][0].clone();
    twice["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(signature);
    let payload = Content::Statement(sign(cosign).to_string().into_bytes());
    let spaced = der::base64(serde_json::to_string_pretty(&sign(cosign)).unwrap().as_bytes());
    let mut both = json_of(&by_key());
    both["messageSignature"] =
        json_of(&Bundle { content: Content::Message(digest('1')), ..by_key() })["messageSignature"].clone();
    vec![
        one("bundle-of-provenance-only", &json_of(&stating(&sign(SLSA)))),
        changed(
            "bundle-of-provenance-that-says-it-is-a-signature",
            &stating(&sign(SLSA)),
            "/dsseEnvelope/payload",
            der::base64(sign(cosign).to_string().as_bytes()).into(),
        ),
        one("bundle-of-another-image", &json_of(&stating(&statement(&digest('2'), cosign)))),
        one("bundle-of-another-statement-type", &json_of(&stating(&of_another_type))),
        one("bundle-of-the-image-by-name-only", &json_of(&stating(&named_only))),
        one("bundle-of-another-hash", &json_of(&stating(&of_another_hash))),
        one("bundle-with-two-signatures", &twice),
        one("bundle-with-two-contents", &both),
        changed("bundle-with-a-changed-payload", &by_key(), "/dsseEnvelope/payload", spaced.into()),
        changed(
            "bundle-with-a-changed-payload-type",
            &Bundle { payload_type: "text/plain", content: payload.clone(), ..by_key() },
            "/dsseEnvelope/payloadType",
            "application/vnd.in-toto+json".into(),
        ),
        one(
            "bundle-with-another-payload-type",
            &json_of(&Bundle { payload_type: "application/vnd.in-toto.provenance+json", content: payload, ..by_key() }),
        ),
        one(
            "bundle-with-a-message-of-another-image",
            &json_of(&Bundle { content: Content::Message(digest('2')), ..by_key() }),
        ),
        changed(
            "bundle-with-a-message-of-another-hash",
            &Bundle { content: Content::Message(digest('1')), ..by_key() },
            "/messageSignature/messageDigest/algorithm",
            "SHA2_512".into(),
        ),
        one("bundle-by-bob", &json_of(&Bundle { signer: Signer::Key(Key::p256("bob")), ..by_key() })),
    ]
}

/// What is wrong with a log entry.
pub(super) fn entries() -> Vec<Minted> {
    let (v1, v2) = (keyless(Log::Rekor1), keyless(Log::Rekor2));
    let proof_only = Bundle { timestamps: Vec::new(), ..v1.clone() };
    let other =
        |log| Bundle { content: Content::Statement(statement(&digest('2'), "x").to_string().into()), ..keyless(log) };
    let by_bob = |log| keyless_by(bob(), log);
    let again = |log| {
        let older = Leaf { not_before: ISSUED - 300, not_after: ISSUED + 300, ..alice() };
        keyless_by(older, log)
    };
    let note = |change: &dyn Fn(String) -> String| {
        let envelope = format!("{PROOF}/checkpoint/envelope");
        let note = json_of(&v2).pointer(&envelope).unwrap().as_str().unwrap().to_owned();
        (envelope, Value::from(change(note)))
    };
    let noted = |name, change: &dyn Fn(String) -> String| {
        let (at, value) = note(change);
        changed(name, &v2, &at, value)
    };
    let mut twice = json_of(&v1);
    let entry = twice.pointer(ENTRY).unwrap().clone();
    twice["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(entry);
    let impostor = |body: &Value| {
        let key = Key::new(Kind::Ed25519, "another log");
        image_trust_testbed::mint::bundle::proof(
            &bytes(body, &format!("{ENTRY}/canonicalizedBody")),
            &key,
            Instance::REKOR_2,
            Instance::REKOR_2,
        )
    };
    let hash = json_of(&v2).pointer(&format!("{PROOF}/hashes/1")).unwrap().clone();
    let mut promised = json_of(&v2);
    promised.pointer_mut(ENTRY).unwrap()["inclusionPromise"] = json!({"signedEntryTimestamp": der::base64(&[1; 70])});
    let mut crowded = json_of(&keyless(Log::Rekor1));
    let entry = crowded.pointer(ENTRY).unwrap().clone();
    let copies = (0..5).map(|number| {
        let mut copy = entry.clone();
        copy["logIndex"] = number.to_string().into();
        copy.as_object_mut().unwrap().remove("inclusionPromise");
        copy
    });
    crowded["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().extend(copies);
    let mut elsewhere = json_of(&keyless(Log::Rekor1));
    let mut strange = elsewhere.pointer(ENTRY).unwrap().clone();
    strange["logId"]["keyId"] = der::base64(&[7; 32]).into();
    strange["kindVersion"]["version"] = "9.0.0".into();
    elsewhere["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(strange);
    let (crowd_at, crowd) = note(&|note| {
        let (text, line) = note.split_once("\n\n").unwrap();
        let other = der::base64(&[&der::unbase64(line.trim_end().rsplit(' ').next().unwrap())[..4], &[0; 64]].concat());
        format!("{text}\n\n{}{line}", format!("\u{2014} {} {other}\n", Instance::REKOR_2).repeat(4))
    });
    vec![
        one("bundle-with-six-entries", &crowded),
        one("bundle-with-an-entry-of-an-unknown-log", &elsewhere),
        changed("bundle-with-five-signatures-of-the-log", &v2, &crowd_at, crowd),
        taken("bundle-with-the-entry-of-another-image", &v1, &other(Log::Rekor1), ENTRY),
        taken("bundle-with-the-entry-of-another-image-in-rekor-2", &v2, &other(Log::Rekor2), ENTRY),
        taken("bundle-with-the-entry-of-bob", &v1, &by_bob(Log::Rekor1), ENTRY),
        taken("bundle-with-the-entry-of-bob-in-rekor-2", &v2, &by_bob(Log::Rekor2), ENTRY),
        taken("bundle-with-the-entry-of-another-certificate", &v1, &again(Log::Rekor1), ENTRY),
        taken("bundle-with-the-entry-of-another-certificate-in-rekor-2", &v2, &again(Log::Rekor2), ENTRY),
        one("bundle-with-an-entry-twice", &twice),
        changed(
            "bundle-with-an-entry-of-another-kind-beside-it",
            &v1,
            &format!("{ENTRY}/kindVersion/version"),
            "0.0.2".into(),
        ),
        changed(
            "bundle-with-the-promise-of-another-time",
            &v1,
            &format!("{ENTRY}/integratedTime"),
            (ISSUED + 61).to_string().into(),
        ),
        changed("bundle-with-the-promise-of-another-place", &v1, &format!("{ENTRY}/logIndex"), "4712".into()),
        without("bundle-with-a-time-that-nobody-promised", &proof_only, ENTRY, "inclusionPromise"),
        without("bundle-in-rekor-1-without-a-proof", &v1, ENTRY, "inclusionProof"),
        without("bundle-in-rekor-2-without-a-proof", &v2, ENTRY, "inclusionProof"),
        one("bundle-in-rekor-2-with-a-promise", &promised),
        changed("bundle-with-a-hash-of-the-proof-changed", &v2, &format!("{PROOF}/hashes/0"), hash),
        changed(
            "bundle-with-a-hash-of-the-proof-changed-in-rekor-1",
            &v1,
            &format!("{PROOF}/hashes/0"),
            der::base64(&[1; 32]).into(),
        ),
        changed("bundle-with-another-place-in-the-proof", &v2, &format!("{PROOF}/logIndex"), "4".into()),
        changed("bundle-with-no-hashes-in-the-proof", &v2, &format!("{PROOF}/hashes"), json!([])),
        changed(
            "bundle-with-another-root-beside-the-proof",
            &v2,
            &format!("{PROOF}/rootHash"),
            der::base64(&[1; 32]).into(),
        ),
        changed("bundle-with-another-size-beside-the-proof", &v2, &format!("{PROOF}/treeSize"), "12".into()),
        without("bundle-without-a-size-beside-the-proof", &v2, PROOF, "treeSize"),
        changed("bundle-with-the-checkpoint-of-another-log", &v2, PROOF, impostor(&json_of(&v2))),
        noted("bundle-with-a-checkpoint-of-another-size", &|note| note.replace("\n11\n", "\n12\n")),
        noted("bundle-with-a-checkpoint-of-another-origin", &|note| {
            note.replacen(Instance::REKOR_2, "log.example.org", 1)
        }),
        noted("bundle-with-a-checkpoint-of-another-name", &|note| note.replace("\u{2014} log2026", "\u{2014} log2025")),
        noted("bundle-with-a-checkpoint-without-signatures", &|note| note.split("\u{2014}").next().unwrap().to_owned()),
        noted("bundle-with-a-checkpoint-with-another-hint", &|note| {
            let (head, signature) = note.trim_end().rsplit_once(' ').unwrap();
            let mut signature = der::unbase64(signature);
            signature[0] ^= 1;
            format!("{head} {}\n", der::base64(&signature))
        }),
        changed(
            "bundle-with-the-entry-of-another-log",
            &v2,
            &format!("{ENTRY}/logId/keyId"),
            der::base64(&note_id("log.example.org", &ours().rekor_2)).into(),
        ),
    ]
}

/// What is wrong with a timestamp.
pub(super) fn timestamps() -> Vec<Minted> {
    let bundle = keyless(Log::Rekor2);
    let ours = ours();
    let signature = bytes(&json_of(&bundle), "/dsseEnvelope/signatures/0/sig");
    let stamp = || Stamp::of(&signature);
    let stamped =
        |name, tsa: &Tsa, stamp: &Stamp| changed(name, &bundle, STAMP, der::base64(&tsa.answer(stamp)).into());
    let other = Tsa::new("theirs");
    let logged = Bundle { timestamps: vec![ISSUED + 70], ..keyless(Log::Rekor1) };
    let logged_signature = bytes(&json_of(&logged), "/dsseEnvelope/signatures/0/sig");
    let beside = |name, stamp: Option<Stamp>, tsa: &Tsa| {
        let response = stamp.map_or_else(|| b"nothing".to_vec(), |stamp| tsa.answer(&stamp));
        changed(name, &logged, STAMP, der::base64(&response).into())
    };
    let mut trailing = ours.tsa.answer(&stamp());
    trailing.push(0);
    vec![
        stamped(
            "bundle-with-a-timestamp-with-parts-of-a-second",
            &ours.tsa,
            &Stamp { time: "20260101000100.082Z".into(), ..stamp() },
        ),
        stamped("bundle-with-a-timestamp-of-sha512", &ours.tsa, &Stamp { is_wide: true, ..stamp() }),
        stamped(
            "bundle-with-a-timestamp-with-its-certificate",
            &ours.tsa,
            &Stamp { certificates: vec![ours.tsa.der.clone()], ..stamp() },
        ),
        stamped(
            "bundle-with-a-timestamp-that-is-late",
            &ours.tsa,
            &Stamp { time: der::generalized(ISSUED + 601), ..stamp() },
        ),
        stamped(
            "bundle-with-a-timestamp-that-is-early",
            &ours.tsa,
            &Stamp { time: der::generalized(ISSUED - 1), ..stamp() },
        ),
        stamped(
            "bundle-with-a-timestamp-after-the-authority-ended",
            &ours.tsa,
            &Stamp { time: der::generalized(ISSUED + 400 * 86_400), ..stamp() },
        ),
        stamped("bundle-with-a-timestamp-of-something-else", &ours.tsa, &Stamp::of(b"something else")),
        stamped("bundle-with-a-timestamp-of-another-authority", &other, &stamp()),
        stamped(
            "bundle-with-a-timestamp-by-another-key",
            &ours.tsa,
            &Stamp { key: Some(other.key.clone()), ..stamp() },
        ),
        beside("bundle-in-rekor-1-with-a-timestamp-of-another-authority", Some(Stamp::of(&logged_signature)), &other),
        beside("bundle-in-rekor-1-with-a-timestamp-that-is-none", None, &other),
        beside("bundle-in-rekor-1-with-a-timestamp-of-something-else", Some(Stamp::of(b"else")), &ours.tsa),
        beside(
            "bundle-in-rekor-1-with-a-timestamp-by-another-key",
            Some(Stamp { key: Some(other.key.clone()), ..Stamp::of(&logged_signature) }),
            &ours.tsa,
        ),
        stamped(
            "bundle-with-a-timestamp-of-another-certificate",
            &ours.tsa,
            &Stamp { essential: Some(other.der.clone()), ..stamp() },
        ),
        stamped(
            "bundle-with-a-timestamp-of-another-issuer",
            &ours.tsa,
            &Stamp { issuer: Some(other.ca.name.clone()), ..stamp() },
        ),
        stamped(
            "bundle-with-a-timestamp-of-another-message",
            &ours.tsa,
            &Stamp { digest_of: Some(b"else".to_vec()), ..stamp() },
        ),
        stamped("bundle-with-a-timestamp-with-an-attribute-twice", &ours.tsa, &Stamp { twice: Some(1), ..stamp() }),
        stamped("bundle-with-a-timestamp-with-two-signers", &ours.tsa, &Stamp { signers: 2, ..stamp() }),
        stamped("bundle-with-a-timestamp-that-was-refused", &ours.tsa, &Stamp { status: 2, ..stamp() }),
        changed("bundle-with-a-timestamp-and-a-byte", &bundle, STAMP, der::base64(&trailing).into()),
        changed(
            "bundle-in-rekor-2-without-a-timestamp",
            &bundle,
            "/verificationMaterial/timestampVerificationData",
            json!({}),
        ),
    ]
}

/// What is wrong with a certificate, or with the material around it.
pub(super) fn materials() -> Vec<Minted> {
    let v1 = |leaf| json_of(&keyless_by(leaf, Log::Rekor1));
    let chain = Bundle { media_type: V02, ..keyless(Log::Rekor1) };
    let mut with_root = json_of(&chain);
    with_root["verificationMaterial"]["x509CertificateChain"]["certificates"]
        .as_array_mut()
        .unwrap()
        .push(json!({"rawBytes": der::base64(&ours().root.der)}));
    let mut with_both = json_of(&keyless(Log::Rekor1));
    with_both["verificationMaterial"]["publicKey"] = json!({"hint": ""});
    let mut new_with_chain = json_of(&chain);
    new_with_chain["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.3+json".into();
    let theirs = keyless(Log::Rekor1).json(&Instance::new("theirs"));
    let doubled = json_of(&by_key()).to_string().replacen('{', r#"{"mediaType":"x","#, 1);
    let raw = |name, bytes: &[u8]| {
        (name, evidence::manifest(&[Item { bytes: bytes.to_vec(), ..Item::bundle(&Value::Null) }]))
    };
    vec![
        one("bundle-by-bob-in-rekor-1", &json_of(&keyless_by(bob(), Log::Rekor1))),
        one("bundle-without-an-sct", &v1(Leaf { scts: Scts::Missing, ..alice() })),
        one("bundle-of-a-certificate-that-ended", &v1(Leaf { not_after: ISSUED + 30, ..alice() })),
        one("bundle-of-another-instance", &theirs),
        one("bundle-with-a-root", &with_root),
        one("bundle-with-a-certificate-and-a-key", &with_both),
        one("bundle-0.3-with-a-chain", &new_with_chain),
        changed(
            "bundle-of-an-unknown-version",
            &by_key(),
            "/mediaType",
            "application/vnd.dev.sigstore.bundle.v0.4+json".into(),
        ),
        changed(
            "bundle-with-bobs-signature",
            &keyless(Log::None),
            "/dsseEnvelope/signatures/0/sig",
            json_of(&keyless_by(bob(), Log::None))["dsseEnvelope"]["signatures"][0]["sig"].clone(),
        ),
        raw("bundle-with-a-member-twice", doubled.as_bytes()),
        raw("bundle-that-is-none", b"{}"),
        raw("bundle-that-is-a-list", b"[]"),
    ]
}
