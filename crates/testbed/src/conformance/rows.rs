//! What is minted, and what both generations of cosign say of it.

use serde_json::Value;
use sha2::{Digest as _, Sha384, Sha512};

use super::certificate_rows::{authorities, certificates};
use super::{
    Demand, Image, Mint, Row,
    Says::{No, Unasked, Yes},
    demands,
};
use crate::mint::{Entry, ISSUED, Instance, Issuer, Key, Kind, Layer, Leaf, Name, Sct, Scts, hex, log::canonical};

pub(super) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(super) const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";

// What cosign says; generation 3 says less of chains and promises.
pub(super) const WHO: &str = "none of the expected identities matched what was in the certificate";
pub(super) const CHAIN: &str = "cert verification failed: x509: certificate signed by unknown authority";
pub(super) const NO_PARENT: &str = "parent certificate cannot sign this kind of certificate";
pub(super) const CHAIN_3: &str = "leaf certificate verification failed";
pub(super) const SCT: &str = "error verifying embedded SCT: failed to verify ECDSA signature";
pub(super) const SCT_3: &str = "only able to verify 0 SCT entries; unable to meet threshold of 1";
pub(super) const NO_SCT: &str = "certificate does not include required embedded SCT";
pub(super) const OTHER_CT: &str = "ctfe public key not found for payload";
pub(super) const SET: &str = "unable to verify SET";
pub(super) const OTHER_REKOR: &str = "rekor log public key not found for payload";
/// cosign verifies what is in an entry by itself first, as the log does.
pub(super) const IN_ENTRY: &str = "failed to extract signature from bundle: ";
/// Only SHA-256 is, whatever the log takes.
pub(super) const NO_HASH: &str = "error verifying bundle: unexpected algorithm";
pub(super) const OTHER_KEY: &str = "comparing public key PEMs, expected -----BEGIN PUBLIC KEY-----";
pub(super) const OTHER_PEM: &str = "comparing public key PEMs, expected -----BEGIN CERTIFICATE-----";
pub(super) const OTHER_SIGNATURE: &str = "signature in bundle does not match signature being verified";
pub(super) const OTHER_PAYLOAD: &str = "matching bundle to payload";
pub(super) const TWICE: &str = "x509: certificate contains duplicate extension";

pub fn all() -> Vec<Row> {
    [
        keys(),
        right(),
        promises(),
        entries(),
        documents(),
        identities(),
        authorities(),
        certificates(),
        mixtures(),
        demands::patterns(),
        demands::logged_keys(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn ours() -> Instance {
    Instance::new("ours")
}

pub(super) fn alice() -> Leaf {
    Leaf::default()
}

/// A leaf for somebody else at the same issuer.
pub(super) fn mallory() -> Leaf {
    Leaf { name: "mallory", names: vec![Name::Email("mallory@example.com")], ..alice() }
}

pub(super) fn another_log() -> Key {
    Key::p256("another log")
}

fn named(subject: &'static str) -> Demand {
    Demand::Keyless { issuer: "https://issuer.example.com", subject }
}

/// Signed with this certificate, and all else right.
pub(super) fn leaf(leaf: Leaf) -> Mint {
    Box::new(move |ours, image| vec![ours.sign(&leaf, &image.payload())])
}

/// Signed by alice and written down like this.
pub(super) fn entry(entry: Entry) -> Mint {
    Box::new(move |ours, image| vec![ours.sign_logged(&alice(), &entry, &image.payload())])
}

fn scts(scts: Vec<Sct>) -> Mint {
    leaf(Leaf { scts: Scts::List(scts), ..alice() })
}

/// A signature of alice's that is changed after it was made.
pub(super) fn changed(change: fn(Layer, &Instance, &Image) -> Layer) -> Mint {
    Box::new(move |ours, image| vec![change(ours.sign(&alice(), &image.payload()), ours, image)])
}

/// Rows with good signatures, by keys of every kind.
fn keys() -> Vec<Row> {
    let of_kind = |kind| leaf(Leaf { kind, ..alice() });
    // Written down with this hash of the payload, as the log asks for of some kinds.
    let hashed = |kind, algorithm, hash: fn(&[u8]) -> String| -> Mint {
        Box::new(move |ours, image| {
            let entry = Entry { algorithm, hash: Some(hash(&image.payload())), ..Entry::default() };
            vec![ours.sign_logged(&Leaf { kind, ..alice() }, &entry, &image.payload())]
        })
    };
    let sha384 = |payload: &[u8]| hex(&Sha384::digest(payload));
    let sha512 = |payload: &[u8]| hex(&Sha512::digest(payload));
    let both = |reason, here, says, mint| Row::new(reason, here, says, says, mint);
    let pure = No("unsupported hash algorithm");
    vec![
        both("a key on P-256", "proven", Yes, of_kind(Kind::P256)),
        both("a key on P-384", "proven", Yes, of_kind(Kind::P384)),
        both("an RSA key", "proven", Yes, of_kind(Kind::Rsa2048)),
        both("a key on P-384, as cosign 3 signs", "proven", No(IN_ENTRY), of_kind(Kind::P384Wide)),
        both(
            "a key on P-384, signed and logged with SHA-384",
            "proven",
            No(NO_HASH),
            hashed(Kind::P384Wide, "sha384", sha384),
        ),
        both("an Ed25519 key", "proven", pure, of_kind(Kind::Ed25519)),
        both("an Ed25519 key, logged with SHA-512", "proven", No(IN_ENTRY), hashed(Kind::Ed25519, "sha512", sha512)),
        both("an Ed25519 key, as cosign 3 signs", "proven", pure, of_kind(Kind::Ed25519Hashed)),
        both(
            "an Ed25519 key, signed and logged with SHA-512",
            "proven",
            No(NO_HASH),
            hashed(Kind::Ed25519Hashed, "sha512", sha512),
        ),
        both("authorities on P-384", "proven", Yes, leaf(alice())).trusting(Instance::of_kind(Kind::P384, "wide")),
        both("a log of certificates with an RSA key", "proven", Yes, leaf(alice()))
            .trusting(Instance { ct: Key::new(Kind::Rsa2048, "ct"), ..ours() }),
        Row::new("a log of certificates on P-384", "proven", No("not on the P256 curve"), No(SCT_3), leaf(alice()))
            .trusting(Instance { ct: Key::new(Kind::P384, "ct"), ..ours() }),
        both("a log of signatures on P-384", "proven", Yes, leaf(alice()))
            .trusting(Instance { rekor: Key::new(Kind::P384, "rekor"), ..ours() }),
        Row::new(
            "a log of signatures with an Ed25519 key",
            "proven",
            No("is not type ecdsa.PublicKey"),
            No("unsupported public key type: ed25519.PublicKey"),
            leaf(alice()),
        )
        .trusting(Instance { rekor: Key::new(Kind::Ed25519, "rekor"), ..ours() }),
    ]
}

/// Rows with good signatures that differ in other ways.
fn right() -> Vec<Row> {
    let yes = |reason, here, mint| Row::new(reason, here, Yes, Yes, mint);
    let names = vec![Name::Uri("https://example.com/a"), Name::Email("alice@example.com")];
    let theirs = || Sct { key: Some(another_log()), ..Sct::default() };
    vec![
        yes("a workflow", "proven", leaf(Leaf::of_workflow()))
            .demanding(Demand::Keyless { issuer: GITHUB, subject: WORKFLOW }),
        yes("a host's name", "proven", leaf(Leaf { names: vec![Name::Dns("example.com")], ..alice() }))
            .demanding(named("example.com")),
        yes("another name", "proven", leaf(Leaf { names: vec![Name::Other("a!example.com")], ..alice() }))
            .demanding(named("a!example.com")),
        yes("the second name", "certificate-subject", leaf(Leaf { names, ..alice() })),
        yes("by the root itself", "proven", leaf(Leaf { issuer: Issuer::Root, ..alice() })),
        yes("no chain beside it", "proven", changed(|layer, _, _| Layer { chain: None, ..layer })),
        yes(
            "another's chain beside it",
            "proven",
            changed(|layer, _, _| Layer { chain: Some(Instance::new("theirs").chain_pem()), ..layer }),
        ),
        yes("logged as it began", "proven", entry(Entry::at(ISSUED))),
        yes("logged in the last second", "proven", entry(Entry::at(ISSUED + 600))),
        Row::new(
            "another log's promise before the right one",
            "proven",
            No(OTHER_CT),
            Yes,
            scts(vec![theirs(), Sct::default()]),
        ),
        Row::new(
            "another log's promise after the right one",
            "proven",
            No(OTHER_CT),
            Yes,
            scts(vec![Sct::default(), theirs()]),
        ),
        yes(
            "after another's",
            "proven",
            Box::new(|ours, image| [mallory(), alice()].map(|leaf| ours.sign(&leaf, &image.payload())).into()),
        ),
    ]
}

/// Rows with an error in the timestamps of the certificate log.
fn promises() -> Vec<Row> {
    let sct = Sct::default;
    let another = || Some(another_log());
    let about_mallory = Some(ours().issue(&mallory()).logged);
    let bad = |reason, here, sct: Sct| Row::new(reason, here, No(SCT), No(SCT_3), scts(vec![sct]));
    let unreadable = No("failed to tls.Unmarshal SCT list");
    vec![
        Row::new(
            "no promise",
            "certificate-timestamp-missing",
            No(NO_SCT),
            No(NO_SCT),
            leaf(Leaf { scts: Scts::Missing, ..alice() }),
        ),
        Row::new("an empty list of promises", "certificate-timestamp", unreadable, unreadable, scts(vec![])),
        Row::new(
            "a list that is none",
            "certificate-timestamp",
            unreadable,
            unreadable,
            leaf(Leaf { scts: Scts::Raw(vec![4, 2, 0, 9]), ..alice() }),
        ),
        Row::new(
            "another log's promise",
            "certificate-timestamp",
            No(OTHER_CT),
            No(SCT_3),
            scts(vec![Sct { key: another(), ..sct() }]),
        ),
        bad(
            "another log's in our log's name",
            "certificate-timestamp",
            Sct { key: another(), log_id: Some(ours().ct.id()), ..sct() },
        ),
        bad("a promise about another certificate", "certificate-timestamp", Sct { over: about_mallory, ..sct() }),
        bad(
            "a promise about another issuer",
            "certificate-timestamp",
            Sct { issuer: Some(ours().root.key.id()), ..sct() },
        ),
        Row::new(
            "a promise that says another hash",
            "certificate-timestamp",
            No(SCT),
            No(SCT_3),
            scts(vec![Sct { algorithm: Some([6, 3]), ..sct() }]),
        ),
        Row::new(
            "a promise that says another kind of key",
            "certificate-timestamp",
            No("cannot verify RSA signature"),
            No(SCT_3),
            scts(vec![Sct { algorithm: Some([4, 1]), ..sct() }]),
        ),
        Row::new(
            "a promise of before the log was trusted",
            "certificate-timestamp",
            Yes,
            No(SCT_3),
            scts(vec![Sct { timestamp: Some(5000), ..sct() }]),
        ),
        Row::new(
            "of a log of certificates that was not trusted any more",
            "certificate-timestamp",
            Yes,
            No(SCT_3),
            leaf(alice()),
        )
        .trusting(Instance { ct_period: (0, Some(ISSUED - 1)), ..ours() }),
    ]
}

/// Rows with an error in the entry of the signature log.
fn entries() -> Vec<Row> {
    let plain = Entry::default;
    let row = |reason, here, words, asked| Row::new(reason, here, No(words), No(words), entry(asked));
    let another = || Some(another_log());
    let ended = No("is before 2026-01-01T00:10:01Z");
    vec![
        Row::new(
            "no entry",
            "log-entry-missing",
            No("offline verification failed"),
            Unasked("it would ask the public log"),
            changed(|layer, _, _| Layer { bundle: None, ..layer }),
        ),
        row("another log's entry", "log-entry-log", OTHER_REKOR, Entry { key: another(), ..plain() }),
        row(
            "another log's entry in our log's name",
            "log-entry-promise",
            SET,
            Entry { key: another(), log_id: Some(hex(&ours().rekor.id())), ..plain() },
        ),
        row(
            "our log's in another's name",
            "log-entry-log",
            OTHER_REKOR,
            Entry { log_id: Some(hex(&another_log().id())), ..plain() },
        ),
        row("no promise of the log", "log-entry-promise", SET, Entry { set: Some(vec![]), ..plain() }),
        Row::new("logged after the certificate ended", "log-entry-time", ended, ended, entry(Entry::at(ISSUED + 601))),
        row(
            "logged before the certificate began",
            "log-entry-time",
            "certificate was issued after",
            Entry::at(ISSUED - 1),
        ),
        Row::new(
            "logged in the beginning",
            "log-entry-log",
            No("certificate was issued after"),
            No("rekor log public key not valid at payload integrated time"),
            entry(Entry::at(0)),
        ),
        Row::new(
            "of a log of signatures that was not trusted any more",
            "log-entry-log",
            Yes,
            No("rekor log public key not valid"),
            entry(plain()),
        )
        .trusting(Instance { rekor_period: (0, Some(ISSUED)), ..ours() }),
        Row::new(
            "an entry changed after the promise",
            "log-entry-promise",
            No(SET),
            No(SET),
            changed(|layer, _, _| {
                let bundle = layer.bundle.as_ref().map(|text| text.replace(":4711", ":4712"));
                Layer { bundle, ..layer }
            }),
        ),
    ]
}

/// Rows with an error in the document that the log has entered.
fn documents() -> Vec<Row> {
    let plain = Entry::default;
    let row = |reason, here, asked| Row::new(reason, here, No(IN_ENTRY), No(IN_ENTRY), entry(asked));
    let theirs = ours().issue(&mallory());
    let (pem, signature) = (theirs.pem(), theirs.key.sign(b"something"));
    let mine = ours().issue(&alice()).pem();
    let other_pem = |reason, here, verifier: String| {
        Row::new(reason, here, No(OTHER_PEM), No(OTHER_PEM), entry(Entry { verifier: Some(verifier), ..plain() }))
    };
    vec![
        row("an entry with another hash", "log-entry-payload", Entry { hash: Some("0".repeat(64)), ..plain() }),
        row("an entry with another certificate", "log-entry-key", Entry { verifier: Some(pem.clone()), ..plain() }),
        row("an entry with another signature", "log-entry-signature", Entry { signature: Some(signature), ..plain() }),
        row(
            "an entry with two certificates",
            "log-entry-key",
            Entry { verifier: Some(mine.clone() + &pem), ..plain() },
        ),
        row("an entry of another kind", "log-entry-kind", Entry { kind: "rekord", ..plain() }),
        row("an entry of a version that nobody knows", "log-entry-kind", Entry { api_version: "0.0.9", ..plain() }),
        row("an entry with another hash function", "log-entry-payload", Entry { algorithm: "sha512", ..plain() }),
        row("an entry that is no document", "log-entry-form", Entry { body: Some(b"{}".to_vec()), ..plain() }),
        other_pem("an entry with the bare key", "log-entry-key", Key::p256("alice").public_pem()),
        Row::new(
            "an entry whose certificate ends without a line end",
            "proven",
            Yes,
            Yes,
            entry(Entry { verifier: Some(mine.trim_end().to_owned()), ..plain() }),
        ),
        Row::new(
            "an entry with something more in it",
            "log-entry-form",
            Yes,
            Yes,
            changed(|layer, ours, _| {
                let body = Entry::default().body(&layer.payload, &layer.signature, &layer.verifier);
                let mut body: Value = serde_json::from_slice(&body).unwrap();
                body["more"] = true.into();
                let body = Some(canonical(&body).into_bytes());
                layer.logged(ours, &Entry { body, ..Entry::default() })
            }),
        ),
    ]
}

/// Rows with an error in the identity that the certificate names.
fn identities() -> Vec<Row> {
    let who = |reason, here, asked| Row::new(reason, here, No(WHO), No(WHO), leaf(asked));
    let other = Some("https://other.example.com");
    let named = |name| Leaf { names: vec![name], ..alice() };
    vec![
        who("another issuer", "certificate-identity", Leaf { issuer_v1: other, issuer_v2: other, ..alice() }),
        who("no issuer", "certificate-identity", Leaf { issuer_v1: None, issuer_v2: None, ..alice() }),
        who("only the issuer of the second form", "proven", Leaf { issuer_v1: None, ..alice() }),
        Row::new("only the issuer of the first form", "proven", Yes, Yes, leaf(Leaf { issuer_v2: None, ..alice() })),
        who("the issuer of the first form is another", "certificate-issuer", Leaf { issuer_v1: other, ..alice() }),
        Row::new(
            "the issuer of the second form is another",
            "certificate-issuer",
            Yes,
            Yes,
            leaf(Leaf { issuer_v2: other, ..alice() }),
        ),
        who("another subject", "certificate-identity", mallory()),
        who("a subject in other letters", "certificate-identity", named(Name::Email("Alice@example.com"))),
        who("a subject and more", "certificate-identity", named(Name::Email("alice@example.com.evil.example"))),
        who("no subject", "certificate-subject", Leaf { names: vec![], ..alice() }),
        Row::new("an address as a URI", "certificate-subject", Yes, Yes, leaf(named(Name::Uri("alice@example.com")))),
    ]
}

/// Rows with parts that do not belong together.
fn mixtures() -> Vec<Row> {
    let row = |reason, here, words, mint: Mint| Row::new(reason, here, No(words), No(words), mint);
    vec![
        row(
            "another image's signature",
            "untold",
            "invalid or missing digest in claim",
            Box::new(|ours, image| vec![ours.sign(&alice(), &image.of_another())]),
        ),
        row(
            "another payload's signature and entry",
            "log-entry-payload",
            OTHER_PAYLOAD,
            Box::new(|ours, image| vec![ours.sign(&alice(), &image.of_another()).on(&image.payload())]),
        ),
        row(
            "another payload's signature, logged with this one",
            "signature",
            IN_ENTRY,
            Box::new(|ours, image| {
                let layer = Layer::by(&ours.issue(&alice()), &image.of_another()).on(&image.payload());
                vec![layer.logged(ours, &Entry::default())]
            }),
        ),
        row(
            "the entry of another payload",
            "log-entry-payload",
            OTHER_SIGNATURE,
            changed(|layer, ours, image| Layer { bundle: ours.sign(&alice(), &image.of_another()).bundle, ..layer }),
        ),
        row(
            "the entry of another's signature",
            "log-entry-signature",
            OTHER_SIGNATURE,
            changed(|layer, ours, image| Layer { bundle: ours.sign(&mallory(), &image.payload()).bundle, ..layer }),
        ),
        row(
            "the entry of an older certificate of the same key",
            "log-entry-key",
            OTHER_PEM,
            changed(|layer, ours, image| {
                let older = Leaf { not_before: ISSUED - 300, not_after: ISSUED + 300, ..alice() };
                Layer { bundle: ours.sign(&older, &image.payload()).bundle, ..layer }
            }),
        ),
        row(
            "another's certificate beside it",
            "certificate-identity",
            OTHER_PEM,
            changed(|layer, ours, _| Layer { certificate: Some(ours.issue(&mallory()).pem()), ..layer }),
        ),
        row(
            "signed by another with alice's certificate",
            "log-entry-key",
            OTHER_PEM,
            Box::new(|ours, image| {
                let theirs = Layer::by(&ours.issue(&mallory()), &image.payload());
                let certificate = Some(ours.issue(&alice()).pem());
                vec![Layer { certificate, ..theirs }.logged(ours, &Entry::default())]
            }),
        ),
        row(
            "two signatures, each half right",
            "log-entry-signature",
            OTHER_SIGNATURE,
            Box::new(|ours, image| {
                let [theirs, right] = [mallory(), alice()].map(|leaf| ours.sign(&leaf, &image.payload()));
                // alice's signature with another's entry, and another's signature with alice's entry.
                vec![
                    Layer { bundle: theirs.bundle.clone(), ..right.clone() },
                    Layer { certificate: right.certificate, bundle: right.bundle, ..theirs },
                ]
            }),
        ),
        Row::new(
            "a bare key",
            "no-certificate",
            No("nil certificate provided"),
            No("empty key"),
            Box::new(|ours, image| {
                vec![Layer::by_key(&Key::p256("alice"), &image.payload()).logged(ours, &Entry::default())]
            }),
        ),
    ]
}
