//! Who reads what is printed, and what is printed where nothing can be read?

use serde_json::json;

use super::{Run, image_trust, text, validators, values};

#[test]
fn what_can_not_be_read_is_told() {
    let rows = [
        ("a: [", "is not YAML", "broken YAML"),
        ("[]", "expected a mapping `application`", "a list"),
        ("x: 1", "expected a mapping `application`", "other values"),
        (
            "validators: [{name: a}, {name: b}]\npolicy: [{pattern: x}]",
            "values of Connaisseur 2 (chart 1), with 2 validators and 1 rule. Bring",
            "values of an older chart",
        ),
        ("validators: []\npolicy: []", "scripts/upgrade_to_version_3.py", "and how to bring them here"),
        (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {valuesFrom: [{kind: ConfigMap, name: x}]}",
            "its values are elsewhere (`valuesFrom`",
            "a release without values",
        ),
        (
            "kind: HelmRelease\nspec: {values: {validators: [{name: a}], policy: [{pattern: x}]}}",
            "values of Connaisseur 2 (chart 1), with 1 validator and 1 rule",
            "older ones in a release",
        ),
        (
            "kind: Application\nspec: {source: {helm: {valuesObject: {application: {validators: [{name: a}]}}, parameters: [{name: x, value: y}]}}}",
            "and more of them in `parameters`, which Helm puts over them",
            "values that are not all",
        ),
        (
            "metadata: {annotations: {x: 'application: {validators: [{name: a}]}'}}",
            "expected a mapping `application`",
            "what was applied once",
        ),
        (
            "application: {validators: [{name: a}]}\n---\nx: {application: {validators: [{name: a}]}}",
            "several values of Connaisseur (the file itself, `x`)",
            "two of them",
        ),
        (
            "application: {policy: [{pattern: '*'}]}",
            "application.validators is not there. Helm takes the chart's own list",
            "what Helm fills in",
        ),
        ("application: {validators: [], policy: []}", "application.validators is empty or no list", "nothing to carry"),
        ("application: {validators: [{name: a, type: static}]}", "application.policy is not there", "no rules"),
    ];
    // A rule that is left out lets others decide, so nothing is printed.
    let many = (0..20).map(|n| format!("t{n}")).collect::<Vec<_>>().join(",");
    let hidden = [
        ("5".to_owned(), "application.policy[0] is no mapping"),
        ("{validator: allow}".to_owned(), "policy[0].pattern is not there"),
        ("{pattern: 2024, validator: allow}".to_owned(), "policy[0].pattern is no text; put it in quotes"),
        ("{pattern: 'a.io/*', validator: 1}".to_owned(), "policy[0].validator is no text; put it in quotes"),
        ("{pattern: 'a.io/*', validator: allow, with: [x]}".to_owned(), "policy[0].with is no mapping"),
        ("{pattern: 'a.io/x{', validator: allow}".to_owned(), "can't be read: it has a `{` that is not closed"),
        ("{pattern: 'a.io/[a-c0-2]', validator: allow}".to_owned(), "it has a range and more in one"),
        (format!("{{pattern: 'a.io/{{{many}}}/{{{many}}}', validator: deny}}"), "more alternatives than anybody reads"),
    ];
    for (rule, expected) in hidden {
        let values = format!(
            "application: {{validators: [{{name: allow, type: static, approve: true}}], policy: [{rule}, {{pattern: '*:*', validator: allow}}]}}"
        );
        let run = Run::with(&values, &[]);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{rule}");
        assert!(run.err.contains(expected) && run.err.contains("nothing is printed"), "{rule}: {}", run.err);
    }
    let own = "application: {validators: [{name: not-migrated, type: static, approve: true}], policy: [{pattern: '*', validator: not-migrated}]}";
    assert!(Run::with(own, &[]).err.contains("rename it"), "a name that this command needs");
    for (values, expected, why) in rows {
        let run = Run::with(values, &[]);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{why}");
        assert!(run.err.contains(expected), "{why}: {}", run.err);
    }
    let dir = tempfile::tempdir().expect("a directory");
    let output = image_trust(dir.path(), &["migrate", "nowhere.yaml"], "");
    assert!(text(&output.stderr).contains("cannot read the values nowhere.yaml"), "{}", text(&output.stderr));
    // Merged as Helm merges.
    let anchors = "x: &x {approve: true}\napplication: {validators: [{name: allow, type: static, <<: *x}], policy: [{pattern: '*:*', validator: allow}]}";
    let run = Run::with(anchors, &["-o", "settings"]);
    assert!(run.out.contains("approve: true") && run.code == Some(0), "{}{}", run.out, run.err);
}

#[test]
fn what_is_printed_says_the_same_to_every_reader_of_yaml() {
    // kubectl reads YAML 1.1, to which these are no texts unless they are in quotes.
    for name in ["off", "Yes", "n", "1_000", "0x1F", "12:30", "plain"] {
        let values = format!(
            "application: {{validators: [{{name: '{name}', type: static, approve: true}}], policy: [{{pattern: '*:*', validator: '{name}'}}]}}"
        );
        for output in ["policy", "settings"] {
            let run = Run::with(&values, &["-o", output]);
            assert_eq!(run.code, Some(0), "{}", run.err);
            assert_eq!(run.out.contains(&format!("\"{name}\"")), name != "plain", "{}", run.out);
        }
    }
}

#[test]
fn words_of_the_values_can_not_steer_a_terminal() {
    let hostile = "\u{1b}[2J\u{202e}x";
    let mut all = validators();
    all.as_array_mut().unwrap().push(json!({"name": hostile, "type": hostile, hostile: 1}));
    let mut values = values(
        &all,
        &json!([{"pattern": hostile, "validator": hostile, "with": {hostile: 1}}, {"pattern": "*:*", "validator": hostile}]),
    );
    values[hostile] = json!(1);
    for output in ["policy", "settings", "json"] {
        let run = Run::with(&values.to_string(), &["-o", output]);
        let both = format!("{}{}", run.out, run.err);
        assert!(both.chars().all(|c| c == '\n' || c == '…' || (' '..='~').contains(&c)), "{both}");
    }
}

/// Values as they lie in repositories: wrapped, and behind a separator or before one.
#[test]
fn values_are_found_where_they_lie() {
    let values = "application: {validators: [{name: allow, type: static, approve: true}], policy: [{pattern: '*:*', validator: allow}]}";
    let text = json!(values);
    // the file, where the values are in it, the reason
    let rows = [
        (values.to_owned(), "", "alone"),
        (format!("---\n{values}\n---\n"), "", "a separator at the end begins no second document"),
        (format!("\u{feff}{values}"), "", "a byte order mark"),
        (format!("connaisseur: {{{values}}}"), "connaisseur", "an umbrella chart"),
        (
            format!("kind: Application\nspec: {{source: {{helm: {{values: {text}}}}}}}"),
            "spec.source.helm.values",
            "Argo CD, as a text",
        ),
        (
            format!("kind: Application\nspec: {{source: {{helm: {{valuesObject: {{{values}}}}}}}}}"),
            "spec.source.helm.valuesObject",
            "Argo CD, as a mapping",
        ),
        (
            format!("kind: Application\nspec: {{sources: [{{ref: x}}, {{helm: {{values: {text}}}}}]}}"),
            "spec.sources[1].helm.values",
            "Argo CD, one of several sources",
        ),
        (format!("kind: HelmRelease\nspec: {{values: {{{values}}}}}"), "spec.values", "Flux"),
        (format!("kind: ConfigMap\ndata: {{values.yaml: {text}}}"), "data.values.yaml", "a ConfigMap"),
        (
            format!("kind: Namespace\n---\nkind: HelmRelease\nspec: {{values: {{{values}}}}}"),
            "spec.values",
            "beside another manifest",
        ),
    ];
    for (file, path, why) in rows {
        let run = Run::with(&file, &["-o", "settings"]);
        assert!(run.code == Some(0) && run.out.contains("validator: allow"), "{why}: {}{}", run.out, run.err);
        let told = run.err.contains(&format!("The values were found at `{path}`."));
        assert_eq!(told, !path.is_empty(), "{why}: {}", run.err);
    }
}

/// A finding about many rules has one row in the report.
#[test]
fn the_report_has_a_row_a_kind() {
    let rules: Vec<_> = (0..9).map(|n| json!({"pattern": format!("r{n}.io/*")})).collect();
    let run = Run::with(&values(&validators(), &rules.into()).to_string(), &[]);
    assert_eq!(run.err.matches("stricter:").count(), 1, "{}", run.err);
    assert!((0..9).all(|n| run.err.contains(&format!("policy[{n}].with.verifyInTransparencyLog"))), "{}", run.err);
}
