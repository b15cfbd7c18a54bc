//! Which images could a request name?
//!
//! Names, tags and digests from short lists, so that rules, slots and registries often speak of the same ones.

use std::sync::LazyLock;

use image_trust::Digest;

use super::Choices;

/// The repositories that exist.
pub const REPOSITORIES: [&str; 6] = [
    "ghcr.io/acme/app",
    "ghcr.io/acme/lib",
    "docker.io/library/signed",
    "docker.io/acme/web",
    "free.io/tool",
    "evil.io/tool",
];

/// Names as users write them, with the repositories that they mean.
const NAMES: [(&str, Option<usize>); 9] = [
    ("ghcr.io/acme/app", Some(0)),
    ("ghcr.io/acme/lib", Some(1)),
    ("signed", Some(2)),
    ("docker.io/acme/web", Some(3)),
    ("free.io/tool", Some(4)),
    ("evil.io/tool", Some(5)),
    ("GHCR.io/acme/app", Some(0)),
    ("index.docker.io/signed", Some(2)),
    ("acme/web", Some(3)),
];

/// Texts that name no image.
const NO_NAMES: [(&str, Option<usize>); 3] = [("EVIL/app", None), ("a//b", None), ("", None)];

/// The digests that exist, in every repository: what `v1` points to, what every other tag does, and what the index behind `v1` lists.
pub static DIGESTS: LazyLock<[Digest; 3]> =
    LazyLock::new(|| ["v1", "v2", "platform"].map(|of| Digest::of(of.as_bytes())));

/// Endings of references: tags and digests.
const TAILS: [(&str, Option<usize>); 9] = [
    (":v1", None),
    ("", None),
    (":v2", None),
    ("", Some(0)),
    (":v1", Some(0)),
    ("", Some(2)),
    (":v1", Some(2)),
    (":v2", Some(1)),
    (":v1", Some(1)),
];

/// An image as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub text: String,
    /// Which repository it is in; none, if the text is no name.
    pub repository: Option<usize>,
    pub tag: Option<&'static str>,
    /// Which of the digests it has.
    pub digest: Option<usize>,
}

impl Image {
    pub fn chosen(choices: &mut Choices<'_>) -> Image {
        let (name, repository) = if choices.once_in(20) { choices.one(&NO_NAMES) } else { choices.one(&NAMES) };
        let (tag, digest) = choices.one(&TAILS);
        let image = Image {
            text: format!("{name}{tag}"),
            repository: *repository,
            tag: tag.strip_prefix(':').or(digest.is_none().then_some("latest")),
            digest: None,
        };
        match digest {
            Some(digest) => {
                Image { text: format!("{}@{}", image.text, DIGESTS[*digest]), digest: Some(*digest), ..image }
            }
            None => image,
        }
    }

    /// The image with this digest, if it has none.
    pub fn pinned(&self, digest: usize) -> Image {
        if self.digest.is_some() || self.repository.is_none() {
            return self.clone();
        }
        let has_tag = self.text.ends_with(":v1") || self.text.ends_with(":v2");
        let tag = if has_tag { "" } else { ":latest" };
        Image { text: format!("{}{tag}@{}", self.text, DIGESTS[digest]), digest: Some(digest), ..self.clone() }
    }
}

pub fn pointed_to(tag: &str) -> usize {
    usize::from(tag != "v1")
}

/// The digest that a text is.
pub fn number(digest: &str) -> Option<usize> {
    DIGESTS.iter().position(|known| known.to_string() == *digest)
}
