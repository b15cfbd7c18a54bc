//! Who signed an image, as far as the host can tell? Cosign signatures under a `.sig` tag, verified as policy-fetcher does, without a
//! trust root.
//!
//! Without a trust root keyless identities can't be proven: every such constraint is reported as missing, in the host's words.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use ::sigstore::cosign::verification_constraint::{
    AnnotationVerifier, PublicKeyVerifier, VerificationConstraint,
};
use ::sigstore::cosign::{self, ClientBuilder, CosignCapabilities, SignatureLayer};
use ::sigstore::errors::SigstoreError;
use ::sigstore::registry::{
    Auth, Certificate as SigstoreCertificate, CertificateEncoding, ClientConfig, ClientProtocol,
    OciReference,
};
use anyhow::{Result, bail};
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::host_request::{KeylessIdentity, KeylessPrefix};
use crate::registry::Credentials;
use crate::sources::{Certificate, Sources};

/// The verifier: one client, one verification at a time for the whole process, as in policy-server.
pub(crate) struct Verifier {
    client: Mutex<cosign::Client>,
    credentials: Credentials,
}

/// A verification's failure in policy-fetcher's words; causes are kept, since the host prints them again below the message.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error("{0}")]
    Image(String),
    #[error("Verification only works with OCI images: Not a valid oci image: {0}")]
    Reference(#[from] oci_client::ParseError),
    #[error("failed to get image trusted layers: {0}")]
    Layers(#[source] SigstoreError),
}

/// One thing that must be found on one signature. Serialised into the error message when it is not.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Constraint {
    /// A public key.
    PubKey {
        owner: Option<String>,
        key: String,
        annotations: Option<BTreeMap<String, String>>,
    },
    /// A keyless identity.
    GenericIssuer {
        issuer: String,
        subject: Subject,
        annotations: Option<BTreeMap<String, String>>,
    },
    /// A GitHub owner, and maybe a repository.
    GithubAction {
        owner: String,
        repo: Option<String>,
        annotations: Option<BTreeMap<String, String>>,
    },
}

/// How a keyless subject is compared.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Subject {
    Equal(String),
    UrlPrefix(String),
}

/// The annotations of a request.
type Annotations = Option<BTreeMap<String, String>>;

/// What must be found for a request with public keys.
pub(crate) fn pub_keys(keys: &[String], annotations: &Annotations) -> Result<Vec<Constraint>> {
    if keys.is_empty() {
        bail!("Must provide at least one pub key");
    }
    let constraint = |key: &String| Constraint::PubKey {
        owner: None,
        key: key.clone(),
        annotations: annotations.clone(),
    };
    Ok(keys.iter().map(constraint).collect())
}

/// What must be found for a request with exact identities.
pub(crate) fn keyless(
    identities: &[KeylessIdentity],
    annotations: &Annotations,
) -> Result<Vec<Constraint>> {
    let subjects = identities
        .iter()
        .map(|id| (&id.issuer, Subject::Equal(id.subject.clone())));
    issuers(subjects.collect(), annotations)
}

/// What must be found for a request with identities by URL prefix.
pub(crate) fn keyless_prefix(
    identities: &[KeylessPrefix],
    annotations: &Annotations,
) -> Result<Vec<Constraint>> {
    let subjects = identities
        .iter()
        .map(|id| (&id.issuer, Subject::UrlPrefix(id.url_prefix.clone())));
    issuers(subjects.collect(), annotations)
}

fn issuers(
    identities: Vec<(&String, Subject)>,
    annotations: &Annotations,
) -> Result<Vec<Constraint>> {
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

/// What must be found for a request with a GitHub owner.
pub(crate) fn github(
    owner: &str,
    repo: &Option<String>,
    annotations: &Annotations,
) -> Result<Vec<Constraint>> {
    if owner.is_empty() {
        bail!("Must provide owner info");
    }
    Ok(vec![Constraint::GithubAction {
        owner: owner.to_owned(),
        repo: repo.clone(),
        annotations: annotations.clone(),
    }])
}

impl Verifier {
    pub(crate) fn new(sources: &Sources, credentials: Credentials) -> Result<Self> {
        let client = ClientBuilder::default()
            .with_oci_client_config(client_config(sources))
            .enable_registry_caching();
        Ok(Self {
            client: Mutex::new(client.build()?),
            credentials,
        })
    }

    /// `{"is_trusted": true, "digest": ..}` if every constraint is found on some signature of the image. There is no "false": anything
    /// else is an error.
    pub(crate) async fn verify(&self, image: &str, constraints: &[Constraint]) -> Result<Vec<u8>> {
        let (digest, layers) = self.trusted_layers(image).await?;
        all_found(constraints, &layers)?;
        #[derive(Serialize)]
        struct Trusted {
            is_trusted: bool,
            digest: String,
        }
        Ok(serde_json::to_vec(&Trusted {
            is_trusted: true,
            digest,
        })?)
    }

    /// The image's digest, and the signatures whose payload names it.
    async fn trusted_layers(
        &self,
        image: &str,
    ) -> Result<(String, Vec<SignatureLayer>), VerifyError> {
        let mut client = self.client.lock().await;
        let reference: Reference = image.parse()?;
        let auth = match self.credentials.of(reference.registry()) {
            RegistryAuth::Anonymous => Auth::Anonymous,
            RegistryAuth::Basic(user, password) => Auth::Basic(user, password),
            RegistryAuth::Bearer(token) => Auth::Bearer(token),
        };
        let name = reference.whole();
        let source = OciReference::from_str(&name).map_err(VerifyError::Layers)?;
        let (signatures, digest) = client
            .triangulate(&source, &auth)
            .await
            .map_err(VerifyError::Layers)?;
        let layers = client
            .trusted_signature_layers(&auth, &digest, &signatures)
            .await
            .map_err(|e| match e {
                // whatever kept the manifest away, the host calls it unsigned; the space is the host's
                SigstoreError::RegistryPullManifestError { .. } => {
                    VerifyError::Image(format!("no signatures found for image: {name} "))
                }
                other => VerifyError::Layers(other),
            })?;
        Ok((digest, layers))
    }
}

/// Every constraint is satisfied by at least one layer, each by its own.
fn all_found(constraints: &[Constraint], layers: &[SignatureLayer]) -> Result<()> {
    let missing: Vec<&Constraint> = constraints
        .iter()
        .filter(|constraint| !constraint.found_on(layers))
        .collect();
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
            Self::PubKey {
                key, annotations, ..
            } => match PublicKeyVerifier::try_from(key.as_bytes()) {
                Ok(key) => {
                    let annotations = annotations
                        .clone()
                        .map(|annotations| AnnotationVerifier { annotations });
                    let constraint: Box<dyn VerificationConstraint> =
                        Box::new(KeyAndAnnotations { key, annotations });
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

/// Unlike the manifest calls, this path asks insecure registries over plain http only, and trusts every private authority everywhere.
fn client_config(sources: &Sources) -> ClientConfig {
    let proxies = sources.proxies();
    ClientConfig {
        accept_invalid_certificates: false,
        protocol: match sources.insecure.is_empty() {
            true => ClientProtocol::Https,
            false => ClientProtocol::HttpsExcept(sources.insecure.iter().cloned().collect()),
        },
        extra_root_certificates: sources
            .authorities
            .values()
            .flatten()
            .map(SigstoreCertificate::from)
            .collect(),
        http_proxy: proxies.http_proxy,
        https_proxy: proxies.https_proxy,
        no_proxy: proxies.no_proxy,
    }
}

impl From<&Certificate> for SigstoreCertificate {
    fn from(certificate: &Certificate) -> Self {
        let (encoding, data) = match certificate {
            Certificate::Pem(pem) => (CertificateEncoding::Pem, pem),
            Certificate::Der(der) => (CertificateEncoding::Der, der),
        };
        Self {
            encoding,
            data: data.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_in_yaml() {
        let annotations = Some(BTreeMap::from([("stage".to_owned(), "prod".to_owned())]));
        let identity = KeylessIdentity {
            issuer: "https://i".into(),
            subject: "me".into(),
        };
        let prefix = KeylessPrefix {
            issuer: "https://i".into(),
            url_prefix: "https://u/".into(),
        };
        // the constraints, what the message says of them
        let table = [
            // a key that is none, as the host counts it
            (
                pub_keys(&["K\n".to_owned()], &None),
                "kind: pubKey\nowner: null\nkey: |\n  K\nannotations: null\n",
            ),
            (
                keyless(&[identity], &annotations),
                "kind: genericIssuer\nissuer: https://i\nsubject: !equal me\nannotations:\n  stage: prod\n",
            ),
            (
                keyless_prefix(&[prefix], &None),
                "kind: genericIssuer\nissuer: https://i\nsubject: !urlPrefix https://u/\nannotations: null\n",
            ),
            (
                github("acme", &None, &None),
                "kind: githubAction\nowner: acme\nrepo: null\nannotations: null\n",
            ),
        ];
        for (constraints, expected) in table {
            let message =
                all_found(&constraints.expect("constraints"), &[]).map_err(|e| format!("{e:#}"));
            let expected = format!(
                "Image verification failed: missing signatures\nThe following constraints were not satisfied:\n{expected}"
            );
            assert_eq!(message, Err(expected));
        }
    }

    #[test]
    fn asking_for_nothing_is_an_error() {
        let message = |constraints: Result<Vec<Constraint>>| {
            constraints.map(|_| ()).map_err(|e| e.to_string())
        };
        let table = [
            (
                message(pub_keys(&[], &None)),
                "Must provide at least one pub key",
            ),
            (message(keyless(&[], &None)), "Must provide keyless info"),
            (
                message(keyless_prefix(&[], &None)),
                "Must provide keyless info",
            ),
            (message(github("", &None, &None)), "Must provide owner info"),
        ];
        for (message, expected) in table {
            assert_eq!(message, Err(expected.to_owned()));
        }
    }
}
