//! What does one evaluation cost, next to a module that does nothing?
//!
//! Every case is measured in turn, round after round, so that whatever else the machine does falls on all of them alike; what counts is the ratio.

use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use image_trust_harness::{
    AdmissionRequest, Answers, Deadline, Gate, HostCapabilities, HostRequest, Policy, loopback::Signer,
};
use serde_json::{Value, json};

/// Measures evaluations, next to a module that accepts everything without looking
///
/// Every evaluation has a fresh instance, as in policy-server. Prints microseconds, ratios, host calls and the size of the module.
#[derive(Parser)]
pub(crate) struct Args {
    /// The policy's module.
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
    /// How often each case is measured.
    #[arg(long, default_value_t = 400)]
    rounds: usize,
}

/// A module that answers every call with the same bytes.
const ACCEPT_ALL: &str = r#"(module
    (import "wapc" "__guest_response" (func $answer (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "{\"accepted\":true}")
    (func (export "wapc_init"))
    (func (export "__guest_call") (param i32 i32) (result i32)
        (call $answer (i32.const 0) (i32.const 17))
        (i32.const 1)))"#;

/// What a registry with a remembered answer says.
struct Remembered;

impl Answers for Remembered {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let HostRequest::SigstorePubKeyVerify { .. } = request else {
            anyhow::bail!("only verifications are remembered here");
        };
        Ok(json!({"is_trusted": true, "digest": format!("sha256:{}", "1".repeat(64))}).to_string().into_bytes())
    }
}

struct Case {
    name: &'static str,
    request: AdmissionRequest,
    settings: Value,
    /// Nanoseconds of the baseline and of the policy, round by round.
    samples: [Vec<u128>; 2],
    host_calls: usize,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let wasm = std::fs::read(&args.policy).with_context(|| format!("cannot read {}", args.policy.display()))?;
    let modules = [Policy::from_wasm(&wat::parse_str(ACCEPT_ALL)?)?, Policy::from_wasm(&wasm)?];
    let host: Arc<dyn HostCapabilities> = Arc::new(Gate::new(Remembered));
    let mut cases = [
        case("(b) static image, 1 rule", 1, "registry.k8s.io/pause:3.9")?,
        case("(b) static image, 100 rules", 100, "registry.k8s.io/pause:3.9")?,
        case("(b) static image, 1,000 rules", 1_000, "registry.k8s.io/pause:3.9")?,
        case("(c) keyed image, remembered, 100 rules", 100, "ghcr.io/acme/app:v1")?,
    ];
    for round in 0..=args.rounds {
        for case in &mut cases {
            for (module, samples) in modules.iter().zip(&mut case.samples) {
                let started = Instant::now();
                let evaluation = module.evaluate(&case.request, &case.settings, host.clone(), Deadline::default())?;
                let elapsed = started.elapsed().as_nanos();
                ensure!(evaluation.response.allowed, "{}: denied: {:?}", case.name, evaluation.response);
                case.host_calls = evaluation.calls.len();
                // The first round warms up.
                if round > 0 {
                    samples.push(elapsed);
                }
            }
        }
    }
    println!("{}", table(&cases));
    println!(
        "module: {} bytes; medians of {} rounds, one fresh instance an evaluation, in this process (no HTTP)",
        wasm.len(),
        args.rounds
    );
    Ok(())
}

fn table(cases: &[Case]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["case", "(a) accept all, µs", "ours, µs", "above (a), µs", "ratio to (a)", "host calls"]);
    for case in cases {
        let [baseline, ours] = case.samples.each_ref().map(|samples| median(samples));
        table.add_row([
            case.name.to_owned(),
            format!("{baseline:.0}"),
            format!("{ours:.0}"),
            format!("{:.0}", ours - baseline),
            format!("{:.2}", ours / baseline),
            case.host_calls.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The median, in microseconds.
fn median(nanoseconds: &[u128]) -> f64 {
    let mut sorted = nanoseconds.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(f64::NAN, |ns| *ns as f64 / 1_000.0)
}

fn case(name: &'static str, rules: usize, image: &str) -> Result<Case> {
    let others = (2..rules)
        .map(|n| json!({"pattern": format!("registry-{n}.example.com/team-{n}/*:v{n}*"), "validator": "default"}));
    let mut policy: Vec<Value> = others.collect();
    policy.push(json!({"pattern": "registry.k8s.io/*:*", "validator": "allow"}));
    if rules > 1 {
        policy.push(json!({"pattern": "ghcr.io/acme/*:*", "with": {"trustRoot": "alice"}}));
    }
    let settings = json!({
        "validators": [
            {"name": "default", "type": "cosign", "trustRoots": [{"name": "alice", "key": Signer::named("alice").public_pem()}]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": policy,
    });
    let request = AdmissionRequest::from_json(&request(image).to_string())?;
    Ok(Case { name, request, settings, samples: [Vec::new(), Vec::new()], host_calls: 0 })
}

/// A Pod as a Deployment's controller sends it: a few kilobytes, most of which a policy has no use for.
fn request(image: &str) -> Value {
    json!({
        "uid": "9a6d3c0e-52d5-4d1c-9c52-0c5f34d2a111",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "shop",
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:serviceaccounts", "system:authenticated"]},
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": "web-7d9c5b6f4-", "namespace": "shop",
                "labels": {"app": "web", "pod-template-hash": "7d9c5b6f4"},
                "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d9c5b6f4", "uid": "b1f7", "controller": true, "blockOwnerDeletion": true}],
                "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": "2026-11-22T00:00:00Z", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}}}, "f:spec": {"f:containers": {}, "f:dnsPolicy": {}, "f:restartPolicy": {}}}}],
            },
            "spec": {
                "containers": [{
                    "name": "web", "image": image, "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                    "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
                    "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "failureThreshold": 3},
                    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true},
                    "volumeMounts": [{"name": "kube-api-access-x2x9v", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}],
                }],
                "volumes": [{"name": "kube-api-access-x2x9v", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
                "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "serviceAccountName": "default", "schedulerName": "default-scheduler",
                "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            },
        },
    })
}
