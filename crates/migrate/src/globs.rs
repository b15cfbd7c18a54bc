//! How is a pattern of Connaisseur's written in which only `*` is special, as in ours?

use super::connaisseur::{Token, Way, ways};

/// Most texts that a class of characters is spelt out to.
const MAX_SPELT_OUT: usize = 40;

/// The most stars of a glob that a pattern is read as.
pub(super) fn stars(written: &str) -> usize {
    globs(written).0.iter().map(|glob| glob.matches('*').count()).max().unwrap_or_default()
}

/// A pattern as texts in which only `*` is special, and whether they say all that it says.
pub(super) fn globs(written: &str) -> (Vec<String>, bool) {
    let ways = ways(written).unwrap_or_default();
    let is_whole = |way: &Way| spelt_out(way).is_some();
    let texts = |way: &Way| spelt_out(way).unwrap_or_else(|| vec![starred(way)]);
    (ways.iter().flat_map(texts).collect(), ways.iter().all(is_whole))
}

/// A pattern with every class written out, where that is possible.
pub(super) fn spelt_out(way: &[Token]) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    for token in way {
        let next: Vec<char> = match token {
            Token::Literal(c) => vec![*c],
            Token::Any => vec!['*'],
            Token::Class { ranges, negated: false } => {
                ranges.iter().flat_map(|(from, to)| *from..=*to).take(MAX_SPELT_OUT + 1).collect()
            }
            Token::One | Token::Class { .. } => return None,
        };
        if texts.len() * next.len() > MAX_SPELT_OUT {
            return None;
        }
        texts = texts.iter().flat_map(|text| next.iter().map(move |c| format!("{text}{c}"))).collect();
    }
    Some(texts)
}

/// A pattern with a star for everything that can't be written out.
fn starred(way: &Way) -> String {
    let mut text = String::new();
    for token in way {
        match token {
            Token::Literal(c) => text.push(*c),
            _ if text.ends_with('*') => {}
            _ => text.push('*'),
        }
    }
    text
}
