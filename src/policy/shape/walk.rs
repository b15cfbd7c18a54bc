//! What is wrong with the shape of these settings, all of it?
//!
//! The table is walked over the whole of the settings at once, so that somebody who deploys a policy reads every mistake in one go. What the walk objects to is
//! cut out; what is left has the shape of `settings` and can be checked further.

use serde_json::{Map, Value};
use strsim::osa_distance;

use super::{Field, OTHER_TYPES, Shape, TYPES};
use crate::{
    json::JsonPath,
    policy::{Found, Mistake, Problem, pattern::Pattern},
    signing::PublicKey,
    text::Shown,
};

/// What people call a key, and the key.
const OTHER_WORDS: [(&str, &str); 2] = [("policies", "policy"), ("rules", "policy")];
/// Longest key for which it is looked for what was meant, in bytes.
const MAX_KEY: usize = 40;

impl Shape {
    /// Notes what is wrong with `value`, and returns it without that; `None` where nothing is left.
    pub(in crate::policy) fn walk(&self, value: &Value, path: &JsonPath, problems: &mut Vec<Problem>) -> Option<Value> {
        let mut wrong = |what: Mistake| {
            problems.push(Problem::new(path.clone(), what));
            None
        };
        match (self, value) {
            (Shape::Text, Value::String(_))
            | (Shape::Flag, Value::Bool(_))
            | (Shape::Number, Value::Number(_))
            | (Shape::Scalar, Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(value.clone()),
            (Shape::Pattern, Value::String(text)) => match Pattern::parse(text) {
                Ok(_) => Some(value.clone()),
                Err(error) => wrong(Mistake::Pattern(error)),
            },
            (Shape::Key, Value::String(text)) => match PublicKey::parse(text) {
                Ok(_) => Some(value.clone()),
                Err(error) => wrong(Mistake::Key(error)),
            },
            (Shape::Count | Shape::CountFromZero | Shape::Milliseconds | Shape::HostCalls, Value::Number(number))
                if self.numbers().zip(number.as_u64()).is_some_and(|((least, most), number)| {
                    number >= least && most.is_none_or(|most| number <= most)
                }) =>
            {
                Some(value.clone())
            }
            (Shape::Word(words), Value::String(word)) if words.contains(&word.as_str()) => Some(value.clone()),
            (Shape::ValidatorType, Value::String(word)) => match OTHER_TYPES.iter().find(|(other, _)| other == word) {
                Some((_, why)) => wrong(Mistake::Refused(why)),
                None => Shape::Word(TYPES).walk(value, path, problems),
            },
            (Shape::FlagOr(_), Value::Bool(_))
            | (Shape::TextOr(_) | Shape::NameOrNames, Value::String(_))
            | (Shape::Document, Value::Object(_) | Value::String(_)) => Some(value.clone()),
            (Shape::FlagOr(shape) | Shape::TextOr(shape), Value::Object(_)) => shape.walk(value, path, problems),
            (Shape::Refused(why), _) => wrong(Mistake::Refused(why)),
            (Shape::Texts, Value::Object(map)) => {
                let entry = |(key, value): (&String, &Value)| {
                    let path = path.key(Shown(key).to_string());
                    Shape::Text.walk(value, &path, problems).map(|value| (key.clone(), value))
                };
                Some(Value::Object(map.iter().filter_map(entry).collect()))
            }
            (Shape::NameOrNames, Value::Array(_)) => Shape::Names.walk(value, path, problems),
            (Shape::Names, Value::Array(list)) if list.is_empty() => wrong(Mistake::NoNames),
            (Shape::Names, Value::Array(_)) => Shape::List(&Shape::Text).walk(value, path, problems),
            (Shape::List(shape), Value::Array(list)) => {
                let entry =
                    |(i, value): (usize, &Value)| shape.walk(value, &path.index(i), problems).unwrap_or(Value::Null);
                Some(Value::Array(list.iter().enumerate().map(entry).collect()))
            }
            (Shape::Object(fields), Value::Object(map)) => walk_object(fields, map, path, problems),
            _ => wrong(Mistake::Type { found: Found::of(value), expected: *self }),
        }
    }
}

fn walk_object(
    fields: &[Field],
    map: &Map<String, Value>,
    path: &JsonPath,
    problems: &mut Vec<Problem>,
) -> Option<Value> {
    let mut kept = Map::new();
    for field in fields {
        // As in Kubernetes, null is the same as leaving a key out; but requests read a refused key as unknown, whatever it holds.
        let refused = matches!(field.shape, Shape::Refused(_));
        match map.get(field.key).filter(|value| refused || !value.is_null()) {
            Some(value) => kept.extend(
                field.shape.walk(value, &path.key(field.key), problems).map(|value| (field.key.to_owned(), value)),
            ),
            None if field.required => problems.push(Problem::new(path.key(field.key), Mistake::Missing)),
            None => {}
        }
    }
    for key in map.keys().filter(|key| !fields.iter().any(|field| field.key == *key)) {
        let known: Vec<&'static str> =
            fields.iter().filter(|field| !matches!(field.shape, Shape::Refused(_))).map(|field| field.key).collect();
        let meant = nearest(key, &known);
        problems.push(Problem::new(path.key(Shown(key).to_string()), Mistake::UnknownKey { meant, known }));
    }
    Some(Value::Object(kept))
}

/// The key that was probably meant: the same letters in another case or with other separators, or all but two of them.
fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let folded = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let written = Some(folded(written)).filter(|written| written.len() <= MAX_KEY)?;
    // Other words for the same, which are further from it than a typing error is.
    let written = OTHER_WORDS.iter().find(|(other, _)| *other == written).map_or(written, |(_, key)| (*key).to_owned());
    let distance = |key: &&&str| osa_distance(&written, &folded(key));
    let nearest = known.iter().min_by_key(distance)?;
    let most = if written.len() < 5 { 1 } else { 2 };
    (distance(&nearest) <= most).then_some(*nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_were_meant() {
        let known = ["trustRoot", "threshold", "required", "mode", "key", "keyless"];
        let rows = [
            ("trustroot", Some("trustRoot"), "another case"),
            ("trust_root", Some("trustRoot"), "other separators"),
            ("trustRoots", Some("trustRoot"), "one letter more"),
            ("treshold", Some("threshold"), "one letter less"),
            ("requried", Some("required"), "likewise, in a longer one"),
            ("kye", Some("key"), "two letters that changed places"),
            ("kee", Some("key"), "one letter of three"),
            ("annotations", None, "something else"),
            ("", None, "nothing"),
            ("policies", None, "another word for a key that is not known here"),
        ];
        for (written, expected, why) in rows {
            assert_eq!(nearest(written, &known), expected, "{why}: {written}");
        }
        for written in ["policies", "Policies", "rules", "polcy"] {
            assert_eq!(nearest(written, &["validators", "policy", "features"]), Some("policy"), "{written}");
        }
    }
}
