//! `image-trust bench --load` and `--growth`: right under contention, and able to say that something is wrong.

use std::fs;
use std::path::Path;

#[path = "support/command.rs"]
mod command;
#[allow(dead_code, reason = "the guests of the library's own tests; this file needs one of them")]
#[path = "../src/guests.rs"]
mod guests;

use command::{image_trust, text};

#[test]
fn answers_are_right_while_threads_contend_and_wrong_ones_are_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let answering = |answer: &str| guests::answering(&format!(r#"{{"valid":true,{answer}}}"#));
    let module = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm")).expect("policy.wasm");
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
            &["425 wrong answers", ":v1\") instead of Admitted("],
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
        let output = image_trust(dir.path(), &LOAD, "");
        let written = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{why}: {written}");
        let lacking: Vec<_> = parts.iter().filter(|part| !written.contains(**part)).collect();
        assert!(lacking.is_empty(), "{why}: no {lacking:?} in {written}");
    }
}

#[test]
fn growth_is_told_and_drawn() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm").display().to_string();
    // Not of signatures: a thousand of them, with fifty keys, take seconds.
    const AXES: [&str; 8] = ["--axis", "rules", "--axis", "containers", "--axis", "size", "--axis", "keys"];
    let growth = ["bench", &module, "--growth", "--rounds", "1", "--plots", "plots"];
    let output = image_trust(dir.path(), &[&growth[..], &AXES].concat(), "");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    for (axis, file) in [("rules", "rules"), ("containers", "containers"), ("object, bytes", "size"), ("keys", "keys")]
    {
        assert!(stdout.contains(&format!(" {axis} ")), "no table of {axis} in {stdout}");
        let plot = fs::read_to_string(dir.path().join(format!("plots/{file}.svg"))).expect("a plot");
        assert!(plot.starts_with("<svg ") && plot.contains("slope "), "{file}: {plot}");
    }
}

#[test]
fn attacks_are_told_with_what_they_cost() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm").display().to_string();
    let output = image_trust(dir.path(), &["bench", &module, "--attack", "1"], "");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    // the row, the host calls of one attack, which don't depend on how busy the machine is
    let rows = [
        ("idle", 0),
        ("unsigned digests  ", 16),
        ("unsigned digests beside one that is denied", 15),
        ("a signature over a payload of 64 MiB", 2),
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
        let output = image_trust(dir.path(), &[&["bench"], args].concat(), "");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
    }
}
