//! Which requests does every policy of this kind get? The cases that are measured without being asked for.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Result, ensure};
use image_trust_host::{
    AdmissionRequest, Answers, ContextAwareResource, Deadline, Gate, HostCapabilities, HostRequest,
};
use image_trust_testbed::loopback::{Signer, digest_of, signed_payload};
use serde_json::{Value, json};

use super::{
    Module, attested,
    in_process::Case,
    shelf::{Shelf, trusted},
    signatures, timed,
};

/// A host that was asked about all of these images a moment ago: their digests, and that alice signed them, in each form in which a
/// policy can ask for it; and the ReplicaSet that owns the Pods, which lists the first one with its digest.
#[derive(Default)]
pub(super) struct Remembered {
    images: Shelf,
    owner: Vec<u8>,
}

/// The owner of every Pod here.
const OWNER: &str = "web-7d9c5b6f4";
const OWNER_UID: &str = "b1f7";

impl Remembered {
    pub(super) fn of(repositories: &[String]) -> Result<Self> {
        let owner = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": OWNER, "namespace": "shop", "uid": OWNER_UID, "creationTimestamp": "2026-11-22T00:00:00Z"},
            "spec": {"template": {"spec": {"containers": [{"name": "web-1", "image": repositories.first().map(|name| pinned(name))}]}}},
        });
        let mut remembered = Self { owner: owner.to_string().into_bytes(), ..Self::default() };
        let alice = Signer::named("alice");
        for repository in repositories {
            let digest = digest_of(repository.as_bytes());
            let payload = signed_payload(repository, &digest, &Default::default());
            remembered.images.sign(repository, &digest, &payload, &[&alice])?;
            remembered.images.tag(repository, TAG, &digest);
        }
        Ok(remembered)
    }
}

impl Answers for Remembered {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        match request {
            // Verified a moment ago, and not now.
            HostRequest::SigstorePubKeyVerify { image, .. } => Ok(trusted(self.images.digest(image)?)),
            HostRequest::KubernetesGetResource { name, .. } if name == OWNER => Ok(self.owner.clone()),
            _ => self.images.answer(request),
        }
    }
}

const TAG: &str = "v1";

/// As the policy pins the image of this repository.
fn pinned(repository: &str) -> String {
    format!("{}@{}", tagged(repository), digest_of(repository.as_bytes()))
}

pub(super) fn tagged(repository: &str) -> String {
    format!("{repository}:{TAG}")
}

/// Every case. All of them are admitted by each module, or there is nothing to compare.
pub(super) fn all(modules: &[Module]) -> Result<Vec<Case<'static>>> {
    let fifty: Vec<String> = (1..=50).map(|n| format!("ghcr.io/acme/app-{n}")).collect();
    let owners = BTreeSet::from([ContextAwareResource { api_version: "apps/v1".into(), kind: "ReplicaSet".into() }]);
    let host: Arc<dyn HostCapabilities> = Arc::new(Gate::new(Remembered::of(&fifty)?).with_resources(owners));
    let listed: Vec<String> = fifty.iter().take(1).map(|repository| pinned(repository)).collect();
    let fifty: Vec<String> = fifty.iter().map(|repository| tagged(repository)).collect();
    let pause = &["registry.k8s.io/pause:3.9".to_owned()];
    let (one, same) = (fifty.get(..1).unwrap_or_default(), fifty.iter().take(1).cycle().take(50).cloned());
    let live: Vec<String> = one.iter().map(|image| format!("{image}@{}", digest_of(b"live"))).collect();
    let proof = || json!({"automaticChildApproval": false});
    // the case, how many rules there are, features, the request
    let table: [(&str, usize, Value, AdmissionRequest); 9] = [
        ("(b) static image, 1 rule", 1, proof(), request(pause)?),
        ("(b) static image, 100 rules", 100, proof(), request(pause)?),
        ("(b) static image, 1,000 rules", 1_000, proof(), request(pause)?),
        ("(c) keyed image, remembered, 100 rules", 100, proof(), request(one)?),
        (
            "(d) 50 containers of one image, keyed, remembered, 100 rules",
            100,
            proof(),
            request(&same.collect::<Vec<_>>())?,
        ),
        ("(e) 50 distinct images, keyed, remembered, 100 rules", 100, proof(), request(&fifty)?),
        ("(f) approved child, 100 rules", 100, json!({}), request(&listed)?),
        ("(g) unchanged update, 100 rules", 100, json!({"automaticUnchangedApproval": true}), update(one, one)?),
        (
            "(h) dry run that keeps the live digest, 100 rules",
            100,
            json!({"automaticChildApproval": false, "gitops": {"dryRun": "reuse"}}),
            AdmissionRequest { dry_run: Some(true), ..update(one, &live)? },
        ),
    ];
    let mut cases = Vec::new();
    for (name, rules, features, request) in table {
        let host = Arc::clone(&host);
        let host = move |_: &_| Arc::clone(&host);
        let case = Case { name: name.to_owned(), request, settings: settings(rules, &features), host: Box::new(host) };
        is_admitted(&case, modules)?;
        cases.push(case);
    }
    for case in attested::cases()? {
        is_admitted(&case, modules)?;
        cases.push(case);
    }
    for case in signatures::cases()? {
        for module in modules {
            module.check_settings(&case.settings)?;
        }
        cases.push(case);
    }
    Ok(cases)
}

/// Checks that each module admits what the case asks, in time.
fn is_admitted(case: &Case<'_>, modules: &[Module]) -> Result<()> {
    for module in modules {
        module.check_settings(&case.settings)?;
        let host = (case.host)(&module.policy);
        let (_, came) = timed(&module.policy, &case.request, &case.settings, host, Deadline::default())?;
        ensure!(came.response.allowed, "{}, {}: denied: {:?}", case.name, module.label, came.response.status);
    }
    Ok(())
}

/// So many rules, of which the last one or two are those of the cases: one that allows, and one that wants alice's signature.
pub(super) fn settings(rules: usize, features: &Value) -> Value {
    let alice = json!({"trustRoot": "alice"});
    let others =
        (2..rules).map(|n| json!({"pattern": format!("registry-{n}.example.com/team-{n}/*:v{n}*"), "with": alice}));
    let mut policy: Vec<Value> = others.collect();
    policy.push(json!({"pattern": "registry.k8s.io/*:*", "validator": "allow"}));
    if rules > 1 {
        policy.push(json!({"pattern": "ghcr.io/acme/*:*", "with": alice}));
    }
    json!({
        "validators": [
            {"name": "default", "type": "cosign", "trustRoots": [{"name": "alice", "key": Signer::named("alice").public_pem()}]},
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ],
        "policy": policy,
        "features": features,
    })
}

/// The update of such a Pod, which had other images before.
fn update(images: &[String], before: &[String]) -> Result<AdmissionRequest> {
    let old_object = request(before)?.object;
    Ok(AdmissionRequest { operation: "UPDATE".to_owned(), old_object, ..request(images)? })
}

/// A Pod as a Deployment's controller sends it, with a container an image: a few kilobytes, most of which a policy has no use for.
pub(super) fn request(images: &[String]) -> Result<AdmissionRequest> {
    let request = json!({
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
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": OWNER, "uid": OWNER_UID, "controller": true, "blockOwnerDeletion": true}],
                "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": "2026-11-22T00:00:00Z", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}}}, "f:spec": {"f:containers": {}, "f:dnsPolicy": {}, "f:restartPolicy": {}}}}],
            },
            "spec": {
                "containers": images.iter().zip(1..).map(|(image, n)| json!({
                    "name": format!("web-{n}"), "image": image, "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                    "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
                    "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "failureThreshold": 3},
                    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true},
                    "volumeMounts": [{"name": "kube-api-access-x2x9v", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}],
                })).collect::<Vec<_>>(),
                "volumes": [{"name": "kube-api-access-x2x9v", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
                "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "serviceAccountName": "default", "schedulerName": "default-scheduler",
                "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            },
        },
    });
    AdmissionRequest::from_json(&request.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image_trust_testbed::loopback::{Registry, signature_tag};

    #[test]
    fn all_that_is_remembered_is_about_the_same_digest() {
        let repository = "ghcr.io/acme/app";
        let remembered = Remembered::of(&[repository.to_owned()]).expect("a host");
        let digest = digest_of(repository.as_bytes());
        // What the signer attaches in a registry, which cosign accepts.
        let registry = Registry::start().expect("a registry");
        let payload = signed_payload(repository, &digest, &Default::default());
        Signer::named("alice").sign_payload(&registry, "app", &digest, &payload).expect("a signature");
        let attached = registry.manifest("app", &signature_tag(&digest)).expect("a manifest");
        let attached = String::from_utf8_lossy(&attached.bytes).into_owned();

        let found = format!(r#"{{"digest":"{digest}"}}"#);
        let proven = format!(r#"{{"digest":"{digest}","is_trusted":true}}"#);
        let digest_of = |image: String| HostRequest::OciManifestDigest { image };
        let manifest_of = |image: String| HostRequest::OciManifest { image };
        let verify = |image: String| HostRequest::SigstorePubKeyVerify { image, pub_keys: vec![], annotations: None };
        // what is asked, the answer
        let table = [
            (digest_of(format!("{repository}:v1")), Some(&found)),
            (digest_of(format!("{repository}@{digest}")), Some(&found)),
            (digest_of(format!("{repository}:v1@{digest}")), Some(&found)),
            (digest_of(format!("{repository}:v2")), None),
            (verify(format!("{repository}:v1")), Some(&proven)),
            (verify(format!("{repository}@{digest}")), Some(&proven)),
            (verify(format!("{repository}:v2")), None),
            (manifest_of(format!("{repository}:{}", signature_tag(&digest))), Some(&attached)),
            (manifest_of(format!("{repository}:v1")), None),
            (HostRequest::DNSLookupHost { host: "ghcr.io".to_owned() }, None),
        ];
        for (request, expected) in table {
            let answer = remembered.answer(&request).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(answer.as_ref(), expected, "{request:?}");
        }
    }
}
