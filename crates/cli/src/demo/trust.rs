//! What is signed in Docker Content Trust, in the demo?
//!
//! The images are those of the quick start on Connaisseur's welcome page: a signed and an unsigned tag of one repository, and `hello-world`. The registry of the demo
//! is the notary server, too.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use image_trust::ImageRef;
use image_trust_collect::{
    manifest::EvidenceManifest,
    notary::{self, Server, TrustData},
    push::push,
    registry::{Client, Config, Repository as Place},
};
use image_trust_host::LiveConfig;
use image_trust_testbed::{
    loopback::{ImageKind, Registry},
    mint::{Key, notary_v1::Repository},
};

/// The owner of both repositories.
const OWNER: &str = "owner";
/// How long a timestamp lasts, in seconds.
const FOURTEEN_DAYS: u64 = 14 * 24 * 60 * 60;

/// The root key of both repositories, in PEM.
pub(super) fn root_key() -> String {
    Key::p256(OWNER).public_pem()
}

/// Pushes the images, signs two of them, and collects the trust data as `image-trust collect --notary` does.
pub(super) fn push_and_sign(registry: &Registry) -> Result<()> {
    let images = [("dct/testimage", "signed"), ("dct/testimage", "unsigned"), ("dct/hello-world", "latest")];
    let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + FOURTEEN_DAYS;
    let LiveConfig { sources, docker_config, .. } = LiveConfig::loopback([registry.host()]);
    let client = Client::new(Config { sources, docker_config, ..Config::default() })?;
    let server = Server::parse(&format!("http://{}", registry.host())).map_err(anyhow::Error::msg)?;
    for (repository, tag) in images {
        let digest = registry.push_image(repository, tag, ImageKind::Oci, tag);
        if tag == "unsigned" {
            continue;
        }
        let gun = format!("{}/{repository}", registry.host());
        let mut signed = Repository::new(&gun, OWNER, &[(tag, &digest)]);
        for role in [&mut signed.root, &mut signed.timestamp, &mut signed.snapshot, &mut signed.targets] {
            role.expires = expires;
        }
        registry.put_trust_data(&gun, &signed.files());
        let TrustData(files) = notary::find(&client, &server, &gun)?.context("the trust data is not there")?;
        let at = ImageRef::parse(&gun).map_err(|error| anyhow::Error::msg(error.to_string()))?;
        push(&client, &Place::of(&at), &EvidenceManifest::of_trust_data(&gun, &files))?;
    }
    Ok(())
}
