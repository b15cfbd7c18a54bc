//! Compiled modules are kept in the user's cache folder, and what is kept there is run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use crate::command::{REQUEST, agreeing, text};

/// What the command prints about the request in `dir`, with `home` as the home folder.
fn answer(dir: &Path, home: &Path) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_image-trust"))
        .args(["run", "-r", "request.json", "policy.wasm"])
        .current_dir(dir)
        .env("HOME", home)
        .env_remove("XDG_CACHE_HOME")
        .output()
        .expect("the command");
    (text(&output.stdout), text(&output.stderr))
}

/// The compiled modules below a folder. Other files of the cache have an extension.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let entries: Vec<PathBuf> = entries.unwrap_or_default();
    let mut found: Vec<PathBuf> = entries
        .into_iter()
        .flat_map(|path| if path.is_dir() { kept(&path) } else { vec![path] })
        .filter(|path| {
            path.extension().is_none() && !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn compiled_modules_are_kept_and_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    fs::write(dir.join("request.json"), REQUEST).expect("a file");
    let policy = |is_admitted: bool| {
        fs::write(dir.join("policy.wasm"), agreeing(is_admitted)).expect("a file");
    };
    let line = |is_admitted: bool| {
        (
            format!("{{\"uid\":\"u\",\"allowed\":{is_admitted},\"auditAnnotations\":null,\"warnings\":null}}\n"),
            String::new(),
        )
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
    let [admitting] = &kept(&home)[..] else { panic!("one module: {:?}", kept(&home)) };

    policy(false);
    assert_eq!(answer(dir, &home), line(false), "another module at the same path");
    let both = kept(&home);
    let denying = both.iter().find(|path| *path != admitting).expect("the other module");

    // It is not compiled again: with the code of the other module below its name, it answers as that.
    fs::copy(admitting, denying).expect("a copy");
    assert_eq!(answer(dir, &home), line(true), "the code that was kept");

    for (bytes, why) in [(&fs::read(admitting).expect("a file")[..100], "cut off"), (&[], "empty")] {
        fs::write(denying, bytes).expect("a file");
        assert_eq!(answer(dir, &home), line(false), "what was kept is {why}");
    }
    assert_eq!(answer(dir, &dir.join("policy.wasm/home")), line(false), "there can be no cache");
}
