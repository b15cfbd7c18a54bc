//! What does an evidence manifest look like?

use base64ct::{Base64, Encoding as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{hex, signature::Layer};

/// An item: its media type, its bytes and the annotations beside its content.
#[derive(Clone, Debug)]
pub struct Item {
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    pub annotations: Map<String, Value>,
}

impl Item {
    /// A bundle.
    pub fn bundle(bundle: &Value) -> Self {
        Self { media_type: super::bundle::V03, bytes: bundle.to_string().into_bytes(), annotations: Map::new() }
    }

    /// A layer of a signature manifest, with its payload.
    pub fn layer(layer: &Layer) -> Self {
        let descriptor = layer.descriptor();
        Self {
            media_type: "application/vnd.dev.cosign.simplesigning.v1+json",
            bytes: layer.payload.clone(),
            annotations: descriptor["annotations"].as_object().unwrap().clone(),
        }
    }

    /// An attestation as cosign 2 stores it: the envelope of this bundle, and what its parts are beside it.
    pub fn envelope(bundle: &Value, parts: &[(&str, String)]) -> Self {
        let envelope = &bundle["dsseEnvelope"];
        let sig = &envelope["signatures"][0]["sig"];
        // As cosign writes it, which is not how the bundle does.
        let bytes = format!(
            r#"{{"payloadType":{},"payload":{},"signatures":[{{"keyid":"","sig":{sig}}}]}}"#,
            envelope["payloadType"], envelope["payload"]
        );
        let parts = parts.iter().map(|(part, text)| (format!("dev.sigstore.cosign/{part}"), text.as_str().into()));
        let mut annotations: Map<String, Value> = parts.collect();
        annotations.insert("dev.cosignproject.cosign/signature".to_owned(), "".into());
        Self { media_type: "application/vnd.dsse.envelope.v1+json", bytes: bytes.into_bytes(), annotations }
    }

    /// What the manifest says of it.
    pub fn descriptor(&self) -> Value {
        self.with("dev.image-trust.content", &Base64::encode_string(&self.bytes))
    }

    /// What the manifest says of it if it is the config of this manifest.
    pub fn pointer(&self, manifest: &str) -> Value {
        self.with("dev.image-trust.manifest", manifest)
    }

    fn with(&self, annotation: &str, value: &str) -> Value {
        let mut annotations = self.annotations.clone();
        annotations.insert(annotation.to_owned(), value.into());
        json!({
            "mediaType": self.media_type,
            "digest": format!("sha256:{}", hex(&Sha256::digest(&self.bytes))),
            "size": self.bytes.len(),
            "annotations": annotations,
        })
    }
}

/// The evidence manifest of these items.
pub fn manifest(items: &[Item]) -> Value {
    of_layers(&items.iter().map(Item::descriptor).collect::<Vec<_>>())
}

/// The evidence manifest with these layers.
pub fn of_layers(layers: &[Value]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.image-trust.evidence.v1",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2,
        },
        "layers": layers,
    })
}
