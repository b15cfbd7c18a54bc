//! Which features do less than they seem to, or need something that stands elsewhere?

use serde_json::Value;

use super::{Finding, Lint, ReadRule, rules::leaves_tags};
use image_trust::policy::{Features, Mode, rule::Decision};

/// The latest deadline that Kubewarden allows, in seconds.
const MAX_DEADLINE: u128 = 30;
/// The deadline where nothing is written, in seconds.
pub(super) const DEFAULT_DEADLINE: u128 = 2;
/// What fits into the default deadline of two ticks, which can end after one, in milliseconds.
const FITS: u128 = 900;

pub(super) fn lint(features: &Features, settings: &Value, rules: &[ReadRule<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut find = |feature: &str, lint, what: String, instead: &str| {
        found.push(Finding::new(format!("features.{feature}"), lint, what, instead));
    };
    if features.detection_mode() {
        let what = "nothing is denied: what would be is admitted with a warning".to_owned();
        find("detectionMode", Lint::DetectionMode, what, "leave it out once the rules are tried out");
    }
    let nothing_is_pinned = !features.mutation() && rules.iter().any(proves_tags);
    if nothing_is_pinned {
        let what =
            "what was proven is not written into objects: a tag may point elsewhere when it is pulled".to_owned();
        find("mutation", Lint::PinsNothing, what, "leave it out, except in policy groups and with `mutating: false`");
    }
    if !features.mutation() && (features.keeps_what_resolves() || features.reuses_in_dry_run()) {
        let what =
            "it keeps live digests by writing them, and with `mutation: false` nothing is written: it has no effect"
                .to_owned();
        find("gitops", Lint::GitopsIsOff, what, "leave one of the two out");
    }
    let budget = features.time_budget().as_millis();
    let deadline = needed_deadline(features);
    if deadline > MAX_DEADLINE {
        let what = format!(
            "{budget} ms are not more than a second below {MAX_DEADLINE} s, the latest deadline that Kubewarden allows: that one can end \
             first, and its message says nothing of images"
        );
        find("timeBudgetMs", Lint::BudgetBeyondDeadline, what, "less than 29000");
    } else if deadline > DEFAULT_DEADLINE {
        let what = format!(
            "needs `timeoutEvalSeconds: {deadline}` or more in the policy's spec: the default of 2 can end after one second, and its \
             message says nothing of images"
        );
        find("timeBudgetMs", Lint::NeedsALaterDeadline, what, "set it there, and `timeoutSeconds` no lower");
    }
    let written = settings.pointer("/features/automaticChildApproval").filter(|value| !value.is_null());
    if features.pods_only() && written.is_some_and(|value| *value != Value::Bool(false)) {
        let what = "it is off whatever is set: with `resourceValidationMode: podsOnly` an owner may have been admitted unproven, so it says \
                    nothing of its Pods"
            .to_owned();
        find("automaticChildApproval", Lint::ChildApprovalIsOff, what, "leave it out, or write false");
    }
    let approves_tags = features.child_approval().is_some_and(|terms| !terms.require_digest());
    if approves_tags && rules.iter().any(is_approved_by_tag) {
        let what = "a Pod is admitted unproven where an owner lists the same tag; the tag may point elsewhere by then, and the owner may be \
                    older than the policy or never have been pinned"
            .to_owned();
        find("automaticChildApproval", Lint::ApprovesUnpinned, what, "leave `requireDigest` out");
    }
    found
}

/// The `timeoutEvalSeconds` that the time budget needs: a deadline of n ticks can end after n - 1 seconds.
pub(super) fn needed_deadline(features: &Features) -> u128 {
    match features.time_budget().as_millis() {
        0..=FITS => DEFAULT_DEADLINE,
        budget => (budget / 1000 + 2).max(DEFAULT_DEADLINE + 1),
    }
}

/// Does it write a digest into objects?
pub(super) fn pins(rule: &ReadRule<'_>) -> bool {
    proves_tags(rule) && !leaves_tags(rule)
}

/// Does it prove digests of what may be written as a tag?
fn proves_tags(rule: &ReadRule<'_>) -> bool {
    matches!(rule.decision, Decision::Prove { .. }) && rule.pattern.digest().is_none()
}

/// Does child approval look at tags under this rule? Where only Pods are pinned, it wants digests.
fn is_approved_by_tag(rule: &ReadRule<'_>) -> bool {
    proves_tags(rule) && !matches!(rule.decision, Decision::Prove { mode: Mode::MutatePodsOnly, .. })
}
