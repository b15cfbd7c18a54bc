//! What does the registry answer to a request?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use oci_spec::distribution::ErrorCode;
use serde::Deserialize;
use serde_json::json;

use super::route::Route;
use super::store::{Store, UploadError};
use super::{Fault, Request, Scope};

/// What the specification obliges registries to take as a manifest.
const MAX_MANIFEST: usize = 4 << 20;
/// Everything is held in memory, and what tests push is tiny.
const MAX_BLOB: usize = 64 << 20;

const CONTENT_DIGEST: &str = "docker-content-digest";

/// What the server and the owner of the [`super::Registry`] both see.
#[derive(Default)]
pub(super) struct Shared {
    store: Mutex<Store>,
    faults: Mutex<Vec<(Scope, Fault)>>,
    requests: Mutex<Vec<Request>>,
}

impl Shared {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<(Scope, Fault)>> {
        lock(&self.faults)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        lock(&self.requests)
    }

    fn fault_for(&self, route: &Route<'_>) -> Option<Fault> {
        let faults = self.faults();
        faults
            .iter()
            .rev()
            .find(|(scope, _)| scope.covers(route))
            .map(|(_, fault)| fault.clone())
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
    shared.requests().push(Request {
        method: parts.method.to_string(),
        path: path.to_owned(),
    });
    let route = Route::parse(path);
    let fault = shared.fault_for(&route);
    if let Some(fault) = &fault
        && let Some(instead) = fault.before().await
    {
        return instead;
    }
    let limit = if matches!(route, Route::Manifest { .. }) {
        MAX_MANIFEST
    } else {
        MAX_BLOB
    };
    let response = match to_bytes(body, limit).await {
        Ok(body) => serve(
            &shared,
            &parts.method,
            &parts.uri,
            &parts.headers,
            route,
            body,
        ),
        Err(_) => refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::SizeInvalid,
            "larger than this registry takes",
        ),
    };
    match fault {
        Some(fault) => fault.after(response).await,
        None => response,
    }
}

/// What the uploads' queries may say.
#[derive(Default, Deserialize)]
struct Asked {
    digest: Option<String>,
    mount: Option<String>,
    from: Option<String>,
}

fn serve(
    shared: &Shared,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    route: Route<'_>,
    body: Bytes,
) -> Response {
    let mut store = shared.store();
    let asked = Query::try_from_uri(uri)
        .map(|Query(asked)| asked)
        .unwrap_or_else(|_| Asked::default());
    match (method, route) {
        (&Method::GET | &Method::HEAD, Route::Base) => (
            [("docker-distribution-api-version", "registry/2.0")],
            json_body(json!({})),
        )
            .into_response(),
        (
            &Method::GET | &Method::HEAD,
            Route::Manifest {
                repository,
                reference,
            },
        ) => match store.manifest(repository, reference) {
            Some(manifest) => content(
                &manifest.media_type,
                &manifest.digest,
                manifest.bytes.clone(),
            ),
            None => not_here(&store, repository, ErrorCode::ManifestUnknown, reference),
        },
        (
            &Method::PUT,
            Route::Manifest {
                repository,
                reference,
            },
        ) => put_manifest(&mut store, headers, repository, reference, body),
        (&Method::GET | &Method::HEAD, Route::Blob { repository, digest }) => {
            match store.blob(repository, digest) {
                Some(bytes) => content("application/octet-stream", digest, bytes.clone()),
                None => not_here(&store, repository, ErrorCode::BlobUnknown, digest),
            }
        }
        (&Method::POST, Route::Uploads { repository }) => {
            post_upload(&mut store, repository, asked, body)
        }
        (&Method::PATCH, Route::Upload { repository, id }) => {
            match store.append(id, range_start(headers), &body, MAX_BLOB) {
                Ok(length) => upload_under_way(StatusCode::ACCEPTED, repository, id, length),
                Err(error) => upload_refused(error),
            }
        }
        (&Method::PUT, Route::Upload { repository, id }) => {
            put_upload(&mut store, headers, repository, id, asked, &body)
        }
        (&Method::GET, Route::Upload { repository, id }) => match store.uploaded(id) {
            Some(length) => upload_under_way(StatusCode::NO_CONTENT, repository, id, length),
            None => upload_refused(UploadError::Unknown),
        },
        (&Method::GET, Route::Tags { repository }) => match store.tags(repository) {
            Some(tags) => json_body(json!({"name": repository, "tags": tags})),
            None => not_here(&store, repository, ErrorCode::NameUnknown, "tags"),
        },
        // As docker-registry 2.8 answers to the referrers API: not in the specification's own words.
        (_, Route::Unknown) => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        _ => refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Unsupported,
            "this registry is for pushing and pulling only",
        ),
    }
}

fn put_manifest(
    store: &mut Store,
    headers: &HeaderMap,
    repository: &str,
    reference: &str,
    bytes: Bytes,
) -> Response {
    let Some(media_type) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return refusal(
            StatusCode::BAD_REQUEST,
            ErrorCode::ManifestInvalid,
            "a manifest needs a Content-Type",
        );
    };
    // A colon can't be in a tag.
    let is_digest = reference.contains(':');
    if is_digest && super::digest_of(&bytes) != reference {
        return refusal(
            StatusCode::BAD_REQUEST,
            ErrorCode::DigestInvalid,
            "the manifest has another digest",
        );
    }
    let digest = store.put_manifest(
        repository,
        (!is_digest).then_some(reference),
        media_type,
        bytes,
    );
    created(&format!("/v2/{repository}/manifests/{digest}"), &digest)
}

/// A blob of another repository, a blob in one request, or the beginning of an upload.
fn post_upload(store: &mut Store, repository: &str, asked: Asked, body: Bytes) -> Response {
    if let (Some(digest), Some(from)) = (&asked.mount, &asked.from)
        && let Some(bytes) = store.blob(from, digest).cloned()
    {
        store.put_blob(repository, bytes);
        return created(&format!("/v2/{repository}/blobs/{digest}"), digest);
    }
    let id = store.begin_upload();
    match asked.digest {
        Some(_) => put_upload(store, &HeaderMap::new(), repository, &id, asked, &body),
        None => upload_under_way(StatusCode::ACCEPTED, repository, &id, 0),
    }
}

fn put_upload(
    store: &mut Store,
    headers: &HeaderMap,
    repository: &str,
    id: &str,
    asked: Asked,
    last_chunk: &[u8],
) -> Response {
    let Some(digest) = asked.digest else {
        return refusal(
            StatusCode::BAD_REQUEST,
            ErrorCode::DigestInvalid,
            "an upload ends with ?digest=",
        );
    };
    let completed = store
        .append(id, range_start(headers), last_chunk, MAX_BLOB)
        .and_then(|_| store.complete(id, repository, &digest));
    match completed {
        Ok(()) => created(&format!("/v2/{repository}/blobs/{digest}"), &digest),
        Err(error) => upload_refused(error),
    }
}

/// Where a chunk says that it begins; most clients send no range at all.
fn range_start(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?
        .split('-')
        .next()?
        .parse()
        .ok()
}

fn content(media_type: &str, digest: &str, bytes: Bytes) -> Response {
    (
        [
            (header::CONTENT_TYPE.as_str(), media_type),
            (CONTENT_DIGEST, digest),
        ],
        Body::from(bytes),
    )
        .into_response()
}

fn created(location: &str, digest: &str) -> Response {
    (
        StatusCode::CREATED,
        [
            (header::LOCATION.as_str(), location),
            (CONTENT_DIGEST, digest),
        ],
    )
        .into_response()
}

fn upload_under_way(status: StatusCode, repository: &str, id: &str, length: usize) -> Response {
    let location = format!("/v2/{repository}/blobs/uploads/{id}");
    let range = format!("0-{}", length.saturating_sub(1));
    (
        status,
        [
            (header::LOCATION.as_str(), location.as_str()),
            ("docker-upload-uuid", id),
            ("range", &range),
        ],
    )
        .into_response()
}

fn upload_refused(error: UploadError) -> Response {
    match error {
        UploadError::Unknown => refusal(
            StatusCode::NOT_FOUND,
            ErrorCode::BlobUploadUnknown,
            "no such upload",
        ),
        UploadError::OutOfOrder(length) => refusal(
            StatusCode::RANGE_NOT_SATISFIABLE,
            ErrorCode::BlobUploadInvalid,
            &format!("the next chunk begins at {length}"),
        ),
        UploadError::TooLarge => refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::SizeInvalid,
            "larger than this registry takes",
        ),
        UploadError::OtherDigest(digest) => refusal(
            StatusCode::BAD_REQUEST,
            ErrorCode::DigestInvalid,
            &format!("the bytes are {digest}"),
        ),
    }
}

fn not_here(store: &Store, repository: &str, code: ErrorCode, what: &str) -> Response {
    if store.holds_repository(repository) {
        refusal(
            StatusCode::NOT_FOUND,
            code,
            &format!("{repository} has no {what}"),
        )
    } else {
        refusal(
            StatusCode::NOT_FOUND,
            ErrorCode::NameUnknown,
            &format!("no repository {repository}"),
        )
    }
}

/// An error in the specification's form.
pub(super) fn refusal(status: StatusCode, code: ErrorCode, message: &str) -> Response {
    (
        status,
        json_body(json!({"errors": [{"code": code, "message": message}]})),
    )
        .into_response()
}

fn json_body(value: serde_json::Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}
