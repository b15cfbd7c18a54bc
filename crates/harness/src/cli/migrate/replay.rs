//! Which recorded requests does this policy decide otherwise than Connaisseur did?
//!
//! Connaisseur's side is worked out by its rules; ours is the module itself, on a host that says that everything is signed. So what is compared is
//! whether an image is admitted, by which rule, and whether it is pinned; not whether it is signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use image_trust_harness::{
    AdmissionRequest, Answers, ContextAwareResource, Deadline, Gate, HostRequest, Policy,
    loopback::{Signer, signed_by_all, signed_payload},
};
use json_patch::PatchOperation;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    super::tables::{shown, table},
    Migration, connaisseur, patterns,
    requests::{self, Answer, Slot},
    validators::DENIES,
};

/// The digest of every tag.
const DIGEST: &str = "sha256:5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160";

/// What is assumed, for whoever reads the differences.
pub(super) const ASSUMED: &str = "Assumed on both sides: whatever has to be signed is. Owners are not looked up, so no image is approved for its owner's sake.";

/// Something that is decided otherwise.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    pub(super) request: String,
    slot: String,
    image: String,
    connaisseur: String,
    ours: String,
    why: String,
}

/// What all recorded requests came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comparison {
    pub(super) requests: usize,
    pub(super) images: usize,
    pub(super) differences: Vec<Difference>,
}

/// A registry in which all of them have signed every image.
struct Signed(Vec<Signer>);

impl Answers for Signed {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let digest = |image: &str| image.split_once('@').map_or(DIGEST, |(_, digest)| digest).to_owned();
        let answer = match request {
            HostRequest::OciManifestDigest { image } => json!({"digest": digest(image)}),
            HostRequest::OciManifest { image } => {
                match image.strip_suffix(".sig").and_then(|image| image.split_once(":sha256-")) {
                    Some((repository, hex)) => return self.signatures(repository, &format!("sha256:{hex}")),
                    None => bail!("Fail to interact with OCI registry: Image manifest not found: {image}"),
                }
            }
            HostRequest::KubernetesGetResource { .. } => bail!("not found: owners are not looked up"),
            _ => bail!("error sending request for url: nobody is asked in this replay"),
        };
        Ok(serde_json::to_vec(&answer)?)
    }
}

impl Signed {
    /// What lies beside an image, under the name that cosign signs.
    fn signatures(&self, repository: &str, digest: &str) -> Result<Vec<u8>> {
        let name = match repository.strip_prefix("docker.io/") {
            Some(rest) => format!("index.docker.io/{rest}"),
            None => repository.to_owned(),
        };
        let signers: Vec<&Signer> = self.0.iter().collect();
        Ok(signed_by_all(&signed_payload(&name, digest, &BTreeMap::new()), &signers)?)
    }
}

/// The recorded requests of a folder, in the order of their names.
pub(super) fn read(folder: &Path) -> Result<Vec<(String, AdmissionRequest)>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot list the requests in {}", folder.display()))?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in listed {
        let path = entry.with_context(|| format!("cannot list the requests in {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!(
            "there are no requests (*.json) in {}; each is an AdmissionReview or an AdmissionRequest, as `image-trust run -r` reads them",
            folder.display()
        );
    }
    let request = |path: &PathBuf| {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the request {}", path.display()))?;
        let request =
            AdmissionRequest::from_json(&text).with_context(|| format!("cannot use the request {}", path.display()))?;
        Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), request))
    };
    files.iter().map(request).collect()
}

/// Decides every request both ways.
pub(super) fn compare(
    migration: &Migration,
    policy: &Policy,
    recorded: &[(String, AdmissionRequest)],
) -> Result<Comparison> {
    let settings = patterns::value(&migration.settings)?;
    let (settings, signers) = with_keys(settings);
    let signed = Arc::new(Signed(signers));
    if let Err(problem) = policy.check_settings(&settings) {
        bail!(
            "this module does not accept the migrated settings; is it of another version than this command? {problem}"
        );
    }
    let mut comparison = Comparison::default();
    for (name, request) in recorded {
        let there = requests::decide(request, &migration.rules, &migration.settings.features);
        let here = Here::of(policy, request, &settings, &signed).with_context(|| format!("cannot evaluate {name}"))?;
        comparison.requests += 1;
        comparison.images += there.slots.len().max(here.records.len());
        comparison.differences.extend(differences(migration, name, &there, &here));
    }
    Ok(comparison)
}

/// The same settings with a key for everybody, and who has these keys: they can sign, as nobody can for the keys and certificates of the settings.
fn with_keys(mut settings: Value) -> (Value, Vec<Signer>) {
    let mut signers = Vec::new();
    let list = |value: Option<&mut Value>| value.and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let mut key = |validator: &Value, root: &Value| {
        let name = root.get("name").cloned().unwrap_or_default();
        let signer = Signer::named(&format!("{} of {}", name, validator.get("name").unwrap_or(&Value::Null)));
        let key = json!({"name": name, "key": signer.public_pem()});
        signers.push(signer);
        key
    };
    let with_key = |mut validator: Value| {
        let roots = list(validator.get_mut("trustRoots"));
        let keys: Vec<Value> = roots.iter().map(|root| key(&validator, root)).collect();
        if let Some(map) = validator.as_object_mut().filter(|_| !keys.is_empty()) {
            map.insert("trustRoots".to_owned(), keys.into());
            map.remove("host");
        }
        validator
    };
    let without_logs = |mut rule: Value| {
        if let Some(with) = rule.get_mut("with").and_then(Value::as_object_mut) {
            with.remove("verifyInTransparencyLog");
            with.remove("verifySCT");
        }
        rule
    };
    settings["validators"] = list(settings.get_mut("validators")).into_iter().map(with_key).collect();
    settings["policy"] = list(settings.get_mut("policy")).into_iter().map(without_logs).collect();
    (settings, signers)
}

/// What the module answers.
struct Here {
    is_allowed: bool,
    message: String,
    /// The records, by their slots.
    records: BTreeMap<String, Map<String, Value>>,
    /// Where images were changed.
    pinned: BTreeSet<String>,
}

impl Here {
    fn of(policy: &Policy, request: &AdmissionRequest, settings: &Value, signed: &Arc<Signed>) -> Result<Here> {
        let of_owners = policy.context_aware_resources().into_iter().chain(owners()).collect();
        let gate = Gate::new(Arc::clone(signed)).with_resources(of_owners);
        let response = policy.evaluate(request, settings, Arc::new(gate), Deadline::Off)?.response;
        let mut records = BTreeMap::new();
        for text in response.audit_annotations.iter().flat_map(BTreeMap::values) {
            let record: Map<String, Value> = serde_json::from_str(text).context("the module's record can't be read")?;
            let slots = record.get("slots").and_then(Value::as_array).cloned().unwrap_or_default();
            for slot in slots.iter().filter_map(Value::as_str) {
                records.entry(slot.to_owned()).or_insert_with(|| record.clone());
            }
        }
        let patch = response.decoded_patch().context("the module's patch can't be read")?;
        let replaced = |operation: PatchOperation| match operation {
            PatchOperation::Replace(replace) => Some(replace.path.to_string()),
            _ => None,
        };
        let pinned = patch.into_iter().flat_map(|patch| patch.0).filter_map(replaced).collect();
        let message = response.status.and_then(|status| status.message).unwrap_or_default();
        Ok(Here { is_allowed: response.allowed, message, records, pinned })
    }
}

/// What a module that is not annotated would be allowed to look up.
fn owners() -> impl Iterator<Item = ContextAwareResource> {
    super::settings::kinds().map(|(api_version, kind)| ContextAwareResource { api_version, kind: kind.to_owned() })
}

fn differences(migration: &Migration, name: &str, there: &Answer, here: &Here) -> Vec<Difference> {
    let mut found = Vec::new();
    let row = |slot: &str, image: &str, connaisseur: String, ours: String, why: String| Difference {
        request: name.to_owned(),
        slot: slot.to_owned(),
        image: image.to_owned(),
        connaisseur,
        ours,
        why,
    };
    for slot in &there.slots {
        let ours = Ours::of(migration, here, slot);
        if ours.is_like(slot, migration) {
            continue;
        }
        found.push(row(
            &slot.label,
            &slot.image,
            told_there(migration, slot),
            ours.told(),
            ours.why(migration, here.is_allowed, slot),
        ));
    }
    for (slot, record) in &here.records {
        if there.slots.iter().any(|other| other.label == *slot) {
            continue;
        }
        let ours = Ours {
            record: Some(record),
            is_pinned: record.get("pinned").and_then(Value::as_u64) > Some(0),
            entry: None,
        };
        // Where both admit the whole, or neither does, there is nothing to tell of a place that Connaisseur does not read.
        let is_whole = there.why.is_some() && there.is_allowed == here.is_allowed;
        if (is_whole || ours.is_admitted()) && !ours.is_pinned {
            continue;
        }
        let image = record.get("image").and_then(Value::as_str).unwrap_or_default();
        let connaisseur = there.why.unwrap_or("not looked at").to_owned();
        found.push(row(slot, image, connaisseur, ours.told(), whole(there)));
    }
    if found.is_empty() && there.is_allowed != here.is_allowed {
        let word = |is_allowed: bool| if is_allowed { "admitted" } else { "denied" };
        let connaisseur = match there.why {
            Some(why) => format!("{}: {why}", word(there.is_allowed)),
            None => word(there.is_allowed).to_owned(),
        };
        found.push(row("", "", connaisseur, format!("{}: {}", word(here.is_allowed), here.message), whole(there)));
    }
    found
}

/// Why a request is decided otherwise as a whole.
fn whole(there: &Answer) -> String {
    heading(match there.why {
        Some(requests::DELETED) => "An object that is being deleted may not bring an image",
        Some(_) if there.is_asked && there.is_allowed => "What is unreadable stays denied where only Pods are denied",
        _ => "More is looked at",
    })
}

fn told_there(migration: &Migration, slot: &Slot) -> String {
    let rule = slot.rule.and_then(|rule| migration.rules.get(rule));
    let rule = rule.map(|rule| format!(" by {} ({})", rule.written, rule.validator)).unwrap_or_default();
    let pinned = if slot.is_pinned { ", pinned" } else { "" };
    format!("{}{rule}{pinned}", slot.how)
}

/// What the module says of one image.
struct Ours<'a> {
    record: Option<&'a Map<String, Value>>,
    is_pinned: bool,
    /// The pattern that decided, by its place.
    entry: Option<usize>,
}

impl<'a> Ours<'a> {
    fn of(migration: &Migration, here: &'a Here, slot: &Slot) -> Ours<'a> {
        let record = here.records.get(&slot.label);
        let decided = record.and_then(|record| record.get("rule")?.as_str());
        // Records cut what is long.
        let is_it = |text: &str| {
            decided.is_some_and(|decided| {
                text == decided || decided.split_once('…').is_some_and(|(start, _)| text.starts_with(start))
            })
        };
        let entry = migration.settings.policy.iter().position(|rule| is_it(&rule.pattern));
        Ours { record, is_pinned: here.pinned.contains(&slot.pointer), entry }
    }

    fn text(&self, key: &str) -> &str {
        self.record.and_then(|record| record.get(key)?.as_str()).unwrap_or_default()
    }

    fn is_admitted(&self) -> bool {
        // What no record is about brings no image.
        self.record.is_none() || self.text("verdict") != "denied"
    }

    fn rule(&self, migration: &Migration) -> Option<usize> {
        migration.entries.get(self.entry?).map(|entry| entry.rule)
    }

    fn is_like(&self, slot: &Slot, migration: &Migration) -> bool {
        let validator = slot.rule.and_then(|rule| migration.rules.get(rule)).map(|rule| rule.validator.as_str());
        let same_rule = slot.rule == self.rule(migration) && validator.unwrap_or_default() == self.text("validator");
        // What passes without a decision is like what is admitted and left as it is.
        let same_rule = same_rule || self.record.is_none();
        slot.is_admitted == self.is_admitted() && same_rule && slot.is_pinned == self.is_pinned
    }

    fn told(&self) -> String {
        let Some(_) = self.record else { return "not decided: nothing that it brings is new".to_owned() };
        let how = match self.text("reason") {
            "" => self.text("verdict").to_owned(),
            reason => format!("denied: {reason}"),
        };
        let by = match self.text("rule") {
            "" => String::new(),
            rule => format!(" by {rule} ({})", self.text("validator")),
        };
        format!("{how}{by}{}", if self.is_pinned { ", pinned" } else { "" })
    }

    /// The divergence that explains it.
    fn why(&self, migration: &Migration, is_allowed: bool, slot: &Slot) -> String {
        if self.record.is_none() {
            return heading("An update that brings nothing new passes");
        }
        let entry = self.entry.and_then(|entry| migration.entries.get(entry));
        let rule = slot.rule.and_then(|rule| migration.rules.get(rule));
        match self.text("reason") {
            "unreadable-image" => return heading("A name that two programs could read differently is refused"),
            "unreadable-slot" | "unreadable-object" | "unknown-kind" => return heading("More is looked at"),
            "rules-tie" => return heading("Ties deny, and doubles are refused"),
            "denied-after-pinning" => return heading("Pinning must not change the verdict"),
            _ => {}
        }
        if slot.how.contains("loses the tag") {
            return "a defect of Connaisseur's, which is not carried: it loses the tag where a Docker Hub name with its host has a digest and no library/".to_owned();
        }
        if self.text("validator") == DENIES {
            return match entry.is_some_and(|entry| entry.denies) {
                true => {
                    "a rule that was added so that no image is asked less for; see `changed` in the report".to_owned()
                }
                false => "what the rule asks for could not be carried; see `refused` in the report".to_owned(),
            };
        }
        if slot.rule == self.rule(migration) && slot.is_admitted == self.is_admitted() {
            return match (slot.is_pinned, is_allowed) {
                (true, false) => "denied here for another image, so nothing is pinned".to_owned(),
                (true, true) => heading("An update pins only what changed"),
                (false, _) => heading("Detection mode pins what was proven"),
            };
        }
        let canonical = image_trust::ImageRef::parse(&slot.image).map(|image| image.to_string()).unwrap_or_default();
        let name = connaisseur::name(&slot.image).unwrap_or_default();
        if name.strip_prefix("index.").unwrap_or(&name) != canonical {
            return heading("Short names are completed in patterns too");
        }
        let digest_decides = slot.image.contains('@') && rule.is_some_and(|rule| rule.written.contains(':'));
        let matches =
            migration.entries.iter().any(|entry| Some(entry.rule) == slot.rule && entry.names.hold(&canonical));
        match rule {
            // Connaisseur found none.
            None => heading("Short names are completed in patterns too"),
            Some(_) if !matches && digest_decides => heading("A static allow by tag does not cover digests"),
            Some(_) if !matches => heading("Patterns are compared part by part, and whole"),
            Some(_) => heading("What is spelt out outranks what begins alike"),
        }
    }
}

/// A heading of docs/divergences.md.
fn heading(text: &str) -> String {
    text.to_owned()
}

/// The differences, for people.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut table = table(Some(["request", "slot", "image", "connaisseur", "here", "why (docs/divergences.md)"]));
    for difference in &comparison.differences {
        let Difference { request, slot, image, connaisseur, ours, why } = difference;
        table.add_row([request, slot, image, connaisseur, ours, why].map(|text| shown(text)));
    }
    table.trim_fmt()
}
