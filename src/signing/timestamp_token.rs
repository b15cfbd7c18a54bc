//! At which time does a time-stamping authority say that it saw these bytes?
//!
//! A time-stamp response (RFC 3161, section 2.4.2) is signed data (RFC 5652, section 5) around a time. Every byte of it is read. The named signer, the hash of the
//! signer's certificate (RFC 5035), the use of the key and the signature all have to fit one certificate. Whether that certificate belongs to a trusted authority is
//! checked elsewhere. Only DER is read. Some authorities write BER, which is refused.

use std::time::Duration;

use der::{AnyRef, DateTime, Decode as _, Encode as _, Tag, Tagged as _, asn1::ObjectIdentifier};

use super::{
    asn1::{context, explicit, list, oid, sequence},
    certificate::{Certificate, Purpose},
    signature::{Hash, hash_of_signature},
};
use crate::time::UnixTime;

/// The longest response that is read, in bytes. Those of real authorities have 0.7 to 6 KB.
const MAX_LENGTH: usize = 16 * 1024;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// The hash algorithms that are accepted in tokens. Older ones are refused.
const HASHES: [(ObjectIdentifier, Hash); 3] = [
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), Hash::Sha256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), Hash::Sha384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), Hash::Sha512),
];
/// The baseline policy of time-stamping authorities, with an accuracy of one second (RFC 3628).
const BASELINE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.2023.1.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A time-stamp token. Nothing in it is proven.
#[derive(Debug)]
pub(crate) struct TimestampToken {
    /// The time in the token.
    pub(crate) time: UnixTime,
    /// How far that time may be from the true one.
    pub(crate) accuracy: Duration,
    imprint: (Hash, Vec<u8>),
    /// The signed bytes: the signed attributes as a SET (RFC 5652, section 5.4).
    signed: Vec<u8>,
    hash: Hash,
    signature: Vec<u8>,
    signer: Signer,
    /// The hash of the signer's certificate.
    essential: (Hash, Vec<u8>),
    /// The certificates in the token, in DER. They are only hints.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// The way in which a token names the certificate of its signer (RFC 5652, section 5.3).
#[derive(Debug)]
enum Signer {
    /// By the issuer and the serial number, as their DER contents.
    Number { issuer: Vec<u8>, serial: Vec<u8> },
    /// By the subject key identifier.
    KeyId(Vec<u8>),
}

impl TimestampToken {
    /// Reads a TimeStampResp. It is `None` if the response is not in DER, or was not granted.
    pub(crate) fn read(response: &[u8]) -> Option<TimestampToken> {
        if response.len() > MAX_LENGTH {
            return None;
        }
        let response = sequence(AnyRef::from_der(response).ok()?)?;
        let [status, token] = response.as_slice() else { return None };
        let granted = sequence(*status)?.first().copied()?;
        if granted.tag() != Tag::Integer || !matches!(granted.value(), [0 | 1]) {
            return None;
        }
        TimestampToken::of_content(*token)
    }

    /// Reads a TimeStampToken, which stands in a response, and by itself in other formats. It is `None` if it is not in DER.
    pub(crate) fn read_token(token: &[u8]) -> Option<TimestampToken> {
        TimestampToken::of_content(AnyRef::from_der(token).ok().filter(|_| token.len() <= MAX_LENGTH)?)
    }

    fn of_content(token: AnyRef<'_>) -> Option<TimestampToken> {
        let content = sequence(token)?;
        let [kind, data] = content.as_slice() else { return None };
        if oid(*kind)? != SIGNED_DATA {
            return None;
        }
        TimestampToken::of_signed_data(explicit(*data, 0)?)
    }

    /// Reads SignedData (RFC 5652, section 5.1), which has exactly one signer.
    fn of_signed_data(data: AnyRef<'_>) -> Option<TimestampToken> {
        let parts = sequence(data)?;
        let [version, hashes, content, rest @ ..] = parts.as_slice() else { return None };
        if !is_number(*version, 3) || hashes.tag() != Tag::Set {
            return None;
        }
        let hashes: Vec<Hash> = list(hashes.value())?.into_iter().map(hash_of).collect::<Option<_>>()?;
        let (signers, between) = rest.split_last()?;
        let mut certificates = Vec::new();
        for part in between {
            match context(*part)? {
                0 => certificates = list(part.value())?.iter().map(|part| part.to_der().ok()).collect::<Option<_>>()?,
                1 => {}
                _ => return None,
            }
        }
        let content = sequence(*content)?;
        let [kind, content] = content.as_slice() else { return None };
        let content = explicit(*content, 0)?;
        if oid(*kind)? != TST_INFO || content.tag() != Tag::OctetString || signers.tag() != Tag::Set {
            return None;
        }
        let signers = list(signers.value())?;
        let [signer] = signers.as_slice() else { return None };
        let info = Info::read(content.value())?;
        let token = TimestampToken::of_signer(*signer, content.value(), info, certificates)?;
        hashes.contains(&token.hash).then_some(token)
    }

    /// Reads SignerInfo (RFC 5652, section 5.3) of a signer of `content`.
    fn of_signer(
        signer: AnyRef<'_>,
        content: &[u8],
        Info { time, accuracy, imprint }: Info,
        certificates: Vec<Vec<u8>>,
    ) -> Option<TimestampToken> {
        let parts = sequence(signer)?;
        let [version, id, digest, attributes, algorithm, signature, ..] = parts.as_slice() else { return None };
        if context(*attributes)? != 0 || signature.tag() != Tag::OctetString {
            return None;
        }
        let signer = Signer::read(*id)?;
        let of_version = match signer {
            Signer::Number { .. } => 1,
            Signer::KeyId(_) => 3,
        };
        if !is_number(*version, of_version) {
            return None;
        }
        let hash = hash_of(*digest)?;
        let algorithm = oid(sequence(*algorithm)?.first().copied()?)?;
        match hash_of_signature(algorithm) {
            Some(named) if named != hash => return None,
            Some(_) => {}
            None if algorithm == RSA => {}
            None => return None,
        }
        let signed = list(attributes.value())?;
        let kind = one_attribute(&signed, CONTENT_TYPE)?;
        let of_content = one_attribute(&signed, MESSAGE_DIGEST)?;
        if oid(kind)? != TST_INFO || of_content.tag() != Tag::OctetString || of_content.value() != hash.of(content) {
            return None;
        }
        Some(TimestampToken {
            time,
            accuracy,
            imprint,
            // The signature covers them as a SET, though they are written with another tag.
            signed: AnyRef::new(Tag::Set, attributes.value()).ok()?.to_der().ok()?,
            hash,
            signature: signature.value().to_vec(),
            signer,
            essential: essential(one_attribute(&signed, SIGNING_CERTIFICATE_V2)?)?,
            certificates,
        })
    }

    /// Whether the timestamp covers these bytes.
    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        let (hash, imprint) = &self.imprint;
        hash.of(bytes) == *imprint
    }

    /// Whether the token gives the hash of this certificate (DER) as that of its signer.
    pub(crate) fn names(&self, der: &[u8]) -> bool {
        let (hash, of_certificate) = &self.essential;
        hash.of(der) == *of_certificate
    }

    /// The certificate that the token brings along and names.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.certificates.iter().map(Vec::as_slice).find(|der| self.names(der))
    }

    /// Whether the key of this certificate (DER) signed the token. The certificate has to be for timestamps only, and the one that the token names.
    pub(crate) fn is_signed_with(&self, der: &[u8]) -> bool {
        let is_signed = || {
            let certificate = Certificate::read(der)?;
            let is_its =
                self.signer.is(&certificate)? && self.names(der) && certificate.is_only_for(Purpose::TimeStamping)?;
            let key = certificate.key().filter(|_| is_its)?;
            key.algorithm.verifies(self.hash, &key.material, &self.signed, &self.signature).then_some(())
        };
        is_signed().is_some()
    }
}

impl Signer {
    fn read(id: AnyRef<'_>) -> Option<Signer> {
        if id.tag() == Tag::Sequence {
            let parts = sequence(id)?;
            let [issuer, serial] = parts.as_slice() else { return None };
            return Some(Signer::Number { issuer: issuer.value().to_vec(), serial: serial.value().to_vec() });
        }
        (context(id)? == 0).then(|| Signer::KeyId(id.value().to_vec()))
    }

    /// Whether the certificate is the one that the token names.
    fn is(&self, certificate: &Certificate<'_>) -> Option<bool> {
        Some(match self {
            Signer::Number { issuer, serial } => {
                certificate.tbs.issuer.value() == issuer && certificate.tbs.serial.value() == serial
            }
            Signer::KeyId(id) => certificate.names()?.is_called(id),
        })
    }
}

/// What TSTInfo says (RFC 3161, section 2.4.2).
struct Info {
    time: UnixTime,
    accuracy: Duration,
    imprint: (Hash, Vec<u8>),
}

impl Info {
    fn read(info: &[u8]) -> Option<Info> {
        let parts = sequence(AnyRef::from_der(info).ok()?)?;
        let [version, policy, imprint, _serial, time, rest @ ..] = parts.as_slice() else { return None };
        if !is_number(*version, 1) || time.tag() != Tag::GeneralizedTime {
            return None;
        }
        let accuracy = match rest.first().and_then(|accuracy| sequence(*accuracy)) {
            Some(accuracy) => read_accuracy(&accuracy)?,
            // The policy tells it (RFC 3628, section 5.2).
            None if oid(*policy)? == BASELINE => Duration::from_secs(1),
            None => Duration::ZERO,
        };
        let imprint = sequence(*imprint)?;
        let [algorithm, hashed] = imprint.as_slice() else { return None };
        if hashed.tag() != Tag::OctetString {
            return None;
        }
        Some(Info {
            time: read_time(time.value())?,
            accuracy,
            imprint: (hash_of(*algorithm)?, hashed.value().to_vec()),
        })
    }
}

/// Seconds, milliseconds and microseconds (RFC 3161, section 2.4.2).
fn read_accuracy(parts: &[AnyRef<'_>]) -> Option<Duration> {
    let mut accuracy = Duration::ZERO;
    for part in parts {
        let number =
            part.value().iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)))?;
        let length = match (part.tag(), context(*part)) {
            (Tag::Integer, _) => Duration::from_secs(number),
            (_, Some(0)) => Duration::from_millis(number),
            (_, Some(1)) => Duration::from_micros(number),
            _ => return None,
        };
        accuracy = accuracy.saturating_add(length);
    }
    Some(accuracy)
}

/// Reads a GeneralizedTime in UTC. Unlike a library's reader, it accepts fractions of a second: `20261130053015.082Z`.
pub(crate) fn read_time(text: &[u8]) -> Option<UnixTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, parts) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // RFC 3161 forbids zeros at the end of a fraction, but authorities write them.
    if whole.len() != 14 || !(1..=9).contains(&parts.len()) || !are_digits(whole) || !are_digits(parts) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u8>().ok();
    let year = whole.get(0..4)?.parse().ok()?;
    let time = DateTime::new(year, number(4..6)?, number(6..8)?, number(8..10)?, number(10..12)?, number(12..14)?);
    let nanos: u32 = format!("{parts:0<9}").parse().ok()?;
    Some(UnixTime::since_epoch(time.ok()?.unix_duration().saturating_add(Duration::from_nanos(nanos.into()))))
}

/// The hash of the signer's certificate: the first ESSCertIDv2 (RFC 5035, section 4). If it names no hash algorithm, it is SHA-256.
fn essential(attribute: AnyRef<'_>) -> Option<(Hash, Vec<u8>)> {
    let ids = sequence(sequence(attribute)?.first().copied()?)?;
    let id = sequence(ids.first().copied()?)?;
    let (hash, value) = match id.as_slice() {
        [value, ..] if value.tag() == Tag::OctetString => (Hash::Sha256, *value),
        [algorithm, value, ..] if value.tag() == Tag::OctetString => (hash_of(*algorithm)?, *value),
        _ => return None,
    };
    Some((hash, value.value().to_vec()))
}

/// The one value of an attribute that occurs once.
fn one_attribute<'a>(attributes: &[AnyRef<'a>], wanted: ObjectIdentifier) -> Option<AnyRef<'a>> {
    let mut found = None;
    for attribute in attributes {
        let parts = sequence(*attribute)?;
        let [kind, values] = parts.as_slice() else { return None };
        if oid(*kind)? == wanted {
            let values = list(values.value())?;
            let ([value], None) = (values.as_slice(), found) else { return None };
            found = Some(*value);
        }
    }
    found
}

/// The hash that an AlgorithmIdentifier names, without parameters (RFC 5754, section 2).
fn hash_of(algorithm: AnyRef<'_>) -> Option<Hash> {
    let parts = sequence(algorithm)?;
    let named = match parts.as_slice() {
        [named] => oid(*named)?,
        [named, parameters] if parameters.tag() == Tag::Null => oid(*named)?,
        _ => return None,
    };
    HASHES.iter().find(|(known, _)| *known == named).map(|(_, hash)| *hash)
}

/// Whether this is an INTEGER with this value.
fn is_number(part: AnyRef<'_>, number: u8) -> bool {
    part.tag() == Tag::Integer && part.value() == [number]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_parts_of_a_second() {
        let rows: &[(&str, Option<(u64, u32)>, &str)] = &[
            ("19700101000001Z", Some((1, 0)), "a second"),
            ("19700101000001.5Z", Some((1, 500_000_000)), "a half"),
            ("20210112115327.082000Z", Some((1_610_452_407, 82_000_000)), "as Entrust writes it"),
            ("19700101000001.000000001Z", Some((1, 1)), "the smallest part"),
            ("19700101000001.0000000001Z", None, "a smaller one"),
            ("19700101000001.Z", None, "a point and nothing"),
            ("19700101000001", None, "no zone"),
            ("19700101000001+0100", None, "another zone"),
            ("700101000001Z", None, "a year of two digits"),
            ("19700230000001Z", None, "a day that never was"),
            ("197001010000+1Z", None, "a sign"),
        ];
        for (text, expected, why) in rows {
            let expected = expected.map(|(seconds, nanos)| UnixTime::since_epoch(Duration::new(seconds, nanos)));
            assert_eq!(read_time(text.as_bytes()), expected, "{why}: {text}");
        }
    }
}
