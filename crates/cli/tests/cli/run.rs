//! The `image-trust` command from outside: what lands on stdout, what on stderr, and the exit code.

use std::fs;
use std::path::Path;
use std::process::Output;

use image_trust_host::AdmissionRequest;
use image_trust_testbed::loopback::{ImageKind, Registry, Signer};
use serde_json::json;

use crate::command::{self, REQUEST, agreeing, text};

const ADMITTED: &str = "{\"uid\":\"u\",\"allowed\":true,\"auditAnnotations\":null,\"warnings\":null}\n";

/// Runs the command in `dir`, where the request lies as `request.json`.
fn image_trust(dir: &Path, args: &[&str], stdin: &str) -> Output {
    fs::write(dir.join("request.json"), REQUEST).expect("a file");
    command::image_trust(dir, args, stdin)
}

#[test]
fn run_prints_one_line_and_exits_as_kwctl_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let review = format!(r#"{{"kind":"AdmissionReview","request":{REQUEST}}}"#);
    fs::write(dir.path().join("settings.yml"), "a: 1\n").expect("a file");
    let denied = "{\"uid\":\"u\",\"allowed\":false,\"auditAnnotations\":null,\"warnings\":null}\n";
    let invalid = image_trust_testbed::guests::answering(r#"{"valid":false,"message":"policy: the list is empty"}"#);
    let run = ["run", "-r", "request.json"];
    // the guest, the line, stdin, stdout, a part of stderr, the exit code
    type Row<'a> = (Vec<u8>, &'a [&'a str], &'a str, &'a str, &'a str, i32);
    let twice =
        ["run", "-r", "request.json", "--allowed-host-capabilities", "oci/*", "--allowed-host-capabilities", "net/*"];
    let manifest = "apiVersion: policies.kubewarden.io/v1\nkind: AdmissionPolicy\nspec: {settings: {a: 1}}\n";
    fs::write(dir.path().join("group.yml"), manifest.replace("Policy", "PolicyGroup")).expect("a file");
    let table: [Row; 16] = [
        (agreeing(true), &run, "", ADMITTED, "", 0),
        (agreeing(true), &["run", "-r", "request.json", "-s", "-"], manifest, ADMITTED, "", 0),
        (agreeing(true), &["run", "-r", "request.json", "-s", "group.yml"], "", "", "group.yml: expected settings", 1),
        (agreeing(true), &["run", "-r", "-", "-s", "-"], &review, "", "can't both be read from standard input", 1),
        (agreeing(true), &["run", "policy.wasm", "-r", "-"], &review, ADMITTED, "", 0),
        (
            agreeing(true),
            &["run", "--request-path", "request.json", "--settings-path", "settings.yml"],
            "",
            ADMITTED,
            "",
            0,
        ),
        // a denial is a result, not a failure
        (agreeing(false), &run, "", denied, "", 0),
        (invalid, &run, "", "", "Error: Provided settings are not valid: policy: the list is empty\n", 1),
        (agreeing(true), &["run", "none.wasm", "-r", "request.json"], "", "", "cannot read the policy none.wasm", 1),
        (agreeing(true), &["run", "-r", "none.json"], "", "", "cannot read the request none.json", 1),
        (agreeing(true), &["run", "-r", "-"], "{}", "", "missing field `uid`", 1),
        (agreeing(true), &["run", "-r", "request.json", "--settings-json", "[]"], "", "", "are no mapping", 1),
        (
            agreeing(true),
            &["run", "-r", "request.json", "--replay-host-capabilities-interactions", "none.yml"],
            "",
            "",
            "none.yml",
            1,
        ),
        (agreeing(true), &twice, "", ADMITTED, "", 0),
        // a line that clap refuses
        (agreeing(true), &["run"], "", "", "--request-path", 2),
        (
            agreeing(true),
            &["run", "-r", "request.json", "--allowed-host-capabilities", "oci*"],
            "",
            "",
            "no host capability",
            2,
        ),
    ];
    for (wasm, args, stdin, stdout, stderr, code) in table {
        fs::write(dir.path().join("policy.wasm"), wasm).expect("a file");
        let output = image_trust(dir.path(), args, stdin);
        let written = text(&output.stderr);
        assert_eq!((text(&output.stdout).as_str(), output.status.code()), (stdout, Some(code)), "{args:?}: {written}");
        assert!(if stderr.is_empty() { written.is_empty() } else { written.contains(stderr) }, "{args:?}: {written}");
    }
}

#[test]
fn foreign_text_gives_a_terminal_no_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let wasm = agreeing(true);
    fs::write(dir.path().join("policy.wasm"), &wasm).expect("a file");
    // A clear screen in both forms, a carriage return, a right-to-left override, and a letter that looks like another one.
    let hostile = "a\u{1b}[2J\u{9b}2J\r\u{202e}\u{456}b";
    let as_error = "a\\u{1b}[2J\\u{9b}2J\\u{d}\\u{202e}\\u{456}b";
    let request = |uid: &str| {
        let mut request: serde_json::Value = serde_json::from_str(REQUEST).expect("JSON");
        request["uid"] = uid.into();
        request.to_string()
    };
    fs::write(dir.path().join(format!("{hostile}.yaml")), "a: [").expect("a file");
    let key: String = hostile.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    fs::write(dir.path().join("key.yaml"), format!("\"{key}\": 1\n")).expect("a file");
    fs::write(dir.path().join("twice.yaml"), format!("\"{key}\": 1\n\"{key}\": 2\n")).expect("a file");
    let (file, uid) = (format!("{hostile}.yaml"), request(hostile));
    // the line, stdin, what is in stdout or in stderr, the exit code
    let rows: [(&[&str], &str, Option<&str>, &str, i32, &str); 8] = [
        (&["run", "-r", "-"], &uid, Some("{\"uid\":"), "", 0, "a uid"),
        (&["run", "-r", &file], "", None, as_error, 1, "a file that is no request"),
        (&["run", "-r", "request.json", "-s", &file], "", None, as_error, 1, "a file that is no YAML"),
        (&["run", hostile, "-r", "request.json"], "", None, as_error, 1, "a file that is not there"),
        (&["run", "-r", "request.json", "-s", "twice.yaml"], "", None, "do not parse", 1, "a key twice"),
        (&["lint", "key.yaml"], "", Some("refused"), "3 error", 1, "a key that is no setting"),
        (&["lint", "key.yaml", "-o", "json"], "", Some("refused"), "3 error", 1, "the same in JSON"),
        (
            &["run", "-r", "request.json", "--allowed-host-capabilities", hostile],
            "",
            None,
            "\\u{9b}2J\\u{d}\\u{202e}",
            2,
            "an argument",
        ),
    ];
    for (args, stdin, stdout, stderr, code, why) in rows {
        let output = image_trust(dir.path(), args, stdin);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{why}: {err}");
        assert!(out.contains(stdout.unwrap_or_default()) && err.contains(stderr), "{why}: {out}{err}");
        let is_safe = |c: char| matches!(c, ' '..='~' | '\n' | '…');
        assert!(out.chars().chain(err.chars()).all(is_safe), "{why}: {out:?} {err:?}");
    }
    let output = image_trust(dir.path(), &["run", "-r", "-"], &uid);
    let response: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(response["uid"], hostile, "who reads the JSON reads the uid");
    let plain = image_trust(dir.path(), &["run", "-r", "-"], &request("a \"quoted\" \\ uid {}"));
    let expected = ADMITTED.replace("\"u\"", r#""a \"quoted\" \\ uid {}""#);
    assert_eq!(text(&plain.stdout), expected, "ordinary text is written as ever");
}

#[test]
fn a_session_is_replayed_and_leftovers_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    // makes no host call, so the whole session is left over
    fs::write(dir.path().join("policy.wasm"), agreeing(true)).expect("a file");
    let session = "- type: Exchange\n  request: |\n    !OciManifestDigest\n    image: busybox\n  response:\n    type: Success\n    payload: '{}'\n";
    fs::write(dir.path().join("session.yml"), session).expect("a file");
    let args = ["run", "-r", "request.json", "--replay-host-capabilities-interactions", "session.yml"];
    let output = image_trust(dir.path(), &args, "");
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), (ADMITTED, Some(0)));
    let expected =
        "Warning: 1 of the recorded exchanges have not been replayed:\n  OciManifestDigest { image: \"busybox\" }\n";
    assert_eq!(text(&output.stderr), expected);

    let args = ["run", "-r", "request.json", "--record-host-capabilities-interactions", "recorded.yml"];
    assert_eq!(image_trust(dir.path(), &args, "").status.code(), Some(0));
    assert_eq!(fs::read_to_string(dir.path().join("recorded.yml")).ok().as_deref(), Some("[]\n"));
}

#[test]
fn what_was_recorded_with_a_registry_is_replayed_without_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm").display().to_string();
    let registry = Registry::start().expect("a registry");
    let host = registry.host();
    let (alice, bob) = (Signer::named("alice"), Signer::named("bob"));
    let digest = registry.push_image("shop/web", "1", ImageKind::Oci, "x");
    alice.sign(&registry, "shop/web", &digest, &Default::default()).expect("a signature");
    registry.push_image("shop/tool", "1", ImageKind::Oci, "y");
    let object = |image: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": format!("{host}/shop/{image}:1")}]}});
    let settings = json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "alice", "key": alice.public_pem()}, {"name": "bob", "key": bob.public_pem()}]}],
        "policy": [{"pattern": format!("{host}/*:*"), "with": {"trustRoot": "*", "threshold": 1}}],
        "features": {"timeBudgetMs": 30_000},
    });
    let sources = json!({"insecure_sources": [host], "proxies": {"no_proxy": "127.0.0.1"}});
    let files = [("settings.json", &settings), ("sources.yml", &sources)];
    // the image, whether it is admitted; of one that is not, the registry's errors are recorded too
    let table = [("web", true), ("tool", false)];
    for (name, content) in files {
        fs::write(dir.path().join(name), content.to_string()).expect("a file");
    }
    fs::write(dir.path().join("config.json"), "{}").expect("a file");
    let run = |image: &str, more: &[&str]| {
        let request = AdmissionRequest::create(object(image)).expect("a request");
        let request = serde_json::to_string(&request).expect("JSON");
        let args = [&["run", &module, "-r", "-", "-s", "settings.json"], more].concat();
        let output = image_trust(dir.path(), &args, &request);
        assert_eq!(output.status.code(), Some(0), "{image}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    const RECORD: &str = "--record-host-capabilities-interactions";
    const REPLAY: &str = "--replay-host-capabilities-interactions";
    let recorded = table.map(|(image, admitted)| {
        let session = format!("{image}.yml");
        let live = ["--sources-path", "sources.yml", "--docker-config-json-path", ".", RECORD, &session];
        let (response, _) = run(image, &live);
        assert!(response.contains(&format!(r#""allowed":{admitted}"#)), "{image}: {response}");
        response
    });
    drop(registry);
    for ((image, _), recorded) in table.iter().zip(recorded) {
        let (replayed, stderr) = run(image, &[REPLAY, &format!("{image}.yml")]);
        assert_eq!(replayed, recorded, "{image}");
        assert!(!stderr.contains("have not been replayed"), "{image}: {stderr}");
    }
    let (other, _) = run("tool", &[REPLAY, "web.yml"]);
    assert!(other.contains(r#""allowed":false"#), "another image's session: {other}");
}

#[test]
fn annotate_writes_a_module_that_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let metadata =
        "rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]\nmutating: true\n";
    fs::write(dir.path().join("metadata.yml"), metadata).expect("a file");
    fs::write(dir.path().join("README.md"), "# hello").expect("a file");
    fs::write(dir.path().join("in.wasm"), image_trust_testbed::guests::answering(r#""v1""#)).expect("a file");
    let args = ["annotate", "-m", "metadata.yml", "-u", "README.md", "-o", "out.wasm", "in.wasm"];
    let output = image_trust(dir.path(), &args, "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let annotated = fs::read(dir.path().join("out.wasm")).expect("the module");
    assert!(annotated.windows(22).any(|window| window == b"io.kubewarden.metadata"));

    let args = ["annotate", "-m", "metadata.yml", "-o", "again.wasm", "out.wasm"];
    let output = image_trust(dir.path(), &args, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("annotated already"), "{}", text(&output.stderr));
}

#[test]
fn the_demo_notices_promises_that_are_not_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("lax.wasm"), agreeing(true)).expect("a file");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
    let module = module.to_string_lossy();
    // the module, the last line on stdout, stderr, the exit code
    let table = [
        (module.as_ref(), "15 of 15 scenes came out as promised", "", 0),
        // Only the static rule's scene admits without asking and changing: all that this module ever does.
        ("lax.wasm", "1 of 15 scenes came out as promised", "Error: 14 of the promises above were not kept\n", 1),
    ];
    for (module, last, stderr, code) in table {
        let output = image_trust(dir.path(), &["demo", module], "");
        let stdout = text(&output.stdout);
        assert!(stdout.lines().last().unwrap_or_default().starts_with(last), "{module}: {stdout}");
        // Messages keep their lines.
        let begins = |text: &str| stdout.lines().filter(|line| line.trim_start().starts_with(text)).count();
        let denials = stdout.matches("DENIED ").count();
        assert!(begins("image-trust denied ") == denials && begins("help: ") >= denials, "{module}: {stdout}");
        assert!(!stdout.contains("\\n"), "{module}: {stdout}");
        assert_eq!((text(&output.stderr).as_str(), output.status.code()), (stderr, Some(code)), "{module}: {stdout}");
    }
}
