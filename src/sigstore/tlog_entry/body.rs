//! Is the body of a log entry about this signature?
//!
//! Each kind of entry stores other members. Whatever its kind, an entry has to name this content, this signature and this key or certificate. Otherwise it is about
//! another signature (CVE-2022-36056, CVE-2026-22703).

use std::borrow::Cow;

use base64ct::{Base64, Encoding as _};
use serde_json::value::RawValue;

use crate::{
    image::{Digest, hex},
    json::{bytes_of, entries, only_members, text},
    signing::{
        PublicKey,
        certificate::certificates,
        key::Algorithm,
        signature::{Hash, Message},
    },
    sigstore::VerificationError,
};

/// The longest text that is read, in bytes. The largest certificates take about 10 KB of it.
const MAX_TEXT: usize = 64 * 1024;

/// The signature that an entry has to be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logged<'s> {
    pub(crate) content: Content<'s>,
    pub(crate) signature: &'s [u8],
    pub(crate) by: LoggedBy<'s>,
}

/// The key or the certificate that an entry has to name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LoggedBy<'s> {
    /// A public key without a certificate.
    Key(&'s PublicKey),
    /// This certificate (DER), and its key.
    Certificate(&'s [u8], &'s PublicKey),
}

/// The content that was signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'s> {
    /// The bytes that were signed.
    Bytes(&'s [u8]),
    /// Bytes that are known only by this digest.
    Known(Digest),
    /// A DSSE envelope with this type and payload. The signature covers the encoding of both. `stored` are its bytes, if they are at hand.
    Envelope { envelope: (&'s str, &'s [u8]), encoding: &'s [u8], stored: Option<&'s [u8]> },
}

impl<'s> Content<'s> {
    /// The bytes that were signed, or their digest.
    pub(crate) fn message(&self) -> Message<'s> {
        match *self {
            Content::Bytes(bytes) | Content::Envelope { encoding: bytes, .. } => Message::Bytes(bytes),
            Content::Known(digest) => Message::Known(digest),
        }
    }

    /// The hash of what was signed, if it can be told.
    fn hash(&self, hash: Hash) -> Option<Vec<u8>> {
        self.message().hash(hash)
    }
}

/// Checks that `body` has a known kind, that the kind in `beside` is the same, and that it is about this signature. The result is `true` for an entry of Rekor 2.
///
/// An entry with unknown members is refused.
pub(super) fn check(
    body: &[u8],
    beside: Option<&(String, String)>,
    logged: &Logged<'_>,
) -> Result<bool, VerificationError> {
    let [version, kind, spec] =
        object(body).and_then(|body| all_of(body, ["apiVersion", "kind", "spec"])).ok_or(VerificationError::LogForm)?;
    let (Ok(version), Ok(kind)) = (text(version), text(kind)) else { return Err(VerificationError::LogForm) };
    if beside.is_some_and(|(name, of_version)| (&**name, &**of_version) != (&*kind, &*version)) {
        return Err(VerificationError::LogKind);
    }
    let entry = match (&*kind, &*version, &logged.content) {
        ("hashedrekord", "0.0.1", Content::Bytes(_) | Content::Known(_)) => Named::hashedrekord(spec),
        ("dsse", "0.0.1", Content::Envelope { .. }) => Named::dsse(spec),
        ("intoto", "0.0.1", Content::Envelope { stored: Some(_), .. }) => Named::stored_intoto(spec),
        ("intoto", "0.0.2", Content::Envelope { envelope: (payload_type, _), .. }) => Named::intoto(spec, payload_type),
        ("hashedrekord", "0.0.2", _) => return rekor_2(body, logged).map(|()| true),
        _ => return Err(VerificationError::LogKind),
    };
    entry.ok_or(VerificationError::LogForm)?.check(logged).map(|()| false)
}

/// What an entry of Rekor 1 names.
struct Named<'b> {
    /// The algorithm and the digits of the hash. It is the hash of an envelope's payload, or else that of the signed bytes.
    hash: [&'b RawValue; 2],
    /// The signature. Without one, the hash is that of the stored envelope, which holds the signature.
    signature: Option<Cow<'b, str>>,
    /// The key or the certificate, in PEM in base64.
    signer: &'b RawValue,
}

impl<'b> Named<'b> {
    /// A signature over a hash (Rekor, "hashedrekord", version 0.0.1).
    fn hashedrekord(spec: &'b RawValue) -> Option<Named<'b>> {
        let [data, signature] = all_of(spec, ["data", "signature"])?;
        let [hash] = all_of(data, ["hash"])?;
        let [content, key] = all_of(signature, ["content", "publicKey"])?;
        let [signer] = all_of(key, ["content"])?;
        Some(Named { hash: hash_of(hash)?, signature: Some(text(content).ok()?), signer })
    }

    /// A DSSE envelope (Rekor, "dsse", version 0.0.1). The hash of the envelope itself is not compared, because its text is not at hand.
    fn dsse(spec: &'b RawValue) -> Option<Named<'b>> {
        let [_, hash, signatures] = all_of(spec, ["envelopeHash", "payloadHash", "signatures"])?;
        let [signature, signer] = all_of(one(signatures)?, ["signature", "verifier"])?;
        Some(Named { hash: hash_of(hash)?, signature: Some(text(signature).ok()?), signer })
    }

    /// A DSSE envelope as cosign 2 logs it (Rekor, "intoto", version 0.0.1). The entry names the stored bytes, in which the signature is.
    fn stored_intoto(spec: &'b RawValue) -> Option<Named<'b>> {
        let [content, signer] = all_of(spec, ["content", "publicKey"])?;
        let [hash, _] = only_members(content, ["hash", "payloadHash"]).ok()?;
        Some(Named { hash: hash_of(hash?)?, signature: None, signer })
    }

    /// A DSSE envelope of this type as older clients logged it (Rekor, "intoto", version 0.0.2). They put the signature into base64 twice.
    fn intoto(spec: &'b RawValue, payload_type: &str) -> Option<Named<'b>> {
        let [content] = all_of(spec, ["content"])?;
        let [envelope, _, hash] = all_of(content, ["envelope", "hash", "payloadHash"])?;
        let [of_type, signatures] = all_of(envelope, ["payloadType", "signatures"])?;
        let [signature, signer, _] = only_members(one(signatures)?, ["sig", "publicKey", "keyid"]).ok()?;
        let signature = String::from_utf8(bytes_of(signature?)?).ok()?;
        let is_of_type = text(of_type).ok()? == payload_type;
        is_of_type.then_some(Named { hash: hash_of(hash)?, signature: Some(Cow::Owned(signature)), signer: signer? })
    }

    fn check(&self, logged: &Logged<'_>) -> Result<(), VerificationError> {
        let [algorithm, digits] = self.hash.map(|part| text(part).unwrap_or_default());
        let hash = match &*algorithm {
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => return Err(VerificationError::LogPayload),
        };
        let of_content = match logged.content {
            Content::Envelope { stored, .. } if self.signature.is_none() => stored.map(|bytes| hash.of(bytes)),
            Content::Envelope { envelope: (_, payload), .. } => Some(hash.of(payload)),
            Content::Bytes(_) | Content::Known(_) => logged.content.hash(hash),
        };
        if of_content.is_none_or(|bytes| hex(&bytes) != digits) {
            return Err(VerificationError::LogPayload);
        }
        let is_its = |text: &str| Base64::decode_vec(text).ok().as_deref() == Some(logged.signature);
        if !self.signature.as_deref().is_none_or(is_its) {
            return Err(VerificationError::LogSignature);
        }
        match bytes_of(self.signer).is_some_and(|pem| logged.by.is(pem)) {
            true => Ok(()),
            false => Err(VerificationError::LogKey),
        }
    }
}

impl LoggedBy<'_> {
    /// Whether this PEM text is the key or the certificate that the entry has to name.
    fn is(&self, pem: Vec<u8>) -> bool {
        let Ok(text) = String::from_utf8(pem) else { return false };
        match self {
            LoggedBy::Key(key) => PublicKey::parse(&text).is_ok_and(|other| other == **key),
            LoggedBy::Certificate(der, _) => {
                certificates(&text, 1).is_some_and(|found| matches!(found.as_slice(), [one] if one.as_bytes() == *der))
            }
        }
    }
}

/// The members of an object that has all of these and no others.
fn all_of<'b, const N: usize>(json: &'b RawValue, keys: [&str; N]) -> Option<[&'b RawValue; N]> {
    let found: Vec<&RawValue> = only_members(json, keys).ok()?.into_iter().flatten().collect();
    found.try_into().ok()
}

/// The algorithm and the digits of a hash.
fn hash_of(json: &RawValue) -> Option<[&RawValue; 2]> {
    all_of(json, ["algorithm", "value"])
}

/// The one entry of a list.
fn one(json: &RawValue) -> Option<&RawValue> {
    match entries(json).ok()?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// An entry of Rekor 2 (Rekor 2 specification, "hashedrekord", version 0.0.2): the body has only one form (RFC 8785), so it is written again and compared.
fn rekor_2(body: &[u8], logged: &Logged<'_>) -> Result<(), VerificationError> {
    let (key, name, der) = match logged.by {
        LoggedBy::Key(key) => (key, "publicKey", key.spki()),
        LoggedBy::Certificate(der, key) => (key, "x509Certificate", der),
    };
    let verifier = format!(r#""{name}":{{"rawBytes":"{}"}}"#, Base64::encode_string(der));
    let signature = Base64::encode_string(logged.signature);
    let written = |(details, hash): &(String, Hash)| {
        let name = match hash {
            Hash::Sha256 => "SHA2_256",
            Hash::Sha384 => "SHA2_384",
            Hash::Sha512 => "SHA2_512",
        };
        let digest = Base64::encode_string(&logged.content.hash(*hash)?);
        // keyDetails, publicKey and x509Certificate are in the order of their letters.
        Some(format!(
            r#"{{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{{"hashedRekordV002":{{"data":{{"algorithm":"{name}","digest":"{digest}"}},"signature":{{"content":"{signature}","verifier":{{"keyDetails":"{details}",{verifier}}}}}}}}}}}"#
        ))
    };
    let ways = key_details(key);
    if ways.iter().filter_map(written).any(|text| text.as_bytes() == body) {
        return Ok(());
    }
    // From here on, only the message depends on which part differs.
    let has = |part: &str| body.windows(part.len().max(1)).any(|window| window == part.as_bytes());
    let is_of_content = ways.iter().filter_map(|(_, hash)| logged.content.hash(*hash));
    Err(match () {
        () if !is_of_content.into_iter().any(|hash| has(&Base64::encode_string(&hash))) => {
            VerificationError::LogPayload
        }
        () if !has(&signature) => VerificationError::LogSignature,
        () if !has(&verifier) => VerificationError::LogKey,
        () => VerificationError::LogForm,
    })
}

/// The names that Rekor 2 has for a key, each with the hash that it signs (Sigstore protobuf-specs, "PublicKeyDetails").
fn key_details(key: &PublicKey) -> Vec<(String, Hash)> {
    match key.algorithm {
        Algorithm::P256 => vec![("PKIX_ECDSA_P256_SHA_256".to_owned(), Hash::Sha256)],
        Algorithm::P384 => vec![("PKIX_ECDSA_P384_SHA_384".to_owned(), Hash::Sha384)],
        Algorithm::P521 => vec![("PKIX_ECDSA_P521_SHA_512".to_owned(), Hash::Sha512)],
        Algorithm::Ed25519 => vec![("PKIX_ED25519_PH".to_owned(), Hash::Sha512)],
        Algorithm::Rsa => {
            let bits = key.rsa_bits().unwrap_or_default();
            vec![(format!("PKIX_RSA_PKCS1V15_{bits}_SHA256"), Hash::Sha256)]
        }
    }
}

/// Reads the JSON object in these bytes. It is `None` if they are longer than [`MAX_TEXT`].
pub(super) fn object(json: &[u8]) -> Option<&RawValue> {
    if json.len() > MAX_TEXT {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_up_to_a_length() {
        let json = r#"{"kind":"a"}"#;
        let filled = |length: usize| json.to_owned() + &" ".repeat(length - json.len());
        let rows = [
            (json.to_owned(), true, "an object"),
            (r#"["a"]"#.to_owned(), false, "a list of the same"),
            (r#"{"kind":"a","more":1}"#.to_owned(), false, "another member"),
            (r#"{"kind":"a","kind":"a"}"#.to_owned(), false, "a member twice"),
            (filled(MAX_TEXT), true, "as long as may be"),
            (filled(MAX_TEXT + 1), false, "one byte longer"),
        ];
        for (json, expected, why) in rows {
            let read = object(json.as_bytes()).and_then(|json| all_of(json, ["kind"]));
            assert_eq!(read.is_some(), expected, "{why}");
        }
    }
}
