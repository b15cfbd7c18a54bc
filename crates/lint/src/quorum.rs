//! Which rules ask for more votes than there can be, because one workflow has one vote?

use std::collections::BTreeMap;

use super::{Finding, Lint, ReadRule};
use image_trust::{
    evidence::without_reference,
    policy::rule::Decision,
    sigstore::{CertificateIdentity, TextMatcher, Workflow, WorkflowFile},
    text::Shown,
    verify::{Signers, TrustRoot, TrustRootKind, TrustRootName},
};

/// What is wrong with a quorum of workflows.
pub(super) fn lint(rule: &ReadRule<'_>) -> Option<Finding> {
    let Decision::Prove { requirement, .. } = &rule.decision else { return None };
    let lint = |signers| never_met(rule, signers).or_else(|| one_repository(rule, signers));
    requirement.all_signers().find_map(lint)
}

/// Two trust roots that one repository can meet: whoever may push to it writes both workflows.
fn one_repository(rule: &ReadRule<'_>, signers: &Signers) -> Option<Finding> {
    let roots: Vec<(&TrustRoot, &Workflow)> = signers.roots.iter().filter_map(workflow).collect();
    // Beside those that are required only so many count.
    let free = signers.threshold.saturating_sub(signers.required.len());
    let needs_both = |one: &TrustRoot, other: &TrustRoot| {
        [one, other].iter().filter(|root| !signers.required.contains(&root.name)).count() <= free
    };
    // One and the same workflow has one vote.
    let is_one =
        |one: &TrustRoot, other: &TrustRoot| only_workflow(one).is_some_and(|a| only_workflow(other) == Some(a));
    let mut pairs =
        roots.iter().enumerate().flat_map(|(at, one)| roots.iter().skip(at + 1).map(move |other| (one, other)));
    let ((one, _), (other, _)) = pairs
        .find(|((one, a), (other, b))| shares_a_repository(a, b) && needs_both(one, other) && !is_one(one, other))?;
    let what = format!(
        "the quorum counts \"{}\" and \"{}\", and workflows of one repository can sign for both: whoever may push to it can write two workflows",
        Shown(&one.name.0),
        Shown(&other.name.0)
    );
    let instead =
        "a signer of another kind or repository; or a `ref` without `*` that only reviewed changes reach, for both";
    Some(Finding::new(rule.path("with"), Lint::OneRepository, what, instead))
}

/// Does it count at one git reference only? Who wrote that may have protected it.
fn has_one_ref(workflow: &Workflow) -> bool {
    workflow.reference.as_deref().is_some_and(|reference| !reference.contains('*'))
}

/// A workflow that whoever may push can write, as far as settings tell.
fn workflow(root: &TrustRoot) -> Option<(&TrustRoot, &Workflow)> {
    match &root.kind {
        TrustRootKind::Keyless(CertificateIdentity::Workflow(workflow)) if !has_one_ref(workflow) => {
            Some((root, workflow))
        }
        _ => None,
    }
}

/// Names of accounts and repositories have no case at GitHub.
fn shares_a_repository(one: &Workflow, other: &Workflow) -> bool {
    let same_repo = match (&one.repo, &other.repo) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => true,
    };
    one.owner.eq_ignore_ascii_case(&other.owner) && same_repo
}

/// A quorum that can never be met: for several trust roots only one workflow could sign.
fn never_met(rule: &ReadRule<'_>, signers: &Signers) -> Option<Finding> {
    let shared: Vec<(String, Vec<&TrustRootName>)> =
        by_workflow(signers).into_iter().filter(|(_, roots)| roots.len() > 1).collect();
    let lost: usize = shared.iter().map(|(_, roots)| roots.len() - 1).sum();
    let is_required = |root: &&&TrustRootName| signers.required.contains(**root);
    let both_required = |(_, roots): &&(String, Vec<&TrustRootName>)| roots.iter().filter(is_required).count() > 1;
    let too_few = signers.roots.len() - lost < signers.threshold;
    let (workflow, roots) = shared.iter().find(both_required).or_else(|| shared.first().filter(|_| too_few))?;
    let names: Vec<String> = roots.iter().map(|name| format!("\"{}\"", Shown(&name.0))).collect();
    let what = format!(
        "the quorum can never be met: only the workflow {} could sign for {}, and it has one vote, whichever git references it ran at",
        Shown(workflow),
        names.join(" and ")
    );
    let instead = "have somebody else sign, too; or lower the threshold, or keep one trust root for this workflow";
    Some(Finding::new(rule.path("with"), Lint::WorkflowVotesOnce, what, instead))
}

/// The trust roots for which one workflow alone could sign, by its name and issuer.
fn by_workflow(signers: &Signers) -> BTreeMap<String, Vec<&TrustRootName>> {
    let mut found: BTreeMap<(String, &str), Vec<&TrustRootName>> = BTreeMap::new();
    for root in &signers.roots {
        if let Some(workflow) = only_workflow(root) {
            found.entry(workflow).or_default().push(&root.name);
        }
    }
    found.into_iter().map(|((workflow, _), roots)| (workflow, roots)).collect()
}

/// The one workflow that could sign for a trust root, as far as that can be told, and its issuer. Votes are counted without regard to case.
fn only_workflow(root: &TrustRoot) -> Option<(String, &str)> {
    let TrustRootKind::Keyless(holder) = &root.kind else { return None };
    match holder {
        CertificateIdentity::Workflow(Workflow { issuer, server, owner, repo, workflow: Some(file), .. }) => {
            let path = match (repo, file) {
                (_, WorkflowFile::Path(path, _)) => path.clone(),
                (Some(repo), WorkflowFile::Name(file)) => format!("{owner}/{repo}/.github/workflows/{file}"),
                (None, WorkflowFile::Name(_)) => return None,
            };
            Some((format!("{server}{path}").to_ascii_lowercase(), issuer.as_str()))
        }
        CertificateIdentity::Named {
            issuer: Some(TextMatcher::Exact(issuer)),
            subject: TextMatcher::Exact(subject),
            ..
        } => {
            let name = without_reference(subject);
            (name != subject).then(|| (name.to_ascii_lowercase(), issuer.as_str()))
        }
        CertificateIdentity::Workflow(_) | CertificateIdentity::Named { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::test_keys::ALICE;
    use image_trust::time::UnixTime;

    use serde_json::{Value, json};

    use super::*;
    use image_trust::{policy::check, sigstore::GITHUB_ISSUER};

    #[test]
    fn a_workflow_is_not_two_signers() {
        let github = |reference: &str| json!({"github": {"owner": "acme", "repo": "app", "workflow": "a.yml", "ref": reference}});
        let (tag, main) = (|| github("refs/tags/v*"), || github("refs/heads/main"));
        let named = |issuer: &str, subject: &str| json!({"keyless": {"issuer": issuer, "subject": subject}});
        let of_main = "https://github.com/acme/app/.github/workflows/a.yml@refs/heads/main";
        let gitlab =
            |end: &str| named("https://gitlab.com", &format!("https://gitlab.com/acme/app//.gitlab-ci.yml@refs/{end}"));
        let key = || json!({"key": ALICE});
        let two = || json!({"threshold": 2});
        let rows = [
            (vec![tag(), main()], two(), true, "two references of one workflow"),
            (vec![tag(), main()], json!({}), true, "all of them, by default"),
            (vec![tag(), main()], json!({"threshold": 1}), false, "one of them is enough"),
            (vec![tag(), main(), key()], two(), false, "a key is another signer"),
            (vec![tag(), main(), key()], json!({"threshold": 3}), true, "but there are no three"),
            (vec![tag(), main(), key()], json!({"required": ["r0", "r1"]}), true, "both have to"),
            (vec![tag(), main(), key()], json!({"required": ["r0", "r2"]}), false, "they can"),
            (vec![tag(), named(GITHUB_ISSUER, of_main)], two(), true, "in both spellings"),
            (vec![tag(), named("https://other.example", of_main)], two(), false, "another issuer's"),
            (vec![tag(), named(GITHUB_ISSUER, &of_main.replace("a.yml", "b.yml"))], two(), false, "another file"),
            (vec![gitlab("heads/main"), gitlab("tags/v1")], two(), true, "GitLab's"),
            (vec![tag(), json!({"github": {"owner": "acme", "repo": "app"}})], two(), false, "any workflow of it"),
            (
                vec![named("https://i.example", "a@example.com"), named("https://i.example", "b@example.com")],
                two(),
                false,
                "two addresses",
            ),
        ];
        for (roots, with, expected, why) in rows {
            let found = found(roots, with, Lint::WorkflowVotesOnce, why);
            assert_eq!(found.len(), usize::from(expected), "{why}: {found:?}");
            assert!(found.iter().all(|finding| finding.path == "policy[0].with"), "{why}: {found:?}");
        }
    }

    /// The findings of one kind, for a rule that asks all of these trust roots.
    fn found(roots: Vec<Value>, mut with: Value, lint: Lint, why: &str) -> Vec<Finding> {
        let named = |(at, mut root): (usize, Value)| {
            root["name"] = format!("r{at}").into();
            root
        };
        let roots: Vec<Value> = roots.into_iter().enumerate().map(named).collect();
        with["trustRoot"] = "*".into();
        let settings = json!({
            "validators": [{"name": "default", "type": "cosign", "trustRoots": roots}],
            "policy": [{"pattern": "ghcr.io/acme/*", "with": with}],
        })
        .to_string();
        assert_eq!(check(&settings), [], "{why}: settings that are accepted");
        super::super::lint(&settings, UnixTime::default()).into_iter().filter(|finding| finding.lint == lint).collect()
    }

    #[test]
    fn a_repository_is_not_two_signers_for_certain() {
        let github = |repo: Option<&str>, file: Option<&str>| json!({"github": {"owner": "acme", "repo": repo, "workflow": file}});
        let (app, file) = (Some("app"), Some("release.yml"));
        let on = |file: Option<&str>, reference: &str| json!({"github": {"owner": "acme", "repo": "app", "workflow": file, "ref": reference}});
        let other_owner = || json!({"github": {"owner": "evil", "repo": "app"}});
        let rows = [
            (github(app, None), github(app, file), json!({"threshold": 2}), true, "any workflow, and one of them"),
            (github(app, file), github(app, Some("scan.yml")), json!({"threshold": 2}), true, "two files"),
            (github(None, None), github(app, file), json!({}), true, "any repository of the account, by default all"),
            (github(app, None), github(app, file), json!({"threshold": 1}), false, "one is enough"),
            (
                on(file, "refs/heads/main"),
                on(Some("b.yml"), "refs/heads/main"),
                json!({}),
                false,
                "a branch, as advised",
            ),
            (on(file, "refs/heads/*"), on(Some("b.yml"), "refs/heads/*"), json!({}), true, "any branch"),
            (
                on(file, "refs/heads/*"),
                on(file, "refs/tags/*"),
                json!({}),
                false,
                "one workflow, which is another finding",
            ),
            (github(app, None), github(app, file), json!({"required": ["r0", "r1"]}), true, "both have to"),
            (
                github(app, None),
                github(app, file),
                json!({"threshold": 2, "required": ["r0"]}),
                true,
                "one, and the other",
            ),
            (github(app, file), github(Some("lib"), file), json!({"threshold": 2}), false, "two repositories"),
            (github(app, file), other_owner(), json!({"threshold": 2}), false, "two accounts"),
            (github(app, file), json!({"key": ALICE}), json!({"threshold": 2}), false, "a key"),
        ];
        for (one, other, with, expected, why) in rows {
            let found = found(vec![one, other], with, Lint::OneRepository, why);
            assert_eq!(found.len(), usize::from(expected), "{why}: {found:?}");
        }
    }
}
