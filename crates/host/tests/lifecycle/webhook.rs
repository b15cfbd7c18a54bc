//! What does the policy say of a write, and at what cost? The real module behind the API server, with its host.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::ensure;
use image_trust_host::{
    AdmissionRequest, Answers, Cluster, ContextAwareResource, Deadline, Gate, HostRequest, Live, LiveConfig, Metadata,
    Policy, UserInfo,
};
use image_trust_testbed::loopback::Registry;
use serde_json::Value;

/// What is stored, by kind and name; all of it is in one namespace.
pub(crate) type Objects = BTreeMap<(String, String), Value>;

/// The module, compiled once for all tests.
fn module() -> &'static Policy {
    static MODULE: OnceLock<Policy> = OnceLock::new();
    MODULE.get_or_init(|| Policy::load(&checkout().join("policy.wasm")).expect("`make policy.wasm` builds the module"))
}

pub(crate) fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The resources that the policy may look up when it is deployed.
fn resources() -> BTreeSet<ContextAwareResource> {
    let text = std::fs::read_to_string(checkout().join("metadata.yml")).unwrap();
    serde_yaml::from_str::<Metadata>(&text).unwrap().context_aware_resources
}

/// The policy server's host: the cluster as it is now, and the registry.
struct Host {
    objects: Arc<Mutex<Objects>>,
    live: Arc<Live>,
}

impl Answers for Host {
    fn answer(&self, request: &HostRequest) -> anyhow::Result<Vec<u8>> {
        let HostRequest::KubernetesGetResource { api_version, kind, name, namespace, disable_cache, field_masks } =
            request
        else {
            return self.live.answer(request);
        };
        ensure!(*disable_cache, "an owner that is five seconds old proves nothing");
        let objects = self.objects.lock().unwrap().values().cloned().collect::<Vec<_>>();
        Cluster::of(objects)?.get(api_version, kind, name, namespace.as_deref(), field_masks.as_ref())
    }
}

/// A write that is not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) kind: String,
    pub(crate) code: u16,
    pub(crate) message: String,
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} denied, {}", self.kind, self.code)
    }
}

/// What was asked of the host, what that asked of the registry, pings included, and what the audit records say became of images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) calls: usize,
    pub(crate) requests: usize,
    pub(crate) verdicts: BTreeSet<String>,
}

pub(crate) struct Webhook {
    pub(crate) registry: Registry,
    settings: Value,
    resources: BTreeSet<ContextAwareResource>,
    objects: Arc<Mutex<Objects>>,
    live: Arc<Live>,
    cost: Cost,
}

impl Webhook {
    pub(crate) fn new(registry: Registry, settings: Value, objects: Arc<Mutex<Objects>>) -> Self {
        let live = new_host(&registry);
        let (settings, resources, cost) = (checked(settings), resources(), Cost::default());
        Self { registry, settings, resources, objects, live, cost }
    }

    /// Makes the policy an AdmissionPolicy, which cannot look anything up.
    pub(crate) fn be_namespaced(&mut self) {
        self.resources.clear();
    }

    pub(crate) fn configure(&mut self, settings: Value) {
        self.settings = checked(settings);
    }

    /// Makes the host forget all answers, as if a minute had passed.
    pub(crate) fn forget(&mut self) {
        self.live = new_host(&self.registry);
    }

    /// The cost of all requests since the last call of this function.
    pub(crate) fn take_cost(&mut self) -> Cost {
        std::mem::take(&mut self.cost)
    }

    /// The object as it may be stored.
    pub(crate) fn admit(&mut self, user: &str, mut request: AdmissionRequest) -> Result<Option<Value>, Denied> {
        request.user_info = UserInfo { username: Some(user.to_owned()), ..UserInfo::default() };
        let host = Host { objects: Arc::clone(&self.objects), live: Arc::clone(&self.live) };
        let gate = Arc::new(Gate::new(host).with_resources(self.resources.clone()));
        self.registry.forget_requests();
        // No deadline: what is tested is never how busy this machine is.
        let evaluation = module().evaluate(&request, &self.settings, gate, Deadline::Off).unwrap();
        self.cost.calls += evaluation.calls.len();
        self.cost.requests += self.registry.requests().len();
        for record in evaluation.response.audit_annotations.iter().flat_map(|records| records.values()) {
            let record: Value = serde_json::from_str(record).unwrap();
            self.cost.verdicts.insert(record["verdict"].as_str().expect("a record has a verdict").to_owned());
        }
        let (response, status) = (&evaluation.response, evaluation.response.status.clone().unwrap_or_default());
        assert_ne!(status.code, Some(500), "the policy failed at {request:?}: {status:?}");
        if !response.allowed {
            let (code, message) = (status.code.unwrap_or(0), status.message.unwrap_or_default());
            return Err(Denied { kind: request.kind.kind, code, message });
        }
        if let (Some(object), Some(patch)) = (&mut request.object, response.decoded_patch().unwrap()) {
            json_patch::patch(object, &patch).unwrap();
        }
        Ok(request.object)
    }
}

fn checked(settings: Value) -> Value {
    module().check_settings(&settings).unwrap();
    settings
}

fn new_host(registry: &Registry) -> Arc<Live> {
    Arc::new(Live::new(LiveConfig::loopback([registry.host()])).unwrap())
}
