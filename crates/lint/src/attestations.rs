//! Which attestations prove less than they seem to?

use std::collections::BTreeSet;

use super::{Finding, Lint, ReadRule, predicates::unknown_part};
use image_trust::{
    condition::{Comparison, Condition, Part},
    text::Shown,
    verify::{AttestationTerms, CosignRequirement, TrustRoot},
};

/// The types of predicates that tell what was known at the time of a scan.
const SCANS: [&str; 4] = [
    "https://cosign.sigstore.dev/attestation/vuln/v1",
    "https://in-toto.io/attestation/vulns/v0.1",
    "https://in-toto.io/attestation/vulns/v0.2",
    "https://openvex.dev/ns",
];
/// The times of a scan, in predicates of these types.
const TIMES: [&str; 5] =
    ["metadata.scanStartedOn", "metadata.scanFinishedOn", "scanner.db.lastUpdate", "timestamp", "last_updated"];
/// The types of predicates that tell how an image was built.
const PROVENANCE: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"];

pub(super) fn lint(rule: &ReadRule<'_>) -> Vec<Finding> {
    let Some(requirement) = rule.cosign() else { return Vec::new() };
    let mut found = Vec::new();
    for (number, terms) in requirement.attestations.iter().enumerate() {
        let path = |rest: &str| rule.path(&format!("with.attestations[{number}]{rest}"));
        found.extend(unknown_paths(terms, &path));
        found.extend(any_age(terms, &path));
        found.extend(same_signer(requirement, terms, &path));
    }
    found
}

/// Conditions on parts that no predicate of these types has.
fn unknown_paths(terms: &AttestationTerms, path: &impl Fn(&str) -> String) -> Vec<Finding> {
    let unknown = |condition: &Condition| -> Option<usize> {
        let parts = terms.predicate_types.iter().map(|kind| unknown_part(kind, &condition.path));
        parts.collect::<Option<Vec<usize>>>()?.into_iter().max()
    };
    let mut found = Vec::new();
    for (entry, conditions) in terms.conditions.entries().iter().enumerate() {
        for (condition, part) in conditions.iter().filter_map(|condition| Some((condition, unknown(condition)?))) {
            let text = Shown(condition.path.text());
            let is_below_a_list = condition.path.parts().iter().take(part).any(|part| *part == Part::Every);
            let what = match condition.comparison {
                Comparison::NoneOf(_) | Comparison::AtMost(_) | Comparison::CountAtMost(_) if is_below_a_list => {
                    format!(
                        "no predicate of this type has \"{text}\", so the condition can be met without a look at anything"
                    )
                }
                _ => format!("no predicate of this type has \"{text}\", so the condition is never met"),
            };
            let instead = "check the names with `image-trust explain`, which shows what each condition finds";
            found.push(Finding::new(path(&format!(".where[{entry}]")), Lint::UnknownPath, what, instead));
        }
    }
    found
}

/// A scan that may be of any age.
fn any_age(terms: &AttestationTerms, path: &impl Fn(&str) -> String) -> Option<Finding> {
    let is_scan = terms.predicate_types.iter().any(|kind| SCANS.contains(&kind.as_str()));
    // Each alternative of an entry has to ask for the time of the scan.
    let is_time = |condition: &Condition| {
        matches!(condition.comparison, Comparison::NewerThan(_)) && TIMES.contains(&condition.path.text())
    };
    let asks_for_a_time = |entry: &Vec<Condition>| entry.iter().all(is_time);
    let has_age = terms.max_age.is_some() || terms.conditions.entries().iter().any(asks_for_a_time);
    (is_scan && !has_age).then(|| {
        let what = "accepts a scan of any age: anybody who can push evidence can show an old scan that found nothing";
        let instead = "`maxAge: 7d` for keyless signers; for keys, a condition such as `{path: metadata.scanFinishedOn, newerThan: 7d}`";
        Finding::new(path(""), Lint::ScanOfAnyAge, what, instead)
    })
}

/// Provenance that everybody signs who signs the image, and nobody else.
fn same_signer(
    requirement: &CosignRequirement,
    terms: &AttestationTerms,
    path: &impl Fn(&str) -> String,
) -> Option<Finding> {
    let signers: BTreeSet<&str> = requirement.roots().map(|root| root.name.as_ref()).collect();
    let is_signer = |root: &TrustRoot| signers.contains(root.name.as_ref());
    let is_provenance = terms.predicate_types.iter().any(|kind| PROVENANCE.contains(&kind.as_str()));
    (is_provenance && terms.signers.roots.iter().all(is_signer)).then(|| {
        let what = "those who sign the image also sign its provenance, so it proves little more than the signature";
        let instead = "name the builder as `trustRoot` of the attestation, if it has a signer of its own";
        Finding::new(path(""), Lint::AttestedByTheSigner, what, instead)
    })
}
