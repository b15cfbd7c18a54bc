//! What does a text of the host mean?
//!
//! Errors of the host have no code. They are the texts of its libraries, and most of them quote a registry. So the form of a text is read first
//! ([`Said`]): its earliest marker says who speaks, because only the names of images stand before it, and no marker fits into a name. Then the quoted part is read,
//! where the registry's status is known by that, and by its words where it is not. What is not known is never taken for "not there".
//!
//! `tests/words.json` has texts that the real library made of many registries' answers, and `crates/host/tests/live/registries.rs` makes them.

use serde_json::value::RawValue;

use super::Cause;
use crate::json::{entries, members};

/// Most bytes of an error that are read: a registry may answer with megabytes.
const MAX_TEXT: usize = 65_536;

/// As much of an error as is read.
pub(super) fn beginning(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default()
}

/// The meaning of a verification that failed.
pub(super) fn of_verification(text: &str) -> Cause {
    match Said::read(text) {
        Said::Host => first(&[&PERMISSION, &SIGNATURES], text).unwrap_or(Cause::Unavailable),
        said => said.cause(),
    }
}

/// The meaning of a request to a registry that failed.
pub(super) fn of_registry(text: &str) -> Cause {
    match Said::read(text) {
        Said::Host => first(&[&PERMISSION], text).unwrap_or(Cause::Unavailable),
        said => said.cause(),
    }
}

/// The meaning of a request to the cluster that failed. No name of an object can hold such a phrase.
pub(super) fn of_cluster(text: &str) -> Cause {
    first(&[&PERMISSION, &ACCESS], text).unwrap_or(Cause::Unavailable)
}

/// Who said what (oci-client 0.17, `OciDistributionError`, and reqwest 0.13).
#[derive(Debug, PartialEq, Eq)]
enum Said<'t> {
    /// The registry, with HTTP 4xx and codes of the OCI distribution specification ("Error Codes"). Only the messages of such an answer are passed on.
    Messages(&'t str),
    /// The registry, with this HTTP status and body.
    Status(u16, &'t str),
    /// Nobody: this is why there was no answer.
    NoAnswer(&'t str),
    /// The registry, and its answer could not be read.
    Unreadable,
    /// The host itself.
    Host,
}

/// Makes of the text behind a marker what it says.
type Read = fn(&str) -> Said<'_>;

/// What stands before the words of others, and how they are read.
const MARKERS: [(&str, Read); 25] = [
    ("OCI API error: ", |text| Said::Messages(text)),
    ("OCI API errors: [", |text| Said::Messages(text)),
    ("Server error: url ", status),
    ("Server error: ", |_| Said::Unreadable),
    ("HTTP status client error (", |text| Said::Status(number(text), text)),
    ("HTTP status server error (", |text| Said::Status(number(text), text)),
    ("Not authorized: url ", |_| Said::Status(401, "")),
    ("Authentication failure: ", |_| Said::Status(401, "")),
    ("error sending request", |text| Said::NoAnswer(text)),
    ("error following redirect", |_| Said::Unreadable),
    ("Failed to decode registry token: ", |_| Said::Unreadable),
    ("Failed to convert Config", |_| Said::Unreadable),
    ("Incompatible layer media type: ", |_| Said::Unreadable),
    ("Unsupported media type: ", |_| Said::Unreadable),
    ("Unsupported schema version: ", |_| Said::Unreadable),
    ("Unsupported digest algorithm: ", |_| Said::Unreadable),
    ("Digest error: ", |_| Said::Unreadable),
    ("Generic error: ", |_| Said::Unreadable),
    ("Image manifest not found: ", |_| Said::Messages("not found")),
    ("OCI distribution spec violation: ", |_| Said::Unreadable),
    ("Error parsing Url ", |_| Said::Unreadable),
    ("Failed to parse manifest", |_| Said::Unreadable),
    ("unknown variant `", |_| Said::Unreadable),
    ("invalid type: ", |_| Said::Unreadable),
    ("error decoding response body", |_| Said::Unreadable),
];

/// Stands before what else went wrong, in the text of an error that has causes.
const CAUSES: &str = "\n\nCaused by:";

/// Stands before the host's own functions, which say nothing, where the host runs with `RUST_BACKTRACE`.
const BACKTRACE: &str = "\n\nStack backtrace:";

impl<'t> Said<'t> {
    fn read(text: &'t str) -> Said<'t> {
        let text = text.split(BACKTRACE).next().unwrap_or_default();
        let found = MARKERS.iter().filter_map(|(marker, read)| Some((text.split_once(marker)?, read)));
        let earliest = found.min_by_key(|((before, _), _)| before.len());
        earliest.map_or(Said::Host, |((_, after), read)| read(after))
    }

    fn cause(&self) -> Cause {
        match self {
            Said::Messages(text) => of_messages(text),
            Said::Status(status, body) => of_status(*status, body),
            Said::NoAnswer(why) => {
                // The address, which an image names, could hold any word.
                let causes: Vec<&str> = why.lines().skip(1).filter(|line| !line.contains(" for url (")).collect();
                first(&[&TRANSPORT], &causes.join("\n")).unwrap_or(Cause::Unreachable)
            }
            Said::Unreadable => Cause::UnusableAnswer,
            Said::Host => Cause::Unavailable,
        }
    }
}

/// Reads `<URL>, code: <status>, message: <body>`. No address holds such a phrase.
fn status(text: &str) -> Said<'_> {
    let parts = text.split_once(", code: ").and_then(|(_, rest)| rest.split_once(", message: "));
    parts.map_or(Said::Unreadable, |(code, body)| Said::Status(number(code), body))
}

/// The number that a text begins with; zero, if there is none.
fn number(text: &str) -> u16 {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}

fn of_messages(text: &str) -> Cause {
    let quoted = text.split(CAUSES).next().unwrap_or_default().trim_end();
    let quoted = quoted.strip_suffix(']').unwrap_or(quoted).to_lowercase();
    let messages: Vec<&str> =
        quoted.split("oci api error: ").map(str::trim).filter(|message| !message.is_empty()).collect();
    let bare =
        |message: &str| BARE.iter().find(|(word, _)| *word == message.trim_end_matches('.')).map(|(_, cause)| *cause);
    let causes =
        messages.iter().map(|message| first(&[&REGISTRY], message).or(bare(message)).unwrap_or(Cause::UnknownError));
    // One message that says more than "not there" is enough: what is not there is the last thing to believe.
    match causes.min_by_key(|cause| *cause == Cause::NotFound) {
        None => Cause::Wordless,
        Some(cause) => cause,
    }
}

fn of_status(status: u16, body: &str) -> Cause {
    let body = body.split(CAUSES).next().unwrap_or_default();
    let words = body.to_lowercase();
    let said = first(&[&REGISTRY], &words);
    match (status, said) {
        // A cache says so of the registry behind it, with a status of its own.
        (429, _) | (400.., Some(Cause::RateLimited)) => Cause::RateLimited,
        (500.., _) | (400.., Some(Cause::ServerError)) => Cause::ServerError,
        (401, _) => Cause::Unauthorized,
        (451, _) | (400.., Some(Cause::Blocked)) => Cause::Blocked,
        (403, _) => Cause::Unauthorized,
        (404, None | Some(Cause::NotFound)) if lists_errors(body) => Cause::NotFound,
        (404 | 410, None) if body.trim().is_empty() => Cause::Wordless,
        // What answers a request for a manifest like this may be no registry at all.
        (404 | 410, None) => Cause::UnknownError,
        (400.., Some(cause)) if lists_errors(body) => cause,
        _ => Cause::UnknownError,
    }
}

/// Is this an error answer in the form of the specification, perhaps with codes that it does not have?
fn lists_errors(body: &str) -> bool {
    let json = serde_json::Deserializer::from_str(body).into_iter::<&RawValue>().next();
    let errors = json.and_then(Result::ok).and_then(|json| members(json, ["errors"]).ok());
    let errors = errors.and_then(|[errors]| entries(errors?).ok());
    errors.is_some_and(|errors| errors.iter().any(|error| error.get().starts_with('{')))
}

/// What a phrase means.
type Row<'a> = (&'a [&'a str], Cause);

/// The meaning of the first phrase that `text` holds.
fn first(tables: &[&[Row<'_>]], text: &str) -> Option<Cause> {
    let said = |(phrases, _): &&Row<'_>| phrases.iter().any(|phrase| text.contains(phrase));
    tables.iter().copied().flatten().find(said).map(|(_, cause)| *cause)
}

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

/// Why there was no answer, in the words of rustls, hyper and the system.
const TRANSPORT: [Row<'_>; 7] = [
    (&["dns error", "invalid dns name"], Cause::Unresolved),
    (&["Connection refused"], Cause::Refused),
    (&["InvalidContentType"], Cause::NoTls),
    (
        // The second one is by an authority of the same name with another key.
        &["invalid peer certificate: UnknownIssuer", "invalid peer certificate: BadSignature"],
        Cause::UnknownAuthority,
    ),
    (
        &["invalid peer certificate: certificate expired", "invalid peer certificate: certificate not valid yet"],
        Cause::ExpiredCertificate,
    ),
    (&["invalid peer certificate: certificate not valid for name"], Cause::CertificateName),
    (&["invalid peer certificate"], Cause::Certificate),
];

/// What registries say, each in its own way, in lower case. Where the status is not known, this is all that tells one error from another; so phrases have
/// a space in them, which no image has.
const REGISTRY: [Row<'_>; 6] = [
    // A cache, of the registry behind it.
    (
        &["dial tcp", "no such host", "i/o timeout", "dns lookup", "connection refused", "upstream registry host"],
        Cause::UnknownError,
    ),
    (&["remote auto blocked", "remote manually blocked"], Cause::ServerError),
    (
        &[
            "too many request",
            "rate limit",
            "rate exceeded",
            "request limit",
            "limit exceeded",
            "quota exceeded",
            "toomanyrequests: ",
        ],
        Cause::RateLimited,
    ),
    (
        &[
            "configured policy",
            "blocking policy",
            "security policy",
            "due to policy",
            "due to a policy",
            "by policy",
            "violates policy",
            "policy violation",
            "\"projectpolicyviolation\"",
            "not allowed access",
            "is quarantined",
            "in quarantine",
            "is not signed",
            "not been scanned",
            "not scanned",
            "no scan report",
            "configured in xray",
            "blocked by jfrog",
            "policies violated",
            "namespace is disabled",
            "geo-ip blocked",
            "request is blocked",
            "operation is disallowed",
            "export control",
        ],
        Cause::Blocked,
    ),
    (
        &[
            "authentication required",
            "authentication failed",
            "authorization token has expired",
            "authorization failed",
            "authorization required",
            "authorization token is invalid",
            "authorize header needed",
            "not authenticated",
            "be authenticated",
            "token exchange failed",
            "valid credential",
            "credential was supplied",
            "credentials are invalid",
            "username or password",
            "please login",
            "access denied",
            "access is denied",
            "resource is denied",
            "denied on resource",
            "permission denied",
            "not have permission",
            "no permission",
            "insufficient permission",
            "insufficient scope",
            "permission to ",
            "not authorized",
            "is unauthorized",
            "unauthorized to ",
            "unauthorized access",
            "unauthenticated request",
            "invalid credentials",
            "bad credentials",
            "no basic auth credentials",
            "login required",
            "need to login",
            "is forbidden",
            "access forbidden",
            "not allowed to access",
            "not allowed to pull",
            "account not found",
            "user not found",
            "session not found",
            "token not found",
            "not found or expired",
            "have no access",
            "no such license",
            "subscription was",
            "billing ",
        ],
        Cause::Unauthorized,
    ),
    (
        &[
            "manifest unknown",
            "unknown manifest",
            "name unknown",
            "repository unknown",
            "unknown repository",
            "unknown image",
            "unknown tag",
            "blob unknown",
            "unknown blob",
            "unknown to registry",
            " not found",
            "not be found",
            "not known",
            "no such ",
            "does not exist",
            "doesn't exist",
            "do not exist",
            "failed to fetch \"",
            "failed to compute blob liveness",
            "tag has expired",
            "was deleted or has expired",
        ],
        Cause::NotFound,
    ),
];

/// Messages of one word: as a part of a longer one, they could be the name of an image.
const BARE: [(&str, Cause); 5] = [
    ("denied", Cause::Unauthorized),
    ("unauthorized", Cause::Unauthorized),
    ("forbidden", Cause::Unauthorized),
    ("unauthenticated", Cause::Unauthorized),
    ("not found", Cause::NotFound),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Texts that the real library made of registries' answers.
    #[test]
    fn texts_of_the_real_library() {
        type Rows = Vec<BTreeMap<String, String>>;
        let rows: Rows = serde_json::from_str(include_str!("../../tests/words.json")).unwrap();
        assert!(rows.len() > 100, "they are there");
        for row in &rows {
            let (text, cause) = (&row["text"], &row["cause"]);
            for came in [of_registry(text), of_verification(text)] {
                assert_eq!(came.word(), cause, "{row:?}");
            }
        }
    }

    #[test]
    fn texts_of_the_host_about_signatures() {
        let layers = "failed to get image trusted layers: ";
        let rows = [
            ("Image verification failed: no signatures found for image: ghcr.io/a:1 ".to_owned(), Cause::Unsigned, "nothing there"),
            ("Image verification failed: missing signatures\nThe following constraints were not satisfied:\nkind: pubKey".to_owned(), Cause::Mismatch, "another key"),
            (format!("{layers}No Signature Layer passed verification"), Cause::Elsewhere, "copied from another image"),
            (format!("{layers}Incompatible layer media type: x: {}", SIGNATURES[1].0[0]), Cause::UnusableAnswer, "the host's words for a layer's type"),
            (format!("{layers}Digest error: Unsupported digest algorithm: {}", PERMISSION[0].0[0]), Cause::UnusableAnswer, "and for a digest's algorithm"),
            (format!("{layers}Authentication failure: no signatures found for image"), Cause::Unauthorized, "and in the mouth of who gives out tokens"),
            (format!("{layers}Failed to parse manifest: invalid type: string \"manifest unknown\", expected a map"), Cause::UnusableAnswer, "words in place of a manifest"),
            (format!("{layers}HTTP status client error (401 Unauthorized) for url (https://ghcr.io/v2/a/blobs/sha256:1)"), Cause::Unauthorized, "401 for a payload"),
            (format!("{layers}HTTP status server error (502 Bad Gateway) for url (https://ghcr.io/v2/a/blobs/sha256:1)"), Cause::ServerError, "502 for a payload"),
            ("Policy has not been granted access to the 'oci/v2/verify' host capability. The violation has been reported.".to_owned(), Cause::Forbidden, "not granted"),
            (format!("{layers}OCI API errors: [OCI API error: ]\n\nStack backtrace:\n   0: a::b is not found"), Cause::Wordless, "a host with backtraces"),
            ("Error obtaining response over callback channel".to_owned(), Cause::Unavailable, "a task of the host that panicked"),
            ("manifest-unknown/not-found:429".to_owned(), Cause::Unavailable, "an image whose name reads like an error"),
            (format!("{} no signatures found for image", "x".repeat(70_000)), Cause::Unavailable, "what nobody reads to the end"),
            (String::new(), Cause::Unavailable, "no words at all"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(of_verification(beginning(&text)), expected, "{why}: {text}");
        }
    }

    /// What is not there is the last thing to believe of an answer.
    #[test]
    fn not_found_is_not_always_about_the_image() {
        let url = "Registry error: url https://r.example/v2/app/manifests/1, envelope: OCI API errors: [";
        let messages = |messages: &[&str]| {
            let messages: Vec<String> = messages.iter().map(|message| format!("OCI API error: {message}")).collect();
            format!("{url}{}]", messages.join("\n"))
        };
        let status = |code: u16, body: &str| {
            format!("Server error: url https://r.example/v2/app/manifests/1, code: {code}, message: {body}")
        };
        let rows = [
            (messages(&["robot account not found"]), Cause::Unauthorized, "whose account"),
            (messages(&["session not found or expired"]), Cause::Unauthorized, "a login"),
            (messages(&["repository does not exist or you have no access"]), Cause::Unauthorized, "either"),
            (messages(&["denied", "manifest unknown"]), Cause::Unauthorized, "both"),
            (messages(&["", "manifest unknown"]), Cause::NotFound, "one of them without words"),
            (messages(&["dial tcp: lookup r.example on 10.0.0.10:53: no such host"]), Cause::UnknownError, "a cache's upstream"),
            (status(404, r#"{"errors":[{"status":404,"message":"You do not have permission to read"}]}"#), Cause::Unauthorized, "404 in place of 403"),
            (status(404, r#"{"errors":[{"code":"X","message":"access denied: token expired"}]}"#), Cause::Unauthorized, "the same"),
            (status(410, r#"{"errors":[{"code":"GONE","message":"service shutting down"}]}"#), Cause::UnknownError, "410"),
            ("Unsupported schema version: 1".to_owned(), Cause::UnusableAnswer, "an old manifest"),
            ("error sending request for url (https://r.example/v2/a/manifests/InvalidContentType)\n\nCaused by:\n    0: error sending request for url (https://r.example/v2/a/manifests/InvalidContentType)\n    1: connection reset".to_owned(), Cause::Unreachable, "a tag like a cause"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(of_registry(&text), expected, "{why}: {text}");
        }
    }

    #[test]
    fn no_image_can_hold_a_phrase() {
        let tables = [PERMISSION.as_slice(), &ACCESS, &SIGNATURES, &REGISTRY];
        let phrases = tables.into_iter().flatten().flat_map(|(phrases, _)| *phrases);
        let unnamable = |phrase: &&&str| phrase.contains(' ') || phrase.contains('"');
        assert_eq!(phrases.filter(|phrase| !unnamable(phrase)).count(), 0);
        assert!(MARKERS.iter().all(|(marker, _)| marker.contains(' ')));
        assert!(REGISTRY.iter().all(|(phrases, _)| phrases.iter().all(|phrase| *phrase == phrase.to_lowercase())));
    }
}
