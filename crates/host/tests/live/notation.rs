//! Images that the real notation signed, collected, and judged by the real module and by notation itself.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use image_trust::ImageRef;
use image_trust_collect::{
    find::{Places, find},
    manifest::EvidenceManifest,
    push::push,
    registry::Repository,
    revocation::RevocationClient,
};
use image_trust_testbed::{
    loopback::ImageKind,
    mint::{
        Authority, ISSUED, Instance,
        notation::{self, NotationLeaf, NotationSigner, RevocationList, distribution_points},
    },
    sigstore_services::SigstoreServices,
};
use serde_json::{Value, json};

use crate::{
    collected::client,
    docker_registry::DockerRegistry,
    policy::{evaluate, host, pod},
    tools::tool,
};

/// A server that answers every request with these bytes, until it is dropped.
struct Answering {
    address: String,
    is_over: Arc<AtomicBool>,
}

impl Answering {
    fn with(listener: TcpListener, bytes: Vec<u8>) -> Answering {
        let address = listener.local_addr().unwrap().to_string();
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(mut stream) = stream else { continue };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes));
            }
        });
        Answering { address, is_over }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = std::net::TcpStream::connect(&self.address);
    }
}

/// notation with a home of its own.
pub(crate) struct Notation<'f> {
    pub(crate) folder: &'f Path,
}

impl Notation<'_> {
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<(), String> {
        let output = Command::new(tool("notation").unwrap())
            .args(arguments)
            .env("HOME", self.folder)
            .env("XDG_CONFIG_HOME", self.folder)
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("DOCKER_CONFIG", self.folder)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Lets notation sign with these keys.
    pub(crate) fn knows(&self, signers: &[(&str, &NotationSigner)]) {
        let folder = self.folder.join("notation");
        fs::create_dir_all(&folder).unwrap();
        let keys = signers.iter().map(|(name, signer)| {
            let [key, chain] = ["key", "crt"].map(|end| folder.join(format!("{name}.{end}")));
            fs::write(&key, signer.key.private_pem()).unwrap();
            fs::write(&chain, signer.chain_pem()).unwrap();
            json!({"name": name, "keyPath": key, "certPath": chain})
        });
        let keys = json!({"default": signers[0].0, "keys": keys.collect::<Vec<Value>>()});
        fs::write(folder.join("signingkeys.json"), keys.to_string()).unwrap();
    }

    /// Puts a certificate into a trust store of notation.
    pub(crate) fn trusts(&self, kind: &str, store: &str, pem: &str) {
        let folder = self.folder.join(format!("notation/truststore/x509/{kind}/{store}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("root.pem"), pem).unwrap();
    }

    /// What notation itself says of an image.
    fn verifies(&self, image: &str, row: &Row) -> bool {
        let identities = row.identity.map_or(json!(["*"]), |identity| json!([identity]));
        let mut stores = vec![format!("ca:{}", row.store)];
        if row.stamped {
            stores.push("tsa:live".to_owned());
        }
        let policy = json!({"version": "1.0", "trustPolicies": [{
            "name": "live", "registryScopes": ["*"], "signatureVerification": {"level": row.level},
            "trustStores": stores, "trustedIdentities": identities,
        }]});
        let file = self.folder.join("trustpolicy.json");
        fs::write(&file, policy.to_string()).unwrap();
        self.run(&["policy", "import", "--force", file.to_str().unwrap()]).unwrap();
        let metadata: Vec<String> = row.metadata.iter().map(|text| format!("--user-metadata={text}")).collect();
        let metadata: Vec<&str> = metadata.iter().map(String::as_str).collect();
        self.run(&[&["verify", "--insecure-registry"], &metadata[..], &[image]].concat()).is_ok()
    }
}

/// A repository, how a rule asks about it, and what has to come of it.
pub(crate) struct Row {
    repository: &'static str,
    store: &'static str,
    identity: Option<&'static str>,
    level: &'static str,
    stamped: bool,
    /// Whether notation itself judges otherwise.
    is_unlike: bool,
    metadata: Option<&'static str>,
    /// `proven`, or the cause of the denial.
    expected: &'static str,
    why: &'static str,
}

/// A row that asks for alice's CA at level `strict`.
pub(crate) fn row(repository: &'static str, expected: &'static str, why: &'static str) -> Row {
    Row {
        repository,
        store: "ours",
        identity: None,
        level: "strict",
        stamped: false,
        is_unlike: false,
        metadata: None,
        expected,
        why,
    }
}

pub(crate) struct Trusted {
    pub(crate) ours: Authority,
    pub(crate) revoking: Authority,
    pub(crate) stranger: Authority,
    pub(crate) tsa: String,
}

impl Row {
    /// The same with a trust root that asks for timestamps.
    pub(crate) fn stamped(self) -> Row {
        Row { stamped: true, ..self }
    }

    /// The same, where notation judges otherwise (docs/explanation/divergences.md).
    pub(crate) fn unlike_notation(self) -> Row {
        Row { is_unlike: true, ..self }
    }

    fn settings(&self, trusted: &Trusted) -> Value {
        let ca = match self.store {
            "ours" => &trusted.ours,
            "revoking" => &trusted.revoking,
            _ => &trusted.stranger,
        };
        let mut root = json!({"name": "default", "cert": ca.pem()});
        if let Some(identity) = self.identity {
            root["identities"] = json!([identity]);
        }
        if self.stamped {
            root["tsCert"] = json!(trusted.tsa);
        }
        let mut with = json!({"verificationLevel": self.level});
        if let Some((key, value)) = self.metadata.and_then(|text| text.split_once('=')) {
            with["annotations"] = json!({key: value});
        }
        json!({
            "validators": [{"name": "default", "type": "notation", "trustRoots": [root]}],
            "policy": [{"pattern": "*", "with": with}],
            "features": {"timeBudgetMs": 30_000},
        })
    }
}

#[test]
fn what_notation_signs_is_judged_as_by_notation() {
    let Some(registry) = DockerRegistry::start() else { return };
    if tool("notation").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let notation_cli = Notation { folder: folder.path() };
    let services = SigstoreServices::start(Instance::new("notation live"), ISSUED + 3_600).unwrap();

    let revoking = notation::authority("live revoking ca");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ca.crl", listener.local_addr().unwrap());
    let of_ca = |name: &'static str| NotationLeaf {
        name,
        extensions: vec![distribution_points(&url)],
        ..NotationLeaf::default()
    };
    let list = RevocationList { revoked: vec![("live revoked", Vec::new())], ..RevocationList::default() };
    let _served = Answering::with(listener, list.signed_by(&revoking));
    let trusted = Trusted {
        ours: notation::authority("live ca"),
        stranger: notation::authority("live stranger"),
        tsa: services.instance().tsa.ca.pem(),
        revoking,
    };
    let alice = notation::signer(&trusted.ours, &NotationLeaf::default());
    let [good, revoked] = ["live good", "live revoked"].map(|name| notation::signer(&trusted.revoking, &of_ca(name)));
    let mallory = notation::signer(&trusted.stranger, &NotationLeaf::default());
    notation_cli.knows(&[("alice", &alice), ("good", &good), ("revoked", &revoked), ("mallory", &mallory)]);
    notation_cli.trusts("ca", "ours", &trusted.ours.pem());
    notation_cli.trusts("ca", "revoking", &trusted.revoking.pem());
    notation_cli.trusts("ca", "stranger", &trusted.stranger.pem());
    notation_cli.trusts("tsa", "live", &trusted.tsa);
    let tsa = folder.path().join("tsa.pem");
    fs::write(&tsa, &trusted.tsa).unwrap();
    let (tsa_url, tsa) = (services.plain_tsa_url(), tsa.to_str().unwrap().to_owned());

    let push_image = |name: &str| registry.push(&format!("live/{name}"), "1", ImageKind::Oci, name);
    let signed: [(&str, &str, &[&str]); 9] = [
        ("jws", "alice", &["--signature-format", "jws"]),
        ("cose", "alice", &["--signature-format", "cose"]),
        ("metadata", "alice", &["--user-metadata", "stage=prod"]),
        ("expiring", "alice", &["--expiry", "1h"]),
        ("stamped", "alice", &["--timestamp-url", &tsa_url, "--timestamp-root-cert", &tsa]),
        (
            "stamped-cose",
            "alice",
            &["--signature-format", "cose", "--timestamp-url", &tsa_url, "--timestamp-root-cert", &tsa],
        ),
        ("good", "good", &[]),
        ("revoked", "revoked", &[]),
        ("strange", "mallory", &[]),
    ];
    for (name, key, options) in signed {
        let image = format!("{}/live/{name}@{}", registry.host(), push_image(name));
        let sign = [&["sign", "--insecure-registry", "--key", key], options, &[&image]].concat();
        notation_cli.run(&sign).unwrap();
    }
    push_image("unsigned");

    let alices = Some("x509.subject: C=US, ST=WA, O=acme, CN=alice");
    let bobs = Some("x509.subject: C=US, ST=WA, O=acme, CN=bob");
    let rows = [
        row("jws", "proven", "notation's default"),
        row("cose", "proven", "the other format"),
        row("unsigned", "unsigned", "nobody signed it"),
        row("strange", "notation-untrusted", "another CA"),
        Row { store: "stranger", ..row("strange", "proven", "that CA") },
        Row { identity: alices, ..row("jws", "proven", "her name") },
        Row { identity: bobs, ..row("jws", "notation-identity", "another name") },
        Row { level: "audit", store: "stranger", ..row("jws", "proven", "audit enforces no signer") },
        Row { metadata: Some("stage=prod"), ..row("metadata", "proven", "as the rule asks") },
        Row { metadata: Some("stage=test"), ..row("metadata", "notation-annotations", "other than the rule asks") },
        Row { metadata: Some("stage=prod"), ..row("jws", "notation-annotations", "nothing that the rule asks") },
        row("expiring", "proven", "for an hour"),
        Row { stamped: true, ..row("stamped", "proven", "with a timestamp") },
        Row { stamped: true, ..row("stamped-cose", "proven", "with a timestamp in COSE") },
        Row { stamped: true, ..row("jws", "notation-no-timestamp", "without one") },
        Row { store: "revoking", ..row("good", "proven", "the CA's list does not have it") },
        Row { store: "revoking", ..row("revoked", "notation-revoked", "the CA's list has it") },
        Row { store: "revoking", level: "permissive", ..row("revoked", "proven", "permissive only logs that") },
    ];
    let wrong = misjudged(&registry, &notation_cli, &rows, &trusted);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Collects the evidence of each row, and tells the rows that the policy or notation does not judge as expected.
pub(crate) fn misjudged(
    registry: &DockerRegistry,
    notation_cli: &Notation<'_>,
    rows: &[Row],
    trusted: &Trusted,
) -> Vec<String> {
    let revocation = RevocationClient::new().unwrap();
    let client = client(&[registry.host()]);
    let mut wrong = Vec::new();
    for row in rows {
        let image = ImageRef::parse(&format!("{}/live/{}:1", registry.host(), row.repository)).unwrap();
        let at = Repository::of(&image);
        for mut found in find(&client, &image, Places { from: None, bundles: &[] }).unwrap().unwrap() {
            revocation.add_to(&mut found);
            assert_eq!(found.left, [], "{}", row.repository);
            if !found.items.is_empty() {
                push(&client, &at, &EvidenceManifest::of(found.digest, found.items.keys().cloned())).unwrap();
            }
        }
        let evaluation = evaluate(&pod(image.written()), &row.settings(trusted), &host(&[registry.host()]));
        let record: Value = serde_json::from_str(&evaluation.response.audit_annotations.unwrap()["image-0"]).unwrap();
        let found = record["cause"].as_str().or(record["verdict"].as_str()).unwrap().to_owned();
        let digest = record["digest"].as_str().unwrap().to_owned();
        let by_notation = notation_cli.verifies(&format!("{}/live/{}@{digest}", registry.host(), row.repository), row);
        if found != row.expected || by_notation != ((row.expected == "proven") != row.is_unlike) {
            wrong.push(format!("{} ({}): {found}, notation: {by_notation}", row.repository, row.why));
        }
    }
    wrong
}
