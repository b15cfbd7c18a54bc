//! `image-trust run`: evaluates one request, with kwctl's flags and kwctl's output.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use image_trust_host::AdmissionResponse;
use json_patch::PatchOperation;

use crate::{
    evaluation::{Flags, load},
    output::{Destination, Output},
    tables::{message, one_line, pairs},
};

/// Evaluates a request with the policy and prints the AdmissionResponse, with kwctl's flags
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  the request was evaluated, and is admitted or denied
  1  the request could not be evaluated, or the settings are refused
  2  the command line is wrong")]
pub(crate) struct Args {
    /// The policy's module
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
    /// An AdmissionRequest, an AdmissionReview, or a Kubernetes object to create, as JSON or YAML. `-` reads standard input
    #[arg(short, long, value_name = "FILE")]
    request_path: PathBuf,
    /// The format of the result. The JSON is kwctl's
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Json)]
    output: Output,
    #[command(flatten)]
    to: Destination,
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let policy = load(&args.policy)?;
    let request = args.flags.request(&args.request_path)?;
    let settings = args.flags.settings(&policy)?;
    let response = args.flags.evaluate(&policy, &request, &settings)?.response;
    match args.output {
        Output::Json => args.to.document(&serde_json::to_string(&response)?),
        Output::Text => args.to.text(&text(&response)?),
    }
}

/// The response for people: the verdict, why, and what is changed.
fn text(response: &AdmissionResponse) -> Result<String> {
    let status = response.status.clone().unwrap_or_default();
    let outcome = match (response.allowed, status.code) {
        (true, _) => "ADMITTED".to_owned(),
        (false, Some(code)) => format!("DENIED {code}"),
        (false, None) => "DENIED".to_owned(),
    };
    let mut rows = vec![("outcome", outcome)];
    rows.extend(status.message.iter().map(|text| ("message", message(text))));
    rows.extend(response.warnings.iter().flatten().map(|warning| ("warning", one_line(warning))));
    let patch = response.decoded_patch().context("the patch can't be read")?;
    for operation in patch.into_iter().flat_map(|patch| patch.0) {
        if let PatchOperation::Replace(replace) = operation {
            rows.push(("pinned", one_line(&format!("{}: {}", replace.path, replace.value))));
        }
    }
    Ok(pairs(rows).trim_fmt())
}
