//! Does this signature prove who made it?
//!
//! Certificate, log entry, signature and payload are checked together, on one layer of a signature manifest; nothing is ever taken from another one. What
//! costs nothing comes first; of what costs a verification, that which a stranger can least forge.

use std::cell::OnceCell;

use super::{Layer, Payload};
use crate::{
    evidence::{Claim, Signer, Source},
    signing::{
        PublicKey,
        signature::{Message, Trial},
    },
    sigstore::{
        Authorities, CertificateIdentity, Leaf, Logs, VerificationError, sct,
        tlog_entry::{EntryOf, TlogEntry},
    },
    time::UnixTime,
};

/// A signature, and the payload that it is said to be over.
pub(crate) struct Signature<'s> {
    layer: &'s Layer,
    payload: &'s Payload,
    trial: Trial<'s>,
    /// The certificate, read once however many trust roots look at it.
    leaf: OnceCell<Result<Leaf, VerificationError>>,
}

/// What is asked of a certificate besides its identity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CertificateTerms<'d> {
    /// The authorities that may have issued it.
    pub(crate) authorities: &'d Authorities,
    /// The transparency logs of which one has to have an entry; without, the certificate has to be valid now.
    pub(crate) tlogs: Option<&'d Logs>,
    /// The certificate transparency logs of which one has to have seen it.
    pub(crate) ctlogs: Option<&'d Logs>,
    /// The time now.
    pub(crate) now: UnixTime,
}

/// What a signature proves to a trust root that names a certificate identity.
pub(crate) enum ByCertificate {
    /// It has no certificate.
    None,
    /// It has one of a signer that is known already, so it was not checked.
    Known,
    /// The signer signed.
    Claim(Claim),
    /// This check failed.
    Failed(VerificationError),
}

impl<'s> Signature<'s> {
    pub(crate) fn new(layer: &'s Layer, payload: &'s Payload) -> Signature<'s> {
        Signature { layer, payload, trial: Trial::new(layer.payload, &layer.signature), leaf: OnceCell::new() }
    }

    /// Does this key verify the signature?
    pub(crate) fn is_signed_with(&self, key: &PublicKey) -> bool {
        self.trial.may_be_by(key) && key.signed(Message::Bytes(self.payload.bytes()), &self.layer.signature)
    }

    /// The claim of whoever holds `key`, with an entry in one of `tlogs` if these are given; `None` if the key did not make the signature.
    pub(crate) fn claim_of_key(
        &self,
        key: &PublicKey,
        tlogs: Option<&Logs>,
    ) -> Option<Result<Claim, VerificationError>> {
        let logged = |logs| self.tlog_entry(EntryOf::Key(key), logs)?.check_signed_entry_timestamp();
        self.is_signed_with(key).then(|| tlogs.map_or(Ok(()), logged).map(|()| self.claim(Signer::of_key(key))))
    }

    /// What the signature proves of `identity`. A signer that `is_known` is not checked again.
    pub(crate) fn claim_of_certificate(
        &self,
        identity: &CertificateIdentity,
        terms: CertificateTerms<'_>,
        is_known: impl Fn(&Signer) -> bool,
    ) -> ByCertificate {
        let check = |leaf: Result<&Leaf, VerificationError>| {
            let leaf = leaf?;
            identity.matches(leaf)?;
            // An issuer that nobody asked for is a text that anybody can have in a certificate, and tells nobody apart.
            let issuer = leaf.issuer.clone().filter(|_| identity.asks_for_the_issuer());
            let signer = Signer { key: leaf.key.clone(), identity: Some((leaf.subject.text().to_owned(), issuer)) };
            if is_known(&signer) {
                return Ok(None);
            }
            self.check_certificate(leaf, terms)?;
            Ok(Some(signer))
        };
        match self.leaf().map(check) {
            None => ByCertificate::None,
            Some(Ok(None)) => ByCertificate::Known,
            Some(Ok(Some(signer))) => ByCertificate::Claim(self.claim(signer)),
            Some(Err(error)) => ByCertificate::Failed(error),
        }
    }

    /// The certificate, if there is one. It can say whatever it likes.
    fn leaf(&self) -> Option<Result<&Leaf, VerificationError>> {
        let text = self.layer.certificate.as_deref()?;
        Some(self.leaf.get_or_init(|| Leaf::read(text)).as_ref().map_err(Clone::clone))
    }

    /// Checks that `leaf`, this signature's certificate, is genuine and of this signature.
    fn check_certificate(&self, leaf: &Leaf, terms: CertificateTerms<'_>) -> Result<(), VerificationError> {
        let entry = match terms.tlogs {
            Some(logs) => Some(self.tlog_entry(EntryOf::Certificate(leaf.der.as_bytes()), logs)?),
            None => None,
        };
        let time = entry.as_ref().map_or(terms.now, |entry| entry.time);
        if !leaf.validity.contains(time) {
            return Err(if entry.is_some() { VerificationError::LogTime } else { VerificationError::Expired });
        }
        let issuer = terms.authorities.issuer_of(leaf, self.layer.chain.as_deref(), time)?;
        if let Some(logs) = terms.ctlogs {
            sct::check(leaf, issuer, logs)?;
        }
        if let Some(entry) = entry {
            entry.check_signed_entry_timestamp()?;
        }
        self.is_signed_with(&leaf.key).then_some(()).ok_or(VerificationError::Signature)
    }

    fn tlog_entry<'l>(&self, of: EntryOf<'_>, logs: &'l Logs) -> Result<TlogEntry<'l>, VerificationError> {
        let text = self.layer.bundle.as_deref().ok_or(VerificationError::NoLogEntry)?;
        TlogEntry::read(text, self.payload.bytes(), &self.layer.signature, of, logs)
    }

    fn claim(&self, signer: Signer) -> Claim {
        Claim::new(signer, self.payload.image(), Source::SignatureManifest)
    }
}
