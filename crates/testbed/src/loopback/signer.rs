//! What does cosign write when it signs an image with a key?
//!
//! The form is cosign 2's: a manifest under the tag `sha256-<hex>.sig`, one layer a signature. The layer is the signed
//! payload, and the signature is an annotation of it.

use std::collections::BTreeMap;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::SecretKey;
use p256::ecdsa::{DerSignature, SigningKey, signature::Signer as _};
use p256::pkcs8::{EncodePublicKey, LineEnding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Registry, digest_of};

/// The annotation that holds the signature, in base64.
pub const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The tag under which the signatures of this digest are.
pub fn signature_tag(digest: &str) -> String {
    format!("{}.sig", digest.replace(':', "-"))
}

/// The bytes that cosign signs: that this digest, of the image called `docker_reference`, has these annotations.
///
/// To the byte: keys in order, no spaces, escaped as Go's JSON is, and `null` where nothing was annotated.
pub fn signed_payload(docker_reference: &str, digest: &str, annotations: &BTreeMap<String, String>) -> String {
    let optional = if annotations.is_empty() { "null".to_owned() } else { go_json(annotations) };
    format!(
        concat!(
            r#"{{"critical":{{"identity":{{"docker-reference":{}}},"image":{{"docker-manifest-digest":{}}},"#,
            r#""type":"cosign container image signature"}},"optional":{}}}"#
        ),
        go_json(docker_reference),
        go_json(digest),
        optional
    )
}

/// JSON as Go writes it by default: safe inside HTML. These characters only ever occur inside of strings.
fn go_json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value)
        .expect("strings, and maps of them, have a JSON form")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A P-256 key that signs images: the same one for the same name, so that what it signs is the same in every run.
///
/// Which also means that it is nobody's secret.
pub struct Signer {
    key: SigningKey,
}

impl Signer {
    /// The key that belongs to this name.
    pub fn named(name: &str) -> Self {
        // One hash in four thousand million is no P-256 key; the next one is.
        let mut seed = Sha256::digest(name);
        let key = loop {
            match SecretKey::from_bytes(&seed) {
                Ok(key) => break key,
                Err(_) => seed = Sha256::digest(seed),
            }
        };
        Self { key: key.into() }
    }

    /// The public key, as `cosign.pub` holds it.
    pub fn public_pem(&self) -> String {
        self.key.verifying_key().to_public_key_pem(LineEnding::LF).expect("a P-256 key has a PEM form")
    }

    /// Signs an image as `cosign sign -a name=value` would: with the name it has in this registry.
    ///
    /// # Errors
    /// When what is under the signature tag already isn't cosign's.
    pub fn sign(
        &self,
        registry: &Registry,
        repository: &str,
        digest: &str,
        annotations: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let docker_reference = format!("{}/{repository}", registry.host());
        self.sign_payload(registry, repository, digest, &signed_payload(&docker_reference, digest, annotations))
    }

    /// Signs this payload, whatever it says, and attaches it to the image as one more signature.
    ///
    /// # Errors
    /// When what is under the signature tag already isn't cosign's.
    pub fn sign_payload(
        &self,
        registry: &Registry,
        repository: &str,
        digest: &str,
        payload: &str,
    ) -> anyhow::Result<()> {
        let tag = signature_tag(digest);
        let mut layers = match registry.manifest(repository, &tag) {
            None => Vec::new(),
            Some(manifest) => {
                let manifest: SignatureManifest = serde_json::from_slice(&manifest.bytes)
                    .with_context(|| format!("{repository}:{tag} is there, but no signature can be added to it"))?;
                manifest.layers
            }
        };
        layers.push(self.layer(payload));
        let config = config_of(&layers);
        let manifest = SignatureManifest::new(&config, layers);
        registry.put_blob(repository, payload.as_bytes());
        registry.put_blob(repository, config.as_bytes());
        registry.put_manifest(repository, Some(&tag), MANIFEST, &serde_json::to_vec(&manifest)?);
        Ok(())
    }

    /// A layer with one signature over the payload.
    fn layer(&self, payload: &str) -> Layer {
        let signature: DerSignature = self.key.sign(payload.as_bytes());
        Layer {
            annotations: Some(BTreeMap::from([(SIGNATURE_ANNOTATION.to_owned(), STANDARD.encode(signature))])),
            ..Layer::of(SIMPLE_SIGNING, payload.as_bytes())
        }
    }
}

/// The manifest with a signature of each over `payload`, as it is after cosign signed again and again. For hosts without a registry.
///
/// # Errors
/// When it has no JSON form.
pub fn signed_by_all(payload: &str, signers: &[&Signer]) -> serde_json::Result<Vec<u8>> {
    let layers: Vec<Layer> = signers.iter().map(|signer| signer.layer(payload)).collect();
    serde_json::to_vec(&SignatureManifest::new(&config_of(&layers), layers))
}

/// The config that cosign writes: an image of no platform and no date, with a layer and an entry of history a signature.
fn config_of(layers: &[Layer]) -> String {
    let history = vec![r#"{"created":"0001-01-01T00:00:00Z"}"#; layers.len()].join(",");
    let diff_ids = layers.iter().map(|layer| format!("\"{}\"", layer.digest)).collect::<Vec<_>>().join(",");
    format!(
        concat!(
            r#"{{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{}],"os":"","#,
            r#""rootfs":{{"type":"layers","diff_ids":[{}]}},"config":{{}}}}"#
        ),
        history, diff_ids
    )
}

/// The fields in the order in which cosign writes them: the manifest is the same to the byte.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureManifest {
    schema_version: u32,
    media_type: String,
    config: Layer,
    layers: Vec<Layer>,
}

impl SignatureManifest {
    fn new(config: &str, layers: Vec<Layer>) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            config: Layer::of(CONFIG, config.as_bytes()),
            layers,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    size: usize,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
}

impl Layer {
    fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), size: bytes.len(), digest: digest_of(bytes), annotations: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pair<'a> = (&'a str, &'a str);

    /// Payloads that cosign 2.5.0 signed, by the digest of the blob it pushed.
    #[test]
    fn payloads_are_cosigns_to_the_byte() {
        let table: &[(&str, &str, &[Pair<'_>], &str)] = &[
            (
                "localhost:5003/s/c2-ecdsa",
                "sha256:154b50bd1f6deac244885c7acbc0e0a4c6833d86adf6b261ddeb8efbb33e2bc6",
                &[],
                "sha256:0aa52b146356dfb95e2bd9b8637f544f5293ca3c8a874f0c51ba2db2f662aa97",
            ),
            (
                "localhost:5003/s/c2-annot",
                "sha256:333ccd6dfb91d7ba669ca90037c9903405ecce884b0f89a7d165cd12601b1e51",
                &[("env", "prod"), ("a", "<b>&ü/")],
                "sha256:82cc67fa32d1adf5d013142ad5f174c302ceb7a4d00ebde7e69f1fa0bbdb2cc0",
            ),
        ];
        for (reference, digest, annotations, blob) in table {
            let annotations = annotations.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            let payload = signed_payload(reference, digest, &annotations);
            assert_eq!(digest_of(payload.as_bytes()), *blob, "{payload}");
        }
    }

    /// The config blob that cosign 2.5.0 pushed with the first of those.
    #[test]
    fn configs_are_cosigns_to_the_byte() {
        let layer = Layer {
            digest: "sha256:0aa52b146356dfb95e2bd9b8637f544f5293ca3c8a874f0c51ba2db2f662aa97".to_owned(),
            ..Layer::of(SIMPLE_SIGNING, b"")
        };
        let expected = "sha256:7bab309e4faf2db7aef23900afc4a70d4f221055fb4385f48a579fbe0e92417d";
        assert_eq!(digest_of(config_of(&[layer]).as_bytes()), expected);
    }
}
