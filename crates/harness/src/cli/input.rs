//! What is evaluated, and what may the policy ask meanwhile? The flags that `run`, `explain` and `bench` share.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image_trust_harness::{AdmissionRequest, Answers, CapabilityPattern, Gate, Policy, Replay};
use serde_json::{Map, Value};

/// Everything about one evaluation but the request.
#[derive(clap::Args)]
pub(super) struct Input {
    /// Settings as YAML or JSON
    #[arg(short, long, value_name = "FILE", conflicts_with = "settings_json")]
    settings_path: Option<PathBuf>,
    /// Settings as JSON text
    #[arg(long, value_name = "JSON")]
    settings_json: Option<String>,
    /// Answer host calls from a recorded session instead of a registry
    #[arg(long, value_name = "FILE")]
    replay_host_capabilities_interactions: Option<PathBuf>,
    /// Let the policy read the Kubernetes resources that its metadata lists
    #[arg(long)]
    allow_context_aware: bool,
    /// A host capability the policy may call, as in `oci/*`; can be repeated
    #[arg(long, value_name = "PATTERN", default_value = "*")]
    allowed_host_capabilities: Vec<CapabilityPattern>,
}

impl Input {
    /// Is there anything beyond the defaults?
    pub(super) fn is_given(&self) -> bool {
        let Self { settings_path, settings_json, replay_host_capabilities_interactions, allow_context_aware, .. } =
            self;
        let files = [settings_path, replay_host_capabilities_interactions];
        files.iter().any(|file| file.is_some()) || settings_json.is_some() || *allow_context_aware
    }

    /// The settings, which may be none.
    pub(super) fn settings(&self) -> Result<Value> {
        let (text, origin) = match (&self.settings_path, &self.settings_json) {
            (Some(path), _) => {
                let text =
                    fs::read_to_string(path).with_context(|| format!("cannot read the settings {}", path.display()))?;
                (text, path.display().to_string())
            }
            (None, Some(text)) => (text.clone(), "--settings-json".to_owned()),
            (None, None) => return Ok(Value::Object(Map::new())),
        };
        settings(&text, &origin)
    }

    /// The recorded session to answer from, if there is one.
    pub(super) fn session(&self) -> Result<Option<Replay>> {
        self.replay_host_capabilities_interactions.as_deref().map(Replay::from_file).transpose()
    }

    /// Lets through to `answers` what the policy may call.
    pub(super) fn gate<A: Answers>(&self, policy: &Policy, answers: A) -> Gate<A> {
        let resources = if self.allow_context_aware { policy.context_aware_resources() } else { Default::default() };
        Gate::new(answers)
            .allow_only(self.allowed_host_capabilities.iter().cloned().collect())
            .with_resources(resources)
    }
}

/// The settings in this text, which may be none.
pub(super) fn settings(text: &str, origin: &str) -> Result<Value> {
    let unreadable = || format!("the settings in {origin} do not parse");
    // JSON is YAML, so one parser reads both. Its own tree takes no key twice, of which another would forget the first.
    let tree: serde_yaml::Value = serde_yaml::from_str(text).with_context(unreadable)?;
    let settings: Value = serde_yaml::from_value(tree).with_context(unreadable)?;
    match settings {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(settings),
        _ => bail!("the settings in {origin} are no mapping; write `key: value` pairs"),
    }
}

/// The request in this file, or on stdin for `-`.
pub(super) fn read_request(path: &Path) -> Result<AdmissionRequest> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = read.with_context(|| format!("cannot read the request {}", path.display()))?;
    AdmissionRequest::from_json(&text).with_context(|| format!("cannot use the request {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_whole_or_not_at_all() {
        // the text, what it holds, the reason
        let table = [
            ("", Some("{}"), "none"),
            ("policy: [{pattern: a}]", Some(r#"{"policy":[{"pattern":"a"}]}"#), "YAML"),
            (r#"{"policy":[{"pattern":"a"}]}"#, Some(r#"{"policy":[{"pattern":"a"}]}"#), "JSON"),
            ("{approve: false, approve: true}", None, "a key twice"),
            (r#"{"a":{"approve":false,"approve":true}}"#, None, "a key twice, deeper and in JSON"),
            ("[1]", None, "no mapping"),
            ("a: [", None, "no YAML"),
        ];
        for (text, expected, reason) in table {
            let settings = settings(text, "a file").ok().map(|settings| settings.to_string());
            assert_eq!(settings.as_deref(), expected, "{reason}");
        }
    }
}
