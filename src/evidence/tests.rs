//! What do the bundles of other projects prove, as claims?
//!
//! Sigstore's conformance suite and bundles that other clients wrote, read where they lie: in `IMAGE_TRUST_EVIDENCE`, or in `../shared/evidence` beside the project.
//! Where they are not there, this says so and proves nothing; what must hold without them is minted by the test bed. Their artifacts are files and their statements
//! are attestations, so what is asked here is the claim alone, and not whether it is a signature of an image.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    ByCertificate, CertificateTerms, Signature,
    bundle::{Bundle, BundleContent},
    statement::Statement,
};
use crate::{
    image::Digest,
    signing::PublicKey,
    sigstore::{CertificateIdentity, TextMatcher, TrustedRoot},
    time::UnixTime,
};

/// Whom most of the suite's bundles are by.
const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

fn evidence() -> Option<PathBuf> {
    let named = std::env::var_os("IMAGE_TRUST_EVIDENCE").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/evidence");
    let found = named.into_iter().chain([beside]).find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: there is no folder of other projects' evidence (IMAGE_TRUST_EVIDENCE)");
    }
    found
}

/// Who has to have signed.
enum By<'a> {
    Key(&'a str),
    Name { issuer: Option<&'a str>, subject: Option<&'a str> },
}

/// Which logs have to vouch for it.
#[derive(Clone, Copy)]
struct Asked {
    tlog: bool,
    sct: bool,
}

const ALL: Asked = Asked { tlog: true, sct: true };

/// What speaks against the claim that this bundle is about `artifact`; nothing, if it is proven.
fn claim(json: &[u8], artifact: Option<Digest>, by: &By<'_>, root: &str, asked: Asked) -> Result<(), String> {
    let bundle = Bundle::read(json).map_err(|error| format!("bundle: {error:?}"))?;
    let root = TrustedRoot::read(root).map_err(|error| format!("trusted root: {} {}", error.path, error.what))?;
    let image = match (&bundle.content, artifact) {
        (BundleContent::Message(digest), None) => *digest,
        (BundleContent::Message(digest), Some(artifact)) if *digest == artifact => artifact,
        (BundleContent::Message(_), Some(_)) => return Err("of another artifact".to_owned()),
        (BundleContent::Envelope { payload, .. }, Some(artifact)) => {
            Statement::read(payload, artifact).map(|_| artifact).map_err(|error| format!("statement: {error:?}"))?
        }
        (BundleContent::Envelope { .. }, None) => Digest::of(b"whatever it is about"),
    };
    let signature = Signature::of_bundle(&bundle, image);
    let said = match by {
        By::Key(pem) => {
            let key = PublicKey::parse(pem).map_err(|error| error.to_string())?;
            if bundle.certificate.is_some() {
                return Err("a certificate, and no key".to_owned());
            }
            // A key of one's own needs a log only where it is asked for; what is there has to hold.
            let tlogs = (asked.tlog && !bundle.entries.is_empty()).then_some(&root.tlogs);
            signature.claim_of_key(&key, tlogs).ok_or("not signed with this key")?
        }
        By::Name { issuer, subject } => {
            let exactly = |text: &str| TextMatcher::Exact(text.to_owned());
            let identity = CertificateIdentity::Named {
                issuer: issuer.map(exactly),
                subject: subject.map_or(TextMatcher::Prefix(String::new()), exactly),
                claims: Vec::new(),
            };
            let terms = CertificateTerms {
                authorities: &root.authorities,
                tlogs: asked.tlog.then_some(&root.tlogs),
                ctlogs: asked.sct.then_some(&root.ctlogs),
                timestamp_authorities: &root.timestamp_authorities,
                needs_time: true,
                now: UnixTime::from_secs(1_800_000_000),
            };
            match signature.claim_of_certificate(&identity, terms, |_| false) {
                ByCertificate::Claim(claim) => Ok(claim),
                ByCertificate::Failed(error) => Err(error),
                ByCertificate::None | ByCertificate::Known => return Err("no certificate".to_owned()),
            }
        }
    };
    said.map(drop).map_err(|error| format!("{error:?}"))
}

#[test]
fn the_conformance_suite_comes_out_as_its_names_say() {
    let Some(evidence) = evidence() else { return };
    let public_good = fs::read_to_string(evidence.join("root-signing/trusted_root.json")).unwrap();
    let suite = evidence.join("sigstore-conformance/bundle-verify");
    let text = |path: PathBuf| fs::read_to_string(path).ok();
    let mut told = BTreeMap::new();
    for case in fs::read_dir(&suite).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let artifact = fs::read(case.join("artifact")).or_else(|_| fs::read(suite.join("a.txt"))).unwrap();
        let (key, identity, issuer) =
            (text(case.join("key.pub")), text(case.join("identity")), text(case.join("issuer")));
        let by = match &key {
            Some(pem) => By::Key(pem),
            None => By::Name {
                issuer: Some(issuer.as_deref().map_or(GITHUB_ISSUER, str::trim)),
                subject: Some(identity.as_deref().map_or(BEACON, str::trim)),
            },
        };
        let root = text(case.join("trusted_root.json")).unwrap_or_else(|| public_good.clone());
        let json = fs::read(case.join("bundle.sigstore.json")).unwrap();
        let result = claim(&json, Some(Digest::of(&artifact)), &by, &root, ALL);
        told.insert(name, result);
    }
    assert!(told.len() >= 47, "{} cases", told.len());
    let wrong: Vec<_> = told.iter().filter(|(name, result)| name.ends_with("_fail") == result.is_ok()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
