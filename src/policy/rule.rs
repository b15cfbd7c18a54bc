//! What do the settings decide, once the names in them are resolved?
//!
//! [`Policy::load`] is the door that every request goes through: it reads the shape of the settings and no more. Patterns are read to be matched;
//! `with` and keys only of the rule that wins. What is wrong there is reported as a [`Problem`], and the request is denied: a rule is never skipped.

use std::{
    cell::OnceCell,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Features, Mistake, Problem, RulePattern, ValidatorName, options,
    pattern::{Part, Pattern, Specificity},
    settings::{self, DEFAULT, Kind, Mode, Settings, With},
    validator::Validator,
};
use crate::{image::ImageRef, json::JsonPath, verify::Requirement};

/// Most rules: each is read with every request. Many times what the largest known settings of Connaisseur have.
pub(super) const MAX_RULES: usize = 10_000;
/// Most validators, for the same reason.
pub(super) const MAX_VALIDATORS: usize = 100;

/// Settings that were read, and whose rules can be asked.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings<'a>", bound(deserialize = "'de: 'a"))]
pub struct Policy<'a> {
    settings: Settings<'a>,
    /// What each validator says, once a rule of it wins: keys are parsed once, however many images there are.
    validators: Vec<OnceCell<Result<Validator, Vec<Problem>>>>,
}

/// The rules of a [`Policy`] that a request needs, with their patterns.
#[derive(Debug)]
pub struct Rules<'p> {
    policy: &'p Policy<'p>,
    candidates: Vec<Candidate<'p>>,
}

/// A rule that could match, its place and its pattern.
type Candidate<'p> = (usize, &'p settings::Rule<'p>, Pattern<'p>);

/// How a rule fits an image.
pub enum Fit<'p> {
    /// Not, for this part of its pattern.
    Differs(Part),
    /// It would, if it did not allow by a tag that the image's digest makes a mere claim.
    ByTagOnly(Rule<'p>),
    /// It matches the image, this closely.
    Matches(Rule<'p>, Specificity),
}

/// The rule that decides about an image.
#[derive(Debug)]
pub enum Choice<'p> {
    /// This one is the most specific.
    Rule(Rule<'p>),
    /// None matches; this one would, if it did not allow by a tag that a digest makes a mere claim.
    None(Option<Rule<'p>>),
    /// Two match equally well and decide differently.
    Tie(Rule<'p>, Rule<'p>),
}

/// One rule, with the validator that it names.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'p> {
    index: usize,
    rule: &'p settings::Rule<'p>,
    validator: (usize, &'p settings::Validator<'p>),
    says: &'p OnceCell<Result<Validator, Vec<Problem>>>,
}

/// What a rule says about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Run it, whatever it is.
    Allow,
    /// Never run it.
    Deny,
    /// Run it if this is proven.
    Prove {
        /// What has to be proven.
        requirement: Requirement,
        /// What is done with the digest.
        mode: Mode,
    },
}

impl<'a> TryFrom<Settings<'a>> for Policy<'a> {
    type Error = Problem;

    fn try_from(settings: Settings<'a>) -> Result<Policy<'a>, Problem> {
        let lists =
            [("validators", settings.validators.len(), MAX_VALIDATORS), ("policy", settings.policy.len(), MAX_RULES)];
        match lists.into_iter().find(|(_, length, most)| !(1..=*most).contains(length)) {
            Some((list, length, most)) => {
                Err(Problem::new(JsonPath::root().key(list), Mistake::Entries { length, most }))
            }
            None => Ok(Policy { validators: settings.validators.iter().map(|_| OnceCell::new()).collect(), settings }),
        }
    }
}

impl<'a> Policy<'a> {
    /// Reads settings as JSON text.
    ///
    /// # Errors
    /// When the settings don't have the shape that `docs/reference/settings.md` gives them.
    pub fn load(json: &'a str) -> Result<Policy<'a>, Problem> {
        serde_json::from_str(json).map_err(|error| Problem::of_all(Mistake::Unreadable(error.to_string())))
    }

    /// What holds for every rule.
    #[must_use]
    pub fn features(&self) -> Features {
        self.settings.features.clone().unwrap_or_default()
    }

    /// The kinds that carry a pod spec, beside those of Kubernetes.
    #[must_use]
    pub fn workloads(&self) -> &[settings::WorkloadKind<'a>] {
        self.settings.workloads.as_deref().unwrap_or_default()
    }

    /// The rules that could match images of these registries.
    ///
    /// # Errors
    /// When one of their patterns can't be read: that is no reason to skip its rule.
    pub fn rules(&self, registries: &BTreeSet<&str>) -> Result<Rules<'_>, Problem> {
        let mut candidates = Vec::new();
        for (index, rule) in self.settings.policy.iter().enumerate() {
            if Pattern::could_match(&rule.pattern.0, registries) {
                let unreadable = |error| Problem::new(place(index).key("pattern"), Mistake::Pattern(error));
                candidates.push((index, rule, Pattern::parse(&rule.pattern.0).map_err(unreadable)?));
            }
        }
        Ok(Rules { policy: self, candidates })
    }

    /// What is wrong with single rules.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        let rules = self.settings.policy.iter().enumerate();
        rules.flat_map(|(index, rule)| match self.rule(index, rule) {
            Ok(rule) => rule.read().err().unwrap_or_default(),
            Err(problem) => vec![problem],
        })
    }

    /// The settings as they were read.
    #[must_use]
    pub fn settings(&self) -> &Settings<'a> {
        &self.settings
    }

    /// The rule at `index`, whose validator may not exist.
    pub fn rule<'p>(&'p self, index: usize, rule: &'p settings::Rule<'a>) -> Result<Rule<'p>, Problem> {
        let name = rule.validator.as_ref().map_or(DEFAULT, |name| &name.0);
        let mut validators = self.settings.validators.iter().zip(&self.validators).enumerate();
        match validators.find(|(_, (validator, _))| validator.name.0 == name) {
            Some((at, (validator, says))) => Ok(Rule { index, rule, validator: (at, validator), says }),
            None => {
                let what = match name {
                    DEFAULT => Mistake::NoDefaultValidator,
                    _ => Mistake::NoValidator(ValidatorName(name.to_owned())),
                };
                Err(Problem::new(place(index).key("validator"), what))
            }
        }
    }
}

impl<'p> Rules<'p> {
    /// The most specific rule that matches `image`, which is of one of the registries that these rules were chosen for.
    ///
    /// # Errors
    /// When a rule that matches names a validator that does not exist, or options that can't be read.
    pub fn choose(&self, image: &ImageRef) -> Result<Choice<'p>, Problem> {
        let mut best: Option<(Rule<'p>, Specificity)> = None;
        let mut rivals = Vec::new();
        let mut passed_over = None;
        for candidate in &self.candidates {
            let (rule, specificity) = match self.fit(candidate, image)? {
                Fit::Differs(_) => continue,
                Fit::ByTagOnly(rule) => {
                    passed_over = Some(rule);
                    continue;
                }
                Fit::Matches(rule, specificity) => (rule, specificity),
            };
            match best.as_ref().map_or(Ordering::Greater, |(_, other)| specificity.cmp(other)) {
                Ordering::Greater => {
                    best = Some((rule, specificity));
                    rivals.clear();
                }
                Ordering::Equal => rivals.push(rule),
                Ordering::Less => {}
            }
        }
        let Some((winner, _)) = best else {
            return Ok(Choice::None(passed_over));
        };
        for rival in rivals {
            if !winner.decides_like(&rival)? {
                return Ok(Choice::Tie(winner, rival));
            }
        }
        Ok(Choice::Rule(winner))
    }

    /// The first rule that does not deny and would match if `image` had a tag: it has a digest only, and the rule's pattern names tags.
    pub(crate) fn for_its_tags(&self, image: &ImageRef) -> Option<RulePattern> {
        let has_digest_only = image.tag().is_none() && image.digest().is_some();
        let is_for_tags = |pattern: &Pattern<'_>| has_digest_only && pattern.differs(image) == Some(Part::Tag);
        let denies = |index, rule| {
            let decision = self.policy.rule(index, rule).and_then(|rule| rule.decision());
            matches!(decision, Ok(Decision::Deny) | Err(_))
        };
        let mut candidates = self.candidates.iter().filter(|(.., pattern)| is_for_tags(pattern));
        candidates.find(|(index, rule, _)| !denies(*index, rule)).map(|(_, rule, _)| rule.pattern())
    }

    /// How each of these rules fits `image`, by its place in the settings.
    pub fn fits(&self, image: &ImageRef) -> Result<BTreeMap<usize, Fit<'p>>, Problem> {
        let mut fits = BTreeMap::new();
        for candidate in &self.candidates {
            fits.insert(candidate.0, self.fit(candidate, image)?);
        }
        Ok(fits)
    }

    fn fit(&self, (index, rule, pattern): &Candidate<'p>, image: &ImageRef) -> Result<Fit<'p>, Problem> {
        if let Some(part) = pattern.differs(image) {
            return Ok(Fit::Differs(part));
        }
        let rule = self.policy.rule(*index, rule)?;
        let by_tag_only =
            rule.allows_unseen() && image.digest().is_some_and(|digest| pattern.trusts_the_tag_of(digest));
        Ok(match by_tag_only {
            true => Fit::ByTagOnly(rule),
            false => Fit::Matches(rule, pattern.specificity(image)),
        })
    }
}

impl PartialEq for Rule<'_> {
    fn eq(&self, other: &Rule<'_>) -> bool {
        self.index == other.index
    }
}

impl Rule<'_> {
    /// Its place in the list, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The pattern, as it was written.
    #[must_use]
    pub fn pattern(&self) -> RulePattern {
        self.rule.pattern()
    }

    /// The name of the rule's validator.
    #[must_use]
    pub fn validator(&self) -> ValidatorName {
        ValidatorName(self.validator.1.name.0.clone().into_owned())
    }

    /// The place of its validator in `validators`.
    #[must_use]
    pub fn validator_index(&self) -> usize {
        self.validator.0
    }

    /// What this rule says.
    ///
    /// # Errors
    /// When its options or its validator's keys can't be used.
    pub fn decision(&self) -> Result<Decision, Problem> {
        self.read().map_err(first)
    }

    /// What this rule says, or everything that is wrong with it.
    pub(super) fn read(&self) -> Result<Decision, Vec<Problem>> {
        let place = self.path().key("with");
        let wrong = |what| Err(vec![Problem::new(place.clone(), what)]);
        let says = match (self.validator_says()?, self.rule.with) {
            (Validator::Static(_), Some(_)) => return wrong(Mistake::StaticOptions),
            (Validator::Static(true), None) => return Ok(Decision::Allow),
            (Validator::Static(false), None) => return Ok(Decision::Deny),
            (says, _) => says,
        };
        let with: With<'_> = match self.rule.with.map(|with| serde_json::from_str(with.get())).transpose() {
            Ok(with) => with.unwrap_or_default(),
            Err(error) => return wrong(Mistake::Unreadable(error.to_string())),
        };
        let mode = with.mode.unwrap_or_default();
        let requirement = options::requirement(self.validator, says, with, &place)?;
        Ok(Decision::Prove { requirement, mode })
    }

    fn validator_says(&self) -> Result<&Validator, Vec<Problem>> {
        self.says.get_or_init(|| Validator::read(self.validator)).as_ref().map_err(Clone::clone)
    }

    /// Does this rule admit by name alone?
    fn allows_unseen(&self) -> bool {
        self.validator.1.kind == Kind::Static && self.validator.1.approve != Some(false)
    }

    /// Do both rules say the same of every image?
    pub fn decides_like(&self, other: &Rule<'_>) -> Result<bool, Problem> {
        // Most rules that say the same are written alike, and need not be read for it.
        let same_options = self.rule.with.map(RawValue::get) == other.rule.with.map(RawValue::get);
        Ok((self.validator.0 == other.validator.0 && same_options) || self.decision()? == other.decision()?)
    }

    /// Its place in the settings.
    pub(super) fn path(&self) -> JsonPath {
        place(self.index)
    }
}

/// The place of the rule with this index.
fn place(index: usize) -> JsonPath {
    JsonPath::root().key("policy").index(index)
}

/// The first of a list of problems that is not empty.
pub(super) fn first(problems: Vec<Problem>) -> Problem {
    problems.into_iter().next().unwrap_or_else(|| Problem::of_all(Mistake::Unknown))
}
