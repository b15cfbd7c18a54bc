//! `collect --check`: what would the policy say?

use std::collections::BTreeMap;

use image_trust_testbed::loopback::Signer;
use serde_json::json;

use super::bed::{Bed, REPOSITORY};

#[test]
fn the_module_is_asked_before_anything_is_pushed() {
    let module = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm").display().to_string();
    // who signed, who has to have signed; is it pushed, the exit code
    let rows = [("alice", "alice", "pushed", 0), ("bob", "alice", "denied", 1)];
    for (signer, wanted, outcome, code) in rows {
        let bed = Bed::new();
        // Signed elsewhere: beside the image the policy finds nothing but what is about to be pushed.
        Signer::named(signer).sign(&bed.registry, "trust/signatures", &bed.image, &BTreeMap::new()).expect("signed");
        let host = bed.registry.host();
        let root = json!({"name": wanted, "key": Signer::named(wanted).public_pem()});
        let settings = json!({
            "validators": [{"name": "default", "type": "cosign", "trustRoots": [root]}],
            "policy": [{"pattern": "*:*", "with": {"trustRoot": wanted, "identities": [format!("{host}/trust/signatures")]}}],
            // Which admits everything, and is no reason to push.
            "features": {"detectionMode": true},
        });
        bed.write("settings.yaml", &settings.to_string());
        let from = format!("{host}/trust/signatures");
        let flags = ["--from", &from, "--check", "settings.yaml", "--policy", &module];
        let dry = bed.collect(&[&flags[..], &["--dry-run"]].concat());
        let expected = if code == 0 { "would-push" } else { "denied" };
        assert_eq!((dry.code, dry.outcome().as_str()), (Some(code), expected), "{signer}: {}", dry.stderr);
        let ran = bed.collect(&flags);
        assert_eq!((ran.code, ran.outcome().as_str()), (Some(code), outcome), "{signer}: {}", ran.stderr);
        assert_eq!(ran.told["images"][0]["check"]["allowed"], code == 0);
        assert_eq!(ran.stderr.contains("the policy would deny"), code == 1, "{signer}: {}", ran.stderr);
        assert_eq!(bed.evidence(&bed.image).is_some(), code == 0, "{REPOSITORY}");
    }
}
