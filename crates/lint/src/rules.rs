//! Which rules do nothing, and which do more than they seem to?

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Finding, Lint, ReadRule,
    cover::{self, Reach},
};
use image_trust::{
    image::ImageRef,
    policy::{
        pattern::{Part, Pattern},
        rule::{Choice, Decision, Policy, Rule, Rules},
        settings::Mode,
    },
    text::Shown,
    verify::ImageName,
};

/// Most tags of other rules that are tried for one rule.
const MAX_TAGS: usize = 16;
/// Registries where anybody can have an account.
const PUBLIC: [&str; 6] = ["docker.io", "ghcr.io", "quay.io", "public.ecr.aws", "registry.gitlab.com", "gcr.io"];

pub(super) fn lint(policy: &Policy<'_>, rules: &[ReadRule<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let idle = idle(rules);
    let tags = Tags::of(policy, rules);
    for rule in rules {
        match idle.get(&rule.rule.index()) {
            // What never decides does nothing else either.
            Some(finding) => found.push(finding.clone()),
            None => {
                found.extend(exposure(rule));
                found.extend(tags.dodge(rule));
                found.extend(odd_identities(rule));
                found.extend(unpinned(rule, policy));
            }
        }
    }
    found
}

/// The rules that never decide, by their index.
fn idle(rules: &[ReadRule<'_>]) -> BTreeMap<usize, Finding> {
    let mut idle = BTreeMap::new();
    // A pattern without `*` covers no other one; those that are equal to it are found by its text.
    let wide: Vec<&ReadRule<'_>> = rules.iter().filter(|rule| rule.pattern.to_string().contains('*')).collect();
    let mut first: BTreeMap<String, &ReadRule<'_>> = BTreeMap::new();
    for rule in rules {
        let double = *first.entry(rule.pattern.to_string()).or_insert(rule);
        let is_double = double.rule != rule.rule && double.decision == rule.decision;
        let rival = || match is_double {
            true => Some((double, Ordering::Equal)),
            false => wide.iter().find_map(|other| Some((*other, rank_before(other, rule)?))),
        };
        if let Some(finding) =
            matches_nothing(rule).or_else(|| rival().map(|(other, rank)| never_first(rule, other, rank)))
        {
            idle.insert(rule.rule.index(), finding);
        }
    }
    idle
}

fn matches_nothing(rule: &ReadRule<'_>) -> Option<Finding> {
    let path = rule.path("pattern");
    if let Some(why) = cover::matches_nothing(&rule.pattern) {
        let what = format!("no image matches this pattern: {why}");
        return Some(Finding::new(path, Lint::MatchesNothing, what, "correct the pattern, or remove the rule"));
    }
    if let Some((registry, account)) =
        cover::lone_repository(&rule.pattern).filter(|(registry, _)| PUBLIC.contains(registry))
    {
        let what =
            format!("it matches the image `{registry}/{account}` only, and images of {registry} are below an account");
        let instead = format!("write `{registry}/{account}/*` for all images of the account");
        return Some(Finding::new(path, Lint::MatchesNothing, what, instead));
    }
    (rule.allows_by_tag() && rule.pattern.digest().is_some()).then(|| {
        let what = "it allows by a tag, and only where there is a digest; but beside a digest a tag is only a claim, so a static allow \
                    by tag is passed over";
        let instead = "leave the tag out to allow these digests, or the digest to allow this tag; or write one digest out";
        Finding::new(path, Lint::MatchesNothing, what, instead)
    })
}

/// How `other` ranks beside `rule` on every image that `rule` could decide about, where that is never lower.
fn rank_before(other: &ReadRule<'_>, rule: &ReadRule<'_>) -> Option<Ordering> {
    let is_passed_over = other.allows_by_tag() && !rule.allows_by_tag();
    // Of equal patterns with different decisions, `check` tells.
    if is_passed_over || other.pattern == rule.pattern {
        return None;
    }
    cover::rank(&other.pattern, &rule.pattern).filter(|rank| *rank != Ordering::Less)
}

fn never_first(rule: &ReadRule<'_>, other: &ReadRule<'_>, rank: Ordering) -> Finding {
    let path = rule.path("pattern");
    let named = named(&other.rule);
    if rule.decision == other.decision {
        let what = format!("whatever it matches, {named} matches at least as closely, and says the same");
        let instead = match rule.pattern == other.pattern {
            true => "remove one of the two",
            false => "remove this one; without the other one less would be matched",
        };
        return Finding::new(path, Lint::SaysTheSame, what, instead);
    }
    let (what, instead) = match rank {
        Ordering::Greater => (
            format!(
                "whatever it matches, {named} matches too, and ranks as the more specific one: this rule never decides"
            ),
            "make this pattern the more specific one, with more of the name spelt out; or remove it",
        ),
        _ => (
            format!(
                "whatever it matches, {named} matches as closely, and decides differently: this rule never decides, and what it matches is \
                 denied unless a third rule is more specific"
            ),
            "make one of the two patterns the more specific one, with more of the name spelt out",
        ),
    };
    Finding::new(path, Lint::NeverDecides, what, instead)
}

fn named(rule: &Rule<'_>) -> String {
    format!("policy[{}] (`{}`)", rule.index(), Shown(&rule.pattern().0))
}

/// Whose images this rule admits, or where it sends the policy server.
fn exposure(rule: &ReadRule<'_>) -> Option<Finding> {
    let (lint, what, instead) = match (&rule.decision, cover::reach(&rule.pattern)) {
        (Decision::Allow, _) => admits_unseen(&rule.pattern)?,
        (Decision::Prove { .. }, Reach::Anybody) => (
            Lint::AsksAnyRegistry,
            "the policy server asks whichever registry a Pod names; one that never answers keeps all other images of that server waiting"
                .to_owned(),
            "name the registries that you use, one rule each; what no rule matches is denied without asking",
        ),
        (Decision::Prove { .. }, Reach::Below(domain)) => (
            Lint::AsksADomain,
            format!(
                "the policy server asks every host below {domain} that a Pod names; one that never answers keeps all other images of that \
                 server waiting"
            ),
            "right where nobody else can have a host; otherwise name the registries, one rule each",
        ),
        (Decision::Prove { .. }, Reach::OneHost) | (Decision::Deny, _) => return None,
    };
    Some(Finding::new(rule.path("pattern"), lint, what, instead))
}

/// Whose images a pattern admits by name, if strangers are among them: the lint, what it does, and what to write instead.
pub(super) fn admits_unseen(pattern: &Pattern<'_>) -> Option<(Lint, String, &'static str)> {
    // A digest that is written out is one image, wherever it is.
    if cover::names_one_digest(pattern) {
        return None;
    }
    Some(match cover::reach(pattern) {
        Reach::Anybody => (
            Lint::AllowsAnyRegistry,
            "admits images unseen from the registry of anybody who can have a host name that matches".to_owned(),
            "name the registries, one pattern each; what no pattern matches is denied",
        ),
        Reach::Below(domain) => (
            Lint::AllowsADomain,
            format!("admits images unseen from every host below {domain}, and so from whoever can have one there"),
            "name the registries, one pattern each",
        ),
        Reach::OneHost => {
            let is_open = |(registry, account): &(&str, &str)| PUBLIC.contains(registry) && account.contains('*');
            let (registry, _) = cover::account(pattern).filter(is_open)?;
            (
                Lint::AllowsAPublicRegistry,
                format!("admits images unseen from every account of {registry} that matches, and anybody can have one"),
                "name the accounts that are meant, one pattern each; or want signatures",
            )
        }
    })
}

/// Who decides where an image is written with another tag, or with none, beside its digest.
struct Tags<'p, 'r> {
    rules: &'r [ReadRule<'p>],
    /// The rules for the registries of all examples; none where one can't be read, so that nobody knows who wins.
    choices: Option<Rules<'p>>,
}

impl<'p, 'r> Tags<'p, 'r> {
    fn of(policy: &'p Policy<'_>, rules: &'r [ReadRule<'p>]) -> Tags<'p, 'r> {
        let by_tag = rules.iter().filter(|rule| rule.pattern.tag().is_some());
        let examples: Vec<ImageRef> =
            by_tag.filter_map(|rule| ImageRef::parse(&cover::example(&rule.pattern, None)).ok()).collect();
        let registries: BTreeSet<&str> = examples.iter().map(ImageRef::registry).collect();
        Tags { rules, choices: policy.rules(&registries).ok() }
    }

    /// An image that another rule admits, and that this one would decide about if it were written with its tag.
    fn dodge(&self, rule: &ReadRule<'_>) -> Option<Finding> {
        if rule.pattern.tag().is_none() || rule.decision == Decision::Allow {
            return None;
        }
        let choices = self.choices.as_ref()?;
        let untagged = ImageRef::parse(&cover::example(&rule.pattern, None)).ok()?;
        let other_tags = self.rules.iter().filter(|other| {
            let proves = matches!(other.decision, Decision::Prove { .. });
            let has_its_name = !matches!(other.pattern.differs(&untagged), Some(Part::Registry | Part::Repository));
            other.pattern.tag().is_some() && proves && other.decision != rule.decision && has_its_name
        });
        let other_tags = other_tags.take(MAX_TAGS).map(|other| Some(&other.pattern));
        let mut tags = std::iter::once(None).chain(other_tags);
        let (image, winner) = tags.find_map(|tag| decided_otherwise(rule, tag, choices))?;
        let image = image.to_string();
        let (image, _) = image.split_once('@')?;
        let does = if rule.decision == Decision::Deny { "denies" } else { "wants signatures" };
        Some(Finding::new(
            rule.path("pattern"),
            Lint::ChosenByTag,
            format!(
                "it {does} by tag, and beside a digest a tag is only a claim, so whoever writes the image chooses the rule: {} decides \
                 about {image}@sha256:…, whatever tags that digest has",
                named(&winner)
            ),
            "leave the tag out, or deny other tags and digests with a rule for the same name",
        ))
    }
}

/// The name of `rule` with a digest, and with another rule's tag or none; and the rule that admits it on other grounds.
fn decided_otherwise<'p>(
    rule: &ReadRule<'_>,
    tag: Option<&Pattern<'_>>,
    choices: &Rules<'p>,
) -> Option<(ImageRef, Rule<'p>)> {
    let image = ImageRef::parse(&cover::example(&rule.pattern, tag)).ok()?;
    if rule.pattern.differs(&image) != Some(Part::Tag) {
        return None;
    }
    let Choice::Rule(winner) = choices.choose(&image).ok()? else { return None };
    let decision = winner.decision().ok()?;
    (decision != Decision::Deny && decision != rule.decision).then_some((image, winner))
}

fn odd_identities(rule: &ReadRule<'_>) -> Vec<Finding> {
    let Some(requirement) = rule.cosign() else { return Vec::new() };
    let names = requirement.cosign.identities.iter().flatten().filter_map(|identity| match identity {
        ImageName::Name(name) => Some(name.as_str()),
        ImageName::Itself => None,
    });
    let odd = |name: &str| {
        let shown = Shown(name);
        let (what, instead) = match name.strip_prefix("docker.io/") {
            _ if name.contains('*') => (
                format!("`{shown}` is compared verbatim, and no name has a `*`"),
                "write the names out, or `self`".into(),
            ),
            Some(_) => (
                format!("`{shown}` is compared verbatim, and cosign calls Docker Hub index.docker.io"),
                match ImageRef::parse(name) {
                    Ok(image) => format!("write `index.docker.io/{}`, or `self`", image.repository()),
                    Err(_) => "write it as cosign does, or `self`".to_owned(),
                },
            ),
            None => return None,
        };
        Some(Finding::new(rule.path("with.identities"), Lint::OddIdentity, what, instead))
    };
    names.filter_map(odd).collect()
}

/// A tag that was proven and stays a tag. Where nothing is pinned at all, that is told once.
fn unpinned(rule: &ReadRule<'_>, policy: &Policy<'_>) -> Option<Finding> {
    (policy.features().mutation() && leaves_tags(rule)).then(|| {
        Finding::new(
            rule.path("with.mode"),
            Lint::PinsNothing,
            "what was proven is not written into the object: the tag may point elsewhere when it is pulled",
            "`mutate`, or `mutatePodsOnly` where a reconciler keeps objects equal to git",
        )
    })
}

/// Does its mode leave a tag where it proves a digest?
pub(super) fn leaves_tags(rule: &ReadRule<'_>) -> bool {
    matches!(rule.decision, Decision::Prove { mode: Mode::InsecureValidateOnly, .. }) && rule.pattern.digest().is_none()
}
