//! `image-trust collect`: what did anybody sign about an image, and how does the policy get to see it?
//!
//! The crate finds and writes. Nothing is proven here, but `--check` asks the module what it would say.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, anyhow, bail};
use image_trust::{Digest, ImageRef};
use image_trust_collect::{
    bundle::{self, Bundle},
    find::{Found, Places, find},
    layout,
    manifest::{EvidenceManifest, Item},
    notary::{self, Server, TrustData},
    push::{Before, push},
    registry::{Client, Config, Error, Patience, Repository},
    revocation::RevocationClient,
};

use crate::{
    evaluation::Registries,
    output::{Output, print, print_json, tell},
    progress,
};

mod check;
mod show;

use check::Check;
use show::Collected;

/// The size of the largest file with bundles, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The exit codes of this command.
const FAILED: u8 = 1;
const NOTHING: u8 = 3;
const LEFT: u8 = 4;

/// Collects the signatures and attestations of images into evidence manifests, which the policy can read
///
/// Searches for everything that cosign, GitHub and Notation store beside an image and its platforms. Pushes one evidence manifest for each digest, if it has changed.
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  everything that was found is in the evidence manifests
  1  an image failed, or the policy would deny it
  2  the command line is wrong
  3  nothing was found for an image
  4  something was found that an evidence manifest cannot hold, or that is about none of the images")]
pub(crate) struct Args {
    /// The images, by tag or digest
    #[arg(value_name = "IMAGE", required = true, value_parser = image)]
    images: Vec<ImageRef>,
    /// Push to this repository, instead of beside the image. Name it in the settings as `repository`
    #[arg(long, value_name = "REPOSITORY", value_parser = Repository::parse)]
    to: Option<Repository>,
    /// Search this repository, too. Use it if COSIGN_REPOSITORY was set when the image was signed
    #[arg(long, value_name = "REPOSITORY", value_parser = Repository::parse)]
    from: Option<Repository>,
    /// Add the bundles in this file: one document, or one bundle on each line. Can be repeated
    #[arg(long, value_name = "FILE")]
    bundle: Vec<PathBuf>,
    /// Ask the CAs of Notation's signatures about revoked certificates: add the revocation lists (CRLs) and OCSP responses of the servers that the certificates name
    #[arg(long)]
    crl: bool,
    /// Add what was signed in Docker Content Trust: the trust data that this notary server has for the repository of each image
    #[arg(long, value_name = "URL", value_parser = Server::parse)]
    notary: Option<Server>,
    /// The name of the repository on the notary server, if that is not the name of the image. Name it in the settings as `gun`
    #[arg(long, value_name = "GUN", requires = "notary")]
    gun: Option<String>,
    /// Push nothing, and tell what would be pushed
    #[arg(long)]
    dry_run: bool,
    /// Write an OCI image layout into this folder, and push nothing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Evaluate the policy with these settings before a push. Evidence for an image that is denied is not pushed
    #[arg(long, value_name = "SETTINGS")]
    check: Option<PathBuf>,
    /// The policy's module, for --check
    #[arg(long, value_name = "FILE", default_value = "policy.wasm", requires = "check")]
    policy: PathBuf,
    /// The format of the result
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    registries: Registries,
}

fn image(text: &str) -> Result<ImageRef, String> {
    ImageRef::parse(text).map_err(|error| error.to_string())
}

/// The outcome for the evidence of one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Pushed,
    Unchanged,
    WouldPush,
    Written,
    Denied,
    Nothing,
    /// The push failed, or an earlier one failed and this one was not tried.
    Failed,
}

/// What evidence is about.
pub(super) enum About {
    /// An image, or a platform of an index.
    Image(Digest, Option<String>),
    /// The tags of the repository with this globally unique name (GUN).
    Tags(String),
}

/// The evidence for one digest, or for the tags of a repository: what was found, and what was written.
pub(super) struct Evidence {
    about: About,
    /// The items with the places where they were found.
    found: BTreeMap<Item, String>,
    /// Places whose evidence could not be collected, and the reason for each.
    left: Vec<(String, String)>,
    manifest: EvidenceManifest,
    before: Option<Before>,
    outcome: Outcome,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    match collect(args) {
        Ok(code) => code,
        Err(error) => crate::told(&format!("Error: {error:#}"), ExitCode::from(FAILED)),
    }
}

fn collect(args: &Args) -> Result<ExitCode> {
    let check =
        args.check.as_deref().map(|settings| Check::new(settings, &args.policy, &args.registries)).transpose()?;
    let (bundles, mut unread) = bundles(&args.bundle)?;
    let mut sources = args.registries.sources()?;
    sources.insecure.extend(args.notary.iter().filter(|server| server.is_plain).map(|server| server.host().to_owned()));
    let client = Client::new(Config {
        sources,
        docker_config: args.registries.docker_config()?,
        patience: Patience::default(),
    })?;
    let revocation = args.crl.then(RevocationClient::new).transpose();
    let revocation = revocation.map_err(|error| anyhow!("cannot ask CAs about revoked certificates: {error}"))?;
    let ways = Ways { client: &client, bundles: &bundles, revocation: revocation.as_ref(), check: check.as_ref() };
    let mut collected: Vec<Collected> = Vec::new();
    for image in &args.images {
        let one = |evidence: &mut Vec<Evidence>| one_image(args, ways, image, evidence);
        let mut evidence = Vec::new();
        let what = format!("collecting evidence for {}", image.written());
        let result = progress::during(&what, || one(&mut evidence));
        collected.push(Collected::of(image, evidence, result));
    }
    let is_used = |bundle: &Bundle| collected.iter().any(|image| image.is_about(bundle));
    let unused = bundles.iter().filter(|(_, bundle)| !is_used(bundle));
    unread.extend(unused.map(|(place, _)| (place.clone(), "it is about none of the images".to_owned())));
    if let Some(folder) = &args.out {
        let evidence: Vec<&EvidenceManifest> = collected.iter_mut().flat_map(Collected::write).collect();
        layout::write(folder, &evidence).with_context(|| format!("cannot write {}", folder.display()))?;
    }
    match args.output {
        Output::Text => print(&show::text(&collected))?,
        Output::Json => print_json(&show::json(&collected, &unread)?)?,
    }
    show::complaints(&collected, &unread).iter().try_for_each(|complaint| tell(complaint))?;
    let is_any = |is: fn(&Collected) -> bool| collected.iter().any(is);
    Ok(if is_any(Collected::has_failed) {
        ExitCode::from(FAILED)
    } else if is_any(Collected::has_left) || !unread.is_empty() {
        ExitCode::from(LEFT)
    } else if is_any(Collected::has_nothing) {
        ExitCode::from(NOTHING)
    } else {
        ExitCode::SUCCESS
    })
}

/// What is needed for every image.
#[derive(Clone, Copy)]
struct Ways<'a> {
    client: &'a Client,
    bundles: &'a [(String, Bundle)],
    revocation: Option<&'a RevocationClient>,
    check: Option<&'a Check>,
}

/// Finds, checks and pushes the evidence for one image. After an error, `evidence` holds what was done until then.
fn one_image(
    args: &Args,
    Ways { client, bundles, revocation, check }: Ways<'_>,
    image: &ImageRef,
    evidence: &mut Vec<Evidence>,
) -> Result<Option<check::Verdict>> {
    let at = Repository::of(image);
    let places = Places { from: args.from.as_ref(), bundles };
    let Some(found) = find(client, image, places)? else {
        bail!("there is no image {}; check the name, and that the credentials may see it", image.written());
    };
    let to = args.to.as_ref().unwrap_or(&at);
    let tags = args.notary.as_ref().map(|server| of_tags(client, server, image, args.gun.as_deref())).transpose()?;
    let with_revocation = |mut found| {
        revocation.iter().for_each(|client| client.add_to(&mut found));
        of_digest(found)
    };
    for (about, manifest, found, left) in found.into_iter().map(with_revocation).chain(tags) {
        let before = match args.out {
            Some(_) => None,
            None => Before::of(client, to, &manifest.manifest.tag)?,
        };
        let is_same = before.as_ref().is_some_and(|before| before.digest == manifest.manifest.digest);
        let outcome = if manifest.items.is_empty() {
            Outcome::Nothing
        } else if is_same {
            Outcome::Unchanged
        } else {
            Outcome::WouldPush
        };
        evidence.push(Evidence { about, found, left, manifest, before, outcome });
    }
    let verdict = check.map(|check| check.of(image, to, evidence)).transpose()?;
    let mut waiting = evidence.iter_mut().filter(|evidence| evidence.outcome == Outcome::WouldPush);
    if verdict.as_ref().is_some_and(|verdict| !verdict.allowed) {
        waiting.for_each(|evidence| evidence.outcome = Outcome::Denied);
    } else if !args.dry_run && args.out.is_none() {
        // Platforms first: once the index has its evidence, so does what it lists.
        let pushed = waiting.by_ref().rev().try_for_each(|evidence| {
            evidence.outcome = Outcome::Failed;
            push(client, to, &evidence.manifest)?;
            evidence.outcome = Outcome::Pushed;
            Ok::<(), Error>(())
        });
        waiting.for_each(|evidence| evidence.outcome = Outcome::Failed);
        pushed?;
    }
    Ok(verdict)
}

/// What evidence is about, its manifest, its items with their places, and what was left out.
type Written = (About, EvidenceManifest, BTreeMap<Item, String>, Vec<(String, String)>);

fn of_digest(Found { digest, platform, items, left }: Found) -> Written {
    (About::Image(digest, platform), EvidenceManifest::of(digest, items.keys().cloned()), items, left)
}

/// The trust data of the repository of `image`.
fn of_tags(client: &Client, server: &Server, image: &ImageRef, gun: Option<&str>) -> Result<Written> {
    let gun = gun.map_or_else(|| format!("{}/{}", image.registry(), image.repository()), str::to_owned);
    let TrustData(files) = notary::find(client, server, &gun)?.unwrap_or_default();
    let manifest = EvidenceManifest::of_trust_data(&gun, &files);
    // What was collected before may still be good.
    if let Some((role, why)) = manifest.lost_role() {
        bail!("the {role} of {gun} does not fit into an evidence manifest: {why}");
    }
    let place = |role| format!("the {role} of {gun} on {}", server.host());
    let items = files.iter().map(|(role, file)| (Item::file(role, file), place(role))).collect();
    Ok((About::Tags(gun), manifest, items, Vec::new()))
}

/// The bundles in these files with their places, and the texts that are no bundles with the reasons.
fn bundles(files: &[PathBuf]) -> Result<(Vec<(String, Bundle)>, Vec<(String, String)>)> {
    let (mut bundles, mut unread) = (Vec::new(), Vec::new());
    for file in files {
        let text = bundle_file(file)?;
        for (line, bundle) in bundle::read(text.trim_start_matches('\u{feff}')) {
            let place = format!("{}:{line}", file.display());
            match bundle {
                Ok(bundle) => bundles.push((place, bundle)),
                Err(why) => unread.push((place, why.to_string())),
            }
        }
    }
    Ok((bundles, unread))
}

fn bundle_file(file: &Path) -> Result<String> {
    let size = fs::metadata(file).map(|metadata| metadata.len()).unwrap_or_default();
    if size > MAX_FILE {
        bail!("expected a file with bundles of at most 64 MiB, found {} with {} MiB", file.display(), size >> 20);
    }
    fs::read_to_string(file).with_context(|| format!("cannot read the bundles {}", file.display()))
}
