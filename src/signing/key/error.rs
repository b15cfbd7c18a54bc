//! Why is a text no public key that signatures can be checked with?

/// Why a text is not a public key that this policy can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// The text of the key is empty.
    Empty,
    /// The text is longer than any that holds a key.
    TooLong,
    /// The text holds no PEM block, and is nothing else that is known.
    NoBlock,
    /// The lines around the block are not those of a public key.
    Armour,
    /// The block has another label.
    Label,
    /// There are several blocks: which one counts?
    Several,
    /// The block is not complete.
    Truncated,
    /// The block has a last line and no first one.
    NoBegin,
    /// This character is not one of base64.
    Character(char),
    /// The base64 is not valid: its padding is misplaced, or its unused bits are not zero.
    Base64,
    /// The lines end in a backslash and an `n`.
    Escaped,
    /// The text stands for a key that was to be put there.
    Placeholder,
    /// The base64 of a key, without the lines around it.
    Unarmoured,
    /// The base64 of a whole PEM text.
    Encoded,
    /// All lines of the key are comments.
    Commented,
    /// The hexadecimal digits of a key in DER.
    Hex,
    /// A private key stands where a public one belongs.
    Private,
    /// The text is an encrypted private key.
    EncryptedPrivate,
    /// An RSA key in the form of PKCS #1.
    Pkcs1,
    /// The text is a public key in a format of SSH.
    Ssh,
    /// The text is an OpenPGP key or signature.
    Pgp,
    /// A certificate.
    Certificate,
    /// A certificate signing request.
    Request,
    /// The path of a file.
    Path,
    /// The address of a key.
    Url,
    /// A key in a secret of Kubernetes.
    Secret,
    /// A key in a KMS.
    Kms,
    /// A key in a hardware token.
    Pkcs11,
    /// A reference to a key elsewhere.
    Elsewhere,
    /// The block holds no SubjectPublicKeyInfo.
    Spki,
    /// An algorithm that is not supported: this one, if it is known.
    Algorithm(&'static str),
    /// A curve that is not supported: this one, if it is known.
    Curve(&'static str),
    /// A point of a curve in a form that keys don't have.
    Point,
    /// The numbers are not a key of that algorithm.
    Material,
    /// The RSA modulus is too short or too long.
    RsaSize(usize),
}

impl KeyError {
    /// The lengths of RSA moduli that are accepted, in bits: shorter ones are broken, longer ones cost more time than a request has.
    pub(crate) const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
}

impl std::error::Error for KeyError {}
