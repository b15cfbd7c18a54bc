//! Does the law of `trusted_root` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_fuzz::keyless::trusted_root(data);
});
