//! What does a notation validator ask for: signatures of whom?

use serde_json::value::RawValue;

use super::{place, repository, trust_roots};
use crate::{
    evidence::notation::{Scheme, TrustStore, TrustedIdentity},
    image::ImageRef,
    json::{JsonPath, Text},
    policy::{
        Mistake, Problem,
        settings::{self, Kind, SchemeName},
    },
    verify::{TrustRoot, TrustRootKind},
};

/// The most identities of a trust root.
const MAX_IDENTITIES: usize = 50;
/// The identity that stands for everybody.
const ANYBODY: &str = "*";

/// What a notation validator says.
#[derive(Debug)]
pub struct NotationValidator {
    /// The trust roots, in the order of the settings.
    pub roots: Vec<TrustRoot>,
    /// The repository with the evidence, if it is not the image's own.
    pub repository: Option<ImageRef>,
}

impl NotationValidator {
    pub(super) fn read(
        at: usize,
        validator: &settings::Validator<'_>,
        text: &RawValue,
    ) -> Result<NotationValidator, Vec<Problem>> {
        let path = place(at);
        match (trust_roots(&path.key("trustRoots"), text, read_kind), repository(&path, validator)) {
            (Ok(roots), Ok(repository)) => Ok(NotationValidator { roots, repository }),
            (roots, repository) => Err([roots.err(), repository.err()].into_iter().flatten().flatten().collect()),
        }
    }
}

/// The trust store of a trust root.
fn read_kind(path: &JsonPath, root: &settings::TrustRoot<'_>) -> Result<(&'static str, TrustRootKind), Problem> {
    let of_others = [
        ("key", root.key.is_some()),
        ("signatureAlgorithm", root.signature_algorithm.is_some()),
        ("keyless", root.keyless.is_some()),
        ("github", root.github.is_some()),
        ("certificate", root.certificate.is_some()),
        ("gun", root.gun.is_some()),
        ("minVersion", root.min_version.is_some()),
    ];
    let wrong = |key: &'static str, what| Problem::new(path.key(key), what);
    if let Some((key, _)) = of_others.into_iter().find(|(_, is_there)| *is_there) {
        return Err(wrong(key, Mistake::OfOtherType { kind: Kind::Notation, key }));
    }
    let Some(Text(cert)) = &root.cert else { return Err(wrong("cert", Mistake::NoCertificate)) };
    let scheme = match root.scheme {
        None | Some(SchemeName::X509) => Scheme::X509,
        Some(SchemeName::SigningAuthority) => Scheme::SigningAuthority,
    };
    if scheme == Scheme::SigningAuthority && root.ts_cert.is_some() {
        return Err(wrong("tsCert", Mistake::TimestampsOfSigningAuthority));
    }
    let read = |text: &str, key| TrustStore::certificates(text).ok_or_else(|| wrong(key, Mistake::Certificates));
    let timestamp_roots = match &root.ts_cert {
        Some(Text(text)) => read(text, "tsCert")?,
        None => Vec::new(),
    };
    let identities =
        root.identities.as_deref().map(|list| read_identities(&path.key("identities"), list)).transpose()?;
    let store =
        TrustStore { scheme, certificates: read(cert, "cert")?, timestamp_roots, identities: identities.flatten() };
    Ok(("cert", TrustRootKind::Notation(store)))
}

/// The trusted identities. It is `None` if everybody is trusted.
fn read_identities(path: &JsonPath, list: &[String]) -> Result<Option<Vec<TrustedIdentity>>, Problem> {
    if let [one] = list
        && one == ANYBODY
    {
        return Ok(None);
    }
    if !(1..=MAX_IDENTITIES).contains(&list.len()) {
        return Err(Problem::new(path.clone(), Mistake::Entries { length: list.len(), most: MAX_IDENTITIES }));
    }
    let mut identities: Vec<TrustedIdentity> = Vec::new();
    for (at, text) in list.iter().enumerate() {
        let wrong = |what| Problem::new(path.index(at), what);
        let identity = TrustedIdentity::parse(text).map_err(|error| wrong(Mistake::TrustedIdentity(error)))?;
        if identities.iter().any(|other| other.overlaps(&identity)) {
            return Err(wrong(Mistake::OverlappingIdentity));
        }
        identities.push(identity);
    }
    Ok(Some(identities))
}
