//! `image-trust pin` with real cosign and a real registry: a tag is signed, pinned, moved and signed again.
//!
//! It runs where `scripts/test-tools` could gather them, and says so where it could not.

use std::{fs, path::Path, process::Command};

use image_trust_testbed::loopback::ImageKind;
use serde_json::json;

// What the live tests of the host use, of which this one needs a part.
#[allow(dead_code)]
#[path = "../../../host/tests/live/docker_registry.rs"]
mod docker_registry;
#[allow(dead_code)]
#[path = "../../../host/tests/live/tls.rs"]
mod tls;
#[allow(dead_code)]
#[path = "../../../host/tests/live/tools.rs"]
mod tools;

use docker_registry::DockerRegistry;
use tools::{Cosign, Format};

#[test]
fn a_signed_tag_is_pinned_until_it_moves() {
    let dir = tempfile::tempdir().unwrap();
    let (Some(registry), Some(cosign)) = (DockerRegistry::start(), Cosign::find("cosign2", dir.path())) else { return };
    let key = cosign.generate("alice");
    let host = registry.host();
    let image = format!("{host}/live/pin:1");
    let sign = |seed: &str| {
        let digest = registry.push("live/pin", "1", ImageKind::Oci, seed);
        cosign.sign(Format::Tag, "alice", &[format!("{host}/live/pin@{digest}")], &[]);
        digest
    };
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("sources.yaml", &json!({"insecure_sources": [host]}).to_string());
    let validator = json!({"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": key}]});
    write("settings.yaml", &json!({"validators": [validator], "policy": [{"pattern": "*:*"}]}).to_string());
    let before = format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {image} # ours\n");
    write("pod.yaml", &before);
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
    let run = |command: &str, flag: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_image-trust"))
            .args([command, "pod.yaml", "-s", "settings.yaml", "--sources-path", "sources.yaml", "--policy"])
            .arg(&module)
            .args(flag)
            .current_dir(dir.path())
            .env("DOCKER_CONFIG", dir.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let pin = |flags: &[&str]| run("pin", flags);
    let pod = || fs::read_to_string(dir.path().join("pod.yaml")).unwrap();

    assert_eq!(pin(&["--check"]).0, Some(1), "there is no such image yet");
    let (code, told) = run("check", &[]);
    assert!(code == Some(1) && told.contains("the registry does not have"), "{code:?}: {told}");
    let first = sign("one");
    let (code, told) = run("check", &[]);
    assert!(code == Some(0) && told.contains("proven"), "{code:?}: {told}");
    assert_eq!(pin(&["--check"]).0, Some(1));
    assert_eq!(pin(&["--write"]).0, Some(0));
    assert_eq!(pod(), before.replace(&image, &format!("{image}@{first}")));
    assert_eq!(pin(&["--check"]).0, Some(0));

    let second = sign("two");
    let (code, told) = pin(&["--check"]);
    assert!(code == Some(1) && told.contains("moved") && told.contains(&second[..16]), "{code:?}: {told}");
    assert_eq!(pin(&["--write", "--update"]).0, Some(0));
    assert_eq!(pod(), before.replace(&image, &format!("{image}@{second}")));
    assert_eq!(pin(&["--check"]).0, Some(0));
}
