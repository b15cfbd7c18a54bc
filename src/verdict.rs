//! What was decided, and what is said about it?
//!
//! Admitting is something that is constructed: an image is admitted on [`Grounds`], and a request only when every one of its images is. A denial
//! is an image, a place and a closed [`Reason`], each with one sentence that says why and one that says what would help.

mod telling;

use std::fmt;

pub use telling::{Telling, Warning};

use crate::{
    admission::{Approval, Carried, ObjectError, Pin, RequestError},
    image::Digest,
    image::ReferenceError,
    policy::Problem,
    proof::{Spent, Unproven, Verified},
    review::MAX_IMAGES,
    shown::{Shown, ShownInLog},
};

/// The word for an image that too few have signed.
const NOT_SIGNED: &str = "not-signed";

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every image may run.
    Admit,
    /// At least one may not.
    Deny(Denials),
}

/// One denial or more, in the order of the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denials {
    first: Denial,
    rest: Vec<Denial>,
}

/// Why an image was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grounds {
    /// A static rule allows it by name.
    Allowed,
    /// Enough trust roots signed it.
    Proven(Verified),
    /// It is in the cluster already.
    Approved(Approval),
    /// Its digest is in the cluster already.
    Carried(Carried),
}

/// Something that may not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Where it stands, for people; empty where it is about the whole object.
    pub places: Vec<String>,
    /// The image as the user wrote it, if it is about one.
    pub image: Option<String>,
    /// The pattern of the rule that decided, as it was written, if one did.
    pub rule: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// Why something may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The request is not one.
    Request(RequestError),
    /// The object can't be read.
    Object(ObjectError),
    /// A subresource of which this policy does not know whether it carries images.
    Subresource(String),
    /// A slot can't be read.
    Slot(&'static str),
    /// The image's name can't be read, or could name two.
    Reference(ReferenceError),
    /// No rule matches; this pattern's would, if it did not allow by tag only.
    NoRule(Option<String>),
    /// No rule matches an image without a tag; this pattern is for its tags.
    NoRuleForDigest(String),
    /// A static rule denies it.
    Rule,
    /// Two rules match equally well and decide differently; this is the other one's pattern.
    Tie(String),
    /// More images than are decided in one request.
    TooManyImages(usize),
    /// It was not proven.
    Unproven(Unproven),
    /// The budget was spent before it was its turn.
    Spent(Spent),
    /// It was not looked at, because another image denies the request already.
    NotChecked,
    /// It was proven under one rule, but the pinned reference is decided by another one, which does not admit it.
    AfterPinning {
        /// The pattern of the rule under which it was proven.
        proven: String,
        /// The pattern of the other one.
        other: String,
        /// Why the other one does not admit it.
        reason: Box<Reason>,
    },
    /// Proven by an index that another rule, or none, admits.
    ByIndex {
        /// The index that was signed.
        index: Digest,
        /// The pattern of the rule that decides about it, if there is one.
        other: Option<String>,
        /// Why it is not admitted.
        reason: Box<Reason>,
    },
    /// The settings can't be used; found late.
    Settings(Problem),
    /// Our own fault.
    Fault(&'static str),
}

/// The kinds of denial, worst first: the first one that a response holds gives its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something can't be read: 400.
    Unreadable,
    /// Something is refused: 403.
    Refused,
    /// The time or the host calls were used up: 504.
    OutOfTime,
    /// The evidence could not be had: 503.
    Unavailable,
    /// The settings or this program are at fault: 500.
    Fault,
    /// Nothing was looked at. It never stands alone, so it gives no response its code.
    NotChecked,
}

/// What is known of one image, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The image as the user wrote it.
    pub image: Option<String>,
    /// Where it stands, for programs.
    pub slots: Vec<String>,
    /// The winning rule's pattern and validator.
    pub rule: Option<(String, String)>,
    /// Why it was admitted, or why not.
    pub outcome: Result<Grounds, Reason>,
    /// How many host calls were made for it.
    pub host_calls: usize,
    /// In how many slots the digest was written.
    pub pinned: usize,
}

/// Everything that a review found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The answer.
    pub verdict: Verdict,
    /// What was proven and is to be written, whatever the answer is.
    pub pins: Vec<Pin>,
    /// Whether images of this object are denied; else users are only warned of them, and whatever comes of the object is decided itself.
    pub enforced: bool,
    /// What users should know of images that are admitted.
    pub warnings: Vec<Warning>,
    /// One record an image.
    pub records: Vec<Record>,
    /// For the log only.
    pub log: Vec<String>,
}

impl Verdict {
    /// Admits on grounds for every image; one denial is enough to deny. Without any outcome there are no grounds either.
    pub(crate) fn of(outcomes: Vec<Result<Grounds, Denial>>) -> Verdict {
        let images = outcomes.len();
        let mut denials = outcomes.into_iter().filter_map(Result::err);
        match denials.next() {
            Some(first) => Verdict::Deny(Denials { first, rest: denials.collect() }),
            None if images > 0 => Verdict::Admit,
            None => Verdict::Deny(Denials::one(Denial::of_object(Reason::Fault("nothing was decided")))),
        }
    }
}

impl Grounds {
    /// The grounds as one stable word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Grounds::Allowed => "allowed",
            Grounds::Proven(_) => "proven",
            Grounds::Approved(_) => "approved",
            Grounds::Carried(_) => "carried",
        }
    }
}

impl Record {
    /// A record of an outcome, and of nothing else yet.
    pub(crate) fn of(outcome: Result<Grounds, Reason>) -> Record {
        Record { image: None, slots: Vec::new(), rule: None, outcome, host_calls: 0, pinned: 0 }
    }
}

impl Denials {
    /// One denial.
    #[must_use]
    pub fn one(denial: Denial) -> Denials {
        Denials { first: denial, rest: Vec::new() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Denial> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// How many.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// The worst kind among them.
    #[must_use]
    pub fn class(&self) -> Class {
        self.iter().map(|denial| denial.reason.class()).min().unwrap_or(Class::Fault)
    }
}

impl Class {
    /// The response's status code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Class::Unreadable => 400,
            Class::Refused | Class::NotChecked => 403,
            Class::OutOfTime => 504,
            Class::Unavailable => 503,
            Class::Fault => 500,
        }
    }
}

impl Denial {
    /// A denial of a whole object.
    #[must_use]
    pub fn of_object(reason: Reason) -> Denial {
        Denial { places: Vec::new(), image: None, rule: None, reason }
    }
}

impl Reason {
    /// Which kind of denial this is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Reason::Object(ObjectError::TooManySlots(_)) => Class::Refused,
            Reason::Request(_)
            | Reason::Object(_)
            | Reason::Subresource(_)
            | Reason::Slot(_)
            | Reason::Reference(_) => Class::Unreadable,
            Reason::NoRule(_)
            | Reason::NoRuleForDigest(_)
            | Reason::Rule
            | Reason::Tie(_)
            | Reason::TooManyImages(_) => Class::Refused,
            Reason::Unproven(Unproven::NotSigned { .. } | Unproven::NotFound | Unproven::Disagreement { .. }) => {
                Class::Refused
            }
            Reason::Spent(_) | Reason::Unproven(Unproven::Spent { .. }) => Class::OutOfTime,
            Reason::NotChecked => Class::NotChecked,
            Reason::Unproven(Unproven::Undecided { .. }) => Class::Unavailable,
            Reason::AfterPinning { reason, .. } | Reason::ByIndex { reason, .. } => reason.class(),
            Reason::Settings(_) | Reason::Fault(_) => Class::Fault,
        }
    }

    /// The reason as one stable word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Request(_) => "unreadable-request",
            Reason::Object(ObjectError::Kind) => "unknown-kind",
            Reason::Object(ObjectError::TooManySlots(_)) => "too-many-slots",
            Reason::Object(_) => "unreadable-object",
            Reason::Subresource(_) => "unknown-subresource",
            Reason::Slot(_) => "unreadable-slot",
            Reason::Reference(_) => "unreadable-image",
            Reason::NoRule(_) | Reason::NoRuleForDigest(_) => "no-rule",
            Reason::Rule => "denied-by-rule",
            Reason::Tie(_) => "rules-tie",
            Reason::TooManyImages(_) => "too-many-images",
            Reason::Unproven(Unproven::NotSigned { .. }) => NOT_SIGNED,
            Reason::Unproven(Unproven::NotFound) => "image-not-found",
            Reason::Unproven(Unproven::Disagreement { .. }) => "digests-disagree",
            Reason::Unproven(Unproven::Undecided { .. }) => "evidence-unavailable",
            Reason::Spent(spent) | Reason::Unproven(Unproven::Spent { spent, .. }) => match spent {
                Spent::Time(_) => "out-of-time",
                Spent::Calls(_) => "out-of-host-calls",
            },
            Reason::NotChecked => "not-checked",
            Reason::AfterPinning { .. } => "denied-after-pinning",
            Reason::ByIndex { .. } => "denied-with-its-index",
            Reason::Settings(_) => "settings",
            Reason::Fault(_) => "fault",
        }
    }

    /// What would make it pass.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Reason::Request(_) => "Only AdmissionRequests of Kubernetes can be decided",
            Reason::Object(ObjectError::Kind) => "Route only Pods and the kinds that make them to this policy",
            Reason::Object(ObjectError::TooManySlots(_)) | Reason::TooManyImages(_) => "Split it",
            Reason::Object(_) | Reason::Slot(_) => "Mend the object",
            Reason::Subresource(_) => "Route only the subresources of metadata.yml to this policy",
            Reason::Reference(_) => "Write it as registry/repository:tag",
            Reason::NoRule(None) => "Add a rule for it to the policy, or use an image that one covers",
            Reason::NoRule(Some(_)) => "Write it without the digest, or allow that digest by name (…@sha256:…)",
            Reason::NoRuleForDigest(_) => {
                "Replace the digest of the image with a tag that the rule covers, or remove the tag from the rule's pattern"
            }
            Reason::Rule => "Use an image that another rule covers, or have this rule changed",
            Reason::Tie(_) => "Make one of the two patterns more specific",
            Reason::Unproven(Unproven::NotSigned { shortfall, .. }) => shortfall.remedy(),
            Reason::Unproven(Unproven::NotFound) => {
                "Check its name, and its tag or digest; some registries also hide what the PolicyServer's credentials (imagePullSecret) do not cover"
            }
            Reason::Unproven(Unproven::Disagreement { .. }) => {
                "Try again; if it stays, the policy server or the registry does not answer truthfully"
            }
            Reason::Unproven(Unproven::Undecided { cause, .. }) => cause.remedy(),
            Reason::Spent(Spent::Calls(_)) | Reason::Unproven(Unproven::Spent { spent: Spent::Calls(_), .. }) => {
                "Split the object, or raise features.maxHostCalls"
            }
            Reason::NotChecked => "Fix the denied images; this image is checked on the next try",
            Reason::Spent(Spent::Time(_)) | Reason::Unproven(Unproven::Spent { spent: Spent::Time(_), .. }) => {
                "Try again: what was fetched meanwhile is remembered for a minute; raise features.timeBudgetMs together with the policy's timeoutEvalSeconds; or remove old signatures (cosign clean)"
            }
            Reason::AfterPinning { reason, .. } | Reason::ByIndex { reason, .. } => reason.remedy(),
            Reason::Settings(_) => "Have the policy's settings mended; `image-trust run` shows the same",
            Reason::Fault(_) => "This is a defect of image-trust; please report it",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Request(error) => write!(f, "the request can't be read: {error}"),
            Reason::Object(error) => write!(f, "the object can't be decided: {error}"),
            Reason::Subresource(name) => {
                write!(f, "the subresource \"{}\" is none that this policy knows", Shown(name))
            }
            Reason::Slot(what) => write!(f, "can't be read: {what}"),
            Reason::Reference(error) => write!(f, "can't be decided: {error}"),
            Reason::NoRule(None) => f.write_str("no rule matches this image, so it is denied"),
            Reason::NoRule(Some(pattern)) => write!(
                f,
                "no rule matches: \"{}\" allows by tag, and beside a digest a tag is only a claim",
                Shown(pattern)
            ),
            Reason::NoRuleForDigest(pattern) => write!(
                f,
                "no rule matches this image, so it is denied: the pattern \"{}\" requires a tag, and this image has only a digest",
                Shown(pattern)
            ),
            Reason::Rule => f.write_str("this rule denies it"),
            Reason::Tie(other) => {
                write!(f, "the rule \"{}\" matches equally well and decides differently", Shown(other))
            }
            Reason::TooManyImages(images) => {
                write!(f, "it names {images} different images, and {MAX_IMAGES} at most are decided in one request")
            }
            Reason::Unproven(unproven) => write!(f, "{unproven}"),
            Reason::Spent(spent) => write!(f, "not decided: {spent} before this image was checked"),
            Reason::NotChecked => f.write_str("not checked: another image already denies this request"),
            Reason::AfterPinning { proven, other, reason } => write!(
                f,
                "proven under the rule \"{}\", but with its digest it falls under \"{}\", and there: {reason}",
                Shown(proven),
                Shown(other)
            ),
            Reason::ByIndex { index, other, reason } => {
                write!(f, "proven by {index}, the index behind its tag, but ")?;
                match other {
                    Some(other) => write!(f, "that falls under \"{}\", and there: {reason}", Shown(other)),
                    None => write!(f, "of that: {reason}"),
                }
            }
            Reason::Settings(problem) => {
                write!(f, "the policy's settings can't be used: {}", ShownInLog(&problem.to_string()))
            }
            Reason::Fault(what) => write!(f, "internal error: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Cause;
    use std::time::Duration;

    use crate::{
        image::Digest,
        proof::{Beside, Quorum, Shortfall},
    };

    #[test]
    fn every_reason_has_its_sentence_and_its_code() {
        let tally = Quorum::new(1, [], ["alice"]).tally();
        let digest = Digest::of(b"");
        let settings = || Problem { path: "policy[0].pattern".into(), what: "is empty".into() };
        let rows: &[(Reason, u16, &str, &str)] = &[
            (
                Reason::Object(ObjectError::Missing),
                400,
                "unreadable-object",
                "the object can't be decided: the request has no object",
            ),
            (
                Reason::Object(ObjectError::Kind),
                400,
                "unknown-kind",
                "the object can't be decided: this policy does not know",
            ),
            (
                Reason::Object(ObjectError::TooManySlots(1001)),
                403,
                "too-many-slots",
                "the object can't be decided: it has at least 1001",
            ),
            (
                Reason::Subresource("exec\u{1b}".into()),
                400,
                "unknown-subresource",
                "the subresource \"exec\\u{1b}\" is none",
            ),
            (Reason::Slot("it names no image"), 400, "unreadable-slot", "can't be read: it names no image"),
            (Reason::Reference(ReferenceError::Empty), 400, "unreadable-image", "can't be decided: it is empty"),
            (Reason::NoRule(None), 403, "no-rule", "no rule matches this image, so it is denied"),
            (Reason::NoRule(Some("a:v1".into())), 403, "no-rule", "no rule matches: \"a:v1\" allows by tag"),
            (Reason::Rule, 403, "denied-by-rule", "this rule denies it"),
            (Reason::Tie("a*".into()), 403, "rules-tie", "the rule \"a*\" matches equally well"),
            (Reason::TooManyImages(101), 403, "too-many-images", "it names 101 different images, and 100 at most"),
            (Reason::Unproven(Unproven::NotFound), 403, "image-not-found", "the registry does not have it"),
            (
                Reason::Unproven(Unproven::Disagreement { asked: digest, answered: digest }),
                403,
                "digests-disagree",
                "not trusted: the host was asked about sha256:",
            ),
            (
                Reason::Unproven(Unproven::NotSigned {
                    tally: tally.clone(),
                    shortfall: Box::new(Shortfall::Unsigned(Beside::default())),
                }),
                403,
                "not-signed",
                "not trusted: it has no signature in the format of cosign 2; not asked about trust root alice",
            ),
            (
                Reason::Unproven(Unproven::Undecided { tally: tally.clone(), cause: Cause::Unauthorized }),
                503,
                "evidence-unavailable",
                "could not tell whether it is signed: the registry refused the policy server's credentials",
            ),
            (
                Reason::Unproven(Unproven::Spent {
                    tally: tally.clone(),
                    spent: Spent::Time(Duration::from_millis(900)),
                }),
                504,
                "out-of-time",
                "not decided: the time budget of 900 ms was used up; ",
            ),
            (
                Reason::Unproven(Unproven::Spent { tally, spent: Spent::Calls(100) }),
                504,
                "out-of-host-calls",
                "not decided: the request used all of its 100 host calls; ",
            ),
            (Reason::NotChecked, 403, "not-checked", "not checked: another image already denies this request"),
            (
                Reason::Spent(Spent::Time(Duration::from_millis(900))),
                504,
                "out-of-time",
                "not decided: the time budget of 900 ms was used up before",
            ),
            (
                Reason::AfterPinning { proven: "a".into(), other: "a@*".into(), reason: Box::new(Reason::Rule) },
                403,
                "denied-after-pinning",
                "proven under the rule \"a\", but with its digest it falls under \"a@*\", and there: this rule denies it",
            ),
            (
                Reason::ByIndex { index: Digest::of(b""), other: Some("a@*".into()), reason: Box::new(Reason::Rule) },
                403,
                "denied-with-its-index",
                "proven by sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, the index behind its tag, but that falls under \"a@*\", and there: this rule denies it",
            ),
            (
                Reason::ByIndex { index: Digest::of(b""), other: None, reason: Box::new(Reason::NoRule(None)) },
                403,
                "denied-with-its-index",
                "proven by sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, the index behind its tag, but of that: no rule matches",
            ),
            (
                Reason::Settings(settings()),
                500,
                "settings",
                "the policy's settings can't be used: policy[0].pattern: is empty",
            ),
            (Reason::Fault("x"), 500, "fault", "internal error: x"),
        ];
        for (reason, code, word, sentence) in rows {
            assert_eq!((reason.class().code(), reason.word()), (*code, *word));
            assert!(reason.to_string().starts_with(sentence), "{reason}");
            assert!(!reason.remedy().is_empty() && !reason.remedy().ends_with('.'), "{reason}");
        }
    }

    #[test]
    fn one_response_has_the_worst_code() {
        let denial = |reason| Err(Denial::of_object(reason));
        let slot = || denial(Reason::Slot("it names no image"));
        let late = || denial(Reason::Spent(Spent::Time(Duration::ZERO)));
        let unavailable = || {
            let tally = Quorum::new(1, [], ["alice"]).tally();
            denial(Reason::Unproven(Unproven::Undecided { tally, cause: Cause::Unavailable }))
        };
        let fault = || denial(Reason::Fault("x"));
        let rows = [
            (
                vec![Ok(Grounds::Allowed), late(), denial(Reason::NoRule(None)), slot()],
                Some(400),
                "unreadable comes first",
            ),
            (vec![late(), denial(Reason::NoRule(None))], Some(403), "then refused"),
            (vec![fault(), late()], Some(504), "then out of time"),
            (vec![fault(), Ok(Grounds::Allowed)], Some(500), "our own faults last"),
            (vec![denial(Reason::NotChecked), unavailable()], Some(503), "what was not checked gives no code"),
            (vec![fault(), denial(Reason::NotChecked)], Some(500), "and here neither"),
            (vec![Ok(Grounds::Allowed), Ok(Grounds::Allowed)], None, "nothing is denied"),
            (vec![], Some(500), "nothing was decided"),
        ];
        for (outcomes, expected, why) in rows {
            let code = match Verdict::of(outcomes) {
                Verdict::Admit => None,
                Verdict::Deny(denials) => Some(denials.class().code()),
            };
            assert_eq!(code, expected, "{why}");
        }
    }
}
