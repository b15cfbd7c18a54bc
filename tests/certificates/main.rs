//! Are the fixtures of the corpus that hold certificates what the mint makes of them?
//!
//! Certificates and log entries can't be written by hand. So what is signed stands here, a row a fixture, and `UPDATE_EXPECT=1` writes the files
//! `tests/corpus/fixtures/minted/*`. What has to come of them is said by the rows of the corpus that name them.

mod algorithms;
mod attestations;
mod authorities;
mod bundles;
mod evidence;
mod evidence_manifests;
mod identities;
mod notary_v1;
mod notation;
mod ocsp;

use std::{collections::BTreeMap, fs, path::PathBuf};

use image_trust_testbed::mint::{self, Key, Kind, Layer, der};
use serde_json::{Value, json};

use identities::{ours, wide};

/// The repository of the image that every fixture is about.
const REPOSITORY: &str = "ghcr.io/acme/app";

/// A fixture: the name of its file, and its content.
type Minted = (&'static str, Value);

/// The digest of an image, of which the digits are all the same.
fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// A signature manifest with these layers.
fn minted(name: &'static str, layers: &[Layer]) -> Minted {
    (name, serde_json::from_slice(&mint::manifest(layers)).unwrap())
}

/// Trusted roots, as settings hold them.
fn trusted_roots() -> Vec<Minted> {
    // Old logs have keys of kinds that are gone, and files have null for what is not there.
    let mut with_old_logs = ours().trusted_root();
    let mut old = with_old_logs["ctlogs"][0].clone();
    old["publicKey"]["rawBytes"] = der::base64(&[0x30, 3, 2, 1, 3]).into();
    old["publicKey"]["validFor"] = Value::Null;
    with_old_logs["ctlogs"].as_array_mut().unwrap().insert(0, old);
    with_old_logs["timestampAuthorities"] = json!(null);
    vec![
        ("ours", ours().trusted_root()),
        ("ours-on-p384", wide().trusted_root()),
        ("ours-with-old-logs", with_old_logs),
    ]
}

/// Public keys of logs and of signers.
fn keys() -> Vec<(&'static str, String)> {
    vec![
        ("rekor.pub", ours().rekor.public_pem()),
        ("ct-log.pub", ours().ct.public_pem()),
        ("another-log.pub", Key::p256("another log").public_pem()),
        ("alice-rsa.pub", Key::new(Kind::Rsa2048Wide, "alice").public_pem()),
        ("bundle-p521.pub", Key::new(Kind::P521, "alice").public_pem()),
        ("bundle-p384.pub", Key::new(Kind::P384, "alice").public_pem()),
        ("alice-ed25519.pub", Key::new(Kind::Ed25519, "alice").public_pem()),
    ]
}

/// Every fixture by the name of its file.
fn fixtures() -> BTreeMap<String, String> {
    let documents = [
        trusted_roots(),
        identities::keyless(),
        identities::workflows(),
        authorities::own_authorities(),
        authorities::signers(),
        evidence::payloads(),
        evidence::halves(),
        evidence::limits(),
        evidence::logged_keys(),
        algorithms::algorithms(),
        bundles::good(),
        bundles::workflows(),
        bundles::contents(),
        bundles::entries(),
        bundles::timestamps(),
        bundles::materials(),
        evidence_manifests::layers(),
        evidence_manifests::manifests(),
        evidence_manifests::trusted_roots(),
        attestations::bundles(),
        attestations::envelopes(),
        attestations::large(),
        notation::good(),
        notation::envelopes(),
        notation::chains(),
        notation::timestamps(),
        notation::revocations(),
        ocsp::responses(),
        notation::several(),
        notary_v1::repositories(),
        notary_v1::broken(),
    ];
    let documents = documents.into_iter().flatten();
    let documents = documents
        .map(|(name, document)| (format!("{name}.json"), serde_json::to_string_pretty(&document).unwrap() + "\n"));
    let texts = keys().into_iter().chain(authorities::certificates()).chain(notation::certificates());
    let mut fixtures = BTreeMap::new();
    for (name, text) in documents.chain(texts.map(|(name, text)| (name.to_owned(), text))) {
        assert!(fixtures.insert(name.clone(), text).is_none(), "two fixtures are called {name}");
    }
    fixtures
}

#[test]
fn the_fixtures_are_as_they_were_minted() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/fixtures/minted");
    let fixtures = fixtures();
    let mut stale: Vec<&String> = Vec::new();
    for (name, text) in &fixtures {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(folder.join(name), text).unwrap();
        }
        if fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "not as minted (UPDATE_EXPECT=1 writes them): {stale:?}");
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(fixtures.contains_key(&name), "nobody mints {name}");
    }
}
