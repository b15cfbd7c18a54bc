//! What does each item of an evidence manifest prove to the trust roots of a rule?
//!
//! This is for people who look for a mistake. Each item is checked as in a verification, but nothing here counts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::quoted;
use crate::{
    evidence::{
        Attestation, ByCertificate, Document, NoSignature, Signature, SignatureDocument, Signer, UnusableEvidence,
        manifest::{Content, EvidenceManifest, Item, LargeDocument},
        notation::{NotationSignature, Proof, RevocationEvidence},
    },
    explain::MissingSigner,
    host::read_config,
    image::{Digest, ImageRef},
    sigstore::VerificationError,
    time::UnixTime,
    verify::{AttestationTerms, Case, NotationRequirement, Requirement, TrustRoot, TrustRootKind},
};

/// An item, with one sentence for each trust root that may have made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceItem {
    /// The digest of its content, if it has one.
    pub digest: Option<Digest>,
    /// What the item proves, or the reason for which it proves nothing.
    pub said: Vec<String>,
}

/// What the items of an evidence manifest (JSON) prove about `digest` of `image`, under this requirement. `configs` are the host's answers to questions for the configs of
/// pointer manifests.
///
/// # Errors
/// The reason for which the text is not an evidence manifest of a known version.
pub fn evidence_items(
    json: &[u8],
    image: &ImageRef,
    digest: Digest,
    requirement: &Requirement,
    now: UnixTime,
    configs: &BTreeMap<Digest, &[u8]>,
) -> Result<Vec<EvidenceItem>, &'static str> {
    let manifest = EvidenceManifest::read(json).map_err(UnusableEvidence::sentence)?;
    let told = |say: &dyn Fn(&Item) -> Vec<String>| {
        manifest.items.iter().map(|item| EvidenceItem { digest: item.digest, said: say(item) }).collect()
    };
    Ok(match requirement {
        Requirement::Cosign(requirement) => {
            let case = Case { image, requirement, now };
            told(&|item| of_document(&read(item, digest, configs), case))
        }
        Requirement::Notation(requirement) => {
            let mut revocation = RevocationEvidence::default();
            for item in &manifest.items {
                match &item.content {
                    Ok(Content::RevocationList(der)) => revocation.lists.push(der),
                    Ok(Content::OcspResponse(der)) => revocation.responses.push(der),
                    _ => {}
                }
            }
            told(&|item| of_notation(item, digest, requirement, &revocation, now))
        }
        // Its evidence is about a repository, in another format.
        Requirement::NotaryV1(_) => Vec::new(),
    })
}

/// The document of an item, or what a large item points to if that was read.
fn read(item: &Item, digest: Digest, configs: &BTreeMap<Digest, &[u8]>) -> Result<Document, NoSignature> {
    let document = Document::read(item, digest);
    let config = match &document {
        Ok(Document::Large(large)) => large.manifest.and_then(|manifest| read_config(configs.get(&manifest)?).ok()),
        _ => None,
    };
    config.map_or(document, |config| Document::of_bundle(&config, digest))
}

fn of_notation(
    item: &Item,
    digest: Digest,
    requirement: &NotationRequirement,
    revocation: &RevocationEvidence<'_>,
    now: UnixTime,
) -> Vec<String> {
    let signature = match &item.content {
        Ok(Content::Notation(format, bytes)) => {
            NotationSignature::read(*format, bytes, digest).map_err(NoSignature::Notation)
        }
        Ok(Content::RevocationList(_)) => return vec!["a revocation list".to_owned()],
        Ok(Content::OcspResponse(_)) => return vec!["an OCSP response".to_owned()],
        Ok(_) => Err(NoSignature::OtherFormat),
        Err(error) => Err(NoSignature::Item(*error)),
    };
    let signature = match signature {
        Ok(signature) => signature,
        Err(error) => return vec![error.sentence()],
    };
    let said = |root: &TrustRoot| {
        let TrustRootKind::Notation(store) = &root.kind else { return None };
        let name = quoted(&root.name.0);
        Some(match signature.check(store, &requirement.terms, revocation, now) {
            Err(error) => format!("{name}: {}", error.sentence()),
            Ok(Proof { logged, .. }) => {
                let logged = logged.iter().map(|error| format!(", but {}, which is not enforced", error.sentence()));
                format!("signed by {name}{}", logged.collect::<String>())
            }
        })
    };
    requirement.signers.roots.iter().filter_map(said).collect()
}

fn of_document(document: &Result<Document, NoSignature>, case: Case<'_>) -> Vec<String> {
    match document {
        Err(error) => vec![error.sentence()],
        Ok(Document::Signature(document)) => of_signature(document, case),
        Ok(Document::Attestation(attestation)) => of_attestation(attestation, case),
        Ok(Document::Large(document)) => vec![document.sentence().to_owned()],
    }
}

impl LargeDocument {
    fn sentence(&self) -> &'static str {
        match self.manifest {
            Some(_) => {
                "a large document, which was not read: the rule requires no attestation of its type, or another one is enough"
            }
            None => "a document that is too large to be read by a policy",
        }
    }
}

fn of_signature(document: &SignatureDocument, case: Case<'_>) -> Vec<String> {
    let said = |root: &TrustRoot| {
        let signature = document.signature();
        match (of_root(&signature, root, case)?, case.requirement.mistake(root, case.image, &document.subject)) {
            (Ok(_), Some(mistake)) => MissingSigner::from(&mistake).told(&root.name),
            (Ok(said) | Err(said), _) => Some(said),
        }
    };
    let said: Vec<String> = case.requirement.roots().filter_map(said).collect();
    match said.is_empty() {
        true => vec!["a signature by none of the trust roots of this rule".to_owned()],
        false => said,
    }
}

/// What an attestation proves to each trust root that may sign one of its type, and what each condition sees in it.
fn of_attestation(attestation: &Attestation, case: Case<'_>) -> Vec<String> {
    let predicate_type = quoted(&attestation.predicate_type);
    let is_wanted = |terms: &&AttestationTerms| terms.predicate_types.contains(&attestation.predicate_type);
    let mut told = Vec::new();
    for terms in case.requirement.attestations.iter().filter(is_wanted) {
        let signature = attestation.signature();
        let said: Vec<String> = terms
            .signers
            .roots
            .iter()
            .filter_map(|root| of_root(&signature, root, case))
            .map(|said| match said {
                Ok(said) | Err(said) => said,
            })
            .collect();
        told.push(match said.is_empty() {
            true => format!("an attestation {predicate_type} by none of its signers"),
            false => format!("an attestation {predicate_type}: {}", said.join("; ")),
        });
        if let Some(age) = terms.max_age {
            let is_within = |start| age.reaches(start, case.now);
            let is_young = signature.certified_at().is_some_and(is_within);
            told.push(format!("its certificate is {}of the last {age}", if is_young { "" } else { "not " }));
        }
        let predicate = attestation.predicate().unwrap_or(RawValue::NULL);
        told.extend(terms.conditions.outcomes(predicate, case.now).map(|outcome| match outcome {
            Ok(saw) => format!("condition met: {saw}"),
            Err(unmet) => unmet.to_string(),
        }));
    }
    match told.is_empty() {
        true => vec![format!("an attestation {predicate_type}, which this rule does not require")],
        false => told,
    }
}

/// What a signature proves to one trust root, or why not. It is `None` if the signature is by another signer.
fn of_root(signature: &Signature<'_>, root: &TrustRoot, case: Case<'_>) -> Option<Result<String, String>> {
    let requirement = case.requirement;
    let checked: Result<(), VerificationError> = match (root.key(), requirement.certificate_terms(root, case.now)) {
        (Some(key), _) => match signature.claim_of_key(key, requirement.tlogs_for_keys()) {
            Some(claim) => claim.map(drop),
            None => {
                let algorithm = signature.is_signed_otherwise(key)?;
                return MissingSigner::OtherAlgorithm(algorithm).told(&root.name).map(Err);
            }
        },
        (None, Some((identity, terms))) => match signature.claim_of_certificate(identity, terms, |_: &Signer| false) {
            ByCertificate::Claim(_) | ByCertificate::Known => Ok(()),
            ByCertificate::Failed(error) => Err(error),
            ByCertificate::None => return None,
        },
        (None, None) => return None,
    };
    Some(match checked {
        Err(error) => Err(format!("{}: {}", quoted(&root.name.0), error.sentence())),
        Ok(()) => Ok(format!("signed by {}", quoted(&root.name.0))),
    })
}
