//! `image-trust collect --notary`: the trust data of a repository, from a notary server to its evidence manifest.

use image_trust_testbed::{
    loopback::{Account, Login},
    mint::{hex, notary_v1::Repository},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::bed::{Bed, REPOSITORY, Ran, contents};

const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// A registry that is a notary server, too, with the trust data of its image's repository.
fn bed() -> (Bed, String) {
    let bed = Bed::new();
    let gun = format!("{}/{REPOSITORY}", bed.registry.host());
    let repository = Repository::new(&gun, "alice", &[("1", &bed.image)]).delegating("targets/releases", "bob", &[]);
    bed.registry.put_trust_data(&gun, &repository.files());
    (bed, gun)
}

fn collect(bed: &Bed, more: &[&str]) -> Ran {
    bed.collect(&[&["--notary", &format!("http://{}", bed.registry.host())], more].concat())
}

/// The evidence manifest of a repository's tags.
fn evidence(bed: &Bed, repository: &str, gun: &str) -> Option<Value> {
    bed.manifest_in(repository, &format!("notaryv1-{}.evidence", hex(&Sha256::digest(gun))))
}

/// The outcome for the tags of the repository.
fn outcome(ran: &Ran) -> &str {
    let evidence = ran.told["images"][0]["evidence"].as_array().expect("a list");
    let tags = evidence.iter().find(|one| !one["gun"].is_null()).expect("tags");
    tags["outcome"].as_str().expect("a word")
}

#[test]
fn trust_data_is_found_and_written() {
    let (bed, gun) = bed();
    let ran = collect(&bed, &["--dry-run"]);
    assert_eq!((ran.code, outcome(&ran)), (Some(0), "would-push"), "{}", ran.stderr);
    assert_eq!(evidence(&bed, REPOSITORY, &gun), None);

    let ran = collect(&bed, &[]);
    assert_eq!((ran.code, outcome(&ran), &*ran.stderr), (Some(0), "pushed", ""));
    let manifest = evidence(&bed, REPOSITORY, &gun).expect("evidence");
    let role = |layer: &Value| layer["annotations"]["dev.image-trust.notaryv1.role"].as_str().map(str::to_owned);
    let mut roles: Vec<String> = manifest["layers"].as_array().expect("layers").iter().filter_map(role).collect();
    roles.sort();
    assert_eq!(roles, ["root", "snapshot", "targets", "targets/releases", "timestamp"]);
    assert_eq!(contents(&manifest).len(), 5);

    assert_eq!(outcome(&collect(&bed, &[])), "unchanged");
    let mut newer = Repository::new(&gun, "alice", &[("1", ONE)]);
    newer.targets.version = 2;
    bed.registry.put_trust_data(&gun, &newer.files());
    let ran = collect(&bed, &[]);
    assert_eq!((outcome(&ran), &*ran.stderr), ("pushed", ""), "what an older version had is no loss");
    let kept = contents(&evidence(&bed, REPOSITORY, &gun).expect("evidence"));
    assert_eq!(kept.len(), 4, "the delegation is gone");
}

#[test]
fn trust_data_goes_elsewhere_and_comes_from_elsewhere() {
    let (bed, gun) = bed();
    let to = format!("{}/trust/evidence", bed.registry.host());
    assert_eq!(outcome(&collect(&bed, &["--to", &to])), "pushed");
    assert!(evidence(&bed, "trust/evidence", &gun).is_some() && evidence(&bed, REPOSITORY, &gun).is_none());

    let hub = "docker.io/library/app";
    bed.registry.put_trust_data(hub, &Repository::new(hub, "alice", &[("1", ONE)]).files());
    assert_eq!(outcome(&collect(&bed, &["--gun", hub])), "pushed");
    assert!(evidence(&bed, REPOSITORY, hub).is_some(), "a mirror has the trust data of its source");

    let ran = collect(&bed, &["--gun", "docker.io/library/other"]);
    assert_eq!((ran.code, outcome(&ran)), (Some(3), "nothing"), "{}", ran.stderr);
}

#[test]
fn servers_that_ask_for_a_login() {
    let account = Account { user: "alice", password: "s3cret", may_push: true };
    for login in [Login::Basic, Login::Token] {
        let (bed, _) = bed();
        bed.registry.require_login(login, std::slice::from_ref(&account));
        let ran = collect(&bed, &[]);
        assert_eq!(ran.code, Some(1), "without credentials: {}", ran.stderr);
        let auth = json!({"auths": {bed.registry.host(): {"auth": "YWxpY2U6czNjcmV0"}}});
        bed.write("config.json", &auth.to_string());
        let ran = collect(&bed, &[]);
        assert_eq!((ran.code, outcome(&ran)), (Some(0), "pushed"), "{login:?}: {}", ran.stderr);
    }
}

#[test]
fn servers_that_are_broken() {
    type Change = fn(&mut std::collections::BTreeMap<String, Vec<u8>>);
    let rows: [(Change, &str, &str); 4] = [
        (
            |files| drop(files.insert("timestamp".to_owned(), b"<html>".to_vec())),
            "expected trust data of Notary v1, found a timestamp of another form",
            "a page for people",
        ),
        (
            |files| drop(files.insert("timestamp".to_owned(), br#"{"signed":{"meta":{}}}"#.to_vec())),
            "expected trust data of Notary v1, found a timestamp of another form",
            "a timestamp that names nothing",
        ),
        (
            |files| drop(files.remove("snapshot")),
            "the notary server lists the snapshot, and does not have it; try again",
            "no snapshot",
        ),
        (
            |files| drop(files.insert("targets".to_owned(), b"{}".to_vec())),
            "the notary server lists the targets, and does not have it; try again",
            "another list of targets",
        ),
    ];
    for (change, words, why) in rows {
        let bed = Bed::new();
        let gun = format!("{}/{REPOSITORY}", bed.registry.host());
        let mut files = Repository::new(&gun, "alice", &[("1", ONE)]).files();
        change(&mut files);
        bed.registry.put_trust_data(&gun, &files);
        let ran = collect(&bed, &[]);
        assert_eq!(ran.code, Some(1), "{why}");
        assert!(ran.stderr.contains(words), "{why}: {}", ran.stderr);
        assert_eq!(evidence(&bed, REPOSITORY, &gun), None, "{why}");
    }
}

#[test]
fn trust_data_that_is_too_large_replaces_nothing() {
    let (bed, gun) = bed();
    assert_eq!(collect(&bed, &[]).code, Some(0));
    let before = evidence(&bed, REPOSITORY, &gun);
    let tags: Vec<String> = (0..30_000).map(|n| n.to_string()).collect();
    let signed: Vec<(&str, &str)> = tags.iter().map(|tag| (tag.as_str(), ONE)).collect();
    bed.registry.put_trust_data(&gun, &Repository::new(&gun, "alice", &signed).files());
    let ran = collect(&bed, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("does not fit into an evidence manifest: it has more than 2 MiB"), "{}", ran.stderr);
    assert_eq!(evidence(&bed, REPOSITORY, &gun), before);
}

#[test]
fn addresses_of_servers() {
    let bed = Bed::new();
    let ran = bed.collect(&["--notary", "ftp://notary.example.com"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("expected the address of a notary server"), "{}", ran.stderr);
    let ran = bed.collect(&["--gun", "docker.io/library/app"]);
    assert_eq!(ran.code, Some(2), "a name without a server");
}
