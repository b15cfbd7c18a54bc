//! What does a rule require of an image?

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::{
    condition::Conditions,
    evidence::{
        CertificateTerms, Subject,
        cosign::{Payload, repository_name},
        notation::{NotationTerms, TrustStore},
    },
    image::{Digest, ImageRef},
    ordered::map,
    signing::PublicKey,
    sigstore::{Authorities, CertificateIdentity, Logs, TimestampAuthorities, TrustedRoot},
    time::{Age, Period, UnixTime},
};

/// No time-stamping authority.
const NO_TIMESTAMPS: &TimestampAuthorities = &TimestampAuthorities::NONE;

/// The name of a trust root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustRootName(pub String);

impl AsRef<str> for TrustRootName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A trust root: one signer who is accepted, and what proves that this signer signed.
#[derive(Debug, Clone, Eq)]
pub struct TrustRoot {
    /// The name, as settings and messages give it.
    pub name: TrustRootName,
    /// What makes its signatures.
    pub kind: TrustRootKind,
    /// The period in which its signatures count. It is compared with the time of admission, never with the time of signing.
    pub period: Period,
}

/// The kind of signer that a trust root accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRootKind {
    /// A public key.
    Key(PublicKey),
    /// Keys that an authority of the validator's trusted root certified for this identity.
    Keyless(CertificateIdentity),
    /// Keys that one of these authorities certified for this identity.
    Certificate(Authorities, CertificateIdentity),
    /// Signers of Notation for whom a trust store vouches.
    Notation(TrustStore),
    /// The holder of a root key of Notary v1.
    NotaryV1(RootKey),
}

/// A root key of Notary v1, and the repository for which it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootKey {
    /// The key.
    pub key: PublicKey,
    /// The globally unique name (GUN) of the repository. If it is `None`, it is the image's own.
    pub gun: Option<String>,
    /// The least version of `root`.
    pub least_root: Option<u64>,
    /// The least version of `targets`.
    pub least_targets: Option<u64>,
    /// The least version of `snapshot` that counts.
    pub least_snapshot: Option<u64>,
}

/// They ask for the same: keys are equal whatever they sign with, and trust roots are not.
impl PartialEq for TrustRoot {
    fn eq(&self, other: &TrustRoot) -> bool {
        let only = |root: &TrustRoot| root.key().and_then(PublicKey::only).copied();
        (&self.name, &self.kind, &self.period) == (&other.name, &other.kind, &other.period) && only(self) == only(other)
    }
}

impl TrustRoot {
    /// Whether both kinds accept the same signer.
    #[must_use]
    pub fn is_same(&self, other: &TrustRoot) -> bool {
        self.kind == other.kind
    }

    /// The key, if the trust root is one.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        match &self.kind {
            TrustRootKind::Key(key) | TrustRootKind::NotaryV1(RootKey { key, .. }) => Some(key),
            TrustRootKind::Keyless(_) | TrustRootKind::Certificate(..) | TrustRootKind::Notation(_) => None,
        }
    }
}

/// What a rule requires of an image, by the type of its validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Signatures and attestations in the formats of cosign.
    Cosign(CosignRequirement),
    /// Signatures of Notation.
    Notation(NotationRequirement),
    /// Trust data of Notary v1.
    NotaryV1(NotaryRequirement),
}

/// What a rule of a notation validator requires: who has to sign, how many of them, and what their signatures have to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotationRequirement {
    /// Who has to sign the image.
    pub signers: Signers,
    /// What every signature has to prove.
    pub terms: NotationTerms,
    /// The repository with the evidence manifests. If it is `None`, it is the image's own.
    pub repository: Option<ImageRef>,
}

/// What a rule of a cosign validator requires: who has to sign, how many of them, and what their signatures have to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignRequirement {
    /// Who has to sign the image. It is `None` if attestations are enough.
    pub signers: Option<Signers>,
    /// The attestations that there have to be.
    pub attestations: Vec<AttestationTerms>,
    /// What every signature has to prove.
    pub cosign: CosignTerms,
}

/// What a rule of a notaryv1 validator requires: whose trust data, and which delegations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotaryRequirement {
    /// Who has to vouch for the repository. All of them have the same GUN.
    pub signers: Signers,
    /// The delegations that have to list the image, without `targets/` in front.
    pub delegations: Vec<String>,
    /// The repository with the evidence manifests. If it is `None`, it is the image's own.
    pub repository: Option<ImageRef>,
    /// The address of the notary server, for whoever collects the evidence.
    pub server: Option<String>,
}

impl NotaryRequirement {
    /// The globally unique name (GUN) of the image's repository.
    #[must_use]
    pub fn gun(&self, image: &ImageRef) -> String {
        let given = self.signers.roots.iter().find_map(|root| match &root.kind {
            TrustRootKind::NotaryV1(key) => key.gun.clone(),
            _ => None,
        });
        given.unwrap_or_else(|| format!("{}/{}", image.registry(), image.repository()))
    }
}

/// Who has to sign, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// The trust roots that may sign. Names and signers are distinct.
    pub roots: Vec<TrustRoot>,
    /// The number of trust roots that have to sign.
    pub threshold: usize,
    /// The trust roots that have to be among the signers.
    pub required: BTreeSet<TrustRootName>,
}

/// An attestation that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationTerms {
    /// The types that its predicate may have.
    pub predicate_types: BTreeSet<String>,
    /// Who has to sign it.
    pub signers: Signers,
    /// How old the certificate of the signer may be. A signature is never older than its certificate.
    pub max_age: Option<Age>,
    /// Whether every platform of an index needs one of its own.
    pub of_platforms: bool,
    /// What the predicate has to say.
    pub conditions: Conditions,
}

/// What a rule requires of signatures in the formats of cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignTerms {
    /// The annotations that every signature has to carry.
    pub annotations: BTreeMap<String, String>,
    /// The names under which the image may have been signed. Without a list, a certificate needs the image's own name, if the format has a name. With a key, any name counts.
    pub identities: Option<BTreeSet<ImageName>>,
    /// Whether signatures need an entry in a transparency log. If it is `None`, keyless signatures need one, and others do not.
    pub tlog_entry: Option<bool>,
    /// The certificates that need a signed certificate timestamp (SCT).
    pub sct: SctRequirement,
    /// The authorities and logs that the validator trusts. It is empty if the rule needs none.
    pub trusted_root: Rc<TrustedRoot>,
    /// Whether the policy server may be asked about keys whose signatures cover a payload that the policy cannot read.
    pub ask_policy_server: bool,
    /// The place of the evidence, and the order in which it is read.
    pub evidence: EvidenceTerms,
}

/// The place of an image's evidence, and the order in which it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceTerms {
    /// The repository with the signature manifests and evidence manifests. If it is `None`, it is the image's own.
    pub repository: Option<ImageRef>,
    /// Whether the evidence manifest is asked for before the signature manifest.
    pub first: bool,
}

/// The certificates that need a signed certificate timestamp (SCT).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SctRequirement {
    /// Those of keyless signatures.
    #[default]
    Keyless,
    /// Those of own CAs, too.
    All,
    /// No certificate needs one.
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

/// Payloads, by the digest of their bytes.
pub(crate) type Payloads = BTreeMap<Digest, Payload>;

/// What is wrong with the name or the annotations that a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// These annotations are missing, or have other values.
    Annotations(Vec<String>),
    /// The signature covers this name, which the rule does not accept.
    Name(String),
    /// The signature covers no name, and the rule lists the accepted names.
    NoName,
}

impl Requirement {
    /// Everybody who has to sign something: the image, or an attestation.
    pub fn all_signers(&self) -> impl Iterator<Item = &Signers> {
        match self {
            Requirement::Cosign(requirement) => {
                let of_attestations = requirement.attestations.iter().map(|attestation| &attestation.signers);
                requirement.signers.iter().chain(of_attestations).collect::<Vec<_>>()
            }
            Requirement::Notation(requirement) => vec![&requirement.signers],
            Requirement::NotaryV1(requirement) => vec![&requirement.signers],
        }
        .into_iter()
    }

    /// The trust roots that may sign something. One that may sign several things occurs several times.
    pub fn all_roots(&self) -> impl Iterator<Item = &TrustRoot> {
        self.all_signers().flat_map(|signers| &signers.roots)
    }

    /// What is required of signatures of cosign, if the rule is about these.
    #[must_use]
    pub fn cosign(&self) -> Option<&CosignRequirement> {
        match self {
            Requirement::Cosign(requirement) => Some(requirement),
            Requirement::Notation(_) | Requirement::NotaryV1(_) => None,
        }
    }

    /// Whether signatures name the digest of a tag, so that the registry's word for it means nothing.
    #[must_use]
    pub fn signs_tags(&self) -> bool {
        matches!(self, Requirement::NotaryV1(_))
    }
}

impl CosignRequirement {
    /// The trust roots that may sign the image.
    pub fn roots(&self) -> impl Iterator<Item = &TrustRoot> {
        self.signers.iter().flat_map(|signers| &signers.roots)
    }

    /// Everybody who has to sign something: the image, or an attestation.
    pub fn all_signers(&self) -> impl Iterator<Item = &Signers> {
        self.signers.iter().chain(self.attestations.iter().map(|attestation| &attestation.signers))
    }

    /// The trust roots that may sign something. One that may sign several things occurs several times.
    pub fn all_roots(&self) -> impl Iterator<Item = &TrustRoot> {
        self.all_signers().flat_map(|signers| &signers.roots)
    }

    /// The key of `root`, if the policy server may be asked about it. The validator has to allow it, and the rule must not ask for names or log entries, which the policy
    /// server does not check.
    pub(crate) fn key_for_policy_server<'r>(&self, root: &'r TrustRoot) -> Option<&'r PublicKey> {
        let CosignTerms { ask_policy_server, identities, tlog_entry, .. } = &self.cosign;
        let may_be_asked = *ask_policy_server && identities.is_none() && *tlog_entry != Some(true);
        // The policy server knows the usual ways of signing, and not the one that the settings name.
        root.key().filter(|key| may_be_asked && key.only().is_none())
    }

    /// The identity that a certificate of `root` has to name, and what the certificate has to prove besides. It is `None` if `root` is a key.
    pub(crate) fn certificate_terms<'r>(
        &'r self,
        root: &'r TrustRoot,
        now: UnixTime,
    ) -> Option<(&'r CertificateIdentity, CertificateTerms<'r>)> {
        let TrustedRoot { authorities, tlogs, ctlogs, timestamp_authorities } = &*self.cosign.trusted_root;
        let (authorities, identity, has_tlogs, has_ctlogs, is_keyless) = match &root.kind {
            TrustRootKind::Key(_) | TrustRootKind::Notation(_) | TrustRootKind::NotaryV1(_) => return None,
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
        let needs_time = is_keyless || has_tlogs;
        let timestamp_authorities = if needs_time { timestamp_authorities } else { NO_TIMESTAMPS };
        Some((identity, CertificateTerms { authorities, tlogs, ctlogs, timestamp_authorities, needs_time, now }))
    }

    /// The mistake in the name and the annotations that a signature by `root` covers. It is `None` if the rule accepts them.
    ///
    /// Annotations are a minimum. Names are compared if the rule lists names. For certificates they are also compared without a list, if the format always has a name.
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

    /// Every name under which a signature of `image` is accepted. If the rule accepts any name, this is the image's own, because others cannot be guessed.
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
        evidence_at(self.cosign.evidence.repository.as_ref(), image, tag)
    }

    /// The manifest `digest` in the repository where the evidence of `image` lies.
    pub(crate) fn evidence_by(&self, image: &ImageRef, digest: Digest) -> String {
        self.cosign.evidence.repository.as_ref().unwrap_or(image).by_digest(digest)
    }

    /// The logs, if one of them has to have an entry for every signature by a key, and the authorities whose timestamps count.
    pub(crate) fn tlogs_for_keys(&self) -> Option<(&Logs, &TimestampAuthorities)> {
        let TrustedRoot { tlogs, timestamp_authorities, .. } = &*self.cosign.trusted_root;
        (self.cosign.tlog_entry == Some(true)).then_some((tlogs, timestamp_authorities))
    }

    /// Every payload of `image` that the rule accepts and the policy can write.
    pub(crate) fn payloads(&self, image: &ImageRef, digest: Digest) -> Payloads {
        let payload = |name: String| {
            let payload = Payload::new(&name, digest, &self.cosign.annotations);
            (payload.digest(), payload)
        };
        map(self.names(image).map(payload))
    }
}

/// The tag `tag` in the repository where the evidence of `image` lies, which is its own if there is no other.
pub(super) fn evidence_at(repository: Option<&ImageRef>, image: &ImageRef, tag: &str) -> String {
    repository.unwrap_or(image).with_tag(tag)
}

/// An annotation as `cosign sign -a` takes it.
pub(crate) fn annotation(key: &str, value: &str) -> String {
    format!("{key}={value}")
}
