//! Did a trusted transparency log make an entry about this very signature, and when?
//!
//! An entry comes from cosign's annotation (cosign, "Rekor Bundle") or from a Sigstore bundle. First, it is *bound*: its body has to be about this signature, this
//! key or certificate, and this content. Otherwise the log would vouch for somebody else's signature. Then the entry has to prove that the log made it. The proof is the
//! log's promise (the signed entry timestamp), an inclusion proof up to a signed checkpoint, or both. Whichever is there has to hold. Only a promise proves a time.

mod body;
mod checkpoint;
mod inclusion_proof;

use serde_json::value::RawValue;

pub(crate) use body::{Content, Logged, LoggedBy};

use super::{
    VerificationError,
    trusted_root::{Log, Logs},
};
use crate::{
    image::{Digest, hex},
    json::{bytes_of, entries, members, number, only_members, text},
    signing::signature::Message,
    time::{Period, UnixTime},
};
use checkpoint::Checkpoint;
use inclusion_proof::InclusionProof;

/// An entry that claims to be from a log. Nothing in it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlogEntry {
    /// The identifier of the log.
    log_id: Vec<u8>,
    /// The index of the entry among all entries of the log, across its trees.
    log_index: u64,
    /// The body that the log stored, in base64 as it came.
    body_text: String,
    body: Vec<u8>,
    /// The kind and the version that stand beside the body, if they do.
    kind: Option<(String, String)>,
    /// The time at which the entry was put into the log, in seconds. Without a promise it proves nothing.
    integrated_time: Option<u64>,
    /// The signed entry timestamp.
    promise: Option<Vec<u8>>,
    proof: Option<InclusionProof>,
}

/// An entry that is about a signature, and the trusted log that it claims to be from.
#[derive(Debug)]
pub(crate) struct BoundEntry<'e> {
    entry: &'e TlogEntry,
    log: &'e Log,
    /// When the log is trusted; a trusted root can list it more than once.
    periods: Vec<Period>,
    /// The time at which the entry was put into the log, if the log promised it.
    pub(crate) time: Option<UnixTime>,
}

impl TlogEntry {
    /// Reads the annotation `dev.sigstore.cosign/bundle`.
    ///
    /// # Errors
    /// If the annotation does not have that form.
    pub(crate) fn of_annotation(json: &str) -> Result<TlogEntry, VerificationError> {
        let read = || {
            let [promise, payload] =
                only_members(body::object(json.as_bytes())?, ["SignedEntryTimestamp", "Payload"]).ok()?;
            let keys = ["body", "integratedTime", "logID", "logIndex"];
            let [body, time, log_id, log_index] = only_members(payload?, keys).ok()?;
            Some(TlogEntry {
                // A log's identifier is in hexadecimal here. Any other text belongs to no log.
                log_id: Digest::parse(&format!("sha256:{}", text(log_id?).ok()?))
                    .map_or(Vec::new(), |id| id.bytes().to_vec()),
                log_index: log_index?.get().parse().ok()?,
                body: bytes_of(body?)?,
                body_text: text(body?).ok()?.into_owned(),
                kind: None,
                integrated_time: Some(time?.get().parse().ok()?),
                promise: Some(bytes_of(promise?)?),
                proof: None,
            })
        };
        read().ok_or(VerificationError::LogForm)
    }

    /// Reads an entry of a Sigstore bundle (Sigstore protobuf-specs, "TransparencyLogEntry"). `None` if it does not have that form.
    pub(crate) fn of_bundle(json: &RawValue) -> Option<TlogEntry> {
        let keys = [
            "logIndex",
            "logId",
            "kindVersion",
            "integratedTime",
            "inclusionPromise",
            "inclusionProof",
            "canonicalizedBody",
        ];
        let [log_index, log_id, kind, time, promise, proof, body] = members(json, keys).ok()?;
        let [log_id] = members(log_id?, ["keyId"]).ok()?;
        let [kind, version] = members(kind?, ["kind", "version"]).ok()?;
        let promised = |json| bytes_of(members(json, ["signedEntryTimestamp"]).ok()?[0]?);
        let promise = promise.map_or(Some(None), |promise| promised(promise).map(Some))?;
        let proof = proof.map_or(Some(None), |proof| InclusionProof::read(proof).map(Some))?;
        let time = time.map_or(Some(0), number)?;
        Some(TlogEntry {
            log_id: bytes_of(log_id?)?,
            log_index: log_index.map_or(Some(0), number)?,
            body: bytes_of(body?)?,
            body_text: text(body?).ok()?.into_owned(),
            kind: Some((text(kind?).ok()?.into_owned(), text(version?).ok()?.into_owned())),
            integrated_time: (time > 0).then_some(time),
            promise,
            proof,
        })
    }

    /// Whether the entry has a signed entry timestamp.
    pub(crate) fn has_promise(&self) -> bool {
        self.promise.is_some()
    }

    /// Whether the entry has an inclusion proof.
    pub(crate) fn has_proof(&self) -> bool {
        self.proof.is_some()
    }

    /// The log and the index, which together tell entries apart.
    pub(crate) fn place(&self) -> (&[u8], u64) {
        (&self.log_id, self.log_index)
    }

    /// Binds the entry to a signature, and to the one of `logs` that it names. `None` if none of them has that name.
    ///
    /// # Errors
    /// The part of the signature that the entry is not about, or that the log was not trusted at the time of the entry.
    pub(crate) fn bind<'e>(
        &'e self,
        logged: &Logged<'_>,
        logs: &'e Logs,
    ) -> Result<Option<BoundEntry<'e>>, VerificationError> {
        let of_log = || logs.list.iter().filter(|log| log.has_id(&self.log_id));
        let Some(log) = of_log().next() else { return Ok(None) };
        let is_version_2 = body::check(&self.body, self.kind.as_ref(), logged)?;
        // A time counts only if the log signed it. Anybody can write a time beside an inclusion proof (CVE-2026-48816).
        let time = self.integrated_time.filter(|_| self.promise.is_some()).map(UnixTime::from_secs);
        let periods: Vec<Period> = of_log().map(|log| log.period).collect();
        if time.is_some_and(|time| !periods.iter().any(|period| period.contains(time))) {
            return Err(VerificationError::LogUnknown(logs.origin));
        }
        // Rekor 2 makes no promises, and has one index for each entry. Rekor 1 has a second index in each of its trees.
        let is_elsewhere = self.proof.as_ref().is_some_and(|proof| proof.index != self.log_index);
        if is_version_2 && (self.promise.is_some() || is_elsewhere) || self.promise.is_some() != time.is_some() {
            return Err(VerificationError::LogForm);
        }
        Ok(Some(BoundEntry { entry: self, log, periods, time }))
    }
}

impl BoundEntry<'_> {
    /// Whether the log was trusted at this time.
    pub(crate) fn is_trusted_at(&self, time: UnixTime) -> bool {
        self.periods.iter().any(|period| period.contains(time))
    }

    /// Is the log trusted to this day?
    pub(crate) fn is_trusted_for_good(&self) -> bool {
        self.periods.iter().any(|period| period.end.is_none())
    }

    /// Checks that the log made the entry. At least one promise or proof has to be there, and each that is there has to hold.
    ///
    /// # Errors
    /// The check that failed.
    pub(crate) fn check(&self) -> Result<(), VerificationError> {
        match (&self.entry.promise, &self.entry.proof) {
            (None, None) => Err(VerificationError::LogForm),
            (promise, proof) => {
                promise.as_deref().map_or(Ok(()), |promise| self.check_promise(promise))?;
                proof.as_ref().map_or(Ok(()), |proof| self.check_proof(proof))
            }
        }
    }

    /// The log's signature over this object, with its members in this order and no white space (RFC 8785; Rekor, "Signed Entry Timestamp").
    fn check_promise(&self, promise: &[u8]) -> Result<(), VerificationError> {
        let TlogEntry { body_text, log_id, log_index, integrated_time, .. } = self.entry;
        let time = integrated_time.ok_or(VerificationError::LogForm)?;
        // Its texts are base64 and hexadecimal, so nothing has to be escaped.
        let signed = format!(
            r#"{{"body":"{body_text}","integratedTime":{time},"logID":"{}","logIndex":{log_index}}}"#,
            hex(log_id)
        );
        let is_promised = self.log.key.signed(Message::Bytes(signed.as_bytes()), promise);
        is_promised.then_some(()).ok_or(VerificationError::SignedEntryTimestamp)
    }

    /// Checks that the entry is a leaf of the tree whose size and root the log's checkpoint gives.
    fn check_proof(&self, proof: &InclusionProof) -> Result<(), VerificationError> {
        let checkpoint = Checkpoint::read(&proof.checkpoint).ok_or(VerificationError::Checkpoint)?;
        if !checkpoint.is_signed_by(self.log) {
            return Err(VerificationError::Checkpoint);
        }
        let is_its_tree = proof.size == checkpoint.size && proof.root == checkpoint.root;
        match is_its_tree && proof.leads_from(&self.entry.body) {
            true => Ok(()),
            false => Err(VerificationError::LogProof),
        }
    }
}

/// Reads the entries of a bundle. It is `None` if one of them is malformed, or there are more than `most`.
pub(crate) fn read_all(list: &RawValue, most: usize) -> Option<Vec<TlogEntry>> {
    let entries = entries(list).ok()?;
    if entries.len() > most {
        return None;
    }
    entries.into_iter().map(TlogEntry::of_bundle).collect()
}
