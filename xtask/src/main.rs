//! What developers run, and users don't.

mod bench;
mod case;
mod root;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Measures the image-trust policy, and writes cases of its corpus
#[derive(Parser)]
#[command(name = "xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(bench::Args),
    Case(case::Args),
    CompactRoot(root::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,policy=off")))
        .with_writer(std::io::stderr)
        .init();
    let done = match &cli.command {
        Command::Bench(args) => bench::run(args),
        Command::Case(args) => case::run(args),
        Command::CompactRoot(args) => root::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
