//! Every place of every kind that holds an image, with one image that real cosign signed.

use image_trust_host::AdmissionRequest;
use image_trust_testbed::loopback::ImageKind;
use serde_json::{Value, json};

use crate::docker_registry::DockerRegistry;
use crate::policy::{by, evaluate, host, pins, settings};
use crate::tools::{Cosign, Format};

/// An object with this value at a path of members.
fn nested(path: &str, value: Value) -> Value {
    path.rsplit('/').filter(|member| !member.is_empty()).fold(value, |value, member| json!({member: value}))
}

#[test]
fn every_kind_is_pinned_where_it_holds_images() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(registry), Some(cosign)) = (DockerRegistry::start(), Cosign::find("cosign2", folder.path())) else {
        return;
    };
    let keys = [("alice", cosign.generate("alice"))];
    let digest = registry.push("app", "1", ImageKind::Index, "x");
    let repository = format!("{}/app", registry.host());
    cosign.sign(Format::Tag, "alice", &[format!("{repository}@{digest}")], &[]);
    let image = format!("{repository}:1");

    let container = json!([{"name": "c", "image": image}]);
    let plain = json!({"containers": container});
    let all = json!({
        "containers": container,
        "initContainers": [{"name": "i", "image": image}],
        "ephemeralContainers": [{"name": "e", "image": image}],
        "volumes": [{"name": "none", "emptyDir": {}}, {"name": "v", "image": {"reference": image}}],
    });
    let everywhere: &[&str] = &[
        "/containers/0/image",
        "/initContainers/0/image",
        "/ephemeralContainers/0/image",
        "/volumes/1/image/reference",
    ];
    let first = &everywhere[..1];
    // the kind, where its pod spec is, the pod spec, the subresource, where it is pinned
    type Row<'a> = (&'a str, &'a str, &'a str, &'a Value, Option<&'a str>, &'a [&'a str]);
    let table: &[Row<'_>] = &[
        ("v1", "Pod", "/spec", &plain, None, first),
        ("v1", "Pod", "/spec", &all, None, everywhere),
        ("v1", "PodTemplate", "/template/spec", &plain, None, first),
        ("v1", "ReplicationController", "/spec/template/spec", &plain, None, first),
        ("apps/v1", "Deployment", "/spec/template/spec", &plain, None, first),
        ("apps/v1", "Deployment", "/spec/template/spec", &all, None, everywhere),
        ("apps/v1", "ReplicaSet", "/spec/template/spec", &plain, None, first),
        ("apps/v1", "StatefulSet", "/spec/template/spec", &plain, None, first),
        ("apps/v1", "DaemonSet", "/spec/template/spec", &plain, None, first),
        ("batch/v1", "Job", "/spec/template/spec", &plain, None, first),
        ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec", &plain, None, first),
        // kubectl debug: what ran before is verified again and stays as it is
        ("v1", "Pod", "/spec", &all, Some("ephemeralcontainers"), &everywhere[2..3]),
    ];
    let settings = settings(registry.host(), &keys, &by("alice"));
    let live = host(&[registry.host()]);
    for (api_version, kind, path, spec, subresource, places) in table {
        let object = |spec: Value| {
            let mut object = nested(path, spec);
            object["apiVersion"] = json!(api_version);
            object["kind"] = json!(kind);
            object["metadata"] = json!({"name": "x", "namespace": "n"});
            object
        };
        let mut request = AdmissionRequest::create(object((*spec).clone())).unwrap();
        if let Some(name) = subresource {
            let mut before = (*spec).clone();
            before.as_object_mut().unwrap().remove("ephemeralContainers");
            request.operation = "UPDATE".to_owned();
            request.sub_resource = Some((*name).to_owned());
            request.old_object = Some(object(before));
        }
        let came = evaluate(&request, &settings, &live);
        let mut pinned = pins(&came);
        pinned.sort();
        let mut expected: Vec<_> =
            places.iter().map(|place| (format!("{path}{place}"), format!("{image}@{digest}"))).collect();
        expected.sort();
        assert!(came.response.allowed, "{kind}, {subresource:?}: {:?}", came.response.status);
        assert_eq!(pinned, expected, "{kind}, {subresource:?}");
        let calls: Vec<&str> = came.calls.iter().map(|call| call.capability.as_str()).collect();
        assert_eq!(
            calls,
            ["oci/v1/manifest_digest", "oci/v1/oci_manifest"],
            "{kind}: one image, however often it occurs"
        );
    }
}
