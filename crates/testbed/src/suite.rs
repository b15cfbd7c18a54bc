//! Where are the bundles of other projects, and what does Sigstore's conformance suite ask?
//!
//! They are read where they lie: in `IMAGE_TRUST_EVIDENCE`, or in `../shared/evidence` beside the project. They are no part of the project, so tests that need them
//! say `SKIPPED` where they are not there.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The signer of most bundles of the suite.
const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The folder with the evidence of other projects, if it is there.
pub fn evidence() -> Option<PathBuf> {
    let named = env::var_os("IMAGE_TRUST_EVIDENCE").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/evidence");
    let found = named.into_iter().chain([beside]).find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: there is no folder of other projects' evidence (IMAGE_TRUST_EVIDENCE)");
    }
    found
}

/// One case of the suite for verifiers of bundles.
pub struct Case {
    /// Its name.
    pub name: String,
    /// The bundle, which need not be one.
    pub bundle: Vec<u8>,
    /// The file that the bundle is said to be about.
    pub artifact: Vec<u8>,
    /// Who has to have signed.
    pub signer: Signer,
    /// The trusted root, in Sigstore's JSON.
    pub trusted_root: String,
}

/// Who has to have signed.
pub enum Signer {
    /// The holder of this key, in PEM.
    Key(String),
    /// The holder of a certificate with these names.
    Certificate { issuer: String, subject: String },
}

impl Case {
    /// Whether the bundle is to be refused.
    pub fn fails(&self) -> bool {
        self.name.ends_with("_fail")
    }
}

/// The cases of the suite, of which not all are there: some need more than a bundle.
pub fn cases(evidence: &Path) -> Vec<Case> {
    let suite = evidence.join("sigstore-conformance/bundle-verify");
    let public_good = fs::read_to_string(evidence.join("root-signing/trusted_root.json")).unwrap();
    let folders = fs::read_dir(&suite).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let case = |folder: PathBuf| {
        let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let named = |name: &str, usual: &str| text(name).map_or(usual.to_owned(), |text| text.trim().to_owned());
        let signer = match text("key.pub") {
            Some(pem) => Signer::Key(pem),
            None => Signer::Certificate { issuer: named("issuer", GITHUB_ISSUER), subject: named("identity", BEACON) },
        };
        Case {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            bundle: fs::read(folder.join("bundle.sigstore.json")).unwrap(),
            artifact: fs::read(folder.join("artifact")).or_else(|_| fs::read(suite.join("a.txt"))).unwrap(),
            signer,
            trusted_root: text("trusted_root.json").unwrap_or_else(|| public_good.clone()),
        }
    };
    let cases: Vec<Case> = folders.map(case).collect();
    assert!(cases.len() >= 47, "only {} cases", cases.len());
    cases
}
