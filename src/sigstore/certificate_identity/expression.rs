//! Does this regular expression match names as a whole?
//!
//! An expression has to be anchored at both ends. Otherwise it would also match names that only contain the intended name. If an expression is not anchored, the
//! error holds the expression that was probably meant.

mod advice;

use std::cmp::Ordering;

use regex_lite::{Regex, RegexBuilder};

use advice::{Ends, advice};

/// The largest compiled expression, in bytes: about two thousand states. Each state can cost a step for every character of a name.
const MAX_COMPILED: usize = 100_000;
/// The deepest nesting of an expression.
const MAX_NESTED: u32 = 20;

/// A regular expression that has to match a whole text.
#[derive(Debug, Clone)]
pub struct Anchored {
    text: String,
    regex: Regex,
}

/// The reason for which a text cannot be used as a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegexError {
    /// The text is not an expression in the supported syntax.
    Syntax(String),
    /// The expression, or its compiled form, is too large.
    TooLarge,
    /// The expression is not anchored at both ends. The anchored form that was probably meant, if one could be found.
    Loose(Option<String>),
}

impl RegexError {
    /// The longest regular expression, in bytes.
    pub(crate) const MAX_LENGTH: usize = 512;
}

impl Anchored {
    /// Reads a regular expression. The engine does not backtrack, so the time for a match grows with the length of the name and the size of the expression only.
    ///
    /// # Errors
    /// If the text is not an expression, is too large, or is not anchored at both ends.
    pub fn read(text: &str) -> Result<Anchored, RegexError> {
        // An advised expression must not ask for advice itself: that would take forever for some.
        let is_usable = |advised: &str| matches!(Anchored::whole(advised), Ok(Some(_)));
        Anchored::whole(text)?.ok_or_else(|| RegexError::Loose(advice(text, is_usable)))
    }

    /// Reads a regular expression. It is `None` if the expression is not anchored at both ends.
    fn whole(text: &str) -> Result<Option<Anchored>, RegexError> {
        if text.len() > RegexError::MAX_LENGTH {
            return Err(RegexError::TooLarge);
        }
        // It is compiled alone first. Within a group, an extra `)` would close the group.
        compile(text)?;
        // Whatever its own anchors say, it has to match the whole name.
        let regex = compile(&format!(r"\A(?:{text})\z"));
        match Ends::of(text).is_whole() {
            true => Ok(Some(Anchored { text: text.to_owned(), regex: regex? })),
            false => Ok(None),
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

impl PartialEq for Anchored {
    fn eq(&self, other: &Anchored) -> bool {
        self.text == other.text
    }
}

impl Eq for Anchored {}

impl PartialOrd for Anchored {
    fn partial_cmp(&self, other: &Anchored) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Anchored {
    fn cmp(&self, other: &Anchored) -> Ordering {
        self.text.cmp(&other.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{advice::Loose, *};

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
        let letters = "a".repeat(RegexError::MAX_LENGTH - 2);
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

    #[test]
    fn advice_for_fragments_matches_real_names() {
        let of = |path: &str| format!("https://github.com/{path}/.github/workflows/r.yml@refs/heads/main");
        // what was written, what is advised, a name that has to match, the reason
        let rows = [
            ("acme/app", Some(r"^https://github\.com/acme/app/.*$"), of("acme/app"), "a repository"),
            ("^acme/app", Some(r"^https://github\.com/acme/app/.*$"), of("acme/app"), "with a beginning"),
            ("acme/", Some(r"^https://github\.com/acme/.*$"), of("acme/app"), "an account"),
            ("acme/*", Some(r"^https://github\.com/acme/.*$"), of("acme/app"), "with a star of a shell"),
            ("github.com/acme/", Some(r"^https://github\.com/acme/.*$"), of("acme/app"), "a host"),
            ("^github.com/acme", Some(r"^https://github\.com/acme/.*$"), of("acme/app"), "and no other account"),
            (r"^github\.com/acme/", Some(r"^https://github\.com/acme/.*$"), of("acme/app"), "with its dots written"),
            (r"github\.com/acme/.*", Some(r"^https://github\.com/acme/.*$"), of("acme/app"), "any text"),
            (r"github\.com/acme/[^/]+", Some(r"^https://github\.com/acme/[^/]+/.*$"), of("acme/app"), "a part"),
            (
                "gitlab.com/acme/",
                Some(r"^https://gitlab\.com/acme/.*$"),
                "https://gitlab.com/acme/x".to_owned(),
                "another host",
            ),
            (
                "acme/app/.github/workflows/r.yml@refs/heads/main",
                Some(r"^https://github\.com/acme/app/\.github/workflows/r\.yml@refs/heads/main$"),
                of("acme/app"),
                "a workflow without its host",
            ),
            (
                "^acme/app/.github/workflows/r.yml@",
                Some(r"^https://github\.com/acme/app/\.github/workflows/r\.yml@.*$"),
                of("acme/app"),
                "at any reference",
            ),
            ("acme/app$", None, String::new(), "an end where names go on"),
            ("/acme/app", None, String::new(), "a path without its beginning"),
            ("r.yml@refs/heads/main$", None, String::new(), "the end of a name"),
            ("(?i)acme/app", None, String::new(), "with flags"),
            ("acme/a|acme/b", None, String::new(), "two"),
        ];
        for (written, expected, name, why) in rows {
            let Err(RegexError::Loose(advised)) = Anchored::read(written) else { panic!("{why}: {written}") };
            assert_eq!(advised.as_deref(), expected, "{why}: {written}");
            if let Some(advised) = advised {
                assert!(Anchored::read(&advised).unwrap().matches(&name), "{why}: {advised} matches {name}");
            }
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
            // A part of a URI is no name, and whatever is advised completes it.
            if Loose::read(text.trim_end_matches('\n')).fragment().is_some() {
                prop_assert!(advised.as_ref().is_none_or(|advised| advised.starts_with("^https://")), "{text}: {advised:?}");
                return Ok(());
            }
            let Some(advised) = advised else { return Err(TestCaseError::fail(format!("no advice for {text}"))) };
            let advised = Anchored::read(&advised).expect("accepted");
            let literal = |name: &str| text.contains('.') && !text.contains(r"\.") && advised.text().contains(r"\.") && name.chars().any(|char| char != '.');
            for name in names.iter().filter(|name| !literal(name) && whole.as_ref().unwrap().is_match(name)) {
                prop_assert!(advised.matches(name), "{text:?} matches {name:?}, and {:?} does not", advised.text());
            }
        }
    }
}
