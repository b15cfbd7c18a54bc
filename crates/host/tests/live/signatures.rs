//! Images that real cosign signed, in a real registry.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use image_trust_host::{Live, LiveConfig};
use image_trust_testbed::loopback::ImageKind;
use serde_json::{Value, json};

use crate::docker_registry::{BASIC, DockerRegistry};
use crate::policy::{ASK, Expect, GUEST, HOST, LOOK, LOOK_AROUND, LOOK_ON, Row, asking, by, check, host};
use crate::tools::{Cosign, Format, skipped};

/// A rule that asks for this number of the two signers.
fn of_both(threshold: usize) -> Value {
    json!({"with": {"trustRoot": "*", "threshold": threshold}})
}

fn annotated(name: &str, value: &str) -> Value {
    json!({"with": {"trustRoot": "alice", "annotations": {name: value}}})
}

/// A rule that asks for alice's signature under one of these names.
fn named(identities: &[&str]) -> Value {
    json!({"with": {"trustRoot": "alice", "identities": identities}})
}

const IMAGES: [&str; 13] = [
    "annotated",
    "bundle",
    "copied",
    "docker",
    "index",
    "list",
    "other",
    "tag2",
    "tag3",
    "twice",
    "two",
    "unsigned",
    "victim",
];

#[test]
fn what_cosign_signs_is_proven() {
    let folder = tempfile::tempdir().unwrap();
    let (cosign2, cosign3) = (Cosign::find("cosign2", folder.path()), Cosign::find("cosign3", folder.path()));
    let (Some(registry), Some(cosign2), Some(cosign3)) = (DockerRegistry::start(), cosign2, cosign3) else {
        return;
    };
    let keys = [("alice", cosign2.generate("alice")), ("bob", cosign3.generate("bob"))];
    let image = |name: &str| format!("{}/live/{name}:1", registry.host());
    for name in IMAGES {
        let (kind, seed) = match name {
            "index" => (ImageKind::Index, name),
            "docker" => (ImageKind::Docker, name),
            "list" => (ImageKind::DockerList, name),
            // The same image in two repositories, of which one is signed.
            "tag2" | "copied" => (ImageKind::Oci, "the same"),
            _ => (ImageKind::Oci, name),
        };
        registry.push(&format!("live/{name}"), "1", kind, seed);
    }
    let sign = |cosign: &Cosign<'_>, format, name: &str, images: &[&str], more: &[&str]| {
        let digest = |image: &str| registry.digest(&format!("live/{image}"), "1");
        let image = |image: &&str| format!("{}/live/{image}@{}", registry.host(), digest(image));
        cosign.sign(format, name, &images.iter().map(image).collect::<Vec<_>>(), more);
    };
    let by_alice = ["tag2", "two", "twice", "index", "docker", "list"];
    sign(&cosign2, Format::Tag, "alice", &by_alice, &[]);
    sign(&cosign2, Format::Tag, "alice", &["twice"], &[]);
    let annotations = ["-a", "env=prod", "-a", "odd=<b>&ü/"];
    sign(&cosign2, Format::Tag, "alice", &["annotated"], &annotations);
    sign(&cosign3, Format::TagBy3, "bob", &["two", "tag3", "other"], &[]);
    sign(&cosign3, Format::Bundle, "bob", &["bundle"], &[]);
    let digest = |name: &str| registry.digest(&format!("live/{name}"), "1");
    let signed = digest("tag2");
    registry.copy_signatures(("live/tag2", &signed), ("live/copied", &signed));
    registry.copy_signatures(("live/tag2", &signed), ("live/victim", &digest("victim")));

    const MISSING: &str = "Image verification failed: missing signatures";
    const UNKNOWN: &str = "[OCI API error: manifest unknown]";
    const UNSIGNED: Expect<'_> =
        Expect::Denied(403, "not-signed: unsigned; missing alice; tells cosign sign --key", UNKNOWN);
    const OTHER: Expect<'_> = Expect::Denied(
        403,
        "not-signed: other-keys; missing alice; tells 1 signature, key of alice, key of bob, cosign sign --key",
        "",
    );
    const ONE_OF_TWO: Expect<'_> = Expect::Denied(
        403,
        "not-signed: other-keys; signers alice; missing bob; needed 2; tells 1 signature, key of bob, 2 of 2",
        "",
    );
    const OTHER_VALUE: &str = "not-signed: annotations-differ; missing alice; tells env=test";
    const OTHER_PAYLOAD: &str = "not-signed: other-payload; missing alice; tells identities";
    const BUNDLE: Expect<'_> = Expect::Denied(
        403,
        "not-signed: signed-in-another-format (bundle); missing bob; tells image-trust collect",
        UNKNOWN,
    );
    const FOR_ANOTHER: Expect<'_> = Expect::Denied(403, OTHER_PAYLOAD, "No Signature Layer passed verification");
    // What is under a bundle's tag, and the manifest that it names.
    const LOOK_CLOSER: &str = "manifest_digest oci_manifest evidence oci_manifest oci_manifest";
    let digests: BTreeMap<&str, String> = IMAGES.iter().map(|name| (*name, digest(name))).collect();
    let pinned = |name: &str, evidence| Expect::Pinned(&digests[name], evidence);
    let signed_as = format!("{}/live/tag2", registry.host());
    let not_as = format!("not-signed: identity-differs; missing alice; tells \"{signed_as}\", self");
    let both = json!({"with": {"trustRoot": "alice", "annotations": {"env": "prod", "odd": "<b>&ü/"}}});
    let as_itself = named(&["self"]);
    // the image, the rule, the host calls, what comes out, the reason
    #[rustfmt::skip]
    let table: &[(&str, Value, &str, Expect<'_>, &str)] = &[
        ("tag2", by("alice"), LOOK, pinned("tag2", GUEST), "cosign 2, P-256"),
        ("tag3", by("bob"), LOOK, pinned("tag3", GUEST), "cosign 3 in the old format, P-256"),
        ("index", by("alice"), LOOK, pinned("index", GUEST), "an index is signed by its own digest, and pinned to it"),
        ("docker", by("alice"), LOOK, pinned("docker", GUEST), "a Docker image"),
        ("list", by("alice"), LOOK, pinned("list", GUEST), "a Docker manifest list"),
        ("two", of_both(2), LOOK, pinned("two", GUEST), "two signatures under one tag, of two generations of cosign"),
        ("two", of_both(1), LOOK, pinned("two", GUEST), "the first yes is enough"),
        ("tag3", of_both(1), LOOK, pinned("tag3", GUEST), "one of two, and the first that is tried is not it"),
        ("tag2", of_both(2), LOOK_ON, ONE_OF_TWO, "one of two is missing"),
        ("twice", by("alice"), LOOK, pinned("twice", GUEST), "signing twice with one key does no harm"),
        ("twice", of_both(2), LOOK_ON, ONE_OF_TWO, "and counts as one signer"),
        ("annotated", asking(by("alice")), ASK, pinned("annotated", HOST), "more annotations than are asked for: only the host reads them"),
        ("annotated", asking(annotated("env", "prod")), ASK, pinned("annotated", HOST), "one of two annotations that are there"),
        ("annotated", asking(annotated("odd", "<b>&ü/")), ASK, pinned("annotated", HOST), "one that Go escapes"),
        ("annotated", both, LOOK, pinned("annotated", GUEST), "all that are there: the payload can be written again"),
        ("annotated", asking(annotated("env", "test")), "manifest_digest oci_manifest evidence verify verify verify", Expect::Denied(403, OTHER_VALUE, MISSING), "there with another value"),
        ("tag2", annotated("env", "test"), LOOK_ON, Expect::Denied(403, OTHER_VALUE, ""), "nothing was annotated"),
        ("unsigned", by("alice"), LOOK_AROUND, UNSIGNED, "nobody signed"),
        ("other", by("alice"), LOOK_ON, OTHER, "bob signed, and alice is asked for"),
        ("bundle", by("bob"), LOOK_CLOSER, BUNDLE, "cosign 3's own format can't be read, and that is said"),
        ("tag2", as_itself.clone(), LOOK, pinned("tag2", GUEST), "signed under its own name, as the rule wants"),
        ("tag2", named(&["example.com/a", "example.com/b"]), LOOK_ON, Expect::Denied(403, &not_as, ""), "signed under its own name, and the rule wants others"),
        ("copied", asking(by("alice")), ASK, pinned("copied", HOST), "the digest is what is signed: without identities nobody compares the repository in the payload"),
        ("copied", as_itself.clone(), LOOK_ON, Expect::Denied(403, OTHER_PAYLOAD, ""), "signed elsewhere, and the rule wants this repository; the host is not asked"),
        ("copied", named(&["self", &signed_as]), LOOK, pinned("copied", GUEST), "signed elsewhere, where the rule accepts it"),
        ("victim", asking(by("alice")), ASK, FOR_ANOTHER, "a good signature under the tag of an image that it isn't for"),
        ("victim", as_itself, LOOK_ON, Expect::Denied(403, OTHER_PAYLOAD, ""), "nor by its name"),
    ];
    let rows: Vec<Row<'_>> = table
        .iter()
        .map(|(name, rule, calls, expect, why)| Row {
            image: image(name),
            rule: rule.clone(),
            calls,
            expect: *expect,
            why,
        })
        .collect();
    check(&rows, registry.host(), &keys, &host(&[registry.host()]));
}

/// Keys that cosign did not make itself.
#[test]
fn keys_of_every_algorithm_prove() {
    let folder = tempfile::tempdir().unwrap();
    let (cosign2, cosign3) = (Cosign::find("cosign2", folder.path()), Cosign::find("cosign3", folder.path()));
    let (Some(registry), Some(cosign2), Some(cosign3)) = (DockerRegistry::start(), cosign2, cosign3) else {
        return;
    };
    // the name, what openssl makes, by whom it is signed, the reason
    type Key<'a> = (&'a str, &'a [&'a str], &'a Cosign<'a>, Format, &'a str);
    #[rustfmt::skip]
    let table: [Key<'_>; 6] = [
        ("rsa", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], &cosign2, Format::Tag, "RSA, PKCS #1 v1.5 and SHA-256"),
        ("rsa3", &["RSA", "-pkeyopt", "rsa_keygen_bits:3072"], &cosign3, Format::TagBy3, "the same by cosign 3"),
        ("ed", &["ED25519"], &cosign2, Format::Tag, "Ed25519"),
        ("ed3", &["ED25519"], &cosign3, Format::TagBy3, "cosign 3 makes it Ed25519ph, which is another algorithm"),
        ("p384", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], &cosign2, Format::Tag, "cosign 2 takes SHA-256 with every curve"),
        ("p384by3", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], &cosign3, Format::TagBy3, "cosign 3 takes SHA-384 with this one"),
    ];
    let stranger = ("stranger", cosign2.generate("stranger"));
    let live = host(&[registry.host()]);
    for (name, algorithm, cosign, format, why) in table {
        let openssl = Command::new("openssl")
            .args(["genpkey", "-out", &format!("{name}.pem"), "-algorithm"])
            .args(algorithm)
            .current_dir(folder.path())
            .output();
        if !openssl.is_ok_and(|output| output.status.success()) {
            skipped("keys that cosign doesn't make", "openssl is not on PATH, or can't make them");
            return;
        }
        // cosign 2.5 can't import these, and uses what cosign 3 imported.
        let keys = [("root", cosign3.import(name)), stranger.clone()];
        let digest = registry.push(name, "1", ImageKind::Oci, name);
        cosign.sign(format, name, &[format!("{}/{name}@{digest}", registry.host())], &[]);
        let row = |root: &str, calls, expect, why| Row {
            image: format!("{}/{name}:1", registry.host()),
            rule: by(root),
            calls,
            expect,
            why,
        };
        let no = Expect::Denied(403, "not-signed: other-keys; missing stranger; tells key of stranger", "");
        let rows = [
            row("root", LOOK, Expect::Pinned(&digest, GUEST), why),
            row("stranger", LOOK_ON, no, "another algorithm's signature"),
        ];
        check(&rows, registry.host(), &keys, &live);
    }
}

/// A registry with a password: the policy server's own credentials are what counts, and without them nothing is known.
#[test]
fn credentials_are_the_policy_servers() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(registry), Some(cosign)) =
        (DockerRegistry::start_with_password(), Cosign::find("cosign2", folder.path()))
    else {
        return;
    };
    let config = folder.path().join("config.json");
    fs::write(&config, format!(r#"{{"auths":{{"{}":{{"auth":"{BASIC}"}}}}}}"#, registry.host())).unwrap();
    let keys = [("alice", cosign.generate("alice"))];
    let digest = registry.push("private", "1", ImageKind::Oci, "x");
    cosign.sign(Format::Tag, "alice", &[format!("{}/private@{digest}", registry.host())], &[]);
    let loopback = LiveConfig::loopback([registry.host().to_owned()]);
    let as_alice = LiveConfig { docker_config: Some(config), ..loopback.clone() };
    let refused = Expect::Denied(
        503,
        "evidence-unavailable: unauthorized; undecided alice; tells imagePullSecret",
        "Not authorized: url",
    );
    // In this order: the host's memory of digests and manifests is the whole process's, and doesn't ask who asks.
    for (config, calls, expect, why) in [
        (loopback, "manifest_digest", refused, "nobody's password"),
        (as_alice, LOOK, Expect::Pinned(&digest, GUEST), "alice's password"),
    ] {
        let image = format!("{}/private:1", registry.host());
        let row = Row { image, rule: by("alice"), calls, expect, why };
        check(&[row], registry.host(), &keys, &Arc::new(Live::new(config).unwrap()));
    }
}
