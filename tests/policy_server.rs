//! Does `kubectl apply -k deploy/policy-server` give a policy server that serves image-trust, and do the pages describe the alerts and panels?

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use k8s_openapi::api::{
    core::v1::ServiceAccount, networking::v1::NetworkPolicy, rbac::v1::ClusterRole, rbac::v1::ClusterRoleBinding,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const FOLDER: &str = "deploy/policy-server";
/// The fields of `spec` in the custom resource, as they were in Kubewarden 1.37.
const FIELDS: [&str; 22] = [
    "image",
    "replicas",
    "minAvailable",
    "maxUnavailable",
    "annotations",
    "labels",
    "env",
    "serviceAccountName",
    "imagePullSecret",
    "insecureSources",
    "sourceAuthorities",
    "verificationConfig",
    "sigstoreTrustConfig",
    "securityContexts",
    "affinity",
    "limits",
    "requests",
    "tolerations",
    "priorityClassName",
    "namespacedPoliciesCapabilities",
    "webhookPort",
    "metricsPort",
];

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The documents of a file in the folder.
fn documents(name: &str) -> Vec<Value> {
    let text = read(&format!("{FOLDER}/{name}"));
    serde_yaml::Deserializer::from_str(&text).map(|part| Value::deserialize(part).unwrap()).collect()
}

/// The object, as a cluster reads it. Every field is known, because it is there again when it is written.
#[track_caller]
fn known<T: DeserializeOwned + Serialize>(object: &Value) -> T {
    let read: T = serde_json::from_value(object.clone()).unwrap_or_else(|e| panic!("{e}: {object}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), *object, "left: as a cluster reads it, right: as it is written");
    read
}

/// What `kubectl apply -k` applies, by kind.
fn applied() -> BTreeMap<String, Vec<Value>> {
    let [kustomization] = &documents("kustomization.yaml")[..] else { panic!("one kustomization") };
    let files: Vec<&str> =
        kustomization["resources"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut beside: BTreeSet<String> = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in files.iter().chain(&["kustomization.yaml"]) {
        assert!(beside.remove(*name), "{name} is not there");
    }
    assert_eq!(beside, BTreeSet::from(["break-glass.yaml".to_owned()]), "what is applied only by choice");
    let mut kinds: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for object in files.iter().flat_map(|name| documents(name)) {
        kinds.entry(object["kind"].as_str().unwrap().to_owned()).or_default().push(object);
    }
    // Whatever else is applied would be looked at by nobody.
    let names: Vec<&str> = kinds.keys().map(String::as_str).collect();
    assert_eq!(names, ["ClusterRole", "ClusterRoleBinding", "NetworkPolicy", "PolicyServer", "ServiceAccount"]);
    kinds
}

#[test]
fn the_policy_server_has_known_fields_and_its_own_account() {
    let kinds = applied();
    let [server] = &kinds["PolicyServer"][..] else { panic!("one PolicyServer") };
    assert_eq!(server["apiVersion"], "policies.kubewarden.io/v1");
    let spec = server["spec"].as_object().unwrap();
    // What is commented out becomes a field when somebody needs it.
    let text = read(&format!("{FOLDER}/policy-server.yaml"));
    let commented = text.lines().filter_map(|line| line.strip_prefix("  # ")?.split_once(':')).map(|(key, _)| key);
    let commented = commented
        .filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(char::is_alphanumeric));
    for key in spec.keys().map(String::as_str).chain(commented) {
        assert!(FIELDS.contains(&key), "PolicyServer has no field {key}");
    }
    assert!(spec["replicas"].as_u64() >= Some(2), "without a second replica, an update of a node stops admission");
    assert!(
        spec.contains_key("minAvailable") != spec.contains_key("maxUnavailable"),
        "a PodDisruptionBudget has one of them"
    );
    let kustomization = documents("kustomization.yaml");
    let [patch] = &kustomization[0]["patches"].as_array().unwrap()[..] else { panic!("one patch") };
    assert_eq!(patch["target"], json!({"kind": "PolicyServer", "name": server["metadata"]["name"]}));
    let steps: Vec<Value> = serde_yaml::from_str(patch["patch"].as_str().unwrap()).unwrap();
    for step in &steps {
        let field = step["path"].as_str().unwrap().strip_prefix("/spec/").unwrap();
        assert_eq!(step["op"] == "replace", spec.contains_key(field), "{step}");
        assert!(FIELDS.contains(&field), "{step}");
    }

    let [account] = &kinds["ServiceAccount"][..] else { panic!("one account") };
    let account: ServiceAccount = known(account);
    assert_eq!(spec["serviceAccountName"].as_str(), account.metadata.name.as_deref());
    let [policy] = &kinds["NetworkPolicy"][..] else { panic!("one network policy") };
    let network: NetworkPolicy = known(policy);
    assert_eq!(network.metadata.namespace, account.metadata.namespace);
    // The label that the controller gives to the Pods of a PolicyServer.
    let label = json!({"matchLabels": {"kubewarden/policy-server": server["metadata"]["name"]}});
    assert_eq!(policy["spec"]["podSelector"], label);
    assert_eq!(
        spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]["labelSelector"],
        label
    );
    let ports = policy["spec"]["ingress"].as_array().unwrap().iter().flat_map(|rule| rule["ports"].as_array().unwrap());
    assert!(ports.into_iter().any(|port| port["port"] == 8443), "the API server reaches the webhook");
}

/// Of the objects in a file: each role is bound to the account of the policy server.
#[track_caller]
fn roles(objects: &[Value], account: &ServiceAccount) -> Vec<ClusterRole> {
    let of = |kind: &str| objects.iter().filter(|object| object["kind"] == kind).collect::<Vec<_>>();
    let roles: Vec<ClusterRole> = of("ClusterRole").into_iter().map(known).collect();
    let bindings: Vec<ClusterRoleBinding> = of("ClusterRoleBinding").into_iter().map(known).collect();
    assert_eq!(roles.len(), bindings.len());
    for (role, binding) in roles.iter().zip(bindings) {
        assert_eq!(role.metadata.name.as_ref(), Some(&binding.role_ref.name));
        let [subject] = binding.subjects.as_deref().unwrap_or_default() else { panic!("one subject") };
        assert_eq!(
            (Some(&subject.name), &subject.namespace),
            (account.metadata.name.as_ref(), &account.metadata.namespace)
        );
    }
    roles
}

#[test]
fn the_account_may_look_up_owners_and_nothing_else() {
    let kinds = applied();
    let account: ServiceAccount = known(&kinds["ServiceAccount"][0]);
    let [role] = &roles(&documents("rbac.yaml"), &account)[..] else { panic!("one role") };
    let mut granted = BTreeSet::new();
    for rule in role.rules.as_deref().unwrap_or_default() {
        assert_eq!((&rule.verbs[..], &rule.resource_names), (&["get".to_owned()][..], &None));
        let groups = rule.api_groups.as_deref().unwrap_or_default();
        let resources = rule.resources.as_deref().unwrap_or_default();
        granted.extend(
            groups.iter().flat_map(|group| resources.iter().map(move |resource| (group.clone(), resource.clone()))),
        );
    }
    let metadata: Value = serde_yaml::from_str(&read("metadata.yml")).unwrap();
    let owners = metadata["contextAwareResources"].as_array().unwrap().iter().map(|owner| {
        let (group, _) = owner["apiVersion"].as_str().unwrap().rsplit_once('/').unwrap_or_default();
        (group.to_owned(), format!("{}s", owner["kind"].as_str().unwrap().to_lowercase()))
    });
    assert_eq!(granted, owners.collect(), "left: rbac.yaml, right: metadata.yml");

    let [role] = &roles(&documents("break-glass.yaml"), &account)[..] else { panic!("one role") };
    assert_eq!(documents("break-glass.yaml").len(), 2);
    let rules = serde_json::to_value(&role.rules).unwrap();
    let asks =
        json!([{"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]}]);
    assert_eq!(rules, asks);
}

/// The first cells of the tables whose first column has this name.
fn first_cells(page: &str, column: &str) -> BTreeSet<String> {
    let (_, table) = page.split_once(&format!("\n| {column} |")).unwrap_or_else(|| panic!("no table of {column}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    rows.map(|row| row[2..].split(" |").next().unwrap_or_default().trim_matches('`').to_owned()).collect()
}

#[test]
fn every_alert_and_panel_is_explained() {
    let page = read("docs/guides/alerts.md");
    let alerts = ["alerts.yaml", "alerts-loki.yaml"].map(|name| read(&format!("deploy/{name}"))).concat();
    let alerts: BTreeSet<String> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    assert_eq!(first_cells(&page, "alert | severity"), alerts, "left: the page, right: deploy/");
    let dashboard: Value = serde_json::from_str(&read("deploy/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panels: BTreeSet<String> = panels.map(|panel| panel["title"].as_str().unwrap().to_owned()).collect();
    assert!(panels.len() > 10, "{panels:?}");
    assert_eq!(first_cells(&page, "panel"), panels, "left: the page, right: deploy/dashboard.json");
}
