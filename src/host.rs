//! What does a review need from outside, and how does that fail?
//!
//! One small trait a capability, in our own types: the guest implements them over real host calls, tests over recorded ones. The host's errors
//! are texts, and `words` is the one place that tells them apart.

mod cause;
mod words;

use std::{collections::BTreeMap, fmt, time::Duration};

use serde_json::value::RawValue;

pub use cause::Cause;

use crate::{
    image::Digest,
    json::{members, text},
    signing::PublicKey,
    text::Shown,
    time::UnixTime,
};

/// Asks the host whether a key signed an image.
pub trait Sigstore {
    /// Did `key` sign `image` (a canonical reference), with at least these annotations? A yes is the digest that was signed.
    ///
    /// # Errors
    /// When it did not, or when the host can't tell.
    fn verify(&self, image: &str, key: &PublicKey, annotations: &BTreeMap<String, String>)
    -> Result<Digest, HostError>;
}

/// Asks the host what a registry says of an image, or of what lies beside it.
pub trait Registry {
    /// The digest that `image` (a canonical reference) has now. A registry's word, and no proof of anything.
    ///
    /// # Errors
    /// When the registry does not have it, or the host can't tell.
    fn digest(&self, image: &str) -> Result<Digest, HostError>;

    /// The manifest or index of `image`, as the host has read and written it again: JSON, without what the host does not know.
    ///
    /// # Errors
    /// When the registry does not have it, or the host can't tell.
    fn manifest(&self, image: &str) -> Result<Vec<u8>, HostError>;

    /// The config of the manifest of `image`, as the host has read and written it again: JSON.
    ///
    /// # Errors
    /// When the registry does not have it, or the host can't tell.
    fn config(&self, image: &str) -> Result<Vec<u8>, HostError>;
}

/// Asks the host what is in the cluster.
pub trait Cluster {
    /// The object as it is now, as JSON.
    ///
    /// # Errors
    /// When there is none, or the host can't tell.
    fn object(&self, name: &ObjectName<'_>) -> Result<Vec<u8>, HostError>;

    /// Whether a user has a permission.
    ///
    /// # Errors
    /// When the host can't tell.
    fn may(&self, permission: &Permission<'_>) -> Result<bool, HostError>;
}

/// What a user wants to do, as a SubjectAccessReview asks it (`authorization.k8s.io/v1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission<'a> {
    /// The name of the user.
    pub user: &'a str,
    /// The groups of the user.
    pub groups: &'a [String],
    /// The verb.
    pub verb: &'a str,
    /// The API group of the resource.
    pub api_group: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// The namespace; none for objects that have none.
    pub namespace: Option<&'a str>,
}

/// Which object of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectName<'a> {
    /// Group and version, as in `apps/v1`.
    pub api_version: &'a str,
    /// The kind of the object, as in `ReplicaSet`.
    pub kind: &'a str,
    /// Where it is.
    pub namespace: &'a str,
    /// Its name there.
    pub name: &'a str,
}

/// Tells how long a request has been worked on, and what time it is.
pub trait Clock {
    /// The time since the request came in.
    fn elapsed(&self) -> Duration;

    /// The time of day.
    fn now(&self) -> UnixTime;
}

/// Everything outside that a review may ask.
pub trait Host: Sigstore + Registry + Cluster + Clock {}

impl<T: Sigstore + Registry + Cluster + Clock> Host for T {}

/// An answer of the host that is not a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    /// What it means for the image.
    pub cause: Cause,
    /// The host's own words, for the log and nobody else: they may hold keys, addresses and backtraces.
    pub text: String,
}

/// Largest answer of the host that is read, in bytes: registries accept no manifest above 4 MiB (OCI distribution specification, "Pushing Manifests"), and
/// objects of the cluster are smaller.
const MAX_ANSWER: usize = 4 << 20;

impl HostError {
    /// Checks the length of an answer, before anything is made of it.
    ///
    /// # Errors
    /// When it is longer than any that is read.
    pub fn check_length(bytes: usize) -> Result<(), HostError> {
        match bytes {
            0..=MAX_ANSWER => Ok(()),
            _ => {
                let text = format!("the host's answer has {bytes} bytes, and at most {MAX_ANSWER} are read");
                Err(HostError { cause: Cause::Oversized, text })
            }
        }
    }

    /// Reads the text of a verification that failed.
    #[must_use]
    pub fn of_verification(text: &str) -> HostError {
        HostError::of(text, words::of_verification)
    }

    /// Reads the text of a request to a registry that failed.
    #[must_use]
    pub fn of_registry(text: &str) -> HostError {
        HostError::of(text, words::of_registry)
    }

    /// Reads the text of a request to the cluster that failed.
    #[must_use]
    pub fn of_cluster(text: &str) -> HostError {
        HostError::of(text, words::of_cluster)
    }

    fn of(text: &str, cause: impl Fn(&str) -> Cause) -> HostError {
        let text = words::beginning(text);
        HostError { cause: cause(text), text: text.to_owned() }
    }
}

/// Reads the host's answer to a question for a digest: `{"digest": …}`.
///
/// # Errors
/// When it is none that could be pinned.
pub fn read_digest(answer: &[u8]) -> Result<Digest, HostError> {
    let [digest] = read(answer, ["digest"])?;
    usable(digest)
}

/// Reads the host's answer to a question for a manifest and its config: `{"manifest": …, "digest": …, "config": …}`. It is the config.
///
/// # Errors
/// When there is none.
pub fn read_config(answer: &[u8]) -> Result<Vec<u8>, HostError> {
    let [config] = read(answer, ["config"])?;
    config.map(|config| config.get().as_bytes().to_vec()).ok_or_else(|| misread(answer))
}

/// Reads the host's answer to a verification: `{"is_trusted": …, "digest": …}`. A yes without a usable digest proves nothing.
///
/// # Errors
/// When it is not a yes.
pub fn read_verification(answer: &[u8]) -> Result<Digest, HostError> {
    let [is_trusted, digest] = read(answer, ["is_trusted", "digest"])?;
    match is_trusted.map(RawValue::get) {
        Some("true") => usable(digest),
        Some("false") => Err(HostError { cause: Cause::Mismatch, text: "is_trusted is false".to_owned() }),
        _ => Err(misread(answer)),
    }
}

/// Reads the host's answer to a question for a permission, a SubjectAccessReviewStatus. Only a plain yes is one.
///
/// # Errors
/// When it is no such status.
pub fn read_permission(answer: &[u8]) -> Result<bool, HostError> {
    let [allowed, denied] = read(answer, ["allowed", "denied"])?;
    match (allowed.map(RawValue::get), denied.map(RawValue::get)) {
        (Some("true"), None | Some("false")) => Ok(true),
        (Some("true" | "false"), None | Some("true" | "false")) => Ok(false),
        _ => Err(misread(answer)),
    }
}

fn read<'a, const N: usize>(answer: &'a [u8], keys: [&str; N]) -> Result<[Option<&'a RawValue>; N], HostError> {
    let json = serde_json::from_slice(answer).map_err(|_| misread(answer))?;
    members(json, keys).map_err(|_| misread(answer))
}

fn usable(digest: Option<&RawValue>) -> Result<Digest, HostError> {
    let json = digest.map_or("", RawValue::get);
    let read = digest.and_then(|digest| Digest::parse(&text(digest).ok()?).ok());
    read.ok_or_else(|| HostError { cause: Cause::Undigested, text: format!("the digest is `{}`", Shown(json)) })
}

/// Whatever words are in an answer that can't be read: they say nothing of an image.
fn misread(answer: &[u8]) -> HostError {
    let text = format!("the host's answer is of no use: {}", Shown(&String::from_utf8_lossy(answer)));
    HostError { cause: Cause::Unavailable, text }
}

impl fmt::Display for Permission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Permission { user, verb, api_group, resource, .. } = self;
        write!(f, "permission of user \"{}\" to {verb} {resource}.{api_group}", Shown(user))?;
        match self.namespace {
            Some(namespace) => write!(f, " in namespace \"{}\"", Shown(namespace)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ObjectName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\" in namespace \"{}\"", self.kind, Shown(self.name), Shown(self.namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_a_length() {
        let rows =
            [(0, None), (4_194_304, None), (4_194_305, Some(Cause::Oversized)), (usize::MAX, Some(Cause::Oversized))];
        for (bytes, expected) in rows {
            assert_eq!(HostError::check_length(bytes).err().map(|error| error.cause), expected, "{bytes}");
        }
    }

    #[test]
    fn only_a_yes_with_a_digest_is_a_yes() {
        let digest = Digest::of(b"");
        let answer = |is_trusted: &str, digest: &str| format!(r#"{{"is_trusted":{is_trusted},"digest":"{digest}"}}"#);
        let good = digest.to_string();
        let rows = [
            (answer("true", &good), Ok(digest), "a yes"),
            (answer("false", &good), Err(Cause::Mismatch), "a no with a digest"),
            (answer("true", "sha256:abc"), Err(Cause::Undigested), "a yes for nothing that can be pinned"),
            (answer("true", ""), Err(Cause::Undigested), "a yes for nothing"),
            (r#"{"is_trusted":true}"#.to_owned(), Err(Cause::Undigested), "a yes without a digest"),
            (format!(r#"{{"digest":"{good}"}}"#), Err(Cause::Unavailable), "neither a yes nor a no"),
            (answer("\"true\"", &good), Err(Cause::Unavailable), "a text for a yes"),
            (answer("1", &good), Err(Cause::Unavailable), "a number for a yes"),
            (format!(r#"[true,"{good}"]"#), Err(Cause::Unavailable), "a list in place of an object"),
            (
                format!(r#"{{"is_trusted":false,{}"#, &answer("true", &good)[1..]),
                Err(Cause::Unavailable),
                "a no and a yes",
            ),
            (
                r#""Image verification failed: missing signatures""#.to_owned(),
                Err(Cause::Unavailable),
                "words in place of an answer",
            ),
            (String::new(), Err(Cause::Unavailable), "nothing"),
        ];
        for (answer, expected, why) in rows {
            assert_eq!(read_verification(answer.as_bytes()).map_err(|error| error.cause), expected, "{why}");
        }
        let rows = [
            (format!(r#"{{"digest":"{good}","more":1}}"#), Ok(digest), "a digest, and what a later host may add"),
            (format!(r#"{{"digest":"{good}","digest":"{good}"}}"#), Err(Cause::Unavailable), "two of them"),
            (format!(r#"["{good}"]"#), Err(Cause::Unavailable), "a list in place of an object"),
            (r#"{"digest":["manifest unknown"]}"#.to_owned(), Err(Cause::Undigested), "a list in place of a digest"),
            (r#""manifest unknown""#.to_owned(), Err(Cause::Unavailable), "words in place of an answer"),
        ];
        for (answer, expected, why) in rows {
            assert_eq!(read_digest(answer.as_bytes()).map_err(|error| error.cause), expected, "{why}");
        }
    }
}
