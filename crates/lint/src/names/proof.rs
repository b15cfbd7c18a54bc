//! Does an expression match any name that a certificate can have?
//!
//! Expression and names become automata (DFAs), and it is searched for a text that both accept. Where there is none, no certificate ever meets the
//! expression. Where an automaton would be too large, nothing is claimed.
//!
//! The engine of the policy, `regex-lite`, sees characters, and its classes know ASCII only. Here a byte stands for a character: those from 0x80 on stand for
//! all characters beyond ASCII. An expression that names such a character itself is not searched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use regex_automata::{
    Anchored, MatchKind,
    dfa::{Automaton as _, StartKind, dense},
    nfa::thompson,
    util::{primitives::StateID, start, syntax},
};

use super::ISSUERS;

/// Largest automaton, and largest memory to make it, in bytes.
const MAX_DFA: usize = 1 << 20;
/// Most states that are looked at in one search.
const MAX_SEARCHED: usize = 20_000;

/// A printable character of a URI: no white space and no backslash, neither of which a git reference or a URL has.
const URI: &str = r"[!-\[\]-~\x80-\xff]";

/// Names of a kind. Each is at least what certificates can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Names {
    /// Any text.
    Any,
    /// URLs, but not those of workflows.
    Issuers,
    /// The issuers that are known.
    KnownIssuers,
    /// URIs, e-mail addresses and user names (Fulcio, "Certificate Specification"), but not the known issuers.
    Subjects,
    /// Those of GitHub's workflows.
    Workflows,
    /// E-mail addresses and user names.
    People,
}

type Dfa = dense::DFA<Vec<u32>>;

/// What certificates can hold, as automata. Made once for all trust roots.
pub(crate) struct Known {
    /// What accepts the names of a kind, and what accepts those among them that are left out.
    names: BTreeMap<Names, (Option<Dfa>, Option<Dfa>)>,
    /// The same as [`Names::Subjects`], if user names may have a `/` too.
    with_slashes: Option<Dfa>,
}

impl Known {
    pub(crate) fn new() -> Known {
        // A user name with `/` would let every path without a scheme be one, so only an expression with a `!` gets these.
        let people = r"[^/@\s]+@[^/@\s\\]+|[^/@\s!]+![^/@\s!]+";
        let uri = format!(r"[A-Za-z][A-Za-z0-9+.\-]*://{URI}+");
        let issuers = ISSUERS.map(|issuer| super::escaped(issuer) + "/?").join("|");
        let kinds = [
            (Names::Any, r"(?s:.)*".to_owned(), None),
            (Names::Issuers, format!("(?i:https?)://{URI}+"), Some(r"(?s:.)*/\.github/workflows/(?s:.)*".to_owned())),
            (Names::KnownIssuers, issuers.clone(), None),
            (Names::Subjects, format!("{uri}|{people}"), Some(format!("{issuers}|mailto:(?s:.)*"))),
            (Names::Workflows, format!(r"https://github\.com/[^/\s]+/[^/\s]+/{URI}+@{URI}+"), None),
            (Names::People, people.to_owned(), Some("mailto:(?s:.)*".to_owned())),
        ];
        let automata = |(kind, names, without): (Names, String, Option<String>)| {
            (kind, (dfa(&names), without.and_then(|without| dfa(&without))))
        };
        let with_slashes = dfa(&format!(r"{uri}|{people}|[^@\s]+![^@\s]+"));
        Known { names: kinds.into_iter().map(automata).collect(), with_slashes }
    }

    /// Is it certain that no name of this kind is matched as a whole?
    pub(super) fn has_none(&self, expression: &str, names: Names) -> bool {
        self.search(expression, names) == Some(false)
    }

    /// Is it certain that a name of this kind is matched as a whole?
    pub(super) fn has_some(&self, expression: &str, names: Names) -> bool {
        self.search(expression, names) == Some(true)
    }

    /// Whether a name of this kind is matched; `None` where that takes too long to tell.
    fn search(&self, expression: &str, names: Names) -> Option<bool> {
        let (of_kind, without) = self.names.get(&names)?;
        let of_kind = match names {
            Names::Subjects | Names::People if expression.contains('!') => self.with_slashes.as_ref()?,
            _ => of_kind.as_ref()?,
        };
        meet(&dfa(expression)?, of_kind, without.as_ref())
    }
}

/// The automaton of an expression that is matched as a whole.
fn dfa(expression: &str) -> Option<Dfa> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(MAX_DFA))
        .determinize_size_limit(Some(MAX_DFA));
    let bytes = syntax::Config::new().unicode(false).utf8(false);
    let nfa = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_DFA));
    let whole = format!(r"\A(?:{expression})\z");
    let builder = || dense::Builder::new().configure(config).syntax(bytes).thompson(nfa).build(&whole).ok();
    expression.is_ascii().then(builder).flatten()
}

/// Is there a text that the first two accept, and the third one does not? The shortest ones are tried first.
fn meet(one: &Dfa, other: &Dfa, without: Option<&Dfa>) -> Option<bool> {
    let start = |dfa: &Dfa| dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok();
    let accepts = |dfa: &Dfa, state: StateID| dfa.is_match_state(dfa.next_eoi_state(state));
    let first = (start(one)?, start(other)?, without.map(start).map_or(Some(None), |state| state.map(Some))?);
    let (mut seen, mut queue) = (BTreeSet::from([first]), VecDeque::from([first]));
    while let Some((in_one, in_other, in_without)) = queue.pop_front() {
        let is_left_out = without.zip(in_without).is_some_and(|(without, state)| accepts(without, state));
        if accepts(one, in_one) && accepts(other, in_other) && !is_left_out {
            return Some(true);
        }
        if seen.len() > MAX_SEARCHED || one.is_quit_state(in_one) {
            return None;
        }
        for byte in 0..=u8::MAX {
            let (to_one, to_other) = (one.next_state(in_one, byte), other.next_state(in_other, byte));
            let next =
                (to_one, to_other, without.zip(in_without).map(|(without, state)| without.next_state(state, byte)));
            if !one.is_dead_state(to_one) && !other.is_dead_state(to_other) && seen.insert(next) {
                queue.push_back(next);
            }
        }
    }
    Some(false)
}
