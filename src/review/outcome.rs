//! What became of an image?

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use super::images::Text;
use crate::{
    policy::{Mode, Rule, RulePattern, ValidatorName},
    verdict::{Grounds, Reason},
};

/// The outcome for one image.
pub(super) struct Outcome {
    /// The deciding rule's pattern and validator.
    pub(super) rule: Option<(RulePattern, ValidatorName)>,
    /// The mode that tells where the digest of the image may be written.
    pub(super) mode: Mode,
    pub(super) result: Result<Grounds, Reason>,
    /// How many host calls it took; taken by the first record that tells, so that the records add up.
    pub(super) host_calls: Cell<usize>,
}

impl Outcome {
    pub(super) fn by(rule: Option<&Rule<'_>>, result: Result<Grounds, Reason>) -> Outcome {
        let rule = rule.map(|rule| (rule.pattern(), rule.validator()));
        Outcome { rule, mode: Mode::default(), result, host_calls: Cell::new(0) }
    }

    /// The outcome of an image that a rule of this mode wants proven, after this number of host calls.
    pub(super) fn of(rule: &Rule<'_>, mode: Mode, calls: usize, result: Result<Grounds, Reason>) -> Outcome {
        Outcome { mode, host_calls: Cell::new(calls), ..Outcome::by(Some(rule), result) }
    }
}

/// The outcome of every text that is an image. Texts that name the same image can share one.
pub(super) type Outcomes<'i> = BTreeMap<&'i str, Rc<Outcome>>;

/// Notes the outcome of every one of these texts.
pub(super) fn note<'i>(outcomes: &mut Outcomes<'i>, texts: &[Text<'i>], outcome: Outcome) {
    let outcome = Rc::new(outcome);
    outcomes.extend(texts.iter().map(|text| (text.image.written(), Rc::clone(&outcome))));
}
