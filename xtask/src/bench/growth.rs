//! How does time grow with rules, containers, bytes, keys and signatures?

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::Table;
use image_trust_host::Deadline;

use super::{Module, clock::Clock, in_process, progress, table, timed};

mod axes;
mod plot;
mod slope;

use axes::Axis;

/// The arguments of `bench growth`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Measure how time grows with rules, containers, bytes, keys and signatures
    #[arg(long, conflicts_with_all = ["request_path", "late_registry", "against", "load"])]
    pub(super) growth: bool,
    /// Only this one of them; can be repeated
    #[arg(long, value_name = "AXIS", requires = "growth", value_parser = axes::NAMES)]
    axis: Vec<String>,
    /// Draw a plot of each as SVG in this folder
    #[arg(long, value_name = "DIR", requires = "growth")]
    plots: Option<PathBuf>,
}

pub(super) const NOTE: &str = "medians of the processor's time, which leaves out what others had of it; slope: exponent of time over size, from a tenth of the largest\n\
    each in a fresh instance, in this process (no HTTP), no deadline, a host that answers from memory";

/// The number of measurements of each point by default.
pub(super) const ROUNDS: u32 = 30;

/// The first series of an axis, by a module that accepts everything: what is the host's share.
const UNSEEN: &str = "the first of these, accepted unseen";

/// The measurements of a series: sizes and microseconds.
pub(super) struct Curve {
    series: &'static str,
    points: Vec<(usize, f64)>,
    /// Without what the same request takes where it is accepted unseen.
    own: Vec<(usize, f64)>,
}

/// The measurements of an axis.
struct Grown {
    name: &'static str,
    what: &'static str,
    curves: Vec<Curve>,
}

/// The tables, and the slopes in words.
pub(super) fn measure(modules: &[Module], rounds: u32, args: &Args) -> Result<(String, Vec<String>)> {
    let module = modules.first().context("a module")?;
    let mut grown = Vec::new();
    let mut cases = Vec::new();
    let mut axes = axes::all()?;
    axes.retain(|axis| args.axis.is_empty() || args.axis.iter().any(|wanted| wanted == axis.name));
    let progress = progress(axes.iter().flat_map(|axis| &axis.series).map(|series| series.points.len()).sum());
    progress.set_message("one of each");
    for axis in axes {
        let Axis { name, what, series } = axis;
        let mut axis = Grown { name, what, curves: Vec::new() };
        for series in series {
            let mut points = Vec::new();
            for (size, mut case) in series.points {
                progress.inc(1);
                case.name = format!("{what}: {size}, {}", series.name);
                module.check_settings(&case.settings)?;
                let host = (case.host)(&module.policy);
                let (_, came) = timed(&module.policy, &case.request, &case.settings, host, Deadline::Off)?;
                let response = came.response;
                let code = response.status.as_ref().and_then(|status| status.code);
                let is_right = (response.allowed, code) == (series.denied.is_none(), series.denied);
                ensure!(is_right, "{}: admitted: {}, {:?}", case.name, response.allowed, response.status);
                points.push((size, f64::NAN));
                cases.push(case);
            }
            axis.curves.push(Curve { series: series.name, points, own: Vec::new() });
        }
        grown.push(axis);
    }
    progress.finish_and_clear();

    let (_, medians) = in_process::measure(modules, cases, rounds, (Clock::Processor, Deadline::Off))?;
    // In the order in which they were given.
    let mut medians = medians.iter();
    for axis in &mut grown {
        let mut unseen = Curve { series: UNSEEN, points: Vec::new(), own: Vec::new() };
        for (curve, is_first) in axis.curves.iter_mut().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
            for (size, time) in &mut curve.points {
                let (name, micros) = medians.next().context("a median of every case")?;
                let [accepting, this, ..] = micros.as_slice() else { bail!("{name} was not measured") };
                *time = *this;
                curve.own.push((*size, this - accepting));
                unseen.points.extend(is_first.then_some((*size, *accepting)));
            }
        }
        axis.curves.push(unseen);
    }
    if let Some(folder) = &args.plots {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        for axis in &grown {
            plot::write(&folder.join(axis.name).with_extension("svg"), axis.what, &axis.curves)?;
        }
    }
    let tables: Vec<String> = grown.iter().map(|axis| axis.shown().to_string()).collect();
    let mut notes: Vec<String> = grown.iter().flat_map(Grown::words).collect();
    notes.push(NOTE.to_owned());
    Ok((tables.join("\n"), notes))
}

impl Grown {
    /// A row for each size, in microseconds.
    fn shown(&self) -> Table {
        let mut sizes: Vec<usize> = self.curves.iter().flat_map(|curve| &curve.points).map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let header = std::iter::once(self.what.to_owned())
            .chain(self.curves.iter().map(|curve| format!("{}, µs", curve.series)));
        let rows = sizes.into_iter().map(|wanted| {
            let cells = self.curves.iter().map(|curve| {
                let point = curve.points.iter().find(|(size, _)| *size == wanted);
                point.map_or_else(String::new, |(_, micros)| format!("{micros:.0}"))
            });
            std::iter::once(wanted.to_string()).chain(cells).collect()
        });
        table(0, header.collect(), rows.collect())
    }

    fn words(&self) -> Vec<String> {
        let words = self.curves.iter().filter_map(|curve| {
            let slope = slope::slope(&curve.points)?;
            let larger = slope::larger(&curve.points);
            let (first, last) = (larger.first()?, larger.last()?);
            let each = (last.1 - first.1) / (last.0 - first.0) as f64;
            let own = slope::slope(&curve.own).map(|own| format!(", {own:.2} without the host's share"));
            Some(format!(
                "{}, {}: {} (slope {slope:.2} from {} to {}{}; {each:.3} µs for each more)",
                self.what,
                curve.series,
                slope::words(slope),
                first.0,
                last.0,
                own.unwrap_or_default()
            ))
        });
        words.collect()
    }
}
