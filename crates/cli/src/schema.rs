//! `image-trust schema`: how do editors and other programs check settings?

use anyhow::Result;
use image_trust::policy;

use crate::output::print_document;

/// Prints the JSON Schema of the settings
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<()> {
    Ok(print_document(&serde_json::to_string_pretty(&policy::json_schema())?)?)
}
