//! Does the policy server stay responsive while somebody attacks its availability?
//!
//! As in policy-server: a number of workers, of which each request holds one until it is answered, and one host for all of them. Some threads send requests
//! that cost as much as a tenant can make them cost; meanwhile another tenant's request, which a static rule decides, is sent again and again.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::value_parser;
use image_trust_host::{AdmissionRequest, Deadline, Gate, Live, LiveConfig, Policy};
use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer, digest_of, signature_tag};
use serde_json::{Value, json};

use super::{Module, cases, progress, table};
use image_trust_cli::demo::warm_up;

pub(super) const NOTE: &str = "waiting for a worker counts; idle: nobody attacks; ratio: the 99th percentile next to the idle one of as many workers\n\
    a request of an attack: 100 images, or one, that nobody has asked for yet, in a registry that answers every request after 5 ms";

/// The delay of each answer of the registry.
const LATE: Duration = Duration::from_millis(5);
/// The number of images that a request may name.
const IMAGES: usize = 100;
const REPOSITORY: &str = "app";
/// The size of a payload that somebody pushed, in bytes.
const PAYLOAD: usize = 64 << 20;
/// The digest that the signatures of an attack are for.
const SIGNED: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
/// The number of requests of an attack that are in flight.
const ATTACKERS: usize = 4;
/// As many workers as a machine with two cores has by default, and more than there are attackers.
const WORKERS: [usize; 2] = [2, 8];

/// The arguments of `bench attack`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Measure how long a request that a static rule decides takes, while others attack for so many seconds each
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..), conflicts_with_all = ["request_path", "late_registry", "load", "growth", "rounds"])]
    pub(super) attack: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Attack {
    Idle,
    Unsigned,
    BesideADenial,
    Detecting,
    Payload,
}

impl Attack {
    const ALL: [Attack; 5] =
        [Attack::Idle, Attack::Unsigned, Attack::BesideADenial, Attack::Detecting, Attack::Payload];

    fn name(self) -> &'static str {
        match self {
            Attack::Idle => "idle",
            Attack::Unsigned => "unsigned digests",
            Attack::BesideADenial => "unsigned digests beside one that is denied",
            Attack::Detecting => "unsigned digests in detection mode",
            Attack::Payload => "a signature over a payload of 64 MiB",
        }
    }

    fn settings(self, registry: &str) -> Value {
        json!({
            "validators": [
                {"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": Signer::named("alice").public_pem()}]},
                {"name": "allow", "type": "static", "approve": true},
            ],
            "policy": [{"pattern": format!("{registry}/*:*")}, {"pattern": "static.example.com/*", "validator": "allow"}],
            "features": {"detectionMode": self == Attack::Detecting, "automaticChildApproval": false},
        })
    }

    /// The request that an attacker sends as this one of all.
    fn request(self, registry: &Registry, number: usize) -> Result<AdmissionRequest> {
        let host = registry.host();
        if self == Attack::Payload {
            let (tag, text) = (format!("v{number}"), number.to_string());
            let digest = registry.push_image(REPOSITORY, &tag, ImageKind::Oci, &text);
            copy_signature(registry, &digest)?;
            return cases::request(&[format!("{host}/{REPOSITORY}:{tag}")]);
        }
        let digest = |n: usize| format!("{host}/{REPOSITORY}@{}", digest_of(format!("{number} {n}").as_bytes()));
        let mut images: Vec<String> = (0..IMAGES).map(digest).collect();
        if let (Attack::BesideADenial, Some(first)) = (self, images.first_mut()) {
            *first = "evil.example.com/x:1".to_owned();
        }
        cases::request(&images)
    }
}

/// Puts the one signature beside another image, as whoever may push can.
fn copy_signature(registry: &Registry, digest: &str) -> Result<()> {
    let signatures = registry.manifest(REPOSITORY, &signature_tag(SIGNED)).context("no signature to copy")?;
    registry.put_manifest(REPOSITORY, Some(&signature_tag(digest)), &signatures.media_type, &signatures.bytes);
    Ok(())
}

/// Lets as many requests through at once as there are workers, in the order in which they came, as policy-server's semaphore does.
struct Workers {
    queue: Mutex<Queue>,
    moved: Condvar,
}

struct Queue {
    free: usize,
    /// The number of requests that came, and the number that was let through.
    came: usize,
    started: usize,
}

impl Workers {
    fn new(free: usize) -> Self {
        Self { queue: Mutex::new(Queue { free, came: 0, started: 0 }), moved: Condvar::new() }
    }

    fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let place = queue.came;
        queue.came += 1;
        while queue.free == 0 || queue.started != place {
            queue = self.moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.free -= 1;
        queue.started += 1;
        drop(queue);
        self.moved.notify_all();
        let done = work();
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).free += 1;
        self.moved.notify_all();
        done
    }
}

/// The measurements of one attack.
struct Seen {
    /// The latencies of the static requests, the shortest first.
    waited: Vec<Duration>,
    attacks: usize,
    host_calls: usize,
}

impl Seen {
    fn percentile(&self, percent: usize) -> Duration {
        let at = self.waited.len() * percent / 100;
        self.waited.get(at).or(self.waited.last()).copied().unwrap_or_default()
    }
}

pub(super) fn measure(modules: &[Module], seconds: u64) -> Result<String> {
    let registry = Registry::start().context("cannot start a registry on loopback")?;
    Signer::named("alice").sign_payload(&registry, REPOSITORY, SIGNED, &" ".repeat(PAYLOAD))?;
    registry.fail(Scope::Everywhere, Fault::Late(LATE));
    let progress = progress(modules.len() * WORKERS.len() * Attack::ALL.len());
    let mut rows = Vec::new();
    for module in modules {
        for workers in WORKERS {
            let mut idle = None;
            for attack in Attack::ALL {
                progress.set_message(format!("{}, {workers} workers, {}", module.label, attack.name()));
                let seen = one(module, &registry, workers, attack, Duration::from_secs(seconds))?;
                let slowest = seen.percentile(99);
                let ratio = slowest.as_secs_f64() / idle.get_or_insert(slowest).as_secs_f64();
                let ms = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1_000.0);
                let calls = seen.host_calls.checked_div(seen.attacks).unwrap_or_default();
                rows.push(vec![
                    module.label.clone(),
                    attack.name().to_owned(),
                    workers.to_string(),
                    seen.waited.len().to_string(),
                    ms(seen.percentile(50)),
                    ms(slowest),
                    format!("{ratio:.1}"),
                    seen.attacks.to_string(),
                    calls.to_string(),
                ]);
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    let header =
        ["", "attack", "workers", "static requests", "p50, ms", "p99, ms", "ratio", "attacks", "host calls of one"];
    Ok(table(2, header.map(str::to_owned).to_vec(), rows).to_string())
}

/// Runs one attack against one module with this number of workers.
fn one(module: &Module, registry: &Registry, workers: usize, attack: Attack, duration: Duration) -> Result<Seen> {
    let host = registry.host();
    let settings = attack.settings(&host);
    module.check_settings(&settings)?;
    let live = Arc::new(Live::new(LiveConfig::loopback([host.clone()]))?);
    warm_up(&live, &host);
    let workers = Workers::new(workers);
    let (over, number, host_calls) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let evaluate = |policy: &Policy, request: &AdmissionRequest| {
        let host = Arc::new(Gate::new(Arc::clone(&live)));
        workers.with(|| policy.evaluate(request, &settings, host, Deadline::Off))
    };
    let waited = thread::scope(|scope| {
        let attackers: Vec<_> = (0..if attack == Attack::Idle { 0 } else { ATTACKERS })
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while !over.load(Ordering::Relaxed) {
                        let request = attack.request(registry, number.fetch_add(1, Ordering::Relaxed))?;
                        let came = evaluate(&module.policy, &request)?;
                        host_calls.fetch_add(came.calls.len(), Ordering::Relaxed);
                        ensure!(
                            came.response.allowed == (attack == Attack::Detecting),
                            "{}: {:?}",
                            attack.name(),
                            came.response.status
                        );
                    }
                    Ok(())
                })
            })
            .collect();
        let waited = ask(&module.policy, duration, &evaluate);
        over.store(true, Ordering::Relaxed);
        for attacker in attackers {
            attacker.join().map_err(|_| anyhow!("an attacker broke down"))??;
        }
        waited
    })?;
    Ok(Seen { waited, attacks: number.into_inner(), host_calls: host_calls.into_inner() })
}

/// Sends the other tenant's request, one after the other.
fn ask<E>(policy: &Policy, duration: Duration, evaluate: &E) -> Result<Vec<Duration>>
where
    E: Fn(&Policy, &AdmissionRequest) -> Result<image_trust_host::Evaluation>,
{
    let request = cases::request(&["static.example.com/app:v1".to_owned()])?;
    let started = Instant::now();
    let mut waited = Vec::new();
    while started.elapsed() < duration {
        let sent = Instant::now();
        let came = evaluate(policy, &request)?;
        ensure!(came.response.allowed, "the static request: {:?}", came.response.status);
        waited.push(sent.elapsed());
    }
    waited.sort_unstable();
    Ok(waited)
}
