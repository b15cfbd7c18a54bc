//! Images that real cosign signed, in a real registry.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use image_trust_harness::loopback::ImageKind;
use image_trust_harness::{Live, LiveConfig};
use serde_json::{Value, json};

use crate::docker_registry::{BASIC, DockerRegistry};
use crate::policy::{Expect, Row, by, check, host};
use crate::tools::{Cosign, Format, skipped};

/// Distinct signers, of two.
fn of_both(threshold: usize) -> Value {
    json!({"with": {"trustRoot": "*", "threshold": threshold}})
}

fn annotated(name: &str, value: &str) -> Value {
    json!({"with": {"trustRoot": "alice", "annotations": {name: value}}})
}

#[test]
fn what_cosign_signs_is_proven() {
    let folder = tempfile::tempdir().unwrap();
    let (cosign2, cosign3) = (Cosign::find("cosign2", folder.path()), Cosign::find("cosign3", folder.path()));
    let (Some(registry), Some(cosign2), Some(cosign3)) = (DockerRegistry::start(), cosign2, cosign3) else {
        return;
    };
    let keys = [("alice", cosign2.generate("alice")), ("bob", cosign3.generate("bob"))];
    let image = |name: &str| format!("{}/live/{name}:1", registry.host());
    for name in ["two", "tag3", "bundle", "twice", "annotated", "unsigned", "other", "victim"] {
        registry.push(&format!("live/{name}"), "1", ImageKind::Oci, name);
    }
    for (name, kind) in [("index", ImageKind::Index), ("docker", ImageKind::Docker), ("list", ImageKind::DockerList)] {
        registry.push(&format!("live/{name}"), "1", kind, name);
    }
    // The same image in two repositories, of which one is signed.
    for name in ["tag2", "copied"] {
        registry.push(&format!("live/{name}"), "1", ImageKind::Oci, "the same");
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

    type Denial<'a> = Option<(u16, &'a str, &'a str)>;
    const MISSING: &str = "Image verification failed: missing signatures";
    const UNSIGNED: Denial<'_> =
        Some((403, "not trusted: no signature could be found; missing trust root", "no signatures found for image"));
    const OTHER: Denial<'_> = Some((403, "not trusted: the signatures are by other keys; missing", MISSING));
    const TEST: Denial<'_> = Some((403, "or lack the annotations env=test; missing trust root alice", MISSING));
    const BOB_MISSING: &str = "1 of 2 needed: signed by trust root alice; missing trust root bob";
    const ONE_OF_TWO: Denial<'_> = Some((403, BOB_MISSING, MISSING));
    const FOR_ANOTHER: Denial<'_> =
        Some((403, "the signatures that are there are not for this image", "No Signature Layer passed verification"));
    // the image, the rule, the number of host calls, what comes out (pinned if nothing is said: the code, our words, the host's), the reason
    #[rustfmt::skip]
    let table: &[(&str, Value, usize, Denial<'_>, &str)] = &[
        ("tag2", by("alice"), 1, None, "cosign 2, P-256"),
        ("tag3", by("bob"), 1, None, "cosign 3 in the old format, P-256"),
        ("index", by("alice"), 1, None, "an index is signed by its own digest, and pinned to it"),
        ("docker", by("alice"), 1, None, "a Docker image"),
        ("list", by("alice"), 1, None, "a Docker manifest list"),
        ("two", of_both(2), 2, None, "two signatures under one tag, of two generations of cosign"),
        ("two", of_both(1), 1, None, "the first yes is enough"),
        ("tag3", of_both(1), 2, None, "one of two, and the first asked about is not it"),
        ("tag2", of_both(2), 2, ONE_OF_TWO, "one of two is missing"),
        ("twice", by("alice"), 1, None, "two signatures of one key do no harm"),
        ("twice", of_both(2), 2, ONE_OF_TWO, "and count as one signer"),
        ("annotated", by("alice"), 1, None, "more annotations than are asked for"),
        ("annotated", annotated("env", "prod"), 1, None, "an annotation that is there"),
        ("annotated", annotated("odd", "<b>&ü/"), 1, None, "one that Go escapes"),
        ("annotated", annotated("env", "test"), 1, TEST, "there with another value"),
        ("tag2", annotated("env", "test"), 1, TEST, "nothing was annotated"),
        ("unsigned", by("alice"), 1, UNSIGNED, "nobody signed"),
        ("other", by("alice"), 1, OTHER, "bob signed, and alice is asked for"),
        ("bundle", by("bob"), 1, UNSIGNED, "hosts don't read cosign 3's own format"),
        ("copied", by("alice"), 1, None, "the digest is what is signed: hosts don't compare the repository in the payload"),
        ("victim", by("alice"), 1, FOR_ANOTHER, "a good signature under the tag of an image that it isn't for"),
    ];
    let digests: Vec<String> = table.iter().map(|(name, ..)| digest(name)).collect();
    let rows: Vec<Row<'_>> = table
        .iter()
        .zip(&digests)
        .map(|((name, rule, host_calls, denial, why), digest)| Row {
            image: image(name),
            rule: rule.clone(),
            host_calls: *host_calls,
            expect: denial.map_or(Expect::Pinned(digest), |(code, words, said)| Expect::Denied(code, words, said)),
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
    // the name, what openssl makes, by whom it is signed, whether the host says yes, the reason
    type Key<'a> = (&'a str, &'a [&'a str], &'a Cosign<'a>, Format, bool, &'a str);
    #[rustfmt::skip]
    let table: [Key<'_>; 6] = [
        ("rsa", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], &cosign2, Format::Tag, true, "RSA, PKCS #1 v1.5 and SHA-256"),
        ("rsa3", &["RSA", "-pkeyopt", "rsa_keygen_bits:3072"], &cosign3, Format::TagBy3, true, "the same by cosign 3"),
        ("ed", &["ED25519"], &cosign2, Format::Tag, true, "Ed25519"),
        ("ed3", &["ED25519"], &cosign3, Format::TagBy3, false, "cosign 3 makes it Ed25519ph, which is another algorithm"),
        ("p384", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], &cosign2, Format::Tag, false, "cosign 2 takes SHA-256 with every curve, hosts SHA-384 with P-384"),
        ("p384by3", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], &cosign3, Format::TagBy3, true, "and so does cosign 3"),
    ];
    let live = host(&[registry.host()]);
    for (name, algorithm, cosign, format, accepted, why) in table {
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
        let keys = [("root", cosign3.import(name))];
        let digest = registry.push(name, "1", ImageKind::Oci, name);
        cosign.sign(format, name, &[format!("{}/{name}@{digest}", registry.host())], &[]);
        let expect = match accepted {
            true => Expect::Pinned(&digest),
            false => Expect::Denied(403, "the signatures are by other keys", "missing signatures"),
        };
        let image = format!("{}/{name}:1", registry.host());
        check(&[Row { image, rule: by("root"), host_calls: 1, expect, why }], registry.host(), &keys, &live);
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
    let refused = Expect::Denied(503, "the registry refused the policy server's credentials", "Not authorized: url");
    // In this order: the host's memory of digests and manifests is the whole process's, and doesn't ask who asks.
    for (config, expect, why) in
        [(loopback, refused, "nobody's password"), (as_alice, Expect::Pinned(&digest), "alice's password")]
    {
        let image = format!("{}/private:1", registry.host());
        let row = Row { image, rule: by("alice"), host_calls: 1, expect, why };
        check(&[row], registry.host(), &keys, &Arc::new(Live::new(config).unwrap()));
    }
}
