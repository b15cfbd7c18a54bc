//! The real notary client, server and signer of Docker Content Trust, and what the module makes of what they signed.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use image_trust_collect::manifest::EvidenceManifest;
use image_trust_collect::notary::{Server, TrustData, find};
use image_trust_collect::push::push;
use image_trust_collect::registry::{Client, Config, Repository};
use image_trust_host::{Evaluation, LiveConfig, Sources};
use image_trust_testbed::loopback::{ImageKind, Registry};
use rcgen::{ExtendedKeyUsagePurpose, SanType};
use serde_json::{Value, json};

use crate::policy::{evaluate, host, pins, pod};
use crate::tls::Authority;
use crate::tools::{skipped, tool};

/// A notary server with its signer, and the folder of a client. All of it goes with this value.
struct Notary {
    signer: Child,
    server: Child,
    programs: PathBuf,
    host: String,
    authority: Authority,
    folder: tempfile::TempDir,
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Notary {
    fn start() -> Option<Notary> {
        let programs = tool("notary")?.canonicalize().unwrap().parent().unwrap().to_owned();
        if Command::new("openssl").arg("version").output().is_err() {
            skipped("notary", "openssl is not on PATH");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let authority = Authority::new();
        let (certificate, key) = authority.certify_with(|params| {
            params.subject_alt_names.push(SanType::DnsName("localhost".try_into().unwrap()));
            // Server and signer show the same certificate to each other.
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        });
        for (name, text) in [("server.pem", &*certificate), ("server.key", &*key), ("ca.pem", authority.pem())] {
            std::fs::write(path(name), text).unwrap();
        }
        let tls = |ca: &str| json!({"tls_cert_file": path("server.pem"), "tls_key_file": path("server.key"), ca: path("ca.pem")});
        let (signer_port, port) = (free_port(), free_port());
        let mut of_signer = tls("client_ca_file");
        of_signer["grpc_addr"] = format!("127.0.0.1:{signer_port}").into();
        let others = json!({"logging": {"level": "error"}, "storage": {"backend": "memory"}});
        let config = |name: &str, mut sections: Value| {
            let more = others.as_object().unwrap().clone();
            sections.as_object_mut().unwrap().extend(more);
            std::fs::write(path(name), sections.to_string()).unwrap();
        };
        config("signer.json", json!({"server": of_signer}));
        let trust_service = json!({
            "type": "remote", "hostname": "localhost", "port": signer_port.to_string(), "key_algorithm": "ecdsa",
            "tls_ca_file": path("ca.pem"), "tls_client_cert": path("server.pem"), "tls_client_key": path("server.key"),
        });
        let of_server = json!({
            "http_addr": format!("127.0.0.1:{port}"),
            "tls_cert_file": path("server.pem"), "tls_key_file": path("server.key"),
        });
        config("server.json", json!({"server": of_server, "trust_service": trust_service}));
        let client = json!({
            "trust_dir": path("trust"),
            "remote_server": {"url": format!("https://localhost:{port}"), "root_ca": path("ca.pem")},
        });
        std::fs::write(path("client.json"), client.to_string()).unwrap();
        let run = |program: &str, config: &str| {
            Command::new(programs.join(program))
                .args(["-config", &path(config)])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let signer = run("notary-signer", "signer.json");
        // The server gives up on a signer that is not there yet.
        let is_there = || TcpStream::connect(("127.0.0.1", signer_port)).is_ok();
        assert!(
            (0..400).any(|_| is_there() || {
                std::thread::sleep(Duration::from_millis(25));
                false
            }),
            "no signer"
        );
        let server = run("notary-server", "server.json");
        let host = format!("127.0.0.1:{port}");
        let mut notary = Notary { signer, server, programs: programs.clone(), host, authority, folder };
        assert!(notary.is_ready(), "notary did not start on {}", notary.host);
        Some(notary)
    }

    /// Asks until the server answers, for ten seconds at most, or until a process has ended.
    fn is_ready(&mut self) -> bool {
        for _ in 0..400 {
            match self.authority.try_ask(&self.host, "GET", "/_notary_server/health", &[], b"") {
                Ok(answer) if answer.status == 200 => return true,
                _ if self.server.try_wait().unwrap().is_some() || self.signer.try_wait().unwrap().is_some() => {
                    return false;
                }
                _ => std::thread::sleep(Duration::from_millis(25)),
            }
        }
        false
    }

    /// Runs the client, which says yes to whatever it asks.
    fn run(&self, arguments: &[&str]) {
        let mut client = Command::new(self.programs.join("notary"))
            .args(["-c", "client.json"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .envs(
                ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"]
                    .map(|role| (format!("NOTARY_{role}_PASSPHRASE"), "passphrase")),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without a question.
        let _ = client.stdin.take().unwrap().write_all(b"yes\n");
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }

    /// A new repository whose snapshots the server signs, as `docker trust` makes them.
    fn init(&self, gun: &str) {
        self.run(&["init", gun, "-p"]);
        self.run(&["key", "rotate", gun, "snapshot", "-r"]);
    }

    /// Signs that this tag has this digest, for a role.
    fn sign(&self, gun: &str, tag: &str, digest: &str, role: &str) {
        let hex = digest.trim_start_matches("sha256:");
        self.run(&["addhash", gun, tag, "423", "--sha256", hex, "-r", role, "-p"]);
    }

    /// Delegates everything to a new signer of this name, and gives the client the key.
    fn delegate(&self, gun: &str, role: &str, name: &str) {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let subject = format!("/CN={name}");
        let new =
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
        let made = Command::new("openssl")
            .args(new)
            .args(["-keyout", &key, "-out", &certificate, "-subj", &subject])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.run(&["delegation", "add", gun, role, &certificate, "--all-paths", "-p"]);
        self.run(&["key", "import", &key, "--role", name, "-g", gun]);
    }

    /// The files of a repository, as `image-trust collect --notary` fetches them.
    fn trust_data(&self, gun: &str) -> TrustData {
        let authorities = json!({"source_authorities": {&self.host: [{"type": "Data", "data": self.authority.pem()}]}});
        let proxies = LiveConfig::loopback([]).sources.proxies;
        let sources = Sources { proxies, ..Sources::from_yaml(&authorities.to_string()).unwrap() };
        let client = Client::new(Config { sources, ..Config::default() }).unwrap();
        let server = Server::parse(&format!("https://{}", self.host)).unwrap();
        assert_eq!(find(&client, &server, "nobody/knows").unwrap(), None);
        find(&client, &server, gun).unwrap().expect("the repository")
    }
}

impl Drop for Notary {
    fn drop(&mut self) {
        for process in [&mut self.server, &mut self.signer] {
            // It may have ended by itself; either way nothing of it is left after this.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The public key that somebody pins who trusts this repository: the one in its root certificate.
fn root_key(data: &TrustData) -> String {
    let root = data.0.iter().find(|(role, _)| role.to_string() == "root").unwrap().1;
    let root: Value = serde_json::from_slice(root).unwrap();
    let id = root["signed"]["roles"]["root"]["keyids"][0].as_str().unwrap();
    let pem = Base64::decode_vec(root["signed"]["keys"][id]["keyval"]["public"].as_str().unwrap()).unwrap();
    let mut openssl = Command::new("openssl")
        .args(["x509", "-pubkey", "-noout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(&pem).unwrap();
    String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap()
}

/// A registry with a repository, and the notary server that signs for it.
struct Bench {
    notary: Notary,
    registry: Registry,
    gun: String,
    digests: [String; 2],
}

impl Bench {
    fn new() -> Option<Bench> {
        let notary = Notary::start()?;
        let registry = Registry::start().unwrap();
        let digests = ["1", "2"].map(|tag| registry.push_image("live/app", tag, ImageKind::Oci, tag));
        let gun = format!("{}/live/app", registry.host());
        notary.init(&gun);
        Some(Bench { notary, registry, gun, digests })
    }

    /// Puts the trust data of the repository `from` beside the image, as that of the image's own.
    fn publish(&self, data: &TrustData) {
        let evidence = EvidenceManifest::of_trust_data(&self.gun, &data.0);
        assert_eq!(evidence.left, []);
        let client = crate::collected::client(&[&self.registry.host()]);
        push(&client, &Repository::parse(&self.gun).unwrap(), &evidence).unwrap();
    }

    fn collect(&self) -> TrustData {
        let data = self.notary.trust_data(&self.gun);
        self.publish(&data);
        data
    }

    /// What the module says to an image, with this trust root and these options.
    fn judge(&self, image: &str, trust_root: &Value, with: &Value) -> (Evaluation, String) {
        let settings = json!({
            "validators": [{"name": "default", "type": "notaryv1", "trustRoots": [trust_root]}],
            "policy": [{"pattern": "*", "with": with}],
            "features": {"timeBudgetMs": 30_000},
        });
        let came = evaluate(&pod(&format!("{}{image}", self.gun)), &settings, &host(&[&self.registry.host()]));
        let record: Value = came
            .response
            .audit_annotations
            .as_ref()
            .and_then(|records| serde_json::from_str(records.get("image-0")?).ok())
            .unwrap();
        let word = record["cause"].as_str().or(record["verdict"].as_str()).unwrap_or_default().to_owned();
        (came, word)
    }

    #[track_caller]
    fn expect(&self, image: &str, key: &str, with: &Value, expected: &str, why: &str) {
        let (came, word) = self.judge(image, &json!({"name": "default", "key": key}), with);
        assert_eq!(word, expected, "{why}: {:?}", came.response);
    }
}

#[test]
fn signed_tags_are_pinned() {
    let Some(bench) = Bench::new() else { return };
    let [one, two] = &bench.digests;
    bench.notary.sign(&bench.gun, "1", one, "targets");
    let key = root_key(&bench.notary.trust_data(&bench.gun));
    let none = json!({});
    bench.expect(":1", &key, &none, "trust-data-missing", "nothing was collected");
    bench.collect();
    let (came, word) = bench.judge(":1", &json!({"name": "default", "key": key}), &none);
    let pinned = format!("{}:1@{one}", bench.gun);
    assert_eq!((word.as_str(), pins(&came)), ("proven", vec![("/spec/containers/0/image".to_owned(), pinned)]));
    assert_eq!(came.calls.len(), 1, "the evidence manifest, and nothing else");
    bench.expect(&format!("@{one}"), &key, &none, "proven", "its digest alone");
    bench.expect(":2", &key, &none, "target-missing", "a tag that nobody signed");
    bench.expect(&format!(":1@{two}"), &key, &none, "target-digest", "the tag with another digest");
    let stranger = image_trust_testbed::loopback::Signer::named("mallory").public_pem();
    bench.expect(":1", &stranger, &none, "root-not-signed", "another root key");

    // Somebody moves the tag in the registry. What was signed is what runs.
    bench.registry.push_image("live/app", "1", ImageKind::Oci, "something else");
    let (came, _) = bench.judge(":1", &json!({"name": "default", "key": key}), &none);
    assert!(pins(&came)[0].1.ends_with(one), "{:?}", pins(&came));
    bench.notary.sign(&bench.gun, "1", two, "targets");
    bench.collect();
    let (came, _) = bench.judge(":1", &json!({"name": "default", "key": key}), &none);
    assert!(pins(&came)[0].1.ends_with(two), "the owner signed another digest: {:?}", pins(&came));
}

#[test]
fn delegations_come_and_go() {
    let Some(bench) = Bench::new() else { return };
    let Bench { notary, gun, digests: [one, two], .. } = &bench;
    let none = json!({});
    notary.sign(gun, "1", one, "targets");
    let key = root_key(&notary.trust_data(gun));
    notary.delegate(gun, "targets/releases", "bob");
    bench.collect();
    bench.expect(":1", &key, &none, "proven", "the delegation has signed nothing yet");
    let releases = json!({"delegations": ["releases"]});
    bench.expect(":1", &key, &releases, "delegation-missing", "and the rule asks for it");
    notary.sign(gun, "2", two, "targets/releases");
    bench.collect();
    bench.expect(":2", &key, &releases, "proven", "signed by the delegation");
    bench.expect(":1", &key, &none, "target-missing", "and no longer searched in targets");
    notary.delegate(gun, "targets/carol", "carol");
    notary.sign(gun, "2", two, "targets/carol");
    bench.collect();
    let both = json!({"delegations": ["releases", "carol"]});
    bench.expect(":2", &key, &both, "proven", "signed by both");
    notary.run(&["delegation", "remove", gun, "targets/carol", "-y", "-p"]);
    bench.collect();
    bench.expect(":2", &key, &both, "delegation-missing", "carol was removed");
    bench.expect(":2", &key, &releases, "proven", "and bob was not");
}

#[test]
fn keys_are_rotated() {
    let Some(bench) = Bench::new() else { return };
    let Bench { notary, gun, digests: [one, _], .. } = &bench;
    let none = json!({});
    notary.sign(gun, "1", one, "targets");
    let old = root_key(&bench.collect());
    notary.run(&["key", "rotate", gun, "targets"]);
    bench.collect();
    bench.expect(":1", &old, &none, "proven", "the key of targets was rotated");
    notary.run(&["key", "rotate", gun, "timestamp", "-r"]);
    bench.collect();
    bench.expect(":1", &old, &none, "proven", "the key of the timestamp was rotated");
    notary.run(&["key", "rotate", gun, "root"]);
    let new = root_key(&bench.collect());
    assert_ne!(new, old);
    bench.expect(":1", &old, &none, "proven", "the first root after a rotation has both signatures");
    bench.expect(":1", &new, &none, "proven", "also that of the new key");
    notary.run(&["key", "rotate", gun, "targets"]);
    bench.collect();
    bench.expect(":1", &old, &none, "root-not-signed", "later roots have the new signature only");
    bench.expect(":1", &new, &none, "proven", "which is pinned by now");
}

#[test]
fn trust_data_of_another_repository_or_time_is_refused() {
    let Some(bench) = Bench::new() else { return };
    let Bench { notary, gun, digests: [one, two], .. } = &bench;
    let none = json!({});
    notary.sign(gun, "1", one, "targets");
    let old = bench.collect();
    let key = root_key(&old);

    // The client signs every repository with one root key, unless it is told otherwise.
    let other = format!("{gun}-dev");
    notary.init(&other);
    notary.sign(&other, "1", two, "targets");
    let of_other = notary.trust_data(&other);
    bench.publish(&of_other);
    let other_key = root_key(&of_other);
    bench.expect(":1", &other_key, &none, "root-repository", "the repository of another image, by the same client");
    let mirror = json!({"name": "default", "key": other_key, "gun": other});
    let evidence = EvidenceManifest::of_trust_data(&other, &of_other.0);
    let client = crate::collected::client(&[&bench.registry.host()]);
    push(&client, &Repository::parse(gun).unwrap(), &evidence).unwrap();
    assert_eq!(bench.judge(":1", &mirror, &none).1, "proven", "a mirror says whose trust data it has");

    notary.sign(gun, "1", two, "targets");
    let new = bench.collect();
    bench.expect(":1", &key, &none, "proven", "the newer version");
    let version = |data: &TrustData, name: &str| -> u64 {
        let file = data.0.iter().find(|(role, _)| role.to_string() == name).unwrap().1;
        serde_json::from_slice::<Value>(file).unwrap()["signed"]["version"].as_u64().unwrap()
    };
    let bounded = json!({"name": "default", "key": key, "minVersion": {"targets": version(&new, "targets")}});
    assert_eq!(bench.judge(":1", &bounded, &none).1, "proven", "the least version is met");
    bench.publish(&old);
    bench.expect(":1", &key, &none, "proven", "a server that was rolled back is believed until its timestamp ends");
    assert_eq!(bench.judge(":1", &bounded, &none).1, "trust-data-version", "unless the settings know better");

    let mixed = |of_old: &str| {
        let is_old = |role: &str| of_old == role;
        let files = new.0.iter().map(|(role, file)| {
            let file = if is_old(&role.to_string()) { &old.0[role] } else { file };
            (role.clone(), file.clone())
        });
        TrustData(files.collect())
    };
    for role in ["timestamp", "snapshot", "targets"] {
        bench.publish(&mixed(role));
        bench.expect(":1", &key, &none, "trust-data-hash", role);
    }
}
