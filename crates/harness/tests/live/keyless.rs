//! Keyless signatures, right and wrong in one way each, as real cosign judges them.
//!
//! Everything is minted (`tests/mint`): the authority, both logs, and what they are made to say. Both generations of cosign are asked with the same demands.

mod rows;

use std::fs;
use std::path::Path;

use image_trust_harness::loopback::ImageKind;
use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::mint::{Instance, Key, Layer, manifest, payload, signature::CONFIG};
use crate::tools::Cosign;

/// What a verifier says.
#[derive(Clone, Copy)]
enum Says {
    Yes,
    /// With these words.
    No(&'static str),
    /// It isn't asked, and why.
    Unasked(&'static str),
}

/// The image that a row is about.
struct Image {
    /// Its repository, as cosign writes it.
    name: String,
    digest: String,
}

impl Image {
    fn payload(&self) -> Vec<u8> {
        payload(&self.name, &self.digest)
    }

    /// What would be signed of another image in the same place.
    fn of_another(&self) -> Vec<u8> {
        payload(&self.name, &format!("sha256:{}", "0".repeat(64)))
    }
}

type Mint = Box<dyn Fn(&Instance, &Image) -> Vec<Layer>>;

/// What verifiers are asked to hold a signature to.
enum Demand {
    Keyless {
        issuer: &'static str,
        subject: &'static str,
    },
    /// The same with a pattern for the subject.
    Matching {
        issuer: &'static str,
        subject: &'static str,
    },
    /// By this key, and in the log.
    Key(Key),
}

impl Demand {
    /// As cosign takes it; the key is in this file.
    fn arguments<'d>(&'d self, file: &'d str) -> Vec<&'d str> {
        match self {
            Self::Keyless { issuer, subject } => {
                vec!["--certificate-oidc-issuer", issuer, "--certificate-identity", subject]
            }
            Self::Matching { issuer, subject } => {
                vec!["--certificate-oidc-issuer", issuer, "--certificate-identity-regexp", subject]
            }
            Self::Key(_) => vec!["--key", file],
        }
    }

    /// As the policy takes it: the trust root, and the rule.
    fn settings(&self) -> (Value, Value) {
        match self {
            Self::Keyless { issuer, subject } => {
                (json!({"name": "default", "keyless": {"issuer": issuer, "subject": subject}}), json!({"pattern": "*"}))
            }
            Self::Matching { issuer, subject } => (
                json!({"name": "default", "keyless": {"issuer": issuer, "subjectRegex": subject}}),
                json!({"pattern": "*"}),
            ),
            Self::Key(key) => (
                json!({"name": "default", "key": key.public_pem()}),
                json!({"pattern": "*", "with": {"verifyInTransparencyLog": true}}),
            ),
        }
    }
}

/// One way to sign, and who takes it.
struct Row {
    reason: &'static str,
    /// Whom the verifiers trust, and who mints.
    trusted: Instance,
    /// What is under the image's signature tag.
    mint: Mint,
    demand: Demand,
    cosign2: Says,
    cosign3: Says,
}

impl Row {
    /// Of which is demanded that it be alice's, in the instance that everybody trusts.
    fn new(reason: &'static str, cosign2: Says, cosign3: Says, mint: Mint) -> Self {
        let demand = Demand::Keyless { issuer: "https://issuer.example.com", subject: "alice@example.com" };
        Self { reason, trusted: Instance::new("ours"), mint, demand, cosign2, cosign3 }
    }

    fn demanding(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    fn trusting(self, trusted: Instance) -> Self {
        Self { trusted, ..self }
    }

    /// The same demands as settings of the policy.
    fn settings(&self) -> Value {
        let (trust_root, rule) = self.demand.settings();
        json!({
            "validators": [{
                "name": "default",
                "type": "cosign",
                "trustedRoot": self.trusted.trusted_root(),
                "trustRoots": [trust_root],
            }],
            "policy": [rule],
        })
    }
}

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

#[test]
fn cosign_judges_what_is_minted() {
    let folder = tempfile::tempdir().unwrap();
    let (cosign2, cosign3) = (Cosign::find("cosign2", folder.path()), Cosign::find("cosign3", folder.path()));
    let (Some(registry), Some(cosign2), Some(cosign3)) = (DockerRegistry::start(), cosign2, cosign3) else {
        return;
    };
    let mut wrong = Vec::new();
    for (number, row) in rows::all().iter().enumerate() {
        let repository = format!("keyless/{number}");
        let digest = registry.push(&repository, "1", ImageKind::Oci, &repository);
        let image = Image { name: format!("{}/{repository}", registry.host()), digest };
        let layers = (row.mint)(&row.trusted, &image);
        let blobs: Vec<&[u8]> = layers.iter().map(|layer| layer.payload.as_slice()).chain([CONFIG]).collect();
        registry.attach(&repository, &image.digest, &manifest(&layers), &blobs);
        let reference = format!("{}@{}", image.name, image.digest);
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
    assert!(wrong.is_empty(), "{} of {} are wrong\n{}", wrong.len(), rows::all().len(), wrong.join("\n"));
}
