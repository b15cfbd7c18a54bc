//! Does the law of `attestations` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::attestations::attestations(data);
});
