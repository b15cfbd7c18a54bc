//! What does a signature manifest hold?
//!
//! The manifest that cosign keeps under the tag `sha256-<hex>.sig`: one layer a signature. The layer's digest is that of the payload, the signature is
//! an annotation of the layer (cosign, "Signature Specification"). Nothing in it is trusted: it only says which signatures to check.

use std::{borrow::Cow, fmt};

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use crate::image::Digest;

/// Most layers that are looked at; cosign reads no more either.
const MAX_LAYERS: usize = 1_000;
/// Longest signature that is decoded, in base64: one by an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = 1_368;

/// The signatures that lie beside an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::proof) struct Signatures {
    /// Those that can be checked, in their order.
    pub(in crate::proof) layers: Vec<Layer>,
    /// How many layers hold nothing that could be a signature.
    pub(in crate::proof) unreadable: usize,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::proof) struct Layer {
    /// The digest of the payload that it is said to be for.
    pub(in crate::proof) payload: Digest,
    /// The signature.
    pub(in crate::proof) signature: Vec<u8>,
    /// Whether a certificate is said to hold the key, as of keyless signatures.
    pub(in crate::proof) has_certificate: bool,
}

/// Why a signature manifest is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It does not have a manifest's form.
    Form,
    /// It is an index of manifests.
    Index,
    /// It has more layers than are looked at.
    Layers(usize),
}

#[derive(Deserialize)]
struct Manifest<'a> {
    #[serde(borrow)]
    layers: Option<Vec<Descriptor<'a>>>,
    manifests: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Descriptor<'a> {
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    annotations: Option<Annotations<'a>>,
}

#[derive(Deserialize)]
struct Annotations<'a> {
    #[serde(borrow, rename = "dev.cosignproject.cosign/signature")]
    signature: Option<Cow<'a, str>>,
    #[serde(rename = "dev.sigstore.cosign/certificate")]
    certificate: Option<serde::de::IgnoredAny>,
}

/// The tag under which cosign keeps the signatures of `digest`.
pub(in crate::proof) fn signature_tag(digest: Digest) -> String {
    format!("{}.sig", digest.to_string().replace(':', "-"))
}

impl Signatures {
    /// Reads the JSON of a manifest.
    ///
    /// # Errors
    /// When it is no manifest, or one that is not looked at.
    pub(in crate::proof) fn read(json: &[u8]) -> Result<Signatures, Unusable> {
        let manifest: Manifest<'_> = serde_json::from_slice(json).map_err(|_| Unusable::Form)?;
        let layers = match (manifest.layers, manifest.manifests) {
            (Some(layers), None) => layers,
            (_, Some(_)) => return Err(Unusable::Index),
            (None, None) => return Err(Unusable::Form),
        };
        if layers.len() > MAX_LAYERS {
            return Err(Unusable::Layers(layers.len()));
        }
        let all = layers.len();
        let layers: Vec<Layer> = layers.iter().filter_map(Descriptor::layer).collect();
        Ok(Signatures { unreadable: all.saturating_sub(layers.len()), layers })
    }
}

impl Descriptor<'_> {
    /// The signature, if this is the descriptor of one.
    fn layer(&self) -> Option<Layer> {
        let annotations = self.annotations.as_ref()?;
        let signature = annotations.signature.as_deref().filter(|text| text.len() <= MAX_SIGNATURE)?;
        Some(Layer {
            has_certificate: annotations.certificate.is_some(),
            payload: Digest::parse(&self.digest).ok()?,
            signature: Base64::decode_vec(signature).ok().filter(|bytes| !bytes.is_empty())?,
        })
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Form => f.write_str("what lies where its signatures belong is no manifest of signatures"),
            Unusable::Index => {
                f.write_str("what lies where its signatures belong is an index, not a manifest of signatures")
            }
            Unusable::Layers(layers) => {
                write!(f, "its signature manifest has {layers} layers, and {MAX_LAYERS} at most are looked at")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests() {
        let digest = Digest::of(b"payload");
        let layer = |digest: &str, annotations: &str| {
            format!(
                r#"{{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","size":7,"digest":"{digest}"{annotations}}}"#
            )
        };
        let signed = |text: &str| {
            layer(
                &digest.to_string(),
                &format!(r#","annotations":{{"a":"b","dev.cosignproject.cosign/signature":"{text}"}}"#),
            )
        };
        let manifest =
            |layers: &[String]| format!(r#"{{"schemaVersion":2,"config":{{}},"layers":[{}]}}"#, layers.join(","));
        let good = signed("AQID");
        let rows: &[(String, Result<(usize, usize), Unusable>, &str)] = &[
            (manifest(std::slice::from_ref(&good)), Ok((1, 0)), "one signature"),
            (manifest(&[good.clone(), good.clone()]), Ok((2, 0)), "two, over the same payload"),
            (manifest(&[]), Ok((0, 0)), "none"),
            (manifest(&[layer(&digest.to_string(), ""), good.clone()]), Ok((1, 1)), "a layer without annotations"),
            (manifest(&[layer(&digest.to_string(), r#","annotations":null"#)]), Ok((0, 1)), "annotations left empty"),
            (manifest(&[layer(&digest.to_string(), r#","annotations":{}"#)]), Ok((0, 1)), "no signature among them"),
            (manifest(&[signed("")]), Ok((0, 1)), "an empty signature"),
            (manifest(&[signed("%%%")]), Ok((0, 1)), "no base64"),
            (manifest(&[signed("AQI")]), Ok((0, 1)), "base64 without its padding"),
            (manifest(&[signed(&"A".repeat(1_372))]), Ok((0, 1)), "longer than any signature"),
            (
                manifest(&[layer("sha512:00", r#","annotations":{"dev.cosignproject.cosign/signature":"AQID"}"#)]),
                Ok((0, 1)),
                "another digest algorithm",
            ),
            (manifest(&vec![good.clone(); 1_000]), Ok((1_000, 0)), "as many as are looked at"),
            (manifest(&vec![good; 1_001]), Err(Unusable::Layers(1_001)), "more"),
            (r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(), Err(Unusable::Index), "an index"),
            (r#"{"layers":[],"manifests":[]}"#.to_owned(), Err(Unusable::Index), "both"),
            (r#"{"layers":"x"}"#.to_owned(), Err(Unusable::Form), "layers that are no list"),
            (r#"{"layers":[],"layers":[]}"#.to_owned(), Err(Unusable::Form), "layers twice"),
            ("{}".to_owned(), Err(Unusable::Form), "nothing"),
            ("null".to_owned(), Err(Unusable::Form), "null"),
            ("<html>".to_owned(), Err(Unusable::Form), "no JSON"),
            (String::new(), Err(Unusable::Form), "no text"),
        ];
        for (json, expected, why) in rows {
            let read = Signatures::read(json.as_bytes()).map(|read| (read.layers.len(), read.unreadable));
            assert_eq!(read, *expected, "{why}");
        }
        let read = Signatures::read(manifest(&[signed("AQID")]).as_bytes()).unwrap();
        assert_eq!(read.layers, [Layer { payload: digest, signature: vec![1, 2, 3], has_certificate: false }]);
    }
}
