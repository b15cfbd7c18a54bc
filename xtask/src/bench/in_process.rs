//! What does the policy itself cost, where the host answers at once?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use comfy_table::Table;
use image_trust_host::{AdmissionRequest, Deadline, HostCapabilities, Policy};
use serde_json::Value;

use super::{Module, clock::Clock, median, progress, table, timed_by};

pub(super) const NOTE: &str = "(a) accepts everything; medians of evaluations that follow one like them, each in a fresh instance, \
    in this process (no HTTP)";

/// A case that takes longer than this altogether gets fewer rounds: of what takes long, few samples say as much.
const PATIENCE: Duration = Duration::from_secs(10);
/// The smallest number of evaluations, however long they take.
const FEWEST: u32 = 10;

/// A module that answers every call with the same bytes.
const ACCEPT_ALL: &str = r#"(module
    (import "wapc" "__guest_response" (func $answer (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "{\"accepted\":true}")
    (func (export "wapc_init"))
    (func (export "__guest_call") (param i32 i32) (result i32)
        (call $answer (i32.const 0) (i32.const 17))
        (i32.const 1)))"#;

/// A request, and a host that knows all the answers.
pub(super) struct Case<'a> {
    pub(super) name: String,
    pub(super) request: AdmissionRequest,
    pub(super) settings: Value,
    /// The host of one evaluation by this policy.
    pub(super) host: Box<dyn Fn(&Policy) -> Arc<dyn HostCapabilities> + 'a>,
}

/// The measurements of one module for one case.
#[derive(Default)]
struct Measured {
    /// The times of the evaluations, in nanoseconds.
    samples: Vec<u128>,
    host_calls: usize,
}

/// Microseconds by case, and by module; the first is the one that accepts everything.
pub(super) type Medians = Vec<(String, Vec<f64>)>;

pub(super) fn measure(
    modules: &[Module],
    cases: Vec<Case<'_>>,
    rounds: u32,
    (clock, deadline): (Clock, Deadline),
) -> Result<(Table, Medians)> {
    let baseline = Module { label: "(a)".to_owned(), policy: Policy::from_wasm(&wat::parse_str(ACCEPT_ALL)?)? };
    let modules: Vec<&Module> = std::iter::once(&baseline).chain(modules).collect();
    let mut cells: Vec<Vec<Measured>> =
        cases.iter().map(|_| modules.iter().map(|_| Measured::default()).collect()).collect();
    let mut spent = vec![Duration::ZERO; cases.len()];
    let progress = progress(rounds as usize * cases.len());
    for round in 0..rounds {
        for ((case, cells), spent) in cases.iter().zip(&mut cells).zip(&mut spent) {
            progress.inc(1);
            if round >= FEWEST && *spent > PATIENCE {
                continue;
            }
            progress.set_message(case.name.clone());
            let started = Instant::now();
            for (module, measured) in modules.iter().zip(cells) {
                let evaluate = || {
                    let host = (case.host)(&module.policy);
                    timed_by(clock, &module.policy, &case.request, &case.settings, host, deadline)
                };
                // Not counted: whoever comes next after another case or module finds the processor's caches full of that.
                let (_, before) = evaluate()?;
                let (elapsed, evaluation) = evaluate()?;
                ensure!(
                    evaluation.raw == before.raw,
                    "{}, {}: two answers to the same request: {:?} and {:?}",
                    case.name,
                    module.label,
                    before.response,
                    evaluation.response
                );
                measured.samples.push(elapsed.as_nanos());
                measured.host_calls = evaluation.calls.len();
            }
            *spent += started.elapsed();
        }
    }
    progress.finish_and_clear();
    let labels = modules.iter().map(|module| module.label.as_str());
    let medians = |(case, cells): (&Case<'_>, &Vec<Measured>)| {
        (case.name.clone(), cells.iter().map(|measured| micros(&measured.samples)).collect())
    };
    let medians = cases.iter().zip(&cells).map(medians).collect();
    Ok((shown(labels, &cases, &cells), medians))
}

fn micros(samples: &[u128]) -> f64 {
    median(samples).map_or(f64::NAN, |ns| ns as f64 / 1_000.0)
}

fn shown<'m>(mut labels: impl Iterator<Item = &'m str>, cases: &[Case<'_>], cells: &[Vec<Measured>]) -> Table {
    let mut header = vec!["case".to_owned(), "rounds".to_owned()];
    header.extend(labels.by_ref().take(1).map(|label| format!("{label}, µs")));
    for label in labels {
        header.extend([format!("{label}, µs"), "ratio to (a)".to_owned(), "host calls".to_owned()]);
    }
    let rows = cases.iter().zip(cells).map(|(case, cells)| {
        let mut row = vec![case.name.clone()];
        let mut baseline = None;
        for measured in cells {
            let micros = micros(&measured.samples);
            match baseline {
                None => {
                    baseline = Some(micros);
                    row.extend([measured.samples.len().to_string(), format!("{micros:.0}")]);
                }
                Some(baseline) => row.extend([
                    format!("{micros:.0}"),
                    format!("{:.2}", micros / baseline),
                    measured.host_calls.to_string(),
                ]),
            }
        }
        row
    });
    table(1, header, rows.collect())
}
