//! Would the policy admit the image, if the evidence was where it is about to be pushed?

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context as _, Result, anyhow, bail};
use image_trust::ImageRef;
use image_trust_collect::{manifest::Tagged, registry::Repository};
use image_trust_host::{Answers, Deadline, Gate, HostRequest, Live, LiveConfig, Policy};
use serde_json::{Value, json};

use super::Evidence;
use crate::{
    evaluation::{NAMESPACE, Registries, decisive, load, pod},
    input,
};

/// The module with settings, and the registries beyond the evidence.
pub(super) struct Check {
    policy: Policy,
    settings: Value,
    live: Arc<Live>,
}

/// The module's verdict.
pub(super) struct Verdict {
    pub(super) allowed: bool,
    /// The module's message, if it denies.
    pub(super) message: String,
}

impl Check {
    pub(super) fn new(settings: &Path, module: &Path, registries: &Registries) -> Result<Check> {
        let (text, origin) = input::text_of("settings", settings)?;
        let settings = input::settings(&text, &origin)?;
        let policy = load(module)?;
        if let Err(problem) = policy.check_settings(&settings) {
            bail!("Provided settings are not valid: {problem}");
        }
        let config = LiveConfig {
            sources: registries.sources()?,
            docker_config: registries.docker_config()?,
            cluster_dir: None,
        };
        Ok(Check { policy, settings: decisive(settings), live: Arc::new(Live::new(config)?) })
    }

    /// Decides a Pod with this image, as if this evidence was in `to` already.
    pub(super) fn of(&self, image: &ImageRef, to: &Repository, evidence: &[Evidence]) -> Result<Verdict> {
        let mut manifests = BTreeMap::new();
        let found = evidence.iter().filter(|evidence| !evidence.manifest.items.is_empty());
        for Tagged { tag, digest, bytes } in found.clone().flat_map(|evidence| evidence.manifest.manifests()) {
            let manifest = (digest.to_string(), bytes.clone());
            manifests.insert(format!("{to}:{tag}"), manifest.clone());
            manifests.insert(format!("{to}@{digest}"), manifest);
        }
        let blobs = found.flat_map(|evidence| evidence.manifest.blobs());
        let blobs = blobs.map(|(digest, bytes)| (digest.to_string(), bytes.to_vec())).collect();
        let host = Arc::new(Gate::new(Ahead { manifests, blobs, live: Arc::clone(&self.live) }));
        let evaluation =
            self.policy.evaluate(&pod("collect", NAMESPACE, image.written())?, &self.settings, host, Deadline::Off)?;
        let message = evaluation.response.status.and_then(|status| status.message).unwrap_or_default();
        Ok(Verdict { allowed: evaluation.response.allowed, message })
    }
}

/// The registries as they will be after the push.
struct Ahead {
    /// The digest and the bytes of each manifest, by its reference.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
    live: Arc<Live>,
}

impl Answers for Ahead {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let image = match request {
            HostRequest::OciManifestDigest { image }
            | HostRequest::OciManifest { image }
            | HostRequest::OciManifestAndConfig { image } => image,
            _ => return self.live.answer(request),
        };
        let Some((digest, bytes)) = self.manifests.get(image) else { return self.live.answer(request) };
        match request {
            HostRequest::OciManifestDigest { .. } => Ok(serde_json::to_vec(&json!({"digest": digest}))?),
            HostRequest::OciManifestAndConfig { .. } => {
                let manifest: Value = serde_json::from_slice(bytes)?;
                let config = manifest["config"]["digest"].as_str().and_then(|config| self.blobs.get(config));
                let config = config.ok_or_else(|| anyhow!("blob unknown to registry"))?;
                let config: Value = serde_json::from_slice(config).context("the config is not JSON")?;
                Ok(serde_json::to_vec(&json!({"manifest": manifest, "digest": digest, "config": config}))?)
            }
            _ => Ok(bytes.clone()),
        }
    }
}
