//! Which names does no certificate have, and which ones are left alone?

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use image_trust::policy::check;

use super::{Known, Names};
use crate::lint;

/// What is found in a keyless trust root with these names, by key and what to do.
fn found(keyless: &serde_json::Value) -> Vec<(String, String)> {
    let settings = json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "keyless": keyless}]}],
        "policy": [{"pattern": "ghcr.io/acme/*"}],
    });
    assert_eq!(check(&settings.to_string()), [], "{keyless}");
    let found = lint(&settings.to_string(), image_trust::time::UnixTime::default()).into_iter();
    let found = found.filter(|finding| finding.lint.word() == "nobody-has-the-name");
    found.map(|finding| (finding.path.rsplit('.').next().unwrap_or_default().to_owned(), finding.instead)).collect()
}

#[test]
fn names_that_nobody_has() {
    let github = "https://token.actions.githubusercontent.com";
    let workflow = "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main";
    let of = |subject: &str| json!({"issuer": github, "subject": subject});
    let by = |issuer: &str| json!({"issuer": issuer, "subject": "a@acme.example"});
    let matching = |expression: &str| json!({"issuer": github, "subjectRegex": expression});
    // the names, the key that is found and a part of what to do, the reason
    let rows = [
        (of(workflow), None, "a workflow"),
        (by("https://accounts.google.com"), None, "an address"),
        (of("a@acme.example"), Some(("subject", "github: {owner")), "an address, by an issuer that has none"),
        (of("https://github.com/acme/app"), Some(("subject", "github: {owner")), "a repository"),
        (
            of("https://github.com/acme/app/.github/workflows/r.yml"),
            Some(("subject", "github: {owner")),
            "no reference",
        ),
        (of("mailto:a@acme.example"), Some(("subject", "address")), "a URL of an address"),
        (of("$SUBJECT"), Some(("subject", "alone")), "a variable"),
        (by("http://accounts.google.com"), Some(("issuer", "write `https://accounts.google.com`")), "another scheme"),
        (by("https://Accounts.Google.com"), Some(("issuer", "write `https://accounts.google.com`")), "upper case"),
        (
            matching(r"^https:\\/\\/github\\.com$"),
            Some(("subjectRegex", "one backslash")),
            "backslashes for another quoting",
        ),
        (
            matching("^repo:acme/app:.*$"),
            Some(("subjectRegex", "github: {owner: acme, repo: app}")),
            "a claim in an expression",
        ),
        (
            json!({"issuerRegex": "^https://gitlab.com/$", "subject": "a@acme.example"}),
            Some(("issuerRegex", "write `https://gitlab.com`")),
            "a slash too many",
        ),
        (
            json!({"issuerRegex": "^token.actions.githubusercontent.com$", "subject": "a@acme.example"}),
            Some(("issuerRegex", "write `https://token")),
            "no scheme",
        ),
        (
            of("https://github.com/acme/*"),
            Some(("subject", "subjectPrefix: https://github.com/acme/")),
            "a star of a shell",
        ),
        (of("*@acme.example"), Some(("subject", r"subjectRegex: ^[^@]+@acme\.example$")), "any address of a domain"),
        (of("https://*.acme.example/x"), Some(("subject", "subjectRegex")), "a star in the middle"),
        (
            of("repo:acme/app:ref:refs/heads/main"),
            Some(("subject", "github: {owner: acme, repo: app}")),
            "a claim of a token",
        ),
        (of("project_path:acme/app:ref_type:branch:ref:main"), Some(("subject", "cosign verify")), "one of GitLab's"),
        (of("system:serviceaccount:ns:name"), Some(("subject", "cosign verify")), "one of Kubernetes'"),
        (of(r"^https://github\.com/acme/.*$"), Some(("subject", "subjectRegex: ^")), "an expression"),
        (of(" a@acme.example"), Some(("subject", "white space")), "a blank"),
        (by("https://accounts.google.com"), None, "an issuer"),
        (by("https://gitlab.com/"), Some(("issuer", "write `https://gitlab.com`")), "a final slash"),
        (by("https://token.actions.githubusercontent.com/"), Some(("issuer", "githubusercontent.com`")), "another"),
        (by("https://sts.windows.net/8a1b/"), None, "an issuer that has one"),
        (by("token.actions.githubusercontent.com"), Some(("issuer", "write `https://token")), "no scheme"),
        (by("idp.acme.example"), Some(("issuer", "https://idp.acme.example")), "no scheme, of somebody unknown"),
        (by("https://github.com"), Some(("issuer", "write `https://token")), "GitHub itself"),
        (by("https://*.acme.example"), Some(("issuer", "issuerRegex")), "a star"),
        (json!({"issuer": workflow, "subject": github}), Some(("issuer", "swap")), "swapped"),
        (
            json!({"issuer": "a@acme.example", "subject": "https://accounts.google.com"}),
            Some(("issuer", "swap")),
            "swapped",
        ),
        (
            json!({"issuer": github, "subjectPrefix": "https://github.com/acme/*/"}),
            Some(("subjectPrefix", "before it")),
            "a star",
        ),
        (matching(r"^https://github\.com/acme/.*$"), None, "any text"),
        (matching("^https://github.com/acme/*$"), Some(("subjectRegex", "`/.*`")), "slashes without an end"),
        (
            matching(r"^https://github\.com/acme/*@refs/heads/main$"),
            Some(("subjectRegex", "`/.*`")),
            "the same in the middle",
        ),
        (
            json!({"issuer": "https://gitlab.com", "subjectRegex": r"^https://gitlab\.com/+acme/[*]$"}),
            None,
            "a star that is one",
        ),
        (matching("^a$b$"), Some(("subjectRegex", r"`\$`")), "an end in the middle"),
        (matching("^a^b$"), Some(("subjectRegex", r"`\^`")), "a beginning in the middle"),
        (matching(r"^https://github\.com/acme/[^]$]+$"), None, "a class that begins with a bracket"),
        (matching(r"^https://github\.com/acme/*[^/]+/\.github/.*$"), None, "slashes before something"),
        (
            matching(r"^(?:https://github.com/acme$/x)$"),
            Some(("subjectRegex", r"`\$`")),
            "an end in a group, and no flags",
        ),
        (
            of(r"https://github\.com/acme/.*"),
            Some(("subject", r"subjectRegex: ^https://github\.com/acme/.*$`")),
            "an expression without ends",
        ),
        (of("*@*.acme.example"), Some(("subject", "from `^` to `$`")), "two stars"),
        (of("https://*"), Some(("subject", "from `^` to `$`")), "no host"),
        (of("repo:acme/*"), Some(("subject", "github: {owner: acme}")), "every repository"),
        (
            json!({"issuer": "https://github.com/login/oauth", "subject": "https://accounts.google.com"}),
            Some(("subject", "cosign verify")),
            "two issuers are not swapped, and a person has an address",
        ),
        (
            json!({"issuerRegex": "^https://gitlab.com/*$", "subject": "a@acme.example"}),
            None,
            "no slash is any number of slashes, too",
        ),
    ];
    for (keyless, expected, why) in rows {
        let found = found(&keyless);
        match (expected, found.as_slice()) {
            (None, []) => {}
            (Some((key, instead)), [(path, says)]) if path == key && says.contains(instead) => {}
            _ => panic!("{why}: {keyless}: {found:?}"),
        }
    }
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";
const GOOGLE: &str = "https://accounts.google.com";

/// Expressions, and the reasons why certificates do or don't have such names.
#[test]
fn expressions_that_match_no_name() {
    let of = |issuer: &str, expression: &str| json!({"issuer": issuer, "subjectRegex": expression});
    let by = |expression: &str| json!({"issuerRegex": expression, "subject": "a@acme.example"});
    // the names, the key that is found and a part of what to do, the reason
    let rows = [
        (of(GITLAB, "^$"), "subjectRegex", "cosign verify", "an empty name"),
        (of(GITLAB, r"^[^\s\S]$"), "subjectRegex", r"`\$`", "a character that there is not"),
        (of(GITLAB, r"^a\zb$"), "subjectRegex", r"`\$`", "an end before the end"),
        (of(GITLAB, r"^https://a\b\Bb$"), "subjectRegex", r"`\$`", "a word that ends and does not"),
        (of(GITLAB, r"^ https://gitlab\.com/acme/.*$"), "subjectRegex", "white space", "a blank before it"),
        (of(GITLAB, r"^https://gitlab\.com/acme/.* $"), "subjectRegex", "white space", "a blank behind it"),
        (of(GITLAB, r"^gitlab\.com/acme/.*$"), "subjectRegex", "https://", "no scheme"),
        (of(GITHUB, r"^github\.com/acme/.*$"), "subjectRegex", "github: {owner", "no scheme"),
        (of(GITLAB, r"^acme/app$"), "subjectRegex", "https://", "a path"),
        (of(GOOGLE, r"^*@acme\.example$"), "subjectRegex", "cosign verify", "any number of beginnings, and no name"),
        (of(GITLAB, r"^mailto:.*@acme\.example$"), "subjectRegex", "cosign verify", "the URL of an address"),
        (of(GITLAB, r"^(?m)a@b$\n^c@d$"), "subjectRegex", "cosign verify", "two lines"),
        (
            of(GITLAB, r"^https:\\/\\/gitlab\\.com\\/.*$"),
            "subjectRegex",
            "one backslash",
            "backslashes for another quoting",
        ),
        (
            of(GOOGLE, r"^https://github\.com/acme/app/\.github/workflows/r\.yml@.*$"),
            "subjectRegex",
            "address",
            "a workflow, of Google",
        ),
        (of(GITHUB, r"^[^/]+@acme\.example$"), "subjectRegex", "github: {owner", "an address, of workflows"),
        (of(GITHUB, r"^https://github\.com/acme/app$"), "subjectRegex", "github: {owner", "a repository"),
        (of(GITHUB, r"^https://gitlab\.com/.*$"), "subjectRegex", "github: {owner", "another host"),
        (by(r"^token\.actions\.githubusercontent\.com$"), "issuerRegex", "https://", "no scheme"),
        (by(r"^(gitlab\.com|accounts\.google\.com)$"), "issuerRegex", "https://", "twice no scheme"),
        (by(r"^https://idp\.acme\.example $"), "issuerRegex", "white space", "a blank"),
        (by("^ldap://.*$"), "issuerRegex", "https://", "another scheme"),
        (
            json!({"issuer": GITLAB, "subjectPrefix": "^https://gitlab.com/acme/"}),
            "subjectPrefix",
            "cosign verify",
            "a prefix is no expression",
        ),
        (json!({"issuer": GITLAB, "subjectPrefix": "ht tps://gitlab.com/"}), "subjectPrefix", "white space", "a blank"),
        (
            json!({"issuer": GOOGLE, "subjectPrefix": "https://github.com/acme/"}),
            "subjectPrefix",
            "address",
            "paths, of Google",
        ),
        (
            json!({"issuer": "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main", "subjectRegex": r"^https://token\.actions\.githubusercontent\.com$"}),
            "issuer",
            "swap",
            "swapped, and one is an expression",
        ),
        (
            json!({"issuerRegex": r"^https://github\.com/acme/app/\.github/workflows/.*@.*$", "subject": GITHUB}),
            "issuerRegex",
            "swap",
            "the other one is",
        ),
        (
            json!({"issuerRegex": r"^[a-z]+@acme\.example$", "subjectRegex": r"^https://accounts\.google\.com$"}),
            "issuerRegex",
            "swap",
            "both are",
        ),
        (
            json!({"issuer": GOOGLE, "subject": "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main"}),
            "subject",
            "address",
            "a workflow, of Google",
        ),
    ];
    for (keyless, key, instead, why) in rows {
        let found = found(&keyless);
        let [(path, says)] = found.as_slice() else { panic!("{why}: {keyless}: {found:?}") };
        assert!(path == key && says.contains(instead), "{why}: {keyless}: {found:?}");
    }
}

#[test]
fn expressions_that_match_some_name_are_left_alone() {
    let rows = [
        (GITHUB, r"^https://github\.com/acme/.*$", "any text"),
        (
            GITHUB,
            r"^https://github\.com/acme/app/\.github/workflows/release\.yml@refs/(heads/main|tags/v[0-9.]+)$",
            "alternatives",
        ),
        (GITHUB, r"^(?:https://github\.com/acme/a/.+|https://github\.com/acme/b/.+)$", "whole ones"),
        (GITHUB, r"^(?i)HTTPS://GITHUB\.COM/ACME/.*$", "in any case"),
        (GITHUB, "^(?x) https://github\\.com/acme/ .* # all of ours\n$", "a comment"),
        (
            GITHUB,
            "^https://github.com/acme/[^/]+/.github/workflows/[^@]+@refs/heads/main$",
            "dots that are any character",
        ),
        (GITHUB, r"^https?://github\.com/acme/.*$", "an optional letter"),
        (GITHUB, r"^(https://)?github\.com/acme/.*$", "an optional scheme"),
        (GITHUB, r"\Ahttps://github\.com/acme/.*\z", "other ends"),
        (GITHUB, r"^^https://github\.com/acme/.*$$", "ends twice"),
        (GITHUB, r"^(?:^https://github\.com/a/.*$|^https://github\.com/b/.*$)$", "ends of alternatives"),
        (GITHUB, r"^(?m)https://github\.com/acme/.*$", "lines, of which there is one"),
        (GITHUB, r"^https://github\.com/[a-z/*_-]+/\.github/workflows/.*$", "a class"),
        (GITHUB, r"^https://github\.com/acme/\bapp\b/.*$", "words"),
        (GITHUB, r"^https://github\.com/acme/(a|b){1,3}/.*$", "repetitions"),
        (GITHUB, r"^.*$", "everything, which is told otherwise"),
        (GITHUB, r"^.*@acme\.example$", "a reference can be called like that"),
        (GITLAB, r"^https://gitlab\.com/acme/app//\.gitlab-ci\.yml@refs/tags/v[0-9.]+$", "a pipeline"),
        (GITLAB, r"^[^/:@]+@acme\.example$", "addresses"),
        (GITLAB, r"^(alice|bob)@acme\.example$", "two of them"),
        (GITLAB, r"^spiffe://acme\.example/ns/[^/]+/sa/builder$", "another scheme"),
        (GITLAB, r"^[a-z]+!acme\.example$", "user names"),
        (GITLAB, r"^team/[a-z]+!acme\.example$", "user names with a slash"),
        (GITLAB, "^é@acme[.]example$", "what is beyond ASCII is not searched"),
        (GITLAB, r"^[^a-z]+@acme\.example$", "a class that has more than ASCII"),
        (GITLAB, r"^\W@acme\.example$", "another"),
        (GITLAB, r"^(?:[a-f]{1,9}x){1,9}@acme\.example$", "what takes long is not searched, or it has a name"),
        (GOOGLE, r"^[a-z.]+@acme\.example$", "a person"),
        ("https://idp.acme.example", r"^https://ci\.acme\.example/.+$", "another instance"),
    ];
    for (issuer, expression, why) in rows {
        let found = found(&json!({"issuer": issuer, "subjectRegex": expression}));
        assert_eq!(found, [], "{why}: {expression}");
    }
    let issuers = [
        (r"^https://gitlab\.(com|acme\.example)$", "two of them"),
        (r"^https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com/id/[0-9A-F]+$", "many"),
        (r"^https?://.+$", "any"),
        (r"^(?i)https://GitLab\.com$", "in any case"),
        (r"^https://sts\.windows\.net/[0-9a-f-]+/$", "one with a final slash"),
        (r"^.*$", "everything, which is told otherwise"),
    ];
    for (expression, why) in issuers {
        assert_eq!(found(&json!({"issuerRegex": expression, "subject": "a@acme.example"})), [], "{why}: {expression}");
    }
}

static KNOWN: LazyLock<Known> = LazyLock::new(Known::new);

/// Names that certificates can have, by their kind.
fn name() -> impl Strategy<Value = (Names, String)> {
    let workflow = "https://github\\.com/[a-z]{1,4}/[a-z]{1,4}/\\.github/workflows/[a-z]{1,4}\\.yml@refs/(heads|tags)/[a-z0-9.]{1,4}";
    let people = "[a-z.+_]{1,6}@[a-z]{1,4}\\.[a-z]{2}|[a-z.]{1,5}![a-z]{1,4}\\.[a-z]{2}";
    let uri = "(https|spiffe|x-y)://[a-zA-Zéß0-9.~%:@/?#$^*()-]{1,12}";
    let issuer = "https?://[a-z0-9.]{1,8}(:[0-9]{2})?(/[a-zé0-9-]{0,4}){0,2}";
    prop_oneof![
        workflow.prop_map(|name| (Names::Workflows, name)),
        people.prop_map(|name| (Names::People, name)),
        people.prop_map(|name| (Names::Subjects, name)),
        workflow.prop_map(|name| (Names::Subjects, name)),
        uri.prop_map(|name| (Names::Subjects, name)),
        issuer.prop_map(|name| (Names::Issuers, name)),
    ]
}

/// Parts of expressions, each for a character of a name.
fn part(c: char, way: u8) -> String {
    let itself = regex_lite::escape(&c.to_string());
    match way {
        0 => ".".to_owned(),
        1 => format!("(?:{itself})"),
        2 => format!("[^\\n{}]", if c == 'q' { 'z' } else { 'q' }),
        3 => format!("(?i:{itself})"),
        4 => format!("{itself}?"),
        5 => format!("{itself}*"),
        6 => ".*".to_owned(),
        7 => format!("(?:zzz|{itself})"),
        8 => format!("(?s-m:{itself})"),
        9 => r"\S".to_owned(),
        10 => format!("{itself}\\b{{0}}"),
        11 => format!("{itself}(?:$)?"),
        12 => r"[\w\W]".to_owned(),
        13 => format!("{itself}{{1,2}}"),
        _ => itself,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3_000, ..ProptestConfig::default() })]

    /// Of an expression that matches a name of a certificate nothing is said, however it is written.
    #[test]
    fn what_matches_a_name_is_not_found((names, name) in name(), ways in prop::collection::vec(0u8..30, 80), cut in 0usize..4) {
        let chars: Vec<char> = name.chars().collect();
        let mut expression: String = chars.iter().zip(&ways).map(|(c, way)| part(*c, *way)).collect();
        if cut == 0 {
            expression = format!("zzz|{expression}");
        }
        let Ok(regex) = regex_lite::Regex::new(&format!(r"\A(?:{expression})\z")) else { return Ok(()) };
        if regex.is_match(&name) {
            prop_assert!(!KNOWN.has_none(&expression, names), "{expression} matches {name}");
        }
    }
}
