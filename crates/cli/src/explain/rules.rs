//! Which rules were in question? The crate's rules, weighed for one image; nothing is decided here.

use anyhow::{Context as _, Result};
use image_trust::{
    ImageRef,
    policy::{Part, Policy},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::weigh::{Standing, Weighed, weigh};

/// What the text names.
#[derive(Serialize)]
pub(super) struct Image {
    pub(super) written: String,
    /// Completed and in lower case, as rules see it.
    pub(super) canonical: Option<String>,
    /// Why it names none.
    pub(super) error: Option<String>,
}

/// A rule, and how it stands to the image.
#[derive(Serialize)]
pub(super) struct Rule {
    /// Its place in `policy`, from 0.
    pub(super) index: usize,
    pub(super) pattern: String,
    pub(super) validator: String,
    #[serde(serialize_with = "word")]
    pub(super) standing: Standing,
}

/// What `image` names, and how the rules of these settings stand to it.
pub(super) fn read(image: &str, settings: &str) -> Result<(Image, Vec<Rule>)> {
    let written = image.to_owned();
    let reference = match ImageRef::parse(image) {
        Ok(reference) => reference,
        Err(error) => return Ok((Image { written, canonical: None, error: Some(error.to_string()) }, Vec::new())),
    };
    let unread = "the module accepts these settings and this command can't read them; are they of one version?";
    let policy = Policy::load(settings).map_err(anyhow::Error::msg).context(unread)?;
    let weighed = weigh(&policy, &reference).map_err(anyhow::Error::msg).context(unread)?;
    let rule = |weighed: &Weighed<'_>| Rule {
        index: weighed.rule.index(),
        pattern: weighed.rule.pattern().0,
        validator: weighed.rule.validator().0,
        standing: weighed.standing,
    };
    let rules = weighed.iter().map(rule).collect();
    Ok((Image { written, canonical: Some(reference.to_string()), error: None }, rules))
}

/// The rule that decides; of several that tie, the first.
pub(super) fn deciding(rules: &[Rule]) -> Option<&Rule> {
    rules.iter().find(|rule| matches!(rule.standing, Standing::Wins | Standing::Ties))
}

/// What the module's record says otherwise.
pub(super) fn disagreement(rules: &[Rule], record: &Map<String, Value>) -> Option<String> {
    let ours = deciding(rules).map(|rule| rule.pattern.as_str());
    let theirs = record.get("rule").and_then(Value::as_str);
    let is_late = record.get("reason").and_then(Value::as_str) == Some("out-of-time");
    let same = match (ours, theirs) {
        (None, None) => true,
        // The time was up before any rule was looked at.
        (Some(_), None) if is_late => true,
        // Records cut what is long.
        (Some(ours), Some(theirs)) => {
            ours == theirs || theirs.split_once('…').is_some_and(|(start, _)| ours.starts_with(start))
        }
        _ => false,
    };
    let shown = |rule: Option<&str>| rule.map_or("no rule".to_owned(), |pattern| format!("\"{pattern}\""));
    (!same).then(|| {
        format!(
            "by these settings {} decides, but the module says that {} did; the module's word counts. Is it of another version than this \
             command? If not, this is a defect of image-trust; please report it",
            shown(ours),
            shown(theirs)
        )
    })
}

/// A word for programs.
fn word<S: serde::Serializer>(standing: &Standing, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match standing {
        Standing::Wins => "wins",
        Standing::Ties => "ties",
        Standing::Agrees => "agrees",
        Standing::LessSpecific => "less-specific",
        Standing::ByTagOnly => "by-tag-only",
        Standing::Differs(Part::Registry) => "other-registry",
        Standing::Differs(Part::Repository) => "other-repository",
        Standing::Differs(Part::Tag) => "other-tag",
        Standing::Differs(Part::Digest) => "other-digest",
    })
}

/// A sentence for people.
pub(super) fn sentence(standing: Standing) -> &'static str {
    match standing {
        Standing::Wins => "decides: no rule that matches is more specific",
        Standing::Ties => "ties: as specific as another one that decides differently, so the image is denied",
        Standing::Agrees => "as specific as the one that decides, and says the same",
        Standing::LessSpecific => "matches, but is less specific",
        Standing::ByTagOnly => "passed over: it allows by tag, and beside a digest a tag is only a claim",
        Standing::Differs(Part::Registry) => "does not match: another registry",
        Standing::Differs(Part::Repository) => "does not match: another repository",
        Standing::Differs(Part::Tag) => "does not match: another tag, or none",
        Standing::Differs(Part::Digest) => "does not match: another digest, or none",
    }
}
