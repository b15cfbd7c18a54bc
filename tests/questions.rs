//! Do the reference page and Rancher's UI say of the settings what their table says, and does the UI offer what is accepted?
//!
//! With `UPDATE_EXPECT=1` the tests write the tables of `docs/reference/settings.md`, `questions-ui.yml` and its copy in `artifacthub-pkg.yml` again.
//! The UI writes every default that it shows into the settings. So whatever it asks, offers or shows has to be accepted.

use std::{fs, path::PathBuf};

use image_trust::answer;
use image_trust_schema::{json_schema, reference};
use image_trust_testbed::mint::Instance;
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
            {"name": "dct", "type": "notaryv1", "trustRoots": [root("default", ALICE)]},
            {"name": "notation", "type": "notation", "trustRoots": [{"name": "default", "cert": Instance::new("ours").chain_pem()}]},
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

/// The values that the UI offers, including the default.
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

/// The error in a question, if there is one.
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

/// What the UI has to ask of a key, by the schema of the settings.
struct Field {
    kind: &'static str,
    options: Option<Vec<Value>>,
    min: Option<Value>,
    max: Option<Value>,
    required: bool,
    /// `None` where the UI has to choose: what is required has no default.
    default: Option<Value>,
}

/// The schema of the mapping that holds the settings called `within`, and that of the key.
fn schema_of<'s>(schema: &'s Value, within: &str, key: &str) -> (&'s Value, &'s Value) {
    let validator = &schema["properties"]["validators"]["items"];
    let rule = &schema["properties"]["policy"]["items"];
    let features = &schema["properties"]["features"];
    let mapping = match within {
        "" => schema,
        "validators" => validator,
        "trustRoots" => &validator["properties"]["trustRoots"]["items"],
        "policy" => rule,
        "with" => &rule["properties"]["with"],
        "features" => features,
        "gitops" => &features["properties"]["gitops"],
        other => panic!("the UI asks for keys of {other}"),
    };
    (mapping, &mapping["properties"][key])
}

fn field(schema: &Value, within: &str, key: &str) -> Field {
    let (mapping, property) = schema_of(schema, within, key);
    assert!(property.is_object(), "{within}.{key} is no setting");
    let options =
        property["enum"].as_array().map(|words| words.iter().filter(|word| !word.is_null()).cloned().collect());
    let type_of =
        |property: &Value| property["type"].as_array().map_or(property["type"].clone(), |types| types[0].clone());
    let items = type_of(&property["items"]);
    let kind = match type_of(property).as_str() {
        Some("string") if options.is_some() => "enum",
        Some("string") if property["pattern"].as_str().is_some_and(|form| form.contains("BEGIN")) => "multiline",
        Some("string") => "string",
        Some("boolean") => "boolean",
        Some("integer") => "int",
        Some("object") => "map[",
        Some("array") if items == "object" => "sequence[",
        Some("array") => "array[",
        // A switch that can say more; the UI has the switch.
        _ => "boolean",
    };
    let required = mapping["required"].as_array().is_some_and(|keys| keys.contains(&json!(key)));
    let default = match property.get("default") {
        _ if required => None,
        // What the UI shows it writes. A static validator takes neither `askHost` nor `with`, and its rules take no option.
        Some(_) if within == "with" || ["askHost", "with"].contains(&key) => Some(Value::Null),
        default => Some(default.cloned().unwrap_or_default()),
    };
    let (min, max) = (property.get("minimum").cloned(), property.get("maximum").cloned());
    Field { kind, options, min, max, required, default }
}

/// The text of `questions-ui.yml` with every type, limit, option and default as the schema has it.
fn rewritten(text: &str) -> String {
    let schema = json_schema();
    let all = questions();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for asked in &all {
        let variable = asked.question["variable"].as_str().unwrap();
        let field = field(&schema, &asked.within, asked.key());
        // The lines of a question go from its default to its variable.
        let ends =
            |at: &usize| lines[*at].trim() == format!("variable: {variable}") && within(&lines, *at) == asked.within;
        let end = (0..lines.len()).find(ends).unwrap_or_else(|| panic!("{variable} is found"));
        let indent = lines[end].len() - lines[end].trim_start().len();
        let begins = |at: &usize| lines[*at].starts_with(&format!("{}- default:", " ".repeat(indent - 2)));
        let begin = (0..end).rev().find(begins).unwrap();
        let pad = " ".repeat(indent);
        let yaml = |value: &Value| match value {
            Value::String(text) if text.is_empty() => "''".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut question: Vec<String> = Vec::new();
        for line in lines.drain(begin..=end).collect::<Vec<_>>() {
            let set = |key: &str, value: String| format!("{pad}{key}: {value}");
            match line.trim_start_matches([' ', '-']).split(':').next().unwrap() {
                "default" => match &field.default {
                    Some(default) => question.push(format!("{}- default: {}", &pad[2..], yaml(default))),
                    None => question.push(line),
                },
                "max" | "min" | "options" => {}
                "required" => {
                    question.extend(field.max.iter().map(|max| set("max", max.to_string())));
                    question.extend(field.min.iter().map(|min| set("min", min.to_string())));
                    if let Some(options) = &field.options {
                        question.push(format!("{pad}options:"));
                        question.extend(options.iter().map(|option| format!("{pad}- {}", yaml(option))));
                    }
                    question.push(set("required", field.required.to_string()));
                }
                "type" => question.push(set("type", field.kind.to_owned())),
                // One of the options, which were written.
                _ if line.starts_with(&format!("{pad}- ")) => {}
                _ => question.push(line),
            }
        }
        lines.splice(begin..begin, question);
    }
    lines.join("\n") + "\n"
}

/// Which list or mapping a question on this line is of: the last variable above it that is further out.
fn within(lines: &[String], at: usize) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(&lines[at]);
    let outer = lines[..at].iter().rev().find(|line| line.trim_start().starts_with("variable:") && indent(line) < own);
    let outer = outer.map(|line| line.trim_start().trim_start_matches("variable:").trim()).unwrap_or_default();
    outer.rsplit('.').next().unwrap_or(outer).to_owned()
}

fn update(file: &str, text: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() && read(file) != text {
        // Other tests read the file meanwhile, so it is replaced at once.
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    }
    assert!(read(file) == text, "{file} does not say what the table of settings says; UPDATE_EXPECT=1 writes it again");
}

#[test]
fn what_is_asked_is_what_the_schema_says() {
    update("questions-ui.yml", &rewritten(&read("questions-ui.yml")));
}

#[test]
fn the_reference_tables_are_those_of_the_settings() {
    let mut page = read("docs/reference/settings.md");
    for (name, table) in reference() {
        let begin = format!("<!-- table: {name} -->\n");
        let (before, rest) =
            page.split_once(&begin).unwrap_or_else(|| panic!("docs/reference/settings.md has no table {name}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        page = format!("{before}{begin}{table}<!-- end -->{after}");
    }
    update("docs/reference/settings.md", &page);
}

#[test]
fn artifact_hub_gets_the_same_questions() {
    let text = read("artifacthub-pkg.yml");
    let (before, rest) = text.split_once("  kubewarden/questions-ui: |\n").unwrap();
    let after =
        rest.lines().skip_while(|line| line.is_empty() || line.starts_with("    ")).collect::<Vec<_>>().join("\n");
    let questions: String = rewritten(&read("questions-ui.yml")).lines().map(|line| format!("    {line}\n")).collect();
    update("artifacthub-pkg.yml", &format!("{before}  kubewarden/questions-ui: |\n{questions}{after}\n"));
    let package = yaml(&read("artifacthub-pkg.yml"));
    let metadata = yaml(&read("metadata.yml"));
    for (annotation, key) in [("contextAwareResources", "contextAwareResources"), ("rules", "rules")] {
        let told = package["annotations"][format!("kubewarden/{annotation}")].as_str().unwrap_or_default();
        assert_eq!(yaml(told), metadata[key], "left: artifacthub-pkg.yml, right: metadata.yml; {key}");
    }
    // Who publishes the policy, which is not who makes Kubewarden.
    assert_eq!(package["provider"]["name"], metadata["annotations"]["io.kubewarden.policy.author"]);
    let kinds = metadata["contextAwareResources"].as_array().unwrap().len();
    let told = package["install"].as_str().unwrap();
    assert!(kinds == 9 && told.contains("from the cluster, which are of nine kinds"), "{kinds} kinds: {told}");
}
