//! What is signed, what is genuine by halves, what keys have in the log, and what an index lists.

use serde_json::{Value, json};

use super::{Answer, REPOSITORY, Row, TAG, digest, rows::*, signatures};
use image_trust_testbed::mint::{self, Entry, Extension, ISSUED, Instance, Key, Kind, Layer, Leaf, Name, Sct, Scts};

pub(super) fn payloads() -> Vec<Row> {
    let elsewhere = mint::payload("ghcr.io/acme/base", &digest('1'));
    let text = String::from_utf8(payload()).unwrap();
    let with_stage = text.replace(r#""optional":null"#, r#""optional":{"stage":"prod"}"#).into_bytes();
    let row = |case, verdict, why, payload: &[u8]| {
        Row::new(case, verdict, why, only(named("alice@example.com")), &[ours().sign(&alice(), payload)])
    };
    let stage = json!({"annotations": {"stage": "prod"}});
    vec![
        row(
            "keyless-signature-copied-from-another-repository-is-denied",
            DENIED,
            "with a certificate the signed name is the image's own, if nothing else is said",
            &elsewhere,
        ),
        row("keyless-signature-under-an-accepted-name-is-proven", ADMITTED, "identities name others", &elsewhere)
            .with(json!({"identities": ["self", "ghcr.io/acme/base"]})),
        row(
            "keyless-signature-with-the-annotations-that-are-asked-for",
            ADMITTED,
            "annotations are part of what is signed",
            &with_stage,
        )
        .with(stage.clone()),
        row(
            "keyless-signature-without-the-annotations-is-denied",
            DENIED,
            "and the denial says that it is only these",
            &payload(),
        )
        .with(stage),
        row(
            "keyless-signature-of-another-digest-is-denied",
            DENIED,
            "the right name, and another image",
            &mint::payload(REPOSITORY, &digest('2')),
        ),
    ]
}

/// Right by halves: each of these holds something that is genuine.
pub(super) fn halves() -> Vec<Row> {
    let row = |case, why, layers: &[Layer]| Row::new(case, DENIED, why, only(named("alice@example.com")), layers);
    let other = || mint::payload(REPOSITORY, &digest('2'));
    let sct = |sct| Leaf { scts: Scts::List(vec![sct]), ..alice() };
    let older = Leaf { not_before: ISSUED - 300, not_after: ISSUED + 300, ..alice() };
    let [right, bobs] = [alice(), bob()].map(|leaf| signed(&leaf));
    vec![
        row(
            "right-certificate-on-another-payload-is-denied",
            "a genuine signature, moved to an image that it is not of",
            &[ours().sign(&alice(), &other()).on(&payload())],
        ),
        row(
            "log-entry-of-another-payload-is-denied",
            "a genuine entry of the same signer that is about another image (B39a)",
            &[Layer { bundle: ours().sign(&alice(), &other()).bundle, ..right.clone() }],
        ),
        row(
            "log-entry-of-another-certificate-is-denied",
            "a genuine entry of the same key under an older certificate (B39a)",
            &[Layer { bundle: signed(&older).bundle, ..right.clone() }],
        ),
        row(
            "log-entry-after-the-certificate-ended-is-denied",
            "a key that was kept for longer than its certificate",
            &[ours().sign_logged(&alice(), &Entry::at(ISSUED + 601), &payload())],
        ),
        row(
            "log-entry-of-another-log-is-denied",
            "whoever runs a log can put anything into it, at any time",
            &[ours().sign_logged(
                &alice(),
                &Entry { key: Some(Key::p256("another log")), ..Entry::default() },
                &payload(),
            )],
        ),
        row(
            "timestamp-of-another-ct-log-is-denied",
            "a certificate that no trusted log saw",
            &[signed(&sct(Sct { key: Some(Key::p256("another log")), ..Sct::default() }))],
        ),
        row(
            "timestamp-of-another-certificate-is-denied",
            "a genuine timestamp that is about something else",
            &[signed(&sct(Sct { over: Some(ours().issue(&bob()).logged), ..Sct::default() }))],
        ),
        row(
            "certificate-over-somebody-elses-signature-is-denied",
            "a genuine certificate and its entry beside a signature of another key",
            &[Layer { signature: bobs.signature.clone(), ..right.clone() }],
        ),
        row(
            "two-keyless-signatures-that-are-each-half-right-are-none",
            "nothing is taken from two signatures",
            &[
                Layer { bundle: bobs.bundle.clone(), ..right.clone() },
                Layer { certificate: right.certificate, bundle: right.bundle, ..bobs },
            ],
        ),
        row(
            "certificate-that-is-not-for-code-is-denied",
            "a certificate of the right CA for another purpose",
            &[signed(&Leaf { purposes: vec!["1.3.6.1.5.5.7.3.2"], ..alice() })],
        ),
        row(
            "certificate-with-two-names-is-denied",
            "a second name is nobody's business, and was nobody's choice",
            &[signed(&Leaf {
                names: vec![Name::Email("alice@example.com"), Name::Email("bob@example.com")],
                ..alice()
            })],
        ),
        row(
            "certificate-with-an-unknown-critical-extension-is-denied",
            "what has to be understood, and is not, is no yes",
            &[signed(&Leaf { extensions: vec![Extension::critical("1.2.3.4", vec![5, 0])], ..alice() })],
        ),
        row(
            "certificate-with-bytes-after-it-is-denied",
            "two readers could see two certificates",
            &[signed(&Leaf { trailing: vec![0], ..alice() })],
        ),
        row(
            "certificate-that-is-huge-is-denied",
            "right in every way, and longer than any certificate",
            &[signed(&Leaf { extensions: vec![Extension::new("1.2.3.4", vec![4; 20_000])], ..alice() })],
        ),
        row(
            "certificate-with-a-key-that-is-none-is-denied",
            "a point that is not on its curve verifies nothing",
            &[{
                let certificate = ours().issue(&alice());
                let key = certificate.key.public();
                let at = certificate.der.windows(key.len()).position(|window| window == key).unwrap();
                let mut der = certificate.der;
                der[at + key.len() - 1] ^= 1;
                Layer { certificate: Some(mint::der::pem("CERTIFICATE", &der)), ..signed(&alice()) }
            }],
        ),
        row(
            "certificate-with-two-issuers-is-denied",
            "both ways in which a certificate names its issuer have to agree",
            &[signed(&Leaf { issuer_v2: Some("https://evil.example"), ..alice() })],
        ),
        row(
            "certificate-with-a-chain-that-is-none-is-denied",
            "what lies beside a signature can be read, or it is not one of cosign's",
            &[Layer { chain: Some("none".to_owned()), ..signed(&alice()) }],
        ),
        row(
            "log-entry-of-another-kind-is-denied",
            "of another type or version nobody knows what it says",
            &[ours().sign_logged(&alice(), &Entry { api_version: "0.0.2", ..Entry::default() }, &payload())],
        ),
        row(
            "log-entry-that-the-log-did-not-promise-is-denied",
            "anybody can write an entry in the name of a log",
            &[{
                let log_id = Some(mint::hex(&ours().rekor.id()));
                let forged = Entry { key: Some(Key::p256("another log")), log_id, ..Entry::default() };
                ours().sign_logged(&alice(), &forged, &payload())
            }],
        ),
        row(
            "signature-over-another-payload-is-denied",
            "genuine certificate and entry, and a signature that is of something else",
            &[Layer::by(&ours().issue(&alice()), &other()).on(&payload()).logged(&ours(), &Entry::default())],
        ),
        row(
            "log-entry-with-an-unknown-member-is-denied",
            "what nobody knows may matter to somebody who does",
            &[{
                let bundle = signed(&alice()).bundle.unwrap();
                Layer { bundle: Some(bundle.replacen('{', r#"{"more":{},"#, 1)), ..signed(&alice()) }
            }],
        ),
        row(
            "log-entry-with-a-member-twice-is-denied",
            "two readers could see two entries",
            &[{
                let bundle = signed(&alice()).bundle.unwrap();
                Layer { bundle: Some(bundle.replacen('{', r#"{"SignedEntryTimestamp":"","#, 1)), ..signed(&alice()) }
            }],
        ),
    ]
}

/// How far what lies beside a signature is looked through.
pub(super) fn limits() -> Vec<Row> {
    // A timestamp of our log, after so many of another one.
    let after = |number: usize| {
        let mut scts = vec![Sct { key: Some(Key::p256("another log")), ..Sct::default() }; number];
        scts.push(Sct::default());
        signed(&Leaf { scts: Scts::List(scts), ..alice() })
    };
    let row = |case, verdict, why, layer| Row::new(case, verdict, why, only(named("alice@example.com")), &[layer]);
    vec![
        row("timestamp-after-seven-of-another-log-is-found", ADMITTED, "as many as are looked at", after(7)),
        row(
            "timestamp-after-eight-of-another-log-is-denied",
            DENIED,
            "a CA writes one or two; who has more of them is not looked through",
            after(8),
        ),
    ]
}

pub(super) fn logged_keys() -> Vec<Row> {
    let key = Key::p256("alice");
    let validator = || only(json!({"key": Key::p256("alice").public_pem()}));
    let in_log = || json!({"verifyInTransparencyLog": true});
    let plain = || Layer::by_key(&key, &payload());
    let logged = || plain().logged(&ours(), &Entry::default());
    let bobs = || Layer::by_key(&Key::p256("bob"), &payload()).logged(&ours(), &Entry::default());
    let ed25519 = Key::new(Kind::Ed25519, "alice");
    vec![
        Row::new("key-without-more-is-proven", ADMITTED, "one signature by one key", validator(), &[plain()]),
        Row::new(
            "two-keys-are-two-signers",
            ADMITTED,
            "two signatures by two keys",
            trusting(json!([
                root("alice", json!({"key": Key::p256("alice").public_pem()})),
                root("bob", json!({"key": Key::p256("bob").public_pem()})),
            ])),
            &[Layer::by_key(&Key::p256("bob"), &payload()), plain()],
        )
        .with(of(2)),
        Row::new(
            "key-with-the-log-entry-that-is-asked-for-is-proven",
            ADMITTED,
            "the entry is of this key and this signature",
            validator(),
            &[logged()],
        )
        .with(in_log()),
        Row::new(
            "key-without-the-log-entry-that-is-asked-for-is-denied",
            DENIED,
            "the host can't require an entry, so it is not asked",
            validator(),
            &[plain()],
        )
        .with(in_log()),
        Row::new(
            "key-with-a-log-entry-that-the-log-did-not-promise-is-denied",
            DENIED,
            "anybody can write an entry in the name of a log",
            validator(),
            &[{
                let log_id = Some(mint::hex(&ours().rekor.id()));
                let forged = Entry { key: Some(Key::p256("another log")), log_id, ..Entry::default() };
                plain().logged(&ours(), &forged)
            }],
        )
        .with(in_log()),
        Row::new(
            "key-whose-log-entry-is-asked-for-is-never-left-to-the-host",
            DENIED,
            "the host could read a payload that nobody can write again, and would not look at the log",
            validator(),
            &[Layer::by_key(&key, b"something that nobody can write again").logged(&ours(), &Entry::default())],
        )
        .with(in_log()),
        Row::new(
            "key-with-somebody-elses-log-entry-is-denied",
            DENIED,
            "a genuine entry of another signature",
            validator(),
            &[Layer { bundle: bobs().bundle, ..logged() }],
        )
        .with(in_log()),
        Row::new(
            "key-is-proven-by-whichever-of-its-signatures-is-logged",
            ADMITTED,
            "the newest is not, an older one is",
            validator(),
            &[logged(), Layer { bundle: None, ..plain() }],
        )
        .with(in_log()),
        Row::new(
            "key-with-a-log-entry-that-nobody-asks-for-is-proven",
            ADMITTED,
            "an entry of any log does not hurt where none is asked for",
            validator(),
            &[Layer::by_key(&key, &payload()).logged(&Instance::new("theirs"), &Entry::default())],
        ),
        Row::new(
            "key-of-another-kind-with-its-log-entry-is-proven",
            ADMITTED,
            "Ed25519, as cosign 2 signs",
            only(json!({"key": ed25519.public_pem()})),
            &[Layer::by_key(&ed25519, &payload()).logged(&ours(), &Entry::default())],
        )
        .with(in_log()),
    ]
}

/// A platform's digest is pinned, and the index behind the tag is what was signed.
pub(super) fn indexes() -> Vec<Row> {
    let pinned = |digit: char| format!("{TAG}@{}", digest(digit));
    let entry = |digit: char, annotations: Value| {
        let mut entry = json!({"mediaType": mint::signature::MANIFEST, "size": 1, "digest": digest(digit), "platform": {"os": "linux", "architecture": "amd64"}});
        if !annotations.is_null() {
            entry["annotations"] = annotations;
        }
        entry
    };
    let index = |entries: Value| {
        Answer::Manifest(
            format!("{REPOSITORY}@{}", digest('1')),
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}),
        )
    };
    let unsigned = |digit: char| signatures(digit, &[]);
    let behind = || Answer::Digest(TAG, digest('1'));
    let by_alice = || signatures('1', &[signed(&alice())]);
    // What is beside an image that has no signature is looked at to say so.
    let nothing_beside = |digit: char| Answer::NotThere(format!("{REPOSITORY}:{}", digest(digit).replace(':', "-")));
    let itself = |digit: char| {
        let image =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []});
        Answer::Manifest(format!("{REPOSITORY}@{}", digest(digit)), image)
    };
    let row = |case, verdict, why, answers: Vec<Answer>| Row {
        image: pinned('3'),
        answers,
        ..Row::new(case, verdict, why, only(named("alice@example.com")), &[])
    };
    let of_type = |media_type: &str| {
        let mut entry = entry('3', Value::Null);
        entry["mediaType"] = media_type.into();
        entry
    };
    let mut nowhere = entry('3', Value::Null);
    nowhere["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let attestation = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let denied = |mut answers: Vec<Answer>| {
        answers.extend([itself('3'), nothing_beside('3')]);
        answers
    };
    vec![
        row(
            "platform-of-a-proven-index-is-admitted",
            ADMITTED,
            "the index behind the tag is proven, fetched again by its digest, and lists this one (B39d)",
            vec![unsigned('3'), behind(), by_alice(), index(json!([entry('2', Value::Null), entry('3', Value::Null)]))],
        ),
        row(
            "platform-that-a-proven-index-does-not-list-is-denied",
            DENIED,
            "a proven index says nothing of what is not in it",
            denied(vec![unsigned('3'), behind(), by_alice(), index(json!([entry('2', Value::Null)]))]),
        ),
        row(
            "attestation-in-a-proven-index-is-no-platform",
            DENIED,
            "an index lists more than images",
            denied(vec![unsigned('3'), behind(), by_alice(), index(json!([entry('3', attestation)]))]),
        ),
        row(
            "entry-of-another-type-in-a-proven-index-is-no-platform",
            DENIED,
            "an index can list anything, by its type",
            denied(vec![unsigned('3'), behind(), by_alice(), index(json!([of_type("application/vnd.in-toto+json")]))]),
        ),
        row(
            "entry-for-no-platform-in-a-proven-index-is-none",
            DENIED,
            "what is for unknown/unknown is nothing to run",
            denied(vec![unsigned('3'), behind(), by_alice(), index(json!([nowhere]))]),
        ),
        row(
            "platform-of-an-index-that-nobody-signed-is-denied",
            DENIED,
            "that an index lists it proves nothing by itself",
            denied(vec![unsigned('3'), behind(), unsigned('1')]),
        ),
        row(
            "platform-of-an-index-by-somebody-else-is-denied",
            DENIED,
            "the same is asked of the index as of an image",
            denied(vec![unsigned('3'), behind(), signatures('1', &[signed(&bob())])]),
        ),
        row(
            "image-behind-a-tag-is-no-index",
            DENIED,
            "a signed image lists layers, and a layer is no platform",
            denied(vec![
                unsigned('3'),
                behind(),
                by_alice(),
                Answer::Manifest(
                    format!("{REPOSITORY}@{}", digest('1')),
                    json!({"schemaVersion": 2, "layers": [entry('3', Value::Null)]}),
                ),
            ]),
        ),
        row(
            "platform-whose-index-cannot-be-fetched-is-not-decided",
            "denied 503",
            "it may be listed; could not tell is not the same as not trusted",
            vec![unsigned('3'), behind(), by_alice(), Answer::Down(format!("{REPOSITORY}@{}", digest('1')))],
        ),
        row(
            "platform-behind-a-tag-that-is-not-there-is-denied-for-itself",
            DENIED,
            "that there is no such tag is an answer",
            denied(vec![unsigned('3'), Answer::NoDigest(TAG)]),
        ),
        row(
            "platform-behind-a-tag-that-points-to-it-is-denied-for-itself",
            DENIED,
            "there is no index to look at",
            denied(vec![unsigned('3'), Answer::Digest(TAG, digest('3'))]),
        ),
    ]
}
