//! What becomes of features, and of what stands around them in the values?

use super::*;

#[test]
fn features_and_surroundings() {
    // a place in the values and what is put there, a place in the document and what is found there, a line of the report
    let selector = "policy/spec/namespaceSelector/matchExpressions/0/operator";
    let rows = [
        (
            "application/features/automaticChildApproval",
            json!(false),
            "policy/spec/contextAwareResources",
            json!(null),
            "",
            "no owners to look up",
        ),
        (
            "application/features/automaticChildApproval",
            json!("0"),
            "settings/features/automaticChildApproval",
            json!(false),
            "",
            "as the environment has it",
        ),
        (
            "application/features/automaticChildApproval",
            json!({"ttl": 30}),
            "settings/features/automaticChildApproval",
            json!(true),
            "changed application.features.automaticChildApproval",
            "Connaisseur takes its default",
        ),
        (
            "application/features/automaticUnchangedApproval",
            json!(true),
            "settings/features/automaticUnchangedApproval",
            json!(true),
            "changed application.features.automaticUnchangedApproval",
            "carried, and narrower",
        ),
        (
            "application/features/detectionMode",
            json!("true"),
            "settings/features/detectionMode",
            json!(true),
            "changed application.features.detectionMode",
            "carried",
        ),
        (
            "application/features/detectionMode",
            json!("maybe"),
            "settings/features/detectionMode",
            json!(false),
            "changed application.features.detectionMode",
            "what is no bool is the default",
        ),
        (
            "application/features/resourceValidationMode",
            json!("PODSONLY"),
            "settings/features/resourceValidationMode",
            json!("podsOnly"),
            "note application.features.resourceValidationMode",
            "without case",
        ),
        (
            "application/features/resourceValidationMode",
            json!("podsOnly"),
            "policy/spec/contextAwareResources",
            json!(null),
            "",
            "child approval is off then",
        ),
        (
            "application/features/resourceValidationMode",
            json!("pods"),
            "settings/features/resourceValidationMode",
            json!("all"),
            "changed application.features.resourceValidationMode",
            "anything else is all",
        ),
        (
            "application/features/namespacedValidation",
            json!({"mode": "validate"}),
            selector,
            json!("In"),
            "note application.features.namespacedValidation",
            "only labelled namespaces",
        ),
        (
            "application/features/namespacedValidation",
            json!({"mode": "x"}),
            selector,
            json!("NotIn"),
            "note application.features.namespacedValidation.mode",
            "anything else is ignore",
        ),
        (
            "application/features/namespacedValidation",
            json!(null),
            "policy/spec/namespaceSelector",
            json!(null),
            "",
            "all namespaces",
        ),
        (
            "application/features/cache",
            json!({}),
            "settings/features/cache",
            json!(null),
            "dropped application.features.cache",
            "nothing to set up",
        ),
        (
            "application/features/detectionmode",
            json!(true),
            "settings/features/detectionMode",
            json!(false),
            "note application.features.detectionmode",
            "a spelling mistake",
        ),
        (
            "application/logFormat",
            json!("json"),
            "settings/features/detectionMode",
            json!(false),
            "dropped application.logFormat",
            "the policy server's log",
        ),
        (
            "application/extra",
            json!(1),
            "settings/features/detectionMode",
            json!(false),
            "note application.extra",
            "an unknown key",
        ),
        ("unknown", json!(1), "settings/features/detectionMode", json!(false), "note unknown", "an unknown key"),
        (
            "kubernetes",
            json!({"webhook": {"failurePolicy": "Ignore"}}),
            "policy/spec/failurePolicy",
            json!(null),
            "changed kubernetes.webhook.failurePolicy",
            "never open by itself",
        ),
        (
            "kubernetes",
            json!({"webhook": {"reinvocationPolicy": "IfNeeded"}}),
            "policy/spec/reinvocationPolicy",
            json!(null),
            "changed kubernetes.webhook.reinvocationPolicy",
            "no such setting",
        ),
        (
            "kubernetes",
            json!({"deployment": {"envs": {"DETECTION_MODE": "1"}}}),
            "settings/features/detectionMode",
            json!(false),
            "changed kubernetes.deployment.envs.DETECTION_MODE",
            "past the features",
        ),
        (
            "alerting",
            json!({"rejectRequest": {"receivers": [{"template": "slack"}]}}),
            "settings/features/detectionMode",
            json!(false),
            "dropped alerting.rejectRequest.receivers[0]",
            "no network",
        ),
        (
            "alerting",
            json!({"admitRequest": {"receivers": [{"failIfAlertSendingFails": true}]}}),
            "settings/features/detectionMode",
            json!(false),
            "changed alerting.admitRequest.receivers[0].failIfAlertSendingFails",
            "nothing depends on alerts",
        ),
    ];
    for (place, value, found, expected, line, why) in rows {
        let mut values = shipped();
        let (parent, key) = place.rsplit_once('/').map_or(("", place), |(parent, key)| (parent, key));
        let parent =
            if parent.is_empty() { &mut values } else { values.pointer_mut(&format!("/{parent}")).expect("a place") };
        parent[key] = value;
        let (_, document) = Run::json(&values);
        assert_eq!(document.pointer(&format!("/{found}")).unwrap_or(&Value::Null), &expected, "{why}: {found}");
        assert_eq!(check(&document["settings"].to_string()), [], "{why}");
        let (severity, path) = line.split_once(' ').unwrap_or_default();
        let has = |line: &Value| line["severity"] == severity && line["path"] == path;
        assert!(
            line.is_empty() || document["report"].as_array().unwrap().iter().any(has),
            "{why}: {line} in {:#}",
            document["report"]
        );
    }
}
