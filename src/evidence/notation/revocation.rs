//! Was a certificate revoked? (Notary Project, "Certificate Revocation Evaluation"; RFC 5280, section 5)
//!
//! The policy has no network, so revocation lists (CRLs) and OCSP responses (`ocsp`) come in the evidence manifest. A CA signed each of them and says when the next one comes. So
//! whoever carries one can only keep back a newer one until then.

use der::{
    AnyRef, Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _,
    asn1::{BitStringRef, ObjectIdentifier},
};
use x509_cert::{ext::pkix::KeyUsage, time::Time};

use super::{
    NotationError,
    chain::Link,
    name::shown_subject,
    ocsp::{INVALIDITY_DATE, OcspResponse, REASON, Subject, names_server, needs_no_check},
};
use crate::{
    signing::{
        PublicKey,
        asn1::{context, list, oid, read_extensions, sequence},
        certificate::Certificate,
        signature::hash_of_signature,
        timestamp_token::read_time,
    },
    time::UnixTime,
};

/// The most lists about one certificate whose signatures are checked.
const MAX_LISTS: usize = 3;
/// The most OCSP responses about one certificate whose signatures are checked.
const MAX_RESPONSES: usize = 3;
/// The most entries of a list that are read.
const MAX_REVOKED: usize = 20_000;

/// The extension of certificates that names revocation lists (RFC 5280, section 4.2.1.13).
const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
/// The extension of CRLs that limits them (RFC 5280, section 5.2.5).
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
/// The reason `removeFromCRL`.
const REMOVED: u8 = 8;

/// What CAs say about revoked certificates, as it lies in the evidence manifest.
#[derive(Default)]
pub(crate) struct RevocationEvidence<'c> {
    /// Revocation lists (RFC 5280, section 5).
    pub(crate) lists: Vec<&'c [u8]>,
    /// OCSP responses (RFC 6960, section 4.2).
    pub(crate) responses: Vec<&'c [u8]>,
}

/// What is known about revoked certificates.
pub(super) struct Revocation<'c> {
    lists: Vec<RevocationList<'c>>,
    responses: Vec<OcspResponse<'c>>,
    now: UnixTime,
}

/// A revocation list. Nothing in it is proven.
pub(super) struct RevocationList<'c> {
    signed: AnyRef<'c>,
    algorithm: ObjectIdentifier,
    signature: BitStringRef<'c>,
    issuer: &'c [u8],
    next_update: UnixTime,
    this_update: UnixTime,
    revoked: Option<&'c [u8]>,
    /// The limits of the list. It is `None` if the list is about all certificates of the CA.
    limits: Option<Limits<'c>>,
}

/// The certificates of a CA to which a list is limited (RFC 5280, section 5.2.5).
struct Limits<'c> {
    /// Those that name one of these addresses.
    addresses: Option<Vec<&'c [u8]>>,
    /// Only those of CAs, or only others.
    only_cas: Option<bool>,
}

impl<'c> Revocation<'c> {
    /// Reads what was collected. What cannot be read tells nothing.
    pub(super) fn read(evidence: &RevocationEvidence<'c>, now: UnixTime) -> Revocation<'c> {
        let RevocationEvidence { lists, responses } = evidence;
        Revocation {
            lists: lists.iter().filter_map(|der| RevocationList::read(der)).collect(),
            responses: responses.iter().filter_map(|der| OcspResponse::read(der)).collect(),
            now,
        }
    }

    /// Checks that no certificate but the root was revoked. `signed_at` is the time of the signature, if somebody else proves it.
    ///
    /// # Errors
    /// If one was revoked, or it says where that would be told and nobody tells it.
    pub(super) fn check(&self, links: &[Link<'_>], signed_at: Option<UnixTime>) -> Result<(), NotationError> {
        for (link, issuer) in links.iter().zip(links.iter().skip(1)) {
            if !has_revocation(link) {
                continue;
            }
            // Nothing is less than good, and good is less than revoked.
            match self.by_lists(link, issuer, signed_at).max(self.by_responses(link, issuer, signed_at)) {
                Some(true) => return Err(NotationError::Revoked(shown_subject(&link.certificate))),
                Some(false) => {}
                None => return Err(NotationError::RevocationUnknown(shown_subject(&link.certificate))),
            }
        }
        Ok(())
    }

    /// Whether a list revokes the certificate. It is `None` if no list tells anything about it.
    fn by_lists(&self, link: &Link<'_>, issuer: &Link<'_>, signed_at: Option<UnixTime>) -> Option<bool> {
        // Whoever carries the lists can put many beside them that the CA did not sign.
        let usable = self.lists.iter().filter(|list| list.may_be_about(link, issuer, self.now)).take(MAX_LISTS);
        let signed = usable.filter(|list| list.is_signed_by(&issuer.key));
        signed.filter_map(|list| list.revokes(link.certificate.tbs.serial.value(), signed_at)).max()
    }

    /// Whether an OCSP response revokes the certificate. It is `None` if no response tells anything about it.
    fn by_responses(&self, link: &Link<'_>, issuer: &Link<'_>, signed_at: Option<UnixTime>) -> Option<bool> {
        let subject = Subject::of(link, issuer)?;
        let usable = self.responses.iter().filter(|response| response.may_be_about(&subject, issuer, self.now));
        let accepts = |delegate: &Link<'_>| self.is_good(delegate, issuer);
        let signed = usable.take(MAX_RESPONSES).filter(|it| it.is_signed(&subject, issuer, self.now, accepts));
        signed.filter_map(|response| response.revokes(&subject, self.now, signed_at)).max()
    }

    /// Whether the certificate of an OCSP responder counts. A list decides if there is one, because responses about responders would have no end. Without a list the certificate has
    /// to need no check (RFC 6960, section 4.2.2.2.1), or to name nobody who would tell, which is enough for the other certificates too.
    fn is_good(&self, delegate: &Link<'_>, issuer: &Link<'_>) -> bool {
        match self.by_lists(delegate, issuer, None) {
            Some(is_revoked) => !is_revoked,
            None => needs_no_check(delegate) || !has_revocation(delegate),
        }
    }
}

/// Whether a certificate says where its revocation is told.
fn has_revocation(link: &Link<'_>) -> bool {
    names_server(&link.certificate) || link.certificate.has(CRL_DISTRIBUTION_POINTS)
}

/// The addresses at which the CA of this certificate publishes revocation lists by HTTP.
pub(super) fn addresses_of(der: &[u8]) -> Vec<String> {
    let Some(certificate) = Certificate::read(der) else { return Vec::new() };
    let points = certificate.extension(CRL_DISTRIBUTION_POINTS).and_then(read_distribution_points).unwrap_or_default();
    let texts = points.iter().filter_map(|address| std::str::from_utf8(address).ok());
    let is_http = |address: &&str| address.starts_with("http://") || address.starts_with("https://");
    texts.filter(is_http).map(str::to_owned).collect()
}

impl<'c> RevocationList<'c> {
    /// Reads a CertificateList (RFC 5280, section 5.1). It is `None` if the list has no end, is limited in a way that is not known, or is not in DER.
    pub(super) fn read(der: &'c [u8]) -> Option<RevocationList<'c>> {
        let whole = sequence(AnyRef::from_der(der).ok()?)?;
        let [signed, algorithm, signature] = whole.as_slice() else { return None };
        let mut parts = sequence(*signed)?.into_iter().peekable();
        if parts.peek()?.tag() == Tag::Integer {
            parts.next();
        }
        let [inner, issuer, this_update] = [parts.next()?, parts.next()?, parts.next()?];
        let next_update = parts.next()?;
        let revoked = parts.next_if(|part| part.tag() == Tag::Sequence).map(|part| part.value());
        let mut limits = None;
        if let Some(extensions) = parts.next() {
            if context(extensions)? != 0 {
                return None;
            }
            for (id, is_critical, value) in read_extensions(AnyRef::from_der(extensions.value()).ok()?)? {
                match id {
                    ISSUING_DISTRIBUTION_POINT => limits = Some(Limits::read(value)?),
                    // A list of changes, for example, is no whole list.
                    _ if is_critical => return None,
                    _ => {}
                }
            }
        }
        if parts.next().is_some() || inner != *algorithm {
            return None;
        }
        Some(RevocationList {
            signed: *signed,
            algorithm: oid(*sequence(*algorithm)?.first()?)?,
            signature: signature.decode_as().ok()?,
            issuer: issuer.value(),
            this_update: time(this_update)?,
            next_update: time(next_update)?,
            revoked,
            limits,
        })
    }

    /// Whether the list may be about this certificate, and counts now. Its signature is not checked yet.
    fn may_be_about(&self, link: &Link<'_>, issuer: &Link<'_>, now: UnixTime) -> bool {
        let names = [link.certificate.tbs.issuer.value(), issuer.certificate.tbs.subject.value()];
        let is_now = self.this_update <= now && now < self.next_update;
        names.iter().all(|name| *name == self.issuer) && is_now && self.covers(link) && may_sign_lists(issuer)
    }

    /// Whether the list is about this certificate, as far as its limits say.
    fn covers(&self, link: &Link<'_>) -> bool {
        let Some(Limits { addresses, only_cas }) = &self.limits else { return true };
        if only_cas.is_some_and(|only_cas| only_cas != link.is_ca()) {
            return false;
        }
        let Some(addresses) = addresses else { return true };
        let named =
            link.certificate.extension(CRL_DISTRIBUTION_POINTS).and_then(read_distribution_points).unwrap_or_default();
        addresses.iter().any(|address| named.contains(address))
    }

    fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signed = || {
            let hash = hash_of_signature(self.algorithm)?;
            let signature = self.signature.as_bytes()?;
            key.algorithm.verifies(hash, &key.material, &self.signed.to_der().ok()?, signature).then_some(())
        };
        signed().is_some()
    }

    /// Whether an entry revokes the certificate with this serial number. It is `None` if an entry about it cannot be read.
    fn revokes(&self, serial: &[u8], signed_at: Option<UnixTime>) -> Option<bool> {
        let mut reader = SliceReader::new(self.revoked.unwrap_or_default()).ok()?;
        for _ in 0..MAX_REVOKED {
            if reader.is_finished() {
                return Some(false);
            }
            let entry = sequence(AnyRef::decode(&mut reader).ok()?)?;
            let [number, _date, extensions @ ..] = entry.as_slice() else { return None };
            if number.value() == serial {
                return is_revoked(extensions.first().copied(), signed_at);
            }
        }
        None
    }
}

/// Whether an entry with these extensions revokes what was signed at this time.
fn is_revoked(extensions: Option<AnyRef<'_>>, signed_at: Option<UnixTime>) -> Option<bool> {
    let Some(extensions) = extensions else { return Some(true) };
    for (id, is_critical, value) in read_extensions(extensions)? {
        match id {
            REASON if AnyRef::from_der(value).ok()?.value() == [REMOVED] => return Some(false),
            REASON => {}
            INVALIDITY_DATE => {
                let since = read_time(AnyRef::from_der(value).ok()?.value())?;
                if signed_at.is_some_and(|signed_at| signed_at < since) {
                    return Some(false);
                }
            }
            // The entry may be about a certificate of another CA.
            _ if is_critical => return None,
            _ => {}
        }
    }
    Some(true)
}

/// Whether the CA may sign revocation lists.
fn may_sign_lists(issuer: &Link<'_>) -> bool {
    issuer.certificate.typed::<KeyUsage>().ok().flatten().is_some_and(|usage| usage.crl_sign())
}

impl<'c> Limits<'c> {
    /// Reads an issuing distribution point. It is `None` if the list has other limits.
    fn read(der: &'c [u8]) -> Option<Limits<'c>> {
        let mut limits = Limits { addresses: None, only_cas: None };
        for part in sequence(AnyRef::from_der(der).ok()?)? {
            match context(part)? {
                0 => limits.addresses = Some(addresses(part)?),
                number @ (1 | 2) if part.value() != [0] && limits.only_cas.is_none() => {
                    limits.only_cas = Some(number == 2)
                }
                _ => return None,
            }
        }
        Some(limits)
    }
}

/// The addresses of the distribution points of a certificate (RFC 5280, section 4.2.1.13).
fn read_distribution_points(der: &[u8]) -> Option<Vec<&[u8]>> {
    let mut all = Vec::new();
    for point in sequence(AnyRef::from_der(der).ok()?)? {
        if let [name] = sequence(point)?.as_slice() {
            all.extend(addresses(*name)?);
        }
    }
    Some(all)
}

/// The URIs of a DistributionPointName in `[0]`, which holds a full name in `[0]`.
fn addresses(point: AnyRef<'_>) -> Option<Vec<&[u8]>> {
    let full_name = (context(point)? == 0).then(|| list(point.value()))??;
    let [full_name] = full_name.as_slice() else { return None };
    let names = (context(*full_name)? == 0).then(|| list(full_name.value()))??;
    Some(names.iter().filter(|name| context(**name) == Some(6)).map(|name| name.value()).collect())
}

/// A UTCTime or GeneralizedTime.
fn time(part: AnyRef<'_>) -> Option<UnixTime> {
    let time: Time = part.decode_as().ok()?;
    Some(UnixTime::since_epoch(time.to_unix_duration()))
}
