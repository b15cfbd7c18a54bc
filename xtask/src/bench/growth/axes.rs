//! What may grow? Requests and settings of one kind, in many sizes.

use std::sync::Arc;

use anyhow::Result;
use image_trust_host::{AdmissionRequest, Answers, Gate, HostCapabilities, Policy};
use image_trust_testbed::loopback::{Signer, digest_of, signed_payload};
use serde_json::{Value, json};

use super::super::{
    cases::{Remembered, request, settings, tagged},
    in_process::Case,
    shelf::Shelf,
};

/// A size that grows, and what is measured for it.
pub(super) struct Axis {
    /// The name of the axis on the command line, and of its plot.
    pub(super) name: &'static str,
    /// The unit that is counted on this axis.
    pub(super) what: &'static str,
    pub(super) series: Vec<Series>,
}

/// A series of measurements along an axis.
pub(super) struct Series {
    pub(super) name: &'static str,
    /// The code with which each of them is denied, or there is nothing to compare; nothing, where they are admitted.
    pub(super) denied: Option<u16>,
    pub(super) points: Vec<(usize, Case<'static>)>,
}

pub(super) const NAMES: [&str; 5] = ["rules", "containers", "size", "keys", "signatures"];

const RULES: &[usize] = &[1, 10, 100, 1_000, 2_000, 5_000, 10_000];
const CONTAINERS: &[usize] = &[1, 3, 10, 30, 100, 300, 1_000];
/// More different images than are decided.
const TOO_MANY: &[usize] = &[101, 200, 300, 600, 1_000];
/// The number of different images that the policy decides in one request.
const MAX_IMAGES: usize = 100;
const SIZES: &[usize] = &[1_000, 10_000, 100_000, 300_000, 1_000_000, 3_000_000];
const KEYS: &[usize] = &[1, 2, 5, 10, 20, MAX_KEYS];
/// The number of keys that a validator can have.
const MAX_KEYS: usize = 50;
/// Numbers of signatures, up to the most that the policy looks at.
const SIGNATURES: &[usize] = &[1, 10, 30, 100, 300, 1_000];

pub(super) fn all() -> Result<Vec<Axis>> {
    let nobody = || host(Shelf::default());
    let repositories: Vec<String> = (1..=MAX_IMAGES).map(|n| format!("ghcr.io/acme/app-{n}")).collect();
    let registry = host(Remembered::of(&repositories)?);
    let rules = |count: &usize| Ok((*count, case(request(&statics(1))?, settings(*count, &features()), nobody())));
    let allowed = |count: &usize| {
        let images: Vec<String> = statics(MAX_IMAGES).into_iter().cycle().take(*count).collect();
        Ok((*count, case(containers(&images)?, settings(2, &features()), nobody())))
    };
    let proven = |count: &usize| {
        let images: Vec<String> = repositories.iter().map(|it| tagged(it)).cycle().take(*count).collect();
        Ok((*count, case(containers(&images)?, settings(2, &features()), Arc::clone(&registry))))
    };
    let too_many =
        |count: &usize| Ok((*count, case(containers(&statics(*count))?, settings(2, &features()), nobody())));
    let unread = |size: &usize| Ok((*size, case(padded(*size, &statics(1))?, settings(2, &features()), nobody())));
    let pinned = |size: &usize| {
        let images: Vec<String> = repositories.iter().take(1).map(|it| tagged(it)).collect();
        Ok((*size, case(padded(*size, &images)?, settings(2, &features()), Arc::clone(&registry))))
    };
    let few = |counts: &'static [usize]| counts.iter().filter(|count| **count <= MAX_IMAGES);
    let many = |counts: &'static [usize]| counts.iter().filter(|count| **count >= MAX_IMAGES);
    Ok(vec![
        Axis {
            name: "rules",
            what: "rules",
            series: vec![series("a static image, its rule the last", None, RULES.iter().map(rules))?],
        },
        Axis {
            name: "containers",
            what: "containers",
            series: vec![
                series("static, up to 100 distinct images", None, CONTAINERS.iter().map(allowed))?,
                series("proven, all distinct", None, few(CONTAINERS).map(proven))?,
                series("proven, 100 distinct images", None, many(CONTAINERS).map(proven))?,
                series("denied: more than 100 distinct", Some(403), TOO_MANY.iter().map(too_many))?,
            ],
        },
        Axis {
            name: "size",
            what: "object, bytes",
            series: vec![
                series("a static image", None, SIZES.iter().map(unread))?,
                series("an image proven and pinned", None, SIZES.iter().map(pinned))?,
            ],
        },
        Axis {
            name: "keys",
            what: "keys",
            series: vec![
                series(
                    "one signature, by the last of the keys",
                    None,
                    KEYS.iter().map(|count| keys(*count, Signed::ByLast)),
                )?,
                series(
                    "signed by all, the last key signed last",
                    None,
                    KEYS.iter().map(|count| keys(*count, Signed::InOrder)),
                )?,
                series(
                    "signed by all, the first key signed last",
                    None,
                    KEYS.iter().map(|count| keys(*count, Signed::Backwards)),
                )?,
            ],
        },
        Axis {
            name: "signatures",
            what: "signatures by strangers",
            series: vec![
                series("denied by 50 keys", Some(403), SIGNATURES.iter().map(|count| strangers(*count, MAX_KEYS)))?,
                series("denied by 1 key", Some(403), SIGNATURES.iter().map(|count| strangers(*count, 1)))?,
            ],
        },
    ])
}

fn series(
    name: &'static str,
    denied: Option<u16>,
    points: impl Iterator<Item = Result<(usize, Case<'static>)>>,
) -> Result<Series> {
    Ok(Series { name, denied, points: points.collect::<Result<_>>()? })
}

fn case(request: AdmissionRequest, settings: Value, host: Arc<dyn HostCapabilities>) -> Case<'static> {
    let host = move |_: &Policy| Arc::clone(&host);
    Case { name: String::new(), request, settings, host: Box::new(host) }
}

fn host(answers: impl Answers + 'static) -> Arc<dyn HostCapabilities> {
    Arc::new(Gate::new(answers))
}

/// Every image is decided by itself, and time is no matter.
fn features() -> Value {
    json!({"automaticChildApproval": false, "timeBudgetMs": 30_000, "maxHostCalls": 1_000})
}

/// Images that the rules of the cases allow unseen.
fn statics(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("registry.k8s.io/app-{n}:v1")).collect()
}

/// The Pod of the cases without its volume, which would be one slot more than 1,000.
fn containers(images: &[String]) -> Result<AdmissionRequest> {
    let mut request = request(images)?;
    if let Some(spec) = request.object.as_mut().and_then(|object| object["spec"].as_object_mut()) {
        spec.remove("volumes");
    }
    Ok(request)
}

/// A Pod with these images that has so many bytes: one half are annotations, and the other half are environment.
fn padded(bytes: usize, images: &[String]) -> Result<AdmissionRequest> {
    const VALUE: usize = 80;
    let pod = |pairs: usize, rest: usize| {
        let value = "x".repeat(VALUE);
        let mut annotations: serde_json::Map<String, Value> =
            (0..pairs).map(|n| (format!("example.com/note-{n:05}"), value.clone().into())).collect();
        annotations.insert("example.com/rest".to_owned(), "x".repeat(rest).into());
        let env: Vec<Value> = (0..pairs).map(|n| json!({"name": format!("NOTE_{n:05}"), "value": value})).collect();
        let container = |(image, n): (&String, usize)| json!({"name": format!("web-{n}"), "image": image, "env": env});
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
            "spec": {"containers": images.iter().zip(1..).map(container).collect::<Vec<_>>()},
        })
    };
    let length = |pod: &Value| pod.to_string().len();
    let (empty, pair) = (length(&pod(0, 0)), length(&pod(2, 0)) - length(&pod(1, 0)));
    let pairs = bytes.saturating_sub(empty) / pair;
    let rest = bytes.saturating_sub(length(&pod(pairs, 0)));
    AdmissionRequest::create(pod(pairs, rest))
}

/// The signers of an image for which there are several keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    /// The last of the settings' keys, and one is enough.
    ByLast,
    /// All keys have signed and all are needed, in the order of the settings.
    InOrder,
    /// All keys have signed and all are needed, from the last to the first.
    Backwards,
}

fn keys(count: usize, signed: Signed) -> Result<(usize, Case<'static>)> {
    let signers = signers("signer", count);
    let by: Vec<&Signer> = match signed {
        Signed::ByLast => signers.last().into_iter().collect(),
        Signed::InOrder => signers.iter().collect(),
        Signed::Backwards => signers.iter().rev().collect(),
    };
    let threshold = if signed == Signed::ByLast { 1 } else { count };
    Ok((count, signed_by(&by, &signers, threshold)?))
}

/// Signatures over what should be signed, and none is by one of the keys.
fn strangers(count: usize, keys: usize) -> Result<(usize, Case<'static>)> {
    let strangers = signers("stranger", count);
    Ok((count, signed_by(&strangers.iter().collect::<Vec<_>>(), &signers("signer", keys), 1)?))
}

fn signers(name: &str, count: usize) -> Vec<Signer> {
    (1..=count).map(|n| Signer::named(&format!("{name}-{n}"))).collect()
}

/// An image that these signed, the last one last, and a rule that asks the others.
fn signed_by(by: &[&Signer], asked: &[Signer], threshold: usize) -> Result<Case<'static>> {
    let (repository, digest) = ("ghcr.io/acme/app", digest_of(b"app"));
    let mut shelf = Shelf::default();
    shelf.tag(repository, "v1", &digest);
    shelf.sign(repository, &digest, &signed_payload(repository, &digest, &Default::default()), by)?;
    let root = |(signer, n): (&Signer, usize)| json!({"name": format!("signer-{n}"), "key": signer.public_pem()});
    let settings = json!({
        "validators": [{
            "name": "default", "type": "cosign", "trustRoots": asked.iter().zip(1..).map(root).collect::<Vec<_>>(),
        }],
        "policy": [{"pattern": "ghcr.io/acme/*:*", "with": {"trustRoot": "*", "threshold": threshold}}],
        "features": features(),
    });
    Ok(case(request(&[format!("{repository}:v1")])?, settings, host(shelf)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_can_be_asked_for() {
        let names: Vec<&str> = all().expect("axes").iter().map(|axis| axis.name).collect();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn objects_have_the_size_that_they_are_said_to_have() {
        for (bytes, case) in all()
            .expect("axes")
            .into_iter()
            .filter(|it| it.name == "size")
            .flat_map(|it| it.series)
            .flat_map(|it| it.points)
        {
            assert_eq!(case.request.object.map(|object| object.to_string().len()), Some(bytes));
        }
    }
}
