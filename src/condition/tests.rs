//! Do conditions mean what the module's documentation says?

use serde_json::value::RawValue;

use super::*;
use crate::json::JsonPath;

/// 2026-11-30T00:00:00Z.
const NOW: UnixTime = UnixTime::from_secs(1_795_996_800);

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn read(list: &str) -> Conditions {
    Conditions::read(raw(list), &JsonPath::root()).unwrap_or_else(|wrong| panic!("{list}: {wrong:?}"))
}

/// Whether a predicate meets one condition.
fn is_met(condition: &str, predicate: &str) -> bool {
    read(&format!("[{condition}]")).check(raw(predicate), NOW).is_ok()
}

/// A path, a comparison, a predicate, whether it is met, the reason.
type Row<'t> = (&'t str, &'t str, &'t str, bool, &'t str);

fn hold(rows: &[Row<'_>]) {
    for (path, comparison, predicate, expected, why) in rows {
        let condition = format!(r#"{{"path":{path:?},{comparison}}}"#);
        assert_eq!(is_met(&condition, predicate), *expected, "{why}: {condition} of {predicate}");
    }
}

#[test]
fn equals_and_in() {
    hold(&[
        ("a", r#""equals":"x""#, r#"{"a":"x"}"#, true, "the same text"),
        ("a", r#""equals":"x""#, r#"{"a":"X"}"#, false, "another case"),
        ("a", r#""equals":"x""#, r#"{"a":"x "}"#, false, "a blank more"),
        ("a", r#""equals":"x""#, r#"{"a":"\u0078"}"#, true, "an escaped letter"),
        ("a", r#""equals":"é""#, "{\"a\":\"e\u{301}\"}", false, "a letter that looks the same"),
        ("a", r#""equals":"x""#, r#"{"a":["x"]}"#, false, "a list of it"),
        ("a", r#""equals":"x""#, r#"{"a":{"x":"x"}}"#, false, "a mapping with it"),
        ("a", r#""equals":"x""#, r#"{"b":"x"}"#, false, "missing"),
        ("a", r#""equals":"x""#, r#"{"A":"x"}"#, false, "another case of the name"),
        ("a", r#""equals":"x""#, r#"{"a":null}"#, false, "null is missing"),
        ("a", r#""equals":"null""#, r#"{"a":null}"#, false, "and not its name"),
        ("a", r#""equals":"""#, r#"{"a":""}"#, true, "an empty text"),
        ("a", r#""equals":"""#, r#"{"a":null}"#, false, "null is not an empty text"),
        ("a", r#""equals":1"#, r#"{"a":1.0}"#, true, "a number, by value"),
        ("a", r#""equals":1"#, r#"{"a":"1"}"#, false, "a text is not a number"),
        ("a", r#""equals":"1""#, r#"{"a":1}"#, false, "a number is not a text"),
        ("a", r#""equals":1"#, r#"{"a":true}"#, false, "true is not 1"),
        ("a", r#""equals":0"#, r#"{"a":false}"#, false, "false is not 0"),
        ("a", r#""equals":0"#, r#"{"a":-0.0}"#, true, "zero has no sign"),
        ("a", r#""equals":9007199254740993"#, r#"{"a":9007199254740992}"#, false, "a neighbour beyond 2^53"),
        ("a", r#""equals":9007199254740993"#, r#"{"a":9007199254740993}"#, true, "and the number itself"),
        ("a", r#""equals":1e999"#, r#"{"a":10e998}"#, true, "a number that no float holds"),
        ("a", r#""equals":true"#, r#"{"a":true}"#, true, "a bool"),
        ("a", r#""equals":true"#, r#"{"a":false}"#, false, "the other one"),
        ("a", r#""equals":true"#, r#"{"a":"true"}"#, false, "a text is not a bool"),
        ("a", r#""equals":false"#, r#"{}"#, false, "what is missing is not false"),
        ("a", r#""in":["x","y"]"#, r#"{"a":"y"}"#, true, "one of two"),
        ("a", r#""in":["x","y"]"#, r#"{"a":"xy"}"#, false, "both together"),
        ("a", r#""in":["x",2,true]"#, r#"{"a":2}"#, true, "several types"),
        ("a", r#""in":["x",2,true]"#, r#"{"a":"2"}"#, false, "each with its own"),
        ("a[*]", r#""equals":"x""#, r#"{"a":["y","x"]}"#, true, "one of many is enough"),
        ("a[*]", r#""equals":"x""#, r#"{"a":["y","z"]}"#, false, "none of many"),
        ("a[*]", r#""equals":"x""#, r#"{"a":["x","x"]}"#, true, "all of many"),
        ("a[*]", r#""equals":"x""#, r#"{"a":[]}"#, false, "an empty list"),
        ("a[*]", r#""equals":"x""#, r#"{"a":[null]}"#, false, "a list of nothing"),
        ("a[*]", r#""equals":"x""#, r#"{"a":"x"}"#, false, "no list"),
        ("a[*]", r#""equals":"x""#, r#"{"a":{"0":"x"}}"#, false, "a mapping in place of a list"),
        ("a[*]", r#""in":["x","y"]"#, r#"{"a":[1,"y"]}"#, true, "one of many, beside another type"),
        ("a[*].b", r#""equals":1"#, r#"{"a":["t",{"b":1}]}"#, true, "one is enough, whatever the other is"),
    ]);
}

#[test]
fn none_of() {
    hold(&[
        ("a", r#""noneOf":["x"]"#, r#"{"a":"y"}"#, true, "another text"),
        ("a", r#""noneOf":["x"]"#, r#"{"a":"x"}"#, false, "that text"),
        ("a", r#""noneOf":["x"]"#, r#"{}"#, false, "what is missing meets nothing"),
        ("a", r#""noneOf":["x"]"#, r#"{"a":null}"#, false, "and neither does null"),
        ("a", r#""noneOf":["x"]"#, r#"{"a":1}"#, false, "another type is not compared"),
        ("a", r#""noneOf":[1]"#, r#"{"a":"1"}"#, false, "even if it looks the same"),
        ("a", r#""noneOf":[1]"#, r#"{"a":1.0}"#, false, "another spelling"),
        ("a", r#""noneOf":[1]"#, r#"{"a":2}"#, true, "another number"),
        ("a", r#""noneOf":[true]"#, r#"{"a":false}"#, true, "a bool"),
        ("a", r#""noneOf":["x",1]"#, r#"{"a":2}"#, true, "the type of one of several"),
        ("a", r#""noneOf":["x"]"#, r#"{"a":["x"]}"#, false, "a list is not compared"),
        ("a", r#""noneOf":["x"]"#, r#"{"a":{}}"#, false, "nor a mapping"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":["y","z"]}"#, true, "none of many"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":["y","x","z"]}"#, false, "one of many"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":["y",1]}"#, false, "one of another type"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":["y",["x"]]}"#, false, "a list within the list"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":[]}"#, true, "an empty list"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":[null]}"#, true, "a list of nothing"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{}"#, false, "no list"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":null}"#, false, "null in its place"),
        ("a[*]", r#""noneOf":["x"]"#, r#"{"a":"y"}"#, false, "a text in its place"),
        ("a[*].b[*]", r#""noneOf":["x"]"#, r#"{"a":[{},{"b":null},{"b":[]}]}"#, true, "left out below the list"),
        ("a[*].b[*]", r#""noneOf":["x"]"#, r#"{"a":[{"b":{"c":"x"}}]}"#, false, "a mapping in place of a list"),
        ("a[*].b[*]", r#""noneOf":["x"]"#, r#"{"a":[{"b":"x"}]}"#, false, "a text in place of a list"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":["x"]}"#, false, "a text in place of a mapping"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":[["x"]]}"#, false, "a list in place of a mapping"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":[true]}"#, false, "a bool in place of a mapping"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":[1]}"#, false, "a number in place of a mapping"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":[1.5]}"#, false, "a fraction in place of a mapping"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":[-1]}"#, false, "a negative number in place of a mapping"),
        ("a[*].b", r#""noneOf":["x"]"#, r#"{"a":[1e999]}"#, false, "a number that no float holds"),
    ]);
}

#[test]
fn texts() {
    hold(&[
        ("a", r#""matches":"^v[0-9]+$""#, r#"{"a":"v12"}"#, true, "the whole text"),
        ("a", r#""matches":"^v[0-9]+$""#, r#"{"a":"v12-rc"}"#, false, "a part of it"),
        ("a", r#""matches":"^v[0-9]+$""#, "{\"a\":\"v1\\nv2\"}", false, "one line of it"),
        ("a", r#""matches":"^[0-9]+$""#, r#"{"a":12}"#, false, "a number is no text"),
        ("a", r#""matches":"^true$""#, r#"{"a":true}"#, false, "nor is a bool"),
        ("a", r#""matches":"^.*$""#, r#"{"a":null}"#, false, "nor is null"),
        ("a", r#""matches":"^.*$""#, r#"{"a":""}"#, true, "an empty text is one"),
        ("a", r#""matches":"^.*$""#, r#"{"a":[]}"#, false, "a list"),
        ("a[*]", r#""matches":"^v[0-9]+$""#, r#"{"a":["x","v1"]}"#, true, "one of many"),
        ("a[*]", r#""matches":"^v[0-9]+$""#, r#"{"a":["x",1]}"#, false, "none of many"),
        ("a[*]", r#""matches":"^.*$""#, r#"{"a":[]}"#, false, "an empty list"),
        ("a", r#""prefix":"git+https://a.example/""#, r#"{"a":"git+https://a.example/x"}"#, true, "a beginning"),
        ("a", r#""prefix":"git""#, r#"{"a":"git"}"#, true, "all of it"),
        ("a", r#""prefix":"git""#, r#"{"a":"gi"}"#, false, "less than all"),
        ("a", r#""prefix":"git""#, r#"{"a":"Git"}"#, false, "another case"),
        ("a", r#""prefix":"git""#, r#"{"a":" git"}"#, false, "further on"),
        ("a", r#""prefix":"1""#, r#"{"a":12}"#, false, "a number is no text"),
        ("a", r#""prefix":"x""#, r#"{"a":["x"]}"#, false, "a list"),
        ("a[*]", r#""prefix":"x""#, r#"{"a":["y","xy"]}"#, true, "one of many"),
        ("a[*]", r#""prefix":"x""#, r#"{"a":["y"]}"#, false, "none of many"),
        ("a[*]", r#""prefix":"x""#, r#"{"a":[]}"#, false, "an empty list"),
    ]);
}

#[test]
fn numbers() {
    hold(&[
        ("a", r#""atLeast":2"#, r#"{"a":2}"#, true, "just enough"),
        ("a", r#""atLeast":2"#, r#"{"a":1.99}"#, false, "less"),
        ("a", r#""atLeast":2"#, r#"{"a":"2"}"#, true, "a text that is a number"),
        ("a", r#""atLeast":2"#, r#"{"a":"10"}"#, true, "by value, not by letters"),
        ("a", r#""atLeast":2"#, r#"{"a":"3 reviews"}"#, false, "a text with a number"),
        ("a", r#""atLeast":2"#, r#"{"a":" 3"}"#, false, "a blank before it"),
        ("a", r#""atLeast":2"#, r#"{"a":"0x3"}"#, false, "hexadecimal"),
        ("a", r#""atLeast":0"#, r#"{"a":""}"#, false, "an empty text"),
        ("a", r#""atLeast":0"#, r#"{"a":true}"#, false, "a bool"),
        ("a", r#""atLeast":0"#, r#"{"a":[1]}"#, false, "a list"),
        ("a", r#""atLeast":0"#, r#"{"a":null}"#, false, "null"),
        ("a", r#""atLeast":0"#, r#"{}"#, false, "missing"),
        ("a", r#""atLeast":9007199254740993"#, r#"{"a":9007199254740992}"#, false, "a neighbour beyond 2^53"),
        ("a[*]", r#""atLeast":7"#, r#"{"a":[7,9]}"#, true, "all of many"),
        ("a[*]", r#""atLeast":7"#, r#"{"a":[9,3]}"#, false, "one of many is not enough"),
        ("a[*]", r#""atLeast":7"#, r#"{"a":[9,"high"]}"#, false, "one that is no number"),
        ("a[*]", r#""atLeast":7"#, r#"{"a":[9,null]}"#, true, "one that is left out"),
        ("a[*]", r#""atLeast":7"#, r#"{"a":[]}"#, false, "an empty list has no score"),
        ("a[*]", r#""atLeast":7"#, r#"{"a":[null]}"#, false, "nor has a list of nothing"),
        ("a[*].b", r#""atLeast":7"#, r#"{"a":[{"b":9},3]}"#, false, "one in another form"),
        ("a", r#""atMost":6.9"#, r#"{"a":6.9}"#, true, "just as much"),
        ("a", r#""atMost":6.9"#, r#"{"a":6.90000000000000000001}"#, false, "more, by little"),
        ("a", r#""atMost":6.9"#, r#"{"a":"7.0"}"#, false, "a text that is a larger number"),
        ("a", r#""atMost":6.9"#, r#"{"a":"-7.0"}"#, true, "a negative one"),
        ("a", r#""atMost":6.9"#, r#"{"a":"n/a"}"#, false, "no number"),
        ("a", r#""atMost":6.9"#, r#"{"a":1e99999999999999999999}"#, false, "an exponent that does not fit"),
        ("a", r#""atMost":6.9"#, r#"{"a":false}"#, false, "a bool"),
        ("a", r#""atMost":6.9"#, r#"{}"#, false, "missing"),
        ("a[*]", r#""atMost":6.9"#, r#"{"a":[1,"2",6.9]}"#, true, "all of many"),
        ("a[*]", r#""atMost":6.9"#, r#"{"a":[1,9.8]}"#, false, "one of many is too much"),
        ("a[*]", r#""atMost":6.9"#, r#"{"a":[1,"?"]}"#, false, "one that is no number"),
        ("a[*]", r#""atMost":6.9"#, r#"{"a":[]}"#, true, "an empty list"),
        ("a[*]", r#""atMost":6.9"#, r#"{"a":[null]}"#, true, "a list of nothing"),
        ("a[*]", r#""atMost":6.9"#, r#"{"a":1}"#, false, "no list"),
    ]);
}

#[test]
fn times() {
    hold(&[
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-29T00:00:00Z"}"#, true, "yesterday"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-23T00:00:00Z"}"#, true, "as old as may be"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-22T23:59:59Z"}"#, false, "older"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-23T01:00:00+01:00"}"#, true, "in another zone"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-23T00:00:00+01:00"}"#, false, "in another zone, older"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-30T00:05:00Z"}"#, true, "as far ahead as may be"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-30T00:05:01Z"}"#, false, "further ahead"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-29"}"#, false, "a day"),
        ("a", r#""newerThan":"7d""#, r#"{"a":"2026-11-29T00:00:00"}"#, false, "no zone"),
        ("a", r#""newerThan":"7d""#, r#"{"a":1795996800}"#, false, "seconds since 1970"),
        ("a", r#""newerThan":"7d""#, r#"{"a":""}"#, false, "an empty text"),
        ("a", r#""newerThan":"7d""#, r#"{"a":null}"#, false, "null"),
        ("a", r#""newerThan":"7d""#, r#"{}"#, false, "missing"),
        (
            "a[*]",
            r#""newerThan":"36h""#,
            r#"{"a":["2020-01-01T00:00:00Z","2026-11-29T00:00:00Z"]}"#,
            true,
            "one of many",
        ),
        ("a[*]", r#""newerThan":"36h""#, r#"{"a":["2020-01-01T00:00:00Z"]}"#, false, "none of many"),
        ("a[*]", r#""newerThan":"36h""#, r#"{"a":[]}"#, false, "an empty list"),
    ]);
}

#[test]
fn presence_and_count() {
    hold(&[
        ("a", r#""exists":true"#, r#"{"a":0}"#, true, "a number"),
        ("a", r#""exists":true"#, r#"{"a":false}"#, true, "a bool, whatever it says"),
        ("a", r#""exists":true"#, r#"{"a":[]}"#, true, "an empty list"),
        ("a", r#""exists":true"#, r#"{"a":{}}"#, true, "an empty mapping"),
        ("a", r#""exists":true"#, r#"{"a":null}"#, false, "null"),
        ("a", r#""exists":true"#, r#"{}"#, false, "nothing"),
        ("a", r#""exists":true"#, r#"[]"#, false, "a list has no members"),
        ("a", r#""exists":true"#, r#"null"#, false, "no predicate"),
        ("a[*]", r#""exists":true"#, r#"{"a":[null,1]}"#, true, "one of many"),
        ("a[*]", r#""exists":true"#, r#"{"a":[]}"#, false, "an empty list"),
        ("a[*]", r#""exists":true"#, r#"{"a":[null]}"#, false, "a list of nothing"),
        ("a[*].b", r#""exists":true"#, r#"{"a":[{},{"b":1}]}"#, true, "one of many"),
        ("a[*].b", r#""exists":true"#, r#"{"a":[{},{"c":1}]}"#, false, "none of many"),
        ("a[*]", r#""countAtMost":0"#, r#"{"a":[]}"#, true, "an empty list"),
        ("a[*]", r#""countAtMost":0"#, r#"{"a":[null]}"#, true, "null is no value"),
        ("a[*]", r#""countAtMost":0"#, r#"{"a":[{}]}"#, false, "an empty mapping is one"),
        ("a[*]", r#""countAtMost":2"#, r#"{"a":[1,"x"]}"#, true, "as many as may be"),
        ("a[*]", r#""countAtMost":2"#, r#"{"a":[1,1,1]}"#, false, "one more, however often it is the same"),
        ("a[*]", r#""countAtMost":2"#, r#"{}"#, false, "no list"),
        ("a[*]", r#""countAtMost":2"#, r#"{"a":{}}"#, false, "a mapping in its place"),
        ("a[*].b[*]", r#""countAtMost":2"#, r#"{"a":[{"b":[1]},{},{"b":[1]}]}"#, true, "counted over all lists"),
        ("a[*].b[*]", r#""countAtMost":2"#, r#"{"a":[{"b":[1,2]},{"b":[1]}]}"#, false, "one more"),
        ("a[*].b[*]", r#""countAtMost":2"#, r#"{"a":[{"b":{"x":1}}]}"#, false, "a mapping in place of a list"),
    ]);
}

#[test]
fn paths_lead_through_documents() {
    hold(&[
        ("a.b.c", r#""equals":1"#, r#"{"a":{"b":{"c":1}}}"#, true, "members"),
        ("a.b.c", r#""equals":1"#, r#"{"a.b.c":1}"#, false, "one name with dots"),
        (r#"["a.b.c"]"#, r#""equals":1"#, r#"{"a.b.c":1}"#, true, "an odd name"),
        (r#"a["b c"]["\"]"]"#, r#""equals":1"#, r#"{"a":{"b c":{"\"]":1}}}"#, true, "odder names"),
        (r#"["größe"]"#, r#""equals":1"#, r#"{"größe":1}"#, true, "a name beyond ASCII"),
        (r#"["größe"]"#, r#""equals":1"#, r#"{"gr\u00f6\u00dfe":1}"#, true, "escaped"),
        (r#"["größe"]"#, r#""equals":1"#, "{\"gro\u{308}ße\":1}", false, "a name that looks the same"),
        (r#"[""]"#, r#""equals":1"#, r#"{"":1}"#, true, "an empty name"),
        ("a[1]", r#""equals":"y""#, r#"{"a":["x","y"]}"#, true, "an entry"),
        ("a[2]", r#""equals":"y""#, r#"{"a":["x","y"]}"#, false, "an entry too far"),
        ("a[0]", r#""equals":"x""#, r#"{"a":{"0":"x"}}"#, false, "a member is not an entry"),
        ("a.0", r#""equals":"x""#, r#"{"a":["x"]}"#, false, "an entry is not a member"),
        ("a.0", r#""equals":"x""#, r#"{"a":{"0":"x"}}"#, true, "a name that is a number"),
        ("a[0][1]", r#""equals":2"#, r#"{"a":[[1,2]]}"#, true, "a list in a list"),
        ("a[0][*]", r#""noneOf":[3]"#, r#"{"a":[[1,2],[3]]}"#, true, "the entries of one of them"),
        ("a[*][0]", r#""noneOf":[3]"#, r#"{"a":[[1,2],[3]]}"#, false, "the first of each"),
        ("a[*][1]", r#""noneOf":[3]"#, r#"{"a":[[1,2],[3]]}"#, true, "the second of each that has one"),
        ("[*].a", r#""equals":1"#, r#"[{"a":1}]"#, true, "a predicate that is a list"),
        ("[0]", r#""equals":1"#, r#"[1]"#, true, "its first entry"),
        ("a.b", r#""exists":true"#, r#"{"a":"b"}"#, false, "a text has no members"),
        ("a.b", r#""exists":true"#, r#"{"a":[{"b":1}]}"#, false, "nor has a list"),
        ("a.length", r#""exists":true"#, r#"{"a":[1]}"#, false, "nor a length"),
        ("__proto__", r#""exists":true"#, r#"{}"#, false, "nor anything inherited"),
    ]);
}

#[test]
fn members_that_are_there_twice() {
    hold(&[
        ("a", r#""equals":1"#, r#"{"a":1,"a":1}"#, false, "even the same"),
        ("a", r#""equals":1"#, r#"{"a":1,"\u0061":2}"#, false, "in two spellings"),
        ("a", r#""equals":1"#, r#"{"a":null,"a":1}"#, false, "once as null"),
        ("a.b", r#""equals":1"#, r#"{"a":{"b":1},"a":{"b":1}}"#, false, "on the way"),
        ("a.b", r#""equals":1"#, r#"{"a":{"b":1,"b":2}}"#, false, "at the end"),
        ("a[*].b", r#""equals":1"#, r#"{"a":[{"b":1},{"b":2,"b":3}]}"#, false, "in an entry that does not decide"),
        ("a[*].b", r#""noneOf":[9]"#, r#"{"a":[{"b":1,"b":2}]}"#, false, "in an entry"),
        ("a", r#""equals":1"#, r#"{"b":1,"a":1,"b":2}"#, true, "what nobody reads may be there twice"),
        ("a[0].b", r#""equals":1"#, r#"{"a":[{"b":1},{"b":1,"b":2}]}"#, true, "also in another entry"),
    ]);
}

#[test]
fn bounds() {
    let text = |length: usize| "x".repeat(length);
    let list = |entries: usize| format!(r#"{{"a":[{}]}}"#, vec!["1"; entries].join(","));
    let deep = |times: usize| format!(r#"{{"a":1,"b":{}{}}}"#, "[".repeat(times), "]".repeat(times));
    let of_text = |length: usize| format!(r#"{{"a":"{}"}}"#, text(length));
    let brackets = format!(r#"{{"a":1,"b":"\"{}"}}"#, "[{".repeat(100));
    hold(&[
        ("a[*]", r#""atMost":1"#, &list(MAX_VALUES - 2), true, "as many values as may be, with those on the way"),
        ("a[*]", r#""atMost":1"#, &list(MAX_VALUES - 1), false, "one more"),
        ("a[*]", r#""equals":1"#, &list(MAX_VALUES - 1), false, "whatever the first ones are"),
        ("a[0]", r#""equals":1"#, &list(MAX_VALUES * 2), true, "those beside the path are not looked at"),
        ("a", r#""equals":1"#, &deep(MAX_DEPTH - 1), true, "as deep as may be"),
        ("a", r#""equals":1"#, &deep(MAX_DEPTH), false, "deeper"),
        ("a", r#""equals":1"#, &deep(10_000), false, "much deeper"),
        ("a", r#""equals":1"#, &brackets, true, "brackets in a text"),
        ("a", r#""prefix":"x""#, &of_text(MAX_TEXT - 2), true, "a text as long as may be"),
        ("a", r#""prefix":"x""#, &of_text(MAX_TEXT - 1), false, "a longer one"),
        ("a", r#""noneOf":["y"]"#, &of_text(MAX_TEXT - 1), false, "a longer one is not compared"),
        ("a", r#""matches":"^x*$""#, &of_text(MAX_TEXT - 1), false, "likewise"),
        ("a", r#""exists":true"#, &of_text(1_000_000), true, "but it is there"),
        ("a[*]", r#""equals":"y""#, &format!(r#"{{"a":["{}","y"]}}"#, text(MAX_TEXT)), true, "beside the right one"),
        ("a", r#""atMost":1"#, &format!(r#"{{"a":0.{}}}"#, "0".repeat(MAX_TEXT - 2)), true, "a long number"),
        ("a", r#""atMost":1"#, &format!(r#"{{"a":0.{}}}"#, "0".repeat(MAX_TEXT - 1)), false, "a longer one"),
        ("a", r#""noneOf":["y"]"#, r#"{"a":"\ud800"}"#, false, "half a letter"),
        ("a", r#""exists":true"#, r#"{"\ud800":1,"a":1}"#, false, "half a letter in a name on the way"),
    ]);
}

/// The forms of real predicates, and what people ask of them.
#[test]
fn predicates_of_common_types() {
    let slsa = r#"{
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {"ref": "refs/tags/v1.2.3", "repository": "https://github.com/acme/app", "path": ".github/workflows/release.yml"}},
            "internalParameters": {"github": {"event_name": "push", "repository_id": "1", "runner_environment": "github-hosted"}},
            "resolvedDependencies": [{"uri": "git+https://github.com/acme/app@refs/tags/v1.2.3", "digest": {"gitCommit": "0123"}}]
        },
        "runDetails": {"builder": {"id": "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3"}, "metadata": {"invocationId": "https://github.com/acme/app/actions/runs/1/attempts/1"}}
    }"#;
    let old_slsa = r#"{"builder": {"id": "https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.3"}, "buildType": "x",
        "invocation": {"configSource": {"uri": "git+https://github.com/acme/app", "digest": {"sha1": "0123"}}, "environment": {"github_actor": "alice"}},
        "materials": [{"uri": "pkg:docker/alpine@3"}, {"uri": "git+https://github.com/acme/app"}]}"#;
    let trivy = |results: &str| {
        format!(
            r#"{{"scanner": {{"uri": "pkg:github/aquasecurity/trivy@0.60", "version": "0.60.0", "result": {{"SchemaVersion": 2, "Results": {results}}}}},
            "metadata": {{"scanStartedOn": "2026-11-28T21:00:00.123456789+01:00", "scanFinishedOn": "2026-11-28T21:00:09.987654321+01:00"}}}}"#
        )
    };
    let clean = trivy(r#"[{"Target": "alpine 3.22", "Class": "os-pkgs"}, {"Target": "app", "Vulnerabilities": null}]"#);
    let bad = trivy(
        r#"[{"Target": "alpine"}, {"Target": "app", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "LOW"}, {"VulnerabilityID": "CVE-2", "Severity": "CRITICAL"}]}]"#,
    );
    let empty = trivy("null");
    let grype = r#"{"scanner": {"result": {"matches": [{"vulnerability": {"id": "CVE-1", "severity": "High", "cvss": [{"metrics": {"baseScore": 7.5}}]}}, {"vulnerability": {"severity": "Low", "cvss": []}}]}}}"#;
    let vsa = r#"{"verifier": {"id": "https://acme.example/verifier"}, "timeVerified": "2026-11-29T23:59:00Z", "policy": {"uri": "https://acme.example/policy"}, "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_3", "ACME_REVIEWED"]}"#;
    let cyclonedx = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"timestamp": "2026-11-01T00:00:00Z", "tools": {"components": [{"name": "trivy"}]}},
        "components": [{"name": "log4j-core", "version": "2.17.1", "licenses": [{"license": {"id": "Apache-2.0"}}]}, {"name": "app"}],
        "vulnerabilities": [{"id": "CVE-1", "ratings": [{"severity": "medium", "score": 5.3}, {"severity": "none"}]}]}"#;
    let custom = r#"{"Data": "{\"approved\":true}", "Timestamp": "2026-11-30T00:01:00Z"}"#;
    let workflow = "buildDefinition.externalParameters.workflow";
    let severity = "scanner.result.Results[*].Vulnerabilities[*].Severity";
    let of = |rest: &str| format!("{workflow}.{rest}");
    hold(&[
        (
            "buildDefinition.buildType",
            r#""equals":"https://actions.github.io/buildtypes/workflow/v1""#,
            slsa,
            true,
            "SLSA 1",
        ),
        (&of("ref"), r#""matches":"^refs/tags/v[0-9.]+$""#, slsa, true, "a tag"),
        (&of("ref"), r#""equals":"refs/heads/main""#, slsa, false, "no branch"),
        (
            &of("repository"),
            r#""in":["https://github.com/acme/app","https://github.com/acme/lib"]"#,
            slsa,
            true,
            "a repository",
        ),
        (
            "buildDefinition.internalParameters.github.runner_environment",
            r#""equals":"github-hosted""#,
            slsa,
            true,
            "a runner",
        ),
        ("buildDefinition.internalParameters.github.repository_id", r#""equals":1"#, slsa, false, "a text of digits"),
        (
            "buildDefinition.resolvedDependencies[*].uri",
            r#""prefix":"git+https://github.com/acme/app@""#,
            slsa,
            true,
            "a source",
        ),
        ("buildDefinition.resolvedDependencies[0].digest.gitCommit", r#""equals":"0123""#, slsa, true, "a commit"),
        ("runDetails.builder.id", r#""prefix":"https://github.com/acme/""#, slsa, true, "a builder"),
        ("runDetails.builder.id", r#""prefix":"https://github.com/acme/""#, old_slsa, false, "another version of SLSA"),
        (
            "builder.id",
            r#""equals":"https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.3""#,
            old_slsa,
            true,
            "SLSA 0.2",
        ),
        ("materials[*].uri", r#""equals":"git+https://github.com/acme/app""#, old_slsa, true, "one of its materials"),
        ("invocation.environment.github_actor", r#""noneOf":["mallory"]"#, old_slsa, true, "its environment"),
        (severity, r#""noneOf":["CRITICAL"]"#, &clean, true, "a clean report leaves findings out"),
        (severity, r#""noneOf":["CRITICAL"]"#, &bad, false, "a report with a critical finding"),
        (severity, r#""noneOf":["CRITICAL"]"#, &empty, false, "a report without results"),
        (severity, r#""noneOf":["CRITICAL"]"#, grype, false, "a report of another scanner"),
        (severity, r#""countAtMost":2"#, &bad, true, "the number of findings"),
        (severity, r#""countAtMost":1"#, &bad, false, "fewer"),
        ("metadata.scanFinishedOn", r#""newerThan":"7d""#, &clean, true, "a fresh scan"),
        ("metadata.scanFinishedOn", r#""newerThan":"24h""#, &clean, false, "an older one"),
        ("scanner.result.matches[*].vulnerability.severity", r#""noneOf":["Critical"]"#, grype, true, "Grype"),
        ("scanner.result.matches[*].vulnerability.severity", r#""noneOf":["Critical","High"]"#, grype, false, "Grype"),
        ("scanner.result.matches[*].vulnerability.cvss[*].metrics.baseScore", r#""atMost":7.5"#, grype, true, "scores"),
        (
            "scanner.result.matches[*].vulnerability.cvss[*].metrics.baseScore",
            r#""atMost":7.4"#,
            grype,
            false,
            "scores",
        ),
        ("verificationResult", r#""equals":"PASSED""#, vsa, true, "a summary"),
        ("verifiedLevels[*]", r#""equals":"SLSA_BUILD_LEVEL_3""#, vsa, true, "a level among others"),
        ("verifiedLevels", r#""equals":"SLSA_BUILD_LEVEL_3""#, vsa, false, "the list is not its entry"),
        ("timeVerified", r#""newerThan":"90m""#, vsa, true, "a fresh summary"),
        ("bomFormat", r#""equals":"CycloneDX""#, cyclonedx, true, "an SBOM"),
        ("specVersion", r#""atLeast":1.5"#, cyclonedx, true, "a version in a text"),
        ("metadata.tools.components[*].name", r#""in":["trivy","syft"]"#, cyclonedx, true, "a tool"),
        ("metadata.tools[*].name", r#""in":["trivy","syft"]"#, cyclonedx, false, "where older versions have it"),
        ("components[*].version", r#""noneOf":["2.14.1"]"#, cyclonedx, true, "versions, one of which is left out"),
        ("components[*].licenses[*].license.id", r#""noneOf":["AGPL-3.0-only"]"#, cyclonedx, true, "licences"),
        ("components[*].licenses[*].license.id", r#""noneOf":["Apache-2.0"]"#, cyclonedx, false, "licences"),
        ("vulnerabilities[*].ratings[*].score", r#""atMost":6.9"#, cyclonedx, true, "scores"),
        ("vulnerabilities[*].ratings[*].score", r#""atMost":5"#, cyclonedx, false, "scores"),
        ("Data.approved", r#""equals":true"#, custom, false, "JSON in a text is a text"),
        ("Timestamp", r#""newerThan":"1h""#, custom, true, "a clock that is a minute ahead"),
    ]);
}

#[test]
fn all_entries_and_one_alternative() {
    let one = r#"{"path":"a","equals":1}"#;
    let other = r#"{"path":"b","equals":2}"#;
    let any = format!(r#"{{"any":[{one},{other}]}}"#);
    let rows = [
        (format!("[{one}]"), r#"{"a":1}"#, None, "one entry"),
        (format!("[{one},{other}]"), r#"{"a":1,"b":2}"#, None, "both"),
        (format!("[{one},{other}]"), r#"{"a":1,"b":3}"#, Some(1), "the second is not met"),
        (format!("[{one},{other}]"), r#"{"a":2,"b":3}"#, Some(0), "the first that is not met is told"),
        (format!("[{any}]"), r#"{"b":2}"#, None, "one of two"),
        (format!("[{any}]"), r#"{"a":2,"b":1}"#, Some(0), "none of two"),
        (format!("[{any}]"), r#"{"a":2,"a":2,"b":2}"#, None, "a mistake in the way of the other"),
        (format!("[{any},{other}]"), r#"{"a":1}"#, Some(1), "one of two, and another"),
    ];
    for (list, predicate, expected, why) in rows {
        let conditions = read(&list);
        let unmet = conditions.check(raw(predicate), NOW).err().map(|Unmet(saw)| saw.entry);
        assert_eq!(unmet, expected, "{why}: {list} of {predicate}");
        let outcomes: Vec<bool> = conditions.outcomes(raw(predicate), NOW).map(|outcome| outcome.is_ok()).collect();
        assert_eq!(outcomes.iter().position(|is_met| !is_met), expected, "{why}: every entry is told");
    }
    assert_eq!(Conditions::default().check(raw("null"), NOW), Ok(()), "no conditions");
}
