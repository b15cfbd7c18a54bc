//! How does a registry misbehave, and for which requests?

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use oci_spec::distribution::ErrorCode;

use super::answer::{CONTENT_DIGEST, refusal};
use super::route::Route;

/// One way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 401, asking for a password that nobody has.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404, for what is there.
    NotFound,
    /// 429.
    TooManyRequests,
    /// 500.
    ServerError,
    /// 401, asking for a token from this address.
    WantsToken(String),
    /// This status, with this JSON for a body: what a registry in particular says.
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
}

/// Which requests a fault is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every request there is, the version check too.
    Everywhere,
    /// Everything about this repository.
    Repository(String),
    /// Requests for one manifest, by exactly this tag or digest: a signature can be out of reach while its image isn't.
    Manifest {
        /// The repository.
        repository: String,
        /// The tag or digest, as the path has it.
        reference: String,
    },
}

impl Scope {
    pub(super) fn covers(&self, route: &Route<'_>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Repository(name) => route.repository() == Some(name),
            Self::Manifest { repository, reference } => *route == Route::Manifest { repository, reference },
        }
    }
}

impl Fault {
    /// Before the request is looked at: the answer in its place, if this fault has one.
    pub(super) async fn before(&self) -> Option<Response> {
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
            Self::Undigested(fault) => return Box::pin(fault.before()).await,
            Self::CutBody | Self::OtherBytes(_) | Self::WrongContentType => return None,
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
            Self::WrongContentType => {
                let mut response = response;
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                response
            }
            Self::Undigested(fault) => {
                let mut response = Box::pin(fault.after(response)).await;
                response.headers_mut().remove(CONTENT_DIGEST);
                response
            }
            _ => response,
        }
    }
}

/// Announces the whole body, sends the first half of it, and so makes the server close the connection.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // Ours are in memory and bounded already.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    // A stream has no length of its own, which the server would announce in place of ours. It ends one turn after its
    // only chunk: by then the server has sent that one, and not kept it back to send nothing at all.
    let half = stream::iter([Ok(bytes.slice(..bytes.len() / 2))]);
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("told to cut the body"))
    });
    Response::from_parts(parts, Body::from_stream(half.chain(end)))
}
