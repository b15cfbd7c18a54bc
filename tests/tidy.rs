//! Is the house in order? The rules of ARCHITECTURE.md that no compiler holds.

use std::{fs, path::PathBuf};

use image_trust_testbed::{checkout, corpus};

/// Longest file, in lines, tests included: what a person can hold in the head.
const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, with its text; paths are relative to the checkout.
fn sources(folder: &str) -> Vec<(String, String)> {
    let read = |name: String| (name.clone(), fs::read_to_string(root().join(name)).unwrap());
    let found: Vec<_> = checkout::files(folder, &["rs"]).into_iter().map(read).collect();
    assert!(!found.is_empty(), "{folder} holds no sources");
    found
}

/// The part of a file that is not its unit tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn offenders(files: &[(String, String)], offends: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let lines = files
        .iter()
        .filter(|(name, _)| !name.ends_with("/tests.rs"))
        .flat_map(|(name, text)| without_tests(text).lines().zip(1..).map(move |(line, n)| (name, line, n)));
    lines
        .filter(|(name, line, _)| offends(name, line.trim()))
        .map(|(name, line, n)| format!("{name}:{n}: {line}"))
        .collect()
}

#[track_caller]
fn none(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

/// Whether a line of Rust code uses the module `module` of this crate.
fn uses(line: &str, module: &str) -> bool {
    !line.starts_with("//")
        && (line.contains(&format!("crate::{module}"))
            || line.contains(&format!("    {module}::"))
            || line.starts_with(&format!("{module}::")))
}

#[test]
fn who_may_know_whom() {
    let source = sources("src");
    let rows: &[(&str, &[&str], &str)] = &[
        (
            "src/image/",
            &["admission", "policy", "proof", "host", "review", "verdict", "answer", "guest", "json"],
            "image knows nobody",
        ),
        (
            "src/policy/",
            &["admission", "host", "review", "verdict", "answer", "guest"],
            "policy knows no workload, registry or host",
        ),
        (
            "src/proof/",
            &["admission", "policy", "review", "verdict", "answer", "guest"],
            "proof knows no workload, request or settings",
        ),
        ("src/", &["guest"], "nothing knows the guest"),
    ];
    for (folder, strangers, rule) in rows {
        let strange = offenders(&source, |name, line| {
            name.starts_with(folder) && strangers.iter().any(|module| uses(line, module))
        });
        none(&strange, rule);
    }
}

#[test]
fn hosts_see_the_policy_as_bytes() {
    let manifest = fs::read_to_string(root().join("crates/host/Cargo.toml")).unwrap();
    let (dependencies, _) = manifest.split_once("[dev-dependencies]").unwrap();
    assert!(!dependencies.contains("path = "), "the host depends on the policy, and would test itself");
}

/// What the command may take from the policy: nouns, and whether settings are accepted. Requests are decided by the module.
#[test]
fn the_command_decides_nothing() {
    let nouns = [
        "ImageRef",
        "Digest",
        "policy",
        "Decision",
        "report",
        "evidence_items",
        "Part",
        "kubernetes",
        "Kinds",
        "MAX_OWNERS",
        "Policy",
        "is_namespace",
        "Problem",
        "Rule",
        "Choice",
        "Fit",
        "check",
        "load",
        "parse",
        "text",
        "Shown",
        "time",
        "UnixTime",
    ];
    for (name, text) in sources("crates/cli/src") {
        for rest in text.split("image_trust::").skip(1) {
            let path = rest.split([';', '(', '<', ')', '|', '=']).next().unwrap_or_default();
            let words = path.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            let strange: Vec<&str> = words.filter(|word| !nouns.contains(word)).collect();
            assert!(strange.is_empty(), "{name} takes {strange:?} from the policy");
        }
    }
}

#[test]
fn the_command_prints_through_one_printer() {
    let ways = ["println!", "print!(", "::stdout()", "::stderr()"];
    let source = sources("crates/cli/src");
    // Whoever waits is told by it, of what was printed safely.
    let printers = ["cli/src/output.rs", "cli/src/progress.rs"];
    let prints = offenders(&source, |name, line| {
        !printers.iter().any(|printer| name.ends_with(printer))
            && !line.starts_with("//")
            && ways.iter().any(|way| line.contains(way))
    });
    none(&prints, "what is foreign reaches a terminal through `output.rs` only");
}

#[test]
fn the_crate_reads_nothing_but_its_arguments() {
    let outside = [
        "std::env",
        "std::fs",
        "std::net",
        "std::process",
        "SystemTime",
        "Instant",
        "static mut",
        "Mutex",
        "println!",
        "eprintln!",
        "dbg!",
    ];
    let source = sources("src");
    let reads = offenders(&source, |name, line| {
        !name.starts_with("src/guest") && !line.starts_with("//") && outside.iter().any(|word| line.contains(word))
    });
    none(&reads, "no clock, environment, file, network, output or mutable static outside the guest");
}

#[test]
fn every_module_says_what_question_it_answers() {
    for folder in ["src", "crates", "xtask"] {
        for (name, text) in sources(folder) {
            let first = text.lines().next().unwrap_or_default();
            assert!(first.starts_with("//! "), "{name} has no module doc");
        }
    }
}

#[test]
fn files_stay_small() {
    for folder in ["src", "tests", "crates", "xtask"] {
        for (name, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= MAX_LINES, "{name} has {lines} lines");
        }
    }
}

#[test]
fn no_empty_words() {
    for folder in ["src", "crates", "xtask"] {
        let empty = offenders(&sources(folder), |_, line| {
            let defines = ["struct ", "enum ", "trait ", "mod ", "fn "].iter().any(|word| line.contains(word));
            let line = line.to_lowercase();
            defines && ["manager", "helper", "util"].iter().any(|word| line.contains(word))
        });
        none(&empty, "a name says what a thing is");
    }
}

/// A test makes its host with `FakeHost`, or answers in recorded words.
#[test]
fn there_is_one_fake_host() {
    let hosts = ["src/guest.rs", "crates/testbed/src/host.rs", "crates/testbed/src/session.rs"];
    for folder in ["src", "tests", "crates", "xtask"] {
        let more = offenders(&sources(folder), |name, line| {
            !hosts.contains(&name) && line.starts_with("impl") && line.contains("Clock for ")
        });
        none(&more, "a host for tests is a `FakeHost`");
    }
}

#[test]
fn no_test_is_switched_off() {
    for folder in ["src", "tests", "crates", "xtask"] {
        for (name, text) in sources(folder) {
            // Written in two parts, so that this file does not hold what it looks for.
            for word in [concat!("#[ign", "ore"), concat!("#[should_", "panic")] {
                assert!(!text.contains(word), "{name} has {word}");
            }
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let docs = fs::read_to_string(root().join("docs/reference/settings.md")).unwrap();
    let shape = fs::read_to_string(root().join("src/policy/shape.rs")).unwrap();
    let rows = shape.split("required(").flat_map(|part| part.split("optional(")).skip(1);
    let keys: Vec<&str> = rows.filter_map(|row| row.trim_start().strip_prefix('"')?.split('"').next()).collect();
    assert!(keys.len() > 35, "the table of keys was found: {keys:?}");
    for key in keys {
        assert!(docs.contains(&format!("`{key}`")), "docs/reference/settings.md does not mention `{key}`");
    }
}

/// What the bullets of an entry that begin with one of these words name in backticks.
fn named<'t>(entry: &'t str, words: &[&str]) -> Vec<&'t str> {
    let bullets = entry.split("\n- **").filter_map(|bullet| bullet.split_once(":** "));
    bullets.filter(|(word, _)| words.contains(word)).flat_map(|(_, rest)| rest.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_divergence_is_held_by_a_case_or_a_test() {
    let page = fs::read_to_string(root().join("docs/explanation/divergences.md")).unwrap();
    let entries: Vec<&str> = page.split("\n### ").skip(1).filter_map(|entry| entry.split("\n## ").next()).collect();
    assert!(entries.len() > 40, "{} entries were found", entries.len());
    let corpus = corpus::all();
    for entry in entries {
        let title = entry.lines().next().unwrap_or_default();
        for part in ["\n- **Connaisseur** ", "\n- **Here** ", "\n- **Why:** "] {
            assert!(entry.contains(part), "\"{title}\" lacks{part}");
        }
        let (cases, tests) = (named(entry, &["Case", "Cases"]), named(entry, &["Test", "Tests"]));
        assert!(!cases.is_empty() || !tests.is_empty(), "nothing holds \"{title}\"");
        for case in cases {
            assert!(corpus.iter().any(|known| known.name == case), "\"{title}\": no case {case}");
        }
        for test in tests.chunks(2) {
            let [name, file] = test else { panic!("\"{title}\": {test:?} is no test in a file") };
            let text = fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("\"{title}\": no file {file}"));
            assert!(text.contains(&format!("fn {name}(")), "\"{title}\": {file} has no test {name}");
        }
    }
}

/// Numbers of attacks, such as `B29a`, in a text.
fn attacks(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_number = |word: &&str| {
        let (letter, rest) = word.split_at(word.len().min(1));
        let digits = rest.trim_end_matches(|c: char| c.is_ascii_lowercase());
        "ABROWSELD".contains(letter) && digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    words.filter(is_number).collect()
}

#[test]
fn every_attack_is_held_by_a_case() {
    let page = fs::read_to_string(root().join("docs/explanation/security.md")).unwrap();
    let corpus = corpus::all();
    let mut listed = Vec::new();
    for row in page.lines().filter(|line| {
        line.starts_with("| ") && attacks(line).first().is_some_and(|number| line[2..].starts_with(number))
    }) {
        let number = attacks(row)[0];
        let words = row.split('`').skip(1).step_by(2);
        let cases = words.filter(|word| corpus.iter().any(|case| case.name == **word));
        listed.extend(cases.map(|case| (case.to_owned(), number.to_owned())));
    }
    let mut held = Vec::new();
    for case in &corpus {
        held.extend(attacks(&case.why).into_iter().map(|number| (case.name.clone(), number.to_owned())));
    }
    listed.sort();
    held.sort();
    assert!(held.len() > 150, "{} were found", held.len());
    let missing: Vec<_> = held.iter().filter(|one| !listed.contains(one)).collect();
    let too_many: Vec<_> = listed.iter().filter(|one| !held.contains(one)).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "not in docs/explanation/security.md: {missing:?}; not in the corpus: {too_many:?}"
    );
    // What a security page names has to be there, too.
    let named = page.split('`').skip(1).step_by(2).filter(|word| word.ends_with(".rs"));
    named.for_each(|file| assert!(root().join(file).exists(), "docs/explanation/security.md: no file {file}"));
}
