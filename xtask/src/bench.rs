//! What does one evaluation cost, next to a module that does nothing, or next to another policy?
//!
//! Every case is measured in turn for each module, round after round, so that whatever else the machine does falls on all of them alike;
//! what counts is the ratio.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use clap::{Parser, value_parser};
use comfy_table::{CellAlignment, Table, presets};
use image_trust_host::{AdmissionRequest, Deadline, Evaluation, HostCapabilities, Policy};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

mod attack;
mod attested;
mod cases;
mod clock;
mod growth;
mod in_process;
mod late;
mod load;
mod shelf;
mod signatures;

use clock::Clock;
use image_trust_cli::{input::Input, output::print};
use in_process::Case;

/// Measures evaluations, next to a module that accepts everything without looking
///
/// Every evaluation has a fresh instance, as in policy-server. Without flags, the cases are its own, and a host answers from memory. Prints
/// microseconds, ratios and host calls.
#[derive(Parser)]
pub(crate) struct Args {
    /// The policy
    #[arg(default_value = "policy.wasm")]
    policy: PathBuf,
    /// Another module, measured in the same rounds; can be repeated
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// How often each case is measured [default: 400; with --growth 30; with --late-registry 5 without delay and 3 with it]
    #[arg(long, value_parser = value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Measure this AdmissionRequest or AdmissionReview instead; `-` reads stdin
    #[arg(short, long, value_name = "FILE")]
    request_path: Option<PathBuf>,
    #[command(flatten)]
    input: Input,
    /// Measure with a registry on loopback that answers late: asked for the first time, and asked again. Takes minutes
    #[arg(long, conflicts_with = "request_path")]
    late_registry: bool,
    #[command(flatten)]
    load: load::Args,
    #[command(flatten)]
    growth: growth::Args,
    #[command(flatten)]
    attack: attack::Args,
}

/// A module that is measured, and its name in the table.
struct Module {
    /// The name of the module in the table.
    label: String,
    policy: Policy,
}

impl Module {
    fn check_settings(&self, settings: &Value) -> Result<()> {
        let Self { label, policy } = self;
        policy
            .check_settings(settings)
            .map_err(|problem| anyhow!("{label}: Provided settings are not valid: {problem}"))
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        args.request_path.is_some() || !args.input.is_given(),
        "settings and sessions are those of a request; give it as --request-path"
    );
    let paths: Vec<_> = std::iter::once(&args.policy).chain(&args.against).collect();
    let progress = progress(paths.len());
    let (mut modules, mut legend) = (Vec::new(), Vec::new());
    for (path, number) in paths.into_iter().zip(1..) {
        let label = format!("({number})");
        // A second or two where no compiled module is cached.
        progress.set_message(format!("compiling {}", path.display()));
        let wasm = std::fs::read(path).with_context(|| format!("cannot read the policy {}", path.display()))?;
        let policy = Policy::from_wasm(&wasm).with_context(|| format!("cannot load the policy {}", path.display()))?;
        legend.push(format!("{label} {}, {} bytes", path.display(), wasm.len()));
        modules.push(Module { label, policy });
        progress.inc(1);
    }
    progress.finish_and_clear();

    let mut problems = Vec::new();
    let (tables, notes) = if let (Some(seconds), Some(module)) = (args.load.load, modules.first()) {
        let loaded = load::measure(module, seconds, &args.load)?;
        problems = loaded.problems();
        loaded.shown()
    } else if let Some(seconds) = args.attack.attack {
        (attack::measure(&modules, seconds)?, vec![attack::NOTE.to_owned()])
    } else if args.growth.growth {
        growth::measure(&modules, args.rounds.unwrap_or(growth::ROUNDS), &args.growth)?
    } else if args.late_registry {
        (late::measure(&modules, args.rounds)?.to_string(), vec![late::NOTE.to_owned()])
    } else {
        let cases = match &args.request_path {
            Some(path) => vec![replayed(&args.input, args.input.request(path)?, &modules)?],
            None => cases::all(&modules)?,
        };
        let (table, medians) =
            in_process::measure(&modules, cases, args.rounds.unwrap_or(400), (Clock::Wall, Deadline::default()))?;
        let mut notes = signatures::in_verifications(&medians);
        notes.push(in_process::NOTE.to_owned());
        (table.to_string(), notes)
    };
    print(&format!("{tables}\n{}\n{}", legend.join("\n"), notes.join("\n")))?;
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// The case of a caller's own request, once its session turned out to fit every module.
fn replayed<'a>(input: &'a Input, request: AdmissionRequest, modules: &[Module]) -> Result<Case<'a>> {
    let settings = input.settings()?;
    let session = input.session()?.unwrap_or_default();
    for module in modules {
        module.check_settings(&settings)?;
        let Module { label, policy } = module;
        let replay = Arc::new(session.clone());
        let host = Arc::new(input.gate(policy, Arc::clone(&replay)));
        let (_, evaluation) = timed(policy, &request, &settings, host, Deadline::default())?;
        let misfit = replay.misfit();
        let leftovers = replay.leftovers();
        if misfit.is_some() || !leftovers.is_empty() {
            let leftovers = leftovers.iter().map(|request| format!("not asked: {request:?}"));
            let problems: Vec<_> = misfit.into_iter().chain(leftovers).collect();
            bail!(
                "the session does not fit {label}:\n  {}\n`image-trust run --record-host-capabilities-interactions FILE` records one that does",
                problems.join("\n  ")
            );
        }
        let status = evaluation.response.status.unwrap_or_default();
        ensure!(status.code != Some(500), "{label} fails: {}", status.message.unwrap_or_default());
    }
    let name = format!("{} {}", request.operation, request.kind.kind);
    let host = move |policy: &Policy| Arc::new(input.gate(policy, session.clone())) as Arc<dyn HostCapabilities>;
    Ok(Case { name, request, settings, host: Box::new(host) })
}

/// One evaluation, and how long somebody waited from the request to the cluster's response.
fn timed(
    policy: &Policy,
    request: &AdmissionRequest,
    settings: &Value,
    host: Arc<dyn HostCapabilities>,
    deadline: Deadline,
) -> Result<(Duration, Evaluation)> {
    timed_by(Clock::Wall, policy, request, settings, host, deadline)
}

fn timed_by(
    clock: Clock,
    policy: &Policy,
    request: &AdmissionRequest,
    settings: &Value,
    host: Arc<dyn HostCapabilities>,
    deadline: Deadline,
) -> Result<(Duration, Evaluation)> {
    let started = clock.now();
    let evaluation = policy.evaluate(request, settings, host, deadline)?;
    Ok((clock.now().saturating_sub(started), evaluation))
}

fn median<T: Copy + Ord>(samples: &[T]) -> Option<T> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// A bar on stderr, where somebody looks at it; nothing elsewhere.
fn progress(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left: {msg}") {
        Ok(style) => bar.with_style(style),
        // The plain bar says as much.
        Err(_) => bar,
    }
}

/// A table whose first `names` columns are words, and whose others are numbers.
fn table(names: usize, header: Vec<String>, rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_HORIZONTAL_ONLY).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
