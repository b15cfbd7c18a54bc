//! Did somebody whom a trust store vouches for sign this image with Notation?
//!
//! The steps are those of the Notary Project ("Trust Store and Trust Policy", "Steps"). They differ in order: what costs nothing comes before signatures. A check that
//! fails counts as the level says. All that is checked is in one envelope. Only revocation lists and OCSP responses come from elsewhere, and each of them is signed.

mod chain;
mod cose;
mod envelope;
mod error;
mod jws;
mod name;
mod ocsp;
mod revocation;
mod terms;
#[cfg(test)]
mod tests;
mod timestamp;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::value::RawValue;

pub use chain::ChainError;
pub(crate) use envelope::EnvelopeFormat;
pub use envelope::{COSE, JWS, Scheme};
pub use error::{NotationError, TimestampError};
pub use name::{IdentityError, SubjectPattern, TrustedIdentity};
pub use ocsp::OcspRequest;
pub(crate) use revocation::RevocationEvidence;
pub use terms::{Enforcement, NotationTerms, TrustStore, VerificationLevel};

use super::{Claim, Signer, Source};
use crate::{
    image::Digest,
    json::{all_members, members, text},
    signing::{
        certificate::{Certificate, Purpose},
        timestamp_token::TimestampToken,
    },
    time::UnixTime,
};
use chain::Link;
use envelope::{Envelope, MAX_CERTIFICATES};
use name::{DistinguishedName, shown_subject};
use revocation::Revocation;
use timestamp::Timestamped;

/// The critical attribute that names the plugin which has to verify an envelope.
const PLUGIN: &str = "io.cncf.notary.verificationPlugin";
/// The plugin of AWS Signer, and its attributes. They are understood here.
const AWS_PLUGIN: &str = "com.amazonaws.signer.notation.plugin";
const AWS_PROFILE: &str = "com.amazonaws.signer.signingProfileVersion";
const AWS_JOB: &str = "com.amazonaws.signer.signingJob";
/// The media types of what Notation signs as an image. It also signs files, as another type.
const IMAGES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A signature that was read, about one image.
pub(crate) struct NotationSignature {
    image: Digest,
    envelope: Envelope,
    annotations: BTreeMap<String, String>,
    /// Whether the key of the first certificate made the signature. It is checked once, however many trust roots look at it.
    is_signed: OnceCell<Result<(), NotationError>>,
}

/// What a signature proves to a trust root.
pub(crate) struct Proof {
    pub(crate) claim: Claim,
    /// The checks that failed, and are not enforced.
    pub(crate) logged: Vec<NotationError>,
}

impl NotationSignature {
    /// Reads an envelope about `image`.
    ///
    /// # Errors
    /// If it is not one, or is about another image.
    pub(crate) fn read(
        format: EnvelopeFormat,
        bytes: &[u8],
        image: Digest,
    ) -> Result<NotationSignature, NotationError> {
        let envelope = match format {
            EnvelopeFormat::Jws => jws::read(bytes),
            EnvelopeFormat::Cose => cose::read(bytes),
        };
        let has_certificates = |envelope: &Envelope| (1..=MAX_CERTIFICATES).contains(&envelope.chain.len());
        let envelope = envelope.filter(has_certificates).ok_or(NotationError::Envelope)?;
        let (digest, annotations) = read_payload(&envelope.payload).ok_or(NotationError::Payload)?;
        // Everything below is about this certificate.
        Certificate::read(envelope.chain.first().ok_or(NotationError::Envelope)?).ok_or(NotationError::Envelope)?;
        match digest == image {
            true => Ok(NotationSignature { image, envelope, annotations, is_signed: OnceCell::new() }),
            false => Err(NotationError::OtherImage),
        }
    }

    /// Whether a certificate of the signature is in the store, so that a check is likely to succeed.
    pub(crate) fn may_be_of(&self, store: &TrustStore) -> bool {
        self.envelope.attributes.scheme == store.scheme && self.trusted(store).is_some()
    }

    /// The place in the chain of a certificate that is in the store.
    fn trusted(&self, store: &TrustStore) -> Option<usize> {
        self.envelope.chain.iter().position(|der| store.certificates.contains(der))
    }

    /// Whether the key of the first certificate made the signature, with the one algorithm that it may have. This says nothing about the certificate.
    ///
    /// # Errors
    /// If it did not.
    fn is_signed(&self) -> Result<(), NotationError> {
        let check = || {
            let leaf = self.envelope.chain.first().and_then(|der| Certificate::read(der));
            let key = leaf.and_then(|leaf| leaf.key()).filter(|key| self.envelope.names_algorithm_of(key));
            let key = key.ok_or(NotationError::Algorithm)?;
            match key.signed_for_notation(&self.envelope.signed, &self.envelope.signature) {
                true => Ok(()),
                false => Err(NotationError::Signature),
            }
        };
        self.is_signed.get_or_init(check).clone()
    }

    /// What the signature proves to a trust root.
    ///
    /// # Errors
    /// The check that failed, and is enforced.
    pub(crate) fn check(
        &self,
        store: &TrustStore,
        terms: &NotationTerms,
        evidence: &RevocationEvidence<'_>,
        now: UnixTime,
    ) -> Result<Proof, NotationError> {
        let mut logged = Logged(Vec::new());
        let Envelope { chain, attributes, .. } = &self.envelope;
        let leaf =
            chain.first().and_then(|der| Certificate::read(der)).ok_or(NotationError::Chain(ChainError::Form))?;
        let subject = shown_subject(&leaf);
        // Stores of both types are never mixed, whatever the level.
        if attributes.scheme != store.scheme {
            return Err(NotationError::Scheme);
        }
        logged.note(terms.level.authenticity, self.check_authenticity(&leaf, store))?;
        self.check_annotations(&terms.annotations)?;
        self.check_critical()?;
        let has_expired = attributes.expiry.filter(|expiry| *expiry <= now).map(NotationError::Expired);
        logged.note(terms.level.expiry, has_expired.map_or(Ok(()), Err))?;
        self.is_signed()?;
        let links = chain::read(chain, Purpose::CodeSigning, self.trusted(store)).map_err(NotationError::Chain)?;
        let revocation = Revocation::read(evidence, now);
        let mut signed_at = None;
        match self.check_time(&links, store, terms, &revocation, now) {
            Ok(None) => {}
            Ok(Some(Timestamped { times: [_, latest], revocation })) => {
                signed_at = Some(latest);
                logged.note(terms.level.revocation, revocation)?;
            }
            Err(error) => logged.note(terms.level.authentic_timestamp, Err(error))?,
        }
        // AWS tells revocation by an interface of its own, which nobody can ask here.
        let known = match self.is_by_aws() {
            true => Err(NotationError::RevocationUnknown(subject.clone())),
            false => revocation.check(&links, signed_at),
        };
        logged.note(terms.level.revocation, known)?;
        let key = links.first().map(|link| link.key.clone()).ok_or(NotationError::Chain(ChainError::Form))?;
        // Other CAs may certify the same name for somebody else, and names that are shown alike may differ.
        let root = links.last().map(|root| root.key.fingerprint().to_string());
        let name = Digest::of(leaf.tbs.subject.value()).to_string();
        let signer = Signer { key, identity: Some((name, root)) };
        let claim = Claim::new(signer, self.image, Source::EvidenceManifest);
        Ok(Proof { claim, logged: logged.0 })
    }

    /// Whether a certificate of the store vouches for a signer who is trusted.
    fn check_authenticity(&self, leaf: &Certificate<'_>, store: &TrustStore) -> Result<(), NotationError> {
        if !self.envelope.chain.iter().any(|der| store.certificates.contains(der)) {
            return Err(NotationError::Untrusted(shown_subject(leaf)));
        }
        let subject = DistinguishedName::of(leaf.tbs.subject);
        let profile = self.envelope.attributes.critical.get(AWS_PROFILE).and_then(Option::as_deref);
        // AWS signs for everybody under one name, so only the profile says for whom. And only an authority vouches for a profile.
        let is_trusted = |identity: &TrustedIdentity| match self.is_by_aws() {
            true => store.scheme == Scheme::SigningAuthority && profile.is_some_and(|it| identity.is_profile(it)),
            false => subject.as_ref().is_some_and(|subject| identity.is_of(subject)),
        };
        let is_anybody = store.identities.is_none() && !self.is_by_aws();
        match is_anybody || store.identities.iter().flatten().any(is_trusted) {
            true => Ok(()),
            false => Err(NotationError::Identity(profile.map_or_else(|| shown_subject(leaf), str::to_owned))),
        }
    }

    fn check_annotations(&self, wanted: &BTreeMap<String, String>) -> Result<(), NotationError> {
        let unmet = wanted.iter().filter(|(key, value)| self.annotations.get(*key) != Some(value));
        let unmet: Vec<String> = unmet.map(|(key, value)| format!("{key}={value}")).collect();
        if unmet.is_empty() { Ok(()) } else { Err(NotationError::Annotations(unmet)) }
    }

    /// What is critical has to be understood.
    fn check_critical(&self) -> Result<(), NotationError> {
        let critical = &self.envelope.attributes.critical;
        let is_known = |name: &str| self.is_by_aws() && matches!(name, PLUGIN | AWS_PROFILE | AWS_JOB);
        match critical.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(NotationError::Critical(name.clone())),
        }
    }

    /// Whether AWS Signer made the signature, as it says.
    fn is_by_aws(&self) -> bool {
        self.envelope.attributes.critical.get(PLUGIN).is_some_and(|plugin| plugin.as_deref() == Some(AWS_PLUGIN))
    }

    /// Whether the certificates were valid when the signature was made, and what is proven about that time, if it is not now.
    fn check_time(
        &self,
        links: &[Link<'_>],
        store: &TrustStore,
        terms: &NotationTerms,
        revocation: &Revocation<'_>,
        now: UnixTime,
    ) -> Result<Option<Timestamped>, NotationError> {
        let attributes = &self.envelope.attributes;
        if store.scheme == Scheme::SigningAuthority {
            // The authority says the time itself, so that it does not excuse a key which was revoked.
            return match chain::are_valid(links, attributes.time) {
                true => Ok(None),
                false => Err(NotationError::AuthenticTime(attributes.time)),
            };
        }
        let ends = links.iter().filter_map(|link| link.certificate.validity().end);
        let ended = ends.filter(|end| *end < now).min();
        if store.has_timestamp_roots() && (!terms.timestamp_after_expiry || ended.is_some()) {
            let token = self.envelope.timestamp.as_deref().ok_or(NotationError::Timestamp(TimestampError::None))?;
            let stamped = timestamp::read(token, &self.envelope.signature, &store.timestamp_roots, revocation)?;
            return match stamped.times.iter().all(|time| chain::are_valid(links, *time)) {
                true => Ok(Some(stamped)),
                false => Err(NotationError::Timestamp(TimestampError::Outside)),
            };
        }
        match chain::are_valid(links, now) {
            true => Ok(None),
            false => Err(NotationError::CertificateExpired(ended)),
        }
    }
}

/// Checks that failed and are not enforced.
struct Logged(Vec<NotationError>);

impl Logged {
    fn note(&mut self, enforcement: Enforcement, result: Result<(), NotationError>) -> Result<(), NotationError> {
        match (result, enforcement) {
            (Err(error), Enforcement::Enforce) => return Err(error),
            (Err(error), Enforcement::Log) => self.0.push(error),
            (Err(_), Enforcement::Skip) | (Ok(()), _) => {}
        }
        Ok(())
    }
}

/// The digest and the annotations of a payload ("Payload").
fn read_payload(payload: &[u8]) -> Option<(Digest, BTreeMap<String, String>)> {
    let json: &RawValue = serde_json::from_slice(payload).ok()?;
    let [target] = members(json, ["targetArtifact"]).ok()?;
    let [media_type, digest, size, annotations] =
        members(target?, ["mediaType", "digest", "size", "annotations"]).ok()?;
    // The size is signed too, but the digest alone says which bytes are meant.
    if !IMAGES.contains(&&*text(media_type?).ok()?) {
        return None;
    }
    size?.get().parse::<u64>().ok()?;
    let digest = Digest::parse(&text(digest?).ok()?).ok()?;
    let mut read = BTreeMap::new();
    if let Some(annotations) = annotations {
        for (key, value) in all_members(annotations).ok()? {
            read.insert(key.into_owned(), text(value).ok()?.into_owned());
        }
    }
    Some((digest, read))
}

/// Where CAs tell whether certificates were revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationSources {
    /// The HTTP addresses of revocation lists.
    pub lists: BTreeSet<String>,
    /// The requests for OCSP servers.
    pub requests: BTreeSet<OcspRequest>,
}

/// Where CAs tell whether the certificates of an envelope, and of its timestamp, were revoked. There is nothing if it is not an envelope.
#[must_use]
pub fn revocation_sources(media_type: &str, envelope: &[u8]) -> RevocationSources {
    let envelope = match media_type {
        JWS => jws::read(envelope),
        COSE => cose::read(envelope),
        _ => None,
    };
    let mut sources = RevocationSources::default();
    let Some(Envelope { chain, timestamp, .. }) = envelope else { return sources };
    let of_timestamp = timestamp.and_then(|token| TimestampToken::read_token(&token)).map(|token| token.certificates);
    for certificates in [chain, of_timestamp.unwrap_or_default()] {
        for der in &certificates {
            sources.lists.extend(revocation::addresses_of(der));
            sources.requests.extend(ocsp::requests_about(der, &certificates));
        }
    }
    sources
}
