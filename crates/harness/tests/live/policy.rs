//! The module under test, and rows of what it has to say.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use image_trust_harness::{AdmissionRequest, Deadline, Evaluation, Gate, Live, LiveConfig, Policy};
use json_patch::PatchOperation;
use serde_json::{Value, json};

/// The module, compiled once for all tests.
fn module() -> &'static Policy {
    static MODULE: OnceLock<Policy> = OnceLock::new();
    MODULE.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
        Policy::load(&path).expect("`make policy.wasm` builds the module")
    })
}

/// A host without a memory yet, that reaches these registries and nothing else.
pub(crate) fn host(registries: &[&str]) -> Arc<Live> {
    Arc::new(Live::new(LiveConfig::loopback(registries.iter().map(|host| host.to_string()))).unwrap())
}

/// One rule, for everything in this registry, with these names for these keys. No deadline: what is tested is never how busy this machine is.
pub(crate) fn settings(registry: &str, keys: &[(&str, String)], rule: &Value) -> Value {
    let roots: Vec<_> = keys.iter().map(|(name, key)| json!({"name": name, "key": key})).collect();
    let mut rule = rule.clone();
    rule["pattern"] = json!(format!("{registry}/*:*"));
    json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": roots}],
        "policy": [rule],
        "features": {"timeBudgetMs": 30_000},
    })
}

/// A rule that asks for one trust root.
pub(crate) fn by(name: &str) -> Value {
    json!({"with": {"trustRoot": name}})
}

pub(crate) fn evaluate(request: &AdmissionRequest, settings: &Value, host: &Arc<Live>) -> Evaluation {
    module().check_settings(settings).unwrap();
    let gate = Arc::new(Gate::new(Arc::clone(host)));
    let evaluation = module().evaluate(request, settings, gate, Deadline::Off).unwrap();
    for call in &evaluation.calls {
        if let Err(text) = &call.answer {
            println!("{}: {text}", call.payload);
        }
    }
    evaluation
}

/// What the patch writes, by place.
pub(crate) fn pins(evaluation: &Evaluation) -> Vec<(String, String)> {
    let patch = evaluation.response.decoded_patch().unwrap();
    let operations = patch.map_or_else(Vec::new, |patch| patch.0);
    let pin = |operation: PatchOperation| match operation {
        PatchOperation::Replace(it) => (it.path.to_string(), it.value.as_str().unwrap().to_owned()),
        other => panic!("a pin replaces an image: {other:?}"),
    };
    operations.into_iter().map(pin).collect()
}

/// What has to come out for one image.
#[derive(Debug)]
pub(crate) enum Expect<'a> {
    /// Admitted, with this digest behind what the user wrote.
    Pinned(&'a str),
    /// Denied with this code, in these words, after the host said that.
    Denied(u16, &'a str, &'a str),
}

/// An image in a Pod, and what becomes of it.
pub(crate) struct Row<'a> {
    pub(crate) image: String,
    pub(crate) rule: Value,
    pub(crate) host_calls: usize,
    pub(crate) expect: Expect<'a>,
    pub(crate) why: &'a str,
}

/// Panics with every row that did not come out.
pub(crate) fn check(rows: &[Row<'_>], registry: &str, keys: &[(&str, String)], host: &Arc<Live>) {
    let failures: Vec<String> = rows.iter().filter_map(|row| row.failure(registry, keys, host)).collect();
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

impl Row<'_> {
    fn failure(&self, registry: &str, keys: &[(&str, String)], host: &Arc<Live>) -> Option<String> {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
            "spec": {"containers": [{"name": "c", "image": self.image}]},
        });
        let request = AdmissionRequest::create(pod).unwrap();
        let came = evaluate(&request, &settings(registry, keys, &self.rule), host);
        let pins = pins(&came);
        let status = came.response.status.clone().unwrap_or_default();
        let message = status.message.unwrap_or_default();
        let said: String = came.calls.iter().filter_map(|call| call.answer.clone().err()).collect();
        let as_expected = match self.expect {
            Expect::Pinned(digest) => {
                let pin = ("/spec/containers/0/image".to_owned(), format!("{}@{digest}", self.image));
                came.response.allowed && pins == [pin]
            }
            Expect::Denied(code, words, host_words) => {
                let right = !came.response.allowed && pins.is_empty() && status.code == Some(code);
                right && message.contains(words) && said.contains(host_words)
            }
        };
        (!as_expected || came.calls.len() != self.host_calls).then(|| {
            format!(
                "{}, {}: {}: {:?} after {} host calls: allowed {}, {:?} {message}, pins {pins:?}, after {} calls; the host: {said:?}",
                self.image, self.rule, self.why, self.expect, self.host_calls, came.response.allowed, status.code, came.calls.len()
            )
        })
    }
}
