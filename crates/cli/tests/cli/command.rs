//! The `image-trust` command, run as anybody runs it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A request that needs no more than an answer.
pub(crate) const REQUEST: &str = r#"{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","userInfo":{},"object":{}}"#;

/// A guest whose every answer does as a verdict on settings and on a request.
pub(crate) fn agreeing(accepted: bool) -> Vec<u8> {
    image_trust_testbed::guests::answering(&format!(r#"{{"valid":true,"accepted":{accepted}}}"#))
}

/// Runs the command in `dir`.
pub(crate) fn image_trust(dir: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_image-trust"))
        .args(args)
        .current_dir(dir)
        // Not the cache of whoever runs the tests.
        .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    child.stdin.take().expect("stdin").write_all(stdin.as_bytes()).expect("written");
    child.wait_with_output().expect("an end")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
