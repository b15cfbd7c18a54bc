//! Have enough distinct trust roots signed, each by a signer of its own?
//!
//! A quorum is a set of names, never a counter. A root that signs twice is one voter, and a signer whose signature fits two roots has one vote. Two signers are one if
//! they share a key or an identity. A workflow is one signer, whichever git reference it ran at. Signers are matched to roots so that as many roots as possible have a
//! signer, and the required roots come first.

use std::collections::BTreeSet;

use super::requirement::TrustRootName;
use crate::{evidence::Signer, ordered::set};

/// What a rule asks for, and what each trust root answered so far.
#[derive(Debug, Clone)]
pub struct Quorum<'r> {
    threshold: usize,
    required: BTreeSet<&'r TrustRootName>,
    asked: BTreeSet<&'r TrustRootName>,
    voters: Vec<Voter<'r>>,
    /// Those who signed, each by a signer of its own.
    signed: BTreeSet<&'r TrustRootName>,
    missing: BTreeSet<&'r TrustRootName>,
    undecided: BTreeSet<&'r TrustRootName>,
}

/// Signers that count as one, and the trust roots that they fit.
#[derive(Debug, Clone)]
struct Voter<'r> {
    signers: Vec<Signer>,
    roots: BTreeSet<&'r TrustRootName>,
}

/// What one trust root answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vote {
    /// It signed, by this signer.
    Signed(Signer),
    /// It did not sign.
    Missing,
    /// Nobody could tell.
    Undecided,
}

/// Where a quorum stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Enough trust roots have signed, and all required ones.
    Met,
    /// The quorum cannot be met, whatever the others answer.
    Lost,
    /// The result depends on trust roots that have not answered.
    Open,
}

impl<'r> Quorum<'r> {
    /// A quorum of `threshold` out of `roots`, among them all of `required`.
    pub fn new(
        threshold: usize,
        required: impl IntoIterator<Item = &'r TrustRootName>,
        roots: impl IntoIterator<Item = &'r TrustRootName>,
    ) -> Quorum<'r> {
        Quorum {
            threshold,
            required: set(required),
            asked: set(roots),
            voters: Vec::new(),
            signed: BTreeSet::new(),
            missing: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }

    /// Notes what `root` answered. That it signed can be said of several signers; else its first answer counts. A root that is not part of this quorum has
    /// no vote.
    pub fn vote(&mut self, root: &'r TrustRootName, vote: Vote) {
        match vote {
            Vote::Signed(signer) if self.awaits(root) || self.has_signer(root) => self.add(root, signer),
            Vote::Missing if self.awaits(root) => drop(self.missing.insert(root)),
            Vote::Undecided if self.awaits(root) => drop(self.undecided.insert(root)),
            Vote::Signed(_) | Vote::Missing | Vote::Undecided => {}
        }
    }

    /// Adds a signer of `root`, and counts again.
    fn add(&mut self, root: &'r TrustRootName, signer: Signer) {
        let is_same = |voter: &Voter<'_>| voter.signers.iter().any(|other| other.is(&signer));
        let (same, mut others): (Vec<Voter<'_>>, Vec<Voter<'_>>) = self.voters.drain(..).partition(is_same);
        let mut voter = Voter { signers: vec![signer], roots: set([root]) };
        for one in same {
            voter.signers.extend(one.signers);
            voter.roots.extend(one.roots);
        }
        others.push(voter);
        self.voters = others;
        self.count();
    }

    /// Finds a signer for as many roots as there can be. A root that has one keeps one when others are added (Berge), so those that have to sign come first.
    fn count(&mut self) {
        let (first, rest): (Vec<&'r TrustRootName>, Vec<&'r TrustRootName>) =
            self.asked.iter().partition(|root| self.required.contains(**root));
        let mut of_voters: Vec<Option<&'r TrustRootName>> = vec![None; self.voters.len()];
        self.signed =
            set(first.into_iter().chain(rest).filter(|root| self.find(root, &mut of_voters, &mut BTreeSet::new())));
    }

    /// Finds a voter for `root`, if need be by finding another one for the root that has it.
    fn find(
        &self,
        root: &'r TrustRootName,
        of_voters: &mut Vec<Option<&'r TrustRootName>>,
        tried: &mut BTreeSet<usize>,
    ) -> bool {
        for (at, voter) in self.voters.iter().enumerate() {
            if !voter.roots.contains(root) || !tried.insert(at) {
                continue;
            }
            let is_free = match of_voters.get(at).copied().flatten() {
                None => true,
                Some(other) => self.find(other, of_voters, tried),
            };
            if is_free && let Some(place) = of_voters.get_mut(at) {
                *place = Some(root);
                return true;
            }
        }
        false
    }

    /// Has somebody signed for this root, whether or not they count for it?
    fn has_signer(&self, root: &TrustRootName) -> bool {
        self.voters.iter().any(|voter| voter.roots.contains(root))
    }

    /// Is this signer of this root known already?
    #[must_use]
    pub fn knows(&self, root: &TrustRootName, signer: &Signer) -> bool {
        let has = |voter: &Voter<'_>| voter.roots.contains(root) && voter.signers.iter().any(|other| other.is(signer));
        self.voters.iter().any(has)
    }

    /// Where the quorum stands. A root that nobody could ask may still have signed.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let open: BTreeSet<&TrustRootName> =
            set(self.asked.iter().copied().filter(|root| self.awaits(root) || self.undecided.contains(root)));
        let can_sign = |root: &&TrustRootName| self.signed.contains(*root) || open.contains(*root);
        if self.threshold > 0 && self.signed.len() >= self.threshold && self.required.is_subset(&self.signed) {
            Standing::Met
        } else if self.signed.len().saturating_add(open.len()) < self.threshold || !self.required.iter().all(can_sign) {
            Standing::Lost
        } else {
            Standing::Open
        }
    }

    /// Is it certain that this root did not sign?
    #[must_use]
    pub fn misses(&self, root: &TrustRootName) -> bool {
        self.missing.contains(root)
    }

    /// Has this root not answered yet?
    #[must_use]
    pub fn awaits(&self, root: &TrustRootName) -> bool {
        self.asked.contains(root)
            && ![&self.missing, &self.undecided].iter().any(|set| set.contains(root))
            && !self.has_signer(root)
    }

    /// The result, as names.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let names = |set: &BTreeSet<&TrustRootName>| set.iter().map(|name| (*name).clone()).collect::<Vec<_>>();
        let listed = |is: &dyn Fn(&TrustRootName) -> bool| {
            self.asked.iter().filter(|root| is(root)).map(|root| (*root).clone()).collect()
        };
        Tally {
            needed: self.threshold.max(self.required.len()),
            roots: self.asked.len(),
            required: names(&self.required),
            signed: names(&self.signed),
            missing: names(&self.missing),
            undecided: names(&self.undecided),
            shared: listed(&|root| self.has_signer(root) && !self.signed.contains(root)),
            not_asked: listed(&|root| self.awaits(root)),
        }
    }
}

/// Who signed and who did not, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of trust roots that have to sign.
    pub needed: usize,
    /// The number of trust roots that may sign.
    pub roots: usize,
    /// The trust roots that have to be among the signers.
    pub required: Vec<TrustRootName>,
    /// The trust roots that signed.
    pub signed: Vec<TrustRootName>,
    /// The trust roots that did not sign.
    pub missing: Vec<TrustRootName>,
    /// The trust roots whose only signer counts for another trust root.
    pub shared: Vec<TrustRootName>,
    /// The trust roots about which nobody could tell whether they signed.
    pub undecided: Vec<TrustRootName>,
    /// The trust roots that were not asked, because the result was certain without them.
    pub not_asked: Vec<TrustRootName>,
}

impl Tally {
    /// The same where it turns out that nobody can tell who did not sign.
    #[must_use]
    pub fn untold(self) -> Tally {
        let undecided = [self.undecided, self.missing].concat();
        Tally { undecided, missing: Vec::new(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::signing::PublicKey;

    use super::{Standing::*, *};

    /// What a root answers, in a row.
    #[derive(Clone, Copy)]
    enum Answer {
        /// Signed with a key of this name, and an identity.
        By(&'static str, Option<&'static str>),
        No,
        Untold,
    }

    use Answer::{By, No, Untold};

    const ALICE: Answer = By("alice", None);
    const BOB: Answer = By("bob", None);

    fn key(name: &str) -> PublicKey {
        let pem = match name {
            "alice" => include_str!("../../tests/keys/alice.pub"),
            "alice-compressed" => include_str!("../../tests/keys/alice-compressed.pub"),
            "bob" => include_str!("../../tests/keys/bob.pub"),
            "p384" => include_str!("../../tests/keys/p384.pub"),
            _ => include_str!("../../tests/keys/ed25519.pub"),
        };
        PublicKey::parse(pem).unwrap()
    }

    fn name(name: &str) -> &'static TrustRootName {
        Box::leak(Box::new(TrustRootName(name.to_owned())))
    }

    fn vote(answer: Answer) -> Vote {
        match answer {
            By(name, identity) => {
                let identity = identity.map(|name| (name.to_owned(), Some("https://issuer".to_owned())));
                Vote::Signed(Signer { key: key(name), identity })
            }
            No => Vote::Missing,
            Untold => Vote::Undecided,
        }
    }

    #[test]
    fn every_root_is_in_one_list() {
        let mut quorum = Quorum::new(1, [], ["alice", "bob"].map(name));
        for (root, answer) in [("alice", No), ("alice", Untold), ("bob", Untold), ("bob", BOB)] {
            quorum.vote(name(root), vote(answer));
        }
        let tally = quorum.tally();
        let [alice, bob] = ["alice", "bob"].map(|root| vec![name(root).clone()]);
        assert_eq!((tally.missing, tally.undecided, tally.signed), (alice, bob, vec![]));
    }

    #[test]
    fn standings() {
        let rows: &[(usize, &[&str], &[(&str, Answer)], Standing, &str)] = &[
            (1, &[], &[], Open, "nobody was asked"),
            (1, &[], &[("alice", ALICE)], Met, "one of three"),
            (2, &[], &[("alice", ALICE), ("alice", ALICE)], Open, "one signer twice is one signer"),
            (2, &[], &[("alice", ALICE), ("bob", BOB)], Met, "two of three"),
            (2, &[], &[("alice", No), ("bob", No)], Lost, "one is left"),
            (2, &[], &[("alice", ALICE), ("bob", Untold), ("carol", No)], Open, "bob may have signed"),
            (3, &[], &[("alice", No)], Lost, "all had to sign"),
            (1, &["bob"], &[("alice", ALICE)], Open, "enough, but bob has to"),
            (1, &["bob"], &[("alice", ALICE), ("bob", No)], Lost, "bob had to"),
            (1, &["bob"], &[("bob", BOB)], Met, "bob did"),
            (2, &["bob"], &[("bob", BOB)], Open, "bob and one more"),
            (1, &["mallory"], &[("alice", ALICE)], Lost, "a required root that can't be asked can't sign"),
            (1, &[], &[("mallory", ALICE)], Open, "who is no trust root has no vote"),
            (1, &[], &[("alice", ALICE), ("alice", No)], Met, "a proof stays a proof"),
            (0, &[], &[], Open, "a threshold of nobody is never met"),
        ];
        check(rows);
    }

    #[test]
    fn a_signer_has_one_vote() {
        let one = By("alice", Some("one"));
        let other_key = By("bob", Some("one"));
        let rows: &[(usize, &[&str], &[(&str, Answer)], Standing, &str)] = &[
            (2, &[], &[("alice", one), ("bob", one), ("carol", No)], Lost, "one certificate that fits two roots"),
            (2, &[], &[("alice", one), ("bob", other_key), ("carol", No)], Lost, "one identity with two certificates"),
            (
                2,
                &[],
                &[("alice", one), ("bob", By("alice", Some("two"))), ("carol", No)],
                Lost,
                "one key with two identities",
            ),
            (2, &[], &[("alice", ALICE), ("bob", one), ("carol", No)], Lost, "a key, and a certificate for that key"),
            (
                2,
                &[],
                &[("alice", ALICE), ("bob", By("alice-compressed", None)), ("carol", No)],
                Lost,
                "a key in two encodings",
            ),
            (2, &[], &[("alice", one), ("bob", one)], Open, "carol may have signed"),
            (2, &[], &[("alice", one), ("bob", By("bob", Some("two")))], Met, "two of each"),
            (
                2,
                &[],
                &[("alice", one), ("alice", By("bob", Some("two"))), ("bob", one), ("carol", No)],
                Met,
                "the other signer of alice counts for her, so that this one is left for bob",
            ),
            (
                2,
                &[],
                &[("bob", one), ("alice", one), ("alice", By("bob", Some("two"))), ("carol", No)],
                Met,
                "who was taken for alice first is given to bob",
            ),
            (
                3,
                &[],
                &[
                    ("alice", one),
                    ("alice", By("bob", Some("two"))),
                    ("bob", By("bob", Some("two"))),
                    ("bob", By("p384", Some("three"))),
                    ("carol", one),
                ],
                Met,
                "three signers for three roots, each of which fits another one",
            ),
            (1, &["bob"], &[("alice", one), ("bob", one)], Met, "it counts for the one who has to"),
            (2, &["alice", "bob"], &[("alice", one), ("bob", one)], Lost, "both have to"),
            (
                2,
                &[],
                &[("alice", ALICE), ("bob", By("bob", Some("one"))), ("carol", By("alice", Some("one")))],
                Lost,
                "a third signature shows that the first two are one signer",
            ),
        ];
        check(rows);
    }

    #[test]
    fn a_workflow_has_one_vote_whatever_it_ran_at() {
        let commit = |digit: &str| format!("https://github.com/acme/app/.github/workflows/a.yml@{}", digit.repeat(40));
        let app = "https://github.com/acme/app/.github/workflows/a.yml@refs/tags/v1";
        let rows = [
            (app.to_owned(), app.replace("tags/v1", "heads/main"), true, "two references"),
            (
                app.to_owned(),
                app.replace("tags/v1", "heads/a@refs/b"),
                true,
                "a reference with another one in its name",
            ),
            (app.to_owned(), commit("1"), true, "a reference and a commit"),
            (commit("1"), commit("2"), true, "two commits"),
            (app.to_owned(), app.replace("a.yml", "b.yml"), false, "two files"),
            (app.to_owned(), app.replace("acme/app", "acme/web"), false, "two repositories"),
            (
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main".to_owned(),
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1".to_owned(),
                true,
                "GitLab's form",
            ),
            ("https://acme.example/a@one".to_owned(), "https://acme.example/a@two".to_owned(), false, "no reference"),
            (commit("1"), format!("{}1", commit("1")), false, "no commit"),
            ("a@refs/x".to_owned(), "a@refs/y".to_owned(), false, "addresses, and no workflows"),
        ];
        for (one, other, same, why) in rows {
            let signer =
                |name: &String, by: &str| Signer { key: key(by), identity: Some((name.clone(), Some("i".to_owned()))) };
            assert_eq!(signer(&one, "alice").is(&signer(&other, "bob")), same, "{why}: {one} and {other}");
        }
    }

    fn check(rows: &[(usize, &[&str], &[(&str, Answer)], Standing, &str)]) {
        for (threshold, required, votes, expected, why) in rows {
            let required = required.iter().copied().map(name);
            let mut quorum = Quorum::new(*threshold, required, ["alice", "bob", "carol"].map(name));
            for (root, answer) in *votes {
                quorum.vote(name(root), vote(*answer));
            }
            assert_eq!(quorum.standing(), *expected, "{why}");
        }
    }

    #[test]
    fn everybody_is_in_one_list() {
        let mut quorum = Quorum::new(2, [name("bob")], ["alice", "bob", "carol", "dave", "eve"].map(name));
        for (root, answer) in [("bob", BOB), ("alice", No), ("carol", Untold), ("eve", BOB)] {
            quorum.vote(name(root), vote(answer));
        }
        let tally = quorum.tally();
        let lists = [tally.signed, tally.missing, tally.undecided, tally.not_asked, tally.shared];
        let expected = ["bob", "alice", "carol", "dave", "eve"].map(|root| vec![name(root).clone()]);
        assert_eq!(lists, expected);
    }
}
