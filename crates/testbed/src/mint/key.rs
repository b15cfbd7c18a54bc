//! Who signs, and how?
//!
//! Keys made of names, so that whoever has a name always signs the same bytes.

use p256::ecdsa::signature::{Signer as _, hazmat::PrehashSigner as _};
use rsa::{RsaPrivateKey, pkcs1v15::Pkcs1v15Sign, pkcs8::DecodePrivateKey as _, traits::PublicKeyParts as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::der;

/// Made with `openssl genpkey` for this and never used for anything else.
const RSA: &str = include_str!("rsa2048.key");
/// What stands before a SHA-256 hash in a PKCS #1 v1.5 signature (RFC 8017, section 9.2, note 1).
const SHA256_PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// What stands before a SHA-512 hash in a PKCS #1 v1.5 signature.
const SHA512_PREFIX: [u8; 19] =
    [0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    P256,
    P384,
    /// P-384 with SHA-384, as cosign 3 signs.
    P384Wide,
    P521,
    /// P-521 with SHA-512, as cosign 3 signs.
    P521Wide,
    Ed25519,
    /// Ed25519 of a SHA-512, as cosign 3 signs.
    Ed25519Hashed,
    /// An RSA key. There is only one of this kind, whatever its name.
    Rsa2048,
    /// P-256 with SHA-512, as some KMS sign.
    P256Wide,
    /// RSA PKCS #1 v1.5 with SHA-512, as cert-manager signs.
    Rsa2048Wide,
    /// RSASSA-PSS with SHA-256 and the longest salt that fits, as Vault signs.
    Rsa2048Pss,
}

/// A private key, with its kind.
#[derive(Clone, Debug)]
pub struct Key {
    pub kind: Kind,
    secret: [u8; 32],
}

impl Key {
    /// The key of whoever has this name.
    pub fn new(kind: Kind, name: &str) -> Self {
        Self { kind, secret: Sha256::digest(name).into() }
    }

    pub fn p256(name: &str) -> Self {
        Self::new(Kind::P256, name)
    }

    fn as_p256(&self) -> p256::ecdsa::SigningKey {
        p256::SecretKey::from_slice(&self.secret).unwrap().into()
    }

    fn as_p384(&self) -> p384::ecdsa::SigningKey {
        let mut wide = [0; 48];
        wide[16..].copy_from_slice(&self.secret);
        p384::SecretKey::from_slice(&wide).unwrap().into()
    }

    fn as_p521(&self) -> p521::ecdsa::SigningKey {
        let mut wide = [0; 66];
        wide[34..].copy_from_slice(&self.secret);
        p521::ecdsa::SigningKey::from_slice(&wide).unwrap()
    }

    fn as_ed25519(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&self.secret)
    }

    /// The public key as DER of a SubjectPublicKeyInfo.
    pub fn public(&self) -> Vec<u8> {
        let curve = |name| der::sequence([der::oid("1.2.840.10045.2.1"), der::oid(name)]);
        let (algorithm, key) = match self.kind {
            Kind::P256 | Kind::P256Wide => {
                (curve("1.2.840.10045.3.1.7"), self.as_p256().verifying_key().to_sec1_point(false).as_bytes().to_vec())
            }
            Kind::P384 | Kind::P384Wide => {
                (curve("1.3.132.0.34"), self.as_p384().verifying_key().to_sec1_point(false).as_bytes().to_vec())
            }
            Kind::P521 | Kind::P521Wide => {
                (curve("1.3.132.0.35"), self.as_p521().verifying_key().to_sec1_point(false).as_bytes().to_vec())
            }
            Kind::Ed25519 | Kind::Ed25519Hashed => {
                (der::sequence([der::oid("1.3.101.112")]), self.as_ed25519().verifying_key().to_bytes().to_vec())
            }
            Kind::Rsa2048 | Kind::Rsa2048Wide | Kind::Rsa2048Pss => {
                let numbers = rsa().to_public_key();
                let numbers = [numbers.n(), numbers.e()].map(|number| der::integer(&number.to_bytes_be()));
                (der::sequence([der::oid("1.2.840.113549.1.1.1"), der::tlv(0x05, &[])]), der::sequence(numbers))
            }
        };
        der::sequence([algorithm, der::bits(&key)])
    }

    /// The private key in PEM, for programs that sign with it.
    pub fn private_pem(&self) -> String {
        use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
        assert_eq!(self.kind, Kind::P256, "only keys on P-256 are given to programs");
        p256::SecretKey::from(self.as_p256()).to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    }

    pub fn public_pem(&self) -> String {
        der::pem("PUBLIC KEY", &self.public())
    }

    /// The id by which logs are known: the SHA-256 of the public key.
    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(self.public()).into()
    }

    /// A signature as cosign 2 makes them, SHA-256 on every curve, unless the kind says otherwise.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hash = Sha256::digest(message);
        match self.kind {
            Kind::P256 => self.p256_of(&hash),
            Kind::P256Wide => self.p256_of(&Sha512::digest(message)),
            Kind::P384 => self.p384(&hash),
            Kind::P384Wide => self.p384(&Sha384::digest(message)),
            Kind::P521 => self.p521(&hash),
            Kind::P521Wide => self.p521(&Sha512::digest(message)),
            Kind::Ed25519 => self.as_ed25519().sign(message).to_bytes().to_vec(),
            Kind::Ed25519Hashed => {
                let signature = self.as_ed25519().sign_prehashed(Sha512::new_with_prefix(message), None);
                signature.unwrap().to_bytes().to_vec()
            }
            Kind::Rsa2048 => {
                let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: Box::new(SHA256_PREFIX) };
                rsa().sign(scheme, &hash).unwrap()
            }
            Kind::Rsa2048Wide => {
                let scheme = Pkcs1v15Sign { hash_len: Some(64), prefix: Box::new(SHA512_PREFIX) };
                rsa().sign(scheme, &Sha512::digest(message)).unwrap()
            }
            // A number that is no random one, so that the bytes stay the same.
            Kind::Rsa2048Pss => {
                let scheme = rsa::Pss::new_with_salt::<rsa::sha2::Sha256>(256 - 32 - 2);
                rsa().sign_with_rng(&mut Zeros, scheme, &hash).unwrap()
            }
        }
    }

    /// A signature of what has this SHA-256.
    pub fn sign_hash(&self, hash: &[u8]) -> Vec<u8> {
        match self.kind {
            Kind::P256 => self.p256_of(hash),
            Kind::P384 => self.p384(hash),
            Kind::Rsa2048 => {
                let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: Box::new(SHA256_PREFIX) };
                rsa().sign(scheme, hash).unwrap()
            }
            other => panic!("{other:?} does not sign hashes"),
        }
    }

    /// The algorithm with which Notation lets such a key sign (RFC 7518, section 3.1).
    pub fn notation_algorithm(&self) -> &'static str {
        match self.kind {
            Kind::P256 => "ES256",
            Kind::P384Wide => "ES384",
            Kind::P521Wide => "ES512",
            Kind::Rsa2048 => "PS256",
            other => panic!("{other:?} does not sign for Notation"),
        }
    }

    /// A signature as JOSE and COSE write it (RFC 7518, sections 3.4 and 3.5).
    pub fn sign_for_notation(&self, message: &[u8]) -> Vec<u8> {
        match self.kind {
            Kind::P256 => p256::ecdsa::Signature::from_der(&self.sign(message)).unwrap().to_bytes().to_vec(),
            Kind::P384Wide => p384::ecdsa::Signature::from_der(&self.sign(message)).unwrap().to_bytes().to_vec(),
            Kind::P521Wide => p521::ecdsa::Signature::from_der(&self.sign(message)).unwrap().to_bytes().to_vec(),
            Kind::Rsa2048 => {
                let scheme = rsa::Pss::new_with_salt::<rsa::sha2::Sha256>(32);
                rsa().sign_with_rng(&mut Zeros, scheme, &Sha256::digest(message)).unwrap()
            }
            other => panic!("{other:?} does not sign for Notation"),
        }
    }

    /// A signature as Notary v1 makes them, with the name of its method.
    pub fn sign_by_method(&self, message: &[u8]) -> (&'static str, Vec<u8>) {
        let der = self.sign(message);
        match self.kind {
            Kind::P256 | Kind::P256Wide => {
                ("ecdsa", p256::ecdsa::Signature::from_der(&der).unwrap().to_bytes().to_vec())
            }
            Kind::P384 | Kind::P384Wide => {
                ("ecdsa", p384::ecdsa::Signature::from_der(&der).unwrap().to_bytes().to_vec())
            }
            Kind::P521 | Kind::P521Wide => {
                ("ecdsa", p521::ecdsa::Signature::from_der(&der).unwrap().to_bytes().to_vec())
            }
            Kind::Ed25519 | Kind::Ed25519Hashed => ("eddsa", der),
            Kind::Rsa2048 | Kind::Rsa2048Wide => ("rsapkcs1v15", der),
            Kind::Rsa2048Pss => {
                let scheme = rsa::Pss::new_with_salt::<rsa::sha2::Sha256>(32);
                ("rsapss", rsa().sign_with_rng(&mut Zeros, scheme, &Sha256::digest(message)).unwrap())
            }
        }
    }

    /// A signature as authorities make them: P-384 goes with SHA-384.
    pub fn certify(&self, tbs: &[u8]) -> Vec<u8> {
        match self.kind {
            Kind::P384 => self.p384(&Sha384::digest(tbs)),
            Kind::Ed25519Hashed => Self { kind: Kind::Ed25519, ..self.clone() }.sign(tbs),
            _ => self.sign(tbs),
        }
    }

    /// The algorithm with which this key signs certificates, in DER.
    pub fn certify_algorithm(&self) -> Vec<u8> {
        match self.kind {
            Kind::P256 | Kind::P256Wide => der::sequence([der::oid("1.2.840.10045.4.3.2")]),
            Kind::P384 | Kind::P384Wide => der::sequence([der::oid("1.2.840.10045.4.3.3")]),
            Kind::P521 | Kind::P521Wide => der::sequence([der::oid("1.2.840.10045.4.3.4")]),
            Kind::Ed25519 | Kind::Ed25519Hashed => der::sequence([der::oid("1.3.101.112")]),
            Kind::Rsa2048 | Kind::Rsa2048Wide | Kind::Rsa2048Pss => {
                der::sequence([der::oid("1.2.840.113549.1.1.11"), der::tlv(0x05, &[])])
            }
        }
    }

    fn p256_of(&self, hash: &[u8]) -> Vec<u8> {
        let signature: p256::ecdsa::DerSignature = self.as_p256().sign_prehash(hash).unwrap();
        signature.as_bytes().to_vec()
    }

    fn p521(&self, hash: &[u8]) -> Vec<u8> {
        let signature: p521::ecdsa::DerSignature = self.as_p521().sign_prehash(hash).unwrap();
        signature.as_bytes().to_vec()
    }

    fn p384(&self, hash: &[u8]) -> Vec<u8> {
        let signature: p384::ecdsa::DerSignature = self.as_p384().sign_prehash(hash).unwrap();
        signature.as_bytes().to_vec()
    }
}

/// A source of salts that are nothing but zeros.
struct Zeros;

impl rsa::rand_core::RngCore for Zeros {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Zeros {}

fn rsa() -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs8_der(&der::unpem(RSA)).unwrap()
}
