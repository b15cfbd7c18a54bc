//! Does the module admit what real cosign attests with a log, a timestamp or a certificate, and deny it if one of them is not right?
//!
//! Both generations of cosign get their certificates, log entries and timestamps from our own services on loopback. Afterwards cosign of the same generation verifies the
//! attestation.

use image_trust_testbed::loopback::ImageKind;
use image_trust_testbed::mint::Instance;
use image_trust_testbed::mint::bundle::Log;
use image_trust_testbed::sigstore_services::{SigstoreServices, identity_token};
use serde_json::{Value, json};

use crate::attestations::{APPROVAL, DAY, SIGNER, approval, denied};
use crate::attester::{Asked, BOTH, Bench, By, Generation, Keyless, PROVEN};

const ISSUER: &str = "https://issuer.example.com";
const ALICE: &str = "alice@example.com";
const MALLORY: &str = "mallory@example.com";

/// The settings that need an approval by this trust root, with these options of the rule and of the attestation.
fn settings(bench: &Bench<'_>, root: Value, has_log: bool, max_age: Option<&str>) -> Value {
    let mut attestation = json!({"predicateType": APPROVAL, "trustRoot": root["name"]});
    if let Some(age) = max_age {
        attestation["maxAge"] = age.into();
    }
    bench.settings(
        &[root],
        &json!({"signature": false, "verifyInTransparencyLog": has_log, "attestations": [attestation]}),
    )
}

/// Our services, but with the log of somebody else.
fn with_another_log(bench: &Bench<'_>) -> SigstoreServices {
    let Instance { rekor, rekor_2, .. } = Instance::since("theirs", bench.time - 30 * DAY);
    SigstoreServices::start(Instance { rekor, rekor_2, ..bench.ours.clone() }, bench.time).unwrap()
}

#[test]
fn a_key_whose_attestations_are_logged_is_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let (ours, theirs) = (bench.services(0), with_another_log(&bench));
    let [alice, bob] = ["alice", "bob"].map(|name| json!({"name": name, "key": bench.key(name)}));
    // the generation, who attests and where it is logged, whether the entry counts, the reason
    let rows: [(Generation, By<'_>, bool, &str); 8] = [
        (Generation::Two, By::LoggedKey("alice", &ours, "dsse"), true, "an entry of kind dsse"),
        (Generation::Two, By::LoggedKey("alice", &ours, "intoto"), true, "an entry of kind intoto"),
        (Generation::Two, By::LoggedKey("alice", &theirs, "dsse"), false, "an entry of kind dsse in another log"),
        (Generation::Two, By::LoggedKey("alice", &theirs, "intoto"), false, "an entry of kind intoto in another log"),
        (Generation::Two, By::Key("alice"), false, "no entry"),
        (Generation::Three, By::LoggedKey("alice", &ours, ""), true, "an entry in a bundle"),
        (Generation::Three, By::LoggedKey("alice", &theirs, ""), false, "an entry in a bundle, of another log"),
        (Generation::Three, By::Key("alice"), false, "a bundle without an entry"),
    ];
    for (number, (generation, by, is_logged, why)) in rows.into_iter().enumerate() {
        let image = bench.push(&format!("logged/{number}"), ImageKind::Oci);
        bench.attest(generation, by, &image, APPROVAL, &approval("production"));
        bench.collect(&image).unwrap();
        let answers = [(&alice, true), (&bob, true), (&alice, false)]
            .map(|(root, has_log)| bench.module(&image, &settings(&bench, root.clone(), has_log, None)));
        let expected = if is_logged { PROVEN.to_owned() } else { denied(SIGNER) };
        assert_eq!(answers, [expected, denied(SIGNER), PROVEN.to_owned()], "{generation:?}: {why}");
        for (key, accepts) in [("alice.pub", is_logged), ("bob.pub", false)] {
            let source = match generation {
                Generation::Two => &["--offline"][..],
                Generation::Three => &["--trusted-root", "root.json"],
            };
            let signer = [&["--key", key][..], source].concat();
            let judge = bench.judge(generation, &image, &Asked { signer: &signer, kind: APPROVAL });
            assert_eq!(judge.is_ok(), accepts, "{generation:?}: {why}, by {key}: {judge:?}");
        }
    }
}

/// What vouches for a certificate, and its generation of cosign.
struct Vouched {
    generation: Generation,
    log: Log,
    entry: &'static str,
    has_timestamp: bool,
    /// The services that cosign asks, in order.
    asked: &'static [&'static str],
}

impl Vouched {
    fn all() -> Vec<Self> {
        let row = |generation, log, entry, has_timestamp, asked| Self { generation, log, entry, has_timestamp, asked };
        vec![
            row(Generation::Two, Log::Rekor1, "dsse", false, &["fulcio", "rekor-1"]),
            row(Generation::Two, Log::Rekor1, "intoto", false, &["fulcio", "rekor-1"]),
            row(Generation::Two, Log::Rekor1, "dsse", true, &["fulcio", "tsa", "rekor-1"]),
            row(Generation::Two, Log::None, "", true, &["fulcio", "tsa"]),
            row(Generation::Three, Log::Rekor1, "", false, &["fulcio", "rekor-1"]),
            row(Generation::Three, Log::Rekor1, "", true, &["fulcio", "tsa", "rekor-1"]),
            row(Generation::Three, Log::Rekor2, "", true, &["fulcio", "tsa", "rekor-2"]),
            row(Generation::Three, Log::None, "", true, &["fulcio", "tsa"]),
        ]
    }

    fn why(&self) -> String {
        let Self { generation, log, entry, has_timestamp, .. } = self;
        format!("{generation:?}, {log:?} {entry}, with a timestamp: {has_timestamp}")
    }

    /// Alice attests a new image, so many seconds ago.
    fn attest(&self, bench: &Bench<'_>, services: &SigstoreServices, repository: &str, ago: u64) -> String {
        let Self { log, entry, has_timestamp, .. } = *self;
        let token = identity_token(ISSUER, ALICE, bench.time - ago);
        let image = bench.push(repository, ImageKind::Oci);
        let by = Keyless { services, token, log, entry, has_timestamp };
        bench.attest(self.generation, By::Keyless(&by), &image, APPROVAL, &approval("production"));
        bench.collect(&image).unwrap();
        image
    }

    /// The module's answer about an image that this address has to have attested.
    fn module(&self, bench: &Bench<'_>, image: &str, email: &str, max_age: Option<&str>) -> String {
        let root = json!({"name": "signer", "keyless": {"issuer": ISSUER, "subject": email}});
        bench.module(image, &settings(bench, root, self.log != Log::None, max_age))
    }

    /// Whether cosign accepts an image that this address has to have attested.
    fn judge(&self, bench: &Bench<'_>, image: &str, email: &str) -> Result<String, String> {
        let mut signer = vec!["--certificate-oidc-issuer", ISSUER, "--certificate-identity", email];
        let is_two = self.generation == Generation::Two;
        signer.extend::<&[&str]>(if is_two { &["--offline"] } else { &["--trusted-root", "root.json"] });
        if self.log == Log::None {
            signer.extend(["--insecure-ignore-tlog", "--use-signed-timestamps"]);
        }
        if is_two && self.has_timestamp {
            signer.extend(["--timestamp-certificate-chain", "tsa.pem"]);
        }
        bench.judge(self.generation, image, &Asked { signer: &signer, kind: APPROVAL })
    }
}

#[test]
fn what_cosign_attests_without_a_key_is_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    let (ours, theirs) = (bench.services(0), with_another_log(&bench));
    for (number, vouched) in Vouched::all().iter().enumerate() {
        let why = vouched.why();
        let image = vouched.attest(&bench, &ours, &format!("keyless/{number}"), 0);
        assert_eq!(ours.asked(), vouched.asked, "{why}");
        for (email, expected) in [(ALICE, PROVEN.to_owned()), (MALLORY, denied(SIGNER))] {
            assert_eq!(vouched.module(&bench, &image, email, None), expected, "{why}, by {email}");
            let judge = vouched.judge(&bench, &image, email);
            assert_eq!(judge.is_ok(), expected == PROVEN, "{why}, by {email}: {judge:?}");
        }
        if vouched.log != Log::None {
            let image = vouched.attest(&bench, &theirs, &format!("elsewhere/{number}"), 0);
            assert_eq!(vouched.module(&bench, &image, ALICE, None), denied(SIGNER), "{why}, in another log");
            let judge = vouched.judge(&bench, &image, ALICE);
            assert!(judge.is_err(), "{why}, in another log: {judge:?}");
        }
    }
}

/// A certificate tells the age of what it signed, long after it expired.
#[test]
fn an_attestation_by_an_old_certificate_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bench) = Bench::find(folder.path()) else { return };
    const AGO: u64 = 2 * DAY;
    let services = bench.services(AGO);
    let rows = Vouched::all();
    for generation in BOTH {
        let of_generation = rows.iter().filter(|row| row.generation == generation);
        for (number, vouched) in of_generation.enumerate() {
            let why = vouched.why();
            let image = vouched.attest(&bench, &services, &format!("{generation:?}/{number}").to_lowercase(), AGO);
            let answers = [None, Some("3d"), Some("47h")].map(|age| vouched.module(&bench, &image, ALICE, age));
            let too_old = denied("attestation-age");
            assert_eq!(answers, [PROVEN.to_owned(), PROVEN.to_owned(), too_old], "{why}");
            let judge = vouched.judge(&bench, &image, ALICE);
            assert!(judge.is_ok(), "{why}: {judge:?}");
        }
    }
}
