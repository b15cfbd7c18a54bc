//! Evidence that cosign 2, cosign 3 and Notation left in real registries, collected, read by the real module, and copied.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use image_trust::{ImageRef, evidence::manifest::ENVELOPE};
use image_trust_collect::find::{NOTATION, Places, find};
use image_trust_collect::manifest::EvidenceManifest;
use image_trust_collect::push::{Before, push};
use image_trust_collect::registry::{Client, Config, Repository};
use image_trust_host::{LiveConfig, Sources};
use image_trust_testbed::loopback::{ImageKind, Registry};
use serde_json::json;

use crate::docker_registry::{BASIC, DockerRegistry};
use crate::policy::{by, evaluate, host, pins, pod, settings};
use crate::tls::Authority;
use crate::tools::{Cosign, Format, tool};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

pub(crate) fn client(registries: &[&str]) -> Client {
    let LiveConfig { sources, docker_config, .. } =
        LiveConfig::loopback(registries.iter().map(|host| host.to_string()));
    Client::new(Config { sources, docker_config, ..Config::default() }).unwrap()
}

/// Collects once, and returns how many items of each media type were found about the image itself.
fn collected(client: &Client, image: &str, from: Option<&str>, to: Option<&str>) -> BTreeMap<String, usize> {
    let image = ImageRef::parse(image).unwrap();
    let at = Repository::of(&image);
    let from = from.map(|from| Repository::parse(from).unwrap());
    let to = to.map_or_else(|| at.clone(), |to| Repository::parse(to).unwrap());
    let found =
        find(client, &image, Places { from: from.as_ref(), bundles: &[] }).unwrap().expect("the image is there");
    let mut counts = BTreeMap::new();
    for found in found {
        assert_eq!(found.left, [], "{}", image.written());
        if found.items.is_empty() {
            continue;
        }
        let evidence = EvidenceManifest::of(found.digest, found.items.keys().cloned());
        push(client, &to, &evidence).unwrap();
        let there = Before::of(client, &to, &evidence.manifest.tag).unwrap().expect("what was pushed");
        assert_eq!((there.digest, there.lost(&evidence)), (evidence.manifest.digest, vec![]));
        if found.platform.is_none() {
            for item in found.items.keys() {
                *counts.entry(item.media_type.clone()).or_default() += 1;
            }
        }
    }
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(media_type, count)| (media_type.to_string(), *count)).collect()
}

/// A registry with the referrers API, or one without, and an image in each repository.
fn images(registry: &dyn Fn(&str) -> String, names: &[&'static str]) -> BTreeMap<&'static str, String> {
    names.iter().map(|name| (*name, registry(name))).collect()
}

fn notation(folder: &Path, arguments: &[&str]) -> Option<()> {
    let output = Command::new(tool("notation")?)
        .args(arguments)
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("DOCKER_CONFIG", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

/// Signs with every tool, collects, and lets the module read it.
fn every_tool(host_name: &str, push: &dyn Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let (cosign2, cosign3) = (Cosign::find("cosign2", folder.path()), Cosign::find("cosign3", folder.path()));
    let (Some(cosign2), Some(cosign3)) = (cosign2, cosign3) else { return };
    let alice = [("alice", cosign2.generate("alice"))];
    let digests = images(push, &["tag", "attested", "referrer", "bundle", "twice", "elsewhere", "notation", "none"]);
    let at = |name: &str| format!("{host_name}/live/{name}@{}", digests[name]);
    std::fs::write(folder.path().join("predicate.json"), r#"{"a":"b"}"#).unwrap();
    let attest = ["attest", "--yes", "--key", "alice.key", "--predicate", "predicate.json", "--type", "custom"];

    cosign2.sign(Format::Tag, "alice", &[at("tag")], &[]);
    cosign2.run(&[&attest[..], &["--tlog-upload=false", &at("attested")]].concat()).unwrap();
    let experimental = [("COSIGN_EXPERIMENTAL", "1")];
    let oci = ["sign", "--yes", "--key", "alice.key", "--tlog-upload=false", "--registry-referrers-mode=oci-1-1"];
    cosign2.run_with(&experimental, &[&oci[..], &[&at("referrer")]].concat()).unwrap();
    cosign3.sign(Format::Bundle, "alice", &[at("bundle"), at("twice"), at("twice")], &[]);
    cosign3.run(&[&attest[..], &["--signing-config", "none.json", &at("twice")]].concat()).unwrap();
    let elsewhere = format!("{host_name}/trust/signatures");
    let key = ["sign", "--yes", "--key", "alice.key"];
    let variable = [("COSIGN_REPOSITORY", elsewhere.as_str())];
    cosign2.run_with(&variable, &[&key[..], &["--tlog-upload=false", &at("elsewhere")]].concat()).unwrap();
    cosign3.run_with(&variable, &[&key[..], &["--signing-config", "none.json", &at("elsewhere")]].concat()).unwrap();

    let client = client(&[host_name]);
    // the image; what is found; does the module then admit it, because alice signed
    let rows = [
        ("tag", None, counts(&[(SIGNATURE, 1)]), true),
        ("attested", None, counts(&[(ENVELOPE, 1)]), false),
        ("referrer", None, counts(&[(SIGNATURE, 1)]), true),
        ("bundle", None, counts(&[(BUNDLE, 1)]), true),
        ("twice", None, counts(&[(BUNDLE, 3)]), true),
        ("elsewhere", Some(elsewhere.as_str()), counts(&[(SIGNATURE, 1), (BUNDLE, 1)]), true),
        ("none", None, counts(&[]), false),
    ];
    for (name, from, expected, is_signed) in rows {
        assert_eq!(collected(&client, &at(name), from, None), expected, "{name}");
        let live = host(&[host_name]);
        let evaluation =
            evaluate(&pod(&format!("{host_name}/live/{name}:1")), &settings(host_name, &alice, &by("alice")), &live);
        let pinned: Vec<String> = pins(&evaluation).into_iter().map(|(_, image)| image).collect();
        let expected = if is_signed { vec![format!("{host_name}/live/{name}:1@{}", digests[name])] } else { vec![] };
        assert_eq!((evaluation.response.allowed, pinned), (is_signed, expected), "{name}: {:?}", evaluation.response);
    }

    // A key and a certificate of its own. It trusts itself, so that `sign` takes it.
    if notation(folder.path(), &["cert", "generate-test", "--default", "live"]).is_some() {
        for format in ["jws", "cose"] {
            let arguments = ["sign", "--insecure-registry", "--signature-format", format, &at("notation")];
            notation(folder.path(), &arguments);
        }
        let found = collected(&client, &at("notation"), None, None);
        assert_eq!(found, NOTATION.iter().map(|kind| (kind.to_string(), 1)).collect());
    }
}

#[test]
fn docker_registry_holds_what_every_tool_signed() {
    let Some(registry) = DockerRegistry::start() else { return };
    every_tool(registry.host(), &|name| registry.push(&format!("live/{name}"), "1", ImageKind::Oci, name));
}

#[test]
fn a_registry_with_the_referrers_api_holds_what_every_tool_signed() {
    let registry = Registry::start().unwrap();
    registry.offer_referrers(1);
    every_tool(&registry.host(), &|name| registry.push_image(&format!("live/{name}"), "1", ImageKind::Index, name));
}

/// TLS by an authority of one's own, and a password.
#[test]
fn a_private_registry_takes_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new();
    let (Some(registry), Some(cosign)) = (DockerRegistry::start_private(&ours), Cosign::find("cosign2", folder.path()))
    else {
        return;
    };
    cosign.generate("alice");
    let host = registry.host();
    let digest = registry.push("private", "1", ImageKind::Oci, "x");
    let config = folder.path().join("config.json");
    std::fs::write(&config, json!({"auths": {host: {"auth": BASIC}}}).to_string()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), ours.pem()).unwrap();
    let image = format!("{host}/private@{digest}");
    cosign.sign(Format::Tag, "alice", std::slice::from_ref(&image), &["--registry-cacert", "ca.pem"]);

    let client = |authority: Option<&Authority>, docker_config: &Path| {
        let authorities = authority.map(|authority| json!({host: [{"type": "Data", "data": authority.pem()}]}));
        let sources = json!({"source_authorities": authorities.unwrap_or(json!({}))}).to_string();
        let sources =
            Sources { proxies: LiveConfig::loopback([]).sources.proxies, ..Sources::from_yaml(&sources).unwrap() };
        Client::new(Config { sources, docker_config: Some(docker_config.to_owned()), ..Config::default() }).unwrap()
    };
    let refused = |client: &Client| {
        let error = find(client, &ImageRef::parse(&image).unwrap(), Places { from: None, bundles: &[] }).unwrap_err();
        error.help().unwrap_or_default()
    };
    // whose authority, whose credentials, a part of what helps
    let nobody = folder.path().join("none.json");
    let rows = [
        (None, &config, "`source_authorities`"),
        (Some(&Authority::new()), &config, "`source_authorities`"),
        (Some(&ours), &nobody, "docker login"),
    ];
    for (authority, credentials, part) in rows {
        let help = refused(&client(authority, credentials));
        assert!(help.contains(part), "{help}");
    }
    assert_eq!(collected(&client(Some(&ours), &config), &image, None, None), counts(&[(SIGNATURE, 1)]));
}

/// Evidence is an artifact like any other: crane copies it, with what it names, into another registry, where it is the same.
#[test]
fn crane_copies_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(cosign), Some(crane)) = (Cosign::find("cosign3", folder.path()), tool("crane")) else { return };
    let (Some(from), Some(to)) = (DockerRegistry::start(), DockerRegistry::start()) else { return };
    let alice = [("alice", cosign.generate("alice"))];
    let digest = from.push("live/app", "1", ImageKind::Oci, "x");
    assert_eq!(to.push("live/app", "1", ImageKind::Oci, "x"), digest);
    cosign.sign(Format::Bundle, "alice", &[format!("{}/live/app@{digest}", from.host())], &[]);
    let client = client(&[from.host(), to.host()]);
    collected(&client, &format!("{}/live/app@{digest}", from.host()), None, None);
    let tag = format!("live/app:{}.evidence", digest.replace(':', "-"));
    let admitted = || {
        let rule = settings(to.host(), &alice, &by("alice"));
        evaluate(&pod(&format!("{}/live/app:1", to.host())), &rule, &host(&[to.host()])).response.allowed
    };
    assert!(!admitted(), "nothing was copied yet");
    let names = [from.host(), to.host()].map(|host| format!("{host}/{tag}"));
    let output = Command::new(&crane)
        .args(["copy", "--insecure", &names[0], &names[1]])
        .env("DOCKER_CONFIG", folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(admitted());

    // The manifest by itself says what it is.
    let output = Command::new(crane)
        .args(["manifest", "--insecure", &names[1]])
        .env("DOCKER_CONFIG", folder.path())
        .output()
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(manifest["artifactType"], json!("application/vnd.image-trust.evidence.v1"));
    assert_eq!(manifest["layers"][0]["mediaType"], json!(BUNDLE));
}
