//! What do the bundles of other projects prove, as claims?
//!
//! Sigstore's conformance suite, and bundles that other clients wrote (`image_trust_testbed::suite`). What must hold without them is minted by the test bed.
//! Their artifacts are files and their statements are attestations, so what is asked here is the claim alone, and not whether it is a signature of an image.

use std::{collections::BTreeMap, fs, path::Path};

use image_trust_testbed::suite;

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
        (BundleContent::Envelope(envelope), Some(artifact)) => Statement::read(&envelope.payload, artifact)
            .map(|_| artifact)
            .map_err(|error| format!("statement: {error:?}"))?,
        (BundleContent::Envelope(_), None) => Digest::of(b"whatever it is about"),
    };
    let signature = Signature::of_bundle(&bundle, image);
    let said = match by {
        By::Key(pem) => {
            let key = PublicKey::parse(pem).map_err(|error| error.to_string())?;
            if bundle.certificate.is_some() {
                return Err("a certificate, and no key".to_owned());
            }
            // A key of one's own needs a log only where it is asked for; what is there has to hold.
            let tlogs =
                (asked.tlog && !bundle.entries.is_empty()).then_some((&root.tlogs, &root.timestamp_authorities));
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
    let Some(evidence) = suite::evidence() else { return };
    let mut told = BTreeMap::new();
    for case in suite::cases(&evidence) {
        let by = match &case.signer {
            suite::Signer::Key(pem) => By::Key(pem),
            suite::Signer::Certificate { issuer, subject } => By::Name { issuer: Some(issuer), subject: Some(subject) },
        };
        let result = claim(&case.bundle, Some(Digest::of(&case.artifact)), &by, &case.trusted_root, ALL);
        told.insert(case.name, result);
    }
    let wrong: Vec<_> = told.iter().filter(|(name, result)| name.ends_with("_fail") == result.is_ok()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Trusted roots by the words of the table below.
fn root(evidence: &Path, name: &str) -> String {
    let path = match name {
        "public-good" => "root-signing/trusted_root.json",
        "staging" => "sigstore-rust/trust-root/trusted_root_staging.json",
        "github" => "sigstore-rust/trust-root/trusted_root_github.json",
        path => path,
    };
    fs::read_to_string(evidence.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn bundles_of_other_clients_come_out_as_their_readers_say() {
    let Some(evidence) = suite::evidence() else { return };
    const ONLY_TIME: Asked = Asked { tlog: false, sct: false };
    let ours = "own-rekor2/trusted-root.json";
    // the bundle, the trusted root, what is asked, what comes out, the reason
    let rows: &[(&str, &str, Asked, &str, &str)] = &[
        ("sigstore-rust/bundles/cosign-v3-blob.sigstore.json", "public-good", ALL, "", "cosign 3 over a file"),
        ("sigstore-rust/bundles/cosign-v3-blob.sigstore.json", "public-good", ONLY_TIME, "", "by its timestamp alone"),
        ("sigstore-rust/bundles/conda-attestation.sigstore.json", "public-good", ALL, "", "an attestation in Rekor 1"),
        ("sigstore-rust/bundles/conda-attestation-rekor2.sigstore.json", "staging", ALL, "", "with three witnesses"),
        (
            "sigstore-rust/bundles/conda-attestation-rekor2.sigstore.json",
            "public-good",
            ALL,
            "LogUnknown",
            "another instance",
        ),
        ("sigstore-rust/bundles/bundle_v3_github.whl.sigstore", "public-good", ALL, "", "a Python package"),
        (
            "sigstore-rust/bundles/sigstore.js@2.0.0-provenance.sigstore.json",
            "public-good",
            ALL,
            "",
            "npm, intoto 0.0.2",
        ),
        ("cosign/oci-attestation.sigstore.json", "public-good", ALL, "", "an attestation from a registry"),
        (
            "sigstore-rust/bundles/github-private-attestation.sigstore.json",
            "github",
            ONLY_TIME,
            "",
            "GitHub's own instance",
        ),
        ("sigstore-rust/timestamps/github_sha384_bundle.json", "github", ONLY_TIME, "", "timestamps with SHA-384"),
        (
            "sigstore-rust/bundles/github-private-attestation.sigstore.json",
            "github",
            ALL,
            "NoLogEntry",
            "it has no log",
        ),
        ("sigstore-rust/timestamps/valid_bundle.json", "staging", ALL, "", "a timestamp beside a log entry"),
        (
            "sigstore-rust/sct-multi-intermediate/staging_bundle.sigstore.json",
            "staging",
            ALL,
            "",
            "several intermediates",
        ),
        (
            "sigstore-rust/bundles/bundle_cve_2022_36056.txt.sigstore",
            "staging",
            ALL,
            "LogSignature",
            "another signature's entry",
        ),
        ("sigstore-rust/bundles/bundle_no_log_entry.txt.sigstore", "public-good", ALL, "NoLogEntry", "no entry"),
        (
            "sigstore-rust/bundles/bundle_no_checkpoint.txt.sigstore",
            "public-good",
            ALL,
            "bundle: LogEntry",
            "no checkpoint",
        ),
        (
            "sigstore-rust/bundles/bundle_no_cert_v1.txt.sigstore",
            "public-good",
            ALL,
            "bundle: Material",
            "no certificate",
        ),
        (
            "sigstore-rust/bundles/bundle_invalid_version.txt.sigstore",
            "public-good",
            ALL,
            "bundle: Version",
            "a version that never was",
        ),
        (
            "sigstore-rust/bundles/bundle_v3_no_signed_time.txt.sigstore.json",
            "public-good",
            ALL,
            "NoTime",
            "a time that nobody promised",
        ),
        ("sigstore-go/bundle-provenance.json", "public-good", ALL, "bundle: Root", "an old client's, with a root"),
        ("sigstore-go/bundles/dsse-2sigs.sigstore.json", "public-good", ALL, "bundle: ", "two signatures"),
        ("own-rekor2/good.json", ours, ALL, "", "Rekor 2 and a timestamp"),
        ("own-rekor2/cosigned.json", ours, ALL, "", "a witness"),
        ("own-rekor2/embedded.json", ours, ALL, "", "a timestamp with its certificate"),
        ("own-rekor2/sha384.json", ours, ALL, "", "a timestamp with SHA-384"),
        ("own-rekor2/late.json", ours, ALL, "TimestampTime", "after the certificate ended"),
        ("own-rekor2/notsa.json", ours, ALL, "NoTime", "no timestamp"),
        ("own-rekor2/evil.json", ours, ALL, "LogUnknown", "another log"),
        ("own-rekor2/othersig.json", ours, ALL, "LogSignature", "another signature's entry"),
    ];
    let anybody = By::Name { issuer: None, subject: None };
    for (bundle, trusted, asked, expected, why) in rows {
        let json = fs::read(evidence.join(bundle)).unwrap_or_else(|error| panic!("{bundle}: {error}"));
        let said = claim(&json, None, &anybody, &root(&evidence, trusted), *asked);
        match said {
            Ok(()) => assert_eq!(*expected, "", "{why}: {bundle} is proven"),
            Err(error) => assert!(!expected.is_empty() && error.starts_with(expected), "{why}: {bundle}: {error}"),
        }
    }
    let key = fs::read_to_string(evidence.join("own-rekor2/own.pub")).unwrap();
    let own = fs::read(evidence.join("own-rekor2/own.json")).unwrap();
    assert_eq!(claim(&own, None, &By::Key(&key), &root(&evidence, ours), ALL), Ok(()), "a key of one's own in Rekor 2");
}

/// What the module carries of GitHub's instance is written without what repeats, and proves the same.
#[test]
fn the_trusted_root_of_github_is_believed_as_it_is_carried() {
    let Some(evidence) = suite::evidence() else { return };
    let carried = include_str!("../sigstore/github.json");
    for bundle in ["bundles/github-private-attestation.sigstore.json", "timestamps/github_sha384_bundle.json"] {
        let json = fs::read(evidence.join("sigstore-rust").join(bundle)).unwrap();
        let asked = Asked { tlog: false, sct: false };
        let said = claim(&json, None, &By::Name { issuer: None, subject: None }, carried, asked);
        assert_eq!(said, Ok(()), "{bundle}");
    }
}

/// What `sigstore-verify` says of bundles that are about one artifact.
struct Oracle {
    verifier: sigstore_verify::Verifier,
    artifact: sigstore_verify::types::Sha256Hash,
}

impl Oracle {
    fn new(bundle: &[u8], root: &str) -> Oracle {
        let digest: [u8; 32] = match Bundle::read(bundle).unwrap().content {
            BundleContent::Message(digest) => digest.bytes(),
            BundleContent::Envelope(envelope) => {
                let statement: serde_json::Value = serde_json::from_slice(&envelope.payload).unwrap();
                let digest = statement["subject"][0]["digest"]["sha256"].as_str().unwrap().to_owned();
                Digest::parse(&format!("sha256:{digest}")).unwrap().bytes()
            }
        };
        let root = sigstore_verify::trust_root::TrustedRoot::from_json(root).unwrap();
        Oracle {
            verifier: sigstore_verify::Verifier::new(&root).unwrap(),
            artifact: sigstore_verify::types::Sha256Hash::new(digest),
        }
    }

    /// Why it refuses a bundle, if it does. It wants every timestamp to be proven; one whose authority is not known counts as none here, so it may be left out.
    fn refuses(&self, bundle: &[u8]) -> Option<String> {
        let Ok(mut bundle) = serde_json::from_slice::<serde_json::Value>(bundle) else { return Some("no JSON".into()) };
        let reason = self.refuses_json(&bundle)?;
        match bundle.pointer_mut("/verificationMaterial/timestampVerificationData/rfc3161Timestamps") {
            Some(timestamps) => {
                *timestamps = serde_json::Value::Array(Vec::new());
                self.refuses_json(&bundle).map(|other| format!("{reason}; without timestamps: {other}"))
            }
            None => Some(reason),
        }
    }

    fn refuses_json(&self, bundle: &serde_json::Value) -> Option<String> {
        let bundle = match sigstore_verify::types::Bundle::from_json(&bundle.to_string()) {
            Ok(bundle) => bundle,
            Err(error) => return Some(error.to_string()),
        };
        let policy = sigstore_verify::VerificationPolicy::any_identity();
        self.verifier.verify(self.artifact, &bundle, &policy).err().map(|error| error.to_string())
    }
}

/// A signature holds for every byte: with one bit of a byte changed, a bundle is proven only if another implementation proves it, too.
#[test]
fn no_byte_of_a_bundle_can_be_changed() {
    let Some(evidence) = suite::evidence() else { return };
    let anybody = By::Name { issuer: None, subject: None };
    let rows = [
        ("own-rekor2/good.json", "own-rekor2/trusted-root.json"),
        ("sigstore-rust/bundles/conda-attestation.sigstore.json", "public-good"),
        ("sigstore-rust/bundles/cosign-v3-blob.sigstore.json", "public-good"),
    ];
    let mut alone = Vec::new();
    for (bundle, trusted) in rows {
        let json = fs::read(evidence.join(bundle)).unwrap();
        let root = root(&evidence, trusted);
        let oracle = Oracle::new(&json, &root);
        assert_eq!(oracle.refuses(&json), None, "{bundle}");
        for at in 0..json.len() {
            let mut changed = json.clone();
            changed[at] ^= 1;
            if claim(&changed, None, &anybody, &root, ALL).is_ok()
                && let Some(reason) = oracle.refuses(&changed)
            {
                let around = String::from_utf8_lossy(&changed[at.saturating_sub(64)..(at + 32).min(json.len())]);
                alone.push(format!("{bundle} at {at}: {around}: {reason}"));
            }
        }
    }
    assert!(alone.is_empty(), "{}", alone.join("\n"));
}
