//! What shape do the user's settings have?
//!
//! The serde twin of the YAML in `docs/reference/settings.md`; nothing else knows it. It is strict: an unknown key, a wrong type or a value whose feature is
//! not here yet does not deserialise, so nothing is ever half understood. It is also lazy, because settings come with every request: what only
//! one rule's turn will tell whether it is needed (`with`, trust roots) stays text until then.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Features, names::RulePattern};
use crate::json::Text;

/// The validator of rules that name none, and the trust root of rules that name none.
pub(super) const DEFAULT: &str = "default";

/// All trust roots, in `trustRoot`.
pub const ALL: &str = "*";

/// The settings of a policy, as `docs/reference/settings.md` describes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings<'a> {
    /// What can be asked of an image.
    #[serde(borrow)]
    pub validators: Vec<Validator<'a>>,
    /// Which images are asked what.
    #[serde(borrow)]
    pub policy: Vec<Rule<'a>>,
    /// Which images are admitted for a time, though nothing proves them. Read only if an image would be denied.
    #[serde(borrow)]
    pub exceptions: Option<Vec<Exception<'a>>>,
    /// Kinds that carry a pod spec, beside those of Kubernetes.
    #[serde(borrow)]
    pub workloads: Option<Vec<WorkloadKind<'a>>>,
    /// What holds for every rule.
    pub features: Option<Features>,
}

/// An entry of `exceptions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception<'a> {
    /// `images`: the patterns of the images that are admitted.
    #[serde(borrow)]
    pub images: Vec<Text<'a>>,
    /// `namespaces`: where; everywhere, if it is left out.
    #[serde(borrow)]
    pub namespaces: Option<Vec<Text<'a>>>,
    /// `until`: when it ends.
    #[serde(borrow)]
    pub until: Text<'a>,
    /// `reason`: why it is made.
    #[serde(borrow)]
    pub reason: Text<'a>,
}

/// An entry of `workloads`: where objects of a kind hold a pod spec.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WorkloadKind<'a> {
    /// `apiGroup`: the API group of the kind, without a version.
    #[serde(borrow)]
    pub api_group: Text<'a>,
    /// `kind`: the name of the kind.
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// `podSpec`: the path to the pod spec, as in `spec.template.spec`.
    #[serde(borrow)]
    pub pod_spec: Text<'a>,
}

impl WorkloadKind<'_> {
    /// The members on the path to the pod spec.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.pod_spec.0.split('.')
    }
}

/// An entry of `validators`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Validator<'a> {
    /// `name`, by which rules refer to it.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// `type`: whether it decides by itself or wants signatures.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `approve`, of a static validator.
    pub approve: Option<bool>,
    /// `askHost`: whether the policy server may be asked about public keys.
    pub ask_host: Option<bool>,
    /// `trustRoots`: who may sign. Read only if a rule needs them.
    #[serde(borrow)]
    pub trust_roots: Option<&'a RawValue>,
    /// `trustedRoot`: the authorities and logs of a Sigstore instance. Read only if a rule needs them.
    #[serde(borrow)]
    pub trusted_root: Option<&'a RawValue>,
    /// `host`: the same in the words of Connaisseur, or the address of a notary server.
    #[serde(borrow)]
    pub host: Option<Host<'a>>,
    /// `repository`: where signatures and evidence lie, if not beside the image.
    #[serde(borrow)]
    pub repository: Option<Text<'a>>,
    /// `evidence`: how evidence manifests are read.
    pub evidence: Option<Evidence>,
}

/// How evidence manifests are read.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `first`: whether the evidence manifest is read before the signature manifest.
    pub first: Option<bool>,
}

/// What `host` of a validator names.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Host<'a> {
    /// The address of a notary server, of a notaryv1 validator.
    Server(String),
    /// An instance of Sigstore, of a cosign validator.
    #[serde(borrow)]
    Instance(Instance<'a>),
}

impl<'a> Host<'a> {
    /// The instance of Sigstore, if it is one.
    #[must_use]
    pub fn instance(&self) -> Option<&Instance<'a>> {
        match self {
            Host::Instance(instance) => Some(instance),
            Host::Server(_) => None,
        }
    }
}

/// Connaisseur's name for an instance of Sigstore: what it signs with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Instance<'a> {
    /// `fulcioCert`: the certificates of the authority, in PEM.
    #[serde(borrow)]
    pub fulcio_cert: Option<Text<'a>>,
    /// `rekorPubkey`: the key of the transparency log, in PEM.
    #[serde(borrow)]
    pub rekor_pubkey: Option<Text<'a>>,
    /// `ctLogPubkey`: the key of the certificate transparency log, in PEM.
    #[serde(borrow)]
    pub ct_log_pubkey: Option<Text<'a>>,
}

/// The type of a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `static`: admits or denies by the name of an image.
    Static,
    /// `cosign`: wants signatures of cosign.
    Cosign,
    /// `notation`: wants signatures of Notation.
    Notation,
    /// `notaryv1`: wants trust data of Notary v1 (Docker Content Trust).
    NotaryV1,
}

impl Kind {
    /// The type as the settings have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Static => "static",
            Kind::Cosign => "cosign",
            Kind::Notation => "notation",
            Kind::NotaryV1 => "notaryv1",
        }
    }
}

/// An entry of `trustRoots`: one signer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustRoot<'a> {
    /// `name`, by which rules and messages refer to it.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// `key`: a public key in PEM.
    #[serde(borrow)]
    pub key: Option<Text<'a>>,
    /// `signatureAlgorithm`: how the key signs, if not as cosign does by default.
    #[serde(borrow)]
    pub signature_algorithm: Option<Text<'a>>,
    /// `keyless`: a certificate identity.
    #[serde(borrow)]
    pub keyless: Option<Keyless<'a>>,
    /// `github`: a workflow of GitHub.
    #[serde(borrow)]
    pub github: Option<Github<'a>>,
    /// `certificate`: a certificate of an authority of one's own.
    #[serde(borrow)]
    pub certificate: Option<Certificate<'a>>,
    /// `cert`: the certificates of a trust store of Notation, in PEM.
    #[serde(borrow)]
    pub cert: Option<Text<'a>>,
    /// `tsCert`: the roots of time-stamping authorities, in PEM.
    #[serde(borrow)]
    pub ts_cert: Option<Text<'a>>,
    /// `scheme`: who says when a signature of Notation was made.
    pub scheme: Option<SchemeName>,
    /// `identities`: the signers that the trust store may vouch for.
    pub identities: Option<Vec<String>>,
    /// `gun`: the name of the repository of Notary v1, if it is not that of the image.
    #[serde(borrow)]
    pub gun: Option<Text<'a>>,
    /// `minVersion`: the least versions of the files of Notary v1.
    pub min_version: Option<MinVersion>,
    /// `notBefore`: from when on its signatures count.
    #[serde(borrow)]
    pub not_before: Option<Text<'a>>,
    /// `notAfter`: until when its signatures count.
    #[serde(borrow)]
    pub not_after: Option<Text<'a>>,
}

/// Who says when a signature of Notation was made.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SchemeName {
    /// The signer, or a time-stamping authority.
    X509,
    /// The signing authority.
    SigningAuthority,
}

/// The least versions of the files of a Notary v1 repository.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinVersion {
    /// `root`: the least version of `root`.
    pub root: Option<u64>,
    /// `targets`: the least version of `targets`.
    pub targets: Option<u64>,
    /// `snapshot`: the least version of `snapshot`.
    pub snapshot: Option<u64>,
}

/// Which certificate identity signs, as `keyless` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Keyless<'a> {
    /// `issuer`, compared as it stands.
    #[serde(borrow)]
    pub issuer: Option<Text<'a>>,
    /// `issuerRegex`, which has to match all of the issuer.
    #[serde(borrow)]
    pub issuer_regex: Option<Text<'a>>,
    /// `subject`, compared as it stands.
    #[serde(borrow)]
    pub subject: Option<Text<'a>>,
    /// `subjectRegex`, which has to match all of the subject.
    #[serde(borrow)]
    pub subject_regex: Option<Text<'a>>,
    /// `subjectPrefix`, which ends with a slash.
    #[serde(borrow)]
    pub subject_prefix: Option<Text<'a>>,
    /// `claims`: what the CA has to say of the signer besides.
    #[serde(borrow)]
    pub claims: Option<&'a RawValue>,
}

/// Which workflow of GitHub signs, as `github` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Github<'a> {
    /// `owner`: the account of the repository.
    #[serde(borrow)]
    pub owner: Text<'a>,
    /// `repo`: the repository; any of the account, if it is left out.
    #[serde(borrow)]
    pub repo: Option<Text<'a>>,
    /// `issuer`: who vouches for the workflow, if not the issuer of github.com.
    #[serde(borrow)]
    pub issuer: Option<Text<'a>>,
    /// `workflow`: the name of the file, or its path with its repository; any, if it is left out.
    #[serde(borrow)]
    pub workflow: Option<Text<'a>>,
    /// `ref`: the git reference; any, if it is left out.
    #[serde(borrow, rename = "ref")]
    pub reference: Option<Text<'a>>,
}

/// Which certificate signs, as `certificate` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Certificate<'a> {
    /// `ca`: the certificates of the authority, in PEM.
    #[serde(borrow)]
    pub ca: Text<'a>,
    /// `subject`, compared as it stands.
    #[serde(borrow)]
    pub subject: Option<Text<'a>>,
    /// `subjectRegex`, which has to match all of the subject.
    #[serde(borrow)]
    pub subject_regex: Option<Text<'a>>,
    /// `subjectPrefix`, which ends with a slash.
    #[serde(borrow)]
    pub subject_prefix: Option<Text<'a>>,
}

/// An entry of `policy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule<'a> {
    /// `pattern`: the images that the rule is about.
    #[serde(borrow)]
    pub pattern: Text<'a>,
    /// `validator`: the name of the validator that decides; `default`, if it is left out.
    #[serde(borrow)]
    pub validator: Option<Text<'a>>,
    /// `with`: what the rule asks of the validator. Read only if the rule wins.
    #[serde(borrow)]
    pub with: Option<&'a RawValue>,
}

impl Rule<'_> {
    /// The pattern, as it was written.
    pub(super) fn pattern(&self) -> RulePattern {
        RulePattern(self.pattern.0.clone().into_owned())
    }
}

/// What a rule asks of its validator.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct With<'a> {
    /// `trustRoot`: who has to sign; `default`, if it is left out, and `*` for all.
    pub trust_root: Option<String>,
    /// `threshold`: how many of them have to sign.
    pub threshold: Option<u64>,
    /// `required`: who of them has to sign.
    pub required: Option<Vec<String>>,
    /// `annotations`: what a signature has to carry.
    pub annotations: Option<BTreeMap<String, String>>,
    /// `identities`: under which names the image may have been signed.
    pub identities: Option<Vec<String>>,
    /// `mode`: where the proven digest is written.
    pub mode: Option<Mode>,
    /// `verifyInTransparencyLog`: whether signatures need an entry in a transparency log.
    pub verify_in_transparency_log: Option<bool>,
    /// `verifySCT`: whether certificates need a signed certificate timestamp.
    #[serde(rename = "verifySCT")]
    pub verify_sct: Option<bool>,
    /// `attestations`: the attestations that there have to be.
    #[serde(borrow)]
    pub attestations: Option<Vec<AttestationSetting<'a>>>,
    /// `signature`: whether the image itself has to be signed.
    pub signature: Option<bool>,
    /// `delegations`: which delegations of Notary v1 have to have signed.
    pub delegations: Option<Vec<String>>,
    /// `verificationLevel`: which checks of a signature of Notation are enforced.
    pub verification_level: Option<LevelName>,
    /// `verifyTimestamp`: when timestamps of Notation are looked at.
    pub verify_timestamp: Option<VerifyTimestamp>,
    /// `overrides`: what becomes of single checks of Notation that fail.
    pub overrides: Option<Overrides>,
}

/// Which checks of a signature of Notation are enforced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LevelName {
    /// All of them.
    #[default]
    Strict,
    /// Integrity and authenticity.
    Permissive,
    /// Integrity.
    Audit,
}

/// When timestamps of Notation are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerifyTimestamp {
    /// Wherever the trust root has roots of time-stamping authorities.
    #[default]
    Always,
    /// Only once a certificate has expired.
    AfterCertExpiry,
}

/// What becomes of single checks of Notation that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// `revocation`: whether a certificate was revoked.
    pub revocation: Option<Action>,
    /// `expiry`: whether the signature has expired.
    pub expiry: Option<Action>,
}

/// What becomes of a check that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The signature does not count.
    Enforce,
    /// The signature counts, and it is told.
    Log,
    /// The check is left out.
    Skip,
}

/// An entry of `attestations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AttestationSetting<'a> {
    /// `predicateType`: the types that the predicate may have.
    pub predicate_type: OneOrMore,
    /// `trustRoot`: who has to sign it; those of the rule, if it is left out.
    pub trust_root: Option<String>,
    /// `trustRoots`: the same for several.
    pub trust_roots: Option<Vec<String>>,
    /// `threshold`: how many of them have to sign one.
    pub threshold: Option<u64>,
    /// `maxAge`: how old the signer's certificate may be.
    pub max_age: Option<String>,
    /// `subjects`: which images have to have it.
    pub subjects: Option<Subjects>,
    /// `where`: what the predicate has to say.
    #[serde(borrow, rename = "where")]
    pub conditions: Option<&'a RawValue>,
}

/// A text, or a list of texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// A text.
    One(String),
    /// A list.
    More(Vec<String>),
}

/// The images that have to have an attestation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subjects {
    /// The image that is verified.
    #[default]
    Image,
    /// Every platform of the index, if it is one.
    Platforms,
}

/// What is done with a proven digest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Written into every kind.
    #[default]
    Mutate,
    /// Written into Pods only; every kind is verified.
    MutatePodsOnly,
    /// The digest is written nowhere.
    InsecureValidateOnly,
}
