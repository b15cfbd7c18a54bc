//! Which validators and trust roots does nobody ask, and which keys deserve a second look?

use std::collections::BTreeSet;

use super::{Finding, Lint, ReadRule};
use image_trust::{
    policy::{
        rule::{Decision, Policy},
        validator::Validator,
    },
    signing::PublicKey,
    text::Shown,
    verify::{CosignRequirement, TrustRoot, TrustRootName},
};

/// What is recommended for RSA beyond 2030 (NIST SP 800-57 part 1, revision 5, tables 2 and 4): 128 bits of strength.
const RSA_BITS: usize = 3072;

/// The keys of our own tests, which examples show too: the private half of each is the SHA-256 of its name, so anybody has it.
const OF_TESTS: [&str; 3] = [
    include_str!("../../../tests/keys/alice.pub"),
    include_str!("../../../tests/keys/bob.pub"),
    include_str!("../../../tests/keys/carol.pub"),
];

/// A trust root and where it stands.
pub(super) struct Root<'p> {
    /// The index of its validator, and that one's name.
    pub(super) validator: (usize, &'p str),
    pub(super) index: usize,
    pub(super) root: TrustRoot,
}

impl Root<'_> {
    pub(super) fn path(&self, rest: &str) -> String {
        format!("validators[{}].trustRoots[{}]{rest}", self.validator.0, self.index)
    }
}

/// `all_read`: no rule had to be left out. One that can't be read may name what seems to be unused.
pub(super) fn lint(policy: &Policy<'_>, rules: &[ReadRule<'_>], all_read: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let used: BTreeSet<usize> = rules.iter().map(|rule| rule.rule.validator_index()).collect();
    let asked: BTreeSet<(usize, &TrustRootName)> = rules.iter().flat_map(asked).collect();
    let roots = roots(policy);
    for (i, validator) in policy.settings().validators.iter().enumerate() {
        // Two of one name are refused, and which of them a rule means is not known.
        let is_first = policy.settings().validators.iter().take(i).all(|other| other.name.0 != validator.name.0);
        if all_read && is_first && !used.contains(&i) {
            let what = format!("no rule names `{}`", Shown(&validator.name.0));
            let instead = "remove it, or name it in a rule";
            found.push(Finding::new(format!("validators[{i}]"), Lint::UnusedValidator, what, instead));
        }
    }
    for (i, validator) in policy.settings().validators.iter().enumerate() {
        if validator.ask_host == Some(true) {
            let what = "whoever may push signatures chooses what the policy server downloads for them, one image at a time for all policies: \
                        it can stop answering";
            let instead = "leave it out, and sign without annotations or name them in the rule";
            found.push(Finding::new(format!("validators[{i}].askHost"), Lint::AsksHost, what, instead));
        }
    }
    for (i, root) in roots.iter().enumerate() {
        let name = &root.root.name;
        if all_read && used.contains(&root.validator.0) && !asked.contains(&(root.validator.0, name)) {
            let what = format!("no rule asks `{}`: its signatures count nowhere", Shown(&name.0));
            found.push(Finding::new(root.path(""), Lint::UnusedTrustRoot, what, "remove it, or ask it in a rule"));
        }
        if let Some(bits) = root.root.key().and_then(PublicKey::rsa_bits).filter(|bits| *bits < RSA_BITS) {
            let what = format!(
                "an RSA key of {bits} bits: {RSA_BITS} are recommended for signatures that have to last beyond 2030"
            );
            let instead = "sign with another key, ECDSA P-256 say";
            found.push(Finding::new(root.path(".key"), Lint::ShortRsaKey, what, instead));
        }
        // However it is encoded: a key is compared by what it is.
        if root.root.key().is_some_and(|key| OF_TESTS.iter().any(|known| PublicKey::parse(known).as_ref() == Ok(key))) {
            let what = format!(
                "the key of `{}` is a well-known test key: its private half is public, so anybody can sign with it",
                Shown(&name.0)
            );
            let instead = "write your own key, as `cosign generate-key-pair` puts it into cosign.pub";
            found.push(Finding::new(root.path(".key"), Lint::WellKnownTestKey, what, instead));
        }
        let has_other_name = |other: &&Root<'_>| {
            other.root.key().is_some() && other.root.key() == root.root.key() && other.root.name != *name
        };
        if let Some(other) = roots.iter().take(i).find(has_other_name) {
            let what = format!(
                "this key is called `{}` here and `{}` in validator `{}`: records give one signer two names, and who removes one of them \
                 may leave the other",
                Shown(&name.0),
                Shown(&other.root.name.0),
                Shown(other.validator.1)
            );
            found.push(Finding::new(root.path(".key"), Lint::KeyWithTwoNames, what, "give it one name"));
        }
    }
    let says_nothing = |rule: &&ReadRule<'_>| {
        let has_key = |requirement: &CosignRequirement| requirement.all_roots().any(|root| root.key().is_some());
        rule.cosign().is_some_and(has_key) && rule.with.verify_in_transparency_log.is_none()
    };
    if let count @ 1.. = rules.iter().filter(says_nothing).count() {
        let (wants, says) = if count == 1 { ("wants", "says") } else { ("want", "say") };
        let what = format!(
            "{count} of the rules {wants} signatures by keys and {says} nothing of a transparency log: none is asked for, where Connaisseur asks \
             for one by default"
        );
        let instead = "`verifyInTransparencyLog: true` in their `with` asks for one; `false` says that this is known, where all whom a rule asks have keys";
        found.push(Finding::new("policy", Lint::NoTransparencyLog, what, instead));
    }
    found
}

/// The trust roots that a rule asks, each with the index of its validator.
pub(super) fn asked<'r>(rule: &'r ReadRule<'_>) -> Vec<(usize, &'r TrustRootName)> {
    match &rule.decision {
        Decision::Prove { requirement, .. } => {
            requirement.all_roots().map(|root| (rule.rule.validator_index(), &root.name)).collect()
        }
        Decision::Allow | Decision::Deny => Vec::new(),
    }
}

/// The trust roots of all validators that can be read.
pub(super) fn roots<'p>(policy: &'p Policy<'_>) -> Vec<Root<'p>> {
    let mut roots = Vec::new();
    for (i, validator) in policy.settings().validators.iter().enumerate() {
        if let Ok(read) = Validator::read((i, validator)) {
            let root = |(index, root): (usize, &TrustRoot)| Root {
                validator: (i, &*validator.name.0),
                index,
                root: root.clone(),
            };
            roots.extend(read.roots().iter().enumerate().map(root));
        }
    }
    roots
}
