//! Does the law of `trusted_root` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::keyless::trusted_root(data);
});
