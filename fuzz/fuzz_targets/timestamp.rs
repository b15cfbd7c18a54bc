//! Does the law of `timestamp` hold?

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    image_trust_testbed::laws::bundles::timestamp(data);
});
