//! Signatures that real cosign made once, kept in `tests/samples`: what is proven here needs no tools.

use std::fs;
use std::path::Path;

use image_trust_harness::loopback::Registry;
use serde_json::{Value, json};

use crate::policy::{Expect, Row, by, check, host};

/// Stores a sample's files in the repository that it was signed in, the image as `v1`; returns the image's digest.
fn load(registry: &Registry, variant: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(variant);
    let repository = format!("s/{variant}");
    let mut digest = None;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let put = |tag| {
            let manifest: Value = serde_json::from_slice(&bytes).unwrap();
            registry.put_manifest(&repository, tag, manifest["mediaType"].as_str().unwrap(), &bytes)
        };
        match name.strip_suffix(".manifest.json") {
            // What is named by its digest only.
            Some(name) if name.starts_with("ref-") => drop(put(None)),
            Some(tag) => drop(put(Some(tag))),
            None if name == "image-manifest.json" => digest = Some(put(Some("v1"))),
            None if name.starts_with("blob-") => drop(registry.put_blob(&repository, &bytes)),
            None => {}
        }
    }
    digest.expect("a sample has an image")
}

#[test]
fn samples_are_proven_without_tools() {
    let annotated = |value: &str| json!({"with": {"trustRoot": "root", "annotations": {"env": value}}});
    const OTHER: (&str, &str) = ("the signatures are by other keys", "missing signatures");
    // the sample, whose key, the rule, why it is denied if it is, the reason
    type Denial<'a> = Option<(&'a str, &'a str)>;
    #[rustfmt::skip]
    let table: &[(&str, &str, Value, Denial<'_>, &str)] = &[
        ("c2-ecdsa", "c2-ecdsa", by("root"), None, "P-256"),
        ("c2-ecdsa", "c2-ed", by("root"), Some(OTHER), "another key"),
        ("c2-imp3-rsa", "c2-imp3-rsa", by("root"), None, "RSA"),
        ("c2-ed", "c2-ed", by("root"), None, "Ed25519"),
        ("c2-imp3-ecp-384", "c2-imp3-ecp-384", by("root"), Some(OTHER), "cosign 2 takes SHA-256 with every curve, hosts SHA-384 with P-384"),
        ("c2-annot", "c2-annot", by("root"), None, "annotations that nobody asks for"),
        ("c2-annot", "c2-annot", annotated("prod"), None, "an annotation that is there"),
        ("c2-annot", "c2-annot", annotated("test"), Some(OTHER), "one that isn't"),
        ("c2-index-r", "c2-index-r", by("root"), None, "an index whose images are signed too"),
        ("c2-docker", "c2-docker", by("root"), None, "a Docker image"),
        ("c3-old", "c3-old", by("root"), None, "cosign 3 in the old format"),
        ("c3-nosc", "c3-nosc", by("root"), Some(("no signature could be found", "no signatures found for image")), "a bundle only"),
    ];
    let registry = Registry::start().unwrap();
    let live = host(&[&registry.host()]);
    for (sample, whose, rule, denial, why) in table {
        let digest = load(&registry, sample);
        let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(whose).join("cosign.pub");
        let row = Row {
            image: format!("{}/s/{sample}:v1", registry.host()),
            rule: rule.clone(),
            host_calls: 1,
            expect: denial.map_or(Expect::Pinned(&digest), |(words, said)| Expect::Denied(403, words, said)),
            why,
        };
        check(&[row], &registry.host(), &[("root", fs::read_to_string(key).unwrap())], &live);
    }
}
