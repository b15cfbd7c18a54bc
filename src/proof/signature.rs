//! Did this key make this signature?
//!
//! ECDSA as X9.62 DER (FIPS 186-5, section 6.4) on P-256 with SHA-256, on P-384 with SHA-256 (cosign 2) or SHA-384 (cosign 3); Ed25519 (RFC 8032) pure (cosign
//! 2) or pre-hashed with SHA-512 (cosign 3); RSA PKCS #1 v1.5 with SHA-256 (RFC 8017, section 8.2.2). A key that verifies one of them made the signature.

use ed25519_dalek::Sha512;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::pkcs1v15::Pkcs1v15Sign;
use sha2::{Digest as _, Sha384};

use super::key::{Algorithm, PublicKey, rsa_key};
use crate::image::Digest;

/// What stands before a SHA-256 hash in a PKCS #1 v1.5 signature (RFC 8017, section 9.2, note 1).
const SHA256_PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// Something that may have been signed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message<'m> {
    /// These bytes.
    Bytes(&'m [u8]),
    /// Bytes of which only the SHA-256 is known: whatever is signed in another way can't be checked.
    Known(Digest),
}

impl Message<'_> {
    fn sha256(&self) -> [u8; 32] {
        match self {
            Message::Bytes(bytes) => Digest::of(bytes).bytes(),
            Message::Known(digest) => digest.bytes(),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Message::Bytes(bytes) => Some(bytes),
            Message::Known(_) => None,
        }
    }
}

impl PublicKey {
    /// Does `signature` prove that the holder of this key signed `message`?
    pub(super) fn signed(&self, message: Message<'_>, signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::P256 => self.p256_signed(message, signature),
            Algorithm::P384 => self.p384_signed(message, signature),
            Algorithm::Ed25519 => self.ed25519_signed(message, signature),
            Algorithm::Rsa => self.rsa_signed(message, signature),
        }
        .is_some()
    }

    fn p256_signed(&self, message: Message<'_>, signature: &[u8]) -> Option<()> {
        let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.material).ok()?;
        key.verify_prehash(&message.sha256(), &signature).ok()
    }

    fn p384_signed(&self, message: Message<'_>, signature: &[u8]) -> Option<()> {
        let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&self.material).ok()?;
        let by_sha384 = || key.verify_prehash(&Sha384::digest(message.bytes()?), &signature).ok();
        key.verify_prehash(&message.sha256(), &signature).ok().or_else(by_sha384)
    }

    /// Strictly: a signature with a point of small order, or not in its one form, is none.
    fn ed25519_signed(&self, message: Message<'_>, signature: &[u8]) -> Option<()> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(self.material.as_slice().try_into().ok()?).ok()?;
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        let message = message.bytes()?;
        let prehashed = || key.verify_prehashed_strict(Sha512::new_with_prefix(message), None, &signature).ok();
        key.verify_strict(message, &signature).ok().or_else(prehashed)
    }

    fn rsa_signed(&self, message: Message<'_>, signature: &[u8]) -> Option<()> {
        let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: Box::new(SHA256_PREFIX) };
        rsa_key(&self.material)?.verify(scheme, &message.sha256(), signature).ok()
    }
}
