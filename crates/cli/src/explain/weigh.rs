//! Why does this rule decide about an image, and none of the others?
//!
//! Requests are decided by `Rules::choose` alone, and the winner that is told here is the one that it chose.

use std::collections::BTreeSet;

use image_trust::{
    ImageRef,
    policy::{Choice, Fit, Part, Policy, Problem, Rule},
};

/// One rule, and how it stands to an image.
pub(super) struct Weighed<'p> {
    /// The rule that is weighed.
    pub(super) rule: Rule<'p>,
    /// How it stands.
    pub(super) standing: Standing,
}

/// How a rule stands to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
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

/// How every rule stands to `image`, in the order of the settings.
///
/// # Errors
/// When a rule can't be read, as in [`Policy::rules`] and `Rules::choose`.
pub(super) fn weigh<'p>(policy: &'p Policy<'_>, image: &ImageRef) -> Result<Vec<Weighed<'p>>, Problem> {
    let rules = policy.rules(&BTreeSet::from([image.registry()]))?;
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
        let rule = policy.rule(index, rule)?;
        Ok(Weighed { rule, standing: standing(&rule) })
    };
    policy.settings().policy.iter().enumerate().map(weighed).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use serde_json::json;

    use super::{Part::*, Standing::*, *};

    /// Rules by their pattern and the name of their validator.
    fn settings(rules: &[(impl AsRef<str>, &str)]) -> String {
        let rules: Vec<_> =
            rules.iter().map(|(pattern, name)| json!({"pattern": pattern.as_ref(), "validator": name})).collect();
        let validators = json!([
            {"name": "allow", "type": "static", "approve": true},
            {"name": "deny", "type": "static", "approve": false},
        ]);
        json!({"validators": validators, "policy": rules}).to_string()
    }

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
            let text = settings(rules);
            let policy = Policy::load(&text).unwrap();
            let image = ImageRef::parse(image).unwrap();
            let weighed = weigh(&policy, &image).unwrap();
            let standings: Vec<Standing> = weighed.iter().map(|weighed| weighed.standing).collect();
            assert_eq!(&standings, expected, "{why}");
            assert!(weighed.iter().map(|weighed| weighed.rule.index()).eq(0..rules.len()), "{why}: in order");
        }
    }

    const NAMES: [&str; 9] = [
        "*",
        "*/*",
        "ghcr.io/*",
        "ghcr.io/acme/*",
        "ghcr.io/acme/*ed*",
        "ghcr.io/acme/*app*",
        "ghcr.io/acme/signed-app",
        "*/app",
        "app",
    ];
    const TAILS: [&str; 6] = [
        "",
        ":*",
        ":v1",
        ":v*",
        "@sha256:*",
        "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ];

    proptest! {
        #[test]
        fn the_winner_is_the_rule_that_decides(
            rules in prop::collection::vec((select(&NAMES[..]), select(&TAILS[..]), select(vec!["allow", "deny"])), 1..8),
            name in select(vec!["ghcr.io/acme/signed-app", "ghcr.io/acme/other", "app", "docker.io/app", "evil.io/app"]),
            tail in select(vec!["", ":v1", ":v2", TAILS[5]]),
        ) {
            let rules: Vec<(String, &str)> =
                rules.into_iter().map(|(name, tail, says)| (format!("{name}{tail}"), says)).collect();
            let text = settings(&rules);
            let policy = Policy::load(&text).unwrap();
            let image = ImageRef::parse(&format!("{name}{tail}")).unwrap();
            let weighed = weigh(&policy, &image).unwrap();
            let with = |standing| -> Vec<usize> {
                weighed.iter().filter(|weighed| weighed.standing == standing).map(|weighed| weighed.rule.index()).collect()
            };
            let (wins, ties) = (with(Wins), with(Ties));
            match policy.rules(&BTreeSet::from([image.registry()])).unwrap().choose(&image).unwrap() {
                Choice::Rule(rule) => prop_assert_eq!((wins, ties), (vec![rule.index()], vec![])),
                Choice::Tie(rule, other) => {
                    prop_assert!(wins.is_empty() && ties.contains(&rule.index()) && ties.contains(&other.index()));
                }
                Choice::None(by_tag) => {
                    prop_assert!(wins.is_empty() && ties.is_empty());
                    prop_assert_eq!(by_tag.map(|rule| rule.index()), with(ByTagOnly).last().copied());
                }
            }
        }
    }
}
