//! Third-party programs, as `scripts/test-tools` gathers them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program that `scripts/test-tools` gathered under this name. `None`, and a line that says so, where there is none.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("IMAGE_TRUST_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools"), PathBuf::from);
    let program = tools.join("bin").join(name);
    if program.exists() {
        return Some(program);
    }
    let noted = fs::read_to_string(tools.join("skipped.txt")).unwrap_or_default();
    let prefix = format!("SKIPPED {name}: ");
    let why = noted.lines().find_map(|line| line.strip_prefix(&prefix));
    skipped(name, why.unwrap_or("scripts/test-tools has not been run"));
    None
}

/// Says on the real stderr that something was not tested: what tests print is only shown when they fail.
pub(crate) fn skipped(what: &str, why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why} ({test})");
}

/// One generation of cosign, in a folder that is also its home, so that it finds and leaves nothing elsewhere.
pub(crate) struct Cosign<'f> {
    program: PathBuf,
    folder: &'f Path,
}

/// The format in which a signature is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// cosign 2's: a manifest under a tag made of the digest.
    Tag,
    /// The format of cosign 2, as cosign 3 writes it on request.
    TagBy3,
    /// cosign 3's own: a bundle that refers to the image.
    Bundle,
}

impl<'f> Cosign<'f> {
    pub(crate) fn find(name: &str, folder: &'f Path) -> Option<Self> {
        let program = tool(name)?;
        Some(Self { program, folder })
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        self.run_with(&[], arguments)
    }

    /// Runs cosign with additional variables in its environment.
    pub(crate) fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.folder)
            .env("HOME", self.folder)
            .env("DOCKER_CONFIG", self.folder)
            .env("COSIGN_PASSWORD", "")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        if output.status.success() { Ok(text) } else { Err(format!("{arguments:?}: {text}")) }
    }

    /// Makes `name.key` and `name.pub`, ECDSA on P-256, and returns the public key.
    pub(crate) fn generate(&self, name: &str) -> String {
        self.run(&["generate-key-pair", "--output-key-prefix", name]).unwrap();
        self.public_key(name)
    }

    /// Makes `name.key` and `name.pub` from a private key in `name.pem`, and returns the public key.
    pub(crate) fn import(&self, name: &str) -> String {
        let pem = format!("{name}.pem");
        self.run(&["import-key-pair", "--key", &pem, "--output-key-prefix", name]).unwrap();
        self.public_key(name)
    }

    fn public_key(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(format!("{name}.pub"))).unwrap()
    }

    /// Signs these images with the key in `name.key`.
    pub(crate) fn sign(&self, format: Format, name: &str, images: &[String], more: &[&str]) {
        let key = format!("{name}.key");
        let mut arguments = vec!["sign", "--yes", "--key", &key];
        arguments.extend::<&[&str]>(match format {
            Format::Tag => &["--tlog-upload=false"],
            Format::TagBy3 => &["--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false"],
            Format::Bundle => {
                self.run(&["signing-config", "create", "--out", "none.json"]).unwrap();
                &["--signing-config", "none.json"]
            }
        });
        arguments.extend(more);
        arguments.extend(images.iter().map(String::as_str));
        self.run(&arguments).unwrap();
    }

    pub(crate) fn verify(&self, key: &str, image: &str, more: &[&str]) -> Result<String, String> {
        let key = format!("{key}.pub");
        let mut arguments = vec!["verify", "--key", &key, "--insecure-ignore-tlog"];
        arguments.extend(more);
        arguments.push(image);
        self.run(&arguments)
    }
}
