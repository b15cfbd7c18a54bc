//! How much of a denial is shown to the user who made the request?
//!
//! Registries are read with the policy server's credentials, so a denial can tell a user about images that this user may not read. Where the settings ask
//! for it (`features.disclosure: reason`), messages and warnings hold what the user wrote, the rule and one word, and the rest stays with the operator.

use super::{
    quoted,
    reason::{NOT_SIGNED, Told},
};
use crate::{
    explain::Unproven,
    policy::Disclosure,
    verdict::{Denial, Reason},
};

/// How much of a reason the user is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disclosed<'r> {
    /// Every detail of the reasons.
    All,
    /// One word for what was found out. The audit record and the log have all of it, under this id.
    Words {
        /// The `uid` of the admission request.
        uid: Option<&'r str>,
    },
}

impl<'r> Disclosed<'r> {
    /// What the settings allow to tell whoever made the request with this id.
    pub(super) fn new(disclosure: Disclosure, uid: Option<&'r str>) -> Disclosed<'r> {
        match disclosure {
            Disclosure::Full => Disclosed::All,
            Disclosure::Reason => Disclosed::Words { uid },
        }
    }

    pub(super) fn is_all(self) -> bool {
        self == Disclosed::All
    }

    /// The reason, in as much detail as the user is shown.
    pub(super) fn told(self, denial: &Denial) -> Told {
        if self.shows(&denial.reason) {
            return denial.told();
        }
        let rule = denial.rule.as_ref().map(|rule| format!("; rule {}", quoted(&rule.0))).unwrap_or_default();
        Told { sentence: format!("{}{rule}", self.word_of(denial)), details: Vec::new(), help: Vec::new() }
    }

    /// The word of the reason, as far as the user is shown it.
    pub(super) fn word_of(self, denial: &Denial) -> &'static str {
        match &denial.reason {
            // "image-not-found" would tell which images exist.
            Reason::Unproven(Unproven::NotFound) if !self.is_all() => NOT_SIGNED,
            reason => reason.word(),
        }
    }

    /// What finds the audit record and the log, where not all is shown.
    pub(super) fn reference(self) -> Option<String> {
        match self {
            Disclosed::All => None,
            Disclosed::Words { uid } => Some(format!("request {}", quoted(uid.unwrap_or("(without uid)")))),
        }
    }

    /// Is the reason shown? Some repeat only what the user wrote and what the rules say.
    pub(super) fn shows(self, reason: &Reason) -> bool {
        let repeats = matches!(
            reason,
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
                | Reason::NotChecked
        );
        self.is_all() || repeats
    }
}
