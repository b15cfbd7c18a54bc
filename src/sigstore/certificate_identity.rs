//! Does a certificate name an identity that may sign?
//!
//! Texts are compared as a whole and as they stand in the certificate. Case matters, nothing is completed, and no part of a text is enough.

mod expression;

pub use expression::{Anchored, RegexError};

use super::{Claim, Leaf, VerificationError};
use crate::{glob::glob, ordered::set};

/// Who vouches for workflows of GitHub (GitHub, "About security hardening with OpenID Connect").
pub const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Whose certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateIdentity {
    /// A subject, and the issuer that has to vouch for it, if there is one.
    Named {
        /// The accepted issuer. If it is `None`, any issuer is accepted, and also none.
        issuer: Option<TextMatcher>,
        /// The accepted subject.
        subject: TextMatcher,
        /// The claims that the certificate has to have.
        claims: Vec<WantedClaim>,
    },
    /// A workflow of GitHub.
    Workflow(Workflow),
}

/// A claim that a trust root asks for, and the accepted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedClaim {
    /// Which claim of the certificate is compared.
    pub claim: Claim,
    /// The text that is accepted.
    pub text: TextMatcher,
}

/// A text that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextMatcher {
    /// Exactly this text.
    Exact(String),
    /// A text that matches this expression as a whole.
    Regex(Anchored),
    /// A text that begins with this prefix, which ends with a slash.
    Prefix(String),
}

/// The accepted workflows of GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The issuer that vouches for the workflow.
    pub issuer: String,
    /// The address of the server, with a slash at its end.
    pub server: String,
    /// The account that owns the repository in which the workflow is defined, and the one for which it ran.
    pub owner: String,
    /// The repository. If it is `None`, any repository of the account is accepted.
    pub repo: Option<String>,
    /// The file that defines the workflow. If it is `None`, any file of the repository is accepted.
    pub workflow: Option<WorkflowFile>,
    /// The git reference at which the workflow was defined, and for which it ran. `*` stands for any text. If it is `None`, any reference is accepted.
    pub reference: Option<String>,
}

/// The file that defines a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkflowFile {
    /// A file of this name in the repository that the workflow runs for.
    Name(String),
    /// A file of any repository (`owner/repo/.github/workflows/file`), and the git reference at which it has to be defined, if there is one.
    Path(String, Option<String>),
}

impl CertificateIdentity {
    /// Checks that `leaf` names this identity. Nothing that the certificate says is proven yet.
    pub(crate) fn matches(&self, leaf: &Leaf) -> Result<(), VerificationError> {
        let other = || VerificationError::Identity(leaf.subject.clone(), leaf.issuer.clone());
        match self {
            CertificateIdentity::Named { issuer, subject, claims } => {
                let is_issuer =
                    |wanted: &TextMatcher| leaf.issuer.as_deref().is_some_and(|issuer| wanted.accepts(issuer));
                let fits = issuer.as_ref().is_none_or(is_issuer) && subject.accepts(&leaf.subject);
                if !fits {
                    return Err(other());
                }
                for WantedClaim { claim: (name, number), text } in claims {
                    let found = leaf.claims.iter().find(|(of, _)| of == number).map(|(_, text)| text);
                    if !found.is_some_and(|found| text.accepts(found)) {
                        return Err(VerificationError::Claim(name, found.cloned()));
                    }
                }
                Ok(())
            }
            CertificateIdentity::Workflow(workflow) => {
                if leaf.issuer.as_deref() != Some(workflow.issuer.as_str()) || !workflow.defines(&leaf.subject) {
                    return Err(other());
                }
                // Anybody may call a reusable workflow from another repository, and gets a certificate with its name.
                let all = |named: &[Option<String>], is: &dyn Fn(&str) -> bool| {
                    !named.is_empty() && named.iter().all(|name| name.as_deref().is_some_and(is))
                };
                if !all(&leaf.repositories, &|name| workflow.owns(workflow.without_server(name))) {
                    let names = leaf.repositories.iter().flatten();
                    let names = names.map(|name| workflow.without_server(name).to_owned());
                    return Err(VerificationError::Repository(set(names)));
                }
                let is_there = |wanted: &String| all(&leaf.references, &|name| glob(wanted, name));
                match workflow.reference.as_ref().is_none_or(is_there) {
                    true => Ok(()),
                    false => Err(VerificationError::Reference(set(leaf.references.iter().flatten().cloned()))),
                }
            }
        }
    }

    /// Whether the identity asks for an issuer.
    pub(crate) fn asks_for_the_issuer(&self) -> bool {
        match self {
            CertificateIdentity::Named { issuer, .. } => issuer.is_some(),
            CertificateIdentity::Workflow(_) => true,
        }
    }
}

impl TextMatcher {
    /// Whether this text is accepted.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            TextMatcher::Exact(wanted) => wanted == text,
            TextMatcher::Regex(wanted) => wanted.matches(text),
            TextMatcher::Prefix(start) => text.starts_with(start.as_str()),
        }
    }
}

impl Workflow {
    /// Whether this is the name of an accepted workflow: `https://github.com/<owner>/<repo>/.github/workflows/<file>@<ref>`?
    fn defines(&self, subject: &str) -> bool {
        let parts = || {
            let (path, reference) = subject.strip_prefix(self.server.as_str())?.split_once('@')?;
            let (repository, file) = path.split_once("/.github/workflows/")?;
            Some((path, repository, file, reference))
        };
        parts().is_some_and(|(path, repository, file, reference)| {
            // A workflow is defined at a git reference or at a commit. A file whose name holds a reference would make two readings of one name.
            let is_reference = reference.starts_with("refs/") && !reference.contains("@refs/")
                || (reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let is_at = |wanted: &Option<String>| wanted.as_deref().is_none_or(|wanted| glob(wanted, reference));
            is_reference
                && match &self.workflow {
                    Some(WorkflowFile::Path(wanted, at)) => wanted == path && is_at(at),
                    Some(WorkflowFile::Name(wanted)) => {
                        wanted == file && self.owns(repository) && is_at(&self.reference)
                    }
                    None => self.owns(repository) && is_at(&self.reference),
                }
        })
    }

    /// The name of a repository without the server, which only one of the extensions has.
    fn without_server<'n>(&self, name: &'n str) -> &'n str {
        name.strip_prefix(self.server.as_str()).unwrap_or(name)
    }

    /// Is this such a repository, as `owner/name`?
    fn owns(&self, repository: &str) -> bool {
        repository.split_once('/').is_some_and(|(owner, name)| {
            owner == self.owner && !name.contains('/') && self.repo.as_deref().is_none_or(|wanted| wanted == name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigstore::GITHUB;

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
        let workflow = Workflow {
            issuer: GITHUB_ISSUER.to_owned(),
            server: GITHUB.to_owned(),
            owner: "acme".to_owned(),
            repo: None,
            workflow: None,
            reference: None,
        };
        for (reference, expected, why) in rows {
            let subject = format!("https://github.com/acme/app/.github/workflows/release.yml@{reference}");
            assert_eq!(workflow.defines(&subject), expected, "{why}: {reference}");
        }
    }
}
