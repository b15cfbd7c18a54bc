//! How is an evidence manifest written?
//!
//! The same items always give the same bytes, in whatever order they were found.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding as _};
pub use image_trust::evidence::{
    manifest::{ENVELOPE, LEFT_OUT, OCSP_RESPONSE, REVOCATION_LIST},
    notary_v1::MEDIA_TYPE as TRUST_DATA,
};
use image_trust::{
    Digest,
    evidence::{
        manifest::{
            ARTIFACT_TYPE, BUNDLES, CONTENT, MANIFEST, MAX_ITEM, MAX_ITEMS, MAX_POINTED, PREDICATE_TYPES, evidence_tag,
        },
        notary_v1::{self, Role},
    },
};
use serde::Serialize;

/// The media type of a manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of the empty descriptor (OCI image specification, "Guidance for an Empty Descriptor").
pub const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The blob of the empty descriptor.
pub const EMPTY: &[u8] = b"{}";
/// The size of the largest manifest, in bytes. Every registry accepts it (OCI distribution specification, "Pushing Manifests"). Base64 is a third longer than its
/// content, so this also keeps the contents below the 3 MiB that a reader accepts.
pub const MAX_MANIFEST: usize = 4 * 1024 * 1024 - 1;
/// The beginning of this format's annotations. Only this writer makes them, so those of a found layer are dropped.
const OWN: &str = "dev.image-trust.";

/// One file of evidence, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// The media type of the file.
    pub media_type: String,
    /// The bytes of the file, as they were signed.
    pub bytes: Vec<u8>,
    /// The annotations of the layer in which the file was found.
    pub annotations: BTreeMap<String, String>,
}

impl Item {
    /// The digest of the item's bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// An item that tells of an attestation which is too large to be read by a policy. With it a policy can tell such an attestation from none. It is `None` if the file is
    /// no attestation.
    #[must_use]
    pub fn left_out(
        media_type: &str,
        digest: Digest,
        size: u64,
        annotations: &BTreeMap<String, String>,
    ) -> Option<Item> {
        let annotations = annotations.iter().filter(|(key, _)| PREDICATE_TYPES.contains(&key.as_str()));
        (media_type == ENVELOPE || BUNDLES.contains(&media_type)).then(|| Item {
            media_type: LEFT_OUT.to_owned(),
            bytes: json(&LeftOut { media_type, digest: digest.to_string(), size }),
            annotations: annotations.map(|(key, value)| (key.clone(), value.clone())).collect(),
        })
    }

    /// A file of a Notary v1 repository.
    #[must_use]
    pub fn file(role: &Role, bytes: &[u8]) -> Item {
        let annotations = [(notary_v1::ROLE.to_owned(), role.to_string())].into();
        Item { media_type: notary_v1::MEDIA_TYPE.to_owned(), bytes: bytes.to_vec(), annotations }
    }

    fn is_file(&self) -> bool {
        self.media_type == notary_v1::MEDIA_TYPE
    }

    /// Whether the content is in an annotation. That of trust data always is, because a policy cannot read its bytes anywhere else.
    fn is_inline(&self) -> bool {
        self.is_file() || self.bytes.len() <= MAX_ITEM
    }

    fn as_left_out(&self, annotations: &BTreeMap<String, String>) -> Option<Item> {
        Item::left_out(&self.media_type, self.digest(), self.bytes.len() as u64, annotations)
    }
}

/// The descriptor of a file that was left out; its fields are written in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftOut<'a> {
    media_type: &'a str,
    digest: String,
    size: u64,
}

/// The reason why an item is not in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Left {
    /// The item is larger than [`MAX_POINTED`].
    #[error("it has more than 4 MB, which is the most that a policy can read")]
    TooLarge,
    /// The file of trust data is larger than [`notary_v1::MAX_FILE`].
    #[error("it has more than 2 MiB, which is the most that a policy reads of a file of Notary v1")]
    TrustData,
    /// The annotations are larger than [`MAX_ITEM`].
    #[error("its annotations have more than 256 KiB")]
    Annotations,
    /// The manifest has [`MAX_ITEMS`] items already.
    #[error("an evidence manifest has at most 100 items")]
    TooMany,
    /// The manifest has no room for an item of this size.
    #[error("an evidence manifest has less than 4 MiB, and this does not fit any more")]
    Full,
}

/// A manifest that can be pushed: its bytes, and the tag for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The tag under which the manifest is pushed.
    pub tag: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The bytes of the manifest.
    pub bytes: Vec<u8>,
}

/// An item that is in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The item itself.
    pub item: Item,
    /// The number of the pointer manifest, from 1, if the item is too large for an annotation.
    pub pointer: Option<usize>,
}

/// The evidence for one digest, ready to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceManifest {
    /// The evidence manifest itself.
    pub manifest: Tagged,
    /// The pointer manifests, each with an item as its config. They must be pushed before [`EvidenceManifest::manifest`].
    pub pointers: Vec<Tagged>,
    /// The items in the manifest, in the order of its layers.
    pub items: Vec<Kept>,
    /// The items that are not in the manifest, each with the reason.
    pub left: Vec<(Item, Left)>,
}

impl EvidenceManifest {
    /// Writes these items about `digest`, sorted and without duplicates.
    ///
    /// If an attestation is not in the manifest, an item tells that something was left out.
    #[must_use]
    pub fn of(digest: Digest, items: impl IntoIterator<Item = Item>) -> EvidenceManifest {
        EvidenceManifest::tagged(evidence_tag(digest), items)
    }

    /// Writes the trust data of the repository with this globally unique name (GUN) of Notary v1.
    #[must_use]
    pub fn of_trust_data(gun: &str, files: &BTreeMap<Role, Vec<u8>>) -> EvidenceManifest {
        EvidenceManifest::tagged(notary_v1::evidence_tag(gun), files.iter().map(|(role, file)| Item::file(role, file)))
    }

    /// The role without whose file the trust data proves nothing, and the reason for which the file is not in the manifest.
    #[must_use]
    pub fn lost_role(&self) -> Option<(&str, Left)> {
        self.left.iter().find_map(|(item, why)| {
            let role = item.annotations.get(notary_v1::ROLE)?;
            (!matches!(Role::parse(role)?, Role::Delegation(_))).then_some((role.as_str(), *why))
        })
    }

    fn tagged(tag: String, items: impl IntoIterator<Item = Item>) -> EvidenceManifest {
        let (fitting, large): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| item.bytes.len() <= MAX_POINTED);
        let told = large.iter().filter_map(|item| item.as_left_out(&item.annotations));
        let all = sorted(told.chain(fitting));
        let (mut chosen, mut left) = choose(all.clone());
        // One item is enough to tell that there is more. It names no type, because others may have been left out, too.
        if let Some(more) = left.iter().find_map(|(item, _)| item.as_left_out(&BTreeMap::new())) {
            (chosen, left) = choose(sorted(all.into_iter().chain([more])));
        }
        left.extend(large.into_iter().map(|item| (item, Left::TooLarge)));
        let (mut pointers, mut layers, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for item in chosen {
            let is_inline = item.is_inline();
            pointers.extend((!is_inline).then(|| pointer(&item, &tag, pointers.len() + 1)));
            let pointer = pointers.last().filter(|_| !is_inline);
            layers.push(Descriptor::of(&item, pointer.map(|pointer: &Tagged| pointer.digest)));
            kept.push(Kept { item, pointer: (!is_inline).then_some(pointers.len()) });
        }
        let bytes = json(&Manifest::of(Descriptor::empty(), &layers));
        EvidenceManifest { manifest: Tagged::of(tag, bytes), pointers, items: kept, left }
    }

    /// Every blob that the manifests name, in the order of the items; the empty one comes first.
    pub fn blobs(&self) -> impl Iterator<Item = (Digest, &[u8])> {
        let items = self.items.iter().map(|kept| kept.item.bytes.as_slice());
        let mut seen = BTreeSet::new();
        let all = std::iter::once(EMPTY).chain(items).map(|bytes| (Digest::of(bytes), bytes));
        all.filter(move |(digest, _)| seen.insert(*digest))
    }

    /// Every manifest, in the order in which they may be pushed.
    pub fn manifests(&self) -> impl Iterator<Item = &Tagged> {
        self.pointers.iter().chain([&self.manifest])
    }
}

/// Which of these sorted items fit into one manifest, and why the others do not. Items that tell of what was left out come first.
fn choose(items: Vec<Item>) -> (Vec<Item>, Vec<(Item, Left)>) {
    let mut room = MAX_MANIFEST.saturating_sub(json(&Manifest::of(Descriptor::empty(), &[])).len());
    let (told, others): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|item| item.media_type == LEFT_OUT);
    let (mut chosen, mut left) = (Vec::new(), Vec::new());
    for item in told.into_iter().chain(others) {
        let is_inline = item.is_inline();
        // Every digest is as long as this one. One more for the comma between two layers.
        let length = json(&Descriptor::of(&item, (!is_inline).then(|| item.digest()))).len() + 1;
        let annotations = item.annotations.iter().map(|(key, value)| key.len() + value.len());
        if annotations.sum::<usize>() > MAX_ITEM {
            left.push((item, Left::Annotations));
        } else if item.is_file() && item.bytes.len() > notary_v1::MAX_FILE {
            left.push((item, Left::TrustData));
        } else if chosen.len() == MAX_ITEMS {
            left.push((item, Left::TooMany));
        } else if length > room {
            left.push((item, Left::Full));
        } else {
            room -= length;
            chosen.push(item);
        }
    }
    (sorted(chosen), left)
}

/// The items by media type, digest and annotations, each once.
fn sorted(items: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let own = |item: Item| {
        let is_file = item.is_file();
        let is_kept = |key: &str| !key.starts_with(OWN) || (is_file && key == notary_v1::ROLE);
        let annotations = item.annotations.into_iter().filter(|(key, _)| is_kept(key)).collect();
        Item { annotations, ..item }
    };
    let mut items: Vec<(Digest, Item)> = items.into_iter().map(own).map(|item| (item.digest(), item)).collect();
    items.sort_by(|(one, a), (other, b)| {
        (&a.media_type, one, &a.annotations).cmp(&(&b.media_type, other, &b.annotations))
    });
    items.dedup();
    items.into_iter().map(|(_, item)| item).collect()
}

/// The manifest whose config is this item.
fn pointer(item: &Item, tag: &str, number: usize) -> Tagged {
    let config = Descriptor {
        media_type: item.media_type.clone(),
        digest: item.digest().to_string(),
        size: item.bytes.len(),
        annotations: None,
    };
    Tagged::of(format!("{tag}.{number}"), json(&Manifest::of(config, &[Descriptor::empty()])))
}

impl Tagged {
    fn of(tag: String, bytes: Vec<u8>) -> Tagged {
        Tagged { tag, digest: Digest::of(&bytes), bytes }
    }
}

/// An OCI image manifest; its fields are written in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    artifact_type: &'static str,
    config: Descriptor,
    layers: &'a [Descriptor],
}

impl Manifest<'_> {
    fn of(config: Descriptor, layers: &[Descriptor]) -> Manifest<'_> {
        Manifest { schema_version: 2, media_type: OCI_MANIFEST, artifact_type: ARTIFACT_TYPE, config, layers }
    }
}

/// An OCI descriptor; its fields are written in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    fn empty() -> Descriptor {
        let digest = Digest::of(EMPTY).to_string();
        Descriptor { media_type: EMPTY_TYPE.to_owned(), digest, size: EMPTY.len(), annotations: None }
    }

    /// The layer of this item, whose content is in an annotation, or is the config of the manifest that `pointer` names.
    fn of(item: &Item, pointer: Option<Digest>) -> Descriptor {
        let mut annotations = item.annotations.clone();
        match pointer {
            Some(manifest) => annotations.insert(MANIFEST.to_owned(), manifest.to_string()),
            None => annotations.insert(CONTENT.to_owned(), Base64::encode_string(&item.bytes)),
        };
        Descriptor {
            media_type: item.media_type.clone(),
            digest: item.digest().to_string(),
            size: item.bytes.len(),
            annotations: Some(annotations),
        }
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("structs of strings and numbers have a JSON form")
}
