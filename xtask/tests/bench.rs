//! `xtask bench --load` and `--growth`: right under contention, and able to say that something is wrong.

use std::fs;
use std::path::Path;

use std::process::{Command, Output};

use image_trust_testbed::{corpus, guests};

const REQUEST: &str = r#"{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","userInfo":{},"object":{}}"#;

/// Runs xtask in the folder `dir`.
fn xtask(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).current_dir(dir).output().expect("an end")
}

/// A guest whose every answer does as a verdict on settings and on a request.
fn agreeing(accepted: bool) -> Vec<u8> {
    guests::answering(&format!(r#"{{"valid":true,"accepted":{accepted}}}"#))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn answers_are_right_while_threads_contend_and_wrong_ones_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let answering = |answer: &str| guests::answering(&format!(r#"{{"valid":true,{answer}}}"#));
    let module = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy.wasm")).expect("policy.wasm");
    // Bounded by their number: the seconds are far more than it takes.
    const LOAD: [&str; 10] =
        ["bench", "policy.wasm", "--load", "600", "--requests", "500", "--images", "200", "--threads", "4"];
    // the policy, what is told, the exit code, the reason
    type Row<'a> = (Vec<u8>, &'a [&'a str], i32, &'a str);
    let table: [Row; 4] = [
        (module, &["500 requests", "by 4 threads", "200 distinct images", "resident memory: "], 0, "the policy itself"),
        // Of 20 images 10 are pinned, 3 are admitted as they are, 6 are denied with 403, and 1 is out of reach.
        (
            answering(r#""accepted":true"#),
            &["425 wrong answers", ":v1\") instead of Admitted(", " instead of Denied(403)", " instead of Denied(503)"],
            1,
            "one that admits everything, and pins nothing",
        ),
        (
            answering(r#""accepted":false,"code":403"#),
            &["350 wrong answers", "Denied(403) instead of Admitted("],
            1,
            "one that denies everything, and what is out of reach with the wrong code",
        ),
        (answering(r#""error":1"#), &["500 wrong answers", "no answer"], 1, "one that does not answer"),
    ];
    for (wasm, parts, code, why) in table {
        fs::write(dir.path().join("policy.wasm"), wasm).expect("a file");
        let output = xtask(dir.path(), &LOAD);
        let written = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{why}: {written}");
        let lacking: Vec<_> = parts.iter().filter(|part| !written.contains(**part)).collect();
        assert!(lacking.is_empty(), "{why}: no {lacking:?} in {written}");
    }
}

#[test]
fn growth_is_told_and_drawn() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy.wasm").display().to_string();
    // Not of signatures: a thousand of them, with fifty keys, take seconds.
    const AXES: [&str; 8] = ["--axis", "rules", "--axis", "containers", "--axis", "size", "--axis", "keys"];
    let growth = ["bench", &module, "--growth", "--rounds", "1", "--plots", "plots"];
    let output = xtask(dir.path(), &[&growth[..], &AXES].concat());
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    for (axis, file) in [("rules", "rules"), ("containers", "containers"), ("object, bytes", "size"), ("keys", "keys")]
    {
        assert!(stdout.contains(&format!(" {axis} ")), "no table of {axis} in {stdout}");
        let plot = fs::read_to_string(dir.path().join(format!("plots/{file}.svg"))).expect("a plot");
        assert!(plot.starts_with("<svg ") && plot.contains("slope "), "{file}: {plot}");
    }
}

/// A case that the policy decides in another way measures something else under its name.
#[test]
fn cases_are_decided_as_their_names_say() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy.wasm").display().to_string();
    let output = xtask(dir.path(), &["bench", &module, "--rounds", "1"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    // the case, its host calls
    let rows = [
        ("(b) static image, 100 rules", "0"),
        ("(c) keyed image, remembered, 100 rules", "2"),
        ("(d) 50 containers of one image, keyed, remembered, 100 rules", "2"),
        ("(e) 50 distinct images, keyed, remembered, 100 rules", "100"),
        ("(f) approved child, 100 rules", "1"),
        ("(g) unchanged update, 100 rules", "0"),
        ("(h) dry run that keeps the live digest, 100 rules", "0"),
    ];
    for (case, calls) in rows {
        let row = stdout.lines().find(|line| line.trim_start().starts_with(case));
        let last = row.and_then(|row| row.split_whitespace().last());
        assert_eq!(last, Some(calls), "{case}: {stdout}");
    }
}

#[test]
fn attacks_are_told_with_what_they_cost() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy.wasm").display().to_string();
    let output = xtask(dir.path(), &["bench", &module, "--attack", "1"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    // the row, the most host calls of one attack, however busy the machine is: two for each image, one more for a tag, and twelve that explain
    let rows = [
        ("idle", 0),
        ("unsigned digests  ", 4 * 2 + 12),
        ("unsigned digests beside one that is denied", 3 * 2 + 12),
        ("a signature over a payload of 64 MiB", 3),
    ];
    for (name, most) in rows {
        let told: Vec<usize> = stdout
            .lines()
            .filter(|line| line.contains(name))
            .filter_map(|line| line.split_whitespace().last()?.parse().ok())
            .collect();
        assert!(told.len() == 2 && told.iter().all(|calls| *calls <= most), "{name}: {told:?} in {stdout}");
    }
}

#[test]
fn modes_that_make_no_sense_together_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    // the line
    let table: [&[&str]; 12] = [
        &["--load", "1", "--growth"],
        &["--attack", "1", "--load", "1"],
        &["--attack", "0"],
        &["--load", "1", "--late-registry"],
        &["--load", "1", "--against", "other.wasm"],
        &["--load", "0"],
        &["--load", "1", "--images", "0"],
        &["--requests", "1"],
        &["--growth", "--late-registry"],
        &["--plots", "plots"],
        &["--axis", "keys"],
        &["--growth", "--axis", "time"],
    ];
    for args in table {
        let output = xtask(dir.path(), &[&["bench"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn bench_measures_what_it_was_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let session = "- type: Exchange\n  request: '!OciManifestDigest {image: busybox}'\n  response: {type: Success, payload: '{}'}\n";
    let files: [(&str, &[u8]); 4] = [
        ("policy.wasm", &agreeing(true)),
        ("no.wasm", &agreeing(false)),
        ("broken.wasm", &guests::answering(r#"{"valid":true}"#)),
        ("session.yml", session.as_bytes()),
    ];
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).expect("a file");
    }
    // A request that the real module has to ask about, and what it was answered.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let module = root.join("policy.wasm").display().to_string();
    let recorded = dir.path().join("recorded");
    corpus::case("annotations-are-asked-for").write(&recorded).expect("a folder");
    let case = |name: &str| recorded.join(name).display().to_string();
    let (request, settings, recorded) = (case("request.json"), case("settings.yaml"), case("session.yaml"));
    fs::write(dir.path().join("request.json"), REQUEST).expect("a file");
    const ONCE: [&str; 3] = ["bench", "--rounds", "1"];
    const REPLAY: &str = "--replay-host-capabilities-interactions";
    // the rest of the line, parts of stdout or of stderr, the exit code, the reason
    type Row<'a> = (&'a [&'a str], &'a [&'a str], i32, &'a str);
    let table: [Row; 13] = [
        (&[], &["(e) 50 distinct images", "(1) policy.wasm, ", "no HTTP"], 0, "its own cases"),
        (&["--against", "policy.wasm"], &["(2), µs", "(2) policy.wasm, "], 0, "two modules"),
        (&["no.wasm"], &["(b) static image, 1 rule, (1): denied"], 1, "a denial is not what is measured"),
        (&["--against", "none.wasm"], &["cannot read the policy none.wasm"], 1, "a module that is not there"),
        (
            &["--late-registry"],
            &["cold, ms", " 50 ", "(1) policy.wasm, "],
            0,
            "nobody asks this registry, so it takes no minutes",
        ),
        (&["--late-registry", "no.wasm"], &["0 ms, images: 1, keys: 1, (1): denied"], 1, "a denial there"),
        (
            &["no.wasm", "-r", "request.json"],
            &["CREATE Pod", "(1) no.wasm, "],
            0,
            "a request of one's own may be denied",
        ),
        (&["broken.wasm", "-r", "request.json"], &["(1) fails: internal server error"], 1, "but not break the policy"),
        (
            &["-r", "request.json", REPLAY, "session.yml"],
            &["does not fit (1)", "not asked: OciManifestDigest { image: \"busybox\" }"],
            1,
            "a session that is not asked for",
        ),
        (
            &[&module, "-r", &request, "-s", &settings, REPLAY, &recorded],
            &["CREATE Pod", "policy.wasm, "],
            0,
            "a session that fits, each time from its beginning",
        ),
        (
            &[&module, "-r", &request, "-s", &settings],
            &["does not fit (1)", "the list of recorded responses is empty, got "],
            1,
            "what is asked and not in the session",
        ),
        (&["-s", "request.json"], &["--request-path"], 1, "settings of no request"),
        (&["--late-registry", "-r", "request.json"], &["cannot be used with"], 2, "a registry for no request"),
    ];
    for (args, parts, code, why) in table {
        let output = xtask(dir.path(), &[&ONCE, args].concat());
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {why}: {stderr}");
        let (written, empty) = if code == 0 { (stdout, stderr) } else { (stderr, stdout) };
        let lacking: Vec<_> = parts.iter().filter(|part| !written.contains(**part)).collect();
        assert!(lacking.is_empty() && empty.is_empty(), "{args:?}: {why}: no {lacking:?} in {written}");
    }
}
