//! What became of an object and of each image in it, and where does each of them stand?

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use image_trust_host::{AdmissionRequest, Evaluation};
use image_trust_manifests::{Error, Image, Object, Place, Unreadable};
use json_patch::PatchOperation;
use serde_json::{Map, Value};

/// Everything that was checked.
#[derive(Default)]
pub(super) struct Checked {
    /// The workloads, in the order of the input.
    pub(super) objects: Vec<(Source, Outcome)>,
    /// How many documents and objects have no images.
    pub(super) passed_over: usize,
    /// The files that cannot be read.
    pub(super) unreadable: Vec<(String, Error)>,
}

/// An object in a file.
pub(super) struct Source {
    /// The path of the file, as the command line leads to it.
    pub(super) file: String,
    /// Where the object begins.
    pub(super) place: Place,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
    /// Where each container or volume stands, by its name in the audit record.
    slots: BTreeMap<String, Place>,
}

/// The answer of the policy about an object.
pub(super) struct Outcome {
    pub(super) allowed: bool,
    pub(super) code: Option<u16>,
    pub(super) message: Option<String>,
    pub(super) warnings: Vec<String>,
    /// What the policy would write: JSON pointers and images.
    pub(super) pins: Vec<(String, String)>,
    pub(super) images: Vec<Found>,
}

/// What became of an image, or of a place that should hold one.
pub(super) struct Found {
    /// The audit record of the policy.
    pub(super) record: Map<String, Value>,
    /// If it is denied, the part of the message that is about it, without its heading.
    pub(super) told: Option<String>,
}

impl Source {
    pub(super) fn of(
        file: &str,
        object: &Object<'_>,
        request: &AdmissionRequest,
        images: Vec<Result<Image, Unreadable>>,
    ) -> Source {
        let slots = images.into_iter().map(|image| match image {
            Ok(image) => (image.slot, image.text.alias.unwrap_or(image.text.place)),
            Err(unreadable) => (unreadable.slot, unreadable.place),
        });
        Source {
            file: file.to_owned(),
            place: object.place(),
            kind: object.kind().to_owned(),
            name: object.name().unwrap_or_else(|| "(unnamed)".to_owned()),
            namespace: request.namespace.clone().unwrap_or_default(),
            // Of two slots with one name the first counts.
            slots: slots.rev().collect(),
        }
    }

    /// The object in words.
    pub(super) fn title(&self) -> String {
        format!("{} \"{}\" in namespace \"{}\"", self.kind, self.name, self.namespace)
    }

    /// Where the first of these slots stands, or else the object.
    pub(super) fn place_of(&self, found: &Found) -> Place {
        found.slots().find_map(|slot| self.slots.get(slot)).copied().unwrap_or(self.place)
    }
}

impl Outcome {
    pub(super) fn of(evaluation: &Evaluation) -> Result<Outcome> {
        let response = &evaluation.response;
        let status = response.status.clone().unwrap_or_default();
        let patch = response.decoded_patch().context("the patch can't be read")?;
        let pins = patch.into_iter().flat_map(|patch| patch.0).filter_map(|operation| match operation {
            PatchOperation::Replace(replace) => Some((replace.path.to_string(), replace.value.as_str()?.to_owned())),
            _ => None,
        });
        let records = records(response.audit_annotations.as_ref())?;
        let mut blocks = status.message.as_deref().map(blocks).unwrap_or_default().into_iter();
        let images = records.into_iter().map(|record| {
            let is_denied = record.get("verdict") == Some(&Value::from("denied"));
            let image = record.get("image").and_then(Value::as_str);
            // Blocks are in the order of the records. Of very many, some have no record.
            let told = is_denied.then(|| blocks.find(|block| block.is_about(image))).flatten();
            Found { told: told.map(|block| block.text).filter(|text| !text.is_empty()), record }
        });
        Ok(Outcome {
            images: images.collect(),
            allowed: response.allowed,
            code: status.code,
            warnings: response.warnings.clone().unwrap_or_default(),
            pins: pins.collect(),
            message: status.message,
        })
    }

    /// The verdict on the object, for people.
    pub(super) fn verdict(&self) -> String {
        match (self.allowed, self.code) {
            (true, _) => "admitted".to_owned(),
            (false, Some(code)) => format!("DENIED {code}"),
            (false, None) => "DENIED".to_owned(),
        }
    }
}

impl Found {
    fn text(&self, key: &str) -> Option<&str> {
        self.record.get(key).and_then(Value::as_str)
    }

    fn texts(&self, key: &str) -> impl Iterator<Item = &str> {
        self.record.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The image, or what stands in its place.
    pub(super) fn image(&self) -> &str {
        self.text("image").unwrap_or("(unreadable)")
    }

    /// The containers and volumes that hold it.
    pub(super) fn slots(&self) -> impl Iterator<Item = &str> {
        self.texts("slots")
    }

    /// The verdict, as one word.
    pub(super) fn verdict(&self) -> &str {
        self.text("verdict").unwrap_or("unknown")
    }

    pub(super) fn is_denied(&self) -> bool {
        self.verdict() == "denied"
    }

    /// The reason for a denial, as one word.
    pub(super) fn reason(&self) -> &str {
        self.text("reason").unwrap_or("unknown")
    }

    /// In one line, why it came out like this.
    pub(super) fn why(&self) -> String {
        let first = |told: &String| told.lines().next().unwrap_or_default().to_owned();
        let rule = || self.text("rule").map(|rule| format!("rule \"{rule}\"")).unwrap_or_default();
        let of = |key: &str, member: &str| self.record.get(key)?.get(member)?.as_str().map(str::to_owned);
        match self.verdict() {
            "denied" => self.told.as_ref().map_or_else(|| self.reason().to_owned(), first),
            "proven" => {
                let signers: Vec<&str> = self.texts("signers").collect();
                let by = if signers.is_empty() {
                    "attested".to_owned()
                } else {
                    format!("signed by {}", signers.join(", "))
                };
                format!("{by}; {}", self.text("digest").unwrap_or_default())
            }
            "exception" => format!(
                "{}; until {}",
                of("exception", "reason").unwrap_or_default(),
                of("exception", "until").unwrap_or_default()
            ),
            "break-glass" => format!(
                "{}; by {}",
                of("breakGlass", "reason").unwrap_or_default(),
                of("breakGlass", "user").unwrap_or_default()
            ),
            _ => self.text("approval").map_or_else(rule, str::to_owned),
        }
    }
}

/// The audit records of a response, in their order.
fn records(annotations: Option<&BTreeMap<String, String>>) -> Result<Vec<Map<String, Value>>> {
    let mut numbered = BTreeMap::new();
    for (name, record) in annotations.into_iter().flatten() {
        let number = name.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
        let number = number.with_context(|| format!("the audit annotation {name} has no number"))?;
        numbered.insert(number, serde_json::from_str(record).context("an audit record cannot be read")?);
    }
    Ok(numbered.into_values().collect())
}

/// The part of a denial that is about one image.
#[derive(Debug, PartialEq)]
struct Block {
    /// The container and the image. It is empty if the object is denied as a whole.
    heading: String,
    text: String,
}

impl Block {
    /// Whether it is about this image, or, without one, about a place that cannot be read.
    fn is_about(&self, image: Option<&str>) -> bool {
        let named = |image: &str| {
            let mark = format!(": {image}");
            let mut parts = self.heading.split(&mark).skip(1);
            parts.any(|rest| rest.is_empty() || rest.starts_with(" (sha256:"))
        };
        match image {
            Some(image) => self.heading.is_empty() || named(image),
            None => !self.heading.contains("\": ") && !self.heading.contains("more: "),
        }
    }
}

/// The parts of a denial, in the order of the records. An object that is denied as a whole has one part.
fn blocks(message: &str) -> Vec<Block> {
    let mut lines = message.lines();
    let Some(first) = lines.next() else { return Vec::new() };
    let mut blocks: Vec<Block> = Vec::new();
    for line in lines {
        match line.strip_prefix("    ") {
            Some(rest) => {
                if let Some(block) = blocks.last_mut() {
                    block.text += if block.text.is_empty() { "" } else { "\n" };
                    block.text += rest;
                }
            }
            None if line.starts_with("  help: ") || line.starts_with("  note: ") => {}
            None => blocks.push(Block { heading: line.trim_start().to_owned(), text: String::new() }),
        }
    }
    if blocks.is_empty() {
        let (_, sentence) = first.split_once(": ").unwrap_or(("", first));
        let help = message.lines().skip(1).map(str::trim_start);
        let text = std::iter::once(sentence).chain(help).collect::<Vec<_>>().join("\n");
        return vec![Block { heading: String::new(), text }];
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_a_part_for_each_image() {
        // the message, the image, what is told of it, the reason
        let two = "image-trust denied Pod \"web\" in namespace \"shop\": 2 of 3 images\n  container \"a\" and 1 more: x:1 (sha256:12)\n    one\n    help: b\n  container \"c\": y:1\n    two";
        let whole =
            "image-trust denied Pod \"web\": expected a pod spec at `spec`, found none\n  help: correct the object";
        let more = "image-trust denied Pod \"web\": 1 of 1 image\n  container \"a\"\n    it names no image\n  container \"b\": x:1\n  break-glass: off\n  help: ask";
        let rows = [
            (two, Some("x:1"), Some("one\nhelp: b"), "the first of two images"),
            (two, Some("y:1"), Some("two"), "the second"),
            (two, Some("y:"), None, "another image"),
            (
                whole,
                None,
                Some("expected a pod spec at `spec`, found none\nhelp: correct the object"),
                "a whole object",
            ),
            (more, None, Some("it names no image"), "a place that cannot be read"),
            (more, Some("x:1"), Some(""), "what was cut"),
        ];
        for (message, image, expected, why) in rows {
            let told = blocks(message).into_iter().find(|block| block.is_about(image)).map(|block| block.text);
            assert_eq!(told.as_deref(), expected, "{why}");
        }
    }
}
