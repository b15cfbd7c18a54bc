//! How does a registry misbehave, and for which requests?

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use oci_spec::distribution::ErrorCode;

use super::answer::{CONTENT_DIGEST, refusal};
use super::route::Route;

/// A way in which the registry misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 401, asking for a password that nobody has.
    Unauthorized,
    /// The registry answers with 403.
    Forbidden,
    /// The registry answers with 404, for something that exists.
    NotFound,
    /// The registry answers with 429.
    TooManyRequests,
    /// The registry answers with 500.
    ServerError,
    /// 401, asking for a token from this address.
    WantsToken(String),
    /// The registry answers with this status and this JSON, as a known registry does.
    Says(u16, &'static str),
    /// The connection ends in the middle of the body.
    CutBody,
    /// The right answer, so much later.
    Late(Duration),
    /// The connection stays open and nothing comes.
    NeverAnswers,
    /// A good answer with this body in place of the one that was asked for; the headers, digest included, still claim
    /// that it is the one.
    OtherBytes(Vec<u8>),
    /// A good answer that calls itself `text/html`.
    WrongContentType,
    /// As with this fault, and no answer says what its digest is: clients then fetch what they would have asked the digest of.
    Undigested(Box<Fault>),
    /// The registry gives the right answer.
    Honest,
    /// The right answer, with this header saying that. A `content-length` is not put right either: what is beyond it is not sent, and where something is
    /// missing the connection ends.
    Header(&'static str, String),
    /// The answer to another question, headers and all: what this tag or digest of the same repository is.
    As(String),
    /// 307: to the same path at this address.
    Redirect(String),
    /// The right answer, and behind it blanks without an end; slowly, so that nobody's memory is full before the registry is dropped. Nothing
    /// that changes bodies goes on top of it: that would wait for the end.
    Endless,
    /// The right answer a byte at a time, each so much later than the one before.
    Drip(Duration),
    /// All of these faults, each on top of those before it.
    All(Vec<Fault>),
    /// For the first request the first of these, for the second the second, and so on; the last one stays.
    InTurn(Vec<Fault>),
}

/// What [`Fault::Endless`] sends at a time, and how long it waits before it sends more.
const BLANKS: [u8; 1_000] = [b' '; 1_000];
const PAUSE: Duration = Duration::from_millis(10);

/// Which requests a fault is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every request there is, the version check too.
    Everywhere,
    /// All requests about this repository.
    Repository(String),
    /// Requests for one manifest, by exactly this tag or digest: a signature can be out of reach while its image isn't.
    Manifest {
        /// The repository of the manifest.
        repository: String,
        /// The tag or digest, as the path has it.
        reference: String,
    },
    /// Requests for one blob.
    Blob {
        /// The repository of the blob.
        repository: String,
        /// The digest of the blob.
        digest: String,
    },
    /// The referrers API, whether there is one or not.
    Referrers,
    /// Requests that may change something: those that push blobs, manifests and tags.
    Writes,
    /// Of those in this scope the ones with this method: what `HEAD` is told can be another thing than what `GET` is.
    Method(&'static str, Box<Scope>),
}

impl Scope {
    pub(super) fn covers(&self, method: &Method, route: &Route<'_>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Repository(name) => route.repository() == Some(name),
            Self::Manifest { repository, reference } => *route == Route::Manifest { repository, reference },
            Self::Blob { repository, digest } => *route == Route::Blob { repository, digest },
            Self::Referrers => matches!(route, Route::Referrers { .. }),
            Self::Writes => ![Method::GET, Method::HEAD].contains(method),
            Self::Method(name, scope) => method == name && scope.covers(method, route),
        }
    }
}

impl Fault {
    /// This fault as it is for a request that so many have met it before.
    pub(super) fn in_turn(&self, before: usize) -> Self {
        match self {
            Self::InTurn(faults) => {
                faults.get(before).or(faults.last()).map_or(Self::Honest, |fault| fault.in_turn(before))
            }
            Self::All(faults) => Self::All(faults.iter().map(|fault| fault.in_turn(before)).collect()),
            Self::Undigested(fault) => Self::Undigested(Box::new(fault.in_turn(before))),
            fault => fault.clone(),
        }
    }

    /// What is looked up in place of the tag or digest that was asked for, if anything.
    pub(super) fn instead(&self) -> Option<&str> {
        match self {
            Self::As(reference) => Some(reference),
            Self::Undigested(fault) => fault.instead(),
            Self::All(faults) => faults.iter().find_map(Self::instead),
            _ => None,
        }
    }

    /// Before the request is looked at: the answer in its place, if this fault has one.
    pub(super) async fn before(&self, path: &str) -> Option<Response> {
        // The words are those of the reference implementation: clients that drop the code show nothing else.
        let (status, code, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, "authentication required"),
            Self::Forbidden => (StatusCode::FORBIDDEN, ErrorCode::Denied, "requested access to the resource is denied"),
            Self::NotFound => (StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown, "manifest unknown"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, "too many requests"),
            Self::WantsToken(_) => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, "authentication required"),
            Self::Says(status, body) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                return Some((status, [(header::CONTENT_TYPE, "application/json")], *body).into_response());
            }
            // The specification has no code for this one.
            Self::ServerError => {
                return Some((StatusCode::INTERNAL_SERVER_ERROR, "told to fail\n").into_response());
            }
            Self::Late(time) => {
                tokio::time::sleep(*time).await;
                return None;
            }
            Self::NeverAnswers => std::future::pending().await,
            Self::Redirect(to) => {
                let location = [(header::LOCATION, format!("{to}{path}"))];
                return Some((StatusCode::TEMPORARY_REDIRECT, location).into_response());
            }
            Self::Undigested(fault) => return Box::pin(fault.before(path)).await,
            Self::All(faults) => {
                for fault in faults {
                    if let Some(instead) = Box::pin(fault.before(path)).await {
                        return Some(instead);
                    }
                }
                return None;
            }
            Self::Honest
            | Self::CutBody
            | Self::OtherBytes(_)
            | Self::WrongContentType
            | Self::Header(..)
            | Self::As(_)
            | Self::Endless
            | Self::Drip(_)
            | Self::InTurn(_) => return None,
        };
        let mut response = refusal(status, code, message);
        let challenge = match self {
            Self::Unauthorized => Some("Basic realm=\"loopback\"".to_owned()),
            Self::WantsToken(realm) => Some(format!("Bearer realm=\"{realm}\",service=\"loopback\"")),
            _ => None,
        };
        if let Some(challenge) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        Some(response)
    }

    /// After the request was answered: what is sent in place of that answer.
    pub(super) async fn after(self, response: Response) -> Response {
        match self {
            Self::CutBody => cut(response).await,
            Self::OtherBytes(bytes) if response.status().is_success() => {
                let (mut parts, _) = response.into_parts();
                parts.headers.remove(header::CONTENT_LENGTH);
                Response::from_parts(parts, Body::from(bytes))
            }
            Self::WrongContentType => says(response, header::CONTENT_TYPE, "text/html").await,
            Self::Header(name, value) => says(response, HeaderName::from_static(name), &value).await,
            Self::Endless => {
                let more = stream::repeat(Bytes::from_static(&BLANKS)).then(async |blanks| {
                    tokio::time::sleep(PAUSE).await;
                    blanks
                });
                flowing(response, |bytes| stream::iter([bytes]).chain(more)).await
            }
            Self::Drip(pause) => {
                let one_by_one = |bytes: Bytes| {
                    let drops = (0..bytes.len()).map(move |n| bytes.slice(n..=n));
                    stream::iter(drops).then(move |drop| async move {
                        tokio::time::sleep(pause).await;
                        drop
                    })
                };
                flowing(response, one_by_one).await
            }
            Self::Undigested(fault) => {
                let mut response = Box::pin(fault.after(response)).await;
                response.headers_mut().remove(CONTENT_DIGEST);
                response
            }
            Self::All(faults) => {
                let mut response = response;
                for fault in faults {
                    response = Box::pin(fault.after(response)).await;
                }
                response
            }
            _ => response,
        }
    }
}

/// The same response, with another value in this header.
async fn says(response: Response, name: HeaderName, value: &str) -> Response {
    let Ok(value) = HeaderValue::from_str(value) else {
        return response;
    };
    let mut response = match name {
        // A body of a known length would have it announced.
        header::CONTENT_LENGTH => flowing(response, |bytes| stream::iter([bytes]).chain(nothing_more())).await,
        _ => response,
    };
    response.headers_mut().insert(name, value);
    response
}

/// The same answer, of no length that is known before, in the chunks that `chunked` makes of it.
async fn flowing<S>(response: Response, chunked: impl FnOnce(Bytes) -> S) -> Response
where
    S: stream::Stream<Item = Bytes> + Send + 'static,
{
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let chunks = chunked(all_of(body).await);
    Response::from_parts(parts, Body::from_stream(chunks.map(Ok::<_, std::convert::Infallible>)))
}

/// Ends a stream one turn later than it would: by then the server has sent what came before, and not kept it back to send nothing at all.
fn nothing_more() -> impl stream::Stream<Item = Bytes> + Send {
    stream::once(async {
        tokio::task::yield_now().await;
        Bytes::new()
    })
}

/// Ours are in memory and bounded already.
async fn all_of(body: Body) -> Bytes {
    to_bytes(body, usize::MAX).await.unwrap_or_default()
}

/// Announces the whole body, sends the first half of it, and so makes the server close the connection.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = all_of(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    // A stream has no length of its own, which the server would announce in place of ours.
    let half = stream::iter([Ok(bytes.slice(..bytes.len() / 2))]);
    let end = nothing_more().map(|_| Err(std::io::Error::other("told to cut the body")));
    Response::from_parts(parts, Body::from_stream(half.chain(end)))
}
