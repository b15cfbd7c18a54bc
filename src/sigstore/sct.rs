//! Did a trusted certificate transparency (CT) log see this certificate before it was used?
//!
//! The CA puts signed certificate timestamps (RFC 6962, section 3.2) into the certificate (section 3.3). One by a trusted log is enough. Those of other logs are
//! ignored.

use std::time::Duration;

use der::Decode as _;
use x509_cert::ext::pkix::{
    SignedCertificateTimestampList,
    sct::{HashAlgorithm, SignatureAlgorithm, SignedCertificateTimestamp, Version},
};

use super::{
    Leaf, VerificationError,
    trusted_root::{Log, Logs},
};
use crate::{
    image::Digest,
    signing::{key::Algorithm, signature::Message},
    time::UnixTime,
};

/// The most SCTs of one certificate that are looked at. Fulcio's certificates have one.
const MAX_SCTS: usize = 8;

/// `signature_type` certificate_timestamp and `entry_type` precert_entry.
const CERTIFICATE_TIMESTAMP: u8 = 0;
const PRECERT_ENTRY: [u8; 2] = [0, 1];

/// Checks that one of `logs` made an SCT of `leaf`. `issuer` is the SHA-256 of the key that issued `leaf`.
pub(crate) fn check(leaf: &Leaf, issuer: Digest, logs: &Logs) -> Result<(), VerificationError> {
    let scts = leaf.scts.as_deref().ok_or(VerificationError::NoSct)?;
    let scts = SignedCertificateTimestampList::from_der(scts).map_err(|_| VerificationError::Sct)?;
    let scts = scts.parse_timestamps().map_err(|_| VerificationError::Sct)?;
    if scts.len() > MAX_SCTS {
        return Err(VerificationError::Sct);
    }
    let logged = leaf.logged().ok_or(VerificationError::Sct)?;
    let mut is_known = scts.is_empty();
    for sct in scts {
        let sct = sct.parse_timestamp().map_err(|_| VerificationError::Sct)?;
        let is_trusted = |log: &&Log| {
            log.key.fingerprint().bytes() == sct.log_id.key_id
                && log.period.contains(UnixTime::since_epoch(Duration::from_millis(sct.timestamp)))
        };
        let Some(log) = logs.list.iter().find(is_trusted) else { continue };
        is_known = true;
        let signed = signed(&sct, issuer, &logged).ok_or(VerificationError::Sct)?;
        let is_named = match log.key.algorithm {
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => {
                sct.signature.algorithm.signature == SignatureAlgorithm::Ecdsa
            }
            Algorithm::Rsa => sct.signature.algorithm.signature == SignatureAlgorithm::Rsa,
            // The version of TLS that defines these signatures has no identifier for Ed25519.
            Algorithm::Ed25519 => false,
        };
        if is_named && log.key.signed(Message::Bytes(&signed), sct.signature.signature.as_slice()) {
            return Ok(());
        }
    }
    Err(if is_known { VerificationError::Sct } else { VerificationError::CtLogUnknown(logs.origin) })
}

/// What a log signs (RFC 6962, section 3.2).
fn signed(sct: &SignedCertificateTimestamp, issuer: Digest, logged: &[u8]) -> Option<Vec<u8>> {
    if sct.version != Version::V1 || sct.signature.algorithm.hash != HashAlgorithm::Sha256 {
        return None;
    }
    let length = u32::try_from(logged.len()).ok()?.to_be_bytes();
    let [0, length @ ..] = length else { return None };
    let extensions = sct.extensions.as_slice();
    let mut signed = vec![0, CERTIFICATE_TIMESTAMP];
    signed.extend(sct.timestamp.to_be_bytes());
    signed.extend(PRECERT_ENTRY);
    signed.extend(issuer.bytes());
    signed.extend(length);
    signed.extend(logged);
    signed.extend(u16::try_from(extensions.len()).ok()?.to_be_bytes());
    signed.extend(extensions);
    Some(signed)
}
