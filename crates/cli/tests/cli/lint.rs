//! `image-trust lint` from outside: the table that people read, the JSON that programs read, and the exit code.

use std::{fs, path::Path};

use image_trust_testbed::loopback::Signer;
use serde_json::{Value, json};

use crate::command::{image_trust, text};

/// Writes settings with these rules, and lints them.
fn lint(dir: &Path, settings: &str, more: &[&str]) -> (Option<i32>, String, String) {
    fs::write(dir.join("settings.yaml"), settings).expect("a file");
    let output = image_trust(dir, &[&["lint", "settings.yaml"], more].concat(), "");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn settings(rules: Value) -> String {
    let key = Signer::named("nobody of the tests").public_pem();
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
        (settings(json!([sound()])), json!(["info"]), 0, "", "a validator that no rule names"),
        (
            settings(json!([sound(), allow("*.example.com/*")])),
            json!(["warning"]),
            1,
            "Error: settings.yaml: 1 warning\n",
            "a whole domain",
        ),
        (
            settings(json!([sound(), allow("docker.io/*"), {"pattern": "*:*"}])),
            json!(["error", "error", "info"]),
            1,
            "Error: settings.yaml: 2 errors, 1 info\n",
            "the worst first",
        ),
        (
            settings(json!([sound(), allow("registry.k8s.io/*")]))
                .replace(r#"{"key""#, r#"{"notAfter":"2021-01-01T00:00:00Z","key""#),
            json!(["warning"]),
            1,
            "Error: settings.yaml: 1 warning\n",
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
            json!(["error", "error"]),
            1,
            "Error: settings.yaml: 2 errors\n",
            "what is refused comes first",
        ),
        ("{}".to_owned(), json!(["error", "error"]), 1, "Error: settings.yaml: 2 errors\n", "no settings"),
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

/// A manifest with these settings, which routes what the metadata does.
fn manifest(settings: &str, more: Value) -> String {
    let metadata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../metadata.yml");
    let metadata: Value = serde_yaml::from_str(&fs::read_to_string(metadata).expect("a file")).expect("YAML");
    let mut spec = json!({
        "rules": metadata["rules"],
        "mutating": true,
        "contextAwareResources": metadata["contextAwareResources"],
        "settings": serde_json::from_str::<Value>(settings).expect("JSON"),
    });
    for (key, value) in more.as_object().expect("a mapping") {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "policies.kubewarden.io/v1", "kind": "ClusterAdmissionPolicy", "metadata": {"name": "p"}, "spec": spec})
        .to_string()
}

#[test]
fn a_manifest_is_read_as_settings_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let sound = settings(json!([{"pattern": "ghcr.io/acme/*", "with": {"verifyInTransparencyLog": false}}]));
    let all = json!([{"pattern": "*:*", "validator": "allow"}]);
    // the manifest, what is found and where, the exit code, a part of stderr, the reason
    let rows = [
        (
            manifest(&sound, json!({})),
            json!([
                ["info", "unused-validator", "spec.settings.validators[1]"],
                ["info", "looks-at-kube-system", "spec.namespaceSelector"],
            ]),
            0,
            "",
            "notes of both",
        ),
        (
            manifest(
                &settings(all),
                json!({"failurePolicy": "Ignore", "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}}),
            ),
            json!([
                ["error", "allows-any-registry", "spec.settings.policy[0].pattern"],
                ["error", "ignores-failures", "spec.failurePolicy"],
                ["warning", "namespace-label", "spec.namespaceSelector"],
                ["info", "unused-validator", "spec.settings.validators[0]"],
            ]),
            1,
            "2 errors, 1 warning, 1 info\n",
            "the worst of both first",
        ),
        (
            manifest(&sound, json!({"settings": null})),
            json!([["error", "refused", "spec.settings"]]),
            1,
            "1 error\n",
            "no settings",
        ),
        (
            manifest(&sound, json!({"settings": {}})),
            json!([["error", "refused", "spec.settings.policy"], ["error", "refused", "spec.settings.validators"]]),
            1,
            "2 errors\n",
            "empty settings",
        ),
        (
            manifest(&sound, json!({})).replace("ClusterAdmissionPolicy", "AdmissionPolicyGroup"),
            Value::Null,
            1,
            "expected settings, or one manifest of `kind: ClusterAdmissionPolicy` or `AdmissionPolicy`",
            "a group",
        ),
    ];
    for (manifest, expected, code, stderr, why) in rows {
        fs::write(dir.path().join("policy.yaml"), &manifest).expect("a file");
        for (file, stdin, origin) in [("policy.yaml", "", "policy.yaml"), ("-", &*manifest, "standard input")] {
            let output = image_trust(dir.path(), &["lint", file, "-o", "json"], stdin);
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{why}: {told}");
            assert!(told.contains(stderr) && (told.is_empty() || told.contains(origin)), "{why}: {told}");
            if expected.is_null() {
                assert_eq!(text(&output.stdout), "", "{why}");
                continue;
            }
            let lines: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a JSON list");
            let mut found: Vec<Value> =
                lines.iter().map(|line| json!([line["severity"], line["finding"], line["path"]])).collect();
            if why == "empty settings" {
                found.sort_by_key(Value::to_string);
            }
            assert_eq!(json!(found), expected, "{why}: {file}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = image_trust(dir.path(), &["lint", "none.yaml"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot read the settings none.yaml"), "{}", text(&output.stderr));
}
