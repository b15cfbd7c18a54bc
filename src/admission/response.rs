//! What does the host hear of a verdict?
//!
//! The answer to `validate` as Kubewarden's hosts read it. Detection mode softens denials here, at the very end, so that nothing before knows of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{Request, RequestError, patched};
use crate::{
    policy::Features,
    proof::{Shortfall, Unproven},
    shown::Shown,
    verdict::{Class, Denial, Denials, Grounds, Reason, Record, Review, Verdict},
};

/// Longest warning, in bytes: Kubernetes cuts longer ones at 256.
const MAX_WARNING: usize = 256;
/// Most bytes of all warnings together, of which the API server drops what is over 4 KB.
const MAX_WARNINGS: usize = 4_096;

/// Most bytes of the denials in a message; whoever makes the object decides how many there are.
const MAX_MESSAGE: usize = 32_768;

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
        deny(&Denials::one(Denial::of_object(reason)), "the request")
    }

    /// Adds the records; what was to be pinned counts only where it was `written`.
    fn with_records(self, records: &[Record], written: bool) -> Response {
        let audit = |(i, record): (usize, &Record)| (format!("image-{i}"), audit(record, written).to_string());
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
    let response = decide(&subject(request), &review, features);
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
    decide("the request", &review, features).with_records(&review.records, false)
}

fn decide(subject: &str, review: &Review, features: &Features) -> Response {
    let mut log: Vec<_> = review.log.iter().map(|line| (Level::Warning, line.clone())).collect();
    let response = match &review.verdict {
        Verdict::Admit => Response { warnings: bounded(review.warnings.clone()), ..Response::of(true) },
        Verdict::Deny(denials) => match softening(denials, review, features) {
            Some(why) => {
                log.push((Level::Error, format!("not denied: {why}: {subject}: {}", list(denials))));
                let soft = denials.iter().map(|denial| format!("not denied: {why}: {}", denial.as_warning()));
                Response { warnings: bounded(soft.chain(review.warnings.clone()).collect()), ..Response::of(true) }
            }
            None => {
                let in_time = in_time(denials, &review.records).unwrap_or_default();
                let response = deny(denials, subject);
                Response { message: response.message.map(|message| message + &in_time), ..response }
            }
        },
    };
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
fn deny(denials: &Denials, subject: &str) -> Response {
    let message = format!("image-trust denied {subject}: {}", list(denials));
    let warnings = denials.iter().map(|denial| format!("image-trust refuses: {}", denial.as_warning()));
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
fn list(denials: &Denials) -> String {
    if denials.len() == 1 {
        return denials.iter().map(Denial::to_string).collect();
    }
    let mut listed = String::new();
    for (denial, n) in denials.iter().zip(1..) {
        let denial = format!("({n}) {denial} ");
        if listed.len() + denial.len() > MAX_MESSAGE {
            return format!("{listed}And {} more, in the audit record.", denials.len() - (n - 1));
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
fn audit(record: &Record, written: bool) -> Value {
    let mut fields = json!({
        "image": record.image.as_deref().map(|image| Shown(image).to_string()),
        "slots": record.slots,
        "hostCalls": record.host_calls,
        "pinned": if written { record.pinned } else { 0 },
        "verdict": record.outcome.as_ref().map_or("denied", Grounds::word),
    });
    let mut add = |key: &str, value: Value| fields[key] = value;
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
        Unproven::NotFound | Unproven::Disagreement { .. } | Unproven::OutOfTime { .. } => {}
    }
}

fn shown(names: &[String]) -> Value {
    names.iter().map(|name| Shown(name).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
