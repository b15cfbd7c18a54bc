//! Is this text a public key with which signatures can be checked?
//!
//! One PEM block (`pem`) around a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7): ECDSA on P-256,
//! P-384 or P-521 (RFC 5480), Ed25519 (RFC 8410), RSA from 2048 bits (RFC 8017, appendix A.1.1). `signature` says what a key verifies.

mod error;
mod pem;

use der::{
    Decode as _,
    pem::{LineEnding, encode_string},
};
use p256::pkcs8::{AssociatedOid, ObjectIdentifier, spki::SubjectPublicKeyInfoRef};
use rsa::pkcs1::{self, der::Decode as _};

pub use error::KeyError;

use super::SignatureAlgorithm;
use crate::image::Digest;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Unsupported curves and algorithms that messages can name.
const CURVES: [(&str, ObjectIdentifier); 4] = [
    ("P-224", ObjectIdentifier::new_unwrap("1.3.132.0.33")),
    ("secp256k1", ObjectIdentifier::new_unwrap("1.3.132.0.10")),
    ("brainpoolP256r1", ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7")),
    ("brainpoolP384r1", ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.11")),
];
const ALGORITHMS: [(&str, ObjectIdentifier); 5] = [
    ("DSA", ObjectIdentifier::new_unwrap("1.2.840.10040.4.1")),
    ("Ed448", ObjectIdentifier::new_unwrap("1.3.101.113")),
    ("X25519, which signs nothing", ObjectIdentifier::new_unwrap("1.3.101.110")),
    ("RSA for RSASSA-PSS only", ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10")),
    ("ML-DSA-65", ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18")),
];

/// A public key, with the encoding in which it was given.
///
/// Two keys are equal when they verify the same signatures, however they are encoded.
#[derive(Debug, Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    fingerprint: Digest,
    pub(crate) algorithm: Algorithm,
    /// The key itself, in its one canonical encoding: a point (SEC 1, uncompressed), 32 bytes of Ed25519, or RSA's numbers in DER.
    pub(crate) material: Vec<u8>,
    /// The only accepted algorithm, if the settings name one.
    only: Option<SignatureAlgorithm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Algorithm {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa,
}

impl PublicKey {
    /// Reads a PEM public key.
    ///
    /// # Errors
    /// When the text is anything but one public key of a supported algorithm and size.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        PublicKey::from_spki(&pem::read(text)?)
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub(crate) fn from_spki(der: &[u8]) -> Result<PublicKey, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Spki)?;
        let bits = spki.subject_public_key.as_bytes().ok_or(KeyError::Spki)?;
        let algorithm = match spki.algorithm.oid {
            EC => match spki.algorithm.parameters_oid() {
                Ok(p256::NistP256::OID) => Algorithm::P256,
                Ok(P384) => Algorithm::P384,
                Ok(P521) => Algorithm::P521,
                Ok(curve) => return Err(KeyError::Curve(name(&CURVES, curve))),
                Err(_) => return Err(KeyError::Curve("given without a name")),
            },
            ED25519 => Algorithm::Ed25519,
            RSA => Algorithm::Rsa,
            other => return Err(KeyError::Algorithm(name(&ALGORITHMS, other))),
        };
        let material = algorithm.material(bits)?;
        Ok(PublicKey { spki: der.to_vec(), fingerprint: Digest::of(der), algorithm, material, only: None })
    }

    /// The only accepted algorithm, if the settings name one.
    pub(crate) fn only(&self) -> Option<&SignatureAlgorithm> {
        self.only.as_ref()
    }

    /// The names in settings of the algorithms with which such a key can sign.
    pub(crate) fn algorithms(&self) -> &'static str {
        match self.algorithm {
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => "ecdsa-sha256, ecdsa-sha384 or ecdsa-sha512",
            Algorithm::Ed25519 => "ed25519 or ed25519ph",
            Algorithm::Rsa => {
                "rsa-pkcs1-sha256, rsa-pkcs1-sha384, rsa-pkcs1-sha512, rsa-pss-sha256, rsa-pss-sha384 or rsa-pss-sha512"
            }
        }
    }

    /// The key's SubjectPublicKeyInfo in DER, as it was given.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The same key, whose signatures count only with this algorithm. It is `None` if such a key cannot sign with it.
    pub(crate) fn only_with(self, algorithm: SignatureAlgorithm) -> Option<PublicKey> {
        let can = self.algorithm.possible().contains(&algorithm);
        can.then_some(PublicKey { only: Some(algorithm), ..self })
    }

    /// The key in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        // Every DER can be written as PEM. If it failed, the policy server would refuse the empty text.
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
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 | Algorithm::Ed25519 => return None,
        };
        Some(bits(numbers.modulus.as_bytes()))
    }
}

impl Algorithm {
    /// The key's number in its one encoding, of the bits that a SubjectPublicKeyInfo holds.
    pub(crate) fn material(self, bits: &[u8]) -> Result<Vec<u8>, KeyError> {
        let wrong = |_| KeyError::Material;
        match self {
            // A point as keys have it: uncompressed or compressed (RFC 5480, section 2.2). The library takes a third form, too, which leaves the sign open.
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 if !matches!(bits.first(), Some(2..=4)) => {
                Err(KeyError::Point)
            }
            Algorithm::P256 => Ok(p256::PublicKey::from_sec1_bytes(bits).map_err(wrong)?.to_sec1_bytes().into_vec()),
            Algorithm::P384 => Ok(p384::PublicKey::from_sec1_bytes(bits).map_err(wrong)?.to_sec1_bytes().into_vec()),
            Algorithm::P521 => Ok(p521::PublicKey::from_sec1_bytes(bits).map_err(wrong)?.to_sec1_bytes().into_vec()),
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

fn name(known: &[(&'static str, ObjectIdentifier)], oid: ObjectIdentifier) -> &'static str {
    known.iter().find(|(_, known)| *known == oid).map_or("not recognised", |(name, _)| name)
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
    if !KeyError::RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaSize(bits));
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let usable = odd(modulus) && odd(numbers.public_exponent.as_bytes()) && rsa_key(der).is_some();
    if usable { Ok(der.to_vec()) } else { Err(KeyError::Material) }
}

/// The length of a number, without the zeros in front.
fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(leading)
}

/// The key that these numbers are. An exponent of 1, or one of more than 33 bits, makes none.
pub(crate) fn rsa_key(der: &[u8]) -> Option<rsa::RsaPublicKey> {
    let numbers = pkcs1::RsaPublicKey::from_der(der).ok()?;
    let number = |uint: pkcs1::UintRef<'_>| rsa::BigUint::from_bytes_be(uint.as_bytes());
    rsa::RsaPublicKey::new_with_max_size(
        number(numbers.modulus),
        number(numbers.public_exponent),
        *KeyError::RSA_BITS.end(),
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding as _};

    use super::*;

    macro_rules! key {
        ($name:literal) => {
            include_str!(concat!("../../tests/keys/", $name, ".pub"))
        };
    }

    #[test]
    fn keys() {
        let alice = key!("alice");
        let body: String = alice.lines().filter(|line| !line.starts_with('-')).collect();
        let old: String = key!("bob").lines().map(|line| format!("# {line}\n")).collect();
        let commented = format!("{old}{alice}");
        let der = Base64::decode_vec(&body).unwrap();
        let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
        let spaced = der.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
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
            (key!("p521"), None, "ECDSA P-521"),
            ("", Some(KeyError::Empty), "nothing"),
            (" \n\t", Some(KeyError::Empty), "nothing that can be seen"),
            ("MFkwEwYH", Some(KeyError::NoBlock), "no PEM"),
            ("k8s://cosign-system/key", Some(KeyError::Secret), "a secret of the cluster"),
            ("awskms:///alias/key", Some(KeyError::Kms), "a key in a KMS"),
            ("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k", Some(KeyError::Kms), "in another"),
            ("azurekms://vault.azure.net/key", Some(KeyError::Kms), "in another"),
            ("hashivault://key", Some(KeyError::Kms), "in another"),
            ("gitlab://group/project", Some(KeyError::Elsewhere), "a project of GitLab"),
            ("env://COSIGN_PUBLIC_KEY", Some(KeyError::Elsewhere), "a variable"),
            ("pkcs11:token=t;object=k?pin-value=1", Some(KeyError::Pkcs11), "a token"),
            ("https://acme.example/cosign.pub", Some(KeyError::Url), "an address"),
            ("/etc/keys/cosign.pub", Some(KeyError::Path), "a path"),
            ("cosign.pub", Some(KeyError::Path), "a path without folders"),
            ("file:///etc/cosign.pub", Some(KeyError::Path), "a path as an address"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB x@y", Some(KeyError::Ssh), "a key of SSH"),
            ("ecdsa-sha2-nistp256 AAAA x@y", Some(KeyError::Ssh), "another one"),
            (
                "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
                Some(KeyError::Ssh),
                "in its other form",
            ),
            (
                "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENB\n-----END PGP PUBLIC KEY BLOCK-----",
                Some(KeyError::Pgp),
                "OpenPGP",
            ),
            ("<your public key>", Some(KeyError::Placeholder), "nobody put it there"),
            ("${COSIGN_KEY}", Some(KeyError::Placeholder), "a variable that nobody replaced"),
            ("{{ .Values.key }}", Some(KeyError::Placeholder), "a template"),
            (
                "-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----",
                Some(KeyError::Placeholder),
                "an example from a page",
            ),
            (&body, Some(KeyError::Unarmoured), "base64 alone"),
            (&Base64::encode_string(alice.as_bytes()), Some(KeyError::Encoded), "the value of a Kubernetes secret"),
            ("arn:aws:kms:eu-central-1:111122223333:key/1", Some(KeyError::Kms), "Amazon's name of a key"),
            ("projects/p/locations/l/keyRings/r/cryptoKeys/k", Some(KeyError::Kms), "Google's"),
            (
                "-----BEGIN PUBLIC KEY-----\nINSERT_KEY_HERE\n-----END PUBLIC KEY-----",
                Some(KeyError::Placeholder),
                "another example",
            ),
            (&alice.replacen("-----BEGIN PUBLIC KEY-----", "", 1), Some(KeyError::NoBegin), "no first line"),
            (&commented, None, "an old key that is commented out"),
            (
                &format!("# -----BEGIN PRIVATE KEY-----\n{alice}"),
                Some(KeyError::Private),
                "a private key, also in a comment",
            ),
            (&hex, Some(KeyError::Hex), "DER in hexadecimal"),
            (&spaced, Some(KeyError::Hex), "as `xxd` or `openssl` print it"),
            (
                r#"from="*.acme.example",no-pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB x@y"#,
                Some(KeyError::Ssh),
                "options in front of a key of SSH",
            ),
            (
                &format!("{alice}{}", key!("bob").replace("-----BEGIN", "----BEGIN")),
                Some(KeyError::Several),
                "a second key with a mistake",
            ),
            (&alice.replace('\n', "\\n"), Some(KeyError::Escaped), "line ends as two characters"),
            (&format!("{alice}{alice}"), Some(KeyError::Several), "two blocks: which one counts?"),
            (&format!("{alice}{}", key!("bob")), Some(KeyError::Several), "two keys"),
            (&format!("{alice}and more"), None, "text after it"),
            (&format!("# alice, 2026\n{alice}"), None, "a comment before it"),
            (
                &format!("Public-Key: (256 bit)\npub:\n    04:08:1f\nASN1 OID: prime256v1\n{alice}"),
                None,
                "what openssl prints with -text",
            ),
            (&format!("\u{feff}{alice}"), None, "a byte order mark"),
            (&alice.replace('\n', "\r"), None, "line ends of an old Mac"),
            (&alice.replace('\n', " "), None, "one line, as a folded YAML text has it"),
            (&alice.replace('\n', "  \n\n\t"), None, "blanks, blank lines and tabs"),
            (&rewrapped(alice, 48), None, "short lines"),
            (&rewrapped(alice, 76), None, "long lines"),
            (&rewrapped(alice, 1_000), None, "one line for all of it"),
            (&format!("# {}", alice.trim_end().replace('\n', "\n# ")), Some(KeyError::Commented), "commented out"),
            (&alice.replace("-----END PUBLIC KEY-----", ""), Some(KeyError::Truncated), "no last line"),
            (&alice.replace("END PUBLIC", "END PRIVATE"), Some(KeyError::Armour), "another last line"),
            (&alice.replace("-----", "—"), Some(KeyError::Armour), "dashes that an editor replaced"),
            (&alice.replace("Zf2oA==", ""), Some(KeyError::Truncated), "a last part that was not copied"),
            (&alice.replace("oA==", "oB=="), Some(KeyError::Base64), "bits that base64 does not have"),
            (&alice.replace("oA==", "o"), Some(KeyError::Truncated), "no padding"),
            (&alice.replace('+', "-"), Some(KeyError::Character('-')), "base64 for addresses"),
            (&format!("{}{alice}", " ".repeat(20_000)), Some(KeyError::TooLong), "more than is read"),
            (&alice.replace("PUBLIC KEY", "CERTIFICATE"), Some(KeyError::Certificate), "a certificate"),
            (&alice.replace("PUBLIC KEY", "CERTIFICATE REQUEST"), Some(KeyError::Request), "a request for one"),
            (&alice.replace("PUBLIC KEY", "RSA PUBLIC KEY"), Some(KeyError::Pkcs1), "PKCS #1"),
            (&alice.replace("PUBLIC KEY", "EC PARAMETERS"), Some(KeyError::Label), "another label"),
            (&alice.replace("PUBLIC KEY", "EC PRIVATE KEY"), Some(KeyError::Private), "the wrong half"),
            (
                &alice.replace("PUBLIC KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"),
                Some(KeyError::EncryptedPrivate),
                "cosign's wrong half",
            ),
            (
                &alice.replace("PUBLIC KEY", "ENCRYPTED COSIGN PRIVATE KEY"),
                Some(KeyError::EncryptedPrivate),
                "and that of an older one",
            ),
            (&format!("{alice}{}", alice.replace("PUBLIC", "PRIVATE")), Some(KeyError::Private), "both halves"),
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

    /// The same key with lines of another length.
    fn rewrapped(pem: &str, width: usize) -> String {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let lines: Vec<&str> = body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// The library reads more forms of a point than keys have.
    #[test]
    fn points_have_two_forms() {
        let uncompressed = PublicKey::parse(key!("alice")).unwrap().material;
        let x = &uncompressed[1..33];
        let with_tag = |tag: u8, rest: &[u8]| {
            Algorithm::P256.material(&[&[tag], rest].concat()).map(|point| point == uncompressed)
        };
        // alice's y is even: her compressed key has the tag 2
        let rows: [(u8, &[u8], Result<bool, KeyError>, &str); 6] = [
            (4, &uncompressed[1..], Ok(true), "both numbers"),
            (2, x, Ok(true), "one number and the sign of the other"),
            (3, x, Ok(false), "the other sign, and another key"),
            (5, x, Err(KeyError::Point), "one number and no sign"),
            (6, &uncompressed[1..], Err(KeyError::Point), "both numbers and the sign"),
            (0, &[], Err(KeyError::Point), "the point at infinity"),
        ];
        for (tag, rest, expected, why) in rows {
            assert_eq!(with_tag(tag, rest), expected, "{why}");
        }
        assert_eq!(Algorithm::P384.material(&[&[5], x, &x[..16]].concat()), Err(KeyError::Point));
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
