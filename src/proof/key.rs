//! Is this text a public key that a signature can be checked with?
//!
//! PEM with one `PUBLIC KEY` block (RFC 7468, section 13) around a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7): ECDSA on P-256 or
//! P-384 (RFC 5480), Ed25519 (RFC 8410), RSA from 2048 bits (RFC 8017, appendix A.1.1). What a key verifies is `signature`'s.

use std::fmt;

use der::{
    Decode as _, Document,
    pem::{LineEnding, encode_string},
};
use p256::pkcs8::{AssociatedOid, ObjectIdentifier, spki::SubjectPublicKeyInfoRef};
use rsa::pkcs1::{self, der::Decode as _};

use crate::image::Digest;

/// Longest PEM text, in bytes: an RSA key of 8192 bits takes 1.5 KB.
const MAX_PEM: usize = 4096;
/// RSA moduli, in bits: shorter ones are broken, longer ones cost more time than a request has.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A public key: how it was encoded, and what makes it the key that it is.
///
/// Two keys are equal when they verify the same signatures, however they are encoded.
#[derive(Debug, Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    fingerprint: Digest,
    pub(super) algorithm: Algorithm,
    /// The key's own number, in its one canonical encoding: a point (SEC 1, uncompressed), 32 bytes of Ed25519, or RSA's numbers in DER.
    pub(super) material: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// Why a text is not a public key that this policy can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// Not one PEM block labelled `PUBLIC KEY`.
    Pem,
    /// A private key stands where a public one belongs.
    Private,
    /// A reference to a key elsewhere (a KMS, a file, a URL).
    Elsewhere,
    /// The block holds no SubjectPublicKeyInfo.
    Spki,
    /// An algorithm or curve that is not supported.
    Algorithm,
    /// The numbers are not a key of that algorithm.
    Material,
    /// The RSA modulus is too short or too long.
    RsaSize(usize),
}

impl PublicKey {
    /// Reads a PEM public key.
    ///
    /// # Errors
    /// When the text is anything but one public key of a supported algorithm and size.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        let pem = text.trim();
        if !pem.starts_with("-----BEGIN ") {
            return Err(if pem.contains("://") { KeyError::Elsewhere } else { KeyError::Pem });
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if pem.len() > MAX_PEM || pem.matches("-----BEGIN ").count() != 1 {
            return Err(KeyError::Pem);
        }
        let (label, document) = Document::from_pem(pem).map_err(|_| KeyError::Pem)?;
        if label != "PUBLIC KEY" {
            return Err(KeyError::Pem);
        }
        PublicKey::from_spki(document.as_bytes())
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub(super) fn from_spki(der: &[u8]) -> Result<PublicKey, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Spki)?;
        let bits = spki.subject_public_key.as_bytes().ok_or(KeyError::Spki)?;
        let curve = || spki.algorithm.parameters_oid().map_err(|_| KeyError::Algorithm);
        let algorithm = match spki.algorithm.oid {
            EC if curve()? == p256::NistP256::OID => Algorithm::P256,
            EC if curve()? == P384 => Algorithm::P384,
            ED25519 => Algorithm::Ed25519,
            RSA => Algorithm::Rsa,
            _ => return Err(KeyError::Algorithm),
        };
        let material = algorithm.material(bits)?;
        Ok(PublicKey { spki: der.to_vec(), fingerprint: Digest::of(der), algorithm, material })
    }

    /// The key in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        // Every DER has a PEM; if one had none, the host would refuse the empty text.
        let pem = encode_string("PUBLIC KEY", LineEnding::LF, &self.spki).unwrap_or_default();
        pem.trim_end().to_owned()
    }

    /// The SHA-256 of the key's DER, as `openssl pkey -pubin -outform der | sha256sum` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The length of the modulus in bits, if it is an RSA key.
    #[must_use]
    pub fn rsa_bits(&self) -> Option<usize> {
        let numbers = match self.algorithm {
            Algorithm::Rsa => pkcs1::RsaPublicKey::from_der(&self.material).ok()?,
            Algorithm::P256 | Algorithm::P384 | Algorithm::Ed25519 => return None,
        };
        Some(bits(numbers.modulus.as_bytes()))
    }
}

impl Algorithm {
    /// The key's number in its one encoding, of the bits that a SubjectPublicKeyInfo holds.
    pub(super) fn material(self, bits: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self {
            Algorithm::P256 => p256_point(bits),
            Algorithm::P384 => p384_point(bits),
            Algorithm::Ed25519 => ed25519_point(bits),
            Algorithm::Rsa => rsa_numbers(bits),
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        (self.algorithm, &self.material) == (other.algorithm, &other.material)
    }
}

impl Eq for PublicKey {}

fn p256_point(sec1: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = p256::PublicKey::from_sec1_bytes(sec1).map_err(|_| KeyError::Material)?;
    Ok(key.to_sec1_bytes().into_vec())
}

fn p384_point(sec1: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = p384::PublicKey::from_sec1_bytes(sec1).map_err(|_| KeyError::Material)?;
    Ok(key.to_sec1_bytes().into_vec())
}

/// A point of small order is refused: it would verify what nobody signed.
fn ed25519_point(bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = bytes.try_into().ok().and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).ok());
    key.filter(|key| !key.is_weak()).map(|key| key.to_bytes().to_vec()).ok_or(KeyError::Material)
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`, whose DER has one form only.
fn rsa_numbers(der: &[u8]) -> Result<Vec<u8>, KeyError> {
    let numbers = pkcs1::RsaPublicKey::from_der(der).map_err(|_| KeyError::Spki)?;
    let modulus = numbers.modulus.as_bytes();
    let bits = bits(modulus);
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaSize(bits));
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let usable = odd(modulus) && odd(numbers.public_exponent.as_bytes()) && rsa_key(der).is_some();
    if usable { Ok(der.to_vec()) } else { Err(KeyError::Material) }
}

/// The length of a number, without the zeros in front.
fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() * 8).saturating_sub(leading)
}

/// The key that these numbers are. An exponent of 1, or one of more than 33 bits, makes none.
pub(super) fn rsa_key(der: &[u8]) -> Option<rsa::RsaPublicKey> {
    let numbers = pkcs1::RsaPublicKey::from_der(der).ok()?;
    let number = |uint: pkcs1::UintRef<'_>| rsa::BigUint::from_bytes_be(uint.as_bytes());
    rsa::RsaPublicKey::new_with_max_size(number(numbers.modulus), number(numbers.public_exponent), *RSA_BITS.end()).ok()
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Pem => f.write_str("is not one PEM block `-----BEGIN PUBLIC KEY-----`"),
            KeyError::Private => f.write_str("is a private key, which others may have read by now: replace it, and put its public key here (`cosign public-key`)"),
            KeyError::Elsewhere => f.write_str("refers to a key elsewhere, which a policy can't fetch; put the PEM text here (`cosign public-key --key …`)"),
            KeyError::Spki => f.write_str("is not a SubjectPublicKeyInfo (RFC 5280)"),
            KeyError::Algorithm => f.write_str("is of an unsupported kind; supported are ECDSA P-256 and P-384, Ed25519, and RSA from 2048 bits"),
            KeyError::Material => f.write_str("is damaged: its numbers are no key of that kind"),
            KeyError::RsaSize(bits) => write!(f, "is an RSA key of {bits} bits; it must have {} to {}", RSA_BITS.start(), RSA_BITS.end()),
        }
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! key {
        ($name:literal) => {
            include_str!(concat!("../../tests/keys/", $name, ".pub"))
        };
    }

    #[test]
    fn keys() {
        let alice = key!("alice");
        let rows: &[(&str, Option<KeyError>, &str)] = &[
            (alice, None, "ECDSA P-256"),
            (key!("alice-compressed"), None, "the same point in its other encoding"),
            (key!("p384"), None, "ECDSA P-384"),
            (key!("ed25519"), None, "Ed25519"),
            (key!("rsa2048"), None, "RSA"),
            (&format!("\n  {alice}\n\n"), None, "white space around it is YAML's"),
            (&alice.replace('\n', "\r\n"), None, "line ends are the editor's"),
            (key!("rsa1024"), Some(KeyError::RsaSize(1024)), "too short"),
            (key!("rsa-exponent1"), Some(KeyError::Material), "an exponent with which everything is its own signature"),
            (key!("rsa-exponent-even"), Some(KeyError::Material), "an exponent that has no inverse"),
            (key!("rsa-exponent-long"), Some(KeyError::Material), "an exponent that only costs time"),
            (key!("rsa-even"), Some(KeyError::Material), "a modulus that two divides"),
            (key!("p521"), Some(KeyError::Algorithm), "a curve that nobody here verifies"),
            ("", Some(KeyError::Pem), "nothing"),
            ("MFkwEwYH", Some(KeyError::Pem), "no PEM"),
            ("k8s://cosign-system/key", Some(KeyError::Elsewhere), "a secret of the cluster"),
            ("awskms:///alias/key", Some(KeyError::Elsewhere), "a key in a KMS"),
            (&format!("{alice}{alice}"), Some(KeyError::Pem), "two blocks: which one counts?"),
            (&format!("{alice}and more"), Some(KeyError::Pem), "something after it"),
            (&alice.replace("PUBLIC KEY", "CERTIFICATE"), Some(KeyError::Pem), "another label"),
            (&alice.replace("PUBLIC KEY", "EC PRIVATE KEY"), Some(KeyError::Private), "the wrong half"),
            (
                "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----",
                Some(KeyError::Material),
                "Ed25519's neutral point, with which anybody signs",
            ),
            (&alice.replace("MFkwEwYH", "MFkwEwYI"), Some(KeyError::Spki), "damaged structure"),
            (&alice.replace("Zf2oA==", "Zf2oQ=="), Some(KeyError::Material), "a point that is not on the curve"),
        ];
        for (pem, expected, why) in rows {
            assert_eq!(PublicKey::parse(pem).err(), *expected, "{why}: {pem}");
        }
    }

    #[test]
    fn a_key_is_itself_in_every_encoding() {
        let read = |pem| PublicKey::parse(pem).unwrap();
        let (alice, compressed, bob) = (read(key!("alice")), read(key!("alice-compressed")), read(key!("bob")));
        assert_eq!(alice, compressed);
        assert_ne!(alice, bob);
        let expected = "sha256:a5d11fcdea3103bf5bb67c989c1f756f08a931bf15c4b5fa43873993c87df172";
        assert_eq!(alice.fingerprint().to_string(), expected);
    }
}
