//! What becomes of each rule: whom it asks for what, there and here?

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use serde_json::{Map, Value};

use super::{
    connaisseur::Pattern,
    notary, notation,
    report::{Report, quoted},
    settings::With,
    validators::{Root, Says, Source, Who},
};

/// The validator, and the trust root, of rules that name none.
const DEFAULT: &str = "default";
const AGAIN: &str = "correct it and run this again";

/// A rule of Connaisseur's, and what it asks for here.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) path: String,
    pub(super) written: String,
    /// The pattern, parsed.
    pub(super) pattern: Pattern,
    /// The name of its validator there.
    pub(super) validator: String,
    /// Connaisseur's decision under this rule.
    pub(super) there: Decision,
    /// What it asks for here; nothing where it can't be carried, and denies.
    pub(super) here: Option<(String, With)>,
    /// Whether Connaisseur writes a digest into objects under this rule.
    pub(super) pins: bool,
}

/// What a rule says about an image. Two rules that ask for the same are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Allow,
    Deny,
    /// Whatever this says has to be proven.
    Prove(String),
}

/// Reads the rules, in their order.
///
/// What can't be read would have to be left out. Then others would decide in its place, and may ask for less; so nothing is read at all.
pub(super) fn read(list: &[Value], sources: &[Source], report: &mut Report) -> Result<Vec<Rule>> {
    list.iter().enumerate().map(|(i, value)| rule(i, value, sources, report)).collect()
}

fn rule(i: usize, value: &Value, sources: &[Source], report: &mut Report) -> Result<Rule> {
    let path = format!("application.policy[{i}]");
    let unread = |what: String| {
        anyhow!("{path}{what}. Without this rule others would decide, and may ask for less, so nothing is printed")
    };
    let map = value.as_object().ok_or_else(|| unread(" is no mapping".to_owned()))?;
    let part = |key: &str| map.get(key).filter(|value| !value.is_null());
    let text = |key: &str| match part(key) {
        Some(value) => value.as_str().ok_or_else(|| unread(format!(".{key} is no text; put it in quotes"))),
        None => Ok(""),
    };
    let written = text("pattern")?;
    if written.is_empty() {
        return Err(unread(".pattern is not there".to_owned()));
    }
    let pattern = Pattern::parse(written).map_err(|why| {
        unread(format!(".pattern {} can't be read: {why}; write it as several rules", quoted(written)))
    })?;
    let none = Map::new();
    let with = match part("with") {
        Some(with) => with.as_object().ok_or_else(|| unread(".with is no mapping".to_owned()))?,
        None => &none,
    };
    let name = Some(text("validator")?).filter(|name| !name.is_empty()).unwrap_or(DEFAULT);
    let source = sources.iter().find(|source| source.name == name);
    let unknown = map.keys().find(|key| !matches!(key.as_str(), "pattern" | "validator" | "with"));
    let asks = Asks { path: &path, name, with };
    let (there, here) = match source.map(|source| &source.says) {
        _ if unknown.is_some() => {
            let key = unknown.map_or("", String::as_str);
            report.refused(
                &format!("{path}.{key}"),
                "is no key of a rule; Connaisseur does not start with it. The rule denies",
                AGAIN,
            );
            (Decision::Deny, None)
        }
        None => {
            report.refused(
                &format!("{path}.validator"),
                format!("there is no validator called {}, and Connaisseur denies whatever comes to this rule; so does this one", quoted(name)),
                "name a validator that exists",
            );
            (Decision::Deny, None)
        }
        Some(Says::Lost(why)) => {
            report.refused(
                &path,
                format!("{} can't be carried: {why}. The rule denies what it decides", quoted(name)),
                "see the line of its validator",
            );
            (asks.proof(), None)
        }
        Some(Says::Static(approve)) => {
            asks.of_static(report);
            (if *approve { Decision::Allow } else { Decision::Deny }, Some((name.to_owned(), With::default())))
        }
        Some(Says::NotaryV1(roots, _)) => match asks.of_notary(roots, report) {
            Some(with) => (asks.proof(), Some((name.to_owned(), with))),
            None => (asks.proof(), None),
        },
        Some(Says::Notation(roots)) => match asks.of_notation(roots, report) {
            Some(with) => (asks.proof(), Some((name.to_owned(), with))),
            None => (asks.proof(), None),
        },
        Some(Says::Signed(roots, _)) => match asks.of(roots, report) {
            Some(with) => (asks.proof(), Some((name.to_owned(), with))),
            None => (asks.proof(), None),
        },
    };
    let pins =
        with.get("mode").and_then(Value::as_str).is_none_or(|mode| !mode.eq_ignore_ascii_case("insecureValidateOnly"));
    Ok(Rule { written: written.to_owned(), pattern, validator: name.to_owned(), there, here, pins, path })
}

/// The requirements of a rule with a validator.
struct Asks<'a> {
    path: &'a str,
    name: &'a str,
    with: &'a Map<String, Value>,
}

/// What makes the signatures of those whom a rule asks.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    keys: bool,
    keyless: bool,
}

impl Kinds {
    fn of(with: &With, roots: &[Root]) -> Kinds {
        let is_asked = |name: &String| match with.trust_root.as_deref() {
            // Without a threshold the required ones are all that is asked for.
            Some("*") if with.threshold.is_none() && !with.required.is_empty() => with.required.contains(name),
            Some("*") => true,
            Some(one) => one == name,
            None => name == DEFAULT,
        };
        let asked = || roots.iter().filter_map(|root| root.who.as_ref().ok()).filter(|who| is_asked(&who.signer));
        Kinds { keys: asked().any(|who| !who.is_keyless()), keyless: asked().any(Who::is_keyless) }
    }
}

impl Asks<'_> {
    fn proof(&self) -> Decision {
        Decision::Prove(format!("{}: {}", self.name, Value::Object(self.with.clone())))
    }

    fn at(&self, key: &str) -> String {
        format!("{}.with.{key}", self.path)
    }

    /// Options of a rule that proves nothing.
    fn of_static(&self, report: &mut Report) {
        if !self.with.is_empty() {
            report.note(
                &format!("{}.with", self.path),
                "is left out: a static validator looks at no options, there or here",
                "nothing",
            );
        }
    }

    /// The options, or nothing where they can't be carried.
    fn of(&self, roots: &[Root], report: &mut Report) -> Option<With> {
        let before = report.refusals();
        let mode = self.mode(report);
        let required = self.required(report);
        let threshold = self.threshold(report);
        for key in self.with.keys() {
            match key.as_str() {
                "trustRoot" | "threshold" | "required" | "mode" | "verifyInTransparencyLog" | "verifySCT" => {}
                "delegations" | "verificationLevel" | "verifyTimestamp" => {
                    report.note(
                        &self.at(key),
                        "is left out: cosign validators don't look at it, there or here",
                        "nothing",
                    );
                }
                _ => report.refused(
                    &self.at(key),
                    "is no option; Connaisseur does not start with it. The rule denies",
                    AGAIN,
                ),
            }
        }
        let with = self.of_trust_root(roots, required, threshold, report)?;
        let asked = Kinds::of(&with, roots);
        let verify_in_transparency_log = self.log(asked, report);
        let verify_sct = self.timestamp(asked, report);
        (report.refusals() == before).then_some(With { mode, verify_in_transparency_log, verify_sct, ..with })
    }

    /// The options of a rule for Docker Content Trust, or nothing where they can't be carried.
    fn of_notary(&self, roots: &[Root], report: &mut Report) -> Option<With> {
        let before = report.refusals();
        let mode = self.mode(report);
        let delegations = notary::delegations(self.with, self.path, report)?;
        notary::other_options(self.with, self.path, report);
        self.refuse_unknown(report);
        let with = self.of_trust_root(roots, Vec::new(), None, report)?;
        (report.refusals() == before).then_some(With { mode, delegations, ..with })
    }

    /// Refuses what is no option of Connaisseur's.
    fn refuse_unknown(&self, report: &mut Report) {
        const KNOWN: [&str; 9] = [
            "trustRoot",
            "threshold",
            "required",
            "mode",
            "delegations",
            "verifyInTransparencyLog",
            "verifySCT",
            "verificationLevel",
            "verifyTimestamp",
        ];
        for key in self.with.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            report.refused(&self.at(key), "is no option; Connaisseur does not start with it. The rule denies", AGAIN);
        }
    }

    /// The options of a rule for Notation, or nothing where they can't be carried.
    fn of_notation(&self, roots: &[Root], report: &mut Report) -> Option<With> {
        let before = report.refusals();
        let mode = self.mode(report);
        let With { verification_level, verify_timestamp, .. } = notation::options(self.with, self.path, report)?;
        self.refuse_unknown(report);
        let with = match self.with.get("trustRoot").and_then(Value::as_str) {
            // One of them is enough.
            Some("*") => With { trust_root: Some("*".to_owned()), threshold: Some(1), ..With::default() },
            _ => self.of_trust_root(roots, Vec::new(), None, report)?,
        };
        (report.refusals() == before).then_some(With { mode, verification_level, verify_timestamp, ..with })
    }

    fn mode(&self, report: &mut Report) -> Option<&'static str> {
        match self.with.get("mode").map(|mode| mode.as_str().unwrap_or("?")) {
            None | Some("") => None,
            Some("mutate") => Some("mutate"),
            Some("insecureValidateOnly") => {
                report.note(&self.at("mode"), "is carried; a tag that was proven may point elsewhere when it is pulled, and every request is warned of it here", "`mode: mutatePodsOnly` pins Pods, and leaves what is kept in git as it is");
                Some("insecureValidateOnly")
            }
            Some(other) => {
                report.changed(
                    &self.at("mode"),
                    format!(
                        "{} is no mode of Connaisseur's, which does not start with it; digests are pinned here",
                        quoted(other)
                    ),
                    "write mutate, mutatePodsOnly or insecureValidateOnly",
                );
                None
            }
        }
    }

    /// Reports what becomes of the rule's transparency log setting, and returns its value.
    fn log(&self, asked: Kinds, report: &mut Report) -> Option<bool> {
        let path = self.at("verifyInTransparencyLog");
        match self.with.get("verifyInTransparencyLog") {
            Some(Value::Bool(false)) if asked.keyless => {
                let keys = if asked.keys { " of keyless trust roots" } else { "" };
                let what = format!(
                    "false is left out. Something has to prove when a certificate that is valid for minutes was used, and most signatures have a log entry and no timestamp. So signatures{keys} need a log entry here"
                );
                report.changed(&path, what, "sign again what has no entry (cosign sign --tlog-upload=true)");
                None
            }
            Some(Value::Bool(false)) => asked.keys.then_some(false),
            None | Some(Value::Null) if asked.keys => {
                report.changed(
                    &path,
                    "is missing. Connaisseur's default is true, so true is written here. This policy is stricter: the log entry must be stored beside the signature, where cosign puts it. If it is not, Connaisseur searches the log",
                    "sign images again whose signature has no log entry beside it; or set `verifyInTransparencyLog: false` in the values if signatures by these keys must not be public",
                );
                Some(true)
            }
            None | Some(Value::Null) => None,
            Some(Value::Bool(true)) => {
                report.changed(
                    &path,
                    "true is carried, and narrower: the entry has to lie beside the signature, where cosign puts it. Connaisseur searches the log for one that does not",
                    "sign again what has none beside it",
                );
                Some(true)
            }
            Some(_) => {
                report.refused(&path, "is no bool. The rule denies", AGAIN);
                None
            }
        }
    }

    /// Reports what becomes of the rule's SCT setting, and returns its value.
    fn timestamp(&self, asked: Kinds, report: &mut Report) -> Option<bool> {
        let path = self.at("verifySCT");
        match self.with.get("verifySCT") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(_)) if !asked.keyless => {
                report.note(&path, "is left out: it is about certificates, and a key has none", "nothing");
                None
            }
            Some(Value::Bool(flag)) => {
                if !flag {
                    report.note(
                        &path,
                        "false is carried: certificates count that no CT log has seen",
                        "leave it out, unless your instance has no CT log",
                    );
                }
                Some(*flag)
            }
            Some(_) => {
                report.refused(&path, "is no bool. The rule denies", AGAIN);
                None
            }
        }
    }

    fn required(&self, report: &mut Report) -> Vec<String> {
        let given = self.with.get("required").filter(|names| !names.is_null());
        let names = given.map(|names| {
            names.as_array().map(|names| names.iter().map(|name| name.as_str()).collect::<Option<Vec<_>>>())
        });
        match names {
            None => Vec::new(),
            Some(Some(Some(names))) if !names.is_empty() => names.into_iter().map(str::to_owned).collect(),
            Some(_) => {
                report.refused(&self.at("required"), "is no list of names. The rule denies", AGAIN);
                Vec::new()
            }
        }
    }

    /// The threshold where there is one above zero: zero is the same as none there, and a mistake here.
    fn threshold(&self, report: &mut Report) -> Option<u64> {
        let given = self.with.get("threshold").filter(|threshold| !threshold.is_null())?;
        match given.as_u64() {
            Some(0) => {
                report.note(&self.at("threshold"), "is 0, which stands for everybody (or all who are `required`) there, and is a mistake here: it is left out, which means the same", "nothing");
                None
            }
            Some(threshold) => Some(threshold),
            None => {
                report.refused(
                    &self.at("threshold"),
                    "is no number that Connaisseur starts with. The rule denies",
                    AGAIN,
                );
                None
            }
        }
    }

    /// Whom the rule asks, by its `trustRoot`.
    fn of_trust_root(
        &self,
        roots: &[Root],
        required: Vec<String>,
        threshold: Option<u64>,
        report: &mut Report,
    ) -> Option<With> {
        match self.with.get("trustRoot").map_or(Some(""), |name| name.as_str().or(name.is_null().then_some(""))) {
            Some("*") => self.of_all(roots, required, threshold, report),
            Some("") => self.of_one(DEFAULT, roots, &required, threshold, report),
            Some(name) => self.of_one(name, roots, &required, threshold, report),
            None => {
                report.refused(&self.at("trustRoot"), "is no text. The rule denies", AGAIN);
                None
            }
        }
    }

    fn of_one(
        &self,
        name: &str,
        roots: &[Root],
        required: &[String],
        threshold: Option<u64>,
        report: &mut Report,
    ) -> Option<With> {
        let root = self.carried(name, roots, "trustRoot", report)?;
        if let Some(other) = required.iter().find(|other| *other != name) {
            let what = format!(
                "{} is required, and never asked: only {} is. Connaisseur denies every image there; so does this rule",
                quoted(other),
                quoted(name)
            );
            report.refused(&self.at("required"), what, "write trustRoot: \"*\" if both are meant, and run this again");
            return None;
        }
        if threshold.is_some() {
            report.note(&self.at("threshold"), "is left out: without trustRoot: \"*\" Connaisseur does not look at it, and one trust root is one signer", "write trustRoot: \"*\" if several were meant to sign");
        }
        let is_said = self.with.get("trustRoot").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        Some(With { trust_root: Some(root).filter(|root| is_said || root != DEFAULT), ..With::default() })
    }

    fn of_all(
        &self,
        roots: &[Root],
        required: Vec<String>,
        threshold: Option<u64>,
        report: &mut Report,
    ) -> Option<With> {
        let signers: BTreeSet<&String> =
            roots.iter().filter_map(|root| Some(&root.who.as_ref().ok()?.signer)).collect();
        let mut needed = Vec::new();
        for name in &required {
            let signer = self.carried(name, roots, "required", report)?;
            if !needed.contains(&signer) {
                needed.push(signer);
            }
        }
        if let Some(threshold) = threshold {
            report.changed(
                &self.at("threshold"),
                "counts signatures there, so that one signer who signs twice counts twice; here it counts distinct trust roots",
                "make sure that as many different signers sign",
            );
            if threshold > signers.len() as u64 {
                let what = format!(
                    "is {threshold}, and {} distinct signers could be carried. No image would pass, so the rule denies",
                    signers.len()
                );
                report.refused(&self.at("threshold"), what, "lower it, or give the keys of those who are missing");
                return None;
            }
        } else if required.is_empty() && roots.iter().any(|root| root.who.is_err()) {
            let lost = roots
                .iter()
                .filter(|root| root.who.is_err())
                .map(|root| quoted(&root.name))
                .collect::<Vec<_>>()
                .join(", ");
            let what = format!(
                "everybody has to sign, and these can't be carried: {lost}. To do without them would ask for less, so the rule denies"
            );
            report.refused(
                &self.at("trustRoot"),
                what,
                "give their public keys, or say with `threshold` how many are enough",
            );
            return None;
        }
        Some(With { trust_root: Some("*".to_owned()), threshold, required: needed, ..With::default() })
    }

    /// The name under which a trust root is carried.
    fn carried(&self, name: &str, roots: &[Root], key: &str, report: &mut Report) -> Option<String> {
        let is_said = self.with.contains_key(key);
        match roots.iter().find(|root| root.name == name).map(|root| &root.who) {
            Some(Ok(who)) => Some(who.signer.clone()),
            Some(Err(why)) => {
                report.refused(
                    &self.at(key),
                    format!("{} can't be carried: it {why}. The rule denies", quoted(name)),
                    "see the line of that trust root",
                );
                None
            }
            None => {
                let default = if is_said { "" } else { "none is named, so it is `default`, and " };
                report.refused(
                    &self.at(key),
                    format!("{default}there is no trust root {} in {}; Connaisseur denies every image of this rule, and so does this one", quoted(name), quoted(self.name)),
                    "name one that exists",
                );
                None
            }
        }
    }
}
