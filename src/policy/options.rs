//! What do the options of a rule (`with`) ask of its validator?

use super::{
    Mistake, Problem, attestation,
    settings::{self, AttestationSetting, With},
    signers::Wanted,
    validator::{CosignValidator, TrustedRootParts, Validator},
};
use crate::{
    json::JsonPath,
    ordered::set,
    verify::{CosignRequirement, CosignTerms, ImageName, Requirement, TrustRoot, TrustRootName},
};

/// Most annotations asked for by one rule.
pub(super) const MAX_ANNOTATIONS: usize = 32;
/// Longest text that a signature may have to carry, in bytes: each is put into payloads, of which there are many.
const MAX_SIGNED: usize = 512;
/// Most names under which an image may have been signed.
pub(super) const MAX_IDENTITIES: usize = 32;
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
    }
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
    let mut problems = Vec::new();
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
    if annotations.len() > MAX_ANNOTATIONS {
        wrong("annotations", Mistake::Entries { length: annotations.len(), most: MAX_ANNOTATIONS });
    }
    let too_long = |text: &&String| text.len() > MAX_SIGNED;
    let long = |text: &String| Mistake::TooLong { length: text.len(), most: MAX_SIGNED };
    if let Some(text) = annotations.iter().flat_map(|(key, value)| [key, value]).find(too_long) {
        wrong("annotations", long(text));
    }
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
