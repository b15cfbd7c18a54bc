//! What reaches users of our answers, before a policy protects and after? The real module, and what Kubewarden does with what it says.
//!
//! Kubewarden's *monitor* mode admits everything, and tells the policy nothing of it: patch and status are dropped, warnings stay. In *protect* mode
//! a patch is a denial where the policy was deployed with `mutating: false`, and a no in a policy group.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use image_trust_host::{AdmissionRequest, AdmissionResponse, Deadline, Gate, Live, LiveConfig, Policy, Status};
use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer, signature_tag};
use serde_json::{Value, json};

/// A way in which a policy is deployed.
#[derive(Clone, Copy)]
struct Deployment {
    monitor: bool,
    mutating: bool,
    /// The field `spec.message` of the policy.
    message: Option<&'static str>,
}

const MONITOR: Deployment = Deployment { monitor: true, mutating: true, message: None };
const PROTECT: Deployment = Deployment { monitor: false, mutating: true, message: None };
const VALIDATE: Deployment = Deployment { monitor: false, mutating: false, message: None };

/// The policy server's message about a patch that the policy may not make.
const MAY_NOT_MUTATE: &str = "Request rejected by policy image-trust. The policy attempted to mutate the request, but it is currently configured to not allow mutations.";

impl Deployment {
    /// What policy-server makes of the policy's answer, in its order, and the causes that it adds to the status.
    fn process(self, answer: AdmissionResponse) -> (AdmissionResponse, Vec<String>) {
        let answer = match (self.monitor, &answer.patch) {
            (true, _) => AdmissionResponse { allowed: true, patch: None, patch_type: None, status: None, ..answer },
            (false, Some(_)) if !self.mutating => {
                let status = Status { message: Some(MAY_NOT_MUTATE.to_owned()), code: None };
                AdmissionResponse { allowed: false, patch: None, patch_type: None, status: Some(status), ..answer }
            }
            (false, _) => answer,
        };
        let Some(message) = self.message.filter(|_| !answer.allowed) else { return (answer, Vec::new()) };
        let status = answer.status.clone().unwrap_or_default();
        let causes = vec![status.message.unwrap_or_default()];
        let status = Some(Status { message: Some(message.to_owned()), ..status });
        (AdmissionResponse { status, ..answer }, causes)
    }
}

/// What a policy group makes of a member's answer: of everything in it only this, and the message of a no.
fn counts_in_a_group(answer: &AdmissionResponse) -> bool {
    answer.allowed && answer.patch.is_none()
}

/// The answer as the user and the cluster see it.
fn seen(answer: &AdmissionResponse) -> String {
    let code = answer.status.as_ref().and_then(|status| status.code);
    let mut words = vec![match (answer.allowed, code) {
        (true, _) => "admitted".to_owned(),
        (false, Some(code)) => format!("denied {code}"),
        (false, None) => "denied".to_owned(),
    }];
    words.extend(answer.patch.is_some().then(|| "pinned".to_owned()));
    words.extend(answer.warnings.as_ref().is_some_and(|w| !w.is_empty()).then(|| "warned".to_owned()));
    words.join(", ")
}

/// A registry with an image that alice signed, one that nobody did, and one whose signatures can't be had.
struct World {
    registry: Registry,
    live: Arc<Live>,
}

/// The module, compiled once for all tests.
fn module() -> &'static Policy {
    static MODULE: OnceLock<Policy> = OnceLock::new();
    MODULE.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
        Policy::load(&path).expect("`make policy.wasm` builds the module")
    })
}

const SIGNED: &str = "signed";
const UNSIGNED: &str = "unsigned";
const UNKNOWN: &str = "unknown";

impl World {
    fn new() -> Self {
        let registry = Registry::start().unwrap();
        for repository in [SIGNED, UNSIGNED, UNKNOWN] {
            let digest = registry.push_image(repository, "1", ImageKind::Oci, repository);
            if repository != UNSIGNED {
                Signer::named("alice").sign(&registry, repository, &digest, &Default::default()).unwrap();
            }
            if repository == UNKNOWN {
                let scope = Scope::Manifest { repository: repository.to_owned(), reference: signature_tag(&digest) };
                registry.fail(scope, Fault::ServerError);
            }
        }
        let live = Arc::new(Live::new(LiveConfig::loopback([registry.host()])).unwrap());
        Self { registry, live }
    }

    /// The policy's own answer about a Pod with these images.
    fn ask(&self, images: &[&str], features: &str) -> AdmissionResponse {
        let registry = self.registry.host();
        let mut features: Value = serde_yaml::from_str(features).unwrap();
        // What is tested is never how busy this machine is.
        features["timeBudgetMs"] = json!(30_000);
        let settings = json!({
            "validators": [{
                "name": "default", "type": "cosign",
                "trustRoots": [{"name": "default", "key": Signer::named("alice").public_pem()}],
            }],
            "policy": [{"pattern": format!("{registry}/*")}],
            "features": features,
        });
        module().check_settings(&settings).unwrap();
        let container = |image: &&str| json!({"name": image, "image": format!("{registry}/{image}:1")});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"containers": images.iter().map(container).collect::<Vec<_>>()},
        });
        let host = Arc::new(Gate::new(Arc::clone(&self.live)));
        let request = AdmissionRequest::create(pod).unwrap();
        module().evaluate(&request, &settings, host, Deadline::Off).unwrap().response
    }
}

#[test]
fn what_users_see_before_a_policy_protects_and_after() {
    const NO_MUTATION: &str = "{mutation: false}";
    const DETECTION: &str = "{detectionMode: true}";
    const BOTH: &str = "{detectionMode: true, mutation: false}";
    // images, features; monitor, protect, protect with `mutating: false`, what a group counts; why
    type Row<'a> = (&'a [&'a str], &'a str, [&'a str; 3], bool, &'a str);
    let rows: &[Row<'_>] = &[
        (
            &[SIGNED],
            "{}",
            ["admitted", "admitted, pinned", "denied"],
            false,
            "there is nothing to warn of, but a patch needs `mutating: true`",
        ),
        (
            &[SIGNED],
            NO_MUTATION,
            ["admitted, warned", "admitted, warned", "admitted, warned"],
            true,
            "that a tag stays a tag is told everywhere",
        ),
        (
            &[SIGNED],
            DETECTION,
            ["admitted", "admitted, pinned", "denied"],
            false,
            "what is proven is pinned all the same",
        ),
        (&[UNSIGNED], "{}", ["admitted, warned", "denied 403, warned", "denied 403, warned"], false, "a denial warns"),
        (&[UNSIGNED], NO_MUTATION, ["admitted, warned", "denied 403, warned", "denied 403, warned"], false, "the same"),
        (
            &[UNSIGNED],
            DETECTION,
            ["admitted, warned", "admitted, warned", "admitted, warned"],
            true,
            "detection mode is the same wherever it runs, while it pins nothing",
        ),
        (
            &[UNKNOWN],
            "{}",
            ["admitted, warned", "denied 503, warned", "denied 503, warned"],
            false,
            "that it could not be told, too",
        ),
        (&[UNKNOWN], NO_MUTATION, ["admitted, warned", "denied 503, warned", "denied 503, warned"], false, "the same"),
        (&[UNKNOWN], DETECTION, ["admitted, warned", "admitted, warned", "admitted, warned"], true, "the same"),
        (
            &[SIGNED, UNSIGNED],
            "{}",
            ["admitted, warned", "denied 403, warned", "denied 403, warned"],
            false,
            "one is enough to deny, and a denial brings no patch",
        ),
        (
            &[SIGNED, UNSIGNED],
            DETECTION,
            ["admitted, warned", "admitted, pinned, warned", "denied, warned"],
            false,
            "what was proven is pinned: with `mutating: false` detection mode needs `mutation: false`",
        ),
        (
            &[SIGNED, UNSIGNED],
            BOTH,
            ["admitted, warned", "admitted, warned", "admitted, warned"],
            true,
            "with it nothing is denied and nothing is changed",
        ),
    ];
    let world = World::new();
    let mut failures = Vec::new();
    for (images, features, expected, counts, why) in rows {
        let answer = world.ask(images, features);
        let came = [MONITOR, PROTECT, VALIDATE].map(|deployment| seen(&deployment.process(answer.clone()).0));
        if came != *expected || counts_in_a_group(&answer) != *counts {
            failures.push(format!(
                "{images:?} {features}: {why}\n  came:     {came:?}\n  expected: {expected:?}; {answer:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} rows fail:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

#[test]
fn a_warning_in_monitor_mode_says_which_image_and_why() {
    let world = World::new();
    // images, the beginnings of the warnings
    let rows: &[(&[&str], &[&str])] = &[
        (&[UNSIGNED], &["image-trust refuses: not-signed: "]),
        (&[UNKNOWN], &["image-trust refuses: evidence-unavailable: "]),
        (
            &[UNSIGNED, SIGNED, UNKNOWN],
            &["image-trust refuses: not-signed: ", "image-trust refuses: evidence-unavailable: "],
        ),
    ];
    for (images, beginnings) in rows {
        let (answer, _) = MONITOR.process(world.ask(images, "{}"));
        let warnings = answer.warnings.unwrap_or_default();
        assert_eq!(
            warnings.len(),
            beginnings.len(),
            "{images:?}: one warning an image that would be denied: {warnings:?}"
        );
        for (warning, beginning) in warnings.iter().zip(*beginnings) {
            let begins = format!("{beginning}{}/", world.registry.host());
            assert!(warning.starts_with(&begins), "{images:?}: {warning:?} does not begin with {begins:?}");
            assert!(warning.len() <= 256, "the API server cuts what is longer: {warning:?}");
        }
        let records = answer.audit_annotations.unwrap_or_default();
        let records = records.values().map(|record| serde_json::from_str::<Value>(record).unwrap());
        let judged: Vec<Value> = records
            .map(|record| if record["reason"].is_null() { &record["verdict"] } else { &record["reason"] }.clone())
            .collect();
        let reason = |image: &&str| match *image {
            SIGNED => "proven",
            UNSIGNED => "not-signed",
            _ => "evidence-unavailable",
        };
        assert_eq!(judged, images.iter().map(reason).collect::<Vec<_>>(), "the records are kept as well");
    }
}

#[test]
fn a_message_of_the_deployments_own_hides_ours_and_no_warning() {
    let world = World::new();
    let own = Some("Ask #platform.");
    // image, the deployment; the message, what is in the causes
    let rows = [
        (UNSIGNED, Deployment { message: own, ..PROTECT }, own, Some("image-trust denied Pod \"web\""), "a denial"),
        (SIGNED, Deployment { message: own, ..VALIDATE }, own, Some(MAY_NOT_MUTATE), "a patch that is not allowed"),
        (SIGNED, Deployment { message: own, ..PROTECT }, None, None, "what is admitted has no message"),
        (UNSIGNED, Deployment { message: own, ..MONITOR }, None, None, "nor has monitor mode"),
    ];
    for (image, deployment, message, cause, why) in rows {
        let ours = world.ask(&[image], "{}");
        let (answer, causes) = deployment.process(ours.clone());
        assert_eq!(answer.status.and_then(|status| status.message).as_deref(), message, "{why}");
        assert_eq!(causes.len(), usize::from(cause.is_some()), "{why}");
        assert!(causes.iter().zip(cause).all(|(it, part)| it.starts_with(part)), "{why}: {causes:?}");
        assert_eq!(answer.warnings, ours.warnings, "{why}: warnings pass as they are");
    }
}
