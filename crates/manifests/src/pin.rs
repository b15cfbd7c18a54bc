//! How are proven digests written into a manifest?
//!
//! [`targets`] are the images that can be pinned. [`pinned`] is the text with digests in it. Before it is handed over, it is read again, and has to be the
//! document that was there with these images and nothing else changed.

use std::collections::BTreeMap;

use image_trust::{Digest, ImageRef, kubernetes::Kinds};
use serde_json::Value;

use crate::{
    edit::{Edit, apply, replace},
    error::{Error, Place, Problem},
    kustomize::{self, Entry, is_kustomization},
    manifest::Manifest,
    object::{Item, Unreadable},
    template::MARK,
    tree::{Child, Id, Kind},
};

/// An image of a manifest that can be pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The image, as it would run.
    pub image: String,
    /// The namespace that its object names.
    pub namespace: Option<String>,
    /// The object: `Deployment web`.
    pub object: String,
    /// The container or volume, as the audit record names it, or the entry of a kustomization: `images[0]`.
    pub slot: String,
    /// Where the image stands.
    pub place: Place,
    /// The number of the document.
    document: usize,
    way: Way,
}

/// How a digest is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// Into the text behind this JSON pointer.
    Image(String),
    /// Into the entry of a kustomization behind this JSON pointer.
    Entry(String),
}

/// What a manifest has to be pinned.
#[derive(Debug, Default)]
pub struct Targets {
    /// The images that can be pinned.
    pub images: Vec<Target>,
    /// The places that cannot be read, with their objects.
    pub unreadable: Vec<(String, Unreadable)>,
    /// The entries of kustomizations that set neither a tag nor a digest: the image and its place.
    pub unset: Vec<(String, Place)>,
}

/// The images of a manifest. With `named`, the file has a name that kustomize looks for, and each document without a kind is a kustomization.
///
/// # Errors
/// When an image holds an expression of a template.
pub fn targets(manifest: &Manifest, named: bool, kinds: Kinds<'_>) -> Result<Targets, Error> {
    let mut targets = Targets::default();
    let mut kustomizations = Vec::new();
    if named {
        let has_kind = |value: &Value| value.get("kind").is_some_and(|kind| !kind.is_null());
        let documents = manifest.documents().iter().enumerate();
        kustomizations.extend(documents.filter(|(_, it)| !has_kind(&it.value)).map(|(index, it)| (index, &it.value)));
    }
    for item in manifest.items() {
        let Item::Object(object) = item else { continue };
        if is_kustomization(&object) && object.pointer.is_empty() {
            kustomizations.extend(manifest.documents().get(object.document).map(|it| (object.document, &it.value)));
            continue;
        }
        let name = object.name().unwrap_or_else(|| "(unnamed)".to_owned());
        let title = format!("{} {name}", object.kind());
        for image in object.images(kinds).into_iter().flatten() {
            match image {
                Ok(image) => targets.images.push(Target {
                    image: image.image,
                    namespace: object.namespace().map(str::to_owned),
                    object: title.clone(),
                    slot: image.slot,
                    place: image.text.alias.unwrap_or(image.text.place),
                    document: object.document,
                    way: Way::Image(image.pointer),
                }),
                Err(unreadable) if unreadable.is_absent() => {}
                Err(unreadable) => targets.unreadable.push((title.clone(), unreadable)),
            }
        }
    }
    for (document, value) in kustomizations {
        targets.add_kustomization(manifest, document, value);
    }
    match targets.images.iter().find(|target| target.image.contains(MARK)) {
        Some(target) => Err(Problem::Template.at(target.place)),
        None => Ok(targets),
    }
}

impl Targets {
    fn add_kustomization(&mut self, manifest: &Manifest, document: usize, value: &Value) {
        let object = value.get("kind").and_then(Value::as_str).unwrap_or("Kustomization");
        let namespace = value.get("namespace").and_then(Value::as_str).map(str::to_owned);
        for (index, (pointer, entry)) in kustomize::entries(manifest, document).into_iter().enumerate() {
            let place = manifest.place(document, &pointer).unwrap_or_else(|| manifest.lines.place(0));
            match entry {
                Ok(Entry::Image(image)) => self.images.push(Target {
                    image,
                    namespace: namespace.clone(),
                    object: object.to_owned(),
                    slot: format!("images[{index}]"),
                    place,
                    document,
                    way: Way::Entry(pointer),
                }),
                Ok(Entry::Unset(name)) => self.unset.push((name, place)),
                Err(unreadable) => self.unreadable.push((object.to_owned(), unreadable)),
            }
        }
    }
}

/// An image as the policy writes it when it was proven to have this digest. A digest that it has is replaced.
#[must_use]
pub fn with_digest(image: &str, digest: Digest) -> Option<String> {
    let image = ImageRef::parse(image).ok()?;
    Some(match image.digest() {
        Some(_) => format!("{}@{digest}", image.written().split_once('@')?.0),
        None => image.pinned(digest).written().to_owned(),
    })
}

/// The text of the manifest with these digests written into it.
///
/// # Errors
/// When a text that is used in several places would have to say several things, or when the text cannot be edited without changing something else.
pub fn pinned(manifest: &Manifest, pins: &[(&Target, Digest)]) -> Result<String, Error> {
    let mut expected: Vec<Value> = manifest.documents().iter().map(|document| document.value.clone()).collect();
    let mut edits = Vec::new();
    let mut texts: BTreeMap<(usize, Id), Vec<(&Target, String)>> = BTreeMap::new();
    for (target, digest) in pins {
        let fault = || Problem::NotEditable.at(target.place);
        let document = expected.get_mut(target.document).ok_or_else(fault)?;
        match &target.way {
            Way::Entry(pointer) => {
                let entry = document.pointer_mut(pointer).and_then(Value::as_object_mut).ok_or_else(fault)?;
                entry.insert("digest".to_owned(), digest.to_string().into());
                let edit = kustomize::write(manifest, target.document, pointer, *digest);
                edits.push(edit.map_err(|problem| problem.at(target.place))?);
            }
            Way::Image(pointer) => {
                let new = with_digest(&target.image, *digest).ok_or_else(fault)?;
                *document.pointer_mut(pointer).ok_or_else(fault)? = new.clone().into();
                let tree = manifest.documents().get(target.document).map(|document| &document.tree);
                let Child { node, .. } = tree.and_then(|tree| tree.at(pointer)).ok_or_else(fault)?;
                texts.entry((target.document, node)).or_default().push((target, new));
            }
        }
    }
    for ((document, node), uses) in texts {
        edits.extend(edit(manifest, document, node, &uses)?);
    }
    let first = pins.first().map_or(Place { line: 1, column: 1 }, |(target, _)| target.place);
    let text = apply(&manifest.text, &edits).ok_or_else(|| Problem::NotEditable.at(first))?;
    let after = Manifest::parse(text).map_err(|_| Problem::NotEditable.at(first))?;
    let same = after.documents().iter().map(|document| &document.value).eq(expected.iter());
    if same { Ok(after.text) } else { Err(Problem::NotEditable.at(first)) }
}

/// The edit of one text, which all of its uses have to agree on.
fn edit(manifest: &Manifest, document: usize, id: Id, uses: &[(&Target, String)]) -> Result<Option<Edit>, Error> {
    let Some((target, new)) = uses.first() else { return Ok(None) };
    let tree = manifest.documents().get(document).map(|document| &document.tree);
    let node = tree.and_then(|tree| tree.nodes.get(id)).ok_or_else(|| Problem::NotEditable.at(target.place))?;
    if node.uses != uses.len() || uses.iter().any(|(_, other)| other != new) {
        return Err(Problem::Shared.at(target.place));
    }
    let Kind::Scalar { style, .. } = node.kind else { return Err(Problem::NotEditable.at(target.place)) };
    match replace(&manifest.text, node.range.clone(), style, &target.image, new) {
        Some(edit) => Ok(Some(edit)),
        None => Err(Problem::NotEditable.at(target.place)),
    }
}
