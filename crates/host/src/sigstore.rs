//! Who signed an image, as far as the host can tell? Cosign signatures under a `.sig` tag, verified as policy-fetcher does, without a
//! trust root.
//!
//! Without a trust root keyless identities can't be proven: every such constraint is reported as missing, in the host's words.

use std::str::FromStr as _;

use ::sigstore::cosign::{self, ClientBuilder, CosignCapabilities, SignatureLayer};
use ::sigstore::errors::SigstoreError;
use ::sigstore::registry::{
    Auth, Certificate as SigstoreCertificate, CertificateEncoding, ClientConfig, ClientProtocol, OciReference,
};
use anyhow::Result;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::registry::Credentials;
use crate::sources::{Certificate, Sources};

mod constraint;

use constraint::all_found;
pub(crate) use constraint::{Constraint, github, keyless, keyless_prefix, pub_keys};

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

impl Verifier {
    pub(crate) fn new(sources: &Sources, credentials: Credentials) -> Result<Self> {
        let client = ClientBuilder::default().with_oci_client_config(client_config(sources)).enable_registry_caching();
        Ok(Self { client: Mutex::new(client.build()?), credentials })
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
        Ok(serde_json::to_vec(&Trusted { is_trusted: true, digest })?)
    }

    /// The image's digest, and the signatures whose payload names it.
    async fn trusted_layers(&self, image: &str) -> Result<(String, Vec<SignatureLayer>), VerifyError> {
        let mut client = self.client.lock().await;
        let reference: Reference = image.parse()?;
        let auth = match self.credentials.of(reference.registry()) {
            RegistryAuth::Anonymous => Auth::Anonymous,
            RegistryAuth::Basic(user, password) => Auth::Basic(user, password),
            RegistryAuth::Bearer(token) => Auth::Bearer(token),
        };
        let name = reference.whole();
        let source = OciReference::from_str(&name).map_err(VerifyError::Layers)?;
        let (signatures, digest) = client.triangulate(&source, &auth).await.map_err(VerifyError::Layers)?;
        let layers = client.trusted_signature_layers(&auth, &digest, &signatures).await.map_err(|e| match e {
            // whatever kept the manifest away, the host calls it unsigned; the space is the host's
            SigstoreError::RegistryPullManifestError { .. } => {
                VerifyError::Image(format!("no signatures found for image: {name} "))
            }
            other => VerifyError::Layers(other),
        })?;
        Ok((digest, layers))
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
        extra_root_certificates: sources.authorities.values().flatten().map(SigstoreCertificate::from).collect(),
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
        Self { encoding, data: data.clone() }
    }
}
