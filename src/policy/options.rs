//! What do the options of a rule (`with`) ask of its validator?

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Mistake, Problem, attestation,
    settings::{self, Action, AttestationSetting, Kind, LevelName, Overrides, VerifyTimestamp, With},
    signers::Wanted,
    validator::{CosignValidator, NotaryValidator, NotationValidator, TrustedRootParts, Validator},
};
use crate::{
    evidence::{
        notary_v1::Role,
        notation::{Enforcement, NotationTerms, VerificationLevel},
    },
    json::JsonPath,
    ordered::set,
    verify::{
        CosignRequirement, CosignTerms, ImageName, NotaryRequirement, NotationRequirement, Requirement, TrustRoot,
        TrustRootKind, TrustRootName,
    },
};

/// Most annotations asked for by one rule.
pub(super) const MAX_ANNOTATIONS: usize = 32;
/// Longest text that a signature may have to carry, in bytes: each is put into payloads, of which there are many.
const MAX_SIGNED: usize = 512;
/// Most names under which an image may have been signed.
pub(super) const MAX_IDENTITIES: usize = 32;
/// Most delegations that one rule asks for.
const MAX_DELEGATIONS: usize = 16;
/// The image's own repository, in `identities`.
const ITSELF: &str = "self";

/// What these options require of a validator that proves something. `written` is the validator as the settings have it, with its index, and `says` what was read of it.
///
/// # Errors
/// Everything that is wrong with the options.
pub(super) fn requirement(
    written: (usize, &settings::Validator<'_>),
    says: &Validator,
    with: With<'_>,
    place: &JsonPath,
) -> Result<Requirement, Vec<Problem>> {
    match says {
        Validator::Static(_) => Err(vec![Problem::new(place.clone(), Mistake::StaticOptions)]),
        Validator::Cosign(signers) => cosign(written, signers, with, place).map(Requirement::Cosign),
        Validator::Notation(validator) => notation(validator, with, place).map(Requirement::Notation),
        Validator::NotaryV1(validator) => notary_v1(validator, with, place).map(Requirement::NotaryV1),
    }
}

/// The problems of options that a rule of this type does not have.
fn of_others(with: &With<'_>, kind: Kind, place: &JsonPath) -> Vec<Problem> {
    use Kind::{Cosign, NotaryV1, Notation};
    let options: [(&'static str, bool, &[Kind]); 10] = [
        ("annotations", with.annotations.is_some(), &[Cosign, Notation]),
        ("identities", with.identities.is_some(), &[Cosign]),
        ("verifyInTransparencyLog", with.verify_in_transparency_log.is_some(), &[Cosign]),
        ("verifySCT", with.verify_sct.is_some(), &[Cosign]),
        ("attestations", with.attestations.is_some(), &[Cosign]),
        ("signature", with.signature.is_some(), &[Cosign]),
        ("verificationLevel", with.verification_level.is_some(), &[Notation]),
        ("verifyTimestamp", with.verify_timestamp.is_some(), &[Notation]),
        ("overrides", with.overrides.is_some(), &[Notation]),
        ("delegations", with.delegations.is_some(), &[NotaryV1]),
    ];
    let others = options.into_iter().filter(|(_, is_there, kinds)| *is_there && !kinds.contains(&kind));
    others.map(|(key, ..)| Problem::new(place.key(key), Mistake::OfOtherType { kind, key })).collect()
}

/// What a rule of a notaryv1 validator requires.
fn notary_v1(validator: &NotaryValidator, with: With<'_>, place: &JsonPath) -> Result<NotaryRequirement, Vec<Problem>> {
    let mut problems = of_others(&with, Kind::NotaryV1, place);
    let mut delegations: Vec<String> = Vec::new();
    let written = with.delegations.unwrap_or_default();
    if written.len() > MAX_DELEGATIONS {
        let what = Mistake::Entries { length: written.len(), most: MAX_DELEGATIONS };
        problems.push(Problem::new(place.key("delegations"), what));
    }
    for (at, written) in written.iter().enumerate() {
        let name = written.strip_prefix("targets/").unwrap_or(written).to_owned();
        let mistake = match Role::delegation(&name) {
            None => Mistake::Delegation(written.clone()),
            Some(_) if delegations.contains(&name) => Mistake::DelegationTwice(name),
            Some(_) => {
                delegations.push(name);
                continue;
            }
        };
        problems.push(Problem::new(place.key("delegations").index(at), mistake));
    }
    let signers = wanted(with.trust_root, with.threshold, with.required).of(&validator.roots, place);
    if let Ok(signers) = &signers {
        let guns: BTreeSet<Option<&str>> = set(signers.roots.iter().filter_map(|root| match &root.kind {
            TrustRootKind::NotaryV1(key) => Some(key.gun.as_deref()),
            _ => None,
        }));
        if guns.len() > 1 {
            problems.push(Problem::new(place.key("trustRoot"), Mistake::SeveralGuns));
        }
    }
    match signers {
        Ok(signers) if problems.is_empty() => {
            let NotaryValidator { repository, server, .. } = validator;
            Ok(NotaryRequirement { signers, delegations, repository: repository.clone(), server: server.clone() })
        }
        Ok(_) => Err(problems),
        Err(wrong) => Err([problems, wrong].concat()),
    }
}

/// What a rule of a notation validator requires.
fn notation(
    validator: &NotationValidator,
    with: With<'_>,
    place: &JsonPath,
) -> Result<NotationRequirement, Vec<Problem>> {
    let mut problems = of_others(&with, Kind::Notation, place);
    let signers = wanted(with.trust_root, with.threshold, with.required).of(&validator.roots, place);
    let mut level = match with.verification_level.unwrap_or_default() {
        LevelName::Strict => VerificationLevel::STRICT,
        LevelName::Permissive => VerificationLevel::PERMISSIVE,
        LevelName::Audit => VerificationLevel::AUDIT,
    };
    let enforcement = |action: Action| match action {
        Action::Enforce => Enforcement::Enforce,
        Action::Log => Enforcement::Log,
        Action::Skip => Enforcement::Skip,
    };
    if let Some(Overrides { revocation, expiry }) = with.overrides {
        level.revocation = revocation.map_or(level.revocation, enforcement);
        level.expiry = expiry.map_or(level.expiry, enforcement);
        if level.expiry == Enforcement::Skip {
            problems.push(Problem::new(place.key("overrides").key("expiry"), Mistake::SkippedExpiry));
        }
    }
    let annotations = with.annotations.unwrap_or_default();
    problems.extend(of_annotations(&annotations, place));
    match signers {
        Ok(signers) if problems.is_empty() => {
            let timestamp_after_expiry = with.verify_timestamp == Some(VerifyTimestamp::AfterCertExpiry);
            let terms = NotationTerms { level, timestamp_after_expiry, annotations };
            Ok(NotationRequirement { signers, terms, repository: validator.repository.clone() })
        }
        Ok(_) => Err(problems),
        Err(wrong) => Err([problems, wrong].concat()),
    }
}

/// The problems of annotations that every signature has to carry.
fn of_annotations(annotations: &BTreeMap<String, String>, place: &JsonPath) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |what| problems.push(Problem::new(place.key("annotations"), what));
    if annotations.len() > MAX_ANNOTATIONS {
        wrong(Mistake::Entries { length: annotations.len(), most: MAX_ANNOTATIONS });
    }
    if let Some(text) = annotations.iter().flat_map(|(key, value)| [key, value]).find(|text| text.len() > MAX_SIGNED) {
        wrong(Mistake::TooLong { length: text.len(), most: MAX_SIGNED });
    }
    problems
}

fn wanted(trust_root: Option<String>, threshold: Option<u64>, required: Option<Vec<String>>) -> Wanted {
    let required = required.unwrap_or_default().into_iter().map(TrustRootName).collect();
    Wanted { trust_root, trust_roots: None, threshold, required }
}

fn cosign(
    (at, written): (usize, &settings::Validator<'_>),
    signers: &CosignValidator,
    with: With<'_>,
    place: &JsonPath,
) -> Result<CosignRequirement, Vec<Problem>> {
    let mut problems = of_others(&with, Kind::Cosign, place);
    let is_signed = with.signature != Some(false);
    let names_signers =
        |attestation: &AttestationSetting<'_>| attestation.trust_root.is_some() || attestation.trust_roots.is_some();
    let needs_signers = is_signed || !with.attestations.iter().flatten().all(names_signers);
    // Options about signatures of the image, and whether they are there. Those that say who signs also count for attestations that name nobody.
    let of_signatures = [
        ("annotations", with.annotations.is_some()),
        ("identities", with.identities.is_some()),
        ("trustRoot", !needs_signers && with.trust_root.is_some()),
        ("threshold", !needs_signers && with.threshold.is_some()),
        ("required", !needs_signers && with.required.is_some()),
    ];
    let wanted = wanted(with.trust_root, with.threshold, with.required);
    let of_rule = match needs_signers.then(|| wanted.of(&signers.roots, place)).transpose() {
        Ok(of_rule) => of_rule,
        Err(wrong) => {
            problems.extend(wrong);
            None
        }
    };
    let has_attestations = with.attestations.is_some();
    let attestations = match with.attestations {
        None => Vec::new(),
        Some(list) => attestation::read(list, &signers.roots, of_rule.as_ref(), &place.key("attestations"))
            .unwrap_or_else(|wrong| {
                problems.extend(wrong);
                Vec::new()
            }),
    };
    let mut wrong = |option: &'static str, what| problems.push(Problem::new(place.key(option), what));
    if !is_signed {
        if !has_attestations {
            wrong("signature", Mistake::NoSignatureAtAll);
        } else if !attestations.is_empty() && attestations.iter().all(|attestation| attestation.of_platforms) {
            wrong("attestations", Mistake::OnlyPlatforms);
        }
        for (option, is_there) in of_signatures {
            if is_there {
                wrong(option, Mistake::OfNoSignature);
            }
        }
    }
    let annotations = with.annotations.unwrap_or_default();
    problems.extend(of_annotations(&annotations, place));
    let mut wrong = |option: &'static str, what| problems.push(Problem::new(place.key(option), what));
    let too_long = |text: &&String| text.len() > MAX_SIGNED;
    let long = |text: &String| Mistake::TooLong { length: text.len(), most: MAX_SIGNED };
    if let Some(text) = with.identities.iter().flatten().find(too_long) {
        wrong("identities", long(text));
    }
    if let Some(length) = with.identities.as_ref().map(Vec::len).filter(|length| !(1..=MAX_IDENTITIES).contains(length))
    {
        wrong("identities", Mistake::Entries { length, most: MAX_IDENTITIES });
    }
    let signers_of_image = of_rule.filter(|_| is_signed);
    let all = signers_of_image.iter().chain(attestations.iter().map(|attestation| &attestation.signers));
    let roots: Vec<&TrustRoot> = all.flat_map(|signers| &signers.roots).collect();
    let asked = TrustedRootParts::of(&roots, with.verify_in_transparency_log, with.verify_sct, &mut wrong);
    if !problems.is_empty() {
        return Err(problems);
    }
    let sct = asked.sct;
    let trusted_root = signers.trusted_root(at, &asked)?;
    let identities = with.identities.map(|names| set(names.into_iter().map(identity)));
    let ask_policy_server = written.ask_host == Some(true);
    let cosign = CosignTerms {
        annotations,
        identities,
        tlog_entry: with.verify_in_transparency_log,
        sct,
        trusted_root,
        ask_policy_server,
        evidence: signers.evidence.clone(),
    };
    Ok(CosignRequirement { signers: signers_of_image, attestations, cosign })
}

fn identity(name: String) -> ImageName {
    if name == ITSELF { ImageName::Itself } else { ImageName::Name(name) }
}
