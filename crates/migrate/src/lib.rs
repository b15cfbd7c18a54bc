//! Turns the Helm values of Connaisseur 3 into settings of the image-trust policy, and reports what means something else.
//!
//! What can't be carried over denies: nothing is ever admitted that Connaisseur would have denied. Nothing here opens a file or prints.

mod connaisseur;
mod features;
mod globs;
mod identities;
mod names;
mod notary;
mod notation;
mod patterns;
mod replay;
mod report;
mod requests;
mod rules;
mod settings;
mod validators;
mod wrapped;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::{Map, Value};

use patterns::Entry;
use rules::Rule;
use settings::{ClusterAdmissionPolicy, Settings};

pub use connaisseur::{Pattern, Specificity, choose, name};
pub use replay::{ASSUMED, Comparison, Difference, Here, compare};
pub use report::{Line, Report, Severity};
pub use settings::kinds;
pub use wrapped::{Found, Parse, find};

/// The result of a migration of Connaisseur's values.
pub struct Migration {
    rules: Vec<Rule>,
    entries: Vec<Entry>,
    settings: Settings,
    namespace_selector: Option<Value>,
    /// The report for the person who applies the settings.
    pub report: Report,
}

impl Migration {
    /// Carries the values over.
    ///
    /// # Errors
    /// When they are no values with which Connaisseur starts.
    pub fn of(values: &Map<String, Value>) -> Result<Migration> {
        let Some(application) = values.get("application").and_then(Value::as_object) else {
            bail!("the values have no mapping `application`");
        };
        let mut report = Report::default();
        let (validators, policy) = (list(application, "validators")?, list(application, "policy")?);
        let (sources, mut validators) = validators::read(validators, &mut report);
        if sources.iter().any(|source| source.name == validators::DENIES) {
            bail!(
                "a validator is called `{}`, which is what this command calls its own; rename it",
                validators::DENIES
            );
        }
        let rules = rules::read(policy, &sources, &mut report)?;
        let (features, namespace_selector) = features::features(application, &mut report);
        features::surroundings(values, application, &mut report);
        let entries = patterns::carry(&rules, &validators, &mut report)?;
        let policy: Vec<settings::Rule> = entries.iter().map(|entry| entry.rule(&rules)).collect();
        if policy.iter().any(|rule| rule.validator == validators::DENIES) {
            validators = patterns::with_deny(&validators);
        }
        let settings = Settings { validators, policy, features };
        Ok(Migration { rules, entries, settings, namespace_selector, report })
    }

    /// The settings, as JSON.
    ///
    /// # Errors
    /// When they have no JSON.
    pub fn settings(&self) -> Result<Value> {
        patterns::value(&self.settings)
    }

    /// The settings, in the order in which a person reads them.
    #[must_use]
    pub fn document(&self) -> impl Serialize + '_ {
        &self.settings
    }

    /// A ClusterAdmissionPolicy with the settings in it.
    #[must_use]
    pub fn policy(&self) -> impl Serialize {
        ClusterAdmissionPolicy::new(self.settings.clone(), self.namespace_selector.clone())
    }
}

/// A list without which there is nothing to carry.
fn list<'a>(application: &'a Map<String, Value>, key: &str) -> Result<&'a Vec<Value>> {
    match application.get(key) {
        Some(Value::Array(list)) if !list.is_empty() => Ok(list),
        None => bail!(
            "application.{key} is not there. Helm takes the chart's own list then, which is not in this file: give what it used, as `helm get values connaisseur --all -o yaml` prints it"
        ),
        Some(_) => bail!("application.{key} is empty or no list, and Connaisseur does not start with it"),
    }
}
