//! What is wrong with conditions on attestations, and what did they see?
//!
//! Each sentence about a mistake follows its place.

use std::fmt;

use super::{counted, quoted};
use crate::{
    condition::{
        Comparison, Condition, ConditionMistake, Kind, MAX_DEPTH, MAX_PARTS, MAX_PATH, MAX_TEXT, MAX_VALUES, Part,
        PathError, Saw, Scalar, Seen, Unmet, Value,
    },
    text::Shown,
};

/// The most values of the settings that a sentence names.
const MAX_NAMED: usize = 10;

impl fmt::Display for ConditionMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConditionMistake::Entries(most) => return write!(f, "expected a list of 1 to {most} entries"),
            ConditionMistake::Mapping => "expected a mapping with `path` and one comparison, or with `any`",
            ConditionMistake::Twice => "has a key twice",
            ConditionMistake::UnknownKey => "is not a key of conditions",
            ConditionMistake::NoPath => "is missing: name a part of the predicate, as in `buildDefinition.buildType`",
            ConditionMistake::Path(PathError::TooLong) => {
                return write!(f, "is too long: a path has at most {MAX_PATH} bytes and {MAX_PARTS} parts");
            }
            ConditionMistake::Path(PathError::Form(rest)) => {
                return write!(
                    f,
                    "is not a path from {} on; write it as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                    quoted(rest)
                );
            }
            ConditionMistake::NoComparison => {
                "compares nothing: give one of equals, in, noneOf, matches, prefix, atLeast, atMost, newerThan, exists and countAtMost"
            }
            ConditionMistake::SeveralComparisons => "is a second comparison; move it to its own entry of the list",
            ConditionMistake::AnyBeside => "must be alone in its entry; move the other keys to an entry of their own",
            ConditionMistake::AnyInAny => "cannot be nested; move its entries to the outer `any`",
            ConditionMistake::Text => return write!(f, "expected a text of at most {MAX_TEXT} bytes that is not empty"),
            ConditionMistake::Scalar => {
                return write!(f, "expected a text of at most {MAX_TEXT} bytes, a number, or true or false");
            }
            ConditionMistake::Number => "expected a number",
            ConditionMistake::Count => "expected a whole number, 0 or more",
            ConditionMistake::CountOfOne => "needs a path with `[*]`; any other path leads to one value",
            ConditionMistake::Regex(error) => return error.fmt(f),
            ConditionMistake::Age => "expected a number with a unit, as in `7d`, `36h` or `90m`",
            ConditionMistake::Exists => {
                "must be true: a condition cannot require that something is absent"
            }
        })
    }
}

/// The entry, and what each of its conditions expected and found.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmet(Saw { entry, conditions }) = self;
        let sentences: Vec<String> = conditions.iter().map(|(condition, seen)| unmet(condition, seen)).collect();
        match sentences.as_slice() {
            [one] => write!(f, "where[{entry}]: {one}"),
            several => {
                let alternatives = counted(several.len(), "alternative");
                write!(f, "where[{entry}]: none of its {alternatives} is met: {}", several.join("; "))
            }
        }
    }
}

/// The entry, and what its conditions found.
impl fmt::Display for Saw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Saw { entry, conditions } = self;
        let met = |(condition, seen): &(Condition, Seen)| match found(condition, seen) {
            Ok(found) => format!("{}: found {found}", place(condition, seen)),
            Err(obstacle) => obstacle,
        };
        write!(f, "where[{entry}]: {}", conditions.iter().map(met).collect::<Vec<_>>().join("; "))
    }
}

/// What was expected and what was found.
fn unmet(condition: &Condition, seen: &Seen) -> String {
    let Condition { path, comparison } = condition;
    let expected = match seen {
        Seen::Kind(at, _) => around(path.part(*at)).to_owned(),
        _ => expected(comparison),
    };
    match found(condition, seen) {
        Ok(found) => format!("{}: expected {expected}, found {found}", place(condition, seen)),
        Err(obstacle) => obstacle,
    }
}

/// The place that was looked at.
fn place(Condition { path, .. }: &Condition, seen: &Seen) -> String {
    match seen {
        Seen::Kind(0, _) => "the predicate".to_owned(),
        Seen::Kind(at, _) => quoted(path.beginning(*at)),
        _ => quoted(path.text()),
    }
}

/// What was found, or why nothing can be told of it.
fn found(Condition { path, comparison }: &Condition, seen: &Seen) -> Result<String, String> {
    let whole = quoted(path.text());
    Ok(match seen {
        Seen::Values { count: 0, .. } => "no value".to_owned(),
        Seen::Values { count, .. } if matches!(comparison, Comparison::CountAtMost(_)) => counted(*count, "value"),
        Seen::Values { first, count } => some(first.iter().map(value), *count),
        Seen::Missing(0) => "nothing".to_owned(),
        Seen::Missing(there) => format!("nothing; only {} exists", quoted(path.beginning(*there))),
        Seen::Kind(_, kind) => name(*kind).to_owned(),
        Seen::Twice(at) => return Err(format!("{}: the member occurs twice", quoted(path.beginning(*at)))),
        Seen::TooMany => return Err(format!("{whole}: leads through more than {MAX_VALUES} values")),
        Seen::TooDeep => return Err(format!("the predicate is nested more than {MAX_DEPTH} levels deep")),
        Seen::Unreadable => return Err(format!("{whole}: a name or a number on the way to it cannot be read")),
    })
}

/// What a comparison expects.
fn expected(comparison: &Comparison) -> String {
    match comparison {
        Comparison::In(accepted) => match accepted.as_slice() {
            [one] => scalar(one),
            several => format!("one of {}", some(several.iter().take(MAX_NAMED).map(scalar), several.len())),
        },
        Comparison::NoneOf(refused) => {
            format!("none of {}", some(refused.iter().take(MAX_NAMED).map(scalar), refused.len()))
        }
        Comparison::Matches(expression) => format!("a text that matches {}", quoted(expression.text())),
        Comparison::Prefix(start) => format!("a text that begins with {}", quoted(start)),
        Comparison::AtLeast(least) => format!("at least {}", Shown(least.text())),
        Comparison::AtMost(most) => format!("at most {}", Shown(most.text())),
        Comparison::NewerThan(age) => format!("a time of the last {age}"),
        Comparison::Exists => "a value".to_owned(),
        Comparison::CountAtMost(most) => format!("at most {most}"),
    }
}

/// What a part of a path is in.
fn around(part: Option<&Part>) -> &'static str {
    name(if let Some(Part::Member(_)) = part { Kind::Mapping } else { Kind::List })
}

/// The first of `count` things.
fn some(first: impl Iterator<Item = String>, count: usize) -> String {
    let mut first: Vec<String> = first.collect();
    let last = match count.saturating_sub(first.len()) {
        0 => first.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    if first.is_empty() { last } else { format!("{} and {last}", first.join(", ")) }
}

fn value(value: &Value) -> String {
    match value {
        Value::Scalar(one) => scalar(one),
        Value::Other(kind) => name(*kind).to_owned(),
        Value::Unread(bytes) => format!("a value of {bytes} bytes that cannot be compared"),
    }
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => quoted(text),
        Scalar::Number(number) => Shown(number.text()).to_string(),
        Scalar::Flag(flag) => flag.to_string(),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Flag => "a boolean",
        Kind::List => "a list",
        Kind::Mapping => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{condition::Conditions, json::JsonPath, policy::Problem, time::UnixTime};

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    #[test]
    fn mistakes_have_a_place_and_a_sentence() {
        let many = |entry: &str, count: usize| format!("[{}]", vec![entry; count].join(","));
        let long = format!(r#"[{{"path":"a","equals":"{}"}}]"#, "x".repeat(MAX_TEXT));
        let deep = format!(r#"[{{"path":"{}","exists":true}}]"#, vec!["a"; MAX_PARTS + 1].join("."));
        let one = r#"{"path":"a","exists":true}"#;
        let any = |count: usize| format!(r#"[{{"any":{}}}]"#, many(one, count));
        let of_in = |count: usize| format!(r#"[{{"path":"a","in":{}}}]"#, many("1", count));
        let mapping = "expected a mapping with `path` and one comparison, or with `any`";
        let scalar = "expected a text of at most 4096 bytes, a number, or true or false";
        let unknown = "is not a key of conditions";
        let exists = "must be true: a condition cannot require that something is absent";
        let age = "expected a number with a unit, as in `7d`, `36h` or `90m`";
        let nothing = "compares nothing: give one of equals, in, noneOf, matches, prefix, atLeast, atMost, newerThan, exists and countAtMost";
        // The settings, each place and its sentence, the reason.
        let rows: Vec<(String, Vec<(&str, &str)>, &str)> = vec![
            (many(one, 64), vec![], "as many entries as may be"),
            (many(one, 65), vec![("where", "expected a list of 1 to 64 entries")], "one more"),
            ("[]".into(), vec![("where", "expected a list of 1 to 64 entries")], "none"),
            (one.into(), vec![("where", "expected a list of 1 to 64 entries")], "no list"),
            (any(16), vec![], "as many alternatives as may be"),
            (any(17), vec![("where[0].any", "expected a list of 1 to 16 entries")], "one more"),
            (any(0), vec![("where[0].any", "expected a list of 1 to 16 entries")], "none"),
            (of_in(64), vec![], "as many values as may be"),
            (of_in(65), vec![("where[0].in", "expected a list of 1 to 64 entries")], "one more"),
            (of_in(0), vec![("where[0].in", "expected a list of 1 to 64 entries")], "none"),
            (r#"["a"]"#.into(), vec![("where[0]", mapping)], "a text"),
            (r#"[null]"#.into(), vec![("where[0]", mapping)], "null"),
            (r#"[{"any":[["a"]]}]"#.into(), vec![("where[0].any[0]", mapping)], "a list within `any`"),
            (r#"[{"path":"a","path":"a","exists":true}]"#.into(), vec![("where[0]", "has a key twice")], "a key twice"),
            (
                r#"[{"path":"a","equal":1}]"#.into(),
                vec![("where[0].equal", unknown), ("where[0]", nothing)],
                "a typing error",
            ),
            (
                r#"[{"path":"a","exists":true,"Equals":null}]"#.into(),
                vec![("where[0].Equals", unknown)],
                "whatever it holds",
            ),
            (
                r#"[{"any":[{"path":"a","exists":true,"x":1}],"y":null}]"#.into(),
                vec![("where[0].y", unknown), ("where[0].any[0].x", unknown)],
                "beside `any` and within it",
            ),
            (
                "[{}]".into(),
                vec![
                    ("where[0].path", "is missing: name a part of the predicate, as in `buildDefinition.buildType`"),
                    ("where[0]", nothing),
                ],
                "nothing",
            ),
            (
                r#"[{"path":null,"equals":1}]"#.into(),
                vec![("where[0].path", "is missing: name a part of the predicate, as in `buildDefinition.buildType`")],
                "no path",
            ),
            (r#"[{"path":"a","equals":null}]"#.into(), vec![("where[0]", nothing)], "null compares nothing"),
            (
                r#"[{"path":"a","equals":1,"in":[1]}]"#.into(),
                vec![("where[0].in", "is a second comparison; move it to its own entry of the list")],
                "two comparisons",
            ),
            (r#"[{"path":"a","equals":1,"in":null,"any":null}]"#.into(), vec![], "null is left out"),
            (
                r#"[{"path":"a","any":[{"path":"a","exists":true}]}]"#.into(),
                vec![("where[0].any", "must be alone in its entry; move the other keys to an entry of their own")],
                "a path beside `any`",
            ),
            (
                r#"[{"any":[{"any":[{"path":"a","exists":true}]}]}]"#.into(),
                vec![("where[0].any[0].any", "cannot be nested; move its entries to the outer `any`")],
                "`any` within `any`",
            ),
            (
                r#"[{"path":"a..b","exists":true}]"#.into(),
                vec![(
                    "where[0].path",
                    "is not a path from \"..b\" on; write it as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                )],
                "a path with two dots",
            ),
            (
                r#"[{"any":[{"path":"$.a","exists":true}]}]"#.into(),
                vec![(
                    "where[0].any[0].path",
                    "is not a path from \"$.a\" on; write it as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                )],
                "JSONPath",
            ),
            (deep, vec![("where[0].path", "is too long: a path has at most 512 bytes and 32 parts")], "a long path"),
            (
                r#"[{"path":"","exists":true}]"#.into(),
                vec![("where[0].path", "expected a text of at most 4096 bytes that is not empty")],
                "an empty path",
            ),
            (
                r#"[{"path":["a"],"exists":true}]"#.into(),
                vec![("where[0].path", "expected a text of at most 4096 bytes that is not empty")],
                "a list of names",
            ),
            (r#"[{"path":"a","equals":["x"]}]"#.into(), vec![("where[0].equals", scalar)], "a list"),
            (r#"[{"path":"a","in":["x",{}]}]"#.into(), vec![("where[0].in[1]", scalar)], "a mapping in a list"),
            (r#"[{"path":"a","noneOf":[null]}]"#.into(), vec![("where[0].noneOf[0]", scalar)], "null in a list"),
            (
                r#"[{"path":"a","noneOf":"x"}]"#.into(),
                vec![("where[0].noneOf", "expected a list of 1 to 64 entries")],
                "a text in place of a list",
            ),
            (long, vec![("where[0].equals", scalar)], "a long text"),
            (
                r#"[{"path":"a","prefix":""}]"#.into(),
                vec![("where[0].prefix", "expected a text of at most 4096 bytes that is not empty")],
                "the beginning of everything",
            ),
            (
                r#"[{"path":"a","matches":"v1"}]"#.into(),
                vec![(
                    "where[0].matches",
                    "is not anchored at both ends, so it would also match longer names that contain it; write `^v1$`",
                )],
                "an expression for a part",
            ),
            (
                r#"[{"path":"a","matches":7}]"#.into(),
                vec![("where[0].matches", "expected a text of at most 4096 bytes that is not empty")],
                "a number",
            ),
            (
                r#"[{"path":"a","atLeast":"7"}]"#.into(),
                vec![("where[0].atLeast", "expected a number")],
                "a text of digits",
            ),
            (r#"[{"path":"a","atMost":true}]"#.into(), vec![("where[0].atMost", "expected a number")], "a bool"),
            (r#"[{"path":"a","newerThan":"1 week"}]"#.into(), vec![("where[0].newerThan", age)], "a week"),
            (r#"[{"path":"a","newerThan":7}]"#.into(), vec![("where[0].newerThan", age)], "no unit"),
            (r#"[{"path":"a","exists":false}]"#.into(), vec![("where[0].exists", exists)], "absence"),
            (r#"[{"path":"a","exists":"true"}]"#.into(), vec![("where[0].exists", exists)], "a text"),
            (
                r#"[{"path":"a[*]","countAtMost":-1}]"#.into(),
                vec![("where[0].countAtMost", "expected a whole number, 0 or more")],
                "a negative number",
            ),
            (
                r#"[{"path":"a[*]","countAtMost":1.0}]"#.into(),
                vec![("where[0].countAtMost", "expected a whole number, 0 or more")],
                "a fraction",
            ),
            (
                r#"[{"path":"a[0]","countAtMost":0}]"#.into(),
                vec![("where[0].countAtMost", "needs a path with `[*]`; any other path leads to one value")],
                "the number of one",
            ),
        ];
        for (list, expected, why) in rows {
            let read = Conditions::read(raw(&list), &JsonPath::root().key("where"));
            let told: Vec<String> =
                read.err().unwrap_or_default().into_iter().map(|wrong| Problem::from(wrong).to_string()).collect();
            let expected: Vec<String> =
                expected.iter().map(|(place, sentence)| format!("{place}: {sentence}")).collect();
            assert_eq!(told, expected, "{why}: {list}");
        }
    }

    #[test]
    fn what_conditions_see_is_told() {
        let number = |length: usize| format!("1{}", "0".repeat(length));
        let (long, many) = (format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000)), vec!["1"; MAX_VALUES].join(","));
        let (many, deep) = (format!(r#"{{"a":[{many}]}}"#), format!("{}{}", "[".repeat(65), "]".repeat(65)));
        let (twelve, large) = (format!(r#""in":[{}]"#, (0..12).map(number).collect::<Vec<_>>().join(",")), number(300));
        let large = format!(r#"{{"a":{large}}}"#);
        // The path, the comparison, the predicate, what is told.
        let rows = [
            ("a", r#""equals":"y""#, r#"{"a":"x"}"#, r#""a": expected "y", found "x""#),
            ("a", r#""equals":"x""#, r#"{"a":"x"}"#, r#""a": found "x""#),
            ("a", r#""equals":1.50"#, r#"{"a":"1.50"}"#, r#""a": expected 1.50, found "1.50""#),
            ("a", r#""equals":true"#, r#"{"a":false}"#, r#""a": expected true, found false"#),
            ("a", r#""equals":1"#, r#"{"a":[1]}"#, r#""a": expected 1, found a list"#),
            ("a", r#""equals":1"#, r#"{"a":{}}"#, r#""a": expected 1, found a mapping"#),
            ("a", r#""in":["x",1]"#, r#"{"a":"y\"\n"}"#, r#""a": expected one of "x" and 1, found "y\"\u{a}""#),
            (
                "a",
                &twelve,
                r#"{"a":"x"}"#,
                r#""a": expected one of 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000 and 2 more, found "x""#,
            ),
            ("a", r#""equals":1"#, &large, &format!("\"a\": expected 1, found 1{}… (301 characters)", "0".repeat(199))),
            ("a.b.c", r#""equals":1"#, r#"{"a":{"b":{}}}"#, r#""a.b.c": expected 1, found nothing; only "a.b" exists"#),
            ("a.b.c", r#""equals":1"#, r#"{"a":{"b":null}}"#, r#""a.b.c": expected 1, found nothing; only "a" exists"#),
            ("a.b.c", r#""equals":1"#, r#"{}"#, r#""a.b.c": expected 1, found nothing"#),
            ("a[1]", r#""equals":1"#, r#"{"a":[1]}"#, r#""a[1]": expected 1, found nothing; only "a" exists"#),
            ("a.b.c", r#""equals":1"#, r#"{"a":{"b":"c"}}"#, r#""a.b": expected a mapping, found a text"#),
            ("a[*]", r#""equals":1"#, r#"{"a":5}"#, r#""a": expected a list, found a number"#),
            ("a", r#""equals":1"#, "[]", "the predicate: expected a mapping, found a list"),
            ("a[*].b[0]", r#""atMost":1"#, r#"{"a":[{"b":true}]}"#, r#""a[*].b": expected a list, found a boolean"#),
            (
                "a[*]",
                r#""noneOf":["x","y"]"#,
                r#"{"a":["x","z","y"]}"#,
                r#""a[*]": expected none of "x" and "y", found "x" and "y""#,
            ),
            ("a[*]", r#""equals":9"#, r#"{"a":[1,2,3,4,5]}"#, r#""a[*]": expected 9, found 1, 2, 3 and 2 more"#),
            ("a[*]", r#""equals":9"#, r#"{"a":[1,9,3,9]}"#, r#""a[*]": found 9 and 9"#),
            ("a[*]", r#""noneOf":[9]"#, r#"{"a":[]}"#, r#""a[*]": found no value"#),
            ("a[*]", r#""atLeast":9"#, r#"{"a":[]}"#, r#""a[*]": expected at least 9, found no value"#),
            ("a[*]", r#""atMost":9"#, r#"{"a":[10,9]}"#, r#""a[*]": expected at most 9, found 10"#),
            ("a[*]", r#""countAtMost":1"#, r#"{"a":[1,2]}"#, r#""a[*]": expected at most 1, found 2 values"#),
            ("a[*]", r#""countAtMost":1"#, r#"{"a":[1]}"#, r#""a[*]": found 1 value"#),
            ("a[*]", r#""exists":true"#, r#"{"a":[]}"#, r#""a[*]": expected a value, found no value"#),
            ("a", r#""matches":"^v$""#, r#"{"a":"w"}"#, r#""a": expected a text that matches "^v$", found "w""#),
            ("a", r#""prefix":"v""#, r#"{"a":"w"}"#, r#""a": expected a text that begins with "v", found "w""#),
            (
                "a",
                r#""newerThan":"36h""#,
                r#"{"a":"1970-01-01T00:00:00Z"}"#,
                r#""a": expected a time of the last 36h, found "1970-01-01T00:00:00Z""#,
            ),
            (
                "a",
                r#""prefix":"x""#,
                &long,
                r#""a": expected a text that begins with "x", found a value of 5002 bytes that cannot be compared"#,
            ),
            ("a.b", r#""equals":1"#, r#"{"a":{"b":1,"b":1}}"#, r#""a.b": the member occurs twice"#),
            ("a[*]", r#""equals":1"#, &many, r#""a[*]": leads through more than 100000 values"#),
            ("a", r#""equals":1"#, &deep, "the predicate is nested more than 64 levels deep"),
            ("a", r#""equals":1"#, r#"{"\ud800":1}"#, r#""a": a name or a number on the way to it cannot be read"#),
        ];
        let now = UnixTime::from_secs(1_795_996_800);
        for (path, comparison, predicate, expected) in rows {
            let list = format!(r#"[{{"path":"b[*]","noneOf":[0]}},{{"path":{path:?},{comparison}}}]"#);
            let conditions = Conditions::read(raw(&list), &JsonPath::root()).unwrap();
            let told = match conditions.outcomes(raw(predicate), now).nth(1).unwrap() {
                Ok(saw) => saw.to_string(),
                Err(unmet) => unmet.to_string(),
            };
            assert_eq!(told, format!("where[1]: {expected}"), "{list}");
        }
        let any = r#"[{"any":[{"path":"a","equals":1},{"path":"b","equals":2}]}]"#;
        let conditions = Conditions::read(raw(any), &JsonPath::root()).unwrap();
        assert_eq!(
            conditions.check(raw(r#"{"a":2}"#), now).unwrap_err().to_string(),
            r#"where[0]: none of its 2 alternatives is met: "a": expected 1, found 2; "b": expected 2, found nothing"#
        );
        let met: Vec<String> =
            conditions.outcomes(raw(r#"{"a":1,"b":2}"#), now).flatten().map(|saw| saw.to_string()).collect();
        assert_eq!(met, [r#"where[0]: "a": found 1; "b": found 2"#]);
    }
}
