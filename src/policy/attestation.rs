//! Which attestations does a rule ask for?

use std::collections::BTreeSet;

use super::{
    Mistake, Problem,
    settings::{AttestationSetting, OneOrMore, Subjects},
    signers::Wanted,
};
use crate::{
    condition::{ConditionMistake, Conditions},
    json::JsonPath,
    ordered::set,
    time::Age,
    verify::{AttestationTerms, Signers, TrustRoot, TrustRootKind, TrustRootName},
};

/// The most attestations that a rule asks for.
pub(super) const MAX_ATTESTATIONS: usize = 16;
/// The most types that a predicate may have.
pub(super) const MAX_TYPES: usize = 16;
/// The longest predicate type, in bytes.
pub(super) const MAX_TYPE: usize = 512;

/// The short names of predicate types (cosign, `--type`).
pub const SHORT_NAMES: [(&str, &str); 10] = [
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("openvex", "https://openvex.dev/ns"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
];

/// Reads a list of attestations. `signers` are those of the rule, for attestations that name none.
///
/// # Errors
/// Everything that is wrong with the list.
pub(super) fn read(
    list: Vec<AttestationSetting<'_>>,
    all: &[TrustRoot],
    signers: Option<&Signers>,
    place: &JsonPath,
) -> Result<Vec<AttestationTerms>, Vec<Problem>> {
    let length = list.len();
    if !(1..=MAX_ATTESTATIONS).contains(&length) {
        return Err(vec![Problem::new(place.clone(), Mistake::Entries { length, most: MAX_ATTESTATIONS })]);
    }
    let (mut attestations, mut problems) = (Vec::new(), Vec::new());
    for (i, attestation) in list.into_iter().enumerate() {
        match read_one(attestation, all, signers, &place.index(i)) {
            Ok(terms) => attestations.push(terms),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() { Ok(attestations) } else { Err(problems) }
}

fn read_one(
    setting: AttestationSetting<'_>,
    all: &[TrustRoot],
    of_rule: Option<&Signers>,
    place: &JsonPath,
) -> Result<AttestationTerms, Vec<Problem>> {
    let mut problems = Vec::new();
    let AttestationSetting { predicate_type, trust_root, trust_roots, threshold, max_age, subjects, conditions } =
        setting;
    let predicate_types = types(predicate_type, &place.key("predicateType")).unwrap_or_else(|problem| {
        problems.push(problem);
        BTreeSet::new()
    });
    let named = trust_roots.map(|names| names.into_iter().map(TrustRootName).collect());
    let signers = match (of_rule, &trust_root, &named, threshold) {
        (Some(signers), None, None, None) => Ok(signers.clone()),
        _ => Wanted { trust_root, trust_roots: named, threshold, required: Vec::new() }.of(all, place),
    };
    let mut age = |text: String| {
        let age = Age::parse(&text);
        if age.is_none() {
            problems.push(Problem::new(place.key("maxAge"), Mistake::Condition(ConditionMistake::Age)));
        }
        age
    };
    let max_age = max_age.and_then(&mut age);
    let conditions = conditions.map_or(Ok(Conditions::default()), |list| Conditions::read(list, &place.key("where")));
    let conditions = conditions.unwrap_or_else(|wrong| {
        problems.extend(wrong.into_iter().map(Problem::from));
        Conditions::default()
    });
    match signers {
        Ok(signers) if max_age.is_some() && !are_keyless(&signers) => {
            problems.push(Problem::new(place.key("maxAge"), Mistake::AgeOfKey));
            Err(problems)
        }
        Ok(signers) if problems.is_empty() => {
            let of_platforms = subjects == Some(Subjects::Platforms);
            Ok(AttestationTerms { predicate_types, signers, max_age, of_platforms, conditions })
        }
        Ok(_) => Err(problems),
        Err(wrong) => Err([problems, wrong].concat()),
    }
}

/// Whether every signer has a certificate that is valid for minutes, so that it tells the age of a signature.
fn are_keyless(signers: &Signers) -> bool {
    signers.roots.iter().all(|root| matches!(root.kind, TrustRootKind::Keyless(_)))
}

/// Predicate types, with short names written out.
fn types(written: OneOrMore, place: &JsonPath) -> Result<BTreeSet<String>, Problem> {
    let types = match written {
        OneOrMore::One(one) => vec![(place.clone(), one)],
        OneOrMore::More(more) if (1..=MAX_TYPES).contains(&more.len()) => {
            more.into_iter().enumerate().map(|(i, text)| (place.index(i), text)).collect()
        }
        OneOrMore::More(more) => {
            return Err(Problem::new(place.clone(), Mistake::Entries { length: more.len(), most: MAX_TYPES }));
        }
    };
    let expand = |(place, text): (JsonPath, String)| match SHORT_NAMES.iter().find(|(short, _)| *short == text) {
        Some((_, long)) => Ok((*long).to_owned()),
        None if text.len() > MAX_TYPE => {
            Err(Problem::new(place, Mistake::TooLong { length: text.len(), most: MAX_TYPE }))
        }
        // A predicate type is a URI (in-toto attestation framework, "Statement").
        None if text.split_once(':').is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()) => Ok(text),
        None => Err(Problem::new(place, Mistake::PredicateType(text))),
    };
    let types: Vec<String> = types.into_iter().map(expand).collect::<Result<_, _>>()?;
    if types.iter().any(|text| text == crate::evidence::COSIGN_SIGN) {
        return Err(Problem::new(place.clone(), Mistake::SignatureType));
    }
    Ok(set(types))
}
