//! With which algorithms can a key sign?

/// A signature algorithm that settings can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256 (FIPS 186-5, section 6.4).
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2).
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256 (RFC 8017, section 8.1).
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512.
    RsaPssSha512,
    /// Ed25519 (RFC 8032, section 5.1).
    Ed25519,
    /// Ed25519 over a SHA-512.
    Ed25519ph,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [SignatureAlgorithm; 11] = [
        SignatureAlgorithm::EcdsaSha256,
        SignatureAlgorithm::EcdsaSha384,
        SignatureAlgorithm::EcdsaSha512,
        SignatureAlgorithm::RsaPkcs1Sha256,
        SignatureAlgorithm::RsaPkcs1Sha384,
        SignatureAlgorithm::RsaPkcs1Sha512,
        SignatureAlgorithm::RsaPssSha256,
        SignatureAlgorithm::RsaPssSha384,
        SignatureAlgorithm::RsaPssSha512,
        SignatureAlgorithm::Ed25519,
        SignatureAlgorithm::Ed25519ph,
    ];

    /// The names of the algorithms in settings, in the order of [`SignatureAlgorithm::ALL`].
    pub const WORDS: [&str; 11] = [
        "ecdsa-sha256",
        "ecdsa-sha384",
        "ecdsa-sha512",
        "rsa-pkcs1-sha256",
        "rsa-pkcs1-sha384",
        "rsa-pkcs1-sha512",
        "rsa-pss-sha256",
        "rsa-pss-sha384",
        "rsa-pss-sha512",
        "ed25519",
        "ed25519ph",
    ];

    /// The name of the algorithm in settings.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().zip(Self::WORDS).find(|(one, _)| **one == self).map_or("", |(_, word)| word)
    }

    /// The algorithm with this name in settings.
    #[must_use]
    pub fn parse(word: &str) -> Option<SignatureAlgorithm> {
        Self::ALL.iter().zip(Self::WORDS).find(|(_, known)| *known == word).map(|(one, _)| *one)
    }
}
