//! Does `docs/reference/lint.md` list every finding with its severity, and do our own settings follow the advice?

use std::{fs, path::PathBuf};

use image_trust_lint::{Lint, Severity, check_manifest, lint_manifest};
use image_trust_testbed::mint::{
    ISSUED,
    notation::{self, NotationLeaf},
};
use serde_json::{Value, json};

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_document_lists_every_finding_with_its_severity() {
    let document = read("docs/reference/lint.md");
    let (_, table) = document.split_once("## Findings").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let told: Vec<(String, String)> =
        cells.map(|cells| (cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned())).collect();
    let found: Vec<(String, String)> =
        Lint::ALL.iter().map(|lint| (lint.word().to_owned(), lint.severity().word().to_owned())).collect();
    assert_eq!(told, found);
}

#[test]
fn our_own_examples_have_notes_at_most() {
    let mut examples = 0;
    for entry in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            let settings: Value = serde_yaml::from_str(&text).unwrap();
            let found = image_trust_lint::lint(&settings.to_string(), image_trust::time::UnixTime::default());
            let (keys, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|finding| finding.lint == Lint::WellKnownTestKey);
            // Sessions that are replayed with an example were signed with a key of the tests.
            assert_eq!(text.matches("a placeholder, which lint refuses").count(), keys.len(), "{}", path.display());
            let bad: Vec<_> = others.iter().filter(|finding| finding.lint.severity() < Severity::Info).collect();
            assert!(bad.is_empty(), "{}: {bad:#?}", path.display());
            examples += 1;
        }
    }
    assert!(examples > 4, "{examples} examples");
}

/// `docs/guides/multi-tenant.md` says so of these settings.
#[test]
fn settings_for_tenants_have_no_finding() {
    let settings: Value = serde_yaml::from_str(&read("examples/multi-tenant.yaml")).unwrap();
    let found = image_trust_lint::lint(&settings.to_string(), image_trust::time::UnixTime::default());
    assert!(found.is_empty(), "{found:#?}");
}

/// The policies of `deploy/`; a group has no settings of its own.
const DEPLOYED: [&str; 3] = ["deploy/monitor.yaml", "deploy/protect.yaml", "deploy/namespaced.yaml"];

fn manifest(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).unwrap()
}

/// The findings of a manifest, as words.
fn words(manifest: &Value) -> Vec<&'static str> {
    let text = manifest.to_string();
    assert_eq!(check_manifest(&text), []);
    lint_manifest(&text, image_trust::time::UnixTime::default()).iter().map(|finding| finding.lint.word()).collect()
}

#[test]
fn our_own_manifests_have_notes_at_most() {
    for name in DEPLOYED {
        let text = manifest(name).to_string();
        assert_eq!(check_manifest(&text), [], "{name}");
        let found = lint_manifest(&text, image_trust::time::UnixTime::default());
        let bad: Vec<_> = found.iter().filter(|finding| finding.lint.severity() < Severity::Info).collect();
        assert!(bad.is_empty(), "{name}: {bad:#?}");
    }
}

#[test]
fn every_resource_and_operation_of_the_metadata_is_missed() {
    let protect = manifest("deploy/protect.yaml");
    let sound = words(&protect);
    assert_eq!(protect["spec"]["rules"], manifest("metadata.yml")["rules"]);
    let rules = protect["spec"]["rules"].as_array().unwrap();
    let mut tried = 0;
    for (at, rule) in rules.iter().enumerate() {
        for (list, item) in ["resources", "operations"].into_iter().flat_map(|list| {
            let items = rule[list].as_array().unwrap();
            (0..items.len()).map(move |item| (list, item))
        }) {
            let mut without = protect.clone();
            let left_out = without["spec"]["rules"][at][list].as_array_mut().unwrap().remove(item);
            let found = words(&without);
            let more: Vec<_> = found.iter().filter(|word| !sound.contains(word)).collect();
            let known = ["pods-not-routed", "debug-not-routed", "owners-not-routed"];
            assert!(!more.is_empty() && more.iter().all(|word| known.contains(word)), "{left_out}: {found:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 17, "resources and operations");
}

#[test]
fn every_owner_that_cannot_be_looked_up_is_missed() {
    let protect = manifest("deploy/protect.yaml");
    let owners = protect["spec"]["contextAwareResources"].as_array().unwrap();
    for (at, owner) in owners.iter().enumerate() {
        let mut without = protect.clone();
        without["spec"]["contextAwareResources"].as_array_mut().unwrap().remove(at);
        // Nothing in Kubernetes makes Pods of these.
        let owns = !["Pod", "PodTemplate"].contains(&owner["kind"].as_str().unwrap());
        assert_eq!(words(&without).contains(&"owners-not-looked-up"), owns, "{owner}");
    }
}

/// Certificates are minted, so this does not stand beside the code.
#[test]
fn what_notation_does_not_prove_is_found() {
    let leaf = |days: u64| NotationLeaf { validity: (ISSUED, ISSUED + days * 86_400), ..NotationLeaf::default() };
    let cert = |days: u64| notation::self_signed(&leaf(days)).root_pem();
    let roots = |days: u64| json!({"name": "default", "cert": cert(days)});
    let stamped = |days: u64, ts: u64| json!({"name": "default", "cert": cert(days), "tsCert": cert(ts)});
    let at = "validators[0].trustRoots[0]";
    // the trust root, the rule's options, what is found, the reason
    let rows: [(Value, Value, Vec<(String, Lint)>, &str); 11] = [
        (roots(900), json!({}), vec![], "strict"),
        (
            roots(900),
            json!({"verificationLevel": "permissive"}),
            vec![("policy[0].with".into(), Lint::NotEnforced)],
            "permissive",
        ),
        (
            roots(900),
            json!({"verificationLevel": "audit"}),
            vec![("policy[0].with.verificationLevel".into(), Lint::AuditProvesNothing)],
            "audit",
        ),
        (
            roots(900),
            json!({"overrides": {"revocation": "skip"}}),
            vec![("policy[0].with".into(), Lint::NotEnforced)],
            "a check is skipped",
        ),
        (
            roots(900),
            json!({"overrides": {"expiry": "log"}}),
            vec![("policy[0].with".into(), Lint::NotEnforced)],
            "a check is logged",
        ),
        (
            roots(900),
            json!({"verifyTimestamp": "always"}),
            vec![("policy[0].with.verifyTimestamp".into(), Lint::TimestampsWithoutRoots)],
            "nobody vouches for timestamps",
        ),
        (stamped(900, 900), json!({"verifyTimestamp": "always"}), vec![], "somebody does"),
        (roots(31), json!({}), vec![], "a certificate that ends in more than a month"),
        (roots(29), json!({}), vec![(format!("{at}.cert"), Lint::CertificateEnds)], "in less than a month"),
        (roots(0), json!({}), vec![(format!("{at}.cert"), Lint::CertificateEnds)], "one that has ended"),
        (stamped(900, 29), json!({}), vec![(format!("{at}.tsCert"), Lint::CertificateEnds)], "that of an authority"),
    ];
    for (root, with, expected, why) in rows {
        let settings = json!({
            "validators": [{"name": "default", "type": "notation", "trustRoots": [root]}],
            "policy": [{"pattern": "ghcr.io/acme/*", "with": with}],
        });
        let now = image_trust::time::UnixTime::from_secs(ISSUED);
        let found = image_trust_lint::lint(&settings.to_string(), now);
        let found: Vec<(String, Lint)> = found.into_iter().map(|finding| (finding.path, finding.lint)).collect();
        assert_eq!(found, expected, "{why}");
    }
}
