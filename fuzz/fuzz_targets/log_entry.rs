//! Does the law of `log_entry` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::keyless::log_entry(data);
});
