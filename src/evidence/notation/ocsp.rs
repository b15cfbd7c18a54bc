//! What does an OCSP server say about a certificate? (RFC 6960)
//!
//! The policy has no network, so responses come in the evidence manifest, as revocation lists do. The CA signed each of them, or a responder that the CA certified. A response
//! says when the next one comes, so whoever carries it can only keep back a newer one until then.

use der::{
    AnyRef, Decode as _, Encode as _, Sequence, Tag, Tagged as _,
    asn1::{BitStringRef, ObjectIdentifier, OctetStringRef},
    oid::AssociatedOid as _,
};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::chain::{Link, OCSP_SIGNING};
use crate::{
    signing::{
        PublicKey,
        asn1::{context, explicit, oid, read_extensions, sequence},
        certificate::Certificate,
        signature::hash_of_signature,
        timestamp_token::read_time,
    },
    time::UnixTime,
};

/// The most certificates in a response: the responder's, and those above it.
const MAX_CERTIFICATES: usize = 5;
/// The responseStatus `successful`.
const SUCCESSFUL: u8 = 0;
/// The type of a BasicOCSPResponse (RFC 6960, section 4.2.1).
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// The extension that repeats a number of the request (RFC 6960, section 4.4.1). Nobody here made a request, so it says nothing.
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
/// The extension of a responder's certificate whose revocation nobody has to check (RFC 6960, section 4.2.2.2.1).
const NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
/// The extension of certificates that names OCSP servers, and the access method of these (RFC 5280, section 4.2.2.1).
const AUTHORITY_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
/// The extensions of an entry in a CRL (RFC 5280, sections 5.3.1 and 5.3.2), which an answer may have too (RFC 6960, section 4.4.5).
pub(super) const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
pub(super) const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// The AlgorithmIdentifier of SHA-1, without its head.
const SHA1_ALGORITHM: [u8; 9] = [0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00];
/// The critical extensions that a responder's certificate may have.
const KNOWN: [ObjectIdentifier; 4] = [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID, NO_CHECK];

/// A BasicOCSPResponse. Nothing in it is proven.
pub(super) struct OcspResponse<'c> {
    signed: AnyRef<'c>,
    algorithm: ObjectIdentifier,
    signature: BitStringRef<'c>,
    responder: Responder<'c>,
    produced_at: UnixTime,
    answers: Vec<Answer<'c>>,
    certificates: Vec<AnyRef<'c>>,
}

/// The signer of a response, as the response names it.
enum Responder<'c> {
    /// The subject of its certificate.
    Name(&'c [u8]),
    /// The SHA-1 of its key.
    Key(&'c [u8]),
}

/// What a response says about one certificate.
struct Answer<'c> {
    certificate: CertId<'c>,
    status: Status,
    this_update: UnixTime,
    next_update: UnixTime,
}

enum Status {
    Good,
    /// Revoked. If there is a time, only what was signed at that time or later.
    Revoked(Option<UnixTime>),
    Unknown,
}

/// A certificate, as requests and responses name it.
#[derive(Sequence)]
struct CertId<'a> {
    algorithm: AnyRef<'a>,
    issuer_name: &'a OctetStringRef,
    issuer_key: &'a OctetStringRef,
    serial: AnyRef<'a>,
}

/// A certificate and its issuer, in the form in which responses are compared with them.
///
/// The hashes decide more than which response is tried. One responder may serve several CAs with one key, and the certificates in a response are not signed. So a response about
/// the same number of another CA has to be told apart by the issuer's name and key.
pub(super) struct Subject<'c> {
    serial: &'c [u8],
    issuer: Hashes,
}

/// The hashes of an issuer's name and key.
struct Hashes {
    sha1: [Vec<u8>; 2],
    sha256: [Vec<u8>; 2],
}

impl<'c> Subject<'c> {
    /// The certificate `link`, which `issuer` issued.
    pub(super) fn of(link: &Link<'c>, issuer: &Link<'_>) -> Option<Subject<'c>> {
        let (name, key) = (issuer.certificate.tbs.subject.to_der().ok()?, key_bits(&issuer.certificate)?);
        let sha1 = [Sha1::digest(&name).to_vec(), Sha1::digest(key).to_vec()];
        let sha256 = [Sha256::digest(&name).to_vec(), Sha256::digest(key).to_vec()];
        Some(Subject { serial: link.certificate.tbs.serial.value(), issuer: Hashes { sha1, sha256 } })
    }

    /// Whether this is the certificate that a response names.
    fn is(&self, named: &CertId<'_>) -> bool {
        let algorithm = || oid(*sequence(named.algorithm)?.first()?);
        let hashes = match algorithm() {
            Some(SHA1) => &self.issuer.sha1,
            Some(SHA256) => &self.issuer.sha256,
            _ => return false,
        };
        named.serial.value() == self.serial
            && *hashes == [named.issuer_name.as_bytes().to_vec(), named.issuer_key.as_bytes().to_vec()]
    }
}

impl<'c> OcspResponse<'c> {
    /// Reads an OCSPResponse (RFC 6960, section 4.2.1). It is `None` if the server gave no answer, an answer has no end, a critical extension is unknown, or it is not in DER.
    pub(super) fn read(der: &'c [u8]) -> Option<OcspResponse<'c>> {
        let whole = sequence(AnyRef::from_der(der).ok()?)?;
        let [status, bytes] = whole.as_slice() else { return None };
        let typed = sequence(explicit(*bytes, 0)?)?;
        let [kind, basic] = typed.as_slice() else { return None };
        let is_successful = status.tag() == Tag::Enumerated && status.value() == [SUCCESSFUL];
        if !is_successful || oid(*kind)? != BASIC || basic.tag() != Tag::OctetString {
            return None;
        }
        let basic = sequence(AnyRef::from_der(basic.value()).ok()?)?;
        let [signed, algorithm, signature, certificates @ ..] = basic.as_slice() else { return None };
        let certificates = match certificates {
            [] => Vec::new(),
            [certificates] => sequence(explicit(*certificates, 0)?)?,
            _ => return None,
        };
        if certificates.len() > MAX_CERTIFICATES {
            return None;
        }
        // The version is left out, because the only one is the default.
        let data = sequence(*signed)?;
        let [responder, produced_at, answers, extensions @ ..] = data.as_slice() else { return None };
        for (id, is_critical, _) in optional_extensions(extensions)? {
            if is_critical && id != NONCE {
                return None;
            }
        }
        Some(OcspResponse {
            signed: *signed,
            algorithm: oid(*sequence(*algorithm)?.first()?)?,
            signature: signature.decode_as().ok()?,
            responder: Responder::read(*responder)?,
            produced_at: time(*produced_at)?,
            answers: sequence(*answers)?.into_iter().map(Answer::read).collect::<Option<_>>()?,
            certificates,
        })
    }

    /// Whether the response may be about this certificate, and counts now. No signature is checked yet.
    pub(super) fn may_be_about(&self, subject: &Subject<'_>, issuer: &Link<'_>, now: UnixTime) -> bool {
        self.about(subject, now).next().is_some()
            && (self.is_by_issuer(subject, issuer) || self.delegate(issuer, now).is_some())
    }

    /// Whether the issuer signed the response, or a delegate of the issuer whom `accepts` takes for good.
    pub(super) fn is_signed(
        &self,
        subject: &Subject<'_>,
        issuer: &Link<'_>,
        now: UnixTime,
        accepts: impl Fn(&Link<'_>) -> bool,
    ) -> bool {
        if self.is_by_issuer(subject, issuer) {
            return self.is_signed_by(&issuer.key);
        }
        let Some(der) = self.delegate(issuer, now) else { return false };
        Link::read(&der).is_ok_and(|delegate| {
            delegate.is_issued_by(issuer) && self.is_signed_by(&delegate.key) && accepts(&delegate)
        })
    }

    /// Whether the certificate is revoked for what was signed at this time. It is `None` if the server does not know the certificate.
    pub(super) fn revokes(&self, subject: &Subject<'_>, now: UnixTime, signed_at: Option<UnixTime>) -> Option<bool> {
        let revokes = |answer: &Answer<'_>| match answer.status {
            Status::Good => Some(false),
            Status::Revoked(since) => Some(signed_at.zip(since).is_none_or(|(signed_at, since)| signed_at >= since)),
            Status::Unknown => None,
        };
        self.about(subject, now).filter_map(revokes).max()
    }

    /// The answers about this certificate that count now.
    fn about(&self, subject: &Subject<'_>, now: UnixTime) -> impl Iterator<Item = &Answer<'c>> {
        let is_now = move |answer: &&Answer<'_>| answer.this_update <= now && now < answer.next_update;
        self.answers.iter().filter(is_now).filter(|answer| subject.is(&answer.certificate))
    }

    /// Whether the response says that the issuer itself signed it.
    fn is_by_issuer(&self, subject: &Subject<'_>, issuer: &Link<'_>) -> bool {
        match self.responder {
            Responder::Name(name) => issuer.certificate.tbs.subject.to_der().is_ok_and(|subject| subject == name),
            Responder::Key(hash) => subject.issuer.sha1.last().is_some_and(|key| key == hash),
        }
    }

    /// The certificate in the response that its signer says to have from this issuer. The issuer's signature is not checked yet.
    fn delegate(&self, issuer: &Link<'_>, now: UnixTime) -> Option<Vec<u8>> {
        let is_delegate = |der: &Vec<u8>| {
            let is_delegate = |certificate: &Certificate<'_>| {
                let validity = certificate.validity();
                certificate.tbs.issuer.value() == issuer.certificate.tbs.subject.value()
                    && self.is_by(certificate)
                    && validity.contains(now)
                    && validity.contains(self.produced_at)
                    && may_answer(certificate) == Some(true)
            };
            Certificate::read(der).as_ref().is_some_and(is_delegate)
        };
        self.certificates.iter().filter_map(|part| part.to_der().ok()).find(is_delegate)
    }

    /// Whether the response names this certificate as its signer's.
    fn is_by(&self, certificate: &Certificate<'_>) -> bool {
        match self.responder {
            Responder::Name(name) => certificate.tbs.subject.to_der().is_ok_and(|subject| subject == name),
            Responder::Key(hash) => key_bits(certificate).is_some_and(|key| Sha1::digest(key).as_slice() == hash),
        }
    }

    fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signed = || {
            let hash = hash_of_signature(self.algorithm)?;
            let signature = self.signature.as_bytes()?;
            key.algorithm.verifies(hash, &key.material, &self.signed.to_der().ok()?, signature).then_some(())
        };
        signed().is_some()
    }
}

/// Whether a certificate is a responder's, and not a CA's.
fn may_answer(certificate: &Certificate<'_>) -> Option<bool> {
    let is_ca = certificate.typed::<BasicConstraints>().ok()?.is_some_and(|constraints| constraints.ca);
    let signs = certificate.typed::<KeyUsage>().ok()?.is_none_or(|usage| usage.digital_signature());
    let is_for = certificate.typed::<ExtendedKeyUsage>().ok()?.is_some_and(|usage| usage.0.contains(&OCSP_SIGNING));
    Some(!is_ca && signs && is_for && certificate.knows_all_critical(&KNOWN))
}

/// Whether a certificate names an OCSP server. If that cannot be read, it does.
pub(super) fn names_server(certificate: &Certificate<'_>) -> bool {
    let Some(access) = certificate.extension(AUTHORITY_INFO_ACCESS) else { return false };
    let is_ocsp = |access: &AnyRef<'_>| {
        sequence(*access).and_then(|access| oid(*access.first()?)).is_none_or(|method| method == OCSP)
    };
    AnyRef::from_der(access).ok().and_then(sequence).is_none_or(|all| all.iter().any(is_ocsp))
}

/// Whether nobody has to check the revocation of this responder's certificate.
pub(super) fn needs_no_check(delegate: &Link<'_>) -> bool {
    delegate.certificate.has(NO_CHECK)
}

impl<'c> Responder<'c> {
    fn read(part: AnyRef<'c>) -> Option<Responder<'c>> {
        match context(part)? {
            // The name as it stands in a certificate, with its own head.
            1 => Some(Responder::Name(part.value())),
            2 => {
                let hash = explicit(part, 2)?;
                (hash.tag() == Tag::OctetString).then_some(Responder::Key(hash.value()))
            }
            _ => None,
        }
    }
}

impl<'c> Answer<'c> {
    /// Reads a SingleResponse. It is `None` if it has no end, or an unknown critical extension.
    fn read(part: AnyRef<'c>) -> Option<Answer<'c>> {
        let parts = sequence(part)?;
        let [certificate, status, this_update, next_update, extensions @ ..] = parts.as_slice() else { return None };
        let mut invalid_since = None;
        for (id, is_critical, value) in optional_extensions(extensions)? {
            match id {
                INVALIDITY_DATE => invalid_since = Some(read_time(AnyRef::from_der(value).ok()?.value())?),
                REASON => {}
                _ if is_critical => return None,
                _ => {}
            }
        }
        let status = match context(*status)? {
            0 => Status::Good,
            1 => Status::Revoked(invalid_since),
            2 => Status::Unknown,
            _ => return None,
        };
        Some(Answer {
            certificate: certificate.decode_as().ok()?,
            status,
            this_update: time(*this_update)?,
            next_update: time(explicit(*next_update, 0)?)?,
        })
    }
}

/// The extensions in `[1]`, which stand last if there are any.
fn optional_extensions<'c>(rest: &[AnyRef<'c>]) -> Option<Vec<(ObjectIdentifier, bool, &'c [u8])>> {
    match rest {
        [] => Some(Vec::new()),
        [extensions] => read_extensions(explicit(*extensions, 1)?),
        _ => None,
    }
}

/// A GeneralizedTime.
fn time(part: AnyRef<'_>) -> Option<UnixTime> {
    if part.tag() == Tag::GeneralizedTime { read_time(part.value()) } else { None }
}

/// The bits of a certificate's public key, without their head.
fn key_bits<'c>(certificate: &Certificate<'c>) -> Option<&'c [u8]> {
    let parts = sequence(certificate.tbs.key)?;
    let bits: BitStringRef<'c> = parts.get(1)?.decode_as().ok()?;
    bits.as_bytes()
}

/// A question for an OCSP server about one certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OcspRequest {
    /// The HTTP address of the server, as the certificate names it.
    pub address: String,
    /// The OCSPRequest, in DER. It names the issuer by SHA-1, which every server knows, and has no nonce.
    pub body: Vec<u8>,
}

/// The requests for the servers that this certificate names. `others` are certificates among which its issuer's may be.
pub(super) fn requests_about(der: &[u8], others: &[Vec<u8>]) -> Vec<OcspRequest> {
    let requests = || {
        let certificate = Certificate::read(der)?;
        if certificate.names()?.is_root() {
            return None;
        }
        let addresses = certificate.extension(AUTHORITY_INFO_ACCESS).and_then(read_addresses)?;
        let body = request(&certificate, others)?;
        let is_http = |address: &&str| address.starts_with("http://") || address.starts_with("https://");
        let texts = addresses.iter().filter_map(|address| std::str::from_utf8(address).ok()).filter(is_http);
        Some(texts.map(|address| OcspRequest { address: address.to_owned(), body: body.clone() }).collect())
    };
    requests().unwrap_or_default()
}

/// The request about a certificate (RFC 6960, section 4.1.1).
fn request(certificate: &Certificate<'_>, others: &[Vec<u8>]) -> Option<Vec<u8>> {
    let key_of_issuer = |der: &Vec<u8>| {
        let issuer = Certificate::read(der)?;
        let is_above =
            issuer.tbs.subject.value() == certificate.tbs.issuer.value() && certificate.is_signed_by(&issuer.key()?);
        is_above.then(|| Some(Sha1::digest(key_bits(&issuer)?).to_vec()))?
    };
    // A timestamp may lack the root's certificate. CAs nearly always make the identifier of a key in the same way as requests do.
    let identifier = || {
        let id = certificate.typed::<AuthorityKeyIdentifier>().ok()??.key_identifier?;
        Some(id.as_bytes().to_vec())
    };
    let key = others.iter().find_map(key_of_issuer).or_else(identifier)?;
    let name = Sha1::digest(certificate.tbs.issuer.to_der().ok()?);
    let id = CertId {
        algorithm: AnyRef::new(Tag::Sequence, &SHA1_ALGORITHM).ok()?,
        issuer_name: OctetStringRef::new(&name).ok()?,
        issuer_key: OctetStringRef::new(&key).ok()?,
        serial: certificate.tbs.serial,
    };
    // OCSPRequest, TBSRequest, requestList and Request, each with one part.
    [[[[id]]]].to_der().ok()
}

/// The addresses of the OCSP servers in an authority information access (RFC 5280, section 4.2.2.1).
fn read_addresses(der: &[u8]) -> Option<Vec<&[u8]>> {
    let mut all = Vec::new();
    for access in sequence(AnyRef::from_der(der).ok()?)? {
        if let [method, place] = sequence(access)?.as_slice()
            && oid(*method)? == OCSP
            && context(*place)? == 6
        {
            all.push(place.value());
        }
    }
    Some(all)
}
