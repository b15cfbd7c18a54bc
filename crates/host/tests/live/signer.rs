//! The registry and the signer on loopback against the programs that they stand in for.

use std::collections::BTreeMap;

use image_trust_testbed::loopback::{ImageKind, Registry, SIGNATURE_ANNOTATION, Signer, signature_tag, signed_payload};
use sigstore::cosign::verification_constraint::{AnnotationVerifier, PublicKeyVerifier, VerificationConstraintVec};
use sigstore::cosign::{ClientBuilder, CosignCapabilities, verify_constraints};
use sigstore::registry::{Auth, ClientConfig, ClientProtocol, OciReference};

use crate::tools::{Cosign, Format};

const KINDS: [ImageKind; 4] = [ImageKind::Oci, ImageKind::Docker, ImageKind::Index, ImageKind::DockerList];

/// A folder with the public keys of `alice`, `bob` and `carol`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["alice", "bob", "carol"] {
        let file = folder.path().join(format!("{name}.pub"));
        std::fs::write(file, Signer::named(name).public_pem()).unwrap();
    }
    folder
}

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Checks that this cosign accepts what our signer writes.
fn accepts_our_signatures(name: &str) {
    let folder = folder();
    let Some(cosign) = Cosign::find(name, folder.path()) else {
        return;
    };
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        let by_tag = format!("{}/{repository}:1", registry.host());
        let by_digest = format!("{}/{repository}@{digest}", registry.host());
        let unsigned = cosign.verify("alice", &by_tag, &[]);
        assert!(unsigned.is_err(), "{kind:?}: not signed yet: {unsigned:?}");
        Signer::named("alice").sign(&registry, &repository, &digest, &annotations(&[])).unwrap();
        let odd = annotations(&[("env", "prod"), ("a", "<b>&ü/\u{2028}")]);
        Signer::named("bob").sign(&registry, &repository, &digest, &odd).unwrap();
        let table: &[(&str, &str, &[&str], bool, &str)] = &[
            ("alice", &by_tag, &[], true, "by tag"),
            ("alice", &by_digest, &[], true, "by digest"),
            ("bob", &by_tag, &[], true, "the second signature"),
            ("bob", &by_tag, &["-a", "env=prod"], true, "an annotation"),
            ("bob", &by_tag, &["-a", "a=<b>&ü/\u{2028}"], true, "an annotation that Go escapes"),
            ("bob", &by_tag, &["-a", "env=test"], false, "another annotation"),
            ("alice", &by_tag, &["-a", "env=prod"], false, "the annotation is bob's"),
            ("carol", &by_tag, &[], false, "did not sign"),
        ];
        for (key, image, more, accepted, reason) in table {
            let verdict = cosign.verify(key, image, more);
            assert_eq!(verdict.is_ok(), *accepted, "{kind:?}, {key}: {reason}: {verdict:?}");
        }
    }
}

#[test]
fn cosign_2_accepts_what_we_sign() {
    accepts_our_signatures("cosign2");
}

#[test]
fn cosign_3_accepts_what_we_sign() {
    accepts_our_signatures("cosign3");
}

/// cosign 2 signs here; its manifest is the one that we would have written, and either may add to the other's.
#[test]
fn cosign_2_signs_as_we_do() {
    let folder = folder();
    let Some(cosign) = Cosign::find("cosign2", folder.path()) else {
        return;
    };
    cosign.generate("cosign");
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        let image = format!("{}/{repository}@{digest}", registry.host());
        cosign.sign(Format::Tag, "cosign", std::slice::from_ref(&image), &[]);
        cosign.verify("cosign", &image, &[]).unwrap();

        // The same statement in another repository, where nobody but we has signed.
        let payload = signed_payload(&format!("{}/{repository}", registry.host()), &digest, &annotations(&[]));
        Signer::named("alice").sign_payload(&registry, "ours", &digest, &payload).unwrap();
        let tag = signature_tag(&digest);
        let [theirs, ours] = [repository.as_str(), "ours"].map(|from| without_signature(&registry, from, &tag));
        assert_eq!(theirs, ours, "{kind:?}");

        Signer::named("bob").sign(&registry, &repository, &digest, &annotations(&[])).unwrap();
        cosign.sign(Format::Tag, "cosign", std::slice::from_ref(&image), &[]);
        for key in ["cosign", "bob"] {
            cosign.verify(key, &image, &[]).unwrap();
        }
    }
}

/// A signature manifest's text with its one signature, which is another in every run, cut out.
fn without_signature(registry: &Registry, repository: &str, tag: &str) -> String {
    let manifest = registry.manifest(repository, tag).unwrap();
    let text = String::from_utf8(manifest.bytes.to_vec()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let signature = document["layers"][0]["annotations"][SIGNATURE_ANNOTATION].as_str().unwrap();
    text.replace(signature, "")
}

/// cosign 3 writes a bundle as a referrer, under the fallback tag, since there is no referrers API here.
#[test]
fn cosign_3_signs() {
    let folder = folder();
    let Some(cosign) = Cosign::find("cosign3", folder.path()) else {
        return;
    };
    cosign.generate("cosign");
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let repository = format!("a/b/{kind:?}").to_lowercase();
        let digest = registry.push_image(&repository, "1", kind, "x");
        let image = format!("{}/{repository}@{digest}", registry.host());
        cosign.sign(Format::Bundle, "cosign", std::slice::from_ref(&image), &[]);
        cosign.verify("cosign", &image, &[]).unwrap();
        assert!(registry.manifest(&repository, &signature_tag(&digest)).is_none(), "{kind:?}: not the old form");
        assert!(registry.manifest(&repository, &digest.replace(':', "-")).is_some(), "{kind:?}: the fallback tag");
        let stranger = cosign.verify("alice", &image, &[]);
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
        Signer::named("alice").sign(&registry, &repository, &digest, &annotations(&[("env", "prod")])).unwrap();
        let image: OciReference = format!("{}/{repository}:1", registry.host()).parse().unwrap();
        let (signatures, source) = client.triangulate(&image, &Auth::Anonymous).await.unwrap();
        assert_eq!(source, digest, "{kind:?}");
        let layers = client.trusted_signature_layers(&Auth::Anonymous, &source, &signatures).await.unwrap();
        for (name, accepted) in [("alice", true), ("carol", false)] {
            let key = PublicKeyVerifier::try_from(Signer::named(name).public_pem().as_bytes()).unwrap();
            let annotation = AnnotationVerifier { annotations: annotations(&[("env", "prod")]) };
            let constraints: VerificationConstraintVec = vec![Box::new(key), Box::new(annotation)];
            let verdict = verify_constraints(&layers, constraints.iter());
            assert_eq!(verdict.is_ok(), accepted, "{kind:?}, {name}");
        }
    }
}
