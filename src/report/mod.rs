//! How is a verdict told, to people and to programs?
//!
//! Every sentence for people and every word for programs stands here; other modules return closed lists with data.
//!
//! A denial's first line is complete on its own, because events and dashboards cut after it. Then comes a block for each image: the container, the image and
//! the digest that was judged; the reason; and what would help. Warnings are one line of at most 256 bytes, because an HTTP header carries them.

mod attestation;
mod cause;
mod conditions;
mod denial;
mod disclosure;
mod errors;
mod evidence_items;
mod items;
mod missing;
mod notary_v1;
mod notation;
mod reason;
mod record;
mod response;
mod settings;
mod unproven;
mod verification;
mod warning;

pub use evidence_items::{EvidenceItem, evidence_items};
pub use response::{Level, Response, respond, respond_unread};

use crate::{policy::Problem, text::Shown};

/// Most problems of settings that are told at once.
const MAX_PROBLEMS: usize = 100;

/// All problems of settings in one text, a line each.
pub(crate) fn problems(problems: &[Problem]) -> String {
    if let [problem] = problems {
        return problem.to_string();
    }
    let mut text = format!("{} problems", problems.len());
    for problem in problems.iter().take(MAX_PROBLEMS) {
        text.push_str(&format!("\n- {problem}"));
    }
    if let more @ 1.. = problems.len().saturating_sub(MAX_PROBLEMS) {
        text.push_str(&format!("\n- and {more} more"));
    }
    text
}

/// Names for a sentence, in quotes: `"alice", "bob" and "carol"`.
fn listed<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    joined(names.into_iter().map(|name| quoted(name.as_ref())).collect())
}

/// Parts of a sentence. Not generic, so that the module has it once.
fn joined(mut parts: Vec<String>) -> String {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => String::new(),
        (Some(one), true) => one,
        (Some(last), false) => format!("{} and {last}", parts.join(", ")),
    }
}

/// The name in double quotes, as a sentence needs it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", Shown(name))
}

/// A number with its noun: `1 signature`, `2 signatures`.
fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
