//! What does a rule want proven of an image?

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::{
    evidence::{
        CertificateTerms, Subject,
        cosign::{Payload, repository_name},
    },
    image::{Digest, ImageRef},
    ordered::map,
    signing::PublicKey,
    sigstore::{Authorities, CertificateIdentity, Logs, TimestampAuthorities, TrustedRoot},
    time::{Period, UnixTime},
};

/// No time-stamping authority.
const NO_TIMESTAMPS: &TimestampAuthorities = &TimestampAuthorities::NONE;

/// A trust root: somebody who may sign, and what proves that they did.
#[derive(Debug, Clone, Eq)]
pub struct TrustRoot {
    /// The name, as settings and messages give it.
    pub name: String,
    /// What makes its signatures.
    pub kind: TrustRootKind,
    /// When its signatures count. This is compared with the day of admission, whenever they were made.
    pub period: Period,
}

/// What makes the signatures of a trust root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRootKind {
    /// A key.
    Key(PublicKey),
    /// Keys that an authority of the validator's trusted root certified for this identity.
    Keyless(CertificateIdentity),
    /// Keys that one of these authorities certified for this identity.
    Certificate(Authorities, CertificateIdentity),
}

/// They ask for the same: keys are equal whatever they sign with, and trust roots are not.
impl PartialEq for TrustRoot {
    fn eq(&self, other: &TrustRoot) -> bool {
        let only = |root: &TrustRoot| root.key().and_then(PublicKey::only).copied();
        (&self.name, &self.kind, &self.period) == (&other.name, &other.kind, &other.period) && only(self) == only(other)
    }
}

impl TrustRoot {
    /// Are both of them the same signer?
    #[must_use]
    pub fn is_same(&self, other: &TrustRoot) -> bool {
        self.kind == other.kind
    }

    /// The key, if the trust root is one.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        match &self.kind {
            TrustRootKind::Key(key) => Some(key),
            TrustRootKind::Keyless(_) | TrustRootKind::Certificate(..) => None,
        }
    }
}

/// What a rule wants proven of an image: how many of whom have to sign, and what their signatures have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Who may sign. Names and signers are distinct.
    pub roots: Vec<TrustRoot>,
    /// How many of them have to sign.
    pub threshold: usize,
    /// Who of them has to sign, whoever else does.
    pub required: BTreeSet<String>,
    /// What a signature of cosign has to be.
    pub cosign: CosignTerms,
}

/// What a rule asks of signatures in cosign's formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignTerms {
    /// What every signature has to carry.
    pub annotations: BTreeMap<String, String>,
    /// Under which names the image may have been signed. Where there is no list: with a certificate its own, with a key any.
    pub identities: Option<BTreeSet<ImageName>>,
    /// Whether signatures need an entry in a transparency log. Where it is not said, keyless ones do, and others do not.
    pub tlog_entry: Option<bool>,
    /// Which certificates need a signed certificate timestamp.
    pub sct: SctRequirement,
    /// The authorities and logs that the validator trusts; none, where nothing asks for them.
    pub trusted_root: Rc<TrustedRoot>,
    /// Whether the policy server may be asked about keys whose signatures cover a payload that the policy cannot read.
    pub ask_policy_server: bool,
    /// Where the evidence lies, and in which order it is read.
    pub evidence: EvidenceTerms,
}

/// Where the evidence of an image lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceTerms {
    /// The repository whose tags hold signature manifests and evidence manifests; the image's own, where there is none.
    pub repository: Option<ImageRef>,
    /// Whether the evidence manifest is asked for before the signature manifest.
    pub first: bool,
}

/// Which certificates need a signed certificate timestamp (SCT).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SctRequirement {
    /// Those of keyless signatures.
    #[default]
    Keyless,
    /// Every certificate.
    All,
    /// No certificate.
    None,
}

/// A name under which an image may have been signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageName {
    /// The image's own repository, as cosign writes it.
    Itself,
    /// This text, and no other.
    Name(String),
}

/// What is wrong with what a signature says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// These annotations are missing, or have other values.
    Annotations(Vec<String>),
    /// It names the image by this name, which the rule does not accept.
    Name(String),
    /// It names no image, and the rule lists the names that are accepted.
    NoName,
}

impl Requirement {
    /// The key of `root`, if the policy server may be asked about it: only where the validator allows it, and never where more is wanted than that the key
    /// signed.
    pub(crate) fn key_for_policy_server<'r>(&self, root: &'r TrustRoot) -> Option<&'r PublicKey> {
        let CosignTerms { ask_policy_server, identities, tlog_entry, .. } = &self.cosign;
        let may_be_asked = *ask_policy_server && identities.is_none() && *tlog_entry != Some(true);
        // The policy server knows the usual ways of signing, and not the one that the settings name.
        root.key().filter(|key| may_be_asked && key.only().is_none())
    }

    /// Whose certificates are the signatures of `root`, and what is asked of them; `None` if it is a key.
    pub(crate) fn certificate_terms<'r>(
        &'r self,
        root: &'r TrustRoot,
        now: UnixTime,
    ) -> Option<(&'r CertificateIdentity, CertificateTerms<'r>)> {
        let TrustedRoot { authorities, tlogs, ctlogs, timestamp_authorities } = &*self.cosign.trusted_root;
        let (authorities, identity, has_tlogs, has_ctlogs, is_keyless) = match &root.kind {
            TrustRootKind::Key(_) => return None,
            TrustRootKind::Keyless(identity) => (
                authorities,
                identity,
                self.cosign.tlog_entry != Some(false),
                self.cosign.sct != SctRequirement::None,
                true,
            ),
            TrustRootKind::Certificate(authorities, identity) => (
                authorities,
                identity,
                self.cosign.tlog_entry == Some(true),
                self.cosign.sct == SctRequirement::All,
                false,
            ),
        };
        let (tlogs, ctlogs) = (has_tlogs.then_some(tlogs), has_ctlogs.then_some(ctlogs));
        // A certificate of an own CA that needs no log has to be valid now, whatever a timestamp says.
        let timestamp_authorities = if is_keyless || has_tlogs { timestamp_authorities } else { NO_TIMESTAMPS };
        let needs_time = is_keyless || has_tlogs;
        Some((identity, CertificateTerms { authorities, tlogs, ctlogs, timestamp_authorities, needs_time, now }))
    }

    /// What speaks against a signature by `root` that says this of `image`, besides who made it. `None` if nothing does.
    ///
    /// Annotations are a minimum. Names are compared where the rule lists some, and for certificates also where it lists none and the format has one.
    pub(crate) fn mistake(&self, root: &TrustRoot, image: &ImageRef, subject: &Subject) -> Option<Mistake> {
        let unmet = |(key, value): &(&String, &String)| subject.annotations.get(*key) != Some(value);
        let unmet: Vec<String> =
            self.cosign.annotations.iter().filter(unmet).map(|(key, value)| annotation(key, value)).collect();
        if !unmet.is_empty() {
            return Some(Mistake::Annotations(unmet));
        }
        let is_compared = match &self.cosign.identities {
            Some(_) => true,
            None => root.key().is_none() && subject.is_named,
        };
        match &subject.name {
            _ if !is_compared => None,
            None => Some(Mistake::NoName),
            Some(name) if self.names(image).any(|known| known == *name) => None,
            Some(name) => Some(Mistake::Name(name.clone())),
        }
    }

    /// Every name under which a signature of `image` is accepted. Where any is, that is its own: others can't be guessed.
    pub(crate) fn names<'r>(&'r self, image: &'r ImageRef) -> impl Iterator<Item = String> + 'r {
        let itself = self.cosign.identities.is_none().then(|| repository_name(image));
        let listed = self.cosign.identities.iter().flatten().map(|identity| match identity {
            ImageName::Itself => repository_name(image),
            ImageName::Name(name) => name.clone(),
        });
        itself.into_iter().chain(listed)
    }

    /// The tag `tag` in the repository where the evidence of `image` lies.
    pub(crate) fn evidence_at(&self, image: &ImageRef, tag: &str) -> String {
        self.cosign.evidence.repository.as_ref().unwrap_or(image).with_tag(tag)
    }

    /// The logs of which one has to have an entry of every signature by a key, and who else tells the time.
    pub(crate) fn tlogs_for_keys(&self) -> Option<(&Logs, &TimestampAuthorities)> {
        let TrustedRoot { tlogs, timestamp_authorities, .. } = &*self.cosign.trusted_root;
        (self.cosign.tlog_entry == Some(true)).then_some((tlogs, timestamp_authorities))
    }

    /// Every payload that is accepted of `image`, by the digest of its bytes.
    pub(crate) fn payloads(&self, image: &ImageRef, digest: Digest) -> BTreeMap<Digest, Payload> {
        let payload = |name: String| {
            let payload = Payload::new(&name, digest, &self.cosign.annotations);
            (payload.digest(), payload)
        };
        map(self.names(image).map(payload))
    }
}

/// An annotation as `cosign sign -a` takes it.
pub(crate) fn annotation(key: &str, value: &str) -> String {
    format!("{key}={value}")
}
