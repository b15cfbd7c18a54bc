//! Odd shapes of manifests, as files: each with what it becomes beside it.
//!
//! `UPDATE_EXPECT=1` writes what they become anew. Look at the difference before you keep it.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use image_trust::kubernetes::Kinds;
use image_trust_manifests::{Manifest, pin::targets};

use crate::pin;

/// The shapes, and why each is there.
pub(crate) const SHAPES: [(&str, &str); 47] = [
    ("anchor-of-a-tag-only.yaml", "an alias that is no image is left alone"),
    ("anchor-used-elsewhere.yaml", "a text that is an annotation, too, is not changed"),
    ("anchors.yaml", "the uses of an anchor agree, so the anchored text is pinned"),
    ("block-without-strip.yaml", "an image that ends with a line break is none, for Kubernetes, too"),
    ("bom.yaml", "a byte order mark stays"),
    ("comments.yaml", "comments stay, wherever they stand"),
    ("crlf.yaml", "line ends of Windows stay"),
    ("cron-job.yaml", "the deepest pod spec there is"),
    ("denied-images-stay.yaml", "what is not proven is not pinned"),
    ("digests.yaml", "a digest stays, unless the tag moved"),
    ("duplicate-documents.yaml", "the same object twice, and documents that are empty"),
    ("duplicate-keys.yaml", "nobody knows which image counts"),
    ("every-slot.yaml", "init containers, ephemeral containers and image volumes"),
    ("explicit-keys.yaml", "keys with a question mark"),
    ("flow.yaml", "lists and mappings in brackets"),
    ("folded-scalar.yaml", "an image in a block of its own"),
    ("image-null.yaml", "no image is nothing to pin"),
    ("image-that-is-a-number.yaml", "a number is told, and the other image is pinned"),
    ("json-in-yaml.yaml", "JSON inside of YAML"),
    ("json-list.json", "what kubectl prints, with escapes and without line ends"),
    ("json.json", "JSON that is indented with tabs, which YAML does not take"),
    ("kustomization-anchors.yaml", "a tag that two entries share: each gets its own digest"),
    ("kustomization-crlf.yaml", "a new line ends as the others, also at the end of the file"),
    ("kustomization-explicit-key.yaml", "a new line would become part of the tag: only the last check sees it"),
    ("kustomization-flow.yaml", "entries in braces, with and without quotes"),
    ("kustomization-indented.yaml", "a component, deep indentation, a tag in a block, and no final newline"),
    ("kustomization-merge.yaml", "an entry that is merged into another one would set the digest of both"),
    ("kustomization-number.yaml", "kustomize does not take a number as tag"),
    ("kustomization.yaml", "every combination of name, newName, newTag and digest"),
    ("long-lines.yaml", "lines that other tools would fold"),
    ("merge-keys.yaml", "a container that is merged into another one; both run the same image"),
    ("merge-of-an-unsigned-image.yaml", "what is merged stays as it is, if it is not proven"),
    ("merge-that-overrides.yaml", "kubectl and YAML 1.2 do not agree on the image"),
    ("named-kustomization.yaml", "a kustomization without kind, as old ones are"),
    ("names-in-short.yaml", "Docker's short names, and a name without a tag"),
    ("no-final-newline.yaml", "the last byte of the file is the image's"),
    ("other-kinds.yaml", "a kind without a known pod spec is left alone"),
    ("patch-without-images.yaml", "a patch of kustomize that names no image"),
    ("quotes.yaml", "both kinds of quotes, and escapes in them"),
    ("sequences-in-two-indentations.yaml", "lists that are indented, and lists that are not"),
    ("tabs-in-strings.yaml", "tabs where YAML allows them"),
    ("tagged-scalar.yaml", "a tag in front of the image stays"),
    ("template-elsewhere-in-quotes.yaml", "an expression that is no image is a text"),
    ("template-in-quotes.yaml", "an image that has yet to be rendered"),
    ("template.yaml", "a chart's template"),
    ("typed-list.yaml", "entries of a list that has their kind"),
    ("unicode.yaml", "characters of several bytes before and behind the image"),
];

pub(crate) fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes"))
}

pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a shape becomes, and what is said of places that cannot be pinned.
fn outcome(name: &str) -> String {
    let (text, named) = (read(name), name.starts_with("named-"));
    let mut outcome = match pin(&text, named) {
        Ok(pinned) if pinned == text => "unchanged\n".to_owned(),
        Ok(pinned) => pinned,
        Err(error) => format!("refused: {error}\n"),
    };
    let manifest = Manifest::parse(text);
    let found =
        manifest.as_ref().ok().and_then(|manifest| targets(manifest, named, Kinds::default()).ok()).unwrap_or_default();
    for (object, bad) in found.unreadable {
        write!(outcome, "\nunreadable: {}: {object}: {}: {}\n", bad.place, bad.slot, bad.problem).unwrap();
    }
    for (image, place) in found.unset {
        write!(outcome, "\nunset: {place}: {image}\n").unwrap();
    }
    outcome
}

#[test]
fn every_shape_becomes_what_is_beside_it() {
    let mut differ = Vec::new();
    for (name, why) in SHAPES {
        let path = folder().join(format!("{name}.expected"));
        let outcome = outcome(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &outcome).unwrap();
        }
        if fs::read_to_string(&path).ok() != Some(outcome) {
            differ.push(format!("{name} ({why})"));
        }
    }
    assert!(differ.is_empty(), "not as expected: {differ:#?}; UPDATE_EXPECT=1 writes them anew");
}

#[test]
fn every_file_is_a_shape() {
    let names: BTreeSet<String> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let expected = SHAPES.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("{name}.expected")]).collect();
    assert_eq!(names, expected);
}
