//! What becomes of everything around validators and rules: features, namespaces, alerts, and what the chart says of Connaisseur's own Pods?

use serde_json::{Map, Value, json};

use super::{
    report::{Report, quoted},
    settings::Features,
};

/// The label that Connaisseur's webhook looks at.
const LABEL: &str = "securesystemsengineering.connaisseur/webhook";

const GATHER: &str =
    "give the values that Helm used, the chart's own included: `helm get values connaisseur --all -o yaml`";

/// The features, and which namespaces are looked at.
pub(super) fn features(application: &Map<String, Value>, report: &mut Report) -> (Features, Option<Value>) {
    let none = Map::new();
    let given = match application.get("features") {
        Some(Value::Object(given)) => given,
        None | Some(Value::Null) => {
            report.note("application.features", "is not there, so Connaisseur's own defaults are taken", GATHER);
            &none
        }
        Some(_) => {
            report.changed("application.features", "is no mapping, so Connaisseur's own defaults are taken", GATHER);
            &none
        }
    };
    let mut flag = |key: &str, default: bool| {
        let path = format!("application.features.{key}");
        match given.get(key).map(flag_of) {
            None => default,
            Some(Some(on)) => on,
            Some(None) => {
                let what = format!("is no bool, and Connaisseur takes its default then, {default}");
                report.changed(&path, what, "write true or false in the settings below, whichever is meant");
                default
            }
        }
    };
    let child = flag("automaticChildApproval", true);
    let unchanged = flag("automaticUnchangedApproval", false);
    let detection = flag("detectionMode", false);
    let pods_only = match given.get("resourceValidationMode") {
        Some(Value::String(mode)) if mode.eq_ignore_ascii_case("podsOnly") => true,
        Some(Value::String(mode)) if mode.eq_ignore_ascii_case("all") => false,
        None | Some(Value::Null) => false,
        Some(_) => {
            let path = "application.features.resourceValidationMode";
            report.changed(
                path,
                "is neither `all` nor `podsOnly`, and Connaisseur takes `all` then",
                "write `podsOnly` in the settings if that is meant",
            );
            false
        }
    };
    tell(child, unchanged, detection, pods_only, report);
    for key in given.keys() {
        let path = format!("application.features.{key}");
        match key.as_str() {
            "automaticChildApproval" | "automaticUnchangedApproval" | "detectionMode" | "resourceValidationMode" | "namespacedValidation" => {}
            "cache" => report.dropped(
                &path,
                "there is no cache to set up: the policy server remembers for a minute what it fetched, errors never, and every proof is made anew; Redis can go",
                "nothing; docs/explanation/caching.md tells what is remembered instead",
            ),
            _ => report.note(&path, "is no feature of Connaisseur 3, which passes over it", "look for a spelling mistake: what it was meant to switch was never on"),
        }
    }
    let selector = namespaces(given.get("namespacedValidation"), report);
    let resource_validation_mode = if pods_only { "podsOnly" } else { "all" };
    let features = Features {
        automatic_child_approval: child,
        automatic_unchanged_approval: unchanged,
        detection_mode: detection,
        resource_validation_mode,
    };
    (features, selector)
}

/// What a flag says, in Go's words for it. Helm has made `true` of a bare `yes` or `on`; in quotes they are no word that Connaisseur takes.
fn flag_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => match number.as_u64()? {
            1 => Some(true),
            0 => Some(false),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Reports what Connaisseur's features become in the settings.
fn tell(child: bool, unchanged: bool, detection: bool, pods_only: bool, report: &mut Report) {
    let at = |key: &str| format!("application.features.{key}");
    if child && !pods_only {
        report.changed(
            &at("automaticChildApproval"),
            "approves only images with a digest: a Pod with a tag is verified, whoever owns it. The owner is looked up in the cluster, so the policy asks for contextAwareResources, and the PolicyServer's service account has to be allowed to read them; without that every Pod is verified",
            "grant `get` on the nine kinds, in all namespaces, to the service account of the PolicyServer (deploy/policy-server/rbac.yaml)",
        );
    }
    if unchanged {
        report.changed(
            &at("automaticUnchangedApproval"),
            "approves an image that stays in its container. Connaisseur also approves one that moves to another container of the object; that is verified here",
            "nothing",
        );
    }
    if detection {
        report.changed(
            &at("detectionMode"),
            "admits and warns, as there; but what was proven is pinned all the same, where Connaisseur changes nothing in a request that it would have denied",
            "set features.mutation: false as well if nothing may be changed yet",
        );
    }
    if pods_only {
        report.note(
            &at("resourceValidationMode"),
            "is carried: kinds other than Pod are verified and warned about, admitted and left unpinned, and child approval is off, as there. Kinds that are unknown, and objects that can't be read, are denied also here",
            "nothing; `mode: mutatePodsOnly` on a rule is the stricter answer to drift from git: it denies other kinds too",
        );
    }
}

/// The webhook's selector, by Connaisseur's template: every mode but `validate` is `ignore`.
fn namespaces(given: Option<&Value>, report: &mut Report) -> Option<Value> {
    let path = "application.features.namespacedValidation";
    let mode = match given {
        None => {
            report.note(
                path,
                "is not there, so all namespaces are looked at. The chart's own values have mode `ignore`, with which namespaces can be taken out by a label",
                format!("if namespaces are labelled `{LABEL}`, {GATHER}"),
            );
            return None;
        }
        // A template takes what is empty for absent.
        Some(Value::Null | Value::Bool(false)) => return None,
        Some(Value::Object(map)) if map.is_empty() => return None,
        Some(Value::Object(map)) => map.get("mode").and_then(Value::as_str).unwrap_or_default(),
        Some(_) => "",
    };
    let (operator, value) = if mode == "validate" { ("In", "validate") } else { ("NotIn", "ignore") };
    if !matches!(mode, "validate" | "ignore") {
        report.note(
            &format!("{path}.mode"),
            "is neither `ignore` nor `validate`, and Connaisseur takes `ignore` then; so it is here",
            "nothing",
        );
    }
    report.note(
        path,
        format!("is carried as the policy's namespaceSelector, with the same label `{LABEL}`. Whoever may label namespaces can switch the policy off for them, as before"),
        "guard that label (RBAC on namespaces), or use AdmissionPolicies in the namespaces instead",
    );
    Some(json!({"matchExpressions": [{"key": LABEL, "operator": operator, "values": [value]}]}))
}

/// Reports all values that have no place in the settings of a policy.
pub(super) fn surroundings(values: &Map<String, Value>, application: &Map<String, Value>, report: &mut Report) {
    for key in application.keys() {
        match key.as_str() {
            "validators" | "policy" | "features" => {}
            "logLevel" | "logFormat" => report.dropped(
                &format!("application.{key}"),
                "the log is the policy server's",
                "set KUBEWARDEN_LOG_LEVEL and KUBEWARDEN_LOG_FMT in `spec.env` of the PolicyServer",
            ),
            other => report.note(
                &format!("application.{other}"),
                "is not known to Connaisseur 3, which passes over it",
                "look for a spelling mistake",
            ),
        }
    }
    for (key, value) in values {
        match key.as_str() {
            "application" => {}
            "alerting" => alerting(value, report),
            "kubernetes" => kubernetes(value, report),
            "global" | "nameOverride" | "fullnameOverride" | "tags" => {
                report.note(key, "is Helm's, and about no image", "nothing")
            }
            other => report.note(
                other,
                "is not known to Connaisseur 3, which passes over it",
                "if these are values of an older chart, bring them to chart 2 (Connaisseur 3) first",
            ),
        }
    }
}

fn alerting(value: &Value, report: &mut Report) {
    for list in ["admitRequest", "rejectRequest"] {
        let receivers = value.get(list).and_then(|list| list.get("receivers")).and_then(Value::as_array);
        for (i, receiver) in receivers.into_iter().flatten().enumerate() {
            let path = format!("alerting.{list}.receivers[{i}]");
            let template = receiver.get("template").and_then(Value::as_str).unwrap_or("without a template");
            let denied = match list {
                "rejectRequest" => {
                    "for denials apply the PrometheusRule in deploy/alerts.yaml, which asks kubewarden_policy_evaluations_total (label error_code tells refused, 403, from could not tell, 503)"
                }
                _ => {
                    "who ran what is in the audit log: one record an image (docs/reference/audit.md); for counts use kubewarden_policy_evaluations_total{accepted=\"true\"}"
                }
            };
            report.dropped(
                &path,
                format!("a policy has no network and posts to no receiver ({})", quoted(template)),
                denied,
            );
            if receiver.get("failIfAlertSendingFails").and_then(flag_of) == Some(true) {
                report.changed(
                    &format!("{path}.failIfAlertSendingFails"),
                    "denied requests when the alert could not be sent. Nothing here depends on an alert, so such requests are admitted if their images are",
                    "if every admission has to be recorded, make the API server's audit log mandatory",
                );
            }
        }
    }
}

fn kubernetes(value: &Value, report: &mut Report) {
    report.dropped(
        "kubernetes",
        "is about Connaisseur's own Pods, service, certificates and Redis",
        "size the PolicyServer instead (`replicas`, `requests`, `limits`), and remove Connaisseur once this policy protects",
    );
    let webhook = value.get("webhook").and_then(Value::as_object);
    for (key, value) in webhook.into_iter().flatten() {
        let path = format!("kubernetes.webhook.{key}");
        match (key.as_str(), value.as_str()) {
            ("failurePolicy", Some("Fail")) | ("reinvocationPolicy", Some("Never")) | (_, Some("")) => {}
            ("failurePolicy", _) => report.changed(
                &path,
                "let requests pass unseen whenever Connaisseur did not answer. Not carried: here they are denied then",
                "if you mean it, add `failurePolicy: Ignore` to the policy's spec",
            ),
            ("reinvocationPolicy", _) => report.changed(
                &path,
                "asked again after other webhooks changed an object. Kubewarden has no such setting: an image that a later webhook brings in is not seen",
                "let no webhook that injects images run after this one, or deploy a second policy with `mutating: false` and features.mutation: false",
            ),
            _ => report.note(&path, "is not known to Connaisseur 3, which passes over it", "nothing"),
        }
    }
    let envs = value.pointer("/deployment/envs").and_then(Value::as_object);
    for name in envs.into_iter().flat_map(Map::keys) {
        let path = format!("kubernetes.deployment.envs.{name}");
        match name.as_str() {
            "AUTOMATIC_CHILD_APPROVAL" | "AUTOMATIC_UNCHANGED_APPROVAL" | "DETECTION_MODE" | "RESOURCE_VALIDATION_MODE" => report.changed(
                &path,
                "sets a feature past application.features, and it depends on the order in the Pod which of the two counts. Not carried",
                "look at the features in the settings, and write what was in force",
            ),
            _ => report.dropped(&path, "an environment variable of Connaisseur's Pods: credentials of a KMS, a proxy", "proxies and registries are the PolicyServer's (`spec.env`, `imagePullSecret`); keys of a KMS are told at their trust root"),
        }
    }
}
