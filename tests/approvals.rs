//! What may be admitted because it is in the cluster already? Laws of approvals and of live digests, held against an account of their own.

use std::collections::{BTreeMap, BTreeSet};

use image_trust::{Digest, ImageRef, answer};
use image_trust_testbed::{
    host::FakeHost,
    registry::{self, repository},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ALICE: &str = include_str!("keys/alice.pub");

/// Who signed: everything that is called so is alice's, and a broken registry answers nobody.
fn signers(name: &str) -> Option<&'static [&'static str]> {
    match name {
        name if name.contains("broken") => None,
        name if name.contains("signed") => Some(&["alice"]),
        _ => Some(&[]),
    }
}

/// A host with one ReplicaSet and one Deployment, which list these images.
fn host(images: &[String], uid: &str) -> FakeHost<'static> {
    let containers: Vec<Value> = images.iter().map(|image| json!({"image": image})).collect();
    let metadata = json!({"name": "web", "namespace": "shop", "uid": uid});
    registry::host(signers).objects(move |name| {
        assert_eq!((name.api_version, name.namespace, name.name), ("apps/v1", "shop", "web"));
        let object = json!({"apiVersion": "apps/v1", "kind": name.kind, "metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}});
        Ok(object.to_string().into_bytes())
    })
}

/// A request, and everything that it may be approved by.
#[derive(Debug, Clone)]
struct Case {
    /// Name and image of each container.
    new: Vec<(&'static str, String)>,
    old: Vec<(&'static str, String)>,
    update: bool,
    dry_run: bool,
    is_pod: bool,
    mode: &'static str,
    child: Value,
    unchanged: bool,
    pods_only: bool,
    resolve: bool,
    reuse: bool,
    owner_lists: Vec<String>,
    owner_uid: &'static str,
}

fn image() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "ghcr.io/acme/signed",
        "GHCR.io/acme/signed",
        "ghcr.io/acme/plain",
        "ghcr.io/acme/broken",
        "free.io/tool",
        "evil.io/tool",
        "nobody.io/x",
        "a//b",
    ]);
    // The first digest is what the registry has for ghcr.io/acme/signed:v1, the second one is any other.
    let resolved = registry::digest_of(&ImageRef::parse("ghcr.io/acme/signed:v1").unwrap());
    let tails = ["", ":v1", ":v1", ":v2"].map(str::to_owned).into_iter();
    let digests = [resolved, Digest::of(b"other")].into_iter().flat_map(|it| [format!(":v1@{it}"), format!("@{it}")]);
    (name, prop::sample::select(tails.chain(digests).collect::<Vec<_>>()))
        .prop_map(|(name, tail)| name.to_owned() + &tail)
}

fn containers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    prop::collection::vec((prop::sample::select(vec!["a", "b", "c", ""]), image()), 1..4)
}

fn case() -> impl Strategy<Value = Case> {
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let child = prop::sample::select(vec![
        json!(true),
        json!(false),
        json!({"requireDigest": true}),
        json!({"requireDigest": false}),
        json!({"ttl": 1}),
    ]);
    let mode = prop::sample::select(vec!["mutate", "mutate", "mutatePodsOnly", "insecureValidateOnly"]);
    let owner = (prop::collection::vec(image(), 0..4), prop::sample::select(vec!["1", "1", "2"]));
    let weighed = (any::<bool>(), 0..4u8);
    (containers(), containers(), switches, child, mode, owner, weighed).prop_map(
        |(new, mut old, (dry_run, is_pod, unchanged, resolve, reuse, alike), child, mode, owner, (update, pods))| {
            let (mut owner_lists, owner_uid) = owner;
            // Independent texts would hardly ever meet.
            if alike {
                let live = |text: &str| match ImageRef::parse(text) {
                    Ok(image) if pods % 2 == 0 => image.pinned(registry::digest_of(&image)).written().to_owned(),
                    _ => text.to_owned(),
                };
                old = new.iter().map(|(name, image)| (*name, live(image))).collect();
                owner_lists.extend(new.iter().map(|(_, image)| image.clone()));
            }
            let pods_only = pods == 3;
            Case {
                new,
                old,
                update,
                dry_run,
                is_pod,
                mode,
                child,
                unchanged,
                pods_only,
                resolve,
                reuse,
                owner_lists,
                owner_uid,
            }
        },
    )
}

impl Case {
    /// `grace`: what else differs between old and new, or an update with the same images would bring nothing new.
    fn object(&self, containers: &[(&str, String)], grace: u64) -> Value {
        let container = |(name, image): &(&str, String)| match *name {
            "" => json!({"image": image}),
            name => json!({"name": name, "image": image}),
        };
        let containers: Vec<_> = containers.iter().map(container).collect();
        let spec = json!({"containers": containers, "terminationGracePeriodSeconds": grace});
        let kind = if self.is_pod { "ReplicaSet" } else { "Deployment" };
        let owner = json!([{"apiVersion": "apps/v1", "kind": kind, "name": "web", "uid": "1"}]);
        let spec = if self.is_pod { spec } else { json!({"template": {"spec": spec}}) };
        json!({"metadata": {"name": "x", "ownerReferences": owner}, "spec": spec})
    }

    fn review(&self, features: &Value) -> Value {
        let kind = if self.is_pod {
            json!({"group": "", "version": "v1", "kind": "Pod"})
        } else {
            json!({"group": "apps", "version": "v1", "kind": "ReplicaSet"})
        };
        let mut request = json!({"kind": kind, "operation": "CREATE", "namespace": "shop", "dryRun": self.dry_run, "object": self.object(&self.new, 1)});
        if self.update {
            request["operation"] = json!("UPDATE");
            request["oldObject"] = self.object(&self.old, 2);
        }
        let settings = json!({
            "validators": [
                {"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": ALICE}]},
                {"name": "allow", "type": "static", "approve": true},
                {"name": "deny", "type": "static", "approve": false},
            ],
            "policy": [
                {"pattern": "ghcr.io/acme/*", "with": {"mode": self.mode}},
                {"pattern": "free.io/*", "validator": "allow"},
                {"pattern": "evil.io/*", "validator": "deny"},
            ],
            "features": features,
        });
        let host = host(&self.owner_lists, self.owner_uid);
        let payload = json!({"request": request, "settings": settings}).to_string();
        let response = serde_json::to_value(answer::validate(payload.as_bytes(), &host)).unwrap();
        let told: u64 = records(&response).iter().map(|record| record["hostCalls"].as_u64().unwrap()).sum();
        assert_eq!(told, host.calls(), "the records add up: {response}");
        response
    }

    fn features(&self) -> Value {
        json!({
            "automaticChildApproval": self.child, "automaticUnchangedApproval": self.unchanged,
            "resourceValidationMode": if self.pods_only { "podsOnly" } else { "all" },
            "gitops": {"resolve": self.resolve, "dryRun": if self.reuse { "reuse" } else { "verify" }},
        })
    }

    /// Every container of this image can be told from all others.
    fn is_named(&self, image: &str) -> bool {
        let count = |name: &str| self.new.iter().filter(|(other, _)| *other == name).count();
        self.new.iter().filter(|(_, other)| other == image).all(|(name, _)| !name.is_empty() && count(name) == 1)
    }

    /// What the containers of these images held before; `None` where one of them can't be told from others.
    fn before(&self, images: &[&str]) -> Option<BTreeSet<&str>> {
        let containers = self.new.iter().filter(|(_, image)| images.contains(&image.as_str()));
        let before = containers.map(|(name, image)| {
            let mut same = self.old.iter().filter(|(other, _)| other == name);
            let first = same.next().filter(|_| self.update && self.is_named(image));
            first.filter(|_| same.next().is_none()).map(|(_, old)| old.as_str())
        });
        before.collect()
    }

    fn may_be_approved(&self, text: &str) -> bool {
        let has_digest = text.contains('@');
        let by_owner = !self.pods_only
            && match &self.child {
                Value::Bool(on) => *on && has_digest,
                // No owner here is young.
                narrowed => narrowed["ttl"].is_null() && (has_digest || narrowed["requireDigest"] == json!(false)),
            }
            && (self.mode != "mutatePodsOnly" || has_digest)
            && self.owner_uid == "1"
            && self.owner_lists.iter().any(|image| image == text)
            && self.is_named(text);
        by_owner
            || (self.unchanged
                && (self.is_pod || !self.pods_only)
                && self.before(&[text]) == Some(BTreeSet::from([text])))
    }

    /// The digest that these texts, which name one image, may keep.
    fn may_be_carried(&self, texts: &[&str]) -> Option<Digest> {
        let writes = match self.mode {
            "mutate" => self.is_pod || !self.pods_only,
            mode => mode == "mutatePodsOnly" && self.is_pod,
        };
        // A ReplicaSet has what its Deployment has.
        let is_left = |text: &&str| match &self.child {
            narrowed if narrowed["requireDigest"] == json!(false) => {
                self.owner_uid == "1" && self.owner_lists.iter().any(|image| image == text) && self.is_named(text)
            }
            _ => true,
        };
        if !self.is_pod && texts.iter().all(is_left) {
            return None;
        }
        let image = ImageRef::parse(texts.first()?).ok()?;
        let live: BTreeSet<Digest> = self
            .before(texts)?
            .into_iter()
            .map(|old| {
                let old = ImageRef::parse(old).ok()?;
                let same = (old.registry(), old.repository(), old.tag())
                    == (image.registry(), image.repository(), image.tag());
                old.digest().filter(|_| same)
            })
            .collect::<Option<_>>()?;
        let resolves = |digest: &Digest| {
            self.resolve && signers(&repository(&image)).is_some() && registry::digest_of(&image) == *digest
        };
        let kept = live.first().copied().filter(|_| live.len() == 1 && writes && image.digest().is_none())?;
        ((self.dry_run && self.reuse) || resolves(&kept)).then_some(kept)
    }
}

fn records(response: &Value) -> Vec<Value> {
    let records = response["audit_annotations"].as_object().unwrap();
    (0..records.len())
        .map(|i| serde_json::from_str(records[&format!("image-{i}")].as_str().unwrap()).unwrap())
        .collect()
}

fn text<'v>(record: &'v Value, field: &str) -> &'v str {
    record[field].as_str().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whoever_is_here_already_is_spared_a_proof_and_nothing_else(case in case()) {
        let loose = case.review(&case.features());
        let strict = case.review(&json!({"automaticChildApproval": false}));
        let (loose_records, strict_records) = (records(&loose), records(&strict));
        prop_assert_eq!(loose_records.len(), strict_records.len());
        let mut written: BTreeMap<&str, Digest> = BTreeMap::new();
        for (record, without) in loose_records.iter().zip(&strict_records) {
            let image = text(record, "image");
            // Texts that name the same image, and are not approved by themselves.
            let canonical = ImageRef::parse(image).ok();
            let together: Vec<&str> = case.new.iter().map(|(_, other)| other.as_str())
                .filter(|other| ImageRef::parse(other).ok() == canonical && !case.may_be_approved(other)).collect();
            let needed_proof = text(without, "verdict") == "proven" || ["not-signed", "evidence-unavailable"].contains(&text(without, "reason"));
            let expected = match case.may_be_carried(&together) {
                _ if !needed_proof => text(without, "verdict"),
                _ if case.may_be_approved(image) => "approved",
                Some(digest) => {
                    prop_assert_eq!(text(record, "digest"), digest.to_string());
                    "carried"
                }
                None => text(without, "verdict"),
            };
            prop_assert_eq!(text(record, "verdict"), expected, "{}: {:?}", image, case);
            prop_assert_eq!(&record["rule"], &without["rule"]);
            if ["proven", "carried"].contains(&expected) {
                written.insert(image, Digest::parse(text(record, "digest")).unwrap());
            }
        }
        let denied: Vec<&Value> = loose_records.iter().filter(|record| record["verdict"] == "denied").collect();
        let softened = case.pods_only && !case.is_pod;
        prop_assert_eq!(&loose["accepted"], &json!(denied.is_empty() || softened), "{:?}", case);
        // Nothing is written but a digest that was proven or kept, and never into a slot that is not changed.
        let spec = if case.is_pod { "/spec/containers" } else { "/spec/template/spec/containers" };
        if let Some(after) = loose["mutated_object"].pointer(spec) {
            for ((name, was), is) in case.new.iter().zip(after.as_array().unwrap()) {
                if is["image"] != json!(was) {
                    let pinned = ImageRef::parse(was).unwrap().pinned(written[was.as_str()]);
                    prop_assert_eq!(&is["image"], &json!(pinned.written()));
                    prop_assert!(case.before(&[was]) != Some(BTreeSet::from([was.as_str()])), "{} is unchanged", name);
                }
            }
        }
    }
}
