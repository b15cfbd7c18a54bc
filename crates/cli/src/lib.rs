//! Which commands are there? One file each; this one parses the line and turns errors into an exit code.

use std::{ffi::OsString, process::ExitCode};

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum as _};
use tracing_subscriber::EnvFilter;

mod annotate;
pub mod batch;
mod check;
mod collect;
mod completions;
pub mod demo;
pub mod evaluation;
mod explain;
pub mod input;
mod lint;
mod migrate;
pub mod output;
mod pin;
pub mod progress;
mod run;
mod schema;
pub mod tables;

use output::Color;

/// The exit code for a line that can't be parsed, as kwctl's is.
const USAGE: u8 = 2;

/// The exit codes of a command that only works or fails.
pub(crate) const EXITS: &str = "Exit codes:
  0  done
  1  failed, with the reason on standard error
  2  the command line is wrong";

/// Runs, tests and prepares the image-trust policy without a cluster.
#[derive(Parser)]
#[command(name = "image-trust", version)]
#[command(after_help = "Exit codes:
  0  done
  1  failed, or the result is a bad one: see the help of each command
  2  the command line is wrong")]
struct Cli {
    /// Log more: -v tells what is done, -vv tells how, -vvv tells everything. RUST_LOG has precedence
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// When to write in color. With auto, NO_COLOR switches it off
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Explain(explain::Args),
    Check(check::Args),
    Lint(lint::Args),
    Migrate(migrate::Args),
    Pin(pin::Args),
    Collect(collect::Args),
    Schema(schema::Args),
    Annotate(annotate::Args),
    Demo(demo::Args),
    Completions(completions::Args),
}

/// The command line, as clap knows it: every command, flag and exit code.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// 0, or 1 with the reason on stderr, or 2 for a line that can't be parsed. `explain` has codes of its own.
pub fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    let color = color(&line);
    output::set_color(color);
    let parsed = command().color(color.into()).try_get_matches_from(line);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        // What is wrong is quoted, and may be the name of a file.
        Err(error) if error.use_stderr() => {
            return told(error.render().to_string().trim_end(), ExitCode::from(USAGE));
        }
        Err(help) => help.exit(),
    };
    let Some(command) = cli.command else {
        // Where nobody reads the help there is nothing to do about it.
        let _ = self::command().color(color.into()).print_help();
        return ExitCode::SUCCESS;
    };
    log(cli.verbose, &command);
    let outcome = match command {
        Command::Run(args) => run::run(&args),
        Command::Explain(args) => return explain::run(&args),
        Command::Check(args) => return check::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Pin(args) => return pin::run(&args),
        Command::Collect(args) => return collect::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Annotate(args) => annotate::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => told(&format!("Error: {error:#}"), ExitCode::FAILURE),
    }
}

/// What the line says of color. The help and errors of the line itself need it before the line is parsed.
fn color(line: &[OsString]) -> Color {
    let words: Vec<&str> = line.iter().filter_map(|word| word.to_str()).collect();
    let given = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--color") {
        Some("") => words.get(at + 1).copied(),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    given.and_then(|given| Color::from_str(given, false).ok()).unwrap_or(Color::Auto)
}

/// Writes the log to stderr, so that stdout is the result and nothing else.
fn log(verbose: u8, command: &Command) {
    let level = match (verbose, command) {
        // The policy's log has the host's words for every denial; these show them themselves, or deny on purpose.
        (
            0,
            Command::Check(_)
            | Command::Collect(_)
            | Command::Demo(_)
            | Command::Explain(_)
            | Command::Migrate(_)
            | Command::Pin(_),
        ) => "warn,policy=off",
        (0, _) => "warn",
        (1, _) => "info",
        (2, _) => {
            "info,policy=debug,image_trust=debug,image_trust_cli=debug,image_trust_collect=debug,image_trust_host=debug"
        }
        (_, _) => "trace",
    };
    // wasmtime warns when another run was quicker to keep a module, which changes nothing.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},wasmtime_internal_cache=error")));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| output::Log).with_ansi(false).init();
}

/// Tells why it ends like this. Where nobody can be told there is nothing to do about it.
fn told(why: &str, code: ExitCode) -> ExitCode {
    let _ = output::tell(why);
    code
}
