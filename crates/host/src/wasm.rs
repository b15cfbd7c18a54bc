//! How does one policy module run? Compiled once, a fresh waPC instance per request, interrupted when its time is up.

use std::fmt;
use std::sync::Once;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use wapc::WapcHost;
use wasmtime::{Cache, CacheConfig, Config, Engine};
use wasmtime_provider::{EpochDeadlines, WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre};

/// The interval of policy-server's epoch ticker.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// What wasmtime-provider writes when a guest call is interrupted; there is no typed error for it.
const INTERRUPTED: &str = "guest code interrupted, execution deadline exceeded";

/// How long a guest may run. Each of initialisation and guest call has the whole deadline.
///
/// Time blocked in a host call counts, but the guest is only interrupted once its own code runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// policy-server's: N ticks of a free-running one second clock are between N-1 and N seconds.
    Ticks(u64),
    /// No deadline, as in kwctl.
    Off,
}

impl Default for Deadline {
    /// The deadline of policy-server by default, `--policy-timeout 2`.
    fn default() -> Self {
        Self::Ticks(2)
    }
}

impl Deadline {
    fn epochs(self) -> EpochDeadlines {
        let ticks = match self {
            Self::Ticks(ticks) => ticks,
            // A store without a deadline traps at once; half the range can't be reached and can't overflow.
            Self::Off => u64::MAX / 2,
        };
        EpochDeadlines { wapc_init: ticks, wapc_func: ticks }
    }
}

/// The function the guest's host calls end in.
pub(crate) type HostFunction = Box<wapc::HostCallback>;

/// A module, compiled for epoch interruption, ready to be instantiated any number of times.
pub(crate) struct CompiledModule {
    engine: Engine,
    prepared: WasmtimeEngineProviderPre,
    tick: Duration,
    ticker: Once,
}

/// The reason for which a call of the guest has no answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The deadline passed.
    Deadline,
    /// The guest returned an error or trapped.
    Guest(wapc::errors::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str(INTERRUPTED),
            Self::Guest(e) => e.fmt(f),
        }
    }
}

impl CompiledModule {
    /// Compiles the bytes of a `.wasm` file, or finds them compiled in the cache.
    pub(crate) fn new(wasm: &[u8], tick: Duration, cache: Option<Cache>) -> Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true).cache(cache);
        let engine = Engine::new(&config).map_err(|e| anyhow::anyhow!("cannot set up wasmtime: {e:#}"))?;
        let module = wasmtime::Module::new(&engine, wasm)
            .map_err(|e| anyhow::anyhow!("not a WebAssembly module that wasmtime can compile: {e:#}"))?;
        let prepared = WasmtimeEngineProviderBuilder::new()
            .engine(engine.clone())
            .module(module)
            .build_pre()
            .context("the module imports something that a waPC host does not offer")?;
        Ok(Self { engine, prepared, tick, ticker: Once::new() })
    }

    /// A fresh instance, initialised: `_start` and `wapc_init` have run.
    pub(crate) fn instantiate(&self, host: HostFunction, deadline: Deadline) -> Result<Instance> {
        if deadline != Deadline::Off {
            self.start_ticker();
        }
        let provider = self.prepared.rehydrate(Some(deadline.epochs()))?;
        let host = WapcHost::new(Box::new(provider), Some(host)).context("the policy cannot be started")?;
        Ok(Instance(host))
    }

    /// Starts the clock that deadlines are counted in. It runs freely, as policy-server's does, and ends after the engine has gone.
    fn start_ticker(&self) {
        self.ticker.call_once(|| {
            let engine = self.engine.weak();
            let tick = self.tick;
            thread::spawn(move || {
                loop {
                    thread::sleep(tick);
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            });
        });
    }
}

/// The cache of compiled modules in the user's cache folder, which wasmtime keeps by its version, its configuration and the module's bytes. There is none if the
/// folder cannot be written, as in a container without a home. wasmtime runs what lies there unchecked, so nobody else may write to the folder.
pub(crate) fn user_cache() -> Option<Cache> {
    Cache::new(CacheConfig::new()).ok()
}

/// A running instance of the guest.
pub(crate) struct Instance(WapcHost);

impl Instance {
    /// Calls a guest function by its waPC name.
    pub(crate) fn call(&self, function: &str, payload: &[u8]) -> Result<Vec<u8>, CallError> {
        self.0
            .call(function, payload)
            .map_err(|e| if e.to_string().contains(INTERRUPTED) { CallError::Deadline } else { CallError::Guest(e) })
    }
}

/// A closure as a host function.
pub(crate) fn host_function<F>(answer: F) -> HostFunction
where
    F: Fn(&str, &str, &str, &[u8]) -> Result<Vec<u8>, String> + Send + Sync + 'static,
{
    Box::new(move |_id, binding, namespace, operation, payload| {
        answer(binding, namespace, operation, payload).map_err(Into::into)
    })
}
