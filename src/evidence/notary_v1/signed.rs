//! Is this file signed by enough keys of its role, and still valid?
//!
//! A file is `{"signed": {…}, "signatures": [{"keyid": …, "method": …, "sig": …}]}`. What is signed is the canonical form of `signed`.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding as _};

use super::{
    canonical::Json,
    error::{Role, TrustDataError},
    key::Key,
};
use crate::{
    ordered::{map, set},
    signing::{PublicKey, scheme::Scheme},
    time::UnixTime,
};

/// The most signatures of one file. A file has one for each key of its role, and `root` also those of former root keys.
const MAX_SIGNATURES: usize = 32;

/// A file whose signatures are not checked yet.
pub(super) struct Envelope<'f> {
    role: Role,
    signed: Json<'f>,
    /// The canonical form of `signed`.
    message: Vec<u8>,
    signatures: Signatures,
}

/// The signatures of a file, and what they cover.
type Signatures = Vec<Signature>;

struct Signature {
    key_id: String,
    /// The scheme, if it is a known one.
    scheme: Option<Scheme>,
    bytes: Vec<u8>,
}

/// The keys of a role, and how many of them have to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// The keys by their ids. A key that cannot be read is `None` and verifies nothing.
    pub(super) keys: BTreeMap<String, Option<Key>>,
    threshold: usize,
}

/// What every file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: u64,
    pub(super) expires: UnixTime,
}

/// The content of a file that is signed by its role and has not expired. Only [`Envelope::verify`] makes one.
pub(super) struct Proven<'f> {
    pub(super) role: Role,
    pub(super) head: Head,
    pub(super) signed: Json<'f>,
    message: Vec<u8>,
    signatures: Signatures,
}

impl<'f> Envelope<'f> {
    /// Reads the file of this role. What it holds is not proven yet.
    pub(super) fn read(role: Role, file: &'f [u8]) -> Result<Envelope<'f>, TrustDataError> {
        let read = || {
            let Json::Object(mut members) = Json::read(file)? else { return None };
            let signatures = members.get("signatures")?.entries()?;
            let signatures: Signatures = signatures.iter().map(Signature::read).collect::<Option<_>>()?;
            let signed = members.remove("signed")?;
            let is_sound = signatures.len() <= MAX_SIGNATURES && signed.get("_type")?.text()? == role.kind();
            is_sound.then(|| (signed.canonical(), signed, signatures))
        };
        match read() {
            Some((message, signed, signatures)) => Ok(Envelope { role, signed, message, signatures }),
            None => Err(TrustDataError::Form(role)),
        }
    }

    /// What the file holds, without a proof.
    pub(super) fn unproven(&self) -> &Json<'f> {
        &self.signed
    }

    /// Checks that as many of the keys signed as the threshold says, and that the file has not expired.
    pub(super) fn verify(self, keys: &Keys, now: UnixTime) -> Result<Proven<'f>, TrustDataError> {
        let Envelope { role, signed, message, signatures } = self;
        // Keys are counted and not their ids, because one key can be in two certificates.
        let mut signers: Vec<&PublicKey> = Vec::new();
        let mut tried = BTreeSet::new();
        for signature in &signatures {
            if signers.len() >= keys.threshold {
                break;
            }
            let key = keys.keys.get(&signature.key_id).and_then(Option::as_ref);
            let Some(key) = key.filter(|key| !signers.contains(&&key.public)) else { continue };
            if tried.insert(&signature.key_id) && signature.is_by(&key.public, &message) {
                signers.push(&key.public);
            }
        }
        if signers.len() < keys.threshold {
            return Err(TrustDataError::Signatures { role, signed: signers.len(), threshold: keys.threshold });
        }
        let head = || {
            let version = signed.get("version")?.positive()?;
            let expires = UnixTime::parse_with_offset(signed.get("expires")?.text()?)?;
            Some(Head { version, expires })
        };
        match head() {
            None => Err(TrustDataError::Form(role)),
            Some(head) if head.expires < now => Err(TrustDataError::Expired(role, head.expires)),
            Some(head) => Ok(Proven { role, head, signed, message, signatures }),
        }
    }
}

impl Proven<'_> {
    /// The error that this file does not have the form of one of its role.
    pub(super) fn malformed(&self) -> TrustDataError {
        TrustDataError::Form(self.role.clone())
    }

    /// Whether this key signed the file, whatever role it has.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signatures.iter().any(|signature| signature.is_by(key, &self.message))
    }
}

impl Signature {
    fn read(json: &Json<'_>) -> Option<Signature> {
        let scheme = match json.get("method")?.text()?.to_ascii_lowercase().as_str() {
            "ecdsa" => Some(Scheme::Ecdsa),
            "rsapss" => Some(Scheme::RsaPss),
            "rsapkcs1v15" => Some(Scheme::RsaPkcs1),
            "eddsa" => Some(Scheme::Ed25519),
            _ => None,
        };
        let bytes = Base64::decode_vec(json.get("sig")?.text()?).ok()?;
        Some(Signature { key_id: json.get("keyid")?.text()?.to_owned(), scheme, bytes })
    }

    fn is_by(&self, key: &PublicKey, message: &[u8]) -> bool {
        self.scheme.is_some_and(|scheme| scheme.verifies(key, message, &self.bytes))
    }
}

impl Keys {
    /// Reads the role `{"keyids": […], "threshold": …}`, whose keys are in `keys`. Each of its key ids has a key.
    pub(super) fn read(role: &Json<'_>, keys: &Json<'_>) -> Option<Keys> {
        let threshold = usize::try_from(role.get("threshold")?.positive()?).ok()?;
        let ids = role.get("keyids")?.entries()?.iter().map(Json::text).collect::<Option<Vec<&str>>>()?;
        if ids.is_empty() || ids.len() > MAX_SIGNATURES {
            return None;
        }
        let read = |id: &&str| Some(((*id).to_owned(), Key::read(id, keys.get(id)?)));
        let keys = set(ids).iter().map(read).collect::<Option<Vec<_>>>()?;
        Some(Keys { keys: map(keys), threshold })
    }
}
