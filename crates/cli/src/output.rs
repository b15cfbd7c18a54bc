//! For whom is the output: people, or programs? And how does every word of it, whoever wrote it, come safely to a terminal?
//!
//! Nothing else in the command writes to stdout or stderr. Not `println!`, which panics when nobody reads on.

use std::{
    env, fs,
    io::{self, IsTerminal as _, Write},
    path::PathBuf,
    sync::OnceLock,
};

use anyhow::{Context as _, Result};
use clap::{ColorChoice, ValueEnum};

/// The formats in which results are printed.
#[derive(Clone, Copy, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// One JSON document, for programs
    Json,
}

/// When output is colored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> ColorChoice {
        match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
    }
}

/// The color setting of the command line.
static COLOR: OnceLock<Color> = OnceLock::new();

/// Decides about color, once.
pub fn set_color(color: Color) {
    // Whoever decides first has decided.
    let _ = COLOR.set(color);
}

/// Is what goes to a terminal, or does not, colored?
fn is_colored(is_terminal: bool) -> bool {
    match COLOR.get().copied().unwrap_or(Color::Never) {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org
        Color::Auto => is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// The words that begin a line in a color, and the number of that color (ECMA-48, "Select graphic rendition").
const PAINTED: [(&str, u8); 6] =
    [("Error:", 31), ("error", 31), ("DENIED", 31), ("Warning:", 33), ("warning", 33), ("ADMITTED", 32)];

/// Text that is safe to print, with the word that begins a line, or stands behind `outcome`, in its color.
fn painted(safe: &str) -> String {
    let paint = |line: &str| {
        let begin = line.trim_start().strip_prefix("outcome ").unwrap_or(line).trim_start();
        let word = begin.split(' ').next().unwrap_or_default();
        match PAINTED.iter().find(|(painted, _)| *painted == word) {
            Some((_, color)) => {
                let (before, after) = line.split_at(line.len() - begin.len());
                format!("{before}\u{1b}[{color}m{word}\u{1b}[0m{}", &after[word.len()..])
            }
            None => line.to_owned(),
        }
    };
    safe.lines().map(paint).collect::<Vec<_>>().join("\n")
}

/// The place where a result is written.
#[derive(clap::Args)]
pub struct Destination {
    /// Write the result to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Destination {
    /// Hands over a result for people.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&self, text: &str) -> Result<()> {
        match &self.out {
            None => Ok(print(text)?),
            Some(_) => self.script(format!("{}\n", printed(text)).as_bytes()),
        }
    }

    /// Hands over a result for programs, which is JSON or YAML. Only JSON has more than ASCII in it, and says the same with escapes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn document(&self, text: &str) -> Result<()> {
        self.script(format!("{}\n", ascii(text)).as_bytes())
    }

    /// Hands over a text in which every byte counts, such as a diff. A terminal gets it as [`Destination::text`] would write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn exact(&self, text: &str) -> Result<()> {
        match self.out {
            None if io::stdout().is_terminal() => Ok(print(text.trim_end())?),
            _ => self.script(text.as_bytes()),
        }
    }

    /// Hands over text of our own as it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn script(&self, text: &[u8]) -> Result<()> {
        match &self.out {
            None => Ok(io::stdout().lock().write_all(text)?),
            Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        }
    }
}

/// The same JSON with escapes for what a terminal could take as a command; outside of strings there is nothing of the kind.
pub fn ascii(json: &str) -> String {
    let escaped = |c: char| -> String {
        match c {
            ' '..='~' | '\n' => c.to_string(),
            _ => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        }
    };
    json.chars().map(escaped).collect()
}

/// The same text with escapes for what a terminal could take as a command, and for what looks like something else. Lines stay lines, and so do the two
/// characters beyond ASCII that our own sentences have.
pub fn printed(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            ' '..='~' | '\n' | '…' | 'µ' => safe.push(c),
            _ => safe.extend(c.escape_unicode()),
        }
    }
    safe
}

/// Prints a result for programs, which is JSON, to stdout.
pub fn print_json(json: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", ascii(json))
}

/// Prints a result for people to stdout.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let safe = printed(text);
    writeln!(stdout, "{}", if is_colored(stdout.is_terminal()) { painted(&safe) } else { safe })
}

/// Tells whoever waits: an error, a warning, a report.
pub fn tell(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    let safe = printed(text);
    writeln!(stderr, "{}", if is_colored(stderr.is_terminal()) { painted(&safe) } else { safe })
}

/// The writer of the log: standard error, with foreign characters made visible.
pub struct Log;

impl Write for Log {
    /// Writes one line of the log. Each write is a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(printed(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_commands_for_terminals_has_its_lines() {
        let rows = [
            ("Error: a\n\nCaused by: b", "Error: a\n\nCaused by: b", "lines stay"),
            ("\"x\" `y` \\ …", "\"x\" `y` \\ …", "punctuation stays"),
            ("a\u{1b}[2Jb\u{9b}c", "a\\u{1b}[2Jb\\u{9b}c", "commands in both forms"),
            ("a\r\tb\u{7f}", "a\\u{d}\\u{9}b\\u{7f}", "what goes back, or over it"),
            ("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}", "what turns the order round"),
            ("ngіnx", "ng\\u{456}nx", "a letter that looks like another one"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(printed(text), expected, "{why}");
        }
    }

    #[test]
    fn only_words_at_the_beginning_are_painted() {
        let rows = [
            ("Error: a", "\u{1b}[31mError:\u{1b}[0m a", "an error"),
            (" error    refused", " \u{1b}[31merror\u{1b}[0m    refused", "a severity"),
            (" outcome  DENIED 403\n x", " outcome  \u{1b}[31mDENIED\u{1b}[0m 403\n x", "a verdict"),
            ("an error\nerrors", "an error\nerrors", "other words"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(painted(text), expected, "{why}");
        }
    }

    #[test]
    fn json_without_commands_for_terminals_is_the_same_json() {
        for text in ["plain", "a\u{9b}2J", "\u{7f}\u{202e}\u{2028}", "ü \u{1f600}", "\u{1b}[2J\n\t\"\\"] {
            let json = serde_json::to_string_pretty(&[text]).expect("texts have a JSON form");
            let safe = ascii(&json);
            assert!(safe.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{safe}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&safe).ok(), Some([text.to_owned()]));
        }
    }
}
