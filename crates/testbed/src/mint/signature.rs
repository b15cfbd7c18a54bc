//! How does cosign 2 store a signature?

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Instance, der, hex, key::Key, leaf::Certificate, log::Entry};

pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
pub const CHAIN: &str = "dev.sigstore.cosign/chain";
pub const BUNDLE: &str = "dev.sigstore.cosign/bundle";

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The blob that every manifest here has as its config.
pub const CONFIG: &[u8] = br#"{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]},"config":{}}"#;

/// What cosign signs of an image: `name` is the repository as cosign writes it.
pub fn payload(name: &str, digest: &str) -> Vec<u8> {
    let identity = format!(r#""identity":{{"docker-reference":"{name}"}}"#);
    let image = format!(r#""image":{{"docker-manifest-digest":"{digest}"}}"#);
    let kind = r#""type":"cosign container image signature""#;
    format!(r#"{{"critical":{{{identity},{image},{kind}}},"optional":null}}"#).into_bytes()
}

/// A signature as it is stored. An annotation is absent, or exactly this text.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The payload, which is the blob of the layer.
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
    pub certificate: Option<String>,
    pub chain: Option<String>,
    pub bundle: Option<String>,
    /// The certificate or public key that verifies the signature, as PEM, for the log.
    pub verifier: String,
}

impl Layer {
    /// A signature with a plain key.
    pub fn by_key(key: &Key, payload: &[u8]) -> Self {
        let signature = key.sign(payload);
        let verifier = key.public_pem();
        Self { payload: payload.to_vec(), signature, certificate: None, chain: None, bundle: None, verifier }
    }

    /// A signature with a certified key, beside which are the certificate and those above it.
    pub fn by(certificate: &Certificate, payload: &[u8]) -> Self {
        let verifier = certificate.pem();
        let chain = Some(certificate.chain.clone());
        Self { certificate: Some(verifier.clone()), chain, verifier, ..Self::by_key(&certificate.key, payload) }
    }

    /// The same with an entry in this instance's log, over what is in the layer.
    pub fn logged(self, instance: &Instance, entry: &Entry) -> Self {
        let body = entry.body(&self.payload, &self.signature, &self.verifier);
        Self { bundle: Some(entry.bundle(&instance.rekor, &body)), ..self }
    }

    /// The same signature over another payload. What was signed and logged stays the same.
    pub fn on(self, payload: &[u8]) -> Self {
        Self { payload: payload.to_vec(), ..self }
    }

    /// The descriptor of the layer in the manifest.
    pub fn descriptor(&self) -> Value {
        let mut annotations = Map::new();
        annotations.insert(SIGNATURE.to_owned(), der::base64(&self.signature).into());
        for (name, text) in [(CERTIFICATE, &self.certificate), (CHAIN, &self.chain), (BUNDLE, &self.bundle)] {
            if let Some(text) = text {
                annotations.insert(name.to_owned(), text.as_str().into());
            }
        }
        let mut descriptor = blob("application/vnd.dev.cosign.simplesigning.v1+json", &self.payload);
        descriptor["annotations"] = annotations.into();
        descriptor
    }
}

/// The manifest under an image's `.sig` tag.
pub fn manifest(layers: &[Layer]) -> Vec<u8> {
    let layers: Vec<Value> = layers.iter().map(Layer::descriptor).collect();
    let config = blob("application/vnd.oci.image.config.v1+json", CONFIG);
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).to_string().into_bytes()
}

fn blob(media_type: &str, bytes: &[u8]) -> Value {
    let digest = format!("sha256:{}", hex(&Sha256::digest(bytes)));
    json!({"mediaType": media_type, "size": bytes.len(), "digest": digest})
}
