//! What does each item of an evidence manifest prove? The policy's own checks, told for people; the verdict is the module's.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use image_trust::{
    Digest, ImageRef,
    policy::{Choice, Decision, Policy},
    report::evidence_items,
    time::UnixTime,
};
use image_trust_host::HostCall;
use serde::Serialize;
use serde_json::Value;

/// An item of an evidence manifest.
#[derive(Serialize)]
pub(super) struct Item {
    /// The digest of its content.
    pub(super) digest: Option<String>,
    /// What it proves, or why it proves nothing: a sentence for each trust root that it may be of.
    pub(super) said: Vec<String>,
}

/// The items of every evidence manifest that was read, as the rule that decides about `image` sees them.
pub(super) fn read(image: &str, settings: &str, calls: &[HostCall]) -> Vec<Item> {
    let read = || {
        let image = ImageRef::parse(image).ok()?;
        let policy = Policy::load(settings).ok()?;
        let rules = policy.rules(&[image.registry()].into()).ok()?;
        let Choice::Rule(rule) = rules.choose(&image).ok()? else { return None };
        let Decision::Prove { requirement, .. } = rule.decision().ok()? else { return None };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let now = UnixTime::since_epoch(since);
        let configs: BTreeMap<Digest, &[u8]> = calls.iter().filter_map(config).collect();
        let manifests = calls.iter().filter_map(|call| Some((digest(call)?, call.answer.as_ref().ok()?)));
        let items = manifests.flat_map(|(digest, json)| {
            match evidence_items(json, &image, digest, &requirement, now, &configs) {
                Ok(items) => items
                    .into_iter()
                    .map(|item| Item { digest: item.digest.map(|it| it.to_string()), said: item.said })
                    .collect(),
                Err(why) => vec![Item { digest: None, said: vec![why.to_owned()] }],
            }
        });
        Some(items.collect())
    };
    read().unwrap_or_default()
}

fn image(call: &HostCall) -> Option<ImageRef> {
    let payload: Value = serde_json::from_str(&call.payload).ok()?;
    ImageRef::parse(payload.get("image").unwrap_or(&payload).as_str()?).ok()
}

/// The pointer manifest for whose config a call asked, and the answer.
fn config(call: &HostCall) -> Option<(Digest, &[u8])> {
    let answer = call.answer.as_ref().ok().filter(|_| call.capability == "oci/v1/oci_manifest_config")?;
    Some((image(call)?.digest()?, answer))
}

/// The digest whose evidence manifest a call asked for.
fn digest(call: &HostCall) -> Option<Digest> {
    let image = image(call)?;
    let tag = image.tag()?.strip_suffix(".evidence")?.replacen('-', ":", 1);
    Digest::parse(&tag).ok()
}
