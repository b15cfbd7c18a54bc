//! What does the registry answer to a request?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use oci_spec::distribution::ErrorCode;
use serde::Serialize;
use serde_json::json;

use super::login::{self, Account, Login};
use super::route::Route;
use super::store::Store;
use super::{Fault, Request, Scope, referrers, upload};

/// The size of manifests that registries have to accept, by the specification.
const MAX_MANIFEST: usize = 4 << 20;
/// The limit for a blob, because everything is in memory and tests push little.
pub(super) const MAX_BLOB: usize = 64 << 20;

pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";

/// A fault that the registry was told of.
pub(super) struct Told {
    pub(super) scope: Scope,
    pub(super) fault: Fault,
    /// The number of requests that have met the fault.
    pub(super) met: usize,
}

/// The features that a test switches on.
#[derive(Clone, Default)]
pub(super) struct Habits {
    /// The number of entries on a page of the referrers API, if the registry has it.
    pub(super) referrers: Option<usize>,
    /// Whether tags are immutable.
    pub(super) keeps_tags: bool,
    /// The login and the accounts, if a login is required.
    pub(super) login: Option<(Login, Vec<Account>)>,
}

/// The state that the server and the owner of the [`super::Registry`] share.
#[derive(Default)]
pub(super) struct Shared {
    store: Mutex<Store>,
    faults: Mutex<Vec<Told>>,
    requests: Mutex<Vec<Request>>,
    habits: Mutex<Habits>,
}

impl Shared {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<Told>> {
        lock(&self.faults)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        lock(&self.requests)
    }

    pub(super) fn habits(&self) -> MutexGuard<'_, Habits> {
        lock(&self.habits)
    }

    fn fault_for(&self, method: &Method, route: &Route<'_>) -> Fault {
        let mut faults = self.faults();
        let told = faults.iter_mut().rev().find(|told| told.scope.covers(method, route));
        told.map_or(Fault::Honest, |told| {
            told.met += 1;
            told.fault.in_turn(told.met - 1)
        })
    }
}

/// A panicking request must not take the whole registry with it: every change leaves the store whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One handler for every path: routers cannot express a repository of many components in the middle.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    shared.requests().push(Request { method: parts.method.to_string(), path: path.to_owned() });
    let route = Route::parse(path);
    let fault = shared.fault_for(&parts.method, &route);
    let habits = shared.habits().clone();
    let response = match fault.before(path).await.or_else(|| login::answer(&habits, &parts, &route)) {
        Some(instead) => instead,
        None => {
            let limit = if matches!(route, Route::Manifest { .. }) { MAX_MANIFEST } else { MAX_BLOB };
            let route = match (route, fault.instead()) {
                (Route::Manifest { repository, .. }, Some(reference)) => Route::Manifest { repository, reference },
                (route, _) => route,
            };
            match to_bytes(body, limit).await {
                Ok(body) => serve(&mut shared.store(), &habits, &parts, route, &body),
                Err(_) => {
                    refusal(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, "larger than this registry takes")
                }
            }
        }
    };
    fault.after(response).await
}

fn serve(store: &mut Store, habits: &Habits, parts: &Parts, route: Route<'_>, body: &Bytes) -> Response {
    match (&parts.method, route) {
        (&Method::GET | &Method::HEAD, Route::Base) => {
            ([("docker-distribution-api-version", "registry/2.0")], json_body(json!({}))).into_response()
        }
        (&Method::GET | &Method::HEAD, Route::Manifest { repository, reference }) => {
            match store.manifest(repository, reference) {
                Some(manifest) => content(&manifest.media_type, &manifest.digest, manifest.bytes.clone()),
                None => not_here(store, repository, ErrorCode::ManifestUnknown, "manifest unknown"),
            }
        }
        (&Method::PUT, Route::Manifest { repository, reference }) => {
            put_manifest(store, habits, parts, repository, reference, body)
        }
        (&Method::GET | &Method::HEAD, Route::Blob { repository, digest }) => match store.blob(repository, digest) {
            Some(bytes) => content("application/octet-stream", digest, bytes.clone()),
            None => not_here(store, repository, ErrorCode::BlobUnknown, "blob unknown to registry"),
        },
        (&Method::POST, Route::Uploads { repository }) => upload::begin(store, parts, repository, body),
        (&Method::PATCH, Route::Upload { repository, id }) => upload::extend(store, parts, repository, id, body),
        (&Method::PUT, Route::Upload { repository, id }) => upload::finish(store, parts, repository, id, body),
        (&Method::GET, Route::Upload { repository, id }) => upload::progress(store, repository, id),
        (&Method::GET, Route::Tags { repository }) => match store.tags(repository) {
            Some(tags) => json_body(json!({"name": repository, "tags": tags})),
            None => not_here(store, repository, ErrorCode::NameUnknown, "repository name not known to registry"),
        },
        (&Method::GET, Route::Referrers { repository, digest }) if let Some(page) = habits.referrers => {
            referrers::list(store, parts, page, repository, digest)
        }
        (&Method::GET, Route::TrustData { repository, file }) => match store.trust_data(repository, file) {
            Some(bytes) => json_bytes(bytes.clone()),
            None => {
                refusal(StatusCode::NOT_FOUND, "METADATA_NOT_FOUND", "You have requested metadata that does not exist.")
            }
        },
        // As docker-registry 2.8 answers to the referrers API: not in the specification's own words.
        (_, Route::Unknown | Route::Referrers { .. }) => {
            (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
        }
        _ => refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Unsupported,
            "this registry is for pushing and pulling only",
        ),
    }
}

fn put_manifest(
    store: &mut Store,
    habits: &Habits,
    parts: &Parts,
    repository: &str,
    reference: &str,
    bytes: &Bytes,
) -> Response {
    let Some(media_type) = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return refusal(StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid, "a manifest needs a Content-Type");
    };
    // A colon can't be in a tag.
    let is_digest = reference.contains(':');
    if is_digest && super::digest_of(bytes) != reference {
        return refusal(StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid, "the manifest has another digest");
    }
    let other = store.manifest(repository, reference).filter(|there| there.digest != super::digest_of(bytes));
    if habits.keeps_tags && other.is_some() {
        let words = format!(
            "The image tag '{reference}' already exists in the '{repository}' repository and cannot be overwritten because the tag is immutable."
        );
        return refusal(StatusCode::BAD_REQUEST, "TAG_INVALID", &words);
    }
    let digest = store.put_manifest(repository, (!is_digest).then_some(reference), media_type, bytes.clone());
    let mut response = created(&format!("/v2/{repository}/manifests/{digest}"), &digest);
    // This header tells a client that it need not maintain a list of referrers itself.
    let subject = habits.referrers.and_then(|_| referrers::subject(bytes));
    if let Some(subject) = subject.and_then(|subject| HeaderValue::from_str(&subject).ok()) {
        response.headers_mut().insert("oci-subject", subject);
    }
    response
}

fn content(media_type: &str, digest: &str, bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE.as_str(), media_type), (CONTENT_DIGEST, digest)], Body::from(bytes)).into_response()
}

pub(super) fn created(location: &str, digest: &str) -> Response {
    (StatusCode::CREATED, [(header::LOCATION.as_str(), location), (CONTENT_DIGEST, digest)]).into_response()
}

/// In the words of the reference implementation, by which clients know it.
fn not_here(store: &Store, repository: &str, code: ErrorCode, message: &str) -> Response {
    if store.holds_repository(repository) {
        refusal(StatusCode::NOT_FOUND, code, message)
    } else {
        refusal(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, "repository name not known to registry")
    }
}

/// An error in the specification's form.
pub(super) fn refusal(status: StatusCode, code: impl Serialize, message: &str) -> Response {
    (status, json_body(json!({"errors": [{"code": code, "message": message}]}))).into_response()
}

fn json_bytes(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

pub(super) fn json_body(value: serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
