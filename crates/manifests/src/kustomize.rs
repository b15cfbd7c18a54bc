//! Which images does a kustomization set, and how is a digest written there?
//!
//! An entry of `images` sets the tag, the digest and the name of one image. With `newTag` and `digest`, kustomize 5 writes both.

use image_trust::Digest;
use serde_json::Value;

use crate::{
    edit::{Edit, replace},
    error::Problem,
    manifest::Manifest,
    object::{Object, Unread, Unreadable},
    tree::{Kind, Member, Style},
};

/// The group of kustomize's own files, and the kinds that have `images`.
const GROUP: &str = "kustomize.config.k8s.io";
const KINDS: [&str; 2] = ["Kustomization", "Component"];

/// What an entry of `images` comes to.
pub(crate) enum Entry {
    /// The image that it sets.
    Image(String),
    /// The entry sets neither a tag nor a digest of this image.
    Unset(String),
}

/// Whether an object is a kustomization.
pub(crate) fn is_kustomization(object: &Object<'_>) -> bool {
    object.group() == GROUP && KINDS.contains(&object.kind())
}

/// The entries of a document that is a kustomization, with their JSON pointers.
pub(crate) fn entries(manifest: &Manifest, document: usize) -> Vec<(String, Result<Entry, Unreadable>)> {
    let value = manifest.documents().get(document).map(|document| &document.value);
    let entries = value.and_then(|value| value.get("images")).and_then(Value::as_array);
    let read = |(index, entry): (usize, &Value)| {
        let pointer = format!("/images/{index}");
        let read = read(entry).map_err(|problem| Unreadable {
            slot: format!("images[{index}]"),
            place: manifest.place(document, &pointer).unwrap_or_else(|| manifest.lines.place(0)),
            problem,
        });
        (pointer, read)
    };
    entries.into_iter().flatten().enumerate().map(read).collect()
}

fn read(entry: &Value) -> Result<Entry, Unread> {
    let text = |key: &'static str| match entry.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Unread::NotAText(key)),
    };
    let name = text("name")?.ok_or(Unread::NoName)?;
    let name = text("newName")?.unwrap_or(name).to_owned();
    Ok(match (text("newTag")?, text("digest")?) {
        (None, None) => Entry::Unset(name),
        (Some(tag), None) => Entry::Image(format!("{name}:{tag}")),
        (None, Some(digest)) => Entry::Image(format!("{name}@{digest}")),
        (Some(tag), Some(digest)) => Entry::Image(format!("{name}:{tag}@{digest}")),
    })
}

/// Writes a digest into an entry: in place of the one that is there, or behind the tag.
pub(crate) fn write(manifest: &Manifest, document: usize, pointer: &str, digest: Digest) -> Result<Edit, Problem> {
    let tree = &manifest.documents().get(document).ok_or(Problem::NotEditable)?.tree;
    let entry = tree.at(pointer).ok_or(Problem::NotEditable)?;
    let Kind::Map { members, is_flow } = tree.kind(entry.node) else { return Err(Problem::NotEditable) };
    let member = |key: &str| members.iter().find(|member| member.key == key);
    // An entry that is used twice would get the digest twice.
    if tree.nodes.get(entry.node).is_none_or(|node| node.uses != 1) {
        return Err(Problem::Shared);
    }
    if let Some(Member { value, .. }) = member("digest") {
        return match tree.kind(value.node) {
            Kind::Scalar { value: Value::String(old), style } if !old.is_empty() => {
                if value.alias.is_some() || tree.nodes.get(value.node).is_none_or(|node| node.uses != 1) {
                    return Err(Problem::Shared);
                }
                replace(&manifest.text, tree.range(value.node), *style, old, &digest.to_string())
                    .ok_or(Problem::NotEditable)
            }
            _ => Err(Problem::NotEditable),
        };
    }
    let tag = member("newTag").ok_or(Problem::NotEditable)?;
    if tag.is_merged {
        return Err(Problem::Shared);
    }
    let text = &manifest.text;
    let end = tree.written(&tag.value).end;
    if *is_flow {
        let quote =
            text.get(tag.key_range.clone()).and_then(|key| key.chars().next()).filter(|c| matches!(c, '"' | '\''));
        let quote = quote.map(String::from).unwrap_or_default();
        let with = format!(", {quote}digest{quote}: {quote}{digest}{quote}");
        return Ok(Edit { range: end..end, with });
    }
    let is_block = matches!(tree.kind(tag.value.node), Kind::Scalar { style: Style::Literal | Style::Folded, .. } if tag.value.alias.is_none());
    // A block ends where the next line begins; its last line is the one before.
    let last = if is_block { text.get(..end).map_or(end, |before| before.trim_end().len()) } else { end };
    let line = manifest.lines.line(text, last.saturating_sub(1));
    let column = manifest.lines.place(tag.key_range.start).column;
    let with = format!("{}{}digest: {digest}", line_end(text, line.end), " ".repeat(column.saturating_sub(1)));
    Ok(Edit { range: line.end..line.end, with })
}

/// What ends this line, or the first one, if this is the last.
fn line_end(text: &str, at: usize) -> &'static str {
    let rest = text.get(at..).filter(|rest| !rest.is_empty()).unwrap_or(text);
    match rest.find(['\r', '\n']).and_then(|at| rest.get(at..)) {
        Some(end) if end.starts_with("\r\n") => "\r\n",
        Some(end) if end.starts_with('\r') => "\r",
        _ => "\n",
    }
}
