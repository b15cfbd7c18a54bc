//! Do the examples with attestations admit what they are for, and deny what differs in one way?
//!
//! Each row runs a file of `examples/` as it stands. Only the registry, the keys and the trusted root are those of the test. Real cosign attests.

use std::path::Path;

use image_trust_testbed::loopback::ImageKind;
use image_trust_testbed::mint::bundle::Log;
use image_trust_testbed::mint::der;
use image_trust_testbed::sigstore_services::WorkflowRun;
use serde_json::{Value, json};

use crate::attestations::{
    APPROVAL, CONDITION, DAY, NOT_COLLECTED, SIGNER, SUMMARY, approval, denied, grype, provenance, scan, spdx, summary,
    trivy,
};
use crate::attester::{Asked, BOTH, Bench, By, Generation, Keyless, PROVEN};

/// The settings of an example. Its trust roots with keys have the keys of the bench that are named here.
fn example(bench: &Bench<'_>, name: &str, keys: &[(&str, &str)]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut settings: Value =
        serde_yaml::from_str(&text.replace("ghcr.io/", &format!("{}/", bench.registry.host()))).unwrap();
    let mut replaced = 0;
    for root in settings["validators"][0]["trustRoots"].as_array_mut().unwrap() {
        let key = keys.iter().find(|(root_name, _)| root["name"] == *root_name);
        assert_eq!(root["key"].is_string(), key.is_some(), "{name}: {root}");
        if let Some((_, key)) = key {
            root["key"] = bench.key(key).into();
            replaced += 1;
        }
    }
    assert_eq!(replaced, keys.len(), "{name}");
    settings["validators"][0]["trustedRoot"] = bench.ours.whole_trusted_root();
    settings["features"] = json!({"timeBudgetMs": 30_000});
    settings
}

/// Lets a workflow of GitHub attest with cosign 3, so many seconds ago.
fn attest_in(run: WorkflowRun<'_>, ago: u64, bench: &Bench<'_>, image: &str, kind: &str, predicate: &Value) {
    let (services, token) = (&bench.services(ago), run.token(bench.time - ago));
    let keyless = Keyless { services, token, log: Log::Rekor1, entry: "", has_timestamp: false };
    bench.attest(Generation::Three, By::Keyless(&keyless), image, kind, predicate);
}

/// Checks that cosign accepts an attestation of this type by this key, or that it does not.
fn ask_cosign(bench: &Bench<'_>, generation: Generation, image: &str, kind: &str, key: &str, accepts: bool) {
    let key = format!("{key}.pub");
    let asked = Asked { signer: &["--key", &key, "--insecure-ignore-tlog"], kind };
    let judge = bench.judge(generation, image, &asked);
    assert_eq!(judge.is_ok(), accepts, "{generation:?}: {image} by {key}: {judge:?}");
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const MAIN: &str = "refs/heads/main";
const RELEASE: WorkflowRun<'_> = WorkflowRun {
    repository: "acme/app",
    reference: MAIN,
    workflow: "acme/app/.github/workflows/release.yml@refs/heads/main",
    runner: "github-hosted",
};
const SCAN: WorkflowRun<'_> = WorkflowRun {
    repository: "acme/scans",
    workflow: "acme/scans/.github/workflows/scan.yml@refs/heads/main",
    ..RELEASE
};

#[test]
fn the_example_for_provenance_decides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let settings = example(&bench, "attestations-provenance.yaml", &[]);
    const DEV: &str = "acme/app/.github/workflows/release.yml@refs/heads/dev";
    const OTHER_FILE: &str = "acme/app/.github/workflows/test.yml@refs/heads/main";
    let main = provenance(MAIN);
    let with = |at: &str, text: &str| {
        let mut changed = main.clone();
        *changed.pointer_mut(at).unwrap() = text.into();
        changed
    };
    let other_build = with("/buildDefinition/buildType", "https://example.com/build/v1");
    let workflow = "/buildDefinition/externalParameters/workflow";
    let other_branch = with(&format!("{workflow}/ref"), "refs/heads/dev");
    let other_repository = with(&format!("{workflow}/repository"), "https://github.com/acme/app-evil");
    let source = "git+https://github.com/acme/app-evil@refs/heads/main";
    let other_source = with("/buildDefinition/resolvedDependencies/0/uri", source);
    // the run, what it attests, the outcome, the reason
    let rows: [(WorkflowRun<'_>, &Value, String, &str); 10] = [
        (RELEASE, &main, PROVEN.into(), "built by the workflow, from the branch"),
        (WorkflowRun { workflow: DEV, ..RELEASE }, &main, denied(SIGNER), "the workflow of another branch"),
        (WorkflowRun { workflow: OTHER_FILE, ..RELEASE }, &main, denied(SIGNER), "another workflow"),
        (
            WorkflowRun { repository: "acme/fork", ..RELEASE },
            &main,
            denied(SIGNER),
            "the workflow, run for another repository",
        ),
        (
            WorkflowRun { reference: "refs/heads/dev", ..RELEASE },
            &main,
            denied(SIGNER),
            "the workflow, run for another branch",
        ),
        (WorkflowRun { runner: "self-hosted", ..RELEASE }, &main, denied(SIGNER), "the workflow, on another machine"),
        (RELEASE, &other_branch, denied(CONDITION), "a predicate about another branch"),
        (RELEASE, &other_repository, denied(CONDITION), "a predicate about another repository"),
        (RELEASE, &other_build, denied(CONDITION), "a predicate about another kind of build"),
        (RELEASE, &other_source, denied(CONDITION), "a predicate about another source"),
    ];
    for (number, (run, predicate, expected, why)) in rows.into_iter().enumerate() {
        let image = bench.push_as("acme/app", &number.to_string());
        attest_in(run, 0, &bench, &image, "slsaprovenance1", predicate);
        bench.collect(&image).unwrap();
        assert_eq!(bench.module(&image, &settings), expected, "{why}");
        // Cosign compares the name of the workflow. It cannot compare the claims, and is not asked about the predicate.
        let name = format!("https://github.com/{}", RELEASE.workflow);
        let signer =
            ["--trusted-root", "root.json", "--certificate-oidc-issuer", GITHUB, "--certificate-identity", &name];
        let judge = bench.judge(Generation::Three, &image, &Asked { signer: &signer, kind: "slsaprovenance1" });
        assert_eq!(judge.is_ok(), run.workflow == RELEASE.workflow, "{why}: {judge:?}");
    }
}

#[test]
fn the_example_for_sboms_decides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let settings = example(&bench, "attestations-sbom.yaml", &[("release", "alice"), ("builder", "bob")]);
    let missing = |cause: &str| format!("not-attested: {cause}; signers release");
    let cyclonedx = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []});
    for generation in BOTH {
        let index = bench.push(&format!("acme/{generation:?}").to_lowercase(), ImageKind::Index);
        // The policy looks at platforms in the order of their digests. So each of them is once the one without an SBOM.
        let mut platforms = bench.platforms(&index);
        platforms.sort();
        if generation == Generation::Two {
            platforms.reverse();
        }
        let [first, second] = &platforms[..] else { panic!("expected two platforms") };
        bench.sign("alice", &index);
        bench.attest(generation, By::Key("bob"), first, "spdxjson", &spdx());
        bench.collect(&index).unwrap();
        assert_eq!(bench.module(&index, &settings), missing(NOT_COLLECTED), "{generation:?}: one platform");
        bench.attest(generation, By::Key("alice"), second, "cyclonedx", &cyclonedx);
        bench.collect(&index).unwrap();
        assert_eq!(bench.module(&index, &settings), missing(SIGNER), "{generation:?}: the other one by another key");
        ask_cosign(&bench, generation, second, "cyclonedx", "bob", false);
        bench.attest(generation, By::Key("bob"), second, "cyclonedx", &cyclonedx);
        bench.collect(&index).unwrap();
        assert_eq!(bench.module(&index, &settings), PROVEN, "{generation:?}: both platforms, with SBOMs of two types");
        ask_cosign(&bench, generation, first, "spdxjson", "bob", true);
        ask_cosign(&bench, generation, second, "cyclonedx", "bob", true);
    }
}

#[test]
fn the_example_for_scans_decides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let settings = example(&bench, "attestations-scan.yaml", &[("scan-key", "alice")]);
    let clean = json!({"SchemaVersion": 2, "Results": [{"Target": "app"}]});
    let (high, critical) = (trivy(&["HIGH", "MEDIUM"]), trivy(&["HIGH", "CRITICAL"]));
    let (high_of_grype, critical_of_grype) = (grype(&["High"]), grype(&["Low", "Critical"]));
    let unknown = json!({"findings": []});
    // the report, how many days ago, the cause of the denial if there is one, the reason
    let rows: [(&Value, u64, Option<&str>, &str); 8] = [
        (&clean, 1, None, "Trivy found nothing"),
        (&high, 1, None, "Trivy found nothing critical"),
        (&critical, 1, Some(CONDITION), "Trivy found something critical"),
        (&high_of_grype, 6, None, "Grype found nothing critical"),
        (&critical_of_grype, 1, Some(CONDITION), "Grype found something critical"),
        (&unknown, 1, Some(CONDITION), "a report of another scanner"),
        (&clean, 8, Some("attestation-age"), "an old scan by Trivy"),
        (&high_of_grype, 8, Some("attestation-age"), "an old scan by Grype"),
    ];
    for (number, (report, days, cause, why)) in rows.into_iter().enumerate() {
        let expected = |cause: Option<&str>| cause.map_or(PROVEN.to_owned(), denied);
        // A workflow writes what it wants, so the time in its predicate is that of today.
        let image = bench.push_as("acme/app", &number.to_string());
        attest_in(SCAN, days * DAY, &bench, &image, "vuln", &scan(bench.time, report));
        bench.collect(&image).unwrap();
        assert_eq!(bench.module(&image, &settings), expected(cause), "{why}");
        let cause = cause.map(|_| CONDITION);
        for generation in BOTH {
            let image = bench.push_as("acme/vendor/app", &format!("{generation:?}{number}"));
            bench.attest(generation, By::Key("alice"), &image, "vuln", &scan(bench.time - days * DAY, report));
            bench.collect(&image).unwrap();
            assert_eq!(bench.module(&image, &settings), expected(cause), "{why}, by a key, {generation:?}");
        }
    }
    let image = bench.push_as("acme/app", "key");
    bench.attest(Generation::Three, By::Key("alice"), &image, "vuln", &scan(bench.time, &clean));
    bench.collect(&image).unwrap();
    assert_eq!(bench.module(&image, &settings), denied(SIGNER), "the key is for images of vendors");
}

#[test]
fn the_example_for_approvals_decides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let settings = example(&bench, "attestations-approval.yaml", &[("build", "alice"), ("approver", "bob")]);
    let approved = |environment: &str, days: u64| {
        let mut approval = approval(environment);
        approval["approvedOn"] = der::timestamp(bench.time - days * DAY).into();
        approval
    };
    let mut refused = approved("production", 1);
    refused["approved"] = "true".into();
    let lacks = |cause: &str| format!("not-attested: {cause}; signers build");
    // who signs, who approves, the approval, the outcome, the reason
    let rows: [(&str, &str, Value, String, &str); 6] = [
        ("alice", "bob", approved("production", 1), PROVEN.into(), "built by one key and approved by another"),
        ("alice", "alice", approved("production", 1), lacks(SIGNER), "approved by the key that built it"),
        ("alice", "bob", approved("staging", 1), lacks(CONDITION), "approved for something else"),
        ("alice", "bob", approved("production", 91), lacks(CONDITION), "approved long ago"),
        ("alice", "bob", refused, lacks(CONDITION), "a text in place of a boolean"),
        (
            "carol",
            "bob",
            approved("production", 1),
            "not-signed: other-keys; missing build".into(),
            "built by a stranger",
        ),
    ];
    for (number, (signer, approver, approval, expected, why)) in rows.iter().enumerate() {
        for generation in BOTH {
            let image = bench.push_as("acme/app", &format!("{generation:?}{number}"));
            bench.sign(signer, &image);
            bench.attest(generation, By::Key(approver), &image, APPROVAL, approval);
            bench.collect(&image).unwrap();
            assert_eq!(bench.module(&image, &settings), *expected, "{generation:?}: {why}");
            ask_cosign(&bench, generation, &image, APPROVAL, "bob", *approver == "bob");
        }
    }
}

#[test]
fn the_example_for_summaries_decides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let settings = example(&bench, "attestations-summary.yaml", &[("verifier", "alice")]);
    let of = |result: &str, level: &str, days: u64| summary(result, level, bench.time - days * DAY);
    let (good, level) = (of("PASSED", "SLSA_BUILD_LEVEL_3", 1), "SLSA_BUILD_LEVEL_3");
    let (mut other_verifier, mut other_policy) = (good.clone(), good.clone());
    other_verifier["verifier"]["id"] = "https://evil.example/verifier".into();
    other_policy["policy"]["uri"] = "https://acme.example/policies-of-nobody/".into();
    // who attests, the summary, the outcome, the reason
    let rows: [(&str, Value, String, &str); 7] = [
        ("alice", good.clone(), PROVEN.into(), "verified by the verifier"),
        ("bob", good, denied(SIGNER), "by another key"),
        ("alice", of("FAILED", level, 1), denied(CONDITION), "verified, and not good"),
        ("alice", of("PASSED", "SLSA_BUILD_LEVEL_1", 1), denied(CONDITION), "of a lower level"),
        ("alice", of("PASSED", level, 31), denied(CONDITION), "verified long ago"),
        ("alice", other_verifier, denied(CONDITION), "in the name of another verifier"),
        ("alice", other_policy, denied(CONDITION), "by another policy"),
    ];
    for (number, (key, summary, expected, why)) in rows.iter().enumerate() {
        for generation in BOTH {
            let image = bench.push_as("acme/app", &format!("{generation:?}{number}"));
            bench.attest(generation, By::Key(key), &image, SUMMARY, summary);
            bench.collect(&image).unwrap();
            assert_eq!(bench.module(&image, &settings), *expected, "{generation:?}: {why}");
            ask_cosign(&bench, generation, &image, SUMMARY, "alice", *key == "alice");
        }
    }
}
