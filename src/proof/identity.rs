//! Is a certificate made out to somebody who may sign?
//!
//! Texts are compared whole, as they stand in the certificate: nothing is folded, completed or searched for. A regular expression has to say where it begins
//! and where it ends, because one that does not is met by names that only contain what was meant.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use super::sigstore::{GITHUB, Leaf, Step};
use crate::{glob::glob, shown::Shown};

/// Longest regular expression, in bytes.
const MAX_REGEX: usize = 512;
/// Most memory of a compiled one, in bytes: some two thousand states, each of which can cost a step for every character of a name.
const MAX_COMPILED: usize = 100_000;
/// Deepest nesting of one.
const MAX_NESTED: u32 = 20;

/// Who vouches for workflows of GitHub (GitHub, "About security hardening with OpenID Connect").
pub(crate) const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Whose certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Who has this name; and if a certificate has to say so, by this issuer.
    Named {
        /// The issuer; any, and none as well, where there is nothing.
        issuer: Option<Wanted>,
        /// The name.
        subject: Wanted,
    },
    /// A workflow of GitHub.
    Workflow(Workflow),
}

/// A text that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This one.
    Is(String),
    /// One that matches, as a whole.
    Matches(Anchored),
    /// One that begins with this, which ends at a slash.
    Begins(String),
}

/// A regular expression that is matched as a whole.
#[derive(Debug, Clone)]
pub struct Anchored {
    text: String,
    regex: Regex,
}

/// Which workflows of GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The account whose repositories it is defined in, and ran for.
    pub owner: String,
    /// The repository; any of that account, where there is none.
    pub repo: Option<String>,
    /// The name of its file; any, where there is none.
    pub workflow: Option<String>,
    /// The git reference at which it was defined, and for which it ran, where `*` stands for any text; any, where there is none.
    pub reference: Option<String>,
}

/// Why a text can't be used as a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegexError {
    /// It is no expression that is known here.
    Syntax(String),
    /// It, or what it compiles to, is too large.
    TooLarge,
    /// It does not say where it begins and ends; this one does.
    Loose(String),
}

impl Holder {
    /// Is `leaf` made out to such a holder? What it says is not proven yet.
    pub(super) fn holds(&self, leaf: &Leaf) -> Result<(), Step> {
        let other = || Step::Identity(leaf.subject.text().to_owned(), leaf.issuer.clone());
        match self {
            Holder::Named { issuer, subject } => {
                let is_issuer = |wanted: &Wanted| leaf.issuer.as_deref().is_some_and(|issuer| wanted.accepts(issuer));
                let fits = issuer.as_ref().is_none_or(is_issuer) && subject.accepts(leaf.subject.text());
                fits.then_some(()).ok_or_else(other)
            }
            Holder::Workflow(workflow) => {
                if leaf.issuer.as_deref() != Some(GITHUB_ISSUER) || !workflow.defines(leaf.subject.text()) {
                    return Err(other());
                }
                // Anybody may use a workflow that others can call, from wherever they like, and gets a certificate with its name.
                let all = |named: &[Option<String>], is: &dyn Fn(&str) -> bool| {
                    !named.is_empty() && named.iter().all(|name| name.as_deref().is_some_and(is))
                };
                if !all(&leaf.repositories, &|name| workflow.owns(name)) {
                    return Err(Step::Repository(leaf.repositories.iter().flatten().cloned().collect()));
                }
                let is_there = |wanted: &String| all(&leaf.references, &|name| glob(wanted, name));
                match workflow.reference.as_ref().is_none_or(is_there) {
                    true => Ok(()),
                    false => Err(Step::Reference(leaf.references.iter().flatten().cloned().collect())),
                }
            }
        }
    }

    /// Does it matter who vouches for the name?
    pub(super) fn asks_for_the_issuer(&self) -> bool {
        match self {
            Holder::Named { issuer, .. } => issuer.is_some(),
            Holder::Workflow(_) => true,
        }
    }
}

impl Wanted {
    /// Is this text accepted?
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Wanted::Is(wanted) => wanted == text,
            Wanted::Matches(wanted) => wanted.matches(text),
            Wanted::Begins(start) => text.starts_with(start.as_str()),
        }
    }
}

impl Workflow {
    /// Is this the name of such a workflow: `https://github.com/<owner>/<repo>/.github/workflows/<file>@<ref>`?
    fn defines(&self, subject: &str) -> bool {
        let parts = || {
            let (path, reference) = subject.strip_prefix(GITHUB)?.split_once('@')?;
            let (repository, file) = path.split_once("/.github/workflows/")?;
            Some((repository, file, reference))
        };
        parts().is_some_and(|(repository, file, reference)| {
            // Where a workflow is defined is a reference, or a commit.
            let is_reference = reference.starts_with("refs/")
                || (reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit()));
            is_reference
                && self.owns(repository)
                && self.workflow.as_deref().is_none_or(|wanted| wanted == file)
                && self.reference.as_deref().is_none_or(|wanted| glob(wanted, reference))
        })
    }

    /// Is this such a repository, as `owner/name`?
    fn owns(&self, repository: &str) -> bool {
        repository.split_once('/').is_some_and(|(owner, name)| {
            owner == self.owner && !name.contains('/') && self.repo.as_deref().is_none_or(|wanted| wanted == name)
        })
    }
}

impl Anchored {
    /// Reads a regular expression. No engine here backtracks: a match takes time in proportion to the name and the expression.
    ///
    /// # Errors
    /// When it is none, too large, or not anchored at both ends.
    pub fn read(text: &str) -> Result<Anchored, RegexError> {
        if text.len() > MAX_REGEX {
            return Err(RegexError::TooLarge);
        }
        // By itself first: within a group, a `)` too many would look like the group's own.
        compile(text)?;
        let whole = format!("^(?:{text})$");
        // Whatever it says of its ends: it has to match all of a name.
        let regex = compile(&format!(r"\A{whole}\z"))?;
        match is_anchored(text) {
            true => Ok(Anchored { text: text.to_owned(), regex }),
            false => Err(RegexError::Loose(whole)),
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn compile(text: &str) -> Result<Regex, RegexError> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED).nest_limit(MAX_NESTED).build().map_err(|error| {
        // The library tells these apart in words only.
        match error.to_string() {
            words if words.contains("size limit") || words.contains("nest") => RegexError::TooLarge,
            words => RegexError::Syntax(words),
        }
    })
}

/// Does an expression say where it begins and ends, in all of its alternatives?
fn is_anchored(text: &str) -> bool {
    let starts = text.starts_with('^') || text.starts_with(r"\A");
    let (mut depth, mut in_class, mut last_is_end, mut is_split) = (0_usize, false, false, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        last_is_end = false;
        match c {
            '\\' => last_is_end = chars.next() == Some('z') && !in_class && depth == 0,
            '[' if !in_class => {
                in_class = true;
                // A bracket that comes first is itself one of the class.
                let rest = chars.as_str();
                let skipped = rest.strip_prefix('^').unwrap_or(rest);
                chars = skipped.strip_prefix(']').unwrap_or(skipped).chars();
            }
            ']' if in_class => in_class = false,
            _ if in_class => {}
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => is_split = true,
            '$' => last_is_end = depth == 0,
            _ => {}
        }
    }
    starts && last_is_end && !is_split
}

impl PartialEq for Anchored {
    fn eq(&self, other: &Anchored) -> bool {
        self.text == other.text
    }
}

impl Eq for Anchored {}

/// Whom a trust root names, for the message that nobody else will do.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Named { issuer, subject } => {
                write!(f, "{subject}")?;
                issuer.as_ref().map_or(Ok(()), |issuer| write!(f, " by {issuer}"))
            }
            Holder::Workflow(Workflow { owner, repo, workflow, reference }) => {
                write!(f, "a workflow of {GITHUB}{}", Shown(owner))?;
                repo.as_ref().map_or(Ok(()), |repo| write!(f, "/{}", Shown(repo)))?;
                workflow.as_ref().map_or(Ok(()), |file| write!(f, ", file \"{}\"", Shown(file)))?;
                reference.as_ref().map_or(Ok(()), |reference| write!(f, ", at \"{}\"", Shown(reference)))?;
                write!(f, ", by \"{GITHUB_ISSUER}\"")
            }
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Is(text) => write!(f, "\"{}\"", Shown(text)),
            Wanted::Matches(expression) => write!(f, "a name that matches \"{}\"", Shown(&expression.text)),
            Wanted::Begins(start) => write!(f, "a name that begins with \"{}\"", Shown(start)),
        }
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegexError::Syntax(words) => write!(f, "is no regular expression: {}", Shown(words)),
            RegexError::TooLarge => write!(
                f,
                "is too large: an expression has at most {MAX_REGEX} bytes, and little in it that is repeated"
            ),
            RegexError::Loose(whole) => {
                f.write_str(
                    "does not say where it begins and ends, so names would do that only contain what it says; ",
                )?;
                // As it is to be written, where it can be printed.
                match whole.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                    true => write!(f, "write `{whole}`"),
                    false => write!(f, "begin it with `^(?:` and end it with `)$`"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of an expression: it is refused, or matches or does not.
    #[derive(Debug, PartialEq)]
    enum Came {
        Matches,
        Differs,
        Loose,
        Syntax,
        TooLarge,
    }

    #[test]
    fn expressions_are_matched_whole() {
        use Came::{Differs, Loose, Matches, Syntax, TooLarge};
        let letters = "a".repeat(MAX_REGEX - 2);
        let (longest, longer) = (format!("^{letters}$"), format!("^{letters}a$"));
        let deep = format!("^{}a{}$", "(".repeat(30), ")".repeat(30));
        let rows = [
            (r"^alice@example\.com$", "alice@example.com", Matches, "from end to end"),
            (r"\Aalice@example\.com\z", "alice@example.com", Matches, "in other words"),
            (r"^alice@example\.com$", "alice@example.com.evil", Differs, "and more behind it"),
            (r"^alice@example\.com$", "evil-alice@example.com", Differs, "and more before it"),
            (r"^alice@example\.com(?m)$", "alice@example.com\nevil", Differs, "a line of it is not all of it"),
            (r"^(?:a|ab)$", "ab", Matches, "the longer of two, though the shorter comes first"),
            ("alice", "alice", Loose, "neither end"),
            ("^alice", "alice", Loose, "no end"),
            ("alice$", "alice", Loose, "no beginning"),
            ("^alice|bob$", "alice", Loose, "an end for each of two"),
            (r"^alice\$", "alice$", Loose, "a dollar that is one"),
            ("^alice[$]", "alice$", Loose, "likewise, in a class"),
            ("^(alice$)", "alice", Loose, "an end within a group, of which there could be others"),
            ("^[]|]x$", "|x", Matches, "a bracket that comes first is one of its class"),
            ("^[^]|(]x$", "ax", Matches, "and so it is after the sign that turns it round"),
            ("^a)|(?:b$", "a", Syntax, "what would only be an expression within a group"),
            ("^(a$", "a", Syntax, "a group without an end"),
            (r"^\p{Greek}$", "a", Syntax, "what this engine does not know"),
            ("^(a{1000}){1000}$", "a", TooLarge, "few letters, and millions of states"),
            (&deep, "a", TooLarge, "groups within groups"),
            (&longest, &letters, Matches, "as long as may be"),
            (&longer, "a", TooLarge, "one byte longer"),
        ];
        for (text, name, expected, why) in rows {
            let came = match Anchored::read(text) {
                Ok(expression) if expression.matches(name) => Matches,
                Ok(_) => Differs,
                Err(RegexError::Loose(whole)) => {
                    assert!(Anchored::read(&whole).is_ok(), "the corrected form is usable: {whole}");
                    Loose
                }
                Err(RegexError::Syntax(_)) => Syntax,
                Err(RegexError::TooLarge) => TooLarge,
            };
            assert_eq!(came, expected, "{why}: {text}");
        }
    }

    /// Rules that ask for different ones ask for different signers, and one that is written twice is one signer's.
    #[test]
    fn expressions_are_told_apart_by_their_text() {
        let rows = [("^a$", "^a$", true, "one text"), ("^a$", "^b$", false, "two texts")];
        for (one, other, same, why) in rows {
            assert_eq!(Anchored::read(one) == Anchored::read(other), same, "{why}");
        }
    }

    #[test]
    fn a_workflow_is_defined_at_a_reference_or_a_commit() {
        let commit = "0123456789abcdefABCDEF0123456789abcdef01";
        let (longer, none) = (format!("{commit}2"), commit.replace('f', "g"));
        let rows = [
            ("refs/tags/v1", true, "a reference"),
            (commit, true, "a commit"),
            (&commit[1..], false, "hexadecimal, and a digit too short"),
            (&longer, false, "hexadecimal, and a digit too long"),
            (&none, false, "as long as a commit, and not hexadecimal"),
        ];
        let workflow = Workflow { owner: "acme".to_owned(), repo: None, workflow: None, reference: None };
        for (reference, expected, why) in rows {
            let subject = format!("https://github.com/acme/app/.github/workflows/release.yml@{reference}");
            assert_eq!(workflow.defines(&subject), expected, "{why}: {reference}");
        }
    }
}
