//! Signatures that real tools made once, kept in `tests/samples`: what is proven here needs no tools.
//!
//! The names under which they were signed are in the payloads. So the images are asked for by those names, and the registry that has them stands where
//! the host's proxy would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image_trust_host::{Live, LiveConfig, Proxies};
use image_trust_testbed::loopback::{ImageKind, Registry, Signer, signed_payload};
use serde_json::{Value, json};

use crate::policy::{ASK, Expect, GUEST, HOST, LOOK, LOOK_AROUND, LOOK_BESIDE, LOOK_ON, Row, asking, by};

fn folder(sample: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(sample)
}

/// Stores a sample's files in this repository, the image as `v1`; returns the image's digest.
fn load(registry: &Registry, sample: &str, repository: &str) -> String {
    let mut digest = None;
    for entry in fs::read_dir(folder(sample)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let put = |tag| {
            let manifest: Value = serde_json::from_slice(&bytes).unwrap();
            registry.put_manifest(repository, tag, manifest["mediaType"].as_str().unwrap(), &bytes)
        };
        match name.strip_suffix(".manifest.json") {
            // What is named by its digest only.
            Some(name) if name.starts_with("ref-") => drop(put(None)),
            Some(tag) => drop(put(Some(tag))),
            None if name == "image-manifest.json" => digest = Some(put(Some("v1"))),
            None if name.starts_with("blob-") => drop(registry.put_blob(repository, &bytes)),
            None => {}
        }
    }
    digest.expect("a sample has an image")
}

/// A host for which this registry is each of these.
fn host_behind(registry: &Registry, names: &[&str]) -> Arc<Live> {
    let mut config = LiveConfig::loopback(names.iter().map(|name| (*name).to_owned()));
    let nobody = config.sources.proxies.take().and_then(|proxies| proxies.https_proxy);
    let here = Some(format!("http://{}", registry.host()));
    config.sources.proxies = Some(Proxies { http_proxy: here, https_proxy: nobody, no_proxy: None });
    Arc::new(Live::new(config).unwrap())
}

/// Rules that ask for the key called `ecdsa`, which most samples were signed with.
fn annotated(annotations: Value) -> Value {
    json!({"with": {"trustRoot": "ecdsa", "annotations": annotations}})
}

fn named(identities: &[&str]) -> Value {
    json!({"with": {"trustRoot": "ecdsa", "identities": identities}})
}

#[test]
fn samples_are_proven_without_tools() {
    // The keys, and the samples that have them.
    let keys = [
        ("ecdsa", "c2-ecdsa"),
        ("rsa", "c2-imp3-rsa"),
        ("ed25519", "c2-ed"),
        ("p384", "c2-imp3-ecp-384"),
        ("p384by3", "c3-old-p384"),
        ("ed25519by3", "c3-old-ed25519"),
    ]
    .map(|(name, sample)| (name, fs::read_to_string(folder(sample).join("cosign.pub")).unwrap()));

    /// The outcome of a sample that the guest proves, for the digest of the sample.
    const BY_GUEST: Expect<'_> = Expect::Pinned("", GUEST);
    const BY_HOST: Expect<'_> = Expect::Pinned("", HOST);
    const MISSING: &str = "Image verification failed: missing signatures";
    const NOTHING: &str = "[OCI API error: manifest unknown]";
    const OTHER_PAYLOAD: Expect<'_> =
        Expect::Denied(403, "not-signed: other-payload; missing ecdsa; tells identities", "");
    const OTHER_KEY: Expect<'_> = Expect::Denied(403, "not-signed: other-keys; missing ed25519; tells 1 signature", "");
    const BUNDLE: Expect<'_> = Expect::Denied(
        403,
        "not-signed: signed-in-another-format (bundle); missing ecdsa; tells image-trust collect",
        NOTHING,
    );
    const NOTATION: Expect<'_> = Expect::Denied(
        403,
        "not-signed: signed-in-another-format (Notation); missing ecdsa; tells cosign sign --key",
        NOTHING,
    );
    const ATTESTED: Expect<'_> =
        Expect::Denied(403, "not-signed: signed-in-another-format (attestation); missing ecdsa", NOTHING);
    const UNSIGNED: Expect<'_> =
        Expect::Denied(403, "not-signed: unsigned; missing ecdsa; tells cosign sign --key", NOTHING);
    // An index tells the type of Notation's signatures, but not of bundles.
    const LOOK_CLOSER: &str = "manifest_digest oci_manifest evidence oci_manifest oci_manifest";
    // What lies in a digest's place needs no digest first.
    const LOOK_BY_DIGEST: &str = "oci_manifest";

    let of_all = |threshold: usize| json!({"with": {"trustRoot": "*", "threshold": threshold}});
    let both = json!({"env": "prod", "a": "<b>&ü/"});
    let foreign_name = "registry.example.com/foo/bar:1.0";
    // the sample, the image as it was signed, the rule, the host calls, what comes out, the reason
    #[rustfmt::skip]
    let table: &[(&str, &str, Value, &str, Expect<'_>, &str)] = &[
        ("c2-ecdsa", "localhost:5003/s/c2-ecdsa:v1", by("ecdsa"), LOOK, BY_GUEST, "cosign 2, P-256"),
        ("c2-ecdsa", "localhost:5003/s/c2-ecdsa:v1", named(&["self"]), LOOK, BY_GUEST, "under its own name"),
        ("c2-ecdsa", "localhost:5003/s/c2-ecdsa:v1", by("ed25519"), LOOK_ON, OTHER_KEY, "another key"),
        ("c2-ecdsa", "localhost:5003/moved/here:v1", asking(by("ecdsa")), ASK, BY_HOST, "moved to another repository, with its signature"),
        ("c2-ecdsa", "localhost:5003/moved/here:v1", named(&["self"]), LOOK_ON, OTHER_PAYLOAD, "where its name is no longer its own"),
        ("c2-ecdsa", "localhost:5003/moved/here:v1", named(&["self", "localhost:5003/s/c2-ecdsa"]), LOOK, BY_GUEST, "unless the rule accepts it"),
        ("c2-bytag", "localhost:5003/s/c2-bytag:v1", by("ecdsa"), LOOK, BY_GUEST, "signed by its tag: the payload has none"),
        ("c2-docker", "localhost:5003/s/c2-docker:v1", by("ecdsa"), LOOK, BY_GUEST, "a Docker image"),
        ("c2-imp3-rsa", "localhost:5003/s/c2-imp3-rsa:v1", by("rsa"), LOOK, BY_GUEST, "RSA"),
        ("c2-imp3-ecp-384", "localhost:5003/s/c2-imp3-ecp-384:v1", by("p384"), LOOK, BY_GUEST, "P-384 with SHA-256, as cosign 2 signs"),
        ("c2-imp3-ecp-384", "localhost:5003/s/c2-imp3-ecp-384:v1", by("ed25519"), LOOK_ON, OTHER_KEY, "another key's algorithm"),
        ("c2-ed", "localhost:5003/s/c2-ed:v1", by("ed25519"), LOOK, BY_GUEST, "Ed25519, as cosign 2 signs"),
        ("c3-old", "localhost:5003/s/c3-old:v1", by("ecdsa"), LOOK, BY_GUEST, "cosign 3 in the old format"),
        ("c3-old-p384", "localhost:5003/s/c3-old-p384:v1", by("p384by3"), LOOK, BY_GUEST, "P-384 with SHA-384, as cosign 3 signs"),
        ("c3-old-ed25519", "localhost:5003/s/c3-old-ed25519:v1", by("ed25519by3"), LOOK, BY_GUEST, "Ed25519ph, as cosign 3 signs"),
        ("c3-old-ed25519", "localhost:5003/s/c3-old-ed25519:v1", by("ed25519"), LOOK_ON, OTHER_KEY, "another key of the same kind"),

        ("c2-annot", "localhost:5003/s/c2-annot:v1", annotated(both), LOOK, BY_GUEST, "both annotations that are there: the payload can be written again"),
        ("c2-annot", "localhost:5003/s/c2-annot:v1", asking(annotated(json!({"env": "prod"}))), ASK, BY_HOST, "one of two annotations"),
        ("c2-annot", "localhost:5003/s/c2-annot:v1", asking(by("ecdsa")), ASK, BY_HOST, "annotations that nobody asks for"),
        ("c2-annot", "localhost:5003/s/c2-annot:v1", asking(annotated(json!({"env": "test"}))), "manifest_digest oci_manifest evidence verify verify verify", Expect::Denied(403, "not-signed: annotations-differ; missing ecdsa; tells env=test, cosign sign -a", MISSING), "an annotation with another value"),
        ("c2-ecdsa", "localhost:5003/s/c2-ecdsa:v1", annotated(json!({"env": "prod"})), LOOK_ON, Expect::Denied(403, "not-signed: annotations-differ; missing ecdsa; tells env=prod, cosign sign -a", ""), "no annotation at all"),
        ("c2-annot", "localhost:5003/s/c2-annot:v1", named(&["self"]), LOOK_ON, OTHER_PAYLOAD, "with identities the host is not asked, whatever else it could read"),

        ("c2-ident", "localhost:5003/s/c2-ident:v1", named(&[foreign_name]), LOOK, BY_GUEST, "under another name, which the rule accepts"),
        ("c2-ident", "localhost:5003/s/c2-ident:v1", named(&["self"]), LOOK_ON, OTHER_PAYLOAD, "and which it does not"),
        ("c2-ident", "localhost:5003/s/c2-ident:v1", named(&["registry.example.com/foo/bar"]), LOOK_ON, OTHER_PAYLOAD, "names are compared as they are, tags too"),
        ("c2-ident", "localhost:5003/s/c2-ident:v1", asking(by("ecdsa")), ASK, BY_HOST, "without identities any name will do"),
        ("c2-ecdsa", "localhost:5003/s/c2-ecdsa:v1", named(&[foreign_name]), LOOK_ON, Expect::Denied(403, "not-signed: identity-differs; missing ecdsa; tells \"localhost:5003/s/c2-ecdsa\", self", ""), "under its own name, which the rule does not accept"),

        ("c2-two", "localhost:5003/s/two:v1", by("ecdsa"), LOOK, BY_GUEST, "the first of three signatures"),
        ("c2-two", "localhost:5003/s/two:v1", by("rsa"), LOOK, BY_GUEST, "the second, over the same payload"),
        ("c2-two", "localhost:5003/s/two:v1", annotated(json!({"env": "prod"})), LOOK, BY_GUEST, "the third, which is annotated"),
        ("c2-two", "localhost:5003/s/two:v1", of_all(2), LOOK, BY_GUEST, "two signers"),
        ("c2-two", "localhost:5003/s/two:v1", asking(of_all(3)), "manifest_digest oci_manifest evidence verify verify verify verify", Expect::Denied(403, "not-signed: untold; signers ecdsa, rsa; missing ed25519, ed25519by3, p384, p384by3; needed 3", MISSING), "three signatures are no third signer"),

        ("c2-index-r", "localhost:5003/s/c2-index-r:v1", by("ecdsa"), LOOK, BY_GUEST, "an index"),
        ("c2-index-r", "localhost:5003/s/c2-index-r:arm64", by("ecdsa"), LOOK, Expect::Pinned("sha256:313491c0232e26ae84b8438c8bf9d627ff81449d1295ef5a314147460247b713", GUEST), "one of its images, which was signed too"),
        ("c2-index-r", "localhost:5003/s/c2-index-r@sha256:2b2165ee9b31770da42b69f7e8ccf3f8ca640193252f60a84cca1267daf91069", by("ecdsa"), LOOK_BY_DIGEST, Expect::Pinned("sha256:2b2165ee9b31770da42b69f7e8ccf3f8ca640193252f60a84cca1267daf91069", GUEST), "the other, by its digest"),

        ("c3-sc", "localhost:5003/s/c3-sc:v1", by("ecdsa"), LOOK_CLOSER, BUNDLE, "a bundle"),
        ("c3-nosc", "localhost:5003/s/c3-nosc:v1", by("ecdsa"), LOOK_CLOSER, BUNDLE, "a bundle, without a signing config"),
        ("c3-annot", "localhost:5003/s/c3-annot:v1", by("ecdsa"), LOOK_CLOSER, BUNDLE, "a bundle with annotations"),
        ("notation-ec256", "localhost:5003/n/ec256:v1", by("ecdsa"), LOOK_BESIDE, NOTATION, "another tool's"),

        ("skopeo-1.18", "registry.example.com/sk/signed:v1", asking(by("ecdsa")), ASK, BY_HOST, "a payload with a time in it, which only the host reads"),
        ("skopeo-1.18", "registry.example.com/sk/signed:v1", named(&["registry.example.com/sk/signed:v1"]), LOOK_ON, OTHER_PAYLOAD, "and which can't be written again"),
        ("ca-v2", "localhost:5003/ca/v2:v1", by("ecdsa"), LOOK_ON, Expect::Denied(403, "not-signed: other-keys; missing ecdsa; tells 1 signature, certificate", ""), "by the key of a certificate"),
        ("att2", "localhost:5003/s/att2:v1", by("ecdsa"), LOOK_AROUND, UNSIGNED, "an attestation by cosign 2 is no signature of an image"),
        ("att3", "localhost:5003/s/att3:v1", by("ecdsa"), LOOK_CLOSER, ATTESTED, "nor is one by cosign 3, whose bundle says what it is"),
    ];
    let registry = Registry::start().unwrap();
    let mut failures = Vec::new();
    for (sample, image, rule, calls, expect, why) in table {
        let (_, path) = image.split_once('/').unwrap();
        let repository = path.split(['@', ':']).next().unwrap();
        let digest = load(&registry, sample, repository);
        let expect = match *expect {
            Expect::Pinned("", evidence) => Expect::Pinned(&digest, evidence),
            other => other,
        };
        let row = Row { image: (*image).to_owned(), rule: rule.clone(), calls, expect, why };
        // A host without a memory, so that no row stands on another one's answers.
        failures.extend(row.failure("*", &keys, &host_behind(&registry, &["localhost:5003", "registry.example.com"])));
    }
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), table.len(), failures.join("\n"));
}

/// cosign knows Docker Hub by its old name, and short names by their full ones.
#[test]
fn images_of_docker_hub_are_signed_under_its_old_name() {
    const OTHER_PAYLOAD: Expect<'_> = Expect::Denied(403, "not-signed: other-payload; missing alice", "");
    let of_itself = json!({"with": {"trustRoot": "alice", "identities": ["self"]}});
    // the image as it is written, the name that was signed, the rule, the host calls, what comes out, the reason
    #[rustfmt::skip]
    let table: &[(&str, &str, Value, &str, Expect<'_>, &str)] = &[
        ("nginx:1", "index.docker.io/library/nginx", by("alice"), LOOK, Expect::Pinned("", GUEST), "as cosign writes it"),
        ("docker.io/library/nginx:1", "index.docker.io/library/nginx", of_itself.clone(), LOOK, Expect::Pinned("", GUEST), "its own name, however it is written"),
        ("index.docker.io/library/nginx:1", "index.docker.io/library/nginx", of_itself.clone(), LOOK, Expect::Pinned("", GUEST), "by the old name"),
        ("nginx:1", "docker.io/library/nginx", of_itself, LOOK_ON, OTHER_PAYLOAD, "by the new name, which cosign never signs"),
        ("nginx:1", "docker.io/library/nginx", asking(by("alice")), ASK, Expect::Pinned("", HOST), "which is any name, where no rule says otherwise"),
    ];
    let keys = [("alice", Signer::named("alice").public_pem())];
    let mut failures = Vec::new();
    for (image, name, rule, calls, expect, why) in table {
        let registry = Registry::start().unwrap();
        let digest = registry.push_image("library/nginx", "1", ImageKind::Oci, "x");
        let payload = signed_payload(name, &digest, &Default::default());
        Signer::named("alice").sign_payload(&registry, "library/nginx", &digest, &payload).unwrap();
        let expect = match *expect {
            Expect::Pinned(_, evidence) => Expect::Pinned(&digest, evidence),
            denied => denied,
        };
        let row = Row { image: (*image).to_owned(), rule: rule.clone(), calls, expect, why };
        failures.extend(row.failure("*", &keys, &host_behind(&registry, &["docker.io", "index.docker.io"])));
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}
