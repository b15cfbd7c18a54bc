//! `image-trust check`: which workloads of these manifests would be denied, and why?
//!
//! The module decides about each object as it would in the cluster. This command finds the objects, asks about each image once, and tells the result with the
//! file and the line of every image.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use image_trust::kubernetes::Kinds;
use image_trust_host::AdmissionRequest;
use image_trust_manifests::{Item, Manifest, files::STDIN};
use serde_json::Value;

use crate::{
    evaluation::{Flags, NAMESPACE, decisive, load, namespace, settings_of},
    input::text_of,
    output::Destination,
    tables::shown,
    told,
};

mod github;
mod json;
mod junit;
mod outcome;
mod owners;
mod sarif;
mod show;

use outcome::{Checked, Outcome, Source};

/// What standard input is called in place of a file.
const STDIN_NAME: &str = "standard input";
/// Something would be denied.
const DENIED: u8 = 1;
/// It cannot be told, or the input is bad.
const UNKNOWN: u8 = 2;

/// Evaluates manifests, and reports which objects would be denied and why
///
/// Each workload is decided as if it were created now. Objects without images are passed over. Owners in the same input count if they are admitted
/// themselves. Detection mode and `resourceValidationMode` are ignored, and the time budget is always 30 seconds.
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  everything is admitted
  1  something is denied (see --fail-on)
  2  the policy could not decide about an object, an input cannot be read, or the command line is wrong")]
pub(crate) struct Args {
    /// Manifests as YAML or JSON, or folders that hold them. `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The policy's module
    #[arg(long, value_name = "FILE", default_value = "policy.wasm")]
    policy: PathBuf,
    /// The format of the result
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    to: Destination,
    /// The namespace of objects that name none
    #[arg(short, long, value_name = "NAMESPACE", default_value = NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// The user who would create the objects
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// What makes the command fail
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = FailOn::Denied)]
    fail_on: FailOn,
    #[command(flatten)]
    flags: Flags,
}

/// The formats of the result.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Tables, for people
    Text,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for test reports
    Junit,
    /// Workflow commands of GitHub Actions, which become annotations
    Github,
}

/// What makes the command fail.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Denied objects
    Denied,
    /// Denied objects, and warnings: for example an exception, or a tag that is not pinned
    Warning,
    /// Only what the policy cannot decide or read
    Never,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let checked = match check(args) {
        Ok(checked) => checked,
        Err(error) => return told(&format!("Error: {error:#}"), ExitCode::from(UNKNOWN)),
    };
    match write(args, &checked) {
        Ok(()) => ExitCode::from(code(&checked, args.fail_on)),
        Err(error) => told(&format!("Error: {error:#}"), ExitCode::from(UNKNOWN)),
    }
}

fn check(args: &Args) -> Result<Checked> {
    let paths = args.flags.manifests(&args.paths)?;
    let policy = load(&args.policy)?;
    let settings = args.flags.settings(&policy)?;
    let text = settings.to_string();
    let read = settings_of(&text)?;
    let kinds = Kinds::with(read.workloads());

    let mut checked = Checked::default();
    let manifests = manifests(paths, &mut checked)?;
    let mut workloads = Vec::new();
    for (file, manifest) in &manifests {
        for item in manifest.items() {
            let Item::Object(object) = item else {
                checked.passed_over += 1;
                continue;
            };
            let Some(images) = object.images(kinds) else {
                checked.passed_over += 1;
                continue;
            };
            let mut value = object.value.clone().into_owned();
            in_namespace(&mut value, &args.namespace);
            let request = request(value.clone(), args.user.as_deref())
                .with_context(|| format!("{}:{}", shown(file), object.place()))?;
            let source = Source::of(file, &object, &request, images);
            workloads.push(Workload { source, request, object: value });
        }
    }
    let many = args.flags.many(&policy)?;
    let settings = decisive(settings);
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut admitted: Vec<&Workload> = Vec::new();
    for round in owners::rounds(workloads.iter().map(|workload| &workload.object)) {
        let requests: Vec<_> = round.iter().filter_map(|at| Some(workloads.get(*at)?.request.clone())).collect();
        // Only owners that are admitted themselves count, as no other is in the cluster.
        let beside = owners::beside(admitted.iter().map(|workload| &workload.object))?;
        let decided = many.evaluate(&requests, &settings, beside, |_, evaluation| Outcome::of(&evaluation))?;
        for (at, outcome) in round.into_iter().zip(decided) {
            let outcome = outcome?;
            admitted.extend(workloads.get(at).filter(|_| outcome.allowed));
            outcomes.insert(at, outcome);
        }
    }
    many.finish()?;
    checked.objects = workloads.into_iter().map(|workload| workload.source).zip(outcomes.into_values()).collect();
    Ok(checked)
}

/// A workload of the input.
struct Workload {
    source: Source,
    request: AdmissionRequest,
    object: Value,
}

/// The files that can be read; of the others, why not.
fn manifests(paths: Vec<PathBuf>, checked: &mut Checked) -> Result<Vec<(String, Manifest)>> {
    let mut manifests = Vec::new();
    for path in paths {
        let (text, _) = text_of("manifest", &path)?;
        let file = if path == Path::new(STDIN) { STDIN_NAME.to_owned() } else { path.display().to_string() };
        match Manifest::parse(text) {
            Ok(manifest) => manifests.push((file, manifest)),
            Err(error) => checked.unreadable.push((file, error)),
        }
    }
    Ok(manifests)
}

/// Puts the object into a namespace, if it names none.
fn in_namespace(object: &mut Value, namespace: &str) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        let named = metadata.entry("namespace").or_insert(Value::Null);
        if named.as_str().is_none_or(str::is_empty) {
            *named = namespace.into();
        }
    }
}

/// What the API server would ask about this object.
fn request(object: Value, user: Option<&str>) -> Result<AdmissionRequest> {
    let mut request = AdmissionRequest::create(object)?;
    request.user_info.username = user.map(str::to_owned);
    Ok(request)
}

fn write(args: &Args, checked: &Checked) -> Result<()> {
    match args.output {
        Format::Text => args.to.text(&show::text(checked)),
        Format::Json => args.to.document(&serde_json::to_string_pretty(&json::document(checked))?),
        Format::Sarif => args.to.document(&sarif::document(checked)?),
        Format::Junit => args.to.script(&junit::document(checked)?),
        Format::Github => args.to.script(github::commands(checked).as_bytes()),
    }?;
    // Programs read the result, and people the reason for which a file is missing in it.
    if !matches!(args.output, Format::Text) {
        for (file, error) in &checked.unreadable {
            crate::output::tell(&format!("Error: {}: {error}", shown(file)))?;
        }
    }
    Ok(())
}

/// Whether all of it is good, as an exit code.
fn code(checked: &Checked, fail_on: FailOn) -> u8 {
    let codes: BTreeSet<Option<u16>> =
        checked.objects.iter().filter(|(_, outcome)| !outcome.allowed).map(|(_, outcome)| outcome.code).collect();
    let is_denied = codes.iter().any(|code| code.is_some_and(|code| code < 500));
    let warns = checked.objects.iter().any(|(_, outcome)| outcome.allowed && !outcome.warnings.is_empty());
    let fails = match fail_on {
        FailOn::Denied => is_denied,
        FailOn::Warning => is_denied || warns,
        FailOn::Never => false,
    };
    let is_unknown = codes.iter().any(|code| code.is_none_or(|code| code >= 500));
    match (checked.unreadable.is_empty(), fails) {
        (false, _) => UNKNOWN,
        (true, true) => DENIED,
        (true, false) if is_unknown => UNKNOWN,
        (true, false) => 0,
    }
}
