//! Does `docs/lint.md` list every finding with its severity, and do our own settings follow the advice?

use std::{fs, path::PathBuf, time::Duration};

use image_trust::policy::{Lint, Severity, lint};
use serde_json::Value;

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_document_lists_every_finding_with_its_severity() {
    let document = read("docs/lint.md");
    let (_, table) = document.split_once("## Findings").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let told: Vec<(String, String)> =
        cells.map(|cells| (cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned())).collect();
    let found: Vec<(String, String)> =
        Lint::ALL.iter().map(|lint| (lint.word().to_owned(), lint.severity().word().to_owned())).collect();
    assert_eq!(told, found);
}

#[test]
fn our_own_examples_have_notes_at_most() {
    let mut examples = 0;
    for entry in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let settings: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let found = lint(&settings.to_string(), Duration::ZERO);
            let bad: Vec<_> = found.iter().filter(|finding| finding.lint.severity() < Severity::Note).collect();
            assert!(bad.is_empty(), "{}: {bad:#?}", path.display());
            examples += 1;
        }
    }
    assert!(examples > 4, "{examples} examples");
}
