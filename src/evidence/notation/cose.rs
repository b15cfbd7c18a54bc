//! What does a COSE envelope hold? (RFC 9052, section 4.2; Notary Project, "COSE Signature Envelope")

use minicbor::{Decoder, Encoder, data::Type};

use super::envelope::{Algorithm, Envelope, MAX_CERTIFICATES, PREFIX, Written};
use crate::time::UnixTime;

/// The tag of `COSE_Sign1`.
const SIGN1: u64 = 18;
/// The tag of a number of seconds since 1970.
const EPOCH: u64 = 1;
/// The labels of `alg`, `crit`, `content type` and `x5chain` (RFC 9052, section 3.1; RFC 9360).
const ALG: i64 = 1;
const CRIT: i64 = 2;
const CONTENT: i64 = 3;
const X5CHAIN: i64 = 33;
/// The most entries of a map or a list.
const MAX_ENTRIES: u64 = 64;

/// The label of a header parameter.
enum Label {
    Number(i64),
    Name(String),
}

/// Reads an envelope. It is `None` if it is not one that follows the specification.
pub(super) fn read(bytes: &[u8]) -> Option<Envelope> {
    let mut decoder = Decoder::new(bytes);
    if decoder.tag().ok()?.as_u64() != SIGN1 || decoder.array().ok()? != Some(4) {
        return None;
    }
    let protected = decoder.bytes().ok()?;
    let (chain, timestamp) = read_unprotected(&mut decoder)?;
    let (payload, signature) = (decoder.bytes().ok()?, decoder.bytes().ok()?);
    if decoder.position() != bytes.len() {
        return None;
    }
    let (algorithm, written) = read_protected(protected)?;
    Some(Envelope {
        signed: signed(protected, payload)?,
        signature: signature.to_vec(),
        algorithm,
        payload: payload.to_vec(),
        chain,
        attributes: written.read()?,
        timestamp,
    })
}

/// The bytes that are signed (RFC 9052, section 4.4).
fn signed(protected: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.array(4).ok()?.str("Signature1").ok()?.bytes(protected).ok()?.bytes(&[]).ok()?.bytes(payload).ok()?;
    Some(encoder.into_writer())
}

/// The certificates and the time-stamp token.
fn read_unprotected(decoder: &mut Decoder<'_>) -> Option<(Vec<Vec<u8>>, Option<Vec<u8>>)> {
    let (mut chain, mut timestamp) = (None, None);
    for_each_entry(decoder, |label, decoder| {
        match label {
            Label::Number(X5CHAIN) => chain = Some(read_chain(decoder)?),
            Label::Name(name) if name.strip_prefix(PREFIX) == Some("timestampSignature") => {
                timestamp = Some(decoder.bytes().ok()?.to_vec());
            }
            Label::Number(_) | Label::Name(_) => decoder.skip().ok()?,
        }
        Some(())
    })?;
    Some((chain?, timestamp))
}

/// One certificate, or a list of them (RFC 9360, section 2).
fn read_chain(decoder: &mut Decoder<'_>) -> Option<Vec<Vec<u8>>> {
    if decoder.datatype().ok()? == Type::Bytes {
        return Some(vec![decoder.bytes().ok()?.to_vec()]);
    }
    let length = usize::try_from(decoder.array().ok()??).ok().filter(|length| *length <= MAX_CERTIFICATES)?;
    (0..length).map(|_| Some(decoder.bytes().ok()?.to_vec())).collect()
}

fn read_protected(bytes: &[u8]) -> Option<(Algorithm, Written)> {
    let mut decoder = Decoder::new(bytes);
    let (mut algorithm, mut written) = (None, Written::default());
    for_each_entry(&mut decoder, |label, decoder| {
        let text = |decoder: &mut Decoder<'_>| decoder.str().ok().map(str::to_owned);
        match label {
            Label::Number(ALG) => algorithm = Some(Algorithm::Cose(decoder.i64().ok()?)),
            Label::Number(CRIT) => written.critical = read_critical(decoder)?,
            Label::Number(CONTENT) => written.content_type = Some(text(decoder)?),
            // Notation gives no other numbers, and what is critical has a name.
            Label::Number(_) => decoder.skip().ok()?,
            Label::Name(name) => match name.strip_prefix(PREFIX) {
                Some("signingScheme") => written.scheme = Some(text(decoder)?),
                Some("signingTime") => written.signing_time = Some(read_time(decoder)?),
                Some("authenticSigningTime") => written.authentic_time = Some(read_time(decoder)?),
                Some("expiry") => written.expiry = Some(read_time(decoder)?),
                _ => {
                    let value = if decoder.datatype().ok()? == Type::String { Some(text(decoder)?) } else { None };
                    if value.is_none() {
                        decoder.skip().ok()?;
                    }
                    written.others.insert(name, value);
                }
            },
        }
        Some(())
    })?;
    (decoder.position() == bytes.len()).then_some((algorithm?, written))
}

/// The labels of the critical attributes. Numbers are those of COSE itself, which are known.
fn read_critical(decoder: &mut Decoder<'_>) -> Option<Vec<String>> {
    let length = decoder.array().ok()?.filter(|length| *length <= MAX_ENTRIES)?;
    let mut names = Vec::new();
    for _ in 0..length {
        match read_label(decoder)? {
            Label::Name(name) => names.push(name),
            Label::Number(ALG | CRIT | CONTENT) => {}
            Label::Number(_) => return None,
        }
    }
    Some(names)
}

/// A number of seconds since 1970.
fn read_time(decoder: &mut Decoder<'_>) -> Option<UnixTime> {
    (decoder.tag().ok()?.as_u64() == EPOCH).then_some(())?;
    decoder.u64().ok().map(UnixTime::from_secs)
}

fn read_label(decoder: &mut Decoder<'_>) -> Option<Label> {
    match decoder.datatype().ok()? {
        Type::String => Some(Label::Name(decoder.str().ok()?.to_owned())),
        _ => Some(Label::Number(decoder.i64().ok()?)),
    }
}

/// Reads the value of each entry of a map, in which no label occurs twice (RFC 9052, section 3).
fn for_each_entry<'b>(
    decoder: &mut Decoder<'b>,
    mut read: impl FnMut(Label, &mut Decoder<'b>) -> Option<()>,
) -> Option<()> {
    let length = decoder.map().ok()?.filter(|length| *length <= MAX_ENTRIES)?;
    let (mut numbers, mut names) = (Vec::new(), Vec::new());
    for _ in 0..length {
        let label = read_label(decoder)?;
        let is_new = match &label {
            Label::Number(number) if numbers.contains(number) => false,
            Label::Name(name) if names.contains(name) => false,
            Label::Number(number) => {
                numbers.push(*number);
                true
            }
            Label::Name(name) => {
                names.push(name.clone());
                true
            }
        };
        if !is_new {
            return None;
        }
        read(label, decoder)?;
    }
    Some(())
}
