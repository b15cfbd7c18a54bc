//! What did a trust root do, if it did not sign as it had to?
//!
//! Payloads that were not asked for, but are likely, are written again and tried. What was signed over an unknown payload can still be told to be of a
//! key: the manifest names the payload's SHA-256, and that is what most keys sign.

use std::{collections::BTreeMap, fmt};

use super::{MAX_EXPLAINED, MISSING, Missing};
use crate::{
    image::{Digest, ImageRef},
    proof::{
        Budget, Requirement, Tally, TrustRoot,
        signature::{Message, possible_makers},
        sigstore::{Payload, Signatures, repository_name},
    },
    shown::Shown,
};

/// Most signatures that are checked to explain a no.
const MAX_CHECKS: usize = 100;

/// Most accepted names under which mistakes are looked for.
const MAX_GUESSED: usize = 4;

/// What somebody who is missing did instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// Signed without these annotations, or with other values.
    Annotations(Vec<String>),
    /// Signed the image under this name, which the rule does not accept.
    Identity(String),
    /// Signed something that can't be written again: another image, name or annotations.
    OtherPayload,
    /// May have: signatures of this kind of key can't be told without the payload.
    Untold,
    /// Made none of the signatures; this is the key's SHA-256.
    Stranger(Digest),
}

/// What those who are missing did, as far as it can be told before the time is up.
pub(super) fn of(
    missing: &Missing<'_>,
    signatures: &Signatures,
    digest: Digest,
    budget: &Budget<'_>,
) -> Vec<(String, Lack)> {
    let accepted = missing.requirement.payloads(missing.image, digest);
    let guesses = guesses(missing.image, missing.requirement, digest);
    let mut checks = 0;
    let mut try_one = |root: &TrustRoot, message: Message<'_>, signature: &[u8]| {
        checks += 1;
        (checks <= MAX_CHECKS && budget.has_time_to_spare()).then(|| root.key.signed(message, signature))
    };
    let mut lack = |root: &TrustRoot| {
        let mut is_certain = true;
        // Nobody who is missing made one over a payload that is accepted.
        for layer in signatures.layers.iter().filter(|layer| !accepted.contains_key(&layer.payload)) {
            match guesses.get(&layer.payload) {
                Some((payload, lack)) if try_one(root, Message::Bytes(payload.bytes()), &layer.signature)? => {
                    return Some(lack.clone());
                }
                None if try_one(root, Message::Known(layer.payload), &layer.signature)? => {
                    return Some(Lack::OtherPayload);
                }
                None => is_certain &= root.key.signs_sha256_only(),
                Some(_) => {}
            }
        }
        Some(if is_certain { Lack::Stranger(root.key.fingerprint()) } else { Lack::Untold })
    };
    let explained = missing.roots.iter().take(MAX_EXPLAINED);
    explained.filter_map(|root| lack(root).map(|lack| (root.name.clone(), lack))).collect()
}

/// Which keys may have made the first of these signatures, where it is certain that nobody who is asked made any.
pub(super) fn makers(signatures: &Signatures, tally: &Tally, lacks: &[(String, Lack)]) -> Option<[Digest; 2]> {
    let is_stranger = |(_, lack): &(String, Lack)| matches!(lack, Lack::Stranger(_));
    let first = signatures.layers.iter().find(|layer| !layer.has_certificate)?;
    let are_strangers = lacks.len() == tally.roots && lacks.iter().all(is_stranger);
    are_strangers.then(|| possible_makers(first.payload, &first.signature)).flatten()
}

/// Payloads that somebody may have signed by mistake, by their digest, and what the mistake would be.
pub(in crate::proof) fn guesses(
    image: &ImageRef,
    requirement: &Requirement,
    digest: Digest,
) -> BTreeMap<Digest, (Payload, Lack)> {
    let asked = &requirement.annotations;
    let mut guesses = BTreeMap::new();
    let mut guess = |name: &str, annotations: &BTreeMap<String, String>, lack: Lack| {
        let payload = Payload::new(name, digest, annotations);
        guesses.entry(payload.digest()).or_insert((payload, lack));
    };
    for name in requirement.names(image).take(MAX_GUESSED) {
        if !asked.is_empty() {
            guess(&name, &BTreeMap::new(), Lack::Annotations(asked.keys().cloned().collect()));
        }
        for left_out in asked.keys() {
            let others = asked.iter().filter(|(key, _)| *key != left_out);
            let others = others.map(|(key, value)| (key.clone(), value.clone())).collect();
            guess(&name, &others, Lack::Annotations(vec![left_out.clone()]));
        }
    }
    let itself = repository_name(image);
    guess(&itself, asked, Lack::Identity(itself.clone()));
    guesses
}

impl Lack {
    /// What it is, as one stable word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Lack::Annotations(_) => "annotations-differ",
            Lack::Identity(_) => "identity-differs",
            Lack::OtherPayload => "other-payload",
            Lack::Untold => "untold",
            Lack::Stranger(_) => "other-keys",
        }
    }

    /// What would make it pass.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Lack::Annotations(_) => "Have it signed with the annotations that the rule asks for (cosign sign -a …)",
            Lack::Identity(_) => {
                "Have it signed under an accepted name, or add `self`, which is this one, to the rule's identities"
            }
            Lack::OtherPayload | Lack::Untold => {
                "Have this very image signed, in its own repository and with just the annotations that the rule asks for"
            }
            Lack::Stranger(_) => MISSING,
        }
    }
}

/// What each of these did, in one sentence each; those who did nothing share one.
pub(super) fn write_all(f: &mut fmt::Formatter<'_>, lacks: &[(String, Lack)]) -> fmt::Result {
    let strangers = lacks.iter().filter_map(|(root, lack)| match lack {
        Lack::Stranger(key) => Some(format!("{} (key {})", Shown(root), short(*key))),
        _ => None,
    });
    let strangers: Vec<String> = strangers.collect();
    let mut sentences: Vec<String> = lacks.iter().filter_map(|(root, lack)| lack.sentence(root)).collect();
    if !strangers.is_empty() {
        let roots = if strangers.len() == 1 { "key of trust root" } else { "keys of trust roots" };
        sentences.push(format!("none verifies with the {roots} {}", strangers.join(", ")));
    }
    match sentences.is_empty() {
        true => f.write_str(", and none that proves it"),
        false => write!(f, ": {}", sentences.join(", ")),
    }
}

/// As much of a fingerprint as tells keys apart.
pub(super) fn short(key: Digest) -> String {
    let text: String = key.to_string().chars().take("sha256:".len() + 16).collect();
    text + "…"
}

impl Lack {
    /// What `root` did; nothing of one who did nothing.
    fn sentence(&self, root: &str) -> Option<String> {
        let root = format!("trust root {}", Shown(root));
        match self {
            Lack::Annotations(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| Shown(key).to_string()).collect();
                Some(format!("{root} signed it without the right annotations ({})", keys.join(", ")))
            }
            Lack::Identity(name) => {
                Some(format!("{root} signed it as \"{}\", which is none of the rule's identities", Shown(name)))
            }
            Lack::OtherPayload => {
                Some(format!("{root} signed another digest, name or annotations than those asked for"))
            }
            Lack::Untold => {
                Some(format!("{root} may have signed another digest, name or annotations than those asked for"))
            }
            Lack::Stranger(_) => None,
        }
    }
}
