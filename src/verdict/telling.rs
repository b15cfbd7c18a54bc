//! How much of a review is shown to the user who made the request?
//!
//! Registries are read with the policy server's credentials, so a denial can tell a user about images that this user may not read. Where the settings ask
//! for it (`features.disclosure: reason`), messages and warnings hold what the user wrote, the rule and one word, and the rest stays with the operator.

use std::{fmt, time::Duration};

use super::{Denial, NOT_SIGNED, Reason};
use crate::{image::Digest, period::Moment, policy::Disclosure, proof::Unproven, shown::Shown};

/// What users should know of an image that is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The image is admitted only because of a trust root whose signatures soon count no longer.
    SignerLeaving {
        /// The image as the user wrote it.
        image: String,
        /// The trust root that leaves.
        root: String,
        /// When its signatures count no longer.
        end: Duration,
    },
    /// It was proven, and its tag is left as it is.
    NotPinned {
        /// The image as the user wrote it.
        image: String,
        /// Why the digest is not written.
        why: &'static str,
        /// The digest that was proven.
        digest: Digest,
    },
}

/// How much of a review the user is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling<'r> {
    /// Every detail of the reasons.
    All,
    /// What was found out is told in one word. The audit record and the log have all of it, under this id.
    Words {
        /// The `uid` of the admission request.
        uid: Option<&'r str>,
    },
}

/// Stands for an image that an injector chooses.
const INJECTED: &str = "auto";

impl Denial {
    /// The denial for a message: place, image, rule, and as much of the reason as `telling` allows.
    #[must_use]
    pub fn told(&self, telling: Telling<'_>) -> String {
        let about = |rule| {
            let about = [self.shown_places(), self.shown_image(), rule];
            let about: Vec<String> = about.into_iter().flatten().collect();
            if about.is_empty() { String::new() } else { about.join(", ") + ": " }
        };
        match telling.word_of(&self.reason) {
            None => format!("{}{}. {}.", about(self.shown_rule()), self.reason, self.remedy()),
            Some(word) => format!("{}{word}.", about(self.deciding_rule())),
        }
    }

    /// What would make it pass.
    fn remedy(&self) -> &'static str {
        match self.image.as_deref() {
            // Istio, "Installing Gateways".
            Some(INJECTED) => {
                "`auto` stands for an image that Istio's injector puts there: write that image, or see `Placeholders of injectors` in docs/settings.md"
            }
            _ => self.reason.remedy(),
        }
    }

    /// The denial with its reason's word and its image in front: of a warning, people often see no more than the beginning.
    #[must_use]
    pub fn as_warning(&self, telling: Telling<'_>) -> String {
        let (word, sentence) = match telling.word_of(&self.reason) {
            None => (self.reason.word(), Some(self.reason.to_string())),
            Some(word) => (word, None),
        };
        let rule = if sentence.is_some() { self.shown_rule() } else { self.deciding_rule() };
        let around: Vec<String> = [self.shown_places(), rule].into_iter().flatten().collect();
        let around = if around.is_empty() { String::new() } else { format!(" ({})", around.join(", ")) };
        // Long warnings are cut at their end, so what finds the record comes first.
        let reference = if sentence.is_some() { None } else { telling.reference() };
        let parts = [Some(word.to_owned()), reference, self.shown_image(), sentence];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ") + &around
    }

    fn shown_places(&self) -> Option<String> {
        let (first, more) = self.places.split_first()?;
        Some(match more.len() {
            0 => first.clone(),
            more => format!("{first} and {more} more"),
        })
    }

    fn shown_image(&self) -> Option<String> {
        self.image.as_deref().filter(|image| !image.is_empty()).map(|image| format!("image {}", Shown(image)))
    }

    /// The rule; a denial after pinning names both of its rules itself.
    fn shown_rule(&self) -> Option<String> {
        self.deciding_rule().filter(|_| !matches!(self.reason, Reason::AfterPinning { .. }))
    }

    fn deciding_rule(&self) -> Option<String> {
        Some(format!("rule \"{}\"", Shown(self.rule.as_deref()?)))
    }
}

impl<'r> Telling<'r> {
    /// What the settings allow to tell whoever made the request with this id.
    #[must_use]
    pub fn new(disclosure: Disclosure, uid: Option<&'r str>) -> Telling<'r> {
        match disclosure {
            Disclosure::Full => Telling::All,
            Disclosure::Reason => Telling::Words { uid },
        }
    }

    /// The word that is told in place of the reason, if the reason is not to be told.
    fn word_of(self, reason: &Reason) -> Option<&'static str> {
        match (self, reason) {
            (Telling::All, _) => None,
            // These repeat only what the user wrote and what the rules say.
            (
                Telling::Words { .. },
                Reason::Request(_)
                | Reason::Object(_)
                | Reason::Subresource(_)
                | Reason::Slot(_)
                | Reason::Reference(_)
                | Reason::NoRule(_)
                | Reason::NoRuleForDigest(_)
                | Reason::Rule
                | Reason::Tie(_)
                | Reason::TooManyImages(_)
                | Reason::NotChecked,
            ) => None,
            // "image-not-found" would tell which images exist.
            (Telling::Words { .. }, Reason::Unproven(Unproven::NotFound)) => Some(NOT_SIGNED),
            (Telling::Words { .. }, reason) => Some(reason.word()),
        }
    }

    /// What finds the audit record and the log, where not all is told.
    #[must_use]
    pub fn reference(self) -> Option<String> {
        match self {
            Telling::All => None,
            Telling::Words { uid } => Some(format!("request \"{}\"", Shown(uid.unwrap_or("(without uid)")))),
        }
    }
}

impl Warning {
    /// The warning, or as much of it as `telling` allows.
    #[must_use]
    pub fn told(&self, telling: Telling<'_>) -> String {
        match telling.reference() {
            None => self.to_string(),
            Some(reference) => format!("{}: {reference}: {}", self.word(), Shown(self.image())),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Warning::SignerLeaving { .. } => "signer-leaving",
            Warning::NotPinned { .. } => "not pinned",
        }
    }

    fn image(&self) -> &str {
        match self {
            Warning::SignerLeaving { image, .. } | Warning::NotPinned { image, .. } => image,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.word(), Shown(self.image()))?;
        match self {
            Warning::SignerLeaving { root, end, .. } => write!(
                f,
                "only with trust root {} enough signed it, and that counts until {}; have it signed by its successor",
                Shown(root),
                Moment(*end)
            ),
            Warning::NotPinned { why, digest, .. } => {
                write!(f, "{why}; its tag may point elsewhere when it is pulled; proven was {digest}")
            }
        }
    }
}
