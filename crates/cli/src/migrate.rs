//! `image-trust migrate`: what do Connaisseur's Helm values become?
//!
//! A policy that can be applied, and a report of everything that means something else. What can't be carried denies: nothing is ever admitted that
//! Connaisseur would have denied.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::ValueEnum;
use image_trust_migrate::{ASSUMED, Found, Migration, find};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    evaluation::load,
    input::{text_of, yaml_documents},
    output::{Destination, tell},
    progress,
};

mod replay;
mod report;

/// Turns Connaisseur's Helm values (Connaisseur 3, chart 2) into an image-trust policy, and reports what means something else
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  every value was carried over
  1  something was refused, or the migration failed
  2  the command line is wrong")]
pub(crate) struct Args {
    /// The values that Helm used (`helm get values connaisseur --all -o yaml`), alone or in an Argo CD Application, a Flux HelmRelease, a ConfigMap or an umbrella chart's values
    #[arg(value_name = "VALUES")]
    values: PathBuf,
    /// The format of the result. The report for people goes to standard error
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Policy)]
    output: Output,
    #[command(flatten)]
    to: Destination,
    /// Decide every recorded request (*.json) in this folder by Connaisseur's rules and by this policy, and print what differs instead
    #[arg(long, value_name = "DIR")]
    requests: Option<PathBuf>,
    /// The module of the policy that decides recorded requests
    #[arg(long, value_name = "FILE", default_value = "policy.wasm")]
    policy: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A ClusterAdmissionPolicy that can be applied, with the settings in it
    Policy,
    /// The settings alone, as `image-trust run -s` reads them
    Settings,
    /// One JSON document with settings, policy and report, for programs
    Json,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let values = read(args)?;
    let migration = progress::during("comparing the rules", || Migration::of(&values))?;
    let settings = migration.settings()?;
    let problems = image_trust::policy::check(&settings.to_string());
    if args.output != Output::Json && args.requests.is_none() {
        tell(&format!("{}\n", report::text(&migration.report)))?;
    }
    if problems.is_empty() {
        tell("The settings were checked: the policy accepts them.")?;
    }
    match &args.requests {
        Some(folder) => replayed(args, &migration, folder)?,
        None => write(args, &migration, settings)?,
    }
    if !problems.is_empty() {
        let told: Vec<String> = problems.iter().map(|problem| format!("\n- {problem}")).collect();
        bail!(
            "these settings are not accepted by the policy, which is a defect of this command; please report it. Until then correct them by hand:{}",
            told.concat()
        );
    }
    match migration.report.refusals() {
        0 => Ok(()),
        many => bail!("what could not be carried is denied ({many} times `refused` in the report)"),
    }
}

fn write(args: &Args, migration: &Migration, settings: Value) -> Result<()> {
    let policy = migration.policy();
    let document = match args.output {
        Output::Policy => format!("{HEADER}{}", yaml(&policy)?),
        Output::Settings => yaml(&migration.document())?,
        Output::Json => {
            let document = json!({"settings": settings, "policy": policy, "report": migration.report.lines()});
            serde_json::to_string_pretty(&document)?
        }
    };
    args.to.document(&document)
}

/// YAML that says the same to every reader. kubectl's is of YAML 1.1, to which `off` is no text; where one of the texts is such a word, or has more than
/// ASCII in it, it is JSON, which is YAML, too.
fn yaml(document: &impl Serialize) -> Result<String> {
    let value = serde_json::to_value(document)?;
    let yaml = serde_yaml::to_string(document)?;
    match has_other_readings(&value) || !yaml.is_ascii() {
        true => Ok(serde_json::to_string_pretty(&value)?),
        false => Ok(yaml.trim_end().to_owned()),
    }
}

fn has_other_readings(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let is_word = ["y", "yes", "n", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str());
            let like_number = |c: char| c.is_ascii_hexdigit() || "_:.+-xob".contains(c);
            is_word
                || (text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
                    && text.chars().all(like_number))
        }
        Value::Array(list) => list.iter().any(has_other_readings),
        Value::Object(map) => map.values().any(has_other_readings),
        _ => false,
    }
}

/// Prints what recorded requests are decided otherwise.
fn replayed(args: &Args, migration: &Migration, folder: &Path) -> Result<()> {
    let recorded = replay::read(folder)?;
    let policy = load(&args.policy)?;
    let compare = || replay::compare(migration, &policy, &recorded);
    let comparison = progress::during(&format!("deciding {} requests", recorded.len()), compare)?;
    tell(&format!(
        "{} requests, {} images, {} differences. {}",
        comparison.requests,
        comparison.images,
        comparison.differences.len(),
        ASSUMED
    ))?;
    match args.output {
        Output::Json => args.to.document(&serde_json::to_string_pretty(&comparison)?)?,
        _ if comparison.differences.is_empty() => args.to.text("no differences")?,
        _ => args.to.text(&replay::text(&comparison))?,
    }
    Ok(())
}

const HEADER: &str = "\
# Written by `image-trust migrate`. Read its report before you apply this.
# - module: put in where you pushed the policy to.
# - policyServer: the PolicyServer that runs it. Kubewarden does not let you change it later.
# - mode: `monitor` denies nothing. Set `protect` when the reports are as you want them; Kubewarden does not let you go back.
";

/// The values, wherever in the file they are.
fn read(args: &Args) -> Result<serde_json::Map<String, Value>> {
    let (text, origin) = text_of("values", &args.values)?;
    let Found { values, path } = find(&text, &origin, yaml_documents)?;
    if !path.is_empty() {
        tell(&format!("The values were found at `{path}`."))?;
    }
    Ok(values)
}
