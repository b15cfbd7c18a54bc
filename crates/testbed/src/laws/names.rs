//! Which laws hold for names, rules about them, and times?

use std::collections::{BTreeMap, BTreeSet};

use image_trust::{
    Digest, ImageRef,
    policy::{Choice, Fit, Policy},
    time::UnixTime,
};
use serde_json::{Value, json};

use super::lossy;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A text that may name an image.
pub fn reference(data: &[u8]) -> bool {
    let text = lossy(data);
    [format!("ghcr.io/{text}"), format!("{text}@{DIGEST}"), format!("{text}/app"), text]
        .map(|text| match ImageRef::parse(&text) {
            Ok(image) => {
                is_what_everybody_reads(&text, &image);
                is_pinned_once(&image);
                true
            }
            Err(_) => false,
        })
        .contains(&true)
}

/// The text as Docker completes it: registry, repository, tag and digest.
fn completed(text: &str) -> (String, String, Option<&str>, Option<&str>) {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let after_slash = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[after_slash..].find(':') {
        Some(colon) => (&rest[..after_slash + colon], Some(&rest[after_slash + colon + 1..])),
        None => (rest, None),
    };
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first.to_lowercase(), rest),
        _ => ("docker.io".to_owned(), name),
    };
    let registry = if registry == "index.docker.io" { "docker.io".to_owned() } else { registry };
    let is_official = registry == "docker.io" && !repository.contains('/');
    let library = if is_official { "library/" } else { "" };
    (registry, format!("{library}{repository}"), tag, digest)
}

fn is_what_everybody_reads(text: &str, image: &ImageRef) {
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?} is more than a name");
    assert_eq!(image.written(), text);
    let (registry, repository, tag, digest) = completed(text);
    assert_eq!((image.registry(), image.repository()), (&*registry, &*repository), "{text:?}");
    let tag = tag.or(digest.is_none().then_some("latest"));
    assert_eq!(image.tag(), tag, "{text:?}");
    assert_eq!(image.digest().map(|digest| digest.to_string()).as_deref(), digest, "{text:?}");

    let (host, port) = registry.split_once(':').map_or((&*registry, None), |(host, port)| (host, Some(port)));
    assert!(host.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')), "{text:?} has no host");
    assert!(!host.starts_with(['.', '-']) && !host.ends_with(['.', '-']) && !host.contains(".."), "{text:?}");
    assert!(port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 443)), "{text:?} has no port");
    for part in repository.split('/') {
        assert!(part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')), "{text:?}");
        let ends = |part: &str| part.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        let is_path = ends(part) || part.ends_with(['.', '-', '_']) || part.contains("..");
        assert!(!is_path, "{text:?} can be read as a path");
    }
    assert!(registry.len() + repository.len() < 255 && tag.is_none_or(|tag| (1..=128).contains(&tag.len())));

    let canonical = image.to_string();
    let again = ImageRef::parse(&canonical);
    assert_eq!(again.as_ref().map(ToString::to_string), Ok(canonical), "{text:?}");
    assert_eq!(again.as_ref(), Ok(image), "{text:?}");
}

fn is_pinned_once(image: &ImageRef) {
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let pinned = image.pinned(one);
    assert_eq!(ImageRef::parse(pinned.written()).as_ref(), Ok(&pinned));
    assert_eq!(pinned.digest(), image.digest().or(Some(one)));
    let parts = |image: &ImageRef| (image.registry().to_owned(), image.repository().to_owned());
    assert_eq!((parts(&pinned), pinned.tag()), (parts(image), image.tag()));
    assert_eq!(pinned.pinned(other).written(), pinned.written());
    let kept = image.written().split('@').next().unwrap();
    assert!(pinned.written().starts_with(kept), "the user's spelling is kept");
    for text in [image.by_digest(one), image.with_tag(&one.as_tag())] {
        assert_eq!(ImageRef::parse(&text).map(|beside| parts(&beside)), Ok(parts(image)), "{text}");
    }
}

/// In the first line an image, in each other one a rule's pattern behind a sign for what it decides.
pub fn pattern(data: &[u8]) -> bool {
    let text = lossy(data);
    let mut lines = text.split('\n');
    let Ok(image) = ImageRef::parse(lines.next().unwrap_or_default()) else { return false };
    let rules: Vec<(&str, &str)> = lines
        .take(32)
        .filter_map(|line| {
            let rest = line.strip_prefix('+').map(|pattern| ("allow", pattern));
            rest.or_else(|| Some(("deny", line.strip_prefix('-')?)))
        })
        .collect();
    let itself = [image.to_string(), image.written().to_owned()];
    for pattern in rules.iter().map(|(_, pattern)| *pattern).chain(itself.iter().map(String::as_str)) {
        if let Some(is_match) = chosen(pattern, &image) {
            assert_eq!(is_match, matches(pattern, &image), "{pattern:?} on {image}");
        }
    }
    assert_eq!(chosen(&itself[0], &image), Some(true), "{image} as a pattern");
    !rules.is_empty() && decides(&rules, &image)
}

fn settings(rules: &[(&str, &str)]) -> String {
    let rules: Vec<Value> =
        rules.iter().map(|(validator, pattern)| json!({"pattern": pattern, "validator": validator})).collect();
    let validators = json!([
        {"name": "allow", "type": "static", "approve": true},
        {"name": "deny", "type": "static", "approve": false},
    ]);
    json!({"validators": validators, "policy": rules}).to_string()
}

/// Does this pattern alone match? `None` where it is none.
fn chosen(pattern: &str, image: &ImageRef) -> Option<bool> {
    let settings = settings(&[("deny", pattern)]);
    let policy = Policy::load(&settings).unwrap();
    let rules = policy.rules(&BTreeSet::from([image.registry()])).ok()?;
    Some(matches!(rules.choose(image).unwrap(), Choice::Rule(_)))
}

/// Does it match by what `docs/reference/settings.md` says, read without any care for what is no pattern?
fn matches(pattern: &str, image: &ImageRef) -> bool {
    let (rest, digest) = pattern.split_once('@').map_or((pattern, None), |(rest, digest)| (rest, Some(digest)));
    let of_image = image.digest().map(|digest| digest.to_string());
    let is_digest = digest.is_none_or(|digest| of_image.is_some_and(|of_image| globs(digest, &of_image)));
    let after_slash = rest.rfind('/').map_or(0, |slash| slash + 1);
    let colon = rest[after_slash..].find(':').map(|colon| after_slash + colon);
    let (name, tag) = colon.map_or((rest, None), |colon| (&rest[..colon], Some(&rest[colon + 1..])));
    let is_tag = tag.is_none_or(|tag| tag == "*" || image.tag().is_some_and(|of_image| globs(tag, of_image)));
    if !is_tag || !is_digest || name == "*" {
        return is_tag && is_digest;
    }
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if first == "*" || first.contains(['.', ':']) || first == "localhost" => {
            (first.to_lowercase(), rest)
        }
        _ => ("docker.io".to_owned(), name),
    };
    let registry = if registry == "index.docker.io" { "docker.io".to_owned() } else { registry };
    if !globs(&registry, image.registry()) {
        return false;
    }
    let is_short = !repository.contains('/');
    let short = image.repository().strip_prefix("library/").filter(|_| image.registry() == "docker.io");
    match registry == "docker.io" && is_short && repository != "*" {
        true => short.is_some_and(|name| globs(repository, name)),
        false => globs(repository, image.repository()) || is_short && short.is_some_and(|name| globs(repository, name)),
    }
}

/// By the book: a table of which beginnings of one match which of the other.
fn globs(pattern: &str, text: &str) -> bool {
    let mut row: Vec<bool> = (0..=text.len()).map(|length| length == 0).collect();
    for byte in pattern.bytes() {
        let mut next = vec![byte == b'*' && row[0]];
        for (at, of_text) in text.bytes().enumerate() {
            next.push(match byte {
                b'*' => next[at] || row[at + 1],
                _ => row[at] && byte == of_text,
            });
        }
        row = next;
    }
    row[text.len()]
}

/// The closest of the rules that match decides. Is the image allowed?
fn decides(rules: &[(&str, &str)], image: &ImageRef) -> bool {
    let settings = settings(rules);
    let policy = Policy::load(&settings).unwrap();
    let Ok(of_registry) = policy.rules(&BTreeSet::from([image.registry()])) else { return false };
    let choice = of_registry.choose(image).unwrap();
    let fits = of_registry.fits(image).unwrap();
    let close: BTreeMap<usize, _> = fits
        .iter()
        .filter_map(|(at, fit)| match fit {
            Fit::Matches(_, closeness) => Some((*at, closeness)),
            _ => None,
        })
        .collect();
    for at in close.keys() {
        let (validator, pattern) = rules[*at];
        assert!(matches(pattern, image), "{pattern:?} on {image}");
        let tag_of = |pattern: &str| completed(pattern).2.filter(|tag| *tag != "*").is_some();
        let is_claim = validator == "allow" && image.digest().is_some() && tag_of(pattern);
        let names_digest = image.digest().is_some_and(|digest| pattern.ends_with(&digest.to_string()));
        assert!(!is_claim || names_digest, "{pattern:?} allows {image} by its tag");
    }
    let closest = close.values().copied().max();
    match choice {
        Choice::Rule(rule) => {
            assert_eq!(close.get(&rule.index()).copied(), closest, "a closer rule was passed over");
            let says = rules[rule.index()].0;
            let rivals = close.iter().filter(|(_, closeness)| Some(**closeness) == closest);
            assert!(rivals.into_iter().all(|(at, _)| rules[*at].0 == says), "a rule as close decides otherwise");
            says == "allow"
        }
        Choice::Tie(rule, other) => {
            for rule in [&rule, &other] {
                assert_eq!(close.get(&rule.index()).copied(), closest, "a closer rule was passed over");
            }
            assert_ne!(rules[rule.index()].0, rules[other.index()].0, "both decide alike");
            false
        }
        Choice::None(by_tag) => {
            assert!(close.is_empty(), "a rule that matches was passed over");
            let last = fits.iter().filter(|(_, fit)| matches!(fit, Fit::ByTagOnly(_))).map(|(at, _)| *at).next_back();
            assert_eq!(by_tag.map(|rule| rule.index()), last);
            false
        }
    }
}

/// A time as settings and the API server write it.
pub fn moment(data: &[u8]) -> bool {
    let text = lossy(data);
    let Some(moment) = UnixTime::parse(&text) else { return false };
    assert_eq!(UnixTime::parse(&moment.to_string()), Some(moment), "{text:?}");
    let digits: Vec<u64> = text.split(|c: char| !c.is_ascii_digit()).flat_map(str::parse).collect();
    let [year, month, day, hour, minute, second, ..] = digits[..] else { panic!("{text:?} is a moment") };
    let shape = text.bytes().take(19).map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    assert!(shape.eq(*b"0000-00-00T00:00:00") && text.ends_with('Z'), "{text:?} is a moment");
    let is_leap = |year: u64| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let month = usize::try_from(month).unwrap() - 1;
    assert!(year >= 1970 && day >= 1 && day <= months[month] && hour < 24 && minute < 60 && second < 60, "{text:?}");
    let days = before + months[..month].iter().sum::<u64>() + day - 1;
    assert_eq!(moment, UnixTime::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second), "{text:?}");
    for (offset, seconds) in [("-00:00", 0), ("+05:30", 19_800), ("-12:45", -45_900)] {
        let elsewhere = text.replace('Z', offset);
        let expected = moment.as_duration().as_secs().checked_add_signed(-seconds).map(UnixTime::from_secs);
        assert_eq!(UnixTime::parse_with_offset(&elsewhere), expected, "{elsewhere:?}");
    }
    assert_eq!(UnixTime::parse_with_offset(&text), Some(moment), "{text:?}");
    true
}
