//! Which bytes does a reference name?
//!
//! Only sha256 exists here: it is what cosign signs and what container runtimes pull by. A digest of another algorithm is refused where it
//! is read, so nothing later has to ask.

use std::fmt;

use sha2::{Digest as _, Sha256};

const PREFIX: &str = "sha256:";
/// A sha256 digest, as in `sha256:` and 64 lower-case hex digits (OCI image specification, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a digest that this policy can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestError {
    /// The algorithm of the digest is not sha256.
    Algorithm,
    /// The part after `sha256:` is not 64 lower-case hex digits.
    Hex,
}

impl Digest {
    /// Reads `sha256:<64 lower-case hex digits>`.
    ///
    /// Upper-case hex is refused: some parsers fold it and some do not, so it can name two things.
    ///
    /// # Errors
    /// When the algorithm is another one, or the hex is not 64 lower-case digits.
    pub fn parse(text: &str) -> Result<Digest, DigestError> {
        let hex = text.strip_prefix(PREFIX).ok_or(DigestError::Algorithm)?.as_bytes();
        let mut bytes = [0u8; 32];
        let (pairs, rest) = hex.as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(DigestError::Hex);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Digest(bytes))
    }

    /// The digest that is these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// As part of a tag, which can't hold a colon: `sha256-<hex>`. What lies beside an image is found under such tags.
    #[must_use]
    pub fn as_tag(&self) -> String {
        self.to_string().replace(':', "-")
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

/// These bytes in lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
}

fn nibble(hex: u8) -> Result<u8, DigestError> {
    match hex {
        b'0'..=b'9' => Ok(hex.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(hex.wrapping_sub(b'a').wrapping_add(10)),
        _ => Err(DigestError::Hex),
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let rows = [
            (format!("sha256:{hex}"), Ok(Digest::of(b"")), "the digest of nothing"),
            (
                format!("sha256:{}", hex.to_uppercase()),
                Err(DigestError::Hex),
                "upper-case hex is folded by some parsers only",
            ),
            (format!("sha256:{}", &hex[1..]), Err(DigestError::Hex), "63 digits"),
            (format!("sha256:{hex}0"), Err(DigestError::Hex), "65 digits"),
            (format!("sha256:{hex}00"), Err(DigestError::Hex), "66 digits"),
            (format!("sha256:é{}", &hex[2..]), Err(DigestError::Hex), "not ASCII, same number of bytes"),
            ("sha256:".to_owned(), Err(DigestError::Hex), "no digits"),
            (format!("sha512:{hex}{hex}"), Err(DigestError::Algorithm), "another algorithm"),
            (format!("SHA256:{hex}"), Err(DigestError::Algorithm), "algorithms are lower case"),
            (String::new(), Err(DigestError::Algorithm), "empty"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(Digest::parse(&text), expected, "{why}: {text}");
            if let Ok(digest) = expected {
                assert_eq!(digest.to_string(), text, "{why}");
            }
        }
    }
}
