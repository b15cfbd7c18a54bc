//! What is wrong with these settings, all of it?
//!
//! [`check`] is the door for whoever deploys a policy: it reads everything, down to the last key, and reports every mistake with its path. It judges by
//! what requests go through, [`Policy`] and its rules; its own part is to go on after a mistake. It never asks the host: policy-server
//! calls it before it listens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Mistake, Problem, ValidatorName,
    exception::{MAX_EXCEPTIONS, ReadException},
    pattern::Pattern,
    rule::{MAX_RULES, MAX_VALIDATORS, Policy, Rule},
    settings::WorkloadKind,
    shape::SETTINGS,
    validator::Validator,
    workloads::{self, MAX_WORKLOADS},
};
use crate::{json::JsonPath, ordered::set};

/// All problems of these settings (JSON text); none means that requests can be decided with them.
#[must_use]
pub fn check(json: &str) -> Vec<Problem> {
    let value: Value = match serde_json::from_str(json) {
        Ok(value) => value,
        Err(error) => return vec![Problem::of_all(Mistake::NotJson(error.to_string()))],
    };
    let mut problems = Vec::new();
    let kept = SETTINGS.walk(&value, &JsonPath::root(), &mut problems).unwrap_or_default();
    let whole = Whole {
        validators: entries(&kept, "validators", MAX_VALIDATORS, &mut problems),
        rules: entries(&kept, "policy", MAX_RULES, &mut problems),
    };
    let text = whole.settings(&value).to_string();
    match Policy::load(&text) {
        Ok(policy) => whole.check_meaning(&policy, &mut problems),
        Err(problem) => problems.push(problem),
    }
    check_exceptions(&kept, &mut problems);
    check_workloads(&kept, &mut problems);
    if problems.is_empty() {
        // Requests read the very text, so it has the last word.
        match Policy::load(json) {
            Ok(policy) => problems.extend(policy.problems()),
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

fn check_exceptions(kept: &Value, problems: &mut Vec<Problem>) {
    for (i, entry) in sound_entries(kept, "exceptions", MAX_EXCEPTIONS, problems) {
        // What is not read here was told by the walk.
        if let Ok(written) = serde_json::from_str(&entry) {
            problems.extend(ReadException::read(i, &written).err().into_iter().flatten());
        }
    }
}

fn check_workloads(kept: &Value, problems: &mut Vec<Problem>) {
    let entries = sound_entries(kept, "workloads", MAX_WORKLOADS, problems);
    let mut earlier = Vec::new();
    for (i, entry) in &entries {
        if let Ok(written) = serde_json::from_str::<WorkloadKind<'_>>(entry) {
            problems.extend(workloads::problems(*i, &written, &earlier));
            earlier.push(written);
        }
    }
}

/// The entries of an optional list in which the walk found nothing wrong, as JSON.
fn sound_entries(kept: &Value, list: &'static str, most: usize, problems: &mut Vec<Problem>) -> Vec<(usize, String)> {
    if kept.get(list).is_none() {
        return Vec::new();
    }
    let entries = entries(kept, list, most, problems).into_iter().enumerate();
    entries.filter(|(_, entry)| entry.sound).map(|(i, entry)| (i, entry.kept.to_string())).collect()
}

/// The entries of both lists, without what the walk cut out of them.
struct Whole {
    validators: Vec<Entry>,
    rules: Vec<Entry>,
}

struct Entry {
    kept: Value,
    /// Nothing had to be cut out.
    sound: bool,
}

/// The entries of a list; a list that is no list, or too long, is one entry of which nothing is known.
fn entries(kept: &Value, list: &'static str, most: usize, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let nothing = || vec![Entry { kept: Value::Null, sound: false }];
    let Some(entries) = kept.get(list).and_then(Value::as_array) else { return nothing() };
    let list = JsonPath::root().key(list);
    if !(1..=most).contains(&entries.len()) {
        problems.push(Problem::new(list, Mistake::Entries { length: entries.len(), most }));
        return nothing();
    }
    let told = Told::of(problems);
    let sound = |i: usize| !told.is_about(&list.index(i));
    entries.iter().enumerate().map(|(i, kept)| Entry { kept: kept.clone(), sound: sound(i) }).collect()
}

/// The places of which something was told.
struct Told(BTreeSet<JsonPath>);

impl Told {
    fn of(problems: &[Problem]) -> Told {
        Told(set(problems.iter().map(|problem| problem.path.clone())))
    }

    /// Was something told of this place, of one around it other than the whole, or of one in it?
    fn is_about(&self, path: &JsonPath) -> bool {
        // What is in a place follows it in this order.
        let next = self.0.range(path..).next();
        next.is_some_and(|next| next.is_within(path)) || path.around().any(|outer| self.0.contains(&outer))
    }
}

impl Whole {
    /// Settings that load, with harmless stand-ins for what is broken. A broken validator keeps its name, so that rules still find it.
    fn settings(&self, original: &Value) -> Value {
        let all = original.get("validators").and_then(Value::as_array).filter(|all| all.len() == self.validators.len());
        let name = |i: usize| all.and_then(|all| all.get(i)?.get("name")?.as_str()).unwrap_or_default();
        let validator = |(i, entry): (usize, &Entry)| match entry.sound {
            true => entry.kept.clone(),
            false => json!({"name": name(i), "type": "static", "approve": false}),
        };
        let validators: Vec<Value> = self.validators.iter().enumerate().map(validator).collect();
        let some_name = validators.first().and_then(|validator| validator.get("name")).cloned();
        let rule = |entry: &Entry| match &entry.kept {
            Value::Object(written) => {
                let mut rule = written.clone();
                rule.entry("pattern").or_insert_with(|| "*".into());
                if let Some(Value::Array(names)) = rule.get_mut("with").and_then(|with| with.get_mut("required")) {
                    names.retain(Value::is_string);
                }
                Value::Object(rule)
            }
            _ => json!({"pattern": "*", "validator": some_name}),
        };
        json!({"validators": validators, "policy": self.rules.iter().map(rule).collect::<Vec<_>>()})
    }

    fn check_meaning(&self, policy: &Policy<'_>, problems: &mut Vec<Problem>) {
        let sound = |list: &[Entry], i: usize| list.get(i).is_some_and(|entry| entry.sound);
        let validators = &policy.settings().validators;
        for (i, validator) in validators.iter().enumerate() {
            let name = &*validator.name.0;
            let path = JsonPath::root().key("validators").index(i).key("name");
            if name.is_empty() && sound(&self.validators, i) {
                problems.push(Problem::new(path, Mistake::NoValidatorName));
            } else if !name.is_empty() && validators.iter().take(i).any(|other| other.name.0 == name) {
                problems.push(Problem::new(path, Mistake::ValidatorNameTwice(ValidatorName(name.to_owned()))));
            }
            if sound(&self.validators, i) {
                problems.extend(Validator::read((i, validator)).err().into_iter().flatten());
            }
        }
        let told = Told::of(problems);
        // Where a validator has no name that can be read, it may be the one that a rule means.
        let all_named = validators.iter().all(|validator| !validator.name.0.is_empty());
        let mut seen: BTreeMap<String, Rule<'_>> = BTreeMap::new();
        for (i, written) in policy.settings().policy.iter().enumerate() {
            let rule = match policy.rule(i, written) {
                Ok(rule) => rule,
                Err(problem) => {
                    problems.extend((all_named && !told.is_about(&problem.path)).then_some(problem));
                    continue;
                }
            };
            if !sound(&self.validators, rule.validator_index()) {
                continue;
            }
            if let Err(wrong) = rule.read() {
                // What is wrong with its validator was told there.
                problems.extend(wrong.into_iter().filter(|problem| !told.is_about(&problem.path)));
                continue;
            }
            let Some(pattern) = Pattern::parse(&written.pattern.0).ok().filter(|_| sound(&self.rules, i)) else {
                continue;
            };
            match seen.get(&pattern.to_string()) {
                Some(other) if rule.decides_like(other) != Ok(true) => {
                    let what = Mistake::SamePattern(other.pattern());
                    problems.push(Problem::new(rule.path().key("pattern"), what));
                }
                Some(_) => {}
                None => drop(seen.insert(pattern.to_string(), rule)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in for something broken is described by the table, like everything else.
    #[test]
    fn stand_ins_have_the_shape_of_settings() {
        let broken = || vec![Entry { kept: Value::Null, sound: false }];
        let stand_in = Whole { validators: broken(), rules: broken() }.settings(&json!({}));
        let mut problems = Vec::new();
        assert_eq!(SETTINGS.walk(&stand_in, &JsonPath::root(), &mut problems), Some(stand_in));
        assert_eq!(problems, []);
    }

    #[test]
    fn of_a_list_that_can_not_be_read_nothing_else_is_told() {
        let signed = json!({
            "name": "default", "type": "cosign",
            "trustRoots": [{"name": "alice", "key": include_str!("../../tests/keys/alice.pub")}],
        });
        let rule = json!({"pattern": "ghcr.io/acme/*:*", "with": {"trustRoot": "alice"}});
        let of_static = json!({"pattern": "*:*", "validator": "allow", "with": {"trustRoot": "alice"}});
        let many = |entry: &Value, count: usize| Value::Array(vec![entry.clone(); count]);
        let (no_rule, no_validator) =
            ("policy: is empty; expected at least one entry", "validators: is empty; expected at least one entry");
        // validators, policy, what is told, the reason
        let table: [(Value, Value, &[&str], &str); 7] = [
            (many(&signed, 1), many(&rule, MAX_RULES), &[], "as many rules as are read"),
            (
                many(&signed, 1),
                many(&rule, MAX_RULES + 1),
                &["policy: has 10001 entries; at most 10000 are allowed"],
                "the stand-in for rules names no trust root, and nobody wrote it",
            ),
            (many(&signed, 1), json!([]), &[no_rule], "none"),
            (many(&signed, 1), json!("*"), &["policy: is the text `*`; it must be a list"], "no list"),
            (
                many(&signed, MAX_VALIDATORS + 1),
                many(&rule, 1),
                &["validators: has 101 entries; at most 100 are allowed"],
                "the stand-in for validators has no name",
            ),
            (json!([]), json!([]), &[no_validator, no_rule], "neither"),
            (
                json!([signed, {"name": "allow", "type": "static", "approve": true}]),
                json!([of_static, {"with": {"trustRoot": "alice"}}]),
                &["policy[1].pattern: is missing", "policy[0].with: a static validator proves nothing"],
                "what is said of one entry hides nothing of another",
            ),
        ];
        for (validators, policy, expected, why) in table {
            let settings = json!({"validators": validators, "policy": policy}).to_string();
            let told: Vec<String> = check(&settings).iter().map(Problem::to_string).collect();
            let is_expected = |(told, expected): (&String, &&str)| told.starts_with(expected);
            let all = told.len() == expected.len() && told.iter().zip(expected).all(is_expected);
            assert!(all, "{why}: {told:?}");
        }
    }
}
