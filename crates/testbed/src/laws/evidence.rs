//! Which laws hold for keys, and for what lies beside an image?

use std::sync::LazyLock;

use base64ct::{Base64, Encoding as _};
use image_trust::{Digest, PublicKey};
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use serde_json::{Value, json};

use super::{
    Choices, Document,
    host::{answer_to_pod, pod, signed_by},
    lossy,
    mint::{self, Key, Kind, Layer, der, signature::SIGNATURE},
    overwritten, spliced,
};
use crate::host::{FakeHost, nothing};

/// The repository of the fuzzed image.
const NAME: &str = "localhost:5000/keyed/fuzzed";

static IMAGE: LazyLock<Digest> = LazyLock::new(|| Digest::of(b"an image"));
/// The payload that is signed for the fuzzed image.
static PAYLOAD: LazyLock<Vec<u8>> = LazyLock::new(|| mint::payload(NAME, &IMAGE.to_string()));

/// A key, settings that ask for it, and every signature of the image that anybody without it can have.
pub struct Signing {
    pub key: Key,
    pub pem: String,
    pub right: Vec<Vec<u8>>,
    /// The public key, in DER.
    public: Vec<u8>,
    settings: String,
}

impl Signing {
    fn of(kinds: &[Kind]) -> Signing {
        let key = Key::new(kinds[0], "alice");
        let made = kinds.iter().map(|kind| Key::new(*kind, "alice").sign(&PAYLOAD));
        let right = made.flat_map(|signature| [negated(kinds[0], &signature), Some(signature)]).flatten();
        // The one that was made comes first.
        let right = right.collect::<Vec<_>>().into_iter().rev().collect();
        let pem = key.public_pem();
        Signing { right, settings: signed_by(&pem), public: key.public(), pem, key }
    }
}

/// An ECDSA signature has a second form, with the other of two numbers, that anybody can compute.
fn negated(kind: Kind, signature: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::P256 => {
            let (r, s) = p256::ecdsa::Signature::from_der(signature).ok()?.split_scalars();
            Some(p256::ecdsa::Signature::from_scalars(r, -s).ok()?.to_der().as_bytes().to_vec())
        }
        Kind::P384 => {
            let (r, s) = p384::ecdsa::Signature::from_der(signature).ok()?.split_scalars();
            Some(p384::ecdsa::Signature::from_scalars(r, -s).ok()?.to_der().as_bytes().to_vec())
        }
        _ => None,
    }
}

/// A signing key of each kind.
pub static KEYS: LazyLock<[Signing; 4]> = LazyLock::new(|| {
    [
        Signing::of(&[Kind::P256]),
        Signing::of(&[Kind::P384Wide, Kind::P384]),
        Signing::of(&[Kind::Ed25519, Kind::Ed25519Hashed]),
        Signing::of(&[Kind::Rsa2048]),
    ]
});

/// A text that may be a public key.
pub fn key(data: &[u8]) -> bool {
    let der = &KEYS[usize::from(data.first().copied().unwrap_or_default()) % KEYS.len()].public;
    let rest = data.get(1..).unwrap_or_default();
    let pem = |der: &[u8]| der::pem("PUBLIC KEY", der);
    [lossy(data), pem(data), pem(&overwritten(der, rest)), pem(&spliced(der, rest))]
        .map(|text| is_key(&text))
        .contains(&true)
}

fn is_key(text: &str) -> bool {
    let Ok(key) = PublicKey::parse(text) else { return false };
    let body = text.split_once("-----BEGIN PUBLIC KEY-----").unwrap().1.split_once("-----END PUBLIC KEY-----").unwrap();
    let is_one = text.matches("-----BEGIN ").count() == 1 && !text.contains("PRIVATE KEY-----");
    assert!(is_one, "{text:?} is more than one key");
    let der = Base64::decode_vec(&body.0.split_ascii_whitespace().collect::<String>()).unwrap();
    assert_eq!(key.fingerprint(), Digest::of(&der), "{text:?} is another key");
    let is_same = |text: &str| {
        let again = PublicKey::parse(text);
        assert_eq!(again.as_ref(), Ok(&key), "{text:?} is the same key");
        again.unwrap().fingerprint()
    };
    let pem = key.pem();
    for text in [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        format!("\n {pem}\n\n"),
        format!("\u{feff}# a key\n{pem}\nand more"),
        pem.replace('\n', " "),
    ] {
        assert_eq!(is_same(&text), key.fingerprint());
    }
    assert!(key.rsa_bits().is_none_or(|bits| (2048..=8192).contains(&bits)), "{text:?}");
    // The same point has a second encoding.
    if let Ok(point) = p256::PublicKey::from_public_key_der(&der) {
        let compressed = der::sequence([
            der::sequence([der::oid("1.2.840.10045.2.1"), der::oid("1.2.840.10045.3.1.7")]),
            der::bits(p256::ecdsa::VerifyingKey::from(point).to_sec1_point(true).as_bytes()),
        ]);
        is_same(&der::pem("PUBLIC KEY", &compressed));
        is_same(&der::pem("PUBLIC KEY", point.to_public_key_der().unwrap().as_bytes()));
    }
    true
}

/// Is the image admitted with this beside it? Signatures are the only reason not to, and its own digest the only one that it can be pinned to.
fn is_admitted(settings: &str, image: &str, host: &FakeHost<'_>) -> bool {
    let answer = answer_to_pod(&pod(&[image]), settings, host);
    let is_admitted = answer["accepted"].as_bool().unwrap();
    match is_admitted {
        true => {
            let pinned = answer.pointer("/mutated_object/spec/containers/0/image").and_then(Value::as_str);
            assert!(pinned.unwrap_or(image).ends_with(&format!("@{}", *IMAGE)), "pinned to another digest: {answer}");
        }
        // With too many layers to look at nobody can tell.
        false => assert!(answer["code"] == 403 || answer["code"] == 503, "denied for something else: {answer}"),
    }
    is_admitted
}

fn is_signed(settings: &str, manifest: &[u8]) -> bool {
    let beside = |image: &str| match image.ends_with(".sig") {
        true => Ok(manifest.to_vec()),
        false => nothing(),
    };
    let host = FakeHost::new().every_digest(*IMAGE).manifests(beside);
    is_admitted(settings, &format!("{NAME}:1"), &host)
}

/// A layer whose payload is still to be signed.
static UNSIGNED: LazyLock<Layer> = LazyLock::new(|| Layer::by_key(&Key::p256("nobody"), &[]).on(&PAYLOAD));

/// The bytes of a signature, by a key of each kind.
pub fn signature(data: &[u8]) -> bool {
    let mut choices = Choices(data);
    let kind = choices.below(KEYS.len());
    let changed = choices.one(KEYS[kind].right.as_slice());
    let spoilt = choices.spoilt(changed);
    [(&KEYS[0], data.to_vec()), (&KEYS[kind], spoilt)]
        .map(|(signing, signature)| {
            let layer = Layer { signature, ..UNSIGNED.clone() };
            let is_signed = is_signed(&signing.settings, &mint::manifest(std::slice::from_ref(&layer)));
            assert!(!is_signed || signing.right.contains(&layer.signature), "{:?} did not sign", signing.key.kind);
            is_signed
        })
        .contains(&true)
}

/// A manifest of signatures by mallory and by alice.
pub static MANIFEST: LazyLock<Document> = LazyLock::new(|| {
    let keys = [Key::p256("mallory"), Key::new(Kind::Ed25519, "mallory"), Key::new(Kind::Ed25519, "alice")];
    let layers = keys.map(|key| Layer::by_key(&key, &PAYLOAD));
    Document::new(serde_json::from_slice(&mint::manifest(&layers)).unwrap())
});

pub fn manifest(data: &[u8]) -> bool {
    // What only refers to the image proves nothing, whatever it is.
    if data.first().is_some_and(|first| *first >= 0xf0) {
        let beside = |image: &str| match image.ends_with(".sig") {
            true => nothing(),
            false => Ok(data[1..].to_vec()),
        };
        let host = FakeHost::new().every_digest(*IMAGE).manifests(beside);
        assert!(!is_admitted(&KEYS[2].settings, &format!("{NAME}:1"), &host), "nothing was signed");
        return false;
    }
    MANIFEST
        .with(data)
        .map(|manifest| {
            let is_admitted = is_signed(&KEYS[2].settings, &manifest);
            assert!(!is_admitted || is_signed_by_alice(&manifest), "alice did not sign: {}", lossy(&manifest));
            is_admitted
        })
        .contains(&true)
}

/// Is a signature by her over the image's payload anywhere in the manifest?
fn is_signed_by_alice(manifest: &[u8]) -> bool {
    // The last bytes of the document are the key.
    let key = ed25519_dalek::VerifyingKey::from_bytes(KEYS[2].public.last_chunk().unwrap()).unwrap();
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let payload = Digest::of(&PAYLOAD).to_string();
    manifest["layers"].as_array().unwrap().iter().any(|layer| {
        let text = layer["annotations"][SIGNATURE].as_str().unwrap_or_default();
        let signature =
            Base64::decode_vec(text).ok().and_then(|bytes| ed25519_dalek::Signature::from_slice(&bytes).ok());
        let is_signed = signature.is_some_and(|signature| key.verify_strict(&PAYLOAD, &signature).is_ok());
        layer["digest"] == *payload && is_signed
    })
}

static LISTING: LazyLock<Digest> = LazyLock::new(|| Digest::of(b"an index"));

/// An index that lists the image, and what was attested of it.
pub static INDEX: LazyLock<Document> = LazyLock::new(|| {
    let entry = |digest: Digest, os: &str| {
        json!({
            "mediaType": mint::signature::MANIFEST, "size": 7, "digest": digest.to_string(),
            "platform": {"os": os, "architecture": "amd64"},
        })
    };
    let [mut attested, mut image] = [entry(Digest::of(b"attested"), "unknown"), entry(*IMAGE, "linux")];
    attested["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    image["annotations"] = json!({"vnd.docker.reference.type": null});
    image["artifactType"] = Value::Null;
    Document::new(json!({"schemaVersion": 2, "manifests": [attested, image]}))
});

/// The index behind a tag, which is signed, and the image is not.
pub fn index(data: &[u8]) -> bool {
    static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let key = Key::new(Kind::Ed25519, "alice");
        mint::manifest(&[Layer::by_key(&key, &mint::payload(NAME, &LISTING.to_string()))])
    });
    let by_digest = format!("{NAME}@{}", *LISTING);
    let signatures = format!("{NAME}:{}.sig", LISTING.as_tag());
    INDEX
        .with(data)
        .map(|index| {
            let manifest = |image: &str| match image {
                _ if image == by_digest => Ok(index.clone()),
                _ if image == signatures => Ok(SIGNED.clone()),
                _ => nothing(),
            };
            let host = FakeHost::new().every_digest(*LISTING).manifests(manifest);
            let is_admitted = is_admitted(&KEYS[2].settings, &format!("{NAME}:1@{}", *IMAGE), &host);
            assert!(!is_admitted || lists(&index), "the index does not list it: {}", lossy(&index));
            is_admitted
        })
        .contains(&true)
}

/// Whether an index lists the image as one that can run.
fn lists(index: &[u8]) -> bool {
    let index: Value = serde_json::from_slice(index).unwrap();
    let manifests =
        ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
    index["manifests"].as_array().unwrap().iter().any(|entry| {
        let is_elsewhere = ["os", "architecture"].iter().any(|word| entry["platform"][word] == "unknown");
        entry["digest"] == *IMAGE.to_string()
            && manifests.iter().any(|media_type| entry["mediaType"] == *media_type)
            && entry["artifactType"].is_null()
            && entry["annotations"]["vnd.docker.reference.type"].is_null()
            && !is_elsewhere
    })
}
