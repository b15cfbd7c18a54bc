//! Which laws hold for what lies in an evidence manifest?
//!
//! One function for each place where its bytes are decoded. All else is right: a bundle as cosign 3 writes it, with an entry of Rekor 2 and a timestamp.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{
    Choices,
    asked::{NAME, digest, settings},
    lossy,
    mint::{
        Bundle, ISSUED, Instance, Key,
        bundle::{COSIGN_SIGN, Content, Log, Signer, statement},
        der,
        evidence::{self, Item},
    },
};
use crate::host::{FakeHost, answer_to_image, nothing};

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";
const STAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

/// What has to be as it was if a changed bundle is still believed.
const READ: [&str; 8] = [
    "/verificationMaterial/certificate/rawBytes",
    "/verificationMaterial/tlogEntries/0/canonicalizedBody",
    "/verificationMaterial/tlogEntries/0/logId/keyId",
    "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope",
    "/verificationMaterial/tlogEntries/0/inclusionProof/hashes",
    "/dsseEnvelope/payload",
    "/dsseEnvelope/payloadType",
    "/dsseEnvelope/signatures/0/sig",
];

/// A bundle with which the image is admitted.
pub struct Right {
    ours: Instance,
    bundle: Value,
    keyless: String,
    by_key: String,
}

pub static RIGHT: LazyLock<Right> = LazyLock::new(|| {
    let ours = Instance::new("ours");
    let signer = Signer::Certified(Box::default());
    let bundle =
        Bundle { log: Log::Rekor2, timestamps: vec![ISSUED + 60], ..Bundle::signing(signer, &digest().to_string()) };
    let alice = json!({"issuer": "https://issuer.example.com", "subject": "alice@example.com"});
    let root = json!({"name": "default", "key": Key::p256("alice").public_pem()});
    Right {
        bundle: bundle.json(&ours),
        keyless: settings(&ours.whole_trusted_root(), &alice),
        by_key: json!({
            "validators": [{"name": "default", "type": "cosign", "trustRoots": [root]}],
            "policy": [{"pattern": "*"}],
        })
        .to_string(),
        ours,
    }
});

impl Right {
    /// The bundle's JSON.
    pub fn bundle(&self) -> Vec<u8> {
        self.bundle.to_string().into_bytes()
    }

    /// The evidence manifest with the bundle.
    pub fn manifest(&self) -> Vec<u8> {
        evidence::manifest(&[Item::bundle(&self.bundle)]).to_string().into_bytes()
    }

    /// The statement that alice signs.
    pub fn statement(&self) -> Vec<u8> {
        statement(&digest().to_string(), COSIGN_SIGN).to_string().into_bytes()
    }

    /// The inclusion proof, with its checkpoint.
    pub fn proof(&self) -> Vec<u8> {
        self.at(&format!("{ENTRY}/inclusionProof")).to_string().into_bytes()
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> Vec<u8> {
        self.at(&format!("{ENTRY}/inclusionProof/checkpoint/envelope")).as_str().unwrap().as_bytes().to_vec()
    }

    /// The timestamp, in DER.
    pub fn timestamp(&self) -> Vec<u8> {
        der::unbase64(self.at(STAMP).as_str().unwrap())
    }

    fn at(&self, pointer: &str) -> &Value {
        self.bundle.pointer(pointer).unwrap()
    }

    /// The bundle with another value at this place.
    fn with(&self, pointer: &str, value: Value) -> Vec<u8> {
        let mut bundle = self.bundle.clone();
        *bundle.pointer_mut(pointer).unwrap() = value;
        bundle.to_string().into_bytes()
    }
}

/// Is the image admitted with this evidence manifest?
fn is_admitted(settings: &str, manifest: Vec<u8>) -> bool {
    let is_evidence = |image: &str| image.ends_with(".evidence");
    let host = FakeHost::new().every_digest(digest()).manifests(move |image| match is_evidence(image) {
        true => Ok(manifest.clone()),
        false => nothing(),
    });
    let answer = answer_to_image(&format!("{NAME}:1"), settings, &host);
    let is_admitted = answer["accepted"].as_bool().unwrap();
    match is_admitted {
        true => {
            let image = answer["mutated_object"]["spec"]["containers"][0]["image"].as_str();
            assert_eq!(image, Some(&*format!("{NAME}:1@{}", digest())), "pinned to another digest");
        }
        false => assert!(matches!(answer["code"].as_u64(), Some(403 | 503)), "denied for something else: {answer}"),
    }
    is_admitted
}

fn admits(bundle: Vec<u8>) -> bool {
    let item = Item { bytes: bundle, ..Item::bundle(&Value::Null) };
    is_admitted(&RIGHT.keyless, evidence::manifest(&[item]).to_string().into_bytes())
}

/// The law of an evidence manifest.
pub fn manifest(data: &[u8]) -> bool {
    let content = der::base64(&RIGHT.bundle());
    let holds = |manifest: &[u8]| {
        let json: Value = serde_json::from_slice(manifest).unwrap_or_default();
        let is_ours = |layer: &Value| layer["annotations"]["dev.image-trust.content"] == content.as_str();
        json["artifactType"] == "application/vnd.image-trust.evidence.v1"
            && json["layers"].as_array().is_some_and(|layers| layers.iter().any(is_ours))
    };
    let manifest = Choices(data).spoilt(&RIGHT.manifest());
    let holds = holds(&manifest);
    let is_admitted = is_admitted(&RIGHT.keyless, manifest);
    assert!(holds || !is_admitted, "the evidence is not there");
    is_admitted
}

/// The law of a bundle.
pub fn bundle(data: &[u8]) -> bool {
    let bundle = Choices(data).spoilt(&RIGHT.bundle());
    let json: Value = serde_json::from_slice(&bundle).unwrap_or_default();
    let is_same = READ.iter().all(|place| json.pointer(place) == RIGHT.bundle.pointer(place));
    let is_admitted = admits(bundle);
    assert!(is_same || !is_admitted, "something that is signed was changed");
    is_admitted
}

/// The law of a statement, which is signed whatever it is.
pub fn signed_statement(data: &[u8]) -> bool {
    let payload = Choices(data).spoilt(&RIGHT.statement());
    let json: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let hex = digest().to_string().replace("sha256:", "");
    let is_about = json["subject"]
        .as_array()
        .is_some_and(|subjects| subjects.iter().any(|subject| subject["digest"]["sha256"] == hex.as_str()));
    let is_signature = json["predicateType"] == COSIGN_SIGN;
    let signer = Signer::Key(Key::p256("alice"));
    let bundle = Bundle { content: Content::Statement(payload), ..Bundle::signing(signer, "") };
    let manifest = evidence::manifest(&[Item::bundle(&bundle.json(&RIGHT.ours))]);
    let is_admitted = is_admitted(&RIGHT.by_key, manifest.to_string().into_bytes());
    assert!(is_about && is_signature || !is_admitted, "nobody signed the image");
    is_admitted
}

/// The law of an inclusion proof.
pub fn inclusion_proof(data: &[u8]) -> bool {
    let at = format!("{ENTRY}/inclusionProof");
    let same = RIGHT.at(&at);
    let text = Choices(data).spoilt(&RIGHT.proof());
    let json: Value = serde_json::from_slice(&text).unwrap_or_default();
    let is_same = ["logIndex", "hashes", "checkpoint"].iter().all(|member| json[member] == same[member])
        || json["hashes"] == same["hashes"] && json["checkpoint"]["envelope"] == same["checkpoint"]["envelope"];
    let is_admitted = admits(RIGHT.with(&at, json));
    assert!(is_same || !is_admitted, "another leaf, or another tree");
    is_admitted
}

/// The law of a checkpoint.
pub fn checkpoint(data: &[u8]) -> bool {
    let right = RIGHT.checkpoint();
    let signed = lossy(&right).split("\n\n").next().unwrap().to_owned();
    let text = lossy(&Choices(data).spoilt(&right));
    let is_same = text.starts_with(&format!("{signed}\n\n"));
    let is_admitted = admits(RIGHT.with(&format!("{ENTRY}/inclusionProof/checkpoint/envelope"), text.into()));
    assert!(is_same || !is_admitted, "the log did not sign this");
    is_admitted
}

/// The law of a timestamp: what is signed, and the signature at its end, are as they were.
pub fn timestamp(data: &[u8]) -> bool {
    let right = RIGHT.timestamp();
    let signature = &right[right.len() - 64..];
    let response = Choices(data).spoilt(&right);
    let is_same = response.windows(signature.len()).any(|window| window == signature);
    let is_admitted = admits(RIGHT.with(STAMP, der::base64(&response).into()));
    assert!(is_same || !is_admitted, "the authority did not sign this");
    is_admitted
}

/// Without this the laws would be about a certificate that nobody reads.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_that_of_a_certificate() {
        assert!(RIGHT.at("/verificationMaterial/certificate/rawBytes").is_string());
        assert!(admits(RIGHT.bundle()));
    }
}
