//! Keyless signatures, right and wrong in one way each, as real cosign judges them.
//!
//! Everything is minted (`crates/testbed/src/mint`, `tests/conformance`). The module and both generations of cosign are asked about the same image in the same registry, with the same
//! demands.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use image_trust_host::Live;
use image_trust_testbed::loopback::ImageKind;
use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::policy::{evaluate, host, pod, takes};
use crate::told::flaw;
use crate::tools::Cosign;
use image_trust_testbed::conformance::{self, Demand, Image, Row, Says};
use image_trust_testbed::mint::{manifest, signature::CONFIG};

/// Asks cosign of this generation about an image, with what a row demands.
fn ask(cosign: &Cosign<'_>, generation: u8, row: &Row, files: &Path, image: &str) -> Result<String, String> {
    let file = |name: &str, text: String| {
        let path = files.join(name).display().to_string();
        fs::write(&path, text).unwrap();
        path
    };
    let key = match &row.demand {
        Demand::Key(key) => file("key.pub", key.public_pem()),
        _ => String::new(),
    };
    let demands = [&row.demand.arguments(&key)[..], &[image]].concat();
    // Nobody answers at this port: whatever would leave the machine fails at once.
    let nowhere = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
    if generation == 3 {
        let settings = row.settings();
        let root = file("trusted_root.json", settings["validators"][0]["trustedRoot"].to_string());
        return cosign.run_with(&nowhere, &[&["verify", "--trusted-root", &root][..], &demands].concat());
    }
    let chain = file("chain.pem", row.trusted.chain_pem());
    let rekor = file("rekor.pub", row.trusted.rekor.public_pem());
    let ct = file("ct.pub", row.trusted.ct.public_pem());
    let trust = [
        ("SIGSTORE_ROOT_FILE", chain.as_str()),
        ("SIGSTORE_REKOR_PUBLIC_KEY", &rekor),
        ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", &ct),
    ];
    cosign.run_with(&[&nowhere[..], &trust].concat(), &[&["verify", "--offline"][..], &demands].concat())
}

/// What the module says: `proven`, `settings`, or the step that was not passed.
fn judge(row: &Row, image: &str, host: &Arc<Live>) -> String {
    let mut settings = row.settings();
    settings["features"] = json!({"timeBudgetMs": 30_000});
    if !takes(&settings) {
        return "settings".to_owned();
    }
    let came = evaluate(&pod(image), &settings, host);
    if let Some(flaw) = flaw(&came) {
        return flaw;
    }
    if came.calls.iter().any(|call| call.capability.contains("verify")) {
        return "the host was asked to decide".to_owned();
    }
    let records = came.response.audit_annotations.iter().flat_map(|records| records.values());
    let record: Value = records.map(|record| serde_json::from_str(record).unwrap()).next().unwrap();
    let word = |key: &str| record[key].as_str().map(str::to_owned);
    match came.response.allowed {
        true => word("verdict").unwrap(),
        false => word("cause").or(word("reason")).unwrap(),
    }
}

#[test]
fn cosign_and_the_policy_judge_what_is_minted() {
    let folder = tempfile::tempdir().unwrap();
    let (cosign2, cosign3) = (Cosign::find("cosign2", folder.path()), Cosign::find("cosign3", folder.path()));
    let (Some(registry), Some(cosign2), Some(cosign3)) = (DockerRegistry::start(), cosign2, cosign3) else {
        return;
    };
    let host = host(&[registry.host()]);
    let mut wrong = Vec::new();
    for (number, row) in conformance::all().iter().enumerate() {
        let repository = format!("keyless/{number}");
        let digest = registry.push(&repository, "1", ImageKind::Oci, &repository);
        let image = Image { name: format!("{}/{repository}", registry.host()), digest };
        let layers = (row.mint)(&row.trusted, &image);
        let blobs: Vec<&[u8]> = layers.iter().map(|layer| layer.payload.as_slice()).chain([CONFIG]).collect();
        registry.attach(&repository, &image.digest, &manifest(&layers), &blobs);
        let reference = format!("{}@{}", image.name, image.digest);
        let said = judge(row, &format!("{}:1", image.name), &host);
        if said != row.here {
            wrong.push(format!("{}: the policy says {said}, not {}", row.reason, row.here));
        }
        for (cosign, generation, says) in [(&cosign2, 2, row.cosign2), (&cosign3, 3, row.cosign3)] {
            if let Says::Unasked(why) = says {
                assert!(!why.is_empty());
                continue;
            }
            let answer = ask(cosign, generation, row, folder.path(), &reference);
            let as_expected = match (says, &answer) {
                (Says::Yes, Ok(_)) => true,
                (Says::No(words), Err(text)) => text.contains(words),
                _ => false,
            };
            if !as_expected {
                wrong.push(format!("{}: cosign {generation} says {answer:?}", row.reason));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong\n{}", wrong.len(), conformance::all().len(), wrong.join("\n"));
}
