//! Do conditions decide as a slow reference does, over conditions and predicates that nobody wrote?

use std::cell::Cell;

use image_trust_testbed::laws::conditions::generated;
use proptest::{prelude::*, test_runner::TestRunner};

/// Generated pairs; some hundred of them decide by each comparison.
const CASES: u32 = 100_000;

#[test]
fn conditions_decide_as_the_reference_does() {
    let met = Cell::new(0);
    let config = ProptestConfig { failure_persistence: None, cases: CASES, ..ProptestConfig::default() };
    let held = TestRunner::new(config).run(&prop::collection::vec(any::<u8>(), 0..240), |data| {
        met.set(met.get() + u32::from(generated(&data)));
        Ok(())
    });
    assert!(held.is_ok(), "{held:?}");
    // Without this the reference could refuse everything, and the policy too.
    assert!((CASES / 50..CASES / 2).contains(&met.get()), "{} of {CASES} are met", met.get());
}
