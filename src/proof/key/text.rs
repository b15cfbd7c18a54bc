//! Which public key does a text mean?
//!
//! A PEM block (RFC 7468, section 13) as people paste it: of any line width or in one line, indented, with line ends of any system, a byte order mark, and
//! text before and after it, such as comments or the output of `openssl pkey -text`. What has two meanings, or is no public key, is refused by what it is.

use base64ct::{Base64, Encoding as _};
use der::{Decode as _, Header, Reader as _, SliceReader};

use super::KeyError;

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
    let labels: Vec<&str> = labels(text).collect();
    match labels.as_slice() {
        [] => Err(no_block(text)),
        // Whatever else is there: a private key is the worst of it.
        labels if labels.iter().any(|label| label.contains("PRIVATE KEY")) => Err(private(text, labels)),
        // One that is not written as such is a second key all the same.
        [LABEL] if text.to_ascii_uppercase().matches("BEGIN PUBLIC KEY").count() > 1 => Err(KeyError::Several),
        [LABEL] => block(text),
        [label] => Err(other_label(label)),
        [..] => Err(KeyError::Several),
    }
}

/// The labels of all blocks that begin in it.
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
        _ if text.contains("-----END PUBLIC KEY-----") && !text.contains("BEGIN PUBLIC KEY") => KeyError::Truncated,
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

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// OpenSSH's form (`ssh-ed25519 AAAA…`), and that of RFC 4716.
fn is_ssh(text: &str) -> bool {
    let starts = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-", "---- BEGIN SSH2"];
    starts.iter().any(|start| text.starts_with(start))
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
