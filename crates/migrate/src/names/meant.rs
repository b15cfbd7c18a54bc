//! Which names did the author of a pattern mean?

use super::{DOCKER_HUB, Names, is_match, registries_of, repositories_of};
use crate::connaisseur::HUB;

impl Names {
    /// Could there be one? Each part has only characters that it can have.
    pub(super) fn are_possible(&self) -> bool {
        let only =
            |text: &str, usable: fn(char) -> bool| !text.is_empty() && text.chars().all(|c| c == '*' || usable(c));
        let tag = self.tag.as_deref().unwrap_or("*");
        let hex = self.digest.as_deref().unwrap_or("sha256:*");
        only(&self.registry, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'))
            && only(&self.repository, |c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '/')
            })
            && !self.repository.split('/').any(str::is_empty)
            && only(tag, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            && hex.strip_prefix("sha256:").is_some_and(|hex| {
                only(hex, |c| matches!(c, '0'..='9' | 'a'..='f')) && (hex.contains('*') || hex.len() == 64)
            })
    }
}

/// What a pattern was meant to match: it as it stands, completed as an image is, and its end left open where it ends in the middle of a word.
pub(crate) fn meant(glob: &str) -> Vec<Names> {
    let (rest, digest) = match glob.split_once('@') {
        Some((rest, digest)) => (rest, Some(whole_digest(digest))),
        None => (glob, None),
    };
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') && !is_port(name, tag) => (name, Some(opened(tag))),
        _ => (rest, None),
    };
    let is_open = tag.is_none() && digest.is_none();
    let tag = tag.filter(|tag| !matches!(&**tag, "" | "*"));
    let name = if is_open { opened(name) } else { name.to_owned() };
    let found = places(&name, is_open).into_iter().map(|(registry, repository)| Names {
        registry,
        repository,
        tag: tag.clone(),
        digest: digest.clone(),
    });
    found.filter(Names::are_possible).collect()
}

/// Are these images ones that a pattern was meant to match?
pub(crate) fn meant_of(globs: &[String], names: &Names) -> bool {
    globs.iter().flat_map(|glob| meant(glob)).any(|meant| names.is_within(&meant))
}

/// Registry and repository of a pattern's name.
fn places(name: &str, is_open: bool) -> Vec<(String, String)> {
    let hub = |repository: String| (DOCKER_HUB.to_owned(), repository);
    let is_registry = |first: &str| first.contains(['.', ':']) || first == "localhost";
    match name.split_once('/') {
        None if name == "*" => vec![("*".to_owned(), "*".to_owned())],
        None if is_registry(name) => vec![(hub_or(name), "*".to_owned())],
        None => vec![hub(format!("library/{name}"))],
        Some(("*", rest)) => vec![("*".to_owned(), rest.to_owned())],
        Some((first, rest)) if is_registry(first) => {
            let registry = hub_or(first);
            let is_one = !rest.contains(['/', '*']);
            match registry == DOCKER_HUB {
                // Names on Docker Hub have two components there, so this is an account, or nothing.
                true if is_one && is_open => vec![hub(format!("{rest}/*"))],
                true => repositories_of(&registry, rest).into_iter().map(hub).collect(),
                false if is_one && is_open => {
                    vec![(registry.clone(), rest.to_owned()), (registry, format!("{rest}/*"))]
                }
                false => vec![(registry, rest.to_owned())],
            }
        }
        Some((first, rest)) if first.contains('*') => {
            let mut registries = registries_of(first);
            if is_match(first, HUB) && !registries.iter().any(|registry| registry == DOCKER_HUB) {
                registries.push(DOCKER_HUB.to_owned());
            }
            let placed = |registry: &String| {
                repositories_of(registry, rest).into_iter().map(|rest| (registry.clone(), rest)).collect::<Vec<_>>()
            };
            registries.iter().flat_map(placed).chain([hub(name.to_owned())]).collect()
        }
        Some(_) => vec![hub(name.to_owned())],
    }
}

fn hub_or(registry: &str) -> String {
    if registry == HUB { DOCKER_HUB.to_owned() } else { registry.to_ascii_lowercase() }
}

fn is_port(name: &str, tag: &str) -> bool {
    let is_host = !name.contains('/') && (name.contains('.') || name == "localhost");
    is_host && !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text, with a star at its end if it ends in the middle of a word.
fn opened(text: &str) -> String {
    if text.ends_with(['-', '_', '.', '/']) { format!("{text}*") } else { text.to_owned() }
}

fn whole_digest(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or("*");
    let is_open = hex.len() < 64 && !hex.ends_with('*');
    format!("sha256:{hex}{}", if is_open { "*" } else { "" })
}
