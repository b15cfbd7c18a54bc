//! What does the policy do, seen once? A registry on loopback, a few images, and the real module deciding about them.

use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use image_trust_host::{
    AdmissionRequest, Answers as _, Deadline, Evaluation, Gate, HostRequest, Live, LiveConfig, Policy,
};
use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer};
use serde_json::{Value, json};

mod scenes;
mod show;
mod trust;

use crate::{evaluation::load, output::print, progress};
use scenes::{Asks, Promise, Scene};

/// Shows the policy at work on a registry of its own: who signed what, what is admitted, pinned and denied, and at what cost
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  every scene came out as promised
  1  a scene did not, or the demo failed
  2  the command line is wrong")]
pub(crate) struct Args {
    /// The policy's module
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
}

/// The outcome of a scene.
struct Outcome {
    evaluation: Evaluation,
    /// The number of requests that the registry got during the scene.
    requests: usize,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let policy = load(&args.policy)?;
    let registry = Registry::start().context("cannot start a registry on loopback")?;
    let host = registry.host();
    let live = Arc::new(Live::new(LiveConfig::loopback([host.clone()]))?);
    progress::during("signing images", || {
        warm_up(&live, &host);
        push_and_sign(&registry)
    })?;
    print(&format!("{}\n", show::opening(&host)))?;

    let scenes = scenes::all(&host);
    let mut kept = 0;
    let mut before = None;
    for (scene, number) in scenes.iter().zip(1..) {
        let play = || play(scene, &policy, &settings(&host, scene), &live, &registry);
        let outcome = progress::during(&format!("scene {number}"), play)?;
        let broken = broken_promise(&scene.promise, &outcome)?;
        print(&format!("{}\n", show::scene(number, scene, &outcome, before, broken.as_deref())?))?;
        kept += usize::from(broken.is_none());
        before = Some(outcome.evaluation.elapsed);
    }
    print(&format!(
        "{kept} of {} scenes came out as promised, in {:.1} s.",
        scenes.len(),
        started.elapsed().as_secs_f64()
    ))?;
    if kept < scenes.len() {
        bail!("{} of the promises above were not kept", scenes.len() - kept);
    }
    Ok(())
}

/// Asks once about an image that isn't there: a host's very first question loads certificates, and nothing that is timed should pay for that.
pub fn warm_up(live: &Live, host: &str) {
    // No answer is wanted, so there is nothing to do about an error.
    let _ = live.answer(&HostRequest::SigstorePubKeyVerify {
        image: format!("{host}/warm-up:1"),
        pub_keys: vec![Signer::named("alice").public_pem()],
        annotations: None,
    });
}

/// The images, and who signs them. Nobody signs `shop/tool`, and `mallory` is nobody's trust root.
fn push_and_sign(registry: &Registry) -> Result<()> {
    let images: [(&str, &str, ImageKind, &[&str]); 7] = [
        ("shop/web", "1.0", ImageKind::Oci, &["alice"]),
        ("shop/tool", "1.0", ImageKind::Oci, &[]),
        ("shop/cron", "1.0", ImageKind::Docker, &["mallory"]),
        ("shop/down", "1.0", ImageKind::Oci, &["alice"]),
        ("release/api", "2.0", ImageKind::Index, &["alice", "bob"]),
        ("release/api", "2.1", ImageKind::Index, &["alice"]),
        ("preview/web", "next", ImageKind::Oci, &["alice"]),
    ];
    for (repository, tag, kind, signers) in images {
        let digest = registry.push_image(repository, tag, kind, tag);
        for name in signers {
            Signer::named(name).sign(registry, repository, &digest, &Default::default())?;
        }
    }
    trust::push_and_sign(registry)?;
    registry.fail(Scope::Repository("shop/down".to_owned()), Fault::ServerError);
    Ok(())
}

/// One policy for every scene; only the feature differs that a scene is about.
fn settings(host: &str, scene: &Scene) -> Value {
    let root = |name: &str| json!({"name": name, "key": Signer::named(name).public_pem()});
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "trustRoots": [root("alice"), root("bob")]},
            {"name": "dct", "type": "notaryv1", "trustRoots": [{"name": "owner", "key": trust::root_key()}]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": [
            {"pattern": "*:*", "validator": "deny"},
            {"pattern": "registry.k8s.io/*:*", "validator": "allow"},
            {"pattern": format!("{host}/shop/*:*"), "with": {"trustRoot": "alice"}},
            {"pattern": format!("{host}/release/*:*"), "with": {"trustRoot": "*", "threshold": 2}},
            {"pattern": format!("{host}/preview/*:*"), "with": {"trustRoot": "alice", "mode": "insecureValidateOnly"}},
            {"pattern": format!("{host}/dct/*:*"), "validator": "dct", "with": {"trustRoot": "owner"}},
        ],
        "features": {"detectionMode": scene.detection},
    })
}

fn play(scene: &Scene, policy: &Policy, settings: &Value, live: &Arc<Live>, registry: &Registry) -> Result<Outcome> {
    registry.forget_requests();
    let request = AdmissionRequest::create(scene.object())?;
    let host = Arc::new(Gate::new(Arc::clone(live)));
    let evaluation = policy.evaluate(&request, settings, host, Deadline::default())?;
    ensure!(
        evaluation.response.status.as_ref().is_none_or(|status| status.code != Some(500)),
        "the policy failed: {:?}",
        evaluation.response.status
    );
    Ok(Outcome { evaluation, requests: registry.requests().len() })
}

/// The promise that was not kept, if there is one.
fn broken_promise(promise: &Promise, outcome: &Outcome) -> Result<Option<String>> {
    let response = &outcome.evaluation.response;
    let pins = response.decoded_patch()?.map_or(0, |patch| patch.0.len());
    let came = Promise {
        denied: match &response.status {
            _ if response.allowed => None,
            status => Some(status.as_ref().and_then(|status| status.code).unwrap_or(0)),
        },
        pins,
        warns: response.warnings.as_ref().is_some_and(|warnings| !warnings.is_empty()),
        asks: match (outcome.evaluation.calls.len(), outcome.requests) {
            (0, _) => Asks::Nobody,
            (_, 0) => Asks::Memory,
            _ => Asks::Registry,
        },
    };
    Ok((came != *promise).then(|| format!("promised: {promise:?}; came: {came:?}")))
}
