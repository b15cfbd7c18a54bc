//! What does a Sigstore bundle hold?
//!
//! The format is that of the Sigstore protobuf-specs, `sigstore_bundle.proto`, versions 0.1 to 0.3, in protobuf's JSON. Unknown members are ignored. Numbers that are
//! zero and lists that are empty may be left out. Nothing in a bundle is trusted.

use der::{Decode as _, Document};
use serde_json::value::RawValue;

use super::envelope::Envelope;
use crate::{
    image::Digest,
    json::{bytes_of, entries, members, text},
    signing::{certificate::Certificate, path::MAX_CHAIN},
    sigstore::tlog_entry::{self, TlogEntry},
};

/// The most log entries of a bundle, and the most timestamps.
const MAX_PROOFS: usize = 32;
/// The largest certificate, in bytes.
const MAX_CERTIFICATE: usize = 16 * 1024;

/// A bundle: one signature and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// The signer's certificate. It is `None` if a key without a certificate signed.
    pub(crate) certificate: Option<Document>,
    /// The certificates of CAs in the bundle.
    pub(crate) chain: Vec<Document>,
    /// Entries of transparency logs.
    pub(crate) entries: Vec<TlogEntry>,
    /// Responses of time-stamping authorities.
    pub(crate) timestamps: Vec<Vec<u8>>,
    /// The bytes of the signature.
    pub(crate) signature: Vec<u8>,
    /// What was signed.
    pub(crate) content: BundleContent,
}

/// What the signature of a bundle covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BundleContent {
    /// A file with this digest.
    Message(Digest),
    /// A DSSE envelope.
    Envelope(Envelope),
}

/// The reason for which bytes are not a bundle that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BundleError {
    /// The bytes are not the JSON of a bundle.
    Form,
    /// The version is unknown.
    Version,
    /// The certificate or the key is missing or unreadable, or there is more than one.
    Material,
    /// The bundle contains a self-signed certificate, as old clients wrote it.
    Root,
    /// The signature is missing, there is more than one, or its content cannot be read.
    Content,
    /// The signature covers a digest of another algorithm than SHA-256.
    MessageDigest,
    /// A log entry cannot be read, occurs twice, or lacks the proof that this version of bundles requires.
    LogEntry,
    /// A timestamp cannot be read, or there are too many.
    Timestamp,
}

/// The versions of bundles that differ in what they require.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Version 0.1: log entries have a signed entry timestamp.
    V1,
    /// Version 0.2: log entries have an inclusion proof.
    V2,
    /// Version 0.3: log entries have an inclusion proof, and there are no certificates of CAs.
    V3,
}

impl Version {
    fn of(media_type: &str) -> Option<Version> {
        Some(match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Version::V1,
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Version::V2,
            "application/vnd.dev.sigstore.bundle+json;version=0.3"
            | "application/vnd.dev.sigstore.bundle.v0.3+json" => Version::V3,
            _ => return None,
        })
    }
}

impl Bundle {
    /// Reads the JSON of a bundle.
    ///
    /// # Errors
    /// The first part that is not as the version requires.
    pub(crate) fn read(json: &[u8]) -> Result<Bundle, BundleError> {
        let bundle: &RawValue = serde_json::from_slice(json).map_err(|_| BundleError::Form)?;
        let keys = ["mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"];
        let [media_type, material, message, envelope] = members(bundle, keys).map_err(|_| BundleError::Form)?;
        let media_type = media_type.and_then(|media_type| text(media_type).ok()).ok_or(BundleError::Form)?;
        let version = Version::of(&media_type).ok_or(BundleError::Version)?;
        let keys = ["certificate", "x509CertificateChain", "publicKey", "tlogEntries", "timestampVerificationData"];
        let [certificate, chain, key, tlog_entries, timestamps] =
            members(material.ok_or(BundleError::Material)?, keys).map_err(|_| BundleError::Material)?;
        let (certificate, chain) = match (certificate, chain, key) {
            (Some(certificate), None, None) => (Some(read_certificate(certificate)?), Vec::new()),
            (None, Some(chain), None) if version != Version::V3 => read_chain(chain)?,
            (None, None, Some(_)) => (None, Vec::new()),
            _ => return Err(BundleError::Material),
        };
        let (signature, content) = match (message, envelope) {
            (Some(message), None) => read_message(message)?,
            (None, Some(envelope)) => {
                let (signature, envelope) = Envelope::read(envelope).ok_or(BundleError::Content)?;
                (signature, BundleContent::Envelope(envelope))
            }
            _ => return Err(BundleError::Content),
        };
        Ok(Bundle {
            certificate,
            chain,
            entries: tlog_entries.map_or(Ok(Vec::new()), |list| read_entries(list, version))?,
            timestamps: timestamps.map_or(Some(Vec::new()), read_timestamps).ok_or(BundleError::Timestamp)?,
            signature,
            content,
        })
    }
}

fn read_certificate(json: &RawValue) -> Result<Document, BundleError> {
    let read = || {
        let der = bytes_of(members(json, ["rawBytes"]).ok()?[0]?)?;
        if der.len() > MAX_CERTIFICATE {
            return None;
        }
        Document::from_der(&der).ok()
    };
    read().ok_or(BundleError::Material)
}

/// The signer's certificate, and the certificates of the CAs above it.
fn read_chain(json: &RawValue) -> Result<(Option<Document>, Vec<Document>), BundleError> {
    let [list] = members(json, ["certificates"]).map_err(|_| BundleError::Material)?;
    let list = list.and_then(|list| entries(list).ok()).ok_or(BundleError::Material)?;
    let mut chain =
        list.into_iter().take(MAX_CHAIN.saturating_add(2)).map(read_certificate).collect::<Result<Vec<_>, _>>()?;
    let is_root = |document: &Document| {
        let names = Certificate::read(document.as_bytes()).and_then(|certificate| certificate.names());
        names.is_none_or(|names| names.is_root())
    };
    match chain.len() {
        0 => Err(BundleError::Material),
        number if number > MAX_CHAIN.saturating_add(1) => Err(BundleError::Material),
        _ if chain.iter().any(is_root) => Err(BundleError::Root),
        _ => Ok((Some(chain.remove(0)), chain)),
    }
}

fn read_message(json: &RawValue) -> Result<(Vec<u8>, BundleContent), BundleError> {
    let read = || {
        let [digest, signature] = members(json, ["messageDigest", "signature"]).ok()?;
        let [algorithm, digest] = members(digest?, ["algorithm", "digest"]).ok()?;
        Some((text(algorithm?).ok()?, bytes_of(digest?)?, bytes_of(signature?)?))
    };
    let (algorithm, digest, signature) = read().ok_or(BundleError::Content)?;
    if algorithm != "SHA2_256" {
        return Err(BundleError::MessageDigest);
    }
    let digest = digest.try_into().map(Digest::from_bytes).map_err(|_| BundleError::Content)?;
    Ok((signature, BundleContent::Message(digest)))
}

fn read_entries(json: &RawValue, version: Version) -> Result<Vec<TlogEntry>, BundleError> {
    let entries = tlog_entry::read_all(json, MAX_PROOFS).ok_or(BundleError::LogEntry)?;
    let lacks = |entry: &TlogEntry| match version {
        Version::V1 => !entry.has_promise(),
        Version::V2 | Version::V3 => !entry.has_proof(),
    };
    let is_double =
        |(at, entry): (usize, &TlogEntry)| entries.iter().take(at).any(|earlier| earlier.place() == entry.place());
    if entries.iter().any(lacks) || entries.iter().enumerate().any(is_double) {
        return Err(BundleError::LogEntry);
    }
    Ok(entries)
}

fn read_timestamps(json: &RawValue) -> Option<Vec<Vec<u8>>> {
    let [list] = members(json, ["rfc3161Timestamps"]).ok()?;
    let list = list.map_or(Some(Vec::new()), |list| entries(list).ok())?;
    if list.len() > MAX_PROOFS {
        return None;
    }
    list.into_iter().map(|entry| bytes_of(members(entry, ["signedTimestamp"]).ok()?[0]?)).collect()
}
