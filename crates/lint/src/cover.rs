//! How do two patterns stand to each other, whatever the image?
//!
//! Everything here errs on one side: what it says holds for every image, and where it can't tell it says nothing.

use std::{cmp::Ordering, iter::once};

use image_trust::{
    glob::glob,
    image::{DOCKER_HUB, MAX_NAME, MAX_TAG},
    policy::pattern::Pattern,
};

/// Domains below which anybody can have a host, where the last label alone does not say so.
const OPEN_DOMAINS: [&str; 14] = [
    "amazonaws.com",
    "azurecr.io",
    "co.in",
    "co.jp",
    "co.kr",
    "co.nz",
    "co.uk",
    "co.za",
    "com.au",
    "com.br",
    "com.cn",
    "com.mx",
    "com.tr",
    "org.uk",
];

/// Which registries the registry part of a pattern can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One host, on one port or any.
    OneHost,
    /// Every host below this domain, which has two labels at least.
    Below(String),
    /// Hosts of anybody who can have a name that matches.
    Anybody,
}

/// Digits of a digest.
const DIGITS: usize = 64;

/// Why no image at all matches, as far as the pattern's own text tells.
pub(crate) fn matches_nothing(pattern: &Pattern<'_>) -> Option<String> {
    if let Some((registry, repository)) = pattern.name() {
        if literal(registry).saturating_add(literal(repository)) >= MAX_NAME {
            return Some(format!("no name is longer than {MAX_NAME} bytes"));
        }
        if let Some(component) = repository.split('/').find(|component| !can_be_component(component)) {
            return Some(format!("no part of a repository's name is like `{component}`"));
        }
    }
    match (pattern.tag(), pattern.digest()) {
        (Some(tag), _) if tag.starts_with(['.', '-']) => Some("no tag begins with `.` or `-`".to_owned()),
        (Some(tag), _) if literal(tag) > MAX_TAG => Some(format!("no tag is longer than {MAX_TAG} bytes")),
        (_, Some(digest)) if literal(digest).saturating_sub("sha256:".len()) > DIGITS => {
            Some(format!("no digest has more than {DIGITS} digits"))
        }
        _ => None,
    }
}

/// Whose registries match.
pub(crate) fn reach(pattern: &Pattern<'_>) -> Reach {
    let registry = pattern.name().map_or("*", |(registry, _)| registry);
    // A reference has one `:` before its path, so a written one ends the host's name.
    let host = registry.split_once(':').map_or(registry, |(host, _)| host);
    let Some((_, fixed)) = host.rsplit_once('*') else { return Reach::OneHost };
    match fixed.split_once('.') {
        Some((_, domain)) if domain.contains('.') && !is_open(domain) => Reach::Below(domain.to_owned()),
        _ => Reach::Anybody,
    }
}

/// The registry, and the first component inside it, where there is a single registry.
pub(crate) fn account<'t>(pattern: &'t Pattern<'_>) -> Option<(&'t str, &'t str)> {
    let (registry, repository) = pattern.name().filter(|(registry, _)| !registry.contains('*'))?;
    Some((registry, repository.split_once('/').map_or(repository, |(account, _)| account)))
}

/// The registry and the repository, if that is one component that is written out.
pub(crate) fn lone_repository<'t>(pattern: &'t Pattern<'_>) -> Option<(&'t str, &'t str)> {
    pattern.name().filter(|(_, repository)| !repository.contains(['/', '*']))
}

/// Is the digest written out? Then the pattern is that image and no other, whatever it is called.
pub(crate) fn names_one_digest(pattern: &Pattern<'_>) -> bool {
    pattern.digest().is_some_and(|digest| !digest.contains('*'))
}

/// A reference that the pattern's name matches: with the tag of `tag` or none, and with a digest that nobody means.
///
/// What it is put together from can be no reference, and then it is none.
pub(crate) fn example(pattern: &Pattern<'_>, tag: Option<&Pattern<'_>>) -> String {
    let filled = |text: &str| text.replace('*', "x");
    let name = match pattern.name() {
        None => "registry.example/x".to_owned(),
        Some(("*", repository)) => format!("registry.example/{}", filled(repository)),
        Some((registry, repository)) => format!("{}/{}", filled(registry), filled(repository)),
    };
    let tag = tag.and_then(Pattern::tag).map(|tag| format!(":{}", filled(tag))).unwrap_or_default();
    format!("{name}{tag}@sha256:{}", "0".repeat(DIGITS))
}

/// How `pattern` ranks beside `other` on every image that matches `other`; `None` where that depends on the image, where not every
/// such image matches `pattern`, or where it can't be told.
///
/// The same steps as [`image_trust::policy::pattern::Specificity`], on what is the same for all images.
pub(crate) fn rank(pattern: &Pattern<'_>, other: &Pattern<'_>) -> Option<Ordering> {
    let covers = |part: Option<&str>, of_other: Option<&str>| match (part, of_other) {
        (None, _) => true,
        (Some(part), Some(of_other)) => glob(part, of_other),
        (Some(_), None) => false,
    };
    if names_one_digest(pattern) != names_one_digest(other)
        || !covers(pattern.tag(), other.tag())
        || !covers(pattern.digest(), other.digest())
        || !covers_name(pattern, other)
    {
        return None;
    }
    // Where a single component matches an official image by its short name, both have one more: they begin alike, or nothing is said.
    let (of_pattern, of_other) = (components(pattern), components(other));
    match of_pattern.len().cmp(&of_other.len()) {
        Ordering::Less => return None,
        Ordering::Equal => {}
        Ordering::Greater => return Some(Ordering::Greater),
    }
    let tag_and_digest = once((pattern.tag(), other.tag()))
        .chain(once((pattern.digest(), other.digest())))
        .map(|(a, b)| (a.unwrap_or("*"), b.unwrap_or("*")));
    match always(of_pattern.into_iter().zip(of_other))? {
        Ordering::Equal => always(tag_and_digest),
        by_name => Some(by_name),
    }
}

/// Does every image whose name matches `other` match `pattern` by its name?
fn covers_name(pattern: &Pattern<'_>, other: &Pattern<'_>) -> bool {
    match (pattern.name(), other.name()) {
        (None, _) => true,
        (Some((registry, repository)), None) => registry == "*" && repository == "*",
        (Some((registry, repository)), Some((of_other, other))) => {
            // Everything on Docker Hub has two components.
            let whole_hub = of_other == DOCKER_HUB && other == "*" && repository == "*/*";
            // A `*` of the other one is met by a `*` of this one or by nothing, so whatever it stands for is met too.
            glob(registry, of_other) && (whole_hub || glob(repository, other))
        }
    }
}

fn components<'t>(pattern: &'t Pattern<'_>) -> Vec<&'t str> {
    match pattern.name() {
        None => vec!["*"],
        Some((registry, repository)) => once(registry).chain(repository.split('/')).collect(),
    }
}

/// How parts rank beside each other, where that is the same for all images: either they are equal, or both go on with a `*` after the same text.
/// Then both share the same prefix with any image, neither is spelt out, and the longer one decides.
fn always<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Option<Ordering> {
    let mut rank = Ordering::Equal;
    for (part, of_other) in pairs {
        let same = part == of_other
            || matches!((part.split_once('*'), of_other.split_once('*')), (Some((a, _)), Some((b, _))) if a == b);
        if !same {
            return None;
        }
        rank = rank.then(part.len().cmp(&of_other.len()));
    }
    Some(rank)
}

/// The length of what is not a `*`.
fn literal(text: &str) -> usize {
    text.bytes().filter(|byte| *byte != b'*').count()
}

/// Could a component of a repository be like this? A `*` may stand for what makes it one.
fn can_be_component(component: &str) -> bool {
    let separator = |c: char| matches!(c, '.' | '_' | '-');
    let odd = |pair: &[u8]| pair.iter().all(|byte| separator(char::from(*byte))) && pair != b"__" && pair != b"--";
    let in_a_row = component.contains("___") || component.as_bytes().windows(2).any(odd);
    !component.starts_with(separator) && !component.ends_with(separator) && !in_a_row
}

/// Can anybody have a host below this domain?
fn is_open(domain: &str) -> bool {
    let is_below = |open: &str| domain.strip_suffix(open).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    OPEN_DOMAINS.iter().any(|open| is_below(open))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image_trust::ImageRef;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn ranks() {
        use Ordering::{Equal, Greater, Less};
        let digest = &format!("ghcr.io/acme/app@{D}");
        let tag_and_digest = &format!("ghcr.io/acme/app:v1@{D}");
        let rows = [
            ("*/*", "*:*", Some(Greater), "both match everything, and one has a component more"),
            ("docker.io/*/*", "docker.io/*", Some(Greater), "everything on Docker Hub has two components"),
            ("*/*/*", "docker.io/*", Some(Greater), "the same, from any registry"),
            ("ghcr.io/*/*", "ghcr.io/*", None, "elsewhere an image can have one"),
            ("ghcr.io/acme/*-debug*", "ghcr.io/acme/*-debug", Some(Greater), "the same beginning, and longer"),
            ("ghcr.io/acme/*-debug", "ghcr.io/acme/*-debug*", None, "it does not match all of them"),
            ("ghcr.io/acme/*", "ghcr.io/acme/*-debug", Some(Less), "the same beginning, and shorter"),
            ("ghcr.io/acme/app*", "ghcr.io/acme/app", None, "the other one is spelt out"),
            ("ghcr.io/acme/*x*", "ghcr.io/acme/*xx", Some(Equal), "the same beginning, and as long"),
            ("ghcr.io/*x*/*", "ghcr.io/*x/*y*", Some(Greater), "the first component that differs decides"),
            ("ghcr.io/acme/app:*1*", "ghcr.io/acme/app:*1", Some(Greater), "the same for tags"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app:v1", None, "the other one is spelt out"),
            ("ghcr.io/acme/app:*1", "ghcr.io/acme/app", None, "not every tag"),
            ("ghcr.io/acme/app@sha256:*", digest, None, "the other one names the digest"),
            ("ghcr.io/acme/app@sha256:*", "ghcr.io/acme/app", None, "not every image has a digest"),
            ("ghcr.io/*p*:v1", "ghcr.io/*p", None, "a longer name, and not every tag"),
            ("ghcr.io/*p*", "ghcr.io/*p:v1", Some(Greater), "a longer name comes before a tag"),
            (digest, tag_and_digest, None, "the tag is spelt out"),
            ("*.io/*", "ghcr.io/*", None, "the other one is spelt out"),
            ("*.i*/*", "*.io/*", Some(Equal), "as long"),
            ("*i*o*/*", "*io/*", Some(Greater), "the same for registries"),
            ("*/*", "*/nginx", None, "official images count as longer"),
            ("nginx", "docker.io/library/nginx", Some(Equal), "the same pattern"),
        ];
        for (pattern, other, expected, why) in rows {
            let parsed = rank(&Pattern::parse(pattern).unwrap(), &Pattern::parse(other).unwrap());
            assert_eq!(parsed, expected, "{why}: {pattern} beside {other}");
        }
    }

    /// Every combination of these parts, completed as references are.
    fn combinations(names: &[&str], tags: &[&str], digests: &[&str]) -> Vec<String> {
        let with = |name: &str| {
            let tagged = tags.iter().map(move |tag| format!("{name}{tag}"));
            tagged.flat_map(|text| digests.iter().map(move |digest| format!("{text}{digest}"))).collect::<Vec<_>>()
        };
        names.iter().flat_map(|name| with(name)).collect()
    }

    #[test]
    fn what_is_said_of_all_images_holds_for_each() {
        let registries = ["*/", "docker.io/", "*.io/", "*o/", "*io*/", "h.io/", "h.*/"];
        let repositories =
            ["*", "a", "a*", "*a", "*a*", "*/*", "a/*", "*/a", "*a/*", "*a*/*b", "a/b", "*b*", "*-*", "l*a", "l*a*"];
        let mut names: Vec<String> = registries
            .iter()
            .flat_map(|registry| repositories.map(|repository| format!("{registry}{repository}")))
            .collect();
        names.push("*".to_owned());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let full = format!("@{D}");
        let patterns = combinations(&names, &["", ":v*", ":*v", ":*v*"], &["", "@sha256:*", &full]);
        let other = format!("@sha256:{}", "0".repeat(DIGITS));
        let named =
            ["a", "ba", "a/b", "b/a", "a-b/b", "h.io/a", "h.io/ab", "h.io/b/a", "h.io/a/b/a", "h.i/a", "io.io/ba"];
        let images = combinations(&named, &["", ":v", ":1v", ":v1"], &["", &full, &other]);
        let images: Vec<ImageRef> = images.iter().map(|text| ImageRef::parse(text).unwrap()).collect();
        let patterns: Vec<Pattern<'_>> = patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        let matching = |pattern: &Pattern<'_>| -> Vec<bool> {
            images.iter().map(|image| pattern.differs(image).is_none()).collect()
        };
        let matches: Vec<Vec<bool>> = patterns.iter().map(matching).collect();
        let mut said = 0;
        for (b, other) in patterns.iter().enumerate() {
            for (a, pattern) in patterns.iter().enumerate() {
                let Some(rank) = rank(pattern, other) else { continue };
                said += 1;
                for (i, image) in images.iter().enumerate().filter(|(i, _)| matches[b][*i]) {
                    assert!(matches[a][i], "{pattern} matches what {other} does: {image}");
                    let found = pattern.specificity(image).cmp(&other.specificity(image));
                    assert_eq!(found, rank, "{pattern} beside {other} on {image}");
                }
            }
        }
        assert!(said > 2 * patterns.len(), "it is said of {said} pairs");
    }

    #[test]
    fn what_matches_nothing() {
        let long = format!("ghcr.io/{}*/x", "a".repeat(246));
        let rows = [
            ("ghcr.io/acme/app", false, "a name"),
            ("ghcr.io/acme/a*-*b", false, "a star may stand for letters"),
            ("ghcr.io/acme/a__b--c.d", false, "separators that there are"),
            ("ghcr.io/acme/-app*", true, "begins with a separator"),
            ("ghcr.io/acme/*app.", true, "ends with one"),
            ("ghcr.io/ac.-me/*", true, "two that differ"),
            ("ghcr.io/acme/a..b", true, "two dots"),
            ("ghcr.io/acme/*___*", true, "three underscores"),
            (&long[..254], false, "the longest name"),
            (&long, true, "a longer one"),
            ("ghcr.io/acme/app:.*", true, "begins with a dot"),
            ("ghcr.io/acme/app:-1", true, "begins with a dash"),
            ("ghcr.io/acme/app:_1*", false, "an underscore is a letter here"),
            (&format!("ghcr.io/a:{}*", "v".repeat(128)), false, "the longest tag"),
            (&format!("ghcr.io/a:{}*", "v".repeat(129)), true, "a longer one"),
            (&format!("ghcr.io/a@sha256:*{}", "0".repeat(64)), false, "all digits"),
            (&format!("ghcr.io/a@sha256:*{}", "0".repeat(65)), true, "one more"),
        ];
        for (pattern, expected, why) in rows {
            assert_eq!(matches_nothing(&Pattern::parse(pattern).unwrap()).is_some(), expected, "{why}: {pattern}");
        }
    }

    #[test]
    fn whose_registries_match() {
        let below = |domain: &str| Reach::Below(domain.to_owned());
        let rows = [
            ("ghcr.io/*", Reach::OneHost, "a host"),
            ("acme/*", Reach::OneHost, "Docker Hub"),
            ("localhost:*/x", Reach::OneHost, "any port of one host"),
            ("*", Reach::Anybody, "everything"),
            ("*/acme/*", Reach::Anybody, "any registry"),
            ("*.io/x", Reach::Anybody, "a domain where everybody has a name"),
            ("ghcr.io*/x", Reach::Anybody, "ghcr.io.evil.com"),
            ("10.0.0.*/x", Reach::Anybody, "10.0.0.evil.com"),
            ("*example.com/x", Reach::Anybody, "evilexample.com"),
            ("*:5000/x", Reach::Anybody, "any host with that port"),
            ("*example.co.uk/x", Reach::Anybody, "evilexample.co.uk"),
            ("*.dkr.ecr.eu-west-1.amazonaws.com/x", Reach::Anybody, "anybody's account"),
            ("*.notamazonaws.com/x", below("notamazonaws.com"), "a domain that only ends alike"),
            ("*.example.com/x", below("example.com"), "hosts of one domain"),
            ("*.example.com:5000/x", below("example.com"), "and a port"),
            ("*-docker.pkg.dev/x", below("pkg.dev"), "a part of a host's name"),
            ("r*.eu.example.com/x", below("eu.example.com"), "the whole domain"),
        ];
        for (pattern, expected, why) in rows {
            assert_eq!(reach(&Pattern::parse(pattern).unwrap()), expected, "{why}: {pattern}");
        }
    }
}
