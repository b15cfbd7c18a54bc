//! What would a registry with signed images answer?
//!
//! A registry in memory, and the host in front of it. What is signed in it is signed with real keys, as cosign does: under the image's own name, in a
//! manifest beside it.

use base64ct::{Base64, Encoding as _};
use image_trust::{
    Digest, ImageRef, PublicKey,
    host::{Cause, HostError},
};
use p256::{
    SecretKey,
    ecdsa::{DerSignature, SigningKey, signature::hazmat::PrehashSigner as _},
};
use serde_json::{Value, json};

use crate::host::{FakeHost, not_signed, nothing};

/// The digest of whatever a canonical reference names: what it says itself, or the hash of its name.
pub fn digest_of(image: &ImageRef) -> Digest {
    image.digest().unwrap_or_else(|| Digest::of(image.to_string().as_bytes()))
}

/// A host in front of a registry that has every image there is. `signers` says who signed everything in a repository; `None` where it can't be reached.
pub fn host(signers: fn(&str) -> Option<&'static [&'static str]>) -> FakeHost<'static> {
    let find = move |image: &str| {
        let image = ImageRef::parse(image).expect("only references are asked about");
        let name = repository(&image);
        match signers(&name) {
            Some(signers) => Ok((image, name, signers)),
            None => Err(HostError { cause: Cause::Unavailable, text: "connection refused".to_owned() }),
        }
    };
    FakeHost::new()
        .digests(move |image| find(image).map(|(image, ..)| digest_of(&image)))
        .manifests(move |image| {
            let (image, name, signers) = find(image)?;
            if image.digest().is_some() {
                return Ok(br#"{"schemaVersion":2,"layers":[]}"#.to_vec());
            }
            let signed = image.tag().and_then(|tag| tag.strip_suffix(".sig")).map(|tag| tag.replace('-', ":"));
            match signed.and_then(|digest| Digest::parse(&digest).ok()).filter(|_| !signers.is_empty()) {
                Some(digest) => Ok(signature_manifest(signers, &payload(&name, digest))),
                None => nothing(),
            }
        })
        .verifies(move |image, key| {
            let (image, _, signers) = find(image)?;
            match signers.iter().any(|signer| public_key(signer) == *key) {
                true => Ok(digest_of(&image)),
                false => not_signed(),
            }
        })
}

/// The manifest in which each of these signed this payload.
pub fn signature_manifest(signers: &[&str], payload: &str) -> Vec<u8> {
    let hash = Digest::of(payload.as_bytes());
    let layers: Vec<Value> =
        signers.iter().map(|signer| layer(&sign_hash(signer, hash), hash, payload.len() as u64)).collect();
    manifest(&layers).to_string().into_bytes()
}

/// A signature manifest with these layers.
pub fn manifest(layers: &[Value]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "size": 233,
            "digest": format!("sha256:{}", "c".repeat(64)),
        },
        "layers": layers,
    })
}

/// The layer of a signature: its base64, and hash and size of what was signed.
pub fn layer(signature: &str, hash: Digest, size: u64) -> Value {
    json!({
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "size": size,
        "digest": hash.to_string(),
        "annotations": {"dev.cosignproject.cosign/signature": signature},
    })
}

/// The repository of an image, as `registry/repository`.
pub fn repository(image: &ImageRef) -> String {
    format!("{}/{}", image.registry(), image.repository())
}

/// The payload that cosign signs for an image in the repository with this name.
pub fn payload(name: &str, digest: Digest) -> String {
    payload_with(name, digest, "null")
}

/// The payload that cosign signs for an image, with this JSON for its annotations.
pub fn payload_with(name: &str, digest: Digest, optional: &str) -> String {
    let docker_reference =
        name.strip_prefix("docker.io/").map_or(name.to_owned(), |rest| format!("index.docker.io/{rest}"));
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"{docker_reference}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":{optional}}}"#
    )
}

/// The signature of whoever has this name, in base64.
pub fn sign(signer: &str, payload: &[u8]) -> String {
    sign_hash(signer, Digest::of(payload))
}

/// The signature of whoever has this name over a payload of this hash, in base64.
pub fn sign_hash(signer: &str, hash: Digest) -> String {
    let key = SigningKey::from(SecretKey::from_slice(&Digest::of(signer.as_bytes()).bytes()).unwrap());
    let signature: DerSignature = key.sign_prehash(&hash.bytes()).unwrap();
    Base64::encode_string(signature.as_bytes())
}

fn public_key(signer: &str) -> PublicKey {
    let text = match signer {
        "alice" => include_str!("../../../tests/keys/alice.pub"),
        "bob" => include_str!("../../../tests/keys/bob.pub"),
        _ => include_str!("../../../tests/keys/carol.pub"),
    };
    PublicKey::parse(text).unwrap()
}
