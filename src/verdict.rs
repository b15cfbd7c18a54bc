//! What was decided about a request?
//!
//! Admitting is something that is constructed: an image is admitted on [`Grounds`], and a request only when every one of its images is. A denial
//! is an image, a place and a closed [`Reason`]. How a verdict is told is [`crate::report`]'s.

use crate::{
    evidence::notation::NotationError,
    explain::Unproven,
    host::Cause,
    image::{Digest, ReferenceError},
    kubernetes::{Approval, BreakGlass, BreakGlassError, Carried, ObjectError, Pin, RequestError, SlotProblem},
    policy::{Exception, Problem, RulePattern, ValidatorName},
    time::UnixTime,
    verify::{Spent, TrustRootName, Verified},
};

/// Most distinct images of one request: each may cost several host calls, and has its part in the answer.
pub(crate) const MAX_IMAGES: usize = 100;

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every image may run.
    Admit,
    /// At least one image may not run.
    Deny(Denials),
}

/// The denials of a request, at least one, in the order of the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denials {
    first: Denial,
    rest: Vec<Denial>,
}

/// The grounds on which an image was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grounds {
    /// A static rule allows it by name.
    Allowed,
    /// Enough trust roots signed it.
    Proven(Verified),
    /// The image is in the cluster already, so it needs no proof.
    Approved(Approval),
    /// The digest of the image is in the cluster already, and is kept.
    Carried(Carried),
    /// Somebody who may do so admits it, though it would be denied.
    Waived {
        /// Who admits it.
        by: Waiver,
        /// The reason for which it would be denied.
        reason: Box<Reason>,
    },
}

/// Who admits an image that is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiver {
    /// An exception of the settings.
    Exception(Exception),
    /// The user who makes the request.
    BreakGlass(BreakGlass),
}

/// The reason for which the annotation for break-glass has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoEffect {
    /// The settings do not have `features.breakGlass: true`.
    Off,
    /// It cannot be acted upon.
    Unusable(BreakGlassError),
    /// This user does not have the permission.
    NotPermitted(String),
    /// The API server did not tell whether the user has the permission.
    Unknown(Cause),
    /// The budget was used up before the API server was asked.
    Spent(Spent),
}

/// A denial: what may not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The containers and volumes that it is about, for people; empty where it is about the whole object.
    pub places: Vec<String>,
    /// The image as the user wrote it, if it is about one.
    pub image: Option<String>,
    /// The pattern of the rule that decided, as it was written, if one did.
    pub rule: Option<RulePattern>,
    /// The reason for which the image may not run.
    pub reason: Reason,
}

/// The reason for a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The request is no admission request.
    Request(RequestError),
    /// The object cannot be read.
    Object(ObjectError),
    /// A subresource of which this policy does not know whether it carries images.
    Subresource(String),
    /// A container or volume can't be read.
    Slot(SlotProblem),
    /// The image's name can't be read, or could name two images.
    Reference(ReferenceError),
    /// No rule matches; this pattern's would, if it did not allow by tag only.
    NoRule(Option<RulePattern>),
    /// No rule matches an image without a tag; this pattern is for its tags.
    NoRuleForDigest(RulePattern),
    /// A static rule denies the image.
    Rule,
    /// Two rules match equally well and decide differently; this is the other one's pattern.
    Tie(RulePattern),
    /// The object names this many images, more than are decided in one request.
    TooManyImages(usize),
    /// The image was not proven.
    Unproven(Unproven),
    /// The budget was spent before it was its turn.
    Spent(Spent),
    /// It was not looked at, because another image denies the request already.
    NotChecked,
    /// It was proven under one rule, but the pinned reference is decided by another one, which does not admit it.
    AfterPinning {
        /// The pattern of the rule under which it was proven.
        proven: RulePattern,
        /// The pattern of the other one.
        other: RulePattern,
        /// The reason for which the other rule does not admit the image.
        reason: Box<Reason>,
    },
    /// Proven by an index that another rule, or none, admits.
    ByIndex {
        /// The index that was signed.
        index: Digest,
        /// The pattern of the rule that decides about it, if there is one.
        other: Option<RulePattern>,
        /// The reason for which the index is not admitted.
        reason: Box<Reason>,
    },
    /// The settings can't be used; found late.
    Settings(Problem),
    /// The policy itself is at fault.
    Fault(Fault),
}

/// A fault of the policy itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The host's payload is not a request with settings.
    Payload,
    /// An image got no outcome.
    Undecided,
    /// No slot got an outcome.
    NothingDecided,
    /// A proof is of another image.
    OtherImage,
    /// The rule that matched an image does not match the same image with its digest.
    RuleLost,
    /// The digests could not be written into the object.
    NotWritten,
}

/// The kinds of denial, worst first: the first one that a response holds gives its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something cannot be read (code 400).
    Unreadable,
    /// Something is refused (code 403).
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

/// The facts about one image, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The image as the user wrote it.
    pub image: Option<String>,
    /// The containers and volumes that hold it, for programs.
    pub slots: Vec<String>,
    /// The winning rule's pattern and validator.
    pub rule: Option<(RulePattern, ValidatorName)>,
    /// The grounds on which the image was admitted, or the reason for which it was denied.
    pub outcome: Result<Grounds, Reason>,
    /// The number of host calls that were made for the image.
    pub host_calls: usize,
    /// In how many slots the digest was written.
    pub pinned: usize,
}

/// A fact that users should know about an admitted image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The image is admitted only because of a trust root whose signatures soon count no longer.
    SignerLeaving {
        /// The image as the user wrote it.
        image: String,
        /// The trust root that will not count any more.
        root: TrustRootName,
        /// When its signatures count no longer.
        end: UnixTime,
    },
    /// The image is admitted though a signature failed a check, because its rule does not enforce it.
    NotProven {
        /// The image as the user wrote it.
        image: String,
        /// The trust root that the signature counts for.
        root: TrustRootName,
        /// The check that failed.
        error: NotationError,
    },
    /// The evidence with which the image is admitted soon proves nothing any more.
    EvidenceExpiring {
        /// The image as the user wrote it.
        image: String,
        /// The last moment at which the evidence proves something.
        at: UnixTime,
    },
    /// The image is admitted though it would be denied.
    Waived {
        /// The image as the user wrote it.
        image: String,
        /// Who admits it.
        by: Waiver,
        /// The reason for which it would be denied.
        reason: Box<Reason>,
        /// Whether to warn that the object's Pods are not covered.
        leaves_pods: bool,
    },
    /// The image was proven, and its tag is left as it is.
    NotPinned {
        /// The image as the user wrote it.
        image: String,
        /// The reason for which the digest is not written.
        why: NotPinned,
        /// The digest that was proven.
        digest: Digest,
    },
}

/// The reason for which a proven digest is not written, if users should know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPinned {
    /// The rule has `mode: insecureValidateOnly`.
    Mode,
    /// The settings have `features.mutation: false`.
    Mutation,
}

/// Everything that the review of a request found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The answer to the request.
    pub verdict: Verdict,
    /// The number of distinct images, and of places that should hold one, that were decided.
    pub images: usize,
    /// The proven digests that are to be written, whatever the answer is.
    pub pins: Vec<Pin>,
    /// Whether images of this object are denied; else users are only warned of them, and whatever comes of the object is decided itself.
    pub enforced: bool,
    /// Whether the request is a dry run, which stores nothing.
    pub dry_run: bool,
    /// Why the annotation for break-glass has no effect, if there is one and it has none.
    pub no_effect: Option<NoEffect>,
    /// What users should know about admitted images.
    pub warnings: Vec<Warning>,
    /// One record for each image.
    pub records: Vec<Record>,
    /// The errors of the host in its own words, only for the log.
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
            None => Verdict::Deny(Denials::of_object(Reason::Fault(Fault::NothingDecided))),
        }
    }
}

impl Review {
    /// An admission of an object whose images were not looked at.
    pub(crate) fn pass() -> Review {
        Review {
            verdict: Verdict::Admit,
            images: 0,
            pins: Vec::new(),
            enforced: true,
            dry_run: false,
            no_effect: None,
            warnings: Vec::new(),
            records: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A denial of the whole object.
    pub(crate) fn refusal(reason: Reason) -> Review {
        let verdict = Verdict::Deny(Denials::of_object(reason.clone()));
        Review { verdict, records: vec![Record::of(Err(reason))], ..Review::pass() }
    }
}

impl Record {
    /// A record of an outcome, and of nothing else yet.
    pub(crate) fn of(outcome: Result<Grounds, Reason>) -> Record {
        Record { image: None, slots: Vec::new(), rule: None, outcome, host_calls: 0, pinned: 0 }
    }
}

impl Denials {
    /// The denial of a whole object.
    #[must_use]
    pub fn of_object(reason: Reason) -> Denials {
        Denials { first: Denial::of_object(reason), rest: Vec::new() }
    }

    /// All denials, in the order of the slots.
    pub fn iter(&self) -> impl Iterator<Item = &Denial> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The number of denials.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.rest.len().saturating_add(1)
    }

    /// The worst kind among the denials.
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
            Reason::Unproven(
                Unproven::NotSigned(_) | Unproven::NotAttested(_) | Unproven::NotFound | Unproven::Disagreement { .. },
            ) => Class::Refused,
            Reason::Spent(_) | Reason::Unproven(Unproven::Spent { .. }) => Class::OutOfTime,
            Reason::NotChecked => Class::NotChecked,
            Reason::Unproven(Unproven::Undecided { .. }) => Class::Unavailable,
            Reason::AfterPinning { reason, .. } | Reason::ByIndex { reason, .. } => reason.class(),
            Reason::Settings(_) | Reason::Fault(_) => Class::Fault,
        }
    }

    /// Whether somebody can admit an image that is denied for this reason. What cannot be read is not, and nothing is while this program or its settings are at fault.
    #[must_use]
    pub(crate) fn can_be_waived(&self) -> bool {
        match self.class() {
            Class::Refused | Class::OutOfTime | Class::Unavailable | Class::NotChecked => true,
            Class::Unreadable | Class::Fault => false,
        }
    }

    /// Whether the rules decided it by the name of the image, without a proof.
    pub(crate) fn is_by_name(&self) -> bool {
        matches!(self, Reason::Rule | Reason::NoRule(_) | Reason::NoRuleForDigest(_) | Reason::Tie(_))
    }

    /// The digest that was judged, if one was.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Reason::Unproven(unproven) => unproven.digest(),
            Reason::AfterPinning { reason, .. } => reason.digest(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::verify::Quorum;

    #[test]
    fn one_response_has_the_worst_code() {
        let denial = |reason| Err(Denial::of_object(reason));
        let slot = || denial(Reason::Slot(SlotProblem::NoImage));
        let late = || denial(Reason::Spent(Spent::Time(Duration::ZERO)));
        let unavailable = || {
            let tally = Quorum::new(1, [], [&TrustRootName("alice".to_owned())]).tally();
            denial(Reason::Unproven(Unproven::Undecided {
                digest: None,
                tally: tally.into(),
                cause: Cause::Unavailable,
            }))
        };
        let fault = || denial(Reason::Fault(Fault::Undecided));
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
            (vec![fault(), denial(Reason::NotChecked)], Some(500), "nor does it beside a fault"),
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
