//! What does a JWS envelope hold? (RFC 7515, section 7.2.2; Notary Project, "JWS Signature Envelope")

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::value::RawValue;

use super::envelope::{Algorithm, Envelope, PREFIX, Written};
use crate::{
    json::{all_members, bytes_of, entries, members, only_members, text},
    time::UnixTime,
};

/// Reads an envelope. It is `None` if it is not one that follows the specification.
pub(super) fn read(bytes: &[u8]) -> Option<Envelope> {
    let json: &RawValue = serde_json::from_slice(bytes).ok()?;
    let [payload, protected, header, signature] =
        only_members(json, ["payload", "protected", "header", "signature"]).ok()?;
    let (payload, protected) = (text(payload?).ok()?, text(protected?).ok()?);
    let [x5c, timestamp] = members(header?, ["x5c", "io.cncf.notary.timestampSignature"]).ok()?;
    let (algorithm, written) = read_protected(&Base64UrlUnpadded::decode_vec(&protected).ok()?)?;
    Some(Envelope {
        signed: format!("{protected}.{payload}").into_bytes(),
        signature: Base64UrlUnpadded::decode_vec(&text(signature?).ok()?).ok()?,
        algorithm,
        payload: Base64UrlUnpadded::decode_vec(&payload).ok()?,
        chain: entries(x5c?).ok()?.into_iter().map(bytes_of).collect::<Option<_>>()?,
        attributes: written.read()?,
        timestamp: match timestamp {
            Some(token) => Some(bytes_of(token)?),
            None => None,
        },
    })
}

fn read_protected(json: &[u8]) -> Option<(Algorithm, Written)> {
    let json: &RawValue = serde_json::from_slice(json).ok()?;
    let (mut algorithm, mut written) = (None, Written::default());
    let time = |json: &RawValue| UnixTime::parse_with_offset(&text(json).ok()?);
    let mut others = BTreeMap::new();
    for (name, value) in all_members(json).ok()? {
        match (name.strip_prefix(PREFIX), &*name) {
            (None, "alg") => algorithm = Some(Algorithm::Jose(text(value).ok()?.into_owned())),
            (None, "cty") => written.content_type = Some(text(value).ok()?.into_owned()),
            (None, "crit") => {
                let names = entries(value).ok()?.into_iter().map(|name| Some(text(name).ok()?.into_owned()));
                written.critical = names.collect::<Option<_>>()?;
            }
            (Some("signingScheme"), _) => written.scheme = Some(text(value).ok()?.into_owned()),
            (Some("signingTime"), _) => written.signing_time = Some(time(value)?),
            (Some("authenticSigningTime"), _) => written.authentic_time = Some(time(value)?),
            (Some("expiry"), _) => written.expiry = Some(time(value)?),
            _ => drop(others.insert(name.into_owned(), text(value).ok().map(|text| text.into_owned()))),
        }
    }
    written.others = others;
    Some((algorithm?, written))
}
