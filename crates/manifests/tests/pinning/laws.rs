//! What is true of every manifest that can be pinned?
//!
//! 1. It says the same as before, but for its images.
//! 2. To pin it once more changes nothing.
//! 3. Without what was written it is the same text, byte for byte.

use image_trust::Digest;
use image_trust_manifests::Manifest;
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    PROVEN, pin,
    shapes::{SHAPES, read},
};

/// What is written behind a tag.
fn written() -> String {
    format!("@{}", Digest::from_bytes(PROVEN))
}

fn values(text: &str) -> Vec<Value> {
    let manifest = Manifest::parse(text.to_owned()).unwrap_or_else(|error| panic!("{error}: {text}"));
    manifest.documents().iter().map(|document| document.value().clone()).collect()
}

/// The same documents without the digests that were written.
fn without(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let text = text.strip_suffix(&written()).unwrap_or(&text);
            text.strip_suffix(":latest").unwrap_or(text).into()
        }
        Value::Array(values) => values.into_iter().map(without).collect(),
        Value::Object(map) => {
            let is_written = |key: &str, value: &Value| key == "digest" && *value == written()[1..];
            map.into_iter()
                .filter(|(key, value)| !is_written(key, value))
                .map(|(key, value)| (key, without(value)))
                .collect()
        }
        other => other,
    }
}

fn hold(before: &str, after: &str) {
    let strip = |text| values(text).into_iter().map(without).collect::<Vec<_>>();
    assert_eq!(strip(before), strip(after), "1: {before}\n{after}");
    assert_eq!(pin(after, false).as_deref(), Ok(after), "2: {before}");
}

/// One container, in one of many spellings, with or without an image.
fn container() -> impl Strategy<Value = String> {
    let image = ("[a-z]{1,8}", 0..3).prop_map(|(name, tag)| match tag {
        0 => format!("ghcr.io/acme/{name}:v1"),
        1 => format!("{name}:latest"),
        _ => format!("ghcr.io/acme/unsigned-{name}:v2"),
    });
    let spelled = (image, 0..6).prop_map(|(image, style)| match style {
        0 => format!("'{image}'"),
        1 => format!("\"{image}\""),
        2 => format!("!!str {image}"),
        3 => format!("\"{}\"", image.replace('/', "\\/")),
        _ => image,
    });
    let comment = prop_oneof![Just(""), Just(" # ä: 'x' {{ }}"), Just("   # image: b:v1")];
    (spelled, comment, 0..6, "[a-zäé😀]{1,6}").prop_map(|(image, comment, shape, name)| match shape {
        0 => format!("- image: {image}{comment}\n  name: \"{name}\"\n"),
        1 => format!("- name: \"{name}\"\n  # before\n  image:   {image}{comment}\n\n"),
        2 => format!("- {{name: \"{name}\", image: {image}}}{comment}\n"),
        3 => format!("-{comment}\n  env: [{{name: A, value: {image}}}]\n  \"image\" : {image}\n"),
        4 if !image.starts_with(['\'', '"', '!']) => format!("- image: >-\n      {image}\n  name: \"{name}\"\n"),
        4 => format!("- {{\n    \"image\": {image}\n  }}{comment}\n"),
        _ => format!("- name: \"{name}\"\n  args: [\"image: {name}\"]\n"),
    })
}

fn pod() -> impl Strategy<Value = String> {
    let list = |name: &'static str, least| {
        prop::collection::vec(container(), least..4).prop_map(move |containers| match containers.is_empty() {
            true => String::new(),
            false => format!("  {name}:\n{}", indented(&containers.concat())),
        })
    };
    (list("containers", 1), list("initContainers", 0), 0..4).prop_map(|(containers, more, shape)| {
        let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {a: b}}\nspec:\n";
        match shape {
            0 => format!("# first\n---\n{head}{more}{containers}...\n"),
            1 => format!("---\n{head}{containers}  dnsPolicy: Default\n{more}"),
            _ => format!("{head}{containers}{more}"),
        }
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn images_are_all_that_changes(pods in prop::collection::vec(pod(), 1..4), ends in 0..3, mark in any::<bool>()) {
        let text = pods.join("---\n");
        let text = match ends {
            0 => text.replace('\n', "\r\n"),
            1 => text.trim_end().to_owned(),
            _ => text,
        };
        let before = if mark { format!("\u{feff}{text}") } else { text };
        let after = pin(&before, false).unwrap_or_else(|error| panic!("{error}\n{before}"));
        hold(&before, &after);
        assert_eq!(after.replace(&written(), ""), before, "3");
    }

    #[test]
    fn whatever_is_changed_in_a_shape_is_pinned_or_refused(
        shape in 0..SHAPES.len(),
        at in any::<prop::sample::Index>(),
        with in prop_oneof![Just(String::new()), "[ \\t\\r\\n:#&*!|>'\"{}\\[\\],?<-]{1,3}", Just("\u{2028}".to_owned())],
        length in 0..4usize,
    ) {
        let text = read(SHAPES[shape].0);
        let mut chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len());
        let end = (at + length).min(chars.len());
        chars.splice(at..end, with.chars());
        let before: String = chars.into_iter().collect();
        // A digest that was in the text before is not compared: `without` can't tell it from one that was written.
        if let Ok(after) = pin(&before, false) {
            prop_assert_eq!(pin(&after, false), Ok(after.clone()), "2: {}", before);
            prop_assert_eq!(values(&before).len(), values(&after).len());
        }
    }
}

#[test]
fn the_laws_hold_for_every_shape() {
    let mut pinned = 0;
    for (name, _) in SHAPES.iter().filter(|(name, _)| !name.starts_with("named-") && !name.starts_with("digests")) {
        let before = read(name);
        let Ok(after) = pin(&before, false) else { continue };
        pinned += usize::from(after != before);
        if !before.contains("moved") {
            hold(&before, &after);
        }
    }
    assert!(pinned > 25, "{pinned} were pinned");
}
