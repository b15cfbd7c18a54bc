//! What is signed and asked for, if nothing else is said; and the cases of identities.

use serde_json::{Value, json};

use super::{Answer, REPOSITORY, Row, TAG, digest, signatures};
use image_trust_testbed::mint::{self, ISSUED, Instance, Key, Kind, Layer, Leaf, Name};

pub(super) const ISSUER: &str = "https://issuer.example.com";
pub(super) const ADMITTED: &str = "admitted";
pub(super) const DENIED: &str = "denied 403";
/// Within the life of the authorities, and long after this was written.
pub(super) const FAR: u64 = ISSUED + 3000 * 86_400;

pub(super) fn ours() -> Instance {
    Instance::new("ours")
}

pub(super) fn alice() -> Leaf {
    Leaf::default()
}

pub(super) fn bob() -> Leaf {
    Leaf { name: "bob", names: vec![Name::Email("bob@example.com")], ..alice() }
}

pub(super) fn payload() -> Vec<u8> {
    mint::payload(REPOSITORY, &digest('1'))
}

pub(super) fn signed(leaf: &Leaf) -> Layer {
    ours().sign(leaf, &payload())
}

/// A validator of our instance with these trust roots.
pub(super) fn trusting(roots: Value) -> Value {
    json!({"trustedRoot": ours().trusted_root(), "trustRoots": roots})
}

/// A validator of our instance with one trust root.
pub(super) fn only(root: Value) -> Value {
    let mut root = root;
    root["name"] = "default".into();
    trusting(json!([root]))
}

pub(super) fn named(subject: &str) -> Value {
    json!({"keyless": {"issuer": ISSUER, "subject": subject}})
}

pub(super) fn root(name: &str, signs: Value) -> Value {
    let mut root = signs;
    root["name"] = name.into();
    root
}

pub(super) fn of(threshold: usize) -> Value {
    json!({"trustRoot": "*", "threshold": threshold})
}

pub(super) fn keyless() -> Vec<Row> {
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
        {
            let layers = [signed(&uri("https://github.com/acme/app"))];
            let row = row(
                "keyless-regex-of-the-pinned-references-rule-has-to-be-met-too",
                DENIED,
                "rules that differ in an expression only ask for other signers",
                matching(r"^https://github\.com/acme/[a-z]+$"),
                &layers,
            );
            // The other rule asks again.
            let again = vec![signatures('1', &layers)];
            let answers = [row.answers.clone(), again].concat();
            Row { by_digest: Some(matching(r"^https://github\.com/acme/[a-z]+-signed$")), answers, ..row }
        },
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
            "settings-with-a-prefix-that-ends-in-a-name-are-refused",
            "settings refused",
            "acme-evil begins with acme (B35)",
            beginning("https://github.com/acme"),
            &[],
        ),
        row(
            "settings-with-a-prefix-without-a-host-are-refused",
            "settings refused",
            "every host begins like that (B38a)",
            beginning("https://"),
            &[],
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

pub(super) fn workflows() -> Vec<Row> {
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
            "github-workflow-that-a-branch-calls-is-denied",
            DENIED,
            "whoever may push a branch can call what a tag defines, and gets a certificate in its name, which says where it ran",
            app(),
            Leaf { extensions: Leaf::ran_for("refs/heads/evil", "refs/heads/evil"), ..Leaf::of_workflow() },
        ),
        row(
            "github-workflow-with-two-references-is-denied",
            DENIED,
            "both ways in which a certificate names the git reference have to be right",
            app(),
            Leaf { extensions: Leaf::ran_for("refs/tags/v1", "refs/heads/evil"), ..Leaf::of_workflow() },
        ),
        row(
            "github-workflow-without-a-reference-is-denied",
            DENIED,
            "a certificate that does not say where the workflow ran could be of any branch",
            app(),
            Leaf { extensions: vec![], ..Leaf::of_workflow() },
        ),
        row(
            "github-reference-is-not-asked-for-where-none-is-named",
            ADMITTED,
            "without ref any will do",
            github(json!({"owner": "acme"})),
            Leaf { extensions: vec![], ..Leaf::of_workflow() },
        ),
        row(
            "github-workflow-with-a-reference-in-its-name-is-denied",
            DENIED,
            "what stands behind the first @ has to be a reference",
            github(json!({"owner": "acme", "workflow": "release.yml"})),
            at("https://github.com/acme/app/.github/workflows/release.yml@x.yml@refs/heads/evil"),
        ),
        row(
            "github-workflow-at-a-commit-is-proven",
            ADMITTED,
            "others can be called by a commit's hash",
            github(json!({"owner": "acme", "workflow": "release.yml"})),
            at("https://github.com/acme/app/.github/workflows/release.yml@1111111111111111111111111111111111111111"),
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
