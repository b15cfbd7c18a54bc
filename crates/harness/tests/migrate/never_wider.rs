//! Is anything admitted that Connaisseur would have denied? Looked for among rules and images that have much in common.

use image_trust::{ImageRef, policy::check};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{DIGEST, Run, connaisseur, here, key, validators, values};

/// What Connaisseur says of it, by the same names.
fn there(rules: &[(String, &str)], image: &str) -> Option<String> {
    let patterns: Vec<connaisseur::Pattern> =
        rules.iter().map(|(pattern, _)| connaisseur::Pattern::parse(pattern).expect("a pattern")).collect();
    let name = connaisseur::name(image)?;
    let (_, validator) = rules.get(connaisseur::choose(&patterns, &name)?)?;
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// What these settings let in, Connaisseur let in too, and asked for no more.
    #[test]
    fn nothing_more_is_admitted(
        rules in prop::collection::vec((pattern(), prop::sample::select(vec!["allow", "allow", "deny", "default", "other", "keyless", "notary"])), 1..6),
        images in prop::collection::vec(image(), 40),
    ) {
        let mut all = validators();
        all.as_array_mut().unwrap().push(json!({"name": "other", "type": "cosign", "trustRoots": [{"name": "default", "key": key("bob")}]}));
        let policy: Vec<Value> = rules.iter().map(|(pattern, validator)| json!({"pattern": pattern, "validator": validator, "with": {"verifyInTransparencyLog": false}})).collect();
        let (_, document) = Run::json(&values(&all, &policy.into()));
        let settings = &document["settings"];
        if settings["policy"].as_array().is_some_and(Vec::is_empty) {
            // Nothing could be carried, which the command says.
            return Ok(());
        }
        prop_assert_eq!(check(&settings.to_string()), []);
        for image in images {
            let Ok(reference) = ImageRef::parse(&image) else { continue };
            let Some(asked) = here(settings, &reference) else { continue };
            // By its full name: what Connaisseur reads otherwise is another image.
            let canonical = reference.to_string();
            let is_enough = |image: &str| there(&rules, image).is_some_and(|there| there == "allow" || there == asked);
            // Who can name a digest can put any tag in front of it, or none: it is the same image.
            let name = format!("{}/{}", reference.registry(), reference.repository());
            let is_same = |tag| reference.digest().is_some_and(|digest| is_enough(&format!("{name}{tag}@{digest}")));
            prop_assert!(is_enough(&canonical) || is_same("") || is_same(":zq9"), "{} asks {} of {}, and Connaisseur {:?}", settings["policy"], asked, canonical, there(&rules, &canonical));
        }
    }
}
