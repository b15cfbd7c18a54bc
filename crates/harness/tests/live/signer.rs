//! The registry and the signer on loopback against the programs that they stand in for.
//!
//! Ignored unless asked for (`make live-tests`): they run what `scripts/test-tools` gathers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use image_trust_harness::loopback::{ImageKind, Registry, SIGNATURE_ANNOTATION, Signer, signature_tag, signed_payload};
use sigstore::cosign::verification_constraint::{AnnotationVerifier, PublicKeyVerifier, VerificationConstraintVec};
use sigstore::cosign::{ClientBuilder, CosignCapabilities, verify_constraints};
use sigstore::registry::{Auth, ClientConfig, ClientProtocol, OciReference};

mod support;
use support::tool;

const KINDS: [ImageKind; 4] = [
    ImageKind::Oci,
    ImageKind::Docker,
    ImageKind::Index,
    ImageKind::DockerList,
];

/// Runs cosign in a folder that is also its home, so that it finds and leaves nothing elsewhere.
fn cosign(program: &Path, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("COSIGN_PASSWORD", "")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{arguments:?}: {text}"))
    }
}

/// A folder with the public keys of `alice`, `bob` and `carol`, and cosign's own key pair.
fn folder(program: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["alice", "bob", "carol"] {
        std::fs::write(
            folder.path().join(format!("{name}.pub")),
            Signer::named(name).public_pem(),
        )
        .unwrap();
    }
    cosign(program, folder.path(), &["generate-key-pair"]).unwrap();
    folder
}

fn verify(program: &Path, folder: &Path, key: &str, image: &str, more: &[&str]) -> Result<String, String> {
    let key = format!("{key}.pub");
    let mut arguments = vec!["verify", "--key", &key, "--insecure-ignore-tlog"];
    arguments.extend(more);
    arguments.push(image);
    cosign(program, folder, &arguments)
}

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

/// What the signer writes, as one cosign sees it.
fn accepts_our_signatures(name: &str) {
    let Some(program) = tool(name) else { return };
    let folder = folder(&program);
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        let by_tag = format!("{}/{repository}:1", registry.host());
        let by_digest = format!("{}/{repository}@{digest}", registry.host());
        let unsigned = verify(&program, folder.path(), "alice", &by_tag, &[]);
        assert!(unsigned.is_err(), "{kind:?}: not signed yet: {unsigned:?}");
        Signer::named("alice")
            .sign(&registry, &repository, &digest, &annotations(&[]))
            .unwrap();
        let odd = annotations(&[("env", "prod"), ("a", "<b>&ü/\u{2028}")]);
        Signer::named("bob")
            .sign(&registry, &repository, &digest, &odd)
            .unwrap();
        let table: &[(&str, &str, &[&str], bool, &str)] = &[
            ("alice", &by_tag, &[], true, "by tag"),
            ("alice", &by_digest, &[], true, "by digest"),
            ("bob", &by_tag, &[], true, "the second signature"),
            ("bob", &by_tag, &["-a", "env=prod"], true, "an annotation"),
            (
                "bob",
                &by_tag,
                &["-a", "a=<b>&ü/\u{2028}"],
                true,
                "an annotation that Go escapes",
            ),
            ("bob", &by_tag, &["-a", "env=test"], false, "another annotation"),
            ("alice", &by_tag, &["-a", "env=prod"], false, "the annotation is bob's"),
            ("carol", &by_tag, &[], false, "did not sign"),
        ];
        for (key, image, more, accepted, reason) in table {
            let verdict = verify(&program, folder.path(), key, image, more);
            assert_eq!(verdict.is_ok(), *accepted, "{kind:?}, {key}: {reason}: {verdict:?}");
        }
    }
}

#[test]
#[ignore = "runs cosign 2"]
fn cosign_2_accepts_what_we_sign() {
    accepts_our_signatures("cosign2");
}

#[test]
#[ignore = "runs cosign 3"]
fn cosign_3_accepts_what_we_sign() {
    accepts_our_signatures("cosign3");
}

/// cosign 2 signs here; its manifest is the one that we would have written, and either may add to the other's.
#[test]
#[ignore = "runs cosign 2"]
fn cosign_2_signs_as_we_do() {
    let Some(program) = tool("cosign2") else {
        return;
    };
    let folder = folder(&program);
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        let image = format!("{}/{repository}@{digest}", registry.host());
        let sign = ["sign", "--yes", "--key", "cosign.key", "--tlog-upload=false", &image];
        cosign(&program, folder.path(), &sign).unwrap();
        verify(&program, folder.path(), "cosign", &image, &[]).unwrap();

        // The same statement in another repository, where nobody but we has signed.
        let payload = signed_payload(&format!("{}/{repository}", registry.host()), &digest, &annotations(&[]));
        Signer::named("alice")
            .sign_payload(&registry, "ours", &digest, &payload)
            .unwrap();
        let tag = signature_tag(&digest);
        let [theirs, ours] = [repository.as_str(), "ours"].map(|from| without_signature(&registry, from, &tag));
        assert_eq!(theirs, ours, "{kind:?}");

        Signer::named("bob")
            .sign(&registry, &repository, &digest, &annotations(&[]))
            .unwrap();
        cosign(&program, folder.path(), &sign).unwrap();
        for key in ["cosign", "bob"] {
            verify(&program, folder.path(), key, &image, &[]).unwrap();
        }
    }
}

/// A signature manifest's text with its one signature, which is another in every run, cut out.
fn without_signature(registry: &Registry, repository: &str, tag: &str) -> String {
    let manifest = registry.manifest(repository, tag).unwrap();
    let text = String::from_utf8(manifest.bytes.to_vec()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let signature = document["layers"][0]["annotations"][SIGNATURE_ANNOTATION]
        .as_str()
        .unwrap();
    text.replace(signature, "")
}

/// cosign 3 writes a bundle as a referrer, under the fallback tag, since there is no referrers API here.
#[test]
#[ignore = "runs cosign 3"]
fn cosign_3_signs() {
    let Some(program) = tool("cosign3") else {
        return;
    };
    let folder = folder(&program);
    cosign(
        &program,
        folder.path(),
        &["signing-config", "create", "--out", "none.json"],
    )
    .unwrap();
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        let image = format!("{}/{repository}@{digest}", registry.host());
        let sign = [
            "sign",
            "--yes",
            "--key",
            "cosign.key",
            "--signing-config",
            "none.json",
            &image,
        ];
        cosign(&program, folder.path(), &sign).unwrap();
        verify(&program, folder.path(), "cosign", &image, &[]).unwrap();
        assert!(
            registry.manifest(&repository, &signature_tag(&digest)).is_none(),
            "{kind:?}: not the old form"
        );
        assert!(
            registry.manifest(&repository, &digest.replace(':', "-")).is_some(),
            "{kind:?}: the fallback tag"
        );
        let stranger = verify(&program, folder.path(), "alice", &image, &[]);
        assert!(stranger.is_err(), "{kind:?}: {stranger:?}");
    }
}

/// The host's own verifier needs no third-party program, so this one always runs.
#[tokio::test]
async fn sigstore_rs_accepts_what_we_sign() {
    let registry = Registry::start().unwrap();
    let config = ClientConfig {
        protocol: ClientProtocol::Http,
        no_proxy: Some("127.0.0.1".to_owned()),
        ..ClientConfig::default()
    };
    let mut client = ClientBuilder::default().with_oci_client_config(config).build().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        Signer::named("alice")
            .sign(&registry, &repository, &digest, &annotations(&[("env", "prod")]))
            .unwrap();
        let image: OciReference = format!("{}/{repository}:1", registry.host()).parse().unwrap();
        let (signatures, source) = client.triangulate(&image, &Auth::Anonymous).await.unwrap();
        assert_eq!(source, digest, "{kind:?}");
        let layers = client
            .trusted_signature_layers(&Auth::Anonymous, &source, &signatures)
            .await
            .unwrap();
        for (name, accepted) in [("alice", true), ("carol", false)] {
            let key = PublicKeyVerifier::try_from(Signer::named(name).public_pem().as_bytes()).unwrap();
            let annotation = AnnotationVerifier {
                annotations: annotations(&[("env", "prod")]),
            };
            let constraints: VerificationConstraintVec = vec![Box::new(key), Box::new(annotation)];
            let verdict = verify_constraints(&layers, constraints.iter());
            assert_eq!(verdict.is_ok(), accepted, "{kind:?}, {name}");
        }
    }
}
