//! Where do images and signatures come from when nothing but loopback may be asked?
//!
//! [`Registry`] is an OCI registry inside this process: enough of the distribution specification for container tools to
//! push to, sign in and pull from, and it stops with the value. It remembers what it was asked, and fails and lies on
//! request ([`Fault`]), because most of what a verifier has to get right happens when the registry misbehaves. [`Signer`] signs
//! images in it the way cosign does.
//!
//! It is a stand-in for tests and demonstrations: no deletion, everything in memory. Logins, the referrers API and immutable tags are switched on by those who
//! test with them.

mod answer;
mod fault;
mod image;
mod login;
mod referrers;
mod route;
mod signer;
mod store;
mod upload;

use std::io;
use std::sync::Arc;

pub use fault::{Fault, Scope};
pub use image::{ImageKind, TinyImage};
pub use login::{Account, Login};
pub use signer::{SIGNATURE_ANNOTATION, Signer, signature_tag, signed_by_all, signed_payload};
pub use store::{Manifest, digest_of};

use crate::server::Server;
use answer::{Shared, Told};

/// One request as the registry saw it, also those that it was told to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method: `GET`, `HEAD`, `POST`, ...
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// An OCI registry on a free port of 127.0.0.1, served until this value is dropped.
///
/// ```
/// use image_trust_testbed::loopback::{ImageKind, Registry};
///
/// let registry = Registry::start()?;
/// let digest = registry.push_image("library/nginx", "1.27", ImageKind::Oci, "a seed");
/// println!("{}/library/nginx:1.27 is {digest}", registry.host());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Registry {
    server: Server,
    shared: Arc<Shared>,
}

impl Registry {
    /// Starts serving. Requests are answered as soon as this returns.
    ///
    /// # Errors
    /// When this machine gives us no port on loopback, or no thread.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let server = Server::start("loopback-registry", answer::router(Arc::clone(&shared)))?;
        Ok(Self { server, shared })
    }

    /// `127.0.0.1:PORT`, as it is written in front of a repository. Spoken to over plain HTTP.
    pub fn host(&self) -> String {
        self.server.host()
    }

    /// Pushes a tiny image, the same bytes for the same `kind` and `seed`, and returns its digest.
    pub fn push_image(&self, repository: &str, tag: &str, kind: ImageKind, seed: &str) -> String {
        let image = TinyImage::new(kind, seed);
        for blob in &image.blobs {
            self.put_blob(repository, blob);
        }
        for child in &image.children {
            self.put_manifest(repository, None, &child.media_type, &child.bytes);
        }
        self.put_manifest(repository, Some(tag), &image.manifest.media_type, &image.manifest.bytes)
    }

    /// Stores these bytes as a manifest, whatever they are, under their digest and under `tag` if there is one.
    /// Returns the digest.
    pub fn put_manifest(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> String {
        self.shared.store().put_manifest(repository, tag, media_type, bytes.to_vec().into())
    }

    /// Stores these bytes as a blob and returns their digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        self.shared.store().put_blob(repository, bytes.to_vec().into())
    }

    /// Stores the files of trust data by their roles, as a notary server would for the repository with this name (GUN).
    pub fn put_trust_data(&self, gun: &str, files: &std::collections::BTreeMap<String, Vec<u8>>) {
        for (role, file) in files {
            self.shared.store().put_trust_data(gun, role, file.clone().into());
        }
    }

    /// The manifest that a tag or digest names, without a request.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Manifest> {
        self.shared.store().manifest(repository, reference).cloned()
    }

    /// What was asked since the start or since [`Registry::forget_requests`], in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests().clone()
    }

    /// Forgets the requests so far, so that counting starts anew.
    pub fn forget_requests(&self) {
        self.shared.requests().clear();
    }

    /// From now on, requests in this scope meet this fault. Of several that fit, the last one told counts.
    pub fn fail(&self, scope: Scope, fault: Fault) {
        self.shared.faults().push(Told { scope, fault, met: 0 });
    }

    /// The scopes of all faults that no request has met yet: what is only told to fail proves nothing.
    pub fn unmet(&self) -> Vec<Scope> {
        self.shared.faults().iter().filter(|told| told.met == 0).map(|told| told.scope.clone()).collect()
    }

    /// From now on there is the referrers API (OCI distribution specification, "Listing Referrers"), with at most so many entries on a page.
    pub fn offer_referrers(&self, page: usize) {
        self.shared.habits().referrers = Some(page);
    }

    /// From now on a tag that is there names what it names: pushes of anything else are refused, in the words of Amazon ECR.
    pub fn keep_tags(&self) {
        self.shared.habits().keeps_tags = true;
    }

    /// From now on only these are served, after they logged in.
    pub fn require_login(&self, login: Login, accounts: &[Account]) {
        self.shared.habits().login = Some((login, accounts.to_vec()));
    }

    /// Ends all faults of the registry.
    pub fn heal(&self) {
        self.shared.faults().clear();
    }
}
