//! `image-trust pin`: which digests does the policy prove, and how do they get into the manifests?
//!
//! The module is asked about each image once. The texts are edited by `crates/manifests`.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use image_trust::{Digest, kubernetes::Kinds};
use image_trust_manifests::{
    Manifest,
    files::{STDIN, is_kustomization},
    pin::{Target, Targets, pinned, targets, with_digest},
};

use crate::{
    evaluation::{Beside, Flags, decisive, load, pod, settings_of},
    input::whole_text_of,
    output::{Destination, Output, tell},
};

mod answer;
mod show;
mod write;

use answer::{Answer, Question};
use show::Row;

/// The exit codes of this command.
const UNPINNED: u8 = 1;
const UNKNOWN: u8 = 2;

/// Writes the digests that the policy proves into manifests and kustomizations
///
/// Asks the policy about each image, and tells what would be written. Changes nothing without --write.
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  done; with --check, every image that a signature has to prove is pinned to the proven digest
  1  an image was denied; with --check, also if an image is not pinned to the proven digest
  2  something could not be read, written or determined, or the command line is wrong")]
pub(crate) struct Args {
    /// Manifests and kustomizations as YAML or JSON, or folders that hold them. `-` reads standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The policy's module
    #[arg(long, value_name = "FILE", default_value = "policy.wasm")]
    policy: PathBuf,
    /// Write nothing, and fail if an image is not pinned to the proven digest
    #[arg(long, conflicts_with_all = ["diff", "write"])]
    check: bool,
    /// Write nothing, and print a unified diff
    #[arg(long, conflicts_with = "write")]
    diff: bool,
    /// Change the files
    #[arg(long)]
    write: bool,
    /// Replace a digest, too, if the policy proves another one for its tag
    #[arg(long)]
    update: bool,
    /// The format of the result
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    to: Destination,
    #[command(flatten)]
    flags: Flags,
}

/// A file, and what there is to pin in it. Without the latter, it could not be read.
struct File {
    path: PathBuf,
    read: Result<(Manifest, Targets)>,
}

/// What becomes of a file.
struct Done {
    path: PathBuf,
    rows: Vec<Row>,
    /// Why the file could not be read, edited or written.
    error: Option<String>,
    /// The text before and after, where it changes.
    change: Option<(String, String)>,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    match pin(args) {
        Ok(code) => code,
        Err(error) => crate::told(&format!("Error: {error:#}"), ExitCode::from(UNKNOWN)),
    }
}

fn pin(args: &Args) -> Result<ExitCode> {
    let reads_stdin = args.paths.iter().any(|path| path.as_os_str() == STDIN);
    if reads_stdin && args.write {
        bail!("expected files for --write, found `-`: standard input cannot be changed; use --diff");
    }
    let paths = args.flags.manifests(&args.paths)?;
    let policy = load(&args.policy)?;
    let settings = args.flags.settings(&policy)?;
    let text = settings.to_string();
    let read = settings_of(&text)?;
    let kinds = Kinds::with(read.workloads());
    let files: Vec<File> = paths.into_iter().map(|path| File::read(path, kinds)).collect();
    let questions: Vec<Question> = {
        let targets = files.iter().filter_map(|file| file.read.as_ref().ok()).flat_map(|(_, found)| &found.images);
        let mut questions: Vec<Question> = targets.flat_map(Question::of).collect();
        questions.sort();
        questions.dedup();
        questions
    };
    let requests: Vec<_> = questions.iter().map(|it| pod("pin", &it.namespace, &it.image)).collect::<Result<_>>()?;
    let many = args.flags.many(&policy)?;
    let answers =
        many.evaluate(&requests, &decisive(settings), Beside::default(), |_, evaluation| Answer::of(&evaluation))?;
    many.finish()?;
    let answers: BTreeMap<Question, Answer> = questions.into_iter().zip(answers).collect();
    let mut done: Vec<Done> = files.into_iter().map(|file| file.pin(&answers, args.update)).collect();
    if args.write {
        done.iter_mut().for_each(Done::write);
    }
    show::result(args, &done)?;
    for (path, error) in done.iter().filter_map(|file| Some((&file.path, file.error.as_ref()?))) {
        tell(&format!("Error: {}: {error}", path.display()))?;
    }
    let any = |is: fn(&Row) -> bool| done.iter().flat_map(|file| &file.rows).any(is);
    Ok(if done.iter().any(|file| file.error.is_some()) || any(Row::is_unknown) {
        ExitCode::from(UNKNOWN)
    } else if any(Row::is_denied) || args.check && any(Row::is_unpinned) {
        ExitCode::from(UNPINNED)
    } else {
        ExitCode::SUCCESS
    })
}

impl File {
    fn read(path: PathBuf, kinds: Kinds<'_>) -> File {
        let read = || {
            let (text, _) = whole_text_of("manifest", &path)?;
            let manifest = Manifest::parse(text)?;
            let targets = targets(&manifest, is_kustomization(&path), kinds)?;
            Ok((manifest, targets))
        };
        File { read: read(), path }
    }

    fn pin(self, answers: &BTreeMap<Question, Answer>, update: bool) -> Done {
        let (manifest, found) = match self.read {
            Ok(read) => read,
            Err(error) => {
                return Done { path: self.path, rows: Vec::new(), error: Some(format!("{error:#}")), change: None };
            }
        };
        let mut rows: Vec<Row> = found.images.iter().map(|target| Row::of(target, answers)).collect();
        let pins: Vec<(&Target, Digest)> =
            found.images.iter().zip(&rows).filter_map(|(target, row)| Some((target, row.pin(update)?))).collect();
        let (change, error) = match pinned(&manifest, &pins) {
            Ok(_) if pins.is_empty() => (None, None),
            Ok(text) => (Some((manifest.text().to_owned(), text)), None),
            Err(error) => (None, Some(error.to_string())),
        };
        if let Some(error) = &error {
            rows = rows.into_iter().map(|row| row.refused(error, update)).collect();
        }
        rows.extend(found.unreadable.into_iter().map(|(object, bad)| Row::unreadable(object, bad)));
        rows.extend(found.unset.into_iter().map(|(image, place)| Row::unset(image, place)));
        rows.sort_by_key(|row| row.place);
        Done { path: self.path, rows, error, change }
    }
}

impl Done {
    fn write(&mut self) {
        let Some((before, after)) = &self.change else { return };
        let result = write::replace(&self.path, before, after).context("the file is not changed");
        self.error = result.err().map(|error| format!("{error:#}"));
    }
}

/// What an image becomes.
fn image_with(image: &str, digest: Digest) -> String {
    with_digest(image, digest).unwrap_or_else(|| image.to_owned())
}
