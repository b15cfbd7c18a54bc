//! Which words does the host have for what registries answer, and what becomes of them?
//!
//! The host drops the codes of a registry's error answers and passes on the messages, which every registry words in its own way. So each answer here is given by
//! the loopback registry (status, content type and body as public documents and sources show them), and the real host library makes the text of it. The texts are
//! kept in `tests/words.json`, where the policy's own tests read them; `UPDATE_EXPECT=1` writes them there, once the rows are right.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use image_trust_host::{Answers, HostRequest, Live, LiveConfig, Proxies, Sources};
use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer, signature_tag};
use rcgen::CertificateParams;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::policy::{evaluate, host, pins, pod, settings};
use crate::tls::Authority;
use crate::told::flaw;

/// The question that a registry answers with an error.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    /// The digest of the image.
    Image,
    /// The manifest of its signatures, after it told the image's digest.
    Signatures,
    /// The digest of the image in one row, and the manifest of its signatures in another.
    Either,
}
use Asked::{Either, Image, Signatures};

/// A registry's answer, and the code and cause (for "not signed" and "not there": the reason) of the denial.
struct Answered {
    registry: &'static str,
    asked: Asked,
    status: u16,
    content_type: &'static str,
    body: &'static str,
    expect: (u16, &'static str),
}

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const TEXT: &str = "text/plain; charset=utf-8";

/// The expectation where something is absent: an image is "not there", signatures are "not signed".
const ABSENT: (u16, &str) = (403, "absent");
const CREDENTIALS: (u16, &str) = (503, "unauthorized");
const LIMITED: (u16, &str) = (503, "rate-limited");
const BLOCKED: (u16, &str) = (503, "blocked-by-registry");
const FAILED: (u16, &str) = (503, "server-error");
const UNKNOWN: (u16, &str) = (503, "unknown-error");
const WORDLESS: (u16, &str) = (503, "error-without-message");

const fn row(
    registry: &'static str,
    asked: Asked,
    status: u16,
    content_type: &'static str,
    body: &'static str,
    expect: (u16, &'static str),
) -> Answered {
    Answered { registry, asked, status, content_type, body, expect }
}

#[rustfmt::skip]
const ANSWERS: &[Answered] = &[
    row("distribution", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#, ABSENT),
    row("distribution, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":{"name":"app"}}]}"#, ABSENT),
    row("distribution, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied","detail":[{"Type":"repository","Name":"app","Action":"pull"}]}]}"#, CREDENTIALS),
    row("distribution, no login", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#, CREDENTIALS),
    row("distribution, limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests"}]}"#, LIMITED),
    row("distribution, storage", Either, 500, JSON, r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{}}]}"#, FAILED),
    row("distribution, unavailable", Either, 503, JSON, r#"{"errors":[{"code":"UNAVAILABLE","message":"service unavailable"}]}"#, FAILED),
    row("GHCR", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#, ABSENT),
    row("GHCR, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"denied"}]}"#, CREDENTIALS),
    row("GHCR, limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 1ms, allowed: 44000/minute, too many requests"}]}"#, LIMITED),
    row("ECR", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Requested image not found"}]}"#, ABSENT),
    row("ECR, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'app' does not exist in the registry with id '111122223333'"}]}"#, ABSENT),
    row("ECR, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"User: arn:aws:iam::111122223333:user/x is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-central-1:111122223333:repository/app because no resource-based policy allows the ecr:BatchGetImage action"}]}"#, CREDENTIALS),
    row("ECR, old login", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}"#, CREDENTIALS),
    row("ECR, limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}"#, LIMITED),
    row("ECR, no login", Either, 401, TEXT, "Not Authorized\n", CREDENTIALS),
    row("ACR", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest tagged by \"1\" is not found","detail":{"Name":"app","Tag":"1"}}]}"#, ABSENT),
    row("ACR, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository \"app\" is not found","detail":{"name":"app"}}]}"#, ABSENT),
    row("ACR, firewall", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"client with IP '192.0.2.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."}]}"#, BLOCKED),
    row("GAR", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Failed to fetch \"1\""}]}"#, ABSENT),
    row("GAR, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"Repository \"r\" not found"}]}"#, ABSENT),
    row("GAR, entity", Either, 404, JSON, r#"{"errors":[{"code":"NOT_FOUND","message":"Requested entity was not found."}]}"#, ABSENT),
    row("GAR, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"projects/p/locations/l/repositories/r\" (or it may not exist)"}]}"#, CREDENTIALS),
    row("GAR, no login", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Unauthenticated request. Unauthenticated requests do not have permission \"artifactregistry.repositories.downloadArtifacts\" on resource \"projects/p/locations/l/repositories/r\" (or it may not exist)"}]}"#, CREDENTIALS),
    row("GAR, limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"Quota exceeded for quota metric 'Requests per project per region' and limit 'Requests per project per region per minute per region'"}]}"#, LIMITED),
    row("Docker Hub", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":"unknown tag=1"}]}"#, ABSENT),
    row("Docker Hub, no access", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Class":"","Name":"a/app","Action":"pull"}]}]}"#, CREDENTIALS),
    row("Docker Hub, limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"}]}"#, LIMITED),
    row("Docker Hub, limit by address", Either, 429, TEXT, "Too Many Requests (HAP429).", LIMITED),
    row("Quay", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","detail":{},"message":"manifest unknown"}]}"#, ABSENT),
    row("Quay, expired tag", Either, 404, JSON, r#"{"errors":[{"code":"TAG_EXPIRED","detail":{},"message":"Tag 1 was deleted or has expired. To pull, revive via time machine"}]}"#, ABSENT),
    row("Quay, no access", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"access to the requested resource is not authorized"}]}"#, CREDENTIALS),
    row("Quay, no access as an envelope", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","detail":{},"message":"access to the requested resource is not authorized"}]}"#, CREDENTIALS),
    row("Nexus", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#, ABSENT),
    row("Nexus, no such path", Either, 404, HTML, "<!DOCTYPE html><html><head><title>404 - Nexus Repository</title></head></html>", UNKNOWN),
    row("Nexus Firewall", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"REQUESTED ITEM IS QUARANTINED. FOR DETAILS SEE https://iq.example/ui/links/repository/x"}]}"#, BLOCKED),
    row("Artifactory", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"The named manifest is not known to the registry.","detail":{"manifest":"app/1/manifest.json"}}]}"#, ABSENT),
    row("Artifactory, other form", Either, 404, JSON, r#"{"errors":[{"status":404,"message":"Failed to transform: app/1/manifest.json"}]}"#, ABSENT),
    row("Artifactory, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"Repository app not found"}]}"#, ABSENT),
    row("Artifactory, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"The client does not have permission for manifest","detail":null}]}"#, CREDENTIALS),
    row("Artifactory, no access, other form", Either, 403, JSON, r#"{"errors":[{"status":403,"message":"Download request for repo:path 'r:app/1/manifest.json' is forbidden for user: 'x'."}]}"#, CREDENTIALS),
    row("Artifactory, no push rights", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","message":"The client does not have permission to push to the repository."}]}"#, CREDENTIALS),
    row("Artifactory with Xray", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Artifact download request rejected: r/app/1/manifest.json was not downloaded due to the download blocking policy configured in Xray for r."}]}"#, BLOCKED),
    row("Harbor", Either, 404, JSON, r#"{"errors":[{"code":"NOT_FOUND","message":"artifact library/app:v1 not found"}]}"#, ABSENT),
    row("Harbor, repository", Either, 404, JSON, r#"{"errors":[{"code":"NOT_FOUND","message":"repository library/app not found"}]}"#, ABSENT),
    row("Harbor, project", Either, 404, JSON, r#"{"errors":[{"code":"NOT_FOUND","message":"project library not found"}]}"#, ABSENT),
    row("Harbor, proxied", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#, ABSENT),
    row("Harbor, no access", Either, 403, JSON, r#"{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}"#, CREDENTIALS),
    row("Harbor, no login", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized to access repository: library/app, action: pull: unauthorized to access repository: library/app, action: pull"}]}"#, CREDENTIALS),
    row("Harbor, vulnerabilities", Either, 412, JSON, r#"{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"current image with 3 vulnerabilities cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of \"Low\" or higher from running.' To continue with pull, please contact your project administrator to exempt matched vulnerabilities through configuring the CVE allowlist."}]}"#, BLOCKED),
    row("Harbor, cosign", Either, 412, JSON, r#"{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"The image is not signed by cosign."}]}"#, BLOCKED),
    row("Harbor, not scanned", Either, 412, JSON, r#"{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"current image without vulnerability scanning cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of \"High\" or higher from running.'"}]}"#, BLOCKED),
    row("Harbor, limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUEST","message":"too many request to upstream registry"}]}"#, LIMITED),
    row("Harbor, failing", Either, 500, JSON, r#"{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}"#, FAILED),
    row("Zot", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","description":"This error is returned when the manifest, identified by name and tag is unknown to the repository.","detail":{"reference":"1"}}]}"#, ABSENT),
    row("Zot, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":{"name":"app"}}]}"#, ABSENT),
    row("Zot, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#, CREDENTIALS),
    row("Forgejo", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":""}]}"#, WORDLESS),
    row("Gitea, no message", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#, WORDLESS),
    row("no body", Either, 404, TEXT, "", WORDLESS),
    row("no errors", Either, 404, JSON, r#"{"errors":[]}"#, WORDLESS),
    row("Forgejo, no access", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","message":""}]}"#, CREDENTIALS),
    row("Pulp", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Manifest not found.","detail":{"digest":"1"}}]}"#, ABSENT),
    row("Pulp, repository", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"Repository not found.","detail":{"name":"app"}}]}"#, ABSENT),
    row("GitLab", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":"unknown tag=1"}]}"#, ABSENT),
    row("GitLab, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#, CREDENTIALS),
    row("registry:2 as a cache, upstream limit", Either, 500, JSON, r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"toomanyrequests: You have reached your pull rate limit."}]}"#, LIMITED),
    row("ECR Public, old login", Either, 400, JSON, r#"{"errors":[{"code":"DENIED","message":"Your Authorization Token is invalid."}]}"#, CREDENTIALS),
    row("ACR, upstream limit", Either, 429, JSON, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests to source registry for cache rule 'x'. CorrelationId: 0"}]}"#, LIMITED),
    row("MCR, limit", Either, 429, TEXT, "Ref A: 0 Ref B: 0 Ref C: 0", LIMITED),
    row("GCR, blob liveness", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"Failed to compute blob liveness for manifest: '1'"}]}"#, ABSENT),
    row("GCR, no access", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Permission denied for \"1\" from request \"/v2/p/app/manifests/1\"."}]}"#, CREDENTIALS),
    row("GCR, token", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Token exchange failed for project 'p'. Please enable Google Container Registry API in Cloud Console"}]}"#, CREDENTIALS),
    row("Quay, disabled namespace", Either, 405, JSON, r#"{"errors":[{"code":"DENIED","detail":{},"message":"This namespace is disabled. Please contact your system administrator."}]}"#, BLOCKED),
    row("Quay, region", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","detail":{},"message":"The region from which you are pulling has been geo-ip blocked. Please contact the namespace owner."}]}"#, BLOCKED),
    row("Quay, expired tag of a cache", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","detail":{},"message":"Tag has expired"}]}"#, ABSENT),
    row("Harbor, notation", Either, 412, JSON, r#"{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"The image is not signed by notation."}]}"#, BLOCKED),
    row("Harbor, report", Either, 412, JSON, r#"{"errors":[{"code":"PRECONDITION","message":"no scan report existing for the artifact: library/app"}]}"#, BLOCKED),
    row("Artifactory, plain", Either, 404, JSON, r#"{"errors":[{"status":404,"message":"Not Found"}]}"#, ABSENT),
    row("Artifactory, Xray and a virtual repository", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"app/1/manifest.json was not downloaded due to the download blocking policy configured in Xray for r."}]}"#, BLOCKED),
    row("Artifactory, Curation", Either, 403, JSON, r#"{"errors":[{"status":403,"message":"Package app:1 download was blocked by JFrog Packages Curation service due to the following policies violated {x}"}]}"#, BLOCKED),
    row("Azure Front Door", Either, 403, HTML, "<h2>The request is blocked.</h2>", BLOCKED),
    row("Docker Hub, embargo", Either, 403, HTML, "<html>Since Docker is a US company, we must comply with US export control regulations.</html>", BLOCKED),
    row("Nexus, upstream away", Either, 404, JSON, r#"{"errors":[{"code":"UNKNOWN_ERROR","message":"Remote Auto Blocked until 2026-01-01T00:00:00.000Z"}]}"#, FAILED),
    row("distribution, no support", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"OCI index found, but accept header does not support OCI indexes"}]}"#, UNKNOWN),
    row("GitHub Packages", Either, 401, JSON, r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthenticated: User cannot be authenticated with the token provided."}]}"#, CREDENTIALS),
    row("Chainguard", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"not authenticated: No valid credential was supplied."}]}"#, CREDENTIALS),
    row("Red Hat", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"Please login to the Red Hat Registry using your Customer Portal credentials."}]}"#, CREDENTIALS),
    row("IBM", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"You were not authorized to complete this operation."}]}"#, CREDENTIALS),
    row("TCR", Either, 404, JSON, r#"{"errors":[{"code":"NOT_FOUND","message":"resource not found: repo app, tag 1 not found"}]}"#, ABSENT),
    row("Nexus with 403", Either, 403, JSON, r#"{"errors":[{"code":"DENIED","message":"access to the requested resource is not authorized"}]}"#, CREDENTIALS),
    row("other words", Either, 404, JSON, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"there is no such thing"}]}"#, ABSENT),
    row("two errors", Either, 404, JSON, r#"{"errors":[{"code":"NAME_UNKNOWN","message":""},{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#, ABSENT),
    row("words that nobody knows", Either, 400, JSON, r#"{"errors":[{"code":"UNSUPPORTED","message":"something unheard of"}]}"#, UNKNOWN),
    row("an image named after an error", Either, 400, JSON, r#"{"errors":[{"code":"UNSUPPORTED","message":"denied/unauthorized:not-found"}]}"#, UNKNOWN),
    row("no registry", Either, 404, TEXT, "404 page not found\n", UNKNOWN),
    row("no registry, in JSON", Either, 404, JSON, r#"{"message":"404 Not Found"}"#, UNKNOWN),
    row("a web page", Signatures, 200, HTML, "<html>it works!</html>", (503, "unusable-answer")),
    row("a proxy, no login", Either, 407, HTML, "<html>Proxy Authentication Required</html>", UNKNOWN),
    row("a proxy, forbidden", Either, 403, HTML, "<html><title>403 Forbidden</title></html>", CREDENTIALS),
    row("a proxy, failing", Either, 502, HTML, "<html><title>502 Bad Gateway</title></html>", FAILED),
    row("a proxy, limit", Either, 429, HTML, "slow down", LIMITED),
    row("a teapot", Either, 418, TEXT, "manifest unknown", UNKNOWN),
    row("for legal reasons", Either, 451, JSON, r#"{"errors":[{"code":"DENIED","message":"unavailable"}]}"#, UNKNOWN),
    row("the host's words, no access to a capability", Either, 400, JSON, r#"{"errors":[{"code":"DENIED","message":"Policy has not been granted access to the 'oci/v1/manifest_digest' host capability"}]}"#, UNKNOWN),
    row("the host's words, signatures", Either, 400, JSON, r#"{"errors":[{"code":"DENIED","message":"Image verification failed: missing signatures"}]}"#, UNKNOWN),
    row("the host's words, as a page", Either, 404, TEXT, "Policy has not been granted access to the 'x' host capability: manifest unknown", UNKNOWN),
    row("a failure in the words of another answer", Either, 500, JSON, r#"{"errors":[{"code":"UNKNOWN","message":"backend: manifest unknown"}]}"#, FAILED),
];

/// What the host said, and what that is taken for, as `tests/words.json` keeps it.
fn kept(registry: &str, asked: Asked, text: &str, cause: &str) -> Value {
    json!({"registry": registry, "asked": format!("{asked:?}"), "text": text, "cause": cause})
}

#[test]
fn what_registries_answer() {
    let registry = Registry::start().unwrap();
    let keys = [("alice", Signer::named("alice").public_pem())];
    let live = host(&[&registry.host()]);
    let settings = settings(&registry.host(), &keys, &crate::policy::by("alice"));
    let (mut words, mut failures) = (Vec::new(), Vec::new());
    let rows = ANSWERS.iter().flat_map(|row| match row.asked {
        Either => vec![(row, Image), (row, Signatures)],
        one => vec![(row, one)],
    });
    for (n, (row, asked)) in rows.enumerate() {
        let repository = format!("r{n}");
        let digest = registry.push_image(&repository, "1", ImageKind::Oci, "x");
        Signer::named("alice").sign(&registry, &repository, &digest, &Default::default()).unwrap();
        let reference = if asked == Image { "1".to_owned() } else { signature_tag(&digest) };
        let answer = Fault::All(vec![
            Fault::Says(row.status, row.body),
            Fault::Header("content-type", row.content_type.to_owned()),
        ]);
        registry.fail(Scope::Manifest { repository: repository.clone(), reference }, answer);
        let came = evaluate(&pod(&format!("{}/{repository}:1", registry.host())), &settings, &live);
        let status = came.response.status.clone().unwrap_or_default();
        let record = came.response.audit_annotations.iter().flat_map(|records| records.values()).next();
        let record: Value = serde_json::from_str(record.map_or("null", String::as_str)).unwrap();
        let cause = match (row.expect, asked) {
            (ABSENT, Image) => json!({"reason": "image-not-found", "cause": null}),
            (ABSENT, _) => json!({"reason": "not-signed", "cause": "unsigned"}),
            (WORDLESS, Signatures) => {
                json!({"reason": "evidence-unavailable", "cause": "signatures-error-without-message"})
            }
            ((_, cause), _) => json!({"reason": "evidence-unavailable", "cause": cause}),
        };
        let told = json!({"reason": record["reason"], "cause": record["cause"]});
        let is_denied = !came.response.allowed && pins(&came).is_empty() && status.code == Some(row.expect.0);
        if !is_denied || told != cause || flaw(&came).is_some() {
            failures.push(format!("{} ({asked:?}): expected {cause}, came {told} {status:?}", row.registry));
        }
        let text = came.calls.iter().find_map(|call| call.answer.clone().err()).unwrap_or_default();
        let text = text.replace(&registry.host(), "registry.example").replace(&format!("/{repository}/"), "/app/");
        let text = text.replace(&format!("{repository}:1"), "app:1");
        words.push(kept(row.registry, asked, &text, if row.expect == ABSENT { "not-found" } else { row.expect.1 }));
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), words.len(), failures.join("\n"));
    assert_eq!(registry.unmet(), Vec::new(), "every registry was asked");
    words.extend(why_there_is_no_answer());
    compare(&Value::from(words));
}

/// Texts of connections that failed, made by the same library, and what they are taken for.
fn why_there_is_no_answer() -> Vec<Value> {
    let plain = Registry::start().unwrap();
    let gone = Registry::start().unwrap();
    let nobody = gone.host();
    drop(gone);
    let (ours, other) = (Authority::new(), Authority::new());
    let expired = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2000, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = rcgen::date_time_ymd(3000, 1, 1);
    let named = |params: &mut CertificateParams| {
        params.subject_alt_names = CertificateParams::new(["registry.example".to_owned()]).unwrap().subject_alt_names;
    };
    // A name that no resolver takes, so that none has to be asked.
    let unresolvable = format!("{}.example", "a".repeat(64));
    // the registry, the authority that is trusted, what it is taken for
    let rows = [
        ("nobody listens", nobody, None, "connection-refused"),
        ("plain HTTP", plain.host(), None, "no-tls"),
        ("a name without an address", unresolvable, None, "unresolved-name"),
        ("an unknown authority", greet(&ours, |_| {}), None, "unknown-authority"),
        ("another authority of that name", greet(&ours, |_| {}), Some(&other), "unknown-authority"),
        ("an old certificate", greet(&ours, expired), Some(&ours), "expired-certificate"),
        ("an early certificate", greet(&ours, early), Some(&ours), "expired-certificate"),
        ("a certificate of another name", greet(&ours, named), Some(&ours), "certificate-of-another-name"),
        (
            "a certificate authority's own certificate",
            greet(&ours, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
            Some(&ours),
            "invalid-certificate",
        ),
    ];
    let ask = |(what, host, authority, cause): (&str, String, Option<&Authority>, &str)| {
        let authorities = authority.map(|authority| json!([{"type": "Data", "data": authority.pem()}]));
        let authorities: serde_json::Map<_, _> = authorities.map(|list| (host.clone(), list)).into_iter().collect();
        // Over TLS a name that is none is refused before it is resolved.
        let insecure: Vec<&String> = Some(&host).filter(|_| cause == "unresolved-name").into_iter().collect();
        let sources = json!({"source_authorities": authorities, "insecure_sources": insecure});
        let sources = Sources::from_yaml(&sources.to_string()).unwrap();
        let direct = Proxies { http_proxy: None, https_proxy: None, no_proxy: Some("*".to_owned()) };
        let config = LiveConfig { sources: Sources { proxies: Some(direct), ..sources }, ..LiveConfig::loopback([]) };
        let live = Arc::new(Live::new(config).unwrap());
        let request = HostRequest::OciManifestDigest { image: format!("{host}/app:1") };
        let text = format!("{:?}", live.answer(&request).unwrap_err()).replace(&host, "registry.example");
        let text = text.split("\n\nStack backtrace").next().unwrap_or_default();
        // Certificates are judged by the time of day.
        let text = text.split(' ').map(|word| match word.trim_matches('(').parse::<u64>() {
            Ok(1_000_000..) => "(time)",
            _ => word,
        });
        kept(what, Image, &text.collect::<Vec<_>>().join(" "), cause)
    };
    rows.into_iter().map(ask).collect()
}

/// A server that shows this certificate to whoever comes, until the test ends, and says nothing else.
fn greet(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> String {
    let (certificate, key) = authority.certify_with(change);
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            // The client ends the handshake, which is what is wanted of it.
            let _ = std::io::Read::read(&mut rustls::StreamOwned::new(connection, stream), &mut [0]);
        }
    });
    host
}

/// Holds what was made to what is kept.
fn compare(words: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/words.json");
    let made = format!("{words:#}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "tests/words.json is not what the host says; UPDATE_EXPECT=1 writes it anew");
}
