//! What does a registry say about an image? Digest, manifest and config, fetched as policy-fetcher does.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Result;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{Certificate as OciCertificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde_json::{Value, json};
use tracing::{debug, info, warn};

use crate::sources::{Certificate, Sources};

/// Registries, with who is trusted there and who we are.
pub(crate) struct Registry {
    sources: Sources,
    credentials: Credentials,
}

/// A registry's failure in policy-fetcher's words; the cause is kept, since the host prints it again below the message.
#[derive(Debug, thiserror::Error)]
enum RegistryError {
    #[error("Fail to interact with OCI registry: {0}")]
    Oci(#[from] OciDistributionError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The way in which a registry is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// TLS, checked against the system's authorities and those of `sources.yaml`.
    Tls,
    /// TLS with whatever certificate is shown.
    UncheckedTls,
    /// Plain HTTP, without TLS.
    Plain,
}

impl Route {
    /// The routes that may be tried to this registry, one after the other: the earlier ones, and the last one, which counts.
    pub fn all(sources: &Sources, registry: &str) -> (&'static [Route], Route) {
        match sources.insecure.contains(registry) {
            true => (&[Route::Tls, Route::UncheckedTls], Route::Plain),
            false => (&[], Route::Tls),
        }
    }

    /// How oci-client is told to take this route.
    pub fn config(self, sources: &Sources, registry: &str) -> ClientConfig {
        let proxies = sources.proxies();
        let authorities = sources.authorities.get(registry).filter(|_| self == Route::Tls);
        ClientConfig {
            protocol: match self {
                Route::Tls | Route::UncheckedTls => ClientProtocol::Https,
                Route::Plain => ClientProtocol::Http,
            },
            accept_invalid_certificates: self == Route::UncheckedTls,
            extra_root_certificates: authorities.into_iter().flatten().map(OciCertificate::from).collect(),
            http_proxy: proxies.http_proxy,
            https_proxy: proxies.https_proxy,
            no_proxy: proxies.no_proxy,
            ..ClientConfig::default()
        }
    }
}

impl Registry {
    pub(crate) fn new(sources: Sources, credentials: Credentials) -> Self {
        Self { sources, credentials }
    }

    /// `{"digest": ..}`. A HEAD request; the header is believed.
    pub(crate) async fn manifest_digest(&self, image: &str) -> Result<Vec<u8>> {
        let image: Reference = image.parse()?;
        let auth = self.credentials.of(image.registry());
        let digest = self
            .by_any_route(&image, async |client: Client| Ok(client.fetch_manifest_digest(&image, &auth).await?))
            .await?;
        Ok(serde_json::to_vec(&json!({"digest": digest}))?)
    }

    /// The manifest or index, re-serialised: fields that oci-client does not know are gone.
    pub(crate) async fn manifest(&self, image: &str) -> Result<Vec<u8>> {
        let image: Reference = image.parse()?;
        let auth = self.credentials.of(image.registry());
        let (manifest, _) =
            self.by_any_route(&image, async |client: Client| Ok(client.pull_manifest(&image, &auth).await?)).await?;
        Ok(serde_json::to_vec(&manifest)?)
    }

    /// `{"manifest": .., "digest": .., "config": ..}`: an index is resolved to this machine's platform, the config is any JSON.
    pub(crate) async fn manifest_and_config(&self, image: &str) -> Result<Vec<u8>> {
        let image: Reference = image.parse()?;
        let auth = self.credentials.of(image.registry());
        let (manifest, digest, config) = self
            .by_any_route(&image, async |client: Client| Ok(client.pull_manifest_and_config(&image, &auth).await?))
            .await?;
        let config: Value = serde_json::from_str(&config).map_err(RegistryError::Json)?;
        // a struct, to keep the host's order of keys
        #[derive(serde::Serialize)]
        struct ManifestAndConfig<'a> {
            manifest: &'a oci_client::manifest::OciImageManifest,
            digest: &'a str,
            config: &'a Value,
        }
        Ok(serde_json::to_vec(&ManifestAndConfig { manifest: &manifest, digest: &digest, config: &config })?)
    }

    /// Tries the routes that the image's registry allows. Any error leads to the next route, even "not found"; the last one counts.
    async fn by_any_route<T>(
        &self,
        image: &Reference,
        ask: impl AsyncFn(Client) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let (earlier, last) = Route::all(&self.sources, image.registry());
        for route in earlier {
            match ask(self.client(*route, image.registry())).await {
                Ok(answer) => return Ok(answer),
                Err(error) => info!(%error, ?route, "operation failed on an insecure source"),
            }
        }
        ask(self.client(last, image.registry())).await
    }

    /// A new client for every call, as the host does: no connection and no token is reused.
    fn client(&self, route: Route, registry: &str) -> Client {
        Client::new(route.config(&self.sources, registry))
    }
}

impl From<&Certificate> for OciCertificate {
    fn from(certificate: &Certificate) -> Self {
        let (encoding, data) = match certificate {
            Certificate::Pem(pem) => (CertificateEncoding::Pem, pem),
            Certificate::Der(der) => (CertificateEncoding::Der, der),
        };
        Self { encoding, data: data.clone() }
    }
}

/// A Docker config.json: the one given, or the user's own.
#[derive(Clone, Debug, Default)]
pub struct Credentials(pub Option<PathBuf>);

impl Credentials {
    /// The credentials for `registry`, or anonymous access if there are none that can be used.
    pub fn of(&self, registry: &str) -> RegistryAuth {
        let credential = match &self.0 {
            Some(path) => File::open(path)
                .map_err(|_| CredentialRetrievalError::ConfigReadError)
                .and_then(|file| docker_credential::get_credential_from_reader(BufReader::new(file), registry)),
            None => docker_credential::get_credential(registry),
        };
        match credential {
            Ok(DockerCredential::UsernamePassword(user, password)) => RegistryAuth::Basic(user, password),
            Ok(DockerCredential::IdentityToken(_)) => {
                warn!(registry, "IdentityToken credential not supported. Using anonymous instead");
                RegistryAuth::Anonymous
            }
            Err(error) => {
                debug!(?error, registry, "Couldn't fetch credentials. Using anonymous instead");
                RegistryAuth::Anonymous
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_by_registry_host() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.json");
        // alice:secret
        let config = r#"{"auths":{"r.example:5000":{"auth":"YWxpY2U6c2VjcmV0"},"t.example":{"identitytoken":"x"}}}"#;
        std::fs::write(&path, config).expect("a file");
        let alice = RegistryAuth::Basic("alice".into(), "secret".into());
        // the config, the registry, who we are there
        let table = [
            (path.clone(), "r.example:5000", alice),
            (path.clone(), "r.example", RegistryAuth::Anonymous),
            // the host does not support identity tokens
            (path, "t.example", RegistryAuth::Anonymous),
            (dir.path().join("none.json"), "r.example:5000", RegistryAuth::Anonymous),
        ];
        for (path, registry, expected) in table {
            assert_eq!(Credentials(Some(path)).of(registry), expected, "{registry}");
        }
    }

    #[tokio::test]
    async fn routes_are_tried_in_the_hosts_order() {
        let sources = Sources { insecure: ["i.example".to_owned()].into(), ..Sources::default() };
        let registry = Registry::new(sources, Credentials::default());
        // the image, how many routes fail before one answers, the attempts made, whether there is an answer
        let table = [
            ("i.example/app", 0, 1, true),
            ("i.example/app", 2, 3, true),
            ("i.example/app", 3, 3, false),
            ("s.example/app", 0, 1, true),
            // a registry that is not listed has one chance
            ("s.example/app", 1, 1, false),
        ];
        for (image, failures, attempts, answered) in table {
            let image: Reference = image.parse().expect("a reference");
            let made = std::cell::Cell::new(0);
            let answer = registry
                .by_any_route(&image, async |_client| {
                    made.set(made.get() + 1);
                    match made.get() > failures {
                        true => Ok(()),
                        false => Err(OciDistributionError::RegistryNoDigestError.into()),
                    }
                })
                .await;
            assert_eq!((made.get(), answer.is_ok()), (attempts, answered), "{image}");
        }
    }

    #[tokio::test]
    async fn an_image_that_is_none_is_refused_before_any_request() {
        let registry = Registry::new(Sources::default(), Credentials::default());
        // the image, oci-client's words
        let table = [
            ("", "repository name must have at least one component"),
            ("a b", "invalid reference format"),
            ("app@sha256:short", "invalid reference format"),
        ];
        for (image, expected) in table {
            let message = registry.manifest(image).await.map_err(|e| e.to_string());
            assert_eq!(message, Err(expected.to_owned()), "{image}");
        }
    }
}
