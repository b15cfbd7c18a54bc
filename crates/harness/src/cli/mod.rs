//! Which commands are there? One file each; this one parses the line and turns errors into an exit code.

use std::{io::IsTerminal as _, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

mod annotate;
mod bench;
mod demo;
mod evaluation;
mod explain;
mod input;
mod lint;
mod migrate;
mod output;
mod progress;
mod run;
mod tables;

/// Runs, tests and prepares the image-trust policy without a cluster.
#[derive(Parser)]
#[command(name = "image-trust", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Explain(explain::Args),
    Lint(lint::Args),
    Migrate(migrate::Args),
    Annotate(annotate::Args),
    Bench(bench::Args),
    Demo(demo::Args),
}

/// 0, or 1 with the reason on stderr; clap exits with 2 for a line it can't parse, as kwctl does.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.command {
        // The policy's log has the host's words for every denial; these show them themselves, deny on purpose, or do so a few hundred times.
        Command::Demo(_) | Command::Explain(_) | Command::Migrate(_) | Command::Bench(_) => "warn,policy=off",
        _ => "warn",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        // stdout is the response and nothing else
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let outcome = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Annotate(args) => annotate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Demo(args) => demo::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
