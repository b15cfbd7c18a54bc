//! A real registry, on a free port of 127.0.0.1.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use image_trust_harness::loopback::{ImageKind, TinyImage, digest_of, signature_tag};
use serde_json::Value;

use crate::http::{Answer, ask, try_ask};
use crate::tools::tool;

/// alice, whose password is s3cret. Two to the fourth rounds: this guards nothing.
const HTPASSWD: &str = "alice:$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n";
/// What she says to the registry.
pub(crate) const BASIC: &str = "YWxpY2U6czNjcmV0";

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Asked for less, registries answer 404 or convert.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// docker-registry, on files in a folder of its own; both go with this value.
pub(crate) struct DockerRegistry {
    process: Child,
    host: String,
    authorization: Option<String>,
    _folder: tempfile::TempDir,
}

impl DockerRegistry {
    pub(crate) fn start() -> Option<Self> {
        Self::start_for(None)
    }

    /// One that answers only to alice.
    pub(crate) fn start_with_password() -> Option<Self> {
        Self::start_for(Some(format!("Basic {BASIC}")))
    }

    fn start_for(authorization: Option<String>) -> Option<Self> {
        let program = tool("docker-registry")?;
        // A free port may be somebody else's by the time that it is used.
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let host = format!("127.0.0.1:{port}");
            let path = |name: &str| folder.path().join(name).display().to_string();
            let (data, htpasswd) = (path("data"), path("htpasswd"));
            let mut config = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\nhttp: {{addr: \"{host}\"}}\n"
            );
            if authorization.is_some() {
                std::fs::write(&htpasswd, HTPASSWD).unwrap();
                config.push_str(&format!("auth: {{htpasswd: {{realm: live tests, path: {htpasswd}}}}}\n"));
            }
            std::fs::write(path("config.yml"), config).unwrap();
            let mut process = Command::new(&program)
                .args(["serve", &path("config.yml")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let ready = is_ready(&mut process, &host);
            // From here on it is stopped by being dropped.
            let registry = Self { process, host, authorization: authorization.clone(), _folder: folder };
            if ready {
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
        let upload = begun.header("location").trim_start_matches(&format!("http://{}", self.host));
        let path = format!("{upload}&digest={}", digest_of(bytes));
        let done = self.ask("PUT", &path, &[("Content-Type", "application/octet-stream")], bytes);
        assert_eq!(done.status, 201, "{path}: {}", String::from_utf8_lossy(&done.body));
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = self.authorization.iter().map(|value| ("Authorization", value.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(authorization).collect();
        ask(&self.host, method, path, &headers, body)
    }
}

/// Asks until it answers, for ten seconds at most, or until the process has ended.
fn is_ready(process: &mut Child, host: &str) -> bool {
    for _ in 0..400 {
        match try_ask(host, "GET", "/v2/", &[], b"") {
            Ok(answer) if [200, 401].contains(&answer.status) => return true,
            _ if process.try_wait().unwrap().is_some() => return false,
            _ => std::thread::sleep(Duration::from_millis(25)),
        }
    }
    false
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it is left after this.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
