//! `image-trust check` from outside: what is told of manifests in each format, and the exit codes, with the real module and registries on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer};
use serde_json::{Value, json};

use crate::command::{image_trust, text};

/// The exit code, stdout and stderr.
type Ran = (Option<i32>, String, String);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/check")
}

fn check_in(dir: &Path, args: &[&str], stdin: &str) -> Ran {
    let module = root().join("policy.wasm");
    let flags = ["check", "--policy", &module.to_string_lossy(), "-s", "settings.yaml"];
    let ran = image_trust(dir, &[&flags[..], args].concat(), stdin);
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

/// `UPDATE_EXPECT=1` writes them anew.
#[test]
fn every_format_is_as_in_its_golden() {
    for (format, golden) in [
        ("text", "expected.txt"),
        ("json", "expected.json"),
        ("sarif", "expected.sarif"),
        ("junit", "expected.xml"),
        ("github", "expected.github"),
    ] {
        let args = ["-o", format, "web.yaml", "list.json", "a template.yaml"];
        let (code, stdout, _) = check_in(&folder().join("input"), &args, "");
        assert_eq!(code, Some(2), "{format}: one file is a template");
        let path = folder().join(golden);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &stdout).expect("a golden");
        }
        assert_eq!(stdout, fs::read_to_string(&path).expect("a golden"), "{format}");
    }
}

/// The judges are the schema of OASIS, and types that somebody else made of it. Both are in the crate serde-sarif.
#[test]
fn sarif_is_what_its_schema_says() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("metadata");
    let mut packages = metadata["packages"].as_array().expect("packages").iter();
    let sarif = packages.find(|package| package["name"] == "serde-sarif").expect("the crate serde-sarif");
    let manifest = Path::new(sarif["manifest_path"].as_str().expect("a path"));
    let schema = fs::read_to_string(manifest.with_file_name("src/schema.json")).expect("the schema");
    let mut schema: Value = serde_json::from_str(&schema).expect("JSON");
    // An expression of JavaScript, with a bracket that other engines take for an error. We name no language.
    for definition in ["run", "toolComponent"] {
        let language = schema["definitions"][definition]["properties"]["language"].as_object_mut().expect("a property");
        language.remove("pattern").expect("an expression");
    }
    let golden = fs::read_to_string(folder().join("expected.sarif")).expect("a golden");
    let document: Value = serde_json::from_str(&golden).expect("JSON");

    let judge = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = judge.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
    let typed: serde_sarif::sarif::Sarif = serde_json::from_str(&golden).expect("SARIF");
    let results = typed.runs[0].results.as_ref().expect("results");
    assert_eq!(results.len(), 2);

    let mut broken = document;
    broken["runs"][0]["results"][0]["level"] = json!("fatal");
    assert!(!judge.is_valid(&broken), "the schema judges nothing");
}

/// A registry with images in every state, and a folder of manifests.
struct Bed {
    registry: Registry,
    dir: tempfile::TempDir,
}

impl Bed {
    fn start(more: &Value) -> Bed {
        let registry = Registry::start().expect("a registry");
        let bed = Bed { registry, dir: tempfile::tempdir().expect("a folder") };
        let host = bed.registry.host();
        let digest = bed.registry.push_image("shop/web", "1", ImageKind::Oci, "web");
        Signer::named("alice").sign(&bed.registry, "shop/web", &digest, &Default::default()).expect("a signature");
        bed.registry.push_image("shop/plain", "1", ImageKind::Oci, "plain");
        bed.registry.push_image("shop/down", "1", ImageKind::Oci, "down");
        bed.registry.fail(Scope::Repository("shop/down".to_owned()), Fault::ServerError);
        bed.write("sources.yaml", &json!({"insecure_sources": [host]}).to_string());
        let mut settings = json!({
            "validators": [
                {"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": Signer::named("alice").public_pem()}]},
            ],
            "policy": [{"pattern": format!("{host}/*:*")}],
        });
        for (key, value) in more.as_object().expect("settings") {
            settings[key] = value.clone();
        }
        bed.write("settings.yaml", &settings.to_string().replace("HOST", &host));
        bed
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text.replace("HOST", &self.registry.host())).expect("a file");
    }

    fn check(&self, args: &[&str], stdin: &str) -> Ran {
        let stdin = stdin.replace("HOST", &self.registry.host());
        check_in(self.dir.path(), &[&["--sources-path", "sources.yaml"], args].concat(), &stdin)
    }
}

fn pod(name: &str, images: &[&str]) -> String {
    let container = |(at, image): (usize, &&str)| json!({"name": format!("c{at}"), "image": image});
    let containers: Vec<Value> = images.iter().enumerate().map(container).collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}})
        .to_string()
}

#[test]
fn exit_codes() {
    let bed = Bed::start(&json!({"exceptions": [
        {"images": ["HOST/shop/plain:1"], "namespaces": ["tests"], "until": soon(), "reason": "INC-1"}]}));
    let (signed, plain, down) = ("HOST/shop/web:1", "HOST/shop/plain:1", "HOST/shop/down:1");
    let service = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}"#;
    // the objects, the flags, the exit code, the reason
    let rows: [(Vec<String>, &[&str], i32, &str); 12] = [
        (vec![pod("a", &[signed])], &[], 0, "signed"),
        (vec![service.to_owned()], &[], 0, "no workload at all"),
        (vec![pod("a", &[signed]), pod("b", &[plain])], &[], 1, "one of two is not signed"),
        (vec![pod("a", &[plain])], &["--fail-on", "never"], 0, "nothing that is denied makes it fail"),
        (vec![pod("a", &[down])], &[], 2, "a registry that does not answer"),
        (vec![pod("a", &[down])], &["--fail-on", "never"], 2, "what cannot be told is never good"),
        (vec![pod("a", &[plain]), pod("b", &[down])], &[], 1, "something is denied for certain"),
        (vec![pod("a", &[plain])], &["--namespace", "tests"], 0, "an exception of the namespace"),
        (vec![pod("a", &[plain])], &["--namespace", "tests", "--fail-on", "warning"], 1, "and its warning"),
        (vec![pod("a", &[signed])], &["--fail-on", "warning"], 0, "no warning"),
        (vec![pod("a", &[signed]), "a: [".to_owned()], &[], 2, "what is not YAML"),
        (vec![pod("a", &[plain]), "a: [".to_owned()], &["--fail-on", "never"], 2, "whatever it fails on"),
    ];
    for (objects, flags, expected, why) in rows {
        let stdin = objects.join("\n---\n");
        let (code, stdout, stderr) = bed.check(&[flags, &["-"]].concat(), &stdin);
        assert_eq!(code, Some(expected), "{why}: {stdout}{stderr}");
    }
    let (code, _, stderr) = bed.check(&["no-such-folder"], "");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("cannot read no-such-folder"), "{stderr}");
    let (code, _, stderr) = bed.check(&["-", "-s", "-"], "");
    assert_eq!(code, Some(2), "{stderr}");
}

/// The beginning of tomorrow, or a little later.
fn soon() -> String {
    image_trust_testbed::corpus::fixtures::midnight_in(2)
}

#[test]
fn each_image_is_asked_about_once() {
    let bed = Bed::start(&json!({}));
    let objects: Vec<String> =
        (0..100).map(|n| pod(&format!("p{n}"), &["HOST/shop/web:1", "HOST/shop/plain:1"])).collect();
    let before = bed.registry.requests().len();
    let (code, stdout, _) = bed.check(&["-"], &objects.join("\n---\n"));
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("100 workloads: 0 admitted, 100 denied; 2 images: 1 denied"), "{stdout}");
    let once = bed.registry.requests().len() - before;
    let (_, _, _) = bed.check(&["-"], &objects[0]);
    let twice = bed.registry.requests().len() - before - once;
    assert_eq!(once, twice, "a hundred Pods take as many requests as one");
}

#[test]
fn owners_in_the_input_count_as_the_cluster() {
    let bed = Bed::start(&json!({}));
    let digest = bed.registry.push_image("shop/plain", "1", ImageKind::Oci, "plain");
    let image = format!("HOST/shop/plain:1@{digest}");
    let spec = json!({"containers": [{"name": "web", "image": image}]});
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"template": {"spec": spec}},
    });
    let owned = |uid: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": uid}]},
            "spec": spec,
        })
    };
    let verdicts = |objects: &[&Value]| -> Vec<String> {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let (_, stdout, stderr) = bed.check(&["-o", "json", "-"], &list);
        let document: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        let objects = document["objects"].as_array().expect("objects").iter();
        objects.map(|object| object["images"][0]["record"]["verdict"].as_str().expect("a word").to_owned()).collect()
    };
    assert_eq!(
        verdicts(&[&owned("u1"), &set]),
        ["denied", "denied"],
        "an owner that is denied itself is not in the cluster"
    );
    let signed = bed.registry.push_image("shop/web", "1", ImageKind::Oci, "web");
    let spec_of = |object: &Value| {
        let text = object.to_string().replace(&image, &format!("HOST/shop/web:1@{signed}"));
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    let (good, its) = (spec_of(&set), spec_of(&owned("u1")));
    assert_eq!(verdicts(&[&its, &good]), ["approved", "proven"], "its Pod is decided as in the cluster");
    assert_eq!(verdicts(&[&good, &spec_of(&owned("u2"))]), ["proven", "proven"], "another owner of that name");
    let mut one = set.clone();
    let mut other = set.clone();
    other["metadata"]["name"] = json!("other");
    other["metadata"]["uid"] = json!("u2");
    let owner =
        |name: &str, uid: &str| json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": uid}]);
    one["metadata"]["ownerReferences"] = owner("other", "u2");
    other["metadata"]["ownerReferences"] = owner("web", "u1");
    assert_eq!(verdicts(&[&one, &other]), ["denied", "denied"], "two that name each other approve nobody");
}

#[test]
fn stages_of_a_roll_out_hide_nothing() {
    for features in [json!({"detectionMode": true}), json!({"resourceValidationMode": "podsOnly"})] {
        let bed = Bed::start(&json!({"features": features}));
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "HOST/shop/plain:1"}]}}}});
        let (code, stdout, _) = bed.check(&["-"], &object.to_string());
        assert_eq!(code, Some(1), "{features}: {stdout}");
    }
}

#[test]
fn names_of_files_give_no_command() {
    let bed = Bed::start(&json!({}));
    bed.write("x\n::error title=pwn::hello.yaml", "a: [");
    for format in ["text", "json", "sarif", "junit", "github"] {
        let (code, stdout, stderr) = bed.check(&["-o", format, "."], "");
        assert_eq!(code, Some(2), "{format}");
        let is_command = |line: &str| line.starts_with("::error title=pwn");
        assert!(!stdout.lines().chain(stderr.lines()).any(is_command), "{format}: {stdout}{stderr}");
    }
}

#[test]
fn whoever_would_create_it_is_asked_for() {
    let bed = Bed::start(&json!({"features": {"breakGlass": true}}));
    let mut object: Value = serde_json::from_str(&pod("a", &["HOST/shop/plain:1"])).expect("JSON");
    object["metadata"]["annotations"] = json!({"image-trust.dev/break-glass": "INC-1"});
    let (code, stdout, _) = bed.check(&["--as", "jane", "-"], &object.to_string());
    assert_eq!(code, Some(1), "{stdout}");
    assert!(
        stdout.contains("break-glass: the API server did not tell whether the user has the permission"),
        "{stdout}"
    );
    let (_, stdout, _) = bed.check(&["-"], &object.to_string());
    assert!(
        stdout.contains("break-glass: the annotation has no effect, because the request names no user"),
        "{stdout}"
    );
}
