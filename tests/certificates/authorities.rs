//! Who certifies: own CAs, what lies between them and a signer, and signers who are one or two.

use super::{Minted, identities::*, minted};
use image_trust_testbed::mint::{
    self, Authority, CODE_SIGNING, Ca, Extension, ISSUED, Instance, Issuer, Layer, Leaf, Scts,
};

/// The issuer of an identity with the same name as ours.
const OTHER_ISSUER: &str = "https://other.example.com";

/// A certificate of an own CA that is valid long after this was written, without a log.
fn lasting() -> Leaf {
    Leaf { not_after: FAR, scts: Scts::Missing, issuer_v1: None, issuer_v2: None, ..alice() }
}

/// The CA "below" of this root.
fn below(root: Ca) -> Instance {
    Instance::of("of its own", &root, &Ca { name: "below".to_owned(), ..Ca::default() })
}

fn ended() -> Instance {
    below(Ca { not_after: ISSUED + 600, ..Instance::root_of("ended") })
}

fn short() -> Instance {
    below(Ca { path_len: Some(0), ..Instance::root_of("short") })
}

/// One name for root and intermediate, and a root that ended in time for the certificate to be used after it.
fn same_name() -> Instance {
    let root = Authority::root(&Ca { not_after: ISSUED + 600, ..Instance::root_of("same") });
    let intermediate = root.sub_ca(&Ca {
        key_name: Some("below".to_owned()),
        id_name: Some("below".to_owned()),
        ..Instance::root_of("same")
    });
    Instance { root, intermediate, ..ours() }
}

/// One name for root and intermediate, and no identifiers that tell their keys apart.
fn without_ids() -> Instance {
    let nameless = |ca: Ca| Ca { has_ids: false, key_name: Some("below".to_owned()), ..ca };
    let root = Authority::root(&Ca { not_after: ISSUED + 600, has_ids: false, ..Instance::root_of("same") });
    let intermediate = root.sub_ca(&nameless(Instance::root_of("same")));
    Instance { root, intermediate, ..ours() }
}

/// The certificates of CAs, as settings hold them.
pub(super) fn certificates() -> Vec<(&'static str, String)> {
    let with = |extension, name| Authority::root(&Ca { extensions: vec![extension], ..Instance::root_of(name) }).pem();
    vec![
        ("ours-root.pem", ours().root.pem()),
        ("ours-chain.pem", ours().chain_pem()),
        ("impostor-chain.pem", Instance::impostor("ours").chain_pem()),
        ("ended-root.pem", ended().root.pem()),
        ("short-root.pem", short().root.pem()),
        ("same-name-chain.pem", same_name().chain_pem()),
        ("no-ids-chain.pem", without_ids().chain_pem()),
        ("critical-root.pem", with(Extension::critical("1.2.3.4", vec![5, 0]), "critical")),
        ("limited-root.pem", with(Extension::critical("2.5.29.30", vec![0x30, 0]), "limited")),
        ("leaf.pem", ours().issue(&lasting()).pem()),
    ]
}

pub(super) fn own_authorities() -> Vec<Minted> {
    let plain = |leaf: &Leaf| Layer::by(&ours().issue(leaf), &payload());
    // The purpose of the root is no other than to stand above the intermediate.
    let between = |change: fn(Ca) -> Ca| {
        let ca = change(Ca { name: "between".to_owned(), ..Ca::default() });
        Leaf { issuer: Issuer::Authority(ours().root.sub_ca(&ca)), ..lasting() }
    };
    let row = |name, layer: Layer| minted(name, &[layer]);
    // The certificate between the root and the leaf, and another one of the same name and key that leads nowhere.
    let beside = |other: String| {
        let right = between(|ca| ca);
        let layer = plain(&right);
        Layer { chain: layer.chain.map(|chain| other + &chain), ..layer }
    };
    let same = || Ca { name: "between".to_owned(), ..Ca::default() };
    let other = || Some("another between".to_owned());
    let other_key = || Ca { key_name: other(), id_name: other(), ..same() };
    // So many CAs, one below the other.
    let behind = |number: usize| {
        let next =
            |above: Authority, at| above.sub_ca(&Ca { name: format!("between {at}"), path_len: None, ..Ca::default() });
        Leaf { issuer: Issuer::Authority((0..number).fold(ours().root, next)), ..lasting() }
    };
    vec![
        row("own-ca-by-alice", plain(&lasting())),
        row(
            "own-ca-signature-is-not-proven-after-its-certificate-ended",
            plain(&Leaf { not_after: ISSUED + 600, ..lasting() }),
        ),
        row(
            "own-ca-signature-is-not-proven-before-its-certificate-begins",
            plain(&Leaf { not_before: FAR - 600, ..lasting() }),
        ),
        row(
            "own-ca-signature-with-a-log-entry",
            ours().sign(&Leaf { not_after: ISSUED + 600, ..lasting() }, &payload()),
        ),
        row("own-ca-signature-for-somebody-else", plain(&Leaf { names: bob().names, ..lasting() })),
        row("own-ca-with-fulcio-s-names", Instance::impostor("ours").sign(&alice(), &payload())),
        row("own-ca-is-found-through-the-chain-of-the-signature", plain(&between(|ca| ca))),
        row("own-ca-is-not-found-without-the-chain", Layer { chain: None, ..plain(&between(|ca| ca)) }),
        row("own-ca-in-between-must-be-a-ca", plain(&between(|ca| Ca { is_ca: false, path_len: None, ..ca }))),
        row("own-ca-in-between-must-be-allowed-to-certify", plain(&between(|ca| Ca { cert_sign: false, ..ca }))),
        row(
            "own-ca-in-between-must-be-for-code",
            plain(&between(|ca| Ca { purposes: vec!["1.3.6.1.5.5.7.3.1"], ..ca })),
        ),
        row(
            "own-ca-in-between-must-have-no-limits-that-nobody-checks",
            plain(&between(|ca| Ca {
                extensions: vec![Extension::new("2.5.29.30", vec![0x30, 0])],
                purposes: vec![CODE_SIGNING],
                ..ca
            })),
        ),
        row("own-ca-in-between-must-have-been-valid", plain(&between(|ca| Ca { not_after: ISSUED + 600, ..ca }))),
        row("own-ca-root-that-ended-lets-nobody-certify", Layer::by(&ended().issue(&lasting()), &payload())),
        row(
            "own-ca-root-that-allows-none-below-it-lets-nobody-certify",
            Layer::by(&short().issue(&lasting()), &payload()),
        ),
        row("own-ca-of-its-roots-name-without-key-ids", Layer::by(&without_ids().issue(&lasting()), &payload())),
        row("own-ca-that-was-renewed", beside(ours().root.sub_ca(&Ca { not_after: ISSUED + 600, ..same() }).pem())),
        row("own-ca-that-others-certified-too", beside(Instance::new("theirs").root.sub_ca(&same()).pem())),
        row("own-ca-of-another-ones-name", beside(ours().root.sub_ca(&other_key()).pem())),
        row("own-ca-without-key-ids", plain(&between(|ca| Ca { has_ids: false, ..ca }))),
        row("own-ca-is-found-behind-four-in-between", plain(&behind(4))),
        row("own-ca-is-not-found-behind-five-in-between", plain(&behind(5))),
        row("own-ca-of-its-roots-name", Layer::by(&same_name().issue(&lasting()), &payload())),
    ]
}

pub(super) fn signers() -> Vec<Minted> {
    let again = Leaf { name: "alice's other key", not_before: ISSUED + 30, ..alice() };
    let at_main = |file: &'static str| {
        let name = match file {
            "release.yml" => "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main",
            _ => "https://github.com/acme/app/.github/workflows/audit.yml@refs/heads/main",
        };
        let extensions = Leaf::ran_for("refs/heads/main", "refs/heads/main");
        Leaf { name: file, names: vec![mint::Name::Uri(name)], extensions, ..Leaf::of_workflow() }
    };
    vec![
        minted("one-identity-with-two-certificates", &[signed(&alice()), signed(&again)]),
        minted("keyless-by-alice-and-bob", &[signed(&alice()), signed(&bob())]),
        minted(
            "one-name-at-two-issuers",
            &[signed(&alice()), {
                let (issuer_v1, issuer_v2) = (Some(OTHER_ISSUER), Some(OTHER_ISSUER));
                signed(&Leaf { name: "alice's namesake", issuer_v1, issuer_v2, ..alice() })
            }],
        ),
        minted("one-workflow-at-two-references", &[signed(&Leaf::of_workflow()), signed(&at_main("release.yml"))]),
        minted("two-workflows", &[signed(&Leaf::of_workflow()), signed(&at_main("audit.yml"))]),
        minted(
            "a-key-and-a-certificate-of-it",
            &[signed(&alice()), Layer::by_key(&ours().issue(&alice()).key, &payload())],
        ),
        minted(
            "one-customer-of-an-own-ca",
            &["https://one.example", "https://other.example"].map(|issuer| {
                let (issuer_v1, issuer_v2) = (Some(issuer), Some(issuer));
                let leaf = Leaf { name: issuer, issuer_v1, issuer_v2, not_after: FAR, ..alice() };
                Layer::by(&ours().issue(&leaf), &payload())
            }),
        ),
        minted(
            "one-name-of-an-own-ca-and-of-an-instance",
            &[signed(&alice()), {
                let leaf = Leaf { name: "of the own CA", issuer_v1: None, issuer_v2: None, not_after: FAR, ..alice() };
                Layer::by(&ours().issue(&leaf), &payload())
            }],
        ),
        minted(
            "an-address-in-other-letters",
            &[
                signed(&alice()),
                signed(&Leaf { name: "Alice", names: vec![mint::Name::Email("Alice@example.com")], ..alice() }),
            ],
        ),
    ]
}
