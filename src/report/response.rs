//! What does the host hear of a verdict?
//!
//! The answer to `validate` as Kubewarden's hosts read it. Detection mode softens denials here, at the very end, so that nothing before knows of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    denial::{block, line, lines, message, subject},
    disclosure::Disclosed,
    record::annotations,
    warning::bounded,
};
use crate::{
    kubernetes::{Request, RequestError, patched},
    policy::Features,
    text::Shown,
    verdict::{Class, Denials, Fault, Reason, Record, Review, Verdict, Warning},
};

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
    /// The lines for the log, which are no part of the policy's answer.
    #[serde(skip)]
    log: Vec<(Level, String)>,
}

/// The level of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// An image or an object would have been denied.
    Error,
    /// The host said why it did not say yes.
    Warning,
}

impl Response {
    /// The lines that belong into the log.
    #[must_use]
    pub fn log(&self) -> &[(Level, String)] {
        &self.log
    }

    /// Refuses what can't be reviewed at all, because the settings or this program are at fault.
    #[must_use]
    pub fn refusal(reason: Reason) -> Response {
        deny(&Denials::of_object(reason), "the request", 0, Disclosed::All)
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
    let disclosed = Disclosed::new(features.disclosure(), request.uid.as_deref());
    let subject = subject(&request.kind, &request.name(), request.namespace());
    let response = decide(&subject, request.namespace(), &review, features, disclosed);
    if !response.accepted || review.pins.is_empty() {
        return Response { audit_annotations: annotations(&review.records, false), ..response };
    }
    match request.object.and_then(|object| patched(object, &review.pins)) {
        Some(object) => {
            Response { mutated_object: Some(object), audit_annotations: annotations(&review.records, true), ..response }
        }
        None => Response::refusal(Reason::Fault(Fault::NotWritten)),
    }
}

/// Answers a request that can't be read, which detection mode softens like every other denial.
#[must_use]
pub fn respond_unread(error: RequestError, features: &Features) -> Response {
    let review = Review::refusal(Reason::Request(error));
    let response = decide("the request", None, &review, features, Disclosed::new(features.disclosure(), None));
    Response { audit_annotations: annotations(&review.records, false), ..response }
}

fn decide(
    subject: &str,
    namespace: Option<&str>,
    review: &Review,
    features: &Features,
    disclosed: Disclosed<'_>,
) -> Response {
    let warnings = || review.warnings.iter().map(|warning| warning.told(disclosed));
    let response = match &review.verdict {
        Verdict::Admit => Response { warnings: bounded(warnings().collect()), ..Response::of(true) },
        Verdict::Deny(denials) => match softening(denials, review, features) {
            Some(why) => {
                let soft = denials.iter().map(|denial| format!("not denied: {why}: {}", line(denial, disclosed)));
                Response { warnings: bounded(soft.chain(warnings()).collect()), ..Response::of(true) }
            }
            None => {
                let response = deny(denials, subject, review.images, disclosed);
                let no_effect = review.no_effect.as_ref().map(|why| block(&why.told(namespace)));
                let more = match disclosed.reference() {
                    None => in_time(denials, &review.records).map(|decided| format!("\n  {decided}")),
                    Some(reference) => {
                        Some(format!("\n  the audit record and the log of {reference} have the details"))
                    }
                };
                let more = no_effect.into_iter().chain(more).collect::<String>();
                let message = response.message.map(|message| message + &more);
                Response { message, ..response }
            }
        },
    };
    Response { log: log(subject, review, features, disclosed, response.accepted), ..response }
}

/// What belongs into the log: what the host said, what was not denied, and what the user was not shown.
fn log(
    subject: &str,
    review: &Review,
    features: &Features,
    disclosed: Disclosed<'_>,
    accepted: bool,
) -> Vec<(Level, String)> {
    let reference = disclosed.reference();
    let mut log: Vec<_> = review.log.iter().map(|line| (Level::Warning, line.clone())).collect();
    // Whoever watches the log has to see each of them, whatever users are shown. Nothing that somebody else wrote has such a sign in the log, because all but printable ASCII is escaped there.
    let is_stored = accepted && !review.dry_run;
    let waived = review.warnings.iter().filter(|_| is_stored).filter_map(|warning| match warning {
        Warning::Waived { by, .. } => Some((by, warning.told(Disclosed::All))),
        _ => None,
    });
    log.extend(waived.map(|(by, told)| (Level::Error, format!("⚠ {}: {subject}: {told}", by.word()))));
    if reference.is_some() {
        log.extend(review.warnings.iter().map(|warning| (Level::Warning, warning.told(Disclosed::All))));
    }
    if let Verdict::Deny(denials) = &review.verdict {
        if reference.is_some() {
            let untold = denials.iter().map(|denial| format!("{subject}: {}", line(denial, Disclosed::All)));
            log.extend(untold.map(|line| (Level::Warning, line)));
        }
        match softening(denials, review, features) {
            Some(why) => log.push((Level::Error, format!("not denied: {why}: {subject}: {}", lines(denials)))),
            None if reference.is_some() => {
                log.extend(in_time(denials, &review.records).map(|decided| (Level::Warning, decided)));
            }
            None => {}
        }
    }
    // The user has the reference, and it finds the lines.
    let found_by = |line: String| reference.iter().map(|reference| format!("{reference}: ")).chain([line]).collect();
    log.into_iter().map(|(level, line)| (level, found_by(line))).collect()
}

/// The reason for which these denials become warnings, if they do.
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
fn deny(denials: &Denials, subject: &str, images: usize, disclosed: Disclosed<'_>) -> Response {
    let warnings = denials.iter().map(|denial| format!("image-trust refuses: {}", line(denial, disclosed)));
    Response {
        code: Some(denials.class().code()),
        message: Some(message(denials, subject, images, disclosed)),
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
    (!named.is_empty()).then(|| format!("decided in time: {named}{more}"))
}
