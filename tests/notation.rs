//! Are signatures that Notation and others made judged as by Notation?
//!
//! They are read where they lie, and are no part of the project.

use std::{fs, path::Path};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use image_trust::{
    Digest,
    evidence::notation::{JWS, RevocationSources, revocation_sources},
    policy,
};
use image_trust_testbed::{
    host::{FakeHost, answer_to_image, nothing},
    mint::{
        Authority, Extension, ISSUED, Key, der,
        evidence::{self, Item},
        notation::{self, Envelope, NotationLeaf},
        ocsp::{Delegate, DelegateTerms, OCSP_URL, OcspResponse, Status, ocsp_server, response_item},
    },
    suite,
};
use serde_json::{Map, Value, json};

/// The image that an envelope is about.
fn digest_of(envelope: &[u8]) -> Digest {
    let payload = match serde_json::from_slice::<Value>(envelope) {
        Ok(jws) => Base64UrlUnpadded::decode_vec(jws["payload"].as_str().unwrap()).unwrap_or_default(),
        Err(_) => envelope.to_vec(),
    };
    let text = String::from_utf8_lossy(&payload);
    let Some((_, rest)) = text.split_once(r#""digest":"sha256:"#) else { return Digest::of(b"none") };
    Digest::parse(&format!("sha256:{}", &rest[..64])).unwrap()
}

fn item(media_type: &'static str, bytes: Vec<u8>) -> Item {
    Item { media_type, bytes, annotations: Map::new() }
}

fn envelope(bytes: Vec<u8>) -> Item {
    let is_json = bytes.starts_with(b"{");
    item(if is_json { "application/jose+json" } else { "application/cose" }, bytes)
}

/// The verdict about the image that these items are about: `proven`, with what was not enforced, or the cause of the denial.
fn judged(root: &Value, with: &Value, items: &[Item], digest: Digest, now: u64) -> String {
    let mut trust_root = root.clone();
    trust_root["name"] = "default".into();
    let settings = json!({
        "validators": [{"name": "default", "type": "notation", "trustRoots": [trust_root]}],
        "policy": [{"pattern": "*", "with": with}],
    })
    .to_string();
    if let [problem, ..] = policy::check(&settings).as_slice() {
        return format!("settings: {problem}");
    }
    let manifest = evidence::manifest(items).to_string().into_bytes();
    let host = FakeHost::new().every_digest(digest).at(now).manifests(|image| match image.ends_with(".evidence") {
        true => Ok(manifest.clone()),
        false => nothing(),
    });
    let answer = answer_to_image("registry.example.com/app:1", &settings, &host);
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{answer:#}");
    }
    let record: Value = serde_json::from_str(answer["audit_annotations"]["image-0"].as_str().unwrap()).unwrap();
    let word = |key: &str| record[key].as_str().map(str::to_owned);
    let verdict = word("cause").or(word("reason")).or(word("verdict")).unwrap();
    match record["notProven"].as_array() {
        Some(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
            format!("{verdict} without {}", words.join(", "))
        }
        None => verdict,
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pem(path: &Path) -> String {
    let bytes = read(path);
    match String::from_utf8(bytes.clone()) {
        Ok(text) if text.contains("-----BEGIN") => text,
        _ => image_trust_testbed::mint::der::pem("CERTIFICATE", &bytes),
    }
}

/// The envelope below a folder.
fn envelope_in(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let found = entries.map(|entry| read(&entry.unwrap().path())).find(|bytes| {
        let is_jws = serde_json::from_slice::<Value>(bytes).is_ok_and(|json| json["protected"].is_string());
        is_jws || bytes.starts_with(&[0xd2])
    });
    found.unwrap_or_else(|| panic!("no envelope in {}", folder.display()))
}

/// A time at which the certificates of most samples are valid.
const NOW: u64 = 1_796_000_000;

#[test]
fn signatures_by_notation_are_proven() {
    let Some(evidence) = suite::evidence() else { return };
    let samples = evidence.join("../samples/notation");
    let names = ["docker", "ec256-jws", "ec384-jws", "ec521-jws", "rsa2048-cose", "rsa3072-cose", "rsa4096-cose"];
    for name in names {
        let bytes = envelope_in(&samples.join(name));
        let digest = digest_of(&bytes);
        let root = json!({"cert": pem(&samples.join("root.pem"))});
        assert_eq!(judged(&root, &json!({}), &[envelope(bytes.clone())], digest, NOW), "proven", "{name}");
        let another = Digest::of(b"another image");
        assert_eq!(judged(&root, &json!({}), &[envelope(bytes)], another, NOW), "unsigned", "{name}");
    }
}

#[test]
fn signatures_of_other_projects_are_judged_as_their_names_say() {
    let Some(evidence) = suite::evidence() else { return };
    let layout = |name: &str| envelope_in(&evidence.join(format!("notation/oci_layout/{name}/blobs/sha256")));
    let file = |name: &str| read(&evidence.join(name));
    let key = |name: &str| json!({"cert": pem(&evidence.join(format!("notation/localkeys/{name}.crt")))});
    let stores = |path: &str| pem(&evidence.join("notation-go/truststore/x509").join(path));
    let mock = |scheme: &str| json!({"scheme": scheme, "cert": stores("ca/valid-trust-store/NotationTestRoot.pem")});
    let stamped = |root: &str| {
        let cert = stores("ca/valid-trust-store/NotationTestRoot.pem");
        json!({"cert": cert, "tsCert": stores(&format!("tsa/{root}"))})
    };
    let globalsign = || stamped("test-timestamp/globalsignRoot.cer");
    let own = || {
        let own = |name: &str| pem(&evidence.join("own-notation-tsa").join(name));
        json!({"cert": own("ca.pem"), "tsCert": own("tsa-root.pem")})
    };
    let audit = || json!({"verificationLevel": "audit"});
    let go = |name: &str| file(&format!("notation-go/timestamp/sigEnv/{name}.sig"));
    let strict = || json!({});
    // the envelope, the trust root, the rule's options, the time, what comes of it, the reason
    let rows: Vec<(Vec<u8>, Value, Value, u64, &str, &str)> = vec![
        (layout("e2e-valid-signature"), key("e2e"), strict(), NOW, "proven", "notation's own test"),
        (layout("e2e-valid-signature"), key("new_e2e"), strict(), NOW, "notation-untrusted", "another key"),
        (layout("e2e-expired-signature"), key("e2e"), strict(), NOW, "notation-expired", "its expiry"),
        (layout("e2e-with-expired-cert"), key("expired_e2e"), strict(), NOW, "notation-certificate-expired", "its end"),
        (
            layout("e2e-with-invalid-timestamped-signature"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-timestamp, notation-untrusted",
            "a token that is none",
        ),
        (
            layout("e2e-with-timestamped-signature"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-expired, notation-timestamp, notation-untrusted",
            "a token of Microsoft's authority",
        ),
        (file("notation-go/mock/ca_valid_sig_env.json"), mock("x509"), strict(), NOW, "proven", "a signer"),
        (
            file("notation-go/mock/ca_valid_sig_env.json"),
            mock("signingAuthority"),
            strict(),
            NOW,
            "notation-scheme",
            "no authority",
        ),
        (
            file("notation-go/mock/sa_valid_sig_env.json"),
            mock("signingAuthority"),
            strict(),
            NOW,
            "proven",
            "an authority",
        ),
        (file("notation-go/mock/sa_valid_sig_env.json"), mock("x509"), strict(), NOW, "notation-scheme", "no signer"),
        (
            file("notation-go/mock/ca_expired_sig_env.json"),
            mock("x509"),
            strict(),
            NOW,
            "notation-expired",
            "its expiry",
        ),
        (
            file("notation-go/mock/sa_expired_sig_env.json"),
            mock("signingAuthority"),
            strict(),
            NOW,
            "notation-expired",
            "likewise",
        ),
        (
            file("notation-go/mock/ca_plugin_sig_env.json"),
            mock("x509"),
            audit(),
            NOW,
            "notation-critical-attribute",
            "an unknown plugin",
        ),
        (
            file("notation-go/mock/sa_plugin_sig_env.json"),
            mock("signingAuthority"),
            audit(),
            NOW,
            "notation-critical-attribute",
            "an unknown plugin",
        ),
        (file("notation-go/mock/ca_invalid_sig_env.json"), mock("x509"), audit(), NOW, "unsigned", "no payload"),
        (file("own-notation-tsa/envelope.jws.json"), own(), strict(), NOW, "proven", "with a timestamp of OpenSSL"),
        (
            file("own-notation-tsa/envelope.cose"),
            own(),
            strict(),
            NOW + 200_000_000,
            "proven",
            "long after the certificate",
        ),
        (
            go("jwsWithTimestamp"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-revocation-unknown, notation-untrusted",
            "GlobalSign's token, and no list of its CA",
        ),
        (
            go("coseExpiredWithTimestamp"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-revocation-unknown, notation-untrusted",
            "the same in COSE",
        ),
        (
            go("jwsWithTimestamp"),
            stamped("test-mismatch/DigiCertTSARootSHA384.cer"),
            audit(),
            NOW,
            "proven without notation-timestamp, notation-untrusted",
            "another root",
        ),
        (
            go("timestampAfterNotAfter"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-timestamp, notation-untrusted",
            "after the certificate",
        ),
        (
            go("timestampBeforeNotBefore"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-timestamp, notation-untrusted",
            "before the certificate",
        ),
        (
            go("withoutTimestamp"),
            globalsign(),
            audit(),
            NOW,
            "proven without notation-no-timestamp, notation-untrusted",
            "no timestamp",
        ),
    ];
    let mut wrong = Vec::new();
    for (number, (bytes, root, with, now, expected, why)) in rows.into_iter().enumerate() {
        let digest = digest_of(&bytes);
        let found = judged(&root, &with, &[envelope(bytes)], digest, now);
        if found != expected {
            wrong.push(format!("{number}, {why}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an envelope says, without what is not signed. It is `None` if it is not JSON.
fn signed_part(envelope: &[u8]) -> Option<Value> {
    let json: Value = serde_json::from_slice(envelope).ok()?;
    Some(json!([json["payload"], json["protected"], json["signature"], json["header"]["x5c"]]))
}

#[test]
fn no_signed_byte_of_an_envelope_can_be_changed() {
    let ca = notation::authority("flipped");
    let signer = notation::signer(&ca, &NotationLeaf::default());
    let digest = Digest::of(b"an image");
    let root = json!({"cert": ca.pem()});
    for is_cose in [false, true] {
        let item = Envelope { is_cose, ..Envelope::signing(signer.clone(), &digest.to_string()) }.item();
        assert_eq!(judged(&root, &json!({}), std::slice::from_ref(&item), digest, NOW), "proven");
        for at in 0..item.bytes.len() {
            let mut bytes = item.bytes.clone();
            bytes[at] ^= 1;
            let is_same = signed_part(&bytes).is_some_and(|part| Some(part) == signed_part(&item.bytes));
            let flipped = Item { bytes, ..item.clone() };
            let found = judged(&root, &json!({}), &[flipped], digest, NOW);
            assert!(is_same || found != "proven", "byte {at} can be changed (COSE: {is_cose})");
        }
    }
}

/// Responses about the certificate of a signer, none of which proves that it is good.
fn useless_responses(ca: &Authority) -> Vec<(&'static str, Vec<u8>)> {
    let good = || OcspResponse { about: "notation alice", ..OcspResponse::default() };
    let revoked = || OcspResponse { status: Status::Revoked, ..good() };
    let delegate = |terms| Delegate::of(ca, &terms);
    let stolen_later = Extension::new("2.5.29.24", der::tlv(0x18, der::generalized(ISSUED + 86_400).as_bytes()));
    vec![
        ("revoked", revoked().signed_by(ca)),
        ("revoked, by a delegate", revoked().signed_for(ca, &delegate(DelegateTerms::default()))),
        ("revoked later", OcspResponse { single_extensions: vec![stolen_later], ..revoked() }.signed_by(ca)),
        ("unknown", OcspResponse { status: Status::Unknown, ..good() }.signed_by(ca)),
        ("of another certificate", OcspResponse { about: "notation bob", ..good() }.signed_by(ca)),
        ("expired", OcspResponse { next_update: Some(ISSUED + 86_400), ..good() }.signed_by(ca)),
        ("without an end", OcspResponse { next_update: None, ..good() }.signed_by(ca)),
        ("by a stranger", OcspResponse { key: Some(Key::p256("mallory")), ..good() }.signed_by(ca)),
        (
            "by a delegate without the purpose",
            good().signed_for(ca, &delegate(DelegateTerms { purposes: Vec::new(), ..DelegateTerms::default() })),
        ),
        (
            "by a delegate that has expired",
            good().signed_for(
                ca,
                &delegate(DelegateTerms { validity: (ISSUED, ISSUED + 86_400), ..DelegateTerms::default() }),
            ),
        ),
    ]
}

#[test]
fn no_byte_of_an_ocsp_response_turns_a_denial_round() {
    let ca = notation::authority("flipped");
    let leaf = NotationLeaf { extensions: vec![ocsp_server(OCSP_URL)], ..NotationLeaf::default() };
    let digest = Digest::of(b"an image");
    let signed = Envelope::signing(notation::signer(&ca, &leaf), &digest.to_string()).item();
    let root = json!({"cert": ca.pem()});
    let verdict = |bytes: Vec<u8>| judged(&root, &json!({}), &[signed.clone(), response_item(bytes)], digest, NOW);
    let good = OcspResponse { about: "notation alice", ..OcspResponse::default() };
    assert_eq!(verdict(good.signed_by(&ca)), "proven");
    for (name, response) in useless_responses(&ca) {
        assert_ne!(verdict(response.clone()), "proven", "{name}");
        for (at, with) in (0..response.len()).flat_map(|at| [1, 2, 3, 0x80].map(|with| (at, with))) {
            let mut bytes = response.clone();
            bytes[at] ^= with;
            assert_ne!(verdict(bytes), "proven", "{name}: byte {at} turns the denial round");
        }
        for length in 0..response.len() {
            assert_ne!(verdict(response[..length].to_vec()), "proven", "{name}: {length} bytes");
        }
    }
}

#[test]
fn an_ocsp_server_is_asked_as_openssl_asks() {
    let Some(evidence) = suite::evidence() else { return };
    let chain = fs::read_to_string(evidence.join("notation/ocsp/certchain_with_ocsp.pem")).unwrap();
    let chain = chain.split_inclusive("-----END CERTIFICATE-----\n").map(der::unpem).collect();
    let alice = notation::signer(&notation::authority("any"), &NotationLeaf::default());
    let envelope = Envelope::signing(alice, &Digest::of(b"an image").to_string()).chained(chain);
    let RevocationSources { lists, requests } = revocation_sources(JWS, &envelope.bytes());
    assert!(lists.is_empty());
    let [request] = requests.into_iter().collect::<Vec<_>>().try_into().expect("one request");
    assert_eq!(request.address, "http://localhost:10087");
    // openssl ocsp -issuer root.crt -cert leaf.crt -no_nonce -reqout request.der
    let by_openssl = "305530533051304f304d300906052b0e03021a05000414bbc342299c4fa7afb2be59d00b53b5079762c689\
                      0414b636f92f865a355350fd1cb0e5d062a9548892340214520d9b1364d98367711da2b6a0a0f34b23e3d02a";
    assert_eq!(request.body, der::unhex(by_openssl));
}
