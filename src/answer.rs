//! Which bytes answer the host's bytes?
//!
//! The two functions that a host calls, without a host: the guest hands them what it got, tests what was recorded. Whatever comes in, an answer goes out.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    host::Host,
    kubernetes::Request,
    policy::{Mistake, Policy, Problem, check},
    report::{Response, problems, respond, respond_unread},
    review::review,
    verdict::{Fault, Reason},
};

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
    Response::refusal(Reason::Fault(Fault::Payload))
}

/// Answers `validate_settings`: nothing, or every problem in one text.
///
/// # Errors
/// When requests could not be decided with these settings.
pub fn validate_settings(settings: &[u8]) -> Result<(), String> {
    let found = match std::str::from_utf8(settings) {
        Ok(text) => check(text),
        Err(_) => vec![Problem::of_all(Mistake::NotUtf8)],
    };
    if found.is_empty() { Ok(()) } else { Err(problems(&found)) }
}
