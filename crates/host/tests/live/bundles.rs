//! Does the module admit what real cosign 3 signs without a key, and deny what was tampered with?
//!
//! Cosign gets its certificates, log entries and timestamps from our own services on loopback. Each bundle is collected, and both the module and cosign are asked
//! about the image: with the bundle as it was made, with a change in it, and with one that somebody else's services made.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use image_trust::{Digest, ImageRef};
use image_trust_collect::find::{Places, find};
use image_trust_collect::manifest::{EMPTY, EMPTY_TYPE, EvidenceManifest, OCI_MANIFEST};
use image_trust_collect::push::push;
use image_trust_collect::registry::{Client, Repository};
use image_trust_testbed::loopback::{ImageKind, Registry};
use image_trust_testbed::mint::bundle::{Log, V03};
use image_trust_testbed::mint::{Instance, der};
use image_trust_testbed::sigstore_services::{SigstoreServices, identity_token};
use serde_json::{Value, json};

use crate::attester::{PROVEN, answered};
use crate::collected::client;
use crate::tools::Cosign;

const ISSUER: &str = "https://issuer.example.com";
const ALICE: &str = "alice@example.com";
const MALLORY: &str = "mallory@example.com";

/// A registry, a collector and real cosign.
struct Bench<'f> {
    registry: Registry,
    collector: Client,
    cosign: Cosign<'f>,
    folder: &'f Path,
    /// The time now, because cosign and the module read the machine's clock.
    time: u64,
}

impl<'f> Bench<'f> {
    fn find(folder: &'f Path) -> Option<Self> {
        let cosign = Cosign::find("cosign3", folder)?;
        let registry = Registry::start().unwrap();
        registry.offer_referrers(100);
        let collector = client(&[&registry.host()]);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Some(Self { registry, collector, cosign, folder, time })
    }

    /// Alice, who signs with our services.
    fn alice(&self) -> By {
        By { issuer: ISSUER, email: ALICE, instance: self.ours(), log: Log::Rekor1, has_timestamp: true }
    }

    /// The Sigstore instance that the module and cosign trust.
    fn ours(&self) -> Instance {
        Instance::since("ours", self.time - 3600)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name).display().to_string();
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs cosign with proxies where nobody listens, so that a request to the Internet fails at once.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let nowhere = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
        self.cosign.run_with(&nowhere, arguments)
    }

    /// Pushes an image, and lets cosign sign it. Returns the image with its digest, and the services that cosign asked.
    fn sign(&self, repository: &str, by: &By) -> (String, Vec<String>) {
        let image = self.push(repository, repository);
        let server = SigstoreServices::start(by.instance.clone(), self.time).unwrap();
        let config = self.file("signing.json", &server.signing_config(by.log, by.has_timestamp).to_string());
        let root = self.file("signing-root.json", &by.instance.whole_trusted_root().to_string());
        let token = identity_token(by.issuer, by.email, self.time);
        let files = ["--signing-config", &config, "--trusted-root", &root, "--identity-token", &token];
        self.run(&[&["sign", "--yes"][..], &files, &[&image]].concat()).unwrap();
        (image, server.asked())
    }

    /// Pushes the image of this seed, and returns its name with its digest.
    fn push(&self, repository: &str, seed: &str) -> String {
        let digest = self.registry.push_image(repository, "1", ImageKind::Oci, seed);
        format!("{}/{repository}@{digest}", self.registry.host())
    }

    /// Collects the evidence for an image, pushes it, and returns the only bundle in it.
    fn collect(&self, image: &str) -> Value {
        let image = ImageRef::parse(image).unwrap();
        let found = find(&self.collector, &image, Places { from: None, bundles: &[] }).unwrap().unwrap().remove(0);
        let evidence = EvidenceManifest::of(found.digest, found.items.keys().cloned());
        push(&self.collector, &Repository::of(&image), &evidence).unwrap();
        let [kept] = &evidence.items[..] else { panic!("expected one bundle, found {:?}", evidence.items) };
        assert_eq!((kept.item.media_type.as_str(), &found.left[..]), (V03, &[][..]));
        serde_json::from_slice(&kept.item.bytes).unwrap()
    }

    /// Pushes this bundle as a referrer of the image, as cosign does.
    fn attach(&self, repository: &str, image: &str, bundle: &Value) {
        let bundle = bundle.to_string();
        let digest = image.rsplit_once('@').unwrap().1;
        let subject = self.registry.manifest(repository, digest).unwrap();
        let blob = |media_type: &str, bytes: &[u8]| {
            self.registry.put_blob(repository, bytes);
            json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": V03,
            "config": blob(EMPTY_TYPE, EMPTY),
            "layers": [blob(V03, bundle.as_bytes())],
            "subject": {"mediaType": subject.media_type, "digest": digest, "size": subject.bytes.len()},
        });
        self.registry.put_manifest(repository, None, OCI_MANIFEST, manifest.to_string().as_bytes());
    }

    /// The module's answer about an image that this address has to have signed: [`PROVEN`] if it pins the image, or else the words of its denial.
    fn module(&self, image: &str, email: &str, has_log: bool) -> String {
        let settings = json!({
            "validators": [{
                "name": "default",
                "type": "cosign",
                "trustedRoot": self.ours().whole_trusted_root(),
                "trustRoots": [{"name": "signer", "keyless": {"issuer": ISSUER, "subject": email}}],
            }],
            "policy": [{"pattern": "*:*", "with": {"trustRoot": "signer", "verifyInTransparencyLog": has_log}}],
            "features": {"timeBudgetMs": 30_000},
        });
        answered(&self.registry, image, &settings)
    }

    /// The output of `cosign verify` for an image that this address has to have signed.
    fn judge(&self, image: &str, email: &str, has_log: bool) -> Result<String, String> {
        let root = self.file("root.json", &self.ours().whole_trusted_root().to_string());
        let mut arguments = vec!["verify", "--trusted-root", &root, "--certificate-oidc-issuer", ISSUER];
        arguments.extend(["--certificate-identity", email]);
        if !has_log {
            arguments.extend(["--insecure-ignore-tlog", "--use-signed-timestamps"]);
        }
        self.run(&[&arguments[..], &[image]].concat())
    }

    /// The difference from the expected answers about an image that this address has to have signed, if there is one.
    fn wrong(&self, image: &str, email: &str, has_log: bool, (here, cosign): Says) -> Option<String> {
        let expected = if here == PROVEN { here.to_owned() } else { format!("not-signed: {here}; missing signer") };
        let (module, judge) = (self.module(image, email, has_log), self.judge(image, email, has_log));
        let agrees = match &judge {
            Ok(_) => cosign == PROVEN,
            Err(text) => cosign != PROVEN && text.contains(cosign),
        };
        let is_wrong = module != expected || !agrees;
        is_wrong.then(|| format!("expected {expected:?} and {cosign:?}, found {module:?} and {judge:?}"))
    }
}

/// The cause of the module's denial, and a part of cosign's error. Each is [`PROVEN`] if the image is accepted.
type Says = (&'static str, &'static str);

/// Somebody who signs, and the services for it.
#[derive(Clone)]
struct By {
    issuer: &'static str,
    email: &'static str,
    instance: Instance,
    log: Log,
    has_timestamp: bool,
}

const BOTH: Says = (PROVEN, PROVEN);
const OTHER_ADDRESS: Says = ("certificate-identity", "expected SAN value");

#[test]
fn what_cosign_signs_without_a_key_is_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    // the log, whether there is a timestamp, which services cosign asks
    let rows: [(Log, bool, &[&str]); 4] = [
        (Log::Rekor1, false, &["fulcio", "rekor-1"]),
        (Log::Rekor1, true, &["fulcio", "tsa", "rekor-1"]),
        (Log::Rekor2, true, &["fulcio", "tsa", "rekor-2"]),
        (Log::None, true, &["fulcio", "tsa"]),
    ];
    for (number, (log, has_timestamp, expected)) in rows.into_iter().enumerate() {
        let why = format!("{log:?}, with a timestamp: {has_timestamp}");
        let (image, asked) = bench.sign(&format!("signed/{number}"), &By { log, has_timestamp, ..bench.alice() });
        assert_eq!(asked, expected, "{why}");
        bench.collect(&image);
        for (email, says) in [(ALICE, BOTH), (MALLORY, OTHER_ADDRESS)] {
            assert_eq!(bench.wrong(&image, email, log != Log::None, says), None, "{why}, by {email}");
        }
    }
}

/// A bundle that is wrong in one way.
struct Row {
    why: &'static str,
    /// Changes who signs, before cosign does. The instance is somebody else's.
    signer: fn(&mut By, Instance),
    /// Changes the bundle that cosign made. The other bundle is alice's for another image.
    tamper: fn(&mut Value, &Value),
    in_rekor_1: Says,
    in_rekor_2: Says,
}

impl Row {
    fn signed(why: &'static str, signer: fn(&mut By, Instance), in_rekor_1: Says, in_rekor_2: Says) -> Self {
        Self { why, signer, tamper: |_, _| {}, in_rekor_1, in_rekor_2 }
    }

    fn tampered(why: &'static str, tamper: fn(&mut Value, &Value), in_rekor_1: Says, in_rekor_2: Says) -> Self {
        Self { why, signer: |_, _| {}, tamper, in_rekor_1, in_rekor_2 }
    }
}

const ENTRIES: &str = "/verificationMaterial/tlogEntries";
const TIMESTAMPS: &str = "/verificationMaterial/timestampVerificationData";
const CERTIFICATE: &str = "/verificationMaterial/certificate";
const SIGNATURE: &str = "/dsseEnvelope/signatures/0/sig";
const PAYLOAD: &str = "/dsseEnvelope/payload";

/// Replaces what is at this place by what the other bundle has there.
fn take(bundle: &mut Value, other: &Value, at: &str) {
    *bundle.pointer_mut(at).unwrap() = other.pointer(at).unwrap().clone();
}

/// Changes the bytes that are at this place in base64.
fn change(bundle: &mut Value, at: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let text = bundle.pointer_mut(at).unwrap();
    *text = der::base64(&change(der::unbase64(text.as_str().unwrap()))).into();
}

/// Flips the last bit.
fn flip(mut bytes: Vec<u8>) -> Vec<u8> {
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

/// The statement with an annotation that nobody signed.
fn annotate(statement: Vec<u8>) -> Vec<u8> {
    let mut statement: Value = serde_json::from_slice(&statement).unwrap();
    statement["subject"][0]["annotations"] = json!({"stage": "prod"});
    statement.to_string().into_bytes()
}

fn rows() -> Vec<Row> {
    const OTHER_LOG: Says = ("log-entry-log", "not enough verified log entries");
    const NO_ENTRY: Says = ("log-entry-missing", "not enough verified log entries");
    const OTHER_ISSUER: Says = ("certificate-identity", "expected issuer value");
    const OTHER_CA: Says = ("certificate-path", "leaf certificate verification failed");
    const OTHER_CT: Says = ("certificate-timestamp", "only able to verify 0 SCT entries");
    const OTHER_IMAGE: Says = ("unsigned", "does not match any digest in statement");
    // An entry of Rekor 1 has a time, so a timestamp may be missing there.
    vec![
        Row::signed("by alice", |_, _| {}, BOTH, BOTH),
        Row::signed("by another address", |by, _| by.email = MALLORY, OTHER_ADDRESS, OTHER_ADDRESS),
        Row::signed(
            "by a user of another issuer",
            |by, _| by.issuer = "https://evil.example.com",
            OTHER_ISSUER,
            OTHER_ISSUER,
        ),
        Row::signed(
            "certified by another CA",
            |by, theirs| (by.instance.root, by.instance.intermediate) = (theirs.root, theirs.intermediate),
            OTHER_CA,
            OTHER_CA,
        ),
        Row::signed("seen by another CT log", |by, theirs| by.instance.ct = theirs.ct, OTHER_CT, OTHER_CT),
        Row::signed(
            "logged by another log",
            |by, theirs| (by.instance.rekor, by.instance.rekor_2) = (theirs.rekor, theirs.rekor_2),
            OTHER_LOG,
            OTHER_LOG,
        ),
        Row::signed(
            "with a timestamp of another authority",
            |by, theirs| by.instance.tsa = theirs.tsa,
            BOTH,
            ("timestamp-authority", "failed to verify timestamps"),
        ),
        Row::tampered("of another image", |bundle, other| *bundle = other.clone(), OTHER_IMAGE, OTHER_IMAGE),
        Row::tampered(
            "without its log entry",
            |bundle, _| *bundle.pointer_mut(ENTRIES).unwrap() = json!([]),
            NO_ENTRY,
            NO_ENTRY,
        ),
        Row::tampered(
            "without its timestamp",
            |bundle, _| *bundle.pointer_mut(TIMESTAMPS).unwrap() = json!({}),
            BOTH,
            ("timestamp-missing", "failed to verify timestamps"),
        ),
        Row::tampered(
            "with the log entry of another image",
            |bundle, other| take(bundle, other, ENTRIES),
            ("log-entry-payload", "transparency log signature does not match"),
            ("log-entry-payload", "verifying inclusion"),
        ),
        // Cosign needs one valid time, and Rekor 1 gives it. The policy refuses a timestamp of another signature beside it.
        Row::tampered(
            "with the timestamp of another image",
            |bundle, other| take(bundle, other, TIMESTAMPS),
            ("timestamp-content", PROVEN),
            ("timestamp-content", "hashed messages don't match"),
        ),
        Row::tampered(
            "with the certificate of another signature",
            |bundle, other| take(bundle, other, CERTIFICATE),
            ("log-entry-key", "transparency log certificate does not match"),
            ("log-entry-key", "verifying inclusion"),
        ),
        Row::tampered(
            "with a changed signature",
            |bundle, _| change(bundle, SIGNATURE, flip),
            ("log-entry-signature", "transparency log signature does not match"),
            ("log-entry-signature", "verifying inclusion"),
        ),
        Row::tampered(
            "with an annotation that nobody signed",
            |bundle, _| change(bundle, PAYLOAD, annotate),
            ("log-entry-payload", "does not match envelope payload hash"),
            ("log-entry-payload", "verifying inclusion"),
        ),
    ]
}

#[test]
fn a_bundle_that_is_not_right_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let alices = [Log::Rekor1, Log::Rekor2].map(|log| By { log, ..bench.alice() });
    let others = alices.each_ref().map(|by| bench.collect(&bench.sign(&format!("other/{}", by.log as u8), by).0));
    let mut wrong = Vec::new();
    for (number, row) in rows().iter().enumerate() {
        for ((alice, other), says) in alices.iter().zip(&others).zip([row.in_rekor_1, row.in_rekor_2]) {
            let mut by = alice.clone();
            (row.signer)(&mut by, Instance::since("theirs", bench.time - 3600));
            let [made, judged] = ["made", "judged"].map(|folder| format!("{folder}/{number}-{}", by.log as u8));
            let mut bundle = bench.collect(&bench.sign(&made, &by).0);
            (row.tamper)(&mut bundle, other);
            let image = bench.push(&judged, &made);
            bench.attach(&judged, &image, &bundle);
            let why = format!("{}, in {:?}", row.why, by.log);
            assert_eq!(bench.collect(&image), bundle, "{why}");
            wrong.extend(bench.wrong(&image, ALICE, true, says).map(|what| format!("{why}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}
