//! Which key does a role of Notary v1 have, and did it sign?
//!
//! A key is `{"keytype": …, "keyval": {"private": null, "public": …}}`. Its id is the SHA-256 of the canonical form of that, and is computed again for each key.

use base64ct::{Base64, Encoding as _};

use super::canonical::Json;
use crate::{
    image::{Digest, hex},
    ordered::map,
    signing::{
        PublicKey,
        certificate::{Certificate, certificates},
        scheme::Scheme,
    },
};

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) public: PublicKey,
    /// The common name of the certificate, if the key is in one that has a name.
    pub(super) common_name: Option<String>,
}

impl Key {
    /// Reads the key with this id. It is `None` if the id is that of another key, or if the key is not of its type.
    pub(super) fn read(id: &str, json: &Json<'_>) -> Option<Key> {
        let (keytype, public) = (json.get("keytype")?.text()?, json.get("keyval")?.get("public")?.text()?);
        if key_id(keytype, public) != id {
            return None;
        }
        let bytes = Base64::decode_vec(public).ok()?;
        let (family, is_certificate) = match keytype.strip_suffix("-x509") {
            Some(family) => (family, true),
            None => (keytype, false),
        };
        let (public, common_name) = match (family, is_certificate) {
            ("ecdsa" | "rsa", true) => {
                let documents = certificates(std::str::from_utf8(&bytes).ok()?, 1)?;
                let certificate = Certificate::read(documents.first()?.as_bytes())?;
                (certificate.key()?, certificate.common_name())
            }
            ("ecdsa" | "rsa", false) => (PublicKey::from_spki(&bytes).ok()?, None),
            ("ed25519", false) if bytes.len() == 32 => {
                (PublicKey::from_spki(&[&ED25519[..], &bytes].concat()).ok()?, None)
            }
            _ => return None,
        };
        let fits = match family {
            "ecdsa" => Scheme::Ecdsa,
            "rsa" => Scheme::RsaPss,
            _ => Scheme::Ed25519,
        };
        fits.is_of(&public).then_some(Key { public, common_name })
    }
}

/// The id of a key, in hex digits.
fn key_id(keytype: &str, public: &str) -> String {
    let keyval = object([("private", Json::Null), ("public", Json::Text(public.into()))]);
    let key = object([("keytype", Json::Text(keytype.into())), ("keyval", keyval)]);
    hex(&Digest::of(&key.canonical()).bytes())
}

fn object<'a>(members: [(&'static str, Json<'a>); 2]) -> Json<'a> {
    Json::Object(map(members.map(|(key, value)| (key.into(), value))))
}
