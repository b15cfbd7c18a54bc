//! Did this key make this signature?
//!
//! If the settings name no algorithm, these are accepted:
//!
//! - ECDSA as X9.62 DER (FIPS 186-5, section 6.4): with SHA-256 on every curve (cosign 2), with SHA-384 on P-384 and with SHA-512 on P-521 (cosign 3);
//! - Ed25519 (RFC 8032): pure (cosign 2), or pre-hashed with SHA-512 (cosign 3);
//! - RSA PKCS #1 v1.5 with SHA-256 (RFC 8017, section 8.2.2).

use std::cell::{Cell, OnceCell};

use der::asn1::ObjectIdentifier;
use ed25519_dalek::Sha512;
use p256::{
    ecdsa::{RecoveryId, VerifyingKey, signature::hazmat::PrehashVerifier as _},
    pkcs8::EncodePublicKey as _,
};
use rsa::{Pss, pkcs1v15::Pkcs1v15Sign, traits::PublicKeyParts as _};
use sha2::{Digest as _, Sha256, Sha384};

use super::{
    SignatureAlgorithm,
    key::{Algorithm, PublicKey, rsa_key},
};
use crate::image::Digest;

/// A hash algorithm of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
            Hash::Sha384 => Sha384::digest(bytes).to_vec(),
            Hash::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// RSASSA-PSS with this hash (RFC 8017, section 8.1).
    fn pss(self, salt: usize) -> Pss {
        match self {
            Hash::Sha256 => Pss::new_with_salt::<rsa::sha2::Sha256>(salt),
            Hash::Sha384 => Pss::new_with_salt::<rsa::sha2::Sha384>(salt),
            Hash::Sha512 => Pss::new_with_salt::<rsa::sha2::Sha512>(salt),
        }
    }

    /// The prefix of a hash in a PKCS #1 v1.5 signature (RFC 8017, section 9.2, note 1).
    fn prefix(self) -> Box<[u8]> {
        let (all, name, length) = match self {
            Hash::Sha256 => (0x31, 0x01, 0x20),
            Hash::Sha384 => (0x41, 0x02, 0x30),
            Hash::Sha512 => (0x51, 0x03, 0x40),
        };
        let oid = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, name];
        [&[0x30, all, 0x30, 0x0d], &oid[..], &[0x05, 0x00, 0x04, length]].concat().into()
    }
}

/// The signature algorithms whose names include a hash. For others (RSA, Ed25519) the digest algorithm names it.
const HASHED: [(ObjectIdentifier, Hash); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Hash::Sha512),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Hash::Sha512),
];

/// The hash in the name of a signature algorithm, for those of which the name includes one.
pub(crate) fn hash_of_signature(algorithm: ObjectIdentifier) -> Option<Hash> {
    HASHED.iter().find(|(known, _)| *known == algorithm).map(|(_, hash)| *hash)
}

/// A message that may have been signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Message<'m> {
    /// These bytes.
    Bytes(&'m [u8]),
    /// Bytes that are known only by their SHA-256. A signature over another hash cannot be checked.
    Known(Digest),
}

impl Message<'_> {
    /// The hash of the message, if it is known.
    pub(crate) fn hash(&self, hash: Hash) -> Option<Vec<u8>> {
        match (self, hash) {
            (Message::Bytes(bytes), _) => Some(hash.of(bytes)),
            (Message::Known(digest), Hash::Sha256) => Some(digest.bytes().to_vec()),
            (Message::Known(_), Hash::Sha384 | Hash::Sha512) => None,
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Message::Bytes(bytes) => Some(bytes),
            Message::Known(_) => None,
        }
    }
}

/// The number of keys with which a signature is tried before its possible makers are computed. That computation costs about as much as two tries.
const MAX_TRIES: u8 = 3;

/// A search for the key that made a signature over a payload with this hash. It saves one verification for each of many keys.
pub(crate) struct Trial<'s> {
    hash: Digest,
    signature: &'s [u8],
    tries: Cell<u8>,
    /// The possible keys as points, because one key has several encodings.
    makers: OnceCell<Option<[VerifyingKey; 2]>>,
}

impl<'s> Trial<'s> {
    pub(crate) fn new(hash: Digest, signature: &'s [u8]) -> Trial<'s> {
        Trial { hash, signature, tries: Cell::new(0), makers: OnceCell::new() }
    }

    /// Whether this key can have made the signature, so that a verification is worth its cost. On P-256, only two keys can, and they are computed after a few tries.
    pub(crate) fn may_be_by(&self, key: &PublicKey) -> bool {
        let tries = self.tries.get();
        if key.algorithm != Algorithm::P256 || !key.signs_sha256_only() {
            return true;
        }
        if tries < MAX_TRIES {
            self.tries.set(tries.saturating_add(1));
            return true;
        }
        let makers = self.makers.get_or_init(|| possible_keys(self.hash, self.signature));
        let is_key = |maker: &VerifyingKey| maker.to_sec1_point(false).as_bytes() == key.material;
        makers.as_ref().is_some_and(|makers| makers.iter().any(is_key))
    }

    /// Whether this key made the signature over the hash. Only keys that always sign a SHA-256 can tell.
    pub(crate) fn is_of_hash(&self, key: &PublicKey) -> bool {
        self.may_be_by(key) && key.signed(Message::Known(self.hash), self.signature)
    }
}

/// The fingerprints of the two keys that fit this ECDSA signature on P-256 (SEC 1, section 4.1.6). One of them made it, and the other is a by-product of the
/// arithmetic. If the signature is not genuine, both are by-products.
pub(crate) fn possible_makers(hash: Digest, signature: &[u8]) -> Option<[Digest; 2]> {
    let [one, other] = possible_keys(hash, signature)?;
    let fingerprint = |key: VerifyingKey| Some(Digest::of(key.to_public_key_der().ok()?.as_bytes()));
    Some([fingerprint(one)?, fingerprint(other)?])
}

fn possible_keys(hash: Digest, signature: &[u8]) -> Option<[VerifyingKey; 2]> {
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    let key = |is_y_odd: bool| {
        let id = RecoveryId::new(is_y_odd, false);
        VerifyingKey::recover_from_prehash(&hash.bytes(), &signature, id).ok()
    };
    Some([key(false)?, key(true)?])
}

impl PublicKey {
    /// Whether a SHA-256 is all that is needed to verify signatures of this key.
    pub(crate) fn signs_sha256_only(&self) -> bool {
        use SignatureAlgorithm::{EcdsaSha256, RsaPkcs1Sha256, RsaPssSha256};
        self.accepted().iter().all(|algorithm| matches!(algorithm, EcdsaSha256 | RsaPkcs1Sha256 | RsaPssSha256))
    }

    /// Whether `signature` proves that this key signed `message` with an accepted algorithm.
    pub(crate) fn signed(&self, message: Message<'_>, signature: &[u8]) -> bool {
        self.accepted().iter().any(|algorithm| self.signed_with(*algorithm, message, signature).is_some())
    }

    /// The algorithm with which this key signed `message`, if it is not an accepted one.
    pub(crate) fn signed_otherwise(&self, message: &[u8], signature: &[u8]) -> Option<SignatureAlgorithm> {
        let others = self.algorithm.possible().iter().filter(|algorithm| !self.accepted().contains(algorithm));
        let message = Message::Bytes(message);
        others.copied().find(|algorithm| self.signed_with(*algorithm, message, signature).is_some())
    }

    /// The accepted algorithms: the one that the settings name, or else those of cosign 2 and 3.
    fn accepted(&self) -> &[SignatureAlgorithm] {
        match self.only() {
            Some(only) => std::slice::from_ref(only),
            None => self.algorithm.by_default(),
        }
    }

    /// Checks that this key made `signature` with this algorithm.
    fn signed_with(&self, algorithm: SignatureAlgorithm, message: Message<'_>, signature: &[u8]) -> Option<()> {
        use SignatureAlgorithm::*;
        let pkcs1 = |hash: Hash| rsa_verifies(&self.material, hash, &message.hash(hash)?, signature);
        let pss = |hash: Hash| self.pss_signed(hash, &message.hash(hash)?, signature);
        let ecdsa = |hash: Hash| self.algorithm.ecdsa_verifies(&self.material, &message.hash(hash)?, signature);
        match algorithm {
            EcdsaSha256 => ecdsa(Hash::Sha256),
            EcdsaSha384 => ecdsa(Hash::Sha384),
            EcdsaSha512 => ecdsa(Hash::Sha512),
            RsaPkcs1Sha256 => pkcs1(Hash::Sha256),
            RsaPkcs1Sha384 => pkcs1(Hash::Sha384),
            RsaPkcs1Sha512 => pkcs1(Hash::Sha512),
            RsaPssSha256 => pss(Hash::Sha256),
            RsaPssSha384 => pss(Hash::Sha384),
            RsaPssSha512 => pss(Hash::Sha512),
            Ed25519 | Ed25519ph => ed25519_verifies(&self.material, algorithm, message.bytes()?, signature),
        }
    }

    /// The only algorithm with which this key may sign for Notation, as JOSE (RFC 7518, section 3.1) and COSE (RFC 9053, section 2.1; RFC 8230, section 2) name it.
    pub(crate) fn notation_algorithm(&self) -> Option<(&'static str, i64)> {
        match (self.algorithm, self.rsa_bits()) {
            (Algorithm::P256, _) => Some(("ES256", -7)),
            (Algorithm::P384, _) => Some(("ES384", -35)),
            (Algorithm::P521, _) => Some(("ES512", -36)),
            (Algorithm::Rsa, Some(2048)) => Some(("PS256", -37)),
            (Algorithm::Rsa, Some(3072)) => Some(("PS384", -38)),
            (Algorithm::Rsa, Some(4096)) => Some(("PS512", -39)),
            (Algorithm::Rsa | Algorithm::Ed25519, _) => None,
        }
    }

    /// Whether this key made a signature of JOSE or COSE over `message`, with the one algorithm that Notation allows it.
    pub(crate) fn signed_for_notation(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = || {
            let hash = match self.notation_algorithm()?.0 {
                "ES256" | "PS256" => Hash::Sha256,
                "ES384" | "PS384" => Hash::Sha384,
                _ => Hash::Sha512,
            };
            let (hashed, key) = (hash.of(message), &self.material);
            match self.algorithm {
                Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => {
                    self.algorithm.ecdsa_verifies(key, &hashed, &self.algorithm.der_of_raw(signature)?)
                }
                // The salt is as long as the hash (RFC 7518, section 3.5).
                Algorithm::Rsa => rsa_key(key)?.verify(hash.pss(hashed.len()), &hashed, signature).ok(),
                Algorithm::Ed25519 => None,
            }
        };
        verified().is_some()
    }

    /// Verifies RSASSA-PSS with a salt as long as the hash (RFC 8017, section 9.1) or as long as the key allows, as some libraries sign.
    fn pss_signed(&self, hash: Hash, hashed: &[u8], signature: &[u8]) -> Option<()> {
        let key = rsa_key(&self.material)?;
        let longest = key.size().saturating_sub(hashed.len()).saturating_sub(2);
        [hashed.len(), longest].into_iter().find_map(|salt| key.verify(hash.pss(salt), hashed, signature).ok())
    }
}

impl Algorithm {
    /// The algorithms with which cosign 2 and 3 sign with such a key by default.
    fn by_default(self) -> &'static [SignatureAlgorithm] {
        use SignatureAlgorithm::*;
        match self {
            Algorithm::P256 => &[EcdsaSha256],
            Algorithm::P384 => &[EcdsaSha256, EcdsaSha384],
            Algorithm::P521 => &[EcdsaSha256, EcdsaSha512],
            Algorithm::Ed25519 => &[Ed25519, Ed25519ph],
            Algorithm::Rsa => &[RsaPkcs1Sha256],
        }
    }

    /// Every algorithm with which such a key can sign.
    pub(crate) fn possible(self) -> &'static [SignatureAlgorithm] {
        use SignatureAlgorithm::*;
        match self {
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => &[EcdsaSha256, EcdsaSha384, EcdsaSha512],
            Algorithm::Ed25519 => &[Ed25519, Ed25519ph],
            Algorithm::Rsa => {
                &[RsaPkcs1Sha256, RsaPkcs1Sha384, RsaPkcs1Sha512, RsaPssSha256, RsaPssSha384, RsaPssSha512]
            }
        }
    }

    /// The DER form of an ECDSA signature of which both numbers are given one after the other, each in full length (IEEE P1363).
    pub(crate) fn der_of_raw(self, raw: &[u8]) -> Option<Vec<u8>> {
        match self {
            Algorithm::P256 => Some(p256::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec()),
            Algorithm::P384 => Some(p384::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec()),
            Algorithm::P521 => Some(p521::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec()),
            Algorithm::Ed25519 | Algorithm::Rsa => None,
        }
    }

    fn ecdsa_verifies(self, point: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
        match self {
            Algorithm::P256 => p256_verifies(point, hash, signature),
            Algorithm::P384 => p384_verifies(point, hash, signature),
            Algorithm::P521 => p521_verifies(point, hash, signature),
            Algorithm::Ed25519 | Algorithm::Rsa => None,
        }
    }

    /// Whether the key with these bits signed `message` with exactly this hash, as certificates and logs name it. Ed25519 ignores `hash`.
    pub(crate) fn verifies(self, hash: Hash, bits: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let verified = || {
            let key = self.material(bits).ok()?;
            match self {
                Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => {
                    self.ecdsa_verifies(&key, &hash.of(message), signature)
                }
                Algorithm::Rsa => rsa_verifies(&key, hash, &hash.of(message), signature),
                Algorithm::Ed25519 => ed25519_verifies(&key, SignatureAlgorithm::Ed25519, message, signature),
            }
        };
        verified().is_some()
    }
}

fn p256_verifies(point: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?.verify_prehash(hash, &signature).ok()
}

fn p384_verifies(point: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?.verify_prehash(hash, &signature).ok()
}

fn p521_verifies(point: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p521::ecdsa::Signature::from_der(signature).ok()?;
    p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?.verify_prehash(hash, &signature).ok()
}

/// Verifies strictly: points of small order and encodings that are not canonical are refused.
fn ed25519_verifies(key: &[u8], algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Option<()> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    match algorithm {
        SignatureAlgorithm::Ed25519ph => {
            key.verify_prehashed_strict(Sha512::new_with_prefix(message), None, &signature).ok()
        }
        _ => key.verify_strict(message, &signature).ok(),
    }
}

fn rsa_verifies(numbers: &[u8], kind: Hash, hash: &[u8], signature: &[u8]) -> Option<()> {
    let scheme = Pkcs1v15Sign { hash_len: Some(hash.len()), prefix: kind.prefix() };
    rsa_key(numbers)?.verify(scheme, hash, signature).ok()
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding as _};

    use super::*;

    macro_rules! key {
        ($name:literal) => {
            PublicKey::parse(include_str!(concat!("../../tests/keys/", $name, ".pub"))).unwrap()
        };
    }

    // Made by OpenSSL over "a payload" with keys that exist no more, where nothing else is said.
    const P256: &str =
        "MEUCIHjI8SbE2y4yJQJfeKHXkTCF2UzdQB/GyVmlFbTuVSjDAiEAkdJ9IQJRGq16WX4c2agtaBZIBNnjVqVmjJyhWoTb9XE=";
    const P256_SHA384: &str =
        "MEYCIQC3TKrk3fvpws9KJD9fAF4YC2CboJAnnfvnyI1G99YtywIhAJ68/t3Fho2KZqnWXcLtRw6fGU4XkQCxvEg2jcrH/FQx";
    /// The same with the order less `s` in the place of `s`, which is as good in ECDSA.
    const P256_LOW_S: &str =
        "MEQCIHjI8SbE2y4yJQJfeKHXkTCF2UzdQB/GyVmlFbTuVSjDAiBuLYLd/a7lU4WmgeMmV9KXpp7108PA+R5nHSlod4cv4A==";
    const P384_SHA256: &str = "MGQCMHNWOgk0dTjcEbd+yRZXufk9RIdJcHFvhH9xiSv1InVxEIH3UeAXUPmCqVxyxQ0E/QIwHvQF1X94+UBhhMVwT6UnjU9KT2GdLr046tDM47JdgXB7YU11cbgGTfikAVD47nqy";
    const P384_SHA384: &str = "MGYCMQCETepBSstdqsdOiH30yoZUhrT5fIfJ+KukbOjYmTvW8R2S+d/r2A5K21UviEUGDFcCMQC6QgnzJcgKz3ptzu/UmTx7QQ6B95PILhFCw0RSq4415lc+krGVvqtYV8HPAlXW73I=";
    const ED25519: &str = "8FASa1h+BGvrk1Hb2cPcqKEoP+igcnY7rZeGCOWFNP+nhmqTTnABNQ8lzGQcHPXpJz1FQBURXE9T8RlCO366Dg==";
    /// Made by ed25519-dalek: OpenSSL 3.0 can't.
    const ED25519PH: &str = "XZHnYqKSVYijdxAuYv2qtt1gDYQlodEuQySEc5ULcQlYhV49/xcymyGnf1AXTUbJnj8r+VGmWz7dM/Vz2XrcBw==";
    const ED25519PH_CONTEXT: &str =
        "nH4tQbCQJ5VHIU6S3gcH1tfbP3BjKh6SL6xSKdEbeC6lj60IwjWbFMFQu3EWETJgd13SMmHvX39sBsfJstoXDQ==";
    const RSA: &str = "eLPWBIYhTD8ktY0xOHBL+OmD6+QrhWo8vZHgIAb6GiUdVD1MuVoqyoNVPYBrRlHrFponIUqFHtzOAlgj2NHoFPthSDc+y8x+oZDVmdsT3ll6X9KYTnjN20XhsCpbbHNd0p5yte1IuH1/wdb/0F9OZQKjwxfAuarLPZYPlCitkunVIqudBGjAWs+o41AI47ZfDICH1Qf4XOIZU/gk5yopM9ijFTbiXgPT06N30pGe9UMR6d5EmRJ1LG4TnpGjKQk2JB8UQsClC3Jk1lQcWMtlUnzf5RodnLn0hLni+j9RZ/wzfVcUM6pTStaM7gJSK7q+qf1ad7DAwYnzYJ+jjsIWYw==";
    const RSA_SHA512: &str = "NvLhOlOoEC1DbLCmin/cXHr3lvQpMRYwCdESygfzfd/0yQz5zOqO+hheg8nasyXn+NSwVmma2DuoUJdTOZsbg1lXvRig+aJYR7iGI07NdBEXloUw9w4yn1eNoRqUCgymMFPp6Pk1Z4dGRxpCZaAXJM6GPjytxwwAW1FOXxz7z0wiBA0SJr8aTAck4UbuH3j/dw9pdfnYzXQJxN/ejP6raTgCOUCj5Nch07AxhHDqPX6K6+lL6bBkWVogV3Gcfsj4UjXhe6qcU/AP7Ilud+5/z5+P+iBjXfUhOoI/tg6A2j8a8EIaPgbLDg0BP5mWp4e4eaCgmhnNSvv5eUk6h3kSJw==";
    const RSA_PSS: &str = "TmP16afgzkKidTtsHehtR3XzYW+5pG5bEOa2V8SRPgG7vI8HYqWP3GhDkgJNhUFXJAMFqiHlOVqJdbVSgm+eUz0oSY8NKw9BeD6tdu81gpMGhSRwfKvMXc2HDldu+JcriiaGiO3If2sxk4w0bO0zYxBevlb7YJRKpP2A+f+K5tldMIgJBtPutcLXCYRbel5QFjj/AGonxuI3mohgkn0UxFMBJ3PDKGOF0ghPPriySF9+cadQp0yv1AGWs4IpuozhAlg8wHNSj3x0kqB7uKik9XGiU9tvNxIuMmQuYTsNtsCGx1NrjBuDKVguRUjVlpbJNsMDzyh/HNLBzB0mKF7+gQ==";

    #[test]
    fn signatures() {
        let (alice, bob, p384, ed25519, rsa) =
            (key!("alice"), key!("bob"), key!("p384"), key!("ed25519"), key!("rsa2048"));
        let rows: &[(&PublicKey, &str, [bool; 2], &str)] = &[
            (&alice, P256, [true, true], "P-256 with SHA-256"),
            (&alice, P256_LOW_S, [true, true], "its other form"),
            (&alice, P256_SHA384, [false, false], "a hash that cosign does not use with it"),
            (&bob, P256, [false, false], "another key"),
            (&p384, P384_SHA256, [true, true], "P-384 as cosign 2 signs"),
            (&p384, P384_SHA384, [true, false], "P-384 as cosign 3 does, which needs the bytes"),
            (&p384, P256, [false, false], "a signature of another curve"),
            (&ed25519, ED25519, [true, false], "Ed25519 as cosign 2 signs, which needs the bytes"),
            (&ed25519, ED25519PH, [true, false], "Ed25519ph, as cosign 3 does"),
            (&ed25519, ED25519PH_CONTEXT, [false, false], "with a context, which cosign never gives"),
            (&rsa, RSA, [true, true], "RSA, PKCS #1 v1.5 with SHA-256"),
            (&rsa, RSA_SHA512, [false, false], "another hash"),
            (&rsa, RSA_PSS, [false, false], "another scheme"),
            (&rsa, ED25519, [false, false], "too short for the modulus"),
            (&ed25519, RSA, [false, false], "too long for a point and a scalar"),
        ];
        for (key, signature, expected, why) in rows {
            let signature = Base64::decode_vec(signature).unwrap();
            let messages = [Message::Bytes(b"a payload"), Message::Known(Digest::of(b"a payload"))];
            assert_eq!(messages.map(|message| key.signed(message, &signature)), *expected, "{why}");
            let others = [Message::Bytes(b"a paylaod"), Message::Known(Digest::of(b"a paylaod"))];
            assert_eq!(others.map(|message| key.signed(message, &signature)), [false, false], "another message: {why}");
            let mut damaged = signature.clone();
            damaged.push(0);
            assert!(!key.signed(messages[0], &damaged), "one byte more: {why}");
            damaged.truncate(signature.len() - 1);
            assert!(!key.signed(messages[0], &damaged), "one byte less: {why}");
        }
    }

    #[test]
    fn other_algorithms_are_told() {
        use SignatureAlgorithm::{EcdsaSha384, RsaPkcs1Sha512, RsaPssSha256};
        let (alice, bob, p384, rsa) = (key!("alice"), key!("bob"), key!("p384"), key!("rsa2048"));
        let rows: &[(&PublicKey, &str, Option<SignatureAlgorithm>, &str)] = &[
            (&alice, P256, None, "what is accepted is no other algorithm"),
            (&alice, P256_SHA384, Some(EcdsaSha384), "P-256 with SHA-384"),
            (&bob, P256_SHA384, None, "another key"),
            (&p384, P384_SHA384, None, "P-384 with SHA-384 is accepted"),
            (&rsa, RSA, None, "RSA as it is accepted"),
            (&rsa, RSA_SHA512, Some(RsaPkcs1Sha512), "as cert-manager signs"),
            (&rsa, RSA_PSS, Some(RsaPssSha256), "as Azure Key Vault signs"),
            (&alice, RSA_PSS, None, "of another kind of key"),
        ];
        for (key, signature, expected, why) in rows {
            let signature = Base64::decode_vec(signature).unwrap();
            assert_eq!(key.signed_otherwise(b"a payload", &signature), *expected, "{why}");
            assert_eq!(key.signed_otherwise(b"a paylaod", &signature), None, "another message: {why}");
        }
    }

    #[test]
    fn a_signature_tells_two_keys() {
        let alice = key!("alice").fingerprint();
        let of = |signature: &str| possible_makers(Digest::of(b"a payload"), &Base64::decode_vec(signature).unwrap());
        for signature in [P256, P256_LOW_S] {
            let [one, other] = of(signature).unwrap();
            assert!(one == alice || other == alice, "{one} and {other}, not {alice}");
            assert_ne!(one, other);
        }
        assert_eq!(of(RSA), None);
    }

    #[test]
    fn a_trial_finds_the_maker_after_any_number_of_others() {
        let (alice, others) = (key!("alice"), [key!("bob"), key!("carol")]);
        let (hash, message) = (Digest::of(b"a payload"), Message::Bytes(b"a payload"));
        for signature in [P256, P256_LOW_S] {
            let signature = Base64::decode_vec(signature).unwrap();
            let trial = Trial::new(hash, &signature);
            for others_before in 0..3 * usize::from(MAX_TRIES) {
                let other = &others[others_before % 2];
                let is_known = others_before >= usize::from(MAX_TRIES);
                assert_eq!(trial.may_be_by(other), !is_known, "another key, after {others_before} tries");
            }
            assert!(trial.is_of_hash(&key!("alice-compressed")), "a key is the same in both of its forms");
            assert!(trial.may_be_by(&alice) && trial.is_of_hash(&alice) && alice.signed(message, &signature));
            assert!(trial.may_be_by(&key!("p384")), "of another kind of key nothing is known");
        }
        let trial = Trial::new(hash, b"no signature");
        assert!((0..10).all(|_| !trial.is_of_hash(&alice)), "what is no signature is nobody's");
    }

    #[test]
    fn numbers_that_sign_everything_sign_nothing() {
        // SEQUENCE { r, s } with zero, one, and the order of P-256 in them.
        let order = "022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let rows = [
            ("3006020100020100".to_owned(), "zero and zero"),
            ("3006020101020100".to_owned(), "one and zero"),
            ("3006020100020101".to_owned(), "zero and one"),
            (format!("3046{order}{order}"), "the order, which is zero"),
            ("30060201ff0201ff".to_owned(), "negative numbers"),
            ("3000".to_owned(), "no numbers"),
            (String::new(), "nothing"),
        ];
        for (hex, why) in rows {
            let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            let signature: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
            for message in [Message::Bytes(b""), Message::Known(Digest::of(b""))] {
                assert!(!key!("alice").signed(message, &signature), "{why}");
            }
        }
        // A point of small order would make them true for half of all messages.
        assert!(!key!("ed25519").signed(Message::Bytes(b""), &[0; 64]), "Ed25519, all zero");
        assert!(!key!("rsa2048").signed(Message::Bytes(b""), &[0; 256]), "RSA, zero");
    }
}
