//! Which bytes answer the host's bytes?
//!
//! The two functions that a host calls, without a host: the guest hands them what it got, tests what was recorded. Whatever comes in, an answer goes out.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    admission::{Request, Response, respond, respond_unread},
    host::Host,
    policy::{Policy, Problem, check},
    review::review,
    verdict::Reason,
};

/// Most problems of settings that are told at once.
const MAX_PROBLEMS: usize = 100;

#[derive(Deserialize)]
struct Payload<R, S> {
    request: R,
    settings: S,
}

/// Answers `validate`: `payload` is `{"request": …, "settings": …}`.
#[must_use]
pub fn validate(payload: &[u8], host: &dyn Host) -> Response {
    let Ok(text) = std::str::from_utf8(payload) else {
        return not_a_payload();
    };
    // Both parts come with every request, and are read in one pass.
    match serde_json::from_str::<Payload<Request<'_>, Policy<'_>>>(text) {
        Ok(Payload { request, settings: policy }) => {
            respond(&request, review(&request, &policy, host), &policy.features())
        }
        Err(_) => unreadable(text),
    }
}

/// Says which part of a payload can't be read.
fn unreadable(text: &str) -> Response {
    let Ok(parts) = serde_json::from_str::<Payload<&RawValue, &RawValue>>(text) else {
        return not_a_payload();
    };
    match (Policy::load(parts.settings.get()), Request::read(parts.request)) {
        (Err(problem), _) => Response::refusal(Reason::Settings(problem)),
        (Ok(policy), Err(error)) => respond_unread(error, &policy.features()),
        (Ok(_), Ok(_)) => not_a_payload(),
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
        Err(_) => vec![Problem { path: String::new(), what: "the settings are not UTF-8".to_owned() }],
    };
    if problems.is_empty() {
        return Ok(());
    }
    if let [problem] = problems.as_slice() {
        return Err(problem.to_string());
    }
    let mut text = format!("{} problems", problems.len());
    for problem in problems.iter().take(MAX_PROBLEMS) {
        text.push_str(&format!("\n- {problem}"));
    }
    if let more @ 1.. = problems.len().saturating_sub(MAX_PROBLEMS) {
        text.push_str(&format!("\n- and {more} more"));
    }
    Err(text)
}
