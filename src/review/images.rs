//! Which images does an object hold?
//!
//! One item for each distinct text, and one group for each distinct image: `nginx` and `docker.io/library/nginx:latest` are one image in two texts.

use std::collections::BTreeMap;

use crate::{
    image::ImageRef,
    kubernetes::{Slot, SlotError, Workload},
    verdict::Reason,
};

/// What has to be decided: a text that one slot or more hold, or a slot that can't be read.
pub(super) enum Item<'w> {
    Image { reference: Result<ImageRef, Reason>, slots: Vec<&'w Slot<'w>> },
    Broken(&'w SlotError<'w>),
}

impl Item<'_> {
    /// The image, if the text is one.
    pub(super) fn reference(&self) -> Option<&ImageRef> {
        match self {
            Item::Image { reference, .. } => reference.as_ref().ok(),
            Item::Broken(_) => None,
        }
    }

    /// Whether the text of this item names no image.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Item::Image { reference: Err(_), .. })
    }
}

/// One item for each distinct text, in the order of the slots.
pub(super) fn items<'w>(workload: &'w Workload<'w>) -> Vec<Item<'w>> {
    let mut items = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for slot in workload.slots() {
        let slot = match slot {
            Ok(slot) => slot,
            Err(error) => {
                items.push(Item::Broken(error));
                continue;
            }
        };
        match known.get(slot.image()).and_then(|at| items.get_mut(*at)) {
            Some(Item::Image { slots, .. }) => slots.push(slot),
            _ => {
                known.insert(slot.image(), items.len());
                items.push(Item::Image {
                    reference: ImageRef::parse(slot.image()).map_err(Reason::Reference),
                    slots: vec![slot],
                });
            }
        }
    }
    items
}

/// A text that names an image, and the slots that hold it.
#[derive(Clone, Copy)]
pub(super) struct Text<'i> {
    pub(super) image: &'i ImageRef,
    pub(super) slots: &'i [&'i Slot<'i>],
}

/// Every distinct image by its canonical name, with the texts that name it, in the order of the slots.
pub(super) fn distinct<'i>(items: &'i [Item<'_>]) -> Vec<(&'i ImageRef, Vec<Text<'i>>)> {
    let mut groups: Vec<(&ImageRef, Vec<Text<'_>>)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        let Item::Image { reference: Ok(image), slots } = item else { continue };
        let text = Text { image, slots };
        let at = *known.entry(image.to_string()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, texts)) => texts.push(text),
            None => groups.push((image, vec![text])),
        }
    }
    groups
}
