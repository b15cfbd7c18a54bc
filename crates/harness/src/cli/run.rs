//! `image-trust run`: evaluates one request, with kwctl's flags and kwctl's output.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image_trust_harness::AdmissionRequest;

use super::evaluation::{Flags, load};

/// Evaluates a request with the policy and prints the AdmissionResponse
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
    /// AdmissionRequest or AdmissionReview as JSON; `-` reads stdin
    #[arg(short, long, value_name = "FILE")]
    request_path: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let policy = load(&args.policy)?;
    let request = AdmissionRequest::from_json(&read_request(&args.request_path)?)
        .with_context(|| format!("cannot use the request {}", args.request_path.display()))?;
    let settings = args.flags.settings(&policy)?;
    let evaluation = args.flags.evaluate(&policy, &request, &settings)?;
    println!("{}", serde_json::to_string(&evaluation.response)?);
    Ok(())
}

fn read_request(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.with_context(|| format!("cannot read the request {}", path.display()))
}
