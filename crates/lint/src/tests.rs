//! What is found in settings, and what is not?

use crate::test_keys::{ALICE, BOB};
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use image_trust::policy::check;

const TEST_KEY: &str = include_str!("../../../tests/keys/alice.pub");
const TEST_KEY_COMPRESSED: &str = include_str!("../../../tests/keys/alice-compressed.pub");
const RSA2048: &str = include_str!("../../../tests/keys/rsa2048.pub");
/// Nothing here depends on it.
const NOW: UnixTime = UnixTime::from_secs(0);
const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Settings with these rules, each asking nobody for a log, so that only what a row is about is found.
fn settings(rules: &[Value], features: Value) -> Value {
    let root = |name: &str, key: &str| json!({"name": name, "key": key});
    let mut rules = rules.to_vec();
    // Every validator and trust root is used.
    rules.push(json!({"pattern": "used.example/alice", "with": {"trustRoot": "*"}}));
    rules.push(json!({"pattern": "used.example/allow", "validator": "allow"}));
    rules.push(json!({"pattern": "used.example/deny", "validator": "deny"}));
    for rule in &mut rules {
        if rule.get("validator").is_none() {
            let with = rule.as_object_mut().unwrap().entry("with").or_insert_with(|| json!({}));
            with["verifyInTransparencyLog"] = false.into();
            with.as_object_mut().unwrap().entry("trustRoot").or_insert_with(|| "alice".into());
        }
    }
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "trustRoots": [root("alice", ALICE), root("bob", BOB)]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": rules,
        "features": features,
    })
}

#[track_caller]
fn check_row(settings: &Value, expected: &[(&str, Lint)], why: &str) {
    let text = settings.to_string();
    assert_eq!(check(&text), [], "{why}: settings that are accepted");
    let found = lint(&text, NOW);
    let told: Vec<(&str, Lint)> = found.iter().map(|finding| (finding.path.as_str(), finding.lint)).collect();
    assert_eq!(told, expected, "{why}: {found:#?}");
}

fn allow(pattern: &str) -> Value {
    json!({"pattern": pattern, "validator": "allow"})
}

fn deny(pattern: &str) -> Value {
    json!({"pattern": pattern, "validator": "deny"})
}

fn prove(pattern: &str, with: Value) -> Value {
    json!({"pattern": pattern, "with": with})
}

fn signed(pattern: &str) -> Value {
    prove(pattern, json!({}))
}

#[test]
fn rules() {
    use Lint::*;
    let first = |lint| vec![("policy[0].pattern", lint)];
    let in_full = |pattern: &str| format!("{pattern}@{D}");
    let rows: Vec<(Vec<Value>, Vec<(&str, Lint)>, &str)> = vec![
        (vec![allow("*:*")], first(AllowsAnyRegistry), "everything"),
        (vec![allow("*.io/acme/*")], first(AllowsAnyRegistry), "whoever has a host there"),
        (vec![allow("ghcr.io*/acme/*")], first(AllowsAnyRegistry), "ghcr.io.evil.com"),
        (vec![allow("*@sha256:*")], first(AllowsAnyRegistry), "whatever has a digest"),
        (vec![allow("*example.co.uk/*")], first(AllowsAnyRegistry), "evilexample.co.uk"),
        (vec![allow("*.dkr.ecr.eu-west-1.amazonaws.com/*")], first(AllowsAnyRegistry), "anybody's account"),
        (vec![signed("*.azurecr.io/*")], first(AsksAnyRegistry), "a host that anybody can have"),
        (vec![allow(&in_full("*"))], vec![], "one digest is one image, wherever it is"),
        (vec![allow("*.example.com/*")], first(AllowsADomain), "every host of a domain"),
        (vec![allow("registry.example.com/*")], vec![], "one host"),
        (vec![allow("localhost:*/*")], vec![], "one host on any port"),
        (vec![deny("*:*")], vec![], "a deny admits nobody"),
        (vec![allow("docker.io/*")], first(AllowsAPublicRegistry), "anybody's account"),
        (vec![allow("ghcr.io/acme*/app")], first(AllowsAPublicRegistry), "any account that begins like ours"),
        (vec![allow(&in_full("docker.io/*"))], vec![], "one digest of them"),
        (vec![allow("ghcr.io/acme/*")], vec![], "our account"),
        (vec![allow("nginx*")], vec![], "official images only"),
        (vec![allow("registry.k8s.io/*")], vec![], "a registry where not everybody has an account"),
        (vec![signed("*:*")], first(AsksAnyRegistry), "any registry"),
        (vec![signed(&in_full("*"))], first(AsksAnyRegistry), "any registry, also for one digest"),
        (vec![signed("*.example.com/*")], first(AsksADomain), "every host of a domain"),
        (vec![signed("ghcr.io/*")], vec![], "one host is asked"),
        (vec![allow("ghcr.io/acme/a..b")], first(MatchesNothing), "a name that there can't be"),
        (vec![allow("ghcr.io/acme/app:v1@sha256:*")], first(MatchesNothing), "beside a digest a tag is a claim"),
        (vec![allow(&in_full("ghcr.io/acme/app:v1"))], vec![], "the digest decides"),
        (vec![allow("ghcr.io/acme/app@sha256:*")], vec![], "no tag that is a claim"),
        (vec![allow("ghcr.io/acme/app:v1")], vec![], "a tag and no digest"),
        (
            vec![deny("ghcr.io/acme/*-debug"), signed("ghcr.io/acme/*-debug*")],
            first(NeverDecides),
            "the longer pattern comes first, though it is the wider one",
        ),
        (vec![deny("ghcr.io/acme/*-debug"), signed("ghcr.io/acme/*")], vec![], "the narrower one comes first"),
        (vec![deny("*:*"), deny("*/*")], first(SaysTheSame), "the same twice, however it is written"),
        (
            vec![deny("ghcr.io/acme/*x*"), signed("ghcr.io/acme/*xx")],
            vec![("policy[1].pattern", NeverDecides)],
            "as long, and it always matches too: a tie",
        ),
        (
            vec![allow("ghcr.io/acme/*a*:v1"), signed("ghcr.io/acme/*a")],
            vec![],
            "an allow by tag is passed over where there is a digest, so the other one decides there",
        ),
        (
            vec![signed("acme/app"), signed("docker.io/acme/app:*")],
            vec![("policy[1].pattern", SaysTheSame)],
            "one pattern in two spellings",
        ),
        (vec![signed("acme/app"), signed("acme/app*")], vec![], "the wider one is left something"),
        (
            vec![signed("ghcr.io/acme/app:v1*"), allow("ghcr.io/acme/*")],
            first(ChosenByTag),
            "without its tag the image is admitted unseen",
        ),
        (vec![signed("ghcr.io/acme/app:v1*"), deny("ghcr.io/acme/*")], vec![], "without its tag it is denied"),
        (vec![signed("ghcr.io/acme/app:v1*")], vec![], "without its tag no rule matches"),
        (vec![signed("ghcr.io/acme/app:v1*"), signed("ghcr.io/acme/*")], vec![], "and here it is proven alike"),
        (
            vec![deny("ghcr.io/acme/app:v1"), signed("ghcr.io/acme/*")],
            first(ChosenByTag),
            "a deny by tag is dodged by a digest",
        ),
        (vec![deny(&in_full("ghcr.io/acme/app")), signed("ghcr.io/acme/*")], vec![], "a deny by digest is not"),
        (
            vec![signed("ghcr.io/acme/app:dev*"), prove("ghcr.io/acme/app:prod*", json!({"trustRoot": "*"}))],
            vec![("policy[0].pattern", ChosenByTag), ("policy[1].pattern", ChosenByTag)],
            "two tags, two requirements: whoever writes the image chooses",
        ),
        (
            vec![signed("ghcr.io/acme/app:dev*"), allow("ghcr.io/acme/app:prod*")],
            vec![],
            "an allow by tag covers no digest",
        ),
        (
            vec![prove("ghcr.io/acme/*", json!({"identities": ["ghcr.io/acme/*", "self"]}))],
            vec![("policy[0].with.identities", OddIdentity)],
            "names are compared verbatim",
        ),
        (
            vec![prove("acme/*", json!({"identities": ["docker.io/acme/app"]}))],
            vec![("policy[0].with.identities", OddIdentity)],
            "not what cosign writes",
        ),
        (vec![prove("acme/*", json!({"identities": ["index.docker.io/acme/app"]}))], vec![], "what cosign writes"),
        (
            vec![prove("ghcr.io/acme/*@sha256:*", json!({"mode": "insecureValidateOnly"}))],
            vec![],
            "where there is a digest there is nothing to pin",
        ),
        (vec![prove("ghcr.io/acme/*", json!({"mode": "mutatePodsOnly"}))], vec![], "Pods are pinned"),
    ];
    for (rules, expected, why) in rows {
        check_row(&settings(&rules, json!({})), &expected, why);
    }
}

#[test]
fn features() {
    use Lint::*;
    let insecure = || prove("ghcr.io/acme/*", json!({"mode": "insecureValidateOnly"}));
    let rows: Vec<(Vec<Value>, Value, Vec<(&str, Lint)>, &str)> = vec![
        (vec![], json!({}), vec![], "nothing"),
        (vec![], json!({"detectionMode": true}), vec![("features.detectionMode", DetectionMode)], "nothing is denied"),
        (vec![], json!({"timeBudgetMs": 900}), vec![], "fits into the default deadline"),
        (vec![], json!({"timeBudgetMs": 901}), vec![("features.timeBudgetMs", NeedsALaterDeadline)], "does not"),
        (
            vec![],
            json!({"timeBudgetMs": 28_999}),
            vec![("features.timeBudgetMs", NeedsALaterDeadline)],
            "fits into 30 s",
        ),
        (vec![], json!({"timeBudgetMs": 29_000}), vec![("features.timeBudgetMs", BudgetBeyondDeadline)], "does not"),
        (
            vec![insecure()],
            json!({"automaticChildApproval": false}),
            vec![("policy[0].with.mode", PinsNothing)],
            "a tag that stays one",
        ),
        (
            vec![insecure()],
            json!({}),
            vec![("policy[0].with.mode", PinsNothing)],
            "and Pods with it are verified, by default",
        ),
        (
            vec![insecure()],
            json!({"automaticChildApproval": {"ttl": 60, "requireDigest": false}}),
            vec![("features.automaticChildApproval", ApprovesUnpinned), ("policy[0].with.mode", PinsNothing)],
            "for a while",
        ),
        (
            vec![],
            json!({"automaticChildApproval": {"requireDigest": false}}),
            vec![("features.automaticChildApproval", ApprovesUnpinned)],
            "also where owners are pinned: one that is older than the policy is not",
        ),
        (
            vec![],
            json!({"automaticChildApproval": {"ttl": 60}}),
            vec![],
            "a digest is wanted unless the settings say otherwise",
        ),
        (
            vec![insecure()],
            json!({"automaticChildApproval": {"requireDigest": true}}),
            vec![("policy[0].with.mode", PinsNothing)],
            "and here not without a digest",
        ),
        (
            vec![],
            json!({"mutation": false}),
            vec![("features.mutation", PinsNothing)],
            "all tags stay, and Pods with them are verified",
        ),
        (
            vec![],
            json!({"mutation": false, "automaticChildApproval": {"requireDigest": false}}),
            vec![("features.automaticChildApproval", ApprovesUnpinned), ("features.mutation", PinsNothing)],
            "all tags stay, and Pods with them are approved",
        ),
        (
            vec![insecure()],
            json!({"mutation": false, "automaticChildApproval": false}),
            vec![("features.mutation", PinsNothing)],
            "told once",
        ),
        (
            vec![],
            json!({"resourceValidationMode": "podsOnly", "automaticChildApproval": true}),
            vec![("features.automaticChildApproval", ChildApprovalIsOff)],
            "off whatever is set",
        ),
        (
            vec![],
            json!({"resourceValidationMode": "podsOnly", "automaticChildApproval": {"ttl": 60}}),
            vec![("features.automaticChildApproval", ChildApprovalIsOff)],
            "off whatever is set",
        ),
        (vec![], json!({"resourceValidationMode": "podsOnly", "automaticChildApproval": false}), vec![], "as it is"),
        (vec![], json!({"resourceValidationMode": "podsOnly", "automaticChildApproval": null}), vec![], "left out"),
        (vec![], json!({"resourceValidationMode": "all", "automaticChildApproval": true}), vec![], "on, as it says"),
    ];
    for (rules, features, expected, why) in rows {
        check_row(&settings(&rules, features), &expected, why);
    }
}

#[test]
fn keys() {
    use Lint::*;
    let root = |name: &str, key: &str| json!({"name": name, "key": key});
    let cosign = |name: &str, roots: &[Value]| json!({"name": name, "type": "cosign", "trustRoots": roots});
    let rule = |pattern: &str, validator: &str, root: &str| json!({"pattern": pattern, "validator": validator, "with": {"trustRoot": root, "verifyInTransparencyLog": false}});
    let rows: Vec<(Value, Value, Vec<(&str, Lint)>, &str)> = vec![
        (
            json!([cosign("a", &[root("alice", ALICE)]), {"name": "deny", "type": "static", "approve": false}]),
            json!([rule("ghcr.io/a/*", "a", "alice")]),
            vec![("validators[1]", UnusedValidator)],
            "no rule names it",
        ),
        (
            json!([cosign("a", &[root("alice", ALICE), root("bob", BOB)])]),
            json!([rule("ghcr.io/a/*", "a", "alice")]),
            vec![("validators[0].trustRoots[1]", UnusedTrustRoot)],
            "no rule asks it",
        ),
        (
            json!([cosign("a", &[root("alice", ALICE), root("bob", BOB)])]),
            json!([rule("ghcr.io/a/*", "a", "*")]),
            vec![],
            "all are asked",
        ),
        (
            json!([cosign("a", &[root("old", RSA2048)])]),
            json!([rule("ghcr.io/a/*", "a", "old")]),
            vec![("validators[0].trustRoots[0].key", ShortRsaKey)],
            "2048 bits",
        ),
        (
            json!([cosign("a", &[root("alice", ALICE)]), cosign("b", &[root("release", ALICE)])]),
            json!([rule("ghcr.io/a/*", "a", "alice"), rule("ghcr.io/b/*", "b", "release")]),
            vec![("validators[1].trustRoots[0].key", KeyWithTwoNames)],
            "one signer, two names",
        ),
        (
            json!([cosign("a", &[root("alice", TEST_KEY)])]),
            json!([rule("ghcr.io/a/*", "a", "alice")]),
            vec![("validators[0].trustRoots[0].key", WellKnownTestKey)],
            "a key that anybody has",
        ),
        (
            json!([cosign("a", &[root("alice", TEST_KEY_COMPRESSED)])]),
            json!([rule("ghcr.io/a/*", "a", "alice")]),
            vec![("validators[0].trustRoots[0].key", WellKnownTestKey)],
            "the same in another form",
        ),
        (
            json!([cosign("a", &[root("alice", ALICE)]), cosign("b", &[root("alice", ALICE)])]),
            json!([rule("ghcr.io/a/*", "a", "alice"), rule("ghcr.io/b/*", "b", "alice")]),
            vec![],
            "one signer, one name",
        ),
        (
            json!([{"name": "a", "type": "cosign", "askHost": true, "trustRoots": [root("alice", ALICE)]}]),
            json!([rule("ghcr.io/a/*", "a", "alice")]),
            vec![("validators[0].askHost", AsksHost)],
            "whoever pushes signatures chooses what is downloaded",
        ),
        (
            json!([{"name": "a", "type": "cosign", "askHost": false, "trustRoots": [root("alice", ALICE)]}]),
            json!([rule("ghcr.io/a/*", "a", "alice")]),
            vec![],
            "nobody is asked",
        ),
        (
            json!([cosign("default", &[root("default", ALICE)])]),
            json!([{"pattern": "ghcr.io/a/*"}]),
            vec![("policy", NoTransparencyLog)],
            "nothing is said of a log",
        ),
    ];
    for (validators, policy, expected, why) in rows {
        check_row(&json!({"validators": validators, "policy": policy}), &expected, why);
    }
}

#[test]
fn what_cannot_be_read_makes_nothing_up() {
    let rows = [
        ("", "no settings"),
        ("{", "no JSON"),
        (r#"{"validators": [], "policy": []}"#, "no rules"),
        (
            r#"{"validators": [{"name": "a", "type": "static"}], "policy": [{"pattern": "*", "validator": "a"}]}"#,
            "a validator that says nothing",
        ),
        (
            r#"{"validators": [{"name": "a", "type": "static", "approve": false}], "policy": [{"pattern": "*", "validator": "b"}]}"#,
            "the rule that names nobody may mean it",
        ),
    ];
    for (text, why) in rows {
        assert_eq!(lint(text, NOW), [], "{why}");
    }
}

#[test]
fn the_worst_comes_first_and_words_are_distinct() {
    let severities: Vec<Severity> = Lint::ALL.iter().map(|lint| lint.severity()).collect();
    assert!(severities.is_sorted(), "{severities:?}");
    let words: BTreeSet<&str> = Lint::ALL.iter().map(|lint| lint.word()).collect();
    assert_eq!(words.len(), Lint::ALL.len());
    let text = settings(
        &[prove("*:*", json!({"identities": ["docker.io/x"], "mode": "insecureValidateOnly"}))],
        json!({"automaticChildApproval": {"requireDigest": false}}),
    );
    let found = lint(&text.to_string(), NOW);
    let order: Vec<Severity> = found.iter().map(|finding| finding.lint.severity()).collect();
    assert_eq!(order, [Severity::Error, Severity::Error, Severity::Warning, Severity::Info]);
    for finding in found {
        assert!(!finding.what.is_empty() && !finding.instead.is_empty(), "{finding:?}");
    }
}

#[test]
fn attestations() {
    use Lint::{AttestedByTheSigner, ScanOfAnyAge, UnknownPath};
    let with = |attestation: Value| {
        let mut attestation = attestation;
        attestation.as_object_mut().unwrap().entry("trustRoot").or_insert_with(|| "bob".into());
        let rule = json!({"pattern": "ghcr.io/acme/*", "with": {"attestations": [attestation]}});
        settings(&[rule], json!({}))
    };
    let asks = |kind: &str, path: &str, comparison: (&str, Value)| json!({"predicateType": kind, "where": [{"path": path, comparison.0: comparison.1}]});
    let fresh = || ("newerThan", json!("7d"));
    let none = || ("noneOf", json!(["CRITICAL"]));
    let found = |kind| vec![("policy[0].with.attestations[0]", kind)];
    let in_where = vec![("policy[0].with.attestations[0].where[0]", UnknownPath)];
    let trivy = "scanner.result.Results[*].Vulnerabilities[*].Severity";
    let rows: Vec<(Value, Vec<(&str, Lint)>, &str)> = vec![
        (json!({"predicateType": "vuln"}), found(ScanOfAnyAge), "any scan"),
        (asks("vuln", trivy, none()), found(ScanOfAnyAge), "an old scan found nothing either"),
        (asks("vuln", "metadata.scanFinishedOn", fresh()), vec![], "a fresh one"),
        (json!({"predicateType": ["spdx", "vuln"]}), found(ScanOfAnyAge), "one of the types is a scan"),
        (
            json!({"predicateType": "vuln", "where": [{"any": [
                {"path": "metadata.scanFinishedOn", "newerThan": "7d"}, {"path": "scanner.uri", "exists": true},
            ]}]}),
            found(ScanOfAnyAge),
            "one alternative asks for no time",
        ),
        (json!({"predicateType": "spdx"}), vec![], "an SBOM does not age"),
        (asks("spdx", "spdxVersion", ("prefix", json!("SPDX-2"))), vec![], "a part that there is"),
        (asks("spdx", "spdxversion", ("prefix", json!("SPDX-2"))), in_where.clone(), "in lower case"),
        (asks("cyclonedx", "components[*].name", none()), vec![], "a member of every entry"),
        (asks("cyclonedx", "components.name", none()), in_where.clone(), "a member of a list"),
        (
            asks("cyclonedx", "vulnerabilities[*].ratings[*].scor", none()),
            in_where.clone(),
            "a typing error at the end",
        ),
        (asks("slsaprovenance1", "buildDefinition.buildType.x", none()), in_where.clone(), "below a text"),
        (
            asks("slsaprovenance1", "buildDefinition.externalParameters.any[0].thing", none()),
            vec![],
            "parameters are free",
        ),
        (asks("slsaprovenance1", "buildDefinition.acme_extension", none()), vec![], "an extension"),
        (
            asks("openvex", "statements[*].impact_statment", none()),
            vec![in_where[0], found(ScanOfAnyAge)[0]],
            "a typing error with an underscore",
        ),
        (
            asks("vuln", "scanner.result.Results[*].Vulnerabilities[*].PublishedDate", fresh()),
            found(ScanOfAnyAge),
            "the time of something else",
        ),
        (
            asks("slsaprovenance1", "runDetails.metadata.invocationID", ("exists", json!(true))),
            vec![],
            "as older libraries write it",
        ),
        (asks("https://acme.example/v1", "any.thing", none()), vec![], "a type that is not known"),
        (
            json!({"predicateType": ["cyclonedx", "https://acme.example/v1"], "where": [{"path": "x", "exists": true}]}),
            vec![],
            "a predicate of one of the types can have it",
        ),
        (json!({"predicateType": "slsaprovenance1"}), vec![], "the builder has a key of its own"),
        (
            json!({"predicateType": "slsaprovenance1", "trustRoot": "alice"}),
            found(AttestedByTheSigner),
            "alice signs both",
        ),
        (json!({"predicateType": "slsaprovenance1", "trustRoot": "*"}), vec![], "bob has to sign it, too"),
        (json!({"predicateType": "spdx", "trustRoot": "alice"}), vec![], "whoever builds an image knows what is in it"),
    ];
    for (attestation, expected, why) in rows {
        check_row(&with(attestation), &expected, why);
    }
    let scanned = |path: &str| {
        json!({"predicateType": "vuln", "where": [
            {"path": path, "noneOf": ["CRITICAL"]}, {"path": "metadata.scanFinishedOn", "newerThan": "7d"},
        ]})
    };
    let rows = [
        (trivy, vec![], "Trivy's"),
        ("scanner.result.matches[*].vulnerability.severity", vec![], "Grype's"),
        ("scanner.result.findings[*].level", vec![], "another scanner's"),
        (
            "scanner.result.Results[*].Vulnerabilites[*].Severity",
            in_where.clone(),
            "a typing error before the last list",
        ),
        ("scanner.result.Results[*].Vulnerabilities[*].severity", in_where, "in lower case"),
    ];
    for (path, expected, why) in rows {
        check_row(&with(scanned(path)), &expected, why);
    }
}

#[test]
fn notary_servers_that_end() {
    let of = |host: &Value, pattern: &str| {
        let mut validator =
            json!({"name": "dct", "type": "notaryv1", "trustRoots": [{"name": "default", "key": ALICE}]});
        if !host.is_null() {
            validator["host"] = host.clone();
        }
        json!({"validators": [validator], "policy": [{"pattern": pattern, "validator": "dct"}]})
    };
    let rows = [
        (Value::Null, "docker.io/library/alpine", true, "no server, which is Docker Hub's for Connaisseur"),
        ("https://notary.docker.io".into(), "docker.io/*", true, "Docker Hub's, by its address"),
        ("notary.docker.io".into(), "alpine", true, "without a scheme, and a short name"),
        ("https://notary.example.com".into(), "docker.io/*", false, "one of their own"),
        (Value::Null, "registry.example.com/*", false, "another registry"),
    ];
    for (host, pattern, expected, why) in rows {
        let expected = if expected { vec![("policy[0].pattern", Lint::EndsWithDockerHub)] } else { vec![] };
        check_row(&of(&host, pattern), &expected, why);
    }
}
