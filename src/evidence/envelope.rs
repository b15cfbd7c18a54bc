//! What does a DSSE envelope hold?
//!
//! The format is that of DSSE v1.0.2, "Envelope", in JSON. Nothing in it is trusted.

use serde_json::value::RawValue;

use super::statement::{PAYLOAD_TYPE, Statement, StatementError};
use crate::{
    image::Digest,
    json::{bytes_of, entries, members, text},
    signing::dsse::pre_authentication_encoding,
};

/// A payload, and the bytes that a signature of it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) payload_type: String,
    pub(crate) payload: Vec<u8>,
    /// The encoding of the payload and its type. This is what is signed.
    pub(crate) encoding: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope with exactly one signature, and that signature. With two, one could be checked and the other one counted.
    pub(crate) fn read(json: &RawValue) -> Option<(Vec<u8>, Envelope)> {
        let [payload, payload_type, signatures] = members(json, ["payload", "payloadType", "signatures"]).ok()?;
        let (payload, payload_type) = (bytes_of(payload?)?, text(payload_type?).ok()?.into_owned());
        let signatures = entries(signatures?).ok()?;
        let [signature] = signatures.as_slice() else { return None };
        let signature = bytes_of(members(signature, ["sig"]).ok()?[0]?)?;
        let encoding = pre_authentication_encoding(&payload_type, &payload);
        Some((signature, Envelope { payload_type, payload, encoding }))
    }

    /// The statement about `image` that it holds. It is `None` if the payload type is not `application/vnd.in-toto+json`.
    pub(crate) fn statement(&self, image: Digest) -> Option<Result<Statement, StatementError>> {
        (self.payload_type == PAYLOAD_TYPE).then(|| Statement::read(&self.payload, image))
    }
}
