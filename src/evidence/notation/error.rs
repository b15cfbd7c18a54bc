//! Which check did a signature of Notation fail?

use super::ChainError;
use crate::time::UnixTime;

/// The check that a signature failed, in the order in which most signatures get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotationError {
    /// It is not an envelope of JWS or COSE that follows the specification.
    Envelope,
    /// The payload is not that of a signature of an image.
    Payload,
    /// The signature is for another image.
    OtherImage,
    /// The trust root is for signatures of the other scheme.
    Scheme,
    /// No certificate of the signature is in the trust store. This is the signer's name.
    Untrusted(String),
    /// The trust root does not trust the signer with this name.
    Identity(String),
    /// The signature lacks these annotations (`key=value`).
    Annotations(Vec<String>),
    /// The signature has a critical attribute that is not known.
    Critical(String),
    /// The signature has expired at this time.
    Expired(UnixTime),
    /// The algorithm is not the one that the signer's key may have.
    Algorithm,
    /// The signer's key did not make the signature.
    Signature,
    /// The chain of certificates breaks this rule.
    Chain(ChainError),
    /// The timestamp does not count.
    Timestamp(TimestampError),
    /// A certificate is not valid now, and no timestamp says that it was when the signature was made. This is the end of the first certificate that ended, if one has.
    CertificateExpired(Option<UnixTime>),
    /// A certificate was not valid at the time that the signing authority says.
    AuthenticTime(UnixTime),
    /// The CA has revoked this certificate.
    Revoked(String),
    /// Nobody told whether this certificate was revoked.
    RevocationUnknown(String),
}

impl NotationError {
    /// Whether the signature was made by a signer whom the chain certifies, so that only time or revocation speaks against it.
    pub(crate) fn is_of_the_signer(&self) -> bool {
        match self {
            NotationError::Timestamp(_)
            | NotationError::CertificateExpired(_)
            | NotationError::AuthenticTime(_)
            | NotationError::Revoked(_)
            | NotationError::RevocationUnknown(_) => true,
            NotationError::Envelope
            | NotationError::Payload
            | NotationError::OtherImage
            | NotationError::Scheme
            | NotationError::Untrusted(_)
            | NotationError::Identity(_)
            | NotationError::Annotations(_)
            | NotationError::Critical(_)
            | NotationError::Expired(_)
            | NotationError::Algorithm
            | NotationError::Signature
            | NotationError::Chain(_) => false,
        }
    }
}

/// The reason for which a timestamp does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimestampError {
    /// There is none.
    None,
    /// It is not a time-stamp token in DER.
    Form,
    /// It is not about this signature.
    Content,
    /// Its certificate does not lead to the trust store.
    Unknown,
    /// The certificate that it names did not sign it.
    Signature,
    /// The chain of its certificates breaks a rule.
    Chain,
    /// One of its certificates was not valid at its time.
    Expired,
    /// One of its certificates was revoked.
    Revoked,
    /// A certificate of the signature was not valid at its time.
    Outside,
}
