//! What does a certificate say, and which certificate issued it?
//!
//! The format is X.509 version 3 (RFC 5280). Nothing here proves that a certificate is genuine; `path` does. The structure is our own, because a CT log signs the
//! certificate without one of its extensions, and the types of libraries cannot be written again without it.

use std::collections::BTreeSet;

use der::{
    AnyRef, Decode as _, Document, Encode as _, Sequence, Tag, Tagged as _,
    asn1::{BitStringRef, ObjectIdentifier, OctetStringRef},
    oid::AssociatedOid,
};
use x509_cert::{
    ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, SubjectKeyIdentifier},
    name::RdnSequence,
    time::Validity,
};

use super::{
    asn1::{oid, sequence},
    key::PublicKey,
    signature::hash_of_signature,
};
use crate::time::{Period, UnixTime};

/// The largest PEM text of one certificate, in bytes. Fulcio's certificates have up to 1.5 KB, or up to 4 KB with all claims of a workflow.
const MAX_PEM: usize = 24 * 1024;

/// The attribute of a name that holds the common name (X.520, section 6.2.2).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The purpose for which a key is certified (RFC 5280, section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To sign code.
    CodeSigning,
    /// To sign timestamps (RFC 3161, section 2.3).
    TimeStamping,
}

impl Purpose {
    /// The object identifier of the extended key usage.
    pub(crate) const fn id(self) -> &'static ObjectIdentifier {
        match self {
            Purpose::CodeSigning => const { &ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3") },
            Purpose::TimeStamping => const { &ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8") },
        }
    }
}

/// A certificate (RFC 5280, section 4.1) of version 3, without the obsolete unique identifiers.
#[derive(Debug, Clone, Sequence)]
pub(crate) struct Certificate<'a> {
    pub(crate) tbs: Tbs<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// The signed part of a certificate.
#[derive(Debug, Clone, Sequence)]
pub(crate) struct Tbs<'a> {
    #[asn1(context_specific = "0")]
    version: u8,
    pub(crate) serial: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    pub(crate) issuer: AnyRef<'a>,
    pub(crate) validity: Validity,
    pub(crate) subject: AnyRef<'a>,
    pub(crate) key: AnyRef<'a>,
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

/// The names and key identifiers that tell which certificate issued which (RFC 5280, sections 4.1.2.4, 4.1.2.6, 4.2.1.1 and 4.2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    subject: Vec<u8>,
    issuer: Vec<u8>,
    key_id: Option<Vec<u8>>,
    issuer_key_id: Option<Vec<u8>>,
}

impl Names {
    /// Whether the certificate names `other` as its issuer. This is only a claim of the certificate.
    pub(crate) fn is_below(&self, other: &Names) -> bool {
        self.issuer == other.subject
    }

    /// Whether the certificate also names the key of `other` as its issuer's key.
    pub(crate) fn names_key_of(&self, other: &Names) -> bool {
        self.issuer_key_id.is_some() && self.issuer_key_id == other.key_id
    }

    /// Whether this is the identifier of the certificate's key.
    pub(crate) fn is_called(&self, key_id: &[u8]) -> bool {
        self.key_id.as_deref() == Some(key_id)
    }

    /// Whether the certificate names itself as its issuer.
    pub(crate) fn is_root(&self) -> bool {
        self.is_below(self) && (self.issuer_key_id.is_none() || self.names_key_of(self))
    }
}

/// The certificates in a PEM text, in DER. Only white space may stand around them.
pub(crate) fn certificates(text: &str, most: usize) -> Option<Vec<Document>> {
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
    /// Reads a certificate. No extension may occur twice (RFC 5280, section 4.2).
    pub(crate) fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let certificate = Certificate::from_der(der).ok()?;
        let mut ids = BTreeSet::new();
        let is_sound = certificate.tbs.version == 2 && certificate.tbs.extensions.iter().all(|it| ids.insert(it.id));
        is_sound.then_some(certificate)
    }

    /// The content of an extension.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&'a [u8]> {
        self.tbs.extensions.iter().find(|extension| extension.id == id).map(|extension| extension.value.as_bytes())
    }

    /// An extension of a known kind. It is an error if the extension is there but cannot be read.
    pub(crate) fn typed<T: der::Decode<'a> + AssociatedOid>(&self) -> Result<Option<T>, T::Error> {
        self.extension(T::OID).map(T::from_der).transpose()
    }

    /// Whether the certificate has an extension of this kind.
    pub(crate) fn has(&self, id: ObjectIdentifier) -> bool {
        self.extension(id).is_some()
    }

    /// The names and key identifiers of the certificate and of its issuer.
    pub(crate) fn names(&self) -> Option<Names> {
        let key_id = self.typed::<SubjectKeyIdentifier>().ok()?.map(|id| id.0.as_bytes().to_vec());
        let above = self.typed::<AuthorityKeyIdentifier>().ok()?.and_then(|id| id.key_identifier);
        Some(Names {
            subject: self.tbs.subject.value().to_vec(),
            issuer: self.tbs.issuer.value().to_vec(),
            key_id,
            issuer_key_id: above.map(|id| id.as_bytes().to_vec()),
        })
    }

    /// Whether all critical extensions of the certificate are among these.
    pub(crate) fn knows_all_critical(&self, known: &[ObjectIdentifier]) -> bool {
        self.tbs.extensions.iter().all(|extension| !extension.critical || known.contains(&extension.id))
    }

    /// The period in which the certificate is valid (RFC 5280, section 4.1.2.5).
    pub(crate) fn validity(&self) -> Period {
        let Validity { not_before, not_after, .. } = self.tbs.validity;
        let at = |time: x509_cert::time::Time| Some(UnixTime::since_epoch(time.to_unix_duration()));
        Period { start: at(not_before), end: at(not_after) }
    }

    /// Whether its key may be used for this purpose. A certificate without the extension allows every purpose.
    pub(crate) fn is_for(&self, purpose: Purpose) -> Option<bool> {
        let usage = self.typed::<ExtendedKeyUsage>().ok()?;
        Some(usage.is_none_or(|usage| usage.0.contains(purpose.id())))
    }

    /// Whether a critical extension says that its key is for this purpose only, and the certificate is not a CA's.
    pub(crate) fn is_only_for(&self, purpose: Purpose) -> Option<bool> {
        let usage = self.typed::<ExtendedKeyUsage>().ok()?;
        let is_ca = self.typed::<BasicConstraints>().ok()?.is_some_and(|constraints| constraints.ca);
        Some(
            self.has_critical(ExtendedKeyUsage::OID)
                && !is_ca
                && usage.is_some_and(|usage| usage.0.as_slice() == [*purpose.id()]),
        )
    }

    /// Whether the certificate has this extension and marks it as critical.
    pub(crate) fn has_critical(&self, id: ObjectIdentifier) -> bool {
        self.tbs.extensions.iter().any(|extension| extension.id == id && extension.critical)
    }

    /// Whether the key of its issuer signed the certificate.
    pub(crate) fn is_signed_by(&self, issuer: &PublicKey) -> bool {
        let signed = || {
            // Both name the same algorithm (RFC 5280, section 4.1.1.2).
            let algorithm = sequence(self.algorithm).filter(|_| self.tbs.algorithm == self.algorithm)?;
            let hash = hash_of_signature(oid(*algorithm.first()?)?)?;
            let signature = self.signature.as_bytes()?;
            issuer.algorithm.verifies(hash, &issuer.material, &self.tbs.to_der().ok()?, signature).then_some(())
        };
        signed().is_some()
    }

    /// The part of the certificate that its issuer signed, without this extension.
    pub(crate) fn signed_without(&self, id: ObjectIdentifier) -> Option<Vec<u8>> {
        let mut tbs = self.tbs.clone();
        tbs.extensions.retain(|extension| extension.id != id);
        tbs.to_der().ok()
    }

    /// The common name (X.520) of the subject, if the subject has exactly one and it is a text.
    pub(crate) fn common_name(&self) -> Option<String> {
        let subject = RdnSequence::from_der(&self.tbs.subject.to_der().ok()?).ok()?;
        let parts: Vec<_> =
            subject.iter().flat_map(|part| part.iter()).filter(|part| part.oid == COMMON_NAME).collect();
        let [name] = parts.as_slice() else { return None };
        let is_text = matches!(name.value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
        String::from_utf8(name.value.value().to_vec()).ok().filter(|_| is_text)
    }

    /// The key of the certificate, if its kind is supported.
    pub(crate) fn key(&self) -> Option<PublicKey> {
        PublicKey::from_spki(&self.tbs.key.to_der().ok()?).ok()
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
