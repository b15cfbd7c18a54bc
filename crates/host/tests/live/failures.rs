//! What a registry that fails, or lacks what it is asked for, comes to. "Could not tell" and "not signed" must not be taken for each other.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use image_trust_host::{Deadline, Evaluation};
use image_trust_testbed::loopback::{Fault, ImageKind, Registry, Scope, Signer, signature_tag};
use serde_json::json;

use crate::docker_registry::DockerRegistry;
use crate::policy::{
    Expect, GUEST, LOOK, LOOK_AROUND, LOOK_ON, Row, by, check, evaluate, evaluate_within, host, pins, pod, settings,
    wrong,
};
use crate::told::{INTERRUPTED, ended_with, flaw, words};

fn alice() -> [(&'static str, String); 1] {
    [("alice", Signer::named("alice").public_pem())]
}

#[test]
fn what_a_real_registry_lacks_is_not_there() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    registry.push("app", "1", ImageKind::Oci, "x");
    let digest = format!("sha256:{}", "0".repeat(64));
    const UNKNOWN: &str = "[OCI API error: manifest unknown]";
    // the image, the host calls, the reason
    let table = [
        ("app:2".to_owned(), "manifest_digest", "a tag that is not there"),
        (
            format!("app:1@{digest}"),
            "oci_manifest evidence manifest_digest oci_manifest evidence oci_manifest",
            "a digest that is not there",
        ),
        ("other:1".to_owned(), "manifest_digest", "a repository that is not there"),
    ];
    let rows: Vec<Row<'_>> = table
        .iter()
        .map(|(image, calls, why)| Row {
            image: format!("{}/{image}", registry.host()),
            rule: by("alice"),
            calls,
            expect: Expect::Denied(403, ABSENT, UNKNOWN),
            why,
        })
        .collect();
    check(&rows, registry.host(), &alice(), &host(&[registry.host()]));
}

#[test]
fn a_registry_that_is_gone_tells_nothing() {
    let Some(registry) = DockerRegistry::start() else {
        return;
    };
    registry.push("app", "1", ImageKind::Oci, "x");
    let gone = registry.host().to_owned();
    drop(registry);
    let row = Row {
        image: format!("{gone}/app:1"),
        rule: by("alice"),
        calls: "manifest_digest",
        expect: Expect::Denied(503, UNREACHABLE, "error sending request"),
        why: "nobody listens",
    };
    check(&[row], &gone, &alice(), &host(&[&gone]));
}

/// The requests that fail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failing {
    /// The requests for the manifest of the image.
    Image,
    /// The requests for the manifest of signatures.
    Signatures,
    /// The requests for the evidence manifest of an image that nobody signed.
    Evidence,
}
use Failing::{Evidence, Image, Signatures};

const OTHER_WORDS: &str = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"there is no such thing"}]}"#;
const OTHER_LIMIT: &str =
    r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#;
/// A manifest, but not of signatures; and something that is no JSON.
const OTHER_MANIFEST: &[u8] = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
const NONSENSE: &[u8] = b"<html>it works!</html>";

/// The outcomes for images in registries that fail.
const UNREACHABLE: &str = "evidence-unavailable: connection-refused; undecided alice";
const FAILED: &str = "evidence-unavailable: server-error; undecided alice";
const UNKNOWN: &str = "evidence-unavailable: unknown-error; undecided alice; tells image-trust explain";
const UNREADABLE: &str = "evidence-unavailable: unusable-answer; undecided alice; tells image-trust explain";
const CUT_OFF: &str = "evidence-unavailable: unreachable; undecided alice";
const REFUSED: &str = "evidence-unavailable: unauthorized; undecided alice; tells imagePullSecret";
const LIMITED: &str = "evidence-unavailable: rate-limited; undecided alice; tells imagePullSecret";
const ABSENT: &str = "image-not-found";
const UNSIGNED: &str = "not-signed: unsigned; missing alice; tells cosign sign --key";
const USELESS: &str = "not-signed: unsigned; missing alice; tells sha256-….evidence";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn evidence_tag(digest: &str) -> String {
    format!("{}.evidence", digest.replace(':', "-"))
}

fn undigested(fault: Fault) -> Fault {
    Fault::Undigested(Box::new(fault))
}

#[test]
fn a_registry_that_fails_is_not_an_image_without_signatures() {
    const DIGEST: &str = "manifest_digest";
    let denied = Expect::Denied;
    // where it fails, how, the host calls, what comes out, the reason
    #[rustfmt::skip]
    let table: &[(Failing, Fault, &str, Expect<'_>, &str)] = &[
        (Image, Fault::Unauthorized, DIGEST, denied(503, REFUSED, "Not authorized: url"), "401"),
        (Image, Fault::Forbidden, DIGEST, denied(503, REFUSED, "[OCI API error: requested access to the resource is denied]"), "403"),
        (Image, Fault::NotFound, DIGEST, denied(403, ABSENT, "[OCI API error: manifest unknown]"), "404"),
        (Image, Fault::TooManyRequests, DIGEST, denied(503, LIMITED, "[OCI API error: too many requests]"), "429"),
        (Image, Fault::ServerError, DIGEST, denied(503, FAILED, "code: 500, message: told to fail"), "500"),
        (Image, Fault::Says(404, OTHER_WORDS), DIGEST, denied(403, ABSENT, "[OCI API error: there is no such thing]"), "404 in other words"),
        (Image, Fault::Says(404, "404 page not found"), DIGEST, denied(503, UNKNOWN, "code: 404, message: 404 page not found"), "404 of something that is no registry"),
        (Image, Fault::Says(429, OTHER_LIMIT), DIGEST, denied(503, LIMITED, "[OCI API error: You have reached your pull rate limit.]"), "429 in other words"),
        (Image, Fault::Says(503, ""), DIGEST, denied(503, FAILED, "code: 503, message: "), "a gateway in between"),
        (Image, undigested(Fault::CutBody), DIGEST, denied(503, UNREADABLE, "end of file before message length reached"), "half a manifest"),
        (Image, undigested(Fault::OtherBytes(NONSENSE.into())), LOOK_AROUND, denied(403, UNSIGNED, "[OCI API error: manifest unknown]"), "no manifest: its digest has no signatures"),
        (Image, undigested(Fault::OtherBytes(OTHER_MANIFEST.into())), LOOK_AROUND, denied(403, UNSIGNED, "[OCI API error: manifest unknown]"), "another image than was signed"),
        // The image's own manifest is never read where the registry says what its digest is: what the signature is for is what is pinned.
        (Image, Fault::CutBody, LOOK, Expect::Pinned("", GUEST), "HEAD has no body"),
        (Image, Fault::OtherBytes(NONSENSE.into()), LOOK, Expect::Pinned("", GUEST), "nor other bytes"),
        (Image, Fault::WrongContentType, LOOK, Expect::Pinned("", GUEST), "the digest is good, whatever it is called"),

        (Signatures, Fault::Unauthorized, LOOK, denied(503, REFUSED, "Not authorized: url"), "401"),
        (Signatures, Fault::Forbidden, LOOK, denied(503, REFUSED, "[OCI API error: requested access to the resource is denied]"), "403"),
        (Signatures, Fault::NotFound, LOOK_AROUND, denied(403, UNSIGNED, "[OCI API error: manifest unknown]"), "404: no signatures"),
        (Signatures, Fault::TooManyRequests, LOOK, denied(503, LIMITED, "[OCI API error: too many requests]"), "429"),
        (Signatures, Fault::ServerError, LOOK, denied(503, FAILED, "code: 500, message: told to fail"), "500"),
        (Signatures, Fault::Says(404, OTHER_WORDS), LOOK_AROUND, denied(403, UNSIGNED, "[OCI API error: there is no such thing]"), "404 in other words"),
        (Signatures, Fault::Says(404, "404 page not found"), LOOK, denied(503, UNKNOWN, "code: 404, message: 404 page not found"), "404 of something that is no registry"),
        (Signatures, Fault::Says(429, OTHER_LIMIT), LOOK, denied(503, LIMITED, "[OCI API error: You have reached your pull rate limit.]"), "429 in other words"),
        (Signatures, Fault::Says(503, ""), LOOK, denied(503, FAILED, "code: 503, message: "), "a gateway in between"),
        (Signatures, Fault::CutBody, LOOK, denied(503, UNREADABLE, "end of file before message length reached"), "half a manifest"),
        (Signatures, Fault::OtherBytes(OTHER_MANIFEST.into()), LOOK, denied(503, UNREADABLE, "Digest error: Invalid digest"), "other bytes than those of the digest that is claimed"),
        (Signatures, undigested(Fault::OtherBytes(NONSENSE.into())), LOOK, denied(503, UNREADABLE, "expected value at line 1 column 1"), "no JSON"),
        (Signatures, undigested(Fault::OtherBytes(b"{}".into())), LOOK, denied(503, UNREADABLE, "missing field `schemaVersion`"), "no manifest"),
        (Signatures, Fault::WrongContentType, LOOK, Expect::Pinned("", GUEST), "the signature is good, whatever it is called"),

        (Evidence, Fault::Unauthorized, LOOK_ON, denied(503, REFUSED, "Not authorized: url"), "401"),
        (Evidence, Fault::Forbidden, LOOK_ON, denied(503, REFUSED, "[OCI API error: requested access to the resource is denied]"), "403"),
        (Evidence, Fault::NotFound, LOOK_AROUND, denied(403, UNSIGNED, "[OCI API error: manifest unknown]"), "404: no evidence"),
        (Evidence, Fault::TooManyRequests, LOOK_ON, denied(503, LIMITED, "[OCI API error: too many requests]"), "429"),
        (Evidence, Fault::ServerError, LOOK_ON, denied(503, FAILED, "code: 500, message: told to fail"), "500"),
        (Evidence, Fault::Says(404, OTHER_WORDS), LOOK_AROUND, denied(403, UNSIGNED, "[OCI API error: there is no such thing]"), "404 in other words"),
        (Evidence, Fault::Says(404, "404 page not found"), LOOK_ON, denied(503, UNKNOWN, "code: 404, message: 404 page not found"), "404 of something that is no registry"),
        (Evidence, Fault::Says(503, ""), LOOK_ON, denied(503, FAILED, "code: 503, message: "), "a gateway in between"),
        (Evidence, undigested(Fault::OtherBytes(NONSENSE.into())), LOOK_ON, denied(503, UNREADABLE, "expected value at line 1 column 1"), "no JSON"),
        (Evidence, Fault::CutBody, LOOK_ON, denied(503, UNREADABLE, "end of file before message length reached"), "half a manifest"),
        (Evidence, Fault::Honest, LOOK_AROUND, denied(403, USELESS, "[OCI API error: manifest unknown]"), "a manifest, but of no evidence"),
    ];
    let registry = Registry::start().unwrap();
    let digests: Vec<String> =
        table.iter().enumerate().map(|(n, (failing, fault, ..))| broken(&registry, n, *failing, fault)).collect();
    let rows: Vec<Row<'_>> = table
        .iter()
        .zip(&digests)
        .enumerate()
        .map(|(n, ((_, _, calls, expect, why), digest))| Row {
            image: format!("{}/r{n}:1", registry.host()),
            rule: by("alice"),
            calls,
            expect: match *expect {
                Expect::Pinned(_, evidence) => Expect::Pinned(digest, evidence),
                denied => denied,
            },
            why,
        })
        .collect();
    check(&rows, &registry.host(), &alice(), &host(&[&registry.host()]));
}

/// An image in a repository of its own (hosts remember digests and manifests by name) that fails in this way. Alice signed it, unless its evidence is what
/// fails: then a manifest lies there that is no evidence. Returns its digest.
fn broken(registry: &Registry, n: usize, failing: Failing, fault: &Fault) -> String {
    let repository = format!("r{n}");
    let digest = registry.push_image(&repository, "1", ImageKind::Oci, "x");
    if failing == Evidence {
        registry.put_manifest(&repository, Some(&evidence_tag(&digest)), MANIFEST, OTHER_MANIFEST);
    } else {
        Signer::named("alice").sign(registry, &repository, &digest, &Default::default()).unwrap();
    }
    let references = match failing {
        Image => vec!["1".to_owned(), digest.clone()],
        Signatures => vec![signature_tag(&digest)],
        Evidence => vec![evidence_tag(&digest)],
    };
    for reference in references {
        registry.fail(Scope::Manifest { repository: repository.clone(), reference }, fault.clone());
    }
    digest
}

/// In detection mode a warning is all that anybody sees.
#[test]
fn in_detection_mode_failures_are_warnings() {
    // the fault, what is recorded of it
    let table = [
        (Fault::Unauthorized, "evidence-unavailable: unauthorized; undecided alice"),
        (Fault::TooManyRequests, "evidence-unavailable: rate-limited; undecided alice"),
        (Fault::ServerError, "evidence-unavailable: server-error; undecided alice"),
    ];
    let registry = Registry::start().unwrap();
    let mut settings = settings(&registry.host(), &alice(), &by("alice"));
    settings["features"]["detectionMode"] = json!(true);
    let mut told = BTreeSet::new();
    for (n, (fault, recorded)) in table.into_iter().enumerate() {
        for (m, failing) in [Image, Signatures].into_iter().enumerate() {
            let n = 2 * n + m;
            broken(&registry, n, failing, &fault);
            let image = format!("{}/r{n}:1", registry.host());
            let came = evaluate(&pod(&image), &settings, &host(&[&registry.host()]));
            assert_eq!(words(&came), recorded, "{failing:?}, {fault:?}");
            let warnings = came.response.warnings.clone().unwrap_or_default();
            let begins = format!("not denied: detection mode: evidence-unavailable: {image}: ");
            let [warning] = warnings.as_slice() else { panic!("{failing:?}, {fault:?}: {warnings:?}") };
            assert!(came.response.allowed && warning.starts_with(&begins), "{failing:?}, {fault:?}: {warning}");
            assert_eq!((pins(&came), flaw(&came)), (Vec::new(), None), "{failing:?}, {fault:?}");
            told.insert(warning.replace(&image, ""));
        }
    }
    // Two ways to fail for the same reason read the same, and each reason reads otherwise.
    assert_eq!(told.len(), 3, "{told:?}");
}

/// Answers that come, inside of the platform's deadline, but later than the policy's own time budget: it says so in its own words.
#[test]
fn what_comes_late_is_not_decided() {
    let registry = Registry::start().unwrap();
    let late = Fault::Late(Duration::from_millis(200));
    for (n, failing) in [Image, Signatures].into_iter().enumerate() {
        broken(&registry, n, failing, &late);
        let image = format!("{}/r{n}:1", registry.host());
        let mut settings = settings(&registry.host(), &alice(), &by("alice"));
        settings["features"]["timeBudgetMs"] = json!(100);
        let came = evaluate_within(Deadline::Ticks(60), &pod(&image), &settings, &host(&[&registry.host()]));
        let late = Expect::Denied(504, "out-of-time; notAsked alice; tells 100 ms, timeoutEvalSeconds", "");
        let wrong = wrong(&came, &image, &late, &alice());
        assert_eq!(wrong, None, "{failing:?}: {:?}", came.response.status);
    }
}

/// An evaluation under way in a thread of its own, and what it comes to.
struct Hanging {
    registry: Registry,
    /// Requests for this path are never answered.
    path: String,
    came: Receiver<Evaluation>,
}

impl Hanging {
    fn start(failing: Failing, deadline: Deadline) -> Self {
        let registry = Registry::start().unwrap();
        let digest = broken(&registry, 0, failing, &Fault::NeverAnswers);
        let reference = if failing == Image { "1".to_owned() } else { signature_tag(&digest) };
        let image = format!("{}/r0:1", registry.host());
        let (request, settings) = (pod(&image), settings(&registry.host(), &alice(), &by("alice")));
        let host = host(&[&registry.host()]);
        let (sender, came) = channel();
        // Nobody waits any more where the test has failed already.
        std::thread::spawn(move || sender.send(evaluate_within(deadline, &request, &settings, &host)).ok());
        Self { registry, path: format!("/v2/r0/manifests/{reference}"), came }
    }

    /// Waits until the registry was asked what it will not answer. Nothing may have come out by then.
    fn wait(&self) {
        for _ in 0..1_200 {
            if self.registry.requests().iter().any(|request| request.path == self.path) {
                return;
            }
            let came = self.came.recv_timeout(Duration::from_millis(25));
            assert!(matches!(came, Err(RecvTimeoutError::Timeout)), "{}: not while it hangs: {came:?}", self.path);
        }
        panic!("{} was not asked in half a minute", self.path);
    }
}

/// Nobody can interrupt a host call that hangs: neither the policy's time budget nor the platform's deadline. Once it ends, the deadline's verdict is the
/// platform's; where there is none, or time is left, it is ours.
#[test]
fn a_registry_that_never_answers_is_ended_by_the_platform() {
    // where it hangs, the deadline, the code and the words of the verdict that comes in the end, the reason
    let table = [
        (Image, Deadline::default(), (500, INTERRUPTED), "the deadline struck in the image's digest"),
        (Signatures, Deadline::default(), (500, INTERRUPTED), "the deadline struck in its signatures"),
        (Image, Deadline::Off, (503, CUT_OFF), "kwctl has no deadline"),
        (Signatures, Deadline::Off, (503, CUT_OFF), "nor for the signatures"),
    ];
    let hanging: Vec<Hanging> =
        table.iter().map(|(failing, deadline, ..)| Hanging::start(*failing, *deadline)).collect();
    for one in &hanging {
        one.wait();
    }
    // All of them hang by now, so the two seconds of the deadline, which began before, are over when the first wait is.
    for (one, patience) in hanging.iter().zip([3_000, 0, 0, 0]) {
        let came = one.came.recv_timeout(Duration::from_millis(patience));
        assert!(matches!(came, Err(RecvTimeoutError::Timeout)), "{}: not while it hangs: {came:?}", one.path);
    }
    for (Hanging { registry, came, .. }, (failing, deadline, (code, words), why)) in hanging.into_iter().zip(table) {
        drop(registry);
        let came = came.recv_timeout(Duration::from_secs(60)).expect("an end, now that the call has one");
        let wrong = ended_with(&came, code, words, &alice());
        assert_eq!(wrong, None, "{failing:?}, {deadline:?}: {why}: {:?}", came.response.status);
    }
}

/// Registries that hand out tokens elsewhere, as the big ones do. Whatever goes wrong there, the host asks on without a token and says that it was refused.
#[test]
fn without_a_token_nothing_is_told() {
    const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#;
    // what the token server does, the reason
    let table = [
        (Some(Fault::Says(403, DENIED)), "no token for this repository"),
        (Some(Fault::Says(200, r#"{"token":"t"}"#)), "a token that does not do"),
        (Some(Fault::Says(200, "hello")), "no token server at all"),
        (Some(Fault::ServerError), "a token server that fails"),
        (None, "nobody listens there"),
    ];
    for (fault, why) in table {
        let (registry, tokens) = (Registry::start().unwrap(), Registry::start().unwrap());
        registry.push_image("app", "1", ImageKind::Oci, "x");
        registry.fail(Scope::Everywhere, Fault::WantsToken(format!("http://{}/token", tokens.host())));
        match fault {
            Some(fault) => tokens.fail(Scope::Everywhere, fault),
            None => drop(tokens),
        }
        let row = Row {
            image: format!("{}/app:1", registry.host()),
            rule: by("alice"),
            calls: "manifest_digest",
            expect: Expect::Denied(503, REFUSED, "Not authorized: url"),
            why,
        };
        check(&[row], &registry.host(), &alice(), &host(&[&registry.host()]));
    }
}
