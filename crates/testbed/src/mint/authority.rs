//! What does an authority look like that issues certificates, and what does it put its signature under?

use sha2::{Digest as _, Sha256};

use super::{
    ISSUED,
    der::{self, OCTETS, sequence, tlv},
    key::{Key, Kind},
};

pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const DAY: u64 = 86_400;

/// An extension of a certificate.
#[derive(Clone, Debug)]
pub struct Extension {
    pub oid: &'static str,
    pub critical: bool,
    /// The contents of the extension's octet string.
    pub value: Vec<u8>,
}

impl Extension {
    pub fn new(oid: &'static str, value: Vec<u8>) -> Self {
        Self { oid, critical: false, value }
    }

    pub fn critical(oid: &'static str, value: Vec<u8>) -> Self {
        Self { oid, critical: true, value }
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let critical = if self.critical { der::boolean(true) } else { Vec::new() };
        sequence([der::oid(self.oid), critical, tlv(OCTETS, &self.value)])
    }
}

/// What an authority asks of another, or of itself. Fulcio's intermediate, if nothing else is said.
#[derive(Clone, Debug)]
pub struct Ca {
    /// The text from which the name, the key and the serial number are made.
    pub name: String,
    /// The key is made of this instead, where there is something.
    pub key_name: Option<String>,
    /// What its key is called in certificates is made of this instead, where there is something.
    pub id_name: Option<String>,
    /// Do certificates say what keys are called?
    pub has_ids: bool,
    pub kind: Kind,
    /// The number of authorities that there may be below this one.
    pub path_len: Option<u8>,
    pub not_before: u64,
    pub not_after: u64,
    /// Whether basic constraints call it an authority.
    pub is_ca: bool,
    /// Whether its key usage allows signing certificates.
    pub cert_sign: bool,
    /// Purposes, by number; none is no such extension.
    pub purposes: Vec<&'static str>,
    /// Beside the others, and after them.
    pub extensions: Vec<Extension>,
}

impl Default for Ca {
    fn default() -> Self {
        Self {
            name: "intermediate".to_owned(),
            key_name: None,
            id_name: None,
            has_ids: true,
            kind: Kind::P256,
            path_len: Some(0),
            not_before: ISSUED - 30 * DAY,
            not_after: ISSUED + 3650 * DAY,
            is_ca: true,
            cert_sign: true,
            purposes: vec![CODE_SIGNING],
            extensions: Vec::new(),
        }
    }
}

/// An authority that signs certificates.
#[derive(Clone, Debug)]
pub struct Authority {
    pub key: Key,
    /// The name of the authority, in DER.
    pub name: Vec<u8>,
    /// The identifier of the authority's key in certificates.
    pub key_id: Vec<u8>,
    /// The certificate of the authority, in DER.
    pub der: Vec<u8>,
    /// The certificates above it, up to the root's.
    pub above: Vec<Vec<u8>>,
}

impl Authority {
    /// An authority that signed its own certificate.
    pub fn root(ca: &Ca) -> Self {
        let mut root = Self::of(ca);
        root.der = root.certificate_for(ca, &root);
        root
    }

    /// An authority whose certificate this one signed.
    pub fn sub_ca(&self, ca: &Ca) -> Self {
        let mut below = Self::of(ca);
        below.der = self.certificate_for(ca, &below);
        below.above = [vec![self.der.clone()], self.above.clone()].concat();
        below
    }

    fn of(ca: &Ca) -> Self {
        let key = Key::new(ca.kind, ca.key_name.as_ref().unwrap_or(&ca.name));
        Self {
            name: name(&ca.name),
            key_id: key_id(ca.id_name.as_ref().unwrap_or(&ca.name)),
            key,
            der: Vec::new(),
            above: Vec::new(),
        }
    }

    fn certificate_for(&self, ca: &Ca, whose: &Authority) -> Vec<u8> {
        let path_len = ca.path_len.map_or(Vec::new(), |most| der::integer(&[most]));
        let is_ca = if ca.is_ca { der::boolean(true) } else { Vec::new() };
        let usages: &[u8] = if ca.cert_sign { &[5, 6] } else { &[6] };
        let mut extensions = vec![
            Extension::critical("2.5.29.15", der::flags(usages)),
            Extension::critical("2.5.29.19", sequence([is_ca, path_len])),
        ];
        if ca.has_ids {
            extensions.push(Extension::new("2.5.29.14", tlv(OCTETS, &whose.key_id)));
        }
        // A root says nothing of who is above it, nor what it is for.
        if (&self.name, &self.key_id) != (&whose.name, &whose.key_id) {
            extensions.extend(purposes(&ca.purposes));
            if ca.has_ids {
                extensions.push(authority_key_id(&self.key_id));
            }
        }
        extensions.extend(ca.extensions.iter().cloned());
        let serial = serial(&ca.name);
        let validity = (ca.not_before, ca.not_after);
        let subject = Subject { name: &whose.name, public: whose.key.public(), serial, validity };
        self.sign(&self.tbs(&subject, &extensions))
    }

    /// The part of a certificate that is signed.
    pub fn tbs(&self, subject: &Subject<'_>, extensions: &[Extension]) -> Vec<u8> {
        let extensions: Vec<u8> = extensions.iter().flat_map(Extension::der).collect();
        sequence([
            der::of(0xa0, [der::integer(&[2])]),
            der::integer(&subject.serial),
            self.key.certify_algorithm(),
            self.name.clone(),
            sequence([der::time(subject.validity.0), der::time(subject.validity.1)]),
            subject.name.to_vec(),
            subject.public.clone(),
            der::of(0xa3, [tlv(der::SEQUENCE, &extensions)]),
        ])
    }

    /// A certificate from the part that is signed.
    pub fn sign(&self, tbs: &[u8]) -> Vec<u8> {
        sequence([tbs.to_vec(), self.key.certify_algorithm(), der::bits(&self.key.certify(tbs))])
    }

    pub fn pem(&self) -> String {
        der::pem("CERTIFICATE", &self.der)
    }

    /// The certificate of this authority and of those above it, in PEM.
    pub fn chain_pem(&self) -> String {
        self.above.iter().fold(self.pem(), |chain, above| chain + &der::pem("CERTIFICATE", above))
    }
}

/// The subject of a certificate.
pub struct Subject<'s> {
    /// The name in DER. It is empty in Fulcio's leaves.
    pub name: &'s [u8],
    /// The public key, as DER of a SubjectPublicKeyInfo.
    pub public: Vec<u8>,
    pub serial: Vec<u8>,
    /// From and until, as Unix times.
    pub validity: (u64, u64),
}

/// A name as DER: an organisation, and the name in it.
pub fn name(common: &str) -> Vec<u8> {
    let part = |oid, text: &str| der::of(0x31, [sequence([der::oid(oid), tlv(der::UTF8, text.as_bytes())])]);
    sequence([part("2.5.4.10", "image-trust tests"), part("2.5.4.3", common)])
}

/// Sixteen bytes, positive and made of a name.
pub fn serial(name: &str) -> Vec<u8> {
    let mut serial = Sha256::digest(format!("serial of {name}"))[..16].to_vec();
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// What certificates call the key of whoever has this name: the same for every key, so that an impostor has nothing to be told apart by but the key.
pub fn key_id(name: &str) -> Vec<u8> {
    Sha256::digest(format!("key of {name}"))[..20].to_vec()
}

pub fn authority_key_id(id: &[u8]) -> Extension {
    Extension::new("2.5.29.35", sequence([tlv(0x80, id)]))
}

/// The extension that lists purposes, if there are any.
pub fn purposes(purposes: &[&str]) -> Option<Extension> {
    let list: Vec<u8> = purposes.iter().flat_map(|purpose| der::oid(purpose)).collect();
    (!list.is_empty()).then(|| Extension::new("2.5.29.37", tlv(der::SEQUENCE, &list)))
}
