//! `image-trust lint`: what in these settings is refused, and what is legal but surely not meant?
//!
//! Both are the crate's to say, of settings or of a policy's manifest alone: no module is run, and nobody is asked.

use std::{collections::BTreeMap, path::PathBuf, time::SystemTime};

use anyhow::{Result, bail};
use comfy_table::{ColumnConstraint, Table, Width};
use image_trust::{policy::check, time::UnixTime};
use image_trust_lint::{Finding, Severity, check_manifest, lint, lint_manifest};
use serde::Serialize;

use crate::{
    input::{Written, text_of, written},
    output::{Output, print, print_document, printed},
    progress, tables,
};

/// What a cell has around its text.
const PADDING: usize = 2;
/// The longest place that is not broken into lines.
const MAX_PLACE: usize = 56;
/// The severity, and the finding, of what `validate_settings` refuses.
const REFUSED: (&str, &str) = ("error", "refused");

/// Finds what is refused in settings or in a policy's manifest, and what is legal but surely not meant
///
/// Exits with 1 where something is refused, a danger or doubtful, and with 0 where there is nothing or only notes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Settings, or a policy's manifest that holds them, as YAML or JSON; `-` reads stdin
    settings: PathBuf,
    /// How it is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
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
    let (text, origin) = text_of("settings", &args.settings)?;
    let (refused, found) = match written(&text, &origin)? {
        Written::Settings(settings) => {
            let settings = settings.to_string();
            (check(&settings), progress::during("comparing rules", || lint(&settings, now())))
        }
        Written::Manifest(manifest) => {
            let manifest = manifest.to_string();
            (check_manifest(&manifest), progress::during("comparing rules", || lint_manifest(&manifest, now())))
        }
    };
    let refused = refused.into_iter().map(|problem| Line {
        severity: REFUSED.0,
        finding: REFUSED.1,
        path: problem.path,
        what: problem.what,
        instead: None,
    });
    let is_bad = |finding: &Finding| finding.lint.severity() < Severity::Note;
    let bad = found.iter().filter(|finding| is_bad(finding)).count();
    let lines: Vec<Line> = refused.chain(found.iter().map(Line::of)).collect();
    let bad = bad + lines.iter().filter(|line| line.severity == REFUSED.0).count();
    match args.output {
        Output::Json => print_document(&serde_json::to_string_pretty(&lines)?)?,
        Output::Text if lines.is_empty() => print(&format!("{origin}: nothing is refused, and nothing was found"))?,
        Output::Text => print(&table(&lines).trim_fmt())?,
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

/// How many lines of each severity there are: `1 danger, 2 notes`.
fn counted(lines: &[Line]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(line.severity).or_default() += 1;
    }
    let worst_first = [REFUSED.0, Severity::Danger.word(), Severity::Doubtful.word(), Severity::Note.word()];
    let plural = |word: &str, count: usize| if count == 1 || word == Severity::Doubtful.word() { "" } else { "s" };
    let count = |word: &&str| counts.get(*word).map(|count| format!("{count} {word}{}", plural(word, *count)));
    worst_first.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}
