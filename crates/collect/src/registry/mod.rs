//! What is in a registry, to the byte, and how does something get there?
//!
//! oci-client gets the tokens. The requests are our own, because pages of referrers, raw bytes, limits while something is read, and the words of a refusal all
//! matter here.

mod error;
mod host;
mod request;

use std::{cell::RefCell, collections::HashMap, fmt, path::PathBuf, rc::Rc, time::Duration};

use image_trust::{Digest, ImageRef};
use image_trust_host::{Credentials, Sources};
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, LINK, LOCATION},
};
use serde::Deserialize;

pub use error::{Cause, Error};
use host::Host;
use request::Ask;

use crate::manifest::OCI_MANIFEST;

/// The size of the largest manifest that is read, in bytes.
const MAX_MANIFEST: usize = 4 * 1024 * 1024;
/// The most pages of referrers that are read, and the most referrers.
const MAX_PAGES: usize = 100;
const MAX_REFERRERS: usize = 1_000;
/// The media type of an index.
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Every kind of manifest. If a client accepts fewer, some registries answer 404 or convert the manifest.
const ANY_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// The way to registries: sources, credentials and waiting times.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Insecure registries, private authorities, proxies.
    pub sources: Sources,
    /// A Docker config.json with credentials; none means the user's own.
    pub docker_config: Option<PathBuf>,
    /// The reaction to a registry that is overloaded.
    pub patience: Patience,
}

/// The number of retries, and the time between them, after a registry said 429, 502, 503 or 504.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first wait; each further one is twice as long.
    pub first: Duration,
    /// The longest wait. A registry that wants more (`Retry-After`) is not waited for.
    pub longest: Duration,
    /// The most times that a request is sent again.
    pub again: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(10), again: 4 }
    }
}

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Repository {
    registry: String,
    name: String,
}

impl Repository {
    /// The repository of this image.
    #[must_use]
    pub fn of(image: &ImageRef) -> Repository {
        Repository { registry: image.registry().to_owned(), name: image.repository().to_owned() }
    }

    /// The repository with this name on this host, which need not be a registry.
    pub(crate) fn on(host: &str, name: &str) -> Repository {
        Repository { registry: host.to_owned(), name: name.to_owned() }
    }

    /// Reads `registry/name`, without a tag and without a digest.
    ///
    /// # Errors
    /// When the text is not the name of a repository, or has a tag or a digest.
    pub fn parse(text: &str) -> Result<Repository, String> {
        let image = ImageRef::parse(text).map_err(|_| {
            format!("expected a repository such as `registry.example.com/trust/evidence`, found \"{text}\"")
        })?;
        match (image.tag(), image.digest()) {
            // `nginx:latest` and `nginx` have the same tag.
            (_, None) if !text.rsplit('/').next().unwrap_or_default().contains(':') => Ok(Repository::of(&image)),
            _ => Err(format!("expected a repository without a tag or digest, found \"{text}\"")),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

/// A manifest or an index, as a registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The digest of the manifest's bytes.
    pub digest: Digest,
    /// The manifest's bytes.
    pub bytes: Vec<u8>,
}

/// A list of referrers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrers {
    /// The digests of the referrers, in the registry's order.
    pub digests: Vec<Digest>,
    /// Whether the registry lists more referrers than are read.
    pub has_more: bool,
}

/// The part of an index that is read: its digests.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    digest: String,
}

/// A client that asks registries, one request after the other.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    sources: Sources,
    credentials: Credentials,
    patience: Patience,
    hosts: RefCell<HashMap<String, Rc<Host>>>,
}

impl Client {
    /// Sets up the client; no registry is asked yet.
    ///
    /// # Errors
    /// When this machine gives us no event loop.
    pub fn new(config: Config) -> std::io::Result<Client> {
        let Config { sources, docker_config, patience } = config;
        Ok(Client {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            sources,
            credentials: Credentials(docker_config),
            patience,
            hosts: RefCell::default(),
        })
    }

    /// The manifest or index that a tag or digest names; `None` if it is not there.
    ///
    /// # Errors
    /// When the registry can't say, or says something that has another digest.
    pub fn manifest(&self, at: &Repository, reference: &str) -> Result<Option<Manifest>, Error> {
        let ask = Ask::get(at, format!("manifests/{reference}"), "manifest", reference).accept(ANY_MANIFEST);
        self.block_on(async {
            let response = self.send(&ask).await?;
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let bytes = self.body(&ask, self.good(&ask, response).await?, MAX_MANIFEST).await?;
            let digest = Digest::of(&bytes);
            if reference.contains(':') && digest.to_string() != reference {
                return Err(ask.failed(Cause::OtherDigest(digest)));
            }
            Ok(Some(Manifest { digest, bytes }))
        })
    }

    /// The referrers of this digest, by the registry's own list. `None` means that the registry has no referrers API.
    ///
    /// # Errors
    /// When the registry can't say.
    pub fn referrers(&self, at: &Repository, digest: Digest) -> Result<Option<Referrers>, Error> {
        let mut path = format!("referrers/{digest}");
        let mut found = Referrers::default();
        for page in 0..MAX_PAGES {
            let ask = Ask::get(at, path, "list of referrers of", &digest.to_string()).accept(OCI_INDEX).stay();
            let (bytes, next) = match self.block_on(self.page(&ask))? {
                Some(page) => page,
                None if page == 0 => return Ok(None),
                None => return Err(ask.failed(Cause::NoIndex)),
            };
            let index: Index = serde_json::from_slice(&bytes).map_err(|_| ask.failed(Cause::NoIndex))?;
            found.digests.extend(index.manifests.iter().filter_map(|entry| Digest::parse(&entry.digest).ok()));
            let Some(next) = next else { return Ok(Some(found)) };
            if found.digests.len() >= MAX_REFERRERS {
                break;
            }
            path = next;
        }
        found.digests.truncate(MAX_REFERRERS);
        found.has_more = true;
        Ok(Some(found))
    }

    /// One page of referrers, and the path of the next one.
    async fn page(&self, ask: &Ask<'_>) -> Result<Option<(Vec<u8>, Option<String>)>, Error> {
        let response = self.send(ask).await?;
        let status = response.status();
        // Registries without the API say many things, or redirect to a page for people.
        let says_no = matches!(status.as_u16(), 400 | 404 | 405 | 406 | 501) || status.is_redirection();
        let kind = header(&response, CONTENT_TYPE);
        if says_no || (status.is_success() && !kind.starts_with(OCI_INDEX)) {
            return Ok(None);
        }
        let next = next_page(&header(&response, LINK), ask.repository());
        let bytes = self.body(ask, self.good(ask, response).await?, MAX_MANIFEST).await?;
        Ok(Some((bytes, next)))
    }

    /// The blob with this digest; `None` if it is not there.
    ///
    /// # Errors
    /// When the registry can't say, when the blob has more than `most` bytes, or another digest.
    pub fn blob(&self, at: &Repository, digest: Digest, most: usize) -> Result<Option<Vec<u8>>, Error> {
        self.fetch(&Ask::get(at, format!("blobs/{digest}"), "blob", &digest.to_string()), Some(digest), most)
    }

    /// The file at this path below a repository, which errors call `name`; `None` if it is not there.
    ///
    /// # Errors
    /// When the host can't say, when the file has more than `most` bytes, or another digest than the one that is wanted.
    pub(crate) fn file(
        &self,
        at: &Repository,
        path: &str,
        name: &str,
        wanted: Option<Digest>,
        most: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.fetch(&Ask::get(at, path.to_owned(), "trust data", name), wanted, most)
    }

    /// What is asked for, with the digest that is wanted; `None` if it is not there.
    fn fetch(&self, ask: &Ask<'_>, wanted: Option<Digest>, most: usize) -> Result<Option<Vec<u8>>, Error> {
        self.block_on(async {
            let response = self.send(ask).await?;
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let bytes = self.body(ask, self.good(ask, response).await?, most).await?;
            match Digest::of(&bytes) {
                found if wanted.is_none_or(|wanted| wanted == found) => Ok(Some(bytes)),
                found => Err(ask.failed(Cause::OtherDigest(found))),
            }
        })
    }

    /// Stores a blob, unless it is there already.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push_blob(&self, at: &Repository, digest: Digest, bytes: &[u8]) -> Result<(), Error> {
        let name = digest.to_string();
        let head = Ask::get(at, format!("blobs/{digest}"), "blob", &name).with(Method::HEAD);
        let begin = Ask::push(at, Method::POST, "blobs/uploads/".to_owned(), "blob", &name);
        self.block_on(async {
            let there = self.send(&head).await?;
            if there.status() != StatusCode::NOT_FOUND {
                return self.good(&head, there).await.map(|_| ());
            }
            let begun = self.send(&begin).await?;
            let begun = self.good(&begin, begun).await?;
            let place = header(&begun, LOCATION);
            let end = if place.contains('?') { '&' } else { '?' };
            let place = begun.url().join(&format!("{place}{end}digest={digest}"));
            let place = place.map_err(|_| begin.failed(Cause::NoUpload))?;
            let put = begin.clone().with(Method::PUT).to(place.into()).body(bytes, "application/octet-stream");
            let done = self.send(&put).await?;
            self.good(&put, done).await.map(|_| ())
        })
    }

    /// Stores a manifest under a tag.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push_manifest(&self, at: &Repository, tag: &str, bytes: &[u8]) -> Result<(), Error> {
        let ask = Ask::push(at, Method::PUT, format!("manifests/{tag}"), "manifest", tag).body(bytes, OCI_MANIFEST);
        self.block_on(async {
            let response = self.send(&ask).await?;
            self.good(&ask, response).await.map(|_| ())
        })
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// The text of a header, or nothing.
fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The path of the next page, below the repository (RFC 8288, as the distribution specification uses it). The host in the link is ignored, because it could be
/// any host.
fn next_page(link: &str, at: &Repository) -> Option<String> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
    let (_, below) = target.split_once(&format!("/v2/{}/", at.name))?;
    is_next.then(|| below.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_have_no_tag() {
        let rows = [
            ("r.example:5000/trust/evidence", Some("r.example:5000/trust/evidence"), "a repository on a port"),
            ("ghcr.io/acme/app", Some("ghcr.io/acme/app"), "another"),
            ("ghcr.io/acme/app:v1", None, "an image"),
            (
                "ghcr.io/acme/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                None,
                "a digest",
            ),
            ("a//b", None, "no name"),
        ];
        for (text, expected, why) in rows {
            let found = Repository::parse(text).map(|repository| repository.to_string());
            assert_eq!(found.ok().as_deref(), expected, "{why}");
        }
    }

    #[test]
    fn the_next_page_is_of_the_same_repository() {
        let at = Repository { registry: "r".to_owned(), name: "a/b".to_owned() };
        let rows = [
            ("</v2/a/b/referrers/sha256:00?last=1>; rel=\"next\"", Some("referrers/sha256:00?last=1"), "a path"),
            ("<https://r/v2/a/b/referrers/x?n=1&last=y>;rel=next", Some("referrers/x?n=1&last=y"), "an address"),
            ("<https://evil.example/v2/a/b/x>; rel=\"next\"", Some("x"), "of another host, which is not asked"),
            ("</v2/other/referrers/x>; rel=\"next\"", None, "another repository"),
            ("</v2/a/b/referrers/x>; rel=\"prev\"", None, "the page before"),
            ("", None, "none"),
        ];
        for (link, expected, why) in rows {
            assert_eq!(next_page(link, &at).as_deref(), expected, "{why}");
        }
    }
}
