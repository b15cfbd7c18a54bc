//! `image-trust completions`: what does a shell need to complete the command line?

use anyhow::Result;
use clap_complete::Shell;

use crate::output::Destination;

/// Prints a script that completes the command line in a shell
#[derive(clap::Args)]
#[command(after_help = crate::EXITS)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    #[command(flatten)]
    to: Destination,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "image-trust", &mut script);
    args.to.script(&script)
}
