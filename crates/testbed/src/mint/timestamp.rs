//! What does a time-stamping authority answer?
//!
//! A response as RFC 3161 has it, in DER and by hand: every field is the right one if nothing else is said.

use sha2::{Digest as _, Sha256, Sha512};

use super::{
    ISSUED,
    authority::{Authority, Ca, Extension, Subject, name, serial},
    der::{self, OCTETS, sequence, tlv},
    key::Key,
};

const SET: u8 = 0x31;
const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const SHA512: &str = "2.16.840.1.101.3.4.2.3";
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A time-stamping authority: its key and its certificate, and the CA above it.
#[derive(Clone, Debug)]
pub struct Tsa {
    pub key: Key,
    /// Its certificate.
    pub der: Vec<u8>,
    /// The name and the serial number of that, as DER.
    issuer: Vec<u8>,
    serial: Vec<u8>,
    /// Who issued it.
    pub ca: Authority,
}

impl Tsa {
    /// One whose certificate is for timestamps only.
    pub fn new(name: &str) -> Self {
        Self::with(name, &[TIME_STAMPING], true)
    }

    /// One whose certificates are valid from and until these times.
    pub fn valid(name: &str, validity: (u64, u64)) -> Self {
        Self::issued(name, &[TIME_STAMPING], true, validity, validity)
    }

    /// One whose certificate is for these purposes, and says so in a way that every reader has to understand, or not.
    pub fn with(of: &str, purposes: &[&str], is_critical: bool) -> Self {
        let Ca { not_before, not_after, .. } = Ca::default();
        let validity = (ISSUED - 86_400, ISSUED + 365 * 86_400);
        Self::issued(of, purposes, is_critical, validity, (not_before, not_after))
    }

    /// One whose certificate has this extension besides.
    pub fn revocable(name: &str, extension: Extension) -> Self {
        let tsa = Self::new(name);
        let whose = Subject {
            name: &super::authority::name(&format!("{name} tsa")),
            public: tsa.key.public(),
            serial: serial(&format!("{name} tsa")),
            validity: (ISSUED - 86_400, ISSUED + 365 * 86_400),
        };
        let purposes = Extension::critical("2.5.29.37", sequence([der::oid(TIME_STAMPING)]));
        let usages = Extension::critical("2.5.29.15", der::flags(&[0]));
        Self { der: tsa.ca.sign(&tsa.ca.tbs(&whose, &[usages, purposes, extension])), ..tsa }
    }

    fn issued(
        of: &str,
        purposes: &[&str],
        is_critical: bool,
        validity: (u64, u64),
        (not_before, not_after): (u64, u64),
    ) -> Self {
        let purpose = vec![TIME_STAMPING];
        let ca = Ca { name: format!("{of} tsa root"), purposes: purpose, not_before, not_after, ..Ca::default() };
        let ca = Authority::root(&ca);
        let key = Key::p256(&format!("{of} tsa"));
        let list: Vec<u8> = purposes.iter().flat_map(|purpose| der::oid(purpose)).collect();
        let purposes = Extension { oid: "2.5.29.37", critical: is_critical, value: tlv(der::SEQUENCE, &list) };
        let subject = name(&format!("{of} tsa"));
        let serial = serial(&format!("{of} tsa"));
        let whose = Subject { name: &subject, public: key.public(), serial: serial.clone(), validity };
        let der = ca.sign(&ca.tbs(&whose, &[Extension::critical("2.5.29.15", der::flags(&[0])), purposes]));
        Self { key, der, issuer: ca.name.clone(), serial: der::integer(&serial), ca }
    }

    /// The response for these bytes at this time.
    pub fn stamp(&self, bytes: &[u8], time: u64) -> Vec<u8> {
        self.answer(&Stamp { time: der::generalized(time), ..Stamp::of(bytes) })
    }

    /// The response that says this.
    pub fn answer(&self, stamp: &Stamp) -> Vec<u8> {
        let algorithm = |oid| sequence([der::oid(oid)]);
        let (imprint, imprint_hash) = match stamp.is_wide {
            true => (SHA512, Sha512::digest(&stamp.bytes).to_vec()),
            false => (SHA256, stamp.imprint.clone().unwrap_or_else(|| Sha256::digest(&stamp.bytes).to_vec())),
        };
        let info = sequence([
            der::integer(&[1]),
            der::oid("1.3.6.1.4.1.57264.2"),
            sequence([
                match stamp.echoed {
                    Some(_) => sequence([der::oid(imprint), tlv(0x05, &[])]),
                    None => algorithm(imprint),
                },
                tlv(OCTETS, &imprint_hash),
            ]),
            der::integer(&[7]),
            tlv(0x18, stamp.time.as_bytes()),
            stamp.echoed.clone().unwrap_or_default(),
        ]);
        let attribute = |oid, value: Vec<u8>| sequence([der::oid(oid), tlv(SET, &value)]);
        let certificate = stamp.essential.clone().unwrap_or_else(|| self.der.clone());
        let digest = Sha256::digest(stamp.digest_of.as_deref().unwrap_or(&info)).to_vec();
        let mut attributes = vec![
            attribute("1.2.840.113549.1.9.3", der::oid("1.2.840.113549.1.9.16.1.4")),
            attribute("1.2.840.113549.1.9.4", tlv(OCTETS, &digest)),
            attribute(
                "1.2.840.113549.1.9.16.2.47",
                sequence([sequence([sequence([tlv(OCTETS, &Sha256::digest(&certificate))])])]),
            ),
        ];
        if let Some(again) = stamp.twice {
            attributes.push(attributes[again].clone());
        }
        let attributes = attributes.concat();
        let signature = stamp.key.as_ref().unwrap_or(&self.key).sign(&tlv(SET, &attributes));
        let signer = sequence([
            der::integer(&[1]),
            sequence([stamp.issuer.clone().unwrap_or_else(|| self.issuer.clone()), self.serial.clone()]),
            algorithm(SHA256),
            tlv(0xa0, &attributes),
            algorithm("1.2.840.10045.4.3.2"),
            tlv(OCTETS, &signature),
        ]);
        let signers = vec![signer; stamp.signers].concat();
        let certificates =
            if stamp.certificates.is_empty() { Vec::new() } else { tlv(0xa0, &stamp.certificates.concat()) };
        let data = sequence([
            der::integer(&[3]),
            tlv(SET, &algorithm(SHA256)),
            sequence([der::oid("1.2.840.113549.1.9.16.1.4"), tlv(0xa0, &tlv(OCTETS, &info))]),
            certificates,
            tlv(SET, &signers),
        ]);
        let content = sequence([der::oid("1.2.840.113549.1.7.2"), tlv(0xa0, &data)]);
        sequence([sequence([der::integer(&[stamp.status])]), content])
    }
}

/// What a response says, right if nothing is changed.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The bytes that it is about.
    pub bytes: Vec<u8>,
    /// The time, as GeneralizedTime writes it.
    pub time: String,
    /// The SHA-256 of the bytes, where nobody has more of them.
    pub imprint: Option<Vec<u8>>,
    /// Whether the bytes are hashed with SHA-512 instead of SHA-256.
    pub is_wide: bool,
    /// Whether it was granted (0 or 1).
    pub status: u8,
    /// Who signs it instead.
    pub key: Option<Key>,
    /// The certificate that it names by its hash instead.
    pub essential: Option<Vec<u8>>,
    /// The name of the issuer of the certificate that it names instead, as DER.
    pub issuer: Option<Vec<u8>>,
    /// What its message digest is of instead.
    pub digest_of: Option<Vec<u8>>,
    /// The attribute that stands there twice, by its number.
    pub twice: Option<usize>,
    /// How many signers it has.
    pub signers: usize,
    /// The certificates that it brings along.
    pub certificates: Vec<Vec<u8>>,
    /// What it repeats of the request: its nonce in DER, which may be nothing, and how it writes the hash. It repeats nothing if there is none.
    pub echoed: Option<Vec<u8>>,
}

impl Stamp {
    /// A response about these bytes, a minute after everything begins.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            time: der::generalized(ISSUED + 60),
            imprint: None,
            is_wide: false,
            status: 0,
            key: None,
            essential: None,
            issuer: None,
            digest_of: None,
            twice: None,
            signers: 1,
            certificates: Vec::new(),
            echoed: None,
        }
    }
}

/// A client's request for a timestamp of what has this SHA-256: with no nonce, no policy, and no wish for certificates.
pub fn request(imprint: &[u8]) -> Vec<u8> {
    let algorithm = sequence([der::oid(SHA256), tlv(0x05, &[])]);
    sequence([der::integer(&[1]), sequence([algorithm, tlv(OCTETS, imprint)])])
}
