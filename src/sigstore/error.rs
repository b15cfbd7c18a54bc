//! Which check did a signature fail?
//!
//! The checks stand in the order in which they are made, cheapest first. Each names the specification that it comes from.

use std::collections::BTreeSet;

use super::Origin;

/// A check that a signature failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationError {
    /// Certificate (RFC 5280, section 4.1): it is not exactly one certificate of version 3, or an extension occurs twice, or bytes are left over.
    Certificate,
    /// Certificate: its key is of an unsupported kind.
    Key,
    /// Key usage (RFC 5280, sections 4.2.1.3 and 4.2.1.12): the certificate is not for digital signatures and code signing.
    Purpose,
    /// Subject alternative name (Fulcio, "Certificate Specification"): there is not exactly one, of a known kind and form.
    Subject,
    /// Issuer (Fulcio, "OID Information"): the extension cannot be read.
    Issuer,
    /// Issuer: the certificate has it in two extensions, and they differ.
    Issuers,
    /// Identity: the certificate has this subject and issuer instead.
    Identity(String, Option<String>),
    /// Repository: the identity matches, but the workflow ran for another repository. The certificate names these.
    Repository(BTreeSet<String>),
    /// Git reference: the identity matches, but the workflow ran for another reference. The certificate names these.
    Reference(BTreeSet<String>),
    /// Claim: the identity matches, but a claim that the trust root asks for differs or is missing. The name of the claim, and what was found.
    Claim(&'static str, Option<String>),
    /// Log entry (cosign, "Rekor Bundle"): the signature has none.
    NoLogEntry,
    /// Log entry: it cannot be read.
    LogForm,
    /// Log entry: it has an unknown kind or version.
    LogKind,
    /// Log entry: it is for another payload.
    LogPayload,
    /// Log entry: it is for another signature.
    LogSignature,
    /// Log entry: it is for another key or certificate.
    LogKey,
    /// Log entry: no log that was trusted at its time made it. The known logs come from this origin.
    LogUnknown(Origin),
    /// Validity (RFC 5280, section 4.1.2.5): the certificate was not valid at the time of the log entry.
    LogTime,
    /// Validity: the certificate is not valid now, and neither a log entry nor a timestamp says when it was used.
    Expired,
    /// Chain: the certificates beside the signature cannot be read, or are too many.
    Chain,
    /// Path (RFC 5280, section 6.1): no CA that was trusted at that time issued the certificate for code signing. The known CAs come from this origin.
    Path(Origin),
    /// Signed certificate timestamp (RFC 6962, section 3.3): the certificate has none.
    NoSct,
    /// Signed certificate timestamp: no log that was trusted at its time made it. The known logs come from this origin.
    CtLogUnknown(Origin),
    /// Signed certificate timestamp: it cannot be read, or does not cover this certificate.
    Sct,
    /// Signed entry timestamp (Rekor): the log did not sign it.
    SignedEntryTimestamp,
    /// Checkpoint (C2SP, "tlog-checkpoint"): that of the inclusion proof cannot be read, or is not signed by the log.
    Checkpoint,
    /// Inclusion proof (RFC 6962, section 2.1.1): it does not lead from the entry to the checkpoint's root.
    LogProof,
    /// Timestamp (RFC 3161): it cannot be read, or was not granted.
    TimestampForm,
    /// Timestamp: it does not cover this signature.
    TimestampContent,
    /// Timestamp: no time-stamping authority that was trusted at its time made it. The known authorities come from this origin.
    TimestampUnknown(Origin),
    /// Timestamp: it names the certificate of a known authority, which did not sign it or was not trusted at its time.
    TimestampSignature,
    /// Time: nothing that is verified says when the certificate was used.
    NoTime,
    /// Timestamp: the certificate was not valid at its time.
    TimestampTime,
    /// Signature: the certificate's key did not make it over this payload.
    Signature,
}

impl VerificationError {
    /// The position of the failed check. The later a signature failed, the likelier it is the signature that was meant.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            VerificationError::Certificate => 0,
            VerificationError::Key => 1,
            VerificationError::Purpose => 2,
            VerificationError::Subject => 3,
            VerificationError::Issuer => 4,
            VerificationError::Issuers => 5,
            VerificationError::Identity(..) => 6,
            VerificationError::Repository(_) => 7,
            VerificationError::Reference(_) => 8,
            VerificationError::Claim(..) => 8,
            VerificationError::NoLogEntry => 9,
            VerificationError::LogForm => 10,
            VerificationError::LogKind => 11,
            VerificationError::LogPayload => 12,
            VerificationError::LogSignature => 13,
            VerificationError::LogKey => 14,
            VerificationError::LogUnknown(_) => 15,
            VerificationError::LogTime => 16,
            VerificationError::Expired => 17,
            VerificationError::Chain => 18,
            VerificationError::Path(_) => 19,
            VerificationError::NoSct => 20,
            VerificationError::CtLogUnknown(_) => 21,
            VerificationError::Sct => 22,
            VerificationError::SignedEntryTimestamp => 23,
            VerificationError::Checkpoint => 24,
            VerificationError::LogProof => 25,
            VerificationError::TimestampForm => 26,
            VerificationError::TimestampContent => 27,
            VerificationError::TimestampUnknown(_) => 28,
            VerificationError::TimestampSignature => 29,
            VerificationError::NoTime => 30,
            VerificationError::TimestampTime => 31,
            VerificationError::Signature => 32,
        }
    }
}
