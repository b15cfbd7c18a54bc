//! Do the serde types, the JSON Schema and the check of settings take the same keys and values?

use image_trust_schema::json_schema;
use proptest::{prelude::*, sample::select};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    condition::Conditions,
    json::JsonPath,
    policy::{Problem, check, settings},
};

type All = Table<true>;

/// Every key of the table, below `fields`, with the name of its mapping.
fn all_fields() -> Vec<(&'static str, &'static Field)> {
    let mappings = [
        ("settings", All::SETTINGS),
        ("validator", All::VALIDATOR),
        ("trustRoot", All::TRUST_ROOT),
        ("keyless", All::KEYLESS),
        ("github", All::GITHUB),
        ("certificate", All::CERTIFICATE),
        ("host", All::INSTANCE),
        ("rule", All::RULE),
        ("with", All::WITH),
        ("features", All::FEATURES),
        ("childApproval", All::CHILD_APPROVAL),
        ("gitops", All::GITOPS),
        ("where", All::CONDITION),
        ("any", All::ALTERNATIVE),
    ];
    mappings.into_iter().flat_map(|(name, fields)| fields.iter().map(move |field| (name, field))).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn walked(shape: &Shape, value: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    shape.walk(value, &JsonPath::root(), &mut problems);
    problems
}

#[test]
fn every_key_is_described() {
    let mut described = 0;
    for (mapping, field) in all_fields() {
        let place = format!("{mapping}.{}", field.key);
        let Some(about) = field.about else {
            assert!(matches!(field.shape, Shape::Refused(_)), "{place} is not described");
            continue;
        };
        assert!(about.text.ends_with('.'), "{place}: a description is a sentence");
        assert_eq!(walked(&field.shape, &json(about.example)), [], "{place}: its example is accepted");
        if let Default::Value(default) = about.default {
            assert_eq!(walked(&field.shape, &json(default)), [], "{place}: its default is accepted");
            assert!(!field.required, "{place}: what is required has no default");
        }
        described += 1;
    }
    assert!(described > 45, "{described} keys");
}

/// Requests are read by serde, and settings are checked by the table first.
#[test]
fn serde_takes_exactly_the_keys_of_the_table() {
    fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<(), String> {
        serde_json::from_str::<T>(text).map(drop).map_err(|error| error.to_string())
    }
    type Read = fn(&str) -> Result<(), String>;
    /// Stands in for the conditions of child approval, which are read beside true and false.
    fn features_with(text: &str) -> Result<(), String> {
        read::<crate::policy::Features>(&format!(r#"{{"automaticChildApproval": {text}}}"#))
    }
    fn gitops_with(text: &str) -> Result<(), String> {
        read::<crate::policy::Features>(&format!(r#"{{"gitops": {text}}}"#))
    }
    let readers: [(&str, &[Field], Read); 14] = [
        ("settings", All::SETTINGS, |text| read::<settings::Settings<'_>>(text)),
        ("validator", All::VALIDATOR, |text| read::<settings::Validator<'_>>(text)),
        ("evidence", All::EVIDENCE, |text| read::<settings::Evidence>(text)),
        ("trustRoot", All::TRUST_ROOT, |text| read::<settings::TrustRoot<'_>>(text)),
        ("keyless", All::KEYLESS, |text| read::<settings::Keyless<'_>>(text)),
        ("github", All::GITHUB, |text| read::<settings::Github<'_>>(text)),
        ("certificate", All::CERTIFICATE, |text| read::<settings::Certificate<'_>>(text)),
        ("host", All::INSTANCE, |text| read::<settings::Instance<'_>>(text)),
        ("rule", All::RULE, |text| read::<settings::Rule<'_>>(text)),
        ("with", All::WITH, |text| read::<settings::With>(text)),
        ("overrides", All::OVERRIDES, |text| read::<settings::Overrides>(text)),
        ("features", All::FEATURES, |text| read::<crate::policy::Features>(text)),
        ("childApproval", All::CHILD_APPROVAL, features_with),
        ("gitops", All::GITOPS, gitops_with),
    ];
    for (name, fields, read) in readers {
        let example = |field: &Field| (field.key.to_owned(), json(field.about.unwrap().example));
        let needed = || fields.iter().filter(|field| field.required).map(example);
        let with = |key: &str, value: Value| {
            let mut object: Map<String, Value> = needed().collect();
            object.insert(key.to_owned(), value);
            read(&Value::Object(object).to_string())
        };
        for field in fields {
            if matches!(field.shape, Shape::Refused(_)) {
                assert!(with(field.key, json!("x")).is_err(), "{name}.{} is refused", field.key);
                assert!(with(field.key, Value::Null).is_err(), "{name}.{} is refused whatever it holds", field.key);
                continue;
            }
            assert_eq!(with(field.key, example(field).1), Ok(()), "{name}.{}", field.key);
            // No key stands for more than its value: another type is refused here, or read later.
            let lazy = ["trustRoots", "trustedRoot", "with", "claims"].contains(&field.key);
            let number_for_text = with(field.key, json!(-1.5)).is_err();
            assert_eq!(number_for_text, !lazy, "{name}.{}: another type", field.key);
            let without: Map<String, Value> = needed().filter(|(key, _)| key != field.key).collect();
            assert_eq!(read(&Value::Object(without).to_string()).is_err(), field.required, "{name}.{}", field.key);
        }
        for strange in ["", "x", "kind", "children", "Name", "trust_root"] {
            assert!(with(strange, json!("x")).is_err(), "{name}: `{strange}` is unknown");
        }
        // serde tells the keys that it knows, so none of them is missing in the table.
        let unknown = with("an unknown key", Value::Null).unwrap_err();
        let known: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
        let mine = fields.iter().filter(|field| !matches!(field.shape, Shape::Refused(_)));
        if !known.is_empty() {
            let mut mine: Vec<&str> = mine.map(|field| field.key).collect();
            let mut known = known;
            mine.sort_unstable();
            known.sort_unstable();
            assert_eq!(mine, known, "{name}: {unknown}");
        }
    }
}

/// Conditions are read by hand, and checked by the table first.
#[test]
fn conditions_take_exactly_the_keys_of_the_table() {
    let read = |entry: &Value| {
        let list = serde_json::value::to_raw_value(&json!([entry])).unwrap();
        Conditions::read(&list, &JsonPath::root()).is_ok()
    };
    let comparisons = |fields: &'static [Field]| fields.iter().filter(|field| !["path", "any"].contains(&field.key));
    for field in comparisons(All::CONDITION) {
        let example = json(field.about.unwrap().example);
        let condition = json!({"path": "a[*]", field.key: example});
        assert!(read(&condition) && read(&json!({"any": [condition]})), "{}", field.key);
        let strange = json!({"path": "a[*]", field.key: {}});
        assert!(!read(&strange) && !walked(&Shape::Object(All::CONDITION), &strange).is_empty(), "{}", field.key);
        assert!(!read(&json!({"path": "a[*]", field.key: null})), "{}: null compares nothing", field.key);
    }
    assert!(comparisons(All::CONDITION).eq(comparisons(All::ALTERNATIVE)));
    // The entry, whether the table objects, whether it is refused, the reason.
    let rows = [
        (json!({"path": "a", "exists": true}), false, false, "a condition"),
        (json!({"path": "a", "exists": true, "x": 1}), true, true, "an unknown key"),
        (json!({"path": "a", "exists": 1}), true, true, "another type"),
        (json!({"path": 1, "exists": true}), true, true, "no path"),
        (json!({"path": "a", "in": ["x", 1, true]}), false, false, "every type of values"),
        (json!({"path": "a", "in": ["x", [1]]}), true, true, "a list of lists"),
        (json!({"path": "a", "equals": 1.5}), false, false, "a fraction"),
        (json!({"path": "a", "atLeast": "1"}), true, true, "a text for a number"),
        (json!({"path": "a[*]", "countAtMost": -1}), true, true, "a negative number"),
        (json!({"path": "a[*]", "countAtMost": 1.5}), true, true, "a fraction of values"),
        (json!({"path": "a"}), false, true, "no comparison"),
        (json!({"exists": true}), false, true, "no path"),
        (json!({"any": [{"path": "a", "exists": true}]}), false, false, "alternatives"),
        (json!({"any": [{"exists": true}]}), true, true, "no path in an alternative"),
        (json!({"any": [{"any": [{"path": "a", "exists": true}]}]}), true, true, "alternatives of alternatives"),
        (json!({"any": {"path": "a", "exists": true}}), true, true, "no list of them"),
    ];
    for (entry, is_strange, is_refused, why) in rows {
        let strange = walked(&Shape::Object(All::CONDITION), &entry);
        assert_eq!((!strange.is_empty(), !read(&entry)), (is_strange, is_refused), "{why}: {entry}");
    }
}

/// Settings that hold every key.
fn whole() -> Value {
    let key = json(KEY);
    let example = |key: &str| {
        let found = all_fields().into_iter().find(|(_, field)| field.key == key && field.about.is_some());
        json(found.unwrap().1.about.unwrap().example)
    };
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "askHost": false, "trustRoots": [
                {"name": "default", "key": key, "notBefore": example("notBefore"), "notAfter": example("notAfter")},
                {"name": "alice", "keyless": {"issuer": example("issuer"), "subject": example("subject")}},
                {"name": "team", "keyless": {"issuerRegex": example("issuerRegex"), "subjectRegex": example("subjectRegex")}},
                {"name": "path", "keyless": {"issuer": "https://gitlab.com", "subjectPrefix": example("subjectPrefix")}},
                {"name": "release", "github": {"owner": "acme", "repo": "app", "workflow": "release.yml", "ref": "refs/tags/v*"}},
            ]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "own", "type": "cosign", "host": {"rekorPubkey": key, "ctLogPubkey": key}, "trustRoots": [
                {"name": "default", "key": key},
            ]},
        ],
        "policy": [
            {"pattern": "ghcr.io/acme/*", "validator": "default", "with": {
                "trustRoot": "*", "threshold": 2, "required": ["alice"], "annotations": {"env": "prod"}, "identities": ["self"],
                "mode": "mutate", "verifyInTransparencyLog": true, "verifySCT": true,
            }},
            {"pattern": "registry.k8s.io/*:*", "validator": "allow"},
            {"pattern": "ghcr.io/own/*", "validator": "own"},
        ],
        "features": {
            "detectionMode": false, "mutation": true, "timeBudgetMs": 900, "maxHostCalls": 100, "disclosure": "full",
            "automaticChildApproval": {"ttl": 60, "requireDigest": true}, "automaticUnchangedApproval": false,
            "resourceValidationMode": "all", "gitops": {"resolve": false, "dryRun": "verify"},
        },
    })
}

fn accepts(settings: &Value) -> bool {
    jsonschema::is_valid(&json_schema(), settings)
}

#[test]
fn the_schema_judges_like_the_check() {
    assert_eq!(jsonschema::meta::validate(&json_schema()).map_err(|error| error.to_string()), Ok(()));
    assert_eq!(check(&whole().to_string()), []);
    assert!(accepts(&whole()));
    let text = |length: usize| json!("x".repeat(length));
    let list = |length: usize| json!((0..length).map(|i| format!("t{i}")).collect::<Vec<_>>());
    let map = |length: usize| json!((0..length).map(|i| (format!("t{i}"), json!("x"))).collect::<Map<String, Value>>());
    // the place, its value, whether both accept it, the reason
    let rows = [
        ("/validators/0/name", text(0), false, "no name"),
        ("/validators/0/type", json!("notation"), false, "a type that is not here"),
        ("/validators/0/approve", json!(true), false, "of the other type"),
        ("/validators/0/trustRoots", Value::Null, false, "needed by the type"),
        ("/validators/1/approve", Value::Null, false, "likewise"),
        ("/validators/1/trustRoots", json!([{"name": "a", "key": json(KEY)}]), false, "of the other type"),
        ("/validators/1/askHost", Value::Null, true, "null is nothing"),
        ("/validators/1/auth", Value::Null, false, "known, and refused"),
        ("/validators/0/trustRoots/0/github", json!({"owner": "acme"}), false, "beside a key"),
        ("/validators/0/trustRoots/0/github", Value::Null, true, "null is nothing beside it"),
        ("/validators/0/trustRoots/0/certificate", Value::Null, true, "even if its mapping has a choice of keys"),
        ("/validators/0/trustRoots/0/key", json!("cosign.pub"), false, "a path"),
        ("/validators/0/trustRoots/0/notAfter", json!("tomorrow"), false, "no time"),
        ("/validators/0/trustRoots/0/notAfter", json!("2027-01-01T00:00:00.5Z"), true, "a part of a second"),
        ("/validators/0/trustRoots/1/keyless/issuerRegex", json!("^https://a$"), false, "two issuers"),
        ("/validators/0/trustRoots/1/keyless/subject", text(2048), true, "the longest name"),
        ("/validators/0/trustRoots/1/keyless/subject", text(2049), false, "a longer one"),
        ("/validators/0/trustRoots/3/keyless/subjectPrefix", json!("https://github.com/acme"), false, "no slash"),
        ("/validators/0/trustRoots/3/keyless/subjectPrefix", json!("x://a/\n/"), true, "whatever is between"),
        ("/validators/0/trustRoots/4/github/owner", json!("acme/app"), false, "two names"),
        ("/validators/0/trustRoots/4/github/ref", json!("main"), false, "no reference"),
        ("/policy/0/pattern", text(0), false, "no pattern"),
        ("/policy/0/pattern", text(513), false, "too long"),
        ("/policy/0/with/threshold", json!(0), false, "nobody"),
        ("/policy/0/with/required", json!([]), false, "an empty list"),
        ("/policy/0/with/identities", list(32), true, "as many as may be"),
        ("/policy/0/with/identities", list(33), false, "one more"),
        ("/policy/0/with/identities", json!(vec!["self"; 33]), false, "one more, however often it is the same"),
        ("/policy/0/with/annotations", map(32), true, "as many as may be"),
        ("/policy/0/with/annotations", map(33), false, "one more"),
        ("/policy/0/with/mode", json!("Mutate"), false, "another case"),
        ("/features/timeBudgetMs", json!(30_000), true, "the most"),
        ("/features/timeBudgetMs", json!(30_001), false, "more"),
        ("/features/maxHostCalls", json!(1_000), true, "the most"),
        ("/features/maxHostCalls", json!(1_001), false, "more"),
        ("/features/automaticChildApproval", json!(false), true, "a switch"),
        ("/features/automaticChildApproval/ttl", json!(0), false, "no time"),
        ("/features/detectionmode", json!(true), false, "an unknown key"),
        ("/features", Value::Null, true, "none"),
        ("/policy", Value::Null, false, "needed"),
        ("/policy", json!([]), false, "no rule"),
    ];
    for (place, value, expected, why) in rows {
        let settings = set(whole(), place, value.clone());
        let problems = check(&settings.to_string());
        assert_eq!(problems.is_empty(), expected, "{why}: {place}: {problems:?}");
        assert_eq!(accepts(&settings), expected, "{why}: {place}: {value}");
    }
    // In JSON Schema 1.0 is an integer. Requests read none in it, so the check refuses it.
    let settings = set(whole(), "/policy/0/with/threshold", json!(1.0));
    assert_eq!((check(&settings.to_string()).len(), accepts(&settings)), (1, true));
    let many = |count: usize| {
        let root = |i: usize| json!({"name": format!("t{i}"), "github": {"owner": format!("o{i}")}});
        let roots: Vec<Value> = (0..count).map(root).collect();
        json!({"validators": [{"name": "default", "type": "cosign", "trustRoots": roots}], "policy": [{"pattern": "*", "with": {"trustRoot": "*"}}]})
    };
    for (settings, expected) in [(many(50), true), (many(51), false)] {
        assert_eq!((check(&settings.to_string()).is_empty(), accepts(&settings)), (expected, expected));
    }
}

/// These settings with another value at this place, which may be a key that is not there yet.
fn set(mut settings: Value, place: &str, value: Value) -> Value {
    let (around, key) = place.rsplit_once('/').unwrap();
    match settings.pointer_mut(around) {
        Some(Value::Object(map)) => drop(map.insert(key.to_owned(), value)),
        Some(Value::Array(list)) => {
            if let Some(entry) = key.parse().ok().and_then(|at: usize| list.get_mut(at)) {
                *entry = value;
            }
        }
        _ => {}
    }
    settings
}

/// Every place in a value.
fn places(value: &Value, path: &str) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| places(value, &format!("{path}/{key}"))).collect(),
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(i, value)| places(value, &format!("{path}/{i}"))).collect()
        }
        _ => Vec::new(),
    };
    let own = (!path.is_empty()).then(|| path.to_owned());
    own.into_iter().chain(below).collect()
}

/// Something else at some place.
fn change() -> impl Strategy<Value = (String, Value)> {
    let values = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1_001),
        json!(30_001),
        json!(""),
        json!("x"),
        json!("self"),
        json!("static"),
        json!("cosign"),
        json!("default"),
        json!("podsOnly"),
        json!("2026-12-31T23:59:59Z"),
        json!([]),
        json!(["alice"]),
        json!([1]),
        json!([null]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": null}),
        json!({"name": "x"}),
        json!({"owner": "acme"}),
        json(KEY),
    ];
    let mut anywhere = places(&whole(), "");
    // Keys of one mapping in another one.
    let keys = all_fields().into_iter().map(|(_, field)| field.key);
    let mappings = ["", "/validators/0", "/validators/1", "/validators/0/trustRoots/1", "/policy/0/with", "/features"];
    anywhere.extend(keys.flat_map(|key| mappings.map(|mapping| format!("{mapping}/{key}"))));
    (select(anywhere), select(values))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    /// The schema refuses nothing that the check accepts, and accepts nothing whose shape the check refuses.
    #[test]
    fn the_schema_and_the_check_agree_on_shapes(changes in prop::collection::vec(change(), 1..4)) {
        let settings = changes.iter().fold(whole(), |settings, (place, value)| set(settings, place, value.clone()));
        let problems = check(&settings.to_string());
        let accepts = accepts(&settings);
        prop_assert!(accepts || !problems.is_empty(), "the schema alone refuses {changes:?}");
        // What a pattern or a key has to be is more than a schema can say.
        let of_text = |problem: &Problem| ["pattern", "key", "Pubkey"].iter().any(|end| problem.path.to_string().ends_with(end));
        let strange: Vec<Problem> = walked(&SETTINGS, &settings).into_iter().filter(|problem| !of_text(problem)).collect();
        prop_assert!(!accepts || strange.is_empty(), "the schema alone accepts {changes:?}: {strange:?}");
    }
}
