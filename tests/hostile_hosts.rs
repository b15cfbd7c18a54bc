//! Is every question to the host that goes wrong a denial, or of no consequence?
//!
//! Natively, where time is the test's. (The harness asks the same of the real module.)

use image_trust::answer;
use image_trust_testbed::corpus;
use image_trust_testbed::faults::{At, FAULTS, Faulty, judge, questions};
use image_trust_testbed::session::Host;

#[test]
fn faults() {
    let (mut runs, mut failures) = (0, Vec::new());
    for case in corpus::all() {
        let (Some(before), Some(session)) = (case.answer(), &case.session) else { continue };
        let payload = case.payload();
        for at in At::all(questions(session)) {
            for fault in &FAULTS {
                let host = Host(Faulty::new(session, fault, at));
                let after = answer::validate(payload.as_bytes(), &host);
                let after = serde_json::to_string(&after).unwrap();
                failures.extend(judge(&case, &before.text, &after, &host.0).err());
                runs += 1;
            }
        }
    }
    assert!(runs > 10_000, "only {runs} runs");
    assert!(failures.is_empty(), "{} of {runs} fail:\n{}", failures.len(), failures.join("\n"));
}
