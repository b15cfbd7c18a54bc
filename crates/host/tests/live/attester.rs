//! Real cosign of both generations, which attests images on loopback, and those who judge what came of it: the module, and cosign of the same generation.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use image_trust::{Digest, ImageRef};
use image_trust_collect::find::{Places, find};
use image_trust_collect::manifest::{EMPTY, EMPTY_TYPE, EvidenceManifest, Item, OCI_MANIFEST};
use image_trust_collect::push::push;
use image_trust_collect::registry::{Client, Repository};
use image_trust_testbed::loopback::{ImageKind, Registry};
use image_trust_testbed::mint::bundle::{Log, V03};
use image_trust_testbed::mint::{Instance, der};
use image_trust_testbed::sigstore_services::SigstoreServices;
use serde_json::{Value, json};

use crate::collected::client;
use crate::policy::{evaluate, host, pins, pod};
use crate::told::{flaw, words};
use crate::tools::Cosign;

/// The word for an image that is accepted.
pub(crate) const PROVEN: &str = "proven";
/// The names of the keys. Each of them is a trust root.
const KEYS: [&str; 3] = ["alice", "bob", "carol"];
/// A program that fails every request to the Internet at once.
const NOWHERE: [(&str, &str); 2] = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];

/// The two generations of cosign: one writes `.att`, the other bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    Two,
    Three,
}

pub(crate) const BOTH: [Generation; 2] = [Generation::Two, Generation::Three];

/// Who attests, and who vouches for it.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// The key of this name, with no log.
    Key(&'a str),
    /// The key of this name, with an entry of this kind in the log of these services. Only cosign 2 lets one choose the kind.
    LoggedKey(&'a str, &'a SigstoreServices, &'a str),
    /// Whom this token names, with the services for it.
    Keyless(&'a Keyless<'a>),
}

/// What cosign needs to attest without a key.
pub(crate) struct Keyless<'a> {
    pub(crate) services: &'a SigstoreServices,
    pub(crate) token: String,
    pub(crate) log: Log,
    /// The kind of log entry. Only cosign 2 lets one choose.
    pub(crate) entry: &'static str,
    pub(crate) has_timestamp: bool,
}

/// What is asked of an attestation.
pub(crate) struct Asked<'a> {
    /// Whose: the arguments of cosign.
    pub(crate) signer: &'a [&'a str],
    /// Of which type, as cosign takes it.
    pub(crate) kind: &'a str,
}

/// A registry, a collector and both generations of cosign.
pub(crate) struct Bench<'f> {
    pub(crate) registry: Registry,
    collector: Client,
    cosign: [Cosign<'f>; 2],
    folder: &'f Path,
    /// The time now, because cosign and the module read the machine's clock.
    pub(crate) time: u64,
    /// The Sigstore instance that the module and cosign trust.
    pub(crate) ours: Instance,
    keys: Vec<(&'static str, String)>,
}

impl<'f> Bench<'f> {
    pub(crate) fn find(folder: &'f Path) -> Option<Self> {
        let cosign = [Cosign::find("cosign2", folder)?, Cosign::find("cosign3", folder)?];
        let registry = Registry::start().unwrap();
        registry.offer_referrers(100);
        let collector = client(&[&registry.host()]);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let keys = KEYS.map(|name| (name, cosign[0].generate(name))).into();
        cosign[1].run(&["signing-config", "create", "--out", "none.json"]).unwrap();
        // It is trusted for a month, so that there can be old certificates.
        let ours = Instance::since("ours", time - 30 * 86_400);
        let bench = Self { registry, collector, cosign, folder, time, ours, keys };
        bench.trust("", &bench.ours);
        Some(bench)
    }

    /// Our services, at the time so many seconds ago.
    pub(crate) fn services(&self, ago: u64) -> SigstoreServices {
        SigstoreServices::start(self.ours.clone(), self.time - ago).unwrap()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name).display().to_string();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes the files that tell cosign to trust this instance. Their names begin with `of`.
    fn trust(&self, of: &str, instance: &Instance) {
        let tsa = [&instance.tsa.der, &instance.tsa.ca.der].map(|der| der::pem("CERTIFICATE", der));
        for (name, text) in [
            ("root.json", instance.whole_trusted_root().to_string()),
            ("chain.pem", instance.chain_pem()),
            ("rekor.pub", instance.rekor.public_pem()),
            ("ct.pub", instance.ct.public_pem()),
            ("tsa.pem", tsa.concat()),
        ] {
            self.file(&format!("{of}{name}"), &text);
        }
    }

    /// Runs cosign, which trusts the instance whose files begin with `of`.
    fn run_trusting(&self, of: &str, generation: Generation, arguments: &[&str]) -> Result<String, String> {
        let [chain, rekor, ct] = ["chain.pem", "rekor.pub", "ct.pub"].map(|name| format!("{of}{name}"));
        let trust = [
            ("SIGSTORE_ROOT_FILE", chain.as_str()),
            ("SIGSTORE_REKOR_PUBLIC_KEY", &rekor),
            ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", &ct),
        ];
        match generation {
            Generation::Two => self.cosign[0].run_with(&[&NOWHERE[..], &trust].concat(), arguments),
            Generation::Three => self.cosign[1].run_with(&NOWHERE, arguments),
        }
    }

    /// Pushes an image, and returns its name with its digest.
    pub(crate) fn push(&self, repository: &str, kind: ImageKind) -> String {
        let digest = self.registry.push_image(repository, "1", kind, repository);
        format!("{}/{repository}@{digest}", self.registry.host())
    }

    /// Pushes the image of this seed under the tag `1`, which the last image had before.
    pub(crate) fn push_as(&self, repository: &str, seed: &str) -> String {
        let digest = self.registry.push_image(repository, "1", ImageKind::Oci, seed);
        format!("{}/{repository}@{digest}", self.registry.host())
    }

    /// The images of the platforms of an index.
    pub(crate) fn platforms(&self, index: &str) -> Vec<String> {
        let (repository, digest) = self.place(index);
        let manifest = self.registry.manifest(repository, digest).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest.bytes).unwrap();
        let name = index.split_once('@').unwrap().0;
        let listed = manifest["manifests"].as_array().unwrap().iter();
        listed.map(|entry| format!("{name}@{}", entry["digest"].as_str().unwrap())).collect()
    }

    /// The repository of an image, and its digest.
    fn place<'i>(&self, image: &'i str) -> (&'i str, &'i str) {
        let (name, digest) = image.split_once('@').unwrap();
        (name.split_once('/').unwrap().1, digest)
    }

    /// Signs an image with a key, without a log.
    pub(crate) fn sign(&self, key: &str, image: &str) {
        let key = format!("{key}.key");
        self.run_trusting("", Generation::Two, &["sign", "--yes", "--tlog-upload=false", "--key", &key, image])
            .unwrap();
    }

    /// Lets cosign attest this image.
    pub(crate) fn attest(&self, generation: Generation, by: By<'_>, image: &str, kind: &str, predicate: &Value) {
        let predicate = self.file("predicate.json", &predicate.to_string());
        let key = |name: &str| format!("{name}.key");
        let (two, three) = (generation == Generation::Two, generation == Generation::Three);
        let mut more: Vec<String> = match by {
            By::Key(name) if two => vec!["--tlog-upload=false".into(), "--key".into(), key(name)],
            By::Key(name) => vec!["--signing-config".into(), "none.json".into(), "--key".into(), key(name)],
            By::LoggedKey(name, ..) => vec!["--key".into(), key(name)],
            By::Keyless(keyless) => vec!["--identity-token".into(), keyless.token.clone()],
        };
        let (services, log, has_timestamp, entry) = match by {
            By::Key(_) => (None, Log::None, false, ""),
            By::LoggedKey(_, services, entry) => (Some(services), Log::Rekor1, false, entry),
            By::Keyless(it) => (Some(it.services), it.log, it.has_timestamp, it.entry),
        };
        if let Some(services) = services {
            self.trust("signing-", services.instance());
        }
        if let Some(services) = services.filter(|_| two) {
            more.extend([format!("--fulcio-url={}", services.url("fulcio"))]);
            more.extend(match log {
                Log::None => vec!["--tlog-upload=false".into()],
                _ => vec![format!("--rekor-url={}", services.url("rekor-1")), format!("--rekor-entry-type={entry}")],
            });
            more.extend(has_timestamp.then(|| format!("--timestamp-server-url={}", services.tsa_url())));
        }
        if let Some(services) = services.filter(|_| three) {
            let config = self.file("signing.json", &services.signing_config(log, has_timestamp).to_string());
            more.extend(["--signing-config".into(), config, "--trusted-root".into(), "signing-root.json".into()]);
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let begin = ["attest", "--yes", "--type", kind, "--predicate", &predicate];
        self.run_trusting("signing-", generation, &[&begin[..], &more, &[image]].concat()).unwrap();
    }

    /// What `image-trust collect` does: the evidence for an image and its platforms is found and pushed. Items of which `is_kept` says no are left out. Returns what
    /// was pushed for the image itself.
    pub(crate) fn collect_only(&self, image: &str, is_kept: impl Fn(&Item) -> bool) -> Option<EvidenceManifest> {
        let image = ImageRef::parse(image).unwrap();
        let at = Repository::of(&image);
        let mut of_image = None;
        for found in find(&self.collector, &image, Places { from: None, bundles: &[] }).unwrap().unwrap() {
            assert_eq!(found.left, [], "{}", image.written());
            let items = found.items.keys().filter(|item| is_kept(item)).cloned();
            let evidence = EvidenceManifest::of(found.digest, items);
            if found.items.is_empty() {
                continue;
            }
            push(&self.collector, &at, &evidence).unwrap();
            of_image = of_image.or(found.platform.is_none().then_some(evidence));
        }
        of_image
    }

    pub(crate) fn collect(&self, image: &str) -> Option<EvidenceManifest> {
        self.collect_only(image, |_| true)
    }

    /// Stores the attestations of one image beside another one, as if they were about that.
    pub(crate) fn misplace(&self, of: &str, at: &str) {
        let (from, about) = self.place(of);
        let (to, digest) = self.place(at);
        for Item { media_type, bytes, annotations } in self.items(of) {
            let blob = |media_type: &str, bytes: &[u8]| {
                self.registry.put_blob(to, bytes);
                json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()})
            };
            let (tag, mut manifest) = match media_type == V03 {
                true => (None, json!({"artifactType": V03, "config": blob(EMPTY_TYPE, EMPTY)})),
                false => {
                    let tag = format!("{}.att", about.replace(':', "-"));
                    let config = json!({"config": blob("application/vnd.oci.image.config.v1+json", b"{}")});
                    assert!(self.registry.manifest(from, &tag).is_some(), "cosign wrote {tag}");
                    (Some(format!("{}.att", digest.replace(':', "-"))), config)
                }
            };
            let mut layer = blob(&media_type, &bytes);
            layer["annotations"] = json!(annotations);
            manifest["schemaVersion"] = json!(2);
            manifest["mediaType"] = json!(OCI_MANIFEST);
            manifest["layers"] = json!([layer]);
            if tag.is_none() {
                let subject = self.registry.manifest(to, digest).unwrap();
                manifest["subject"] =
                    json!({"mediaType": subject.media_type, "digest": digest, "size": subject.bytes.len()});
            }
            self.registry.put_manifest(to, tag.as_deref(), OCI_MANIFEST, manifest.to_string().as_bytes());
        }
    }

    fn items(&self, image: &str) -> Vec<Item> {
        let image = ImageRef::parse(image).unwrap();
        let found = find(&self.collector, &image, Places { from: None, bundles: &[] }).unwrap().unwrap().remove(0);
        found.items.into_keys().collect()
    }

    /// The keys of this bench as trust roots.
    pub(crate) fn keys(&self) -> Vec<Value> {
        self.keys.iter().map(|(name, key)| json!({"name": name, "key": key})).collect()
    }

    /// The public key of this name.
    pub(crate) fn key(&self, name: &str) -> &str {
        &self.keys.iter().find(|(of, _)| *of == name).unwrap().1
    }

    /// The settings with these trust roots and this rule for everything.
    pub(crate) fn settings(&self, roots: &[Value], rule: &Value) -> Value {
        json!({
            "validators": [{
                "name": "default",
                "type": "cosign",
                "trustedRoot": self.ours.whole_trusted_root(),
                "trustRoots": roots,
            }],
            "policy": [{"pattern": "*:*", "with": rule}],
            "features": {"timeBudgetMs": 30_000},
        })
    }

    /// The module's answer about an image: [`PROVEN`] if it pins the image, or else the words of its denial.
    pub(crate) fn module(&self, image: &str, settings: &Value) -> String {
        answered(&self.registry, image, settings)
    }

    /// The answer of `cosign verify-attestation` about an image.
    pub(crate) fn judge(&self, generation: Generation, image: &str, asked: &Asked<'_>) -> Result<String, String> {
        let begin = ["verify-attestation", "--type", asked.kind];
        self.run_trusting("", generation, &[&begin[..], asked.signer, &[image]].concat())
    }
}

/// The module's answer about an image in this registry: [`PROVEN`] if it pins the image, or else the words of its denial.
pub(crate) fn answered(registry: &Registry, image: &str, settings: &Value) -> String {
    let (name, digest) = image.split_once('@').unwrap();
    let came = evaluate(&pod(&format!("{name}:1")), settings, &host(&[&registry.host()]));
    assert_eq!(flaw(&came), None, "{image}");
    let pinned = vec![("/spec/containers/0/image".to_owned(), format!("{name}:1@{digest}"))];
    match (came.response.allowed, pins(&came)) {
        (true, pins) if pins == pinned => PROVEN.to_owned(),
        (true, pins) => format!("pins {pins:?}"),
        (false, _) => words(&came),
    }
}
