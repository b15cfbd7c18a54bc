//! Does the documentation hold together? Links lead somewhere, every page is in the book, and settings that pages show are accepted.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use image_trust_testbed::checkout;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where a page of the book finds the files and folders of the repository that are not in the book.
const REPOSITORY: [&str; 2] =
    ["https://github.com/image-trust/image-trust/blob/main/", "https://github.com/image-trust/image-trust/tree/main/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The pages of the book, relative to the checkout.
fn pages() -> BTreeSet<PathBuf> {
    checkout::files("docs", &["md"]).into_iter().map(PathBuf::from).collect()
}

fn documents() -> BTreeSet<PathBuf> {
    let beside = ["README", "ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY", "CODE_OF_CONDUCT"];
    beside.iter().map(|name| PathBuf::from(format!("{name}.md"))).chain(pages()).collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// A Markdown file without its code blocks, in which `](` is no link and `#` no heading.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The anchors of the headings of a page, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings =
        headings.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let mut found: BTreeSet<String> = BTreeSet::new();
    for heading in headings {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
        assert!(found.insert(anchor), "two headings have the anchor of \"{heading}\"");
    }
    found
}

/// Why a link of a document leads nowhere.
fn broken(document: &Path, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let of_repository = REPOSITORY.iter().find_map(|prefix| file.strip_prefix(prefix));
    let path = match of_repository {
        Some(file) => root().join(file),
        None if file.contains("://") => return None,
        None if file.is_empty() => root().join(document),
        // Beside the book on the site.
        None if file == "../playground/index.html" => root().join("site/playground/index.html"),
        None => root().join(document).parent()?.join(file),
    };
    let Ok(path) = fs::canonicalize(path) else { return Some("is not there".to_owned()) };
    let book = fs::canonicalize(root().join("docs")).unwrap();
    // The site has no other files.
    let is_on_the_site = path.starts_with(book) || path.ends_with("site/playground/index.html");
    if document.starts_with("docs") && of_repository.is_none() && !is_on_the_site {
        return Some("is not in the book".to_owned());
    }
    (!anchor.is_empty() && !anchors(&fs::read_to_string(path).unwrap()).contains(anchor))
        .then(|| "has no such heading".to_owned())
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = prose(&read(&document));
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        wrong.extend(
            targets
                .filter_map(|target| Some(format!("{}: {target} {}", document.display(), broken(&document, target)?))),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_book() {
    let summary = read(Path::new("docs/SUMMARY.md"));
    let mut listed = BTreeSet::from([PathBuf::from("docs/SUMMARY.md")]);
    for entry in summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(listed.insert(Path::new("docs").join(entry)), "docs/SUMMARY.md lists {entry} twice");
    }
    assert_eq!(listed, pages(), "left: docs/SUMMARY.md, right: the files");
}

/// What a YAML block of a page shows as settings, and what makes them whole where it shows a part. Rules alone name validators that the page does not show,
/// and nobody can read what an ellipsis stands for.
fn settings(block: &Value) -> Option<Value> {
    if block.to_string().contains('…') {
        return None;
    }
    let shown = block.pointer("/spec/settings").unwrap_or(block);
    let mut whole = shown.as_object()?.clone();
    if !["validators", "features", "exceptions", "workloads"].iter().any(|key| whole.contains_key(*key)) {
        return None;
    }
    if !whole.contains_key("validators") {
        if whole.contains_key("policy") {
            return None;
        }
        whole.insert("validators".to_owned(), json!([{"name": "deny", "type": "static", "approve": false}]));
    }
    if !whole.contains_key("policy") {
        let first = &whole["validators"][0];
        let mut rule = json!({"pattern": "*:*", "validator": first["name"]});
        if first["type"] == "cosign" || first["type"] == "notation" {
            rule["with"] = json!({"trustRoot": "*"});
        }
        whole.insert("policy".to_owned(), json!([rule]));
    }
    Some(Value::Object(whole))
}

#[test]
fn settings_that_pages_show_are_accepted() {
    let mut shown = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        let text = read(&document);
        let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
        for block in blocks {
            for part in serde_yaml::Deserializer::from_str(block) {
                let place = format!("{}:\n{block}", document.display());
                let value = Value::deserialize(part).unwrap_or_else(|e| panic!("{place}\n{e}"));
                let Some(settings) = settings(&value) else { continue };
                shown += 1;
                let problems = image_trust::policy::check(&settings.to_string());
                wrong.extend((!problems.is_empty()).then(|| format!("{place}\n{problems:?}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(shown > 15, "{shown} were found");
}

/// The policy that `docs/start/cluster.md` writes in a shell: for every request that `metadata.yml` routes, and without an error of lint.
#[test]
fn the_policy_of_the_first_steps_is_complete() {
    let page = read(Path::new("docs/start/cluster.md"));
    let (_, rest) = page.split_once("cat > image-trust-trial.yaml <<END\n").expect("the policy");
    let (text, _) = rest.split_once("\nEND\n").expect("its end");
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/eu9IX5htTt7DlVG8i4guk8Yc5NE\ncSJf4Ae8cZGzJjztT7P8kGEc8OURZBO3zqrhxK8SaAP7dFR39egWVWUM/w==\n-----END PUBLIC KEY-----";
    let key: String = key.lines().flat_map(|line| ["              ", line, "\n"]).collect();
    let written = text
        .replace("$(sed 's/^/              /' cosign.pub)\n", &key)
        .replace("$REPOSITORY", "ttl.sh/image-trust-1")
        .replace("$MODULE", "registry://ghcr.io/image-trust/policies/image-trust:v0.1.0");
    assert!(!written.contains('$'), "{written}");
    let policy: Value = serde_yaml::from_str(&written).unwrap();
    let metadata: Value = serde_yaml::from_str(&read(Path::new("metadata.yml"))).unwrap();
    for key in ["rules", "mutating"] {
        assert_eq!(policy["spec"][key], metadata[key], "left: the page, right: metadata.yml; {key}");
    }
    let text = policy.to_string();
    assert_eq!(image_trust_lint::check_manifest(&text), [], "{written}");
    let found = image_trust_lint::lint_manifest(&text, image_trust::time::UnixTime::default());
    let bad: Vec<_> =
        found.iter().filter(|finding| finding.lint.severity() < image_trust_lint::Severity::Info).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
