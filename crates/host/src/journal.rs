//! What did a guest ask during one call? A journal between guest and host.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::capabilities::HostCapabilities;
use crate::wasm::{HostFunction, host_function};

/// One host call of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall {
    /// The name of the capability, such as `oci/v1/oci_manifest`.
    pub capability: String,
    /// The payload of the call, as text.
    pub payload: String,
    /// The answer, or the text of the error.
    pub answer: Result<Vec<u8>, String>,
    /// The time for which the guest waited.
    pub elapsed: Duration,
}

/// The host calls in order, and the log lines.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    calls: Vec<HostCall>,
    logs: Vec<String>,
}

impl Journal {
    /// `host`, with every call written down.
    pub(crate) fn keep(self: &Arc<Self>, host: Arc<dyn HostCapabilities>) -> HostFunction {
        let journal = Arc::clone(self);
        host_function(move |binding, namespace, operation, payload| {
            let started = Instant::now();
            let answer = host.call(binding, namespace, operation, payload);
            let elapsed = started.elapsed();
            let payload = String::from_utf8_lossy(payload).into_owned();
            if namespace == "tracing" {
                journal.entries().logs.push(payload);
            } else {
                journal.entries().calls.push(HostCall {
                    capability: format!("{namespace}/{operation}"),
                    payload,
                    answer: answer.clone(),
                    elapsed,
                });
            }
            answer
        })
    }

    /// Calls and log lines so far; the journal is empty afterwards.
    pub(crate) fn take(&self) -> (Vec<HostCall>, Vec<String>) {
        let Entries { calls, logs } = std::mem::take(&mut *self.entries());
        (calls, logs)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
