//! A real registry, on a free port of 127.0.0.1.

use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use image_trust_testbed::loopback::{ImageKind, TinyImage, digest_of, signature_tag};
use serde_json::Value;

use crate::tls::Authority;
use crate::tools::tool;
use image_trust_testbed::http::{Answer, try_ask};

/// alice, whose password is s3cret. Two to the fourth rounds: this guards nothing.
const HTPASSWD: &str = "alice:$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n";
/// Alice's credentials, as a `Basic` header has them.
pub(crate) const BASIC: &str = "YWxpY2U6czNjcmV0";

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Asked for less, registries answer 404 or convert.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// docker-registry, on files in a folder of its own; both go with this value.
pub(crate) struct DockerRegistry<'a> {
    process: Child,
    host: String,
    authority: Option<&'a Authority>,
    authorization: Option<&'static str>,
    _folder: tempfile::TempDir,
}

impl<'a> DockerRegistry<'a> {
    pub(crate) fn start() -> Option<Self> {
        Self::start_for(None, None)
    }

    /// Starts a registry that answers only to alice.
    pub(crate) fn start_with_password() -> Option<Self> {
        Self::start_for(None, Some(BASIC))
    }

    /// Starts a registry that answers only to alice, over TLS, with a certificate of this authority.
    pub(crate) fn start_private(authority: &'a Authority) -> Option<Self> {
        Self::start_for(Some(authority), Some(BASIC))
    }

    fn start_for(authority: Option<&'a Authority>, authorization: Option<&'static str>) -> Option<Self> {
        let program = tool("docker-registry")?;
        // A free port may be somebody else's by the time that it is used.
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let host = format!("127.0.0.1:{port}");
            let path = |name: &str| folder.path().join(name).display().to_string();
            let (data, htpasswd) = (path("data"), path("htpasswd"));
            let mut config = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\nhttp:\n  addr: \"{host}\"\n"
            );
            if let Some(authority) = authority {
                let (certificate, key) = authority.certify();
                let files = [path("server.pem"), path("server.key")];
                std::fs::write(&files[0], certificate).unwrap();
                std::fs::write(&files[1], key).unwrap();
                config.push_str(&format!("  tls: {{certificate: {}, key: {}}}\n", files[0], files[1]));
            }
            if authorization.is_some() {
                std::fs::write(&htpasswd, HTPASSWD).unwrap();
                config.push_str(&format!("auth: {{htpasswd: {{realm: live tests, path: {htpasswd}}}}}\n"));
            }
            std::fs::write(path("config.yml"), config).unwrap();
            let process = Command::new(&program)
                .args(["serve", &path("config.yml")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // From here on it is stopped by being dropped.
            let mut registry = Self { process, host, authority, authorization, _folder: folder };
            if registry.is_ready() {
                return Some(registry);
            }
        }
        panic!("{} did not start", program.display());
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn push(&self, repository: &str, tag: &str, kind: ImageKind, seed: &str) -> String {
        let image = TinyImage::new(kind, seed);
        for blob in &image.blobs {
            self.put_blob(repository, blob);
        }
        for child in &image.children {
            self.put_manifest(repository, &child.digest, &child.media_type, &child.bytes);
        }
        self.put_manifest(repository, tag, &image.manifest.media_type, &image.manifest.bytes)
    }

    /// Puts a manifest of signatures, and the blobs that it names, beside an image.
    pub(crate) fn attach(&self, repository: &str, digest: &str, manifest: &[u8], blobs: &[&[u8]]) {
        for blob in blobs {
            self.put_blob(repository, blob);
        }
        self.put_manifest(repository, &signature_tag(digest), OCI_MANIFEST, manifest);
    }

    /// Copies the signatures of one image to where another's would be.
    pub(crate) fn copy_signatures(&self, from: (&str, &str), to: (&str, &str)) {
        let bytes = self.manifest(from.0, &signature_tag(from.1)).body;
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        for blob in layers.iter().chain([&manifest["config"]]) {
            let digest = blob["digest"].as_str().unwrap();
            let blob = self.ask("GET", &format!("/v2/{}/blobs/{digest}", from.0), &[], b"");
            assert_eq!(digest_of(&blob.body), digest);
            self.put_blob(to.0, &blob.body);
        }
        self.put_manifest(to.0, &signature_tag(to.1), OCI_MANIFEST, &bytes);
    }

    /// The digest that the registry itself gives for this tag.
    pub(crate) fn digest(&self, repository: &str, tag: &str) -> String {
        self.manifest(repository, tag).header("docker-content-digest").to_owned()
    }

    fn manifest(&self, repository: &str, reference: &str) -> Answer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let answer = self.ask("GET", &path, &[("Accept", ACCEPT)], b"");
        assert_eq!(answer.status, 200, "{path}");
        answer
    }

    fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) -> String {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let answer = self.ask("PUT", &path, &[("Content-Type", media_type)], bytes);
        assert_eq!(answer.status, 201, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.header("docker-content-digest").to_owned()
    }

    fn put_blob(&self, repository: &str, bytes: &[u8]) {
        let begun = self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"");
        let location = begun.header("location");
        let upload = &location[location.find("/v2/").unwrap()..];
        let path = format!("{upload}&digest={}", digest_of(bytes));
        let done = self.ask("PUT", &path, &[("Content-Type", "application/octet-stream")], bytes);
        assert_eq!(done.status, 201, "{path}: {}", String::from_utf8_lossy(&done.body));
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_ask(method, path, headers, body).unwrap()
    }

    fn try_ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        let basic = self.authorization.map(|basic| format!("Basic {basic}"));
        let authorization = basic.iter().map(|value| ("Authorization", value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(authorization).collect();
        match self.authority {
            Some(authority) => authority.try_ask(&self.host, method, path, &headers, body),
            None => try_ask(&self.host, method, path, &headers, body),
        }
    }

    /// Asks until it answers, for ten seconds at most, or until the process has ended.
    fn is_ready(&mut self) -> bool {
        for _ in 0..400 {
            match self.try_ask("GET", "/v2/", &[], b"") {
                Ok(answer) if answer.status == 200 => return true,
                _ if self.process.try_wait().unwrap().is_some() => return false,
                _ => std::thread::sleep(Duration::from_millis(25)),
            }
        }
        false
    }
}

impl Drop for DockerRegistry<'_> {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it is left after this.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
