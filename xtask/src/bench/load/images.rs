//! Which images are asked for under load, and what is right to answer of each? Known before the policy is asked.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use image_trust_testbed::loopback::{ImageKind, Signer, TinyImage, digest_of, signed_payload};
use serde_json::{Value, json};

use super::super::{progress, shelf::Shelf};

/// Whose keys the policy knows. The images of each are below a folder of that name, and nobody else may sign them.
const SIGNERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const REGISTRY: &str = "registry.example.com";
/// The host name of a registry that nobody can reach.
const DOWN: &str = "down.example.com";

/// The evidence that an image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A tag, signed by whom the rule asks for.
    Signed,
    /// A digest, signed by whom the rule asks for.
    SignedByDigest,
    /// Signed with an annotation that nobody asked for: only the host can read what was signed.
    SignedUnreadably,
    /// A tag with the digest of one platform; the index behind the tag is signed, and lists it.
    Listed,
    /// An image without a signature.
    Unsigned,
    /// Signed by somebody else, whose key the policy knows for other images.
    OtherSigner,
    /// Beside it lies what the right signer said of another image.
    OtherDigest,
    /// A tag with the digest of one platform; the index behind the tag is signed, and is another image's.
    OtherIndex,
    /// Signed, in a registry that nobody reaches.
    Unreachable,
}

/// The number of images of each kind among 20.
const SHARES: [(Kind, usize); 9] = [
    (Kind::Signed, 9),
    (Kind::SignedByDigest, 2),
    (Kind::SignedUnreadably, 1),
    (Kind::Listed, 1),
    (Kind::Unsigned, 2),
    (Kind::OtherSigner, 2),
    (Kind::OtherDigest, 1),
    (Kind::OtherIndex, 1),
    (Kind::Unreachable, 1),
];

impl Kind {
    /// Every kind, as often as it comes in a round.
    fn round() -> Vec<Kind> {
        SHARES.into_iter().flat_map(|(kind, share)| std::iter::repeat_n(kind, share)).collect()
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::Signed => "signed, named by a tag",
            Kind::SignedByDigest => "signed, named by its digest",
            Kind::SignedUnreadably => "signed with what only the host can read",
            Kind::Listed => "a platform of a signed index",
            Kind::Unsigned => "not signed",
            Kind::OtherSigner => "signed by another rule's signer",
            Kind::OtherDigest => "signed for another digest",
            Kind::OtherIndex => "with the signed index of another image",
            Kind::Unreachable => "in a registry out of reach",
        }
    }
}

/// The right answer for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Admitted; this is the container's image afterwards.
    Admitted(String),
    /// The request is denied with this code.
    Denied(u16),
}

impl Expected {
    pub(super) fn words(&self) -> String {
        match self {
            Expected::Admitted(_) => "admitted".to_owned(),
            Expected::Denied(code) => format!("denied, {code}"),
        }
    }
}

pub(super) struct Image {
    pub(super) kind: Kind,
    /// The image as a Pod names it.
    pub(super) name: String,
    pub(super) expected: Expected,
}

/// So many distinct images, and the registry that holds them.
pub(super) fn sign(count: usize) -> Result<(Vec<Image>, Shelf)> {
    let progress = progress(count);
    progress.set_message("signing");
    let signers: Vec<Signer> = SIGNERS.into_iter().map(Signer::named).collect();
    let round = Kind::round();
    let mut shelf = Shelf::default();
    shelf.unplug(DOWN);
    let mut images = Vec::with_capacity(count);
    for (number, kind) in (0..count).zip(round.iter().copied().cycle()) {
        // Each round of kinds with the next signer: every kind occurs with every one.
        let by = number / round.len() % signers.len();
        let (signer, folder) = signers.get(by).zip(SIGNERS.get(by)).context("a signer")?;
        let other = signers.get((by + 1) % signers.len()).context("another signer")?;
        let registry = if kind == Kind::Unreachable { DOWN } else { REGISTRY };
        let image = Made { repository: &format!("{registry}/{folder}/app-{number}"), signer, other };
        images.push(image.put(kind, &mut shelf)?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok((images, shelf))
}

/// An image on its way into the registry.
struct Made<'m> {
    repository: &'m str,
    signer: &'m Signer,
    other: &'m Signer,
}

impl Made<'_> {
    fn put(&self, kind: Kind, shelf: &mut Shelf) -> Result<Image> {
        let Self { repository, signer, other } = self;
        let (tagged, digest) = (format!("{repository}:v1"), digest_of(repository.as_bytes()));
        let index = TinyImage::new(ImageKind::Index, repository);
        let platform = index.children.first().context("a platform")?.digest.clone();
        let pinned = format!("{tagged}@{digest}");
        let says = |digest: &str, annotations: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            signed_payload(repository, digest, &annotations.iter().map(owned).collect::<BTreeMap<_, _>>())
        };
        let (name, expected) = match kind {
            Kind::SignedByDigest => {
                let name = format!("{repository}@{digest}");
                (name.clone(), Expected::Admitted(name))
            }
            Kind::Signed | Kind::SignedUnreadably => (tagged, Expected::Admitted(pinned)),
            Kind::Listed => {
                let name = format!("{tagged}@{platform}");
                (name.clone(), Expected::Admitted(name))
            }
            Kind::OtherIndex => (pinned, Expected::Denied(403)),
            Kind::Unsigned | Kind::OtherSigner | Kind::OtherDigest => (tagged, Expected::Denied(403)),
            Kind::Unreachable => (tagged, Expected::Denied(503)),
        };
        // Behind the tag.
        let behind = match kind {
            Kind::Listed | Kind::OtherIndex => index.manifest.digest.as_str(),
            _ => &digest,
        };
        shelf.tag(repository, "v1", behind);
        if behind == index.manifest.digest {
            shelf.put_manifest(repository, behind, &index.manifest.bytes);
        }
        let (payload, by) = match kind {
            Kind::Unsigned => return Ok(Image { kind, name, expected }),
            Kind::SignedUnreadably => (says(behind, &[("build", "7")]), signer),
            Kind::OtherSigner => (says(behind, &[]), other),
            Kind::OtherDigest => (says(&platform, &[]), signer),
            _ => (says(behind, &[]), signer),
        };
        shelf.sign(repository, behind, &payload, &[by])?;
        Ok(Image { kind, name, expected })
    }
}

/// A rule for each signer. The verdicts must not depend on how busy the machine is.
pub(super) fn settings() -> Value {
    let rules = [REGISTRY, DOWN].into_iter().flat_map(|registry| {
        SIGNERS.map(|name| json!({"pattern": format!("{registry}/{name}/*:*"), "with": {"trustRoot": name}}))
    });
    let roots = SIGNERS.map(|name| json!({"name": name, "key": Signer::named(name).public_pem()}));
    json!({
        "validators": [{"name": "default", "type": "cosign", "askHost": true, "trustRoots": roots}],
        "policy": rules.collect::<Vec<_>>(),
        "features": {"automaticChildApproval": false, "timeBudgetMs": 30_000},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn images_are_distinct_and_every_kind_comes_with_every_signer() {
        let (images, _) = sign(Kind::round().len() * SIGNERS.len()).expect("images");
        let names: BTreeSet<&str> = images.iter().map(|image| image.name.as_str()).collect();
        assert_eq!(names.len(), images.len());
        let folder = |image: &Image| image.name.split('/').nth(1).map(str::to_owned);
        let combinations: BTreeSet<_> = images.iter().map(|image| (image.kind, folder(image))).collect();
        assert_eq!(combinations.len(), SHARES.len() * SIGNERS.len());
    }
}
