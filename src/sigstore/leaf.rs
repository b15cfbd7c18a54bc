//! Whose key does a signer's certificate say this is, and may it sign code?
//!
//! The profile of Fulcio's certificates (Sigstore, "Certificate Specification"). Nothing here says that the certificate is genuine: an authority has to have
//! issued it (`trusted_root`), a certificate transparency log to have seen it (`sct`), and a transparency log says when it was used (`tlog_entry`).

use der::{
    Decode as _, Document,
    asn1::{ObjectIdentifier, Utf8StringRef},
    oid::AssociatedOid,
};
use x509_cert::ext::pkix::{
    ExtendedKeyUsage, KeyUsage, SignedCertificateTimestampList, SubjectAltName,
    name::{GeneralName, OtherName},
};

use super::{VerificationError, claims};
use crate::{
    signing::{
        PublicKey,
        certificate::{Certificate, Purpose, certificates},
    },
    time::Period,
};

/// Longest name or issuer, in bytes.
const MAX_NAME: usize = 2048;

/// Stands before the name of a repository on GitHub.
pub const GITHUB: &str = "https://github.com/";

/// Sigstore's own extensions: issuer (raw, then in DER), and of a workflow the repository and the git reference that it ran for.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const WORKFLOW_REPOSITORY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.5");
const SOURCE_REPOSITORY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.12");
const WORKFLOW_REFERENCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.6");
const SOURCE_REFERENCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.14");
/// The type of an alternative name that is a user's name.
const USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// A certificate that says whose key it holds.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) der: Document,
    /// The time from which, and to which, it is valid.
    pub(crate) validity: Period,
    /// What CT logs said of it (RFC 6962, section 3.3), if it has such an extension.
    pub(crate) scts: Option<Vec<u8>>,
    /// The key.
    pub(crate) key: PublicKey,
    /// Whose it is.
    pub(crate) subject: Subject,
    /// Who says so, as an OpenID Connect issuer; own CAs name none.
    pub(crate) issuer: Option<String>,
    /// The repository that a workflow of GitHub ran for, in each of the ways in which the certificate says it: with and without the server.
    pub(crate) repositories: Vec<Option<String>>,
    /// The git reference that it ran for, likewise.
    pub(crate) references: Vec<Option<String>>,
    /// What else the CA says of the signer.
    pub(crate) claims: Vec<(u8, String)>,
}

/// Whose key a certificate says that it holds: its one alternative name. A text is never of two kinds, so that no name can pass for one of another kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// An e-mail address: it has an `@`, and no `://`.
    Email(String),
    /// A URI: it has a `://`.
    Uri(String),
    /// A user's or a machine's name: it has neither.
    Name(String),
}

impl Leaf {
    /// Reads the PEM text of a leaf certificate.
    ///
    /// # Errors
    /// The step at which it is not what the specification asks for.
    pub(crate) fn read(text: &str) -> Result<Leaf, VerificationError> {
        let der = certificates(text, 1).and_then(|mut found| found.pop()).ok_or(VerificationError::Certificate)?;
        Leaf::of(der)
    }

    /// Reads a leaf certificate in DER.
    ///
    /// # Errors
    /// As [`Leaf::read`].
    pub(crate) fn of(der: Document) -> Result<Leaf, VerificationError> {
        let certificate = Certificate::read(der.as_bytes()).ok_or(VerificationError::Certificate)?;
        let key = certificate.key().ok_or(VerificationError::Key)?;
        let usage = certificate.typed::<KeyUsage>().map_err(|_| VerificationError::Purpose)?;
        let is_for_code =
            certificate.has(ExtendedKeyUsage::OID) && certificate.is_for(Purpose::CodeSigning) == Some(true);
        if !(usage.is_some_and(|usage| usage.digital_signature()) && is_for_code) {
            return Err(VerificationError::Purpose);
        }
        let names = certificate
            .typed::<SubjectAltName>()
            .map_err(|_| VerificationError::Subject)?
            .ok_or(VerificationError::Subject)?;
        let [name] = names.0.as_slice() else { return Err(VerificationError::Subject) };
        let subject = Subject::read(name).ok_or(VerificationError::Subject)?;
        let issuer = issuer(&certificate)?;
        let raw = certificate.extension(WORKFLOW_REPOSITORY).map(raw_text);
        let repositories = raw.into_iter().chain(certificate.extension(SOURCE_REPOSITORY).map(der_text)).collect();
        let raw = certificate.extension(WORKFLOW_REFERENCE).map(raw_text);
        let references = raw.into_iter().chain(certificate.extension(SOURCE_REFERENCE).map(der_text)).collect();
        let scts = certificate.extension(SignedCertificateTimestampList::OID).map(<[u8]>::to_vec);
        let claims = claims::read(&certificate);
        Ok(Leaf { validity: certificate.validity(), scts, key, subject, issuer, repositories, references, claims, der })
    }

    /// What a CT log signed of it: everything that its CA signed, without what CT logs said (RFC 6962, section 3.2).
    pub(crate) fn logged(&self) -> Option<Vec<u8>> {
        Certificate::read(self.der.as_bytes())?.signed_without(SignedCertificateTimestampList::OID)
    }
}

/// The issuer, from both of its extensions (Fulcio, "OID Information"): where both are there, they have to agree.
fn issuer(certificate: &Certificate<'_>) -> Result<Option<String>, VerificationError> {
    let raw = certificate.extension(ISSUER).map(raw_text);
    let typed = certificate.extension(ISSUER_V2).map(der_text);
    match (raw, typed) {
        (None, None) => Ok(None),
        (Some(Some(one)), None) | (None, Some(Some(one))) => Ok(Some(one)),
        (Some(Some(raw)), Some(Some(typed))) if raw == typed => Ok(Some(raw)),
        (Some(Some(_)), Some(Some(_))) => Err(VerificationError::Issuers),
        (Some(None), _) | (_, Some(None)) => Err(VerificationError::Issuer),
    }
}

/// The text of an extension whose bytes are the text.
fn raw_text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (1..=MAX_NAME).contains(&text.len()).then(|| text.to_owned())
}

/// The text of an extension that holds a UTF8String.
fn der_text(bytes: &[u8]) -> Option<String> {
    raw_text(Utf8StringRef::from_der(bytes).ok()?.as_bytes())
}

impl Subject {
    /// Reads an alternative name.
    fn read(name: &GeneralName) -> Option<Subject> {
        let text = match name {
            GeneralName::Rfc822Name(text)
            | GeneralName::DnsName(text)
            | GeneralName::UniformResourceIdentifier(text) => text.as_str(),
            GeneralName::OtherName(OtherName { type_id: USER_NAME, value }) => {
                value.decode_as::<Utf8StringRef<'_>>().ok()?.as_str()
            }
            _ => return None,
        };
        let subject = Subject::of(text)?;
        let is_kind = matches!(
            (name, &subject),
            (GeneralName::Rfc822Name(_), Subject::Email(_))
                | (GeneralName::UniformResourceIdentifier(_), Subject::Uri(_))
                | (GeneralName::DnsName(_) | GeneralName::OtherName(_), Subject::Name(_))
        );
        is_kind.then_some(subject)
    }

    /// The subject that this text is.
    fn of(text: &str) -> Option<Subject> {
        let kind = match (text.contains("://"), text.contains('@')) {
            (true, _) => Subject::Uri,
            (false, true) => Subject::Email,
            (false, false) => Subject::Name,
        };
        (1..=MAX_NAME).contains(&text.len()).then(|| kind(text.to_owned()))
    }

    /// The name, whatever kind it is of.
    pub(crate) fn text(&self) -> &str {
        match self {
            Subject::Email(text) | Subject::Uri(text) | Subject::Name(text) => text,
        }
    }
}
