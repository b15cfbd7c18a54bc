//! For whom is the output: people, or programs?

use clap::ValueEnum;

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Output {
    /// Tables, for people
    Text,
    /// One JSON document, for programs
    Json,
}

/// The same JSON with escapes for what a terminal could take as a command; outside of strings there is nothing of the kind.
pub(super) fn ascii(json: &str) -> String {
    let escaped = |c: char| -> String {
        match c {
            ' '..='~' | '\n' => c.to_string(),
            _ => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        }
    };
    json.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
