//! What is wrong with these settings, all of it?
//!
//! [`check`] is the door for whoever deploys a policy: it reads everything, down to the last key, and reports every mistake with its path. It judges by
//! what requests go through, [`Policy`] and its rules; its own part is to go on after a mistake. It never asks the host: policy-server
//! calls it before it listens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Problem,
    pattern::Pattern,
    rule::{MAX_RULES, MAX_VALIDATORS, Policy, Rule, bound, read_validator},
    shape::SETTINGS,
};
use crate::shown::Shown;

/// All problems of these settings (JSON text); none means that requests can be decided with them.
#[must_use]
pub fn check(json: &str) -> Vec<Problem> {
    let value: Value = match serde_json::from_str(json) {
        Ok(value) => value,
        Err(error) => return vec![Problem::new("", format!("the settings are not JSON: {error}"))],
    };
    let mut problems = Vec::new();
    let kept = SETTINGS.walk(&value, "", &mut problems).unwrap_or_default();
    let whole = Whole {
        validators: sound(&kept, "validators", MAX_VALIDATORS, &mut problems),
        rules: sound(&kept, "policy", MAX_RULES, &mut problems),
    };
    let text = whole.settings(&value).to_string();
    match Policy::load(&text) {
        Ok(policy) => whole.check_meaning(&policy, &mut problems),
        Err(problem) => problems.push(problem),
    }
    if problems.is_empty() {
        // Requests read the very text, so it has the last word.
        problems.extend(Policy::load(json).err());
    }
    problems
}

/// The entries of both lists; `None` where the shape was wrong already and no more can be said.
struct Whole {
    validators: Vec<Option<Value>>,
    rules: Vec<Option<Value>>,
}

fn sound(kept: &Value, list: &str, most: usize, problems: &mut Vec<Problem>) -> Vec<Option<Value>> {
    let Some(entries) = kept.get(list).and_then(Value::as_array) else {
        return vec![None];
    };
    if !(1..=most).contains(&entries.len()) {
        problems.push(Problem::new(list, bound(entries.len(), most)));
        return vec![None];
    }
    let untouched = |i: usize| {
        let path = format!("{list}[{i}]");
        !problems.iter().any(|problem| problem.path.starts_with(&path))
    };
    let sound = |(i, entry): (usize, &Value)| untouched(i).then(|| entry.clone());
    entries.iter().enumerate().map(sound).collect()
}

impl Whole {
    /// Settings that load, with harmless stand-ins for what is broken. A broken validator keeps its name, so that rules still find it, and a broken
    /// rule its validator's, so that it can still be found missing.
    fn settings(&self, original: &Value) -> Value {
        let name =
            |i: usize| original.pointer(&format!("/validators/{i}/name")).and_then(Value::as_str).unwrap_or_default();
        let validator = |(i, entry): (usize, &Option<Value>)| match entry {
            Some(entry) => entry.clone(),
            None => json!({"name": name(i), "type": "static", "approve": false}),
        };
        let validators: Vec<Value> = self.validators.iter().enumerate().map(validator).collect();
        let some_name = validators.first().and_then(|validator| validator.get("name")).cloned();
        let rule = |(i, entry): (usize, &Option<Value>)| match (entry, original.pointer(&format!("/policy/{i}"))) {
            (Some(entry), _) => entry.clone(),
            (None, Some(Value::Object(written))) => {
                let named = written.get("validator").filter(|name| name.is_string() || name.is_null()).cloned();
                let absent = !written.contains_key("validator");
                json!({"pattern": "*", "validator": named.or(if absent { None } else { some_name.clone() })})
            }
            (None, _) => json!({"pattern": "*", "validator": some_name}),
        };
        let rules: Vec<Value> = self.rules.iter().enumerate().map(rule).collect();
        json!({"validators": validators, "policy": rules})
    }

    fn check_meaning(&self, policy: &Policy<'_>, problems: &mut Vec<Problem>) {
        let sound = |list: &[Option<Value>], i: usize| list.get(i).is_some_and(Option::is_some);
        for (i, validator) in policy.settings().validators.iter().enumerate() {
            let name = &*validator.name.0;
            let same = |other: &super::settings::Validator<'_>| other.name.0 == name;
            if !sound(&self.validators, i) {
                continue;
            }
            let path = format!("validators[{i}].name");
            if name.is_empty() {
                problems.push(Problem::new(path, "is empty; rules find a validator by its name"));
            } else if policy.settings().validators.iter().take(i).any(same) {
                problems.push(Problem::new(path, format!("`{}` is the name of another validator", Shown(name))));
            }
            problems.extend(read_validator((i, validator)).err().into_iter().flatten());
        }
        let mut seen: BTreeMap<String, Rule<'_>> = BTreeMap::new();
        for (i, written) in policy.settings().policy.iter().enumerate() {
            let rule = match policy.rule(i, written) {
                Ok(rule) => rule,
                Err(problem) => {
                    // Where a validator has no name that can be read, it may be the one.
                    problems.extend(
                        policy
                            .settings()
                            .validators
                            .iter()
                            .all(|validator| !validator.name.0.is_empty())
                            .then_some(problem),
                    );
                    continue;
                }
            };
            if !sound(&self.rules, i) || !sound(&self.validators, rule.validator_index()) {
                continue;
            }
            if let Err(wrong) = rule.read() {
                // What is wrong with its validator was said there.
                problems.extend(wrong.into_iter().filter(|problem| problem.path.starts_with("policy")));
                continue;
            }
            let Ok(pattern) = Pattern::parse(rule.pattern()) else {
                continue;
            };
            match seen.get(&pattern.to_string()) {
                Some(other) if rule.decides_like(other) != Ok(true) => {
                    let what = format!(
                        "matches exactly what `{}` does, and decides differently; keep one of them",
                        Shown(other.pattern())
                    );
                    problems.push(Problem::new(format!("policy[{i}].pattern"), what));
                }
                Some(_) => {}
                None => drop(seen.insert(pattern.to_string(), rule)),
            }
        }
    }
}
