//! Which expression was probably meant by one that does not say where it begins and ends?

/// What an expression says of its ends, outside of groups and classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// It begins with `^` or `\A`.
    starts: bool,
    /// It ends with `$` or `\z`.
    ends: bool,
    /// It has alternatives, each with ends of its own.
    is_split: bool,
    /// It is one group, from its first to its last character.
    is_group: bool,
}

impl Ends {
    pub(super) fn of(text: &str) -> Ends {
        let starts = text.starts_with('^') || text.starts_with(r"\A");
        let (mut depth, mut in_class, mut ends, mut is_split) = (0_usize, false, false, false);
        let mut is_group = text.starts_with('(');
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
                ')' => {
                    depth = depth.saturating_sub(1);
                    is_group &= depth > 0 || chars.as_str().is_empty();
                }
                '|' if depth == 0 => is_split = true,
                '$' => ends = depth == 0,
                _ => {}
            }
        }
        Ends { starts, ends, is_split, is_group }
    }

    pub(super) fn is_whole(self) -> bool {
        self.starts && self.ends && !self.is_split
    }
}

/// The expression that was probably meant: from end to end, and so that a certificate can have a name that it matches.
pub(super) fn advice(text: &str, is_usable: impl Fn(&str) -> bool) -> Option<String> {
    // A YAML block ends in a line end.
    let loose = Loose::read(text.trim_end_matches('\n'));
    let candidates = match loose.fragment() {
        // No name is like this, so it must not be matched as it is.
        Some(fragment) => [loose.completed(&fragment), None, None],
        // The last line may be a comment.
        None => [loose.bare(), Some(loose.grouped("")), Some(loose.grouped("\n"))],
    };
    candidates.into_iter().flatten().find(|text| is_usable(text))
}

/// An expression with open ends, taken apart.
pub(super) struct Loose<'t> {
    text: &'t str,
    /// Flags at its beginning. They count for all that follows, so they stay where they are.
    flags: &'t str,
    /// What is between its ends.
    body: &'t str,
    /// What it says of its ends, without the flags.
    ends: Ends,
    /// It says where it begins, perhaps in a group that is all of it.
    starts: bool,
    /// It says where it ends, likewise.
    stops: bool,
    /// It ended with the `/*` of a shell.
    is_shell: bool,
}

impl<'t> Loose<'t> {
    pub(super) fn read(text: &'t str) -> Loose<'t> {
        let (flags, rest) = flags(text);
        let ends = Ends::of(rest);
        let body = between(rest, ends);
        let inner = inside(body);
        let (starts, stops) =
            match inner.map(|inner| (Ends::of(inner), inside(inner).map(Ends::of).unwrap_or_default())) {
                Some((inner, innermost)) => (inner.starts || innermost.starts, inner.ends || innermost.ends),
                None => (false, false),
            };
        let (starts, stops) = (ends.starts || starts, ends.ends || stops);
        let shell = body.strip_suffix('*').filter(|body| !ends.ends && body.ends_with('/'));
        Loose { text, flags, body: shell.unwrap_or(body), ends, starts, stops, is_shell: shell.is_some() }
    }

    /// No character of it has a meaning, but perhaps its dots.
    fn is_plain(&self) -> bool {
        self.body.chars().all(|c| c.is_ascii_alphanumeric() || "/:@._-%~#&=, ".contains(c))
    }

    /// Was it meant for everything that begins so? It says where it begins and not where it ends, or it is a path.
    fn is_beginning(&self) -> bool {
        (self.starts && !self.stops) || (self.is_plain() && self.body.ends_with('/'))
    }

    /// Does any text fit at its end already?
    fn has_any(&self) -> bool {
        let any = [".*", ".+"].iter().any(|any| self.body.ends_with(any));
        any && !self.body.ends_with(r"\.*") && !self.body.ends_with(r"\.+")
    }

    /// Its body; a dot between letters is nearly always meant for one.
    fn literal(&self) -> String {
        if self.is_plain() { self.body.replace('.', r"\.") } else { self.body.to_owned() }
    }

    /// The body between ends, where these are ends of all of it.
    fn bare(&self) -> Option<String> {
        let any = if self.is_beginning() && !self.has_any() { ".*" } else { "" };
        // A domain has names before it.
        let before = if self.is_plain() && self.body.starts_with('@') { ".*" } else { "" };
        let is_one = self.flags.is_empty() && !self.ends.is_split && (!self.body.starts_with('(') || any.is_empty());
        (is_one || self.is_shell).then(|| format!("^{}{before}{}{any}$", self.flags, self.literal()))
    }

    /// All that was written, as a group between ends.
    fn grouped(&self, line_end: &str) -> String {
        let any = if self.is_beginning() { ".*" } else { "" };
        format!("^(?:{}{line_end}){any}$", self.text)
    }

    /// The text that it begins with, if that is a path without a scheme: a part of a URI, and no name.
    pub(super) fn fragment(&self) -> Option<String> {
        let start = literal_start(self.body);
        let is_address = start.rsplit_once('@').is_some_and(|(_, domain)| !domain.is_empty() && !domain.contains('/'));
        let is_name = start.contains("://") || start.contains('!') || is_address;
        (start.contains('/') && !is_name).then_some(start)
    }

    /// The URIs that a fragment is of: those of its host, or of its account at GitHub.
    fn completed(&self, fragment: &str) -> Option<String> {
        let (first, _) = fragment.split_once('/')?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let scheme = match first.split('.').all(|part| !part.is_empty() && part.chars().all(is_part)) {
            true if first.contains('.') => "https://",
            true => r"https://github\.com/",
            false => return None,
        };
        let has_reference = fragment.contains('@');
        let any = match self.body {
            // Where it stops a name has more.
            _ if self.stops && !has_reference => return None,
            _ if self.stops || self.has_any() => "",
            body if body.ends_with(['/', '@']) || (has_reference && self.starts) => ".*",
            _ if has_reference => "",
            // Other accounts and repositories begin alike.
            _ => "/.*",
        };
        let is_one = self.flags.is_empty() && !self.ends.is_split;
        is_one.then(|| format!("^{scheme}{}{any}$", self.literal()))
    }
}

/// What is between the ends of an expression.
fn between(text: &str, ends: Ends) -> &str {
    let text =
        if ends.starts { text.strip_prefix('^').or_else(|| text.strip_prefix(r"\A")).unwrap_or(text) } else { text };
    if ends.ends { text.strip_suffix('$').or_else(|| text.strip_suffix(r"\z")).unwrap_or(text) } else { text }
}

/// What is inside of a group that is all of an expression.
fn inside(text: &str) -> Option<&str> {
    let group = text.strip_prefix('(')?.strip_suffix(')').filter(|_| Ends::of(text).is_group)?;
    // Flags, as in `(?i:…)`.
    let flags = group.strip_prefix('?').and_then(|rest| rest.split_once(':'));
    Some(flags.filter(|(flags, _)| flags.bytes().all(|byte| byte.is_ascii_lowercase())).map_or(group, |(_, rest)| rest))
}

/// The text that whatever is matched begins with; a dot counts for one.
fn literal_start(body: &str) -> String {
    let mut start = String::new();
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => start.push(escaped),
                _ => break,
            },
            // What stood before may be missing.
            '*' | '?' | '{' => {
                start.pop();
                break;
            }
            _ if c.is_ascii_alphanumeric() || "/:@._-%~#&=, !".contains(c) => start.push(c),
            _ => break,
        }
    }
    start
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
