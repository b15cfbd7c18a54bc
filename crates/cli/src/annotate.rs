//! `image-trust annotate`: writes metadata into a module.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::progress;

/// Adds Kubewarden metadata to a WebAssembly module, with kwctl's flags
#[derive(clap::Args)]
#[command(after_help = crate::EXITS)]
pub(crate) struct Args {
    /// The metadata.yml
    #[arg(short, long, value_name = "FILE")]
    metadata_path: PathBuf,
    /// The README to carry as usage
    #[arg(short, long, value_name = "FILE")]
    usage_path: Option<PathBuf>,
    /// Write the annotated module to this file. As in kwctl, -o takes a file here; in other commands it takes a format
    #[arg(short, long, value_name = "FILE", visible_alias = "out")]
    output_path: PathBuf,
    /// The module to annotate
    wasm: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let metadata = read(&args.metadata_path)?;
    let usage = args.usage_path.as_ref().map(read).transpose()?;
    let wasm = fs::read(&args.wasm).with_context(|| format!("cannot read {}", args.wasm.display()))?;
    // Whoever annotates a module asks it for its protocol, so it is compiled.
    let annotate = || image_trust_host::annotate(&wasm, &metadata, usage.as_deref());
    let annotated = progress::during(&format!("compiling {}", args.wasm.display()), annotate)
        .with_context(|| format!("cannot annotate {}", args.wasm.display()))?;
    fs::write(&args.output_path, annotated).with_context(|| format!("cannot write {}", args.output_path.display()))
}
