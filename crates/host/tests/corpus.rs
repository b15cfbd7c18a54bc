//! Does the real module keep every promise of `tests/corpus`, to the byte?

use std::{collections::BTreeSet, path::Path, sync::Arc};

use image_trust_host::{AdmissionRequest, ContextAwareResource, Deadline, Gate, Metadata, Policy, Replay};
use image_trust_testbed::corpus::Case;

#[test]
fn corpus() {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
    let policy = Policy::load(&module).expect("`make policy.wasm` builds the module");
    let metadata: Metadata =
        serde_yaml::from_str(include_str!("../../../metadata.yml")).expect("metadata.yml is metadata");
    let resources = &metadata.context_aware_resources;
    let cases = image_trust_testbed::corpus::all();
    let failures: Vec<String> = cases.iter().filter_map(|case| run(case, &policy, resources).err()).collect();
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn run(case: &Case, policy: &Policy, resources: &BTreeSet<ContextAwareResource>) -> Result<(), String> {
    let said = |error: anyhow::Error| format!("{}: {error:#}", case.name);
    case.check_settings(&policy.check_settings(&case.settings))?;
    let Some(request) = &case.request else { return Ok(()) };
    let request = AdmissionRequest::from_json(request).map_err(said)?;
    let session = Arc::new(Replay::from_yaml(case.session.as_deref().unwrap_or("[]")).map_err(said)?);
    let host = Arc::new(Gate::new(session.clone()).with_resources(resources.clone()));
    let evaluation = policy.evaluate(&request, &case.settings, host, Deadline::default()).map_err(said)?;
    case.check_response(&String::from_utf8_lossy(&evaluation.raw))?;
    case.expect("calls that were not made", &session.leftovers().len(), &0)
}
