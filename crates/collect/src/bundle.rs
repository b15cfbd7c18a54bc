//! What do bundles in a file hold, and about which images are they?
//!
//! `gh attestation download` writes one bundle on each line, `cosign` writes one bundle as a JSON document.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64Unpadded, Encoding as _};
use image_trust::{Digest, evidence::manifest::BUNDLES};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::manifest::Item;

/// A bundle, and the digests that it names. Its signature is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The bundle as it was written.
    pub item: Item,
    /// The digests of the bundle's subjects.
    pub names: BTreeSet<Digest>,
}

/// The reason why a text is not a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoBundle {
    /// The text is not JSON.
    #[error("expected a bundle as one JSON document, or a bundle on each line, found {0}")]
    Json(String),
    /// The media type is not that of a bundle.
    #[error("expected a Sigstore bundle of version 0.1, 0.2 or 0.3, found `mediaType: {0}`")]
    Type(String),
    /// The bundle names no SHA-256 digest.
    #[error("expected a bundle about an image, found one that names no SHA-256 digest")]
    Subject,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    media_type: String,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<MessageSignature>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    payload: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSignature {
    message_digest: Option<MessageDigest>,
}

#[derive(Deserialize)]
struct MessageDigest {
    #[serde(default)]
    digest: String,
}

/// The subjects of an in-toto statement.
#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

/// Reads every bundle in this text. Each comes with its line number, or an error with the reason for which it is not a bundle.
#[must_use]
pub fn read(text: &str) -> Vec<(usize, Result<Bundle, NoBundle>)> {
    if let Ok(whole) = serde_json::from_str::<&RawValue>(text) {
        return vec![(1, Bundle::of(whole.get()))];
    }
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let read = |line: &str| match serde_json::from_str::<&RawValue>(line) {
        Ok(bundle) => Bundle::of(bundle.get()),
        Err(error) => Err(NoBundle::Json(format!("text that is not JSON ({error})"))),
    };
    let bundles: Vec<_> = lines.map(|(line, number)| (number, read(line))).collect();
    match bundles.is_empty() {
        true => vec![(1, Err(NoBundle::Json("an empty file".to_owned())))],
        false => bundles,
    }
}

impl Bundle {
    fn of(json: &str) -> Result<Bundle, NoBundle> {
        let document: Document = serde_json::from_str(json).map_err(|error| NoBundle::Json(error.to_string()))?;
        if !BUNDLES.contains(&document.media_type.as_str()) {
            return Err(NoBundle::Type(document.media_type));
        }
        let names = document.names();
        if names.is_empty() {
            return Err(NoBundle::Subject);
        }
        let bytes = json.as_bytes().to_vec();
        Ok(Bundle { item: Item { media_type: document.media_type, bytes, annotations: BTreeMap::new() }, names })
    }
}

impl Document {
    fn names(&self) -> BTreeSet<Digest> {
        let statement = self.dsse_envelope.as_ref().and_then(|envelope| {
            let payload = decoded(&envelope.payload)?;
            serde_json::from_slice::<Statement>(&payload).ok()
        });
        let subjects = statement.into_iter().flat_map(|statement| statement.subject);
        let hexes = subjects.filter_map(|subject| subject.digest.get("sha256").cloned());
        let message = self.message_signature.as_ref().and_then(|signature| signature.message_digest.as_ref());
        let hash = message
            .and_then(|digest| decoded(&digest.digest))
            .map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        hexes.chain(hash).filter_map(|hex| Digest::parse(&format!("sha256:{hex}")).ok()).collect()
    }
}

/// Base64 as Go reads it in JSON for protocol buffers: either alphabet, padded or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    Base64Unpadded::decode_vec(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::Base64;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn dsse(statement: &str) -> String {
        let payload = Base64::encode_string(statement.as_bytes());
        format!(r#"{{"mediaType":"{}","dsseEnvelope":{{"payload":"{payload}"}}}}"#, BUNDLES[0])
    }

    fn of_image() -> String {
        dsse(&format!(r#"{{"subject":[{{"digest":{{"sha256":"{HEX}"}}}},{{"digest":{{"sha1":"00"}}}}]}}"#))
    }

    fn message(digest: &str) -> String {
        let kind = BUNDLES[3];
        format!(r#"{{"mediaType":"{kind}","messageSignature":{{"messageDigest":{{"digest":"{digest}"}}}}}}"#)
    }

    #[test]
    fn bundles_are_read_from_documents_and_lines() {
        let one = of_image();
        let pretty = one.replacen('{', "{\n  ", 1);
        let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let urlsafe = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        // the text; the line of each bundle, and whether it is about the image or a part of the error; why
        type Row<'a> = (String, Vec<(usize, Result<(), &'a str>)>, &'a str);
        let rows: [Row<'_>; 10] = [
            (one.clone(), vec![(1, Ok(()))], "one"),
            (pretty.clone(), vec![(1, Ok(()))], "one on several lines"),
            (format!("{one}\n\n{}\n", message(hash)), vec![(1, Ok(())), (3, Ok(()))], "one a line"),
            (message(urlsafe), vec![(1, Ok(()))], "the other alphabet, without padding"),
            (
                format!("{one}\n[1\n{one}"),
                vec![(1, Ok(())), (2, Err("not JSON")), (3, Ok(()))],
                "a line that is broken",
            ),
            (String::new(), vec![(1, Err("found an empty file"))], "nothing"),
            ("[1]".to_owned(), vec![(1, Err("expected a bundle as one JSON document"))], "a list"),
            ("{}".to_owned(), vec![(1, Err("found `mediaType: `"))], "no type"),
            (dsse("{}"), vec![(1, Err("names no SHA-256 digest"))], "a statement about nothing"),
            (message("AAAA"), vec![(1, Err("names no SHA-256 digest"))], "a hash of another length"),
        ];
        for (text, expected, why) in rows {
            let found = read(&text);
            assert_eq!(found.len(), expected.len(), "{why}: {found:?}");
            for ((line, bundle), (place, outcome)) in found.into_iter().zip(expected) {
                assert_eq!(line, place, "{why}");
                match (bundle, outcome) {
                    (Ok(bundle), Ok(())) => {
                        assert!(bundle.names.iter().map(ToString::to_string).eq([format!("sha256:{HEX}")]), "{why}");
                        let bytes = String::from_utf8(bundle.item.bytes).unwrap_or_default();
                        assert!(text.contains(&bytes), "{why}: the bytes are those of the file");
                    }
                    (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{why}: {error}"),
                    (found, expected) => panic!("{why}: {found:?}, not {expected:?}"),
                }
            }
        }
    }
}
