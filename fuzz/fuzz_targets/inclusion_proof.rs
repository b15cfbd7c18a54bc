//! Does the law of `inclusion_proof` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::bundles::inclusion_proof(data);
});
