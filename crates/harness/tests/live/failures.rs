//! What a registry that fails, or lacks what it is asked for, comes to. "Could not tell" and "not signed" must not be taken for each other.

use image_trust_harness::loopback::{Fault, ImageKind, Registry, Scope, Signer, signature_tag};

use crate::docker_registry::DockerRegistry;
use crate::policy::{Expect, Row, by, check, host};

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
    // the image, the host's words, the reason
    let table = [
        ("app:2".to_owned(), "[OCI API error: manifest unknown]", "a tag that is not there"),
        (format!("app:1@{digest}"), "[OCI API error: manifest unknown]", "a digest that is not there"),
        ("other:1".to_owned(), "[OCI API error: manifest unknown]", "a repository that is not there"),
    ];
    let rows: Vec<Row<'_>> = table
        .iter()
        .map(|(image, said, why)| Row {
            image: format!("{}/{image}", registry.host()),
            rule: by("alice"),
            host_calls: 1,
            expect: Expect::Denied(403, "the registry does not have it", said),
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
        host_calls: 1,
        expect: Expect::Denied(503, "could not tell whether it is signed", "error sending request"),
        why: "nobody listens",
    };
    check(&[row], &gone, &alice(), &host(&[&gone]));
}

/// Which requests fail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failing {
    /// All for this image.
    All,
    /// Those for the image's own manifest.
    Image,
    /// Those for the manifest with its signatures.
    Signatures,
}
use Failing::{All, Image, Signatures};

const OTHER_WORDS: &str = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"there is no such thing"}]}"#;
const OTHER_LIMIT: &str =
    r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#;

#[test]
fn a_registry_that_fails_is_not_an_image_without_signatures() {
    const UNKNOWN: &str =
        "could not tell whether it is signed: the registry could not be reached, or its answer was of no use";
    const ABSENT: &str = "the registry does not have it";
    const LIMITED: &str = "could not tell whether it is signed: the registry limits the rate of requests";
    const REFUSED: &str = "could not tell whether it is signed: the registry refused the policy server's credentials";
    const UNSIGNED: &str = "not trusted: no signature could be found";
    const NONE: &str = "no signatures found for image";
    type Denial<'a> = Option<(u16, &'a str, &'a str)>;
    // what fails, how, what comes out (pinned if nothing is said: the code, our words, the host's), the reason
    #[rustfmt::skip]
    let table: &[(Failing, Fault, Denial<'_>, &str)] = &[
        (All, Fault::Unauthorized, Some((503, REFUSED, "Not authorized: url")), "401"),
        (All, Fault::NotFound, Some((403, ABSENT, "[OCI API error: manifest unknown]")), "404"),
        (All, Fault::TooManyRequests, Some((503, LIMITED, "[OCI API error: too many requests]")), "429"),
        (All, Fault::Forbidden, Some((503, REFUSED, "[OCI API error: requested access to the resource is denied]")), "403"),
        (All, Fault::ServerError, Some((503, UNKNOWN, "code: 500, message: told to fail")), "500"),
        // The host passes on a registry's words and drops its code, so words that are not known can't be told apart.
        (All, Fault::Says(404, OTHER_WORDS), Some((503, UNKNOWN, "[OCI API error: there is no such thing]")), "404 in other words"),
        (All, Fault::Says(404, "404 page not found"), Some((503, UNKNOWN, "code: 404, message: 404 page not found")), "404 of something that is no registry"),
        (All, Fault::Says(429, OTHER_LIMIT), Some((503, LIMITED, "[OCI API error: You have reached your pull rate limit.]")), "429 in other words"),
        (All, Fault::Says(503, ""), Some((503, UNKNOWN, "code: 503, message: ")), "a gateway in between"),
        // The host asks for an image's digest and not for its manifest: what the signature is for is what is pinned.
        (Image, Fault::CutBody, None, "HEAD has no body"),
        (Image, Fault::OtherBytes(Vec::new()), None, "nor other bytes"),
        (Signatures, Fault::NotFound, Some((403, UNSIGNED, NONE)), "no signatures"),
        (Signatures, Fault::WrongContentType, None, "the signature is good, whatever it is called"),
        // The host calls every image unsigned whose signatures it could not get. Denied it is, with a reason that may not be true.
        (Signatures, Fault::Unauthorized, Some((403, UNSIGNED, NONE)), "401"),
        (Signatures, Fault::Forbidden, Some((403, UNSIGNED, NONE)), "403"),
        (Signatures, Fault::TooManyRequests, Some((403, UNSIGNED, NONE)), "429"),
        (Signatures, Fault::ServerError, Some((403, UNSIGNED, NONE)), "500"),
        (Signatures, Fault::CutBody, Some((403, UNSIGNED, NONE)), "half a manifest"),
        (Signatures, Fault::OtherBytes(b"{}".to_vec()), Some((403, UNSIGNED, NONE)), "no manifest"),
    ];
    let registry = Registry::start().unwrap();
    // An image of its own for each: hosts remember digests and manifests by name.
    let digests: Vec<String> =
        (0..table.len()).map(|n| registry.push_image(&format!("r{n}"), "1", ImageKind::Oci, "x")).collect();
    let mut rows = Vec::new();
    for (n, ((failing, fault, denial, why), digest)) in table.iter().zip(&digests).enumerate() {
        let repository = format!("r{n}");
        let alice = Signer::named("alice");
        alice.sign(&registry, &repository, digest, &Default::default()).unwrap();
        let references = match failing {
            All => vec!["1".to_owned(), digest.clone(), signature_tag(digest)],
            Image => vec!["1".to_owned(), digest.clone()],
            Signatures => vec![signature_tag(digest)],
        };
        for reference in references {
            let repository = repository.clone();
            registry.fail(Scope::Manifest { repository, reference }, fault.clone());
        }
        let denied = |(code, words, said)| Expect::Denied(code, words, said);
        rows.push(Row {
            image: format!("{}/{repository}:1", registry.host()),
            rule: by("alice"),
            host_calls: 1,
            expect: denial.map_or(Expect::Pinned(digest), denied),
            why,
        });
    }
    check(&rows, &registry.host(), &alice(), &host(&[&registry.host()]));
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
            host_calls: 1,
            expect: Expect::Denied(503, "the registry refused the policy server's credentials", "Not authorized: url"),
            why,
        };
        check(&[row], &registry.host(), &alice(), &host(&[&registry.host()]));
    }
}
