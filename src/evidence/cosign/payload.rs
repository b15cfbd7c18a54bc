//! Which bytes does cosign sign?
//!
//! cosign signs a document in the simple signing format. It holds a name, a digest and annotations, in the form that Go's `encoding/json` gives them. A policy cannot fetch
//! it, but can write it again, byte by byte as cosign 2 and 3 do. Tests compare it with samples that they wrote.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    evidence::subject::{Subject, texts},
    image::{DOCKER_HUB, DOCKER_HUB_OLD, Digest, ImageRef},
    json::{members, text},
};

/// The document that cosign would have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    text: String,
    /// The digest of the text, by which a signature manifest names it.
    digest: Digest,
    /// The image that it is about.
    image: Digest,
}

impl Payload {
    /// The document that gives `image`, under the name `reference`, these annotations.
    pub(crate) fn new(reference: &str, image: Digest, annotations: &BTreeMap<String, String>) -> Payload {
        let optional = if annotations.is_empty() { "null".to_owned() } else { go_json(annotations) };
        let text = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":{}}},"image":{{"docker-manifest-digest":"{image}"}},"type":"cosign container image signature"}},"optional":{optional}}}"#,
            go_json(reference),
        );
        Payload { digest: Digest::of(text.as_bytes()), text, image }
    }

    /// The payload as it is signed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The digest of the image that it is about.
    pub(crate) fn image(&self) -> Digest {
        self.image
    }

    /// The digest of its bytes, by which a signature manifest names them.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }
}

/// The content of a payload in the simple signing format, whichever tool wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SimpleSigning {
    /// The image that it is about.
    pub(crate) image: Digest,
    /// The name and the annotations that the payload gives the image.
    pub(crate) subject: Subject,
}

impl SimpleSigning {
    /// Reads a payload (containers/image, "containers-signature"). Any `type` is accepted, because those of cosign, containers/image and Tekton Chains differ. It is
    /// `None` if the payload does not have the form.
    pub(crate) fn read(payload: &[u8]) -> Option<SimpleSigning> {
        let json: &RawValue = serde_json::from_slice(payload).ok()?;
        let [critical, optional] = members(json, ["critical", "optional"]).ok()?;
        let [identity, image, kind] = members(critical?, ["identity", "image", "type"]).ok()?;
        let [name] = members(identity?, ["docker-reference"]).ok()?;
        let [digest] = members(image?, ["docker-manifest-digest"]).ok()?;
        text(kind?).ok()?;
        let name = name.map_or(Some(String::new()), |name| Some(text(name).ok()?.into_owned()))?;
        Some(SimpleSigning {
            image: Digest::parse(&text(digest?).ok()?).ok()?,
            subject: Subject {
                name: Some(name).filter(|name| !name.is_empty()),
                annotations: texts(optional)?,
                is_named: true,
            },
        })
    }
}

/// The name of an image's repository as cosign writes it: Docker Hub under its old name, and never a tag or digest.
pub(crate) fn repository_name(image: &ImageRef) -> String {
    let registry = if image.registry() == DOCKER_HUB { DOCKER_HUB_OLD } else { image.registry() };
    format!("{registry}/{}", image.repository())
}

/// JSON as Go writes it by default: safe in HTML. The replaced characters only ever stand inside of strings.
fn go_json(value: &(impl Serialize + ?Sized)) -> String {
    // Texts and maps of texts can always be written. If it failed, no signature would match the payload.
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_cosigns() {
        let digest = Digest::of(b"");
        let rows: &[(&str, &[(&str, &str)], &str, &str, &str)] = &[
            ("quay.io/a/b", &[], r#""quay.io/a/b""#, "null", "no annotations"),
            ("a", &[("b", "2"), ("a", "1")], r#""a""#, r#"{"a":"1","b":"2"}"#, "keys in order"),
            (
                "<&>",
                &[("ü/", "\u{2028}\n\u{1}\"")],
                r#""\u003c\u0026\u003e""#,
                r#"{"ü/":"\u2028\n\u0001\""}"#,
                "Go's escapes",
            ),
        ];
        for (reference, annotations, name, optional, why) in rows {
            let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let expected = format!(
                r#"{{"critical":{{"identity":{{"docker-reference":{name}}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":{optional}}}"#
            );
            let payload = Payload::new(reference, digest, &annotations);
            assert_eq!(std::str::from_utf8(payload.bytes()), Ok(&*expected), "{why}");
            assert_eq!(payload.digest(), Digest::of(expected.as_bytes()), "{why}");
        }
    }

    #[test]
    fn repositories_have_cosigns_name() {
        let rows = [
            ("nginx:1.27", "index.docker.io/library/nginx", "Docker Hub"),
            ("foo/bar", "index.docker.io/foo/bar", "an account of it"),
            ("quay.io/foo/bar:v1", "quay.io/foo/bar", "another registry"),
            ("LocalHost:5003/s/x", "localhost:5003/s/x", "with a port"),
        ];
        for (image, expected, why) in rows {
            assert_eq!(repository_name(&ImageRef::parse(image).unwrap()), expected, "{why}");
        }
    }
}
