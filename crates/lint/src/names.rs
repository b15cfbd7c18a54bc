//! Which names of a keyless trust root does no certificate have?
//!
//! Such a trust root counts for nobody, and the rules that need it deny everything. That an expression matches no name is proven ([`proof`]). What was meant
//! is often plain from its form: a `*` of a shell, the claim of a token, an issuer without its scheme.

mod proof;
#[cfg(test)]
mod tests;

use super::{Finding, Lint};
use image_trust::{
    json::Text,
    policy::{settings::Keyless, validator::is_prefix},
    sigstore::{Anchored, GITHUB_ISSUER, RegexError},
    text::Shown,
};
pub(super) use proof::Known;
use proof::Names;

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

/// Those of them that vouch for people, by their e-mail addresses (Fulcio, `config/identity/config.yaml`).
const OF_PEOPLE: [&str; 3] =
    ["https://accounts.google.com", "https://github.com/login/oauth", "https://login.microsoftonline.com"];

/// The beginnings of the `sub` claim of tokens for workflows (GitHub, "Example subject claims"; GitLab, "ID token payload").
const CLAIMS: [&str; 4] = ["repo:", "project_path:", "organization:", "system:serviceaccount:"];

/// How settings say which names they want.
#[derive(Clone, Copy)]
enum Form {
    /// The text is this one.
    Is,
    /// Those that an expression matches.
    Matches,
    /// Those that begin so.
    Begins,
}

/// What settings say of an issuer or a subject: the key, the form and the text.
struct Said {
    key: &'static str,
    form: Form,
    text: String,
}

impl Said {
    /// The one of these keys that is there. Settings with two of them are refused.
    fn of(keys: [(&'static str, Form, &Option<Text<'_>>); 3]) -> Option<Said> {
        let said = |(key, form, text): (&'static str, Form, &Option<Text<'_>>)| {
            text.as_ref().map(|Text(text)| Said { key, form, text: text.to_string() })
        };
        keys.into_iter().find_map(said)
    }

    /// The expression that matches the same names.
    fn expression(&self) -> String {
        match self.form {
            Form::Is => escaped(&self.text),
            Form::Matches => self.text.clone(),
            Form::Begins => format!(r"{}[\s\S]*", escaped(&self.text)),
        }
    }
}

/// An expression that matches this text only.
fn escaped(text: &str) -> String {
    let escape = |c: char| match r"\.+*?()|[]{}^$#&-~".contains(c) {
        true => format!("\\{c}"),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// What is certainly wrong with the names of the trust root at this path.
pub(super) fn lint(path: &str, keyless: &Keyless<'_>, known: &Known) -> Vec<Finding> {
    let Keyless { issuer, issuer_regex, subject, subject_regex, subject_prefix, claims: _ } = keyless;
    let issuer =
        Said::of([("issuer", Form::Is, issuer), ("issuerRegex", Form::Matches, issuer_regex), ("", Form::Is, &None)]);
    let subject = Said::of([
        ("subject", Form::Is, subject),
        ("subjectRegex", Form::Matches, subject_regex),
        ("subjectPrefix", Form::Begins, subject_prefix),
    ]);
    let (Some(issuer), Some(subject)) = (issuer, subject) else { return Vec::new() };
    let find = |said: &Said, (what, instead): (String, String)| {
        Finding::new(format!("{path}.keyless.{}", said.key), Lint::NobodyHasTheName, what, instead)
    };
    if are_swapped(&issuer, &subject, known) {
        let what = format!(
            "`{}` is \"{}\" and `{}` is \"{}\": the two look swapped",
            subject.key,
            Shown(&subject.text),
            issuer.key,
            Shown(&issuer.text)
        );
        return vec![find(&issuer, (what, "swap `issuer` and `subject`".to_owned()))];
    }
    let of_issuer = wrong_issuer(&issuer).or_else(|| nobody(&issuer, Names::Issuers, known));
    let names = match (issuer.form, issuer.text.as_str()) {
        (Form::Is, GITHUB_ISSUER) => Names::Workflows,
        (Form::Is, text) if OF_PEOPLE.contains(&text) => Names::People,
        _ => Names::Subjects,
    };
    let of_subject = wrong_subject(&subject, names).or_else(|| nobody(&subject, names, known));
    let found = [(&issuer, of_issuer), (&subject, of_subject)];
    found.into_iter().filter_map(|(said, wrong)| Some(find(said, wrong?))).collect()
}

/// Does one of the two have the form of the other one, and the other one not?
fn are_swapped(issuer: &Said, subject: &Said, known: &Known) -> bool {
    let is_subject = |said: &Said| match said.form {
        Form::Is => is_subject(&said.text),
        _ => known.has_none(&said.expression(), Names::Issuers) && known.has_some(&said.expression(), Names::Subjects),
    };
    let is_issuer = |said: &Said| match said.form {
        Form::Is => is_issuer(&said.text),
        _ => {
            known.has_none(&said.expression(), Names::Subjects)
                && known.has_some(&said.expression(), Names::KnownIssuers)
        }
    };
    (is_subject(issuer) && !is_subject(subject)) || (is_issuer(subject) && !is_issuer(issuer))
}

/// What is wrong with an expression or a prefix that certainly matches no name of this kind.
fn nobody(said: &Said, names: Names, known: &Known) -> Option<(String, String)> {
    let expression = said.expression();
    if !known.has_none(&expression, names) {
        return None;
    }
    let text = &said.text;
    let hint = matches!(said.form, Form::Matches).then(|| wrong_expression(text)).flatten();
    Some(hint.unwrap_or_else(|| match (known.has_none(&expression, Names::Any), names) {
        (true, _) => (
            "it matches no text at all".to_owned(),
            "write `^` only at the beginning and `$` only at the end; the characters themselves are `\\^` and `\\$`".to_owned(),
        ),
        (false, Names::Issuers) => (
            "an issuer is a URL, and this matches none".to_owned(),
            "write the issuer as its tokens have it (`iss`), from `https://` on".to_owned(),
        ),
        (false, Names::Workflows) => no_workflow(),
        (false, Names::People) => (
            "this issuer vouches for e-mail addresses, and this matches none".to_owned(),
            "write the address as `cosign verify` prints it (`Subject`)".to_owned(),
        ),
        (false, _) => (
            "the name in a certificate is a URI with its scheme, an e-mail address or `name!domain`, and this matches none"
                .to_owned(),
            "write the name as `cosign verify` prints it (`Subject`), as in `^https://github\\.com/acme/.*$`".to_owned(),
        ),
    }))
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

/// Is this the name of a workflow of GitHub?
fn is_workflow(subject: &str) -> bool {
    subject.starts_with("https://github.com/") && subject.contains("/.github/workflows/") && subject.contains('@')
}

fn no_workflow() -> (String, String) {
    let what = "this issuer vouches for workflows of GitHub only, and this is not the name of one".to_owned();
    let instead = "use `github: {owner: …, repo: …}` in place of `keyless`, or write `https://github.com/OWNER/REPO/.github/workflows/FILE@refs/heads/BRANCH`";
    (what, instead.to_owned())
}

/// What is known of issuers, beyond their form.
fn wrong_issuer(said: &Said) -> Option<(String, String)> {
    match said.form {
        Form::Matches => literal(&said.text).and_then(wrong_issuer_text),
        _ => wrong_issuer_text(&said.text),
    }
}

/// What is known of subjects, beyond their form.
fn wrong_subject(said: &Said, names: Names) -> Option<(String, String)> {
    match said.form {
        Form::Is => wrong_subject_text(&said.text)
            .or_else(|| (matches!(names, Names::Workflows) && !is_workflow(&said.text)).then(no_workflow)),
        Form::Matches => claim(said.text.trim_start_matches('^')),
        Form::Begins => wrong_prefix(&said.text),
    }
}

fn wrong_issuer_text(issuer: &str) -> Option<(String, String)> {
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

fn wrong_subject_text(subject: &str) -> Option<(String, String)> {
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

/// Why an expression matches no name, where it has a mistake that people often make.
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
    let inner = expression.trim_start_matches('^').trim_end_matches('$');
    blank(inner).filter(|_| inner.trim() != inner)
}

fn star() -> String {
    "it is compared as it stands, and no certificate has a `*` in its name".to_owned()
}

fn blank(text: &str) -> Option<(String, String)> {
    text.chars().any(char::is_whitespace).then(|| {
        ("it contains white space, which no issuer or subject has".to_owned(), "remove the white space".to_owned())
    })
}
