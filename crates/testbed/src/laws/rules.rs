//! Which settings could a review have, and what do they say of a world?
//!
//! The rules come from a list in which every pattern that matches what another one matches comes behind it if it is the more specific one. So what decides about
//! an image is told here by looking from the end, and not by the code that is tested.

use serde_json::{Map, Value, json};

use super::{
    Choices,
    images::{Image, REPOSITORIES, pointed_to},
    world::{World, trust_roots},
};

const PATTERNS: [&str; 9] = [
    "*:*",
    "ghcr.io/*",
    "ghcr.io/acme/*",
    "ghcr.io/acme/app",
    "ghcr.io/acme/app@sha256:*",
    "ghcr.io/acme/app:v1",
    "docker.io/*",
    "docker.io/library/*:*",
    "free.io/*",
];

fn matches(pattern: usize, image: &Image) -> bool {
    let Some(name) = image.repository.map(|repository| REPOSITORIES[repository]) else { return false };
    match pattern {
        0 => true,
        1 => name.starts_with("ghcr.io/"),
        2 => name.starts_with("ghcr.io/acme/"),
        3 => name == "ghcr.io/acme/app",
        4 => name == "ghcr.io/acme/app" && image.digest.is_some(),
        5 => name == "ghcr.io/acme/app" && image.tag == Some("v1"),
        6 => name.starts_with("docker.io/"),
        7 => name.starts_with("docker.io/library/"),
        _ => name.starts_with("free.io/"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
    Prove(With),
}

/// The requirements of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct With {
    who: usize,
    annotated: bool,
    itself: bool,
    pub mode: usize,
}

pub const MODES: [&str; 3] = ["mutate", "mutatePodsOnly", "insecureValidateOnly"];

/// The signers that a rule asks for, as settings.
fn who(who: usize) -> Value {
    match who {
        0 => json!({"trustRoot": "alice"}),
        1 => json!({"trustRoot": "*"}),
        2 => json!({"trustRoot": "*", "threshold": 1}),
        3 => json!({"trustRoot": "*", "required": ["bob"]}),
        4 => json!({"trustRoot": "bob"}),
        _ => json!({"trustRoot": "*", "threshold": 1, "required": ["alice"]}),
    }
}

/// Whether the signatures of these signers are enough for a rule.
fn is_enough(who: usize, alice: bool, bob: bool) -> bool {
    match who {
        0 | 5 => alice,
        1 => alice && bob,
        2 => alice || bob,
        _ => bob,
    }
}

/// The features, which apply to every rule.
#[derive(Debug)]
pub struct Features {
    pub detection: bool,
    pub mutation: bool,
    /// Whether owners approve; how young they have to be, and whether only what has a digest is approved.
    pub child: Option<(Option<u64>, bool)>,
    pub unchanged: bool,
    pub pods_only: bool,
    pub resolve: bool,
    pub reuse: bool,
}

#[derive(Debug)]
pub struct Rules {
    rules: Vec<(usize, Decision)>,
    bob_is_over: bool,
    pub features: Features,
}

impl Rules {
    pub fn chosen(choices: &mut Choices<'_>) -> Rules {
        let mut rules = Vec::new();
        for pattern in 0..PATTERNS.len() {
            let is_there = if pattern == 0 { !choices.once_in(8) } else { choices.once_in(3) };
            let decision = match choices.below(6) {
                1 | 3 => Decision::Allow,
                2 => Decision::Deny,
                _ => Decision::Prove(With {
                    who: choices.below(6),
                    annotated: choices.once_in(5),
                    itself: choices.once_in(5),
                    mode: *choices.one(&[0, 0, 0, 1, 2]),
                }),
            };
            rules.extend(is_there.then_some((pattern, decision)));
        }
        if rules.is_empty() {
            rules.push((8, Decision::Allow));
        }
        let features = Features {
            detection: choices.once_in(8),
            mutation: !choices.once_in(8),
            child: *choices.one(&[
                Some((None, false)),
                None,
                Some((Some(60), false)),
                Some((None, true)),
                Some((Some(200), true)),
            ]),
            unchanged: choices.once_in(4),
            pods_only: choices.once_in(8),
            resolve: choices.once_in(4),
            reuse: choices.once_in(4),
        };
        Rules { rules, bob_is_over: choices.once_in(8), features }
    }

    pub fn settings(&self) -> Value {
        let Features { detection, mutation, child, unchanged, pods_only, resolve, reuse } = self.features;
        let rule = |(pattern, decision): &(usize, Decision)| {
            let pattern = PATTERNS[*pattern];
            let With { who: by, annotated, itself, mode } = match decision {
                Decision::Allow => return json!({"pattern": pattern, "validator": "allow"}),
                Decision::Deny => return json!({"pattern": pattern, "validator": "deny"}),
                Decision::Prove(with) => *with,
            };
            let mut with = who(by);
            with["mode"] = MODES[mode].into();
            if annotated {
                with["annotations"] = json!({"env": "prod"});
            }
            if itself {
                with["identities"] = json!(["self"]);
            }
            json!({"pattern": pattern, "with": with})
        };
        let child = match child {
            None => false.into(),
            Some((None, true)) => true.into(),
            Some((ttl, digest)) => {
                let mut narrowed = Map::from_iter([("requireDigest".to_owned(), digest.into())]);
                narrowed.extend(ttl.map(|ttl| ("ttl".to_owned(), ttl.into())));
                Value::Object(narrowed)
            }
        };
        json!({
            "validators": [
                {"name": "default", "type": "cosign", "trustRoots": trust_roots(self.bob_is_over)},
                {"name": "allow", "type": "static", "approve": true},
                {"name": "deny", "type": "static", "approve": false},
            ],
            "policy": self.rules.iter().map(rule).collect::<Vec<_>>(),
            "features": {
                "detectionMode": detection, "mutation": mutation, "automaticChildApproval": child,
                "automaticUnchangedApproval": unchanged, "resourceValidationMode": if pods_only { "podsOnly" } else { "all" },
                "gitops": {"resolve": resolve, "dryRun": if reuse { "reuse" } else { "verify" }},
            },
        })
    }

    /// The decision of the rule that decides about an image.
    pub fn decision(&self, image: &Image) -> Option<Decision> {
        let decides = |(pattern, decision): &&(usize, Decision)| {
            // Beside a digest a tag is a claim, and nothing is allowed for a claim.
            let is_claim = *pattern == 5 && *decision == Decision::Allow && image.digest.is_some();
            matches(*pattern, image) && !is_claim
        };
        self.rules.iter().rev().find(decides).map(|(_, decision)| *decision)
    }

    /// May this image run as far as anybody could tell? For certain it may if that is told without the host's word.
    pub fn may_run(&self, image: &Image, world: &World<'_>, for_certain: bool) -> bool {
        let Some(decision) = self.decision(image) else { return false };
        match (decision, image.digest, image.tag) {
            (Decision::Allow, ..) => true,
            (Decision::Deny, ..) => false,
            (Decision::Prove(with), Some(digest), _) => self.is_proven(&with, image, digest, world, for_certain),
            (Decision::Prove(_), None, Some(tag)) if for_certain => self.may_be(image, pointed_to(tag), world, true),
            (Decision::Prove(_), ..) => (0..3).any(|digest| self.may_be(image, digest, world, false)),
        }
    }

    /// May this image be pinned to this digest, by the rule for it as it is, and by the one for it as it will be?
    pub fn may_be(&self, image: &Image, digest: usize, world: &World<'_>, for_certain: bool) -> bool {
        let Some(Decision::Prove(with)) = self.decision(image) else { return false };
        let pinned = image.pinned(digest);
        let later = match self.decision(&pinned) {
            Some(Decision::Allow) => true,
            Some(Decision::Prove(with)) => self.is_proven(&with, &pinned, digest, world, for_certain),
            Some(Decision::Deny) | None => false,
        };
        later && self.is_proven(&with, image, digest, world, for_certain)
    }

    fn is_proven(&self, with: &With, image: &Image, digest: usize, world: &World<'_>, for_certain: bool) -> bool {
        let Some(repository) = image.repository else { return false };
        let signed = |digest| {
            let by = |signer| {
                let vouched = !for_certain && !with.itself && world.is_vouched_for(repository, digest, signer);
                vouched || world.is_signed(repository, digest, signer, with.annotated)
            };
            is_enough(with.who, by(0), by(1) && !self.bob_is_over)
        };
        let index = image.digest.and_then(|digest| world.index_of(repository, image.tag, digest));
        signed(digest) || index.is_some_and(signed)
    }
}
