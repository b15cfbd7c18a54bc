//! Which patterns carry the rules, so that nothing is admitted that Connaisseur would have denied?
//!
//! A rule becomes the pattern that it was meant to be. That matches fewer names than Connaisseur's implicit stars do, and the most specific rule is
//! another one now and then, so images can fall to a rule that asks for less. Where two rules have images in common, samples of these are decided
//! both ways; wherever ours would ask for less, a rule is added that denies them, or what asked for less is left out. What there are too many of to
//! compare counts as asking for less.

mod entry;
mod everything;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use image_trust::{
    ImageRef,
    policy::{Choice, Policy},
};
use serde_json::{Value, json};

pub(crate) use entry::Entry;
use everything::{Everything, everything, words};

use super::{
    connaisseur::{self, Token},
    globs::{globs, spelt_out, stars},
    names::{self, Budget, Names},
    report::{Report, quoted},
    rules::{Decision, Rule},
    settings::{self, Validator},
    validators::DENIES,
};

/// Rounds in which rules are added; what still asks for less then denies.
const ROUNDS: usize = 4;
/// Most components of a pattern whose beginnings are put into samples.
const MAX_WORDS: usize = 6;
/// Most stars of a pattern that is compared with others; with each of them there are more ways to cut a name into parts.
const MAX_STARS: usize = 8;
/// Most steps of comparing patterns and images: a minute or two of work, which some 150 ordinary rules need.
const MAX_STEPS: usize = 1_000_000_000;
/// What it costs to write a sample and to read it, in steps.
const A_SAMPLE: usize = 16;
/// So many spellings of a pattern of ours are compared with one of Connaisseur's.
const SPELLINGS: usize = 8;

/// The state while the patterns of Connaisseur's rules are carried over.
struct Carrying<'a> {
    rules: &'a [Rule],
    validators: &'a [Validator],
    report: &'a mut Report,
    /// The rules' patterns, with stars for what a sample hits by chance only.
    widened: Vec<connaisseur::Pattern>,
    /// The words with which components of a sample begin, for each rule.
    words: Vec<Vec<&'a str>>,
    entries: Vec<Entry>,
    /// What may still be compared, and what it costs to see which rule decides there.
    budget: Budget,
    cost: usize,
}

/// Images for which less is asked here.
struct Wider {
    /// The place of the entry that decides here.
    at: usize,
    /// The place of the rule that decides there.
    by: usize,
    /// All images that the wider rule matches.
    all: Names,
    /// Which they are; nothing where that can't be told.
    common: Option<Names>,
}

/// The patterns of the settings, and everything about them that has to be known.
pub(super) fn carry(rules: &[Rule], validators: &[Validator], report: &mut Report) -> Result<Vec<Entry>> {
    let mut carrying = Carrying::new(rules, validators, report, Budget::of(MAX_STEPS));
    carrying.carry()?;
    Ok(carrying.entries)
}

/// Whether the decision here is at least as strict as Connaisseur's.
fn is_enough(here: &Decision, there: &Decision) -> bool {
    *here == Decision::Deny || *there == Decision::Allow || here == there
}

impl<'a> Carrying<'a> {
    fn new(rules: &'a [Rule], validators: &'a [Validator], report: &'a mut Report, budget: Budget) -> Carrying<'a> {
        let cost = rules.iter().map(|rule| rule.pattern.cost()).sum();
        let is_kept = |way: &[Token]| spelt_out(way).is_some();
        let widened = rules.iter().map(|rule| rule.pattern.widened(is_kept)).collect();
        Carrying { rules, validators, report, widened, words: words(rules), entries: Vec::new(), budget, cost }
    }

    fn carry(&mut self) -> Result<()> {
        for index in 0..self.rules.len() {
            self.add_meant(index);
        }
        self.leave_out_doubles();
        self.leave_out_dead();
        self.deny_without_rules();
        self.narrow()?;
        if self.budget.is_spent() {
            let what = "there are more rules, with more stars in them, than are compared one with another. Wherever a rule was not compared with one that asks for more, it denies";
            self.report.refused(
                "application.policy",
                what,
                "migrate fewer rules at a time, or write patterns with fewer stars",
            );
        }
        Ok(())
    }

    /// Adds what a rule was meant to match.
    fn add_meant(&mut self, index: usize) {
        let Some(rule) = self.rules.get(index) else { return };
        let path = format!("{}.pattern", rule.path);
        let stars = stars(&rule.written);
        if stars > MAX_STARS {
            let what = format!(
                "{} has {stars} stars, and a pattern with more than {MAX_STARS} is not compared with others. It is left out: what it matched is denied, and so is whatever other rules could admit in its place",
                quoted(&rule.written)
            );
            self.report.refused(
                &path,
                what,
                "write a pattern with fewer stars, or one rule for each name that is meant",
            );
            return;
        }
        let pattern = &rule.pattern;
        let (globs, is_whole) = globs(&rule.written);
        let mut denies = false;
        if !is_whole {
            denies = rule.there != Decision::Deny;
            let what = format!(
                "{} has `?`, `[!…]` or a large `[…]`, which no pattern here has. A `*` stands in its place, which matches more, so the rule denies",
                quoted(&rule.written)
            );
            match denies {
                true => self.report.refused(&path, what, "write one rule for each name that is meant"),
                false => self.report.changed(&path, what, "write one rule for each name that is meant"),
            }
        } else if globs.len() > 1 {
            let what =
                format!("{} is spelt out as {} patterns: only `*` is special here", quoted(&rule.written), globs.len());
            self.report.note(&path, what, "nothing");
        }
        let mut found: Vec<Entry> = Vec::new();
        for names in globs.iter().flat_map(|glob| names::meant(glob)) {
            let mut entry = Entry { names, rule: index, denies };
            let asks = *entry.says(self.rules) != Decision::Deny;
            if asks && !self.budget.spend_many(pattern.cost() * SPELLINGS) {
                // Told once, at the end.
                entry.denies = true;
            } else if asks && !entry.names.are_covered_by(pattern) {
                let what = format!(
                    "{} would match official images of Docker Hub here (`library/…`) that it does not match there, so it denies",
                    quoted(&rule.written)
                );
                self.report.refused(&path, what, "write one rule for each registry that is meant");
                entry.denies = true;
            } else if asks && !entry.names.other_spellings_are_covered_by(pattern) {
                let (only, also) = match entry.names.is_by_digest() {
                    true => ("with a tag and a digest (`app:v1@sha256:…`)", "by digest alone"),
                    false => ("by digest alone (`app@sha256:…`)", "by tag and digest"),
                };
                let what = format!(
                    "{} matched no image {only} there, and does here; {also} it matched both times, so nobody gets anything new in",
                    quoted(&rule.written)
                );
                self.report.changed(&path, what, "nothing");
            }
            found.push(entry);
        }
        if found.is_empty() {
            let what = format!(
                "{} matches no image that was meant by it there: no name looks like that once it is completed (Docker Hub's are docker.io/library/nginx or docker.io/account/app). It is left out",
                quoted(&rule.written)
            );
            self.report.changed(
                &path,
                what,
                "if the rule is needed, write its full name, such as docker.io/library/nginx",
            );
        } else if !matches!(&*rule.written, "*" | "*:*" | "**") {
            self.tell_stars(rule, &found);
        }
        self.entries.extend(found);
    }

    /// Tells which names a pattern matched in addition.
    fn tell_stars(&mut self, rule: &Rule, found: &[Entry]) {
        let (first, last) = (rule.written.starts_with('*'), rule.written.ends_with('*'));
        let base = rule.written.trim_matches('*').trim_end_matches([':', '*']);
        // The ellipsis is ours, so it is not escaped like the text.
        let before = format!("{}…", quoted(&format!("evil.io/{base}")));
        let behind = format!("{}…", quoted(&format!("{base}-evil")));
        let examples = match (first, last) {
            (true, true) => return,
            (false, true) => before,
            (true, false) => behind,
            (false, false) => format!("{before} and {behind}"),
        };
        let texts = found.iter().map(|entry| quoted(&entry.names.to_string())).collect::<Vec<_>>().join(", ");
        let what = format!(
            "{} also matched names that only contain it, such as {examples}. Here it is {texts}, and compared part by part and whole",
            quoted(&rule.written)
        );
        self.report.changed(
            &format!("{}.pattern", rule.path),
            what,
            "if such names were meant, write a rule for each, with a `*` where it belongs",
        );
    }

    /// Two rules with one pattern can't stand side by side: of those, the one that decided there is kept.
    fn leave_out_doubles(&mut self) {
        let mut kept: Vec<Entry> = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let Some(other) = kept.iter_mut().find(|other| other.names == entry.names) else {
                kept.push(entry);
                continue;
            };
            if other.rule(self.rules).validator == entry.rule(self.rules).validator
                && other.rule(self.rules).with == entry.rule(self.rules).with
            {
                continue;
            }
            let decides = |image: &String| self.budget.spend_many(self.cost) && self.there(image) == Some(entry.rule);
            let wins = entry.names.samples(&[]).iter().all(decides);
            let (keeps, loses) = if wins { (entry.rule, other.rule) } else { (other.rule, entry.rule) };
            let (Some(keeps), Some(loses)) = (self.rules.get(keeps), self.rules.get(loses)) else { continue };
            let what = format!(
                "{} matches the same images as {} ({}), which decided there",
                quoted(&loses.written),
                quoted(&keeps.written),
                keeps.path
            );
            self.report.changed(&format!("{}.pattern", loses.path), what, "nothing; remove it there as well");
            if wins {
                *other = entry;
            }
        }
        self.entries = kept;
    }

    /// Adds a rule that denies everything if there is no rule, because settings need one.
    fn deny_without_rules(&mut self) {
        if self.entries.is_empty() {
            let what = "none of the rules matches any image that it was meant for, so every image is denied";
            self.report.refused("application.policy", what, "see the lines of the rules");
            self.entries.extend(names::meant("*").into_iter().map(|names| Entry { names, rule: 0, denies: true }));
        }
    }

    /// Adds rules until no image falls to one that asks for less.
    fn narrow(&mut self) -> Result<()> {
        for round in 0..ROUNDS {
            let wider = self.wider()?;
            if wider.is_empty() {
                return Ok(());
            }
            let mut seen: Vec<&Wider> = Vec::new();
            for found in &wider {
                let alike = |other: &&Wider| (other.at, other.by) != (found.at, found.by) && other.all == found.all;
                // Where several rules would take the same images, one rule keeps them from all.
                let names = match wider.iter().any(|other| alike(&other)) && found.common.is_some() {
                    true => Some(found.all.clone()),
                    false => found.common.clone(),
                };
                if !seen.iter().any(|other| names.as_ref() == Some(&other.all) && other.by == found.by) {
                    self.guard(found.at, names, found.by, round);
                }
                seen.push(found);
            }
        }
        for found in self.wider()? {
            self.deny(found.at, found.by);
        }
        Ok(())
    }

    /// Leaves out the rules that never decided under Connaisseur, so that they do not decide here.
    fn leave_out_dead(&mut self) {
        let mut kept = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            if *entry.says(self.rules) == Decision::Deny {
                kept.push(entry);
                continue;
            }
            let images = if self.budget.is_spent() { BTreeSet::new() } else { entry.names.samples(&[]) };
            // Where nobody looks any more it is kept, and compared with what may decide in its place.
            let decides =
                |image: &String| if self.budget.spend_many(self.cost) { self.there(image) } else { Some(entry.rule) };
            let deciding: BTreeSet<Option<usize>> = images.iter().map(decides).collect();
            let is_dead = !deciding.contains(&Some(entry.rule)) && !self.budget.is_spent();
            let other = deciding.iter().next().copied().flatten().and_then(|index| self.rules.get(index));
            match (is_dead, self.rules.get(entry.rule), other) {
                (true, Some(rule), Some(other)) => {
                    let what = format!(
                        "{} decides no image there that it was meant for: {} ({}) is more specific by Connaisseur's order. Here it would decide, so it is left out",
                        quoted(&rule.written),
                        quoted(&other.written),
                        other.path
                    );
                    self.report.changed(
                        &format!("{}.pattern", rule.path),
                        what,
                        "remove it there as well, or correct the other one",
                    );
                }
                _ => kept.push(entry),
            }
        }
        self.entries = kept;
    }

    /// The rule of Connaisseur's that decides about an image.
    fn there(&self, image: &str) -> Option<usize> {
        there(self.rules, image)
    }

    /// Which entries ask for less than was asked for there, of which images, and by which rule.
    fn wider(&self) -> Result<Vec<Wider>> {
        let settings = self.settings();
        let policy = Policy::load(&settings).map_err(anyhow::Error::msg).context("the rules can't be read again")?;
        let everything: Vec<Everything> = self.rules.iter().map(|rule| everything(rule, &self.budget)).collect();
        let mut found = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let says = entry.says(self.rules);
            if *says == Decision::Deny {
                continue;
            }
            for (by, rule) in self.rules.iter().enumerate() {
                if is_enough(says, &rule.there) || self.is_beaten(rule, entry) {
                    continue;
                }
                let (is_whole, all) = match everything.get(by) {
                    Some(Everything::Whole(all)) => (true, all),
                    Some(Everything::More(all)) => (false, all),
                    None => continue,
                };
                let words = self.words.get(by).map(Vec::as_slice).unwrap_or_default();
                for all in all {
                    let mut add = |common| found.push(Wider { at, by, all: all.clone(), common });
                    match all.common(&entry.names, &self.budget) {
                        Some(common) if common.is_empty() => {}
                        Some(common) if is_whole => {
                            let is_wider = |image: &String| self.is_wider(&policy, at, by, image);
                            let has_wider =
                                |names: &Names| self.budget.is_spent() || names.samples(words).iter().any(is_wider);
                            common.into_iter().filter(has_wider).for_each(|names| add(Some(names)));
                        }
                        Some(_) | None => add(None),
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether the rule of `entry` is always more specific than `rule` under Connaisseur.
    fn is_beaten(&self, rule: &Rule, entry: &Entry) -> bool {
        let Some(own) = self.rules.get(entry.rule) else { return false };
        let parts = |text: &str| text.split('/').count();
        if parts(&rule.written) != parts(&own.written) {
            return parts(&rule.written) < parts(&own.written);
        }
        // As far as the components of all these images are known, the first one that tells the rules apart decides.
        let known = entry.names.known();
        let prefixes = |text: &str| -> Vec<usize> {
            text.split('/').zip(&known).map(|(part, known)| connaisseur::shared(part, known)).collect()
        };
        prefixes(&rule.written) < prefixes(&own.written)
    }

    /// Does the entry at `at` decide this image, and ask for less than the rule `by`, which decides there? Where there are no steps left to tell, it may.
    fn is_wider(&self, policy: &Policy<'_>, at: usize, by: usize, image: &str) -> bool {
        let (Some(entry), Some(rule)) = (self.entries.get(at), self.rules.get(by)) else { return false };
        if !self.budget.spend_many(A_SAMPLE + rule.pattern.cost()) {
            return true;
        }
        let Ok(reference) = ImageRef::parse(image) else { return false };
        let says = entry.says(self.rules);
        let canonical = reference.to_string();
        let (Some(name), Some(widened)) = (connaisseur::name(&canonical), self.widened.get(by)) else { return false };
        // Most samples are told apart by this, and the rest takes longer.
        if is_enough(says, &rule.there) || !widened.matches(&name) {
            return false;
        }
        let patterns = self.rules.iter().enumerate().map(|(at, rule)| if at == by { widened } else { &rule.pattern });
        if self.budget.spend_many(self.cost) && connaisseur::choose(patterns, &name) != Some(by) {
            return false;
        }
        // Who can name a digest alone can put any tag in front of it.
        let tagged = canonical.replace('@', ":zq9@");
        let lets_in = |rule: usize| self.rules.get(rule).is_some_and(|rule| is_enough(says, &rule.there));
        let is_by_digest = reference.tag().is_none() && reference.digest().is_some();
        if is_by_digest && self.budget.spend_many(self.cost) && self.there(&tagged).is_some_and(lets_in) {
            return false;
        }
        if !self.budget.spend_many(self.entries.len()) {
            return true;
        }
        let chosen = policy.rules(&BTreeSet::from([reference.registry()])).and_then(|rules| rules.choose(&reference));
        matches!(chosen, Ok(Choice::Rule(rule)) if rule.index() == at)
    }

    fn settings(&self) -> String {
        let policy: Vec<settings::Rule> = self.entries.iter().map(|entry| entry.rule(self.rules)).collect();
        json!({"validators": with_deny(self.validators), "policy": policy}).to_string()
    }

    /// Keeps these images from the entry at `at`.
    fn guard(&mut self, at: usize, names: Option<Names>, by: usize, round: usize) {
        let (Some(names), Some(rule), Some(entry)) = (names, self.rules.get(by), self.entries.get(at)) else {
            self.deny(at, by);
            return;
        };
        if names == entry.names {
            self.deny(at, by);
            return;
        }
        let Some(own) = self.rules.get(entry.rule) else { return };
        // What the other rule was meant for is still its own; what it only happened to match is nobody's.
        let (globs, is_whole) = globs(&rule.written);
        let is_meant = round == 0 && is_whole && names::meant_of(&globs, &names);
        let guard = Entry { names, rule: by, denies: !is_meant };
        if let Some(other) = self.entries.iter_mut().find(|other| other.names == guard.names) {
            other.denies |= other.rule != guard.rule || guard.denies;
            return;
        }
        let text = quoted(&guard.names.to_string());
        let what = match is_meant {
            true => format!(
                "{} is the more specific rule there for images that {} ({}) would decide here. Added {text}, which asks for what it asked for",
                quoted(&rule.written),
                quoted(&own.written),
                own.path
            ),
            false => format!(
                "{} also decided names that only contain it, which {} ({}) would decide here and ask for less. Added {text}, which denies them",
                quoted(&rule.written),
                quoted(&own.written),
                own.path
            ),
        };
        self.report.changed(
            &format!("{}.pattern", rule.path),
            what,
            "if such images are used, write a rule for them; if not, the added rule can stay",
        );
        self.entries.push(guard);
    }

    /// Makes the entry `at` deny, because of the entry `by`.
    fn deny(&mut self, at: usize, by: usize) {
        let (Some(entry), Some(rule)) = (self.entries.get_mut(at), self.rules.get(by)) else { return };
        if entry.denies {
            return;
        }
        entry.denies = true;
        let Some(own) = self.rules.get(entry.rule) else { return };
        let what = format!(
            "{} would decide images here that {} ({}) decides there, and ask for less; which they are can't be told by patterns of ours. It denies",
            quoted(&own.written),
            quoted(&rule.written),
            rule.path
        );
        self.report.refused(
            &format!("{}.pattern", own.path),
            what,
            "write both patterns so that none is a part of the other, and run this again",
        );
    }
}

/// The rule of Connaisseur's that decides about an image.
pub(super) fn there(rules: &[Rule], image: &str) -> Option<usize> {
    let name = connaisseur::name(image)?;
    connaisseur::choose(rules.iter().map(|rule| &rule.pattern), &name)
}

/// The validators, and the one of rules that deny because they could not be carried.
pub(super) fn with_deny(validators: &[Validator]) -> Vec<Validator> {
    validators.iter().cloned().chain([Validator::fixed(DENIES, false)]).collect()
}

/// The settings as a value, for those who read it as they read any.
pub(super) fn value(settings: &settings::Settings) -> Result<Value> {
    serde_json::to_value(settings).context("the settings have no JSON form")
}
