//! How is one request evaluated? The flags that `run` and `explain` share beyond those of `input`, which are kwctl's, and what they mean.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use image_trust_host::{
    AdmissionRequest, Answers, Cluster, ContextAwareResource, Deadline, Evaluation, HostRequest, Live, LiveConfig,
    Memo, Policy, Recorder, Replay, Sources,
};
use image_trust_manifests::files::{STDIN, find};
use serde_json::{Value, json};

use crate::{batch, input::Input, output::tell, progress};

/// How long the module may look for an explanation: the most that settings can allow.
const PATIENCE_MS: u64 = 30_000;

/// The settings of an evaluation, and who answers its host calls.
#[derive(clap::Args)]
pub struct Flags {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    registries: Registries,
    /// Record the host calls as a session in this file
    #[arg(long, value_name = "FILE", conflicts_with = "replay_host_capabilities_interactions")]
    record_host_capabilities_interactions: Option<PathBuf>,
    /// A folder of manifests to answer Kubernetes lookups from
    #[arg(long, value_name = "DIR")]
    cluster_dir: Option<PathBuf>,
}

/// How registries are reached.
#[derive(clap::Args)]
pub struct Registries {
    /// A sources.yaml with insecure registries, private authorities and proxies
    #[arg(long, value_name = "FILE")]
    sources_path: Option<PathBuf>,
    /// A Docker config.json with registry credentials, or the folder that contains it
    #[arg(long, value_name = "PATH")]
    docker_config_json_path: Option<PathBuf>,
}

impl Registries {
    /// The special registries; none without a file.
    pub fn sources(&self) -> Result<Sources> {
        Ok(self.sources_path.as_deref().map(Sources::from_file).transpose()?.unwrap_or_default())
    }

    /// The file with credentials, if one is named.
    pub fn docker_config(&self) -> Result<Option<PathBuf>> {
        self.docker_config_json_path.as_deref().map(docker_config).transpose()
    }
}

/// Compiles the module at `path`.
pub fn load(path: &Path) -> Result<Policy> {
    progress::during(&format!("compiling {}", path.display()), || Policy::load(path))
}

/// The settings for decisions that count: with as much time as there can be, and what is denied is denied, whatever the kind of its object.
pub fn decisive(mut settings: Value) -> Value {
    let changed: [(&str, Value); 3] = [
        ("timeBudgetMs", PATIENCE_MS.into()),
        ("detectionMode", false.into()),
        ("resourceValidationMode", "all".into()),
    ];
    if let Some(settings) = settings.as_object_mut() {
        let features = settings.entry("features").or_insert_with(|| json!({}));
        if features.is_null() {
            *features = json!({});
        }
        if let Some(features) = features.as_object_mut() {
            features.extend(changed.map(|(key, value)| (key.to_owned(), value)));
        }
    }
    settings
}

/// What settings that were accepted say.
pub fn settings_of(text: &str) -> Result<image_trust::Policy<'_>> {
    image_trust::Policy::load(text).map_err(|problem| anyhow!("the settings can't be read: {problem}"))
}

/// The namespace of objects that name none, as kubectl's is.
pub const NAMESPACE: &str = "default";

/// The name of a namespace, as Kubernetes has them.
pub fn namespace(text: &str) -> Result<String> {
    match image_trust::policy::is_namespace(text) {
        true => Ok(text.to_owned()),
        false => bail!("expected the name of a namespace (lower-case letters, digits and `-`)"),
    }
}

/// What the API server would ask for a Pod with this image and nothing else.
pub fn pod(name: &str, namespace: &str, image: &str) -> Result<AdmissionRequest> {
    AdmissionRequest::create(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "image", "image": image}]},
    }))
}

impl Flags {
    /// The settings, which this policy accepts.
    pub fn settings(&self, policy: &Policy) -> Result<Value> {
        let settings = self.input.settings()?;
        if let Err(problem) = policy.check_settings(&settings) {
            bail!("Provided settings are not valid: {problem}");
        }
        Ok(settings)
    }

    /// The request in this file, or on stdin for `-`.
    pub fn request(&self, path: &Path) -> Result<AdmissionRequest> {
        self.input.request(path)
    }

    /// Evaluates `request`, with the host that these flags ask for.
    pub fn evaluate(&self, policy: &Policy, request: &AdmissionRequest, settings: &Value) -> Result<Evaluation> {
        let host = Host::new(self, Live::new)?;
        let gate = self.input.gate(policy, host.answers());
        // kwctl has no deadline
        let evaluate = || policy.evaluate(request, settings, Arc::new(gate), Deadline::Off);
        let evaluation = progress::during("evaluating the request", evaluate)?;
        host.finish()?;
        Ok(evaluation)
    }

    /// Begins evaluations that ask each question once, whatever the number of requests.
    pub fn many<'p>(&'p self, policy: &'p Policy) -> Result<Many<'p>> {
        let host = Host::new(self, |config| Ok(Live::new(config)?.without_memory()))?;
        let answers = Arc::new(Memo::new(host.answers()));
        Ok(Many { flags: self, policy, host, answers })
    }

    /// The manifests that these paths name: files, what is in folders, and `-` for standard input.
    pub fn manifests(&self, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
        if self.input.reads_stdin() && paths.iter().any(|path| path == Path::new(STDIN)) {
            bail!("the manifests and the settings can't both be read from standard input: write one of them to a file");
        }
        let found = find(paths).map_err(|unfound| {
            anyhow::Error::new(unfound.error).context(format!("cannot read {}", unfound.path.display()))
        })?;
        if found.is_empty() {
            bail!("expected files that end in .yaml, .yml or .json, found none");
        }
        Ok(found)
    }
}

/// Evaluations that ask each question once.
pub struct Many<'p> {
    flags: &'p Flags,
    policy: &'p Policy,
    host: Host,
    answers: Arc<Memo<Arc<dyn Answers>>>,
}

impl Many<'_> {
    /// Evaluates these requests, each as [`Flags::evaluate`] does, several at a time. `each` turns an evaluation into what is needed of it; the results are
    /// in the order of the requests.
    pub fn evaluate<T: Send>(
        &self,
        requests: &[AdmissionRequest],
        settings: &Value,
        beside: Beside,
        each: impl Fn(&AdmissionRequest, Evaluation) -> T + Sync,
    ) -> Result<Vec<T>> {
        let Beside { cluster, resources } = beside;
        let answers = Among { cluster, others: Arc::clone(&self.answers) };
        let gate = Arc::new(self.flags.input.gate(self.policy, answers).with_resources(resources));
        // A session has an order.
        let threads = if matches!(self.host, Host::Live(_)) { batch::THREADS } else { 1 };
        batch::evaluate(self.policy, requests, settings, gate, threads, each)
    }

    /// Ends them: what is recorded is written.
    pub fn finish(&self) -> Result<()> {
        self.host.finish()
    }
}

/// Objects that count as if they were in the cluster.
#[derive(Default)]
pub struct Beside {
    /// The objects that lookups find.
    pub cluster: Cluster,
    /// Their kinds, which the policy may look up.
    pub resources: BTreeSet<ContextAwareResource>,
}

/// Answers lookups of these objects, and leaves everything else to others.
struct Among<A> {
    cluster: Cluster,
    others: A,
}

impl<A: Answers> Answers for Among<A> {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        if let HostRequest::KubernetesGetResource { api_version, kind, name, namespace, field_masks, .. } = request
            && let Ok(object) = self.cluster.get(api_version, kind, name, namespace.as_deref(), field_masks.as_ref())
        {
            return Ok(object);
        }
        self.others.answer(request)
    }
}

/// The source of answers to host calls in this run.
enum Host {
    Live(Arc<Live>),
    Recorded(Arc<Recorder<Live>>, PathBuf),
    Replayed(Arc<Replay>),
}

impl Host {
    fn new(args: &Flags, live: impl FnOnce(LiveConfig) -> Result<Live>) -> Result<Self> {
        if let Some(session) = args.input.session()? {
            return Ok(Self::Replayed(Arc::new(session)));
        }
        let live = live(LiveConfig {
            sources: args.registries.sources()?,
            docker_config: args.registries.docker_config()?,
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
            Self::Replayed(replay) => warn_of_leftovers(&replay.leftovers())?,
        }
        Ok(())
    }
}

/// The Docker config.json at this path: kwctl takes its folder, Docker itself the file. Without one every registry would be asked anonymously.
fn docker_config(path: &Path) -> Result<PathBuf> {
    let file = if path.is_dir() { path.join("config.json") } else { path.to_owned() };
    match fs::read_to_string(&file) {
        Ok(text) => match serde_json::from_str::<serde_json::Map<String, Value>>(&text) {
            Ok(_) => Ok(file),
            Err(error) => bail!("the Docker configuration {} is not a JSON object: {error}", file.display()),
        },
        Err(error) => bail!("cannot read the Docker configuration {}: {error}", file.display()),
    }
}

fn warn_of_leftovers(leftovers: &[HostRequest]) -> Result<()> {
    if !leftovers.is_empty() {
        tell(&format!("Warning: {} of the recorded exchanges have not been replayed:", leftovers.len()))?;
        for request in leftovers {
            tell(&format!("  {request:?}"))?;
        }
    }
    Ok(())
}
