//! Which laws hold for the trust data of Notary v1?
//!
//! One law is about the files as they lie in an evidence manifest, and one about what is signed in one of them. All else is right.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value, json};

use super::{
    Choices,
    asked::{NAME, digest},
    mint::{
        ISSUED, Key, der,
        evidence::{self, Item},
        notary_v1::{Repository, canonical},
    },
};
use crate::host::{FakeHost, answer_to_image, nothing};

/// A repository with a delegation, which has the tag of the image.
static RIGHT: LazyLock<Repository> = LazyLock::new(|| {
    let tags = [("1", &*digest().to_string())];
    Repository::new(NAME, "alice", &[]).delegating("targets/releases", "bob", &tags)
});

/// A repository without delegations.
static PLAIN: LazyLock<Repository> = LazyLock::new(|| Repository::new(NAME, "alice", &[("1", &*digest().to_string())]));

static SETTINGS: LazyLock<String> = LazyLock::new(|| {
    let root = json!({"name": "default", "key": Key::p256("alice").public_pem()});
    json!({
        "validators": [{"name": "default", "type": "notaryv1", "trustRoots": [root]}],
        "policy": [{"pattern": "*"}],
    })
    .to_string()
});

/// The digest to which the image is pinned with these files, if it is admitted.
fn pinned(files: BTreeMap<String, Vec<u8>>) -> Option<String> {
    let item = |(role, bytes): (String, Vec<u8>)| {
        let annotations = Map::from_iter([("dev.image-trust.notaryv1.role".to_owned(), role.into())]);
        Item { media_type: "application/vnd.image-trust.notaryv1.v1+json", bytes, annotations }
    };
    let manifest = evidence::manifest(&files.into_iter().map(item).collect::<Vec<_>>()).to_string();
    let host = FakeHost::new().at(ISSUED + 60).manifests(move |image| match image.ends_with(".evidence") {
        true => Ok(manifest.clone().into_bytes()),
        false => nothing(),
    });
    let answer = answer_to_image(&format!("{NAME}:1"), &SETTINGS, &host);
    if answer["accepted"] == false {
        assert_eq!(answer["code"].as_u64(), Some(403), "denied for something else: {answer}");
        return None;
    }
    let image = answer["mutated_object"]["spec"]["containers"][0]["image"].as_str().expect("it is pinned");
    Some(image.rsplit('@').next().unwrap().to_owned())
}

/// Files that are right, the first of which is that of `root`.
pub fn right_files() -> Vec<u8> {
    [vec![0, 0], RIGHT.files()["root"].clone()].concat()
}

/// The law of a set of files, one of which is spoilt: whatever is admitted is what was signed.
pub fn trust_data(data: &[u8]) -> bool {
    let mut choices = Choices(data);
    let mut files = RIGHT.files();
    let roles: Vec<String> = files.keys().cloned().collect();
    let role = choices.one(&roles).clone();
    let right = files[&role].clone();
    let spoilt = choices.spoilt(&right);
    let signed = |file: &[u8]| serde_json::from_slice::<Value>(file).ok()?.get("signed").cloned();
    let is_same = signed(&spoilt) == signed(&right);
    files.insert(role, spoilt);
    let pinned = pinned(files);
    assert!(pinned.is_none() || is_same, "something that is signed was changed");
    assert!(pinned.is_none() || pinned == Some(digest().to_string()), "pinned to another digest");
    pinned.is_some()
}

/// What is signed in the targets of a repository without delegations.
pub fn right_targets() -> Vec<u8> {
    let targets: Value = serde_json::from_slice(&PLAIN.files()["targets"]).unwrap();
    [vec![0], targets["signed"].to_string().into_bytes()].concat()
}

/// The law of canonical JSON: of a document that is signed, whatever it is, nothing else is believed than what another reader finds in it.
pub fn canonical_json(data: &[u8]) -> bool {
    let text = Choices(data).spoilt(&right_targets()[1..]);
    let value: Value = serde_json::from_slice(&text).unwrap_or_default();
    let signature = PLAIN.targets.keys[0].sign(&canonical(&value));
    let file = [br#"{"signed":"#, text.as_slice(), format!(r#","signatures":[{signature}]}}"#).as_bytes()].concat();
    let repository = Repository { replaced: Some(("targets", file)), ..PLAIN.clone() };
    let pinned = pinned(repository.files());
    if let Some(pinned) = &pinned {
        let hash = der::unbase64(value["targets"]["1"]["hashes"]["sha256"].as_str().unwrap_or_default());
        assert_eq!(*pinned, format!("sha256:{}", super::mint::hex(&hash)), "pinned to a digest that is not there");
    }
    pinned.is_some()
}
