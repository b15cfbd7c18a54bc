//! Who reads what is printed, and what is printed where nothing can be read?

use serde_json::json;

use super::{Run, image_trust, text, validators, values};

#[test]
fn what_can_not_be_read_is_told() {
    let rows = [
        ("a: [", "are not YAML", "broken YAML"),
        ("[]", "are no mapping", "a list"),
        ("x: 1", "no mapping `application`", "other values"),
        ("validators: []\npolicy: []", "chart 1 (Connaisseur 2)", "values of an older chart"),
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
