//! What did a trust root do, if it did not sign as it had to?
//!
//! Payloads that were not asked for, but are likely, are written again and tried. What was signed over an unknown payload can still be told to be of a
//! key: the manifest names the payload's SHA-256, and that is what most keys sign.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{MAX_EXPLAINED, MISSING, Missing};
use crate::{
    image::{Digest, ImageRef},
    period::Moment,
    proof::{
        Budget, Holder, PublicKey, Requirement, Step, Tally, TrustRoot,
        signature::{Message, possible_makers},
        sigstore::{Demands, Evidence, Layer, Leaf, Payload, Signatures, repository_name},
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
    /// Signed as a trust root that does not count yet.
    NotYet(Duration),
    /// Signed as one that does not count any more.
    NoLonger(Duration),
    /// Made none of the signatures, as far as they came: this step none passed.
    Failed(Step),
    /// Signs with a certificate, and no signature has one.
    NoCertificate,
    /// Has no signer of its own: whoever signed counts for another one.
    Shared,
    /// Signed without these annotations, or with other values.
    Annotations(Vec<String>),
    /// Signed the image under this name, which the rule does not accept.
    Identity(String),
    /// Made a signature whose payload cannot be read here: other annotations, another name or another image.
    OtherPayload,
    /// May have: signatures of this kind of key cannot be told without the payload.
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
    // Nobody who is missing made one over a payload that is accepted.
    let layers: Vec<&Layer> = signatures.layers.iter().filter(|layer| !accepted.contains_key(&layer.payload)).collect();
    let has_certificates = signatures.layers.iter().any(|layer| layer.certificate.is_some());
    let mut checks = 0;
    // Is there time for another check?
    let mut may_check = || {
        checks += 1;
        checks <= MAX_CHECKS && budget.has_time_to_spare()
    };
    let mut of_key = |key: &PublicKey| {
        let mut is_certain = true;
        for layer in &layers {
            match guesses.get(&layer.payload) {
                Some((payload, lack)) if may_check().then(|| Evidence::new(layer, payload).is_signed_with(key))? => {
                    return Some(lack.clone());
                }
                None if may_check().then(|| key.signed(Message::Known(layer.payload), &layer.signature))? => {
                    return Some(Lack::OtherPayload);
                }
                None => is_certain &= key.signs_sha256_only(),
                Some(_) => {}
            }
        }
        Some(if is_certain { Lack::Stranger(key.fingerprint()) } else { Lack::Untold })
    };
    let mut checks_of_holders = 0;
    let mut of_holder = |holder: &Holder, demands: Demands<'_>| {
        let mut furthest = None;
        for layer in layers.iter().filter(|layer| layer.certificate.is_some()) {
            checks_of_holders += 1;
            if checks_of_holders > MAX_CHECKS || !budget.has_time_to_spare() {
                break;
            }
            match guesses.get(&layer.payload) {
                Some((payload, lack)) => match Evidence::new(layer, payload).proves(holder, demands) {
                    Ok(_) => return Some(lack.clone()),
                    Err(step) => furthest = furthest.max(Some(step)),
                },
                None => match Leaf::read(layer.certificate.as_deref().unwrap_or_default()) {
                    Ok(leaf) if holder.holds(&leaf).is_ok() => return Some(Lack::Untold),
                    Ok(leaf) => furthest = furthest.max(holder.holds(&leaf).err()),
                    Err(step) => furthest = furthest.max(Some(step)),
                },
            }
        }
        Some(furthest.map_or(Lack::NoCertificate, Lack::Failed))
    };
    let mut lack = |root: &TrustRoot| match (of_time(root, missing.now), missing.steps.get(root.name.as_str())) {
        (Some(lack), _) => Some(lack),
        (None, Some(step)) => Some(Lack::Failed(step.clone())),
        (None, None) => match (root.key(), missing.requirement.demands(root, missing.now)) {
            (Some(key), _) => of_key(key),
            (None, Some((holder, demands))) if has_certificates => of_holder(holder, demands),
            (None, _) => Some(Lack::NoCertificate),
        },
    };
    let explained = missing.roots.iter().take(MAX_EXPLAINED);
    let lacks = explained.filter_map(|root| lack(root).map(|lack| (root.name.clone(), lack)));
    lacks.chain(missing.tally.shared.iter().map(|root| (root.clone(), Lack::Shared))).take(MAX_EXPLAINED).collect()
}

/// Those who do not count at this time.
pub(in crate::proof) fn not_now(roots: &[&TrustRoot], now: Duration) -> Vec<(String, Lack)> {
    let of_time = |root: &&TrustRoot| Some((root.name.clone(), of_time(root, now)?));
    roots.iter().filter_map(of_time).take(MAX_EXPLAINED).collect()
}

/// Why a trust root does not count at this time, if so.
fn of_time(root: &TrustRoot, now: Duration) -> Option<Lack> {
    match (root.period.start, root.period.end) {
        (Some(start), _) if now < start => Some(Lack::NotYet(start)),
        (_, Some(end)) if end < now => Some(Lack::NoLonger(end)),
        _ => None,
    }
}

/// Which keys may have made the first of these signatures, where it is certain that nobody who is asked made any.
pub(super) fn makers(signatures: &Signatures, tally: &Tally, lacks: &[(String, Lack)]) -> Option<[Digest; 2]> {
    let is_stranger = |(_, lack): &(String, Lack)| matches!(lack, Lack::Stranger(_));
    let first = signatures.layers.iter().find(|layer| layer.certificate.is_none())?;
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
            Lack::NotYet(_) | Lack::NoLonger(_) => "not-now",
            Lack::Failed(step) => step.word(),
            Lack::NoCertificate => "no-certificate",
            Lack::Shared => "shared-signer",
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
            Lack::NotYet(_) | Lack::NoLonger(_) => {
                "Have it signed by a trust root that counts now, or change notBefore and notAfter of this one"
            }
            Lack::Failed(step) => step.remedy(),
            Lack::Shared => "Have it signed by somebody else as well: one signer has one vote",
            Lack::NoCertificate => "Have it signed with a certificate (cosign sign, without --key)",
            Lack::Annotations(_) => "Have it signed with the annotations that the rule asks for (cosign sign -a …)",
            Lack::Identity(_) => {
                "Have it signed under an accepted name, or add `self`, which is this one, to the rule's identities"
            }
            Lack::OtherPayload | Lack::Untold => {
                "Sign this digest in its own repository without annotations, or name in the rule what was signed (`annotations`, `identities`)"
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
            Lack::NotYet(start) => Some(format!("{root} does not count before {}", Moment(*start))),
            Lack::NoLonger(end) => Some(format!("{root} does not count after {}", Moment(*end))),
            Lack::Failed(step) => Some(format!("none proves {root}: {step}")),
            Lack::Shared => Some(format!("whoever signed for {root} counts for another one")),
            Lack::NoCertificate => Some(format!("{root} signs with a certificate, and none has one")),
            Lack::Annotations(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| Shown(key).to_string()).collect();
                Some(format!("{root} signed it without the right annotations ({})", keys.join(", ")))
            }
            Lack::Identity(name) => {
                Some(format!("{root} signed it as \"{}\", which is none of the rule's identities", Shown(name)))
            }
            Lack::OtherPayload => Some(format!(
                "{root} signed a payload that the policy cannot reconstruct (other annotations, another name or another digest)"
            )),
            Lack::Untold => Some(format!(
                "{root} may have signed a payload that the policy cannot reconstruct (other annotations, another name or another digest)"
            )),
            Lack::Stranger(_) => None,
        }
    }
}
