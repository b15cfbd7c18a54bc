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
        Budget, Holder, OtherAlgorithm, PublicKey, Requirement, Step, Tally, TrustRoot,
        budget::Unseen,
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
    /// No signature proves this trust root: this is the step that failed, and the expected identity if the step checks identities.
    Failed(Step, Option<String>),
    /// Signs with a certificate, and no signature has one.
    NoCertificate,
    /// Has no signer of its own: whoever signed counts for another one.
    Shared,
    /// Signed without these annotations (`key=value`), or with other values.
    Annotations(Vec<String>),
    /// Signed the image under this name, which the rule does not accept.
    Identity(String),
    /// Made a signature whose payload cannot be read here: other annotations, another name or another image. The rule asks for these annotations.
    OtherPayload(Vec<String>),
    /// May have: signatures of this kind of key cannot be told without the payload.
    Untold,
    /// Signed it with an algorithm that is not accepted.
    OtherAlgorithm(OtherAlgorithm),
    /// Made none of the signatures; this is the key's SHA-256.
    Stranger(Digest),
    /// Made none of the signatures with SHA-256. It may have signed an unknown payload with an algorithm that is not accepted.
    StrangerOrOtherAlgorithm(Digest),
    /// It was not looked at.
    Unseen(Unseen),
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
    let has_certificates = signatures.layers.iter().any(|layer| layer.certificate.is_some());
    let mut checks = 0;
    // Is another check allowed?
    let mut check = || {
        checks += 1;
        if checks > MAX_CHECKS { Err(Unseen::Checks) } else { budget.spare_time() }
    };
    let mut of_key = |key: &PublicKey| -> Result<Lack, Unseen> {
        let mut is_certain = true;
        for layer in &signatures.layers {
            let guess = guesses.get(&layer.payload);
            // Nobody who is missing made one over a payload that is accepted, in a way that is.
            let known = guess.map(|(payload, _)| payload).or_else(|| accepted.get(&layer.payload));
            check()?;
            match (known, guess) {
                (Some(payload), Some((_, lack))) if Evidence::new(layer, payload).is_signed_with(key) => {
                    return Ok(lack.clone());
                }
                (Some(payload), _) => {
                    check()?;
                    if let Some(algorithm) = key.signed_otherwise(payload.bytes(), &layer.signature) {
                        return Ok(Lack::OtherAlgorithm(algorithm));
                    }
                }
                (None, _) if key.signed(Message::Known(layer.payload), &layer.signature) => {
                    return Ok(Lack::OtherPayload(asked_for(missing.requirement)));
                }
                (None, _) => is_certain = false,
            }
        }
        Ok(match is_certain {
            true => Lack::Stranger(key.fingerprint()),
            false if key.signs_sha256_only() => Lack::StrangerOrOtherAlgorithm(key.fingerprint()),
            false => Lack::Untold,
        })
    };
    // Nobody who is missing made one over a payload that is accepted.
    let layers: Vec<&Layer> = signatures.layers.iter().filter(|layer| !accepted.contains_key(&layer.payload)).collect();
    let mut checks_of_holders = 0;
    let mut of_holder = |holder: &Holder, demands: Demands<'_>| {
        let mut furthest = None;
        for layer in layers.iter().filter(|layer| layer.certificate.is_some()) {
            checks_of_holders += 1;
            if checks_of_holders > MAX_CHECKS || budget.spare_time().is_err() {
                break;
            }
            match guesses.get(&layer.payload) {
                Some((payload, lack)) => match Evidence::new(layer, payload).proves(holder, demands) {
                    Ok(_) => return lack.clone(),
                    Err(step) => furthest = furthest.max(Some(step)),
                },
                None => match Leaf::read(layer.certificate.as_deref().unwrap_or_default()) {
                    Ok(leaf) if holder.holds(&leaf).is_ok() => return Lack::Untold,
                    Ok(leaf) => furthest = furthest.max(holder.holds(&leaf).err()),
                    Err(step) => furthest = furthest.max(Some(step)),
                },
            }
        }
        furthest.map_or(Lack::NoCertificate, |step| failed(step, Some(holder)))
    };
    let mut lack = |root: &TrustRoot| {
        let demands = missing.requirement.demands(root, missing.now);
        match (of_time(root, missing.now), missing.steps.get(root.name.as_str()), root.key(), demands) {
            (Some(lack), ..) => lack,
            (None, Some(step), _, demands) => failed(step.clone(), demands.map(|(holder, _)| holder)),
            (None, None, Some(key), _) => of_key(key).unwrap_or_else(Lack::Unseen),
            (None, None, None, Some((holder, demands))) if has_certificates => of_holder(holder, demands),
            (None, None, None, _) => Lack::NoCertificate,
        }
    };
    let explained = missing.roots.iter().take(MAX_EXPLAINED);
    let lacks = explained.map(|root| (root.name.clone(), lack(root)));
    lacks.chain(missing.tally.shared.iter().map(|root| (root.clone(), Lack::Shared))).take(MAX_EXPLAINED).collect()
}

/// A step that no signature passed, with whom the trust root names if it was about that.
fn failed(step: Step, holder: Option<&Holder>) -> Lack {
    let is_identity = matches!(step, Step::Identity(..) | Step::Repository(_) | Step::Reference(_));
    Lack::Failed(step, holder.filter(|_| is_identity).map(Holder::to_string))
}

/// The annotations that a rule asks for.
fn asked_for(requirement: &Requirement) -> Vec<String> {
    requirement.annotations.iter().map(|(key, value)| annotation(key, value)).collect()
}

/// An annotation as `cosign sign -a` takes it.
pub(super) fn annotation(key: &str, value: &str) -> String {
    format!("{key}={value}")
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
    let is_stranger =
        |(_, lack): &(String, Lack)| matches!(lack, Lack::Stranger(_) | Lack::StrangerOrOtherAlgorithm(_));
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
            guess(&name, &BTreeMap::new(), Lack::Annotations(asked_for(requirement)));
        }
        for (left_out, value) in asked {
            let others = asked.iter().filter(|(key, _)| *key != left_out);
            let others = others.map(|(key, value)| (key.clone(), value.clone())).collect();
            guess(&name, &others, Lack::Annotations(vec![annotation(left_out, value)]));
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
            Lack::Failed(step, _) => step.word(),
            Lack::NoCertificate => "no-certificate",
            Lack::Shared => "shared-signer",
            Lack::Annotations(_) => "annotations-differ",
            Lack::Identity(_) => "identity-differs",
            Lack::OtherPayload(_) => "other-payload",
            Lack::Untold => "untold",
            Lack::OtherAlgorithm(_) => "other-algorithm",
            Lack::Stranger(_) => "other-keys",
            Lack::StrangerOrOtherAlgorithm(_) => "other-keys-or-algorithm",
            Lack::Unseen(_) => "not-looked-at",
        }
    }

    /// What would make it pass.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Lack::NotYet(_) | Lack::NoLonger(_) => {
                "Have it signed by a trust root that counts now, or change notBefore and notAfter of this one"
            }
            Lack::Failed(step, _) => step.remedy(),
            Lack::Shared => "Have it signed by somebody else as well: one signer has one vote",
            Lack::NoCertificate => "Have it signed with a certificate (cosign sign, without --key)",
            Lack::Annotations(_) => "Have it signed with the annotations that the rule asks for (cosign sign -a …)",
            Lack::Identity(_) => {
                "Have it signed under an accepted name, or add `self`, which is this one, to the rule's identities"
            }
            Lack::OtherPayload(asked) if !asked.is_empty() => {
                "Sign this digest in its own repository with exactly the annotations that the rule asks for (cosign sign -a …), or name in the rule what was signed (`annotations`, `identities`)"
            }
            Lack::OtherPayload(_) | Lack::Untold => {
                "Sign this digest in its own repository without annotations, or name in the rule what was signed (`annotations`, `identities`)"
            }
            Lack::OtherAlgorithm(_) => {
                "Sign it with this key as cosign does by default: ECDSA P-256 or RSA PKCS #1 v1.5, with SHA-256"
            }
            Lack::Stranger(_) | Lack::Unseen(_) => MISSING,
            Lack::StrangerOrOtherAlgorithm(_) => {
                "Have the missing trust roots sign this digest; if they already did, have them sign again without annotations and with SHA-256 (RSA: PKCS #1 v1.5), as cosign does by default"
            }
        }
    }
}

/// What each of these did, in one sentence each; those who did nothing share one.
pub(super) fn write_all(f: &mut fmt::Formatter<'_>, lacks: &[(String, Lack)]) -> fmt::Result {
    let named = |root: &str, key: &Digest| format!("{} (key {})", Shown(root), short(*key));
    let strangers = lacks.iter().filter_map(|(root, lack)| match lack {
        Lack::Stranger(key) => Some((named(root, key), true)),
        Lack::StrangerOrOtherAlgorithm(key) => Some((named(root, key), false)),
        _ => None,
    });
    let (strangers, are_certain): (Vec<String>, Vec<bool>) = strangers.unzip();
    let mut sentences: Vec<String> = lacks.iter().filter_map(|(root, lack)| lack.sentence(root)).collect();
    if !strangers.is_empty() {
        let roots = if strangers.len() == 1 { "key of trust root" } else { "keys of trust roots" };
        let with = if are_certain.contains(&false) {
            " and SHA-256; whether another hash or scheme was used can't be told without the payload"
        } else {
            ""
        };
        sentences.push(format!("none verifies with the {roots} {}{with}", strangers.join(", ")));
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
            Lack::Failed(step, None) => Some(format!("none proves {root}: {step}")),
            Lack::Failed(step, Some(expected)) => Some(format!("none proves {root}: {step}; expected {expected}")),
            Lack::Shared => Some(format!("whoever signed for {root} counts for another one")),
            Lack::NoCertificate => Some(format!("{root} signs with a certificate, and none has one")),
            Lack::Annotations(unmet) => {
                Some(format!("{root} signed it without {}, which the rule asks for", quoted(unmet)))
            }
            Lack::Identity(name) => {
                Some(format!("{root} signed it as \"{}\", which is none of the rule's identities", Shown(name)))
            }
            Lack::OtherPayload(asked) => {
                let asks = match asked.is_empty() {
                    true => String::new(),
                    false => format!("; the rule asks for {}", quoted(asked)),
                };
                Some(format!(
                    "{root} signed a payload that the policy cannot reconstruct (other annotations, another name or another digest){asks}"
                ))
            }
            Lack::Untold => Some(format!(
                "{root} may have signed a payload that the policy cannot reconstruct (other annotations, another name or another digest)"
            )),
            Lack::OtherAlgorithm(algorithm) => {
                Some(format!("{root} signed it with {algorithm}, which the policy does not accept"))
            }
            Lack::Unseen(unseen) => Some(format!("they were not compared with {root}, because {unseen}")),
            Lack::Stranger(_) | Lack::StrangerOrOtherAlgorithm(_) => None,
        }
    }
}

/// Annotations, for a sentence.
fn quoted(annotations: &[String]) -> String {
    let quoted: Vec<String> = annotations.iter().map(|text| format!("\"{}\"", Shown(text))).collect();
    let noun = if quoted.len() == 1 { "the annotation" } else { "the annotations" };
    format!("{noun} {}", quoted.join(", "))
}
