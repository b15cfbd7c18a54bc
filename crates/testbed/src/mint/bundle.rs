//! How do cosign 3 and its logs store a signature?
//!
//! Sigstore bundles of every version, with entries of Rekor 1 and 2 and with timestamps: right, if nothing else is said. What a test wants wrong it changes in the
//! JSON.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    ISSUED, Instance, der, hex,
    key::{Key, Kind},
    leaf::Leaf,
    log::canonical,
};

pub const V01: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
pub const V02: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";
pub const V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// The leaves of a log's tree, and the place of the entry among them.
const LEAVES: usize = 11;
const PLACE: usize = 5;

/// Who signs.
#[derive(Clone, Debug)]
pub enum Signer {
    Key(Key),
    Certified(Box<Leaf>),
}

/// What is signed.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file of this digest (`sha256:…`).
    Message(String),
    /// A statement, in an envelope.
    Statement(Vec<u8>),
}

/// Which log has an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    None,
    Rekor1,
    Rekor2,
}

/// A bundle. Cosign 3's for a key of one's own, if nothing else is said.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub media_type: &'static str,
    pub signer: Signer,
    pub content: Content,
    pub payload_type: &'static str,
    pub log: Log,
    /// When Rekor 1 says that the entry was made.
    pub integrated_time: u64,
    /// Whether Rekor 1 proves that the entry is in its tree.
    pub has_proof: bool,
    /// The times of timestamps.
    pub timestamps: Vec<u64>,
}

impl Bundle {
    /// A statement by this signer that the image of this digest is signed.
    pub fn signing(signer: Signer, digest: &str) -> Self {
        Self {
            media_type: V03,
            signer,
            content: Content::Statement(statement(digest, COSIGN_SIGN).to_string().into_bytes()),
            payload_type: PAYLOAD_TYPE,
            log: Log::None,
            integrated_time: ISSUED + 60,
            has_proof: true,
            timestamps: Vec::new(),
        }
    }

    /// The bundle's JSON.
    pub fn json(&self, instance: &Instance) -> Value {
        let (key, material, verifier, raw) = match &self.signer {
            Signer::Key(key) => {
                let hint = der::base64(&key.id());
                (key.clone(), json!({"publicKey": {"hint": hint}}), key.public_pem(), ("publicKey", key.public()))
            }
            Signer::Certified(leaf) => {
                let certificate = instance.issue(leaf);
                let raw = json!({"rawBytes": der::base64(&certificate.der)});
                let material = match self.media_type {
                    V03 => json!({"certificate": raw}),
                    _ => json!({"x509CertificateChain": {"certificates": [raw]}}),
                };
                (certificate.key.clone(), material, certificate.pem(), ("x509Certificate", certificate.der))
            }
        };
        let encoding = match &self.content {
            Content::Message(_) => None,
            Content::Statement(payload) => Some(encoding(self.payload_type, payload)),
        };
        let signature = match (&self.content, &encoding) {
            (Content::Message(digest), _) => key.sign_hash(&der::unhex(digest.trim_start_matches("sha256:"))),
            (_, Some(encoding)) => key.sign(encoding),
            (Content::Statement(_), None) => unreachable!(),
        };
        let mut bundle = json!({"mediaType": self.media_type, "verificationMaterial": material});
        match &self.content {
            Content::Message(digest) => {
                let digest = der::base64(&der::unhex(digest.trim_start_matches("sha256:")));
                bundle["messageSignature"] = json!({
                    "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
                    "signature": der::base64(&signature),
                });
            }
            Content::Statement(payload) => {
                bundle["dsseEnvelope"] = json!({
                    "payload": der::base64(payload),
                    "payloadType": self.payload_type,
                    "signatures": [{"sig": der::base64(&signature)}],
                });
            }
        }
        let material = &mut bundle["verificationMaterial"];
        let about = About { bundle: self, key: &key, signature: &signature, encoding: encoding.as_deref() };
        match self.log {
            Log::None => {}
            Log::Rekor1 => material["tlogEntries"] = json!([about.rekor_1(instance, &verifier)]),
            Log::Rekor2 => material["tlogEntries"] = json!([about.rekor_2(instance, &raw)]),
        }
        if !self.timestamps.is_empty() {
            let stamp = |time: &u64| json!({"signedTimestamp": der::base64(&instance.tsa.stamp(&signature, *time))});
            let stamps: Vec<Value> = self.timestamps.iter().map(stamp).collect();
            material["timestampVerificationData"] = json!({"rfc3161Timestamps": stamps});
        }
        bundle
    }
}

/// What a log entry is about.
struct About<'a> {
    bundle: &'a Bundle,
    key: &'a Key,
    signature: &'a [u8],
    encoding: Option<&'a [u8]>,
}

impl About<'_> {
    fn rekor_1(&self, instance: &Instance, verifier: &str) -> Value {
        let (signature, verifier) = (der::base64(self.signature), der::base64(verifier.as_bytes()));
        let (kind, spec) = match &self.bundle.content {
            Content::Message(digest) => (
                "hashedrekord",
                json!({
                    "data": {"hash": {"algorithm": "sha256", "value": digest.trim_start_matches("sha256:")}},
                    "signature": {"content": signature, "publicKey": {"content": verifier}},
                }),
            ),
            Content::Statement(payload) => {
                ("dsse", dsse(b"whatever text the envelope was", payload, &signature, &verifier))
            }
        };
        let mut entry = rekor_1(instance, kind, &spec, self.bundle.integrated_time);
        if !self.bundle.has_proof {
            entry.as_object_mut().unwrap().remove("inclusionProof");
        }
        entry
    }

    fn rekor_2(&self, instance: &Instance, (kind, raw): &(&str, Vec<u8>)) -> Value {
        let details = match self.key.kind {
            Kind::P256 => "PKIX_ECDSA_P256_SHA_256",
            Kind::Rsa2048 => "PKIX_RSA_PKCS1V15_2048_SHA256",
            other => panic!("Rekor 2 has no entries here for {other:?}"),
        };
        let digest = match (&self.bundle.content, self.encoding) {
            (Content::Message(digest), _) => der::unhex(digest.trim_start_matches("sha256:")),
            (_, Some(encoding)) => Sha256::digest(encoding).to_vec(),
            (Content::Statement(_), None) => unreachable!(),
        };
        let mut verifier = json!({"keyDetails": details});
        verifier[*kind] = json!({"rawBytes": der::base64(raw)});
        let signature = json!({"content": der::base64(self.signature), "verifier": verifier});
        rekor_2(instance, &der::base64(&digest), &signature)
    }
}

/// What a `dsse` entry says of an envelope with one signature.
pub fn dsse(envelope: &[u8], payload: &[u8], signature: &str, verifier: &str) -> Value {
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex(&Sha256::digest(bytes))});
    json!({
        "envelopeHash": hash(envelope),
        "payloadHash": hash(payload),
        "signatures": [{"signature": signature, "verifier": verifier}],
    })
}

/// What an `intoto` entry of version 0.0.1 says of an envelope.
pub fn intoto(envelope: &[u8], payload: &[u8], verifier: &str) -> Value {
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex(&Sha256::digest(bytes))});
    json!({"content": {"hash": hash(envelope), "payloadHash": hash(payload)}, "publicKey": verifier})
}

/// The entry that Rekor 1 makes of this at this time.
pub fn rekor_1(instance: &Instance, kind: &str, spec: &Value, integrated_time: u64) -> Value {
    let body = canonical(&json!({"apiVersion": "0.0.1", "kind": kind, "spec": spec})).into_bytes();
    let log = &instance.rekor;
    let promised = json!({
        "body": der::base64(&body),
        "integratedTime": integrated_time,
        "logID": hex(&log.id()),
        "logIndex": 4711,
    });
    json!({
        "logIndex": "4711",
        "logId": {"keyId": der::base64(&log.id())},
        "kindVersion": {"kind": kind, "version": "0.0.1"},
        "integratedTime": integrated_time.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": der::base64(&log.sign(canonical(&promised).as_bytes()))},
        "inclusionProof": proof(&body, log, "rekor.example.com - 1234567890", "rekor.example.com"),
        "canonicalizedBody": der::base64(&body),
    })
}

/// The entry that Rekor 2 makes of the signature (with its verifier) of what has this SHA-256, in base64.
pub fn rekor_2(instance: &Instance, digest: &str, signature: &Value) -> Value {
    let spec = json!({"data": {"algorithm": "SHA2_256", "digest": digest}, "signature": signature});
    let body = json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": spec}});
    let body = canonical(&body).into_bytes();
    json!({
        "logIndex": PLACE.to_string(),
        "logId": {"keyId": der::base64(&instance.rekor_2_id())},
        "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
        "inclusionProof": proof(&body, &instance.rekor_2, Instance::REKOR_2, Instance::REKOR_2),
        "canonicalizedBody": der::base64(&body),
    })
}

/// The statement that the image of this digest is what this predicate says.
pub fn statement(digest: &str, predicate: &str) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.trim_start_matches("sha256:")}}],
        "predicateType": predicate,
        "predicate": {},
    })
}

/// What a DSSE envelope signs.
pub fn encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoding = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoding.extend(payload);
    encoding
}

/// The proof that this body is in the tree of a log, with the log's checkpoint.
pub fn proof(body: &[u8], log: &Key, origin: &str, name: &str) -> Value {
    let leaves: Vec<Vec<u8>> = (0..LEAVES).map(|at| if at == PLACE { body.to_vec() } else { vec![at as u8] }).collect();
    let root = root_of(&leaves);
    let note = format!("{origin}\n{LEAVES}\n{}\n", der::base64(&root));
    let hint = match log.kind {
        Kind::Ed25519 => note_id(name, log),
        _ => log.id(),
    };
    let signature = der::base64(&[&hint[..4], &log.sign(note.as_bytes())].concat());
    let hashes: Vec<String> = path_of(PLACE, &leaves).iter().map(|hash| der::base64(hash)).collect();
    json!({
        "logIndex": PLACE.to_string(),
        "rootHash": der::base64(&root),
        "treeSize": LEAVES.to_string(),
        "hashes": hashes,
        "checkpoint": {"envelope": format!("{note}\n\u{2014} {name} {signature}\n")},
    })
}

/// What a note calls an Ed25519 key of this name (C2SP, "signed-note").
pub fn note_id(name: &str, key: &Key) -> [u8; 32] {
    let public = key.public();
    Sha256::digest([name.as_bytes(), b"\n\x01", &public[public.len() - 32..]].concat()).into()
}

/// The root of a tree (RFC 6962, section 2.1).
fn root_of(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [leaf] => Sha256::digest([&[0], &leaf[..]].concat()).into(),
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            Sha256::digest([&[1], &root_of(left)[..], &root_of(right)].concat()).into()
        }
    }
}

/// The path from a leaf to the root (RFC 6962, section 2.1.1).
fn path_of(at: usize, leaves: &[Vec<u8>]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, other) = match at.checked_sub(left.len()) {
        None => (path_of(at, left), root_of(right)),
        Some(at) => (path_of(at, right), root_of(left)),
    };
    path.push(other);
    path
}
