//! Does the law of `revocation_list` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::notation::revocation_list(data);
});
