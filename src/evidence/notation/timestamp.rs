//! When was a Notation signature made, as a time-stamping authority says? (RFC 3161; Notary Project, "Timestamping")

use super::{NotationError, TimestampError, chain, envelope::MAX_CERTIFICATES, revocation::Revocation};
use crate::{
    signing::{
        certificate::{Certificate, Purpose},
        timestamp_token::TimestampToken,
    },
    time::UnixTime,
};

/// What a timestamp proves.
pub(super) struct Timestamped {
    /// The earliest and the latest time at which it may have been made.
    pub(super) times: [UnixTime; 2],
    /// Whether it is known that no certificate of the authority was revoked.
    pub(super) revocation: Result<(), NotationError>,
}

/// What the timestamp of a signature proves.
///
/// # Errors
/// If the token is not about `signature`, or no certificate of `store` vouches for it.
pub(super) fn read(
    token: &[u8],
    signature: &[u8],
    store: &[Vec<u8>],
    revocation: &Revocation<'_>,
) -> Result<Timestamped, NotationError> {
    let failed = |error| Err(NotationError::Timestamp(error));
    let Some(token) = TimestampToken::read_token(token) else { return failed(TimestampError::Form) };
    if !token.is_of(signature) {
        return failed(TimestampError::Content);
    }
    let chain = token.certificate().and_then(|leaf| chain_of(leaf, &token.certificates, store));
    let Some(chain) = chain else { return failed(TimestampError::Unknown) };
    let Some(leaf) = chain.first() else { return failed(TimestampError::Unknown) };
    if !token.is_signed_with(leaf) {
        return failed(TimestampError::Signature);
    }
    let links = chain::read(&chain, Purpose::TimeStamping, None)
        .map_err(|_| NotationError::Timestamp(TimestampError::Chain))?;
    if !chain::are_valid(&links, token.time) {
        return failed(TimestampError::Expired);
    }
    // Whoever holds a key that was revoked can write any time, so its own time does not excuse it.
    let revocation = match revocation.check(&links, None) {
        Err(NotationError::Revoked(_)) => return failed(TimestampError::Revoked),
        known => known,
    };
    Ok(Timestamped { times: [token.time.minus(token.accuracy), token.time.plus(token.accuracy)], revocation })
}

/// The certificates from `leaf` to one of the store, with those of the token in between.
fn chain_of(leaf: &[u8], between: &[Vec<u8>], store: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let mut chain = vec![leaf.to_vec()];
    while chain.len() <= MAX_CERTIFICATES {
        let below = Certificate::read(chain.last()?)?;
        let issued = |der: &&Vec<u8>| {
            Certificate::read(der).is_some_and(|ca| {
                ca.tbs.subject.value() == below.tbs.issuer.value()
                    && ca.key().is_some_and(|key| below.is_signed_by(&key))
            })
        };
        let is_root =
            |der: &&Vec<u8>| Certificate::read(der).and_then(|ca| ca.names()).is_some_and(|names| names.is_root());
        if let Some(root) = store.iter().filter(is_root).find(issued) {
            chain.push(root.clone());
            return Some(chain);
        }
        let next = store.iter().chain(between).filter(|der| !chain.contains(der)).find(issued)?.clone();
        chain.push(next);
    }
    None
}
