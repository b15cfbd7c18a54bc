//! Does every byte of an object survive, but for the images?
//!
//! The corpus can't tell: it goes through a JSON tree, as real hosts do, and a tree forgets how numbers were written and in which order keys came.

use image_trust::{Digest, answer};
use image_trust_testbed::{host::FakeHost, registry};

const ALICE: &str = include_str!("keys/alice.pub");

/// Every image has one digest, and alice signed it as Docker Hub's nginx.
fn host() -> FakeHost<'static> {
    let digest = Digest::of(b"an image");
    let payload = registry::payload("docker.io/library/nginx", digest);
    FakeHost::new().every_digest(digest).signatures(digest, registry::signature_manifest(&["alice"], &payload))
}

fn answer_to(object: &str) -> String {
    let settings = serde_json::json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "key": ALICE}]}],
        "policy": [{"pattern": "*:*"}],
    });
    let payload = format!(
        r#"{{"request":{{"kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","object":{object}}},"settings":{settings}}}"#
    );
    serde_json::to_string(&answer::validate(payload.as_bytes(), &host())).unwrap()
}

#[test]
fn only_the_images_change() {
    let digest = Digest::of(b"an image");
    // Each row: an object with IMAGE where the image stands, the image's JSON text, what becomes of it, and why it is here.
    let rows = [
        (
            r#"{"spec":{"containers":[{"image":IMAGE}]}}"#,
            r#""nginx:1""#,
            format!(r#""nginx:1@{digest}""#),
            "the plain case",
        ),
        (
            r#"{ "spec" :{"containers":[ {"image":   IMAGE }]	} }"#,
            r#""nginx""#,
            format!(r#""nginx:latest@{digest}""#),
            "white space",
        ),
        (
            r#"{"z":1e2,"a":1.10,"n":12345678901234567890123,"f":-0.0,"spec":{"containers":[{"image":IMAGE,"x":1E+2}]}}"#,
            r#""nginx:1""#,
            format!(r#""nginx:1@{digest}""#),
            "numbers as they were written, keys in their order",
        ),
        (
            r#"{"x":1,"x":2,"s":"\u0041\/","spec":{"future":{"image":"nginx:1"},"containers":[{"image":IMAGE}]}}"#,
            r#""nginx:1""#,
            format!(r#""nginx:1@{digest}""#),
            "what nobody reads may be odd, and look like an image",
        ),
        (
            r#"{"spec":{"containers":[{"image":IMAGE}]}}"#,
            r#""\u006eginx:1""#,
            format!(r#""nginx:1@{digest}""#),
            "an escaped image",
        ),
        (
            r#"{"spec":{"containers":[{"image":IMAGE,"name":"é\"}]"},{"image":IMAGE}],"volumes":[{"image":{"reference":IMAGE}}],"initContainers":[{"image":IMAGE}]}}"#,
            r#""nginx:1""#,
            format!(r#""nginx:1@{digest}""#),
            "several slots, in another order than they are read",
        ),
    ];
    for (object, image, pinned, why) in rows {
        let answer = answer_to(&object.replace("IMAGE", image));
        let expected = format!(r#""mutated_object":{}"#, object.replace("IMAGE", &pinned).trim());
        assert!(answer.contains(&expected), "{why}:\n{answer}\ndoes not hold\n{expected}");
    }
}

#[test]
fn members_that_are_there_twice_are_denied() {
    let rows = [
        r#"{"spec":{"containers":[{"image":"nginx:1"}]},"spec":{"containers":[{"image":"evil.io/x"}]}}"#,
        r#"{"spec":{"containers":[{"image":"nginx:1"}],"containers":[{"image":"evil.io/x"}]}}"#,
        r#"{"spec":{"containers":[{"image":"nginx:1","\u0069mage":"evil.io/x"}]}}"#,
        r#"{"spec":{"containers":[{"image":"nginx:1"}],"volumes":[{"image":{"reference":"a","reference":"b"}}]}}"#,
    ];
    for object in rows {
        let answer = answer_to(object);
        assert!(answer.starts_with(r#"{"accepted":false,"#) && answer.contains(r#""code":400"#), "{object}: {answer}");
    }
}

/// The object's size is its maker's choice, and the answer goes to logs, audit records and terminals.
#[test]
fn answers_are_bounded() {
    let odd = "\u{10fffe}".repeat(200);
    // Each row: what a container holds beside its name, how many of them, the denials, what the message says, and why it is here.
    let rows = [
        (String::new(), 1000, "400", "and ", "slots without an image"),
        (format!(r#","image":"{odd}""#), 1000, "400", " and 999 more: ", "one text that names no image, in many slots"),
        (format!(r#","image":"NUMBER{odd}""#), 100, "400", "and ", "as many of them as are told"),
        (format!(r#","image":"NUMBER{odd}""#), 101, "403", "it names 101 different images; at most 100", "one more"),
    ];
    for (image, many, code, says, why) in rows {
        let container =
            |number| format!(r#"{{"name":"{number}{odd}"{}}}"#, image.replace("NUMBER", &format!("{number}")));
        let containers: Vec<String> = (0..many).map(container).collect();
        let answer = answer_to(&format!(r#"{{"spec":{{"containers":[{}]}}}}"#, containers.join(",")));
        let read: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let message = read["message"].as_str().unwrap();
        assert!(answer.contains(&format!(r#""code":{code}"#)) && message.contains(says), "{why}: {message}");
        assert!(message.len() < 34_000 && answer.len() < 1_000_000, "{why}: {} and {}", message.len(), answer.len());
    }
}
