//! Which bytes answer the host's bytes?
//!
//! The two functions that a host calls, without a host: the guest hands them what it got, tests what was recorded. Whatever comes in, an answer goes out.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    admission::{Request, Response, respond},
    host::Host,
    policy::{Policy, Problem, check},
    review::review,
    verdict::Reason,
};

/// Most problems of settings that are told at once.
const MAX_PROBLEMS: usize = 100;

#[derive(Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
struct Payload<'a, S> {
    #[serde(borrow)]
    request: &'a RawValue,
    settings: S,
}

/// Answers `validate`: `payload` is `{"request": …, "settings": …}`.
#[must_use]
pub fn validate(payload: &[u8], host: &dyn Host) -> Response {
    let Ok(text) = std::str::from_utf8(payload) else {
        return not_a_payload();
    };
    // Settings come with every request, so they are read in the same pass as the payload.
    let payload: Payload<'_, Policy<'_>> = match serde_json::from_str(text) {
        Ok(payload) => payload,
        Err(_) => return unreadable(text),
    };
    let policy = payload.settings;
    match Request::read(payload.request) {
        Ok(request) => respond(&request, review(&request, &policy, host), policy.features()),
        Err(error) => Response::refusal(Reason::Request(error)),
    }
}

/// Says which part of a payload can't be read.
fn unreadable(text: &str) -> Response {
    match serde_json::from_str::<Payload<'_, &RawValue>>(text).map(|payload| Policy::load(payload.settings.get())) {
        Ok(Err(problem)) => Response::refusal(Reason::Settings(problem)),
        Ok(Ok(_)) | Err(_) => not_a_payload(),
    }
}

fn not_a_payload() -> Response {
    Response::refusal(Reason::Fault("the host's payload is not a request with settings"))
}

/// Answers `validate_settings`: nothing, or every problem in one text.
///
/// # Errors
/// When requests could not be decided with these settings.
pub fn validate_settings(settings: &[u8]) -> Result<(), String> {
    let problems = match std::str::from_utf8(settings) {
        Ok(text) => check(text),
        Err(_) => vec![Problem {
            path: String::new(),
            what: "the settings are not UTF-8".to_owned(),
        }],
    };
    if problems.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<String> = problems.iter().take(MAX_PROBLEMS).map(Problem::to_string).collect();
    if let more @ 1.. = problems.len().saturating_sub(MAX_PROBLEMS) {
        lines.push(format!("and {more} more"));
    }
    Err(lines.join("\n"))
}
