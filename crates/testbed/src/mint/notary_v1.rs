//! What would a notary server of our own serve?
//!
//! A [`Repository`] is signed as Docker Content Trust does it: the certificate of its root key has the repository's name, and all other keys are plain. All of it
//! is right if nothing else is said, and wrong in any one way that a test asks for.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    ISSUED,
    authority::{Authority, Ca},
    der, hex,
    key::{Key, Kind},
};

const DAY: u64 = 86_400;

/// The holder of a key of a role.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The text from which the key is made.
    pub name: String,
    pub kind: Kind,
    /// The common name of the certificate that holds the key, if one does.
    pub certificate: Option<String>,
}

impl Holder {
    /// The holder of a plain key on P-256.
    pub fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), kind: Kind::P256, certificate: None }
    }

    /// The holder of a key in a certificate with this common name.
    pub fn certified(name: &str, common_name: &str) -> Self {
        Self { certificate: Some(common_name.to_owned()), ..Self::plain(name) }
    }

    /// The key of the holder.
    pub fn key(&self) -> Key {
        Key::new(self.kind, &self.name)
    }

    /// The key as files have it.
    pub fn json(&self) -> Value {
        let family = match self.kind {
            Kind::P256 | Kind::P256Wide | Kind::P384 | Kind::P384Wide | Kind::P521 | Kind::P521Wide => "ecdsa",
            Kind::Ed25519 | Kind::Ed25519Hashed => "ed25519",
            Kind::Rsa2048 | Kind::Rsa2048Wide | Kind::Rsa2048Pss => "rsa",
        };
        let public = self.key().public();
        let (keytype, public) = match &self.certificate {
            Some(name) => {
                let ca = Ca { name: name.clone(), key_name: Some(self.name.clone()), kind: self.kind, ..Ca::default() };
                (format!("{family}-x509"), Authority::root(&ca).pem().into_bytes())
            }
            None if family == "ed25519" => (family.to_owned(), public[public.len() - 32..].to_vec()),
            None => (family.to_owned(), public),
        };
        json!({"keytype": keytype, "keyval": {"private": null, "public": der::base64(&public)}})
    }

    /// The id of the key.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(canonical(&self.json())))
    }

    /// The signature of the holder, as files have it.
    pub fn sign(&self, message: &[u8]) -> Value {
        let (method, signature) = self.key().sign_by_method(message);
        json!({"keyid": self.id(), "method": method, "sig": der::base64(&signature)})
    }
}

/// A role, the keys that it has and those that sign for it.
#[derive(Clone, Debug)]
pub struct Signers {
    pub keys: Vec<Holder>,
    pub threshold: u64,
    /// Who signs, if those are not the keys of the role.
    pub by: Option<Vec<Holder>>,
    pub version: u64,
    /// When the file expires, as a Unix time.
    pub expires: u64,
}

impl Signers {
    /// A role with these keys, one of which has to sign, and whose file lasts for so many days from [`ISSUED`].
    pub fn of(keys: &[Holder], days: u64) -> Self {
        Self { keys: keys.to_vec(), threshold: 1, by: None, version: 1, expires: ISSUED + days * DAY }
    }

    fn role(&self) -> Value {
        json!({"keyids": self.keys.iter().map(Holder::id).collect::<Vec<_>>(), "threshold": self.threshold})
    }
}

/// A role to which `targets` delegates.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// The name, with `targets/` in front.
    pub name: String,
    pub signers: Signers,
    pub paths: Vec<String>,
    /// Tags and digests. Without any list, nothing was ever signed.
    pub targets: Option<Vec<(String, String)>>,
}

/// A repository. What a test wants otherwise it changes.
#[derive(Clone, Debug)]
pub struct Repository {
    pub root: Signers,
    pub timestamp: Signers,
    pub snapshot: Signers,
    pub targets: Signers,
    /// Tags and digests.
    pub tags: Vec<(String, String)>,
    pub delegations: Vec<Delegation>,
    /// What is changed in `signed` of the file of a role before it is signed.
    pub signed: Vec<(&'static str, fn(&mut Value))>,
    /// What is changed in the file of a role after it was signed, and before another file lists it.
    pub file: Vec<(&'static str, fn(&mut Value))>,
    /// The file of a role, in the place of the one that would be written.
    pub replaced: Option<(&'static str, Vec<u8>)>,
}

impl Repository {
    /// The repository with this name, whose root key is that of `owner`, with these tags and digests.
    pub fn new(gun: &str, owner: &str, tags: &[(&str, &str)]) -> Self {
        let plain = |role: &str| [Holder::plain(&format!("{gun} {role}"))];
        Self {
            root: Signers::of(&[Holder::certified(owner, gun)], 3650),
            timestamp: Signers::of(&plain("timestamp"), 14),
            snapshot: Signers::of(&plain("snapshot"), 3 * 365),
            targets: Signers::of(&plain("targets"), 3 * 365),
            tags: owned(tags),
            delegations: Vec::new(),
            signed: Vec::new(),
            file: Vec::new(),
            replaced: None,
        }
    }

    /// The same with a delegation of this name to somebody, who signed these tags and digests.
    pub fn delegating(mut self, name: &str, to: &str, tags: &[(&str, &str)]) -> Self {
        let signers = Signers::of(&[Holder::certified(to, to)], 3 * 365);
        let paths = vec![String::new()];
        self.delegations.push(Delegation { name: name.to_owned(), signers, paths, targets: Some(owned(tags)) });
        self
    }

    /// The files by role.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for delegation in &self.delegations {
            if let Some(tags) = &delegation.targets {
                let signed = json!({
                    "_type": "Targets",
                    "delegations": {"keys": {}, "roles": []},
                    "targets": targets(tags),
                });
                files.insert(delegation.name.clone(), self.write(&delegation.name, signed, &delegation.signers));
            }
        }
        let keys = self.delegations.iter().flat_map(|it| &it.signers.keys);
        let roles = self.delegations.iter().map(|delegation| {
            let mut role = delegation.signers.role();
            role["name"] = delegation.name.as_str().into();
            role["paths"] = json!(delegation.paths);
            role
        });
        let signed = json!({
            "_type": "Targets",
            "delegations": {"keys": keys_of(keys), "roles": roles.collect::<Vec<_>>()},
            "targets": targets(&self.tags),
        });
        files.insert("targets".to_owned(), self.write("targets", signed, &self.targets));
        let base = [&self.root, &self.timestamp, &self.snapshot, &self.targets];
        let signed = json!({
            "_type": "Root",
            "consistent_snapshot": false,
            "keys": keys_of(base.into_iter().flat_map(|signers| &signers.keys)),
            "roles": {
                "root": self.root.role(),
                "timestamp": self.timestamp.role(),
                "snapshot": self.snapshot.role(),
                "targets": self.targets.role(),
            },
        });
        files.insert("root".to_owned(), self.write("root", signed, &self.root));
        let listed: Map<String, Value> = files.iter().map(|(role, file)| (role.clone(), listed(file))).collect();
        let signed = json!({"_type": "Snapshot", "meta": listed});
        files.insert("snapshot".to_owned(), self.write("snapshot", signed, &self.snapshot));
        let signed = json!({"_type": "Timestamp", "meta": {"snapshot": listed_in(&files, "snapshot")}});
        files.insert("timestamp".to_owned(), self.write("timestamp", signed, &self.timestamp));
        files
    }

    /// The file of a role, as a notary server serves it.
    fn write(&self, role: &str, mut signed: Value, signers: &Signers) -> Vec<u8> {
        if let Some((_, file)) = self.replaced.as_ref().filter(|(name, _)| *name == role) {
            return file.clone();
        }
        signed["version"] = signers.version.into();
        signed["expires"] = der::timestamp(signers.expires).into();
        let of_role = |changes: &[(&'static str, fn(&mut Value))], value: &mut Value| {
            changes.iter().filter(|(name, _)| *name == role).for_each(|(_, change)| change(value));
        };
        of_role(&self.signed, &mut signed);
        let message = canonical(&signed);
        let by = signers.by.as_ref().unwrap_or(&signers.keys);
        let signatures: Vec<Value> = by.iter().map(|holder| holder.sign(&message)).collect();
        let mut file = json!({"signed": signed, "signatures": signatures});
        of_role(&self.file, &mut file);
        // Go escapes what HTML would read, and the signature is over the text without escapes.
        file.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").into_bytes()
    }
}

fn owned(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(tag, digest)| ((*tag).to_owned(), (*digest).to_owned())).collect()
}

fn keys_of<'h>(holders: impl Iterator<Item = &'h Holder>) -> Value {
    Value::Object(holders.map(|holder| (holder.id(), holder.json())).collect())
}

fn targets(tags: &[(String, String)]) -> Value {
    let target = |(tag, digest): &(String, String)| {
        let hash = der::base64(&der::unhex(digest.trim_start_matches("sha256:")));
        (tag.clone(), json!({"hashes": {"sha256": hash}, "length": 423}))
    };
    Value::Object(tags.iter().map(target).collect())
}

fn listed_in(files: &BTreeMap<String, Vec<u8>>, role: &str) -> Value {
    listed(&files[role])
}

/// What `timestamp` and `snapshot` say of a file.
pub fn listed(file: &[u8]) -> Value {
    let (sha256, sha512) = (der::base64(&Sha256::digest(file)), der::base64(&Sha512::digest(file)));
    json!({"hashes": {"sha256": sha256, "sha512": sha512}, "length": file.len()})
}

/// The form of JSON that is signed (`github.com/docker/go/canonical/json`).
pub fn canonical(value: &Value) -> Vec<u8> {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")).into_bytes();
    let list = |open: &[u8], parts: Vec<Vec<u8>>, close: &[u8]| [open, &parts.join(&b','), close].concat();
    match value {
        Value::String(it) => text(it),
        Value::Array(items) => list(b"[", items.iter().map(canonical).collect(), b"]"),
        Value::Object(members) => {
            let members: BTreeMap<&String, &Value> = members.iter().collect();
            let member = |(key, value): (&&String, &&Value)| [text(key), b":".to_vec(), canonical(value)].concat();
            list(b"{", members.iter().map(member).collect(), b"}")
        }
        plain => plain.to_string().into_bytes(),
    }
}
