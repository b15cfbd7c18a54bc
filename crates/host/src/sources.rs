//! Which registries are special? kwctl's `sources.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Insecure registries, private certificate authorities and proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// `host:port` of registries that may be asked without TLS, or with a certificate nobody checks.
    pub insecure: BTreeSet<String>,
    /// The certificates of private authorities, by `host:port`.
    pub authorities: BTreeMap<String, Vec<Certificate>>,
    /// Proxies; none means those of the environment.
    pub proxies: Option<Proxies>,
}

/// A certificate in the encoding it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// A certificate as PEM text.
    Pem(Vec<u8>),
    /// A certificate as DER bytes.
    Der(Vec<u8>),
}

/// The proxies for outgoing requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Proxies {
    /// The proxy for http requests.
    pub http_proxy: Option<String>,
    /// The proxy for https requests.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without a proxy.
    pub no_proxy: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawSources {
    insecure_sources: BTreeSet<String>,
    source_authorities: BTreeMap<String, Vec<RawAuthority>>,
    proxies: Option<Proxies>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum RawAuthority {
    Data { data: String },
    Path { path: PathBuf },
}

impl Sources {
    /// Reads a `sources.yaml`; certificates named by path are read now.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the sources {}", path.display()))?;
        Self::from_yaml(&text).with_context(|| format!("cannot use the sources {}", path.display()))
    }

    /// Reads the text of a `sources.yaml`.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let raw: RawSources = serde_yaml::from_str(text)?;
        let mut authorities = BTreeMap::new();
        for (host, list) in raw.source_authorities {
            let certificates = list.into_iter().map(certificate).collect::<Result<Vec<_>>>();
            let certificates = certificates.with_context(|| format!("source_authorities of {host}"))?;
            authorities.insert(host, certificates);
        }
        Ok(Self { insecure: raw.insecure_sources, authorities, proxies: raw.proxies })
    }

    /// The proxies in force: these, or the environment's.
    pub fn proxies(&self) -> Proxies {
        self.proxies.clone().unwrap_or_else(Proxies::of_environment)
    }
}

impl Proxies {
    fn of_environment() -> Self {
        // upper case first, then curl's lower case; empty means none
        let read = |name: &str| {
            let names = [name.to_ascii_uppercase(), name.to_owned()];
            names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        };
        Self { http_proxy: read("http_proxy"), https_proxy: read("https_proxy"), no_proxy: read("no_proxy") }
    }
}

fn certificate(authority: RawAuthority) -> Result<Certificate> {
    let bytes = match authority {
        RawAuthority::Data { data } => data.into_bytes(),
        RawAuthority::Path { path } => {
            fs::read(&path).with_context(|| format!("cannot read the certificate {}", path.display()))?
        }
    };
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    if contains(b"-----BEGIN CERTIFICATE-----") {
        Ok(Certificate::Pem(bytes))
    } else if bytes.starts_with(&[0x30]) {
        // a DER SEQUENCE; whether it is a certificate is the TLS library's to say
        Ok(Certificate::Der(bytes))
    } else {
        bail!("Invalid certificate: Raw certificate is not in PEM nor in DER encoding")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_sources_file_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let ca = dir.path().join("ca.der");
        fs::write(&ca, [0x30, 0x00]).expect("a file");
        let text = format!(
            "insecure_sources: ['127.0.0.1:5000']\nsource_authorities:\n  r.example:\n  - type: Data\n    data: |\n      -----BEGIN CERTIFICATE-----\n      AA==\n      -----END CERTIFICATE-----\n  - {{type: Path, path: {}}}\nproxies: {{https_proxy: 'http://p:3128', no_proxy: localhost}}\n",
            ca.display()
        );
        let sources = Sources::from_yaml(&text).expect("sources");
        assert!(sources.insecure.contains("127.0.0.1:5000"));
        let pem = Certificate::Pem(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".to_vec());
        assert_eq!(sources.authorities.get("r.example"), Some(&vec![pem, Certificate::Der(vec![0x30, 0x00])]));
        assert_eq!(sources.proxies().https_proxy.as_deref(), Some("http://p:3128"));
        assert_eq!(sources.proxies().http_proxy, None);
    }

    #[test]
    fn a_bad_sources_file_says_where() {
        // text, a part of the message
        let table = [
            ("insecure_sources: 3", "insecure_sources"),
            ("source_authorities: {r: [{type: Url, url: x}]}", "unknown variant `Url`"),
            ("source_authorities: {r: [{type: Data, data: hello}]}", "source_authorities of r: Invalid certificate"),
            ("source_authorities: {r: [{type: Path, path: /nowhere}]}", "cannot read the certificate /nowhere"),
        ];
        for (text, part) in table {
            let message = Sources::from_yaml(text).map(|_| ()).map_err(|e| format!("{e:#}"));
            assert!(matches!(&message, Err(m) if m.contains(part)), "{text}: {message:?}");
        }
    }
}
