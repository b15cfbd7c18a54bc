//! Third-party tools for the live tests.

use std::path::{Path, PathBuf};

/// The program that `scripts/test-tools` gathered under this name.
///
/// `None`, and a line that says so, if the script looked for it and could not have it. A test that nobody prepared fails
/// instead: skipping in silence would look like passing.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("IMAGE_TRUST_TOOLS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools"),
        PathBuf::from,
    );
    let program = tools.join("bin").join(name);
    if program.exists() {
        return Some(program);
    }
    let skipped = std::fs::read_to_string(tools.join("skipped.txt")).unwrap_or_default();
    let prefix = format!("SKIPPED {name}:");
    let line = skipped.lines().find(|line| line.starts_with(&prefix));
    assert!(
        line.is_some(),
        "{} is not there: run scripts/test-tools",
        program.display()
    );
    eprintln!("{}", line.unwrap_or_default());
    None
}
