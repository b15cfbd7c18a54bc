//! What may be admitted without a proof, because it is in the cluster already?
//!
//! Pure predicates over facts that were fetched. An *approval* admits a text as it stands; a *carried* digest is written in place of a tag because it is
//! live, and not because it was proven. Which of them a policy wants is its settings' to say, and never for static rules.

use std::{collections::BTreeMap, fmt};

use super::{Slot, SlotKey, Workload};
use crate::{
    image::{Digest, ImageRef},
    text::Shown,
};

/// What the slots of an object held before an update. A slot is known by its pod spec, list and name; one whose name is missing or not unique, in either
/// version, can't be told from others, so nothing is known of it.
#[derive(Debug, Default)]
pub struct Before<'w>(BTreeMap<SlotKey<'w>, &'w str>);

/// The reason for which an image is admitted without a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// An update leaves it as it is.
    Unchanged,
    /// An owner lists it: kind and name.
    Owner(String, String),
}

/// A digest that the live object has, where the new one has the same tag and no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveDigest<'i> {
    image: &'i ImageRef,
    digest: Digest,
}

/// A live digest that is kept. There is no other way to one than through [`LiveDigest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    image: ImageRef,
    digest: Digest,
    why: Carrying,
}

/// The reason for which the live digest of an image is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrying {
    /// The tag still points to it.
    StillResolves,
    /// The request is a dry run, so nothing will be stored.
    DryRun,
}

/// A reference with the live digest, in the user's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept(ImageRef);

impl<'w> Before<'w> {
    /// The slots of `workload` before the update, if it existed before.
    #[must_use]
    pub fn of(workload: &'w Workload<'_>, old: Option<&'w Workload<'_>>) -> Before<'w> {
        let mut before = old.map(Workload::named_images).unwrap_or_default();
        let now = workload.named_images();
        before.retain(|slot, _| now.contains_key(slot));
        Before(before)
    }

    fn image(&self, slot: &Slot<'_>) -> Option<&'w str> {
        self.0.get(&slot.place().key()?).copied()
    }

    /// Whether a slot holds the same text as before.
    #[must_use]
    pub fn is_unchanged(&self, slot: &Slot<'_>) -> bool {
        self.image(slot) == Some(slot.image())
    }
}

impl<'i> LiveDigest<'i> {
    /// The digest that all of these slots have in the live object, where `image`, which they hold now, has its tag only: same repository, same
    /// tag. `None` where they differ.
    #[must_use]
    pub fn of<'s>(
        image: &'i ImageRef,
        slots: impl IntoIterator<Item = &'s Slot<'s>>,
        before: &Before<'_>,
    ) -> Option<LiveDigest<'i>> {
        let mut live = None;
        for slot in slots {
            let old = ImageRef::parse(before.image(slot)?).ok()?;
            let digest = old.digest()?;
            if image.digest().is_some() || old != image.pinned(digest) || live.is_some_and(|live| live != digest) {
                return None;
            }
            live = Some(digest);
        }
        live.map(|digest| LiveDigest { image, digest })
    }

    /// The image with this digest: what is live.
    #[must_use]
    pub fn reference(&self) -> ImageRef {
        self.image.pinned(self.digest)
    }

    /// Keeps it in a dry run.
    #[must_use]
    pub fn in_dry_run(self) -> Carried {
        Carried { image: self.image.clone(), digest: self.digest, why: Carrying::DryRun }
    }

    /// Keeps it if it is what the tag points to.
    #[must_use]
    pub fn if_still(self, resolved: Digest) -> Option<Carried> {
        let why = Carrying::StillResolves;
        (resolved == self.digest).then(|| Carried { image: self.image.clone(), digest: self.digest, why })
    }
}

impl Carried {
    /// `image` with the live digest; `None` if it is not the image that this is the digest of.
    #[must_use]
    pub fn pin(&self, image: &ImageRef) -> Option<Kept> {
        (self.image == *image).then(|| Kept(image.pinned(self.digest)))
    }

    /// The digest that is live.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl Kept {
    /// The text that will be written into the object.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.written()
    }
}

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Approval::Unchanged => f.write_str("unchanged by this update"),
            Approval::Owner(kind, name) => write!(f, "listed by {} {}", Shown(kind), Shown(name)),
        }
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Carrying::StillResolves => "live, and its tag still points to it",
            Carrying::DryRun => "live, and this is a dry run",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Kinds, *};

    fn pod(containers: &[(&str, &str)]) -> String {
        let containers: Vec<_> =
            containers.iter().map(|(name, image)| format!(r#"{{"name":"{name}","image":"{image}"}}"#)).collect();
        format!(r#"{{"spec":{{"containers":[{}]}}}}"#, containers.join(","))
    }

    fn read(json: &str) -> Workload<'_> {
        Workload::read(Kinds::default(), "", "Pod", Some(serde_json::from_str(json).unwrap())).unwrap()
    }

    #[test]
    fn a_digest_is_carried_for_the_same_slot_repository_and_tag() {
        let one = &format!("sha256:{}", "1".repeat(64));
        let two = &format!("sha256:{}", "2".repeat(64));
        let pinned = |name: &str, digest: &str| format!("{name}@{digest}");
        // what was, what is, is the digest live
        type Row<'a> = (Vec<(&'a str, String)>, Vec<(&'a str, &'a str)>, bool, &'a str);
        let rows: &[Row<'_>] = &[
            (vec![("a", pinned("nginx:1", one))], vec![("a", "nginx:1")], true, "the plain case"),
            (
                vec![("a", pinned("docker.io/library/nginx:1", one))],
                vec![("a", "nginx:1")],
                true,
                "in another spelling",
            ),
            (vec![("a", pinned("nginx:latest", one))], vec![("a", "nginx")], true, "latest, left out"),
            (vec![("a", pinned("nginx:1", one))], vec![("a", "nginx:2")], false, "another tag"),
            (vec![("a", pinned("nginx:1", one))], vec![("a", "ghcr.io/nginx:1")], false, "another registry"),
            (vec![("a", pinned("nginx", one))], vec![("a", "nginx")], false, "a digest alone has no tag"),
            (vec![("a", "nginx:1".to_owned())], vec![("a", "nginx:1")], false, "no digest"),
            (vec![("b", pinned("nginx:1", one))], vec![("a", "nginx:1")], false, "another slot"),
            (vec![("a", pinned("nginx:1", one)); 2], vec![("a", "nginx:1")], false, "a name that was there twice"),
            (vec![("a", pinned("nginx:1", one))], vec![("a", "nginx:1"), ("a", "nginx:1")], false, "and that is now"),
            (
                vec![("a", pinned("nginx:1", one)), ("b", pinned("nginx:1", one))],
                vec![("a", "nginx:1"), ("b", "nginx:1")],
                true,
                "in two slots",
            ),
            (
                vec![("a", pinned("nginx:1", one)), ("b", pinned("nginx:1", two))],
                vec![("a", "nginx:1"), ("b", "nginx:1")],
                false,
                "two digests",
            ),
            (
                vec![("a", pinned("nginx:1", one))],
                vec![("a", "nginx:1"), ("b", "nginx:1")],
                false,
                "one of two slots is new",
            ),
            (vec![("a", "nginx:1@sha256:1".to_owned())], vec![("a", "nginx:1")], false, "no digest at all"),
        ];
        for (old, new, expected, why) in rows {
            let old: Vec<(&str, &str)> = old.iter().map(|(name, image)| (*name, image.as_str())).collect();
            let (old, new) = (pod(&old), pod(new));
            let (old, new) = (read(&old), read(&new));
            let before = Before::of(&new, Some(&old));
            let image = ImageRef::parse(new.slots().flatten().next().unwrap().image()).unwrap();
            let live = LiveDigest::of(&image, new.slots().flatten(), &before);
            assert_eq!(live.is_some(), *expected, "{why}");
            let Some(live) = live else { continue };
            let (one, two) = (Digest::parse(one).unwrap(), Digest::parse(two).unwrap());
            assert_eq!(live.if_still(two), None, "{why}: the tag has moved");
            for carried in [live.if_still(one).unwrap(), live.in_dry_run()] {
                let kept = carried.pin(&image).unwrap();
                assert_eq!(kept.text(), image.pinned(one).written(), "{why}: in the new spelling");
                assert_eq!(carried.pin(&ImageRef::parse("nginx:3").unwrap()), None, "{why}: of no other image");
            }
        }
    }

    #[test]
    fn without_an_object_before_nothing_is_unchanged() {
        let json = pod(&[("a", "nginx")]);
        let workload = read(&json);
        let slot = workload.slots().flatten().next().unwrap();
        assert!(!Before::of(&workload, None).is_unchanged(slot));
        assert!(Before::of(&workload, Some(&workload)).is_unchanged(slot));
    }
}
