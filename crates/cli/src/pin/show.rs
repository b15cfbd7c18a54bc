//! How is the result of `pin` told?

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use comfy_table::{ColumnConstraint, Width};
use image_trust::{Digest, ImageRef};
use image_trust_manifests::{Place, Unreadable, pin::Target};
use serde_json::{Value, json};
use similar::TextDiff;

use super::{
    Args, Done,
    answer::{Answer, Question},
    image_with,
};
use crate::{
    output::Output,
    tables::{one_line, table},
};

/// Lines around a change in a diff.
const CONTEXT: usize = 3;

/// One image of a file, and what becomes of it.
pub(super) struct Row {
    pub(super) place: Place,
    object: String,
    slot: String,
    image: String,
    namespace: Option<String>,
    state: State,
}

/// What becomes of an image.
enum State {
    /// The digest is written.
    Pin(Digest),
    /// The image has the digest that is proven.
    Pinned,
    /// The image has a digest that is proven, and its tag has another one, which is proven, too.
    Moved(Digest),
    /// A static rule admits the image.
    Allowed,
    Denied(String),
    Unknown(String),
    /// The digest is proven, but the file cannot be edited, and why.
    Refused(String),
    /// There is no image that can be read, and why.
    Unreadable(String),
    /// The entry of a kustomization sets neither a tag nor a digest.
    Unset,
}

impl Row {
    pub(super) fn of(target: &Target, answers: &BTreeMap<Question, Answer>) -> Row {
        let answer = |question: &Question| answers.get(question).cloned();
        let has_digest = ImageRef::parse(&target.image).is_ok_and(|image| image.digest().is_some());
        let tag = Question::of_tag(target).and_then(|question| answer(&question));
        let state = match (answer(&Question::about(target, &target.image)), tag) {
            (Some(Answer::Proven(digest)), None) if !has_digest => State::Pin(digest),
            (Some(Answer::Proven(of_file)), Some(Answer::Proven(of_tag))) if of_file != of_tag => State::Moved(of_tag),
            (Some(Answer::Proven(_)), Some(Answer::Unknown(why))) => {
                State::Unknown(format!("the digest of its tag could not be determined: {why}"))
            }
            (Some(Answer::Proven(_)), _) => State::Pinned,
            (Some(Answer::Admitted), _) => State::Allowed,
            (Some(Answer::Denied(why)), _) => State::Denied(why),
            (Some(Answer::Unknown(why)), _) => State::Unknown(why),
            (None, _) => State::Unknown("the policy was not asked".to_owned()),
        };
        Row {
            place: target.place,
            object: target.object.clone(),
            slot: target.slot.clone(),
            image: target.image.clone(),
            namespace: target.namespace.clone(),
            state,
        }
    }

    pub(super) fn unreadable(object: String, Unreadable { slot, place, problem }: Unreadable) -> Row {
        let state = State::Unreadable(problem.to_string());
        Row { place, object, slot, image: String::new(), namespace: None, state }
    }

    pub(super) fn unset(image: String, place: Place) -> Row {
        let (object, slot) = ("Kustomization".to_owned(), "images".to_owned());
        Row { place, object, slot, image, namespace: None, state: State::Unset }
    }

    /// The digest that is written.
    pub(super) fn pin(&self, update: bool) -> Option<Digest> {
        match self.state {
            State::Pin(digest) => Some(digest),
            State::Moved(digest) => Some(digest).filter(|_| update),
            _ => None,
        }
    }

    /// The same image, where its file cannot be edited.
    pub(super) fn refused(self, why: &str, update: bool) -> Row {
        match self.pin(update) {
            Some(_) => Row { state: State::Refused(format!("the file was not changed: {why}")), ..self },
            None => self,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.state, State::Unknown(_) | State::Refused(_) | State::Unreadable(_))
    }

    pub(super) fn is_denied(&self) -> bool {
        matches!(self.state, State::Denied(_))
    }

    pub(super) fn is_unpinned(&self) -> bool {
        matches!(self.state, State::Pin(_) | State::Moved(_))
    }

    /// The state as one word for programs.
    fn word(&self) -> &'static str {
        match self.state {
            State::Pin(_) => "pin",
            State::Pinned => "pinned",
            State::Moved(_) => "moved",
            State::Allowed => "allowed",
            State::Denied(_) => "denied",
            State::Unknown(_) => "unknown",
            State::Refused(_) => "refused",
            State::Unreadable(_) => "unreadable",
            State::Unset => "unset",
        }
    }

    /// The state as a sentence for people.
    fn detail(&self, update: bool) -> String {
        match &self.state {
            State::Pin(digest) => image_with(&self.image, *digest),
            State::Pinned => "has the proven digest".to_owned(),
            State::Moved(digest) if update => image_with(&self.image, *digest),
            State::Moved(digest) => format!("the tag now has the proven digest {digest}; --update writes it"),
            State::Allowed => "a static rule or an exception admits it, so no digest is proven".to_owned(),
            State::Unset => "the entry sets neither newTag nor digest".to_owned(),
            State::Denied(why) | State::Unknown(why) | State::Refused(why) | State::Unreadable(why) => why.clone(),
        }
    }

    fn json(&self, update: bool) -> Value {
        let digest = match self.state {
            State::Pin(digest) | State::Moved(digest) => Some(digest.to_string()),
            _ => None,
        };
        let why = match &self.state {
            State::Denied(why) | State::Unknown(why) | State::Refused(why) | State::Unreadable(why) => Some(why),
            _ => None,
        };
        json!({
            "line": self.place.line,
            "column": self.place.column,
            "object": self.object,
            "namespace": self.namespace,
            "slot": self.slot,
            "image": self.image,
            "result": self.word(),
            "digest": digest,
            "becomes": self.pin(update).map(|digest| image_with(&self.image, digest)),
            "reason": why,
        })
    }
}

/// Prints the table, the diff or the document.
pub(super) fn result(args: &Args, done: &[Done]) -> Result<()> {
    match args.output {
        Output::Json => {
            let files: Vec<Value> = done.iter().map(|file| document(args, file)).collect();
            args.to.document(&serde_json::to_string_pretty(&json!({"files": files}))?)
        }
        Output::Text if args.diff => args.to.exact(&done.iter().map(diff).collect::<String>()),
        Output::Text => args.to.text(&text(args, done)),
    }
}

fn document(args: &Args, file: &Done) -> Value {
    let images: Vec<Value> = file.rows.iter().map(|row| row.json(args.update)).collect();
    let mut document = json!({
        "path": file.path.to_string_lossy(),
        "changes": file.change.is_some(),
        "error": file.error,
        "images": images,
    });
    if args.diff {
        document["diff"] = diff(file).into();
    }
    document
}

fn diff(file: &Done) -> String {
    let Some((before, after)) = &file.change else { return String::new() };
    let path = name(&file.path);
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    diff.unified_diff().context_radius(CONTEXT).header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn text(args: &Args, done: &[Done]) -> String {
    let mut result = table(Some(["where", "image", "result", "detail"]));
    for file in done {
        for row in &file.rows {
            let place = format!("{}:{}:{}", name(&file.path), row.place.line, row.place.column);
            let image = format!("{}\n{} {}", row.image, row.object, row.slot);
            let cells = [place, image.trim_start().to_owned(), row.word().to_owned(), row.detail(args.update)];
            result.add_row(cells.map(|cell| cell.lines().map(one_line).collect::<Vec<_>>().join("\n")));
        }
    }
    if let Some(column) = result.column_mut(2) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(12)));
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    done.iter().flat_map(|file| &file.rows).for_each(|row| *counts.entry(row.word()).or_default() += 1);
    let counts = counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ");
    let changed = done.iter().filter(|file| file.change.is_some() && file.error.is_none()).count();
    let files = if changed == 1 { "1 file" } else { &format!("{changed} files") };
    let end = match (counts.is_empty(), changed, args.write) {
        (true, _, _) => return "no images were found".to_owned(),
        (false, 0, _) => format!("{counts}; nothing to write"),
        (false, _, true) => format!("{counts}; {files} changed"),
        (false, _, false) => format!("{counts}; --write would change {files}"),
    };
    format!("{}\n\n{end}", result.trim_fmt())
}
