//! What does a notaryv1 validator ask for: trust data of whom?

use serde_json::value::RawValue;

use super::{place, repository, trust_roots};
use crate::{
    image::ImageRef,
    json::{JsonPath, Text},
    policy::{
        Mistake, Problem,
        settings::{self, Host, Kind},
    },
    signing::PublicKey,
    verify::{RootKey, TrustRoot, TrustRootKind},
};

/// The longest name of a repository, in bytes.
const MAX_GUN: usize = 255;

/// What a notaryv1 validator says.
#[derive(Debug)]
pub struct NotaryValidator {
    /// The trust roots, in the order of the settings.
    pub roots: Vec<TrustRoot>,
    /// The repository with the evidence, if it is not the image's own.
    pub repository: Option<ImageRef>,
    /// The address of the notary server, for whoever collects the evidence.
    pub server: Option<String>,
}

impl NotaryValidator {
    pub(super) fn read(
        at: usize,
        validator: &settings::Validator<'_>,
        text: &RawValue,
    ) -> Result<NotaryValidator, Vec<Problem>> {
        let path = place(at);
        let server = match &validator.host {
            None => Ok(None),
            Some(Host::Server(server)) => Ok(Some(server.clone())),
            Some(Host::Instance(_)) => Err(vec![Problem::new(path.key("host"), Mistake::Host(Kind::NotaryV1))]),
        };
        match (trust_roots(&path.key("trustRoots"), text, read_kind), repository(&path, validator), server) {
            (Ok(roots), Ok(repository), Ok(server)) => Ok(NotaryValidator { roots, repository, server }),
            (roots, repository, server) => {
                Err([roots.err(), repository.err(), server.err()].into_iter().flatten().flatten().collect())
            }
        }
    }
}

/// The root key of a trust root.
fn read_kind(path: &JsonPath, root: &settings::TrustRoot<'_>) -> Result<(&'static str, TrustRootKind), Problem> {
    let of_others = [
        ("signatureAlgorithm", root.signature_algorithm.is_some()),
        ("keyless", root.keyless.is_some()),
        ("github", root.github.is_some()),
        ("certificate", root.certificate.is_some()),
        ("cert", root.cert.is_some()),
        ("tsCert", root.ts_cert.is_some()),
        ("scheme", root.scheme.is_some()),
        ("identities", root.identities.is_some()),
    ];
    let wrong = |key: &'static str, what| Problem::new(path.key(key), what);
    if let Some((key, _)) = of_others.into_iter().find(|(_, is_there)| *is_there) {
        return Err(wrong(key, Mistake::OfOtherType { kind: Kind::NotaryV1, key }));
    }
    let Some(Text(pem)) = &root.key else { return Err(wrong("key", Mistake::NoRootKey)) };
    let key = PublicKey::parse(pem).map_err(|error| wrong("key", Mistake::Key(error)))?;
    let gun = root.gun.as_ref().map(|Text(gun)| gun.clone().into_owned());
    if let Some(length) = gun.as_ref().map(String::len).filter(|length| !(1..=MAX_GUN).contains(length)) {
        return Err(wrong("gun", Mistake::NameLength { length, most: MAX_GUN }));
    }
    let least = |version: fn(&settings::MinVersion) -> Option<u64>| root.min_version.as_ref().and_then(version);
    let (least_root, least_targets, least_snapshot) =
        (least(|it| it.root), least(|it| it.targets), least(|it| it.snapshot));
    Ok(("key", TrustRootKind::NotaryV1(RootKey { key, gun, least_root, least_targets, least_snapshot })))
}
