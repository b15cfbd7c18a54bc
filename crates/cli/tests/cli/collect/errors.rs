//! What is told when a registry does not answer, or does not take the evidence?

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use image_trust_testbed::loopback::{Account, Fault, Login, Scope, Signer, signature_tag};
use serde_json::json;

use super::bed::{BUNDLE, Bed, REPOSITORY, evidence_tag, layer};

const ALICE: Account = Account { user: "alice", password: "s3cret", may_push: true };
const BOB: Account = Account { user: "bob", password: "hunter2", may_push: false };

/// A registry with a signed image.
fn signed() -> Bed {
    let bed = Bed::new();
    Signer::named("alice").sign(&bed.registry, REPOSITORY, &bed.image, &BTreeMap::new()).expect("signed");
    bed
}

/// Gives the command the credentials of `user`.
fn come_as(bed: &Bed, user: &str, password: &str) {
    let auth = Base64::encode_string(format!("{user}:{password}").as_bytes());
    bed.write("config.json", &json!({"auths": {bed.registry.host(): {"auth": auth}}}).to_string());
}

fn manifest(reference: String) -> Scope {
    Scope::Manifest { repository: REPOSITORY.to_owned(), reference }
}

fn put_evidence(bed: &Bed) -> Scope {
    Scope::Method("PUT", Box::new(manifest(evidence_tag(&bed.image))))
}

#[test]
fn refusals_say_the_way_out() {
    // what is wrong; parts of the error and of the help; the reason
    type Row = (fn(&Bed), &'static [&'static str], &'static str);
    let rows: [Row; 19] = [
        (
            |bed| bed.registry.require_login(Login::Basic, &[ALICE]),
            &[
                "cannot read the manifest 1 in",
                "answered 401 (UNAUTHORIZED: authentication required)",
                "help: the request was made without credentials",
                "docker login 127.0.0.1",
            ],
            "no credentials",
        ),
        (
            |bed| {
                bed.registry.require_login(Login::Basic, &[ALICE]);
                come_as(bed, "alice", "wrong");
            },
            &["answered 401", "help: the request was made as \"alice\", with the credentials for 127.0.0.1"],
            "another password",
        ),
        (
            |bed| {
                bed.registry.require_login(Login::Token, &[ALICE]);
                come_as(bed, "alice", "wrong");
            },
            &["the login at 127.0.0.1", "incorrect username or password", "made as \"alice\""],
            "another password for a token",
        ),
        (
            |bed| {
                bed.registry.require_login(Login::Basic, &[BOB]);
                come_as(bed, "bob", "hunter2");
            },
            &[
                "cannot push the blob sha256:",
                "answered 403 (DENIED",
                "give \"bob\" the right to push to",
                "--to REPOSITORY",
            ],
            "somebody who may only pull",
        ),
        (
            |bed| {
                bed.registry.require_login(Login::Token, &[BOB]);
                come_as(bed, "bob", "hunter2");
            },
            &["cannot push the blob sha256:", "answered 401", "give \"bob\" the right to push to"],
            "somebody whose token is for pulling",
        ),
        (
            |bed| bed.registry.fail(manifest("1".to_owned()), Fault::NotFound),
            &["there is no image 127.0.0.1"],
            "no such image",
        ),
        (
            |bed| {
                let wait = Fault::Header("retry-after", "3600".to_owned());
                bed.registry.fail(Scope::Everywhere, Fault::All(vec![Fault::TooManyRequests, wait]));
            },
            &["answered 429 (TOOMANYREQUESTS: too many requests)", "help: 127.0.0.1", "has a limit of requests"],
            "a registry that wants an hour",
        ),
        (
            |bed| bed.registry.fail(manifest(signature_tag(&bed.image)), Fault::ServerError),
            &["cannot read the manifest sha256-", "answered 500 (told to fail)", "has a fault: try again later"],
            "a fault where signatures are: they are not taken for missing",
        ),
        (
            |bed| bed.registry.fail(Scope::Referrers, Fault::ServerError),
            &["cannot read the list of referrers of sha256:", "answered 500"],
            "a fault where referrers are",
        ),
        (
            |bed| bed.registry.fail(Scope::Referrers, Fault::Forbidden),
            &["cannot read the list of referrers of sha256:", "answered 403"],
            "referrers that are not for everybody",
        ),
        (
            |bed| bed.registry.fail(manifest("1".to_owned()), Fault::CutBody),
            &["cannot read the manifest 1", "cannot be reached"],
            "a connection that ends early",
        ),
        (
            |bed| bed.registry.fail(manifest("1".to_owned()), Fault::OtherBytes(vec![b' '; 5 << 20])),
            &["cannot read the manifest 1", "expected at most 4 MiB, found more"],
            "a manifest that is too large",
        ),
        (
            |bed| bed.registry.fail(put_evidence(bed), Fault::Says(413, "")),
            &[
                "cannot push the manifest sha256-",
                "answered 413",
                "bytes in a request: raise its limit (nginx: `client_max_body_size 5m`)",
            ],
            "a proxy with a limit",
        ),
        (
            |bed| {
                bed.registry.fail(
                    put_evidence(bed),
                    Fault::Says(400, r#"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}"#),
                )
            },
            &["answered 400 (MANIFEST_INVALID: manifest invalid)", "does not take this kind of artifact"],
            "a registry that takes images only",
        ),
        (
            |bed| bed.registry.fail(Scope::Writes, Fault::NotFound),
            &["cannot push the", "create the repository 127.0.0.1"],
            "a registry that makes no repositories",
        ),
        (
            |bed| bed.registry.fail(Scope::Writes, Fault::Header("location", "http://[".to_owned())),
            &["the registry named no place to upload to"],
            "an upload that leads nowhere",
        ),
        (
            |bed| {
                bed.write("config.json", "[");
            },
            &["is not a JSON object"],
            "credentials that can't be read",
        ),
        (
            |bed| bed.write("sources.yaml", "{}"),
            &["cannot be reached", "listed under `insecure_sources`"],
            "a registry without TLS that is not listed",
        ),
        (
            |bed| {
                assert_eq!(bed.collect(&[]).code, Some(0));
                bed.registry.keep_tags();
                let more = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "more")]);
                bed.list(&bed.image, &[more]);
            },
            &[
                "answered 400 (TAG_INVALID",
                "the tag is immutable",
                "(a) exempt `sha256-*`",
                "(b) push to",
                "(c) collect once",
            ],
            "an immutable tag",
        ),
    ];
    for (setup, parts, why) in rows {
        let bed = signed();
        setup(&bed);
        let ran = bed.collect(&[]);
        assert_eq!(ran.code, Some(1), "{why}: {}", ran.stderr);
        for part in parts {
            assert!(ran.stderr.contains(part), "{why}: no {part:?} in {}", ran.stderr);
        }
    }
}

#[test]
fn an_immutable_tag_takes_evidence_once() {
    let bed = signed();
    bed.registry.keep_tags();
    assert_eq!(bed.collect(&[]).outcome(), "pushed");
    assert_eq!(bed.collect(&[]).outcome(), "unchanged");
}

#[test]
fn logins_are_made() {
    for login in [Login::Basic, Login::Token] {
        let bed = signed();
        bed.registry.require_login(login, &[ALICE, BOB]);
        come_as(&bed, "alice", "s3cret");
        let to = format!("{}/trust/evidence", bed.registry.host());
        for more in [&[][..], &["--to", &to]] {
            let ran = bed.collect(more);
            assert_eq!((ran.code, ran.outcome().as_str()), (Some(0), "pushed"), "{login:?}: {}", ran.stderr);
        }
        // Who may only pull can still see that nothing is to be pushed.
        come_as(&bed, "bob", "hunter2");
        assert_eq!(bed.collect(&[]).outcome(), "unchanged", "{login:?}");
    }
}

/// Some registries answer 403 for a repository that does not exist yet, and still take a push to it.
#[test]
fn a_repository_is_not_read_before_it_is_there() {
    let bed = signed();
    let to = format!("{}/trust/evidence", bed.registry.host());
    let scope = Scope::Manifest { repository: "trust/evidence".to_owned(), reference: evidence_tag(&bed.image) };
    bed.registry.fail(Scope::Method("GET", Box::new(scope)), Fault::InTurn(vec![Fault::Forbidden, Fault::Honest]));
    assert_eq!(bed.collect(&["--to", &to]).outcome(), "pushed");
    assert_eq!(bed.collect(&["--to", &to]).outcome(), "unchanged");
}

#[test]
fn a_registry_without_time_is_asked_again() {
    let now = Fault::Header("retry-after", "0".to_owned());
    let busy = Fault::All(vec![Fault::TooManyRequests, now.clone()]);
    let gone = Fault::All(vec![Fault::Says(503, ""), now]);
    let bed = signed();
    for scope in [manifest("1".to_owned()), manifest(signature_tag(&bed.image)), put_evidence(&bed)] {
        bed.registry.fail(scope, Fault::InTurn(vec![busy.clone(), gone.clone(), busy.clone(), Fault::Honest]));
    }
    let ran = bed.collect(&[]);
    assert_eq!((ran.code, ran.outcome().as_str()), (Some(0), "pushed"), "{}", ran.stderr);
    assert_eq!(bed.registry.unmet(), []);
    // Not without an end.
    bed.registry.fail(manifest("1".to_owned()), busy);
    bed.registry.forget_requests();
    assert_eq!(bed.collect(&[]).code, Some(1));
    let asked = bed.registry.requests().iter().filter(|request| request.path.ends_with("/manifests/1")).count();
    assert_eq!(asked, 5);
}

#[test]
fn one_image_that_fails_keeps_no_other_from_its_evidence() {
    let bed = signed();
    let other = format!("{}/shop/none:1", bed.registry.host());
    let ran = bed.run(&[&other, &bed.name()]);
    assert_eq!((ran.code, ran.outcome().as_str()), (Some(1), "pushed"));
    assert!(ran.told["images"][0]["error"].is_string() && ran.told["images"][1]["error"].is_null(), "{}", ran.told);
    // A line that is wrong is no image that fails.
    assert_eq!(bed.run(&["EVIL/app"]).code, Some(2));
    assert_eq!(bed.run(&[]).code, Some(2));
}
