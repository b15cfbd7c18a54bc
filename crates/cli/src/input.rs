//! What is evaluated, and what may the policy ask meanwhile? The flags that `run`, `explain` and `bench` share, and how settings are read for them and for
//! `lint`: alone, or in a policy's manifest.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use image_trust_host::{AdmissionRequest, Answers, CapabilityPattern, Gate, Policy, Replay};
use image_trust_manifests::{files::STDIN, utf8};
use serde::Deserialize as _;
use serde_json::{Map, Value};

/// Largest text that is read, in bytes.
const MAX_TEXT: u64 = 16 << 20;
/// Deepest nesting of YAML that is read: what is nested deeper takes the parser minutes.
const MAX_NESTED: usize = 1_000;
/// The kinds of manifests that hold the settings of one policy, and their version.
const KINDS: [&str; 2] = ["ClusterAdmissionPolicy", "AdmissionPolicy"];
const API_VERSION: &str = "policies.kubewarden.io/v1";

/// The inputs of an evaluation, without the request.
#[derive(clap::Args)]
pub struct Input {
    /// The settings, or a policy's manifest that holds them, as YAML or JSON. `-` reads standard input
    #[arg(short, long, value_name = "FILE", visible_alias = "settings-path", conflicts_with = "settings_json")]
    settings: Option<PathBuf>,
    /// The settings as JSON text
    #[arg(long, value_name = "JSON")]
    settings_json: Option<String>,
    /// Answer host calls from a recorded session instead of a registry
    #[arg(long, value_name = "FILE")]
    replay_host_capabilities_interactions: Option<PathBuf>,
    /// Let the policy read the Kubernetes resources that its metadata lists
    #[arg(long)]
    allow_context_aware: bool,
    /// A host capability that the policy may call, as in `oci/*`. Can be repeated
    #[arg(long, value_name = "PATTERN", default_value = "*")]
    allowed_host_capabilities: Vec<CapabilityPattern>,
}

impl Input {
    /// Whether any input differs from the defaults.
    pub fn is_given(&self) -> bool {
        let Self { settings, settings_json, replay_host_capabilities_interactions, allow_context_aware, .. } = self;
        let files = [settings, replay_host_capabilities_interactions];
        files.iter().any(|file| file.is_some()) || settings_json.is_some() || *allow_context_aware
    }

    /// The settings, which may be none.
    pub fn settings(&self) -> Result<Value> {
        let (text, origin) = match (&self.settings, &self.settings_json) {
            (Some(path), _) => text_of("settings", path)?,
            (None, Some(text)) => (text.clone(), "--settings-json".to_owned()),
            (None, None) => return Ok(Value::Object(Map::new())),
        };
        settings(&text, &origin)
    }

    /// The request in this file, or on stdin for `-`.
    pub fn request(&self, path: &Path) -> Result<AdmissionRequest> {
        if path == Path::new(STDIN) && self.reads_stdin() {
            bail!("the request and the settings can't both be read from standard input: write one of them to a file");
        }
        let (text, origin) = text_of("request", path)?;
        request(&text, &origin)
    }

    /// Whether the settings are read from standard input.
    pub fn reads_stdin(&self) -> bool {
        self.settings.as_deref() == Some(Path::new(STDIN))
    }

    /// The recorded session to answer from, if there is one.
    pub fn session(&self) -> Result<Option<Replay>> {
        self.replay_host_capabilities_interactions.as_deref().map(Replay::from_file).transpose()
    }

    /// Lets through to `answers` what the policy may call.
    pub fn gate<A: Answers>(&self, policy: &Policy, answers: A) -> Gate<A> {
        let resources = if self.allow_context_aware { policy.context_aware_resources() } else { Default::default() };
        Gate::new(answers)
            .allow_only(self.allowed_host_capabilities.iter().cloned().collect())
            .with_resources(resources)
    }
}

/// The contents of a file that somebody names as settings.
#[derive(Debug, PartialEq)]
pub enum Written {
    /// The settings of a policy, which may be none.
    Settings(Value),
    /// The manifest of a policy, which contains its settings.
    Manifest(Value),
}

/// The text of this file, or of stdin for `-`, without a byte order mark, and what it is called.
pub fn text_of(what: &str, path: &Path) -> Result<(String, String)> {
    let (text, origin) = whole_text_of(what, path)?;
    Ok((text.trim_start_matches('\u{feff}').to_owned(), origin))
}

/// The same with everything that is in it.
pub fn whole_text_of(what: &str, path: &Path) -> Result<(String, String)> {
    let origin = if path == Path::new(STDIN) { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let read = match path == Path::new(STDIN) {
        true => std::io::stdin().take(MAX_TEXT + 1).read_to_end(&mut bytes),
        // A device or a pipe may have no end.
        false => fs::File::open(path).and_then(|file| file.take(MAX_TEXT + 1).read_to_end(&mut bytes)),
    };
    read.with_context(|| format!("cannot read the {what} {origin}"))?;
    if bytes.len() as u64 > MAX_TEXT {
        bail!("the {what} {origin} is larger than {} MiB, and the API server takes no more than 3", MAX_TEXT >> 20);
    }
    let text = utf8(bytes).with_context(|| format!("cannot read the {what} {origin}"))?;
    Ok((text, origin))
}

/// The request in this text, or the one that the API server would send for the object in it.
fn request(text: &str, origin: &str) -> Result<AdmissionRequest> {
    let read = || -> Result<AdmissionRequest> {
        // JSON first: it is what requests are written in, and it is read in no time.
        let value = match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            Err(_) => only(yaml_documents(text)?)?,
        };
        match value.get("kind").and_then(Value::as_str) {
            None | Some("AdmissionReview") => AdmissionRequest::from_json(&value.to_string()),
            Some(kind)
                if kind == "List" || (kind.ends_with("List") && value.get("items").is_some_and(Value::is_array)) =>
            {
                bail!("it is a {kind}: give one object, as `kubectl get -o json KIND NAME` prints it")
            }
            Some(_) => AdmissionRequest::create(value),
        }
    };
    read().with_context(|| format!("cannot use the request {origin}"))
}

fn only(mut documents: Vec<Value>) -> Result<Value> {
    match (documents.pop(), documents.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => bail!("it is empty: expected an AdmissionRequest, an AdmissionReview or an object of Kubernetes"),
        (Some(_), more) => bail!("it holds {} documents: give one object", more + 1),
    }
}

/// The settings in this text, alone or in a policy's manifest.
pub fn settings(text: &str, origin: &str) -> Result<Value> {
    match written(text, origin)? {
        Written::Settings(settings) => Ok(settings),
        Written::Manifest(manifest) => match manifest.pointer("/spec/settings") {
            None | Some(Value::Null) => {
                bail!("{origin}: spec.settings: expected the settings of the policy, found none")
            }
            Some(settings) if settings.is_object() => Ok(settings.clone()),
            Some(_) => bail!("{origin}: spec.settings: expected a mapping; write `key: value` pairs"),
        },
    }
}

/// The settings in this text, or the policy's manifest among its documents.
pub fn written(text: &str, origin: &str) -> Result<Written> {
    let mut documents = documents(text, origin)?;
    if documents.len() < 2 {
        let only = documents.pop().unwrap_or_default();
        return match only {
            Value::Null => Ok(Written::Settings(Value::Object(Map::new()))),
            Value::Object(_) if !is_manifest(&only) => Ok(Written::Settings(only)),
            Value::Object(_) => match strange(&only) {
                None => Ok(Written::Manifest(only)),
                Some(found) => bail!("{origin}: {}, found {found}", expected()),
            },
            _ => bail!("the settings in {origin} are no mapping; write `key: value` pairs"),
        };
    }
    if let Some(at) = documents.iter().position(|document| !is_manifest(document)) {
        bail!("{origin}: several documents have to be manifests: {}, found none in document {}", expected(), at + 1);
    }
    let (mut policies, others): (Vec<Value>, Vec<Value>) =
        documents.into_iter().partition(|document| strange(document).is_none());
    // A group has settings, too, and nobody would miss them.
    let group = others.iter().find(|other| kind(other).ends_with("PolicyGroup"));
    match (policies.pop(), policies.is_empty(), group) {
        (Some(policy), true, None) => Ok(Written::Manifest(policy)),
        (Some(_), false, _) => {
            bail!("{origin}: only one document may be a policy, found {}: take them one by one", policies.len() + 1)
        }
        (_, _, group) => {
            let found = group.or(others.first()).and_then(strange).unwrap_or_default();
            bail!("{origin}: {}, found {found}", expected())
        }
    }
}

/// The documents of this text, without those that are empty.
fn documents(text: &str, origin: &str) -> Result<Vec<Value>> {
    yaml_documents(text).with_context(|| format!("the settings in {origin} do not parse"))
}

/// The documents of this text, without those that are empty, and with what to do about a mistake.
pub fn yaml_documents(text: &str) -> Result<Vec<Value>> {
    if is_nested_too_deep(text) {
        bail!("it is nested more than {MAX_NESTED} deep");
    }
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let with_hint = |error: serde_yaml::Error| match hint(text, &error) {
            Some(hint) => anyhow!("{error}; {hint}"),
            None => error.into(),
        };
        // JSON is YAML, so one parser reads both. Its own tree takes no key twice, of which another would forget the first.
        let mut tree = serde_yaml::Value::deserialize(document).map_err(with_hint)?;
        // As kubectl does, or a manifest could say more than is looked at.
        loop {
            let before = tree.clone();
            tree.apply_merge().map_err(with_hint)?;
            // What was merged can merge something itself.
            if tree == before {
                break;
            }
        }
        documents.push(serde_yaml::from_value(tree).map_err(with_hint)?);
    }
    documents.retain(|document| *document != Value::Null);
    Ok(documents)
}

/// Does it open so many more lists and mappings than it closes, or begin so many in one line? What is in quotes is counted, too: no sound file comes near.
fn is_nested_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    let is_deep = |c: char| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_NESTED
    };
    let begins = |line: &str| line.split(' ').take_while(|word| matches!(*word, "-" | "?" | "")).count();
    text.chars().any(is_deep) || text.lines().any(|line| begins(line) > MAX_NESTED)
}

/// What to do about a mistake that people make in YAML.
fn hint(text: &str, error: &serde_yaml::Error) -> Option<&'static str> {
    let at = error.location()?.line();
    // The parser tells where it noticed, which can be a line later.
    let lines: Vec<&str> = text.lines().skip(at.saturating_sub(2)).take(2).collect();
    let has = |mark: &str| lines.iter().any(|line| line.contains(mark));
    if has("-----BEGIN")
        || has("-----END")
        || text.lines().take(at).any(|line| line.contains("-----BEGIN"))
            && !text.lines().take(at.saturating_sub(1)).any(|line| line.contains("-----END"))
    {
        Some("write a PEM text as a block: `key: |`, and indent each of its lines by two spaces more than `key`")
    } else if [": *", "- *", "[*", "{*"].into_iter().any(has) {
        Some("put a text that begins with `*` in quotes: `pattern: \"*:*\"`")
    } else if has("\t") {
        Some("YAML is indented with spaces, not with tabs")
    } else {
        None
    }
}

/// Settings have none of these keys.
fn is_manifest(document: &Value) -> bool {
    let has = |key: &str| document.get(key).is_some();
    has("kind") && (has("spec") || has("apiVersion"))
}

fn kind(manifest: &Value) -> &str {
    manifest.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// What this manifest is, where it is not one of a policy.
fn strange(manifest: &Value) -> Option<String> {
    let version = manifest.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = if kind(manifest).ends_with("PolicyGroup") {
        ": take the settings of each of its members by themselves"
    } else {
        ""
    };
    let is_ours = KINDS.contains(&kind(manifest)) && version == API_VERSION;
    (!is_ours).then(|| format!("`kind: {}` of `apiVersion: {version}`{group}", kind(manifest)))
}

fn expected() -> String {
    format!("expected settings, or one manifest of `kind: {}` of `apiVersion: {API_VERSION}`", KINDS.join("` or `"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_whole_or_not_at_all() {
        // the text, what it holds, the reason
        let table = [
            ("", Some("{}"), "none"),
            ("---\n", Some("{}"), "an empty document"),
            ("policy: [{pattern: a}]", Some(r#"{"policy":[{"pattern":"a"}]}"#), "YAML"),
            ("--- # ours\npolicy: [{pattern: a}]\n...\n", Some(r#"{"policy":[{"pattern":"a"}]}"#), "one document"),
            ("---\n---\na: 1\n---\n", Some(r#"{"a":1}"#), "one document that is not empty"),
            (r#"{"policy":[{"pattern":"a"}]}"#, Some(r#"{"policy":[{"pattern":"a"}]}"#), "JSON"),
            ("{approve: false, approve: true}", None, "a key twice"),
            ("x: &x {a: 1}\ny: {<<: *x, b: 2}", Some(r#"{"x":{"a":1},"y":{"a":1,"b":2}}"#), "a merge key"),
            (r#"{"a":{"approve":false,"approve":true}}"#, None, "a key twice, deeper and in JSON"),
            ("[1]", None, "no mapping"),
            ("a: [", None, "no YAML"),
            ("a: 1\n---\nb: 2\n", None, "two settings"),
        ];
        for (text, expected, reason) in table {
            let settings = settings(text, "a file").ok().map(|settings| settings.to_string());
            assert_eq!(settings.as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn mistakes_in_yaml_are_told_with_what_to_do() {
        let key = "validators:\n- name: a\n  trustRoots:\n  - name: b\n    key: ";
        // the text, a part of the error, the reason
        let table = [
            (
                "policy:\n- pattern: *:*\n".to_owned(),
                "line 2 column 12; put a text that begins with `*`",
                "an alias that was meant as a pattern",
            ),
            ("policy:\n- pattern: *\n".to_owned(), "put a text that begins with `*`", "another"),
            (
                format!("{key}-----BEGIN PUBLIC KEY-----\nMFk=\n-----END PUBLIC KEY-----\n"),
                "write a PEM text as a block",
                "a PEM text without a block",
            ),
            (
                format!("{key}|\n-----BEGIN PUBLIC KEY-----\nMFk=\n-----END PUBLIC KEY-----\n"),
                "write a PEM text as a block",
                "a block that is not indented",
            ),
            ("a:\n\tb: 1\n".to_owned(), "not with tabs", "a tab"),
            (format!("a: {}", "[".repeat(100_000)), "nested more than 1000 deep", "lists in lists"),
            (format!("{}a", "- ".repeat(100_000)), "nested more than 1000 deep", "the same in lines"),
        ];
        for (text, part, reason) in table {
            let error = format!("{:#}", settings(&text, "a file").unwrap_err());
            assert!(error.contains(part), "{reason}: {error}");
        }
    }

    #[test]
    fn objects_become_requests() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n";
        let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"}}"#;
        let request_of = |text: &str| request(text, "a file").map_err(|error| format!("{error:#}"));
        for text in [pod, json, &format!("---\n{pod}---\n")] {
            let request = request_of(text).expect("a request");
            assert_eq!((request.operation.as_str(), request.namespace.as_deref()), ("CREATE", Some("shop")), "{text}");
        }
        let whole = serde_json::to_string(&request_of(json).expect("a request")).expect("JSON");
        assert_eq!(request_of(&whole), request_of(json), "a request is one");
        // the text, a part of the error, the reason
        let table = [
            (format!("{pod}---\n{pod}"), "holds 2 documents", "two objects"),
            ("kind: List\napiVersion: v1\nitems: []".to_owned(), "it is a List", "a list"),
            (String::new(), "it is empty", "nothing"),
            ("a: [".to_owned(), "cannot use the request a file", "no YAML"),
            ("kind: Pod".to_owned(), "no `apiVersion`", "half an object"),
            ("[1]".to_owned(), "not a JSON object", "a list of numbers"),
        ];
        for (text, part, reason) in table {
            let error = request_of(&text).expect_err(reason);
            assert!(error.contains(part), "{reason}: {error}");
        }
    }

    #[test]
    fn manifests_have_settings() {
        let of = |kind: &str, spec: &str| format!("apiVersion: {API_VERSION}\nkind: {kind}\nspec: {spec}\n");
        let policy = || of("ClusterAdmissionPolicy", "{settings: {a: 1}}");
        let other = || "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n".to_owned();
        let group = || of("ClusterAdmissionPolicyGroup", "{policies: {}}");
        // the documents, the settings or a part of the error, the reason
        let table = [
            (vec![policy()], Ok("{\"a\":1}"), "a policy"),
            (vec![of("AdmissionPolicy", "{settings: {}}")], Ok("{}"), "one for a namespace"),
            (vec![other(), policy()], Ok("{\"a\":1}"), "beside what is no policy"),
            (vec![policy(), policy()], Err("only one document may be a policy, found 2"), "two"),
            (vec![policy(), group()], Err("found `kind: ClusterAdmissionPolicyGroup`"), "a group beside it"),
            (vec![group()], Err("take the settings of each of its members"), "a group"),
            (
                vec![other()],
                Err("or `AdmissionPolicy` of `apiVersion: policies.kubewarden.io/v1`, found `kind: Namespace`"),
                "another kind",
            ),
            (vec![other(), other()], Err("found `kind: Namespace` of `apiVersion: v1`"), "no policy among them"),
            (vec![policy(), "a: 1\n".to_owned()], Err("found none in document 2"), "settings beside it"),
            (
                vec![policy().replace("/v1", "/v1alpha2")],
                Err("of `apiVersion: policies.kubewarden.io/v1alpha2`"),
                "a version",
            ),
            (
                vec!["kind: 1\nspec: {}\n".to_owned()],
                Err("expected settings, or one manifest"),
                "nothing that there is",
            ),
            (vec![of("AdmissionPolicy", "{}")], Err("a file: spec.settings: expected the settings"), "no settings"),
            (
                vec![of("AdmissionPolicy", "{settings: [1]}")],
                Err("a file: spec.settings: expected a mapping"),
                "a list",
            ),
        ];
        for (documents, expected, reason) in table {
            match (settings(&documents.join("---\n"), "a file"), expected) {
                (Ok(settings), Ok(expected)) => assert_eq!(settings.to_string(), expected, "{reason}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{reason}: {error}"),
                (result, _) => panic!("{reason}: {result:?}"),
            }
        }
    }
}
