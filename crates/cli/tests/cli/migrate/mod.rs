//! `image-trust migrate` from outside: what Connaisseur's values become, what is reported, and that nothing is admitted that Connaisseur denied.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use image_trust::{
    ImageRef,
    policy::{Choice, Policy, check},
};
use image_trust_testbed::{loopback::Signer, mint::notation};
use serde_json::{Value, json};

mod features;
mod identities;
mod never_wider;
mod output;
mod requests;

use crate::command::{image_trust, text};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Values with these validators and rules.
fn values(validators: &Value, policy: &Value) -> Value {
    json!({"application": {"validators": validators, "policy": policy, "features": {"namespacedValidation": {"mode": "ignore"}}}})
}

/// The result of one run of `migrate`.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    fn with(values: &str, args: &[&str]) -> Run {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("values.yaml"), values).expect("a file");
        let output = image_trust(dir.path(), &[&["migrate", "values.yaml"], args].concat(), "");
        Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    fn json(values: &Value) -> (Run, Value) {
        let run = Run::with(&values.to_string(), &["-o", "json"]);
        let document = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("no JSON: {}{}", run.out, run.err));
        (run, document)
    }
}

fn key(name: &str) -> String {
    Signer::named(name).public_pem()
}

/// The certificate of a CA of this name.
fn cert(name: &str) -> String {
    notation::authority(name).pem()
}

/// Validators of every kind that the rows below need.
fn validators() -> Value {
    let root = |name: &str| json!({"name": name, "key": key(name)});
    json!([
        {"name": "allow", "type": "static", "approve": true},
        {"name": "deny", "type": "static", "approve": false},
        {"name": "silent", "type": "static"},
        {"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": key("alice")}]},
        {"name": "team", "type": "cosign", "trustRoots": [root("alice"), root("bob"), root("carol")], "auth": {"secretName": "s"}, "cert": "x", "host": {"rekor": "https://r"}},
        {"name": "twice", "type": "cosign", "trustRoots": [root("alice"), {"name": "again", "key": key("alice")}, root("bob")]},
        {"name": "partly", "type": "cosign", "trustRoots": [root("alice"), {"name": "kms", "key": "awskms:///alias/k"}, root("bob")]},
        {"name": "secret", "type": "cosign", "trustRoots": [{"name": "default", "key": "k8s://ns/name"}]},
        {"name": "file", "type": "cosign", "trustRoots": [{"name": "default", "key": "/keys/cosign.pub"}]},
        {"name": "url", "type": "cosign", "trustRoots": [{"name": "default", "key": "https://keys.example/cosign.pub"}]},
        {"name": "keyless", "type": "cosign", "trustRoots": [{"name": "default", "keyless": {"issuer": "i", "subject": "s"}}]},
        {"name": "certificate", "type": "cosign", "trustRoots": [{"name": "default", "cert": "x"}]},
        {"name": "notary", "type": "notaryv1", "trustRoots": [{"name": "default", "key": key("alice")}]},
        {"name": "notation", "type": "notation", "trustRoots": [{"name": "default", "cert": cert("default")}, {"name": "other", "cert": cert("other"), "tsCert": cert("tsa")}]},
        {"name": "broken", "type": "notation", "trustRoots": [{"name": "default", "cert": "x"}]},
        {"name": "spelling", "type": "cosign", "trustRoot": []},
        {"name": "allow", "type": "static", "approve": false},
    ])
}

#[test]
fn rules_become_what_they_ask_for() {
    // the validator, its options (in YAML; those of keys say nothing of the log, unless they begin with `log`), validator and options that are
    // written (none: it denies), a line of the report with its place in the rule
    let rows = [
        ("allow", "{}", "allow null", "", "a static rule"),
        ("allow", "{trustRoot: x}", "allow null", "note with", "options that nobody looks at"),
        ("silent", "{}", "silent null", "", "a static validator without a word denies"),
        ("", "{}", "default null", "", "the default validator and trust root"),
        (
            "default",
            "log {}",
            "default {verifyInTransparencyLog: true}",
            "changed with.verifyInTransparencyLog",
            "the log that was asked for silently",
        ),
        (
            "default",
            "log {verifyInTransparencyLog: true}",
            "default {verifyInTransparencyLog: true}",
            "changed with.verifyInTransparencyLog",
            "and in words",
        ),
        ("default", "{verifySCT: true}", "default null", "note with.verifySCT", "a key has no certificate"),
        ("default", "{trustRoot: }", "default null", "", "an empty trust root is the default one"),
        ("default", "{threshold: 2}", "default null", "note with.threshold", "a threshold for one trust root"),
        ("default", "{delegations: [x]}", "default null", "note with.delegations", "another validator's option"),
        ("default", "{key: x}", "", "refused with.key", "an unknown option"),
        ("default", "{mode: insecureValidateOnly}", "default {mode: insecureValidateOnly}", "note with.mode", "a mode"),
        ("default", "{mode: nothing}", "default null", "changed with.mode", "an unknown mode pins"),
        ("team", "{}", "", "refused with.trustRoot", "no default trust root"),
        ("team", "{trustRoot: dave}", "", "refused with.trustRoot", "an unknown trust root"),
        ("team", "{trustRoot: bob}", "team {trustRoot: bob}", "", "one by name"),
        ("team", "{trustRoot: '*'}", "team {trustRoot: '*'}", "", "everybody"),
        ("team", "{trustRoot: '*', threshold: 0}", "team {trustRoot: '*'}", "note with.threshold", "0 is everybody"),
        (
            "team",
            "{trustRoot: '*', threshold: 2}",
            "team {trustRoot: '*', threshold: 2}",
            "changed with.threshold",
            "signers, not signatures",
        ),
        ("team", "{trustRoot: '*', threshold: 4}", "", "refused with.threshold", "more than there are"),
        ("team", "{trustRoot: '*', threshold: -1}", "", "refused with.threshold", "less than none"),
        (
            "team",
            "{trustRoot: '*', required: [bob, bob]}",
            "team {trustRoot: '*', required: [bob]}",
            "",
            "a required one, once",
        ),
        (
            "team",
            "{trustRoot: '*', threshold: 2, required: [bob]}",
            "team {trustRoot: '*', threshold: 2, required: [bob]}",
            "",
            "both",
        ),
        ("team", "{trustRoot: '*', required: [dave]}", "", "refused with.required", "required and unknown"),
        ("team", "{trustRoot: bob, required: [bob]}", "team {trustRoot: bob}", "", "required and asked"),
        ("team", "{trustRoot: bob, required: [alice]}", "", "refused with.required", "required and never asked"),
        ("team", "{trustRoot: bob, required: []}", "", "refused with.required", "required, and nobody is"),
        ("twice", "{trustRoot: again}", "twice {trustRoot: alice}", "", "one key is one signer, under its first name"),
        ("twice", "{trustRoot: '*', threshold: 3}", "", "refused with.threshold", "three names, two signers"),
        (
            "twice",
            "{trustRoot: '*', required: [alice, again]}",
            "twice {trustRoot: '*', required: [alice]}",
            "",
            "required under both names",
        ),
        ("partly", "{trustRoot: alice}", "partly {trustRoot: alice}", "", "a trust root that is carried"),
        ("partly", "{trustRoot: kms}", "", "refused with.trustRoot", "one that is not"),
        ("partly", "{trustRoot: '*'}", "", "refused with.trustRoot", "everybody, and one is not carried"),
        ("partly", "{trustRoot: '*', threshold: 2}", "partly {trustRoot: '*', threshold: 2}", "", "enough are left"),
        (
            "partly",
            "{trustRoot: '*', threshold: 2, required: [kms]}",
            "",
            "refused with.required",
            "required, and not carried",
        ),
        ("secret", "{}", "", "refused", "a key in a Kubernetes secret"),
        ("file", "{}", "", "refused", "a key in a file"),
        ("url", "{}", "", "refused", "a key behind a URL"),
        ("keyless", "log {}", "keyless null", "", "an identity, and the log by default"),
        ("certificate", "{}", "", "refused", "no key"),
        ("notary", "{}", "notary null", "", "Docker Content Trust"),
        (
            "notary",
            "{trustRoot: '*', threshold: 1, required: [x]}",
            "notary {trustRoot: '*'}",
            "note with.threshold",
            "everybody signs",
        ),
        (
            "notary",
            "{delegations: [targets/releases, carol, releases]}",
            "notary {delegations: [releases, carol]}",
            "changed with.delegations",
            "delegations",
        ),
        ("notary", "{delegations: [a/b]}", "", "refused with.delegations", "a delegation of the second level"),
        ("notary", "{delegations: releases}", "", "refused with.delegations", "no list"),
        ("notary", "{trustRoot: bob}", "", "refused with.trustRoot", "nobody of that name"),
        ("notary", "{mode: insecureValidateOnly}", "notary {mode: insecureValidateOnly}", "note with.mode", "a mode"),
        ("notary", "{key: x}", "", "refused with.key", "no option"),
        ("notation", "{}", "notation null", "", "Notation"),
        (
            "notation",
            "{trustRoot: '*', threshold: 2, required: [other]}",
            "notation {trustRoot: '*', threshold: 1}",
            "note with.required",
            "one of them is enough",
        ),
        (
            "notation",
            "{trustRoot: other, verificationLevel: permissive, verifyTimestamp: afterCertExpiry, mode: mutate}",
            "notation {trustRoot: other, verificationLevel: permissive, verifyTimestamp: afterCertExpiry, mode: mutate}",
            "",
            "its own options",
        ),
        ("notation", "{verificationLevel: lax}", "", "refused with.verificationLevel", "a level that there is not"),
        ("notation", "{verifyTimestamp: never}", "", "refused with.verifyTimestamp", "a word that there is not"),
        ("notation", "{trustRoot: bob}", "", "refused with.trustRoot", "nobody of that name"),
        ("notation", "{key: x}", "", "refused with.key", "no option"),
        ("broken", "{}", "", "refused", "a certificate that is none"),
        ("spelling", "{}", "", "refused", "an unknown key of a validator"),
        ("nobody", "{}", "", "refused validator", "no such validator"),
    ];
    let yaml = |text: &str| serde_yaml::from_str::<Value>(text).expect("YAML");
    let mut policy = Vec::new();
    for (i, (validator, with, ..)) in rows.iter().enumerate() {
        let (text, says_so) = with.strip_prefix("log ").map_or((*with, false), |with| (with, true));
        let mut with = yaml(text);
        if !says_so {
            with["verifyInTransparencyLog"] = false.into();
        }
        policy.push(json!({"pattern": format!("r.io/p{i:02}/*"), "validator": validator, "with": with}));
    }
    let (run, document) = Run::json(&values(&validators(), &policy.clone().into()));
    assert_eq!(run.code, Some(1), "something is refused: {}", run.err);
    assert_eq!(check(&document["settings"].to_string()), [], "the settings are accepted");
    let report = document["report"].as_array().expect("a report");
    for (i, (_, _, expected, line, why)) in rows.iter().enumerate() {
        let rule = &document["settings"]["policy"][i];
        assert_eq!(rule["pattern"], format!("r.io/p{i:02}/*:*"), "{why}");
        let (validator, with) = expected.split_once(' ').unwrap_or(("not-migrated", "null"));
        let mut wanted = yaml(with);
        if ["default", "team", "twice", "partly"].contains(&validator)
            && policy[i]["with"]["verifyInTransparencyLog"] == false
        {
            wanted["verifyInTransparencyLog"] = false.into();
        }
        assert_eq!((&rule["validator"], &rule["with"]), (&validator.into(), &wanted), "{why}");
        let of_rule = |line: &&Value| {
            line["path"].as_str().is_some_and(|path| path.starts_with(&format!("application.policy[{i}]")))
        };
        let lines: Vec<&Value> = report.iter().filter(of_rule).collect();
        let (severity, path) = line.split_once(' ').unwrap_or((line, ""));
        let has = |line: &&Value| {
            line["severity"] == severity && line["path"].as_str().is_some_and(|place| place.ends_with(path))
        };
        assert!(severity.is_empty() || lines.iter().any(has), "{why}: {severity} at {path} in {lines:#?}");
        let is_refused = lines.iter().any(|line| line["severity"] == "refused");
        assert_eq!(is_refused, expected.is_empty(), "{why}: refused if and only if it denies");
    }
    // What is said of validators.
    for (severity, path) in [
        ("dropped", "application.validators[4].auth"),
        ("dropped", "application.validators[4].cert"),
        ("dropped", "application.validators[4].host.rekor"),
        ("changed", "application.validators[5].trustRoots[1]"),
        ("refused", "application.validators[6].trustRoots[1]"),
        ("changed", "application.validators[10].trustRoots"),
        ("refused", "application.validators[11].trustRoots[0]"),
        ("changed", "application.validators[12]"),
        ("changed", "application.validators[12].host"),
        ("changed", "application.validators[13]"),
        ("refused", "application.validators[14].trustRoots[0]"),
        ("refused", "application.validators[15].trustRoot"),
        ("note", "application.validators[16]"),
    ] {
        assert!(report.iter().any(|line| line["severity"] == severity && line["path"] == path), "{severity} at {path}");
    }
    for line in report {
        assert!(["what", "todo"].iter().all(|part| line[part].as_str().is_some_and(|text| !text.is_empty())), "{line}");
    }
    let severities: Vec<&str> = report.iter().filter_map(|line| line["severity"].as_str()).collect();
    assert!(
        severities
            .is_sorted_by_key(|word| ["refused", "changed", "dropped", "note"].iter().position(|other| other == word)),
        "worst first"
    );
}

#[test]
fn patterns_become_what_they_meant() {
    // rules as pattern and validator, the patterns and validators that are written, severities of lines about the last pattern
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);
    let rows: &[Row<'_>] = &[
        (
            &[("docker.io/library/nginx", "allow")],
            &[("docker.io/library/nginx:*", "allow")],
            &["changed"],
            "the implicit stars are told",
        ),
        (&[("my.reg/team-", "allow")], &[("my.reg/team-*:*", "allow")], &["changed"], "an end in the middle of a word"),
        (
            &[("my.reg/team", "allow")],
            &[("my.reg/team:*", "allow"), ("my.reg/team/*:*", "allow")],
            &["changed"],
            "a repository, or a folder of them",
        ),
        (
            &[("docker.io/library/redis@sha256:*", "allow")],
            &[("docker.io/library/redis@sha256:*", "allow")],
            &["changed", "changed"],
            "what is allowed by its digest is so with a tag in front of it, which is told",
        ),
        (
            &[("index.docker.io/acme/*", "allow")],
            &[("docker.io/acme/*:*", "allow")],
            &["changed"],
            "Docker Hub's other name",
        ),
        (&[("*:*", "deny")], &[("*:*", "deny")], &[], "everything"),
        (&[("docker.io/nginx:1", "allow"), ("*:*", "deny")], &[("*:*", "deny")], &[], "what never matched is left out"),
        (
            &[("a.io/{x,y}/*", "allow")],
            &[("a.io/x/*:*", "allow"), ("a.io/y/*:*", "allow")],
            &["note", "changed"],
            "alternatives are spelt out",
        ),
        (
            &[("a.io/[xy]/*", "allow")],
            &[("a.io/x/*:*", "allow"), ("a.io/y/*:*", "allow")],
            &["note", "changed"],
            "a class too",
        ),
        (
            &[("a.io/v?/*", "allow")],
            &[("a.io/v*/*:*", "not-migrated")],
            &["refused", "changed"],
            "what has no equal denies",
        ),
        (&[("a.io/[!x]/*", "deny")], &[("a.io/*/*:*", "deny")], &["changed"], "and may deny more"),
        (&[("a.io/x:*", "allow")], &[("a.io/x:*", "allow")], &["changed"], "images by digest alone"),
        (
            &[("a.io/x/*", "allow"), ("a.io/x/*", "deny")],
            &[("a.io/x/*:*", "deny")],
            &["changed"],
            "of two with one pattern the later one decides",
        ),
        (
            &[("ghcr.io/acme/*", "allow"), ("ghcr.io/acme/bad", "deny")],
            &[
                ("ghcr.io/acme/*:*", "allow"),
                ("ghcr.io/acme/bad:*", "deny"),
                ("ghcr.io/acme/bad*:*", "not-migrated"),
                ("ghcr.io/acme/*ghcr.io/acme/bad*:*", "not-migrated"),
            ],
            &["changed"],
            "a narrower denial would admit what it denied by its implicit star",
        ),
        (
            &[("registry.k8s.io/*:*", "allow"), ("docker.io/acme/*:*", "default")],
            &[
                ("registry.k8s.io/*:*", "allow"),
                ("docker.io/acme/*:*", "default"),
                ("registry.k8s.io/*docker.io/acme/*:*", "not-migrated"),
            ],
            &["changed"],
            "a name that contains another one was asked for a signature",
        ),
        (
            &[("a.io/app", "allow"), ("a.io/app*", "deny")],
            &[("a.io/app*:*", "deny")],
            &["changed"],
            "the longer pattern always decided there, and would not here",
        ),
        (
            &[("*:*", "deny"), ("docker.io/foo/*", "allow"), ("i*/foo/*", "deny")],
            &[("*:*", "deny"), ("docker.io/foo/*:*", "deny")],
            &["changed"],
            "`i*` outranks `docker.io` there",
        ),
    ];
    for (rules, expected, severities, why) in rows {
        let policy: Vec<Value> = rules.iter().map(|(pattern, validator)| json!({"pattern": pattern, "validator": validator, "with": {"verifyInTransparencyLog": false}})).collect();
        let (_, document) = Run::json(&values(&validators(), &policy.into()));
        assert_eq!(check(&document["settings"].to_string()), [], "{why}: the settings are accepted");
        let written: Vec<(&str, &str)> = document["settings"]["policy"]
            .as_array()
            .expect("rules")
            .iter()
            .map(|rule| (rule["pattern"].as_str().unwrap(), rule["validator"].as_str().unwrap()))
            .collect();
        for rule in *expected {
            assert!(written.contains(rule), "{why}: {rule:?} in {written:?}");
        }
        let first = expected.len().min(rules.len());
        assert!(written.len() <= expected.len() + 4 && expected.get(..first).is_some(), "{why}: {written:?}");
        let place = format!("application.policy[{}].pattern", rules.len() - 1);
        for severity in *severities {
            let has = |line: &Value| {
                line["severity"] == *severity
                    && line["path"].as_str().is_some_and(|path| path == place || path.ends_with(".pattern"))
            };
            assert!(
                document["report"].as_array().unwrap().iter().any(has),
                "{why}: {severity} in {:#}",
                document["report"]
            );
        }
    }
}

/// What the chart ships, by its facts: who is allowed, denied and asked for Docker Content Trust, and every feature at its default.
fn shipped() -> Value {
    json!({
        "kubernetes": {"deployment": {"replicasCount": 3, "envs": {}}, "webhook": {"failurePolicy": "Fail", "reinvocationPolicy": "Never"}, "redis": {}},
        "application": {
            "validators": [
                {"name": "allow", "type": "static", "approve": true},
                {"name": "deny", "type": "static", "approve": false},
                {"name": "dockerhub", "type": "notaryv1", "trustRoots": [{"name": "default", "key": key("alice")}, {"name": "sse", "key": key("bob")}]},
            ],
            "policy": [
                {"pattern": "*:*", "validator": "deny"},
                {"pattern": "docker.io/library/*:*", "validator": "dockerhub"},
                {"pattern": "docker.io/securesystemsengineering/*:*", "validator": "dockerhub", "with": {"trustRoot": "sse"}},
                {"pattern": "registry.k8s.io/*:*", "validator": "allow"},
            ],
            "features": {
                "automaticChildApproval": true, "automaticUnchangedApproval": false, "detectionMode": false, "resourceValidationMode": "all",
                "namespacedValidation": {"mode": "ignore"}, "cache": {"expirySeconds": 30, "cacheErrors": true},
            },
            "logLevel": "info",
        },
    })
}

#[test]
fn what_the_chart_ships_becomes_a_policy() {
    let run = Run::with(&shipped().to_string(), &[]);
    assert_eq!(run.code, Some(0), "Docker Content Trust is carried: {}", run.err);
    assert!(run.err.contains("2026-12-08"), "{}", run.err);
    let policy: Value = serde_yaml::from_str(&run.out).expect("YAML");
    let spec = &policy["spec"];
    assert_eq!(
        (&policy["kind"], &policy["apiVersion"]),
        (&"ClusterAdmissionPolicy".into(), &"policies.kubewarden.io/v1".into())
    );
    let expected = json!({"mutating": true, "mode": "monitor", "policyServer": "default", "timeoutEvalSeconds": 3, "timeoutSeconds": 10});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&spec[key], value, "{key}");
    }
    let label =
        json!({"key": "securesystemsengineering.connaisseur/webhook", "operator": "NotIn", "values": ["ignore"]});
    assert_eq!(spec["namespaceSelector"]["matchExpressions"][0], label);
    let metadata: Value = serde_yaml::from_str(&fs::read_to_string(root().join("metadata.yml")).unwrap()).unwrap();
    assert_eq!(spec["rules"], metadata["rules"], "the kinds of the module's own metadata");
    assert_eq!(spec["contextAwareResources"], metadata["contextAwareResources"], "and the owners");
    let settings = &spec["settings"];
    assert_eq!(check(&settings.to_string()), []);
    let features = json!({
        "automaticChildApproval": true, "automaticUnchangedApproval": false, "detectionMode": false, "resourceValidationMode": "all",
    });
    assert_eq!(settings["features"], features);
    let images = [
        ("registry.k8s.io/pause:3.9", Some("allow"), "allowed as before"),
        ("registry.k8s.io/docker.io/library/nginx:1", None, "there it was asked for a signature"),
        ("attacker.com/registry.k8s.io/malware:1", None, "there it was allowed"),
        ("nginx", Some("dockerhub"), "Docker Content Trust, of a server that ends"),
        ("securesystemsengineering/sample:v1", Some("dockerhub"), "the same"),
        ("quay.io/x", None, "everything else"),
    ];
    for (image, expected, why) in images {
        assert_eq!(here(settings, &ImageRef::parse(image).unwrap()).as_deref(), expected, "{why}");
    }
    for part in ["changed", "validators[2]", "2026-12-08", "dropped", "The settings were checked"] {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
    let bare = Run::with(&shipped().to_string(), &["-o", "settings"]);
    assert_eq!(&serde_yaml::from_str::<Value>(&bare.out).expect("YAML"), settings, "the same settings alone");
}

/// Whatever the settings say of an image: the validator, or none where it is denied.
fn here(settings: &Value, image: &ImageRef) -> Option<String> {
    let text = settings.to_string();
    let policy = Policy::load(&text).expect("settings");
    let rules = policy.rules(&BTreeSet::from([image.registry()])).expect("rules");
    let Choice::Rule(winner) = rules.choose(image).expect("a choice") else { return None };
    Some(winner.validator().0).filter(|name| !["deny", "not-migrated"].contains(&name.as_str()))
}
