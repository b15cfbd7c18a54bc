//! Which rules about Notation prove less than one might think, and which certificates end?

use std::time::Duration;

use image_trust::{
    evidence::notation::{Enforcement, TrustStore},
    policy::{
        rule::{Decision, Policy},
        validator::Validator,
    },
    time::UnixTime,
    verify::{Requirement, TrustRootKind},
};

use super::{Finding, Lint, ReadRule};

/// How long before its end a certificate is told to end.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a rule does not enforce, and a time-stamping option without effect.
pub(super) fn lint(rule: &ReadRule<'_>) -> Vec<Finding> {
    let Decision::Prove { requirement: Requirement::Notation(requirement), .. } = &rule.decision else {
        return Vec::new();
    };
    let level = requirement.terms.level;
    let mut found = Vec::new();
    if level.authenticity == Enforcement::Log {
        let what = "every image with a signature is admitted, whoever signed it: `audit` enforces no signer";
        let instead = "`strict`; or `features.detectionMode` to see what would be denied";
        found.push(Finding::new(rule.path("with.verificationLevel"), Lint::AuditProvesNothing, what, instead));
    } else {
        let checks = [
            ("the time of signing", level.authentic_timestamp),
            ("expiry", level.expiry),
            ("revocation", level.revocation),
        ];
        let left: Vec<&str> =
            checks.iter().filter(|(_, it)| *it != Enforcement::Enforce).map(|(name, _)| *name).collect();
        if !left.is_empty() {
            let what = format!("these checks deny no image: {}", left.join(", "));
            let instead =
                "`strict` without `overrides`, if the certificates name no revocation or its lists are collected";
            found.push(Finding::new(rule.path("with"), Lint::NotEnforced, what, instead));
        }
    }
    let has_roots = requirement.signers.roots.iter().any(|root| match &root.kind {
        TrustRootKind::Notation(store) => store.has_timestamp_roots(),
        _ => false,
    });
    if rule.with.verify_timestamp.is_some() && !has_roots {
        let what = "no timestamp is looked at, because none of the trust roots has a `tsCert`";
        found.push(Finding::new(
            rule.path("with.verifyTimestamp"),
            Lint::TimestampsWithoutRoots,
            what,
            "write a `tsCert`, or leave it out",
        ));
    }
    found
}

/// Certificates in trust roots that have ended or soon end.
pub(super) fn certificates(policy: &Policy<'_>, now: UnixTime) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, validator) in policy.settings().validators.iter().enumerate() {
        let Ok(read) = Validator::read((at, validator)) else { continue };
        for (index, root) in read.roots().iter().enumerate() {
            let TrustRootKind::Notation(store) = &root.kind else { continue };
            let keys = [("cert", &store.certificates), ("tsCert", &store.timestamp_roots)];
            for (key, certificates) in keys {
                let ends = certificates.iter().filter_map(|der| TrustStore::end_of(der));
                let Some(end) = ends.min().filter(|end| *end < now.plus(SOON)) else { continue };
                let what = format!(
                    "a certificate ends at {end}: from then on what it vouches for needs a timestamp from before"
                );
                let path = format!("validators[{at}].trustRoots[{index}].{key}");
                found.push(Finding::new(path, Lint::CertificateEnds, what, "add its successor"));
            }
        }
    }
    found
}
