//! Why did a registry not answer, or not take something, and what helps?

use std::{error::Error as _, fmt};

use image_trust::Digest;
use serde::Deserialize;

use super::Repository;

/// The longest message of a registry that is repeated, in characters.
const MAX_WORDS: usize = 300;
/// Parts of the messages about immutable tags: Harbor and Docker Hub, Amazon ECR, Google Artifact Registry, Azure.
const IMMUTABLE: [&str; 4] = ["immutab", "cannot be overwritten", "cannot update tag", "is disallowed"];

/// A failed read or push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub(super) what: String,
    pub(super) at: Repository,
    pub(super) is_push: bool,
    pub(super) size: Option<usize>,
    /// The cause of the failure.
    pub cause: Cause,
}

/// The cause of a failed read or push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The registry does not answer.
    Unreachable(String),
    /// The registry's token server refuses the login.
    Login {
        /// The server's message.
        words: String,
        /// The user name in the credentials, if there were any.
        user: Option<String>,
    },
    /// The registry answers with an error status.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's message.
        words: String,
        /// The user name in the credentials, if there were any.
        user: Option<String>,
    },
    /// The content has this digest, and not the one that was asked for.
    OtherDigest(Digest),
    /// The content has more bytes than this.
    TooLong(usize),
    /// The list of referrers is not an image index.
    NoIndex,
    /// The registry names no place to upload to.
    NoUpload,
}

/// An error in the specification's form.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<RefusalEntry>,
}

#[derive(Deserialize)]
struct RefusalEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Cause {
    pub(super) fn of(error: &reqwest::Error) -> Cause {
        // The innermost one says most: "connection refused", "invalid peer certificate: UnknownIssuer".
        let mut words = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            words = inner.to_string();
            source = inner.source();
        }
        Cause::Unreachable(if error.is_timeout() { "it took too long".to_owned() } else { words })
    }

    pub(super) fn refused(status: u16, body: &[u8], user: Option<String>) -> Cause {
        let words = match serde_json::from_slice::<Refusal>(body) {
            Ok(Refusal { errors }) if !errors.is_empty() => {
                let told = |entry: &RefusalEntry| match entry.message.is_empty() {
                    true => entry.code.clone(),
                    false => format!("{}: {}", entry.code, entry.message),
                };
                errors.iter().map(told).collect::<Vec<_>>().join("; ")
            }
            _ => String::from_utf8_lossy(body).split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Cause::Refused { status, words: words.chars().take(MAX_WORDS).collect(), user }
    }
}

impl Error {
    /// Whether the registry refused to move an immutable tag.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        let Cause::Refused { status, words, .. } = &self.cause else { return false };
        let words = words.to_lowercase();
        self.is_push && (400..500).contains(status) && IMMUTABLE.iter().any(|part| words.contains(part))
    }

    /// Whether the registry answered with other content than was asked for.
    pub(crate) fn is_wrong_content(&self) -> bool {
        matches!(self.cause, Cause::OtherDigest(_) | Cause::TooLong(_))
    }

    /// Whether the registry refused because of the credentials.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.cause, Cause::Login { .. } | Cause::Refused { status: 401 | 403, .. })
    }

    /// Advice for whoever runs the command, if there is any.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let registry = &self.at.registry;
        let right = if self.is_push { "push to" } else { "pull from" };
        let log_in = |user: &Option<String>| match user {
            Some(user) => format!(
                "the request was made as \"{user}\", with the credentials for {registry} in the Docker configuration; give \"{user}\" the right to {right} {}, or name other credentials with `--docker-config-json-path`{}",
                self.at,
                if self.is_push { ", or push elsewhere with `--to REPOSITORY`" } else { "" }
            ),
            None => format!(
                "the request was made without credentials, because the Docker configuration has none with a password for {registry}: run `docker login {registry}`, or name a configuration with `--docker-config-json-path`"
            ),
        };
        if self.is_immutable() {
            return Some(
                "the tag is immutable, and the evidence has changed: (a) exempt `sha256-*` from the registry's rule for immutable tags, (b) push to a repository with mutable tags with `--to REPOSITORY`, and name it in the settings as `repository`, or (c) collect once only, after everything is signed".to_owned(),
            );
        }
        match &self.cause {
            Cause::Login { user, .. } | Cause::Refused { status: 401 | 403, user, .. } => Some(log_in(user)),
            Cause::Refused { status: 404, .. } if self.is_push => {
                Some(format!("create the repository {} first: this registry does not do so by itself", self.at))
            }
            Cause::Refused { status: 404, .. } => {
                Some("check the name, and that the credentials may see it".to_owned())
            }
            Cause::Refused { status: 413, .. } => Some(format!(
                "the registry, or a proxy before it, takes less than {} in a request: raise its limit (nginx: `client_max_body_size 5m`), or push elsewhere with `--to REPOSITORY`",
                size(self.size.unwrap_or_default())
            )),
            Cause::Refused { status: 429, .. } => Some(format!(
                "{registry} has a limit of requests: try again later, or log in, if the limit is one for anonymous requests"
            )),
            Cause::Refused { status: 500.., .. } => Some(format!("{registry} has a fault: try again later")),
            Cause::Refused { .. } if self.is_push => Some(
                "the registry does not take this kind of artifact: push elsewhere with `--to REPOSITORY`".to_owned(),
            ),
            Cause::Unreachable(words) if words.contains("certificate") => Some(
                "name the registry's certificate authority under `source_authorities` in the file of `--sources-path`"
                    .to_owned(),
            ),
            Cause::Unreachable(_) => Some(format!(
                "check the name and the port; a registry without TLS has to be listed under `insecure_sources` in the file of `--sources-path`: {registry}"
            )),
            Cause::OtherDigest(_) | Cause::TooLong(_) | Cause::NoIndex | Cause::NoUpload | Cause::Refused { .. } => {
                None
            }
        }
    }
}

/// A number of bytes, for people.
fn size(bytes: usize) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes.div_ceil(1_024)),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.is_push { "cannot push" } else { "cannot read" };
        write!(f, "{does} the {} {} {}: ", self.what, if self.is_push { "to" } else { "in" }, self.at)?;
        match &self.cause {
            Cause::Unreachable(words) => write!(f, "{} cannot be reached: {words}", self.at.registry),
            Cause::Login { words, .. } => write!(f, "the login at {} failed: {words}", self.at.registry),
            Cause::Refused { status, words, .. } if words.is_empty() => write!(f, "the registry answered {status}"),
            Cause::Refused { status, words, .. } => write!(f, "the registry answered {status} ({words})"),
            Cause::OtherDigest(digest) => {
                write!(f, "expected content with the digest that was asked for, found {digest}")
            }
            Cause::TooLong(most) => write!(f, "expected at most {}, found more", size(*most)),
            Cause::NoIndex => write!(f, "expected an image index, found something else"),
            Cause::NoUpload => write!(f, "the registry named no place to upload to"),
        }
    }
}

impl std::error::Error for Error {}
