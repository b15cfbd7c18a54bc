//! How is it told to a person? A table each for rules, host calls, evidence and verdict.

use std::cmp::Reverse;

use comfy_table::{CellAlignment, Table};
use serde_json::Value;

use super::{
    super::tables::{message, one_line, pairs, shown, table},
    Call, Explanation, Verdict,
    items::Item,
    rules::{self, Image, Rule},
    weigh::Standing,
};

/// Longest error of the host that is shown, in characters: an address, and what a registry said.
const MAX_WORDS: usize = 600;
/// Most rules that are shown although they don't match.
const MAX_OTHERS: usize = 20;

pub(super) fn text(explanation: &Explanation) -> String {
    let Explanation { image, rules, host_calls, evidence_items, evidence, verdict, disagreement } = explanation;
    let mut parts = vec![section("IMAGE", of_image(image))];
    if image.error.is_none() {
        parts.push(section("RULES", of_rules(rules)));
    }
    parts.push(match host_calls.as_slice() {
        [] => "HOST CALLS\n none: nothing had to be asked".to_owned(),
        calls => section("HOST CALLS", of_calls(calls)),
    });
    if !evidence_items.is_empty() {
        parts.push(section("EVIDENCE ITEMS", of_items(evidence_items)));
    }
    parts.push(match evidence {
        Some(record) => section("EVIDENCE", pairs(record.iter().map(|(key, value)| (key.as_str(), plain(value))))),
        None => "EVIDENCE\n none: the module left no record of an image".to_owned(),
    });
    parts.push(section("VERDICT", of_verdict(verdict)));
    parts.extend(disagreement.iter().map(|what| format!("DISAGREEMENT\n {what}")));
    parts.join("\n\n")
}

fn section(title: &str, table: Table) -> String {
    format!("{title}\n{}", table.trim_fmt())
}

fn of_image(image: &Image) -> Table {
    let error = |error: &String| ("no image", error.clone());
    let rows = [("written", shown(&image.written))].into_iter();
    let canonical = image.canonical.iter().map(|canonical| ("canonical", canonical.clone()));
    pairs(rows.chain(canonical).chain(image.error.iter().map(error)))
}

/// The rules that match, then those that come closest; the rest is counted.
fn of_rules(rules: &[Rule]) -> Table {
    let (mut others, mut matching): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().partition(|rule| matches!(rule.standing, Standing::Differs(_)));
    matching.sort_by_key(|rule| rule.standing);
    others.sort_by_key(|rule| Reverse(rule.standing));
    let mut table = table(Some(["rule", "pattern", "validator", "why"]));
    if rules::deciding(rules).is_none() {
        table.add_row(["none", "", "", "no rule decides, and what no rule covers is denied"]);
    }
    for rule in matching.into_iter().chain(others.iter().take(MAX_OTHERS).copied()) {
        let place = format!("policy[{}]", rule.index);
        table.add_row([place, rule.pattern.clone(), shown(&rule.validator), rules::sentence(rule.standing).to_owned()]);
    }
    if let rest @ 1.. = others.len().saturating_sub(MAX_OTHERS) {
        table.add_row(["...".to_owned(), format!("{rest} more"), String::new(), "do not match".to_owned()]);
    }
    table
}

fn of_calls(calls: &[Call]) -> Table {
    let mut table = table(Some(["call", "asked", "about", "ms", "answer"]));
    for (call, number) in calls.iter().zip(1..) {
        let about = call.payload.get("image").unwrap_or(&call.payload);
        let names: Vec<&str> = call.trust_roots.iter().map(String::as_str).collect();
        let about = match names.is_empty() {
            true => plain(about),
            false => format!("{}, key of {}", plain(about), shown(&names.join(", "))),
        };
        let answer = match &call.error {
            Some(error) => words(error.strip_prefix("Callback evaluation failure: ").unwrap_or(error)),
            None => "ok".to_owned(),
        };
        table.add_row([
            number.to_string(),
            call.capability.clone(),
            about,
            format!("{:.1}", call.milliseconds),
            answer,
        ]);
    }
    if let Some(times) = table.column_mut(3) {
        times.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn of_items(items: &[Item]) -> Table {
    let mut table = table(Some(["item", "what it proves"]));
    for item in items {
        let (first, rest) = item.said.split_first().map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
        table.add_row([item.digest.clone().unwrap_or_default(), one_line(first)]);
        for said in rest {
            table.add_row([String::new(), one_line(said)]);
        }
    }
    table
}

/// The host's words: the error, and its last cause, which says most.
fn words(error: &str) -> String {
    let error = error.split("\n\nStack backtrace").next().unwrap_or_default();
    let (what, causes) = error.split_once("\n\nCaused by:").unwrap_or((error, ""));
    let last = causes.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let last = last.split_once(": ").filter(|(number, _)| number.parse::<u8>().is_ok()).map_or(last, |(_, text)| text);
    let what: String = one_line(what).chars().take(MAX_WORDS).collect();
    match last.is_empty() || what.contains(&one_line(last)) {
        true => what,
        false => format!("{what}: {}", shown(last)),
    }
}

fn of_verdict(verdict: &Verdict) -> Table {
    let code = verdict.code.map_or_else(String::new, |code| format!(" {code}"));
    let outcome = if verdict.allowed { "ADMITTED".to_owned() } else { format!("DENIED{code}") };
    let one = [("outcome", outcome)].into_iter();
    let message = verdict.message.iter().map(|text| ("message", message(text)));
    // Those of a denial say nothing else than its message.
    let warnings = verdict.warnings.iter().filter(|_| verdict.allowed).map(|warning| ("warning", one_line(warning)));
    let pinned = verdict.pinned.iter().map(|pinned| ("pinned", one_line(pinned)));
    let took = [("took", format!("{:.1} ms", verdict.milliseconds))];
    pairs(one.chain(message).chain(warnings).chain(pinned).chain(took))
}

/// A JSON value as a person would write it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => shown(text),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => shown(&other.to_string()),
    }
}
