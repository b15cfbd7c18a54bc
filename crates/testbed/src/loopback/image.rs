//! What does an image look like that is as small as images can be?

use std::collections::HashMap;

use oci_spec::image::{
    Arch, Config, Descriptor, ImageConfiguration, ImageIndexBuilder, ImageManifestBuilder, MediaType, Os, Platform,
    RootFs, SCHEMA_VERSION, Sha256Digest, ToDockerV2S2,
};
use serde::Serialize;

use super::{Manifest, digest_of};

/// The four forms in which registries hold images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// An image with an OCI manifest.
    Oci,
    /// An image with a Docker manifest of schema 2.
    Docker,
    /// An OCI index of an amd64 and an arm64 image.
    Index,
    /// A Docker manifest list of the same.
    DockerList,
}

impl ImageKind {
    fn is_docker(self) -> bool {
        matches!(self, Self::Docker | Self::DockerList)
    }

    /// The media type in this kind of image that OCI calls `oci`.
    fn media_type(self, oci: MediaType) -> MediaType {
        match oci.to_docker_v2s2() {
            Ok(docker) if self.is_docker() => MediaType::from(docker),
            _ => oci,
        }
    }
}

/// An archive without files, gzip-compressed into a stored block: the layer of every image, since nobody unpacks it.
fn empty_layer() -> (Vec<u8>, String) {
    let archive = [0_u8; 1024];
    let length = (archive.len() as u16).to_le_bytes();
    let complement = (!(archive.len() as u16)).to_le_bytes();
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    gzip.extend(length);
    gzip.extend(complement);
    gzip.extend(archive);
    gzip.extend(0xefb5_af2e_u32.to_le_bytes()); // the CRC-32 of 1024 zeros
    gzip.extend((archive.len() as u32).to_le_bytes());
    (gzip, digest_of(&archive))
}

/// An image as registries take it: everything that has to be stored, in an order in which nothing refers to what isn't there yet.
#[derive(Clone, Debug)]
pub struct TinyImage {
    /// The bytes of the config and of the layers.
    pub blobs: Vec<Vec<u8>>,
    /// The manifests of an index's images.
    pub children: Vec<Manifest>,
    /// The manifest that the image's tag and digest name.
    pub manifest: Manifest,
}

impl TinyImage {
    /// An image. The same `kind` and `seed` give the same bytes.
    pub fn new(kind: ImageKind, seed: &str) -> Self {
        match kind {
            ImageKind::Oci | ImageKind::Docker => Self::of_platform(kind, seed, Arch::Amd64),
            ImageKind::Index | ImageKind::DockerList => Self::of_platforms(kind, seed, [Arch::Amd64, Arch::ARM64]),
        }
    }

    fn of_platforms(kind: ImageKind, seed: &str, platforms: [Arch; 2]) -> Self {
        let (mut blobs, mut children, mut descriptors) = (Vec::new(), Vec::new(), Vec::new());
        for arch in platforms {
            let image = Self::of_platform(kind, seed, arch.clone());
            let mut platform = Platform::default();
            platform.set_architecture(arch).set_os(Os::Linux);
            let mut descriptor = describe(kind.media_type(MediaType::ImageManifest), &image.manifest.bytes);
            descriptor.set_platform(Some(platform));
            descriptors.push(descriptor);
            blobs.extend(image.blobs);
            children.push(image.manifest);
        }
        let media_type = kind.media_type(MediaType::ImageIndex);
        let index = ImageIndexBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(media_type.clone())
            .manifests(descriptors)
            .build()
            .expect("every required field is set above");
        Self { blobs, children, manifest: Manifest::new(media_type.as_ref(), to_json(&index).into()) }
    }

    fn of_platform(kind: ImageKind, seed: &str, arch: Arch) -> Self {
        let (layer, diff_id) = empty_layer();
        let mut rootfs = RootFs::default();
        rootfs.set_diff_ids(vec![diff_id]);
        // What makes one image another. A map of one entry has only one order.
        let mut labels = Config::default();
        labels.set_labels(Some(HashMap::from([("seed".to_owned(), seed.to_owned())])));
        let mut config = ImageConfiguration::default();
        config.set_architecture(arch).set_os(Os::Linux).set_rootfs(rootfs).set_config(Some(labels)).set_created(None);
        let config = to_json(&config);
        let media_type = kind.media_type(MediaType::ImageManifest);
        let manifest = ImageManifestBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(media_type.clone())
            .config(describe(kind.media_type(MediaType::ImageConfig), &config))
            .layers([describe(kind.media_type(MediaType::ImageLayerGzip), &layer)])
            .build()
            .expect("every required field is set above");
        Self {
            blobs: vec![config, layer],
            children: Vec::new(),
            manifest: Manifest::new(media_type.as_ref(), to_json(&manifest).into()),
        }
    }
}

fn describe(media_type: MediaType, bytes: &[u8]) -> Descriptor {
    let digest = digest_of(bytes);
    let hex: Sha256Digest = digest["sha256:".len()..].parse().expect("64 hex digits make a SHA-256 digest");
    Descriptor::new(media_type, bytes.len() as u64, hex)
}

fn to_json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("structs of strings and numbers have a JSON form")
}
