//! Is a release what its documents say? Versions, workflows, the names of files, and the module's bytes.
//!
//! With `UPDATE_EXPECT=1` the version of `Cargo.toml` is written wherever else it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use image_trust_testbed::checkout;
use serde_json::{Value, json};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const WORKFLOWS: [&str; 2] = [".github/workflows/ci.yml", ".github/workflows/release.yml"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The length of the version that a text begins with: three numbers, and what may follow a hyphen.
fn version_at(text: &str) -> usize {
    let core = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let core = text[..core].trim_end_matches('.').len();
    if text[..core].split('.').filter(|part| !part.is_empty()).count() != 3 {
        return 0;
    }
    let rest = text[core..].strip_prefix('-').unwrap_or_default();
    let label = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
    if label == 0 { core } else { core + 1 + label }
}

/// A text in which each version behind one of these words is ours, and how many there were.
fn with_our_version(text: &str, words: &[&str]) -> (String, usize) {
    let (mut out, mut rest, mut found) = (String::new(), text, 0);
    while let Some((at, word)) = words.iter().filter_map(|word| Some((rest.find(word)?, *word))).min() {
        let (before, after) = rest.split_at(at + word.len());
        let length = version_at(after);
        out.push_str(before);
        if length > 0 {
            out.push_str(VERSION);
            found += 1;
        }
        rest = &after[length..];
    }
    (out + rest, found)
}

#[test]
fn there_is_one_version() {
    let words = [
        "image-trust:v",
        "image-trust@v",
        "rev: v",
        "releases/download/v",
        "/blob/v",
        "VERSION=v",
        "such as v",
        "Version ",
        "\nversion: ",
        "policy.version: ",
        "\"version\": \"",
    ];
    let mut names = vec![
        "README.md".to_owned(),
        "action.yml".to_owned(),
        "metadata.yml".to_owned(),
        "artifacthub-pkg.yml".to_owned(),
        "crates/migrate/src/settings.rs".to_owned(),
    ];
    names.extend(checkout::files("docs", &["md"]));
    names.extend(checkout::files("deploy", &["yaml"]));
    names.extend(checkout::files("examples", &["yaml"]));
    let mut found = BTreeMap::new();
    for name in names {
        let text = read(&name);
        let (ours, count) = with_our_version(&text, &words);
        if std::env::var_os("UPDATE_EXPECT").is_some() && ours != text {
            // Other tests read the file meanwhile, so it is replaced at once.
            let new = root().join(&name).with_extension("new");
            fs::write(&new, &ours).unwrap();
            fs::rename(&new, root().join(&name)).unwrap();
        }
        let text = read(&name);
        let wrong = text.lines().zip(ours.lines()).find(|(is, wanted)| is != wanted);
        assert_eq!(wrong, None, "{name} has another version than Cargo.toml; UPDATE_EXPECT=1 writes it again");
        found.insert(name, count);
    }
    for name in [
        "README.md",
        "action.yml",
        "metadata.yml",
        "artifacthub-pkg.yml",
        "docs/guides/check.md",
        "deploy/monitor.yaml",
    ] {
        assert!(found[name] > 0, "{name} names no version");
    }
    let (text, count) = with_our_version("rev: v9.8.7-rc.1, image-trust:v9.8.7. image-trust@v9 Version x", &words);
    assert_eq!((text, count), (format!("rev: v{VERSION}, image-trust:v{VERSION}. image-trust@v9 Version x"), 2));
}

/// A checkout with what `scripts/release` reads, in which some files say something else.
fn checkout(changes: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scripts")).unwrap();
    for name in ["scripts/release", "Cargo.toml", "metadata.yml", "artifacthub-pkg.yml", "CHANGELOG.md"] {
        fs::copy(root().join(name), folder.path().join(name)).unwrap();
    }
    for (name, from, to) in changes {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains(from), "{name} does not contain {from}");
        fs::write(folder.path().join(name), text.replacen(from, to, 1)).unwrap();
    }
    folder
}

/// What `scripts/release` prints in such a checkout, or why it refuses.
fn release(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(folder.join("scripts/release")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn a_tag_is_released_only_if_every_file_has_its_version() {
    let tag = format!("v{VERSION}");
    let heading = ("CHANGELOG.md", "\n## Unreleased\n", &*format!("\n## {VERSION} - 2026-12-31\n"));
    let ready = checkout(&[heading]);
    assert_eq!(release(ready.path(), &["check", &tag]), Ok(format!("release: {tag} is the version everywhere\n")));
    let notes = release(ready.path(), &["notes", &tag]).unwrap();
    assert!(notes.contains("### Added") && !notes.contains("\n## "), "{notes}");
    // Links have to work outside the repository, too.
    assert!(
        notes.contains(&format!("](https://github.com/image-trust/image-trust/blob/{tag}/docs/guides/check.md)")),
        "{notes}"
    );

    let refused = |changes: &[(&str, &str, &str)], tag: &str, why: &str| {
        let error = release(checkout(changes).path(), &["check", tag]).unwrap_err();
        assert!(error.contains(why), "expected {why}, found {error}");
    };
    refused(&[heading], "v9.9.9", &format!("the tag: expected {tag}, found v9.9.9"));
    refused(&[heading], VERSION, &format!("the tag: expected {tag}, found {VERSION}"));
    let other = "9.9.9";
    for (name, before) in [("metadata.yml", "io.kubewarden.policy.version: "), ("artifacthub-pkg.yml", "\nversion: ")] {
        let (from, to) = (format!("{before}{VERSION}"), format!("{before}{other}"));
        refused(&[heading, (name, &from, &to)], &tag, &format!("{name}: expected {VERSION}, found {other}"));
    }
    refused(&[], &tag, "as the first heading, found `## Unreleased`");
    refused(&[(heading.0, heading.1, &format!("\n## {VERSION}\n"))], &tag, "- YYYY-MM-DD` as the first heading");
}

#[test]
fn the_changelog_has_the_form_that_a_release_needs() {
    let text = read("CHANGELOG.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let released = headings.iter().skip(usize::from(headings.first() == Some(&"Unreleased")));
    for heading in released {
        let (version, date) = heading.split_once(" - ").unwrap_or_else(|| panic!("`## {heading}` has no date"));
        assert_eq!(version_at(version), version.len(), "`## {heading}` is no version");
        let numbers: Vec<&str> = date.split('-').collect();
        let digits = date.bytes().filter(u8::is_ascii_digit).count();
        assert!(numbers.len() == 3 && digits == 8 && date.len() == 10, "`## {heading}`: {date} is no date");
    }
    assert!(!headings.is_empty(), "CHANGELOG.md has no section");
}

/// Every step of the workflows, and where it stands.
fn steps() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for name in WORKFLOWS {
        for (job, value) in yaml(name)["jobs"].as_object().unwrap() {
            let steps = value["steps"].as_array().cloned().unwrap_or_default();
            found.extend(steps.into_iter().map(|step| (format!("{name}, job {job}"), step)));
            // A job can be another workflow.
            if value.get("uses").is_some() {
                found.push((format!("{name}, job {job}"), json!({"uses": value["uses"]})));
            }
        }
    }
    found
}

#[test]
fn workflows_run_what_is_there() {
    let makefile = read("Makefile");
    let release = read("scripts/release");
    let mut named: BTreeSet<String> = BTreeSet::new();
    for (place, step) in steps() {
        let Some(run) = step["run"].as_str() else { continue };
        // Text of others reaches a script as an environment variable only.
        assert!(!run.contains("${{"), "{place}: an expression in a script: {run}");
        let words: Vec<&str> = run.split(|c: char| c.is_whitespace() || "$();\"".contains(c)).collect();
        for (index, word) in words.iter().enumerate() {
            let next = words.get(index + 1).copied().unwrap_or_default();
            if *word == "make" {
                assert!(makefile.contains(&format!("\n{next}:")), "{place}: the Makefile has no target {next}");
                named.insert(next.to_owned());
            }
            if word.starts_with("scripts/") || word.starts_with(".ci/") {
                assert!(root().join(word).is_file(), "{place}: {word} is not there");
                named.insert((*word).to_owned());
            }
            if *word == "scripts/release" {
                assert!(
                    release.contains(&format!("\n# Usage: scripts/release {next} ")),
                    "{place}: scripts/release {next}"
                );
            }
        }
    }
    for wanted in [".ci/run", "workflows", "annotated-policy.wasm", "scripts/release", "scripts/reproducible"] {
        assert!(named.contains(wanted), "no workflow runs {wanted}");
    }
}

#[test]
fn actions_are_pinned_by_commit() {
    let mut commits: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = 0;
    for name in WORKFLOWS {
        for line in read(name).lines() {
            let Some((_, action)) = line.trim_start().trim_start_matches("- ").split_once("uses: ") else { continue };
            lines += 1;
            if let Some(path) = action.strip_prefix("./") {
                assert!(root().join(path).is_file(), "{name}: {path} is not there");
                continue;
            }
            let (action, pin) = action.split_once('@').unwrap_or_else(|| panic!("{name}: {line}"));
            let (commit, version) = pin.split_once(" # v").unwrap_or_else(|| panic!("{name}: no version: {line}"));
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {line}");
            assert_eq!(version_at(version), version.len(), "{name}: {line}");
            let one = commits.entry(action.to_owned()).or_insert_with(|| pin.to_owned());
            assert_eq!(one, pin, "{name}: {action} is pinned in two ways");
        }
    }
    let used = steps().iter().filter(|(_, step)| step.get("uses").is_some()).count();
    assert_eq!(lines, used, "left: lines with `uses:`, right: steps and jobs that use something");
}

#[test]
fn permissions_are_the_least() {
    let allowed = json!({
        "release.yml publish": {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
        "release.yml draft": {"contents": "write"},
    });
    for name in WORKFLOWS {
        let workflow = yaml(name);
        let by_default = &workflow["permissions"];
        let least = [json!({}), json!({"contents": "read"})];
        assert!(least.contains(by_default), "{name}: by default, jobs may {by_default}");
        let events = workflow["on"].as_object().unwrap();
        let dangerous = ["pull_request_target", "workflow_run", "issue_comment"];
        assert!(dangerous.iter().all(|event| !events.contains_key(*event)), "{name}: {events:?}");
        for (job, value) in workflow["jobs"].as_object().unwrap() {
            let permissions = value.get("permissions").unwrap_or(by_default);
            let file = name.rsplit('/').next().unwrap();
            let wanted = allowed.get(format!("{file} {job}")).unwrap_or(&least[1]);
            assert_eq!(permissions, wanted, "{name}: job {job}");
        }
        let text = read(name);
        for secret in text.split("secrets.").skip(1) {
            assert!(secret.starts_with("GITHUB_TOKEN "), "{name}: a secret beside that of the run");
        }
    }
    for (place, step) in steps() {
        let checks_out = step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@"));
        let forgotten = step["with"]["persist-credentials"] == false;
        assert!(!checks_out || forgotten, "{place}: the token of the run stays in the checkout");
    }
}

#[test]
fn one_compiler_builds_a_release() {
    let mut versions = BTreeSet::new();
    for name in WORKFLOWS.into_iter().chain(["docs/guides/verify-a-release.md"]) {
        let text = read(name);
        for word in ["rust:", "toolchain install ", "cargo +", "test-", "Rust "] {
            let found =
                text.split(word).skip(1).map(|rest| &rest[..version_at(rest)]).filter(|found| !found.is_empty());
            versions.extend(found.map(|version| version.trim_end_matches("-bookworm").to_owned()));
        }
    }
    assert_eq!(versions.len(), 1, "{versions:?}");
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    let least = read("Cargo.toml");
    let least = least.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(minor(versions.first().unwrap()) >= minor(least), "{versions:?} is older than {least}");
}

#[test]
fn the_names_of_a_release_are_the_same_everywhere() {
    let workflow = yaml(".github/workflows/release.yml");
    let (module, image) = (workflow["env"]["MODULE"].as_str().unwrap(), workflow["env"]["IMAGE"].as_str().unwrap());
    assert_eq!(module, yaml("metadata.yml")["annotations"]["io.kubewarden.policy.ociUrl"]);
    let page = read("docs/guides/verify-a-release.md");
    let (action, script, container) = (read("scripts/action"), read("scripts/release"), read("Containerfile"));
    for part in ["command=image-trust-$(uname -s)-$(uname -m)\n", "policy.wasm \"$command\" checksums.txt;"] {
        assert!(action.contains(part), "{part}: {action}");
    }
    let built = &workflow["jobs"]["command"];
    assert_eq!(built["env"]["NAME"], "image-trust-${{ matrix.name }}");
    for row in built["strategy"]["matrix"]["include"].as_array().unwrap() {
        let name = format!("image-trust-{}", row["name"].as_str().unwrap());
        assert!(page.contains(&format!("`{name}`")), "docs/guides/verify-a-release.md does not list {name}");
        // What `uname` prints on such a machine.
        let (system, processor) = row["name"].as_str().unwrap().split_once('-').unwrap();
        let target = row["target"].as_str().unwrap();
        assert_eq!(system == "Darwin", target.ends_with("-apple-darwin"), "{name}: {target}");
        assert_eq!(processor.replace("arm64", "aarch64"), target.split('-').next().unwrap(), "{name}");
        // Those of the container image.
        assert!(system != "Linux" || script.contains(&format!("\"$1/{name}\"")), "scripts/release image: {name}");
    }
    for file in
        ["policy.wasm", "checksums.txt", "checksums.txt.sigstore.json", "policy.cdx.json", "image-trust.cdx.json"]
    {
        assert!(page.contains(&format!("`{file}`")), "docs/guides/verify-a-release.md does not list {file}");
    }
    assert!(page.contains(&format!("`{module}`")) && page.contains(&format!("`{image}`")));
    for line in
        ["\nUSER 65532:65532\n", "\nENTRYPOINT [\"/usr/local/bin/image-trust\"]\n", "\nCOPY policy.wasm /policy.wasm\n"]
    {
        assert!(container.contains(line), "Containerfile lacks {line}");
    }
    // The page shows the example, and that is about this image and this workflow.
    let example = yaml("examples/verify-image-trust.yaml");
    let shown = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let shown: Vec<Value> = shown.map(|block| serde_yaml::from_str(block).unwrap()).collect();
    assert!(shown.contains(&example), "docs/guides/verify-a-release.md shows other settings than the example");
    let wanted =
        json!({"owner": "image-trust", "repo": "image-trust", "workflow": "release.yml", "ref": "refs/tags/v*"});
    assert_eq!(example["validators"][0]["trustRoots"][0]["github"], wanted);
    assert_eq!(example["policy"][1]["pattern"], image);
    assert_eq!(workflow["on"], json!({"push": {"tags": ["v*"]}}), "the tags of releases");
}

/// What Artifact Hub refuses, or shows wrongly.
#[test]
fn the_package_of_artifact_hub_is_complete() {
    let package = yaml("artifacthub-pkg.yml");
    for field in ["version", "name", "displayName", "createdAt", "description", "license", "homeURL", "install"] {
        assert!(package[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", package[field]);
    }
    // A category is one of Artifact Hub's own words.
    assert_eq!(package["category"], "security");
    let changes = package["changes"].as_array().unwrap();
    let kinds = ["added", "changed", "deprecated", "removed", "fixed", "security"];
    for change in changes {
        assert!(kinds.iter().any(|kind| change["kind"] == *kind) && change["description"].is_string(), "{change}");
    }
    assert!(!changes.is_empty(), "no changes");
    let listed = |field: &str, key: &str| -> Vec<String> {
        package[field].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
    };
    let release = yaml(".github/workflows/release.yml");
    let images = [&release["env"]["MODULE"], &release["env"]["IMAGE"]]
        .map(|name| format!("{}:v{VERSION}", name.as_str().unwrap()));
    assert_eq!(listed("containersImages", "image"), images);
    assert!(listed("links", "url").iter().all(|url| url.starts_with("https://github.com/image-trust/image-trust")));
    assert_eq!(listed("links", "name")[..2], ["policy", "source"], "those that kwctl writes come first");
    assert!(package["annotations"].as_object().unwrap().values().all(Value::is_string), "annotations are text");
    // Each one needs a name and an e-mail address.
    let maintainers = package["maintainers"].as_array().cloned().unwrap_or_default();
    assert!(maintainers.iter().all(|one| one["name"].is_string() && one["email"].is_string()), "{maintainers:?}");
}

#[test]
fn issues_ask_for_what_an_answer_needs() {
    for name in checkout::files(".github/ISSUE_TEMPLATE", &["yml"]) {
        let (template, text) = (yaml(&name), read(&name));
        if name.ends_with("config.yml") {
            assert!(text.contains("SECURITY.md") && template["blank_issues_enabled"] == false, "{name}");
            continue;
        }
        assert!(template["name"].is_string() && template["description"].is_string(), "{name}");
        let body = template["body"].as_array().unwrap();
        let ids: BTreeSet<&str> = body.iter().filter_map(|part| part["id"].as_str()).collect();
        let asked = body.iter().filter(|part| part["type"] != "markdown").count();
        assert_eq!(ids.len(), asked, "{name}: each part has an id of its own");
        if !name.ends_with("question.yml") {
            assert!(text.contains("`image-trust explain -o json"), "{name}");
        }
        if name.contains("/wrong-") {
            assert!(text.contains("/security/advisories/new"), "{name}");
            assert!(text.contains("settings, without secrets"), "{name}");
        }
    }
    assert!(root().join(".github/pull_request_template.md").is_file());
}

/// Panic messages name source files. A path of one machine would make its module another one than everybody's.
#[test]
fn the_module_has_no_path_of_this_machine() {
    let module = fs::read(root().join("policy.wasm")).expect("`make policy.wasm` builds the module");
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    for path in [format!("{cargo}/"), "/registry/src/".to_owned(), format!("{}/", root().display())] {
        let found = module.windows(path.len()).any(|bytes| bytes == path.as_bytes());
        assert!(!found, "the module contains {path}; `make policy.wasm` maps it to another one");
    }
    let mapped = b"/rust/deps/";
    assert!(module.windows(mapped.len()).any(|bytes| bytes == mapped), "the module was built without the Makefile");
}
