//! What can be wrong with settings, and where?
//!
//! Data only: the sentences are in `report::settings`.

use serde_json::Value;

use super::{
    names::{RulePattern, ValidatorName},
    pattern::PatternError,
    settings::Kind,
    shape::Shape,
};
use crate::{
    condition::{ConditionError, ConditionMistake},
    evidence::notation::IdentityError,
    json::JsonPath,
    signing::KeyError,
    sigstore::{RegexError, TrustedRootError},
    verify::TrustRootName,
};

/// Something in the settings that can't be meant, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place, as in `policy[2].with.threshold`.
    pub path: JsonPath,
    /// What is wrong there.
    pub what: Mistake,
}

/// What is wrong at one place of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The settings are not UTF-8.
    NotUtf8,
    /// The settings are not JSON, in the words of the parser.
    NotJson(String),
    /// A value that the types of the settings don't take, in the words of serde.
    Unreadable(String),
    /// Nobody says what is wrong.
    Unknown,
    /// A key that is needed and not there.
    Missing,
    /// A key that there is not.
    UnknownKey {
        /// The key that was probably meant.
        meant: Option<&'static str>,
        /// The keys that there are.
        known: Vec<&'static str>,
    },
    /// A value of another type, or outside of the limits.
    Type {
        /// What was found.
        found: Found,
        /// What belongs there.
        expected: Shape,
    },
    /// A key or a type that Connaisseur has, and why it is refused.
    Refused(&'static str),
    /// A list of names that is empty.
    NoNames,
    /// A list or a mapping without entries, or with too many.
    Entries {
        /// How many there are.
        length: usize,
        /// How many there may be.
        most: usize,
    },

    /// A validator without a name.
    NoValidatorName,
    /// Two validators have this name.
    ValidatorNameTwice(ValidatorName),
    /// A key that validators of this type do not have.
    OfOtherType {
        /// The type of the validator.
        kind: Kind,
        /// The key.
        key: &'static str,
    },
    /// A static validator that neither allows nor denies.
    NoApprove,
    /// A validator of this type without trust roots.
    NoTrustRoots(Kind),
    /// `askHost` where no trust root has a key.
    AskHostWithoutKey,
    /// `askHost` beside `repository`, where the policy server does not look.
    AskHostBesideRepository,
    /// A text that is no repository.
    Repository(String),
    /// `host` in the form of validators of another type than this one.
    Host(Kind),
    /// A trust root of Notary v1 without a key.
    NoRootKey,
    /// A text that is no name of a delegation of the first level.
    Delegation(String),
    /// A delegation that is listed twice.
    DelegationTwice(String),
    /// Trust roots for different repositories, whose trust data no rule can ask for at once.
    SeveralGuns,
    /// `host` beside `trustedRoot`.
    HostBesideTrustedRoot,
    /// A trusted root, or certificates of CAs, that can't be used: what is wrong there.
    TrustedRoot(TrustedRootError),
    /// A trusted root without a CA, which a rule needs.
    NoCa,
    /// A trusted root without a transparency log, which a rule needs.
    NoTlog,
    /// A trusted root without a CT log, which a rule needs.
    NoCtLog,
    /// A trusted root without a timestamp authority, which a rule needs.
    NoTimestampAuthority,

    /// A trust root without a name, or with the name that stands for all.
    NoTrustRootName,
    /// Two trust roots have this name.
    TrustRootNameTwice(TrustRootName),
    /// The same signer as another trust root's.
    SameSigner {
        /// The key that names the signer.
        key: &'static str,
        /// The other trust root.
        other: TrustRootName,
    },
    /// A trust root that says nothing about who signs.
    NoSigner,
    /// A trust root that says in several ways who signs.
    SeveralSigners,
    /// A public key that can't be used.
    Key(KeyError),
    /// An algorithm with which a key of this kind can't sign.
    SignatureAlgorithm(&'static str),
    /// An algorithm for a trust root that is no key.
    AlgorithmWithoutKey,
    /// No claims, one that there is not, or no text for one.
    Claims,
    /// An issuer of workflows that is no address.
    WorkflowIssuer(String),
    /// An empty name, or one that is too long for a certificate.
    NameLength {
        /// Its length in bytes.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// An expression that can't be used.
    Regex(RegexError),
    /// The beginning of a name that is not one of a URI with its host.
    Prefix,
    /// No `issuer` or `subject`: neither this key nor one of its other forms.
    NoIdentity(&'static str),
    /// An `issuer` or `subject` in several forms.
    SeveralIdentities(&'static str),
    /// A text that is no part of a workflow's name.
    WorkflowName(String),
    /// A text that is no git reference.
    GitReference(String),
    /// A text that is no time.
    Time(String),
    /// A time to which nothing counts.
    EmptyPeriod,
    /// `trustRoot` beside `trustRoots`.
    TrustRootAndTrustRoots,
    /// A text that is neither a short name of a predicate type nor a URI.
    PredicateType(String),
    /// The predicate type of signatures, for an attestation.
    SignatureType,
    /// A greatest age for signers whose certificates do not tell it.
    AgeOfKey,
    /// `signature: false` without attestations.
    NoSignatureAtAll,
    /// A key for signatures, where none is asked for.
    OfNoSignature,
    /// A rule without a signature asks for attestations of platforms only, so that nobody vouches for the index that lists them.
    OnlyPlatforms,

    /// A trust root of Notation without certificates.
    NoCertificate,
    /// Certificates that can't be read.
    Certificates,
    /// Roots of timestamps for a signing authority, which tells the time itself.
    TimestampsOfSigningAuthority,
    /// A text that is no trusted identity.
    TrustedIdentity(IdentityError),
    /// A trusted identity that includes another one.
    OverlappingIdentity,
    /// A check that is left out, though it may only be logged.
    SkippedExpiry,

    /// A text that is no name of a namespace.
    Namespace(String),
    /// An exception without a reason.
    NoReason,
    /// A kind in an API group whose kinds the policy knows already.
    OwnGroup,
    /// A text that is no API group.
    ApiGroup(String),
    /// A text that is no name of a kind.
    KindName(String),
    /// A text that is no path to a pod spec.
    PodSpecPath(String),
    /// A pod spec that is listed twice.
    WorkloadTwice,

    /// A pattern that can't be read.
    Pattern(PatternError),
    /// A pattern that is the same as this one, of a rule that decides differently.
    SamePattern(RulePattern),
    /// There is no validator of this name.
    NoValidator(ValidatorName),
    /// A rule that names no validator, where none is called `default`.
    NoDefaultValidator,
    /// Options of a static validator.
    StaticOptions,
    /// There is no trust root of this name.
    NoTrustRoot {
        /// The name that no trust root has.
        name: TrustRootName,
        /// The trust roots of the validator.
        all: Vec<TrustRootName>,
    },
    /// A rule that names no trust root, where none is called `default`.
    NoDefaultTrustRoot {
        /// The trust roots of the validator.
        all: Vec<TrustRootName>,
    },
    /// A required trust root that the rule does not ask.
    NotAsked {
        /// The name of the required trust root.
        name: TrustRootName,
        /// The trust roots that the rule asks.
        asked: Vec<TrustRootName>,
    },
    /// A required trust root that is listed twice.
    RequiredTwice(TrustRootName),
    /// A threshold for a single trust root.
    ThresholdOfOne,
    /// A threshold that this many trust roots cannot meet, or that asks for nobody.
    Threshold {
        /// The threshold that was written.
        is: usize,
        /// The number of trust roots.
        most: usize,
    },
    /// A text of so many bytes, where each is put into payloads.
    TooLong {
        /// The length of the text, in bytes.
        length: usize,
        /// The longest text, in bytes.
        most: usize,
    },
    /// The SCT of a certificate, where only keys are asked.
    SctOfKey,
    /// Conditions on the predicate of an attestation that can't be used.
    Condition(ConditionMistake),
}

/// What was found in place of something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing: `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list.
    List,
    /// A mapping.
    Mapping,
}

impl Problem {
    /// A problem at this place.
    #[must_use]
    pub fn new(path: JsonPath, what: Mistake) -> Problem {
        Problem { path, what }
    }

    /// What is wrong with the settings as a whole.
    #[must_use]
    pub fn of_all(what: Mistake) -> Problem {
        Problem::new(JsonPath::root(), what)
    }
}

impl From<ConditionError> for Problem {
    fn from(ConditionError { path, what }: ConditionError) -> Problem {
        Problem::new(path, Mistake::Condition(what))
    }
}

impl Found {
    /// What `value` is.
    pub(super) fn of(value: &Value) -> Found {
        match value {
            Value::Null => Found::Null,
            Value::Bool(flag) => Found::Flag(*flag),
            Value::Number(number) => Found::Number(number.clone()),
            Value::String(text) => Found::Text(text.clone()),
            Value::Array(_) => Found::List,
            Value::Object(_) => Found::Mapping,
        }
    }
}
