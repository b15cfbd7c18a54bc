//! Which payloads may somebody have signed by mistake?
//!
//! These payloads are not accepted. But a signature over one of them is known to be for this image, and a denial can tell what is wrong with it.

use std::collections::BTreeMap;

use super::requirement::{CosignRequirement, Mistake, annotation};
use crate::{
    evidence::cosign::{Payload, repository_name},
    image::{Digest, ImageRef},
    ordered::map,
};

/// The most accepted names for which mistakes are looked for.
const MAX_NAMES: usize = 4;

impl CosignRequirement {
    /// The likely mistakes in signatures of `image`, by the digest of the payload.
    pub(crate) fn mistakes(&self, image: &ImageRef, digest: Digest) -> BTreeMap<Digest, (Payload, Mistake)> {
        let wanted = &self.cosign.annotations;
        let mut mistakes = BTreeMap::new();
        let mut add = |name: &str, annotations: &BTreeMap<String, String>, mistake: Mistake| {
            let payload = Payload::new(name, digest, annotations);
            mistakes.entry(payload.digest()).or_insert((payload, mistake));
        };
        for name in self.names(image).take(MAX_NAMES) {
            if !wanted.is_empty() {
                add(&name, &BTreeMap::new(), Mistake::Annotations(self.wanted_annotations()));
            }
            for (left_out, value) in wanted {
                let others = wanted.iter().filter(|(key, _)| *key != left_out);
                let others = map(others.map(|(key, value)| (key.clone(), value.clone())));
                add(&name, &others, Mistake::Annotations(vec![annotation(left_out, value)]));
            }
        }
        let itself = repository_name(image);
        add(&itself, wanted, Mistake::Name(itself.clone()));
        mistakes
    }

    /// The annotations that the rule wants.
    pub(crate) fn wanted_annotations(&self) -> Vec<String> {
        self.cosign.annotations.iter().map(|(key, value)| annotation(key, value)).collect()
    }
}
