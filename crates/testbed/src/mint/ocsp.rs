//! What does an OCSP server answer?
//!
//! A response as RFC 6960 has it, in DER and by hand: every field is the right one if nothing else is said.

use serde_json::Map;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{
    ISSUED,
    authority::{Authority, Extension, Subject, name, purposes, serial},
    der::{self, OCTETS, sequence, tlv},
    evidence::Item,
    key::Key,
};

const DAY: u64 = 86_400;
/// The end of what is valid for long: nobody runs these tests then.
const FAR: u64 = ISSUED + 26_000 * DAY;
/// The address of the CA's OCSP server.
pub const OCSP_URL: &str = "http://ocsp.example.com/";
pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// What a server says about a certificate.
#[derive(Clone, Copy, Debug)]
pub enum Status {
    Good,
    Revoked,
    Unknown,
}

/// A response about one certificate. It says that the certificate is good, if nothing else is said.
#[derive(Clone, Debug)]
pub struct OcspResponse {
    /// The responseStatus: 0 is successful.
    pub code: u8,
    /// The responseType.
    pub kind: &'static str,
    /// The text from which the certificate's serial number is made.
    pub about: &'static str,
    /// The issuer of the certificate, if that is not the CA that answers.
    pub issuer: Option<Authority>,
    /// Whether the issuer is named by SHA-256.
    pub is_sha256: bool,
    pub status: Status,
    pub produced_at: u64,
    pub this_update: u64,
    pub next_update: Option<u64>,
    /// The extensions of the answer about the certificate.
    pub single_extensions: Vec<Extension>,
    /// The extensions of the whole response.
    pub extensions: Vec<Extension>,
    /// Whether the response names its signer by the key.
    pub names_key: bool,
    /// The name of the signer in the response, in DER, if it is not the signer's.
    pub responder: Option<Vec<u8>>,
    /// The key that signs, if it is not the signer's.
    pub key: Option<Key>,
    /// Certificates beside the delegate's.
    pub certificates: Vec<Vec<u8>>,
}

impl Default for OcspResponse {
    fn default() -> Self {
        Self {
            code: 0,
            kind: "1.3.6.1.5.5.7.48.1.1",
            about: "notation ocsp",
            issuer: None,
            is_sha256: false,
            status: Status::Good,
            produced_at: ISSUED + 60,
            this_update: ISSUED,
            next_update: Some(FAR),
            single_extensions: Vec::new(),
            extensions: Vec::new(),
            names_key: false,
            responder: None,
            key: None,
            certificates: Vec::new(),
        }
    }
}

impl OcspResponse {
    /// The response that the CA signed itself.
    pub fn signed_by(&self, ca: &Authority) -> Vec<u8> {
        self.signed(ca, &ca.name, &ca.key, &[])
    }

    /// The response that a delegate of the CA signed.
    pub fn signed_for(&self, ca: &Authority, delegate: &Delegate) -> Vec<u8> {
        self.signed(ca, &delegate.name, &delegate.key, std::slice::from_ref(&delegate.der))
    }

    fn signed(&self, ca: &Authority, name: &[u8], key: &Key, own: &[Vec<u8>]) -> Vec<u8> {
        let data = self.data(ca, name, key);
        let key = self.key.as_ref().unwrap_or(key);
        let certificates = [own, &self.certificates].concat().concat();
        let certificates =
            if certificates.is_empty() { Vec::new() } else { der::of(0xa0, [tlv(der::SEQUENCE, &certificates)]) };
        let basic = sequence([data.clone(), key.certify_algorithm(), der::bits(&key.certify(&data)), certificates]);
        let typed = sequence([der::oid(self.kind), tlv(OCTETS, &basic)]);
        sequence([tlv(0x0a, &[self.code]), der::of(0xa0, [typed])])
    }

    /// The part that is signed, by whoever has this name and this key.
    pub fn data(&self, ca: &Authority, name: &[u8], key: &Key) -> Vec<u8> {
        let responder = match self.names_key {
            true => der::of(0xa2, [tlv(OCTETS, &Sha1::digest(key_bits(&key.public())))]),
            false => tlv(0xa1, self.responder.as_deref().unwrap_or(name)),
        };
        sequence([
            responder,
            time(self.produced_at),
            sequence([self.answer(self.issuer.as_ref().unwrap_or(ca))]),
            extensions(&self.extensions),
        ])
    }

    /// The SingleResponse.
    fn answer(&self, issuer: &Authority) -> Vec<u8> {
        let public = issuer.key.public();
        let [issuer_name, key] = [issuer.name.as_slice(), key_bits(&public)];
        let (algorithm, issuer_name, key) = match self.is_sha256 {
            true => ("2.16.840.1.101.3.4.2.1", Sha256::digest(issuer_name).to_vec(), Sha256::digest(key).to_vec()),
            false => ("1.3.14.3.2.26", Sha1::digest(issuer_name).to_vec(), Sha1::digest(key).to_vec()),
        };
        let id = sequence([
            sequence([der::oid(algorithm), tlv(0x05, &[])]),
            tlv(OCTETS, &issuer_name),
            tlv(OCTETS, &key),
            der::integer(&serial(self.about)),
        ]);
        let status = match self.status {
            Status::Good => tlv(0x80, &[]),
            Status::Revoked => der::of(0xa1, [time(self.this_update), der::of(0xa0, [tlv(0x0a, &[1])])]),
            Status::Unknown => tlv(0x82, &[]),
        };
        let next_update = self.next_update.map(|at| der::of(0xa0, [time(at)])).unwrap_or_default();
        sequence([id, status, time(self.this_update), next_update, extensions(&self.single_extensions)])
    }
}

/// Somebody whom a CA lets answer for it. Right if nothing else is said.
#[derive(Clone, Debug)]
pub struct DelegateTerms {
    pub purposes: Vec<&'static str>,
    pub usages: Vec<u8>,
    pub validity: (u64, u64),
    pub extensions: Vec<Extension>,
}

impl Default for DelegateTerms {
    fn default() -> Self {
        Self { purposes: vec![OCSP_SIGNING], usages: vec![0], validity: (ISSUED, FAR), extensions: vec![no_check()] }
    }
}

/// A delegate with its certificate.
#[derive(Clone, Debug)]
pub struct Delegate {
    pub key: Key,
    pub name: Vec<u8>,
    pub der: Vec<u8>,
}

impl Delegate {
    /// The delegate of this CA.
    pub fn of(ca: &Authority, terms: &DelegateTerms) -> Self {
        let (key, subject) = (Key::p256("ocsp responder"), name("ocsp responder"));
        let usages = Extension::critical("2.5.29.15", der::flags(&terms.usages));
        let extensions =
            [vec![usages], purposes(&terms.purposes).into_iter().collect(), terms.extensions.clone()].concat();
        let whose = Subject {
            name: &subject,
            public: key.public(),
            serial: serial("ocsp responder"),
            validity: terms.validity,
        };
        Self { der: ca.sign(&ca.tbs(&whose, &extensions)), key, name: subject }
    }
}

/// The extension of a responder's certificate whose revocation nobody has to check.
pub fn no_check() -> Extension {
    Extension::new("1.3.6.1.5.5.7.48.1.5", tlv(0x05, &[]))
}

/// The extension that names an OCSP server.
pub fn ocsp_server(url: &str) -> Extension {
    let access = sequence([der::oid("1.3.6.1.5.5.7.48.1"), tlv(0x86, url.as_bytes())]);
    Extension::new("1.3.6.1.5.5.7.1.1", sequence([access]))
}

/// The response of a server that gives no answer.
pub fn without_an_answer(status: u8) -> Vec<u8> {
    sequence([tlv(0x0a, &[status])])
}

/// A response as an item of an evidence manifest.
pub fn response_item(der: Vec<u8>) -> Item {
    Item { media_type: "application/ocsp-response", bytes: der, annotations: Map::new() }
}

fn extensions(list: &[Extension]) -> Vec<u8> {
    match list {
        [] => Vec::new(),
        list => der::of(0xa1, [tlv(der::SEQUENCE, &list.iter().flat_map(Extension::der).collect::<Vec<u8>>())]),
    }
}

fn time(at: u64) -> Vec<u8> {
    tlv(0x18, der::generalized(at).as_bytes())
}

/// The bits of a SubjectPublicKeyInfo, without their head.
fn key_bits(public: &[u8]) -> &[u8] {
    let (_, parts) = split(public);
    let (algorithm, _) = split(parts);
    let (_, bits) = split(&parts[algorithm..]);
    &bits[1..]
}

/// The length of the DER value at the beginning, and its content.
fn split(der: &[u8]) -> (usize, &[u8]) {
    let head = 2 + if der[1] < 0x80 { 0 } else { usize::from(der[1] & 0x7f) };
    let length = match &der[2..head] {
        [] => usize::from(der[1]),
        digits => digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)),
    };
    (head + length, &der[head..head + length])
}
