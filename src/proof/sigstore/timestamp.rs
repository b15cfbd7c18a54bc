//! Did a CT log that is trusted see this certificate before it was used?
//!
//! A signed certificate timestamp (RFC 6962, section 3.2) that the CA put into the certificate (section 3.3). One by a trusted log is enough; those of
//! other logs say nothing.

use std::time::Duration;

use der::Decode as _;
use x509_cert::ext::pkix::{
    SignedCertificateTimestampList,
    sct::{HashAlgorithm, SignatureAlgorithm, SignedCertificateTimestamp, Version},
};

use super::{
    Step,
    certificate::Leaf,
    trusted_root::{Log, Logs},
};
use crate::{
    image::Digest,
    proof::{key::Algorithm, signature::Message},
};

/// Most timestamps of one certificate that are looked at; Fulcio has one.
const MAX_TIMESTAMPS: usize = 8;

/// `signature_type` certificate_timestamp and `entry_type` precert_entry.
const CERTIFICATE_TIMESTAMP: u8 = 0;
const PRECERT_ENTRY: [u8; 2] = [0, 1];

/// Is there a timestamp of `leaf`, which the key with the SHA-256 `issuer` issued, by one of `logs`?
pub(super) fn seen(leaf: &Leaf, issuer: Digest, logs: &Logs) -> Result<(), Step> {
    let timestamps = leaf.timestamps.as_deref().ok_or(Step::NoTimestamp)?;
    let timestamps = SignedCertificateTimestampList::from_der(timestamps).map_err(|_| Step::Timestamp)?;
    let timestamps = timestamps.parse_timestamps().map_err(|_| Step::Timestamp)?;
    if timestamps.len() > MAX_TIMESTAMPS {
        return Err(Step::Timestamp);
    }
    let logged = leaf.logged().ok_or(Step::Timestamp)?;
    let mut is_known = timestamps.is_empty();
    for timestamp in timestamps {
        let timestamp = timestamp.parse_timestamp().map_err(|_| Step::Timestamp)?;
        let is_trusted = |log: &&Log| {
            log.key.fingerprint().bytes() == timestamp.log_id.key_id
                && log.period.contains(Duration::from_millis(timestamp.timestamp))
        };
        let Some(log) = logs.list.iter().find(is_trusted) else { continue };
        is_known = true;
        let signed = signed(&timestamp, issuer, &logged).ok_or(Step::Timestamp)?;
        let is_named = match log.key.algorithm {
            Algorithm::P256 | Algorithm::P384 => timestamp.signature.algorithm.signature == SignatureAlgorithm::Ecdsa,
            Algorithm::Rsa => timestamp.signature.algorithm.signature == SignatureAlgorithm::Rsa,
            // No version of TLS for which such signatures are written has a name for it.
            Algorithm::Ed25519 => false,
        };
        if is_named && log.key.signed(Message::Bytes(&signed), timestamp.signature.signature.as_slice()) {
            return Ok(());
        }
    }
    Err(if is_known { Step::Timestamp } else { Step::CtLogUnknown(logs.origin) })
}

/// What a log signs (RFC 6962, section 3.2).
fn signed(timestamp: &SignedCertificateTimestamp, issuer: Digest, logged: &[u8]) -> Option<Vec<u8>> {
    if timestamp.version != Version::V1 || timestamp.signature.algorithm.hash != HashAlgorithm::Sha256 {
        return None;
    }
    let length = u32::try_from(logged.len()).ok()?.to_be_bytes();
    let [0, length @ ..] = length else { return None };
    let extensions = timestamp.extensions.as_slice();
    let mut signed = vec![0, CERTIFICATE_TIMESTAMP];
    signed.extend(timestamp.timestamp.to_be_bytes());
    signed.extend(PRECERT_ENTRY);
    signed.extend(issuer.bytes());
    signed.extend(length);
    signed.extend(logged);
    signed.extend(u16::try_from(extensions.len()).ok()?.to_be_bytes());
    signed.extend(extensions);
    Some(signed)
}
