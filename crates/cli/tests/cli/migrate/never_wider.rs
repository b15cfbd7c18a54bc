//! Is anything admitted that Connaisseur would have denied? Looked for among rules and images that have much in common.

use image_trust::{ImageRef, policy::check};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DIGEST, Run, here, key, validators, values};

/// Connaisseur's decision about an image, with the same validator names.
fn there(rules: &[(String, &str)], image: &str) -> Option<String> {
    let patterns: Vec<image_trust_migrate::Pattern> =
        rules.iter().map(|(pattern, _)| image_trust_migrate::Pattern::parse(pattern).expect("a pattern")).collect();
    let name = image_trust_migrate::name(image)?;
    let (_, validator) = rules.get(image_trust_migrate::choose(&patterns, &name)?)?;
    Some((*validator).to_owned()).filter(|name| name != "deny")
}

/// Patterns that have much in common.
fn pattern() -> impl Strategy<Value = String> {
    let registry = prop::sample::select(vec![
        "",
        "docker.io/",
        "index.docker.io/",
        "a.io/",
        "b.a.io/",
        "*/",
        "*.io/",
        "i*/",
        "localhost/",
        "localhost:5000/",
        "{a.io,b.io}/",
        "*",
    ]);
    let part = prop::sample::select(vec![
        "library",
        "acme",
        "app",
        "app*",
        "*",
        "a*",
        "*p",
        "a*p",
        "acme/app",
        "a.io",
        "app-",
        "*/app",
        "docker.io/acme",
        "ap?",
    ]);
    let end = prop::sample::select(vec![
        "",
        "",
        ":*",
        ":*",
        ":v1",
        ":v*",
        ":*1",
        "*",
        "/",
        "@sha256:*",
        concat!("@sha256:", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ]);
    (registry, prop::collection::vec(part, 1..3), end)
        .prop_map(|(registry, parts, end)| format!("{registry}{}{end}", parts.join("/")))
}

fn image() -> impl Strategy<Value = String> {
    let registry = prop::sample::select(vec![
        "",
        "",
        "docker.io/",
        "a.io/",
        "b.a.io/",
        "xa.io/",
        "evil.com/",
        "mydocker.io/",
        "localhost/",
        "localhost:5000/",
        "evil.com/docker.io/",
        "a.io/docker.io/",
        "a.io/b.io/",
    ]);
    let part = prop::sample::select(vec![
        "library",
        "acme",
        "app",
        "app-evil",
        "ap",
        "a",
        "p",
        "acme/app",
        "x",
        "a.io",
        "docker.io",
    ]);
    let end = prop::sample::select(vec!["", ":v1", ":v12", ":x", "@D", ":v1@D", ":x@D"]);
    (registry, prop::collection::vec(part, 1..4), end).prop_map(|(registry, parts, end)| {
        format!("{registry}{}{end}", parts.join("/").to_owned()).replace('D', DIGEST)
    })
}

/// The first image that these rules let in, or ask less of, once they are migrated.
fn wider(rules: &[(String, &'static str)], images: &[String]) -> Option<String> {
    let mut all = validators();
    all.as_array_mut()
        .unwrap()
        .push(json!({"name": "other", "type": "cosign", "trustRoots": [{"name": "default", "key": key("bob")}]}));
    let rule = |(pattern, validator): &(String, &str)| json!({"pattern": pattern, "validator": validator, "with": {"verifyInTransparencyLog": false}});
    let policy: Vec<Value> = rules.iter().map(rule).collect();
    let (_, document) = Run::json(&values(&all, &policy.into()));
    let settings = &document["settings"];
    if settings["policy"].as_array().is_some_and(Vec::is_empty) {
        // Nothing could be carried, which the command says.
        return None;
    }
    assert_eq!(check(&settings.to_string()), []);
    images.iter().find_map(|image| {
        let reference = ImageRef::parse(image).ok()?;
        let asked = here(settings, &reference)?;
        // By its full name: what Connaisseur reads otherwise is another image.
        let canonical = reference.to_string();
        let is_enough = |image: &str| there(rules, image).is_some_and(|there| there == "allow" || there == asked);
        // Who can name a digest can put any tag in front of it, or none: it is the same image.
        let name = format!("{}/{}", reference.registry(), reference.repository());
        let is_same = |tag| reference.digest().is_some_and(|digest| is_enough(&format!("{name}{tag}@{digest}")));
        let is_wider = !(is_enough(&canonical) || is_same("") || is_same(":zq9"));
        let there = there(rules, &canonical);
        is_wider.then(|| format!("{} asks {asked} of {canonical}, and Connaisseur {there:?}", settings["policy"]))
    })
}

#[test]
fn less_is_asked_of_no_image_that_was_found_once() {
    let digest = concat!("@sha256:", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    // two rules, an image, the reason
    let rows = [
        ([("*.io/*", "allow"), ("*/acme*", "deny")], "app/acme".to_owned(), "one letter of a component is shared"),
        ([("*p@sha256:*", "allow"), ("*/app@sha256:*", "deny")], format!("app{digest}"), "with a tag no rule matches"),
        (
            [("*/*/ap?:*", "other"), ("*/app*", "default")],
            "app-evil".to_owned(),
            "a star that stands for one character",
        ),
        ([("*/ap?:*", "deny"), ("a*/a*", "allow")], "app/app".to_owned(), "a character that no sample has"),
        ([("*/a.io*", "deny"), ("**/", "default")], "acme/a.io".to_owned(), "one letter, of another registry"),
    ];
    for (rules, image, why) in rows {
        let rules = rules.map(|(pattern, validator)| (pattern.to_owned(), validator));
        assert_eq!(wider(&rules, &[image]), None, "{why}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// What these settings let in, Connaisseur let in too, and asked for no more.
    #[test]
    fn nothing_more_is_admitted(
        rules in prop::collection::vec((pattern(), prop::sample::select(vec!["allow", "allow", "deny", "default", "other", "keyless", "notary"])), 1..6),
        images in prop::collection::vec(image(), 40),
    ) {
        prop_assert_eq!(wider(&rules, &images), None);
    }
}
