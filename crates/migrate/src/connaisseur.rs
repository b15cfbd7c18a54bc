//! Which rule does Connaisseur 3.10 choose for an image, and by which name?
//!
//! Its matching, defects included, and nothing of ours: names as go-containerregistry completes them, patterns as globs without separators over
//! the whole name with a `*` at both ends, and its order of rules.

/// The registry of short names, as go-containerregistry writes it.
pub(super) const HUB: &str = "index.docker.io";
/// Most ways through the alternatives of a pattern.
const MAX_WAYS: usize = 256;
/// So many tokens of a pattern are compared with a name in about the time of one step.
const TOKENS_A_STEP: usize = 32;
/// Deepest nesting of alternatives.
const MAX_DEPTH: usize = 8;

/// An image's name as rules and patches see it: `registry/repository[:tag][@digest]`, or nothing where it is no reference.
pub fn name(image: &str) -> Option<String> {
    if let Some((context, tag)) = tag_form(image) {
        return Some(format!("{context}:{}", tag.unwrap_or("latest")));
    }
    let (context, digest) = digest_form(image)?;
    // The tag beside a digest is found by cutting off what the text shares with the end of the completed name. Where the text leaves `library/`
    // out behind a registry nothing is shared, and all of it becomes "the tag".
    let ends = context.char_indices().map(|(at, _)| context.get(at..).unwrap_or_default());
    let shared = ends.clone().find(|end| image.starts_with(end)).unwrap_or_default();
    let rest = image.strip_prefix(shared).unwrap_or(image);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let tag = rest.strip_suffix(&format!("@{digest}")).unwrap_or(rest);
    let tag = if tag.is_empty() { String::new() } else { format!(":{tag}") };
    Some(format!("{context}{tag}@{digest}"))
}

/// The completed repository and the tag of a text without a digest.
fn tag_form(text: &str) -> Option<(String, Option<&str>)> {
    let (base, tag) = match text.rsplit_once(':') {
        Some((base, tag)) if !tag.contains('/') => (base, Some(tag)),
        _ => (text, None),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match tag {
        Some(tag) if !(1..=128).contains(&tag.len()) || !tag.chars().all(word) => None,
        _ => Some((repository(base)?, tag)),
    }
}

fn digest_form(text: &str) -> Option<(String, &str)> {
    let (base, digest) = text.split_once('@')?;
    let hex = digest.strip_prefix("sha256:")?;
    if hex.len() != 64 || !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    match tag_form(base) {
        Some((context, _)) => Some((context, digest)),
        None => Some((repository(base)?, digest)),
    }
}

/// A repository with its registry, completed. Looser than the distribution project's grammar: `a//b` and a trailing `/` are fine.
fn repository(base: &str) -> Option<String> {
    let (registry, path) = match base.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) => (first, rest),
        _ => ("", base),
    };
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/');
    if !(1..=255).contains(&path.len()) || !path.chars().all(part) || !is_authority(registry) {
        return None;
    }
    let registry = if matches!(registry, "" | "docker.io") { HUB } else { registry };
    Some(match registry == HUB && !path.contains('/') {
        true => format!("{registry}/library/{path}"),
        false => format!("{registry}/{path}"),
    })
}

/// Would a URL have this host? Case is kept, and an empty port is one.
fn is_authority(registry: &str) -> bool {
    let (host, port) = registry.split_once(':').unwrap_or((registry, ""));
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~');
    host.chars().all(usable) && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// A pattern, ready to be compared.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    /// One for each way through its `{…}`, with the implicit stars, and a text that every name has which matches it.
    ways: Vec<(String, Way)>,
}

/// A pattern without alternatives, as its tokens.
pub(super) type Way = Vec<Token>;

/// A token of one of Connaisseur's patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Literal(char),
    /// `*`: any run of characters, none of them a separator.
    Any,
    /// `?`, which stands for any one character.
    One,
    /// `[…]`: one of these, or one of all others.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Pattern {
    /// Reads a pattern; Connaisseur ends with a panic at the first request where this is an error.
    pub fn parse(written: &str) -> Result<Pattern, &'static str> {
        let mut text = written.to_owned();
        if !text.starts_with('*') {
            text.insert(0, '*');
        }
        if !text.ends_with('*') {
            text.push('*');
        }
        let with_needle = |way: Way| (needle(&way), way);
        Ok(Pattern { written: written.to_owned(), ways: ways(&text)?.into_iter().map(with_needle).collect() })
    }

    /// The same with a star in place of each `?` and `[…]` of the ways that are not kept: it matches more, and is as specific.
    pub(super) fn widened(&self, is_kept: impl Fn(&[Token]) -> bool) -> Pattern {
        let wider = |way: &Way| -> Way {
            let star = |token: &Token| if let Token::Literal(c) = token { Token::Literal(*c) } else { Token::Any };
            way.iter().map(star).collect()
        };
        let widen =
            |(needle, way): &(String, Way)| (needle.clone(), if is_kept(way) { way.clone() } else { wider(way) });
        Pattern { written: self.written.clone(), ways: self.ways.iter().map(widen).collect() }
    }

    /// The work of matching one text, in steps.
    pub(super) fn cost(&self) -> usize {
        self.ways.iter().map(|(_, way)| 1 + way.len() / TOKENS_A_STEP).sum()
    }

    /// Whether this pattern matches the completed name `name` as one text.
    pub fn matches(&self, name: &str) -> bool {
        let could = |(needle, _): &&(String, Way)| name.contains(needle);
        let is_match = |(_, way): &(String, Way)| {
            let name: Vec<char> = name.chars().collect();
            matches(way, &name, |token, c| token.takes(*c))
        };
        self.ways.iter().filter(could).any(is_match)
    }

    /// Does it match every text that this one stands for, in which `*` is any run of characters?
    pub(super) fn covers(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        // What a star of the text stands for only a star of the pattern matches.
        self.ways.iter().any(|(_, way)| matches(way, &text, |token, c| *c != '*' && token.takes(*c)))
    }

    /// How specific it is for this name: of two, the greater one wins.
    pub fn specificity(&self, name: &str) -> Specificity {
        let mut of_name = name.split('/');
        let components: Vec<&str> = self.written.split('/').collect();
        Specificity {
            components: components.len(),
            prefixes: components.iter().map(|part| shared(part, of_name.next().unwrap_or_default())).collect(),
            lengths: components.iter().map(|part| part.len()).collect(),
        }
    }
}

/// The number of bytes that two components have in common at their beginning.
pub(super) fn shared(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// Connaisseur's order: more components, then the longer common prefix, then the longer component, from the left. Stars, tag and digest count
/// as parts of their component.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity {
    components: usize,
    prefixes: Vec<usize>,
    lengths: Vec<usize>,
}

/// The place of the rule that decides about this name: the most specific one, and the last of several that are equally so.
pub fn choose<'p>(patterns: impl IntoIterator<Item = &'p Pattern>, name: &str) -> Option<usize> {
    let matching = patterns.into_iter().enumerate().filter(|(_, pattern)| pattern.matches(name));
    matching.max_by_key(|(_, pattern)| pattern.specificity(name)).map(|(index, _)| index)
}

type Chars = std::iter::Peekable<std::vec::IntoIter<char>>;

/// Every way through the `{…}` of a glob.
pub(super) fn ways(glob: &str) -> Result<Vec<Way>, &'static str> {
    let mut rest = glob.chars().collect::<Vec<_>>().into_iter().peekable();
    let ways = sequence(&mut rest, 0)?;
    match rest.next() {
        None => Ok(ways),
        Some(_) => Err("it has a `}` that closes nothing"),
    }
}

/// The ways up to the end, or up to what ends an alternative.
fn sequence(rest: &mut Chars, depth: usize) -> Result<Vec<Way>, &'static str> {
    let mut ways = vec![Way::new()];
    while let Some(c) = rest.next_if(|c| *c != '}' && (depth == 0 || *c != ',')) {
        let next = match c {
            '*' => vec![vec![Token::Any]],
            '?' => vec![vec![Token::One]],
            '\\' => vec![vec![Token::Literal(rest.next().ok_or("it ends with a `\\`")?)]],
            '[' => vec![vec![class(rest)?]],
            '{' => alternatives(rest, depth)?,
            c => vec![vec![Token::Literal(c)]],
        };
        if ways.len() * next.len() > MAX_WAYS {
            return Err("it has more alternatives than anybody reads");
        }
        ways = ways.iter().flat_map(|way| next.iter().map(|next| joined(way, next))).collect();
    }
    Ok(ways)
}

/// The longest run of plain characters: most patterns are told apart by it, and quicker.
fn needle(way: &[Token]) -> String {
    let plain = |token: &Token| if let Token::Literal(c) = token { Some(*c) } else { None };
    let runs = way.split(|token| plain(token).is_none());
    runs.max_by_key(|run| run.len()).unwrap_or_default().iter().filter_map(plain).collect()
}

/// One way followed by another. Two stars in a row become one.
fn joined(way: &[Token], next: &[Token]) -> Way {
    let mut way = way.to_vec();
    for token in next {
        if !(*token == Token::Any && way.last() == Some(&Token::Any)) {
            way.push(token.clone());
        }
    }
    way
}

fn alternatives(rest: &mut Chars, depth: usize) -> Result<Vec<Way>, &'static str> {
    if depth > MAX_DEPTH {
        return Err("it has too many `{` in one another");
    }
    let mut all = Vec::new();
    loop {
        all.extend(sequence(rest, depth + 1)?);
        match rest.next() {
            Some(',') => {}
            Some('}') => return Ok(all),
            _ => return Err("it has a `{` that is not closed"),
        }
    }
}

fn class(rest: &mut Chars) -> Result<Token, &'static str> {
    const OPEN: &str = "it has a `[` that is not closed";
    let negated = rest.next_if_eq(&'!').is_some();
    let mut ranges = Vec::new();
    loop {
        match rest.next().ok_or(OPEN)? {
            ']' if !ranges.is_empty() => return Ok(Token::Class { ranges, negated }),
            ']' => return Err("it has an empty `[]`"),
            c => {
                let c = if c == '\\' { rest.next().ok_or(OPEN)? } else { c };
                // One range alone, or a list, in which `-` is a character like any other.
                if ranges.is_empty() && rest.next_if_eq(&'-').is_some() {
                    let to = rest.next().filter(|c| *c != ']').ok_or(OPEN)?;
                    return match rest.next().ok_or(OPEN)? {
                        ']' => Ok(Token::Class { ranges: vec![(c, to)], negated }),
                        _ => Err("it has a range and more in one `[…]`"),
                    };
                }
                ranges.push((c, c));
            }
        }
    }
}

/// Does the whole text match? Goes back to the last star only, so the work is at most the product of both lengths.
fn matches(mut way: &[Token], mut text: &[char], takes: impl Fn(&Token, &char) -> bool) -> bool {
    let mut last_star: Option<(&[Token], &[char])> = None;
    loop {
        match (way, text) {
            ([Token::Any, rest @ ..], _) => {
                last_star = Some((rest, text));
                way = rest;
            }
            ([token, rest @ ..], [c, text_rest @ ..]) if takes(token, c) => (way, text) = (rest, text_rest),
            ([], []) => return true,
            _ => match last_star {
                Some((after_star, [_, shorter @ ..])) => {
                    last_star = Some((after_star, shorter));
                    (way, text) = (after_star, shorter);
                }
                _ => return false,
            },
        }
    }
}

impl Token {
    /// Whether this token, which stands for one character, takes `c`.
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Literal(literal) => *literal == c,
            Token::One => true,
            Token::Class { ranges, negated } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
            Token::Any => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn names_are_completed() {
        let d = |text: &str| text.replace('#', DIGEST);
        // the image, its name; what the fact sheet (section 1) says of it
        let rows = [
            ("nginx", Some("index.docker.io/library/nginx:latest"), "no tag is latest"),
            ("docker.io/nginx:1", Some("index.docker.io/library/nginx:1"), "docker.io is index.docker.io"),
            ("acme/app:1", Some("index.docker.io/acme/app:1"), "an account"),
            ("localhost/x:1", Some("index.docker.io/localhost/x:1"), "a bare localhost is no registry"),
            ("localhost:5000/x", Some("localhost:5000/x:latest"), "with a port it is"),
            ("my.reg:5000/a/b", Some("my.reg:5000/a/b:latest"), "a port is no tag"),
            ("GHCR.io/a", Some("GHCR.io/a:latest"), "a registry keeps its case"),
            ("redis@#", Some("index.docker.io/library/redis@#"), "a digest without a tag has no latest"),
            ("redis:7@#", Some("index.docker.io/library/redis:7@#"), "tag and digest are both kept"),
            ("docker.io/library/redis:7@#", Some("index.docker.io/library/redis:7@#"), "in full"),
            (
                "docker.io/redis@#",
                Some("index.docker.io/library/redis:docker.io/redis@#"),
                "the defect: what comes before the digest becomes a tag",
            ),
            (
                "docker.io/redis:7@#",
                Some("index.docker.io/library/redis:docker.io/redis:7@#"),
                "the defect, with a tag",
            ),
            ("a//b/", Some("index.docker.io/a//b/:latest"), "looser than the distribution grammar"),
            ("Upper", None, "a repository has no upper case"),
            ("x:", None, "an empty tag"),
            ("", None, "nothing"),
            ("x@sha512:abc", None, "another algorithm"),
            ("x@sha256:abc", None, "a short digest"),
        ];
        for (image, expected, why) in rows {
            assert_eq!(name(&d(image)), expected.map(d), "{why}: {image}");
        }
    }

    #[test]
    fn a_name_that_lost_its_tag_is_no_image() {
        // The last check reads the name once more.
        for (image, expected) in [("docker.io/redis@#", false), ("redis:7@#", true)] {
            let name = name(&image.replace('#', DIGEST)).unwrap();
            assert_eq!(super::name(&name).is_some(), expected, "{image}");
        }
    }

    #[test]
    fn matching() {
        let rows = [
            ("registry.k8s.io/*:*", "attacker.com/registry.k8s.io/malware:1", true, "a name that contains it"),
            ("registry.k8s.io/*:*", "evilregistry.k8s.io/x:1", true, "a registry that ends with it"),
            ("docker.io/x", "index.docker.io/x:1", true, "the implicit leading star"),
            ("docker.io/x", "mydocker.io/x:1", true, "the implicit leading star, for somebody else"),
            ("docker.io/o/img", "index.docker.io/o/img-evil:1", true, "the implicit trailing star"),
            ("docker.io/o/img", "index.docker.io/o/img/sub:1", true, "the implicit trailing star"),
            ("*:*", "index.docker.io/library/redis@sha256:aa", true, "the colon of sha256:"),
            ("docker.io/test:*", "index.docker.io/library/test:tag", false, "library/ is in between (#1517)"),
            ("a.io/**/b", "a.io/x/y/b:1", true, "two stars are one"),
            ("a.io/?:1", "a.io/b:1", true, "any one character"),
            ("a.io/?:1", "a.io/bb:1", false, "exactly one"),
            ("a.io/[ab]:1", "a.io/b:1", true, "a class"),
            ("a.io/[a-c]:1", "a.io/b:1", true, "a range"),
            ("a.io/[!a-c]:1", "a.io/b:1", false, "none of a range"),
            ("a.io/[!a-c]:1", "a.io/d:1", true, "none of a range"),
            ("a.io/app[ab-d]:1", "a.io/appc:1", false, "in a list a `-` is a character"),
            ("a.io/app[ab-d]:1", "a.io/app-:1", true, "like any other"),
            ("a.io/{x,y/z}:1", "a.io/y/z:1", true, "alternatives"),
            ("a.io/{x,y/z}:1", "a.io/z:1", false, "alternatives"),
            ("a.io/{x,y{1,2}}:1", "a.io/y2:1", true, "alternatives in one another"),
            ("a.io/\\*", "a.io/x:1", false, "an escaped star is one"),
            ("a.io/,:1", "a.io/,:1", true, "a comma outside of alternatives"),
        ];
        for (pattern, name, expected, why) in rows {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(name), expected, "{why}: {pattern} on {name}");
        }
        for pattern in ["a{b", "a}b", "a[b", "a[]", "a{b\\", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"] {
            assert!(Pattern::parse(pattern).is_err(), "Connaisseur panics, or nobody means it: {pattern}");
        }
    }

    #[test]
    fn covering() {
        let rows = [
            ("a.io/*", "a.io/x*:*", true, "a star of the pattern takes a star of the text"),
            ("a.io/x", "a.io/x:*", true, "the implicit star too"),
            ("a.io/x:*", "a.io/x*", false, "the text stands for names without a colon"),
            ("a.io/?", "a.io/*", false, "a star may stand for nothing"),
            ("a.io/*", "*/x", false, "or for another registry"),
        ];
        for (pattern, text, expected, why) in rows {
            assert_eq!(Pattern::parse(pattern).unwrap().covers(text), expected, "{why}: {pattern} on {text}");
        }
    }

    #[test]
    fn the_rule_that_decides() {
        const SAMPLE: &str = "docker.io/securesystemsengineering/sample:v1";
        // two patterns, the name, the place of the one that decides
        let rows = [
            (["*:*", "*/*"], SAMPLE, 1, "more components"),
            (["docker*/*", "*/*/*"], SAMPLE, 1, "more components"),
            (["*", "*:*"], SAMPLE, 1, "a longer component"),
            (["*/*", "docker*/*"], SAMPLE, 1, "a longer prefix"),
            (["*/*/image:v1", "*/sam*/*"], "docker.io/sam/image:v1", 1, "the component that is further left"),
            (["docker.i*/s*", "docker.io/*"], SAMPLE, 1, "a longer prefix beats a longer component"),
            (["*:test", "*/*"], "docker.io/x:test", 1, "a tag is no component"),
            (["x/sample:*", "x/sample:v*"], "docker.io/x/sample:v1", 1, "but counts as length"),
            (
                ["docker.io/foo/*", "i*/foo/*"],
                "index.docker.io/foo/x:1",
                1,
                "`i*` shares a letter with index, `docker` none",
            ),
            (["my.reg/*", "*:*"], "my.reg/x:1", 0, "whatever the order"),
            (["a.io/x*y*", "a.io/x*z*"], "a.io/x-y-z:1", 1, "of two that tie the later one"),
            (["a.io/x*z*", "a.io/x*y*"], "a.io/x-y-z:1", 1, "in the other order too"),
        ];
        for (patterns, name, expected, why) in rows {
            let patterns = patterns.map(|pattern| Pattern::parse(pattern).unwrap());
            assert_eq!(choose(&patterns, name), Some(expected), "{why}");
        }
        assert_eq!(choose(&[Pattern::parse("a.io/x").unwrap()], "b.io/x:1"), None, "none matches");
    }
}
