//! Have enough distinct trust roots signed?
//!
//! A set of names that voted, never a counter: a root that signs twice is one voter.

use std::{collections::BTreeSet, fmt};

use crate::shown::Shown;

/// What a rule asks for, and what each trust root answered so far.
#[derive(Debug, Clone)]
pub struct Quorum<'r> {
    threshold: usize,
    required: BTreeSet<&'r str>,
    asked: BTreeSet<&'r str>,
    signed: BTreeSet<&'r str>,
    missing: BTreeSet<&'r str>,
    undecided: BTreeSet<&'r str>,
}

/// What one trust root answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// It signed.
    Signed,
    /// It did not sign.
    Missing,
    /// Nobody could tell.
    Undecided,
}

/// Where a quorum stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Enough have signed, and all that had to.
    Met,
    /// Whatever the others say, it can't be met.
    Lost,
    /// It depends on those who have not answered.
    Open,
}

impl<'r> Quorum<'r> {
    /// A quorum of `threshold` out of `roots`, among them all of `required`.
    pub fn new(
        threshold: usize,
        required: impl IntoIterator<Item = &'r str>,
        roots: impl IntoIterator<Item = &'r str>,
    ) -> Quorum<'r> {
        Quorum {
            threshold,
            required: required.into_iter().collect(),
            asked: roots.into_iter().collect(),
            signed: BTreeSet::new(),
            missing: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }

    /// Notes what `root` answered first. A root that is not part of this quorum has no vote.
    pub fn vote(&mut self, root: &'r str, vote: Vote) {
        if !self.awaits(root) {
            return;
        }
        match vote {
            Vote::Signed => self.signed.insert(root),
            Vote::Missing => self.missing.insert(root),
            Vote::Undecided => self.undecided.insert(root),
        };
    }

    /// Where the quorum stands. A root that nobody could ask may still have signed.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let could_sign = self.asked.len() - self.missing.len();
        if self.threshold > 0 && self.signed.len() >= self.threshold && self.required.is_subset(&self.signed) {
            Standing::Met
        } else if could_sign < self.threshold
            || !self.required.is_disjoint(&self.missing)
            || !self.required.is_subset(&self.asked)
        {
            Standing::Lost
        } else {
            Standing::Open
        }
    }

    /// Is it certain that this root did not sign?
    #[must_use]
    pub fn misses(&self, root: &str) -> bool {
        self.missing.contains(root)
    }

    /// Has this root not answered yet?
    #[must_use]
    pub fn awaits(&self, root: &str) -> bool {
        self.asked.contains(root)
            && ![&self.signed, &self.missing, &self.undecided].iter().any(|set| set.contains(root))
    }

    /// The result, as names.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let names = |set: &BTreeSet<&str>| set.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let answered = |root: &&&str| {
            !self.signed.contains(**root) && !self.missing.contains(**root) && !self.undecided.contains(**root)
        };
        Tally {
            needed: self.threshold.max(self.required.len()),
            roots: self.asked.len(),
            required: names(&self.required),
            signed: names(&self.signed),
            missing: names(&self.missing),
            undecided: names(&self.undecided),
            not_asked: self.asked.iter().filter(answered).map(|name| (*name).to_owned()).collect(),
        }
    }
}

/// Who signed and who did not, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How many had to sign.
    pub needed: usize,
    /// How many could.
    pub roots: usize,
    /// Who had to sign, whoever else did.
    pub required: Vec<String>,
    /// Who signed.
    pub signed: Vec<String>,
    /// Who did not.
    pub missing: Vec<String>,
    /// Who may have: nobody could tell.
    pub undecided: Vec<String>,
    /// Who was not asked, because the answer was certain without.
    pub not_asked: Vec<String>,
}

/// What stands behind a reason: `; 1 of 2 needed: signed by trust root alice; missing trust root bob`, or just the one who was asked.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.roots > 1 {
            write!(f, "; {} of {} needed", self.signed.len(), self.needed)?;
        }
        let lists = [
            (": signed by", &self.signed),
            ("; missing", &self.missing),
            ("; nobody could tell about", &self.undecided),
            ("; not asked about", &self.not_asked),
        ];
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            let roots = if names.len() == 1 { "trust root" } else { "trust roots" };
            write!(f, "{what} {roots} {}", listed(names))?;
        }
        if !self.required.is_empty() {
            let are = if self.required.len() == 1 { "is" } else { "are" };
            write!(f, "; required {are} {}", listed(&self.required))?;
        }
        Ok(())
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| Shown(name).to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Standing::*, Vote::*, *};

    #[test]
    fn every_root_is_in_one_list() {
        let mut quorum = Quorum::new(1, [], ["alice", "bob"]);
        for (root, vote) in [("alice", Missing), ("alice", Undecided), ("bob", Undecided), ("bob", Signed)] {
            quorum.vote(root, vote);
        }
        let tally = quorum.tally();
        assert_eq!((tally.missing, tally.undecided, tally.signed), (vec!["alice".into()], vec!["bob".into()], vec![]));
    }

    #[test]
    fn standings() {
        let rows: &[(usize, &[&str], &[(&str, Vote)], Standing, &str)] = &[
            (1, &[], &[], Open, "nobody was asked"),
            (1, &[], &[("alice", Signed)], Met, "one of three"),
            (2, &[], &[("alice", Signed), ("alice", Signed)], Open, "one signer twice is one signer"),
            (2, &[], &[("alice", Signed), ("bob", Signed)], Met, "two of three"),
            (2, &[], &[("alice", Missing), ("bob", Missing)], Lost, "one is left"),
            (2, &[], &[("alice", Signed), ("bob", Undecided), ("carol", Missing)], Open, "bob may have signed"),
            (3, &[], &[("alice", Missing)], Lost, "all had to sign"),
            (1, &["bob"], &[("alice", Signed)], Open, "enough, but bob has to"),
            (1, &["bob"], &[("alice", Signed), ("bob", Missing)], Lost, "bob had to"),
            (1, &["bob"], &[("bob", Signed)], Met, "bob did"),
            (2, &["bob"], &[("bob", Signed)], Open, "bob and one more"),
            (1, &["mallory"], &[("alice", Signed)], Lost, "a required root that can't be asked can't sign"),
            (1, &[], &[("mallory", Signed)], Open, "who is no trust root has no vote"),
            (1, &[], &[("alice", Signed), ("alice", Missing)], Met, "a proof stays a proof"),
            (0, &[], &[], Open, "a threshold of nobody is never met"),
        ];
        for (threshold, required, votes, expected, why) in rows {
            let mut quorum = Quorum::new(*threshold, required.iter().copied(), ["alice", "bob", "carol"]);
            for (root, vote) in *votes {
                quorum.vote(root, *vote);
            }
            assert_eq!(quorum.standing(), *expected, "{why}");
        }
    }

    #[test]
    fn everybody_is_in_one_list() {
        let mut quorum = Quorum::new(2, ["bob"], ["alice", "bob", "carol", "dave"]);
        quorum.vote("bob", Signed);
        quorum.vote("alice", Missing);
        quorum.vote("carol", Undecided);
        let tally = quorum.tally();
        assert_eq!(
            (tally.signed, tally.missing, tally.undecided, tally.not_asked),
            (vec!["bob".into()], vec!["alice".into()], vec!["carol".into()], vec!["dave".into()])
        );
    }
}
