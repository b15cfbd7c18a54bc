//! How does a blob arrive?

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use oci_spec::distribution::ErrorCode;
use serde::Deserialize;

use super::answer::{MAX_BLOB, created, refusal};
use super::store::{Store, UploadError};

/// The parameters of an upload's query.
#[derive(Default, Deserialize)]
struct Asked {
    digest: Option<String>,
    mount: Option<String>,
    from: Option<String>,
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        Query::try_from_uri(&parts.uri).map_or_else(|_| Self::default(), |Query(asked)| asked)
    }
}

/// A blob of another repository, a blob in one request, or the beginning of an upload.
pub(super) fn begin(store: &mut Store, parts: &Parts, repository: &str, body: &Bytes) -> Response {
    let asked = Asked::of(parts);
    if let (Some(digest), Some(from)) = (&asked.mount, &asked.from)
        && let Some(bytes) = store.blob(from, digest).cloned()
    {
        store.put_blob(repository, bytes);
        return created(&format!("/v2/{repository}/blobs/{digest}"), digest);
    }
    let id = store.begin_upload();
    match asked.digest {
        Some(_) => finish(store, parts, repository, &id, body),
        None => under_way(StatusCode::ACCEPTED, repository, &id, 0),
    }
}

/// Adds a chunk to an upload.
pub(super) fn extend(store: &mut Store, parts: &Parts, repository: &str, id: &str, chunk: &[u8]) -> Response {
    match store.append(id, range_start(parts), chunk, MAX_BLOB) {
        Ok(length) => under_way(StatusCode::ACCEPTED, repository, id, length),
        Err(error) => refused(error),
    }
}

/// Tells how many bytes of an upload have arrived.
pub(super) fn progress(store: &Store, repository: &str, id: &str) -> Response {
    match store.uploaded(id) {
        Some(length) => under_way(StatusCode::NO_CONTENT, repository, id, length),
        None => refused(UploadError::Unknown),
    }
}

/// The last chunk, often the only one, and the digest of all.
pub(super) fn finish(store: &mut Store, parts: &Parts, repository: &str, id: &str, last_chunk: &[u8]) -> Response {
    let Some(digest) = Asked::of(parts).digest else {
        return refusal(StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid, "an upload ends with ?digest=");
    };
    let completed = store
        .append(id, range_start(parts), last_chunk, MAX_BLOB)
        .and_then(|_| store.complete(id, repository, &digest));
    match completed {
        Ok(()) => created(&format!("/v2/{repository}/blobs/{digest}"), &digest),
        Err(error) => refused(error),
    }
}

/// Where a chunk says that it begins; most clients send no range at all.
fn range_start(parts: &Parts) -> Option<usize> {
    parts.headers.get(header::CONTENT_RANGE)?.to_str().ok()?.split('-').next()?.parse().ok()
}

fn under_way(status: StatusCode, repository: &str, id: &str, length: usize) -> Response {
    let location = format!("/v2/{repository}/blobs/uploads/{id}");
    let range = format!("0-{}", length.saturating_sub(1));
    (status, [(header::LOCATION.as_str(), location.as_str()), ("docker-upload-uuid", id), ("range", &range)])
        .into_response()
}

fn refused(error: UploadError) -> Response {
    match error {
        UploadError::Unknown => refusal(StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown, "no such upload"),
        UploadError::OutOfOrder(length) => refusal(
            StatusCode::RANGE_NOT_SATISFIABLE,
            ErrorCode::BlobUploadInvalid,
            &format!("the next chunk begins at {length}"),
        ),
        UploadError::TooLarge => {
            refusal(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, "larger than this registry takes")
        }
        UploadError::OtherDigest(digest) => {
            refusal(StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid, &format!("the bytes are {digest}"))
        }
    }
}
