//! What does a carried rule become?

use crate::{
    names::Names,
    rules::{Decision, Rule},
    settings,
    validators::DENIES,
};

/// One pattern of the settings, and the rule that it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) names: Names,
    /// The index of its rule among Connaisseur's rules.
    pub(crate) rule: usize,
    /// Whether the entry denies, whatever its rule says.
    pub(crate) denies: bool,
}

impl Entry {
    /// The rule of the settings that this entry becomes.
    pub(crate) fn rule(&self, rules: &[Rule]) -> settings::Rule {
        let here = rules.get(self.rule).and_then(|rule| rule.here.clone()).filter(|_| !self.denies);
        let (validator, with) = here.unwrap_or_else(|| (DENIES.to_owned(), settings::With::default()));
        settings::Rule { pattern: self.names.to_string(), validator, with }
    }

    /// What this entry decides under the migrated settings.
    pub(super) fn says<'a>(&self, rules: &'a [Rule]) -> &'a Decision {
        match rules.get(self.rule) {
            Some(rule) if !self.denies && rule.here.is_some() => &rule.there,
            _ => &Decision::Deny,
        }
    }
}
