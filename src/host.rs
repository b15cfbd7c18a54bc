//! What does a review need from outside, and how does that fail?
//!
//! One small trait a capability, in our own types: the guest implements them over real host calls, tests over recorded ones. The host's errors
//! are texts; [`HostError::read`] is the one place that tells them apart.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{image::Digest, proof::PublicKey, shown::Shown};

/// Asks the host whether a key signed an image.
pub trait Sigstore {
    /// Did `key` sign `image` (a canonical reference), with at least these annotations? A yes is the digest that was signed.
    ///
    /// # Errors
    /// When it did not, or when the host can't tell.
    fn verify(&self, image: &str, key: &PublicKey, annotations: &BTreeMap<String, String>)
    -> Result<Digest, HostError>;
}

/// Tells how long a request has been worked on.
pub trait Clock {
    /// The time since the request came in.
    fn elapsed(&self) -> Duration;
}

/// Everything outside that a review may ask.
pub trait Host: Sigstore + Clock {}

impl<T: Sigstore + Clock> Host for T {}

/// An answer of the host that is not a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    /// What it means for the image.
    pub cause: Cause,
    /// The host's own words, for the log and nobody else: they may hold keys, addresses and backtraces.
    pub text: String,
}

/// What an error of the host means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The image exists, and the host found no signature for it.
    Unsigned,
    /// There are signatures, and none by this key with these annotations.
    Mismatch,
    /// The registry does not have the image.
    NotFound,
    /// The registry wants other credentials.
    Unauthorized,
    /// The registry wants fewer requests.
    RateLimited,
    /// The host was not allowed to answer.
    Forbidden,
    /// The registry could not be reached, or its answer made no sense.
    Unavailable,
}

impl HostError {
    /// Reads the text of a failed host call.
    ///
    /// The text holds the image, which a user wrote, and what a registry said. So only phrases count that no image can hold: each has a space in it.
    /// What is not known is [`Cause::Unavailable`]: "could not tell", never "not signed".
    #[must_use]
    pub fn read(text: &str) -> HostError {
        let said = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        let cause = PHRASES
            .iter()
            .find(|(phrases, _)| said(phrases))
            .map_or(Cause::Unavailable, |(_, cause)| *cause);
        HostError {
            cause,
            text: text.to_owned(),
        }
    }
}

/// What the host says (its own words, and those of sigstore-rs, oci-client and the registries behind them), and what it means. The first row that fits
/// counts: what the host says of itself, then what it says of signatures, then what a registry says.
const PHRASES: [(&[&str], Cause); 6] = [
    (&["has not been granted access to"], Cause::Forbidden),
    (
        &["no signatures found for image", "No signatures found"],
        Cause::Unsigned,
    ),
    (
        &[
            "Image verification failed: missing signatures",
            "No Signature Layer passed verification",
        ],
        Cause::Mismatch,
    ),
    (
        &[
            "too many requests",
            "Too Many Requests",
            "pull rate limit",
            "rate limit exceeded",
            "toomanyrequests: ",
        ],
        Cause::RateLimited,
    ),
    (
        &[
            "Not authorized: ",
            "Authentication failure: ",
            "authentication required",
            "access to the resource is denied",
            "401 Unauthorized",
            "403 Forbidden",
        ],
        Cause::Unauthorized,
    ),
    (
        &[
            "manifest unknown",
            "repository name not known",
            "Image manifest not found: ",
            "manifest for image not found",
            "404 Not Found",
        ],
        Cause::NotFound,
    ),
];

/// Reads the host's answer to a verification. A yes without a usable digest proves nothing.
///
/// # Errors
/// When it is not a yes.
pub fn read_verification(is_trusted: bool, digest: &str) -> Result<Digest, HostError> {
    match (is_trusted, Digest::parse(digest)) {
        (true, Ok(digest)) => Ok(digest),
        (true, Err(_)) => Err(HostError {
            cause: Cause::Unavailable,
            text: format!("trusted, but the digest is `{}`", Shown(digest)),
        }),
        (false, _) => Err(HostError {
            cause: Cause::Mismatch,
            text: "is_trusted is false".to_owned(),
        }),
    }
}

impl Cause {
    /// The cause as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Unsigned => "unsigned",
            Cause::Mismatch => "mismatch",
            Cause::NotFound => "not-found",
            Cause::Unauthorized => "unauthorized",
            Cause::RateLimited => "rate-limited",
            Cause::Forbidden => "forbidden",
            Cause::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Unsigned => "no signature was found",
            Cause::Mismatch => "the signatures are by other keys",
            Cause::NotFound => "the registry does not have this image",
            Cause::Unauthorized => "the registry refused the policy server's credentials",
            Cause::RateLimited => "the registry limits the rate of requests",
            Cause::Forbidden => "the policy may not ask the host to verify signatures",
            Cause::Unavailable => "the registry could not be reached, or its answer was of no use",
        })
    }
}
