//! Which objects does a manifest hold, and which images do they name?

use std::{borrow::Cow, fmt};

use image_trust::kubernetes::{Kinds, ObjectError, SlotError, SlotProblem, Workload};
use serde_json::{Value, value::to_raw_value};

use crate::{
    error::Place,
    manifest::{Manifest, Text},
};

/// Deepest list in a list that is looked into.
const MAX_LISTS: usize = 8;

/// What a manifest holds.
#[derive(Debug)]
pub enum Item<'m> {
    /// An object of Kubernetes.
    Object(Object<'m>),
    /// A document or an entry of a list that is no object of Kubernetes, and its place.
    Other(Place),
}

/// An object of Kubernetes: a whole document, or an entry of a list.
#[derive(Debug)]
pub struct Object<'m> {
    manifest: &'m Manifest,
    /// The number of the document, from 0.
    pub document: usize,
    /// The JSON pointer to the object in its document.
    pub pointer: String,
    /// The object. Entries of lists such as `PodList` have the kind and version that their list gives them.
    pub value: Cow<'m, Value>,
}

/// An image that an object names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The container or volume, as the audit record names it: `containers/web`.
    pub slot: String,
    /// The JSON pointer to the image in its document.
    pub pointer: String,
    /// The image.
    pub image: String,
    /// Where it stands.
    pub text: Text,
}

/// A place that should name an image, and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The container, volume or list, as the audit record names it. It is empty if the object has too many of them.
    pub slot: String,
    /// Where it stands.
    pub place: Place,
    /// What is wrong.
    pub problem: Unread,
}

/// Why an image cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// In the slot of a workload.
    Slot(SlotProblem),
    /// The object has more slots than are looked at.
    TooMany(usize),
    /// The member of a kustomization's entry is not a text.
    NotAText(&'static str),
    /// The entry of a kustomization has no name.
    NoName,
}

impl Manifest {
    /// Every object, in the order of the text. Lists are not among them, but what they hold is.
    #[must_use]
    pub fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        for (document, value) in self.documents().iter().map(|document| &document.value).enumerate() {
            self.add(document, String::new(), Cow::Borrowed(value), 0, &mut items);
        }
        items
    }

    fn add<'m>(
        &'m self,
        document: usize,
        pointer: String,
        value: Cow<'m, Value>,
        depth: usize,
        items: &mut Vec<Item<'m>>,
    ) {
        let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (Some(kind), Some(version)) = (text("kind"), text("apiVersion")) else {
            items.push(Item::Other(self.place(document, &pointer).unwrap_or(Place { line: 1, column: 1 })));
            return;
        };
        let entries = value.get("items").and_then(Value::as_array);
        let (Some(of), Some(entries), true) = (kind.strip_suffix("List"), entries, depth < MAX_LISTS) else {
            items.push(Item::Object(Object { manifest: self, document, pointer, value }));
            return;
        };
        let (of, version) = (of.to_owned(), version.to_owned());
        for (index, entry) in entries.clone().into_iter().enumerate() {
            let mut entry = entry;
            if let Some(entry) = entry.as_object_mut().filter(|_| !of.is_empty()) {
                entry.entry("kind").or_insert_with(|| of.clone().into());
                entry.entry("apiVersion").or_insert_with(|| version.clone().into());
            }
            self.add(document, format!("{pointer}/items/{index}"), Cow::Owned(entry), depth + 1, items);
        }
    }
}

impl Object<'_> {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.text("/apiVersion").and_then(|version| version.split_once('/')).map_or("", |(group, _)| group)
    }

    /// The name, or what it begins with and a `*`, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let prefix = || self.text("/metadata/generateName").map(|prefix| format!("{prefix}*"));
        self.text("/metadata/name").map(str::to_owned).or_else(prefix)
    }

    /// The namespace, if the object names one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// Where the object begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.manifest.place(self.document, &self.pointer).unwrap_or(Place { line: 1, column: 1 })
    }

    /// Every image that the object names, in the policy's order, or what is wrong with its place. `None` for kinds that have no pod spec.
    #[must_use]
    pub fn images(&self, kinds: Kinds<'_>) -> Option<Vec<Result<Image, Unreadable>>> {
        let json = to_raw_value(&self.value).ok()?;
        let unreadable = |slot: String, pointer: &str, problem| {
            let place = self.manifest.place(self.document, pointer).unwrap_or_else(|| self.place());
            Err(Unreadable { slot, place, problem })
        };
        let workload = match Workload::read(kinds, self.group(), self.kind(), Some(&json)) {
            Ok(workload) => workload,
            Err(ObjectError::Kind) => return None,
            Err(ObjectError::TooManySlots(count)) => {
                return Some(vec![unreadable(String::new(), &self.pointer, Unread::TooMany(count))]);
            }
            // Patches of kustomize are such objects.
            Err(_) => return Some(Vec::new()),
        };
        let paths = workload.kind().pod_specs();
        let first = || paths.first().copied().unwrap_or_default().join("/");
        let spec =
            |path: Option<&str>| format!("{}/{}", self.pointer, path.map_or_else(first, |path| path.replace('.', "/")));
        let images = workload.slots().map(|slot| match slot {
            Ok(slot) => {
                let place = slot.place();
                let last = if place.list.field() == "volumes" { "image/reference" } else { "image" };
                let pointer =
                    format!("{}/{}/{}/{last}", spec(place.pod_spec.as_deref()), place.list.field(), place.index);
                match self.manifest.text_at(self.document, &pointer) {
                    Some(text) => Ok(Image { slot: place.path(), pointer, image: slot.image().to_owned(), text }),
                    None => unreadable(place.path(), &pointer, Unread::Slot(SlotProblem::NotAText)),
                }
            }
            Err(error @ SlotError { pod_spec, list, place, problem }) => {
                let index = place.as_ref().map(|place| format!("/{}", place.index)).unwrap_or_default();
                unreadable(
                    error.path(),
                    &format!("{}/{}{index}", spec(pod_spec.as_deref()), list.field()),
                    Unread::Slot(*problem),
                )
            }
        });
        Some(images.collect())
    }
}

impl Unreadable {
    /// Whether there is nothing at all, as in a patch that names a container to change another part of it.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.problem, Unread::Slot(SlotProblem::NoImage | SlotProblem::Empty))
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Slot(SlotProblem::NotAList) => f.write_str("expected a list, found something else"),
            Unread::Slot(SlotProblem::Empty) => f.write_str("expected at least one container, found none"),
            Unread::Slot(SlotProblem::NotAMapping) => f.write_str("expected a mapping, found something else"),
            Unread::Slot(SlotProblem::Twice) => f.write_str("the name or the image stands there twice"),
            Unread::Slot(SlotProblem::ImageSource) => {
                f.write_str("expected an image source with one `reference`, found something else")
            }
            Unread::Slot(SlotProblem::NoImage) => f.write_str("expected an image, found none"),
            Unread::Slot(SlotProblem::NotAText) => {
                f.write_str("expected a text as image, found something else: put it in quotes")
            }
            Unread::TooMany(count) => write!(f, "expected at most 1,000 containers and volumes, found {count}"),
            Unread::NotAText(key) => write!(f, "expected a text as `{key}`, found something else: put it in quotes"),
            Unread::NoName => f.write_str("expected an entry with a `name`, found none"),
        }
    }
}
