//! How does a command that reads files get a case of the corpus?

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;
use image_trust_testbed::corpus;

/// Writes cases of the corpus as files, each into a folder of its name: settings.yaml, request.json and session.yaml
#[derive(Parser)]
pub(crate) struct Args {
    /// The cases
    #[arg(required = true, value_name = "CASE")]
    names: Vec<String>,
    /// Where the folders are written
    #[arg(long, value_name = "FOLDER", default_value = "target/cases")]
    into: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let cases = corpus::all();
    for name in &args.names {
        let case = cases.iter().find(|case| case.name == *name);
        let case = case.with_context(|| format!("the corpus has no case {name}"))?;
        let folder = args.into.join(name);
        case.write(&folder).with_context(|| format!("cannot write {}", folder.display()))?;
    }
    Ok(())
}
