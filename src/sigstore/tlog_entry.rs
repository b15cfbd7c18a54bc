//! Did a transparency log that is trusted promise an entry of this very signature, and when?
//!
//! What cosign keeps of Rekor beside a signature: the entry's body, when and where it was put in, and the log's signature over all of that, the *signed entry
//! timestamp* (Rekor, "Signed Entry Timestamp"; cosign, "Rekor Bundle"). Whether the entry was ever merged into the log's tree is not asked: that would need the network.

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use super::{
    VerificationError,
    trusted_root::{Log, Logs},
};
use crate::{
    signing::{
        PublicKey,
        certificate::certificates,
        signature::{Hash, Message},
    },
    time::UnixTime,
};

/// Longest text that is read, in bytes; the largest certificates take some 10 KB of it.
const MAX_TEXT: usize = 64 * 1024;

/// Whose key an entry has to be of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EntryOf<'s> {
    /// This one.
    Key(&'s PublicKey),
    /// The key of this certificate, in DER.
    Certificate(&'s [u8]),
}

/// What lies beside a signature.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    #[serde(rename = "SignedEntryTimestamp")]
    promise: String,
    #[serde(rename = "Payload")]
    entry: Entry,
}

/// What the log signed: this object, with its members in this order and no white space (RFC 8785).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    body: String,
    integrated_time: u64,
    #[serde(rename = "logID")]
    log_id: String,
    log_index: u64,
}

/// An entry's body, of any type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    api_version: String,
    kind: String,
}

/// An entry's body, as it is of a signature over a hash (Rekor, "hashedrekord", version 0.0.1).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HashedRekord {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    data: Data,
    signature: Signed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    hash: Hashed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashed {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Signed {
    content: String,
    public_key: Content,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    content: String,
}

/// An entry that is about a signature. That the log made it is still to be checked.
#[derive(Debug)]
pub(crate) struct TlogEntry<'l> {
    log: &'l Log,
    /// When it was put into the log.
    pub(crate) time: UnixTime,
    signed: String,
    promise: Vec<u8>,
}

impl<'l> TlogEntry<'l> {
    /// The entry that `text` holds, if it is of this payload, this signature and by this key or certificate, and in one of `logs`.
    pub(crate) fn read(
        text: &str,
        payload: &[u8],
        signature: &[u8],
        of: EntryOf<'_>,
        logs: &'l Logs,
    ) -> Result<TlogEntry<'l>, VerificationError> {
        let bundle: Bundle = object(text.as_bytes()).ok_or(VerificationError::LogForm)?;
        let entry = &bundle.entry;
        let promise = Base64::decode_vec(&bundle.promise).map_err(|_| VerificationError::LogForm)?;
        let body = Base64::decode_vec(&entry.body).map_err(|_| VerificationError::LogForm)?;
        let kind: Kind = object(&body).ok_or(VerificationError::LogForm)?;
        if (&*kind.kind, &*kind.api_version) != ("hashedrekord", "0.0.1") {
            return Err(VerificationError::LogKind);
        }
        let HashedRekord { spec: Spec { data, signature: signed }, .. } =
            object(&body).ok_or(VerificationError::LogForm)?;
        let hash = match &*data.hash.algorithm {
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => return Err(VerificationError::LogPayload),
        };
        if data.hash.value != hex(&hash.of(payload)) {
            return Err(VerificationError::LogPayload);
        }
        if Base64::decode_vec(&signed.content).ok().as_deref() != Some(signature) {
            return Err(VerificationError::LogSignature);
        }
        if !is_of(&signed.public_key.content, of) {
            return Err(VerificationError::LogKey);
        }
        let time = UnixTime::from_secs(entry.integrated_time);
        let is_its = |log: &&Log| hex(&log.key.fingerprint().bytes()) == entry.log_id && log.period.contains(time);
        let log = logs.list.iter().find(is_its).ok_or(VerificationError::LogUnknown(logs.origin))?;
        // EntryOf the texts in it one is base64 and one hexadecimal, so none has to be escaped.
        let signed = format!(
            r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}}"#,
            entry.body, entry.integrated_time, entry.log_id, entry.log_index
        );
        Ok(TlogEntry { log, time, signed, promise })
    }

    /// Checks that the log promised to merge the entry: its signed entry timestamp.
    pub(crate) fn check_signed_entry_timestamp(&self) -> Result<(), VerificationError> {
        let is_promised = self.log.key.signed(Message::Bytes(self.signed.as_bytes()), &self.promise);
        is_promised.then_some(()).ok_or(VerificationError::SignedEntryTimestamp)
    }
}

/// The object that these bytes are, and nothing else: serde takes a list for one, too.
fn object<'d, T: Deserialize<'d>>(json: &'d [u8]) -> Option<T> {
    if json.len() > MAX_TEXT || !json.starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Is this the key or the certificate that is meant, in PEM in base64?
fn is_of(content: &str, of: EntryOf<'_>) -> bool {
    let Ok(bytes) = Base64::decode_vec(content) else { return false };
    let Ok(text) = String::from_utf8(bytes) else { return false };
    match of {
        EntryOf::Key(key) => PublicKey::parse(&text).is_ok_and(|other| other == *key),
        EntryOf::Certificate(der) => {
            certificates(&text, 1).is_some_and(|found| matches!(found.as_slice(), [one] if one.as_bytes() == der))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_up_to_a_length() {
        let json = r#"{"apiVersion":"0.0.1","kind":"hashedrekord"}"#;
        let filled = |length: usize| json.to_owned() + &" ".repeat(length - json.len());
        let rows = [
            (json.to_owned(), true, "an object"),
            (r#"["0.0.1","hashedrekord"]"#.to_owned(), false, "a list of the same"),
            (filled(MAX_TEXT), true, "as long as may be"),
            (filled(MAX_TEXT + 1), false, "one byte longer"),
        ];
        for (json, expected, why) in rows {
            assert_eq!(object::<Kind>(json.as_bytes()).is_some(), expected, "{why}");
        }
    }
}
