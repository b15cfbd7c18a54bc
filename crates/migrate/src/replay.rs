//! Which recorded requests does the migrated policy decide otherwise than Connaisseur did?
//!
//! Connaisseur's side is worked out by its rules; ours is the module itself, on a host that says that everything is signed. So what is compared is
//! whether an image is admitted, by which rule, and whether it is pinned; not whether it is signed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value};

use crate::{
    Migration, connaisseur,
    requests::{self, Answer, Request, Slot},
    validators::DENIES,
};

/// A sentence for readers of the differences, about what is assumed on both sides.
pub const ASSUMED: &str = "Assumed on both sides: whatever has to be signed is. Owners are not looked up, so no image is approved for its owner's sake.";

/// An image that Connaisseur and the policy decide differently.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The request, by its object.
    pub request: String,
    /// The container, as our records name it.
    pub slot: String,
    /// The image of the container.
    pub image: String,
    /// Connaisseur's decision about the image.
    pub connaisseur: String,
    /// The policy's decision about the image.
    pub ours: String,
    /// Why they differ: a heading of docs/explanation/divergences.md, or a sentence.
    pub why: String,
}

/// The comparison of all recorded requests.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The number of requests that were compared.
    pub requests: usize,
    /// The number of images in these requests.
    pub images: usize,
    /// All images that are decided differently.
    pub differences: Vec<Difference>,
}

/// The module's answer to a request.
pub struct Here {
    /// Whether the module admits the request.
    pub is_allowed: bool,
    /// The message, if the module denies the request.
    pub message: String,
    /// The audit records, by the labels of their slots.
    pub records: BTreeMap<String, Map<String, Value>>,
    /// The labels of the slots whose images were changed.
    pub pinned: BTreeSet<String>,
}

/// Decides every recorded request by Connaisseur's rules, and has `module` decide it by the migrated settings.
///
/// # Errors
/// When the module cannot decide one of them.
pub fn compare(
    migration: &Migration,
    recorded: &[(String, Value)],
    mut module: impl FnMut(usize) -> Result<Here>,
) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    for (at, (name, request)) in recorded.iter().enumerate() {
        let request: Request<'_> = Request::deserialize(request).with_context(|| format!("cannot read {name}"))?;
        let there = requests::decide(&request, &migration.rules, &migration.settings.features);
        let here = module(at).with_context(|| format!("cannot evaluate {name}"))?;
        comparison.requests += 1;
        comparison.images += there.slots.len().max(here.records.len());
        let keeps_tag = request.is_replica_set_of_a_deployment();
        comparison.differences.extend(differences(migration, name, keeps_tag, &there, &here));
    }
    Ok(comparison)
}

fn differences(migration: &Migration, name: &str, keeps_tag: bool, there: &Answer, here: &Here) -> Vec<Difference> {
    let mut found = Vec::new();
    let row = |slot: &str, image: &str, connaisseur: String, ours: String, why: String| Difference {
        request: name.to_owned(),
        slot: slot.to_owned(),
        image: image.to_owned(),
        connaisseur,
        ours,
        why,
    };
    for slot in &there.slots {
        let ours = Ours::of(migration, here, slot);
        if ours.is_like(slot, migration) {
            continue;
        }
        found.push(row(
            &slot.label,
            &slot.image,
            told_there(migration, slot),
            ours.told(),
            ours.why(migration, keeps_tag, here.is_allowed, slot),
        ));
    }
    for (slot, record) in &here.records {
        if there.slots.iter().any(|other| other.label == *slot) {
            continue;
        }
        let ours = Ours {
            record: Some(record),
            is_pinned: record.get("pinned").and_then(Value::as_u64) > Some(0),
            entry: None,
        };
        // Where both admit the whole, or neither does, there is nothing to tell of a place that Connaisseur does not read.
        let is_whole = there.why.is_some() && there.is_allowed == here.is_allowed;
        if (is_whole || ours.is_admitted()) && !ours.is_pinned {
            continue;
        }
        let image = record.get("image").and_then(Value::as_str).unwrap_or_default();
        let connaisseur = there.why.unwrap_or("not looked at").to_owned();
        found.push(row(slot, image, connaisseur, ours.told(), whole(there)));
    }
    if found.is_empty() && there.is_allowed != here.is_allowed {
        let word = |is_allowed: bool| if is_allowed { "admitted" } else { "denied" };
        let connaisseur = match there.why {
            Some(why) => format!("{}: {why}", word(there.is_allowed)),
            None => word(there.is_allowed).to_owned(),
        };
        found.push(row("", "", connaisseur, format!("{}: {}", word(here.is_allowed), here.message), whole(there)));
    }
    found
}

/// The reason for which a request is decided differently as a whole.
fn whole(there: &Answer) -> String {
    heading(match there.why {
        Some(requests::DELETED) => "An object that is being deleted may not bring an image",
        Some(_) if there.is_asked && there.is_allowed => "What is unreadable stays denied where only Pods are denied",
        _ => "More kinds and image volumes are verified",
    })
}

fn told_there(migration: &Migration, slot: &Slot) -> String {
    let rule = slot.rule.and_then(|rule| migration.rules.get(rule));
    let rule = rule.map(|rule| format!(" by {} ({})", rule.written, rule.validator)).unwrap_or_default();
    let pinned = if slot.is_pinned { ", pinned" } else { "" };
    format!("{}{rule}{pinned}", slot.how)
}

/// The module's decision about one image.
struct Ours<'a> {
    record: Option<&'a Map<String, Value>>,
    is_pinned: bool,
    /// The pattern that decided, by its place.
    entry: Option<usize>,
}

impl<'a> Ours<'a> {
    fn of(migration: &Migration, here: &'a Here, slot: &Slot) -> Ours<'a> {
        let record = here.records.get(&slot.label);
        let decided = record.and_then(|record| record.get("rule")?.as_str());
        // Records cut what is long.
        let is_it = |text: &str| {
            decided.is_some_and(|decided| {
                text == decided || decided.split_once('…').is_some_and(|(start, _)| text.starts_with(start))
            })
        };
        let entry = migration.settings.policy.iter().position(|rule| is_it(&rule.pattern));
        Ours { record, is_pinned: here.pinned.contains(&slot.pointer), entry }
    }

    fn text(&self, key: &str) -> &str {
        self.record.and_then(|record| record.get(key)?.as_str()).unwrap_or_default()
    }

    fn is_admitted(&self) -> bool {
        // What no record is about brings no image.
        self.record.is_none() || self.text("verdict") != "denied"
    }

    fn rule(&self, migration: &Migration) -> Option<usize> {
        migration.entries.get(self.entry?).map(|entry| entry.rule)
    }

    fn is_like(&self, slot: &Slot, migration: &Migration) -> bool {
        let validator = slot.rule.and_then(|rule| migration.rules.get(rule)).map(|rule| rule.validator.as_str());
        let same_rule = slot.rule == self.rule(migration) && validator.unwrap_or_default() == self.text("validator");
        // What passes without a decision is like what is admitted and left as it is.
        let same_rule = same_rule || self.record.is_none();
        slot.is_admitted == self.is_admitted() && same_rule && slot.is_pinned == self.is_pinned
    }

    fn told(&self) -> String {
        let Some(_) = self.record else { return "not decided: nothing that it brings is new".to_owned() };
        let how = match self.text("reason") {
            "" => self.text("verdict").to_owned(),
            reason => format!("denied: {reason}"),
        };
        let by = match self.text("rule") {
            "" => String::new(),
            rule => format!(" by {rule} ({})", self.text("validator")),
        };
        format!("{how}{by}{}", if self.is_pinned { ", pinned" } else { "" })
    }

    /// The divergence that explains the different decisions about a slot.
    fn why(&self, migration: &Migration, keeps_tag: bool, is_allowed: bool, slot: &Slot) -> String {
        if self.record.is_none() {
            return heading("An update that brings nothing new passes");
        }
        let entry = self.entry.and_then(|entry| migration.entries.get(entry));
        let rule = slot.rule.and_then(|rule| migration.rules.get(rule));
        match self.text("reason") {
            "unreadable-image" => return heading("A name that two programs could read differently is refused"),
            "unreadable-slot" | "unreadable-object" | "unknown-kind" => {
                return heading("More kinds and image volumes are verified");
            }
            "rules-tie" => return heading("Ties deny, and doubles are refused"),
            "denied-after-pinning" => return heading("Pinning must not change the verdict"),
            _ => {}
        }
        if slot.how.contains("loses the tag") {
            return "a defect of Connaisseur's, which is not carried: it loses the tag where a Docker Hub name with its host has a digest and no library/".to_owned();
        }
        if self.text("validator") == DENIES {
            return match entry.is_some_and(|entry| entry.denies) {
                true => {
                    "a rule that was added so that no image is asked less for; see `changed` in the report".to_owned()
                }
                false => "what the rule asks for could not be carried; see `refused` in the report".to_owned(),
            };
        }
        if slot.rule == self.rule(migration) && slot.is_admitted == self.is_admitted() {
            return match (slot.is_pinned, is_allowed) {
                (true, false) => "denied here for another image, so nothing is pinned".to_owned(),
                (true, true) if keeps_tag => heading("A ReplicaSet keeps the tag of its Deployment"),
                (true, true) => heading("An update pins only what changed"),
                (false, _) => heading("Detection mode pins what was proven"),
            };
        }
        let canonical = image_trust::ImageRef::parse(&slot.image).map(|image| image.to_string()).unwrap_or_default();
        let name = connaisseur::name(&slot.image).unwrap_or_default();
        if name.strip_prefix("index.").unwrap_or(&name) != canonical {
            return heading("Short names are completed in patterns too");
        }
        let digest_decides = slot.image.contains('@') && rule.is_some_and(|rule| rule.written.contains(':'));
        let matches =
            migration.entries.iter().any(|entry| Some(entry.rule) == slot.rule && entry.names.hold(&canonical));
        match rule {
            // Connaisseur found none.
            None => heading("Short names are completed in patterns too"),
            Some(_) if !matches && digest_decides => heading("A static allow by tag does not cover digests"),
            Some(_) if !matches => heading("Patterns are compared part by part, and whole"),
            Some(_) => heading("An exact name outranks a wildcard"),
        }
    }
}

/// A heading of docs/explanation/divergences.md, as the text that explains a difference.
fn heading(text: &str) -> String {
    text.to_owned()
}
