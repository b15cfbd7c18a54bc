//! How is one request evaluated? The flags that `run` and `explain` share, which are kwctl's, and what they mean.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use image_trust_harness::{
    AdmissionRequest, Answers, CapabilityPattern, Deadline, Evaluation, Gate, HostRequest, Live, LiveConfig, Policy,
    Recorder, Replay, Sources,
};
use serde_json::{Map, Value};

use super::progress;

/// The settings of an evaluation, and who answers its host calls.
#[derive(clap::Args)]
pub(super) struct Flags {
    /// Settings as YAML or JSON
    #[arg(short, long, value_name = "FILE", conflicts_with = "settings_json")]
    settings_path: Option<PathBuf>,
    /// Settings as JSON text
    #[arg(long, value_name = "JSON")]
    settings_json: Option<String>,
    /// sources.yaml: insecure registries, private authorities, proxies
    #[arg(long, value_name = "FILE")]
    sources_path: Option<PathBuf>,
    /// A Docker config.json with registry credentials
    #[arg(long, value_name = "FILE")]
    docker_config_json_path: Option<PathBuf>,
    /// Answer host calls from a recorded session instead of a registry
    #[arg(long, value_name = "FILE", conflicts_with = "record_host_capabilities_interactions")]
    replay_host_capabilities_interactions: Option<PathBuf>,
    /// Record the host calls of this run as a session
    #[arg(long, value_name = "FILE")]
    record_host_capabilities_interactions: Option<PathBuf>,
    /// Let the policy read the Kubernetes resources that its metadata lists
    #[arg(long)]
    allow_context_aware: bool,
    /// A host capability the policy may call, as in `oci/*`; can be repeated
    #[arg(long, value_name = "PATTERN", default_value = "*")]
    allowed_host_capabilities: Vec<CapabilityPattern>,
    /// A folder of manifests to answer Kubernetes lookups from
    #[arg(long, value_name = "DIR")]
    cluster_dir: Option<PathBuf>,
}

/// Compiles the module at `path`.
pub(super) fn load(path: &Path) -> Result<Policy> {
    progress::during(&format!("compiling {}", path.display()), || Policy::load(path))
}

impl Flags {
    /// The settings, which this policy accepts.
    pub(super) fn settings(&self, policy: &Policy) -> Result<Value> {
        let settings = read_settings(self)?;
        if let Err(problem) = policy.check_settings(&settings) {
            bail!("Provided settings are not valid: {problem}");
        }
        Ok(settings)
    }

    /// Evaluates `request`, with the host that these flags ask for.
    pub(super) fn evaluate(&self, policy: &Policy, request: &AdmissionRequest, settings: &Value) -> Result<Evaluation> {
        let resources = if self.allow_context_aware { policy.context_aware_resources() } else { Default::default() };
        let host = Host::new(self)?;
        let gate = Gate::new(host.answers())
            .allow_only(self.allowed_host_capabilities.iter().cloned().collect())
            .with_resources(resources);
        // kwctl has no deadline
        let evaluate = || policy.evaluate(request, settings, Arc::new(gate), Deadline::Off);
        let evaluation = progress::during("evaluating the request", evaluate)?;
        host.finish()?;
        Ok(evaluation)
    }
}

/// Who answers host calls in this run.
enum Host {
    Live(Arc<Live>),
    Recorded(Arc<Recorder<Live>>, PathBuf),
    Replayed(Arc<Replay>),
}

impl Host {
    fn new(args: &Flags) -> Result<Self> {
        if let Some(session) = &args.replay_host_capabilities_interactions {
            return Ok(Self::Replayed(Arc::new(Replay::from_file(session)?)));
        }
        let sources = args.sources_path.as_deref().map(Sources::from_file).transpose()?.unwrap_or_default();
        let live = Live::new(LiveConfig {
            sources,
            docker_config: args.docker_config_json_path.clone(),
            cluster_dir: args.cluster_dir.clone(),
        })?;
        Ok(match &args.record_host_capabilities_interactions {
            Some(session) => Self::Recorded(Arc::new(Recorder::new(live)), session.clone()),
            None => Self::Live(Arc::new(live)),
        })
    }

    fn answers(&self) -> Arc<dyn Answers> {
        match self {
            Self::Live(live) => Arc::clone(live) as Arc<dyn Answers>,
            Self::Recorded(recorder, _) => Arc::clone(recorder) as Arc<dyn Answers>,
            Self::Replayed(replay) => Arc::clone(replay) as Arc<dyn Answers>,
        }
    }

    fn finish(&self) -> Result<()> {
        match self {
            Self::Live(_) => {}
            Self::Recorded(recorder, path) => fs::write(path, recorder.to_yaml()?)
                .with_context(|| format!("cannot write the session {}", path.display()))?,
            Self::Replayed(replay) => warn_of_leftovers(&replay.leftovers()),
        }
        Ok(())
    }
}

fn warn_of_leftovers(leftovers: &[HostRequest]) {
    if !leftovers.is_empty() {
        eprintln!("Warning: {} of the recorded exchanges have not been replayed:", leftovers.len());
        for request in leftovers {
            eprintln!("  {request:?}");
        }
    }
}

fn read_settings(args: &Flags) -> Result<Value> {
    let (text, origin) = match (&args.settings_path, &args.settings_json) {
        (Some(path), _) => {
            let text =
                fs::read_to_string(path).with_context(|| format!("cannot read the settings {}", path.display()))?;
            (text, path.display().to_string())
        }
        (None, Some(text)) => (text.clone(), "--settings-json".to_owned()),
        (None, None) => return Ok(Value::Object(Map::new())),
    };
    // JSON is YAML, so one parser reads both
    let settings: Value =
        serde_yaml::from_str(&text).with_context(|| format!("the settings in {origin} do not parse"))?;
    match settings {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(settings),
        _ => bail!("the settings in {origin} are no mapping; write `key: value` pairs"),
    }
}
