//! Which manifests refer to this one?

use axum::extract::Query;
use axum::http::{header, request::Parts};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Manifest;
use super::store::Store;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The query of a request for a page: the last digest of the page before.
#[derive(Default, Deserialize)]
struct Asked {
    last: Option<String>,
}

/// The digest that a manifest names as its subject.
pub(super) fn subject(manifest: &[u8]) -> Option<String> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    manifest["subject"]["digest"].as_str().map(str::to_owned)
}

/// One page of the referrers, with a link to the next one.
pub(super) fn list(store: &Store, parts: &Parts, page: usize, repository: &str, digest: &str) -> Response {
    let asked = Query::<Asked>::try_from_uri(&parts.uri).map_or_else(|_| Asked::default(), |Query(asked)| asked);
    let is_left = |manifest: &&Manifest| asked.last.as_ref().is_none_or(|last| manifest.digest > *last);
    let manifests = store.manifests(repository).into_iter().filter(is_left);
    let mut left = manifests.filter(|manifest| subject(&manifest.bytes).is_some_and(|subject| subject == digest));
    let shown: Vec<&Manifest> = left.by_ref().take(page).collect();
    let entries: Vec<Value> = shown.iter().map(|manifest| entry(manifest)).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    let mut response = ([(header::CONTENT_TYPE, INDEX)], index.to_string()).into_response();
    if let (Some(last), Some(_)) = (shown.last(), left.next()) {
        // Relative, as the specification's own example is.
        let link = format!("</v2/{repository}/referrers/{digest}?last={}>; rel=\"next\"", last.digest);
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    response
}

fn entry(manifest: &Manifest) -> Value {
    let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
    let kind = [&document["artifactType"], &document["config"]["mediaType"]].into_iter().find(|kind| kind.is_string());
    json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": manifest.bytes.len(),
        "artifactType": kind,
        "annotations": document["annotations"],
    })
}
