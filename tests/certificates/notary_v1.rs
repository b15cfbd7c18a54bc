//! Trust data of Notary v1, in the evidence manifest of a repository: right, and wrong in one way each.

use image_trust_testbed::mint::{
    evidence::{self, Item},
    notary_v1::{Holder, Repository, Signers},
};
use serde_json::{Map, Value, json};

use super::{Minted, REPOSITORY, digest};

/// When trust data expires, as long as a test does not say otherwise: 2099.
const LATE: u64 = 4_070_908_800;
/// When trust data expired: 2026-01-15.
const EARLY: u64 = 1_768_435_200;

type Change = fn(&mut Repository);

/// The repository of the image, whose root key is that of alice. It has the tags `v1` and `v2`.
fn repository() -> Repository {
    lasting(Repository::new(REPOSITORY, "alice", &[("v1", &digest('1')), ("v2", &digest('2'))]))
}

fn lasting(mut repository: Repository) -> Repository {
    let Repository { root, timestamp, snapshot, targets, delegations, .. } = &mut repository;
    let delegations = delegations.iter_mut().map(|delegation| &mut delegation.signers);
    [root, timestamp, snapshot, targets].into_iter().chain(delegations).for_each(|signers| signers.expires = LATE);
    repository
}

/// The repository with delegations to bob and carol, who both signed `v1`.
fn delegating() -> Repository {
    let v1 = digest('1');
    let repository = repository().delegating("targets/releases", "bob", &[("v1", &v1)]);
    lasting(repository.delegating("targets/carol", "carol", &[("v1", &v1), ("v3", &digest('3'))]))
}

/// The evidence manifest with these files.
fn manifest(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Value {
    let item = |(role, bytes): (String, Vec<u8>)| {
        let annotations = Map::from_iter([("dev.image-trust.notaryv1.role".to_owned(), role.into())]);
        Item { media_type: "application/vnd.image-trust.notaryv1.v1+json", bytes, annotations }
    };
    evidence::manifest(&files.into_iter().map(item).collect::<Vec<_>>())
}

fn changed(name: &'static str, change: Change) -> Minted {
    let mut repository = repository();
    change(&mut repository);
    (name, manifest(repository.files()))
}

fn changed_delegation(name: &'static str, change: Change) -> Minted {
    let mut repository = delegating();
    change(&mut repository);
    (name, manifest(repository.files()))
}

/// The repository after alice has handed it over to the holder of another root key, with these signatures.
fn rotated(it: &mut Repository, by: &[&str]) {
    it.root.keys = vec![Holder::certified("bob", REPOSITORY)];
    it.root.version = 2;
    it.root.by = Some(by.iter().map(|name| Holder::certified(name, REPOSITORY)).collect());
}

/// Repositories whose files are as they should be, whoever signed them.
pub(super) fn repositories() -> Vec<Minted> {
    vec![
        changed("notary", |_| {}),
        changed("notary-of-several-repositories", |it| {
            it.root.keys[0].certificate = Some("ghcr.io/acme/*".to_owned());
        }),
        changed("notary-of-another-repository", |it| {
            it.root.keys[0].certificate = Some("ghcr.io/acme/app-dev".to_owned());
        }),
        changed("notary-of-docker-hub", |it| {
            it.root.keys[0].certificate = Some("docker.io/library/app".to_owned());
        }),
        changed("notary-without-a-certificate", |it| it.root.keys[0].certificate = None),
        changed("notary-by-mallory", |it| it.root.keys = vec![Holder::certified("mallory", REPOSITORY)]),
        changed("notary-by-two", |it| {
            it.root.keys.push(Holder::certified("bob", REPOSITORY));
            it.root.threshold = 2;
        }),
        changed("notary-with-a-new-root", |it| rotated(it, &["alice", "bob"])),
        changed("notary-long-after-a-new-root", |it| rotated(it, &["bob"])),
        changed("notary-with-a-new-targets-key", |it| {
            it.root.version = 2;
            it.targets = Signers { keys: vec![Holder::plain("new targets")], version: 2, ..it.targets.clone() };
        }),
        changed("notary-newer", |it| {
            it.root.version = 3;
            it.targets.version = 7;
        }),
        changed_delegation("notary-delegating", |_| {}),
        changed_delegation("notary-before-releases-were-signed", |it| it.delegations[0].targets = None),
        changed_delegation("notary-delegating-differently", |it| {
            it.delegations[1].targets = Some(vec![("v1".to_owned(), digest('4'))]);
        }),
        changed_delegation("notary-delegating-other-tags", |it| {
            it.delegations[0].paths = vec!["release-".to_owned()];
        }),
        changed_delegation("notary-after-a-delegation-was-removed", |it| {
            it.delegations.remove(0);
            it.targets.version = 2;
        }),
        changed_delegation("notary-with-a-delegation-to-somebody-else", |it| {
            it.delegations[0].signers.by = Some(vec![Holder::certified("mallory", "mallory")]);
        }),
        changed_delegation("notary-with-an-old-delegation", |it| it.delegations[0].signers.expires = EARLY),
    ]
}

/// Repositories whose files prove nothing.
pub(super) fn broken() -> Vec<Minted> {
    let without = |name, role: &str| {
        let files = repository().files().into_iter().filter(|(other, _)| other != role);
        (name, manifest(files))
    };
    let before = {
        let mut files = repository().files();
        let mut newer = repository();
        newer.tags = vec![("v1".to_owned(), digest('5'))];
        newer.targets.version = 2;
        files.insert("targets".to_owned(), newer.files()["targets"].clone());
        ("notary-with-targets-of-another-version", manifest(files))
    };
    let stranger = {
        let mut right = manifest(repository().files());
        right["layers"][0]["annotations"]["dev.image-trust.content"] = "AAAA".into();
        ("notary-with-a-file-of-another-digest", right)
    };
    let as_bundle = {
        let mut right = manifest(repository().files());
        right["artifactType"] = json!("application/vnd.image-trust.evidence.v2");
        ("notary-of-a-later-version", right)
    };
    vec![
        changed("notary-with-an-old-timestamp", |it| it.timestamp.expires = EARLY),
        changed("notary-with-old-targets", |it| it.targets.expires = EARLY),
        changed("notary-with-unsigned-targets", |it| it.targets.by = Some(vec![Holder::plain("mallory")])),
        changed("notary-with-targets-signed-by-one-of-two", |it| {
            it.targets.by = Some(it.targets.keys.clone());
            it.targets.keys.push(Holder::plain("bob"));
            it.targets.threshold = 2;
        }),
        changed("notary-with-targets-signed-twice-by-one", |it| {
            it.targets.by = Some(vec![it.targets.keys[0].clone(), it.targets.keys[0].clone()]);
            it.targets.keys.push(Holder::plain("bob"));
            it.targets.threshold = 2;
        }),
        changed("notary-with-a-changed-target", |it| {
            it.file.push(("targets", |it| it["signed"]["targets"]["v1"]["length"] = 1.into()));
        }),
        changed("notary-with-a-snapshot-of-todays-tuf", |it| {
            it.signed.push(("snapshot", |it| it["_type"] = "snapshot".into()));
        }),
        without("notary-without-targets", "targets"),
        before,
        stranger,
        as_bundle,
    ]
}
