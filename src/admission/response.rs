//! What does the host hear of a verdict?
//!
//! The answer to `validate` as Kubewarden's hosts read it. Detection mode softens denials here, at the very end, so that nothing before knows of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::{Request, RequestError, patched};
use crate::{
    policy::Features,
    proof::{Shortfall, Unproven},
    shown::Shown,
    verdict::{Class, Denial, Denials, Grounds, Reason, Record, Review, Telling, Verdict},
};

/// Longest warning, in bytes: Kubernetes cuts longer ones at 256.
const MAX_WARNING: usize = 256;
/// Most bytes of all warnings together, of which the API server drops what is over 4 KB.
const MAX_WARNINGS: usize = 4_096;

/// Most bytes of the denials in a message; whoever makes the object decides how many there are.
const MAX_MESSAGE: usize = 32_768;

/// Most bytes of a list in the record of one image; settings and object decide how many entries there are, and how long they are.
const MAX_LIST: usize = 1_024;
/// Most bytes of whole records in one response. Those that come after have no more than [`BRIEF`] of them.
const MAX_RECORDS: usize = 65_536;
/// What every record keeps.
const BRIEF: [&str; 6] = ["image", "verdict", "reason", "digest", "pinned", "hostCalls"];

/// The member of a record that names what was cut in it.
const CUT: &str = "cut";

/// Most images that are named as decided in time.
const MAX_IN_TIME: usize = 10;

/// The answer to a request, in the host's words.
#[derive(Debug, Serialize)]
pub struct Response {
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutated_object: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// For the log, not for the host's answer.
    #[serde(skip)]
    log: Vec<(Level, String)>,
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something would have been denied.
    Error,
    /// The host said why it did not say yes.
    Warning,
}

impl Response {
    /// What belongs into the log.
    #[must_use]
    pub fn log(&self) -> &[(Level, String)] {
        &self.log
    }

    /// Refuses what can't be reviewed at all, because the settings or this program are at fault.
    #[must_use]
    pub fn refusal(reason: Reason) -> Response {
        deny(&Denials::one(Denial::of_object(reason)), "the request", Telling::All)
    }

    /// Adds the records; what was to be pinned counts only where it was `written`.
    fn with_records(self, records: &[Record], written: bool) -> Response {
        let mut bytes = 0;
        let audit = |(i, record): (usize, &Record)| {
            let fields = shortened(audit(record, written));
            let text = fields.to_string();
            bytes += text.len();
            (format!("image-{i}"), if bytes > MAX_RECORDS { brief(fields).to_string() } else { text })
        };
        Response { audit_annotations: records.iter().enumerate().map(audit).collect(), ..self }
    }

    fn of(accepted: bool) -> Response {
        Response {
            accepted,
            message: None,
            code: None,
            mutated_object: None,
            audit_annotations: BTreeMap::new(),
            warnings: Vec::new(),
            log: Vec::new(),
        }
    }
}

/// Puts a review of `request` into the host's words.
#[must_use]
pub fn respond(request: &Request<'_>, review: Review, features: &Features) -> Response {
    let telling = Telling::new(features.disclosure(), request.uid.as_deref());
    let response = decide(&subject(request), &review, features, telling);
    if !response.accepted || review.pins.is_empty() {
        return response.with_records(&review.records, false);
    }
    match request.object.and_then(|object| patched(object, &review.pins)) {
        Some(object) => Response { mutated_object: Some(object), ..response }.with_records(&review.records, true),
        None => Response::refusal(Reason::Fault("the proven digests could not be written into the object")),
    }
}

/// Answers a request that can't be read, which detection mode softens like every other denial.
#[must_use]
pub fn respond_unread(error: RequestError, features: &Features) -> Response {
    let review = Review::refusal(Reason::Request(error));
    decide("the request", &review, features, Telling::new(features.disclosure(), None))
        .with_records(&review.records, false)
}

fn decide(subject: &str, review: &Review, features: &Features, telling: Telling<'_>) -> Response {
    let mut log: Vec<_> = review.log.iter().map(|line| (Level::Warning, line.clone())).collect();
    // What the user is not told is told in the log.
    let untold = telling.reference();
    let note = |what: String| untold.is_some().then_some((Level::Warning, what));
    log.extend(review.warnings.iter().filter_map(|warning| note(warning.to_string())));
    let warnings = || review.warnings.iter().map(|warning| warning.told(telling));
    let response = match &review.verdict {
        Verdict::Admit => Response { warnings: bounded(warnings().collect()), ..Response::of(true) },
        Verdict::Deny(denials) => {
            log.extend(denials.iter().filter_map(|denial| note(format!("{subject}: {}", denial.told(Telling::All)))));
            match softening(denials, review, features) {
                Some(why) => {
                    log.push((Level::Error, format!("not denied: {why}: {subject}: {}", list(denials, Telling::All))));
                    let soft =
                        denials.iter().map(|denial| format!("not denied: {why}: {}", denial.as_warning(telling)));
                    Response { warnings: bounded(soft.chain(warnings()).collect()), ..Response::of(true) }
                }
                None => {
                    let response = deny(denials, subject, telling);
                    let in_time = in_time(denials, &review.records).unwrap_or_default();
                    let more = match &untold {
                        None => in_time,
                        Some(reference) => {
                            log.extend((!in_time.is_empty()).then(|| (Level::Warning, in_time.trim().to_owned())));
                            format!(" The audit record and the log of {reference} have the details.")
                        }
                    };
                    Response { message: response.message.map(|message| message + &more), ..response }
                }
            }
        }
    };
    // The user has the reference, and it finds the lines.
    let found_by = |line: String| untold.iter().map(|reference| format!("{reference}: ")).chain([line]).collect();
    let log = log.into_iter().map(|(level, line)| (level, found_by(line))).collect();
    Response { log, ..response }
}

/// Why these denials are told, and not enforced.
fn softening(denials: &Denials, review: &Review, features: &Features) -> Option<&'static str> {
    // Settings that can't be used, and our own faults, are not the image's: they stay denials.
    if denials.iter().any(|denial| denial.reason.class() == Class::Fault) {
        return None;
    }
    // The Pods will be decided themselves; but an object that can't be read tells nobody which Pods will come of it.
    if !review.enforced && denials.iter().all(|denial| denial.image.is_some()) {
        return Some("only Pods are (resourceValidationMode)");
    }
    features.detection_mode().then_some("detection mode")
}

/// A denial warns, too: in Kubewarden's monitor mode, of which a policy is not told, nothing else of it reaches the user.
fn deny(denials: &Denials, subject: &str, telling: Telling<'_>) -> Response {
    let message = format!("image-trust denied {subject}: {}", list(denials, telling));
    let warnings = denials.iter().map(|denial| format!("image-trust refuses: {}", denial.as_warning(telling)));
    Response {
        code: Some(denials.class().code()),
        message: Some(message),
        warnings: bounded(warnings.collect()),
        ..Response::of(false)
    }
}

/// What was admitted before the time was up, where it was: whoever reads it knows how far one try gets.
fn in_time(denials: &Denials, records: &[Record]) -> Option<String> {
    denials.iter().find(|denial| denial.reason.class() == Class::OutOfTime)?;
    let decided = |record: &Record| {
        let grounds = record.outcome.as_ref().ok()?;
        Some(format!("{} ({})", Shown(record.image.as_deref()?), grounds.word()))
    };
    let decided: Vec<String> = records.iter().filter_map(decided).collect();
    let more = decided.len().saturating_sub(MAX_IN_TIME);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = decided.get(..MAX_IN_TIME).unwrap_or(&decided).join(", ");
    (!named.is_empty()).then(|| format!(" Decided in time: {named}{more}."))
}

/// The object that a request is about, in words.
fn subject(request: &Request<'_>) -> String {
    let name = request.name();
    let within =
        request.namespace().map(|namespace| format!(" in namespace \"{}\"", Shown(namespace))).unwrap_or_default();
    format!("{} \"{}\"{within}", Shown(&request.kind), Shown(&name))
}

/// All denials, or as many as there is room for; numbered where there are several.
fn list(denials: &Denials, telling: Telling<'_>) -> String {
    if denials.len() == 1 {
        return denials.iter().map(|denial| denial.told(telling)).collect();
    }
    let mut listed = String::new();
    for (denial, n) in denials.iter().zip(1..) {
        let denial = format!("({n}) {} ", denial.told(telling));
        if listed.len() + denial.len() > MAX_MESSAGE {
            return format!("{listed}And {} more.", denials.len() - (n - 1));
        }
        listed.push_str(&denial);
    }
    listed.trim_end().to_owned()
}

/// Cuts every warning, and the list, to what the API server passes on; the last one then counts the rest.
fn bounded(warnings: Vec<String>) -> Vec<String> {
    let all = warnings.len();
    let mut kept: Vec<String> = Vec::new();
    let mut bytes = 0;
    for warning in warnings {
        let warning = cut(warning);
        bytes += warning.len();
        // Room for the line that counts the rest.
        if bytes > MAX_WARNINGS - MAX_WARNING {
            break;
        }
        kept.push(warning);
    }
    match all - kept.len() {
        0 => {}
        rest => kept.push(format!("image-trust: warnings that are not shown: {rest}")),
    }
    kept
}

fn cut(mut warning: String) -> String {
    if warning.len() > MAX_WARNING {
        let end = (0..=MAX_WARNING - '…'.len_utf8()).rev().find(|end| warning.is_char_boundary(*end)).unwrap_or(0);
        warning.truncate(end);
        warning.push('…');
    }
    warning
}

/// The machine-readable record of one image (`docs/audit.md`).
fn audit(record: &Record, written: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    add("image", record.image.as_deref().map(|image| Shown(image).to_string()).into());
    add("slots", record.slots.clone().into());
    add("hostCalls", record.host_calls.into());
    add("pinned", if written { record.pinned } else { 0 }.into());
    add("verdict", record.outcome.as_ref().map_or("denied", Grounds::word).into());
    if let Some((pattern, validator)) = &record.rule {
        add("rule", Shown(pattern).to_string().into());
        add("validator", Shown(validator).to_string().into());
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
        Ok(Grounds::Proven(verified)) => {
            add("digest", verified.digest().to_string().into());
            if let Some(index) = verified.index() {
                add("index", index.to_string().into());
            }
            add("evidence", verified.provers().iter().map(|prover| prover.word()).collect());
            Some(verified.tally())
        }
        Err(reason) => {
            add("reason", reason.word().into());
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
                    add("otherRule", Shown(other).to_string().into());
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
        let mut bytes = 0;
        let mut fits = |entry: &Value| {
            bytes += entry.as_str().map_or(0, str::len);
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
        Unproven::NotSigned { shortfall, .. } => {
            add("cause", shortfall.word().into());
            if let Shortfall::Signed { lacks, .. } = shortfall.as_ref() {
                let lacks = lacks.iter().map(|(root, lack)| (Shown(root).to_string(), Value::from(lack.word())));
                add("lacks", Value::Object(lacks.collect()));
            }
        }
        Unproven::Undecided { cause, .. } => add("cause", cause.word().into()),
        Unproven::NotFound | Unproven::Disagreement { .. } | Unproven::Spent { .. } => {}
    }
}

fn shown(names: &[String]) -> Value {
    names.iter().map(|name| Shown(name).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_a_length() {
        let name = |kind: &str, n: usize| format!("{kind}-{n}-{}", "x".repeat(250));
        let record = |slots: usize| Record {
            image: Some(name("ghcr.io/acme/app:", 0)),
            slots: (0..slots).map(|n| format!("containers/c{n:06}-{}", "x".repeat(80))).collect(),
            rule: Some((name("ghcr.io/acme/*", 0), name("validator", 0))),
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
            let response = Response::of(false).with_records(&records, false);
            let texts: Vec<&String> = response.audit_annotations.values().collect();
            assert_eq!(texts.len(), records.len(), "{why}: every image has its record");
            assert!(texts.iter().map(|text| text.len()).sum::<usize>() <= 2 * MAX_RECORDS, "{why}");
            let last: Value =
                serde_json::from_str(&response.audit_annotations[&format!("image-{}", records.len() - 1)]).unwrap();
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

    #[test]
    fn warnings_fit_what_the_api_server_passes_on() {
        let rows: &[(Vec<String>, usize, &str)] = &[
            (vec![], 0, "none"),
            (vec!["a".into(), "b".into()], 2, "short ones stay"),
            (vec!["é".repeat(200)], 1, "a long one is cut between characters"),
            (vec!["x".repeat(300); 100], 16, "many are counted"),
        ];
        for (warnings, expected, why) in rows {
            let kept = bounded(warnings.clone());
            assert_eq!(kept.len(), *expected, "{why}");
            assert!(kept.iter().all(|warning| warning.len() <= MAX_WARNING), "{why}");
            assert!(kept.iter().map(String::len).sum::<usize>() <= MAX_WARNINGS, "{why}");
        }
        let many = bounded(vec!["x".repeat(300); 100]);
        assert_eq!(many.last().map(String::as_str), Some("image-trust: warnings that are not shown: 85"));
    }
}
