//! Which laws hold for what the cluster, the host and whoever deploys a policy say?

use std::sync::LazyLock;

use image_trust::{
    Digest, PublicKey,
    answer::validate_settings,
    host::{Cause, HostError, read_verification},
    policy,
};
use serde_json::{Value, json};

use super::{
    Choices, Document,
    evidence::KEYS,
    host::{answer_to_pod, pod},
    lossy,
    mint::ISSUED,
};
use crate::host::{FakeHost, nothing};

const APP: &str = "ghcr.io/acme/app:v1";

/// The document of a Pod's owner.
pub static OWNER: LazyLock<Document> = LazyLock::new(|| {
    Document::new(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "shop", "uid": "4711"},
        "spec": {"template": {"spec": {
            "containers": [{"name": "a", "image": "ghcr.io/acme/sidecar"}, {"name": "b", "image": APP}],
            "volumes": [{"name": "v", "image": {"reference": "ghcr.io/acme/data"}}],
        }}},
    }))
});

static ANYBODY: LazyLock<String> = LazyLock::new(|| super::host::signed_by(&KEYS[2].pem));

/// The cluster's answer to who owns a Pod.
pub fn owner(data: &[u8]) -> bool {
    let mut child = pod(&[APP]);
    child["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "4711"}]);
    OWNER
        .with(data)
        .map(|owner| {
            let host = FakeHost::new().objects(|_| Ok(owner.clone()));
            let answer = answer_to_pod(&child, &ANYBODY, &host);
            let is_admitted = answer["accepted"] == true;
            assert!(is_admitted || answer["code"] == 403, "denied for something else: {answer}");
            assert!(!is_admitted || approves(&owner), "this owner does not list it: {}", lossy(&owner));
            assert!(answer["mutated_object"].is_null(), "nothing was proven");
            is_admitted
        })
        .contains(&true)
}

fn approves(owner: &[u8]) -> bool {
    let owner: Value = serde_json::from_slice(owner).unwrap();
    let metadata = &owner["metadata"];
    let is_meant = owner["kind"] == "ReplicaSet"
        && owner["apiVersion"].as_str().unwrap().starts_with("apps/")
        && metadata["uid"] == "4711"
        && metadata["name"] == "web"
        && metadata["namespace"] == "shop";
    is_meant && images(&owner["spec"]["template"]["spec"]).contains(&APP)
}

/// Every image of a pod spec.
pub fn images(spec: &Value) -> Vec<&str> {
    let lists = ["containers", "initContainers", "ephemeralContainers", "volumes"];
    let entries = lists.iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
    entries.flat_map(|entry| [entry["image"].as_str(), entry["image"]["reference"].as_str()]).flatten().collect()
}

pub const NOT_SIGNED: &str = "Image verification failed: missing signatures";
/// Texts of hosts, each in two parts around a gap.
const WORDS: [[&str; 2]; 7] = [
    ["", ""],
    ["cannot verify image ", ": no signatures found for image: "],
    [NOT_SIGNED, ""],
    ["Registry error: OCI API error: ", ", Image verification failed: missing signatures"],
    ["No Signature Layer passed verification: ", " OCI API error: "],
    ["Server error: url https://ghcr.io/v2/", ", code: 500, message: manifest unknown"],
    ["Cannot fetch manifest of ", ": [OCI API error: manifest unknown]"],
];

/// What the host says when it does not say yes. Is it taken for its own word about signatures?
pub fn host_words(data: &[u8]) -> bool {
    let mut choices = Choices(data);
    let [before, after] = choices.one(&WORDS);
    let gap = lossy(choices.0);
    [lossy(data), format!("{before}{gap}{after}")].map(|text| is_about_signatures(&text)).contains(&true)
}

fn is_about_signatures(text: &str) -> bool {
    let said = HostError::of_verification(text);
    let others = [HostError::of_registry(text), HostError::of_cluster(text)];
    for error in others.iter().chain([&said]) {
        assert!(text.starts_with(&error.text) && error.text.len() <= 65_536, "too much of it is kept");
        assert_ne!(error.cause, Cause::TooMany, "never said by a host: {text:?}");
    }
    let is_its_own = |error: &HostError| matches!(error.cause, Cause::Unsigned | Cause::Elsewhere | Cause::Mismatch);
    assert!(!others.iter().any(is_its_own), "nobody asked about signatures: {text:?}");
    let quotes = ["OCI API error: ", "Server error: ", "Authentication failure: "];
    let is_quote = quotes.iter().any(|quote| said.text.contains(quote));
    assert!(!is_quote || !is_its_own(&said), "a registry said so: {text:?}");
    assert!(text.contains(' ') || said.cause == Cause::Unavailable, "an image can be called so: {text:?}");
    let is_digest = text.len() == 71
        && text.starts_with("sha256:")
        && text[7..].bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let answer = |is_trusted| json!({"is_trusted": is_trusted, "digest": text}).to_string();
    assert_eq!(read_verification(answer(true).as_bytes()).is_ok(), is_digest, "{text:?}");
    assert!(read_verification(answer(false).as_bytes()).is_err(), "{text:?}");
    let of_itself = serde_json::from_str::<Value>(text).is_ok_and(|answer| answer["is_trusted"] == true);
    assert!(of_itself || read_verification(text.as_bytes()).is_err(), "{text:?}");

    let digest = |_: &str| Err(HostError::of_registry(text));
    let verify = |_: &str, _: &PublicKey| Err(HostError::of_verification(text));
    // Words about the digest; and words about a payload that only the host can read.
    let unread = json!({"config": {"size": 2}, "layers": [{
        "digest": Digest::of(b"unread").to_string(), "size": 2, "annotations": {"dev.cosignproject.cosign/signature": "AQID"},
    }]});
    let manifest = |image: &str| if image.ends_with(".sig") { Ok(unread.to_string().into_bytes()) } else { nothing() };
    for host in [
        FakeHost::new().digests(digest),
        FakeHost::new().every_digest(Digest::of(b"an image")).manifests(manifest).verifies(verify),
    ] {
        let answer = answer_to_pod(&pod(&[APP]), &ANYBODY, &host);
        assert!(answer["accepted"] == false && (answer["code"] == 403 || answer["code"] == 503), "{answer}");
    }
    is_its_own(&said)
}

/// Settings with something of everything that needs no certificate.
pub static SETTINGS: LazyLock<Document> = LazyLock::new(|| {
    let [one, two] = [&KEYS[0].pem, &KEYS[2].pem];
    Document::new(json!({
        "validators": [
            {"name": "default", "type": "cosign", "askHost": true, "trustRoots": [
                {"name": "default", "key": one}, {"name": "b", "key": two, "notAfter": "2030-01-01T00:00:00Z"},
            ]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": [
            {"pattern": "*:*", "validator": "deny"},
            {"pattern": "registry.k8s.io/*:*", "validator": "allow"},
            {"pattern": "nginx"},
            {"pattern": "ghcr.io/acme/*", "with": {
                "trustRoot": "*", "threshold": 1, "required": ["b"], "annotations": {"env": "prod"},
                "identities": ["self", "quay.io/acme/app"], "mode": "mutatePodsOnly",
            }},
            {"pattern": "*.example.com/*:v1*", "with": {"mode": "insecureValidateOnly"}},
        ],
        "features": {
            "detectionMode": false, "automaticChildApproval": {"ttl": 60, "requireDigest": true},
            "automaticUnchangedApproval": true, "resourceValidationMode": "all", "mutation": true,
            "gitops": {"resolve": true, "dryRun": "reuse"}, "timeBudgetMs": 900, "maxHostCalls": 100,
            "disclosure": "full",
        },
    }))
});

const IMAGES: [&str; 6] = [
    "registry.k8s.io/pause:3.9",
    "nginx",
    APP,
    "a.example.com/x:v1.2",
    "evil.io/registry.k8s.io/pause",
    "localhost:5000/x",
];

/// The settings. Can they be used?
pub fn settings(data: &[u8]) -> bool {
    SETTINGS
        .with(data)
        .map(|settings| {
            let is_accepted = validate_settings(&settings).is_ok();
            let Ok(text) = std::str::from_utf8(&settings) else {
                assert!(!is_accepted, "they are no text");
                return false;
            };
            assert_eq!(policy::check(text).is_empty(), is_accepted, "{text}");
            for finding in image_trust_lint::lint(text, image_trust::time::UnixTime::from_secs(ISSUED)) {
                assert!(!finding.what.is_empty() && !finding.instead.is_empty(), "{finding:?}");
            }
            let answer = answer_to_pod(&pod(&IMAGES), text, &FakeHost::new());
            if is_accepted {
                assert_ne!(answer["code"], 500, "{text} were accepted: {answer}");
                // In whatever order they are written.
                let same = serde_json::from_str::<Value>(text).unwrap().to_string();
                assert!(policy::check(&same).is_empty(), "{same}");
                assert_eq!(answer_to_pod(&pod(&IMAGES), &same, &FakeHost::new()), answer, "{text}");
            }
            is_accepted
        })
        .contains(&true)
}

/// Settings under which everything of one registry may run, and nothing else.
static FREE: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "askHost": true, "trustRoots": [{"name": "default", "key": KEYS[2].pem}]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": [
            {"pattern": "*:*", "validator": "deny"},
            {"pattern": "free.io/*", "validator": "allow"},
            {"pattern": "ghcr.io/acme/*"},
        ],
    })
});

/// An update that brings an image of that registry.
pub static REQUEST: LazyLock<Document> = LazyLock::new(|| {
    let object = |image: &str| {
        json!({"metadata": {"name": "web"}, "spec": {"template": {"spec": {
            "containers": [{"name": "a", "image": image}],
            "initContainers": [{"name": "b", "image": "free.io/tool@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],
            "volumes": [{"name": "v", "image": {"reference": "free.io/data"}}, {"name": "w", "emptyDir": {}}],
        }}}})
    };
    Document::new(json!({
        "uid": "1", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "operation": "UPDATE",
        "name": "web", "namespace": "shop", "dryRun": false,
        "object": object("free.io/app:v2"), "oldObject": object("free.io/app:v1"),
    }))
});

/// The law of requests, which returns whether a request is admitted.
pub fn request(data: &[u8]) -> bool {
    let within = |request: &[u8]| [format!(r#"{{"settings":{},"request":"#, *FREE).as_bytes(), request, b"}"].concat();
    let [whole, spoilt] = REQUEST.with(data);
    let is_admitted = [within(&whole), within(&spoilt)].map(|payload| is_request(&payload));
    // And the whole payload.
    is_request(data);
    is_admitted.contains(&true)
}

fn is_request(payload: &[u8]) -> bool {
    let answer = super::host::answer(payload, &FakeHost::new());
    let is_admitted = answer["accepted"] == true;
    assert!(answer["mutated_object"].is_null(), "nothing was proven");
    let Ok(read) = serde_json::from_slice::<Value>(payload) else {
        assert!(!is_admitted, "it can't be read: {}", lossy(payload));
        return false;
    };
    if read["settings"] != *FREE {
        let is_usable = read["request"].is_object() && policy::check(&read["settings"].to_string()).is_empty();
        // Read once more, so that nothing is there twice.
        let again = super::host::answer(read.to_string().as_bytes(), &FakeHost::new());
        assert!(!is_usable || again["code"] != 500, "{again}: {read}");
        return is_admitted;
    }
    assert!(!is_admitted || may_pass(&read["request"]), "not every image may run: {}", lossy(payload));
    is_admitted
}

/// May a request pass under those settings, read as loosely as anybody could?
fn may_pass(request: &Value) -> bool {
    let brings_nothing = ["DELETE", "CONNECT"].iter().any(|operation| request["operation"] == *operation)
        || ["scale", "eviction", "binding"].iter().any(|name| request["subResource"] == *name);
    if brings_nothing {
        return true;
    }
    let path = match request["kind"]["kind"].as_str() {
        Some("Pod") => "/spec",
        Some("PodTemplate") => "/template/spec",
        Some("CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    let images_of = |object: &'_ Value| -> Vec<String> {
        object.pointer(path).map(|spec| images(spec).into_iter().map(str::to_owned).collect()).unwrap_or_default()
    };
    let (now, before) = (images_of(&request["object"]), images_of(&request["oldObject"]));
    let old = &request["oldObject"]["metadata"]["deletionTimestamp"];
    let first = path.split('/').nth(1).unwrap_or_default();
    // An update with the same specification starts nothing.
    let is_same = !request["object"][first].is_null() && request["object"][first] == request["oldObject"][first];
    let is_kept = request["operation"] == "UPDATE" && (!old.is_null() || is_same || request["subResource"] == "status");
    let may_run = |image: &String| {
        image.to_lowercase().starts_with("free.io/") || image.is_empty() || is_kept && before.contains(image)
    };
    !now.is_empty() && now.iter().all(may_run)
}
