//! The module under test, and rows of what it has to say.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use image_trust_host::{AdmissionRequest, Deadline, Evaluation, Gate, HostCall, Live, LiveConfig, Policy};
use json_patch::PatchOperation;
use serde_json::{Value, json};

use crate::told::{flaw, other_than};

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
    let asks_host = rule.as_object_mut().and_then(|rule| rule.remove(ASKS_HOST)).unwrap_or(json!(false));
    rule["pattern"] = json!(format!("{registry}/*:*"));
    json!({
        "validators": [{"name": "default", "type": "cosign", "askHost": asks_host, "trustRoots": roots}],
        "policy": [rule],
        "features": {"timeBudgetMs": 30_000},
    })
}

/// Stands in a rule of these tests for the same key of its validator.
const ASKS_HOST: &str = "askHost";

/// The same rule of a validator that may ask the host about payloads that the guest cannot read.
pub(crate) fn asking(mut rule: Value) -> Value {
    rule[ASKS_HOST] = json!(true);
    rule
}

/// A rule that asks for one trust root.
pub(crate) fn by(name: &str) -> Value {
    json!({"with": {"trustRoot": name}})
}

/// Whether the module accepts these settings.
pub(crate) fn takes(settings: &Value) -> bool {
    module().check_settings(settings).is_ok()
}

pub(crate) fn evaluate(request: &AdmissionRequest, settings: &Value, host: &Arc<Live>) -> Evaluation {
    module().check_settings(settings).unwrap();
    let evaluation = evaluate_within(Deadline::Off, request, settings, host);
    for call in &evaluation.calls {
        if let Err(text) = &call.answer {
            println!("{}: {text}", call.payload);
        }
    }
    evaluation
}

/// Evaluates a request under a deadline, without a check of the settings.
pub(crate) fn evaluate_within(
    deadline: Deadline,
    request: &AdmissionRequest,
    settings: &Value,
    host: &Arc<Live>,
) -> Evaluation {
    let gate = Arc::new(Gate::new(Arc::clone(host)));
    module().evaluate(request, settings, gate, deadline).unwrap()
}

/// The creation of a Pod with this image.
pub(crate) fn pod(image: &str) -> AdmissionRequest {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [{"name": "c", "image": image}]},
    });
    AdmissionRequest::create(pod).unwrap()
}

/// The texts that the patch writes, with their places.
pub(crate) fn pins(evaluation: &Evaluation) -> Vec<(String, String)> {
    let patch = evaluation.response.decoded_patch().unwrap();
    let operations = patch.map_or_else(Vec::new, |patch| patch.0);
    let pin = |operation: PatchOperation| match operation {
        PatchOperation::Replace(it) => (it.path.to_string(), it.value.as_str().unwrap().to_owned()),
        other => panic!("a pin replaces an image: {other:?}"),
    };
    operations.into_iter().map(pin).collect()
}

/// The expected outcome for one image.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect<'a> {
    /// Admitted, with this digest behind what the user wrote, and this for evidence. The host had nothing to complain of.
    Pinned(&'a str, &'a str),
    /// Denied with this code and in [these words](crate::told::words), after the host said that; where that is empty, it had nothing to complain of.
    Denied(u16, &'a str, &'a str),
}

/// Evidence: the guest's own proof, and the host's word.
pub(crate) const GUEST: &str = r#"["signatureManifest"]"#;
pub(crate) const HOST: &str = r#"["host"]"#;

/// Host calls for a tag: those that a proof by the signature manifest takes.
pub(crate) const LOOK: &str = "manifest_digest oci_manifest";
/// The signature manifest proves too little, so the evidence manifest is looked at too.
pub(crate) const LOOK_ON: &str = "manifest_digest oci_manifest evidence";
/// The guest could not read a payload of the signature manifest, and may ask the host about it.
pub(crate) const ASK: &str = "manifest_digest oci_manifest evidence verify";
/// Nothing lies where signatures belong, and something refers to the image.
pub(crate) const LOOK_BESIDE: &str = "manifest_digest oci_manifest evidence oci_manifest";
/// Nothing lies where signatures belong, and nothing refers to the image. So the image itself is looked at: it could be an index.
pub(crate) const LOOK_AROUND: &str = "manifest_digest oci_manifest evidence oci_manifest oci_manifest";

/// An image in a Pod, and what becomes of it.
pub(crate) struct Row<'a> {
    pub(crate) image: String,
    pub(crate) rule: Value,
    /// The host calls in their order, each by its [`name`].
    pub(crate) calls: &'a str,
    pub(crate) expect: Expect<'a>,
    pub(crate) why: &'a str,
}

/// Panics with every row that did not come out.
pub(crate) fn check(rows: &[Row<'_>], registry: &str, keys: &[(&str, String)], host: &Arc<Live>) {
    let failures: Vec<String> = rows.iter().filter_map(|row| row.failure(registry, keys, host)).collect();
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

impl Row<'_> {
    /// The difference from the expected outcome, if there is one.
    pub(crate) fn failure(&self, registry: &str, keys: &[(&str, String)], host: &Arc<Live>) -> Option<String> {
        self.judge(&self.evaluate(registry, keys, host), keys)
    }

    pub(crate) fn evaluate(&self, registry: &str, keys: &[(&str, String)], host: &Arc<Live>) -> Evaluation {
        evaluate(&pod(&self.image), &settings(registry, keys, &self.rule), host)
    }

    pub(crate) fn judge(&self, came: &Evaluation, keys: &[(&str, String)]) -> Option<String> {
        let calls = came.calls.iter().map(name).collect::<Vec<&str>>().join(" ");
        let wrong = wrong(came, &self.image, &self.expect, keys)
            .or_else(|| (calls != self.calls).then(|| format!("expected the host calls {}", self.calls)));
        wrong.map(|what| {
            format!(
                "{}, {}: {}: {what}\n  came: {:?}, audit {:?}, pins {:?}, after {calls}; the host: {:?}",
                self.image,
                self.rule,
                self.why,
                came.response.status,
                came.response.audit_annotations,
                pins(came),
                complaints(came)
            )
        })
    }
}

/// The last word of a host call's name; `evidence` where it asks for the evidence manifest of an image.
fn name(call: &HostCall) -> &str {
    let is_evidence = call.payload.trim_end_matches('"').ends_with(".evidence");
    if is_evidence { "evidence" } else { call.capability.rsplit('/').next().unwrap_or_default() }
}

/// The errors that the host answered with. Hardly an image has an evidence manifest, so that it has none is no complaint.
fn complaints(came: &Evaluation) -> String {
    let is_complaint = |call: &&HostCall, text: &String| name(call) != "evidence" || !text.contains(NO_MANIFEST);
    let failed = came.calls.iter().filter_map(|call| Some((call, call.answer.clone().err()?)));
    failed.filter(|(call, text)| is_complaint(call, text)).map(|(_, text)| text).collect()
}

/// The registry's words, as the host hands them on, for a manifest that is not there.
const NO_MANIFEST: &str = "[OCI API error: manifest unknown]";

/// The first thing about this evaluation that is not as it has to be.
pub(crate) fn wrong(came: &Evaluation, image: &str, expect: &Expect<'_>, keys: &[(&str, String)]) -> Option<String> {
    let (pins, said) = (pins(came), complaints(came));
    if let Some(flaw) = flaw(came) {
        return Some(flaw);
    }
    match expect {
        Expect::Pinned(digest, evidence) => {
            let pin = ("/spec/containers/0/image".to_owned(), format!("{image}@{digest}"));
            // Where the user has written the digest, there is nothing to write.
            let expected = if image.ends_with(digest) { vec![] } else { vec![pin] };
            let proof = format!(r#""evidence":{evidence}"#);
            let audited = came.response.audit_annotations.iter().flat_map(|records| records.values());
            if !came.response.allowed || pins != expected {
                Some(format!("expected to be pinned to {digest}"))
            } else if !audited.into_iter().any(|record| record.contains(&proof)) {
                Some(format!("expected the audit record to say {proof}"))
            } else {
                (!said.is_empty()).then(|| "expected no complaint of the host".to_owned())
            }
        }
        Expect::Denied(code, words, host_words) => {
            let status = came.response.status.clone().unwrap_or_default();
            if came.response.allowed || !pins.is_empty() || status.code != Some(*code) {
                return Some(format!("expected a denial with {code}"));
            }
            let as_said = if host_words.is_empty() { said.is_empty() } else { said.contains(host_words) };
            let unsaid = (!as_said).then(|| format!("expected the host to say {host_words:?}"));
            other_than(words, came, keys).or(unsaid)
        }
    }
}
