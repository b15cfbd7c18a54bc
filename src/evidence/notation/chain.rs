//! Do these certificates form a chain that may sign for Notation? (Notary Project, "Certificate Requirements")
//!
//! The chain is complete: each certificate is signed by the next one, and the last one by itself. Other rules than those of the specification do not count, also if an
//! extension is critical. So this is not a path of RFC 5280.

use der::{asn1::ObjectIdentifier, oid::AssociatedOid as _};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, NameConstraints};

use crate::{
    signing::{
        PublicKey,
        certificate::{Certificate, Purpose},
    },
    time::UnixTime,
};

/// The purposes that a certificate which signs images must not have (RFC 5280, section 4.2.1.12): any, servers, clients, e-mail, timestamps, OCSP responses.
const FORBIDDEN: [ObjectIdentifier; 6] = [
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4"),
    *Purpose::TimeStamping.id(),
    OCSP_SIGNING,
];
/// The purpose of an OCSP responder's certificate.
pub(super) const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
/// The critical extensions that a CA above a time-stamping authority may have.
const KNOWN: [ObjectIdentifier; 3] = [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID];
/// The uses that the key of a certificate which signs must not have.
const OTHER_USES: [KeyUsages; 6] = [
    KeyUsages::KeyEncipherment,
    KeyUsages::DataEncipherment,
    KeyUsages::KeyAgreement,
    KeyUsages::KeyCertSign,
    KeyUsages::CRLSign,
    KeyUsages::EncipherOnly,
];

/// The rule that a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainError {
    /// A certificate is not X.509 version 3 in DER.
    Form,
    /// A certificate has a key of a kind or a size that is not supported.
    Key,
    /// A certificate is not signed by the next one.
    Order,
    /// The last certificate is not signed by itself.
    Incomplete,
    /// A certificate of a CA does not say that it is one, or allows fewer CAs below it.
    Ca,
    /// The signer's certificate is that of a CA.
    LeafIsCa,
    /// The key usages do not allow what the key does, or allow more.
    KeyUsage,
    /// The extended key usages do not allow what the key does, or allow more.
    ExtendedKeyUsage,
}

/// A certificate and its key.
pub(super) struct Link<'c> {
    pub(super) certificate: Certificate<'c>,
    pub(super) key: PublicKey,
}

/// Reads a chain, the signer's certificate first. `trusted` is the place of a certificate that is known to be genuine, if there is one. Signatures are checked downwards from
/// there first, so that a chain of a stranger costs one verification.
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn read(chain: &[Vec<u8>], purpose: Purpose, trusted: Option<usize>) -> Result<Vec<Link<'_>>, ChainError> {
    let mut links = Vec::with_capacity(chain.len());
    for der in chain {
        links.push(Link::read(der)?);
    }
    let (Some(leaf), Some(root)) = (links.first(), links.last()) else { return Err(ChainError::Form) };
    check_leaf(&leaf.certificate, purpose)?;
    for (below, ca) in links.iter().skip(1).enumerate() {
        check_ca(&ca.certificate, below, purpose)?;
    }
    let pairs: Vec<_> = links.iter().zip(links.iter().skip(1)).collect();
    let (below, above) = pairs.split_at(trusted.unwrap_or(pairs.len()).min(pairs.len()));
    if !below.iter().rev().chain(above).all(|(link, issuer)| link.is_issued_by(issuer)) {
        return Err(ChainError::Order);
    }
    if !root.is_issued_by(root) {
        return Err(ChainError::Incomplete);
    }
    Ok(links)
}

impl<'c> Link<'c> {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// If it is not of version 3, or has a key of an unsupported kind.
    pub(super) fn read(der: &'c [u8]) -> Result<Link<'c>, ChainError> {
        let certificate = Certificate::read(der).ok_or(ChainError::Form)?;
        let key = certificate.key().ok_or(ChainError::Key)?;
        Ok(Link { certificate, key })
    }

    /// Whether it is the certificate of a CA.
    pub(super) fn is_ca(&self) -> bool {
        self.certificate.typed::<BasicConstraints>().ok().flatten().is_some_and(|constraints| constraints.ca)
    }

    /// Whether the certificate names `issuer`, and is signed by its key.
    pub(super) fn is_issued_by(&self, issuer: &Link<'_>) -> bool {
        self.certificate.tbs.issuer.value() == issuer.certificate.tbs.subject.value()
            && self.certificate.is_signed_by(&issuer.key)
    }
}

/// Whether every certificate is valid at this time.
pub(super) fn are_valid(links: &[Link<'_>], time: UnixTime) -> bool {
    links.iter().all(|link| link.certificate.validity().contains(time))
}

fn check_leaf(leaf: &Certificate<'_>, purpose: Purpose) -> Result<(), ChainError> {
    let form = |_| ChainError::Form;
    if leaf.typed::<BasicConstraints>().map_err(form)?.is_some_and(|constraints| constraints.ca) {
        return Err(ChainError::LeafIsCa);
    }
    // Some time-stamping authorities do not mark it as critical, which Notation allows them.
    let is_marked = purpose == Purpose::TimeStamping || leaf.has_critical(KeyUsage::OID);
    let usage = leaf.typed::<KeyUsage>().map_err(form)?.filter(|_| is_marked);
    let usage = usage.ok_or(ChainError::KeyUsage)?;
    if !usage.digital_signature() || OTHER_USES.iter().any(|other| usage.0.contains(*other)) || usage.decipher_only() {
        return Err(ChainError::KeyUsage);
    }
    let is_for = match purpose {
        Purpose::TimeStamping => leaf.is_only_for(purpose) == Some(true),
        Purpose::CodeSigning => {
            let purposes = leaf.typed::<ExtendedKeyUsage>().map_err(form)?;
            purposes.is_none_or(|purposes| !purposes.0.iter().any(|purpose| FORBIDDEN.contains(purpose)))
        }
    };
    if is_for { Ok(()) } else { Err(ChainError::ExtendedKeyUsage) }
}

/// Checks the certificate of a CA with this number of CAs between it and the signer.
fn check_ca(ca: &Certificate<'_>, between: usize, purpose: Purpose) -> Result<(), ChainError> {
    let form = |_| ChainError::Form;
    let constraints = ca.typed::<BasicConstraints>().map_err(form)?.filter(|_| ca.has_critical(BasicConstraints::OID));
    let allows = |constraints: &BasicConstraints| {
        constraints.ca && constraints.path_len_constraint.is_none_or(|most| between <= usize::from(most))
    };
    if !constraints.as_ref().is_some_and(allows) {
        return Err(ChainError::Ca);
    }
    // CAs that everybody knows stand above time-stamping authorities, so all of their limits count.
    if purpose == Purpose::TimeStamping {
        let is_limited = ca.has(NameConstraints::OID) || !ca.knows_all_critical(&KNOWN);
        if is_limited || ca.is_for(purpose) != Some(true) {
            return Err(ChainError::ExtendedKeyUsage);
        }
    }
    let is_marked = purpose == Purpose::TimeStamping || ca.has_critical(KeyUsage::OID);
    let usage = ca.typed::<KeyUsage>().map_err(form)?.filter(|_| is_marked);
    if usage.is_some_and(|usage| usage.key_cert_sign()) { Ok(()) } else { Err(ChainError::KeyUsage) }
}
