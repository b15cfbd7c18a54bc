//! Does a rule's pattern match an image, and how closely?
//!
//! A pattern is `registry/repository[:tag][@digest]` in which `*` stands for any run of characters. It is completed like a reference and then
//! compared part by part: the registry part with the image's registry and nothing else, and whole; likewise repository, tag and digest.
//! Inside the repository part `*` crosses `/`. `*` and `*:*` alone match everything.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use crate::{
    glob::glob,
    image::{DOCKER_HUB, DOCKER_HUB_OLD, Digest, ImageRef, canonical_registry, cut, is_registry, split_tag},
};

mod error;

pub use error::PatternError;

/// A pattern, completed as a reference is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern<'a> {
    name: Name<'a>,
    /// `None` matches every tag, and none.
    tag: Option<&'a str>,
    /// `None` matches every digest, and none.
    digest: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name<'a> {
    /// A bare `*`: every registry and repository.
    Any,
    In {
        registry: Cow<'a, str>,
        repository: Cow<'a, str>,
    },
}

/// A part of a reference, in the order in which patterns are compared with images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The registry's host, and port.
    Registry,
    /// The name inside the registry.
    Repository,
    /// What may be moved.
    Tag,
    /// What is the image.
    Digest,
}

/// How closely a pattern fits an image; the greater one wins.
///
/// The order is Connaisseur's: more components, then the longer literal prefix shared with the image, component by component from the left, then the
/// longer component, in the same order. It is computed on canonical patterns, so that spelling decides nothing. Three things differ, because patterns
/// match whole here. One that names the image's very digest is the most specific of all: the digest is the image, and no name or tag may lead around
/// a rule for it. What is spelt out comes before what only begins alike: `app` before `app*`. And names are compared before tags and digests:
/// whoever writes the image chooses its tag, and must not choose a wider rule with it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    names_digest: bool,
    components: usize,
    name: Closeness,
    tag_and_digest: Closeness,
}

/// How closely some parts of a pattern fit those of an image.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Closeness {
    prefixes: Vec<usize>,
    spelt_out: Vec<bool>,
    lengths: Vec<usize>,
}

impl<'a> Pattern<'a> {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text is no pattern, or one that could never match.
    pub fn parse(text: &'a str) -> Result<Pattern<'a>, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > PatternError::MAX_LENGTH {
            return Err(PatternError::TooLong);
        }
        if let Some(error) = unusable(text) {
            return Err(error);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest_part(digest)?)),
            None => (text, None),
        };
        let (name, tag) = split_tag(rest);
        let tag = tag.map_or(Ok(None), tag_part)?;
        Ok(Pattern { name: Name::parse(name)?, tag, digest })
    }

    /// The parts for registry and repository, completed; `None` for a bare `*`, which matches every name.
    #[must_use]
    pub fn name(&self) -> Option<(&str, &str)> {
        match &self.name {
            Name::Any => None,
            Name::In { registry, repository } => Some((registry, repository)),
        }
    }

    /// The part for the tag; `None` matches every tag, and none.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag
    }

    /// The part for the digest; `None` matches every digest, and none.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest
    }

    /// Could the pattern that `text` holds match an image of one of these registries?
    ///
    /// Settings come with every request, and most rules are about other registries: those are told apart here, by the first component, without
    /// reading on.
    pub fn could_match(text: &str, registries: &BTreeSet<&str>) -> bool {
        let first = cut(text, b'/').map_or(text, |(first, _)| first);
        if first.bytes().any(|byte| byte == b'*') {
            return true;
        }
        let is_hub = first.len() == text.len() || !is_registry(first) || first.eq_ignore_ascii_case(DOCKER_HUB_OLD);
        let names = |registry: &&str| {
            if is_hub { **registry == *DOCKER_HUB } else { registry.eq_ignore_ascii_case(first) }
        };
        registries.iter().any(names)
    }

    /// The first part in which this pattern does not match `image`; `None` where it does.
    pub fn differs(&self, image: &ImageRef) -> Option<Part> {
        if let Name::In { registry, repository } = &self.name {
            if !glob(registry, image.registry()) {
                return Some(Part::Registry);
            }
            if !glob(repository, image.repository()) && !self.is_official(repository, image) {
                return Some(Part::Repository);
            }
        }
        if self.tag.is_some_and(|tag| !image.tag().is_some_and(|text| glob(tag, text))) {
            return Some(Part::Tag);
        }
        let other_digest = |digest| !image.digest().is_some_and(|text| glob(digest, &text.to_string()));
        self.digest.is_some_and(other_digest).then_some(Part::Digest)
    }

    /// Does the one component of a pattern for any registry (`*/nginx`) match an official image, whose name was completed?
    fn is_official(&self, repository: &str, image: &ImageRef) -> bool {
        let short = image.repository().strip_prefix("library/").filter(|_| image.registry() == DOCKER_HUB);
        !repository.contains('/') && short.is_some_and(|name| glob(repository, name))
    }

    /// Does this pattern decide by the tag alone, so that it can say nothing of a reference with `digest`?
    ///
    /// In `repo:tag@digest` the tag is only a claim: runtimes pull by the digest.
    pub fn trusts_the_tag_of(&self, digest: Digest) -> bool {
        self.tag.is_some() && !self.names(digest)
    }

    fn names(&self, digest: Digest) -> bool {
        self.digest.is_some_and(|text| text == digest.to_string())
    }

    /// How closely this pattern fits `image`, which it matches.
    pub fn specificity(&self, image: &ImageRef) -> Specificity {
        let (registry, repository) = match &self.name {
            Name::Any => ("*", None),
            // What matched an official image by its short name is ranked by its full one.
            Name::In { registry, repository } if !glob(repository, image.repository()) => {
                (&**registry, Some(format!("library/{repository}")))
            }
            Name::In { registry, repository } => (&**registry, Some(repository.to_string())),
        };
        let components: Vec<&str> =
            std::iter::once(registry).chain(repository.iter().flat_map(|name| name.split('/'))).collect();
        let of_image = std::iter::once(image.registry()).chain(image.repository().split('/'));
        let digest = image.digest().map(|digest| digest.to_string()).unwrap_or_default();
        let name = components.iter().copied().zip(of_image).collect::<Vec<_>>();
        let rest = [(self.tag.unwrap_or("*"), image.tag().unwrap_or_default()), (self.digest.unwrap_or("*"), &*digest)];
        Specificity {
            names_digest: image.digest().is_some_and(|digest| self.names(digest)),
            components: components.len(),
            name: Closeness::of(&name),
            tag_and_digest: Closeness::of(&rest),
        }
    }
}

impl Closeness {
    fn of(pairs: &[(&str, &str)]) -> Closeness {
        let shared = |(part, whole): &(&str, &str)| part.bytes().zip(whole.bytes()).take_while(|(a, b)| a == b).count();
        Closeness {
            prefixes: pairs.iter().map(shared).collect(),
            spelt_out: pairs.iter().map(|(part, whole)| part == whole).collect(),
            lengths: pairs.iter().map(|(part, _)| part.len()).collect(),
        }
    }
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Result<Name<'a>, PatternError> {
        if name == "*" {
            return Ok(Name::Any);
        }
        let (registry, repository) = match name.split_once('/') {
            Some(("*", repository)) => (Cow::Borrowed("*"), repository),
            Some((registry, repository)) if is_registry(registry) => (registry_part(registry)?, repository),
            None if is_registry(name) => return Err(PatternError::RegistryOnly(name.to_owned())),
            _ => (Cow::Borrowed(DOCKER_HUB), name),
        };
        if repository.ends_with('/') || (repository.is_empty() && !registry.is_empty()) {
            return Err(PatternError::FinalSlash(name.to_owned()));
        }
        if let Some(component) = repository.split('/').find(|component| !could_be_component(component)) {
            return Err(PatternError::Repository(component.to_owned()));
        }
        // `docker.io/*` means all of Docker Hub; any other single component is completed like the short name that it is.
        let official = registry == DOCKER_HUB && !repository.contains('/') && repository != "*";
        let repository = if official { Cow::Owned(format!("library/{repository}")) } else { Cow::Borrowed(repository) };
        Ok(Name::In { registry, repository })
    }
}

/// What no pattern may hold. Patterns come with every request, so this looks at each byte once.
fn unusable(text: &str) -> Option<PatternError> {
    let mut before = 0;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'*' if before == b'*' => return Some(PatternError::Stars),
            b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z' | b'*' | b'/' | b'.' | b'-' | b'_' | b':' | b'@' => before = byte,
            b'!'..=b'~' => return Some(PatternError::Glob(char::from(byte))),
            _ => {
                return text.get(i..).and_then(|rest| rest.chars().next()).map(PatternError::Character);
            }
        }
    }
    None
}

fn could_be_component(component: &str) -> bool {
    let usable = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'*');
    !component.is_empty() && component.bytes().all(usable)
}

fn registry_part(written: &str) -> Result<Cow<'_, str>, PatternError> {
    if !written.contains('*') {
        return canonical_registry(written).map_err(PatternError::Name);
    }
    match written.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'*')) {
        true => Ok(Cow::Owned(written.to_ascii_lowercase())),
        false => Err(PatternError::Registry(written.to_owned())),
    }
}

/// The tag part; `*` matches every tag and none, as leaving it out does.
fn tag_part(tag: &str) -> Result<Option<&str>, PatternError> {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'*');
    match tag {
        "*" => Ok(None),
        _ if !tag.is_empty() && tag.bytes().all(usable) => Ok(Some(tag)),
        _ => Err(PatternError::Tag(tag.to_owned())),
    }
}

fn digest_part(digest: &str) -> Result<&str, PatternError> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    let usable = |c: char| matches!(c, '0'..='9' | 'a'..='f' | '*');
    match (hex.len() == 64 || hex.contains('*')) && hex.chars().all(usable) {
        true => Ok(digest),
        false => Err(PatternError::Digest(digest.to_owned())),
    }
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Any => f.write_str("*")?,
            Name::In { registry, repository } => write!(f, "{registry}/{repository}")?,
        }
        if let Some(tag) = self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ReferenceError;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    const DIGEST_RULE: &str =
        concat!("ghcr.io/*/app@sha256:", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const DIGEST_IMAGE: &str =
        concat!("ghcr.io/acme/app:v1@sha256:", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    #[test]
    fn matching() {
        let digest_only = &format!("ghcr.io/acme/app@{D}");
        let both = &format!("ghcr.io/acme/app:v1@{D}");
        let exact = &format!("ghcr.io/acme/app@{D}");
        let rows = [
            ("*", "nginx", true, "everything"),
            ("*:*", digest_only, true, "everything, also without a tag"),
            ("*:v1*", "ghcr.io/acme/app:v1.2", true, "every image with such a tag"),
            ("*:v1*", digest_only, false, "no tag is not such a tag"),
            ("*/*", "nginx", true, "every registry and repository"),
            ("*/nginx", "nginx", true, "an official image, however it is written"),
            ("*/nginx", "docker.io/library/nginx", true, "an official image, however it is written"),
            ("*/nginx", "ghcr.io/nginx", true, "and of any other registry"),
            ("*/nginx", "acme/nginx", false, "but nobody else's"),
            ("registry.k8s.io/*:*", "registry.k8s.io/pause:3.9", true, "a whole registry"),
            (
                "registry.k8s.io/*:*",
                "evil.io/registry.k8s.io/pause:3.9",
                false,
                "the registry part is compared with the registry only",
            ),
            ("registry.k8s.io/*:*", "evilregistry.k8s.io/pause:1", false, "and whole"),
            ("registry.k8s.io/*:*", "evil-registry.k8s.io/pause:1", false, "and whole"),
            ("registry.k8s.io/*:*", "registry.k8s.io.evil.io/pause:1", false, "and whole"),
            ("registry.k8s.io/*:*", "docker.io/attacker/registry.k8s.io/pause:1", false, "not as part of a repository"),
            ("registry.k8s.io/*:*", "registry.k8s.io:5000/pause:1", false, "a port is another registry"),
            ("registry.k8s.io/*", "REGISTRY.K8S.IO/pause:1", true, "hosts have no case"),
            ("REGISTRY.K8S.IO/*", "registry.k8s.io/pause:1", true, "hosts have no case in patterns either"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app:v1", true, "no tag part: every tag"),
            ("ghcr.io/acme/app", both, true, "no tag part: every digest"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app-evil:v1", false, "no implicit star"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app/sub:v1", false, "no implicit star"),
            ("ghcr.io/acme/*", "ghcr.io/acme-evil/app:v1", false, "the slash counts"),
            ("ghcr.io/acme/*", "ghcr.io/acme/a/b/c:v1", true, "a star crosses slashes"),
            ("ghcr.io/*/app", "ghcr.io/a/b/app:v1", true, "a star crosses slashes in the middle"),
            ("ghcr.io/acme/app:v1*", "ghcr.io/acme/app:v1.2.3", true, "a tag with a star"),
            ("ghcr.io/acme/app:v1*", digest_only, false, "v1* does not match no tag"),
            ("ghcr.io/acme/app:*", digest_only, true, "* also matches no tag"),
            ("ghcr.io/acme/app:v1", both, true, "the tag is still looked at"),
            (exact, digest_only, true, "this digest"),
            (exact, both, true, "this digest, whatever the tag says"),
            (exact, "ghcr.io/acme/app:v1", false, "a tag has no digest"),
            ("ghcr.io/acme/app@sha256:*", digest_only, true, "any digest"),
            ("ghcr.io/acme/app@sha256:*", "ghcr.io/acme/app:v1", false, "a tag has no digest"),
            ("nginx", "docker.io/library/nginx:1", true, "patterns are completed like images"),
            ("docker.io/nginx", "nginx", true, "completed"),
            ("index.docker.io/library/nginx", "nginx", true, "Docker Hub's old name"),
            ("docker.io/library/*", "index.docker.io/nginx", true, "completed"),
            ("docker.io/*", "acme/app", true, "all of Docker Hub"),
            ("docker.io/*:*", "nginx", true, "all of Docker Hub"),
            ("docker.io/*", "quay.io/docker.io/x", false, "and nothing else"),
            ("ngin*", "nginx", true, "a short name with a star is an official image"),
            ("ngin*", "nginx-evil/app", false, "not an account that begins alike"),
            ("docker.io/ngin*", "nginx-evil/app", false, "nor with the registry written"),
            ("acme/*", "acme/app", true, "an account of Docker Hub"),
            ("acme/*", "ghcr.io/acme/app", false, "of Docker Hub only"),
            ("*.example.com/*", "a.b.example.com/x", true, "a star in the registry"),
            ("*.example.com/*", "evil.com/a.example.com/x", false, "does not reach the repository"),
            ("*.example.com/*", "example.com/x", false, "the dot counts"),
            ("localhost:*/x", "localhost:5000/x", true, "any port"),
            ("localhost/x", "localhost/x", true, "localhost is a registry"),
            ("*a*b*c", "docker.io/library/xaxbxc", true, "several stars in an official image's name"),
            ("*a*b*c", "docker.io/library/xaxcxb", false, "in that order"),
        ];
        for (pattern, image, expected, why) in rows {
            let parsed = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{why}: {pattern}: {error}"));
            let image = ImageRef::parse(image).unwrap();
            assert_eq!(parsed.differs(&image).is_none(), expected, "{why}: {pattern} on {image}");
            // What is passed over unread must not have matched.
            assert!(
                !expected || Pattern::could_match(pattern, &[image.registry()].into()),
                "{why}: {pattern} on {image}"
            );

            let canonical = parsed.to_string();
            assert_eq!(
                Pattern::parse(&canonical).as_ref(),
                Ok(&parsed),
                "{why}: the canonical form of {pattern} is the same pattern"
            );
        }
    }

    #[test]
    fn patterns_about_other_registries_are_passed_over() {
        let rows = [
            ("ghcr.io/acme/*", "ghcr.io", true, "the very registry"),
            ("GHCR.io/acme/*", "ghcr.io", true, "hosts have no case"),
            ("ghcr.io/acme/*", "quay.io", false, "another one"),
            ("ghcr.io:5000/acme/*", "ghcr.io", false, "another port"),
            ("acme/*", "docker.io", true, "a short name"),
            ("acme/*", "ghcr.io", false, "a short name"),
            ("nginx:1", "docker.io", true, "a shorter one"),
            ("index.docker.io/acme/*", "docker.io", true, "Docker Hub's old name"),
            ("docker.io/acme/*", "docker.io", true, "its new one"),
            ("*/x", "ghcr.io", true, "any registry"),
            ("*.io/x", "quay.com", true, "whatever has a star is read"),
            ("*", "ghcr.io", true, "everything"),
        ];
        for (pattern, registry, expected, why) in rows {
            assert_eq!(Pattern::could_match(pattern, &[registry].into()), expected, "{why}: {pattern}");
        }
    }

    #[test]
    fn the_most_specific_wins() {
        let rows = [
            ("*:*", "docker.io/*", "nginx", "more components"),
            ("docker.io/*", "docker.io/library/*", "nginx", "more components"),
            ("*/*", "registry.k8s.io/*", "registry.k8s.io/pause", "a longer prefix in the first component"),
            ("*.k8s.io/*", "r*.k8s.io/*", "registry.k8s.io/pause", "a longer prefix, though as many characters match"),
            ("ghcr.io/*/app", "ghcr.io/acme/*", "ghcr.io/acme/app", "the first component that differs decides"),
            ("ghcr.io/acme/*", "ghcr.io/acme/app", "ghcr.io/acme/app:v1", "a literal"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app:v1", "ghcr.io/acme/app:v1", "with its tag"),
            ("ghcr.io/acme/app:v1", "ghcr.io/acme/app:v1.*", "ghcr.io/acme/app:v1.2", "a longer prefix"),
            ("ghcr.io/acme/app:v1*", DIGEST_RULE, DIGEST_IMAGE, "a rule for the very digest is not dodged by a tag"),
            ("ghcr.io/acme/app*:v1", "ghcr.io/acme/app", "ghcr.io/acme/app:v1", "no tag leads to a wider name"),
            ("ghcr.io/acme/app*:v*", "ghcr.io/acme/app:*", "ghcr.io/acme/app:v1", "no tag leads to a wider name"),
            ("ghcr.io/acme/app*@sha256:*", "ghcr.io/acme/app", DIGEST_IMAGE, "no digest leads to a wider name"),
            ("*/l*", "*/nginx", "nginx", "an official image is ranked by its full name"),
            ("ghcr.io/acme/app*", "ghcr.io/acme/app", "ghcr.io/acme/app:v1", "spelt out, though shorter"),
            ("ghcr.io/acme/app*:*", "ghcr.io/acme/app:*", "ghcr.io/acme/app:v1", "spelt out, with the tag written"),
            ("ghcr.io/acme/app*:*", "ghcr.io/acme/app:*", DIGEST_IMAGE, "spelt out, on a digest"),
            ("ghcr.io/acme/app:v1*", "ghcr.io/acme/app:v1", "ghcr.io/acme/app:v1", "a tag that is spelt out"),
            ("ghcr.io*/*", "ghcr.io/*", "ghcr.io/acme/app", "a registry that is spelt out"),
            (
                "ghcr.io/acme/app",
                "*@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                DIGEST_IMAGE,
                "the very digest, wherever it is",
            ),
            (
                "ghcr.io/acme/*p",
                "ghcr.io/acme/*pp",
                "ghcr.io/acme/app",
                "a longer component where the prefixes are equal",
            ),
        ];
        for (weaker, stronger, image, why) in rows {
            let image = ImageRef::parse(image).unwrap();
            let (weaker, stronger) = (Pattern::parse(weaker).unwrap(), Pattern::parse(stronger).unwrap());
            assert!(weaker.specificity(&image) < stronger.specificity(&image), "{why}: {weaker} and {stronger}");
        }
    }

    #[test]
    fn refused() {
        use PatternError as E;
        let rows = [
            ("", E::Empty, "nothing"),
            (&"a".repeat(513), E::TooLong, "longer than any reference"),
            ("ghcr.io/acme/app?", E::Glob('?'), "a glob of other programs"),
            ("ghcr.io/{a,b}/*", E::Glob('{'), "a glob of other programs"),
            ("ghcr.io/[ab]/*", E::Glob('['), "a glob of other programs"),
            ("ghcr.io/a\\*", E::Glob('\\'), "nothing to escape"),
            ("**", E::Stars, "one star crosses slashes already"),
            ("ghcr.io/ a", E::Character(' '), "a space"),
            ("ghcr.io/Acme/*", E::Repository("Acme".into()), "no repository has upper case"),
            ("evil.io", E::RegistryOnly("evil.io".into()), "Docker Hub's evil.io is never what was meant"),
            ("localhost:5000", E::RegistryOnly("localhost".into()), "a port is no tag where a registry stands"),
            ("EVIL/*", E::Repository("EVIL".into()), "ambiguous in images too"),
            ("ghcr.io//a", E::Repository(String::new()), "an empty component"),
            ("ghcr.io/", E::FinalSlash("ghcr.io/".into()), "everything in a registry, perhaps"),
            ("ghcr.io/acme/", E::FinalSlash("ghcr.io/acme/".into()), "everything of an account, perhaps"),
            ("ghcr.io:443/*", E::Name(ReferenceError::Port("443".into())), "images with the default port are refused"),
            (
                "registry-1.docker.io/*",
                E::Name(ReferenceError::Alias("registry-1.docker.io".into(), "docker.io".into())),
                "such images are refused",
            ),
            ("ghcr.io/a:", E::Tag(String::new()), "an empty tag"),
            ("ghcr.io/a:v+1", E::Glob('+'), "no tag has a plus"),
            ("ghcr.io/a@*", E::Digest("*".into()), "any digest, or none too?"),
            ("ghcr.io/a@sha512:*", E::Digest("sha512:*".into()), "not usable in images"),
            ("ghcr.io/a@sha256:abc", E::Digest("sha256:abc".into()), "too short to match"),
            ("*.exa_mple.com/*", E::Registry("*.exa_mple.com".into()), "no host has an underscore"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(Pattern::parse(text), Err(expected.clone()), "{why}: {text}");
            assert!(!expected.to_string().is_empty());
        }
    }

    #[test]
    fn the_worst_pattern_is_quick() {
        // Exponential matchers never come back from this one.
        let pattern = "*a".repeat(200);
        let image = ImageRef::parse(&format!("h.io/{}", "a".repeat(199))).unwrap();
        assert_eq!(Pattern::parse(&format!("h.io/{pattern}b")).unwrap().differs(&image), Some(Part::Repository));
    }
}
