//! Where did a signature turn out to prove nothing?
//!
//! The steps in the order in which they are taken, cheapest first, each named after the specification that it comes from. The further a signature came, the
//! likelier it is the one that was meant.

use std::{collections::BTreeSet, fmt};

use super::trusted_root::Origin;
use crate::shown::Shown;

/// A step that a signature did not pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Certificate (RFC 5280, section 4.1): not one, in PEM and DER, of version 3 and without anything twice or left over.
    Certificate,
    /// Its key is of no kind that can be checked.
    Key,
    /// Key usage (RFC 5280, sections 4.2.1.3 and 4.2.1.12): not for digital signatures and code signing.
    Purpose,
    /// Subject alternative name (Fulcio, "Certificate Specification"): not exactly one, of a known kind and form.
    Subject,
    /// Issuer (Fulcio, "OID Information"): its two forms don't agree, or can't be read.
    Issuer,
    /// Its identity is another one: this subject and issuer.
    Identity(String, Option<String>),
    /// Its identity fits, but a workflow of another repository may have used it: these are named.
    Repository(BTreeSet<String>),
    /// Its identity fits, but the workflow ran for another git reference: these are named.
    Reference(BTreeSet<String>),
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
    NoTimestamp,
    /// There is one, but by no log that was trusted at its time; these logs are known.
    CtLogUnknown(Origin),
    /// There is one by a trusted log, but not over this certificate, or it can't be read.
    Timestamp,
    /// Signed entry timestamp (Rekor): it is not the log's.
    LogPromise,
    /// Signature: not by the certificate's key over this payload.
    Signature,
}

impl Step {
    /// The step as one stable word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Step::Certificate => "certificate-form",
            Step::Key => "certificate-key",
            Step::Purpose => "certificate-purpose",
            Step::Subject => "certificate-subject",
            Step::Issuer => "certificate-issuer",
            Step::Identity(..) => "certificate-identity",
            Step::Repository(_) => "certificate-repository",
            Step::Reference(_) => "certificate-reference",
            Step::NoLogEntry => "log-entry-missing",
            Step::LogForm => "log-entry-form",
            Step::LogKind => "log-entry-kind",
            Step::LogPayload => "log-entry-payload",
            Step::LogSignature => "log-entry-signature",
            Step::LogKey => "log-entry-key",
            Step::LogUnknown(_) => "log-entry-log",
            Step::LogTime => "log-entry-time",
            Step::Expired => "certificate-validity",
            Step::Signature => "signature",
            Step::Chain => "certificate-chain",
            Step::Path(_) => "certificate-path",
            Step::NoTimestamp => "certificate-timestamp-missing",
            Step::CtLogUnknown(_) | Step::Timestamp => "certificate-timestamp",
            Step::LogPromise => "log-entry-promise",
        }
    }

    /// What would make it pass.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Step::Identity(..) => "Have it signed by the identity that the trust root names, or correct the trust root",
            Step::Repository(_) => {
                "Have it signed by a workflow that runs for the repository that the trust root names; for one that several repositories of an owner call, leave out `repo`"
            }
            Step::Reference(_) => {
                "Have it signed by a workflow that runs for the git reference that the trust root names"
            }
            Step::Certificate | Step::Key | Step::Purpose | Step::Subject | Step::Issuer => {
                "Have it signed with another certificate: no policy can prove a signature by this one"
            }
            Step::NoLogEntry => "Sign it again with an entry in the log (cosign sign --tlog-upload=true)",
            Step::LogUnknown(Origin::Module) | Step::Path(Origin::Module) | Step::CtLogUnknown(Origin::Module) => {
                "If it was signed with the public-good instance of today, use a newer version of this policy, or give that instance's trusted_root.json as `trustedRoot`; if not, give the one of the instance that it was signed with"
            }
            Step::LogUnknown(_) | Step::LogPromise | Step::Path(_) | Step::CtLogUnknown(_) | Step::Timestamp => {
                "Check that the CAs and logs of the settings (trustedRoot, certificate.ca) are those that it was signed with; then sign it again"
            }
            Step::Expired => "Sign it again with a certificate that is valid, or have a log entry say when it was used",
            _ => "Remove the signature (cosign clean), and sign it again with cosign",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Certificate => f.write_str("the certificate is not one X.509 certificate in PEM, or larger than any"),
            Step::Key => f.write_str("the certificate's key is of a kind that can't be checked"),
            Step::Purpose => f.write_str("the certificate is not for code signing"),
            Step::Subject => {
                f.write_str("the certificate does not have exactly one subject alternative name of a known form")
            }
            Step::Issuer => f.write_str("the certificate names no issuer, or two"),
            Step::Identity(subject, Some(issuer)) => {
                write!(f, "the certificate is made out to \"{}\" by \"{}\"", Shown(subject), Shown(issuer))
            }
            Step::Identity(subject, None) => write!(f, "the certificate is made out to \"{}\"", Shown(subject)),
            Step::Repository(names) => write_run(f, "repository", names),
            Step::Reference(names) => write_run(f, "git reference", names),
            Step::NoLogEntry => f.write_str("there is no entry of a transparency log beside it"),
            Step::LogForm => f.write_str("the log entry can't be read"),
            Step::LogKind => {
                f.write_str("the log entry is of a type or version that is not known (known is hashedrekord 0.0.1)")
            }
            Step::LogPayload => f.write_str("the log entry is of something else that was signed"),
            Step::LogSignature => f.write_str("the log entry is of another signature"),
            Step::LogKey => f.write_str("the log entry is of another key or certificate"),
            Step::LogUnknown(origin) => {
                write!(f, "at the time of the log entry, its transparency log is unknown to {origin}")
            }
            Step::LogTime => f.write_str("the certificate was not valid at the time of the log entry"),
            Step::Expired => f.write_str("the certificate is not valid now"),
            Step::Signature => f.write_str("the certificate's key did not make the signature over this image"),
            Step::Chain => f.write_str("the certificates of its chain can't be read, or are too many"),
            Step::Path(origin) => {
                write!(
                    f,
                    "no path of sound certificates leads from it, at that time, to a CA that is known to {origin}"
                )
            }
            Step::NoTimestamp => f.write_str("the certificate holds no timestamp of a CT log"),
            Step::CtLogUnknown(origin) => {
                write!(f, "at the time of the certificate's timestamp, its CT log is unknown to {origin}")
            }
            Step::Timestamp => f.write_str(
                "the certificate's timestamps are not a CT log's for this certificate, are too many, or can't be read",
            ),
            Step::LogPromise => f.write_str("the log entry is not signed by the log that it names"),
        }
    }
}

/// For what a workflow ran, as its certificate names it.
fn write_run(f: &mut fmt::Formatter<'_>, what: &str, names: &BTreeSet<String>) -> fmt::Result {
    let names: Vec<String> = names.iter().map(|name| format!("\"{}\"", Shown(name))).collect();
    match names.is_empty() {
        true => write!(f, "the certificate does not say for which {what} its workflow ran"),
        false => write!(f, "the certificate's workflow ran for the {what} {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::trusted_root::PUBLIC_GOOD_DATE, *};

    #[test]
    fn what_is_unknown_is_unknown_to_somebody() {
        let carried = format!("the trusted root that the module carries, of {PUBLIC_GOOD_DATE}");
        let rows = [
            (Origin::Module, &*carried, "`trustedRoot`", "the module gets older, and a newer one helps"),
            (Origin::Validator, "the validator's trusted root", "the settings", "it stands in the settings"),
            (Origin::TrustRoot, "the trust root", "certificate.ca", "it names CAs of its own"),
        ];
        for (origin, whose, remedy, why) in rows {
            let steps = [
                (Step::LogUnknown(origin), "log-entry-log", "its transparency log is unknown to"),
                (Step::Path(origin), "certificate-path", "to a CA that is known to"),
                (Step::CtLogUnknown(origin), "certificate-timestamp", "its CT log is unknown to"),
            ];
            for (step, word, text) in steps {
                assert!(step.to_string().ends_with(&format!("{text} {whose}")), "{why}: {step}");
                assert!(step.remedy().contains(remedy), "{why}: {}", step.remedy());
                assert_eq!(step.word(), word, "{why}");
            }
        }
    }
}
