//! `image-trust explain`: why does one image come out as it does?
//!
//! The verdict is the module's, for a Pod with this one image. Which rules were in question is told by the crate's rules, and has to agree with
//! the record that the module leaves behind.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use image_trust_host::{AdmissionResponse, Evaluation, HostCall};
use json_patch::PatchOperation;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    evaluation::{Flags, NAMESPACE, decisive, load, namespace, pod},
    output::{Destination, Output},
};

mod items;
mod rules;
mod show;
mod weigh;

use rules::{Image, Rule};

/// Where the one image is.
const SLOT: &str = "/spec/containers/0/image";

/// The exit codes of this command.
const DENIED: u8 = 1;
const UNKNOWN: u8 = 2;

/// Explains what happens to one image: which rule decides and why, what the host is asked, what is found, and the verdict
///
/// The time budget is always 30 seconds, and detection mode is off. `features.timeBudgetMs` and `features.detectionMode` in the settings are ignored.
#[derive(clap::Args)]
#[command(after_help = "Exit codes:
  0  the image is admitted
  1  the image is denied
  2  that cannot be determined, or the command line is wrong")]
pub(crate) struct Args {
    /// The image, as a Pod names it
    image: String,
    /// The policy's module
    #[arg(long, value_name = "FILE", default_value = "policy.wasm")]
    policy: PathBuf,
    /// The format of the result
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    to: Destination,
    /// The namespace of the Pod, which decides whether exceptions apply
    #[arg(short, long, value_name = "NAMESPACE", default_value = NAMESPACE, value_parser = namespace)]
    namespace: String,
    #[command(flatten)]
    flags: Flags,
}

/// Everything there is to tell; these are the keys of the JSON document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    image: Image,
    /// Every rule, in the order of the settings; none where the text names no image.
    rules: Vec<Rule>,
    host_calls: Vec<Call>,
    /// The items of the evidence manifests that were read, and what each of them proves.
    evidence_items: Vec<items::Item>,
    /// The module's own record, whatever is in it.
    evidence: Option<Map<String, Value>>,
    verdict: Verdict,
    /// What the module's record says otherwise than the rules.
    disagreement: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    capability: String,
    /// What was asked, as it was sent.
    payload: Value,
    /// The names of the trust roots whose keys were asked about.
    trust_roots: BTreeSet<String>,
    milliseconds: f64,
    /// The host's words, where it did not answer.
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    allowed: bool,
    code: Option<u16>,
    message: Option<String>,
    warnings: Vec<String>,
    /// What the image becomes, where it is changed.
    pinned: Option<String>,
    /// The whole evaluation, without compilation.
    milliseconds: f64,
}

/// What cannot be explained cannot be told either.
pub(crate) fn run(args: &Args) -> ExitCode {
    match explain(args) {
        Ok(code) => code,
        Err(error) => crate::told(&format!("Error: {error:#}"), ExitCode::from(UNKNOWN)),
    }
}

fn explain(args: &Args) -> Result<ExitCode> {
    if is_file(&args.image) {
        bail!(
            "expected an image reference, found \"{}\", which looks like a file; to check the object in a file, use `image-trust run -r FILE`",
            args.image
        );
    }
    let policy = load(&args.policy)?;
    let settings = args.flags.settings(&policy)?;
    let (image, rules) = rules::read(&args.image, &settings.to_string())?;
    let evaluation =
        args.flags.evaluate(&policy, &pod("explain", &args.namespace, &args.image)?, &decisive(settings.clone()))?;
    let evidence = record(&evaluation.response);
    let explanation = Explanation {
        disagreement: evidence.as_ref().and_then(|record| rules::disagreement(&rules, record)),
        image,
        rules,
        host_calls: evaluation.calls.iter().map(|call| Call::of(call, &settings)).collect(),
        evidence_items: items::read(&args.image, &settings.to_string(), &evaluation.calls),
        evidence,
        verdict: Verdict::of(&evaluation)?,
    };
    match args.output {
        Output::Text => args.to.text(&show::text(&explanation))?,
        Output::Json => args.to.document(&serde_json::to_string_pretty(&explanation)?)?,
    }
    match (explanation.disagreement, explanation.verdict.code) {
        (Some(what), _) => bail!("{what}"),
        (None, _) if explanation.verdict.allowed => Ok(ExitCode::SUCCESS),
        (None, Some(500..)) => Ok(ExitCode::from(UNKNOWN)),
        (None, _) => Ok(ExitCode::from(DENIED)),
    }
}

/// Does this name a file, and no image? Images can be called like files that are not there, or like those without an ending.
fn is_file(text: &str) -> bool {
    let ends = [".yaml", ".yml", ".json"];
    text == "-" || (Path::new(text).is_file() && ends.iter().any(|end| text.ends_with(end)))
}

fn record(response: &AdmissionResponse) -> Option<Map<String, Value>> {
    let text = response.audit_annotations.as_ref()?.get("image-0")?;
    serde_json::from_str(text).ok()
}

fn milliseconds(elapsed: std::time::Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

impl Call {
    fn of(call: &HostCall, settings: &Value) -> Call {
        let payload = serde_json::from_str(&call.payload).unwrap_or_else(|_| call.payload.clone().into());
        Call {
            capability: call.capability.clone(),
            trust_roots: trust_roots(&payload, settings),
            payload,
            milliseconds: milliseconds(call.elapsed),
            error: call.answer.clone().err(),
        }
    }
}

/// Whose keys a payload has, by their text.
fn trust_roots(payload: &Value, settings: &Value) -> BTreeSet<String> {
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let asked = list(payload, "pub_keys");
    // Settings hold a key in one of many forms, and the host is asked in one.
    let body = |pem: &str| -> String {
        let between = pem.split_once("-----BEGIN PUBLIC KEY-----").and_then(|(_, rest)| rest.split_once("-----END"));
        between.map_or(pem, |(body, _)| body).split_whitespace().collect()
    };
    let is_same = |one: &str, other: &str| body(one) == body(other);
    let is_asked = |key: &str| asked.iter().any(|asked| asked.as_str().is_some_and(|asked| is_same(asked, key)));
    let roots = list(settings, "validators").into_iter().flat_map(|validator| list(&validator, "trustRoots"));
    roots.filter(|root| is_asked(&text(root, "key"))).map(|root| text(&root, "name")).collect()
}

impl Verdict {
    fn of(evaluation: &Evaluation) -> Result<Verdict> {
        let response = &evaluation.response;
        let status = response.status.clone().unwrap_or_default();
        let patch = response.decoded_patch().context("the patch can't be read")?;
        let pinned = patch.into_iter().flat_map(|patch| patch.0).find_map(|operation| match operation {
            PatchOperation::Replace(replace) if replace.path == *SLOT => replace.value.as_str().map(str::to_owned),
            _ => None,
        });
        Ok(Verdict {
            allowed: response.allowed,
            code: status.code,
            message: status.message,
            warnings: response.warnings.clone().unwrap_or_default(),
            pinned,
            milliseconds: milliseconds(evaluation.elapsed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_have_names() {
        let settings = json!({"validators": [
            {"name": "team", "trustRoots": [{"name": "alice", "key": "A\n"}, {"name": "bob", "key": "B"}]},
            {"name": "allow"},
            {"name": "other", "trustRoots": [{"name": "alice", "key": "A"}, {"name": "keyless"}]},
        ]});
        let rows = [
            (json!({"pub_keys": ["A"]}), vec!["alice"], "however the text ends, and told once"),
            (
                json!({"pub_keys": ["-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----"]}),
                vec!["alice"],
                "in another form",
            ),
            (json!({"pub_keys": ["B", "A"]}), vec!["alice", "bob"], "several"),
            (json!({"pub_keys": ["C"]}), vec![], "nobody's"),
            (json!("ghcr.io/acme/app"), vec![], "a question about no key"),
        ];
        for (payload, expected, why) in rows {
            assert!(trust_roots(&payload, &settings).iter().eq(expected.iter()), "{why}");
        }
    }
}
