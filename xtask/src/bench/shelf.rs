//! What does a registry in this process hold? Images that are really signed, for hosts that answer from memory.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image_trust_host::{Answers, HostRequest};
use image_trust_testbed::loopback::{SIGNATURE_ANNOTATION, Signer, digest_of, signature_tag, signed_by_all};
use p256::{
    ecdsa::{DerSignature, VerifyingKey, signature::Verifier as _},
    pkcs8::DecodePublicKey as _,
};
use serde_json::{Value, json};

/// Tags, manifests and payloads, by the names under which hosts are asked for them.
#[derive(Default)]
pub(super) struct Shelf {
    digests: HashMap<String, String>,
    manifests: HashMap<String, Vec<u8>>,
    /// The payloads that were signed, by their digests.
    payloads: HashMap<String, String>,
    /// The host names of registries that nobody can reach.
    unplugged: BTreeSet<String>,
}

impl Shelf {
    /// Puts an image with this digest under the tag.
    pub(super) fn tag(&mut self, repository: &str, tag: &str, digest: &str) {
        for image in
            [format!("{repository}:{tag}"), format!("{repository}@{digest}"), format!("{repository}:{tag}@{digest}")]
        {
            self.digests.insert(image, digest.to_owned());
        }
    }

    /// Puts a manifest, or an index, under its digest.
    pub(super) fn put_manifest(&mut self, repository: &str, digest: &str, bytes: &[u8]) {
        self.manifests.insert(format!("{repository}@{digest}"), bytes.to_vec());
    }

    /// Attaches what these signers made of `payload`, whatever it says, to the image with this digest. The last one signed last.
    pub(super) fn sign(&mut self, repository: &str, digest: &str, payload: &str, signers: &[&Signer]) -> Result<()> {
        let manifest = signed_by_all(payload, signers)?;
        self.manifests.insert(format!("{repository}:{}", signature_tag(digest)), manifest);
        self.payloads.insert(digest_of(payload.as_bytes()), payload.to_owned());
        Ok(())
    }

    /// Puts an evidence manifest under its tag.
    pub(super) fn put_evidence(&mut self, repository: &str, digest: &str, manifest: &Value) {
        let tag = format!("{}.evidence", digest.replace(':', "-"));
        self.manifests.insert(format!("{repository}:{tag}"), manifest.to_string().into_bytes());
    }

    /// Takes a registry off the network.
    pub(super) fn unplug(&mut self, registry: &str) {
        self.unplugged.insert(registry.to_owned());
    }

    /// The digest of an image that is there.
    pub(super) fn digest(&self, image: &str) -> Result<&str> {
        let digest = self.digests.get(image).map(String::as_str);
        digest.with_context(|| format!("Fail to interact with OCI registry: Image manifest not found: {image}"))
    }

    /// Does one of these keys verify a signature whose payload names the image? As cosign does it, in the host's words.
    fn verify(&self, image: &str, keys: &[String]) -> Result<Vec<u8>> {
        let digest = self.digest(image)?;
        let repository = image.split('@').next().unwrap_or_default();
        let manifest = self.manifests.get(&format!("{repository}:{}", signature_tag(digest)));
        let manifest = manifest.with_context(|| format!("no signatures found for image: {image} "))?;
        let manifest: Value = serde_json::from_slice(manifest)?;
        let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of_image: Vec<(&str, &str)> = layers
            .iter()
            .filter_map(|layer| self.payload(layer))
            .filter(|(payload, _)| names(payload, digest))
            .collect();
        ensure!(!of_image.is_empty(), "failed to get image trusted layers: No Signature Layer passed verification");
        let signed = |key: &String| of_image.iter().any(|(payload, signature)| is_signed(payload, signature, key));
        ensure!(keys.iter().all(signed), "Image verification failed: missing signatures");
        Ok(trusted(digest))
    }

    /// The payload of a layer, and its signature.
    fn payload<'s>(&'s self, layer: &'s Value) -> Option<(&'s str, &'s str)> {
        let payload = self.payloads.get(layer["digest"].as_str()?)?;
        Some((payload, layer["annotations"][SIGNATURE_ANNOTATION].as_str()?))
    }
}

/// The policy server's answer that the image is trusted.
pub(super) fn trusted(digest: &str) -> Vec<u8> {
    json!({"is_trusted": true, "digest": digest}).to_string().into_bytes()
}

fn names(payload: &str, digest: &str) -> bool {
    let named = |payload: Value| payload["critical"]["image"]["docker-manifest-digest"] == *digest;
    serde_json::from_str(payload).is_ok_and(named)
}

fn is_signed(payload: &str, signature: &str, key: &str) -> bool {
    let verified = || {
        let signature = DerSignature::try_from(STANDARD.decode(signature).ok()?.as_slice()).ok()?;
        VerifyingKey::from_public_key_pem(key).ok()?.verify(payload.as_bytes(), &signature).ok()
    };
    verified().is_some()
}

impl Answers for Shelf {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let (HostRequest::OciManifestDigest { image }
        | HostRequest::OciManifest { image }
        | HostRequest::OciManifestAndConfig { image }
        | HostRequest::SigstorePubKeyVerify { image, .. }) = request
        else {
            bail!("this host has a registry, and nothing else")
        };
        let registry = image.split('/').next().unwrap_or_default();
        if self.unplugged.contains(registry) {
            bail!("Fail to interact with OCI registry: error sending request for url (https://{registry}/v2/)");
        }
        match request {
            HostRequest::OciManifestDigest { .. } => {
                Ok(json!({"digest": self.digest(image)?}).to_string().into_bytes())
            }
            HostRequest::OciManifest { .. } => self
                .manifests
                .get(image)
                .cloned()
                .with_context(|| format!("Fail to interact with OCI registry: Image manifest not found: {image}")),
            HostRequest::SigstorePubKeyVerify { pub_keys, annotations: None, .. } => self.verify(image, pub_keys),
            _ => bail!("no configs are held here, and no annotations are looked at"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image_trust_testbed::loopback::{Registry, signed_payload};

    #[test]
    fn what_is_attached_is_what_the_signer_attaches_in_a_registry() {
        let (repository, digest) = ("ghcr.io/acme/app", digest_of(b"app"));
        let (alice, bob) = (Signer::named("alice"), Signer::named("bob"));
        let payload = signed_payload(repository, &digest, &Default::default());
        let registry = Registry::start().expect("a registry");
        let mut shelf = Shelf::default();
        shelf.sign(repository, &digest, &payload, &[&alice, &bob]).expect("signatures");
        for signer in [alice, bob] {
            signer.sign_payload(&registry, "app", &digest, &payload).expect("a signature");
        }
        let layers = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON")["layers"].clone();
        let attached = registry.manifest("app", &signature_tag(&digest)).expect("a manifest");
        let held = &shelf.manifests[&format!("{repository}:{}", signature_tag(&digest))];
        assert_eq!(layers(held), layers(&attached.bytes));
    }

    #[test]
    fn verifications_are_answered_as_cosign_would() {
        let repository = "ghcr.io/acme/app";
        let key = |name: &str| Signer::named(name).public_pem();
        let (app, other, unsigned) = (digest_of(b"app"), digest_of(b"other"), digest_of(b"unsigned"));
        let mut shelf = Shelf::default();
        shelf.unplug("down.example.com");
        for (tag, digest) in [("app", &app), ("other", &other), ("unsigned", &unsigned)] {
            shelf.tag(repository, tag, digest);
        }
        // Both carry what alice said of the one.
        let payload = signed_payload(repository, &app, &Default::default());
        for digest in [&app, &other] {
            shelf.sign(repository, digest, &payload, &[&Signer::named("alice")]).expect("a signature");
        }
        let by_digest = |digest: &str| format!("{repository}@{digest}");
        // the image, whose key, the digest or a part of the error
        let table = [
            (by_digest(&app), "alice", Ok(&app)),
            (by_digest(&app), "bob", Err("missing signatures")),
            (by_digest(&other), "alice", Err("No Signature Layer passed verification")),
            (by_digest(&unsigned), "alice", Err("no signatures found for image")),
            (by_digest(&digest_of(b"none")), "alice", Err("not found")),
            ("down.example.com/app".to_owned(), "alice", Err("error sending request")),
        ];
        for (image, name, expected) in table {
            let request = HostRequest::SigstorePubKeyVerify {
                image: image.clone(),
                pub_keys: vec![key(name)],
                annotations: None,
            };
            match (shelf.answer(&request), expected) {
                (Ok(bytes), Ok(digest)) => assert_eq!(bytes, trusted(digest), "{image}"),
                (Err(error), Err(part)) => assert!(format!("{error:#}").contains(part), "{image}: {error:#}"),
                (answer, _) => panic!("{image}, {name}: {answer:?}"),
            }
        }
    }
}
