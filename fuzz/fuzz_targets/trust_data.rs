//! Does the law of `trust_data` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::notary::trust_data(data);
});
