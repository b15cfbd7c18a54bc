//! What are the members of a mapping, once its merge keys are resolved?

use std::collections::{HashMap, hash_map::Entry};

use serde_json::Value;

use crate::{
    error::Problem,
    manifest::Lines,
    tree::{At, Child, Id, Kind, MAX_ALIASED, Member, Tree},
};

/// The key that merges other mappings into its own.
pub(crate) const MERGE: &str = "<<";

/// A key and a value, and whether the key is a merge key.
pub(crate) struct Pair {
    pub(crate) key: Child,
    pub(crate) value: Child,
    pub(crate) is_merge: bool,
}

/// The members of a mapping that was written as `pairs`. Its own keys win, then the first mapping that is merged.
pub(crate) fn members(tree: &Tree, pairs: Vec<Pair>, lines: &Lines, merged: &mut usize) -> At<Vec<Member>> {
    let mut members: Vec<Member> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut merge: Option<(Child, Child, usize)> = None;
    for Pair { key, value, is_merge } in pairs {
        let range = tree.written(&key);
        if is_merge {
            if let Some((first, _, _)) = &merge {
                let first = lines.place(tree.written(first).start);
                return Err((range.start, Problem::Twice(MERGE.to_owned(), first)));
            }
            merge = Some((key, value, members.len()));
            continue;
        }
        let name = name(tree.kind(key.node)).ok_or((range.start, Problem::Key))?;
        match known.entry(name.clone()) {
            Entry::Occupied(first) => {
                let first = members.get(*first.get()).map_or(0, |member| member.key_range.start);
                return Err((range.start, Problem::Twice(name, lines.place(first))));
            }
            Entry::Vacant(entry) => entry.insert(members.len()),
        };
        members.push(Member { key: name, key_range: range, value, is_merged: false });
    }
    let Some((_, source, before)) = merge else { return Ok(members) };
    let range = tree.written(&source);
    let start = range.start;
    for map in maps(tree, &source).ok_or((start, Problem::Merge))? {
        let Kind::Map { members: others, .. } = tree.kind(map) else { return Err((start, Problem::Merge)) };
        *merged += others.len();
        if *merged > MAX_ALIASED {
            return Err((start, Problem::TooManyAliases));
        }
        for other in others {
            match known.entry(other.key.clone()) {
                Entry::Occupied(ours) => {
                    let ours = members.get(*ours.get());
                    let differs = ours.is_some_and(|ours| !ours.is_merged && differs(tree, &ours.value, &other.value));
                    // kubectl's parser lets the last one win.
                    if differs && known.get(&other.key).is_some_and(|at| *at < before) {
                        return Err((start, Problem::MergeOrder(other.key.clone())));
                    }
                }
                Entry::Vacant(entry) => {
                    entry.insert(members.len());
                    let value = Child { node: other.value.node, alias: Some(range.clone()) };
                    members.push(Member { value, is_merged: true, ..other.clone() });
                }
            }
        }
    }
    Ok(members)
}

/// The mappings that a merge key names.
fn maps(tree: &Tree, source: &Child) -> Option<Vec<Id>> {
    match tree.kind(source.node) {
        Kind::Map { .. } => Some(vec![source.node]),
        Kind::List(children) => Some(children.iter().map(|child| child.node).collect()),
        Kind::Open | Kind::Scalar { .. } => None,
    }
}

fn differs(tree: &Tree, one: &Child, other: &Child) -> bool {
    match (tree.kind(one.node), tree.kind(other.node)) {
        (Kind::Scalar { value: one, .. }, Kind::Scalar { value: other, .. }) => one != other,
        _ => one.node != other.node,
    }
}

/// The text that a key is in JSON.
fn name(key: &Kind) -> Option<String> {
    match key {
        Kind::Scalar { value: Value::String(text), .. } => Some(text.clone()),
        Kind::Scalar { value: value @ (Value::Bool(_) | Value::Number(_)), .. } => Some(value.to_string()),
        _ => None,
    }
}
