//! Which images does a pattern stand for, part by part? Sets of names: what a pattern of Connaisseur's was meant to match, all that it matches, and
//! what two of them have in common.

mod meant;
#[cfg(test)]
mod tests;

pub(super) use meant::{meant, meant_of};
use std::{cell::Cell, collections::BTreeSet, fmt};

use super::connaisseur::{HUB, Pattern};

/// Connaisseur's name for [`HUB`].
const DOCKER_HUB: &str = "docker.io";
/// How many stars of a pattern are kept where only the images are told apart that it can't match.
const KEPT_STARS: usize = 3;
/// Most sets that two patterns have in common; more are not looked at one by one.
const MAX_COMMON: usize = 64;
/// What it costs to compare two globs at one place, in steps: texts are written.
const A_MEETING: usize = 16;
/// Most sets that one pattern is read as.
const MAX_ALL: usize = 1_000;

/// A budget of comparing steps, which counts those that are left.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn of(steps: usize) -> Budget {
        Budget(Cell::new(steps))
    }

    /// Takes one step; false where none is left.
    pub(super) fn spend(&self) -> bool {
        self.spend_many(1)
    }

    /// Takes so many steps; false where fewer are left.
    pub(super) fn spend_many(&self, steps: usize) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(steps));
        left >= steps
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left() == 0
    }

    pub(super) fn left(&self) -> usize {
        self.0.get()
    }
}

/// The images that one pattern of ours matches. In each part `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Names {
    pub(super) registry: String,
    pub(super) repository: String,
    /// The tag, as a pattern. Without one, any tag and no tag match.
    pub(super) tag: Option<String>,
    /// The digest, as a pattern. Without one, any digest and no digest match.
    pub(super) digest: Option<String>,
}

/// Writes the set as a pattern of the settings.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.registry, &*self.repository) {
            ("*", "*") => f.write_str("*")?,
            (registry, repository) => write!(f, "{registry}/{repository}")?,
        }
        match (&self.tag, &self.digest) {
            (None, None) => f.write_str(":*")?,
            (Some(tag), _) => write!(f, ":{tag}")?,
            (None, Some(_)) => {}
        }
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl Names {
    /// Does `pattern` match every one of these, as Connaisseur writes them? An image by its digest is asked for in one way only, with any tag or with
    /// none: who can write the one can write the other.
    pub(super) fn are_covered_by(&self, pattern: &Pattern) -> bool {
        self.texts(!self.is_by_digest()).iter().all(|text| pattern.covers(text))
    }

    /// Whether `pattern` also matches the other spellings of these images.
    pub(super) fn other_spellings_are_covered_by(&self, pattern: &Pattern) -> bool {
        self.tag.is_some() || self.texts(self.is_by_digest()).iter().all(|text| pattern.covers(text))
    }

    /// Are they asked for by their digest alone?
    pub(super) fn is_by_digest(&self) -> bool {
        self.digest.is_some() && self.tag.is_none()
    }

    fn texts(&self, with_tag: bool) -> Vec<String> {
        let mut names = vec![format!("{}/{}", self.registry, self.repository)];
        if self.registry == DOCKER_HUB {
            names.clear();
        }
        if is_match(&self.registry, DOCKER_HUB) {
            names.push(format!("{HUB}/{}", self.repository));
        }
        names.extend(self.official().map(|official| format!("{HUB}/{}", official.repository)));
        if is_match(&self.registry, "localhost") {
            names.retain(|name| !name.starts_with("localhost/"));
            names.push(format!("{HUB}/localhost/{}", self.repository));
        }
        let tag = self.tag.as_deref().unwrap_or("*");
        let digest = self.digest.as_deref();
        let ends = match (with_tag, digest) {
            (true, None) => vec![format!(":{tag}"), format!(":{tag}@sha256:*")],
            (true, Some(digest)) => vec![format!(":{tag}@{digest}")],
            (false, digest) => vec![format!("@{}", digest.unwrap_or("sha256:*"))],
        };
        names.iter().flat_map(|name| ends.iter().map(move |end| format!("{name}{end}"))).collect()
    }

    /// The names that both sets match, or nothing if these are too many.
    pub(super) fn common(&self, other: &Names, budget: &Budget) -> Option<Vec<Names>> {
        let mut found = BTreeSet::new();
        for (a, b) in
            self.with_official().iter().flat_map(|a| other.with_official().into_iter().map(move |b| (a.clone(), b)))
        {
            let optional = |a: &Option<String>, b: &Option<String>| match (a, b) {
                (Some(a), Some(b)) => Some(meet(a, b, budget)?.into_iter().map(Some).collect()),
                (a, b) => Some(vec![a.clone().or_else(|| b.clone())]),
            };
            let (registries, repositories) =
                (meet(&a.registry, &b.registry, budget)?, meet(&a.repository, &b.repository, budget)?);
            let (tags, digests) = (optional(&a.tag, &b.tag)?, optional(&a.digest, &b.digest)?);
            for registry in registries.iter().flat_map(|registry| registries_of(registry)) {
                for repository in repositories.iter().flat_map(|repository| repositories_of(&registry, repository)) {
                    for (tag, digest) in tags.iter().flat_map(|tag| digests.iter().map(move |digest| (tag, digest))) {
                        let (tag, digest) = (tag.clone(), digest.clone());
                        found.insert(Names { registry: registry.clone(), repository: repository.clone(), tag, digest });
                    }
                }
            }
            if found.len() > MAX_COMMON {
                return None;
            }
        }
        Some(found.into_iter().collect())
    }

    /// Whether `other` matches every image that this set matches.
    fn is_within(&self, other: &Names) -> bool {
        let part = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (_, None) => true,
            (Some(a), Some(b)) => is_match(b, a),
            (None, Some(_)) => false,
        };
        is_match(&other.registry, &self.registry)
            && is_match(&other.repository, &self.repository)
            && part(&self.tag, &other.tag)
            && part(&self.digest, &other.digest)
    }

    /// The components that all of these begin with, as Connaisseur writes them. The last one is not known: the tag is a part of it there.
    pub(super) fn known(&self) -> Vec<String> {
        let registry = if self.registry == DOCKER_HUB { HUB } else { &self.registry };
        let mut all: Vec<&str> = std::iter::once(registry).chain(self.repository.split('/')).collect();
        all.pop();
        // A bare localhost is an account there.
        all.into_iter().take_while(|part| !part.contains('*') && *part != "localhost").map(str::to_owned).collect()
    }

    /// Whether this set holds the completed name `image`.
    pub(super) fn hold(&self, image: &str) -> bool {
        let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        let (registry, repository) = name.split_once('/').unwrap_or_default();
        let part = |glob: &Option<String>, text: Option<&str>| {
            glob.as_ref().is_none_or(|glob| text.is_some_and(|text| is_match(glob, text)))
        };
        let is_here = |names: &Names| is_match(&names.registry, registry) && is_match(&names.repository, repository);
        self.with_official().iter().any(is_here) && part(&self.tag, tag) && part(&self.digest, digest)
    }

    /// The official images that one component under a registry with a star stands for here (`*/nginx`).
    fn official(&self) -> Option<Names> {
        let is_one = !self.repository.contains('/') && self.repository != "*" && self.registry != DOCKER_HUB;
        (is_one && is_match(&self.registry, DOCKER_HUB)).then(|| Names {
            registry: DOCKER_HUB.to_owned(),
            repository: format!("library/{}", self.repository),
            ..self.clone()
        })
    }

    fn with_official(&self) -> Vec<Names> {
        std::iter::once(self.clone()).chain(self.official()).collect()
    }

    /// Some of these images, each unlike what anybody writes but for what the pattern says, and for `words`: what components of other patterns
    /// begin with, because it counts how much of that an image shares.
    pub(super) fn samples(&self, words: &[&str]) -> BTreeSet<String> {
        let hosts = |glob: &str| filled(glob, &["zq9", "z", "", "zq9.zq"], words);
        let mut registries = match self.registry.split_once(':') {
            None => hosts(&self.registry),
            Some((host, port)) => {
                let ports = filled(port, &["5000", "5", ""], &[]);
                let with_ports =
                    |host: String| ports.iter().map(move |port| format!("{host}:{port}")).collect::<Vec<_>>();
                hosts(host).into_iter().flat_map(with_ports).collect()
            }
        };
        if self.registry == "*" {
            registries = ["zq9.example", "docker.io", "localhost"].map(str::to_owned).to_vec();
            registries.extend(words.iter().flat_map(|word| [(*word).to_owned(), format!("{word}.zq9")]));
        }
        let repositories = filled(&self.repository, &["zq9", "zq9/zq9", "z", ""], words);
        // Any tag is as good as another one where none is written.
        let tags: Vec<String> =
            self.tag.as_deref().map_or(vec!["zq9".to_owned()], |tag| filled(tag, &["zq9", "z", ""], &[]));
        let digests: Vec<String> = filled(self.digest.as_deref().unwrap_or("sha256:*"), &["a", ""], &[]);
        let mut ends = Vec::new();
        for digest in digests.iter().take(2).map(|digest| format!("@{digest:a<71}")) {
            if self.tag.is_none() {
                ends.push(digest.clone());
            }
            ends.extend(tags.iter().filter(|tag| !tag.is_empty()).map(|tag| format!(":{tag}{digest}")));
        }
        if self.digest.is_none() {
            ends.extend(tags.iter().filter(|tag| !tag.is_empty()).map(|tag| format!(":{tag}")));
        }
        let name = |registry: &String| {
            repositories.iter().map(|repository| format!("{registry}/{repository}")).collect::<Vec<_>>()
        };
        let names = registries.iter().flat_map(name);
        names.flat_map(|name| ends.iter().map(move |end| format!("{name}{end}")).collect::<Vec<_>>()).collect()
    }
}

/// A text for each filling of all stars at once, and of one star at a time; of `words` what is left where the component begins like one.
fn filled(pattern: &str, fillings: &[&str], words: &[&str]) -> Vec<String> {
    let parts: Vec<&str> = pattern.split('*').collect();
    let mut texts: BTreeSet<String> = fillings.iter().map(|filling| parts.join(filling)).collect();
    let stars = parts.len().saturating_sub(1);
    let left_of = |at: usize| -> Vec<&str> {
        let before = parts.get(at).and_then(|part| part.rsplit('/').next()).unwrap_or_default();
        words.iter().filter_map(|word| word.strip_prefix(before)).collect()
    };
    let join = |fill: &dyn Fn(usize) -> String| {
        let filling = |at: usize| if at < stars { fill(at) } else { String::new() };
        parts.iter().enumerate().map(|(at, part)| format!("{part}{}", filling(at))).collect::<String>()
    };
    for at in 0..stars {
        for one in fillings.iter().copied().chain(left_of(at)) {
            let others = ["zq9", ""];
            texts.extend(others.map(|other| join(&|i| if i == at { one.to_owned() } else { other.to_owned() })));
        }
    }
    texts.insert(join(&|at| left_of(at).first().copied().unwrap_or("zq9").to_owned()));
    texts.insert(join(&|at| left_of(at).last().copied().unwrap_or("zq9").to_owned()));
    texts.into_iter().collect()
}

/// Does `text` match `glob`, in which `*` stands for any run of characters?
pub(super) fn is_match(glob: &str, text: &str) -> bool {
    let mut rest = text;
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The globs of what two globs both match; nothing where there are too many.
fn meet(a: &str, b: &str, budget: &Budget) -> Option<BTreeSet<String>> {
    if !budget.spend_many(A_MEETING) {
        return None;
    }
    let mut found = BTreeSet::new();
    if a == "*" || a == b {
        found.insert(b.to_owned());
        return Some(found);
    }
    if b == "*" {
        found.insert(a.to_owned());
        return Some(found);
    }
    // What is left of both, and what they have in common so far.
    let mut open = vec![(a, b, String::new())];
    let mut seen = BTreeSet::new();
    while let Some((a, b, common)) = open.pop() {
        if !budget.spend_many(A_MEETING) || seen.len() > 20_000 || found.len() > MAX_COMMON {
            return None;
        }
        if !seen.insert((a.len(), b.len(), common.clone())) {
            continue;
        }
        let star = || if common.ends_with('*') { common.clone() } else { format!("{common}*") };
        match (a.chars().next(), b.chars().next()) {
            (None, None) => drop(found.insert(common)),
            (Some('*'), Some('*')) => {
                let (a_rest, b_rest) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
                open.push((a_rest, b, star()));
                open.push((a, b_rest, star()));
            }
            (Some('*'), other) => {
                open.push((a.get(1..).unwrap_or_default(), b, common.clone()));
                if let Some(c) = other {
                    open.push((a, b.get(c.len_utf8()..).unwrap_or_default(), format!("{common}{c}")));
                }
            }
            (other, Some('*')) => {
                open.push((a, b.get(1..).unwrap_or_default(), common.clone()));
                if let Some(c) = other {
                    open.push((a.get(c.len_utf8()..).unwrap_or_default(), b, format!("{common}{c}")));
                }
            }
            (Some(c), Some(d)) if c == d => {
                let (a, b) = (a.get(c.len_utf8()..).unwrap_or_default(), b.get(c.len_utf8()..).unwrap_or_default());
                open.push((a, b, format!("{common}{c}")));
            }
            _ => {}
        }
    }
    Some(found)
}

/// A glob that matches whatever this one matches, and more: what stands between its first stars and its last one is one star.
pub(super) fn with_fewer_stars(glob: &str) -> String {
    let parts: Vec<&str> = glob.split('*').collect();
    match parts.as_slice() {
        [first @ .., last] if first.len() > KEPT_STARS => {
            let kept: Vec<&str> = first.iter().take(KEPT_STARS).copied().chain([*last]).collect();
            kept.join("*")
        }
        _ => glob.to_owned(),
    }
}

/// How a registry part is written: a host that is none by its look needs a dot or a colon.
fn registries_of(glob: &str) -> Vec<String> {
    let is_plain = glob == "*" || glob == "localhost" || glob.contains(['.', ':']);
    let mut found = Vec::new();
    match is_plain {
        true => found.push(glob.to_ascii_lowercase()),
        false => {
            for (at, _) in glob.match_indices('*') {
                let (left, right) = (glob.get(..at).unwrap_or_default(), glob.get(at + 1..).unwrap_or_default());
                found.extend([format!("{left}*.*{right}"), format!("{left}*:*{right}")]);
            }
            found.extend([DOCKER_HUB, "localhost"].into_iter().filter(|host| is_match(glob, host)).map(str::to_owned));
        }
    }
    found.retain(|registry| !registry.is_empty());
    found
}

/// How a repository part is written: every name on Docker Hub has two components.
fn repositories_of(registry: &str, glob: &str) -> Vec<String> {
    if registry != DOCKER_HUB || glob.contains('/') || glob == "*" {
        return vec![glob.to_owned()];
    }
    let split = |(at, _)| Some(format!("{}*/*{}", glob.get(..at)?, glob.get(at + 1..)?));
    let slash = |text: String| text.strip_suffix("/*").map(|left| format!("{left}/*")).unwrap_or(text);
    glob.match_indices('*').filter_map(split).map(slash).collect()
}

/// Everything that a pattern of Connaisseur's matches, and in odd corners more: with its implicit stars, wherever they end the registry, the
/// repository and the tag. Nothing where that is too much to say.
pub(super) fn all(glob: &str, budget: &Budget) -> Option<Vec<Names>> {
    let first = if glob.starts_with('*') { "" } else { "*" };
    let last = if glob.ends_with('*') { "" } else { "*" };
    let glob = format!("{first}{glob}{last}");
    let mut found = BTreeSet::new();
    for (registry, rest) in cuts(&glob, '/').into_iter().filter(|(registry, _)| !registry.contains('/')) {
        let mut registries = registries_of(&registry);
        if is_match(&registry, HUB) && registry != "*" {
            registries.push(DOCKER_HUB.to_owned());
        }
        for (name, tag, digest) in ends(&rest) {
            let mut places: Vec<(String, String)> = Vec::new();
            for registry in &registries {
                let repositories = repositories_of(registry, &name);
                places.extend(repositories.into_iter().map(|repository| (registry.clone(), repository)));
            }
            if is_match(&registry, HUB) {
                // What is an account of Docker Hub there is the registry `localhost` here.
                let local = cuts(&name, '/').into_iter().filter(|(left, _)| is_match(left, "localhost"));
                places.extend(local.map(|(_, repository)| ("localhost".to_owned(), repository)));
            }
            for (registry, repository) in places {
                let names = Names { registry, repository, tag: tag.clone(), digest: digest.clone() };
                if !budget.spend() || found.len() > MAX_ALL {
                    return None;
                }
                if names.are_possible() {
                    found.insert(names);
                }
            }
        }
    }
    let all: Vec<Names> = found.into_iter().collect();
    let is_within_another = |a: &Names| all.iter().any(|b| a != b && budget.spend() && a.is_within(b));
    let widest = all.iter().filter(|a| !is_within_another(a)).cloned().collect();
    (!budget.is_spent()).then_some(widest)
}

/// Every way to end one part and begin the next: at the separator itself, or inside of a star.
fn cuts(glob: &str, separator: char) -> Vec<(String, String)> {
    let cut = |(at, c): (usize, char)| {
        let (left, right) = (glob.get(..at).unwrap_or_default(), glob.get(at + c.len_utf8()..).unwrap_or_default());
        match c {
            '*' => Some((format!("{left}*"), format!("*{right}"))),
            c if c == separator => Some((left.to_owned(), right.to_owned())),
            _ => None,
        }
    };
    glob.char_indices().filter_map(cut).collect()
}

/// Every way to read what follows the registry as repository, tag and digest.
fn ends(rest: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let mut found = Vec::new();
    for (name, digest) in cuts(rest, '@') {
        for hex in behind(&digest, "sha256:") {
            let digest = Some(format!("sha256:{hex}"));
            for (name, tag) in cuts(&name, ':') {
                found.push((name, tag_of(tag), digest.clone()));
            }
            found.push((name.clone(), None, digest));
        }
    }
    for (name, tag) in cuts(rest, ':') {
        found.push((name, tag_of(tag), None));
    }
    found.push((rest.to_owned(), None, None));
    found
}

/// The rests of a glob that can follow this text.
fn behind(glob: &str, text: &str) -> BTreeSet<String> {
    let Some(c) = text.chars().next() else { return BTreeSet::from([glob.to_owned()]) };
    let rest = text.get(c.len_utf8()..).unwrap_or_default();
    match glob.chars().next() {
        Some('*') => {
            let mut found = behind(glob, rest);
            found.extend(behind(glob.get(1..).unwrap_or_default(), text));
            found
        }
        Some(first) if first == c => behind(glob.get(c.len_utf8()..).unwrap_or_default(), rest),
        _ => BTreeSet::new(),
    }
}

fn tag_of(tag: String) -> Option<String> {
    (tag != "*").then_some(tag)
}
