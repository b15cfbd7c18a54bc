//! `image-trust lint` from outside: the table that people read, the JSON that programs read, and the exit code.

use std::{fs, path::Path};

use image_trust_harness::loopback::Signer;
use serde_json::{Value, json};

#[path = "support/command.rs"]
mod command;

use command::{image_trust, text};

/// Writes settings with these rules, and lints them.
fn lint(dir: &Path, settings: &str, more: &[&str]) -> (Option<i32>, String, String) {
    fs::write(dir.join("settings.yaml"), settings).expect("a file");
    let output = image_trust(dir, &[&["lint", "settings.yaml"], more].concat(), "");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn settings(rules: Value) -> String {
    let key = Signer::named("alice").public_pem();
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": key}]},
            {"name": "allow", "type": "static", "approve": true},
        ],
        "policy": rules,
    })
    .to_string()
}

/// The words of a table, whatever its columns are wide.
fn words(table: &str) -> String {
    table.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_found_and_the_exit_code() {
    let dir = tempfile::tempdir().expect("a directory");
    let quiet = json!({"verifyInTransparencyLog": false});
    let sound = || json!({"pattern": "ghcr.io/acme/*", "with": quiet});
    let allow = |pattern: &str| json!({"pattern": pattern, "validator": "allow"});
    // the settings; severities in order; the exit code; what stderr says
    let rows = [
        (settings(json!([sound(), allow("registry.k8s.io/*")])), json!([]), 0, "", "nothing"),
        (settings(json!([sound()])), json!(["note"]), 0, "", "a validator that no rule names"),
        (
            settings(json!([sound(), allow("*.example.com/*")])),
            json!(["doubtful"]),
            1,
            "Error: settings.yaml: 1 doubtful\n",
            "a whole domain",
        ),
        (
            settings(json!([sound(), allow("docker.io/*"), {"pattern": "*:*"}])),
            json!(["danger", "danger", "note"]),
            1,
            "Error: settings.yaml: 2 danger, 1 note\n",
            "the worst first",
        ),
        (
            settings(json!([sound(), allow("registry.k8s.io/*")]))
                .replace(r#"{"key""#, r#"{"notAfter":"2021-01-01T00:00:00Z","key""#),
            json!(["doubtful"]),
            1,
            "Error: settings.yaml: 1 doubtful\n",
            "what is over today",
        ),
        (
            settings(json!([sound(), {"pattern": "*:*", "validator": "nobody"}])),
            json!(["error"]),
            1,
            "Error: settings.yaml: 1 error\n",
            "what is refused, and nothing made up of the rest",
        ),
        (
            settings(json!([sound(), allow("docker.io/*"), {"pattern": "*:*", "validator": "nobody"}])),
            json!(["error", "danger"]),
            1,
            "Error: settings.yaml: 1 error, 1 danger\n",
            "what is refused comes first",
        ),
        ("{}".to_owned(), json!(["error", "error"]), 1, "Error: settings.yaml: 2 error\n", "no settings"),
        ("policy: [".to_owned(), Value::Null, 1, "the settings in settings.yaml do not parse", "no YAML"),
        ("[]".to_owned(), Value::Null, 1, "are no mapping", "another thing"),
    ];
    for (settings, severities, code, stderr, why) in rows {
        let (exit, stdout, told) = lint(dir.path(), &settings, &["-o", "json"]);
        assert_eq!(exit, Some(code), "{why}: {told}");
        assert!(if stderr.is_empty() { told.is_empty() } else { told.contains(stderr) }, "{why}: {told}");
        if severities.is_null() {
            assert_eq!(stdout, "", "{why}");
            continue;
        }
        let lines: Vec<Value> = serde_json::from_str(&stdout).expect("a JSON list");
        let found: Vec<&Value> = lines.iter().map(|line| &line["severity"]).collect();
        assert_eq!(json!(found), severities, "{why}: {stdout}");
        for line in &lines {
            let keys: Vec<&str> = line.as_object().expect("a mapping").keys().map(String::as_str).collect();
            assert_eq!(keys, ["finding", "instead", "path", "severity", "what"], "{why}");
        }

        let (exit, stdout, _) = lint(dir.path(), &settings, &[]);
        assert_eq!(exit, Some(code), "{why}");
        let table = words(&stdout);
        for line in &lines {
            for key in ["severity", "finding", "path"] {
                assert!(table.contains(line[key].as_str().expect("a text")), "{why}: {stdout}");
            }
        }
        assert_eq!(table.contains("nothing was found"), lines.is_empty(), "{why}: {stdout}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = image_trust(dir.path(), &["lint", "none.yaml"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot read the settings none.yaml"), "{}", text(&output.stderr));
}
