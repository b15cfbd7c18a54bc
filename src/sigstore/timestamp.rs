//! Did a trusted time-stamping authority see this signature, and when?

use der::Document;

use super::{Origin, VerificationError};
use crate::{
    signing::{
        certificate::{Certificate, Purpose},
        path::{Authority, AuthorityError, issuer_of},
        timestamp_token::TimestampToken,
    },
    time::{Period, UnixTime},
};

/// The trusted time-stamping authorities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TimestampAuthorities {
    pub(crate) list: Vec<TimestampAuthority>,
    pub(crate) origin: Origin,
}

/// A time-stamping authority that is trusted for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimestampAuthority {
    /// The certificate of the key that signs timestamps, in DER. If it is `None`, each timestamp brings it along.
    leaf: Option<Vec<u8>>,
    /// The period in which all certificates of the authority are valid.
    validity: Period,
    /// The CAs above that certificate.
    authorities: Vec<Authority>,
    period: Period,
}

impl TimestampAuthority {
    /// Reads the certificates of an authority (DER). The first is that of the authority or that of a CA.
    ///
    /// # Errors
    /// The position of the certificate that cannot be used, and the reason.
    pub(crate) fn read(chain: &[Vec<u8>], period: Period) -> Result<TimestampAuthority, (usize, AuthorityError)> {
        let mut validity = Period::default();
        let mut leaf = None;
        let mut authorities = Vec::new();
        for (at, der) in chain.iter().enumerate() {
            let certificate = Certificate::read(der).ok_or((at, AuthorityError::Form))?;
            let Period { start, end } = certificate.validity();
            validity = Period { start: validity.start.max(start), end: earlier(validity.end, end) };
            if at == 0 && certificate.is_only_for(Purpose::TimeStamping) == Some(true) {
                leaf = Some(der.clone());
            } else {
                let authority = Authority::read(der, period, Purpose::TimeStamping);
                authorities.push(authority.map_err(|error| (at, error))?);
            }
        }
        Ok(TimestampAuthority { leaf, validity, authorities, period })
    }

    /// Whether this authority signed the token, and was trusted at the token's time.
    fn signed(&self, token: &TimestampToken) -> bool {
        if !self.period.contains(token.time) {
            return false;
        }
        match &self.leaf {
            Some(leaf) => self.validity.contains(token.time) && token.is_signed_with(leaf),
            // Whoever makes a token can put many copies of a certificate into it.
            None => token.certificate().is_some_and(|der| self.certified(der, token)),
        }
    }

    /// Whether the key of this certificate signed the token, and one of the CAs issued the certificate.
    fn certified(&self, der: &[u8], token: &TimestampToken) -> bool {
        let others = token.certificates.iter().filter(|other| *other != der);
        let between: Option<Vec<Document>> = others.map(|other| Document::try_from(other.as_slice()).ok()).collect();
        let is_valid = Certificate::read(der).is_some_and(|leaf| leaf.validity().contains(token.time));
        is_valid
            && token.is_signed_with(der)
            && between.is_some_and(|between| {
                issuer_of(der, &self.authorities, &between, Purpose::TimeStamping, &[token.time]).is_ok()
            })
    }
}

impl TimestampAuthorities {
    /// An empty list of authorities.
    pub(crate) const NONE: TimestampAuthorities = TimestampAuthorities { list: Vec::new(), origin: Origin::Validator };

    /// The time in a time-stamp response about `signature`, if one of these authorities signed it.
    ///
    /// # Errors
    /// If the response is not DER, is not about `signature`, is not by one of these authorities, or names the certificate of one that did not sign it.
    pub(crate) fn time_of(&self, response: &[u8], signature: &[u8]) -> Result<UnixTime, VerificationError> {
        let token = TimestampToken::read(response).ok_or(VerificationError::TimestampForm)?;
        if !token.is_of(signature) {
            return Err(VerificationError::TimestampContent);
        }
        if self.list.iter().any(|authority| authority.signed(&token)) {
            return Ok(token.time);
        }
        let is_named = |authority: &TimestampAuthority| authority.leaf.as_ref().is_some_and(|leaf| token.names(leaf));
        Err(match self.list.iter().any(is_named) {
            true => VerificationError::TimestampSignature,
            false => VerificationError::TimestampUnknown(self.origin),
        })
    }
}

/// The earlier of two ends of a period. `None` is later than any time.
fn earlier(one: Option<UnixTime>, other: Option<UnixTime>) -> Option<UnixTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
