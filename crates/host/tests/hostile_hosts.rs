//! Does the real module answer like the crate, to the byte, whatever goes wrong with its host?
//!
//! The law itself is asserted natively too (`tests/hostile_hosts.rs`); here a trap would be found, and how the guest reads the host's words.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow};
use image_trust::answer;
use image_trust_host::{
    AdmissionRequest, Answers, ContextAwareResource, Deadline, Gate, HostRequest, Metadata, Policy,
};
use image_trust_testbed::corpus::Case;
use image_trust_testbed::faults::{At, FAULTS, Fault, Faulty, judge, questions};
use image_trust_testbed::session::Host;
use serde_json::{Value, json};

/// The host as the module has it.
struct Words(Faulty);

impl Answers for Words {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let answer = self.0.ask(json!(request));
        if self.0.is_late() {
            // A module's clock can't be turned, but its time budget can be this short.
            thread::sleep(2 * BUDGET);
        }
        answer.map(String::into_bytes).map_err(|text| anyhow!(text))
    }
}

const BUDGET: Duration = Duration::from_millis(1);
/// More than any run takes, or a busy machine would change answers.
const ENOUGH: Duration = Duration::from_secs(30);

/// A case, and what was said without a fault.
struct Known {
    case: Case,
    request: Value,
    session: String,
    before: String,
}

impl Known {
    /// Only cases in which the host is asked.
    fn of(case: Case) -> Option<Known> {
        Some(Known {
            request: case.request.clone()?,
            session: case.session.clone()?,
            before: case.answer()?.text,
            case,
        })
    }

    fn settings(&self, budget: Duration) -> Value {
        let mut settings = self.case.settings.clone();
        settings["features"]["timeBudgetMs"] = json!(budget.as_millis());
        settings
    }

    fn native(&self, settings: &Value, host: &dyn image_trust::host::Host) -> String {
        let payload = json!({"request": self.request, "settings": settings}).to_string();
        serde_json::to_string(&answer::validate(payload.as_bytes(), host)).unwrap()
    }

    /// The error in the module's answer, if there is one.
    fn check(&self, module: &Module, fault: &'static Fault, at: At) -> Result<(), String> {
        let name = &self.case.name;
        let is_late = fault.is_about_time();
        let settings = self.settings(if is_late { BUDGET } else { ENOUGH });
        let request =
            AdmissionRequest::from_json(&self.request.to_string()).map_err(|error| format!("{name}: {error:#}"))?;
        let words = Arc::new(Words(Faulty::new(&self.session, fault, at)));
        let gate = Arc::new(Gate::new(words.clone()).with_resources(module.resources.clone()));
        let came = module.policy.evaluate(&request, &settings, gate, Deadline::Off);
        let answer = came.map(|came| String::from_utf8_lossy(&came.raw).into_owned());
        let answer = answer.map_err(|error| format!("{name}, {} at {at:?}: no answer: {error:#}", fault.name))?;
        judge(&self.case, &self.before, &answer, &words.0)?;
        let native = self.native(&settings, &Host(Faulty::new(&self.session, fault, at)));
        match is_late || answer == native {
            true => Ok(()),
            false => Err(format!("{name}, {} at {at:?}: the crate says otherwise\n  {answer}\n  {native}", fault.name)),
        }
    }
}

struct Module {
    policy: Policy,
    resources: BTreeSet<ContextAwareResource>,
}

/// Every fault at every question, of which every `nth` is tried.
fn check_every(nth: usize) {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
    let metadata: Metadata = serde_yaml::from_str(include_str!("../../../metadata.yml")).unwrap();
    let policy = Policy::load(&module).expect("`make policy.wasm` builds the module");
    // The other kind of the corpus that owns objects, too.
    let rollout = ContextAwareResource { api_version: "argoproj.io/v1alpha1".to_owned(), kind: "Rollout".to_owned() };
    let resources = metadata.context_aware_resources.into_iter().chain([rollout]).collect();
    let module = Module { policy, resources };
    let cases: Vec<Known> = image_trust_testbed::corpus::all().into_iter().filter_map(Known::of).collect();
    let mut runs: Vec<(&Known, &'static Fault, At)> = Vec::new();
    for known in &cases {
        for at in At::all(questions(&known.session)) {
            runs.extend(FAULTS.iter().map(|fault| (known, fault, at)));
        }
    }
    let runs: Vec<_> = runs.into_iter().step_by(nth).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((known, fault, at)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failures.lock().unwrap().extend(known.check(&module, fault, *at).err());
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(runs.len() > 1000, "only {} runs", runs.len());
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), runs.len(), failures.join("\n"));
}

#[test]
fn faults() {
    // About one fault for each question, and each in its turn. All of them take minutes.
    check_every(if std::env::var_os("IMAGE_TRUST_TORTURE").is_some() { 1 } else { 17 });
}
