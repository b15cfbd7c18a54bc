//! Payloads in evidence manifests, and manifests that are wrong in one way each.

use image_trust_testbed::mint::{
    Bundle, CODE_SIGNING, ISSUED, Instance, Key, Layer, Tsa,
    bundle::Signer,
    der,
    evidence::{self, Item},
    timestamp::TIME_STAMPING,
};
use serde_json::{Value, json};

use super::{
    Minted, REPOSITORY,
    bundles::{by_key, json_of},
    digest,
    identities::*,
};

/// Payloads of cosign 2 that lie in the evidence manifest.
pub(super) fn layers() -> Vec<Minted> {
    let text = |from: &str, to: &str| String::from_utf8(payload()).unwrap().replace(from, to).into_bytes();
    let key = || Key::p256("alice");
    let item = |layer: &Layer| Item::layer(layer);
    let by_key = |name, payload: &[u8]| (name, evidence::manifest(&[item(&Layer::by_key(&key(), payload))]));
    let by_alice = |name, payload: &[u8]| (name, evidence::manifest(&[item(&ours().sign(&alice(), payload))]));
    let annotated = text(r#""optional":null"#, r#""optional":{"stage":"prod","by":"ci"}"#);
    let elsewhere = text(REPOSITORY, "mirror.example.com/acme/app");
    let tekton = text("cosign container image signature", "Tekton container signature");
    let podman =
        text(r#""optional":null"#, r#""optional":{"creator":"containers/image 5.34.2","timestamp":1795321722}"#);
    let of_another = text(&digest('1'), &digest('2'));
    let stamped = {
        let layer = ours().sign(&alice(), &annotated);
        let mut item = item(&layer);
        let response = der::base64(&ours().tsa.stamp(&layer.signature, ISSUED + 60));
        let annotation = json!({"SignedRFC3161Timestamp": response}).to_string();
        item.annotations.insert("dev.sigstore.cosign/rfc3161timestamp".to_owned(), annotation.into());
        item.annotations.remove("dev.sigstore.cosign/bundle");
        ("payload-with-a-timestamp-only", evidence::manifest(&[item]))
    };
    vec![
        by_key("payload-with-more-annotations", &annotated),
        by_key("payload-of-another-name", &elsewhere),
        by_key("payload-of-tekton", &tekton),
        by_key("payload-of-podman", &podman),
        by_key("payload-of-another-image", &of_another),
        by_key("payload-that-is-none", b"{}"),
        by_alice("payload-keyless-with-more-annotations", &annotated),
        by_alice("payload-keyless-of-another-name", &elsewhere),
        stamped,
    ]
}

/// What is wrong with an evidence manifest.
pub(super) fn manifests() -> Vec<Minted> {
    let right = || evidence::manifest(&[Item::bundle(&json_of(&by_key()))]);
    let changed = |name, at: &str, value: Value| {
        let mut manifest = right();
        *manifest.pointer_mut(at).unwrap() = value;
        (name, manifest)
    };
    let content = "/layers/0/annotations/dev.image-trust.content";
    let base64 = right().pointer(content).unwrap().as_str().unwrap().to_owned();
    let broken = base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>();
    let garbage =
        |number: usize| Item { bytes: format!("garbage {number}").into_bytes(), ..Item::bundle(&Value::Null) };
    let stranger = |number: usize| {
        let signer = Signer::Key(Key::p256(&format!("stranger {number}")));
        Item::bundle(&json_of(&Bundle { signer, ..by_key() }))
    };
    let behind = |number: usize| {
        let mut items: Vec<Item> = (0..number).map(garbage).collect();
        items.push(Item::bundle(&json_of(&by_key())));
        evidence::manifest(&items)
    };
    let unknown = Item { media_type: "application/vnd.example.later", ..garbage(0) };
    let pointed = {
        let mut manifest = right();
        manifest["layers"][0]["annotations"] = json!({"dev.image-trust.manifest": digest('7')});
        manifest
    };
    vec![
        changed("evidence-of-another-digest", "/layers/0/digest", digest('2').into()),
        changed("evidence-of-another-size", "/layers/0/size", 7.into()),
        changed("evidence-without-padding", content, base64.trim_end_matches('=').into()),
        changed("evidence-with-line-breaks", content, broken.join("\n").into()),
        changed("evidence-without-content", "/layers/0/annotations", json!({})),
        changed("evidence-of-another-type", "/artifactType", "application/vnd.example".into()),
        changed("evidence-of-a-later-version", "/artifactType", "application/vnd.image-trust.evidence.v2".into()),
        changed("evidence-without-layers", "/layers", Value::Null),
        ("evidence-behind-99-others", behind(99)),
        ("evidence-behind-100-others", behind(100)),
        ("evidence-of-100-strangers", evidence::manifest(&(0..100).map(stranger).collect::<Vec<_>>())),
        ("evidence-beside-an-unknown-kind", evidence::manifest(&[unknown, Item::bundle(&json_of(&by_key()))])),
        ("evidence-that-lies-elsewhere", pointed),
    ]
}

/// The trusted roots that these are checked with.
pub(super) fn trusted_roots() -> Vec<Minted> {
    let mut without_leaf = ours().whole_trusted_root();
    let chain = &mut without_leaf["timestampAuthorities"][0]["certChain"]["certificates"];
    chain.as_array_mut().unwrap().remove(0);
    let lax = |name: &'static str, purposes: &[&str], is_critical: bool| {
        let tsa = Tsa::with("ours", purposes, is_critical);
        (name, Instance { tsa, ..ours() }.whole_trusted_root())
    };
    let mut early = ours().whole_trusted_root();
    early["timestampAuthorities"][0]["validFor"]["end"] = der::timestamp(ISSUED + 59).into();
    vec![
        ("ours-whole", ours().whole_trusted_root()),
        ("ours-with-the-authority-of-a-tsa-only", without_leaf),
        ("ours-with-a-tsa-that-ended", early),
        lax("ours-with-a-tsa-for-code-too", &[TIME_STAMPING, CODE_SIGNING], true),
        lax("ours-with-a-tsa-that-says-it-softly", &[TIME_STAMPING], false),
    ]
}
