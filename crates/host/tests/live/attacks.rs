//! What does the policy server do for whoever attacks its availability, with several such requests in flight?
//!
//! The registry is healthy, and a tenant pushes to it and names images in it as they like. What is counted is what the registry is asked; how long other
//! tenants wait meanwhile is measured by `image-trust bench --attack`.

use std::net::TcpListener;

use image_trust_host::{AdmissionRequest, Evaluation};
use image_trust_testbed::loopback::{ImageKind, Registry, Signer, digest_of, signature_tag};
use serde_json::{Value, json};

use crate::policy::{asking, by, evaluate, host, settings};
use crate::told::{flaw, words};

/// The number of requests that are in flight at once.
const IN_FLIGHT: usize = 4;
/// The size of a payload that nobody should download.
const HEAVY: usize = 8 << 20;

fn alice() -> Vec<(&'static str, String)> {
    vec![("alice", Signer::named("alice").public_pem())]
}

/// The creation of a Pod with these images.
fn pod(images: &[String]) -> AdmissionRequest {
    let container = |(n, image): (usize, &String)| json!({"name": format!("c{n}"), "image": image});
    let containers: Vec<Value> = images.iter().enumerate().map(container).collect();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": containers}});
    AdmissionRequest::create(pod).unwrap()
}

/// Decides all of these at once, each in a thread of its own, with one host.
fn at_once(registry: &Registry, requests: &[AdmissionRequest], settings: &Value) -> Vec<Evaluation> {
    let live = host(&[&registry.host()]);
    std::thread::scope(|scope| {
        let running: Vec<_> =
            requests.iter().map(|request| scope.spawn(|| evaluate(request, settings, &live))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn code(came: &Evaluation) -> Option<u16> {
    came.response.status.as_ref().and_then(|status| status.code)
}

/// The manifest of a signature that alice made for something else, with this in place of its layer and its config.
fn replayed(registry: &Registry, repository: &str, layer: &Value, config: &Value) -> Value {
    let other = registry.push_image(repository, "other", ImageKind::Oci, "other");
    Signer::named("alice").sign(registry, repository, &other, &[("build".to_owned(), "7".to_owned())].into()).unwrap();
    let signed = registry.manifest(repository, &signature_tag(&other)).unwrap();
    let mut manifest: Value = serde_json::from_slice(&signed.bytes).unwrap();
    let merge = |into: &mut Value, more: &Value| {
        into.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    };
    merge(&mut manifest["layers"][0], layer);
    merge(&mut manifest["config"], config);
    manifest
}

#[test]
fn nobody_makes_the_policy_server_download() {
    let registry = Registry::start().unwrap();
    // Whoever listens here is never answered, and would hold the line of all verifications.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let address = format!("http://{}/never", silent.local_addr().unwrap());
    let heavy = json!({"size": HEAVY});
    const TOO_LARGE: &str = "evidence-unavailable: too-large-signatures; undecided alice";
    const ELSEWHERE: &str = "evidence-unavailable: signatures-stored-elsewhere; undecided alice";
    // what is said of the layer and of the config, what is recorded with askHost, the reason
    let rows = [
        (heavy.clone(), json!({}), TOO_LARGE, "a heavy payload"),
        (json!({}), heavy, TOO_LARGE, "a heavy config"),
        (json!({"urls": [address]}), json!({}), ELSEWHERE, "a payload at an address that never answers"),
    ];
    for (n, (layer, config, asked, why)) in rows.iter().enumerate() {
        let repository = format!("r{n}");
        let digest = registry.push_image(&repository, "1", ImageKind::Oci, "victim");
        let manifest = replayed(&registry, &repository, layer, config);
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let tag = signature_tag(&digest);
        registry.put_manifest(&repository, Some(&tag), media_type, manifest.to_string().as_bytes());
        let request = pod(&[format!("{}/{repository}:1", registry.host())]);
        let unasked = "not-signed: other-payload; missing alice";
        for (rule, expected) in [(by("alice"), (403, unasked)), (asking(by("alice")), (503, *asked))] {
            registry.forget_requests();
            let settings = settings(&registry.host(), &alice(), &rule);
            let came = at_once(&registry, &vec![request.clone(); IN_FLIGHT], &settings);
            for came in came {
                let told = (code(&came), words(&came));
                assert_eq!((told, flaw(&came)), ((Some(expected.0), expected.1.to_owned()), None), "{why}: {rule}");
            }
            let blobs = registry.requests().iter().filter(|request| request.path.contains("/blobs/")).count();
            assert_eq!(blobs, 0, "{why}: {rule}: downloaded");
        }
    }
    assert!(silent.accept().is_err(), "somebody called");
}

#[test]
fn a_request_that_is_denied_asks_little() {
    let registry = Registry::start().unwrap();
    registry.push_image("app", "1", ImageKind::Oci, "x");
    let host = registry.host();
    // As many as a request may name, and none of them there: what a tenant can write without pushing anything.
    let unsigned = |seed: usize| -> Vec<String> {
        (0..100).map(|n| format!("{host}/app@{}", digest_of(format!("{seed} {n}").as_bytes()))).collect()
    };
    let requests: Vec<AdmissionRequest> = (0..IN_FLIGHT).map(|seed| pod(&unsigned(seed))).collect();
    let ours = settings(&host, &alice(), &by("alice"));
    let mut detecting = ours.clone();
    detecting["features"]["detectionMode"] = json!(true);
    detecting["features"]["maxHostCalls"] = json!(40);
    let mut with_a_denied_one = requests.clone();
    for request in &mut with_a_denied_one {
        let object = request.object.as_mut().unwrap();
        object["spec"]["containers"][0]["image"] = json!("evil.example/x:1");
    }
    // the requests, the settings, the code, the most host calls of one, the reason
    type Row<'a> = (&'a [AdmissionRequest], &'a Value, Option<u16>, usize, &'a str);
    let rows: [Row<'_>; 3] = [
        (&requests, &ours, Some(403), 4 * 2 + 12, "four are looked at with two calls each, and twelve calls explain"),
        (&with_a_denied_one, &ours, Some(403), 3 * 2 + 12, "three beside one that no rule covers"),
        (&requests, &detecting, None, 40, "in detection mode as many as the settings say"),
    ];
    for (requests, settings, expected, most, why) in rows {
        for came in at_once(&registry, requests, settings) {
            assert_eq!((code(&came), flaw(&came)), (expected, None), "{why}: {:?}", came.response.status);
            assert!(came.calls.len() <= most, "{why}: {} host calls", came.calls.len());
            let records = came.response.audit_annotations.clone().unwrap_or_default();
            assert_eq!(records.len(), 100, "{why}: every image is told");
            let told: usize = records.values().map(String::len).sum();
            assert!(told < 192 * 1024, "{why}: {told} bytes of audit records");
        }
    }
}
