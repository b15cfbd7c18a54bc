//! Which check did a signature not pass?
//!
//! The checks in the order in which they are made, cheapest first, each named after the specification that it comes from.

use std::collections::BTreeSet;

use super::Origin;

/// A check that a signature did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationError {
    /// Certificate (RFC 5280, section 4.1): not one, in PEM and DER, of version 3 and without anything twice or left over.
    Certificate,
    /// Its key is of no kind that can be checked.
    Key,
    /// Key usage (RFC 5280, sections 4.2.1.3 and 4.2.1.12): not for digital signatures and code signing.
    Purpose,
    /// Subject alternative name (Fulcio, "Certificate Specification"): not exactly one, of a known kind and form.
    Subject,
    /// Issuer (Fulcio, "OID Information"): it can't be read.
    Issuer,
    /// Issuer: the certificate names it in two extensions, and they differ.
    Issuers,
    /// Its identity is another one: this subject and issuer.
    Identity(String, Option<String>),
    /// Its identity fits, but a workflow of another repository may have used it: these are named.
    Repository(BTreeSet<String>),
    /// Its identity fits, but the workflow ran for another git reference: these are named.
    Reference(BTreeSet<String>),
    /// Its identity fits, but a claim that the trust root asks for is another one, or is not there: its name, and what was found.
    Claim(&'static str, Option<String>),
    /// Log entry (cosign, "Rekor Bundle"): there is none.
    NoLogEntry,
    /// The log entry can't be read.
    LogForm,
    /// The log entry is of another type or version than hashedrekord 0.0.1.
    LogKind,
    /// The log entry is of another payload.
    LogPayload,
    /// The log entry is of another signature.
    LogSignature,
    /// The log entry is of another key or certificate.
    LogKey,
    /// The log entry is by no log that was trusted at its time; these logs are known.
    LogUnknown(Origin),
    /// Validity (RFC 5280, section 4.1.2.5): the certificate was not valid when the entry was made.
    LogTime,
    /// Validity: the certificate is not valid now, and no log entry says when it was used.
    Expired,
    /// The certificates beside the signature can't be read, or are too many.
    Chain,
    /// Path (RFC 5280, section 6.1): no trusted CA issued the certificate, for code signing and for that time; these CAs are known.
    Path(Origin),
    /// Signed certificate timestamp (RFC 6962, section 3.3): there is none in the certificate.
    NoSct,
    /// There is one, but by no log that was trusted at its time; these logs are known.
    CtLogUnknown(Origin),
    /// There is one by a trusted log, but not over this certificate, or it can't be read.
    Sct,
    /// Signed entry timestamp (Rekor): it is not the log's.
    SignedEntryTimestamp,
    /// The log entry has neither a signed entry timestamp nor an inclusion proof.
    NoLogProof,
    /// The checkpoint (C2SP, "tlog-checkpoint") of the inclusion proof can't be read, or is not signed by the log.
    Checkpoint,
    /// Inclusion proof (RFC 6962, section 2.1.1): it does not lead from the entry to the checkpoint's root.
    LogProof,
    /// Timestamp (RFC 3161): it can't be read, or was not granted.
    TimestampForm,
    /// The timestamp is of something else than the signature.
    TimestampContent,
    /// The timestamp is by no time-stamping authority that was trusted at its time; these authorities are known.
    TimestampUnknown(Origin),
    /// The timestamp names the certificate of an authority that is known, but that authority did not sign it, or was not trusted at its time.
    TimestampSignature,
    /// Nothing that is verified says when the certificate was used.
    NoTime,
    /// The certificate was not valid at the time of a timestamp.
    TimestampTime,
    /// Signature: not by the certificate's key over this payload.
    Signature,
}

impl VerificationError {
    /// How far the signature came. The further it came, the likelier it is the one that was meant.
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
            VerificationError::NoLogProof => 24,
            VerificationError::Checkpoint => 25,
            VerificationError::LogProof => 26,
            VerificationError::TimestampForm => 27,
            VerificationError::TimestampContent => 28,
            VerificationError::TimestampUnknown(_) => 29,
            VerificationError::TimestampSignature => 30,
            VerificationError::NoTime => 31,
            VerificationError::TimestampTime => 32,
            VerificationError::Signature => 33,
        }
    }
}
