//! What does an error of the host mean for an image?

/// What an error of the host means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The image exists, and the host found no signature for it.
    Unsigned,
    /// There are signatures, but the host finds that none of them is for this image.
    Elsewhere,
    /// There are signatures, and none by this key with these annotations.
    Mismatch,
    /// The registry does not have what was asked for.
    NotFound,
    /// The registry wants other credentials.
    Unauthorized,
    /// The registry wants fewer requests.
    RateLimited,
    /// The registry has a policy of its own that refuses the pull.
    Blocked,
    /// The host was not allowed to answer.
    Forbidden,
    /// The registry reports a digest that cannot be pinned.
    Undigested,
    /// There are more signatures than the host is asked to read. The policy decides this, not the host.
    TooMany,
    /// The signature payloads are too large to ask the host for. The policy decides this, not the host.
    TooLarge,
    /// The signature payloads are stored at an address of their own. The policy decides this, not the host.
    StoredElsewhere,
    /// There is more evidence than is read. The policy decides this, not the host.
    TooMuchEvidence,
    /// An attestation is too large to be read by a policy. The policy decides this, not the host.
    LargeAttestation,
    /// The host's answer is larger than is read.
    Oversized,
    /// The name of the registry does not resolve.
    Unresolved,
    /// Nothing accepts connections at the registry's address.
    Refused,
    /// The registry speaks plain HTTP where HTTPS is expected.
    NoTls,
    /// The certificate authority of the registry's certificate is not trusted.
    UnknownAuthority,
    /// The registry's certificate has expired, or is not valid yet.
    ExpiredCertificate,
    /// The registry's certificate is for another host name.
    CertificateName,
    /// The registry's certificate is not valid for another reason.
    Certificate,
    /// The registry could not be reached for another reason.
    Unreachable,
    /// The registry answered that it failed (HTTP 5xx).
    ServerError,
    /// The registry answered with an error that has no message.
    Wordless,
    /// The registry has the image, and answered the request for its signatures with an error that has no message. The policy decides this, not the host.
    WordlessSignatures,
    /// The registry answered with an error in words that are not known.
    UnknownError,
    /// The registry's answer could not be read, or was not what its digest says.
    UnusableAnswer,
    /// The host gave no answer, or one that could not be read.
    Unavailable,
}
