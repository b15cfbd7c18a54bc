//! What does Fulcio certify of who signed, and which logs saw it?

use super::{
    ISSUED,
    authority::{Authority, CODE_SIGNING, Extension, Subject, authority_key_id, key_id, purposes, serial},
    der::{self, OCTETS, sequence, tlv},
    key::{Key, Kind},
};

/// The extensions in which Fulcio says what a token said.
pub const ISSUER_V1: &str = "1.3.6.1.4.1.57264.1.1";
pub const ISSUER_V2: &str = "1.3.6.1.4.1.57264.1.8";
pub const REPOSITORY_V1: &str = "1.3.6.1.4.1.57264.1.5";
pub const REPOSITORY_V2: &str = "1.3.6.1.4.1.57264.1.12";
pub const REFERENCE_V1: &str = "1.3.6.1.4.1.57264.1.6";
pub const REFERENCE_V2: &str = "1.3.6.1.4.1.57264.1.14";
/// The kind of name that is neither address nor host, as Fulcio has it for users of an issuer of its own.
pub const OTHER_NAME: &str = "1.3.6.1.4.1.57264.1.7";
/// The list of what certificate logs promised.
pub const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";

/// A name that a certificate can have.
#[derive(Clone, Debug)]
pub enum Name {
    Email(&'static str),
    Uri(&'static str),
    Dns(&'static str),
    /// Another name, as a text under [`OTHER_NAME`].
    Other(&'static str),
    /// A name of any form, in DER.
    Raw(Vec<u8>),
}

impl Name {
    fn der(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => tlv(0x81, text.as_bytes()),
            Self::Dns(text) => tlv(0x82, text.as_bytes()),
            Self::Uri(text) => tlv(0x86, text.as_bytes()),
            Self::Other(text) => {
                der::of(0xa0, [der::oid(OTHER_NAME), der::of(0xa0, [tlv(der::UTF8, text.as_bytes())])])
            }
            Self::Raw(der) => der.clone(),
        }
    }
}

/// Whose signature is under a certificate.
#[derive(Clone, Debug)]
pub enum Issuer {
    Intermediate,
    Root,
    /// The certificate is signed with its own key.
    Itself,
    /// The certificate is signed by an authority further down, or of another instance.
    Authority(Authority),
}

/// A signed certificate timestamp of a certificate log. The default is a correct one.
#[derive(Clone, Debug, Default)]
pub struct Sct {
    /// The key of the log that made it, if that is not the instance's log.
    pub key: Option<Key>,
    /// In milliseconds; the begin of the certificate's validity otherwise.
    pub timestamp: Option<u64>,
    /// What it is about, where it isn't this certificate: the [`Certificate::logged`] of another.
    pub over: Option<Vec<u8>>,
    /// Who it says would issue the certificate, where it isn't the issuer: the id of a key.
    pub issuer: Option<[u8; 32]>,
    /// Which log it says that it is of, where it isn't the one that made it.
    pub log_id: Option<[u8; 32]>,
    /// What it says it was signed with (a hash and a kind of key, in TLS's numbers), where it wasn't.
    pub algorithm: Option<[u8; 2]>,
    pub extensions: Vec<u8>,
}

/// The signed certificate timestamps in a certificate.
#[derive(Clone, Debug)]
pub enum Scts {
    /// The certificate has no such extension.
    Missing,
    List(Vec<Sct>),
    /// The extension's value as it is.
    Raw(Vec<u8>),
}

/// What somebody asks of Fulcio. Alice's, as Fulcio gives it, if nothing else is said.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The text from which the key and the serial number are made.
    pub name: &'static str,
    pub kind: Kind,
    pub names: Vec<Name>,
    pub issuer_v1: Option<&'static str>,
    pub issuer_v2: Option<&'static str>,
    pub repository_v1: Option<&'static str>,
    pub repository_v2: Option<&'static str>,
    pub not_before: u64,
    pub not_after: u64,
    pub digital_signature: bool,
    /// The extended key usages, by number. Without any, there is no such extension.
    pub purposes: Vec<&'static str>,
    pub is_ca: bool,
    /// Beside the others, and after them.
    pub extensions: Vec<Extension>,
    pub scts: Scts,
    pub issuer: Issuer,
    /// The bytes that follow the certificate.
    pub trailing: Vec<u8>,
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            name: "alice",
            kind: Kind::P256,
            names: vec![Name::Email("alice@example.com")],
            issuer_v1: Some("https://issuer.example.com"),
            issuer_v2: Some("https://issuer.example.com"),
            repository_v1: None,
            repository_v2: None,
            not_before: ISSUED,
            not_after: ISSUED + 600,
            digital_signature: true,
            purposes: vec![CODE_SIGNING],
            is_ca: false,
            extensions: Vec::new(),
            scts: Scts::List(vec![Sct::default()]),
            issuer: Issuer::Intermediate,
            trailing: Vec::new(),
        }
    }
}

impl Leaf {
    /// The leaf of a workflow on GitHub.
    pub fn of_workflow() -> Self {
        let issuer = Some("https://token.actions.githubusercontent.com");
        Self {
            name: "workflow",
            names: vec![Name::Uri("https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1")],
            issuer_v1: issuer,
            issuer_v2: issuer,
            repository_v1: Some("acme/app"),
            repository_v2: Some("https://github.com/acme/app"),
            extensions: Self::ran_for("refs/tags/v1", "refs/tags/v1"),
            ..Self::default()
        }
    }

    /// For which git reference a workflow ran, in the two ways in which Fulcio says it.
    pub fn ran_for(v1: &str, v2: &str) -> Vec<Extension> {
        vec![
            Extension::new(REFERENCE_V1, v1.as_bytes().to_vec()),
            Extension::new(REFERENCE_V2, tlv(der::UTF8, v2.as_bytes())),
        ]
    }
}

/// A certificate as Fulcio issues it.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub der: Vec<u8>,
    /// The key that the certificate certifies.
    pub key: Key,
    /// What logs make their promises about: what is signed of a certificate, without the promises.
    pub logged: Vec<u8>,
    /// The certificates above it, as cosign stores them.
    pub chain: String,
}

impl Certificate {
    pub fn pem(&self) -> String {
        der::pem("CERTIFICATE", &self.der)
    }
}

/// The certificate that this authority gives, after this log has seen it.
pub(super) fn issue(authority: &Authority, log: &Key, leaf: &Leaf) -> Certificate {
    let key = Key::new(leaf.kind, leaf.name);
    let (der, logged) = certify(authority, log, leaf, key.public());
    Certificate { der, key, logged, chain: authority.chain_pem() }
}

/// The certificate for this public key, in DER, and what the log makes its promises about.
pub(super) fn certify(authority: &Authority, log: &Key, leaf: &Leaf, public: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let mut extensions = extensions(authority, leaf);
    let nobody = sequence([]);
    let validity = (leaf.not_before, leaf.not_after);
    let subject = Subject { name: &nobody, public, serial: serial(leaf.name), validity };
    let logged = authority.tbs(&subject, &extensions);
    let scts = match &leaf.scts {
        Scts::Missing => None,
        Scts::List(scts) => {
            let scts = scts.iter().map(|sct| sct.bytes(log, authority, &logged, leaf.not_before));
            Some(tlv(OCTETS, &counted(&scts.flat_map(|sct| counted(&sct)).collect::<Vec<u8>>())))
        }
        Scts::Raw(value) => Some(value.clone()),
    };
    extensions.extend(scts.map(|value| Extension::new(SCT_LIST, value)));
    let mut der = authority.sign(&authority.tbs(&subject, &extensions));
    der.extend(&leaf.trailing);
    (der, logged)
}

/// All extensions of a leaf but the one for timestamps.
fn extensions(authority: &Authority, leaf: &Leaf) -> Vec<Extension> {
    let usages: &[u8] = if leaf.digital_signature { &[0] } else { &[1] };
    let mut extensions = vec![Extension::critical("2.5.29.15", der::flags(usages))];
    extensions.extend(purposes(&leaf.purposes));
    if leaf.is_ca {
        extensions.push(Extension::critical("2.5.29.19", sequence([der::boolean(true)])));
    }
    extensions.push(Extension::new("2.5.29.14", tlv(OCTETS, &key_id(leaf.name))));
    extensions.push(authority_key_id(&authority.key_id));
    if !leaf.names.is_empty() {
        let names: Vec<u8> = leaf.names.iter().flat_map(Name::der).collect();
        extensions.push(Extension::critical("2.5.29.17", tlv(der::SEQUENCE, &names)));
    }
    // The first generation is bare text, the second is text as DER has it.
    let claims = [
        (ISSUER_V1, leaf.issuer_v1.map(|text| text.as_bytes().to_vec())),
        (REPOSITORY_V1, leaf.repository_v1.map(|text| text.as_bytes().to_vec())),
        (ISSUER_V2, leaf.issuer_v2.map(|text| tlv(der::UTF8, text.as_bytes()))),
        (REPOSITORY_V2, leaf.repository_v2.map(|text| tlv(der::UTF8, text.as_bytes()))),
    ];
    extensions.extend(claims.into_iter().filter_map(|(oid, value)| Some(Extension::new(oid, value?))));
    extensions.extend(leaf.extensions.iter().cloned());
    extensions
}

impl Sct {
    /// The bytes of a timestamp (RFC 6962, sections 3.2 and 3.3).
    fn bytes(&self, log: &Key, authority: &Authority, logged: &[u8], not_before: u64) -> Vec<u8> {
        let log = self.key.as_ref().unwrap_or(log);
        let timestamp = self.timestamp.unwrap_or(not_before * 1000).to_be_bytes();
        let about = self.over.as_deref().unwrap_or(logged);
        let length = u32::try_from(about.len()).unwrap().to_be_bytes();
        let issuer = self.issuer.unwrap_or(authority.key.id());
        let extensions = counted(&self.extensions);
        let promised = [&[0, 0], &timestamp[..], &[0, 1], &issuer, &length[1..], about, &extensions].concat();
        let algorithm = match log.kind {
            Kind::P256 | Kind::P256Wide | Kind::P384 | Kind::P384Wide | Kind::P521 | Kind::P521Wide => 3,
            Kind::Rsa2048 | Kind::Rsa2048Wide | Kind::Rsa2048Pss => 1,
            Kind::Ed25519 | Kind::Ed25519Hashed => 7,
        };
        let log_id = self.log_id.unwrap_or(log.id());
        let signature = counted(&log.sign(&promised));
        [&[0], &log_id[..], &timestamp, &extensions, &self.algorithm.unwrap_or([4, algorithm]), &signature].concat()
    }
}

/// These bytes, after their length in two bytes.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}
