//! Which recorded requests are decided otherwise, and why?

use std::fs;

use serde_json::{Value, json};

use super::{DIGEST, Run, root, validators, values};

/// A request to create a Pod, or to change it.
fn pod(images: &[&str], old: Option<&[&str]>) -> Value {
    let object = |images: &[&str]| {
        let containers: Vec<Value> =
            images.iter().enumerate().map(|(i, image)| json!({"name": format!("c{i}"), "image": image})).collect();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": containers}})
    };
    let mut request = json!({
        "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": if old.is_some() { "UPDATE" } else { "CREATE" }, "userInfo": {}, "namespace": "shop", "object": object(images),
    });
    if let Some(old) = old {
        request["oldObject"] = object(old);
    }
    request
}

#[test]
fn recorded_requests_are_decided_both_ways() {
    let rules = json!([
        {"pattern": "*:*", "validator": "deny"},
        {"pattern": "registry.k8s.io/*:*", "validator": "allow"},
        {"pattern": "ghcr.io/acme/*:*", "with": {"verifyInTransparencyLog": false}},
        {"pattern": "ghcr.io/keep/*:*", "with": {"verifyInTransparencyLog": false, "mode": "insecureValidateOnly"}},
        {"pattern": "ghcr.io/dct/*:*", "validator": "notary"},
        {"pattern": "ghcr.io/notation/*:*", "validator": "notation", "with": {"verificationLevel": "permissive", "verifyTimestamp": "afterCertExpiry"}},
        {"pattern": "ghcr.io/lost/*:*", "validator": "spelling"},
        {"pattern": "ghcr.io/web/*:*", "validator": "keyless"},
        {"pattern": "ghcr.io/logged/*:*", "with": {"verifyInTransparencyLog": true}},
        {"pattern": "docker.io/library/*:*", "with": {"verifyInTransparencyLog": false}},
    ]);
    let with = |mut request: Value, place: &str, value: Value| {
        let (parent, key) = place.rsplit_once('/').expect("a place");
        request.pointer_mut(parent).expect("a parent")[key] = value;
        request
    };
    let hub = format!("docker.io/redis@{DIGEST}");
    let deleted = with(
        pod(&["ghcr.io/acme/b:1"], Some(&["ghcr.io/acme/a:1"])),
        "/oldObject/metadata/deletionTimestamp",
        json!("2026-11-22T00:00:00Z"),
    );
    let volume = json!([{"name": "m", "image": {"reference": "evil.io/m:1"}}]);
    let template = json!({"group": "", "version": "v1", "kind": "PodTemplate"});
    let of_template = json!({"group": "", "version": "v1", "resource": "podtemplates"});
    let templates = with(
        with(with(pod(&["x"], None), "/kind", template), "/resource", of_template),
        "/object",
        json!({"kind": "PodTemplate", "apiVersion": "v1", "template": {"spec": {"containers": [{"name": "c0", "image": "evil.io/x"}]}}}),
    );
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "p", "uid": "1", "controller": true}]);
    let containers = json!([{"name": "c0", "image": "ghcr.io/acme/app:v1"}]);
    let replica_set = with(
        with(
            with(pod(&["x"], None), "/kind", json!({"group": "apps", "version": "v1", "kind": "ReplicaSet"})),
            "/resource",
            json!({"group": "apps", "version": "v1", "resource": "replicasets"}),
        ),
        "/object",
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "p-1", "namespace": "shop", "ownerReferences": owner},
            "spec": {"template": {"spec": {"containers": containers}}},
        }),
    );
    // the request, the slots that differ with a part of why
    type Row<'a> = (Value, &'a [(&'a str, &'a str)], &'a str);
    let rows: Vec<Row<'_>> = vec![
        (
            pod(&["ghcr.io/acme/app:v1", "registry.k8s.io/pause:3.9", "ghcr.io/keep/x:1"], None),
            &[],
            "signed and pinned, allowed, signed and kept",
        ),
        (
            pod(&["ghcr.io/web/app:1", "ghcr.io/logged/app:1"], None),
            &[],
            "signed with a certificate, and with a log entry",
        ),
        (pod(&["evil.io/x"], None), &[], "denied by the same rule"),
        (
            json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": pod(&["evil.io/x"], None)}),
            &[],
            "a whole review",
        ),
        (
            pod(&["evil.io/registry.k8s.io/pause:3.9"], None),
            &[("containers/c0", "Patterns are compared part by part, and whole")],
            "a name that contains another",
        ),
        (
            pod(&["ghcr.io/acme/app:v1"], Some(&["ghcr.io/acme/app:v1"])),
            &[("containers/c0", "An update that brings nothing new passes")],
            "an update of nothing",
        ),
        (
            with(
                pod(&["ghcr.io/acme/app:v1"], Some(&["ghcr.io/acme/app:v1"])),
                "/object/spec/activeDeadlineSeconds",
                json!(60),
            ),
            &[("containers/c0", "An update pins only what changed")],
            "an unchanged slot",
        ),
        (pod(&["ghcr.io/dct/app:v1"], None), &[], "signed with trust data"),
        (pod(&["ghcr.io/notation/app:v1"], None), &[], "signed with Notation, by a rule with its own options"),
        (
            replica_set,
            &[("containers/c0", "A ReplicaSet keeps the tag of its Deployment")],
            "a ReplicaSet that a Deployment creates",
        ),
        (pod(&["ghcr.io/lost/app:v1"], None), &[("containers/c0", "could not be carried")], "what can't be carried"),
        (
            pod(&["registry.k8s.io/ghcr.io/acme/app:v1"], None),
            &[("containers/c0", "a rule that was added")],
            "an added rule",
        ),
        (pod(&[&hub], None), &[("containers/c0", "a defect of Connaisseur's")], "the lost tag"),
        (
            pod(&["GHCR.io/acme/app:1"], None),
            &[("containers/c0", "Short names are completed in patterns too")],
            "an upper-case registry",
        ),
        (
            pod(&["ghcr.io/acme//app:1"], None),
            &[("containers/c0", "A name that two programs could read differently is refused")],
            "an image there, and none here",
        ),
        (
            with(pod(&["ghcr.io/acme/app:v1"], None), "/object/spec/volumes", volume),
            &[
                ("containers/c0", "denied here for another image"),
                ("volumes/m", "More kinds and image volumes are verified"),
            ],
            "an image volume",
        ),
        (pod(&["Acme/app"], None), &[], "an image neither here nor there"),
        (
            deleted,
            &[("containers/c0", "An object that is being deleted may not bring an image")],
            "an object on its way out",
        ),
        (
            templates,
            &[("containers/c0", "More kinds and image volumes are verified")],
            "a kind that is not asked about",
        ),
        (with(pod(&[], None), "/object/spec", json!({})), &[], "no containers: denied there and here"),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    for (i, (request, ..)) in rows.iter().enumerate() {
        fs::write(dir.path().join(format!("{i:02}.json")), request.to_string()).expect("a file");
    }
    fs::write(dir.path().join("ignored.txt"), "").expect("a file");
    let (folder, policy) = (dir.path().to_string_lossy(), root().join("policy.wasm"));
    let args = ["--requests", &folder, "--policy", &policy.to_string_lossy()];
    let values = values(&validators(), &rules).to_string();
    let run = Run::with(&values, &[&args[..], &["-o", "json"]].concat());
    let comparison: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}{}", run.out, run.err));
    assert_eq!(comparison["requests"], rows.len());
    let headings = fs::read_to_string(root().join("docs/explanation/divergences.md")).unwrap();
    for (i, (_, expected, why)) in rows.iter().enumerate() {
        let differences: Vec<&Value> = comparison["differences"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["request"] == format!("{i:02}.json"))
            .collect();
        let told: Vec<&str> =
            differences.iter().filter_map(|row| row["slot"].as_str()).filter(|slot| !slot.is_empty()).collect();
        assert_eq!(told, expected.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), "{why}: {differences:#?}");
        for ((_, part), row) in expected.iter().zip(&differences) {
            let reason = row["why"].as_str().unwrap_or_default();
            assert!(reason.contains(part), "{why}: {row:#}");
            let is_heading = reason.starts_with(char::is_uppercase);
            assert!(!is_heading || headings.contains(&format!("### {reason}\n")), "no such heading: {reason}");
        }
    }
    let run = Run::with(&values, &args);
    assert!(
        run.out.contains("connaisseur") && run.out.contains("05.json") && !run.out.contains("01.json"),
        "a table of what differs: {}",
        run.out
    );
    assert!(run.err.contains("20 requests") && run.err.contains("whatever has to be signed is"), "{}", run.err);
    let empty = tempfile::tempdir().expect("a directory");
    let run = Run::with(&values, &["--requests", &empty.path().to_string_lossy()]);
    assert!(run.err.contains("there are no requests (*.json) in"), "{}", run.err);
}

#[test]
fn modes_soften_what_they_soften_there() {
    let rules = json!([{"pattern": "*:*", "validator": "deny"}, {"pattern": "ghcr.io/acme/*:*", "with": {"verifyInTransparencyLog": false}}]);
    let deployment = |spec: Value| {
        json!({
            "uid": "u", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "operation": "CREATE", "userInfo": {}, "namespace": "shop",
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "shop"}, "spec": {"template": {"spec": spec}}},
        })
    };
    let containers = |image: &str| json!({"containers": [{"name": "c0", "image": image}]});
    let both =
        json!({"containers": [{"name": "c0", "image": "evil.io/x"}, {"name": "c1", "image": "ghcr.io/acme/app:v1"}]});
    let unchanged = pod(&["ghcr.io/acme/app:v1"], Some(&["ghcr.io/acme/app:v1"]));
    // the feature, the request, why it differs, if it does
    let rows = [
        (
            json!({"resourceValidationMode": "podsOnly"}),
            deployment(containers("evil.io/x")),
            None,
            "admitted with a warning",
        ),
        (
            json!({"resourceValidationMode": "podsOnly"}),
            deployment(containers("ghcr.io/acme/app:v1")),
            None,
            "signed, and not pinned",
        ),
        (
            json!({"resourceValidationMode": "podsOnly"}),
            deployment(json!({})),
            Some("What is unreadable stays denied where only Pods are denied"),
            "no containers",
        ),
        (json!({"resourceValidationMode": "podsOnly"}), pod(&["evil.io/x"], None), None, "a Pod is denied"),
        (json!({"detectionMode": true}), pod(&["evil.io/x"], None), None, "admitted with a warning"),
        (json!({"detectionMode": true}), deployment(both), Some("Detection mode pins what was proven"), "one of two"),
        (json!({"detectionMode": true}), deployment(json!({})), None, "no containers, and admitted"),
        (json!({"automaticUnchangedApproval": true}), unchanged, None, "approved, and not pinned"),
    ];
    for (features, request, expected, why) in rows {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("request.json"), request.to_string()).expect("a file");
        let mut values = values(&validators(), &rules);
        values["application"]["features"] = features;
        let (folder, policy) = (dir.path().to_string_lossy(), root().join("policy.wasm"));
        let run = Run::with(
            &values.to_string(),
            &["--requests", &folder, "--policy", &policy.to_string_lossy(), "-o", "json"],
        );
        let comparison: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}{}", run.out, run.err));
        let told: Vec<&str> =
            comparison["differences"].as_array().unwrap().iter().filter_map(|row| row["why"].as_str()).collect();
        assert_eq!(told, Vec::from_iter(expected), "{why}: {comparison:#}");
    }
}
