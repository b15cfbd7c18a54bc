//! What is wrong with conditions on attestations, and what did they see?
//!
//! Each sentence about a mistake follows its place.

use std::fmt;

use super::{counted, quoted};
use crate::{
    condition::{
        Comparison, Condition, ConditionMistake, Kind, MAX_DEPTH, MAX_PARTS, MAX_PATH, MAX_TEXT, MAX_VALUES, Part,
        Path, PathError, Saw, Scalar, Seen, Unmet, Value,
    },
    text::Shown,
};

/// The most values of the settings that a sentence names.
const MAX_NAMED: usize = 10;

impl fmt::Display for ConditionMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConditionMistake::Entries(most) => return write!(f, "must be a list with 1 to {most} entries"),
            ConditionMistake::Mapping => "must be a mapping with `path` and one comparison, or with `any`",
            ConditionMistake::Twice => "has a key twice",
            ConditionMistake::UnknownKey => "is not a key of conditions",
            ConditionMistake::NoPath => "is missing: name a part of the predicate, as in `buildDefinition.buildType`",
            ConditionMistake::Path(PathError::TooLong) => {
                return write!(f, "is too long: a path has at most {MAX_PATH} bytes and {MAX_PARTS} parts");
            }
            ConditionMistake::Path(PathError::Form(rest)) => {
                return write!(
                    f,
                    "cannot be read from {} on; write a path as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                    quoted(rest)
                );
            }
            ConditionMistake::NoComparison => {
                "compares nothing: give one of equals, in, noneOf, matches, prefix, atLeast, atMost, newerThan, exists and countAtMost"
            }
            ConditionMistake::SeveralComparisons => "is a second comparison; make it an entry of its own",
            ConditionMistake::AnyBeside => "must be alone in its entry; move the other keys to an entry of their own",
            ConditionMistake::AnyInAny => "cannot be within `any`; put its entries into the outer one",
            ConditionMistake::Text => return write!(f, "must be a text of 1 to {MAX_TEXT} bytes"),
            ConditionMistake::Scalar => {
                return write!(f, "must be a text of at most {MAX_TEXT} bytes, a number, or true or false");
            }
            ConditionMistake::Number => "must be a number",
            ConditionMistake::Count => "must be a whole number, 0 or more",
            ConditionMistake::CountOfOne => "needs a path with `[*]`; any other path leads to one value",
            ConditionMistake::Regex(error) => return error.fmt(f),
            ConditionMistake::Age => "must be a number with a unit, as in `7d`, `36h` or `90m`",
            ConditionMistake::Exists => {
                "must be true: conditions can only ask for what is there, because whoever carries evidence can leave out what is not wanted"
            }
        })
    }
}

/// The entry, and for each of its conditions what was found and what was expected.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmet(Saw { entry, conditions }) = self;
        let sentence = |(condition, seen): &(Condition, Seen)| {
            let Condition { path, comparison } = condition;
            let found = found(condition, seen);
            match seen {
                Seen::Values { .. } | Seen::Missing(_) => format!("{found}; expected {}", expected(comparison)),
                Seen::Kind(at, _) => format!("{found}; expected {}", around(path.part(*at))),
                _ => found,
            }
        };
        let number = entry.saturating_add(1);
        match conditions.as_slice() {
            [one] => write!(f, "condition {number}: {}", sentence(one)),
            several => {
                write!(f, "condition {number} has {}:", counted(several.len(), "alternative"))?;
                let mut numbered = (1..).zip(several);
                numbered.try_for_each(|(number, one)| write!(f, " ({number}) {}", sentence(one)))
            }
        }
    }
}

/// The entry, and what its conditions found.
impl fmt::Display for Saw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.conditions.iter().map(|(condition, seen)| found(condition, seen));
        write!(f, "condition {}: {}", self.entry.saturating_add(1), found.collect::<Vec<_>>().join("; "))
    }
}

/// What was found.
fn found(Condition { path, comparison }: &Condition, seen: &Seen) -> String {
    let whole = quoted(path.text());
    match seen {
        Seen::Values { count, .. } if matches!(comparison, Comparison::CountAtMost(_)) || *count == 0 => {
            format!("{whole} has {}", counted(*count, "value"))
        }
        Seen::Values { first, count } => {
            let values = first.iter().map(value);
            match count {
                1 => format!("{whole} is {}", values.collect::<String>()),
                _ => format!("{whole} has the values {}", some(values, *count)),
            }
        }
        Seen::Missing(0) => format!("{whole} is missing"),
        Seen::Missing(there) => format!("{whole} is missing, {} is there", quoted(path.beginning(*there))),
        Seen::Kind(at, kind) => format!("{} is {}", place(path, *at), name(*kind)),
        Seen::Twice(at) => format!("{} is there twice", place(path, *at)),
        Seen::TooMany => format!("{whole} leads through more than {MAX_VALUES} values"),
        Seen::TooDeep => format!("the predicate is nested more than {MAX_DEPTH} times"),
        Seen::Unreadable => format!("a name or a number beside {whole} cannot be read"),
    }
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

/// The beginning of a path.
fn place(path: &Path, count: usize) -> String {
    match count {
        0 => "the predicate".to_owned(),
        _ => quoted(path.beginning(count)),
    }
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
        Kind::Flag => "true or false",
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
        let mapping = "must be a mapping with `path` and one comparison, or with `any`";
        let scalar = "must be a text of at most 4096 bytes, a number, or true or false";
        let unknown = "is not a key of conditions";
        let exists = "must be true: conditions can only ask for what is there, because whoever carries evidence can leave out what is not wanted";
        let age = "must be a number with a unit, as in `7d`, `36h` or `90m`";
        let nothing = "compares nothing: give one of equals, in, noneOf, matches, prefix, atLeast, atMost, newerThan, exists and countAtMost";
        // The settings, each place and its sentence, the reason.
        let rows: Vec<(String, Vec<(&str, &str)>, &str)> = vec![
            (many(one, 64), vec![], "as many entries as may be"),
            (many(one, 65), vec![("where", "must be a list with 1 to 64 entries")], "one more"),
            ("[]".into(), vec![("where", "must be a list with 1 to 64 entries")], "none"),
            (one.into(), vec![("where", "must be a list with 1 to 64 entries")], "no list"),
            (any(16), vec![], "as many alternatives as may be"),
            (any(17), vec![("where[0].any", "must be a list with 1 to 16 entries")], "one more"),
            (any(0), vec![("where[0].any", "must be a list with 1 to 16 entries")], "none"),
            (of_in(64), vec![], "as many values as may be"),
            (of_in(65), vec![("where[0].in", "must be a list with 1 to 64 entries")], "one more"),
            (of_in(0), vec![("where[0].in", "must be a list with 1 to 64 entries")], "none"),
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
                vec![("where[0].in", "is a second comparison; make it an entry of its own")],
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
                vec![("where[0].any[0].any", "cannot be within `any`; put its entries into the outer one")],
                "`any` within `any`",
            ),
            (
                r#"[{"path":"a..b","exists":true}]"#.into(),
                vec![(
                    "where[0].path",
                    "cannot be read from \"..b\" on; write a path as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                )],
                "a path with two dots",
            ),
            (
                r#"[{"any":[{"path":"$.a","exists":true}]}]"#.into(),
                vec![(
                    "where[0].any[0].path",
                    "cannot be read from \"$.a\" on; write a path as in `results[*].level`, and names with other characters as in `labels[\"a.b\"]`",
                )],
                "JSONPath",
            ),
            (deep, vec![("where[0].path", "is too long: a path has at most 512 bytes and 32 parts")], "a long path"),
            (
                r#"[{"path":"","exists":true}]"#.into(),
                vec![("where[0].path", "must be a text of 1 to 4096 bytes")],
                "an empty path",
            ),
            (
                r#"[{"path":["a"],"exists":true}]"#.into(),
                vec![("where[0].path", "must be a text of 1 to 4096 bytes")],
                "a list of names",
            ),
            (r#"[{"path":"a","equals":["x"]}]"#.into(), vec![("where[0].equals", scalar)], "a list"),
            (r#"[{"path":"a","in":["x",{}]}]"#.into(), vec![("where[0].in[1]", scalar)], "a mapping in a list"),
            (r#"[{"path":"a","noneOf":[null]}]"#.into(), vec![("where[0].noneOf[0]", scalar)], "null in a list"),
            (
                r#"[{"path":"a","noneOf":"x"}]"#.into(),
                vec![("where[0].noneOf", "must be a list with 1 to 64 entries")],
                "a text in place of a list",
            ),
            (long, vec![("where[0].equals", scalar)], "a long text"),
            (
                r#"[{"path":"a","prefix":""}]"#.into(),
                vec![("where[0].prefix", "must be a text of 1 to 4096 bytes")],
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
                vec![("where[0].matches", "must be a text of 1 to 4096 bytes")],
                "a number",
            ),
            (
                r#"[{"path":"a","atLeast":"7"}]"#.into(),
                vec![("where[0].atLeast", "must be a number")],
                "a text of digits",
            ),
            (r#"[{"path":"a","atMost":true}]"#.into(), vec![("where[0].atMost", "must be a number")], "a bool"),
            (r#"[{"path":"a","newerThan":"1 week"}]"#.into(), vec![("where[0].newerThan", age)], "a week"),
            (r#"[{"path":"a","newerThan":7}]"#.into(), vec![("where[0].newerThan", age)], "no unit"),
            (r#"[{"path":"a","exists":false}]"#.into(), vec![("where[0].exists", exists)], "absence"),
            (r#"[{"path":"a","exists":"true"}]"#.into(), vec![("where[0].exists", exists)], "a text"),
            (
                r#"[{"path":"a[*]","countAtMost":-1}]"#.into(),
                vec![("where[0].countAtMost", "must be a whole number, 0 or more")],
                "a negative number",
            ),
            (
                r#"[{"path":"a[*]","countAtMost":1.0}]"#.into(),
                vec![("where[0].countAtMost", "must be a whole number, 0 or more")],
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
        // The path, the comparison, the predicate, what is told; in `explain` the part before the semicolon.
        let rows = [
            ("a", r#""equals":"y""#, r#"{"a":"x"}"#, r#""a" is "x"; expected "y""#),
            ("a", r#""equals":"x""#, r#"{"a":"x"}"#, r#""a" is "x""#),
            ("a", r#""equals":1.50"#, r#"{"a":"1.50"}"#, r#""a" is "1.50"; expected 1.50"#),
            ("a", r#""equals":true"#, r#"{"a":false}"#, r#""a" is false; expected true"#),
            ("a", r#""equals":1"#, r#"{"a":[1]}"#, r#""a" is a list; expected 1"#),
            ("a", r#""equals":1"#, r#"{"a":{}}"#, r#""a" is a mapping; expected 1"#),
            ("a", r#""in":["x",1]"#, r#"{"a":"y\"\n"}"#, r#""a" is "y\"\u{a}"; expected one of "x" and 1"#),
            (
                "a",
                &twelve,
                r#"{"a":"x"}"#,
                r#""a" is "x"; expected one of 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000 and 2 more"#,
            ),
            ("a", r#""equals":1"#, &large, &format!("\"a\" is 1{}… (301 characters); expected 1", "0".repeat(199))),
            ("a.b.c", r#""equals":1"#, r#"{"a":{"b":{}}}"#, r#""a.b.c" is missing, "a.b" is there; expected 1"#),
            ("a.b.c", r#""equals":1"#, r#"{"a":{"b":null}}"#, r#""a.b.c" is missing, "a" is there; expected 1"#),
            ("a.b.c", r#""equals":1"#, r#"{}"#, r#""a.b.c" is missing; expected 1"#),
            ("a[1]", r#""equals":1"#, r#"{"a":[1]}"#, r#""a[1]" is missing, "a" is there; expected 1"#),
            ("a.b.c", r#""equals":1"#, r#"{"a":{"b":"c"}}"#, r#""a.b" is a text; expected a mapping"#),
            ("a[*]", r#""equals":1"#, r#"{"a":5}"#, r#""a" is a number; expected a list"#),
            ("a", r#""equals":1"#, "[]", "the predicate is a list; expected a mapping"),
            ("a[*].b[0]", r#""atMost":1"#, r#"{"a":[{"b":true}]}"#, r#""a[*].b" is true or false; expected a list"#),
            (
                "a[*]",
                r#""noneOf":["x","y"]"#,
                r#"{"a":["x","z","y"]}"#,
                r#""a[*]" has the values "x" and "y"; expected none of "x" and "y""#,
            ),
            (
                "a[*]",
                r#""equals":9"#,
                r#"{"a":[1,2,3,4,5]}"#,
                r#""a[*]" has the values 1, 2, 3 and 2 more; expected 9"#,
            ),
            ("a[*]", r#""equals":9"#, r#"{"a":[1,9,3,9]}"#, r#""a[*]" has the values 9 and 9"#),
            ("a[*]", r#""noneOf":[9]"#, r#"{"a":[]}"#, r#""a[*]" has 0 values"#),
            ("a[*]", r#""atLeast":9"#, r#"{"a":[]}"#, r#""a[*]" has 0 values; expected at least 9"#),
            ("a[*]", r#""atMost":9"#, r#"{"a":[10,9]}"#, r#""a[*]" is 10; expected at most 9"#),
            ("a[*]", r#""countAtMost":1"#, r#"{"a":[1,2]}"#, r#""a[*]" has 2 values; expected at most 1"#),
            ("a[*]", r#""countAtMost":1"#, r#"{"a":[1]}"#, r#""a[*]" has 1 value"#),
            ("a[*]", r#""exists":true"#, r#"{"a":[]}"#, r#""a[*]" has 0 values; expected a value"#),
            ("a", r#""matches":"^v$""#, r#"{"a":"w"}"#, r#""a" is "w"; expected a text that matches "^v$""#),
            ("a", r#""prefix":"v""#, r#"{"a":"w"}"#, r#""a" is "w"; expected a text that begins with "v""#),
            (
                "a",
                r#""newerThan":"36h""#,
                r#"{"a":"1970-01-01T00:00:00Z"}"#,
                r#""a" is "1970-01-01T00:00:00Z"; expected a time of the last 36h"#,
            ),
            (
                "a",
                r#""prefix":"x""#,
                &long,
                r#""a" is a value of 5002 bytes that cannot be compared; expected a text that begins with "x""#,
            ),
            ("a.b", r#""equals":1"#, r#"{"a":{"b":1,"b":1}}"#, r#""a.b" is there twice"#),
            ("a[*]", r#""equals":1"#, &many, r#""a[*]" leads through more than 100000 values"#),
            ("a", r#""equals":1"#, &deep, "the predicate is nested more than 64 times"),
            ("a", r#""equals":1"#, r#"{"\ud800":1}"#, r#"a name or a number beside "a" cannot be read"#),
        ];
        let now = UnixTime::from_secs(1_795_996_800);
        for (path, comparison, predicate, expected) in rows {
            let list = format!(r#"[{{"path":"b[*]","noneOf":[0]}},{{"path":{path:?},{comparison}}}]"#);
            let conditions = Conditions::read(raw(&list), &JsonPath::root()).unwrap();
            let told = match conditions.outcomes(raw(predicate), now).nth(1).unwrap() {
                Ok(saw) => saw.to_string(),
                Err(unmet) => unmet.to_string(),
            };
            assert_eq!(told, format!("condition 2: {expected}"), "{list}");
        }
        let any = r#"[{"any":[{"path":"a","equals":1},{"path":"b","equals":2}]}]"#;
        let conditions = Conditions::read(raw(any), &JsonPath::root()).unwrap();
        assert_eq!(
            conditions.check(raw(r#"{"a":2}"#), now).unwrap_err().to_string(),
            r#"condition 1 has 2 alternatives: (1) "a" is 2; expected 1 (2) "b" is missing; expected 2"#
        );
        let met: Vec<String> =
            conditions.outcomes(raw(r#"{"a":1,"b":2}"#), now).flatten().map(|saw| saw.to_string()).collect();
        assert_eq!(met, [r#"condition 1: "a" is 1; "b" is 2"#]);
    }
}
