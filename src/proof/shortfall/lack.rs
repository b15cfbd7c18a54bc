//! What did a trust root do, if it did not sign as it had to?
//!
//! Payloads that were not asked for, but are likely, are written again and tried. What was signed over an unknown payload can still be told to be of a
//! key: the manifest names the payload's SHA-256, and that is what most keys sign.

use std::{collections::BTreeMap, fmt};

use super::{MAX_EXPLAINED, MISSING, Missing};
use crate::{
    host::Cause,
    image::{Digest, ImageRef},
    proof::{
        Budget, Requirement, TrustRoot,
        signature::Message,
        sigstore::{Payload, Signatures, repository_name},
    },
    shown::Shown,
};

/// Most signatures that are checked to explain a no.
const MAX_CHECKS: usize = 32;

/// What somebody who is missing did instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// Signed without these annotations, or with other values.
    Annotations(Vec<String>),
    /// Signed the image under this name, which the rule does not accept.
    Identity(String),
    /// Signed another image.
    OtherImage,
    /// Signed something that can't be written again: another image, name or annotations.
    OtherPayload,
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
    let guesses = guesses(missing.image, missing.requirement, digest);
    let mut checks = 0;
    let mut try_one = |root: &TrustRoot, message: Message<'_>, signature: &[u8]| {
        checks += 1;
        (checks <= MAX_CHECKS && !budget.is_spent()).then(|| root.key.signed(message, signature))
    };
    let mut lack = |root: &TrustRoot| {
        for layer in &signatures.layers {
            match guesses.get(&layer.payload) {
                Some((payload, lack)) if try_one(root, Message::Bytes(payload.bytes()), &layer.signature)? => {
                    return Some(lack.clone());
                }
                None if try_one(root, Message::Known(layer.payload), &layer.signature)? => {
                    let elsewhere = missing.said == Some(Cause::Elsewhere);
                    return Some(if elsewhere { Lack::OtherImage } else { Lack::OtherPayload });
                }
                Some(_) | None => {}
            }
        }
        Some(Lack::Stranger(root.key.fingerprint()))
    };
    let explained = missing.roots.iter().take(MAX_EXPLAINED);
    explained.filter_map(|root| lack(root).map(|lack| (root.name.clone(), lack))).collect()
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
    for name in requirement.names(image) {
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
            Lack::OtherImage => "not-for-this-image",
            Lack::OtherPayload => "other-payload",
            Lack::Stranger(_) => "other-keys",
        }
    }

    /// What would make it pass.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Lack::Annotations(_) => "Have it signed with the annotations that the rule asks for (cosign sign -a …)",
            Lack::Identity(_) => "Have it signed under an accepted name, or add this one to the rule's identities",
            Lack::OtherImage | Lack::OtherPayload => {
                "Have this very image signed, in its own repository and with just the annotations that the rule asks for"
            }
            Lack::Stranger(_) => MISSING,
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Annotations(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| Shown(key).to_string()).collect();
                write!(f, "signed it without the right annotations ({})", keys.join(", "))
            }
            Lack::Identity(name) => {
                write!(f, "signed it as \"{}\", which is none of the rule's identities", Shown(name))
            }
            Lack::OtherImage => f.write_str("signed another image than this one"),
            Lack::OtherPayload => f.write_str("signed another digest, name or annotations than those asked for"),
            Lack::Stranger(key) => {
                let key: String = key.to_string().chars().take("sha256:".len() + 16).collect();
                write!(f, "(key {key}…) made none of them")
            }
        }
    }
}
