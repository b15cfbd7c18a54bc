//! Do names match as Connaisseur matches them?

use super::*;

fn texts(names: &[Names]) -> Vec<String> {
    names.iter().map(Names::to_string).collect()
}

#[test]
fn what_was_meant() {
    let rows: &[(&str, &[&str], &str)] = &[
        ("*:*", &["*:*"], "everything"),
        ("*", &["*:*"], "everything"),
        ("docker.io/library/nginx", &["docker.io/library/nginx:*"], "an official image"),
        ("index.docker.io/library/nginx", &["docker.io/library/nginx:*"], "Docker Hub's other name"),
        ("registry.k8s.io/*:*", &["registry.k8s.io/*:*"], "a registry"),
        ("my.reg/team-", &["my.reg/team-*:*"], "it ends in the middle of a word"),
        ("my.reg/team/", &["my.reg/team/*:*"], "it ends before a component"),
        ("my.reg/team", &["my.reg/team:*", "my.reg/team/*:*"], "an image, or all below"),
        ("my.reg/team/app", &["my.reg/team/app:*"], "an image"),
        ("my.reg", &["my.reg/*:*"], "a registry alone"),
        ("my.reg:5000", &["my.reg:5000/*:*"], "with its port"),
        ("docker.io/acme", &["docker.io/acme/*:*"], "an account"),
        ("docker.io/nginx:1", &[], "which is no name on Docker Hub there"),
        ("docker.io/*:*", &["docker.io/*:*"], "all of Docker Hub"),
        ("docker.io/ng*", &["docker.io/ng*/*:*"], "accounts"),
        ("nginx", &["docker.io/library/nginx:*"], "a short name"),
        ("acme/*", &["docker.io/acme/*:*"], "an account"),
        ("localhost:5000/x:v1", &["localhost:5000/x:v1"], "a port and a tag"),
        ("a.io/x:v1.", &["a.io/x:v1.*"], "the beginning of a tag"),
        ("a.io/x@sha256:ab", &["a.io/x@sha256:ab*"], "the beginning of a digest"),
        ("*@sha256:ab*", &["*@sha256:ab*"], "a digest anywhere"),
        ("*/nginx:*", &["*/nginx:*"], "in any registry"),
        (
            "i*/foo/*",
            &["i*.*/foo/*:*", "i*:*/foo/*:*", "docker.io/foo/*:*", "docker.io/i*/foo/*:*"],
            "a registry, or an account",
        ),
        ("*.azurecr.io/*", &["*.azurecr.io/*:*"], "registries"),
        ("a.io/Upper", &[], "no image has upper case"),
    ];
    for (glob, expected, why) in rows {
        assert_eq!(texts(&meant(glob)), *expected, "{why}: {glob}");
    }
}

#[test]
fn all_that_is_matched() {
    let rows: &[(&str, &[&str], &str)] = &[
        ("*:*", &["*:*"], "everything"),
        (
            "docker.io/acme/x",
            &["*/*docker.io/acme/x*:*", "*docker.io/acme/x*:*"],
            "as a part of the repository, and at the end of a registry",
        ),
        ("a.io/x:v1", &["*/*a.io/x:v1*", "*a.io/x:v1*"], "with a tag"),
        ("localhost/x", &["*/*localhost/x*:*", "localhost/x*:*"], "what is an account there is a registry here"),
        ("x6:", &["*/*x6:*"], "a repository before its tag"),
        ("ha256:12", &["*/*ha256:12*", "*@sha256:12*"], "but it can be"),
    ];
    for (glob, expected, why) in rows {
        let found = texts(&all(glob, &Budget::of(1_000)).unwrap());
        for text in *expected {
            assert!(found.contains(&(*text).to_owned()), "{why}: {glob}: {text} in {found:?}");
        }
    }
    assert_eq!(texts(&all("*:*", &Budget::of(1_000)).unwrap()), ["*:*"], "what is a case of another one is left out");
}

#[test]
fn what_both_match() {
    let rows: &[(&str, &str, &[&str], &str)] = &[
        ("a*", "*b", &["a*b"], "begins and ends"),
        ("ab", "a*", &["ab"], "one is a case of the other"),
        ("*ab*", "x", &[], "nothing"),
        ("*ab*", "*", &["*ab*"], "everything"),
        ("*ab", "ab*", &["ab", "ab*ab"], "with and without an overlap"),
    ];
    for (a, b, expected, why) in rows {
        for (a, b) in [(a, b), (b, a)] {
            let found = meet(a, b, &Budget::of(10_000));
            assert!(found.as_ref().unwrap().iter().eq(expected.iter()), "{why}: {a} and {b}: {found:?}");
        }
    }
    assert_eq!(meet(&"*a".repeat(40), &"a*".repeat(40), &Budget::of(100_000_000)), None, "too many to be told");
    assert_eq!(meet("ab", "a*b", &Budget::of(A_MEETING)), None, "nothing left to compare with");
}
