//! Whom do settings believe: own CAs, other instances, dates, and who is whose signer?

use serde_json::json;

use super::{Row, TAG, digest, rows::*};
use image_trust_testbed::mint::{
    self, Authority, CODE_SIGNING, Ca, Extension, ISSUED, Instance, Issuer, Key, Layer, Leaf, Scts,
};

/// Who vouches for somebody else of the same name.
const OTHER_ISSUER: &str = "https://other.example.com";

pub(super) fn own_authorities() -> Vec<Row> {
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
    let below = |root: Ca| Instance::of("of its own", &root, &Ca { name: "below".to_owned(), ..Ca::default() });
    // One name for root and intermediate, and a root that ended in time for the certificate to be used after it.
    let same_name = {
        let root = Authority::root(&Ca { not_after: ISSUED + 600, ..Instance::root_of("same") });
        let intermediate = root.sub_ca(&Ca {
            key_name: Some("below".to_owned()),
            id_name: Some("below".to_owned()),
            ..Instance::root_of("same")
        });
        Instance { root, intermediate, ..ours() }
    };
    let nameless = |ca: Ca| Ca { has_ids: false, key_name: Some("below".to_owned()), ..ca };
    let without_ids = {
        let root = Authority::root(&Ca { not_after: ISSUED + 600, has_ids: false, ..Instance::root_of("same") });
        let intermediate = root.sub_ca(&nameless(Instance::root_of("same")));
        Instance { root, intermediate, ..ours() }
    };
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
            "own-ca-root-that-ended-lets-nobody-certify",
            DENIED,
            "the intermediate beside the signature is valid, and the root is not any more",
            own(below(Ca { not_after: ISSUED + 600, ..Instance::root_of("ended") }).root.pem()),
            Layer::by(
                &below(Ca { not_after: ISSUED + 600, ..Instance::root_of("ended") }).issue(&lasting()),
                &payload(),
            ),
        ),
        row(
            "own-ca-root-that-allows-none-below-it-lets-nobody-certify",
            DENIED,
            "its path length is that of leaves only",
            own(below(Ca { path_len: Some(0), ..Instance::root_of("short") }).root.pem()),
            Layer::by(&below(Ca { path_len: Some(0), ..Instance::root_of("short") }).issue(&lasting()), &payload()),
        ),
        row(
            "own-ca-of-its-roots-name-without-key-ids-is-not-found",
            DENIED,
            "which of two of one name is the root nobody can tell, so the limits of both hold",
            own(without_ids.chain_pem()),
            Layer::by(&without_ids.issue(&lasting()), &payload()),
        ),
        row(
            "own-ca-that-was-renewed-is-found-behind-the-old-one",
            ADMITTED,
            "the chain has the certificate that ended, too, and has it first",
            own(root()),
            beside(ours().root.sub_ca(&Ca { not_after: ISSUED + 600, ..same() }).pem()),
        ),
        row(
            "own-ca-that-others-certified-too-is-found-behind-theirs",
            ADMITTED,
            "the chain has a certificate of the same key by a root that nobody here trusts, and has it first",
            own(root()),
            beside(Instance::new("theirs").root.sub_ca(&same()).pem()),
        ),
        row(
            "own-ca-of-another-ones-name-is-passed-over-behind-the-chain",
            ADMITTED,
            "of two of one name it is the one whose key the certificate names",
            own(root()),
            beside(ours().root.sub_ca(&other_key()).pem()),
        ),
        row(
            "own-ca-without-key-ids-is-found-through-the-chain-of-the-signature",
            ADMITTED,
            "what names no key of its issuer is no root for that",
            own(root()),
            plain(&between(|ca| Ca { has_ids: false, ..ca })),
        ),
        row(
            "own-ca-is-found-behind-four-in-between",
            ADMITTED,
            "as many as are looked at",
            own(root()),
            plain(&behind(4)),
        ),
        row(
            "own-ca-is-not-found-behind-five-in-between",
            DENIED,
            "who signs can bring as many as they like, so only so many are looked at",
            own(root()),
            plain(&behind(5)),
        ),
        row(
            "own-ca-of-its-roots-name-is-held-to-the-roots-limits",
            DENIED,
            "an intermediate that is called as its root is no root: keys are told apart by their ids",
            own(same_name.chain_pem()),
            Layer::by(&same_name.issue(&lasting()), &payload()),
        ),
        row(
            "settings-with-a-ca-with-an-unknown-critical-extension-are-refused",
            "settings refused",
            "what has to be understood, and is not, limits nothing here",
            own(Authority::root(&Ca {
                extensions: vec![Extension::critical("1.2.3.4", vec![5, 0])],
                ..Instance::root_of("critical")
            })
            .pem()),
            plain(&lasting()),
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

pub(super) fn signers() -> Vec<Row> {
    let example =
        |name: &str| root(name, json!({"keyless": {"issuer": ISSUER, "subjectRegex": r"^[a-z]+@example\.com$"}}));
    let two = || trusting(json!([root("alice", named("alice@example.com")), example("anybody")]));
    let again = Leaf { name: "alice's other key", not_before: ISSUED + 30, ..alice() };
    let alices_key = root("key", json!({"key": ours().issue(&alice()).key.public_pem()}));
    let row = |case, verdict, why, layers: &[Layer]| Row::new(case, verdict, why, two(), layers).with(of(2));
    let workflows = || {
        trusting(json!([
            root("release", json!({"github": {"owner": "acme", "repo": "app", "ref": "refs/tags/v*"}})),
            root("any", json!({"github": {"owner": "acme"}})),
        ]))
    };
    let at_main = |file: &'static str| {
        let name = match file {
            "release.yml" => "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main",
            _ => "https://github.com/acme/app/.github/workflows/audit.yml@refs/heads/main",
        };
        let extensions = Leaf::ran_for("refs/heads/main", "refs/heads/main");
        Leaf { name: file, names: vec![mint::Name::Uri(name)], extensions, ..Leaf::of_workflow() }
    };
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
            "one-name-at-two-issuers-is-two-signers",
            ADMITTED,
            "both trust roots ask for the issuer, so it tells two people of one name apart",
            trusting(json!([
                root("alice", named("alice@example.com")),
                root("namesake", json!({"keyless": {"issuer": OTHER_ISSUER, "subject": "alice@example.com"}})),
            ])),
            &[signed(&alice()), {
                let (issuer_v1, issuer_v2) = (Some(OTHER_ISSUER), Some(OTHER_ISSUER));
                signed(&Leaf { name: "alice's namesake", issuer_v1, issuer_v2, ..alice() })
            }],
        )
        .with(of(2)),
        Row::new(
            "one-workflow-at-two-references-is-one-signer",
            DENIED,
            "whoever may run a workflow at one git reference usually may at another one (B30)",
            workflows(),
            &[signed(&Leaf::of_workflow()), signed(&at_main("release.yml"))],
        )
        .with(of(2)),
        Row::new(
            "two-workflows-are-two-signers",
            ADMITTED,
            "two files of one repository, each for a trust root of its own",
            workflows(),
            &[signed(&Leaf::of_workflow()), signed(&at_main("audit.yml"))],
        )
        .with(of(2)),
        Row::new(
            "a-key-and-a-certificate-of-it-are-one-signer",
            DENIED,
            "whoever holds a key can have it certified (B30)",
            trusting(json!([root("alice", named("alice@example.com")), alices_key])),
            &[signed(&alice()), Layer::by_key(&ours().issue(&alice()).key, &payload())],
        )
        .with(of(2)),
        Row::new(
            "one-customer-of-an-own-ca-is-one-signer-by-whatever-issuer",
            DENIED,
            "nobody asked an own CA for an issuer, so a text of one's choice tells nobody apart (B30)",
            json!({"trustRoots": [
                root("alice", json!({"certificate": {"ca": ours().chain_pem(), "subject": "alice@example.com"}})),
                root("anybody", json!({"certificate": {"ca": ours().chain_pem(), "subjectRegex": r"^[a-z]+@example\.com$"}})),
            ]}),
            &["https://one.example", "https://other.example"].map(|issuer| {
                let (issuer_v1, issuer_v2) = (Some(issuer), Some(issuer));
                let leaf = Leaf { name: issuer, issuer_v1, issuer_v2, not_after: FAR, ..alice() };
                Layer::by(&ours().issue(&leaf), &payload())
            }),
        )
        .with(of(2)),
        Row::new(
            "one-name-of-an-own-ca-and-of-an-instance-is-one-signer",
            DENIED,
            "where one of two trust roots asks for no issuer, the name alone tells who it is (B30)",
            trusting(json!([
                root("alice", named("alice@example.com")),
                root("own", json!({"certificate": {"ca": ours().chain_pem(), "subject": "alice@example.com"}})),
            ])),
            &[signed(&alice()), {
                let leaf = Leaf { name: "of the own CA", issuer_v1: None, issuer_v2: None, not_after: FAR, ..alice() };
                Layer::by(&ours().issue(&leaf), &payload())
            }],
        )
        .with(of(2)),
        Row::new(
            "an-address-in-other-letters-is-one-signer",
            DENIED,
            "mail for both of them reaches one person (B30)",
            trusting(json!([
                root("alice", named("alice@example.com")),
                root("anybody", json!({"keyless": {"issuer": ISSUER, "subjectRegex": r"^[A-Za-z]+@example\.com$"}})),
            ])),
            &[
                signed(&alice()),
                signed(&Leaf { name: "Alice", names: vec![mint::Name::Email("Alice@example.com")], ..alice() }),
            ],
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

pub(super) fn leaving() -> Vec<Row> {
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

pub(super) fn instances() -> Vec<Row> {
    let connaisseur = |fulcio: String, rekor: String, ct: String| {
        json!({
            "host": {"fulcioCert": fulcio, "rekorPubkey": rekor, "ctLogPubkey": ct},
            "trustRoots": [root("default", named("alice@example.com"))],
        })
    };
    let without = |part: &str| {
        let mut trusted = ours().trusted_root();
        trusted[part] = json!([]);
        json!({"trustedRoot": trusted, "trustRoots": [root("default", named("alice@example.com"))]})
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
        Row::new(
            "settings-with-a-trusted-root-without-a-log-are-refused",
            "settings refused",
            "a log entry that nobody can check",
            without("tlogs"),
            &[],
        ),
        Row::new(
            "settings-with-a-trusted-root-without-a-ct-log-are-refused",
            "settings refused",
            "a timestamp that nobody can check",
            without("ctlogs"),
            &[],
        ),
        Row::new(
            "settings-with-a-trusted-root-without-a-ca-are-refused",
            "settings refused",
            "certificates that nobody can have issued",
            without("certificateAuthorities"),
            &[],
        ),
        Row::new(
            "trusted-root-with-logs-that-nobody-can-check-is-believed-for-the-rest",
            ADMITTED,
            "old logs have keys of kinds that are gone, and files have null for what is not there",
            {
                let mut trusted = ours().trusted_root();
                let mut old = trusted["ctlogs"][0].clone();
                old["publicKey"]["rawBytes"] = mint::der::base64(&[0x30, 3, 2, 1, 3]).into();
                old["publicKey"]["validFor"] = serde_json::Value::Null;
                trusted["ctlogs"].as_array_mut().unwrap().insert(0, old);
                trusted["timestampAuthorities"] = serde_json::Value::Null;
                json!({"trustedRoot": trusted, "trustRoots": [root("default", named("alice@example.com"))]})
            },
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
