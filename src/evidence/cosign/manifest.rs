//! What does a signature manifest hold?
//!
//! A signature manifest is the manifest that cosign keeps under the tag `sha256-<hex>.sig`, with one layer for each signature. The layer's digest is that of the
//! payload, and the signature is an annotation of the layer (cosign, "Signature Specification"). Nothing in it is trusted. It only says which signatures to check.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding as _};
use serde_json::value::RawValue;

use crate::{
    host::Cause,
    image::Digest,
    json::{bytes_of, entries, members, text},
};

const FORM: Unread = Unread::Unusable(Unusable::Form);
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// The most layers that are looked at. cosign reads no more either.
const MAX_LAYERS: usize = 1_000;
/// The longest signature that is decoded, in base64: one by an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = 1_368;
/// The most layers that the policy server is asked to download. It downloads every one, and cannot be stopped.
const MAX_DOWNLOADED: usize = 20;
/// The largest layer that the policy server is asked to download, in bytes. A payload is JSON of a few hundred bytes.
const MAX_PAYLOAD: u64 = 65_536;
/// The most bytes that the policy server is asked to download for one image and all keys.
const MAX_DOWNLOAD: u64 = 262_144;

/// The signatures that lie beside an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signatures {
    /// The signatures that can be checked, each once, in their order. A layer without anything that could be a signature is left out.
    pub(crate) layers: Vec<Layer>,
    /// The download that the policy server needs to read the payloads.
    pub(crate) download: Download,
}

/// The download that the policy server needs to read a signature manifest: every layer, and the config (oci-client, `Client::pull`). The manifest gives the sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Download {
    layers: usize,
    /// The size in bytes. A blob without a size counts as too large.
    largest: u64,
    bytes: u64,
    /// Whether a blob has an address of its own (`urls`), which the policy server would follow.
    is_elsewhere: bool,
}

/// A signature of the manifest, with what stood beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Layer {
    /// The digest of the payload that the signature claims to cover.
    pub(crate) payload: Digest,
    /// The bytes of the signature.
    pub(crate) signature: Vec<u8>,
    /// What stands beside it.
    pub(crate) attachment: Attachment,
}

/// What cosign 1 and 2 store beside a signature. It is the same for signatures and attestations.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attachment {
    /// The certificate that claims to hold the key, in PEM.
    pub(crate) certificate: Option<String>,
    /// The certificates of the CAs that claim to have issued it, in PEM.
    pub(crate) chain: Option<String>,
    /// The entry that claims to be from a transparency log, in JSON.
    pub(crate) bundle: Option<String>,
    /// The response that claims to be from a time-stamping authority.
    pub(crate) timestamp: Option<Vec<u8>>,
}

/// The reason for which something is not a signature manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// The text does not have the form of a manifest.
    Form,
    /// It is an index of manifests.
    Index,
}

/// The reason for which a signature manifest was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The text is not a signature manifest.
    Unusable(Unusable),
    /// The manifest has more layers than are looked at.
    TooMany,
}

/// The tag under which cosign keeps the signatures of `digest`.
pub(crate) fn signature_tag(digest: Digest) -> String {
    format!("{}.sig", digest.as_tag())
}

impl Signatures {
    /// Reads the JSON of a manifest.
    ///
    /// # Errors
    /// When it is no manifest, or one that is not looked at.
    pub(crate) fn read(json: &[u8]) -> Result<Signatures, Unread> {
        let manifest: &RawValue = serde_json::from_slice(json).map_err(|_| FORM)?;
        let (layers, config) = match members(manifest, ["layers", "manifests", "config"]).map_err(|_| FORM)? {
            [Some(layers), None, config] => (entries(layers).map_err(|_| FORM)?, config),
            [_, Some(_), _] => return Err(Unread::Unusable(Unusable::Index)),
            [None, None, _] => return Err(FORM),
        };
        if layers.len() > MAX_LAYERS {
            return Err(Unread::TooMany);
        }
        let mut known = BTreeSet::new();
        // A copy of a signature is not a second signature.
        let is_new = |layer: &Layer| known.insert(layer.clone());
        let blobs = layers.iter().copied().chain(config);
        let download = blobs.fold(Download { layers: layers.len(), ..Download::default() }, Download::and);
        Ok(Signatures { download, layers: layers.into_iter().filter_map(layer).filter(is_new).collect() })
    }
}

impl Download {
    /// Adds the blob of this descriptor.
    fn and(self, descriptor: &RawValue) -> Download {
        let [size, urls] = members(descriptor, ["size", "urls"]).unwrap_or_default();
        let size = size.and_then(|size| size.get().parse().ok()).unwrap_or(u64::MAX);
        Download {
            layers: self.layers,
            largest: self.largest.max(size),
            bytes: self.bytes.saturating_add(size),
            is_elsewhere: self.is_elsewhere || urls.is_some(),
        }
    }

    /// The cause for not asking the policy server, if this is too much to download for so many questions, or is stored elsewhere.
    pub(crate) fn too_much(self, questions: usize) -> Option<Cause> {
        let bytes = self.bytes.saturating_mul(u64::try_from(questions).unwrap_or(u64::MAX));
        match self {
            _ if self.layers > MAX_DOWNLOADED => Some(Cause::TooMany),
            _ if self.is_elsewhere => Some(Cause::StoredElsewhere),
            _ if self.largest > MAX_PAYLOAD || bytes > MAX_DOWNLOAD => Some(Cause::TooLarge),
            _ => None,
        }
    }
}

/// The signature of this layer, if its descriptor holds one.
pub(crate) fn layer(descriptor: &RawValue) -> Option<Layer> {
    let [digest, annotations] = members(descriptor, ["digest", "annotations"]).ok()?;
    let [signature] = members(annotations?, [SIGNATURE]).ok()?;
    let signature = text(signature?).ok().filter(|text| text.len() <= MAX_SIGNATURE)?;
    Some(Layer {
        payload: Digest::parse(&text(digest?).ok()?).ok()?,
        signature: Base64::decode_vec(&signature).ok().filter(|bytes| !bytes.is_empty())?,
        attachment: attachment(descriptor)?,
    })
}

/// What stands beside the signature in the annotations of this layer.
pub(crate) fn attachment(descriptor: &RawValue) -> Option<Attachment> {
    let [annotations] = members(descriptor, ["annotations"]).ok()?;
    let parts = members(annotations?, [CERTIFICATE, CHAIN, BUNDLE, TIMESTAMP]).ok()?;
    // cosign writes an empty text for a part that is missing.
    let written = |json: &RawValue| Some(text(json).ok()?.into_owned()).filter(|text| !text.is_empty());
    let [certificate, chain, bundle, timestamp] = parts.map(|json| json.and_then(written));
    Some(Attachment { certificate, chain, bundle, timestamp: timestamp.as_deref().and_then(response) })
}

/// The response that cosign's annotation holds (cosign, "RFC3161Timestamp").
fn response(json: &str) -> Option<Vec<u8>> {
    let json: &RawValue = serde_json::from_str(json).ok()?;
    bytes_of(members(json, ["SignedRFC3161Timestamp"]).ok()?[0]?)
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
        let rows: &[(String, Result<usize, Unread>, &str)] = &[
            (manifest(std::slice::from_ref(&good)), Ok(1), "one signature"),
            (manifest(&[good.clone(), signed("AQIE")]), Ok(2), "two, over the same payload"),
            (manifest(&[good.clone(), good.clone()]), Ok(1), "one and its copy"),
            (manifest(&[]), Ok(0), "none"),
            (manifest(&[layer(&digest.to_string(), ""), good.clone()]), Ok(1), "a layer without annotations"),
            (manifest(&[layer(&digest.to_string(), r#","annotations":null"#)]), Ok(0), "annotations left empty"),
            (manifest(&[layer(&digest.to_string(), r#","annotations":{}"#)]), Ok(0), "no signature among them"),
            (manifest(&[signed("")]), Ok(0), "an empty signature"),
            (manifest(&[signed("%%%")]), Ok(0), "no base64"),
            (manifest(&[signed("AQI")]), Ok(0), "base64 without its padding"),
            (manifest(&[signed(&"A".repeat(1_372))]), Ok(0), "longer than any signature"),
            (
                manifest(&[layer("sha512:00", r#","annotations":{"dev.cosignproject.cosign/signature":"AQID"}"#)]),
                Ok(0),
                "another digest algorithm",
            ),
            (manifest(&vec![good.clone(); 1_000]), Ok(1), "as many as are looked at"),
            (manifest(&vec![good.clone(); 1_001]), Err(Unread::TooMany), "more"),
            (r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(), Err(Unread::Unusable(Unusable::Index)), "an index"),
            (r#"{"layers":[],"manifests":[]}"#.to_owned(), Err(Unread::Unusable(Unusable::Index)), "both"),
            (r#"{"layers":"x"}"#.to_owned(), Err(FORM), "layers that are no list"),
            (r#"{"layers":[],"layers":[]}"#.to_owned(), Err(FORM), "layers twice"),
            ("{}".to_owned(), Err(FORM), "nothing"),
            (format!(r#"[[["{digest}",["AQID"]]],null]"#), Err(FORM), "a list in the place of every object"),
            (manifest(&[format!(r#"["{digest}",["AQID"]]"#)]), Ok(0), "a list in the place of a layer"),
            (
                manifest(&[good.replace("AQID\"", "AQID\",\"dev.cosignproject.cosign/signature\":\"AQIE\"")]),
                Ok(0),
                "two signatures in one layer",
            ),
            ("null".to_owned(), Err(FORM), "null"),
            ("<html>".to_owned(), Err(FORM), "no JSON"),
            (String::new(), Err(FORM), "no text"),
        ];
        for (json, expected, why) in rows {
            let read = Signatures::read(json.as_bytes()).map(|read| read.layers.len());
            assert_eq!(read, *expected, "{why}");
        }
        let read = Signatures::read(manifest(&[signed("AQID")]).as_bytes()).unwrap();
        let bare = Layer { payload: digest, signature: vec![1, 2, 3], attachment: Attachment::default() };
        assert_eq!(read.layers, [bare]);
    }

    #[test]
    fn downloads_that_a_host_is_asked_for() {
        let blob = |size: &str| format!(r#"{{"digest":"sha256:00","size":{size}}}"#);
        let with =
            |config: &str, layers: &[String]| format!(r#"{{"config":{config},"layers":[{}]}}"#, layers.join(","));
        let layers = |layers: &[String]| with(&blob("233"), layers);
        let small = None;
        let (many, large, elsewhere) = (Some(Cause::TooMany), Some(Cause::TooLarge), Some(Cause::StoredElsewhere));
        let rows: &[(String, Option<Cause>, &str)] = &[
            (layers(&[blob("268")]), small, "a payload"),
            (layers(&[]), small, "no payload"),
            (layers(&vec![blob("1"); 20]), small, "as many layers as are downloaded"),
            (layers(&vec![blob("1"); 21]), many, "more layers"),
            (layers(&[blob("65536")]), small, "a payload as large as is downloaded"),
            (layers(&[blob("1"), blob("65537")]), large, "a larger one"),
            (layers(&vec![blob("65300"); 4]), small, "little enough in all"),
            (layers(&vec![blob("65536"); 4]), large, "too much in all, with the config"),
            (layers(&vec![blob("18446744073709551615"); 2]), large, "sizes whose sum has no number"),
            (with(&blob("65537"), &[blob("1")]), large, "a large config"),
            (
                layers(&[r#"{"size":1,"urls":["https://192.0.2.1/x"]}"#.to_owned()]),
                elsewhere,
                "a layer at another address",
            ),
            (with(r#"{"size":1,"urls":["https://192.0.2.1/x"]}"#, &[]), elsewhere, "a config at another address"),
            (layers(&[r#"{"size":1,"urls":[]}"#.to_owned()]), elsewhere, "a list of addresses, whatever it holds"),
            (layers(&[r#"{"size":1,"urls":null}"#.to_owned()]), small, "no list of addresses"),
            (layers(&["{}".to_owned()]), large, "a layer without a size"),
            (layers(&[blob("-1")]), large, "a size below nothing"),
            (layers(&[blob("1.5")]), large, "a size that is no whole number"),
            (layers(&[blob("\"1\"")]), large, "a size that is a text"),
            (layers(&[r#"{"size":1,"size":2}"#.to_owned()]), large, "two sizes"),
            (layers(&["7".to_owned()]), large, "a layer that is none"),
        ];
        for (json, expected, why) in rows {
            let read = Signatures::read(json.as_bytes()).unwrap();
            assert_eq!(read.download.too_much(1), *expected, "{why}: {:?}", read.download);
        }
        let read = Signatures::read(layers(&[blob("65000")]).as_bytes()).unwrap();
        let by_keys = [1, 4, 5, 50].map(|keys| read.download.too_much(keys));
        assert_eq!(by_keys, [small, small, large, large], "it is downloaded once for each key");
    }
}
