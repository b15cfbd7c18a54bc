//! Which size and root does a log sign for its tree?
//!
//! A checkpoint is a signed note (C2SP, "tlog-checkpoint" and "signed-note"): the log's name, the size, the root, and below a blank line the signatures. Those of
//! witnesses stand among them, in any order. One signature of the log is needed.

use base64ct::{Base64, Encoding as _};

use crate::{signing::signature::Message, sigstore::trusted_root::Log};

/// The most signatures of a checkpoint that are looked at.
const MAX_SIGNATURES: usize = 32;
/// The most signatures by one key that are verified.
const MAX_OF_LOG: usize = 4;
/// The beginning of every line that holds a signature.
const SIGNATURE: &str = "\u{2014} ";

/// A checkpoint. Its signatures are not verified yet.
pub(super) struct Checkpoint<'t> {
    pub(super) size: u64,
    pub(super) root: [u8; 32],
    origin: &'t str,
    /// The signed text, with its last line feed.
    signed: &'t str,
    signatures: Vec<Signature<'t>>,
}

struct Signature<'t> {
    name: &'t str,
    /// The first bytes of the key's identifier.
    hint: [u8; 4],
    signature: Vec<u8>,
}

impl<'t> Checkpoint<'t> {
    /// Reads a checkpoint. It is `None` if the text does not have that form.
    pub(super) fn read(text: &'t str) -> Option<Checkpoint<'t>> {
        let blank = text.find("\n\n")?;
        let (signed, signatures) = text.split_at(blank.checked_add(1)?);
        let mut lines = signed.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let is_number = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
        if origin.is_empty() || !is_number || (size.len() > 1 && size.starts_with('0')) {
            return None;
        }
        let signatures = signatures.strip_prefix('\n')?.strip_suffix('\n')?.split('\n');
        let signatures = signatures.map(Signature::read).collect::<Option<Vec<_>>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return None;
        }
        Some(Checkpoint {
            size: size.parse().ok()?,
            root: Base64::decode_vec(root).ok()?.try_into().ok()?,
            origin,
            signed,
            signatures,
        })
    }

    /// Whether the checkpoint names this log, and the log signed it.
    ///
    /// A log of Rekor 2 has one name, its host. One of Rekor 1 calls itself by the name of the machine and the number of the tree, so its key alone tells it.
    pub(super) fn is_signed_by(&self, log: &Log) -> bool {
        let is_named = |name: &str| !log.is_version_2() || log.host.as_deref().is_none_or(|host| host == name);
        let is_of_log = |signature: &&Signature<'_>| {
            is_named(signature.name) && log.ids(signature.name).iter().any(|id| id.starts_with(&signature.hint))
        };
        let is_signed =
            |signature: &Signature<'_>| log.key.signed(Message::Bytes(self.signed.as_bytes()), &signature.signature);
        is_named(self.origin) && self.signatures.iter().filter(is_of_log).take(MAX_OF_LOG).any(is_signed)
    }
}

impl<'t> Signature<'t> {
    fn read(line: &'t str) -> Option<Signature<'t>> {
        let (name, encoded) = line.strip_prefix(SIGNATURE)?.rsplit_once(' ')?;
        let bytes = Base64::decode_vec(encoded).ok()?;
        let (hint, signature) = bytes.split_first_chunk::<4>()?;
        (!name.is_empty()).then(|| Signature { name, hint: *hint, signature: signature.to_vec() })
    }
}
