//! What do repositories of Notary v1 prove, and which mistake in them is told?

mod notary;

use std::collections::BTreeMap;

use image_trust_testbed::mint::{
    ISSUED, Key, Kind,
    notary_v1::{Holder, Repository, listed},
};
use serde_json::{Value, json};

use super::*;

const GUN: &str = "registry.example.com/acme/app";
const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
const NOW: u64 = ISSUED + 86_400;

/// The step at which nothing is proven, and why.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Data(TrustDataError),
    Target(TargetError),
    Root(RootError),
}

fn digest(text: &str) -> Digest {
    Digest::parse(text).unwrap()
}

fn key(name: &str) -> PublicKey {
    PublicKey::parse(&Key::p256(name).public_pem()).unwrap()
}

fn files(raw: &BTreeMap<String, Vec<u8>>) -> Files {
    Files(raw.iter().map(|(role, file)| (Role::parse(role).unwrap(), file.clone())).collect())
}

/// What these files prove to somebody who pins this key for the repository [`GUN`].
fn proven(files: &Files, wanted: Wanted<'_>, key: &PublicKey, now: u64) -> Result<Digest, Failure> {
    let now = UnixTime::from_secs(now);
    let mut root = Root::verify(files, now).map_err(Failure::Data)?;
    root.pin(key, GUN).map_err(Failure::Root)?;
    let data = TrustData::verify(root, files, now).map_err(Failure::Data)?;
    let signed = data.find(wanted).map_err(Failure::Target)?;
    let claim = signed.claim(key).unwrap();
    assert_eq!((claim.digest, claim.signer.key), (signed.digest, key.clone()));
    Ok(claim.digest)
}

fn tag(tag: &str) -> Wanted<'_> {
    Wanted { tag: Some(tag), digest: None, delegations: &[] }
}

/// A repository with two tags, whose root key is that of alice.
fn app() -> Repository {
    Repository::new(GUN, "alice", &[("v1", ONE), ("v2", TWO)])
}

/// A repository that delegates to two people.
fn delegating() -> Repository {
    app().delegating("targets/releases", "bob", &[("v1", ONE), ("v3", TWO)]).delegating(
        "targets/carol",
        "carol",
        &[("v1", ONE), ("v2", ONE)],
    )
}

fn signatures(role: Role, signed: usize, threshold: usize) -> Result<(), Failure> {
    Err(Failure::Data(TrustDataError::Signatures { role, signed, threshold }))
}

fn failed<T>(error: TrustDataError) -> Result<T, Failure> {
    Err(Failure::Data(error))
}

fn form(role: Role) -> Result<(), Failure> {
    failed(TrustDataError::Form(role))
}

type Change = fn(&mut Repository);

#[test]
fn repositories() {
    use Role::{Root, Snapshot, Targets, Timestamp};
    let gun =
        |names: &[&str]| Err(Failure::Root(RootError::Gun(names.iter().map(|name| (*name).to_owned()).collect())));
    let expired = |role, days: u64| failed(TrustDataError::Expired(role, UnixTime::from_secs(ISSUED + days * 86_400)));
    let rows: &[(Change, Result<(), Failure>, &str)] = &[
        (|_| {}, Ok(()), "as Docker Content Trust signs"),
        (|it| it.tags.push(("a<b>&ü\"\\z".to_owned(), TWO.to_owned())), Ok(()), "a name that Go escapes"),
        (|it| it.root.keys[0].certificate = Some("registry.example.com/*".to_owned()), Ok(()), "a prefix as name"),
        (
            |it| it.root.keys[0].certificate = Some("registry.example.com/acme/other".to_owned()),
            gun(&["registry.example.com/acme/other"]),
            "the repository of another image, with the same root key",
        ),
        (|it| it.root.keys[0].certificate = None, gun(&[]), "a root key that is in no certificate"),
        (
            |it| it.root.keys = vec![Holder::certified("mallory", GUN)],
            Err(Failure::Root(RootError::NotSigned)),
            "another root key",
        ),
        (|it| it.root.by = Some(vec![Holder::plain("mallory")]), signatures(Root, 0, 1), "signed by somebody else"),
        (
            |it| {
                it.root.by = Some(vec![Holder::certified("mallory", GUN), Holder::certified("alice", GUN)]);
            },
            Ok(()),
            "signed by somebody else, too",
        ),
        (
            |it| {
                it.root.by = Some(vec![Holder::certified("alice", GUN), Holder::certified("new", GUN)]);
                it.root.keys = vec![Holder::certified("new", GUN)];
            },
            Ok(()),
            "a new root key, and signed with the former one, too",
        ),
        (
            |it| {
                it.root.by = Some(vec![Holder::certified("alice", GUN), Holder::certified("new", GUN)]);
                it.root.keys = vec![Holder::certified("new", "registry.example.com/acme/other")];
                it.root.by.as_mut().unwrap()[1] = it.root.keys[0].clone();
            },
            gun(&["registry.example.com/acme/other"]),
            "the same in another repository",
        ),
        (
            |it| it.root.keys = vec![Holder::certified("new", GUN)],
            Err(Failure::Root(RootError::NotSigned)),
            "a new root key only",
        ),
        (
            |it| {
                it.root.keys.push(Holder::certified("bob", "registry.example.com/acme/other"));
                it.root.threshold = 2;
            },
            Ok(()),
            "two root keys that both signed",
        ),
        (
            |it| {
                it.root.by = Some(it.root.keys.clone());
                it.root.keys.push(Holder::certified("bob", GUN));
                it.root.threshold = 2;
            },
            signatures(Root, 1, 2),
            "two root keys of which one signed",
        ),
        (
            |it| {
                it.root.keys = vec![Holder::certified("alice", GUN), Holder::certified("alice", "*")];
                it.root.threshold = 2;
            },
            signatures(Root, 1, 2),
            "one root key in two certificates is one key",
        ),
        (
            |it| {
                it.targets.keys.push(Holder::plain("bob"));
                it.targets.by = Some(vec![it.targets.keys[0].clone(), it.targets.keys[0].clone()]);
                it.targets.threshold = 2;
            },
            signatures(Targets, 1, 2),
            "one key that signed twice",
        ),
        (|it| it.targets.by = Some(Vec::new()), signatures(Targets, 0, 1), "no signature"),
        (|it| it.targets.threshold = 0, form(Root), "a threshold of zero"),
        (|it| it.timestamp.by = Some(it.snapshot.keys.clone()), signatures(Timestamp, 0, 1), "the key of another role"),
        (|it| it.snapshot.by = Some(it.timestamp.keys.clone()), signatures(Snapshot, 0, 1), "the key of another role"),
        (|it| it.targets.by = Some(vec![Holder::certified("alice", GUN)]), signatures(Targets, 0, 1), "the root key"),
        (|it| it.timestamp.expires = ISSUED, expired(Timestamp, 0), "an old timestamp"),
        (|it| it.timestamp.expires = NOW, Ok(()), "a timestamp that lasts to this second"),
        (|it| it.snapshot.expires = ISSUED, expired(Snapshot, 0), "an old snapshot"),
        (|it| it.targets.expires = ISSUED, expired(Targets, 0), "old targets"),
        (|it| it.root.expires = ISSUED, expired(Root, 0), "an old root"),
        (|it| it.targets.version = 0, form(Targets), "a version of zero"),
        (
            |it| it.signed.push(("targets", |it| it["version"] = json!(1.5))),
            form(Targets),
            "a version that is no whole number",
        ),
        (
            |it| it.signed.push(("targets", |it| it["_type"] = "targets".into())),
            form(Targets),
            "the type of today's TUF",
        ),
        (|it| it.signed.push(("snapshot", |it| it["_type"] = "Timestamp".into())), form(Snapshot), "another type"),
        (|it| it.signed.push(("timestamp", |it| it["expires"] = "never".into())), form(Timestamp), "no time"),
        (|it| it.signed.push(("targets", |it| it["note"] = "unknown".into())), Ok(()), "a member that is not known"),
        (
            |it| it.file.push(("targets", |it| it["signed"]["targets"]["v1"]["length"] = 1.into())),
            signatures(Targets, 0, 1),
            "changed after it was signed",
        ),
        (
            |it| it.file.push(("targets", |it| it["signatures"][0]["method"] = "rsapss".into())),
            signatures(Targets, 0, 1),
            "a method that is not that of the key",
        ),
        (
            |it| it.file.push(("targets", |it| it["signatures"][0]["method"] = "ECDSA".into())),
            Ok(()),
            "a method in capitals",
        ),
        (
            |it| it.file.push(("targets", |it| it["signatures"][0]["method"] = "hmac".into())),
            signatures(Targets, 0, 1),
            "a method that is not known",
        ),
        (
            |it| {
                it.file.push(("targets", |it| {
                    let signature = it["signatures"][0].clone();
                    it["signatures"] = vec![signature; 33].into();
                }));
            },
            form(Targets),
            "too many signatures",
        ),
        (
            |it| it.signed.push(("root", |it| rename_keys(it, "targets"))),
            signatures(Targets, 0, 1),
            "a key under an id that is not its own",
        ),
        (|it| it.signed.push(("root", |it| it["keys"] = json!({}))), form(Root), "a role whose keys are not there"),
        (
            |it| it.signed.push(("root", |it| drop(it["roles"].as_object_mut().unwrap().remove("snapshot")))),
            form(Root),
            "a role that is not there",
        ),
        (
            |it| it.signed.push(("timestamp", |it| it["meta"]["snapshot"]["hashes"]["sha512"] = "AAAA".into())),
            failed(TrustDataError::Hash(Snapshot)),
            "one hash of two",
        ),
        (
            |it| it.signed.push(("timestamp", |it| it["meta"]["snapshot"]["length"] = 1.into())),
            failed(TrustDataError::Hash(Snapshot)),
            "another length",
        ),
        (
            |it| {
                it.signed.push(("timestamp", |it| {
                    drop(it["meta"]["snapshot"]["hashes"].as_object_mut().unwrap().remove("sha512"));
                    drop(it["meta"]["snapshot"].as_object_mut().unwrap().remove("length"));
                }));
            },
            Ok(()),
            "a SHA-256 only",
        ),
        (
            |it| {
                it.signed.push(("timestamp", |it| {
                    drop(it["meta"]["snapshot"]["hashes"].as_object_mut().unwrap().remove("sha256"));
                }));
            },
            form(Timestamp),
            "no SHA-256",
        ),
        (
            |it| it.signed.push(("snapshot", |it| it["meta"]["root"]["length"] = 1.into())),
            failed(TrustDataError::Hash(Root)),
            "another root",
        ),
        (
            |it| it.signed.push(("snapshot", |it| drop(it["meta"].as_object_mut().unwrap().remove("targets")))),
            failed(TrustDataError::Hash(Targets)),
            "targets that are not listed",
        ),
        (
            |it| it.signed.push(("targets", |it| drop(it["targets"]["v1"]["hashes"].take()))),
            form(Targets),
            "a target without a hash",
        ),
    ];
    for (change, expected, why) in rows {
        let mut repository = app();
        change(&mut repository);
        let found = proven(&files(&repository.files()), tag("v1"), &key("alice"), NOW);
        assert_eq!(found, expected.as_ref().map(|()| digest(ONE)).map_err(copy), "{why}");
    }
}

fn copy(failure: &Failure) -> Failure {
    match failure {
        Failure::Data(error) => Failure::Data(error.clone()),
        Failure::Target(error) => Failure::Target(error.clone()),
        Failure::Root(error) => Failure::Root(error.clone()),
    }
}

/// Gives the keys of a role another id.
fn rename_keys(root: &mut Value, role: &str) {
    let id = root["roles"][role]["keyids"][0].as_str().unwrap().to_owned();
    let other = "0".repeat(64);
    let key = root["keys"].as_object_mut().unwrap().remove(&id).unwrap();
    root["keys"][&other] = key;
    root["roles"][role]["keyids"] = json!([other]);
}

#[test]
fn kinds_of_keys() {
    let rows = [
        (Kind::P256, true, "P-256"),
        (Kind::P384, true, "P-384 with SHA-256, as notary has it for every curve"),
        (Kind::P384Wide, false, "P-384 with SHA-384"),
        (Kind::P521, true, "P-521"),
        (Kind::Rsa2048, true, "RSA PKCS #1 v1.5"),
        (Kind::Rsa2048Pss, true, "RSASSA-PSS"),
        (Kind::Rsa2048Wide, false, "RSA with SHA-512"),
        (Kind::Ed25519, true, "Ed25519"),
        (Kind::Ed25519Hashed, false, "Ed25519ph"),
    ];
    for (kind, expected, why) in rows {
        for certificate in [None, Some("somebody".to_owned())] {
            let mut repository = app();
            repository.targets.keys = vec![Holder { name: "x".to_owned(), kind, certificate: certificate.clone() }];
            let found = proven(&files(&repository.files()), tag("v1"), &key("alice"), NOW);
            // Notary has no certificates of Ed25519 keys.
            let expected = expected && (certificate.is_none() || kind != Kind::Ed25519);
            assert_eq!(found.is_ok(), expected, "{why}, {certificate:?}: {found:?}");
        }
    }
}

#[test]
fn files_of_two_versions_do_not_fit() {
    let (old, new) = (app().files(), Repository { tags: vec![("v1".to_owned(), TWO.to_owned())], ..app() }.files());
    let rows: [(&str, Role); 3] =
        [("timestamp", Role::Snapshot), ("snapshot", Role::Snapshot), ("targets", Role::Targets)];
    for (role, expected) in rows {
        let mut mixed = new.clone();
        mixed.insert(role.to_owned(), old[role].clone());
        let found = proven(&files(&mixed), tag("v1"), &key("alice"), NOW);
        assert_eq!(found, failed(TrustDataError::Hash(expected)), "{role} of the version before");
    }
    for role in Role::BASE {
        let mut fewer = files(&new);
        fewer.0.remove(&role);
        let found = proven(&fewer, tag("v1"), &key("alice"), NOW);
        assert_eq!(found, failed(TrustDataError::Missing(role.clone())), "{role}");
    }
}

#[test]
fn images_in_targets() {
    let (one, two, none) = (digest(ONE), digest(TWO), Digest::of(b"something else"));
    let no_tag = || Err(Failure::Target(TargetError::NoTag(Role::Targets)));
    let rows: [(Option<&str>, Option<Digest>, Result<Digest, Failure>, &str); 8] = [
        (Some("v1"), None, Ok(one), "a tag"),
        (Some("v2"), None, Ok(two), "another tag"),
        (Some("v3"), None, no_tag(), "a tag that nobody signed"),
        (Some("v3"), Some(one), no_tag(), "the same with a digest that somebody signed"),
        (Some("v1"), Some(one), Ok(one), "a tag with its digest"),
        (Some("v1"), Some(two), Err(Failure::Target(TargetError::OtherDigest(Role::Targets, one))), "of another tag"),
        (None, Some(two), Ok(two), "a digest of any tag"),
        (None, Some(none), Err(Failure::Target(TargetError::NoDigest(Role::Targets))), "a digest of no tag"),
    ];
    let files = files(&app().files());
    for (tag, digest, expected, why) in rows {
        let wanted = Wanted { tag, digest, delegations: &[] };
        assert_eq!(proven(&files, wanted, &key("alice"), NOW), expected, "{why}");
    }
    let neither = Wanted { tag: None, digest: None, delegations: &[] };
    let found = proven(&files, neither, &key("alice"), NOW);
    assert_eq!(found, Err(Failure::Target(TargetError::NoName)), "neither a tag nor a digest");
}

#[test]
fn images_in_delegations() {
    let (one, two) = (digest(ONE), digest(TWO));
    let [releases, carol] = ["releases", "carol"].map(|name| Role::delegation(name).unwrap());
    let of = |error| Err(Failure::Target(error));
    let broken = |error| of(TargetError::Delegation(error));
    let rows: Vec<(Change, &[&str], &str, Result<Digest, Failure>, &str)> = vec![
        (|_| {}, &[], "v1", Ok(one), "targets/releases, if the rule names none"),
        (|_| {}, &[], "v2", of(TargetError::NoTag(releases.clone())), "a tag in targets only"),
        (|_| {}, &["carol"], "v2", Ok(one), "another delegation"),
        (|_| {}, &["targets/carol"], "v2", Ok(one), "with its whole name"),
        (|_| {}, &["carol", "releases"], "v1", Ok(one), "both"),
        (|_| {}, &["carol", "releases"], "v2", of(TargetError::NoTag(releases.clone())), "a tag in one of both"),
        (
            |it| it.delegations[1].targets.as_mut().unwrap()[0].1 = TWO.to_owned(),
            &["carol", "releases"],
            "v1",
            of(TargetError::Differ(two, one)),
            "two digests",
        ),
        (|_| {}, &["dave"], "v1", of(TargetError::UnknownDelegation("dave".to_owned())), "one that is not there"),
        (|_| {}, &["carol/dave"], "v1", of(TargetError::NotOneLevel("carol/dave".to_owned())), "one below another"),
        (
            |it| drop(it.delegations.remove(0)),
            &[],
            "v1",
            of(TargetError::UnknownDelegation("releases".to_owned())),
            "no targets/releases",
        ),
        (|it| it.delegations.clear(), &["carol"], "v1", of(TargetError::NoDelegations), "no delegations at all"),
        (|it| it.delegations.clear(), &[], "v2", Ok(two), "none, and none is asked for"),
        (|it| it.delegations[0].targets = None, &[], "v2", Ok(two), "targets/releases has signed nothing yet"),
        (
            |it| it.delegations[1].targets = None,
            &["releases", "carol"],
            "v1",
            of(TargetError::NeverSigned("carol".to_owned())),
            "a delegation that the rule names has signed nothing",
        ),
        (|it| it.delegations[0].paths = vec!["v".to_owned()], &[], "v1", Ok(one), "tags that begin so"),
        (
            |it| it.delegations[0].paths = vec!["release-".to_owned()],
            &[],
            "v1",
            of(TargetError::NoTag(releases.clone())),
            "a tag that is not delegated",
        ),
        (|it| it.delegations[0].paths.clear(), &[], "v1", of(TargetError::NoTag(releases.clone())), "no tag is"),
        (
            |it| it.delegations[0].signers.by = Some(it.delegations[1].signers.keys.clone()),
            &[],
            "v1",
            broken(TrustDataError::Signatures { role: releases.clone(), signed: 0, threshold: 1 }),
            "signed by another delegate",
        ),
        (
            |it| it.delegations[1].signers.by = Some(it.delegations[0].signers.keys.clone()),
            &[],
            "v1",
            Ok(one),
            "a mistake of a delegation that is not asked",
        ),
        (
            |it| it.delegations[1].signers.expires = ISSUED,
            &["carol"],
            "v1",
            broken(TrustDataError::Expired(carol.clone(), UnixTime::from_secs(ISSUED))),
            "an old list",
        ),
        (
            |it| it.signed.push(("snapshot", |it| it["meta"]["targets/carol"] = listed(b"another file"))),
            &["carol"],
            "v1",
            broken(TrustDataError::Hash(carol.clone())),
            "another version of it",
        ),
    ];
    for (change, names, wanted, expected, why) in rows {
        let mut repository = delegating();
        change(&mut repository);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let wanted = Wanted { delegations: &names, ..tag(wanted) };
        assert_eq!(proven(&files(&repository.files()), wanted, &key("alice"), NOW), expected, "{why}");
    }
    let mut fewer = files(&delegating().files());
    fewer.0.remove(&carol);
    let wanted = Wanted { delegations: &["carol".to_owned()], ..tag("v1") };
    let expected = broken(TrustDataError::Missing(carol));
    assert_eq!(proven(&fewer, wanted, &key("alice"), NOW), expected, "a list that was not collected");
}

#[test]
fn what_expires_first_is_told() {
    let mut repository = delegating();
    repository.delegations[0].signers.expires = ISSUED + 2 * 86_400;
    let files = files(&repository.files());
    let now = UnixTime::from_secs(NOW);
    let data = TrustData::verify(Root::verify(&files, now).unwrap(), &files, now).unwrap();
    let ends = |delegations: &[String]| {
        let signed = data.find(Wanted { delegations, ..tag("v1") }).unwrap();
        assert!(signed.claim(&key("alice")).is_none(), "nobody pinned a key");
        signed.expires
    };
    assert_eq!(ends(&[]), UnixTime::from_secs(ISSUED + 2 * 86_400), "the delegation");
    assert_eq!(ends(&["carol".to_owned()]), UnixTime::from_secs(ISSUED + 14 * 86_400), "the timestamp");
}
