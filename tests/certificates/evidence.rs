//! What is signed, what is genuine by halves, and what keys have in the log.

use super::{Minted, REPOSITORY, digest, identities::*, minted};
use image_trust_testbed::mint::{self, Entry, Extension, ISSUED, Instance, Key, Kind, Layer, Leaf, Name, Sct, Scts};

pub(super) fn payloads() -> Vec<Minted> {
    let elsewhere = mint::payload("ghcr.io/acme/base", &digest('1'));
    let text = String::from_utf8(payload()).unwrap();
    let with_stage = text.replace(r#""optional":null"#, r#""optional":{"stage":"prod"}"#).into_bytes();
    let row = |name, payload: &[u8]| minted(name, &[ours().sign(&alice(), payload)]);
    vec![
        row("keyless-copied-from-another-repository", &elsewhere),
        row("keyless-with-annotations", &with_stage),
        row("keyless-of-another-digest", &mint::payload(REPOSITORY, &digest('2'))),
    ]
}

/// Right by halves: each of these holds something that is genuine.
pub(super) fn halves() -> Vec<Minted> {
    let other = || mint::payload(REPOSITORY, &digest('2'));
    let sct = |sct| Leaf { scts: Scts::List(vec![sct]), ..alice() };
    let older = Leaf { not_before: ISSUED - 300, not_after: ISSUED + 300, ..alice() };
    let [right, bobs] = [alice(), bob()].map(|leaf| signed(&leaf));
    vec![
        minted("right-certificate-on-another-payload", &[ours().sign(&alice(), &other()).on(&payload())]),
        minted(
            "log-entry-of-another-payload",
            &[Layer { bundle: ours().sign(&alice(), &other()).bundle, ..right.clone() }],
        ),
        minted("log-entry-of-another-certificate", &[Layer { bundle: signed(&older).bundle, ..right.clone() }]),
        minted(
            "log-entry-after-the-certificate-ended",
            &[ours().sign_logged(&alice(), &Entry::at(ISSUED + 601), &payload())],
        ),
        minted(
            "log-entry-of-another-log",
            &[ours().sign_logged(
                &alice(),
                &Entry { key: Some(Key::p256("another log")), ..Entry::default() },
                &payload(),
            )],
        ),
        minted(
            "timestamp-of-another-ct-log",
            &[signed(&sct(Sct { key: Some(Key::p256("another log")), ..Sct::default() }))],
        ),
        minted(
            "timestamp-of-another-certificate",
            &[signed(&sct(Sct { over: Some(ours().issue(&bob()).logged), ..Sct::default() }))],
        ),
        minted(
            "certificate-over-somebody-elses-signature",
            &[Layer { signature: bobs.signature.clone(), ..right.clone() }],
        ),
        minted(
            "two-keyless-signatures-half-right-each",
            &[
                Layer { bundle: bobs.bundle.clone(), ..right.clone() },
                Layer { certificate: right.certificate, bundle: right.bundle, ..bobs },
            ],
        ),
        minted(
            "certificate-that-is-not-for-code-is-denied",
            &[signed(&Leaf { purposes: vec!["1.3.6.1.5.5.7.3.2"], ..alice() })],
        ),
        minted(
            "certificate-with-two-names",
            &[signed(&Leaf {
                names: vec![Name::Email("alice@example.com"), Name::Email("bob@example.com")],
                ..alice()
            })],
        ),
        minted(
            "certificate-with-an-unknown-critical-extension",
            &[signed(&Leaf { extensions: vec![Extension::critical("1.2.3.4", vec![5, 0])], ..alice() })],
        ),
        minted("certificate-with-bytes-after-it", &[signed(&Leaf { trailing: vec![0], ..alice() })]),
        minted(
            "certificate-that-is-huge-is-denied",
            &[signed(&Leaf { extensions: vec![Extension::new("1.2.3.4", vec![4; 20_000])], ..alice() })],
        ),
        minted(
            "certificate-with-an-invalid-key",
            &[{
                let certificate = ours().issue(&alice());
                let key = certificate.key.public();
                let at = certificate.der.windows(key.len()).position(|window| window == key).unwrap();
                let mut der = certificate.der;
                der[at + key.len() - 1] ^= 1;
                Layer { certificate: Some(mint::der::pem("CERTIFICATE", &der)), ..signed(&alice()) }
            }],
        ),
        minted("certificate-with-two-issuers", &[signed(&Leaf { issuer_v2: Some("https://evil.example"), ..alice() })]),
        minted("certificate-with-an-unreadable-chain", &[Layer { chain: Some("none".to_owned()), ..signed(&alice()) }]),
        minted(
            "log-entry-of-another-kind",
            &[ours().sign_logged(&alice(), &Entry { api_version: "0.0.3", ..Entry::default() }, &payload())],
        ),
        minted(
            "log-entry-without-a-promise",
            &[{
                let log_id = Some(mint::hex(&ours().rekor.id()));
                let forged = Entry { key: Some(Key::p256("another log")), log_id, ..Entry::default() };
                ours().sign_logged(&alice(), &forged, &payload())
            }],
        ),
        minted(
            "signature-over-another-payload",
            &[Layer::by(&ours().issue(&alice()), &other()).on(&payload()).logged(&ours(), &Entry::default())],
        ),
        minted(
            "log-entry-with-an-unknown-member",
            &[{
                let bundle = signed(&alice()).bundle.unwrap();
                Layer { bundle: Some(bundle.replacen('{', r#"{"more":{},"#, 1)), ..signed(&alice()) }
            }],
        ),
        minted(
            "log-entry-with-a-member-twice",
            &[{
                let bundle = signed(&alice()).bundle.unwrap();
                Layer { bundle: Some(bundle.replacen('{', r#"{"SignedEntryTimestamp":"","#, 1)), ..signed(&alice()) }
            }],
        ),
        minted("certificate-without-a-timestamp", &[signed(&Leaf { scts: Scts::Missing, ..alice() })]),
    ]
}

/// Rows about the limits of what is looked through beside a signature.
pub(super) fn limits() -> Vec<Minted> {
    // A timestamp of our log, after so many of another one.
    let after = |number: usize| {
        let mut scts = vec![Sct { key: Some(Key::p256("another log")), ..Sct::default() }; number];
        scts.push(Sct::default());
        signed(&Leaf { scts: Scts::List(scts), ..alice() })
    };
    let row = |name, layer| minted(name, &[layer]);
    vec![row("timestamp-after-seven-of-another-log", after(7)), row("timestamp-after-eight-of-another-log", after(8))]
}

pub(super) fn logged_keys() -> Vec<Minted> {
    let key = Key::p256("alice");
    let plain = || Layer::by_key(&key, &payload());
    let logged = || plain().logged(&ours(), &Entry::default());
    let bobs = || Layer::by_key(&Key::p256("bob"), &payload()).logged(&ours(), &Entry::default());
    let ed25519 = Key::new(Kind::Ed25519, "alice");
    vec![
        minted("key-with-its-log-entry", &[logged()]),
        minted(
            "key-with-a-log-entry-without-a-promise",
            &[{
                let log_id = Some(mint::hex(&ours().rekor.id()));
                let forged = Entry { key: Some(Key::p256("another log")), log_id, ..Entry::default() };
                plain().logged(&ours(), &forged)
            }],
        ),
        minted(
            "key-with-a-log-entry-over-an-unknown-payload",
            &[Layer::by_key(&key, b"something that nobody can write again").logged(&ours(), &Entry::default())],
        ),
        minted("key-with-somebody-elses-log-entry", &[Layer { bundle: bobs().bundle, ..logged() }]),
        minted("key-with-and-without-a-log-entry", &[logged(), Layer { bundle: None, ..plain() }]),
        minted(
            "key-with-an-entry-of-another-log",
            &[Layer::by_key(&key, &payload()).logged(&Instance::new("theirs"), &Entry::default())],
        ),
        minted(
            "key-of-another-kind-with-its-log-entry",
            &[Layer::by_key(&ed25519, &payload()).logged(&ours(), &Entry::default())],
        ),
    ]
}
