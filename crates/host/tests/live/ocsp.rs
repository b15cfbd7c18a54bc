//! Signers whose certificates name an OCSP server of OpenSSL, collected, and judged by the real module and by notation itself.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use image_trust_testbed::{
    loopback::ImageKind,
    mint::{
        Authority, ISSUED, Instance, Key,
        authority::serial,
        der,
        notation::{self, NotationLeaf},
        ocsp::{Delegate, DelegateTerms, ocsp_server},
    },
    sigstore_services::SigstoreServices,
};

use crate::{
    docker_registry::DockerRegistry,
    notation::{Notation, Trusted, misjudged, row},
    tools::{skipped, tool},
};

/// What OpenSSL's database says about certificates: the name from which the serial number is made, the status, and the time of the revocation.
const DATABASE: [(&str, &str, &str); 5] = [
    ("live ocsp good", "V", ""),
    ("live ocsp by ca", "V", ""),
    ("live ocsp endless", "V", ""),
    ("live ocsp revoked", "R", "260101000000Z"),
    // The key was stolen later than anything that is signed here.
    ("live ocsp stolen", "R", "260101000000Z,keyTime,20400101000000Z"),
];

/// An OCSP server of OpenSSL, which ends with this value.
struct OcspServer {
    process: Child,
    url: String,
}

impl OcspServer {
    /// Starts a server in this folder, which signs with this certificate and key. `options` are further arguments.
    fn start(folder: &Path, ca: &Authority, certificate: &[u8], key: &Key, options: &[&str]) -> OcspServer {
        fs::create_dir(folder).unwrap();
        let mut database = String::new();
        for (name, status, revoked) in DATABASE {
            let serial = serial(name).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
            writeln!(database, "{status}\t401231235959Z\t{revoked}\t{serial}\tunknown\t/CN={name}").unwrap();
        }
        let files = [
            ("index.txt", database),
            ("ca.pem", ca.pem()),
            ("responder.pem", der::pem("CERTIFICATE", certificate)),
            ("responder.key", key.private_pem()),
        ];
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        let said = folder.join("said.txt");
        let process = Command::new("openssl")
            .args(["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "responder.pem"])
            .args(["-rkey", "responder.key", "-port", "0"])
            .args(options)
            .current_dir(folder)
            .stdout(fs::File::create(&said).unwrap())
            .stderr(Stdio::null())
            .spawn();
        let mut server = OcspServer { process: process.unwrap(), url: String::new() };
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            // ACCEPT [::]:36459 PID=16691
            let text = fs::read_to_string(&said).unwrap();
            let address = text.strip_prefix("ACCEPT ").and_then(|text| text.split_whitespace().next());
            if let Some(port) = address.and_then(|address| address.rsplit(':').next()) {
                server.url = format!("http://127.0.0.1:{port}");
                return server;
            }
            assert!(Instant::now() < end, "OpenSSL opens no port: {text:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for OcspServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn what_openssl_answers_is_judged_as_by_notation() {
    let Some(registry) = DockerRegistry::start() else { return };
    if tool("notation").is_none() {
        return;
    }
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("openssl", "it is not on the path");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let notation_cli = Notation { folder: folder.path() };
    let services = SigstoreServices::start(Instance::new("ocsp live"), ISSUED + 3_600).unwrap();
    let ca = notation::authority("live ocsp ca");
    let delegate = Delegate::of(&ca, &DelegateTerms::default());
    let start = |name: &str, certificate: &[u8], key: &Key, options: &[&str]| {
        OcspServer::start(&folder.path().join(name), &ca, certificate, key, options)
    };
    let by_delegate = start("delegate", &delegate.der, &delegate.key, &["-ndays", "1"]);
    let by_ca = start("ca", &ca.der, &ca.key, &["-ndays", "1", "-resp_key_id"]);
    let endless = start("endless", &delegate.der, &delegate.key, &[]);

    let signer = |name, server: &OcspServer| {
        let extensions = vec![ocsp_server(&server.url)];
        notation::signer(&ca, &NotationLeaf { name, extensions, ..NotationLeaf::default() })
    };
    let signers = [
        ("good", signer("live ocsp good", &by_delegate)),
        ("by-ca", signer("live ocsp by ca", &by_ca)),
        ("endless", signer("live ocsp endless", &endless)),
        ("revoked", signer("live ocsp revoked", &by_delegate)),
        ("stolen", signer("live ocsp stolen", &by_delegate)),
        ("nobody-knows", signer("live ocsp unknown", &by_delegate)),
    ];
    notation_cli.knows(&signers.each_ref().map(|(name, signer)| (*name, signer)));
    let trusted =
        Trusted { ours: ca.clone(), revoking: ca.clone(), stranger: ca.clone(), tsa: services.instance().tsa.ca.pem() };
    notation_cli.trusts("ca", "ours", &ca.pem());
    notation_cli.trusts("tsa", "live", &trusted.tsa);
    let tsa = folder.path().join("tsa.pem");
    fs::write(&tsa, &trusted.tsa).unwrap();
    let (tsa_url, tsa) = (services.plain_tsa_url(), tsa.to_str().unwrap().to_owned());
    let stamping = ["--timestamp-url", &tsa_url, "--timestamp-root-cert", &tsa];
    for (name, _) in &signers {
        let digest = registry.push(&format!("live/{name}"), "1", ImageKind::Oci, name);
        let image = format!("{}/live/{name}@{digest}", registry.host());
        let options: &[&str] = if *name == "stolen" { &stamping } else { &[] };
        notation_cli.run(&[&["sign", "--insecure-registry", "--key", name], options, &[&image]].concat()).unwrap();
    }
    let rows = [
        row("good", "proven", "a responder of the CA says that it is good"),
        row("by-ca", "proven", "the CA itself says so, and names its key"),
        row("endless", "notation-revocation-unknown", "nobody says how long the answer counts"),
        row("revoked", "notation-revoked", "it was revoked"),
        row("stolen", "notation-revoked", "nobody proves that the signature is older"),
        row("stolen", "proven", "a timestamp proves that the signature is older").stamped().unlike_notation(),
        row("nobody-knows", "notation-revocation-unknown", "the server does not know it"),
    ];
    let wrong = misjudged(&registry, &notation_cli, &rows, &trusted);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
