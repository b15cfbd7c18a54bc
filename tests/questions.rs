//! Does Rancher's UI ask for settings that exist, and offer what they accept?
//!
//! The UI writes every default that it shows into the settings. So whatever it asks, offers or shows has to be accepted.

use std::{fs, path::PathBuf};

use image_trust::answer;
use serde_json::{Value, json};

const ALICE: &str = include_str!("keys/alice.pub");
const BOB: &str = include_str!("keys/bob.pub");

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// Settings that hold every key that is asked for, once or more.
fn settings() -> Value {
    let root = |name: &str, key: &str| json!({"name": name, "key": key});
    let with = json!({"trustRoot": "*", "threshold": 1, "required": ["default"], "identities": ["self"], "annotations": {"a": "b"}, "mode": "mutate"});
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "askHost": false, "trustRoots": [root("default", ALICE), root("bob", BOB)]},
            {"name": "allow", "type": "static", "approve": true},
        ],
        "policy": [
            {"pattern": "*:*", "validator": "default", "with": with},
            {"pattern": "ghcr.io/acme/*", "with": {"trustRoot": "bob", "mode": "mutate"}},
            {"pattern": "registry.k8s.io/*", "validator": "allow", "with": null},
        ],
        "features": {
            "detectionMode": false, "mutation": true, "timeBudgetMs": 900, "maxHostCalls": 100, "disclosure": "full",
            "automaticChildApproval": true, "automaticUnchangedApproval": false, "resourceValidationMode": "all",
            "gitops": {"resolve": false, "dryRun": "verify"},
        },
    })
}

/// A question, and where its answer belongs: the name of the list or mapping around it, and all places of those in `settings`.
struct Asked {
    question: Value,
    within: String,
    places: Vec<String>,
}

impl Asked {
    fn key(&self) -> &str {
        let variable = self.question["variable"].as_str().unwrap();
        variable.rsplit('.').next().unwrap_or(variable)
    }
}

/// Every question, with those below it.
fn all_asked(questions: &Value, within: &str, places: &[String], settings: &Value, found: &mut Vec<Asked>) {
    for question in questions.as_array().unwrap() {
        let asked = Asked { question: question.clone(), within: within.to_owned(), places: places.to_vec() };
        let key = asked.key().to_owned();
        let inner: Vec<String> = places.iter().map(|place| format!("{place}/{key}")).collect();
        let entries = inner.iter().flat_map(|list| {
            let length = settings.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
            (0..length).map(move |i| format!("{list}/{i}"))
        });
        if !question["sequence_questions"].is_null() {
            all_asked(&question["sequence_questions"], &key, &entries.collect::<Vec<_>>(), settings, found);
        }
        if !question["subquestions"].is_null() {
            all_asked(&question["subquestions"], &key, &inner, settings, found);
        }
        found.push(asked);
    }
}

/// What the UI lets people choose, its default among it.
fn offered(question: &Value) -> Vec<Value> {
    let mut values = vec![question["default"].clone()];
    match question["type"].as_str().unwrap() {
        "boolean" => values.extend([json!(true), json!(false)]),
        "enum" => values.extend(question["options"].as_array().unwrap().iter().cloned()),
        "int" => values.extend(["min", "max"].into_iter().map(|end| question[end].clone())),
        _ => {}
    }
    values
}

/// Settings with `value` as the answer, wherever they are accepted.
fn accepted(asked: &Asked, value: &Value) -> bool {
    let answered = |place: &String| {
        let mut settings = settings();
        match settings.pointer_mut(place).and_then(Value::as_object_mut) {
            Some(object) => drop(object.insert(asked.key().to_owned(), value.clone())),
            None => return false,
        }
        answer::validate_settings(settings.to_string().as_bytes()).is_ok()
    };
    asked.places.iter().any(answered)
}

/// What is wrong with a question, if anything.
fn problem(asked: &Asked) -> Option<String> {
    let question = &asked.question;
    if ["label", "description", "group", "type", "variable"]
        .iter()
        .any(|key| question[key].as_str().is_none_or(str::is_empty))
    {
        return Some("it is not told what it is".to_owned());
    }
    let is_answered = |place: &String| settings().pointer(&format!("{place}/{}", asked.key())).is_some();
    if !asked.places.iter().any(is_answered) {
        return Some("this test has no settings with it".to_owned());
    }
    // What has to be filled in is empty until then.
    let to_fill =
        |value: &Value| question["required"] == json!(true) && matches!(value.to_string().as_str(), "\"\"" | "[]");
    let refused = offered(question).into_iter().find(|value| !to_fill(value) && !accepted(asked, value));
    refused.map(|value| format!("{value} is offered and refused"))
}

fn questions() -> Vec<Asked> {
    let mut found = Vec::new();
    all_asked(&yaml(&read("questions-ui.yml"))["questions"], "", &[String::new()], &settings(), &mut found);
    found
}

#[test]
fn whatever_is_asked_is_a_setting_and_whatever_is_offered_is_accepted() {
    assert_eq!(answer::validate_settings(settings().to_string().as_bytes()), Ok(()));
    let all = questions();
    for asked in &all {
        assert_eq!(problem(asked), None, "{}", asked.question["variable"]);
    }
    let variables: Vec<&str> = all.iter().map(|asked| asked.question["variable"].as_str().unwrap()).collect();
    for variable in [
        "features.detectionMode",
        "features.automaticChildApproval",
        "features.gitops.dryRun",
        "features.timeBudgetMs",
        "trustRoots",
        "with.mode",
    ] {
        assert!(variables.contains(&variable), "{variable} is not asked for: {variables:?}");
    }
}

#[test]
fn what_does_not_fit_is_noticed() {
    let question = |variable: &str, kind: &str, default: Value| json!({"variable": variable, "type": kind, "default": default, "label": "x", "description": "x", "group": "x"});
    let with = |question: Value, more: Value| {
        let mut question = question;
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    let time = || question("features.timeBudgetMs", "int", json!(900));
    let rows = [
        (question("features.detectionMode", "boolean", json!(false)), None, "a setting"),
        (question("features.description", "string", json!(null)), Some("no settings with it"), "an invented variable"),
        (
            question("features.mutation", "boolean", json!("yes")),
            Some("\"yes\" is offered"),
            "a default of another type",
        ),
        (with(time(), json!({"min": 1, "max": 30_000})), None, "the limits"),
        (with(time(), json!({"min": 0, "max": 30_000})), Some("0 is offered"), "more than the limits"),
        (
            with(question("features.mutation", "enum", json!(true)), json!({"options": [true, "off"]})),
            Some("\"off\""),
            "an option",
        ),
        (with(time(), json!({"label": "", "min": 1, "max": 2})), Some("not told"), "no label"),
    ];
    for (question, expected, why) in rows {
        let mut found = Vec::new();
        let features = json!([{"variable": "features", "type": "map[", "default": {}, "subquestions": [question]}]);
        all_asked(&features, "", &[String::new()], &settings(), &mut found);
        let problem = problem(&found[0]);
        let as_expected = match expected {
            Some(part) => problem.as_ref().is_some_and(|problem| problem.contains(part)),
            None => problem.is_none(),
        };
        assert!(as_expected, "{why}: {problem:?}");
    }
}

/// The default of a key as `docs/settings.md` tells it, in the section of the list or mapping that holds it.
fn documented(docs: &str, within: &str, key: &str) -> Option<String> {
    let heading = if within.is_empty() { "# Settings".to_owned() } else { format!("# {within}\n") };
    let section = docs.split_once(&heading)?.1;
    let section = section.split("\n#").next()?;
    let row = section.lines().find(|line| line.starts_with(&format!("| `{key}` |")))?;
    row.split(" | ").nth(2).map(str::to_owned)
}

#[test]
fn defaults_are_the_documented_ones() {
    let docs = read("docs/settings.md");
    for asked in questions().iter().filter(|asked| !asked.within.is_empty()) {
        let (question, key) = (&asked.question, asked.key());
        let told =
            documented(&docs, &asked.within, key).unwrap_or_else(|| panic!("{}.{key} is not documented", asked.within));
        assert_eq!(question["required"] == json!(true), told == "required", "{}.{key}: {told}", asked.within);
        let code = told.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        match code.map(yaml) {
            // A rule of a static validator takes no option, and whatever the UI shows as a default it writes.
            Some(_) if asked.within == "with" => assert_eq!(question["default"], Value::Null, "with.{key}"),
            // A static validator takes none either.
            Some(_) if key == "askHost" => assert_eq!(question["default"], Value::Null, "{}.{key}", asked.within),
            // Of a static validator's rule even an empty mapping is refused, and leaving it out is the same.
            Some(Value::Object(_)) if key == "with" => {
                assert_eq!(question["default"], Value::Null, "{}.{key}", asked.within)
            }
            Some(value) => assert_eq!(question["default"], value, "{}.{key}", asked.within),
            None if told == "required" => {}
            None => assert_eq!(question["default"], Value::Null, "{}.{key} has no default: {told}", asked.within),
        }
    }
}

#[test]
fn artifact_hub_gets_the_same_questions() {
    let package = yaml(&read("artifacthub-pkg.yml"));
    let same = package["annotations"]["kubewarden/questions-ui"].as_str() == Some(read("questions-ui.yml").as_str());
    assert!(same, "artifacthub-pkg.yml has other questions than questions-ui.yml");
    let metadata = yaml(&read("metadata.yml"));
    for (annotation, key) in [("contextAwareResources", "contextAwareResources"), ("rules", "rules")] {
        let told = package["annotations"][format!("kubewarden/{annotation}")].as_str().unwrap_or_default();
        assert_eq!(yaml(told), metadata[key], "left: artifacthub-pkg.yml, right: metadata.yml; {key}");
    }
}
