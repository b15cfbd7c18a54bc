//! `image-trust collect`: evidence in every place where it can lie, and what is under its tag afterwards.

use std::{collections::BTreeMap, fs};

use image_trust_testbed::loopback::{Fault, ImageKind, Scope, Signer, digest_of, signature_tag};
use serde_json::{Value, json};

mod bed;
mod check;
mod documents;
mod errors;
mod halfway;
mod notary;

use bed::{BUNDLE, Bed, COSE, DSSE, INDEX, JOSE, MANIFEST, REPOSITORY, SIGNATURE, contents, evidence_tag, layer, tag};

/// A bundle in a file about these digests.
fn bundle_about(digests: &[&str]) -> String {
    use base64ct::{Base64, Encoding as _};
    let subject: Vec<Value> =
        digests.iter().map(|digest| json!({"digest": {"sha256": digest.trim_start_matches("sha256:")}})).collect();
    let payload = Base64::encode_string(json!({"subject": subject}).to_string().as_bytes());
    json!({"mediaType": BUNDLE, "dsseEnvelope": {"payload": payload}}).to_string()
}

/// A setup, the flags, the media types that are found, the exit code, and the reason.
type Row = (fn(&Bed), &'static [&'static str], &'static [&'static str], i32, &'static str);

#[test]
fn evidence_is_found_wherever_it_lies() {
    let rows: [Row; 20] = [
        (|_| {}, &[], &[], 3, "nothing"),
        (
            |bed| Signer::named("alice").sign(&bed.registry, REPOSITORY, &bed.image, &BTreeMap::new()).expect("signed"),
            &[],
            &[SIGNATURE],
            0,
            "cosign 2",
        ),
        (
            |bed| {
                let tag = format!("{}.att", tag(&bed.image));
                bed.put(
                    REPOSITORY,
                    Some(&tag),
                    json!({}),
                    &[layer(DSSE, "one"), layer(DSSE, "two"), layer("a/b", "c")],
                );
            },
            &[],
            &[DSSE, DSSE],
            0,
            "attestations of cosign 2, and what is no evidence",
        ),
        (
            |bed| {
                bed.registry.offer_referrers(10);
                let config = json!({"mediaType": "application/vnd.dev.cosign.artifact.sig.v1+json", "digest": digest_of(b"{}"), "size": 2});
                let subject = json!({"mediaType": MANIFEST, "digest": bed.image, "size": 1});
                bed.put(REPOSITORY, None, json!({"config": config, "subject": subject}), &[layer(SIGNATURE, "a")]);
            },
            &[],
            &[SIGNATURE],
            0,
            "cosign 2 with `--registry-referrers-mode=oci-1-1`",
        ),
        (
            |bed| {
                let bundle = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "a")]);
                let sbom = bed.refer(&bed.image, "application/spdx+json", &[layer("application/spdx+json", "{}")]);
                bed.list(&bed.image, &[bundle, sbom]);
            },
            &[],
            &[BUNDLE],
            0,
            "cosign 3, whose fallback index says the same of everything",
        ),
        (
            |bed| {
                bed.registry.offer_referrers(2);
                for n in 0..7 {
                    bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, &n.to_string())]);
                }
            },
            &[],
            &[BUNDLE; 7],
            0,
            "a list of referrers with four pages",
        ),
        (
            |bed| {
                let old = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "old")]);
                bed.list(&bed.image, &[old]);
                let other = json!({"mediaType": MANIFEST, "digest": "sha256:00", "size": 1});
                bed.registry.offer_referrers(1);
                bed.put(REPOSITORY, None, json!({"subject": other}), &[layer(BUNDLE, "of another image")]);
                bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "new")]);
            },
            &[],
            &[BUNDLE; 2],
            0,
            "a fallback index from before the registry had the API",
        ),
        (
            |bed| {
                bed.registry.offer_referrers(1);
                for kind in [JOSE, COSE] {
                    bed.refer(&bed.image, "application/vnd.cncf.notary.signature", &[layer(kind, "x")]);
                }
            },
            &[],
            &[COSE, JOSE],
            0,
            "Notation",
        ),
        (
            |bed| {
                let two = [layer(BUNDLE, "a"), layer(BUNDLE, "a")];
                let bundles = [bed.refer(&bed.image, BUNDLE, &two), bed.refer(&bed.image, "x/y", &two)];
                bed.list(&bed.image, &bundles);
            },
            &[],
            &[BUNDLE],
            0,
            "the same twice, and twice again",
        ),
        (
            |bed| {
                let tag = signature_tag(&bed.image);
                bed.put("trust/signatures", Some(&tag), json!({}), &[layer(SIGNATURE, "a")]);
            },
            &["--from", "{host}/trust/signatures"],
            &[SIGNATURE],
            0,
            "another repository (`COSIGN_REPOSITORY`)",
        ),
        (
            |bed| {
                let (ours, other) = (bundle_about(&[&bed.image, "sha256:00"]), bundle_about(&[&digest_of(b"other")]));
                bed.write("bundles.jsonl", &format!("{ours}\n{other}\n"));
            },
            &["--bundle", "bundles.jsonl"],
            &[BUNDLE],
            4,
            "bundles from a file, one of them about another image",
        ),
        (
            |bed| {
                let bundle = bundle_about(&[&bed.image]);
                let found = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, &bundle)]);
                bed.list(&bed.image, &[found]);
                bed.write("bundle", &bundle);
            },
            &["--bundle", "bundle"],
            &[BUNDLE],
            0,
            "a bundle from a file that lies beside the image, too",
        ),
        (
            |bed| {
                let two = [bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "a")]), bed.refer(&bed.image, "x/y", &[])];
                bed.list(&bed.image, &two);
                let lie = Scope::Manifest { repository: REPOSITORY.to_owned(), reference: two[1].clone() };
                bed.registry.fail(lie, Fault::OtherBytes(b"{}".to_vec()));
            },
            &[],
            &[BUNDLE],
            4,
            "a referrer that is another one",
        ),
        (
            |bed| {
                bed.write("a.json", &bundle_about(&[&bed.image]));
                bed.write("b.json", "{}");
            },
            &["--bundle", "a.json", "--bundle", "b.json"],
            &[BUNDLE],
            4,
            "a file that holds no bundle",
        ),
        (
            |bed| {
                bed.put(REPOSITORY, Some(&signature_tag(&bed.image)), json!({"layers": 3}), &[]);
                bed.list(
                    &bed.image,
                    &["sha256:0000000000000000000000000000000000000000000000000000000000000000".to_owned()],
                );
            },
            &[],
            &[],
            4,
            "what is no manifest, and a referrer that is not there",
        ),
        (
            |bed| {
                let tag = signature_tag(&bed.image);
                bed.put(REPOSITORY, Some(&tag), json!({}), &[layer(SIGNATURE, "a"), layer(SIGNATURE, "b")]);
                let lie = Scope::Blob { repository: REPOSITORY.to_owned(), digest: digest_of(b"a") };
                bed.registry.fail(lie, Fault::OtherBytes(b"c".to_vec()));
            },
            &[],
            &[SIGNATURE],
            4,
            "a blob that is another one",
        ),
        (
            |bed| {
                let huge = "x".repeat((4 << 20) + 1);
                let tag = signature_tag(&bed.image);
                bed.put(REPOSITORY, Some(&tag), json!({}), &[layer(SIGNATURE, "a"), layer(SIGNATURE, &huge)]);
            },
            &[],
            &[SIGNATURE],
            4,
            "what is larger than anything that can be read",
        ),
        (
            |bed| {
                let huge = layer(DSSE, &"x".repeat((4 << 20) + 1));
                bed.put(REPOSITORY, Some(&format!("{}.att", bed.image.replace(':', "-"))), json!({}), &[huge]);
            },
            &[],
            &["application/vnd.image-trust.left-out.v1+json"],
            4,
            "an attestation that is larger than anything that can be read",
        ),
        (
            |bed| {
                let mut chatty = layer(SIGNATURE, "a");
                chatty.annotations = json!({"a": "x".repeat(300_000)});
                bed.put(REPOSITORY, Some(&signature_tag(&bed.image)), json!({}), &[chatty]);
            },
            &[],
            &[],
            4,
            "nothing but what can't be held: no empty manifest is pushed",
        ),
        (
            |bed| {
                bed.registry.fail(Scope::Referrers, Fault::Says(200, "<html>"));
                Signer::named("alice").sign(&bed.registry, REPOSITORY, &bed.image, &BTreeMap::new()).expect("signed");
            },
            &[],
            &[SIGNATURE],
            0,
            "a registry that answers to the referrers API with a page for people",
        ),
    ];
    for (setup, flags, expected, code, why) in rows {
        let bed = Bed::new();
        setup(&bed);
        let host = bed.registry.host();
        let flags: Vec<String> = flags.iter().map(|flag| flag.replace("{host}", &host)).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let ran = bed.collect(&flags);
        let outcome = if expected.is_empty() { "nothing" } else { "pushed" };
        let found = expected.iter().map(ToString::to_string).collect();
        assert_eq!(ran.evidence(), [(String::new(), outcome.to_owned(), found)], "{why}: {}", ran.stderr);
        assert_eq!((ran.code, ran.stderr.is_empty()), (Some(code), code != 4), "{why}: {}", ran.stderr);
        let huge = format!("/blobs/{}", digest_of("x".repeat((4 << 20) + 1).as_bytes()));
        assert!(bed.registry.requests().iter().all(|request| !request.path.ends_with(&huge)), "{why}");
        let there = bed.evidence(&bed.image);
        let layers = there.map(|manifest| manifest["layers"].as_array().cloned().unwrap_or_default());
        assert_eq!(layers.unwrap_or_default().len(), expected.len(), "{why}");
        // The second run finds what the first one pushed, and nothing to do.
        let again = bed.collect(&flags);
        let outcome = if expected.is_empty() { "nothing" } else { "unchanged" };
        assert_eq!((again.code, again.outcome().as_str()), (Some(code), outcome), "{why}: {}", again.stderr);
    }
}

#[test]
fn an_index_and_its_platforms_each_have_their_own() {
    let bed = Bed::of(ImageKind::Index);
    let platforms = bed.platforms();
    let unsigned = bed.collect(&[]);
    let nothing = |platform: &str| (platform.to_owned(), "nothing".to_owned(), vec![]);
    assert_eq!(
        (unsigned.code, unsigned.evidence()),
        (Some(3), ["", "linux/amd64", "linux/arm64"].map(nothing).to_vec())
    );

    Signer::named("alice").sign(&bed.registry, REPOSITORY, &bed.image, &BTreeMap::new()).expect("signed");
    bed.write("bundle", &bundle_about(&[&platforms[1]]));
    let ran = bed.collect(&["--bundle", "bundle"]);
    let expected = [
        (String::new(), "pushed".to_owned(), vec![SIGNATURE.to_owned()]),
        nothing("linux/amd64"),
        ("linux/arm64".to_owned(), "pushed".to_owned(), vec![BUNDLE.to_owned()]),
    ];
    assert_eq!((ran.code, ran.evidence()), (Some(0), expected.to_vec()), "{}", ran.stderr);
    let there = [&bed.image, &platforms[0], &platforms[1]].map(|digest| bed.evidence(digest).is_some());
    assert_eq!(there, [true, false, true]);
}

#[test]
fn attestations_of_buildkit_are_no_platform() {
    let bed = Bed::of(ImageKind::Index);
    let mut index = bed.manifest(&bed.image).expect("an index");
    index["manifests"][1]["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    bed.registry.put_manifest(REPOSITORY, Some("1"), INDEX, index.to_string().as_bytes());
    assert_eq!(bed.collect(&[]).evidence().len(), 2);
}

#[test]
fn bytes_are_those_that_were_signed() {
    let bed = Bed::new();
    let bundle = "{\n  \"mediaType\" : \"\\u0061\" ,\"x\":1.50 }\n";
    let found = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, bundle)]);
    bed.list(&bed.image, &[found]);
    assert_eq!(bed.collect(&[]).code, Some(0));
    let manifest = bed.evidence(&bed.image).expect("evidence");
    assert_eq!(contents(&manifest), BTreeMap::from([(digest_of(bundle.as_bytes()), bundle.to_owned())]));
    let annotations = manifest["layers"][0]["annotations"].as_object().expect("annotations");
    let names: Vec<&str> = annotations.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["dev.image-trust.content", "dev.sigstore.bundle.content", "of"],
        "no date, so bytes stay the same"
    );

    // Found in another order, and in another registry, it is the same manifest.
    let other = Bed::new();
    let more = other.refer(&other.image, "x/y", &[layer(BUNDLE, bundle)]);
    other.list(&other.image, &[more]);
    assert_eq!(other.collect(&[]).code, Some(0));
    let digest = |bed: &Bed| bed.registry.manifest(REPOSITORY, &evidence_tag(&bed.image)).expect("evidence").digest;
    assert_eq!(digest(&bed), digest(&other));
}

#[test]
fn evidence_goes_where_it_is_told() {
    let bed = Bed::new();
    let found = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "a"), layer(DSSE, &"x".repeat(300_000))]);
    bed.list(&bed.image, &[found]);
    let tags = |repository: &str| {
        let path = format!("/v2/{repository}/tags/list");
        let answer =
            image_trust_testbed::http::try_ask(&bed.registry.host(), "GET", &path, &[], b"").expect("an answer");
        let list: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        list["tags"].as_array().map(Vec::len)
    };
    let before = tags(REPOSITORY);

    let dry = bed.collect(&["--dry-run"]);
    assert_eq!((dry.code, dry.outcome().as_str()), (Some(0), "would-push"));
    let folder = bed.collect(&["--out", "layout"]);
    assert_eq!((folder.code, folder.outcome().as_str()), (Some(0), "written"), "{}", folder.stderr);
    let index = fs::read(bed.dir.path().join("layout/index.json")).expect("a layout");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(2), "the evidence and the large item");
    let again = bed.collect(&["--out", "layout"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("expected an empty folder"), "{}", again.stderr);
    let to = format!("{}/trust/evidence", bed.registry.host());
    let elsewhere = bed.collect(&["--to", &to]);
    assert_eq!((elsewhere.code, elsewhere.outcome().as_str()), (Some(0), "pushed"), "{}", elsewhere.stderr);
    assert_eq!((tags(REPOSITORY), tags("trust/evidence")), (before, Some(2)), "and nothing beside the image");

    let manifest = bed.manifest_in("trust/evidence", &evidence_tag(&bed.image)).expect("evidence");
    let pointer = manifest["layers"][1]["annotations"]["dev.image-trust.manifest"].as_str().expect("a pointer");
    let pointed = bed.manifest_in("trust/evidence", pointer).expect("a manifest");
    assert_eq!(pointed["config"]["digest"], manifest["layers"][1]["digest"]);
    assert_eq!(
        pointed,
        bed.manifest_in("trust/evidence", &format!("{}.1", evidence_tag(&bed.image))).expect("its tag")
    );
    assert_eq!(elsewhere.told["images"][0]["evidence"][0]["items"][1]["manifest"].as_str(), Some(pointer));
    assert_eq!(bed.collect(&["--to", &to]).outcome(), "unchanged");
    // What is told to programs holds also for those who ask for nothing.
    assert_eq!(bed.collect(&["--to", "a:b"]).code, Some(2));
}

#[test]
fn what_is_lost_is_told() {
    let bed = Bed::new();
    Signer::named("alice").sign(&bed.registry, REPOSITORY, &bed.image, &BTreeMap::new()).expect("signed");
    bed.write("bundle", &bundle_about(&[&bed.image]));
    assert_eq!(bed.collect(&["--bundle", "bundle"]).code, Some(0));
    let ran = bed.collect(&[]);
    assert_eq!((ran.code, ran.outcome().as_str()), (Some(0), "pushed"));
    assert!(ran.stderr.contains("give its file with --bundle to keep it"), "{}", ran.stderr);
    assert_eq!(ran.told["images"][0]["evidence"][0]["lost"].as_array().map(Vec::len), Some(1));
    // Where nothing is found any more, nothing is changed.
    let sig = Scope::Manifest { repository: REPOSITORY.to_owned(), reference: signature_tag(&bed.image) };
    bed.registry.fail(sig, Fault::NotFound);
    let ran = bed.collect(&[]);
    assert_eq!((ran.code, ran.outcome().as_str()), (Some(3), "nothing"));
    assert!(ran.stderr.contains("its evidence manifest stays as it is"), "{}", ran.stderr);
    assert!(bed.evidence(&bed.image).is_some());
}

#[test]
fn a_table_is_for_people() {
    let bed = Bed::of(ImageKind::Index);
    let found = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "a"), layer(BUNDLE, "b"), layer(SIGNATURE, "c")]);
    bed.list(&bed.image, &[found]);
    let missing = format!("{}/shop/none:1", bed.registry.host());
    let args = ["collect", &bed.name(), &missing, "--sources-path", "sources.yaml"];
    let output = crate::command::image_trust(bed.dir.path(), &args, "");
    let (stdout, stderr) = (crate::command::text(&output.stdout), crate::command::text(&output.stderr));
    let lines: Vec<String> = stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let short = |digest: &str| format!("{}…", &digest[..19]);
    let platforms = bed.platforms();
    let expected = [
        "image platform digest evidence result".to_owned(),
        format!("{} {} 2 bundles, 1 signature pushed", bed.name(), short(&bed.image)),
        format!("linux/amd64 {} nothing found", short(&platforms[0])),
        format!("linux/arm64 {} nothing found", short(&platforms[1])),
        format!("{missing} failed"),
    ];
    assert_eq!((output.status.code(), lines), (Some(1), expected.to_vec()), "{stderr}");
    assert!(stderr.starts_with(&format!("Error: {missing}: there is no image")), "{stderr}");
}
