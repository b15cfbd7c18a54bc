//! What does the object look like with the proven digests in it?
//!
//! The same text, with only the image strings changed: a round trip through Kubernetes types would drop every field that they don't know.

use std::ops::Range;

use serde_json::value::RawValue;

use super::{Kept, Slot};
use crate::verify::Pinned;

/// A reference with a digest that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digested {
    /// The digest was proven.
    Proven(Pinned),
    /// The digest is live, and is kept.
    Kept(Kept),
}

impl Digested {
    fn text(&self) -> &str {
        match self {
            Digested::Proven(pinned) => pinned.text(),
            Digested::Kept(kept) => kept.text(),
        }
    }
}

/// A digest to be written into a slot. It takes a proof, or a live digest, to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    span: Range<usize>,
    text: String,
}

impl Pin {
    /// Writes `digested` into `slot`; `None` where it says so already.
    #[must_use]
    pub fn new(slot: &Slot<'_>, digested: &Digested) -> Option<Pin> {
        (digested.text() != slot.image()).then(|| Pin { span: slot.span(), text: digested.text().to_owned() })
    }
}

/// The object with `pins` in it; `None` if they don't fit it, which can't be for pins of its own slots.
#[must_use]
pub fn patched(object: &RawValue, pins: &[Pin]) -> Option<Box<RawValue>> {
    let object = object.get();
    let mut pins: Vec<&Pin> = pins.iter().collect();
    pins.sort_by_key(|pin| pin.span.start);
    let mut text = String::with_capacity(object.len().saturating_add(pins.len().saturating_mul(80)));
    let mut done = 0;
    for pin in pins {
        text.push_str(object.get(done..pin.span.start)?);
        text.push_str(&serde_json::to_string(&pin.text).ok()?);
        done = pin.span.end;
    }
    text.push_str(object.get(done..)?);
    RawValue::from_string(text).ok()
}
