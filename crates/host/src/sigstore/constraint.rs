//! What must be found on a signature, and is it? Keys and identities of a request, with the host's words for what is missing.

use std::collections::BTreeMap;

use ::sigstore::cosign::verification_constraint::{AnnotationVerifier, PublicKeyVerifier, VerificationConstraint};
use ::sigstore::cosign::{self, SignatureLayer};
use anyhow::{Result, bail};
use serde::Serialize;

use super::VerifyError;
use crate::host_request::{KeylessIdentity, KeylessPrefix};

/// One thing that must be found on one signature. Serialised into the error message when it is not.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Constraint {
    /// The signature has to be made with this public key.
    PubKey { owner: Option<String>, key: String, annotations: Option<BTreeMap<String, String>> },
    /// The certificate has to name this keyless identity.
    GenericIssuer { issuer: String, subject: Subject, annotations: Option<BTreeMap<String, String>> },
    /// A GitHub owner, and maybe a repository.
    GithubAction { owner: String, repo: Option<String>, annotations: Option<BTreeMap<String, String>> },
}

/// The comparison of a keyless subject.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Subject {
    Equal(String),
    UrlPrefix(String),
}

/// The annotations that a request asks for.
type Annotations = Option<BTreeMap<String, String>>;

/// The constraints of a request with public keys.
pub(crate) fn pub_keys(keys: &[String], annotations: &Annotations) -> Result<Vec<Constraint>> {
    if keys.is_empty() {
        bail!("Must provide at least one pub key");
    }
    let constraint =
        |key: &String| Constraint::PubKey { owner: None, key: key.clone(), annotations: annotations.clone() };
    Ok(keys.iter().map(constraint).collect())
}

/// The constraints of a request with exact identities.
pub(crate) fn keyless(identities: &[KeylessIdentity], annotations: &Annotations) -> Result<Vec<Constraint>> {
    let subjects = identities.iter().map(|id| (&id.issuer, Subject::Equal(id.subject.clone())));
    issuers(subjects.collect(), annotations)
}

/// The constraints of a request with identities by URL prefix.
pub(crate) fn keyless_prefix(identities: &[KeylessPrefix], annotations: &Annotations) -> Result<Vec<Constraint>> {
    let subjects = identities.iter().map(|id| (&id.issuer, Subject::UrlPrefix(id.url_prefix.clone())));
    issuers(subjects.collect(), annotations)
}

fn issuers(identities: Vec<(&String, Subject)>, annotations: &Annotations) -> Result<Vec<Constraint>> {
    if identities.is_empty() {
        bail!("Must provide keyless info");
    }
    let constraint = |(issuer, subject): (&String, Subject)| Constraint::GenericIssuer {
        issuer: issuer.clone(),
        subject,
        annotations: annotations.clone(),
    };
    Ok(identities.into_iter().map(constraint).collect())
}

/// The constraints of a request with a GitHub owner.
pub(crate) fn github(owner: &str, repo: &Option<String>, annotations: &Annotations) -> Result<Vec<Constraint>> {
    if owner.is_empty() {
        bail!("Must provide owner info");
    }
    Ok(vec![Constraint::GithubAction { owner: owner.to_owned(), repo: repo.clone(), annotations: annotations.clone() }])
}

/// Every constraint is satisfied by at least one layer, each by its own.
pub(super) fn all_found(constraints: &[Constraint], layers: &[SignatureLayer]) -> Result<()> {
    let missing: Vec<&Constraint> = constraints.iter().filter(|constraint| !constraint.found_on(layers)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut message =
        "Image verification failed: missing signatures\nThe following constraints were not satisfied:\n".to_owned();
    for constraint in missing {
        message.push_str(&serde_yaml::to_string(constraint)?);
    }
    Err(VerifyError::Image(message).into())
}

impl Constraint {
    /// A key that does not parse is found nowhere: the host counts it as unsatisfied too.
    fn found_on(&self, layers: &[SignatureLayer]) -> bool {
        match self {
            Self::PubKey { key, annotations, .. } => match PublicKeyVerifier::try_from(key.as_bytes()) {
                Ok(key) => {
                    let annotations = annotations.clone().map(|annotations| AnnotationVerifier { annotations });
                    let constraint: Box<dyn VerificationConstraint> = Box::new(KeyAndAnnotations { key, annotations });
                    cosign::verify_constraints(layers, [constraint].iter()).is_ok()
                }
                Err(_) => false,
            },
            // sigstore-rs only reads certificates that a Fulcio root vouches for, and there is no root
            Self::GenericIssuer { .. } | Self::GithubAction { .. } => false,
        }
    }
}

/// Key and annotations must be found on the same signature; as two constraints, two signatures could share them.
#[derive(Debug)]
struct KeyAndAnnotations {
    key: PublicKeyVerifier,
    annotations: Option<AnnotationVerifier>,
}

impl VerificationConstraint for KeyAndAnnotations {
    fn verify(&self, layer: &SignatureLayer) -> ::sigstore::errors::Result<bool> {
        let annotated = match &self.annotations {
            Some(annotations) => annotations.verify(layer)?,
            None => true,
        };
        Ok(annotated && self.key.verify(layer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_in_yaml() {
        let annotations = Some(BTreeMap::from([("stage".to_owned(), "prod".to_owned())]));
        let identity = KeylessIdentity { issuer: "https://i".into(), subject: "me".into() };
        let prefix = KeylessPrefix { issuer: "https://i".into(), url_prefix: "https://u/".into() };
        // the constraints, what the message says of them
        let table = [
            // a key that is none, as the host counts it
            (pub_keys(&["K\n".to_owned()], &None), "kind: pubKey\nowner: null\nkey: |\n  K\nannotations: null\n"),
            (
                keyless(&[identity], &annotations),
                "kind: genericIssuer\nissuer: https://i\nsubject: !equal me\nannotations:\n  stage: prod\n",
            ),
            (
                keyless_prefix(&[prefix], &None),
                "kind: genericIssuer\nissuer: https://i\nsubject: !urlPrefix https://u/\nannotations: null\n",
            ),
            (github("acme", &None, &None), "kind: githubAction\nowner: acme\nrepo: null\nannotations: null\n"),
        ];
        for (constraints, expected) in table {
            let message = all_found(&constraints.expect("constraints"), &[]).map_err(|e| format!("{e:#}"));
            let expected = format!(
                "Image verification failed: missing signatures\nThe following constraints were not satisfied:\n{expected}"
            );
            assert_eq!(message, Err(expected));
        }
    }

    #[test]
    fn asking_for_nothing_is_an_error() {
        let message = |constraints: Result<Vec<Constraint>>| constraints.map(|_| ()).map_err(|e| e.to_string());
        let table = [
            (message(pub_keys(&[], &None)), "Must provide at least one pub key"),
            (message(keyless(&[], &None)), "Must provide keyless info"),
            (message(keyless_prefix(&[], &None)), "Must provide keyless info"),
            (message(github("", &None, &None)), "Must provide owner info"),
        ];
        for (message, expected) in table {
            assert_eq!(message, Err(expected.to_owned()));
        }
    }
}
