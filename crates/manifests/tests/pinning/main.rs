//! What becomes of a manifest when its images are pinned?

mod laws;
mod shapes;

use image_trust::kubernetes::Kinds;
use image_trust::{Digest, ImageRef};
use image_trust_manifests::{
    Manifest,
    pin::{Target, pinned, targets},
};

/// The digest of every image that is proven.
pub(crate) const PROVEN: [u8; 32] = [0x11; 32];

/// The digest that is written for an image. Those that are called `unsigned` are not proven, and only the tags of `moved` have another digest than the file.
pub(crate) fn proven(image: &str) -> Option<Digest> {
    let reference = ImageRef::parse(image).ok()?;
    let stays = reference.digest().is_some() && !image.contains("moved") || image.contains("unsigned");
    let digest = Digest::from_bytes(PROVEN);
    (!stays && reference.digest() != Some(digest)).then_some(digest)
}

/// The text with every image pinned, or why not.
pub(crate) fn pin(text: &str, named: bool) -> Result<String, String> {
    let manifest = Manifest::parse(text.to_owned()).map_err(|error| error.to_string())?;
    let found = targets(&manifest, named, Kinds::default()).map_err(|error| error.to_string())?;
    let pins: Vec<(&Target, Digest)> =
        found.images.iter().filter_map(|target| Some((target, proven(&target.image)?))).collect();
    pinned(&manifest, &pins).map_err(|error| error.to_string())
}
