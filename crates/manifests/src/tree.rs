//! What does a document hold, before anything in it is given a meaning of Kubernetes?
//!
//! One list of nodes a document. A node knows its range in the text. What is an alias in the text is a [`Child`] that knows so.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::error::Problem;

/// The number of a node in its tree.
pub(crate) type Id = usize;

/// Deepest nesting that is read, aliases included.
pub(crate) const MAX_DEPTH: usize = 250;
/// Most values that aliases and merge keys of a document stand for.
pub(crate) const MAX_ALIASED: usize = 100_000;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'`.
    SingleQuoted,
    /// In `"`.
    DoubleQuoted,
    /// In lines after `|`.
    Literal,
    /// In lines after `>`.
    Folded,
}

/// One scalar, list or mapping.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
    /// How often the document's value holds it.
    pub(crate) uses: usize,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// A list or mapping that has not ended yet.
    Open,
    Scalar {
        value: Value,
        style: Style,
    },
    List(Vec<Child>),
    Map {
        members: Vec<Member>,
        is_flow: bool,
    },
}

/// A node in its place.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) node: Id,
    /// The range of the alias that stands here, or of the merge key's value that brings it here.
    pub(crate) alias: Option<Range<usize>>,
}

/// A member of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// The range of the key, as it is written.
    pub(crate) key_range: Range<usize>,
    pub(crate) value: Child,
    pub(crate) is_merged: bool,
}

/// The nodes of a document.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: Option<Child>,
}

/// A problem, and the position at which it was noticed.
pub(crate) type At<T> = Result<T, (usize, Problem)>;

impl Tree {
    pub(crate) fn push(&mut self, range: Range<usize>, kind: Kind) -> Id {
        self.nodes.push(Node { range, kind, uses: 0 });
        self.nodes.len() - 1
    }

    pub(crate) fn kind(&self, id: Id) -> &Kind {
        self.nodes.get(id).map_or(&Kind::Open, |node| &node.kind)
    }

    pub(crate) fn range(&self, id: Id) -> Range<usize> {
        self.nodes.get(id).map_or(0..0, |node| node.range.clone())
    }

    /// The range of a child as it is written: that of the alias, where it is one.
    pub(crate) fn written(&self, child: &Child) -> Range<usize> {
        child.alias.clone().unwrap_or_else(|| self.range(child.node))
    }

    /// The value of the document, with every alias resolved. Counts how often each node is used.
    pub(crate) fn value(&mut self) -> At<Value> {
        let Some(root) = self.root.clone() else { return Ok(Value::Null) };
        let mut uses = vec![0; self.nodes.len()];
        let mut left = self.nodes.len() + MAX_ALIASED;
        let value = self.expand(&root, 0, &mut left, &mut uses)?;
        for (node, uses) in self.nodes.iter_mut().zip(uses) {
            node.uses = uses;
        }
        Ok(value)
    }

    fn expand(&self, child: &Child, depth: usize, left: &mut usize, uses: &mut [usize]) -> At<Value> {
        let start = self.written(child).start;
        *left = left.checked_sub(1).ok_or((start, Problem::TooManyAliases))?;
        if depth > MAX_DEPTH {
            return Err((start, Problem::TooDeep));
        }
        if let Some(uses) = uses.get_mut(child.node) {
            *uses += 1;
        }
        Ok(match self.kind(child.node) {
            Kind::Open => return Err((start, Problem::Recursive)),
            Kind::Scalar { value, .. } => value.clone(),
            Kind::List(children) => {
                let values = children.iter().map(|child| self.expand(child, depth + 1, left, uses));
                Value::Array(values.collect::<At<_>>()?)
            }
            Kind::Map { members, .. } => {
                let mut map = Map::new();
                for member in members {
                    map.insert(member.key.clone(), self.expand(&member.value, depth + 1, left, uses)?);
                }
                Value::Object(map)
            }
        })
    }

    /// What is behind a JSON pointer, and the first alias on the way there.
    pub(crate) fn at(&self, pointer: &str) -> Option<Child> {
        let mut child = self.root.clone()?;
        if pointer.is_empty() {
            return Some(child);
        }
        for step in pointer.strip_prefix('/')?.split('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match self.kind(child.node) {
                Kind::List(children) => children.get(step.parse::<usize>().ok()?)?,
                Kind::Map { members, .. } => &members.iter().find(|member| member.key == step)?.value,
                Kind::Open | Kind::Scalar { .. } => return None,
            };
            child = Child { node: next.node, alias: child.alias.or_else(|| next.alias.clone()) };
        }
        Some(child)
    }
}
