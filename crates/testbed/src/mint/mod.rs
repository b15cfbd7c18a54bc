//! What would a Sigstore of our own have issued?
//!
//! An [`Instance`] has an authority like Fulcio's, a log of certificates and one of signatures like Rekor. It certifies a [`Leaf`], writes down an [`Entry`]
//! and signs as cosign 2 does, all of it right if nothing else is said, and wrong in any one way that a test asks for. Nothing of it is known to the code
//! that it tests, no clock is read and nothing is random: minted twice, it is the same to the byte.
//!
//! The module is shared by the tests of the crate and of the harness.

pub mod authority;
pub mod bundle;
pub mod der;
pub mod evidence;
pub mod key;
pub mod leaf;
pub mod log;
pub mod notary_v1;
pub mod notation;
pub mod ocsp;
pub mod signature;
pub mod timestamp;

use serde_json::{Value, json};

pub use authority::{Authority, CODE_SIGNING, Ca, Extension};
pub use bundle::Bundle;
pub use key::{Key, Kind};
pub use leaf::{Certificate, Issuer, Leaf, Name, Sct, Scts};
pub use log::Entry;
pub use signature::{Layer, manifest, payload};
pub use timestamp::{Stamp, Tsa};

/// When everything here begins, if nothing else is said: 2026-01-01, as a Unix time.
pub const ISSUED: u64 = 1_767_225_600;

/// From when and, if it ends, until when somebody is trusted, as Unix times.
pub type Period = (u64, Option<u64>);

/// A Sigstore. What a test wants otherwise it changes.
#[derive(Clone, Debug)]
pub struct Instance {
    pub root: Authority,
    /// The authority that issues leaves. It is trusted with those above it.
    pub intermediate: Authority,
    /// The key of the certificate log.
    pub ct: Key,
    /// The key of the signature log.
    pub rekor: Key,
    /// The log of signatures that is a Rekor 2.
    pub rekor_2: Key,
    /// The time-stamping authority.
    pub tsa: Tsa,
    /// When the authority is trusted, the log of certificates, and that of signatures.
    pub authority_period: Period,
    pub ct_period: Period,
    pub rekor_period: Period,
}

impl Instance {
    /// An instance whose keys are all on P-256.
    pub fn new(name: &str) -> Self {
        Self::of_kind(Kind::P256, name)
    }

    /// An instance whose authorities have keys of this kind.
    pub fn of_kind(kind: Kind, name: &str) -> Self {
        Self::of(name, &Ca { kind, ..Self::root_of(name) }, &Ca { kind, ..Self::intermediate_of(name) })
    }

    /// An instance with these authorities.
    pub fn of(name: &str, root: &Ca, intermediate: &Ca) -> Self {
        let root = Authority::root(root);
        let always = (ISSUED - 365 * 86_400, None);
        Self {
            intermediate: root.sub_ca(intermediate),
            root,
            ct: Key::p256(&format!("{name} ct")),
            rekor: Key::p256(&format!("{name} rekor")),
            rekor_2: Key::new(Kind::Ed25519, &format!("{name} rekor 2")),
            tsa: Tsa::new(name),
            authority_period: always,
            ct_period: always,
            rekor_period: always,
        }
    }

    /// An instance whose authorities and logs begin at this time, and last for a year.
    pub fn since(name: &str, begin: u64) -> Self {
        let (not_before, not_after) = (begin, begin + 365 * 86_400);
        let root = Ca { not_before, not_after, ..Self::root_of(name) };
        let intermediate = Ca { not_before, not_after, ..Self::intermediate_of(name) };
        let period = (begin, None);
        Self {
            tsa: Tsa::valid(name, (not_before, not_after)),
            authority_period: period,
            ct_period: period,
            rekor_period: period,
            ..Self::of(name, &root, &intermediate)
        }
    }

    /// The root of the instance of this name, to be changed.
    pub fn root_of(name: &str) -> Ca {
        Ca { name: format!("{name} root"), path_len: None, ..Ca::default() }
    }

    /// The intermediate of the instance of this name, to be changed.
    pub fn intermediate_of(name: &str) -> Ca {
        Ca { name: format!("{name} intermediate"), ..Ca::default() }
    }

    /// One whose authorities have the names of this instance's, and call their keys as those do, but have other keys. The logs are the same.
    pub fn impostor(name: &str) -> Self {
        let other = |ca: Ca| Ca { key_name: Some(format!("another {}", ca.name)), ..ca };
        Self::of(name, &other(Self::root_of(name)), &other(Self::intermediate_of(name)))
    }

    /// An authority whose certificate the intermediate signed.
    pub fn sub_ca(&self, name: &str, path_len: Option<u8>) -> Authority {
        self.intermediate.sub_ca(&Ca { name: name.to_owned(), path_len, ..Ca::default() })
    }

    /// The certificates of the authorities, from the intermediate to the root.
    pub fn chain_pem(&self) -> String {
        self.intermediate.chain_pem()
    }

    pub fn issue(&self, leaf: &Leaf) -> Certificate {
        let authority = match &leaf.issuer {
            Issuer::Intermediate => self.intermediate.clone(),
            Issuer::Root => self.root.clone(),
            Issuer::Authority(authority) => authority.clone(),
            Issuer::Itself => {
                let key = Key::new(leaf.kind, leaf.name);
                let key_id = authority::key_id(leaf.name);
                Authority { name: der::sequence([]), key_id, key, ..self.intermediate.clone() }
            }
        };
        leaf::issue(&authority, &self.ct, leaf)
    }

    /// The certificate that the intermediate gives for somebody's public key (DER of a SubjectPublicKeyInfo), in DER.
    pub fn certify(&self, leaf: &Leaf, public: Vec<u8>) -> Vec<u8> {
        leaf::certify(&self.intermediate, &self.ct, leaf, public).0
    }

    /// A signature with everything that belongs to it.
    pub fn sign(&self, leaf: &Leaf, payload: &[u8]) -> Layer {
        self.sign_logged(leaf, &Entry::default(), payload)
    }

    /// A keyless signature with this leaf, and with this entry in the log.
    pub fn sign_logged(&self, leaf: &Leaf, entry: &Entry, payload: &[u8]) -> Layer {
        Layer::by(&self.issue(leaf), payload).logged(self, entry)
    }

    /// The name of the Rekor 2.
    pub const REKOR_2: &str = "log2026-1.rekor.example.com";

    /// What entries call the Rekor 2.
    pub fn rekor_2_id(&self) -> [u8; 32] {
        bundle::note_id(Self::REKOR_2, &self.rekor_2)
    }

    /// What says whom to trust, with the Rekor 2 and the time-stamping authority.
    pub fn whole_trusted_root(&self) -> Value {
        let mut root = self.trusted_root();
        let raw = |der: &[u8]| json!({"rawBytes": der::base64(der)});
        let mut key = raw(&self.rekor_2.public());
        key["keyDetails"] = "PKIX_ED25519".into();
        key["validFor"] = valid_for(self.rekor_period);
        root["tlogs"].as_array_mut().unwrap().push(json!({
            "baseUrl": format!("https://{}", Self::REKOR_2),
            "hashAlgorithm": "SHA2_256",
            "publicKey": key,
            "logId": {"keyId": der::base64(&self.rekor_2_id())},
        }));
        root["timestampAuthorities"] = json!([{
            "subject": {"organization": "image-trust tests", "commonName": "tsa"},
            "uri": "https://timestamp.example.com",
            "certChain": {"certificates": [raw(&self.tsa.der), raw(&self.tsa.ca.der)]},
            "validFor": valid_for(self.authority_period),
        }]);
        root
    }

    /// What says whom to trust, as Sigstore writes it.
    pub fn trusted_root(&self) -> Value {
        let log = |url, key: &Key, period| {
            let details = match key.kind {
                Kind::P256 | Kind::P256Wide => "PKIX_ECDSA_P256_SHA_256",
                Kind::P384 | Kind::P384Wide => "PKIX_ECDSA_P384_SHA_384",
                Kind::P521 | Kind::P521Wide => "PKIX_ECDSA_P521_SHA_512",
                Kind::Ed25519 => "PKIX_ED25519",
                Kind::Ed25519Hashed => "PKIX_ED25519_PH",
                Kind::Rsa2048 | Kind::Rsa2048Wide | Kind::Rsa2048Pss => "PKIX_RSA_PKCS1V15_2048_SHA256",
            };
            let raw = der::base64(&key.public());
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": raw, "keyDetails": details, "validFor": valid_for(period)},
                "logId": {"keyId": der::base64(&key.id())},
            })
        };
        let certificates = std::iter::once(&self.intermediate.der).chain(&self.intermediate.above);
        let certificates: Vec<Value> = certificates.map(|der| json!({"rawBytes": der::base64(der)})).collect();
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log("https://rekor.example.com", &self.rekor, self.rekor_period)],
            "certificateAuthorities": [{
                "subject": {"organization": "image-trust tests", "commonName": "root"},
                "uri": "https://fulcio.example.com",
                "certChain": {"certificates": certificates},
                "validFor": valid_for(self.authority_period),
            }],
            "ctlogs": [log("https://ct.example.com", &self.ct, self.ct_period)],
        })
    }
}

fn valid_for((start, end): Period) -> Value {
    let mut valid_for = json!({"start": der::timestamp(start)});
    if let Some(end) = end {
        valid_for["end"] = der::timestamp(end).into();
    }
    valid_for
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
