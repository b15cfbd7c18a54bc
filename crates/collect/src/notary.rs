//! What did anybody sign for a repository in Docker Content Trust, and how does the policy get to see it?
//!
//! A notary server has a file for each role. A later file names the earlier ones by their hashes, so all of them are fetched by hash, and are of one moment.
//! Nothing is verified here; a file that is not the one that was named is not taken.

use std::{collections::BTreeMap, fmt};

use base64ct::{Base64, Encoding as _};
use image_trust::{Digest, evidence::notary_v1::Role};
use serde::Deserialize;

use crate::registry::{Client, Error, Repository};

/// The largest file that is read, in bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;
/// The role whose file is asked for by name, because no other file names it.
const TIMESTAMP: &str = "timestamp";

/// A notary server: its host, and its port if it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    host: String,
    /// Whether the address begins with `http://`.
    pub is_plain: bool,
}

impl Server {
    /// Reads the address of a server. Without a scheme it is `https://`, as in Connaisseur.
    ///
    /// # Errors
    /// When the text is not the address of a host.
    pub fn parse(text: &str) -> Result<Server, String> {
        let (is_plain, rest) = match text.split_once("://") {
            Some(("https", rest)) => (false, rest),
            Some(("http", rest)) => (true, rest),
            Some(_) => (false, ""),
            None => (false, text),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        match !host.is_empty() && host.bytes().all(is_letter) {
            true => Ok(Server { host: host.to_ascii_lowercase(), is_plain }),
            false => Err(format!(
                "expected the address of a notary server such as `https://notary.example.com`, found \"{text}\""
            )),
        }
    }

    /// The host, with its port if the address has one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// The files of a repository by their roles, as a notary server has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustData(pub BTreeMap<Role, Vec<u8>>);

#[derive(Deserialize)]
struct File {
    signed: Signed,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(default)]
    meta: BTreeMap<String, Meta>,
}

#[derive(Deserialize)]
struct Meta {
    hashes: Hashes,
}

#[derive(Deserialize)]
struct Hashes {
    sha256: String,
}

/// What went wrong with a server's files.
#[derive(Debug)]
pub enum Failure {
    /// A request failed.
    Request(Error),
    /// The file of this role lists no other files in the form of Notary v1.
    Form(Role),
    /// The file of this role is listed, and the server does not have it.
    Gone(Role),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Request(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Request(error) => write!(f, "{error}"),
            Failure::Form(role) => write!(f, "expected trust data of Notary v1, found a {role} of another form"),
            Failure::Gone(role) => write!(f, "the notary server lists the {role}, and does not have it; try again"),
        }
    }
}

impl std::error::Error for Failure {}

/// Fetches the files of the repository with this globally unique name (GUN). `None` means that the server knows no such repository.
///
/// # Errors
/// If the server cannot say, or its files do not fit together.
pub fn find(client: &Client, server: &Server, gun: &str) -> Result<Option<TrustData>, Failure> {
    let at = Repository::on(server.host(), gun);
    let file = |name: &str, digest: Option<Digest>| {
        let hash = digest.map(|digest| digest.to_string().replace("sha256:", "."));
        client.file(&at, &format!("_trust/tuf/{name}{}.json", hash.unwrap_or_default()), name, digest, MAX_FILE)
    };
    let Some(timestamp) = file(TIMESTAMP, None)? else { return Ok(None) };
    let listed = listed_in(&Role::Timestamp, &timestamp)?;
    let (role, digest) =
        listed.into_iter().find(|(role, _)| *role == Role::Snapshot).ok_or(Failure::Form(Role::Timestamp))?;
    let snapshot = file(&role.to_string(), Some(digest))?.ok_or(Failure::Gone(Role::Snapshot))?;
    let mut found = TrustData::default();
    for (role, digest) in listed_in(&Role::Snapshot, &snapshot)? {
        let bytes = file(&role.to_string(), Some(digest))?.ok_or_else(|| Failure::Gone(role.clone()))?;
        found.0.insert(role, bytes);
    }
    found.0.insert(Role::Timestamp, timestamp);
    found.0.insert(Role::Snapshot, snapshot);
    Ok(Some(found))
}

/// The files that this file lists, with their digests. Nested delegations are passed over, because no policy reads them.
fn listed_in(role: &Role, file: &[u8]) -> Result<Vec<(Role, Digest)>, Failure> {
    let malformed = || Failure::Form(role.clone());
    let file: File = serde_json::from_slice(file).map_err(|_| malformed())?;
    let mut listed = Vec::new();
    for (name, meta) in file.signed.meta {
        let Some(role) = Role::parse(&name) else { continue };
        let sha256 = Base64::decode_vec(&meta.hashes.sha256).ok().and_then(|bytes| bytes.try_into().ok());
        listed.push((role, Digest::from_bytes(sha256.ok_or_else(malformed)?)));
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_hosts() {
        let rows = [
            ("https://notary.docker.io", Some(("notary.docker.io", false)), "an address"),
            ("https://notary.docker.io/", Some(("notary.docker.io", false)), "with a slash"),
            (
                "notary.example.com:4443",
                Some(("notary.example.com:4443", false)),
                "without a scheme, as in Connaisseur",
            ),
            ("http://127.0.0.1:4443", Some(("127.0.0.1:4443", true)), "without TLS"),
            ("https://[::1]:4443", Some(("[::1]:4443", false)), "an address of IPv6"),
            ("https://Notary.Example.com", Some(("notary.example.com", false)), "another case"),
            ("https://notary.example.com/path", None, "a path"),
            ("https://user:password@notary.example.com", None, "a password"),
            ("ftp://notary.example.com", None, "another scheme"),
            ("https://", None, "no host"),
            ("", None, "nothing"),
        ];
        for (text, expected, why) in rows {
            let found = Server::parse(text).ok();
            let expected = expected.map(|(host, is_plain)| Server { host: host.to_owned(), is_plain });
            assert_eq!(found, expected, "{why}: {text}");
        }
    }
}
