//! Does the real module answer every case of the corpus like the crate, to the byte?
//!
//! One test a case, as in `tests/corpus.rs`, which compares the crate's answers with what the rows expect.

use std::{collections::BTreeSet, path::Path, process::ExitCode, sync::Arc};

use image_trust_host::{AdmissionRequest, ContextAwareResource, Deadline, Gate, Metadata, Policy, Replay};
use image_trust_testbed::corpus::{self, Case};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;

struct Module {
    policy: Policy,
    resources: BTreeSet<ContextAwareResource>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
    let policy = Policy::load(&path).expect("`make policy.wasm` builds the module");
    let metadata: Metadata =
        serde_yaml::from_str(include_str!("../../../metadata.yml")).expect("metadata.yml is metadata");
    let resources = metadata.context_aware_resources.into_iter().chain([rollout()]).collect();
    let module = Arc::new(Module { policy, resources });
    let trial = |case: Case| {
        let module = Arc::clone(&module);
        Trial::test(case.name.clone(), move || module.answers_like_the_crate(&case).map_err(Failed::from))
    };
    let trials = corpus::all().into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The other kind of the corpus that owns objects. Operators list such kinds beside those of the metadata.
fn rollout() -> ContextAwareResource {
    ContextAwareResource { api_version: "argoproj.io/v1alpha1".to_owned(), kind: "Rollout".to_owned() }
}

impl Module {
    fn answers_like_the_crate(&self, case: &Case) -> Result<(), String> {
        same(&self.policy.check_settings(&case.settings), &case.check_settings())?;
        let case = unhurried(case);
        let (Some(request), Some(expected)) = (&case.request, case.answer()) else { return Ok(()) };
        let said = |error: anyhow::Error| format!("{error:#}");
        let request = AdmissionRequest::from_json(&request.to_string()).map_err(said)?;
        let session = Arc::new(Replay::from_yaml(case.session.as_deref().unwrap_or("[]")).map_err(said)?);
        let host = Arc::new(Gate::new(session.clone()).with_resources(self.resources.clone()));
        let evaluation = self.policy.evaluate(&request, &case.settings, host, Deadline::Off).map_err(said)?;
        same(&String::from_utf8_lossy(&evaluation.raw).into_owned(), &expected.text)?;
        same(&session.leftovers(), &Vec::new())
    }
}

/// The case with more time than any run takes. Together with a deadline that is off, so that a busy machine changes no answers.
fn unhurried(case: &Case) -> Case {
    let mut case = case.clone();
    if let Some(settings) = case.settings.as_object_mut() {
        let features = settings.entry("features").or_insert_with(|| json!({}));
        if let Some(features) = features.as_object_mut() {
            features.entry("timeBudgetMs").or_insert_with(|| json!(30_000));
        }
    }
    case
}

fn same<T: PartialEq + std::fmt::Debug>(module: &T, expected: &T) -> Result<(), String> {
    match module == expected {
        true => Ok(()),
        false => Err(format!("  module: {module:?}\nexpected: {expected:?}")),
    }
}
