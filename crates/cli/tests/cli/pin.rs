//! `image-trust pin` from outside: files before and after, tables, diffs and exit codes, with the real module and registries on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
};

use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer};
use serde_json::{Value, json};

use crate::command::{image_trust, text};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A registry with images in every state, and a folder of manifests.
struct Bed {
    registry: Registry,
    dir: tempfile::TempDir,
}

/// The exit code, stdout and stderr.
type Ran = (Option<i32>, String, String);

impl Bed {
    fn start() -> Bed {
        let registry = Registry::start().expect("a registry");
        let dir = tempfile::tempdir().expect("a folder");
        let bed = Bed { registry, dir };
        bed.sign("shop/web", "1", &["alice"]);
        bed.sign("shop/moved", "1", &["alice"]);
        bed.sign("shop/plain", "1", &[]);
        bed.sign("shop/down", "1", &["alice"]);
        bed.registry.fail(Scope::Repository("shop/down".to_owned()), Fault::ServerError);
        let host = bed.registry.host();
        bed.write("sources.yaml", &json!({"insecure_sources": [host]}).to_string());
        let alice = json!({"name": "default", "key": Signer::named("alice").public_pem()});
        let settings = json!({
            "validators": [
                {"name": "default", "type": "cosign", "trustRoots": [alice]},
                {"name": "allow", "type": "static", "approve": true},
                {"name": "deny", "type": "static", "approve": false},
            ],
            "policy": [
                {"pattern": "*:*", "validator": "deny"},
                {"pattern": format!("{host}/*:*"), "with": {"mode": "insecureValidateOnly"}},
                {"pattern": "free.io/*:*", "validator": "allow"},
            ],
            "features": {"detectionMode": true},
        });
        bed.write("settings.yaml", &settings.to_string());
        bed
    }

    /// Pushes an image and has it signed.
    fn sign(&self, repository: &str, seed: &str, signers: &[&str]) -> String {
        let digest = self.registry.push_image(repository, "1", ImageKind::Oci, &format!("{repository}{seed}"));
        for name in signers {
            Signer::named(name).sign(&self.registry, repository, &digest, &Default::default()).expect("a signature");
        }
        digest
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).expect("a file")
    }

    fn pod(&self, images: &[&str]) -> String {
        let container = |(at, image): (usize, &&str)| {
            format!("  - name: c{at}\n    image: {} # kept\n", image.replace("HOST", &self.registry.host()))
        };
        let containers: String = images.iter().enumerate().map(container).collect();
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n{containers}")
    }

    fn pin_with(&self, args: &[&str], stdin: &str) -> Ran {
        let module = root().join("policy.wasm");
        let module = module.to_string_lossy();
        let flags = ["--policy", &module, "-s", "settings.yaml", "--sources-path", "sources.yaml"];
        let ran = image_trust(self.dir.path(), &[&["pin"], args, &flags[..]].concat(), stdin);
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    }

    fn pin(&self, args: &[&str]) -> Ran {
        self.pin_with(args, "")
    }

    /// The document for programs: the results of the images, in order.
    fn results(&self, args: &[&str]) -> (Option<i32>, Vec<String>) {
        let (code, stdout, stderr) = self.pin(&[args, &["-o", "json"]].concat());
        let document: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        let files = document["files"].as_array().expect("files").iter();
        let images = files.flat_map(|file| file["images"].as_array().expect("images"));
        (code, images.map(|image| image["result"].as_str().expect("a word").to_owned()).collect())
    }
}

#[test]
fn proven_digests_are_written_and_nothing_else() {
    let bed = Bed::start();
    let digest = bed.sign("shop/web", "1", &["alice"]);
    let before = bed.pod(&["HOST/shop/web:1", "free.io/tool:v1", "HOST/shop/web:1"]);
    let after = before.replace("/shop/web:1", &format!("/shop/web:1@{digest}"));
    bed.write("app/pod.yaml", &before);
    bed.write("app/.hidden/pod.yaml", &before);
    let host = bed.registry.host();
    let entry = format!("images:\n- name: web\n  newName: {host}/shop/web\n  newTag: \"1\" # kept\n- name: other\n");
    bed.write("app/kustomization.yaml", &entry);

    let (code, stdout, stderr) = bed.pin(&["app"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    for part in
        ["app/kustomization.yaml:2:3", "app/pod.yaml:7:12", "1 allowed, 3 pin, 1 unset; --write would change 2 files"]
    {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert_eq!(bed.results(&["app", "--check"]).0, Some(1));

    let (code, diff, _) = bed.pin(&["app", "--diff"]);
    assert_eq!(code, Some(0));
    let parts = ["--- a/app/pod.yaml\n+++ b/app/pod.yaml\n", "-    image: ", &format!("+  digest: {digest}\n")];
    parts.iter().for_each(|part| assert!(diff.contains(part), "{part}: {diff}"));
    assert_eq!((bed.read("app/pod.yaml"), bed.read("app/kustomization.yaml")), (before.clone(), entry.clone()));

    bed.registry.forget_requests();
    assert_eq!(bed.pin(&["app", "--write"]).0, Some(0));
    let asked =
        bed.registry.requests().iter().filter(|request| request.path.ends_with("/shop/web/manifests/1")).count();
    assert!(asked <= 2, "each question is asked once: {:?}", bed.registry.requests());
    let written = entry.replace("# kept\n", &format!("# kept\n  digest: {digest}\n"));
    assert_eq!((bed.read("app/pod.yaml"), bed.read("app/kustomization.yaml")), (after.clone(), written));
    assert_eq!(bed.read("app/.hidden/pod.yaml"), before, "a hidden folder is skipped");
    let (code, results) = bed.results(&["app", "--check"]);
    assert_eq!((code, results.join(" ").as_str()), (Some(0), "pinned unset pinned allowed pinned"));
    assert_eq!(bed.pin(&["app", "--diff"]), (Some(0), String::new(), String::new()));
    assert_eq!(bed.pin(&["app", "--write"]).0, Some(0));
    assert_eq!(bed.read("app/pod.yaml"), after, "a second run changes nothing");
}

#[test]
fn what_is_not_proven_stays_with_the_reason() {
    let bed = Bed::start();
    let other = format!("sha256:{}", "2".repeat(64));
    // the images, the results, the exit code, a part of the table
    let rows: [(&[&str], &str, i32, &str); 6] = [
        (&["HOST/shop/plain:1", "HOST/shop/web:1"], "denied pin", 1, "it has no cosign signature"),
        (&["evil.io/app:v1"], "denied", 1, "denied by rule \"*:*\""),
        (&["HOST/shop/down:1"], "unknown", 2, "the registry failed to answer"),
        (&["HOST/shop/web:1 extra"], "denied", 1, "image"),
        (&[&format!("HOST/shop/web:1@{other}")], "denied", 1, ""),
        (&["1.5"], "unreadable", 2, "put it in quotes"),
    ];
    for (images, expected, code, part) in rows {
        let before = bed.pod(images);
        bed.write("pod.yaml", &before);
        assert_eq!(
            bed.results(&["pod.yaml"]),
            (Some(code), expected.split(' ').map(str::to_owned).collect()),
            "{images:?}"
        );
        let (_, stdout, _) = bed.pin(&["pod.yaml"]);
        let words = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(part), "{part}: {stdout}");
        assert_eq!(bed.pin(&["pod.yaml", "--write"]).0, Some(code));
        let kept = bed.read("pod.yaml").lines().zip(before.lines()).filter(|(after, before)| after != before).count();
        assert_eq!(kept, expected.matches("pin").count(), "{images:?}");
    }
}

#[test]
fn a_tag_that_moved_is_told_and_written_on_request() {
    let bed = Bed::start();
    bed.write("pod.yaml", &bed.pod(&["HOST/shop/moved:1"]));
    assert_eq!(bed.pin(&["pod.yaml", "--write"]).0, Some(0));
    let first = bed.read("pod.yaml");
    assert_eq!(bed.pin(&["pod.yaml", "--check"]).0, Some(0));

    // A new image that nobody signed is no reason to fail: what is in the file is proven.
    let unsigned = bed.sign("shop/moved", "2", &[]);
    assert_eq!(bed.results(&["pod.yaml", "--check"]), (Some(0), vec!["pinned".to_owned()]));
    Signer::named("alice").sign(&bed.registry, "shop/moved", &unsigned, &Default::default()).expect("a signature");
    let (code, stdout, _) = bed.pin(&["pod.yaml", "--check"]);
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("moved") && stdout.contains(&unsigned[..16]) && stdout.contains("--update writes"),
        "{stdout}"
    );
    assert_eq!(bed.pin(&["pod.yaml", "--write"]).0, Some(0));
    assert_eq!(bed.read("pod.yaml"), first, "without --update, a digest stays");
    assert_eq!(bed.pin(&["pod.yaml", "--write", "--update"]).0, Some(0));
    assert_eq!(bed.read("pod.yaml"), bed.pod(&[&format!("HOST/shop/moved:1@{unsigned}")]));
    assert_eq!(bed.pin(&["pod.yaml", "--check"]).0, Some(0));
}

#[test]
fn files_that_cannot_be_pinned_are_named_and_the_others_are_pinned() {
    let bed = Bed::start();
    let good = bed.pod(&["HOST/shop/web:1"]);
    let image = format!("{}/shop/web:1", bed.registry.host());
    let shared = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, annotations: {{image: &i \"{image}\"}}}}\nspec:\n  containers:\n  - image: *i\n"
    );
    bed.write("app/good.yaml", &good);
    bed.write("app/shared.yaml", &shared);
    bed.write("app/template.yaml", "image: {{ .Values.image }}\n");
    bed.write("app/twice.yaml", "kind: Pod\nkind: Pod\n");
    bed.write("app/values.yaml", "replicas: 1\n");
    let (code, stdout, stderr) = bed.pin(&["app", "--write"]);
    assert_eq!(code, Some(2), "{stdout}");
    for part in [
        "Error: app/shared.yaml: line 6, column 12: this text is used in several places",
        "Error: app/template.yaml: line 1, column 8: expected a plain manifest, found a template",
        "Error: app/twice.yaml: line 2, column 1: the key \"kind\" stands in this mapping twice",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(stdout.contains("1 pin, 1 refused; 1 file changed"), "{stdout}");
    assert!(bed.read("app/good.yaml").contains("@sha256:") && bed.read("app/shared.yaml") == shared);
}

#[test]
fn standard_input_and_wrong_lines() {
    let bed = Bed::start();
    let (code, diff, _) = bed.pin_with(&["-", "--diff"], &bed.pod(&["HOST/shop/web:1"]));
    assert_eq!(code, Some(0));
    assert!(diff.contains("+++ b/-\n"), "{diff}");
    bed.write("empty/notes.md", "");
    bed.write("pod.yaml", &bed.pod(&["HOST/shop/web:1"]));
    let rows: [(&[&str], &str); 7] = [
        (&["-", "--write"], "standard input cannot be changed"),
        (&["missing.yaml"], "cannot read missing.yaml"),
        (&["empty"], "expected files that end in .yaml, .yml or .json, found none"),
        (&["pod.yaml", "--check", "--write"], "cannot be used with"),
        (&["pod.yaml", "--check", "--diff"], "cannot be used with"),
        (&[], "PATH"),
        (&["pod.yaml", "--settings-json", "{}"], "cannot be used with"),
    ];
    for (args, part) in rows {
        let (code, _, stderr) = bed.pin(args);
        assert!(code == Some(2) && stderr.contains(part), "{args:?}: {stderr}");
    }
}

#[test]
fn what_an_exception_admits_stays_as_it_is() {
    let bed = Bed::start();
    let mut settings: Value = serde_json::from_str(&bed.read("settings.yaml")).expect("JSON");
    settings["exceptions"] = json!([{
        "images": [format!("{}/shop/plain:1", bed.registry.host())],
        "until": image_trust_testbed::corpus::fixtures::midnight_in(2),
        "reason": "INC-1",
    }]);
    let pod = bed.pod(&["HOST/shop/plain:1"]);
    bed.write("pod.yaml", &pod);
    assert_eq!(bed.results(&["pod.yaml"]), (Some(1), vec!["denied".to_owned()]));
    bed.write("settings.yaml", &settings.to_string());
    assert_eq!(bed.results(&["pod.yaml"]), (Some(0), vec!["allowed".to_owned()]));
    assert_eq!(bed.pin(&["pod.yaml", "--write"]).0, Some(0));
    assert_eq!(bed.read("pod.yaml"), pod);
}
