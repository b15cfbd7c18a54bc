//! Does a keyless signature count exactly if certificate, log entry, signature and payload prove it together?

use image_trust::{Digest, policy};
use serde_json::{Value, json};

use image_trust_testbed::conformance::{Image, Row, Says};
use image_trust_testbed::host::{answer_to_image, with_signatures};
use image_trust_testbed::{conformance, mint};

/// The outcome for the only image: `proven`, or the cause of the denial.
fn word(answer: &Value) -> String {
    let record: Value = serde_json::from_str(answer["audit_annotations"]["image-0"].as_str().unwrap()).unwrap();
    let word = |key: &str| record[key].as_str().map(str::to_owned);
    let verdict = word("verdict").unwrap();
    assert_eq!(answer["accepted"].as_bool(), Some(verdict != "denied"), "{answer}");
    word("cause").or(word("reason")).unwrap_or(verdict)
}

#[test]
fn signatures_are_judged_as_by_cosign_or_more_strictly() {
    let mut wrong = Vec::new();
    for (number, row) in conformance::all().iter().enumerate() {
        let image = Image {
            name: format!("localhost:5000/keyless/{number}"),
            digest: Digest::of(row.reason.as_bytes()).to_string(),
        };
        let settings = row.settings();
        let manifest = mint::manifest(&(row.mint)(&row.trusted, &image));
        let host = with_signatures(Digest::parse(&image.digest).unwrap(), manifest);
        let said = match policy::check(&settings.to_string()).is_empty() {
            true => word(&answer_to_image(&format!("{}:1", image.name), &settings.to_string(), &host)),
            false => "settings".to_owned(),
        };
        if said != row.here {
            wrong.push(format!("{}: {said}, not {}", row.reason, row.here));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// Checks that every difference from cosign is known, and is in `docs/explanation/divergences.md`.
#[test]
fn where_cosign_judges_otherwise_is_known() {
    let rows = conformance::all();
    let listed =
        |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).map(|row| row.reason).collect::<Vec<_>>();
    let says_yes = |says: Says| matches!(says, Says::Yes);
    let proven = |row: &Row| row.here == "proven";
    let by_none = |row: &Row| !says_yes(row.cosign2) && !says_yes(row.cosign3);
    let more = listed(&|row| proven(row) && by_none(row));
    let fewer = listed(&|row| !proven(row) && says_yes(row.cosign2) && says_yes(row.cosign3));
    let kinds_of_keys = [
        "a key on P-384, as cosign 3 signs",
        "a key on P-384, signed and logged with SHA-384",
        "an Ed25519 key",
        "an Ed25519 key, logged with SHA-512",
        "an Ed25519 key, as cosign 3 signs",
        "an Ed25519 key, signed and logged with SHA-512",
        "a log of certificates on P-384",
        "a log of signatures with an Ed25519 key",
    ];
    let rest = ["only the issuer of the second form", "a logged Ed25519 key"];
    assert_eq!(more, [&kinds_of_keys[..], &rest].concat(), "proven here, and by neither cosign");
    let of_certificates = [
        "the second name",
        "an entry with something more in it",
        "the issuer of the second form is another",
        "an address as a URI",
        "for no purpose",
        "not for signatures",
        "a leaf that is an authority",
        "two certificates",
    ];
    let loose = ["a pattern of a part", "a pattern for any letters"];
    assert_eq!(fewer, [&of_certificates[..], &loose].concat(), "proven by both, and not here");
}

/// Names of CAs can stand in a circle, in many ways at once; whoever walks all of them does not come back.
#[test]
fn authorities_in_a_circle_are_walked_once() {
    let ours = mint::Instance::new("ours");
    let mut trusted = ours.trusted_root();
    let list = trusted["certificateAuthorities"][0]["certChain"]["certificates"].as_array_mut().unwrap();
    // The intermediate, fifteen that are named as its issuer and issued by its name, and fifteen the other way round.
    list.truncate(1);
    for number in 0..15 {
        let ca = |name: &str| {
            let key_name = Some(format!("{name} {number}"));
            mint::Ca { name: name.to_owned(), key_name, path_len: None, ..mint::Ca::default() }
        };
        for der in [ours.intermediate.sub_ca(&ca("ours root")).der, ours.root.sub_ca(&ca("ours intermediate")).der] {
            list.push(json!({"rawBytes": mint::der::base64(&der)}));
        }
    }
    let identity = json!({"issuer": "https://issuer.example.com", "subject": "alice@example.com"});
    let validator = json!({"name": "default", "type": "cosign", "trustedRoot": trusted, "trustRoots": [{"name": "default", "keyless": identity}]});
    let settings = json!({"validators": [validator], "policy": [{"pattern": "*"}]});
    assert_eq!(policy::check(&settings.to_string()), []);
    let image = Image { name: "localhost:5000/a".to_owned(), digest: Digest::of(b"").to_string() };
    let layer = ours.sign(&mint::Leaf::default(), &image.payload());
    let host = with_signatures(Digest::of(b""), mint::manifest(&[layer]));
    assert_eq!(word(&answer_to_image(&format!("{}:1", image.name), &settings.to_string(), &host)), "certificate-path");
}
