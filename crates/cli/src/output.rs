//! For whom is the output: people, or programs? And how does every word of it, whoever wrote it, come safely to a terminal?
//!
//! Nothing else in the command writes to stdout or stderr. Not `println!`, which panics when nobody reads on.

use std::io::{self, Write};

use clap::ValueEnum;

/// The formats in which results are printed.
#[derive(Clone, Copy, ValueEnum)]
pub enum Output {
    /// Tables, for people
    Text,
    /// One JSON document, for programs
    Json,
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

/// Prints a result for people.
pub fn print(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", printed(text))
}

/// Prints a result for programs, which is JSON or YAML. Only JSON has more than ASCII in it, and says the same with escapes.
pub fn print_document(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", ascii(text))
}

/// Tells whoever waits: an error, a warning, a report.
pub fn tell(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{}", printed(text))
}

/// The writer of the log: standard error, with foreign characters made visible.
pub struct Log;

impl Write for Log {
    /// What is written at once is a line.
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
    fn json_without_commands_for_terminals_is_the_same_json() {
        for text in ["plain", "a\u{9b}2J", "\u{7f}\u{202e}\u{2028}", "ü \u{1f600}", "\u{1b}[2J\n\t\"\\"] {
            let json = serde_json::to_string_pretty(&[text]).expect("texts have a JSON form");
            let safe = ascii(&json);
            assert!(safe.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{safe}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&safe).ok(), Some([text.to_owned()]));
        }
    }
}
