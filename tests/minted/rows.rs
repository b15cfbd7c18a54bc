//! The cases, grouped by what they are about.

use serde_json::{Value, json};

use super::{Answer, REPOSITORY, Row, TAG, digest, mint, signatures};
use mint::{
    Authority, CODE_SIGNING, Ca, Entry, Extension, ISSUED, Instance, Issuer, Key, Kind, Layer, Leaf, Name, Sct, Scts,
};

const ISSUER: &str = "https://issuer.example.com";
const ADMITTED: &str = "admitted";
const DENIED: &str = "denied 403";
/// Within the life of the authorities, and long after this was written.
const FAR: u64 = ISSUED + 3000 * 86_400;

pub(super) fn all() -> Vec<Row> {
    [
        keyless(),
        workflows(),
        own_authorities(),
        signers(),
        payloads(),
        halves(),
        leaving(),
        logged_keys(),
        instances(),
        indexes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn ours() -> Instance {
    Instance::new("ours")
}

fn alice() -> Leaf {
    Leaf::default()
}

fn bob() -> Leaf {
    Leaf { name: "bob", names: vec![Name::Email("bob@example.com")], ..alice() }
}

fn payload() -> Vec<u8> {
    mint::payload(REPOSITORY, &digest('1'))
}

fn signed(leaf: &Leaf) -> Layer {
    ours().sign(leaf, &payload())
}

/// A validator of our instance with these trust roots.
fn trusting(roots: Value) -> Value {
    json!({"trustedRoot": ours().trusted_root(), "trustRoots": roots})
}

/// A validator of our instance with one trust root.
fn only(root: Value) -> Value {
    let mut root = root;
    root["name"] = "default".into();
    trusting(json!([root]))
}

fn named(subject: &str) -> Value {
    json!({"keyless": {"issuer": ISSUER, "subject": subject}})
}

fn root(name: &str, signs: Value) -> Value {
    let mut root = signs;
    root["name"] = name.into();
    root
}

fn of(threshold: usize) -> Value {
    json!({"trustRoot": "*", "threshold": threshold})
}

fn keyless() -> Vec<Row> {
    let uri = |text| Leaf { names: vec![Name::Uri(text)], ..alice() };
    let matching = |regex: &str| only(json!({"keyless": {"issuer": ISSUER, "subjectRegex": regex}}));
    let beginning = |prefix: &str| only(json!({"keyless": {"issuer": ISSUER, "subjectPrefix": prefix}}));
    let row = Row::new;
    vec![
        row(
            "keyless-signature-is-proven-and-pinned",
            ADMITTED,
            "certificate, log entry, CT timestamp, signature and payload are proven together, and by the guest alone",
            only(named("alice@example.com")),
            &[signed(&alice())],
        ),
        {
            let wide = Instance::of_kind(Kind::P384, "wide");
            let settings = json!({"trustedRoot": wide.trusted_root(), "trustRoots": [root("default", named("alice@example.com"))]});
            row(
                "keyless-signature-by-an-instance-on-p384-is-proven",
                ADMITTED,
                "the public-good instance has such CAs",
                settings,
                &[wide.sign(&alice(), &payload())],
            )
        },
        row(
            "keyless-signature-of-somebody-else-is-denied",
            DENIED,
            "anybody can have a certificate; the denial says whose it is",
            only(named("alice@example.com")),
            &[signed(&bob())],
        ),
        row(
            "keyless-signature-by-another-issuer-is-denied",
            DENIED,
            "the right name by the attacker's own identity provider (B37)",
            only(named("alice@example.com")),
            &[signed(&Leaf {
                issuer_v1: Some("https://evil.example"),
                issuer_v2: Some("https://evil.example"),
                ..alice()
            })],
        ),
        row(
            "keyless-regex-is-met-by-the-whole-subject",
            ADMITTED,
            "an anchored expression, and a name that it describes from end to end",
            matching(r"^https://github\.com/acme/[a-z]+$"),
            &[signed(&uri("https://github.com/acme/app"))],
        ),
        row(
            "keyless-regex-that-is-only-contained-is-denied",
            DENIED,
            "alternatives can match a part first: the expression still has to match all of the name (B35)",
            matching(r"^(?:https://github\.com/acme|https://github\.com/acme/app)$"),
            &[signed(&uri("https://github.com/acme/app-evil"))],
        ),
        row(
            "keyless-prefix-is-met-after-a-slash",
            ADMITTED,
            "whatever begins with the prefix is of whoever owns it",
            beginning("https://github.com/acme/"),
            &[signed(&uri("https://github.com/acme/app"))],
        ),
        row(
            "keyless-prefix-of-a-longer-name-is-denied",
            DENIED,
            "acme-evil is not acme (B35)",
            beginning("https://github.com/acme/"),
            &[signed(&uri("https://github.com/acme-evil/app"))],
        ),
        row(
            "keyless-address-in-a-uri-is-denied",
            DENIED,
            "an address and a URI of the same text are two subjects (B38)",
            only(named("alice@example.com")),
            &[signed(&uri("alice@example.com"))],
        ),
        row(
            "keyless-issuer-can-be-a-regex",
            ADMITTED,
            "issuers are described as subjects are",
            only(
                json!({"keyless": {"issuerRegex": r"^https://[a-z]+\.example\.com$", "subject": "alice@example.com"}}),
            ),
            &[signed(&alice())],
        ),
        Row {
            answers: vec![
                Answer::Digest(TAG, digest('1')),
                Answer::Down(format!("{REPOSITORY}:{}.sig", digest('1').replace(':', "-"))),
            ],
            ..row(
                "keyless-signature-that-cannot-be-fetched-is-not-decided",
                "denied 503",
                "where the guest can't look nobody else is asked: could not tell is not the same as not trusted",
                only(named("alice@example.com")),
                &[],
            )
        },
        row(
            "plain-signature-is-nothing-to-a-keyless-root",
            DENIED,
            "a key proves no identity",
            only(named("alice@example.com")),
            &[Layer::by_key(&Key::p256("alice"), &payload())],
        ),
    ]
}

fn workflows() -> Vec<Row> {
    let github = |rest: Value| only(json!({"github": rest}));
    let app = || github(json!({"owner": "acme", "repo": "app", "workflow": "release.yml", "ref": "refs/tags/v*"}));
    let of = |name, repository: &'static str, uri| {
        let (repository_v1, repository_v2) = (Some(repository), Some(uri));
        Leaf { names: vec![Name::Uri(name)], repository_v1, repository_v2, ..Leaf::of_workflow() }
    };
    let at = |name| Leaf { names: vec![Name::Uri(name)], ..Leaf::of_workflow() };
    let row = |case, verdict, why, validator, leaf: Leaf| Row::new(case, verdict, why, validator, &[signed(&leaf)]);
    vec![
        row(
            "github-workflow-is-proven",
            ADMITTED,
            "owner, repository, file and reference are those of the trust root",
            app(),
            Leaf::of_workflow(),
        ),
        row(
            "github-owner-alone-is-enough",
            ADMITTED,
            "any workflow of the account",
            github(json!({"owner": "acme"})),
            Leaf::of_workflow(),
        ),
        row(
            "github-workflow-of-another-owner-is-denied",
            DENIED,
            "an account whose name begins alike is another one",
            github(json!({"owner": "acme"})),
            of(
                "https://github.com/acme-evil/app/.github/workflows/release.yml@refs/tags/v1",
                "acme-evil/app",
                "https://github.com/acme-evil/app",
            ),
        ),
        row(
            "github-workflow-that-another-repository-calls-is-denied",
            DENIED,
            "whoever may call a workflow gets a certificate in its name, which says for whom it ran",
            app(),
            of(
                "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
                "mallory/app",
                "https://github.com/mallory/app",
            ),
        ),
        row(
            "github-workflow-with-two-repositories-is-denied",
            DENIED,
            "both ways in which a certificate names the repository have to be right",
            app(),
            of(
                "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
                "acme/app",
                "https://github.com/mallory/app",
            ),
        ),
        row(
            "github-workflow-without-a-repository-is-denied",
            DENIED,
            "a certificate that does not say for whom the workflow ran could be of anybody",
            app(),
            Leaf { repository_v1: None, repository_v2: None, ..Leaf::of_workflow() },
        ),
        row(
            "github-workflow-of-another-repository-is-denied",
            DENIED,
            "another repository of the same account",
            app(),
            of(
                "https://github.com/acme/docs/.github/workflows/release.yml@refs/tags/v1",
                "acme/docs",
                "https://github.com/acme/docs",
            ),
        ),
        row(
            "github-workflow-in-another-file-is-denied",
            DENIED,
            "whoever may add a file must not be able to sign",
            app(),
            at("https://github.com/acme/app/.github/workflows/test.yml@refs/tags/v1"),
        ),
        row(
            "github-workflow-at-another-reference-is-denied",
            DENIED,
            "a branch is no tag",
            app(),
            at("https://github.com/acme/app/.github/workflows/release.yml@refs/heads/v1"),
        ),
        row(
            "github-workflow-in-a-folder-is-denied",
            DENIED,
            "a name with one component more is not the name that was meant",
            github(json!({"owner": "acme", "workflow": "release.yml"})),
            at("https://github.com/acme/app/x/.github/workflows/release.yml@refs/tags/v1"),
        ),
        row(
            "github-workflow-by-another-issuer-is-denied",
            DENIED,
            "only GitHub says who runs on GitHub",
            app(),
            Leaf { issuer_v1: Some(ISSUER), issuer_v2: Some(ISSUER), ..Leaf::of_workflow() },
        ),
    ]
}

fn own_authorities() -> Vec<Row> {
    let lasting = || Leaf { not_after: FAR, scts: Scts::Missing, issuer_v1: None, issuer_v2: None, ..alice() };
    let own = |ca: String| only(json!({"certificate": {"ca": ca, "subject": "alice@example.com"}}));
    let plain = |leaf: &Leaf| Layer::by(&ours().issue(leaf), &payload());
    let in_log = json!({"verifyInTransparencyLog": true});
    // The purpose of the root is no other than to stand above the intermediate.
    let between = |change: fn(Ca) -> Ca| {
        let ca = change(Ca { name: "between".to_owned(), ..Ca::default() });
        Leaf { issuer: Issuer::Authority(ours().root.sub_ca(&ca)), ..lasting() }
    };
    let row = |case, verdict, why, validator, layer: Layer| Row::new(case, verdict, why, validator, &[layer]);
    let root = || ours().root.pem();
    let limits = Extension::critical("2.5.29.30", vec![0x30, 0]);
    let limited = Authority::root(&Ca { extensions: vec![limits], ..Instance::root_of("limited") }).pem();
    vec![
        row(
            "own-ca-signature-is-proven-while-its-certificate-is-valid",
            ADMITTED,
            "an organisation's own CA, without a log",
            own(ours().chain_pem()),
            plain(&lasting()),
        ),
        row(
            "own-ca-signature-is-not-proven-after-its-certificate-ended",
            DENIED,
            "without a log entry nothing says that it was made in time (B39b)",
            own(ours().chain_pem()),
            plain(&Leaf { not_after: ISSUED + 600, ..lasting() }),
        ),
        row(
            "own-ca-signature-is-not-proven-before-its-certificate-begins",
            DENIED,
            "a certificate of the future",
            own(ours().chain_pem()),
            plain(&Leaf { not_before: FAR - 600, ..lasting() }),
        ),
        row(
            "own-ca-signature-with-a-log-entry-is-proven-for-ever",
            ADMITTED,
            "the log says that it was made while the certificate was valid",
            own(ours().chain_pem()),
            ours().sign(&Leaf { not_after: ISSUED + 600, ..lasting() }, &payload()),
        )
        .with(in_log.clone()),
        row(
            "own-ca-signature-without-the-log-entry-that-is-asked-for-is-denied",
            DENIED,
            "a log entry that is asked for is not forgotten because the certificate is valid",
            own(ours().chain_pem()),
            plain(&lasting()),
        )
        .with(in_log),
        row(
            "own-ca-signature-for-somebody-else-is-denied",
            DENIED,
            "the CA has other customers",
            own(ours().chain_pem()),
            plain(&Leaf { names: bob().names, ..lasting() }),
        ),
        row(
            "own-ca-with-another-one-s-names-is-denied",
            DENIED,
            "a CA that calls itself and its keys as ours does has other keys",
            own(Instance::impostor("ours").chain_pem()),
            plain(&lasting()),
        ),
        row(
            "own-ca-with-fulcio-s-names-is-no-fulcio",
            DENIED,
            "whoever is trusted as an own CA elsewhere can't certify keyless identities",
            only(named("alice@example.com")),
            Instance::impostor("ours").sign(&alice(), &payload()),
        ),
        row(
            "own-ca-signature-needs-the-timestamp-that-is-asked-for",
            DENIED,
            "verifySCT can be asked of own CAs too",
            own(ours().chain_pem()),
            plain(&lasting()),
        )
        .with(json!({"verifySCT": true})),
        row(
            "own-ca-is-found-through-the-chain-of-the-signature",
            ADMITTED,
            "only the root is given, so what lies between comes from beside the signature, and is verified",
            own(root()),
            plain(&between(|ca| ca)),
        ),
        row(
            "own-ca-is-not-found-without-the-chain",
            DENIED,
            "nobody fetches what lies between",
            own(root()),
            Layer { chain: None, ..plain(&between(|ca| ca)) },
        ),
        row(
            "own-ca-in-between-must-be-a-ca",
            DENIED,
            "a leaf can't certify others",
            own(root()),
            plain(&between(|ca| Ca { is_ca: false, path_len: None, ..ca })),
        ),
        row(
            "own-ca-in-between-must-be-allowed-to-certify",
            DENIED,
            "its key usage says otherwise",
            own(root()),
            plain(&between(|ca| Ca { cert_sign: false, ..ca })),
        ),
        row(
            "own-ca-in-between-must-be-for-code",
            DENIED,
            "a CA for servers does not say who signs images",
            own(root()),
            plain(&between(|ca| Ca { purposes: vec!["1.3.6.1.5.5.7.3.1"], ..ca })),
        ),
        row(
            "own-ca-in-between-must-have-no-limits-that-nobody-checks",
            DENIED,
            "name constraints of what a signature brings",
            own(root()),
            plain(&between(|ca| Ca {
                extensions: vec![Extension::new("2.5.29.30", vec![0x30, 0])],
                purposes: vec![CODE_SIGNING],
                ..ca
            })),
        ),
        row(
            "own-ca-in-between-must-have-been-valid",
            DENIED,
            "all of the path has to be valid at the time",
            own(root()),
            plain(&between(|ca| Ca { not_after: ISSUED + 600, ..ca })),
        ),
        row(
            "settings-with-a-ca-with-name-constraints-are-refused",
            "settings refused",
            "limits that nobody would check",
            own(limited),
            plain(&lasting()),
        ),
        row(
            "settings-with-a-leaf-as-ca-are-refused",
            "settings refused",
            "who pastes a certificate of somebody who signs means something else",
            own(ours().issue(&lasting()).pem()),
            plain(&lasting()),
        ),
    ]
}

fn signers() -> Vec<Row> {
    let example =
        |name: &str| root(name, json!({"keyless": {"issuer": ISSUER, "subjectRegex": r"^[a-z]+@example\.com$"}}));
    let two = || trusting(json!([root("alice", named("alice@example.com")), example("anybody")]));
    let again = Leaf { name: "alice's other key", not_before: ISSUED + 30, ..alice() };
    let alices_key = root("key", json!({"key": ours().issue(&alice()).key.public_pem()}));
    let row = |case, verdict, why, layers: &[Layer]| Row::new(case, verdict, why, two(), layers).with(of(2));
    vec![
        row(
            "one-certificate-that-fits-two-trust-roots-is-one-signer",
            DENIED,
            "a threshold counts distinct signers, not names in the settings (B30)",
            &[signed(&alice())],
        ),
        row(
            "one-identity-with-two-certificates-is-one-signer",
            DENIED,
            "a second certificate is had in a minute (B30)",
            &[signed(&alice()), signed(&again)],
        ),
        row(
            "two-identities-are-two-signers",
            ADMITTED,
            "alice fits both trust roots, bob only the second: each counts for one",
            &[signed(&alice()), signed(&bob())],
        ),
        Row::new(
            "a-key-and-a-certificate-of-it-are-one-signer",
            DENIED,
            "whoever holds a key can have it certified (B30)",
            trusting(json!([root("alice", named("alice@example.com")), alices_key])),
            &[signed(&alice()), Layer::by_key(&ours().issue(&alice()).key, &payload())],
        )
        .with(of(2)),
        Row::new(
            "a-signer-counts-for-the-one-who-has-to-sign",
            ADMITTED,
            "whom a signature fits besides does not matter",
            two(),
            &[signed(&alice())],
        )
        .with(json!({"trustRoot": "*", "threshold": 1, "required": ["anybody"]})),
        Row::new(
            "settings-with-one-identity-under-two-names-are-refused",
            "settings refused",
            "one signer has one vote",
            trusting(json!([
                root("alice", named("alice@example.com")),
                root("also-alice", named("alice@example.com"))
            ])),
            &[],
        ),
    ]
}

fn payloads() -> Vec<Row> {
    let elsewhere = mint::payload("ghcr.io/acme/base", &digest('1'));
    let text = String::from_utf8(payload()).unwrap();
    let with_stage = text.replace(r#""optional":null"#, r#""optional":{"stage":"prod"}"#).into_bytes();
    let row = |case, verdict, why, payload: &[u8]| {
        Row::new(case, verdict, why, only(named("alice@example.com")), &[ours().sign(&alice(), payload)])
    };
    let stage = json!({"annotations": {"stage": "prod"}});
    vec![
        row(
            "keyless-signature-copied-from-another-repository-is-denied",
            DENIED,
            "with a certificate the signed name is the image's own, if nothing else is said",
            &elsewhere,
        ),
        row("keyless-signature-under-an-accepted-name-is-proven", ADMITTED, "identities name others", &elsewhere)
            .with(json!({"identities": ["self", "ghcr.io/acme/base"]})),
        row(
            "keyless-signature-with-the-annotations-that-are-asked-for",
            ADMITTED,
            "annotations are part of what is signed",
            &with_stage,
        )
        .with(stage.clone()),
        row(
            "keyless-signature-without-the-annotations-is-denied",
            DENIED,
            "and the denial says that it is only these",
            &payload(),
        )
        .with(stage),
        row(
            "keyless-signature-of-another-digest-is-denied",
            DENIED,
            "the right name, and another image",
            &mint::payload(REPOSITORY, &digest('2')),
        ),
    ]
}

/// Right by halves: each of these holds something that is genuine.
fn halves() -> Vec<Row> {
    let row = |case, why, layers: &[Layer]| Row::new(case, DENIED, why, only(named("alice@example.com")), layers);
    let other = || mint::payload(REPOSITORY, &digest('2'));
    let sct = |sct| Leaf { scts: Scts::List(vec![sct]), ..alice() };
    let older = Leaf { not_before: ISSUED - 300, not_after: ISSUED + 300, ..alice() };
    let [right, bobs] = [alice(), bob()].map(|leaf| signed(&leaf));
    vec![
        row(
            "right-certificate-on-another-payload-is-denied",
            "a genuine signature, moved to an image that it is not of",
            &[ours().sign(&alice(), &other()).on(&payload())],
        ),
        row(
            "log-entry-of-another-payload-is-denied",
            "a genuine entry of the same signer that is about another image (B39a)",
            &[Layer { bundle: ours().sign(&alice(), &other()).bundle, ..right.clone() }],
        ),
        row(
            "log-entry-of-another-certificate-is-denied",
            "a genuine entry of the same key under an older certificate (B39a)",
            &[Layer { bundle: signed(&older).bundle, ..right.clone() }],
        ),
        row(
            "log-entry-after-the-certificate-ended-is-denied",
            "a key that was kept for longer than its certificate",
            &[ours().sign_logged(&alice(), &Entry::at(ISSUED + 601), &payload())],
        ),
        row(
            "log-entry-of-another-log-is-denied",
            "whoever runs a log can put anything into it, at any time",
            &[ours().sign_logged(
                &alice(),
                &Entry { key: Some(Key::p256("another log")), ..Entry::default() },
                &payload(),
            )],
        ),
        row(
            "timestamp-of-another-ct-log-is-denied",
            "a certificate that no trusted log saw",
            &[signed(&sct(Sct { key: Some(Key::p256("another log")), ..Sct::default() }))],
        ),
        row(
            "timestamp-of-another-certificate-is-denied",
            "a genuine timestamp that is about something else",
            &[signed(&sct(Sct { over: Some(ours().issue(&bob()).logged), ..Sct::default() }))],
        ),
        row(
            "certificate-over-somebody-elses-signature-is-denied",
            "a genuine certificate and its entry beside a signature of another key",
            &[Layer { signature: bobs.signature.clone(), ..right.clone() }],
        ),
        row(
            "two-keyless-signatures-that-are-each-half-right-are-none",
            "nothing is taken from two signatures",
            &[
                Layer { bundle: bobs.bundle.clone(), ..right.clone() },
                Layer { certificate: right.certificate, bundle: right.bundle, ..bobs },
            ],
        ),
        row(
            "certificate-that-is-not-for-code-is-denied",
            "a certificate of the right CA for another purpose",
            &[signed(&Leaf { purposes: vec!["1.3.6.1.5.5.7.3.2"], ..alice() })],
        ),
        row(
            "certificate-with-two-names-is-denied",
            "a second name is nobody's business, and was nobody's choice",
            &[signed(&Leaf {
                names: vec![Name::Email("alice@example.com"), Name::Email("bob@example.com")],
                ..alice()
            })],
        ),
        row(
            "certificate-with-an-unknown-critical-extension-is-denied",
            "what has to be understood, and is not, is no yes",
            &[signed(&Leaf { extensions: vec![Extension::critical("1.2.3.4", vec![5, 0])], ..alice() })],
        ),
        row(
            "certificate-with-bytes-after-it-is-denied",
            "two readers could see two certificates",
            &[signed(&Leaf { trailing: vec![0], ..alice() })],
        ),
        row(
            "certificate-that-is-huge-is-denied",
            "longer than any certificate, and not read",
            &[Layer { certificate: Some("A".repeat(100_000)), ..signed(&alice()) }],
        ),
        row(
            "log-entry-with-a-member-twice-is-denied",
            "two readers could see two entries",
            &[{
                let bundle = signed(&alice()).bundle.unwrap();
                Layer { bundle: Some(bundle.replacen('{', r#"{"SignedEntryTimestamp":"","#, 1)), ..signed(&alice()) }
            }],
        ),
    ]
}

fn leaving() -> Vec<Row> {
    let past = "2026-01-01T00:00:00Z";
    let future = "9000-01-01T00:00:00Z";
    let until = |subject: &str, end: &str| {
        let mut root = named(subject);
        root["notAfter"] = end.into();
        root
    };
    let from = |subject: &str, start: &str| {
        let mut root = named(subject);
        root["notBefore"] = start.into();
        root
    };
    let old_and_new =
        || trusting(json!([root("old", until("alice@example.com", future)), root("new", named("bob@example.com"))]));
    vec![
        Row {
            answers: vec![],
            ..Row::new(
                "trust-root-that-left-does-not-count",
                DENIED,
                "after its last day its signatures are worth nothing, and nobody is asked",
                only(until("alice@example.com", past)),
                &[],
            )
        },
        Row {
            answers: vec![],
            image: format!("{TAG}@{}", digest('1')),
            ..Row::new(
                "trust-root-that-left-does-not-count-for-an-index-either",
                DENIED,
                "nor is anybody asked for an index behind the tag",
                only(until("alice@example.com", past)),
                &[],
            )
        },
        Row {
            answers: vec![],
            ..Row::new(
                "trust-root-to-come-does-not-count",
                DENIED,
                "before its first day neither",
                only(from("alice@example.com", future)),
                &[],
            )
        },
        Row::new(
            "trust-root-that-came-counts",
            ADMITTED,
            "from its first day on",
            only(from("alice@example.com", past)),
            &[signed(&alice())],
        ),
        Row::new(
            "trust-root-that-leaves-is-told",
            ADMITTED,
            "whoever still depends on it is warned with the date",
            old_and_new(),
            &[signed(&alice())],
        )
        .with(of(1)),
        Row::new(
            "trust-root-that-leaves-is-not-told-where-its-successor-signed",
            ADMITTED,
            "nothing depends on it any more",
            old_and_new(),
            &[signed(&alice()), signed(&bob())],
        )
        .with(of(1)),
        Row::new(
            "trust-root-that-left-is-told-beside-those-who-did-not-sign",
            DENIED,
            "the denial says that it does not count any more",
            trusting(json!([root("old", until("alice@example.com", past)), root("new", named("bob@example.com"))])),
            &[signed(&alice())],
        )
        .with(of(1)),
        Row::new(
            "settings-with-a-trust-root-that-never-counts-are-refused",
            "settings refused",
            "its last day is before its first",
            only(json!({"keyless": {"issuer": ISSUER, "subject": "a@b"}, "notBefore": future, "notAfter": past})),
            &[],
        ),
    ]
}

fn logged_keys() -> Vec<Row> {
    let key = Key::p256("alice");
    let validator = || only(json!({"key": Key::p256("alice").public_pem()}));
    let in_log = || json!({"verifyInTransparencyLog": true});
    let plain = || Layer::by_key(&key, &payload());
    let logged = || plain().logged(&ours(), &Entry::default());
    let bobs = || Layer::by_key(&Key::p256("bob"), &payload()).logged(&ours(), &Entry::default());
    let ed25519 = Key::new(Kind::Ed25519, "alice");
    vec![
        Row::new("key-without-more-is-proven", ADMITTED, "one signature by one key", validator(), &[plain()]),
        Row::new(
            "two-keys-are-two-signers",
            ADMITTED,
            "two signatures by two keys",
            trusting(json!([
                root("alice", json!({"key": Key::p256("alice").public_pem()})),
                root("bob", json!({"key": Key::p256("bob").public_pem()})),
            ])),
            &[Layer::by_key(&Key::p256("bob"), &payload()), plain()],
        )
        .with(of(2)),
        Row::new(
            "key-with-the-log-entry-that-is-asked-for-is-proven",
            ADMITTED,
            "the entry is of this key and this signature",
            validator(),
            &[logged()],
        )
        .with(in_log()),
        Row::new(
            "key-without-the-log-entry-that-is-asked-for-is-denied",
            DENIED,
            "the host can't require an entry, so it is not asked",
            validator(),
            &[plain()],
        )
        .with(in_log()),
        Row::new(
            "key-with-somebody-elses-log-entry-is-denied",
            DENIED,
            "a genuine entry of another signature",
            validator(),
            &[Layer { bundle: bobs().bundle, ..logged() }],
        )
        .with(in_log()),
        Row::new(
            "key-is-proven-by-whichever-of-its-signatures-is-logged",
            ADMITTED,
            "the newest is not, an older one is",
            validator(),
            &[logged(), Layer { bundle: None, ..plain() }],
        )
        .with(in_log()),
        Row::new(
            "key-with-a-log-entry-that-nobody-asks-for-is-proven",
            ADMITTED,
            "an entry of any log does not hurt where none is asked for",
            validator(),
            &[Layer::by_key(&key, &payload()).logged(&Instance::new("theirs"), &Entry::default())],
        ),
        Row::new(
            "key-of-another-kind-with-its-log-entry-is-proven",
            ADMITTED,
            "Ed25519, as cosign 2 signs",
            only(json!({"key": ed25519.public_pem()})),
            &[Layer::by_key(&ed25519, &payload()).logged(&ours(), &Entry::default())],
        )
        .with(in_log()),
    ]
}

fn instances() -> Vec<Row> {
    let connaisseur = |fulcio: String, rekor: String, ct: String| {
        json!({
            "host": {"fulcioCert": fulcio, "rekorPubkey": rekor, "ctLogPubkey": ct},
            "trustRoots": [root("default", named("alice@example.com"))],
        })
    };
    let (rekor, ct) = (ours().rekor.public_pem(), ours().ct.public_pem());
    let other = Key::p256("another log").public_pem();
    let row = |case, verdict, why, validator| Row::new(case, verdict, why, validator, &[signed(&alice())]);
    vec![
        row(
            "instance-of-connaisseur-s-host-is-believed",
            ADMITTED,
            "three PEM texts, as its Helm values have them",
            connaisseur(ours().chain_pem(), rekor.clone(), ct.clone()),
        ),
        row(
            "instance-with-its-root-alone-is-believed",
            ADMITTED,
            "the intermediate comes from beside the signature",
            connaisseur(ours().root.pem(), rekor.clone(), ct.clone()),
        ),
        row(
            "instance-with-another-log-is-not-believed",
            DENIED,
            "rekorPubkey replaces the log, and no other is believed",
            connaisseur(ours().chain_pem(), other.clone(), ct),
        ),
        row(
            "instance-with-another-ct-log-is-not-believed",
            DENIED,
            "and so does ctLogPubkey",
            connaisseur(ours().chain_pem(), rekor, other),
        ),
        row(
            "instance-that-is-not-the-public-good-one-is-not-believed",
            DENIED,
            "where nothing is said, only the public-good instance is believed",
            json!({"trustRoots": [root("default", named("alice@example.com"))]}),
        ),
        Row::new(
            "trusted-root-can-be-a-text",
            ADMITTED,
            "as a file's content is pasted",
            json!({"trustedRoot": ours().trusted_root().to_string(), "trustRoots": [root("default", named("alice@example.com"))]}),
            &[signed(&alice())],
        ),
        row(
            "timestamps-can-be-left-out",
            ADMITTED,
            "verifySCT: false is the user's choice",
            only(named("alice@example.com")),
        )
        .with(json!({"verifySCT": false})),
        Row::new(
            "certificate-without-a-timestamp-is-admitted-only-where-none-is-asked-for",
            ADMITTED,
            "verifySCT: false, and no timestamp",
            only(named("alice@example.com")),
            &[signed(&Leaf { scts: Scts::Missing, ..alice() })],
        )
        .with(json!({"verifySCT": false})),
    ]
}

/// A platform's digest is pinned, and the index behind the tag is what was signed.
fn indexes() -> Vec<Row> {
    let pinned = |digit: char| format!("{TAG}@{}", digest(digit));
    let entry = |digit: char, annotations: Value| {
        let mut entry = json!({"mediaType": mint::signature::MANIFEST, "size": 1, "digest": digest(digit), "platform": {"os": "linux", "architecture": "amd64"}});
        if !annotations.is_null() {
            entry["annotations"] = annotations;
        }
        entry
    };
    let index = |entries: Value| {
        Answer::Manifest(
            format!("{REPOSITORY}@{}", digest('1')),
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}),
        )
    };
    let unsigned = |digit: char| signatures(digit, &[]);
    let behind = || Answer::Digest(TAG, digest('1'));
    let by_alice = || signatures('1', &[signed(&alice())]);
    // What is beside an image that has no signature is looked at to say so.
    let nothing_beside = |digit: char| Answer::NotThere(format!("{REPOSITORY}:{}", digest(digit).replace(':', "-")));
    let itself = |digit: char| {
        Answer::Digest(Box::leak(format!("{REPOSITORY}@{}", digest(digit)).into_boxed_str()), digest(digit))
    };
    let row = |case, verdict, why, answers: Vec<Answer>| Row {
        image: pinned('3'),
        answers,
        ..Row::new(case, verdict, why, only(named("alice@example.com")), &[])
    };
    let attestation = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let denied = |mut answers: Vec<Answer>| {
        answers.extend([itself('3'), nothing_beside('3')]);
        answers
    };
    vec![
        row(
            "platform-of-a-proven-index-is-admitted",
            ADMITTED,
            "the index behind the tag is proven, fetched again by its digest, and lists this one (B39d)",
            vec![unsigned('3'), behind(), by_alice(), index(json!([entry('2', Value::Null), entry('3', Value::Null)]))],
        ),
        row(
            "platform-that-a-proven-index-does-not-list-is-denied",
            DENIED,
            "a proven index says nothing of what is not in it",
            denied(vec![unsigned('3'), behind(), by_alice(), index(json!([entry('2', Value::Null)]))]),
        ),
        row(
            "attestation-in-a-proven-index-is-no-platform",
            DENIED,
            "an index lists more than images",
            denied(vec![unsigned('3'), behind(), by_alice(), index(json!([entry('3', attestation)]))]),
        ),
        row(
            "platform-of-an-index-that-nobody-signed-is-denied",
            DENIED,
            "that an index lists it proves nothing by itself",
            denied(vec![unsigned('3'), behind(), unsigned('1')]),
        ),
        row(
            "platform-of-an-index-by-somebody-else-is-denied",
            DENIED,
            "the same is asked of the index as of an image",
            denied(vec![unsigned('3'), behind(), signatures('1', &[signed(&bob())])]),
        ),
        row(
            "image-behind-a-tag-is-no-index",
            DENIED,
            "a signed image lists layers, and a layer is no platform",
            denied(vec![
                unsigned('3'),
                behind(),
                by_alice(),
                Answer::Manifest(
                    format!("{REPOSITORY}@{}", digest('1')),
                    json!({"schemaVersion": 2, "layers": [entry('3', Value::Null)]}),
                ),
            ]),
        ),
        row(
            "platform-whose-index-cannot-be-fetched-is-not-decided",
            "denied 503",
            "it may be listed; could not tell is not the same as not trusted",
            vec![unsigned('3'), behind(), by_alice(), Answer::Down(format!("{REPOSITORY}@{}", digest('1')))],
        ),
        row(
            "platform-behind-a-tag-that-points-to-it-is-denied-for-itself",
            DENIED,
            "there is no index to look at",
            denied(vec![unsigned('3'), Answer::Digest(TAG, digest('3'))]),
        ),
    ]
}
