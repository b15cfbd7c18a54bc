//! What is under the tag when the command ends in the middle of its work?

use image_trust_testbed::loopback::{Fault, Scope};
use serde_json::Value;

use super::bed::{BUNDLE, Bed, DSSE, REPOSITORY, contents, evidence_tag, layer};

/// A registry in which one bundle was collected, and then more was found: two that fit, and two that need manifests of their own.
fn bed() -> Bed {
    let bed = Bed::new();
    let first = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "first")]);
    bed.list(&bed.image, std::slice::from_ref(&first));
    assert_eq!(bed.collect(&["--to", &to(&bed)]).code, Some(0));
    let large = |n: u8| layer(DSSE, &n.to_string().repeat(300_000));
    let more = bed.refer(&bed.image, BUNDLE, &[layer(BUNDLE, "second"), layer(BUNDLE, "third"), large(1), large(2)]);
    bed.list(&bed.image, &[first, more]);
    bed.registry.forget_requests();
    bed
}

fn to(bed: &Bed) -> String {
    format!("{}/trust/evidence", bed.registry.host())
}

/// The evidence manifest, all of whose blobs and manifests are there.
fn complete(bed: &Bed) -> Value {
    let manifest = bed.manifest_in("trust/evidence", &evidence_tag(&bed.image)).expect("evidence");
    contents(&manifest);
    let blob = |digest: &Value| {
        let path = format!("/v2/trust/evidence/blobs/{}", digest.as_str().expect("a digest"));
        image_trust_testbed::http::try_ask(&bed.registry.host(), "HEAD", &path, &[], b"").expect("an answer").status
    };
    for layer in manifest["layers"].as_array().expect("a list") {
        assert_eq!(blob(&layer["digest"]), 200, "{layer}");
        if let Some(pointer) = layer["annotations"]["dev.image-trust.manifest"].as_str() {
            let pointed = bed.manifest_in("trust/evidence", pointer).expect("a manifest that is named");
            assert_eq!(pointed["config"]["digest"], layer["digest"]);
        }
    }
    manifest
}

#[test]
fn whatever_write_is_the_last_one_readers_find_the_old_or_all_of_the_new() {
    let whole = bed();
    let old = complete(&whole);
    assert_eq!(whole.collect(&["--to", &to(&whole)]).code, Some(0));
    let new = complete(&whole);
    assert_eq!([&old, &new].map(|manifest| manifest["layers"].as_array().map(Vec::len)), [Some(1), Some(5)]);
    let is_write =
        |request: &&image_trust_testbed::loopback::Request| !["GET", "HEAD"].contains(&request.method.as_str());
    let writes = whole.registry.requests().iter().filter(is_write).count();
    // Four blobs are begun and ended; two manifests that are named; the one that names them.
    assert_eq!(writes, 4 * 2 + 2 + 1);

    for last in 0..=writes {
        let bed = bed();
        let mut faults = vec![Fault::Honest; last];
        faults.push(Fault::ServerError);
        bed.registry.fail(Scope::Writes, Fault::InTurn(faults));
        let ran = bed.collect(&["--to", &to(&bed)]);
        let expected = if last == writes { (Some(0), &new) } else { (Some(1), &old) };
        assert_eq!((ran.code, &complete(&bed)), expected, "after {last} writes: {}", ran.stderr);
        bed.registry.heal();
        assert_eq!(bed.collect(&["--to", &to(&bed)]).code, Some(0), "after {last} writes");
        assert_eq!(complete(&bed), new, "after {last} writes and another run");
    }
}

/// The evidence for the index is pushed last, after that of its platforms.
#[test]
fn what_was_not_tried_is_told() {
    let bed = Bed::of(image_trust_testbed::loopback::ImageKind::Index);
    let platforms = bed.platforms();
    for digest in [&bed.image, &platforms[0], &platforms[1]] {
        let found = bed.refer(digest, BUNDLE, &[layer(BUNDLE, digest)]);
        bed.list(digest, &[found]);
    }
    let refused = Scope::Manifest { repository: REPOSITORY.to_owned(), reference: evidence_tag(&platforms[0]) };
    bed.registry.fail(Scope::Method("PUT", Box::new(refused)), Fault::Forbidden);
    let ran = bed.collect(&[]);
    let outcomes: Vec<String> = ran.evidence().into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!((ran.code, outcomes), (Some(1), ["failed", "failed", "pushed"].map(str::to_owned).to_vec()));
    let there = [&bed.image, &platforms[0], &platforms[1]].map(|digest| bed.evidence(digest).is_some());
    assert_eq!(there, [false, false, true]);
}
