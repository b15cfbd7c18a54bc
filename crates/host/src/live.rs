//! Who answers when the world is asked? Registries over HTTP, a folder of manifests for the cluster, the resolver for names.

use std::collections::BTreeSet;
use std::net::ToSocketAddrs as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::cache::Memories;
use crate::capabilities::Answers;
use crate::cluster::Cluster;
use crate::host_request::HostRequest;
use crate::registry::{Credentials, Registry};
use crate::sigstore::{self, Constraint, Verifier};
use crate::sources::{Proxies, Sources};

/// The configuration of answers from live registries and a live cluster.
#[derive(Clone, Debug, Default)]
pub struct LiveConfig {
    /// The insecure registries, private authorities and proxies.
    pub sources: Sources,
    /// A Docker config.json with credentials; none means the user's own.
    pub docker_config: Option<PathBuf>,
    /// A folder of manifests that stands for the cluster; none means no cluster.
    pub cluster_dir: Option<PathBuf>,
}

impl LiveConfig {
    /// For registries on loopback, and nothing else: no credentials, no cluster, and whatever is asked of other hosts fails.
    pub fn loopback(registries: impl IntoIterator<Item = String>) -> Self {
        // A proxy that nobody is: it keeps the environment's proxies away from loopback, and everybody else out of reach.
        let nobody = Some("http://127.0.0.1:9".to_owned());
        Self {
            sources: Sources {
                insecure: registries.into_iter().collect(),
                proxies: Some(Proxies {
                    http_proxy: nobody.clone(),
                    https_proxy: nobody,
                    no_proxy: Some("127.0.0.1".to_owned()),
                }),
                ..Sources::default()
            },
            // A file that can't be opened: without one the user's own would be read.
            docker_config: Some(PathBuf::new()),
            cluster_dir: None,
        }
    }
}

/// Answers from the network, with the host's memory of the last minute.
///
/// It owns its runtime and blocks the calling thread, as the host blocks the guest's: call it from plain threads, not from async code.
pub struct Live {
    runtime: Runtime,
    registry: Registry,
    verifier: Verifier,
    cluster: Option<Cluster>,
    /// None, where somebody else remembers.
    memories: Option<Memories>,
}

impl Live {
    /// Sets up the clients and reads the cluster folder; no registry is asked yet.
    pub fn new(config: LiveConfig) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("cannot start the runtime for live host calls")?;
        let LiveConfig { sources, docker_config, cluster_dir } = config;
        let credentials = Credentials(docker_config);
        let verifier = Verifier::new(&sources, credentials.clone()).context("could not build a cosign client")?;
        Ok(Self {
            runtime,
            registry: Registry::new(sources, credentials),
            verifier,
            cluster: cluster_dir.as_deref().map(Cluster::from_dir).transpose()?,
            memories: Some(Memories::default()),
        })
    }

    /// The same without the host's memory, which answers one question at a time: for many threads behind a [`Memo`](crate::Memo).
    #[must_use]
    pub fn without_memory(self) -> Self {
        Self { memories: None, ..self }
    }

    fn cluster(&self) -> Result<&Cluster> {
        // the host's words when it has no connection to a cluster
        self.cluster.as_ref().ok_or_else(|| anyhow!("kube::Client was not initialized properly"))
    }

    async fn verify(&self, image: &str, constraints: Result<Vec<Constraint>>) -> Result<Vec<u8>> {
        self.verifier.verify(image, &constraints?).await
    }

    async fn ask(&self, request: &HostRequest) -> Result<Vec<u8>> {
        match request {
            HostRequest::OciManifestDigest { image } => self.registry.manifest_digest(image).await,
            HostRequest::OciManifest { image } => self.registry.manifest(image).await,
            HostRequest::OciManifestAndConfig { image } => self.registry.manifest_and_config(image).await,
            HostRequest::SigstorePubKeyVerify { image, pub_keys, annotations } => {
                self.verify(image, sigstore::pub_keys(pub_keys, annotations)).await
            }
            HostRequest::SigstoreKeylessVerify { image, keyless, annotations } => {
                self.verify(image, sigstore::keyless(keyless, annotations)).await
            }
            HostRequest::SigstoreKeylessPrefixVerify { image, keyless_prefix, annotations } => {
                self.verify(image, sigstore::keyless_prefix(keyless_prefix, annotations)).await
            }
            HostRequest::SigstoreGithubActionsVerify { image, owner, repo, annotations } => {
                self.verify(image, sigstore::github(owner, repo, annotations)).await
            }
            HostRequest::SigstoreCertificateVerify { .. } | HostRequest::CryptoIsCertificateTrusted { .. } => {
                bail!("this host does not verify certificates; record a session with kwctl and replay it")
            }
            HostRequest::DNSLookupHost { host } => lookup(host),
            HostRequest::KubernetesGetResource { api_version, kind, name, namespace, field_masks, .. } => {
                self.cluster()?.get(api_version, kind, name, namespace.as_deref(), field_masks.as_ref())
            }
            HostRequest::KubernetesListResourceAll {
                api_version,
                kind,
                label_selector,
                field_selector,
                field_masks,
            } => {
                no_selector(label_selector, field_selector)?;
                self.cluster()?.list(api_version, kind, None, field_masks.as_ref())
            }
            HostRequest::KubernetesListResourceNamespace {
                api_version,
                kind,
                namespace,
                label_selector,
                field_selector,
                field_masks,
            } => {
                no_selector(label_selector, field_selector)?;
                self.cluster()?.list(api_version, kind, Some(namespace), field_masks.as_ref())
            }
            HostRequest::KubernetesCanI { .. } => {
                self.cluster()?;
                bail!(
                    "a folder of manifests has no permissions to ask about; record a session with kwctl and replay it"
                )
            }
        }
    }
}

impl Answers for Live {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        // The libraries that policy-server uses panic on some of what registries answer. There each call is a task of its own, and the guest
        // hears this.
        let ask = self.ask(request);
        let answer = || match &self.memories {
            Some(memories) => self.runtime.block_on(memories.answer(request, ask)),
            None => self.runtime.block_on(ask),
        };
        catch_unwind(AssertUnwindSafe(answer))
            .unwrap_or_else(|_| Err(anyhow!("Error obtaining response over callback channel")))
    }
}

fn no_selector(label: &Option<String>, field: &Option<String>) -> Result<()> {
    if label.is_some() || field.is_some() {
        bail!("a folder of manifests is listed without label or field selectors");
    }
    Ok(())
}

fn lookup(host: &str) -> Result<Vec<u8>> {
    // a set: the resolver names an address once per socket type
    let ips: BTreeSet<String> = (host, 0).to_socket_addrs()?.map(|address| address.ip().to_string()).collect();
    Ok(serde_json::to_vec(&json!({"ips": ips}))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_network_is_answered() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("ns.yml"), "{apiVersion: v1, kind: Namespace, metadata: {name: prod}}")
            .expect("a file");
        let with =
            Live::new(LiveConfig { cluster_dir: Some(dir.path().into()), ..Default::default() }).expect("a host");
        let without = Live::new(LiveConfig::default()).expect("a host");
        let namespace = HostRequest::KubernetesGetResource {
            api_version: "v1".into(),
            kind: "Namespace".into(),
            name: "prod".into(),
            namespace: None,
            disable_cache: true,
            field_masks: None,
        };
        let list = HostRequest::KubernetesListResourceAll {
            api_version: "v1".into(),
            kind: "Pod".into(),
            label_selector: Some("a=b".into()),
            field_selector: None,
            field_masks: None,
        };
        let no_keys = HostRequest::SigstorePubKeyVerify { image: "a".into(), pub_keys: vec![], annotations: None };
        // the host, the request, the answer or the error
        let table = [
            (&with, namespace.clone(), Ok(r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"prod"}}"#)),
            (&without, namespace, Err("kube::Client was not initialized properly")),
            (&with, list, Err("a folder of manifests is listed without label or field selectors")),
            // refused before any registry is asked
            (&with, no_keys, Err("Must provide at least one pub key")),
            (&with, HostRequest::DNSLookupHost { host: "127.0.0.1".into() }, Ok(r#"{"ips":["127.0.0.1"]}"#)),
        ];
        for (host, request, expected) in table {
            let answer = host.answer(&request).map_err(|e| e.to_string());
            let answer = answer.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(answer, expected.map(str::to_owned).map_err(str::to_owned), "{request:?}");
        }
    }
}
