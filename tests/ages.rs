//! How old may an attestation or trust data be? The clock is the test's.

use image_trust::time::UnixTime;
use image_trust_testbed::{
    host::{FakeHost, answer_to_image, nothing},
    laws::asked::{NAME, digest},
    mint::{
        Bundle, ISSUED, Instance, Key,
        bundle::{Content, Log, Signer, statement},
        evidence::{self, Item},
        notary_v1::Repository,
    },
};
use serde_json::{Map, Value, json};

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

/// Trust data of Notary v1 lasts as long as its timestamp. It is told three days before.
#[test]
fn trust_data_is_told_before_it_ends() {
    let files = Repository::new(NAME, "alice", &[("1", &digest().to_string())]).files();
    let item = |(role, bytes): (&String, &Vec<u8>)| {
        let annotations = Map::from_iter([("dev.image-trust.notaryv1.role".to_owned(), role.as_str().into())]);
        Item { media_type: "application/vnd.image-trust.notaryv1.v1+json", bytes: bytes.clone(), annotations }
    };
    let manifest = evidence::manifest(&files.iter().map(item).collect::<Vec<_>>()).to_string();
    let root = json!({"name": "default", "key": Key::p256("alice").public_pem()});
    let settings = json!({
        "validators": [{"name": "default", "type": "notaryv1", "trustRoots": [root]}],
        "policy": [{"pattern": "*"}],
    });
    // the time now, whether it is admitted, whether it is told that it ends, the reason
    let rows = [
        (ISSUED, true, false, "just signed"),
        (ISSUED + 11 * DAY, true, false, "three days before the end"),
        (ISSUED + 11 * DAY + 1, true, true, "a second later"),
        (ISSUED + 14 * DAY, true, true, "the last moment"),
        (ISSUED + 14 * DAY + 1, false, false, "a second after it"),
    ];
    for (now, is_admitted, is_told, why) in rows {
        let manifest = manifest.clone().into_bytes();
        let host = FakeHost::new().at(now).manifests(move |_| Ok(manifest.clone()));
        let answer = answer_to_image(&format!("{NAME}:1"), &settings.to_string(), &host);
        assert_eq!(answer["accepted"], is_admitted, "{why}: {answer}");
        let warnings = answer["warnings"].as_array().cloned().unwrap_or_default();
        let told = warnings.iter().filter_map(Value::as_str).any(|warning| {
            warning == format!("evidence-expiring: {NAME}:1: the evidence that admits it expires at 2026-01-15T00:00:00Z; collect it again (image-trust collect)")
        });
        assert_eq!(told, is_told, "{why}: {warnings:?}");
        let record: Value = serde_json::from_str(answer["audit_annotations"]["image-0"].as_str().unwrap()).unwrap();
        let expires = is_admitted.then_some("2026-01-15T00:00:00Z");
        assert_eq!(record["expires"].as_str(), expires, "{why}: {record}");
    }
}
