//! Which parts does a DER structure have? (ITU-T X.690)

use der::{AnyRef, Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _, asn1::ObjectIdentifier};

/// The most parts of a list.
const MAX_PARTS: usize = 64;

/// The object identifier that this part holds.
pub(crate) fn oid(part: AnyRef<'_>) -> Option<ObjectIdentifier> {
    part.decode_as().ok()
}

/// The parts of a SEQUENCE.
pub(crate) fn sequence(part: AnyRef<'_>) -> Option<Vec<AnyRef<'_>>> {
    if part.tag() == Tag::Sequence { list(part.value()) } else { None }
}

/// The number of a context-specific tag.
pub(crate) fn context(part: AnyRef<'_>) -> Option<u32> {
    match part.tag() {
        Tag::ContextSpecific { number: TagNumber(number), .. } => Some(number),
        _ => None,
    }
}

/// The content of an explicit tag with this number.
pub(crate) fn explicit(part: AnyRef<'_>, number: u32) -> Option<AnyRef<'_>> {
    if context(part)? == number { AnyRef::from_der(part.value()).ok() } else { None }
}

/// The parts of a SEQUENCE or a SET with this content. It is `None` if there are very many.
pub(crate) fn list(content: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(content).ok()?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        if parts.len() >= MAX_PARTS {
            return None;
        }
        parts.push(AnyRef::decode(&mut reader).ok()?);
    }
    Some(parts)
}

/// The extensions in this list (RFC 5280, section 4.1): what each is called, whether it is critical, and its content.
pub(crate) fn read_extensions(extensions: AnyRef<'_>) -> Option<Vec<(ObjectIdentifier, bool, &[u8])>> {
    sequence(extensions)?.into_iter().map(read_extension).collect()
}

fn read_extension(extension: AnyRef<'_>) -> Option<(ObjectIdentifier, bool, &[u8])> {
    let parts = sequence(extension)?;
    let (id, is_critical, value) = match parts.as_slice() {
        [id, value] => (id, false, value),
        [id, critical, value] if critical.tag() == Tag::Boolean => (id, critical.value() != [0], value),
        _ => return None,
    };
    (value.tag() == Tag::OctetString).then_some((oid(*id)?, is_critical, value.value()))
}
