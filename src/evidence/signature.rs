//! Does this signature prove who made it?
//!
//! Certificate, log entries, timestamps, signature and content are checked together, as they are in one layer of a signature manifest or in one bundle. Nothing is
//! ever taken from another layer or bundle. Checks that cost nothing come first. Of the others, those that a stranger can least pass come first.

use std::{borrow::Cow, cell::OnceCell};

use der::Document;

use super::{
    Claim, Signer, Source,
    bundle::{Bundle, BundleContent},
    cosign::{Attachment, Layer, Payload},
    envelope::Envelope,
};
use crate::{
    image::Digest,
    signing::{
        PublicKey, SignatureAlgorithm,
        certificate::certificates,
        path::MAX_CHAIN,
        signature::{Message, Trial},
    },
    sigstore::{
        Authorities, CertificateIdentity, Leaf, Logs, TimestampAuthorities, VerificationError, sct,
        tlog_entry::{BoundEntry, Content, Logged, LoggedBy, TlogEntry},
    },
    time::UnixTime,
};

/// The most entries of known logs. Each costs two verifications at most, and clients ask one or two logs.
const MAX_BOUND: usize = 4;

/// A signature of an image, and the content that it claims to cover.
pub(crate) struct Signature<'s> {
    image: Digest,
    source: Source,
    /// The predicate type, if it is the signature of an attestation.
    predicate_type: Option<&'s str>,
    content: Content<'s>,
    signature: &'s [u8],
    /// The bytes that timestamps are about.
    stamped: &'s [u8],
    material: Material<'s>,
    trial: Trial<'s>,
    /// The certificate. It is read once, however many trust roots look at it.
    leaf: OnceCell<Result<Leaf, VerificationError>>,
}

/// The place of the certificate, the log entries and the timestamps of a signature.
#[derive(Clone, Copy)]
enum Material<'s> {
    Attachment(&'s Attachment),
    Bundle(&'s Bundle),
}

/// A DSSE envelope as cosign 2 stores it.
#[derive(Clone, Copy)]
pub(super) struct Stored<'s> {
    /// What stands beside it.
    pub(super) attachment: &'s Attachment,
    /// The envelope as it is stored.
    pub(super) bytes: &'s [u8],
}

/// What a certificate has to prove besides its identity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CertificateTerms<'d> {
    /// The authorities that may have issued the certificate.
    pub(crate) authorities: &'d Authorities,
    /// The transparency logs, if one of them has to have an entry.
    pub(crate) tlogs: Option<&'d Logs>,
    /// The certificate transparency (CT) logs, if one of them has to have seen the certificate.
    pub(crate) ctlogs: Option<&'d Logs>,
    /// The time-stamping authorities that are trusted.
    pub(crate) timestamp_authorities: &'d TimestampAuthorities,
    /// Whether a log or a time-stamping authority has to say when the certificate was used. If this is `false` and neither says it, the certificate has to be valid now.
    pub(crate) needs_time: bool,
    /// The time now.
    pub(crate) now: UnixTime,
}

/// What a signature proves to a trust root that names a certificate identity.
pub(crate) enum ByCertificate {
    /// The signature has no certificate.
    None,
    /// The signer is known already, so the signature was not checked.
    Known,
    /// The signer is proven to have signed.
    Claim(Claim),
    /// The signature failed this check.
    Failed(VerificationError),
}

impl<'s> Signature<'s> {
    /// The signature of this layer over a payload that the policy wrote again.
    pub(crate) fn new(layer: &'s Layer, payload: &'s Payload) -> Signature<'s> {
        Signature::of_layer(layer, payload.bytes(), payload.image(), Source::SignatureManifest)
    }

    /// The signature of this layer over `payload`, which is about `image`.
    pub(super) fn of_layer(layer: &'s Layer, payload: &'s [u8], image: Digest, source: Source) -> Signature<'s> {
        Signature {
            image,
            source,
            content: Content::Bytes(payload),
            signature: &layer.signature,
            stamped: &layer.signature,
            material: Material::Attachment(&layer.attachment),
            predicate_type: None,
            trial: Trial::new(layer.payload, &layer.signature),
            leaf: OnceCell::new(),
        }
    }

    /// The signature of this envelope, which is stored as it is, and is about `image`.
    pub(super) fn of_envelope(
        envelope: &'s Envelope,
        signature: &'s [u8],
        stored: Stored<'s>,
        image: Digest,
    ) -> Signature<'s> {
        Signature {
            image,
            source: Source::EvidenceManifest,
            content: Content::Envelope {
                envelope: (&envelope.payload_type, &envelope.payload),
                encoding: &envelope.encoding,
                stored: Some(stored.bytes),
            },
            signature,
            // cosign 2 has no signature beside an envelope, so it takes the time of the envelope itself (cosign, `pkg/cosign/verify.go`).
            stamped: stored.bytes,
            material: Material::Attachment(stored.attachment),
            predicate_type: None,
            trial: Trial::new(Digest::of(&envelope.encoding), signature),
            leaf: OnceCell::new(),
        }
    }

    /// The signature of this bundle, which is about `image`.
    pub(super) fn of_bundle(bundle: &'s Bundle, image: Digest) -> Signature<'s> {
        let (content, hash) = match &bundle.content {
            BundleContent::Message(digest) => (Content::Known(*digest), *digest),
            BundleContent::Envelope(Envelope { payload_type, payload, encoding }) => {
                (Content::Envelope { envelope: (payload_type, payload), encoding, stored: None }, Digest::of(encoding))
            }
        };
        Signature {
            image,
            source: Source::EvidenceManifest,
            content,
            signature: &bundle.signature,
            stamped: &bundle.signature,
            material: Material::Bundle(bundle),
            predicate_type: None,
            trial: Trial::new(hash, &bundle.signature),
            leaf: OnceCell::new(),
        }
    }

    /// The same signature, which is that of an attestation with this predicate type.
    pub(super) fn of_attestation(self, predicate_type: &'s str) -> Signature<'s> {
        Signature { predicate_type: Some(predicate_type), ..self }
    }

    /// Whether this key verifies the signature.
    pub(crate) fn is_signed_with(&self, key: &PublicKey) -> bool {
        self.trial.may_be_by(key) && key.signed(self.content.message(), self.signature)
    }

    /// The algorithm with which this key made the signature, if it is not an accepted one.
    pub(crate) fn is_signed_otherwise(&self, key: &PublicKey) -> Option<SignatureAlgorithm> {
        match self.content.message() {
            Message::Bytes(bytes) => key.signed_otherwise(bytes, self.signature),
            Message::Known(_) => None,
        }
    }

    /// The claim that `key` signed; `None` if it did not. If `tlogs` are given, one of them has to have an entry.
    pub(crate) fn claim_of_key(
        &self,
        key: &PublicKey,
        tlogs: Option<(&Logs, &TimestampAuthorities)>,
    ) -> Option<Result<Claim, VerificationError>> {
        let logged = |(logs, authorities): (&Logs, &TimestampAuthorities)| {
            let entries = self.entries()?;
            let bound = self.bind(&entries, LoggedBy::Key(key), logs)?;
            // Where nothing says when an entry was made, a log that is no longer trusted may have made it since.
            let is_open = |entry: &&BoundEntry<'_>| entry.time.is_none() && !entry.is_trusted_for_good();
            let open: Vec<&BoundEntry<'_>> = bound.iter().filter(is_open).collect();
            if !open.is_empty() {
                let stamps = self.timestamps().iter();
                let times: Vec<UnixTime> = stamps.filter_map(|it| authorities.time_of(it, self.stamped).ok()).collect();
                if !open.iter().all(|entry| times.iter().any(|time| entry.is_trusted_at(*time))) {
                    return Err(VerificationError::LogUnknown(logs.origin));
                }
            }
            bound.iter().try_for_each(BoundEntry::check)
        };
        self.is_signed_with(key).then(|| tlogs.map_or(Ok(()), logged).map(|()| self.claim(Signer::of_key(key), None)))
    }

    /// What the signature proves to a trust root that names `identity`. A signer that `is_known` is not checked again.
    pub(crate) fn claim_of_certificate(
        &self,
        identity: &CertificateIdentity,
        terms: CertificateTerms<'_>,
        is_known: impl Fn(&Signer) -> bool,
    ) -> ByCertificate {
        let check = |leaf: Result<&Leaf, VerificationError>| {
            let leaf = leaf?;
            identity.matches(leaf)?;
            // If the trust root asks for no issuer, the issuer is any text, and tells no signers apart.
            let issuer = leaf.issuer.clone().filter(|_| identity.asks_for_the_issuer());
            let signer = Signer { key: leaf.key.clone(), identity: Some((leaf.subject.clone(), issuer)) };
            if is_known(&signer) {
                return Ok(None);
            }
            self.check_certificate(leaf, terms)?;
            Ok(Some((signer, leaf.validity.start)))
        };
        match self.leaf().map(check) {
            None => ByCertificate::None,
            Some(Ok(None)) => ByCertificate::Known,
            Some(Ok(Some((signer, start)))) => ByCertificate::Claim(self.claim(signer, start)),
            Some(Err(error)) => ByCertificate::Failed(error),
        }
    }

    /// The start of the certificate, if there is one that can be read. It is not proven yet.
    pub(crate) fn certified_at(&self) -> Option<UnixTime> {
        self.leaf()?.ok()?.validity.start
    }

    /// The certificate, if there is one. Nothing that it says is proven yet.
    fn leaf(&self) -> Option<Result<&Leaf, VerificationError>> {
        let leaf = match (self.leaf.get(), self.material) {
            (Some(leaf), _) => leaf,
            (None, Material::Attachment(attachment)) => {
                let text = attachment.certificate.as_deref()?;
                self.leaf.get_or_init(|| Leaf::read(text))
            }
            (None, Material::Bundle(bundle)) => {
                let document = bundle.certificate.as_ref()?;
                self.leaf.get_or_init(|| Leaf::of(document.clone()))
            }
        };
        Some(leaf.as_ref().map_err(Clone::clone))
    }

    /// Checks that `leaf`, this signature's certificate, is genuine and belongs to this signature.
    fn check_certificate(&self, leaf: &Leaf, terms: CertificateTerms<'_>) -> Result<(), VerificationError> {
        let entries = if terms.tlogs.is_some() { self.entries()? } else { Cow::Borrowed(&[][..]) };
        let by = LoggedBy::Certificate(leaf.der.as_bytes(), &leaf.key);
        let bound = terms.tlogs.map_or(Ok(Vec::new()), |logs| self.bind(&entries, by, logs))?;
        let times = self.times(leaf, &bound, terms)?;
        let issuer = terms.authorities.issuer_of(leaf, &self.chain()?, &times)?;
        if let Some(logs) = terms.ctlogs {
            sct::check(leaf, issuer, logs)?;
        }
        bound.iter().try_for_each(BoundEntry::check)?;
        self.is_signed_with(&leaf.key).then_some(()).ok_or(VerificationError::Signature)
    }

    /// The times at which the certificate was used, or the present. The certificate was valid at each of them. The log entries are not verified yet.
    fn times(
        &self,
        leaf: &Leaf,
        bound: &[BoundEntry<'_>],
        terms: CertificateTerms<'_>,
    ) -> Result<Vec<UnixTime>, VerificationError> {
        let mut times: Vec<UnixTime> = bound.iter().filter_map(|entry| entry.time).collect();
        if times.iter().any(|time| !leaf.validity.contains(*time)) {
            return Err(VerificationError::LogTime);
        }
        let mut unverified = None;
        if !terms.timestamp_authorities.list.is_empty() {
            for response in self.timestamps() {
                match terms.timestamp_authorities.time_of(response, self.stamped) {
                    Ok(time) if leaf.validity.contains(time) => times.push(time),
                    Ok(_) => return Err(VerificationError::TimestampTime),
                    // Who signed it is not known here, so it says nothing; a log can still say when.
                    Err(error @ (VerificationError::TimestampForm | VerificationError::TimestampUnknown(_))) => {
                        unverified.get_or_insert(error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if times.iter().any(|time| bound.iter().any(|entry| !entry.is_trusted_at(*time))) {
            return Err(VerificationError::LogTime);
        }
        match times.is_empty() {
            false => Ok(times),
            // A timestamp that failed explains more than the lack of a time.
            true if terms.needs_time => Err(unverified.unwrap_or(VerificationError::NoTime)),
            true if leaf.validity.contains(terms.now) => Ok(vec![terms.now]),
            true => Err(VerificationError::Expired),
        }
    }

    /// The log entries of this signature in known logs. There is at least one.
    fn bind<'e>(
        &self,
        entries: &'e [TlogEntry],
        by: LoggedBy<'_>,
        logs: &'e Logs,
    ) -> Result<Vec<BoundEntry<'e>>, VerificationError> {
        let logged = Logged { content: self.content, signature: self.signature, by };
        let mut bound = Vec::new();
        for entry in entries {
            bound.extend(entry.bind(&logged, logs)?);
        }
        match (bound.len(), entries.is_empty()) {
            (0, true) => Err(VerificationError::NoLogEntry),
            (0, false) => Err(VerificationError::LogUnknown(logs.origin)),
            (1..=MAX_BOUND, _) => Ok(bound),
            _ => Err(VerificationError::LogForm),
        }
    }

    fn entries(&self) -> Result<Cow<'s, [TlogEntry]>, VerificationError> {
        match self.material {
            Material::Attachment(attachment) => {
                let text = attachment.bundle.as_deref().ok_or(VerificationError::NoLogEntry)?;
                Ok(Cow::Owned(vec![TlogEntry::of_annotation(text)?]))
            }
            Material::Bundle(bundle) => Ok(Cow::Borrowed(&bundle.entries)),
        }
    }

    fn timestamps(&self) -> &'s [Vec<u8>] {
        match self.material {
            Material::Attachment(attachment) => attachment.timestamp.as_slice(),
            Material::Bundle(bundle) => &bundle.timestamps,
        }
    }

    fn chain(&self) -> Result<Cow<'s, [Document]>, VerificationError> {
        match self.material {
            Material::Attachment(attachment) => match attachment.chain.as_deref() {
                Some(text) => certificates(text, MAX_CHAIN).map(Cow::Owned).ok_or(VerificationError::Chain),
                None => Ok(Cow::Borrowed(&[])),
            },
            Material::Bundle(bundle) => Ok(Cow::Borrowed(&bundle.chain)),
        }
    }

    fn claim(&self, signer: Signer, not_before: Option<UnixTime>) -> Claim {
        let claim = Claim::new(signer, self.image, self.source).not_before(not_before);
        claim.of_attestation(self.predicate_type)
    }
}
