//! Did a trusted CA issue this certificate?
//!
//! webpki finds and checks the path (RFC 5280, section 6.1): signatures, names, validity, critical extensions, and the basic constraints and path lengths of the CAs in
//! between. It does not check the CA at which a path starts. So this module compares a CA from the settings with the limits in its own certificate. `certificate` checks
//! what a leaf has to say.

use der::{Document, asn1::ObjectIdentifier, oid::AssociatedOid};
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor, alg_id,
};
use webpki::{EndEntityCert, Error, KeyUsage as PathUsage, VerifiedPath, anchor_from_trusted_cert};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, NameConstraints};

use super::{
    certificate::{Certificate, Names, Purpose},
    key::{Algorithm, PublicKey},
    signature::Hash,
};
use crate::{
    image::Digest,
    time::{Period, UnixTime},
};

/// The most certificates of CAs above a leaf that are looked at.
pub(crate) const MAX_CHAIN: usize = 6;
/// The most CAs beside a signature that may stand between its certificate and a root.
const MAX_BETWEEN: usize = 4;
/// The critical extensions that a CA's certificate may have: basic constraints and key usages.
const KNOWN: [ObjectIdentifier; 3] = [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID];

/// A trusted CA. What it issued is trusted within the CA's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    der: CertificateDer<'static>,
    key: PublicKey,
    names: Names,
    /// The period in which the certificate is valid and trusted.
    periods: [Period; 2],
    /// The most other CAs that may stand between this CA and a leaf.
    path_length: Option<u8>,
}

/// The reason for which a certificate cannot be a trusted CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityError {
    /// It is not an X.509 certificate of version 3 in DER.
    Form,
    /// It is not the certificate of a CA.
    NoCa,
    /// The CA may not issue certificates for this purpose.
    NotForCode,
    /// It has name constraints, which nobody would check.
    NameConstraints,
    /// It has a critical extension that is not known.
    Critical,
    /// It has a key of an unsupported kind.
    Key,
}

impl Authority {
    /// Reads the certificate of a CA that is trusted for a time, and for certificates of this purpose.
    pub(crate) fn read(der: &[u8], trusted: Period, purpose: Purpose) -> Result<Authority, AuthorityError> {
        let certificate = Certificate::read(der).ok_or(AuthorityError::Form)?;
        let form = |_| AuthorityError::Form;
        let constraints = certificate.typed::<BasicConstraints>().map_err(form)?;
        let constraints = constraints.filter(|constraints| constraints.ca).ok_or(AuthorityError::NoCa)?;
        let usage = certificate.typed::<KeyUsage>().map_err(form)?;
        if usage.is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(AuthorityError::NoCa);
        }
        if certificate.is_for(purpose) != Some(true) {
            return Err(AuthorityError::NotForCode);
        }
        // Name constraints for e-mail addresses and URIs are not checked here.
        if certificate.has(NameConstraints::OID) {
            return Err(AuthorityError::NameConstraints);
        }
        // webpki does not check these in the CA at which a path starts.
        if !certificate.knows_all_critical(&KNOWN) {
            return Err(AuthorityError::Critical);
        }
        let owned = CertificateDer::from(der.to_vec());
        anchor_from_trusted_cert(&owned).map_err(|_| AuthorityError::Form)?;
        Ok(Authority {
            key: certificate.key().ok_or(AuthorityError::Key)?,
            names: certificate.names().ok_or(AuthorityError::Form)?,
            periods: [certificate.validity(), trusted],
            path_length: constraints.path_len_constraint,
            der: owned,
        })
    }

    /// Whether this CA may have issued a certificate that was used at this time, with so many CAs in between. Signatures between CAs in the settings are not verified, but
    /// the limits of the CAs above apply.
    fn allows(&self, all: &[Authority], time: UnixTime, between: usize) -> bool {
        // Each CA is looked at once for each level, because names can form a circle.
        let mut level = vec![self];
        for between in between..=MAX_CHAIN {
            level.retain(|authority| authority.allows_by_itself(time, between));
            let above: Vec<Vec<&Authority>> = level.iter().map(|authority| authority.above(all)).collect();
            if above.iter().any(Vec::is_empty) {
                return true;
            }
            level = all.iter().filter(|other| above.iter().flatten().any(|above| above.der == other.der)).collect();
        }
        false
    }

    /// Those of `all` that this CA names as its issuer: by key identifier, or by name if no key identifier matches. If it names itself without a key identifier, another CA
    /// of the same name still counts as its issuer.
    fn above<'a>(&self, all: &'a [Authority]) -> Vec<&'a Authority> {
        if self.names.names_key_of(&self.names) {
            return Vec::new();
        }
        let is_above = |other: &&Authority| other.der != self.der && self.names.is_below(&other.names);
        let (by_key, by_name): (Vec<_>, Vec<_>) =
            all.iter().filter(is_above).partition(|other| self.names.names_key_of(&other.names));
        if by_key.is_empty() { by_name } else { by_key }
    }

    /// Whether this CA's own certificate and its period of trust allow that.
    fn allows_by_itself(&self, time: UnixTime, between: usize) -> bool {
        self.periods.iter().all(|period| period.contains(time))
            && self.path_length.is_none_or(|most| between <= usize::from(most))
    }
}

/// The reason for which no trusted authority vouches for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathError {
    /// The certificates beside the signature can't be read, or are too many.
    Chain,
    /// No path leads to a trusted authority.
    NoPath,
}

/// The SHA-256 of the key that issued `leaf` (DER) for this purpose.
///
/// One of `authorities` has to have issued `leaf`, directly or through other CAs. All of them have to be valid at each of `times`, of which there is at least one.
/// If only roots are given, the CAs in between come from `chain`: certificates beside a signature, which are not trusted.
pub(crate) fn issuer_of(
    leaf: &[u8],
    authorities: &[Authority],
    chain: &[Document],
    purpose: Purpose,
    times: &[UnixTime],
) -> Result<Digest, PathError> {
    let (time, other_times) = times.split_first().ok_or(PathError::NoPath)?;
    if chain.len() > MAX_CHAIN {
        return Err(PathError::Chain);
    }
    let only_roots = authorities.iter().all(|authority| authority.names.is_root());
    let between = if only_roots { line(leaf, chain, authorities, purpose, times) } else { Vec::new() };
    let anchors: Vec<TrustAnchor<'_>> =
        authorities.iter().filter_map(|authority| anchor_from_trusted_cert(&authority.der).ok()).collect();
    let der = CertificateDer::from(leaf);
    let certificate = EndEntityCert::try_from(&der).map_err(|_| PathError::NoPath)?;
    let allowed = |path: &VerifiedPath<'_>| {
        let between = path.intermediate_certificates().count();
        let anchor = |authority: &&Authority| {
            anchor_from_trusted_cert(&authority.der).is_ok_and(|anchor| anchor == *path.anchor())
                && times.iter().all(|time| authority.allows(authorities, *time, between))
        };
        let are_valid = path.intermediate_certificates().all(|certificate| {
            Certificate::read(certificate.der().as_ref())
                .is_some_and(|certificate| other_times.iter().all(|time| certificate.validity().contains(*time)))
        });
        authorities.iter().find(anchor).filter(|_| are_valid).ok_or(Error::UnknownIssuer)
    };
    let usage = PathUsage::required_if_present(purpose.id().as_bytes());
    let time = pki_types::UnixTime::since_unix_epoch(time.as_duration());
    let path = certificate
        .verify_for_usage(ALGORITHMS, &anchors, &between, time, usage, None, Some(&|path| allowed(path).map(|_| ())))
        .map_err(|_| PathError::NoPath)?;
    match path.intermediate_certificates().next() {
        Some(issuer) => Ok(Digest::of(issuer.subject_public_key_info().as_ref())),
        None => Ok(allowed(&path).map_err(|_| PathError::NoPath)?.key.fingerprint()),
    }
}

/// The CAs above `leaf`, one above the other, as far as these certificates go. If several fit one place, the first choice is one whose key is named, then one that a given
/// CA issued, then the first one. Otherwise, whoever can put signatures beside an image could make the policy try all paths through many CAs.
///
/// A certificate that could not be a trusted CA cannot be a CA in between either. webpki looks neither at key usages of CAs nor at name constraints that it does not know.
fn line<'c>(
    leaf: &[u8],
    certificates: &'c [Document],
    roots: &[Authority],
    purpose: Purpose,
    times: &[UnixTime],
) -> Vec<CertificateDer<'c>> {
    let read = |document: &'c Document| {
        let authority = Authority::read(document.as_bytes(), Period::default(), purpose).ok()?;
        let are_in = |period: &Period| times.iter().all(|time| period.contains(*time));
        let is_usable = authority.periods.iter().all(are_in) && !authority.names.is_root();
        is_usable.then_some((document.as_bytes(), authority.names))
    };
    let usable: Vec<(&[u8], Names)> = certificates.iter().filter_map(read).collect();
    let mut line = Vec::new();
    let mut below = Certificate::read(leaf).and_then(|certificate| certificate.names());
    while let Some(names) = below.filter(|_| line.len() < MAX_BETWEEN) {
        let rank = |(_, other): &&(&[u8], Names)| {
            (!names.names_key_of(other), !roots.iter().any(|root| other.is_below(&root.names)))
        };
        let next = usable.iter().filter(|(_, other)| names.is_below(other)).min_by_key(rank);
        line.extend(next.map(|(der, _)| CertificateDer::from(*der)));
        below = next.map(|(_, names)| names.clone());
    }
    line
}

/// An algorithm with which CAs sign: that of the key and that of the signature in webpki's terms, and both in ours.
#[derive(Debug)]
struct Signing(AlgorithmIdentifier, AlgorithmIdentifier, Algorithm, Hash);

impl SignatureVerificationAlgorithm for Signing {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        match self.2.verifies(self.3, key, message, signature) {
            true => Ok(()),
            false => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.1
    }
}

const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    &Signing(alg_id::ECDSA_P256, alg_id::ECDSA_SHA256, Algorithm::P256, Hash::Sha256),
    &Signing(alg_id::ECDSA_P256, alg_id::ECDSA_SHA384, Algorithm::P256, Hash::Sha384),
    &Signing(alg_id::ECDSA_P256, alg_id::ECDSA_SHA512, Algorithm::P256, Hash::Sha512),
    &Signing(alg_id::ECDSA_P384, alg_id::ECDSA_SHA512, Algorithm::P384, Hash::Sha512),
    &Signing(alg_id::ECDSA_P384, alg_id::ECDSA_SHA256, Algorithm::P384, Hash::Sha256),
    &Signing(alg_id::ECDSA_P384, alg_id::ECDSA_SHA384, Algorithm::P384, Hash::Sha384),
    &Signing(alg_id::ECDSA_P521, alg_id::ECDSA_SHA256, Algorithm::P521, Hash::Sha256),
    &Signing(alg_id::ECDSA_P521, alg_id::ECDSA_SHA384, Algorithm::P521, Hash::Sha384),
    &Signing(alg_id::ECDSA_P521, alg_id::ECDSA_SHA512, Algorithm::P521, Hash::Sha512),
    &Signing(alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA256, Algorithm::Rsa, Hash::Sha256),
    &Signing(alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA384, Algorithm::Rsa, Hash::Sha384),
    &Signing(alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA512, Algorithm::Rsa, Hash::Sha512),
    // Ed25519 has a hash of its own (RFC 8032); this one is not looked at.
    &Signing(alg_id::ED25519, alg_id::ED25519, Algorithm::Ed25519, Hash::Sha512),
];
