//! What does the policy say of one image, if these signatures lie beside it?

use image_trust::Digest;
use serde_json::{Value, json};

use super::mint::{self, Layer};
use crate::host::{answer_to_image, with_signatures};

/// The repository of the fuzzed image.
pub const NAME: &str = "localhost:5000/keyless/fuzzed";

/// The digest of the fuzzed image.
pub fn digest() -> Digest {
    Digest::of(b"an image")
}

/// The payload that is signed for the fuzzed image.
pub fn payload() -> Vec<u8> {
    mint::payload(NAME, &digest().to_string())
}

/// Settings that ask for one signature, of this holder, and believe this instance.
pub fn settings(trusted_root: &Value, keyless: &Value) -> String {
    json!({
        "validators": [{
            "name": "default",
            "type": "cosign",
            "trustedRoot": trusted_root,
            "trustRoots": [{"name": "default", "keyless": keyless}],
        }],
        "policy": [{"pattern": "*"}],
    })
    .to_string()
}

/// The policy's answer to a pod with the image.
fn answer(settings: &str, layers: &[Layer]) -> Value {
    answer_to_image(&format!("{NAME}:1"), settings, &with_signatures(digest(), mint::manifest(layers)))
}

/// Is the image admitted? Signatures are the only reason not to, and its own digest the only one that it can be pinned to.
pub fn is_admitted(settings: &str, layers: &[Layer]) -> bool {
    let answer = answer(settings, layers);
    let is_admitted = answer["accepted"].as_bool().unwrap();
    match is_admitted {
        true => {
            let image = answer["mutated_object"]["spec"]["containers"][0]["image"].as_str();
            assert_eq!(image, Some(&*format!("{NAME}:1@{}", digest())), "pinned to another digest");
        }
        false => assert_eq!(answer["code"].as_u64(), Some(403), "denied for something else: {answer}"),
    }
    is_admitted
}

/// Checks that settings and layers lead to an answer, whatever it is.
pub fn is_answered(settings: &str, layers: &[Layer]) {
    answer(settings, layers);
}
