//! Which commands are there? One file each; this one parses the line and turns errors into an exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

mod annotate;
pub mod demo;
pub mod evaluation;
mod explain;
pub mod input;
mod lint;
mod migrate;
pub mod output;
pub mod progress;
mod run;
mod schema;
pub mod tables;

/// The exit code for a line that can't be parsed, as kwctl's is.
const USAGE: u8 = 2;

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
    Schema(schema::Args),
    Annotate(annotate::Args),
    Demo(demo::Args),
}

/// 0, or 1 with the reason on stderr, or 2 for a line that can't be parsed. `explain` has codes of its own.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // What is wrong is quoted, and may be the name of a file.
        Err(error) if error.use_stderr() => {
            return told(error.render().to_string().trim_end(), ExitCode::from(USAGE));
        }
        Err(help) => help.exit(),
    };
    let level = match cli.command {
        // The policy's log has the host's words for every denial; these show them themselves, or deny on purpose.
        Command::Demo(_) | Command::Explain(_) | Command::Migrate(_) => "warn,policy=off",
        _ => "warn",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        // stdout is the response and nothing else
        .with_writer(|| output::Log)
        .with_ansi(false)
        .init();
    let outcome = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Explain(args) => return explain::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Annotate(args) => annotate::run(&args),
        Command::Demo(args) => demo::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => told(&format!("Error: {error:#}"), ExitCode::FAILURE),
    }
}

/// Tells why it ends like this. Where nobody can be told there is nothing to do about it.
fn told(why: &str, code: ExitCode) -> ExitCode {
    let _ = output::tell(why);
    code
}
