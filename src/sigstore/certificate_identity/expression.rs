//! Does this regular expression match names as a whole?
//!
//! An expression has to say where it begins and where it ends, because one that does not is met by names that only contain what was meant. What is refused for
//! that is answered with the expression that was probably meant.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use crate::text::Shown;

/// Longest regular expression, in bytes.
const MAX_REGEX: usize = 512;
/// Most memory of a compiled one, in bytes: some two thousand states, each of which can cost a step for every character of a name.
const MAX_COMPILED: usize = 100_000;
/// Deepest nesting of one.
const MAX_NESTED: u32 = 20;

/// A regular expression that is matched as a whole.
#[derive(Debug, Clone)]
pub struct Anchored {
    text: String,
    regex: Regex,
}

/// Why a text can't be used as a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegexError {
    /// It is no expression that is known here.
    Syntax(String),
    /// It, or what it compiles to, is too large.
    TooLarge,
    /// It does not say where it begins and ends. This one does, if one could be found.
    Loose(Option<String>),
}

impl Anchored {
    /// Reads a regular expression. No engine here backtracks: a match takes time in proportion to the name and the expression.
    ///
    /// # Errors
    /// When it is none, too large, or not anchored at both ends.
    pub fn read(text: &str) -> Result<Anchored, RegexError> {
        if text.len() > MAX_REGEX {
            return Err(RegexError::TooLarge);
        }
        // By itself first: within a group, a `)` too many would look like the group's own.
        compile(text)?;
        // Whatever it says of its ends: it has to match all of a name.
        let regex = compile(&format!(r"\A(?:{text})\z"));
        match Ends::of(text).is_whole() {
            true => Ok(Anchored { text: text.to_owned(), regex: regex? }),
            false => Err(RegexError::Loose(advice(text))),
        }
    }

    /// The expression as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn compile(text: &str) -> Result<Regex, RegexError> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED).nest_limit(MAX_NESTED).build().map_err(|error| {
        // The library tells these apart in words only.
        match error.to_string() {
            words if words.contains("size limit") || words.contains("nest") => RegexError::TooLarge,
            words => RegexError::Syntax(words),
        }
    })
}

/// What an expression says of its ends, outside of groups and classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    /// It begins with `^` or `\A`.
    starts: bool,
    /// It ends with `$` or `\z`.
    ends: bool,
    /// It has alternatives, each with ends of its own.
    is_split: bool,
}

impl Ends {
    fn of(text: &str) -> Ends {
        let starts = text.starts_with('^') || text.starts_with(r"\A");
        let (mut depth, mut in_class, mut ends, mut is_split) = (0_usize, false, false, false);
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            ends = false;
            match c {
                '\\' => ends = chars.next() == Some('z') && !in_class && depth == 0,
                '[' if !in_class => {
                    in_class = true;
                    // A bracket that comes first is itself one of the class.
                    let rest = chars.as_str();
                    let skipped = rest.strip_prefix('^').unwrap_or(rest);
                    chars = skipped.strip_prefix(']').unwrap_or(skipped).chars();
                }
                ']' if in_class => in_class = false,
                _ if in_class => {}
                '(' => depth = depth.saturating_add(1),
                ')' => depth = depth.saturating_sub(1),
                '|' if depth == 0 => is_split = true,
                '$' => ends = depth == 0,
                _ => {}
            }
        }
        Ends { starts, ends, is_split }
    }

    fn is_whole(self) -> bool {
        self.starts && self.ends && !self.is_split
    }
}

/// The expression that was probably meant: from end to end, matching at least the names that `text` matches as a whole. One that says where it begins and not
/// where it ends was meant for everything that begins so, and one with the `/*` of a shell, too.
fn advice(text: &str) -> Option<String> {
    // A YAML block ends in a line end.
    let text = text.trim_end_matches('\n');
    let opened = text.trim_start_matches('(').trim_start_matches("?:").trim_start_matches('(');
    // Flags count for all that follows, so they stay where they are.
    let (_, rest) = flags(text);
    let Ends { starts, ends, is_split } = Ends::of(rest);
    let body = rest.strip_prefix('^').or_else(|| rest.strip_prefix(r"\A")).unwrap_or(rest);
    let (body, is_shell) = match body.strip_suffix("/*") {
        Some(body) => (format!("{body}/"), true),
        None => (body.to_owned(), false),
    };
    // A plain text may end with `$`.
    let (body, end) = match (Ends::of(rest).ends, body.strip_suffix('$')) {
        (true, Some(body)) => (body.to_owned(), "$"),
        (true, None) => (body, ""),
        (false, _) => (body, "$"),
    };
    let is_plain = body.chars().all(|c| c.is_ascii_alphanumeric() || "/:@._-%~#&=, ".contains(c));
    // Also within a group that is all of it.
    let starts = starts || [opened, flags(opened).1, after_flags(opened)].iter().any(|inner| inner.starts_with('^'));
    let inner = rest.trim_end_matches(')');
    let ends = ends || (inner.ends_with('$') && !inner.ends_with(r"\$"));
    let is_beginning = (starts && !ends) || (is_plain && body.ends_with('/'));
    let has_any =
        [".*", ".+"].iter().any(|any| body.ends_with(any)) && !body.ends_with(r"\.*") && !body.ends_with(r"\.+");
    let any = if is_beginning && !has_any { ".*" } else { "" };
    // A dot between letters is nearly always meant for one.
    let literal = if is_plain { body.replace('.', r"\.") } else { body.clone() };
    let before = if is_plain && body.starts_with('@') { ".*" } else { "" };
    let whole = if is_beginning { ".*" } else { "" };
    let is_bare = rest.len() == text.len() && !is_split && (!body.starts_with('(') || any.is_empty());
    let candidates = [
        (is_bare || is_shell).then(|| format!("^{before}{literal}{any}{end}")),
        Some(format!("^(?:{text}){whole}$")),
        // The last line may be a comment.
        Some(format!("^(?:{text}\n){whole}$")),
    ];
    candidates.into_iter().flatten().find(|text| Anchored::read(text).is_ok())
}

/// The flags that an expression begins with, and the rest of it.
fn flags(text: &str) -> (&str, &str) {
    let end =
        text.strip_prefix("(?").and_then(|rest| rest.split_once(')')).map(|(flags, _)| flags.len().saturating_add(3));
    let is_flags = |end: &usize| {
        text.get(2..end.saturating_sub(1)).is_some_and(|flags| flags.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    text.split_at_checked(end.filter(is_flags).unwrap_or(0)).unwrap_or(("", text))
}

/// What stands behind the flags of a group, as in `?i:`.
fn after_flags(group: &str) -> &str {
    let flags = group.strip_prefix('?').and_then(|rest| rest.split_once(':'));
    flags.filter(|(flags, _)| flags.bytes().all(|byte| byte.is_ascii_lowercase())).map_or(group, |(_, rest)| rest)
}

impl PartialEq for Anchored {
    fn eq(&self, other: &Anchored) -> bool {
        self.text == other.text
    }
}

impl Eq for Anchored {}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegexError::Syntax(words) => write!(f, "is not a valid regular expression: {}", Shown(words)),
            RegexError::TooLarge => {
                write!(f, "is too large: expected at most {MAX_REGEX} bytes, with few repetitions and little nesting")
            }
            RegexError::Loose(whole) => {
                f.write_str("is not anchored at both ends, so it would also match longer names that contain it; ")?;
                // As it is to be written, where it can be printed.
                match whole.as_ref().filter(|whole| whole.bytes().all(|byte| matches!(byte, b' '..=b'~'))) {
                    Some(whole) => write!(f, "write `{whole}`"),
                    None => write!(f, "begin it with `^(?:` and end it with `)$`"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What becomes of an expression: it is refused, or matches or does not.
    #[derive(Debug, PartialEq)]
    enum Came {
        Matches,
        Differs,
        Loose,
        Syntax,
        TooLarge,
    }

    #[test]
    fn expressions_are_matched_whole() {
        use Came::{Differs, Loose, Matches, Syntax, TooLarge};
        let letters = "a".repeat(MAX_REGEX - 2);
        let (longest, longer) = (format!("^{letters}$"), format!("^{letters}a$"));
        let deep = format!("^{}a{}$", "(".repeat(30), ")".repeat(30));
        let rows = [
            (r"^alice@example\.com$", "alice@example.com", Matches, "from end to end"),
            (r"\Aalice@example\.com\z", "alice@example.com", Matches, "in other words"),
            (r"^alice@example\.com$", "alice@example.com.evil", Differs, "and more behind it"),
            (r"^alice@example\.com$", "evil-alice@example.com", Differs, "and more before it"),
            (r"^alice@example\.com(?m)$", "alice@example.com\nevil", Differs, "a line of it is not all of it"),
            (r"^(?:a|ab)$", "ab", Matches, "the longer of two, though the shorter comes first"),
            ("alice", "alice", Loose, "neither end"),
            ("^alice", "alice", Loose, "no end"),
            ("alice$", "alice", Loose, "no beginning"),
            ("^alice|bob$", "alice", Loose, "an end for each of two"),
            (r"^alice\$", "alice$", Loose, "a dollar that is one"),
            ("^alice[$]", "alice$", Loose, "likewise, in a class"),
            ("^(alice$)", "alice", Loose, "an end within a group, of which there could be others"),
            ("^[]|]x$", "|x", Matches, "a bracket that comes first is one of its class"),
            ("^[^]|(]x$", "ax", Matches, "and so it is after the sign that turns it round"),
            ("^a)|(?:b$", "a", Syntax, "what would only be an expression within a group"),
            ("^(a$", "a", Syntax, "a group without an end"),
            (r"^\p{Greek}$", "a", Syntax, "what this engine does not know"),
            ("^(a{1000}){1000}$", "a", TooLarge, "few letters, and millions of states"),
            (&deep, "a", TooLarge, "groups within groups"),
            (&longest, &letters, Matches, "as long as may be"),
            (&longer, "a", TooLarge, "one byte longer"),
        ];
        for (text, name, expected, why) in rows {
            let came = match Anchored::read(text) {
                Ok(expression) if expression.matches(name) => Matches,
                Ok(_) => Differs,
                Err(RegexError::Loose(whole)) => {
                    let whole = whole.unwrap();
                    assert!(Anchored::read(&whole).is_ok(), "the corrected form is usable: {whole}");
                    Loose
                }
                Err(RegexError::Syntax(_)) => Syntax,
                Err(RegexError::TooLarge) => TooLarge,
            };
            assert_eq!(came, expected, "{why}: {text}");
        }
    }

    /// Rules that ask for different ones ask for different signers, and one that is written twice is one signer's.
    #[test]
    fn expressions_are_told_apart_by_their_text() {
        let rows = [("^a$", "^a$", true, "one text"), ("^a$", "^b$", false, "two texts")];
        for (one, other, same, why) in rows {
            assert_eq!(Anchored::read(one) == Anchored::read(other), same, "{why}");
        }
    }

    #[test]
    fn advice_is_what_was_meant() {
        // what was written, what is advised, a name that has to match, the reason
        let rows = [
            (
                "^https://github.com/acme/app/",
                r"^https://github\.com/acme/app/.*$",
                "https://github.com/acme/app/x",
                "a beginning",
            ),
            (
                r"^https://github\.com/acme/",
                r"^https://github\.com/acme/.*$",
                "https://github.com/acme/x",
                "with its dots written",
            ),
            (
                "https://github.com/acme/",
                r"^https://github\.com/acme/.*$",
                "https://github.com/acme/x",
                "a path, without any end",
            ),
            (
                "^https://github.com/acme/.*",
                "^https://github.com/acme/.*$",
                "https://github.com/acme/x",
                "any text, but no end",
            ),
            ("alice@acme.example", r"^alice@acme\.example$", "alice@acme.example", "an address"),
            ("^alice@acme.example", r"^alice@acme\.example.*$", "alice@acme.example", "the beginning of one"),
            (r".*@acme\.example$", r"^.*@acme\.example$", "a@acme.example", "no beginning"),
            ("alice|bob", "^(?:alice|bob)$", "bob", "two"),
            ("^alice|^bob", "^(?:^alice|^bob).*$", "bobby", "two beginnings"),
            ("^alice$|^bob$", "^(?:^alice$|^bob$)$", "bob", "two wholes"),
            (
                "(?i)^https://github.com/acme/",
                "^(?:(?i)^https://github.com/acme/).*$",
                "https://GitHub.com/acme/x",
                "in any case",
            ),
            ("(?m)^alice$", "^(?:(?m)^alice$)$", "alice", "lines"),
            ("(alice)", "^(alice)$", "alice", "a group"),
            (
                "(^https://github.com/acme/)",
                "^(?:(^https://github.com/acme/)).*$",
                "https://github.com/acme/x",
                "a group that is all of it",
            ),
            (
                "(?:^https://github.com/acme/)",
                "^(?:(?:^https://github.com/acme/)).*$",
                "https://github.com/acme/x",
                "another group",
            ),
            (
                "(?i:^https://github.com/acme/)",
                "^(?:(?i:^https://github.com/acme/)).*$",
                "https://github.com/ACME/x",
                "with flags",
            ),
            ("(^a/|^b/)", "^(?:(^a/|^b/)).*$", "b/x", "two beginnings in a group"),
            (
                "https://github.com/acme/*",
                r"^https://github\.com/acme/.*$",
                "https://github.com/acme/x",
                "a star of a shell",
            ),
            (
                "^https://github.com/acme/\n",
                r"^https://github\.com/acme/.*$",
                "https://github.com/acme/x",
                "a line end of YAML",
            ),
            ("@acme.example$", r"^.*@acme\.example$", "a@acme.example", "a domain"),
            (
                r"^https://github\.com/acme\.",
                r"^https://github\.com/acme\..*$",
                "https://github.com/acme.x",
                "a dot that is one",
            ),
            ("^(alice$)", "^(alice$)$", "alice", "an end within a group"),
            (r"^alice\$", r"^alice\$.*$", "alice$x", "a dollar that is one"),
        ];
        for (written, expected, name, why) in rows {
            let Err(RegexError::Loose(Some(advised))) = Anchored::read(written) else { panic!("{why}: {written}") };
            assert_eq!(advised, expected, "{why}");
            assert!(Anchored::read(&advised).unwrap().matches(name), "{why}: {advised} matches {name}");
        }
    }

    /// Parts of expressions that are loose at some end.
    fn written() -> impl Strategy<Value = String> {
        let flags = prop::sample::select(vec!["", "", "", "(?i)", "(?m)", "(?s)", "(?x)", "(?im)"]);
        let start = prop::sample::select(vec!["", "^", r"\A", "(?:^)", "^^"]);
        let part = prop::sample::select(vec![
            "a", "b", "/", ".", r"\.", ".*", ".+", "a|b", "(a|b)", "[ab]", "[^/]", "a*", "(?:a/)?", "@", "^", "$",
            r"\$", "a$|^b", " # c",
        ]);
        let end = prop::sample::select(vec!["", "$", r"\z", "(?:$)", ".*", r"\$"]);
        (flags, start, prop::collection::vec(part, 0..5), end)
            .prop_map(|(flags, start, parts, end)| format!("{flags}{start}{}{end}", parts.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 5_000, ..ProptestConfig::default() })]

        /// What is advised is accepted, and matches every name that was matched as a whole; a dot between letters is a dot.
        #[test]
        fn advice_is_accepted_and_matches_no_less(text in written(), names in prop::collection::vec("[ab./@$ ]{0,5}", 20)) {
            let Err(RegexError::Loose(advised)) = Anchored::read(&text) else { return Ok(()) };
            // The last line of an expression with flags may be a comment.
            let whole = compile(&format!("\\A(?:{text}{})\\z", if text.contains("(?x)") { "\n" } else { "" }));
            prop_assume!(whole.is_ok());
            let Some(advised) = advised else { return Err(TestCaseError::fail(format!("no advice for {text}"))) };
            let advised = Anchored::read(&advised).expect("accepted");
            let literal = |name: &str| text.contains('.') && !text.contains(r"\.") && advised.text().contains(r"\.") && !name.contains('.');
            for name in names.iter().filter(|name| !literal(name) && whole.as_ref().unwrap().is_match(name)) {
                prop_assert!(advised.matches(name), "{text:?} matches {name:?}, and {:?} does not", advised.text());
            }
        }
    }
}
