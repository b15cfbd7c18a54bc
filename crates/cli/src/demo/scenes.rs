//! What is shown? One object a scene, and what has to come out.

use serde_json::{Value, json};

/// A scene of the demo: what somebody asks the cluster for.
pub(super) struct Scene {
    pub(super) title: &'static str,
    /// The reason for the outcome of the scene.
    pub(super) why: String,
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) images: Vec<String>,
    pub(super) detection: bool,
    pub(super) promise: Promise,
}

/// The outcome that a scene promises.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Promise {
    /// The code of the denial, if it is one.
    pub(super) denied: Option<u16>,
    /// The number of images that get their digest.
    pub(super) pins: usize,
    pub(super) warns: bool,
    pub(super) asks: Asks,
}

/// Where the policy has to ask to decide the scene.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The rules decide without any question.
    Nobody,
    /// The host remembers its last answer.
    Memory,
    /// The policy reads the signatures from the registry.
    Registry,
}

const ADMITTED: Promise = Promise { denied: None, pins: 0, warns: false, asks: Asks::Registry };
// A denial warns too: monitor mode shows nothing else of it.
const DENIED: Promise = Promise { denied: Some(403), warns: true, ..ADMITTED };

impl Scene {
    /// The object that is asked for: a pod spec where this kind has it.
    pub(super) fn object(&self) -> Value {
        let containers: Vec<Value> =
            self.images.iter().zip(1..).map(|(image, n)| json!({"name": format!("c{n}"), "image": image})).collect();
        let pod = json!({"containers": containers});
        let (api_version, spec) = match self.kind {
            "Pod" => ("v1", pod),
            "CronJob" => ("batch/v1", json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}})),
            _ => ("apps/v1", json!({"template": {"spec": pod}})),
        };
        let metadata = json!({"name": self.name, "namespace": "shop"});
        json!({"apiVersion": api_version, "kind": self.kind, "metadata": metadata, "spec": spec})
    }
}

/// Every scene, in the order of the story. Scene 2 is about what scene 1 left behind.
pub(super) fn all(host: &str) -> Vec<Scene> {
    let scene = |title, kind, name, images: &[&str], promise, why: &str| Scene {
        title,
        why: why.to_owned(),
        kind,
        name,
        images: images.iter().map(|image| image.replace("HOST", host)).collect(),
        detection: false,
        promise,
    };
    let pinned = || Promise { pins: 1, ..ADMITTED };
    let web = &["HOST/shop/web:1.0"];
    vec![
        scene(
            "A signed tag is pinned",
            "Deployment",
            "web",
            web,
            pinned(),
            "alice signed it, and hers is the key this rule asks for. The tag could be moved tomorrow, so the digest that was proven is written behind it.",
        ),
        scene(
            "The same again",
            "Deployment",
            "web",
            web,
            Promise { asks: Asks::Memory, ..pinned() },
            "The host remembers for a minute what it fetched: the signature is checked again, and the registry hears nothing of it.",
        ),
        scene(
            "Two have to sign, and both did",
            "Deployment",
            "api",
            &["HOST/release/api:2.0"],
            pinned(),
            "Releases need two different signers. This one is an image index, signed by alice and by bob.",
        ),
        scene(
            "Two have to sign, and one is missing",
            "Deployment",
            "api",
            &["HOST/release/api:2.1"],
            DENIED,
            "alice signed; bob has not yet. The denial says who is missing.",
        ),
        scene(
            "Nobody signed",
            "Pod",
            "tool",
            &["HOST/shop/tool:1.0"],
            DENIED,
            "The image is there, and nothing vouches for it.",
        ),
        scene(
            "Signed with another key",
            "CronJob",
            "report",
            &["HOST/shop/cron:1.0"],
            DENIED,
            "mallory's signature is perfectly valid, but no trust root holds that key.",
        ),
        scene(
            "One bad image spoils the Pod",
            "Pod",
            "mixed",
            &["HOST/shop/web:1.0", "HOST/shop/tool:1.0"],
            DENIED,
            "A request is admitted only if each of its images is, and a denied object is not changed.",
        ),
        scene(
            "Look-alikes of trusted registries",
            "Pod",
            "trap",
            &[
                "evil.io/registry.k8s.io/pause:3.9",
                "evil-registry.k8s.io/pause:3.9",
                "127.0.0.1.evil.io:5000/shop/web:1.0",
            ],
            Promise { asks: Asks::Nobody, ..DENIED },
            "Patterns are compared part by part, so only *:* matches these. Nobody is asked: an attacker's registry never hears from the cluster.",
        ),
        scene(
            "Allowed by name",
            "DaemonSet",
            "pause",
            &["registry.k8s.io/pause:3.9"],
            Promise { asks: Asks::Nobody, ..ADMITTED },
            "A static rule trusts this registry; nothing is proven, asked or changed.",
        ),
        scene(
            "The registry is down",
            "Pod",
            "down",
            &["HOST/shop/down:1.0"],
            Promise { denied: Some(503), ..DENIED },
            "Signed, but the registry answers every request with an error. \"Could not tell\" is denied as well, and never called \"not signed\".",
        ),
        Scene {
            detection: true,
            ..scene(
                "Detection mode",
                "Pod",
                "tool",
                &["HOST/shop/tool:1.0"],
                Promise { warns: true, ..ADMITTED },
                "features.detectionMode: what would be denied is admitted, with a warning. For the first weeks in a cluster that runs already.",
            )
        },
        scene(
            "Verified, not pinned",
            "Pod",
            "preview",
            &["HOST/preview/web:next"],
            Promise { warns: true, ..ADMITTED },
            "This rule has mode insecureValidateOnly: alice's signature is checked, the tag stays. The warning says what that leaves open.",
        ),
        scene(
            "Docker Content Trust: a signed tag",
            "Pod",
            "demo",
            &["HOST/dct/testimage:signed"],
            pinned(),
            "The repository's owner signed which digest the tag has. That digest is pinned, and the registry is not asked for it.",
        ),
        scene(
            "Docker Content Trust: an unsigned tag",
            "Pod",
            "demo",
            &["HOST/dct/testimage:unsigned"],
            Promise { asks: Asks::Memory, ..DENIED },
            "The image is in the registry, and the signed list of tags does not have it. One evidence manifest tells of all tags, so it is in memory.",
        ),
        scene(
            "Docker Content Trust: hello-world",
            "Pod",
            "hello-world",
            &["HOST/dct/hello-world:latest"],
            pinned(),
            "Another repository of the same owner. Its root certificate has its own name, so the trust data of the one is nothing for the other.",
        ),
    ]
}
