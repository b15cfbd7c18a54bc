//! `image-trust run`: evaluates one request, with kwctl's flags and kwctl's output.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use image_trust_harness::{Answers, Deadline, HostRequest, Live, LiveConfig, Policy, Recorder, Replay, Sources};

use super::input::{Input, read_request};

/// Evaluates a request with the policy and prints the AdmissionResponse
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
    /// AdmissionRequest or AdmissionReview as JSON; `-` reads stdin
    #[arg(short, long, value_name = "FILE")]
    request_path: PathBuf,
    #[command(flatten)]
    input: Input,
    /// sources.yaml: insecure registries, private authorities, proxies
    #[arg(long, value_name = "FILE")]
    sources_path: Option<PathBuf>,
    /// A Docker config.json with registry credentials
    #[arg(long, value_name = "FILE")]
    docker_config_json_path: Option<PathBuf>,
    /// Record the host calls of this run as a session
    #[arg(long, value_name = "FILE", conflicts_with = "replay_host_capabilities_interactions")]
    record_host_capabilities_interactions: Option<PathBuf>,
    /// A folder of manifests to answer Kubernetes lookups from
    #[arg(long, value_name = "DIR")]
    cluster_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let policy = Policy::load(&args.policy)?;
    let request = read_request(&args.request_path)?;
    let settings = args.input.settings()?;
    if let Err(problem) = policy.check_settings(&settings) {
        bail!("Provided settings are not valid: {problem}");
    }

    let host = Host::new(args)?;
    let gate = args.input.gate(&policy, host.answers());
    // kwctl has no deadline
    let evaluation = policy.evaluate(&request, &settings, Arc::new(gate), Deadline::Off)?;
    host.finish()?;
    println!("{}", serde_json::to_string(&evaluation.response)?);
    Ok(())
}

/// Who answers host calls in this run.
enum Host {
    Live(Arc<Live>),
    Recorded(Arc<Recorder<Live>>, PathBuf),
    Replayed(Arc<Replay>),
}

impl Host {
    fn new(args: &Args) -> Result<Self> {
        if let Some(session) = args.input.session()? {
            return Ok(Self::Replayed(Arc::new(session)));
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
