//! Whose key does a certificate say this is, and may it sign code?
//!
//! The profile of Fulcio's certificates (Sigstore, "Certificate Specification"), which is one of X.509 (RFC 5280). Nothing here says that the certificate is
//! genuine: who issued it is `authority`'s question, who saw it `timestamp`'s, and when it was used `log`'s. The structure is our own because what a CT
//! log signed is the certificate without one of its extensions, and a library's types can't be written again without it.

use std::collections::BTreeSet;

use der::{
    AnyRef, Decode as _, Document, Encode as _, Sequence,
    asn1::{BitStringRef, ObjectIdentifier, OctetStringRef, Utf8StringRef},
    oid::AssociatedOid,
};
use x509_cert::{
    ext::pkix::{
        AuthorityKeyIdentifier, ExtendedKeyUsage, KeyUsage, SignedCertificateTimestampList, SubjectAltName,
        SubjectKeyIdentifier,
        name::{GeneralName, OtherName},
    },
    time::Validity,
};

use super::Step;
use crate::{
    period::Period,
    proof::{Holder, PublicKey, Signer},
};

/// Largest text of one certificate, in bytes. Fulcio's have less than 1.5 KB, or 4 KB with everything that a workflow says of itself.
const MAX_PEM: usize = 24 * 1024;
/// Longest name or issuer, in bytes.
const MAX_NAME: usize = 2048;

/// Stands before the name of a repository on GitHub.
pub const GITHUB: &str = "https://github.com/";

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
/// Sigstore's own extensions: issuer (raw, then in DER), and of a workflow the repository and the git reference that it ran for.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const WORKFLOW_REPOSITORY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.5");
const SOURCE_REPOSITORY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.12");
const WORKFLOW_REFERENCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.6");
const SOURCE_REFERENCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.14");
/// The type of an alternative name that is a user's name.
const USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// A certificate (RFC 5280, section 4.1). Of version 3, without the unique identifiers that nobody writes.
#[derive(Debug, Clone, Sequence)]
pub(super) struct Certificate<'a> {
    pub(super) tbs: Tbs<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// What is signed of a certificate.
#[derive(Debug, Clone, Sequence)]
pub(super) struct Tbs<'a> {
    #[asn1(context_specific = "0")]
    version: u8,
    serial: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    pub(super) issuer: AnyRef<'a>,
    pub(super) validity: Validity,
    pub(super) subject: AnyRef<'a>,
    pub(super) key: AnyRef<'a>,
    #[asn1(context_specific = "3")]
    extensions: Vec<Extension<'a>>,
}

#[derive(Debug, Clone, Sequence)]
struct Extension<'a> {
    id: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    critical: bool,
    value: &'a OctetStringRef,
}

/// A certificate that says whose key it holds.
#[derive(Debug, Clone)]
pub(in crate::proof) struct Leaf {
    pub(super) der: Document,
    /// The time from which, and to which, it is valid.
    pub(super) validity: Period,
    /// What CT logs said of it (RFC 6962, section 3.3), if it has such an extension.
    pub(super) timestamps: Option<Vec<u8>>,
    /// The key.
    pub(super) key: PublicKey,
    /// Whose it is.
    pub(in crate::proof) subject: Subject,
    /// Who says so, as an OpenID Connect issuer; own CAs name none.
    pub(in crate::proof) issuer: Option<String>,
    /// The repository that a workflow of GitHub ran for, in each of the ways in which the certificate says it.
    pub(in crate::proof) repositories: Vec<Option<String>>,
    /// The git reference that it ran for, likewise.
    pub(in crate::proof) references: Vec<Option<String>>,
}

/// Whose key a certificate says that it holds: its one alternative name. A text is never of two kinds, so that no name can pass for one of another kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proof) enum Subject {
    /// An e-mail address: it has an `@`, and no `://`.
    Email(String),
    /// A URI: it has a `://`.
    Uri(String),
    /// A user's or a machine's name: it has neither.
    Name(String),
}

/// By what certificates find the one above them (RFC 5280, sections 4.1.2.4, 4.1.2.6, 4.2.1.1 and 4.2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    subject: Vec<u8>,
    issuer: Vec<u8>,
    key_id: Option<Vec<u8>>,
    issuer_key_id: Option<Vec<u8>>,
}

impl Names {
    /// Does it say that `other` issued it, by name? That is what is read there, and no proof.
    pub(super) fn is_below(&self, other: &Names) -> bool {
        self.issuer == other.subject
    }

    /// Does it say so of the other one's key, too?
    pub(super) fn names_key_of(&self, other: &Names) -> bool {
        self.issuer_key_id.is_some() && self.issuer_key_id == other.key_id
    }

    /// Does it say that it issued itself?
    pub(super) fn is_root(&self) -> bool {
        self.is_below(self) && (self.issuer_key_id.is_none() || self.names_key_of(self))
    }
}

/// The certificates in a PEM text, in DER. There may be white space around them, and nothing else.
pub(super) fn certificates(text: &str, most: usize) -> Option<Vec<Document>> {
    if text.len() > MAX_PEM.checked_mul(most)? {
        return None;
    }
    let mut found = Vec::new();
    for block in text.trim().split_inclusive(END) {
        let block = block.trim();
        if found.len() == most || !block.starts_with(BEGIN) {
            return None;
        }
        let (_, document) = Document::from_pem(block).ok()?;
        found.push(document);
    }
    Some(found)
}

impl<'a> Certificate<'a> {
    /// Reads a certificate, of which no extension may be there twice (RFC 5280, section 4.2).
    pub(super) fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let certificate = Certificate::from_der(der).ok()?;
        let mut ids = BTreeSet::new();
        let is_sound = certificate.tbs.version == 2 && certificate.tbs.extensions.iter().all(|it| ids.insert(it.id));
        is_sound.then_some(certificate)
    }

    /// The content of an extension.
    fn extension(&self, id: ObjectIdentifier) -> Option<&'a [u8]> {
        self.tbs.extensions.iter().find(|extension| extension.id == id).map(|extension| extension.value.as_bytes())
    }

    /// An extension of a known kind; an error where it is there and can't be read.
    pub(super) fn typed<T: der::Decode<'a> + AssociatedOid>(&self) -> Result<Option<T>, T::Error> {
        self.extension(T::OID).map(T::from_der).transpose()
    }

    /// Has it an extension of this kind?
    pub(super) fn has(&self, id: ObjectIdentifier) -> bool {
        self.extension(id).is_some()
    }

    /// Who issued it, and who it is.
    pub(super) fn names(&self) -> Option<Names> {
        let key_id = self.typed::<SubjectKeyIdentifier>().ok()?.map(|id| id.0.as_bytes().to_vec());
        let above = self.typed::<AuthorityKeyIdentifier>().ok()?.and_then(|id| id.key_identifier);
        Some(Names {
            subject: self.tbs.subject.value().to_vec(),
            issuer: self.tbs.issuer.value().to_vec(),
            key_id,
            issuer_key_id: above.map(|id| id.as_bytes().to_vec()),
        })
    }

    /// Are all of its critical extensions among these?
    pub(super) fn knows_all_critical(&self, known: &[ObjectIdentifier]) -> bool {
        self.tbs.extensions.iter().all(|extension| !extension.critical || known.contains(&extension.id))
    }

    /// The time from which, and to which, it is valid (RFC 5280, section 4.1.2.5).
    pub(super) fn validity(&self) -> Period {
        let Validity { not_before, not_after, .. } = self.tbs.validity;
        Period { start: Some(not_before.to_unix_duration()), end: Some(not_after.to_unix_duration()) }
    }

    /// May its key sign code, where it says what its key may do?
    pub(super) fn is_for_code(&self) -> Option<bool> {
        let usage = self.typed::<ExtendedKeyUsage>().ok()?;
        Some(usage.is_none_or(|usage| usage.0.contains(&CODE_SIGNING)))
    }

    /// Its key, if it is of a kind that can be checked.
    pub(super) fn key(&self) -> Option<PublicKey> {
        PublicKey::from_spki(&self.tbs.key.to_der().ok()?).ok()
    }
}

impl Leaf {
    /// Reads the PEM text of a leaf certificate.
    ///
    /// # Errors
    /// The step at which it is not what the specification asks for.
    pub(in crate::proof) fn read(text: &str) -> Result<Leaf, Step> {
        let der = certificates(text, 1).and_then(|mut found| found.pop()).ok_or(Step::Certificate)?;
        let certificate = Certificate::read(der.as_bytes()).ok_or(Step::Certificate)?;
        let key = certificate.key().ok_or(Step::Key)?;
        let usage = certificate.typed::<KeyUsage>().map_err(|_| Step::Purpose)?;
        let is_for_code = certificate.has(ExtendedKeyUsage::OID) && certificate.is_for_code() == Some(true);
        if !(usage.is_some_and(|usage| usage.digital_signature()) && is_for_code) {
            return Err(Step::Purpose);
        }
        let names = certificate.typed::<SubjectAltName>().map_err(|_| Step::Subject)?.ok_or(Step::Subject)?;
        let [name] = names.0.as_slice() else { return Err(Step::Subject) };
        let subject = Subject::read(name).ok_or(Step::Subject)?;
        let issuer = issuer(&certificate)?;
        let raw = certificate.extension(WORKFLOW_REPOSITORY).map(raw_text);
        let uri = |bytes| der_text(bytes)?.strip_prefix(GITHUB).map(str::to_owned);
        let repositories = raw.into_iter().chain(certificate.extension(SOURCE_REPOSITORY).map(uri)).collect();
        let raw = certificate.extension(WORKFLOW_REFERENCE).map(raw_text);
        let references = raw.into_iter().chain(certificate.extension(SOURCE_REFERENCE).map(der_text)).collect();
        let timestamps = certificate.extension(SignedCertificateTimestampList::OID).map(<[u8]>::to_vec);
        Ok(Leaf { validity: certificate.validity(), timestamps, key, subject, issuer, repositories, references, der })
    }

    /// Who signed, if it is genuine. An issuer that nobody asked for is a text that anybody can have in a certificate, and tells nobody apart.
    pub(in crate::proof) fn signer(&self, holder: &Holder) -> Signer {
        let issuer = self.issuer.clone().filter(|_| holder.asks_for_the_issuer());
        Signer { key: self.key.clone(), identity: Some((self.subject.text().to_owned(), issuer)) }
    }

    /// What a CT log signed of it: everything that its CA signed, without what CT logs said (RFC 6962, section 3.2).
    pub(super) fn logged(&self) -> Option<Vec<u8>> {
        let mut tbs = Certificate::read(self.der.as_bytes())?.tbs;
        tbs.extensions.retain(|extension| extension.id != SignedCertificateTimestampList::OID);
        tbs.to_der().ok()
    }
}

/// The issuer, from both of its extensions (Fulcio, "OID Information"): where both are there, they have to agree.
fn issuer(certificate: &Certificate<'_>) -> Result<Option<String>, Step> {
    let raw = certificate.extension(ISSUER).map(raw_text);
    let typed = certificate.extension(ISSUER_V2).map(der_text);
    match (raw, typed) {
        (None, None) => Ok(None),
        (Some(Some(one)), None) | (None, Some(Some(one))) => Ok(Some(one)),
        (Some(Some(raw)), Some(Some(typed))) if raw == typed => Ok(Some(raw)),
        _ => Err(Step::Issuer),
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
    pub(in crate::proof) fn text(&self) -> &str {
        match self {
            Subject::Email(text) | Subject::Uri(text) | Subject::Name(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_say_that_they_issued_themselves() {
        let (a, b) = (Some("a"), Some("b"));
        let rows = [
            ("root", a, None, true, "by name, as most roots do"),
            ("root", a, a, true, "by name and key"),
            ("root", a, b, false, "by name, and with another one's key"),
            ("other", a, None, false, "another one's name, and no word of the key"),
            ("other", a, a, false, "another one's name, and a key that is called as its own"),
        ];
        for (issuer, key_id, issuer_key_id, expected, why) in rows {
            let bytes = |id: &str| id.as_bytes().to_vec();
            let names = Names {
                subject: bytes("root"),
                issuer: bytes(issuer),
                key_id: key_id.map(bytes),
                issuer_key_id: issuer_key_id.map(bytes),
            };
            assert_eq!(names.is_root(), expected, "{why}");
        }
    }

    #[test]
    fn certificates_are_read_up_to_a_length_and_a_number() {
        let block = format!("{BEGIN}\nMAA=\n{END}\n");
        let filled = |length: usize| format!("{block:length$}");
        let rows = [
            (block.repeat(2), 2, Some(2), "as many as may be"),
            (block.repeat(3), 2, None, "one more"),
            (filled(MAX_PEM), 1, Some(1), "as long as may be"),
            (filled(MAX_PEM + 1), 1, None, "one byte longer"),
            (filled(2 * MAX_PEM), 2, Some(1), "of two, as long as two may be"),
            (filled(2 * MAX_PEM + 1), 2, None, "one byte longer than two"),
        ];
        for (text, most, expected, why) in rows {
            assert_eq!(certificates(&text, most).map(|found| found.len()), expected, "{why}");
        }
    }
}
