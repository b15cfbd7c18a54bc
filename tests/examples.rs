//! Are the examples, and the settings that documents show, accepted as they stand?

use std::{fs, path::PathBuf};

use image_trust::{Digest, answer};
use image_trust_testbed::{
    corpus,
    host::{FakeHost, answer_to_image, with_signatures},
    mint::{Instance, Leaf, Name, manifest, payload},
    session::{Exchange, Request},
};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn accepted(name: &str, yaml: &str) -> Value {
    let settings: Value = serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(answer::validate_settings(settings.to_string().as_bytes()), Ok(()), "{name}");
    settings
}

#[test]
fn every_example_is_accepted_and_decides() {
    let request: Value =
        serde_json::from_str(&fs::read_to_string(root().join("examples/request-pod.json")).unwrap()).unwrap();
    let mut examples = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with('#'), "{name} does not say for whom it is");
        let settings = accepted(&name, &text);
        // Whatever is not decided by name alone is "could not tell", and nothing is a fault of ours.
        let payload = json!({"request": request, "settings": settings}).to_string();
        let response = serde_json::to_value(answer::validate(payload.as_bytes(), &FakeHost::unreachable())).unwrap();
        let code = response["code"].as_u64();
        assert!(matches!(code, None | Some(403 | 503)), "{name}: {response}");
        examples += 1;
    }
    assert!(examples >= 4, "{examples} examples");
}

/// `docs/start/laptop.md` replays it. It is the world of a case, as kwctl records it.
#[test]
fn the_recorded_session_is_that_of_the_case() {
    let exchanges = |yaml: &str| {
        let exchanges: Vec<Exchange> = serde_yaml::from_str(yaml).unwrap();
        let read = |exchange: Exchange| {
            (serde_yaml::from_str::<Request>(&exchange.request).unwrap(), Result::from(exchange.response))
        };
        exchanges.into_iter().map(read).collect::<Vec<_>>()
    };
    let recorded = fs::read_to_string(root().join("examples/session-pod.yml")).unwrap();
    assert_eq!(exchanges(&recorded), exchanges(&corpus::case("signed-tag-is-pinned").session.unwrap()));
}

/// `docs/guides/verify-a-release.md` shows it: image-trust's own image, signed by its own workflow at a tag.
#[test]
fn the_example_for_our_own_image_admits_releases_only() {
    let text = fs::read_to_string(root().join("examples/verify-image-trust.yaml")).unwrap();
    let mut settings: Value = serde_yaml::from_str(&text).unwrap();
    let ours = Instance::new("ours");
    // The example trusts the public-good instance, which signs nothing for tests.
    settings["validators"][0]["trustedRoot"] = ours.trusted_root();
    let digest = format!("sha256:{}", "1".repeat(64));
    let image = "ghcr.io/image-trust/image-trust";
    let code = |name: &str, workflow: &'static str, reference: &'static str| {
        let leaf = Leaf {
            names: vec![Name::Uri(workflow)],
            repository_v1: Some("image-trust/image-trust"),
            repository_v2: Some("https://github.com/image-trust/image-trust"),
            extensions: Leaf::ran_for(reference, reference),
            ..Leaf::of_workflow()
        };
        let signatures = manifest(&[ours.sign(&leaf, &payload(image, &digest))]);
        let host = with_signatures(Digest::parse(&digest).unwrap(), signatures);
        let answer = answer_to_image(&format!("{name}:v0.1.0"), &settings.to_string(), &host);
        answer["code"].as_u64().unwrap_or(200)
    };
    let (release, tag) = (
        "https://github.com/image-trust/image-trust/.github/workflows/release.yml@refs/tags/v0.1.0",
        "refs/tags/v0.1.0",
    );
    assert_eq!(code(image, release, tag), 200, "a release");
    assert_eq!(code("ghcr.io/acme/app", release, tag), 403, "another image");
    let main = "https://github.com/image-trust/image-trust/.github/workflows/release.yml@refs/heads/main";
    assert_eq!(code(image, main, "refs/heads/main"), 403, "the same workflow on a branch");
    let ci = "https://github.com/image-trust/image-trust/.github/workflows/ci.yml@refs/tags/v0.1.0";
    assert_eq!(code(image, ci, tag), 403, "another workflow at the tag");
}
