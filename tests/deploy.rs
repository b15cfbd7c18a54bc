//! Would a cluster accept what `deploy/` holds, and does it say what the policy and policy-server say?
//!
//! The fields are those of Kubewarden's custom resources up to 1.39, and of the Prometheus operator's rules; the metrics are policy-server's.

use std::{collections::BTreeSet, fs, path::PathBuf};

use image_trust::answer;
use image_trust_lint::Severity;
use image_trust_testbed::host::FakeHost;
use serde_json::{Map, Value};

const METRICS: [&str; 9] = [
    "kubewarden_policy_evaluations_total",
    "kubewarden_policy_evaluation_latency_milliseconds_bucket",
    "kubewarden_policy_evaluation_latency_milliseconds_count",
    "kubewarden_policy_evaluation_latency_milliseconds_sum",
    // Of kube-state-metrics.
    "kube_cronjob_created",
    "kube_cronjob_status_last_successful_time",
    "kube_deployment_status_condition",
    "kube_deployment_status_replicas_available",
    "kube_deployment_status_replicas_updated",
];
/// Labels, and the values that they can have where those are few.
const LABELS: [(&str, &[&str]); 16] = [
    ("policy_name", &[]),
    ("policy_mode", &["protect", "monitor"]),
    ("resource_kind", &[]),
    ("resource_request_operation", &["CREATE", "UPDATE", "DELETE"]),
    ("accepted", &["true", "false"]),
    ("mutated", &["true", "false"]),
    ("request_origin", &["validate", "audit"]),
    ("resource_namespace", &[]),
    ("namespace", &[]),
    // Those of docs/reference/audit.md.
    ("error_code", &["400", "403", "500", "503", "504"]),
    ("le", &[]),
    ("cronjob", &["image-trust-collect.*", "image-trust-collect-notary.*"]),
    // Of requests to a policy that did not load, which have `policy_name` beside it and nothing else.
    ("initialization_error", &[]),
    ("deployment", &["policy-server-.*"]),
    ("condition", &["Progressing"]),
    ("status", &["true", "false"]),
];
/// The words that may stand in our queries beside metrics and labels.
const WORDS: [&str; 13] = [
    "sum",
    "by",
    "rate",
    "increase",
    "offset",
    "or",
    "unless",
    "histogram_quantile",
    "absent_over_time",
    "label_values",
    "and",
    "time",
    "max",
];

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn only(value: &Value, known: &[&str], required: &[&str], of: &str) -> Map<String, Value> {
    let map = value.as_object().unwrap_or_else(|| panic!("{of} is no mapping"));
    for key in map.keys() {
        assert!(known.contains(&key.as_str()), "{of} has no field {key}");
    }
    for key in required {
        assert!(map.contains_key(*key), "{of} needs {key}");
    }
    map.clone()
}

/// Fields of every policy and policy group.
const COMMON: &[&str] = &[
    "policyServer",
    "mode",
    "rules",
    "failurePolicy",
    "backgroundAudit",
    "matchPolicy",
    "matchConditions",
    "objectSelector",
    "sideEffects",
    "timeoutSeconds",
    "message",
];
const CLUSTER: &[&str] = &["namespaceSelector", "allowInsideAdmissionControllerNamespace"];
/// The fields of something that runs a module: a policy, or a member of a group.
const MODULE: &[&str] = &["module", "settings", "timeoutEvalSeconds"];

/// A manifest, and what its kind has.
struct Manifest {
    name: &'static str,
    kind: &'static str,
    mode: &'static str,
    fields: Vec<&'static [&'static str]>,
    required: &'static [&'static str],
    /// Resources that its kind may not be called for.
    kept_away: &'static [&'static str],
}

fn manifests() -> Vec<Manifest> {
    let policy = &["module", "mutating", "rules"];
    let group = &["expression", "message", "policies", "rules"];
    let one = |name, mode| Manifest {
        name,
        kind: "ClusterAdmissionPolicy",
        mode,
        fields: vec![COMMON, CLUSTER, MODULE, &["mutating", "contextAwareResources"]],
        required: policy,
        kept_away: &[],
    };
    vec![
        one("deploy/monitor.yaml", "monitor"),
        one("deploy/protect.yaml", "protect"),
        Manifest {
            name: "deploy/namespaced.yaml",
            kind: "AdmissionPolicy",
            mode: "protect",
            fields: vec![COMMON, MODULE, &["mutating"]],
            required: policy,
            // Not in the chart's default of `namespacedPoliciesAllowedResources`, and one such resource rejects the whole policy.
            kept_away: &["podtemplates"],
        },
        Manifest {
            name: "deploy/group.yaml",
            kind: "ClusterAdmissionPolicyGroup",
            mode: "protect",
            fields: vec![COMMON, CLUSTER, &["expression", "policies"]],
            required: group,
            kept_away: &[],
        },
    ]
}

#[test]
fn every_file_is_checked() {
    let names = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy")).unwrap();
    let found: BTreeSet<String> =
        names.map(|entry| format!("deploy/{}", entry.unwrap().file_name().to_string_lossy())).collect();
    let mut checked: BTreeSet<String> = manifests().iter().map(|manifest| manifest.name.to_owned()).collect();
    // `collect` is held to its examples by crates/cli/tests/cli/collect/documents.rs.
    let others = [
        "alerts.yaml",
        "alerts-loki.yaml",
        "break-glass.yaml",
        "collect-cronjob.yaml",
        "collect-github.yaml",
        "collect-notary-cronjob.yaml",
        "dashboard.json",
        // Held by tests/policy_server.rs.
        "policy-server",
    ];
    checked.extend(others.map(|name| format!("deploy/{name}")));
    assert_eq!(found, checked);
}

#[test]
fn manifests_have_known_fields_and_agree_with_the_metadata() {
    let metadata = yaml("metadata.yml");
    for Manifest { name, kind, mode, fields, required, kept_away } in manifests() {
        let text = read(name);
        assert!(text.starts_with('#'), "{name} does not say for what it is");
        let manifest = only(&yaml(name), &["apiVersion", "kind", "metadata", "spec"], &["metadata", "spec"], name);
        assert_eq!(manifest["apiVersion"], "policies.kubewarden.io/v1", "{name}");
        assert_eq!(manifest["kind"], kind, "{name}");
        assert_eq!(manifest["metadata"].get("namespace").is_some(), kind == "AdmissionPolicy", "{name}: a namespace");
        let spec = only(&manifest["spec"], &fields.concat(), required, name);
        assert_eq!(spec["mode"], mode, "{name}");
        assert!(
            spec.get("failurePolicy").is_none_or(|policy| policy == "Fail"),
            "{name}: what can't be asked is denied"
        );

        let mut rules = metadata["rules"].clone();
        for rule in rules.as_array_mut().unwrap() {
            let resources = rule["resources"].as_array_mut().unwrap();
            resources.retain(|resource| !kept_away.contains(&resource.as_str().unwrap()));
        }
        assert_eq!(spec["rules"], rules, "{name}");
        if fields.concat().contains(&"mutating") {
            assert_eq!(spec["mutating"], metadata["mutating"], "{name}");
        }
        for member in members(&spec, name) {
            let may_look = spec.get("contextAwareResources");
            check_settings(&member, kind, may_look, name);
            assert!(may_look.is_none_or(|resources| *resources == metadata["contextAwareResources"]), "{name}");
        }
        check_times(&spec, name);
    }
}

/// What runs a module: the policy itself, or the members of a group.
fn members(spec: &Map<String, Value>, name: &str) -> Vec<Map<String, Value>> {
    let Some(policies) = spec.get("policies") else { return vec![spec.clone()] };
    let expression = spec["expression"].as_str().unwrap();
    let called: BTreeSet<&str> = expression.split("()").map(last_word).filter(|word| !word.is_empty()).collect();
    let policies = policies.as_object().unwrap();
    assert!(called.iter().eq(policies.keys()), "{name}: `{expression}` calls every member and nobody else");
    let fields = [MODULE, &["contextAwareResources"]].concat();
    policies.iter().map(|(member, policy)| only(policy, &fields, &["module"], &format!("{name}: {member}"))).collect()
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

#[track_caller]
fn check_settings(member: &Map<String, Value>, kind: &str, may_look: Option<&Value>, name: &str) {
    let settings = &member["settings"];
    assert_eq!(answer::validate_settings(settings.to_string().as_bytes()), Ok(()), "{name}");
    let doubtful: Vec<_> = image_trust_lint::lint(&settings.to_string(), image_trust::time::UnixTime::default())
        .into_iter()
        .filter(|finding| finding.lint.severity() < Severity::Info)
        .collect();
    assert!(doubtful.is_empty(), "{name}: {doubtful:#?}");
    let features = &settings["features"];
    if kind.ends_with("Group") {
        assert_eq!(features["mutation"], false, "{name}: a patch counts as false in a group");
    }
    if may_look.is_none() {
        assert_eq!(features["automaticChildApproval"], false, "{name}: owners can't be looked up");
    }
    assert!(member["module"].as_str().unwrap().starts_with("registry://"), "{name}");
}

/// The budget is more than a second below the evaluation's deadline, and that is no later than the webhook's.
#[track_caller]
fn check_times(spec: &Map<String, Value>, name: &str) {
    let webhook = spec["timeoutSeconds"].as_u64().unwrap();
    let mut together = 0;
    for member in members(spec, name) {
        let deadline = member["timeoutEvalSeconds"].as_u64().unwrap();
        let budget = member["settings"]["features"]["timeBudgetMs"].as_u64().unwrap_or(900);
        assert!((2..=30).contains(&deadline), "{name}: {deadline} s");
        assert!(budget + 1_000 < deadline * 1_000, "{name}: {budget} ms in {deadline} s");
        together += deadline;
    }
    assert!((together..=30).contains(&webhook), "{name}: {together} s in {webhook} s");
}

#[test]
fn monitor_and_protect_differ_in_the_mode_only() {
    let mut monitor = yaml("deploy/monitor.yaml");
    monitor["spec"]["mode"] = "protect".into();
    assert_eq!(monitor, yaml("deploy/protect.yaml"), "one is applied over the other");
}

#[test]
fn alerts_ask_for_what_there_is() {
    let manifest = yaml("deploy/alerts.yaml");
    only(&manifest, &["apiVersion", "kind", "metadata", "spec"], &["metadata", "spec"], "PrometheusRule");
    assert_eq!(
        (&manifest["apiVersion"], &manifest["kind"]),
        (&"monitoring.coreos.com/v1".into(), &"PrometheusRule".into())
    );
    let spec = only(&manifest["spec"], &["groups"], &["groups"], "spec");
    let mut codes = BTreeSet::new();
    let mut names = BTreeSet::new();
    for group in spec["groups"].as_array().unwrap() {
        let group = only(group, &["name", "interval", "limit", "rules"], &["name", "rules"], "group");
        for rule in group["rules"].as_array().unwrap() {
            let name = rule["alert"].as_str().unwrap();
            let rule =
                only(rule, &["alert", "expr", "for", "labels", "annotations"], &["alert", "expr", "labels"], name);
            assert!(names.insert(name.to_owned()), "{name} twice");
            only(&rule["labels"], &["severity"], &["severity"], name);
            let annotations =
                only(&rule["annotations"], &["summary", "description"], &["summary", "description"], name);
            codes.extend(check_query(rule["expr"].as_str().unwrap(), &BTreeSet::new()));
            let by = rule["expr"].as_str().unwrap();
            for text in annotations.values().map(|text| text.as_str().unwrap()) {
                for label in text.split("$labels.").skip(1).map(first_word) {
                    assert!(by.contains(label), "{name} tells a label that its query does not keep: {label}");
                }
            }
        }
    }
    let all = LABELS.iter().find(|(label, _)| *label == "error_code").unwrap().1;
    assert!(codes.iter().eq(all), "every code has its alert: {codes:?}");
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let dashboard: Value = serde_json::from_str(&read("deploy/dashboard.json")).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let mut known: BTreeSet<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    known.extend(["__rate_interval", "__range"]);
    for variable in variables.iter().filter(|variable| variable["type"] == "query") {
        check_query(variable["query"]["query"].as_str().unwrap(), &known);
    }
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 5);
    let (mut ids, mut titles, mut places) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(!title.is_empty() && titles.insert(title), "{title}: a title of its own");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: an id of its own");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(
            place("x") + place("w") <= 24 && places.insert((place("y"), place("x"))),
            "{title}: a place of its own"
        );
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}: a query");
        let references: BTreeSet<&str> = targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
        assert_eq!(references.len(), targets.len(), "{title}");
        if panel["datasource"]["type"] == "loki" {
            targets.iter().for_each(|target| assert!(!filters(target["expr"].as_str().unwrap()).is_empty()));
            continue;
        }
        for target in targets {
            check_query(target["expr"].as_str().unwrap(), &known);
            let legend = target["legendFormat"].as_str().unwrap();
            for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
                assert!(LABELS.iter().any(|(known, _)| known == &label), "{title}: {label}");
            }
        }
    }
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Brackets are closed, and every word is a metric, a label, a function or a variable that there is. Returns the codes that are asked for.
#[track_caller]
fn check_query(query: &str, variables: &BTreeSet<&str>) -> BTreeSet<String> {
    let (mut codes, mut open, mut metrics) = (BTreeSet::new(), Vec::new(), 0);
    let mut label: Option<&str> = None;
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let word = first_word(rest);
        let length = match c {
            '"' => {
                let (value, _) = rest[1..].split_once('"').unwrap_or_else(|| panic!("a quote is not closed: {query}"));
                let label = label.take().unwrap_or_else(|| panic!("`{value}` is no label's value: {query}"));
                check_value(label, value, variables, query);
                codes.extend((label == "error_code").then(|| value.to_owned()));
                value.len() + 2
            }
            '$' => {
                let variable = first_word(&rest[1..]);
                assert!(variables.contains(variable), "there is no variable ${variable}: {query}");
                variable.len() + 1
            }
            '(' | '[' | '{' => {
                open.push(c);
                1
            }
            ')' | ']' | '}' => {
                let pair = open.pop().map(|open| format!("{open}{c}"));
                assert!(matches!(pair.as_deref(), Some("()" | "[]" | "{}")), "brackets that don't match: {query}");
                1
            }
            c if c.is_ascii_digit() => word.len(),
            _ if !word.is_empty() => {
                let is_label = LABELS.iter().any(|(known, _)| *known == word);
                assert!(is_label || WORDS.contains(&word) || METRICS.contains(&word), "there is no {word}: {query}");
                metrics += usize::from(METRICS.contains(&word));
                label = is_label.then_some(word);
                word.len()
            }
            c => {
                assert!("=~!<>*+-/., \n".contains(c), "`{c}` in {query}");
                1
            }
        };
        rest = &rest[length..];
    }
    assert!(open.is_empty(), "a bracket is not closed: {query}");
    assert!(metrics > 0, "no metric in {query}");
    codes
}

#[track_caller]
fn check_value(label: &str, value: &str, variables: &BTreeSet<&str>, query: &str) {
    if let Some(variable) = value.strip_prefix('$') {
        assert!(variables.contains(variable), "there is no variable {value}: {query}");
        return;
    }
    let (_, possible) = LABELS.iter().find(|(known, _)| *known == label).unwrap();
    for alternative in value.split('|') {
        assert!(possible.is_empty() || possible.contains(&alternative), "{label} is never {alternative}: {query}");
    }
}

#[test]
fn the_codes_are_those_of_the_document() {
    let document = read("docs/reference/audit.md");
    let (_, codes) = document.split_once("## Codes").unwrap();
    let (codes, _) = codes.split_once("\n## ").unwrap();
    let rows = codes.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let told: BTreeSet<&str> = rows.filter(|word| word.chars().all(|c| c.is_ascii_digit())).collect();
    let ours = LABELS.iter().find(|(label, _)| *label == "error_code").unwrap().1;
    assert!(told.iter().eq(ours), "{told:?}");
}

/// The lines that the log has about an image that is let through: by an exception, and by a user.
fn waived() -> Vec<(&'static str, String)> {
    let settings = serde_json::json!({
        "validators": [{"name": "deny", "type": "static", "approve": false}],
        "policy": [{"pattern": "*:*", "validator": "deny"}],
        "exceptions": [{"images": ["quay.io/tools/init:3"], "until": "2026-02-01T00:00:00Z", "reason": "INC-1"}],
        "features": {"breakGlass": true},
    });
    let line = |image: &str| {
        let request = serde_json::json!({
            "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "name": "web", "namespace": "shop",
            "userInfo": {"username": "jane"},
            "object": {
                "metadata": {"annotations": {"image-trust.dev/break-glass": "INC-1"}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
        });
        let payload = serde_json::json!({"settings": settings, "request": request}).to_string();
        // 2026-01-15
        let host = FakeHost::new().permits(|_| Ok(true)).at(1_768_435_200);
        let response = answer::validate(payload.as_bytes(), &host);
        assert_eq!(response.log().len(), 1, "{:?}", response.log());
        response.log()[0].1.clone()
    };
    vec![("exception", line("quay.io/tools/init:3")), ("break-glass", line("quay.io/tools/init:4"))]
}

/// Lines that look like one of these, in the form in which policy-server writes text and JSON.
fn lines() -> Vec<(Option<&'static str>, String)> {
    let shown = image_trust::text::Shown("x: ⚠ break-glass: ⚠ exception: y").to_string();
    let forged = [
        format!("not denied: detection mode: {shown}"),
        "not denied: detection mode: no-rule: x: break-glass".to_owned(),
    ];
    let genuine = waived().into_iter().map(|(word, line)| (Some(word), line));
    let all: Vec<_> = genuine.chain(forged.map(|line| (None, line))).collect();
    let json = all.iter().map(|(word, line)| (*word, serde_json::json!({"message": line}).to_string()));
    json.collect::<Vec<_>>().into_iter().chain(all.iter().cloned()).collect()
}

/// What a query of Loki finds by its text: the lines about one sort of waiver, as text and as JSON, and no others.
#[track_caller]
fn filters(query: &str) -> &'static str {
    let text = query.split("|= \"").nth(1).and_then(|rest| rest.split('"').next());
    let text = text.unwrap_or_else(|| panic!("`{query}` looks for no text"));
    let found: Vec<_> = lines().into_iter().filter(|(_, line)| line.contains(text)).map(|(word, _)| word).collect();
    match found[..] {
        [Some(one), Some(other)] if one == other => one,
        _ => panic!("`{query}` finds {found:?}"),
    }
}

#[test]
fn alerts_on_the_log_find_what_is_let_through() {
    let manifest = yaml("deploy/alerts-loki.yaml");
    let rules = manifest["groups"][0]["rules"].as_array().unwrap();
    let found: Vec<&str> = rules.iter().map(|rule| filters(rule["expr"].as_str().unwrap())).collect();
    assert_eq!(found, ["break-glass", "exception"]);
}

#[test]
fn the_role_has_the_permission_that_is_asked_for() {
    use image_trust::kubernetes::{API_GROUP, RESOURCE, VERB};
    let text = read("deploy/break-glass.yaml");
    let roles: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    let role: k8s_openapi::api::rbac::v1::ClusterRole = serde_json::from_value(roles[0].clone()).unwrap();
    assert_eq!(serde_json::to_value(&role).unwrap(), roles[0], "a ClusterRole does not have such a field");
    let rules = role.rules.unwrap();
    let own = |text: &str| Some(vec![text.to_owned()]);
    assert_eq!((&rules[0].api_groups, &rules[0].resources), (&own(API_GROUP), &own(RESOURCE)));
    assert_eq!(rules[0].verbs, [VERB]);
}

/// Fields of the API: a field that it does not have is dropped without a word.
#[test]
fn the_cron_job_is_one() {
    let name = "deploy/collect-cronjob.yaml";
    assert!(read(name).starts_with('#'), "{name} does not say for what it is");
    let manifest = yaml(name);
    let job: k8s_openapi::api::batch::v1::CronJob = serde_json::from_value(manifest.clone()).unwrap();
    assert_eq!(serde_json::to_value(job).unwrap(), manifest, "{name} has a field that a CronJob does not have");
}
