//! Why does this rule decide about an image, and none of the others?
//!
//! For people: requests are decided by [`super::Rules::choose`] alone, and the winner that is told here is the one that it chose.

use std::collections::BTreeSet;

use super::{
    Problem,
    pattern::Part,
    rule::{Choice, Fit, Policy, Rule},
};
use crate::image::ImageRef;

/// One rule, and how it stands to an image.
#[derive(Debug)]
pub struct Weighed<'p> {
    /// The rule.
    pub rule: Rule<'p>,
    /// How it stands.
    pub standing: Standing,
}

/// How a rule stands to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It matches, and decides.
    Wins,
    /// It matches as closely as another one that decides differently, so the image is denied.
    Ties,
    /// It matches as closely as the one that decides, and says the same.
    Agrees,
    /// It matches, but less closely than the one that decides.
    LessSpecific,
    /// It allows by a tag, and the image has a digest, beside which a tag is only a claim.
    ByTagOnly,
    /// This part of its pattern does not match.
    Differs(Part),
}

impl Policy<'_> {
    /// How every rule stands to `image`, in the order of the settings.
    ///
    /// # Errors
    /// When a rule can't be read, as in [`Policy::rules`] and [`super::Rules::choose`].
    pub fn weigh(&self, image: &ImageRef) -> Result<Vec<Weighed<'_>>, Problem> {
        let rules = self.rules(&BTreeSet::from([image.registry()]))?;
        let choice = rules.choose(image)?;
        let fits = rules.fits(image)?;
        let first = match &choice {
            Choice::Rule(rule) | Choice::Tie(rule, _) => fits.get(&rule.index()),
            Choice::None(_) => None,
        };
        let as_close = |closeness| matches!(first, Some(Fit::Matches(_, of_first)) if of_first == closeness);
        let standing = |rule: &Rule<'_>| match (fits.get(&rule.index()), &choice) {
            // Rules for other registries are passed over unread.
            (None, _) => Standing::Differs(Part::Registry),
            (Some(Fit::Differs(part)), _) => Standing::Differs(*part),
            (Some(Fit::ByTagOnly(_)), _) => Standing::ByTagOnly,
            (Some(Fit::Matches(..)), Choice::Rule(winner)) if winner == rule => Standing::Wins,
            (Some(Fit::Matches(_, closeness)), Choice::Rule(_)) if as_close(closeness) => Standing::Agrees,
            (Some(Fit::Matches(_, closeness)), Choice::Tie(..)) if as_close(closeness) => Standing::Ties,
            (Some(Fit::Matches(..)), _) => Standing::LessSpecific,
        };
        let weighed = |(index, rule)| {
            let rule = self.rule(index, rule)?;
            Ok(Weighed { rule, standing: standing(&rule) })
        };
        self.settings().policy.iter().enumerate().map(weighed).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Part::*, Standing::*, *};

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn every_rule_has_its_standing() {
        let by_digest = &format!("ghcr.io/acme/app:v1@{DIGEST}");
        let other_digest = &format!("ghcr.io/acme/app@sha256:{}", "0".repeat(64));
        // patterns with their validators, the image, the standings in that order
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a [Standing], &'a str);
        let rows: &[Row<'_>] = &[
            (
                &[("*:*", "deny"), ("ghcr.io/acme/*", "allow"), ("ghcr.io/acme/app", "deny")],
                "ghcr.io/acme/app:v1",
                &[LessSpecific, LessSpecific, Wins],
                "the most specific one",
            ),
            (
                &[("ghcr.io/*/app", "deny"), ("quay.io/*", "deny"), ("*.io/acme/tool", "deny"), ("acme/*", "deny")],
                "ghcr.io/acme/app:v1",
                &[Wins, Differs(Registry), Differs(Repository), Differs(Registry)],
                "the first part that does not match, also of what is passed over unread",
            ),
            (
                &[("ghcr.io/acme/app:v2", "deny"), (other_digest, "deny"), ("ghcr.io/acme/app@sha256:*", "deny")],
                by_digest,
                &[Differs(Tag), Differs(Digest), Wins],
                "tag and digest",
            ),
            (
                &[("ghcr.io/acme/app:v1", "allow"), ("*:*", "deny")],
                by_digest,
                &[ByTagOnly, Wins],
                "a tag beside a digest is a claim, so the wider rule decides",
            ),
            (&[("ghcr.io/acme/app:v1", "allow")], by_digest, &[ByTagOnly], "and where there is none, nobody does"),
            (
                &[
                    ("*:*", "deny"),
                    ("ghcr.io/acme/*pp", "deny"),
                    ("ghcr.io/acme/a*p", "allow"),
                    ("ghcr.io/acme/ap*", "deny"),
                ],
                "ghcr.io/acme/app:v1",
                &[LessSpecific, LessSpecific, LessSpecific, Wins],
                "the longer prefix",
            ),
            (
                &[("*:*", "deny"), ("ghcr.io/acme/a*x*", "allow"), ("ghcr.io/acme/a*y*", "deny")],
                "ghcr.io/acme/a-x-y",
                &[LessSpecific, Ties, Ties],
                "equally close, and they decide differently",
            ),
            (
                &[("ghcr.io/acme/a*x*", "deny"), ("ghcr.io/acme/a*y*", "deny")],
                "ghcr.io/acme/a-x-y",
                &[Wins, Agrees],
                "equally close, and they say the same",
            ),
            (&[("quay.io/*", "allow")], "nginx", &[Differs(Registry)], "nobody decides"),
        ];
        for (rules, image, expected, why) in rows {
            let rules: Vec<_> =
                rules.iter().map(|(pattern, name)| json!({"pattern": pattern, "validator": name})).collect();
            let validators = json!([
                {"name": "allow", "type": "static", "approve": true},
                {"name": "deny", "type": "static", "approve": false},
            ]);
            let text = json!({"validators": validators, "policy": rules}).to_string();
            let policy = Policy::load(&text).unwrap();
            let image = ImageRef::parse(image).unwrap();
            let weighed = policy.weigh(&image).unwrap();
            let standings: Vec<Standing> = weighed.iter().map(|weighed| weighed.standing).collect();
            assert_eq!(&standings, expected, "{why}");
            assert!(weighed.iter().map(|weighed| weighed.rule.index()).eq(0..rules.len()), "{why}: in order");
        }
    }
}
