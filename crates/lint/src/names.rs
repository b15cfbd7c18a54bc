//! Which names of a keyless trust root does no certificate have?
//!
//! Settings say one name or one expression, and what was meant is often plain from its form: a `*` of a shell, the claim of a token, an issuer without its
//! scheme. Such a trust root counts for nobody, and the rules that need it deny everything.

use super::{Finding, Lint};
use image_trust::{
    json::Text,
    policy::{settings::Keyless, validator::is_prefix},
    sigstore::{Anchored, GITHUB_ISSUER, RegexError},
    text::Shown,
};

/// Issuers of the public-good instance, as its certificates write them (Fulcio, "OIDC Issuers").
const ISSUERS: [&str; 7] = [
    GITHUB_ISSUER,
    "https://gitlab.com",
    "https://accounts.google.com",
    "https://github.com/login/oauth",
    "https://login.microsoftonline.com",
    "https://oauth2.sigstore.dev/auth",
    "https://agent.buildkite.com",
];

/// The beginnings of the `sub` claim of tokens for workflows (GitHub, "Example subject claims"; GitLab, "ID token payload").
const CLAIMS: [&str; 4] = ["repo:", "project_path:", "organization:", "system:serviceaccount:"];

/// What is certainly wrong with the names of the trust root at this path.
pub(super) fn lint(path: &str, keyless: &Keyless<'_>) -> Vec<Finding> {
    let text = |text: &'_ Option<Text<'_>>| text.as_ref().map(|Text(text)| text.to_string());
    let (issuer, subject) = (text(&keyless.issuer), text(&keyless.subject));
    let mut found = Vec::new();
    let mut find = |key: &str, wrong: Option<(String, String)>| {
        found.extend(wrong.map(|(what, instead)| {
            Finding::new(format!("{path}.keyless.{key}"), Lint::NobodyHasTheName, what, instead)
        }));
    };
    let of = |text: &Option<String>, is: fn(&str) -> bool| text.as_deref().is_some_and(is);
    let is_swapped =
        (of(&issuer, is_subject) && !of(&subject, is_subject)) || (of(&subject, is_issuer) && !of(&issuer, is_issuer));
    if let (true, Some(issuer), Some(subject)) = (is_swapped, &issuer, &subject) {
        let what =
            format!("`subject` is \"{}\" and `issuer` is \"{}\": the two look swapped", Shown(subject), Shown(issuer));
        find("issuer", Some((what, "swap `issuer` and `subject`".to_owned())));
        return found;
    }
    find("issuer", issuer.as_deref().and_then(wrong_issuer));
    let of_github = |subject: &str| (issuer.as_deref() == Some(GITHUB_ISSUER)).then(|| no_workflow(subject)).flatten();
    find("subject", subject.as_deref().and_then(|subject| wrong_subject(subject).or_else(|| of_github(subject))));
    find("subjectPrefix", text(&keyless.subject_prefix).as_deref().and_then(wrong_prefix));
    let of_issuer = |expression: &str| literal(expression).and_then(wrong_issuer);
    let of_subject = |expression: &str| claim(expression.trim_start_matches('^'));
    find(
        "issuerRegex",
        text(&keyless.issuer_regex).as_deref().and_then(|text| wrong_expression(text).or_else(|| of_issuer(text))),
    );
    find(
        "subjectRegex",
        text(&keyless.subject_regex).as_deref().and_then(|text| of_subject(text).or_else(|| wrong_expression(text))),
    );
    found
}

fn is_subject(issuer: &str) -> bool {
    issuer.contains("/.github/workflows/") || (issuer.contains('@') && !issuer.contains("://"))
}

fn is_issuer(subject: &str) -> bool {
    ISSUERS.contains(&subject.trim_end_matches('/'))
}

/// The one text that an expression matches, if it is plain. A dot that is one may stand for any character.
fn literal(expression: &str) -> Option<&str> {
    let text = expression.strip_prefix('^')?.strip_suffix('$')?;
    text.chars().all(|c| c.is_ascii_alphanumeric() || "/:._-".contains(c)).then_some(text)
}

/// A name that no workflow of GitHub has, although GitHub vouches for workflows only.
fn no_workflow(subject: &str) -> Option<(String, String)> {
    let is_workflow =
        subject.starts_with("https://github.com/") && subject.contains("/.github/workflows/") && subject.contains('@');
    (!is_workflow).then(|| {
        let what = "this issuer vouches for workflows of GitHub only, and this is not the name of one".to_owned();
        let instead = "use `github: {owner: …, repo: …}` in place of `keyless`, or write `https://github.com/OWNER/REPO/.github/workflows/FILE@refs/heads/BRANCH`";
        (what, instead.to_owned())
    })
}

fn wrong_issuer(issuer: &str) -> Option<(String, String)> {
    let known = |text: &str| ISSUERS.iter().copied().find(|known| *known == text);
    let bare = issuer.trim_end_matches('/');
    let folded = bare.to_ascii_lowercase().replace("http://", "https://");
    if let Some(known) = known(&folded).filter(|_| folded != bare) {
        return Some((
            "issuers are compared as they stand, and this one is written otherwise".to_owned(),
            format!("write `{known}`"),
        ));
    }
    if let Some(known) = known(bare).filter(|known| *known != issuer) {
        return Some(("the certificates of this issuer have no final slash".to_owned(), format!("write `{known}`")));
    }
    if ["https://github.com", "https://github.com/actions"].contains(&bare) {
        let what = "this URL is not an issuer of GitHub".to_owned();
        return Some((
            what,
            format!("write `{GITHUB_ISSUER}` for workflows, `https://github.com/login/oauth` for people"),
        ));
    }
    if issuer.contains('*') {
        return Some((star(), "use `issuerRegex`, from `^` to `$`".to_owned()));
    }
    if !issuer.contains("://") {
        let instead = known(&format!("https://{bare}")).map_or_else(
            || format!("write the issuer as its tokens have it (`iss`), as in `https://{}`", Shown(bare)),
            |known| format!("write `{known}`"),
        );
        return Some(("an issuer is a URL, and this is none".to_owned(), instead));
    }
    blank(issuer)
}

/// A name that is the `sub` claim of a token.
fn claim(subject: &str) -> Option<(String, String)> {
    CLAIMS.iter().find(|claim| subject.starts_with(**claim))?;
    let what = "this is the `sub` claim of a token; a certificate has the URL of the workflow instead".to_owned();
    let instead = match subject.strip_prefix("repo:").and_then(|rest| rest.split(':').next()?.split_once('/')) {
        Some((owner, "*")) => format!("use `github: {{owner: {}}}` in place of `keyless`", Shown(owner)),
        Some((owner, repo)) => format!(
            "use `github: {{owner: {}, repo: {}}}` in place of `keyless`; as a name it is `https://github.com/{}/{}/.github/workflows/FILE@refs/heads/BRANCH`",
            Shown(owner),
            Shown(repo),
            Shown(owner),
            Shown(repo)
        ),
        None => "write the name as `cosign verify` prints it (`Subject`)".to_owned(),
    };
    Some((what, instead))
}

fn wrong_subject(subject: &str) -> Option<(String, String)> {
    if let Some(claim) = claim(subject) {
        return Some(claim);
    }
    if subject.starts_with('^') || subject.ends_with('$') || subject.contains("\\.") {
        let what = "this is an expression, and `subject` is compared as it stands".to_owned();
        let expression = match Anchored::read(subject) {
            Ok(_) => Some(subject.to_owned()),
            Err(RegexError::Loose(advised)) => advised,
            Err(_) => None,
        };
        let printable = expression.filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        let instead = printable
            .map_or("use `subjectRegex`, from `^` to `$`".to_owned(), |text| format!("use `subjectRegex: {text}`"));
        return Some((what, instead));
    }
    if let Some(prefix) = subject.strip_suffix('*').filter(|prefix| is_prefix(prefix) && !prefix.contains('*')) {
        return Some((star(), format!("use `subjectPrefix: {}`", Shown(prefix))));
    }
    let is_domain = |domain: &&str| domain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if let Some(domain) = subject.strip_prefix("*@").filter(is_domain) {
        return Some((star(), format!("use `subjectRegex: ^[^@]+@{}$`", domain.replace('.', "\\."))));
    }
    if subject.starts_with("mailto:") || subject.starts_with('$') {
        let what = "no certificate has such a name".to_owned();
        return Some((what, "write the address or the URL alone, as `cosign verify` prints it (`Subject`)".to_owned()));
    }
    if subject.contains('*') {
        return Some((star(), "use `subjectRegex`, from `^` to `$`".to_owned()));
    }
    blank(subject)
}

fn wrong_prefix(prefix: &str) -> Option<(String, String)> {
    match prefix.contains('*') {
        true => Some((star(), "end the prefix before it, or use `subjectRegex`".to_owned())),
        false => blank(prefix),
    }
}

/// What a shell would take for any text is something else in an expression, and a place that comes too early or too late is nowhere.
fn wrong_expression(expression: &str) -> Option<(String, String)> {
    let body = expression.trim_end_matches('$');
    if body.ends_with("/*") || body.contains("/*@") {
        let what = "`/*` is any number of slashes in an expression, and not any text".to_owned();
        return Some((what, "write `/.*` for any text behind a slash, `/[^/]+` for one part of a path".to_owned()));
    }
    if expression.contains("\\\\") {
        let what = "it has a doubled backslash, which matches a backslash, and no name has one".to_owned();
        return Some((what, "write one backslash; YAML needs two only in double quotes".to_owned()));
    }
    match misplaced(expression) {
        Some(c) => {
            let what = format!("it has a `{c}` in the middle, so it matches no name");
            Some((what, format!("remove the `{c}`, or write `\\{c}` for the character itself")))
        }
        None => None,
    }
}

/// A `^` or `$` that no name can reach: outside of a class, and not at an end of the expression, a group or an alternative.
fn misplaced(expression: &str) -> Option<char> {
    // In multi-line expressions both stand for more.
    let is_multi_line = |group: &str| group.split([':', ')', '<']).next().is_some_and(|flags| flags.contains('m'));
    if expression.split("(?").skip(1).any(is_multi_line) {
        return None;
    }
    let mut before = None;
    let mut in_class = false;
    let mut chars = expression.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '\\' => {
                chars.next();
            }
            '[' if !in_class => {
                in_class = true;
                // A bracket that comes first is itself one of the class.
                if chars.peek() == Some(&'^') {
                    chars.next();
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                }
            }
            ']' if in_class => in_class = false,
            _ if in_class => {}
            '^' if !matches!(before, None | Some('(' | '|' | '^' | ':')) => return Some('^'),
            '$' if !matches!(next, None | Some(')' | '|' | '$' | '?' | '*')) => return Some('$'),
            _ => {}
        }
        before = Some(c);
    }
    None
}

fn star() -> String {
    "it is compared as it stands, and no certificate has a `*` in its name".to_owned()
}

fn blank(text: &str) -> Option<(String, String)> {
    text.chars().any(char::is_whitespace).then(|| {
        ("it contains white space, which no issuer or subject has".to_owned(), "remove the white space".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use image_trust::policy::check;

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
            (
                by("http://accounts.google.com"),
                Some(("issuer", "write `https://accounts.google.com`")),
                "another scheme",
            ),
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
            (
                of("*@acme.example"),
                Some(("subject", r"subjectRegex: ^[^@]+@acme\.example$")),
                "any address of a domain",
            ),
            (of("https://*.acme.example/x"), Some(("subject", "subjectRegex")), "a star in the middle"),
            (
                of("repo:acme/app:ref:refs/heads/main"),
                Some(("subject", "github: {owner: acme, repo: app}")),
                "a claim of a token",
            ),
            (
                of("project_path:acme/app:ref_type:branch:ref:main"),
                Some(("subject", "cosign verify")),
                "one of GitLab's",
            ),
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
            (matching(r"^https://github\.com/+acme/[*]$"), None, "a star that is one"),
            (matching("^a$b$"), Some(("subjectRegex", r"`\$`")), "an end in the middle"),
            (matching("^a^b$"), Some(("subjectRegex", r"`\^`")), "a beginning in the middle"),
            (matching(r"^(?:^a$|^b$)$"), None, "ends of alternatives"),
            (matching(r"^[$^]a$"), None, "a class"),
            (matching(r"^https://github\.com/acme/[^]$]+$"), None, "a class that begins with a bracket"),
            (matching(r"^https://github\.com/acme/[a-z/*_-]+$"), None, "a class with both"),
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
                None,
                "two issuers are not swapped",
            ),
            (
                json!({"issuerRegex": "^https://gitlab.com/*$", "subject": "a@acme.example"}),
                Some(("issuerRegex", "`/.*`")),
                "an issuer's",
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
}
