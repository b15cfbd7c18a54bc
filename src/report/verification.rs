//! Which check did a signature fail, in words, and what would help?

use std::fmt;

use super::quoted;
use crate::{
    sigstore::{CertificateIdentity, Origin, PUBLIC_GOOD_DATE, TextMatcher, VerificationError, Workflow, WorkflowFile},
    text::Shown,
};

impl VerificationError {
    /// The check as one stable word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            VerificationError::Certificate => "certificate-form",
            VerificationError::Key => "certificate-key",
            VerificationError::Purpose => "certificate-purpose",
            VerificationError::Subject => "certificate-subject",
            VerificationError::Issuer | VerificationError::Issuers => "certificate-issuer",
            VerificationError::Identity(..) => "certificate-identity",
            VerificationError::Repository(_) => "certificate-repository",
            VerificationError::Reference(_) => "certificate-reference",
            VerificationError::Claim(..) => "certificate-claim",
            VerificationError::NoLogEntry => "log-entry-missing",
            VerificationError::LogForm => "log-entry-form",
            VerificationError::LogKind => "log-entry-kind",
            VerificationError::LogPayload => "log-entry-payload",
            VerificationError::LogSignature => "log-entry-signature",
            VerificationError::LogKey => "log-entry-key",
            VerificationError::LogUnknown(_) => "log-entry-log",
            VerificationError::LogTime => "log-entry-time",
            VerificationError::Expired => "certificate-validity",
            VerificationError::Signature => "signature",
            VerificationError::Chain => "certificate-chain",
            VerificationError::Path(_) => "certificate-path",
            VerificationError::NoSct => "certificate-timestamp-missing",
            VerificationError::CtLogUnknown(_) | VerificationError::Sct => "certificate-timestamp",
            VerificationError::SignedEntryTimestamp => "log-entry-promise",
            VerificationError::Checkpoint => "log-entry-checkpoint",
            VerificationError::LogProof => "log-entry-proof",
            VerificationError::TimestampForm => "timestamp-form",
            VerificationError::TimestampContent => "timestamp-content",
            VerificationError::TimestampUnknown(_) => "timestamp-authority",
            VerificationError::TimestampSignature => "timestamp-signature",
            VerificationError::NoTime => "timestamp-missing",
            VerificationError::TimestampTime => "timestamp-time",
        }
    }

    /// What would make the signature pass, despite this error.
    pub(super) fn help(&self) -> &'static str {
        match self {
            VerificationError::Identity(..) => {
                "have it signed by the identity that the trust root names, or correct the trust root"
            }
            VerificationError::Repository(_) => {
                "have it signed by a workflow that runs for the repository that the trust root names; or leave out `repo`, if several repositories of one owner call this workflow"
            }
            VerificationError::Reference(_) => {
                "have it signed by a workflow that runs for the git reference that the trust root names"
            }
            VerificationError::Claim(..) => {
                "have it signed by a workflow with the `claims` that the trust root asks for"
            }
            VerificationError::Certificate
            | VerificationError::Key
            | VerificationError::Purpose
            | VerificationError::Subject
            | VerificationError::Issuer
            | VerificationError::Issuers => "have it signed with another certificate",
            VerificationError::NoLogEntry => {
                "sign it again with an entry in the transparency log (cosign sign --tlog-upload=true)"
            }
            VerificationError::LogUnknown(Origin::Module)
            | VerificationError::Path(Origin::Module)
            | VerificationError::CtLogUnknown(Origin::Module)
            | VerificationError::TimestampUnknown(Origin::Module) => {
                "if it was signed with today's public-good instance, use a newer version of this policy or give that instance's trusted_root.json as `trustedRoot`; else give the trusted_root.json of the instance that it was signed with"
            }
            VerificationError::LogUnknown(_)
            | VerificationError::SignedEntryTimestamp
            | VerificationError::Path(_)
            | VerificationError::CtLogUnknown(_)
            | VerificationError::TimestampUnknown(_)
            | VerificationError::Checkpoint
            | VerificationError::Sct => {
                "check that `trustedRoot` or `certificate.ca` has the authorities and logs that it was signed with; then sign it again"
            }
            VerificationError::Expired => {
                "sign it again with a valid certificate, or with a transparency log entry that says when the certificate was used"
            }
            VerificationError::NoTime => {
                "sign it again with a transparency log or a time-stamping authority, so that something says when the certificate was used"
            }
            VerificationError::LogForm
            | VerificationError::LogKind
            | VerificationError::LogProof
            | VerificationError::TimestampForm
            | VerificationError::TimestampContent
            | VerificationError::TimestampSignature
            | VerificationError::TimestampTime
            | VerificationError::LogPayload
            | VerificationError::LogSignature
            | VerificationError::LogKey
            | VerificationError::LogTime
            | VerificationError::Chain
            | VerificationError::NoSct
            | VerificationError::Signature => {
                "remove the signature (cosign clean), then sign the image again with cosign"
            }
        }
    }

    /// The error, as one sentence for people.
    pub(super) fn sentence(&self) -> String {
        match self {
            VerificationError::Certificate => {
                "malformed certificate: expected one X.509 certificate of version 3 in PEM (in a bundle: in DER), of at most 24 KiB"
                    .to_owned()
            }
            VerificationError::Key => "the certificate has a key of an unsupported algorithm".to_owned(),
            VerificationError::Purpose => "the certificate is not for code signing".to_owned(),
            VerificationError::Subject => {
                "malformed certificate: expected exactly one subject alternative name (SAN) of a known type".to_owned()
            }
            VerificationError::Issuer => "the issuer extension of the certificate cannot be read".to_owned(),
            VerificationError::Issuers => "the two issuer extensions of the certificate differ".to_owned(),
            VerificationError::Identity(subject, Some(issuer)) => {
                format!("the certificate is for {} by issuer {}", quoted(subject), quoted(issuer))
            }
            VerificationError::Identity(subject, None) => format!("the certificate is for {}", quoted(subject)),
            VerificationError::Repository(_) => "the workflow ran for another repository".to_owned(),
            VerificationError::Reference(_) => "the workflow ran for another git reference".to_owned(),
            VerificationError::Claim(claim, Some(found)) => {
                format!("the certificate has {} as `{claim}`", quoted(found))
            }
            VerificationError::Claim(claim, None) => format!("the certificate has no `{claim}`"),
            VerificationError::NoLogEntry => "the signature has no transparency log entry".to_owned(),
            VerificationError::LogForm => "the transparency log entry cannot be read".to_owned(),
            VerificationError::LogKind => {
                "the transparency log entry is of an unsupported type: expected hashedrekord 0.0.1 or 0.0.2, dsse 0.0.1 or intoto 0.0.2".to_owned()
            }
            VerificationError::LogPayload => "the transparency log entry is for another payload".to_owned(),
            VerificationError::LogSignature => "the transparency log entry is for another signature".to_owned(),
            VerificationError::LogKey => "the transparency log entry is for another key or certificate".to_owned(),
            VerificationError::LogUnknown(origin) => {
                format!("at the time of its entry, the transparency log was unknown to {origin}")
            }
            VerificationError::LogTime => {
                "the certificate was not valid at the time of the transparency log entry".to_owned()
            }
            VerificationError::Expired => "the certificate is not valid now".to_owned(),
            VerificationError::Signature => "the key of the certificate did not make this signature".to_owned(),
            VerificationError::Chain => {
                "malformed certificate chain: expected at most 6 certificates in PEM".to_owned()
            }
            VerificationError::Path(origin) => {
                format!("the certificate was not issued by an authority that was trusted at that time by {origin}")
            }
            VerificationError::NoSct => "the certificate has no signed certificate timestamp (SCT)".to_owned(),
            VerificationError::CtLogUnknown(origin) => {
                format!("at the time of the signed certificate timestamp (SCT), its log was unknown to {origin}")
            }
            VerificationError::Sct => {
                "the signed certificate timestamp (SCT) is not valid for this certificate".to_owned()
            }
            VerificationError::SignedEntryTimestamp => {
                "the transparency log did not sign this entry (signed entry timestamp)".to_owned()
            }
            VerificationError::Checkpoint => {
                "the checkpoint of the inclusion proof cannot be read, or is not signed by the transparency log".to_owned()
            }
            VerificationError::LogProof => {
                "the inclusion proof does not lead from the transparency log entry to the checkpoint".to_owned()
            }
            VerificationError::TimestampForm => {
                "the timestamp cannot be read: expected a granted RFC 3161 response in DER, of at most 16 KiB".to_owned()
            }
            VerificationError::TimestampContent => "the timestamp is for another signature".to_owned(),
            VerificationError::TimestampUnknown(origin) => {
                format!("the timestamp was not made by a time-stamping authority that was trusted at that time by {origin}")
            }
            VerificationError::TimestampSignature => {
                "the timestamp names the certificate of a trusted time-stamping authority, which did not sign it or was not trusted at its time".to_owned()
            }
            VerificationError::NoTime => {
                "neither a transparency log nor a time-stamping authority says when the certificate was used".to_owned()
            }
            VerificationError::TimestampTime => "the certificate was not valid at the time of the timestamp".to_owned(),
        }
    }
}

/// The trusted root that does not know an authority or a log, as a part of a sentence.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Module => write!(f, "the built-in trusted root of {PUBLIC_GOOD_DATE}"),
            Origin::Validator => f.write_str("the trusted root of the validator"),
            Origin::TrustRoot => f.write_str("the `certificate.ca` of the trust root"),
        }
    }
}

/// The identity as words of a message that says what was expected.
impl fmt::Display for CertificateIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateIdentity::Named { issuer, subject, .. } => {
                write!(f, "{subject}")?;
                issuer.as_ref().map_or(Ok(()), |issuer| write!(f, " by {issuer}"))
            }
            CertificateIdentity::Workflow(Workflow { issuer, server, owner, repo, workflow, reference }) => {
                write!(f, "a workflow of {}{}", Shown(server), Shown(owner))?;
                repo.as_ref().map_or(Ok(()), |repo| write!(f, "/{}", Shown(repo)))?;
                match workflow {
                    None => Ok(()),
                    Some(WorkflowFile::Name(file) | WorkflowFile::Path(file, None)) => {
                        write!(f, ", file \"{}\"", Shown(file))
                    }
                    Some(WorkflowFile::Path(file, Some(at))) => {
                        write!(f, ", file \"{}\" at \"{}\"", Shown(file), Shown(at))
                    }
                }?;
                reference.as_ref().map_or(Ok(()), |reference| write!(f, ", at \"{}\"", Shown(reference)))?;
                write!(f, ", by \"{}\"", Shown(issuer))
            }
        }
    }
}

impl fmt::Display for TextMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextMatcher::Exact(text) => write!(f, "\"{}\"", Shown(text)),
            TextMatcher::Regex(expression) => write!(f, "a name that matches \"{}\"", Shown(expression.text())),
            TextMatcher::Prefix(start) => write!(f, "a name that begins with \"{}\"", Shown(start)),
        }
    }
}
