//! Did this key make this signature, in a form of fixed width?
//!
//! TUF and Notary v1 sign with SHA-256 and name the scheme beside the signature. ECDSA signatures are two numbers of the curve's width, one after the other
//! (as in RFC 7518, section 3.4), and the salt of RSASSA-PSS has exactly the length of the hash.

use rsa::Pss;

use super::{
    key::{Algorithm, PublicKey, rsa_key},
    signature::Hash,
};

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// ECDSA with SHA-256 on any curve, as two numbers of fixed width.
    Ecdsa,
    /// RSASSA-PSS with SHA-256, and a salt of 32 bytes.
    RsaPss,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1,
    /// Ed25519.
    Ed25519,
}

impl Scheme {
    /// Whether such a key can sign with this scheme.
    pub(crate) fn is_of(self, key: &PublicKey) -> bool {
        match key.algorithm {
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => self == Scheme::Ecdsa,
            Algorithm::Rsa => matches!(self, Scheme::RsaPss | Scheme::RsaPkcs1),
            Algorithm::Ed25519 => self == Scheme::Ed25519,
        }
    }

    /// Whether this key signed the message with this scheme.
    pub(crate) fn verifies(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let verifies = |signature: &[u8]| key.algorithm.verifies(Hash::Sha256, &key.material, message, signature);
        self.is_of(key)
            && match self {
                Scheme::Ecdsa => key.algorithm.der_of_raw(signature).is_some_and(|signature| verifies(&signature)),
                Scheme::RsaPss => pss_verifies(key, message, signature),
                Scheme::RsaPkcs1 | Scheme::Ed25519 => verifies(signature),
            }
    }
}

fn pss_verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let hash = Hash::Sha256.of(message);
    let scheme = Pss::new_with_salt::<rsa::sha2::Sha256>(hash.len());
    rsa_key(&key.material).is_some_and(|key| key.verify(scheme, &hash, signature).is_ok())
}
