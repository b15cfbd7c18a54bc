//! Which container or volume holds an image?

use std::{borrow::Cow, fmt, ops::Range};

use serde_json::value::RawValue;

use crate::{
    json::{Mismatch, members, place, text},
    text::Shown,
};

/// A place that holds an image. Only a [`super::Workload`] makes one, so what is written there later can't miss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot<'a> {
    pub(super) place: Place<'a>,
    pub(super) image: Cow<'a, str>,
    span: Range<usize>,
}

/// The place of a container or volume in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// The path to its pod spec, if the kind has several.
    pub pod_spec: Option<String>,
    /// The list that it is in.
    pub list: List,
    /// The position in the list.
    pub index: usize,
    /// The name of the container or volume, if it has one.
    pub name: Option<Cow<'a, str>>,
}

/// What tells a slot from all others of its object: pod spec, list and name.
pub type SlotKey<'k> = (Option<&'k str>, List, &'k str);

/// A list of a pod spec that holds images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// The list `containers` of a pod spec.
    Containers,
    /// The list `initContainers` of a pod spec.
    InitContainers,
    /// The list `ephemeralContainers` of a pod spec.
    EphemeralContainers,
    /// `volumes`, of which only image volumes count
    Volumes,
}

/// A place that should hold an image, or a list of such places, that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotError<'a> {
    /// The path to its pod spec, if the kind has several.
    pub pod_spec: Option<String>,
    /// The list that has the error.
    pub list: List,
    /// The place in it; `None` where it is the whole list.
    pub place: Option<Place<'a>>,
    /// The error in that list, or in one of its entries.
    pub problem: SlotProblem,
}

/// Why a container or volume, or a list of them, can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotProblem {
    /// The list is not a JSON array.
    NotAList,
    /// The list of containers is empty, and a pod spec has at least one.
    Empty,
    /// The entry is not a JSON object.
    NotAMapping,
    /// The name or the image of the entry occurs twice.
    Twice,
    /// The image source of the entry cannot be read.
    ImageSource,
    /// The entry names no image.
    NoImage,
    /// The image of the entry is not a text.
    NotAText,
}

impl List {
    pub(super) const ALL: [List; 4] =
        [List::Containers, List::InitContainers, List::EphemeralContainers, List::Volumes];

    /// The list's name in a pod spec.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            List::Containers => "containers",
            List::InitContainers => "initContainers",
            List::EphemeralContainers => "ephemeralContainers",
            List::Volumes => "volumes",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            List::Containers => "container",
            List::InitContainers => "init container",
            List::EphemeralContainers => "ephemeral container",
            List::Volumes => "image volume",
        }
    }
}

/// Reads an entry of a list; `None` where it holds no image.
pub(super) fn read_slot<'a>(
    object: &'a RawValue,
    pod_spec: Option<&str>,
    list: List,
    index: usize,
    entry: &'a RawValue,
    is_pod: bool,
) -> Option<Result<Slot<'a>, SlotError<'a>>> {
    let pod_spec = || pod_spec.map(str::to_owned);
    let place_of = |name| Place { pod_spec: pod_spec(), list, index, name };
    let unreadable =
        |name, problem| Some(Err(SlotError { pod_spec: pod_spec(), list, place: Some(place_of(name)), problem }));
    let (name, image) = match members(entry, ["name", "image"]) {
        // As in Kubernetes, an empty name is none.
        Ok([name, image]) => (name.and_then(|name| text(name).ok()).filter(|name| !name.is_empty()), image),
        Err(Mismatch::Type) => return unreadable(None, SlotProblem::NotAMapping),
        Err(Mismatch::Twice) => return unreadable(None, SlotProblem::Twice),
    };
    let image = match (list, image) {
        (List::Volumes, None) => return None,
        (List::Volumes, Some(volume)) => match members(volume, ["reference"]) {
            // Templates may leave the reference to be filled in; only Pods need one, and those come here too.
            Ok([None]) if !is_pod => return None,
            Ok([Some(reference)]) if !is_pod && reference.get() == "\"\"" => return None,
            Ok([reference]) => reference,
            Err(_) => return unreadable(name, SlotProblem::ImageSource),
        },
        (_, image) => image,
    };
    let Some(image) = image else {
        return unreadable(name, SlotProblem::NoImage);
    };
    match (text(image), place(image, object)) {
        (Ok(text), Some(span)) => Some(Ok(Slot { place: place_of(name), image: text, span })),
        _ => unreadable(name, SlotProblem::NotAText),
    }
}

impl<'a> Slot<'a> {
    /// Which container or volume this is.
    #[must_use]
    pub fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// The image, as the user wrote it.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }

    /// The range of the image's JSON text in the JSON text of the object.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// A place as programs read it, with the path to its pod spec in front.
fn within(pod_spec: Option<&str>, place: String) -> String {
    match pod_spec {
        Some(pod_spec) => format!("{pod_spec}/{place}"),
        None => place,
    }
}

impl SlotError<'_> {
    /// The place as programs read it.
    #[must_use]
    pub fn path(&self) -> String {
        let list = || within(self.pod_spec.as_deref(), self.list.field().to_owned());
        self.place.as_ref().map_or_else(list, Place::path)
    }
}

impl fmt::Display for SlotError<'_> {
    /// The place as people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => place.fmt(f),
            None => write!(f, "the list `{}`", self.path()),
        }
    }
}

impl Place<'_> {
    /// What tells this place from all others, if it has a name.
    #[must_use]
    pub fn key(&self) -> Option<SlotKey<'_>> {
        Some((self.pod_spec.as_deref(), self.list, self.name.as_deref()?))
    }

    /// The place as programs read it: `containers/web`, or `containers[2]` where there is no name. If the kind has several pod specs, the path to one stands in front.
    #[must_use]
    pub fn path(&self) -> String {
        let place = match &self.name {
            Some(name) => format!("{}/{}", self.list.field(), Shown(name)),
            None => format!("{}[{}]", self.list.field(), self.index),
        };
        within(self.pod_spec.as_deref(), place)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} \"{}\"", self.list.noun(), Shown(name)),
            None => write!(f, "{} number {}", self.list.noun(), self.index.saturating_add(1)),
        }?;
        self.pod_spec.as_ref().map_or(Ok(()), |pod_spec| write!(f, " in {pod_spec}"))
    }
}
