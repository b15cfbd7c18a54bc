//! What does a denial say: to programs in its audit record, and to people in its message?
//!
//! Which denial it is, is told by the words of the record (`docs/reference/audit.md`). Of a message only its form is held here, and the names, numbers and commands that
//! it has to tell.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image_trust_host::Evaluation;
use image_trust_testbed::loopback::digest_of;
use serde_json::{Value, json};

/// What no message and no warning may hold: the host's chain of errors, keys, traces.
const RAW: [&str; 8] = [
    "Callback evaluation",
    "Caused by",
    "backtrace",
    "panicked",
    "-----BEGIN",
    "OCI API error",
    "http://",
    "internal error",
];
/// What a denial with this code may not say: "could not tell" and "not signed" are never the same message.
const OTHERS_WORDS: [(u16, &[&str]); 3] = [
    (403, &["could not tell", "not decided"]),
    (503, &["not signed", "not decided"]),
    (504, &["not signed", "could not tell"]),
];

/// The platform's message about an evaluation that took too long.
const DEADLINE: &str = "Policy execution interrupted because it exceeded the allowed execution time";
/// The word for that here: the platform leaves no record.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// Formats of signatures that the policy only recognises: the record has one word for all of them, so their names are read in the message.
const FORMATS: [&str; 4] = ["bundle", "Notation", "attestation", "referrer"];

/// Most bytes of a first line: events and dashboards cut after it.
const MAX_FIRST_LINE: usize = 256;
/// The length of a fingerprint as messages show it, in characters.
const FINGERPRINT: usize = 23;

/// The first audit record, or null.
pub(crate) fn record(came: &Evaluation) -> Value {
    let record = came.response.audit_annotations.iter().flat_map(|records| records.values()).next();
    record.map_or(Value::Null, |record| serde_json::from_str(record).expect("a record is JSON"))
}

fn message(came: &Evaluation) -> &str {
    came.response.status.as_ref().and_then(|status| status.message.as_deref()).unwrap_or_default()
}

/// A denial in short, in the words of its audit record: `not-signed: other-keys; signers alice; missing bob; needed 2`.
///
/// Lists without an entry are left out, and `needed 1`. `lacks` is told where it is not the cause of everybody who is missing. Names of other formats follow
/// their word: `not-signed: signed-in-another-format (bundle, Notation); missing alice`.
pub(crate) fn words(came: &Evaluation) -> String {
    let record = record(came);
    if record.is_null() && message(came) == DEADLINE {
        return INTERRUPTED.to_owned();
    }
    let word = |key: &str| record[key].as_str().unwrap_or_default();
    let names =
        |key: &str| -> Vec<&str> { record[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
    let mut words = word("reason").to_owned();
    if record["cause"].is_string() {
        words.push_str(&format!(": {}", word("cause")));
    }
    if word("cause") == "signed-in-another-format" {
        let told: Vec<&str> = explanation(message(came));
        let formats = FORMATS.iter().filter(|format| told.iter().any(|line| holds(line, format))).copied();
        words.push_str(&format!(" ({})", formats.collect::<Vec<_>>().join(", ")));
    }
    for key in ["signers", "missing", "shared", "undecided", "notAsked"] {
        let names = names(key);
        if !names.is_empty() {
            words.push_str(&format!("; {key} {}", names.join(", ")));
        }
    }
    let lacks: Vec<(&str, &str)> = record["lacks"].as_object().into_iter().flatten().map(pair).collect();
    let mut without = [names("missing"), names("shared")].concat();
    without.sort_unstable();
    let is_told = lacks.iter().map(|(name, _)| *name).eq(without) && lacks.iter().all(|(_, why)| *why == word("cause"));
    if !lacks.is_empty() && !is_told {
        let lacks: Vec<String> = lacks.iter().map(|(name, why)| format!("{name} {why}")).collect();
        words.push_str(&format!("; lacks {}", lacks.join(", ")));
    }
    match record["needed"].as_u64() {
        None | Some(1) => words,
        Some(needed) => format!("{words}; needed {needed}"),
    }
}

fn pair<'a>((name, why): (&'a String, &'a Value)) -> (&'a str, &'a str) {
    (name, why.as_str().unwrap_or_default())
}

/// What is wrong with a denial that has to be `expected`: its [`words`], and behind `; tells ` what the message has to hold somewhere: names, numbers, commands,
/// and `key of NAME` for the fingerprint of a key.
pub(crate) fn other_than(expected: &str, came: &Evaluation, keys: &[(&str, String)]) -> Option<String> {
    let (expected, tells) = expected.split_once("; tells ").unwrap_or((expected, ""));
    let words = words(came);
    if words != expected {
        return Some(format!("expected {expected:?}, found {words:?}"));
    }
    let fingerprint = |name: &str| {
        let key = keys.iter().find(|(of, _)| *of == name);
        let body: String = key?.1.lines().filter(|line| !line.starts_with("-----")).collect();
        let digest = digest_of(&STANDARD.decode(body).ok()?);
        Some(format!("{}…", &digest[..FINGERPRINT]))
    };
    let told = |what: &str| match what.strip_prefix("key of ") {
        Some(name) => fingerprint(name).is_some_and(|key| message(came).contains(&key)),
        None => holds(message(came), what),
    };
    if let Some(what) = tells.split(", ").find(|what| !what.is_empty() && !told(what)) {
        return Some(format!("expected the message to tell {what:?}"));
    }
    // Whoever reads that a key made none of the signatures has to know which key was tried.
    let record = record(came);
    let strangers = record["lacks"].as_object().into_iter().flatten().map(pair);
    let mut strangers = strangers.filter(|(_, why)| why.starts_with("other-keys")).map(|(name, _)| name);
    match (strangers.next(), strangers.next()) {
        (Some(only), None) if !told(&format!("key of {only}")) => {
            Some(format!("expected the message to tell the fingerprint of {only}'s key"))
        }
        _ => None,
    }
}

/// What is wrong with an evaluation that hung and has to end with this code and these words, by our verdict or by the platform's.
pub(crate) fn ended_with(came: &Evaluation, code: u16, expected: &str, keys: &[(&str, String)]) -> Option<String> {
    let response = &came.response;
    if response.allowed || response.patch.is_some() || response.status.as_ref().and_then(|it| it.code) != Some(code) {
        return Some(format!("expected a denial with {code}"));
    }
    // The platform's message has its own form.
    let flaw = if expected == INTERRUPTED { None } else { flaw(came) };
    flaw.or_else(|| other_than(expected, came, keys))
}

/// Does the text hold this, and not as a part of a longer word or number?
fn holds(text: &str, what: &str) -> bool {
    let is_open = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(what)
        .any(|(at, _)| is_open(text[..at].chars().next_back()) && is_open(text[at + what.len()..].chars().next()))
}

/// One image in a message: the line that names it, what is told of it, and what helps.
struct Block<'m> {
    header: &'m str,
    told: Vec<&'m str>,
    help: Vec<&'m str>,
}

impl<'m> Block<'m> {
    fn new(header: &'m str) -> Self {
        Self { header, told: Vec::new(), help: Vec::new() }
    }

    fn add(&mut self, line: &'m str) {
        match line.split_once(": ") {
            Some(("help", _)) => self.help.push(line),
            Some(("note", _)) => {}
            _ => self.told.push(line),
        }
    }
}

/// The images of a message. What is denied as a whole is one without a header.
fn blocks(message: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for line in message.lines().skip(1) {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(line), Some(block)) => block.add(line),
            _ => {
                let line = line.strip_prefix("  ").unwrap_or(line);
                let mut block = Block::new(line);
                if line.starts_with("help: ") {
                    block.header = "";
                    block.add(line);
                }
                blocks.push(block);
            }
        }
    }
    blocks
}

/// What a message says is wrong, without names of images and without what helps.
pub(crate) fn explanation(message: &str) -> Vec<&str> {
    blocks(message).into_iter().flat_map(|block| block.told).collect()
}

/// What is wrong with a message or a warning, whatever it is about: it leaks, it takes one failure for another, or it has not the form of a denial.
pub(crate) fn flaw(came: &Evaluation) -> Option<String> {
    let warnings = came.response.warnings.iter().flatten().map(String::as_str);
    let leaks = [message(came)].into_iter().chain(warnings).find_map(leak);
    if leaks.is_some() || came.response.allowed {
        return leaks;
    }
    let code = came.response.status.as_ref().and_then(|status| status.code).unwrap_or_default();
    let records = came.response.audit_annotations.iter().flat_map(|records| records.values());
    let records: Vec<Value> = records.filter_map(|record| serde_json::from_str(record).ok()).collect();
    taken_for_another(code, message(came))
        .or_else(|| malformed(message(came), &records).map(|what| format!("{what}: {:?}", message(came))))
}

fn leak(text: &str) -> Option<String> {
    RAW.iter().find(|raw| text.contains(**raw)).map(|raw| format!("says {raw:?}: {text}"))
}

fn taken_for_another(code: u16, message: &str) -> Option<String> {
    let others = OTHERS_WORDS.iter().filter(|(of, _)| *of == code).flat_map(|(_, words)| *words);
    let lines: Vec<&str> = message.lines().take(1).chain(explanation(message)).collect();
    let said = others.into_iter().find(|words| lines.iter().any(|line| line.contains(**words)));
    said.map(|words| format!("{code} must not say {words:?}: {message}"))
}

/// How a message that is shown in full differs from the form of a denial, where these are its records.
fn malformed(message: &str, records: &[Value]) -> Option<&'static str> {
    let first = message.lines().next().unwrap_or_default();
    if !first.starts_with("image-trust denied ") || first.ends_with([':', ',', ';']) {
        return Some("the first line is not complete on its own");
    }
    if first.len() > MAX_FIRST_LINE {
        return Some("the first line is too long");
    }
    if message.contains("\\n") || message.contains('\r') || message.lines().any(|line| line.trim_end() != line) {
        return Some("the lines are not plain lines");
    }
    let denied: Vec<&Value> = records.iter().filter(|record| record["verdict"] == "denied").collect();
    let blocks = blocks(message);
    // What follows the denials has one line only.
    let is_denial = |block: &&Block<'_>| block.header.is_empty() || !block.told.is_empty() || !block.help.is_empty();
    let told: Vec<&Block<'_>> = blocks.iter().filter(is_denial).collect();
    if told.iter().any(|block| block.help.len() != 1) {
        return Some("there is not one line of help for each image");
    }
    // Beyond a length the rest is only counted.
    let rest = blocks.last().and_then(|last| last.header.strip_prefix("and ")?.strip_suffix(" more")?.parse().ok());
    if told.len() + rest.unwrap_or(0_usize) != denied.len() {
        return Some("it does not tell of every image that is denied");
    }
    let is_told = |record: &&Value| {
        let Some(image) = record["image"].as_str() else { return true };
        let header = match record["digest"].as_str().filter(|_| !image.contains('@')) {
            Some(digest) => format!(": {image} ({digest})"),
            None => format!(": {image}"),
        };
        told.iter().any(|block| block.header.ends_with(&header))
    };
    if rest.is_none() && !denied.iter().all(is_told) {
        return Some("it does not name the image and the digest that was judged");
    }
    let is_digest = |digest: &Value| digest.as_str().is_some_and(|digest| digest.len() == "sha256:".len() + 64);
    let unsigned = denied.iter().filter(|record| record["reason"] == "not-signed");
    unsigned
        .into_iter()
        .any(|record| !is_digest(&record["digest"]))
        .then_some("the record has no digest of what is not signed")
}

#[test]
fn malformed_messages_are_noticed() {
    let record = |image: &str, digest: &str| json!({"verdict": "denied", "image": image, "digest": digest});
    let one = [record("a:1", "D")];
    let two = [record("a:1", "D"), json!({"verdict": "proven"}), record("b@D", "D")];
    let unsigned = [json!({"verdict": "denied", "image": "a:1", "reason": "not-signed"})];
    let whole = [json!({"verdict": "denied", "image": null})];
    let long = format!("image-trust denied Pod {:?}: 1 of 1 image\n  c: a:1 (D)\n    x\n    help: y", "x".repeat(250));
    // the records, the message, whether it has the form of a denial, the reason
    #[rustfmt::skip]
    let rows: &[(&[Value], &str, bool, &str)] = &[
        (&one, "image-trust denied Pod: 1 of 1 image\n  c: a:1 (D)\n    x\n    help: y\n    note: z", true, "one image"),
        (&two, "image-trust denied Pod: 2 of 3 images\n  c: a:1 (D)\n    x\n    help: y\n  d: b@D\n    x\n    help: y", true, "two"),
        (&two, "image-trust denied Pod: 2 of 3 images\n  c: a:1 (D)\n    x\n    help: y\n  and 1 more", true, "and one that is counted"),
        (&one, "image-trust denied Pod: 1 of 1 image\n  c: a:1 (D)\n    x\n    help: y\n  decided in time: b", true, "a last line"),
        (&whole, "image-trust denied Pod: it cannot be read\n  help: y", true, "no image"),
        (&one, "denied Pod: 1 of 1 image\n  c: a:1 (D)\n    x\n    help: y", false, "another beginning"),
        (&one, "image-trust denied Pod:\n  c: a:1 (D)\n    x\n    help: y", false, "a first line that goes on"),
        (&one, &long, false, "a long one"),
        (&one, "image-trust denied Pod: 1 of 1 image\\n  c: a:1 (D)\\n    x", false, "breaks as escapes"),
        (&one, "image-trust denied Pod: 1 of 1 image\n  c: a:1 (D)\n    x", false, "no help"),
        (&one, "image-trust denied Pod: 1 of 1 image\n  c: a:1 (D)\n    x\n    help: y\n    help: z", false, "twice help"),
        (&whole, "image-trust denied Pod: it cannot be read", false, "no help for no image"),
        (&two, "image-trust denied Pod: 2 of 3 images\n  c: a:1 (D)\n    x\n    help: y", false, "one is not told"),
        (&one, "image-trust denied Pod: 1 of 1 image\n  c: b:1 (D)\n    x\n    help: y", false, "another image"),
        (&one, "image-trust denied Pod: 1 of 1 image\n  c: a:1\n    x\n    help: y", false, "no digest"),
        (&unsigned, "image-trust denied Pod: 1 of 1 image\n  c: a:1\n    x\n    help: y", false, "no digest in the record"),
    ];
    for (records, message, is_well_formed, why) in rows {
        assert_eq!(malformed(message, records).is_none(), *is_well_formed, "{why}: {:?}", malformed(message, records));
    }
    let told = |text: &str| {
        format!("image-trust denied Pod: 1 of 1 image\n  c: a:1\n    {text}\n    help: if it is not signed, sign it")
    };
    // the code, what is told, whether it is another failure's words
    for (code, text, is_anothers) in [
        (403, "could not tell whether it is signed", true),
        (403, "not signed", false),
        (503, "not signed", true),
        (503, "could not tell whether it is signed", false),
        (504, "not signed", true),
        (504, "not decided", false),
    ] {
        assert_eq!(taken_for_another(code, &told(text)).is_some(), is_anothers, "{code}: {text}");
    }
    assert!(leak("a Callback evaluation failure").is_some() && leak("a").is_none());
}
