//! What is signed if nothing else is said, and the identities that certificates name.

use super::{Minted, REPOSITORY, digest, minted};
use image_trust_testbed::mint::{self, ISSUED, Instance, Kind, Layer, Leaf, Name};

const ISSUER: &str = "https://issuer.example.com";
/// Within the life of the authorities, and long after this was written.
pub(super) const FAR: u64 = ISSUED + 3000 * 86_400;

pub(super) fn ours() -> Instance {
    Instance::new("ours")
}

pub(super) fn wide() -> Instance {
    Instance::of_kind(Kind::P384, "wide")
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

pub(super) fn keyless() -> Vec<Minted> {
    let uri = |text| Leaf { names: vec![Name::Uri(text)], ..alice() };
    vec![
        minted("keyless-by-alice", &[signed(&alice())]),
        minted("keyless-by-an-instance-on-p384", &[wide().sign(&alice(), &payload())]),
        minted("keyless-by-bob", &[signed(&bob())]),
        minted(
            "keyless-by-another-issuer",
            &[signed(&Leaf {
                issuer_v1: Some("https://evil.example"),
                issuer_v2: Some("https://evil.example"),
                ..alice()
            })],
        ),
        minted("keyless-by-a-uri", &[signed(&uri("https://github.com/acme/app"))]),
        minted("keyless-by-a-longer-uri", &[signed(&uri("https://github.com/acme/app-evil"))]),
        minted("keyless-by-another-account", &[signed(&uri("https://github.com/acme-evil/app"))]),
        minted("keyless-by-an-address-in-a-uri", &[signed(&uri("alice@example.com"))]),
    ]
}

pub(super) fn workflows() -> Vec<Minted> {
    let of = |name, repository: &'static str, uri| {
        let (repository_v1, repository_v2) = (Some(repository), Some(uri));
        Leaf { names: vec![Name::Uri(name)], repository_v1, repository_v2, ..Leaf::of_workflow() }
    };
    let at = |name| Leaf { names: vec![Name::Uri(name)], ..Leaf::of_workflow() };
    let row = |name, leaf: Leaf| minted(name, &[signed(&leaf)]);
    vec![
        row("github-workflow-at-a-tag", Leaf::of_workflow()),
        row(
            "github-workflow-of-another-owner",
            of(
                "https://github.com/acme-evil/app/.github/workflows/release.yml@refs/tags/v1",
                "acme-evil/app",
                "https://github.com/acme-evil/app",
            ),
        ),
        row(
            "github-workflow-that-another-repository-calls",
            of(
                "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
                "mallory/app",
                "https://github.com/mallory/app",
            ),
        ),
        row(
            "github-workflow-with-two-repositories",
            of(
                "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1",
                "acme/app",
                "https://github.com/mallory/app",
            ),
        ),
        row(
            "github-workflow-without-a-repository",
            Leaf { repository_v1: None, repository_v2: None, ..Leaf::of_workflow() },
        ),
        row(
            "github-workflow-of-another-repository",
            of(
                "https://github.com/acme/docs/.github/workflows/release.yml@refs/tags/v1",
                "acme/docs",
                "https://github.com/acme/docs",
            ),
        ),
        row(
            "github-workflow-in-another-file",
            at("https://github.com/acme/app/.github/workflows/test.yml@refs/tags/v1"),
        ),
        row(
            "github-workflow-at-another-reference",
            at("https://github.com/acme/app/.github/workflows/release.yml@refs/heads/v1"),
        ),
        row(
            "github-workflow-that-a-branch-calls",
            Leaf { extensions: Leaf::ran_for("refs/heads/evil", "refs/heads/evil"), ..Leaf::of_workflow() },
        ),
        row(
            "github-workflow-with-two-references",
            Leaf { extensions: Leaf::ran_for("refs/tags/v1", "refs/heads/evil"), ..Leaf::of_workflow() },
        ),
        row("github-workflow-without-a-reference", Leaf { extensions: vec![], ..Leaf::of_workflow() }),
        row(
            "github-workflow-with-a-reference-in-its-name",
            at("https://github.com/acme/app/.github/workflows/release.yml@x.yml@refs/heads/evil"),
        ),
        row(
            "github-workflow-at-a-commit",
            at("https://github.com/acme/app/.github/workflows/release.yml@1111111111111111111111111111111111111111"),
        ),
        row(
            "github-workflow-in-a-folder",
            at("https://github.com/acme/app/x/.github/workflows/release.yml@refs/tags/v1"),
        ),
        row(
            "github-workflow-by-another-issuer",
            Leaf { issuer_v1: Some(ISSUER), issuer_v2: Some(ISSUER), ..Leaf::of_workflow() },
        ),
    ]
}
