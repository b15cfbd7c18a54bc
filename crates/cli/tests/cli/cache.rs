//! Compiled modules are kept in the user's cache folder. What is there never changes an answer.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use crate::command::text;

/// Runs a request in `dir`, with `home` as the home folder: what is printed, and whether that went well.
fn answer(dir: &Path, home: &Path) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_image-trust"))
        .args(["run", "-r", "request.json", "policy.wasm"])
        .current_dir(dir)
        .env("HOME", home)
        .env_remove("XDG_CACHE_HOME")
        .stderr(Stdio::null())
        .output()
        .expect("the command");
    (text(&output.stdout), output.status.code())
}

/// The compiled modules below a folder, and what wasmtime writes beside them.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let entries: Vec<PathBuf> = entries.unwrap_or_default();
    entries.into_iter().flat_map(|path| if path.is_dir() { kept(&path) } else { vec![path] }).collect()
}

#[test]
fn compiled_modules_are_kept_and_change_no_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    fs::write(dir.join("request.json"), r#"{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","userInfo":{},"object":{}}"#).expect("a file");
    let policy = |is_admitted: bool| {
        let guest = image_trust_testbed::guests::answering(&format!(r#"{{"valid":true,"accepted":{is_admitted}}}"#));
        fs::write(dir.join("policy.wasm"), guest).expect("a file");
    };
    let line = |is_admitted: bool| {
        (format!("{{\"uid\":\"u\",\"allowed\":{is_admitted},\"auditAnnotations\":null,\"warnings\":null}}\n"), Some(0))
    };
    policy(true);
    let home = dir.join("home");
    fs::create_dir(&home).expect("a home");
    // They start together with an empty cache.
    let together = thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| answer(dir, &home))).collect();
        runs.into_iter().map(|run| run.join().expect("an answer")).collect::<Vec<_>>()
    });
    assert_eq!(together, vec![line(true); 4]);
    let modules = kept(&home);
    assert!(!modules.is_empty(), "nothing was kept");
    assert_eq!(answer(dir, &home), line(true), "from the cache");

    policy(false);
    assert_eq!(answer(dir, &home), line(false), "another module at the same path");
    policy(true);
    for path in &modules {
        let bytes = fs::read(path).expect("a file");
        fs::write(path, &bytes[..bytes.len() / 2]).expect("a file");
    }
    assert_eq!(answer(dir, &home), line(true), "what was kept is cut off");
    modules.iter().for_each(|path| fs::write(path, "").expect("a file"));
    assert_eq!(answer(dir, &home), line(true), "what was kept is empty");
    assert_eq!(answer(dir, &dir.join("policy.wasm/home")), line(true), "there can be no cache");
}
