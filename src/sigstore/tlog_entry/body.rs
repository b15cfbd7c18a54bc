//! Is the body of a log entry about this signature?
//!
//! What a log stores differs by the kind of entry. Each kind has to name this content, this signature and this key or certificate, or the entry is another one's
//! (CVE-2022-36056, CVE-2026-22703).

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use super::MAX_TEXT;
use crate::{
    image::Digest,
    signing::{PublicKey, certificate::certificates, key::Algorithm, signature::Hash},
    sigstore::VerificationError,
};

/// What an entry has to be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logged<'s> {
    pub(crate) content: Content<'s>,
    pub(crate) signature: &'s [u8],
    pub(crate) by: LoggedBy<'s>,
}

/// Whose signature it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LoggedBy<'s> {
    /// That of this key.
    Key(&'s PublicKey),
    /// That of the key of this certificate (DER), which is also given.
    Certificate(&'s [u8], &'s PublicKey),
}

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'s> {
    /// These bytes.
    Bytes(&'s [u8]),
    /// Bytes of which only the digest is known.
    Known(Digest),
    /// A DSSE envelope of this type and payload, which is signed in its encoding.
    Envelope { payload_type: &'s str, payload: &'s [u8], encoding: &'s [u8] },
}

impl Content<'_> {
    /// The hash of what was signed, if it can be told.
    fn hash(&self, hash: Hash) -> Option<Vec<u8>> {
        match (self, hash) {
            (Content::Bytes(bytes) | Content::Envelope { encoding: bytes, .. }, _) => Some(hash.of(bytes)),
            (Content::Known(digest), Hash::Sha256) => Some(digest.bytes().to_vec()),
            (Content::Known(_), Hash::Sha384 | Hash::Sha512) => None,
        }
    }
}

/// An entry's body, of any kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    api_version: String,
    kind: String,
}

/// A body of a known kind. The two members that say which one it is are read once more, since every other one is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body<S> {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    spec: S,
}

/// A signature over a hash (Rekor, "hashedrekord", version 0.0.1).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekord {
    data: Data,
    signature: Signed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    hash: Hashed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashed {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Signed {
    content: String,
    public_key: PemContent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PemContent {
    content: String,
}

/// A DSSE envelope (Rekor, "dsse", version 0.0.1). The hash of the envelope is over a text that is not at hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Dsse {
    #[serde(rename = "envelopeHash")]
    _envelope_hash: Hashed,
    payload_hash: Hashed,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseSignature {
    signature: String,
    verifier: String,
}

/// A DSSE envelope as older clients logged it (Rekor, "intoto", version 0.0.2).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Intoto {
    content: IntotoContent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoContent {
    envelope: IntotoEnvelope,
    #[serde(rename = "hash")]
    _hash: Hashed,
    payload_hash: Hashed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoEnvelope {
    payload_type: String,
    signatures: Vec<IntotoSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IntotoSignature {
    #[serde(rename = "keyid")]
    _key_id: Option<String>,
    sig: String,
    public_key: String,
}

/// Checks that `body` is of a known kind, the one that stands beside it, and about this signature. True if it is an entry of Rekor 2.
pub(super) fn check(
    body: &[u8],
    beside: Option<&(String, String)>,
    logged: &Logged<'_>,
) -> Result<bool, VerificationError> {
    let kind: Kind = object(body).ok_or(VerificationError::LogForm)?;
    if beside.is_some_and(|(name, version)| (name, version) != (&kind.kind, &kind.api_version)) {
        return Err(VerificationError::LogKind);
    }
    match (&*kind.kind, &*kind.api_version, &logged.content) {
        ("hashedrekord", "0.0.1", Content::Bytes(_) | Content::Known(_)) => hashedrekord(&spec(body)?, logged),
        ("dsse", "0.0.1", Content::Envelope { payload, .. }) => dsse(&spec(body)?, payload, logged),
        ("intoto", "0.0.2", Content::Envelope { payload_type, payload, .. }) => {
            intoto(&spec(body)?, payload_type, payload, logged)
        }
        ("hashedrekord", "0.0.2", _) => return rekor_2(body, logged).map(|()| true),
        _ => return Err(VerificationError::LogKind),
    }
    .map(|()| false)
}

fn spec<'b, S: Deserialize<'b>>(body: &'b [u8]) -> Result<S, VerificationError> {
    object(body).map(|body: Body<S>| body.spec).ok_or(VerificationError::LogForm)
}

fn hashedrekord(spec: &HashedRekord, logged: &Logged<'_>) -> Result<(), VerificationError> {
    check_hash(&spec.data.hash, |hash| logged.content.hash(hash))?;
    check_signature(&spec.signature.content, logged)?;
    check_signer(&spec.signature.public_key.content, logged)
}

fn dsse(spec: &Dsse, payload: &[u8], logged: &Logged<'_>) -> Result<(), VerificationError> {
    check_hash(&spec.payload_hash, |hash| Some(hash.of(payload)))?;
    let [signature] = spec.signatures.as_slice() else { return Err(VerificationError::LogSignature) };
    check_signature(&signature.signature, logged)?;
    check_signer(&signature.verifier, logged)
}

fn intoto(
    spec: &Intoto,
    payload_type: &str,
    payload: &[u8],
    logged: &Logged<'_>,
) -> Result<(), VerificationError> {
    check_hash(&spec.content.payload_hash, |hash| Some(hash.of(payload)))?;
    let envelope = &spec.content.envelope;
    if envelope.payload_type != payload_type {
        return Err(VerificationError::LogPayload);
    }
    let [signature] = envelope.signatures.as_slice() else { return Err(VerificationError::LogSignature) };
    // Those clients put the signature into base64 twice.
    let once = Base64::decode_vec(&signature.sig).ok().and_then(|text| String::from_utf8(text).ok());
    check_signature(&once.ok_or(VerificationError::LogSignature)?, logged)?;
    check_signer(&signature.public_key, logged)
}

/// An entry of Rekor 2 (Rekor 2 specification, "hashedrekord", version 0.0.2): the body is written in one form only (RFC 8785), so it is written again and compared.
fn rekor_2(body: &[u8], logged: &Logged<'_>) -> Result<(), VerificationError> {
    let key = match logged.by {
        LoggedBy::Key(key) | LoggedBy::Certificate(_, key) => key,
    };
    let verifier = match logged.by {
        LoggedBy::Key(key) => format!(r#""publicKey":{{"rawBytes":"{}"}}"#, Base64::encode_string(key.spki())),
        LoggedBy::Certificate(der, _) => {
            format!(r#""x509Certificate":{{"rawBytes":"{}"}}"#, Base64::encode_string(der))
        }
    };
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
    // Which part differs is only for the message.
    let has = |part: &str| body.windows(part.len().max(1)).any(|window| window == part.as_bytes());
    let is_of_content = ways.iter().filter_map(|(_, hash)| logged.content.hash(*hash));
    Err(match () {
        () if !is_of_content.into_iter().any(|hash| has(&Base64::encode_string(&hash))) => VerificationError::LogPayload,
        () if !has(&signature) => VerificationError::LogSignature,
        () if !has(&verifier) => VerificationError::LogKey,
        () => VerificationError::LogForm,
    })
}

/// How Rekor 2 names a key, with the hash that is signed (Sigstore protobuf-specs, "PublicKeyDetails").
fn key_details(key: &PublicKey) -> Vec<(String, Hash)> {
    match key.algorithm {
        Algorithm::P256 => vec![("PKIX_ECDSA_P256_SHA_256".to_owned(), Hash::Sha256)],
        Algorithm::P384 => vec![("PKIX_ECDSA_P384_SHA_384".to_owned(), Hash::Sha384)],
        Algorithm::Ed25519 => vec![("PKIX_ED25519_PH".to_owned(), Hash::Sha512)],
        Algorithm::Rsa => {
            let bits = key.rsa_bits().unwrap_or_default();
            vec![(format!("PKIX_RSA_PKCS1V15_{bits}_SHA256"), Hash::Sha256)]
        }
    }
}

fn check_hash(written: &Hashed, of: impl FnOnce(Hash) -> Option<Vec<u8>>) -> Result<(), VerificationError> {
    let hash = match &*written.algorithm {
        "sha256" => Hash::Sha256,
        "sha384" => Hash::Sha384,
        "sha512" => Hash::Sha512,
        _ => return Err(VerificationError::LogPayload),
    };
    let is_same = of(hash).is_some_and(|bytes| hex(&bytes) == written.value);
    is_same.then_some(()).ok_or(VerificationError::LogPayload)
}

fn check_signature(content: &str, logged: &Logged<'_>) -> Result<(), VerificationError> {
    let is_same = Base64::decode_vec(content).ok().as_deref() == Some(logged.signature);
    is_same.then_some(()).ok_or(VerificationError::LogSignature)
}

/// Is this the key or the certificate that is meant, in PEM in base64?
fn check_signer(content: &str, logged: &Logged<'_>) -> Result<(), VerificationError> {
    let text = Base64::decode_vec(content).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let is_meant = |text: String| match logged.by {
        LoggedBy::Key(key) => PublicKey::parse(&text).is_ok_and(|other| other == *key),
        LoggedBy::Certificate(der, _) => {
            certificates(&text, 1).is_some_and(|found| matches!(found.as_slice(), [one] if one.as_bytes() == der))
        }
    };
    text.is_some_and(is_meant).then_some(()).ok_or(VerificationError::LogKey)
}

/// The object that these bytes are, and nothing else: serde takes a list for one, too.
pub(super) fn object<'d, T: Deserialize<'d>>(json: &'d [u8]) -> Option<T> {
    if json.len() > MAX_TEXT || !json.starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(json).ok()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_up_to_a_length() {
        let json = r#"{"apiVersion":"0.0.1","kind":"hashedrekord"}"#;
        let filled = |length: usize| json.to_owned() + &" ".repeat(length - json.len());
        let rows = [
            (json.to_owned(), true, "an object"),
            (r#"["0.0.1","hashedrekord"]"#.to_owned(), false, "a list of the same"),
            (filled(MAX_TEXT), true, "as long as may be"),
            (filled(MAX_TEXT + 1), false, "one byte longer"),
        ];
        for (json, expected, why) in rows {
            assert_eq!(object::<Kind>(json.as_bytes()).is_some(), expected, "{why}");
        }
    }
}
