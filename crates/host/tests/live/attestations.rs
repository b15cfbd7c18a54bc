//! Does the module admit what real cosign attests, and deny what does not meet the rule?
//!
//! Both generations of cosign attest with predicates of every type that people use. Each document is collected, and the module decides under rules about it. Cosign of the
//! same generation is asked the same about the signer and the type, and cosign 3 about the conditions, with a policy in Rego.

use std::fs;

use image_trust::evidence::manifest::{ENVELOPE, MAX_ITEM};
use image_trust_collect::manifest::EvidenceManifest;
use image_trust_testbed::loopback::ImageKind;
use image_trust_testbed::mint::der;
use image_trust_testbed::suite;
use serde_json::{Value, json};

use crate::attester::{Asked, BOTH, Bench, By, Generation, PROVEN};

pub(crate) const APPROVAL: &str = "https://acme.example/approval/v1";
pub(crate) const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// The document whose predicate cosign writes as a text. Cosign 3 cannot read its own.
const TEXT: &str = "spdx-text";
const BUILD: &str = "https://actions.github.io/buildtypes/workflow/v1";
pub(crate) const DAY: u64 = 86_400;

/// The causes of denials.
pub(crate) const SIGNER: &str = "attestation-signer";
pub(crate) const MISSING: &str = "attestation-missing";
pub(crate) const CONDITION: &str = "attestation-condition";
pub(crate) const NOT_COLLECTED: &str = "attestation-not-collected";

/// The words of a denial for this cause, by a rule that needs no signature.
pub(crate) fn denied(cause: &str) -> String {
    format!("not-attested: {cause}; needed 0")
}

/// The provenance of a build for this reference.
pub(crate) fn provenance(reference: &str) -> Value {
    let repository = "https://github.com/acme/app";
    json!({
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": {
                "workflow": {"ref": reference, "repository": repository, "path": ".github/workflows/release.yml"},
            },
            "internalParameters": {"github": {"event_name": "push", "runner_environment": "github-hosted"}},
            "resolvedDependencies": [
                {"uri": format!("git+{repository}@{reference}"), "digest": {"gitCommit": "0".repeat(40)}},
            ],
        },
        "runDetails": {
            "builder": {"id": format!("{repository}/.github/workflows/release.yml@{reference}")},
            "metadata": {"invocationId": format!("{repository}/actions/runs/1/attempts/1")},
        },
    })
}

/// A scan that ended at this time, with this report of the scanner.
pub(crate) fn scan(time: u64, report: &Value) -> Value {
    let time = der::timestamp(time);
    json!({
        "invocation": {"parameters": null, "uri": "https://ci.example.com/1", "event_id": "1", "builder.id": "ci"},
        "scanner": {
            "uri": "pkg:github/example/scanner@1", "version": "1", "db": {"uri": "", "version": ""}, "result": report,
        },
        "metadata": {"scanStartedOn": time, "scanFinishedOn": time},
    })
}

/// The report of Trivy about two targets. It leaves the list of the clean one out.
pub(crate) fn trivy(severities: &[&str]) -> Value {
    let found = severities.iter().map(|severity| json!({"VulnerabilityID": "CVE-2026-1", "Severity": severity}));
    let found: Vec<Value> = found.collect();
    json!({"SchemaVersion": 2, "Results": [{"Target": "app"}, {"Target": "os", "Vulnerabilities": found}]})
}

/// The report of Grype.
pub(crate) fn grype(severities: &[&str]) -> Value {
    let matches =
        severities.iter().map(|severity| json!({"vulnerability": {"id": "CVE-2026-1", "severity": severity}}));
    json!({"matches": matches.collect::<Vec<Value>>(), "descriptor": {"name": "grype"}})
}

pub(crate) fn approval(environment: &str) -> Value {
    json!({"approved": true, "environment": environment, "ticket": "REL-17"})
}

pub(crate) fn summary(result: &str, level: &str, time: u64) -> Value {
    json!({
        "verifier": {"id": "https://acme.example/verifier"},
        "timeVerified": der::timestamp(time),
        "resourceUri": "pkg:oci/app",
        "policy": {"uri": "https://acme.example/policies/release"},
        "verificationResult": result,
        "verifiedLevels": [level],
    })
}

pub(crate) fn spdx() -> Value {
    json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "app",
        "documentNamespace": "https://acme.example/sbom/1", "packages": [{"SPDXID": "SPDXRef-1", "name": "libc"}],
    })
}

/// The public predicate of this name, if it is there.
fn public(name: &str) -> Option<Value> {
    let text = fs::read_to_string(suite::evidence()?.join("cosign/predicates").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// What is attested: a name, the type as cosign takes it, and the predicate.
fn documents(time: u64) -> Vec<(&'static str, &'static str, Value)> {
    let documents = vec![
        ("provenance", "slsaprovenance1", provenance("refs/heads/main")),
        ("trivy", "vuln", scan(time - DAY, &trivy(&["HIGH", "LOW"]))),
        ("trivy-critical", "vuln", scan(time - DAY, &trivy(&["LOW", "CRITICAL"]))),
        ("grype", "vuln", scan(time - DAY, &grype(&["High"]))),
        ("grype-old", "vuln", scan(time - 8 * DAY, &grype(&[]))),
        ("cyclonedx", "cyclonedx", json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []})),
        ("spdx", "spdxjson", spdx()),
        (TEXT, "spdx", spdx()),
        ("approval", APPROVAL, approval("production")),
        ("custom", "custom", approval("production")),
        ("summary", SUMMARY, summary("PASSED", "SLSA_BUILD_LEVEL_3", time - DAY)),
    ];
    let of_others = [
        ("public-scan", "vuln", "vuln-predicate.json"),
        ("public-cyclonedx", "cyclonedx", "bom-go-mod.cyclonedx.json"),
        ("public-spdx", "spdxjson", "bom-go-mod.spdx.json"),
    ];
    let of_others = of_others.into_iter().filter_map(|(name, kind, file)| Some((name, kind, public(file)?)));
    documents.into_iter().chain(of_others).collect()
}

/// A rule about a document that alice attested, and what comes of it.
struct Row {
    document: &'static str,
    /// The trust root that the rule names.
    signer: &'static str,
    /// The type that the rule asks for, which is one that cosign knows.
    kind: &'static str,
    conditions: Value,
    /// The same conditions in Rego, which Debian's cosign 2 cannot read. It is empty if cosign is not asked about them.
    rego: &'static str,
    /// [`PROVEN`], or the cause of the denial.
    outcome: &'static str,
    why: &'static str,
}

impl Row {
    /// Whether cosign accepts the signer, the type and the subject.
    fn is_there(&self) -> bool {
        matches!(self.outcome, PROVEN | CONDITION)
    }

    fn rule(&self) -> Value {
        let mut attestation = json!({"predicateType": self.kind, "trustRoot": self.signer});
        if self.conditions != json!([]) {
            attestation["where"] = self.conditions.clone();
        }
        json!({"signature": false, "attestations": [attestation]})
    }

    /// What is wrong with what the module and cosign say about this image.
    fn wrong(&self, bench: &Bench<'_>, generation: Generation, image: &str) -> Option<String> {
        let expected = if self.outcome == PROVEN { PROVEN.to_owned() } else { denied(self.outcome) };
        let module = bench.module(image, &bench.settings(&bench.keys(), &self.rule()));
        let key = format!("{}.pub", self.signer);
        let mut signer = vec!["--key", &key, "--insecure-ignore-tlog"];
        let judge = bench.judge(generation, image, &Asked { signer: &signer, kind: self.kind });
        if self.document == TEXT && generation == Generation::Three {
            let agrees = judge.as_ref().is_err_and(|text| text.contains("invalid attestation"));
            let is_right = module == expected && agrees;
            return (!is_right).then(|| format!("{}: found {module:?}; cosign says {judge:?}", self.why));
        }
        let mut agrees = judge.is_ok() == self.is_there();
        if !self.rego.is_empty() && generation == Generation::Three {
            bench.file("policy.rego", &format!("package signature\n\nallow {{\n{}\n}}\n", self.rego));
            signer.extend(["--policy", "policy.rego"]);
            let judge = bench.judge(generation, image, &Asked { signer: &signer, kind: self.kind });
            agrees &= judge.is_ok() == (self.outcome == PROVEN);
            if !agrees {
                return Some(format!("{}: cosign says {judge:?} of {}", self.why, self.rego));
            }
        }
        let is_right = module == expected && agrees;
        (!is_right).then(|| format!("{}: expected {expected:?}, found {module:?}; cosign says {judge:?}", self.why))
    }
}

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    let row = |document, signer, kind, conditions, rego, outcome, why| Row {
        document,
        signer,
        kind,
        conditions,
        rego,
        outcome,
        why,
    };
    let any = json!([]);
    let branch = |name: &str| json!([{"path": "buildDefinition.externalParameters.workflow.ref", "equals": name}]);
    let no_critical = json!([{"any": [
        {"path": "scanner.result.Results[*].Vulnerabilities[*].Severity", "noneOf": ["CRITICAL"]},
        {"path": "scanner.result.matches[*].vulnerability.severity", "noneOf": ["Critical"]},
    ]}]);
    let recent = json!([{"path": "metadata.scanFinishedOn", "newerThan": "7d"}]);
    let passed = json!([
        {"path": "verificationResult", "equals": "PASSED"},
        {"path": "verifiedLevels[*]", "in": ["SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_3"]},
        {"path": "timeVerified", "newerThan": "30d"},
    ]);
    let in_stage = |name: &str| json!([{"path": "approved", "equals": true}, {"path": "environment", "equals": name}]);
    const MAIN: &str = r#"input.predicate.buildDefinition.externalParameters.workflow.ref == "refs/heads/main""#;
    const DEV: &str = r#"input.predicate.buildDefinition.externalParameters.workflow.ref == "refs/heads/dev""#;
    const NO_CRITICAL: &str = r#"count([v | v := input.predicate.scanner.result.Results[_].Vulnerabilities[_]; v.Severity == "CRITICAL"]) == 0"#;
    const PRODUCTION: &str = r#"input.predicate.approved == true; input.predicate.environment == "production""#;
    const STAGING: &str = r#"input.predicate.approved == true; input.predicate.environment == "staging""#;
    const PASSED: &str =
        r#"input.predicate.verificationResult == "PASSED"; input.predicate.verifiedLevels[_] == "SLSA_BUILD_LEVEL_3""#;
    // the document, who has to sign it, the type, the conditions, the same in Rego, what comes out, the reason
    vec![
        row("provenance", "alice", "slsaprovenance1", any.clone(), "", PROVEN, "provenance by alice"),
        row("provenance", "bob", "slsaprovenance1", any.clone(), "", SIGNER, "the key of somebody else"),
        row("provenance", "alice", "slsaprovenance02", any.clone(), "", MISSING, "provenance of another version"),
        row("provenance", "alice", "vuln", any.clone(), "", MISSING, "another type"),
        row("provenance", "alice", "slsaprovenance1", branch("refs/heads/main"), MAIN, PROVEN, "built from the branch"),
        row("provenance", "alice", "slsaprovenance1", branch("refs/heads/dev"), DEV, CONDITION, "built from another branch"),
        row("trivy", "alice", "vuln", no_critical.clone(), NO_CRITICAL, PROVEN, "Trivy found nothing critical"),
        row("trivy", "alice", "vuln", recent.clone(), "", PROVEN, "a scan of yesterday"),
        row("trivy", "bob", "vuln", no_critical.clone(), "", SIGNER, "a good scan by another key"),
        row("trivy-critical", "alice", "vuln", no_critical.clone(), NO_CRITICAL, CONDITION, "Trivy found something critical"),
        row("grype", "alice", "vuln", no_critical.clone(), "", PROVEN, "Grype found nothing critical"),
        row("grype-old", "alice", "vuln", no_critical, "", PROVEN, "an old scan, whose age nobody asks for"),
        row("grype-old", "alice", "vuln", recent.clone(), "", CONDITION, "a scan of last week"),
        row("public-scan", "alice", "vuln", any.clone(), "", PROVEN, "a scan of another project"),
        row("public-scan", "alice", "vuln", recent, "", CONDITION, "which is of 2022"),
        row("cyclonedx", "alice", "cyclonedx", json!([{"path": "bomFormat", "equals": "CycloneDX"}]), r#"input.predicate.bomFormat == "CycloneDX""#, PROVEN, "a CycloneDX SBOM"),
        row("cyclonedx", "alice", "spdxjson", any.clone(), "", MISSING, "no SPDX SBOM"),
        row("public-cyclonedx", "alice", "cyclonedx", json!([{"path": "components[*]", "countAtMost": 0}]), "count(input.predicate.components) == 0", PROVEN, "an SBOM of another project"),
        row("spdx", "alice", "spdxjson", json!([{"path": "packages[*].name", "equals": "libc"}]), r#"input.predicate.packages[_].name == "libc""#, PROVEN, "an SPDX SBOM that names a package"),
        row("spdx", "alice", "spdxjson", json!([{"path": "packages[*].name", "equals": "musl"}]), r#"input.predicate.packages[_].name == "musl""#, CONDITION, "and no other one"),
        row(TEXT, "alice", "spdx", any.clone(), "", PROVEN, "an SPDX SBOM that cosign stored as a text"),
        row(TEXT, "alice", "spdx", json!([{"path": "spdxVersion", "exists": true}]), "input.predicate.spdxVersion", CONDITION, "into which no condition can look"),
        row("public-spdx", "alice", "spdxjson", json!([{"path": "spdxVersion", "prefix": "SPDX-2."}]), r#"startswith(input.predicate.spdxVersion, "SPDX-2.")"#, PROVEN, "an SPDX SBOM of another project"),
        row("approval", "alice", APPROVAL, in_stage("production"), PRODUCTION, PROVEN, "an approval, with a type of one's own"),
        row("approval", "alice", APPROVAL, in_stage("staging"), STAGING, CONDITION, "an approval for something else"),
        row("approval", "carol", APPROVAL, in_stage("production"), "", SIGNER, "an approval by nobody who may approve"),
        row("approval", "alice", "custom", any.clone(), "", MISSING, "a type of one's own is not cosign's"),
        row("custom", "alice", "custom", any, "", PROVEN, "a predicate that cosign stores as a text"),
        row("custom", "alice", "custom", in_stage("production"), "", CONDITION, "into which no condition can look"),
        row("summary", "alice", SUMMARY, passed.clone(), PASSED, PROVEN, "a verification summary"),
        row("summary", "bob", SUMMARY, passed, "", SIGNER, "a verification summary by another key"),
    ]
}

#[test]
fn what_cosign_attests_decides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let documents = documents(bench.time);
    let mut wrong = Vec::new();
    for generation in BOTH {
        let image_of = |name: &str| format!("{generation:?}/{name}").to_lowercase();
        for (name, kind, predicate) in &documents {
            let image = bench.push(&image_of(name), ImageKind::Oci);
            bench.attest(generation, By::Key("alice"), &image, kind, predicate);
            bench.collect(&image).unwrap();
            for row in rows().iter().filter(|row| row.document == *name) {
                let found = row.wrong(&bench, generation, &image);
                wrong.extend(found.map(|what| format!("{generation:?}, {name}: {what}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// The rule that an image needs an approval by alice.
fn approved() -> Value {
    json!({"signature": false, "attestations": [{"predicateType": APPROVAL, "trustRoot": "alice"}]})
}

const BY_ALICE: Asked<'_> = Asked { signer: &["--key", "alice.pub", "--insecure-ignore-tlog"], kind: APPROVAL };

/// An attestation of one image proves nothing about another one, wherever it lies.
#[test]
fn an_attestation_of_another_image_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let settings = bench.settings(&bench.keys(), &approved());
    for generation in BOTH {
        let [of, at] =
            ["of", "at"].map(|name| bench.push(&format!("{generation:?}/{name}").to_lowercase(), ImageKind::Oci));
        bench.attest(generation, By::Key("alice"), &of, APPROVAL, &approval("production"));
        bench.misplace(&of, &at);
        // The image, the module's answer, whether cosign accepts the attestation
        for (image, expected, is_there) in [(&of, PROVEN.to_owned(), true), (&at, denied(MISSING), false)] {
            assert_eq!(bench.collect(image).unwrap().items.len(), 1, "{generation:?}: the attestation is collected");
            assert_eq!(bench.module(image, &settings), expected, "{generation:?}");
            let judge = bench.judge(generation, image, &BY_ALICE);
            assert_eq!(judge.is_ok(), is_there, "{generation:?}: {judge:?}");
        }
    }
}

/// Whoever removes a document can only turn an admission into a denial.
#[test]
fn an_attestation_that_was_removed_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let mut both = approved();
    both["attestations"].as_array_mut().unwrap().push(json!({"predicateType": "spdx", "trustRoot": "bob"}));
    let settings = bench.settings(&bench.keys(), &both);
    for generation in BOTH {
        let image = bench.push(&format!("{generation:?}/removed").to_lowercase(), ImageKind::Oci);
        bench.attest(generation, By::Key("alice"), &image, APPROVAL, &approval("production"));
        bench.attest(generation, By::Key("bob"), &image, "spdxjson", &spdx());
        assert_eq!(bench.module(&image, &settings), denied(NOT_COLLECTED), "{generation:?}, before it is collected");
        let EvidenceManifest { items, .. } = bench.collect(&image).unwrap();
        assert_eq!(items.len(), 2, "{generation:?}");
        assert_eq!(bench.module(&image, &settings), PROVEN, "{generation:?}");
        for removed in &items {
            bench.collect_only(&image, |item| *item != removed.item);
            assert_eq!(bench.module(&image, &settings), denied(MISSING), "{generation:?}, without {:?}", removed.item);
        }
        bench.collect_only(&image, |_| false);
        assert_eq!(bench.module(&image, &settings), denied(MISSING), "{generation:?}, without any");
        bench.collect(&image).unwrap();
        assert_eq!(bench.module(&image, &settings), PROVEN, "{generation:?}, after it is collected again");
    }
}

/// Every platform of an index needs a document of its own, if the rule says so.
#[test]
fn platforms_need_their_own_attestations() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let rule = |subjects: &str| {
        let attestation = json!({"predicateType": "spdx", "trustRoot": "bob", "subjects": subjects});
        bench.settings(&bench.keys(), &json!({"trustRoot": "alice", "attestations": [attestation]}))
    };
    let (of_image, of_platforms) = (rule("image"), rule("platforms"));
    for generation in BOTH {
        let index = bench.push(&format!("{generation:?}/index").to_lowercase(), ImageKind::Index);
        let platforms = bench.platforms(&index);
        assert_eq!(platforms.len(), 2);
        bench.sign("alice", &index);
        let says = |image: &String| {
            let asked = Asked { signer: &["--key", "bob.pub", "--insecure-ignore-tlog"], kind: "spdxjson" };
            bench.judge(generation, image, &asked).is_ok()
        };
        // what is attested next; the answers for the image and for the platforms; the same of cosign about index and platforms
        let missing = format!("not-attested: {NOT_COLLECTED}; signers alice");
        let steps: [(&String, String, String, [bool; 3], &str); 3] = [
            (&index, PROVEN.into(), missing.clone(), [true, false, false], "the index alone"),
            (&platforms[0], PROVEN.into(), missing, [true, true, false], "and one platform"),
            (&platforms[1], PROVEN.into(), PROVEN.into(), [true; 3], "and the other one"),
        ];
        for (attested, image, all, cosign, why) in steps {
            bench.attest(generation, By::Key("bob"), attested, "spdxjson", &spdx());
            bench.collect(&index).unwrap();
            let answers = [bench.module(&index, &of_image), bench.module(&index, &of_platforms)];
            assert_eq!(answers, [image, all], "{generation:?}: {why}");
            assert_eq!([&index, &platforms[0], &platforms[1]].map(says), cosign, "{generation:?}: {why}");
        }
    }
}

/// An SBOM that no annotation can hold: it is read from its pointer manifest if it is a bundle, and cannot be read if it is cosign 2's.
#[test]
fn a_large_sbom_is_read_from_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let packages: Vec<Value> =
        (0..6_000).map(|n| json!({"SPDXID": format!("SPDXRef-{n}"), "name": format!("package {n} of many")})).collect();
    let mut sbom = spdx();
    sbom["packages"] = packages.into();
    let settings = |name: &str| {
        let condition = json!([{"path": "packages[*].name", "equals": name}]);
        let attestation = json!({"predicateType": "spdx", "trustRoot": "alice", "where": condition});
        bench.settings(&bench.keys(), &json!({"signature": false, "attestations": [attestation]}))
    };
    let could_not_tell = "evidence-unavailable: too-large-attestation; needed 0";
    let rows = [
        (Generation::Two, could_not_tell.to_owned(), could_not_tell.to_owned()),
        (Generation::Three, PROVEN.to_owned(), denied(CONDITION)),
    ];
    for (generation, with, without) in rows {
        let image = bench.push(&format!("{generation:?}/large").to_lowercase(), ImageKind::Oci);
        bench.attest(generation, By::Key("alice"), &image, "spdxjson", &sbom);
        let evidence = bench.collect(&image).unwrap();
        let [kept] = &evidence.items[..] else { panic!("expected one item, found {:?}", evidence.items.len()) };
        assert!(
            kept.item.bytes.len() > MAX_ITEM && kept.pointer == Some(1),
            "{generation:?}: it has a manifest of its own"
        );
        assert_eq!(kept.item.media_type == ENVELOPE, generation == Generation::Two);
        assert_eq!(bench.module(&image, &settings("package 5999 of many")), with, "{generation:?}");
        assert_eq!(bench.module(&image, &settings("package 6000 of many")), without, "{generation:?}");
        let judge = bench.judge(generation, &image, &Asked { kind: "spdxjson", ..BY_ALICE });
        assert!(judge.is_ok(), "{generation:?}: {judge:?}");
    }
}
