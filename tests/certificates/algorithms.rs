//! Signatures by the right key in ways that are not accepted, and signatures in places that are not read: a denial says so.

use serde_json::{Value, json};

use super::{Answer, REPOSITORY, Row, digest, rows, signatures};
use image_trust_testbed::mint::{self, Key, Kind, Layer};
use rows::{DENIED, only, payload};

fn by_key(kind: Kind) -> Value {
    only(json!({"key": Key::new(kind, "alice").public_pem()}))
}

pub(super) fn algorithms() -> Vec<Row> {
    let signed = |kind: Kind, payload: &[u8]| [Layer::by_key(&Key::new(kind, "alice"), payload)];
    let unread = mint::payload("registry.example/copied", &digest('1'));
    let row = |case, why, kind, payload: &[u8]| Row::new(case, DENIED, why, by_key(kind), &signed(kind, payload));
    vec![
        row(
            "p256-signature-with-sha512-is-told",
            "the configured key signed it; whoever reads \"other keys\" would replace a correct key",
            Kind::P256Wide,
            &payload(),
        ),
        row("rsa-signature-with-sha512-is-told", "as cert-manager signs", Kind::Rsa2048Wide, &payload()),
        row("rsa-pss-signature-with-the-longest-salt-is-told", "as Vault signs", Kind::Rsa2048Pss, &payload()),
        row(
            "p256-signature-with-sha512-over-an-unknown-payload-may-be-of-the-key",
            "without the payload nothing but SHA-256 can be tried, and the message says so",
            Kind::P256Wide,
            &unread,
        ),
        row(
            "rsa-pss-signature-over-an-unknown-payload-may-be-of-the-key",
            "without the payload no other scheme can be tried",
            Kind::Rsa2048Pss,
            &unread,
        ),
    ]
}

pub(super) fn beside() -> Vec<Row> {
    let key = || Key::p256("alice");
    let tag = |digit: char| format!("{REPOSITORY}:{}", digest(digit).replace(':', "-"));
    let index = |entries: Value| json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries});
    let entry = |digit: char, more: Value| {
        let mut entry =
            json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(digit), "size": 2});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let platform =
        |digit, architecture: &str| entry(digit, json!({"platform": {"os": "linux", "architecture": architecture}}));
    let row = |case, why, answers: Vec<Answer>| {
        let mut row = Row::new(case, DENIED, why, by_key(Kind::P256), &[]);
        row.answers.extend(answers);
        row
    };
    let itself = |document| Answer::Manifest(format!("{REPOSITORY}@{}", digest('1')), document);
    let by_alice = |digit| signatures(digit, &[Layer::by_key(&key(), &mint::payload(REPOSITORY, &digest(digit)))]);
    let referrer = json!({"artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json"});
    vec![
        row(
            "index-of-which-a-platform-is-signed-is-told",
            "what runs is chosen by the index, so the index has to be signed",
            vec![
                Answer::NotThere(tag('1')),
                itself(index(json!([platform('2', "amd64"), platform('3', "arm64")]))),
                signatures('2', &[]),
                by_alice('3'),
            ],
        ),
        row(
            "index-of-which-all-platforms-are-signed-is-told",
            "three platforms are looked at, and no more",
            vec![
                Answer::NotThere(tag('1')),
                itself(index(json!([
                    platform('2', "amd64"),
                    platform('3', "arm64"),
                    entry('4', json!({})),
                    entry('5', json!({}))
                ]))),
                by_alice('2'),
                by_alice('3'),
                by_alice('4'),
            ],
        ),
        row(
            "signature-that-is-stored-as-a-referrer-is-told",
            "cosign 2 with --registry-referrers-mode oci-1-1 stores it where only the index of referrers is read",
            vec![Answer::Manifest(tag('1'), index(json!([entry('2', referrer)])))],
        ),
        row(
            "referrers-that-cannot-be-listed-are-not-called-none",
            "nothing lies where signatures belong, and what else there is was not said",
            vec![Answer::Down(tag('1')), Answer::Down(format!("{REPOSITORY}@{}", digest('1')))],
        ),
    ]
}
