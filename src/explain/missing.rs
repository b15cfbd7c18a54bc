//! What did a trust root do, if it did not sign as it had to?
//!
//! Payloads that were not wanted, but are likely, are rebuilt and tried. What was signed over an unknown payload can still be told to be of a
//! key: the manifest names the payload's SHA-256, and that is what most keys sign.

use std::collections::BTreeMap;

use crate::{
    evidence::{
        ByCertificate, CertificateTerms, Signature, SignatureDocument, Signer,
        cosign::{Layer, Payload},
        notary_v1::RootError,
        notation::NotationError,
    },
    image::Digest,
    signing::{
        PublicKey, SignatureAlgorithm,
        signature::{Message, possible_makers},
    },
    sigstore::{CertificateIdentity, Leaf, VerificationError},
    time::UnixTime,
    verify::{Budget, CosignMissing, Mistake, TrustRoot, TrustRootName, Unseen},
};

/// Most trust roots of which it is told what they did instead. A denial has the names of the others.
pub(super) const MAX_EXPLAINED: usize = 5;
/// Most signatures that are checked to explain a denial, of keys and of certificates each.
const MAX_CHECKS: usize = 100;

/// The reason for which the signature of a trust root is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingSigner {
    /// The signatures of the trust root do not count before this time.
    NotYet(UnixTime),
    /// The signatures of the trust root do not count after this time.
    NoLonger(UnixTime),
    /// This check failed, and this identity was expected, if the check is about one.
    Failed(VerificationError, Option<CertificateIdentity>),
    /// The trust root signs with a certificate, and no signature has one.
    NoCertificate,
    /// The only signer that fits counts for another trust root.
    Shared,
    /// The trust root signed without these annotations (`key=value`), or with other values.
    Annotations(Vec<String>),
    /// It signed the image under this name, which the rule does not accept.
    OtherName(String),
    /// It signed without a name, and the rule lists the names that it accepts.
    NoName,
    /// It signed a payload that cannot be rebuilt: other annotations, another name or another image. The rule wants these annotations.
    OtherPayload(Vec<String>),
    /// It may have signed: signatures of this kind of key cannot be told without the payload.
    Untold,
    /// The trust root signed with an algorithm that is not accepted.
    OtherAlgorithm(SignatureAlgorithm),
    /// It made none of the signatures. This is the fingerprint of its key.
    OtherKeys(Digest),
    /// It made none of the signatures with SHA-256. It may have signed an unknown payload with an algorithm that is not accepted.
    OtherKeysOrAlgorithm(Digest),
    /// The signature of Notation that got furthest failed this check.
    Notation(NotationError),
    /// The trust data of Notary v1 does not count for it.
    NotaryV1(RootError),
    /// The trust root was not looked at, for this reason.
    NotLookedAt(Unseen),
}

/// A look at the signatures of an image, for those who are missing.
pub(super) struct Look<'m> {
    missing: &'m CosignMissing<'m>,
    /// Those of the signature manifest whose payload does not lie in the evidence manifest.
    layers: Vec<&'m Layer>,
    /// Those of the evidence manifest.
    documents: Vec<&'m SignatureDocument>,
    mistakes: BTreeMap<Digest, (Payload, Mistake)>,
    checks_of_keys: usize,
    checks_of_certificates: usize,
}

impl<'m> Look<'m> {
    pub(super) fn new(missing: &'m CosignMissing<'m>, digest: Digest) -> Look<'m> {
        let mistakes = missing.requirement.mistakes(missing.image, digest);
        let documents: Vec<&SignatureDocument> = missing.found.evidence.signatures().collect();
        let is_new = |layer: &&Layer| documents.iter().all(|document| document.layer() != Some(*layer));
        let layers = missing.found.signatures.layers().iter().filter(is_new).collect();
        Look { missing, layers, documents, mistakes, checks_of_keys: 0, checks_of_certificates: 0 }
    }

    /// How many signatures there are.
    pub(super) fn signatures(&self) -> usize {
        self.layers.len().saturating_add(self.documents.len())
    }

    /// How many of them came with a certificate.
    pub(super) fn certificates(&self) -> usize {
        let of_layers = self.layers.iter().filter(|layer| layer.attachment.certificate.is_some()).count();
        of_layers.saturating_add(self.documents.iter().filter(|document| document.has_certificate()).count())
    }

    /// Why trust roots are missing, as far as it can be told before the time is up.
    pub(super) fn all(&mut self, budget: &Budget<'_>) -> Vec<(TrustRootName, MissingSigner)> {
        let roots = self.missing.roots.iter().take(MAX_EXPLAINED);
        let mut found: Vec<(TrustRootName, MissingSigner)> =
            roots.map(|root| (root.name.clone(), self.why(root, budget))).collect();
        let shared = self.missing.tally.shared.iter().map(|root| (root.clone(), MissingSigner::Shared));
        found.extend(shared.take(MAX_EXPLAINED.saturating_sub(found.len())));
        found
    }

    /// Which keys may have made the first of these signatures, where it is certain that nobody who is asked made any.
    pub(super) fn makers(&self, found: &[(TrustRootName, MissingSigner)]) -> Option<[Digest; 2]> {
        let is_stranger = |(_, why): &(TrustRootName, MissingSigner)| {
            matches!(why, MissingSigner::OtherKeys(_) | MissingSigner::OtherKeysOrAlgorithm(_))
        };
        let first = self.layers.iter().find(|layer| layer.attachment.certificate.is_none())?;
        let are_strangers = found.len() == self.missing.tally.roots && found.iter().all(is_stranger);
        are_strangers.then(|| possible_makers(first.payload, &first.signature)).flatten()
    }

    fn why(&mut self, root: &TrustRoot, budget: &Budget<'_>) -> MissingSigner {
        let CosignMissing { requirement, now, errors, .. } = self.missing;
        let terms = requirement.certificate_terms(root, *now);
        if let Some(why) = of_time(root, *now) {
            return why;
        }
        if let Some(error) = errors.get(&root.name) {
            return failed(error.clone(), terms.map(|(identity, _)| identity));
        }
        let why = match (root.key(), terms) {
            (Some(key), _) => self.of_key(root, key, budget),
            (None, Some((identity, terms))) => self.of_certificate(root, identity, terms, budget),
            (None, None) => Ok(MissingSigner::NoCertificate),
        };
        why.unwrap_or_else(MissingSigner::NotLookedAt)
    }

    fn of_key(&mut self, root: &TrustRoot, key: &PublicKey, budget: &Budget<'_>) -> Result<MissingSigner, Unseen> {
        for document in &self.documents {
            spend(&mut self.checks_of_keys, budget)?;
            let signature = document.signature();
            match self.missing.requirement.mistake(root, self.missing.image, &document.subject) {
                Some(mistake) if signature.is_signed_with(key) => return Ok(MissingSigner::from(&mistake)),
                _ => {}
            }
            if let Some(algorithm) = signature.is_signed_otherwise(key) {
                return Ok(MissingSigner::OtherAlgorithm(algorithm));
            }
        }
        let mut is_certain = true;
        for layer in &self.layers {
            let mistake = self.mistakes.get(&layer.payload);
            // Nobody who is missing made one over a payload that is accepted, in a way that is.
            let known = mistake.map(|(payload, _)| payload).or_else(|| self.missing.found.signatures.accepted(layer));
            spend(&mut self.checks_of_keys, budget)?;
            match (known, mistake) {
                (Some(payload), Some((_, mistake))) if Signature::new(layer, payload).is_signed_with(key) => {
                    return Ok(mistake.into());
                }
                (Some(payload), _) => {
                    spend(&mut self.checks_of_keys, budget)?;
                    if let Some(algorithm) = key.signed_otherwise(payload.bytes(), &layer.signature) {
                        return Ok(MissingSigner::OtherAlgorithm(algorithm));
                    }
                }
                (None, _) if key.signed(Message::Known(layer.payload), &layer.signature) => {
                    return Ok(MissingSigner::OtherPayload(self.missing.requirement.wanted_annotations()));
                }
                (None, _) => is_certain = false,
            }
        }
        Ok(match is_certain {
            true => MissingSigner::OtherKeys(key.fingerprint()),
            false if key.signs_sha256_only() => MissingSigner::OtherKeysOrAlgorithm(key.fingerprint()),
            false => MissingSigner::Untold,
        })
    }

    fn of_certificate(
        &mut self,
        root: &TrustRoot,
        identity: &CertificateIdentity,
        terms: CertificateTerms<'_>,
        budget: &Budget<'_>,
    ) -> Result<MissingSigner, Unseen> {
        // Nobody who is missing made one over a payload that is accepted.
        let signatures = &self.missing.found.signatures;
        let is_open = |layer: &&Layer| layer.attachment.certificate.is_some() && signatures.accepted(layer).is_none();
        let layers: Vec<&Layer> = self.layers.iter().copied().filter(is_open).collect();
        let mut furthest: Option<VerificationError> = None;
        let mut note = |error: VerificationError| {
            if furthest.as_ref().is_none_or(|furthest| furthest.rank() < error.rank()) {
                furthest = Some(error);
            }
        };
        let nobody_is_known = |_: &Signer| false;
        for document in &self.documents {
            let mistake = self.missing.requirement.mistake(root, self.missing.image, &document.subject);
            let Some(mistake) = mistake.filter(|_| document.has_certificate()) else { continue };
            spend(&mut self.checks_of_certificates, budget)?;
            match document.signature().claim_of_certificate(identity, terms, nobody_is_known) {
                ByCertificate::Claim(_) => return Ok(MissingSigner::from(&mistake)),
                ByCertificate::Failed(error) => note(error),
                ByCertificate::None | ByCertificate::Known => {}
            }
        }
        for layer in layers {
            spend(&mut self.checks_of_certificates, budget)?;
            let error = match self.mistakes.get(&layer.payload) {
                Some((payload, mistake)) => {
                    match Signature::new(layer, payload).claim_of_certificate(identity, terms, nobody_is_known) {
                        ByCertificate::Claim(_) => return Ok(mistake.into()),
                        ByCertificate::Failed(error) => error,
                        ByCertificate::None | ByCertificate::Known => continue,
                    }
                }
                None => match Leaf::read(layer.attachment.certificate.as_deref().unwrap_or_default()) {
                    Ok(leaf) => match identity.matches(&leaf) {
                        Ok(()) => return Ok(MissingSigner::Untold),
                        Err(error) => error,
                    },
                    Err(error) => error,
                },
            };
            note(error);
        }
        Ok(furthest.map_or(MissingSigner::NoCertificate, |error| failed(error, Some(identity))))
    }
}

/// Takes one check, if there is time for it.
fn spend(checks: &mut usize, budget: &Budget<'_>) -> Result<(), Unseen> {
    *checks = checks.saturating_add(1);
    if *checks > MAX_CHECKS { Err(Unseen::Checks) } else { budget.spare_time() }
}

/// A check that no signature passed, with the identity that the trust root names if the check is about it.
fn failed(error: VerificationError, identity: Option<&CertificateIdentity>) -> MissingSigner {
    let is_identity = matches!(
        error,
        VerificationError::Identity(..) | VerificationError::Repository(_) | VerificationError::Reference(_)
    );
    MissingSigner::Failed(error, identity.filter(|_| is_identity).cloned())
}

/// The reasons for which trust roots do not count at this time.
pub(super) fn not_now(roots: &[&TrustRoot], now: UnixTime) -> Vec<(TrustRootName, MissingSigner)> {
    let not_now = roots.iter().filter_map(|root| Some((root.name.clone(), of_time(root, now)?)));
    not_now.take(MAX_EXPLAINED).collect()
}

/// The reason for which a trust root does not count at this time, if there is one.
pub(super) fn of_time(root: &TrustRoot, now: UnixTime) -> Option<MissingSigner> {
    match (root.period.start, root.period.end) {
        (Some(start), _) if now < start => Some(MissingSigner::NotYet(start)),
        (_, Some(end)) if end < now => Some(MissingSigner::NoLonger(end)),
        _ => None,
    }
}

impl From<&Mistake> for MissingSigner {
    fn from(mistake: &Mistake) -> MissingSigner {
        match mistake {
            Mistake::Annotations(unmet) => MissingSigner::Annotations(unmet.clone()),
            Mistake::Name(name) => MissingSigner::OtherName(name.clone()),
            Mistake::NoName => MissingSigner::NoName,
        }
    }
}
