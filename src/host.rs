//! What does a review need from outside, and how does that fail?
//!
//! One small trait a capability, in our own types: the guest implements them over real host calls, tests over recorded ones. The host's errors
//! are texts, and this is the one place that tells them apart.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde_json::value::RawValue;

use crate::{
    image::Digest,
    json::{members, text},
    proof::PublicKey,
    shown::Shown,
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
}

/// Asks the host what is in the cluster.
pub trait Cluster {
    /// The object as it is now, as JSON.
    ///
    /// # Errors
    /// When there is none, or the host can't tell.
    fn object(&self, name: &ObjectName<'_>) -> Result<Vec<u8>, HostError>;
}

/// Which object of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectName<'a> {
    /// Group and version, as in `apps/v1`.
    pub api_version: &'a str,
    /// Its kind.
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

    /// The time since 1970-01-01, UTC.
    fn now(&self) -> Duration;
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

/// What an error of the host means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The image exists, and the host found no signature for it.
    Unsigned,
    /// There are signatures, and the host takes none of them for one of this image.
    Elsewhere,
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
    /// What the registry says is its digest is none that could be pinned.
    Undigested,
    /// There are more signatures than the host is asked to read. Never said by the host.
    TooMany,
    /// The signature payloads are too large to ask the host for. The policy decides this, not the host.
    TooLarge,
    /// The signature payloads are stored at an address of their own. The policy decides this, not the host.
    StoredElsewhere,
    /// The host's answer is larger than `MAX_ANSWER`.
    Oversized,
    /// The registry could not be reached, or its answer made no sense.
    Unavailable,
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
    ///
    /// Such texts hold the image, which a user wrote, and what a registry said. So only phrases count that no image can hold: each has a space in it.
    /// What is not known is [`Cause::Unavailable`]: "could not tell", never "not signed".
    #[must_use]
    pub fn of_verification(text: &str) -> HostError {
        let text = beginning(text);
        let cause = match first(&[own_words(text, &[&PERMISSION, &SIGNATURES]), &[&REGISTRY]], text) {
            // Something else is not there: a part of the signature, say.
            Cause::NotFound if !text.contains(IMAGE_ITSELF) => Cause::Unavailable,
            cause => cause,
        };
        HostError { cause, text: text.to_owned() }
    }

    /// Reads the text of a question to a registry that failed, in the same manner.
    #[must_use]
    pub fn of_registry(text: &str) -> HostError {
        let text = beginning(text);
        HostError { cause: first(&[own_words(text, &[&PERMISSION]), &[&REGISTRY]], text), text: text.to_owned() }
    }

    /// Reads the text of a question to the cluster that failed: was it allowed at all? No name of an object can hold such a phrase either.
    #[must_use]
    pub fn of_cluster(text: &str) -> HostError {
        let text = beginning(text);
        HostError { cause: first(&[&[&PERMISSION, &ACCESS]], text), text: text.to_owned() }
    }
}

/// What a phrase means.
type Row<'a> = (&'a [&'a str], Cause);

/// The meaning of the first phrase that `text` holds.
fn first(tables: &[&[&[Row<'_>]]], text: &str) -> Cause {
    let said = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    // What a registry says with such a code is not about the image, whatever its words are; nor is what can't be read, which is quoted too.
    if (text.contains(" code: 5") && text.contains(SERVER)) || said(&UNREADABLE) {
        return Cause::Unavailable;
    }
    let mut rows = tables.iter().copied().flatten().copied().flatten();
    rows.find(|(phrases, _)| said(phrases)).map_or(Cause::Unavailable, |(_, cause)| *cause)
}

/// The host's own words, which count only where nobody else's are quoted.
fn own_words<'t>(text: &str, tables: &'t [&'t [Row<'t>]]) -> &'t [&'t [Row<'t>]] {
    match text.contains(QUOTE) || text.contains(SERVER) || OTHERS.iter().any(|quote| text.contains(quote)) {
        true => &[],
        false => tables,
    }
}

/// As much of an error as is read: a registry may answer with megabytes.
fn beginning(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default()
}

/// Most bytes of an error that are read.
const MAX_TEXT: usize = 65_536;
/// Stands before every message of a registry.
const QUOTE: &str = "OCI API error: ";
/// Stands before an answer of a registry in another form.
const SERVER: &str = "Server error: ";
/// Stand before other texts that are not the host's, in the words of oci-client and what is below it: of who gives out tokens, and names of types,
/// algorithms and addresses.
const OTHERS: [&str; 12] = [
    "Authentication failure: ",
    "Failed to decode registry token: ",
    "Failed to convert Config",
    "Incompatible layer media type: ",
    "Unsupported media type: ",
    "Unsupported digest algorithm: ",
    "Digest error: ",
    "Generic error: ",
    "Image manifest not found: ",
    "OCI distribution spec violation: ",
    "Error parsing Url ",
    "unknown variant `",
];
/// Stand before what could not be read, a part of which may follow.
const UNREADABLE: [&str; 3] = ["Failed to parse manifest", "invalid type: string ", "invalid value: string "];
/// Stands before what a registry said of the image's own manifest.
const IMAGE_ITSELF: &str = "Cannot fetch manifest of ";

/// What the host says of itself.
const PERMISSION: [Row<'_>; 1] = [(&["has not been granted access to"], Cause::Forbidden)];

/// What Kubernetes says of who may not look.
const ACCESS: [Row<'_>; 1] = [(&["is forbidden: User "], Cause::Forbidden)];

/// What the host says of signatures.
const SIGNATURES: [Row<'_>; 3] = [
    (&["no signatures found for image"], Cause::Unsigned),
    (&["No Signature Layer passed verification"], Cause::Elsewhere),
    (&["Image verification failed: missing signatures"], Cause::Mismatch),
];

/// What registries say, in their own words and oci-client's. Of an answer in the form of the distribution specification the client shows the message,
/// which every registry words in its own way, and never the code.
const REGISTRY: [Row<'_>; 3] = [
    (
        &[
            "too many requests",
            "Too Many Requests",
            "pull rate limit",
            "rate limit exceeded",
            "Rate exceeded",
            "Quota exceeded for ",
            "code: 429, message",
            "client error (429",
        ],
        Cause::RateLimited,
    ),
    (
        &[
            "Not authorized: ",
            "Authentication failure: ",
            "authentication required",
            "access to the resource is denied",
            "is not authorized to perform",
            "authorization token has expired",
            "denied on resource",
            "code: 401, message",
            "code: 403, message",
            "client error (401",
            "client error (403",
        ],
        Cause::Unauthorized,
    ),
    (
        &[
            "manifest unknown",
            "repository name not known",
            "Image manifest not found: ",
            "image not found]",
            "is not found]",
            "entity was not found",
            "Failed to fetch \"",
            "manifest is not known",
            "does not exist in the registry",
            // The right status, in the specification's form, with a code that it does not have (Harbor's).
            "code: 404, message: {\"errors\":[{",
        ],
        Cause::NotFound,
    ),
];

/// Reads the host's answer to a question for a digest: `{"digest": …}`.
///
/// # Errors
/// When it is none that could be pinned.
pub fn read_digest(answer: &[u8]) -> Result<Digest, HostError> {
    let [digest] = read(answer, ["digest"])?;
    usable(digest)
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

impl Cause {
    /// The cause as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Unsigned => "unsigned",
            Cause::Elsewhere => "not-for-this-image",
            Cause::Mismatch => "mismatch",
            Cause::NotFound => "not-found",
            Cause::Unauthorized => "unauthorized",
            Cause::RateLimited => "rate-limited",
            Cause::Forbidden => "forbidden",
            Cause::Undigested => "unusable-digest",
            Cause::TooMany => "too-many-signatures",
            Cause::TooLarge => "too-large-signatures",
            Cause::StoredElsewhere => "signatures-stored-elsewhere",
            Cause::Oversized => "oversized",
            Cause::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for ObjectName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\" in namespace \"{}\"", self.kind, Shown(self.name), Shown(self.namespace))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Unsigned => "no signature could be found",
            Cause::Elsewhere => "the host takes none of the signatures for one of this image",
            Cause::Mismatch => "the host finds no signature by this key that carries what the rule asks for",
            Cause::NotFound => "the registry does not have this image",
            Cause::Unauthorized => "the registry refused the policy server's credentials",
            Cause::RateLimited => "the registry limits the rate of requests",
            Cause::Forbidden => "the policy was not granted a host capability that it needs",
            Cause::Undigested => "the registry tells no digest of it that can be pinned (SHA-256, in lower case)",
            Cause::TooMany => "there are more signatures than are read",
            Cause::TooLarge => "the policy server is not asked to download its signature payloads, because they are too large",
            Cause::StoredElsewhere => {
                "the policy server is not asked to download its signature payloads, because the manifest refers to another address (urls)"
            }
            Cause::Oversized => "the registry's answer is larger than 4 MiB",
            Cause::Unavailable => "the registry could not be reached, or its answer was of no use",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_host() {
        // As policy-server's libraries write them; what stands before and after is left out where it says nothing.
        let url = "failed to get image trusted layers: Cannot fetch manifest of ghcr.io/a:1:";
        let oci = |message: &str| {
            format!(
                "{url} Registry error: url https://ghcr.io/v2/a/manifests/1, envelope: OCI API errors: [OCI API error: {message}]"
            )
        };
        let server = |what: &str| format!("{url} Server error: url https://ghcr.io/v2/a/manifests/1, {what}");
        let rows = [
            ("Image verification failed: no signatures found for image: ghcr.io/a:1 ".to_owned(), Cause::Unsigned, "nothing there"),
            ("Image verification failed: missing signatures\nThe following constraints were not satisfied:\nkind: pubKey".to_owned(), Cause::Mismatch, "another key"),
            ("failed to get image trusted layers: No Signature Layer passed verification".to_owned(), Cause::Elsewhere, "copied from another image"),
            (oci("manifest unknown"), Cause::NotFound, "no such tag"),
            (oci("repository name not known to registry"), Cause::NotFound, "no such repository"),
            ("failed to get image trusted layers: Cannot pull ghcr.io/a:sha256-1.sig: [OCI API error: manifest unknown]".to_owned(), Cause::Unavailable, "the image is there, a part of its signature is not"),
            (server("code: 404, message: 404 page not found"), Cause::Unavailable, "the 404 of something that is no registry"),
            (format!("{url} Not authorized: url https://ghcr.io/v2/a/manifests/1"), Cause::Unauthorized, "401"),
            (oci("requested access to the resource is denied"), Cause::Unauthorized, "403"),
            (server("code: 403, message: "), Cause::Unauthorized, "403 without words"),
            (oci("too many requests"), Cause::RateLimited, "429"),
            (oci("You have reached your pull rate limit."), Cause::RateLimited, "Docker Hub's 429"),
            (server("code: 429, message: slow down"), Cause::RateLimited, "429 of a proxy"),
            (server("code: 404, message: Image verification failed: missing signatures"), Cause::Unavailable, "404 in the host's words"),
            (server("code: 418, message: Policy has not been granted access to the 'x' host capability"), Cause::Unavailable, "and in its other ones"),
            (format!("failed to get image trusted layers: Incompatible layer media type: x: {}", SIGNATURES[1].0[0]), Cause::Unavailable, "the host's words for a layer's type"),
            (format!("{url} Digest error: Unsupported digest algorithm: {}", PERMISSION[0].0[0]), Cause::Unavailable, "and for a digest's algorithm"),
            (format!("{url} Authentication failure: no signatures found for image"), Cause::Unauthorized, "the host's words in the mouth of who gives out tokens"),
            (format!("{url} Failed to parse manifest: invalid type: string \"manifest unknown\", expected a map"), Cause::Unavailable, "words in place of a manifest"),
            (server("code: 500, message: oops"), Cause::Unavailable, "500"),
            (server("code: 500, message: backend: manifest unknown"), Cause::Unavailable, "500 in the words of another answer"),
            (oci("no signatures found for image"), Cause::Unavailable, "a registry in the host's words"),
            (server("code: 503, message: Image verification failed: missing signatures"), Cause::Unavailable, "503 in the host's words"),
            ("failed to get image trusted layers: HTTP status client error (401 Unauthorized) for url (https://ghcr.io/v2/a/blobs/sha256:1)".to_owned(), Cause::Unauthorized, "401 for a payload"),
            (format!("{url} error sending request for url (https://ghcr.io/v2/a/manifests/1)"), Cause::Unavailable, "connection refused"),
            ("Policy has not been granted access to the 'oci/v2/verify' host capability. The violation has been reported.".to_owned(), Cause::Forbidden, "not granted"),
            ("error sending request for url (https://ghcr.io/v2/manifest-unknown/manifests/429)".to_owned(), Cause::Unavailable, "an image whose name reads like an error"),
            (String::new(), Cause::Unavailable, "no words at all"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(HostError::of_verification(&text).cause, expected, "{why}: {text}");
            assert!(!expected.to_string().is_empty() && !expected.word().contains(' '), "{why}");
        }
        let phrases = [PERMISSION.as_slice(), &ACCESS, &SIGNATURES, &REGISTRY]
            .into_iter()
            .flatten()
            .flat_map(|(phrases, _)| *phrases);
        let spaced = phrases.into_iter().all(|phrase| phrase.contains(' '));
        assert!(spaced, "no image can hold a phrase");
    }

    #[test]
    fn texts_of_a_registry() {
        let oci = |message: &str| {
            format!(
                "Fail to interact with OCI registry: Registry error: url https://ghcr.io/v2/a/manifests/1, envelope: OCI API errors: [OCI API error: {message}]"
            )
        };
        let rows = [
            (oci("manifest unknown"), Cause::NotFound, "no such tag"),
            (oci("Requested image not found"), Cause::NotFound, "no such tag, in another registry's words"),
            (oci("The named manifest is not known to the registry."), Cause::NotFound, "and in another's"),
            ("Fail to interact with OCI registry: Server error: url http://r/v2/a/manifests/1, code: 404, message: {\"errors\":[{\"code\":\"NOT_FOUND\",\"message\":\"artifact a:1 not found\"}]}".to_owned(), Cause::NotFound, "and in Harbor's, with a code of its own"),
            ("Fail to interact with OCI registry: Server error: url http://r/v2/a/manifests/1, code: 404, message: 404 page not found".to_owned(), Cause::Unavailable, "something that is no registry"),
            (oci("Failed to fetch \"sha256-1.sig\""), Cause::NotFound, "and in Google's"),
            (oci("User: arn:aws:iam::1:user/x is not authorized to perform: ecr:BatchGetImage"), Cause::Unauthorized, "403 in Amazon's words"),
            (oci("Your authorization token has expired. Reauthenticate and try again."), Cause::Unauthorized, "and an old login there"),
            (oci("Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"x\""), Cause::Unauthorized, "403 in Google's"),
            (oci("Rate exceeded"), Cause::RateLimited, "429 in Amazon's"),
            (format!("{} manifest unknown", "x".repeat(70_000)), Cause::Unavailable, "what nobody reads to the end"),
            (oci("x has not been granted access to y"), Cause::Unavailable, "the host's words about capabilities in a registry's mouth"),
            ("Fail to interact with OCI registry: Failed to parse manifest: invalid type: string \"manifest unknown\", expected a map".to_owned(), Cause::Unavailable, "words in place of a manifest"),
            (oci("something unheard of"), Cause::Unavailable, "words that nobody knows"),
            (oci("no signatures found for image"), Cause::Unavailable, "the host's words in a registry's mouth"),
            ("Fail to interact with OCI registry: Not authorized: url https://ghcr.io/v2/a/manifests/1".to_owned(), Cause::Unauthorized, "401"),
            (oci("requested access to the resource is denied"), Cause::Unauthorized, "403"),
            (oci("too many requests"), Cause::RateLimited, "429"),
            ("Fail to interact with OCI registry: Server error: url http://r/v2/a/manifests/1, code: 500, message: manifest unknown".to_owned(), Cause::Unavailable, "500"),
            ("Fail to interact with OCI registry: Failed to parse manifest: expected value at line 1 column 1".to_owned(), Cause::Unavailable, "no manifest"),
            ("Policy has not been granted access to the 'oci/v1/oci_manifest' host capability. The violation has been reported.".to_owned(), Cause::Forbidden, "not granted"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(HostError::of_registry(&text).cause, expected, "{why}: {text}");
        }
    }

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
