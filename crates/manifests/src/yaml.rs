//! How does YAML become trees?

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag, options};
use serde_json::Value;

use crate::{
    error::{Error, Problem},
    manifest::Lines,
    merge::{self, Pair, members},
    scalar::resolve,
    tree::{At, Child, Id, Kind, MAX_DEPTH, Style, Tree},
};

/// What kubectl's parser takes for the end of a line, in YAML 1.1, and YAML 1.2 does not.
const OTHER_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// The documents of a YAML stream, without those that are empty.
pub(crate) fn read(text: &str, lines: &Lines) -> Result<Vec<Tree>, Error> {
    if let Some((at, c)) = text.char_indices().find(|(_, c)| OTHER_BREAKS.contains(c)) {
        return Err(Problem::LineBreak(c).at(lines.place(at)));
    }
    let options = options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut documents = Vec::new();
    let mut builder = Builder::new(lines);
    for event in Parser::new_from_str_with_options(text, options) {
        let read = event.map_err(|error| syntax(&error, text)).and_then(|(event, span)| {
            if matches!(event, Event::DocumentEnd) {
                let done = std::mem::replace(&mut builder, Builder::new(lines));
                documents.push(done.tree);
                return Ok(());
            }
            builder.add(event, span)
        });
        read.map_err(|(at, problem)| problem.at(lines.place(at)))?;
    }
    documents.retain(|tree| tree.root.as_ref().is_some_and(|root| !is_null(tree.kind(root.node))));
    Ok(documents)
}

fn is_null(kind: &Kind) -> bool {
    matches!(kind, Kind::Scalar { value: Value::Null, .. })
}

fn syntax(error: &ScanError, text: &str) -> (usize, Problem) {
    let problem = match error.kind() {
        ErrorKind::RecursionLimitExceeded => Problem::TooDeep,
        kind => Problem::Syntax(kind.to_string()),
    };
    (error.marker().byte_offset().unwrap_or(text.len()), problem)
}

/// A list or mapping that has not ended yet.
struct Open {
    node: Id,
    is_flow: bool,
    is_map: bool,
    children: Vec<(Child, bool)>,
}

struct Builder<'l> {
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    lines: &'l Lines,
    /// How many members were merged so far.
    merged: usize,
}

impl<'l> Builder<'l> {
    fn new(lines: &'l Lines) -> Builder<'l> {
        Builder { tree: Tree::default(), open: Vec::new(), anchors: HashMap::new(), lines, merged: 0 }
    }

    fn add(&mut self, event: Event<'_>, span: Span) -> At<()> {
        let range = span.byte_range().unwrap_or_default();
        let start = range.start;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_merge = style == ScalarStyle::Plain && tag.is_none() && text == merge::MERGE;
                let value = value(&text, style, tag.as_deref());
                let node = self.tree.push(range, Kind::Scalar { value, style: style_of(style) });
                self.anchor(anchor, node);
                self.place(Child { node, alias: None }, is_merge);
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).copied().ok_or((start, Problem::Recursive))?;
                if matches!(self.tree.kind(node), Kind::Open) {
                    return Err((start, Problem::Recursive));
                }
                self.place(Child { node, alias: Some(range) }, false);
            }
            Event::SequenceStart(style, anchor, _) => self.begin(range, style, anchor, false),
            Event::MappingStart(style, anchor, _) => self.begin(range, style, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end)?,
            _ => {}
        }
        Ok(())
    }

    fn anchor(&mut self, anchor: usize, node: Id) {
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
    }

    fn begin(&mut self, range: std::ops::Range<usize>, style: StructureStyle, anchor: usize, is_map: bool) {
        let node = self.tree.push(range, Kind::Open);
        self.anchor(anchor, node);
        self.open.push(Open { node, is_flow: style == StructureStyle::Flow, is_map, children: Vec::new() });
    }

    fn end(&mut self, end: usize) -> At<()> {
        let Some(Open { node, is_flow, is_map, children }) = self.open.pop() else { return Ok(()) };
        let kind = if is_map {
            let mut pairs = Vec::new();
            let mut children = children.into_iter();
            while let (Some((key, is_merge)), Some((value, _))) = (children.next(), children.next()) {
                pairs.push(Pair { key, value, is_merge });
            }
            Kind::Map { members: members(&self.tree, pairs, self.lines, &mut self.merged)?, is_flow }
        } else {
            Kind::List(children.into_iter().map(|(child, _)| child).collect())
        };
        if let Some(open) = self.tree.nodes.get_mut(node) {
            open.kind = kind;
            open.range.end = end.max(open.range.start);
        }
        self.place(Child { node, alias: None }, false);
        Ok(())
    }

    fn place(&mut self, child: Child, is_merge: bool) {
        match self.open.last_mut() {
            Some(open) => open.children.push((child, is_merge)),
            None => self.tree.root = Some(child),
        }
    }
}

/// The value of a scalar. With a tag, it is what the tag says, as far as that matters to an image.
fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag.map(|tag| tag.core_suffix()) {
        None if style == ScalarStyle::Plain => resolve(text),
        Some(Some("int" | "float" | "bool" | "null")) => resolve(text),
        _ => text.into(),
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
