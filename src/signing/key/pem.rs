//! Which public key does a text mean?
//!
//! A PEM block (RFC 7468, section 13) as people paste it: of any line width or in one line, indented, with line ends of any system, a byte order mark, and
//! text before and after it, such as comments or the output of `openssl pkey -text`. Lines that begin with `#` are comments, also where they hold an old key.
//! A text that has two meanings, or is no public key, is refused, and the error says what it is instead.

use std::borrow::Cow;

use base64ct::{Base64, Encoding as _};
use der::{Decode as _, Header, Reader as _, SliceReader};

use super::error::KeyError;

/// Longest text, in bytes. An RSA key of 8192 bits takes 1.5 KB, and what `openssl pkey -text` prints of it 4 KB.
const MAX_TEXT: usize = 16_384;
const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const LABEL: &str = "PUBLIC KEY";

/// What stands before references to keys in a KMS (cosign, "Key Management").
const KMS: [&str; 6] = ["awskms", "gcpkms", "azurekms", "hashivault", "openbao", "kms"];

/// The DER of the one public key that `text` holds.
pub(super) fn read(text: &str) -> Result<Vec<u8>, KeyError> {
    if text.len() > MAX_TEXT {
        return Err(KeyError::TooLong);
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    // A private key is refused even in a comment, because everybody who reads the settings can read it.
    let all: Vec<&str> = labels(text).collect();
    if all.iter().any(|label| label.contains("PRIVATE KEY")) {
        return Err(private(text, &all));
    }
    let text = without_comments(text);
    let labels: Vec<&str> = labels(&text).collect();
    match labels.as_slice() {
        [] if !all.is_empty() => Err(KeyError::Commented),
        [] => Err(no_block(&text)),
        // One that is not written as such is a second key all the same.
        [LABEL] if text.to_ascii_uppercase().matches("BEGIN PUBLIC KEY").count() > 1 => Err(KeyError::Several),
        [LABEL] => block(&text),
        [label] => Err(other_label(label)),
        [..] => Err(KeyError::Several),
    }
}

/// The text without the lines that begin with `#`.
fn without_comments(text: &str) -> Cow<'_, str> {
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    match text.lines().any(|line| is_comment(&line)) {
        true => text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n").trim().to_owned().into(),
        false => text.into(),
    }
}

/// The labels of all blocks that begin in the text.
fn labels(text: &str) -> impl Iterator<Item = &str> {
    text.split(BEGIN).skip(1).map(|rest| rest.split(DASHES).next().unwrap_or_default())
}

fn private(text: &str, labels: &[&str]) -> KeyError {
    let is_encrypted = labels.iter().any(|label| label.starts_with("ENCRYPTED")) || text.contains("4,ENCRYPTED");
    if is_encrypted { KeyError::EncryptedPrivate } else { KeyError::Private }
}

fn other_label(label: &str) -> KeyError {
    match label {
        "RSA PUBLIC KEY" => KeyError::Pkcs1,
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => KeyError::Certificate,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => KeyError::Request,
        "PGP PUBLIC KEY BLOCK" | "PGP SIGNATURE" | "PGP MESSAGE" | "PGP SIGNED MESSAGE" => KeyError::Pgp,
        _ => KeyError::Label,
    }
}

/// The one block, from its first line to its last.
fn block(text: &str) -> Result<Vec<u8>, KeyError> {
    let body = text.split_once("-----BEGIN PUBLIC KEY-----").map(|(_, rest)| rest).ok_or(KeyError::Armour)?;
    let (body, _) = body.split_once("-----END PUBLIC KEY-----").ok_or_else(|| match body.contains("-----END") {
        true => KeyError::Armour,
        false => KeyError::Truncated,
    })?;
    if body.starts_with("\\n") || body.starts_with("\\r") {
        return Err(KeyError::Escaped);
    }
    let base64: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if is_placeholder(&base64) {
        return Err(KeyError::Placeholder);
    }
    if body.contains("\\n") {
        return Err(KeyError::Escaped);
    }
    if let Some(other) = base64.chars().find(|c| !is_base64(*c)) {
        return Err(KeyError::Character(other));
    }
    if !base64.len().is_multiple_of(4) || base64.is_empty() {
        return Err(KeyError::Truncated);
    }
    let der = Base64::decode_vec(&base64).map_err(|_| KeyError::Base64)?;
    match is_cut(&der) {
        true => Err(KeyError::Truncated),
        false => Ok(der),
    }
}

/// Does it say that it is longer than it is?
fn is_cut(der: &[u8]) -> bool {
    let header = || {
        let mut reader = SliceReader::new(der).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        Some((usize::try_from(header.length()).ok()?, usize::try_from(reader.remaining_len()).ok()?))
    };
    header().is_some_and(|(said, there)| said > there)
}

/// What a text is that holds no block.
fn no_block(text: &str) -> KeyError {
    let words = text.split_whitespace().count();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let is_long_base64 = compact.len() >= 40 && compact.chars().all(is_base64);
    match scheme {
        _ if text.is_empty() => KeyError::Empty,
        Some("k8s") => KeyError::Secret,
        Some("http" | "https") => KeyError::Url,
        Some("file") => KeyError::Path,
        Some(scheme) if KMS.contains(&scheme) => KeyError::Kms,
        Some(_) if words == 1 && !is_placeholder(text) => KeyError::Elsewhere,
        _ if text.starts_with("pkcs11:") => KeyError::Pkcs11,
        _ if is_ssh(text) => KeyError::Ssh,
        _ if text.starts_with("arn:aws:kms:") || (text.starts_with("projects/") && text.contains("/cryptoKeys/")) => {
            KeyError::Kms
        }
        _ if text.contains("-----END PUBLIC KEY-----") && !text.contains("BEGIN PUBLIC KEY") => KeyError::NoBegin,
        _ if is_hex_der(&compact) => KeyError::Hex,
        _ if is_encoded_pem(&compact) => KeyError::Encoded,
        _ if text.contains("BEGIN PUBLIC KEY") || text.contains("BEGIN PGP") => KeyError::Armour,
        _ if is_long_base64 => KeyError::Unarmoured,
        _ if is_placeholder(text) => KeyError::Placeholder,
        _ if words == 1 && is_path(text) => KeyError::Path,
        _ => KeyError::NoBlock,
    }
}

/// Base64 of a whole PEM text, as secrets of Kubernetes hold it.
fn is_encoded_pem(base64: &str) -> bool {
    let text = Base64::decode_vec(base64).unwrap_or_default();
    text.windows(BEGIN.len()).any(|part| part == BEGIN.as_bytes())
}

/// Hexadecimal digits of a DER sequence, with or without colons between the bytes.
fn is_hex_der(compact: &str) -> bool {
    let digits = compact.replace(':', "");
    digits.len() >= 40 && digits.starts_with("30") && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// A line of OpenSSH's `authorized_keys` (`ssh-ed25519 AAAA…`, also with options in front), or the format of RFC 4716.
fn is_ssh(text: &str) -> bool {
    let is_type =
        |word: &str| ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"].iter().any(|start| word.starts_with(start));
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_line = words.windows(2).any(|pair| matches!(pair, [kind, key] if is_type(kind) && key.starts_with("AAAA")));
    is_line || is_type(text) || text.starts_with("---- BEGIN SSH2")
}

/// Text that stands for a key: `<your key>`, `...`, `{{ .Values.key }}`, `$KEY`.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_lowercase();
    let marks = [
        "<",
        "...",
        "…",
        "{{",
        "${",
        "[...]",
        "your",
        "changeme",
        "replace",
        "todo",
        "placeholder",
        "xxxx",
        "insert",
        "key here",
        "key_here",
        "redacted",
        "%",
    ];
    text.starts_with('$') || marks.iter().any(|mark| lower.contains(mark)) && !is_key_like(text)
}

/// Base64 of a key can hold any word, but no mark, and it is long.
fn is_key_like(base64: &str) -> bool {
    base64.len() >= 40 && base64.chars().all(is_base64)
}

fn is_path(text: &str) -> bool {
    let ends = [".pub", ".pem", ".key", ".crt", ".cer", ".der", ".asc"];
    text.starts_with(['/', '.', '~']) || text.contains('/') || ends.iter().any(|end| text.ends_with(end))
}
