//! Which laws hold for conditions on predicates?
//!
//! A slow reference decides over the whole value. It knows the grammar and the meaning from the documentation of the module, and nothing of its code.

use image_trust::{
    condition::{Conditions, MAX_DEPTH, MAX_TEXT, MAX_VALUES, Unmet},
    json::JsonPath,
    policy::Problem,
    time::UnixTime,
};
use serde_json::{Map, Value, json, value::RawValue};

use super::{Choices, lossy, overwritten, spliced};

/// 2026-11-30T00:00:00Z.
const NOW: u64 = 1_795_996_800;
const AHEAD: u64 = 300;

/// Conditions in the first line, and the predicate that meets them.
pub fn right() -> Vec<u8> {
    let list = json!([
        {"path": "builder.id", "prefix": "https://acme.example/"},
        {"path": "Results[*].Vulnerabilities[*].Severity", "noneOf": ["CRITICAL"]},
        {"any": [{"path": "finished", "newerThan": "7d"}, {"path": "tags[\"a.b\"][0]", "in": [1, "x", true]}]},
        {"path": "scores[*]", "atMost": 6.9},
    ]);
    let predicate = json!({
        "Results": [{"Target": "os"}, {"Vulnerabilities": [{"Severity": "LOW"}]}],
        "builder": {"id": "https://acme.example/ci"},
        "finished": "2026-11-29T00:00:00Z",
        "scores": [1, 2.5, "3"],
        "tags": {"a.b": ["x"]},
    });
    format!("{list}\n{predicate}").into_bytes()
}

/// Conditions in the first line and a predicate behind it, or both by the choices that the bytes make.
pub fn condition(data: &[u8]) -> bool {
    let right = right();
    let mut are_met = Vec::new();
    for text in [data.to_vec(), overwritten(&right, data), spliced(&right, data)] {
        let text = lossy(&text);
        are_met.extend(text.split_once('\n').map(|(list, predicate)| is_met(list, predicate)));
    }
    are_met.push(generated(data));
    are_met.contains(&true)
}

/// Small conditions and predicates of the same names and values, so that they often meet.
pub fn generated(data: &[u8]) -> bool {
    let mut choices = Choices(data);
    let predicate = document(&mut choices, 4);
    let list = some(&mut choices, 3, |choices| entry(choices, &predicate));
    is_met(&list.to_string(), &predicate.to_string())
}

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).unwrap()
}

/// Does the predicate meet the conditions? Nothing that holds of all of them is broken.
fn is_met(list: &str, predicate: &str) -> bool {
    let (Ok(list), Ok(predicate)) =
        (serde_json::from_str::<&RawValue>(list), serde_json::from_str::<&RawValue>(predicate))
    else {
        return false;
    };
    let now = UnixTime::from_secs(NOW);
    let conditions = match Conditions::read(list, &JsonPath::root().key("where")) {
        Ok(conditions) => conditions,
        Err(wrong) => {
            assert!(!wrong.is_empty(), "{list} is refused for nothing");
            for problem in wrong.into_iter().map(Problem::from) {
                assert!(problem.to_string().starts_with("where"), "a mistake has a place and a sentence");
            }
            return false;
        }
    };
    let met = conditions.check(predicate, now);
    for nothing in ["null", "{}", "[]", "true", "\"x\"", "1"] {
        if nothing != predicate.get() {
            let is_of_a_list = list.get().contains("\"[");
            assert!(is_of_a_list || conditions.check(raw(nothing), now).is_err(), "{nothing} meets {list}");
        }
    }
    if let Err(Unmet(saw)) = &met {
        let sentence = met.as_ref().unwrap_err().to_string();
        assert!(sentence.starts_with(&format!("where[{}]: ", saw.entry)), "{sentence}");
        assert!(sentence.bytes().all(|byte| !byte.is_ascii_control()) && sentence.len() < 64_000, "{sentence}");
    }
    let outcomes: Vec<bool> = conditions.outcomes(predicate, now).map(|outcome| outcome.is_ok()).collect();
    assert_eq!(outcomes.iter().all(|is_met| *is_met), met.is_ok());
    let entries: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap();
    for (entry, outcome) in entries.iter().zip(&outcomes) {
        let alone = Conditions::read(raw(&format!("[{entry}]")), &JsonPath::root()).unwrap();
        assert_eq!(alone.check(predicate, now).is_ok(), *outcome, "{entry} depends on the others");
    }
    // What follows reads values, in which numbers and members can be lost.
    let (Some(list), Some(value)) = (canonical(list), canonical(predicate)) else { return met.is_ok() };
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(conditions.check(raw(&pretty), now), met, "white space decides: {list} of {value}");
    if depth(&value) <= MAX_DEPTH {
        for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
            let mut without = value.clone();
            without.as_object_mut().unwrap().remove(key);
            let is_met = conditions.check(raw(&without.to_string()), now).is_ok();
            assert!(!is_met || met.is_ok(), "leaving {key} out makes {value} meet {list}");
        }
    }
    if let Some(expected) = expected(&list, &value) {
        assert_eq!(met.is_ok(), expected, "{list} of {value}: {met:?}");
    }
    met.is_ok()
}

/// The value, if it says all that the text does.
fn canonical(json: &RawValue) -> Option<Value> {
    let value: Value = serde_json::from_str(json.get()).ok()?;
    let written = value.to_string();
    (written == json.get()).then_some(value)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether the predicate meets all conditions; `None` if the reference cannot tell.
fn expected(list: &Value, predicate: &Value) -> Option<bool> {
    let mut all = true;
    for entry in list.as_array().unwrap() {
        let alternatives = match entry.get("any").filter(|any| !any.is_null()) {
            Some(any) => any.as_array().unwrap().iter().collect(),
            None => vec![entry],
        };
        let mut any = false;
        for one in alternatives {
            any |= meets(one, predicate)?;
        }
        all &= any;
    }
    Some(all && depth(predicate) <= MAX_DEPTH)
}

#[derive(Clone, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
    Every,
}

/// A path, letter by letter.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path.to_owned();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            // The shortest text with quotes that is JSON.
            let ends = inner.match_indices("\"]").map(|(at, _)| at);
            let names = ends.filter_map(|at| Some((at, serde_json::from_str(&format!("\"{}\"", &inner[..at])).ok()?)));
            let (at, name) = names.into_iter().next().unwrap();
            steps.push(Step::Name(name));
            rest = inner[at + 2..].to_owned();
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']').unwrap();
            steps.push(inside.parse().map_or(Step::Every, Step::Index));
            rest = after.to_owned();
        } else {
            let name: String = rest.trim_start_matches('.').chars().take_while(|c| !['.', '['].contains(c)).collect();
            let after = rest.trim_start_matches('.').len() - name.len();
            rest = rest[rest.len() - after..].to_owned();
            steps.push(Step::Name(name));
        }
    }
    steps
}

/// What a path leads to.
#[derive(Default)]
struct Reached<'v> {
    values: Vec<&'v Value>,
    /// A part before the first `[*]` is not there, or not what it has to be.
    is_cut: bool,
    /// Something below the first `[*]` is of another type.
    is_strange: bool,
    looked: usize,
}

fn reach<'v>(value: &'v Value, steps: &[Step], is_below: bool, reached: &mut Reached<'v>) {
    reached.looked += 1;
    let Some((step, rest)) = steps.split_first() else {
        if value.is_null() {
            reached.is_cut |= !is_below;
        } else {
            reached.values.push(value);
        }
        return;
    };
    let next = match (step, value) {
        (_, Value::Null) => None,
        (Step::Name(name), Value::Object(map)) => map.get(name),
        (Step::Index(index), Value::Array(list)) => list.get(*index),
        (Step::Every, Value::Array(list)) => {
            list.iter().for_each(|entry| reach(entry, rest, true, reached));
            return;
        }
        _ => {
            reached.is_strange |= is_below;
            reached.is_cut |= !is_below;
            return;
        }
    };
    match next {
        Some(next) => reach(next, rest, is_below, reached),
        None => reached.is_cut |= !is_below,
    }
}

fn meets(condition: &Value, predicate: &Value) -> Option<bool> {
    let steps = steps(condition["path"].as_str().unwrap());
    let mut reached = Reached::default();
    reach(predicate, &steps, false, &mut reached);
    let Reached { values, is_cut, is_strange, looked } = reached;
    let given = condition.as_object().unwrap().iter().find(|(key, value)| *key != "path" && !value.is_null());
    let (key, wanted) = given.unwrap();
    let mut each = Vec::new();
    for value in &values {
        each.push(compares(key, wanted, value)?);
    }
    let all = each.iter().all(|is_met| *is_met) && !is_strange;
    let is_met = match key.as_str() {
        "noneOf" | "atMost" => all,
        "atLeast" => all && !each.is_empty(),
        "countAtMost" => all && values.len() as u64 <= wanted.as_u64().unwrap(),
        _ => each.contains(&true),
    };
    Some(is_met && !is_cut && looked <= MAX_VALUES)
}

fn compares(key: &str, wanted: &Value, value: &Value) -> Option<bool> {
    if ["exists", "countAtMost"].contains(&key) {
        return Some(true);
    }
    let is_scalar = !value.is_object() && !value.is_array();
    if !is_scalar || !value.is_boolean() && value.to_string().len() > MAX_TEXT {
        return Some(false);
    }
    let equals = |other: &Value| match (value, other) {
        (Value::Number(_), Value::Number(_)) => order(value, other) == Some(std::cmp::Ordering::Equal),
        _ => value == other,
    };
    let is_like = |other: &Value| std::mem::discriminant(value) == std::mem::discriminant(other);
    let text = value.as_str();
    Some(match key {
        "equals" => equals(wanted),
        "in" => wanted.as_array().unwrap().iter().any(equals),
        "noneOf" => {
            let refused = wanted.as_array().unwrap();
            refused.iter().any(is_like) && !refused.iter().any(equals)
        }
        "matches" => {
            let expression = regex_lite::Regex::new(&format!(r"\A(?:{})\z", wanted.as_str().unwrap())).unwrap();
            text.is_some_and(|text| expression.is_match(text))
        }
        "prefix" => text.is_some_and(|text| text.as_bytes().starts_with(wanted.as_str().unwrap().as_bytes())),
        "newerThan" => {
            let age = wanted.as_str().unwrap();
            let (number, unit) = age.split_at(age.len() - 1);
            let unit = [("m", 60), ("h", 3_600), ("d", 86_400)].into_iter().find(|(name, _)| *name == unit).unwrap().1;
            let time = text.and_then(UnixTime::parse_with_offset).map(|time| time.as_duration().as_secs());
            time.is_some_and(|time| time + number.parse::<u64>().unwrap() * unit >= NOW && time <= NOW + AHEAD)
        }
        "atLeast" | "atMost" => {
            let number = match text {
                None => Some(value.clone()),
                Some(text) if text.len() > 15 || text.contains(['e', 'E']) => return None,
                Some(text) => serde_json::from_str::<Value>(text).ok().filter(|_| text.trim() == text),
            };
            let order = number.and_then(|number| order(&number, wanted));
            order.is_some_and(|order| if key == "atLeast" { order.is_ge() } else { order.is_le() })
        }
        other => panic!("{other} is no comparison"),
    })
}

/// How two numbers compare, integers exactly.
fn order(one: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    let whole = |value: &Value| {
        let float = || value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e30);
        value.as_u64().map(i128::from).or(value.as_i64().map(i128::from)).or(float().map(|float| float as i128))
    };
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

const NAMES: [&str; 5] = ["a", "b", "c d", "\u{fc}", "\"]"];
const EXPRESSIONS: [&str; 3] = ["^x*$", "^[0-9]+$", "^(?:x|2026.*)$"];
const AGES: [&str; 3] = ["7d", "36h", "90m"];

fn scalar(choices: &mut Choices<'_>) -> Value {
    let all = [
        json!("x"),
        json!("xy"),
        json!(""),
        json!("1"),
        json!("1.5"),
        json!(" 1"),
        json!("01"),
        json!("2026-11-29T00:00:00Z"),
        json!("2026-11-28T23:30:00-05:00"),
        json!("2026-11-30T00:05:01Z"),
        json!("2026-11-22T00:00:00Z"),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(-2),
        json!(9_007_199_254_740_992_u64),
        json!(9_007_199_254_740_993_u64),
        json!(u64::MAX),
        json!(1e300),
        json!(true),
        json!(false),
    ];
    choices.one(&all).clone()
}

/// One of what `make` makes, or some more.
fn some(choices: &mut Choices<'_>, most: usize, mut make: impl FnMut(&mut Choices<'_>) -> Value) -> Value {
    (0..=choices.below(most)).map(|_| make(choices)).collect::<Vec<Value>>().into()
}

fn document(choices: &mut Choices<'_>, levels: usize) -> Value {
    let kind = if levels == 0 { 0 } else { choices.below(6) };
    match kind {
        1 => (0..choices.below(4)).map(|_| document(choices, levels - 1)).collect::<Vec<Value>>().into(),
        2..=4 => {
            let entry = |_| (choices.one(&NAMES).to_string(), document(choices, levels - 1));
            (0..4).map(entry).collect::<Map<String, Value>>().into()
        }
        _ if choices.once_in(8) => Value::Null,
        _ => scalar(choices),
    }
}

fn entry(choices: &mut Choices<'_>, predicate: &Value) -> Value {
    match choices.once_in(4) {
        true => json!({"any": some(choices, 3, |choices| one_condition(choices, predicate))}),
        false => one_condition(choices, predicate),
    }
}

/// A condition on something that is there, mostly.
fn one_condition(choices: &mut Choices<'_>, predicate: &Value) -> Value {
    let mut path = String::new();
    let mut at = Some(predicate);
    for steps in 0..=choices.below(4) {
        let is_lost = choices.once_in(16);
        let (part, next) = match at.filter(|_| !is_lost) {
            Some(Value::Array(list)) => match choices.below(4) {
                index @ 0..2 => (format!("[{index}]"), list.get(index)),
                _ => ("[*]".to_owned(), list.first()),
            },
            Some(Value::Object(map)) => {
                let name = map.keys().nth(choices.below(4)).map_or("x", String::as_str);
                (named(name, steps), map.get(name))
            }
            Some(_) if steps > 0 => break,
            _ => (named(choices.one::<&str>(&NAMES), steps), None),
        };
        path += &part;
        at = next;
    }
    let reached = at.filter(|value| !value.is_null() && !value.is_array() && !value.is_object());
    let wanted = |choices: &mut Choices<'_>| match reached {
        Some(value) if !choices.once_in(3) => value.clone(),
        _ => scalar(choices),
    };
    let numbers = [json!(0), json!(1), json!(1.5), json!(-7), json!(1e20)];
    let (key, value) = match choices.below(10) {
        0 => ("equals", wanted(choices)),
        1 => ("in", some(choices, 2, wanted)),
        2 => ("noneOf", some(choices, 3, scalar)),
        3 => ("matches", json!(choices.one(&EXPRESSIONS))),
        4 => ("prefix", json!("x")),
        5 => ("atLeast", choices.one(&numbers).clone()),
        6 => ("atMost", choices.one(&numbers).clone()),
        7 => ("newerThan", json!(choices.one(&AGES))),
        8 if path.contains("[*]") => ("countAtMost", json!(choices.below(4))),
        _ => ("exists", json!(true)),
    };
    json!({"path": path, key: value})
}

fn named(name: &str, steps: usize) -> String {
    match name {
        "a" | "b" | "x" if steps == 0 => name.to_owned(),
        "a" | "b" | "x" => format!(".{name}"),
        odd => format!("[{}]", json!(odd)),
    }
}
