//! Which CAs and logs does a validator trust?
//!
//! A trusted root comes from Sigstore's `trusted_root.json` (Sigstore protobuf-specs, "TrustedRoot"), from Connaisseur's three PEM texts, or from the module, which
//! carries that of the public-good instance. Other parts of such a file (names, and what later versions add) are ignored.

use base64ct::{Base64, Encoding as _};
use der::Document as Der;
use serde::Deserialize;

use super::{
    Leaf, Origin, VerificationError,
    timestamp::{TimestampAuthorities, TimestampAuthority},
};
use crate::{
    image::Digest,
    json::JsonPath,
    signing::{
        KeyError, PublicKey,
        certificate::{Purpose, certificates},
        key::Algorithm,
        path::{Authority, AuthorityError, MAX_CHAIN, PathError, issuer_of},
    },
    time::{Period, UnixTime},
};

/// The public-good instance's trusted root, as the `sigstore-trust-root` crate carries it (Apache-2.0; `scripts/trusted-root`).
const PUBLIC_GOOD: &str = include_str!("public-good.json");
/// The trusted root of GitHub's own instance, which attests private repositories. It comes from the same crate.
const GITHUB_ROOT: &str = include_str!("github.json");
/// The date of both trusted roots: the day on which that crate was released.
pub const PUBLIC_GOOD_DATE: &str = include_str!("public-good.date").trim_ascii_end();

/// The trusted CAs and logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedRoot {
    pub(crate) authorities: Authorities,
    pub(crate) tlogs: Logs,
    pub(crate) ctlogs: Logs,
    pub(crate) timestamp_authorities: TimestampAuthorities,
}

/// Trusted CAs, and where they come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    pub(crate) list: Vec<Authority>,
    pub(crate) origin: Origin,
}

/// Trusted logs, and where they come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    pub(crate) list: Vec<Log>,
    pub(crate) origin: Origin,
}

/// A log that is trusted for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) key: PublicKey,
    pub(crate) period: Period,
    /// The host of the log's address, under which it signs checkpoints. If it is `None`, any name is accepted.
    pub(crate) host: Option<String>,
}

/// The part of a trusted root that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRootProblem {
    /// The place of that part.
    pub path: JsonPath,
    /// The mistake in that part.
    pub what: TrustedRootError,
}

/// The reason for which a part of a trusted root, or a text with certificates of CAs, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedRootError {
    /// The text does not have the form of a trusted root, in the words of serde.
    Form(String),
    /// The file has this media type, which is not read.
    MediaType(String),
    /// A list has too many entries.
    TooMany,
    /// A certificate cannot be that of a CA.
    Authority(AuthorityError),
    /// A time-stamping authority has this number of certificates.
    Chain(usize),
    /// The text is not a number of certificates in PEM.
    Pem,
    /// The certificate with this number, from 1, cannot be that of a CA.
    Certificate(usize, AuthorityError),
    /// The key of a log is not base64.
    Base64,
    /// The key of a log cannot be used.
    Key(KeyError),
    /// A transparency log does not say when it began.
    NoStart,
    /// A text that is not a time.
    Time(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: String,
    tlogs: Option<Vec<Instance>>,
    ctlogs: Option<Vec<Instance>>,
    certificate_authorities: Option<Vec<Ca>>,
    timestamp_authorities: Option<Vec<Ca>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    base_url: Option<String>,
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
    /// The trusted root of the public-good instance.
    ///
    /// # Errors
    /// Never, because a test reads the file that the module carries.
    pub fn public_good() -> Result<TrustedRoot, TrustedRootProblem> {
        Ok(TrustedRoot::read(PUBLIC_GOOD)?.from(Origin::Module))
    }

    /// The trusted root with this name that the module carries: that of the public-good instance, or that of GitHub's instance for private repositories.
    pub fn carried(name: &str) -> Option<Result<TrustedRoot, TrustedRootProblem>> {
        match name {
            "public-good" => Some(TrustedRoot::public_good()),
            "github" => Some(TrustedRoot::read(GITHUB_ROOT).map(|root| root.from(Origin::Module))),
            _ => None,
        }
    }

    /// Reads a `trusted_root.json`.
    ///
    /// # Errors
    /// If the text is not a trusted root, or one of its keys or certificates cannot be used.
    pub fn read(json: &str) -> Result<TrustedRoot, TrustedRootProblem> {
        let root = JsonPath::root();
        let document: Document =
            serde_json::from_str(json).map_err(|error| TrustedRootError::Form(error.to_string()).at(&root))?;
        if !TrustedRootError::MEDIA_TYPES.contains(&&*document.media_type) {
            return Err(TrustedRootError::MediaType(document.media_type).at(&root.key("mediaType")));
        }
        let [tlogs, ctlogs] = [document.tlogs, document.ctlogs].map(Option::unwrap_or_default);
        let [cas, tsas] =
            [document.certificate_authorities, document.timestamp_authorities].map(Option::unwrap_or_default);
        let certificates = |cas: &[Ca]| cas.iter().map(|ca| ca.cert_chain.certificates.len()).sum();
        if [certificates(&cas), certificates(&tsas), tlogs.len(), ctlogs.len()]
            .into_iter()
            .any(|length: usize| length > TrustedRootError::MAX_ENTRIES)
        {
            return Err(TrustedRootError::TooMany.at(&root));
        }
        let mut authorities = Vec::new();
        for (i, ca) in cas.iter().enumerate() {
            let path = root.key("certificateAuthorities").index(i);
            let period = ValidFor::read(&ca.valid_for, &path)?;
            for (at, raw) in ca.cert_chain.certificates.iter().enumerate() {
                let path = path.key("certChain").key("certificates").index(at);
                let wrong = |error| TrustedRootError::Authority(error).at(&path);
                let der = Base64::decode_vec(&raw.raw_bytes).map_err(|_| wrong(AuthorityError::Form))?;
                authorities.push(Authority::read(&der, period, Purpose::CodeSigning).map_err(wrong)?);
            }
        }
        let timestamp_authorities =
            tsas.iter().enumerate().map(|(i, tsa)| tsa.timestamps(&root.key("timestampAuthorities").index(i)));
        let timestamp_authorities = timestamp_authorities.collect::<Result<_, _>>()?;
        let logs = |list: &[Instance], name: &'static str| -> Result<Vec<Log>, TrustedRootProblem> {
            let read = |(i, instance): (usize, &Instance)| {
                instance.read(&root.key(name).index(i).key("publicKey")).transpose()
            };
            list.iter().enumerate().filter_map(read).collect()
        };
        // A log without a start would be trusted at any time (Sigstore protobuf-specs, "TransparencyLogInstance").
        let is_endless =
            |instance: &Instance| instance.public_key.valid_for.as_ref().is_none_or(|period| period.start.is_none());
        if let Some(at) = tlogs.iter().position(is_endless) {
            let path = root.key("tlogs").index(at).key("publicKey").key("validFor");
            return Err(TrustedRootError::NoStart.at(&path));
        }
        let origin = Origin::Validator;
        Ok(TrustedRoot {
            authorities: Authorities { list: authorities, origin },
            tlogs: Logs { list: logs(&tlogs, "tlogs")?, origin },
            ctlogs: Logs { list: logs(&ctlogs, "ctlogs")?, origin },
            timestamp_authorities: TimestampAuthorities { list: timestamp_authorities, origin },
        })
    }

    fn from(mut self, origin: Origin) -> TrustedRoot {
        self.authorities.origin = origin;
        self.tlogs.origin = origin;
        self.ctlogs.origin = origin;
        self.timestamp_authorities.origin = origin;
        self
    }

    /// The numbers of CAs, transparency logs, CT logs and time-stamping authorities.
    #[must_use]
    pub fn parts(&self) -> [usize; 4] {
        [
            self.authorities.list.len(),
            self.tlogs.list.len(),
            self.ctlogs.list.len(),
            self.timestamp_authorities.list.len(),
        ]
    }

    /// Replaces the CAs by those in this PEM text.
    ///
    /// # Errors
    /// When it holds anything but certificates of CAs.
    pub fn with_authorities(self, pem: &str) -> Result<TrustedRoot, TrustedRootError> {
        let authorities = Authorities { origin: Origin::Validator, ..Authorities::read(pem)? };
        // Nobody said that another instance's authorities tell the time for these.
        Ok(TrustedRoot { authorities, timestamp_authorities: TimestampAuthorities::NONE, ..self })
    }

    /// Replaces the transparency logs by the one with this public key in PEM.
    ///
    /// # Errors
    /// When it is no public key that can be used.
    pub fn with_tlog(self, pem: &str) -> Result<TrustedRoot, KeyError> {
        Ok(TrustedRoot { tlogs: Logs::of(PublicKey::parse(pem)?), ..self })
    }

    /// Replaces the CT logs by the one with this public key in PEM.
    ///
    /// # Errors
    /// When it is no public key that can be used.
    pub fn with_ctlog(self, pem: &str) -> Result<TrustedRoot, KeyError> {
        Ok(TrustedRoot { ctlogs: Logs::of(PublicKey::parse(pem)?), ..self })
    }
}

impl Authorities {
    /// Reads the CAs of a trust root from a PEM text. Each of them is trusted.
    ///
    /// # Errors
    /// When it holds anything but certificates of CAs.
    pub fn read(pem: &str) -> Result<Authorities, TrustedRootError> {
        let found = certificates(pem, TrustedRootError::MAX_ENTRIES)
            .filter(|found| !found.is_empty())
            .ok_or(TrustedRootError::Pem)?;
        let read = |(number, document): (usize, &Der)| {
            Authority::read(document.as_bytes(), Period::default(), Purpose::CodeSigning)
                .map_err(|error| TrustedRootError::Certificate(number, error))
        };
        Ok(Authorities { list: (1..).zip(&found).map(read).collect::<Result<_, _>>()?, origin: Origin::TrustRoot })
    }

    /// The SHA-256 of the key that issued `leaf`. A path has to lead from `leaf` to one of these authorities, and be valid at each of `times`.
    ///
    /// # Errors
    /// If no such path exists.
    pub(crate) fn issuer_of(
        &self,
        leaf: &Leaf,
        chain: &[Der],
        times: &[UnixTime],
    ) -> Result<Digest, VerificationError> {
        let issuer = issuer_of(leaf.der.as_bytes(), &self.list, chain, Purpose::CodeSigning, times);
        issuer.map_err(|error| match error {
            PathError::Chain => VerificationError::Chain,
            PathError::NoPath => VerificationError::Path(self.origin),
        })
    }
}

impl Logs {
    /// The log of a validator with this key, at any time.
    fn of(key: PublicKey) -> Logs {
        Logs { list: vec![Log { key, period: Period::default(), host: None }], origin: Origin::Validator }
    }
}

impl Log {
    /// Whether this is a log of Rekor 2, which signs with Ed25519.
    pub(crate) fn is_version_2(&self) -> bool {
        self.key.algorithm == Algorithm::Ed25519
    }

    /// Whether this is the log's identifier: the SHA-256 of its key, or in Rekor 2 that of its name and its key.
    pub(crate) fn has_id(&self, id: &[u8]) -> bool {
        self.ids(self.host.as_deref().unwrap_or_default()).iter().any(|known| known == id)
    }

    /// The identifiers of the log's key: the SHA-256 of the key, and for Ed25519 that of the name and the key (C2SP, "signed-note").
    pub(crate) fn ids(&self, name: &str) -> Vec<[u8; 32]> {
        let mut ids = vec![self.key.fingerprint().bytes()];
        if self.key.algorithm == Algorithm::Ed25519 {
            ids.push(Digest::of(&[name.as_bytes(), b"\n\x01", &self.key.material].concat()).bytes());
        }
        ids
    }
}

impl Ca {
    /// The time-stamping authority with these certificates.
    fn timestamps(&self, path: &JsonPath) -> Result<TimestampAuthority, TrustedRootProblem> {
        let wrong = |(number, error): (usize, AuthorityError)| {
            TrustedRootError::Authority(error).at(&path.key("certChain").key("certificates").index(number))
        };
        let decode = |(number, raw): (usize, &Raw)| {
            Base64::decode_vec(&raw.raw_bytes).map_err(|_| wrong((number, AuthorityError::Form)))
        };
        let chain = self.cert_chain.certificates.iter().enumerate().map(decode).collect::<Result<Vec<_>, _>>()?;
        if !(1..=MAX_CHAIN).contains(&chain.len()) {
            return Err(TrustedRootError::Chain(chain.len()).at(path));
        }
        let period = ValidFor::read(&self.valid_for, path)?;
        TimestampAuthority::read(&chain, period).map_err(wrong)
    }
}

impl Instance {
    /// The log at this address and with this key. A log with an unknown kind of key is left out (`None`), because its signatures cannot be checked. Some old logs have
    /// such keys.
    fn read(&self, path: &JsonPath) -> Result<Option<Log>, TrustedRootProblem> {
        let Key { raw_bytes, valid_for } = &self.public_key;
        let der = Base64::decode_vec(raw_bytes).map_err(|_| TrustedRootError::Base64.at(path))?;
        let key = match PublicKey::from_spki(&der) {
            Ok(key) => key,
            Err(KeyError::Spki | KeyError::Algorithm(_) | KeyError::Curve(_) | KeyError::RsaSize(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(TrustedRootError::Key(error).at(path)),
        };
        let host = self.base_url.as_deref().map(|url| url.split_once("://").map_or(url, |(_, host)| host));
        let host = host.map(|host| host.trim_end_matches('/').to_owned()).filter(|host| !host.is_empty());
        Ok(Some(Log { key, period: ValidFor::read(valid_for, path)?, host }))
    }
}

impl ValidFor {
    /// The period without a start and without an end.
    fn read(written: &Option<ValidFor>, path: &JsonPath) -> Result<Period, TrustedRootProblem> {
        let Some(written) = written else { return Ok(Period::default()) };
        let read = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => UnixTime::parse(text).map(Some).ok_or_else(|| TrustedRootError::Time(text.clone()).at(path)),
        };
        Ok(Period { start: read(&written.start)?, end: read(&written.end)? })
    }
}

impl TrustedRootError {
    /// The most CAs, and the most logs of each kind.
    pub(crate) const MAX_ENTRIES: usize = 32;
    /// The media types of the files that are read. The versions differ only in parts that are ignored.
    pub(crate) const MEDIA_TYPES: [&str; 3] = [
        "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "application/vnd.dev.sigstore.trustedroot.v0.1+json",
        "application/vnd.dev.sigstore.trustedroot.v0.2+json",
    ];

    /// This mistake at this place.
    fn at(self, path: &JsonPath) -> TrustedRootProblem {
        TrustedRootProblem { path: path.clone(), what: self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn trusted_roots_are_read_up_to_a_number_of_parts() {
        let rows = [
            (TrustedRootError::MAX_ENTRIES, true, "as many as may be"),
            (TrustedRootError::MAX_ENTRIES + 1, false, "one more"),
            (TrustedRootError::MAX_ENTRIES + 2, false, "two more"),
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
