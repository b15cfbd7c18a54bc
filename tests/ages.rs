//! How old may an attestation be? The clock is the test's.

use image_trust::time::UnixTime;
use image_trust_testbed::{
    host::{FakeHost, answer_to_image, nothing},
    laws::asked::{NAME, digest},
    mint::{
        Bundle, ISSUED, Instance,
        bundle::{Content, Log, Signer, statement},
        evidence::{self, Item},
    },
};
use serde_json::{Value, json};

const DAY: u64 = 86_400;

/// The evidence of an image that was scanned and attested at the time `ISSUED`, by a certificate that begins then.
fn scanned(ours: &Instance) -> Vec<u8> {
    let mut scan = statement(&digest().to_string(), "https://cosign.sigstore.dev/attestation/vuln/v1");
    let finished = UnixTime::from_secs(ISSUED).to_string();
    scan["predicate"] = json!({"metadata": {"scanFinishedOn": finished}, "scanner": {"uri": "trivy"}});
    let bundle = Bundle {
        content: Content::Statement(scan.to_string().into_bytes()),
        log: Log::Rekor2,
        // Whoever pushes evidence can let an authority say that an old signature is there today.
        timestamps: vec![ISSUED + 60, ISSUED + 599],
        ..Bundle::signing(Signer::Certified(Box::default()), &digest().to_string())
    };
    evidence::manifest(&[Item::bundle(&bundle.json(ours))]).to_string().into_bytes()
}

fn answer(terms: &Value, manifest: &[u8], ours: &Instance, now: u64) -> (u64, String) {
    let alice = json!({"issuer": "https://issuer.example.com", "subject": "alice@example.com"});
    let mut attestation = json!({"predicateType": "vuln"});
    attestation.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let settings = json!({
        "validators": [{
            "name": "default", "type": "cosign", "trustedRoot": ours.whole_trusted_root(),
            "trustRoots": [{"name": "default", "keyless": alice}],
        }],
        "policy": [{"pattern": "*", "with": {"signature": false, "attestations": [attestation]}}],
    });
    let host = FakeHost::new().every_digest(digest()).at(now).manifests(|image| match image.ends_with(".evidence") {
        true => Ok(manifest.to_vec()),
        false => nothing(),
    });
    let answer = answer_to_image(&format!("{NAME}:1"), &settings.to_string(), &host);
    (answer["code"].as_u64().unwrap_or(200), answer["message"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_attestation_is_as_old_as_its_certificate() {
    let ours = Instance::new("ours");
    let manifest = scanned(&ours);
    let max_age = |age: &str| json!({"maxAge": age});
    let finished = |age: &str| json!({"where": [{"path": "metadata.scanFinishedOn", "newerThan": age}]});
    let (old, unmet) = ("the signer's certificate is not of the last", "expected a time of the last");
    // what the rule requires, the time now, what is told if the image is denied, the reason
    let rows: [(Value, u64, Option<&str>, &str); 13] = [
        (max_age("7d"), ISSUED, None, "just made"),
        (max_age("7d"), ISSUED + 7 * DAY, None, "as old as may be"),
        (max_age("7d"), ISSUED + 7 * DAY + 1, Some(old), "a second older, whatever a timestamp says"),
        (max_age("2m"), ISSUED + 300, Some(old), "the later timestamps do not count"),
        (max_age("7d"), ISSUED - 300, None, "clocks may differ by five minutes"),
        (max_age("7d"), ISSUED - 301, Some(old), "more than that"),
        (max_age("36500d"), ISSUED + 9_000 * DAY, None, "long ago"),
        (finished("7d"), ISSUED + 7 * DAY, None, "as old as may be"),
        (finished("7d"), ISSUED + 7 * DAY + 1, Some(unmet), "a second older"),
        (finished("7d"), ISSUED - 300, None, "clocks may differ by five minutes"),
        (finished("7d"), ISSUED - 301, Some(unmet), "more than that"),
        (finished("36h"), ISSUED + 36 * 3_600, None, "hours"),
        (finished("90m"), ISSUED + 90 * 60 + 1, Some(unmet), "minutes"),
    ];
    for (terms, now, told, why) in rows {
        let (code, message) = answer(&terms, &manifest, &ours, now);
        let expected = if told.is_some() { 403 } else { 200 };
        assert_eq!(code, expected, "{terms}: {why}: {message}");
        assert!(told.is_none_or(|told| message.contains(told)), "{terms}: {why}: {message}");
    }
}
