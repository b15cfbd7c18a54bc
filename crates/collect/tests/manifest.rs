//! What is written, read again as docs/reference/evidence.md tells readers to.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use image_trust::{
    Digest,
    evidence::{
        manifest::{
            ARTIFACT_TYPE, BUNDLES, CONTENT, MANIFEST, MAX_CONTENT, MAX_ITEM, MAX_ITEMS, MAX_POINTED, SIMPLE_SIGNING,
        },
        notary_v1::{MAX_FILE, Role},
    },
};
use image_trust_collect::{
    layout,
    manifest::{EMPTY, EvidenceManifest, Item, Left, MAX_MANIFEST, OCI_MANIFEST},
};
use serde_json::{Value, json};

const COSE: &str = "application/cose";

fn image() -> Digest {
    Digest::of(b"image")
}

fn item(media_type: &str, bytes: impl Into<Vec<u8>>, annotations: &[(&str, &str)]) -> Item {
    let annotations = annotations.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Item { media_type: media_type.to_owned(), bytes: bytes.into(), annotations }
}

/// This many bytes, other ones for another seed.
fn bytes(length: usize, seed: usize) -> Vec<u8> {
    let mut bytes = seed.to_string().into_bytes();
    bytes.resize(length, b'x');
    bytes
}

/// The items of a manifest, after every rule of the format was checked.
fn read(evidence: &EvidenceManifest) -> Vec<Item> {
    let manifest: Value = serde_json::from_slice(&evidence.manifest.bytes).expect("JSON");
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(
        (manifest["mediaType"].as_str(), manifest["artifactType"].as_str()),
        (Some(OCI_MANIFEST), Some(ARTIFACT_TYPE))
    );
    let empty =
        json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": Digest::of(EMPTY).to_string(), "size": 2});
    assert_eq!(manifest["config"], empty);
    assert!(manifest.get("annotations").is_none() && manifest.get("subject").is_none());
    assert!(evidence.manifest.bytes.len() < 4 << 20);
    assert_eq!(evidence.manifest.digest, Digest::of(&evidence.manifest.bytes));
    let blobs: BTreeMap<String, Vec<u8>> =
        evidence.blobs().map(|(digest, bytes)| (digest.to_string(), bytes.to_vec())).collect();
    assert!(blobs.contains_key(&Digest::of(EMPTY).to_string()));
    let pointers: BTreeMap<String, Value> = evidence
        .pointers
        .iter()
        .map(|pointer| (pointer.digest.to_string(), serde_json::from_slice(&pointer.bytes).expect("JSON")))
        .collect();
    let layers = manifest["layers"].as_array().expect("a list");
    assert!(layers.len() <= MAX_ITEMS);
    let mut all = 0;
    let mut items = Vec::new();
    for layer in layers {
        let digest = layer["digest"].as_str().expect("a digest");
        let bytes = blobs.get(digest).expect("the blob is there, too").clone();
        assert_eq!(layer["size"].as_u64(), Some(bytes.len() as u64));
        let annotations = layer["annotations"].as_object().expect("annotations");
        match (annotations.get(CONTENT).and_then(Value::as_str), annotations.get(MANIFEST).and_then(Value::as_str)) {
            (Some(content), None) => {
                let content = Base64::decode_vec(content).expect("canonical base64");
                assert_eq!(Digest::of(&content).to_string(), digest);
                assert!(content.len() <= MAX_ITEM);
                all += content.len();
            }
            (None, Some(manifest)) => {
                let pointer = pointers.get(manifest).expect("the manifest that is named");
                assert_eq!(pointer["config"]["digest"].as_str(), Some(digest));
                assert_eq!(pointer["config"]["mediaType"], layer["mediaType"]);
                assert_eq!((&pointer["layers"], &pointer["artifactType"]), (&json!([empty]), &json!(ARTIFACT_TYPE)));
                assert!(bytes.len() > MAX_ITEM && bytes.len() <= MAX_POINTED);
            }
            other => panic!("{other:?}"),
        }
        let own = annotations.iter().filter(|(key, _)| !key.starts_with("dev.image-trust."));
        let own = own.map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned()));
        let media_type = layer["mediaType"].as_str().expect("a type").to_owned();
        items.push(Item { media_type, bytes, annotations: own.collect() });
    }
    assert!(all <= MAX_CONTENT);
    items
}

#[test]
fn items_are_sorted_and_each_is_there_once() {
    let a = item(SIMPLE_SIGNING, "a", &[("dev.cosignproject.cosign/signature", "1")]);
    let again = item(SIMPLE_SIGNING, "a", &[("dev.cosignproject.cosign/signature", "2")]);
    let bundle = item(BUNDLES[0], "b", &[]);
    let cose = item(COSE, "c", &[]);
    let all = [&a, &again, &bundle, &cose];
    let written = EvidenceManifest::of(image(), all.into_iter().cloned());
    assert_eq!(written.manifest.tag, format!("{}.evidence", image().to_string().replace(':', "-")));
    assert_eq!(
        (read(&written), written.left.as_slice()),
        (vec![cose.clone(), a.clone(), again.clone(), bundle.clone()], &[][..])
    );
    // In any order, and however often each was found.
    for turn in 0..all.len() {
        let mut order = all;
        order.rotate_left(turn);
        let more = order.into_iter().chain(all).rev().cloned();
        assert_eq!(EvidenceManifest::of(image(), more), written, "{turn}");
    }
    // To the byte, so that a change of the form is seen.
    assert_eq!(
        written.manifest.digest.to_string(),
        "sha256:75a939f9fd1f8dcd3349cd0a3f00945614092fef76289cb1e4f1c6986749783f"
    );
    assert_eq!(read(&EvidenceManifest::of(image(), [])), []);
}

#[test]
fn only_the_writer_makes_annotations_of_the_format() {
    let forged =
        item(COSE, "c", &[(MANIFEST, "sha256:00"), (CONTENT, "AA=="), ("dev.image-trust.more", "x"), ("a", "b")]);
    assert_eq!(read(&EvidenceManifest::of(image(), [forged])), [item(COSE, "c", &[("a", "b")])]);
}

#[test]
fn what_is_too_large_lies_elsewhere_or_is_left_out() {
    // the length, is it in the manifest, does it have a manifest of its own
    let rows = [
        (0, true, false),
        (MAX_ITEM, true, false),
        (MAX_ITEM + 1, true, true),
        (MAX_POINTED, true, true),
        (MAX_POINTED + 1, false, false),
    ];
    for (length, is_in, is_pointed) in rows {
        let one = item(BUNDLES[0], bytes(length, 1)[..length].to_vec(), &[]);
        let written = EvidenceManifest::of(image(), [one.clone()]);
        let told = Item::left_out(BUNDLES[0], one.digest(), length as u64, &BTreeMap::new()).expect("a bundle");
        assert_eq!(read(&written), [if is_in { one.clone() } else { told }], "{length}");
        let left = if is_in { vec![] } else { vec![(one, Left::TooLarge)] };
        assert_eq!((written.pointers.len(), written.left), (usize::from(is_pointed), left), "{length}");
    }
    let two = [1, 2].map(|seed| item(BUNDLES[0], bytes(MAX_ITEM + 1, seed), &[]));
    let written = EvidenceManifest::of(image(), two);
    let tags: Vec<&str> = written.manifests().map(|manifest| manifest.tag.as_str()).collect();
    let tag = &written.manifest.tag;
    assert_eq!(tags, [format!("{tag}.1"), format!("{tag}.2"), tag.clone()], "what is named comes first");
    let numbers: Vec<_> = written.items.iter().map(|kept| kept.pointer).collect();
    assert_eq!(numbers, [Some(1), Some(2)]);
}

#[test]
fn a_manifest_has_limits() {
    let many = |count: usize, length: usize| (0..count).map(move |seed| item(COSE, bytes(length, seed), &[]));
    let left = |written: &EvidenceManifest| written.left.iter().map(|(_, why)| *why).collect::<Vec<_>>();

    let written = EvidenceManifest::of(image(), many(MAX_ITEMS + 2, 10));
    assert_eq!((read(&written).len(), left(&written)), (MAX_ITEMS, vec![Left::TooMany; 2]));

    // Base64 of twelve of the largest would be four MiB already.
    let written = EvidenceManifest::of(image(), many(12, MAX_ITEM));
    assert_eq!((read(&written).len(), left(&written)), (11, vec![Left::Full]));
    // What is smaller still fits.
    let written = EvidenceManifest::of(image(), many(12, MAX_ITEM).chain(many(3, 100)));
    assert_eq!((read(&written).len(), left(&written)), (14, vec![Left::Full]));

    let chatty = |seed: usize, length: usize| item(COSE, bytes(3, seed), &[("a", &"x".repeat(length))]);
    let written = EvidenceManifest::of(image(), [chatty(1, MAX_ITEM)]);
    assert_eq!((read(&written).len(), left(&written)), (0, vec![Left::Annotations]));
    let written = EvidenceManifest::of(image(), (0..20).map(|seed| chatty(seed, MAX_ITEM - 1)));
    assert!(written.manifest.bytes.len() <= MAX_MANIFEST && !left(&written).is_empty(), "{:?}", left(&written));
}

#[test]
fn a_layout_has_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("evidence");
    let written = EvidenceManifest::of(image(), [item(COSE, "c", &[]), item(COSE, bytes(MAX_ITEM + 1, 1), &[])]);
    layout::write(&folder, &[&written]).expect("written");
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|_| panic!("{name} is there"));
    assert_eq!(file("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index: Value = serde_json::from_slice(&file("index.json")).expect("JSON");
    let entries = index["manifests"].as_array().expect("a list");
    assert_eq!(entries.len(), 2);
    for (entry, manifest) in entries.iter().zip(written.manifests()) {
        assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"].as_str(), Some(manifest.tag.as_str()));
        let digest = entry["digest"].as_str().expect("a digest").replace("sha256:", "blobs/sha256/");
        assert_eq!(file(&digest), manifest.bytes);
    }
    for (digest, bytes) in written.blobs() {
        assert_eq!(file(&digest.to_string().replace("sha256:", "blobs/sha256/")), bytes);
    }
    let again = layout::write(&folder, &[&written]).map_err(|error| error.to_string());
    assert_eq!(again, Err("expected an empty folder, found files in it".to_owned()));
}

/// Trust data of Notary v1 is always in an annotation, because its hash is that of its bytes.
#[test]
fn trust_data_is_written_whole() {
    let file = |length: usize| vec![b'x'; length];
    let roles = || Role::BASE.into_iter();
    let of = |length: usize| -> BTreeMap<Role, Vec<u8>> { roles().zip([10, 20, length, 30].map(file)).collect() };
    let written = EvidenceManifest::of_trust_data("docker.io/library/alpine", &of(MAX_ITEM + 1));
    let hex = Digest::of(b"docker.io/library/alpine").to_string().replace("sha256:", "");
    assert_eq!(written.manifest.tag, format!("notaryv1-{hex}.evidence"));
    assert_eq!((written.items.len(), written.pointers.len(), written.left.len()), (4, 0, 0));
    let manifest: Value = serde_json::from_slice(&written.manifest.bytes).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let role = |layer: &Value| layer["annotations"]["dev.image-trust.notaryv1.role"].as_str().map(str::to_owned);
    let mut found: Vec<String> = layers.iter().filter_map(role).collect();
    found.sort();
    assert_eq!(found, ["root", "snapshot", "targets", "timestamp"]);
    assert_eq!(written, EvidenceManifest::of_trust_data("docker.io/library/alpine", &of(MAX_ITEM + 1)));

    let left = EvidenceManifest::of_trust_data("docker.io/library/alpine", &of(MAX_FILE + 1)).left;
    assert_eq!(left.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [Left::TrustData]);
}
