//! Which patterns mean every image, and with which words are patterns tried?

use std::collections::BTreeSet;

use super::{MAX_STARS, MAX_WORDS};
use crate::{
    connaisseur,
    globs::{globs, stars},
    names::{self, Budget, Names},
    rules::Rule,
};

/// The images that a rule matches under Connaisseur.
pub(super) enum Everything {
    /// The rule matches exactly the images of these sets.
    Whole(Vec<Names>),
    /// The rule matches these images and more, because nobody could look at it one by one.
    More(Vec<Names>),
}

/// Everything that a rule matches there: what it was meant to match first.
pub(super) fn everything(rule: &Rule, budget: &Budget) -> Everything {
    let globs = globs(&rule.written).0;
    let all = |glob: &String| names::all(glob, budget);
    let whole = match stars(&rule.written) {
        0..=MAX_STARS => globs.iter().map(all).collect::<Option<Vec<Vec<Names>>>>(),
        _ => None,
    };
    match whole {
        Some(whole) => {
            let meant = globs.iter().flat_map(|glob| names::meant(glob));
            Everything::Whole(meant.chain(whole.into_iter().flatten()).collect())
        }
        None => {
            let fewer: BTreeSet<String> = globs.iter().map(|glob| names::with_fewer_stars(glob)).collect();
            let more = fewer.iter().map(all).collect::<Option<Vec<Vec<Names>>>>();
            Everything::More(more.map_or_else(|| names::meant("*"), |more| more.into_iter().flatten().collect()))
        }
    }
}

/// For each rule the beginnings of components of which a sample can have one: its own, and what is one byte longer than what they share with
/// another rule's, because that much decides there.
pub(super) fn words(rules: &[Rule]) -> Vec<Vec<&str>> {
    let special = ['*', ':', '@', '?', '[', '{', '\\'];
    let mut all: Vec<Vec<&str>> = rules.iter().map(|rule| rule.written.split('/').collect()).collect();
    for part in all.iter_mut().flatten() {
        *part = part.split(special).next().unwrap_or_default();
    }
    let mut words = Vec::new();
    for own in &all {
        let mut found: BTreeSet<&str> = own.iter().copied().filter(|word| !word.is_empty()).take(MAX_WORDS).collect();
        for other in &all {
            let others = other.iter().copied().chain(std::iter::repeat(""));
            let pairs = own.iter().copied().zip(others).take(MAX_WORDS);
            found.extend(pairs.filter_map(|(word, other)| word.get(..=connaisseur::shared(word, other))));
        }
        words.push(found.into_iter().collect());
    }
    words
}
