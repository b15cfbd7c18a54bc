//! Which trust roots have to sign?

use super::{
    Mistake, Problem,
    settings::{ALL, DEFAULT},
};
use crate::{
    json::JsonPath,
    ordered::set,
    verify::{Signers, TrustRoot, TrustRootName},
};

/// The keys of a rule, or of an attestation that a rule asks for, that say who has to sign.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// `trustRoot`.
    pub(super) trust_root: Option<String>,
    /// `trustRoots`, which only attestations have.
    pub(super) trust_roots: Option<Vec<TrustRootName>>,
    /// `threshold`.
    pub(super) threshold: Option<u64>,
    /// `required`.
    pub(super) required: Vec<TrustRootName>,
}

impl Wanted {
    /// The signers among `all` trust roots of the validator. `place` is the place of these keys in the settings.
    ///
    /// # Errors
    /// Everything that is wrong with the keys.
    pub(super) fn of(self, all: &[TrustRoot], place: &JsonPath) -> Result<Signers, Vec<Problem>> {
        let mut problems = Vec::new();
        let wanted = self.trust_root.as_deref().unwrap_or(DEFAULT);
        let required = self.required;
        let is_chosen = |root: &TrustRoot| match (&self.trust_roots, wanted) {
            (Some(names), _) => names.contains(&root.name),
            // Without a threshold, only the required ones are asked.
            (None, ALL) if self.threshold.is_none() && !required.is_empty() => required.contains(&root.name),
            (None, ALL) => true,
            (None, name) => root.name.0 == name,
        };
        let roots: Vec<TrustRoot> = all.iter().filter(|root| is_chosen(root)).cloned().collect();
        match &self.trust_roots {
            Some(names) => problems.extend(of_list(names, all, &place.key("trustRoots"))),
            None if roots.is_empty() && wanted != ALL => {
                let all = names(all);
                let what = match &self.trust_root {
                    Some(name) => Mistake::NoTrustRoot { name: TrustRootName(name.clone()), all },
                    None => Mistake::NoDefaultTrustRoot { all },
                };
                problems.push(Problem::new(place.key("trustRoot"), what));
            }
            None => {}
        }
        if self.trust_roots.is_some() && self.trust_root.is_some() {
            problems.push(Problem::new(place.key("trustRoots"), Mistake::TrustRootAndTrustRoots));
        }
        for (i, name) in required.iter().enumerate() {
            let mut wrong = |what| problems.push(Problem::new(place.key("required").index(i), what));
            if !roots.iter().any(|root| &root.name == name) {
                let asked = if roots.is_empty() { names(all) } else { names(&roots) };
                wrong(Mistake::NotAsked { name: name.clone(), asked });
            }
            if required.iter().take(i).any(|earlier| earlier == name) {
                wrong(Mistake::RequiredTwice(name.clone()));
            }
        }
        let threshold = self.threshold.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let mut wrong = |what| problems.push(Problem::new(place.key("threshold"), what));
        match threshold {
            Some(_) if self.trust_roots.is_none() && wanted != ALL => wrong(Mistake::ThresholdOfOne),
            Some(is) if !(1..=roots.len()).contains(&is) => wrong(Mistake::Threshold { is, most: roots.len() }),
            _ => {}
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Signers { threshold: threshold.unwrap_or(roots.len()), roots, required: set(required) })
    }
}

/// What is wrong with a list of trust roots.
fn of_list(list: &[TrustRootName], all: &[TrustRoot], place: &JsonPath) -> Vec<Problem> {
    if list.is_empty() {
        return vec![Problem::new(place.clone(), Mistake::Entries { length: 0, most: all.len() })];
    }
    let mistake = |(i, name): (usize, &TrustRootName)| {
        let what = match (all.iter().any(|root| root.name == *name), list.iter().take(i).any(|other| other == name)) {
            (false, _) => Mistake::NoTrustRoot { name: name.clone(), all: names(all) },
            (true, true) => Mistake::RequiredTwice(name.clone()),
            (true, false) => return None,
        };
        Some(Problem::new(place.index(i), what))
    };
    list.iter().enumerate().filter_map(mistake).collect()
}

fn names(roots: &[TrustRoot]) -> Vec<TrustRootName> {
    roots.iter().map(|root| root.name.clone()).collect()
}
