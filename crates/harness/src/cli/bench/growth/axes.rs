//! What may grow? Requests and settings of one kind, in many sizes.

use std::sync::Arc;

use anyhow::Result;
use image_trust_harness::{
    AdmissionRequest, Answers, Gate, HostCapabilities, Policy,
    loopback::{Signer, digest_of, signed_payload},
};
use serde_json::{Value, json};

use super::super::{
    cases::{Remembered, request, settings, tagged},
    in_process::Case,
    shelf::Shelf,
};

/// Something that grows.
pub(super) struct Axis {
    /// What its plot is called.
    pub(super) file: &'static str,
    /// What is counted.
    pub(super) what: &'static str,
    pub(super) series: Vec<Series>,
}

/// What is measured while it grows.
pub(super) struct Series {
    pub(super) name: &'static str,
    /// The verdict on each of them, or there is nothing to compare.
    pub(super) admitted: bool,
    pub(super) points: Vec<(usize, Case<'static>)>,
}

const RULES: &[usize] = &[1, 10, 100, 1_000, 2_000, 5_000, 10_000];
const CONTAINERS: &[usize] = &[1, 3, 10, 30, 100, 300, 1_000];
/// More different images than are decided.
const TOO_MANY: &[usize] = &[101, 200, 300, 600, 1_000];
/// As many different images as the policy decides in one request.
const MAX_IMAGES: usize = 100;
const SIZES: &[usize] = &[1_000, 10_000, 100_000, 300_000, 1_000_000, 3_000_000];
const KEYS: &[usize] = &[1, 2, 5, 10, 20, 50];

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
            file: "rules",
            what: "rules",
            series: vec![series("a static image, its rule the last", true, RULES.iter().map(rules))?],
        },
        Axis {
            file: "containers",
            what: "containers",
            series: vec![
                series("static, up to 100 distinct images", true, CONTAINERS.iter().map(allowed))?,
                series("proven, all distinct", true, few(CONTAINERS).map(proven))?,
                series("proven, 100 distinct images", true, many(CONTAINERS).map(proven))?,
                series("denied: more than 100 distinct", false, TOO_MANY.iter().map(too_many))?,
            ],
        },
        Axis {
            file: "size",
            what: "object, bytes",
            series: vec![
                series("a static image", true, SIZES.iter().map(unread))?,
                series("an image proven and pinned", true, SIZES.iter().map(pinned))?,
            ],
        },
        Axis {
            file: "keys",
            what: "keys",
            series: vec![
                series(
                    "one signature, by the last of the keys",
                    true,
                    KEYS.iter().map(|count| keys(*count, Signed::ByLast)),
                )?,
                series(
                    "signed by all, the last key signed last",
                    true,
                    KEYS.iter().map(|count| keys(*count, Signed::InOrder)),
                )?,
                series(
                    "signed by all, the first key signed last",
                    true,
                    KEYS.iter().map(|count| keys(*count, Signed::Backwards)),
                )?,
            ],
        },
    ])
}

fn series(
    name: &'static str,
    admitted: bool,
    points: impl Iterator<Item = Result<(usize, Case<'static>)>>,
) -> Result<Series> {
    Ok(Series { name, admitted, points: points.collect::<Result<_>>()? })
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
    json!({"automaticChildApproval": false, "timeBudgetMs": 30_000})
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

/// Who signed an image for which there are several keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    /// The last of the settings' keys, and one is enough.
    ByLast,
    /// All of them and all are needed, in the settings' order.
    InOrder,
    /// The same, from the last to the first.
    Backwards,
}

fn keys(count: usize, signed: Signed) -> Result<(usize, Case<'static>)> {
    let (repository, digest) = ("ghcr.io/acme/app", digest_of(b"app"));
    let names: Vec<String> = (1..=count).map(|n| format!("signer-{n}")).collect();
    let signers: Vec<Signer> = names.iter().map(|name| Signer::named(name)).collect();
    let by: Vec<&Signer> = match signed {
        Signed::ByLast => signers.last().into_iter().collect(),
        Signed::InOrder => signers.iter().collect(),
        Signed::Backwards => signers.iter().rev().collect(),
    };
    let mut shelf = Shelf::default();
    shelf.tag(repository, "v1", &digest);
    shelf.sign(repository, &digest, &signed_payload(repository, &digest, &Default::default()), &by)?;
    let roots = names.iter().zip(&signers).map(|(name, signer)| json!({"name": name, "key": signer.public_pem()}));
    let settings = json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": roots.collect::<Vec<_>>()}],
        "policy": [{
            "pattern": "ghcr.io/acme/*:*",
            "with": {"trustRoot": "*", "threshold": if signed == Signed::ByLast { 1 } else { count }},
        }],
        "features": features(),
    });
    Ok((count, case(request(&[format!("{repository}:v1")])?, settings, host(shelf))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_the_size_that_they_are_said_to_have() {
        for (bytes, case) in all()
            .expect("axes")
            .into_iter()
            .filter(|it| it.file == "size")
            .flat_map(|it| it.series)
            .flat_map(|it| it.points)
        {
            assert_eq!(case.request.object.map(|object| object.to_string().len()), Some(bytes));
        }
    }
}
