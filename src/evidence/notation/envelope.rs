//! What does a Notation envelope hold? (Notary Project, "Signature Specification")

use std::collections::BTreeMap;

use crate::{signing::PublicKey, time::UnixTime};

/// The beginning of the names that Notation gives to attributes.
pub(super) const PREFIX: &str = "io.cncf.notary.";
/// The type of the payload.
pub(super) const CONTENT_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";
/// The beginning of the attributes that name a plugin, without their prefix.
const PLUGIN: &str = "verificationPlugin";
/// The most certificates in an envelope.
pub(super) const MAX_CERTIFICATES: usize = 6;

/// The media type of an envelope in JWS (Notary Project, "OCI Signatures").
pub const JWS: &str = "application/jose+json";
/// The media type of an envelope in COSE.
pub const COSE: &str = "application/cose";

/// The formats of envelopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnvelopeFormat {
    /// JSON Web Signature (RFC 7515) in its flattened form.
    Jws,
    /// `COSE_Sign1` (RFC 9052, section 4.2).
    Cose,
}

/// The one who says when a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `notary.x509`: the signer, or a time-stamping authority.
    X509,
    /// `notary.x509.signingAuthority`: the signing authority, whose time counts.
    SigningAuthority,
}

impl Scheme {
    /// The scheme with this name.
    pub(super) fn of(name: &str) -> Option<Scheme> {
        match name {
            "notary.x509" => Some(Scheme::X509),
            "notary.x509.signingAuthority" => Some(Scheme::SigningAuthority),
            _ => None,
        }
    }
}

/// An envelope that was read. Nothing in it is proven.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// The bytes that the signature covers.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// The algorithm as the envelope names it.
    pub(super) algorithm: Algorithm,
    pub(super) payload: Vec<u8>,
    /// The certificates in DER, the signer's first.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) attributes: Attributes,
    /// The time-stamp token (RFC 3161) over the signature. It is not signed.
    pub(super) timestamp: Option<Vec<u8>>,
}

/// An algorithm of an envelope, as JOSE (RFC 7518) or COSE (RFC 9053 and 8230) writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Algorithm {
    Jose(String),
    Cose(i64),
}

/// The signed attributes.
#[derive(Debug)]
pub(super) struct Attributes {
    pub(super) scheme: Scheme,
    /// The time of the signature, as the signer says. It counts only if a signing authority says it.
    pub(super) time: UnixTime,
    pub(super) expiry: Option<UnixTime>,
    /// The critical attributes that are not Notation's own, with their values if these are texts.
    pub(super) critical: BTreeMap<String, Option<String>>,
}

/// The signed attributes as an envelope has them.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) content_type: Option<String>,
    pub(super) critical: Vec<String>,
    pub(super) scheme: Option<String>,
    pub(super) signing_time: Option<UnixTime>,
    pub(super) authentic_time: Option<UnixTime>,
    pub(super) expiry: Option<UnixTime>,
    /// All other attributes, with their values if these are texts.
    pub(super) others: BTreeMap<String, Option<String>>,
}

impl Written {
    /// The attributes, if they follow the specification ("Signed Attributes").
    pub(super) fn read(self) -> Option<Attributes> {
        let scheme = Scheme::of(&self.scheme?)?;
        let time = match (scheme, self.signing_time, self.authentic_time) {
            (Scheme::X509, Some(time), None) | (Scheme::SigningAuthority, None, Some(time)) => time,
            _ => return None,
        };
        // What a verifier must understand has to be marked as critical.
        let must = [
            ("signingScheme", true),
            ("expiry", self.expiry.is_some()),
            ("authenticSigningTime", scheme == Scheme::SigningAuthority),
        ];
        let listed = |name: &str| self.critical.iter().filter(|it| it.strip_prefix(PREFIX) == Some(name)).count();
        let is_whole = must.iter().all(|(name, needed)| listed(name) == usize::from(*needed));
        // A plugin that has to verify an envelope has to be critical.
        let names_plugin = |name: &String| name.strip_prefix(PREFIX).is_some_and(|name| name.starts_with(PLUGIN));
        let has_free_plugin = self.others.keys().any(|name| names_plugin(name) && !self.critical.contains(name));
        let is_later = self.expiry.is_none_or(|expiry| expiry > time);
        if self.content_type.as_deref() != Some(CONTENT_TYPE) || !is_whole || !is_later || has_free_plugin {
            return None;
        }
        let own = |name: &str| must.iter().any(|(own, _)| name.strip_prefix(PREFIX) == Some(own));
        let mut critical = BTreeMap::new();
        for name in self.critical.into_iter().filter(|name| !own(name)) {
            // The signing time is known, whether or not it is critical.
            let value = match name.strip_prefix(PREFIX) {
                Some("signingTime") if self.signing_time.is_some() => continue,
                _ => self.others.get(&name)?.clone(),
            };
            if critical.insert(name, value).is_some() {
                return None;
            }
        }
        Some(Attributes { scheme, time, expiry: self.expiry, critical })
    }
}

impl Envelope {
    /// Whether the envelope names the one algorithm that such a key may have ("Algorithm Selection").
    pub(super) fn names_algorithm_of(&self, key: &PublicKey) -> bool {
        let Some((jose, cose)) = key.notation_algorithm() else { return false };
        match &self.algorithm {
            Algorithm::Jose(name) => name == jose,
            Algorithm::Cose(number) => *number == cose,
        }
    }
}
