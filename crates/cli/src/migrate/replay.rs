//! How does the module decide recorded requests, on a host where everything is signed?

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use image_trust_host::{AdmissionRequest, Answers, ContextAwareResource, Deadline, Gate, HostRequest, Policy};
use image_trust_migrate::{Comparison, Difference, Here, Migration, kinds};
use image_trust_testbed::loopback::{Signer, signed_by_all, signed_payload};
use json_patch::PatchOperation;
use serde_json::{Map, Value, json};

use crate::tables::{shown, table};

/// The digest that every tag has in a replay.
const DIGEST: &str = "sha256:5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160ed5160";

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

/// Decides every recorded request by Connaisseur's rules and by the module.
pub(super) fn compare(
    migration: &Migration,
    policy: &Policy,
    recorded: &[(String, AdmissionRequest)],
) -> Result<Comparison> {
    let (settings, signers) = with_keys(migration.settings()?);
    let signed = Arc::new(Signed(signers));
    if let Err(problem) = policy.check_settings(&settings) {
        bail!(
            "this module does not accept the migrated settings; is it of another version than this command? {problem}"
        );
    }
    let plain = |(name, request): &(String, AdmissionRequest)| Ok((name.clone(), serde_json::to_value(request)?));
    let requests: Vec<(String, Value)> = recorded.iter().map(plain).collect::<Result<_>>()?;
    image_trust_migrate::compare(migration, &requests, |at| {
        let (_, request) = recorded.get(at).context("there is no such request")?;
        here(policy, request, &settings, &signed)
    })
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
            // whoever signs trust data signs the image itself here
            map.insert("type".to_owned(), "cosign".into());
        }
        validator
    };
    // What only signatures of one kind have, or what cosign's have and these lack.
    let of_formats = ["verifyInTransparencyLog", "verifySCT", "delegations", "verificationLevel", "verifyTimestamp"];
    let without_formats = |mut rule: Value| {
        if let Some(with) = rule.get_mut("with").and_then(Value::as_object_mut) {
            of_formats.iter().for_each(|key| drop(with.remove(*key)));
        }
        rule
    };
    settings["validators"] = list(settings.get_mut("validators")).into_iter().map(with_key).collect();
    settings["policy"] = list(settings.get_mut("policy")).into_iter().map(without_formats).collect();
    (settings, signers)
}

/// The module's answer to a request, for images whose signatures are `signed`.
fn here(policy: &Policy, request: &AdmissionRequest, settings: &Value, signed: &Arc<Signed>) -> Result<Here> {
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

/// What a module that is not annotated would be allowed to look up.
fn owners() -> impl Iterator<Item = ContextAwareResource> {
    kinds().map(|(api_version, kind)| ContextAwareResource { api_version, kind: kind.to_owned() })
}

/// The differences as a text for people.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut table =
        table(Some(["request", "slot", "image", "connaisseur", "here", "why (docs/explanation/divergences.md)"]));
    for difference in &comparison.differences {
        let Difference { request, slot, image, connaisseur, ours, why } = difference;
        table.add_row([request, slot, image, connaisseur, ours, why].map(|text| shown(text)));
    }
    table.trim_fmt()
}
