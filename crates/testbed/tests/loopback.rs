//! The registry on loopback against the distribution specification, as plain HTTP and as `oci-client` see it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use image_trust_testbed::loopback::{
    Account, Fault, ImageKind, Login, Manifest, Registry, SIGNATURE_ANNOTATION, Scope, Signer, digest_of, signature_tag,
};
use oci_client::RegistryOperation::{Pull, Push};
use oci_client::client::{Client, ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::OciManifest;
use oci_client::secrets::RegistryAuth::{self, Anonymous};

use image_trust_testbed::http::{self, Answer};

/// Sends one request on a connection of its own.
fn ask(host: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    http::try_ask(host, method, path, headers, body).unwrap()
}

/// The code of the one error in a conformant body.
fn error_code(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["errors"][0]["code"].as_str().unwrap_or("").to_owned()
}

const KINDS: [ImageKind; 4] = [ImageKind::Oci, ImageKind::Docker, ImageKind::Index, ImageKind::DockerList];

fn client() -> Client {
    Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        no_proxy: Some("127.0.0.1".to_owned()),
        ..ClientConfig::default()
    })
}

fn reference(registry: &Registry, rest: &str) -> oci_client::Reference {
    format!("{}/{rest}", registry.host()).parse().unwrap()
}

const ACCEPTED: &[&str] = &[
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// Method, path, headers, body; the status and error code to expect; why.
type Case<'a> = (&'a str, String, &'a [(&'a str, &'a str)], &'a [u8], u16, &'a str, &'a str);

#[test]
fn requests_are_answered_as_the_specification_says() {
    let registry = Registry::start().unwrap();
    let image = registry.push_image("a/b/c", "1", ImageKind::Oci, "x");
    let blob = registry.put_blob("a/b/c", b"hello");
    let hello = digest_of(b"hello");
    assert_eq!(blob, hello);
    let oci = ("Content-Type", "application/vnd.oci.image.manifest.v1+json");
    let too_large = vec![b' '; (4 << 20) + 1];
    let nothing: &[u8] = b"";
    let table: &[Case<'_>] = &[
        ("GET", "/v2/".into(), &[], nothing, 200, "", "the version check"),
        ("GET", "/v2/a/b/c/manifests/1".into(), &[], nothing, 200, "", "by tag"),
        ("GET", format!("/v2/a/b/c/manifests/{image}"), &[], nothing, 200, "", "by digest"),
        ("HEAD", "/v2/a/b/c/manifests/1".into(), &[], nothing, 200, "", "its head"),
        ("GET", format!("/v2/a/b/c/blobs/{hello}"), &[], nothing, 200, "", "a blob"),
        ("HEAD", format!("/v2/a/b/c/blobs/{hello}"), &[], nothing, 200, "", "its head"),
        ("GET", "/v2/a/b/c/tags/list".into(), &[], nothing, 200, "", "tags"),
        ("GET", "/v2/a/b/c/manifests/2".into(), &[], nothing, 404, "MANIFEST_UNKNOWN", "another tag"),
        ("GET", format!("/v2/a/b/c/manifests/{hello}"), &[], nothing, 404, "MANIFEST_UNKNOWN", "a blob is no manifest"),
        ("GET", format!("/v2/a/b/c/blobs/{image}"), &[], nothing, 404, "BLOB_UNKNOWN", "a manifest is no blob"),
        ("GET", "/v2/a/b/manifests/1".into(), &[], nothing, 404, "NAME_UNKNOWN", "part of a repository's name"),
        ("GET", "/v2/a/b/tags/list".into(), &[], nothing, 404, "NAME_UNKNOWN", "likewise"),
        ("GET", format!("/v2/a/b/c/referrers/{image}"), &[], nothing, 404, "", "no referrers API"),
        ("DELETE", "/v2/a/b/c/manifests/1".into(), &[], nothing, 405, "UNSUPPORTED", "no deletion"),
        ("PUT", "/v2/n/manifests/1".into(), &[oci], b"{}", 201, "", "a push makes the repository"),
        ("PUT", format!("/v2/n/manifests/{}", digest_of(b"{}")), &[oci], b"{}", 201, "", "a push by digest"),
        ("PUT", format!("/v2/n/manifests/{hello}"), &[oci], b"{}", 400, "DIGEST_INVALID", "other bytes"),
        ("PUT", "/v2/n/manifests/2".into(), &[], b"{}", 400, "MANIFEST_INVALID", "no media type"),
        ("PUT", "/v2/n/manifests/2".into(), &[oci], &too_large, 413, "SIZE_INVALID", "over the limit"),
        ("POST", format!("/v2/n/blobs/uploads/?digest={hello}"), &[], b"hello", 201, "", "a blob in one request"),
        ("POST", format!("/v2/n/blobs/uploads/?digest={hello}"), &[], b"other", 400, "DIGEST_INVALID", "other bytes"),
        ("POST", format!("/v2/m/blobs/uploads/?mount={hello}&from=n"), &[], nothing, 201, "", "a blob from next door"),
        ("POST", format!("/v2/m/blobs/uploads/?mount={image}&from=n"), &[], nothing, 202, "", "not there: an upload"),
        ("PATCH", "/v2/n/blobs/uploads/999".into(), &[], b"x", 404, "BLOB_UPLOAD_UNKNOWN", "nobody began it"),
        ("GET", "/".into(), &[], nothing, 404, "", "no endpoint"),
    ];
    for (method, path, headers, body, status, code, reason) in table {
        let answer = ask(&registry.host(), method, path, headers, body);
        assert_eq!((answer.status, error_code(&answer).as_str()), (*status, *code), "{method} {path}: {reason}");
    }
}

#[test]
fn manifests_come_with_their_type_digest_and_length() {
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let digest = registry.push_image("library/nginx", "1", kind, "x");
        let Manifest { media_type, bytes, .. } = registry.manifest("library/nginx", "1").unwrap();
        let get = ask(&registry.host(), "GET", "/v2/library/nginx/manifests/1", &[], b"");
        assert_eq!(get.body, bytes, "{kind:?}");
        let head = ask(&registry.host(), "HEAD", "/v2/library/nginx/manifests/1", &[], b"");
        assert_eq!(head.body, b"", "{kind:?}: heads have no body");
        for answer in [get, head] {
            assert_eq!(answer.header("content-type"), media_type, "{kind:?}");
            assert_eq!(answer.header("docker-content-digest"), digest, "{kind:?}");
            assert_eq!(answer.header("content-length"), bytes.len().to_string(), "{kind:?}");
        }
    }
    let referrers = ask(&registry.host(), "GET", "/v2/library/nginx/referrers/sha256:00", &[], b"");
    assert!(referrers.header("content-type").starts_with("text/plain"), "as docker-registry 2.8: {referrers:?}");
}

#[test]
fn blobs_arrive_in_chunks() {
    let registry = Registry::start().unwrap();
    let digest = digest_of(b"hello world");
    let begun = ask(&registry.host(), "POST", "/v2/a/b/blobs/uploads/", &[], b"");
    assert_eq!((begun.status, begun.header("range")), (202, "0-0"));
    let upload = begun.header("location");
    let first = ask(&registry.host(), "PATCH", upload, &[("Content-Range", "0-5")], b"hello ");
    assert_eq!((first.status, first.header("range")), (202, "0-5"));
    let again = ask(&registry.host(), "PATCH", upload, &[("Content-Range", "0-5")], b"hello ");
    assert_eq!((again.status, error_code(&again).as_str()), (416, "BLOB_UPLOAD_INVALID"), "out of order");
    let asked = ask(&registry.host(), "GET", upload, &[], b"");
    assert_eq!((asked.status, asked.header("range")), (204, "0-5"), "the chunk out of order left no trace");
    let undigested = ask(&registry.host(), "PUT", upload, &[], b"");
    assert_eq!((undigested.status, error_code(&undigested).as_str()), (400, "DIGEST_INVALID"));
    // Clients percent-encode the colon.
    let end = format!("{upload}?digest={}", digest.replace(':', "%3A"));
    let done = ask(&registry.host(), "PUT", &end, &[], b"world");
    assert_eq!((done.status, done.header("location")), (201, format!("/v2/a/b/blobs/{digest}").as_str()));
    assert_eq!(ask(&registry.host(), "GET", done.header("location"), &[], b"").body, b"hello world");
    assert_eq!(ask(&registry.host(), "PUT", &end, &[], b"").status, 404, "an upload ends once");
}

#[tokio::test]
async fn oci_client_pulls_what_was_pushed_in_process() {
    let registry = Registry::start().unwrap();
    for kind in KINDS {
        let digest = registry.push_image("a/b/c", "1", kind, "x");
        let image = reference(&registry, "a/b/c:1");
        assert_eq!(client().fetch_manifest_digest(&image, &Anonymous).await.unwrap(), digest, "{kind:?}");
        let (bytes, pulled) = client().pull_manifest_raw(&image, &Anonymous, ACCEPTED).await.unwrap();
        assert_eq!((pulled, digest_of(&bytes)), (digest.clone(), digest), "{kind:?}");
        let (manifest, _) = client().pull_manifest(&image, &Anonymous).await.unwrap();
        let several = matches!(manifest, OciManifest::ImageIndex(_));
        assert_eq!(several, matches!(kind, ImageKind::Index | ImageKind::DockerList), "{kind:?}");
        // The client checks every digest on its way, and picks this platform's image from an index.
        let (manifest, _, config) = client().pull_manifest_and_config(&image, &Anonymous).await.unwrap();
        assert!(config.contains(r#""seed":"x""#), "{kind:?}: {config}");
        let mut layer = Vec::new();
        client().pull_blob(&image, &manifest.layers[0], &mut layer).await.unwrap();
        assert_eq!(digest_of(&layer), manifest.layers[0].digest, "{kind:?}");
    }
}

#[tokio::test]
async fn oci_client_pushes() {
    let registry = Registry::start().unwrap();
    let image = reference(&registry, "pushed/by/client:1");
    let layers = [ImageLayer::oci_v1(b"a layer".to_vec(), None)];
    let config = Config::oci_v1(b"{}".to_vec(), None);
    client().push(&image, &layers, config, &Anonymous, None).await.unwrap();
    let pulled = client().pull(&image, &Anonymous, vec![&layers[0].media_type]).await.unwrap();
    assert_eq!(pulled.layers[0].data, layers[0].data);
    assert_eq!(pulled.digest.unwrap(), registry.manifest("pushed/by/client", "1").unwrap().digest);
}

/// A manifest that refers to `subject`, and nothing else.
fn referrer(subject: &str, seed: usize) -> Vec<u8> {
    let kind = format!("application/x-{seed}");
    serde_json::json!({"artifactType": kind, "subject": {"digest": subject}, "layers": []}).to_string().into_bytes()
}

#[tokio::test]
async fn referrers_are_listed_page_by_page() {
    let registry = Registry::start().unwrap();
    let digest = registry.push_image("a/b", "1", ImageKind::Oci, "x");
    registry.offer_referrers(2);
    let image = reference(&registry, &format!("a/b@{digest}"));
    assert!(client().pull_referrers(&image, None).await.unwrap().manifests.is_empty(), "none yet");
    let mut pushed = Vec::new();
    for seed in 0..5 {
        let path = format!("/v2/a/b/manifests/{}", digest_of(&referrer(&digest, seed)));
        let answer = ask(&registry.host(), "PUT", &path, &[("Content-Type", ACCEPTED[0])], &referrer(&digest, seed));
        assert_eq!((answer.status, answer.header("oci-subject")), (201, digest.as_str()));
        pushed.push(digest_of(&referrer(&digest, seed)));
    }
    registry.put_manifest("a/b", None, ACCEPTED[0], &referrer("sha256:00", 9));
    let first = client().pull_referrers(&image, None).await.unwrap();
    assert_eq!(first.manifests.len(), 2, "oci-client reads the first page");
    assert!(first.manifests.iter().all(|entry| entry.artifact_type.is_some()), "{first:?}");

    let (mut found, mut path) = (Vec::new(), format!("/v2/a/b/referrers/{digest}"));
    loop {
        let answer = ask(&registry.host(), "GET", &path, &[], b"");
        assert_eq!((answer.status, answer.header("content-type")), (200, ACCEPTED[1]), "{path}");
        let page: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let entries = page["manifests"].as_array().unwrap();
        found.extend(entries.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()));
        match answer.header("link").strip_suffix(">; rel=\"next\"") {
            Some(next) => path = next.trim_start_matches('<').to_owned(),
            None => break,
        }
    }
    pushed.sort();
    assert_eq!(found, pushed, "all pages, and nothing that refers to another image");
}

#[test]
fn tags_can_be_kept() {
    let registry = Registry::start().unwrap();
    let oci = ("Content-Type", ACCEPTED[0]);
    let put = |reference: &str, bytes: &[u8]| {
        ask(&registry.host(), "PUT", &format!("/v2/a/manifests/{reference}"), &[oci], bytes)
    };
    assert_eq!(put("1", b"{}").status, 201);
    registry.keep_tags();
    let digest = digest_of(b"[]");
    // what is pushed under which name, the answer, the reason
    let table: [(&str, &[u8], u16, &str); 4] = [
        ("1", b"{}", 201, "what it names already"),
        ("1", b"[]", 400, "something else"),
        ("2", b"[]", 201, "a new tag"),
        (&digest, b"[]", 201, "no tag"),
    ];
    for (name, bytes, status, reason) in table {
        assert_eq!(put(name, bytes).status, status, "{reason}");
    }
    assert_eq!(error_code(&put("1", b"[]")), "TAG_INVALID");
}

#[tokio::test]
async fn oci_client_logs_in() {
    let alice = Account { user: "alice", password: "s3cret", may_push: true };
    let bob = Account { user: "bob", password: "hunter2", may_push: false };
    let of = |account: &Account| RegistryAuth::Basic(account.user.to_owned(), account.password.to_owned());
    let wrong = RegistryAuth::Basic("alice".to_owned(), "hunter2".to_owned());
    for login in [Login::Basic, Login::Token] {
        let registry = Registry::start().unwrap();
        registry.push_image("a/b", "1", ImageKind::Oci, "x");
        registry.require_login(login, &[alice.clone(), bob.clone()]);
        let image = reference(&registry, "a/b:1");
        // who asks; may they pull, may they push
        let table = [
            (of(&alice), [true, true]),
            (of(&bob), [true, false]),
            (wrong.clone(), [false; 2]),
            (Anonymous, [false; 2]),
        ];
        for (who, expected) in table {
            let client = client();
            let _ = client.auth(&image, &who, Pull).await;
            let pulled = client.pull_manifest_raw(&image, &who, ACCEPTED).await;
            let _ = client.auth(&image, &who, Push).await;
            let pushed = client.push_manifest_raw(&image, b"{}".to_vec(), ACCEPTED[0].parse().unwrap()).await;
            assert_eq!([pulled.is_ok(), pushed.is_ok()], expected, "{login:?}, {who:?}: {pulled:?}, {pushed:?}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_image() {
    let (one, other) = (Registry::start().unwrap(), Registry::start().unwrap());
    let mut digests = std::collections::BTreeSet::new();
    for kind in KINDS {
        let digest = one.push_image("a", "1", kind, "x");
        assert_eq!(other.push_image("b/c", "2", kind, "x"), digest, "{kind:?}: in another place");
        digests.insert(digest);
        digests.insert(one.push_image("a", "1", kind, "y"));
    }
    assert_eq!(digests.len(), 2 * KINDS.len(), "another kind or seed is another image");
}

#[test]
fn requests_are_counted_also_those_that_fail() {
    let registry = Registry::start().unwrap();
    registry.push_image("a/b", "1", ImageKind::Oci, "x");
    assert_eq!(registry.requests(), [], "what this process does itself is no request");
    ask(&registry.host(), "GET", "/v2/a/b/manifests/1?x=y", &[], b"");
    registry.fail(Scope::Everywhere, Fault::ServerError);
    ask(&registry.host(), "HEAD", "/v2/a/b/manifests/2", &[], b"");
    let seen: Vec<String> = registry.requests().iter().map(ToString::to_string).collect();
    assert_eq!(seen, ["GET /v2/a/b/manifests/1", "HEAD /v2/a/b/manifests/2"]);
    registry.forget_requests();
    assert_eq!(registry.requests(), []);
}

#[test]
fn faults_with_a_status() {
    let registry = Registry::start().unwrap();
    registry.push_image("a", "1", ImageKind::Oci, "x");
    let table = [
        (Fault::Unauthorized, 401, "UNAUTHORIZED"),
        (Fault::Forbidden, 403, "DENIED"),
        (Fault::NotFound, 404, "MANIFEST_UNKNOWN"),
        (Fault::TooManyRequests, 429, "TOOMANYREQUESTS"),
        (Fault::ServerError, 500, ""),
    ];
    for (fault, status, code) in table {
        registry.fail(Scope::Everywhere, fault.clone());
        let answer = ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"");
        assert_eq!((answer.status, error_code(&answer).as_str()), (status, code), "{fault:?}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{fault:?}");
    }
    registry.heal();
    assert_eq!(ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"").status, 200, "healed");
}

#[test]
fn a_fault_has_a_scope() {
    let one = |reference: &str| Scope::Manifest { repository: "a/b".into(), reference: reference.into() };
    let table = [
        (Scope::Everywhere, [500, 500, 500, 500]),
        (Scope::Repository("a/b".into()), [200, 500, 500, 200]),
        (Scope::Repository("a".into()), [200, 200, 200, 200]),
        (one("1"), [200, 500, 200, 200]),
        (one("3"), [200, 200, 200, 200]),
    ];
    let registry = Registry::start().unwrap();
    for (repository, tag) in [("a/b", "1"), ("a/b", "2"), ("c", "1")] {
        registry.push_image(repository, tag, ImageKind::Oci, "x");
    }
    for (scope, expected) in table {
        registry.heal();
        registry.fail(scope.clone(), Fault::ServerError);
        let paths = ["/v2/", "/v2/a/b/manifests/1", "/v2/a/b/manifests/2", "/v2/c/manifests/1"];
        let statuses = paths.map(|path| ask(&registry.host(), "GET", path, &[], b"").status);
        assert_eq!(statuses, expected, "{scope:?}");
    }
    registry.fail(Scope::Writes, Fault::InTurn(vec![Fault::Honest, Fault::ServerError]));
    let put = || ask(&registry.host(), "PUT", "/v2/n/manifests/1", &[("Content-Type", ACCEPTED[0])], b"{}").status;
    let get = || ask(&registry.host(), "GET", "/v2/c/manifests/1", &[], b"").status;
    assert_eq!([get(), put(), get(), put(), put()], [200, 201, 200, 500, 500], "only what is pushed");
    registry.fail(Scope::Repository("c".into()), Fault::NotFound);
    registry.fail(Scope::Everywhere, Fault::Forbidden);
    assert_eq!(ask(&registry.host(), "GET", "/v2/c/manifests/1", &[], b"").status, 403, "the last one told counts");
}

#[test]
fn faults_in_the_body() {
    let registry = Registry::start().unwrap();
    let digest = registry.push_image("a", "1", ImageKind::Oci, "x");
    let whole = registry.manifest("a", "1").unwrap();

    registry.fail(Scope::Everywhere, Fault::CutBody);
    let cut = ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"");
    assert_eq!(cut.header("content-length"), whole.bytes.len().to_string(), "announces all");
    assert_eq!(cut.body, whole.bytes[..whole.bytes.len() / 2], "sends half");

    registry.fail(Scope::Everywhere, Fault::OtherBytes(b"{}".to_vec()));
    let other = ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"");
    assert_eq!((other.status, other.body.as_slice(), other.header("content-length")), (200, &b"{}"[..], "2"));
    assert_eq!(other.header("docker-content-digest"), digest, "and still claims to be it");

    registry.fail(Scope::Everywhere, Fault::WrongContentType);
    let html = ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"");
    assert_eq!((html.header("content-type"), html.body.as_slice()), ("text/html", &whole.bytes[..]));
    assert!(html.headers.contains_key("docker-content-digest"), "says what it is");

    for (inner, bytes) in [(Fault::OtherBytes(b"{}".to_vec()), &b"{}"[..]), (Fault::WrongContentType, &whole.bytes)] {
        registry.fail(Scope::Everywhere, Fault::Undigested(Box::new(inner)));
        let mute = ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"");
        assert_eq!((mute.status, mute.body.as_slice()), (200, bytes), "as with the fault inside");
        assert!(!mute.headers.contains_key("docker-content-digest"), "does not say what it is");
    }
    registry.fail(Scope::Everywhere, Fault::Undigested(Box::new(Fault::NotFound)));
    assert_eq!(ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"").status, 404, "a status stays one");
}

#[tokio::test]
async fn oci_client_notices_faults_in_the_body() {
    let registry = Registry::start().unwrap();
    let digest = registry.push_image("a", "1", ImageKind::Oci, "x");
    for fault in [Fault::CutBody, Fault::OtherBytes(b"{}".to_vec())] {
        registry.fail(Scope::Everywhere, fault.clone());
        let image = reference(&registry, &format!("a@{digest}"));
        let pulled = client().pull_manifest_raw(&image, &Anonymous, ACCEPTED).await;
        assert!(pulled.is_err(), "{fault:?}: {pulled:?}");
    }
}

#[test]
fn a_late_answer_is_the_right_one() {
    let registry = Registry::start().unwrap();
    registry.push_image("a", "1", ImageKind::Oci, "x");
    let late = Duration::from_millis(50);
    registry.fail(Scope::Everywhere, Fault::Late(late));
    let begun = Instant::now();
    assert_eq!(ask(&registry.host(), "GET", "/v2/a/manifests/1", &[], b"").status, 200);
    assert!(begun.elapsed() >= late);
}

#[test]
fn dropping_the_registry_ends_everything() {
    let registry = Registry::start().unwrap();
    registry.fail(Scope::Everywhere, Fault::NeverAnswers);
    let host = registry.host();
    let mut stream = TcpStream::connect(&host).unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let nothing_yet = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(nothing_yet.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    drop(registry);
    stream.set_read_timeout(None).unwrap();
    // The end of the stream or a reset, never an answer.
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(host).is_err(), "nobody listens any more");
}

#[test]
fn a_signer_is_its_name() {
    let pem = Signer::named("alice").public_pem();
    assert_eq!(Signer::named("alice").public_pem(), pem);
    assert_ne!(Signer::named("bob").public_pem(), pem);
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
}

#[test]
fn a_second_signature_is_a_second_layer() {
    let registry = Registry::start().unwrap();
    let digest = registry.push_image("a/b", "1", ImageKind::Oci, "x");
    for name in ["alice", "bob"] {
        Signer::named(name).sign(&registry, "a/b", &digest, &BTreeMap::new()).unwrap();
    }
    let manifest = registry.manifest("a/b", &signature_tag(&digest)).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[0]["digest"], layers[1]["digest"], "two keys, one payload");
    assert_ne!(layers[0]["annotations"][SIGNATURE_ANNOTATION], layers[1]["annotations"][SIGNATURE_ANNOTATION]);

    registry.put_manifest("a/b", Some(&signature_tag(&digest)), "application/json", b"[]");
    let error = Signer::named("carol").sign(&registry, "a/b", &digest, &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("no signature can be added"), "{error:#}");
}

/// Blanks come for as long as the registry is there, and not so many that anybody's memory were full.
#[test]
fn an_endless_answer_ends_with_its_registry() {
    let registry = Registry::start().unwrap();
    let image = registry.put_manifest("r", Some("1"), "application/vnd.oci.image.manifest.v1+json", b"{}");
    registry.fail(Scope::Everywhere, Fault::Endless);
    let mut stream = TcpStream::connect(registry.host()).unwrap();
    stream.write_all(b"GET /v2/r/manifests/1 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    // Far more than it takes: only where nothing comes would anybody wait for it.
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut told = vec![0; 20_000];
    stream.read_exact(&mut told).unwrap();
    let told = String::from_utf8(told).unwrap();
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&image) && !head.contains("content-length"), "{head}");
    assert!(body.starts_with("2\r\n{}\r\n3E8\r\n    "), "the truth, and a thousand blanks at a time: {body:.40}");
    drop(registry);
    // The end of the stream or a reset, after what was under way.
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    assert!(rest.len() < 1_000_000, "{ended:?} after {} bytes", rest.len());
}
