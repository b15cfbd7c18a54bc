//! How does JSON become trees?
//!
//! What kubectl writes with `-o json` is read as JSON, because YAML does not take all of it: a tab between two tokens, for one.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use crate::{
    error::{Error, Problem},
    manifest::Lines,
    merge::{Pair, members},
    tree::{At, Child, Kind, MAX_DEPTH, Style, Tree},
};

/// The documents, if this is a stream of JSON objects and arrays.
pub(crate) fn read(text: &str, lines: &Lines) -> Option<Result<Vec<Tree>, Error>> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let json = text.get(start..)?;
    if !json.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut stream = Deserializer::from_str(json).into_iter::<IgnoredAny>();
    let mut trees = Vec::new();
    let mut from = start;
    loop {
        match stream.next() {
            None => return Some(Ok(trees)),
            Some(Err(_)) => return None,
            Some(Ok(_)) => {}
        }
        let mut reader = Reader { text, at: from, lines, tree: Tree::default() };
        match reader.value(0) {
            Ok(root) => {
                reader.tree.root = Some(root);
                trees.push(reader.tree);
            }
            Err((at, problem)) => return Some(Err(problem.at(lines.place(at)))),
        }
        from = start + stream.byte_offset();
    }
}

/// Reads what serde_json has found to be JSON.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    lines: &'t Lines,
    tree: Tree,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
        self.text.as_bytes().get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> At<Child> {
        let first = self.peek();
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err((start, Problem::TooDeep));
        }
        let kind = match first {
            Some(b'{') => {
                self.at += 1;
                let mut pairs = Vec::new();
                while self.peek().is_some_and(|byte| byte != b'}') {
                    let (key, value) = (self.value(depth + 1)?, self.value(depth + 1)?);
                    pairs.push(Pair { key, value, is_merge: false });
                }
                self.at += 1;
                Kind::Map { members: members(&self.tree, pairs, self.lines, &mut 0)?, is_flow: true }
            }
            Some(b'[') => {
                self.at += 1;
                let mut children = Vec::new();
                while self.peek().is_some_and(|byte| byte != b']') {
                    children.push(self.value(depth + 1)?);
                }
                self.at += 1;
                Kind::List(children)
            }
            _ => {
                let style = if first == Some(b'"') { Style::DoubleQuoted } else { Style::Plain };
                self.skip_scalar(style);
                let text = self.text.get(start..self.at).unwrap_or_default();
                let value: Value =
                    serde_json::from_str(text).map_err(|error| (start, Problem::Syntax(error.to_string())))?;
                Kind::Scalar { value, style }
            }
        };
        Ok(Child { node: self.tree.push(start..self.at, kind), alias: None })
    }

    /// Goes on behind a scalar.
    fn skip_scalar(&mut self, style: Style) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += match style {
            Style::DoubleQuoted => {
                let mut escaped = false;
                let end = rest.iter().skip(1).position(|byte| match byte {
                    _ if escaped => {
                        escaped = false;
                        false
                    }
                    b'\\' => {
                        escaped = true;
                        false
                    }
                    byte => *byte == b'"',
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            _ => rest
                .iter()
                .position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}'))
                .unwrap_or(rest.len()),
        };
    }
}
