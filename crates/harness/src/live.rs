//! Who answers when the world is asked? Registries over HTTP, a folder of manifests for the cluster, the resolver for names.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use crate::capabilities::Answers;
use crate::host_request::HostRequest;
use crate::sources::Sources;

/// Where answers come from.
#[derive(Clone, Debug, Default)]
pub struct LiveConfig {
    /// Insecure registries, private authorities, proxies.
    pub sources: Sources,
    /// A Docker config.json with credentials.
    pub docker_config: Option<PathBuf>,
    /// A folder of manifests that stands for the cluster.
    pub cluster_dir: Option<PathBuf>,
}

/// Answers from the network.
pub struct Live {
    #[expect(dead_code, reason = "the registry comes next")]
    config: LiveConfig,
}

impl Live {
    /// Sets up the clients; nothing is asked yet.
    pub fn new(config: LiveConfig) -> Result<Self> {
        Ok(Self { config })
    }
}

impl Answers for Live {
    fn answer(&self, _request: &HostRequest) -> Result<Vec<u8>> {
        Err(anyhow!("live answers are not there yet"))
    }
}
