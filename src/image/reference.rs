//! Which image does a text name, for every program that will read it?
//!
//! ```text
//! reference  = name [ ":" tag ] [ "@" digest ]
//! name       = [ registry "/" ] component *( "/" component )
//! registry   = label *( "." label ) [ ":" port ]        first component, if it has "." or ":" or is "localhost"
//! label      = letter-or-digit *( letter-or-digit / "-" ), not ending in "-"
//! component  = alnum *( ( "." / "_" / "__" / 1*"-" ) alnum ), alnum = 1*( lower-case letter / digit )
//! tag        = ( letter / digit / "_" ) *127( letter / digit / "_" / "." / "-" )
//! digest     = "sha256:" 64 lower-case hex digits
//! ```
//!
//! This is the grammar of the distribution project, less everything that the host's parser and the container runtimes' parsers read
//! differently: verifying one image and pulling another is the one mistake this crate may never make, so such a text is refused before any
//! rule is asked. Names are completed as Docker completes them (`nginx` is `docker.io/library/nginx:latest`, `index.docker.io` is `docker.io`).

use super::error::{MAX_NAME, MAX_TAG, MAX_TEXT, ReferenceError};
use std::{borrow::Cow, fmt};

use super::Digest;

/// The registry of short names.
pub const DOCKER_HUB: &str = "docker.io";
/// What it was called before, and still is in some tools' output.
pub(crate) const DOCKER_HUB_OLD: &str = "index.docker.io";
const DEFAULT_TAG: &str = "latest";

/// Hosts that serve Docker Hub under another name. A rule for `docker.io` would not see them, so they are refused, not folded.
const DOCKER_HUB_ALIASES: [&str; 3] = ["registry-1.docker.io", "registry.hub.docker.com", "registry.ipv6.docker.com"];

/// An image reference, parsed once: registry, repository, tag and digest, completed and in lower case, and the text as it was written.
///
/// `Display` prints the canonical form; parsing that gives an equal reference. Two references are equal when their canonical forms are.
///
/// ```
/// use image_trust::ImageRef;
/// let image = ImageRef::parse("nginx:1.27")?;
/// assert_eq!(image.to_string(), "docker.io/library/nginx:1.27");
/// assert_eq!(image.written(), "nginx:1.27");
/// # Ok::<(), image_trust::ReferenceError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageRef {
    written: String,
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl ImageRef {
    /// Reads a reference as a pod spec holds it.
    ///
    /// # Errors
    /// When the text is not a reference, or when the programs that will read it would not agree on what it names.
    pub fn parse(text: &str) -> Result<ImageRef, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(ReferenceError::TooLong);
        }
        if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(ReferenceError::Character(c));
        }
        let (rest, digest) = match text.split_once('@') {
            // No digest has a slash, and what stands before one is no name.
            Some((before, rest)) if rest.contains('/') && !after_scheme(before).contains('/') => {
                return Err(ReferenceError::Credentials);
            }
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).map_err(ReferenceError::Digest)?)),
            None => (text, None),
        };
        let (name, tag) = split_tag(rest);
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag(tag.to_owned()));
        }
        let (registry, repository) = match split_registry(name) {
            Some((registry, repository)) => match canonical_registry(registry) {
                Ok(registry) => (registry, repository),
                Err(ReferenceError::Alias(host, hub)) => {
                    let rest = text.strip_prefix(registry).unwrap_or_default();
                    return Err(ReferenceError::Alias(host, format!("{hub}{rest}")));
                }
                Err(error) => return Err(error),
            },
            None => (Cow::Borrowed(DOCKER_HUB), name),
        };
        if let Some(component) = repository.split('/').find(|component| !is_component(component)) {
            return Err(unusable_component(name, component));
        }
        if is_image_id(name) {
            return Err(ReferenceError::ImageId);
        }
        let repository = match registry == DOCKER_HUB && !repository.contains('/') {
            true => format!("library/{repository}"),
            false => repository.to_owned(),
        };
        if registry.len().saturating_add(repository.len()) >= MAX_NAME {
            return Err(ReferenceError::NameTooLong);
        }
        let tag = match (tag, digest) {
            (None, None) => Some(DEFAULT_TAG.to_owned()),
            (tag, _) => tag.map(str::to_owned),
        };
        Ok(ImageRef { written: text.to_owned(), registry: registry.into_owned(), repository, tag, digest })
    }

    /// The text as the user wrote it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The registry's host, and port if one was written, in lower case.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository inside the registry, completed (`library/nginx`).
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where neither tag nor digest was written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was written.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same image by this digest alone: what a tag once pointed at, whatever it points at now.
    #[must_use]
    pub fn by_digest(&self, digest: Digest) -> String {
        format!("{}/{}@{digest}", self.registry, self.repository)
    }

    /// The reference without its tag, if it has a digest.
    #[must_use]
    pub fn without_tag(&self) -> ImageRef {
        let image = ImageRef { tag: self.tag.clone().filter(|_| self.digest.is_none()), ..self.clone() };
        ImageRef { written: image.to_string(), ..image }
    }

    /// The reference with the same name and tag, and with this digest.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> ImageRef {
        let image = ImageRef { digest: Some(digest), ..self.clone() };
        ImageRef { written: image.to_string(), ..image }
    }

    /// The reference to another tag in the same repository.
    #[must_use]
    pub fn with_tag(&self, tag: &str) -> String {
        format!("{}/{}:{tag}", self.registry, self.repository)
    }

    /// This reference with `digest` as its digest, in the user's spelling: `nginx:1.27` becomes `nginx:1.27@sha256:…`, `nginx` becomes
    /// `nginx:latest@sha256:…`, and a reference that has a digest keeps its text.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> ImageRef {
        if self.digest.is_some() {
            return self.clone();
        }
        let (name, tag) = split_tag(&self.written);
        let written = match tag {
            Some(_) => format!("{}@{digest}", self.written),
            None => format!("{name}:{DEFAULT_TAG}@{digest}"),
        };
        ImageRef { written, digest: Some(digest), ..self.clone() }
    }
}

impl PartialEq for ImageRef {
    fn eq(&self, other: &ImageRef) -> bool {
        (&self.registry, &self.repository, &self.tag, self.digest)
            == (&other.registry, &other.repository, &other.tag, other.digest)
    }
}

impl Eq for ImageRef {}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Splits off a tag: what follows the last `:` if no `/` follows it.
pub(crate) fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

/// Splits a name into registry and repository where the first component is a registry.
/// The text without `https://`, which people leave in front.
fn after_scheme(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

fn split_registry(name: &str) -> Option<(&str, &str)> {
    cut(name, b'/').filter(|(first, _)| is_registry(first))
}

/// Splits at the first of an ASCII character; for the short texts that come by the thousand.
pub(crate) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let position = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..position)?, text.get(position.checked_add(1)?..)?))
}

/// Is this first component a registry? Docker's rule: it has a `.` or `:`, or is `localhost`.
pub(crate) fn is_registry(first: &str) -> bool {
    first.bytes().any(|byte| byte == b'.' || byte == b':') || first == "localhost"
}

/// The registry in lower case and without Docker Hub's old name.
pub(crate) fn canonical_registry(written: &str) -> Result<Cow<'_, str>, ReferenceError> {
    let registry = match written.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(written.to_ascii_lowercase()),
        false => Cow::Borrowed(written),
    };
    let (host, port) = match registry.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (&*registry, None),
    };
    if !is_host(host) {
        return Err(ReferenceError::Registry(written.to_owned()));
    }
    if let Some(port) = port {
        let number =
            port.parse::<u16>().ok().filter(|number| *number != 0 && *number != 443 && number.to_string() == port);
        if number.is_none() {
            return Err(ReferenceError::Port(port.to_owned()));
        }
    }
    // Runtimes know Docker Hub by its name in lower case, and complete no other one.
    let is_hub = host == DOCKER_HUB || host == DOCKER_HUB_OLD;
    if DOCKER_HUB_ALIASES.contains(&host) || (is_hub && registry != written) {
        return Err(ReferenceError::Alias(written.to_owned(), DOCKER_HUB.to_owned()));
    }
    match &*registry {
        DOCKER_HUB_OLD => Ok(Cow::Borrowed(DOCKER_HUB)),
        _ => Ok(registry),
    }
}

/// Labels of letters, digits and inner hyphens, with dots between them.
fn is_host(host: &str) -> bool {
    // What came before: a dot, a hyphen, or a letter or digit. The host's two ends are like dots.
    let mut before = b'.';
    for byte in host.bytes() {
        let fits = match byte {
            b'.' => before == b'a',
            b'-' => before != b'.',
            byte => byte.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
        before = if byte == b'.' || byte == b'-' { byte } else { b'a' };
    }
    before == b'a'
}

/// One component of a repository: runs of lower-case letters and digits, held together by `.`, `_`, `__` or any number of `-`.
fn is_component(component: &str) -> bool {
    let alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = component.split(alnum).filter(|run| !run.is_empty());
    component.starts_with(alnum)
        && component.ends_with(alnum)
        && separators.all(|run| matches!(run, "." | "_" | "__") || run.chars().all(|c| c == '-'))
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= MAX_TAG && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

/// A node's runtime looks up `sha256:<hex>` and bare hex IDs among the images that it has, whoever put them there.
fn is_image_id(name: &str) -> bool {
    name == "sha256" || (name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn unusable_component(name: &str, component: &str) -> ReferenceError {
    match name.split_once('/') {
        Some((first, _)) if first == component && first.chars().any(|c| c.is_ascii_uppercase()) => {
            ReferenceError::AmbiguousRegistry(first.to_owned())
        }
        _ => ReferenceError::Repository(component.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::DigestError, *};

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn canonical_forms() {
        let long = format!("{}/x", "a".repeat(240));
        let rows = [
            ("nginx", "docker.io/library/nginx:latest", "a short name"),
            ("library/nginx", "docker.io/library/nginx:latest", "one component more"),
            ("docker.io/nginx", "docker.io/library/nginx:latest", "the registry, but not library/"),
            ("index.docker.io/nginx:1", "docker.io/library/nginx:1", "Docker Hub's old name"),
            ("GHCR.io/acme/app:1", "ghcr.io/acme/app:1", "hosts have no case"),
            ("REGISTRY.K8S.IO/pause:1", "registry.k8s.io/pause:1", "hosts have no case"),
            ("acme/app", "docker.io/acme/app:latest", "an account of Docker Hub"),
            ("ghcr.io/acme/app/sub:v1", "ghcr.io/acme/app/sub:v1", "deep repositories"),
            ("localhost/app:1", "localhost/app:1", "localhost is a registry"),
            ("localhost:5000/app", "localhost:5000/app:latest", "a port makes a registry"),
            ("127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b:t", "an address"),
            ("a:5000/b:5000", "a:5000/b:5000", "a port and a tag"),
            ("localhost:5000", "docker.io/library/localhost:5000", "without a slash it is a repository and a tag"),
            ("a--b/c__d.e-f", "docker.io/a--b/c__d.e-f:latest", "all separators"),
            ("xn--80ak6aa92e.com/x", "xn--80ak6aa92e.com/x:latest", "punycode is plain ASCII"),
            (&format!("nginx@{D}"), &format!("docker.io/library/nginx@{D}"), "a digest needs no tag"),
            (&format!("redis:7@{D}"), &format!("docker.io/library/redis:7@{D}"), "both are kept"),
            (
                &format!("docker.io/redis:7@{D}"),
                &format!("docker.io/library/redis:7@{D}"),
                "a digest and a name to complete",
            ),
            (&format!("h.io/{long}"), &format!("h.io/{long}:latest"), "long, but within the limit"),
        ];
        for (text, canonical, why) in rows {
            let image = ImageRef::parse(text).unwrap_or_else(|error| panic!("{why}: {text}: {error}"));
            assert_eq!(image.to_string(), canonical, "{why}: {text}");
            assert_eq!(image.written(), text, "{why}");
            assert_eq!(
                ImageRef::parse(canonical).as_ref(),
                Ok(&image),
                "{why}: the canonical form names the same image"
            );
        }
    }

    #[test]
    fn refused() {
        use ReferenceError as E;
        let repository = |component: &str| E::Repository(component.to_owned());
        let hex = &D[7..];
        let rows: &[(&str, E, &str)] = &[
            ("", E::Empty, "no text"),
            (&"a".repeat(513), E::TooLong, "more than anybody needs"),
            (&format!("h.io/{}", "a/".repeat(130) + "a"), E::NameTooLong, "over the limit of the distribution project"),
            (&"a".repeat(250), E::NameTooLong, "over the limit once it is completed"),
            (" nginx", E::Character(' '), "some parsers trim"),
            ("nginx\n", E::Character('\n'), "some parsers trim"),
            ("nginx\0", E::Character('\0'), "C programs stop here"),
            ("ngіnx", E::Character('і'), "a Cyrillic letter that looks Latin"),
            ("EVIL/app:1", E::AmbiguousRegistry("EVIL".into()), "a registry to Docker, an account to the host"),
            ("Nginx", repository("Nginx"), "repositories are lower case"),
            ("docker.io/Acme/app", repository("Acme"), "repositories are lower case"),
            (
                "registry-1.docker.io/library/nginx",
                E::Alias("registry-1.docker.io".into(), "docker.io/library/nginx".into()),
                "Docker Hub, unseen by a rule for it",
            ),
            (
                "registry.hub.docker.com/library/nginx",
                E::Alias("registry.hub.docker.com".into(), "docker.io/library/nginx".into()),
                "Docker Hub, unseen by a rule for it",
            ),
            (
                "registry.ipv6.docker.com/library/nginx",
                E::Alias("registry.ipv6.docker.com".into(), "docker.io/library/nginx".into()),
                "the same",
            ),
            (
                "DOCKER.IO/nginx",
                E::Alias("DOCKER.IO".into(), "docker.io/nginx".into()),
                "no runtime puts `library/` in front of this one's names",
            ),
            (
                "INDEX.docker.IO/nginx:1",
                E::Alias("INDEX.docker.IO".into(), "docker.io/nginx:1".into()),
                "nor of its old name's",
            ),
            ("registry.k8s.io:443/pause:1", E::Port("443".into()), "the default port in a second spelling"),
            ("registry.k8s.io:0443/pause:1", E::Port("0443".into()), "the default port in a third spelling"),
            ("registry.k8s.io:0/pause:1", E::Port("0".into()), "no such port"),
            ("registry.k8s.io:65536/pause:1", E::Port("65536".into()), "no such port"),
            ("registry.k8s.io:/pause:1", E::Port(String::new()), "an empty port"),
            ("a:b:c/pause:1", E::Port("b:c".into()), "two ports"),
            (
                "registry.k8s.io./pause:1",
                E::Registry("registry.k8s.io.".into()),
                "the host's parser refuses the root dot",
            ),
            ("[::1]:5000/x", E::Registry("[::1]:5000".into()), "the host's parser refuses IPv6"),
            ("-a.io/x", E::Registry("-a.io".into()), "labels start with a letter or digit"),
            ("user@evil.io/x", E::Credentials, "credentials are no part of a name"),
            ("user:secret@evil.io/x:1", E::Credentials, "with a password"),
            ("https://user:secret@evil.io/x:1", E::Credentials, "in a URL"),
            ("ghcr.io/acme/app@feature/x", E::Digest(DigestError::Algorithm), "a branch in place of a digest"),
            ("https://evil.io/x", E::Port(String::new()), "a URL"),
            ("a//b", repository(""), "an empty component"),
            ("/a", repository(""), "an empty component"),
            ("a/", repository(""), "an empty component"),
            ("./a", E::Registry("./a".trim_end_matches("/a").into()), "a path"),
            ("a/../b", repository(".."), "a path"),
            ("a___b", repository("a___b"), "three underscores"),
            ("a..b", repository("a..b"), "two dots"),
            ("-a", repository("-a"), "starts with a separator"),
            ("a_", repository("a_"), "ends with a separator"),
            ("nginx:", E::Tag(String::new()), "an empty tag"),
            ("nginx:-1", E::Tag("-1".into()), "starts with a separator"),
            ("nginx:a+b", E::Tag("a+b".into()), "not a tag character"),
            (&format!("nginx:{}", "t".repeat(129)), E::Tag("t".repeat(129)), "129 characters"),
            (
                &format!("nginx@{}", D.to_uppercase()),
                E::Digest(DigestError::Algorithm),
                "the host folds it, Go does not",
            ),
            (
                &format!("nginx@sha256:{}", hex.to_uppercase()),
                E::Digest(DigestError::Hex),
                "the host folds it, Go does not",
            ),
            (&format!("nginx@sha512:{hex}{hex}"), E::Digest(DigestError::Algorithm), "nothing signs by sha512"),
            ("nginx@", E::Digest(DigestError::Algorithm), "an empty digest"),
            (&format!("nginx@{D}@{D}"), E::Digest(DigestError::Hex), "two digests"),
            (hex, E::ImageId, "a node would run whatever has this ID"),
            (D, E::ImageId, "a node would run whatever has this ID"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(ImageRef::parse(text), Err(expected.clone()), "{why}: {text}");
            assert!(!expected.to_string().is_empty());
        }
    }

    #[test]
    fn pins_keep_the_spelling() {
        let digest = Digest::parse(D).unwrap();
        let rows = [
            ("nginx:1.27", format!("nginx:1.27@{D}"), "the tag stays for people"),
            ("nginx", format!("nginx:latest@{D}"), "what was meant is said"),
            ("localhost:5000/a", format!("localhost:5000/a:latest@{D}"), "a port is not a tag"),
            ("index.docker.io/nginx:1", format!("index.docker.io/nginx:1@{D}"), "the user's spelling of the registry"),
            (&format!("nginx@{D}"), format!("nginx@{D}"), "nothing to add"),
            (&format!("nginx:1@{D}"), format!("nginx:1@{D}"), "nothing to add"),
        ];
        for (text, expected, why) in rows {
            let pinned = ImageRef::parse(text).unwrap().pinned(digest);
            assert_eq!(pinned.written(), expected, "{why}");
            assert_eq!(
                ImageRef::parse(&expected).as_ref(),
                Ok(&pinned),
                "{why}: a pinned text reads as what was pinned"
            );
            assert_eq!(pinned.pinned(digest).written(), expected, "{why}: pinning again changes nothing");
        }
    }
}
