//! Which CAs and logs is a validator to believe?
//!
//! Sigstore's trusted root (`trusted_root.json`, Sigstore protobuf-specs, "TrustedRoot"), Connaisseur's three PEM texts, or what this module carries of the public-good
//! instance. Other parts of such a file (time-stamping authorities, names, what later versions add) are left alone.

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;

use super::{Leaf, Origin, VerificationError};
use crate::{
    image::Digest,
    signing::{
        KeyError, PublicKey,
        certificate::certificates,
        path::{Authority, AuthorityError, PathError, issuer_of},
    },
    text::Shown,
    time::{Period, UnixTime},
};

/// Most CAs, and most logs of each kind.
const MAX_ENTRIES: usize = 32;

/// The public-good instance's trusted root, as the `sigstore-trust-root` crate carries it (Apache-2.0; `scripts/trusted-root`).
const PUBLIC_GOOD: &str = include_str!("public-good.json");
/// When it was taken: the day on which that crate was released with it.
pub const PUBLIC_GOOD_DATE: &str = include_str!("public-good.date").trim_ascii_end();

/// The kinds of file that are read; they differ in what is left alone.
const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// The CAs and logs that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedRoot {
    pub(crate) authorities: Authorities,
    pub(crate) tlogs: Logs,
    pub(crate) ctlogs: Logs,
}

/// CAs that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    pub(crate) list: Vec<Authority>,
    pub(crate) origin: Origin,
}

/// Logs that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    pub(crate) list: Vec<Log>,
    pub(crate) origin: Origin,
}

/// A log that is believed for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) key: PublicKey,
    pub(crate) period: Period,
}

/// Why a trusted root can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRootError {
    /// Which part of it.
    pub path: String,
    /// What is wrong there.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: String,
    tlogs: Option<Vec<Instance>>,
    ctlogs: Option<Vec<Instance>>,
    certificate_authorities: Option<Vec<Ca>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    public_key: Key,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    raw_bytes: String,
    valid_for: Option<ValidFor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ca {
    cert_chain: Chain,
    valid_for: Option<ValidFor>,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    raw_bytes: String,
}

#[derive(Deserialize)]
struct ValidFor {
    start: Option<String>,
    end: Option<String>,
}

impl TrustedRoot {
    /// The public-good instance's.
    ///
    /// # Errors
    /// Never, as long as the file that this module carries is sound (a test reads it).
    pub fn public_good() -> Result<TrustedRoot, TrustedRootError> {
        Ok(TrustedRoot::read(PUBLIC_GOOD)?.from(Origin::Module))
    }

    /// Reads a `trusted_root.json`.
    ///
    /// # Errors
    /// When it is none, or one of its keys and certificates can't be used.
    pub fn read(json: &str) -> Result<TrustedRoot, TrustedRootError> {
        let document: Document = serde_json::from_str(json)
            .map_err(|error| TrustedRootError::new("", format!("is no trusted root: {error}")))?;
        if !MEDIA_TYPES.contains(&&*document.media_type) {
            return Err(TrustedRootError::new(
                "mediaType",
                format!("is \"{}\"; read are {}", Shown(&document.media_type), MEDIA_TYPES.join(", ")),
            ));
        }
        let [tlogs, ctlogs] = [document.tlogs, document.ctlogs].map(Option::unwrap_or_default);
        let cas = document.certificate_authorities.unwrap_or_default();
        let certificates = cas.iter().map(|ca| ca.cert_chain.certificates.len()).sum();
        if [certificates, tlogs.len(), ctlogs.len()].into_iter().any(|length: usize| length > MAX_ENTRIES) {
            return Err(TrustedRootError::new("", format!("has more than {MAX_ENTRIES} CAs, tlogs or ctlogs")));
        }
        let mut authorities = Vec::new();
        for (i, ca) in cas.iter().enumerate() {
            let path = format!("certificateAuthorities[{i}]");
            let period = ValidFor::read(&ca.valid_for, &path)?;
            for (at, raw) in ca.cert_chain.certificates.iter().enumerate() {
                let path = format!("{path}.certChain.certificates[{at}]");
                let wrong = |error: AuthorityError| TrustedRootError::new(&path, error.to_string());
                let der = Base64::decode_vec(&raw.raw_bytes).map_err(|_| wrong(AuthorityError::Form))?;
                authorities.push(Authority::read(&der, period).map_err(wrong)?);
            }
        }
        let logs = |list: &[Instance], name: &str| -> Result<Vec<Log>, TrustedRootError> {
            let read = |(i, instance): (usize, &Instance)| {
                instance.public_key.read(&format!("{name}[{i}].publicKey")).transpose()
            };
            list.iter().enumerate().filter_map(read).collect()
        };
        let origin = Origin::Validator;
        Ok(TrustedRoot {
            authorities: Authorities { list: authorities, origin },
            tlogs: Logs { list: logs(&tlogs, "tlogs")?, origin },
            ctlogs: Logs { list: logs(&ctlogs, "ctlogs")?, origin },
        })
    }

    fn from(mut self, origin: Origin) -> TrustedRoot {
        self.authorities.origin = origin;
        self.tlogs.origin = origin;
        self.ctlogs.origin = origin;
        self
    }

    /// How many CAs, transparency logs and CT logs there are.
    #[must_use]
    pub fn parts(&self) -> [usize; 3] {
        [self.authorities.list.len(), self.tlogs.list.len(), self.ctlogs.list.len()]
    }

    /// Believes these CAs instead of its own: a PEM text.
    ///
    /// # Errors
    /// When it holds anything but certificates of CAs.
    pub fn with_authorities(self, pem: &str) -> Result<TrustedRoot, TrustedRootError> {
        let authorities = Authorities { origin: Origin::Validator, ..Authorities::read(pem)? };
        Ok(TrustedRoot { authorities, ..self })
    }

    /// Believes this transparency log instead of its own: a public key in PEM.
    ///
    /// # Errors
    /// When it is no public key that can be used.
    pub fn with_tlog(self, pem: &str) -> Result<TrustedRoot, KeyError> {
        Ok(TrustedRoot { tlogs: Logs::of(PublicKey::parse(pem)?), ..self })
    }

    /// Believes this CT log instead of its own: a public key in PEM.
    ///
    /// # Errors
    /// When it is no public key that can be used.
    pub fn with_ctlog(self, pem: &str) -> Result<TrustedRoot, KeyError> {
        Ok(TrustedRoot { ctlogs: Logs::of(PublicKey::parse(pem)?), ..self })
    }
}

impl Authorities {
    /// Reads the CAs of a trust root in a PEM text, each of which is believed.
    ///
    /// # Errors
    /// When it holds anything but certificates of CAs.
    pub fn read(pem: &str) -> Result<Authorities, TrustedRootError> {
        let wrong = |what: String| TrustedRootError::new("", what);
        let found = certificates(pem, MAX_ENTRIES)
            .filter(|found| !found.is_empty())
            .ok_or_else(|| wrong(format!("is not 1 to {MAX_ENTRIES} PEM blocks `-----BEGIN CERTIFICATE-----`")))?;
        let read = |(i, document): (usize, &der::Document)| {
            Authority::read(document.as_bytes(), Period::default())
                .map_err(|error| wrong(format!("holds a certificate (number {}) that {error}", i.saturating_add(1))))
        };
        Ok(Authorities {
            list: found.iter().enumerate().map(read).collect::<Result<_, _>>()?,
            origin: Origin::TrustRoot,
        })
    }
}

impl Authorities {
    /// The SHA-256 of the key that issued `leaf`, if the path from it leads to one of these authorities.
    ///
    /// # Errors
    /// When no path does.
    pub(crate) fn issuer_of(
        &self,
        leaf: &Leaf,
        chain: Option<&str>,
        time: UnixTime,
    ) -> Result<Digest, VerificationError> {
        issuer_of(leaf.der.as_bytes(), &self.list, chain, time).map_err(|error| match error {
            PathError::Chain => VerificationError::Chain,
            PathError::NoPath => VerificationError::Path(self.origin),
        })
    }
}

impl Logs {
    /// The log of a validator with this key, at any time.
    fn of(key: PublicKey) -> Logs {
        Logs { list: vec![Log { key, period: Period::default() }], origin: Origin::Validator }
    }
}

impl Key {
    /// The log with this key. One of a kind that is not known here is left out: old logs have such keys, and what nobody can check proves nothing.
    fn read(&self, path: &str) -> Result<Option<Log>, TrustedRootError> {
        let der = Base64::decode_vec(&self.raw_bytes)
            .map_err(|_| TrustedRootError::new(path, "has rawBytes that are no base64".to_owned()))?;
        match PublicKey::from_spki(&der) {
            Ok(key) => Ok(Some(Log { key, period: ValidFor::read(&self.valid_for, path)? })),
            Err(KeyError::Spki | KeyError::Algorithm(_) | KeyError::Curve(_) | KeyError::RsaSize(_)) => Ok(None),
            Err(error) => Err(TrustedRootError::new(path, error.to_string())),
        }
    }
}

impl ValidFor {
    /// Always, where nothing is said.
    fn read(written: &Option<ValidFor>, path: &str) -> Result<Period, TrustedRootError> {
        let Some(written) = written else { return Ok(Period::default()) };
        let read = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => UnixTime::parse(text).map(Some).ok_or_else(|| {
                TrustedRootError::new(
                    path,
                    format!("has the time \"{}\"; write it as 2026-12-31T23:59:59Z", Shown(text)),
                )
            }),
        };
        Ok(Period { start: read(&written.start)?, end: read(&written.end)? })
    }
}

impl TrustedRootError {
    fn new(path: &str, what: String) -> TrustedRootError {
        TrustedRootError { path: path.to_owned(), what }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn trusted_roots_are_read_up_to_a_number_of_parts() {
        let rows = [
            (MAX_ENTRIES, true, "as many as may be"),
            (MAX_ENTRIES + 1, false, "one more"),
            (MAX_ENTRIES + 2, false, "two more"),
        ];
        for list in ["/tlogs", "/ctlogs", "/certificateAuthorities/0/certChain/certificates"] {
            for (number, expected, why) in rows {
                let mut json: Value = serde_json::from_str(PUBLIC_GOOD).unwrap();
                json["certificateAuthorities"].as_array_mut().unwrap().truncate(1);
                let parts = json.pointer_mut(list).unwrap().as_array_mut().unwrap();
                *parts = vec![parts[0].clone(); number];
                assert_eq!(TrustedRoot::read(&json.to_string()).is_ok(), expected, "{why}: {list}");
            }
        }
    }
}
