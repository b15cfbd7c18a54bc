//! Which rules rely on a notary server that ends?

use super::{Finding, Lint, ReadRule};
use image_trust::{
    image::DOCKER_HUB,
    policy::rule::Decision,
    verify::{NotaryRequirement, Requirement},
};

/// Docker Hub's notary server, which is also the one that Connaisseur asks if no other is named.
const HUBS_NOTARY: &str = "notary.docker.io";

/// A rule about images of Docker Hub that takes the trust data of Docker Hub's notary server.
pub(super) fn lint(rule: &ReadRule<'_>) -> Option<Finding> {
    let Decision::Prove { requirement: Requirement::NotaryV1(requirement), .. } = &rule.decision else { return None };
    let (registry, _) = rule.pattern.name()?;
    (registry == DOCKER_HUB && is_of_the_hub(requirement)).then(|| {
        let what = "Docker Hub's notary server ends on 2026-12-08: its last timestamps expire 14 days later, and then every image of this rule is denied";
        let instead = "have the images signed with cosign; or sign them with a notary server of your own, and name it as `host` of the validator";
        Finding::new(rule.path("pattern"), Lint::EndsWithDockerHub, what, instead)
    })
}

fn is_of_the_hub(requirement: &NotaryRequirement) -> bool {
    requirement.server.as_ref().is_none_or(|server| {
        let host = server.split_once("://").map_or(server.as_str(), |(_, host)| host);
        host.trim_end_matches('/').eq_ignore_ascii_case(HUBS_NOTARY)
    })
}
