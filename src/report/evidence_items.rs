//! What does each item of an evidence manifest prove to the trust roots of a rule?
//!
//! This is for people who look for a mistake. Each item is checked as in a verification, but nothing here counts.

use super::quoted;
use crate::{
    evidence::{ByCertificate, Document, Signature, Signer, UnusableEvidence, manifest::EvidenceManifest},
    explain::MissingSigner,
    image::{Digest, ImageRef},
    sigstore::VerificationError,
    time::UnixTime,
    verify::{Requirement, TrustRoot},
};

/// An item, with one sentence for each trust root that may have made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceItem {
    /// The digest of its content, if it has one.
    pub digest: Option<Digest>,
    /// What the item proves, or the reason for which it proves nothing.
    pub said: Vec<String>,
}

/// What the items of an evidence manifest (JSON) prove about `digest` of `image`, under this requirement.
///
/// # Errors
/// The reason for which the text is not an evidence manifest of a known version.
pub fn evidence_items(
    json: &[u8],
    image: &ImageRef,
    digest: Digest,
    requirement: &Requirement,
    now: UnixTime,
) -> Result<Vec<EvidenceItem>, &'static str> {
    let manifest = EvidenceManifest::read(json).map_err(UnusableEvidence::sentence)?;
    let items = manifest.items.iter().map(|item| {
        let said = match Document::read(item, digest) {
            Err(error) => vec![error.sentence()],
            Ok(document) => {
                let said = requirement.roots.iter();
                let said: Vec<String> =
                    said.filter_map(|root| of_root(&document, root, image, requirement, now)).collect();
                match said.is_empty() {
                    true => vec!["a signature by none of the trust roots of this rule".to_owned()],
                    false => said,
                }
            }
        };
        EvidenceItem { digest: item.digest, said }
    });
    Ok(items.collect())
}

/// What a signature proves to one trust root. It is `None` if the signature is by another signer.
fn of_root(
    document: &Document,
    root: &TrustRoot,
    image: &ImageRef,
    requirement: &Requirement,
    now: UnixTime,
) -> Option<String> {
    let signature: Signature<'_> = document.signature();
    let checked: Result<(), VerificationError> = match (root.key(), requirement.certificate_terms(root, now)) {
        (Some(key), _) => match signature.claim_of_key(key, requirement.tlogs_for_keys()) {
            Some(claim) => claim.map(drop),
            None => {
                let algorithm = signature.is_signed_otherwise(key)?;
                return MissingSigner::OtherAlgorithm(algorithm).told(&root.name);
            }
        },
        (None, Some((identity, terms))) => match signature.claim_of_certificate(identity, terms, |_: &Signer| false) {
            ByCertificate::Claim(_) | ByCertificate::Known => Ok(()),
            ByCertificate::Failed(error) => Err(error),
            ByCertificate::None => return None,
        },
        (None, None) => return None,
    };
    match (checked, requirement.mistake(root, image, &document.subject)) {
        (Err(error), _) => Some(format!("{}: {}", quoted(&root.name.0), error.sentence())),
        (Ok(()), Some(mistake)) => MissingSigner::from(&mistake).told(&root.name),
        (Ok(()), None) => Some(format!("signed by {}", quoted(&root.name.0))),
    }
}
