//! Which signer does a certificate name, and may its key sign code?
//!
//! The profile is that of Fulcio's certificates (Sigstore, "Certificate Specification"). Nothing here proves that the certificate is genuine. `trusted_root` checks that an
//! authority issued it, `sct` that a CT log saw it, and `tlog_entry` and `timestamp` when it was used.

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

/// The longest name or issuer, in bytes.
const MAX_NAME: usize = 2048;

/// The address of GitHub, which stands before the name of a repository.
pub const GITHUB: &str = "https://github.com/";

/// Sigstore's own extensions: issuer (raw, then in DER), and of a workflow the repository and the git reference that it ran for.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const WORKFLOW_REPOSITORY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.5");
const SOURCE_REPOSITORY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.12");
const WORKFLOW_REFERENCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.6");
const SOURCE_REFERENCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.14");
/// The type of an alternative name that is a user name.
const USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// A signer's certificate.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) der: Document,
    /// The period in which the certificate is valid.
    pub(crate) validity: Period,
    /// The list of signed certificate timestamps (RFC 6962, section 3.3), if the certificate has this extension.
    pub(crate) scts: Option<Vec<u8>>,
    /// The key of the signer.
    pub(crate) key: PublicKey,
    /// The name of the signer.
    pub(crate) subject: String,
    /// The OpenID Connect issuer that vouches for the name. Certificates of own CAs have none.
    pub(crate) issuer: Option<String>,
    /// The repository that a workflow of GitHub ran for. A certificate has it in two forms: with and without the server.
    pub(crate) repositories: Vec<Option<String>>,
    /// The git reference that the workflow ran for, in each form that the certificate has.
    pub(crate) references: Vec<Option<String>>,
    /// The other claims of the certificate.
    pub(crate) claims: Vec<(u8, String)>,
}

impl Leaf {
    /// Reads the PEM text of a leaf certificate.
    ///
    /// # Errors
    /// The first check that the certificate fails.
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
        let subject = subject(name).ok_or(VerificationError::Subject)?;
        let issuer = issuer(&certificate)?;
        let raw = certificate.extension(WORKFLOW_REPOSITORY).map(raw_text);
        let repositories = raw.into_iter().chain(certificate.extension(SOURCE_REPOSITORY).map(der_text)).collect();
        let raw = certificate.extension(WORKFLOW_REFERENCE).map(raw_text);
        let references = raw.into_iter().chain(certificate.extension(SOURCE_REFERENCE).map(der_text)).collect();
        let scts = certificate.extension(SignedCertificateTimestampList::OID).map(<[u8]>::to_vec);
        let claims = claims::read(&certificate);
        Ok(Leaf { validity: certificate.validity(), scts, key, subject, issuer, repositories, references, claims, der })
    }

    /// The part of the certificate that a CT log signs: everything that the CA signed, without the extension for SCTs (RFC 6962, section 3.2).
    pub(crate) fn logged(&self) -> Option<Vec<u8>> {
        Certificate::read(self.der.as_bytes())?.signed_without(SignedCertificateTimestampList::OID)
    }
}

/// The issuer (Fulcio, "OID Information"). If the certificate has both extensions for it, they have to agree.
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

/// The text of this alternative name. Each kind has texts of its own: URIs hold `://`, e-mail addresses hold `@` and no `://`, and names of users and machines hold
/// neither. So no name can pass for one of another kind.
fn subject(name: &GeneralName) -> Option<String> {
    let text = match name {
        GeneralName::Rfc822Name(text) | GeneralName::DnsName(text) | GeneralName::UniformResourceIdentifier(text) => {
            text.as_str()
        }
        GeneralName::OtherName(OtherName { type_id: USER_NAME, value }) => {
            value.decode_as::<Utf8StringRef<'_>>().ok()?.as_str()
        }
        _ => return None,
    };
    let is_kind = match (text.contains("://"), text.contains('@')) {
        (true, _) => matches!(name, GeneralName::UniformResourceIdentifier(_)),
        (false, true) => matches!(name, GeneralName::Rfc822Name(_)),
        (false, false) => matches!(name, GeneralName::DnsName(_) | GeneralName::OtherName(_)),
    };
    raw_text(text.as_bytes()).filter(|_| is_kind)
}
