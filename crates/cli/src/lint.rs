//! `image-trust lint`: what in these settings is refused, and what is valid but probably wrong?
//!
//! Both are the crate's to say, of settings or of a policy's manifest alone: no module is run, and nobody is asked.

use std::{collections::BTreeMap, path::PathBuf, time::SystemTime};

use anyhow::{Context as _, Result, bail};
use comfy_table::{ColumnConstraint, Table, Width};
use image_trust::{policy::check, time::UnixTime};
use image_trust_lint::{Finding, Refusal, Severity, check_manifest, lint, lint_manifest};
use serde::Serialize;

use crate::{
    input::{Written, text_of, written},
    output::{Destination, Output, printed},
    progress, tables,
};

/// The width of the blanks around the text of a cell.
const PADDING: usize = 2;
/// The longest place that is not broken into lines.
const MAX_PLACE: usize = 56;
/// The finding of what `validate_settings` refuses. Its severity is that of an error.
const REFUSED: &str = "refused";

/// Finds mistakes in settings or in a policy's manifest: what is refused, and what is valid but probably wrong
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  nothing was found, or only findings of severity info
  1  an error or a warning was found, or the settings cannot be read
  2  the command line is wrong")]
pub(crate) struct Args {
    /// The settings, or a policy's manifest that holds them, as YAML or JSON. `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "settings")]
    file: Option<PathBuf>,
    /// The same as FILE
    #[arg(short, long, value_name = "FILE", conflicts_with = "file")]
    settings: Option<PathBuf>,
    /// The format of the result
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    to: Destination,
}

/// One line; these are the keys of the JSON document.
#[derive(Serialize)]
struct Line {
    severity: &'static str,
    finding: &'static str,
    path: String,
    what: String,
    /// What to do; of what is refused, `what` says it.
    instead: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = args.file.as_ref().or(args.settings.as_ref()).context("expected a file with settings, found none")?;
    let (text, origin) = text_of("settings", file)?;
    let (refused, found) = match written(&text, &origin)? {
        Written::Settings(settings) => {
            let settings = settings.to_string();
            (
                check(&settings).into_iter().map(Refusal::from).collect(),
                progress::during("comparing rules", || lint(&settings, now())),
            )
        }
        Written::Manifest(manifest) => {
            let manifest = manifest.to_string();
            (check_manifest(&manifest), progress::during("comparing rules", || lint_manifest(&manifest, now())))
        }
    };
    let refused = refused.into_iter().map(|refusal: Refusal| Line {
        severity: Severity::Error.word(),
        finding: REFUSED,
        path: refusal.path.to_string(),
        what: refusal.what,
        instead: None,
    });
    let is_bad = |finding: &Finding| finding.lint.severity() < Severity::Info;
    let bad = found.iter().filter(|finding| is_bad(finding)).count();
    let lines: Vec<Line> = refused.chain(found.iter().map(Line::of)).collect();
    let bad = bad + lines.iter().filter(|line| line.finding == REFUSED).count();
    match args.output {
        Output::Json => args.to.document(&serde_json::to_string_pretty(&lines)?)?,
        Output::Text if lines.is_empty() => {
            args.to.text(&format!("{origin}: nothing is refused, and nothing was found"))?
        }
        Output::Text => args.to.text(&table(&lines).trim_fmt())?,
    }
    match bad {
        0 => Ok(()),
        _ => bail!("{origin}: {}", counted(&lines)),
    }
}

impl Line {
    fn of(finding: &Finding) -> Line {
        Line {
            severity: finding.lint.severity().word(),
            finding: finding.lint.word(),
            path: finding.path.clone(),
            what: finding.what.clone(),
            instead: Some(finding.instead.clone()),
        }
    }
}

/// The time of day. On a machine whose clock is before 1970, nothing is old.
fn now() -> UnixTime {
    UnixTime::since_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn table(lines: &[Line]) -> Table {
    let mut table = tables::table(Some(["severity", "finding", "where", "what", "instead"]));
    for line in lines {
        let instead = line.instead.as_deref().unwrap_or_default();
        let cells = [line.severity, line.finding, &line.path, &line.what, instead];
        // As wide as they are printed.
        table.add_row(cells.map(printed));
    }
    let longest = lines.iter().map(|line| line.path.len()).max().unwrap_or_default().min(MAX_PLACE);
    if let (Some(column), Ok(width)) = (table.column_mut(2), u16::try_from(longest + PADDING)) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    table
}

/// How many lines of each severity there are: `2 errors, 1 warning, 3 info`.
fn counted(lines: &[Line]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(line.severity).or_default() += 1;
    }
    let worst_first = [Severity::Error, Severity::Warning, Severity::Info].map(Severity::word);
    let plural = |word: &str, count: usize| if count == 1 || word == Severity::Info.word() { "" } else { "s" };
    let count = |word: &&str| counts.get(*word).map(|count| format!("{count} {word}{}", plural(word, *count)));
    worst_first.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}
