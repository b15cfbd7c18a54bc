//! Who may sign by a certificate that surely was not meant to, and from when, or until when, does anybody?

use std::{collections::BTreeSet, time::Duration};

use super::{
    Finding, Lint, ReadRule,
    keys::{Root, asked, roots},
    names,
};
use image_trust::{
    json::Text,
    policy::{
        rule::Policy,
        settings::{Host, Keyless, TrustRoot, Validator},
        validator::TrustedRootParts,
    },
    sigstore::{CertificateIdentity, GITHUB, GITHUB_ISSUER, PUBLIC_GOOD_DATE},
    text::Shown,
    time::UnixTime,
    verify::{CosignRequirement, SctRequirement, TrustRootKind, TrustRootName},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long before its end a trust root is told to end.
const SOON_DAYS: u32 = 30;
/// How old a trusted root may be before `lint` warns of it, and before that is an error.
const OLD_DAYS: u64 = 180;
const OUTDATED_DAYS: u64 = 365;

/// Stands in whatever file names the public-good instance's CAs.
const PUBLIC_GOOD: &str = "fulcio.sigstore.dev";

/// The claims that say for which repository a workflow ran.
const REPOSITORY: [&str; 2] = ["sourceRepository", "sourceRepositoryId"];

/// Issuers that anybody can have an account at, each with a name that a stranger could get from the public-good instance.
const STRANGERS: [(&str, &str); 5] = [
    (GITHUB_ISSUER, "https://github.com/zq9-zq9/zq9/.github/workflows/zq9.yml@refs/heads/main"),
    ("https://gitlab.com", "https://gitlab.com/zq9-zq9/zq9//.gitlab-ci.yml@refs/heads/main"),
    ("https://accounts.google.com", "zq9-zq9@gmail.com"),
    ("https://github.com/login/oauth", "zq9-zq9@gmail.com"),
    ("https://login.microsoftonline.com", "zq9-zq9@outlook.com"),
];
/// Nobody's issuer.
const NO_ISSUER: &str = "https://zq9-zq9.example.com";

/// `now` is the time since 1970, UTC.
pub(super) fn lint(policy: &Policy<'_>, rules: &[ReadRule<'_>], now: UnixTime) -> Vec<Finding> {
    let asked: BTreeSet<(usize, &TrustRootName)> = rules.iter().flat_map(asked).collect();
    let roots = roots(policy);
    // What no rule asks does nothing, which is told.
    let asked = roots.iter().filter(|root| asked.contains(&(root.validator.0, &root.root.name)));
    let (mut found, known) = (Vec::new(), names::Known::new());
    for root in asked {
        found.extend(dates(root, now));
        let Some(validator) = policy.settings().validators.get(root.validator.0) else { continue };
        let written =
            validator.trust_roots.and_then(|text| serde_json::from_str::<Vec<TrustRoot<'_>>>(text.get()).ok());
        if let Some(written) = written.as_ref().and_then(|written| written.get(root.index)) {
            found.extend(identity(root, written, has_public_cas(validator)));
            let names = written.keyless.as_ref().map(|keyless| names::lint(&root.path(""), keyless, &known));
            found.extend(names.into_iter().flatten());
        }
    }
    found.extend(rules.iter().filter_map(unseen));
    found.extend(old_root(policy, rules, now));
    found
}

/// When a trust root counts.
fn dates(root: &Root<'_>, now: UnixTime) -> Option<Finding> {
    let name = Shown(&root.root.name.0);
    let find = |key, lint, what, instead| Some(Finding::new(root.path(key), lint, what, instead));
    match (root.root.period.start, root.root.period.end) {
        (_, Some(end)) if end < now => {
            let what = format!("the signatures of `{name}` count no longer, since {end}");
            find(".notAfter", Lint::TrustRootIsOver, what, "remove it, or set a later date")
        }
        (Some(start), _) if now < start => {
            let what = format!("the signatures of `{name}` don't count before {start}");
            find(".notBefore", Lint::TrustRootNotYet, what, "right where it is to replace another one by then")
        }
        (_, Some(end)) if end < now.plus(DAY.saturating_mul(SOON_DAYS)) => {
            let what = format!("the signatures of `{name}` count no longer after {end}");
            let instead =
                "have what it signed signed by another one until then; admissions that only it carried are warned of";
            find(".notAfter", Lint::TrustRootEndsSoon, what, instead)
        }
        _ => None,
    }
}

/// Whose certificates a trust root accepts.
fn identity(root: &Root<'_>, written: &TrustRoot<'_>, has_public_cas: bool) -> Option<Finding> {
    if let Some(github) = written.github.as_ref().filter(|github| github.repo.is_none()) {
        let what = format!(
            "workflows of every repository of `{}` sign, of new ones and of forgotten ones too",
            Shown(&github.owner.0)
        );
        let instead = "right if that is meant; otherwise name the repository (`repo`)";
        return Some(Finding::new(root.path(".github"), Lint::AnyRepository, what, instead));
    }
    let keyless = written.keyless.as_ref()?;
    let TrustRootKind::Keyless(CertificateIdentity::Named { issuer: Some(wanted), subject: name, claims }) =
        &root.root.kind
    else {
        return None;
    };
    let is_stranger = |(issuer, subject): &&(&str, &str)| wanted.accepts(issuer) && name.accepts(subject);
    if let Some((issuer, subject)) = STRANGERS.iter().filter(|_| has_public_cas).find(is_stranger) {
        let what = format!(
            "strangers fit: the public-good instance gives certificates to whoever can log in at {issuer}, and \"{subject}\" is one of the names that are accepted"
        );
        let instead = "name who may sign: the account at least, and a workflow or an address in full";
        return Some(Finding::new(root.path(".keyless"), Lint::AnybodySigns, what, instead));
    }
    if has_public_cas && wanted.accepts(NO_ISSUER) {
        let what = "every issuer is as good as the one that was meant: the public-good instance believes many of them, and which names each \
                    one vouches for is its own business";
        return Some(Finding::new(root.path(".keyless.issuerRegex"), Lint::AnyIssuer, what, "name the issuer"));
    }
    let asks = claims.iter().any(|wanted| REPOSITORY.contains(&wanted.claim.0));
    (wanted.accepts(GITHUB_ISSUER) && is_of_github(keyless) && !asks).then(|| {
        let what = "a workflow that other repositories may call gets a certificate with its own name, whoever calls it; this does not ask \
                    for which repository it ran";
        let instead = match keyless.subject.as_ref().and_then(|Text(subject)| as_github(subject)) {
            Some(form) => format!("`github: {form}` in place of `keyless` asks"),
            None => "`github: {owner: …, repo: …, workflow: …, ref: …}` in place of `keyless` asks".to_owned(),
        };
        Finding::new(root.path(".keyless"), Lint::CouldBeGithub, what, instead)
    })
}

/// Are only names of GitHub's accepted?
fn is_of_github(keyless: &Keyless<'_>) -> bool {
    let begins = |text: &Option<Text<'_>>, start: &str| text.as_ref().is_some_and(|Text(text)| text.starts_with(start));
    begins(&keyless.subject, GITHUB)
        || begins(&keyless.subject_prefix, GITHUB)
        || [r"^https://github\.com/", "^https://github.com/"].iter().any(|start| begins(&keyless.subject_regex, start))
}

/// The name of a workflow, as `github` has it.
fn as_github(subject: &str) -> Option<String> {
    let (path, reference) = subject.strip_prefix(GITHUB)?.split_once('@')?;
    let (repository, file) = path.split_once("/.github/workflows/")?;
    let (owner, repo) = repository.split_once('/')?;
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    ([owner, repo, file].into_iter().all(is_name) && reference.starts_with("refs/") && reference.chars().all(is_usual))
        .then(|| format!("{{owner: {owner}, repo: {repo}, workflow: {file}, ref: {reference}}}"))
}

/// Does the validator believe the public-good instance's CAs, as far as that can be told?
fn has_public_cas(validator: &Validator<'_>) -> bool {
    match validator.trusted_root {
        Some(text) => text.get().contains(PUBLIC_GOOD),
        None => validator.host.as_ref().and_then(Host::instance).is_none_or(|host| host.fulcio_cert.is_none()),
    }
}

/// A rule whose keyless certificates no CT log has to have seen.
fn unseen(rule: &ReadRule<'_>) -> Option<Finding> {
    let requirement = rule.cosign()?;
    (is_keyless(requirement) && requirement.cosign.sct == SctRequirement::None).then(|| {
        let what = "certificates count that no CT log has seen: who can make the CA issue one in secret signs for anybody, and nobody is told";
        let instead = "leave it out, unless the instance has no CT log";
        Finding::new(rule.path("with.verifySCT"), Lint::NoCtLog, what, instead)
    })
}

fn is_keyless(requirement: &CosignRequirement) -> bool {
    requirement.all_roots().any(|root| matches!(root.kind, TrustRootKind::Keyless(_)))
}

/// What this module carries of the public-good instance, where a rule needs it and it is old.
fn old_root(policy: &Policy<'_>, rules: &[ReadRule<'_>], now: UnixTime) -> Vec<Finding> {
    let taken = UnixTime::parse(&format!("{PUBLIC_GOOD_DATE}T00:00:00Z")).unwrap_or_default();
    let days = now.since(taken).as_secs() / DAY.as_secs();
    if days <= OLD_DAYS {
        return Vec::new();
    }
    let lint = if days <= OUTDATED_DAYS { Lint::OldPublicGoodRoot } else { Lint::OutdatedPublicGoodRoot };
    let needed: BTreeSet<usize> =
        rules.iter().filter(|rule| needs_public_good(policy, rule)).map(|rule| rule.rule.validator_index()).collect();
    let finding = |at: usize| {
        let what = format!(
            "the public-good instance's CAs and logs are those of {PUBLIC_GOOD_DATE}, {days} days ago: those that it uses since then are not believed"
        );
        let instead = "a newer version of this policy; or the instance's trusted_root.json of today as `trustedRoot`";
        Finding::new(format!("validators[{at}]"), lint, what, instead)
    };
    needed.into_iter().map(finding).collect()
}

/// Does a rule need a part of the public-good instance's trusted root?
fn needs_public_good(policy: &Policy<'_>, rule: &ReadRule<'_>) -> bool {
    let Some(requirement) = rule.cosign() else { return false };
    let Some(validator) = policy.settings().validators.get(rule.rule.validator_index()) else { return false };
    let asked = TrustedRootParts::by(requirement.all_roots(), requirement.cosign.tlog_entry, requirement.cosign.sct);
    let given = validator.host.as_ref().and_then(Host::instance);
    let lacks = |is_given: bool, is_needed: bool| is_needed && !is_given;
    validator.trusted_root.is_none()
        && (lacks(given.is_some_and(|host| host.fulcio_cert.is_some()), asked.cas)
            || lacks(given.is_some_and(|host| host.rekor_pubkey.is_some()), asked.logs)
            || lacks(given.is_some_and(|host| host.ct_log_pubkey.is_some()), asked.ct_logs))
}

#[cfg(test)]
mod tests {
    use crate::test_keys::{ALICE, BOB};
    use serde_json::{Value, json};

    use super::*;
    use image_trust::policy::check;

    use crate::lint;

    /// What is found in settings with this validator and a rule that asks everybody, at this time.
    fn found(validator: Value, with: Value, now: &str) -> Vec<(String, Lint)> {
        let mut validator = validator;
        validator["name"] = "default".into();
        validator["type"] = "cosign".into();
        let mut with = with;
        with["trustRoot"] = "*".into();
        let settings =
            json!({"validators": [validator], "policy": [{"pattern": "ghcr.io/acme/*", "with": with}]}).to_string();
        assert_eq!(check(&settings), [], "settings that are accepted");
        let found = lint(&settings, UnixTime::parse(now).unwrap());
        assert!(found.iter().all(|finding| !finding.what.is_empty() && !finding.instead.is_empty()));
        found.into_iter().map(|finding| (finding.path, finding.lint)).collect()
    }

    /// A time at which no finding is about the public-good root: before it was taken.
    const FRESH: &str = "2021-02-07T00:00:00Z";

    /// The first second of the day that is this many days after the public-good root was taken.
    fn after(days: u32) -> String {
        let taken = UnixTime::parse(&format!("{PUBLIC_GOOD_DATE}T00:00:00Z")).unwrap();
        taken.plus(DAY * days).to_string()
    }

    #[test]
    fn identities() {
        use Lint::*;
        let keyless = |issuer: &str, subject: Value| {
            let mut keyless = subject;
            keyless[if issuer.starts_with('^') { "issuerRegex" } else { "issuer" }] = issuer.into();
            json!({"name": "a", "keyless": keyless})
        };
        let github = "https://token.actions.githubusercontent.com";
        let google = "https://accounts.google.com";
        let root = ".trustRoots[0]";
        // the trust root, where something is found, and what
        let rows = [
            (keyless(google, json!({"subject": "a@acme.example"})), None, "one address"),
            (keyless(google, json!({"subjectRegex": "^.*$"})), Some((".keyless", AnybodySigns)), "anybody"),
            (keyless(google, json!({"subjectRegex": r"^.*@acme\.example$"})), None, "a domain"),
            (keyless(google, json!({"subjectRegex": "^.+@.+$"})), Some((".keyless", AnybodySigns)), "any address"),
            (keyless(github, json!({"subjectRegex": "^.+@gmail.com$"})), None, "an issuer that gives no such names"),
            (
                keyless(github, json!({"subjectRegex": r"^https://github\.com/.*$"})),
                Some((".keyless", AnybodySigns)),
                "any account",
            ),
            (
                keyless(github, json!({"subjectPrefix": "https://github.com/"})),
                Some((".keyless", AnybodySigns)),
                "in short",
            ),
            (
                keyless("^https://gitlab.com$", json!({"subjectPrefix": "https://gitlab.com/"})),
                Some((".keyless", AnybodySigns)),
                "elsewhere",
            ),
            (
                keyless("https://gitlab.com", json!({"subjectPrefix": "https://gitlab.com/acme/"})),
                None,
                "one account elsewhere",
            ),
            (
                keyless("^.*$", json!({"subject": "a@acme.example"})),
                Some((".keyless.issuerRegex", AnyIssuer)),
                "any issuer",
            ),
            (
                keyless("^https://.*$", json!({"subject": "a@acme.example"})),
                Some((".keyless.issuerRegex", AnyIssuer)),
                "any that is a URL",
            ),
            (keyless(r"^https://accounts\.google\.com$", json!({"subject": "a@acme.example"})), None, "one issuer"),
            (keyless("^.*$", json!({"subjectRegex": "^.*$"})), Some((".keyless", AnybodySigns)), "both is told once"),
            (
                keyless(
                    github,
                    json!({"subject": "https://github.com/acme/app/.github/workflows/a.yml@refs/heads/main"}),
                ),
                Some((".keyless", CouldBeGithub)),
                "a workflow",
            ),
            (
                keyless(github, json!({"subjectPrefix": "https://github.com/acme/app/"})),
                Some((".keyless", CouldBeGithub)),
                "workflows",
            ),
            (
                keyless(
                    github,
                    json!({"subjectRegex": r"^https://github\.com/acme/app/\.github/workflows/a\.yml@refs/tags/v.*$"}),
                ),
                Some((".keyless", CouldBeGithub)),
                "by a pattern",
            ),
            (
                keyless(
                    github,
                    json!({
                        "subjectPrefix": "https://github.com/acme/app/",
                        "claims": {"sourceRepository": "https://github.com/acme/app"},
                    }),
                ),
                None,
                "workflows that ran for one repository",
            ),
            (
                keyless(
                    github,
                    json!({"subjectPrefix": "https://github.com/acme/app/", "claims": {"sourceRef": "refs/heads/main"}}),
                ),
                Some((".keyless", CouldBeGithub)),
                "workflows that ran for any repository",
            ),
            (
                keyless("https://issuer.example.com", json!({"subjectPrefix": "https://github.com/acme/app/"})),
                None,
                "an issuer that `github` does not ask for",
            ),
            (json!({"name": "a", "github": {"owner": "acme"}}), Some((".github", AnyRepository)), "an account"),
            (json!({"name": "a", "github": {"owner": "acme", "repo": "app"}}), None, "a repository"),
        ];
        for (written, expected, why) in rows {
            let expected: Vec<(String, Lint)> =
                expected.map(|(rest, lint)| (format!("validators[0]{root}{rest}"), lint)).into_iter().collect();
            assert_eq!(found(json!({"trustRoots": [written]}), json!({}), FRESH), expected, "{why}");
        }
    }

    #[test]
    fn a_workflow_is_written_as_it_has_to_be() {
        let rows = [
            (
                "https://github.com/acme/app/.github/workflows/a.yml@refs/tags/v1",
                Some("{owner: acme, repo: app, workflow: a.yml, ref: refs/tags/v1}"),
                "a workflow",
            ),
            ("https://github.com/acme/app/.github/workflows/a.yml", None, "no reference"),
            (
                "https://github.com/acme/app/.github/workflows/a.yml@refs/heads/a*",
                None,
                "a star would stand for any text",
            ),
            ("https://github.com/acme/app/.github/workflows/d/a.yml@refs/heads/a", None, "no file that there can be"),
            ("https://github.com/acme", None, "no workflow"),
        ];
        for (subject, expected, why) in rows {
            assert_eq!(as_github(subject).as_deref(), expected, "{why}");
        }
    }

    #[test]
    fn own_instances_know_their_users() {
        let public = include_str!("../../../src/sigstore/public-good.json");
        let anybody = json!([{"name": "a", "keyless": {"issuerRegex": "^.*$", "subjectRegex": "^.*$"}}]);
        let own = public.replace("fulcio.sigstore.dev", "fulcio.example.com");
        let rows = [
            (json!({"trustRoots": anybody, "trustedRoot": own}), 0, "who gets a certificate there is their choice"),
            (json!({"trustRoots": anybody, "trustedRoot": public}), 1, "the public-good instance's file"),
            (
                json!({"trustRoots": anybody, "trustedRoot": serde_json::from_str::<Value>(public).unwrap()}),
                1,
                "the same as a mapping",
            ),
        ];
        for (validator, expected, why) in rows {
            assert_eq!(found(validator, json!({}), FRESH).len(), expected, "{why}");
        }
    }

    #[test]
    fn dates_and_age() {
        use Lint::*;
        let key = |name: &str, key: &str, from: Value, to: Value| json!({"name": name, "key": key, "notBefore": from, "notAfter": to});
        let one = |from: Value, to: Value| json!({"trustRoots": [key("a", ALICE, from, to)]});
        let keyless = json!({"trustRoots": [{"name": "a", "keyless": {"issuer": "https://issuer.example", "subject": "s@acme.example"}}]});
        let with = |parts: &[(&str, Value)]| {
            let mut validator = keyless.clone();
            for (part, value) in parts {
                validator["host"][part] = value.clone();
            }
            validator
        };
        let (quiet, none, not_seen) =
            (json!({"verifyInTransparencyLog": false}), json!({}), json!({"verifySCT": false}));
        let logged = json!({"verifyInTransparencyLog": true});
        let at = |rest: &str, lint| vec![(format!("validators[0]{rest}"), lint)];
        let old = || at("", OldPublicGoodRoot);
        let null = Value::Null;
        let [day_180, day_181, day_200, day_365, day_366] = [180, 181, 200, 365, 366].map(after);
        let rows: Vec<(Value, &Value, &str, Vec<(String, Lint)>, &str)> = vec![
            (one(null.clone(), null.clone()), &quiet, "2030-01-01T00:00:00Z", vec![], "no dates"),
            (
                one(null.clone(), "2029-12-31T23:59:59Z".into()),
                &quiet,
                "2030-01-01T00:00:00Z",
                at(".trustRoots[0].notAfter", TrustRootIsOver),
                "a second ago",
            ),
            (
                one(null.clone(), "2030-01-01T00:00:00Z".into()),
                &quiet,
                "2030-01-01T00:00:00Z",
                at(".trustRoots[0].notAfter", TrustRootEndsSoon),
                "the last moment",
            ),
            (
                one(null.clone(), "2030-01-30T23:59:59Z".into()),
                &quiet,
                "2030-01-01T00:00:00Z",
                at(".trustRoots[0].notAfter", TrustRootEndsSoon),
                "within 30 days",
            ),
            (one(null.clone(), "2030-01-31T00:00:00Z".into()), &quiet, "2030-01-01T00:00:00Z", vec![], "in 30 days"),
            (
                one("2030-01-01T00:00:01Z".into(), null.clone()),
                &quiet,
                "2030-01-01T00:00:00Z",
                at(".trustRoots[0].notBefore", TrustRootNotYet),
                "in a second",
            ),
            (one("2030-01-01T00:00:00Z".into(), null.clone()), &quiet, "2030-01-01T00:00:00Z", vec![], "from now on"),
            (
                one("2030-01-02T00:00:00Z".into(), "2030-01-03T00:00:00Z".into()),
                &quiet,
                "2030-01-01T00:00:00Z",
                at(".trustRoots[0].notBefore", TrustRootNotYet),
                "both are near",
            ),
            (
                json!({"trustRoots": [key("a", ALICE, null.clone(), "2029-01-01T00:00:00Z".into()), key("b", BOB, "2029-01-01T00:00:00Z".into(), null.clone())]}),
                &quiet,
                "2030-01-01T00:00:00Z",
                at(".trustRoots[0].notAfter", TrustRootIsOver),
                "after a rotation",
            ),
            (keyless.clone(), &none, &day_180, vec![], "180 days"),
            (keyless.clone(), &none, &day_181, old(), "181 days"),
            (keyless.clone(), &none, &day_365, old(), "365 days"),
            (keyless.clone(), &none, &day_366, at("", OutdatedPublicGoodRoot), "366 days"),
            (keyless.clone(), &none, "2020-01-01T00:00:00Z", vec![], "a clock that is late"),
            (with(&[("rekorPubkey", ALICE.into())]), &none, &day_200, old(), "one part of another instance"),
            (
                with(&[("rekorPubkey", ALICE.into()), ("ctLogPubkey", BOB.into()), ("fulcioCert", CA.into())]),
                &none,
                &day_200,
                vec![],
                "another instance",
            ),
            (one(null.clone(), null.clone()), &quiet, &day_200, vec![], "a key needs nobody"),
            (one(null.clone(), null.clone()), &logged, &day_200, old(), "but its log entry needs the log"),
            (
                json!({"trustRoots": one(null.clone(), null.clone())["trustRoots"], "host": {"rekorPubkey": BOB}}),
                &logged,
                &day_200,
                vec![],
                "which is another one",
            ),
            (
                keyless.clone(),
                &not_seen,
                FRESH,
                vec![("policy[0].with.verifySCT".to_owned(), NoCtLog)],
                "certificates in secret",
            ),
            (
                json!({"trustRoots": [{"name": "a", "certificate": {"ca": CA, "subject": "s"}}]}),
                &not_seen,
                FRESH,
                vec![],
                "own CAs need no CT log",
            ),
        ];
        for (validator, with, now, expected, why) in rows {
            assert_eq!(found(validator, with.clone(), now), expected, "{why}");
        }
    }

    /// A CA.
    const CA: &str = include_str!("../../../tests/samples/own-ca.pem");
}
