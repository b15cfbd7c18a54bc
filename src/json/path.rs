//! Where in a JSON document is something?

use std::{borrow::Cow, fmt};

/// A place in a JSON document, written as in `policy[2].with.threshold`. The root has no steps, and is written as nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(Cow<'static, str>),
    Index(usize),
}

impl JsonPath {
    /// The whole document.
    #[must_use]
    pub fn root() -> JsonPath {
        JsonPath::default()
    }

    /// The member of this place that is called `key`.
    #[must_use]
    pub fn key(&self, key: impl Into<Cow<'static, str>>) -> JsonPath {
        self.step(Step::Key(key.into()))
    }

    /// The entry of this place with this index, from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> JsonPath {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> JsonPath {
        JsonPath(self.0.iter().cloned().chain([step]).collect())
    }

    /// The place `inner` of the document at this place.
    #[must_use]
    pub fn join(&self, inner: &JsonPath) -> JsonPath {
        JsonPath(self.0.iter().chain(&inner.0).cloned().collect())
    }

    /// Is this the whole document?
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Is this the place `outer`, or one in it?
    #[must_use]
    pub fn is_within(&self, outer: &JsonPath) -> bool {
        self.0.starts_with(&outer.0)
    }

    /// The places around this one, without the root.
    pub fn around(&self) -> impl Iterator<Item = JsonPath> {
        (1..self.0.len()).map(|length| JsonPath(self.0.iter().take(length).cloned().collect()))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let rule = JsonPath::root().key("policy").index(1);
        let threshold = rule.key("with").key("threshold");
        assert_eq!(threshold.to_string(), "policy[1].with.threshold");
        assert_eq!(
            JsonPath::root().key("spec").key("settings").join(&threshold).to_string(),
            "spec.settings.policy[1].with.threshold"
        );
        assert!(threshold.is_within(&rule) && rule.is_within(&rule) && rule.is_within(&JsonPath::root()));
        let others =
            [JsonPath::root().key("policy").index(11), JsonPath::root().key("policy").key("with"), threshold.clone()];
        assert!(!others.iter().any(|other| rule.is_within(other)), "another entry, a member, or one in it");
        let around: Vec<String> = threshold.around().map(|outer| outer.to_string()).collect();
        assert_eq!(around, ["policy", "policy[1]", "policy[1].with"]);
        assert!(JsonPath::root().is_root() && JsonPath::root().to_string().is_empty());
    }
}
