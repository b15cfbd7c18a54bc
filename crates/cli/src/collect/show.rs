//! How is it told what was collected?

use std::collections::BTreeMap;

use anyhow::Result;
use image_trust::ImageRef;
use image_trust_collect::{
    bundle::Bundle,
    find::NOTATION,
    manifest::{ENVELOPE, EvidenceManifest, LEFT_OUT, OCSP_RESPONSE, REVOCATION_LIST, TRUST_DATA},
    registry::Error,
};
use serde_json::{Value, json};

use super::{About, Evidence, Outcome, check::Verdict};
use crate::tables::{shown, table};

/// One image of the command line, and what became of it.
pub(super) struct Collected {
    image: ImageRef,
    evidence: Vec<Evidence>,
    verdict: Option<Verdict>,
    error: Option<String>,
    help: Option<String>,
}

impl Collected {
    pub(super) fn of(image: &ImageRef, evidence: Vec<Evidence>, result: Result<Option<Verdict>>) -> Collected {
        let (verdict, error, help) = match result {
            Ok(verdict) => (verdict, None, None),
            Err(error) => {
                let help = error.downcast_ref::<Error>().and_then(Error::help);
                (None, Some(format!("{error:#}")), help)
            }
        };
        Collected { image: image.clone(), evidence, verdict, error, help }
    }

    /// Whether this bundle names the image, or one of its platforms.
    pub(super) fn is_about(&self, bundle: &Bundle) -> bool {
        self.evidence.iter().any(|evidence| match &evidence.about {
            About::Image(digest, _) => bundle.names.contains(digest),
            About::Tags(_) => false,
        })
    }

    pub(super) fn has_failed(&self) -> bool {
        self.error.is_some() || self.verdict.as_ref().is_some_and(|verdict| !verdict.allowed)
    }

    pub(super) fn has_left(&self) -> bool {
        self.evidence.iter().any(|evidence| !evidence.left().is_empty())
    }

    pub(super) fn has_nothing(&self) -> bool {
        self.evidence.iter().all(|evidence| evidence.outcome == Outcome::Nothing)
    }

    /// The manifests that are written to a folder, marked as such.
    pub(super) fn write(&mut self) -> impl Iterator<Item = &EvidenceManifest> {
        let waiting = self.evidence.iter_mut().filter(|evidence| evidence.outcome == Outcome::WouldPush);
        waiting.map(|evidence| {
            evidence.outcome = Outcome::Written;
            &evidence.manifest
        })
    }
}

impl Evidence {
    /// The evidence that is not in the manifest: its places, and the reasons.
    fn left(&self) -> Vec<(String, String)> {
        let place = |item| self.found.get(item).cloned().unwrap_or_default();
        let of_manifest = self.manifest.left.iter().map(|(item, why)| (place(item), why.to_string()));
        self.left.iter().cloned().chain(of_manifest).collect()
    }

    /// The digests of items that a push takes away. Trust data is replaced whenever somebody signs.
    fn lost(&self) -> Vec<String> {
        if matches!(self.about, About::Tags(_)) {
            return Vec::new();
        }
        let changes = ![Outcome::Nothing, Outcome::Unchanged].contains(&self.outcome);
        self.before.iter().filter(|_| changes).flat_map(|before| before.lost(&self.manifest)).collect()
    }

    /// The number of items of each kind, as in `2 bundles, 1 signature`.
    fn counted(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for kept in &self.manifest.items {
            *counts.entry(kind(&kept.item.media_type)).or_default() += 1;
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let told = counts.iter().map(|(kind, count)| format!("{count} {kind}{}", plural(*count)));
        told.collect::<Vec<_>>().join(", ")
    }
}

fn kind(media_type: &str) -> &'static str {
    match media_type {
        ENVELOPE => "attestation",
        LEFT_OUT => "item left out",
        TRUST_DATA => "trust data file",
        REVOCATION_LIST => "revocation list",
        OCSP_RESPONSE => "OCSP response",
        notation if NOTATION.contains(&notation) => "Notation signature",
        bundle if bundle.starts_with("application/vnd.dev.sigstore.bundle") => "bundle",
        _ => "signature",
    }
}

impl Outcome {
    /// The words for people, and the word for programs.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Outcome::Pushed => ("pushed", "pushed"),
            Outcome::Unchanged => ("unchanged", "unchanged"),
            Outcome::WouldPush => ("would be pushed", "would-push"),
            Outcome::Written => ("written", "written"),
            Outcome::Denied => ("not pushed: the policy would deny the image", "denied"),
            Outcome::Nothing => ("nothing found", "nothing"),
            Outcome::Failed => ("not pushed", "failed"),
        }
    }
}

/// A table with a line for each digest.
pub(super) fn text(collected: &[Collected]) -> String {
    let mut table = table(Some(["image", "platform", "digest", "evidence", "result"]));
    for image in collected {
        for (evidence, is_first) in image.evidence.iter().zip([true].into_iter().chain(std::iter::repeat(false))) {
            let (platform, digest) = match &evidence.about {
                About::Image(digest, platform) => (
                    shown(platform.as_deref().unwrap_or_default()),
                    digest.to_string().chars().take(19).chain(['…']).collect(),
                ),
                About::Tags(_) => ("all tags".to_owned(), "by Notary v1".to_owned()),
            };
            table.add_row([
                if is_first { shown(image.image.written()) } else { String::new() },
                platform,
                digest,
                evidence.counted(),
                evidence.outcome.words().0.to_owned(),
            ]);
        }
        if image.evidence.is_empty() {
            table.add_row([
                shown(image.image.written()),
                String::new(),
                String::new(),
                String::new(),
                "failed".to_owned(),
            ]);
        }
        if let Some(Verdict { allowed, .. }) = &image.verdict {
            let verdict = if *allowed { "the policy would admit it" } else { "the policy would deny it" };
            table.add_row([String::new(), String::new(), String::new(), String::new(), verdict.to_owned()]);
        }
    }
    table.trim_fmt()
}

/// The errors and warnings that belong to the table.
pub(super) fn complaints(collected: &[Collected], unread: &[(String, String)]) -> Vec<String> {
    let mut told = Vec::new();
    for image in collected {
        for evidence in &image.evidence {
            let left = evidence.left();
            told.extend(left.iter().map(|(place, why)| format!("Warning: {place} is left out: {why}")));
            let about = match &evidence.about {
                About::Image(digest, _) => digest.to_string(),
                About::Tags(gun) => format!("the tags of {gun}"),
            };
            told.extend(evidence.lost().iter().map(|item| {
                format!("Warning: the evidence manifest for {about} had {item}, which was not found any more; give its file with --bundle to keep it")
            }));
            if evidence.outcome == Outcome::Nothing && evidence.before.is_some() {
                told.push(format!("Warning: nothing was found for {about}; its evidence manifest stays as it is"));
            }
        }
        if let Some(Verdict { allowed: false, message }) = &image.verdict {
            told.push(format!("Error: the policy would deny {}:\n{message}", image.image.written()));
        }
        told.extend(image.error.iter().map(|error| format!("Error: {}: {error}", image.image.written())));
        told.extend(image.help.iter().map(|help| format!("  help: {help}")));
    }
    told.extend(unread.iter().map(|(place, why)| format!("Warning: {place} is left out: {why}")));
    told
}

/// The whole result as JSON.
pub(super) fn json(collected: &[Collected], unread: &[(String, String)]) -> Result<String> {
    let images: Vec<Value> = collected.iter().map(of_image).collect();
    Ok(serde_json::to_string_pretty(&json!({"images": images, "leftOut": left(unread)}))?)
}

fn left(left: &[(String, String)]) -> Vec<Value> {
    left.iter().map(|(what, why)| json!({"what": what, "why": why})).collect()
}

fn of_image(image: &Collected) -> Value {
    let evidence: Vec<Value> = image.evidence.iter().map(of_evidence).collect();
    let check = image.verdict.as_ref().map(|verdict| json!({"allowed": verdict.allowed, "message": verdict.message}));
    json!({
        "image": image.image.written(),
        "evidence": evidence,
        "check": check,
        "error": image.error,
        "help": image.help,
    })
}

fn of_evidence(evidence: &Evidence) -> Value {
    let items: Vec<Value> = evidence.manifest.items.iter().map(|kept| {
        json!({
            "mediaType": kept.item.media_type,
            "digest": kept.item.digest().to_string(),
            "size": kept.item.bytes.len(),
            "place": evidence.found.get(&kept.item),
            "manifest": kept.pointer.and_then(|number| evidence.manifest.pointers.get(number.checked_sub(1)?)).map(|pointer| pointer.digest.to_string()),
        })
    }).collect();
    let is_written = evidence.outcome != Outcome::Nothing;
    let (digest, platform, gun) = match &evidence.about {
        About::Image(digest, platform) => (Some(digest.to_string()), platform.as_deref(), None),
        About::Tags(gun) => (None, None, Some(gun)),
    };
    json!({
        "digest": digest,
        "platform": platform,
        "gun": gun,
        "tag": evidence.manifest.manifest.tag,
        "manifest": is_written.then(|| evidence.manifest.manifest.digest.to_string()),
        "outcome": evidence.outcome.words().1,
        "items": items,
        "leftOut": left(&evidence.left()),
        "lost": evidence.lost(),
    })
}
