//! Which images are admitted for a time, though nothing proves them?

use std::time::Duration;

use super::{Mistake, Policy, Problem, pattern::Pattern, settings};
use crate::{image::ImageRef, json::JsonPath, time::UnixTime};

/// How far ahead an exception may end. One that ends later has no effect yet.
pub const MAX_AHEAD: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Most exceptions. Each is compared with every image that would be denied.
pub(super) const MAX_EXCEPTIONS: usize = 50;
/// Most images, and most namespaces, of an exception.
const MAX_NAMES: usize = 20;
/// Longest reason, in bytes: every warning and every audit record has it.
const MAX_REASON: usize = 200;
/// Longest name of a namespace, in bytes (RFC 1123).
const MAX_NAMESPACE: usize = 63;

/// An exception that admits an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    until: UnixTime,
    reason: String,
}

impl Exception {
    /// When it ends.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// Why it was made.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// An entry of `exceptions` that was read.
#[derive(Debug)]
pub struct ReadException<'e> {
    /// The images that are admitted.
    pub images: Vec<Pattern<'e>>,
    /// The namespaces in which they are. `None` is everywhere.
    pub namespaces: Option<Vec<&'e str>>,
    /// When it ends.
    pub until: UnixTime,
    /// Why it was made.
    pub reason: &'e str,
}

impl<'e> ReadException<'e> {
    /// Reads the exception with this index.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(index: usize, written: &'e settings::Exception<'_>) -> Result<ReadException<'e>, Vec<Problem>> {
        let path = place(index);
        let mut problems = Vec::new();
        let mut wrong = |path: JsonPath, what| problems.push(Problem::new(path, what));
        let lists = [("images", Some(written.images.len())), ("namespaces", written.namespaces.as_ref().map(Vec::len))];
        for (key, length) in lists {
            if let Some(length) = length.filter(|length| !(1..=MAX_NAMES).contains(length)) {
                wrong(path.key(key), Mistake::Entries { length, most: MAX_NAMES });
            }
        }
        let mut images = Vec::new();
        for (at, text) in written.images.iter().enumerate() {
            match Pattern::parse(&text.0) {
                Ok(pattern) => images.push(pattern),
                Err(error) => wrong(path.key("images").index(at), Mistake::Pattern(error)),
            }
        }
        let namespaces = written.namespaces.as_ref();
        for (at, name) in namespaces.into_iter().flatten().enumerate() {
            if !is_namespace(&name.0) {
                wrong(path.key("namespaces").index(at), Mistake::Namespace(name.0.clone().into_owned()));
            }
        }
        let reason = written.reason.0.trim();
        match reason.len() {
            0 => wrong(path.key("reason"), Mistake::NoReason),
            length if length > MAX_REASON => {
                wrong(path.key("reason"), Mistake::TooLong { length, most: MAX_REASON });
            }
            _ => {}
        }
        let until = UnixTime::parse(&written.until.0);
        match until {
            Some(until) if problems.is_empty() => {
                let namespaces = namespaces.map(|names| names.iter().map(|name| &*name.0).collect());
                Ok(ReadException { images, namespaces, until, reason })
            }
            Some(_) => Err(problems),
            None => {
                problems.push(Problem::new(path.key("until"), Mistake::Time(written.until.0.clone().into_owned())));
                Err(problems)
            }
        }
    }

    /// Whether it has an effect now: it has not ended, and does not end too far ahead.
    #[must_use]
    pub fn counts(&self, now: UnixTime) -> bool {
        now < self.until && self.until <= now.plus(MAX_AHEAD)
    }

    /// Whether it is about this image in this namespace, at whatever time. It admits by name, so it does not trust the tag of a reference with a digest.
    #[must_use]
    pub fn covers(&self, image: &ImageRef, namespace: Option<&str>) -> bool {
        let is_here = match &self.namespaces {
            None => true,
            Some(names) => namespace.is_some_and(|namespace| names.contains(&namespace)),
        };
        let matches = |pattern: &Pattern<'_>| {
            let by_tag_only = || image.digest().is_some_and(|digest| pattern.trusts_the_tag_of(digest));
            pattern.differs(image).is_none() && !by_tag_only()
        };
        is_here && self.images.iter().any(matches)
    }
}

impl Policy<'_> {
    /// The exceptions of the settings, with their patterns and dates read.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn exceptions(&self) -> Result<Vec<ReadException<'_>>, Problem> {
        let written = self.settings().exceptions.iter().flatten().enumerate();
        written.map(|(at, written)| ReadException::read(at, written).map_err(super::rule::first)).collect()
    }
}

impl Exception {
    /// The one of these exceptions that admits `image` in this namespace now. If there are several, it is the one that ends last.
    #[must_use]
    pub fn of(
        exceptions: &[ReadException<'_>],
        image: &ImageRef,
        namespace: Option<&str>,
        now: UnixTime,
    ) -> Option<Exception> {
        let counting =
            exceptions.iter().filter(|exception| exception.counts(now) && exception.covers(image, namespace));
        let last = counting.max_by_key(|exception| exception.until)?;
        Some(Exception { until: last.until, reason: last.reason.to_owned() })
    }
}

/// Can this be the name of a namespace (RFC 1123, section 2.1)?
#[must_use]
pub fn is_namespace(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=MAX_NAMESPACE).contains(&name.len())
        && name.chars().all(|c| alphanumeric(c) || c == '-')
        && name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
}

/// The place of the exception with this index.
pub(super) fn place(index: usize) -> JsonPath {
    JsonPath::root().key("exceptions").index(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_cover_images_in_namespaces_for_a_time() {
        const NOW: u64 = 1_800_000_000;
        let day = 86_400;
        let one = format!("sha256:{}", "1".repeat(64));
        // images, namespaces, until in days from now; image, namespace; whether it is admitted, the reason
        type Row<'a> = (&'a [&'a str], Option<&'a [&'a str]>, i64, &'a str, Option<&'a str>, bool, &'a str);
        let by_digest = format!("ghcr.io/acme/app@{one}");
        let by_both = format!("ghcr.io/acme/app:v1@{one}");
        let rows: &[Row<'_>] = &[
            (&["ghcr.io/acme/app:v1"], None, 1, "ghcr.io/acme/app:v1", Some("shop"), true, "the plain case"),
            (&["ghcr.io/acme/app:v1"], None, 1, "ghcr.io/acme/app:v2", Some("shop"), false, "another tag"),
            (&["a:*", "ghcr.io/acme/*:*"], None, 1, "ghcr.io/acme/app:v2", None, true, "the second pattern"),
            (&["ghcr.io/acme/*:*"], Some(&["shop"]), 1, "ghcr.io/acme/app:v2", Some("shop"), true, "in its namespace"),
            (&["ghcr.io/acme/*:*"], Some(&["a", "shop"]), 1, "ghcr.io/acme/app", Some("shop"), true, "in the second"),
            (&["ghcr.io/acme/*:*"], Some(&["shop"]), 1, "ghcr.io/acme/app:v2", Some("bank"), false, "in another one"),
            (&["ghcr.io/acme/*:*"], Some(&["shop"]), 1, "ghcr.io/acme/app:v2", None, false, "in none"),
            (&["ghcr.io/acme/*:*"], Some(&["shop"]), 1, "ghcr.io/acme/app", Some("shop-2"), false, "no beginning"),
            (&["ghcr.io/acme/app:v1"], None, 0, "ghcr.io/acme/app:v1", None, false, "it ends now"),
            (&["ghcr.io/acme/app:v1"], None, -1, "ghcr.io/acme/app:v1", None, false, "it has ended"),
            (&["ghcr.io/acme/app:v1"], None, 90, "ghcr.io/acme/app:v1", None, true, "as far ahead as may be"),
            (&["ghcr.io/acme/app:v1"], None, 91, "ghcr.io/acme/app:v1", None, false, "too far ahead"),
            (&["ghcr.io/acme/app:v1"], None, 1, &by_both, None, false, "beside a digest a tag is a claim"),
            (&[&by_digest], None, 1, &by_digest, None, true, "by its digest"),
            (&["ghcr.io/acme/app"], None, 1, &by_digest, None, true, "a whole repository"),
        ];
        for (images, namespaces, days, image, namespace, expected, why) in rows {
            let until = UnixTime::from_secs(NOW.saturating_add_signed(days * day)).to_string();
            let exception =
                serde_json::json!({"images": images, "namespaces": namespaces, "until": until, "reason": "x"});
            let settings = serde_json::json!({
                "validators": [{"name": "deny", "type": "static", "approve": false}],
                "policy": [{"pattern": "*:*", "validator": "deny"}],
                "exceptions": [exception],
            })
            .to_string();
            let policy = Policy::load(&settings).unwrap();
            let image = ImageRef::parse(image).unwrap();
            let found = Exception::of(&policy.exceptions().unwrap(), &image, *namespace, UnixTime::from_secs(NOW));
            assert_eq!(found.is_some(), *expected, "{why}");
        }
    }
}
