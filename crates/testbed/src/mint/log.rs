//! What does Rekor write down of a signature, and how does it promise that?

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{ISSUED, der, hex, key::Key};

/// A log entry. Every field is the right one, if nothing else is said.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: &'static str,
    pub api_version: &'static str,
    pub algorithm: &'static str,
    /// The payload's hash, where it is another's.
    pub hash: Option<String>,
    pub signature: Option<Vec<u8>>,
    /// The certificate or public key, as PEM.
    pub verifier: Option<String>,
    /// The whole document, whatever the fields above say.
    pub body: Option<Vec<u8>>,
    pub integrated_time: u64,
    pub log_index: u64,
    pub log_id: Option<String>,
    /// The key of the log that signs the entry, if that is not the instance's log.
    pub key: Option<Key>,
    /// The signed entry timestamp, if it is not the correct one.
    pub set: Option<Vec<u8>>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            kind: "hashedrekord",
            api_version: "0.0.1",
            algorithm: "sha256",
            hash: None,
            signature: None,
            verifier: None,
            body: None,
            integrated_time: ISSUED + 60,
            log_index: 4711,
            log_id: None,
            key: None,
            set: None,
        }
    }
}

impl Entry {
    /// An entry that the log integrated at this time.
    pub fn at(integrated_time: u64) -> Self {
        Self { integrated_time, ..Self::default() }
    }

    /// The document that the log holds.
    pub fn body(&self, payload: &[u8], signature: &[u8], verifier: &str) -> Vec<u8> {
        if let Some(body) = &self.body {
            return body.clone();
        }
        let hash = self.hash.clone().unwrap_or_else(|| hex(&Sha256::digest(payload)));
        let signature = der::base64(self.signature.as_deref().unwrap_or(signature));
        let verifier = der::base64(self.verifier.as_deref().unwrap_or(verifier).as_bytes());
        let spec = json!({
            "data": {"hash": {"algorithm": self.algorithm, "value": hash}},
            "signature": {"content": signature, "publicKey": {"content": verifier}},
        });
        canonical(&json!({"apiVersion": self.api_version, "kind": self.kind, "spec": spec})).into_bytes()
    }

    /// The bundle that cosign stores beside a signature.
    pub fn bundle(&self, log: &Key, body: &[u8]) -> String {
        let log = self.key.as_ref().unwrap_or(log);
        let log_id = self.log_id.clone().unwrap_or_else(|| hex(&log.id()));
        let promised = json!({
            "body": der::base64(body),
            "integratedTime": self.integrated_time,
            "logID": log_id,
            "logIndex": self.log_index,
        });
        let set = self.set.clone().unwrap_or_else(|| log.sign(canonical(&promised).as_bytes()));
        json!({"SignedEntryTimestamp": der::base64(&set), "Payload": promised}).to_string()
    }
}

/// JSON with its keys in order and without spaces (RFC 8785, as far as plain text and whole numbers go).
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields = fields.iter().map(|(key, value)| format!("{}:{}", json!(key), canonical(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}
