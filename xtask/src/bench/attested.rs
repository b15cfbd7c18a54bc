//! What do attestations cost? Ten images, each of them signed and with three attestations.

use std::sync::Arc;

use anyhow::Result;
use image_trust_host::{Gate, HostCapabilities};
use image_trust_testbed::{
    loopback::digest_of,
    mint::{
        Bundle, ISSUED, Instance, Key,
        bundle::{Content, Log, Signer, statement},
        evidence::{self, Item},
    },
};
use serde_json::{Value, json};

use super::{
    cases::{request, tagged},
    in_process::Case,
    shelf::Shelf,
};

const IMAGES: usize = 10;

/// Who signs the images and their attestations.
#[derive(Clone, Copy)]
enum By {
    Key,
    Identity,
}

const MEASURED: [(&str, By); 2] = [
    ("(m) 10 images, each a bundle and 3 attestations by a key", By::Key),
    ("(m) 10 images, each a bundle and 3 attestations, keyless (Rekor 2, timestamp)", By::Identity),
];

/// As much evidence by strangers as fits into a manifest.
const FULL: &str = "(m) 1 image, 2.8 MiB of attestations by strangers beside its own, by a key";
const STRANGERS: usize = 11;

pub(super) fn cases() -> Result<Vec<Case<'static>>> {
    let ours = Instance::new("ours");
    let mut cases: Vec<Case<'static>> =
        MEASURED.into_iter().map(|(name, by)| case(name, by, IMAGES, &ours, &[])).collect::<Result<_>>()?;
    let digest = digest_of(name_of(1).as_bytes());
    let strangers: Vec<Item> = (0..STRANGERS).map(|number| stranger(&digest, number, &ours)).collect();
    cases.push(case(FULL, By::Key, 1, &ours, &strangers)?);
    Ok(cases)
}

fn name_of(number: usize) -> String {
    format!("ghcr.io/acme/app-{number}")
}

/// A large attestation of the type that is required, by somebody else.
fn stranger(digest: &str, number: usize, ours: &Instance) -> Item {
    let mut statement = statement(digest, "https://spdx.dev/Document");
    statement["predicate"] = json!({"packages": [{"name": number.to_string(), "comment": "x".repeat(190_000)}]});
    let content = Content::Statement(statement.to_string().into_bytes());
    let signer = Signer::Key(Key::p256("mallory"));
    let bundle = Bundle { content, log: Log::None, timestamps: Vec::new(), ..Bundle::signing(signer, digest) };
    Item::bundle(&bundle.json(ours))
}

/// Images with their evidence, and `more` evidence.
fn case(name: &str, by: By, images: usize, ours: &Instance, more: &[Item]) -> Result<Case<'static>> {
    let repositories: Vec<String> = (1..=images).map(name_of).collect();
    let mut shelf = Shelf::default();
    for repository in &repositories {
        let digest = digest_of(repository.as_bytes());
        shelf.tag(repository, "v1", &digest);
        let items = [more.to_vec(), evidence_of(&digest, by, ours)].concat();
        shelf.put_evidence(repository, &digest, &evidence::manifest(&items));
    }
    let images: Vec<String> = repositories.iter().map(|repository| tagged(repository)).collect();
    let host: Arc<dyn HostCapabilities> = Arc::new(Gate::new(shelf));
    let host = move |_: &_| Arc::clone(&host);
    Ok(Case { name: name.to_owned(), request: request(&images)?, settings: settings(by, ours), host: Box::new(host) })
}

/// Provenance, the result of a scan, and an SBOM with a thousand packages.
fn predicates() -> [(&'static str, Value); 3] {
    let package = |number: usize| json!({"name": format!("package-{number}"), "versionInfo": "1.2.3"});
    [
        ("https://slsa.dev/provenance/v1", json!({"buildDefinition": {"buildType": "https://acme.example/build"}})),
        (
            "https://cosign.sigstore.dev/attestation/vuln/v1",
            json!({
                "metadata": {"scanFinishedOn": "2026-01-01T12:00:00Z"},
                "scanner": {"result": {"Results": [{"Vulnerabilities": vec![json!({"Severity": "LOW"}); 100]}]}},
            }),
        ),
        ("https://spdx.dev/Document", json!({"packages": (0..1_000).map(package).collect::<Vec<_>>()})),
    ]
}

fn evidence_of(digest: &str, by: By, ours: &Instance) -> Vec<Item> {
    let signer = || match by {
        By::Key => Signer::Key(Key::p256("alice")),
        By::Identity => Signer::Certified(Box::default()),
    };
    let log = |bundle: Bundle| match by {
        By::Key => Bundle { log: Log::None, timestamps: Vec::new(), ..bundle },
        By::Identity => Bundle { log: Log::Rekor2, timestamps: vec![ISSUED + 60], ..bundle },
    };
    let attestation = |(predicate_type, predicate): (&str, Value)| {
        let mut statement = statement(digest, predicate_type);
        statement["predicate"] = predicate;
        let content = Content::Statement(statement.to_string().into_bytes());
        log(Bundle { content, ..Bundle::signing(signer(), digest) })
    };
    let bundles = std::iter::once(log(Bundle::signing(signer(), digest))).chain(predicates().map(attestation));
    bundles.map(|bundle| Item::bundle(&bundle.json(ours))).collect()
}

fn settings(by: By, ours: &Instance) -> Value {
    let root = match by {
        By::Key => json!({"name": "default", "key": Key::p256("alice").public_pem()}),
        By::Identity => json!({
            "name": "default",
            "keyless": {"issuer": "https://issuer.example.com", "subject": "alice@example.com"},
        }),
    };
    let validator = json!({
        "name": "default", "type": "cosign", "trustedRoot": ours.whole_trusted_root(), "trustRoots": [root],
        "evidence": {"first": true},
    });
    let attestations = json!([
        {"predicateType": "slsaprovenance1", "where": [{"path": "buildDefinition.buildType", "equals": "https://acme.example/build"}]},
        {"predicateType": "vuln", "where": [
            {"path": "scanner.result.Results[*].Vulnerabilities[*].Severity", "noneOf": ["CRITICAL"]},
            {"path": "metadata.scanFinishedOn", "newerThan": "36500d"},
        ]},
        {"predicateType": "spdx", "where": [{"path": "packages[*].name", "noneOf": ["log4j-core"]}]},
    ]);
    json!({"validators": [validator], "policy": [{"pattern": "ghcr.io/acme/*", "with": {"attestations": attestations}}]})
}
