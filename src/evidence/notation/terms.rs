//! What does a signature of Notation have to prove? (Notary Project, "Trust Store and Trust Policy")

use std::collections::BTreeMap;

use super::{envelope::Scheme, name::TrustedIdentity};
use crate::{
    signing::certificate::{Certificate, certificates},
    time::UnixTime,
};

/// The most certificates of a trust store.
const MAX_CERTIFICATES: usize = 20;

/// The certificates of a trust root, and who may sign with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustStore {
    /// Who has to say when a signature was made. Certificates for one scheme never count for the other.
    pub scheme: Scheme,
    /// The certificates of CAs and signers, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// The roots of time-stamping authorities, in DER.
    pub timestamp_roots: Vec<Vec<u8>>,
    /// The signers that are trusted. Without a list, everybody whom a certificate of the store vouches for.
    pub identities: Option<Vec<TrustedIdentity>>,
}

impl TrustStore {
    /// The certificates in a PEM text, in DER. It is `None` if there is none, or one that cannot be read or has a key of an unsupported kind.
    #[must_use]
    pub fn certificates(pem: &str) -> Option<Vec<Vec<u8>>> {
        let all = certificates(pem, MAX_CERTIFICATES)?;
        let is_usable = |der: &Vec<u8>| Certificate::read(der).is_some_and(|certificate| certificate.key().is_some());
        let all: Vec<Vec<u8>> = all.iter().map(|document| document.as_bytes().to_vec()).collect();
        (!all.is_empty() && all.iter().all(is_usable)).then_some(all)
    }

    /// The end of a certificate of the store.
    #[must_use]
    pub fn end_of(certificate: &[u8]) -> Option<UnixTime> {
        Certificate::read(certificate)?.validity().end
    }

    /// Whether timestamps are compared with it.
    #[must_use]
    pub fn has_timestamp_roots(&self) -> bool {
        !self.timestamp_roots.is_empty()
    }
}

/// What becomes of a check that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// The signature does not count.
    Enforce,
    /// The signature counts, and it is told that the check failed.
    Log,
    /// The check is left out.
    Skip,
}

/// The level of a verification: what becomes of each check that fails. Integrity is always enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerificationLevel {
    /// Whether a certificate of the trust store vouches for the signer, who is trusted.
    pub authenticity: Enforcement,
    /// Whether the certificates were valid when the signature was made.
    pub authentic_timestamp: Enforcement,
    /// Whether the signature has not expired.
    pub expiry: Enforcement,
    /// Whether the certificates were not revoked.
    pub revocation: Enforcement,
}

impl VerificationLevel {
    /// `strict`: everything is enforced.
    pub const STRICT: VerificationLevel = VerificationLevel {
        authenticity: Enforcement::Enforce,
        authentic_timestamp: Enforcement::Enforce,
        expiry: Enforcement::Enforce,
        revocation: Enforcement::Enforce,
    };
    /// `permissive`: only integrity and authenticity are enforced.
    pub const PERMISSIVE: VerificationLevel = VerificationLevel {
        authentic_timestamp: Enforcement::Log,
        expiry: Enforcement::Log,
        revocation: Enforcement::Log,
        ..VerificationLevel::STRICT
    };
    /// `audit`: only integrity is enforced.
    pub const AUDIT: VerificationLevel =
        VerificationLevel { authenticity: Enforcement::Log, ..VerificationLevel::PERMISSIVE };
}

/// What every signature of Notation has to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotationTerms {
    /// What becomes of checks that fail.
    pub level: VerificationLevel,
    /// Whether timestamps are only looked at once a certificate has expired.
    pub timestamp_after_expiry: bool,
    /// The annotations that the signed payload has to have ("user metadata").
    pub annotations: BTreeMap<String, String>,
}
