//! What becomes of an identity of Connaisseur's, whose regular expressions are Go's, and searched for in a name?
//!
//! Here they are matched whole, so one that says not where it begins and ends gets what stands for the rest of a name: it means what it meant, and is
//! told. An expression that Go and the policy may read differently is not carried.

use image_trust::policy::check;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::report::quoted;

/// An expression for any text, as the rest of a name.
const ANY: &str = "(?s:.*)";
/// The beginning of the policy's error about an expression with open ends.
const LOOSE: &str = "is not anchored at both ends";
/// The most that Go repeats anything.
const MAX_REPEATED: u64 = 1000;

/// Who may sign by a certificate, as the settings have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keyless {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_regex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_regex: Option<String>,
}

/// A regular expression that matched names which only contain what it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loose {
    pub(super) key: &'static str,
    pub(super) written: String,
    pub(super) carried: String,
}

/// Reads an identity, or says why it can't be carried.
pub(super) fn read(value: &Value) -> Result<(Keyless, Vec<Loose>), String> {
    let map = value.as_object().ok_or("has a `keyless` that is no mapping")?;
    let known = ["issuer", "issuerRegex", "subject", "subjectRegex"];
    if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("has the key {} in `keyless`, with which Connaisseur does not start", quoted(key)));
    }
    let mut keyless = Keyless::default();
    let mut loose = Vec::new();
    (keyless.issuer, keyless.issuer_regex) = one_of(map, "issuer", "issuerRegex", &mut loose)?;
    (keyless.subject, keyless.subject_regex) = one_of(map, "subject", "subjectRegex", &mut loose)?;
    match refused(&keyless) {
        None => Ok((keyless, loose)),
        Some(what) => Err(format!("has an identity that can't be used: it {what}")),
    }
}

/// The text, or the expression, of which exactly one is there.
fn one_of(
    map: &Map<String, Value>,
    key: &'static str,
    regex_key: &'static str,
    loose: &mut Vec<Loose>,
) -> Result<(Option<String>, Option<String>), String> {
    let text = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        // To Connaisseur an empty text is none.
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("has `{key}` in `keyless`, and it is no text; put it in quotes")),
    };
    match (text(key)?, text(regex_key)?) {
        (Some(text), None) => Ok((Some(text), None)),
        (None, Some(written)) => {
            let (carried, is_whole) =
                whole(&written).map_err(|why| format!("has the {regex_key} {}, which {why}", quoted(&written)))?;
            if !is_whole {
                loose.push(Loose { key: regex_key, written, carried: carried.clone() });
            }
            Ok((None, Some(carried)))
        }
        (None, None) => {
            Err(format!("has neither `{key}` nor `{regex_key}` in `keyless`, and Connaisseur does not start with it"))
        }
        (Some(_), Some(_)) => {
            Err(format!("has both `{key}` and `{regex_key}` in `keyless`, and Connaisseur does not start with it"))
        }
    }
}

/// The expression that matches as a whole what this one is found in; and whether this one says where it begins and ends.
fn whole(written: &str) -> Result<(String, bool), String> {
    let ends = Scan::of(written)?;
    let keyless = |regex: &str| Keyless {
        issuer: Some("i".to_owned()),
        subject_regex: Some(regex.to_owned()),
        ..Keyless::default()
    };
    match refused(&keyless(written)) {
        None => return Ok((written.to_owned(), true)),
        Some(what) if what.contains(LOOSE) => {}
        Some(what) => return Err(what),
    }
    let starts_plainly = written.starts_with('^') || written.starts_with(r"\A");
    let start = if starts_plainly { "" } else { "^" };
    let (carried, is_whole) = match ends.as_slice() {
        [Ends { starts: true, ends: true }] => (format!("{start}{written}"), true),
        [Ends { starts: true, ends: false }] => (format!("{start}{written}{ANY}$"), false),
        [Ends { starts: false, ends: true }] => (format!("^{ANY}{written}"), false),
        all if all.iter().all(|one| one.starts && one.ends) => (format!("^(?:{written})$"), true),
        _ => (format!("^{ANY}(?:{written}){ANY}$"), false),
    };
    match refused(&keyless(&carried)) {
        None => Ok((carried, is_whole)),
        Some(what) => Err(what),
    }
}

/// The policy's error about an identity, if it refuses it.
fn refused(keyless: &Keyless) -> Option<String> {
    let settings = json!({
        "validators": [{"name": "default", "type": "cosign", "trustRoots": [{"name": "default", "keyless": keyless}]}],
        "policy": [{"pattern": "*"}],
    });
    check(&settings.to_string()).into_iter().next().map(|problem| problem.what.to_string())
}

/// The policy's error about a part of `host`, if it refuses it.
pub(super) fn refused_host(key: &str, text: &str) -> Option<String> {
    let settings = json!({
        "validators": [{
            "name": "default",
            "type": "cosign",
            "trustRoots": [{"name": "default", "keyless": {"issuer": "i", "subject": "s"}}],
            "host": {key: text},
        }],
        "policy": [{"pattern": "*"}],
    });
    check(&settings.to_string()).into_iter().next().map(|problem| problem.what.to_string())
}

/// Whether one of the alternatives of an expression says where it begins, and where it ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    starts: bool,
    ends: bool,
}

/// What stands before a place in an expression, as far as it may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A character or a group, which can be repeated.
    Atom,
    /// A part of an expression that is repeated already.
    Repeated,
    /// A place, such as the beginning.
    Place,
}

/// Goes through an expression, as far as Go and the policy certainly read it alike: where they don't, the policy's reading could accept more.
struct Scan<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    ignores_case: bool,
    excludes: bool,
}

impl Scan<'_> {
    /// The ends of each alternative in an expression.
    fn of(text: &str) -> Result<Vec<Ends>, String> {
        let mut scan = Scan { rest: text.chars().peekable(), ignores_case: false, excludes: false };
        let (mut all, mut now, mut is_first) = (Vec::new(), Ends::default(), true);
        // How often something is repeated within each group that is open, and how often what stands last is.
        let mut open: Vec<u64> = vec![1];
        let (mut last, mut before) = (1_u64, Before::Nothing);
        while let Some(c) = scan.rest.next() {
            let is_outside = open.len() == 1;
            let (was_first, had_ended) = (std::mem::take(&mut is_first), std::mem::take(&mut now.ends));
            let mut times = 1;
            before = match c {
                '?' if before == Before::Repeated => Before::Nothing,
                '*' | '+' | '?' | '{' => {
                    if before != Before::Atom {
                        return Err(format!("has a `{c}` that repeats nothing"));
                    }
                    times = last.saturating_mul(if c == '{' { scan.times()? } else { 1 });
                    Before::Repeated
                }
                '(' if scan.opens_a_group()? => {
                    open.push(1);
                    Before::Nothing
                }
                '(' => {
                    is_first = was_first;
                    Before::Nothing
                }
                ')' => {
                    times = open.pop().filter(|_| !is_outside).ok_or("has a `)` that closes nothing")?;
                    Before::Atom
                }
                '|' => {
                    if is_outside {
                        all.push(Ends { ends: had_ended, ..std::mem::take(&mut now) });
                        is_first = true;
                    }
                    Before::Nothing
                }
                '^' => {
                    now.starts |= was_first;
                    Before::Place
                }
                '$' => {
                    now.ends = is_outside;
                    Before::Place
                }
                '[' => {
                    scan.class()?;
                    Before::Atom
                }
                '\\' => match scan.escape()? {
                    'A' => {
                        now.starts |= was_first;
                        Before::Place
                    }
                    'z' => {
                        now.ends = is_outside;
                        Before::Place
                    }
                    'b' | 'B' => Before::Place,
                    _ => Before::Atom,
                },
                _ => Before::Atom,
            };
            if times > MAX_REPEATED {
                return Err(format!("repeats something more than {MAX_REPEATED} times, which Go does not take"));
            }
            last = times;
            if let Some(most) = open.last_mut() {
                *most = times.max(*most);
            }
        }
        all.push(now);
        match (open.len(), scan.ignores_case && scan.excludes) {
            (1, false) => Ok(all),
            (1, true) => Err("ignores case and excludes characters: Go excludes more of them then".to_owned()),
            _ => Err("has a `(` that is not closed".to_owned()),
        }
    }

    fn takes(&mut self, c: char) -> bool {
        self.rest.next_if_eq(&c).is_some()
    }

    fn number(&mut self) -> Option<u64> {
        let digits: String = std::iter::from_fn(|| self.rest.next_if(char::is_ascii_digit)).collect();
        digits.parse().ok()
    }

    /// How often something is repeated at most, behind a `{`; at least, where there is no end.
    fn times(&mut self) -> Result<u64, String> {
        let least = self.number();
        let most = if self.takes(',') { self.number() } else { None };
        match least {
            Some(least) if self.takes('}') => Ok(most.unwrap_or(least).max(least).max(1)),
            _ => Err("has a `{` that is no repetition; write `\\{` for one".to_owned()),
        }
    }

    /// Behind a `(`: is it a group, or flags for what follows?
    fn opens_a_group(&mut self) -> Result<bool, String> {
        if !self.takes('?') {
            return Ok(true);
        }
        let is_named = self.takes('P') || self.rest.peek() == Some(&'<');
        if is_named {
            let name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let is_name =
                self.takes('<') && std::iter::from_fn(|| self.rest.next_if(name)).count() > 0 && self.takes('>');
            return if is_name { Ok(true) } else { Err("has a `(?` that is none of Go's".to_owned()) };
        }
        let mut is_set = true;
        loop {
            match self.rest.next() {
                Some(':') => return Ok(true),
                Some(')') => return Ok(false),
                Some('-') => is_set = false,
                Some('i') => self.ignores_case |= is_set,
                Some('m' | 's' | 'U') => {}
                _ => return Err("has a `(?` that is none of Go's".to_owned()),
            }
        }
    }

    /// Behind a `\`, outside of a class.
    fn escape(&mut self) -> Result<char, String> {
        let c = self.rest.next().ok_or("ends with a `\\`")?;
        let is_alike = match c {
            'b' => self.rest.peek() != Some(&'{'),
            'W' => {
                self.excludes = true;
                true
            }
            'x' => self.code(),
            // What `\s` stands for has one character more in the policy.
            'A' | 'z' | 'B' | 'd' | 'D' | 'w' | 'S' | 'n' | 'r' | 't' | 'f' | 'v' | 'a' => true,
            '<' | '>' => false,
            c => c.is_ascii_punctuation(),
        };
        if is_alike {
            Ok(c)
        } else {
            Err(format!("has {}, which Go and the policy read differently", quoted(&format!("\\{c}"))))
        }
    }

    /// The digits of a character, behind `\x`.
    fn code(&mut self) -> bool {
        match self.takes('{') {
            true => std::iter::from_fn(|| self.rest.next_if(char::is_ascii_hexdigit)).count() > 0 && self.takes('}'),
            false => (0..2).all(|_| self.rest.next_if(char::is_ascii_hexdigit).is_some()),
        }
    }

    /// Reads a character class, after its `[`.
    fn class(&mut self) -> Result<(), String> {
        const OPEN: &str = "has a `[` that is not closed";
        let excludes = self.takes('^');
        self.excludes |= excludes;
        let mut is_first = true;
        loop {
            let c = self.rest.next().ok_or(OPEN)?;
            let is_alike = match c {
                ']' if !is_first => return Ok(()),
                '[' => self.takes(':') && self.named_class(),
                '&' | '-' | '~' => self.rest.peek() != Some(&c),
                '\\' => match self.rest.next().ok_or(OPEN)? {
                    's' => excludes,
                    'S' => !excludes,
                    'W' => {
                        self.excludes = true;
                        true
                    }
                    'x' => self.code(),
                    'd' | 'D' | 'w' | 'n' | 'r' | 't' | 'f' | 'v' | 'a' => true,
                    c => c.is_ascii_punctuation() && !matches!(c, '<' | '>'),
                },
                _ => true,
            };
            if !is_alike {
                return Err("has a `[…]` that Go and the policy read differently".to_owned());
            }
            is_first = false;
        }
    }

    /// Reads a named class such as `[:alpha:]`, after its `[:`.
    fn named_class(&mut self) -> bool {
        if self.takes('^') {
            self.excludes = true;
        }
        let name = std::iter::from_fn(|| self.rest.next_if(char::is_ascii_lowercase)).count();
        name > 0 && self.takes(':') && self.takes(']')
    }
}
