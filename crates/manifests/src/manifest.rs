//! Which documents are in a text, and where does each text in them stand?

use std::ops::Range;

use serde_json::Value;

use crate::{
    error::{Error, Place, Problem},
    json, template,
    tree::{Child, Kind, Style, Tree},
    yaml,
};

/// A text with Kubernetes objects in it, as it was written and as it is read.
#[derive(Debug)]
pub struct Manifest {
    pub(crate) text: String,
    pub(crate) lines: Lines,
    documents: Vec<Document>,
}

/// One document of a manifest that is not empty.
#[derive(Debug)]
pub struct Document {
    pub(crate) value: Value,
    pub(crate) tree: Tree,
}

/// Where a text stands, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text in bytes, with its quotes. Of a block, its lines without the `|` or `>` before them.
    pub range: Range<usize>,
    /// The place where it begins.
    pub place: Place,
    /// How it is written.
    pub style: Style,
    /// The place of the alias or merge key, if the text stands elsewhere and is referred to.
    pub alias: Option<Place>,
}

impl Manifest {
    /// Reads YAML or JSON as kubectl does: anchors, aliases and merge keys are resolved.
    ///
    /// # Errors
    /// When it cannot be read, or when programs that read it would not agree on what it says.
    pub fn parse(text: String) -> Result<Manifest, Error> {
        let lines = Lines::new(&text);
        let read = json::read(&text, &lines).unwrap_or_else(|| yaml::read(&text, &lines));
        let documents = read.and_then(|trees| {
            let document = |mut tree: Tree| {
                let value = tree.value().map_err(|(at, problem)| problem.at(lines.place(at)))?;
                Ok(Document { value, tree })
            };
            trees.into_iter().map(document).collect::<Result<Vec<_>, Error>>()
        });
        match documents {
            Ok(documents) => Ok(Manifest { text, lines, documents }),
            Err(error) => Err(match template::find(&text) {
                Some(at) => Problem::Template.at(lines.place(at)),
                None => error,
            }),
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The documents, without those that are empty.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The place of the text, list or mapping behind a JSON pointer into a document, as it is written.
    #[must_use]
    pub fn place(&self, document: usize, pointer: &str) -> Option<Place> {
        let tree = &self.documents.get(document)?.tree;
        let child = tree.at(pointer)?;
        Some(self.lines.place(tree.written(&child).start))
    }

    /// Where the text behind a JSON pointer into a document stands. `None` if there is no scalar.
    #[must_use]
    pub fn text_at(&self, document: usize, pointer: &str) -> Option<Text> {
        let tree = &self.documents.get(document)?.tree;
        let Child { node, alias } = tree.at(pointer)?;
        let Kind::Scalar { style, .. } = tree.kind(node) else { return None };
        let range = tree.range(node);
        Some(Text {
            place: self.lines.place(range.start),
            range,
            style: *style,
            alias: alias.map(|alias| self.lines.place(alias.start)),
        })
    }
}

impl Document {
    /// The document as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// The lines of a text.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Where each line begins.
    starts: Vec<usize>,
    /// Where characters of more than one byte stand, and how many bytes more than one each they have up to there.
    wide: Vec<(usize, usize)>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Lines {
        let mut starts = vec![0];
        let mut wide = Vec::new();
        let mut more = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\r' if chars.peek().is_some_and(|(_, next)| *next == '\n') => continue,
                '\r' | '\n' => {
                    starts.push(at + 1);
                    continue;
                }
                // A byte order mark has no width.
                '\u{feff}' if at == 0 => more += c.len_utf8(),
                _ if c.is_ascii() => continue,
                _ => more += c.len_utf8() - 1,
            }
            wide.push((at, more));
        }
        Lines { starts, wide }
    }

    /// The place of a byte.
    pub(crate) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or_default();
        let more = |at| {
            let before = self.wide.partition_point(|(position, _)| *position < at);
            before.checked_sub(1).and_then(|last| self.wide.get(last)).map_or(0, |(_, more)| *more)
        };
        let more = more(at) - more(start);
        Place { line, column: (at - start).saturating_sub(more) + 1 }
    }

    /// The range of the line that this byte is in, without what ends the line.
    pub(crate) fn line(&self, text: &str, at: usize) -> Range<usize> {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or_default();
        let end = self.starts.get(line).copied().unwrap_or(text.len());
        let whole = text.get(start..end).unwrap_or_default();
        start..start + whole.trim_end_matches(['\r', '\n']).len()
    }
}
