//! `image-trust schema`: how do editors and other programs check settings?

use anyhow::Result;
use image_trust_schema::json_schema;

use crate::output::Destination;

/// Prints the JSON Schema of the settings
#[derive(clap::Args)]
#[command(after_help = crate::EXITS)]
pub(crate) struct Args {
    #[command(flatten)]
    to: Destination,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.to.document(&serde_json::to_string_pretty(&json_schema())?)
}
