//! What does the policy say? One compiled policy, and the three things a host asks of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use wasmtime::Cache;

use crate::admission::AdmissionRequest;
use crate::capabilities::{ContextAwareResource, HostCapabilities};
use crate::journal::{HostCall, Journal};
use crate::metadata::Metadata;
use crate::response::AdmissionResponse;
use crate::wasm::{CallError, CompiledModule, Deadline, TICK, user_cache};

/// policy-server's answer when the deadline strikes.
const DEADLINE: &str = "Policy execution interrupted because it exceeded the allowed execution time";

/// A policy, compiled once and evaluated any number of times, from any number of threads; every evaluation has its own instance.
pub struct Policy {
    module: CompiledModule,
    metadata: Option<Metadata>,
}

/// The result of one evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The response that the cluster would get.
    pub response: AdmissionResponse,
    /// What the guest returned, byte for byte; empty if it returned nothing.
    pub raw: Vec<u8>,
    /// The host calls it made, in order, log lines apart.
    pub calls: Vec<HostCall>,
    /// The lines that the policy logged, as it sent them.
    pub logs: Vec<String>,
    /// From instantiation to answer, without compilation.
    pub elapsed: Duration,
}

#[derive(Deserialize)]
struct SettingsVerdict {
    valid: bool,
    message: Option<String>,
}

impl Policy {
    /// Compiles the module in the file `path`. The compiled module is kept in the user's cache folder, so that the next program need not compile it.
    pub fn load(path: &Path) -> Result<Self> {
        let wasm = fs::read(path).with_context(|| format!("cannot read the policy {}", path.display()))?;
        Self::compiled(&wasm, TICK, user_cache()).with_context(|| format!("cannot load the policy {}", path.display()))
    }

    /// Compiles a module from its bytes.
    pub fn from_wasm(wasm: &[u8]) -> Result<Self> {
        Self::compiled(wasm, TICK, None)
    }

    fn compiled(wasm: &[u8], tick: Duration, cache: Option<Cache>) -> Result<Self> {
        Ok(Self { module: CompiledModule::new(wasm, tick, cache)?, metadata: Metadata::of_module(wasm)? })
    }

    /// The Kubernetes resources the module's metadata asks for; none for a module that is not annotated.
    pub fn context_aware_resources(&self) -> BTreeSet<ContextAwareResource> {
        self.metadata.as_ref().map(|metadata| metadata.context_aware_resources.clone()).unwrap_or_default()
    }

    /// Evaluates one request in a fresh instance, as policy-server does.
    ///
    /// An error means that there was no instance to ask; policy-server answers those with HTTP 500 and no AdmissionResponse. A guest that
    /// fails or runs out of time is a response.
    pub fn evaluate(
        &self,
        request: &AdmissionRequest,
        settings: &Value,
        host: Arc<dyn HostCapabilities>,
        deadline: Deadline,
    ) -> Result<Evaluation> {
        let started = Instant::now();
        let (payload, object) = request.payload(settings)?;
        let journal = Arc::new(Journal::default());
        let instance = self.module.instantiate(journal.keep(host), deadline)?;
        let answer = instance.call("validate", &payload);
        let elapsed = started.elapsed();
        let (response, raw) = match answer {
            Ok(raw) => (AdmissionResponse::from_guest(&request.uid, object.as_ref(), &raw), raw),
            Err(CallError::Deadline) => {
                (AdmissionResponse::reject(&request.uid, DEADLINE.to_owned(), Some(500)), Vec::new())
            }
            Err(CallError::Guest(e)) => (AdmissionResponse::internal_error(&request.uid, e), Vec::new()),
        };
        let (calls, logs) = journal.take();
        Ok(Evaluation { response, raw, calls, logs, elapsed })
    }

    /// Asks the policy whether it would start with these settings. The error is its message, in the host's words where it gives none.
    ///
    /// A host call at this time is an error of its own: kwctl answers it, but policy-server is not listening yet and dies of it.
    pub fn check_settings(&self, settings: &Value) -> Result<(), String> {
        let journal = Arc::new(Journal::default());
        let instance = self
            .module
            .instantiate(journal.keep(Arc::new(NotListening)), Deadline::Off)
            .map_err(|e| format!("{e:#}"))?;
        let payload = serde_json::to_vec(settings).map_err(|e| format!("cannot serialize the settings: {e}"))?;
        let answer = instance.call("validate_settings", &payload);
        let (calls, _) = journal.take();
        if let Some(call) = calls.first() {
            return Err(format!(
                "the policy called {} while it checked its settings; policy-server can't answer yet and exits with 101",
                call.capability
            ));
        }
        let verdict = match answer {
            Ok(answer) => serde_json::from_slice::<SettingsVerdict>(&answer)
                .map_err(|e| format!("error: InvalidResponseWithError({e:?})"))?,
            Err(CallError::Guest(e)) => {
                return Err(format!("Error invoking settings validation callback: {e:?}"));
            }
            Err(CallError::Deadline) => {
                return Err(format!("Error invoking settings validation callback: {DEADLINE}"));
            }
        };
        if verdict.valid { Ok(()) } else { Err(verdict.message.unwrap_or_default()) }
    }

    /// The waPC protocol the policy speaks, as `kwctl annotate` asks it.
    pub fn protocol_version(&self) -> Result<String> {
        let journal = Arc::new(Journal::default());
        let instance = self.module.instantiate(journal.keep(Arc::new(NotListening)), Deadline::Off)?;
        let answer = instance
            .call("protocol_version", &[])
            .map_err(|e| anyhow::anyhow!("cannot invoke 'protocol_version' waPC function : {e}"))?;
        serde_json::from_slice(&answer).with_context(|| {
            format!("cannot create ProtocolVersion object from {:?}", String::from_utf8_lossy(&answer))
        })
    }
}

/// The host before it serves: log lines are taken, everything else is not.
struct NotListening;

impl HostCapabilities for NotListening {
    fn call(&self, _: &str, namespace: &str, _: &str, _: &[u8]) -> Result<Vec<u8>, String> {
        match namespace {
            "tracing" => Ok(Vec::new()),
            _ => Err("the host is not listening yet".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capabilities::{Answers, Gate};
    use crate::host_request::HostRequest;
    use image_trust_testbed::guests;
    use serde_json::json;

    /// Answers manifest digests, and nothing else.
    struct Digests;

    impl Answers for Digests {
        fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
            match request {
                HostRequest::OciManifestDigest { .. } => Ok(br#"{"accepted":true}"#.to_vec()),
                _ => Err(anyhow::anyhow!("no")),
            }
        }
    }

    fn request() -> AdmissionRequest {
        let text = r#"{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
            "operation":"CREATE","userInfo":{},"object":{"a":1}}"#;
        AdmissionRequest::from_json(text).expect("a request")
    }

    fn evaluate(wasm: &[u8], deadline: Deadline) -> Evaluation {
        // a quick clock, so that a deadline is not a sleep
        let policy = Policy::compiled(wasm, Duration::from_millis(5), None).expect("a policy");
        policy.evaluate(&request(), &json!({"s": 1}), Arc::new(Gate::new(Digests)), deadline).expect("an evaluation")
    }

    #[test]
    fn a_guest_that_fails_is_a_500_in_the_hosts_words() {
        // the guest, the message's beginning
        let table = [
            (guests::failing("boom"), "internal server error: Guest call failure: boom"),
            (guests::trapping(), "internal server error: Guest call failure: error while executing at wasm backtrace:"),
            (guests::endless(), "Policy execution interrupted because it exceeded the allowed execution time"),
            (guests::answering("{}"), "internal server error: invalid response from policy: missing field `accepted`"),
        ];
        for (wasm, expected) in table {
            let response = evaluate(&wasm, Deadline::Ticks(2)).response;
            let status = response.status.expect("a status");
            assert!(!response.allowed && status.code == Some(500));
            let message = status.message.expect("a message");
            assert!(message.starts_with(expected), "{message}, expected {expected}");
        }
    }

    #[test]
    fn a_guest_that_never_gets_ready_is_no_response_at_all() {
        let policy = Policy::compiled(&guests::never_ready(), Duration::from_millis(5), None).expect("a policy");
        let host = Arc::new(Gate::new(Digests));
        let answer = policy.evaluate(&request(), &json!({}), host, Deadline::Ticks(2));
        let message = format!("{:#}", answer.expect_err("no instance"));
        assert!(message.ends_with("wapc_init init interrupted, execution deadline exceeded"), "{message}");
    }

    #[test]
    fn one_policy_serves_many_threads() {
        let policy = Policy::from_wasm(&guests::answering(r#"{"accepted":true}"#)).expect("a policy");
        let evaluate = || {
            let host = Arc::new(Gate::new(Digests));
            policy.evaluate(&request(), &json!({}), host, Deadline::default()).is_ok_and(|e| e.response.allowed)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(evaluate)).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap_or(false)));
        });
    }

    #[test]
    fn every_request_has_its_own_instance() {
        let policy = Policy::from_wasm(&guests::counting()).expect("a policy");
        for _ in 0..3 {
            let host = Arc::new(Gate::new(Digests));
            let evaluation = policy.evaluate(&request(), &json!({}), host, Deadline::Off).expect("an evaluation");
            assert_eq!(evaluation.raw, br#"{"accepted":true,"code":41}"#);
        }
    }

    #[test]
    fn the_guest_reads_request_and_settings() {
        let raw = evaluate(&guests::echo(), Deadline::Off).raw;
        let read: Value = serde_json::from_slice(&raw).expect("JSON");
        assert_eq!((&read["settings"], &read["request"]["object"]), (&json!({"s": 1}), &json!({"a": 1})));
    }

    #[test]
    fn host_calls_are_answered_and_listed() {
        let digest = evaluate(&guests::calling("oci", "v1/manifest_digest", r#""busybox""#), Deadline::default());
        assert!(digest.response.allowed);
        let call = &digest.calls[0];
        assert_eq!((call.capability.as_str(), call.payload.as_str()), ("oci/v1/manifest_digest", r#""busybox""#));
        assert_eq!(call.answer.as_ref().map(Vec::len), Ok(17));

        let manifest = evaluate(&guests::calling("oci", "v1/oci_manifest", r#""busybox""#), Deadline::default());
        assert_eq!(manifest.calls[0].answer, Err("Callback evaluation failure: no".to_owned()));
        let message = manifest.response.status.and_then(|s| s.message);
        assert_eq!(
            message.as_deref(),
            Some("internal server error: Guest call failure: Callback evaluation failure: no")
        );

        let log =
            evaluate(&guests::calling("tracing", "log", r#"{"level":"info","message":"hi"}"#), Deadline::default());
        assert_eq!((log.calls.len(), log.logs), (0, vec![r#"{"level":"info","message":"hi"}"#.to_owned()]));
    }

    #[test]
    fn settings_are_checked_without_a_host() {
        // the guest, what is wrong with the settings
        let table = [
            (guests::answering(r#"{"valid":true,"message":"ignored"}"#), None),
            (guests::answering(r#"{"valid":false,"message":"bad key"}"#), Some("bad key")),
            (guests::answering(r#"{"valid":false,"message":null}"#), Some("")),
            (guests::failing("boom"), Some("Error invoking settings validation callback: GuestCallFailure(\"boom\")")),
            (
                guests::answering("{}"),
                Some("error: InvalidResponseWithError(Error(\"missing field `valid`\", line: 1, column: 2))"),
            ),
            (
                guests::calling("oci", "v1/manifest_digest", r#""a""#),
                Some(
                    "the policy called oci/v1/manifest_digest while it checked its settings; policy-server can't answer yet and exits with 101",
                ),
            ),
        ];
        for (wasm, expected) in table {
            let policy = Policy::from_wasm(&wasm).expect("a policy");
            assert_eq!(policy.check_settings(&json!({})).err().as_deref(), expected);
        }
    }

    #[test]
    fn what_is_no_policy_says_so() {
        let no_guest_call = wat::parse_str("(module (memory (export \"memory\") 1))").expect("wasm");
        let policy = Policy::from_wasm(&no_guest_call).expect("it compiles");
        let answer = policy.evaluate(&request(), &json!({}), Arc::new(Gate::new(Digests)), Deadline::Off);
        let message = format!("{:#}", answer.expect_err("no instance"));
        assert!(message.contains("__guest_call"), "{message}");
        assert!(Policy::from_wasm(b"MZ").is_err());
    }
}
