//! Which signatures are right, and in which one way are the others wrong?
//!
//! Everything is minted (`crates/testbed/src/mint`): the authority, both logs, and what they are made to say. Each row says what the policy has to make of it, and both
//! generations of real cosign that are asked with the same demands. The policy is held to it natively (`tests/conformance.rs`), and as a module beside cosign and a
//! real registry (the harness's live tests). Where they differ, `docs/explanation/divergences.md` says why.

mod certificate_rows;
mod demands;
mod rows;

use serde_json::{Value, json};

use crate::mint::{Instance, Key, Layer, payload};
pub use rows::all;

/// A verifier's answer about a signature.
#[derive(Clone, Copy)]
pub enum Says {
    Yes,
    /// The verifier rejects the signature with these words.
    No(&'static str),
    /// The verifier is not asked, for this reason.
    Unasked(&'static str),
}

/// The image that a row is about.
pub struct Image {
    /// The repository of the image, as cosign writes it.
    pub name: String,
    pub digest: String,
}

impl Image {
    pub fn payload(&self) -> Vec<u8> {
        payload(&self.name, &self.digest)
    }

    /// The payload for another image in the same repository.
    fn of_another(&self) -> Vec<u8> {
        payload(&self.name, &format!("sha256:{}", "0".repeat(64)))
    }
}

pub type Mint = Box<dyn Fn(&Instance, &Image) -> Vec<Layer>>;

/// A demand that verifiers hold a signature to.
pub enum Demand {
    Keyless {
        issuer: &'static str,
        subject: &'static str,
    },
    /// A certificate for an identity, with an expression for the subject.
    Matching {
        issuer: &'static str,
        subject: &'static str,
    },
    /// A signature with this key, which has an entry in the log.
    Key(Key),
}

impl Demand {
    /// The demand as arguments of cosign. A key is in the file `file`.
    pub fn arguments<'d>(&'d self, file: &'d str) -> Vec<&'d str> {
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

    /// The demand as the policy's settings: a trust root and a rule.
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

/// A way to sign, with the answer of each verifier.
pub struct Row {
    pub reason: &'static str,
    /// The Sigstore instance that the verifiers trust, and that issues the certificate.
    pub trusted: Instance,
    /// The signatures under the image's signature tag.
    pub mint: Mint,
    pub demand: Demand,
    /// What the policy says: `proven`, `settings` where it refuses them, or the step that was not passed.
    pub here: &'static str,
    pub cosign2: Says,
    pub cosign3: Says,
}

impl Row {
    /// A row that demands a certificate of alice's, in the instance that every verifier trusts.
    fn new(reason: &'static str, here: &'static str, cosign2: Says, cosign3: Says, mint: Mint) -> Self {
        let demand = Demand::Keyless { issuer: "https://issuer.example.com", subject: "alice@example.com" };
        Self { reason, here, trusted: Instance::new("ours"), mint, demand, cosign2, cosign3 }
    }

    fn demanding(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    fn trusting(self, trusted: Instance) -> Self {
        Self { trusted, ..self }
    }

    /// The demand of this row as settings of the policy.
    pub fn settings(&self) -> Value {
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
