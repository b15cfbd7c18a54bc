//! A registry with evidence in every place, and the command that collects it.

use std::{collections::BTreeMap, fs};

use image_trust_testbed::loopback::{ImageKind, Registry, digest_of};
use serde_json::{Value, json};

use crate::command::{image_trust, text};

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub(super) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub(super) const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(super) const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
pub(super) const JOSE: &str = "application/jose+json";
pub(super) const COSE: &str = "application/cose";
pub(super) const REPOSITORY: &str = "shop/web";

/// A layer of a manifest of evidence.
pub(super) struct Layer {
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) annotations: Value,
}

pub(super) fn layer(media_type: &'static str, bytes: &str) -> Layer {
    Layer {
        media_type,
        bytes: bytes.as_bytes().to_vec(),
        annotations: json!({"of": bytes.chars().take(8).collect::<String>()}),
    }
}

/// A registry with one image, and a folder to work in.
pub(super) struct Bed {
    pub(super) registry: Registry,
    pub(super) dir: tempfile::TempDir,
    /// The digest of the image.
    pub(super) image: String,
}

/// The result of a run.
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) told: Value,
    pub(super) stderr: String,
}

impl Bed {
    pub(super) fn of(kind: ImageKind) -> Bed {
        let registry = Registry::start().expect("a registry");
        let image = registry.push_image(REPOSITORY, "1", kind, "x");
        let dir = tempfile::tempdir().expect("a folder");
        let sources = json!({"insecure_sources": [registry.host()]});
        fs::write(dir.path().join("sources.yaml"), sources.to_string()).expect("a file");
        fs::write(dir.path().join("config.json"), "{}").expect("a file");
        Bed { registry, dir, image }
    }

    pub(super) fn new() -> Bed {
        Bed::of(ImageKind::Oci)
    }

    /// The digests of an index's images.
    pub(super) fn platforms(&self) -> Vec<String> {
        let index = self.manifest(&self.image).expect("an index");
        let entries = index["manifests"].as_array().expect("a list");
        entries.iter().map(|entry| entry["digest"].as_str().expect("a digest").to_owned()).collect()
    }

    pub(super) fn name(&self) -> String {
        format!("{}/{REPOSITORY}:1", self.registry.host())
    }

    pub(super) fn manifest(&self, reference: &str) -> Option<Value> {
        self.manifest_in(REPOSITORY, reference)
    }

    pub(super) fn manifest_in(&self, repository: &str, reference: &str) -> Option<Value> {
        let manifest = self.registry.manifest(repository, reference)?;
        Some(serde_json::from_slice(&manifest.bytes).expect("JSON"))
    }

    /// The evidence manifest of a digest, as it lies there.
    pub(super) fn evidence(&self, digest: &str) -> Option<Value> {
        self.manifest(&evidence_tag(digest))
    }

    /// Runs the command about the image.
    pub(super) fn collect(&self, more: &[&str]) -> Ran {
        self.run(&[&[self.name().as_str()], more].concat())
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        let fixed =
            ["collect", "-o", "json", "--sources-path", "sources.yaml", "--docker-config-json-path", "config.json"];
        let output = image_trust(self.dir.path(), &[&fixed, args].concat(), "");
        let (told, stderr) = (text(&output.stdout), text(&output.stderr));
        Ran { code: output.status.code(), told: serde_json::from_str(&told).unwrap_or_default(), stderr }
    }

    /// Puts a manifest of evidence somewhere, and returns its digest.
    pub(super) fn put(&self, repository: &str, tag: Option<&str>, fields: Value, layers: &[Layer]) -> String {
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| {
                let digest = self.registry.put_blob(repository, &layer.bytes);
                let annotations = &layer.annotations;
                json!({"mediaType": layer.media_type, "digest": digest, "size": layer.bytes.len(), "annotations": annotations})
            })
            .collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": EMPTY, "digest": self.registry.put_blob(repository, b"{}"), "size": 2},
            "layers": layers,
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            manifest[key] = value.clone();
        }
        self.registry.put_manifest(repository, tag, MANIFEST, manifest.to_string().as_bytes())
    }

    /// A manifest that refers to the image `subject`.
    pub(super) fn refer(&self, subject: &str, artifact_type: &str, layers: &[Layer]) -> String {
        let subject = json!({"mediaType": MANIFEST, "digest": subject, "size": 1});
        let annotations = json!({
            "org.opencontainers.image.created": "2026-11-29T00:00:00Z",
            "dev.sigstore.bundle.content": "dsse-envelope",
        });
        let fields = json!({"artifactType": artifact_type, "subject": subject, "annotations": annotations});
        self.put(REPOSITORY, None, fields, layers)
    }

    /// The fallback index as cosign 3 writes it, with the same `artifactType` for every entry.
    pub(super) fn list(&self, subject: &str, referrers: &[String]) {
        let entry =
            |digest: &String| json!({"mediaType": MANIFEST, "digest": digest, "size": 1, "artifactType": EMPTY});
        let manifests: Vec<Value> = referrers.iter().map(entry).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string();
        self.registry.put_manifest(REPOSITORY, Some(&tag(subject)), INDEX, index.as_bytes());
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).expect("a file");
    }
}

/// The tag of a digest, `sha256-<hex>`.
pub(super) fn tag(digest: &str) -> String {
    digest.replace(':', "-")
}

pub(super) fn evidence_tag(digest: &str) -> String {
    format!("{}.evidence", tag(digest))
}

impl Ran {
    /// The platform, the outcome and the media types of the items, for each digest.
    pub(super) fn evidence(&self) -> Vec<(String, String, Vec<String>)> {
        let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let images = list(&self.told["images"]);
        let evidence = images.iter().flat_map(|image| list(&image["evidence"]));
        let items = |one: &Value| list(&one["items"]).iter().map(|item| of(&item["mediaType"])).collect();
        evidence.map(|one| (of(&one["platform"]), of(&one["outcome"]), items(&one))).collect()
    }

    /// The outcome of the one digest.
    pub(super) fn outcome(&self) -> String {
        let evidence = self.evidence();
        assert_eq!(evidence.len(), 1, "{}{}", self.told, self.stderr);
        evidence[0].1.clone()
    }
}

/// The contents of an evidence manifest's items, by digest, after the rules of the format were checked.
pub(super) fn contents(manifest: &Value) -> BTreeMap<String, String> {
    use base64ct::{Base64, Encoding as _};
    assert_eq!(manifest["artifactType"], "application/vnd.image-trust.evidence.v1");
    let layers = manifest["layers"].as_array().expect("a list");
    let content = |layer: &Value| {
        let digest = layer["digest"].as_str().expect("a digest").to_owned();
        let content = layer["annotations"]["dev.image-trust.content"].as_str()?;
        let content = Base64::decode_vec(content).expect("base64");
        assert_eq!((digest_of(&content), layer["size"].as_u64()), (digest.clone(), Some(content.len() as u64)));
        Some((digest, String::from_utf8(content).expect("text")))
    };
    layers.iter().filter_map(content).collect()
}
