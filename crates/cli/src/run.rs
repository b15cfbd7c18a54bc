//! `image-trust run`: evaluates one request, with kwctl's flags and kwctl's output.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    evaluation::{Flags, load},
    output::print_document,
};

/// Evaluates a request with the policy and prints the AdmissionResponse
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
    /// An AdmissionRequest, an AdmissionReview, or a Kubernetes object to create, as JSON or YAML; `-` reads stdin
    #[arg(short, long, value_name = "FILE")]
    request_path: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let policy = load(&args.policy)?;
    let request = args.flags.request(&args.request_path)?;
    let settings = args.flags.settings(&policy)?;
    let evaluation = args.flags.evaluate(&policy, &request, &settings)?;
    Ok(print_document(&serde_json::to_string(&evaluation.response)?)?)
}
