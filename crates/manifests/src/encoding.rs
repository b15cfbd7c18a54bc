//! Are these bytes text?

use std::fmt;

/// Why bytes are not text in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingError {
    /// The text is in UTF-16.
    Utf16,
    /// A byte that UTF-8 does not have, and its position.
    Byte(usize),
}

/// The text of these bytes.
///
/// # Errors
/// When they are in another encoding than UTF-8.
pub fn utf8(bytes: Vec<u8>) -> Result<String, EncodingError> {
    // Text in UTF-16 begins with a byte order mark, or has an empty byte in each ASCII character.
    let is_utf16 =
        matches!(bytes.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..]);
    if is_utf16 {
        return Err(EncodingError::Utf16);
    }
    String::from_utf8(bytes).map_err(|error| EncodingError::Byte(error.utf8_error().valid_up_to()))
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodingError::Utf16 => f.write_str(
                "expected UTF-8, found UTF-16: save the file as UTF-8 (in PowerShell `Out-File -Encoding utf8`)",
            ),
            EncodingError::Byte(at) => write!(f, "expected UTF-8, found another byte at position {at}"),
        }
    }
}

impl std::error::Error for EncodingError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_are_told() {
        let utf16 = |text: &str, mark: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("{mark}{text}").encode_utf16().flat_map(order).collect()
        };
        let rows = [
            (utf16("a: 1", "\u{feff}", u16::to_le_bytes), Some(EncodingError::Utf16), "as PowerShell writes it"),
            (utf16("a: 1", "\u{feff}", u16::to_be_bytes), Some(EncodingError::Utf16), "in the other order"),
            (utf16("a: 1", "", u16::to_le_bytes), Some(EncodingError::Utf16), "without a mark"),
            (utf16("a: 1", "", u16::to_be_bytes), Some(EncodingError::Utf16), "nor in the other order"),
            (b"a: \xe4".to_vec(), Some(EncodingError::Byte(3)), "Latin-1"),
            ("a: ä".into(), None, "UTF-8"),
            ("\u{feff}a: 1".into(), None, "UTF-8 with a mark"),
            (Vec::new(), None, "nothing"),
        ];
        for (bytes, expected, why) in rows {
            assert_eq!(utf8(bytes).err(), expected, "{why}");
        }
    }
}
