//! `image-trust explain` from outside: the tables that people read, and the JSON that programs read.

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

/// A registry with images in every state, and a directory with what the command needs to ask it.
struct Bed {
    registry: Registry,
    dir: tempfile::TempDir,
}

impl Bed {
    fn start() -> Bed {
        let registry = Registry::start().expect("a registry");
        for (repository, signers) in [("shop/web", vec!["alice"]), ("shop/tool", vec![]), ("shop/down", vec!["alice"])]
        {
            let digest = registry.push_image(repository, "1", ImageKind::Oci, repository);
            for name in signers {
                Signer::named(name).sign(&registry, repository, &digest, &Default::default()).expect("a signature");
            }
        }
        registry.fail(Scope::Repository("shop/down".to_owned()), Fault::ServerError);
        let dir = tempfile::tempdir().expect("a directory");
        let bed = Bed { dir, registry };
        let host = bed.registry.host();
        bed.write("sources.yaml", &json!({"insecure_sources": [host]}));
        let root = |name: &str| json!({"name": name, "key": Signer::named(name).public_pem()});
        bed.write(
            "settings.yaml",
            &json!({
                "validators": [
                    {"name": "default", "type": "cosign", "trustRoots": [root("alice"), root("bob")]},
                    {"name": "allow", "type": "static", "approve": true},
                    {"name": "deny", "type": "static", "approve": false},
                ],
                "policy": [
                    {"pattern": "docker.io/*", "validator": "deny"},
                    {"pattern": format!("{host}/*"), "validator": "deny"},
                    {"pattern": format!("{host}/shop/*:*"), "with": {"trustRoot": "alice"}},
                    {"pattern": format!("{host}/shop/to*"), "with": {"trustRoot": "bob"}},
                    {"pattern": "free.io/tool:v1", "validator": "allow"},
                    {"pattern": "free.io/a*x*", "validator": "allow"},
                    {"pattern": "free.io/a*y*", "validator": "deny"},
                ],
                "features": {"timeBudgetMs": 30_000},
            }),
        );
        bed.write(
            "wrong.yaml",
            &json!({"validators": [{"name": "allow", "type": "static"}], "policy": [{"pattern": "a//b"}]}),
        );
        bed
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.dir.path().join(name), value.to_string()).expect("a file");
    }

    /// Runs `explain` with the real module, or another one.
    fn explain(&self, module: &Path, settings: &str, image: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let module = module.to_string_lossy();
        let mut args = vec!["explain", image, "--policy", &module, "--settings-path", settings];
        args.extend(["--sources-path", "sources.yaml"]);
        args.extend(more);
        let output = image_trust(self.dir.path(), &args, "");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

/// The words of a table, whatever its columns are wide.
fn words(table: &str) -> String {
    table.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How far the first line that begins so is indented.
fn indent(text: &str, line: &str) -> Option<usize> {
    text.lines().find_map(|it| it.find(line).filter(|at| matches!(it[..*at].trim(), "" | "message")))
}

const DIGEST: &str = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn every_outcome_is_explained() {
    let bed = Bed::start();
    let host = bed.registry.host();
    let ours = |image: &str| format!("{host}/{image}");
    let rules = |standings: [&str; 7]| json!(standings);
    // the image; standings, whether the host is asked, the record's verdict or reason, the code; parts of the text
    type Row<'a> = (String, Value, bool, &'a str, Value, &'a [&'a str]);
    let rows: [Row<'_>; 8] = [
        (
            ours("shop/web:1"),
            rules([
                "other-registry",
                "less-specific",
                "wins",
                "other-repository",
                "other-registry",
                "other-registry",
                "other-registry",
            ]),
            true,
            "proven",
            json!(null),
            &[
                "decides: no rule that matches is more specific",
                "does not match: another repository",
                "signers alice",
                "outcome ADMITTED",
                "shop/web:1@sha256:",
            ],
        ),
        (
            ours("shop/tool:1"),
            rules([
                "other-registry",
                "less-specific",
                "less-specific",
                "wins",
                "other-registry",
                "other-registry",
                "other-registry",
            ]),
            true,
            "not-signed",
            json!(403),
            &["missing bob", "cause unsigned", "outcome DENIED 403"],
        ),
        (
            ours("shop/down:1"),
            rules([
                "other-registry",
                "less-specific",
                "wins",
                "other-repository",
                "other-registry",
                "other-registry",
                "other-registry",
            ]),
            true,
            "evidence-unavailable",
            json!(503),
            &["undecided alice", "outcome DENIED 503"],
        ),
        (
            "nginx".to_owned(),
            rules([
                "wins",
                "other-registry",
                "other-registry",
                "other-registry",
                "other-registry",
                "other-registry",
                "other-registry",
            ]),
            false,
            "denied-by-rule",
            json!(403),
            &["canonical docker.io/library/nginx:latest", "none: nothing had to be asked", "reason denied-by-rule"],
        ),
        (
            format!("free.io/tool:v1{DIGEST}"),
            rules([
                "other-registry",
                "other-registry",
                "other-registry",
                "other-registry",
                "by-tag-only",
                "other-repository",
                "other-repository",
            ]),
            false,
            "no-rule",
            json!(403),
            &["no rule decides", "passed over: it allows by tag"],
        ),
        (
            "free.io/tool:v2".to_owned(),
            rules([
                "other-registry",
                "other-registry",
                "other-registry",
                "other-registry",
                "other-tag",
                "other-repository",
                "other-repository",
            ]),
            false,
            "no-rule",
            json!(403),
            &["no rule decides", "does not match: another tag, or none"],
        ),
        (
            "free.io/a-x-y:1".to_owned(),
            rules([
                "other-registry",
                "other-registry",
                "other-registry",
                "other-registry",
                "other-repository",
                "ties",
                "ties",
            ]),
            false,
            "rules-tie",
            json!(403),
            &["ties: as specific as another one that decides differently"],
        ),
        (
            "EVIL/app".to_owned(),
            json!([]),
            false,
            "unreadable-image",
            json!(400),
            &["no image `EVIL` is a registry to some programs", "outcome DENIED 400"],
        ),
    ];
    let module = root().join("policy.wasm");
    for (image, standings, asked, word, code, parts) in rows {
        let (exit, stdout, stderr) = bed.explain(&module, "settings.yaml", &image, &[]);
        let expected = match code.as_u64() {
            None => 0,
            Some(500..) => 2,
            Some(_) => 1,
        };
        assert_eq!((exit, stderr.as_str()), (Some(expected), ""), "{image}: the code tells the outcome\n{stdout}");
        let words = words(&stdout);
        for part in parts {
            assert!(words.contains(part), "{image}: no {part:?} in\n{stdout}");
        }
        assert!(!stdout.contains("DISAGREEMENT"), "{image}:\n{stdout}");
        // A message keeps its lines: what is denied, the image below it, and what helps below that.
        let indents = ["image-trust denied ", "container \"", "help: "].map(|line| indent(&stdout, line));
        let first = indents[0].unwrap_or_default();
        let expected_indents = code.is_u64().then_some([first, first + 2, first + 4]);
        assert_eq!(
            indents.into_iter().collect::<Option<Vec<_>>>(),
            expected_indents.map(Vec::from),
            "{image}:\n{stdout}"
        );

        let (exit, stdout, _) = bed.explain(&module, "settings.yaml", &image, &["-o", "json"]);
        let told: Value = serde_json::from_str(&stdout).expect("one JSON document");
        let each = |list: &str, key: &str| -> Value {
            told[list].as_array().expect("a list").iter().map(|entry| entry[key].clone()).collect()
        };
        assert_eq!((exit, each("rules", "standing")), (Some(expected), standings), "{image}");
        let times = each("hostCalls", "milliseconds").as_array().cloned().unwrap_or_default();
        assert!(times.is_empty() != asked && times.iter().all(Value::is_number), "{image}: {times:?}");
        let evidence = &told["evidence"];
        assert_eq!(evidence["reason"].as_str().or(evidence["verdict"].as_str()), Some(word), "{image}: {evidence}");
        assert_eq!((&told["verdict"]["code"], &told["disagreement"]), (&code, &Value::Null), "{image}");
        assert_eq!(told["verdict"]["pinned"].is_string(), word == "proven", "{image}");
        assert_eq!(told["image"]["canonical"].is_null(), told["image"]["error"].is_string(), "{image}");
    }
}

#[test]
fn what_the_host_said_is_told_and_cut() {
    let bed = Bed::start();
    let image = format!("{}/shop/down:1", bed.registry.host());
    let (_, stdout, _) = bed.explain(&root().join("policy.wasm"), "settings.yaml", &image, &["-o", "json"]);
    let told: Value = serde_json::from_str(&stdout).expect("one JSON document");
    let words = told["hostCalls"][0]["error"].as_str().expect("the host's words");
    assert!(words.starts_with("Callback evaluation failure: "), "{words}");
    let (_, stdout, _) = bed.explain(&root().join("policy.wasm"), "settings.yaml", &image, &[]);
    let beginning: String = words.chars().skip("Callback evaluation failure: ".len()).take(20).collect();
    assert!(stdout.contains(&beginning) && !stdout.contains("Callback"), "{beginning}:\n{stdout}");
}

#[test]
fn a_recorded_session_answers() {
    let bed = Bed::start();
    let row = image_trust_testbed::corpus::case("signed-tag-is-pinned");
    let case = bed.dir.path().join("case");
    row.write(&case).expect("a folder");
    let (session, settings) = (case.join("session.yaml"), case.join("settings.yaml"));
    let expected: Value = serde_json::from_str(&row.answer().expect("an answer").text).expect("JSON");
    let pinned = expected["mutated_object"]["spec"]["containers"][0]["image"].as_str().expect("an image");
    let replay = ["--replay-host-capabilities-interactions", &session.to_string_lossy()];
    let module = root().join("policy.wasm");
    // the image, a part of stdout, a part of stderr, the exit code
    let rows = [
        ("ghcr.io/acme/app:v1", pinned, "", 0),
        ("ghcr.io/acme/app:v2", "DENIED 503", "of the recorded exchanges have not been replayed", 2),
        ("nginx", "DENIED 403", "of the recorded exchanges have not been replayed", 1),
    ];
    for (image, part, warning, code) in rows {
        let (exit, stdout, stderr) = bed.explain(&module, &settings.to_string_lossy(), image, &replay);
        assert!(exit == Some(code) && stdout.contains(part), "{image}: {stderr}\n{stdout}");
        assert!(stderr.contains(warning) && stderr.is_empty() == warning.is_empty(), "{image}: {stderr}");
    }
}

#[test]
fn items_of_evidence_are_told() {
    let bed = Bed::start();
    let alice = "signed by \"default\"";
    // the case of the corpus, what is said of its last item, the reason
    let rows = [
        ("bundle-by-a-key-is-proven", alice, "a bundle by the key"),
        ("bundle-in-rekor-2-is-proven", alice, "a keyless bundle"),
        ("payload-with-more-annotations-is-proven", alice, "a payload"),
        ("bundle-by-bob-is-denied", "a signature by none of the trust roots of this rule", "another key"),
        ("bundle-of-provenance-only-is-denied", "an attestation", "no signature"),
        ("bundle-without-the-annotations-is-denied", "signed it without the annotation \"stage=prod\"", "a mistake"),
        ("bundle-with-a-checkpoint-of-another-size-is-denied", "the checkpoint of the inclusion proof", "a check"),
        ("bundle-by-rsa-pss-is-denied", "RSASSA-PSS and SHA-256", "an algorithm that is not asked for"),
        ("evidence-of-another-digest-is-denied", "the digest and the size of the layer", "a rule of the format"),
        (
            "attestation-of-another-build-is-denied",
            "expected \"https://example.com/build\", found \"https://example.com/other\"",
            "a condition",
        ),
        ("large-attestation-is-proven", "signed by \"bob\"", "a large attestation that was read"),
        ("large-attestation-of-another-type-is-not-read", "which was not read", "a large one of another type"),
        ("attestation-that-was-left-out-is-denied", "too large to be read by a policy", "one that was left out"),
        ("notation-among-others-is-proven", alice, "a signature of Notation"),
        (
            "notation-by-a-stranger-is-denied",
            "and none that the trust root has",
            "a signature of Notation by a stranger",
        ),
        ("notation-of-another-image-is-denied", "its signature is for another image", "one for another image"),
        (
            "notation-expired-permissive-is-admitted-with-a-warning",
            "signed by \"default\", but its signature has expired",
            "a check that is not enforced",
        ),
        ("evidence-of-a-later-version-is-denied", "of a version that this policy does not read", "a later version"),
    ];
    for (name, expected, why) in rows {
        let case = bed.dir.path().join(name);
        image_trust_testbed::corpus::case(name).write(&case).expect("a folder");
        let [settings, session] = ["settings.yaml", "session.yaml"].map(|file| format!("{name}/{file}"));
        let more = ["--replay-host-capabilities-interactions", &*session, "-o", "json"];
        let (_, out, err) = bed.explain(&root().join("policy.wasm"), &settings, "ghcr.io/acme/app:v1", &more);
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{why}: {error}: {err}"));
        let said = told["evidenceItems"].as_array().and_then(|items| items.last()).map(|item| item["said"].clone());
        let is_said = |said: &Value| said.as_str().is_some_and(|said| said.contains(expected));
        let has_said = said.as_ref().and_then(Value::as_array).is_some_and(|said| said.iter().any(is_said));
        assert!(has_said, "{why}: {said:?}");
        let (_, out, _) = bed.explain(&root().join("policy.wasm"), &settings, "ghcr.io/acme/app:v1", &more[..2]);
        assert!(out.contains("EVIDENCE ITEMS"), "{why}: {out}");
    }
}

#[test]
fn what_can_t_be_explained_says_why() {
    let bed = Bed::start();
    let module = root().join("policy.wasm");
    let lax = bed.dir.path().join("lax.wasm");
    let other = |record: &str| {
        let answer = json!({"valid": true, "accepted": true, "audit_annotations": {"image-0": record}});
        image_trust_testbed::guests::answering(&answer.to_string())
    };
    // the module's record where it is not the real module, the settings, parts of stdout and stderr, the exit code
    type Row<'a> = (Option<&'a str>, &'a str, &'a [&'a str], &'a [&'a str], i32);
    let rows: [Row<'_>; 7] = [
        (
            None,
            "wrong.yaml",
            &[],
            &["Provided settings are not valid: ", "validators[0].approve: is missing", "policy[0].pattern: "],
            2,
        ),
        (None, "none.yaml", &[], &["cannot read the settings none.yaml"], 2),
        (Some(r#"{"rule":"docker.io/*"}"#), "settings.yaml", &["ADMITTED"], &[], 0),
        (
            Some(r#"{"rule":"*:*"}"#),
            "settings.yaml",
            &["DISAGREEMENT", "ADMITTED"],
            &["Error: by these settings \"docker.io/*\" decides, but the module says that \"*:*\" did"],
            2,
        ),
        (Some("{}"), "settings.yaml", &["DISAGREEMENT"], &["the module says that no rule did"], 2),
        (Some("no record"), "settings.yaml", &["the module left no record of an image"], &[], 0),
        (Some("{}"), "wrong.yaml", &[], &["this command can't read them"], 2),
    ];
    for (record, settings, stdout, stderr, code) in rows {
        let module = match record {
            Some(record) => {
                fs::write(&lax, other(record)).expect("a file");
                &lax
            }
            None => &module,
        };
        let (exit, out, error) = bed.explain(module, settings, "nginx", &[]);
        assert_eq!(exit, Some(code), "{record:?}, {settings}: {error}\n{out}");
        assert!(stdout.iter().all(|part| out.contains(part)), "{record:?}, {settings}:\n{out}");
        assert!(stderr.iter().all(|part| error.contains(part)), "{record:?}, {settings}: {error}");
        assert!(out.is_empty() == stdout.is_empty() && error.is_empty() == stderr.is_empty(), "{error}\n{out}");
    }
}

#[test]
fn many_rules_that_do_not_match_are_counted() {
    let bed = Bed::start();
    let rule = |i: usize| json!({"pattern": format!("r{i}.io/*"), "validator": "deny"});
    let mut rules: Vec<Value> = (0..25).map(rule).collect();
    rules.push(json!({"pattern": "docker.io/library/nginx:2", "validator": "deny"}));
    let deny = json!([{"name": "deny", "type": "static", "approve": false}]);
    bed.write("many.yaml", &json!({"validators": deny, "policy": rules}));
    let (exit, stdout, _) = bed.explain(&root().join("policy.wasm"), "many.yaml", "nginx:1", &[]);
    let words = words(&stdout);
    assert_eq!((exit, words.matches("another registry").count()), (Some(1), 19), "{stdout}");
    // What comes closest is first.
    let first = words.find("policy[25] docker.io/library/nginx:2 deny does not match: another tag, or none policy[0]");
    assert!(first.is_some() && words.contains("... 6 more do not match"), "{stdout}");
}

/// Whoever has a file in mind is told which command takes one.
#[test]
fn a_file_is_no_image() {
    let bed = Bed::start();
    for text in ["settings.yaml", "sources.yaml", "-"] {
        let (exit, stdout, stderr) = bed.explain(&root().join("policy.wasm"), "settings.yaml", text, &[]);
        assert_eq!((exit, stdout.as_str()), (Some(2), ""), "{text}");
        assert!(
            stderr.contains("expected an image reference, found") && stderr.contains("`image-trust run -r FILE`"),
            "{stderr}"
        );
    }
}

/// The settings' own time budget is for admissions: half of it is soon used where a registry is far away.
#[test]
fn an_explanation_takes_its_time() {
    let bed = Bed::start();
    let image = format!("{}/shop/tool:1", bed.registry.host());
    let late = image_trust_testbed::loopback::Fault::Late(std::time::Duration::from_millis(50));
    bed.registry.fail(image_trust_testbed::loopback::Scope::Everywhere, late);
    let mut settings: Value =
        serde_json::from_str(&fs::read_to_string(bed.dir.path().join("settings.yaml")).expect("settings"))
            .expect("JSON");
    settings["features"]["timeBudgetMs"] = json!(100);
    bed.write("hasty.yaml", &settings);
    let (exit, stdout, _) = bed.explain(&root().join("policy.wasm"), "hasty.yaml", &image, &["-o", "json"]);
    let told: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!((exit, &told["evidence"]["cause"]), (Some(1), &json!("unsigned")), "{stdout}");
}

/// An exception is for namespaces, so the namespace decides.
#[test]
fn an_exception_counts_in_its_namespace() {
    let bed = Bed::start();
    let settings = json!({
        "validators": [{"name": "deny", "type": "static", "approve": false}],
        "policy": [{"pattern": "*:*", "validator": "deny"}],
        "exceptions": [{
            "images": ["ghcr.io/acme/legacy:v1"],
            "namespaces": ["shop"],
            "until": image_trust_testbed::corpus::fixtures::midnight_in(2),
            "reason": "INC-1",
        }],
    });
    bed.write("exception.yaml", &settings);
    for (more, code) in [(&[][..], 1), (&["-n", "shop"], 0), (&["--namespace", "default"], 1)] {
        let (status, stdout, stderr) =
            bed.explain(&root().join("policy.wasm"), "exception.yaml", "ghcr.io/acme/legacy:v1", more);
        assert_eq!(status, Some(code), "{more:?}: {stdout}{stderr}");
    }
    for bad in ["", "Shop", "a.b", "a-"] {
        let (status, _, stderr) = bed.explain(&root().join("policy.wasm"), "exception.yaml", "x", &["-n", bad]);
        assert!(status == Some(2) && stderr.contains("expected the name of a namespace"), "{bad}: {stderr}");
    }
}

/// Whoever explains wants to know what the settings deny.
#[test]
fn detection_mode_hides_no_denial() {
    let bed = Bed::start();
    let settings = json!({
        "validators": [{"name": "deny", "type": "static", "approve": false}],
        "policy": [{"pattern": "*:*", "validator": "deny"}],
        "features": {"detectionMode": true},
    });
    bed.write("detection.yaml", &settings);
    let (status, stdout, _) = bed.explain(&root().join("policy.wasm"), "detection.yaml", "ghcr.io/acme/app:v1", &[]);
    assert_eq!(status, Some(1), "{stdout}");
    assert!(words(&stdout).contains("outcome DENIED"), "{stdout}");
}
