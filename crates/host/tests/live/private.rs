//! A registry as companies run them: TLS by an authority of their own, and a password.

use std::fs;
use std::sync::Arc;

use image_trust_host::{Live, LiveConfig, Sources};
use image_trust_testbed::loopback::ImageKind;
use serde_json::json;

use crate::docker_registry::{BASIC, DockerRegistry};
use crate::policy::{Expect, GUEST, LOOK, Row, by, check};
use crate::tls::Authority;
use crate::tools::{Cosign, Format};

/// bob, whom the registry doesn't know, and alice with a password that isn't hers.
const BOB: &str = "Ym9iOnMzY3JldA==";
const WRONG: &str = "YWxpY2U6d3Jvbmc=";

#[test]
fn a_private_registry_needs_its_authority_and_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(), Authority::new());
    let (Some(registry), Some(cosign)) = (DockerRegistry::start_private(&ours), Cosign::find("cosign2", folder.path()))
    else {
        return;
    };
    let host = registry.host();
    let config = |name: &str, basic: &str| {
        let path = folder.path().join(name);
        fs::write(&path, json!({"auths": {host: {"auth": basic}}}).to_string()).unwrap();
        path
    };
    let keys = [("alice", cosign.generate("alice"))];
    let digest = registry.push("private", "1", ImageKind::Oci, "x");
    // What cosign itself says to the registry.
    let alice = config("config.json", BASIC);
    fs::write(folder.path().join("ca.pem"), ours.pem()).unwrap();
    let image = format!("{host}/private@{digest}");
    cosign.sign(Format::Tag, "alice", &[image], &["--registry-cacert", "ca.pem"]);

    let refused =
        || Expect::Denied(503, "evidence-unavailable: unauthorized; undecided alice", "Not authorized: url https://");
    let unreachable = || {
        let words = "evidence-unavailable: unknown-authority; undecided alice; tells sourceAuthorities";
        Expect::Denied(503, words, "error sending request for url (https://")
    };
    // whom the host trusts, who it is, what it is asked, what comes out, the reason; what is admitted comes last, since hosts remember it and don't ask who asks
    let table = [
        (Some(&ours), None, "manifest_digest", refused(), "no credentials"),
        (
            Some(&ours),
            Some(config("wrong.json", WRONG)),
            "manifest_digest",
            refused(),
            "a password that is not alice's",
        ),
        (
            Some(&ours),
            Some(config("bob.json", BOB)),
            "manifest_digest",
            refused(),
            "somebody that the registry does not know",
        ),
        (
            None,
            Some(alice.clone()),
            "manifest_digest",
            unreachable(),
            "nobody said that this authority is to be trusted",
        ),
        (
            Some(&other),
            Some(alice.clone()),
            "manifest_digest",
            unreachable(),
            "the certificate is not by this authority",
        ),
        (Some(&ours), Some(alice), LOOK, Expect::Pinned(&digest, GUEST), "the right authority and the right password"),
    ];
    for (authority, credentials, calls, expect, why) in table {
        let authorities = authority.map(|authority| json!([{"type": "Data", "data": authority.pem()}]));
        let authorities: serde_json::Map<_, _> = authorities.map(|list| (host.to_owned(), list)).into_iter().collect();
        let sources = Sources::from_yaml(&json!({"source_authorities": authorities}).to_string()).unwrap();
        let loopback = LiveConfig::loopback([]);
        let config = LiveConfig {
            sources: Sources { proxies: loopback.sources.proxies, ..sources },
            docker_config: credentials.or(loopback.docker_config),
            cluster_dir: None,
        };
        let image = format!("{host}/private:1");
        let row = Row { image, rule: by("alice"), calls, expect, why };
        check(&[row], host, &keys, &Arc::new(Live::new(config).unwrap()));
    }
}
