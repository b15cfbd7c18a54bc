//! What is recorded of an image, for programs?
//!
//! The audit record (`docs/reference/audit.md`): one JSON object an image, with bounds, because settings and object decide how long lists are.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    evidence::Source,
    explain::{Instead, NotSigned, Unproven},
    ordered::{map, set},
    text::Shown,
    verdict::{Grounds, Reason, Record, Waiver},
    verify::{Attested, NotAttested},
};

/// Most bytes of a list in the record of one image; settings and object decide how many entries there are, and how long they are.
const MAX_LIST: usize = 1_024;
/// Most bytes of whole records in one response. Those that come after have no more than [`BRIEF`] of them.
const MAX_RECORDS: usize = 65_536;
/// The fields that every record keeps, however short it has to be.
const BRIEF: [&str; 6] = ["image", "verdict", "reason", "digest", "pinned", "hostCalls"];

/// The member of a record that names what was cut in it.
const CUT: &str = "cut";

/// The records as audit annotations. What was to be pinned counts only where it was `written`.
pub(super) fn annotations(records: &[Record], written: bool) -> BTreeMap<String, String> {
    let mut bytes = 0_usize;
    let annotation = |(i, record): (usize, &Record)| {
        let fields = shortened(audit(record, written));
        let text = fields.to_string();
        bytes = bytes.saturating_add(text.len());
        (format!("image-{i}"), if bytes > MAX_RECORDS { brief(fields).to_string() } else { text })
    };
    map(records.iter().enumerate().map(annotation))
}

impl Source {
    /// The source as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Source::SignatureManifest => "signatureManifest",
            Source::EvidenceManifest => "evidenceManifest",
            Source::PolicyServer => "host",
        }
    }
}

/// The machine-readable record of one image (`docs/reference/audit.md`).
fn audit(record: &Record, written: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    add("image", record.image.as_deref().map(|image| Shown(image).to_string()).into());
    add("slots", record.slots.clone().into());
    add("hostCalls", record.host_calls.into());
    add("pinned", if written { record.pinned } else { 0 }.into());
    add("verdict", record.outcome.as_ref().map_or("denied", Grounds::word).into());
    if let Some((pattern, validator)) = &record.rule {
        add("rule", Shown(&pattern.0).to_string().into());
        add("validator", Shown(&validator.0).to_string().into());
    }
    let tally = match &record.outcome {
        Ok(Grounds::Allowed) => None,
        Ok(Grounds::Approved(approval)) => {
            add("approval", approval.to_string().into());
            None
        }
        Ok(Grounds::Carried(carried)) => {
            add("approval", carried.to_string().into());
            add("digest", carried.digest().to_string().into());
            None
        }
        Ok(Grounds::Waived { by, reason }) => {
            add("reason", reason.word().into());
            if let Some(digest) = reason.digest() {
                add("digest", digest.to_string().into());
            }
            let (key, who) = match by {
                Waiver::Exception(exception) => ("exception", ("until", exception.until().to_string())),
                Waiver::BreakGlass(by) => ("breakGlass", ("user", Shown(by.user()).to_string())),
            };
            let why = match by {
                Waiver::Exception(exception) => exception.reason(),
                Waiver::BreakGlass(by) => by.reason(),
            };
            add(key, json!({who.0: who.1, "reason": Shown(why).to_string()}));
            None
        }
        Ok(Grounds::Proven(verified)) => {
            add("digest", verified.digest().to_string().into());
            if let Some(index) = verified.index() {
                add("index", index.to_string().into());
            }
            add("evidence", verified.sources().iter().map(|source| source.word()).collect());
            if let Some(expiry) = verified.expiry() {
                add("expires", expiry.at.to_string().into());
            }
            let attested: Vec<String> = verified.attested().iter().map(Attested::recorded).collect();
            if !attested.is_empty() {
                add("attestations", shown(&attested));
            }
            if !verified.logged().is_empty() {
                let words = verified.logged().iter().map(|(_, error)| error.word());
                add("notProven", shown(&set(words).into_iter().collect::<Vec<_>>()));
            }
            Some(verified.tally())
        }
        Err(reason) => {
            add("reason", reason.word().into());
            if let Some(digest) = reason.digest() {
                add("digest", digest.to_string().into());
            }
            let mut decisive = reason;
            let other = match reason {
                Reason::AfterPinning { other, reason, .. } => Some((Some(other), reason)),
                Reason::ByIndex { index, other, reason } => {
                    add("index", index.to_string().into());
                    Some((other.as_ref(), reason))
                }
                _ => None,
            };
            if let Some((other, reason)) = other {
                if let Some(other) = other {
                    add("otherRule", Shown(&other.0).to_string().into());
                }
                add("otherReason", reason.word().into());
                decisive = reason;
            }
            match decisive {
                Reason::Unproven(unproven) => {
                    why(unproven, &mut add);
                    unproven.tally()
                }
                _ => None,
            }
        }
    };
    if let Some(tally) = tally {
        add("signers", shown(&tally.signed));
        add("missing", shown(&tally.missing));
        if !tally.shared.is_empty() {
            add("shared", shown(&tally.shared));
        }
        add("undecided", shown(&tally.undecided));
        add("notAsked", shown(&tally.not_asked));
        add("required", shown(&tally.required));
        add("needed", tally.needed.into());
    }
    fields
}

/// A record whose lists are no longer than is told.
fn shortened(mut fields: Map<String, Value>) -> Value {
    let mut cut = Vec::new();
    for (key, value) in &mut fields {
        let Value::Array(entries) = value else { continue };
        let mut bytes = 0_usize;
        let mut fits = |entry: &Value| {
            bytes = entry.as_str().map_or(0, str::len).saturating_add(bytes);
            bytes <= MAX_LIST
        };
        let kept = entries.iter().take_while(|entry| fits(entry)).count();
        if kept < entries.len() {
            entries.truncate(kept);
            cut.push(key.clone());
        }
    }
    with_cut(fields, cut)
}

/// A record without all that can be long.
fn brief(fields: Value) -> Value {
    let Value::Object(fields) = fields else { return fields };
    let (kept, left): (Map<_, _>, Map<_, _>) = fields.into_iter().partition(|(key, _)| BRIEF.contains(&key.as_str()));
    with_cut(kept, left.into_iter().map(|(key, _)| key).filter(|key| key != CUT).collect())
}

/// A record with the names of what was cut in it.
fn with_cut(mut fields: Map<String, Value>, cut: Vec<String>) -> Value {
    if !cut.is_empty() {
        fields.insert(CUT.to_owned(), cut.into());
    }
    Value::Object(fields)
}

/// Adds what was there in place of a proof.
fn why(unproven: &Unproven, add: &mut impl FnMut(&str, Value)) {
    match unproven {
        Unproven::NotSigned(NotSigned { instead, .. }) => {
            add("cause", instead.word().into());
            if let Instead::Signed { missing, .. } = instead.as_ref() {
                let lacks = missing.iter().map(|(root, why)| (Shown(&root.0).to_string(), Value::from(why.word())));
                add("lacks", Value::Object(lacks.collect()));
            }
        }
        Unproven::NotAttested(NotAttested { missing, .. }) => {
            if let Some(first) = missing.first() {
                add("cause", first.lack.word().into());
            }
            let lacks =
                missing.iter().map(|missing| missing.predicate_types.iter().cloned().collect::<Vec<_>>().join(" or "));
            add("missingAttestations", shown(&set(lacks).into_iter().collect::<Vec<_>>()));
        }
        Unproven::Undecided { cause, .. } => add("cause", cause.word().into()),
        Unproven::NotFound | Unproven::Disagreement { .. } | Unproven::Spent { .. } => {}
    }
}

fn shown(names: &[impl AsRef<str>]) -> Value {
    names.iter().map(|name| Shown(name.as_ref()).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{RulePattern, ValidatorName};

    #[test]
    fn records_have_a_length() {
        let name = |kind: &str, n: usize| format!("{kind}-{n}-{}", "x".repeat(250));
        let record = |slots: usize| Record {
            image: Some(name("ghcr.io/acme/app:", 0)),
            slots: (0..slots).map(|n| format!("containers/c{n:06}-{}", "x".repeat(80))).collect(),
            rule: Some((RulePattern(name("ghcr.io/acme/*", 0)), ValidatorName(name("validator", 0)))),
            outcome: Err(Reason::Rule),
            host_calls: 7,
            pinned: 0,
        };
        // records, slots of each, what is cut in the last one, the reason
        let all = &["rule", "slots", "validator"][..];
        let rows: &[(usize, usize, &[&str], &str)] = &[
            (1, 1, &[], "a usual record"),
            (1, 10, &[], "as long a list as is told"),
            (1, 11, &["slots"], "a longer one"),
            (1, 1_000, &["slots"], "as many slots as an object can have"),
            (10, 10, &[], "several, short enough together"),
            (100, 10, all, "as many images as a request can have"),
        ];
        for (records, slots, cut, why) in rows {
            let records: Vec<Record> = (0..*records).map(|_| record(*slots)).collect();
            let annotations = annotations(&records, false);
            let texts: Vec<&String> = annotations.values().collect();
            assert_eq!(texts.len(), records.len(), "{why}: every image has its record");
            assert!(texts.iter().map(|text| text.len()).sum::<usize>() <= 2 * MAX_RECORDS, "{why}");
            let last: Value = serde_json::from_str(&annotations[&format!("image-{}", records.len() - 1)]).unwrap();
            let told = last["cut"].as_array().cloned().unwrap_or_default();
            assert_eq!(told, cut.to_vec(), "{why}");
            assert_eq!(
                (&last["verdict"], &last["reason"], &last["hostCalls"]),
                (&"denied".into(), &"denied-by-rule".into(), &7.into()),
                "{why}"
            );
            assert_eq!(
                last["slots"].as_array().map(Vec::len),
                (!cut.contains(&"rule")).then_some(10.min(*slots)),
                "{why}"
            );
        }
    }
}
