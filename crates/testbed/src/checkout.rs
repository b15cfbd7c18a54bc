//! Which files does the checkout have?

use std::{fs, path::Path};

/// The files below a folder of the checkout with one of these extensions, sorted; paths are relative to the checkout.
#[must_use]
pub fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).expect("a folder of the checkout") {
        let entry = entry.expect("an entry");
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(files(&name, extensions));
        } else if entry.path().extension().is_some_and(|own| extensions.iter().any(|extension| own == *extension)) {
            found.push(name);
        }
    }
    found.sort();
    found
}
