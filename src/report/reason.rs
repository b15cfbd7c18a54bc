//! Why is an image denied, in one sentence and one word, and what would help?

use super::{listed, quoted};
use crate::{
    explain::Unproven,
    kubernetes::{ANNOTATION, API_GROUP, BreakGlassError, ObjectError, RESOURCE, SlotProblem, VERB},
    text::ShownInLog,
    verdict::{Denial, Fault, Grounds, MAX_IMAGES, NoEffect, Reason, Waiver},
    verify::Spent,
};

/// The word for an image that too few have signed.
pub(super) const NOT_SIGNED: &str = "not-signed";

/// The image for which Istio's injector puts another one (Istio, "Installing Gateways").
const INJECTED: &str = "auto";

/// A reason as people read it.
pub(super) struct Told {
    /// The reason, as one sentence.
    pub(super) sentence: String,
    /// What else is known, one sentence each.
    pub(super) details: Vec<String>,
    /// What would make the image pass, and notes about that.
    pub(super) help: Vec<String>,
}

impl Told {
    /// A reason from its sentence and from what would help.
    pub(super) fn new(sentence: impl Into<String>, help: impl Into<String>) -> Told {
        Told { sentence: sentence.into(), details: Vec::new(), help: vec![help.into()] }
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
            Grounds::Waived { by, .. } => by.word(),
        }
    }
}

impl Waiver {
    /// The waiver as one stable word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Waiver::Exception(_) => "exception",
            Waiver::BreakGlass(_) => "break-glass",
        }
    }
}

impl NoEffect {
    /// The lines that tell it below a denial.
    pub(super) fn told(&self, namespace: Option<&str>) -> Told {
        let here = namespace.map(|name| format!(" in namespace {}", quoted(name))).unwrap_or_default();
        let who =
            format!("ask somebody with the permission {VERB} for {RESOURCE}.{API_GROUP}{here} to apply the object");
        match self {
            NoEffect::Off => Told::new(
                "break-glass: the annotation has no effect, because the settings do not have features.breakGlass: true",
                "ask whoever operates the policy for an exception",
            ),
            NoEffect::Unusable(BreakGlassError::NoReason) => Told::new(
                "break-glass: the annotation has no effect, because it gives no reason",
                format!("write the reason as its value: {ANNOTATION}: <reason>"),
            ),
            NoEffect::Unusable(BreakGlassError::NoUser) => Told::new(
                "break-glass: the annotation has no effect, because the request names no user",
                "check how the request was made; the API server always names a user",
            ),
            NoEffect::Unusable(BreakGlassError::ServiceAccount) => {
                Told::new("break-glass: the annotation has no effect, because a service account makes the request", who)
            }
            NoEffect::Unusable(BreakGlassError::Subresource) => Told::new(
                "break-glass: the annotation has no effect on debug containers and other subresources",
                "ask whoever operates the policy for an exception",
            ),
            NoEffect::Unusable(BreakGlassError::Unchanged) => Told::new(
                "break-glass: the annotation has no effect, because it was there before this update",
                format!("write a new reason as its value: {ANNOTATION}: <reason>"),
            ),
            NoEffect::NotPermitted(user) => Told::new(
                format!(
                    "break-glass: user {} does not have the permission {VERB} for {RESOURCE}.{API_GROUP}{here}",
                    quoted(user)
                ),
                who,
            ),
            NoEffect::Unknown(cause) => Told::new(
                format!(
                    "break-glass: the API server did not tell whether the user has the permission ({})",
                    cause.word()
                ),
                "try again; if it stays, allow the policy kubernetes/can_i, and its service account to create subjectaccessreviews",
            ),
            NoEffect::Spent(spent) => {
                Told::new(format!("break-glass: {} before the API server was asked", spent.sentence()), spent.help())
            }
        }
    }
}

impl Reason {
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
            Reason::Unproven(Unproven::NotSigned(_)) => NOT_SIGNED,
            Reason::Unproven(Unproven::NotAttested(_)) => "not-attested",
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
}

impl Denial {
    /// The reason as people read it, with the rule that decided.
    pub(super) fn told(&self) -> Told {
        let mut told = self.reason.told(self);
        // These name their rules themselves.
        let names_rule = matches!(self.reason, Reason::Rule | Reason::Tie(_) | Reason::AfterPinning { .. });
        if let Some(rule) = self.rule.as_ref().filter(|_| !names_rule) {
            told.sentence.push_str(&format!("; rule {}", quoted(&rule.0)));
        }
        if self.image.as_deref() == Some(INJECTED) {
            told.help = vec![
                "Istio's injector replaces the image `auto`; write the image that it puts there, or see \"Placeholders of injectors\" in docs/reference/settings.md".to_owned(),
            ];
        }
        told
    }

    /// The pattern of the rule that decided.
    fn rule(&self) -> &str {
        self.rule.as_ref().map_or("", |rule| &rule.0)
    }
}

impl Reason {
    /// The reason of this denial as people read it.
    fn told(&self, denial: &Denial) -> Told {
        match self {
            Reason::Request(error) => Told::new(
                format!("the request cannot be read: {error}"),
                "send an AdmissionRequest of Kubernetes (admission.k8s.io/v1)",
            ),
            Reason::Object(error) => error.told(),
            Reason::Subresource(name) => Told::new(
                format!("this policy does not know the subresource {}", quoted(name)),
                "route only the subresources of metadata.yml to this policy",
            ),
            Reason::Slot(problem) => {
                Told::new(format!("it cannot be read: {}", problem.sentence()), "correct the object")
            }
            Reason::Reference(error) => {
                Told::new(format!("the image name cannot be used: {error}"), "write it as registry/repository:tag")
            }
            Reason::NoRule(None) => Told::new(
                "no rule matches this image, so it is denied",
                "add a rule for it to the policy, or use an image that a rule covers",
            ),
            Reason::NoRule(Some(pattern)) => Told::new(
                format!(
                    "no rule matches this image: {} admits by tag, and the tag of a reference with a digest proves nothing",
                    quoted(&pattern.0)
                ),
                "write the image without its digest, or add a rule that allows this digest (…@sha256:…)",
            ),
            Reason::NoRuleForDigest(pattern) => Told::new(
                format!(
                    "no rule matches this image: the pattern {} needs a tag, and this image has only a digest",
                    quoted(&pattern.0)
                ),
                "write the image with a tag that the pattern covers, or remove the tag from the pattern",
            ),
            Reason::Rule => Told::new(
                format!("denied by rule {}", quoted(denial.rule())),
                "use an image that another rule covers, or change this rule",
            ),
            Reason::Tie(other) => Told::new(
                format!("the rules {} match equally well and decide differently", listed([denial.rule(), &other.0])),
                "make one of the two patterns more specific",
            ),
            Reason::TooManyImages(images) => Told::new(
                format!("it names {images} different images; at most {MAX_IMAGES} are checked in one request"),
                "split the object",
            ),
            Reason::Unproven(unproven) => unproven.told(denial.image.as_deref()),
            Reason::Spent(spent) => {
                Told::new(format!("not decided: {} before this image was checked", spent.sentence()), spent.help())
            }
            Reason::NotChecked => Told::new(
                "not checked: another image already denies this request",
                "correct the other images first; this image is checked on the next try",
            ),
            Reason::AfterPinning { proven, other, reason } => {
                let inner = reason.told(&Denial { rule: Some(other.clone()), ..denial.clone() });
                let sentence = match **reason {
                    Reason::Rule | Reason::Tie(_) => {
                        format!("proven under rule {}, but with its digest it is {}", quoted(&proven.0), inner.sentence)
                    }
                    _ => format!(
                        "proven under rule {}, but with its digest rule {} decides: {}",
                        quoted(&proven.0),
                        quoted(&other.0),
                        inner.sentence
                    ),
                };
                Told { sentence, ..inner }
            }
            Reason::ByIndex { index, other, reason } => {
                let inner = reason.told(&Denial { rule: other.clone(), ..denial.clone() });
                let sentence = match other {
                    Some(other) => format!(
                        "proven by the index {index}, about which rule {} decides: {}",
                        quoted(&other.0),
                        inner.sentence
                    ),
                    None => format!("proven by the index {index}, but of the index: {}", inner.sentence),
                };
                Told { sentence, ..inner }
            }
            Reason::Settings(problem) => Told::new(
                format!("the settings of the policy cannot be used: {}", ShownInLog(&problem.to_string())),
                "correct the settings of the policy; `image-trust run` shows the same problem",
            ),
            Reason::Fault(fault) => Told::new(
                format!("internal error: {}", fault.sentence()),
                "this is a defect of image-trust; please report it",
            ),
        }
    }
}

impl Fault {
    fn sentence(self) -> &'static str {
        match self {
            Fault::Payload => "expected a request with settings from the host, found something else",
            Fault::Undecided => "an image was not decided",
            Fault::NothingDecided => "nothing was decided",
            Fault::OtherImage => "the digest belongs to another image",
            Fault::RuleLost => "the rule that matched the image does not match the image with its digest",
            Fault::NotWritten => "the proven digests could not be written into the object",
        }
    }
}

impl ObjectError {
    fn told(&self) -> Told {
        let correct = "correct the object";
        match self {
            ObjectError::Missing => Told::new("the request has no object", correct),
            ObjectError::Kind => Told::new(
                "this policy does not know where objects of this kind hold images",
                "route only Pods and the kinds that create Pods to this policy",
            ),
            ObjectError::PodSpec(path) => Told::new(format!("expected a pod spec at `{path}`, found none"), correct),
            ObjectError::TooManySlots(slots) => Told::new(
                format!(
                    "it has at least {slots} containers and volumes; at most {} are checked",
                    ObjectError::MAX_SLOTS
                ),
                "split the object",
            ),
            ObjectError::Twice(path) => {
                Told::new(format!("a field that holds images occurs twice in `{path}`"), correct)
            }
        }
    }
}

impl SlotProblem {
    fn sentence(self) -> &'static str {
        match self {
            SlotProblem::NotAList => "expected a list",
            SlotProblem::Empty => "expected at least one container, found none",
            SlotProblem::NotAMapping => "expected a mapping",
            SlotProblem::Twice => "its name or image occurs twice",
            SlotProblem::ImageSource => "its image source is malformed",
            SlotProblem::NoImage => "it names no image",
            SlotProblem::NotAText => "expected the image as a text",
        }
    }
}

impl Spent {
    pub(super) fn sentence(self) -> String {
        match self {
            Spent::Time(limit) => format!("the time budget of {} ms was used up", limit.as_millis()),
            Spent::Calls(most) => format!("the request used all of its {most} host calls"),
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Spent::Time(_) => {
                "try again, because the policy server remembers for a minute what was fetched; or raise features.timeBudgetMs together with the policy's timeoutEvalSeconds; or remove old signatures (cosign clean)"
            }
            Spent::Calls(_) => "split the object, or raise features.maxHostCalls",
        }
    }
}
