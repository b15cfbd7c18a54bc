//! What does Notation write when it signs an image?
//!
//! Envelopes of both formats (Notary Project, "Signature Specification"), the chains that they bring along, and revocation lists (RFC 5280, section 5). By hand, and right if
//! nothing else is said.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value, json};

use super::{
    ISSUED,
    authority::{Authority, Ca, Extension, Subject, purposes, serial},
    der::{self, OCTETS, sequence, tlv},
    evidence::Item,
    key::{Key, Kind},
};

const PREFIX: &str = "io.cncf.notary.";
const DAY: u64 = 86_400;
/// The end of what is valid for long: nobody runs these tests then.
const FAR: u64 = ISSUED + 26_000 * DAY;
/// The address at which the CA tells whom it has revoked.
pub const CRL_URL: &str = "http://crl.example.com/ca.crl";

/// What a CA certifies of a signer.
#[derive(Clone, Debug)]
pub struct NotationLeaf {
    pub name: &'static str,
    pub kind: Kind,
    /// The attributes of the subject: object identifiers and texts.
    pub subject: Vec<(&'static str, &'static str)>,
    /// The key usages, by their bits.
    pub usages: Vec<u8>,
    pub has_critical_usages: bool,
    pub purposes: Vec<&'static str>,
    pub extensions: Vec<Extension>,
    pub validity: (u64, u64),
}

impl Default for NotationLeaf {
    fn default() -> Self {
        Self {
            name: "notation alice",
            kind: Kind::P256,
            subject: vec![("2.5.4.6", "US"), ("2.5.4.8", "WA"), ("2.5.4.10", "acme"), ("2.5.4.3", "alice")],
            usages: vec![0],
            has_critical_usages: true,
            purposes: vec![super::CODE_SIGNING],
            extensions: Vec::new(),
            validity: (ISSUED, FAR),
        }
    }
}

/// A signer with a chain of certificates, its own first.
#[derive(Clone, Debug)]
pub struct NotationSigner {
    pub key: Key,
    pub chain: Vec<Vec<u8>>,
}

/// A CA for signers of Notation: one that every certificate comes from.
pub fn authority(name: &str) -> Authority {
    let ca = Ca { name: name.to_owned(), path_len: None, not_after: FAR, ..Ca::default() };
    Authority::root(&ca)
}

/// The signer whom this CA certified.
pub fn signer(ca: &Authority, leaf: &NotationLeaf) -> NotationSigner {
    let key = Key::new(leaf.kind, leaf.name);
    let der = ca.sign(&ca.tbs(&leaf.subject(&key), &leaf.extensions()));
    NotationSigner { key, chain: [vec![der, ca.der.clone()], ca.above.clone()].concat() }
}

/// A signer who certified themselves.
pub fn self_signed(leaf: &NotationLeaf) -> NotationSigner {
    let key = Key::new(leaf.kind, leaf.name);
    let itself =
        Authority { key: key.clone(), name: leaf.name(), key_id: Vec::new(), der: Vec::new(), above: Vec::new() };
    let der = itself.sign(&itself.tbs(&leaf.subject(&key), &leaf.extensions()));
    NotationSigner { key, chain: vec![der] }
}

impl NotationLeaf {
    fn name(&self) -> Vec<u8> {
        let part =
            |(oid, text): &(&str, &str)| der::of(0x31, [sequence([der::oid(oid), tlv(der::UTF8, text.as_bytes())])]);
        tlv(der::SEQUENCE, &self.subject.iter().flat_map(part).collect::<Vec<u8>>())
    }

    fn subject(&self, key: &Key) -> Subject<'static> {
        Subject { name: self.name().leak(), public: key.public(), serial: serial(self.name), validity: self.validity }
    }

    fn extensions(&self) -> Vec<Extension> {
        let usages = der::flags(&self.usages);
        let usages = Extension { critical: self.has_critical_usages, ..Extension::new("2.5.29.15", usages) };
        [vec![usages], purposes(&self.purposes).into_iter().collect(), self.extensions.clone()].concat()
    }
}

impl NotationSigner {
    /// The whole chain, in PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| der::pem("CERTIFICATE", der)).collect()
    }

    /// The certificate of the CA at the end, in PEM.
    pub fn root_pem(&self) -> String {
        der::pem("CERTIFICATE", self.chain.last().unwrap())
    }
}

/// The extension with the addresses at which revocation is told.
pub fn distribution_points(url: &str) -> Extension {
    Extension::new("2.5.29.31", sequence([sequence([full_name(url)])]))
}

fn full_name(url: &str) -> Vec<u8> {
    der::of(0xa0, [der::of(0xa0, [tlv(0x86, url.as_bytes())])])
}

/// A revocation list. Nobody is revoked, if nothing else is said.
#[derive(Clone, Debug)]
pub struct RevocationList {
    /// Names from which the serial numbers of revoked certificates are made, each with the extensions of its entry.
    pub revoked: Vec<(&'static str, Vec<Extension>)>,
    pub this_update: u64,
    pub next_update: Option<u64>,
    pub extensions: Vec<Extension>,
}

impl Default for RevocationList {
    fn default() -> Self {
        Self { revoked: Vec::new(), this_update: ISSUED, next_update: Some(FAR), extensions: Vec::new() }
    }
}

impl RevocationList {
    /// The list, signed by this CA.
    pub fn signed_by(&self, ca: &Authority) -> Vec<u8> {
        let extensions =
            |list: &[Extension]| tlv(der::SEQUENCE, &list.iter().flat_map(Extension::der).collect::<Vec<u8>>());
        let entry = |(name, more): &(&'static str, Vec<Extension>)| {
            let more = if more.is_empty() { Vec::new() } else { extensions(more) };
            sequence([der::integer(&serial(name)), der::time(self.this_update), more])
        };
        let revoked: Vec<u8> = self.revoked.iter().flat_map(entry).collect();
        let tbs = sequence([
            der::integer(&[1]),
            ca.key.certify_algorithm(),
            ca.name.clone(),
            der::time(self.this_update),
            self.next_update.map(der::time).unwrap_or_default(),
            if revoked.is_empty() { Vec::new() } else { tlv(der::SEQUENCE, &revoked) },
            if self.extensions.is_empty() { Vec::new() } else { der::of(0xa0, [extensions(&self.extensions)]) },
        ]);
        ca.sign(&tbs)
    }
}

/// The extension that limits a list to certificates with this address.
pub fn only_from(url: &str) -> Extension {
    Extension::critical("2.5.29.28", sequence([full_name(url)]))
}

/// The value of a signed attribute.
#[derive(Clone, Debug)]
pub enum Attribute {
    Text(String),
    Time(u64),
    Names(Vec<String>),
}

/// An envelope, right if nothing is changed.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub signer: NotationSigner,
    pub is_cose: bool,
    /// The signed attributes; Notation's own without their prefix.
    pub attributes: Vec<(&'static str, Attribute)>,
    pub payload: Vec<u8>,
    /// The time-stamp token.
    pub token: Option<Vec<u8>>,
    /// What is signed instead of this envelope.
    pub signed: Option<Vec<u8>>,
}

impl Envelope {
    /// The envelope in which this signer signs an image.
    pub fn signing(signer: NotationSigner, digest: &str) -> Self {
        let payload = json!({"targetArtifact": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 942,
        }});
        let algorithm = signer.key.notation_algorithm();
        Self {
            signer,
            is_cose: false,
            attributes: vec![
                ("alg", Attribute::Text(algorithm.to_owned())),
                ("crit", Attribute::Names(vec![format!("{PREFIX}signingScheme")])),
                ("cty", Attribute::Text("application/vnd.cncf.notary.payload.v1+json".to_owned())),
                ("signingScheme", Attribute::Text("notary.x509".to_owned())),
                ("signingTime", Attribute::Time(ISSUED + 60)),
            ],
            payload: payload.to_string().into_bytes(),
            token: None,
            signed: None,
        }
    }

    /// The same as a signing authority signs it.
    pub fn by_authority(mut self, time: u64) -> Self {
        self.attributes.retain(|(name, _)| *name != "signingTime");
        self.with("signingScheme", Attribute::Text("notary.x509.signingAuthority".to_owned()))
            .with("authenticSigningTime", Attribute::Time(time))
            .critical(&format!("{PREFIX}authenticSigningTime"))
    }

    /// The same with another value for an attribute, or one more.
    pub fn with(mut self, name: &'static str, value: Attribute) -> Self {
        match self.attributes.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name, value)),
        }
        self
    }

    /// The same without an attribute.
    pub fn without(mut self, name: &str) -> Self {
        self.attributes.retain(|(other, _)| *other != name);
        self
    }

    /// The same with one more attribute that is marked as critical.
    pub fn critical(mut self, name: &str) -> Self {
        if let Some((_, Attribute::Names(names))) = self.attributes.iter_mut().find(|(other, _)| *other == "crit") {
            names.push(name.to_owned());
        }
        self
    }

    /// The same with an expiry.
    pub fn expiring(self, time: u64) -> Self {
        self.with("expiry", Attribute::Time(time)).critical(&format!("{PREFIX}expiry"))
    }

    /// The same with user metadata.
    pub fn annotated(mut self, annotations: &Value) -> Self {
        let mut payload: Value = serde_json::from_slice(&self.payload).unwrap();
        payload["targetArtifact"]["annotations"] = annotations.clone();
        self.payload = payload.to_string().into_bytes();
        self
    }

    /// The same with this chain in place of the signer's.
    pub fn chained(mut self, chain: Vec<Vec<u8>>) -> Self {
        self.signer.chain = chain;
        self
    }

    /// The same with a time-stamp token that `stamp` makes over the signature.
    pub fn stamped(mut self, stamp: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        self.token = Some(stamp(&self.signature()));
        self
    }

    /// The signature.
    pub fn signature(&self) -> Vec<u8> {
        self.signer.key.sign_for_notation(&self.signed.clone().unwrap_or_else(|| self.message()))
    }

    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        let url = Base64UrlUnpadded::encode_string;
        match self.is_cose {
            false => format!("{}.{}", url(&self.protected()), url(&self.payload)).into_bytes(),
            true => cbor::list(&[
                cbor::text("Signature1"),
                cbor::bytes(&self.protected()),
                cbor::bytes(&[]),
                cbor::bytes(&self.payload),
            ]),
        }
    }

    /// The bytes of the envelope.
    pub fn bytes(&self) -> Vec<u8> {
        let url = Base64UrlUnpadded::encode_string;
        match self.is_cose {
            false => {
                let chain: Vec<String> = self.signer.chain.iter().map(|der| der::base64(der)).collect();
                let mut header = json!({"x5c": chain, "io.cncf.notary.signingAgent": "image-trust-tests"});
                if let Some(token) = &self.token {
                    header["io.cncf.notary.timestampSignature"] = der::base64(token).into();
                }
                json!({
                    "payload": url(&self.payload), "protected": url(&self.protected()),
                    "header": header, "signature": url(&self.signature()),
                })
                .to_string()
                .into_bytes()
            }
            true => {
                let chain: Vec<Vec<u8>> = self.signer.chain.iter().map(|der| cbor::bytes(der)).collect();
                let mut unprotected = vec![(cbor::number(33), cbor::list(&chain))];
                if let Some(token) = &self.token {
                    unprotected.push((cbor::text("io.cncf.notary.timestampSignature"), cbor::bytes(token)));
                }
                let parts = [
                    cbor::bytes(&self.protected()),
                    cbor::map(&unprotected),
                    cbor::bytes(&self.payload),
                    cbor::bytes(&self.signature()),
                ];
                [vec![0xd2], cbor::list(&parts)].concat()
            }
        }
    }

    /// The envelope as an item of an evidence manifest.
    pub fn item(&self) -> Item {
        let media_type = if self.is_cose { "application/cose" } else { "application/jose+json" };
        Item { media_type, bytes: self.bytes(), annotations: Map::new() }
    }

    fn protected(&self) -> Vec<u8> {
        let own = ["signingScheme", "signingTime", "authenticSigningTime", "expiry"];
        let named = |name: &str| if own.contains(&name) { format!("{PREFIX}{name}") } else { name.to_owned() };
        match self.is_cose {
            false => {
                let value = |attribute: &Attribute| match attribute {
                    Attribute::Text(text) => json!(text),
                    Attribute::Time(time) => json!(der::timestamp(*time)),
                    Attribute::Names(names) => json!(names),
                };
                let members = self.attributes.iter().map(|(name, attribute)| (named(name), value(attribute)));
                Value::Object(members.collect()).to_string().into_bytes()
            }
            true => {
                let value = |name: &str, attribute: &Attribute| match attribute {
                    Attribute::Text(text) if name == "alg" => cbor::algorithm(text),
                    Attribute::Text(text) => cbor::text(text),
                    Attribute::Time(time) => [vec![0xc1], cbor::number(i64::try_from(*time).unwrap())].concat(),
                    Attribute::Names(names) => {
                        cbor::list(&names.iter().map(|name| cbor::text(name)).collect::<Vec<_>>())
                    }
                };
                let label = |name: &str| match name {
                    "alg" => cbor::number(1),
                    "crit" => cbor::number(2),
                    "cty" => cbor::number(3),
                    name => cbor::text(&named(name)),
                };
                let entries = self.attributes.iter();
                cbor::map(&entries.map(|(name, attribute)| (label(name), value(name, attribute))).collect::<Vec<_>>())
            }
        }
    }
}

/// A revocation list as an item of an evidence manifest.
pub fn list_item(der: Vec<u8>) -> Item {
    Item { media_type: "application/pkix-crl", bytes: der, annotations: Map::new() }
}

/// The token in a time-stamp response.
pub fn token_of(response: &[u8]) -> Vec<u8> {
    // SEQUENCE { SEQUENCE { status }, token }: the status is one small number.
    let header = 1 + if response[1] < 0x80 { 1 } else { 1 + usize::from(response[1] & 0x7f) };
    response[header + 2 + usize::from(response[header + 1])..].to_vec()
}

/// An object identifier's extension that nobody knows.
pub fn unknown_extension(critical: bool) -> Extension {
    Extension { critical, ..Extension::new("1.3.6.1.4.1.99999.1", tlv(OCTETS, b"?")) }
}

/// CBOR (RFC 8949), as far as COSE needs it.
mod cbor {
    fn head(kind: u8, number: u64) -> Vec<u8> {
        let kind = kind << 5;
        match number {
            0..24 => vec![kind | number as u8],
            24..256 => vec![kind | 24, number as u8],
            256..65_536 => [&[kind | 25], &(number as u16).to_be_bytes()[..]].concat(),
            _ => [&[kind | 27], &number.to_be_bytes()[..]].concat(),
        }
    }

    pub fn number(number: i64) -> Vec<u8> {
        match u64::try_from(number) {
            Ok(number) => head(0, number),
            Err(_) => head(1, number.unsigned_abs() - 1),
        }
    }

    pub fn bytes(bytes: &[u8]) -> Vec<u8> {
        [head(2, bytes.len() as u64), bytes.to_vec()].concat()
    }

    pub fn text(text: &str) -> Vec<u8> {
        [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
    }

    pub fn list(parts: &[Vec<u8>]) -> Vec<u8> {
        [head(4, parts.len() as u64), parts.concat()].concat()
    }

    pub fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let entries_of = entries.iter().flat_map(|(key, value)| [key.clone(), value.clone()].concat());
        [head(5, entries.len() as u64), entries_of.collect()].concat()
    }

    pub fn algorithm(name: &str) -> Vec<u8> {
        number(match name {
            "ES256" => -7,
            "ES384" => -35,
            "ES512" => -36,
            "PS256" => -37,
            "PS384" => -38,
            "PS512" => -39,
            other => panic!("{other} is not an algorithm of Notation"),
        })
    }
}
